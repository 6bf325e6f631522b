"""Answers that several qualities make good: what is seen of them, what they are worth, and how they are compared."""

import pytest
import torch

from guerdon.errors import InputError
from guerdon.models.encoders.embedded import Embedded
from guerdon.models.encoders.vectors import Vectors
from guerdon.models.heads.gated_attributes import GatedAttributes
from guerdon.worlds.finite.rated_answers import RatedAnswers

WORLD = RatedAnswers(prompts=5, answers=4, seed=3)


def test_an_answer_is_seen_beside_its_prompt_and_verbosity_is_worth_nothing():
    features, prompt, answer = WORLD.features(), torch.tensor([2, 4]), torch.tensor([3, 0])
    assert features.shape == (25, 16)
    seen = features[WORLD.item(prompt, answer)]
    assert torch.equal(seen[:, :4], features[prompt][:, :4]) and torch.equal(seen[:, 4:], WORLD.vectors()[prompt, answer])
    assert not features[:5, 4:].any()
    assert torch.equal(WORLD.table((2, 4), (3, 0)), torch.tensor([[16, 13], [24, 21]]))
    weights, each = WORLD.weights(), WORLD.each_quality()
    torch.testing.assert_close(weights.sum(-1), torch.ones(5, dtype=torch.float64))
    assert each.shape == (5, 4, 4)
    torch.testing.assert_close(WORLD.rewards()[1, 2], 2 * (weights[1] * each[1, 2, :3]).sum())


def test_comparisons_are_of_different_answers_to_one_prompt_and_go_by_what_is_given():
    compared = WORLD.comparisons(400, 1, (0, 3), (1, 2, 3))
    assert set(compared[:, 0].tolist()) == {0, 3} and set(compared[:, 1:].flatten().tolist()) == {1, 2, 3}
    assert (compared[:, 1] != compared[:, 2]).all()
    assert torch.equal(compared[:50], WORLD.comparisons(50, 1, (0, 3), (1, 2, 3)))
    sure = torch.arange(4.0, dtype=torch.float64).expand(5, 4) * 100
    told = WORLD.comparisons(100, 1, range(5), range(4), reward=sure)
    assert (told[:, 1] > told[:, 2]).all()
    with pytest.raises(InputError, match="two answers or more"):
        RatedAnswers(answers=1)


def test_any_model_on_vectors_takes_it():
    model = Embedded(Vectors(WORLD), GatedAttributes(4, units=4, hidden=1)).build(0)
    said = model.measure(WORLD.everything((0, 2), range(4)), {"score", "mixture_logp"})
    assert said["score"].shape == (8,)
    assert torch.equal(said["mixture_logp"][0], said["mixture_logp"][3]) and not torch.equal(
        said["mixture_logp"][0], said["mixture_logp"][4]
    )
