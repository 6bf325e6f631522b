"""Expected preference: a reward is worth how often it would be preferred to what else there is.

    reward_b -> mean over b' of sigmoid(reward_b - reward_b')        [B], between 0 and 1; b' over the batch, b itself too

A Bradley-Terry reward is known up to a constant, and its scale is how sure somebody is: for one user rewards may lie within 1 and for
another within 20. Shaped, they are in one unit for all, so that no user's rewards drown those of others. The batch is of one user.

Source: VPL-SPO, Poddar et al. 2024, arXiv 2408.10075: the reward of a state, given the user's latent, is the expected probability that it
is preferred to other states; the idea is that of self-play preference optimisation, Swamy et al. 2024, arXiv 2401.04056.
Differs from BatchNormalise: bounded, and differences between the best count the less the surer they are.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch

from guerdon.feedback.shaping.batch_normalise import BatchNormalise
from guerdon.quantities import B
from guerdon.witness import Witness


@dataclass(frozen=True)
class ExpectedPreference:
    per_batch: ClassVar[bool] = True

    def __call__(self, reward: B) -> B:
        return torch.sigmoid(reward.unsqueeze(-1) - reward).mean(-1)


LN3 = 1.0986122886681098
witness = Witness(ExpectedPreference(), parent=BatchNormalise(), given={"reward": [0.0, LN3]}, returns=[3 / 8, 5 / 8])
