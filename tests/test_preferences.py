"""Preference learning through the loops: every recipe trains, on text and in finite worlds, under the metrics that users know."""

import dataclasses
import importlib
import json
import math
import re
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from guerdon.catalogue import catalogue
from guerdon.data.examples import examples
from guerdon.errors import InputError
from guerdon.interfaces.cli import main
from guerdon.interfaces.configuration import named_recipe, recipe_names
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.pointwise import Pointwise
from guerdon.losses.reference_points.batch_mean import BatchMean
from guerdon.losses.reference_points.mismatched_kl import MismatchedKL
from guerdon.losses.scores.head import Head
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.losses.scores.preference_vector import PreferenceVector
from guerdon.losses.verdicts.cross_entropy import CrossEntropy
from guerdon.losses.verdicts.prospect import Prospect
from guerdon.models.finite.prefix_table import PrefixTable
from guerdon.models.language.small_language_model import SmallLanguageModel
from guerdon.parts import needs
from guerdon.quantities import Name
from guerdon.recipes.mpo import recipe as mpo
from guerdon.sequences import Example, Side, collate
from guerdon.training.jobs import encoder_for
from guerdon.training.loops.fit import fit
from guerdon.training.measuring import mismatched
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.training.streams import Stream
from guerdon.training.updates.moving_average import MovingAverage

LANGUAGE = SmallLanguageModel(" abcdefgh.", layers=1, hidden=16, heads=2, context_length=24)
VERDICTS = [
    {"prompt": f"{a}{b} ", "completion": done, "label": good}
    for a in "abcd"
    for b in "efgh"
    for done, good in ((f"{a}.", True), (f"{b}{a}{b}.", False))
]


def test_a_mismatched_answer_is_put_to_the_next_prompt():
    made = collate(
        [
            Example({"": Side(context, actions, (True,) * len(actions))})
            for context, actions in (((1, 2), (3,)), ((4,), (5, 6, 7)), ((8,), (9,)))
        ]
    )
    crossed = mismatched(made.sides[""])
    seen = [
        (crossed.contexts[c].tolist(), crossed.actions[b, : crossed.length[b]].tolist()) for b, c in enumerate(crossed.context.tolist())
    ]
    assert seen == [([4], [3]), ([8], [5, 6, 7]), ([1, 2], [9])]
    cut = mismatched(made.sides[""], room=3)
    assert cut.length.tolist() == [1, 2, 1] and cut.mask.sum(-1).tolist() == [1, 2, 1]


def rows_with(*prompts):
    """A row for each number, which is its prompt."""
    return [Example({"": Side((p,), (i % 3, 1), (True, True))}, {"label": float(i % 2)}) for i, p in enumerate(prompts)]


@given(st.lists(st.integers(0, 2), min_size=2, max_size=9))
def test_no_answer_is_put_to_its_own_prompt(prompts):
    crossed = mismatched(collate(rows_with(*prompts)).sides[""])
    if len(set(prompts)) == 1:
        assert not crossed.mask.any(), "there is no other prompt, so nothing is told"
        return
    assert crossed.mask.all()
    for row, (own, place) in enumerate(zip(prompts, crossed.context.tolist(), strict=True)):
        following = [p for p in (*prompts[row + 1 :], *prompts[:row]) if p != own]
        assert crossed.contexts[place].tolist() == [following[0]], "that of the next row that has another one"


def test_a_step_whose_rows_have_one_prompt_borrows_that_of_a_row_to_come():
    rows = rows_with(0, 0, 0, 1)
    stream = Stream(rows, 2, seed=0)
    found = 0
    for step in range(1, 9):
        own = stream.batch(step).sides[""]
        borrowed = mismatched(stream.crossed(stream.batch(step), step).sides[""])
        assert borrowed.mask.all()
        if len(own.contexts) == 1:
            found += 1
            assert borrowed.contexts[int(borrowed.context[0])].tolist() == [1]
    assert found, "some steps have rows of one prompt only"


@pytest.mark.parametrize(
    ("rows", "size", "sentence"),
    [(rows_with(0, 1, 2), 1, "a step has one row; set batch_size to 2"), (rows_with(*[1] * 5), 4, "all rows have the same prompt")],
)
def test_a_reference_point_without_another_prompt_is_refused(rows, size, sentence):
    policy = PrefixTable(3, 2, 2, None, deviation=1.0, seed=1).build()
    with pytest.raises(InputError, match=sentence):
        fit(policy, rows, Recipe((KTO,), AdamW(0.1)), Budget(steps=1, batch_size=size))


def test_a_mean_over_the_rows_of_a_step_of_one_row_is_refused():
    policy = PrefixTable(3, 2, 2, None, deviation=1.0, seed=1).build()
    with pytest.raises(InputError, match="compares each row with the others of its step, and a step has one row"):
        fit(policy, rows_with(0, 1, 2), Recipe((BCO,), AdamW(0.1)), Budget(steps=1, batch_size=1))


def test_a_reference_point_does_not_follow_what_it_judges():
    """Rows of equal prompts that follow each other: a good answer becomes better than the reference point, which is not its own score."""
    policy = PrefixTable(2, 2, 2, None, deviation=1.0, seed=1).build()
    rows = [Example({"": Side((c,), (c, 1), (True, True))}, {"label": 1.0}) for c in (0, 0, 0, 1)]
    last = fit(policy, rows, Recipe((KTO,), AdamW(0.2)), Budget(steps=20, batch_size=2)).history[-1]
    assert last["rewards/reference_point"] < last["rewards/chosen"] - 0.3 and last["losses/pointwise"] < 0.45


PAIRS = [
    {
        "prompt": f"{a}{b} ",
        "chosen": f"{a}.",
        "rejected": f"{b}{a}{b}.",
        "preference": 0.8,
        "margin": 0.5,
        "tie": float(a == "a"),
        "visits_chosen": 3.0,
        "visits_rejected": 1.0,
    }
    for a in "abcd"
    for b in "efgh"
]
# every recipe that compares or judges data, by name; those whose answers the policy draws itself are loops of their own
RECIPES = {name: named_recipe(name) for name in recipe_names()}


def teaches_a_policy_offline(recipe: Recipe) -> bool:
    """Not what scores by a head: a reward model has no policy whose likelihood could be compared."""
    losses = [term.loss for term in recipe.terms if isinstance(term.loss, Pairwise | Pointwise)]
    return recipe.pairing is None and bool(losses) and not any(isinstance(loss.score, Head | PreferenceVector) for loss in losses)


OFFLINE = {name: recipe for name, recipe in RECIPES.items() if teaches_a_policy_offline(recipe)}
for other in ("t_reg", "tgdpo", "critical_dpo"):  # they need further models than the reference
    OFFLINE.pop(other)


def of_verdicts(recipe: Recipe) -> bool:
    return any(isinstance(term.loss, Pointwise) for term in recipe.terms)


METRICS = {
    False: ("rewards/chosen", "rewards/rejected", "rewards/margins", "rewards/accuracies", "logps/chosen", "logps/rejected"),
    True: ("rewards/chosen", "rewards/rejected", "logps/chosen", "logps/rejected", "kl", "rewards/reference_point"),
}


def logged_well(history: list[dict], recipe: Recipe) -> None:
    """The metrics that users know are there, and the policy's rewards are 0 where it is still its reference."""
    verdicts, first = of_verdicts(recipe), history[-2]
    for name in METRICS[verdicts]:
        for row in (first, history[-1]):
            assert math.isfinite(row[name]), name
        assert math.isfinite(history[-1][f"eval/{name}"]), name
    if any(Name.parse(name).view == "ref" for term in recipe.terms for name in needs(term.loss)):
        assert first["rewards/chosen"] == pytest.approx(0, abs=1e-5) and first["rewards/rejected"] == pytest.approx(0, abs=1e-5)
        assert history[-1]["rewards/chosen"] != 0 != history[-1]["rewards/rejected"]
    assert math.isfinite(history[-1]["eval/loss"]) and math.isfinite(history[-1]["loss"]) and first["grad_norm"] > 0


@pytest.mark.parametrize("name", OFFLINE)
def test_a_recipe_trains_on_text_by_its_name(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GUERDON_CACHE", str(tmp_path / "cache"))
    rows = VERDICTS if of_verdicts(OFFLINE[name]) else PAIRS
    (tmp_path / "rows.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    (tmp_path / "run.yaml").write_text(
        f"model: {{part: small_language_model, characters: ' abcdefgh.', layers: 1, hidden: 16, heads: 2, context_length: 24}}\n"
        f"task: {{path: rows.jsonl, held_out: 4}}\nrecipe: {name}\nbudget: {{steps: 2, batch_size: 8}}\nrun: run\n"
    )
    assert main(["fit", "run.yaml", "learning_rate=0.01"]) == 0
    history = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    logged_well(history, OFFLINE[name])


@pytest.mark.parametrize("name", OFFLINE)
def test_a_recipe_trains_a_finite_policy(name):
    policy, recipe = PrefixTable(2, 3, 3, 0, deviation=0.5).build(), OFFLINE[name]
    good, bad = (lambda c: Side((c,), (1, 0), (True,) * 2)), (lambda c: Side((c,), (2, 1, 2), (True,) * 3))
    if of_verdicts(recipe):
        rows = [Example({"": side(c)}, {"label": label}) for c in (0, 1) for side, label in ((good, 1.0), (bad, 0.0))]
    else:
        rows = [
            Example(
                {"chosen": good(c), "rejected": bad(c)}, {"tie": float(c), "preference": 0.8, "visits_chosen": 3.0, "visits_rejected": 1.0}
            )
            for c in (0, 1)
        ]
    recipe = dataclasses.replace(recipe, optimiser=AdamW(0.05))
    history = fit(policy, rows, recipe, Budget(steps=2, batch_size=len(rows)), held_out=rows).history
    logged_well(history, recipe)


KTO = Term(Pointwise(LogRatio(0.5), Prospect(), MismatchedKL()))
BCO = Term(Pointwise(LogRatio(0.5), CrossEntropy(), BatchMean()))


def test_the_reference_point_of_kto_is_the_mean_score_of_answers_to_other_prompts():
    table = PrefixTable(3, 2, 2, None, deviation=1.0, seed=1)
    answers = [(0, (0, 1), 1.0), (1, (1, 1), 0.0), (2, (0, 0), 1.0)]
    rows = [Example({"": Side((c,), actions, (True, True))}, {"label": label}) for c, actions, label in answers]
    batch, points = collate(rows).sides[""], []
    for seed, other in ((1, 2), (2, 1)):
        policy, reference = (dataclasses.replace(table, seed=s).build() for s in (seed, other))
        crossed = dataclasses.replace(batch, context=torch.tensor([1, 2, 0]))
        logp, ref_logp = (m.measure(crossed, {"logp"})["logp"].sum(-1) for m in (policy, reference))
        ratios = (policy.measure(batch, {"logp"})["logp"] - reference.measure(batch, {"logp"})["logp"]).sum(-1).detach()
        # the order of the rows in a step is not that of the data, but the next row's context is one of the others all the same
        recipe = Recipe((KTO,), AdamW(0.0))
        both = fit(policy, rows, recipe, Budget(steps=1, batch_size=3), models={"ref": reference}, held_out=rows).history[-1]
        points.append(both["eval/rewards/reference_point"])
        assert points[-1] == pytest.approx(max(0.0, 0.5 * float((logp - ref_logp).detach().mean())), rel=1e-6)
        for history, prefix in ((both, ""), (both, "eval/")):
            assert history[f"{prefix}rewards/chosen"] == pytest.approx(0.5 * float(ratios[[0, 2]].mean()), rel=1e-6)
            assert history[f"{prefix}rewards/rejected"] == pytest.approx(0.5 * float(ratios[1]), rel=1e-6)
    assert min(points) == 0 < max(points)


@pytest.mark.parametrize("term", [KTO, BCO], ids=["kto", "bco"])
def test_a_reference_point_is_of_the_whole_batch_however_it_is_split(term):
    found = []
    for tokens in (10_000, 25):
        policy = LANGUAGE.build(0)
        good = examples([row for row in VERDICTS if row["label"]], encoder_for(policy))  # all of which become likelier, whatever the prompt
        budget = Budget(steps=3, batch_size=8, tokens_per_micro_batch=tokens)
        out = fit(policy, good, Recipe((term,), AdamW(1e-2)), budget, held_out=good[:8])
        found.append((policy.module.state_dict(), out.history))
    (one, whole), (other, split) = found
    for name, value in one.items():
        torch.testing.assert_close(value, other[name], rtol=1e-4, atol=2e-6)
    for a, b in zip(whole, split, strict=True):
        for name in a:
            assert name.startswith("time/") or name == "step_time" or a[name] == pytest.approx(b[name], rel=1e-3, abs=1e-5), name
    assert whole[-1]["rewards/reference_point"] > 0.01


def test_terms_of_one_kind_have_metrics_of_their_own():
    policy = PrefixTable(1, 3, 1, None, deviation=1.0).build()
    rows = [Example({"chosen": Side((0,), (0,), (True,)), "rejected": Side((0,), (1,), (True,))})]
    metrics = fit(policy, rows, dataclasses.replace(mpo, optimiser=AdamW(0.1)), Budget(steps=2, batch_size=1)).history[-1]
    first, second, third = (metrics[f"losses/{name}"] for name in ("pairwise.0", "pairwise.1", "on_side"))
    assert "losses/pairwise" not in metrics and first != second
    assert metrics["loss"] == pytest.approx(0.8 * first + 0.2 * second + third)
    margin = torch.tensor(metrics["rewards/margins"])
    assert first == pytest.approx(float(-margin.sigmoid().log()))


class Broken(Logistic):
    """A comparison that is not finite at its second call."""

    called = 0

    def __call__(self, chosen_score, rejected_score):
        type(self).called += 1
        return super().__call__(chosen_score, rejected_score) * (float("nan") if self.called == 2 else 1.0)


def test_a_reference_does_not_follow_a_step_that_was_not_made():
    rows = [Example({"chosen": Side((0,), (0,), (True,)), "rejected": Side((0,), (1,), (True,))})]
    recipe = Recipe((Term(Pairwise(LogRatio(), Broken())),), AdamW(0.1), updates=(MovingAverage(into="ref", decay=0.5),))
    history = fit(PrefixTable(1, 3, 1, None).build(), rows, recipe, Budget(steps=3, batch_size=1)).history[-3:]
    assert [row["skipped_steps"] for row in history] == [0, 1, 0]
    assert ["updates/ref_distance" in row for row in history] == [True, False, True]


PAGE = Path(__file__).parents[1] / "docs/preference-objectives.md"


@pytest.mark.parametrize("place", range(3))
def test_the_examples_of_the_page_train(place, tmp_path, monkeypatch):
    text = re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text(), re.M | re.S)
    assert len(text) == 3
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GUERDON_CACHE", str(tmp_path / "cache"))
    for name, rows in (("pairs", PAIRS), ("verdicts", VERDICTS)):
        (tmp_path / f"{name}.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    (tmp_path / "run.yaml").write_text(text[place])
    model = "model={part: small_language_model, characters: ' abcdefgh.', layers: 1, hidden: 16, heads: 2, context_length: 24}"
    assert main(["fit", "run.yaml", model, "budget={steps: 2, batch_size: 8}", "run=run"]) == 0
    last = json.loads((tmp_path / "run/metrics.jsonl").read_text().splitlines()[-1])
    assert math.isfinite(last["loss"]) and "rewards/chosen" in last


def test_the_page_names_recipes_and_parts_that_exist_and_all_that_compare_data():
    _, table = PAGE.read_text().split("## TRL's names and ours")
    rows = [line.split(" | ") for line in table.splitlines() if line.startswith("| ") and line.count(" | ") == 2][1:]
    rows = rows[: next(i for i, row in enumerate(rows) if "metric" in row[0])]
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row[1])}
    assert named - {"reward_model", "sft"} <= OFFLINE.keys() <= named | {"bco", "sppo"}
    parts = {entry.name for entry in catalogue()}
    for row in rows:
        said = {
            n
            for code in re.findall(r"`([^`]*)`", row[2])
            for n in re.findall(r"(?:part|score|link|label|weight|verdict|loss): (\w+)", code)
        }
        assert said <= parts, said - parts


def test_the_page_has_every_loss_that_trl_has():
    dpo_trainer = pytest.importorskip("trl.trainer.dpo_trainer")
    page = PAGE.read_text()
    for module in (dpo_trainer, importlib.import_module("trl.trainer.kto_trainer")):
        kinds = set(re.findall(r'loss_type == "(\w+)"', Path(module.__file__).read_text()))
        assert kinds and all(f'"{kind}"' in page for kind in kinds), kinds


def test_check_takes_its_step_on_several_prompts_where_there_are_some(tmp_path, monkeypatch, capsys):
    """The first rows have one prompt, all but the last in fact, and the metric of a best model is of evaluations that a check does not make."""
    monkeypatch.chdir(tmp_path)
    rows = [{"prompt": "a ", "completion": f"{x}.", "label": i % 2 == 0} for i, x in enumerate("abcdefghabcd")]
    rows.append({"prompt": "b ", "completion": "b.", "label": True})
    Path("rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    Path("run.yaml").write_text(
        "model: {part: small_language_model, characters: ' abcdefgh.', layers: 1, hidden: 16, heads: 2}\n"
        "task: {part: dataset, path: rows.jsonl, held_out: 0, shuffle: false}\nrecipe: kto\n"
        "budget: {batch_size: 4, steps: 10, evaluate_every: 5, keep_best: loss, patience: 2}\n"
    )
    assert main(["check", "run.yaml"]) == 0, capsys.readouterr().err
