"""Function: whatever compares two texts: a served model that judges, a rubric, a person at a prompt.

    compare(prompts, firsts, seconds) -> [probability that the first is preferred]        1 or 0 for a verdict, 1/2 for a tie, None where it cannot tell

``compare`` is the function, or ``file.py:function`` or ``package.module:function``; it may be a coroutine. Both orders are asked where ``both_orders`` is
set, and averaged: judges that are models prefer one place to the other.

Source: the averaging of both positions, arXiv 2306.05685 (position bias), and RLAIF, arXiv 2309.00267. The signature is ours.
Differs from SimulatedAnnotator: reads the texts, not what they are worth.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.feedback.calling import called
from guerdon.feedback.judges.simulated_annotator import SimulatedAnnotator
from guerdon.feedback.loading import load
from guerdon.witness import Witness


@dataclass(frozen=True)
class Function:
    compare: Callable[..., list[float | None]] | str
    both_orders: bool = False

    def __call__(self, prompt: list[Any], first_completion: list[Any], second_completion: list[Any]) -> Tensor:
        compare = load(self.compare, "judge") if isinstance(self.compare, str) else self.compare
        verdict = self._asked(compare, prompt, first_completion, second_completion)
        if self.both_orders:
            verdict = (verdict + 1 - self._asked(compare, prompt, second_completion, first_completion)) / 2
        return verdict

    def _asked(self, compare: Callable[..., list[float | None]], *texts: list[Any]) -> Tensor:
        said = self._answered(compare, *texts) if texts[0] else []
        if not hasattr(said, "__iter__") or isinstance(said, str | dict):
            raise InputError(
                f"the judge {self._name} returned {_short(said)} for {len(texts[0])} pairs: it must return a list with a verdict for each"
            )
        said = list(said)
        if len(said) != len(texts[0]):
            raise InputError(f"the judge {self._name} returned {len(said)} verdicts for {len(texts[0])} pairs: it must return one for each")
        return torch.tensor([self._verdict(v) for v in said], dtype=torch.float64)

    def _answered(self, compare: Callable[..., Any], *texts: list[Any]) -> Any:
        instead = "a pair of which it cannot tell is None, and the same command goes on from the last checkpoint"
        return called(compare, f"the judge {self._name}", instead, *texts)

    def _verdict(self, said: Any) -> float:
        if said is None:
            return math.nan
        try:
            verdict = float(said)
        except (TypeError, ValueError):
            verdict = math.inf
        if verdict < 0 or verdict > 1:
            raise InputError(
                f"the judge {self._name} returned {_short(said)}: a verdict is the probability that the first is preferred, or None"
            )
        return verdict

    @property
    def _name(self) -> str:
        return self.compare if isinstance(self.compare, str) else getattr(self.compare, "__name__", type(self.compare).__name__)


def _short(said: Any) -> str:
    text = repr(said)
    return text if len(text) <= 60 else f"{text[:59]}…"


def _first_if_longer(prompts: list[str], firsts: list[str], seconds: list[str]) -> list[float | None]:
    """The longer one; of equally long ones the first: a judge with a bias for its place."""
    return [None if not a + b else float(len(a) >= len(b)) for a, b in zip(firsts, seconds, strict=True)]


_given = {"prompt": ["p", "p", "p"], "first_completion": ["aa", "b", ""], "second_completion": ["a", "c", ""]}
witness = (
    Witness(Function(_first_if_longer), parent=SimulatedAnnotator(), given=_given, returns=[1.0, 1.0, math.nan]),
    Witness(Function(_first_if_longer, both_orders=True), parent=Function(_first_if_longer), given=_given, returns=[1.0, 0.5, math.nan]),
)
