"""Running: which studies there are, where their results and pages lie, and what is kept of a measurement."""

import importlib
import json
import pkgutil
import re
import time
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import studies as package
from guerdon.atlas._evidence import cores, versions

ROOT = Path(__file__).parents[1]
WANTED = ("measure", "page", "draw")


def studies() -> dict[str, ModuleType]:
    """Name on the command line → module: every module of the package that measures, has a page and draws."""
    names = sorted(found.name for found in pkgutil.iter_modules(package.__path__) if not found.name.startswith("_"))
    modules = {name.replace("_", "-"): importlib.import_module(f"{package.__name__}.{name}") for name in names}
    return {name: module for name, module in modules.items() if all(hasattr(module, wanted) for wanted in WANTED)}


def results_path(name: str) -> Path:
    return ROOT / "studies" / "results" / f"{name.replace('-', '_')}.json"


def page_path(name: str) -> Path:
    return ROOT / "docs" / f"{name}.md"


def measured(module: ModuleType, small: bool, **given: Any) -> dict[str, Any]:
    """What the study measures, with when, how long and with what. ``given``: what its ``measure`` takes besides."""
    begun = time.perf_counter()
    numbers = module.measure(small, **given)
    took, today = round(time.perf_counter() - begun, 1), datetime.now(UTC).strftime("%Y-%m-%d")
    return {"date": today, "duration_s": took, "cores": cores(), "versions": versions(), "measured": numbers}


def write(path: Path, results: dict[str, Any]) -> None:
    """Whole or not at all, a list of numbers on a line, and what holds nothing but numbers and such lists as well."""
    text = json.dumps(results, indent=1, allow_nan=False)
    for innermost in (r"\[[^\[\]{}]+\]", r"{[^{}]{1,400}}"):
        text = re.sub(innermost, lambda found: re.sub(r"(?<=[\[{]) | (?=[\]}])", "", re.sub(r"\s+", " ", found[0])), text)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(text + "\n")
    part.replace(path)


def read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text())


def render(name: str, module: ModuleType, results: dict[str, Any]) -> list[Path]:
    """Write the page and its pictures; what was written."""
    page = page_path(name)
    page.write_text(module.page(results))
    return [page, *module.draw(results, page.parent / "images")]
