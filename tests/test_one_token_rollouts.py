"""One-token rollouts: the mean over draws is the expectation that the docstring states, on tables and on language models, whose logits can be had whole."""

import pytest
import torch

from guerdon.errors import InputError
from guerdon.losses.imitation.detached_likelihood import DetachedLikelihood
from guerdon.losses.imitation.one_token_rollout import OneTokenRollout
from guerdon.models.language.small_language_model import SmallLanguageModel
from guerdon.recipes.otr import recipe
from guerdon.sequences import Example, Sequences, Side
from guerdon.training.loops.fit import fit
from guerdon.training.recipe import Budget


def some_steps(rows: int = 3, steps: int = 4, actions: int = 5):
    rng = torch.Generator().manual_seed(0)
    logits = 1.5 * torch.randn(rows, steps, actions, dtype=torch.float64, generator=rng)
    mask = torch.ones(rows, steps, dtype=torch.bool)
    return logits.requires_grad_(), torch.randint(actions, (rows, steps), generator=rng), mask


def value_and_gradient(loss, logits):
    (gradient,) = torch.autograd.grad(loss.sum(), [logits])
    return loss.detach(), gradient


@pytest.mark.parametrize(("temperature", "wrong"), [(1.3, -0.1), (1.0, -0.5), (0.7, 0.3)])
def test_the_mean_over_draws_is_the_expectation(temperature, wrong):
    logits, action, mask = some_steps()
    drawn = value_and_gradient(OneTokenRollout(100_000, temperature, wrong)(logits, action, mask), logits)
    logp, q = logits.log_softmax(-1), (logits.detach() / temperature).softmax(-1)
    hit = torch.nn.functional.one_hot(action, 5)
    exact = value_and_gradient(-(q * (hit + wrong * (1 - hit)) * logp).sum(-1), logits)
    for mine, theirs in zip(drawn, exact, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=0.02)


def test_at_a_temperature_of_one_it_has_the_gradient_of_the_detached_likelihood():
    logits, action, mask = some_steps()
    drawn = value_and_gradient(OneTokenRollout(100_000, 1.0, -0.5)(logits, action, mask), logits)[1]
    logp = logits.log_softmax(-1).gather(-1, action.unsqueeze(-1)).squeeze(-1)
    torch.testing.assert_close(drawn, 1.5 * value_and_gradient(DetachedLikelihood()(logp), logits)[1], rtol=0, atol=0.02)


def test_steps_have_draws_of_their_own_and_each_is_independent_of_the_next():
    logits = torch.zeros(40, 1, 2, dtype=torch.float64) + torch.arange(40).view(-1, 1, 1) * torch.tensor([0.0, 1e-6])
    drawn = OneTokenRollout(draws=400)._drawn(logits.log_softmax(-1), torch.zeros(40, 1, 1, dtype=torch.long)).squeeze(1).double()
    assert 0.48 < drawn.mean() < 0.52
    assert len({tuple(row) for row in drawn.tolist()}) == 40
    centred = drawn - drawn.mean()
    assert abs(float((centred[:, 1:] * centred[:, :-1]).mean())) < 0.02
    assert abs(float((centred[1:] * centred[:-1]).mean())) < 0.02


@pytest.mark.parametrize("packed", [True, False])
def test_a_language_model_tells_its_logits_whole_with_gradients(packed):
    policy = SmallLanguageModel("abcd", layers=1, hidden=16, heads=2, context_length=16).build(0)
    if not packed:
        policy.unpacked_because = "the test says so"
    ids = policy.tokenizer("abca")["input_ids"][:4]
    actions = torch.tensor([ids[1:]])
    mask = torch.tensor([[True, False, True]])
    sequences = Sequences([torch.tensor(ids[:1])], torch.tensor([0]), actions, mask, torch.tensor([3]), temperature=0.7)
    found = policy.measure(sequences, {"logits", "logp"})
    whole = (policy.module(input_ids=torch.tensor([ids])).logits[0, :3] / 0.7).log_softmax(-1) * mask[0].unsqueeze(-1)
    torch.testing.assert_close(found["logits"][0], whole, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found["logits"].gather(-1, actions.unsqueeze(-1)).squeeze(-1) * mask, found["logp"], rtol=1e-4, atol=1e-5)
    mine = torch.autograd.grad(found["logits"].square().sum(), list(policy.module.parameters()))
    theirs = torch.autograd.grad(whole.square().sum(), list(policy.module.parameters()))
    for a, b in zip(mine, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-4)


def test_a_language_model_learns_demonstrations_by_its_recipe():
    policy = SmallLanguageModel("abcd", layers=1, hidden=16, heads=2, context_length=16).build(0)
    ids = tuple(policy.tokenizer("abcd")["input_ids"][:4])
    rows = [Example({"": Side(ids[:1], ids[1:], (True,) * 3)})] * 8
    quick = type(recipe)(recipe.terms, type(recipe.optimiser)(learning_rate=0.02))
    history = fit(policy, rows, quick, Budget(steps=25, batch_size=8)).history
    assert history[-1]["losses/one_token_rollout"] < 0.5 * history[1]["losses/one_token_rollout"] or history[-1]["loss"] < 0.05


@pytest.mark.parametrize("settings", [{"draws": 0}, {"temperature": 0.0}])
def test_what_cannot_be_drawn_is_refused(settings):
    with pytest.raises(InputError, match="one_token_rollout"):
        OneTokenRollout(**settings)
