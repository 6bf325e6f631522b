"""Where: one loss at the steps that are chosen and another, or none, at the others.

    loss = then where chosen, otherwise elsewhere; 0 where there is none        [B, T]

``Where(TopEntropy(), then=Clip())`` learns from the steps at which the policy was undecided, ``Where(CovarianceBand(), otherwise=Clip())``
leaves steps out that would take entropy away, ``Where(TopCovariance(), then=Against(KLAbsolute()))`` holds such steps back, and
``Where(RewardAbove(), then=NegativeLogLikelihood(), alone=True)`` imitates what succeeded.

A choice (``losses.choices``) looks at the whole batch of a gradient step; ``settle`` puts what it finds in as numbers before the batch is
split. ``view`` says whose log-probabilities and entropies it reads: the policy as it is before the first gradient step on the rollouts
(``proximal``; one more forward pass for each batch of rollouts), the one that acted (``old``, whose log-probabilities are recorded), or, ``""``, the policy as it learns:
then every gradient step costs one more pass over its batch, and a step at the bound may fall on either side by rounding.

Averages are over all acted steps, also those at which there is no loss; ``alone`` takes them over the chosen ones (or, where there is only
``otherwise``, over the others).

Source: the composition is ours; see the choices.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.losses.choices import Choice
from guerdon.losses.choices.covariance_between import CovarianceBetween
from guerdon.losses.choices.entropy_above import EntropyAbove
from guerdon.losses.choices.reward_above import RewardAbove
from guerdon.losses.choices.top_entropy import TopEntropy
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.penalties.entropy import Entropy
from guerdon.losses.surrogates.clip import LN2, Clip
from guerdon.losses.surrogates.reinforce import Reinforce
from guerdon.parts import Part, call, describe, needs, per_batch, wants
from guerdon.quantities import BT, Mask, Name, seen_by
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class Where:
    choice: Choice
    then: Part | None = None
    otherwise: Part | None = None
    view: str = "proximal"  # "": the policy as it learns
    alone: bool = False

    def __post_init__(self) -> None:
        if not self._losses:
            raise InputError("where: there is no loss, neither then, at the chosen steps, nor otherwise, at the others; give one of them")
        for loss in self._losses:
            if any(getattr(loss, said, None) for said in ("per_item", "side", "actor", "settle")):
                raise InputError(
                    f"where: {describe(loss)} is no loss of each step of all sequences; take one that is, such as a surrogate or a penalty"
                )
        if self.alone and len(self._losses) == 2:
            raise InputError("where: with then and otherwise every step has a loss; leave alone out, or make two terms of them")
        if self.alone and not self.view and any(seen_by("old", name) != name for name in needs(self.choice)):
            raise InputError("where: averages over the chosen steps need a choice that is made beforehand; set view to proximal or old")

    @property
    def _losses(self) -> tuple[Part, ...]:
        return tuple(loss for loss in (self.then, self.otherwise) if loss is not None)

    @property
    def silent_without(self) -> str | None:
        """As both losses say, where they say the same."""
        said = {getattr(loss, "silent_without", None) for loss in self._losses}
        return said.pop() if len(said) == 1 else None

    @property
    def follows(self) -> bool:
        """Whether it is right for a policy that has moved since the gradient steps on a batch began: as both losses say."""
        return all(getattr(loss, "follows", "advantage" not in needs(loss) or "old_logp" in needs(loss)) for loss in self._losses)

    def needs(self) -> frozenset[str]:
        return self._seen | {name for loss in self._losses for name in needs(loss)}

    def wants(self) -> frozenset[str]:
        return frozenset(name for loss in self._losses for name in wants(loss)) - self.needs()

    @property
    def _seen(self) -> frozenset[str]:
        """What the choice reads, by the names that it has in a batch."""
        return frozenset(map(self._there, needs(self.choice)))

    def _of_choice(self, quantities: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {name: quantities[self._there(name)] for name in needs(self.choice)}

    def _there(self, name: str) -> str:
        """What the choice reads where it says ``name``: that of the view, unless it asks for another one itself (``old_logp``)."""
        return name if Name.parse(name).view else seen_by(self.view, name)

    def settle(self, measure: Callable[[frozenset[str]], Mapping[str, Tensor]]) -> "Where":
        """The same loss with the choice as it comes out on a batch. ``measure``: names → the tensors of the whole batch, without gradients."""
        if not per_batch(self.choice):
            return self
        return replace(self, choice=call(self.choice.settled, self._of_choice(measure(self._seen))))

    def counted(self, quantities: Callable[[str], Tensor]) -> Mask | None:
        """The steps that averages are over; None: all. ``quantities``: a name → what the batch holds of it."""
        if not self.alone:
            return None
        chosen = call(self.choice, self._of_choice({name: quantities(name) for name in self._seen}))
        return chosen if self.then is not None else ~chosen

    def __call__(self, **quantities: Tensor) -> BT:
        chosen = call(self.choice, self._of_choice(quantities))
        parts = [None if loss is None else call(loss, quantities) for loss in (self.then, self.otherwise)]
        then, otherwise = (torch.zeros_like(next(p for p in parts if p is not None)) if part is None else part for part in parts)
        return torch.where(chosen, then, otherwise)


_steps = {  # ratios 2, 2 and 1/2
    "logp": [[LN2, LN2, -LN2]],
    "old_logp": [[0.0, 0.0, 0.0]],
    "advantage": [[1.0, -1.0, 1.0]],
    "entropy": [[0.1, 0.2, 0.3]],
    "proximal_entropy": [[1.0, 3.0, 0.2]],
    "reward": [1.0],
    "mask": [[1, 1, 1]],
}
_top = Where(TopEntropy(0.5), then=Clip())
witness = (
    Witness(_top, parent=Clip(), given=_steps, returns=[[-1.2, 2.0, 0.0]], gradient={"logp": [[0.0, 2.0, 0.0]], "proximal_entropy": None}),
    Witness(
        Where(EntropyAbove(1.0), otherwise=Clip()),
        parent=_top,
        given=_steps,
        returns=[[0.0, 0.0, -0.5]],
        gradient={"logp": [[0.0, 0.0, -0.5]]},
    ),
    Witness(
        Where(EntropyAbove(2.0), then=Reinforce(), otherwise=Clip()),
        parent=Where(EntropyAbove(2.0), otherwise=Clip()),
        given=_steps,
        returns=[[-1.2, LN2, -0.5]],
        gradient={"logp": [[0.0, 1.0, -0.5]]},
    ),
    Witness(
        Where(TopEntropy(0.5), then=Entropy(), view=""),
        parent=Where(TopEntropy(0.5), then=Entropy()),
        given=_steps,
        returns=[[0.0, -0.2, -0.3]],
        gradient={"entropy": [[0.0, -1.0, -1.0]]},
    ),
    Witness(
        Where(CovarianceBetween(0.5, 2.0, mean_logp=-1.0, mean_advantage=0.0), otherwise=Clip(), view="old"),
        parent=Clip(),
        given=_steps,
        returns=[[0.0, 2.0, 0.0]],
        gradient={"logp": [[0.0, 2.0, 0.0]], "old_logp": None},
    ),
)
limits = (
    Limit(Where(RewardAbove(-1e9), then=NegativeLogLikelihood()), equals=NegativeLogLikelihood(), when="everything is chosen"),
    Limit(Where(EntropyAbove(-1.0), then=Clip()), equals=Clip(), when="everything is chosen"),
    Limit(
        Where(EntropyAbove(-1.0), then=Clip()),
        equals=Where(EntropyAbove(1.0), then=Clip(), otherwise=Clip()),
        when="both losses are the same",
    ),
)
