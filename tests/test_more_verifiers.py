"""Verifiers of what is asked by structure: queries, JSON, words, lengths; held to the functions that others have for them."""

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guerdon.catalogue import names_in
from guerdon.errors import InputError
from guerdon.feedback.adapters import adapt
from guerdon.feedback.fences import last_block
from guerdon.feedback.rewards.cosine_length import CosineLength
from guerdon.feedback.rewards.instructions import Instructions
from guerdon.feedback.rewards.json_schema import JSONSchema
from guerdon.feedback.rewards.math_equivalence import MathEquivalence
from guerdon.feedback.rewards.number_match import NumberMatch
from guerdon.feedback.rewards.sql import SQL, orders, same_rows
from guerdon.feedback.rewards.string_match import StringMatch
from guerdon.feedback.rewards.token_f1 import TokenF1, f1
from guerdon.feedback.running import RewardRunner
from guerdon.interfaces.configuration import _rewards, load

SHOP = """
CREATE TABLE staff (id INTEGER PRIMARY KEY, name TEXT, wage REAL, boss INTEGER);
INSERT INTO staff VALUES (1, 'Ada', 3000.0, NULL), (2, 'Bo', 2000.5, 1), (3, 'Cy', 2000.5, 1), (4, 'Di', NULL, 2);
"""
GOLD = "SELECT name FROM staff WHERE boss = 1"


def query(reward, text, gold=GOLD, database=SHOP):
    return reward(["q"], [text], answer=[gold], database=[database])[0]


@pytest.mark.parametrize(
    ("text", "gold", "reward"),
    [
        ("SELECT name FROM staff WHERE boss = 1", GOLD, 1.0),
        ("SELECT s.name AS who FROM staff s JOIN staff b ON s.boss = b.id WHERE b.name = 'Ada' ORDER BY 1 DESC", GOLD, 1.0),
        ("SELECT name FROM staff WHERE boss = 1 LIMIT 1", GOLD, 0.0),
        ("SELECT name, id FROM staff WHERE boss = 1", GOLD, 0.0),
        ("SELECT 'Bo' UNION ALL SELECT 'Bo'", GOLD, 0.0),
        ("SELECT name FROM staff ORDER BY name", "SELECT name FROM staff ORDER BY name DESC", 0.0),
        ("SELECT name FROM staff ORDER BY id DESC", "SELECT name FROM staff ORDER BY name DESC", 1.0),
        ("SELECT AVG(wage) FROM staff", "SELECT SUM(wage) / 3.0 FROM staff", 1.0),
        ("SELECT COUNT(*) FROM staff", "SELECT 4.0", 1.0),
        ("SELECT wage FROM staff WHERE id = 4", "SELECT NULL", 1.0),
        ("SELECT 0", "SELECT NULL", 0.0),
        ("SELECT '1'", "SELECT 1", 0.0),
        ("SELECT x'00'", "SELECT x'00'", 1.0),
        ("SELECT name FROM nowhere", GOLD, 0.0),
        ("", GOLD, 0.0),
        ("DELETE FROM staff", GOLD, 0.0),
        ("SELECT 1; SELECT 2", "SELECT 1", 0.0),
        ("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT COUNT(*) FROM c", "SELECT 1", 0.0),
        ("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c", "SELECT 1", 0.0),
        ("SELECT zeroblob(1000000000)", "SELECT 1", 0.0),
        ("SELECT load_extension('/usr/lib/x')", "SELECT NULL", 0.0),
        ("ATTACH '/etc/passwd' AS p", "SELECT 1", 0.0),
        ("SELECT 1", "SELECT oops FROM", None),
    ],
)
def test_a_query_is_right_if_it_finds_the_rows(text, gold, reward):
    assert query(SQL(seconds=1.0), text, gold) == reward


def test_what_one_query_did_to_the_database_no_other_sees():
    found = SQL(seconds=1.0, workers=1)(["q"] * 2, ["DELETE FROM staff RETURNING name", GOLD], answer=[GOLD] * 2, database=[SHOP] * 2)
    assert found == [0.0, 1.0]
    assert query(SQL(), GOLD, database="no script") is None and query(SQL(), GOLD, gold=None) is None


@pytest.mark.parametrize(
    ("text", "ordered"),
    [
        ("SELECT a FROM t ORDER BY a", True),
        ("SELECT a FROM (SELECT a FROM t ORDER BY a LIMIT 3)", False),
        ("SELECT RANK() OVER (ORDER BY a) FROM t", False),
        ("SELECT 'order by' FROM t -- order by", False),
        ("SELECT a FROM (SELECT 1) order\nby 1", True),
    ],
)
def test_whether_a_query_orders_its_rows(text, ordered):
    assert orders(text) is ordered


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.one_of(st.none(), st.integers(-9, 9), st.text("ab", max_size=2)), st.integers(0, 3)), max_size=6), st.randoms()
)
def test_rows_are_a_multiset_unless_they_are_ordered(rows, shuffled):
    rows = [list(row) for row in rows]
    other = rows[:]
    shuffled.shuffle(other)
    assert same_rows(rows, other, False, 1e-6) and same_rows(rows, rows, True, 1e-6)
    assert same_rows(rows, other, True, 1e-6) is (rows == other)
    if rows:
        assert not same_rows(rows, rows[1:], False, 1e-6) and not same_rows(rows, [*rows[1:], [5, 5]], False, 1e-6)


@pytest.mark.parametrize(
    ("text", "block"),
    [
        ("```python\na\n```\nthen\n```py\nb\n```", "b\n"),
        ("```\na\n```", "a\n"),
        ("```python\na\n```\n```text\nb\n```", "a\n"),
        ("```python\na\n```\n```python\nb", None),
        ("~~~python\n```\n~~~", "```\n"),
        ("a = 1", "a = 1"),
        ("", None),
        ("```text\na\n```", None),
        ("  ```Python\n  a\n  ```", "  a\n"),
        ("use `x`\n```python title=x\na\n```", "a\n"),
    ],
)
def test_the_last_block_of_code(text, block):
    assert (
        last_block(text, ("python", "py")) == (block.rstrip(" ") if block else block)
        or last_block(text, ("python", "py")).strip() == block.strip()
    )


@pytest.mark.parametrize(
    ("schema", "text", "reward"),
    [
        ({"type": "array", "items": {"type": "number"}, "minItems": 2}, "[1, 2.5]", 1.0),
        ({"type": "array", "items": {"type": "number"}, "minItems": 2}, "[1]", 0.0),
        ({"enum": ["a", None]}, "null", 1.0),
        ({"type": "number"}, "NaN", 0.0),
        ({"type": "object"}, '{"a": 1, "a": 2}', 0.0),
        ({"type": "object", "additionalProperties": False}, '{"a": 1}', 0.0),
        ({"$schema": "http://json-schema.org/draft-04/schema#", "type": "number", "exclusiveMinimum": True, "minimum": 1}, "1", 0.0),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"const": 3}}}, "3", 1.0),
        (True, "[" * 100_000, 0.0),
        (True, "<think>{}</think>1", 1.0),
        (True, "<think>1", 0.0),
        (True, "here: {}", 0.0),
    ],
)
def test_json_under_a_schema(schema, text, reward):
    assert JSONSchema()(["q"], [text], json_schema=[schema])[0] == reward
    assert JSONSchema(schema)(["q"], [text])[0] == reward


def test_a_pattern_that_hangs_costs_its_completion():
    with RewardRunner({"json": JSONSchema({"pattern": "^(a+)+$"})}, timeout=0.5) as runner:
        assert runner.score(["q"] * 2, ['"' + "a" * 50 + 'b"', '"aa"']).components["json"].tolist() == [0.0, 1.0]


@pytest.mark.parametrize(("schema", "says"), [({"type": "nothing"}, "none"), ("{", "no JSON"), (5, "an object, true or false")])
def test_a_schema_that_is_none_is_refused(schema, says):
    with pytest.raises(InputError, match=says):
        JSONSchema(schema)


@pytest.mark.parametrize(
    ("said", "gold", "value"),
    [
        ("the cat sat", "a cat", 2 / 3),
        ("Cat, cat! cat", "cat cat", 4 / 5),
        ("the", "a", 1.0),
        ("the", "cat", 0.0),
        ("U.S.A.", "usa", 1.0),
        ("it's 42", "its 42 %", 1.0),
        ("Theatre of an era", "theatre era", 4 / 5),
        ("nothing", "of it", 0.0),
    ],
)
def test_token_f1_counts_words_as_squad_does(said, gold, value):
    assert f1(said, gold) == f1(gold, said) == pytest.approx(value)
    assert TokenF1()(["q"], [said], answer=[[gold, "zzz"]])[0] == pytest.approx(value)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["the", "cat", "Cat", "sat,", "mat.", "42", "!"]), max_size=6).map(" ".join), st.randoms())
def test_token_f1_reads_no_order_and_is_one_of_itself(text, shuffled):
    words = text.split()
    shuffled.shuffle(words)
    assert f1(" ".join(words), text) == 1.0
    assert 0.0 <= f1(text, "the cat") <= 1.0


def test_cosine_length_is_trls():
    rewards = pytest.importorskip("trl.rewards")
    draw = random.Random(0)
    rows = [(draw.choice([r"\boxed{3}", r"\boxed{4}", "no idea"]), draw.randrange(1, 140)) for _ in range(12)]
    completions = [[{"role": "assistant", "content": text}] for text, _ in rows]
    ids = [[1] * length for _, length in rows]
    for settings_ in ({}, {"min_value_wrong": -3.0, "max_value_wrong": 0.0, "min_value_correct": 1.0, "max_value_correct": 2.0}):
        theirs = rewards.get_cosine_scaled_reward(100, **settings_)(completions, ["$3$"] * 12, ids)
        names = {
            "min_value_wrong": "wrong_short",
            "max_value_wrong": "wrong_long",
            "min_value_correct": "right_long",
            "max_value_correct": "right_short",
        }
        ours = CosineLength(100, **{names[name]: value for name, value in settings_.items()})
        assert ours(["q"] * 12, completions, completion_ids=ids, answer=["3"] * 12) == pytest.approx(theirs)


def test_an_answer_within_the_thinking_does_not_count_as_for_trl():
    rewards = pytest.importorskip("trl.rewards")
    texts = [
        r"<think>so \boxed{3}</think> It is \boxed{3}",
        r"<think>so \boxed{3}</think> It is \boxed{4}",
        r"<think>so \boxed{4}</think> It is \boxed{3}",
        r"<think>so \boxed{3}",
        r"<think>so \boxed{3}</think> I do not know",
    ]
    completions = [[{"role": "assistant", "content": text}] for text in texts]
    theirs = rewards.reasoning_accuracy_reward(completions, ["$3$"] * 5)
    assert MathEquivalence()(["q"] * 5, completions, answer=["3"] * 5) == theirs == [1.0, 0.0, 1.0, 0.0, 0.0]


def test_the_cosine_asks_for_the_columns_of_its_verifier():
    adapted = adapt(CosineLength(9, StringMatch()))
    assert adapted.missing([]) == ["answer", "completion_ids"] and adapted.missing(["answer", "completion_ids"]) == []
    with pytest.raises(InputError, match="completion_ids"):
        CosineLength(9, StringMatch())(["q"], ["a"], answer=["a"])


def test_they_are_named_in_a_configuration():
    text = "task: {part: reasoning_gym, name: countdown}\nmodel: {source: nowhere}\nreward:\n"
    text += (
        "  code: {part: code, partial: true, require_isolation: true}\n  rows: sql\n  json: {part: json_schema, schema: {type: object}}\n"
    )
    text += "  f1: token_f1\n  short: {part: cosine_length, max_length: 100, verifier: string_match}\n"
    functions = load(text).reward.functions
    assert functions["rows"] == SQL() and functions["short"] == CosineLength(100, StringMatch()) and functions["code"].partial


@pytest.mark.parametrize("name", ["accuracy_reward", "get_cosine_scaled_reward", "ifeval", "prime_code"])
def test_names_of_other_trainers_are_answered_and_what_is_answered_is_there(name):
    with pytest.raises(InputError, match=f"reward.x: {name} is .* here it is "):
        load(f"task: {{part: reasoning_gym, name: countdown}}\nmodel: {{source: nowhere}}\nreward: {{x: {name}}}\n")


def test_every_answer_to_a_name_names_a_part():
    for said in [*_rewards._TRL.values(), *_rewards._OTHERS.values()]:
        assert re.search(r"(?:part: )?(\w+)", said.replace("{part: ", "")).group(1) in names_in("feedback.rewards")


@pytest.mark.parametrize(
    ("said", "value"),
    [
        *(
            ("the area is 12 cm^2.", 12),
            ("12 cm²", 12),
            ("12 m2", 12),
            (r"12 $m^3$", 12),
            (r"12 \text{ m}^3", 12),
            ("it falls with 12 m/s^{-2}", 12),
        ),
        *(("12 (cm)**2", 12), ("x^2 = 9, so 12", 12), ("3^2", 9), ("so 2^{10}", 1024), ("1.2 x 10^3 m^2", 1200), ("q12", 12)),
    ],
)
def test_an_exponent_of_a_unit_or_a_letter_is_no_number(said, value):
    """The last number of "12 cm^2" was 2, which paid a gold answer of 2 and not one of 12."""
    golds = [str(value), "2", "3"]
    assert NumberMatch()(["q"] * 3, [said] * 3, answer=golds) == [1.0, 0.0, 0.0]


def test_a_whole_number_that_a_table_made_a_float_is_the_same_text():
    assert StringMatch()(["q"] * 4, ["18", "18", "5.5", "18"], answer=[18.0, 18, 5.5, [17.0, 18.0]]) == [1.0] * 4
    assert StringMatch()(["q"] * 2, ["18.0", "inf"], answer=["18", float("nan")]) == [0.0, None]


@pytest.mark.parametrize("reference", ["#/$defs/none", "http://example.com/other.json"])
def test_a_reference_that_leads_nowhere_is_refused_and_makes_no_answer_wrong(reference):
    with pytest.raises(InputError, match="which is not in it, and nothing is fetched"):
        JSONSchema({"$ref": reference})(["q"], ["[1]"])


def test_instructions_are_read_as_a_data_frame_writes_them():
    rows = {
        "instruction_id_list": ["['length_constraints:number_words']"] * 2,
        "kwargs": ["[{'relation': 'at least', 'num_words': 3, 'more': None}]"] * 2,
    }
    assert Instructions()(["q"] * 2, ["one two three", "one two"], **rows) == [1.0, 0.0]
    with pytest.raises(InputError, match="lists and dictionaries"):
        Instructions()(["q"], ["x"], instruction_id_list=["[punctuation"], kwargs=["[{}]"])
