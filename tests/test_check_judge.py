"""What is found out of a judge before a run: agreement, biases, consistency, flips and cost, of judges whose faults are known."""

import pytest

from guerdon.feedback.formats.both_orders import BothOrders
from guerdon.feedback.formats.preference import Preference
from guerdon.feedback.formats.score_token import ScoreToken
from guerdon.feedback.judges.asked_model import AskedModel
from guerdon.feedback.rewards.judge import Judge
from guerdon.feedback.writers import Answer
from guerdon.feedback.writers.scripted import Scripted
from guerdon.interfaces.check import judge as checking
from guerdon.interfaces.cli import main

ROWS = [{"prompt": f"question {k}", "chosen": f"good {k}.", "rejected": f"bad answer, at length {k}."} for k in range(20)]


def looked(part, rows=ROWS):
    warnings = []
    return checking.look(part, rows, 100, warnings, "reward.judge"), warnings


def test_a_judge_that_knows_agrees_and_has_no_bias():
    found, warnings = looked(Judge(Scripted({"\ngood ": "5"}, otherwise="1"), ScoreToken()))
    assert found["agreement"]["value"] == 1.0 and found["agreement"]["low"] > 0.8 and found["again"]["value"] == 1.0
    assert found["longer"]["value"] == 0.0 == found["longer_labelled"]["value"]
    assert found["first_place"] is None and found["unread"]["value"] == 0.0 and not warnings
    assert found["flips"] and all(share["value"] == 0.0 for share in found["flips"].values())


def test_a_judge_that_reads_the_place_is_found_out():
    found, warnings = looked(AskedModel(Scripted(otherwise="[[A]]"), Preference()))
    assert found["agreement"]["value"] == 0.5 and found["first_place"]["value"] == 1.0
    assert any("prefers the answer in the first place" in warning for warning in warnings)
    found, _ = looked(AskedModel(Scripted(otherwise="[[A]]"), BothOrders(Preference())))
    assert found["first_place"]["value"] == 0.5


def test_a_judge_that_reads_length_is_found_out():
    class Longer:
        def __call__(self, questions):
            return [Answer(str(min(5, len(q.messages[-1]["content"]) // 60))) for q in questions]

    found, warnings = looked(Judge(Longer(), ScoreToken(low=0)))
    assert found["longer"] is None or found["longer"]["value"] == 1.0
    assert any("no better than a coin" in warning for warning in warnings)


def test_a_judge_that_answers_prose_is_counted():
    found, warnings = looked(Judge(Scripted({"\ngood ": "5"}, otherwise="Well."), ScoreToken()))
    assert 0.2 < found["unread"]["value"] < 0.6 and found["agreement"] is None
    assert any("of the judge's answers cannot be read, the first because it begins with no digit" in warning for warning in warnings)


def test_what_it_costs_is_reckoned_for_the_whole_run():
    class Paid:
        def __call__(self, questions):
            return [Answer("3", read=100, written=2) for _ in questions]

        def price(self, read, written):
            return (read + written) / 1e6

    found, _ = looked(Judge(Paid(), ScoreToken()))
    assert (
        found["cost"]["read"] == 100
        and found["cost"]["planned_tokens"] == pytest.approx(10200)
        and found["cost"]["planned_money"] == pytest.approx(0.0102)
    )


RUN = """
model: {part: small_language_model, layers: 1, hidden: 16, heads: 2, context_length: 32, characters: abc}
task: {part: dataset, path: rows.jsonl}
recipe: {base: grpo, sampler: {num_generations: 2}}
reward: {judge: {model: {part: scripted, says: {bb: "1"}, otherwise: "4"}}}
decoding: {max_completion_length: 4}
budget: {steps: 5, batch_size: 2}
"""


def test_the_command_prints_it(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.yaml").write_text(RUN)
    (tmp_path / "rows.jsonl").write_text('{"prompt": "ab"}\n')
    (tmp_path / "pairs.jsonl").write_text('{"prompt": "ab", "chosen": "a", "rejected": "bb"}\n' * 6)
    assert main(["check", "run.yaml", "--labelled", "pairs.jsonl", "--prompts", "1", "--completions", "2"]) == 0
    out = capsys.readouterr().out
    assert "reward.judge: agrees with 100% (61% to 100%) of 6 labelled pairs" in " ".join(
        out.split()
    ) and "for the 20 verdicts of the run" in " ".join(out.split())
    (tmp_path / "pairs.jsonl").write_text('{"prompt": "ab", "chosen": "a"}\n')
    assert main(["check", "run.yaml", "--labelled", "pairs.jsonl"]) == 2
    assert "it has no column 'rejected'" in capsys.readouterr().err
