"""Driving: what every loop shares. Steps, metrics, evaluation, checkpoints, resuming, Ctrl-C."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from typing import Any, Protocol

import torch

from guerdon.errors import InputError, RunFailed
from guerdon.processes import here
from guerdon.saying import listening
from guerdon.stopping import when_asked_to_stop
from guerdon.training import knobs
from guerdon.training.best import Best
from guerdon.training.display import Display
from guerdon.training.recipe import Budget
from guerdon.training.run import Run, refuse_fewer


class Stepped(Protocol):
    """A loop's own half: one step, its state, its evaluation."""

    def step(self, step: int) -> dict[str, float]: ...

    def evaluate(self, step: int) -> dict[str, float]: ...

    def state(self) -> dict[str, Any]: ...

    def restore(self, state: Mapping[str, Any]) -> None: ...


class Interrupted(RunFailed):
    """Ctrl-C or SIGTERM: the step was finished and saved. Of several processes all know it."""

    told = True


def drive(loop: Stepped, what: str, budget: Budget, run: Run | None, display: Display, model: Any) -> list[dict[str, float]]:
    """Run ``loop`` from where the run left off to ``budget.steps``, and return what was logged (by this process and those before it).

    Raises:
        InputError: gradients are switched off around it, so that it would go through all steps and learn nothing.
    """
    if not torch.is_grad_enabled():
        raise InputError(
            f"{what} was called where gradients are switched off (torch.no_grad, torch.inference_mode), and would learn nothing; call it outside"
        )
    history: list[dict[str, float]] = []
    start = 0
    best = Best(budget, run, model)
    with (
        nullcontext() if run is None else run.writing(),
        deterministic(budget.deterministic),
        patient(display) as asked_to_stop,
        listening(display.say),
        reporters(budget, run) as report,
    ):
        if run is not None:
            resumed = run.resume()
            for note in run.notes:
                display.say(note)
            if resumed is not None:
                start, state = resumed
                refuse_fewer(run.folder, start, budget.steps)
                loop.restore(state)
                best.restore(state.get("best"))
                history = run.metrics()
                display.say(f"going on from step {start} of {budget.steps}")
                for note in stretched(loop, run.steps_before, budget.steps, start):
                    display.say(note)
            else:
                best.forget()
        display.start(what, start, budget.steps)

        def log(step: int, metrics: dict[str, float]) -> None:
            history.append({"step": step, **metrics})
            display.step(step, metrics)
            report(step, metrics)
            if run is not None:
                run.log(step, metrics)

        try:
            if start == 0:
                first = loop.evaluate(0)
                best.see(0, first)
                log(0, first)
            for step in range(start + 1, budget.steps + 1):
                if best.exhausted:
                    break
                begun = time.perf_counter()
                metrics = loop.step(step)
                metrics["step_time"] = time.perf_counter() - begun
                if step == budget.steps or due(step, budget.evaluate_every):
                    evaluated = loop.evaluate(step)
                    best.see(step, evaluated)
                    metrics |= evaluated
                    if best.exhausted and step < budget.steps:
                        metrics["stopped_early"] = 1.0
                log(step, metrics)
                stopping = here().any(asked_to_stop.is_set())
                if run is not None and (step == budget.steps or due(step, budget.save_every) or stopping or best.exhausted):
                    run.save(step, {**loop.state(), "best": best.state()}, model)
                    best.prune()
                if stopping:  # also after the last step: a stage may follow, or whoever asked waits for a check
                    where = f"; saved in {run.folder}: the same command goes on from there" if run else ""
                    raise Interrupted(f"stopped after step {step} of {budget.steps}{where}")
        finally:
            display.stop()
        best.conclude(history[-1]["step"], display)
    return history


def stretched(loop: Any, before: int | None, now: int, start: int) -> list[str]:
    """What a run that was given another number of steps is to be told: schedules are of progress, which is now of another whole."""
    recipe, said = getattr(loop, "recipe", None), []
    if before in (None, now):
        return []
    if found := knobs.schedules(recipe):
        schedule = next(iter(found.values()))
        values = f"{schedule(start / before):.3g} before and {schedule((start + 0.5) / now):.3g} from now on"
        said.append(
            f"the run was begun with {before} steps and has {now} now, over which its schedules stretch ({', '.join(found)}: {values}), so that it is not the run "
            "that had them from the start; without schedules it would be"
        )
    if start + getattr(recipe, "ahead", 0) > before:
        said.append(
            f"the run was to end at step {before}, beyond which nothing was drawn ahead: the first rollouts after it are of a policy less old than they would be in a "
            "run that had all steps from the start"
        )
    return said


def due(step: int, every: int) -> bool:
    """Whether something that happens every so many steps happens now."""
    return every > 0 and step % every == 0


@contextmanager
def deterministic(on: bool) -> Iterator[None]:
    """Only deterministic kernels inside. What is allocated is not filled first, as torch would then do with every tensor: nothing here reads what it
    has not written, and the writing took a twentieth of a step."""
    before, filling = torch.are_deterministic_algorithms_enabled(), torch.utils.deterministic.fill_uninitialized_memory
    torch.use_deterministic_algorithms(on or before)
    torch.utils.deterministic.fill_uninitialized_memory = filling and before
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)
        torch.utils.deterministic.fill_uninitialized_memory = filling


@contextmanager
def patient(display: Display) -> Iterator[threading.Event]:
    """Ctrl-C, and the SIGTERM with which clusters and containers announce the end, set the event instead of raising; a second one raises at once."""
    asked = threading.Event()

    def handle(number: int) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()
        with suppress(RuntimeError):  # somebody may be writing to the same stream just now
            display.say("stopping once this step is finished and saved; asked again, at once")

    with when_asked_to_stop(handle):
        yield asked


@contextmanager
def reporters(budget: Budget, run: Run | None) -> Iterator[Callable[[int, Mapping[str, float]], None]]:
    """A function that passes metrics on to every tracker in ``report_to``.

    Raises:
        InputError: a tracker is unknown or not installed.
    """
    from guerdon.training.trackers import tracker

    opened = [tracker(name, run) for name in budget.report_to if here().first]
    try:
        yield lambda step, metrics: [each.log(step, metrics) for each in opened] and None
    finally:
        for each in opened:
            each.close()
