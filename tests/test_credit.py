"""Credit: exact expectations in a bandit, brute force over subsets, and independent formulas."""

from itertools import combinations, product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from guerdon.credit.advantages.batch_normalised import BatchNormalised
from guerdon.credit.advantages.gae import GAE
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.advantages.leave_one_out import LeaveOneOut
from guerdon.credit.advantages.length_adaptive_gae import LengthAdaptiveGAE
from guerdon.credit.advantages.length_weighted import LengthWeighted
from guerdon.credit.advantages.max_at_k import MaxAtK
from guerdon.credit.advantages.optimal_token_baseline import OptimalTokenBaseline
from guerdon.credit.advantages.return_to_go import ReturnToGo
from guerdon.credit.advantages.signed_weight import SignedWeight
from guerdon.credit.advantages.subset_normalised import SubsetNormalised
from guerdon.credit.advantages.target_ratio import TargetRatio
from guerdon.credit.advantages.target_return import TargetReturn
from guerdon.credit.scales.batch_deviation import BatchDeviation
from guerdon.credit.scales.beta_density import BetaDensity
from guerdon.credit.scales.group_average import GroupAverage
from guerdon.credit.scales.group_deviation import GroupDeviation
from guerdon.credit.scales.live_share import LiveShare
from guerdon.credit.scales.nonzero_share import NonzeroShare
from guerdon.credit.scales.others_deviation import OthersDeviation
from guerdon.credit.targets.lambda_return import LambdaReturn
from guerdon.errors import InputError
from guerdon.losses.surrogates.reinforce import Reinforce
from guerdon.parts import call, needs, per_batch

# A bandit with four arms, two of which pay the same.
LOGITS = torch.tensor([0.3, -0.5, 0.0, 0.8], dtype=torch.float64)
PAY = torch.tensor([1.0, 3.0, -0.5, 1.0], dtype=torch.float64)


def expected_update(advantage, n, logits=LOGITS, sampler=None, **more):
    """The exact expectation of minus the gradient of REINFORCE, over all groups of n samples of ``sampler`` (default: the policy).

    Every possible group of n is a group of one large batch, weighted by its probability.
    """
    theta = logits.clone().requires_grad_()
    log_policy = theta.log_softmax(-1)
    log_sampler = log_policy.detach() if sampler is None else sampler
    arms = torch.tensor(list(product(range(len(logits)), repeat=n)))  # [groups, n]
    probability = log_sampler[arms].sum(-1).exp()
    rows = arms.flatten()
    quantities = {
        "reward": PAY[rows],
        "step_reward": PAY[rows][:, None],
        "group": torch.arange(len(arms)).repeat_interleave(n),
        "mask": torch.ones(len(rows), 1, dtype=torch.bool),
        "logp": log_policy[rows][:, None],
        "old_logp": log_sampler[rows][:, None],
    } | {name: x[rows][:, None] for name, x in more.items()}
    loss = Reinforce()(quantities["logp"], call(advantage, quantities))
    (probability.repeat_interleave(n)[:, None] / n * loss).sum().backward()
    return -theta.grad


def gradient_of(objective, logits=LOGITS):
    theta = logits.clone().requires_grad_()
    objective(theta.log_softmax(-1)).backward()
    return theta.grad


def expected_pay(log_policy):
    return (log_policy.exp() * PAY).sum()


def expected_best_of(k):
    def objective(log_policy):
        arms = torch.tensor(list(product(range(len(PAY)), repeat=k)))
        return (log_policy[arms].sum(-1).exp() * PAY[arms].amax(-1)).sum()

    return objective


@pytest.mark.parametrize("n", [2, 3, 4])
def test_leave_one_out_is_unbiased(n):
    torch.testing.assert_close(expected_update(LeaveOneOut(), n), gradient_of(expected_pay))


@pytest.mark.parametrize("n", [2, 4])
def test_the_group_mean_shrinks_the_gradient_by_what_it_shares(n):
    torch.testing.assert_close(expected_update(GroupCentred(scale=None), n), (n - 1) / n * gradient_of(expected_pay))


def test_a_return_without_a_baseline_is_unbiased():
    torch.testing.assert_close(expected_update(ReturnToGo(), 1), gradient_of(expected_pay))


def test_dividing_by_the_group_deviation_changes_the_direction():
    update, truth = expected_update(GroupCentred(), 3), gradient_of(expected_pay)
    assert torch.cosine_similarity(update, truth, dim=0) < 0.999


@pytest.mark.parametrize(("n", "k"), [(2, 1), (2, 2), (3, 2), (4, 1), (4, 2), (4, 3), (4, 4)])
def test_max_at_k_is_unbiased_for_the_best_of_k(n, k):
    truth = gradient_of(expected_best_of(k))
    for baseline_size in {None, 0, 1, n - 1}:
        torch.testing.assert_close(expected_update(MaxAtK(k, baseline_size=baseline_size), n), truth)


def test_max_at_k_baseline_reduces_the_variance():
    rng = np.random.default_rng(0)
    reward = torch.tensor(rng.random((2000, 6)) + 3).flatten()
    group, mask = torch.arange(2000).repeat_interleave(6), torch.ones(12000, 1, dtype=torch.bool)
    variance = {size: MaxAtK(3, baseline_size=size)(reward, group, mask).square().mean() for size in (0, 2, 3)}
    assert variance[2] < variance[0] / 10 and variance[3] < variance[0] / 10


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(-3, 3), min_size=2, max_size=7), st.data())
def test_max_at_k_is_the_mean_over_subsets(values, data):
    n = len(values)
    k = data.draw(st.integers(1, n))
    size = data.draw(st.integers(0, n - 1))

    def best(rows):
        return max((values[j] for j in rows), default=0.0)

    expected = []
    for i in range(n):
        others = [j for j in range(n) if j != i]
        with_i = np.mean([best((i, *rest)) for rest in combinations(others, k - 1)])
        without = np.mean([best(rows) for rows in combinations(others, size)])
        expected.append([k * (with_i - without)])
    reward, group, mask = torch.tensor(values, dtype=torch.float64), torch.zeros(n, dtype=torch.long), torch.ones(n, 1, dtype=torch.bool)
    torch.testing.assert_close(MaxAtK(k, baseline_size=size)(reward, group, mask), torch.tensor(expected, dtype=torch.float64))


def test_max_at_k_says_how_many_it_needs():
    assert (MaxAtK(4).members, MaxAtK(2, baseline_size=3).members, MaxAtK(2, baseline_size=0).members) == (4, 4, 2)
    with pytest.raises(InputError, match="k >= 1"):
        MaxAtK(0)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(-3, 3), min_size=2, max_size=7), st.data())
def test_subset_normalised_is_grpo_of_the_subsets(values, data):
    n = len(values)
    k = data.draw(st.integers(1, n))
    subsets = list(combinations(range(n), k))
    best = np.array([max(values[j] for j in rows) for rows in subsets], dtype=float)
    spread = best.std()
    expected = [
        [(np.mean([b for b, rows in zip(best, subsets, strict=True) if i in rows]) - best.mean()) / (spread or 1.0)] for i in range(n)
    ]
    reward, group, mask = torch.tensor(values, dtype=torch.float64), torch.zeros(n, dtype=torch.long), torch.ones(n, 1, dtype=torch.bool)
    torch.testing.assert_close(SubsetNormalised(k, epsilon=0.0)(reward, group, mask), torch.tensor(expected, dtype=torch.float64))


@pytest.mark.parametrize("part", [MaxAtK(3), SubsetNormalised(3), LengthWeighted()])
def test_a_group_that_has_become_too_small_says_nothing(part):
    assert not part(torch.tensor([2.0]), torch.tensor([0]), torch.ones(1, 2, dtype=torch.bool)).any()


@pytest.mark.parametrize(("n", "target"), [(2, 0.9), (3, 0.0), (3, 2.0)])
def test_the_target_return_is_unbiased_for_the_square(n, target):
    update = expected_update(TargetReturn(target), n)
    torch.testing.assert_close(update, gradient_of(lambda log_policy: -((expected_pay(log_policy) - target) ** 2)))


# ------------------------------------------------------------------------------------------- the success rate as scale

RIGHT = torch.tensor([0.0, 1.0, 0.0, 1.0], dtype=torch.float64)


@pytest.mark.parametrize("n", [2, 3, 4])
def test_divided_by_the_success_rate_the_gradient_is_that_of_a_sum_of_pass_at_k(n, monkeypatch):
    monkeypatch.setattr(f"{__name__}.PAY", RIGHT)
    series = gradient_of(lambda log_policy: sum((1 - (1 - (log_policy.exp() * RIGHT).sum()) ** k) / k for k in range(1, n)))
    torch.testing.assert_close(expected_update(GroupCentred(GroupAverage()), n), series)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.lists(st.integers(0, 1), min_size=4, max_size=4), min_size=1, max_size=6))
def test_the_live_share_makes_up_for_groups_that_say_nothing(groups):
    """The mean of the advantages' squares, as that of the groups that say something without the scale."""
    reward, group = torch.tensor(groups, dtype=torch.float64).flatten(), torch.arange(len(groups)).repeat_interleave(4)
    mask = torch.ones(len(reward), 1, dtype=torch.bool)
    live = torch.tensor([len(set(g)) > 1 for g in groups])
    got = GroupCentred(LiveShare())(reward, group, mask).abs().sum() / len(reward)
    alone = GroupCentred(None)(reward, group, mask).abs().sum() / (4 * live.sum().clamp(min=1))
    torch.testing.assert_close(got, alone)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(-4, 4), min_size=3, max_size=7))
def test_others_deviation_is_that_of_the_others(values):
    got = OthersDeviation(epsilon=0.5)(torch.tensor(values, dtype=torch.float64), torch.zeros(len(values), dtype=torch.long))
    others = [np.std(values[:i] + values[i + 1 :], ddof=1) for i in range(len(values))]
    np.testing.assert_allclose(got.numpy(), [s + 0.5 if s > 1e-9 else 1.0 for s in others])


def test_the_optimal_token_baseline_leaves_the_least_variance_of_an_answer_of_one_step():
    """The baseline of a large group, beside which every other constant makes the squared gradient of the logits larger."""
    policy = LOGITS.log_softmax(-1)
    arms = torch.multinomial(policy.exp(), 4000, replacement=True, generator=torch.Generator().manual_seed(0))
    collision = -(policy.exp() ** 2).sum().log()
    q = {
        "step_reward": PAY[arms][:, None],
        "proximal_logp": policy[arms][:, None],
        "proximal_collision_entropy": collision.expand(4000, 1),
        "group": torch.zeros(4000, dtype=torch.long),
        "mask": torch.ones(4000, 1, dtype=torch.bool),
    }
    baseline = (PAY[arms] - call(OptimalTokenBaseline(), q)[:, 0]).unique()
    assert len(baseline.round(decimals=9).unique()) == 1
    scores = torch.eye(4, dtype=torch.float64)[arms] - policy.exp()

    def second_moment(b):
        return float(((PAY[arms] - b)[:, None] * scores).square().sum(-1).mean())

    best = float(baseline[0])
    assert all(second_moment(best) < second_moment(best + moved) for moved in (-0.1, -0.01, 0.01, 0.1))
    assert second_moment(best) < second_moment(float(PAY[arms].mean()))


# ------------------------------------------------------------------------------------------------- target ratio

REF = torch.tensor([-0.2, 0.4, 0.1, -1.0], dtype=torch.float64).log_softmax(-1)
BETA = 0.7
LOG_Z = (REF + PAY / BETA).logsumexp(-1).item()
TARGET = REF + PAY / BETA - LOG_Z


def minus_forward_kl(log_policy):
    return -(TARGET.exp() * (TARGET - log_policy)).sum()


@pytest.mark.parametrize("sampler", [None, torch.tensor([0.4, 0.3, 0.2, 0.1], dtype=torch.float64).log()])
def test_target_ratio_is_the_gradient_of_the_forward_kl_whoever_sampled(sampler):
    update = expected_update(TargetRatio(BETA, log_normaliser=LOG_Z), 1, sampler=sampler, ref_logp=REF)
    torch.testing.assert_close(update, gradient_of(minus_forward_kl))


def test_target_ratio_needs_no_update_at_the_target():
    update = expected_update(TargetRatio(BETA, log_normaliser=LOG_Z), 1, logits=TARGET, ref_logp=REF)
    torch.testing.assert_close(update, torch.zeros_like(update))
    # with its baseline not even a single sample moves the policy
    every = torch.ones(4, 1, dtype=torch.bool)
    part = TargetRatio(BETA, log_normaliser=LOG_Z, baseline=1.0)
    advantage = part(PAY, REF[:, None], TARGET[:, None], torch.arange(4), every)
    torch.testing.assert_close(advantage, torch.zeros_like(advantage), atol=1e-12, rtol=0)


def test_target_ratio_baseline_is_free_on_policy():
    update = expected_update(TargetRatio(BETA, log_normaliser=LOG_Z, baseline=1.0), 1, ref_logp=REF)
    torch.testing.assert_close(update, gradient_of(minus_forward_kl))


def test_self_normalised_ratios_average_one_and_come_near_the_truth():
    group = torch.tensor([0, 0, 0, 1])
    ratio = TargetRatio(BETA)(PAY, REF[:, None], LOGITS[:, None], group, torch.ones(4, 1, dtype=torch.bool))
    torch.testing.assert_close(ratio[:3].mean(), torch.ones((), dtype=torch.float64))
    assert ratio[3].item() == 1.0
    truth = gradient_of(minus_forward_kl)
    errors = [(expected_update(TargetRatio(BETA), n, ref_logp=REF) - truth).norm() for n in (2, 4, 6)]
    assert errors[0] > errors[1] > errors[2]


def test_an_excluded_sequence_gets_no_share_of_the_target():
    reward = torch.tensor([-torch.inf, 0.0, -torch.inf])
    zeros, group = torch.zeros(3, 1), torch.tensor([0, 0, 1])
    ratio = TargetRatio(1.0)(reward, zeros, zeros, group, torch.ones(3, 1, dtype=torch.bool))
    assert ratio.squeeze().tolist() == [0.0, 2.0, 0.0]


def test_target_ratio_does_not_overflow():
    reward = torch.tensor([1000.0, 999.0])
    zeros = torch.zeros(2, 1)
    ratio = TargetRatio(1.0)(reward, zeros, zeros, torch.zeros(2, dtype=torch.long), torch.ones(2, 1, dtype=torch.bool))
    torch.testing.assert_close(ratio[0] / ratio[1], torch.tensor([np.e], dtype=torch.float32), rtol=1e-5, atol=0)


# --------------------------------------------------------------------------------------------------------- scales


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 8), min_size=2, max_size=8).filter(lambda x: len(set(x)) > 1))
def test_beta_density_is_scipys(right):
    reward = torch.tensor([[1.0] * c + [0.0] * (8 - c) for c in right], dtype=torch.float64)
    group = torch.arange(len(right)).repeat_interleave(8)
    p = np.array(right) / 8
    mean, variance = p.mean(), p.var(ddof=1)
    strength = mean * (1 - mean) / variance - 1
    alpha, beta = max(1, 1 + strength * mean / 3), max(1, 1 + strength * (1 - mean) / 3)
    expected = np.where((p > 0) & (p < 1), stats.beta.pdf(p, alpha, beta), 0.0)
    got = BetaDensity()(reward.flatten(), group).view(-1, 8)[:, 0]
    np.testing.assert_allclose(got.numpy(), expected, rtol=1e-9, atol=1e-12)


def test_beta_moments_are_recovered():
    rng = np.random.default_rng(0)
    p = torch.tensor(rng.beta(2.0, 5.0, 20000))
    alpha, beta = BetaDensity().parameters(p, torch.arange(len(p)))
    np.testing.assert_allclose([3 * (alpha - 1), 3 * (beta - 1)], [2.0, 5.0], rtol=0.05)


def test_beta_density_counts_each_group_once():
    unequal = BetaDensity().parameters(torch.tensor([0.2, 0.2, 0.2, 0.7]), torch.tensor([0, 0, 0, 1]))
    equal = BetaDensity().parameters(torch.tensor([0.2, 0.7]), torch.tensor([0, 1]))
    torch.testing.assert_close(unequal, equal)


def test_group_average_refuses_rewards_that_are_no_rates():
    with pytest.raises(InputError, match="below 0: use rewards of 0 and more"):
        GroupAverage()(torch.tensor([-1.0, 0.0]), torch.tensor([0, 0]))


@pytest.mark.parametrize("groups", [[0, 0, 0, 0], [0, 0, 1, 1]])
def test_beta_density_is_no_scale_without_a_spread_to_fit(groups):
    reward = torch.tensor([0.0, 1.0, 0.0, 1.0])
    assert BetaDensity()(reward, torch.tensor(groups)).tolist() == [1.0] * 4


def test_beta_density_refuses_rewards_that_are_no_rates():
    with pytest.raises(InputError, match=r"outside \[0, 1\]"):
        BetaDensity()(torch.tensor([-1.0, 1.0, -1.0, -1.0]), torch.tensor([0, 0, 1, 1]))


@pytest.mark.parametrize(
    "scale", [GroupDeviation(), BatchDeviation(), BetaDensity(), GroupAverage(), LiveShare(), NonzeroShare(), OthersDeviation()]
)
def test_equal_rewards_say_nothing(scale):
    reward, group = torch.full((6,), 0.1), torch.arange(6) // 3
    advantage = GroupCentred(scale)(reward, group, torch.ones(6, 2, dtype=torch.bool))
    assert not advantage.any()


def test_only_scales_that_look_beyond_the_group_are_per_batch():
    assert not per_batch(GroupCentred()) and per_batch(GroupCentred(BatchDeviation())) and per_batch(GroupCentred(BetaDensity()))


# -------------------------------------------------------------------------------------------------- over time

steps = st.integers(1, 6).flatmap(
    lambda t: st.tuples(
        *[st.lists(st.floats(-3, 3), min_size=t, max_size=t)] * 2,
        st.lists(st.booleans(), min_size=t, max_size=t),
        st.floats(0, 1),
        st.floats(0, 1),
    )
)


@settings(deadline=None, max_examples=80)
@given(steps)
def test_gae_is_the_weighted_sum_of_residuals_over_acted_steps(drawn):
    rewards, values, acted, gamma, lam = drawn
    rows = [i for i, yes in enumerate(acted) if yes]
    r, v = [rewards[i] for i in rows], [values[i] for i in rows] + [0.0]
    residual = [r[i] + gamma * v[i + 1] - v[i] for i in range(len(rows))]
    expected = np.zeros(len(acted))
    for i, row in enumerate(rows):
        expected[row] = sum((gamma * lam) ** (j - i) * residual[j] for j in range(i, len(rows)))
    given_ = {"step_reward": rewards, "old_value": values}
    given_ = {k: torch.tensor([x], dtype=torch.float64) for k, x in given_.items()} | {"mask": torch.tensor([acted])}
    np.testing.assert_allclose(call(GAE(gamma, lam), given_)[0].numpy(), expected, atol=1e-9)
    target = expected + np.where(acted, values, 0.0)
    np.testing.assert_allclose(call(LambdaReturn(GAE(gamma, lam)), given_)[0].numpy(), target, atol=1e-9)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), st.floats(0.1, 10), st.floats(-5, 5))
def test_batch_normalised_forgets_scale_and_offset_of_what_it_wraps(seed, scale, offset):
    rng = torch.Generator().manual_seed(seed)
    reward = torch.randn(6, generator=rng, dtype=torch.float64)
    mask = torch.arange(4) < torch.randint(1, 5, (6, 1), generator=rng)
    last = torch.arange(4) == mask.sum(-1, keepdim=True) - 1

    def normal(x):
        return BatchNormalised()(mask, step_reward=torch.where(last, x[:, None], torch.zeros((), dtype=x.dtype)))

    first = normal(reward)
    np.testing.assert_allclose(first[mask].mean().item(), 0, atol=1e-9)
    np.testing.assert_allclose(first[mask].std(correction=0).item(), 1, atol=1e-6)
    torch.testing.assert_close(normal(scale * reward + offset), first, atol=1e-5, rtol=1e-5)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 6), st.floats(0.05, 3), st.integers(0, 10**6))
def test_length_adaptive_gae_is_gae_with_a_lam_of_the_length(length, alpha, seed):
    rng = torch.Generator().manual_seed(seed)
    reward, value = torch.randn(1, 6, generator=rng, dtype=torch.float64), torch.randn(1, 6, generator=rng, dtype=torch.float64)
    q = {"step_reward": reward, "old_value": value, "mask": torch.arange(6)[None] < length}
    lam = max(1 - 1 / (alpha * length), 0.0)
    torch.testing.assert_close(call(LengthAdaptiveGAE(0.9, alpha), q), call(GAE(0.9, lam), q))


def test_wrappers_need_what_they_wrap():
    assert needs(BatchNormalised(GAE())) == {"mask", "step_reward", "old_value"}
    assert needs(BatchNormalised(GroupCentred())) == {"mask", "reward", "group"}
    assert needs(LambdaReturn()) == {"mask", "step_reward", "old_value"}


def test_positive_and_negative_reinforcement_add_up():
    reward, mask = torch.tensor([1.0, -1.0, 1.0]), torch.ones(3, 2, dtype=torch.bool)
    both = SignedWeight(1.0, 0.0)(reward, mask) + SignedWeight(0.0, 1.0)(reward, mask)
    torch.testing.assert_close(both, reward[:, None].expand(3, 2))
    torch.testing.assert_close(SignedWeight()(reward, mask), SignedWeight()((reward + 1) / 2, mask))
