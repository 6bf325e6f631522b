"""Log-sigmoid-centred rewards: what is good enough already is not pushed further, and a sum of them asks for answers that are good in everything.

World: ``exploitable`` answers with two properties: helpful is what the first two qualities are worth, harmless what the other two are, each with its bend. One reward model for
each property is fitted to 500 comparisons by people who look at that property alone. A seed is another world. Policies are those that maximise E[reward] - beta KL, one beta for
all contexts, so that everything is compared at equal KL; contexts are the paper's prompts.

Arms: "sum": the two scores added; "LSC": log sigmoid of each, less the 85 % quantile of a normal distribution fitted to ten answers of the reference to the context, then added;
"LSC of the sum": the sum is transformed in the same way, which tells the transformation from the conjunction.

Measured, exact, along "KL": "gold", the sum of both golds; "both good": how likely an answer is above the reference's 85 % quantile in both golds of its context; "left behind":
the share of the properties of contexts whose mean gold is below that quantile. "best gold" is over beta. "front": the area that is dominated by the two golds' means, above 0, at
a KL of 2 nats, when the scores (or the transformed ones) are weighed 1:4, 1:2, 1:1, 2:1 and 4:1.

Source: Wang et al. 2024, arXiv 2402.00742, its abstract and descriptions; the quantile of a fitted normal is that of another paper's code (PAR). There helpful and harmless
T5 reward models, and a judge. The smallest difference of interest: 0.02 of gold or area, 0.01 of a share.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.distributions import Normal

from guerdon.atlas import AheadAlong, AllOf, BetterThan, System
from guerdon.atlas.reward_robustness._proxies import BUDGETS, members
from guerdon.atlas.reward_robustness._pursuit import pursued, references
from guerdon.feedback.combining.each_shaped import EachShaped
from guerdon.feedback.combining.weigh import Weigh
from guerdon.feedback.shaping.log_sigmoid import LogSigmoid
from guerdon.parts import call
from guerdon.randomness import derive
from guerdon.worlds.finite.exploitable import Exploitable

system = System(
    title="Transforming and Combining Rewards for Aligning Large Language Models",
    link="https://arxiv.org/abs/2402.00742",
    kind="reward",
    builds_on=("log-sigmoid", "each-shaped", "bradley-terry", "kl-regularised-optimum"),
    read="abstract",
    untuned="exact optima along the weight of the KL, which is chosen by gold for every arm",
    note=(
        "The sum of log sigmoids keeps 0.15 more gold at equal KL and leaves a tenth fewer properties behind; most of it comes of the transformation, "
        "which has nearly as much when the plain sum is transformed (both good: 0.011 less)."
    ),
)
PROPERTIES = {"helpful": (0, 1), "harmless": (2, 3)}
QUANTILE, REFERENCES, PRICE = 0.85, 10, 2.0
WEIGHTS = ((0.4, 1.6), (2 / 3, 4 / 3), (1.0, 1.0), (4 / 3, 2 / 3), (1.6, 0.4))


def lsc(helpful: float = 1.0, harmless: float = 1.0) -> EachShaped:
    weights = {"helpful": helpful, "harmless": harmless, "quantile of helpful": 0.0, "quantile of harmless": 0.0}
    return EachShaped({name: LogSigmoid(f"quantile of {name}") for name in PROPERTIES}, Weigh(weights))


recipe = {"LSC": lsc()}
claim = AllOf(
    AheadAlong("LSC", "sum", on="gold", along="KL", effect=0.02),
    BetterThan("LSC", "sum", on="best gold", effect=0.02, matched="the best beta of each"),
    AheadAlong("LSC", "sum", on="both good", along="KL", effect=0.01),
    AheadAlong("LSC", "LSC of the sum", on="both good", along="KL", effect=0.01),
    AheadAlong("LSC", "sum", on="left behind", along="KL", effect=0.01, lower_is_better=True),
    BetterThan("LSC", "sum", on="front", effect=0.02, matched="KL"),
)
SEEDS = {"smoke": 1, "full": 20}


@dataclass(frozen=True)
class Property(Exploitable):
    """The same answers, of which only some causes are worth something."""

    of: tuple[int, ...] = ()

    @property
    def worth(self) -> Tensor:
        counted = torch.zeros(self.causes, dtype=torch.float64)
        counted[list(self.of)] = super().worth[list(self.of)]
        return counted / counted.norm()


def experiment(seed: int, scale: str) -> dict:
    small, budgets = scale == "smoke", BUDGETS[scale]
    worlds = {name: Property(seed=seed, of=causes) for name, causes in PROPERTIES.items()}
    world = worlds["helpful"]
    scores = {
        name: members(of, of.comparisons(100 if small else 500, derive(seed, name)), [derive(seed, name)])[0] for name, of in worlds.items()
    }
    golds = torch.stack([of.rewards() for of in worlds.values()])  # [2, C, A]
    good = golds > torch.stack([quantile(gold, world.reference()) for gold in golds]).unsqueeze(-1)
    added = sum(scores.values())
    rewards = {
        "sum": added,
        "LSC": transformed(lsc(), world, scores, seed),
        "LSC of the sum": call(LogSigmoid("quantile"), {"reward": added, "component_quantile": fitted_quantile(world, added, seed)}),
    }
    arms = {}
    for arm, reward in rewards.items():
        bought = pursued(reward, world, budgets)
        tables = {"gold": golds.sum(0), "both good": good.all(0).double()}
        found = bought.numbers(world, added, **tables)
        left = {
            x: float((means(golds, p) < quantiles(golds, world)).double().mean()) for x, p in zip(bought.at, bought.policies, strict=True)
        }
        arms[arm] = found | {"left behind": left, "best gold": max(found["gold"].values()), "last gold": found["gold"][budgets[-1]]}
    for arm in ("sum", "LSC"):
        points = []
        for helpful, harmless in WEIGHTS:
            raw = helpful * scores["helpful"] + harmless * scores["harmless"]
            reward = raw if arm == "sum" else transformed(lsc(helpful, harmless), world, scores, seed)
            points.append(means(golds, pursued(reward, world, (PRICE,)).policies[0]).mean(-1).tolist())
        arms[arm]["front"] = area(points)
    return arms


def transformed(combine: EachShaped, world: Exploitable, scores: dict[str, Tensor], seed: int) -> Tensor:
    """[C, A]"""
    known = scores | {f"quantile of {name}": fitted_quantile(world, score, seed) for name, score in scores.items()}
    return combine({name: table.flatten() for name, table in known.items()}).view(world.contexts, world.answers)


def fitted_quantile(world: Exploitable, score: Tensor, seed: int) -> Tensor:
    """[C, A], of a normal distribution with the mean and the deviation of the references to each context."""
    drawn = references(world, score, REFERENCES, seed)
    return drawn.mean(0) + Normal(0.0, 1.0).icdf(torch.tensor(QUANTILE)).double() * drawn.std(0)


def quantile(gold: Tensor, reference: Tensor) -> Tensor:
    """[C], exactly, under the reference."""
    order = gold.argsort(-1)
    at = (reference.gather(-1, order).cumsum(-1) < QUANTILE).sum(-1, keepdim=True).clamp(max=gold.shape[-1] - 1)
    return gold.gather(-1, order.gather(-1, at)).squeeze(-1)


def quantiles(golds: Tensor, world: Exploitable) -> Tensor:
    return torch.stack([quantile(gold, world.reference()) for gold in golds])


def means(golds: Tensor, policy: Tensor) -> Tensor:
    """[2, C]"""
    return (golds * policy).sum(-1)


def area(points: list[list[float]]) -> float:
    """Of what is dominated by one of the points, above (0, 0)."""
    covered, height = 0.0, 0.0
    for x, y in sorted(([max(x, 0.0), max(y, 0.0)] for x, y in points), reverse=True):
        covered += x * max(y - height, 0.0)
        height = max(height, y)
    return covered
