"""What counts of right answers say of success rates: against the exact numbers of Beta-binomials, and against repeated experiments."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guerdon.errors import InputError
from guerdon.evaluation.statistics.silent_groups import SilentGroups
from guerdon.evaluation.success_rates import SuccessRates, success_rates

few = settings(max_examples=20, deadline=None)


def rising(a, n):
    """a (a + 1) ... (a + n - 1), exactly."""
    product = Fraction(1)
    for i in range(n):
        product *= a + i
    return product


def silent(size, a, b, zeros=0, ones=0):
    """E[rate^G + (1 - rate)^G], by the moments of a Beta in fractions."""
    alike = (rising(Fraction(a), size) + rising(Fraction(b), size)) / rising(Fraction(a + b), size)
    return float(Fraction(zeros) + Fraction(ones) + (1 - Fraction(zeros) - Fraction(ones)) * alike)


def known(a, b, zeros=0.0, ones=0.0):
    """Rates of which nothing is uncertain."""
    return SuccessRates(np.ones((1, 1)), np.array([float(a)]), np.array([float(b)]), np.array([zeros]), np.array([ones]))


@few
@given(
    st.fractions("1/8", 20, max_denominator=8),
    st.fractions("1/8", 20, max_denominator=8),
    st.integers(1, 64),
    st.integers(0, 3),
    st.integers(0, 4),
)
def test_of_known_rates_the_shares_are_exact(a, b, size, zeros, ones):
    zeros, ones = Fraction(zeros, 8), Fraction(ones, 8)
    rates = known(a, b, float(zeros), float(ones))
    wanted = silent(size, a, b, zeros, ones) if size > 1 else 1.0
    assert rates.silent(size) == pytest.approx((wanted,) * 3, rel=1e-9)
    mean = float(ones + (1 - zeros - ones) * a / (a + b))
    assert rates.solved().value == pytest.approx(mean) and rates.unsolved(1).value == pytest.approx(1 - mean)
    assert rates.unsolved(size).value + rates.solved(size).value == pytest.approx(rates.silent(size).value if size > 1 else 1.0)


def test_even_rates_make_two_of_g_plus_one_groups_silent():
    assert [known(1, 1).silent(g).value for g in (2, 4, 9)] == pytest.approx([2 / 3, 2 / 5, 2 / 10])
    assert known(1, 1).between(0.25, 0.75).value == pytest.approx(0.5)
    assert known(1, 1, 0.2, 0.3).between(0.25, 0.75).value == pytest.approx(0.25)


@few
@given(st.lists(st.integers(0, 6), min_size=1, max_size=30))
def test_what_is_said_of_failures_is_what_is_said_of_successes(k):
    rates, turned = success_rates(k, 6), success_rates([6 - i for i in k], 6)
    assert rates.silent(8) == pytest.approx(turned.silent(8), abs=1e-9)
    assert rates.unsolved(5) == pytest.approx(turned.solved(5), abs=1e-9)
    shares = [rates.silent(g).value for g in (2, 4, 8, 16, 32)]
    assert shares == sorted(shares, reverse=True)
    for estimate in (rates.silent(4), rates.silent(32), rates.solved()):
        assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1 + 1e-9


@few
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(4, 9)), min_size=2, max_size=12), st.randoms(use_true_random=False))
def test_the_order_of_prompts_does_not_matter(counts, random):
    mixed = random.sample(counts, len(counts))
    one, other = (success_rates([k for k, _ in c], [n for _, n in c]) for c in (counts, mixed))
    assert np.allclose(one.weight, other.weight)


@pytest.mark.parametrize(("a", "b", "zeros", "ones"), [(2, 2, 0, 0), (0.5, 0.5, 0, 0), (0.2, 3, 0, 0), (20, 20, 0, 0), (1, 2, 0.3, 0.2)])
@pytest.mark.parametrize(("prompts", "completions"), [(16, 8), (64, 4)])
def test_intervals_hold_the_truth_as_often_as_they_say(a, b, zeros, ones, prompts, completions):
    """Also of groups much larger than what was drawn. The intervals are of 95 %; of 30 experiments 24 or more have to hold it (chance of fewer: 0.3 %)."""
    draw, sizes = np.random.default_rng(0), (4, 8, 32)
    held = dict.fromkeys(sizes, 0)
    for _ in range(30):
        u = draw.random(prompts)
        rate = np.where(u < zeros, 0.0, np.where(u < zeros + ones, 1.0, draw.beta(a, b, prompts)))
        found = success_rates(draw.binomial(completions, rate), completions)
        for size in sizes:
            estimate, truth = found.silent(size), silent(size, Fraction(a), Fraction(b), Fraction(zeros), Fraction(ones))
            held[size] += estimate.low - 1e-9 <= truth <= estimate.high + 1e-9
    assert min(held.values()) >= 24, held


def test_with_many_prompts_the_share_is_found():
    draw = np.random.default_rng(1)
    found = success_rates(draw.binomial(8, draw.beta(0.6, 2.0, 3000)), 8)
    for size in (4, 8, 16):
        estimate = found.silent(size)
        assert estimate.value == pytest.approx(silent(size, Fraction("0.6"), Fraction(2)), abs=0.03) and estimate.high - estimate.low < 0.08


def test_nothing_solved_is_no_proof_that_nothing_can_be():
    found = success_rates([0] * 16, 4)
    assert found.solved().high > 0.003 and found.silent(32).low < 0.9 and found.silent(4).value > 0.95
    sure = success_rates([0] * 500, 32)
    assert sure.silent(32).low > found.silent(32).low


def test_confidence_is_the_width():
    narrow, wide = (SilentGroups(8, confidence)([1, 0, 3, 4], 4) for confidence in (0.5, 0.99))
    assert wide.low < narrow.low < narrow.high < wide.high and wide.value == pytest.approx(narrow.value)
    assert replace(success_rates([1, 0, 3, 4], 4), confidence=0.5).silent(8) == pytest.approx(narrow)


@pytest.mark.parametrize(("k", "n"), [([], 4), ([5], 4), ([-1], 4), ([0], 0), ([[1]], 4)])
def test_what_are_no_counts_is_refused(k, n):
    with pytest.raises(InputError, match="at least one prompt"):
        success_rates(k, n)
