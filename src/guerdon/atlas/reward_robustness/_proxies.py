"""What experiments on rewards that can be exploited share: proxies that are fitted to comparisons, and what is true of the policy that a proxy asks for, at each price.

A proxy is a table of scores [C, A]. The policy that it asks for within a budget of KL from the reference is its exponential tilt, context by context; so its gold at equal KL is
exact, and nothing depends on how a policy was optimised.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from guerdon.atlas._comparing import minimise
from guerdon.exact.solvers.best_of_n_distribution import BestOfNDistribution
from guerdon.exact.solvers.exponential_tilt import ExponentialTilt
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.head import Head
from guerdon.models.encoders.embedded import Embedded, EmbeddedModel
from guerdon.models.encoders.random_features import RandomFeatures
from guerdon.models.heads.scalar import Scalar
from guerdon.training.recipe import Term
from guerdon.worlds.finite.exploitable import Exploitable
from guerdon.worlds.users._crowd import examples

BRADLEY_TERRY = (Term(Pairwise(Head(), Logistic())),)
RIDGE = 3e-3  # half of it times the sum of squares, beside the mean loss
BUDGETS = {
    "smoke": (0.5, 2.0),
    "full": (0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0),
}  # nats: to where tails of the default world are still many answers


def fitted(
    world: Exploitable,
    verdicts: Tensor,
    seed: int,
    head: Any = None,
    terms: Sequence[Term] = BRADLEY_TERRY,
    ridge: float = RIDGE,
    steps: int = 60,
    body: RandomFeatures | None = None,
) -> EmbeddedModel:
    """A head on random features, at the minimum of the terms and the ridge over the verdicts [n, 3]. ``seed`` draws the hidden layer (unless a ``body`` is given) and the head:
    members of an ensemble that differ in it are pretrained apart; with one ``body`` they only begin apart."""
    model = Embedded(body or RandomFeatures(world, seed=seed), head or Scalar()).build(seed)
    model.module.double()
    trained = list(model.module.parameters())
    minimise(model, terms, examples(verdicts), steps=steps, penalty=lambda: ridge / 2 * sum(p.square().sum() for p in trained))
    return model


@torch.no_grad()
def scores(model: EmbeddedModel, world: Exploitable, name: str = "score") -> Tensor:
    """[C, A] (or [C, A, K]) of what the head says, centred under the reference context by context: what no comparison says is the same for all proxies."""
    said = model.measure(world.everything(), {name})[name].double().unflatten(0, (world.contexts, world.answers))
    likely = world.reference().view(*said.shape[:2], *(1,) * (said.dim() - 2))
    return said - (likely * said).sum(1, keepdim=True)


def members(world: Exploitable, verdicts: Tensor, seeds: Sequence[int], **settings: Any) -> Tensor:
    """[E, C, A], the scores of one proxy for each seed."""
    return torch.stack([scores(fitted(world, verdicts, seed, **settings), world) for seed in seeds])


def accuracy(proxy: Tensor, world: Exploitable, likely: Tensor | None = None) -> float:
    """How often two answers drawn from ``likely`` (None: the reference) are ordered as gold orders them, exactly."""
    likely = world.reference() if likely is None else likely
    gold = world.rewards()
    agree = ((proxy.unsqueeze(-1) - proxy.unsqueeze(-2)).sign() * (gold.unsqueeze(-1) - gold.unsqueeze(-2)).sign() + 1) / 2
    weight = likely.unsqueeze(-1) * likely.unsqueeze(-2) * ~torch.eye(world.answers, dtype=torch.bool)
    return float(((agree * weight).sum((1, 2)) / weight.sum((1, 2))).mean())


@dataclass(frozen=True)
class Bought:
    """What policies at several prices are worth, the means over contexts: ``kl`` (nats), ``gold`` and whatever else was asked."""

    at: Sequence[float]
    policies: Sequence[Tensor]  # [C, A] each

    def numbers(self, world: Exploitable, proxy: Tensor, **tables: Tensor) -> dict[str, Any]:
        """Curves over the prices: "KL", "gold", "proxy" and the mean of each table [C, A]; "best gold" and "last gold"."""
        reference, gold = world.reference(), world.rewards()
        measured: Mapping[str, Callable[[Tensor], Tensor]] = {
            "KL": lambda p: (p * (p.clamp(min=1e-300) / reference).log()).sum(-1).mean(),
            "gold": lambda p: (p * gold).sum(-1).mean(),
            "proxy": lambda p: (p * proxy).sum(-1).mean(),
            **{name: lambda p, table=table: (p * table).sum(-1).mean() for name, table in tables.items()},
        }
        curves = {name: {x: float(of(p)) for x, p in zip(self.at, self.policies, strict=True)} for name, of in measured.items()}
        golds = list(curves["gold"].values())
        return {**curves, "best gold": max(golds), "last gold": golds[-1]}


def tilted(proxy: Tensor, world: Exploitable, budgets: Sequence[float]) -> Bought:
    """The best policies by the proxy within each budget of KL, context by context."""
    return Bought(budgets, [ExponentialTilt(budget)(proxy, world.reference())["policy"] for budget in budgets])


def best_of(proxy: Tensor, world: Exploitable, draws: Sequence[int]) -> Bought:
    """The best of n answers of the reference by the proxy, for each n."""
    return Bought(draws, [BestOfNDistribution(n)(proxy, world.reference())["policy"] for n in draws])
