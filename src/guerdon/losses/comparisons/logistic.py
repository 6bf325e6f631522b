"""Logistic: the negative log-likelihood of the comparison under Bradley-Terry.

    loss = -(1 - s) log sigmoid(d) - s log sigmoid(-d),   d = chosen_score - rejected_score - lead - margin        [N], nats

With the score of a head it is the Bradley-Terry reward model; with the log-ratio it is DPO. ``label_smoothing`` (s) is the probability that
the label is wrong; ``lead`` is by how much every chosen side has to be ahead; ``margin``, that of a pair, is read where the data have it.

Robust DPO for labels that are wrong with probability e is the smoothing of -e / (1 - 2 e): it undoes the noise where a positive one fits
it.

Source: Bradley and Terry 1952; InstructGPT, arXiv 2203.02155, eq. 1; DPO, arXiv 2305.18290, eq. 7; the smoothing: conservative DPO,
Mitchell 2023, note on DPO, eq. 3; the margin: Llama 2, arXiv 2307.09288, eq. 2; the
lead: SimPO, arXiv 2405.14734 (its gamma); robust DPO, arXiv 2403.00409.
"""

from dataclasses import dataclass

import torch.nn.functional as F

from guerdon.quantities import N
from guerdon.witness import Witness


@dataclass(frozen=True)
class Logistic:
    label_smoothing: float = 0.0
    lead: float = 0.0

    def __call__(self, chosen_score: N, rejected_score: N, margin: N | None = None) -> N:
        d = chosen_score - rejected_score - self.lead
        if margin is not None:
            d = d - margin
        return -(1 - self.label_smoothing) * F.logsigmoid(d) - self.label_smoothing * F.logsigmoid(-d)


LN3 = 1.0986122886681098
LN4 = 1.3862943611198906
witness = (
    Witness(  # sigmoid(-ln 3) = 1/4
        Logistic(),
        given={"chosen_score": [0.0], "rejected_score": [LN3]},
        returns=[LN4],
        gradient={"chosen_score": [-0.75], "rejected_score": [0.75]},
    ),
    Witness(  # d = ln 3 - ln 9 = -ln 3
        Logistic(),
        parent=Logistic(label_smoothing=0.1),
        given={"chosen_score": [LN3], "rejected_score": [0.0], "margin": [2 * LN3]},
        returns=[LN4],
        gradient={"chosen_score": [-0.75]},
    ),
    Witness(  # d = ln 3 - ln 9 = -ln 3
        Logistic(lead=2 * LN3),
        parent=Logistic(),
        given={"chosen_score": [LN3], "rejected_score": [0.0]},
        returns=[LN4],
        gradient={"chosen_score": [-0.75], "rejected_score": [0.75]},
    ),
    Witness(  # at d = ln 3 and s = 1/4 the loss is stationary: sigmoid(d) = 1 - s
        Logistic(label_smoothing=0.25),
        parent=Logistic(),
        given={"chosen_score": [LN3], "rejected_score": [0.0]},
        returns=[LN4 - 0.75 * LN3],
        gradient={"chosen_score": [0.0], "rejected_score": [0.0]},
    ),
)
