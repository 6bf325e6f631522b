"""Trimmed entropy: certainty is punished, but only among the steps that may be meant.

    penalty = -entropy of the next-step distribution without the ``share`` of the vocabulary that is least likely, as if what is left were all   [B, T], nats

As a term with a positive weight it is a bonus. That of the whole vocabulary lifts a hundred thousand steps that are never right; this one has no gradient by
their logits.

Source: AEnt, Shen 2025, On Entropy Control in LLM-RL Algorithms, arXiv 2509.03493: its clamped entropy; the share 0.3 is that of its code's example, where the coefficient is 2e-4.
Differs from Entropy: what is left out.
"""

from dataclasses import dataclass

from torch import Tensor

from guerdon.errors import InputError
from guerdon.losses.penalties.entropy import Entropy
from guerdon.quantities import BT
from guerdon.witness import Witness


@dataclass(frozen=True)
class TrimmedEntropy:
    share: float = 0.3

    def __post_init__(self) -> None:
        if not 0 <= self.share < 1:
            raise InputError(
                f"trimmed_entropy.share is {self.share}; it is a share of the vocabulary, from 0 (nothing is left out) to below 1"
            )

    @property
    def read(self) -> str:
        return f"trimmed_entropy({float(self.share)})"

    def needs(self) -> frozenset[str]:
        return frozenset({self.read})

    def __call__(self, **quantities: Tensor) -> BT:
        return -quantities[self.read]


# One step of three, with 1/2, 1/4 and 1/4: without one of the latter 2/3 and 1/3.
_given = {"entropy": [[1.0397207708399179]], "trimmed_entropy(0.4)": [[0.6365141682948128]], "trimmed_entropy(0.0)": [[1.0397207708399179]]}
witness = (
    Witness(
        TrimmedEntropy(0.4),
        parent=Entropy(),
        given=_given,
        returns=[[-0.6365141682948128]],
        gradient={"trimmed_entropy(0.4)": [[-1.0]], "entropy": None},
    ),
    Witness(TrimmedEntropy(0.0), parent=TrimmedEntropy(0.4), given=_given, returns=[[-1.0397207708399179]]),
)
