"""The moment of divergence: found where it is, and no oftener without a cause than is said."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guerdon.evaluation.coming_apart import LEVEL, coming_apart

SHAPES = {
    "flat": lambda x: 0 * x,
    "rising": lambda x: x,
    "falling": lambda x: -x,
    "there and back": lambda x: 4 * x * (1 - x),
    "a jump": lambda x: (x > 0.5) * 1.0,
    "waves": lambda x: np.sin(12 * x),
}


def alarms(proxy, gold, steps, noise, reps, seed=0):
    """The share of runs in which these curves, seen through noise, are said to come apart."""
    draw, x = np.random.default_rng(seed), np.linspace(0, 1, steps)
    seen = lambda curve: curve(x) + noise * draw.standard_normal(steps)  # noqa: E731
    return np.mean([coming_apart(np.arange(steps), seen(proxy), seen(gold)) is not None for _ in range(reps)])


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("steps", [4, 12, 60, 200])
def test_curves_that_run_together_raise_no_alarm_beyond_the_rate(shape, steps):
    proxy = SHAPES[shape]
    for noise in (0.1, 1.0):
        assert alarms(proxy, lambda x: 2 * proxy(x) + 1, steps, noise, 200) <= LEVEL + 3 * (LEVEL / 200) ** 0.5


@pytest.mark.parametrize("steps", [10, 40, 150])
@pytest.mark.parametrize(("proxy", "gold"), [("rising", "flat"), ("flat", "falling"), ("rising", "rising"), ("falling", "falling")])
def test_the_worst_case_keeps_the_rate_too(proxy, gold, steps):
    """One moves and the other does not: then one of the two conditions is met everywhere, and the rate is that of the other alone."""
    reps = 600
    assert alarms(SHAPES[proxy], SHAPES[gold], steps, 0.1, reps) <= LEVEL + 3 * (LEVEL / reps) ** 0.5


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(30, 200), st.floats(0.25, 0.7), st.floats(0.1, 10), st.floats(-5, 5))
def test_a_turn_is_found_where_it_is_in_any_unit(seed, steps, turn, unit, zero):
    draw, x = np.random.default_rng(seed), np.linspace(0, 1, steps)
    proxy = x + 0.02 * draw.standard_normal(steps)
    gold = np.where(x < turn, x, 2 * turn - x) + 0.02 * draw.standard_normal(steps)
    found = coming_apart(x, unit * proxy + zero, unit * gold + zero)
    assert found is not None and abs(found.moment - turn) <= 0.11 and found.seen > found.moment
    assert found.proxy[1] > found.proxy[0] and found.gold[1] < found.gold[0]


def test_both_falling_is_no_divergence_and_too_little_says_nothing():
    x = np.arange(50.0)
    assert coming_apart(x, -x, -x) is None and coming_apart(x, x, x) is None
    assert coming_apart(x[:3], x[:3], -x[:3]) is None
    assert coming_apart(x, x, -x) is not None


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000))
def test_missing_steps_are_left_out(seed):
    draw = np.random.default_rng(seed)
    x = np.arange(60.0)
    proxy, gold = x + draw.standard_normal(60), -x + draw.standard_normal(60)
    holes = draw.random(60) < 0.2
    found = coming_apart(x, np.where(holes, np.nan, proxy), gold)
    assert found == coming_apart(x[~holes], proxy[~holes], gold[~holes])
