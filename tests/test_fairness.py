"""Fairness of the atlas: tuning, seeds that nobody has seen, what makes evidence stale, and what a verdict withholds."""

import importlib.util
import itertools
import math
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from guerdon.atlas import Entry, Evidence, Knob, confirm, run, systems, tune
from guerdon.atlas import _running as running
from guerdon.atlas._evidence import evidence_path, is_stale, kept
from guerdon.atlas._fingerprint import fingerprint, sources, tuning_fingerprint, unseen_seeds
from guerdon.atlas._frontier import lead
from guerdon.atlas._status import _row, check
from guerdon.atlas._tuning import Trial, first_of_the_best, kept_tuning, tuned, tuning_path
from guerdon.atlas._verdict import EQUAL, HOLDS, UNDECIDED, leaves, seeds_needed
from guerdon.atlas._working import Call, Workers
from guerdon.errors import InputError, RunFailed
from guerdon.interfaces.pages import _verdicts

# Two arms whose score is a parabola of the logarithm of the learning rate, with its top at 10 ** top, and a little that depends on the seed.
TOY = '''"""A toy."""
import math

from guerdon.atlas import BetterThan, Knob, System, TunedBy

system = System("toy", "https://example.org", "method", read="paper", note="")
GRID = {"base": {"learning_rate": (0.01, 0.1, 1.0)}, "new": {"learning_rate": (0.01, 0.1, 1.0)}}
TUNED_BY = "score"
claim = BetterThan("new", "base", on="score", effect=0.05)
SEEDS = {"smoke": 1, "full": 5, "tune": 2}
TOP = {"base": BASE_TOP, "new": -1.0}
LEAD = 0.5


def trial(arm, seed, scale, learning_rate):
    score = -((math.log10(learning_rate) - TOP[arm]) ** 2) + LEAD * (arm == "new") + 0.001 * (seed % 7)
    return {"score": score}
'''
names = itertools.count()


@pytest.fixture
def system(tmp_path, monkeypatch):
    """Writes a system's file and gives its entry, which ``find`` finds."""

    def make(text: str = TOY, base_top: float = -1.3) -> Entry:
        name = f"toy_{next(names)}"
        path = tmp_path / "family" / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text.replace("BASE_TOP", str(base_top)))
        specification = importlib.util.spec_from_file_location(name, path)
        module = sys.modules[name] = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(module)
        entry = type("Toy", (Entry,), {"module_name": name})(path)
        monkeypatch.setattr(running, "find", lambda slug: entry)
        return entry

    return make


def test_the_best_inside_the_grid_is_chosen_and_every_arm_has_as_many_trials(system):
    found = tune(system(base_top=-1.1), jobs=1)
    assert found.chosen == {"base": {"learning_rate": 0.1}, "new": {"learning_rate": 0.1}} and not found.at_edge
    assert [sum(t.arm == arm for t in found.trials) for arm in ("base", "new")] == [3, 3]
    assert found.seeds == unseen_seeds(found.source, "tuning", 2) and not set(found.seeds) & set(range(10_000))


def test_an_optimum_beyond_the_edge_extends_the_grid_by_its_own_ratio_and_the_other_arm_gets_as_many_trials(system):
    found = tune(system(base_top=1.9), jobs=1)
    assert found.chosen["base"] == {"learning_rate": 100.0} and not found.at_edge
    tried = {arm: [t.setting["learning_rate"] for t in found.trials if t.arm == arm] for arm in ("base", "new")}
    assert tried["base"] == [0.01, 0.1, 1.0, 10.0, 100.0, 1000.0]
    assert len(tried["new"]) == 6 and all(0.01 <= value <= 1 for value in tried["new"]), "it refines between its best and the neighbours"


def test_an_arm_whose_optimum_stays_at_the_edge_is_not_tuned_and_decides_nothing(system, tmp_path):
    entry = system(base_top=9.0)
    assert tune(entry, jobs=1).at_edge == {"base": ("learning_rate",)}
    evidence = confirm(entry.slug, jobs=1, folder=tmp_path, quiet=True)
    assert evidence.verdict.outcome == UNDECIDED and "edge" in evidence.verdict.why and evidence.verdict.estimate > 0.05


def test_a_limit_of_the_method_is_no_edge(system):
    limited = TOY.replace('"base": {"learning_rate": (0.01, 0.1, 1.0)}', '"base": {"learning_rate": Knob((0.01, 0.1, 1.0), most=1.0)}')
    found = tune(system(limited, base_top=9.0), jobs=1)
    assert found.chosen["base"] == {"learning_rate": 1.0} and not found.at_edge


@pytest.mark.parametrize(
    ("knob", "best", "beyond"),
    [
        (Knob((0.1, 0.3)), 0.3, 0.9),
        (Knob((0.1, 0.3)), 0.1, 0.0333333),
        (Knob((0.0, 0.5)), 0.5, 1.0),
        (Knob((0.0, 0.5)), 0.0, -0.5),
        (Knob((0.0, 0.5), least=0.0), 0.0, None),
        (Knob((0.5, 0.8), most=1.0), 0.8, 1.0),
        (Knob((2, 4, 8)), 8, 16),
        (Knob((0.1, 0.3, 1.0)), 0.3, None),
        (Knob(("mean", "sum")), "sum", None),
    ],
)
def test_what_lies_beyond_an_edge(knob, best, beyond):
    assert knob.beyond(best, knob.values) == beyond


def test_a_setting_that_diverges_is_never_chosen_and_all_of_them_are_a_failure(system):
    broken = TOY.replace("    score = ", "    if learning_rate > 0.5:\n        return {'score': math.inf}\n    score = ")
    found = tune(system(broken, base_top=5.0), jobs=1)
    assert found.chosen["base"] == {"learning_rate": 0.1}
    with pytest.raises(RunFailed, match="every setting of base diverged"):
        tune(system(TOY.replace('    return {"score": score}', '    return {"score": math.nan}')), jobs=1)


def test_where_the_score_has_levelled_off_the_setting_is_not_driven_further(system):
    level = TOY.replace(
        "    score = -((math.log10(learning_rate) - TOP[arm]) ** 2)", "    score = min(math.log10(learning_rate), TOP[arm])"
    )
    found = tune(system(level, base_top=-0.1), jobs=1)
    assert found.chosen == {"base": {"learning_rate": 1.0}, "new": {"learning_rate": 0.1}} and not found.at_edge


@pytest.mark.parametrize(
    ("scores", "sign", "best"),
    [
        ((0.0, 0.995, 1.0), 1, 1),  # within a hundredth of the range of all
        ((0.0, 0.98, 1.0), 1, 2),
        ((0.9, 0.995, 1.0), 1, 2),  # a range of a tenth
        ((1.0, 0.005, 0.0), -1, 1),  # less is better
        ((1.0, 0.02, 0.0), -1, 2),
        ((0.3, 0.3), 1, 0),
    ],
)
def test_what_is_nearly_as_good_as_the_best_and_was_tried_before_is_chosen(scores, sign, best):
    trials = [Trial("a", {"x": i}, (score,)) for i, score in enumerate(scores)]
    assert first_of_the_best(trials, sign) is trials[best]


def test_points_of_one_price_count_with_their_mean():
    price, value = np.array([0.0, 1.0, 1.0, 2.0]), np.array([0.0, 1.0, 3.0, 2.0])
    assert lead(price, value, np.array([0.0, 2.0]), np.array([0.0, 0.0]), at=1.0) == 2.0
    assert math.isclose(lead(price, value, np.array([0.0, 2.0]), np.array([0.0, 0.0])), 1.5, rel_tol=0.02)


def test_what_was_measured_is_in_the_order_in_which_it_was_asked_for(monkeypatch):
    calls = [Call("operator", "neg", (i,), {}) for i in range(4)]
    monkeypatch.setattr(Workers, "_outcomes", lambda self, some: [(i, some[i]()) for i in (2, 0, 3, 1)])  # as they happen to end
    with Workers(1) as workers:
        assert workers.all(calls) == [0, -1, -2, -3]


def test_a_system_that_was_changed_after_its_confirmation_has_the_status_of_one(system, tmp_path, monkeypatch):
    entry = system(base_top=-1.0)
    monkeypatch.setattr("guerdon.atlas._status.ATLAS", tmp_path / "atlas")
    assert _row(entry, smoke=False).state == "not confirmed"
    confirm(entry.slug, jobs=1, folder=tmp_path, quiet=True)
    confirmed = _row(entry, smoke=False)
    assert (confirmed.state, confirmed.stale, confirmed.runs, confirmed.verdict) == ("confirmed", False, True, HOLDS)
    entry.path.write_text(entry.path.read_text().replace("LEAD = 0.5", "LEAD = 0.4"))
    changed = _row(entry, smoke=False)
    assert (changed.state, changed.stale, changed.runs, changed.verdict) == ("changed since", True, None, HOLDS)


def test_a_system_that_waits_for_its_world_is_shown_as_waiting_whatever_came_of_its_part(system, tmp_path, monkeypatch):
    waiting = TOY.replace('note=""', 'waits_for="a control world"')
    entry = system(waiting, base_top=-1.0)
    monkeypatch.setattr("guerdon.atlas._status.ATLAS", tmp_path / "atlas")
    before = fingerprint(entry)
    assert _row(entry, smoke=False).state == "waiting"
    confirm(entry.slug, jobs=1, folder=tmp_path, quiet=True)
    row = _row(entry, smoke=False)
    assert (row.state, row.waits_for, row.verdict) == ("waiting", "a control world", HOLDS)
    monkeypatch.setattr(_verdicts, "systems", lambda: (entry,))
    page = _verdicts.verdicts()
    assert "Waiting for a control world" in page and "| waiting for their world | 1 |" in page and f"| {HOLDS} | 0 |" in page
    entry.path.write_text(entry.path.read_text().replace(', waits_for="a control world"', ""))
    assert fingerprint(entry) == before, "the world comes, and what was measured of the part stays"


def test_a_call_leaves_the_threads_as_they_were():
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        inside = [Call("torch", "get_num_threads", (), {}, threads)() for threads in (1, None)]
        assert inside == [1, 2] and torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_a_trial_in_which_the_loop_gives_up_has_diverged(system):
    broken = TOY.replace("    score = ", "    if learning_rate > 0.5:\n        raise RunFailed('no step was finite')\n    score = ")
    found = tune(system(broken.replace("import math", "import math\nfrom guerdon.errors import RunFailed"), base_top=5.0), jobs=1)
    assert found.chosen["base"] == {"learning_rate": 0.1}


def test_tuned_otherwise_it_is_confirmed_on_other_seeds(system, tmp_path):
    entry = system(base_top=-1.0)
    before = confirm(entry.slug, jobs=1, folder=tmp_path, quiet=True)
    kept_now = kept_tuning(entry)
    replace(kept_now, chosen={**kept_now.chosen, "base": {"learning_rate": 0.01}}).write(tuning_path(entry))
    after = confirm(entry.slug, jobs=1, folder=tmp_path, quiet=True)
    assert before.source == after.source and not set(before.seeds) & set(after.seeds) and len(after.history) == 2
    assert confirm(entry.slug, jobs=1, folder=tmp_path, quiet=True) == replace(after, duration_s=kept(entry).duration_s)


def test_grids_of_different_sizes_and_missing_names_are_refused(system):
    unfair = TOY.replace('"new": {"learning_rate": (0.01, 0.1, 1.0)}', '"new": {"learning_rate": (0.01, 0.03, 0.1, 0.3, 1.0)}')
    with pytest.raises(InputError, match="same number of trials"):
        tune(system(unfair), jobs=1)
    with pytest.raises(InputError, match="GRID, TUNED_BY and trial"):
        tune(system(TOY.replace("TUNED_BY = ", "OTHER = ")), jobs=1)
    silent = 'from guerdon.atlas import EqualTo, System\nsystem = System("x", "https://x", "method")\nclaim = EqualTo("a", 1.0, "m", 0.1)\nSEEDS = {"smoke": 1, "full": 3}\n'
    with pytest.raises(InputError, match="neither what is tuned"):
        confirm(system(silent + "def experiment(seed, scale):\n    return {'a': {'m': 1.0}}\n").slug, jobs=1)


def test_a_tuning_is_kept_and_paid_once_until_what_it_depends_on_changes(system):
    entry = system()
    first = tuned(entry, jobs=1)
    assert kept_tuning(entry) == first and tuned(entry, jobs=1) == first
    entry.path.write_text(entry.path.read_text().replace("effect=0.05", "effect=0.06").replace('"full": 5', '"full": 50'))
    assert kept_tuning(entry) == first, "a trial does not depend on the claim or on the verdict's seeds"
    entry.path.write_text(entry.path.read_text().replace("LEAD = 0.5", "LEAD = 0.4"))
    assert kept_tuning(entry) is None


def test_exploring_draws_no_verdict_and_confirming_draws_it_on_seeds_that_nobody_has_seen(system, tmp_path, capsys):
    entry = system(base_top=-1.0)
    explored = run(entry.slug, jobs=1, folder=tmp_path)
    assert explored.seeds == (0, 1, 2, 3, 4) and not explored.history and not evidence_path(entry).exists()
    assert "no verdict" in capsys.readouterr().out
    confirmed = confirm(entry.slug, jobs=1, folder=tmp_path)
    assert "Verdict: holds" in capsys.readouterr().out
    assert confirmed.seeds == unseen_seeds(confirmed.source, "confirming", 5) and kept(entry) == confirmed
    assert [(c.source, c.outcome, c.seeds) for c in confirmed.history] == [(fingerprint(entry), HOLDS, 5)]
    assert confirm(entry.slug, jobs=1, folder=tmp_path, quiet=True).history == confirmed.history, (
        "the same seeds are no second confirmation"
    )


def test_every_change_brings_new_seeds_and_the_history_keeps_the_old_outcome(system, tmp_path):
    entry = system(base_top=-1.0)
    before = confirm(entry.slug, jobs=1, folder=tmp_path, quiet=True)
    entry.path.write_text(entry.path.read_text().replace("LEAD = 0.5", "LEAD = 0.01"))
    entry.module.LEAD = 0.01
    assert is_stale(entry, before)
    after = confirm(entry.slug, jobs=1, folder=tmp_path, quiet=True)
    assert not set(before.seeds) & set(after.seeds)
    assert [c.outcome for c in after.history] == [HOLDS, EQUAL] and Evidence.read(evidence_path(entry)) == after


def test_more_seeds_are_new_seeds(system):
    entry = system()
    before = fingerprint(entry)
    entry.path.write_text(entry.path.read_text().replace('"full": 5', '"full": 6'))
    assert fingerprint(entry) != before and not set(unseen_seeds(before, "c", 5)) & set(unseen_seeds(fingerprint(entry), "c", 6))


def test_writing_down_what_was_seen_does_not_make_evidence_stale(system):
    entry = system()
    before = fingerprint(entry), tuning_fingerprint(entry)
    text = entry.path.read_text().replace('"""A toy."""', '"""A toy, and what was seen."""').replace('note=""', 'note="seen"') + "# so\n"
    entry.path.write_text(text.replace('read="paper"', 'read="code"'))
    assert (fingerprint(entry), tuning_fingerprint(entry)) == before
    entry.path.write_text(text.replace("0.001", "0.002"))
    assert fingerprint(entry) != before[0] and tuning_fingerprint(entry) != before[1]


def test_a_fingerprint_covers_the_worlds_and_helpers_that_a_file_imports():
    for entry in systems():
        names = {path.name for path in sources(entry.path)}
        text = entry.path.read_text()
        for helper in ("_comparing", "_text", "_people", "_games", "_exploring"):
            assert (f"{helper}.py" in names) >= (f"{helper} import" in text)
        assert "_running.py" not in names and "_claims.py" not in names
        assert any("worlds" in path.parts for path in sources(entry.path)) >= ("guerdon.worlds" in text)


def test_a_claim_that_cannot_fail_needs_another_beside_it(system):
    with pytest.raises(TypeError, match="by construction"):
        check(system(TOY.replace("effect=0.05", "by_construction=True")))
    two = 'AllOf(BetterThan("new", "base", on="score", by_construction=True), BetterThan("new", 0.0, on="score"))'
    one = 'BetterThan("new", "base", on="score", effect=0.05)'
    check(system(TOY.replace(one, two).replace("import BetterThan", "import AllOf, BetterThan")))


def test_how_many_seeds_would_decide_is_said_while_exploring(system, tmp_path):
    evidence = run(
        system(TOY.replace("0.001 * (seed % 7)", "0.1 * (seed % 2) * (arm == 'new')"), base_top=-1.0).slug,
        jobs=1,
        folder=tmp_path,
        quiet=True,
    )
    (leaf,) = leaves(evidence.verdict)
    assert math.isclose(leaf.spread, 0.05477, rel_tol=1e-3) and seeds_needed(leaf) == math.ceil((1.96 * leaf.spread / 0.025) ** 2) == 19
    assert seeds_needed(replace(leaf, effect=0.0)) is None


def test_the_page_of_verdicts_is_of_the_evidence_that_is_kept():
    from guerdon.interfaces.pages import verdicts

    page = Path(__file__).parents[1] / "docs" / "verdicts.md"
    assert page.read_text() == verdicts(), "write it again: make verdicts"


def test_tunings_lie_beside_the_systems_and_none_is_left_of_a_system_that_is_gone():
    there = {path for entry in systems() for path in (tuning_path(entry), evidence_path(entry))}
    folder = Path(running.__file__).parent
    assert set(folder.glob("*/tuning/*.json")) | set(folder.glob("*/evidence/*.json")) <= there
