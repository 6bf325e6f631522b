"""The studies of learning from verifiable rewards: every arm makes a recipe that learns, verifiers err as often as they say, and pages say what was measured."""

import numpy as np
import pytest

from guerdon.atlas._tuning import values_of
from studies import running, what_rl_changes, which_estimator, which_loss
from studies._verifiable import learning
from studies._verifiable.arms import apart, arm
from studies._verifiable.learning import ANSWERS, SAMPLES, SIZES, UPDATES, Size, summary
from studies._verifiable.page import Table
from studies._verifiable.tasks import TASKS, Erring

STUDIES = (which_estimator, which_loss)


def setting(study, name: str) -> dict[str, float]:
    return {knob: values_of(values)[0] for knob, values in study.GRID[name].items()}


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.NAME)
def test_every_arm_is_a_recipe_and_has_as_many_settings_as_the_others(study):
    for name in study.GRID:
        recipe = study.METHODS[apart(name)[0]](**setting(study, name))
        assert recipe.optimiser.learning_rate.start == setting(study, name)["learning_rate"]
    assert len({np.prod([len(values_of(values)) for values in knobs.values()]) for knobs in study.GRID.values()}) == 1
    assert {apart(name) for name in study.GRID} == {(method, task) for method in study.METHODS for task in TASKS}


@pytest.mark.parametrize(("study", "method"), [(which_estimator, "PPO"), (which_estimator, "ReMax"), (which_loss, "KL-cov")])
def test_arms_that_need_more_than_others_learn(study, method, monkeypatch):
    monkeypatch.setitem(learning.SIZES, "smoke", Size(steps=1, prompts=2, looks=1, held_out=2, small=True))
    found = study.trial(arm(method, "noisy"), 0, "smoke", **setting(study, arm(method, "noisy")))
    assert 0 <= found[SAMPLES] <= 1 and len(found["curve"]) == 2


@pytest.mark.parametrize("study", [which_estimator, what_rl_changes], ids=lambda study: study.NAME)
def test_a_small_measurement_makes_a_page(study, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(learning.SIZES, "smoke", Size(steps=1, prompts=2, looks=1, held_out=2, small=True))
    monkeypatch.setattr("studies._verifiable.arms.FEW", 4 if study is what_rl_changes else 1)
    results = running.measured(study, small=True)
    assert "| --- |" in study.page(results) and not list(tmp_path.iterdir())
    assert all(path.stat().st_size for path in study.draw(results, tmp_path))


def test_the_verifier_errs_as_often_as_it_says_and_always_on_the_same():
    verifier, prompts = Erring(), [f"{i}>" for i in range(4000)]
    right = np.array(verifier(prompts, ["a"] * 4000, ["a"] * 4000))
    wrong = np.array(verifier(prompts, ["b"] * 4000, ["a"] * 4000))
    assert abs(right.mean() - 0.8) < 0.025 and abs(wrong.mean() - 0.05) < 0.015
    assert (right == verifier(prompts, ["a"] * 4000, ["a"] * 4000)).all()


def test_who_draws_more_is_looked_at_earlier_at_equal_samples():
    size = Size(steps=4, prompts=2, looks=4)
    rows = [{"eval/rewards/truth/mean": 0.0}] + [{"sampled_prompts": 2.0, "eval/rewards/truth/mean": step / 4} for step in range(1, 5)]
    same, more = summary(rows, size), summary(rows, size, 2 * ANSWERS)
    assert same[SAMPLES] == same[UPDATES] == more[UPDATES] == 0.875 and more[SAMPLES] == 0.375


def test_methods_are_told_apart_where_they_differ_only():
    def runs(values: list[float]) -> dict:
        return {"runs": [{SAMPLES: v, UPDATES: v, "before": 0.0} for v in values]}

    scores = {"a": [0.5, 0.51, 0.52], "same": [0.5, 0.52, 0.51], "better": [0.9, 0.91, 0.92], "worse": [0.1, 0.2, 0.15]}
    table = Table({"methods": [*scores], "tasks": ["rare"], "arms": {arm(name, "rare"): runs(values) for name, values in scores.items()}})
    assert table.ahead("a", SAMPLES) == ["better"] and table.behind("a", SAMPLES) == ["worse"]
    assert table.as_good("rare", SAMPLES) == ["better"] and SIZES["full"].prompts == 16


def test_a_task_on_which_nobody_rose_above_where_they_began_is_said_to_have_taught_nobody():
    def table(values: list[float]) -> Table:
        runs = [{SAMPLES: v, UPDATES: v, "before": b} for v, b in zip(values, (0.3, 0.4, 0.5), strict=True)]
        return Table({"methods": ["a"], "tasks": ["rare"], "arms": {arm("a", "rare"): {"runs": runs}}})

    assert not table([0.3, 0.4, 0.5]).taught("rare", SAMPLES) and not table([0.2, 0.45, 0.5]).taught("rare", SAMPLES)
    assert table([0.4, 0.5, 0.6]).taught("rare", SAMPLES)


def test_a_point_is_kept_for_the_library_as_it_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = iter([{"n": 1}, {"n": 2}])
    assert [learning.kept("study", "arm", lambda: next(made))["n"] for _ in range(2)] == [1, 1]
    monkeypatch.setattr(learning, "source_digest", lambda: "another library")
    assert learning.kept("study", "arm", lambda: next(made)) == {"n": 2}
