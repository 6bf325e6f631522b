"""Fingerprints: of what a system measures, so that evidence of another version of it is recognised, and seeds can be drawn from it that nobody has seen.

What counts is the code of the system's file, of the helpers of the atlas and of the worlds that it imports, and of what these import of both. Comments,
docstrings, witnesses and what ``System`` says about the paper are left out: writing down a result does not undo it.
"""

import ast
import hashlib
from collections.abc import Collection
from functools import cache
from pathlib import Path

import guerdon
from guerdon.atlas._system import Entry
from guerdon.randomness import derive

ROOT = Path(guerdon.__file__).parent
FOLLOWED = ("guerdon.atlas", "guerdon.worlds")
SAID = {"note", "title", "link", "kind", "builds_on", "read", "untuned", "waits_for"}  # of a system
VERDICT_ONLY = {"claim", "system", "SEEDS"}  # names that no trial depends on
CONFIRMING, TUNING = "confirming", "tuning"


def fingerprint(entry: Entry, without: Collection[str] = ()) -> str:
    """A digest of what the system measures, in 16 hexadecimal digits; ``without`` the assignments to some names of its file."""
    digest = hashlib.sha256()
    for path in dict.fromkeys([*sources(entry.path), *(source for helper in entry.helpers for source in sources(helper))]):
        measured = _measured(path.read_text(), frozenset({"witness", *(without if path == entry.path else ())}))
        digest.update(f"{path.name}\n{measured}\n".encode())
    return digest.hexdigest()[:16]


def tuning_fingerprint(entry: Entry) -> str:
    """Of what a trial depends on, the number of its seeds included: claims and the verdict's seeds may change without another tuning."""
    return hashlib.sha256(f"{fingerprint(entry, VERDICT_ONLY)} {entry.count('tune')}".encode()).hexdigest()[:16]


def unseen_seeds(source: str, purpose: str, count: int) -> tuple[int, ...]:
    """Seeds that follow from a fingerprint: none of 0, 1, 2 ..., on which one explores, and others whenever what is measured changes."""
    return tuple(2**20 + derive(0, purpose, source, i) % (2**31 - 2**20) for i in range(count))


def sources(path: Path) -> tuple[Path, ...]:
    """The file and what it imports of the worlds and of the atlas' helpers (not ``guerdon.atlas`` itself, the machinery), and what these import, each once."""
    seen: list[Path] = []
    waiting = [path]
    while waiting:
        now = waiting.pop(0)
        if now not in seen:
            seen.append(now)
            waiting += sorted(_imported(now))
    return tuple(seen)


def _imported(path: Path) -> set[Path]:
    places = [ROOT.joinpath(*name.split(".")[1:]) for name in _names_imported(path.read_text())]
    found = {file for place in places for file in (place.with_suffix(".py"), place / "__init__.py") if file.is_file()}
    return found - {ROOT / "atlas" / "__init__.py"}


@cache  # by the text: worlds and helpers are in hundreds of systems
def _names_imported(text: str) -> tuple[str, ...]:
    followed = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(FOLLOWED)]
    return tuple(name for node in followed for name in (node.module, *(f"{node.module}.{alias.name}" for alias in node.names)))


@cache
def _measured(text: str, without: frozenset[str]) -> str:
    """The syntax tree of a file, without what says nothing of what is measured."""
    tree = ast.parse(text)
    tree.body = [node for node in tree.body if not _assigns(node, without)]
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef) and node.body and ast.get_docstring(node) is not None:
            node.body = node.body[1:]
        elif isinstance(node, ast.Call):
            said = SAID if isinstance(node.func, ast.Name) and node.func.id == "System" else ()
            node.keywords = [keyword for keyword in node.keywords if keyword.arg not in said]
    return ast.dump(tree)


def _assigns(node: ast.stmt, names: Collection[str]) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return any(isinstance(target, ast.Name) and target.id in names for target in targets)
