"""RLT: a teacher is told the solution and is rewarded for explanations after which its student finds it likely, and which the student might have thought of.

World: eighteen questions of three kinds; an answer is an explanation of two steps, five actions each, and a solution, one of five. The student is a table: which explanation
it gives is its own for each question; what it concludes after one is shared by all questions of a kind, but for N(0, 1/4). After every explanation it leans to some
solution by 1 + |z| logits, so that a fifth of the explanations make a question's solution likely, and which it gives has nothing to do with that. What it learns of one
question after an explanation acts on the others that are explained so. A teacher explains, at the start as the student would, but for N(0, 1/4) at each logit. A seed is
another world, student and teacher.

Arms: the student is fine-tuned for 20 steps on four traces to each question, all of which end with the right solution. The traces are of "untrained" (the teacher as it
starts, the baseline), of "correctness RL" (a policy that begins as the student, GRPO for ten steps on whether its solution is right; of its traces those that are right), of
"RLT" (the teacher after ten steps of GRPO on the recipe's reward), and of "RLT, no KL" (the same without the divergence, with RLT's settings). Groups have 8 answers. Tuned
alike, twelve settings each, by the student's accuracy: the rate of fine-tuning, the teacher's rate, and the weight of RLT's divergence.

Measured, exact: "accuracy", how likely the student's solution is right, the explanation summed out. "telling": in how many groups of the teacher's
first step rewards differ; that all of RLT's do follows from what it is rewarded with. The smallest difference of interest: 0.03 of accuracy.

A first world, in which all arms came near an accuracy of 1, was left for this one after a seed of them.

Source: Cetin et al. 2025, arXiv 2506.08388, and its authors' code (SakanaAI/RLT: ``teacher_rewards.py``, ``teacher_rlt.yaml``), see the recipe
``reinforcement_learned_teacher``. There models of 7 B and more on mathematics, the traces of other pipelines as baselines. Chosen here: world, sizes, no KL in the loss.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import torch
from torch import Tensor, nn

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, System
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.feedback.combining.only import Only
from guerdon.feedback.combining.weigh import Weigh
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.reduce.sequence_mean import SequenceMean
from guerdon.losses.surrogates.clip import Clip
from guerdon.models.finite.policy import TablePolicy
from guerdon.models.finite.tree import PrefixTree
from guerdon.randomness import derive, generator
from guerdon.recipes.reinforcement_learned_teacher import recipe as rlt
from guerdon.sequences import Decoding, Example, Side
from guerdon.training.judging import FiniteScene
from guerdon.training.loops.fit import fit
from guerdon.training.loops.improve import improve
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.worlds.finite.enumerable import EnumerableWorld

system = System(
    title="Reinforcement Learning Teachers of Test Time Scaling",
    link="https://arxiv.org/abs/2506.08388",
    kind="method",
    builds_on=("grpo", "explained-solution", "weakest-step", "other-prompt", "sft"),
    read="code",
    note=(
        "Explanations of a teacher that is paid for how well a student follows serve the student 0.19 better than an untrained "
        "teacher's. Against the right ones among those of a policy that is paid for being right nothing is gained (0.014 "
        "behind, undecided), though a fifth of that one's first groups said nothing; the KL makes no difference (0.003)."
    ),
)
QUESTIONS, KINDS, VOCABULARY, TRACES = 18, 3, 5, 4
TEACHING, TELLING = PrefixTree(VOCABULARY, 2), PrefixTree(VOCABULARY, 3)
KIND = torch.arange(QUESTIONS) % KINDS
_grpo = Recipe((Term(Clip(0.2), reduce=SequenceMean()),), AdamW(0.3), Group(8), advantage=GroupCentred())
recipe = {
    "SFT": Recipe((Term(NegativeLogLikelihood()),), AdamW(0.1)),
    "correctness RL": _grpo,
    "RLT": replace(_grpo, intrinsic=rlt.intrinsic, combine=rlt.combine),
}
_RATES = (0.12, 0.24, 0.48)
GRID = {
    "untrained": {"rate": (0.02, 0.03, 0.04, 0.06, 0.09, 0.12, 0.18, 0.24, 0.36, 0.48, 0.72, 0.96)},
    "correctness RL": {"rate": _RATES, "teacher_rate": (0.1, 0.3, 0.9, 2.7)},
    "RLT": {"rate": _RATES, "teacher_rate": (0.3, 0.9), "apart": (0.3, 1.0)},
}
TUNED_BY = "accuracy"
claim = AllOf(
    BetterThan("RLT", "untrained", on="accuracy", effect=0.03, matched="traces, updates of the student"),
    BetterThan("RLT", "correctness RL", on="accuracy", effect=0.03, matched="traces, updates"),
    BetterThan("RLT", "RLT, no KL", on="accuracy", effect=0.03, matched="traces, updates"),
    BetterThan("RLT", "correctness RL", on="telling", effect=0.1, by_construction=True),
)
SEEDS = {"smoke": 1, "full": 16, "tune": 3}


@dataclass(frozen=True)
class Answered(EnumerableWorld):
    """The questions. Answers of three steps are rewarded where they end in the right solution, explanations of two never."""

    seed: int
    depth: int

    contexts = QUESTIONS

    @property
    def tree(self) -> PrefixTree:
        return PrefixTree(VOCABULARY, self.depth)

    def rewards(self) -> Tensor:
        return right(self.seed) if self.depth == TELLING.depth else torch.zeros(QUESTIONS, self.tree.size, dtype=torch.float64)


class Student(TablePolicy):
    """``module`` holds ``explains`` [C, 1 + V, V] and ``concludes`` [K, V * V, V]; saved, it is the whole table."""

    def __init__(self, explains: Tensor, concludes: Tensor, own: Tensor) -> None:
        super().__init__(TELLING, torch.cat([explains, concludes[KIND] + own], 1))
        self.own = own
        self.module = nn.ParameterDict({"explains": nn.Parameter(explains.clone()), "concludes": nn.Parameter(concludes.clone())})

    @property
    def logits(self) -> Tensor:
        return torch.cat([self.module["explains"], self.module["concludes"][KIND] + self.own], 1)


def solution(seed: int) -> Tensor:
    """[C], the right solutions."""
    return torch.randint(VOCABULARY, (QUESTIONS,), generator=generator(seed, "solution"))


def right(seed: int) -> Tensor:
    """[C, S], 1 for an answer that ends in the right solution."""
    return (TELLING.actions[:, -1] == solution(seed).unsqueeze(-1)).double()


@lru_cache(maxsize=4)
def tables(seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """What the student begins with."""

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, dtype=torch.float64, generator=rng)

    rng, explained = generator(seed, "student"), VOCABULARY**2
    leads = torch.randint(VOCABULARY, (KINDS, explained, 1), generator=rng)
    concludes = torch.zeros(KINDS, explained, VOCABULARY, dtype=torch.float64).scatter(-1, leads, 1 + normal(KINDS, explained, 1).abs())
    return normal(QUESTIONS, TEACHING.prefixes, VOCABULARY), concludes, 0.5 * normal(QUESTIONS, explained, VOCABULARY)


def student_of(seed: int) -> Student:
    return Student(*tables(seed))


def teacher_of(seed: int) -> TablePolicy:
    """It explains about as the student does."""
    explains = tables(seed)[0]
    other = 0.5 * torch.randn(explains.shape, dtype=torch.float64, generator=generator(seed, "teacher"))
    return TablePolicy(TEACHING, explains + other)


def practised(policy: TablePolicy, method: Recipe, seed: int, scale: str) -> float:
    """Train a teacher; in how many groups of its first step rewards differ."""
    told = solution(seed)
    rows = [{"prompt": i, "question": i, "solution": [int(told[i])]} for i in range(QUESTIONS)]
    views = {"student": student_of(seed).reference()} if method.intrinsic else {}
    budget = Budget(2 if scale == "smoke" else 10, batch_size=QUESTIONS, seed=derive(seed, "practice"))
    found = improve(
        policy, FiniteScene(Answered(seed, policy.tree.depth)), rows, method, budget, Decoding(policy.tree.depth), learners=views
    )
    return 1 - float(found.history[1]["frac_reward_zero_std"])


def taught(explained: Tensor, seed: int, scale: str, rate: float) -> float:
    """The accuracy of a student that was fine-tuned on explanations, log-weights [C, V * V]."""
    drawn = torch.multinomial(explained.softmax(-1), TRACES, replacement=True, generator=generator(seed, "traces"))
    told, student = solution(seed), student_of(seed)
    traces = [
        Example({"": Side((i,), (*TEACHING.actions[which].tolist(), int(told[i])), (True,) * 3)})
        for i in range(QUESTIONS)
        for which in drawn[i]
    ]
    sft = replace(recipe["SFT"], optimiser=AdamW(rate))
    fit(student, traces, sft, Budget(2 if scale == "smoke" else 20, batch_size=len(traces)))
    return float(student.expect(right(seed)).detach().mean())


def trial(arm: str, seed: int, scale: str, rate: float, teacher_rate: float = 0.3, apart: float = 3.0) -> dict[str, float]:
    if arm == "correctness RL":
        policy, method = student_of(seed), replace(recipe[arm], optimiser=AdamW(teacher_rate))
        telling = practised(policy, method, seed, scale)
        said = (policy.log_probabilities().detach().exp() * right(seed)).unflatten(-1, (-1, VOCABULARY)).sum(-1).log()
    else:
        policy, telling = teacher_of(seed), 0.0
        if arm != "untrained":
            weights = {"weakest": 0.01, "teacher": -apart, "student": apart}
            method = replace(recipe["RLT"], optimiser=AdamW(teacher_rate), combine=Only(tuple(rlt.intrinsic), Weigh(weights)))
            telling = practised(policy, method, seed, scale)
        said = policy.log_probabilities().detach()
    return {"accuracy": taught(said, seed, scale, rate), "telling": telling}


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    arms = {arm: trial(arm, seed, scale, **setting) for arm, setting in tuned.items()}
    return {**arms, "RLT, no KL": trial("RLT, no KL", seed, scale, **tuned["RLT"] | {"apart": 0.0})}
