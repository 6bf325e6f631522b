"""GRPO-CARE: among right answers, a bonus for those whose conclusion follows from their reasoning, as a slow copy of the policy sees it.

World: 32 questions answered by one of four reasonings and one of four conclusions (``_knowing.Knowing``). A reasoning speaks for one conclusion in
the policy at the start, and half of them speak for a wrong one: then the right conclusion can still be drawn, against the reasoning, and the reward
of the outcome does not tell. All questions are trained on, with 16 answers each; a seed is another world and policy.

Arms: GRPO with its KL penalty (k3 in the loss) and GRPO-CARE, which has the bonus in its place: 1 for right answers whose conclusion is at least as
likely to a moving average of the policy as in the group's right answers on average. Learning rate and the weight of the KL or of the bonus are tuned
alike, by the mean of accuracy and consistency after 10 steps; the average's decay is 0.95. "GRPO, no KL" has GRPO-CARE's learning rate: what the
bonus does beside leaving out the penalty.

Measured, exact: "accuracy", and "consistency": how likely it is that a conclusion is the one for which its reasoning spoke most at the start.

Source: Chen et al. 2025, arXiv 2506.16141, and its authors' code (github.com/TencentARC/GRPO-CARE, ``grpo_trainer_ref_ema.py``: the bonus;
coefficient 1, no margin, no upper bound by default). There a multimodal model of 7 B on videos, and consistency judged by GPT-4. Chosen here: the
world, 10 steps, the decay. The smallest difference of interest: 0.03 of either.
"""

from dataclasses import replace

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, NoWorseThan, System
from guerdon.atlas.self_rewards._knowing import Knowing, measured, numbers, trained
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.feedback.combining.weigh import Weigh
from guerdon.feedback.intrinsic.above_group import AboveGroup
from guerdon.feedback.intrinsic.likelihood import Likelihood
from guerdon.feedback.recasting.own_conclusion import OwnConclusion
from guerdon.losses.penalties.kl_exponential import KLExponential
from guerdon.losses.reduce.sequence_mean import SequenceMean
from guerdon.losses.surrogates.clip import Clip
from guerdon.models.finite.policy import TablePolicy
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term
from guerdon.training.updates.moving_average import MovingAverage

system = System(
    title="GRPO-CARE: Consistency-Aware Reinforcement Learning for Multimodal Reasoning",
    link="https://arxiv.org/abs/2506.16141",
    kind="method",
    builds_on=("grpo", "above-group", "moving-average"),
    read="code",
    note=(
        "Thought and answer agree more often, by 0.04, over both kinds of GRPO; accuracy is at its ceiling for all and cannot "
        "rise, which is why that leaf is equal."
    ),
)
FOLLOWS = AboveGroup(Likelihood(OwnConclusion(), by="ema", over="geometric"), among="world")


def grpo(learning_rate: float, weight: float) -> Recipe:
    kl = (Term(KLExponential(), weight=weight, reduce=SequenceMean()),) if weight else ()
    return Recipe((Term(Clip(0.2), reduce=SequenceMean()), *kl), AdamW(learning_rate), Group(16), advantage=GroupCentred())


def care(learning_rate: float, weight: float) -> Recipe:
    bonus = {"intrinsic": {"follows": FOLLOWS}, "combine": Weigh({"follows": weight})}
    return replace(grpo(learning_rate, 0.0), updates=(MovingAverage(decay=0.95),), **bonus)


recipe = {"GRPO": grpo(0.1, 0.04), "GRPO-CARE": care(0.1, 1.0)}
_RATES = (0.1, 0.3, 0.9)
GRID = {
    "GRPO": {"learning_rate": _RATES, "weight": (0.01, 0.04, 0.16)},
    "GRPO-CARE": {"learning_rate": _RATES, "weight": (0.5, 1.0, 2.0)},
}
TUNED_BY = "both"
claim = AllOf(
    *(
        BetterThan("GRPO-CARE", other, on="consistency at the end", effect=0.03, matched="samples, updates")
        for other in ("GRPO", "GRPO, no KL")
    ),
    BetterThan("GRPO-CARE", "GRPO", on="accuracy at the end", effect=0.03, matched="samples, updates"),
    NoWorseThan("GRPO-CARE", "GRPO, no KL", on="accuracy at the end", margin=0.03, matched="samples, updates"),
)
SEEDS = {"smoke": 1, "full": 10, "tune": 2}


def look(policy: TablePolicy, world: Knowing) -> dict[str, float]:
    said = policy.log_probabilities().detach().exp().unflatten(-1, (world.vocabulary,) * 2)
    spoken_for = world.start().logits.detach()[:, 1:].argmax(-1, keepdim=True)
    return measured(policy, world) | {"consistency": float(said.gather(-1, spoken_for).sum((1, 2)).mean())}


def trial(arm: str, seed: int, scale: str, learning_rate: float, weight: float) -> dict:
    method = (grpo if arm.startswith("GRPO,") or arm == "GRPO" else care)(learning_rate, weight)
    found = numbers(trained(method, Knowing(seed=seed), seed, (1, 2) if scale == "smoke" else (3, 6, 10), look=look))
    return found | {"both": (found["accuracy at the end"] + found["consistency at the end"]) / 2}


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    arms = {arm: trial(arm, seed, scale, **setting) for arm, setting in tuned.items()}
    return {**arms, "GRPO, no KL": trial("GRPO, no KL", seed, scale, tuned["GRPO-CARE"]["learning_rate"], 0.0)}
