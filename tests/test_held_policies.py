"""Policies that are held near a reference otherwise than by a KL, what a rank filter leaves, and small reward models that are trained many at once."""

import pytest
import torch

from guerdon.atlas.reward_robustness._networks import Training, averaged, pretrained, scored, tuned
from guerdon.atlas.reward_robustness._pursuit import distance, pursued
from guerdon.data.selection.rank_filter import RankFilter
from guerdon.errors import InputError
from guerdon.exact.solvers.chi_squared_optimum import ChiSquaredOptimum
from guerdon.worlds.finite.exploitable import Exploitable


@pytest.mark.parametrize("strength", [0.01, 0.3, 10.0])
def test_no_other_policy_has_more_of_what_the_chi_squared_optimum_maximises(strength):
    rng = torch.Generator().manual_seed(1)
    reward, reference = torch.randn(3, 7, generator=rng).double(), torch.randn(3, 7, generator=rng).double().softmax(-1)

    def objective(policy):
        return (policy * reward).sum(-1) - strength * ((policy.square() / reference).sum(-1) - 1)

    found = ChiSquaredOptimum(strength)(reward, reference)
    torch.testing.assert_close(found["policy"].sum(-1), torch.ones(3, dtype=torch.float64))
    for _ in range(100):
        mixed = 0.9 * found["policy"] + 0.1 * torch.randn(3, 7, generator=rng).double().softmax(-1)
        assert bool((objective(mixed) < objective(found["policy"])).all())


def test_what_the_reference_never_does_the_chi_squared_optimum_never_does():
    found = ChiSquaredOptimum(0.1)(torch.tensor([9.0, 1.0, 0.0]), torch.tensor([0.0, 0.5, 0.5]))
    assert found["policy"][0] == 0 and bool(found["chi_squared"].isfinite())


def test_a_filter_that_keeps_nothing_is_refused():
    with pytest.raises(InputError, match="one at least"):
        RankFilter(0, 0, 0)


def test_policies_cost_what_was_asked_on_average_over_contexts():
    world = Exploitable(contexts=3, answers=40, seed=2)
    bought = pursued(world.rewards(), world, (0.3, 1.0))
    costs = torch.stack([distance(policy, world.reference()) for policy in bought.policies])
    torch.testing.assert_close(costs.mean(-1), torch.tensor([0.3, 1.0], dtype=torch.float64), atol=1e-3, rtol=0)
    assert float(costs.std(-1).min()) > 1e-4  # one beta for all: contexts with more to gain get more


def test_a_member_is_the_same_alone_and_among_others():
    world = Exploitable(contexts=2, answers=30, seed=3)
    verdicts, training = world.comparisons(96, 0), Training(epochs=1)
    bodies = pretrained(world, [5, 6], steps=3)
    both = scored(tuned(world, bodies, verdicts, [7, 8], training), world)
    alone = scored(tuned(world, pretrained(world, [6], steps=3), verdicts, [8], training), world)
    torch.testing.assert_close(both[1], alone[0])
    assert not torch.allclose(both[0], both[1])


def test_the_mean_of_weights_is_one_network_and_not_the_mean_of_scores():
    world = Exploitable(contexts=2, answers=30, seed=4)
    networks = tuned(world, pretrained(world, [1, 2], steps=3), world.comparisons(96, 0), [1, 2], Training(epochs=1))
    assert scored(averaged(networks), world).shape[0] == 1
    assert not torch.allclose(scored(averaged(networks), world)[0], scored(networks, world).mean(0))
