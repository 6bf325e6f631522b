"""GRPO-lambda: the penalty of length is for those prompts of the batch that are solved most often.

World: problems that need one to five thoughts before an answer is more than a guess (``worlds.finite.pondering``), and a policy of tables that begins with
idle steps among its thoughts and shares what it learns between problems of a kind. A short guess that is right by luck earns most under a penalty, so that a
penalty may teach to guess.

Arms: GRPO; GRPO with the penalty for all prompts; GRPO-lambda, the same penalty for the most often solved fifth, two fifths or three fifths of them. Each
with 16 problems x 8 answers and one step of AdamW for 40 rounds, at four weights of the penalty.

Tuned: the learning rate, and of GRPO-lambda the share instead of a second grid of rates (as many trials), by accuracy less 0.05 for a step of length.
Compared: accuracy and length at the weight 0.4, and accuracy at equal length over weights. Differences of 0.02 of accuracy and 0.1 steps are of interest.

Source: arXiv 2505.18086, by its abstract and a summary of its method; the penalty is that of Arora and Zanette, arXiv 2502.04463. Chosen here: world,
weights, shares.
"""

from dataclasses import replace

from guerdon.atlas import AheadAlong, AllOf, BetterThan, Knob, NoWorseThan, System
from guerdon.atlas.efficiency_length._pondering import GRPO, trained
from guerdon.feedback.shaping.standardised_length import StandardisedLength
from guerdon.feedback.shaping.where_solved import WhereSolved
from guerdon.training.optimiser import AdamW

system = System(
    title="Stable Reinforcement Learning for Efficient Reasoning",
    link="https://arxiv.org/abs/2505.18086",
    kind="method",
    builds_on=("grpo", "standardised-length", "where-solved"),
    read="abstract",
    note=(
        "The penalty for the few prompts that are solved most often takes 0.09 steps off, of 4.7, and costs no accuracy; the "
        "penalty for all takes a quarter off and costs 0.17. At lengths that both reach the two cannot be compared on every "
        "seed, so the claim about the frontier stays open."
    ),
)
WEIGHTS = (0.2, 0.4, 0.6, 0.8)
recipe = {
    "grpo": GRPO,
    "penalty": replace(GRPO, shaping=(StandardisedLength(),)),
    "lambda": replace(GRPO, shaping=(WhereSolved(StandardisedLength()),)),
}
claim = AllOf(
    NoWorseThan("lambda", "grpo", on="accuracy", at=0.4, margin=0.02, matched="samples, updates"),
    BetterThan("lambda", "grpo", on="length", at=0.4, effect=0.1, lower_is_better=True, matched="samples, updates"),
    BetterThan("lambda", "penalty", on="accuracy", at=0.4, effect=0.02, matched="samples, updates"),
    AheadAlong("lambda", "penalty", on="accuracy", along="length", effect=0.02),
)
SEEDS = {"smoke": 1, "full": 8, "tune": 2}
RATES, SHARES = (0.1, 0.2, 0.4), Knob((0.2, 0.4, 0.6), least=0.0, most=1.0)
GRID = {"grpo": {"learning_rate": RATES}, "penalty": {"learning_rate": RATES}, "lambda": {"share": SHARES}}
TUNED_BY = "worth"


def trial(arm: str, seed: int, scale: str, learning_rate: float = 0.2, share: float = 0.2) -> dict:
    """Accuracy and length at each weight."""
    method, found = replace(GRPO, optimiser=AdamW(learning_rate)), {}
    for weight in WEIGHTS:
        penalty = StandardisedLength(weight)
        shaping = {"grpo": (), "penalty": (penalty,), "lambda": (WhereSolved(penalty, share),)}[arm]
        if arm == "grpo" and found:
            found[weight] = found[WEIGHTS[0]]
        else:
            found[weight] = trained(replace(method, shaping=shaping), seed, 1 if scale == "smoke" else 40)
    curves = {name: {weight: each[name] for weight, each in found.items()} for name in ("accuracy", "length")}
    worth = sum(each["accuracy"] - 0.05 * each["length"] for each in found.values()) / len(found)
    return {"worth": worth} | curves
