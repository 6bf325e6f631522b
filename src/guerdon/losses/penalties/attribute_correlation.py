"""Attribute correlation: the first head may not follow an attribute of the answers, and the last one is to.

    penalty = |rho(head_score_1, a)| - rho(head_score_K, a)        [B], the number of the whole batch for every sequence, between -1 and 2

rho is the correlation over the sequences of the batch (Pearson), and 0 where nothing varies; a is ``length``, in acted steps, or a column of the data
(a number for each sequence; of pairs ``chosen_NAME`` and ``rejected_NAME``). Beside a comparison of the *sum* of the heads
(``losses.several_heads.summed``) the last head takes what people like in the attribute, and the first what is left. Both sides of pairs count:
``OnBothSides(AttributeCorrelation())``. The larger the batch, the less of it is chance: of n sequences without any relation |rho| is about 0.8 /
sqrt(n).

Source: ODIN, Chen et al. 2024, arXiv 2402.07319: the two terms of its length loss; its authors' code (``training/step2-reward-modeling/main.py``)
gathers the sequences of all processes for it, gives it the weight 1 and adds the absolute correlation of the sum, which the paper does not have and
which is left out here.
Differs from HeadOverlap: of what heads say, and not of their weights.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from guerdon.losses.penalties._attributes import LENGTH, name_of, read
from guerdon.quantities import B
from guerdon.witness import Witness


@dataclass(frozen=True)
class AttributeCorrelation:
    per_item: ClassVar[bool] = True  # one number for a sequence
    per_batch: ClassVar[bool] = True

    attribute: str = LENGTH

    def needs(self) -> frozenset[str]:
        return frozenset({"head_score", name_of(self.attribute)})

    def __call__(self, **quantities: Tensor) -> B:
        said = quantities["head_score"]
        attribute = read(self.attribute, quantities, said)
        first, last = (correlation(said[:, place], attribute) for place in (0, -1))
        return (first.abs() - last).expand(len(said))


def correlation(x: B, y: B) -> Tensor:
    """Of two rows of numbers; 0, and flat, where one of them does not vary."""
    if not len(x):
        return x.sum()
    x, y = ((values - values.mean()) / values.detach().abs().max().clamp(min=torch.finfo(values.dtype).tiny) for values in (x, y))
    size = x.square().sum() * y.square().sum()
    varies = size > torch.finfo(size.dtype).eps ** 2
    return torch.where(varies, (x * y).sum() / torch.where(varies, size, 1.0).sqrt(), 0.0)


_R2 = 2**0.5
witness = Witness(  # the first head has a correlation of 1 / sqrt 2, the last of 1: at its best it has no gradient
    AttributeCorrelation("marks"),
    parent=AttributeCorrelation(),
    given={
        "head_score": [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [2.0, 1.0]],
        "marks": [3.0, 3.0, 5.0, 5.0],
        "mask": [[1, 0], [1, 1], [1, 0], [1, 1]],
    },
    returns=[1 / _R2 - 1] * 4,
    gradient={"head_score": [[0.0, 0.0], [-_R2, 0.0], [_R2, 0.0], [0.0, 0.0]]},
)
