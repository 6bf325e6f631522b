"""Verifiers judge as a person would: the table of decided cases, and any text at all in bounded time."""

import re
import time
from decimal import Decimal
from importlib.metadata import version

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from guerdon.feedback import apart
from guerdon.feedback.formulas import unreadable
from guerdon.feedback.rewards.format import Format
from guerdon.feedback.rewards.length import Length
from guerdon.feedback.rewards.math_equivalence import MathEquivalence
from guerdon.feedback.rewards.number_match import NumberMatch
from guerdon.feedback.rewards.repetition import Repetition
from guerdon.feedback.rewards.string_match import StringMatch
from guerdon.feedback.running import RewardRunner
from guerdon.feedback.spoken import spoken
from guerdon.feedback.verl import as_verl
from guerdon.models.language.character_tokenizer import build
from guerdon.tasks.encoding import Encoder
from guerdon.tasks.reasoning_gym_score import ReasoningGymScore
from guerdon.training.judging import TextScene
from verifier_table import AGREED, KINDS, MATH_VERIFY, ROWS, VERIFIERS, agreement

HERE = {"number": NumberMatch(), "string": StringMatch(), "within": StringMatch(within=True), "repetition": Repetition(2)}
APART = {"math": MathEquivalence(), "form": Format(r"<think>.*?</think>\s*<answer>.*?</answer>\s*")}
APART |= {name: ReasoningGymScore(name) for name in ("countdown", "puzzle24", "simple_integration", "spiral_matrix", "decimal_arithmetic")}


def test_the_table_is_large_and_balanced():
    rows = [row for _, rows in KINDS.values() for row in rows]
    assert len(rows) >= 300 and len({(row[0], str(row[1])) for row in rows}) > 0.95 * len(rows)
    right = sum(row[2] == 1 for row in rows) / len(rows)
    assert 0.4 < right < 0.65 and all(len(row[3]) > 3 for row in rows)


@pytest.mark.parametrize("verifier", VERIFIERS)
def test_every_row_of_the_table_is_judged_as_it_was_decided(verifier):
    rows = [row for row in ROWS if row[1] == verifier]
    found = VERIFIERS[verifier](["q"] * len(rows), [row[2] for row in rows], answer=[row[3] for row in rows])
    other = [
        f"{kind}: {said[:60]!r} for {gold!r} is {right} ({why}), not {value}"
        for (kind, _, said, gold, right, why), value in zip(rows, found, strict=True)
        if value != right
    ]
    assert not other, "\n".join(other)


def test_a_marked_gold_of_one_s_own_is_right_in_every_way_of_marking_it():
    for gold in ("7", "-3", "1/2", "x+1", r"\frac{3}{4}", "(1,2)", "3, 4"):
        texts = [
            f"\\boxed{{{gold}}}",
            f"<think>\\boxed{{0}}</think>\\boxed{{{gold}}}",
            f"#### {gold}",
            f"<answer>{gold}</answer>",
            gold,
            f"The answer is {gold}.",
        ]
        assert MathEquivalence()(["q"] * len(texts), texts, answer=[gold] * len(texts)) == [1.0] * len(texts), gold


def test_a_prompt_that_opens_the_thinking_has_no_answer_before_it_is_closed():
    texts = ["I guess \\boxed{5}", "I guess \\boxed{4}</think>\\boxed{5}"]
    for reward in (MathEquivalence(), NumberMatch()):
        assert reward(["What? <think>\n"] * 2, texts, answer=["5"] * 2) == [0.0, 1.0]
        assert reward(["What?"] * 2, texts, answer=["5"] * 2) == [1.0, 1.0]


@pytest.mark.parametrize(("thinks", "rewards"), [(True, [0.0, 1.0, 0.0]), (False, [1.0, 1.0, 1.0])])
def test_a_template_that_opens_the_thinking_makes_a_cut_off_completion_no_answer(thinks, rewards):
    tokenizer = build("0123456789<>/abcdefghijklmnopqrstuvwxyz ?")
    opening = "{% if enable_thinking %}<think>{% endif %}"
    tokenizer.chat_template = (
        "{% for m in messages %}{{ m['content'] }}{% endfor %}{% if add_generation_prompt %}" + opening + "{% endif %}"
    )
    scene = TextScene(Encoder(tokenizer, 64), RewardRunner({"number": NumberMatch(), "math": MathEquivalence()}))
    row = {"prompt": [{"role": "user", "content": "what is 2 and 3?"}], "answer": "5", "chat_template_kwargs": {"enable_thinking": thinks}}
    said = ["maybe 5", "maybe 4</think>5", "5 or</think><think>5"]
    if not thinks:
        said = ["maybe 5", "so 5", "5"]
    completions = [scene.completion(row, tokenizer.encode(text, add_special_tokens=False)) for text in said]
    assert [message["content"] for (message,) in completions] == said
    scored = scene.rewards.score([row["prompt"]] * 3, completions, {"answer": ["5"] * 3})
    assert scored.components["number"].tolist() == scored.components["math"].tolist() == rewards
    scene.close()


def test_other_trainers_get_the_verdict_too():
    """TRL calls a reward on messages, verl on one solution: nothing that is said is executed there either, and what breaks a verifier is wrong."""
    said = [[{"role": "assistant", "content": text}] for text in ("\\boxed{1/2}", "\\boxed{9^{9^{9^9}}}", "<think>\\boxed{1/2}")]
    assert MathEquivalence()(prompts=[[]] * 3, completions=said, answer=["0.5"] * 3, completion_ids=[[1]] * 3, trainer_state=None) == [
        1.0,
        0.0,
        0.0,
    ]
    score = as_verl(ReasoningGymScore("countdown"))
    entry = {"metadata": {"numbers": [1, 2], "target": 3}, "prompt": "q"}
    assert [score("d", text, "1 + 2", entry)["score"] for text in ("2 + 1", "9**9**9**9", "open('x', 'w')")] == [1.0, 0.0, 0.0]


@pytest.mark.skipif(version("math-verify") != MATH_VERIFY, reason="the figures are of another version of math-verify")
def test_the_agreement_with_math_verify_is_what_is_stated():
    by_kind, disagreed = agreement()
    assert by_kind.keys() == AGREED.keys()
    assert all(abs(agreed - AGREED[kind]) <= 1 for kind, (agreed, _) in by_kind.items()), (
        "its time limits decide a row, on a machine that is busy"
    )
    assert sum(total for _, total in by_kind.values()) > 300 and all(len(why) > 3 for *_, why in disagreed)


ONES = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen
twenty thirty forty fifty sixty seventy eighty ninety"""
WORDS = dict(zip([*range(20), *range(20, 100, 10)], re.split(r"\s", ONES), strict=True))


def in_words(number: int) -> str:
    if number in WORDS:
        return WORDS[number]
    if number < 100:
        return f"{WORDS[number // 10 * 10]}-{WORDS[number % 10]}"
    name, size = next((name, size) for name, size in (("million", 10**6), ("thousand", 1000), ("hundred", 100)) if number >= size)
    rest = number % size
    return f"{in_words(number // size)} {name}" + (f" {'and ' * (rest < 100)}{in_words(rest)}" if rest else "")


@given(st.integers(0, 999) | st.integers(0, 999).map(lambda n: 1000 * n + 7) | st.integers(1, 10**9 - 1))
@example(999_999_999)
@settings(max_examples=80, deadline=None)
def test_a_number_in_words_is_the_number(number):
    found = spoken(in_words(number))
    assert found is not None and found.value == number
    assert spoken(f"minus {in_words(number)}").value == -number


@pytest.mark.parametrize(
    ("words", "value"),
    [
        ("a hundred", 100),
        ("hundred", 100),
        ("a thousand and one", 1001),
        ("half", "0.5"),
        ("a quarter", "0.25"),
        ("three halves", "1.5"),
        ("negative three quarters", "-0.75"),
        ("one two", None),
        ("twenty eleven", None),
        ("twenty thirty", None),
        ("five hundred cats", None),
        ("a", None),
        ("", None),
    ],
)
def test_what_else_is_said_in_words(words, value):
    found = spoken(words)
    assert found is None if value is None else found.value == Decimal(value)


@pytest.mark.parametrize(
    ("text", "readable"),
    [
        ("9^{9^{9}}", False),
        ("9^(9^9)", False),
        ("2**9**9", False),
        ("9!!", False),
        ("2^{100000}", False),
        ("100000!", False),
        ("3 4", False),
        ("it is x", False),
        ("x^{2^{3}}", True),
        ("2^{10}", True),
        ("x_1 2", True),
    ],
)
def test_what_takes_too_long_or_is_no_formula_is_not_handed_to_the_parser(text, readable):
    assert unreadable(text) != readable


@pytest.mark.parametrize(
    ("said", "right"), [("x", 1.0), ("x + 10^{-13}", 1.0), ("x + 0.0001", 0.0), ("1.0001x", 0.0), ("x + \\frac{x^2}{10^5}", 0.0)]
)
def test_a_formula_that_is_nearly_the_gold_one_is_wrong(said, right):
    assert MathEquivalence().judge(["q"], [f"$\\boxed{{{said}}}$"], ["x"]) == [right]


def test_articles_are_dropped_in_either_case_where_case_is_kept():
    told = StringMatch(ignore_case=False, ignore_articles=True)
    assert told(["q"] * 3, ["The Eiffel Tower", "AN Eiffel Tower", "The eiffel tower"], answer=["Eiffel Tower"] * 3) == [1.0, 1.0, 0.0]


PIECES = r"9 ** ^ { } ( ) [ ] \boxed{ \frac{1} \sqrt ! $ \( \] , e999999 x = \cup \infty <think> </think> <answer> </answer> #### and or - . % \%"
PIECES += r" import __ lambda: ' \ \begin{pmatrix} \sum_{n=1}^{9} \int \text{ ~ & # 10**9 9^{9^{9}} \left( \binom{99}{9} \pm y'"
UNUSUAL = [" ", "\n", "\0", "\ud800", "\u202e", "\u200b", "\u2212", "\u00bd", "\u0665", "\uff15", "\U0001f600", "1" * 50, '"', "\u0301"]
pieces = st.sampled_from([*PIECES.split(" "), *UNUSUAL])
hostile = st.one_of(
    st.lists(pieces, max_size=30).map("".join),
    st.text(max_size=60),
    st.tuples(pieces, st.integers(1, 3000)).map(lambda drawn: drawn[0] * drawn[1]),
    st.lists(pieces, max_size=12).map(lambda drawn: "\\boxed{" + "".join(drawn) + "}"),
)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(hostile, st.one_of(hostile, st.sampled_from(["5", "1/2", "x+1"])))
def test_any_text_is_right_wrong_or_not_to_be_judged_in_bounded_time_here(completion, gold):
    for name, reward in HERE.items():
        begun = time.monotonic()
        (value,) = reward(["q"], [completion], answer=[gold])
        assert value in (0.0, 1.0, None) or name == "repetition"
        assert time.monotonic() - begun < 5.0


ROW = {"spiral_matrix": "1 2 3", "countdown": "1 + 2"}
METADATA = {"numbers": [1, 2], "target": 3, "variable": "x", "integrand": "2*x", "solution": "1 2 3", "difficulty": {}}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(hostile, min_size=1, max_size=6))
def test_any_text_is_right_wrong_or_not_to_be_judged_in_bounded_time_apart(completions):
    count = len(completions)
    columns = {"prompts": ["q"] * count, "completions": completions, "answer": ["5"] * count, "metadata": [METADATA] * count}
    for name, reward in APART.items():
        begun = time.monotonic()
        values = apart.judge_apart(reward, 1.0, **columns)
        assert len(values) == count and all(value is None or 0.0 <= value <= 1.0 for value in values), name
        assert time.monotonic() - begun < 3.0 * count + 60.0  # a process may have to start


@pytest.mark.parametrize(
    "letter", ["9", "(", "\\boxed{", "1,", "a.", "- ", "<think>", "\u200b", "$", "x^", "{", "1 ", "\n", "\u0301", "\U0001f600"]
)
def test_very_long_texts_take_time_that_grows_with_their_length(letter):
    took = []
    for size in (20_000, 160_000):
        text = letter * (size // len(letter))
        begun = time.process_time()
        for reward in HERE.values():
            reward(["q"], [text], answer=["5"])
        took.append(time.process_time() - begun)
    assert took[1] < 24 * took[0] + 0.5, "linear in the text: eight times as long"


def test_length_reads_any_text():
    assert Length(10, 2, unit="characters")(["q"] * 2, ["\ud800" * 11, ""]) == [-1.0, 0.0]
