"""What every test shares: one thread of torch in each worker, so that two workers on two cores do not fight, a cache of its own, and nothing drawn
by chance: what a newcomer and CI run is the same every time. ``make explore`` draws anew (profile ``explore``)."""

import os
import random
import tempfile

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, settings

torch.set_num_threads(1)
os.environ.setdefault("GUERDON_CACHE", tempfile.mkdtemp(prefix="guerdon-tests-"))

# How long an example takes says more of the machine than of the code.
settings.register_profile("ci", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("explore", settings.get_profile("ci"), derandomize=False, database=settings().database, print_blob=True)
settings.load_profile("ci")  # --hypothesis-profile=explore loads the other one


LONGEST = (
    "test_atlas",
    "test_docs",
    "test_processes",
    "test_parts",
    "test_placements",
    "test_memory",
    "test_preferences",
    "test_kill",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--processes", type=int, default=2, help="on how many processes the runs of test_processes.py are (default: 2)")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files begin, of which each is one worker's (``--dist loadfile``)."""
    items.sort(key=lambda item: LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """The same numbers for a test whichever tests ran before it, where it draws from the global generators."""
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
