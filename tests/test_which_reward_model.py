"""The study of reward models: its parts of the data share no prompt, its kinds learn what they are told, and its page says what was measured."""

import gzip
import json
from dataclasses import replace

import numpy as np
import pytest

from guerdon.errors import InputError
from studies import running, which_reward_model
from studies.which_reward_model._answers import of_comparisons, of_solutions
from studies.which_reward_model._fitting import Fitting, figures
from studies.which_reward_model._kinds import KINDS, ratings, steps, verdicts
from studies.which_reward_model._made_up import ANSWERS, BODIES


def written(path, rows):
    with gzip.open(path, "wt") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    return path


def test_no_prompt_is_in_two_parts_and_fours_have_right_and_wrong_answers(tmp_path):
    rows = [{"prompt": f"p{i}", "chosen": f"good {i}", "rejected": f"bad {i}"} for i in range(200)]
    rows.append({"prompt": "long", "chosen": "x" * 500, "rejected": "y"})
    found = of_comparisons(written(tmp_path / "pairs.jsonl.gz", rows), 100)
    prompts = {name: {one.prompt for one in asked} for name, asked in found.parts.items()}
    assert sum(map(len, prompts.values())) == 200 == len(set().union(*prompts.values()))
    assert 30 <= len(prompts["test"]) <= 70 and prompts == {
        name: {one.prompt for one in asked} for name, asked in of_comparisons(tmp_path / "pairs.jsonl.gz", 100).parts.items()
    }
    assert all(sum(one.right) == 1 and len(set(one.answers)) == 4 for one in found.fours)
    solved = [{"question": f"q{i}", "solution": f"s{i}{k}", "is_correct": k < i % 5} for i in range(200) for k in range(4)]
    found = of_solutions(written(tmp_path / "solutions.jsonl.gz", solved), 100)
    assert found.fours and all(0 < sum(one.right) < 4 for one in found.fours)
    assert {(p["chosen"][-1] < p["rejected"][-1]) for p in found.pairs("train")} == {True}


def test_rows_of_every_kind_say_what_the_pairs_say():
    pairs = [{"prompt": "p", "chosen": "a\n\nb", "rejected": "c"}]
    assert [row["label"] for row in verdicts(pairs)] == [True, False] and [row["rating"] for row in ratings(pairs)] == [1.0, 0.0]
    assert steps(pairs) == [
        {"prompt": "p", "completions": ["a", "b"], "labels": [True, True]},
        {"prompt": "p", "completions": ["c"], "labels": [False]},
    ]


def test_figures_of_pairs():
    found = figures(np.array([2.0, 2.0, 0.0, 0.0]), np.array([0.0, 0.0, 2.0, 0.0]), [1, 1, -1, 0])
    assert found["accuracy"][0] == pytest.approx(2.5 / 4) and found["length"] == pytest.approx(1.0)
    said = 1 / (1 + np.exp(-2))
    assert found["calibration"] == pytest.approx(3 / 4 * abs(said - 2 / 3), abs=1e-3)


def test_what_is_fitted_learns_and_is_kept(tmp_path):
    turned = {part: [replace(one, right=tuple(not right for right in one.right)) for one in asked] for part, asked in ANSWERS.parts.items()}
    answers = replace(ANSWERS, parts=turned)  # by chance the untrained model has the others right
    fitting = Fitting(BODIES, answers, tmp_path)
    kind = KINDS["comparisons on layers"]
    found = fitting.best("one", kind, [{"learning_rate": 0.0, "epochs": 1}, {"learning_rate": 3e-3, "epochs": 600}])
    assert found["setting"]["learning_rate"] == 3e-3 and found["validation"][1]["accuracy"] > found["validation"][0]["accuracy"]
    assert len(list(tmp_path.glob("*.json"))) == 3
    again = Fitting({}, answers, tmp_path).best("one", kind, [{"learning_rate": 0.0, "epochs": 1}, {"learning_rate": 3e-3, "epochs": 600}])
    assert again == found


def test_a_grid_grows_while_its_best_rate_is_at_an_edge(tmp_path):
    """Figures that are there already, so that nothing is fitted: the best of them lies beyond the grid, and none beyond the ladder."""
    for rate, accuracy in ((0.1, 0.5), (0.3, 0.6), (1.0, 0.7), (3.0, 0.65), (0.03, 0.5)):
        for decay in (0.1, 1.0):
            for end in ("", " tested"):
                (tmp_path / f"one learning_rate {rate:g} decay {decay:g}{end}.json").write_text(
                    json.dumps({"accuracy": accuracy - decay / 100})
                )
    grid = [{"learning_rate": rate, "decay": decay} for rate in (0.1, 0.3) for decay in (0.1, 1.0)]
    fitting = Fitting({}, ANSWERS, tmp_path)
    found = fitting.best("one", KINDS["comparisons on layers"], grid, ladder=(0.03, 0.1, 0.3, 1.0, 3.0, 10.0))
    assert found["setting"] == {"learning_rate": 1.0, "decay": 0.1} and not found["edge"] and len(found["validation"]) == 8
    assert fitting.best("one", KINDS["comparisons on layers"], grid, ladder=(0.1, 0.3, 1.0))["edge"]
    found = fitting.best("one", KINDS["comparisons on layers"], grid[:1], ladder=(0.03, 0.1))
    assert found["edge"] and [each["learning_rate"] for each in found["validation"]] == [0.1, 0.03]  # of equals the first that was tried


def test_a_small_measurement_has_a_page_and_a_picture(tmp_path):
    results = running.measured(which_reward_model, small=True)
    page = which_reward_model.page(results)
    assert page.count("| the same layers with LoRA |") == 1 and "| ensemble |" in page
    assert [path.name for path in which_reward_model.draw(results, tmp_path)] == ["which-reward-model.png"]


def test_it_asks_for_its_files():
    with pytest.raises(InputError, match="--pairs"):
        which_reward_model.measure(small=False)
