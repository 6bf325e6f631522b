"""Combining and shaping: components that do not apply, weights, gates; normalising against independent references."""

import copy
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import zscore

from guerdon.errors import InputError
from guerdon.feedback.combining.gate import Gate
from guerdon.feedback.combining.weigh import Weigh
from guerdon.feedback.shaping.batch_normalise import BatchNormalise
from guerdon.feedback.shaping.clip import Clip
from guerdon.feedback.shaping.group_normalise import GroupNormalise
from guerdon.feedback.shaping.running_normalise import RunningNormalise, merge, moments

NAN = math.nan
rewards = st.lists(st.floats(-100, 100), min_size=1, max_size=12)
parts = st.lists(rewards, min_size=1, max_size=4)
relaxed = settings(deadline=None, max_examples=50)


def tensor(values):
    return torch.tensor(values, dtype=torch.float64)


@relaxed
@given(st.lists(st.tuples(st.one_of(st.none(), st.floats(-5, 5)), st.one_of(st.none(), st.floats(-5, 5))), min_size=1), st.floats(-2, 2))
def test_weigh_sums_what_applies(rows, weight):
    components = {name: tensor([NAN if row[i] is None else row[i] for row in rows]) for i, name in enumerate(("a", "b"))}
    got = Weigh({"b": weight})(components)
    for value, (a, b) in zip(got.tolist(), rows, strict=True):
        if a is None and b is None:
            assert math.isnan(value)
        else:
            assert value == pytest.approx((a or 0.0) + weight * (b or 0.0))


def test_unknown_components_are_named_with_the_nearest():
    components = {"correct": tensor([1.0]), "format": tensor([1.0])}
    with pytest.raises(InputError, match="unknown reward component in the weights 'corect': did you mean correct"):
        Weigh({"corect": 1.0})(components)
    with pytest.raises(InputError, match="to gate by 'formats': did you mean format"):
        Gate("formats")(components)
    with pytest.raises(InputError, match="no reward component"):
        Weigh()({})


@relaxed
@given(rewards, st.floats(0, 1))
def test_an_open_gate_is_no_gate_and_a_closed_one_leaves_its_own_component(style, threshold):
    style = tensor(style)
    for gate, expected in (
        (torch.ones_like(style), 1 + style),
        (torch.full_like(style, NAN), style),
        (-torch.ones_like(style), -torch.ones_like(style)),
    ):
        torch.testing.assert_close(Gate("gate", threshold)({"gate": gate, "style": style}), expected)


def test_a_gate_does_not_change_what_it_is_given():
    components = {"gate": tensor([0.0, 1.0]), "style": tensor([2.0, 2.0])}
    before = copy.deepcopy(components)
    assert Gate("gate", combine=Weigh({"gate": 0.0}))(components).tolist() == [0.0, 2.0]
    assert all(torch.equal(components[name], before[name]) for name in before)


@relaxed
@given(st.lists(st.floats(-100, 100), min_size=2, max_size=12))
def test_normalising_agrees_with_scipy(values):
    reward = tensor(values)
    group = torch.zeros(len(values), dtype=torch.long)
    spread = np.std(values, ddof=1) > 1e-5 * np.mean(np.abs(values))
    expected = tensor(zscore(values, ddof=1)) if spread else torch.zeros_like(reward)
    if spread or len(set(values)) == 1:
        torch.testing.assert_close(BatchNormalise(epsilon=0.0)(reward), expected)
        torch.testing.assert_close(GroupNormalise(epsilon=0.0)(reward, group), expected)


def test_equal_rewards_and_single_ones_are_zero():
    third = torch.full((3,), 1 / 3, dtype=torch.float64)
    assert BatchNormalise()(third).tolist() == GroupNormalise()(third, torch.tensor([0, 0, 1])).tolist() == [0.0] * 3
    assert BatchNormalise()(tensor([5.0])).tolist() == [0.0]
    assert RunningNormalise()(third, RunningNormalise().init())[0].tolist() == [0.0] * 3


@relaxed
@given(parts)
def test_running_statistics_are_those_of_everything_seen(batches):
    rule = RunningNormalise(epsilon=0.0)
    state = rule.init()
    seen: list[float] = []
    for batch in batches:
        before = dict(state)
        out, after = rule(tensor(batch), state)
        assert state == before, "the state that was given is not changed"
        state, seen = after, seen + batch
        assert state["count"] == len(seen)
        assert state["mean"] == pytest.approx(np.mean(seen), abs=1e-9)
        assert state["M2"] == pytest.approx(np.var(seen) * len(seen), rel=1e-9, abs=1e-7)
        if np.std(seen) > 1e-3:
            np.testing.assert_allclose(out.numpy(), (np.array(batch) - np.mean(seen)) / np.std(seen), rtol=1e-6, atol=1e-6)


@relaxed
@given(rewards, rewards, rewards)
def test_merging_is_associative_and_knows_nothing_of_order(a, b, c):
    a, b, c = (moments(tensor(x)) for x in (a, b, c))
    for one, other in ((merge(merge(a, b), c), merge(a, merge(b, c))), (merge(a, b), merge(b, a))):
        for key in one:
            assert one[key] == pytest.approx(other[key], rel=1e-9, abs=1e-6)
    assert merge({"count": 0, "mean": 0.0, "M2": 0.0}, a) == pytest.approx(a)


def test_large_means_do_not_lose_the_deviation():
    state = RunningNormalise().init()
    for _ in range(1000):
        _, state = RunningNormalise()(tensor([1e8, 1e8 + 1]), state)
    assert state["M2"] / state["count"] == pytest.approx(0.25, rel=1e-6)


def test_clip_refuses_crossed_bounds():
    with pytest.raises(InputError, match=r"low 2\.0 may not exceed high 1\.0"):
        Clip(2.0, 1.0)
