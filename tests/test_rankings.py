"""Rankings of several answers: from rows to a loss, in groups that are never split, by a language model and by a table."""

import json

import pytest
import torch

from guerdon.data.examples import examples
from guerdon.data.formats._toy import toy
from guerdon.errors import InputError
from guerdon.interfaces.cli import main
from guerdon.losses.listwise import Listwise
from guerdon.losses.rankings.plackett_luce import PlackettLuce
from guerdon.losses.rankings.top_one import TopOne
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.losses.scores.mean_log_probability import MeanLogProbability
from guerdon.models.finite.tabular import Tabular
from guerdon.models.language.small_language_model import SmallLanguageModel
from guerdon.sequences import Example, Side, collate
from guerdon.tasks.encoding import Encoder
from guerdon.training.learner import Learner
from guerdon.training.loops.fit import fit
from guerdon.training.measuring import micro_batches
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.training.tally import Tally

ROWS = [
    {"prompt": "a", "completions": ["b", "cc", "ddd"], "scores": [1.0, 0.0, 2.0]},
    {"prompt": "bb", "completions": ["a", "dddd"], "ranks": [2, 1]},
    {"prompt": "a", "completions": ["d", "c", "b", "a"], "scores": [0.0, 3.0, 1.0, 2.0]},
]


def test_candidates_are_one_group_with_their_rewards():
    batch = collate(examples([ROWS[0], ROWS[2]], toy()))
    assert batch.quantities["group"].tolist() == [0, 0, 0, 1, 1, 1, 1]
    assert batch.quantities["reward"].tolist() == [1, 0, 2, 0, 3, 1, 2]
    assert len(batch) == 7 and len(batch.sides[""].contexts) == 1


@pytest.mark.parametrize("shared", [True, False])
def test_no_group_is_parted(shared):
    batch = collate([example for row in ROWS for example in examples([row], toy())])
    group = batch.quantities["group"]
    for budget in (1, 8, 16, 1000):
        parts = list(micro_batches(batch, budget, shared, group))
        assert sorted(torch.cat(parts).tolist()) == list(range(len(batch)))
        assert all(len({k for k, part in enumerate(parts) if (group[part] == g).any()}) == 1 for g in range(3))
    assert len(list(micro_batches(batch, 1, shared, group))) == 3


@pytest.mark.parametrize("ranking", [PlackettLuce(), TopOne()])
def test_the_gradient_does_not_depend_on_how_groups_are_split_up(ranking):
    policy = SmallLanguageModel("abcd", layers=1, hidden=16, heads=2, context_length=16).build(0)
    batch = collate([example for row in ROWS for example in examples([row], Encoder(policy.tokenizer, 16))])
    term = Term(Listwise(MeanLogProbability(2.0), ranking))
    gradients = []
    for budget in (1, 12, 10_000):
        learner = Learner("policy", policy, (term,), AdamW(), budget)
        learner._total({"": batch}, {"": [term]}, Tally(), False)
        gradients.append(torch.cat([p.grad.flatten() for p in learner.parameters if p.grad is not None]))
    for other in gradients[1:]:
        torch.testing.assert_close(gradients[0], other, rtol=1e-4, atol=1e-7)


def test_a_table_fitted_to_rankings_has_their_order():
    candidates = tuple(Side((0,), (a,), (True,)) for a in range(4))
    rows = [Example({"": candidates}, {"reward": (0.0, 2.0, 1.0, 3.0)}), Example({"": candidates[::-1]}, {"reward": (3.0, 1.0, 2.0, 0.0)})]
    policy = Tabular(1, 4).build()
    fit(policy, rows, Recipe((Term(Listwise(LogRatio(1.0), PlackettLuce())),), AdamW(0.1)), Budget(steps=30, batch_size=2))
    assert policy.probabilities(0).argsort().tolist() == [0, 2, 1, 3]


def test_rankings_are_fitted_from_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GUERDON_CACHE", str(tmp_path / "cache"))
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in (ROWS[0], ROWS[2])))
    (tmp_path / "run.yaml").write_text(
        "model: {part: small_language_model, characters: abcd, layers: 1, hidden: 16, heads: 2, context_length: 16}\n"
        "task: {path: rows.jsonl}\nrecipe: {base: brain, optimiser: {learning_rate: 0.01}}\nbudget: {steps: 3, batch_size: 2}\nrun: run\n"
    )
    assert main(["fit", "run.yaml"]) == 0
    lines = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    assert lines[-1]["loss"] < lines[1]["loss"]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"prompt": "p", "completions": ["a"], "scores": [1]}, "two or more"),
        ({"prompt": "p", "completions": ["a", "b"], "scores": [1]}, "one number for each"),
        ({"prompt": "p", "completions": ["a", "b"], "ranks": [1, None]}, "leave out the completions without one"),
    ],
)
def test_rankings_that_are_none_are_refused(row, words):
    with pytest.raises(InputError, match=words):
        examples([row], toy())
