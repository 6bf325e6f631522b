"""The atlas: claims can come out all three ways, every system runs and its claim can fail, evidence is what it says."""

import dataclasses
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guerdon.atlas import (
    AheadAlong,
    AllOf,
    BetterThan,
    EqualTo,
    FallsWith,
    GrowsWith,
    NoWorseThan,
    RanksAs,
    System,
    find,
    judge,
    measure,
    show,
    show_recipe,
    status,
    systems,
)
from guerdon.atlas._claims import leaves
from guerdon.atlas._evidence import is_stale, kept
from guerdon.atlas._fingerprint import CONFIRMING, unseen_seeds
from guerdon.atlas._running import gather
from guerdon.atlas._status import Row, check
from guerdon.atlas._tuning import first_of_the_best, kept_tuning
from guerdon.atlas._verdict import EQUAL, FAILS, HOLDS, OUTCOMES, UNDECIDED, withheld
from guerdon.errors import InputError, RunFailed
from guerdon.interfaces.cli._standing import by_family, one_by_one

SYSTEMS = systems()
every_system = pytest.mark.parametrize("entry", SYSTEMS, ids=lambda entry: entry.slug)

# ---- claims

NOISE = [-0.02, 0.01, 0.03, -0.01, 0.0]


def around(mean, spread=1.0):
    return [mean + spread * n for n in NOISE]


def arms(difference, spread=1.0):
    return {"a": {"m": around(1 + difference, spread)}, "b": {"m": [1.0] * 5}, "c": {"m": [0.0] * 5}}


def curve(*means, spread=1.0):
    return {"a": {"m": {2.0**i: around(mean, spread) for i, mean in enumerate(means)}}}


def frontier(lead):
    """Both buy one unit of m for one of KL; b pays 0 to 3, a pays 1 to 4 and gets ``lead`` more."""
    prices = {1: 0.0, 2: 1.5, 3: 3.0}
    b = {"m": {x: [z] * 5 for x, z in prices.items()}, "KL": {x: [z] * 5 for x, z in prices.items()}}
    a = {"m": {x: around(z + 1 + lead) for x, z in prices.items()}, "KL": {x: [z + 1] * 5 for x, z in prices.items()}}
    return {"a": a, "b": b}


CLAIMS = [
    # claim, numbers that bear it out, numbers that refute it, numbers that leave it open
    (BetterThan("a", "b", on="m"), arms(1), arms(-1), arms(0)),
    (BetterThan("a", 1.0, on="m"), arms(1), arms(-1), arms(0)),
    (BetterThan("a", "b", on="m", by=0.5), arms(1), arms(0.3), arms(0.5)),
    (BetterThan("a", "b", on="m", lower_is_better=True), arms(-1), arms(1), arms(0)),
    (NoWorseThan("a", "b", on="m", margin=0.2), arms(-0.1), arms(-0.3), arms(-0.2)),
    (NoWorseThan("a", "b", on="m", margin=0.2, lower_is_better=True), arms(0.1), arms(0.3), arms(0.2)),
    (EqualTo("a", "b", on="m", tolerance=0.1), arms(0.0), arms(0.3), arms(0.1)),
    (EqualTo("a", 1.0, on="m", tolerance=0.1), arms(0.0), arms(-0.3), arms(-0.1)),
    (RanksAs(("a", "b", "c"), on="m"), arms(1), arms(-0.5), arms(0)),
    (AllOf(BetterThan("a", "c", on="m"), BetterThan("a", "b", on="m")), arms(1), arms(-0.5), arms(0)),
    (GrowsWith("a", on="m"), curve(0, 1, 2), curve(2, 1, 0), curve(0, 0, 0, spread=5)),
    (GrowsWith("a", on="m", by=1.5), curve(0, 1, 2), curve(0, 0.5, 1), curve(0, 0.75, 1.49)),
    (GrowsWith("a", on="m", every_step=True), curve(0, 1, 2), curve(0, 3, 2), curve(0, 1, 1.0001, spread=1)),
    (FallsWith("a", on="m"), curve(2, 1, 0), curve(0, 1, 2), curve(0, 0, 0)),
    (BetterThan("a", 0.5, on="m", at="last"), curve(0, 1), curve(1, 0), curve(0, 0.5)),
    (BetterThan("a", 0.5, on="m", at=1), curve(1, 0), curve(0, 1), curve(0.5, 1)),
    (BetterThan("a", 0.5, on="m", at="every"), curve(1, 1), curve(0, 1), curve(0.5, 1)),
    (AheadAlong("a", "b", on="m", along="KL"), frontier(1), frontier(-1), frontier(0)),
    (AheadAlong("a", "b", on="m", along="KL", at=1.5, by=0.5), frontier(1), frontier(0.3), frontier(0.5)),
    (AheadAlong("a", "b", on="m", along="KL", lower_is_better=True), frontier(-1), frontier(1), frontier(0)),
]


@pytest.mark.parametrize(("claim", "good", "bad", "open"), CLAIMS, ids=lambda x: str(x) if not isinstance(x, dict) else "")
def test_every_kind_of_claim_comes_out_all_three_ways(claim, good, bad, open):
    if claim.__class__.__name__ in ("GrowsWith", "FallsWith"):
        # steps of one arm share their seeds' noise, so they are exact unless noise is given to one point alone
        open = {"a": {"m": {x: list(np.roll(v, i)) for i, (x, v) in enumerate(open["a"]["m"].items())}}}
    assert [claim.judge(numbers).outcome for numbers in (good, bad, open)] == [HOLDS, FAILS, UNDECIDED]


@pytest.mark.parametrize("claim", [claim for claim, *_ in CLAIMS[:10]], ids=str)
def test_two_seeds_decide_nothing_unless_exact(claim):
    for difference in (-1.0, 0.0, 1.0):
        two = {arm: {"m": values["m"][:2]} for arm, values in arms(difference).items()}
        assert claim.judge(two).outcome == UNDECIDED
        one = {arm: {"m": values["m"][:1]} for arm, values in arms(difference, spread=0.0).items()}
        assert claim.judge(one).outcome == UNDECIDED
        assert claim.judge(one, exact=True).outcome != UNDECIDED


def test_a_difference_inside_the_smallest_effect_of_interest_is_equal():
    for claim in (
        BetterThan("a", "b", on="m", effect=0.1),
        BetterThan("a", "b", on="m", effect=0.1, lower_is_better=True),
        RanksAs(("a", "b"), on="m", effect=0.1),
        BetterThan("a", "b", on="m", by=0.05, effect=0.1),
    ):
        assert claim.judge(arms(0.03)).outcome == EQUAL, "also where the interval excludes zero"
        assert claim.judge(arms(0.03, spread=5)).outcome == UNDECIDED
    assert BetterThan("a", "b", on="m", effect=0.1).judge(arms(0.3)).outcome == HOLDS
    assert BetterThan("a", "b", on="m", effect=0.1).judge(arms(-0.3)).outcome == FAILS
    assert AheadAlong("a", "b", on="m", along="KL", effect=0.1).judge(frontier(0.0)).outcome == EQUAL
    both = AllOf(BetterThan("a", "b", on="m", effect=0.1), BetterThan("a", "c", on="m"))
    assert both.judge(arms(0.03)).outcome == EQUAL, "a conjunction with an equal leaf is no more than equal"


def test_a_method_that_only_goes_further_along_the_same_frontier_has_no_lead():
    steps = range(5)
    further = {"KL": {t: [2.0 * t] * 3 for t in steps}, "gold": {t: [(2.0 * t) ** 0.5] * 3 for t in steps}}
    nearer = {"KL": {t: [1.0 * t] * 3 for t in range(9)}, "gold": {t: [(1.0 * t) ** 0.5] * 3 for t in range(9)}}
    verdict = AheadAlong("further", "nearer", on="gold", along="KL", effect=0.1).judge({"further": further, "nearer": nearer})
    assert verdict.outcome == EQUAL and abs(verdict.estimate) < 0.1 and verdict.matched == "KL"
    apart = {**further, "KL": {t: [100.0 + t] * 3 for t in steps}}
    verdict = AheadAlong("further", "nearer", on="gold", along="KL").judge({"further": apart, "nearer": nearer})
    assert verdict.outcome == UNDECIDED and "no KL in common" in verdict.why
    with pytest.raises(LookupError, match="frontier needs"):
        AheadAlong("a", "b", on="m", along="n").judge({"a": {"m": [1.0], "n": [1.0]}, "b": {"m": [1.0], "n": [1.0]}})


def test_exact_bounds_are_kept():
    one = {"a": {"m": [1.0]}, "b": {"m": [1.0]}}
    assert BetterThan("a", "b", on="m").judge(one, exact=True).outcome == FAILS
    assert NoWorseThan("a", "b", on="m").judge(one, exact=True).outcome == HOLDS
    assert EqualTo("a", "b", on="m", tolerance=0.0).judge(one, exact=True).outcome == HOLDS


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-10, 10), min_size=3, max_size=8), st.floats(0.01, 5))
def test_pairing_removes_what_the_seeds_share(shared, gap):
    numbers = {"a": {"m": [s + gap for s in shared]}, "b": {"m": shared}}
    verdict = BetterThan("a", "b", on="m").judge(numbers)
    assert verdict.outcome == HOLDS and verdict.seeds == len(shared) and math.isclose(verdict.estimate, gap, abs_tol=1e-9)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-10, 10), min_size=3, max_size=8), st.floats(0, 5))
def test_a_claim_and_its_opposite_do_not_both_hold(differences, by):
    numbers = {"a": {"m": differences}}
    outcomes = {
        BetterThan("a", by, on="m").judge(numbers).outcome,
        NoWorseThan("a", by, on="m", lower_is_better=True).judge(numbers).outcome,
    }
    assert outcomes in ({HOLDS, FAILS}, {UNDECIDED})


def test_wrong_claims_are_refused():
    numbers = {**curve(0, 1), "b": {"m": around(0)}}
    for claim in (
        BetterThan("a", "nobody", on="m", at=1),
        BetterThan("a", 0.0, on="nothing", at=1),
        BetterThan("a", 0.0, on="m"),
        BetterThan("a", 0.0, on="m", at=3),
        BetterThan("b", 0.0, on="m", at=1),
        BetterThan("a", "b", on="m", at=1),
    ):
        with pytest.raises(LookupError):
            claim.judge(numbers)
    with pytest.raises(InputError, match="theory"):
        System("", "", kind="theorie")
    with pytest.raises(InputError, match="unknown system"):
        find("no-such-system")


def test_numbers_are_finite_and_the_same_for_every_seed():
    assert gather([{"a": {"m": 1, "c": {2: 3}}}, {"a": {"m": 2, "c": {2: 4}}}]) == {"a": {"m": [1.0, 2.0], "c": {2.0: [3.0, 4.0]}}}
    with pytest.raises(RunFailed, match="nan"):
        gather([{"a": {"m": float("nan")}}])
    with pytest.raises(RunFailed, match="seed 1"):
        gather([{"a": {"m": 1}}, {"a": {"n": 1}}])


# ---- systems


@pytest.fixture(scope="module")
def smoke():
    """The numbers of each system at smoke scale, measured once."""
    cache = {}

    def numbers(entry):
        if entry.slug not in cache:
            cache[entry.slug] = measure(entry, "smoke")
        return cache[entry.slug]

    return numbers


@every_system
def test_system_runs_at_smoke_scale_and_its_claim_reads_the_numbers(entry, smoke):
    check(entry)
    assert entry.module.__doc__ and entry.system.title and entry.system.link.startswith("https://")
    assert entry.module.SEEDS["smoke"] <= 2
    assert judge(entry, smoke(entry)).outcome in OUTCOMES


@every_system
def test_each_claim_of_each_system_can_fail_and_can_hold(entry, smoke):
    """Whatever the shape of its numbers, some numbers refute each claim and some bear it out."""
    for claim in leaves(entry.claim):
        outcomes = {claim.judge(numbers, exact=True).outcome for numbers in adversaries(smoke(entry), claim)}
        assert {HOLDS, FAILS} <= outcomes, f"{claim}: {outcomes}"


def adversaries(numbers, claim):
    """Numbers of the same shape: all equal; far above and far below what is measured; rising; falling; random ranks."""
    random = np.random.default_rng(0)
    for named in (vars(claim).get("arm"), None):
        for level in (-1e9, -1.0, 0.0, 1.0, 1e9):
            yield reshaped(numbers, lambda arm, x, n, level=level, named=named: level if named in (arm, None) else 0.0)
    for other in {vars(claim).get(key) for key in ("than", "to")}:
        if isinstance(other, (int, float)):
            yield reshaped(numbers, lambda arm, x, n, other=other: other)
    if isinstance(claim, AheadAlong):
        for level in (-1e9, -1.0, 0.0, 1.0, 1e9):
            found = reshaped(numbers, lambda arm, x, n, level=level: level if arm == claim.arm else 0.0)
            for arm in (claim.arm, claim.than):
                found[arm][claim.along] = {x: [float(n) + (claim.at or 0)] for n, x in enumerate(found[arm][claim.along], -1)}
            yield found
    for slope in (-1e6, 1e6):
        yield reshaped(numbers, lambda arm, x, n, slope=slope: slope * n)
    ranked = vars(claim).get("arms", ())
    for order in (ranked, ranked[::-1]):
        yield reshaped(numbers, lambda arm, x, n, order=order: 1e6 * order.index(arm) if arm in order else 0.0)
    for _ in range(50):
        yield reshaped(numbers, lambda arm, x, n: random.normal() * 10.0 ** random.integers(-3, 6))


def reshaped(numbers, value):
    def series(arm, old):
        if isinstance(old, dict):
            return {x: [float(value(arm, x, n))] for n, x in enumerate(sorted(old))}
        return [float(value(arm, None, 0))]

    return {arm: {name: series(arm, old) for name, old in measures.items()} for arm, measures in numbers.items()}


@every_system
def test_exact_means_that_the_seed_does_not_matter(entry, smoke):
    if not entry.system.exact:
        pytest.skip("random")
    again = measure(entry, "smoke", seeds=[1])
    assert again == {a: {n: first(v) for n, v in m.items()} for a, m in smoke(entry).items()}


def first(series):
    return {x: v[:1] for x, v in series.items()} if isinstance(series, dict) else series[:1]


@every_system
def test_evidence_is_of_the_claim_and_its_verdict_follows_from_its_numbers(entry):
    evidence = kept(entry)
    if evidence is None or not evidence.history or is_stale(entry, evidence):
        pytest.skip("not confirmed yet")
    if entry.grid and kept_tuning(entry) is None:
        pytest.skip("to be tuned again")
    assert evidence.slug == entry.slug and evidence.scale == "full" and evidence.history[-1].source.startswith(evidence.source)
    assert evidence.seeds == unseen_seeds(evidence.history[-1].source, CONFIRMING, entry.count("full")) and not set(evidence.seeds) & set(
        range(1000)
    )
    tuning = kept_tuning(entry)
    assert (tuning.chosen if tuning else {}) == evidence.tuned
    own = withheld(judge(entry, evidence.numbers), tuning.at_edge if tuning else (), "")
    assert own.outcome == evidence.verdict.outcome == evidence.history[-1].outcome
    assert evidence.duration_s <= 900 or entry.system.note, "an experiment that takes longer says why"


@every_system
def test_a_kept_tuning_chose_the_best_of_as_many_trials_for_each_arm(entry):
    tuning = kept_tuning(entry)
    if tuning is None:
        pytest.skip("not tuned yet" if entry.grid else "nothing is tuned")
    by = entry.module.TUNED_BY
    sign = -1 if getattr(by, "lower_is_better", False) else 1
    for arm, setting in tuning.chosen.items():
        own = [trial for trial in tuning.trials if trial.arm == arm and not math.isnan(trial.mean())]
        assert setting == first_of_the_best(own, sign).setting


@every_system
def test_show_prints_the_file_and_what_it_uses(entry):
    shown = show(entry.slug)
    assert ("def experiment" in shown or "def trial" in shown) and shown.startswith(f"# ---- {entry.module_name}")
    assert "\nwitness = " not in shown.split("# ---- ", 2)[-1]


def test_status_has_a_row_for_every_system():
    rows = status()
    assert [row.slug for row in rows] == [entry.slug for entry in SYSTEMS]
    assert all(row.runs is not False for row in rows), [row.problem for row in rows if row.runs is False]
    json.dumps([dataclasses.asdict(row) for row in rows])


def test_a_glance_at_the_families_counts_states_and_names_what_waits_or_fails(capsys):
    rows = [
        Row(
            "a", "control", runs=True, state="confirmed", verdict="holds", seeds=8, date="2026-01-01", leaves=("holds: a is better than b",)
        ),
        Row("b", "control", state="waiting", waits_for="a world"),
        Row("c", "text", runs=False, problem="ImportError: no [module]"),
        Row("d", "text", state="changed since"),
    ]
    by_family(rows)
    said = " ".join(capsys.readouterr().out.split())
    assert "control 2 1 1 text 2 1 1 all 4 1 1 1 1" in said
    assert "b for a world" in said and "c ImportError: no [module]" in said and "Changed since: d" in said and "Not confirmed" not in said
    one_by_one(rows)
    said = " ".join(capsys.readouterr().out.split())
    assert (
        "a confirmed: holds, 8 seeds, 2026-01-01 holds: a is better than b b waiting for a world c fails (ImportError: no [module])" in said
    )
    assert [row.slug for row in status(only=("dpo", "calm"))] == ["calm", "dpo"]


def test_show_recipe_inlines_parts_and_their_helpers():
    from guerdon.credit.advantages.group_centred import GroupCentred
    from guerdon.losses.surrogates.clip import Clip

    shown = show_recipe({"advantage": GroupCentred(), "surrogate": Clip()})
    for piece in ("class GroupCentred", "class Clip", "def spread(", "epsilon_high: float | None"):
        assert shown.count(piece) == 1, piece
    assert "witness" not in shown and "limits" not in shown


def test_the_number_of_processes_changes_no_number(smoke):
    entry = find("asymptotics-alignment")
    assert measure(entry, "smoke", jobs=2) == smoke(entry)
