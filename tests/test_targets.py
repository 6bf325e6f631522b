"""Recipes are tested as recipes: each minimises what its paper says, in expectation and with everything that it has switched on, or says why that cannot be written down.

The recipes are found by walking; a new one is tested before anybody writes a test for it.
"""

import importlib
import subprocess
import sys

import pytest
import torch

from guerdon.interfaces.configuration import recipe_names
from guerdon.targets import Target, targets_of

MODULES = {name: importlib.import_module(f"guerdon.recipes.{name}") for name in recipe_names()}
EACH = [(name, place) for name, module in MODULES.items() for place in range(len(targets_of(module)))]


@pytest.mark.parametrize("name", MODULES)
def test_a_recipe_has_a_target_or_says_why_it_has_none(name):
    reason = getattr(MODULES[name], "no_target", None)
    assert targets_of(MODULES[name]) or (isinstance(reason, str) and len(reason) > 20), (
        f"recipes/{name}.py has no target: write down its objective (guerdon.targets), or why it has none as no_target"
    )
    assert not (targets_of(MODULES[name]) and reason), "a target and a reason why there is none"


def test_a_recipe_is_imported_without_its_loops():
    code = "import sys, guerdon.recipes.grpo, guerdon.recipes.dpo; print(sorted({'transformers', 'matplotlib'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


@pytest.mark.parametrize(("name", "place"), EACH, ids=[f"{name}-{place}" if place else name for name, place in EACH])
def test_a_recipe_minimises_what_its_target_says(name, place):
    target = targets_of(MODULES[name])[place]
    first, second = target.both(MODULES[name].recipe)
    assert float(second.abs().max()) > 0, "a target without a gradient holds nothing"
    if isinstance(target, Target):  # weights of steps are in single precision
        torch.testing.assert_close(first, second, rtol=1e-5, atol=1e-6 * float(second.abs().max()))
    else:
        assert float(first.abs().max()) < 1e-6 * float(second.abs().max()), "the recipe does not stand still at its optimum"
