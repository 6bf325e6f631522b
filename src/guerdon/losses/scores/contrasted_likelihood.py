"""Contrasted likelihood: how likely the policy makes the steps that a prompt for a better answer makes likelier, and how unlikely the others.

    score = beta * sum over acted steps of r * logp,   r = sigmoid(better_logp - worse_logp) - 1/2        [B], in units of reward

r, between -1/2 and 1/2 and a constant, is what a model says of its own steps when it is once asked for a better and once for a worse answer: the views ``better`` and
``worse``, the reference under two other prompts (``models.prompted``).

It is r times the implicit reward of every step, beta (logp - ref_logp), up to a constant: the regulariser that draws the implicit rewards to the model's own.

Source: T-REG, arXiv 2412.02685 (the method; equation numbers were not seen). ``beta`` 0.1: DPO's.
Differs from LogProbability: each step has a weight, which may be negative.
"""

from dataclasses import dataclass

from guerdon.losses.scores.log_probability import LogProbability
from guerdon.quantities import BT, B, Mask
from guerdon.steps import clean, total
from guerdon.witness import Witness


@dataclass(frozen=True)
class ContrastedLikelihood:
    beta: float = 0.1

    def __call__(self, logp: BT, better_logp: BT, worse_logp: BT, mask: Mask) -> B:
        reward = clean(better_logp - worse_logp, mask).detach().sigmoid() - 0.5
        return self.beta * total(reward * logp, mask)


LN3 = 1.0986122886681098
witness = Witness(  # three times as likely under the better prompt, then a third: rewards of 1/4 and -1/4
    ContrastedLikelihood(beta=2.0),
    parent=LogProbability(beta=2.0),
    given={
        "logp": [[-1.0, -3.0, 9.0]],
        "better_logp": [[-1.0, -2.0 - LN3, 0.0]],
        "worse_logp": [[-1.0 - LN3, -2.0, 5.0]],
        "mask": [[1, 1, 0]],
    },
    returns=[1.0],
    gradient={"logp": [[0.5, -0.5, 0.0]], "better_logp": None, "worse_logp": None},
)
