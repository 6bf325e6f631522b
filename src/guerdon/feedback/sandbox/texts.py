"""Texts: what tests in Python ask, told by reading them.

A text asks something of a program if it names what it does not define itself (or imports the program by one of the names in ``PLACES``, or is a ``check`` that is told
what to check), and does something with it: an assert, a call, an error. A table, a setting or a function that nobody calls holds for any program whatever.
"""

import ast
import builtins
import sys
from collections.abc import Iterator

PLACES = ("solution", "main", "program", "candidate", "submission", "answer", "your_module", "implementation")


def tree_of(text: str) -> ast.Module:
    """The statements of a text, with those that it would run as the main module, but for the call of a test runner: all tests are run anyway."""
    tree = ast.parse(text)
    if any(_as_main(statement) for statement in tree.body):
        tree.body = [one for statement in tree.body for one in (statement.body if _as_main(statement) else [statement])]
    tree.body = [statement for statement in tree.body if not _runner(statement)]
    return tree


def asks(tree: ast.Module, entry: str | None) -> bool:
    """Whether the tests say anything of a program."""
    if entry and defines(tree, "check"):
        return True
    acts = any(True for _ in tests_of(tree)) or any(isinstance(node, ast.Assert | ast.Call | ast.Raise) for node in _run_at_once(tree))
    return acts and _names_program(tree)


def tests_of(tree: ast.Module) -> Iterator[ast.stmt]:
    """The statements that are a test, or hold some."""
    for statement in tree.body:
        if isinstance(statement, ast.Assert) or (
            isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef) and statement.name.startswith("test")
        ):
            yield statement
        elif isinstance(statement, ast.ClassDef):
            yield from (inner for inner in statement.body if isinstance(inner, ast.FunctionDef) and inner.name.startswith("test"))


def defines(tree: ast.Module, name: str) -> bool:
    """Whether it defines a function of that name."""
    return any(isinstance(statement, ast.FunctionDef) and statement.name == name for statement in tree.body)


def bound(tree: ast.Module) -> set[str]:
    """The names that the tests define or import from elsewhere."""
    found: set[str] = set()
    for statement in ast.walk(tree):
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            found.add(statement.name)
        elif isinstance(statement, ast.Import) or (isinstance(statement, ast.ImportFrom) and statement.module not in PLACES):
            found |= {(name.asname or name.name).partition(".")[0] for name in statement.names}
    return found


def modules(tree: ast.Module) -> set[str]:
    """Modules of the standard library that the tests use and may have left to the program to import."""
    used = {node.value.id for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)}
    return used & sys.stdlib_module_names


def _names_program(tree: ast.Module) -> bool:
    own = {*dir(builtins), *modules(tree), "__name__", "pytest"}
    named = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in PLACES:
            return True
        if isinstance(node, ast.Import) and any(name.name in PLACES for name in node.names):
            return True
        if isinstance(node, ast.Name):
            (named if isinstance(node.ctx, ast.Load) else own).add(node.id)
        elif isinstance(node, ast.arg):
            own.add(node.arg)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            own.add(node.name)
    return bool(named - own - bound(tree))


def _run_at_once(tree: ast.Module) -> Iterator[ast.AST]:
    """What is run where the text is: not what is only defined."""
    rest: list[ast.AST] = list(tree.body)
    while rest:
        node = rest.pop()
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield node
            rest += ast.iter_child_nodes(node)


def _as_main(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.If) and isinstance(statement.test, ast.Compare) and "__name__" in ast.unparse(statement.test)


def _runner(statement: ast.stmt) -> bool:
    """``unittest.main()``, or pytest's."""
    return isinstance(statement, ast.Expr) and ast.unparse(statement).startswith(("unittest.main(", "pytest.main("))
