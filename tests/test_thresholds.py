"""A share of the full reward is compared with a tolerance, wherever rewards meet a threshold."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from guerdon.credit.advantages.signed_weight import SignedWeight
from guerdon.data.curation.rejection_sampling import RejectionSampling
from guerdon.feedback.combining.gate import Gate
from guerdon.feedback.combining.weigh import Weigh
from guerdon.interfaces.report.figures import accuracy, right
from guerdon.thresholds import exceeds, reaches

FULL = 0.6 + 0.3 + 0.1  # 0.9999999999999999


def test_the_sum_of_the_weights_is_the_full_reward():
    assert FULL < 1.0 and reaches(FULL, 1.0) and not exceeds(FULL, 1.0)
    weighed = Weigh({"a": 0.6, "b": 0.3, "c": 0.1})({name: torch.ones(2, dtype=torch.float64) for name in "abc"})
    assert reaches(weighed, 1.0).all() and not (weighed >= 1.0).any()
    assert reaches(np.array([FULL, 0.9]), 1.0).tolist() == [True, False]
    assert not reaches(float("nan"), 1.0) and not exceeds(float("nan"), 1.0)


@given(st.lists(st.floats(0.01, 1), min_size=1, max_size=8), st.randoms())
def test_a_sum_reaches_itself_in_any_order_and_in_either_precision(weights, random):
    other = list(weights)
    random.shuffle(other)
    assert reaches(sum(other), sum(weights)) and not exceeds(sum(other), sum(weights))
    single = float(np.sum(np.array(other, dtype=np.float32)))
    assert reaches(single, sum(weights)) and not exceeds(single, sum(weights))
    assert not reaches(sum(weights) - 0.001, sum(weights)) and exceeds(sum(weights) + 0.001, sum(weights))


def test_rounding_grows_with_the_threshold_and_so_does_what_is_allowed():
    for threshold in (1e3, -1e3, 1e6):
        below, above = np.nextafter(np.float32(threshold), np.float32([-np.inf, np.inf]))
        assert reaches(below, threshold) and not exceeds(above, threshold)
        assert not reaches(threshold - 1e-5 * abs(threshold), threshold) and exceeds(threshold + 1e-5 * abs(threshold), threshold)
    assert not reaches(-1e-5, 0.0) and exceeds(1e-5, 0.0)


def test_whatever_compares_rewards_does_so():
    assert accuracy([FULL, 0.0]) and right([FULL, 1.0, 0.5]) == [1.0, 1.0, 0.0]
    assert not accuracy([1.5, 0.0]) and not accuracy([0.9, 0.0])
    row = {"prompt": "p", "completions": ["a", "b"], "scores": [FULL, 0.5]}
    assert [kept["completion"] for kept in RejectionSampling(keep=None, threshold=1.0)([row])] == ["a"]
    gated = Gate("right", threshold=1.0)(
        {"right": torch.tensor([FULL, 0.5], dtype=torch.float64), "style": torch.tensor([1.0, 1.0], dtype=torch.float64)}
    )
    assert gated.tolist() == pytest.approx([2.0, 0.5])
    noise = torch.tensor([0.1 + 0.2 - 0.3, 0.5], dtype=torch.float64)
    assert SignedWeight()(noise, torch.ones(2, 1, dtype=torch.bool))[:, 0].tolist() == pytest.approx([-1.0, 0.1])
