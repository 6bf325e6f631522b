"""Step scorer: what a trained model says of each step of a completion, and what that makes of all of it.

    reward = aggregate(probabilities that each step is right)        0 to 1 with the parts of ``feedback.aggregating``

A completion is cut at ``separator``, a line break by default; empty lines are no steps. ``scorer`` is a specification, whose ``build()`` returns the running scorer ({part:
step_scorer, source: FOLDER}), or the running scorer itself, which has ``step_scores(prompts, steps)``. A completion without a step has no reward.

Source: Math-Shepherd, arXiv 2312.08935, section 3.4, and Let's Verify Step by Step, arXiv 2305.20050: a solution by its weakest step, or by the product of all.
Differs from Scorer: the whole answer is judged by its parts, each of which can be looked at.
"""

from dataclasses import dataclass
from typing import Any

from guerdon.errors import InputError
from guerdon.feedback.aggregating import Aggregating
from guerdon.feedback.aggregating.minimum import Minimum
from guerdon.feedback.aggregating.product import Product
from guerdon.feedback.rewards.scorer import CountOf, Scorer, running
from guerdon.feedback.text import whole_text
from guerdon.witness import Witness


@dataclass(frozen=True)
class StepScorer:
    scorer: Any
    aggregate: Aggregating = Minimum()
    separator: str = "\n"

    def __post_init__(self) -> None:
        if not self.separator:
            raise InputError("step_scorer.separator is empty; give what ends a step, such as a line break")

    def __call__(self, prompts: list[Any], completions: list[Any], **columns: list[Any]) -> list[float | None]:
        steps = [[step for step in whole_text(completion).split(self.separator) if step.strip()] for completion in completions]
        there = [row for row, own in enumerate(steps) if own]
        scores = (
            running(self, "step_scores", "prompts, steps, separator").step_scores(
                [prompts[row] for row in there], [steps[row] for row in there], self.separator
            )
            if there
            else []
        )
        found = dict(zip(there, scores, strict=True))
        return [self.aggregate(found[row]) if row in found else None for row in range(len(completions))]

    def __getstate__(self) -> dict[str, Any]:
        return {"scorer": self.scorer, "aggregate": self.aggregate, "separator": self.separator}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)


@dataclass(frozen=True)
class ShareOf:
    """The smallest scorer of steps there is, for tests and examples: which part of a step's letters are the given one."""

    letter: str

    def step_scores(self, prompts: list[Any], steps: list[list[str]], separator: str) -> list[list[float]]:
        return [[step.count(self.letter) / len(step) for step in own] for own in steps]


_a = ShareOf("a")
_given = {"prompts": ["q"] * 3, "completions": ["aa;ab\n\nba", "\n", "aabb"]}
witness = (
    Witness(StepScorer(_a), parent=Scorer(CountOf("a")), given=_given, returns=[0.5, None, 0.5]),
    Witness(StepScorer(_a, Product()), parent=StepScorer(_a), given=_given, returns=[0.3, None, 0.5]),
    Witness(StepScorer(_a, separator=";"), parent=StepScorer(_a), given=_given, returns=[1 / 3, None, 0.5]),
)
