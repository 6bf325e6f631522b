"""Linear: the weighted mean of what several models have learned.

    merged = sum over k of w_k theta_k / sum over k of w_k        w: ``weights``, all alike where none are given

Models that began at one point and were trained for different things are met half-way; nothing is learned, and one model answers where K did.

Source: Wortsman et al. 2022, Model soups, arXiv 2203.05482, section 2, equal weights; with weights for specialists in Hu et al. 2025, arXiv 2505.10554, section 2.2 (1, 0.2 and 0.1
for deduction, induction and abduction in its authors' ``merge_meta.yml``, which mergekit's ``linear`` divides by their sum, as here).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.witness import Witness


@dataclass(frozen=True)
class Linear:
    weights: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.weights and not abs(sum(self.weights)) > 1e-9:
            raise InputError(f"the weights {list(self.weights)} of a merge sum to 0, and are divided by their sum; give others")

    def __call__(self, tensors: Sequence[Tensor]) -> Tensor:
        if self.weights and len(self.weights) != len(tensors):
            raise InputError(f"there are {len(tensors)} models to merge and {len(self.weights)} weights; give one for each, or none")
        weight = torch.tensor(self.weights or (1.0,) * len(tensors), dtype=torch.float64)
        total = sum(w * x.double() for w, x in zip((weight / weight.sum()).tolist(), tensors, strict=True))
        return total.to(tensors[0].dtype)


_given = {"tensors": [torch.tensor([3.0, 0.0]), torch.tensor([0.0, 6.0]), torch.tensor([3.0, 6.0])]}
witness = (
    Witness(Linear(), given=_given, returns=[2.0, 4.0]),
    Witness(Linear((1.0, 0.2, 0.3)), parent=Linear(), given=_given, returns=[2.6, 2.0]),
)
