"""RLAIF: is it the feedback that helps, or that who gives it is better than who wrote the demonstrations?

A full factorial, in two worlds: demonstrations of a weak or of a strong teacher; and after them nothing, or DPO on the verdicts of a weak
or of a strong critic on pairs of the student's own answers. Every pipeline buys 1,000 answers and verdicts: all of them demonstrations, or
a tenth of them (the paper's share) and then verdicts.

*Bandit* (the paper's, section 5, figure 6; a hundred times cheaper than text): a hundred answers, each worth its rank. The teachers'
answers lie around rank 40 and 80, with the same width. The strong critic is always right; the weak one sees ranks with an error for each
answer, as large as the deviation of all ranks. SFT is maximum likelihood of the counts and of one answer that is spread evenly; DPO is
brought to the minimum of its loss (200 iterations of L-BFGS) with beta = 0.1, the paper's here (0.03 to 3 end within 0.1 ranks of each
other: the critic's verdicts do not contradict each other). Measured: the mean rank, by enumeration.

*Text*: ``worlds.text.gold_reward`` and a model of one layer that starts from nothing. The weak teacher writes any text; the strong one the
best of four, which lies at four fifths of all ranks, as in the bandit. The critics see the true worth, the weak one with an error for each
text of 2.0, about the deviation of the worth. SFT has 120 steps of 64, or 40 of 32 where there are a hundred demonstrations; DPO 28 steps
of 32 pairs, beta 0.1, a learning rate from 0.001, 0.003 and 0.01, the best true worth of (weak teacher, strong critic) on seeds 100 to 102,
which are not reported: 0.01. Measured: the true worth of two answers to each of 256 held-out prompts.

*Gain* is what a pipeline is ahead of all demonstrations by the same teacher. "Adds little" is less than a fifth of what the strong
teacher's demonstrations are ahead of the weak one's, which is 8 of 40 ranks and 0.4 of 1.9 in worth.

Source: Sharma et al. 2024, arXiv 2402.12366: the factorial, figure 3 (a tenth of the prompts for SFT), the bandit of section 5 and figure
6, and its authors' notebook. Its students are of 7B, its demonstrations by GPT-3.5 and GPT-4, its critics GPT-4 and Claude, its measure the
win rate that GPT-4 gives; its reinforcement learning is DPO as well. What depends on base models is not here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, NoWorseThan, System
from guerdon.atlas._comparing import ComparisonWorld, minimise
from guerdon.atlas._text import answers
from guerdon.data.curation.best_worst_pairs import BestWorstPairs
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.models.finite.policy import TablePolicy
from guerdon.models.finite.tabular import Tabular
from guerdon.models.language.small_language_model import SmallLanguageModel
from guerdon.randomness import generator
from guerdon.sequences import Decoding, Example
from guerdon.training.jobs import FitJob, SearchJob
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.training.schedules.linear import Linear
from guerdon.training.stages import Pipeline, Stage
from guerdon.worlds.text.gold_reward import GoldReward

system = System(
    title="A Critical Evaluation of AI Feedback for Aligning Large Language Models",
    link="https://arxiv.org/abs/2402.12366",
    kind="study",
    builds_on=("sft", "dpo", "best-worst-pairs"),
    note=(
        "Seen: in the bandit the paper's picture holds but for its last stroke: feedback on a weak student's answers gains 27 ranks and"
        " ends below the strong teacher's demonstrations (67 against 78), as it cannot prefer what the student never says; feedback "
        "after the strong teacher still adds 19 ranks. In text, where worth is a sum over letters, DPO carries over to texts that the "
        "student never wrote, and feedback after the weak teacher leaves the demonstrations of the strong one far behind (6.0 against "
        "2.2), with the weak critic no less than with the strong one: its errors average out over letters."
    ),
)
CALLS, FIRST = 1000, 100  # answers and verdicts that are bought for a pipeline; how many of them are demonstrations, where verdicts follow
ANSWERS, BETA = 100, 0.1
CENTRES = {"weak": 40, "strong": 80}  # of the bandit's teachers, in ranks
BEST_OF = {"weak": 1, "strong": 4}  # texts, of which a teacher shows the best
SPREAD = 2.0  # of the weak critic's errors in text
DECODING = Decoding(14)


def imitate(rate: float = 1e-2) -> Recipe:
    return Recipe((Term(NegativeLogLikelihood()),), AdamW(Linear(rate, warmup=0.1)))


def prefer(rate: float = 1e-2) -> Recipe:
    return Recipe((Term(Pairwise(LogRatio(BETA), Logistic())),), AdamW(Linear(rate, warmup=0.1)))


recipe = {"SFT": imitate(), "DPO": prefer()}
WORLDS = ("rank", "gold")
LITTLE = {"rank": 8.0, "gold": 0.4}
PIPELINES = tuple((teacher, critic) for teacher in CENTRES for critic in (None, "weak", "strong"))


def name_of(teacher: str, critic: str | None) -> str:
    return f"{teacher} teacher" + (f", {critic} critic" if critic else "")


claim = AllOf(
    *(BetterThan("weak teacher, strong critic", "weak teacher", on=world) for world in WORLDS),
    *(NoWorseThan("strong teacher", "weak teacher, strong critic", on=world) for world in WORLDS),
    *(BetterThan("weak teacher, strong critic", "strong teacher, strong critic", on=f"gain in {world}") for world in WORLDS),
    *(NoWorseThan("strong teacher", "strong teacher, strong critic", on=world, margin=LITTLE[world]) for world in WORLDS),
)
SEEDS = {"smoke": 1, "full": 6}


def experiment(seed: int, scale: str) -> dict:
    small = scale == "smoke"
    worth = {"rank": Bandit(seed, CALLS // 10 if small else CALLS).measured(), "gold": on_text(seed, scale, prefer())}
    arms = {}
    for teacher, critic in PIPELINES:
        arms[name_of(teacher, critic)] = {measure: values[teacher, critic] for measure, values in worth.items()}
        if critic:
            arms[name_of(teacher, critic)] |= {
                f"gain in {m}": values[teacher, critic] - values[teacher, None] for m, values in worth.items()
            }
    return arms


class Bandit:
    """The paper's: a hundred answers, of which each is worth its rank."""

    def __init__(self, seed: int, calls: int):
        self.seed, self.calls, self.first = seed, calls, calls * FIRST // CALLS
        self.reward = torch.arange(ANSWERS, dtype=torch.float64)
        mistaken = self.reward.std() * torch.randn(ANSWERS, dtype=torch.float64, generator=generator(seed, "the weak critic"))
        self.seen = {"weak": self.reward + mistaken, "strong": self.reward}

    def measured(self) -> dict[tuple[str, str | None], float]:
        """The mean rank of what a student answers, for each pipeline."""
        found = {}
        for teacher, critic in PIPELINES:
            policy = self.preferring(self.imitating(teacher, self.first), critic) if critic else self.imitating(teacher, self.calls)
            found[teacher, critic] = float(policy.expect(self.reward).detach())
        return found

    def imitating(self, teacher: str, calls: int) -> TablePolicy:
        """Maximum likelihood of ``calls`` answers, and of one that is spread evenly, so that nothing is impossible."""
        chances = torch.softmax(-((self.reward - CENTRES[teacher]) ** 2) / 300, 0)
        drawn = torch.multinomial(chances, calls, replacement=True, generator=generator(self.seed, "demonstrations", teacher))
        count = torch.bincount(drawn, minlength=ANSWERS).double() + 1 / ANSWERS
        policy = Tabular(1, ANSWERS).build()
        world = ComparisonWorld(self.reward, Tabular(1, ANSWERS).build, BETA)
        shown = [Example({"": world.side(answer)}, {"weight": float(weight)}) for answer, weight in enumerate(count / count.mean())]
        minimise(policy, imitate().terms, shown)
        return policy

    def preferring(self, start: TablePolicy, critic: str) -> TablePolicy:
        """DPO on the critic's verdicts on pairs of the student's own answers."""
        seen, logits = self.seen[critic], start.logits.detach()[:, 0].tolist()
        world = ComparisonWorld(self.reward, lambda: start, BETA, (seen.unsqueeze(-1) > seen).double())
        pairs = world.drawn(self.calls - self.first, world.reference_probabilities, self.seed)
        policy = Tabular(1, ANSWERS, tuple(map(tuple, logits))).build()
        minimise(policy, prefer().terms, world.counted(pairs), start)
        return policy


# Text


@dataclass(frozen=True)
class Teacher:
    """Demonstrations: for each prompt the best of a few texts by their true worth."""

    world: GoldReward
    best_of: int
    rows: int

    def train(self) -> Sequence[Mapping[str, Any]]:
        drawn = [self.world.demonstrations(self.rows, seed) for seed in range(self.best_of)]  # texts do not depend on the prompt
        prompts = [row["prompt"] for row in drawn[0]]
        texts = [[row["completion"] for row in rows] for rows in zip(*drawn, strict=True)]
        return [
            {"prompt": p, "completion": max(own, key=lambda text: self.world.gold([p], [text]))}
            for p, own in zip(prompts, texts, strict=True)
        ]

    def test(self) -> Sequence[Mapping[str, Any]]:
        return []


@dataclass(frozen=True)
class Critic:
    """The true worth of a text as a critic sees it: with an error of its own for each text."""

    world: GoldReward
    deviation: float

    def __call__(self, prompts: list[Any], completions: list[Any]) -> list[float]:
        gold = self.world.gold(prompts, completions)
        return [worth + self.deviation * self._error(p, c) for worth, p, c in zip(gold, prompts, completions, strict=True)]

    def _error(self, prompt: str, completion: str) -> float:
        return float(torch.randn((), generator=generator(self.world.seed, "the weak critic", prompt, completion)))


def on_text(seed: int, scale: str, method: Recipe) -> dict[tuple[str, str | None], float]:
    """The mean true worth of what a student answers to held-out prompts, for each pipeline."""
    done, world = text_pipeline(seed, scale, method).run(seed), GoldReward(seed=seed)
    found = {}
    for teacher, critic in PIPELINES:
        _, judged = answers(done[name_of(teacher, critic)].model, world, DECODING, seed, {"gold": world.reward}, each=2)
        found[teacher, critic] = float(judged["gold"].mean())
    return found


def text_pipeline(seed: int, scale: str, method: Recipe) -> Pipeline:
    smoke, world = scale == "smoke", GoldReward(seed=seed)
    calls, first = (64, 16) if smoke else (CALLS, FIRST)
    model = SmallLanguageModel(world.characters, layers=1, hidden=16 if smoke else 32, heads=2, context_length=24)
    critics = {"weak": Critic(world, SPREAD), "strong": Critic(world, 0.0)}
    stages = []
    for teacher, best_of in BEST_OF.items():
        name, start = name_of(teacher, None), f"{teacher} teacher, first"
        stages += [
            Stage(name, FitJob(imitate(), Teacher(world, best_of, calls), Budget(steps=4 if smoke else 120, batch_size=64))),
            Stage(start, FitJob(imitate(), Teacher(world, best_of, first), Budget(steps=4 if smoke else 40, batch_size=32))),
        ]
        for critic, judge in critics.items():
            verdicts = f"verdicts of the {critic} critic after the {teacher} teacher"
            asked = SearchJob(world, BestWorstPairs(), {"worth": judge}, rows=calls - first, sampler=Group(2), decoding=DECODING)
            preferred = FitJob(method, verdicts, Budget(steps=2 if smoke else 28, batch_size=32))
            stages += [Stage(verdicts, asked, start=start), Stage(name_of(teacher, critic), preferred, start=start)]
    return Pipeline(model, *stages)
