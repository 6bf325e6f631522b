"""The sections of a configuration: what they hold, and what may be written in their place for short."""

import importlib
import pkgutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

from guerdon.catalogue import unknown
from guerdon.errors import InputError
from guerdon.interfaces.configuration import _rewards, _rooms
from guerdon.interfaces.configuration._build import MISSING, build, instance
from guerdon.sequences import Decoding
from guerdon.training.placements import Placement
from guerdon.training.recipe import Budget, Recipe


@dataclass(frozen=True)
class Rewards:
    """How completions are rewarded.

    Attributes:
        functions: by the name of the component: a part, or ``file.py:function`` or ``package.module:function`` in any of the usual signatures.
            None: the task's own reward. Those that the policy makes itself (``feedback.intrinsic``) go beside the recipe's own.
        watched: components that are measured and logged (``monitor/...``), and not learned from.
        workers, timeout, failure_bound, failure_window, concurrency, per_batch: see ``guerdon.feedback.running.RewardRunner``.
    """

    functions: Mapping[str, Any] = field(default_factory=dict)
    watched: tuple[str, ...] = ()
    workers: int = 0
    timeout: float | None = 10.0
    failure_bound: float = 0.2
    failure_window: int = 100
    concurrency: int = 64
    per_batch: bool = True

    @property
    def options(self) -> dict[str, Any]:
        """What the runner is called with besides the functions."""
        names = ("workers", "timeout", "failure_bound", "failure_window", "concurrency", "per_batch")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class Encoding:
    """What is done with text that is too long, and with rows that cannot be learned from.

    Attributes:
        max_prompt_length: tokens left to a prompt; None: what the context and the completion leave.
        truncate: "" refuses a row that does not fit, "prompt", "completion" and "both" cut it (counted), "drop" leaves it out (counted).
        wrong: "refuse" stops at the first row that cannot be learned from and says why; "drop" leaves such rows out, and says how many by what is wrong.
    """

    max_prompt_length: int | None = None
    truncate: Literal["", "prompt", "completion", "both", "drop"] = ""
    wrong: Literal["refuse", "drop"] = "refuse"


@dataclass(frozen=True)
class Stage:
    """A stage of a pipeline: a loop, the stage whose model it starts from ("" the pipeline's own), and sections of its own."""

    loop: Literal["fit", "improve"]
    start: str = ""
    task: Any = None
    recipe: Recipe | None = None
    model: Any = None
    reward: Rewards = Rewards()
    decoding: Decoding = Decoding()
    budget: Budget = Budget()
    encoding: Encoding = Encoding()
    placement: Placement | None = None
    views: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Configuration:
    """Everything that a run is made from. ``views``: whom names with a view ask, such as a teacher: a model, a part of ``models.views``, or, in a pipeline, the name of
    an earlier stage."""

    model: Any = None
    task: Any = None
    recipe: Recipe | None = None
    reward: Rewards = Rewards()
    decoding: Decoding = Decoding()
    budget: Budget = Budget()
    encoding: Encoding = Encoding()
    placement: Placement | None = None
    views: Mapping[str, Any] = field(default_factory=dict)
    run: str | None = None
    stages: Mapping[str, Stage] = field(default_factory=dict)


SECTIONS = tuple(Configuration.__dataclass_fields__)
COMMON = ("task", "recipe", "reward", "decoding", "budget", "encoding", "placement", "views")  # sections that a stage may have of its own


def sections(tree: Mapping[str, Any]) -> Configuration:
    """The configuration that a whole tree describes.

    Raises:
        InputError: the first thing in it that is wrong, with its dotted place.
    """
    for key in tree:
        if key not in SECTIONS:
            raise InputError(unknown("section", str(key), list(SECTIONS)))
    whole = _common(tree, "", Configuration())
    whole |= {"model": model(tree.get("model"), "model", whole["task"])}
    run = tree.get("run")
    if run is not None and not isinstance(run, str):
        raise InputError(f"run: the folder of the run is expected, not {run!r}")
    return Configuration(**whole, run=run, stages=_stages(tree.get("stages"), whole))


def _common(tree: Mapping[str, Any], prefix: str, base: Any, earlier: Collection[str] = ()) -> dict[str, Any]:
    """The sections that both a configuration and a stage have. ``earlier``: stages whose models there are."""
    at = f"{prefix}." if prefix else ""
    plain = {"decoding": Decoding, "budget": Budget, "encoding": Encoding}
    out = {
        "task": task(tree["task"], f"{at}task", base.task) if "task" in tree else base.task,
        "recipe": recipe(tree["recipe"], f"{at}recipe", base.recipe) if "recipe" in tree else base.recipe,
        "reward": rewards(tree["reward"], f"{at}reward", base.reward) if "reward" in tree else base.reward,
    }
    for name, kind in plain.items():
        there = getattr(base, name)
        given = tree.get(name)
        out[name] = there if given is None else build(kind, given, f"{at}{name}", there)
    there = MISSING if base.placement is None else base.placement
    out["views"] = views(tree["views"], f"{at}views", out["task"], earlier) if "views" in tree else base.views
    out["placement"] = build(Placement | None, tree["placement"], f"{at}placement", there) if "placement" in tree else base.placement
    return out


def _stages(raw: Any, whole: Mapping[str, Any]) -> dict[str, Stage]:
    if raw is None:
        return {}
    if not isinstance(raw, Mapping):
        raise InputError("stages: names with settings are expected, such as {sft: {loop: fit, ...}, rl: {loop: improve, ...}}")
    stages: dict[str, Stage] = {}
    base = Configuration(**whole)
    known = ["loop", "start", "model", *COMMON]
    for name, tree in raw.items():
        place = f"stages.{name}"
        if not isinstance(tree, Mapping):
            raise InputError(f"{place}: settings are expected ({', '.join(known)})")
        for key in tree:
            if key not in known:
                raise InputError(f"{place}.{key}: {unknown('key', str(key), known)}")
        own = _common(tree, place, base, stages)
        if tree.get("loop") == "fit":
            if tree.get("placement") is not None:
                raise InputError(f"{place}.placement: {NOTHING_DRAWN}")
            own["placement"] = None  # that of the whole is for those that draw
        start = tree.get("start", next(reversed(stages), ""))
        if start and start not in stages:
            raise InputError(
                f"{place}.start: {unknown('stage', str(start), list(stages)) if stages else 'there is no stage before this one'}"
            )
        spec = model(tree.get("model"), f"{place}.model", own["task"]) if tree.get("model") is not None else None
        head = {k: tree[k] for k in ("loop",) if k in tree}
        stages[str(name)] = instance(Stage, head, place, Stage("fit", start, model=spec, **own)) if head else _no_loop(place)
    return stages


NOTHING_DRAWN = "fit learns from rows and draws nothing, so there is nothing to place; leave it out"


def _no_loop(place: str) -> Stage:
    raise InputError(f"{place}: loop is missing; it is fit or improve")


def model(raw: Any, place: str, task: Any = None) -> Any:
    """A model's specification: a part, or the hub id, folder or GGUF file of a language model. A small language model without characters of
    its own takes those of the task."""
    if raw is None:
        return None
    if isinstance(raw, str):
        parts = _rooms.known(_rooms.MODELS)
        plain = "/" not in raw and not raw.endswith(".gguf") and not raw.startswith("package:") and not Path(raw).is_dir()
        if raw not in parts and not plain:
            raw = {"source": raw}
        elif raw not in parts:
            raise InputError(
                f"{place}: {unknown('model', raw, _rooms.offered(_rooms.MODELS))}; a model of the hub without an owner is written {{source: {raw}}}"
            )
    if isinstance(raw, str):
        raw = {"part": raw}
    if not isinstance(raw, Mapping):
        raise InputError(f"{place}: a model is expected: its hub id, its folder, or {{part: NAME, ...}}, not {raw!r}")
    if "part" not in raw:
        raw = {"part": "language_model", **raw}
    characters = getattr(task, "characters", None) or getattr(getattr(task, "of", None), "characters", None)
    if raw["part"] == "small_language_model" and "characters" not in raw and characters:
        raw = {**raw, "characters": characters}
    if raw["part"] == "headed" and "body" in raw:
        built = model(raw["body"], f"{place}.body", task)
        return instance(
            _rooms.find("headed", _rooms.MODELS, place),
            {k: v for k, v in raw.items() if k not in ("part", "body")} | {"body": built},
            place,
        )
    return build(Any, raw, place, MISSING, _rooms.MODELS)


def views(raw: Any, place: str, task: Any, earlier: Collection[str] = ()) -> dict[str, Any]:
    """Names with models: each as the section ``model``, a part of ``models.views``, or the name of an earlier stage."""
    if raw is None:
        return {}
    if not isinstance(raw, Mapping):
        raise InputError(f"{place}: names with models are expected, such as {{teacher: FOLDER}}, not {raw!r}")
    return {str(name): _view(item, f"{place}.{name}", task, earlier) for name, item in raw.items()}


def _view(raw: Any, place: str, task: Any, earlier: Collection[str]) -> Any:
    if isinstance(raw, str) and raw in earlier:
        return raw
    name = raw.get("part") if isinstance(raw, Mapping) else raw
    if isinstance(raw, Mapping) and "teacher" in raw:
        raw = {**raw, "teacher": model(raw["teacher"], f"{place}.teacher", task)}
    of_no_model = isinstance(raw, Mapping) and isinstance(name, str) and ":" not in name and name not in _rooms.known(_rooms.MODELS)
    if of_no_model or (isinstance(name, str) and name in _rooms.known(_rooms.VIEWS)):
        return build(Any, raw if isinstance(raw, Mapping) else {"part": raw}, place, MISSING, (*_rooms.VIEWS, *_rooms.MODELS))
    if raw is None:
        raise InputError(f"{place}: a model is expected: its hub id, its folder, or {{part: NAME, ...}}")
    return model(raw, place, task)


def task(raw: Any, place: str, base: Any = None) -> Any:
    """A task: a part, or the file, folder or hub id of a dataset; a list of tasks, each with a weight if need be; or an environment, with its rows if need be."""
    if raw is None:
        return None
    if isinstance(raw, list):
        raw = {"part": "mixture", "of": raw}
    if isinstance(raw, Mapping) and raw.get("part") == "mixture":
        raw = _mixed(raw, place)
    if isinstance(raw, Mapping) and "environment" in raw and raw.get("part", "episodes") == "episodes":
        raw = {"part": "episodes", **raw, **({"rows": task(raw["rows"], f"{place}.rows")} if "rows" in raw else {})}
    if isinstance(raw, str):
        parts = _rooms.known(_rooms.TASKS)
        if raw in parts:
            raw = {"part": raw}
        elif "/" in raw or "." in raw or Path(raw).exists():
            raw = {"part": "dataset", "path": raw}
        else:
            raise InputError(f"{place}: {unknown('task', raw, _rooms.offered(_rooms.TASKS))}")
    if not isinstance(raw, Mapping):
        raise InputError(f"{place}: a task is expected: the path of a dataset, or {{part: NAME, ...}}, not {raw!r}")
    if "part" not in raw and base is not None:
        return instance(type(base), raw, place, base)
    return build(Any, raw if "part" in raw else {"part": "dataset", **raw}, place, MISSING, _rooms.TASKS)


def _mixed(raw: Mapping[str, Any], place: str) -> dict[str, Any]:
    """A mixture with its tasks built and the weights that stand beside them put together."""
    of = raw.get("of")
    if not isinstance(of, list | tuple):
        raise InputError(f"{place}.of: a list of tasks is expected, not {of!r}")
    weighed = [isinstance(item, Mapping) and "weight" in item for item in of]
    if any(weighed) and raw.get("weights"):
        raise InputError(f"{place}.weights: weights stand beside the tasks already; give them in one place")
    plain = [{k: v for k, v in item.items() if k != "weight"} if own else item for item, own in zip(of, weighed, strict=True)]
    built = tuple(task(item, f"{place}.{i}") for i, item in enumerate(plain))
    if None in built:
        raise InputError(f"{place}.{built.index(None)}: a task is expected, not nothing")
    weights = {"weights": [item["weight"] if own else 1 for item, own in zip(of, weighed, strict=True)]} if any(weighed) else {}
    return {**raw, "of": built, **weights}


_OPTIONS = tuple(f for f in Rewards.__dataclass_fields__)


def rewards(raw: Any, place: str, base: Rewards) -> Rewards:
    """One reward, several, or names with rewards; or the whole section with its options."""
    if raw is None:
        return base
    if isinstance(raw, str):
        raw = {"functions": {_component(raw): raw}}
    elif isinstance(raw, list):
        raw = {"functions": {_component(item): item for item in raw}}
    if not isinstance(raw, Mapping):
        raise InputError(f"{place}: a reward, a list of them or names with rewards are expected, not {raw!r}")
    if "part" in raw:
        raw = {"functions": {_component(raw): raw}}
    if "functions" not in raw and not any(key in _OPTIONS for key in raw):
        raw = {"functions": raw}
    functions = raw.get("functions")
    if functions is not None:
        if isinstance(functions, str | list) or (isinstance(functions, Mapping) and "part" in functions):
            functions = rewards(functions, place, Rewards()).functions
        elif isinstance(functions, Mapping):
            at = f"{place}.functions" if "functions" in raw and len(raw) > 1 else place
            functions = {str(name): _reward(item, f"{at}.{name}", base.functions.get(name, MISSING)) for name, item in functions.items()}
        else:
            raise InputError(f"{place}.functions: names with rewards are expected, not {functions!r}")
    options = {key: value for key, value in raw.items() if key != "functions"}
    if options.get("watched") is not None:
        there = base.functions if functions is None else functions
        more, options["watched"] = _watched(options["watched"], f"{place}.watched", there)
        functions = {**there, **more} if more else functions
    built = instance(Rewards, options, place, base)
    return built if functions is None else replace(built, functions=functions)


def _watched(raw: Any, place: str, functions: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What is watched: names of rewards that are there, or rewards, which are then there as well."""
    named = isinstance(raw, Mapping) and "part" not in raw
    given = raw if named else {_component(item): item for item in (raw if isinstance(raw, list | tuple) else [raw])}
    more = {
        str(name): _reward(item, f"{place}.{name}", MISSING)
        for name, item in given.items()
        if not (isinstance(item, str) and item in functions)
    }
    return more, tuple(str(name) if str(name) in more else item for name, item in given.items())


def _component(item: Any) -> str:
    """The name of a reward's component when none is given: the part's, or the function's."""
    name = item.get("part", "reward") if isinstance(item, Mapping) else str(item)
    return str(name).rpartition(":")[2].rpartition(".")[2]


def _reward(item: Any, place: str, base: Any) -> Any:
    named = item.get("part") if isinstance(item, Mapping) else item
    if isinstance(named, str) and (said := _rewards.answer(named)):
        raise InputError(f"{place}: {said}")
    if isinstance(item, str):
        return item if ":" in item else build(Any, {"part": item}, place, MISSING, _rooms.REWARDS)
    if not isinstance(item, Mapping):
        raise InputError(f"{place}: a reward is a part or file.py:function, not {item!r}")
    if "part" not in item and base is not MISSING and not isinstance(base, str):
        return instance(type(base), item, place, base)
    if "part" not in item and "model" in item:  # whom it asks is all that has to be said of a judge
        item = {"part": "judge", **item}
    return build(Any, item, place, MISSING, _rooms.REWARDS)


def recipe(raw: Any, place: str, base: Recipe | None = None) -> Recipe | None:
    """A recipe: the name of one, ``{base: name, ...}`` with what differs, or one with terms of its own."""
    if raw is None:
        return None
    if isinstance(raw, str):
        return named_recipe(raw, place)
    if not isinstance(raw, Mapping):
        raise InputError(f"{place}: the name of a recipe or its settings are expected, not {raw!r}")
    settings = {key: value for key, value in raw.items() if key != "base"}
    if "base" in raw:
        if not isinstance(raw["base"], str):
            raise InputError(f"{place}.base: the name of a recipe is expected, not {raw['base']!r}")
        return instance(Recipe, settings, place, named_recipe(raw["base"], f"{place}.base"))
    if base is not None and not isinstance(raw.get("terms"), list):
        return instance(Recipe, settings, place, base)
    if "terms" not in raw:
        _unknown_keys(raw, place)
        raise InputError(
            f"{place}: it names no method; write {{base: NAME, ...}} with one of {', '.join(recipe_names())}, or give its terms"
        )
    return instance(Recipe, settings, place)


def _unknown_keys(raw: Mapping[str, Any], place: str) -> None:
    known = ["base", *Recipe.__dataclass_fields__]
    for key in raw:
        if key not in known:
            raise InputError(f"{place}.{key}: {unknown('key', str(key), known)}")


@cache
def recipe_names() -> tuple[str, ...]:
    """The recipes of the library, by name."""
    package = importlib.import_module("guerdon.recipes")
    return tuple(info.name for info in pkgutil.iter_modules(package.__path__) if not info.name.startswith("_"))


def named_recipe(name: str, place: str = "recipe") -> Recipe:
    """The recipe called ``name``: of ``guerdon.recipes``, of a system of the atlas (``slug``, or ``slug:name`` where it has several), or
    ``file.py:recipe``.

    Raises:
        InputError: there is none; the nearest names are offered.
    """
    if name.replace("-", "_") in recipe_names():
        return importlib.import_module(f"guerdon.recipes.{name.replace('-', '_')}").recipe
    from guerdon.atlas import systems

    found = {entry.slug: entry for entry in systems()}
    slug, _, arm = name.partition(":")
    if slug.replace("_", "-") in found:
        return _of_system(found[slug.replace("_", "-")], arm, place)
    if ":" in name:
        from guerdon.feedback.loading import load

        value = load(name)
        if isinstance(value, Recipe):
            return value
        raise InputError(f"{place}: {name} is a {type(value).__name__} and no Recipe")
    raise InputError(f"{place}: {unknown('recipe', name, [*recipe_names(), *found])}")


def _of_system(entry: Any, arm: str, place: str) -> Recipe:
    held = getattr(entry.module, "recipe", None)
    arms = {key: value for key, value in held.items() if isinstance(value, Recipe)} if isinstance(held, Mapping) else {}
    if isinstance(held, Recipe) and not arm:
        return held
    chosen = arm or next((key for key in arms if str(key).replace("_", "-") == entry.slug), "")
    if chosen in arms:
        return arms[chosen]
    if not arms:
        raise InputError(
            f"{place}: the system {entry.slug} composes no recipe that could train a model; see guerdon atlas show {entry.slug}"
        )
    raise InputError(f"{place}: {entry.slug} has the recipes {', '.join(f'{entry.slug}:{key}' for key in arms)}; name one of them")
