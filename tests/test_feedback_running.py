"""Rewards run over a batch whatever the functions do: raise, hang, die, return too few values, strings, None or NaN."""

import asyncio
import math
import os
import time
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from guerdon.errors import InputError, RunFailed
from guerdon.feedback.number import as_number
from guerdon.feedback.rewards.format import Format
from guerdon.feedback.rewards.length import Length
from guerdon.feedback.rewards.number_match import NumberMatch
from guerdon.feedback.running import RewardRunner

PROMPTS = ["1+1?", "2+2?", "3+3?", "4+4?"]
COMPLETIONS = ["2", "bad", "6", "seven"]
ANSWERS = {"answer": ["2", "4", "6", "8"]}
LENIENT = {"failure_bound": 1.0}

FILE = """
import asyncio, os, time

def lengths(completions, **columns):
    return [float(len(c)) for c in completions]

def raises_on_bad(completions, **columns):
    if "bad" in completions:
        raise ValueError("cannot read it")
    return [1.0 for _ in completions]

def hangs_on_bad(completions, **columns):
    if "bad" in completions:
        time.sleep(1000)
    return [1.0 for _ in completions]

def spins_on_bad(completion):
    while completion == "bad":
        pass
    return 1.0

def dies_on_bad(completion):
    if completion == "bad":
        os._exit(3)
    return 1.0

def quits_on_bad(completion):
    if completion == "bad":
        raise SystemExit(1)
    return 1.0

def compute_score(data_source, solution_str, ground_truth, extra_info=None):
    return {"score": float(solution_str == ground_truth), "extra": 1}

def one_is_odd(completions, **columns):
    return ODD + [1.0] * (len(completions) - len(ODD))

def process(completion):
    return os.getpid()

def sleepy(completion):
    time.sleep(0.5)
    return 1.0

def slow_for_many(completions, log, **columns):
    with open(log[0], "a") as file:
        print(len(completions), file=file)
    time.sleep(0.4 * len(completions))
    return [1.0 for _ in completions]

async def waits(completion):
    await asyncio.sleep(0.3)
    return 1.0

def hangs(completion):
    time.sleep(1000)

def forks(completions, **columns):
    child = os.fork() == 0  # and both return
    return [0.0 if child else 1.0 for _ in completions]

def shuts_its_pipe(completion):
    if completion == "bad":
        os.closerange(3, 64)
    return 1.0

class Speechless(Exception):
    def __str__(self):
        raise ValueError("no words")

def raises_speechless(completion):
    if completion == "bad":
        raise Speechless
    return 1.0

def returns_a_generator(completion):
    return (1.0 for _ in "bad") if completion == "bad" else 1.0

def starts_others(completion):
    import subprocess
    subprocess.Popen(["sleep", "98765"])
    time.sleep(1000)
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("rewards") / "mine.py"
    path.write_text(FILE.replace("ODD", "['0.5', None, float('nan')]"))
    return path


def score(rewards, columns=ANSWERS, **settings):
    with RewardRunner(rewards, **settings) as runner:
        return runner.score(PROMPTS, COMPLETIONS, columns)


def values(component) -> list[float | None]:
    return [None if math.isnan(value) else value for value in component.tolist()]


def test_components_by_name_in_float64(file):
    scored = score({"correct": NumberMatch(), "length": f"{file}:lengths"})
    assert list(scored.components) == ["correct", "length"]
    assert values(scored.components["correct"]) == [1.0, 0.0, 1.0, 0.0]
    assert values(scored.components["length"]) == [1.0, 3.0, 1.0, 5.0]
    assert scored.components["length"].dtype == torch.float64
    assert scored.errors == [None] * 4 and not scored.invalid.any()


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize(
    ("function", "says"),
    [
        ("raises_on_bad", "raised ValueError: cannot read it (mine.py, line "),
        ("hangs_on_bad", "took longer than 1 s"),
        ("spins_on_bad", "took longer than 1 s"),
        ("dies_on_bad", "ended its process (exit code 3)"),
        ("quits_on_bad", "raised SystemExit: 1"),
        ("shuts_its_pipe", "ended its process (exit code 1)"),
        ("raises_speechless", "raised Speechless: what it says cannot be shown (mine.py, line "),
        ("returns_a_generator", "returned what cannot be sent back from its process: TypeError"),
    ],
)
def test_one_bad_completion_is_left_out_and_the_run_goes_on(file, function, says, workers):
    with RewardRunner({"r": f"{file}:{function}"}, workers=workers, timeout=1.0) as runner:
        for _ in range(2):  # again, after its process was replaced
            scored = runner.score(PROMPTS, COMPLETIONS)
            assert values(scored.components["r"]) == [1.0, None, 1.0, 1.0]
            assert scored.invalid.tolist() == [False, True, False, False]
            assert says in scored.errors[1] and scored.errors[1].startswith("the reward r ")


def test_a_forked_child_that_returns_answers_for_nobody(file):
    with RewardRunner({"r": f"{file}:forks"}, workers=1) as runner:
        for _ in range(3):  # what a child had sent would be taken for the next answer
            assert values(runner.score(PROMPTS, COMPLETIONS).components["r"]) == [1.0] * 4


def test_strings_none_and_nan(file):
    scored = score({"r": f"{file}:one_is_odd", "correct": NumberMatch()}, **LENIENT)
    assert values(scored.components["r"]) == [None, None, None, 1.0]
    assert scored.invalid.tolist() == [True, False, True, False], "None only says that the component does not apply"
    assert scored.errors[0] == "the reward r returned the str '0.5', which is no number"
    assert scored.errors[2] == "the reward r returned nan"


class Odd:
    """Something that cannot be shown."""

    def __repr__(self):
        raise RuntimeError("no")


NUMBERS = [(True, 1.0), (2, 2.0), (torch.tensor(0.25), 0.25), (np.float32(0.5), 0.5), (np.int64(3), 3.0), (np.bool_(True), 1.0)]
NUMBERS += [(Decimal("0.1"), 0.1), (Fraction(1, 4), 0.25), (np.array([2.0]), 2.0), (10**300, 1e300)]
NO_NUMBERS = [
    (math.inf, "returned inf"),
    ([1.0], "returned the list [1.0], which is no number"),
    ({"a": 1}, "returned the dict {'a': 1}, which is no number"),
    (1j, "returned the complex 1j, which is no number"),
    (b"1", "returned the bytes b'1', which is no number"),
    (10**400, "which is too large for a float"),
    (-(10**5000), "returned something of type int that cannot be shown, which is too large for a float"),
    (Fraction(10**400), "which is too large for a float"),
    (Decimal("1e400"), "returned inf"),
    (Decimal("sNaN"), "which is no number"),
    (np.array([1.0, 2.0]), "which is no number"),
    (torch.zeros(2, 1), "which is no number"),
    (Odd(), "returned something of type Odd that cannot be shown, which is no number"),
]


@pytest.mark.parametrize(("value", "kept"), [*NUMBERS, *((value, None) for value, _ in NO_NUMBERS)], ids=lambda v: type(v).__name__)
def test_what_counts_as_a_number(value, kept):
    scored = score({"r": lambda completion: value}, timeout=None, **LENIENT)
    assert values(scored.components["r"]) == [kept] * 4
    assert scored.invalid.all() == (kept is None)


def test_what_is_no_number_is_said_in_a_sentence_and_from_a_helper_too():
    for value, says in NO_NUMBERS:
        assert says in as_number(value).text
    every = [value for value, _ in NUMBERS] + [value for value, _ in NO_NUMBERS[:-1]]
    with RewardRunner({"r": lambda prompts, completions: every}, **LENIENT) as runner:
        scored = runner.score(["q"] * len(every), ["x"] * len(every))
    assert values(scored.components["r"]) == [kept for _, kept in NUMBERS] + [None] * (len(NO_NUMBERS) - 1)


def test_a_sample_to_which_nothing_applies_is_invalid_but_no_failure():
    with RewardRunner({"r": lambda completion: None}, timeout=None, failure_bound=0.0) as runner:
        scored = runner.score(PROMPTS, COMPLETIONS)
    assert scored.invalid.all() and scored.errors[0] == "no reward applies to it"
    later = RewardRunner({"none": lambda completions, **columns: [None] * len(completions)}, timeout=None, failure_window=4)
    for _ in range(3):  # as whoever learns from them counts, when all that judged have told
        later.watch(later.score(["q"] * 4, ["a"] * 4, {}, watching=False))
    later.close()


@pytest.mark.parametrize("settings", [{"timeout": None}, {}])
@pytest.mark.parametrize(
    ("function", "says"),
    [
        (lambda completions, **columns: [1.0], "the reward r returned 1 values for 4 completions"),
        (lambda completions, **columns: 1.0, "the reward r returned a float for 4 completions"),
        (lambda completions, **columns: None, "the reward r returned None for 4 completions"),
        (lambda completions, **columns: torch.zeros(3), "the reward r returned 3 values for 4 completions"),
    ],
)
def test_a_wrong_number_of_values_stops_at_once(function, says, settings):
    with pytest.raises(InputError, match=says):
        score({"r": function}, **settings)


def test_tensors_and_tuples_are_lists():
    scored = score({"a": lambda completions, **c: torch.arange(4), "b": lambda completions, **c: (1, 2, 3, 4)}, timeout=None)
    assert values(scored.components["a"]) == [0, 1, 2, 3] and values(scored.components["b"]) == [1, 2, 3, 4]


def test_too_many_failures_stop_the_run(file):
    with RewardRunner({"r": f"{file}:raises_on_bad"}, failure_bound=0.2, failure_window=12) as runner:
        runner.score(PROMPTS, COMPLETIONS)
        runner.score(PROMPTS, COMPLETIONS)  # 2 of 8: not more than 0.2 of 12
        with pytest.raises(
            RunFailed, match=r"3 of the last 12 samples .* 20% .* first error was: the reward r raised ValueError: cannot read it"
        ):
            runner.score(PROMPTS, COMPLETIONS)


def test_old_failures_are_forgotten(file):
    with RewardRunner({"r": f"{file}:raises_on_bad"}, failure_bound=0.25, failure_window=4) as runner:
        for _ in range(3):
            runner.score(PROMPTS, COMPLETIONS)


def test_sync_functions_of_the_user_run_elsewhere_and_ours_here(file):
    scored = score({"theirs": f"{file}:process"})
    assert len(set(scored.components["theirs"].tolist())) == 1
    assert os.getpid() not in scored.components["theirs"].tolist()
    assert set(score({"r": lambda completion: os.getpid()}, timeout=None).components["r"].tolist()) == {os.getpid()}


def test_workers_share_the_completions(file):
    with RewardRunner({"r": f"{file}:sleepy"}, workers=4) as runner:
        runner.score(PROMPTS, COMPLETIONS)  # starts the processes
        began = time.monotonic()
        scored = runner.score(PROMPTS, COMPLETIONS)
    assert values(scored.components["r"]) == [1.0] * 4
    assert time.monotonic() - began < 1.6, "four sleeps of 0.5 s one after another would take 2 s"


def test_a_slow_batch_function_is_called_singly_from_then_on(file, tmp_path):
    columns = {"log": [str(tmp_path / "sizes")] * 4}
    with RewardRunner({"r": f"{file}:slow_for_many"}, timeout=1.2) as runner:
        for _ in range(2):
            assert values(runner.score(PROMPTS, COMPLETIONS, columns).components["r"]) == [1.0] * 4
    sizes = (tmp_path / "sizes").read_text().split()
    assert sizes == ["4", *"11111111"], "the batch is tried once and never again"


def test_closures_and_what_they_hold_are_sent():
    wanted = "6"

    def mine(completions, **columns):
        return [float(completion == wanted) for completion in completions]

    assert values(score({"r": mine}).components["r"]) == [0.0, 0.0, 1.0, 0.0]


def test_what_cannot_be_sent_runs_in_a_thread_with_a_timeout():
    import threading

    lock = threading.Lock()

    def mine(completion):
        with lock:
            pass
        if completion == "bad":
            time.sleep(1.5)
        return 1.0

    scored = score({"r": mine}, timeout=0.2)
    assert values(scored.components["r"]) == [1.0, None, 1.0, 1.0]
    assert "took longer than 0.2 s" in scored.errors[1]


def test_async_functions_run_together(file):
    with RewardRunner({"a": f"{file}:waits", "b": f"{file}:waits"}) as runner:
        began = time.monotonic()
        scored = runner.score(PROMPTS, COMPLETIONS)
    assert values(scored.components["a"]) == values(scored.components["b"]) == [1.0] * 4
    assert time.monotonic() - began < 2.0, "eight waits of 0.3 s one after another would take 2.4 s"


def test_async_functions_for_the_batch_that_raise_or_hang():
    async def raises(completions, **columns):
        await asyncio.sleep(0)
        if "bad" in completions:
            raise ValueError("cannot read it")
        return [1.0] * len(completions)

    async def hangs(completion):
        await asyncio.sleep(1000 if completion == "bad" else 0)
        return 2.0

    scored = score({"raises": raises, "hangs": hangs}, timeout=0.3, **LENIENT)
    assert values(scored.components["raises"]) == [1.0, None, 1.0, 1.0]
    assert values(scored.components["hangs"]) == [2.0, None, 2.0, 2.0]
    assert "raised ValueError: cannot read it" in scored.errors[1]


def test_a_blocked_event_loop_does_not_hang_the_run():
    async def blocks(completion):
        time.sleep(3)
        return 3.0

    began = time.monotonic()
    scored = score({"r": blocks}, timeout=0.2, **LENIENT)
    assert scored.invalid.all() and time.monotonic() - began < 2.5


def test_concurrency_bounds_async_calls():
    now, most = 0, 0

    async def counts(completion):
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.02)
        now -= 1
        return 1.0

    score({"r": counts}, concurrency=2)
    assert most == 2


def test_the_three_signatures_in_one_run(file):
    async def verifiers(completion, answer):
        return float(completion == answer)

    scored = score({"trl": f"{file}:lengths", "verl": f"{file}:compute_score", "verifiers": verifiers})
    assert values(scored.components["verl"]) == values(scored.components["verifiers"]) == [1.0, 0.0, 1.0, 0.0]


def test_an_expression_that_explodes_is_stopped():
    with RewardRunner({"form": Format(r"(a+)+b")}, timeout=0.5) as runner:
        scored = runner.score(["q"] * 3, ["ab", "a" * 64, "aab"])
    assert values(scored.components["form"]) == [1.0, 0.0, 1.0], "a verifier of the library that hangs on a completion has found it wrong"
    assert not scored.invalid.any()


def test_what_a_reward_started_ends_with_it(file):
    import subprocess

    def sleepers() -> int:
        return sum(
            line.strip() == "sleep 98765"
            for line in subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout.splitlines()
        )

    before = sleepers()
    score({"r": f"{file}:starts_others"}, timeout=0.3, **LENIENT)
    patience = time.monotonic() + 10  # a process that was killed is listed until its parent has heard of it
    while sleepers() > before and time.monotonic() < patience:
        time.sleep(0.1)
    assert sleepers() <= before


@pytest.mark.parametrize("reward", [NumberMatch(), lambda completions, answer, **columns: [1.0] * len(completions)])
def test_a_missing_column_is_named_with_the_nearest(reward):
    with pytest.raises(InputError, match=r"the reward r asks for unknown column 'answer': did you mean answers"):
        score({"r": reward}, columns={"answers": ["1"] * 4})
    with RewardRunner({"r": reward}) as runner:
        assert runner.missing(["answers"]) == {"r": ["answer"]} and runner.missing(["answer"]) == {}


def test_columns_must_be_as_long_as_the_batch():
    with pytest.raises(InputError, match="4 completions, but 3 values of answer"):
        score({"r": NumberMatch()}, columns={"answer": ["1"] * 3})
    with pytest.raises(InputError, match="4 completions, but 1 values of prompts"), RewardRunner({"r": NumberMatch()}) as runner:
        runner.score(["q"], COMPLETIONS, ANSWERS)


def test_input_errors_of_our_own_rewards_reach_the_user():
    with pytest.raises(InputError, match="no column completion_ids"):
        score({"r": Length(max_length=4, cache=2)})


def test_a_module_that_a_helper_cannot_import_is_an_input_error(tmp_path, monkeypatch):
    (tmp_path / "only_here.py").write_text(
        "import os\nif os.environ.get('GUERDON_TEST') is None: raise ImportError('not there')\ndef f(completion): return 1.0\n"
    )
    monkeypatch.setenv("GUERDON_TEST", "1")
    runner = RewardRunner({"r": f"{tmp_path / 'only_here.py'}:f"})
    monkeypatch.delenv("GUERDON_TEST")
    with runner, pytest.raises(InputError, match=r"the reward r: .*only_here.py for a reward failed"):
        runner.score(PROMPTS, COMPLETIONS)


def test_bad_settings_and_an_empty_batch():
    for settings in ({"workers": -1}, {"timeout": 0}, {"failure_bound": 1.5}, {"failure_window": 0}, {"concurrency": 0}):
        with pytest.raises(InputError):
            RewardRunner({"r": NumberMatch()}, **settings)
    with RewardRunner({"r": NumberMatch()}) as runner:
        scored = runner.score([], [], {"answer": []})
    assert scored.components["r"].shape == (0,) and scored.errors == []


def test_close_ends_what_hangs_and_a_runner_can_be_used_again(file):
    import threading

    runner = RewardRunner({"r": f"{file}:hangs_on_bad"}, timeout=None, workers=1, **LENIENT)
    threading.Timer(1.5, runner.close).start()
    with pytest.raises(RunFailed, match="closed while they ran"):
        runner.score(PROMPTS, COMPLETIONS)
    assert values(runner.score(["q"], ["fine"]).components["r"]) == [1.0]
    runner.close()


def test_an_interrupt_ends_what_runs(file, request):
    import _thread
    import signal
    import threading

    own = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell starts what runs in its background with interrupts ignored
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, own))
    with RewardRunner({"r": f"{file}:spins_on_bad"}, timeout=60) as runner:
        runner.score(["q"], ["fine"])
        timer = threading.Timer(0.5, _thread.interrupt_main)
        timer.start()
        began = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            runner.score(PROMPTS, COMPLETIONS)
        assert time.monotonic() - began < 10


def test_a_reward_that_always_hangs_stops_the_run_before_all_have_had_their_time(file):
    with (
        RewardRunner({"r": f"{file}:hangs"}, timeout=0.2, failure_window=10) as runner,
        pytest.raises(RunFailed, match="hung on 3 of 3"),
    ):
        runner.score(["q"] * 1000, ["x"] * 1000)


def test_two_threads_may_score_at_once(file):
    from concurrent.futures import ThreadPoolExecutor

    with RewardRunner({"length": f"{file}:lengths", "a": f"{file}:waits"}, workers=2) as runner, ThreadPoolExecutor(4) as threads:
        texts = [["x" * n, "y" * (n + 1)] for n in range(4)]
        results = list(threads.map(lambda completions: runner.score(["q", "q"], completions), texts))
    assert [result.components["length"].tolist() for result in results] == [[float(n), n + 1.0] for n in range(4)]
