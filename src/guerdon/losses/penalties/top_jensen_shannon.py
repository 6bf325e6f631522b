"""Jensen-Shannon on the policy's most likely steps: all others are one.

    p_k, ref_k: of the policy's K most likely next steps, and, of the tail, 1 minus their sum        K + 1 numbers that sum to 1
    m       = beta ref + (1 - beta) p
    penalty = sum_k beta ref_k (log ref_k - log m_k) + (1 - beta) p_k (log p_k - log m_k)            [B, T], nats
    beta 0: KL(ref || p), beta 1: KL(p || ref); without a ``tail`` p and ref are divided by their sums over the K steps instead

K is ``guerdon.quantities.TOP``. It is never more than JensenShannon: putting steps together can only lose a difference. The whole distribution costs no more here
(``jensen_shannon``); K steps are what another program can send.

Source: SDPO, arXiv 2601.20802, the student's top-K with a tail, as TRL 1.16 has it (``topk_logits``, ``distillation_alpha`` and ``distillation_add_tail``);
``beta`` 0.5 and the tail: its authors' configuration (of the 100 most likely steps); by default TRL's SDPO has 1 and the sampled token, its SDFT 0.5 and no tail.
Differs from JensenShannon: what is unlikely to the policy is seen as a whole.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from guerdon.errors import InputError
from guerdon.losses.penalties.kl_exact import KLExact
from guerdon.quantities import BT
from guerdon.witness import Witness

LEAST = 1e-7  # of the tail, where the K steps are everything but for rounding


@dataclass(frozen=True)
class TopJensenShannon:
    beta: float = 0.5
    tail: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.beta <= 1:
            raise InputError(
                f"top_jensen_shannon.beta is {self.beta}; it is a share, from 0 (KL from the other model) to 1 (KL from the policy)"
            )

    def __call__(self, top_logp: Float[Tensor, "B T K"], ref_seen_top_logp: Float[Tensor, "B T K"]) -> BT:
        close = _with_tail if self.tail else _of_one
        p, ref = close(top_logp), close(ref_seen_top_logp.detach())
        if self.beta == 0:
            return _kl(ref, p)
        if self.beta == 1:
            return _kl(p, ref)
        m = torch.logaddexp(ref + math.log(self.beta), p + math.log1p(-self.beta))
        return self.beta * _kl(ref, m) + (1 - self.beta) * _kl(p, m)


def _with_tail(logp: Tensor) -> Tensor:
    together = logp.logsumexp(-1, keepdim=True).clamp(max=-LEAST)
    return torch.cat([logp, torch.log(-torch.expm1(together))], -1)


def _of_one(logp: Tensor) -> Tensor:
    return logp.log_softmax(-1)


def _kl(first: Tensor, second: Tensor) -> Tensor:
    return (first.exp() * (first - second)).sum(-1)


# The policy's likeliest steps have 1/2 and 1/4, and 1/4 and 1/4 with the reference; the tails are 1/4 and 1/2.
_half, _quarter = math.log(0.5), math.log(0.25)
_given = {"top_logp": [[[_half, _quarter]]], "ref_seen_top_logp": [[[_quarter, _quarter]]], "ref_kl": [[0.3]]}
_apart = math.log(2) / 4  # 1/2 log 2 - 1/4 log 2
witness = (
    # KL is 1/2 log 2 - 1/4 log 2; by the log-probabilities of the two steps p_k (log p_k - log ref_k) + p_k - p_k (log tail ratio + 1), the ratio of the tails 1/2
    Witness(
        TopJensenShannon(beta=1.0),
        parent=KLExact(),
        given=_given,
        returns=[[_apart]],
        gradient={"top_logp": [[[math.log(2), math.log(2) / 4]]], "ref_seen_top_logp": None},
    ),
    Witness(TopJensenShannon(beta=0.0), parent=TopJensenShannon(beta=1.0, tail=False), given=_given, returns=[[_apart]]),
    # of the two alone 2/3 and 1/3 against 1/2 and 1/2
    Witness(
        TopJensenShannon(beta=1.0, tail=False),
        parent=TopJensenShannon(beta=1.0),
        given=_given,
        returns=[[2 / 3 * math.log(4 / 3) + math.log(2 / 3) / 3]],
    ),
)
