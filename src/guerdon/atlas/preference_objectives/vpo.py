"""VPO: the likelihood biased towards rewards that promise more makes online DPO explore; with the other sign it makes offline DPO careful.

World: a bandit of ten answers with rewards from N(0, 0.09), but for one that is worth 2 and that the reference gives once in 200 times;
beta is 0.3, at which the optimum gives it about half of all times. A seed is another bandit.

*Online*: 60 rounds of 8 pairs, both answers drawn from the policy, compared by Bradley-Terry; after each the policy minimises, by L-BFGS,
DPO's mean loss on all pairs so far plus alpha beta E[log policy] under the reference, in closed form. "online VPO" has the alpha of 0.03,
0.1, 0.3 and 1 with the smallest cumulative regret on average over the seeds 1000 to 1003, which are no seeds of the evidence; "iterative
DPO" is alpha 0 and has no other knob, since beta is the world's. "no data" keeps the reference.

*Offline*: 64 pairs of different answers, drawn once from a behaviour that never gives two of the ten answers: the best, which then is only
worth as much as the mean of the others, and another. The same loss with minus alpha ("offline VPO") holds the policy to the reference;
alphas of the same grid, chosen on the same other seeds, by the regret.

Measured: the regret of E[reward] - beta KL against its optimum: its mean over rounds ("cumulative regret", per round), and at the end;
"queries" until the policy gives the best answer half as often as the optimum.

The alpha of 1 is the end of the grid: at 3 the loss had no minimum on one of the other seeds (the policy left all answers but one).

Source: Cen et al. 2024, arXiv 2405.19320: the online and offline objectives. The worlds, sizes and grid are ours.
"""

import torch

from guerdon.atlas import AllOf, BetterThan, System
from guerdon.atlas._comparing import ComparisonWorld
from guerdon.atlas.preference_objectives._exploring import explored, hidden_best, pushed, summary
from guerdon.models.finite.policy import TablePolicy
from guerdon.randomness import derive
from guerdon.recipes.vpo import recipe as vpo

system = System(
    title="Value-Incentivized Preference Optimization: A Unified Approach to Online and Offline RLHF",
    link="https://arxiv.org/abs/2405.19320",
    kind="method",
    builds_on=("dpo", "online-dpo", "optimism", "pessimism"),
    note=(
        "Seen: optimism finds the best answer with a tenth of the queries (17 against 166) and pessimism halves the regret "
        "offline. Ten seeds had left the first open, forty decide it."
    ),
)
BETA, ROUNDS, PER_ROUND, OFFLINE = 0.3, 60, 8, 64
ALPHAS, OTHER_SEEDS = (0.03, 0.1, 0.3, 1.0), range(1000, 1004)
recipe = {"online VPO": vpo}
claim = AllOf(
    BetterThan("online VPO", "iterative DPO", on="cumulative regret", lower_is_better=True),
    BetterThan("offline VPO", "DPO", on="regret", lower_is_better=True),
)
SEEDS = {"smoke": 1, "full": 40}
CHOSEN = {"online": 1.0, "offline": 1.0}


def experiment(seed: int, scale: str) -> dict:
    rounds = 10 if scale == "smoke" else ROUNDS
    return {
        "online VPO": online(seed, CHOSEN["online"], rounds),
        "iterative DPO": online(seed, 0.0, rounds),
        "no data": untouched(seed),
        "offline VPO": offline(seed, CHOSEN["offline"]),
        "DPO": offline(seed, 0.0),
    }


def online(seed: int, alpha: float, rounds: int) -> dict:
    """Rounds of asking about what the policy says, with optimism of weight alpha."""
    world = hidden_best(seed, BETA)

    def fit(policy: TablePolicy, pairs: torch.Tensor) -> TablePolicy:
        return pushed(world, policy, pairs, alpha * BETA, world.reference_probabilities, world.reference)

    return summary(world, explored(world, rounds, lambda policy, s: world.drawn(PER_ROUND, policy, s), fit, seed), PER_ROUND)


def untouched(seed: int) -> dict:
    world = hidden_best(seed, BETA)
    return summary(world, [world.reference_probabilities] * 2, 0)


def offline(seed: int, alpha: float) -> dict:
    """One fit to pairs that lack two of the answers, with pessimism of weight alpha."""
    world = hidden_best(seed, BETA)
    reward = world.reward.clone()
    reward[-1] = reward[:-1].mean()
    world = ComparisonWorld(reward, world.start, BETA)
    behaviour = world.reference_probabilities.clone()
    behaviour[-2:] = 0
    pairs = world.drawn(OFFLINE, behaviour / behaviour.sum(), derive(seed, "offline"))
    policy = pushed(world, world.start(), pairs, -alpha * BETA, world.reference_probabilities, world.reference)
    return {"regret": world.measured(policy)["regret"]}


def tuned() -> dict[str, float]:
    """The alphas that are best on seeds that the evidence does not have: what ``CHOSEN`` is."""
    on = {a: sum(online(s, a, ROUNDS)["cumulative regret"] for s in OTHER_SEEDS) for a in ALPHAS}
    off = {a: sum(offline(s, a)["regret"] for s in OTHER_SEEDS) for a in ALPHAS}
    return {"online": min(on, key=on.__getitem__), "offline": min(off, key=off.__getitem__)}
