"""Running: every reward over a batch of completions, whatever the functions do.

Each reward gives one component per completion. What can go wrong, and what it comes to:

    returns None                              the component does not apply to the sample: NaN
    raises, hangs, dies, or returns a         the sample is invalid: recorded with the error's text and left out by the loop;
    string, NaN or infinity                   the run goes on
    that for more than ``failure_bound``      RunFailed with the first error's text
    of the last ``failure_window`` samples
    the same in a verifier of the library     the completion is wrong: a policy must not escape its zeros by breaking what judges it
    another number of values, or no list      InputError at once: nobody can tell which value belongs to which completion
    no reward applies to a sample             the sample is invalid, but this is no failure

Where a reward runs:

    our own parts and functions               here, if they take time that is linear in the text
    parts of ours that run ``elsewhere``      in a thread, which waits for the processes that the part has of its own
    verifiers of ours that ``may_hang``       in processes that can do nothing else (``guerdon.feedback.apart``), ``timeout`` for each completion
    async functions                           on an event loop in a thread, all completions of all of them at once
    other sync functions                      in ``workers`` helper processes (one, if ``workers`` is 0), which are killed and replaced
                                              when a call takes longer than ``timeout``; with ``workers=0, timeout=None`` here
    what cannot be sent to a process          in a thread, which is abandoned at the timeout, as a thread cannot be stopped

``begin`` starts judging before all completions are there (``guerdon.feedback.arriving``): those rewards that run elsewhere and do not read
the whole batch. What they find is the same, since each sees what it would have seen.

A function that takes the whole batch (TRL's signature) is called on the batch first. If that raises or takes longer than ``timeout``, it is
called on one completion at a time to find which one it was. Functions for one completion are spread over the workers.
In a helper a function keeps what it remembers until its process is replaced, and each worker remembers for itself.
"""

import asyncio
import contextlib
import functools
import math
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from guerdon.errors import InputError, RunFailed
from guerdon.feedback import apart
from guerdon.feedback.adapters import Adapted, Call, adapt
from guerdon.feedback.arriving import Arriving
from guerdon.feedback.helpers import Failure, Helpers, Loadable
from guerdon.feedback.number import as_number
from guerdon.feedback.worker import sentence
from guerdon.parts import is_part, per_batch
from guerdon.threads import beside, waited

INAPPLICABLE = "no reward applies to it"
_LARGEST = 64 * 2**20  # bytes of a function that are sent to a helper: one that holds a model stays here
_STRAY = 8  # threads that were abandoned before the run gives up


@dataclass(frozen=True)
class Route:
    """Where a reward runs: ``submit`` starts calls, ``collect`` waits for what they come to."""

    submit: Callable[[Adapted, list[Call]], list[Future]]
    collect: Callable[[Adapted, list[Future]], list[Any]]
    aside: bool  # it runs while this thread does something else


@dataclass
class Scored:
    """The verdicts on a batch.

    Attributes:
        components: by the reward's name, [B] float64; NaN where it does not apply or failed.
        invalid: [B]; true where the sample has no reward, because one failed or none applies.
        errors: for each sample, why it is invalid, or None.
        said: by the reward's name, what it said of each sample in words ("" where nothing), of those that say something.
    """

    components: dict[str, Tensor]
    invalid: Tensor
    errors: list[str | None]
    said: dict[str, list[str]] = field(default_factory=dict)


class RewardRunner:
    """Runs named rewards. A context manager; ``close`` ends its processes and threads. Several threads may call ``score`` at once.

    Args:
        rewards: by name, functions in any signature that ``guerdon.feedback.adapters`` knows, or the text by which to load one.
        workers: helper processes for sync functions; 0 for one where there is a timeout, and none where there is not.
        timeout: seconds that a call may take; None for no limit.
        failure_bound: share of the last ``failure_window`` samples that may fail before the run stops.
        concurrency: how many completions an async function may be working on at once.
        per_batch: whether functions in TRL's signature are called on the whole batch. If false, on whole groups of completions of one prompt,
            so that judging can begin while others are sampled. What a function says of itself, by an attribute ``per_batch``, goes first.

    Attributes:
        functions: the rewards, as they were given.
    """

    def __init__(
        self,
        rewards: Mapping[str, Callable[..., Any] | str],
        *,
        workers: int = 0,
        timeout: float | None = 10.0,
        failure_bound: float = 0.2,
        failure_window: int = 100,
        concurrency: int = 64,
        per_batch: bool = True,
    ) -> None:
        if workers < 0 or (timeout is not None and timeout <= 0) or not 0 <= failure_bound <= 1 or failure_window < 1 or concurrency < 1:
            raise InputError(
                "rewards run with workers >= 0, timeout > 0 or none, failure_bound between 0 and 1, failure_window >= 1 and "
                f"concurrency >= 1, not {workers}, {timeout}, {failure_bound}, {failure_window} and {concurrency}"
            )
        self.functions = dict(rewards)
        self._options = {
            "workers": workers,
            "timeout": timeout,
            "failure_bound": failure_bound,
            "failure_window": failure_window,
            "concurrency": concurrency,
            "per_batch": per_batch,
        }
        self._rewards = {name: replace(adapt(reward, name), name=name) for name, reward in rewards.items()}
        self._workers, self._timeout, self._concurrency = workers, timeout, concurrency
        self._bound, self._recent = failure_bound, deque[str | None](maxlen=failure_window)
        self._per_batch = per_batch
        self._lock = threading.Lock()
        self._in_turn = {name: threading.Lock() for name in self._rewards}  # in a thread, a function is not called twice at once
        self._closed = 0  # how often
        self._helpers: Helpers | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._turns: dict[str, asyncio.Semaphore] = {}  # by reward, of this loop
        self._singly: set[str] = set()  # batch functions that are slow, not hung: called on one completion at a time
        self._stray = 0
        self._spread = {name for name, reward in self._rewards.items() if apart.judged_apart(reward.function)}
        self._routes = {name: self._route(reward) for name, reward in self._rewards.items()}

    def __reduce__(self) -> tuple[Any, ...]:
        """Another one with the same rewards, in whatever process: nothing of what runs here, and no failure that was seen here."""
        return functools.partial(RewardRunner, self.functions, **self._options), ()

    @property
    def _processes(self) -> int:
        """How many processes the verifiers of the library share."""
        return max(self._workers, 1)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._rewards)

    def missing(self, columns: Sequence[str]) -> dict[str, list[str]]:
        """By reward, the columns it needs that are not among ``columns``; empty if there are none."""
        return {name: lacking for name, reward in self._rewards.items() if (lacking := reward.missing(columns))}

    @property
    def early(self) -> tuple[str, ...]:
        """The rewards that can be run on a part of the batch, while something else goes on here."""
        return tuple(name for name, reward in self._rewards.items() if self._routes[name].aside and not self._reads_batch(reward))

    @property
    def reads_batch(self) -> bool:
        """Whether any reward reads more of the batch than the completions of one prompt."""
        return any(map(self._reads_batch, self._rewards.values()))

    def _reads_batch(self, reward: Adapted) -> bool:
        if reward.kind != "trl":
            return False
        said = getattr(reward.function, "per_batch", None)
        if said is None and not is_part(reward.function):
            return self._per_batch
        return per_batch(reward.function)

    def begin(self, prompts: Sequence[Any], columns: Mapping[str, Sequence[Any]]) -> Arriving:
        """Judging of a batch whose completions arrive one after another; it is handed to ``score`` when all are there."""
        return Arriving({name: self._rewards[name] for name in self.early}, self._started, prompts, columns)

    def _started(self, name: str, prompts, completions, columns, rows: Sequence[int]) -> list[tuple[Call, Future]]:
        calls = self._calls(name, prompts, completions, columns, rows)
        return list(zip(calls, self._routes[name].submit(self._rewards[name], calls), strict=True))

    def score(
        self,
        prompts: Sequence[Any],
        completions: Sequence[Any],
        columns: Mapping[str, Sequence[Any]] | None = None,
        begun: Arriving | None = None,
        watching: bool = True,
    ) -> Scored:
        """Run every reward on the batch, but for what was ``begun``. ``watching``: whether failures are counted at once, or later, with those of others (``watch``).

        Raises:
            InputError: a column is missing or of another length, or a reward does not return one value per completion.
            RunFailed: too many samples failed.
        """
        columns = columns or {}
        for name, values in (("prompts", prompts), *columns.items()):
            if len(values) != len(completions):
                raise InputError(
                    f"there are {len(completions)} completions, but {len(values)} values of {name}: give one for each completion"
                )
        if not len(completions):
            return Scored({name: torch.zeros(0, dtype=torch.float64) for name in self._rewards}, torch.zeros(0, dtype=torch.bool), [])
        started = begun.started if begun is not None else {}

        def judge(name: str) -> list[Any]:
            return self._judge(name, prompts, completions, columns, started.get(name, []))

        aside = {name: beside("guerdon-reward", judge, name) for name, route in self._routes.items() if route.aside}
        try:
            here = {name: judge(name) for name, route in self._routes.items() if not route.aside}
            outcomes = {name: waited(aside[name]) if name in aside else here[name] for name in self._rewards}
        except BaseException:
            self.close()  # what is still running is of no use any more
            raise
        scored = _scored(outcomes, len(completions))
        if watching:
            self.watch(scored)
        return _with_inapplicable(scored)

    def close(self) -> None:
        """End the helper processes and the event loop. A runner that is used again starts new ones."""
        with self._lock:
            self._closed += 1
            helpers, self._helpers = self._helpers, None
            loop, self._loop = self._loop, None
        if helpers is not None:
            helpers.close()
        if loop is not None:
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(loop.stop)

    def __enter__(self) -> "RewardRunner":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __del__(self) -> None:
        try:
            self.close()
        except Exception:  # modules may be gone by then, contextlib among them
            return

    # -- one reward over the batch

    def _calls(self, name: str, prompts, completions, columns, rows: Sequence[int]) -> list[Call]:
        reward = self._rewards[name]
        if name in self._spread:
            pieces = [rows[k :: self._processes] for k in range(self._processes)]
            return [call for piece in pieces if piece for call in reward.calls(prompts, completions, columns, piece)]
        if name in self._singly:
            return [call for row in rows for call in reward.calls(prompts, completions, columns, [row])]
        return reward.calls(prompts, completions, columns, rows)

    def _judge(self, name: str, prompts, completions, columns, started: Sequence[tuple[Call, Future]] = ()) -> list[Any]:
        """The value or the Failure of every completion."""
        reward, route = self._rewards[name], self._routes[name]
        found: list[Any] = [None] * len(completions)

        def keep(calls: list[Call], results: list[Any]) -> list[Call]:
            """Note what was found; the calls of several completions that failed are returned."""
            again = []
            for call, result in zip(calls, results, strict=True):
                failed = isinstance(result, Failure)
                if failed and len(call.rows) > 1:
                    again.append(call)
                values = [result] * len(call.rows) if failed else reward.several(call, result)
                for row, value in zip(call.rows, values, strict=True):
                    found[row] = value
            return again

        there = {row for call, _ in started for row in call.rows}
        rest = [row for row in range(len(completions)) if row not in there]
        started = [*started, *(self._started(name, prompts, completions, columns, rest) if rest else [])]
        results = route.collect(reward, [future for _, future in started])
        failed = keep([call for call, _ in started], results)
        if failed:
            calls = [call for old in failed for row in old.rows for call in reward.calls(prompts, completions, columns, [row])]
            singles = route.collect(reward, route.submit(reward, calls))
            keep(calls, singles)
            was_slow = any(isinstance(r, Failure) and r.hung for r in results) and not any(
                isinstance(r, Failure) and r.hung for r in singles
            )
            if was_slow and reward.kind == "trl":
                self._singly.add(name)
        if _is_verifier(reward):
            found = [reward.function.wrong if isinstance(value, Failure) else value for value in found]
        return found

    # -- where it runs

    def _route(self, reward: Adapted) -> Route:
        if reward.asynchronous:
            return Route(self._to_loop, self._from_loop, aside=True)
        if apart.judged_apart(reward.function):
            return Route(self._to_apart, self._from_apart, aside=True)
        if _is_ours(reward) and getattr(reward.function, "elsewhere", False):
            return Route(_waited_for, _results, aside=True)
        if _is_ours(reward) or (self._workers == 0 and self._timeout is None):
            return Route(_here, _results, aside=False)
        loadable = _loadable(reward)
        if loadable is None:
            return Route(self._to_thread, _results, aside=True)
        return Route(lambda reward, calls: self._to_helpers(loadable, calls), self._from_helpers, aside=True)

    def _to_apart(self, reward: Adapted, calls: list[Call]) -> list[Future]:
        timeout = apart.TIMEOUT if self._timeout is None else self._timeout
        return [apart.submit(reward.function, call.arguments, timeout, self._processes) for call in calls]

    def _from_apart(self, reward: Adapted, pending: list[Future]) -> list[Any]:
        try:
            return [future.result() for future in pending]
        except InputError as error:
            raise InputError(f"the reward {reward.name}: {error}") from error
        finally:
            for future in pending:
                future.cancel()

    def _to_helpers(self, loadable: Loadable, calls: list[Call]) -> list[Future]:
        with self._lock:
            if self._helpers is None:
                self._helpers = Helpers(max(self._workers, 1))
            helpers = self._helpers
        return [helpers.submit(loadable, call.arguments, self._timeout) for call in calls]

    def _from_helpers(self, reward: Adapted, pending: list[Future]) -> list[Any]:
        results: list[Any] = []
        hung = 0
        try:
            for future in pending:
                results.append(future.result())
                hung += isinstance(results[-1], Failure) and results[-1].hung
                if hung > self._bound * (self._recent.maxlen or 1):  # the run will stop: not after every completion has had its time
                    raise RunFailed(
                        f"the reward {reward.name} hung on {hung} of {len(results)} completions of one batch, {self._timeout:g} s each"
                    )
        except InputError as error:
            raise InputError(f"the reward {reward.name}: {error}") from error
        finally:
            for future in pending:
                future.cancel()
        return results

    def _to_thread(self, reward: Adapted, calls: list[Call]) -> list[Future]:
        futures: list[Future] = [Future() for _ in calls]
        beside("guerdon-reward", self._one_by_one, reward, calls, futures, self._closed)
        return futures

    def _one_by_one(self, reward: Adapted, calls: list[Call], futures: list[Future], closed: int) -> None:
        try:
            with self._in_turn[reward.name]:
                for call, found in zip(calls, futures, strict=True):
                    if self._closed != closed:
                        break
                    running = beside("guerdon-reward", _attempt, reward, call)
                    try:
                        found.set_result(running.result(self._timeout))
                    except TimeoutError:
                        self._abandon(reward)
                        found.set_result(Failure(f"took longer than {self._timeout:g} s", hung=True))
            error: BaseException = RunFailed("the rewards were closed while they ran")
        except BaseException as raised:
            error = raised
        for found in futures:
            if not found.done():
                found.set_exception(error)

    def _to_loop(self, reward: Adapted, calls: list[Call]) -> list[Future]:
        with self._lock:
            if self._loop is None:
                self._loop, self._turns = asyncio.new_event_loop(), {}
                threading.Thread(target=_run_loop, args=(self._loop,), daemon=True, name="guerdon-reward-loop").start()
            loop = self._loop
            turn = self._turns.setdefault(reward.name, asyncio.Semaphore(self._concurrency))
        futures: list[Future] = [Future() for _ in calls]
        asyncio.run_coroutine_threadsafe(_gather(reward, calls, futures, self._timeout, turn), loop)
        return futures

    def _from_loop(self, reward: Adapted, pending: list[Future]) -> list[Any]:
        patience = None
        if self._timeout is not None:
            patience = self._timeout * math.ceil(len(pending) / self._concurrency) + min(self._timeout, 5.0)
        loop = self._loop
        wait(pending, patience, return_when=FIRST_EXCEPTION)
        if all(future.done() for future in pending) or any(future.done() and future.exception() for future in pending):
            return _results(reward, [future for future in pending if future.done()])
        with self._lock:  # it blocks the loop or will not be cancelled: leave it behind, with its loop
            if self._loop is loop:
                self._loop = None
        self._abandon(reward)
        blocked = Failure("did not let go of the event loop in time", hung=True)
        return [future.result() if future.done() else blocked for future in pending]

    def _abandon(self, reward: Adapted) -> None:
        with self._lock:
            self._stray += 1
            stray = self._stray
        if stray > _STRAY:
            raise RunFailed(
                f"the reward {reward.name} hung {stray} times in a thread, where it cannot be stopped: "
                "make it a function of a module or file, which runs in a process of its own"
            )

    # -- how often it fails

    def state(self) -> dict[str, Any]:
        """What a resumed run has to know: which of the last samples failed, and why."""
        with self._lock:
            return {"recent": list(self._recent)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from ``state``."""
        with self._lock:
            self._recent.clear()
            self._recent.extend(state["recent"])

    def watch(self, scored: Scored) -> None:
        """Count the samples that failed; one to which no reward applies is none of them.

        Raises:
            RunFailed: they were too many.
        """
        with self._lock:
            self._recent.extend(None if error == INAPPLICABLE else error for error in scored.errors)
            failed = [error for error in self._recent if error is not None]
            window = self._recent.maxlen or 1
            if len(failed) > self._bound * window:
                raise RunFailed(
                    f"{len(failed)} of the last {len(self._recent)} samples could not be rewarded, more than the {self._bound:.0%} "
                    f"of {window} that are put up with; the first error was: {failed[0]}"
                )


def _attempt(reward: Adapted, call: Call) -> Any:
    try:
        return reward.function(**call.arguments)
    except InputError:
        raise
    except (Exception, SystemExit) as error:
        return Failure(f"raised {sentence(error)}")


def _here(reward: Adapted, calls: list[Call]) -> list[Future]:
    futures: list[Future] = [Future() for _ in calls]
    for call, future in zip(calls, futures, strict=True):
        future.set_result(_attempt(reward, call))
    return futures


def _waited_for(reward: Adapted, calls: list[Call]) -> list[Future]:
    """Calls that know themselves what to make of what fails: an error of theirs is the run's."""
    return [beside("guerdon-reward", functools.partial(reward.function, **call.arguments)) for call in calls]


def _results(reward: Adapted, futures: list[Future]) -> list[Any]:
    return [future.result() for future in futures]


async def _gather(reward: Adapted, calls: list[Call], futures: list[Future], timeout: float | None, turn: asyncio.Semaphore) -> None:
    """Await every call, as many at a time as ``turn`` lets through, and tell the futures what each came to as it comes."""

    async def one(call: Call) -> Any:
        async with turn:
            limit = asyncio.timeout(timeout)
            try:
                async with limit:
                    return await reward.function(**call.arguments)
            except InputError:
                raise
            except (Exception, SystemExit) as error:
                hung = limit.expired()
                return Failure(f"took longer than {timeout:g} s" if hung else f"raised {sentence(error)}", hung=hung)

    async def told(call: Call, future: Future) -> None:
        try:
            future.set_result(await one(call))
        except InputError as error:
            future.set_exception(error)
        except BaseException:
            future.set_exception(RunFailed("the rewards were closed while they ran"))
            raise

    await asyncio.gather(*(told(call, future) for call, future in zip(calls, futures, strict=True)))


def _run_loop(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
    finally:
        loop.close()


def _is_ours(reward: Adapted) -> bool:
    return (getattr(reward.function, "__module__", None) or "").partition(".")[0] == "guerdon"


def _is_verifier(reward: Adapted) -> bool:
    """Whether it is a part of the library that says right or wrong."""
    return _is_ours(reward) and is_part(reward.function) and hasattr(reward.function, "wrong")


def _loadable(reward: Adapted) -> Loadable | None:
    """The reward as another process can load it, or None where it cannot."""
    if reward.origin is not None:
        return Loadable(reward.name, "named", reward.origin)
    import cloudpickle

    try:
        pickled = cloudpickle.dumps(reward.function)
    except Exception:  # whatever a pickler meets in what the function holds
        return None
    return Loadable(reward.name, "pickled", pickled) if len(pickled) <= _LARGEST else None


def _scored(outcomes: Mapping[str, list[Any]], size: int) -> Scored:
    components = {}
    errors: list[str | None] = [None] * size
    for name, values in outcomes.items():
        component = torch.full((size,), torch.nan, dtype=torch.float64)
        for row, value in enumerate(values):
            number = as_number(value)
            if isinstance(number, Failure):
                errors[row] = errors[row] or f"the reward {name} {number.text}"
            elif number is not None:
                component[row] = number
        components[name] = component
    said = {name: [str(getattr(value, "said", "")) for value in values] for name, values in outcomes.items()}
    said = {name: texts for name, texts in said.items() if any(texts)}
    return Scored(components, torch.tensor([error is not None for error in errors]), errors, said)


def _with_inapplicable(scored: Scored) -> Scored:
    """A sample to which no reward applies is invalid as well."""
    if not scored.components:
        return scored
    nothing = torch.stack(list(scored.components.values())).isnan().all(0)
    errors = [error or (INAPPLICABLE if none else None) for error, none in zip(scored.errors, nothing.tolist(), strict=True)]
    return replace(scored, invalid=scored.invalid | nothing, errors=errors)
