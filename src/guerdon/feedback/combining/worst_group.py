"""Worst group: every component is a group of people, and the one that fares worst is who is served.

    worst  = argmin_k  mean over the batch of component_k
    reward = component_worst                                     [B]; NaN where it does not apply

As the policy moves another group becomes the worst, and the policy ends where no group can be helped without one that is no better off
being hurt: the egalitarian optimum (``exact.solvers.maxmin_optimum``). A penalty for leaving the reference is the same for all groups, so
it does not change who is worst. Rewards of groups must be in one unit for this to mean anything.

Source: MaxMin-RLHF, Chakraborty et al. 2024, arXiv 2402.08925: before each update of the policy, the group whose expected reward is least.
There expectations are of fresh samples, as here: the batch that is learned from.
Differs from Weigh: one component counts, and which is decided by the batch. It is not the least component of each sample, which no group
may hold.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch

from guerdon.errors import InputError
from guerdon.feedback.combining.weigh import Weigh
from guerdon.quantities import B
from guerdon.witness import Witness


@dataclass(frozen=True)
class WorstGroup:
    per_batch: ClassVar[bool] = True

    def __call__(self, components: Mapping[str, B]) -> B:
        if not components:
            raise InputError("there is no reward component, hence no group: name one reward for each group")
        values = torch.stack(list(components.values()))
        utility = values.nanmean(-1).nan_to_num(nan=torch.inf)  # whoever has no reward here is not served here
        return values[utility.argmin()]


_nan = float("nan")
_components = {"many": torch.tensor([3.0, 1.0, 2.0]), "few": torch.tensor([1.0, 4.0, _nan]), "none": torch.tensor([_nan] * 3)}
witness = (  # means of 2 and 2.5, though "few" holds the least number
    Witness(WorstGroup(), parent=Weigh(), given={"components": _components}, returns=[3.0, 1.0, 2.0]),
    Witness(
        WorstGroup(),
        parent=Weigh(),
        given={"components": _components | {"many": torch.tensor([3.0, 3.0, 3.0])}},
        returns=[1.0, 4.0, _nan],
    ),
)
