"""Rows of several kinds in one task, and rows whose truth no reward can read: said before anything is drawn for them, left out where that is asked for."""

import json
import re
from pathlib import Path

import pytest

from guerdon.errors import InputError
from guerdon.feedback.rewards.cosine_length import CosineLength
from guerdon.feedback.rewards.format import Format
from guerdon.feedback.rewards.majority_vote import MajorityVote
from guerdon.feedback.rewards.number_match import NumberMatch
from guerdon.feedback.rewards.string_match import StringMatch
from guerdon.interfaces import overlap
from guerdon.interfaces.applying import unjudged
from guerdon.interfaces.cli import main
from guerdon.tasks.dataset import Dataset

SUMS = [{"prompt": f"{a}+{b}=", "answer": str(a + b)} for a in range(4) for b in range(4)]
PROGRAMS = [{"prompt": f"{a}=", "tests": "assert f(1) == 1"} for a in range(4)]
RUN = """
model: {part: small_language_model, characters: "0123456789+=", layers: 1, hidden: 16, heads: 2, context_length: 24}
task: TASK
reward: REWARD
recipe: {base: grpo, sampler: {num_generations: 2}}
decoding: {max_completion_length: 3}
budget: {steps: 2, batch_size: 2, evaluation_rows: 2}
run: run
"""


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """A command on a configuration whose rows are written into files: exit code, and all that was said as one line."""
    monkeypatch.chdir(tmp_path)

    def run(command, task, reward, *more, **files):
        for name, rows in files.items():
            Path(f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        Path("run.yaml").write_text(RUN.replace("TASK", task).replace("REWARD", reward))
        code = main([command, "run.yaml", *more])
        said = capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        return code, " ".join((said.out + said.err).split())

    return run


def test_each_task_of_a_mixture_may_have_a_reward_of_its_own(run):
    """A batch of one prompt has the columns of one task only, and the other task's reward has nothing to say of it."""
    task, reward = "[{path: sums.jsonl}, {path: programs.jsonl}]", "{functions: {sum: number_match, program: code}}"
    code, said = run("train", task, reward, "budget.batch_size=1", "budget.steps=6", sums=SUMS, programs=PROGRAMS)
    assert code == 0, said
    rows = [json.loads(line) for line in Path("run/completions.jsonl").read_text().splitlines()]
    kinds = {frozenset(name for name, value in row["components"].items() if value is not None) for row in rows}
    assert kinds == {frozenset({"sum"}), frozenset({"program"})}
    code, said = run("check", task, reward, "--prompts", "4")
    assert code == 0 and "cannot be judged" not in said, said


def test_a_column_that_no_row_has_is_refused(run):
    code, said = run("train", "{path: sums.jsonl}", "code", sums=SUMS)
    assert code == 2 and "reads the column 'tests', and the task has no column 'tests'" in said


BAD = [{"prompt": "1+1="}, {"prompt": "1+2=", "answer": None}, {"prompt": "1+3=", "answer": "between 3 and 4"}]


def test_rows_without_a_truth_are_named_before_the_run(run):
    code, said = run("train", "{path: rows.jsonl, shuffle: false}", "number_match", rows=[*SUMS[:4], *BAD, *SUMS[4:]])
    assert code == 0 and "answers to 3 of 19 rows cannot be judged" in said
    assert "row 4 of rows.jsonl (the first is row 0): number_match cannot judge answers to it: there is nothing in column 'answer'" in said
    code, said = run("train", "{path: rows.jsonl}", "number_match", "encoding.wrong=drop", "run=dropped")
    assert code == 0 and "3 of 19 training rows cannot be learned from and are left out" in said and "between 3 and 4" in said
    code, said = run("check", "{path: bad.jsonl}", "number_match", bad=BAD)
    assert code == 2 and "no answer to any of the 3 rows can be judged" in said


def test_completions_without_a_reward_are_counted_at_the_end(run):
    code, said = run("train", "{path: rows.jsonl}", "number_match", "budget.steps=8", rows=[*SUMS[:3], *BAD])
    assert code == 0 and "of the completions had no reward" in said
    code, said = run("train", "{path: sums.jsonl}", "number_match", "run=whole", sums=SUMS)
    assert code == 0 and "had no reward" not in said and "cannot be judged" not in said


ROOM = """
class Room:
    @staticmethod
    def rows(count, seed):
        return [{"n": i} for i in range(count)]

    def reset(self, row, seed):
        return "1+1="

    def step(self, said):
        raise ValueError("no such room")
"""


def test_a_run_in_which_nothing_had_a_reward_has_failed(run):
    Path("room.py").write_text(ROOM)
    sampler = "recipe.sampler={part: turns, num_generations: 2, turns: 2, turn_length: 2}"
    code, said = run("train", "{part: episodes, environment: 'room.py:Room', count: 4, held_out: 0}", "", sampler)
    assert code == 1, said
    assert "100.0% of the completions had no reward" in said and "report run/report.html" in said
    assert (
        "no completion had a reward, so that nothing was learned; the first error was: the environment: step raised ValueError: no such room"
        in said
    )


@pytest.mark.parametrize(
    ("functions", "found", "others"),
    [
        ({"n": NumberMatch()}, [1, 2, 3], []),
        ({"n": NumberMatch(), "form": Format("x")}, [1, 2, 3], ["form"]),
        ({"n": NumberMatch(), "s": StringMatch()}, [1, 2], []),  # of the third row one of them reads the truth
        ({"c": CosineLength(max_length=8, verifier=NumberMatch())}, [1, 2, 3], []),
        ({"form": Format("x")}, [], []),
        ({"vote": MajorityVote(), "n": NumberMatch()}, [], []),  # which needs no truth
        ({"n": NumberMatch(), "own": lambda completions, **columns: [0.0] * len(completions)}, [], []),
    ],
)
def test_what_can_judge_a_row(functions, found, others):
    seen = unjudged(functions, [SUMS[0], *BAD])
    assert (seen.rows, seen.others) == (found, others if seen.verifiers else [])
    assert unjudged(functions, [SUMS[0], *BAD], seconds=0).rows == []


def test_a_conversation_is_asked_about_too():
    rows = [{"prompt": [{"role": "user", "content": "1+1?"}], "answer": answer} for answer in ("2", None)]
    assert unjudged({"n": NumberMatch()}, rows).rows == [1]


def test_a_truth_within_a_table_is_named_with_points(run):
    """verl's rows, and those whose tables are JSON."""
    inside = [{"prompt": row["prompt"], "reward_model": {"style": "rule", "ground_truth": row["answer"]}} for row in SUMS]
    written = [{"prompt": row["prompt"], "reward_model": json.dumps({"style": "rule", "ground_truth": row["answer"]})} for row in SUMS]
    for name, rows in (("inside", inside), ("written", written)):
        task = Dataset(rows, columns={"answer": "reward_model.ground_truth"}, shuffle=False)
        assert [row["answer"] for row in task.train()] == [row["answer"] for row in SUMS], name
        assert task.train()[0]["reward_model"] == rows[0]["reward_model"]
    assert Dataset([{"a.b": 1, "a": {"b": 2}}], columns={"answer": "a.b"}).train()[0]["answer"] == 1


@pytest.mark.parametrize(
    ("there", "said"),
    [
        (
            "reward_model.truth",
            "there is no 'truth' in what column 'reward_model' holds, which columns names as 'reward_model.truth': it holds ground_truth, style",
        ),
        ("reward_model.style.name", "it is 'rule'"),
        (
            "reward_mdel.style",
            "no column 'reward_mdel' (did you mean 'reward_model'?); columns there: prompt, reward_model; what columns names",
        ),
        ("answer", "no column 'answer'"),
    ],
)
def test_a_table_that_holds_no_such_thing_is_refused(there, said):
    rows = [{"prompt": "1+1=", "reward_model": {"style": "rule", "ground_truth": "2"}}]
    with pytest.raises(InputError, match=re.escape(said)):
        Dataset(rows, columns={"answer": there}).train()


def test_a_reward_that_never_differs_is_told_of(run, tmp_path):
    (tmp_path / "r.py").write_text(
        "def same(completions, **columns): return [1.0] * len(completions)\ndef length(completions, **columns): return list(map(len, completions))"
    )
    code, said = run("train", "{path: sums.jsonl}", "r.py:same", sums=SUMS)
    assert code == 0 and "in no group did one answer get another reward than the others, at any of 2 steps" in said
    code, said = run("train", "{path: sums.jsonl}", "r.py:length", "run=other", "budget.steps=4", sums=SUMS)
    assert code == 0 and "in no group" not in said


def test_held_out_rows_that_are_learned_from_are_told_of(run):
    code, said = run(
        "train", "{path: sums.jsonl, test_path: held.jsonl}", "number_match", sums=SUMS, held=[SUMS[3], {"prompt": "9+9=", "answer": "18"}]
    )
    assert code == 0 and "1 of 2 held-out rows ask what a training row asks (row 0 of held.jsonl as row 3 of sums.jsonl)" in said
    code, said = run("check", "{path: sums.jsonl, held_out: 4}", "number_match", "--prompts", "4", sums=[*SUMS, *SUMS])
    assert code == 0 and "held-out rows ask" not in said  # whole prompts are held out


def test_what_a_conversation_asks_is_compared_too():
    def talk(text, **more):
        return {"prompt": [{"role": "user", "content": text}], **more}

    rows = Dataset([talk("a", answer="1"), talk("b", answer="2")], shuffle=False).train()
    assert overlap.told(rows, Dataset([talk("b", answer="3")]).train()) and not overlap.told(rows, Dataset([talk("c", answer="1")]).train())
    assert not overlap.told(rows, []) and not overlap.told(list(rows), list(rows))  # made, not read
