"""``guerdon score --steps``: what a model of steps says of rows: the number that is made of its steps, and each of them."""

import json
from pathlib import Path

import pytest

from guerdon.interfaces.cli import main


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A model of steps that nobody trained, in a folder."""
    from guerdon.models.heads.step import Step
    from guerdon.models.language.headed import Headed
    from guerdon.models.language.small_language_model import SmallLanguageModel

    folder = tmp_path_factory.mktemp("steps")
    Headed(SmallLanguageModel(characters="ab>;\n", layers=1, hidden=16, heads=2, context_length=64), Step()).build(0).save(folder)
    return str(folder)


@pytest.fixture
def score(model, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def run(rows, *arguments):
        Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        code = main(["score", model, "rows.jsonl", *arguments])
        said = capsys.readouterr()
        return code, said.out, " ".join(said.err.split())

    return run


def test_the_score_is_made_of_the_steps(score, model):
    from guerdon.models.language.step_scorer import StepScorer

    (known,) = StepScorer(model).build().step_scores(["a>"], [["ab", "b", "aa"]])
    told = [{"prompt": "a>", "completion": "ab\nb\naa"}, {"prompt": "a>", "completions": ["ab", "b", "aa"], "labels": [True, True, False]}]
    for row in told:
        for name, made in (("minimum", min(known)), ("mean", sum(known) / 3), ("last_step", known[-1])):
            code, out, _ = score([row], "--steps", name)
            found = json.loads(out)
            assert code == 0 and found["score"] == pytest.approx(made, abs=1e-6) and found["step_score"] == pytest.approx(known, abs=1e-6)
    code, out, _ = score([{"prompt": "a>", "completion": "ab;b"}], "--steps", "minimum", "--separator", ";")
    assert len(json.loads(out)["step_score"]) == 2
    pairs = [{"prompt": "a>", "chosen": "ab\nb", "rejected": "aa"}, {"prompt": "b>", "chosen": "a", "rejected": "b\nb"}]
    code, out, _ = score(pairs, "--steps", "minimum", "--json", "--out", "scored.jsonl")
    rows = [json.loads(line) for line in Path("scored.jsonl").read_text().splitlines()]
    assert code == 0 and json.loads(out)["pairs"] == 2
    for row in rows:
        for side in ("chosen", "rejected"):
            (own,) = StepScorer(model).build().step_scores([row["prompt"]], [row[side].split("\n")])
            assert row[f"{side}_score"] == pytest.approx(min(own), abs=1e-6)


def test_what_cannot_be_scored_in_steps_is_refused_in_a_sentence(score):
    row = {"prompt": "a>", "completion": "ab"}
    for rows, arguments, words in (
        ([row], ["--steps", "minimun"], "--steps: unknown part 'minimun': did you mean minimum"),
        ([row], ["--separator", ";"], "--separator is what ends a step"),
        ([row], [], "score --steps"),
        ([{"prompt": "a>", "completion": "\n"}], ["--steps", "mean"], "row 0 of rows.jsonl"),
        ([{"prompt": "a>"}], ["--steps", "mean"], "completion"),
    ):
        code, _, said = score(rows, *arguments)
        assert code == 2 and words in said and "unexpected" not in said, said
