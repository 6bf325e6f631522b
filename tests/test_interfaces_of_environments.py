"""An environment in each of the interfaces that people have runs unchanged, with a scripted policy and no model; and what is said of those that are not what they should be."""

import sys
from pathlib import Path

import pytest

from guerdon.errors import InputError
from guerdon.tasks.calls import Call
from guerdon.tasks.calls.hermes import Hermes
from guerdon.tasks.environments import Said, Told
from guerdon.tasks.environments.gymnasium_text import GymnasiumText
from guerdon.tasks.environments.open_env import OpenEnv
from guerdon.tasks.environments.python_class import PythonClass
from guerdon.tasks.environments.trl_factory import TRLFactory
from guerdon.tasks.environments.verifiers_environment import VerifiersEnvironment
from guerdon.tasks.environments.with_tools import WithTools
from guerdon.tasks.playing import play
from guerdon.tasks.toolbox import Toolbox
from guerdon.tasks.tools.calculator import Calculator
from guerdon.tasks.tools.mcp_server import MCPServer
from guerdon.tasks.tools.python import Python

THEIRS = Path(__file__).parent / "environments_of_others"


def calling(name, **arguments):
    return Hermes().write([Call(name, arguments)])


# One's own


def test_an_environment_of_ones_own():
    environment = PythonClass(f"{THEIRS / 'own.py'}:Guess")
    (row,) = environment.rows(1, 0)
    transcript = play(environment, row, [calling("larger", number=4), "3", "7"], seed=7)
    assert [message["content"] for message in transcript.messages if message["role"] != "assistant"] == [
        "Guess. I think of a number below 10.",
        "yes",
        "No.",
        "Right.",
    ]
    assert transcript.rewards == [None, 0.0, 1.0] and transcript.reward == 1.0 and transcript.done and not transcript.truncated
    assert transcript.tools[0]["function"]["name"] == "larger"
    assert "[tool] yes" in str(transcript)


def test_it_is_copied_where_a_sequence_branches():
    one, other = (PythonClass(f"{THEIRS / 'own.py'}:Guess").build() for _ in range(2))
    one.reset({"most": 10}, 7)
    other.restore(one.state())
    assert other.step(Said("7")).done


class Whole:
    def reset(self, row, seed):
        return [{"role": "user", "content": f"{row['prompt']} {seed}"}]

    def step(self, said):
        return Told(f"{said.text} {said.whole}", 0.5, done=not said.whole, state="a")


class Returns:
    """Returns from step what it is made with."""

    def __init__(self, value):
        self.value = value

    def reset(self):
        return None

    def step(self, text):
        if isinstance(self.value, Exception):
            raise self.value
        return self.value


def test_step_may_read_the_whole_turn():
    running = PythonClass(Whole).build()
    assert running.reset({"prompt": "a"}, 3) == [{"role": "user", "content": "a 3"}]
    assert running.step(Said("b", whole=False)) == Told("b False", 0.5, done=True, state="a")


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("on", Told("on")),
        (("on", 1), Told("on", 1.0)),
        (("on", None, True), Told("on", None, done=True)),
        ((None, 1, True), Told("", 1.0, done=True)),
        ({"text": "on", "reward": 0.5, "done": False, "figures": {"x": 1.0}}, Told("on", 0.5, figures={"x": 1.0})),
        ({"observation": "on", "truncated": True}, Told("on", done=True, truncated=True)),
        ([{"role": "user", "content": "on"}], Told([{"role": "user", "content": "on"}])),
    ],
    ids=str,
)
def test_what_step_may_return(value, told):
    running = PythonClass(Returns, {"value": value}).build()
    running.reset({}, 0)
    assert running.step(Said("x")) == told


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (3, r"step of Returns returned 3 \(int\); return a text, \(text, reward, done\)"),
        (None, "returned None"),
        (("on", "much"), r"returned 'much' \(str\) as a reward"),
        (("on", float("nan")), "returned nan"),
        (("on", 1, "yes"), "as done; True or False"),
        (("", 0, False), "tells nothing, and the episode goes on"),
        ((3, 1, False), "as what is told next"),
        (("a", 1, False, False, {}), "gymnasium_text"),
        ({"txt": "on"}, "a mapping with 'txt'; there are text"),
    ],
    ids=str,
)
def test_what_step_may_not_return(value, sentence):
    running = PythonClass(Returns, {"value": value}).build()
    running.reset({}, 0)
    with pytest.raises(InputError, match=sentence):
        running.step(Said("x"))


def test_what_it_raises_is_raised():
    running = PythonClass(Returns, {"value": ZeroDivisionError("by zero")}).build()
    with pytest.raises(ZeroDivisionError):
        running.step(Said("x"))


class NoStep:
    def reset(self):
        return "a"


class NoTurn(NoStep):
    def step(self):
        return "a"


class Asks(NoStep):
    def reset(self, city):
        return city

    def step(self, text):
        return text


class Untyped(Asks):
    tools = ("look",)

    def look(self, place):
        return place


class Lacking(Asks):
    tools = ("see",)


class Numbers(Asks):
    def reset(self):
        return 3


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (3, "no class and no function"),
        ("nowhere.py:Guess", "there is no file|unknown file"),
        (NoStep, "has no method step"),
        (NoTurn, "step of NoTurn takes nothing"),
        (Asks, "reset of Asks asks for 'city', and the row has prompt"),
        (Untyped, "the parameter place of the tool look has no type"),
        (Lacking, "lists the tool 'see'"),
        (Numbers, "reset of Numbers returned '3'"),
        (Returns, "cannot be made of the arguments"),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)[:20]),
)
def test_an_environment_that_is_none_is_refused(given, sentence):
    with pytest.raises(InputError, match=sentence):
        PythonClass(given).build().reset({"prompt": "?"}, 0)


class Ending:
    def reset(self):
        return "Call it."

    def finish(self, points: float) -> Told:
        """Ends the game.

        Args:
            points: What it is worth.
        """
        return Told("finished", points, done=True, figures={"points": points})

    tools = [finish]  # noqa: RUF012

    def step(self, text):
        return "call finish"


def test_a_tool_of_an_environment_earns_and_ends():
    transcript = play(PythonClass(Ending), {}, ["?", calling("finish", points="2.5")])
    assert transcript.reward == 2.5 and transcript.done
    assert transcript.messages[-1]["content"] == 'finished\n(points: "2.5" was taken as 2.5)'
    assert transcript.figures[-1] == {"failed_calls": 0.0, "converted_arguments": 1.0, "points": 2.5}


# With tools


def test_a_task_with_tools():
    environment = WithTools((Calculator(), Python()), max_turns=3)
    row = {"prompt": [{"role": "user", "content": "What is 12 * 34?"}], "answer": "408"}
    transcript = play(environment, row, [calling("calculator", expression="12 * 34"), "It is 408."])
    assert transcript.messages[2] == {"role": "tool", "name": "calculator", "content": "408"}
    assert transcript.done and not transcript.truncated and transcript.reward is None
    bad = '<tool_call>{"name": "calculator", "arguments": {}}</tool_call>'
    cut = play(environment, row, [bad, "<tool_call>{", calling("python", code="1")])
    assert cut.done and cut.truncated
    assert [m["content"] for m in cut.messages if m["role"] == "tool"] == [
        "error: 'expression' is missing",
        cut.messages[4]["content"],
    ] and cut.messages[4]["content"].startswith("error: the call is no JSON")
    with pytest.raises(InputError, match="needs a tool"):
        WithTools(())


def test_it_is_copied_with_the_state_of_its_tools():
    one, other = (WithTools((Python(),), max_turns=2).build() for _ in range(2))
    one.reset({}, 0)
    one.step(Said("", (Call("python", {"code": "x = 2"}),)))
    other.reset({}, 0)
    other.restore(one.state())
    assert other.step(Said("", (Call("python", {"code": "x"}),))).truncated


# TRL


def test_an_environment_of_trl_runs_unchanged():
    environment = TRLFactory(f"{THEIRS / 'of_trl.py'}:Counter", rewards=(f"{THEIRS / 'of_trl.py'}:reached",))
    row = {"prompt": [{"role": "user", "content": "Do it."}], "goal": 3}
    said = [calling("add", amount=2), calling("add", amount=-1), calling("look"), calling("add", amount=1), "Done."]
    transcript = play(environment, row, said)
    assert transcript.messages[0]["content"] == "Do it. Count to 3."
    assert [m["content"] for m in transcript.messages if m["role"] == "tool"] == ["2", "error: ValueError: only up", "2", "3"]
    assert transcript.rewards == [None, None, None, None, 1.5] and transcript.done and not transcript.truncated
    assert sorted(tool["function"]["name"] for tool in transcript.tools) == ["add", "look"]


def test_it_is_scored_however_it_ends():
    environment = TRLFactory(f"{THEIRS / 'of_trl.py'}:Counter", max_turns=1)
    row = {"prompt": "Do it.", "goal": 3}
    cut = play(environment, row, [calling("add", amount=3)])
    assert cut.truncated and cut.reward == 1.0
    outside = play(TRLFactory(f"{THEIRS / 'of_trl.py'}:Counter"), row, [calling("add", amount=3)], turns=1)
    assert not outside.done and outside.rewards == [None, 1.0]
    running = environment.build()
    running.reset(row, 0)
    assert running.inner.count == 0 and running.ended() == 0.0 and running.ended() is None


def test_the_tools_are_those_that_trl_finds():
    """The methods that TRL takes for tools, and what it tells the template of them."""
    import inspect

    from transformers.utils import get_json_schema

    running = TRLFactory(f"{THEIRS / 'of_trl.py'}:Counter").build()
    found = [
        name
        for name, _ in inspect.getmembers(type(running.inner), inspect.isfunction)
        if name not in ("reset", "get_reward") and name[0] != "_"
    ]
    theirs = [get_json_schema(getattr(running.inner, name))["function"] for name in found]
    ours = [tool["function"] for tool in running.tools]
    assert [{k: v for k, v in tool.items() if k != "return"} for tool in theirs] == ours


# Gymnasium


def test_an_environment_of_gymnasium_runs_unchanged():
    pytest.importorskip("gymnasium")
    environment = GymnasiumText(f"{THEIRS / 'of_gymnasium.py'}:Echo")
    transcript = play(environment, {"options": {"word": "tide"}}, ["ebb", "TIDE", "a far too long text", " tide\n"])
    assert [m["content"] for m in transcript.messages if m["role"] == "user"] == [
        "say tide",
        "no, say tide",
        "error: this cannot be said here: it may not hold 'D'",
        "error: this cannot be said here: it has 19 letters, and may have 1 to 12",
        "thanks",
    ]
    assert transcript.rewards == [0.0, None, None, 1.0] and transcript.done and not transcript.truncated
    first = {seed: environment.build().reset({}, seed) for seed in (0, 0, 2**40)}
    assert all(text.startswith("say ") for text in first.values())


def test_a_limit_of_steps_truncates():
    pytest.importorskip("gymnasium")
    limited = GymnasiumText(f"{THEIRS / 'of_gymnasium.py'}:limited", {"steps": 2})
    assert play(limited, {"options": {"word": "tide"}}, ["a", "b"]).truncated
    right = play(limited, {"options": {"word": "tide"}}, ["a", "tide"])
    assert right.done and not right.truncated and right.reward == 1.0


def test_registered_environments_and_other_spaces():
    gymnasium = pytest.importorskip("gymnasium")
    sys.path.insert(0, str(THEIRS))
    try:
        gymnasium.register("Echo-v0", "of_gymnasium:Echo", max_episode_steps=5)
        assert play(GymnasiumText("Echo-v0"), {"options": {"word": "ebb"}}, ["ebb"]).reward == 1.0
    finally:
        sys.path.remove(str(THEIRS))
        gymnasium.registry.pop("Echo-v0", None)
    with pytest.raises(InputError, match="Gymnasium makes no environment 'Nothing-v0'"):
        GymnasiumText("Nothing-v0").build()
    with pytest.raises(InputError, match=r"the actions of .* are Discrete"):
        GymnasiumText(f"{THEIRS / 'of_gymnasium.py'}:Numbers").build()


# MCP


def server(**settings):
    return MCPServer((sys.executable, str(THEIRS / "of_mcp.py")), **settings)


def test_tools_of_an_mcp_server(monkeypatch):
    pytest.importorskip("mcp")
    monkeypatch.setenv("OPENAI_API_KEY", "a-secret-key")
    monkeypatch.setenv("JUDGE_KEY", "sk-secret")
    environment = WithTools((server(per_episode=True, env={"MINE": "1"}), Calculator()))
    transcript = play(
        environment, {"prompt": "?"}, [calling("weather", city="Ulm"), calling("weather"), calling("fail", how="raise"), "Rain."]
    )
    told = [m["content"] for m in transcript.messages if m["role"] == "tool"]
    assert told[0] == "Ulm: rain (1)" and told[1] == "error: 'city' is missing"
    assert told[2].startswith("error: Error executing tool fail")
    assert [tool["function"]["name"] for tool in transcript.tools] == ["weather", "fail", "environment", "calculator"]
    box = Toolbox([server(per_episode=True, env={"MINE": "1"}, only="environment")])
    names = box.answer(Call("environment", {})).text
    box.close()
    assert "MINE" in names and "OPENAI_API_KEY" not in names and "JUDGE_KEY" not in names


def test_a_server_of_an_episode_begins_anew_and_a_shared_one_goes_on():
    pytest.importorskip("mcp")
    own, shared = Toolbox([server(per_episode=True, only="weather")]), Toolbox([server(only="weather")])
    seen = []
    for box in (own, shared):
        for _ in range(2):
            box.reset({}, 0)
            seen.append(box.answer(Call("weather", {"city": "Ulm"})).text)
        box.close()
    assert seen[:2] == ["Ulm: rain (1)", "Ulm: rain (1)"]
    assert int(seen[3][-2]) == int(seen[2][-2]) + 1


def test_a_server_that_dies_or_hangs_is_told_and_started_again():
    pytest.importorskip("mcp")
    box = Toolbox([server(per_episode=True, seconds=3.0)])
    try:
        for how, sentence in (("exit", "error: the server"), ("hang", "error: the server did not answer within 3 s")):
            assert box.answer(Call("fail", {"how": how})).text.startswith(sentence)
            assert box.answer(Call("weather", {"city": "Bonn"})).text == "Bonn: rain (1)"
    finally:
        box.close()


def test_a_server_that_is_missing_is_refused(tmp_path):
    pytest.importorskip("mcp")
    with pytest.raises(InputError, match="does not start"):
        MCPServer(("no-such-program-here",)).build()
    with pytest.raises(InputError, match=r"does not start|lists no tools"):
        MCPServer((sys.executable, "-c", "print('no server')"), seconds=1.0).build()
    with pytest.raises(InputError, match="has no tool 'storm'; it has weather"):
        server(only=("storm",)).build()


# OpenEnv


def test_an_environment_of_openenv():
    pytest.importorskip("websockets")
    from environments_of_others.of_openenv import Echo, Tools, served

    with served(Echo) as url:
        transcript = play(
            OpenEnv(url, observation="echoed_message", columns=("turns",)), {"prompt": "Say. ", "turns": 2}, ["hello", "bye"], seed=5
        )
        assert [m["content"] for m in transcript.messages if m["role"] == "user"] == ["Say. ready, seed 5", "hello", "bye"]
        assert transcript.reward == pytest.approx(0.2) and transcript.done
        assert play(OpenEnv(url), {}, ["a", "b"]).messages[1:3] == [{"role": "assistant", "content": "a"}, {"role": "user", "content": "a"}]
        wrong = OpenEnv(url, action="text").build()
        wrong.reset({}, 0)
        assert wrong.step(Said("x")).text.startswith("error: 1 validation error")
        broken = OpenEnv(url, seconds=0.5).build()
        broken.reset({}, 0)
        with pytest.raises(ConnectionError, match="the environment broke"):
            broken.step(Said("break"))
        with pytest.raises(TimeoutError, match=r"within 0.5 s"):
            broken.step(Said("hang"))
        assert "ready" in broken.reset({}, 0)
        with pytest.raises(InputError, match="has no 'nothing'; it has echoed_message"):
            OpenEnv(url, observation="nothing").build().reset({}, 0)
    with served(Tools) as url:
        said = [calling("add", a=2, b=3), calling("sub", a=1, b=1), "5"]
        transcript = play(OpenEnv(url, tools=True), {"prompt": "2 + 3? "}, said)
        assert [m["content"] for m in transcript.messages if m["role"] == "tool"] == ["5", "error: no such tool"]
        assert transcript.tools[0]["function"]["parameters"]["required"] == ["a", "b"] and transcript.rewards == [0.5, None, None]
    with pytest.raises(InputError, match="no server of OpenEnv answers"):
        OpenEnv(url).build().reset({}, 0)
    with pytest.raises(InputError, match="needs a url"):
        OpenEnv("localhost:8000")


# verifiers


def test_tools_of_verifiers_run_unchanged():
    pytest.importorskip("verifiers", exc_type=ImportError)
    environment = VerifiersEnvironment(f"{THEIRS / 'of_verifiers.py'}:load_environment")
    row = next(row for row in environment.rows(2, 0) if row["answer"] == "408")
    transcript = play(environment, row, [calling("multiply", a=12, b=34), "It is 408."])
    assert [m["content"] for m in transcript.messages if m["role"] != "assistant"] == ["Be brief.", "What is 12 * 34?", "408"]
    assert transcript.done and not transcript.truncated and transcript.reward == 1.0
    assert transcript.tools[0]["function"]["name"] == "multiply" and transcript.figures[-1]["right_answer"] == 1.0
    assert play(environment, row, ["<tool_call>{", "408"]).messages[3]["content"].startswith("error: the call is no JSON")
    limited = VerifiersEnvironment(f"{THEIRS / 'of_verifiers.py'}:load_environment", {"max_turns": 1})
    cut = play(limited, row, [calling("multiply", a=1, b=1)])
    assert cut.truncated and cut.reward == 0.0


def test_turns_of_verifiers_run_unchanged():
    pytest.importorskip("verifiers", exc_type=ImportError)
    environment = VerifiersEnvironment(f"{THEIRS / 'of_verifiers.py'}:load_hints")
    row = next(row for row in environment.rows(2, 0) if row["answer"] == "408")
    transcript = play(environment, row, ["one?", "It is 408."])
    assert transcript.messages[2]["content"] == "Hint 1: it begins with 4." and transcript.reward == 0.75 and transcript.done
    outside = play(environment, row, ["one?"], turns=1)
    assert not outside.done and outside.reward == 0.75
    beside = [environment.build() for _ in range(2)]
    for running in beside:
        running.reset(row, 0)
    assert beside[0].step(Said("408")).reward == 1.0 and beside[1].step(Said("no")).text[0]["content"].startswith("Hint 1")
    for running in beside:
        running.close()


def test_verifiers_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "verifiers", None)
    with pytest.raises(InputError, match=r"pip install 'verifiers<0.4'"):
        VerifiersEnvironment("an-environment-of-nobody").build()


# Configuration


def test_an_environment_and_its_tools_as_a_configuration_writes_them(tmp_path):
    from guerdon.interfaces.configuration._build import build
    from guerdon.tasks.environments import EnvironmentSpecification
    from guerdon.tasks.tools.function import Function

    own = f"{THEIRS / 'own.py'}:Guess"
    written = {"part": "with_tools", "tools": ["calculator", {"part": "python", "seconds": 2.0}, own], "max_turns": 3}
    assert build(EnvironmentSpecification, written, "task.environment") == WithTools(
        (Calculator(), Python(seconds=2.0), Function(own)), max_turns=3
    )
    assert build(EnvironmentSpecification, {"part": "python_class", "source": own}, "task.environment") == PythonClass(own)
    with pytest.raises(InputError, match=r"task.environment.tools.0: unknown part 'calculater': did you mean calculator"):
        build(EnvironmentSpecification, {"part": "with_tools", "tools": ["calculater"]}, "task.environment")


# Playing


def test_a_policy_that_says_nothing_is_told_so():
    environment = PythonClass(Returns, {"value": "on"})
    with pytest.raises(InputError, match="nothing more to say, and the episode goes on; it was told 'on'"):
        play(environment, {"prompt": "?"}, ["a"])
    with pytest.raises(InputError, match="no text"):
        play(environment, {"prompt": "?"}, lambda told: 3)
    assert not play(environment, {"prompt": "?"}, lambda told: told, turns=3).done
