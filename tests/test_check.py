"""``guerdon check``: every kind of doubt is said, with the tokens of the row that shows it best."""

import json
from pathlib import Path

import pytest

from guerdon.interfaces.check import check, doubts
from guerdon.interfaces.configuration import load
from guerdon.interfaces.preparing import prepare

RUN = """
model: {part: small_language_model, characters: "abcdefgh ?", layers: 1, hidden: 16, heads: 2, context_length: 32}
task: {path: rows.jsonl, shuffle: false}
recipe: sft
budget: {steps: 1, batch_size: 2}
"""


@pytest.fixture
def looked(tmp_path, monkeypatch):
    """What ``check`` finds of rows, under overrides: its findings."""
    monkeypatch.chdir(tmp_path)

    def run(rows, *overrides):
        Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        (found,) = check(load(RUN, overrides))
        return found

    return run


def pairs(*answers):
    return [{"prompt": f"{'abcdefgh'[i]}?", "completion": answer} for i, answer in enumerate(answers)]


def test_nothing_is_doubtful_where_nothing_is(looked):
    assert looked(pairs("a b", "c d", "e f")).warnings == []


def test_a_doubt_is_a_file_and_brings_the_tokens_of_its_row(looked):
    found = looked([*pairs("a", "b"), pairs("a")[0]])
    (doubt,) = found.found["doubts"]
    assert doubt["said"].startswith("1 of 3 rows are the same as one before them (row 2 as row 0)") and found.warnings == [doubt["said"]]
    assert [(t["text"], t["trained"]) for t in doubt["sides"]["row"]] == [
        ("<s>", False),
        ("a", False),
        ("?", False),
        ("a", True),
        ("</s>", True),
    ]


def test_every_file_of_the_folder_is_asked(looked, monkeypatch):
    assert [m.__name__.rsplit(".", 1)[1] for m in doubts.every()] == sorted(p.stem for p in Path(doubts.__file__).parent.glob("[a-z]*.py"))
    asked = []
    for module in doubts.every():
        monkeypatch.setattr(module, "look", lambda prepared, looked, name=module.__name__: asked.append(name) or iter(()))
    looked(pairs("a", "a"))
    assert asked == [module.__name__ for module in doubts.every()]


def test_what_was_not_looked_at_is_known(looked, monkeypatch):
    from guerdon.interfaces.check import looking

    looked(pairs("a", "b", "c"))
    monkeypatch.setattr(looking, "MOST", 2)
    seen = looking.look_at(prepare(load(RUN), "fit"))
    assert list(seen.sides) == [0, 2] and not seen.whole
