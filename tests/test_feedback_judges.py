"""The simulated annotator: its probabilities in closed form, its limits, its slips, its bias and its patience."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from guerdon.errors import InputError, RunFailed
from guerdon.feedback.judges.function import Function
from guerdon.feedback.judges.simulated_annotator import SimulatedAnnotator
from guerdon.interfaces.cli import main
from guerdon.interfaces.configuration import from_tree

utilities = st.lists(st.floats(-5, 5), min_size=1, max_size=8)


@settings(deadline=None)
@given(utilities, st.floats(0, 20), st.floats(0, 1))
def test_probabilities_are_those_of_the_formula_and_of_swapped_pairs_the_rest(first, rationality, flip):
    annotator = SimulatedAnnotator(rationality, flip)
    a, b = torch.tensor(first, dtype=torch.float64), torch.tensor(first[::-1], dtype=torch.float64)
    got = annotator.probability(a, b)
    for p, x, y in zip(got.tolist(), a.tolist(), b.tolist(), strict=True):
        preferred = 1 / (1 + math.exp(-rationality * (x - y)))
        assert p == pytest.approx((1 - flip) * preferred + flip * (1 - preferred), abs=1e-12)
    torch.testing.assert_close(annotator.probability(b, a), 1 - got)


def test_a_very_rational_annotator_is_a_perfect_one():
    first, second = torch.tensor([1.0, 0.0, 0.3]), torch.tensor([0.0, 1.0, 0.3])
    perfect = SimulatedAnnotator(math.inf).probability(first, second)
    assert perfect.tolist() == [1.0, 0.0, 0.5]
    torch.testing.assert_close(SimulatedAnnotator(1e4).probability(first, second), perfect)
    assert SimulatedAnnotator(0.0).probability(first, second).tolist() == [0.5] * 3


@pytest.mark.parametrize(("rationality", "flip"), [(1.0, 0.0), (2.0, 0.1), (math.inf, 0.25)])
def test_verdicts_come_as_often_as_their_probability_says(rationality, flip):
    annotator = SimulatedAnnotator(rationality, flip)
    first, second = torch.full((4000,), 0.7), torch.zeros(4000)
    verdicts, state = annotator(first, second, 3, annotator.init())
    assert state == {"asked": 4000}
    p = annotator.probability(first[:1], second[:1]).item()
    assert binomtest(int(verdicts.sum()), 4000, p).pvalue > 1e-3


@settings(deadline=None)
@given(st.integers(0, 2**40), st.integers(0, 12), st.integers(0, 12))
def test_splitting_the_questions_changes_no_verdict_and_budgets_count_over_batches(seed, cut, budget):
    annotator = SimulatedAnnotator(budget=budget)
    first, second = torch.linspace(-1, 1, 12), torch.zeros(12)
    whole, spent = annotator(first, second, seed, annotator.init())
    head, state = annotator(first[:cut], second[:cut], seed, annotator.init())
    tail, state = annotator(first[cut:], second[cut:], seed, state)
    torch.testing.assert_close(torch.cat([head, tail]), whole, equal_nan=True)
    assert state == spent == {"asked": budget}
    assert whole.isnan().tolist() == [question >= budget for question in range(12)]


def test_another_seed_is_another_person_and_the_state_is_not_changed():
    annotator, state = SimulatedAnnotator(), {"asked": 0}
    zeros = torch.zeros(64)
    one, _ = annotator(zeros, zeros, 0, state)
    again, _ = annotator(zeros, zeros, 0, state)
    other, _ = annotator(zeros, zeros, 1, state)
    assert torch.equal(one, again) and not torch.equal(one, other) and state == {"asked": 0}


def test_bias_moves_the_odds_by_its_weight():
    annotator = SimulatedAnnotator(rationality=2.0, bias_weight=0.5)
    p = annotator.probability(torch.zeros(1), torch.zeros(1), torch.tensor([3.0]), torch.tensor([1.0]))
    assert p.item() == pytest.approx(1 / (1 + math.exp(-2.0)))
    with pytest.raises(InputError, match="needs first_bias"):
        annotator.probability(torch.zeros(1), torch.zeros(1))


@pytest.mark.parametrize("wrong", [{"rationality": -1.0}, {"rationality": math.nan}, {"flip": 1.5}, {"budget": -1}])
def test_impossible_people_are_refused(wrong):
    with pytest.raises(InputError):
        SimulatedAnnotator(**wrong)


def _raises(prompts, firsts, seconds):
    raise ConnectionError("the judge's server is away")


async def _later(prompts, firsts, seconds):
    return [1.0 if len(first) > len(second) else None for first, second in zip(firsts, seconds, strict=True)]


ODD_JUDGES = {
    "a number": (lambda *_: 1.0, InputError, "returned 1.0 for 2 pairs: it must return a list with a verdict for each"),
    "nothing": (lambda *_: None, InputError, "returned None for 2 pairs"),
    "a text": (lambda *_: "AB", InputError, "returned 'AB' for 2 pairs"),
    "letters": (lambda *_: ["A", "B"], InputError, "returned 'A': a verdict is the probability that the first is preferred, or None"),
    "pairs": (lambda *_: [(0.3, 0.7)] * 2, InputError, r"returned \(0.3, 0.7\): a verdict is the probability"),
    "points": (lambda *_: [7, 8], InputError, "returned 7: a verdict is the probability"),
    "too few": (lambda *_: [1.0], InputError, "returned 1 verdicts for 2 pairs"),
    "a failure": (
        _raises,
        RunFailed,
        r"the judge _raises raised ConnectionError: the judge's server is away \(test_feedback_judges.py, line",
    ),
    "another signature": (lambda prompts: [1.0], RunFailed, "raised TypeError"),
}


@pytest.mark.parametrize("name", ODD_JUDGES)
def test_what_a_judge_of_ones_own_does_wrong_gets_a_sentence(name):
    compare, kind, sentence = ODD_JUDGES[name]
    with pytest.raises(kind, match=sentence):
        Function(compare)(["p", "p"], ["aa", "b"], ["a", "cc"])


def test_a_judge_may_be_a_coroutine():
    verdict = Function(_later)(["p", "p"], ["aa", "b"], ["a", "cc"])
    assert verdict[0] == 1.0 and verdict[1].isnan()


def test_a_judge_that_is_not_there_is_called_a_judge(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text("def shorter(prompts, firsts, seconds):\n    return [1.0] * len(firsts)\n")
    with pytest.raises(InputError, match=r"unknown judge function in mine\.py 'shortr': did you mean shorter"):
        Function("mine.py:shortr")(["p"], ["a"], ["b"])
    with pytest.raises(InputError, match="to load a judge from"):
        Function("mime.py:shorter")(["p"], ["a"], ["b"])
    tree = {"recipe": {"base": "online_dpo", "judge": "mine.py:shorter"}}
    with pytest.raises(InputError, match=r"is no part.*a function is given to one: \{part: function, compare: mine\.py:shorter\}"):
        from_tree(tree)


def test_steps_without_a_verdict_are_said_at_the_end(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text("def undecided(prompts, firsts, seconds):\n    return [None] * len(firsts)\n")
    (tmp_path / "run.yaml").write_text(
        "model: {part: small_language_model, layers: 1, hidden: 16, heads: 2, context_length: 32}\n"
        "task: {part: sort_letters, length: 3, train_size: 32, test_size: 4}\n"
        "recipe: {base: online_dpo, judge: {part: function, compare: 'mine.py:undecided'}}\n"
        "decoding: {max_completion_length: 4}\nbudget: {steps: 2, batch_size: 2}\n"
    )
    assert main(["train", "run.yaml"]) == 0
    assert "2 of 2 steps had nothing to learn from" in capsys.readouterr().out
