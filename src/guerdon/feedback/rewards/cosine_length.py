"""Cosine length: right answers are worth more the shorter they are, wrong ones the longer they are.

    reward = a + (b - a) (1 + cos(pi min(|y| / max_length, 1))) / 2

    right answers    b = right_short at length 0,   a = right_long at ``max_length``
    wrong answers    b = wrong_short,               a = wrong_long
    |y| >= max_length, where ``exceeded`` is set:   exceeded, right or wrong

|y| is the number of tokens (the column ``completion_ids``, which the loop passes). ``verifier`` is a reward whose ``right`` (1 where it has none) means that an
answer is right; where it gives None, so does this.

Source: Yeo et al., arXiv 2502.03373, appendix C.1, which has ``exceeded`` at the end of the context. Here it is off by default, and the four
values are TRL's defaults (``get_cosine_scaled_reward``), as the paper's depend on the run.
Differs from Length: it depends on whether the answer is right, and pays a model for thinking longer where it was wrong.
"""

import inspect
import math
from dataclasses import dataclass
from typing import Any

from guerdon.errors import InputError
from guerdon.feedback.rewards import Reward
from guerdon.feedback.rewards.length import Length
from guerdon.feedback.rewards.math_equivalence import MathEquivalence
from guerdon.feedback.rewards.string_match import StringMatch
from guerdon.witness import Witness


@dataclass(frozen=True)
class CosineLength:
    max_length: int
    verifier: Reward = MathEquivalence()
    right_short: float = 1.0
    right_long: float = 0.5
    wrong_short: float = -1.0
    wrong_long: float = -0.5
    exceeded: float | None = None

    def __post_init__(self) -> None:
        if self.max_length < 1:
            raise InputError(f"the cosine length reward needs max_length >= 1, not {self.max_length}")
        asked = inspect.signature(self.verifier).parameters.values()  # its columns are asked for by name, as if they were this part's
        own = inspect.Parameter("completion_ids", inspect.Parameter.KEYWORD_ONLY)
        named = [p for p in asked if p.kind is not inspect.Parameter.VAR_KEYWORD and p.name != own.name]
        more = [p for p in asked if p.kind is inspect.Parameter.VAR_KEYWORD]
        object.__setattr__(self, "__signature__", inspect.Signature([*named, own, *more]))

    def __call__(
        self, prompts: list[Any], completions: list[Any], completion_ids: list[Any] | None = None, **columns: list[Any]
    ) -> list[float | None]:
        if completion_ids is None:
            raise InputError("the cosine length reward counts tokens, but no column completion_ids was given: pass it")
        names = inspect.signature(self.verifier).parameters
        if "completion_ids" in names:
            columns["completion_ids"] = completion_ids
        verdicts = self.verifier(prompts=prompts, completions=completions, **columns)
        return [self._scaled(verdict, len(ids)) for verdict, ids in zip(verdicts, completion_ids, strict=True)]

    def _scaled(self, verdict: float | None, length: int) -> float | None:
        if verdict is None:
            return None
        if self.exceeded is not None and length >= self.max_length:
            return self.exceeded
        right = verdict >= getattr(self.verifier, "right", 1.0)
        short, long = (self.right_short, self.right_long) if right else (self.wrong_short, self.wrong_long)
        return long + (short - long) * (1 + math.cos(math.pi * min(length / self.max_length, 1.0))) / 2


_asked = {
    "prompts": ["q"] * 5,
    "completions": ["yes", "yes", "no", "no", "yes"],
    "answer": ["yes"] * 4 + [None],
    "completion_ids": [[0] * n for n in (0, 5, 5, 12, 3)],
}
witness = (
    Witness(
        CosineLength(10, StringMatch()),
        parent=Length(max_length=10, cache=10),
        given=_asked,
        returns=[1.0, 0.75, -0.75, -0.5, None],
    ),
    Witness(
        CosineLength(10, StringMatch(), right_short=2.0, right_long=1.0, wrong_short=-10.0, wrong_long=0.0, exceeded=-10.0),
        parent=CosineLength(10, StringMatch()),
        given=_asked,
        returns=[2.0, 1.5, -5.0, -10.0, None],
    ),
)
