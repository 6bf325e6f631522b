"""Re-distillation: what reinforcement learning has found can be taught to the base with few of its answers, fewer than a stranger's would take.

World: 256 problems of four kinds (``atlas._approaches``), half of them practised on and the other half measured; probabilities are sums
over all answers.

Arms: GRPO on the base, 200 steps of 16 problems x 8 answers, 25,600 in all. Then pupils, each the base after 100 steps on batches of 64 out
of the same number of right answers to the practised problems, 256: those of the policy that GRPO has trained ("re-distilled"); those of a
teacher to whom every right answer is as good as another; and the base's own ("rejection sampling", a baseline that could do as well, and
costs no reinforcement learning: the answers are drawn from the base until they are right). GRPO has its best of five learning rates by
accuracy, found first; the pupils have five each.

Measured on the held-out problems: accuracy, and the *sample effect* of each set of answers at the base: by how many thousandths accuracy
rises per unit of a step along their gradient,

    1000 <grad accuracy, grad mean log p(answer)> at the base

Claimed: re-distilled is no worse than GRPO (by at most 0.02), and better than the other two (by more than 0.01); and its sample effect is
larger than theirs (by more than 0.2, a tenth of what the answers of a teacher have).

Source: Chen et al. 2025, arXiv 2505.17988, the abstract, and an article's account of the sample effect (the inner product of an example's
gradient with that of the whole). Of its sections no more was read. Knights and Knaves, and MATH, are there the tasks, with 1,000 and 500
answers of a model of 1.5 billion parameters. The tolerances, the number of answers (two per practised problem) and the third pupil: chosen
here, before an arm was run.
"""

from dataclasses import replace
from functools import lru_cache

import torch
from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, NoWorseThan, System
from guerdon.atlas._approaches import Practice
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.reduce.sequence_mean import SequenceMean
from guerdon.losses.surrogates.clip import Clip
from guerdon.models.finite.policy import TablePolicy
from guerdon.training.loops.fit import fit
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term

GROUP, ANSWERS = 8, 256
RL_RATE = 0.06  # of the policy whose answers are taken; the arm GRPO has its own, tuned

system = System(
    title="Towards Revealing the Effectiveness of Small-Scale Fine-tuning in R1-style Reinforcement Learning",
    link="https://arxiv.org/abs/2505.17988",
    kind="study",
    builds_on=("grpo", "sft", "rejection-sampling"),
    read="abstract",
    note=(
        "Of the gain of GRPO, 0.45, a pupil of 256 of its answers keeps 0.38: far more than of a stranger's or of the base's "
        "own right answers, and 0.07 less than GRPO, where 0.02 was allowed. Its answers also have the largest sample effect at "
        "the base."
    ),
)
_imitation = Recipe((Term(NegativeLogLikelihood()),), AdamW(0.1))
PUPILS = ("teacher's", "rejection sampling", "re-distilled")
recipe = {
    "GRPO": Recipe((Term(Clip(0.2), reduce=SequenceMean()),), AdamW(0.1), Group(GROUP), advantage=GroupCentred()),
    **dict.fromkeys(PUPILS, _imitation),
}
claim = AllOf(
    NoWorseThan("re-distilled", "GRPO", on="accuracy", margin=0.02),
    *(BetterThan("re-distilled", other, on="accuracy", effect=0.01, matched="answers and updates") for other in PUPILS[:2]),
    *(BetterThan("re-distilled", other, on="sample effect", effect=0.2, matched="answers") for other in PUPILS[:2]),
)
SEEDS = {"smoke": 1, "full": 16, "tune": 2}
GRID = {arm: {"learning_rate": (0.015, 0.03, 0.06, 0.12, 0.25)} for arm in recipe}
TUNED_BY = "accuracy"


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict[str, float]:
    small = scale == "smoke"
    practice = Practice(seed, steps=4 if small else 200)
    if arm == "GRPO":
        return measured(reinforced(practice, learning_rate), practice)
    pupil, answers = practice.policy(), shown(arm, practice)
    budget = Budget(4 if small else 100, 64, seed=seed)
    fit(pupil, answers, replace(recipe[arm], optimiser=AdamW(learning_rate)), budget)
    return measured(pupil, practice) | {"sample effect": effect(answers, practice)}


@lru_cache(maxsize=4)
def reinforced(practice: Practice, rate: float) -> TablePolicy:
    return practice.reinforced(replace(recipe["GRPO"], optimiser=AdamW(rate)))


def shown(arm: str, practice: Practice) -> list:
    """Right answers to the practised problems, by whoever the arm learns from."""
    if arm == "teacher's":
        return practice.right_answers(ANSWERS, lambda right: right, arm)
    policy = reinforced(practice, RL_RATE) if arm == "re-distilled" else practice.policy()
    own = policy.log_probabilities()[: practice.problems // 2].exp().detach()
    return practice.right_answers(ANSWERS, lambda right: right * own, arm)


def measured(policy: TablePolicy, practice: Practice) -> dict[str, float]:
    return {"accuracy": float(practice.success(policy).mean().detach())}


def effect(answers: list, practice: Practice) -> float:
    """The inner product of the gradients of held-out accuracy and of the answers' mean log-probability, at the base."""
    policy = practice.policy()
    actions = torch.tensor([e.sides[""].actions for e in answers])
    places = practice.world.tree.index(actions, torch.full((len(answers),), practice.depth))
    prompts = torch.tensor([e.sides[""].context[0] for e in answers])
    said = policy.log_probabilities()[prompts, places].mean()
    return 1000 * float(_gradient(practice.success(policy).mean(), policy) @ _gradient(said, policy))


def _gradient(value: Tensor, policy: TablePolicy) -> Tensor:
    found = torch.autograd.grad(value, list(policy.module.parameters()), retain_graph=True)
    return torch.cat([g.flatten() for g in found])
