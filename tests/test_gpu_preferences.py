"""Preferences on a GPU: objectives learn what they learn on a CPU, mixtures of logits act, heads for people sort people.

Without a GPU they are skipped, and say so.
"""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from guerdon.acting.samplers.interpolated import Interpolated
from guerdon.data.examples import examples
from guerdon.interfaces.cli import main
from guerdon.models.language.small_language_model import SmallLanguageModel
from guerdon.sequences import Decoding
from guerdon.training.jobs import encoder_for
from guerdon.training.loops.fit import fit
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget
from test_preferences import LANGUAGE, OFFLINE, PAIRS, VERDICTS, of_verdicts
from test_users import CASES, MODELS, everybody_is_fitted

GPU = "cuda"
pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")


@pytest.mark.parametrize("name", OFFLINE)
def test_an_objective_learns_what_it_learns_on_a_cpu(name):
    recipe, seen = replace(OFFLINE[name], optimiser=AdamW(0.01)), {}
    for device in ("cpu", GPU):
        policy = replace(LANGUAGE, device=device).build(0)
        rows = examples(VERDICTS if of_verdicts(recipe) else PAIRS, encoder_for(policy))
        seen[device] = fit(policy, rows[4:], recipe, Budget(steps=2, batch_size=8), held_out=rows[:4]).history
    for wanted, found in zip(seen["cpu"], seen[GPU], strict=True):
        told = {k for k, v in wanted.items() if isinstance(v, float) and k.split("/")[0] in ("loss", "eval", "rewards", "logps", "kl")}
        for metric in sorted(k for k in told if "accuracies" not in k):  # margins may be nearly 0
            assert found[metric] == pytest.approx(wanted[metric], rel=2e-2, abs=2e-3), metric
    first = [next(row["grad_norm"] for row in seen[device] if "grad_norm" in row) for device in ("cpu", GPU)]
    assert first[1] == pytest.approx(first[0], rel=1e-3)


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0, -0.5])
def test_a_mixture_draws_what_it_draws_on_a_cpu(weight):
    contexts, seen = [torch.tensor([1, 2]), torch.tensor([3])], {}
    for device in ("cpu", GPU):
        one, other = (SmallLanguageModel("abcd", layers=2, device=device).build(seed) for seed in (0, 1))
        seen[device] = Interpolated((0.0, weight), num_generations=4)(one, contexts, Decoding(6), 5, {"ref": other})
    same = (seen["cpu"].actions == seen[GPU].actions).all(-1)
    assert same.float().mean() > 0.9  # a draw may lie on the border of two actions
    logp = [seen[device].quantities["old_logp"][same] for device in ("cpu", GPU)]
    torch.testing.assert_close(logp[1], logp[0], rtol=1e-3, atol=1e-3)


JUDGES = """
def shorter(prompts, firsts, seconds):
    return [float(len(a) < len(b)) for a, b in zip(firsts, seconds)]

def length(completions, **_):
    return [-float(len(c)) for c in completions]
"""
RUN = """
model: {part: small_language_model, characters: ' abcdefgh.', layers: 1, hidden: 16, heads: 2, context_length: 24, device: DEVICE}
task: {path: rows.jsonl, held_out: 4}
recipe: {base: NAME, judge: {part: function, compare: "judges.py:shorter"}}
reward: judges.py:length
budget: {steps: 2, batch_size: 4}
decoding: {max_completion_length: 5}
run: run
"""


@pytest.mark.parametrize("name", ["online_dpo", "xpo", "selm", "vpo", "pilaf", "inpo", "dno"])
def test_pairs_of_what_a_policy_answers_teach_it(name, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("judges.py").write_text(JUDGES)
    Path("rows.jsonl").write_text("".join(json.dumps({"prompt": f"{a}{b} ", "answer": a}) + "\n" for a in "abcd" for b in "efgh"))
    Path("run.yaml").write_text(RUN.replace("NAME", name).replace("DEVICE", GPU))
    assert main(["train", "run.yaml"]) == 0
    last = json.loads(Path("run/metrics.jsonl").read_text().splitlines()[-1])
    assert last["pairs/asked"] > 0 and math.isfinite(last["loss"])


HEADS = [(model, "reward_model", f"{{part: {head}, users: 4}}") for model in MODELS for head in ("ideal_point", "prompt_point")]


@pytest.mark.parametrize(("model", "recipe", "head"), CASES + HEADS)
def test_a_head_for_people_sorts_them(model, recipe, head, tmp_path: Path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GUERDON_CACHE", str(tmp_path / "cache"))
    everybody_is_fitted(model, recipe, head, GPU, capsys)
