"""Step scores: what a trained model says of each step, as that step's reward.

    reward of step k = how likely the scorer thinks that it is right        0 to 1 for a model with a step head

    dense: {process: {source: {part: step_scores, scorer: {part: step_scorer, source: FOLDER}}, weight: 0.1}}

``scorer`` is a specification, whose ``build()`` returns the running scorer, or that itself; it has ``step_scores(prompts, steps, separator)``. It is built at the first answer,
once in a process. ``separator`` is what ended a step where the model learned.

By itself it can be farmed: an answer with more steps that are right is worth more. ``feedback.step_shaping`` has the transforms that bound it.

Source: the dense rewards of a process reward model in PPO, Uesato et al. 2022, arXiv 2211.14275, and Math-Shepherd, arXiv 2312.08935 (step-by-step PPO).
Differs from ``feedback.rewards.step_scorer``: each step gets what is said of it, in the place of the whole answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from guerdon.errors import InputError
from guerdon.feedback.rewards.scorer import running
from guerdon.feedback.rewards.step_scorer import ShareOf
from guerdon.witness import Witness


@dataclass(frozen=True)
class StepScores:
    scorer: Any
    separator: str = "\n"

    def __call__(self, prompts: Sequence[Any], steps: Sequence[Sequence[Any]]) -> list[list[float]]:
        if not len(steps):
            return []
        scores = running(self, "step_scores", "prompts, steps, separator").step_scores(
            list(prompts), [list(s) for s in steps], self.separator
        )
        if [len(own) for own in scores] != [len(own) for own in steps]:
            raise InputError(f"the scorer {self.scorer!r} gave other numbers of scores than there are steps; it must give one for each")
        return [[float(score) for score in own] for own in scores]

    def __getstate__(self) -> dict[str, Any]:
        return {"scorer": self.scorer, "separator": self.separator}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)


witness = Witness(StepScores(ShareOf("a")), given={"prompts": ["q"], "steps": [["aa", "ab", "b"]]}, returns=[[1.0, 0.5, 0.0]])
