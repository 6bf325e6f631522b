"""Corrected: a loss of steps that another policy took than the one that learns from them.

    log_ratio = log p_view - log p_old                              of the step taken; p_old acted
    loss      = product of the corrections' weights * loss          [B, T]; no gradient goes through a weight

The policy that acted and the one from which a gradient step starts are two where rollouts are drawn some steps ahead, by another program,
or in other number formats. They have two tasks: the one that acted says what a step is worth in the expectation, the other holds the bounds
of a surrogate (how far may a step of the optimiser go?). So the loss reads ``proximal_...`` where it says ``old_...``: what the policy
itself says of the rollouts before the first gradient step on them (``guerdon.quantities``). A correction is a file in
``losses.corrections``; several are multiplied, so that one may weigh and another leave out.

``view: ""`` takes the policy as it learns, at every gradient step anew, in the place of the proximal one: nothing is measured beforehand,
and the loss reads ``old_...`` itself. A loss that has a ratio to ``old_...`` then needs no weights, only what leaves steps out; weights go
with losses that have none (``reinforce``).

Source: the composition is ours; as it is shown, the decoupled objective of Hilton et al., Batch size-invariance for policy optimization,
arXiv 2110.00641, and of AReaL, arXiv 2505.24298, section 5.2 (weights are not cut there: ``Truncated(cap=inf)``); with ``Truncated`` that
of TIS, with ``Masked`` that of IcePop; see there. Two-sided clipping of a ratio (INTELLECT-2, arXiv 2505.07291) is no correction, it is
``Clip(dual=4)``.
Differs from the loss: on steps of which the two policies say the same it is the same, exactly.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.losses.corrections import Correction
from guerdon.losses.corrections.far_failures import FarFailures
from guerdon.losses.corrections.masked import Masked
from guerdon.losses.corrections.rejection import Rejection
from guerdon.losses.corrections.truncated import LN2, Truncated
from guerdon.losses.surrogates.clip import Clip
from guerdon.losses.surrogates.reinforce import Reinforce
from guerdon.parts import Part, call, describe, needs, wants
from guerdon.quantities import BT, Mask
from guerdon.witness import Limit, Witness

_OLD = "old_"
_GIVEN = frozenset({"log_ratio", "mask"})


@dataclass(frozen=True)
class Corrected:
    loss: Part
    corrections: tuple[Correction, ...]
    view: str = "proximal"  # "": the policy as it learns

    def __post_init__(self) -> None:
        for said in ("per_item", "side", "actor", "settle"):
            if getattr(self.loss, said, None):
                raise InputError(
                    f"corrected: {describe(self.loss)} is no loss of each step of all sequences; put corrected inside of it, or correct another loss"
                )
        weighing = [c for c in self.corrections if not c.drops]
        if not self.view and weighing and any(name.startswith(_OLD) for name in needs(self.loss)):
            raise InputError(
                f"corrected: with view: '' {describe(self.loss)} has the ratio to the policy that acted in it, and {describe(weighing[0])} would take it once more; leave view "
                "out, or take a correction that only leaves out (rejection, far_failures, probability_change), or a loss without a ratio (reinforce)"
            )

    @property
    def silent_without(self) -> str | None:
        """As the loss says."""
        return getattr(self.loss, "silent_without", None)

    @property
    def follows(self) -> bool:
        """Whether it is right for a policy that has moved since the gradient steps on a batch began: it takes the policy as it learns, or its loss has a ratio."""
        return not self.view or any(name.startswith(_OLD) for name in needs(self.loss))

    def needs(self) -> frozenset[str]:
        read = {name for correction in self.corrections for name in needs(correction)}
        return frozenset(map(self._there, needs(self.loss))) | (read - _GIVEN) | {self._now, "old_logp", "mask"}

    def wants(self) -> frozenset[str]:
        return frozenset(map(self._there, wants(self.loss))) | {name for correction in self.corrections for name in wants(correction)}

    @property
    def _now(self) -> str:
        return f"{self.view}_logp" if self.view else "logp"

    def _there(self, name: str) -> str:
        """What the loss reads where it says ``name``."""
        return f"{self.view}_{name.removeprefix(_OLD)}" if self.view and name.startswith(_OLD) else name

    def _of_loss(self, quantities: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What the loss reads."""
        return {n: quantities[self._there(n)] for n in needs(self.loss) | wants(self.loss) if self._there(n) in quantities}

    def _of(self, quantities: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What corrections read."""
        return {**quantities, "log_ratio": quantities[self._now].detach() - quantities["old_logp"].detach()}

    def weight(self, quantities: Mapping[str, Tensor]) -> BT:
        """The corrections' weights, multiplied, 0 where the mask is false; with those of the loss, if it is corrected itself."""
        own = self._weight(quantities)
        return own * self.loss.weight(self._of_loss(quantities)) if isinstance(self.loss, Corrected) else own

    def _weight(self, quantities: Mapping[str, Tensor]) -> BT:
        given = self._of(quantities)
        weight = given["mask"].to(given["log_ratio"].dtype)
        for correction in self.corrections:
            weight = torch.where(given["mask"], weight * call(correction, given), 0.0)
        return weight.detach()

    def truncated(self, quantities: Mapping[str, Tensor]) -> Mask:
        """Where a weight has been cut."""
        given = self._of(quantities)
        within = [self.loss.truncated(self._of_loss(quantities))] if isinstance(self.loss, Corrected) else []
        cut = within + [c.truncates(given["log_ratio"], given["mask"]) for c in self.corrections if hasattr(c, "truncates")]
        return given["mask"] & torch.stack([torch.zeros_like(given["mask"]), *cut]).any(0)

    def __call__(self, **quantities: Tensor) -> BT:
        return self._weight(quantities) * call(self.loss, self._of_loss(quantities))


_step = {  # since the rollout was drawn steps have become 4 times, half and twice as likely, and in this gradient step 2, 1 and 1/2 times
    "logp": [[3 * LN2, -LN2, 0.0]],
    "proximal_logp": [[2 * LN2, -LN2, LN2]],
    "old_logp": [[0.0, 0.0, 0.0]],
    "advantage": [[1.0, 1.0, -1.0]],
    "mask": [[1, 1, 1]],
}
_decoupled = Corrected(Clip(), (Truncated(cap=math.inf),))
_dropping = Corrected(Clip(), (Rejection(0.3, 3.0),), view="")
witness = (
    Witness(  # gains 1.2, 1 and -0.8 times 4, 1/2 and 2; Clip by itself sees ratios of 8, 1/2 and 1
        _decoupled,
        parent=Clip(),
        given=_step,
        returns=[[-4.8, -0.5, 1.6]],
        gradient={"logp": [[0.0, -0.5, 0.0]], "proximal_logp": None, "old_logp": None, "advantage": None},
    ),
    Witness(
        Corrected(Clip(), (Truncated(cap=3.0),)),
        parent=_decoupled,
        given=_step,
        returns=[[-3.6, -0.5, 1.6]],
        gradient={"logp": [[0.0, -0.5, 0.0]], "proximal_logp": None, "old_logp": None},
    ),
    Witness(  # 4 is left out by the second, and 2 cut by the first
        Corrected(Clip(), (Truncated(cap=1.5), Masked(0.3, 3.0))),
        parent=Corrected(Clip(), (Truncated(cap=1.5),)),
        given=_step,
        returns=[[0.0, -0.25, 2.4]],
        gradient={"logp": [[0.0, -0.25, 0.0]], "proximal_logp": None, "old_logp": None},
    ),
    Witness(  # the policy as it learns: ratios of 8, 1/2 and 1 to the one that acted
        Corrected(Reinforce(), (Truncated(cap=3.0),), view=""),
        parent=Corrected(Reinforce(), (Truncated(cap=3.0),)),
        given=_step,
        returns=[[-9 * LN2, LN2 / 2, 0.0]],
        gradient={"logp": [[-3.0, -0.5, 1.0]], "old_logp": None},
    ),
    Witness(
        _dropping,
        parent=Clip(),
        given=_step,
        returns=[[0.0, -0.5, 1.0]],
        gradient={"logp": [[0.0, -0.5, 1.0]], "old_logp": None},
    ),
)


def _fresh(inputs: dict) -> dict:
    """Nothing has moved since the rollouts were drawn, up to this gradient step."""
    return inputs | {"proximal_logp": inputs["old_logp"].clone()}


def _unmoved(inputs: dict) -> dict:
    """Nothing has moved, not in this gradient step either."""
    return inputs | {"old_logp": inputs["logp"].detach().clone()}


_every = (Truncated(), Masked(), Rejection(), FarFailures())
limits = (
    Limit(Corrected(Clip(), _every), equals=Clip(), when="the policy that acted is the one that the step starts from", under=_fresh),
    Limit(Corrected(Reinforce(), _every, view=""), equals=Reinforce(), when="the policy that acted is the policy", under=_unmoved),
    Limit(Corrected(Reinforce(), ()), equals=Reinforce(), when="nothing is corrected"),
)
