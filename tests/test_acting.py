"""Acting: samplers on exact policies, and choosers."""

from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from guerdon.acting.choosers.borda import Borda
from guerdon.acting.choosers.highest_score import HighestScore
from guerdon.acting.choosers.majority import Majority
from guerdon.acting.choosers.weighted_vote import WeightedVote
from guerdon.acting.samplers.beam import Beam
from guerdon.acting.samplers.best_of_n import BestOfN
from guerdon.acting.samplers.best_until import BestUntil
from guerdon.acting.samplers.group import Group
from guerdon.errors import InputError
from guerdon.models.finite.prefix_table import PrefixTable
from guerdon.models.finite.tabular import Tabular
from guerdon.models.language.small_language_model import SmallLanguageModel
from guerdon.parts import needs
from guerdon.sequences import Decoding
from guerdon.worlds.finite.random_tree import RandomTree

CHOOSERS = (HighestScore(), Majority(), WeightedVote(), Borda())
candidates = st.lists(st.tuples(st.sampled_from(["a", "b", "c", None]), st.integers(0, 5)), min_size=1, max_size=8)


def contexts(number):
    return [torch.tensor([i]) for i in range(number)]


def test_group_draws_each_prompt_as_often_as_asked_and_follows_the_seed():
    policy = PrefixTable(3, 3, 2, deviation=1.0).build()
    drawn = Group(4)(policy, contexts(3), Decoding(2), seed=0)
    assert drawn.context.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    torch.testing.assert_close(drawn.quantities["old_logp"], policy.measure(drawn, {"logp"})["logp"].detach())
    assert torch.equal(drawn.actions, Group(4)(policy, contexts(3), Decoding(2), seed=0).actions)
    assert not torch.equal(drawn.actions, Group(4)(policy, contexts(3), Decoding(2), seed=1).actions)
    assert len({tuple(row) for row in drawn.actions.tolist()}) > 3  # the sequences of a group are drawn independently


def test_best_of_n_keeps_the_best_of_the_group_it_would_have_drawn():
    world = RandomTree(contexts=3, vocabulary=3, depth=3, end=2)
    policy = world.policy(deviation=1.0).build()
    group = Group(5)(policy, contexts(3), Decoding(3), seed=7)
    kept = BestOfN(5)(policy, contexts(3), Decoding(3), seed=7, score=world.reward_of)
    best = world.reward_of(group).view(3, 5).max(-1)
    torch.testing.assert_close(kept.quantities["score"], best.values)
    for prompt in range(3):
        row = prompt * 5 + int(best.indices[prompt])
        n = int(group.length[row])
        assert int(kept.length[prompt]) == n and torch.equal(kept.actions[prompt, :n], group.actions[row, :n])
        assert torch.equal(kept.quantities["old_logp"][prompt, :n], group.quantities["old_logp"][row, :n])
    assert kept.context.tolist() == [0, 1, 2]


def test_best_until_stops_where_an_answer_is_good_enough_and_else_keeps_the_best_of_all_that_it_drew():
    world = RandomTree(contexts=6, vocabulary=3, depth=3, end=2)
    policy, seen = world.policy(deviation=1.0).build(), []

    def score(drawn):
        seen.append((drawn.context, drawn.length, world.reward_of(drawn)))
        return seen[-1][-1]

    for threshold in (-torch.inf, 0.8, torch.inf):
        seen.clear()
        found = BestUntil(threshold, n=2, rounds=3)(policy, contexts(6), Decoding(3), seed=1, score=score)
        torch.testing.assert_close(found.quantities["score"], world.reward_of(found))
        context, length, reward = (torch.cat(column) for column in zip(*seen, strict=True))
        for prompt in range(6):
            own = reward[context == prompt]
            assert (
                own.max() == found.quantities["score"][prompt]
                and length[context == prompt].sum() == found.quantities["drawn_tokens"][prompt]
            )
            assert (own[:-2] < threshold).all() and len(own) == (6 if (own.max() < threshold) else len(own))
        assert torch.equal(found.quantities["accepted"] > 0, found.quantities["score"] >= threshold)
        assert found.context.tolist() == list(range(6))


def test_best_of_n_says_that_it_needs_a_score_and_refuses_a_wrong_number():
    assert "score" in needs(BestOfN()) and "score" not in needs(Group())
    with pytest.raises(InputError, match="one number for each"):
        BestOfN(2)(Tabular(1, 2).build(), contexts(1), Decoding(1), 0, score=lambda s: torch.zeros(1))


def test_scores_that_do_not_apply_are_kept_only_where_all_are():
    policy = Tabular(1, 2).build()
    unknown = BestOfN(8)(policy, contexts(1), Decoding(1), 0, score=lambda s: torch.full((8,), torch.nan))
    assert unknown.quantities["score"].isnan().all()
    for seed in range(5):
        kept = BestOfN(8)(policy, contexts(1), Decoding(1), seed, score=lambda s: torch.where(s.actions[:, 0] == 0, torch.nan, -torch.inf))
        assert kept.actions.item() == 1  # the worst score there is still beats none


@pytest.mark.parametrize("end", [None, 2])
def test_a_beam_that_is_wide_enough_finds_the_most_likely_sequence(end):
    policy = PrefixTable(4, 3, 3, end=end, deviation=1.0, seed=3).build()
    found = Beam(width=9)(policy, contexts(4), Decoding(3), seed=0)
    likely = policy.log_probabilities().detach().max(-1)
    assert torch.equal(policy.tree.index(found.actions, found.length), likely.indices)
    torch.testing.assert_close(found.quantities["old_logp"].sum(-1), likely.values)
    assert torch.equal(found.quantities["terminated"], policy.tree.terminated(found.actions, found.length))


def test_a_beam_of_one_is_greedy_and_a_wider_one_likelier_also_in_a_language_model():
    policy = SmallLanguageModel("abc>", layers=1, hidden=16, heads=2, context_length=12).build(6)
    with torch.no_grad():
        policy.module.get_output_embeddings().weight.mul_(10)  # next steps that differ
    prompts = [torch.tensor(policy.tokenizer.encode(text, add_special_tokens=False)) for text in ("a>", "bca>", "cc>")]
    greedy = Group(1)(policy, prompts, Decoding(6, temperature=0.0), seed=0)
    narrow, wide = (Beam(width)(policy, prompts, Decoding(6), seed=0) for width in (1, 4))
    assert torch.equal(narrow.actions, greedy.actions) and torch.equal(narrow.quantities["terminated"], greedy.quantities["terminated"])
    logp = policy.measure(wide, {"logp"})["logp"].detach()
    torch.testing.assert_close(wide.quantities["old_logp"].float(), logp, rtol=1e-4, atol=1e-4)
    assert (logp.sum(-1) >= narrow.quantities["old_logp"].sum(-1) - 1e-4).all() and logp.sum() > narrow.quantities["old_logp"].sum() + 1e-3
    alone = Beam(4)(policy, prompts[1:2], Decoding(6), seed=0)
    assert alone.actions[0].tolist() == wide.actions[1, : alone.actions.shape[1]].tolist()


def test_a_beam_says_what_it_cannot_do():
    with pytest.raises(InputError, match="width"):
        Beam(width=0)
    with pytest.raises(InputError, match="top_k"):
        Beam()(Tabular(1, 2).build(), contexts(1), Decoding(1, top_k=1), seed=0)


@settings(deadline=None)
@given(candidates)
def test_choosers_keep_their_word(rows):
    answers, scores = [a for a, _ in rows], [float(s) for _, s in rows]
    for chooser in CHOOSERS:
        k = chooser(answers, scores)
        assert 0 <= k < len(rows)
        assert answers[k] is not None or all(a is None for a in answers)
    answered = [i for i, a in enumerate(answers) if a is not None] or range(len(rows))
    best = HighestScore()(answers, scores)
    assert all(scores[i] < scores[best] or (scores[i] == scores[best] and i >= best) for i in answered)
    votes = Counter(answers[i] for i in answered)
    most = Majority()(answers, scores)
    assert votes[answers[most]] == max(votes.values()) and most == answers.index(answers[most])
    assert all(votes[answers[i]] < votes[answers[most]] for i in answered if i < most)
    weights = {a: sum(scores[i] for i in answered if answers[i] == a) for a in votes}
    heaviest = WeightedVote()(answers, scores)
    assert weights[answers[heaviest]] == max(weights.values()) and heaviest == answers.index(answers[heaviest])


@settings(deadline=None)
@given(candidates)
def test_equal_weights_make_the_vote_a_majority(rows):
    answers = [a for a, _ in rows]
    assert WeightedVote()(answers, [1.0] * len(answers)) == Majority()(answers, [1.0] * len(answers))


@settings(deadline=None)
@given(candidates)
def test_a_borda_vote_lies_between_the_majority_and_the_highest_score(rows):
    answers, scores = [a for a, _ in rows], [float(s) for _, s in rows]
    assert Borda(0.0)(answers, scores) == Majority()(answers, scores)
    assert answers[Borda(40.0)(answers, scores)] == answers[HighestScore()(answers, scores)]
    assert Borda()(answers, scores) == Borda()(answers, [10 * s**3 for s in scores])  # only the order counts


@pytest.mark.parametrize("chooser", CHOOSERS, ids=lambda c: type(c).__name__)
@pytest.mark.parametrize(("answers", "scores"), [([], []), (["a"], []), (["a"], [1.0, 2.0])])
def test_a_choice_needs_candidates_and_a_score_for_each(chooser, answers, scores):
    with pytest.raises(InputError, match="one score for each"):
        chooser(answers, scores)
