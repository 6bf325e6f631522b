"""Metrics and statistics against enumeration, hand-made limits, scipy and the rliable package."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from guerdon.errors import InputError
from guerdon.evaluation.distances.interval import Interval
from guerdon.evaluation.distances.nominal import Nominal
from guerdon.evaluation.distances.ordinal import Ordinal
from guerdon.evaluation.metrics.accuracy import Accuracy
from guerdon.evaluation.metrics.brier import Brier
from guerdon.evaluation.metrics.calibration_error import CalibrationError
from guerdon.evaluation.metrics.exact_kl import ExactKL
from guerdon.evaluation.metrics.gold_against_proxy import GoldAgainstProxy
from guerdon.evaluation.metrics.kl_to_reference import KLToReference
from guerdon.evaluation.metrics.kl_to_reference_k3 import KLToReferenceK3
from guerdon.evaluation.metrics.krippendorff_alpha import KrippendorffAlpha
from guerdon.evaluation.metrics.max_at_k import MaxAtK
from guerdon.evaluation.metrics.pair_accuracy import PairAccuracy
from guerdon.evaluation.metrics.pass_at_k import PassAtK
from guerdon.evaluation.metrics.reliability import Reliability
from guerdon.evaluation.metrics.solvable_overlap import SolvableOverlap
from guerdon.evaluation.statistics.bootstrap_mean import BootstrapMean
from guerdon.evaluation.statistics.interquartile_mean import InterquartileMean
from guerdon.evaluation.statistics.mean import Mean
from guerdon.evaluation.statistics.median import Median
from guerdon.evaluation.statistics.optimality_gap import OptimalityGap
from guerdon.evaluation.statistics.performance_profile import PerformanceProfile
from guerdon.evaluation.statistics.probability_of_improvement import ProbabilityOfImprovement
from guerdon.evaluation.statistics.stratified_bootstrap import StratifiedBootstrap
from guerdon.evaluation.statistics.wilson import Wilson

metrics = pytest.importorskip("rliable.metrics")

scores = arrays(float, st.tuples(st.integers(1, 7), st.integers(1, 5)), elements=st.integers(-8, 8).map(lambda i: i / 4))
rewards = arrays(float, st.tuples(st.just(1), st.integers(1, 6)), elements=st.integers(-4, 4).map(float))
few = settings(max_examples=60, deadline=None)


# ---- metrics


@few
@given(rewards, st.data())
def test_max_at_k_is_the_mean_over_all_subsets(reward, data):
    k = data.draw(st.integers(1, reward.shape[1]))
    wanted = np.mean([max(subset) for subset in itertools.combinations(reward[0], k)])
    assert MaxAtK(k)(reward)[0] == pytest.approx(wanted)


@few
@given(st.integers(1, 9), st.data())
def test_pass_at_k_is_max_at_k_of_zeros_and_ones(n, data):
    k, c = data.draw(st.integers(1, n)), data.draw(st.integers(0, n))
    right = np.zeros((1, n))
    right[0, :c] = 1
    exact = 1 - math.comb(n - c, k) / math.comb(n, k)
    assert PassAtK(k)([c], n)[0] == pytest.approx(exact) == MaxAtK(k)(right)[0]


def test_pass_at_k_is_without_bias_where_the_plug_in_is_not():
    p, n, k = 0.1, 10, 5
    weight = stats.binom.pmf(np.arange(n + 1), n, p)
    truth = 1 - (1 - p) ** k
    assert weight @ PassAtK(k)(np.arange(n + 1), n) == pytest.approx(truth)
    assert weight @ (1 - (1 - np.arange(n + 1) / n) ** k) < truth - 0.02


def test_pass_at_k_keeps_its_digits():
    assert PassAtK(1)([1], 10**9)[0] == pytest.approx(1e-9, rel=1e-12)
    n, c, k = 20_000, 3, 7_000
    exact = 1 - math.prod((n - k - i) / (n - i) for i in range(c))
    assert PassAtK(k)([c], n)[0] == pytest.approx(exact, rel=1e-12)
    assert MaxAtK(k)(np.r_[np.zeros(n - c), np.ones(c)][None])[0] == pytest.approx(exact, rel=1e-9)
    assert PassAtK(2)([1, 2], [2, 4]).tolist() == pytest.approx([1.0, 5 / 6])


@few
@given(st.integers(2, 4), st.integers(1, 6), st.data())
def test_krippendorffs_alpha_is_that_of_the_package(raters, units, data):
    krippendorff = pytest.importorskip("krippendorff")
    value = st.sampled_from([float("nan"), 1.0, 2.0, 3.0, 7.0])
    rating = data.draw(arrays(float, (raters, units), elements=value, fill=st.nothing()))
    paired = rating[:, (~np.isnan(rating)).sum(0) > 1]
    varied = len(np.unique(paired[~np.isnan(paired)])) > 1
    for distance in (Nominal(), Ordinal(), Interval()):
        found = KrippendorffAlpha(distance)(rating)
        if varied:
            level = type(distance).__name__.lower()
            assert found == pytest.approx(krippendorff.alpha(paired, level_of_measurement=level), abs=1e-9)
        else:
            assert np.isnan(found)


def test_metrics_refuse_what_they_cannot_judge():
    for call in (
        lambda: PassAtK(5)([1], 4),
        lambda: PassAtK(1)([5], 4),
        lambda: MaxAtK(3)([[1.0, 2.0]]),
        lambda: Accuracy()(["a"], ["a", "b"]),
        lambda: Reliability()([1.5], [1]),
        lambda: ExactKL()([0.5, 0.6], [0.5, 0.5]),
        lambda: SolvableOverlap()([1], [1, 2]),
        lambda: GoldAgainstProxy(3)([1.0], [1.0], [1.0]),
        lambda: KrippendorffAlpha()([1.0, 2.0]),
        lambda: KrippendorffAlpha()([[1.0], [float("inf")]]),
        lambda: Wilson()([2.0]),
        lambda: BootstrapMean()([]),
        lambda: Mean()([[float("nan")]]),
        lambda: ProbabilityOfImprovement()([[1.0, 2.0]], [[1.0]]),
    ):
        with pytest.raises(InputError):
            call()


@few
@given(arrays(float, (2, 8), elements=st.integers(0, 4).map(float)))
def test_pair_accuracy_is_fair_to_ties(pair):
    a, b = pair
    np.testing.assert_allclose(PairAccuracy()(a, b) + PairAccuracy()(b, a), 1)
    u = stats.mannwhitneyu(a, b).statistic
    assert PairAccuracy()(np.repeat(a, 8), np.tile(b, 8)).sum() == pytest.approx(u)


def test_calibration_error_finds_overconfidence_and_only_that():
    random = np.random.default_rng(0)
    truth = random.random(200_000)
    label = random.random(200_000) < truth
    assert CalibrationError()(truth, label) < 0.01
    stretched = np.clip(truth + 0.1, 0, 1)
    assert CalibrationError()(stretched, label) == pytest.approx((stretched - truth).mean(), abs=0.01)
    assert Brier()(truth, label).mean() == pytest.approx(np.mean(truth * (1 - truth)), abs=0.005)
    assert Reliability(7)(truth, label)[:, 2].sum() == 200_000


def test_both_estimators_of_the_kl_are_without_bias():
    p, q = np.array([0.7, 0.2, 0.1]), np.array([0.3, 0.3, 0.4])
    logp, ref = np.log(p)[:, None], np.log(q)[:, None]
    mask = np.ones((3, 1), dtype=bool)
    exact = ExactKL()(p, q)
    assert exact == pytest.approx(stats.entropy(p, q))
    assert p @ KLToReference()(logp, ref, mask) == pytest.approx(exact)
    assert p @ KLToReferenceK3()(logp, ref, mask) == pytest.approx(exact)
    assert (KLToReferenceK3()(logp, ref, mask) >= 0).all() and (KLToReference()(logp, ref, mask) < 0).any()
    assert ExactKL()([0.5, 0.5], [1.0, 0.0]) == math.inf


def test_gold_against_proxy_shows_the_turn():
    d = np.linspace(0, 3, 300)
    gold, proxy = d * (1 - 0.4 * d), d
    order = np.random.default_rng(0).permutation(300)
    distance, proxies, golds, items = GoldAgainstProxy(10)(d[order] ** 2, proxy[order], gold[order]).T
    assert items.tolist() == [30] * 10
    assert (np.diff(distance) > 0).all() and (np.diff(proxies) > 0).all()
    assert distance[golds.argmax()] == pytest.approx(1.25, abs=0.2)


# ---- statistics


@few
@given(scores, scores)
def test_aggregates_agree_with_rliable(a, b):
    assert Mean()(a) == pytest.approx(metrics.aggregate_mean(a))
    assert Median()(a) == pytest.approx(metrics.aggregate_median(a))
    assert InterquartileMean()(a) == pytest.approx(metrics.aggregate_iqm(a), abs=1e-12)
    assert OptimalityGap(0.5)(a) == pytest.approx(metrics.aggregate_optimality_gap(a, 0.5))
    b = np.resize(b, (b.shape[0], a.shape[1]))
    assert ProbabilityOfImprovement()(a, b) == pytest.approx(metrics.probability_of_improvement(a, b))


@few
@given(scores)
def test_aggregates_work_on_many_resamples_at_once(a):
    stack = np.stack([a, a + 1])
    for part in (Mean(), Median(), InterquartileMean(), OptimalityGap(), PerformanceProfile((0.0, 1.0))):
        np.testing.assert_allclose(part(stack), [part(a), part(a + 1)])


@few
@given(scores)
def test_profile_falls_and_its_area_is_the_mean(a):
    grid = np.linspace(-3, 3, 6 * 4 + 1)  # the scores are multiples of 1/4
    profile = PerformanceProfile(tuple(grid))(a)
    assert (np.diff(profile) <= 0).all()
    assert -3 + 0.25 * profile.sum() == pytest.approx(a.mean())


@few
@given(st.integers(0, 30), st.integers(1, 30), st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_wilson_agrees_with_scipy(right, wrong, confidence):
    wanted = stats.binomtest(right, right + wrong).proportion_ci(confidence, method="wilson")
    got = Wilson(confidence)([1] * right + [0] * wrong)
    assert got[1:] == pytest.approx((wanted.low, wanted.high), abs=1e-12)


def test_bootstrap_agrees_with_scipy():
    values = np.random.default_rng(1).exponential(size=12)
    wanted = stats.bootstrap((values,), np.mean, method="percentile", n_resamples=20_000, rng=np.random.default_rng(2)).confidence_interval
    got = BootstrapMean(small_sample=False, resamples=20_000)(values)
    assert got[1:] == pytest.approx((wanted.low, wanted.high), abs=0.02)
    one_task = StratifiedBootstrap(Mean(), resamples=20_000)(values)
    assert one_task[1:] == pytest.approx((wanted.low, wanted.high), abs=0.02)
    np.testing.assert_array_equal(BootstrapMean(seed=3)(values), BootstrapMean(seed=3)(values))
    assert BootstrapMean(seed=3)(values) != BootstrapMean(seed=4)(values)


@pytest.mark.parametrize("size", [3, 5, 10])
def test_bootstrap_mean_covers_with_few_values_as_often_as_it_says(size):
    random = np.random.default_rng(size)
    truth, trials = 0.0, 400
    samples = random.normal(truth, 1, size=(trials, size))

    def coverage(part):
        return np.mean([low <= truth <= high for _, low, high in map(part, samples)])

    assert coverage(BootstrapMean(resamples=500)) >= 0.92
    assert coverage(BootstrapMean(resamples=500, small_sample=False)) < (0.85 if size < 10 else 0.94)


def test_one_value_has_no_interval_and_equal_values_have_a_point():
    assert BootstrapMean()([2.0]) == (2.0, -math.inf, math.inf)
    assert BootstrapMean()([2.0, 2.0]) == (2.0, 2.0, 2.0)


def test_stratified_resamples_keep_every_task():
    values = np.array([[0.0, 100.0, 200.0], [0.0, 100.0, 200.0], [0.0, 100.0, 200.0]])
    for statistic in (Mean(), Median(), InterquartileMean()):
        estimate = StratifiedBootstrap(statistic)(values)
        assert estimate.low == estimate.value == estimate.high
    profile = StratifiedBootstrap(PerformanceProfile((50.0, 150.0)))(values)
    np.testing.assert_allclose(profile.low, [2 / 3, 1 / 3])
    improvement = StratifiedBootstrap(ProbabilityOfImprovement())(values + 1, values)
    assert improvement == (1.0, 1.0, 1.0)
