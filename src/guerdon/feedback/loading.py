"""Loading: a reward function, or a judge, by the text that names it, "package.module:function" or "path/to/file.py:function"."""

import importlib
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from guerdon.catalogue import unknown
from guerdon.errors import InputError


def load(spec: str, what: str = "reward") -> Callable[..., Any]:
    """The function called ``spec``. A file is run once in a process.

    Args:
        what: what it is loaded as, for what is said.

    Raises:
        InputError: there is no such file, module or function; the message offers the nearest names.
    """
    place, _, attribute = spec.rpartition(":")
    if not place or not attribute:
        raise InputError(f"a {what} is loaded by 'package.module:function' or 'path/to/file.py:function', not {spec!r}")
    found: Any = _file(place, what) if place.endswith(".py") else _module(place, what)
    for word in attribute.split("."):
        if not hasattr(found, word):
            there = [name for name, value in vars(found).items() if callable(value) and not name.startswith("_")]
            raise InputError(unknown(f"{what} function in {place}", word, there))
        found = getattr(found, word)
    return found


def _module(name: str, what: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{name}.".startswith(f"{error.name}."):
            raise InputError(
                f"there is no module {name} to load a {what} from: is its folder on the path, and the name spelt right?"
            ) from error
        raise InputError(f"the module {name} of a {what} imports {error.name}, which is not installed") from error
    except Exception as error:
        raise InputError(f"importing {name} for a {what} failed: {type(error).__name__}: {error}") from error


def _file(path: str, what: str) -> Any:
    file = Path(path).expanduser().resolve()
    if not file.is_file():
        there = sorted(found.name for found in file.parent.glob("*.py")) if file.parent.is_dir() else []
        raise InputError(unknown(f"file in {file.parent} to load a {what} from", file.name, there) if there else f"there is no file {file}")
    name = "guerdon_reward_" + "".join(c if c.isalnum() else "_" for c in str(file))
    if name in sys.modules:
        return sys.modules[name]
    made = importlib.util.spec_from_file_location(name, file)
    module = importlib.util.module_from_spec(made)
    sys.modules[name] = module  # before it runs, as an import does: dataclasses and pickles look it up
    try:
        made.loader.exec_module(module)
    except BaseException as error:
        del sys.modules[name]
        if isinstance(error, Exception):
            raise InputError(f"running {file} for a {what} failed: {type(error).__name__}: {error}") from error
        raise
    return module
