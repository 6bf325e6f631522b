"""YAML as people write it: ``1e-5`` is a number, a key that is given twice is an error, and every error has its line."""

import re
from pathlib import Path
from typing import Any

import yaml

from guerdon.errors import InputError


class _Loader(yaml.SafeLoader):
    pass


# YAML 1.1 asks for a dot and a signed exponent in a float; 1e-5 would be a string.
_FLOAT = r"^[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)[eE][-+]?[0-9]+$"


def _mapping(loader: yaml.SafeLoader, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
    seen: set[Any] = set()
    for key, _ in node.value:
        name = loader.construct_object(key)
        if isinstance(name, str | int) and name in seen:
            raise yaml.MarkedYAMLError(problem=f"the key {name!r} is given twice", problem_mark=key.start_mark)
        if isinstance(name, str | int):
            seen.add(name)
    return yaml.SafeLoader.construct_mapping(loader, node, deep=True)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def parse(text: str, where: str) -> Any:
    """The value that a YAML text spells.

    Raises:
        InputError: it is no YAML; the sentence names the line.
    """
    try:
        return yaml.load(text, _Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1} of " if mark is not None and "\n" in text else ""
        why = getattr(error, "problem", None) or str(error)
        hint = "; indent with spaces, not with tabs" if "\\t" in why else ""
        raise InputError(f"{line}{where} is not YAML: {why}{hint}") from error


def read(path: Path) -> dict[str, Any]:
    """The mapping that a file holds.

    Raises:
        InputError: there is no such file, or it holds something else.
    """
    try:
        text = path.read_text()
    except FileNotFoundError as error:
        there = sorted(p.name for p in path.parent.glob("*.y*ml")) if path.parent.is_dir() else []
        hint = f"; there are {', '.join(there)}" if there else ""
        raise InputError(f"there is no file {path}{hint}") from error
    except IsADirectoryError as error:
        raise InputError(f"{path} is a folder; give the YAML file of a run") from error
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path} is no text in UTF-8 (at byte {error.start}); give the YAML file of a run, or write it again as UTF-8"
        ) from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    tree = parse(text, str(path))
    if tree is None:
        raise InputError(f"{path} is empty; it needs at least the sections model, task and recipe")
    if not isinstance(tree, dict):
        raise InputError(f"{path} holds a {type(tree).__name__}; it must hold sections (model:, task:, recipe: ...)")
    return tree


class _Dumper(yaml.SafeDumper):
    pass


def _string(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text.strip("\n") else None)


_Dumper.add_representer(str, _string)
for reads_or_writes in (_Loader, _Dumper):  # both, so that a text that looks like such a number is written in quotes
    reads_or_writes.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(_FLOAT), list("-+0123456789."))


def text(tree: Any) -> str:
    """A tree of plain values as YAML, in the order in which it was made."""
    return yaml.dump(tree, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
