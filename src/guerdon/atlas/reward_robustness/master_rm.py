"""One token to fool a judge: a judge that compares with a reference takes the beginning of a solution for one, until it has seen beginnings that are
none.

World: sums of two numbers below 50, with the right sum as the reference, and solutions that are written by rule: an opener or none, the sum worked
out, a conclusion. Right ones (60 %) have an opener in four of five cases and wrong ones in two of five, as who works carefully writes so. The judge
is a logistic regression (weak ridge, exact) on the words and pairs of words of a solution, hashed into 256 features, and on whether its last number
contradicts the reference: it looks for mistakes, as language models that judge seem to; it learns from 500 judged solutions. Attacks are the
project's own texts that say nothing (``evaluation.attacks``: master keys and punctuation, 14 of them), of which one is among the openers. A seed
draws all of it anew.

Arms: "plain"; "more solutions": as many rows as the next arm has, all of them solutions; "first sentences": with the first sentence of every solution
besides, judged to be none.

Measured on fresh questions: "fooled": how often an attack is judged right; "fooled, strange": those alone that are no opener of the solutions;
"agreement" with the truth on 1,000 solutions. And what a policy makes of it: of 40 solutions and the attacks, which together have 5 %, to each of 20
questions, its best distribution by the judge's probability within a budget of KL, exactly: "right": how likely it gives a right solution.

Source: Zhao et al. 2025, arXiv 2507.08794, abstract and summaries. There language models judge, on five data sets, and are trained on 160,000 judged
answers and 20,000 first sentences of others; and RL that collapses to an opener. Chosen here: the world and its sizes, and that openers go along with
being right. That the plain judge is fooled lies in what it looks at; what could be false is that beginnings mend it, for texts that it has not seen,
and at no cost. The smallest differences of interest: 0.02, of "right" 0.01.
"""

import random
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from guerdon.atlas import AheadAlong, AllOf, BetterThan, NoWorseThan, System
from guerdon.data.curation.first_sentences import FirstSentences
from guerdon.evaluation.attacks.master_keys import MasterKeys
from guerdon.evaluation.attacks.punctuation import Punctuation
from guerdon.exact.solvers.exponential_tilt import ExponentialTilt
from guerdon.randomness import derive

system = System(
    title="One Token to Fool LLM-as-a-Judge",
    link="https://arxiv.org/abs/2507.08794",
    kind="reward",
    builds_on=("first-sentences", "master-keys", "punctuation", "exponential-tilt"),
    read="abstract",
    note=(
        "The plain judge takes every attack for right, as its features make it; after first sentences it takes none, also none of those "
        "that it has never seen, agrees with the truth as often (1.00), and what is bought of it at equal KL is right in 0.03 more cases. It judges by words; no "
        "pretrained judge was tried."
    ),
    untuned="one convex fit with the same weak ridge for every arm",
)
recipe = {"first sentences": FirstSentences()}
claim = AllOf(
    BetterThan("plain", 0.5, on="fooled", effect=0.02, by_construction=True),
    BetterThan("first sentences", 0.05, on="fooled", lower_is_better=True, effect=0.02),
    BetterThan("first sentences", 0.05, on="fooled, strange", lower_is_better=True, effect=0.02),
    *(NoWorseThan("first sentences", other, on="agreement", margin=0.02) for other in ("plain", "more solutions")),
    *(AheadAlong("first sentences", other, on="right", along="KL", effect=0.01) for other in ("plain", "more solutions")),
)
SEEDS = {"smoke": 1, "full": 10}
OPENERS = (
    "Let's solve this problem step by step.",
    "To find the sum we add both numbers.",
    "First we look at what is asked.",
    "We are given two numbers.",
)
ATTACKS = (*MasterKeys().texts, *Punctuation().texts)
FEATURES, RIDGE = 256, 1e-3


def experiment(seed: int, scale: str) -> dict:
    few = scale == "smoke"
    draw = random.Random(derive(seed, "solutions"))
    rows = [solution(draw) for _ in range(100 if few else 500)]
    augmented = FirstSentences()(rows)
    more = rows + [solution(draw) for _ in range(len(augmented) - len(rows))]
    fresh = [solution(draw) for _ in range(100 if few else 1000)]
    asked = [[solution(draw, question) for _ in range(40)] for question in (question_of(draw) for _ in range(4 if few else 20))]
    arms = {"plain": rows, "more solutions": more, "first sentences": augmented}
    return {arm: judged(Judge.fitted(own), fresh, asked, (0.1, 0.5) if few else (0.1, 0.25, 0.5, 1.0)) for arm, own in arms.items()}


@dataclass(frozen=True)
class Judge:
    weights: Tensor

    @classmethod
    def fitted(cls, rows: Sequence[dict[str, Any]]) -> "Judge":
        """Newton's method on the log-likelihood with a ridge on all but the constant."""
        x, y = looked_at(rows), torch.tensor([float(row["label"]) for row in rows], dtype=torch.float64)
        weights, ridge = torch.zeros(x.shape[1], dtype=torch.float64), torch.full((x.shape[1],), RIDGE, dtype=torch.float64)
        ridge[-1] = 1e-9
        for _ in range(12):
            p = torch.sigmoid(x @ weights)
            gradient = x.T @ (p - y) / len(y) + ridge * weights
            curvature = x.T @ (x * (p * (1 - p) + 1e-9).unsqueeze(-1)) / len(y) + ridge.diag()
            weights = weights - torch.linalg.solve(curvature, gradient)
        return cls(weights)

    def __call__(self, rows: Sequence[dict[str, Any]]) -> Tensor:
        """How likely each is right."""
        return torch.sigmoid(looked_at(rows) @ self.weights)


def looked_at(rows: Sequence[dict[str, Any]]) -> Tensor:
    """[N, F]: words and pairs of words, whether the last number is another one than the reference, and 1."""
    x = torch.zeros(len(rows), FEATURES + 2, dtype=torch.float64)
    x[:, -1] = 1.0
    for own, row in zip(x, rows, strict=True):
        words = re.findall(r"[^\W\d]+|[^\w\s]", row["completion"].lower())
        for word in (*words, *map(" ".join, pairwise(words))):
            own[zlib.crc32(word.encode()) % FEATURES] = 1.0
        numbers = re.findall(r"\d+", row["completion"])
        own[FEATURES] = float(bool(numbers) and numbers[-1] != row["reference"])
    return x


def question_of(draw: random.Random) -> tuple[int, int]:
    return draw.randrange(50), draw.randrange(50)


def solution(draw: random.Random, question: tuple[int, int] | None = None) -> dict[str, Any]:
    a, b = question or question_of(draw)
    right = draw.random() < 0.6
    said = a + b if right else a + b + draw.choice((-10, -2, -1, 1, 2, 10))
    opener = draw.choice(OPENERS) + " " if draw.random() < (0.8 if right else 0.4) else ""
    end = draw.choice(("The answer is", "So it is"))
    return {
        "prompt": f"{a} + {b}",
        "completion": f"{opener}{a} + {b} = {said}. {end} {said}.",
        "label": int(right),
        "reference": str(a + b),
    }


def judged(
    judge: Judge, fresh: Sequence[dict[str, Any]], asked: Sequence[Sequence[dict[str, Any]]], budgets: Sequence[float]
) -> dict[str, Any]:
    own = [question[0] for question in asked]
    taken = torch.stack([judge([{**row, "completion": text} for row in own]) > 0.5 for text in ATTACKS]).double()  # [attacks, questions]
    strange = [place for place, text in enumerate(ATTACKS) if text not in OPENERS]
    labels = torch.tensor([row["label"] for row in fresh], dtype=torch.bool)
    right: dict[float, list[float]] = {budget: [] for budget in budgets}
    for question in asked:
        answers = [*question, *({**question[0], "completion": text, "label": 0} for text in ATTACKS)]
        reference = torch.tensor([0.95 / len(question)] * len(question) + [0.05 / len(ATTACKS)] * len(ATTACKS), dtype=torch.float64)
        worth = torch.tensor([float(row["label"]) for row in answers], dtype=torch.float64)
        for budget in budgets:
            right[budget].append(float(ExponentialTilt(budget)(judge(answers), reference)["policy"] @ worth))
    return {
        "fooled": float(taken.mean()),
        "fooled, strange": float(taken[strange].mean()),
        "agreement": float(((judge(fresh) > 0.5) == labels).double().mean()),
        "right": {budget: sum(found) / len(found) for budget, found in right.items()},
        "KL": {budget: budget for budget in budgets},
    }
