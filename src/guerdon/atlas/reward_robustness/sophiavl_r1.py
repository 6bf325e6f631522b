"""SophiaVL-R1: a score of the thinking helps where it is right, and where it is not, it is trusted as far as right answers have more of it than wrong
ones.

World: 32 questions answered by one of four reasonings and one of four conclusions (``self_rewards._knowing.Knowing``); all are trained on, with 16
answers each. A model scores the reasoning from 0 to 1: by how likely the right conclusion is after it in the policy at the start, and on every second
question the other way round, so that it prefers what leads to wrong conclusions. A seed is another world and policy.

Arms: "outcome": GRPO on whether the conclusion is right; "added": 0.3 of the score besides; "trusted": the same, weighed by trust; "trusted,
falling": and the weight falls to a tenth over the run. The learning rate of each is tuned, by the accuracy after 6 steps.

Measured, exact: accuracy along the steps; "accuracy, misled" and "accuracy, helped": on the questions where the score is wrong and where it is right.

Waits for images: there a model of 7 B reads pictures, and a trained model scores its thinking. The weight, the trust, and that a group of one kind
has no score are its own.

Source: Fan et al. 2025, arXiv 2505.17018, and its authors' code (github.com/kxfan2002/SophiaVL-R1, ``verl/workers/reward/custom.py``; see the part
for where that differs). Chosen here: the world, 6 steps, and how far the weight falls. The smallest difference of interest: 0.02 of accuracy.
"""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, System
from guerdon.atlas.self_rewards._knowing import Knowing, conclusions, numbers, trained
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.feedback.combining.weigh import Weigh
from guerdon.feedback.shaping.trust_weighted import TrustWeighted
from guerdon.losses.reduce.sequence_mean import SequenceMean
from guerdon.losses.surrogates.clip import Clip
from guerdon.models.finite.policy import TablePolicy
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term
from guerdon.training.schedules.exponential import Exponential

system = System(
    title="SophiaVL-R1: Reinforcing MLLMs Reasoning with Thinking Reward",
    link="https://arxiv.org/abs/2505.17018",
    kind="method",
    builds_on=("grpo", "trust-weighted"),
    read="code",
    note=(
        "Added as it is, a score that misleads on half of the questions costs 0.09 of accuracy; weighed by trust it costs nothing. Nor does it gain anything over the "
        "outcome alone, which is at its ceiling once its learning rate is tuned; that the weight falls makes no difference then."
    ),
    waits_for="pictures to think about",
)
WEIGHT, THINKING = 0.3, "thinking"


def grpo(learning_rate: float) -> Recipe:
    terms = (Term(Clip(0.2), reduce=SequenceMean()),)
    return Recipe(terms, AdamW(learning_rate), Group(4), advantage=GroupCentred(), combine=Weigh({THINKING: 0.0}))


def method(arm: str, learning_rate: float) -> Recipe:
    if arm == "outcome":
        return grpo(learning_rate)
    if arm == "added":
        return replace(grpo(learning_rate), combine=Weigh({THINKING: WEIGHT}))
    weight = Exponential(WEIGHT, 0.1) if arm == "trusted, falling" else WEIGHT
    return replace(grpo(learning_rate), shaping=(TrustWeighted(THINKING, weight),))


ARMS = ("outcome", "added", "trusted", "trusted, falling")
recipe = {arm: method(arm, 0.3) for arm in ARMS}
GRID = {arm: {"learning_rate": (0.1, 0.3, 0.9)} for arm in ARMS}
TUNED_BY = "accuracy at the end"
claim = AllOf(
    *(BetterThan(arm, other, on="accuracy at the end", effect=0.02, matched="samples, updates") for arm in ARMS[2:] for other in ARMS[:2])
)
SEEDS = {"smoke": 1, "full": 10, "tune": 2}


def scored(world: Knowing) -> Tensor:
    """[C, V], what the model says of each reasoning."""
    after = world.start().logits.detach()[:, 1:].softmax(-1)
    right = after.gather(-1, world.answer().view(-1, 1, 1).expand(-1, world.vocabulary, 1)).squeeze(-1)
    misled = (torch.arange(world.contexts) % 2 == 1).unsqueeze(-1)
    return torch.where(misled, 1 - right, right)


def thinking(world: Knowing) -> Callable[..., list[float]]:
    """It as a reward of completions."""
    table = scored(world)

    def reward(prompts: list, completions: list, **columns: list) -> list[float]:
        return [float(table[int(question), answer[0]]) for question, answer in zip(prompts, completions, strict=True)]

    return reward


def look(policy: TablePolicy, world: Knowing) -> dict[str, float]:
    right = conclusions(policy).gather(-1, world.answer().unsqueeze(-1)).squeeze(-1)
    return {"accuracy": float(right.mean()), "accuracy, helped": float(right[::2].mean()), "accuracy, misled": float(right[1::2].mean())}


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict:
    world = Knowing(seed=seed)
    stops = (1, 2) if scale == "smoke" else (2, 4, 6)
    return numbers(trained(method(arm, learning_rate), world, seed, stops, {THINKING: thinking(world)}, look=look))
