"""Showing: the code that will actually run, from top to bottom, gathered from the files that hold it.

Nothing is copied and kept: the source of the system's file comes first, then every part and helper that it uses, each
with the docstring of its file and without its witnesses. What is infrastructure (models, data structures, the atlas
itself) is named, not printed.
"""

import ast
import dataclasses
import importlib
import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import ModuleType
from typing import Any

from guerdon.atlas._system import find

# The floors whose code is the method; what they import from elsewhere is infrastructure. The loops are shown when they are used.
SHOWN = ("acting", "credit", "data", "evaluation", "exact", "feedback", "losses", "steps", "worlds", "recipes", "training.loops")


def show(slug: str) -> str:
    """The source of a system's file, followed by that of all it uses."""
    module = find(slug).module
    reader = _Reader()
    reader.follow(module, set(_imports(module)))
    for value in vars(module).values():
        reader.add_value(value)
    return "\n\n\n".join([_headed(module.__name__, inspect.getsource(module).strip()), *reader.pieces()])


def show_recipe(recipe: Any) -> str:
    """The source of every part in ``recipe``, a tree of frozen dataclasses."""
    reader = _Reader()
    reader.add_value(recipe)
    return "\n\n\n".join([f"# {recipe!r}", *reader.pieces()])


@dataclass
class _Reader:
    """Collects the names to be shown of each module, in the order in which they are met."""

    wanted: dict[str, set[str]] = field(default_factory=dict)

    def add_value(self, value: Any) -> None:
        """The classes of a value and of all that its fields hold; functions that it holds."""
        for thing in _within(value):
            kind = thing if inspect.isfunction(thing) else type(thing)
            self.add(kind.__module__, kind.__name__)

    def add(self, module_name: str, name: str) -> None:
        if not _is_shown(module_name) or name in self.wanted.get(module_name, ()):
            return
        module = importlib.import_module(module_name)
        if name not in _definitions(module):
            home = getattr(getattr(module, name, None), "__module__", None)  # re-exported by its package
            if home and home != module_name:
                self.add(home, getattr(module, name).__name__)
            return
        names = self.wanted.setdefault(module_name, set())
        names.add(name)
        used = _used(_definitions(module)[name])
        for other in used & _definitions(module).keys():
            self.add(module_name, other)
        self.follow(module, used)

    def follow(self, module: ModuleType, used: set[str]) -> None:
        imports = _imports(module)
        for name in sorted(used & imports.keys(), key=list(imports).index):
            self.add(*imports[name])

    def pieces(self) -> Iterator[str]:
        for module_name, names in self.wanted.items():
            module = importlib.import_module(module_name)
            nodes = dict.fromkeys(node for name, node in _definitions(module).items() if name in names)
            lines = inspect.getsource(module).splitlines()
            doc = f'"""{(module.__doc__ or "").strip()}\n"""'
            yield _headed(module_name, "\n\n\n".join([doc, *(_text(node, lines) for node in nodes)]))


def _within(value: Any) -> Iterator[Any]:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        yield value
        for one in dataclasses.fields(value):
            yield from _within(getattr(value, one.name))
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _within(one)
    elif isinstance(value, (tuple, list, set, frozenset)):
        for one in value:
            yield from _within(one)
    elif inspect.isfunction(value):
        yield value


def _is_shown(module_name: str) -> bool:
    return any(f"{module_name}.".startswith(f"guerdon.{floor}.") for floor in SHOWN)


@cache
def _tree(module: ModuleType) -> ast.Module:
    return ast.parse(inspect.getsource(module))


@cache
def _definitions(module: ModuleType) -> dict[str, ast.stmt]:
    """Top-level name → the statement that defines it."""
    found: dict[str, ast.stmt] = {}
    for node in _tree(module).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found[node.name] = node
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {t.id: node for target in targets for t in ast.walk(target) if isinstance(t, ast.Name)}
    return found


@cache
def _imports(module: ModuleType) -> dict[str, tuple[str, str]]:
    """Name → (module, name there), for what is imported from guerdon."""
    return {
        alias.asname or alias.name: (node.module, alias.name)
        for node in ast.walk(_tree(module))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("guerdon")
        for alias in node.names
    }


def _used(node: ast.stmt) -> set[str]:
    """The names that a statement reads, annotations left out."""
    bare = _WithoutAnnotations().visit(ast.parse(ast.unparse(node)))
    return {n.id for n in ast.walk(bare) if isinstance(n, ast.Name)}


class _WithoutAnnotations(ast.NodeTransformer):
    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        node.returns = None
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        return ast.Assign([node.target], self.visit(node.value), lineno=0) if node.value else ast.Pass()


def _text(node: ast.stmt, lines: list[str]) -> str:
    first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
    return "\n".join(lines[first - 1 : node.end_lineno])


def _headed(name: str, text: str) -> str:
    return f"# ---- {name} {'-' * max(4, 110 - len(name))}\n\n{text}"
