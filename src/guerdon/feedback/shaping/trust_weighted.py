"""Trust weighted: what another reward says of answers counts as far as it is higher for right ones than for wrong ones, group by group.

    reward + weight * trust * component        trust = 1 where mean(component | right) >= mean(component | wrong) in the group,
                                                       exp of the difference where it is lower        [B]

``by`` names the component (how well an answer is thought through, say); right is ``reward >= threshold``. In a group that is all right or all wrong
there is nothing to trust it by, and it counts for nothing: otherwise it alone would tell the answers apart. The reward that is given must not hold
the component already (``combine: {part: weigh, weights: {thinking: 0}}``). ``weight`` may fall over the run, as the method has it: ``{part:
exponential, ...}``.

Source: SophiaVL-R1, Fan et al. 2025, arXiv 2505.17018 (Trust-GRPO), and its authors' code (kxfan2002/SophiaVL-R1, ``verl/workers/reward/custom.py``):
the trust, nothing for groups of one kind, 0.3 exp(-step / 500) for the weight. There answers that are wrong are given a thinking score of 0 in that
file, so that the trust is always 1; here they have the score that they are given, as the paper has it.
Differs from WhereSolved: a component is added, and as far as it agrees with what is known.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.feedback.shaping.where_solved import WhereSolved
from guerdon.quantities import B
from guerdon.steps import group_mean
from guerdon.thresholds import reaches
from guerdon.witness import Witness


@dataclass(frozen=True)
class TrustWeighted:
    by: str = "thinking"
    weight: float = 0.3
    threshold: float = 0.5

    def needs(self) -> frozenset[str]:
        return frozenset({"reward", "group", f"component_{self.by}"})

    def __call__(self, reward: B, group: Tensor, **components: B) -> B:
        said = components[f"component_{self.by}"].to(reward.dtype)
        right = reaches(reward, self.threshold).to(reward.dtype)
        share = group_mean(right, group)
        mixed = (share > 0) & (share < 1)
        ahead = group_mean(said * right, group) / torch.where(mixed, share, 1.0) - group_mean(said * (1 - right), group) / torch.where(
            mixed, 1 - share, 1.0
        )
        trust = torch.where(mixed, ahead.clamp(max=0.0).exp(), 0.0)
        return reward + self.weight * trust * said


_LN2 = 0.6931471805599453
_given = {
    "reward": [1.0, 0.0, 1.0, 0.0, 1.0, 1.0],
    "group": [0, 0, 1, 1, 2, 2],
    "component_thinking": [0.75, 0.25, 0.0, _LN2, 1.0, 0.5],
    "component_style": [0.0] * 6,
    "length": [1.0] * 6,
}
witness = (
    Witness(TrustWeighted(), parent=WhereSolved(), given=_given, returns=[1.225, 0.075, 1.0, 0.15 * _LN2, 1.0, 1.0]),
    Witness(TrustWeighted(weight=0.6), parent=TrustWeighted(), given=_given, returns=[1.45, 0.15, 1.0, 0.3 * _LN2, 1.0, 1.0]),
    Witness(TrustWeighted(by="style"), parent=TrustWeighted(), given=_given, returns=[1.0, 0.0, 1.0, 0.0, 1.0, 1.0]),
    Witness(TrustWeighted(threshold=2.0), parent=TrustWeighted(), given=_given, returns=[1.0, 0.0, 1.0, 0.0, 1.0, 1.0]),
)
