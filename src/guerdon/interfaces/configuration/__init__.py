"""Configuration: one YAML file, overridden on the command line, as an immutable value, and back.

    configuration = read("run.yaml", ["recipe.epochs=2", "learning_rate=1e-5"])
    print(dump(configuration))                     # every default written out
    assert load(dump(configuration)) == configuration

Sections: ``model``, ``task``, ``recipe``, ``reward``, ``decoding``, ``budget``, ``encoding``, ``placement``, ``run`` (the folder), and ``stages`` for pipelines.
What each may hold is said by the types of the fields that it fills; nothing is listed here.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from guerdon.interfaces.configuration import _foreign, _overrides, _rooms, _whole, _yaml
from guerdon.interfaces.configuration._refuse import refuse
from guerdon.interfaces.configuration._sections import Configuration, Encoding, Rewards, Stage, named_recipe, recipe_names, sections
from guerdon.interfaces.configuration._write import write

__all__ = [
    "Configuration",
    "Encoding",
    "Rewards",
    "Stage",
    "dump",
    "from_tree",
    "load",
    "named_recipe",
    "read",
    "recipe_names",
    "refuse",
    "tree_of",
]


def read(path: Path | str, overrides: Sequence[str] = ()) -> Configuration:
    """The configuration of a file with overrides.

    Raises:
        InputError: what is wrong, at which dotted place.
    """
    return from_tree(*_whole.as_ours(_yaml.read(Path(path)), overrides, str(path)))


def load(text: str, overrides: Sequence[str] = ()) -> Configuration:
    """The configuration that a YAML text describes."""
    return from_tree(_yaml.parse(text, "the configuration"), overrides)


def from_tree(tree: Mapping[str, Any], overrides: Sequence[str] = ()) -> Configuration:
    """The configuration that a tree of plain values describes, with overrides: those with a place first, then the bare names. Names without
    a place at the top of the tree, ours and other trainers', are as good as on the command line."""
    tree = _copy(tree)
    theirs = [
        (name, tree.pop(name))
        for name in list(tree)
        if isinstance(name, str) and name not in _overrides.SECTIONS and (_foreign.is_foreign(name) or _overrides.is_bare(name, tree[name]))
    ]
    pairs = [*theirs, *_overrides.split(list(overrides))]
    for name, value in pairs:
        if _overrides.is_dotted(name):
            _overrides.put(tree, name, value)
        elif _overrides.of_budget(name) and "stages" not in tree:  # what is set of a budget is checked together
            _overrides.put(tree, f"budget.{name}", value)
    configuration = sections(tree)
    named = [pair for pair in pairs if not _overrides.is_dotted(pair[0])]
    for some in _foreign.in_turn(named):  # those that are set together may need each other
        whole = tree_of(configuration)
        for name, value in some:
            for place, meant in _overrides.meaning(configuration, name, value):
                _overrides.put(whole, place, meant)
        configuration = sections(whole)
    return configuration


def tree_of(configuration: Configuration) -> dict[str, Any]:
    """The effective configuration as plain values, every default written out."""
    tree = write(configuration, Configuration)
    for section, rooms in (("model", _rooms.MODELS), ("task", _rooms.TASKS)):
        tree[section] = write(getattr(configuration, section), Any, rooms)
        for name, stage in configuration.stages.items():
            tree["stages"][name][section] = write(getattr(stage, section), Any, rooms)
    return {key: value for key, value in tree.items() if value is not None and (key != "stages" or value)}


def dump(configuration: Configuration) -> str:
    """The effective configuration as YAML."""
    return _yaml.text(tree_of(configuration))


def _copy(tree: Any) -> Any:
    if isinstance(tree, Mapping):
        return {key: _copy(value) for key, value in tree.items()}
    return [_copy(item) for item in tree] if isinstance(tree, list) else tree
