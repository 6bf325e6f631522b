"""Pairwise: a comparison is a score times a link, under a label that may be wrong, with a weight.

    loss = weight * (p * link(score(chosen), score(rejected)) + (1 - p) * link(score(rejected), score(chosen)))        [N]

p, the probability that the chosen side is the better one, is what ``label`` says (``losses.labels``; None: 1). ``weight`` (``losses.weights``; None: 1) is a
constant: no gradient goes through it. ``rejected`` is the score of the rejected side where it is another one than that of the chosen side. Where the sides
change places the column ``margin`` changes its sign. A link may also ask for what a view scores (``chosen_ref_score``): the same score, of what the view
measures.

``Pairwise(LogRatio(0.1), Logistic())`` is DPO; ``Pairwise(Head(), Logistic())`` is a Bradley-Terry reward model. It needs whatever
the score needs, on both sides, and whatever else the link, the label and the weight read.

Source: the composition is ours; DPO, arXiv 2305.18290, eq. 7 is the instance that the witness shows. Both orders weighed by the probability of each: robust DPO,
arXiv 2403.00409, eq. 12 (for DPO, SLiC and IPO alike).
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from guerdon.losses._scored import as_seen, names_of
from guerdon.losses.comparisons import Comparison
from guerdon.losses.comparisons.logistic import LN3, LN4, Logistic
from guerdon.losses.comparisons.sorted_margins import SortedMargins
from guerdon.losses.comparisons.square import Square
from guerdon.losses.labels import Label
from guerdon.losses.labels.noisy import Noisy
from guerdon.losses.labels.soft import Soft
from guerdon.losses.labels.unbiased import Unbiased
from guerdon.losses.scores import Score
from guerdon.losses.scores.length_desensitised import LengthDesensitised
from guerdon.losses.scores.log_probability import LogProbability
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.losses.weights import Weight
from guerdon.losses.weights.mean_likelihood import MeanLikelihood
from guerdon.parts import Part, call, needs, wants
from guerdon.quantities import OTHER, B, N, Name, seen_by
from guerdon.witness import Limit, Witness


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
        sides = frozenset(
            _in_full(side, seen_by(view, name)) for side, score in self._scores.items() for view in self._scored_by for name in of(score)
        )
        return sides | {name for part in self._others for name in of(part) if not _is_score(name)}

    @property
    def _scores(self) -> dict[str, Score]:
        return {"chosen": self.score, "rejected": self.score if self.rejected is None else self.rejected}

    @property
    def _others(self) -> tuple[Part, ...]:
        return tuple(part for part in (self.link, self.label, self.weight) if part is not None)

    @property
    def _scored_by(self) -> list[str]:
        """The views whose scores are asked for; "" is the model itself."""
        asked = {name for part in self._others for name in names_of(part) if _is_score(name)}
        return sorted({Name.parse(name).view for name in asked} | {""})

    def scores(self, quantities: Mapping[str, Tensor]) -> dict[str, B]:
        """The score of each side, by the names that the link reads."""
        return {
            str(Name("score", side, view)): call(score, as_seen(view, _one_side(quantities, side), names_of(score)))
            for side, score in self._scores.items()
            for view in self._scored_by
        }

    def __call__(self, **quantities: Tensor) -> N:
        given = {**quantities, **self.scores(quantities)}
        loss = call(self.link, given)
        if self.label is not None:
            right = call(self.label, given)
            loss = right * loss + (1 - right) * call(self.link, _swapped(given))
        return loss if self.weight is None else call(self.weight, given).detach() * loss


def _is_score(name: str) -> bool:
    parsed = Name.parse(name)
    return parsed.quantity == "score" and parsed.side != ""


def _swapped(given: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Everything of each side under the other's name."""
    turned = {"margin": -given["margin"]} if "margin" in given else {}
    return {_other_side(name): x for name, x in given.items()} | turned


def _other_side(name: str) -> str:
    side, _, rest = name.partition("_")
    return f"{OTHER[side]}_{rest}" if side in OTHER else name


def _in_full(side: str, name: str) -> str:
    """What a score of this side calls ``name``, by its full name; ``other_...`` is the other side's."""
    return f"{OTHER[side]}_{name.removeprefix('other_')}" if name.startswith("other_") else f"{side}_{name}"


def _one_side(quantities: Mapping[str, Tensor], side: str) -> dict[str, Tensor]:
    """What a score of this side may read, by the names that it has there."""
    own, other = (f"{s}_" for s in (side, OTHER[side]))
    theirs = {f"other_{name.removeprefix(other)}": x for name, x in quantities.items() if name.startswith(other)}
    return theirs | {name.removeprefix(own): x for name, x in quantities.items() if name.startswith(own)}


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
    Witness(  # the policy's margin of log-probabilities is -1, the reference's -1 + ln 3
        Pairwise(LogProbability(beta=1.0), SortedMargins()),
        parent=Pairwise(LogProbability(beta=1.0), Logistic()),
        given=_pair,
        returns=[LN4],
        gradient={"chosen_logp": [[-0.75, -0.75]], "rejected_logp": [[0.75, 0.0]], "chosen_ref_logp": None},
    ),
    Witness(  # the rejected side has one step, so the chosen side's second counts for nothing: d = ln 3
        Pairwise(LengthDesensitised(LogRatio(beta=1.0), alpha=0.0), Logistic()),
        parent=_dpo,
        given={**_pair, "chosen_ref_logp": [[-1.0 - LN3, 5.0]], "rejected_ref_logp": [[-1.0, 5.0]]},
        returns=[LN4 - LN3],
        gradient={"chosen_logp": [[-0.25, 0.0]], "rejected_logp": [[0.25, 0.0]]},
    ),
    Witness(  # the chosen side has the mean likelihood 1/4, the rejected one 1; the gradient is that of the loss alone, times 1/4
        Pairwise(LogRatio(beta=1.0), Logistic(), weight=MeanLikelihood()),
        parent=_dpo,
        given={
            **_pair,
            "chosen_logp": [[-LN4, -LN4]],
            "chosen_ref_logp": [[-LN4, -LN4]],
            "rejected_ref_logp": [[-LN3, 0.0]],
            "rejected_logp": [[0.0, 0.0]],
        },
        returns=[LN4 / 4],
        gradient={"chosen_logp": [[-0.1875, -0.1875]], "rejected_logp": [[0.1875, 0.0]]},
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
    Limit(
        Pairwise(LogProbability(), SortedMargins(), label=Noisy(rate=0.1)),
        equals=Pairwise(LogProbability(), SortedMargins(label_smoothing=0.1)),
        when="margins are sorted: turned, they meet in the opposite order",
    ),
    Limit(Pairwise(LogRatio(), Square(), label=Soft()), equals=Pairwise(LogRatio(), Square()), when="every label is certain", under=_right),
)
