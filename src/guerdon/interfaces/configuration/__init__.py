"""Configuration: one YAML file, overridden on the command line, as an immutable value, and back.

    configuration = read("run.yaml", ["recipe.epochs=2", "learning_rate=1e-5"])
    print(dump(configuration))                     # every default written out
    assert load(dump(configuration)) == configuration

Sections: ``model``, ``task``, ``recipe``, ``reward``, ``decoding``, ``budget``, ``encoding``, ``run`` (the folder), and ``stages`` for pipelines.
What each may hold is said by the types of the fields that it fills; nothing is listed here.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from guerdon.interfaces.configuration import _overrides, _rooms, _yaml
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
    return from_tree(_yaml.read(Path(path)), overrides)


def load(text: str, overrides: Sequence[str] = ()) -> Configuration:
    """The configuration that a YAML text describes."""
    return from_tree(_yaml.parse(text, "the configuration"), overrides)


def from_tree(tree: Mapping[str, Any], overrides: Sequence[str] = ()) -> Configuration:
    """The configuration that a tree of plain values describes, with overrides: those with a place first, then the bare names."""
    pairs = _overrides.split(list(overrides))
    tree = _copy(tree)
    for name, value in pairs:
        if _overrides.is_dotted(name):
            _overrides.put(tree, name, value)
    configuration = sections(tree)
    for name, value in pairs:
        if not _overrides.is_dotted(name):
            whole = tree_of(configuration)
            for place in _overrides.spread(configuration, name):
                _overrides.put(whole, place, value)
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
