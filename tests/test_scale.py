"""The page on a thousand cards: its constants are those of the fit, its predictions those of the code, and what is published is compared as it should be."""

import math

import pytest

from guerdon.costs.machine import ON_CARDS, PROCESSOR, PROCESSOR_MEMORY
from studies import running
from studies.scale import _fitting, _predicting, _published
from studies.scale._predicting import SHAPES

MEASURED = running.read(running.results_path("scale"))["measured"]


def test_the_committed_constants_are_those_of_the_fit():
    jobs = _fitting.known()
    assert len(jobs) == len(MEASURED["fit"]["jobs"]) and {one.name for one in jobs} == {row["job"] for row in MEASURED["fit"]["jobs"]}
    found = dict(zip(_fitting.FREE, _fitting.fit(jobs), strict=True))
    assert found == pytest.approx(MEASURED["fit"]["constants"], rel=0.01)
    used = {
        "learning": PROCESSOR.learning,
        "drawing": PROCESSOR.drawing,
        "reading": PROCESSOR_MEMORY,
        "launch": PROCESSOR.launch,
        "step": PROCESSOR.step,
    }
    assert used == pytest.approx(found, rel=0.02)


def test_the_fit_says_what_it_was_not_fitted_to():
    off = [math.log(row["left_out_s"] / row["measured_s"]) for row in MEASURED["fit"]["jobs"]]
    assert math.sqrt(sum(x * x for x in off) / len(off)) < math.log(1.3)
    fitted = [math.log(row["fitted_s"] / row["measured_s"]) for row in MEASURED["fit"]["jobs"]]
    assert sum(x * x for x in fitted) < sum(x * x for x in off)  # a fit that has seen a job is nearer to it


def test_what_is_told_is_near_what_was_measured():
    last = [told["exchanges"][-1] for told in MEASURED["told"]]
    assert all(1 / 3 < PROCESSOR.telling / (one["bytes"] / one["seconds"]) < 3 for one in last)
    assert all(1 / 3 < PROCESSOR.alike / told["step"]["alike_s"] < 3 for told in MEASURED["told"])
    from guerdon.costs.step import Design

    assert all(abs(told["step"]["exchanges"] - Design.exchanges) < 1 for told in MEASURED["told"])


def test_committed_predictions_are_those_of_the_code():
    made = _published.figures(small=True)
    for one, kept in zip(made, MEASURED["published"], strict=False):
        assert (
            one.what == kept["what"] and one.predicted == pytest.approx(kept["predicted"]) and one.slower == pytest.approx(kept["slower"])
        )
    kept = MEASURED["predicted"]["8B"]["in_turn"]["1024"]
    assert _predicting.turn(SHAPES["8B"], 1024).total == pytest.approx(kept["total"])


def test_at_least_four_sources_and_no_card_of_its_own_for_a_row():
    assert len({one["source"].split()[0] for one in MEASURED["published"]}) >= 4
    assert {one["kind"] for one in MEASURED["published"]} == {"learning", "drawing", "in turn", "ahead", "speed-up"}
    assert ON_CARDS.learning == PROCESSOR.learning and ON_CARDS.drawing == PROCESSOR.drawing


def test_slower_is_by_what_the_published_step_takes_longer():
    rate = _published.Published("a", "b", "learning", "tokens/s", 50.0, 100.0)
    time = _published.Published("a", "b", "in turn", "s", 100.0, 50.0)
    assert rate.slower == time.slower == 2.0


@pytest.mark.parametrize(("name", "billions"), [("0.6B", 0.6), ("8B", 8.2), ("32B", 32.8)])
def test_shapes_are_as_large_as_they_are_called(name, billions):
    assert SHAPES[name].parameters == pytest.approx(billions * 1e9, rel=0.01)
    from studies.scale import _models

    assert _models.QWEN3_30B_A3B.parameters == pytest.approx(30.5e9, rel=0.01) and _models.LLAMA_8B.parameters == pytest.approx(
        8.03e9, rel=0.01
    )
    assert _models.QWEN25_7B.parameters == pytest.approx(7.6e9, rel=0.01) and _models.QWEN25_1_5B.parameters == pytest.approx(
        1.78e9, rel=0.01
    )
    assert _models.QWEN3_4B.parameters == pytest.approx(4.02e9, rel=0.01)


def test_a_run_ahead_gains_nothing_on_few_cards_and_much_on_many():
    shape = SHAPES["0.6B"]
    *_, together = MEASURED["predicted"]["0.6B"]["ahead"].values()
    few, many = together["8"], together["1024"]
    turn = MEASURED["predicted"]["0.6B"]["in_turn"]
    assert few["step_s"] > 0.95 * turn["8"]["total"] and many["step_s"] < 0.5 * turn["1024"]["total"]
    assert _predicting.least_cards(SHAPES["32B"]) is None and _predicting.least_cards(shape) == 1
