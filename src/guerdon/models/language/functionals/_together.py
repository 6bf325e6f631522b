"""Log-probability and entropy where nothing else is asked for: both in one pass over a tile, by a kernel on a CPU and by a compiled function on a GPU.

    total = log sum_v exp z_v,    logp = z[taken] - total,    entropy = -sum_v p_v log p_v,    p = exp(z - total)
    dz = g_logp (onehot(taken) - p) - g_entropy p (log p + entropy)                            z are the logits divided by the temperature

The log of the sum of exponentials comes with them and saves the backward pass a pass. Source: ours; see ``guerdon.models.kernels`` and ``guerdon.models.compiling``.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from guerdon.models import compiling, kernels
from guerdon.models.language.functionals import Functional
from guerdon.models.language.functionals.entropy import Entropy
from guerdon.models.language.functionals.logp import Logp

LEAST = -1e4  # a log-probability whose exponential is 0 in every format, and which 0 can be multiplied with


def fits(asked: Sequence[Functional], logits: Tensor) -> bool:
    """Whether this is all that is asked for, and can be had so."""
    return {type(functional) for functional in asked} <= {Logp, Entropy} and (kernels.can(logits) or not compiling.why_not(logits.device))


def values(asked: Sequence[Functional], logits: Tensor, taken: Tensor, temperature: float) -> list[Tensor]:
    """What is asked for, and the log of the sum of exponentials."""
    with_entropy = any(type(f) is Entropy for f in asked)
    if kernels.can(logits):
        logp, total, entropy = kernels.measure(logits.contiguous(), taken, temperature, with_entropy)
    else:
        logp, total, entropy = measure(logits if temperature == 1.0 else logits / temperature, taken, with_entropy)
    return [*(entropy if type(f) is Entropy else logp for f in asked), total]


def gradient(
    asked: Sequence[Functional],
    logits: Tensor,
    taken: Tensor,
    temperature: float,
    found: Sequence[Tensor],
    reaching: Sequence[Tensor | None],
) -> Tensor:
    """That of the logits, which may be written over. ``found`` is what ``values`` gave, ``reaching`` the gradients of what was asked for."""
    value = {type(f): x.contiguous() for f, x in zip(asked, found, strict=False)}
    of = {type(f): None if g is None else g.contiguous() for f, g in zip(asked, reaching, strict=True)}
    total = found[-1].contiguous()
    if kernels.can(logits):
        return kernels.measure_back(logits, taken, temperature, total, value.get(Entropy), of.get(Logp), of.get(Entropy))
    if temperature == 1.0:
        return measure_back(logits, taken, total, value.get(Entropy), of.get(Logp), of.get(Entropy))
    return measure_back(logits / temperature, taken, total, value.get(Entropy), of.get(Logp), of.get(Entropy)).div_(temperature)


@compiling.compiled
def measure(z: Tensor, taken: Tensor, with_entropy: bool) -> tuple[Tensor, Tensor, Tensor | None]:
    """Of rows [R, V]: the log-probability of what was taken, the log of the sum of exponentials, and the entropy, in float32 or better."""
    z = z.to(torch.promote_types(z.dtype, torch.float32))
    total = z.logsumexp(-1)
    logp = z.gather(-1, taken.unsqueeze(-1)).squeeze(-1) - total
    if not with_entropy:
        return logp, total, None
    each = (z - total.unsqueeze(-1)).clamp(min=LEAST)
    return logp, total, -(each.exp() * each).sum(-1)


@compiling.compiled
def measure_back(
    z: Tensor, taken: Tensor, total: Tensor, entropy: Tensor | None, of_logp: Tensor | None, of_entropy: Tensor | None
) -> Tensor:
    """The gradient of the rows, in their format."""
    each = (z.to(torch.promote_types(z.dtype, torch.float32)) - total.unsqueeze(-1)).clamp(min=LEAST)
    p, d = each.exp(), torch.zeros_like(each)
    if of_logp is not None:
        hit = torch.arange(z.shape[-1], device=z.device) == taken.unsqueeze(-1)
        d = d + torch.where(hit, 1.0 - p, -p) * of_logp.unsqueeze(-1)
    if of_entropy is not None:
        d = d - p * (each + entropy.unsqueeze(-1)) * of_entropy.unsqueeze(-1)
    return d.to(z.dtype)
