"""Rows of one format as rows of another: by the shortest way, with nothing lost that is not counted."""

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guerdon.catalogue import catalogue
from guerdon.data.conversions._shapes import SHAPES, shape_of
from guerdon.data.conversions.pair import Pair
from guerdon.data.converting import Converting, targets, way
from guerdon.data.formats._detect import detect
from guerdon.data.formats._toy import toy
from guerdon.errors import InputError
from guerdon.interfaces.cli import main
from guerdon.tasks._files import read
from guerdon.tasks.dataset import Dataset

PARTS = [entry.part for entry in catalogue() if entry.room == "data.conversions"]
HH = "\n\nHuman: What is 1+1?\n\nAssistant: "


def convert(rows, to, where="the data"):
    return Converting(to)(rows, where)


ALPACA = {"instruction": "Add.", "input": "1 1", "output": "2"}
SHARED = {"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]}
ANSWERS = [{"response": t, "annotations": {"truthful": {"Rating": str(r)}}} for t, r in (("good", 5), ("bad", 1), ("fair", 3))]


def test_every_conversion_reads_and_gives_a_shape_that_is_known_and_is_on_some_way():
    assert len(PARTS) >= 10
    for part in PARTS:
        assert {part.reads, part.gives} <= SHAPES.keys()
        assert part in way(part.reads, part.gives)


def test_what_is_given_is_what_losses_read():
    sources = ["pairs", "unpaired", "ranking", "ratings", "alpaca", "share_gpt", "messages", "transcripts", "prompt_completion"]
    rows = dict(zip(sources, examples(), strict=True))
    for source, some in rows.items():
        assert shape_of(some[0]) == source
        for target in targets():
            try:
                made = convert(some, target).rows
            except InputError as error:
                assert "cannot become" in str(error)
                continue
            for row in made:
                assert shape_of(row) == target
                assert detect(row)(row, toy()).sides


def examples():
    yield [{"prompt": "p", "chosen": "a", "rejected": "b"}]
    yield [{"prompt": "p", "completion": "a", "label": True}, {"prompt": "p", "completion": "b", "label": False}]
    yield [{"prompt": "p", "completions": ["a", "b"], "scores": [1, 2]}]
    yield [{"instruction": "p", "completions": ANSWERS}]
    yield [ALPACA]
    yield [SHARED]
    yield [{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}]
    yield [{"chosen": HH + "2", "rejected": HH + "3"}]
    yield [{"prompt": "a", "completion": "b"}]


@pytest.mark.parametrize(
    ("rows", "to", "wanted"),
    [
        ([ALPACA], "prompt_completion", [{"prompt": "Add.\n\n1 1", "completion": "2"}]),
        ([ALPACA], "messages", [{"messages": [{"role": "user", "content": "Add.\n\n1 1"}, {"role": "assistant", "content": "2"}]}]),
        (
            [SHARED],
            "prompt_completion",
            [{"prompt": [{"role": "user", "content": "a"}], "completion": [{"role": "assistant", "content": "b"}]}],
        ),
        (
            [{"chosen": HH + "2", "rejected": HH + "3"}],
            "unpaired",
            [
                {
                    "prompt": [{"role": "user", "content": "What is 1+1?"}],
                    "completion": [{"role": "assistant", "content": c}],
                    "label": c == "2",
                }
                for c in "23"
            ],
        ),
        (
            [{"instruction": "p", "completions": ANSWERS, "source": "s"}],
            "pairs",
            [
                {
                    "prompt": "p",
                    "source": "s",
                    "chosen": "good",
                    "rejected": "bad",
                    "score_chosen": 5.0,
                    "score_rejected": 1.0,
                    "truthful_chosen": 5.0,
                    "truthful_rejected": 1.0,
                }
            ],
        ),
        (
            [{"instruction": "p", "completions": ANSWERS}],
            "unpaired",
            [
                {"prompt": "p", "completion": "good", "label": True, "score": 5.0, "truthful": 5.0},
                {"prompt": "p", "completion": "bad", "label": False, "score": 1.0, "truthful": 1.0},
            ],
        ),
    ],
)
def test_the_shortest_way_is_gone(rows, to, wanted):
    found = convert(rows, to)
    assert found.rows == wanted and found.left_out == {}


@pytest.mark.parametrize("nothing", [None, []])
def test_a_column_with_nothing_in_it_is_counted_as_that(nothing):
    good = {"prompt": "q", "completions": ["a", "b"], "scores": [1, 0]}
    found = convert([good, {**good, "completions": nothing}], "pairs")
    assert len(found.rows) == 1 and found.left_out == {"nothing in column 'completions'": 1}


def test_a_rating_that_is_no_number_is_none():
    """One "inf" or "nan" would make an answer the best, or a row of which nothing is preferred."""
    for odd in ("inf", "nan", "N/A", None, float("nan"), float("inf")):
        answers = [{"response": "odd", "annotations": {"truthful": {"Rating": odd}, "honest": {"Rating": "2"}}}, ANSWERS[0], ANSWERS[2]]
        (row,) = convert([{"instruction": "q", "completions": answers}], "pairs").rows
        assert (row["chosen"], row["rejected"], row["score_rejected"]) == ("good", "odd", 2.0)


TEXTS = st.text("ab", min_size=1, max_size=3)


@given(st.lists(st.tuples(st.sampled_from("pq"), TEXTS, st.sampled_from([True, False, 0.5])), min_size=1, max_size=12), st.booleans())
@settings(deadline=None, max_examples=80)
def test_every_answer_is_in_a_pair_or_counted(answers, every):
    rows = [{"prompt": p, "completion": c, "label": label} for p, c, label in answers]
    found = Pair(every)(rows)
    used = Counter((row["prompt"], row[side]) for row in found.rows for side in ("chosen", "rejected"))
    if not every:
        assert 2 * len(found.rows) + sum(found.left_out.values()) == len(rows)
        assert all(used[p, c] <= sum(r["prompt"] == p and r["completion"] == c for r in rows) for p, c in used)
    for prompt in "pq":
        good, bad = (sum(p == prompt and label == kind for p, _, label in answers) for kind in (True, False))
        assert sum(row["prompt"] == prompt for row in found.rows) == (good * bad if every else min(good, bad))


@given(st.lists(st.tuples(TEXTS, TEXTS, TEXTS), min_size=1, max_size=6))
@settings(deadline=None, max_examples=60)
def test_pairs_come_back_from_their_answers(texts):
    pairs = [{"prompt": f"{i} {p}", "chosen": a, "rejected": b, "n": i} for i, (p, a, b) in enumerate(texts)]
    kept = [row for row in pairs if row["chosen"] != row["rejected"]]
    if not kept:
        with pytest.raises(InputError, match="nothing of the data is left as unpaired: chosen and rejected are the same"):
            convert(pairs, "unpaired")
        return
    unpaired = convert(pairs, "unpaired")
    assert sum(unpaired.left_out.values()) == len(pairs) - len(kept)
    assert convert(unpaired.rows, "pairs").rows == kept


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["role", "content", "from", "value", "response", "steps", "text", "rating"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.mark.parametrize("source", ["pairs", "ranking", "unpaired", "prompt_completion", "messages", "share_gpt", "alpaca"])
@given(st.data())
@settings(deadline=None, max_examples=25)
def test_whatever_stands_in_the_columns_is_left_out_and_counted(source, data):
    columns = {
        "pairs": ("prompt", "chosen", "rejected"),
        "ranking": ("prompt", "completions", "scores"),
        "unpaired": ("prompt", "completion", "label"),
        "prompt_completion": ("prompt", "completion"),
        "messages": ("messages",),
        "share_gpt": ("conversations",),
        "alpaca": ("instruction", "input", "output", "history"),
    }[source]
    rows = [{name: data.draw(ANYTHING) for name in columns} for _ in range(2)]
    for target in targets():
        try:
            found = convert(rows, target)
        except InputError:
            continue
        assert found.rows


def test_rows_of_another_shape_are_counted_and_what_leads_nowhere_is_said():
    rows = [{"prompt": "p", "chosen": "a", "rejected": "b"}, {"prompt": "q"}, {"prompt": "r", "chosen": "", "rejected": None}]
    found = convert(rows, "unpaired")
    assert len(found.rows) == 2 and found.left_out == {"not pairs": 1, "column 'rejected' has nothing in it": 1}
    with pytest.raises(InputError, match="is alpaca, which cannot become pairs; it can become prompt_completion, messages"):
        convert([ALPACA], "pairs")
    with pytest.raises(InputError, match="unknown format 'unpared': did you mean unpaired"):
        convert([ALPACA], "unpared")
    with pytest.raises(InputError, match=r"the columns 'a' of x\.csv are no format that is known"):
        convert([{"a": 1}], "pairs", where="x.csv")


@pytest.fixture
def guerdon(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        capsys.readouterr()
        code = main(list(arguments))
        said = capsys.readouterr()
        assert "Traceback" not in said.err and "unexpected" not in said.err
        return code, said.out, " ".join(said.err.split())

    return run


def test_the_command_says_what_it_left_out(guerdon):
    Path("pairs.csv").write_text("question,chosen,rejected\n1+1,2,3\n1+2,007,007\n")
    code, _, said = guerdon("convert", "pairs.csv", "out/unpaired.parquet", "--to", "unpaired", "--column", "prompt=question")
    assert code == 0
    assert "1 left out: chosen and rejected are the same" in said and "2 rows read, 2 written: out/unpaired.parquet" in said
    wanted = [{"prompt": "1+1", "completion": "2", "label": True}, {"prompt": "1+1", "completion": "3", "label": False}]
    assert read(Path("out/unpaired.parquet")) == wanted
    for name in ("again.jsonl", "again.csv", "again.tsv", "again.json", "again.arrow", "again.jsonl.gz", "again.csv.gz"):
        code, out, _ = guerdon("convert", "out/unpaired.parquet", name, "--json")
        assert (code, json.loads(out)) == (0, {"read": 2, "written": 2, "left_out": {}, "file": name})
        assert read(Path(name)) == wanted
    rows = [*wanted, {"prompt": "1+1", "completion": "4", "label": False}]
    Path("unpaired.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    code, _, said = guerdon("convert", "unpaired.jsonl", "pairs.jsonl", "--to", "pairs")
    assert code == 0 and len(read(Path("pairs.jsonl"))) == 1 and "1 left out: no good answer is left to the same prompt" in said
    assert guerdon("convert", "unpaired.jsonl", "pairs.jsonl", "--to", "pairs", "--set", "pair.every=true")[0] == 0
    assert len(read(Path("pairs.jsonl"))) == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("rows.jsonl", "rows.xlsx"), ".parquet"),
        (("rows.jsonl", "rows.jsonl"), "is what is read"),
        (("rows.jsonl", "x.jsonl", "--to", "pears"), "did you mean pairs"),
        (("rows.jsonl", "x.csv", "--to", "messages"), "a list or an object in column 'messages'"),
        (("rows.jsonl", "x.parquet"), "column 'mixed'"),
        (("rows.jsonl", "x.jsonl", "--column", "prompt"), "NEW=OLD"),
        (("rows.jsonl", "x.jsonl", "--to", "messages", "--set", "conversation"), "SETTING=VALUE"),
        (("rows.jsonl", "x.jsonl", "--to", "messages", "--set", "conversaton.x=1"), "did you mean conversation"),
        (("nowhere.jsonl", "x.jsonl"), "there is no file"),
        (("rows.jsonl", "rows.jsonl/x.jsonl"), "cannot be written"),
    ],
)
def test_what_cannot_be_converted_is_said_and_nothing_is_written(guerdon, arguments, words):
    Path("rows.jsonl").write_text('{"prompt": "a", "completion": "b", "mixed": 1}\n{"prompt": "a", "completion": "b", "mixed": "x"}\n')
    code, _, said = guerdon("convert", *arguments)
    assert code == 2 and words in said, said
    assert [p.name for p in Path().iterdir()] == ["rows.jsonl"]


def test_a_task_converts_its_rows_and_says_what_it_left_out(tmp_path):
    path = tmp_path / "pairs.jsonl"
    rows = [{"q": f"p{i}", "chosen": "a", "rejected": "b" if i else "a"} for i in range(5)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    task = Dataset(str(path), columns={"prompt": "q"}, convert="unpaired", held_out=2, shuffle=False, chat=True)
    train, test = task.train(), task.test()
    assert len(train) == 6 and len(test) == 2 and {row["label"] for row in test} == {True, False}
    assert test[0]["prompt"] == test[1]["prompt"]  # a pair is on one side
    assert train[0]["prompt"][0]["role"] == "user" and train[0]["completion"][0]["role"] == "assistant"
    assert task.notes() == [f"1 rows of {path} are left out as unpaired: chosen and rejected are the same, so nothing was preferred"]
    assert Dataset(rows[1:]).notes() == []


def test_kto_learns_from_pairs_that_are_converted(guerdon):
    Path("pairs.jsonl").write_text("".join(json.dumps({"prompt": p, "chosen": "a", "rejected": "b"}) + "\n" for p in "abcd"))
    Path("run.yaml").write_text(
        """
model: {part: small_language_model, characters: "abcd>", layers: 1, hidden: 16, heads: 2, context_length: 16}
task: {path: pairs.jsonl}
recipe: kto
budget: {steps: 2, batch_size: 4}
run: run
"""
    )
    code, _, said = guerdon("fit", "run.yaml", "task.convert=unpaired")
    assert code == 0, said
    code, _, said = guerdon("fit", "run.yaml", "task.convert=unpared", "run=other")
    assert code == 2 and "unpaired" in said


def test_rows_of_which_nothing_can_be_learned_are_left_out_also_where_nothing_is_converted():
    good = {"prompt": "p", "chosen": "a", "rejected": "b"}
    wrong = [{"chosen": None}, {"prompt": None}, {"rejected": 5}, {"rejected": True}, {"prompt": {"text": "p"}}, {"rejected": "a"}]
    made = Converting("pairs")([good, *(good | one for one in wrong)])
    assert made.rows == [good]
    assert made.left_out == {
        "column 'chosen' has nothing in it": 1,
        "column 'prompt' has nothing in it": 1,
        "column 'rejected' holds neither a text nor messages": 2,
        "column 'prompt' holds neither a text nor messages": 1,
        "chosen and rejected are the same, so nothing was preferred": 1,
    }
    both = [[{"role": "user", "content": "p"}, {"role": "assistant", "content": c}] for c in "ab"]
    within = {"prompt": None, "chosen": both[0], "rejected": both[1]}  # the prompt is what both begin with
    assert Converting("pairs")([within]).rows == [within]
    numbers = [{"prompt": "p", "chosen": 4, "rejected": 5}, good]
    assert [row["completion"] for row in Converting("unpaired")(numbers).rows] == ["a", "b"]


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.csv", "rows.tsv", "rows.parquet", "rows.csv.gz"])
def test_an_answer_that_is_missing_is_missing_in_every_kind_of_file(name: str, tmp_path: Path):
    from guerdon.tasks import _files
    from guerdon.tasks._files import _writing

    _writing.write(tmp_path / name, [{"prompt": "a", "chosen": "b", "rejected": "c"}, {"prompt": "a", "chosen": None, "rejected": "c"}])
    rows = list(_files.read(tmp_path / name))
    assert [row["chosen"] for row in rows] == ["b", None]
