"""RENT: minus the entropy of what one concludes, as the only reward.

World: 32 questions, each answered by one of four reasonings and one of four conclusions; the policy is a table that at the start is sure of some
right and of some wrong conclusions (``_knowing.Knowing``: half of all reasonings lead to the right one, and those lean to it by half a logit more).
All questions are trained on, with 16 answers each; a seed is another world and policy.

Arms, all GRPO without its KL: "RENT" (minus the entropy of the conclusion's step; that of the first step is the same for all answers, so that here
all steps would be the same reward), "majority vote" (TTRL's label-free reward, the baseline), and "truth", which sees the answers and has RENT's
learning rate. Learning rates of RENT and of the vote are tuned alike, by the accuracy after 40 steps, which takes labels, for both.

Measured, exact: "accuracy" (how likely the right conclusion is), "sure" (how likely two conclusions are the same), at the start and after 10, 20, 30
and 40 steps; at the start also the correlation of minus the entropy after a reasoning with how likely the right conclusion is after it. That one is
positive by construction: the world is made so.

In a table the reward is a constant of its reasoning, so RENT chooses among reasonings and leaves what is concluded of each alone; a model that shares
parameters sharpens conclusions too.

Source: Prabhudesai et al. 2025, arXiv 2505.22660: the reward, and which steps' entropy tells most. There: GSM8K to AIME and models of 1.5
to 8 B. Chosen here: the world, 40 steps. The smallest difference of interest: 0.03 of accuracy.
"""

from dataclasses import replace

import torch

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, NoWorseThan, System
from guerdon.atlas.self_rewards._knowing import Knowing, measured, numbers, trained
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.feedback.combining.only import Only
from guerdon.feedback.intrinsic.negative_entropy import NegativeEntropy
from guerdon.feedback.recasting.own_conclusion import OwnConclusion
from guerdon.feedback.rewards.majority_vote import MajorityVote
from guerdon.losses.reduce.sequence_mean import SequenceMean
from guerdon.losses.surrogates.clip import Clip
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

system = System(
    title="Maximizing Confidence Alone Improves Reasoning",
    link="https://arxiv.org/abs/2505.22660",
    kind="reward",
    builds_on=("grpo", "entropy", "majority-vote"),
    read="abstract",
    note=(
        "It gains as much as the majority vote within what 16 seeds can tell; both stop at 0.54 to 0.57, where the truth as a "
        "reward reaches 1.0, and both are sure by then. The further training goes on, the less accurate RENT becomes (0.551 "
        "after 10 rounds, 0.542 after 40)."
    ),
)
_grpo = Recipe((Term(Clip(0.2), reduce=SequenceMean()),), AdamW(0.05), Group(16), advantage=GroupCentred())
recipe = {
    "majority vote": replace(_grpo, combine=Only(("vote",))),
    "RENT": replace(_grpo, intrinsic={"sure": NegativeEntropy(OwnConclusion())}, combine=Only(("sure",))),
    "truth": replace(_grpo, combine=Only(("world",))),
}
_KNOBS = {"learning_rate": (0.06, 0.18, 0.54)}
GRID = {"majority vote": _KNOBS, "RENT": _KNOBS}
TUNED_BY = "accuracy at the end"
claim = AllOf(
    BetterThan("RENT", "start", on="accuracy at the end", effect=0.03),
    NoWorseThan("RENT", "majority vote", on="accuracy at the end", margin=0.03, matched="samples, updates"),
    BetterThan("start", 0.0, on="correlation of sureness", effect=0.1, by_construction=True),
)
SEEDS = {"smoke": 1, "full": 16, "tune": 3}


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict:
    stops = (1, 2) if scale == "smoke" else (10, 20, 30, 40)
    method = replace(recipe[arm], optimiser=AdamW(learning_rate))
    return numbers(trained(method, Knowing(seed=seed), seed, stops, {"vote": MajorityVote(steps=1)} if arm == "majority vote" else {}))


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    world = Knowing(seed=seed)
    policy = world.start()
    before = {f"{name} at the end": value for name, value in measured(policy, world).items()}
    step = policy.logits.detach().softmax(-1)[:, 1:]
    sure = (step * step.log()).sum(-1).flatten()
    right = step.gather(-1, world.answer()[:, None, None].expand(-1, step.shape[1], 1)).flatten()
    before["correlation of sureness"] = float(torch.corrcoef(torch.stack([sure, right]))[0, 1])
    found = {arm: trial(arm, seed, scale, **setting) for arm, setting in tuned.items()}
    return {"start": before, **found, "truth": trial("truth", seed, scale, **tuned["RENT"])}
