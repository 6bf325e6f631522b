"""Against another view: a loss that reads the reference, computed with another model in its place.

    loss = loss with ``ref_...`` standing for ``old_...`` (or whatever ``view`` says)        in the loss's own shape

``Against(KLExponential(), view="old")`` is the KL from the policy that acted: a trust region.

Source: the composition is ours.
"""

from dataclasses import dataclass

from torch import Tensor

from guerdon.losses.penalties.kl_exponential import KLExponential
from guerdon.parts import Part, call, needs, wants
from guerdon.witness import Witness

_REFERENCE = "ref_"


@dataclass(frozen=True)
class Against:
    loss: Part
    view: str = "old"

    def needs(self) -> frozenset[str]:
        return frozenset(map(self._there, needs(self.loss)))

    def wants(self) -> frozenset[str]:
        return frozenset(map(self._there, wants(self.loss)))

    def _there(self, name: str) -> str:
        return f"{self.view}_{name.removeprefix(_REFERENCE)}" if name.startswith(_REFERENCE) else name

    def __call__(self, **quantities: Tensor) -> Tensor:
        own = {name: quantities[self._there(name)] for name in needs(self.loss) | wants(self.loss) if self._there(name) in quantities}
        return call(self.loss, own)


LN2 = 0.6931471805599453
witness = Witness(  # the one that acted was twice as likely to say it: 2 - ln 2 - 1
    Against(KLExponential()),
    parent=KLExponential(),
    given={"logp": [[-LN2]], "old_logp": [[0.0]], "ref_logp": [[-LN2]]},
    returns=[[1 - LN2]],
    gradient={"logp": [[-1.0]], "old_logp": None},
)
