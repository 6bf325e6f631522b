"""The study of real comparisons, small: what can be known of its figures beforehand, that it goes on where it was killed, and that its page follows its figures."""

import copy

import pytest

from guerdon.errors import InputError
from guerdon.models.language.small_language_model import SmallLanguageModel
from studies import real_comparisons as study
from studies import running
from studies.__main__ import main
from studies.real_comparisons import _points
from studies.real_comparisons._objectives import OBJECTIVES
from studies.real_comparisons._pairs import split
from studies.real_comparisons._points import Points
from studies.real_comparisons._tables import best, log_ratios

ROWS = study.MADE_UP


def built():
    return SmallLanguageModel("abcde fgh", hidden=32, heads=2).build(0)


def points(folder=None, rows=ROWS, name="small"):
    return Points(study.SMALL, rows, built(), folder, name)


@pytest.fixture(scope="module")
def small():
    return running.measured(study, small=True)


def test_the_untrained_model_is_its_own_reference(small):
    untrained = small["measured"]["untrained"]
    assert untrained["accuracy"][0] == 0.5
    for name in ("margin", "chosen_change", "rejected_change", "kl"):
        assert untrained[name] == [0.0, 0.0, 0.0]


def test_every_objective_moves_the_model_and_its_rate_is_the_best_on_validation_pairs(small):
    objectives = small["measured"]["objectives"]
    assert list(objectives) == list(OBJECTIVES)
    for found in objectives.values():
        assert found["kl"][0] > 0
        assert found["margin"][0] == pytest.approx(found["chosen_change"][0] - found["rejected_change"][0], abs=2e-4)
        accuracies = [point["accuracy"] for point in found["grid"].values()]
        assert found["grid"][f"{found['learning_rate']:g}"]["accuracy"] == max(accuracies)
    assert objectives["DPO"]["accuracy_less_dpos"] == [0.0, 0.0, 0.0]
    assert objectives["DPO"]["margin"] != objectives["SFT"]["margin"]
    assert best([0.5, 0.6, 0.6]) == 1


def test_objectives_do_not_depend_on_what_was_learned_before(small):
    alone, last = points(), list(OBJECTIVES)[-1]
    rate = study.SMALL.learning_rates[-1]
    point = alone.learned(last, OBJECTIVES[last], rate)
    margin = log_ratios(point["validation"], alone.untrained()["validation"]).mean()
    assert small["measured"]["objectives"][last]["grid"][f"{rate:g}"]["margin"] == pytest.approx(margin, abs=1e-4)


def test_what_is_finished_is_not_done_again(tmp_path, monkeypatch):
    terms = OBJECTIVES["DPO"]
    first = points(tmp_path)
    first.untrained()
    point = first.learned("DPO", terms, 1e-2)
    second = points(tmp_path)
    monkeypatch.setattr(_points, "fit", lambda *a, **k: pytest.fail("it was learned again"))
    assert second.learned("DPO", terms, 1e-2) == point
    tested = second.tested("DPO", terms, 1e-2)  # from the weights that were kept
    assert tested["answers"]["kl"] != second.untrained()["answers"]["kl"]
    assert not list(tmp_path.glob("*.pt")) and not list(tmp_path.glob("*.part"))


def test_a_folder_of_other_settings_is_refused(tmp_path):
    points(tmp_path)
    points(tmp_path, ROWS[::-1])
    for other in ({"rows": [ROWS[0] | {"chosen": "h"}, *ROWS[1:]]}, {"name": "another model"}):
        with pytest.raises(InputError, match="other settings"):
            points(tmp_path, **other)


def test_parts_share_no_prompt_and_do_not_depend_on_the_order_of_the_file():
    model = built()
    parts = split(ROWS + ROWS[:3], model, study.SMALL, 0)
    prompts = [pair.sides["chosen"].context for part in parts.values() for pair in part]
    assert len(prompts) == len(set(prompts)) == 10
    assert split(ROWS[::-1], model, study.SMALL, 0) == parts
    with pytest.raises(InputError, match="have 9 pairs"):
        split(ROWS[:-1], model, study.SMALL, 0)


def test_the_page_says_what_the_figures_say(small):
    page = study.page(small)
    assert all(f"| {name} |" in page for name in OBJECTIVES)
    assert "Better than chance: none." in page
    other = copy.deepcopy(small)
    other["measured"]["objectives"]["IPO"]["accuracy"] = [0.6, 0.55, 0.65]
    other["measured"]["objectives"]["NCA"]["chosen_change"] = [-2.0, -3.0, -1.0]
    assert "Better than chance: IPO." in study.page(other)
    assert "Chosen answers became less likely: NCA;" in study.page(other)


def test_the_command_asks_for_data():
    with pytest.raises(InputError, match="--data"):
        main(["real-comparisons"])
    with pytest.raises(SystemExit):
        main(["real-comparisons", "--no-such-option"])
