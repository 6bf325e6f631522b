"""Correlated proxies: a proxy that correlates with the truth under a base policy is safe to follow as far as the chi-squared divergence goes, and better followed under it than
under a KL.

World: ``exploitable``, whose policies act once, so that the occupancy of a policy is the policy: what the paper says of occupancies and not of actions in processes of many
steps is not tried here. A reward model fitted to 1,000 comparisons is the proxy; the reference is the base policy. A seed is another world and proxy.

Arms: the policies that maximise E[proxy] - beta KL, and E[proxy] - strength chi2, each with one weight for all contexts, at the weights that cost the same KL, 0.25 to 5 nats.
A square root of chi2 has the same frontier. "best gold" is at the best weight of each, chosen by gold, alike for both.

Measured, exact: "gold" along "KL"; "best gold"; and for the bound, over 200 random policies of each context from tilts of random rewards at random strengths, "slack": the
least of

    true gain / sigma_true - (proxy gain / sigma_proxy - sqrt((1 - r^2) chi2)) / r,        r the correlation under the base policy

which must not be negative where r is above 0; and "informative", the share of the arms' optima under chi2 at the prices up to 1 nat for which the bound promises a gain.

Source: Laidlaw, Singhal and Dragan 2024, arXiv 2403.03185: definition, theorem (proved again here in a line: the proxy is r times the truth and a rest without correlation,
whose mean under the policy is at most the root of chi2) and, of its authors' code (orpo), ``agents/orpo.py`` and the README: divergences and grids of weights. The smallest
difference of interest: 0.02 of gold.
"""

import torch
from torch import Tensor

from guerdon.atlas import AheadAlong, AllOf, BetterThan, NoWorseThan, System
from guerdon.atlas.reward_robustness._proxies import BUDGETS, members
from guerdon.atlas.reward_robustness._pursuit import at_kl, pursued
from guerdon.exact.solvers.chi_squared_optimum import ChiSquaredOptimum
from guerdon.randomness import generator
from guerdon.worlds.finite.exploitable import Exploitable

system = System(
    title="Correlated Proxies: A New Definition and Improved Mitigation for Reward Hacking",
    link="https://arxiv.org/abs/2403.03185",
    kind="method",
    builds_on=("chi-squared-optimum", "kl-regularised-optimum", "bradley-terry"),
    read="code",
    untuned="exact optima along the weight of the penalty, which is chosen by gold for both arms",
    note=(
        "Under chi2 0.12 more gold is kept at equal KL and 0.18 at the best weight: a policy may exceed the reference by a multiple that grows with the score alone, so that "
        "rare answers stay rare. The bound is kept. Occupancies of processes with many steps are not tried."
    ),
)
recipe = {"chi2": ChiSquaredOptimum()}
claim = AllOf(
    AheadAlong("chi2", "KL", on="gold", along="KL", effect=0.02),
    BetterThan("chi2", "KL", on="best gold", effect=0.02, matched="the best weight of each"),
    NoWorseThan("bound", 0.0, on="slack", margin=1e-9),
    BetterThan("bound", 0.5, on="informative"),
)
SEEDS = {"smoke": 1, "full": 16}
POLICIES, NEAR = 200, 1.0


def experiment(seed: int, scale: str) -> dict:
    small = scale == "smoke"
    world, reference = Exploitable(seed=seed), Exploitable(seed=seed).reference()
    proxy = members(world, world.comparisons(200 if small else 1000, seed), [seed])[0]
    held = at_kl(lambda strength: ChiSquaredOptimum(strength)(proxy, reference)["policy"], world, BUDGETS[scale])
    near = [bounded(policy, world, proxy) for x, policy in zip(held.at, held.policies, strict=True) if x <= NEAR]
    rng = generator(seed, "random policies")
    slack = torch.inf
    for _ in range(10 if small else POLICIES):
        pull = 3 * torch.rand(1, dtype=torch.float64, generator=rng) * torch.randn(proxy.shape, dtype=torch.float64, generator=rng)
        gained, promised, right = bounded((reference.log() + pull).softmax(-1), world, proxy)
        slack = min(slack, float((gained - promised)[right].min()))
    return {
        "KL": pursued(proxy, world, BUDGETS[scale]).numbers(world, proxy),
        "chi2": held.numbers(world, proxy),
        "bound": {"slack": slack, "informative": float(torch.stack([promised > 0 for _, promised, _ in near]).double().mean())},
    }


def bounded(policy: Tensor, world: Exploitable, proxy: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The gain that is true, and the one that is promised, in deviations of the truth under the base policy; where the correlation is above 0. [C] each."""
    reference = world.reference()

    def unit(table: Tensor) -> Tensor:
        centred = table - (reference * table).sum(-1, keepdim=True)
        return centred / (reference * centred.square()).sum(-1, keepdim=True).sqrt()

    true, seen = unit(world.rewards()), unit(proxy)
    correlation = (reference * true * seen).sum(-1)
    chi_squared = (policy.square() / reference).sum(-1) - 1
    promised = ((policy * seen).sum(-1) - ((1 - correlation.square()) * chi_squared).sqrt()) / correlation
    return (policy * true).sum(-1), promised, correlation > 0
