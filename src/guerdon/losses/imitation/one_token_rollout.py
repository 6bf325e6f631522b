"""One-token rollout: at every demonstrated step the policy draws next steps itself, and is praised for those that are the demonstrated one.

    loss = -(1 / K) sum_k R_k log p(a_k),   a_k ~ softmax(logits / temperature), K = ``draws``        [B, T], nats
    R_k  = 1 where a_k is the demonstrated step, ``wrong`` elsewhere

No gradient goes through who is drawn, and nothing is drawn after a_k: the next step follows the demonstration. In expectation, with q the tempered distribution, held,

    loss = -(1 - wrong) q(y) log p(y) - wrong * sum_v q(v) log p(v)

of which at a temperature of 1 the second half has no gradient: there the method is DetachedLikelihood times 1 - wrong, and the noise of its draws. Above 1, ``wrong`` below
0 sharpens the policy beside that.

Draws are lots, made of the step's own log-probabilities, and so the same in every split of a batch; steps of which all of these are the same have the same.

Source: OTR, arXiv 2509.26313: abstract and summaries; authors' code was not found. 256 draws, temperature 1.3 and -0.1 are as others cite them. Costs the logits of
all steps, memory of B T (V + K).
Differs from NegativeLogLikelihood: what is made likelier is what the policy itself says, in the measure in which it does.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.losses._lots import bits_of, mixed, uniform
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.quantities import BT, Mask
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class OneTokenRollout:
    draws: int = 256
    temperature: float = 1.3
    wrong: float = -0.1

    def __post_init__(self) -> None:
        if isinstance(self.draws, int) and self.draws < 1:
            raise InputError(f"one_token_rollout: draws is {self.draws}; at every step at least 1 next step is drawn")
        if isinstance(self.temperature, (int, float)) and self.temperature <= 0:
            raise InputError(f"one_token_rollout: temperature is {self.temperature}; what is drawn needs one above 0")

    def __call__(self, logits: Tensor, action: Tensor, mask: Mask) -> BT:
        logp = torch.where(mask.unsqueeze(-1), logits, torch.zeros((), dtype=logits.dtype, device=logits.device)).log_softmax(-1)
        taken = torch.where(mask, action, torch.zeros_like(action)).unsqueeze(-1)
        drawn = self._drawn(logp.detach(), taken)
        praised = torch.where(drawn == taken, 1.0, self.wrong).to(logp.dtype)
        return -(praised * logp.gather(-1, drawn)).mean(-1)

    def _drawn(self, logp: Tensor, taken: Tensor) -> Tensor:
        """[B, T, K]"""
        own = mixed(bits_of(logp.gather(-1, taken).squeeze(-1)) ^ mixed(bits_of(logp.square().sum(-1))))
        turn = torch.arange(1, self.draws + 1, device=logp.device)
        lots = uniform(mixed(own.unsqueeze(-1) + turn * -7046029254386353131))  # 0x9E3779B97F4A7C15 as a signed number
        below = (logp.double() / self.temperature).softmax(-1).cumsum(-1)
        return torch.searchsorted(below, lots * below[..., -1:], right=True).clamp(max=logp.shape[-1] - 1)


LN2, LN3 = 0.6931471805599453, 1.0986122886681098
_steps = {
    "logits": [[[LN3, 0.0], [LN3, 0.0]]],
    "action": [[0, 1]],
    "mask": [[1, 1]],
}  # probabilities 3/4 and 1/4: so cold, all draws are the first
_cold = OneTokenRollout(temperature=1e-3)
witness = (
    Witness(
        _cold,
        parent=OneTokenRollout(temperature=1e-3, wrong=0.0),
        given=_steps,
        returns=[[2 * LN2 - LN3, -0.1 * (2 * LN2 - LN3)]],
        gradient={"logits": [[[-0.25, 0.25], [0.025, -0.025]]]},
    ),
    Witness(
        OneTokenRollout(temperature=1e-3, wrong=0.0),
        parent=_cold,
        given=_steps,
        returns=[[2 * LN2 - LN3, 0.0]],
        gradient={"logits": [[[-0.25, 0.25], [0.0, 0.0]]]},
    ),
    # as likely as not: of two draws at most two are the demonstrated step, and all are of log-probability -ln 2
    Witness(
        OneTokenRollout(draws=2, temperature=1.0, wrong=1.0),
        parent=OneTokenRollout(draws=2, temperature=1.0, wrong=0.0),
        given={"logits": [[[0.0, 0.0], [0.0, 0.0]]], "action": [[0, 1]], "mask": [[1, 1]]},
        returns=[[LN2, LN2]],
    ),
)


def _sure(inputs: dict) -> dict:
    """The demonstrated step is the only one that is drawn, and as likely as it was."""
    logits = torch.zeros_like(inputs["logits"]).scatter(-1, inputs["action"].unsqueeze(-1), 2.0)
    return inputs | {"logits": logits, "logp": logits.log_softmax(-1).gather(-1, inputs["action"].unsqueeze(-1)).squeeze(-1)}


limits = (
    Limit(
        OneTokenRollout(temperature=1e-3, wrong=0.5),
        equals=NegativeLogLikelihood(),
        when="the demonstrated step is all that is drawn",
        under=_sure,
        gradient=False,
    ),
)
