"""Verifiers of the library judge apart: nothing that a completion says is executed, and nothing it says escapes its zero."""

import ast
import os
import time

import cloudpickle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guerdon.errors import InputError
from guerdon.feedback import apart
from guerdon.feedback.harmless import Refused, check
from guerdon.feedback.helpers import Failure, Loadable
from guerdon.feedback.rewards.format import Format
from guerdon.feedback.running import RewardRunner
from guerdon.tasks.reasoning_gym import ReasoningGym

EVALUATING = (  # generators that hand the answer to eval or to sympy's parser
    "countdown", "puzzle24", "simple_integration", "intermediate_integration", "polynomial_multiplication", "string_insertion",
    "spiral_matrix", "binary_matrix", "n_queens", "bitwise_arithmetic",
)  # fmt: skip


def attacks(place):
    """Texts that would write a file at ``place`` if anything in them became code."""
    write = f"open({str(place)!r}, 'w')"
    shell = f"__import__('os').system('touch {place}')"
    return [
        write,
        shell,
        f"{shell}!",
        f"[{shell}]",
        f"(lambda: {write})()",
        f"[{write} for x in (1,)]",
        f"1 if {write} else 2",
        f"f'{{{write}}}'",
        f"Symbol('x').func.__init__.__globals__['sys'].modules['os'].system('touch {place}')",
        f"sympify({write!r})",
        f"S({shell!r})",
        f"exec({write!r})",
        f"eval({write!r})",
        f"lambdify(x, {write!r})()",
        f"''.join([{write}])",
        f"preview(x, output='png', filename={str(place)!r}, viewer='file')",
        f"5 + 5\n{write}",
        f"Function({shell!r})(x)",
        f"().__class__.__base__.__subclasses__()[0]({write!r})",
    ]


def score(row, reward, texts):
    """The scores of texts as answers to one row."""
    same = {name: [value] * len(texts) for name, value in row.items() if name != "prompt"}
    return reward([row["prompt"]] * len(texts), texts, **same)


@pytest.fixture(scope="module")
def countdown():
    task = ReasoningGym("countdown", train_size=2, test_size=1)
    return task.train()[0], task.reward


@pytest.mark.parametrize("name", EVALUATING)
def test_no_answer_to_a_generator_is_executed_and_its_own_answer_is_right(name, tmp_path):
    task = ReasoningGym(name, train_size=2, test_size=1, without_held_out=False)
    row = task.train()[0]
    there = set(os.listdir(os.getcwd()))
    found = score(row, task.reward, [str(row["answer"]), *attacks(tmp_path / "owned")])
    assert found[0] == 1.0
    assert max(found[1:]) < 0.1 and not (tmp_path / "owned").exists() and set(os.listdir(os.getcwd())) == there


def test_what_overflows_hangs_or_nests_is_wrong_at_once(countdown):
    row, reward = countdown
    texts = [
        "9**9**9**9",
        "9**9**9",
        "(9**9)**(9**9)",
        "99999!!!!",
        "factorial(factorial(99))",
        "2**(2**40)",
        "(" * 5000 + "1" + ")" * 5000,
    ]
    texts += [
        "-" * 20000 + "1",
        "1" * 100_000,
        "\0",
        "\ud800",
        "\u202e1+1",
        "1e999999999",
        "[" * 90 + "0" + "]" * 90,
        "10**-99999999",
        "1/0",
    ]
    score(row, reward, ["1"])
    begun = time.monotonic()
    found = score(row, reward, [*texts, str(row["answer"])])
    assert max(found[:-1]) <= 0.05 and found[-1] == 1.0
    assert time.monotonic() - begun < apart.TIMEOUT / 2, "none of them has to be waited for"


@pytest.mark.parametrize(
    "text",
    ["1 + 2*(3 - 4)", "[1, 'a', (2, 3)]", "{'a': 1}", "sin(x)**2", "Integer(9)**Integer(2)", "Function('f')(Symbol('x'))", "-0x1f << 3"],
)
def test_arithmetic_and_literals_are_harmless(text):
    check(text)
    check(text.encode())
    check(ast.parse(text, mode="eval"))


@pytest.mark.parametrize(
    "text",
    ["f()", "x.y", "a[0]", "(lambda: 1)", "9**9**9", "1 << (1 << 40)", "[0]*10", "'a'*9", "_x", "Integer('1e9999999')", "sin(x, y=1)"],
)
def test_what_could_act_or_grow_is_refused(text):
    with pytest.raises(Refused):
        check(text)


@settings(max_examples=150, deadline=None)
@given(
    st.recursive(
        st.sampled_from(["2", "9", "x", "99"]),
        lambda inner: st.tuples(inner, st.sampled_from(["**", "*", "+", "<<"]), inner).map(lambda t: f"({t[0]}{t[1]}{t[2]})"),
        max_leaves=6,
    )
)
def test_a_text_that_passes_stands_for_a_number_that_can_be_held(text):
    try:
        check(text)
    except Refused:
        return
    if "x" not in text:
        assert eval(text).bit_length() <= 20_001


def test_a_row_that_hangs_spoils_no_other_and_is_wrong():
    words = Format(r"(a+)+b")
    rows = {"completions": ["ab", "a" * 64, "aab", "x"], "prompts": ["q"] * 4}
    found = apart.submit(words, rows, 0.5).result()
    assert [value.hung if isinstance(value, Failure) else value for value in found] == [1.0, True, 1.0, 0.0]
    assert apart.judge_apart(words, 0.5, **rows) == [1.0, 0.0, 1.0, 0.0]


class Troubled:
    """A verifier that does to its process what the completion says. It is pickled by value: the process cannot import this file."""

    @staticmethod
    def made():
        class Doing:
            def judge(self, completions):
                import ctypes
                import time

                for word in completions:
                    if word == "spin":  # no alarm ends it
                        import signal

                        signal.signal(signal.SIGALRM, signal.SIG_IGN)
                        time.sleep(60)
                    if word == "crash":
                        ctypes.string_at(0)
                    if word == "exit":
                        raise SystemExit(3)
                    if word == "eat":
                        bytearray(2**36)
                return [1.0 for _ in completions]

        return Doing()


def submitted(verifier, rows, seconds):
    held = Loadable(f"{id(verifier)}", "pickled", cloudpickle.dumps(verifier))
    return apart.shared(1).submit_each(held, {"completions": rows}, len(rows), seconds).result()


def test_a_row_that_no_alarm_ends_or_that_kills_the_process_spoils_no_other():
    said = ["fine", "spin", "fine", "crash", "crash", "fine", "exit", "eat", "fine"]
    found = submitted(Troubled.made(), said, 0.5)
    assert [isinstance(value, Failure) for value in found] == [word != "fine" for word in said]
    assert found[1].hung and "SIGSEGV" in found[3].text and "MemoryError" in found[7].text


def test_a_helper_has_no_privileges():
    """Should code ever run in the process that judges, it can do nothing."""

    class Trying:
        def judge(self, completions):
            import os
            import socket

            from guerdon.errors import InputError

            acts = {
                "shell": lambda: os.system("true"),
                "write": lambda: open("x", "w"),  # noqa: SIM115
                "descriptor": lambda: os.open("x", os.O_CREAT | os.O_WRONLY),
                "socket": lambda: socket.socket(),
                "fork": lambda: os.fork() or os._exit(0),
                "remove": lambda: os.remove("x"),
                "kill": lambda: os.kill(os.getppid(), 0),
                "code": lambda: eval("__import__('os')"),
            }
            did = []
            for word, act in acts.items():
                try:
                    act()
                    did.append(word)
                except PermissionError:
                    pass
            if completions == ["swallow"]:
                return [1.0]
            raise InputError(f"{did} {os.listdir()} {'HOME' in os.environ}")  # the one way out that tells

    with pytest.raises(InputError, match=r"^\[\] \[\] False$"):
        submitted(Trying(), ["tell"], 5.0)
    (value,) = submitted(Trying(), ["swallow"], 5.0)
    assert isinstance(value, Failure) and "os.system" in value.text, "what was refused is wrong, whatever was made of it"


def test_a_helper_sends_nothing_but_numbers(tmp_path):
    """What a process that judges sends is read in the process that trains: were it a pickle of anything, it could act there."""

    class Acts:
        def __reduce__(self):
            import os

            return os.mkdir, (str(tmp_path / "made"),)

    class Answering:
        def judge(self, completions):
            import numpy

            return [{"number": numpy.float32(0.5), "object": Acts()}[word] for word in completions]

    found = submitted(Answering(), ["number", "object", "number"], 5.0)
    assert found[::2] == [0.5, 0.5] and type(found[0]) is float and isinstance(found[1], Failure)

    class Smuggling:  # past what makes numbers of verdicts
        def judge(self, completions):
            from guerdon.feedback import worker

            worker._plain = lambda value: ("value", value)
            return [Acts() if word == "object" else 1.0 for word in completions]

    found = submitted(Smuggling(), ["number", "object", "number"], 5.0)
    assert isinstance(found[1], Failure) and found[0] == 1.0 and not (tmp_path / "made").exists()


def test_in_a_run_what_hangs_is_wrong_and_is_no_failure(countdown):
    row, reward = countdown
    texts = [str(row["answer"]), "9**9**9**9", "__import__('os').system('true')"] * 20
    columns = {name: [value] * len(texts) for name, value in row.items() if name != "prompt"}
    with RewardRunner({"gym": reward, "form": Format(r"(\d+\W*)+!!")}, timeout=0.3, failure_bound=0.0) as runner:
        scored = runner.score([row["prompt"]] * len(texts), texts, columns)
        begun = runner.begin([row["prompt"]] * len(texts), columns)
        begun.add(range(len(texts)), texts)
        again = runner.score([row["prompt"]] * len(texts), texts, columns, begun)
    assert scored.components["gym"].tolist() == again.components["gym"].tolist() == [1.0, 0.0, 0.0] * 20
    assert scored.components["form"].tolist() == [0.0] * 60 and not scored.invalid.any() and scored.errors == [None] * 60
