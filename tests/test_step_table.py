"""A policy without memory: what it gives a sequence is the product over steps, and what is learned at a step holds after every prefix."""

import torch

from guerdon.exact.solvers.kl_regularised_optimum import KLRegularisedOptimum
from guerdon.models.finite.policy import load
from guerdon.models.finite.step_table import StepTable
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
