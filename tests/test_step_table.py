"""A policy without memory: what it gives a sequence is the product over steps, and what is learned at a step holds after every prefix."""

import pytest
import torch

from guerdon.errors import InputError
from guerdon.exact.solvers.kl_regularised_optimum import KLRegularisedOptimum
from guerdon.models.finite.policy import load
from guerdon.models.finite.step_table import StepTable
from guerdon.models.finite.tied_table import TiedTable
from guerdon.worlds.finite.additive_tokens import AdditiveTokens

SPEC = StepTable(contexts=2, vocabulary=3, depth=3, deviation=1.0, seed=1)


def test_a_sequence_has_the_product_of_its_steps():
    policy = SPEC.build()
    steps = policy.module["steps"].log_softmax(-1)  # [C, depth, V]
    by_hand = steps[:, torch.arange(3), policy.tree.actions].sum(-1)
    torch.testing.assert_close(policy.log_probabilities(), by_hand)
    torch.testing.assert_close(policy.probabilities(1).sum(), torch.ones((), dtype=torch.float64))


def test_it_holds_the_optimum_of_rewards_that_add_up():
    world, reference = AdditiveTokens(contexts=2, vocabulary=3, depth=3, shared=False, seed=2), SPEC.build().reference()
    optimum = KLRegularisedOptimum(0.5)(world.rewards(), reference.log_probabilities().exp())["policy"]
    policy = SPEC.build()
    with torch.no_grad():
        policy.module["steps"].add_(world.weights() / 0.5)
    torch.testing.assert_close(policy.log_probabilities().exp().detach(), optimum)


def test_it_is_saved_as_the_whole_table(tmp_path):
    policy = SPEC.build()
    policy.save(tmp_path)
    torch.testing.assert_close(load(tmp_path).log_probabilities(), policy.log_probabilities())


def test_what_looks_alike_is_answered_alike_and_nothing_else_is():
    looks = (
        (0, 1, 2),
        (0, 2, 3),
    )  # two contexts over two steps of two actions: one root, and a prefix that one of them has in common with the other's other one
    policy = TiedTable(looks, vocabulary=2, depth=2, deviation=1.0, seed=5).build()
    before, frozen = policy.logits.detach().clone(), policy.reference()
    with torch.no_grad():
        policy.module["table"][2] += 1.0 * torch.tensor([1.0, 0.0], dtype=torch.float64)
    moved = (policy.logits.detach() - before).abs().amax(-1) > 0
    assert moved.tolist() == [[False, False, True], [False, True, False]]
    torch.testing.assert_close(policy.logits[0, 0], policy.logits[1, 0])
    torch.testing.assert_close(frozen.logits, before)
    with pytest.raises(InputError, match="3 numbers"):
        TiedTable(((0, 1),), vocabulary=2, depth=2).build()
