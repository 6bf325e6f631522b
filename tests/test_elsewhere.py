"""``guerdon check`` says what takes a step's time, and what the step would take elsewhere."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from guerdon.costs.arithmetic import Shape
from guerdon.costs.machine import Machine
from guerdon.costs.step import Job, in_turn
from guerdon.interfaces.check import check, elsewhere
from guerdon.interfaces.check.looking import look_at
from guerdon.interfaces.cli._printing import console
from guerdon.interfaces.cli.check import _print_elsewhere
from guerdon.interfaces.configuration import load
from guerdon.interfaces.preparing import Prepared, prepare

RUN = """
model: {part: small_language_model, characters: "abcdefgh ?", layers: 1, hidden: 16, heads: 2, context_length: 32}
task: {path: rows.jsonl, shuffle: false}
recipe: sft
budget: {steps: 1, batch_size: 2}
"""


@pytest.fixture
def looked(tmp_path, monkeypatch):
    """What ``check`` finds of rows, under overrides."""
    monkeypatch.chdir(tmp_path)

    def run(rows, *overrides):
        Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        (found,) = check(load(RUN, overrides))
        return found

    return run


def pairs(*answers):
    return [{"prompt": f"{'abcdefgh'[i]}?", "completion": answer} for i, answer in enumerate(answers)]


DRAWN = """
model: {part: small_language_model, characters: "abcd>", layers: 1, hidden: 16, heads: 2, context_length: 32}
task: {part: sort_letters, length: 3, alphabet: abcd, train_size: 8, test_size: 2}
recipe: {base: grpo, sampler: {part: group, num_generations: 3}, epochs: 2, minibatches: 2}
decoding: {max_completion_length: 6}
budget: {steps: 1, batch_size: 4, tokens_per_micro_batch: 100}
"""


def as_costs_see_it(prepared: Prepared, metrics: dict[str, float], rows: int) -> Job:
    shape = elsewhere.shape_of(prepared)
    return elsewhere.job_of(prepared, look_at(prepared), metrics, rows, shape)


def test_a_step_is_told_apart_by_what_takes_its_time(looked):
    cost = looked(pairs("a b", "c d", "e f")).found["cost"]
    found, step_s = cost["elsewhere"], cost["time"]["step_s"]
    assert (
        sum(found["parts_s"].values()) == pytest.approx(step_s) and "sampling" not in found["parts_s"] and found["parts_s"]["learning"] > 0
    )
    assert list(found["machines"]) == ["2", "4", "8"] and "ahead" not in found and 0 < found["card"]["step_s"] < 1


def test_elsewhere_is_scaled_as_here_and_a_card_is_not(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in pairs("abcd", "a")))
    monkeypatch.setattr(elsewhere, "machine_of", lambda model: Machine(1e9, 1e9, 1e9, link=1e9))
    prepared = prepare(load(RUN), "fit")
    seen = look_at(prepared)
    one, ten = (elsewhere.look(prepared, seen, {}, 2, seconds) for seconds in (1.0, 10.0))
    assert ten["machines"] == pytest.approx({count: 10 * step for count, step in one["machines"].items()})
    assert ten["parts_s"] == pytest.approx({name: 10 * part for name, part in one["parts_s"].items()})
    assert ten["card"] == one["card"] and ten["predicted_s"] == one["predicted_s"] and sum(one["parts_s"].values()) == pytest.approx(1.0)
    job = as_costs_see_it(prepared, {}, 2)
    assert one["machines"]["4"] == pytest.approx(in_turn(job, Machine(1e9, 1e9, 1e9, link=1e9), 4).total / one["predicted_s"])


def test_what_has_no_room_on_a_card_is_not_predicted_there():
    big = Job(Shape(64, 5120, 64, 8, 128, 25600, 151936), 2, 8, (4.0, 4.0), draws=False)
    assert elsewhere.on_card(big) is None and elsewhere.on_card(replace(big, shape=replace(big.shape, layers=2))) > 0


def test_scorers_are_predicted_too(looked):
    headed = 'model={part: headed, body: {part: small_language_model, characters: "abcdefgh ?", layers: 1, hidden: 16, heads: 2, context_length: 32}, head: scalar}'
    rows = [{"prompt": f"{x}?", "chosen": "a b", "rejected": "c"} for x in "abc"]
    found = looked(rows, headed, "recipe=reward_model").found["cost"]["elsewhere"]
    assert found["parts_s"]["learning"] > 0 and "log_probabilities" not in found["parts_s"]
    assert looked(rows, "recipe=dpo").found["cost"]["elsewhere"]["parts_s"]["log_probabilities"] > 0


def test_adapters_have_their_rank():
    from torch import nn

    adapted = nn.ModuleDict({"lora_A": nn.Linear(8, 3), "other": nn.Linear(2, 2)})
    assert elsewhere._rank(adapted) == 3 and elsewhere._rank(nn.Linear(2, 2)) == 0


def test_what_the_rows_say_of_a_step(tmp_path, monkeypatch):
    # A start token and a letter and a question mark are read; learned are four letters and an end, and two.
    monkeypatch.chdir(tmp_path)
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in pairs("abcd", "a")))
    job = as_costs_see_it(prepare(load(RUN, ["batch_size=4"]), "fit"), {}, 4)
    assert (job.prompt, job.lengths, job.draws, job.looks, job.number_bytes) == (3.0, (2.0, 2.0, 5.0, 5.0), False, 0, 4)
    assert (job.shape.layers, job.shape.hidden, job.prompts, job.scored, job.updates) == (1, 16, 4, False, 1)


def test_what_a_step_that_draws_says_of_itself():
    prepared = prepare(load(DRAWN), "improve")
    job = as_costs_see_it(prepared, {"completions/mean_length": 4.0, "time/rewards": 0.3}, 2)
    assert (job.prompts, len(job.lengths), job.prompt, job.looks, job.epochs, job.updates, job.micro_batch) == (4, 12, 5.0, 1, 2, 4, 100)
    assert sum(job.lengths) == pytest.approx(12 * 4.0, rel=0.1) and max(job.lengths) <= 6
    assert job.judging_s == pytest.approx(0.3 / (2 * 3))
    (found,) = check(load(DRAWN))
    found = found.found["cost"]["elsewhere"]
    assert {"sampling", "learning", "log_probabilities"} <= set(found["parts_s"]) and 1 <= found["ahead"]["drawing"] < found["ahead"][
        "machines"
    ] == 8


@pytest.mark.parametrize(("family", "known"), [("llama", True), ("qwen2", True), ("gpt2", False), ("gpt_neox", False)])
def test_only_models_whose_sizes_are_counted_are_predicted(family, known):
    from transformers import AutoConfig, AutoModelForCausalLM

    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
    older = {"n_embd": 32, "n_layer": 2, "n_head": 4}
    config = AutoConfig.for_model(family, vocab_size=50, **(older if family == "gpt2" else sizes))
    module = AutoModelForCausalLM.from_config(config)
    assert (elsewhere.shape_of(SimpleNamespace(model=SimpleNamespace(module=module))) is not None) == known


def test_what_takes_the_time_is_printed_and_what_is_far_off_is_called_so(capsys):
    parts = {"sampling": 0.6, "log_probabilities": 0.395, "rewards": 0.005}
    found = {"predicted_s": 0.5, "parts_s": parts, "machines": {"2": 0.55}, "card": {"name": "H100", "step_s": None}}
    _print_elsewhere(console, found | {"ahead": {"machines": 8, "drawing": 6, "step_s": 0.04}}, 1.0)
    said = " ".join(capsys.readouterr().out.split())
    assert "(which says 0.5 s a step): sampling 60%, log-probabilities 40%" in said and "rewards" not in said
    assert "like this one 0.55 s on 2; 40 ms on 8, 6 of which draw one step ahead; no room on one H100" in said
    _print_elsewhere(console, found | {"predicted_s": 0.2, "card": {"name": "H100", "step_s": 0.02}}, 1.0)
    said = " ".join(capsys.readouterr().out.split())
    assert "0.2 s a step, too far off to go by)" in said and "20 ms on one H100" in said and "ahead" not in said
