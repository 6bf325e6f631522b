"""What people bring as files: read as it is, or refused in one sentence with the file, the row and the column."""

import bz2
import csv
import gzip
import io
import json
import lzma
import os
import string
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guerdon.errors import InputError
from guerdon.interfaces.cli import main
from guerdon.tasks import _files
from guerdon.tasks._files._writing import write
from guerdon.tasks.dataset import Dataset

pa = pytest.importorskip("pyarrow")

ROWS = [{"prompt": "a", "answer": "007", "weight": 0.5}, {"prompt": "b", "answer": "1.50", "weight": 2.0}]


def read(folder: Path, name: str, content: bytes | str, texts=()) -> list[dict]:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return _files.read(path, texts)


def refused(folder: Path, name: str, content: bytes | str) -> str:
    with pytest.raises(InputError) as error:
        read(folder, name, content)
    sentence = str(error.value)
    assert name in sentence and "\n" not in sentence
    return sentence


def zstandard(data: bytes) -> bytes:
    return pa.compress(data, codec="zstd", asbytes=True)


def as_lines(rows) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def as_parquet(rows) -> bytes:
    from pyarrow import parquet

    out = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist(rows), out)
    return out.getvalue()


def as_arrow(rows, way=pa.ipc.new_stream) -> bytes:
    table, out = pa.Table.from_pylist(rows), io.BytesIO()
    with way(out, table.schema) as writer:
        writer.write_table(table)
    return out.getvalue()


def as_table(rows, **how) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(rows[0]), **how)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


KINDS = {
    "jsonl": as_lines,
    "ndjson": as_lines,
    "json": lambda rows: json.dumps(rows).encode(),
    "csv": as_table,
    "tsv": lambda rows: as_table(rows, delimiter="\t"),
    "parquet": as_parquet,
    "arrow": as_arrow,
    "feather": lambda rows: as_arrow(rows, pa.ipc.new_file),
}


COMPRESSIONS = {"": bytes, ".gz": gzip.compress, ".zst": zstandard, ".bz2": bz2.compress, ".xz": lzma.compress}


@pytest.mark.parametrize("end", COMPRESSIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_file_holds_the_same_rows_however_it_is_compressed(tmp_path, kind, end):
    data = COMPRESSIONS[end](KINDS[kind](ROWS))
    assert read(tmp_path, f"rows.{kind}{end}", data) == ROWS
    assert read(tmp_path, f"other.{kind}", data) == ROWS  # the first bytes say how it is compressed, whatever the name does


# What can stand in a file as somebody brings it, and what is read. Some are read in spite of their name.
READ = {
    "a mark, Windows' line ends and empty lines": ("x.jsonl", b'\xef\xbb\xbf{"a": 1}\r\n\r\n  \r\n{"a": 2}', [{"a": 1}, {"a": 2}]),
    "line ends of old": ("x.jsonl", '{"a": 1}\r{"a": 2}\r', [{"a": 1}, {"a": 2}]),
    "no line end": ("x.jsonl", '{"a": "\u2028\x85"}', [{"a": "\u2028\x85"}]),
    "a list in .jsonl": ("x.jsonl", '[{"a": 1},\n {"a": 2}]\n', [{"a": 1}, {"a": 2}]),
    "lines in .json": ("x.json", '{"a": 1}\n{"a": 2}\n', [{"a": 1}, {"a": 2}]),
    "one line in .json": ("x.json", '{"a": "b"}\n', [{"a": "b"}]),
    "a list under data": ("x.json", '{"version": 1, "data": [{"a": 1}]}', [{"a": 1}]),
    "lines in .json.gz": ("x.json.gz", gzip.compress(b'{"a": 1}\n{"a": 2}\n'), [{"a": 1}, {"a": 2}]),
    "a pair of escapes": ("x.jsonl", '{"a": "\\ud83d\\ude00"}', [{"a": "😀"}]),
    "UTF-16 with its mark": ("x.csv", "prompt,n\né,1\n".encode("utf-16"), [{"prompt": "é", "n": 1}]),
    "a mark before a header": ("x.csv", "\ufeffprompt,n\na,1\n".encode(), [{"prompt": "a", "n": 1}]),
    "rows that end in CR": ("x.csv", "a,b\r1,2\r\r3,4\r", [{"a": 1, "b": 2}, {"a": 3, "b": 4}]),
    "quoted line ends": ("x.csv", 'a,b\r\n"x\r\ny",2\r\n', [{"a": "x\r\ny", "b": 2}]),
    "spaces in the header": ("x.csv", "a, b\n1,2\n", [{"a": 1, "b": 2}]),
    "the index of a data frame": ("x.csv", ",a\n0,x\n1,y\n", [{"a": "x"}, {"a": "y"}]),
    "four bytes a character": ("x.jsonl", '{"a": "é"}\n'.encode("utf-32"), [{"a": "é"}]),
    "files with a mark each": ("x.jsonl", '\ufeff\ufeff{"a": 1}\n\ufeff{"a": 2}', [{"a": 1}, {"a": 2}]),
    "a separator that is said": ("x.csv", "sep=;\r\na;b\r\n1;2\r\n", [{"a": 1, "b": 2}]),
    "bars": ("x.csv", "a|b\nx, y|2\n", [{"a": "x, y", "b": 2}]),
    "a comma within a quoted name": ("x.csv", '"a, b";c\n1;2\n', [{"a, b": 1, "c": 2}]),
    "commas in .tsv": ("x.tsv", "a,b\n1,2\n", [{"a": 1, "b": 2}]),
    "a quoted field that begins with a space": ("x.csv", 'a,b\n1," ""q"""\n', [{"a": 1, "b": ' "q"'}]),
    "semicolons": ("x.csv", "a;b\n1,5;2\n", [{"a": "1,5", "b": 2}]),
    "only a header": ("x.csv", "a,b\n", []),
    "only spaces": ("x.jsonl", " \n\t\n", []),
    "two frames of Zstandard": ("x.jsonl.zst", zstandard(b'{"a": 1}\n') + zstandard(b'{"a": 2}\n'), [{"a": 1}, {"a": 2}]),
    "a name that says compressed": ("x.jsonl.gz", '{"a": 1}', [{"a": 1}]),
    "the other format of Arrow": ("x.arrow", as_parquet([{"a": 1}]), [{"a": 1}]),
    "no finite number": ("x.jsonl", '{"a": Infinity, "b": -1e999}', [{"a": float("inf"), "b": float("-inf")}]),
}


@pytest.mark.parametrize("case", READ)
def test_what_is_read(tmp_path, case):
    name, content, rows = READ[case]
    assert read(tmp_path, name, content) == rows


DAMAGED = bytearray(gzip.compress(bytes(range(256)) * 40))
DAMAGED[20:40] = bytes(20)
PARQUET = as_parquet([{"a": "some text " * 9}] * 99)
BROKEN_TEXT = pa.table(
    {
        "a": [1, 2],
        "s": pa.Array.from_buffers(
            pa.string(), 2, [None, pa.py_buffer(bytes([0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0])), pa.py_buffer(b"a\xff")]
        ),
    }
)


def written(table) -> bytes:
    from pyarrow import parquet

    out = io.BytesIO()
    parquet.write_table(table, out)
    return out.getvalue()


def archive() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as held:
        inside = tarfile.TarInfo("rows.jsonl")
        inside.size = 9
        held.addfile(inside, io.BytesIO(b'{"a": 1}\n'))
    return out.getvalue()


POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n"
REFUSED = {
    "a pointer of git-lfs": ("x.csv", POINTER, ["git lfs pull"]),
    "a pointer of git-lfs for a table": ("x.parquet", POINTER, ["git lfs pull"]),
    "a page of the web": ("x.csv", "\n<!DOCTYPE html>\n<html>404, not found</html>\n", ["page of the web"]),
    "a tar archive": ("x.jsonl.gz", archive(), ["tar archive", "unpack"]),
    "two tables put together": ("x.csv", "a,b\n1,2\na,b\n3,4\n", ["row 2", "line 3", "header once more"]),
    "a space before a quotation mark": ("x.csv", 'a,b\n1,2\n"x", "y"\n', ["row 2", "line 3", "space before", 'write ,"y"']),
    "half of a character of two bytes": ("x.csv", "a,b\n1,2\n".encode("utf-16")[:-1], ["line 2", "not UTF-16"]),
    "bzip2 cut short": ("x.jsonl.bz2", bz2.compress(as_lines(ROWS))[:-9], ["cannot be read"]),
    "xz damaged": ("x.jsonl.xz", lzma.compress(as_lines(ROWS))[:40] + bytes(30), ["cannot be read"]),
    "empty": ("x.jsonl", b"", ["is empty"]),
    "cut off": ("x.jsonl", '{"a": 1}\n{"a": ', ["line 2", "is not JSON", "each line must be one object"]),
    "a list a line": ("x.jsonl", "[1]\n[2]\n", ["line 1", "is a list"]),
    "deep and cut off": ("x.jsonl", '{"a": 1}\n' + "[" * 100_000, ["line 2", "is not JSON"]),
    "deep": ("x.jsonl", '{"a": %s}' % ("[" * 300 + "]" * 300), ["line 1", "nested more than"]),
    "deep, whole": ("x.json", "[" * 100_000, ["is not JSON"]),
    "digits": ("x.jsonl", '{"a": 1}\n{"b": {"n": -%s}}' % ("9" * 5000), ["line 2", "whole number", "'n'"]),
    "digits, whole": ("x.json", '[{"n": %s}]' % ("9" * 5000), ["whole number", "'n'"]),
    "a key twice": ("x.jsonl", '{"a": 1}\n{"prompt": 1, "prompt": 2}', ["line 2", "'prompt' is given twice"]),
    "half a character": ("x.jsonl", '{"a": 1, "b": ["\\ud83d"]}', ["line 1", "half a character", "column 'b'"]),
    "other bytes": ("x.jsonl", b'{"a": 1}\n{"a": 1}\n{"a": "\xe9"}', ["line 3", "not UTF-8", "0xe9"]),
    "other bytes in a table": ("x.csv", b"a\nb\n\xe9\n", ["line 3", "not UTF-8"]),
    "a zero byte": ("x.jsonl", b'{"a": 1}\n{"a": "\0"}', ["line 2", "zero byte"]),
    "a zero byte in a table": ("x.csv", b"a\nb\n\0\n", ["line 3", "zero byte"]),
    "UTF-16 without its mark": ("x.csv", "a,b\n1,2\n".encode("utf-16-le"), ["line 1", "UTF-16"]),
    "no object": ("x.json", '[{"a": 1}, 2]', ["item 1", "is a int"]),
    "a frame by columns": ("x.json", '{"prompt": {"0": "a"}}', ["list of objects", "'prompt'"]),
    "an error in lines in .json": ("x.json", '{"a": 1}\n{"a": 2}\n{"a"}\n', ["line 3", "is not JSON"]),
    "only spaces in .json": ("x.json", "  \n", ["is not JSON"]),
    "too many fields": ("x.csv", "a,b\n1,2\n\n1,2,3\n", ["row 2", "line 4", "3 and not 2", "quote"]),
    "an open quote": ("x.csv", 'a,b\n1,2\n"x,2\n3,4\n', ["row 2", "not closed"]),
    "a column twice": ("x.csv", "a,b, a\n1,2,3\n", ["'a' twice"]),
    "a column twice in Parquet": (
        "x.parquet",
        written(pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])),
        ["two columns 'a'"],
    ),
    "gzip cut short": ("x.jsonl.gz", gzip.compress(as_lines(ROWS * 99))[:-9], ["cannot be read", "line"]),
    "gzip damaged": ("x.jsonl.gz", bytes(DAMAGED), ["cannot be read"]),
    "gzip of nothing": ("x.csv.gz", gzip.compress(b"a,b\n1,2\n")[:12], ["cannot be read"]),
    "Zstandard cut short": ("x.jsonl.zst", zstandard(as_lines(ROWS))[:-9], ["cannot be read"]),
    "Parquet cut short": ("x.parquet", PARQUET[:-20], ["damaged or cut short"]),
    "Parquet damaged": ("x.parquet", PARQUET[:40] + bytes(60) + PARQUET[100:], ["damaged"]),
    "no Parquet": ("x.parquet", "no table", ["no Parquet"]),
    "Arrow cut short": ("x.arrow", as_arrow(ROWS)[:-60], ["damaged or cut short"]),
    "Parquet by another name": ("x.jsonl", PARQUET, ["Parquet file", ".parquet"]),
    "a zip archive": ("x.csv", b"PK\x03\x04" + bytes(20), ["zip"]),
    "other bytes in Parquet": ("x.parquet", written(BROKEN_TEXT), ["row 1", "column 's'"]),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(tmp_path, case):
    name, content, words = REFUSED[case]
    sentence = refused(tmp_path, name, content)
    for said in words:
        assert said in sentence, sentence


# Any rows at all

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=8)
ANY_ROWS = st.lists(st.dictionaries(TEXT, VALUES, max_size=4), min_size=1, max_size=4)
ENDS = st.sampled_from(["\n", "\r\n", "\r"])


@given(ANY_ROWS, ENDS, st.booleans(), st.booleans(), st.sampled_from([bytes, gzip.compress, zstandard]))
@settings(deadline=None, max_examples=60)
def test_json_lines_give_back_what_was_written(tmp_path_factory, rows, end, ascii_only, mark, compress):
    text = end.join(json.dumps(row, ensure_ascii=ascii_only) for row in rows)
    data = compress(text.encode("utf-8-sig" if mark else "utf-8"))
    assert read(tmp_path_factory.mktemp("x"), "rows.jsonl", data) == rows
    whole = json.dumps(rows, ensure_ascii=ascii_only, indent=1).replace("\n", end)
    assert read(tmp_path_factory.mktemp("x"), "rows.json", compress(whole.encode())) == rows


FIELDS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=8) | st.sampled_from(
    ["007", "1.50", "1e5", "true", "nan", "", " ", "1", "-2", "0.5", "9" * 500, "1_000", "٣"]
)


@given(st.lists(FIELDS, min_size=1, max_size=5), st.sampled_from(["csv", "tsv"]), st.sampled_from(["\n", "\r\n"]))
@settings(deadline=None, max_examples=80)
def test_a_column_of_text_gives_back_what_was_written(tmp_path_factory, fields, kind, end):
    rows = [{"answer": field, "gold": field, "n": 1} for field in fields]
    data = as_table(rows, delimiter="\t" if kind == "tsv" else ",", lineterminator=end, quoting=csv.QUOTE_ALL)
    folder = tmp_path_factory.mktemp("x")
    found = read(folder, f"rows.{kind}", data, texts={"gold"})
    assert [(row["answer"], row["gold"]) for row in found] == [(field, field) for field in fields]
    renamed = Dataset(str(folder / f"rows.{kind}"), columns={"completion": "gold"}, shuffle=False)
    assert [row["completion"] for row in renamed.train()] == fields


NUMBERS = (
    st.integers(-(10**6), 10**6).map(str)
    | st.floats(allow_nan=False, allow_infinity=False).map(repr)
    | st.sampled_from(["1.50", "1e5", ".5", "+3"])
)
WORDS = st.sampled_from(["007", "-012", "x", "1_000", "1,5", "0x1f", "1 2"])


@given(st.lists(NUMBERS, min_size=1, max_size=5), WORDS, st.integers(0, 4))
@settings(deadline=None, max_examples=60)
def test_a_column_is_of_numbers_if_each_field_spells_one_and_none_would_lose_a_zero(tmp_path_factory, numbers, word, place):
    folder = tmp_path_factory.mktemp("x")
    found = read(folder, "x.csv", as_table([{"n": n, "m": "a"} for n in numbers]))
    assert [row["n"] for row in found] == [float(n) for n in numbers]
    mixed = [*numbers[:place], word, *numbers[place:]]
    assert [row["n"] for row in read(folder, "y.csv", as_table([{"n": n, "m": "a"} for n in mixed]))] == mixed


@given(st.binary(max_size=60) | st.text(string.printable, max_size=60).map(str.encode), st.sampled_from(sorted(KINDS)), st.booleans())
@settings(deadline=None, max_examples=150)
def test_whatever_bytes_are_brought_are_rows_or_one_sentence(tmp_path_factory, data, kind, compressed):
    folder = tmp_path_factory.mktemp("x")
    path = folder / f"rows.{kind}"
    path.write_bytes(gzip.compress(data) if compressed else data)
    try:
        assert all(isinstance(row, dict) for row in _files.read(path))
    except InputError as error:
        assert path.name in str(error)


@given(st.sampled_from(["parquet", "arrow", "feather", "jsonl.gz", "jsonl.zst"]), st.data())
@settings(deadline=None, max_examples=120)
def test_a_damaged_file_is_rows_or_one_sentence(tmp_path_factory, kind, data):
    whole = {"jsonl.gz": lambda r: gzip.compress(as_lines(r)), "jsonl.zst": lambda r: zstandard(as_lines(r)), **KINDS}[kind](ROWS * 5)
    place = data.draw(st.integers(0, len(whole) - 1))
    broken = whole[:place] + data.draw(st.binary(max_size=9)) + whole[place + data.draw(st.integers(0, 9)) :]
    path = tmp_path_factory.mktemp("x") / f"rows.{kind}"
    path.write_bytes(broken)
    try:
        _files.read(path)
    except InputError as error:
        assert path.name in str(error)


# A column of structs has one schema: nulls that nobody wrote


def call(name: str, **arguments) -> dict:
    return {"role": "assistant", "content": "ok", "tool_calls": [{"type": "function", "function": {"name": name, "arguments": arguments}}]}


def tool(name: str, *parameters: str) -> dict:
    return {
        "type": "function",
        "function": {"name": name, "parameters": {"type": "object", "properties": {p: {"type": "string"} for p in parameters}}},
    }


CALLS = [
    {
        "prompt": [{"role": "user", "content": "go"}],
        "completion": [call("move", x=1, y=2)],
        "tools": [tool("move", "x", "y")],
        "note": {"a": 1},
    },
    {
        "prompt": [{"role": "user", "content": "say"}],
        "completion": [call("talk", text="hi")],
        "tools": [tool("talk", "text")],
        "note": {"b": 2},
    },
]


@pytest.mark.parametrize("kind", ["parquet", "arrow", "feather", "saved", "hub", "given", "table"])
def test_tools_and_calls_have_no_arguments_of_others(tmp_path, kind, monkeypatch):
    path = str(tmp_path / f"rows.{kind}")
    if kind in KINDS:
        Path(path).write_bytes(KINDS[kind](CALLS))
    else:
        datasets = pytest.importorskip("datasets")
        held = datasets.Dataset.from_list(CALLS)
        if kind == "saved":
            held.save_to_disk(path)
        elif kind == "hub":
            path = "someone/calls"
            monkeypatch.setattr(datasets, "load_dataset", lambda *a, **k: held)
        else:
            path = held if kind == "given" else pa.Table.from_pylist(CALLS)
    found = Dataset(path, shuffle=False).train()
    strip = lambda row: {k: v for k, v in row.items() if k != "note"}  # noqa: E731
    assert list(map(strip, found)) == list(map(strip, CALLS))
    assert found[0]["note"] == {"a": 1, "b": None}  # a column that the model does not read is as it stands in the file


# Places


def test_what_a_table_cannot_hold_is_not_written_into_one(tmp_path):
    for held in ([1], {"b": 1}):
        with pytest.raises(InputError, match=r"row 1 .* holds a list or an object in column 'a', which x\.csv cannot"):
            write(tmp_path / "x.csv", [{"a": "1"}, {"a": held}])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["x.jsonl", "x.csv.gz"])
def test_a_file_is_there_whole_or_as_it_was(tmp_path, monkeypatch, name):
    """Whatever happens while it is written: nobody reads half of it, and nothing is left beside it."""
    path = tmp_path / name
    write(path, [{"a": 1}])
    before = path.read_bytes()

    def full(old, new):
        assert Path(new) == path and path.read_bytes() == before and Path(old).parent == path.parent
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(InputError, match=r"cannot be written .No space left"):
        write(path, [{"a": 2}] * 100)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_several_files_and_patterns_are_one_after_the_other_and_errors_name_the_file(tmp_path):
    for name, rows in (("a.jsonl", ROWS[:1]), ("b.csv", None), ("c.txt", None)):
        (tmp_path / name).write_bytes(as_lines(rows) if rows else b"prompt,answer,weight\nb,1.50,2.0\n")
    a, b = str(tmp_path / "a.jsonl"), str(tmp_path / "b.csv")
    assert Dataset((a, b), shuffle=False).train() == ROWS == Dataset(str(tmp_path / "*"), shuffle=False).train()
    assert Dataset([str(tmp_path / "[ab].*"), a], shuffle=False).train() == [*ROWS, ROWS[0]]
    assert Dataset((a, b)).test() == []
    with pytest.raises(InputError, match=r"x\*\.jsonl matches no file"):
        Dataset(str(tmp_path / "x*.jsonl")).train()
    with pytest.raises(InputError, match=r"matches only c\.txt"):
        Dataset(str(tmp_path / "*.txt")).train()
    (tmp_path / "d.jsonl").write_bytes(as_lines([{"prompt": "c", "answer": "d"}, {"prompt": "", "answer": "d"}]))
    for seed in range(3):  # wherever shuffling puts it, it is the second row of its file
        with pytest.raises(InputError, match=r"row 1 of \S*d\.jsonl .* nothing in column 'prompt'"):
            Dataset((a, str(tmp_path / "d.jsonl")), required=("prompt",), seed=seed).train()


def test_of_a_folder_the_files_of_a_split_are_read_and_nothing_beside_them(tmp_path):
    for name in (
        "train-00000.jsonl",
        "train-00001.jsonl",
        "trainer_state.json",
        ".ipynb_checkpoints/train-00000.jsonl",
        "more/train.txt",
        "test.jsonl",
    ):
        (tmp_path / "a" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "a" / name).write_bytes(as_lines(ROWS[:1]))
    assert Dataset(str(tmp_path / "a"), shuffle=False).train() == ROWS[:1] * 2
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "training.jsonl").write_bytes(as_lines(ROWS))
    assert Dataset(str(tmp_path / "b"), shuffle=False).train() == ROWS
    (tmp_path / "a" / "up").symlink_to("..")
    (tmp_path / "a" / "again.jsonl").symlink_to("train-00000.jsonl")
    assert Dataset(str(tmp_path / "a" / "**/*0.jsonl"), shuffle=False).train() == ROWS[:1]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("", "path of the rows is empty"),
        (" ", "path of the rows is empty"),
        ("https://example.org/rows.jsonl", "is an address.*download it"),
        ("x" * 300 + ".jsonl", r"^'x{40}' \.\.\. can be no name of a file"),
        ("nowhere.jsonl", "is a link to what is not there"),
        ("round.jsonl", "is a link to what is not there"),
        ("pipe.jsonl", "is a pipe or a device"),
        ("rows.zip", "unpack it first"),
        ("rows.tar.gz", "unpack it first"),
    ],
)
def test_what_is_no_file_is_called_what_it_is(tmp_path, monkeypatch, path, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.jsonl").write_bytes(as_lines(ROWS))
    (tmp_path / "nowhere.jsonl").symlink_to("gone.jsonl")
    (tmp_path / "round.jsonl").symlink_to("round.jsonl")
    os.mkfifo(tmp_path / "pipe.jsonl")
    for name in ("rows.zip", "rows.tar.gz"):
        (tmp_path / name).write_bytes(b"x")
    with pytest.raises(InputError, match=words):
        Dataset(path).train()


def test_a_column_of_maps_holds_names_with_values(tmp_path):
    from pyarrow import parquet

    held = pa.array([[("style", "short")], None], pa.map_(pa.string(), pa.string()))
    table = pa.table({"prompt": ["a", "b"], "chat_template_kwargs": held})
    parquet.write_table(table, tmp_path / "x.parquet")
    for place in (str(tmp_path / "x.parquet"), table):
        assert [row["chat_template_kwargs"] for row in Dataset(place, shuffle=False).train()] == [{"style": "short"}, None]
    twice = pa.table({"m": pa.array([[("k", "v"), ("k", "w")]], pa.map_(pa.string(), pa.string()))})
    assert all(word in refused(tmp_path, "y.parquet", written(twice)) for word in ("row 0", "column 'm'"))


def test_what_datasets_saved_is_read_with_its_splits(tmp_path):
    datasets = pytest.importorskip("datasets")
    train, test = datasets.Dataset.from_list(ROWS), datasets.Dataset.from_list(ROWS[:1])
    train.save_to_disk(tmp_path / "one")
    datasets.DatasetDict(train=train, test=test).save_to_disk(tmp_path / "both")
    one, both = (Dataset(str(tmp_path / name), shuffle=False) for name in ("one", "both"))
    assert one.train() == both.train() == ROWS and one.test() == [] and both.test() == ROWS[:1]
    assert Dataset(str(tmp_path / "one" / "data-00000-of-00001.arrow"), shuffle=False).train() == ROWS
    (tmp_path / "both" / "train" / "state.json").write_text("{")
    with pytest.raises(InputError, match="cannot be loaded again"):
        both.train()
    with pytest.raises(InputError, match="no split 'dev'; there are train, test"):
        Dataset(datasets.DatasetDict(train=train, test=test), split="dev").train()


def objects():
    datasets, pandas = pytest.importorskip("datasets"), pytest.importorskip("pandas")
    yield "a list", ROWS
    yield "a tuple", tuple(ROWS)
    yield "datasets", datasets.Dataset.from_list(ROWS)
    yield "streamed", datasets.Dataset.from_list(ROWS).to_iterable_dataset()
    yield "pandas", pandas.DataFrame(ROWS)
    yield "Arrow", pa.Table.from_pylist(ROWS)


def test_objects_of_python_are_rows_and_tasks():
    import pickle

    from guerdon.training.jobs import FitJob, ImproveJob

    for what, held in objects():
        task = Dataset(held, shuffle=False)
        assert task.train() == ROWS and task.test() == [], what
        split = Dataset({"train": held, "test": held}, shuffle=False)
        assert split.train() == ROWS == split.test(), what
        assert len(Dataset(held, held_out=1).test()) == 1
        assert pickle.loads(pickle.dumps(Dataset(list(ROWS)))) == Dataset(ROWS) != Dataset(ROWS[:1])
        assert FitJob(None, held, streams={"more": held}).data == ImproveJob(None, held).task == Dataset(held)
        assert len(repr(FitJob(None, held))) < 900  # a description holds a digest, not the rows
    assert FitJob(None, "stage").data == "stage"


def test_what_is_missing_in_a_data_frame_is_none():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"prompt": ["a", "b"], "answer": ["x", None], "n": pandas.array([1, None], dtype="Int64")})
    assert Dataset(frame, shuffle=False).train() == [{"prompt": "a", "answer": "x", "n": 1}, {"prompt": "b", "answer": None, "n": None}]
    with pytest.raises(InputError, match=r"row 1 of the rows given .* nothing in column 'answer'"):
        Dataset(frame, required=("answer",)).train()


@pytest.mark.parametrize("wrong", [5, [1, 2], [], {"a": 1}, b"x"])
def test_objects_that_hold_no_rows_are_refused(wrong):
    with pytest.raises(InputError, match="rows are expected"):
        Dataset(wrong)


def test_row_limits_and_streams(monkeypatch):
    datasets = pytest.importorskip("datasets")
    asked = []

    def load(path, name, split, streaming=False):
        asked.append(streaming)

        def rows():
            for i in range(10**9):
                yield {"prompt": str(i)}

        return rows()

    monkeypatch.setattr(datasets, "load_dataset", load)
    monkeypatch.setattr(datasets, "get_dataset_split_names", lambda path, name: ["train"])
    task = Dataset("someone/endless", streaming=True, max_rows=5)
    assert sorted(row["prompt"] for row in task.train()) == list("01234") and task.test() == [] and asked == [True]
    with pytest.raises(InputError, match="max_rows"):
        Dataset("someone/endless", streaming=True)
    with pytest.raises(InputError, match="max_rows=0 must be at least 1"):
        Dataset(ROWS, max_rows=0)


# Rows with anything in them


def nearly(value):
    """A value, or what stands there when people make mistakes."""
    wrong = st.none() | st.integers(-2, 10**400) | st.floats() | TEXT | st.booleans() | st.lists(TEXT, max_size=2)
    return value | wrong | st.dictionaries(st.sampled_from(["role", "content", "from", "value", "a"]), TEXT, max_size=3)


CALL = st.dictionaries(st.sampled_from(["function", "name", "arguments"]), nearly(st.dictionaries(TEXT, TEXT, max_size=2)), max_size=2)
MESSAGE = st.fixed_dictionaries(
    {"role": nearly(st.sampled_from(["user", "assistant", "system", "tool"])), "content": nearly(TEXT)},
    optional={"tool_calls": nearly(st.lists(CALL, max_size=2)), "weight": nearly(st.integers(0, 1)), "name": nearly(TEXT)},
)
TURN = st.fixed_dictionaries({"from": nearly(st.sampled_from(["human", "gpt"])), "value": nearly(TEXT)})
SAID = nearly(TEXT | st.lists(nearly(MESSAGE), max_size=4))
COLUMNS = {
    **dict.fromkeys(("prompt", "completion", "chosen", "rejected"), SAID),
    "label": nearly(st.booleans()),
    "messages": nearly(st.lists(nearly(MESSAGE), max_size=4)),
    "conversations": nearly(st.lists(nearly(TURN), max_size=3)),
    "text": nearly(TEXT),
    "completions": nearly(st.lists(SAID, max_size=3)),
    "labels": nearly(st.lists(nearly(st.booleans()), max_size=3)),
    "scores": nearly(st.lists(nearly(st.floats()), max_size=3)),
    "ranks": nearly(st.lists(nearly(st.integers()), max_size=3)),
    "tools": nearly(st.lists(nearly(st.dictionaries(TEXT, TEXT, max_size=2)), max_size=2)),
    "chat_template_kwargs": nearly(st.dictionaries(TEXT, TEXT, max_size=2)),
    "weight": nearly(st.floats()),
}


@pytest.mark.parametrize(
    "names",
    [
        "prompt completion",
        "prompt chosen rejected",
        "chosen rejected",
        "prompt completion label",
        "messages",
        "text",
        "conversations",
        "prompt",
        "prompt completions labels",
        "prompt completions scores",
        "prompt completions ranks",
    ],
)
@given(data=st.data())
@settings(deadline=None, max_examples=40)
def test_whatever_a_row_holds_is_an_example_or_one_sentence_with_the_row(names, data):
    from guerdon.data.examples import examples
    from guerdon.data.formats._toy import toy

    further = {name: COLUMNS[name] for name in ("tools", "chat_template_kwargs", "weight")}
    row = data.draw(st.fixed_dictionaries({name: COLUMNS[name] for name in names.split()}, optional=further))
    try:
        examples([row], toy())
    except InputError as error:
        assert "row 0" in str(error) or "of no row is anything left" in str(error)


# From the command line

RUN = """
model: {part: small_language_model, characters: "abcdn>", layers: 1, hidden: 16, heads: 2, context_length: 16}
task: rows.jsonl
recipe: sft
budget: {steps: 1, batch_size: 2}
run: run
"""


@pytest.mark.parametrize("literal", ["9" * 400, "NaN", "Infinity", "1e999", "-1" + "0" * 310])
def test_a_column_that_is_no_finite_number_is_refused_with_its_row(tmp_path, monkeypatch, capsys, literal):
    monkeypatch.chdir(tmp_path)
    Path("run.yaml").write_text(RUN)
    first, second = '{"prompt": "a", "completion": "b", "n": 1}', '{"prompt": "a", "completion": "c", "n": 0}'
    Path("rows.jsonl").write_text(first + "\n" + second.replace(": 0", f": {literal}"))
    assert main(["fit", "run.yaml"]) == 2
    said = capsys.readouterr().err
    assert "row 1 of rows.jsonl" in said and "column 'n'" in said and "finite" in said
    assert not any(Path().glob("run/*.yaml"))


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("recipe.terms.0.loss=.inf", "recipe.terms.0.loss: a part"),
        ("recipe.terms.0.loss=2001-01-01", "recipe.terms.0.loss: a part"),
        ("recipe.terms.0.loss=null", "recipe.terms.0.loss: "),
        ("recipe.updates=[[[]]]", "recipe.updates.0: a part"),
        ("task.reward=[null]", "task.reward: a part"),
        ("recipe.optimiser.weight_decay=-1", "weight_decay: it is -1"),
        ("recipe.terms.0.data=replay", "recipe.terms.0.data: a run from a file has no further data 'replay'"),
        ("task.max_rows=-1", "max_rows=-1 must be at least 1"),
        ("task.streaming=true", "max_rows"),
        ("task.path=[]", "rows are expected"),
        ("task.path=[rows.jsonl, 3]", "task.path.1"),
        ("task.convert=pears", "did you mean pairs"),
    ],
)
def test_settings_of_the_wrong_kind_are_refused_by_their_place(tmp_path, monkeypatch, capsys, override, words):
    monkeypatch.chdir(tmp_path)
    Path("run.yaml").write_text(RUN)
    Path("rows.jsonl").write_text('{"prompt": "a", "completion": "b"}\n')
    assert main(["fit", "run.yaml", override]) == 2
    assert words in " ".join(capsys.readouterr().err.split())
