"""Rewards run while sampling goes on: the same calls, the same verdicts, the same errors, and nothing left behind."""

import asyncio
import dataclasses
import threading
import time
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from guerdon.acting.samplers.best_of_n import BestOfN
from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.errors import InputError, RunFailed
from guerdon.feedback.arriving import Overlap
from guerdon.feedback.rewards.math_equivalence import MathEquivalence
from guerdon.feedback.rewards.number_match import NumberMatch
from guerdon.feedback.running import RewardRunner
from guerdon.losses.surrogates.clip import Clip
from guerdon.models.finite.tabular import Tabular
from guerdon.models.language import sampling
from guerdon.models.language.small_language_model import SmallLanguageModel
from guerdon.parts import wants
from guerdon.sequences import Decoding
from guerdon.tasks.encoding import Encoder
from guerdon.training.display import Silent
from guerdon.training.jobs import ImproveJob
from guerdon.training.judging import TextScene
from guerdon.training.overlapping import Overlapping
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.training.run import read_lines
from guerdon.training.spreading import watched
from guerdon.worlds.text.sort_letters import SortLetters

TASK = SortLetters(length=3, alphabet="abcd", train_size=64, test_size=8)
MODEL = SmallLanguageModel(TASK.characters, layers=1, hidden=16, heads=2, context_length=32)
POLICY = MODEL.build(0)
ROWS = [TASK.train()[i] for i in range(4)]
DECODING = Decoding(8)
LENIENT = {"failure_bound": 1.0}


async def length(completion):
    return float(len(completion))


async def some_fail(completion):
    if "a" in completion:
        raise ValueError("no a")
    return 1.0


async def rank(completions, answers):
    """Compares the completions of a group."""
    return [float(sum(other < own for other in completions)) for own in completions]


async def rank_in_batch(completions, **columns):
    return [float(sum(other < own for other in completions)) for own in completions]


def scene(**rewards) -> TextScene:
    return TextScene(Encoder(POLICY.tokenizer, POLICY.context_length), RewardRunner(rewards, **LENIENT))


def act(where, sampler=Group(4), early=True, seed=3):
    acting = Overlapping(where)
    acting.worthwhile = early
    return acting(sampler, POLICY, where.contexts(ROWS), DECODING, ROWS, (seed, 0))


def same(a, b) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[k].nan_to_num(-9.0), b[k].nan_to_num(-9.0)) for k in a)


# the same calls and verdicts


@st.composite
def arrivals(draw):
    """Which prompt each completion answers (prompts may be equal), and the order in which they come, in portions; some do not come early."""
    prompts = draw(st.lists(st.sampled_from("pqr"), min_size=1, max_size=9))
    order = draw(st.permutations(range(len(prompts))))
    cuts = sorted(draw(st.sets(st.integers(1, len(prompts)), max_size=4)))
    return prompts, [list(order[i:j]) for i, j in zip([0, *cuts], cuts, strict=False)]


@settings(max_examples=25, deadline=None)
@given(arrivals())
def test_every_function_sees_what_it_would_have_seen(arrival):
    prompts, portions = arrival
    completions = [f"c{row}" for row in range(len(prompts))]
    columns = {"answer": [row % 3 for row in range(len(prompts))]}
    calls: dict[str, list] = {"one": [], "group": [], "batch": []}

    async def one(completion, answer):
        calls["one"].append(completion)
        if answer == 2:
            raise ValueError("two")
        return answer

    async def group(completions, answers):
        calls["group"].append(tuple(completions))
        return [len(completions) + float(c[1:]) for c in completions]

    async def batch(completions, **_):
        calls["batch"].append(tuple(completions))
        return [float(c[1:]) / len(completions) for c in completions]

    with RewardRunner({"one": one, "group": group, "batch": batch}, **LENIENT) as runner:
        assert runner.early == ("one", "group")
        whole = runner.score(prompts, completions, columns)
        expected = {name: sorted(found) for name, found in calls.items()}
        for found in calls.values():
            found.clear()
        begun = runner.begin(prompts, columns)
        for portion in portions:
            begun.add(portion, [completions[row] for row in portion])
        there = {row for portion in portions for row in portion}
        assert {row for call, _ in begun.started["one"] for row in call.rows} == there
        missing = {prompts[row] for row in range(len(prompts)) if row not in there}
        assert {row for call, _ in begun.started["group"] for row in call.rows} == {
            row for row, p in enumerate(prompts) if p not in missing
        }
        split = runner.score(prompts, completions, columns, begun)
    assert same(split.components, whole.components) and split.errors == whole.errors
    assert split.invalid.tolist() == whole.invalid.tolist()
    # (a function that raised is asked again; in either case as often)
    assert {name: sorted(found) for name, found in calls.items()} == expected


@pytest.mark.parametrize("at_once", [256, 5])
def test_rollouts_and_verdicts_are_the_same_to_the_bit(at_once, monkeypatch):
    monkeypatch.setattr(sampling, "ROWS_AT_ONCE", at_once)
    where = scene(length=length, fails=some_fail, rank=rank, batch=rank_in_batch, here=NumberMatch())
    one, other = (act(where, early=early) for early in (True, False))
    where.close()
    assert torch.equal(one[0].actions, other[0].actions) and torch.equal(one[0].context, other[0].context)
    assert all(torch.equal(one[0].quantities[k], other[0].quantities[k]) for k in ("old_logp", "terminated"))
    assert same(one[1].scored.components, other[1].scored.components)
    assert one[1].scored.errors == other[1].scored.errors and any(one[1].scored.errors) and not all(one[1].scored.errors)
    assert one[1].completions == other[1].completions and one[1].prompts == other[1].prompts


def test_whole_runs_are_the_same_to_the_bit(tmp_path: Path, monkeypatch):
    recipe = Recipe((Term(Clip()),), advantage=GroupCentred())
    job = ImproveJob(recipe, TASK, {"r": length, "f": some_fail}, LENIENT, DECODING, Budget(steps=3, batch_size=4))
    assert RewardRunner({"r": length}).early == ("r",)
    monkeypatch.setattr("guerdon.training.overlapping._WORTHWHILE", 0.0)  # at every step
    early = job(MODEL.build(0), {}, 0, tmp_path / "early", Silent())
    monkeypatch.setattr(RewardRunner, "early", ())
    after = job(MODEL.build(0), {}, 0, tmp_path / "after", Silent())
    one, other = early.model.module.state_dict(), after.model.module.state_dict()
    assert all(torch.equal(one[k], other[k]) for k in one)
    assert (tmp_path / "early/completions.jsonl").read_text() == (tmp_path / "after/completions.jsonl").read_text()
    assert {"time/sampling", "time/rewards", "time/rewards_hidden"} <= early.history[1].keys()
    assert early.history[1]["time/rewards_hidden"] > 0 == after.history[1]["time/rewards_hidden"]


def test_which_rewards_begin_early():
    def of_batch(completions, **_):
        return [0.0 for _ in completions]

    def of_groups(completions, **_):
        return [0.0 for _ in completions]

    of_groups.per_batch = False
    rewards = {"here": NumberMatch(), "helper": MathEquivalence(), "batch": of_batch, "groups": of_groups, "one": length}
    assert RewardRunner(rewards).early == ("helper", "groups", "one")
    assert RewardRunner(rewards, per_batch=False).early == ("helper", "batch", "groups", "one")
    of_batch.per_batch = True
    assert RewardRunner(rewards, per_batch=False).early == ("helper", "groups", "one")
    assert RewardRunner({"here": NumberMatch()}).early == () and scene(here=NumberMatch()).begin(ROWS, 0) is None


def test_a_sampler_that_chooses_among_what_it_drew_is_not_told_of_it():
    assert "finished" in wants(Group()) and "finished" in wants(POLICY.sample) and "finished" not in wants(BestOfN())
    drawn = Group(2)(Tabular(1, 3).build(), [torch.tensor([0])], Decoding(1), 0, finished=lambda *_: pytest.fail("it cannot tell"))
    assert len(drawn) == 2


def test_a_sampler_that_returns_something_else_is_found_out():
    @dataclasses.dataclass(frozen=True)
    class Drops:
        def __call__(self, policy, contexts, decoding, seed, finished=None):
            drawn = Group(4)(policy, contexts, decoding, seed, finished)
            return drawn.select(torch.arange(1, len(drawn)))

    with pytest.raises(InputError, match="other sequences than those"):
        act(scene(length=length), Drops())


# the order of events


@dataclasses.dataclass(frozen=True)
class Watched:
    """Group, which after the first completions have ended waits until ``until`` is set, and says when it has drawn all."""

    until: threading.Event
    events: list

    def __call__(self, policy, contexts, decoding, seed, finished=None):
        def told(rollouts, rows):
            finished(rollouts, rows)
            assert self.until.wait(30)

        drawn = Group(4)(policy, contexts, decoding, seed, told if finished is not None else None)
        self.events.append("all are drawn")
        return drawn


def test_a_slow_reward_is_over_before_sampling_is():
    events, over = [], threading.Event()

    async def slow(completion):
        if "a reward begins" not in events:
            events.append("a reward begins")
            await asyncio.sleep(0.05)
            events.append("it is over")
            over.set()
        return 0.0

    where = scene(slow=slow)
    *_, seconds = act(where, Watched(over, events))
    assert events == ["a reward begins", "it is over", "all are drawn"]
    assert 0.05 <= seconds["rewards_hidden"] <= seconds["sampling"]
    events.clear()
    act(where, Watched(over, events), early=False)
    where.close()
    assert events == ["all are drawn", "a reward begins", "it is over"]


def test_a_group_is_judged_when_it_is_whole_and_a_batch_when_it_is():
    seen, judged = [], threading.Event()

    async def group(completions, answers):
        seen.append(len(completions))
        judged.set()
        return [0.0 for _ in completions]

    async def batch(completions, **_):
        seen.append("all")
        return [0.0 for _ in completions]

    class Sampler:
        def __call__(self, policy, contexts, decoding, seed, finished=None):
            drawn = Group(4)(policy, contexts, decoding, seed)
            finished(drawn, torch.tensor([8, 4, 5, 9, 6]))
            assert not judged.wait(0.1) and not seen
            finished(drawn, torch.tensor([7]))
            assert judged.wait(30) and seen == [4]
            return drawn

    where = scene(group=group, batch=batch)
    act(where, Sampler())
    where.close()
    assert sorted(map(str, seen)) == ["4", "4", "4", "4", "all"]


def test_no_more_calls_at_once_than_concurrency_allows():
    running, most = 0, []

    async def one(completion):
        nonlocal running
        running += 1
        most.append(running)
        await asyncio.sleep(0.01)
        running -= 1
        return 0.0

    with RewardRunner({"one": one}, concurrency=3) as runner:
        begun = runner.begin(["q"] * 12, {})
        for row in range(8):
            begun.add([row], ["c"])
        runner.score(["q"] * 12, ["c"] * 12, {}, begun)
    assert max(most) == 3 and len(most) == 12


def test_a_function_that_stays_in_a_thread_is_called_once_at_a_time():
    lock, calls = threading.Lock(), []  # a lock cannot be sent to another process

    def one(completion):
        assert lock.acquire(blocking=False)
        time.sleep(0.002)
        lock.release()
        calls.append(completion)
        return float(len(calls))

    with RewardRunner({"one": one}) as runner:
        begun = runner.begin(["q"] * 6, {})
        for row in range(4):
            begun.add([row], [str(row)])
        scored = runner.score(["q"] * 6, [str(row) for row in range(6)], {}, begun)
    assert not scored.invalid.any() and sorted(calls) == [str(row) for row in range(6)]


def test_fast_rewards_are_left_for_afterwards():
    where = scene(length=length)
    acting = Overlapping(where)
    for rewards, again in ((0.005, False), (0.5, True)):
        begun = where.begin

        class Slow:
            def judge(self, rollouts, rows, seed, begun=None, seconds=rewards):
                time.sleep(seconds)

            begin, close = staticmethod(begun), where.close

        acting.scene, acting.worthwhile = Slow(), False

        def sampler(*_, finished=None):
            time.sleep(0.2)

        acting(sampler, POLICY, [], DECODING, ROWS, (0, 0))
        assert acting.worthwhile is again
    where.close()


def test_the_time_that_is_hidden_is_counted_once():
    from concurrent.futures import Future

    clock, futures = Overlap(), [Future(), Future()]
    for future in futures:
        clock.follow(future)
    time.sleep(0.02)
    futures[0].set_result(1)
    assert clock.seconds >= 0.02
    futures[1].set_result(1)
    total = clock.seconds
    time.sleep(0.01)
    assert clock.seconds == total
    done = Future()
    done.set_result(1)
    clock.follow(done)
    assert total <= clock.seconds < total + 0.01


# what goes wrong


def ours() -> set[threading.Thread]:
    """Threads that rewards run in."""
    return {t for t in threading.enumerate() if t.name.startswith("guerdon-reward")}


def soon(true) -> bool:
    """Whether something comes true within ten seconds."""
    return any(true() or time.sleep(0.05) for _ in range(200))


@pytest.mark.parametrize("kind", ["helper", "loop", "thread"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_interrupt_while_sampling_leaves_nothing_behind(kind, error, tmp_path: Path):
    (tmp_path / "mine.py").write_text("import time\ndef sleeps(completion):\n    time.sleep(1000)\n")
    before, begun, release, processes = ours(), threading.Event(), threading.Event(), []

    async def waits(completion):
        begun.set()
        await asyncio.sleep(1000)

    def holds(completion):
        begun.set()
        release.wait(5)  # a thread cannot be stopped; it calls no further function once this one returns
        return 0.0

    class Interrupted:
        def __call__(self, policy, contexts, decoding, seed, finished=None):
            def told(rollouts, rows):
                finished(rollouts, rows)
                if kind == "helper":
                    helper = where.rewards._helpers._processes[0]
                    assert soon(lambda: "r" in helper._loaded)
                    processes.append(helper._popen)
                else:
                    assert begun.wait(30)
                raise error

            Group(4)(policy, contexts, decoding, seed, told)

    reward = {"helper": f"{tmp_path / 'mine.py'}:sleeps", "loop": waits, "thread": holds}[kind]
    where = scene(r=reward)
    with pytest.raises(error):
        act(where, Interrupted())
    release.set()
    assert len(processes) == (kind == "helper") and all(process.poll() is not None for process in processes)
    assert soon(lambda: ours() <= before)


def test_a_missing_column_is_refused_in_the_same_words():
    async def asks(completion, colour):
        return 0.0

    said = []
    for early in (True, False):
        with pytest.raises(InputError, match="colour") as refused:
            act(scene(r=asks), early=early)
        said.append(str(refused.value))
    assert said[0] == said[1]


def test_too_many_failures_stop_the_run_in_the_same_words():
    said = []
    for early in (True, False):
        where = TextScene(Encoder(POLICY.tokenizer, POLICY.context_length), RewardRunner({"r": some_fail}, failure_bound=0.01))
        with pytest.raises(RunFailed, match="could not be rewarded") as failed:
            watched(where, act(where, early=early)[1])
        said.append(str(failed.value))
    assert said[0] == said[1]


# what a resumed run knows


def fussy(prompt, completion):
    if prompt[:1] in "ab":
        raise ValueError("not this one")
    return float(len(completion))


class Killed(Silent):
    """Ends the run when the figures of a step are shown: before it is saved."""

    def __init__(self, at: int):
        self.at = at

    def step(self, done, metrics):
        if done == self.at:
            raise KeyboardInterrupt


def test_a_resumed_run_stops_where_the_whole_one_does(tmp_path: Path, monkeypatch):
    recipe = Recipe((Term(Clip()),), advantage=GroupCentred())
    running = {"timeout": None, "failure_bound": 0.3, "failure_window": 160}
    job = ImproveJob(recipe, TASK, {"r": fussy}, running, DECODING, Budget(steps=12, batch_size=4, save_every=1, evaluation_rows=2))

    def stops_after(name: str) -> tuple[int, str]:
        with pytest.raises(RunFailed, match="could not be rewarded") as failed:
            job(MODEL.build(0), {}, 0, tmp_path / name, Silent())
        return [row["step"] for row in read_lines(tmp_path / name / "metrics.jsonl")][-1], str(failed.value)

    whole = stops_after("whole")
    assert whole[0] >= 2
    for name in ("cut", "forgetful"):
        with pytest.raises(KeyboardInterrupt):
            job(MODEL.build(0), {}, 0, tmp_path / name, Killed(whole[0]))
    assert stops_after("cut") == whole
    monkeypatch.setattr(RewardRunner, "restore", lambda self, state: None)
    assert stops_after("forgetful") != whole  # so this tells whether the window is remembered
