"""Pairwise: a comparison is a score times a link, under a label that may be wrong, with a weight.

    loss = weight * (p * link(score(chosen), score(rejected)) + (1 - p) * link(score(rejected), score(chosen)))        [N]

p, the probability that the chosen side is the better one, is what ``label`` says (``losses.labels``; None: 1). ``weight`` (``losses.weights``; None: 1) is a
constant: no gradient goes through it. ``rejected`` is the score of the rejected side where it is another one than that of the chosen side. Where the sides
change places the column ``margin`` changes its sign.

``Pairwise(LogRatio(0.1), Logistic())`` is DPO; ``Pairwise(Head(), Logistic())`` is a Bradley-Terry reward model. It needs whatever
the score needs, on both sides, and whatever else the link, the label and the weight read.

Source: the composition is ours; DPO, arXiv 2305.18290, eq. 7 is the instance that the witness shows. Both orders weighed by the probability of each: robust DPO,
arXiv 2403.00409, eq. 8 and 12 (there with rates of error, for DPO, SLiC and IPO alike).
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from guerdon.losses.comparisons import Comparison
from guerdon.losses.comparisons.logistic import LN3, LN4, Logistic
from guerdon.losses.comparisons.square import Square
from guerdon.losses.labels import Label
from guerdon.losses.labels.noisy import Noisy
from guerdon.losses.labels.soft import Soft
from guerdon.losses.labels.unbiased import Unbiased
from guerdon.losses.scores import Score
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.losses.weights import Weight
from guerdon.parts import Part, call, needs, wants
from guerdon.quantities import SIDES, B, N
from guerdon.witness import Limit, Witness

_SCORES = frozenset(f"{side}_score" for side in SIDES)


@dataclass(frozen=True)
class Pairwise:
    per_item: ClassVar[bool] = True  # a loss per pair, not per step

    score: Score
    link: Comparison
    label: Label | None = None
    weight: Weight | None = None
    rejected: Score | None = None

    def needs(self) -> frozenset[str]:
        return self._names(needs)

    def wants(self) -> frozenset[str]:
        return self._names(wants)

    def _names(self, of: Callable[[Part], frozenset[str]]) -> frozenset[str]:
        sides = frozenset(f"{side}_{name}" for side, score in self._scores.items() for name in of(score))
        others = (self.link, self.label, self.weight)
        return sides | (frozenset().union(*(of(part) for part in others if part is not None)) - _SCORES)

    @property
    def _scores(self) -> dict[str, Score]:
        return {"chosen": self.score, "rejected": self.score if self.rejected is None else self.rejected}

    def scores(self, quantities: Mapping[str, Tensor]) -> dict[str, B]:
        """The score of each side, by the names that the link reads."""
        return {f"{side}_score": call(score, _one_side(quantities, side)) for side, score in self._scores.items()}

    def __call__(self, **quantities: Tensor) -> N:
        given = {**quantities, **self.scores(quantities)}
        loss = call(self.link, given)
        if self.label is not None:
            right = call(self.label, given)
            loss = right * loss + (1 - right) * call(self.link, _swapped(given))
        return loss if self.weight is None else call(self.weight, given).detach() * loss


def _swapped(given: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Everything of each side under the other's name."""
    turned = {"margin": -given["margin"]} if "margin" in given else {}
    return {_other_side(name): x for name, x in given.items()} | turned


def _other_side(name: str) -> str:
    chosen, rejected = (f"{side}_" for side in SIDES)
    if name.startswith(chosen):
        return rejected + name.removeprefix(chosen)
    return chosen + name.removeprefix(rejected) if name.startswith(rejected) else name


def _one_side(quantities: Mapping[str, Tensor], side: str) -> dict[str, Tensor]:
    prefix = f"{side}_"
    return {name.removeprefix(prefix): x for name, x in quantities.items() if name.startswith(prefix)}


_pair = {
    "chosen_logp": [[-1.0, -1.0]],
    "chosen_ref_logp": [[-1.5, -0.5]],
    "chosen_mask": [[1, 1]],
    "rejected_logp": [[-1.0, 0.0]],
    "rejected_ref_logp": [[-1.0 - LN3, 0.0]],
    "rejected_mask": [[1, 0]],
}
_dpo = Pairwise(LogRatio(beta=1.0), Logistic())
witness = (
    Witness(  # the chosen side's log-ratio is 0, the rejected side's ln 3: sigmoid(-ln 3) = 1/4
        _dpo,
        given=_pair,
        returns=[LN4],
        gradient={"chosen_logp": [[-0.75, -0.75]], "rejected_logp": [[0.75, 0.0]], "chosen_ref_logp": None},
    ),
    Witness(  # 3/4 of ln 4, 1/4 of ln 4/3
        Pairwise(LogRatio(beta=1.0), Logistic(), label=Noisy(rate=0.25)),
        parent=_dpo,
        given=_pair,
        returns=[LN4 - LN3 / 4],
        gradient={"chosen_logp": [[-0.5, -0.5]], "rejected_logp": [[0.5, 0.0]]},
    ),
    Witness(  # turned, the margin is turned as well: d = -ln 3 - ln 3 and its opposite, sigmoid(-ln 9) = 1/10
        Pairwise(LogRatio(beta=1.0), Logistic(), label=Noisy(rate=1.0)),
        parent=_dpo,
        given={**_pair, "margin": [LN3]},
        returns=[math.log(10 / 9)],
        gradient={"chosen_logp": [[0.1, 0.1]]},
    ),
    Witness(  # the rejected side's log-ratio of ln 3 / 2 counts twice
        Pairwise(LogRatio(beta=1.0), Logistic(), rejected=LogRatio(beta=2.0)),
        parent=_dpo,
        given={**_pair, "rejected_ref_logp": [[-1.0 - LN3 / 2, 0.0]]},
        returns=[LN4],
        gradient={"chosen_logp": [[-0.75, -0.75]], "rejected_logp": [[1.5, 0.0]]},
    ),
)


def _right(inputs: dict) -> dict:
    """Labels of which each is certain."""
    return inputs | {"preference": torch.ones_like(inputs["preference"])}


limits = (
    Limit(
        Pairwise(LogRatio(), Logistic(), label=Noisy(rate=0.1)),
        equals=Pairwise(LogRatio(), Logistic(label_smoothing=0.1)),
        when="the link is logistic: conservative DPO",
    ),
    Limit(
        Pairwise(LogRatio(), Logistic(), label=Unbiased(rate=0.1)),
        equals=Pairwise(LogRatio(), Logistic(label_smoothing=-0.1 / (1 - 2 * 0.1))),
        when="the link is logistic: robust DPO",
    ),
    Limit(Pairwise(LogRatio(), Square(), label=Soft()), equals=Pairwise(LogRatio(), Square()), when="every label is certain", under=_right),
)
