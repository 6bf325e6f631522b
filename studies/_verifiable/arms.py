"""Arms: methods on tasks, each tuned by itself, and what they come to on seeds that no tuning has seen.

The machinery is the atlas': the same number of trials for every arm, a grid that goes on until its best lies inside, seeds that follow from the code that is measured
(``guerdon.atlas._tuning``, ``guerdon.atlas._fingerprint``).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from guerdon.atlas._fingerprint import CONFIRMING, fingerprint, unseen_seeds
from guerdon.atlas._system import Entry
from guerdon.atlas._tuning import Setting, middle, tune
from guerdon.atlas._working import Call, Workers, cores
from guerdon.training.recipe import Recipe
from studies._verifiable.learning import SIZES, Size, keeping, kept, learned
from studies._verifiable.tasks import TASKS

FEW = 4  # methods that are looked at in a small measurement
BESIDE = " on "  # between a method and its task, in an arm's name


@dataclass(frozen=True)
class Arms(Entry):
    """A study's module in the place of a system's file."""

    @property
    def module_name(self) -> str:
        return f"studies.{self.path.stem}"

    @property
    def helpers(self) -> tuple[Path, ...]:
        return tuple(sorted(Path(__file__).parent.glob("*.py")))


def arms(methods: Any) -> list[tuple[str, str]]:
    """Every method on every task, the first method first."""
    return [(method, task) for method in methods for task in TASKS]


def arm(method: str, task: str) -> str:
    return f"{method}{BESIDE}{task}"


def apart(name: str) -> tuple[str, str]:
    method, task = name.rsplit(BESIDE, 1)
    return method, task


def trial(
    methods: Mapping[str, Callable[..., Recipe]], study: str, name: str, seed: int, scale: str, full: Size = SIZES["full"], **setting: float
) -> dict[str, Any]:
    """One run of an arm, kept for the study; ``methods`` makes of each setting a recipe."""
    method, task = apart(name)
    return once(study, name, seed, scale, setting, lambda: learned(methods[method](**setting), task, seed, scale, full))


def once(study: str, name: str, seed: int, scale: str, setting: Mapping[str, float], made: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What an arm at a setting came to on a seed: what is kept of it, or what is made now. A small one is not kept."""
    spelled = " ".join(f"{knob} {value:g}" for knob, value in setting.items())
    return made() if scale == "smoke" else kept(study, f"{name} {spelled} seed {seed}", made)


def measured(module: ModuleType, small: bool) -> dict[str, Any]:
    """Every arm, tuned, on seeds that no tuning has seen; ``small``: a few at the middle of their grid, on one."""
    entry = Arms(Path(module.__file__))
    scale = "smoke" if small else "full"
    resumed = 0 if small else len(list(keeping(module.NAME).glob("*.json")))
    tuning = None if small else tune(entry, quiet=False)
    chosen: dict[str, Setting] = small_part(middle(entry)) if tuning is None else tuning.chosen
    seeds = unseen_seeds(fingerprint(entry), CONFIRMING, entry.count(scale))
    calls = [Call(entry.module_name, "trial", (name, seed, scale), chosen[name]) for name in chosen for seed in seeds]
    with Workers(1 if small else cores(), quiet=small) as workers:
        found = iter(workers.all(calls, entry.slug))
    runs = {name: [next(found) for _ in seeds] for name in chosen}
    return {
        "arms": {name: {"setting": chosen[name], "runs": runs[name], "trials": _trials(tuning, name)} for name in chosen},
        "at_edge": {} if tuning is None else {name: list(knobs) for name, knobs in tuning.at_edge.items()},
        "seeds": list(seeds),
        "resumed": resumed,
        "shown": {name: task.shown for name, task in TASKS.items()},
        "methods": list(dict.fromkeys(apart(name)[0] for name in chosen)),
        "tasks": list(dict.fromkeys(apart(name)[1] for name in chosen)),
    }


def small_part(chosen: dict[str, Setting]) -> dict[str, Setting]:
    """The arms of the first few methods."""
    methods = list(dict.fromkeys(apart(name)[0] for name in chosen))[:FEW]
    return {name: setting for name, setting in chosen.items() if apart(name)[0] in methods}


def _trials(tuning: Any, name: str) -> list[list[Any]]:
    return (
        []
        if tuning is None
        else [[each.setting, [round(s, 4) if s is not None else None for s in each.scores]] for each in tuning.trials if each.arm == name]
    )
