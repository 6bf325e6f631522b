"""Solutions with steps: what is right, what comes out by luck, what prefixes are worth; and what the experiments of process rewards make of them."""

import itertools

import pytest
import torch
from torch.testing import assert_close

from guerdon.atlas.process_rewards._steps import Drawn, best_of, drawn, localised, rolled, taught, threshold_for, worths
from guerdon.errors import InputError
from guerdon.exact.solvers.best_of_n_distribution import BestOfNDistribution
from guerdon.feedback.aggregating.minimum import Minimum
from guerdon.losses.steps.step_cross_entropy import StepCrossEntropy
from guerdon.losses.steps.step_ranking import StepRanking
from guerdon.worlds.finite.solutions import ARITHMETIC, CONSISTENCY, NO_ERROR, Solutions

WORLD = Solutions(contexts=6, depth=5, seed=3)


def judged(world, problem, actions):
    """Errors of the steps and the outcome, by reading the solution as a person would."""
    operations = world.operations()[problem, : int(world.count[problem])].tolist()
    said, done, errors = int(world.truth()[problem, 0]), 0, []
    for action in actions:
        if action == world.answering:
            errors.append(NO_ERROR if done == len(operations) else CONSISTENCY)
            return errors, float(said == int(world.answer()[problem]))
        if action == world.idling:
            errors.append(NO_ERROR)
        elif done == len(operations):
            errors.append(CONSISTENCY)
            said = action
        else:
            right = (said + operations[done]) % world.values
            others = [(said + a) % world.values for a in operations]
            errors.append(NO_ERROR if action == right else CONSISTENCY if action in others else ARITHMETIC)
            said, done = action, done + 1
    return errors, 0.0


def test_every_step_of_every_solution_is_judged_as_a_reader_would():
    tree, errors, rewards, first = WORLD.tree, WORLD.along(WORLD.error()), WORLD.rewards(), WORLD.first_error()
    for problem, row in itertools.product(range(WORLD.contexts), range(0, tree.size, 7)):
        length = int(tree.length[row])
        expected, outcome = judged(WORLD, problem, tree.actions[row, :length].tolist())
        assert errors[problem, row, :length].tolist() == expected
        assert float(rewards[problem, row]) == outcome
        assert int(first[problem, row]) == next((t for t, e in enumerate(expected) if e), -1)


def test_both_kinds_of_error_and_right_answers_by_luck_are_there():
    policy = WORLD.start()
    chance, errors = policy.log_probabilities().detach().exp(), WORLD.along(WORLD.error())
    for kind in (ARITHMETIC, CONSISTENCY):
        assert float((chance * (errors == kind).any(-1)).sum(-1).mean()) > 0.1
    lucky, right = WORLD.lucky(policy), policy.expect(WORLD.rewards()).detach()
    assert (lucky > 0.03).all() and (lucky < 0.5 * right).all() and 0.4 < float(right.mean()) < 0.8
    assert float(WORLD.lucky(WORLD.start(luck=0.5)).mean()) > 1.5 * float(lucky.mean())
    without = WORLD.start(slip=0.0, hurry=0.0, luck=0.0, idle=0.0, deviation=0.0)
    assert_close(without.expect(WORLD.rewards()).detach(), torch.ones(6).double())
    assert_close(WORLD.lucky(without), torch.zeros(6).double())


def test_what_a_prefix_is_worth_is_what_its_sequences_are_worth():
    policy, rewards, tree = WORLD.start(), WORLD.rewards(), WORLD.tree
    v, q = WORLD.values_under(policy)
    chance, nodes = policy.log_probabilities().detach().exp(), tree.nodes(tree.actions)
    assert_close(v[:, 0], (chance * rewards).sum(-1))
    for node, step in ((0, 1), (3, WORLD.idling), (8, 2), (40, WORLD.answering)):
        through = ((nodes == node) & tree.mask).any(-1)
        if through.any():
            assert_close(v[:, node], (chance * rewards)[:, through].sum(-1) / chance[:, through].sum(-1))
        taken = ((nodes == node) & (tree.actions == step) & tree.mask).any(-1)
        if taken.any():
            assert_close(q[:, node, step], (chance * rewards)[:, taken].sum(-1) / chance[:, taken].sum(-1))
    tilted = WORLD.values_under(policy, WORLD.ends() * 3)[0]
    assert_close(tilted, 3 * v)


def test_problems_that_look_alike_ask_for_the_same_step():
    looks, right = WORLD.looks(), WORLD.right()
    number = right[..., : WORLD.values]
    for look in looks.unique().tolist():
        same = number[looks == look]
        assert (same == same[0]).all()


def test_features_tell_what_steps_are_and_mean_the_same_in_all_problems():
    seen, facts = WORLD.features(blur=0.0), WORLD.facts()
    flat, told = seen.flatten(0, 2), facts.flatten(0, 2)
    assert_close(flat @ torch.linalg.lstsq(flat, told).solution, told)
    assert not torch.equal(WORLD.features(blur=0.5), WORLD.features(blur=0.5, seed=1))
    with pytest.raises(InputError, match="at least 8"):
        WORLD.features(width=4)
    with pytest.raises(InputError, match="depth that holds"):
        Solutions(most=5, depth=5)


def test_words_are_counted():
    assert int(WORLD.cost()[(WORLD.tree.actions[:, :2] == torch.tensor([0, WORLD.answering])).all(-1).nonzero()[0, 0]]) == 5
    assert int(WORLD.cost().max()) == 15


# --- what experiments make of them


def test_a_head_learns_from_some_problems_which_steps_are_right_in_others():
    world = Solutions(seed=1)
    policy, right = world.start(), world.right()
    taught_on, asked = drawn(world, policy, range(16), 8, 1), drawn(world, policy, range(16, 24), 64, 2)
    label = taught_on.of(right.double())
    for loss in (StepCrossEntropy(), StepRanking()):
        scores = taught(world.features(), taught_on, label, loss)
        told = asked.of(scores)
        assert float(told[asked.mask & asked.of(right)].mean() - told[asked.mask & ~asked.of(right)].mean()) > 1.0
    first = asked.first(~asked.of(right))
    said = torch.sigmoid(asked.of(taught(world.features(), taught_on, label, StepCrossEntropy())))
    at = threshold_for(asked, said, first)
    assert localised(asked, said, first, at) > 0.7
    assert localised(asked, said, first, at) >= localised(asked, said, first, 0.5)
    assert best_of(asked, worths(asked, said, Minimum()), 8) > best_of(asked, torch.zeros(len(asked)).double(), 8) + 0.1


def test_labels_of_steps_that_are_not_judged_do_not_count():
    world = Solutions(contexts=4, seed=1)
    some = drawn(world, world.start(), range(4), 8, 1)
    label, judged = some.of(world.right().double()), torch.rand(some.mask.shape) < 0.5
    first = taught(world.features(), some, label, StepCrossEntropy(), steps=5, judged=judged)
    other = taught(world.features(), some, torch.where(judged, label, 0.37), StepCrossEntropy(), steps=5, judged=judged)
    assert torch.equal(first, other)
    assert not torch.equal(first, taught(world.features(), some, label, StepCrossEntropy(), steps=5))


def test_the_best_of_n_is_exact_over_all_sets_of_n():
    rng = torch.Generator().manual_seed(0)
    outcome, worth = torch.rand(14, generator=rng).double(), torch.randint(4, (14,), generator=rng).double()
    problem = torch.tensor([0] * 7 + [1] * 7)
    some = Drawn(problem, problem[:, None], problem[:, None], torch.ones(14, 1, dtype=torch.bool), outcome)
    found = []
    for own in (range(7), range(7, 14)):
        for chosen in itertools.combinations(own, 3):
            top = max(float(worth[i]) for i in chosen)
            best = [float(outcome[i]) for i in chosen if float(worth[i]) == top]
            found.append(sum(best) / len(best))
    assert best_of(some, worth, 3) == pytest.approx(sum(found) / len(found))
    assert best_of(some, worth, 1) == pytest.approx(float(outcome.mean()))


def test_a_large_pool_is_like_the_policy():
    world = Solutions(contexts=1, seed=1)
    policy = world.start()
    many = drawn(world, policy, [0], 6000, 0)
    v, q = world.values_under(policy)
    exact = BestOfNDistribution(4)(world.rewards()[0], policy.log_probabilities()[0].detach().exp())["reward"]
    assert best_of(many, many.outcome, 4) == pytest.approx(float(exact), abs=0.01)
    assert float(many.outcome.mean()) == pytest.approx(float(v[0, 0]), abs=0.02)
    assert float((rolled(many.of(q), 8, 0) - many.of(q)).mean()) == pytest.approx(0.0, abs=0.01)
    assert set((rolled(many.of(q), 4, 0) * 4).unique().tolist()) == {0.0, 1.0, 2.0, 3.0, 4.0}
