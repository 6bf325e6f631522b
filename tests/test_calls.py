"""Calls of tools: every format reads what it writes, whatever else is said; what cannot be read is told and never raises. Schemas of functions, and arguments checked by them."""

import json
import sys
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat_templates import FAMILIES, tokenizer
from guerdon.catalogue import catalogue
from guerdon.errors import InputError
from guerdon.tasks.call_format import call_format
from guerdon.tasks.calls import Call
from guerdon.tasks.calls.bare_json import BareJSON
from guerdon.tasks.calls.hermes import Hermes
from guerdon.tasks.calls.python_style import PythonStyle
from guerdon.tasks.calls.tagged import Tagged
from guerdon.tasks.schemas import checked, schema_of

FORMATS = [entry.part() for entry in catalogue() if entry.room == "tasks.calls"]
JSON_FORMATS = [part for part in FORMATS if not isinstance(part, Tagged)]
each_format = pytest.mark.parametrize("part", FORMATS, ids=lambda part: type(part).__name__)
PIECES = [
    *(
        "<tool_call>",
        "</tool_call>",
        '{"name": "f", "arguments": {}}',
        '{"name": "f", "parameters": {"x": 1}}',
        "[f(x=1)]",
        "[f(",
        "<|python_tag|>",
    ),
    *(
        "<search>",
        "</search>",
        "```python\n",
        "```\n",
        "```",
        "<think>",
        "</think>",
        "\n",
        "\\",
        '"',
        "'",
        "{",
        "}",
        "[",
        "]",
        "(",
        ")",
        ";",
        ",",
        "é😀",
    ),
    *("<function=f>", "<parameter=x>", "</parameter>", "</function>", "[TOOL_CALLS]", "<arg_key>", "<arg_value>"),
]
pieces = st.lists(st.sampled_from(PIECES) | st.text(max_size=6), max_size=14).map("".join)
texts = st.text(max_size=12) | pieces
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
names = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True).filter(
    lambda name: name not in {"as", "if", "in", "is", "or", "and", "not", "for", "def", "del", "try"}
)
calls_of_json = st.lists(st.builds(Call, names, st.dictionaries(names, values, max_size=3)), min_size=1, max_size=3)
tagged_calls = st.lists(
    st.builds(lambda text: Call("search", {"query": text}), texts.map(lambda t: t.replace("</search>", "").strip()))
    | st.builds(lambda text: Call("python", {"code": text}), texts.map(str.strip)),
    min_size=1,
    max_size=3,
)


def plain(calls):
    return [(call.name, dict(call.arguments), call.error) for call in calls]


@pytest.mark.parametrize("part", JSON_FORMATS, ids=lambda part: type(part).__name__)
@settings(deadline=None, max_examples=200)
@given(calls=calls_of_json)
def test_reads_what_it_writes(part, calls):
    try:
        said = part.write(calls)
    except InputError:  # a name that is a word of Python
        return
    for text in (said, f"<think>[g(y=2)] {{}} <tool_call></think>\n{said}", f"{said}\n"):
        assert plain(part.read(text).calls) == plain(calls)
    assert plain(part.read(f"hm</think>\n{said}", opened=True).calls) == plain(calls)
    assert part.read(said.strip()).text == ""


@settings(deadline=None, max_examples=200)
@given(calls=tagged_calls)
def test_reads_the_tags_and_blocks_that_it_writes(calls):
    try:
        said = Tagged().write(calls)
    except InputError as error:
        assert "</search>" in str(error)
        return
    assert plain(Tagged().read(said).calls) == plain(calls)
    assert plain(Tagged().read(f"<think>a</think>Let me see.\n{said}\nSo.").calls) == plain(calls)


@each_format
@settings(deadline=None, max_examples=300)
@given(text=pieces, opened=st.booleans())
def test_no_text_raises(part, text, opened):
    found = part.read(text, opened)
    assert found.calls or found.text == text
    for call in found.calls:
        assert 0 <= call.start <= call.end <= len(text)
        assert not (call.error and call.arguments)
        json.dumps(dict(call.arguments), allow_nan=False).encode()


@each_format
@settings(deadline=None, max_examples=100)
@given(calls=calls_of_json, cut=st.integers(1, 200))
def test_a_call_that_was_cut_off_is_no_whole_one(part, calls, cut):
    try:
        said = part.write(calls[:1])
    except InputError:
        return
    found = part.read(said[: max(len(said) - cut, 0)])
    whole = plain(calls[:1])
    assert plain(found.calls) in ([], whole) or all(call.error for call in found.calls)


@each_format
def test_a_call_in_a_thought_does_not_count(part):
    (said,) = {"Tagged": ["<search>x</search>"]}.get(type(part).__name__) or [part.write([Call("f", {"x": "1"})])]
    for text, opened in (
        (f"<think>{said}</think>No.", False),
        (f"{said}</think>No.", False),
        (f"{said}</think>No.", True),
        (f"{said} and", True),
        (f"<think>{said}", False),
    ):
        assert part.read(text, opened).calls == () and part.read(text, opened).text == text
    assert len(part.read(f"{said}</think>{said}", True).calls) == 1


@pytest.mark.parametrize(
    ("part", "text", "error"),
    [
        (Hermes(), '<tool_call>{"name": "f", "arguments": {"x": 1}', "ends too soon"),
        (Hermes(), "<tool_call>f(1)</tool_call>", "no JSON"),
        (Hermes(), '<tool_call>{"name": "f", "arguments": {"x": NaN}}</tool_call>', "NaN is no JSON"),
        (Hermes(), '<tool_call>{"name": "f", "name": "g"}</tool_call>', "twice"),
        (Hermes(), '<tool_call>{"arguments": {}}</tool_call>', "names no tool"),
        (Hermes(), '<tool_call>{"name": "f", "parameters": {}}</tool_call>', "'parameters' too"),
        (Hermes(), '<tool_call>{"name": "f", "arguments": "{}"}</tool_call>', "not a text"),
        (Hermes(), '<tool_call>[{"name": "f"}]</tool_call>', "not a list"),
        (Hermes(), '<tool_call>{"name": "f"} so', "not closed"),
        (Hermes(), '<tool_call>{"name": "f", "arguments": {"x": "a\nb"}}</tool_call>', "line break in a string as \\n"),
        (Hermes(), '<tool_call>{"name": "f", "arguments": {"x": "\\ud800"}}</tool_call>', "half of a character"),
        (Hermes(), "<tool_call>" + '{"a":' * 100_000, "nested too deeply"),
        (Hermes(), '<tool_call>{"name": "f", "arguments": {"x": ' + "1" * 5000 + "}}</tool_call>", "digits"),
        (BareJSON(), '{"name": "f", "parameters": ', "ends too soon"),
        (BareJSON(), "<|python_tag|>print(1)", "no JSON"),
        (BareJSON(), '{"name": "f", "parameters": {}, "arguments": {}}', "twice"),
        (PythonStyle(), "[f(x=1)", "not closed"),
        (PythonStyle(), "[f(1)]", "without its name"),
        (PythonStyle(), "[f(x=g())]", "no plain value"),
        (PythonStyle(), "[f(x=1, x=2)]", "x is given twice"),
        (PythonStyle(), "[f(**{'x': 1})]", "no plain value"),
        (PythonStyle(), "[f(x={1})]", "no plain value"),
        (PythonStyle(), "[f(x=1e999)]", "no plain value"),
        (PythonStyle(), "[f(x=1) for f in (1,)]", "no list of calls"),
        (PythonStyle(), "[f(x=1), 2]", "2 is no call"),
        (PythonStyle(), "[f(x=" + "(" * 5000 + ")" * 5000 + ")]", "no Python"),
        (PythonStyle(), "[f(x=" + "-" * 50_000 + "1)]", ""),
        (Tagged(), "<search>tides", "not closed"),
        (Tagged(), "```python\n1", "not closed"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else type(value).__name__,
)
def test_what_cannot_be_read_is_told(part, text, error):
    calls = part.read(text).calls
    assert any(call.error and error in call.error for call in calls), calls


@pytest.mark.parametrize(
    ("part", "text"),
    [
        (Hermes(), "the tag tool_call opens a call"),
        (BareJSON(), '{"age": 7}'),
        (BareJSON(), 'It is {"name": "f", "parameters": {}}'),
        (PythonStyle(), "[a link](http://x)"),
        (PythonStyle(), "as in [f(x=1)]"),
        (PythonStyle(), "[1, 2]"),
        (Tagged(), "use a search, or ```sql\nSELECT 1\n```"),
    ],
    ids=str,
)
def test_what_is_no_call_is_text(part, text):
    assert part.read(text).calls == () and part.read(text).text == text


def test_python_is_not_evaluated(tmp_path, monkeypatch):
    there = tmp_path / "made"
    PythonStyle().read(f"[f(x=open({str(there)!r}, 'w'))]")
    assert not there.exists()


def test_what_a_format_cannot_say_is_refused():
    with pytest.raises(InputError, match="a-b"):
        PythonStyle().write([Call("f", {"a-b": 1})])
    with pytest.raises(InputError, match="JSON"):
        Hermes().write([Call("f", {"x": float("nan")})])
    with pytest.raises(InputError, match="none of 'f' with x"):
        Tagged().write([Call("f", {"x": "1"})])
    with pytest.raises(InputError, match="as a tag or as a block"):
        Tagged({"python": "code"})


def test_results_are_told_in_the_templates_own_way_or_as_text():
    results = [{"role": "tool", "name": "search", "content": "The tides."}, {"role": "tool", "name": "python", "content": "4 ```"}]
    assert Hermes().told(results) is results
    assert Tagged().told(results) == "\n<result>The tides.</result>\n\n````output\n4 ```\n````\n"


WRITES = {"qwen 2.5": Hermes, "qwen 3": Hermes, "qwen 3, thinking": Hermes, "llama 3": BareJSON}


@pytest.mark.parametrize("name", FAMILIES)
def test_the_format_of_a_template_is_found_by_trying(name):
    assert type(call_format(tokenizer(FAMILIES[name]))) is WRITES.get(name, type(None))


def test_a_tokenizer_without_a_template_has_no_format():
    bare = tokenizer(FAMILIES["chatml"])
    template, bare.chat_template = bare.chat_template, None
    try:
        assert call_format(bare) is None
    finally:
        bare.chat_template = template


THEIRS = {"qwen2_5": Hermes, "qwen3": Hermes, "llama3_1": BareJSON, "llama3_2": BareJSON}


@pytest.mark.parametrize("name", THEIRS)
def test_the_format_of_a_published_template(name):
    import trl

    family = tokenizer(FAMILIES["llama 3" if name.startswith("llama") else "qwen 3"])
    own = family.chat_template
    family.chat_template = (Path(trl.__file__).parent / "chat_templates" / f"{name}.jinja").read_text()
    try:
        assert type(call_format(family)) is THEIRS[name]
    finally:
        family.chat_template = own


# Schemas


def add(a: int, b: float = 1.0) -> float:
    """Adds two numbers.

    Args:
        a: The first.
        b: The second.
    """
    return a + b


def paint(colour: Literal["red", "blue"], sizes: list[int], name: str | None = None, wet: bool = False):
    """Paints.

    Args:
        colour: Which.
        sizes: How large.
        name: Whose.
        wet: Whether it is.
    """


def test_the_schema_of_a_function():
    assert schema_of(add)["function"] == {
        "name": "add",
        "description": "Adds two numbers.",
        "parameters": {
            "type": "object",
            "properties": {"a": {"type": "integer", "description": "The first."}, "b": {"type": "number", "description": "The second."}},
            "required": ["a"],
        },
    }


def no_type(a):
    """Adds.

    Args:
        a: It.
    """


def no_docstring(a: int):
    return a


def no_line(a: int, b: int):
    """Adds.

    Args:
        a: It.
    """


def odd_type(a: int, b: Path):
    """Adds.

    Args:
        a: It.
        b: Where.
    """


def many(*numbers: int):
    """Adds.

    Args:
        numbers: They.
    """


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (no_type, "the parameter a of the tool no_type has no type"),
        (no_docstring, "the tool no_docstring has no docstring"),
        (no_line, "does not describe its parameter b"),
        (odd_type, "the type of the parameter b of the tool odd_type"),
        (many, r"takes \*numbers"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_function_that_says_too_little_is_refused(function, sentence):
    with pytest.raises(InputError, match=sentence):
        schema_of(function)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({}, "'a' is missing"),
        ({"a": "three"}, "a: 'three' is not of type 'integer'"),
        ({"a": 1.5}, "a: 1.5 is not of type 'integer'"),
        ({"a": True}, "a: True is not of type 'integer'"),
        ({"a": 1, "bb": 2}, "there is no argument 'bb': did you mean b?"),
        ({"a": 1, "b": "nan"}, "b: 'nan' is not of type 'number'"),
        ({"a": 1, "b": None}, "b: None is not of type 'number'"),
    ],
    ids=str,
)
def test_wrong_arguments_are_told(arguments, error):
    found = checked(arguments, schema_of(add))
    assert error in found.error and found.arguments == arguments and not found.converted


def test_a_text_that_spells_a_number_is_taken_for_it_and_said():
    found = checked({"a": " 3", "b": "2.5"}, schema_of(add))
    assert found.arguments == {"a": 3, "b": 2.5} and found.error == ""
    assert found.converted == ('a: " 3" was taken as 3', 'b: "2.5" was taken as 2.5')
    assert checked({"a": 3.0}, schema_of(add)).arguments == {"a": 3}
    painted = checked({"colour": "red", "sizes": [1], "name": None, "wet": "True"}, schema_of(paint))
    assert painted.error == "" and painted.arguments["wet"] is True and painted.arguments["name"] is None
    assert "'1' is not of type 'integer'" in checked({"colour": "red", "sizes": ["1"]}, schema_of(paint)).error
    assert "is not one of" in checked({"colour": "green", "sizes": []}, schema_of(paint)).error


def test_without_the_package_the_extra_is_named(monkeypatch):
    from guerdon.tasks import schemas

    monkeypatch.setitem(sys.modules, "jsonschema", None)
    schemas._validator.cache_clear()
    with pytest.raises(InputError, match=r"guerdon\[schema\]"):
        checked({"a": 1}, schema_of(add))
