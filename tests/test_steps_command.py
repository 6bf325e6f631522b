"""``guerdon steps``: steps labelled by what becomes of an answer from after each of them."""

import json
from pathlib import Path

import pytest

from guerdon.interfaces.cli import main


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A policy that nobody trained, in a folder."""
    from guerdon.models.language.small_language_model import SmallLanguageModel

    folder = tmp_path_factory.mktemp("policy")
    SmallLanguageModel(characters="ab>;\n", layers=1, hidden=16, heads=2, context_length=64).build(0).save(folder)
    return str(folder)


@pytest.fixture
def steps(model, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(
        "def begins(prompts, completions, answer, **_):\n    return [float(c.startswith(a)) for c, a in zip(completions, answer)]\n"
    )

    def run(rows, *arguments):
        Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        code = main(["steps", model, "rows.jsonl", "--reward", "mine.py:begins", "--max-completion-length", "4", *arguments])
        said = capsys.readouterr()
        return code, said.out, " ".join(said.err.split())

    return run


def written(path="steps.jsonl"):
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def test_a_step_is_as_good_as_what_comes_of_it(steps):
    """The judge reads the beginning, so from the step on that holds it the outcome is known, whatever follows."""
    rows = [
        {"prompt": "a>", "completion": "ab\nb\naa", "answer": "ab\nb"},
        {"prompt": "a>", "completions": ["a", "b"], "answer": "b"},
    ]
    code, out, said = steps(rows, "--tries", "3", "--json")
    assert code == 0, said
    good, bad = written()
    assert good["completions"] == ["ab", "b", "aa"] and good["labels"][1:] == [1.0, 1.0] and bad["labels"] == [0.0, 0.0]
    assert [len(own) for own in good["outcomes"]] == [3, 3, 1] and "completion" not in good
    told = json.loads(out)
    assert told["rows"] == 2 and told["steps"] == 5 and told["mean_label"] == pytest.approx(sum(good["labels"] + bad["labels"]) / 5)
    assert not Path("steps.jsonl.outcomes").exists()


def test_files_of_others_labels_of_another_kind_and_fitting_to_them(steps):
    rows = [{"question": "a", "solution": "ab;b;aa", "answer": "ab;b"}, {"question": "b", "solution": "b;b", "answer": "a"}] * 4
    shaped = ("--column", "completion=solution", "--prompt", "{question}>", "--separator", ";", "--out", "labelled.jsonl", "--tries", "2")
    code, _, said = steps(rows, *shaped, "--label", "{part: any_success, above: 0.5}")
    assert code == 0, said
    assert written("labelled.jsonl")[0]["labels"][1:] == [1.0, 1.0] and written("labelled.jsonl")[0]["prompt"] == "a>"
    Path("fit.yaml").write_text(
        'model: {part: headed, body: {part: small_language_model, characters: "ab>;\\n", layers: 1, hidden: 16, heads: 2, context_length: 64}, head: step}\n'
        "task: {path: labelled.jsonl, held_out: 2}\nrecipe: process_reward_model\nbudget: {steps: 2, batch_size: 4}\nrun: run\n"
    )
    assert main(["fit", "fit.yaml"]) == 0


def test_a_line_break_that_a_shell_leaves_as_it_is_written(steps):
    """As the help has it: ``--prompt '{question}\\n'``."""
    code, _, said = steps(
        [{"question": "a", "completion": "ab\nb", "answer": "a"}], "--prompt", r"{question}\n", "--separator", r"\n", "--tries", "1"
    )
    assert code == 0, said
    assert written()[0]["prompt"] == "a\n" and written()[0]["completions"] == ["ab", "b"]


def test_it_goes_on_where_it_was_stopped(steps, monkeypatch):
    from guerdon.training import step_outcomes as module

    rows = [{"prompt": "a>", "completion": "ab\nb", "answer": "ab"}, {"prompt": "b>", "completion": "b\nb", "answer": "bb"}]
    assert steps(rows, "--out", "whole.jsonl")[0] == 0
    drawn, of = [], module._of

    def stopping(*arguments):
        drawn.append(arguments[4])
        if drawn == [0, 1]:
            raise KeyboardInterrupt
        return of(*arguments)

    monkeypatch.setattr(module, "_of", stopping)
    code, _, said = steps(rows)
    assert code == 130 and "the same command goes on" in said and not Path("steps.jsonl").exists()
    code, _, said = steps(rows)
    assert code == 0 and drawn == [0, 1, 1], said
    assert written() == written("whole.jsonl")


def test_a_reward_that_reads_what_is_not_there_is_refused_before_anything_is_drawn(steps, monkeypatch):
    from guerdon.training import step_outcomes as module

    monkeypatch.setattr(module, "_of", lambda *_: pytest.fail("drawn"))
    code, _, said = steps([{"prompt": "a>", "completion": "ab", "reference": "a"}])
    assert code == 2 and "reads the column 'answer'" in said and "reference" in said, said


@pytest.mark.parametrize(
    ("rows", "arguments", "sentence"),
    [
        ([{"prompt": "a>"}], (), "completion"),
        ([{"prompt": "a>", "completion": "\n"}], (), "no steps"),
        ([{"prompt": "a>", "completion": "ab", "answer": "a"}], ("--label", "any_sucess"), "any_success"),
        ([{"prompt": "a>", "completion": "ab", "answer": "a"}], ("--separator", ""), "--separator"),
        ([{"prompt": "a>", "completion": "ab"}], (), "answer"),
    ],
)
def test_what_cannot_work_is_refused_in_a_sentence(steps, rows, arguments, sentence):
    code, _, said = steps(rows, *arguments)
    assert code == 2 and sentence in said, said
