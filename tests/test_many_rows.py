"""Many rows: what each costs in memory and time does not grow with how many there are, and only those that are asked for are read."""

import gzip
import json
import tracemalloc
from pathlib import Path

import pytest
import torch

from guerdon.data.examples import examples
from guerdon.errors import InputError
from guerdon.interfaces.check import check
from guerdon.interfaces.configuration import load
from guerdon.interfaces.preparing import prepare
from guerdon.randomness import generator
from guerdon.sequences import Example, Side
from guerdon.tasks.dataset import Dataset
from guerdon.tasks.encoding import Encoder
from guerdon.training import jobs
from guerdon.training.display import Silent, encoding
from guerdon.training.streams import Stream
from tiny_models import tokenizer


def written(path: Path, lines: list[str]) -> str:
    text = "".join(f"{line}\n" for line in lines)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return str(path)


def rows(first: int, count: int) -> list[str]:
    return [json.dumps({"prompt": f"{i}?", "completion": str(i)}) for i in range(first, first + count)]


def prompts(task: Dataset) -> list[str]:
    return [row["prompt"] for row in task.train()]


# reading


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.jsonl.gz"])
def test_of_a_file_no_more_is_read_than_is_asked_for(name, tmp_path):
    path = written(tmp_path / name, [*rows(0, 5), "{this is no JSON"])
    assert prompts(Dataset(path, streaming=True, max_rows=5, shuffle=False)) == [f"{i}?" for i in range(5)]
    with pytest.raises(InputError, match="line 6"):
        Dataset(path, max_rows=5, shuffle=False).train()


def test_of_several_files_in_one_place_no_more_is_read_than_is_asked_for(tmp_path):
    written(tmp_path / "train-a.jsonl", rows(0, 3))
    written(tmp_path / "train-b.jsonl", [*rows(3, 2), "broken"])
    written(tmp_path / "train-c.jsonl", ["broken"])
    for place in (str(tmp_path / "train-*.jsonl"), str(tmp_path)):
        assert prompts(Dataset(place, streaming=True, max_rows=5, shuffle=False)) == [f"{i}?" for i in range(5)]
        assert prompts(Dataset(place, streaming=True, max_rows=2, shuffle=False)) == ["0?", "1?"]


def test_of_what_datasets_saved_the_first_rows_are_taken(tmp_path):
    datasets = pytest.importorskip("datasets")
    datasets.Dataset.from_list([json.loads(row) for row in rows(0, 9)]).save_to_disk(tmp_path / "saved")
    assert sorted(prompts(Dataset(str(tmp_path / "saved"), streaming=True, max_rows=4))) == [f"{i}?" for i in range(4)]


def test_check_reads_the_rows_once_however_many_it_shows(tmp_path, monkeypatch):
    read = []
    real = Dataset._rows
    monkeypatch.setattr(Dataset, "_rows", lambda self, *args, **more: read.append(1) or real(self, *args, **more))
    written(tmp_path / "rows.jsonl", rows(0, 20))
    run = f"""
    model: {{part: small_language_model, characters: "0123456789?", layers: 1, hidden: 16, heads: 2, context_length: 32}}
    task: {{path: {tmp_path / "rows.jsonl"}, held_out: 4}}
    recipe: sft
    budget: {{steps: 1, batch_size: 2}}
    """
    check(load(run), rows=10)
    assert len(read) == 1  # for all who look, the held-out ones too


@pytest.mark.parametrize("held_out", [0, 3, 0.5])
def test_both_sides_of_one_reading_are_those_of_two(held_out, tmp_path):
    task = Dataset(written(tmp_path / "rows.jsonl", rows(0, 20)), held_out=held_out, max_rows=7, max_test_rows=2)
    assert task.sides() == (task.train(), task.test())
    assert (len(task.train()), len(task.test())) == (7, min(2, 10 * held_out))


def test_the_names_of_columns_are_there_once(tmp_path):
    made = Dataset(written(tmp_path / "rows.jsonl", ['{"prompt": "a", "some other": 1}'] * 3)).train()
    assert len({id(name) for row in made for name in row}) == 2


def test_a_row_in_memory_is_one_object_of_the_size_of_what_it_holds(tmp_path):
    """No second copy of the rows while they are read, split and put into their order."""
    count = 2_000
    task = Dataset(written(tmp_path / "rows.jsonl", rows(0, count)), held_out=100)
    task.sides()
    tracemalloc.start()
    both = task.sides()
    held, peak = (bytes / count for bytes in tracemalloc.get_traced_memory())
    tracemalloc.stop()
    assert sum(map(len, both)) == count
    assert held < 420 and peak < held + 200, (held, peak)


@pytest.mark.parametrize(("wrong", "truncate"), [("refuse", ""), ("drop", ""), ("refuse", "drop"), ("drop", "drop")])
def test_a_run_reads_its_rows_once_and_encodes_each_once(wrong, truncate, tmp_path, monkeypatch):
    """Also where some are left out, and learns from the very examples that it would have had without them."""
    read, encoded = [], []
    real, encode = Dataset._rows, Encoder.encode_sides
    monkeypatch.setattr(Dataset, "_rows", lambda self, *args, **more: read.append(1) or real(self, *args, **more))
    monkeypatch.setattr(Encoder, "encode_sides", lambda self, *args, **more: encoded.append(args[0]) or encode(self, *args, **more))
    bad = [json.dumps({"prompt": "7?"})] * (wrong == "drop") + [json.dumps({"prompt": "7" * 40, "completion": "1"})] * (truncate == "drop")
    written(tmp_path / "rows.jsonl", [*rows(0, 10), *bad, *rows(10, 10)])
    settings = f"""
    model: {{part: small_language_model, characters: "0123456789?", layers: 1, hidden: 16, heads: 2, context_length: 32}}
    task: {{path: {tmp_path / "rows.jsonl"}, test_path: {tmp_path / "rows.jsonl"}, shuffle: false, max_test_rows: 4}}
    recipe: sft
    encoding: {{wrong: "{wrong}", truncate: "{truncate}"}}
    budget: {{steps: 1, batch_size: 2}}
    """
    prepared = prepare(load(settings), "fit")
    learned = []
    real_fit = jobs.fit
    monkeypatch.setattr(jobs, "fit", lambda model, some, *args, **more: learned.append(some) or real_fit(model, some, *args, **more))
    prepared.job(prepared.model, {}, 0, None, Silent())
    assert len(read) == 2
    assert {encoded.count(f"{i}?") for i in range(4, 20)} == {1}
    assert learned[0] == examples([json.loads(row) for row in rows(0, 20)], prepared.encoder)


# learning


def test_equal_tokens_of_all_rows_are_one_object():
    made = examples([{"prompt": "The quick brown fox", "completion": "jumps over The quick brown fox"}] * 3, Encoder(tokenizer("pad")))
    tokens = [token for example in made for token in (*example.sides[""].context, *example.sides[""].actions)]
    assert max(tokens) > 256  # smaller numbers are one object in any case
    assert len({id(token) for token in tokens}) == len(set(tokens))


def test_what_a_row_of_eighty_tokens_holds():
    """Bytes of the rows that are learned from, tokens included; the tokenizer and what it learns by the way are not."""
    encoder, count = Encoder(tokenizer("pad"), 512), 400
    some = [
        {
            "prompt": f"The quick brown fox {i} jumps over it, 0123456789, {i}",
            "completion": f"jumps over it {i * 7} What is two and two? four is the answer",
        }
        for i in range(count)
    ]
    examples(some, encoder)
    tracemalloc.start()
    made = examples(some, encoder)
    held = tracemalloc.get_traced_memory()[0] / count
    tracemalloc.stop()
    side = made[-1].sides[""]
    assert held < 640 + 8 * (len(side.context) + 2 * len(side.actions)), held


@pytest.mark.parametrize("each", [1, 3, 4, 7, 25])
def test_the_order_of_an_epoch_is_drawn_once_and_is_the_same(each, monkeypatch):
    made = [Example({"": Side((1,), (place,), (True,))}) for place in range(10)]
    wanted = [place for epoch in range(6) for place in torch.randperm(10, generator=generator(3, "order", epoch)).tolist()]
    drawn = []
    real = torch.randperm
    monkeypatch.setattr(torch, "randperm", lambda *args, **more: drawn.append(1) or real(*args, **more))
    stream = Stream(made, each, 3)
    steps = 50 // each
    found = [place for step in range(1, steps + 1) for place in stream.batch(step).sides[""].actions[:, 0].tolist()]
    assert found == wanted[: steps * each]
    assert len(drawn) == -(-steps * each // 10)
    later = Stream(made, each, 3)  # a run that is gone on with begins anywhere
    assert later.batch(2).sides[""].actions[:, 0].tolist() == wanted[each : 2 * each]


@pytest.mark.parametrize(("rows", "told"), [(10, []), (2_050, [("start", 0, 2_050), ("step", 2_000), ("step", 2_050), ("stop",)])])
def test_whoever_waits_for_many_rows_to_be_encoded_sees_how_far_it_is(rows, told):
    class Told:
        def __init__(self):
            self.said = []

        def start(self, what, done, total):
            self.said.append(("start", done, total))

        def step(self, done, metrics):
            self.said.append(("step", done))

        def stop(self):
            self.said.append(("stop",))

    display = Told()
    with encoding(display, rows) as telling:
        examples([{"prompt": f"{i}?", "completion": "yes"} for i in range(rows)], Encoder(tokenizer("pad"), 64), telling=telling)
    assert [one for one in display.said if one[0] != "step" or one[1] >= 2_000] == told
