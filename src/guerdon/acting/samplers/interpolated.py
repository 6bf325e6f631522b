"""Interpolated: the completions of a prompt come from policies on the line through the policy and another model.

    logits of the k-th actor = (1 - weights[k]) * policy + weights[k] * view        at every step

P prompts → ``num_generations`` completions of each actor for every prompt, those of one prompt next to each other, in the order of the weights; which actor
drew a sequence is the quantity ``actor``. 0 is the policy itself, 1 the view; below 0 it overshoots the policy, away from the view.

* weights (0, 1): one answer of the policy and one of the reference (XPO, arXiv 2405.21046);
* (0, w) with w between 0 and 1: the opponent of Nash-MD, arXiv 2312.00886, eq. 15;
* (0, 0, -beta, beta): PILAF, arXiv 2502.04270: two answers of the policy, and two from either side of it.

``old_logp`` is that of the actor that drew.

Source: as above; PILAF's beta is that of DPO. Default ``weights`` (0, 1): XPO's.
Differs from Group: more than one policy acts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.errors import InputError
from guerdon.models import Policy
from guerdon.models.finite._scripted import Scripted
from guerdon.randomness import derive
from guerdon.sequences import Decoding, Sequences, concatenate
from guerdon.witness import Witness


@dataclass(frozen=True)
class Interpolated:
    records: ClassVar[frozenset[str]] = frozenset({"actor"})
    looks: ClassVar[bool] = True

    weights: tuple[float, ...] = (0.0, 1.0)
    num_generations: int = 1
    view: str = "ref"

    @property
    def answers(self) -> int:
        """How many sequences each prompt gets."""
        return len(self.weights) * self.num_generations

    @property
    def views(self) -> frozenset[str]:
        """The views that act."""
        return frozenset({self.view} if any(self.weights) else ())

    def __call__(
        self, policy: Policy, contexts: Sequence[Tensor], decoding: Decoding, seed: int, views: Mapping[str, Policy] | None = None
    ) -> Sequences:
        drawn = []
        for k, weight in enumerate(self.weights):
            own = Group(self.num_generations)(self._actor(policy, views or {}, weight), contexts, decoding, derive(seed, "actor", k))
            drawn.append(own.with_quantities(actor=torch.full((len(own),), k)))
        together = concatenate(drawn)
        context = together.context % len(contexts)
        order = torch.argsort(context, stable=True)  # actors in the order of their weights within every prompt
        return replace(together, contexts=list(contexts), context=context).select(order)

    def _actor(self, policy: Policy, views: Mapping[str, Policy], weight: float) -> Policy:
        if weight == 0:
            return policy
        if self.view not in views:
            raise InputError(f"sampler: {self.view!r} is to act and no such model is bound; there are {', '.join(views) or 'none'}")
        if weight == 1:
            return views[self.view]
        if not hasattr(policy, "mixed"):
            raise InputError(f"sampler: a {type(policy).__name__} cannot be mixed with another model; use weights of 0 and 1")
        return policy.mixed(views[self.view], weight)


_given = {
    "policy": Scripted((((1,), (2, 2)), ((3,), (4,)))),
    "contexts": [torch.tensor([0]), torch.tensor([1])],
    "decoding": Decoding(max_completion_length=2),
    "seed": 0,
    "views": {"ref": Scripted((((5,),), ((6, 6),)))},
}
witness = (
    Witness(
        Interpolated(),
        parent=Group(num_generations=2),
        given=_given,
        returns={"context": [0, 0, 1, 1], "actions": [[1, 0], [5, 0], [3, 0], [6, 6]], "length": [1, 1, 1, 2], "actor": [0, 1, 0, 1]},
    ),
    Witness(
        Interpolated(weights=(0.0,), num_generations=2),
        parent=Interpolated(),
        given=_given,
        returns={"context": [0, 0, 1, 1], "actions": [[1, 0], [2, 2], [3, 0], [4, 0]], "actor": [0, 0, 0, 0]},
    ),
)
