"""Exact solvers: conditions of optimality, brute force, and the identities that the papers prove."""

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from guerdon.acting.samplers.best_of_n import BestOfN
from guerdon.errors import InputError
from guerdon.exact.solvers._tables import kl
from guerdon.exact.solvers.best_of_n_distribution import BestOfNDistribution
from guerdon.exact.solvers.exploitability import Exploitability
from guerdon.exact.solvers.exponential_tilt import ExponentialTilt
from guerdon.exact.solvers.frank_wolfe import FrankWolfe
from guerdon.exact.solvers.kl_regularised_optimum import KLRegularisedOptimum
from guerdon.exact.solvers.nash_md import NashMD
from guerdon.exact.solvers.nash_of_matrix_game import NashOfMatrixGame
from guerdon.exact.solvers.policy_evaluation import PolicyEvaluation
from guerdon.exact.solvers.regularised_nash import RegularisedNash
from guerdon.exact.solvers.self_play import SelfPlay
from guerdon.exact.solvers.value_iteration import ValueIteration
from guerdon.exact.solvers.weighted_kl_optimum import WeightedKLOptimum
from guerdon.models.finite.prefix_table import PrefixTable
from guerdon.randomness import generator
from guerdon.sequences import Decoding
from guerdon.worlds.finite.additive_tokens import AdditiveTokens
from guerdon.worlds.finite.bradley_terry_preference import BradleyTerryPreference
from guerdon.worlds.finite.contextual_bandit import ContextualBandit
from guerdon.worlds.finite.cyclic_preference import CyclicPreference
from guerdon.worlds.finite.grid import Grid
from guerdon.worlds.finite.matrix_game import MatrixGame
from guerdon.worlds.finite.random_preference import RandomPreference
from guerdon.worlds.finite.random_process import RandomProcess
from guerdon.worlds.finite.random_tree import RandomTree

quick = settings(max_examples=20, deadline=None)
seeds = st.integers(0, 10_000)


def random_distribution(size, seed, *purpose):
    return torch.randn(size, dtype=torch.float64, generator=generator(seed, "distribution", *purpose)).softmax(-1)


def random_rewards(size, seed):
    return torch.randn(size, dtype=torch.float64, generator=generator(seed, "rewards"))


def close(a, b, atol=1e-9):
    torch.testing.assert_close(torch.as_tensor(a, dtype=torch.float64), torch.as_tensor(b, dtype=torch.float64), rtol=0, atol=atol)


# Decision processes


@quick
@given(seeds)
def test_value_iteration_beats_every_deterministic_policy_and_equals_the_best(seed):
    process = RandomProcess(states=3, actions=2, branching=2, discount=0.9, seed=seed).tables()
    tables = {"transition": process.transition, "reward": process.reward, "discount": process.discount}
    optimum = ValueIteration()(**tables)
    values = [
        PolicyEvaluation()(**tables, policy=torch.eye(2, dtype=torch.float64)[list(choice)])["value"]
        for choice in itertools.product(range(2), repeat=3)
    ]
    close(optimum["value"], torch.stack(values).amax(0), atol=1e-11)
    evaluated = PolicyEvaluation()(**tables, policy=optimum["policy"])
    close(evaluated["value"], optimum["value"], atol=1e-11)
    assert evaluated["advantage"].max() < 1e-11


def test_the_grid_is_worth_minus_the_steps_to_the_nearer_corner():
    process = Grid().tables()
    value = ValueIteration()(process.transition, process.reward, 1.0)["value"].view(4, 4)
    steps = [[float(min(r + c, 6 - r - c)) for c in range(4)] for r in range(4)]
    close(-value, steps)


def test_the_uniform_policy_of_the_grid_has_the_values_of_the_book():
    """Sutton and Barto, figure 4.1; undiscounted there, so a discount next to 1 here."""
    process = Grid().tables()
    policy = torch.full((16, 4), 0.25, dtype=torch.float64)
    value = PolicyEvaluation()(process.transition, process.reward, 1 - 1e-9, policy)["value"].view(4, 4)
    close(value, [[0, -14, -20, -22], [-14, -18, -20, -20], [-20, -20, -18, -14], [-22, -20, -14, 0]], atol=1e-4)


def test_rollouts_earn_the_value_of_their_policy():
    process = RandomProcess(states=4, actions=2, discount=0.5, seed=2).tables()
    policy = torch.stack([random_distribution(2, s) for s in range(4)])
    exact = PolicyEvaluation()(process.transition, process.reward, 0.5, policy)["value"] @ process.initial
    _, _, rewards = process.rollout(policy, torch.rand(5_000, 61, generator=generator(1, "paths")))
    returns = (rewards * 0.5 ** torch.arange(30)).sum(-1)
    assert abs(returns.mean() - exact) < 4 * returns.std() / 5_000**0.5


def test_an_endless_undiscounted_process_is_refused():
    with pytest.raises(InputError, match="discount"):
        ValueIteration(max_iterations=50)(torch.ones(1, 1, 1), torch.ones(1, 1), 1.0)


# Optima over enumerable sequences


@quick
@given(seeds, st.sampled_from([0.1, 0.5, 1.0, 3.0]))
def test_the_kl_optimum_beats_every_perturbation(seed, beta):
    reward, reference = random_rewards(6, seed), random_distribution(6, seed)
    found = KLRegularisedOptimum(beta)(reward, reference)

    def objective(p):
        return p @ reward - beta * kl(p, reference)

    close(objective(found["policy"]), found["value"])
    close(found["reward"] - beta * found["kl"], found["value"])
    for trial in range(20):
        noise = torch.randn(6, dtype=torch.float64, generator=generator(seed, "noise", trial))
        other = (found["policy"].log() + 0.1 * noise).softmax(-1)
        assert objective(other) < found["value"]
        # and by exactly the divergence: KL-regularised RL is inference
        close(found["value"] - objective(other), beta * kl(other, found["policy"]))


def test_the_optimum_is_where_the_gradient_of_a_policy_vanishes():
    world, beta = RandomTree(contexts=2, vocabulary=3, depth=3, end=2), 0.5
    start = PrefixTable(2, 3, 3, 2, deviation=1.0).build()
    reference = start.log_probabilities().detach()
    optimum = KLRegularisedOptimum(beta)(world.rewards(), reference.exp())

    def gradient(policy):
        logp = policy.log_probabilities()
        value = (logp.exp() * (world.rewards() - beta * (logp - reference))).sum()
        return torch.autograd.grad(value, policy.logits)[0]

    best = start.distribute(optimum["policy"].log())
    best.module.requires_grad_(True)
    close(best.log_probabilities().exp().detach(), optimum["policy"])
    assert gradient(best).abs().max() < 1e-12 < 1e-2 < gradient(start).abs().max()


@quick
@given(seeds, st.floats(0.001, 3.0), st.sampled_from([1e-3, 1.0, 1e4]))
def test_the_tilt_spends_its_budget_and_nobody_does_better_with_it(seed, delta, scale):
    reward, reference = scale * random_rewards(5, seed), random_distribution(5, seed)
    found = ExponentialTilt(delta)(reward, reference)
    most = float(-reference[reward.argmax()].log())
    close(found["kl"], min(delta, most))
    if delta < most:
        close(found["policy"], KLRegularisedOptimum(float(found["beta"]))(reward, reference)["policy"])
    else:
        assert found["beta"] == 0 and found["policy"].argmax() == reward.argmax() and found["policy"].max() == 1
    for trial in range(20):
        other = random_distribution(5, seed, trial)
        assert kl(other, reference) > delta or other @ reward <= found["reward"] + 1e-9 * scale


def test_a_tilt_ignores_what_the_reference_cannot_say_and_shares_ties():
    reward, reference = torch.tensor([1.0, 1.0, 0.0, 9.0]), torch.tensor([0.1, 0.3, 0.6, 0.0], dtype=torch.float64)
    found = ExponentialTilt(5.0)(reward, reference)
    close(found["policy"], [0.25, 0.75, 0.0, 0.0])
    within = ExponentialTilt(0.1)(reward, reference)
    close(within["kl"], 0.1)
    close(within["policy"][1] / within["policy"][0], 3.0)


@quick
@given(seeds, st.integers(1, 4), st.booleans())
def test_best_of_n_equals_drawing_every_tuple(seed, n, ties):
    reward, reference = random_rewards(4, seed), random_distribution(4, seed)
    if ties:
        reward = reward.round()
    brute = torch.zeros(4, dtype=torch.float64)
    for drawn in itertools.product(range(4), repeat=n):
        kept = max(drawn, key=lambda s: float(reward[s]))  # the first of equals
        brute[kept] += math.prod(float(reference[s]) for s in drawn)
    found = BestOfNDistribution(n)(reward, reference)
    close(found["policy"], brute, atol=1e-13)
    close(found["kl"], kl(brute, reference), atol=1e-12)
    assert found["kl"] <= math.log(n) - (n - 1) / n + 1e-12


def test_best_of_many_approaches_its_bound_where_no_outcome_is_likely():
    size = 100_000
    found = BestOfNDistribution(16)(torch.arange(size).double(), torch.full((size,), 1 / size, dtype=torch.float64))
    close(found["kl"], math.log(16) - 15 / 16, atol=1e-3)
    huge = BestOfNDistribution(10**9)(torch.arange(4).double(), torch.full((4,), 0.25, dtype=torch.float64))
    close(huge["policy"], [0, 0, 0, 1])


def test_the_sampler_draws_from_the_best_of_n_distribution():
    world = ContextualBandit(contexts=1, actions=4, means=((0.0, 1.0, 1.0, 2.0),))
    policy = world.policy(deviation=1.0).build()
    kept = BestOfN(3)(policy, [torch.tensor([0])] * 10_000, Decoding(1), 0, score=world.reward_of)
    expected = BestOfNDistribution(3)(world.rewards()[0], policy.probabilities(0).detach())["policy"]
    counts = torch.bincount(kept.actions.flatten(), minlength=4)
    assert chisquare(counts.numpy(), (expected / expected.sum() * len(kept)).numpy()).pvalue > 1e-3
    torch.testing.assert_close(kept.quantities["score"], world.reward_of(kept))


def test_tilting_a_memoryless_source_tilts_each_token():
    world = AdditiveTokens(vocabulary=3, depth=4, seed=2)
    policy = world.policy().build()
    whole = ExponentialTilt(0.8)(world.rewards()[0], policy.probabilities(0).detach())
    single = ExponentialTilt(0.2)(world.weights()[0, 0], torch.full((3,), 1 / 3, dtype=torch.float64))
    close(whole["beta"], single["beta"], atol=1e-6)
    close(whole["reward"], 4 * single["reward"])


# Games


@quick
@given(seeds, st.integers(1, 6), st.integers(1, 6))
def test_nash_leaves_nothing_to_gain(seed, rows, columns):
    payoff = MatrixGame(rows, columns, seed=seed, given=None).payoff()
    found = NashOfMatrixGame()(payoff)
    close(Exploitability()(payoff, found["row"], found["column"]), 0.0)
    close((payoff.T @ found["row"]).min(), found["value"])
    other = random_distribution(rows, seed)
    assert Exploitability()(payoff, other, found["column"]) >= -1e-12


def test_nash_of_known_games():
    close(NashOfMatrixGame()(MatrixGame().payoff())["value"], 0.0)
    cycle = NashOfMatrixGame()(CyclicPreference(actions=5, strength=0.4).preference()[0])
    close(cycle["row"], [0.2] * 5)
    close(cycle["value"], 0.5)
    scored = BradleyTerryPreference(given=((0.0, 3.0, 1.0),)).preference()[0]
    close(NashOfMatrixGame()(scored)["row"], [0, 1, 0])


@quick
@given(seeds, st.sampled_from([0.003, 0.03, 0.3, 3.0]))
def test_regularised_nash_is_the_equilibrium_to_ten_digits(seed, tau):
    payoff = RandomPreference(actions=5, seed=seed).preference()[0]
    reference = random_distribution(5, seed)
    found = RegularisedNash(tau)(payoff, reference)
    close(found["row"], found["column"], atol=1e-10)
    close((reference.log() + payoff @ found["row"] / tau).softmax(-1), found["row"], atol=1e-10)
    close(Exploitability(tau)(payoff, found["row"], reference=reference), 0.0, atol=1e-10)
    close(found["value"], 0.5, atol=1e-10)
    for trial in range(10):
        other = random_distribution(5, seed, trial)
        assert Exploitability(tau)(payoff, other, reference=reference) > 0


def test_newton_alone_finishes_where_the_penalty_is_not_small():
    for seed in range(5):
        payoff = RandomPreference(actions=5, seed=seed).preference()[0]
        found = RegularisedNash(0.1, max_iterations=1)(payoff)
        close(Exploitability(0.1)(payoff, found["row"]), 0.0, atol=1e-12)


def test_regularised_nash_of_an_asymmetric_game_tends_to_nash():
    payoff = MatrixGame(3, 4, seed=1, given=None).payoff()
    found = RegularisedNash(0.002)(payoff)
    exact = NashOfMatrixGame()(payoff)
    gap = Exploitability()(payoff, found["row"], found["column"])
    assert 0 <= gap <= 0.002 * (math.log(3) + math.log(4)) + 1e-12  # each side saves at most tau log A
    close(found["value"], exact["value"], atol=0.01)
    rows, columns = random_distribution(3, 1), random_distribution(4, 2)
    other = RegularisedNash(0.2)(payoff, rows, columns)
    close(Exploitability(0.2)(payoff, other["row"], other["column"], rows, columns), 0.0, atol=1e-12)
    assert Exploitability(0.2)(payoff, other["row"], other["column"]) > 1e-3


@quick
@given(seeds)
def test_nash_md_meets_the_bounds_of_its_theorem(seed):
    """arXiv 2312.00886, theorem 1: step by step, and at the end of the schedule."""
    tau, steps = 0.5, 60
    payoff, reference = RandomPreference(actions=4, seed=seed).preference()[0], random_distribution(4, seed)
    nash = RegularisedNash(tau)(payoff, reference)["row"]
    solver = NashMD(tau=tau, steps=steps)
    distance = kl(nash.expand(steps + 1, -1), solver(payoff, reference)["path"])
    for step in range(steps):
        eta = solver.step_size(step)
        assert distance[step + 1] <= (1 - eta * tau) * distance[step] + 2 * eta**2 + 1e-12
    assert distance[-1] <= 8 / (tau**2 * (steps + 1))
    assert distance[-1] < 1e-2 * max(float(distance[0]), 1e-2) + 1e-3


def test_the_last_iterate_of_nash_md_converges_where_self_play_leaves():
    payoff = CyclicPreference().preference()[0]
    reference, start = torch.full((3,), 1 / 3, dtype=torch.float64), torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
    mixed = NashMD(eta=0.2, tau=0.1, steps=2000)(payoff, reference, start)
    alone = SelfPlay(eta=0.2, steps=2000)(payoff, reference, start)
    assert Exploitability()(payoff, mixed["policy"]) < 1e-6
    gaps = Exploitability()(payoff, alone["path"])
    assert gaps[-1] > gaps[0] and gaps[-500:].min() > 0.1
    average = alone["path"].mean(0)
    assert Exploitability()(payoff, average) < 0.05  # while its average does what the theory of regret says


def test_nash_md_without_regularisation_is_self_play():
    payoff, reference = RandomPreference(actions=4, seed=3).preference()[0], random_distribution(4, 3)
    start = random_distribution(4, 4)
    close(NashMD(eta=0.3, tau=0.0, steps=20)(payoff, reference, start)["path"], SelfPlay(0.3, 0.0, 20)(payoff, reference, start)["path"])


def test_contexts_are_solved_side_by_side():
    game = RandomPreference(contexts=3, actions=4, seed=1)
    reference = torch.stack([random_distribution(4, s) for s in range(3)])
    together = NashMD(tau=0.2, steps=30)(game.preference(), reference)["policy"]
    world = ContextualBandit(contexts=3, actions=4)
    for c in range(3):
        close(together[c], NashMD(tau=0.2, steps=30)(game.preference()[c], reference[c])["policy"])
        for solver in (KLRegularisedOptimum(0.5), ExponentialTilt(0.3), BestOfNDistribution(3)):
            whole, one = solver(world.rewards(), reference), solver(world.rewards()[c], reference[c])
            assert all(torch.equal(whole[name][c], one[name]) or torch.allclose(whole[name][c], one[name]) for name in one)
        for tau in (0.0, 0.3):
            gap = Exploitability(tau)(game.preference(), together, reference=reference)
            close(gap[c], Exploitability(tau)(game.preference()[c], together[c], reference=reference[c]))


ROCK = CyclicPreference().preference()[0]


@pytest.mark.parametrize(
    "act",
    [
        lambda: KLRegularisedOptimum(0.0),
        lambda: ExponentialTilt(0.0),
        lambda: BestOfNDistribution(0),
        lambda: RegularisedNash(0.0),
        lambda: NashMD(tau=0.0),
        lambda: NashMD(eta=20.0, tau=0.1),
        lambda: KLRegularisedOptimum()(torch.zeros(2), torch.tensor([0.5, 0.6])),
        lambda: KLRegularisedOptimum()(torch.zeros(2), torch.tensor([1.5, -0.5])),
        lambda: NashOfMatrixGame()(torch.zeros(3)),
        lambda: NashOfMatrixGame()(torch.tensor([[torch.nan]])),
        lambda: RegularisedNash()(ROCK, torch.tensor([1.0, 0.0, 0.0])),
        lambda: NashMD()(ROCK, torch.tensor([1.0, 0.0, 0.0])),
        lambda: ValueIteration()(torch.ones(1, 1, 1), torch.ones(1, 1), 1.5),
        lambda: PolicyEvaluation()(torch.ones(1, 1, 1), torch.ones(1, 1), 1.0, torch.ones(1, 1)),
    ],
)
def test_bad_input_is_a_sentence(act):
    with pytest.raises(InputError, match=r"\w+ \w+ \w+"):
        act()


@given(st.lists(st.floats(-2, 3), min_size=1, max_size=5), st.integers(1, 60))
@settings(max_examples=25, deadline=None)
def test_frank_wolfe_stays_in_its_box_and_comes_as_near_as_its_rate_says(wanted, steps):
    centre = torch.tensor(wanted, dtype=torch.float64)

    def bowl(x):
        return ((x - centre) ** 2).sum()

    found = FrankWolfe(steps=steps)(bowl, torch.full_like(centre, 0.5))
    assert ((found["point"] >= 0) & (found["point"] <= 1)).all()
    gap = float(found["value"] - bowl(centre.clamp(0, 1)))
    assert -1e-12 <= gap <= 2 * 2 * len(wanted) / (steps + 2) + 1e-12  # curvature 2, a diameter of sqrt(N)


def test_frank_wolfe_refuses_a_start_outside_of_its_box_and_a_box_without_an_inside():
    with pytest.raises(InputError, match=r"begins in its box, 0\.0 to 0\.5, and the start has 0 to 0\.75"):
        FrankWolfe(most=0.5)(torch.sum, torch.tensor([0.0, 0.75]))
    with pytest.raises(InputError, match="needs a box"):
        FrankWolfe(1.0, 1.0)


def test_with_one_weight_everywhere_the_weighted_kl_asks_for_what_the_plain_one_does():
    reward = torch.tensor([[0.3, -1.0, 2.0], [5.0, 0.0, 0.0]], dtype=torch.float64)
    reference = torch.tensor([[0.2, 0.5, 0.3], [0.001, 0.009, 0.99]], dtype=torch.float64)
    plain = KLRegularisedOptimum(0.5)(reward, reference)
    weighted = WeightedKLOptimum(0.25)(reward, reference, torch.full_like(reward, 2.0))
    for name in ("policy", "reward", "kl"):
        torch.testing.assert_close(weighted[name], plain[name], rtol=1e-9, atol=1e-12)


def test_no_policy_near_it_has_more_of_what_the_weighted_kl_optimum_maximises():
    rng = torch.Generator().manual_seed(0)
    reward, weight = torch.randn(6, generator=rng).double(), torch.rand(6, generator=rng).double() + 0.1
    reference = torch.randn(6, generator=rng).double().softmax(-1)

    def objective(policy):
        return (policy * reward).sum() - 0.7 * (weight * policy * (policy / reference).log()).sum()

    best = WeightedKLOptimum(0.7)(reward, reference, weight)["policy"]
    for _ in range(50):
        other = (best.log() + 0.05 * torch.randn(6, generator=rng).double()).softmax(-1)
        assert objective(other) < objective(best)
    with pytest.raises(InputError, match="above 0"):
        WeightedKLOptimum()(reward, reference, weight - weight.max())
