"""Itemised answers: what is asked for, what is met, and a judge whose errors are as often as is said."""

import pytest
import torch

from guerdon.errors import InputError
from guerdon.worlds.finite.itemised_answers import ItemisedAnswers

WORLD = ItemisedAnswers(prompts=200, answers=8, seed=1)


def test_each_prompt_asks_for_some_of_the_criteria_and_gold_is_their_weighted_share():
    weights, met = WORLD.weights(), WORLD.met()
    assert sorted(weights[0].tolist()) == [0, 0, 0, 1, 2, 3]
    by_hand = sum(float(w) for w, m in zip(weights[5], met[5, 2], strict=True) if m) / 6
    assert WORLD.gold()[5, 2].item() == pytest.approx(by_hand)
    assert WORLD.worth(torch.ones_like(met)).unique().tolist() == [1.0]


def test_a_criterion_holds_as_often_as_a_normal_number_is_above_the_threshold():
    expected = float(1 - torch.distributions.Normal(0, 1).cdf(torch.tensor(WORLD.threshold)))
    assert float(WORLD.met().double().mean()) == pytest.approx(expected, abs=0.02)


def test_a_judge_is_right_as_often_as_it_is_said_and_systematic_errors_come_back():
    said = WORLD.verdicts(0.8, 0.5, 2, seed=0)
    wrong = said != WORLD.met()
    assert float(wrong.double().mean()) == pytest.approx(0.2, abs=0.01)
    both = float((wrong[0] & wrong[1]).double().mean())  # a half are the same: 0.5 * 0.2 + 0.5 * 0.2^2
    assert both == pytest.approx(0.12, abs=0.01)
    assert torch.equal(WORLD.verdicts(0.8, 0.5, 1, seed=0), said[:1])
    assert torch.equal(WORLD.verdicts(1.0, 0.5, 1, seed=0)[0], WORLD.met())


def test_more_is_asked_for_than_there_is():
    with pytest.raises(InputError, match="asked"):
        ItemisedAnswers(asked=7)
