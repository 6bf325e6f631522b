"""``guerdon compare``: runs beside one another, with differences that are paired, curves on one another, and answers to the same prompts."""

import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guerdon.errors import InputError
from guerdon.interfaces.cli import _printing, main
from guerdon.interfaces.cli._printing import Name
from guerdon.interfaces.comparing import compare, write
from guerdon.interfaces.comparing.page import _together, answers
from guerdon.interfaces.report.curves import Drawn
from test_report import Page, completion, held_out, improving, make

CONFIGURATION = """
task: {part: sort_letters, seed: SEED}
recipe: {base: grpo, optimiser: {learning_rate: RATE}}
budget: {steps: 40, seed: SEED}
run: WHERE
"""


def run(folder, rate, seed, right, of=40, steps=40):
    make(folder, improving(steps), held_out(0, 5, of) + held_out(steps, right, of))
    text = CONFIGURATION.replace("RATE", str(rate)).replace("SEED", str(seed)).replace("WHERE", str(folder))
    (folder / "configuration.yaml").write_text(text)
    return folder


def test_differences_are_paired_over_prompts_and_over_seeds(tmp_path):
    folders = [run(tmp_path / f"slow-seed{s}", 1e-5, s, right) for s, right in enumerate((10, 20))]
    folders += [run(tmp_path / f"fast-seed{s}", 1e-4, s, right) for s, right in enumerate((20, 30))]
    found = compare(folders)
    assert [(arm.label, arm.seeds) for arm in found.arms] == [("slow", (0, 1)), ("fast", (0, 1))]
    assert found.differs == {"recipe.optimiser.learning_rate": [1e-5, 1e-4]}
    accuracy, reward = found.measured
    assert (accuracy.name, reward.name) == ("Held-out accuracy", "Held-out reward")
    assert [v.value for v in reward.values] == pytest.approx([15 / 40, 25 / 40])
    prompts, seeds = reward.differences[1]
    assert (prompts.over, seeds.over) == ("40 prompts", "2 seeds")
    # Prompts 10 to 29 gain one half each; both seeds gain ten prompts of forty.
    assert prompts.estimate.value == pytest.approx(0.25) and seeds.estimate == pytest.approx((0.25, 0.25, 0.25))
    assert 0.15 < prompts.estimate.low < 0.25 < prompts.estimate.high < 0.35  # not as wide as the two intervals are apart
    assert prompts.better is True and reward.differences[0] == []


def test_a_run_that_was_made_again_with_its_seed_is_another_arm(tmp_path, capsys):
    """Only other seeds are repetitions: of one seed there is one run, and whatever made the other differ is to be seen."""
    folders = [run(tmp_path / f"{name}-seed{seed}", 1e-5, seed, 10 + 5 * seed) for name in ("first", "again") for seed in (0, 1)]
    assert [(arm.label, arm.seeds) for arm in compare(folders).arms] == [("first", (0, 1)), ("again", (0, 1))]
    assert main(["compare", *map(str, folders[:2])]) == 0
    assert "one arm with nothing to compare it with" in " ".join(capsys.readouterr().out.split())


def test_over_several_seeds_a_curve_is_their_mean_between_the_lowest_and_the_highest():
    lines = [Drawn("r", [0, 2, 4], [1.0, value, 3.0], False) for value in (5.0, 2.0)] + [Drawn("r", [2, 4, 6], [2.0, 0.0, 9.0], False)]
    both = _together("arm", lines, 1)
    assert (both.steps, both.values, both.low, both.high) == ([2, 4], [3.0, 2.0], [2.0, 0.0], [5.0, 3.0])


def test_prompts_that_only_one_was_asked_are_said_and_left_out(tmp_path):
    found = compare([run(tmp_path / "a", 1e-5, 0, 10), run(tmp_path / "b", 1e-4, 0, 10, of=50)])
    assert found.measured[1].differences[1][0].estimate.value == 0 and found.measured[1].differences[1][0].over == "40 prompts"
    assert any("40 of 50 are shared" in note for note in found.notes)


def test_runs_of_different_length_are_compared_as_they_stand_and_it_is_said(tmp_path):
    found = compare([run(tmp_path / "a", 1e-5, 0, 10), run(tmp_path / "b", 1e-4, 0, 30, steps=20)])
    assert any("a after step 40; b after step 20" in note for note in found.notes)
    assert found.measured[0].differences[1][0].better is True


def test_runs_that_were_fitted_have_no_single_outcomes_and_no_interval_of_one_seed(tmp_path):
    def fitted(name, rate, seed, loss):
        folder = make(tmp_path / name, [{"step": 10, "loss": 1.0, "eval/loss": loss}])
        (folder / "configuration.yaml").write_text(CONFIGURATION.replace("RATE", str(rate)).replace("SEED", str(seed)))
        return folder

    runs = [fitted("a0", 1e-5, 0, 0.5), fitted("b0", 1e-4, 0, 0.4)]
    (loss,) = compare(runs).measured
    (apart,) = loss.differences[1]
    assert loss.name == "Held-out loss" and apart.estimate.value == pytest.approx(-0.1) and apart.better is None and apart.over == ""
    (loss,) = compare([*runs, fitted("a1", 1e-5, 1, 0.7), fitted("b1", 1e-4, 1, 0.6)]).measured
    (apart,) = loss.differences[1]
    assert apart.over == "2 seeds" and apart.better is True  # lower is better


def test_the_page_has_curves_on_one_another_and_answers_side_by_side(tmp_path):
    folders = [run(tmp_path / "plain", 1e-5, 0, 10), run(tmp_path / "<b>$fast<i>", 1e-4, 0, 30)]
    page = Page(write(compare(folders), tmp_path / "out" / "page.html").read_text())
    assert "recipe.optimiser.learning_rate" in page.text and "<b>$fast<i>" in page.text  # as text, not as an element
    assert page.text.count("answer to p0") == 2 and "answer to p10" in page.text  # one of the first, one of those furthest apart
    drawn = [value for name, value in page.attributes if name == "aria-label" and value.endswith("plain, <b>$fast<i>")]
    assert any(label.startswith("Reward") for label in drawn) and any(label.startswith("Loss") for label in drawn)
    assert not [value for name, value in page.attributes if name in ("src", "href") and not value.startswith("#")]


def test_the_answers_shown_are_the_first_and_those_whose_rewards_are_furthest_apart(tmp_path):
    def rows(scale):
        return [completion(5, f"p{i}", scale * i / 40, split="test") for i in range(40)]

    folders = [make(tmp_path / str(s), [{"step": 5}], rows(s), {"recipe": {"epochs": s}, "budget": {"seed": 0}}) for s in (0, 1)]
    in_order, apart = ([each.prompt.prompt[-1][1] for each in some] for some in answers(compare(folders).arms))
    assert in_order == [f"p{i}" for i in range(len(in_order))]
    assert apart and apart == [f"p{i}" for i in range(39, 39 - len(apart), -1)]


def test_a_person_and_a_program_are_told(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run(tmp_path / "runs" / "a", 1e-5, 0, 10), run(tmp_path / "runs" / "b", 1e-4, 0, 30)
    assert main(["compare", "runs/a", "runs/b"]) == 0
    out = capsys.readouterr().out
    assert "Held-out accuracy" in out and "+50.0 %" in out and "better" in out and (tmp_path / "runs" / "comparison.html").exists()
    assert main(["compare", "runs/b", "runs/a"]) == 0
    out = capsys.readouterr().out
    assert "-50.0 %" in out and "worse" in out and "better" not in out
    assert main(["compare", "runs/a", "runs/b", "--out", "page.html", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["differs"] == {"recipe.optimiser.learning_rate": {"a": 1e-5, "b": 1e-4}} and found["page"] == "page.html"
    accuracy = found["figures"][0]
    assert accuracy["values"]["b"]["value"] == 0.75 and accuracy["differences"]["b"][0]["over"] == "40 prompts"


@pytest.mark.parametrize(
    ("folders", "said"), [(["runs/a"], "at least two"), (["runs/a", "./runs/a"], "twice"), (["runs/a", "runs/none"], "not a folder")]
)
def test_what_cannot_be_compared_is_refused(tmp_path, capsys, monkeypatch, folders, said):
    monkeypatch.chdir(tmp_path)
    run(tmp_path / "runs" / "a", 1e-5, 0, 10)
    assert main(["compare", *folders]) == 2 and said in capsys.readouterr().err


def test_a_run_from_python_is_told_apart_by_what_was_recorded(tmp_path):
    rows = [completion(5, "p", 1.0, split="test")]
    folders = [make(tmp_path / n, [{"step": 5}], rows, {"recipe": {"epochs": e}, "budget": {"seed": 0}}) for n, e in (("a", 1), ("b", 2))]
    assert compare(folders).differs == {"recipe.epochs": [1, 2]}
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no run"):
        compare([folders[0], tmp_path / "empty"])


@settings(deadline=None, max_examples=50)
@given(st.text("ab.=,/ 1", min_size=1, max_size=60), st.integers(1, 80))
def test_a_name_without_room_goes_on_in_the_next_line_and_loses_nothing(name, width):
    from rich.console import Console

    with Console(width=width, file=io.StringIO(), record=True) as console:
        console.print(Name(name))
    lines = console.export_text().split("\n")
    assert max(map(len, lines)) <= width and "".join("".join(lines).split()) == "".join(name.split())


def test_on_a_narrow_terminal_one_can_tell_settings_and_runs_apart(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(_printing.console, "width", 60)
    folders = [run(tmp_path / f"recipe.optimiser.learning_rate={rate},budget.seed=0", rate, 0, 10) for rate in (1e-5, 1e-4)]
    assert main(["compare", *map(str, folders)]) == 0
    shown = capsys.readouterr().out
    differ, _, figures = shown.partition("Held-out")
    assert "learning_rate" in differ and "…" not in differ and all(end in figures for end in ("1e-05,", "0.0001,"))
