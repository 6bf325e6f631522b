"""Importance weighted: a loss per step times the ratio to the policy that acted, with the gradient of both.

    loss = ratio * loss,   ratio = exp(logp - old_logp), of the level        [B, T]

An expectation under the policy, from steps that another has taken, is one of the loss times the ratio; its gradient has two parts, that of the loss
and that of who acts. The second is what the estimates of ``losses.penalties`` lack in the loss: with the ratio the direct one (k1) and the exponential one
(k3) both have, in expectation, exactly the gradient of KL(policy || reference) of each step, on fresh steps and on old ones. KLSquare has it without
the ratio, on fresh steps alone.

``view: ""`` takes the policy itself, held, in the place of the one that acted: the ratio is 1 and has the gradient of logp. A ratio above e^10 is e^10.
In the reward there is no gradient, and the ratio weighs what is charged.

Source: DeepSeek-V3.2, arXiv 2512.02556, the unbiased KL estimate; the gradients, arXiv 2506.09477. ``use_bias_correction_kl`` of TRL (at the level of its
ratio), ``use_on_policy_kl_approximation`` of NeMo-RL, whose default is ``view: ""``, the importance ratio of slime's KL; of the direct estimate ``kl_estimator: 3`` of
open-instruct.
Differs from Corrected: the gradient goes through the weight.
"""

from dataclasses import dataclass

from torch import Tensor

from guerdon.losses.levels import Level
from guerdon.losses.levels.geometric_mean import GeometricMean, one_step
from guerdon.losses.penalties.kl_direct import KLDirect
from guerdon.losses.penalties.kl_exponential import KLExponential
from guerdon.losses.penalties.kl_square import KLSquare
from guerdon.parts import Part, call, needs, wants
from guerdon.quantities import BT
from guerdon.steps import clean
from guerdon.witness import Limit, Witness

_AT = 10.0  # a weight of 22,026; with a penalty 20 nats away from its reference the product's gradient still fits into float32


@dataclass(frozen=True)
class ImportanceWeighted:
    loss: Part
    view: str = "old"  # "": the policy itself, held
    level: Level | None = None  # None: each step has its own ratio

    def needs(self) -> frozenset[str]:
        return needs(self.loss) | {"logp", self._who} | ({"mask"} if self.level is not None else frozenset())

    def wants(self) -> frozenset[str]:
        return wants(self.loss) - self.needs()

    @property
    def _who(self) -> str:
        return f"{self.view}_logp" if self.view else "logp"

    def __call__(self, **quantities: Tensor) -> BT:
        moved = quantities["logp"] - quantities[self._who].detach()
        if self.level is not None:
            mask = quantities["mask"]
            moved = call(self.level, {"log_ratio": clean(moved, mask), "mask": mask})
        return moved.clamp(max=_AT).exp() * call(self.loss, quantities)


LN2 = 0.6931471805599453
_given = {  # half as likely as for the reference; twice as likely as when it was taken, and as it was
    "logp": [[-LN2, -LN2]],
    "ref_logp": [[0.0, 0.0]],
    "old_logp": [[-2 * LN2, -LN2]],
    "mask": [[1, 1]],
}
_weighted = ImportanceWeighted(KLExponential())
witness = (
    Witness(  # 1 - ln 2 and a gradient of -1: -ln 2 in all, which is the log-ratio
        _weighted,
        parent=KLExponential(),
        given=_given,
        returns=[[2 * (1 - LN2), 1 - LN2]],
        gradient={"logp": [[-2 * LN2, -LN2]], "ref_logp": None, "old_logp": None},
    ),
    Witness(
        ImportanceWeighted(KLDirect(), view=""),
        parent=ImportanceWeighted(KLDirect()),
        given=_given,
        returns=[[-LN2, -LN2]],
        gradient={"logp": [[1 - LN2, 1 - LN2]], "ref_logp": None},
    ),
    Witness(  # both have the ratio 2^(1/2), which half belongs to each
        ImportanceWeighted(KLExponential(), level=GeometricMean()),
        parent=_weighted,
        given=_given,
        returns=[[2**0.5 * (1 - LN2)] * 2],
        gradient={"logp": [[-(2**0.5) * LN2] * 2], "ref_logp": None, "old_logp": None},
    ),
)


def _on_policy(inputs: dict) -> dict:
    return inputs | {"old_logp": inputs["logp"].detach().clone()}


limits = (
    Limit(_weighted, equals=ImportanceWeighted(KLExponential(), view=""), when="the policy that acted is the policy", under=_on_policy),
    Limit(_weighted, equals=KLExponential(), when="the policy that acted is the policy; in value alone", under=_on_policy, gradient=False),
    Limit(
        ImportanceWeighted(KLSquare(), level=GeometricMean()),
        equals=ImportanceWeighted(KLSquare()),
        when="sequences have one step",
        under=one_step,
    ),
)
