"""The reward of ToolRL: held to what its authors' code gives, and what its column may hold."""

import pytest

from guerdon.errors import InputError
from guerdon.tasks.calls import Call
from guerdon.tasks.calls.hermes import Hermes
from guerdon.tasks.calls.python_style import PythonStyle
from guerdon.tasks.tool_calls import ToolCalls

F = {"name": "f", "arguments": {"x": 1, "y": "a"}}
G = {"name": "g", "arguments": {}}
# wanted, called, what compute_tool_call_reward of qiancheng0/ToolRL (verl/utils/reward_score/rlla.py) returns for them
THEIRS = [
    ([F], [F], 3.0),
    ([F], [{"name": "f", "arguments": {"y": "a", "x": 1}}], 3.0),
    ([F], [{"name": "f", "arguments": {"x": 1}}], 0.75),
    ([F], [{"name": "f", "arguments": {"x": 2, "y": "a", "z": 0}}], 1.0),
    ([F], [G], -3.0),
    ([F, G], [G, F], 3.0),
    ([F, G], [F], 1.2),
    ([F], [F, F], 2.25),
    ([F, F], [{"name": "f", "arguments": {"x": 1}}, F], 1.714286),
    ([F], [{"name": "f", "arguments": {}}], -1.5),
    ([G], [{"name": "g", "arguments": {"x": 1}}], 0.0),
    ([F, {"name": "f", "arguments": {"x": 5}}], [{"name": "f", "arguments": {"x": 5}}, F, G], 2.666667),
]


def score(wanted, completion, **settings):
    return ToolCalls(**settings)(["q"], [completion], calls=[wanted])[0]


@pytest.mark.parametrize(("wanted", "called", "reward"), THEIRS)
def test_it_gives_what_its_authors_code_gives(wanted, called, reward):
    said = Hermes().write([Call(c["name"], c["arguments"]) for c in called])
    assert score(wanted, said) == pytest.approx(reward, abs=1e-5)
    turns = [{"role": "assistant", "content": "", "tool_calls": [{"type": "function", "function": c}]} for c in called]
    assert score(wanted, [turn for one in turns for turn in (one, {"role": "tool", "content": "ok"})]) == pytest.approx(reward, abs=1e-5)


def test_what_the_column_may_hold():
    said = Hermes().write([Call("f", {"x": 1})])
    for wanted in (
        [{"name": "f", "arguments": {"x": 1}}],
        {"name": "f", "parameters": {"x": 1}},
        '[{"name": "f", "arguments": "{\\"x\\": 1}"}]',
        [{"type": "function", "function": {"name": "f", "arguments": {"x": 1}}}],
    ):
        assert score(wanted, said) == 3.0
    assert score(None, said) is None
    assert score([], "no call") == 3.0 and score([], said) == -3.0
    for wrong in ("f(x=1)", 3, [3], [{"arguments": {}}]):
        with pytest.raises(InputError, match="column 'calls' holds"):
            score(wrong, said)


def test_calls_are_read_in_the_format_that_is_said():
    assert score([F], "[f(x=1, y='a')]", format=PythonStyle()) == 3.0
    assert score([F], "[f(x=1, y='a')]") == -3.0
    assert ToolCalls()(["q <think>"], ["<tool_call>{}</tool_call> so</think>" + Hermes().write([Call("g")])], calls=[[G]]) == [3.0]
