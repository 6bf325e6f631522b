"""Log-probability and entropy where nothing else is asked for: both in one pass over a tile, by a kernel, where there is one.

The log of the sum of exponentials comes with them and saves the backward pass a pass. Source: ours; see ``guerdon.models.kernels``.
"""

from collections.abc import Sequence

from torch import Tensor

from guerdon.models import kernels
from guerdon.models.language.functionals import Functional
from guerdon.models.language.functionals.entropy import Entropy
from guerdon.models.language.functionals.logp import Logp


def fits(asked: Sequence[Functional], logits: Tensor) -> bool:
    """Whether this is all that is asked for, and can be had so."""
    return {type(functional) for functional in asked} <= {Logp, Entropy} and kernels.can(logits)


def values(asked: Sequence[Functional], logits: Tensor, taken: Tensor, temperature: float) -> list[Tensor]:
    """What is asked for, and the log of the sum of exponentials."""
    logp, total, entropy = kernels.measure(logits.contiguous(), taken, temperature, any(type(f) is Entropy for f in asked))
    return [*(entropy if type(f) is Entropy else logp for f in asked), total]


def gradient(
    asked: Sequence[Functional],
    logits: Tensor,
    taken: Tensor,
    temperature: float,
    found: Sequence[Tensor],
    reaching: Sequence[Tensor | None],
) -> Tensor:
    """That of the logits, written over them. ``found`` is what ``values`` gave, ``reaching`` the gradients of what was asked for."""
    value = {type(f): x.contiguous() for f, x in zip(asked, found, strict=False)}
    of = {type(f): None if g is None else g.contiguous() for f, g in zip(asked, reaching, strict=True)}
    total = found[-1].contiguous()
    return kernels.measure_back(logits, taken, temperature, total, value.get(Entropy), of.get(Logp), of.get(Entropy))
