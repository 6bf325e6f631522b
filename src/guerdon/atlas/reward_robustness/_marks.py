"""What experiments on marks share, that is, on what people like in answers for the wrong reason: rewards that are told how much of it each side of a comparison has, and what a
reward makes of marks afterwards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from guerdon.atlas.reward_robustness._proxies import BRADLEY_TERRY, RIDGE, accuracy, scores, tilted
from guerdon.models.encoders.embedded import Embedded, EmbeddedModel
from guerdon.models.encoders.random_features import RandomFeatures
from guerdon.models.heads.scalar import Scalar
from guerdon.parts import call
from guerdon.quantities import SIDES
from guerdon.randomness import generator
from guerdon.training import knobs
from guerdon.training.recipe import Term
from guerdon.worlds.finite.exploitable import Exploitable

MARKS = "marks"
BATCH, RATE = 128, 0.03


def marks(world: Exploitable) -> Tensor:
    """[I], how much of what is worth nothing each item has."""
    return world.features()[:, world.causes :].sum(-1)


def learned(
    world: Any,
    verdicts: Tensor,
    seed: int,
    head: Any = None,
    terms: Sequence[Term] = BRADLEY_TERRY,
    ridge: float = RIDGE,
    steps: int = 300,
    items: Mapping[str, Tensor] | None = None,
    pairs: Mapping[str, Tensor] | None = None,
) -> EmbeddedModel:
    """As ``_proxies.fitted``, by Adam on batches of 128 pairs, its rate falling from 0.03 to 0: losses of a batch see one, and what has corners is minimised too.
    Columns: ``items`` [I] are told of both sides of each of the verdicts [n, 3], ``pairs`` [n] of the pair."""
    model = Embedded(RandomFeatures(world, seed=seed), head or Scalar()).build(seed)
    model.module.double()
    parameters, rng = list(model.module.parameters()), generator(seed, "batches")
    optimiser = torch.optim.Adam(parameters, lr=RATE)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: 1 - step / steps)
    for step in range(steps):
        rows = torch.randperm(len(verdicts), generator=rng)[:BATCH]
        sides = dict(zip(SIDES, verdicts[rows, 1:].T, strict=True))
        told = {f"{side}_{name}": table[own] for name, table in (items or {}).items() for side, own in sides.items()}
        told |= {name: table[rows] for name, table in (pairs or {}).items()} | said(model, sides)
        value = ridge / 2 * sum(p.square().sum() for p in parameters)
        value = value + sum(term.weight * call(term.loss, told).mean() for term in knobs.at(tuple(terms), (step + 0.5) / steps, {}))
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        schedule.step()
    return model


def said(model: EmbeddedModel, sides: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What the head says of the items [n] of both sides, by its full names."""
    found = {}
    for side, own in sides.items():
        places = torch.arange(len(own))
        answer = model.head.read(model.module["head"], model.encoder.table[own].double(), places, places)
        named = {model.head.measures: answer} if isinstance(model.head.measures, str) else answer
        found |= {f"{side}_{name}": value for name, value in named.items()}
    return found


@dataclass(frozen=True)
class Marked:
    """The world's items with so much more of every mark: what they would look like, were nothing else another."""

    world: Exploitable
    more: float

    def features(self) -> Tensor:
        found = self.world.features()
        found[:, self.world.causes :] += self.more
        return found


@torch.no_grad()
def moved(model: EmbeddedModel, world: Exploitable, seed: int, more: float = 1.0) -> float:
    """By how much the score of an answer of the reference changes with ``more`` of every mark, in deviations of the score under the reference."""
    before, likely = scores(model, world), world.reference()
    own, model.encoder = model.encoder, RandomFeatures(Marked(world, more), seed=seed).build()
    after = model.measure(world.everything(), {"score"})["score"].double().view_as(before)
    model.encoder = own
    plain = model.measure(world.everything(), {"score"})["score"].double().view_as(before)
    deviation = (likely * before.square()).sum(-1).mean().sqrt()
    return float((likely * (after - plain)).sum(-1).mean() / deviation)


def correlated(proxy: Tensor, world: Exploitable) -> float:
    """The correlation of a proxy [C, A] with the marks under the reference, within contexts."""
    likely, own = world.reference(), marks(world).view_as(proxy)
    x, y = (value - (likely * value).sum(-1, keepdim=True) for value in (proxy, own))
    return float((likely * x * y).sum() / ((likely * x * x).sum() * (likely * y * y).sum()).sqrt())


def looked_at(proxy: Tensor, world: Exploitable, budgets: Sequence[float]) -> dict[str, Any]:
    """Curves along KL ("gold", "proxy", "marks"), "mean gold" along them, "accuracy" by gold, and "|correlation|" with the marks."""
    found = tilted(proxy, world, budgets).numbers(world, proxy, marks=marks(world).view_as(proxy))
    golds = list(found["gold"].values())
    return found | {
        "mean gold": sum(golds) / len(golds),
        "accuracy": accuracy(proxy, world),
        "|correlation|": abs(correlated(proxy, world)),
    }


def liked(seed: int, scale: str) -> Exploitable:
    """One mark, which goes along with quality a little and is liked as much as the whole of it: a reward that follows it is right more often than
    not, and for the wrong reason."""
    return Exploitable(spurious=1, correlation=0.3, liking=1.0, bend=2.5, answers=64 if scale == "smoke" else 512, seed=seed)


def asked(world: Exploitable, seed: int, scale: str) -> Tensor:
    """Comparisons [n, 3] of answers of the reference."""
    return world.comparisons(128 if scale == "smoke" else 1000, seed)


def budgets(scale: str) -> tuple[float, ...]:
    return (0.5, 2.0) if scale == "smoke" else (0.5, 1.0, 2.0, 3.0, 4.0)


def iterations(scale: str) -> int:
    return 20 if scale == "smoke" else 300
