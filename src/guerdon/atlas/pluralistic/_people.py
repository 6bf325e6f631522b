"""What experiments on people who differ share: fitting heads to verdicts, adapting them to somebody new, and how often they order items as people do."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from guerdon.atlas._comparing import minimise
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.head import Head
from guerdon.models.encoders.embedded import Embedded, EmbeddedModel
from guerdon.models.encoders.vectors import Vectors
from guerdon.parts import call
from guerdon.randomness import derive
from guerdon.sequences import Example, collate
from guerdon.training.adapting import acquaint
from guerdon.training.measuring import gather, wanted_by
from guerdon.training.recipe import Term
from guerdon.worlds.users._crowd import Crowd, examples

BRADLEY_TERRY = (Term(Pairwise(Head(), Logistic())),)
RIDGES = (1e-4, 1e-3, 1e-2)  # weight of half the sum of squares beside the mean loss: tried for every arm
ADAPTING = (0.003, 0.03, 0.3, 3.0)  # the same for people who are new, around the mean of those who are known
FURTHER = 3  # so often a choice goes on past an end of what was tried, by the same ratio
CHOSEN = "ridges are chosen inside each seed, alike for every arm, on people by whom nothing is measured, from values that go on until the best lies inside"


def fitted(
    world: Crowd, head: Any, verdicts: Sequence[Example], ridge: float, seed: int, terms: Sequence[Term] = BRADLEY_TERRY, steps: int = 100
) -> EmbeddedModel:
    """A head on the world's vectors, at the minimum of the terms and ``ridge / 2`` times the sum of its squared parameters."""
    model = Embedded(Vectors(world), head).build(seed)
    model.module.double()
    acquaint(model, verdicts)
    minimise(model, terms, verdicts, steps=steps, penalty=squares(model, ridge))
    acquaint(model, verdicts)
    return model


def adapted(model: EmbeddedModel, verdicts: Tensor, ridge: float, terms: Sequence[Term] = BRADLEY_TERRY, steps: int = 50) -> EmbeddedModel:
    """The model for the users of the verdicts, who must be counted on: somebody new is the mean of those who are known, as far as they do not say otherwise:
    ``ridge / 2`` times the squared distance from it, for each of them beside the mean loss on their verdicts."""
    first, users = int(verdicts[:, 0].min()), len(verdicts[:, 0].unique())
    model = model.for_new_users(users)
    own = examples(verdicts, user=verdicts[:, 0] - first)
    acquaint(model, own)
    if any(p.requires_grad for p in model.module.parameters()):
        minimise(model, terms, own, steps=steps, penalty=squares(model, ridge / users, around=True))
    return model


def squares(model: EmbeddedModel, ridge: float, around: bool = False) -> Any:
    """Half the sum of squares of what is trained, or of its distance from where it is now, times ``ridge``."""
    trained = [p for p in model.module.parameters() if p.requires_grad]
    centres = [p.detach().clone() if around else torch.zeros_like(p) for p in trained]
    return lambda: ridge / 2 * sum((p - c).square().sum() for p, c in zip(trained, centres, strict=True))


def scores(model: EmbeddedModel, world: Crowd, users: Sequence[int], items: Sequence[int], new: bool = False) -> Tensor:
    """[U, I], the score of each item for each user; ``new``: the model has been adapted to just these users, and counts them from 0 on."""
    asked = world.everything(range(len(users)) if new else users, items)
    return model.measure(asked, {"score"})["score"].detach().double().view(len(users), len(items))


def agreement(score: Tensor, utility: Tensor) -> float:
    """The share of all pairs of items that the scores [U, I] order as the utilities do; scores [1, I] are everybody's. A tie is half right."""
    ordered = (score.unsqueeze(-1) - score.unsqueeze(-2)).sign() * (utility.unsqueeze(-1) - utility.unsqueeze(-2)).sign()
    items = utility.shape[-1]
    return float((ordered.sum() / len(utility) / (items * (items - 1)) + 1) / 2)


def best(values: Sequence[float], score: Callable[[float], float]) -> float:
    """The value with the highest score; while that is at an end of the values, they go on by their own ratio."""
    found = {value: score(value) for value in values}
    ratio = values[1] / values[0]
    for _ in range(FURTHER):
        top = max(found, key=found.__getitem__)
        if min(found) < top < max(found):
            return top
        further = top / ratio if top == min(found) else top * ratio
        found[further] = score(further)
    return max(found, key=found.__getitem__)


@dataclass(frozen=True)
class Groups:
    """People of a world: those who were trained on, those by whom choices are made, and those who count; items that are judged, and items that never were.

    Ridges are chosen alike for every head, by the accuracy for the second group on the held-out items: that of training after ``labels`` labels, that of adapting after as
    many as are given; past the ends of ``RIDGES`` and ``ADAPTING`` where the best lies there. ``quick``: the middle ones, and nothing is chosen.
    """

    world: Crowd
    raters: range
    validation: range
    people: range
    judged: range
    held_out: range
    labels: int
    seed: int
    quick: bool = False

    def trained(self, head: Any, learned: Sequence[Example], **settings: Any) -> EmbeddedModel:
        """The head, fitted to the verdicts of the raters."""
        if self.quick:
            return fitted(self.world, head, learned, RIDGES[1], self.seed, **{"steps": 20} | settings)
        models: dict[float, EmbeddedModel] = {}

        def score(ridge: float) -> float:
            models[ridge] = fitted(self.world, head, learned, ridge, self.seed, **settings)
            return self._after(models[ridge], self.validation, self.labels, self._adapting(models[ridge], self.labels))

        return models[best(RIDGES, score)]

    def accuracy_after(self, model: EmbeddedModel, labels: int) -> float:
        """For the people who count, when each has given so many labels; of a model that is the same for all, without any."""
        return self._after(model, self.people, labels, self._adapting(model, labels))

    def _adapting(self, model: EmbeddedModel, labels: int) -> float:
        """The ridge of adapting that is best for the second group."""
        if not model.columns or self.quick:
            return ADAPTING[1]
        return best(ADAPTING, lambda ridge: self._after(model, self.validation, labels, ridge))

    def _after(self, model: EmbeddedModel, users: range, labels: int, ridge: float) -> float:
        if model.columns:
            model = adapted(model, self.world.verdicts(users, labels, self.judged, derive(self.seed, "labels")), ridge)
        return self.accuracy(model, users, new=True)

    def accuracy(self, model: EmbeddedModel, users: range, new: bool = False) -> float:
        """Over the held-out items; the model has been adapted to just these users if they are ``new``."""
        asked = users if model.columns else users[:1]
        return agreement(scores(model, self.world, asked, self.held_out, new), self.world.utility()[users][:, self.held_out])


@torch.no_grad()
def likeliest(models: Sequence[EmbeddedModel], terms: Sequence[Term], unseen: Sequence[Example]) -> EmbeddedModel:
    """The model under which verdicts that it has not seen are likeliest, by the first of the terms."""
    batch, loss = collate(unseen), terms[0].loss
    return min(models, key=lambda model: float(call(loss, gather(batch, wanted_by([loss]), model)).mean()))
