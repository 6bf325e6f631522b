"""What is learned on one problem acts on others of its kind, and on no other; the best of a group against a plain loop."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from guerdon.credit.advantages.leave_one_out import LeaveOneOut
from guerdon.data.selection.best_of_group import BestOfGroup
from guerdon.losses.surrogates.reinforce import Reinforce
from guerdon.models.finite.policy import load
from guerdon.models.finite.shared_shift import SharedShift
from guerdon.sequences import Decoding
from guerdon.training.judging import FiniteScene
from guerdon.training.loops.improve import improve
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.worlds.finite.approaches import Approaches

WORLD = Approaches(contexts=8, kinds=2, vocabulary=2, depth=2, seed=1)
SPEC = SharedShift(contexts=8, kinds=2, vocabulary=2, depth=2, own=0.5, shared=1.0, seed=1)


def test_practice_carries_over_within_a_kind_only():
    policy, before = SPEC.build(), SPEC.build().log_probabilities().detach()
    recipe = Recipe((Term(Reinforce()),), AdamW(0.1), advantage=LeaveOneOut())
    improve(policy, FiniteScene(WORLD), [{"prompt": 0}, {"prompt": 2}], recipe, Budget(steps=5, batch_size=2), Decoding(2))
    moved = (policy.log_probabilities().detach() - before).abs().amax(-1) > 1e-6
    assert moved.tolist() == [True, False] * 4


def test_it_is_saved_as_the_whole_table(tmp_path):
    policy = SPEC.build()
    policy.save(tmp_path)
    torch.testing.assert_close(load(tmp_path).log_probabilities(), policy.log_probabilities())
    frozen = policy.reference()
    with torch.no_grad():
        policy.module["shared"].add_(torch.randn(policy.module["shared"].shape, dtype=torch.float64))
    torch.testing.assert_close(frozen.log_probabilities(), SPEC.build().log_probabilities())
    assert not torch.allclose(frozen.log_probabilities(), policy.log_probabilities())


def test_an_approach_works_on_the_share_of_problems_that_its_rate_says():
    world = Approaches(contexts=8000, kinds=2, vocabulary=3, depth=1, seed=4)
    share = world.rewards().unflatten(0, (4000, 2)).mean(0)  # problem x is of the kind x mod 2
    assert (share - world.rates()).abs().max() < 0.05 and not torch.allclose(world.rates()[0], world.rates()[1])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from([0.0, 1.0, 2.0, float("nan")])), min_size=1, max_size=12), st.integers(1, 3))
def test_best_of_group_is_what_a_loop_would_keep(rows, keep):
    group, reward = [g for g, _ in rows], [r for _, r in rows]
    kept = set()
    for member in set(group):
        own = [i for i, g in enumerate(group) if g == member and reward[i] == reward[i]]
        kept |= set(sorted(own, key=lambda i: -reward[i])[:keep])
    got = BestOfGroup(keep)(torch.tensor(reward), torch.tensor(group))
    assert set(got.nonzero().flatten().tolist()) == kept
