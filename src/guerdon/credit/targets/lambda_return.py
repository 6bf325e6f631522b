"""Lambda-return: what the critic should have said, by the same horizon as the advantage.

    target = advantage(...) + old_value        [B, T], in units of reward

``advantage`` is computed here and not read, because the advantage of the loss may have been normalised since.

Source: GAE, arXiv 1506.02438, section 5 (value regressed on returns); PPO's implementations regress on advantage + value, the TD(lambda)
return of Sutton and Barto, 2nd edition, section 12.1. Its ``gamma`` and ``lam`` are those of the wrapped advantage.
"""

from dataclasses import dataclass

from torch import Tensor

from guerdon.credit.advantages import Advantage
from guerdon.credit.advantages.gae import GAE
from guerdon.credit.advantages.return_to_go import ReturnToGo
from guerdon.parts import call, needs, wants
from guerdon.quantities import BT, Mask
from guerdon.steps import clean
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class LambdaReturn:
    advantage: Advantage = GAE()

    def needs(self) -> frozenset[str]:
        return needs(self.advantage) | {"old_value", "mask"}

    def wants(self) -> frozenset[str]:
        return wants(self.advantage)

    def __call__(self, old_value: BT, mask: Mask, **quantities: Tensor) -> BT:
        advantage = call(self.advantage, {**quantities, "old_value": old_value, "mask": mask})
        return clean(advantage + clean(old_value, mask), mask)


_gap = {"step_reward": [[0.0, 9.0, 0.0, 4.0]], "old_value": [[1.0, 9.0, 2.0, 2.0]], "mask": [[1, 0, 1, 1]]}
witness = (
    Witness(LambdaReturn(GAE(gamma=1.0, lam=0.5)), parent=ReturnToGo(), given=_gap, returns=[[2.5, 0.0, 3.0, 4.0]]),
    Witness(LambdaReturn(GAE(gamma=1.0, lam=0.0)), parent=LambdaReturn(), given=_gap, returns=[[2.0, 0.0, 2.0, 4.0]]),
)

limits = (Limit(LambdaReturn(GAE(gamma=0.9, lam=1.0)), equals=ReturnToGo(gamma=0.9), when="lam is 1"),)
