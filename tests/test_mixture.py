"""Several tasks as one: shares that are kept, rows that are all there, orders that repeat."""

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guerdon.data.examples import examples
from guerdon.data.formats._toy import toy
from guerdon.errors import InputError
from guerdon.interfaces.cli import main
from guerdon.interfaces.configuration import dump, load
from guerdon.tasks.dataset import Dataset
from guerdon.tasks.mixture import Mixture
from guerdon.tasks.rows import LazyRows, PlacedRows
from guerdon.worlds.text.sort_letters import SortLetters


def rows(name: str, size: int) -> Dataset:
    return Dataset([{"prompt": f"{name}{i}", "task": name} for i in range(size)], shuffle=False)


@given(
    st.lists(st.tuples(st.integers(1, 40), st.floats(0.1, 10)), min_size=1, max_size=4), st.sampled_from(["repeat", "stop"]), st.booleans()
)
@settings(deadline=None, max_examples=100)
def test_shares_are_kept_from_the_first_row_on(tasks, exhaust, weighed):
    sizes, weights = zip(*tasks, strict=True)
    mixture = Mixture(tuple(rows(chr(97 + i), n) for i, n in enumerate(sizes)), weights if weighed else (), exhaust)
    found = [row["task"] for row in mixture.train()]
    shares = [w / sum(weights) for w in weights] if weighed else [n / sum(sizes) for n in sizes]
    for t in range(1, len(found) + 1):
        for i, share in enumerate(shares):
            assert abs(found[:t].count(chr(97 + i)) - t * share) <= (len(sizes) + 1) / 2 + 1e-9
    counts = Counter(row["prompt"] for row in mixture.train())
    if exhaust == "repeat":
        assert len(counts) == sum(sizes)  # every row is there
        assert any(n == sizes[i] for i, n in enumerate(map(found.count, "abcd"[: len(sizes)])))  # and the one that lasts longest once
    else:
        assert set(counts.values()) == {1}  # none is there twice
        assert any(n == sizes[i] for i, n in enumerate(map(found.count, "abcd"[: len(sizes)])))  # and one of them is used up
    if not weighed:
        assert len(found) == sum(sizes)
    assert mixture.train() == mixture.train()


def test_by_hand():
    """Of weights two to one the places are 1/4, 3/4, 5/4 ... and 1/2, 3/2 ..."""
    a, b = rows("a", 4), rows("b", 1)
    assert [row["prompt"] for row in Mixture((a, b), (2, 1)).train()] == ["a0", "b0", "a1", "a2", "b0", "a3"]
    assert [row["prompt"] for row in Mixture((a, b), (2, 1), "stop").train()] == ["a0", "b0", "a1"]
    assert [row["prompt"] for row in Mixture((a, b), (2, 1), max_rows=2).train()] == ["a0", "b0"]
    assert [row["prompt"] for row in Mixture((a, b)).train()] == ["a0", "a1", "b0", "a2", "a3"]


def test_rows_say_which_task_they_are_of():
    a, b = rows("a", 3), rows("b", 1)
    mixture = Mixture((a, b), column="source")
    for row in [*mixture.train(), *mixture.test()]:
        assert row["source"] == "ab".index(row["task"])
    lazy = Mixture((SortLetters(9, "ab", train_size=3, test_size=1), SortLetters(9, "cd", train_size=3, test_size=1)), column="source")
    assert all(row["source"] == int("c" in row["prompt"] or "d" in row["prompt"]) for row in [*lazy.train(), *lazy.test()])
    with pytest.raises(InputError, match="have a column 'task' already"):
        Mixture((a, b), column="task").train()


def test_held_out_rows_are_those_of_all():
    mixture = Mixture(
        (Dataset([{"prompt": str(i)} for i in range(10)], held_out=4), Dataset([{"prompt": "x"}, {"prompt": "y"}], held_out=1))
    )
    assert len(mixture.test()) == 5 and len(mixture.train()) == 7
    assert not {row["prompt"] for row in mixture.train()} & {row["prompt"] for row in mixture.test()}
    assert Mixture((rows("a", 3),)).test() == []


def test_rows_that_are_made_as_they_are_asked_for_stay_so():
    made = Mixture((SortLetters(train_size=1000), SortLetters(length=3, train_size=1000))).train()
    assert isinstance(made, LazyRows) and len(made) == 2000
    assert made[0] == SortLetters(train_size=1000).train()[0] and made[1] == SortLetters(length=3, train_size=1000).train()[0]


def test_errors_name_the_file_of_the_row(tmp_path):
    for name, completion in (("a", "b"), ("b", None)):
        (tmp_path / f"{name}.jsonl").write_text(
            json.dumps({"prompt": "x", "completion": "y"}) + "\n" + json.dumps({"prompt": "x", "completion": completion})
        )
    mixture = Mixture(tuple(Dataset(str(tmp_path / f"{name}.jsonl"), shuffle=False) for name in "ab"), (3, 1))
    assert isinstance(mixture.train(), PlacedRows)
    with pytest.raises(InputError, match=r"row 1 of \S*b\.jsonl .* column 'completion' has nothing in it"):
        examples(mixture.train(), toy())


def test_formats_may_be_mixed_if_their_sides_are_the_same():
    talk = {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}
    made = examples([{"prompt": "a", "completion": "b", "n": 1}, talk, {"text": "abc"}, talk], toy())
    assert [len(example.sides) for example in made] == [1] * 4 and all(
        example.sides[""].actions and not example.columns for example in made
    )
    with pytest.raises(InputError, match=r"row 1 .* chosen and rejected and those of the rows before one answer"):
        examples([talk, {"prompt": "a", "chosen": "b", "rejected": "c"}], toy())
    with pytest.raises(InputError, match=r"row 1 .* no column 'completion'"):  # not taken for a prompt of which nothing is learned
        examples([{"prompt": "a", "completion": "b"}, {"prompt": "a", "other": "b"}], toy())


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Mixture(()), "no tasks"),
        (lambda: Mixture((rows("a", 1),), (1, 2)), "1 tasks and 2 weights"),
        (lambda: Mixture((rows("a", 1),), (0,)), "weight 0 must be above 0"),
        (lambda: Mixture((rows("a", 1),), max_rows=0), "max_rows=0"),
        (lambda: Mixture((rows("a", 1), SortLetters())).reward, "different rewards"),
    ],
)
def test_what_cannot_be_mixed_is_said(make, words):
    with pytest.raises(InputError, match=words):
        make()


def test_a_shared_reward_is_the_mixture_s():
    task = SortLetters()
    assert Mixture((task, SortLetters(length=3))).reward == task.reward is not None
    assert Mixture((rows("a", 1), rows("b", 1))).reward is None


RUN = """
model: {part: small_language_model, characters: "abcd>", layers: 1, hidden: 16, heads: 2, context_length: 16}
task: [{path: a.jsonl, weight: 2, held_out: 1}, b.csv]
recipe: sft
budget: {steps: 4, batch_size: 2, save_every: 2}
run: run
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a.jsonl").write_text("".join(json.dumps({"prompt": p, "completion": "a"}) + "\n" for p in ("a", "ab", "abc", "abcd")))
    Path("b.csv").write_text("prompt,completion\nd,d\n")
    return tmp_path


def test_a_list_of_tasks_is_a_mixture_and_is_written_as_one(folder):
    configuration = load(RUN)
    task = configuration.task
    assert task == Mixture((Dataset("a.jsonl", held_out=1), Dataset("b.csv")), (2, 1))
    assert load(dump(configuration)) == configuration
    assert load(RUN, ["task.0.max_rows=2", "exhaust=stop"]).task == Mixture(
        (Dataset("a.jsonl", held_out=1, max_rows=2), Dataset("b.csv")), (2, 1), "stop"
    )
    assert load("task: [a.jsonl, b.csv]\n").task.weights == ()
    assert load("task: {part: mixture, of: [a.jsonl, {path: b.csv}], weights: [1, 3]}\n").task.weights == (1, 3)


@pytest.mark.parametrize(
    ("task", "words"),
    [
        ("[]", "no tasks"),
        ("[a.jsonl, null]", "task.1"),
        ("[{path: a.jsonl, weight: heavy}]", "task.weights.0"),
        ("[{path: a.jsonl, weight: -1}]", "must be above 0"),
        ("[{path: a.jsonl, wieght: 1}]", "task.0.wieght"),
        ("{part: mixture, of: a.jsonl}", "task.of"),
        ("{part: mixture, of: [{path: a.jsonl, weight: 1}], weights: [1]}", "task.weights"),
    ],
)
def test_wrong_mixtures_are_refused_with_their_place(folder, task, words):
    with pytest.raises(InputError, match=words):
        load(f"task: {task}\n")


def test_a_mixture_is_learned_from_killed_and_gone_on_with(folder, capsys, monkeypatch):
    import torch

    from guerdon.training import run as runs

    Path("run.yaml").write_text(RUN)
    assert main(["fit", "run.yaml"]) == 0
    assert "rows in the mixture of 5: task 0: 3 of 3 (60.0%), task 1: 2 of 1 (40.0%)" in " ".join(capsys.readouterr().err.split())
    state = lambda run: torch.load(f"{run}/checkpoints/step-00000004/state.pt", weights_only=False)["learner"]["parameters"]  # noqa: E731
    whole = state("run")
    save, done = runs.Run.save, []

    def killed(self, *arguments, **named):
        save(self, *arguments, **named)
        done.append(1)
        raise KeyboardInterrupt

    monkeypatch.setattr(runs.Run, "save", killed)
    assert main(["fit", "run.yaml", "run=other"]) != 0 and done
    monkeypatch.setattr(runs.Run, "save", save)
    assert main(["fit", "run.yaml", "run=other"]) == 0
    assert all(torch.equal(value, state("other")[name]) for name, value in whole.items())
    assert "a.jsonl, b.csv" in Path("run/model/README.md").read_text()  # the card names all of them
