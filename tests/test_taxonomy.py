"""A survey's taxonomy names parts that exist, and admits what is missing."""

import pytest

from guerdon.atlas import systems
from guerdon.catalogue import catalogue

SURVEYS = [entry for entry in systems() if hasattr(entry.module, "taxonomy")]
PATHS = {entry.path for entry in catalogue()}


def test_there_is_a_survey():
    assert SURVEYS and all(entry.system.kind == "survey" for entry in SURVEYS)


@pytest.mark.parametrize("entry", SURVEYS, ids=lambda entry: entry.slug)
def test_every_part_that_a_taxonomy_names_exists(entry):
    cells = [(chapter, cell, parts) for chapter, row in entry.module.taxonomy.items() for cell, parts in row.items()]
    assert all(isinstance(parts, tuple) for *_, parts in cells), "a cell is a tuple of paths, empty where nothing is there yet"
    missing = {path for *_, parts in cells for path in parts} - PATHS
    assert not missing
    assert any(not parts for *_, parts in cells), "a map without white spots hides them"
