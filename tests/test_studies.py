"""The studies: their pages say what was measured, and what they measure small has the properties that can be known beforehand."""

import re
import types

import pytest

from studies import running
from studies.__main__ import main

STUDIES = running.studies()
MEASURED = [name for name in STUDIES if running.results_path(name).exists()]


@pytest.mark.parametrize("name", MEASURED)
def test_the_committed_page_is_that_of_the_committed_results(name, tmp_path):
    results = running.read(running.results_path(name))
    page = running.page_path(name).read_text()
    assert STUDIES[name].page(results) == page
    drawn = STUDIES[name].draw(results, tmp_path)
    shown = set(re.findall(r"\]\(images/([\w-]+\.png)\)", page))
    assert {path.name for path in drawn} == shown
    for path in drawn:
        assert path.stat().st_size > 0 and (running.page_path(name).parent / "images" / path.name).exists()


def test_results_are_written_whole_and_lists_on_a_line(tmp_path):
    results = {"measured": {"a": [1.0, 2.5], "b": {"c": None}}, "date": "2026-01-01"}
    path = tmp_path / "results" / "some.json"
    running.write(path, results)
    assert running.read(path) == results
    assert '"a": [1.0, 2.5]' in path.read_text()
    assert [found.name for found in path.parent.iterdir()] == ["some.json"]
    with pytest.raises(ValueError):
        running.write(path, {"measured": {"a": float("nan")}})
    assert running.read(path) == results


def test_a_measurement_says_when_how_long_and_with_what():
    study = types.SimpleNamespace(measure=lambda small: {"small": small})
    results = running.measured(study, small=True)
    assert results["measured"] == {"small": True}
    assert results["duration_s"] >= 0 and results["cores"] >= 1 and "torch" in results["versions"]


def test_the_command_lists_every_study_and_refuses_another(capsys):
    assert main([]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in STUDIES)
    with pytest.raises(SystemExit):
        main(["no-such-study"])
