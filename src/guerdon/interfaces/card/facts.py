"""Facts for a model card: what a run's folder says of the model that came of it."""

import dataclasses
import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from guerdon.errors import InputError
from guerdon.interfaces.configuration import Configuration, from_tree, named_recipe, recipe_names
from guerdon.interfaces.configuration._yaml import parse
from guerdon.interfaces.report.figures import Figure, figures
from guerdon.interfaces.report.reading import Record, read

HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


@dataclasses.dataclass(frozen=True)
class Facts:
    """What a card says.

    Attributes:
        method: the named recipe of each stage, the nearest where it was changed, by stage ("" where there are none).
        data: what was learned from, by stage.
        base: the hub id that the model started from, or "".
        datasets: hub ids.
        settings: the configuration as YAML, "" where none was kept.
    """

    name: str
    method: dict[str, str]
    data: dict[str, str]
    base: str
    start: str
    datasets: list[str]
    figures: dict[str, list[Figure]]
    settings: str
    environment: Mapping[str, Any]
    steps: dict[str, int]


def facts(run: Path) -> Facts:
    """Read them from the run's folder."""
    records = read(run)
    configuration = _configuration(run)
    stages: dict[str, Any] = {}
    if configuration is not None:
        stages = dict(configuration.stages) or {"": configuration}
    source = _source(configuration)
    names = {name: _path(stage.task) for name, stage in stages.items()}
    several = len(records) > 1
    return Facts(
        name=run.resolve().name,
        method={name: method(stage.recipe) for name, stage in stages.items() if stage.recipe is not None},
        data={name: path for name, path in names.items() if path},
        base=source if _on_hub(source) else "",
        start="" if source is None else _at_home(source),
        datasets=sorted({path for stage in stages.values() for path in _paths(stage.task) if _on_hub(path)}),
        figures={record.title if several else "": figures(record) for record in records},
        settings=_at_home(_text(run)),
        environment={k: v for k, v in records[-1].environment.items() if k != "command" and v is not None},
        steps={record.title if several else "": record.steps for record in records if isinstance(record, Record)},
    )


def method(recipe: Any) -> str:
    """The named recipe that a recipe is, or is made of: the one with the same parts and the most settings alike. "" where none has these parts."""
    own = _leaves(recipe)
    parts = {k: v for k, v in own.items() if isinstance(v, type)}
    alike = {}
    for name, other in _named().items():
        if parts == {k: v for k, v in other.items() if isinstance(v, type)}:
            alike[name] = sum(other.get(k) == v for k, v in own.items())
    return max(alike, key=alike.get) if alike else ""


@cache
def _named() -> dict[str, dict[str, Any]]:
    return {name: _leaves(named_recipe(name)) for name in recipe_names()}


def _leaves(value: Any, place: str = "") -> dict[str, Any]:
    """Parts by their types and settings by their values; how large steps are and how many answers are drawn makes no other method."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        inner = {f.name: getattr(value, f.name) for f in dataclasses.fields(value) if f.name not in ("optimiser", "sampler")}
        return {place: type(value)} | {k: v for name, own in inner.items() for k, v in _leaves(own, f"{place}.{name}").items()}
    if isinstance(value, tuple):
        return {f"{place}.": len(value)} | {k: v for i, own in enumerate(value) for k, v in _leaves(own, f"{place}.{i}").items()}
    if isinstance(value, Mapping):
        return {k: v for name, own in value.items() for k, v in _leaves(own, f"{place}.{name}").items()}
    return {place: value}


def _configuration(run: Path) -> Configuration | None:
    try:
        return from_tree(parse(_text(run), "configuration.yaml") or {}) if _text(run) else None
    except InputError:
        return None  # of an older version, or with code that is not there: the card goes without what it would have said


def _text(run: Path) -> str:
    path = run / "configuration.yaml"
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _source(configuration: Configuration | None) -> str | None:
    model = getattr(configuration, "model", None)
    return getattr(getattr(model, "body", model), "source", None)


def _path(task: Any) -> str:
    """Where a task's rows come from: hub ids, the names of files, or the name of the task."""
    return ", ".join(_paths(task))


def _paths(task: Any) -> list[str]:
    while getattr(task, "path", None) is None and getattr(task, "of", None) is not None:
        task = task.of
    if isinstance(task, tuple):
        return list(dict.fromkeys(path for own in task for path in _paths(own)))
    path = getattr(task, "path", None)
    if path is None:
        return [] if task is None else [type(task).__module__.rpartition(".")[2]]
    return [str(one) if _on_hub(one) else Path(str(one)).name for one in (path if isinstance(path, tuple) else [path])]


def _on_hub(source: Any) -> bool:
    return isinstance(source, str) and HUB_ID.fullmatch(source) is not None and not Path(source).exists() and not Path(source).suffix


def _at_home(text: str) -> str:
    """A text without the name of the person whose folder it is."""
    return text.replace(str(Path.home()), "~") if str(Path.home()) != "/" else text


def head(found: Facts, model: Path) -> dict[str, Any]:
    """The card's front matter, with the fields that hubs know."""
    kind = _kind(model)
    labels = [name.replace("_", "-") for name in dict.fromkeys(found.method.values()) if name]
    out: dict[str, Any] = {"library_name": kind["library"], "tags": list(dict.fromkeys(["guerdon", *labels, *kind["tags"]]))}
    if kind["pipeline"]:
        out["pipeline_tag"] = kind["pipeline"]
    if found.base:
        out["base_model"] = found.base
    if found.datasets:
        out["datasets"] = found.datasets
    metrics = [
        {"type": figure.name.lower().replace(" ", "_").replace("-", "_"), "name": figure.name, "value": round(figure.after.value, 6)}
        for figure in next(reversed(found.figures.values()), [])
    ]
    if metrics and found.data:
        of = next(reversed(found.data.values()))
        result = {
            "task": {"type": kind["pipeline"] or "other"},
            "dataset": {"type": of, "name": f"held-out rows of {of}"},
            "metrics": metrics,
        }
        out["model-index"] = [{"name": found.name, "results": [result]}]
    return out


def _kind(model: Path) -> dict[str, Any]:
    """What the folder holds: adapters, a classifier, a language model, or something of our own."""
    if (model / "adapter_config.json").exists():
        return {"library": "peft", "pipeline": "text-generation", "tags": ["lora"]}
    path = model / "config.json"
    architectures = json.loads(path.read_text()).get("architectures") or [] if path.exists() else []
    if any("SequenceClassification" in name for name in architectures):
        return {"library": "transformers", "pipeline": "text-classification", "tags": ["reward-model"]}
    if any("CausalLM" in name or "LMHead" in name for name in architectures):
        own = (model / "head.safetensors").exists()
        return {
            "library": "guerdon" if own else "transformers",
            "pipeline": None if own else "text-generation",
            "tags": ["reward-model"] if own else [],
        }
    return {"library": "guerdon", "pipeline": None, "tags": []}
