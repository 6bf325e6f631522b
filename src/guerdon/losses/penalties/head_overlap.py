"""Head overlap: two heads on one body may not look at the same direction of it.

    penalty = head_overlap        [B], between 0 and 1: the absolute cosine between the weights of the two, the same number for every sequence

Of a pair both sides have the same, so one is asked: ``OnSide(HeadOverlap())``.

Source: ODIN, Chen et al. 2024, arXiv 2402.07319, the orthogonality term; its authors' code (``training/utils/model/two_head_rw.py``) gives it the weight 1.
Differs from GaussianKL: of the weights of heads, and not of what is believed of a user.
"""

from dataclasses import dataclass
from typing import ClassVar

from guerdon.losses.penalties.gaussian_kl import GaussianKL
from guerdon.quantities import B
from guerdon.witness import Witness


@dataclass(frozen=True)
class HeadOverlap:
    per_item: ClassVar[bool] = True  # one number for a sequence

    def __call__(self, head_overlap: B) -> B:
        return head_overlap


witness = Witness(
    HeadOverlap(), parent=GaussianKL(), given={"head_overlap": [0.5, 0.5]}, returns=[0.5, 0.5], gradient={"head_overlap": [1.0, 1.0]}
)
