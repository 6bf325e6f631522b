"""Calls of tools: every format reads what it writes, whatever else is said; what cannot be read is told and never raises. Schemas of functions, and arguments checked by them."""

import copy
import json
import sys
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat_templates import FAMILIES, Family, only_words, tokenizer
from guerdon.catalogue import catalogue
from guerdon.errors import InputError
from guerdon.tasks.call_format import call_format
from guerdon.tasks.calls import Call
from guerdon.tasks.calls.bare_json import BareJSON
from guerdon.tasks.calls.deepseek import DeepSeek
from guerdon.tasks.calls.deepseek_dsml import DeepSeekDSML
from guerdon.tasks.calls.deepseek_fenced import DeepSeekFenced
from guerdon.tasks.calls.glm import GLM
from guerdon.tasks.calls.harmony import Harmony
from guerdon.tasks.calls.hermes import Hermes
from guerdon.tasks.calls.kimi import Kimi
from guerdon.tasks.calls.minimax import MiniMax
from guerdon.tasks.calls.mistral import Mistral
from guerdon.tasks.calls.mistral_list import MistralList
from guerdon.tasks.calls.python_style import PythonStyle
from guerdon.tasks.calls.qwen_coder import QwenCoder
from guerdon.tasks.calls.tagged import Tagged
from guerdon.tasks.encoding import Encoder
from guerdon.tasks.schemas import checked, schema_of
from guerdon.tasks.spelled import typed

FORMATS = [entry.part() for entry in catalogue() if entry.room == "tasks.calls"]
SPELLED = [part for part in FORMATS if isinstance(part, GLM | MiniMax | QwenCoder)]
JSON_FORMATS = [part for part in FORMATS if not isinstance(part, Tagged | GLM | MiniMax | QwenCoder)]
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
    *("<function=f>", "<parameter=x>", "</parameter>", "</function>", "[TOOL_CALLS]", "f[ARGS]", "[CALL_ID]", ' [{"name": "f"}'),
    *("<tool_call>f", "<arg_key>x</arg_key>", "<arg_key>", "<arg_value>", "</arg_value>"),
    *(
        "<｜tool▁calls▁begin｜>",
        "<｜tool▁call▁begin｜>",
        "f<｜tool▁sep｜>",
        "function<｜tool▁sep｜>f\n```json\n",
        "<｜tool▁call▁end｜>",
        "<｜tool▁calls▁end｜>",
    ),
    *("<|tool_calls_section_begin|>", "<|tool_call_begin|>functions.f:0", "<|tool_call_argument_begin|>", "<|tool_call_end|>"),
    *('<minimax:tool_call><invoke name="f">', '<invoke name="g">', '<parameter name="x">', "</invoke>", "</minimax:tool_call>"),
    *('<｜DSML｜function_calls><｜DSML｜invoke name="f">', '<｜DSML｜parameter name="x" string="false">', "</｜DSML｜parameter>"),
    *("</｜DSML｜invoke>", "</｜DSML｜function_calls>"),
    *("<|start|>assistant", "<|channel|>commentary", " to=functions.f", "<|message|>", "<|call|>", "<|end|>"),
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
@settings(deadline=None, max_examples=80)
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


def _kind(value):
    return {bool: "boolean", int: "integer", float: "number", list: "array", dict: "object", type(None): "null", str: "string"}[type(value)]


def _tools(calls):
    """Tools that want what these calls give."""
    for call in calls:
        properties = {name: {"type": _kind(value)} for name, value in call.arguments.items()}
        yield {"type": "function", "function": {"name": call.name, "parameters": {"type": "object", "properties": properties}}}


@pytest.mark.parametrize("part", SPELLED, ids=lambda part: type(part).__name__)
@settings(deadline=None, max_examples=80)
@given(calls=calls_of_json.filter(lambda calls: len({call.name for call in calls}) == len(calls)))
def test_reads_the_texts_that_it_writes_as_what_their_tools_want(part, calls):
    try:
        said = part.write(calls)
    except InputError as error:
        assert "cannot say the name" in str(error) or "which ends it" in str(error)
        return
    for text in (said, f"<think>{said}</think>\n{said}\n"):
        found = part.read(text).calls
        assert all(isinstance(value, str) for call in found for value in call.arguments.values())
        assert plain(typed(found, _tools(calls))) == [(c.name, {k.strip(): v for k, v in c.arguments.items()}, "") for c in calls]
    assert part.read(said).text == ""


@pytest.mark.parametrize(
    ("text", "schema", "value"),
    [
        ("3", {"type": "string"}, "3"),
        ("3", {"type": "integer"}, 3),
        (" 3\n", {"type": "number"}, 3),
        ("3.0", {"type": "integer"}, 3.0),
        ("NaN", {"type": "number"}, "NaN"),
        ("True", {"type": "boolean"}, True),
        ("True", {}, "True"),
        ("None", {"type": "integer", "nullable": True}, None),
        ("null", {"anyOf": [{"type": "string"}, {"type": "null"}]}, None),
        ("3", {"anyOf": [{"type": "string"}, {"type": "integer"}]}, "3"),
        ("[1, 2]", {"type": "array"}, [1, 2]),
        ("[1, 2", {"type": "array"}, "[1, 2"),
        ('{"a": 1}', {}, {"a": 1}),
        ("12", {}, "12"),
        ("2", {"enum": [1, 2]}, 2),
    ],
    ids=str,
)
def test_a_text_is_what_its_schema_says(text, schema, value):
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {"x": schema}}}}
    (call,) = typed([Call("f", {"x": text}, spelled=True)], [tool])
    assert call.arguments == {"x": value} and type(call.arguments["x"]) is type(value) and not call.spelled
    assert typed([Call("f", {"x": text})], [tool])[0].arguments == {"x": text}


@settings(deadline=None, max_examples=80)
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
@settings(deadline=None, max_examples=60)
@given(text=pieces, opened=st.booleans())
def test_no_text_raises(part, text, opened):
    found = part.read(text, opened)
    assert found.calls or found.text == text
    for call in found.calls:
        assert 0 <= call.start <= call.end <= len(text)
        assert not (call.error and call.arguments)
        json.dumps(dict(call.arguments), allow_nan=False).encode()


@each_format
@settings(deadline=None, max_examples=60)
@given(calls=calls_of_json, cut=st.integers(1, 200))
def test_a_call_that_was_cut_off_is_no_whole_one(part, calls, cut):
    try:
        said = part.write(calls[:1])
    except InputError:
        return
    found = part.read(said[: max(len(said) - cut, 0)])
    whole = plain(part.read(said).calls)  # where nothing is missing but what closes it
    assert plain(found.calls) in ([], whole) or all(call.error for call in found.calls)


@pytest.mark.parametrize("plainly", [True, False])
def test_json_that_was_cut_off_anywhere_reaches_to_the_end_of_the_turn(plainly):
    value = {"[TOOL_CALLS]": [True, False, None, -1.5, 1e-7, 1e20], "b": 'x\\u12ab" \u2603\n[TOOL_CALLS]f', "c": {"d": [{"e": None}]}}
    said = json.dumps(value, ensure_ascii=plainly)
    for cut in range(1, len(said)):
        (call,) = Mistral().read(f"[TOOL_CALLS]f[ARGS]{said[:cut]}").calls
        assert "ends too soon" in call.error and call.end == len("[TOOL_CALLS]f[ARGS]") + cut


@each_format
def test_a_call_within_a_string_of_a_call_that_was_cut_off_is_not_made(part):
    try:
        inner = part.write([Call("search", {}) if type(part).__name__ != "Tagged" else Call("search", {"query": "x"})])
        said = part.write([Call("python", {"code": inner}), Call("python", {"code": f"{inner}{inner}"})])
    except InputError:
        return  # the format says that it cannot hold it
    whole = plain(part.read(said).calls)
    for cut in range(len(said)):
        assert plain(call for call in part.read(said[:cut]).calls if not call.error) in (whole[:0], whole[:1], whole)


@pytest.mark.parametrize("part", [part for part in FORMATS if not isinstance(part, Harmony)], ids=lambda part: type(part).__name__)
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


def test_what_has_no_recipient_is_no_call_in_harmony():
    thought = "<|channel|>analysis<|message|>to=functions.f <tool_call>{}<|end|>"
    assert Harmony().read(thought).calls == () and Harmony().read(thought).text == thought
    said = f'{thought}<|start|>assistant to=functions.f<|channel|>analysis json<|message|>{{"x": 1}}'
    found = Harmony().read(said)
    assert plain(found.calls) == [("f", {"x": 1}, "")] and found.text == thought


def test_a_call_that_cannot_be_read_hides_no_other():
    broken = "[TOOL_CALLS]f[ARGS]{'x': 1}" + Mistral().write([Call("g")])
    assert [call.name for call in Mistral().read(broken).calls] == ["f", "g"]
    broken = (
        "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>f<｜tool▁sep｜>{x}<｜tool▁call▁end｜>"
        + DeepSeek().write([Call("g")])[len("<｜tool▁calls▁begin｜>") :]
    )
    assert [(call.name, bool(call.error)) for call in DeepSeek().read(broken).calls] == [("f", True), ("g", False)]
    broken = (
        "<|tool_calls_section_begin|><|tool_call_begin|>f<|tool_call_end|>"
        + Kimi().write([Call("g")])[len("<|tool_calls_section_begin|>") :]
    )
    assert [(call.name, bool(call.error)) for call in Kimi().read(broken).calls] == [("", True), ("g", False)]
    broken = MiniMax().write([Call("f", {"x": "1"}), Call("g")]).replace("</parameter>", "")
    assert [(call.name, bool(call.error)) for call in MiniMax().read(broken).calls] == [("f", True), ("g", False)]
    for part in SPELLED:
        said = part.write([Call("f", {"x": "1"})])
        broken = said.replace("</arg_value>", "").replace("</parameter>", "") + "\n" + said
        assert [(call.name, bool(call.error)) for call in part.read(broken).calls] == [("f", True), ("f", False)]


DSML = '<｜DSML｜function_calls><｜DSML｜invoke name="%s"><｜DSML｜parameter name="x" string="%s">%s</｜DSML｜parameter></｜DSML｜invoke>'


@pytest.mark.parametrize(
    ("part", "text", "error"),
    [
        (Mistral(), '[TOOL_CALLS][{"name": "f"}]', "names no tool"),
        (Mistral(), "[TOOL_CALLS]f[ARGS]3", "not a number"),
        (Mistral(), '[TOOL_CALLS]f[ARGS]{"x": 1', "ends too soon"),
        (MistralList(), '[TOOL_CALLS]f[ARGS]{"x": 1}', "stands no list"),
        (MistralList(), '[TOOL_CALLS] [{"name": "f"} so', "not closed"),
        (MistralList(), '[TOOL_CALLS] [{"name": "f", "parameters": {}}]', "'parameters' too"),
        (DeepSeek(), '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>f{"x": 1}<｜tool▁call▁end｜>', "cannot be read"),
        (DeepSeek(), '<｜tool▁call▁begin｜>f<｜tool▁sep｜>{"x": 1} so', "not closed"),
        (DeepSeek(), "<｜tool▁call▁begin｜><｜tool▁sep｜>{}<｜tool▁call▁end｜>", "names no tool"),
        (DeepSeekFenced(), '<｜tool▁call▁begin｜>f<｜tool▁sep｜>{"x": 1}<｜tool▁call▁end｜>', "cannot be read"),
        (DeepSeekFenced(), "<｜tool▁call▁begin｜>function<｜tool▁sep｜>f\n```json\n{'x': 1}\n```<｜tool▁call▁end｜>", "no JSON"),
        (DeepSeekFenced(), "<｜tool▁call▁begin｜>function<｜tool▁sep｜>f\n```json\n{}<｜tool▁call▁end｜>", "not closed"),
        (GLM(), "<tool_call>f\n<arg_key>x</arg_key>\n<arg_value>1</tool_call>", "'x' of the call is not closed"),
        (GLM(), '<tool_call>f\n{"x": 1}</tool_call>', "where an argument or its end has to stand"),
        (GLM(), "<tool_call></tool_call>", "names no tool"),
        (GLM(), "<tool_call>f", "has nothing where"),
        (GLM(), "<tool_call>f" + 2 * "<arg_key>x</arg_key><arg_value>1</arg_value>" + "</tool_call>", "given twice"),
        (QwenCoder(), '<tool_call>{"name": "f"}</tool_call>', "names no tool"),
        (QwenCoder(), "<tool_call><function=f><parameter=x>1</function></tool_call>", "'x' of the call is not closed"),
        (QwenCoder(), "<tool_call><function=f>x: 1</function></tool_call>", "has 'x: 1</function></too' where"),
        (QwenCoder(), "<tool_call><function=f></function> so", "not closed"),
        (Kimi(), '<|tool_call_begin|>functions.f:0{"x": 1}<|tool_call_end|>', "cannot be read"),
        (Kimi(), "<|tool_call_begin|>functions.:0<|tool_call_argument_begin|>{}<|tool_call_end|>", "names no tool"),
        (Kimi(), '<|tool_call_begin|>f<|tool_call_argument_begin|>{"x": 1} so', "not closed"),
        (MiniMax(), "<minimax:tool_call>\nf(1)", "names no tool"),
        (MiniMax(), '<minimax:tool_call><invoke name=" ">\n</invoke>', "names no tool"),
        (MiniMax(), '<minimax:tool_call><invoke name="f">x: 1</invoke>', "where an argument or its end has to stand"),
        (MiniMax(), '<minimax:tool_call><invoke name="f"><parameter name="x">1</invoke>', "'x' of the call is not closed"),
        (DeepSeekDSML(), DSML % ("f", "false", "yes"), "'x' is no JSON"),
        (DeepSeekDSML(), DSML % ("f", "false", "1 2"), "'x' is no JSON"),
        (DeepSeekDSML(), DSML % ("f", "maybe", "1"), "where an argument or its end has to stand"),
        (Harmony(), "<|channel|>commentary to=functions.f<|constrain|>json<|message|>f(1)<|call|>", "no JSON"),
        (Harmony(), "<|channel|>commentary to=functions.f", "has no arguments"),
        (Harmony(), "<|channel|>commentary to=<|message|>{}<|call|>", "names no tool"),
        (Harmony(), "<|channel|>commentary to=functions.f<|message|>{} so<|call|>", "not closed"),
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
        (Mistral(), "a token TOOL_CALLS"),
        (DeepSeek(), "<|tool calls|>"),
        (QwenCoder(), "the tag function=f"),
        (Kimi(), "a token tool_call_begin"),
        (MiniMax(), 'Say <invoke name="f">.'),
        (Harmony(), "Take it to=you, and then"),
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
    with pytest.raises(InputError, match="'a b'"):
        Mistral().write([Call("a b")])
    with pytest.raises(InputError, match="'a b'"):
        Harmony().write([Call("a b")])
    with pytest.raises(InputError, match="holds </parameter>"):
        QwenCoder().write([Call("f", {"x": "</parameter>"})])
    with pytest.raises(InputError, match="'f:0'"):
        Kimi().write([Call("f:0")])
    assert [call.name for call in DeepSeek().read(DeepSeek().write([Call("server:f")])).calls] == ["server:f"]
    with pytest.raises(InputError, match="holds </minimax:tool_call>"):
        MiniMax().write([Call("f", {"x": ["</minimax:tool_call>"]})])
    with pytest.raises(InputError, match="cannot say the name 'a<b'"):
        GLM().write([Call("f", {"a<b": "1"})])
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


THEIRS = {
    **{"qwen2_5": Hermes, "qwen3": Hermes, "llama3_1": BareJSON, "llama3_2": BareJSON, "deepseekv3": DeepSeekFenced, "glm4moe": GLM},
    **{"gptoss": Harmony, "qwen3_5_think": QwenCoder, "qwen3_6": QwenCoder, "nemotron_3_nano": QwenCoder},
}


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


# Templates by the rules of those that TRL does not bring

MISTRAL = """{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}[INST]{{ m.content }}[/INST]{% elif m.role == 'assistant' and m.tool_calls -%}
CALLS{{ eos_token }}{% elif m.role == 'assistant' %}{{ m.content }}{{ eos_token }}{% elif m.role == 'tool' -%}
{% if m.tool_call_id is undefined or m.tool_call_id | length != 9 %}{{ raise_exception('an id has nine letters') }}{% endif -%}
[TOOL_RESULTS]{{ m.tool_call_id }} {{ m.content }}[/TOOL_RESULTS]{% endif %}{% endfor %}"""
NAMED = "{% for c in m.tool_calls %}[TOOL_CALLS]{{ c.function.name }}[ARGS]{{ c.function.arguments | tojson }}{% endfor %}"
LISTED = """[TOOL_CALLS] [{% for c in m.tool_calls -%}
{"name": "{{ c.function.name }}", "arguments": {{ c.function.arguments | tojson }}, "id": "{{ c.id }}"}{% if not loop.last %}, {% endif %}{% endfor %}]"""
V31 = """{% for m in messages %}{% if m.role == 'user' %}<｜User｜>{{ m.content }}<｜Assistant｜></think>{% elif m.role == 'assistant' and m.tool_calls -%}
{{ m.content or '' }}<｜tool▁calls▁begin｜>{% for c in m.tool_calls -%}
<｜tool▁call▁begin｜>{{ c.function.name + '<｜tool▁sep｜>' + c.function.arguments }}<｜tool▁call▁end｜>{% endfor %}<｜tool▁calls▁end｜>{{ eos_token -}}
{% elif m.role == 'assistant' %}{{ m.content + eos_token }}{% else %}<｜tool▁output▁begin｜>{{ m.content }}<｜tool▁output▁end｜>{% endif %}{% endfor %}"""
KIMI = """{% for m in messages %}<|im_{{ m.role }}|>{% if m.role == 'tool' %}## Return of {{ m.tool_call_id }}\n{% endif %}{{ m.content or '' -}}
{% if m.tool_calls %}<|tool_calls_section_begin|>{% for c in m.tool_calls %}<|tool_call_begin|>{{ c.id }}<|tool_call_argument_begin|>{{ '' -}}
{{ c.function.arguments if c.function.arguments is string else c.function.arguments | tojson }}<|tool_call_end|>{% endfor %}<|tool_calls_section_end|>{% endif -%}
{{ eos_token }}{% endfor %}{% if add_generation_prompt %}<|im_assistant|>{% endif %}"""
M2 = """{% for m in messages %}]~b]{{ m.role }}
{{ m.content or '' }}{% if m.tool_calls %}{{ '\n<minimax:tool_call>\n' }}{% for c in m.tool_calls %}{{ '<invoke name="' + c.function.name + '">\n' -}}
{% for k, v in c.function.arguments | items %}{{ '<parameter name="' + k + '">' }}{{ v if v is string else v | tojson }}{{ '</parameter>\n' }}{% endfor -%}
{{ '</invoke>\n' }}{% endfor %}{{ '</minimax:tool_call>' }}{% endif %}{{ eos_token }}
{% endfor %}{% if add_generation_prompt %}]~b]assistant
<think>
{% endif %}"""
V32 = """{% for m in messages %}<｜{{ m.role }}｜>{{ m.content or '' }}{% if m.tool_calls %}{{ '\n\n<｜DSML｜function_calls>' -}}
{% for c in m.tool_calls %}{{ '\n<｜DSML｜invoke name="' + c.function.name + '">' }}{% for k, v in c.function.arguments | items -%}
{{ '\n<｜DSML｜parameter name="' + k + '" string="' }}{{ 'true' if v is string else 'false' }}">{{ v if v is string else v | tojson -}}
{{ '</｜DSML｜parameter>' }}{% endfor %}{{ '\n</｜DSML｜invoke>' }}{% endfor %}{{ '\n</｜DSML｜function_calls>' }}{% endif %}{{ eos_token }}{% endfor -%}
{% if add_generation_prompt %}<｜assistant｜>{% endif %}"""
RESULT = [{"role": "tool", "name": "f", "content": "it is 5"}]


def _with(template, *special, eos="</s>"):
    made = copy.deepcopy(tokenizer(Family("chatml", only_words(eos), eos, special, bos="<s>")))
    made.chat_template = template
    return made


@pytest.mark.parametrize(
    ("template", "part"),
    [
        *((MISTRAL.replace("CALLS", NAMED), Mistral), (MISTRAL.replace("CALLS", LISTED), MistralList)),
        *((V31, DeepSeek), (V32, DeepSeekDSML), (KIMI, Kimi), (M2, MiniMax)),
    ],
    ids=["named", "listed", "v3.1", "v3.2", "kimi", "minimax"],
)
def test_the_format_of_a_template_by_the_published_rules(template, part):
    assert type(call_format(_with(template))) is part


def test_results_have_the_ids_that_mistrals_templates_ask_for():
    encoder, asked = Encoder(_with(MISTRAL.replace("CALLS", NAMED))), [{"role": "user", "content": "?"}]
    assert encoder.decode(encoder.encode_told(asked, (), RESULT)).count("it is 5") == 1 and encoder.noticed["told_as_user"] == 1
    told = Mistral().told([*RESULT, {**RESULT[0], "tool_call_id": "abcdefghi"}, {**RESULT[0], "tool_call_id": "odd"}])
    assert [result["tool_call_id"] for result in told] == ["call00000", "abcdefghi", "call00002"]
    assert "[TOOL_RESULTS]call00000 it is 5[/TOOL_RESULTS]" in encoder.decode(encoder.encode_told(asked, (), told))
    assert encoder.noticed["told_as_user"] == 1


def _theirs(name, *special, eos):
    import trl

    return _with((Path(trl.__file__).parent / "chat_templates" / f"{name}.jinja").read_text(), *special, eos=eos)


def test_a_turn_that_calls_may_end_by_a_token_of_its_own():
    """gpt-oss: <|call|> ends such a turn, and what the tool says stands behind it."""
    encoder = Encoder(_theirs("gptoss", "<|call|>", "<|start|>", "<|message|>", "<|channel|>", "<|end|>", eos="<|return|>"))
    assert type(call_format(encoder.tokenizer)) is Harmony
    assert [encoder.decode([token], special=True) for token in encoder.stop_ids] == ["<|return|>", "<|call|>"]
    said = encoder.encode_continuation(Harmony().write([Call("call", {"of": 1})]))
    asked = [{"role": "user", "content": "?"}]
    told = encoder.decode(encoder.encode_told(asked, said, RESULT), special=True)
    assert told == '<|start|>functions.call to=assistant<|channel|>commentary<|message|>"it is 5"<|end|><|start|>assistant'
    assert (
        encoder.decode(encoder.encode_told(asked, said[:-1], RESULT), special=True) == "<|call|>" + told
        and not encoder.noticed["told_as_user"]
    )


def test_what_begins_the_next_turn_is_told_once():
    """GLM ends no turn: what it says last is the token that begins what it is told."""
    encoder = Encoder(_theirs("glm4moe", "<|observation|>", "<|user|>", "<|assistant|>", eos="<|endoftext|>"))
    asked = [{"role": "user", "content": "?"}]
    said = encoder.encode_continuation(GLM().write([Call("f")]))
    told = encoder.encode_told(asked, said, RESULT)
    assert encoder.decode(told[:1], special=True) == "<|observation|>" and encoder.encode_told(asked, (*said, told[0]), RESULT) == told[1:]


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
