"""Stages and pipelines: loops one after the other, each finished stage kept under a key of everything that went into it.

Pipeline(
    SmallLanguageModel("abc>"),
    Stage("sft", FitJob(sft, demonstrations)),
    Stage("pairs", SearchJob(task, curate=BestWorstPairs()), start="sft"),
    Stage("dpo", FitJob(dpo, "pairs"), start="sft"),
    Stage("rl", ImproveJob(grpo, task), start="dpo"),
).run(seed=0)
"""

import dataclasses
import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import torch

import guerdon
from guerdon.catalogue import unknown
from guerdon.errors import InputError
from guerdon.keeping import cache_folder
from guerdon.models import Model
from guerdon.processes import here
from guerdon.tasks.sampled import written
from guerdon.training.display import Display, Silent
from guerdon.training.sources import of_named


@dataclass
class Outputs:
    """What a stage leaves: a model (None where it trains none), rows, and what was logged."""

    model: Model | None = None
    rows: list[dict[str, Any]] = field(default_factory=list)
    history: list[dict[str, float]] = field(default_factory=list)


class Job(Protocol):
    """A loop with everything that it is called with, as a value. ``builds``: the specification of the model that it trains, None for the
    pipeline's."""

    builds: Any

    def __call__(self, model: Model, done: Mapping[str, Outputs], seed: int, folder: Path | None, display: Display) -> Outputs: ...


@dataclass(frozen=True)
class Stage:
    """One step of a pipeline.

    Attributes:
        start: the stage whose model this one starts from; "" starts from the pipeline's own.
    """

    name: str
    job: Job
    start: str = ""


class Pipeline:
    """A model's specification and the stages that it goes through."""

    def __init__(self, model: Any, *stages: Stage):
        self.model, self.stages = model, stages
        names = [stage.name for stage in stages]
        for i, stage in enumerate(stages):
            if stage.start and stage.start not in names[:i]:
                raise InputError(f"stage {stage.name!r} starts from {unknown('stage', stage.start, names[:i])}")
        if len(set(names)) < len(names):
            raise InputError(f"two stages have the same name; there are {', '.join(names)}")

    def run(self, seed: int = 0, folder: Path | None = None, display: Display = Silent(), cached: bool = True) -> dict[str, Outputs]:
        """Run every stage that is not yet in the cache, and return the outputs of all by name.

        Args:
            folder: each stage keeps its run in ``folder/NAME``; None keeps no run.
            cached: take finished stages from the cache, and put them there.
        """
        done: dict[str, Outputs] = {}
        keys: dict[str, str | None] = {}
        contents: list[str] = [of_named(self.model)] if cached else []
        for i, stage in enumerate(self.stages):
            contents += [of_named(stage.job)] if cached else []
            key = keys[stage.name] = _key(self.model, self.stages[: i + 1], seed, contents) if cached else None
            place = cache_folder("stages") / key if key else None
            model = self._model_for(stage, done, seed)
            if place is not None and all(
                here().each(lambda kept=place: (kept / "done").exists())
            ):  # on other machines there may be another cache
                done[stage.name] = _load(place, model)
                display.say(f"{stage.name}: taken from the cache")
                continue
            out = stage.job(model, done, seed, folder / stage.name if folder else None, display)
            done[stage.name] = out
            if place is not None:
                _store(place, out)
        return done

    def _model_for(self, stage: Stage, done: Mapping[str, Outputs], seed: int) -> Model:
        """A fresh model with the parameters of the stage that this one starts from."""
        specification = self.model if stage.job.builds is None else stage.job.builds
        model = specification.build(seed)
        start = done[stage.start].model if stage.start else None
        if start is not None:
            adopt(model, start)
        return model


def adopt(model: Model, start: Model) -> None:
    """Give ``model`` the parameters of ``start``: all of them, or those of its body where it has a new head.

    Raises:
        InputError: the two have no parameters in common.
    """
    given = start.module.state_dict()
    own = model.module.state_dict()
    if not own.keys() & given.keys():
        given = {f"body.{name}": value for name, value in given.items()}
    shared = {name: value for name, value in given.items() if name in own and own[name].shape == value.shape}
    if not shared:
        raise InputError(f"a {type(model).__name__} cannot start from a {type(start).__name__}: they have no parameters in common")
    model.module.load_state_dict(shared, strict=False)


def rounds(count: int, make: Any) -> tuple[Stage, ...]:
    """``make(i)`` for i in 0..count-1, which returns the stages of a round: the way to repeat stages with names of their own."""
    return tuple(stage for i in range(count) for stage in make(i))


def _key(model: Any, stages: tuple[Stage, ...], seed: int, contents: list[str]) -> str | None:
    """A digest of everything that goes into the last of ``stages``, ``contents`` of what they only name; None where something in it has no stable
    description."""
    text = repr((model, stages, seed, contents, torch.__version__, source_digest()))
    return None if " at 0x" in text else hashlib.sha256(text.encode()).hexdigest()[:32]


@cache
def source_digest() -> str:
    """A digest of the library's own code (without the atlas, which only calls it)."""
    digest = hashlib.sha256()
    root = Path(guerdon.__file__).parent
    for path in sorted(root.rglob("*.py")):
        if path.relative_to(root).parts[0] not in ("atlas", "interfaces"):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _store(place: Path, out: Outputs) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(dir=place.parent, prefix="draft-"))
    if out.model is not None:
        torch.save(out.model.module.state_dict(), draft / "parameters.pt")
    (draft / "outputs.json").write_text(json.dumps({"rows": [written(row) for row in out.rows], "history": out.history}))
    (draft / "done").touch()
    try:
        draft.rename(place)
    except OSError:  # another process was faster
        shutil.rmtree(draft, ignore_errors=True)


def _load(place: Path, model: Model) -> Outputs:
    kept = json.loads((place / "outputs.json").read_text())
    parameters = place / "parameters.pt"
    if parameters.exists():
        model.module.load_state_dict(torch.load(parameters, weights_only=True))
    return Outputs(model if parameters.exists() else None, kept["rows"], kept["history"])


def describe(value: Any) -> Any:
    """A specification as plain data, for a run's configuration."""
    value = getattr(value, "stands_for", value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {"part": type(value).__name__, **{f.name: describe(getattr(value, f.name)) for f in dataclasses.fields(value)}}
    if isinstance(value, Mapping):
        return {str(k): describe(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [describe(v) for v in value]
    return value if isinstance(value, (int, float, str, bool, type(None))) else repr(value)
