"""What a reward model is tested with: edits, styles, and the figures of published benchmarks, against their authors' and against what must hold of any input."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guerdon.catalogue import catalogue
from guerdon.errors import InputError
from guerdon.evaluation.edits.changed_number import ChangedNumber
from guerdon.evaluation.edits.plain_markdown import PlainMarkdown
from guerdon.evaluation.edits.typographic_marks import TypographicMarks
from guerdon.evaluation.metrics.best_of_candidates import BestOfCandidates
from guerdon.evaluation.metrics.explained_by_style import ExplainedByStyle
from guerdon.evaluation.metrics.first_error_f1 import FirstErrorF1
from guerdon.evaluation.metrics.paired_correlation import PairedCorrelation
from guerdon.evaluation.metrics.ties_score import TiesScore

EDITS = [entry.part() for entry in catalogue() if entry.room == "evaluation.edits"]
STYLES = [entry.part() for entry in catalogue() if entry.room == "evaluation.styles"]
ASKED = [  # question, tied, scores, how many of them are right
    (0, False, [2.0, 1.0, 0.5], 1),
    (0, True, [2.0, 1.75, 1.0, 0.0], 2),
    (1, False, [0.25, 0.5], 1),
    (1, True, [3.0, 1.0, 0.5, 0.0], 2),
    (2, False, [4.0, 1.0], 1),
    (2, True, [1.0, 1.0, 1.5], 2),
    (3, False, [1.25, 1.0], 1),
    (3, True, [2.0, 1.5, 0.5], 2),
    (9, True, [5.0, 4.0, 0.5], 2),
]


def ties(asked):
    question, tied, score, count = zip(*asked, strict=True)
    right = [[i < n for i in range(len(s))] for s, n in zip(score, count, strict=True)]
    return {"score": score, "right": right, "question": question, "tied": tied}


def test_the_ties_score_is_that_of_its_authors():
    """0.611731523381535: ``process_single_model`` of allenai/reward-bench at 05a9005 on these scores, 2026-11-29."""
    found = TiesScore()(**ties(ASKED))
    assert found[0] == pytest.approx(0.611731523381535, abs=1e-12)
    assert found[1:5] == pytest.approx([0.75, 0.8, 0.5, 0.25])


def test_best_of_candidates_is_that_of_its_authors():
    """1, 1/2, 0: ``reroll_and_score_dataset`` of allenai/reward-bench at 05a9005 on these scores, 2026-11-29."""
    scores = [[1.0, 0, 0, 0], [2, 2, 1, 0], [0, 1, 0, 0]]
    assert BestOfCandidates()(scores, [[True, False, False, False]] * 3).tolist() == [1, 0.5, 0]
    constant = BestOfCandidates()([[0.0] * 4] * 5, [[True, False, False, False]] * 5)
    assert constant.mean() == 0.25  # who says nothing gets chance


@given(st.integers(-3, 3), st.floats(0.25, 4))
@settings(max_examples=30, deadline=None)
def test_neither_shift_nor_scale_of_scores_changes_the_ties_score(shift, scale):
    moved = [(q, t, [scale * x + shift for x in s], n) for q, t, s, n in ASKED]
    np.testing.assert_allclose(TiesScore()(**ties(moved)), TiesScore()(**ties(ASKED)), atol=1e-9)


def test_what_cannot_be_known_of_ties_is_not_said():
    found = TiesScore()(**ties([ASKED[0], ASKED[-1]]))
    assert math.isnan(found[0]) and found[1] == found[2] == 1
    with pytest.raises(InputError, match="some are right and some wrong"):
        TiesScore()(**ties([(0, True, [1.0, 2.0], 2)]))
    with pytest.raises(InputError, match="as many finite scores"):
        BestOfCandidates()([[1.0]], [[True, False]])


@given(st.lists(st.lists(st.floats(0, 1), min_size=1, max_size=4), min_size=2, max_size=8), st.floats(0, 1), st.data())
@settings(max_examples=50, deadline=None)
def test_first_error_f1_is_the_harmonic_mean_of_both_accuracies(probability, threshold, data):
    label = [data.draw(st.integers(-1, len(own) - 1)) for own in probability]
    wrong, right, f1 = FirstErrorF1(threshold)(probability, label)
    hit = []
    for own, at in zip(probability, label, strict=True):
        below = [i for i, p in enumerate(own) if p < threshold]
        hit.append((below[0] if below else -1) == at)
    for kind, got in ((True, wrong), (False, right)):
        of = [h for h, at in zip(hit, label, strict=True) if (at >= 0) == kind]
        assert math.isnan(got) if not of else got == pytest.approx(sum(of) / len(of))
    if not math.isnan(wrong + right):
        assert f1 == pytest.approx(0 if not wrong * right else 2 / (1 / wrong + 1 / right))
    # what is cut off behind the first error changes nothing
    cut = [own[: at + 1] if at >= 0 else own for own, at in zip(probability, label, strict=True)]
    np.testing.assert_array_equal(FirstErrorF1(threshold)(cut, label), [wrong, right, f1])


@given(st.lists(st.tuples(st.integers(-5, 5), st.integers(-5, 5)), min_size=1, max_size=9), st.data())
@settings(max_examples=50, deadline=None)
def test_who_is_called_first_changes_no_correlation(pairs, data):
    m, d = np.array(pairs, dtype=float).T
    sign = np.array([data.draw(st.sampled_from([-1, 1])) for _ in pairs])
    assert PairedCorrelation()(sign * m, sign * d) == pytest.approx(float(PairedCorrelation()(m, d)), nan_ok=True)
    found = ExplainedByStyle()(m, d[:, None])
    assert ExplainedByStyle()(sign * m, (sign * d)[:, None] * 7) == pytest.approx(float(found), nan_ok=True)
    if m.any() and d.any():  # with one style it is the squared cosine
        assert found == pytest.approx((m @ d) ** 2 / ((m @ m) * (d @ d)))


WORDS = st.text("ab. !?\n\"'*#-1290()`", max_size=40)


@given(st.lists(WORDS, max_size=4))
@settings(max_examples=150, deadline=None)
def test_every_edit_changes_each_answer_or_leaves_it_alone(answers):
    for edit in EDITS:
        found = edit(answers)
        assert len(found) == len(answers)
        for before, after in zip(answers, found, strict=True):
            assert after is None or (isinstance(after, str) and after != before and after.strip())
        assert edit(answers) == found  # and the same again
    for style in STYLES:
        assert style(answers).shape == (len(answers),) and (style(answers) >= 0).all()


def test_edits_say_whether_they_matter_and_there_are_both_kinds():
    assert {type(edit).__name__ for edit in EDITS if edit.matters} == {
        "Truncation",
        "OtherAnswer",
        "ShuffledSentences",
        "ChangedNumber",
        "Negation",
    }
    assert len([edit for edit in EDITS if not edit.matters]) >= 7


def test_harmless_edits_keep_the_words():
    text = "He said \"so\"... It's a \"(good)\" day -- 5 o'clock. 'Yes' is it."
    (marked,) = TypographicMarks()([text])
    assert marked == "He said “so”… It’s a “(good)” day – 5 o’clock. ‘Yes’ is it."
    (plain,) = PlainMarkdown()(["## Head\n\n1. **a** b\n2. __c__ 2**3**4"])
    assert plain == "Head\n\na b\nc 2**3**4" or plain == "Head\n\na b\nc 234"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("1,200 of 3.5", "1,200 of 3.6"),
        ("2 plus 2 is 4.", "2 plus 2 is 5."),
        ("1. first\n2. second is 9", "1. first\n2. second is 0"),
        ("7", "8"),
        ("version 1.2.3", "version 1.2.4"),
    ],
)
def test_the_last_number_changes(before, after):
    assert ChangedNumber()([before]) == [after]
