"""What rewards read out of a text: numbers as people write them, strings under their options, mathematics, forms, lengths, repetition."""

import pickle
import re
from collections import Counter
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trl.rewards import accuracy_reward, get_repetition_penalty_reward, get_soft_overlong_punishment

from guerdon.errors import InputError
from guerdon.feedback.rewards.format import Format
from guerdon.feedback.rewards.length import Length
from guerdon.feedback.rewards.math_equivalence import MathEquivalence
from guerdon.feedback.rewards.number_match import NumberMatch, gold_number, numbers_in
from guerdon.feedback.rewards.repetition import Repetition
from guerdon.feedback.rewards.scorer import CountOf, Scorer
from guerdon.feedback.rewards.string_match import StringMatch
from guerdon.feedback.text import final_text, whole_text


def judge(reward, completion, answer):
    (value,) = reward(prompts=["q"], completions=[completion], answer=[answer])
    return value


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("She has 3,500 apples and $1,234.50.", ["3500", "1234.50"]),
        ("5-3=2", ["5", "3", "2"]),
        ("5 - 3 is 2, but 3 - 5 is -2", ["5", "3", "2", "3", "5", "-2"]),
        ("-$5 or $-5 or \u22125", ["-5", "-5", "-5"]),
        ("at 50% of 1{,}000 or 1\\,000", ["50", "1000", "1000"]),
        ("1,2,3", ["1", "2", "3"]),
        ("12,34", ["12", "34"]),
        ("1,234,567.", ["1234567"]),
        ("1,2345", ["1", "2345"]),
        (".5 and 0.5 and 3.", ["0.5", "0.5", "3"]),
        ("1e3 and 2.5E-2", ["1000", "0.025"]),
        ("(-7)", ["-7"]),
        ("72nd; \\boxed{18}", ["72", "18"]),
        ("no number", []),
        ("1e999999999999999999999", []),
    ],
)
def test_numbers_as_people_write_them(text, numbers):
    assert numbers_in(text) == [Decimal(n) for n in numbers]


@given(st.integers(-(10**12), 10**12), st.integers(0, 99))
def test_a_number_is_found_however_it_is_set(whole, cents):
    value = Decimal(f"{whole}.{cents:02}") if cents else Decimal(whole)
    for text in (f"{value:,}", f"{value}", f"${value:,}", f"So the answer is {value:,}.", f"= {value} apples"):
        assert numbers_in(text)[-1] == value
        assert judge(NumberMatch(), text, str(value)) == 1.0
        assert judge(NumberMatch(), text, str(value + 1)) == (0.0 if abs(value) < 10**6 else judge(NumberMatch(), text, str(value + 1)))


@pytest.mark.parametrize(
    ("gold", "number"),
    [
        ("18 - 25 = -7\n#### -7", "-7"),
        ("#### 1,450", "1450"),
        ("$1,450.00", "1450"),
        ("12 eggs", "12"),
        (72, "72"),
        (0.5, "0.5"),
        (None, None),
        (True, None),
        ("", None),
        ("many", None),
        ("1/2", None),
        ("3, 4", None),
        ("nothing ####", None),
    ],
)
def test_the_number_of_an_answer(gold, number):
    assert gold_number(gold) == (None if number is None else Decimal(number))
    if number is None:
        assert judge(NumberMatch(), "1/2 many 3, 4", gold) is None, "what cannot be judged is never right"


@pytest.mark.parametrize(
    ("marker", "completion", "value"),
    [
        ("####", "it is 72, that is #### 70", 0.0),
        ("####", "#### 1 then #### 72 of 80", 1.0),
        ("\\boxed{", "hence $\\boxed{72}$ of 80", 1.0),
        ("\\boxed{", "72", 0.0),
        ("Answer:", "Answer: none", 0.0),
        (None, "72 of 80", 0.0),
    ],
)
def test_markers(marker, completion, value):
    assert judge(NumberMatch(marker=marker), completion, 72) == value


def test_what_is_right_and_wrong_and_how_close_are_settings():
    assert judge(NumberMatch(right=2.0, wrong=-1.0), "3", 3) == 2.0
    assert judge(NumberMatch(right=2.0, wrong=-1.0), "", 3) == -1.0
    assert judge(NumberMatch(tolerance=0.0), "0.3333333", "0.33333333") == 0.0
    assert judge(NumberMatch(tolerance=0.01), "0.33", "0.3333") == 1.0


def test_messages_are_read_as_what_the_assistant_said():
    messages = [
        {"role": "assistant", "content": "I look it up.", "tool_calls": []},
        {"role": "tool", "content": "99"},
        {"role": "assistant", "content": [{"type": "text", "text": "It is "}, {"type": "text", "text": "72"}]},
    ]
    assert final_text(messages) == "It is 72" and whole_text(messages) == "I look it up.\nIt is 72"
    assert judge(NumberMatch(), messages, 72) == 1.0
    assert final_text([{"role": "assistant", "content": None}]) == "" and final_text([]) == ""
    with pytest.raises(InputError, match="a completion is a string or a list of messages"):
        final_text(3)


@given(st.text(max_size=40))
def test_a_string_matches_itself_or_has_no_form(text):
    reward = StringMatch()
    assert judge(reward, text, text) == (1.0 if reward.form(text) else None)


def test_strings_within_are_whole_words():
    assert judge(StringMatch(within=True), "the capital is New  York!", "new york") == 1.0
    assert judge(StringMatch(within=True), "anewyorker", "new york") == 0.0
    assert judge(StringMatch(), "x", "!!!") is None


@pytest.mark.parametrize(
    ("completion", "gold", "value"),
    [
        (r"so $\boxed{\frac{1}{3}}$", "1/3", 1.0),
        (r"so $\boxed{\frac{1}{3}}$", r"\frac{1}{3}", 1.0),
        (r"$\boxed{[0,1)}$", "[0,1)", 1.0),
        (r"$\boxed{[0,1]}$", "[0,1)", 0.0),
        (r"$\boxed{x^2-1}$", "(x-1)(x+1)", 1.0),
        (r"$\boxed{\sqrt{8}}$", r"2\sqrt{2}", 1.0),
        ("the answer is 72", "so it is 72\n#### 72", 1.0),
        ("the answer is 71", "#### 72", 0.0),
        ("", "72", 0.0),
        ("no idea", "no idea", None),
        ("", "", None),
        ("hello", "olleh", None),
        ("1", None, None),
        ("????", "????", None),
    ],
)
def test_mathematical_equivalence(completion, gold, value):
    assert judge(MathEquivalence(), completion, gold) == value


def test_an_unreadable_gold_is_an_input_error_if_asked():
    with pytest.raises(InputError, match="the answer 'no idea' of row 0 of the batch cannot be read as mathematics"):
        judge(MathEquivalence(strict=True), "no idea", "no idea")


@pytest.mark.parametrize("gold", ["$\\frac{1}{3}$", "$x+1$", "\\boxed{12}"])
@pytest.mark.parametrize("said", ["$\\boxed{\\frac{2}{6}}$", "$\\boxed{1+x}$", "$\\boxed{12}$", "none"])
def test_mathematical_equivalence_agrees_with_that_of_trl(said, gold):
    theirs = accuracy_reward([[{"role": "assistant", "content": said}]], [gold])
    assert MathEquivalence()(["q"], [said], answer=[gold]) == theirs


@given(st.text(alphabet="ab\n<>", max_size=12))
def test_formats_are_python_s_expressions_over_several_lines(text):
    pattern = "<a+>.*"
    assert Format(pattern)(["q"], [text]) == [float(bool(re.fullmatch(pattern, text, re.DOTALL)))]
    assert Format(pattern, full=False)(["q"], [text]) == [float(bool(re.search(pattern, text, re.DOTALL)))]


@given(st.lists(st.integers(0, 30), min_size=1, max_size=6), st.integers(1, 20), st.data())
def test_length_is_dapo_s(lengths, most, data):
    cache = data.draw(st.integers(1, most))
    ids = [[0] * n for n in lengths]
    assert Length(most, cache)(["q"] * len(ids), ["x"] * len(ids), completion_ids=ids) == get_soft_overlong_punishment(most, cache)(ids)
    assert Length(most, cache, "characters")(["q"] * len(ids), ["x" * n for n in lengths]) == get_soft_overlong_punishment(most, cache)(ids)


@given(st.lists(st.integers(0, 2), max_size=20), st.integers(1, 4))
def test_repetition_is_the_share_of_ngrams_said_before(ids, ngram):
    (value,) = Repetition(ngram, unit="tokens")(["q"], ["x"], completion_ids=[ids])
    assert value == pytest.approx(get_repetition_penalty_reward(ngram, -1.0)([ids])[0])
    grams = Counter(tuple(ids[i : i + ngram]) for i in range(len(ids) - ngram + 1))
    assert value == pytest.approx(-sum(n - 1 for n in grams.values()) / max(grams.total(), 1))
    (words,) = Repetition(ngram)(["q"], [" ".join(map(str, ids))])
    assert words == pytest.approx(value)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Format("("), "is no regular expression"),
        (lambda: Length(10, 11), "0 <= cache <= max_length"),
        (lambda: Length(10, 1, "words"), "tokens or characters"),
        (lambda: Repetition(0), "ngram >= 1"),
        (lambda: Repetition(2, unit="lines"), "words or tokens"),
        (lambda: Length(10, 1)(["q"], ["x"]), "pass it, or set unit=characters"),
        (lambda: Repetition(2, unit="tokens")(["q"], ["x"]), "pass it, or set unit=words"),
        (lambda: Scorer(3)(["q"], ["x"]), "cannot score"),
    ],
)
def test_impossible_settings_are_refused(make, says):
    with pytest.raises(InputError, match=says):
        make()


class Building:
    """A specification of a scorer that counts how often it is built."""

    built = 0

    def build(self):
        type(self).built += 1
        return CountOf("a")


def test_a_scorer_is_built_once_and_only_when_it_is_needed():
    reward = Scorer(Building())
    assert Building.built == 0
    assert reward(["q"], ["a b a"]) == [2.0] and reward(["q"], ["b"]) == [0.0]
    assert Building.built == 1
    again = pickle.loads(pickle.dumps(Scorer(CountOf("a"))))
    assert again == Scorer(CountOf("a")) and again(["q"], ["a"]) == [1.0]
    running = Scorer(CountOf("a"))
    running(["q"], ["a"])
    assert "_running" not in pickle.loads(pickle.dumps(running)).__dict__


@settings(deadline=None, max_examples=50)
@given(st.text(max_size=60), st.text(max_size=20))
def test_no_text_breaks_a_reward(completion, answer):
    for reward in (NumberMatch(), StringMatch(), StringMatch(within=True)):
        assert judge(reward, completion, answer) in (0.0, 1.0, None)


@pytest.mark.parametrize("missing", [None, float("nan"), {"value": 5}, {"a": "5"}, [{"a": "5"}], [None], [float("nan")]])
@pytest.mark.parametrize("said", ["None", "nan", "5", "{'value': 5}"])
def test_a_missing_answer_is_none_that_could_be_spelt_out(missing, said):
    assert StringMatch()(["q"], [said], answer=[missing]) == [None]
    assert NumberMatch()(["q"], [said], answer=[missing]) == [None]
    assert MathEquivalence().judge(["q"], [said], answer=[missing]) == [None]
    assert StringMatch()(["q"], ["None"], answer=[["5", None]]) == [0.0]
    assert StringMatch()(["q"], ["5"], answer=[np.array([6, 7])]) == [0.0]


@pytest.mark.parametrize(
    ("gold", "verdict"),
    [
        (5, 1.0),
        (Decimal("5.0"), 1.0),
        (np.float64(5), 1.0),
        (np.array([5]), 1.0),
        (["5"], 1.0),
        ([5, 6], 0.0),
        (np.array([5, 6]), 0.0),
        (True, None),
        (b"5", None),
        ({5}, None),
        (10**5000, None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_no_text_and_no_number_is_no_answer_in_mathematics(gold, verdict):
    assert MathEquivalence().judge(["q"], [r"\boxed{5}"], answer=[gold]) == [verdict]
