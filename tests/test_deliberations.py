"""Deliberations: how often looks are right, what is known after so many of them, and the chains that can be written."""

from dataclasses import replace

import pytest
import torch

from guerdon.errors import InputError
from guerdon.worlds.finite.deliberations import Deliberations

WORLD = Deliberations(seed=1)
MANY = WORLD.pairs(20000, seed=0)


def test_looks_and_impressions_are_for_the_truth_as_often_as_is_said():
    sign = 2 * MANY.truth - 1
    assert float((MANY.impression == sign).double().mean()) == pytest.approx(WORLD.agreement, abs=0.01)
    for kind, row in enumerate(WORLD.reliability):
        of = MANY.kind == kind
        for look, reliable in enumerate(row):
            word = MANY.evidence[of, look] * sign[of]
            assert float((word == 0).double().mean()) == pytest.approx(WORLD.unclear, abs=0.015)
            assert float((word[word != 0] > 0).double().mean()) == pytest.approx(reliable, abs=0.02)


def test_a_first_look_that_misleads_is_worth_as_much_as_one_that_is_right_as_often():
    by_hand = 0.25 * 0.5 + 0.75 * torch.tensor([0.85, 0.65], dtype=torch.float64)
    assert torch.allclose(WORLD.best(1), by_hand)
    assert WORLD.best(0).tolist() == [0.5, 0.5]


@pytest.mark.parametrize("looks", range(6))
def test_the_best_verdict_is_right_as_often_as_the_sum_says(looks):
    said = WORLD.posterior(MANY, looks)
    right = torch.where(said == 0.5, 0.5, (said > 0.5) == (MANY.truth == 1)).double()
    for kind in range(2):
        assert float(right[MANY.kind == kind].mean()) == pytest.approx(float(WORLD.best(looks)[kind]), abs=0.012)


def test_more_looks_reveal_more_and_the_second_kind_shows_late():
    best = torch.stack([WORLD.best(looks) for looks in range(6)])
    assert (best.diff(dim=0) > -1e-12).all()
    assert [[round(float(value), 2) for value in row] for row in best.T] == [
        [0.5, 0.76, 0.81, 0.82, 0.82, 0.83],
        [0.5, 0.61, 0.61, 0.68, 0.81, 0.92],
    ]


def test_the_posterior_is_calibrated_with_the_impression_too():
    said = WORLD.posterior(MANY, 5, impression=True)
    for low in (0.0, 0.2, 0.4, 0.6, 0.8):
        of = (said >= low) & (said < low + 0.2)
        assert float(MANY.truth[of].mean()) == pytest.approx(float(said[of].mean()), abs=0.03)


def test_vectors_are_codes_of_words_and_another_agreement_leaves_the_rest_as_it_was():
    clear = replace(WORLD, blur=0.0).pairs(50, seed=3)
    assert torch.equal(clear.seen, WORLD.codes()[clear.evidence])
    assert torch.allclose(WORLD.codes() @ WORLD.codes().T, torch.eye(3, dtype=torch.float64))
    here, there = WORLD.pairs(200, seed=3), replace(WORLD, agreement=0.25).pairs(300, seed=3)
    assert torch.equal(here.evidence, there.evidence[:200]) and torch.equal(here.seen, there.seen[:200])
    assert not torch.equal(here.impression, there.impression[:200])
    assert (WORLD.pairs(40, seed=3, kind=1).kind == 1).all()


def test_chains_are_all_words_of_all_lengths():
    words, length = WORLD.chains()
    assert words.shape == (sum(3**k for k in range(6)), 5)
    assert len({(tuple(row), n) for row, n in zip(words.tolist(), length.tolist(), strict=True)}) == len(words)
    assert not words[torch.arange(5) >= length.unsqueeze(-1)].any()


def test_kinds_have_as_many_looks():
    with pytest.raises(InputError, match="as many looks"):
        Deliberations(reliability=((0.6,), (0.6, 0.7)))
