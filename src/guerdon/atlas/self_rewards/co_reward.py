"""Co-Reward: the vote on one wording of a question is the label of the other, so that no answer can be right by its own vote.

World: 24 questions in two wordings each, answered by a reasoning and a conclusion; the policy is a table whose logits are half common to both
wordings and half their own (``_knowing.Knowing``), so that what it gets wrong in one wording it may get right in the other. All 48 prompts are
trained on, with 16 answers each; a seed is another world and policy.

Arms, all GRPO without its KL: "majority vote" (the vote on the same wording, the baseline), "RENT" (minus the entropy of the conclusion), "Co-Reward"
(the vote on the other wording) and "truth". Learning rates of the first three are tuned alike, by the accuracy after 40 steps.

Measured, exact: "accuracy" and "sure" after 10, 20, 30 and 40 steps; "agreement", how likely the two wordings are given the same conclusion. "kept":
the accuracy at the end over the best on the way, which is less than 1 where it collapses. The claim is that the cross-view vote has more accuracy
than either and keeps it; the paper's that it comes near the truth's is not one of the leaves: a truth that is seen is learned by heart here.

Source: Zhang et al. 2025, arXiv 2508.00410, section 3.2: votes on the original and the rewritten question, each the label of the other's answers.
There: rewritten by a larger model; MATH, models of 3 to 8 B, and group-relative advantages with a KL. Chosen here: the world, 40 steps, no KL. The
smallest difference of interest: 0.03 of accuracy.
"""

from dataclasses import replace

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, NoWorseThan, System
from guerdon.atlas.self_rewards._knowing import Knowing, conclusions, measured, numbers, trained
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.feedback.combining.only import Only
from guerdon.feedback.intrinsic.negative_entropy import NegativeEntropy
from guerdon.feedback.recasting.own_conclusion import OwnConclusion
from guerdon.feedback.rewards.majority_vote import MajorityVote
from guerdon.feedback.rewards.twin_vote import TwinVote
from guerdon.losses.reduce.sequence_mean import SequenceMean
from guerdon.losses.surrogates.clip import Clip
from guerdon.models.finite.policy import TablePolicy
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

system = System(
    title="Co-Reward: Self-supervised Reinforcement Learning for Large Language Model Reasoning via Contrastive Agreement",
    link="https://arxiv.org/abs/2508.00410",
    kind="reward",
    builds_on=("grpo", "majority-vote", "twin-vote"),
    read="abstract",
    note=(
        "Consistency between two wordings is worth 0.05 over the majority of one and 0.10 over entropy, with tuned rates. It "
        "does not know the truth: 0.75 where the truth as a reward has 0.998."
    ),
)
_grpo = Recipe((Term(Clip(0.2), reduce=SequenceMean()),), AdamW(0.05), Group(16), advantage=GroupCentred())
recipe = {
    "majority vote": replace(_grpo, combine=Only(("vote",))),
    "RENT": replace(_grpo, intrinsic={"sure": NegativeEntropy(OwnConclusion())}, combine=Only(("sure",))),
    "Co-Reward": replace(_grpo, combine=Only(("twin",))),
    "truth": replace(_grpo, combine=Only(("world",))),
}
_JUDGES = {"majority vote": {"vote": MajorityVote(steps=1)}, "Co-Reward": {"twin": TwinVote(steps=1)}}
_KNOBS = {"learning_rate": (0.06, 0.18, 0.54)}
GRID = dict.fromkeys(("majority vote", "RENT", "Co-Reward"), _KNOBS)
TUNED_BY = "accuracy at the end"
claim = AllOf(
    *(
        BetterThan("Co-Reward", other, on="accuracy at the end", effect=0.03, matched="samples, updates")
        for other in ("majority vote", "RENT")
    ),
    BetterThan("Co-Reward", "start", on="accuracy at the end", effect=0.03),
    NoWorseThan("Co-Reward", "majority vote", on="kept", margin=0.03, matched="samples, updates"),
)
SEEDS = {"smoke": 1, "full": 12, "tune": 2}


def look(policy: TablePolicy, world: Knowing) -> dict[str, float]:
    p = conclusions(policy)
    return measured(policy, world) | {"agreement": float((p[::2] * p[1::2]).sum(-1).mean())}


def world_of(seed: int) -> Knowing:
    return Knowing(questions=24, wordings=2, seed=seed)


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict:
    stops, method = (1, 2) if scale == "smoke" else (10, 20, 30, 40), replace(recipe[arm], optimiser=AdamW(learning_rate))
    found = numbers(trained(method, world_of(seed), seed, stops, _JUDGES.get(arm), look))
    return found | {"kept": found["accuracy at the end"] / max(found["accuracy"].values())}


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    found = {arm: trial(arm, seed, scale, **setting) for arm, setting in tuned.items()}
    before = {f"{name} at the end": value for name, value in look(world_of(seed).start(), world_of(seed)).items()}
    return {"start": before, **found, "truth": trial("truth", seed, scale, **tuned["Co-Reward"])}
