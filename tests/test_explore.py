"""What a newcomer runs draws the same every time; ``make explore`` draws anew and keeps what it finds as a line to be put above the test."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

HERE = Path(__file__).parent
PROPERTY = """
from hypothesis import given, strategies as st

@given(number=st.integers(), word=st.text())
def test_no_number_is_large(number, word):
    assert number < 1000
"""


@pytest.mark.skipif(not settings().derandomize, reason="the tests explore")
def test_a_property_draws_the_same_examples_every_time():
    def drawn() -> list[int]:
        seen = []

        @given(st.integers())
        def property_of(number):
            seen.append(number)

        property_of()
        return seen

    assert drawn() == drawn() and len(set(drawn())) > 10


@pytest.mark.parametrize("time", [1, 2])
def test_the_global_generators_begin_alike_in_every_test(time):
    first = np.random.RandomState(0).rand()
    assert torch.rand(1).item() == torch.rand(1, generator=torch.Generator().manual_seed(0)).item() and np.random.rand() == first


def test_exploring_prints_what_it_finds_as_a_line_for_the_test_and_keeps_it(tmp_path):
    test = tmp_path / "test_found.py"
    test.write_text(PROPERTY)
    (tmp_path / "conftest.py").write_text("from hypothesis import settings\nsettings.register_profile('explore')")

    def ran(*command: str) -> subprocess.CompletedProcess:
        environment = {**os.environ, "PYTEST_ADDOPTS": ""}
        return subprocess.run([sys.executable, *command], cwd=tmp_path, capture_output=True, text=True, env=environment)

    done = ran(str(HERE / "explore.py"), "--minutes", "0", test.name)
    assert done.returncode == 1, done.stdout + done.stderr
    line = re.search(r"^ +(@example\(.*\))$", done.stdout, re.MULTILINE)[1]
    assert line == "@example(number=1000, word='')" and line in (tmp_path / ".hypothesis" / "found.txt").read_text()
    property_of = PROPERTY.replace("import given", "import example, given").replace("@given", f"{line}\n@given")
    test.write_text(property_of)
    again = ran("-m", "pytest", "-q", test.name)
    assert again.returncode == 1 and "explicit" in again.stdout  # the line is what fails, before anything is drawn
    test.write_text(property_of.replace("< 1000", "< 10**9000"))
    assert ran(str(HERE / "explore.py"), "--minutes", "0", test.name).returncode == 0
