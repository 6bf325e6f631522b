"""Asked model: a model that writes is asked which of two answers is better.

    P(first) = the verdict of ``format`` on (first, second)        1/2 for a tie, NaN where its answer cannot be read

``model``, ``rubric`` and ``seed`` as for the reward ``judge``; ``format`` judges two answers at a time.

Source: pairwise comparison by a model, Zheng et al. 2023, arXiv 2306.05685; in both orders, RLAIF, Lee et al. 2023, arXiv 2309.00267.
Differs from Function: what it is asked, and how its answer is read, are parts, and the texts are fenced.
"""

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.feedback.asked import Asking
from guerdon.feedback.formats import Case, Format
from guerdon.feedback.formats.both_orders import BothOrders
from guerdon.feedback.formats.preference import Preference
from guerdon.feedback.judges.function import Function
from guerdon.feedback.writers import Writer
from guerdon.feedback.writers.scripted import Scripted
from guerdon.saying import say
from guerdon.witness import Witness


@dataclass(frozen=True)
class AskedModel(Asking):
    model: Writer
    format: Format = BothOrders()
    rubric: Any = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.format.takes != 2:
            raise InputError(
                "a judge of pairs is asked about two answers at a time: its format is preference, preference_token, or both_orders or votes of one of them"
            )
        self._told  # noqa: B018 a rubric that is none is refused at once
        self._writer  # noqa: B018

    def __call__(self, prompt: list[Any], first_completion: list[Any], second_completion: list[Any]) -> Tensor:
        pairs = zip(prompt, first_completion, second_completion, strict=True)
        cases = [Case(asked, (first, second), rubric=self._told) for asked, first, second in pairs]
        verdicts = self.format(self._writer, cases, self.seed) if cases else []
        unread = [verdict for verdict in verdicts if verdict.value is None]
        if unread:
            say(f"the judge's answer on {len(unread)} of {len(cases)} pairs could not be read, the first time because {unread[0].why}")
        return torch.tensor([math.nan if v.value is None else v.value for v in verdicts], dtype=torch.float64)


def _mute(prompts: list[Any], firsts: list[Any], seconds: list[Any]) -> list[float | None]:
    return [None for _ in prompts]


_given = {"prompt": ["p", "q"], "first_completion": ["short", "long"], "second_completion": ["long", "longer"]}
_first = Scripted({"p\n</question": "[[A]]"}, otherwise="hm")
witness = (
    Witness(AskedModel(_first, Preference()), parent=Function(_mute), given=_given, returns=[1.0, math.nan]),
    Witness(AskedModel(_first, BothOrders(Preference())), parent=AskedModel(_first, Preference()), given=_given, returns=[0.5, math.nan]),
    Witness(
        AskedModel(Scripted({"brief": "[[A]]"}, otherwise="[[B]]"), Preference(), {"items": ["It is brief."]}),
        parent=AskedModel(Scripted({"brief": "[[A]]"}, otherwise="[[B]]"), Preference()),
        given=_given,
        returns=[1.0, 1.0],
    ),
)
