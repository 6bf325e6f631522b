"""Two minds better than one: of comparisons of which many are wrong, each of two rewards learns those that the other finds easy.

World: answers with four qualities whose worth bends at 2.5 and two marks that say nothing (``worlds.finite.exploitable``). People compare 500 pairs
of the reference's answers and are four times as decided as a unit of worth; then three labels in ten are turned round at random. Rewards are linear
heads on 128 random features each, trained for 20 epochs by Adam, its rate falling to 0. What a reward asks for at each KL is its exponential tilt,
exactly. A seed is another world, other comparisons, other features.

Arms: "BT": all pairs, by the mean of two rewards that are fitted by themselves; "self-taught": each of two learns from the 70 % of a batch that it
finds easy itself; "co-taught": from those that the other finds easy; "co-taught, easy first": the same, with batches from the easiest 40 % of the
pairs at first and from all at the end, by the margin that the fitted mean of "BT" gives them. The share that is kept falls from 1 to 0.7 in the first
half of the training. The ridge of each is tuned, by accuracy. All arms are two rewards and answer with their mean, so that two against one is not
what is compared.

Measured: "accuracy" by gold of two answers of the reference, exactly; "gold" at each KL; "turned, left out": the share of turned labels among the 30
% of pairs that both of an arm's rewards together find hardest in the end, which is 0.3 where nothing was found out.

Source: Zhang et al. 2025, arXiv 2505.10597, abstract and summaries; co-teaching, Han et al. 2018, arXiv 1804.06872. There language models on HH and
others with 20 to 40 % of labels turned. Chosen here: the world, its sizes, and how the curriculum goes. The smallest differences of interest: 0.01 of
accuracy, 0.05 of gold and of the share.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from guerdon.atlas import AheadAlong, AllOf, BetterThan, System
from guerdon.atlas.reward_robustness._proxies import accuracy, tilted
from guerdon.losses.several_heads.co_taught import CoTaught
from guerdon.losses.several_heads.expected import Expected
from guerdon.models.encoders.random_features import RandomFeatures
from guerdon.parts import call
from guerdon.randomness import derive, generator
from guerdon.worlds.finite.exploitable import Exploitable

system = System(
    title="Two Minds Better Than One: Collaborative Reward Modeling for LLM Alignment",
    link="https://arxiv.org/abs/2505.10597",
    kind="method",
    builds_on=("bradley-terry", "co-taught", "exponential-tilt"),
    read="abstract",
    note=(
        "What is left out is turned in 0.79 of cases (0.3 by chance), and accuracy (0.89 against 0.86) and gold are higher than of all pairs with a strong ridge; whether the "
        "peer or the reward itself chooses cannot be told (0.004), nor does the curriculum add anything. It took a quarter of an hour on two cores that others used."
    ),
)
TURNED, PAIRS, EPOCHS, BATCH, RATE, WIDTH = 0.3, 500, 20, 50, 0.03, 128
recipe = {"co-taught": CoTaught(keep=1 - TURNED)}
ARMS = ("BT", "self-taught", "co-taught", "co-taught, easy first")
GRID = {arm: {"ridge": (0.01, 0.03, 0.1)} for arm in ARMS}
TUNED_BY = "accuracy"
claim = AllOf(
    *(
        leaf
        for arm in ARMS[2:]
        for leaf in (
            BetterThan(arm, TURNED, on="turned, left out", effect=0.05),
            BetterThan(arm, "BT", on="accuracy", effect=0.01, matched="comparisons, updates"),
            BetterThan(arm, "self-taught", on="accuracy", effect=0.01, matched="comparisons, updates"),
            AheadAlong(arm, "BT", on="gold", along="KL", effect=0.05),
        )
    )
)
SEEDS = {"smoke": 1, "full": 16, "tune": 2}


def trial(arm: str, seed: int, scale: str, ridge: float) -> dict:
    smoke = scale == "smoke"
    world = Exploitable(bend=2.5, rationality=4.0, answers=64 if smoke else 192, seed=seed)
    verdicts = world.comparisons(100 if smoke else PAIRS, seed)
    turned = torch.rand(len(verdicts), generator=generator(seed, "turned")) < TURNED
    sides = torch.where(turned.unsqueeze(-1), verdicts[:, [2, 1]], verdicts[:, 1:])
    tables = torch.stack([RandomFeatures(world, WIDTH, derive(seed, member)).build().table.double() for member in range(2)])
    weights = taught(arm, tables, sides, seed, ridge, 2 if smoke else EPOCHS)
    proxy = torch.einsum("kid,kd->i", tables, weights).view(world.contexts, world.answers) / 2
    proxy = proxy - (world.reference() * proxy).sum(-1, keepdim=True)
    margin = proxy.flatten()[sides[:, 0]] - proxy.flatten()[sides[:, 1]]
    hardest = margin.argsort()[: round(TURNED * len(sides))]
    found = tilted(proxy, world, (0.5, 2.0) if smoke else (0.5, 1.0, 2.0, 3.0)).numbers(world, proxy)
    return found | {"accuracy": accuracy(proxy, world), "turned, left out": float(turned[hardest].double().mean())}


def taught(arm: str, tables: Tensor, sides: Tensor, seed: int, ridge: float, epochs: int) -> Tensor:
    """The weights [2, D] of two rewards on features [2, I, D] of their own, after so many epochs over pairs of items [n, 2], the preferred one first."""
    weights, rng = torch.zeros(tables.shape[0], tables.shape[-1], dtype=torch.float64), generator(seed, arm)
    gaps = tables[:, sides[:, 0]] - tables[:, sides[:, 1]]  # [2, n, D]
    order = None
    if arm.endswith("easy first"):
        order = (gaps * taught("BT", tables, sides, seed, ridge, epochs).unsqueeze(1)).sum((0, -1)).argsort(descending=True)
    steps = epochs * max(len(sides) // BATCH, 1)
    means, squares = torch.zeros_like(weights), torch.zeros_like(weights)
    for step in range(steps):
        done = (step + 0.5) / steps
        at_hand = torch.arange(len(sides)) if order is None else order[: round(min(0.4 + 0.6 * done / 0.5, 1.0) * len(sides))]
        rows = at_hand[torch.randperm(len(at_hand), generator=rng)[:BATCH]]
        leaf = weights.clone().requires_grad_()
        lead = (gaps[:, rows] * leaf.unsqueeze(1)).sum(-1).T
        value = loss(arm, lead, 1 - TURNED * min(done / 0.5, 1.0)).mean() + ridge / 2 * leaf.square().sum() / len(weights)
        (gradient,) = torch.autograd.grad(value, leaf)
        means.lerp_(gradient, 0.1)
        squares.lerp_(gradient.square(), 0.001)
        size = (squares / (1 - 0.999 ** (step + 1))).sqrt() + 1e-8
        weights = weights - RATE * (1 - step / steps) * means / (1 - 0.9 ** (step + 1)) / size
    return weights


def loss(arm: str, lead: Tensor, keep: float) -> Tensor:
    """[n], of what both rewards say by how much each pair's preferred side leads [n, 2]."""
    part = Expected() if arm == "BT" else CoTaught(keep)
    heads: Sequence[Tensor] = lead.split(1, -1) if arm == "self-taught" else (lead,)
    each = [call(part, {"chosen_head_score": own, "rejected_head_score": torch.zeros_like(own)}) for own in heads]
    return torch.stack(each).mean(0)
