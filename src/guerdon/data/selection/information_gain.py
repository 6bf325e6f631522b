"""Information gain: ask what tells most about what is not known, not what is merely a toss-up.

    worth[c] = H(mean over s of p[c, s]) - mean over s of H(p[c, s])        [C], nats

p[c, s] is the probability of "yes" (the first of the two is preferred) to question c under the s-th draw of what is not known: a user's
latent. It is the mutual information of the answer and the latent: by how much the answer is expected to lower the entropy of the latent.

Source: VPL, Poddar et al. 2024, arXiv 2408.10075, which chooses a user's questions by the mutual information of their labels and the
latent, estimated from the variances of its encoder under all labels; in terms of the answer it is that of Houlsby et al. 2011, arXiv
1112.5745, and needs no encoder.
Differs from Uncertainty: a question that every draw calls even is worth nothing.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.data.selection.uncertainty import LN2, Uncertainty, entropy
from guerdon.witness import Witness


@dataclass(frozen=True)
class InformationGain:
    def __call__(self, probability: Tensor) -> Tensor:
        return entropy(probability.mean(-1)) - entropy(probability).mean(-1)


witness = Witness(
    InformationGain(),
    parent=Uncertainty(),
    given={"probability": torch.tensor([[0.5, 0.5], [1.0, 0.0], [1.0, 1.0]], dtype=torch.float64)},
    returns=[0.0, LN2, 0.0],
)
