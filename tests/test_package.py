"""The package itself: what it exports exists, importing it costs nothing, and arrows between floors run one way."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import guerdon

ROOT = Path(guerdon.__file__).parent

# From the top: a floor may import from those below it, never from those above.
FLOORS = (
    ("interfaces",),
    ("atlas",),
    ("recipes",),
    ("targets",),
    ("training",),
    ("acting", "worlds"),
    ("data", "models"),
    ("tasks",),
    ("feedback",),
    ("credit", "losses", "evaluation", "exact"),
    ("catalogue",),
    ("steps", "witness", "sequences", "servers"),
    ("quantities", "parts", "errors", "randomness"),
    ("costs",),
)
LEVEL = {name: level for level, names in enumerate(FLOORS) for name in names}
NO_TRANSFORMERS = ("credit", "losses", "evaluation", "exact", "feedback", "acting", "training")


@pytest.mark.parametrize("name", [n for n in guerdon.__all__ if n != "__version__"])
def test_exports_exist(name):
    assert getattr(guerdon, name) is not None


def test_importing_the_package_imports_no_torch():
    code = "import sys, guerdon; print(sorted(m for m in ('torch', 'transformers', 'matplotlib') if m in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize(
    "path", sorted(p for p in ROOT.rglob("*.py") if p.parent != ROOT or p.stem in LEVEL), ids=lambda p: str(p.relative_to(ROOT))
)
def test_arrows_run_one_way(path):
    own = path.relative_to(ROOT).parts[0].removesuffix(".py")
    for name in imports(path):
        if name.startswith("guerdon."):
            other = name.split(".")[1]
            if other in LEVEL and other != own:
                assert LEVEL[other] >= LEVEL[own], f"{own} imports {name}, which lies above it"
    if own in ("credit", "losses"):
        assert not {n.split(".")[1] for n in imports(path) if n.startswith("guerdon.")} & {"models", "training", "tasks", "acting"}


@pytest.mark.parametrize("floor", NO_TRANSFORMERS)
def test_only_models_and_tasks_know_transformers(floor):
    allowed = {"training/run.py"}  # records the version
    for path in (ROOT / floor).rglob("*.py"):
        if str(path.relative_to(ROOT)) not in allowed:
            assert not {n.split(".")[0] for n in imports(path)} & {"transformers", "diffusers", "gymnasium"}, path
