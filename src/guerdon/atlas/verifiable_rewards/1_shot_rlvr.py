"""One training example: what is learned from a single problem carries over to the others.

World: 256 problems of one kind (``atlas._approaches``), half of them to practise on and the other half measured. What is trained is a
shift that all problems share: a single problem can teach what works on most of them, or what works on it alone.

Arms, GRPO with an entropy bonus of 0.01, 100 steps of 128 answers, no KL: "all problems", 16 x 8 answers a step; "one problem", the one
of which the base's success varies most (nearest to 1/2), 16 times a step; "one problem, of little variance", the median by the base's
success of those that it solves; and "entropy alone" on the one problem, without the reward. All have five learning rates and take the one
with the best success at the end.

Measured, exact: "success" on held-out problems along 5, 10, 20, 50 and 100 steps and "at the end"; "after saturation", how much of it is
gained between the first of these stops at which the practised problem is solved with probability 0.95 and the end (0 where it never is).

Claimed: one problem makes the held-out ones more likely to be solved than they are at the base; it is no worse than all problems (margin
0.05); it is better than the problem of little variance; entropy alone gains less; success goes on growing after saturation.

Source: Wang et al. 2025, arXiv 2504.20571: the abstract, and a summary of the selection by historical variance, for which there an
earlier run's accuracies stand and here the base's own success. Chosen here, before an arm was run: the world, the margins (0.02 of
success, 0.05 against all problems). Nothing here was pretrained: where a model can only be told to use what it has, one example may do
more than in a table that has to find out what works.
"""

from dataclasses import replace

import torch

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, NoWorseThan, System
from guerdon.atlas._approaches import Practice
from guerdon.atlas._text import Along
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.losses.penalties.entropy import Entropy
from guerdon.losses.reduce.sequence_mean import SequenceMean
from guerdon.losses.surrogates.clip import Clip
from guerdon.sequences import Decoding
from guerdon.training.judging import FiniteScene
from guerdon.training.loops.improve import improve
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term

system = System(
    title="Reinforcement Learning for Reasoning in Large Language Models with One Training Example",
    link="https://arxiv.org/abs/2504.20571",
    kind="study",
    builds_on=("grpo", "entropy-bonus", "historical-variance-selection"),
    read="abstract",
    waits_for="a pretrained model that is held back by something all problems share",
    note=(
        "One problem lifts the others by 0.08, a sixth of what all problems do. Which problem it is matters less than 16 seeds "
        "can show, nothing more is gained once it is solved, and an entropy bonus alone gains nothing."
    ),
)
_entropy = Term(Entropy(), weight=0.01, reduce=SequenceMean())
_grpo = Recipe((Term(Clip(0.2), reduce=SequenceMean()), _entropy), AdamW(0.1), Group(8), advantage=GroupCentred())
ONE, OTHER, ALONE = "one problem", "one problem, of little variance", "entropy alone"
recipe = {"all problems": _grpo, ONE: _grpo, OTHER: _grpo, ALONE: replace(_grpo, terms=(_entropy,))}
STOPS, SATURATED = (5, 10, 20, 50, 100), 0.95
claim = AllOf(
    BetterThan(ONE, "base", on="at the end", effect=0.02),
    NoWorseThan(ONE, "all problems", on="at the end", margin=0.05, matched="samples, updates"),
    BetterThan(ONE, OTHER, on="at the end", effect=0.02, matched="samples, updates"),
    BetterThan(ONE, ALONE, on="at the end", effect=0.02, matched="samples, updates"),
    BetterThan(ONE, 0.0, on="after saturation", effect=0.01),
)
SEEDS = {"smoke": 1, "full": 16, "tune": 2}
GRID = {arm: {"learning_rate": (0.01, 0.03, 0.1, 0.3, 1.0)} for arm in recipe}
TUNED_BY = "at the end"


def practice_of(seed: int) -> Practice:
    return Practice(seed, 0, kinds=1)


def rows_of(arm: str, practice: Practice) -> list[dict[str, int]]:
    """What is practised on, of the half that may be."""
    if arm == "all problems":
        return practice.practised
    rate = practice.success(practice.policy(), held_out=False).detach()
    solved = (rate > 1e-3).nonzero().flatten()
    median = solved[rate[solved].argsort()[len(solved) // 2]]
    return [practice.practised[int(median if arm == OTHER else (rate - 0.5).abs().argmin())]] * practice.prompts


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict:
    practice, rows, stops = practice_of(seed), rows_of(arm, practice_of(seed)), STOPS if scale == "full" else (1, 2)
    policy, chosen = practice.policy(), sorted({row["prompt"] for row in rows})

    @torch.no_grad()
    def look() -> dict[str, float]:
        return {"success": float(practice.success(policy).mean()), "here": float(practice.success(policy, held_out=False)[chosen].mean())}

    display = Along(stops, look)
    method, budget = replace(recipe[arm], optimiser=AdamW(learning_rate)), Budget(stops[-1], practice.prompts, seed=seed)
    improve(policy, FiniteScene(practice.world), rows, method, budget, Decoding(practice.depth), display=display)
    end = display.seen[stops[-1]]["success"]
    saturated = [found["success"] for found in display.seen.values() if found["here"] >= SATURATED]
    return {"at the end": end, "after saturation": end - saturated[0] if saturated else 0.0}


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    practice = practice_of(seed)
    base = {"at the end": float(practice.success(practice.policy()).detach().mean()), "after saturation": 0.0}
    return {"base": base} | {arm: trial(arm, seed, scale, **chosen) for arm, chosen in tuned.items()}
