"""Rescued: what a rule rejects is looked at once more by somebody else.

    reward = right                              where ``verifier`` finds the completion right
             weight * by(completion)            elsewhere, also where the verifier does not apply        ``by`` sees no others

A rule that rejects right answers, since they are written in a way that it does not know, takes away the signal where it is rarest. ``by`` is another reward between 0 and 1, such
as ``model_verdict``; where it does not apply the verifier's own word stands. It is asked of what was rejected only, so that it costs little once a policy is right most of
the time, and can make nothing worse that was right.

Source: TinyV, Xu et al. 2025, arXiv 2505.14625, and its code (``tinyv_setup: addon``), where ``by`` is a small model with a verdict of 0 or 1 and ``tinyv_weight`` is 1.
Differs from the verifier: false negatives are looked for. Differs from their sum: a right answer gets no more than before.
"""

import inspect
from dataclasses import dataclass
from typing import Any

from guerdon.errors import InputError
from guerdon.feedback.calling import read_by
from guerdon.feedback.rewards import Reward
from guerdon.feedback.rewards.math_equivalence import MathEquivalence
from guerdon.feedback.rewards.string_match import StringMatch
from guerdon.witness import Witness


@dataclass(frozen=True)
class Rescued:
    by: Reward
    verifier: Reward = MathEquivalence()
    weight: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.weight <= 1:
            raise InputError(
                f"rescued.weight is {self.weight}; what is rescued is worth no more than what the verifier accepts: give a number above 0, up to 1"
            )
        asked = {
            p.name: p for part in (self.verifier, self.by) for p in inspect.signature(part).parameters.values()
        }  # by name, as if they were this part's
        in_order = sorted(asked.values(), key=lambda p: (p.kind, p.default is not inspect.Parameter.empty))
        object.__setattr__(self, "__signature__", inspect.Signature(in_order))

    def __call__(self, prompts: list[Any], completions: list[Any], **columns: list[Any]) -> list[float | None]:
        right = getattr(self.verifier, "right", 1.0)
        verdicts = list(self.verifier(prompts=prompts, completions=completions, **read_by(self.verifier, columns)))
        again = [row for row, verdict in enumerate(verdicts) if verdict is None or verdict < right]
        if again:
            some = {
                name: [values[row] for row in again]
                for name, values in {"prompts": prompts, "completions": completions, **read_by(self.by, columns)}.items()
            }
            for row, verdict in zip(again, self.by(**some), strict=True):
                verdicts[row] = verdicts[row] if verdict is None else max(self.weight * verdict, verdicts[row] or 0.0)
        return verdicts


_asked = {"prompts": ["q"] * 4, "completions": ["yes", "well yes", "no", "no"], "answer": ["yes", "yes", "yes", None]}
_within = StringMatch(within=True)
witness = (
    Witness(Rescued(_within, StringMatch()), parent=StringMatch(), given=_asked, returns=[1.0, 1.0, 0.0, None]),
    Witness(
        Rescued(_within, StringMatch(), weight=0.5), parent=Rescued(_within, StringMatch()), given=_asked, returns=[1.0, 0.5, 0.0, None]
    ),
)
