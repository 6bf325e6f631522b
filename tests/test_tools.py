"""Tools: what they find, what they refuse, what they cannot reach, and what a policy is told of its calls."""

import contextlib
import json
import os
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guerdon.errors import InputError
from guerdon.feedback.writers.endpoint import Endpoint
from guerdon.tasks.calls import Call
from guerdon.tasks.searching import Index
from guerdon.tasks.toolbox import Toolbox, cut
from guerdon.tasks.tools import Mistaken
from guerdon.tasks.tools.bm25 import BM25
from guerdon.tasks.tools.calculator import Calculator
from guerdon.tasks.tools.function import Function
from guerdon.tasks.tools.python import Python
from guerdon.tasks.tools.sqlite import SQLite


def built(specification, row=None):
    (tool,) = specification.build()
    tool.reset(row or {}, 0)
    return tool


# Calculator


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("2 * (3 + 4) ** 2", "98"),
        ("0.1 + 0.2", "0.3"),
        ("6 / 2", "3"),
        ("7 // 2 - -1", "4"),
        ("2 ** 200", str(2**200)),
        ("2 ** -1", "0.5"),
        ("max(1, 2.5) + sqrt(16) - abs(-1)", "5.5"),
        ("round(pi, 3)", "3.142"),
        (" 1e3 ", "1000"),
    ],
)
def test_the_calculator_computes(expression, value):
    assert built(Calculator())(expression=expression) == value


@pytest.mark.parametrize(
    ("expression", "sentence"),
    [
        ("1 / 0", "divides by zero"),
        ("9 ** 9 ** 9", "more than 1000 digits"),
        ("2 ** 100000", "more than 1000 digits"),
        ("10.0 ** 1000", "too large"),
        ("(-8) ** 0.5", "no real number"),
        ("sqrt(-1)", "no value"),
        ("1,000 + 1", "without commas"),
        ("2 ^ 3", "write \\*\\*"),
        ("__import__('os').system('true')", "not arithmetic"),
        ("(lambda: 1)()", "not arithmetic"),
        ("'a' * 10", "not arithmetic"),
        ("two plus two", "no arithmetic expression"),
        ("", "no arithmetic expression"),
        ("1+" * 2000 + "1", "longer than"),
        ("True + 1", "not arithmetic"),
        ("1e999", "too large"),
        ("factorial(5)", "not arithmetic"),
        ("(" * 900 + "1" + ")" * 900, "expression|too large"),
    ],
)
def test_the_calculator_refuses_in_a_sentence(expression, sentence):
    started = time.monotonic()
    with pytest.raises(Mistaken, match=sentence):
        built(Calculator())(expression=expression)
    assert time.monotonic() - started < 1


@settings(deadline=2000, max_examples=300)
@given(st.text(alphabet="0123456789.+-*/%()e, ", max_size=40))
def test_the_calculator_answers_or_refuses_whatever_it_is_asked(expression):
    with contextlib.suppress(Mistaken):
        assert len(Calculator().value(expression)) <= 1100


# Python


def test_a_program_cannot_read_the_judges_key(monkeypatch):
    monkeypatch.setenv("JUDGE_KEY", "sk-secret")
    Endpoint("http://localhost/v1", key_env="JUDGE_KEY")
    with subprocess.Popen(["sleep", "300"], env={"JUDGE_KEY": "sk-secret"}) as other:
        try:
            environ = Path(f"/proc/{other.pid}/environ")
            while not environ.read_text():  # until the program has begun there is nothing in it
                time.sleep(0.01)
            assert "sk-secret" in environ.read_text()
            tool = built(Python(require_isolation=True))
            assert tool(code="import os, subprocess\nos.environ.get('JUDGE_KEY'), 'sk-secret' in str(dict(os.environ))") == "(None, False)"
            with pytest.raises(Mistaken, match=r"(FileNotFound|Permission)Error"):
                tool(code=f"open('/proc/{other.pid}/environ').read()")
            with pytest.raises(Mistaken, match="Error"):
                tool(code="print(subprocess.run(['env'], capture_output=True).stdout)")
        finally:
            other.kill()


def test_python_prints_and_says_its_last_value():
    tool = built(Python())
    assert tool(code="x = 3\nprint('a')\nx ** 2") == "a\n9"
    assert tool(code="x + 1") == "4"
    with pytest.raises(Mistaken, match="line 2: ZeroDivisionError: division by zero"):
        tool(code="y = 5\n1 / 0")
    assert tool(code="y") == "5"
    with pytest.raises(Mistaken, match="line 1: SyntaxError"):
        tool(code="x =")
    tool.reset({}, 0)
    with pytest.raises(Mistaken, match="NameError"):
        tool(code="x")


def test_python_without_state_forgets():
    tool = built(Python(stateful=False))
    assert tool(code="x = 3") == ""
    with pytest.raises(Mistaken, match="NameError"):
        tool(code="x")


def test_python_is_copied_where_a_sequence_branches():
    tool, other = built(Python()), built(Python())
    tool(code="x = 3")
    other.restore(tool.state())
    other(code="x = 4")
    assert (tool(code="x"), other(code="x")) == ("3", "4")


def test_python_is_bounded():
    tool = built(Python(seconds=1.0))
    tool(code="x = 1")
    for code, sentence in (
        ("x = 2\nwhile True: pass", "longer than 1 s"),
        ("x = 3\nimport os; os._exit(7)", "ended its process"),
        ("x = 'a' * 10**10", "MemoryError"),
    ):
        with pytest.raises(Mistaken, match=sentence):
            tool(code=code)
    assert tool(code="x") == "1"
    assert len(tool(code="print('a' * 10**6)")) <= 2**20


def test_python_sees_no_key_and_no_network(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "a-secret-key")
    tool = built(Python())
    assert "secret" not in tool(code="import os\ndict(os.environ)")
    for code in (
        "open('/proc/%d/environ' % os.getppid()).read()",
        "import socket; socket.create_connection(('127.0.0.1', 80), 1)",
        f"open({str(os.path.abspath(__file__))!r}).read()",
        "import guerdon",
        "import subprocess; subprocess.run(['env'])",
    ):
        with pytest.raises(Mistaken):
            tool(code=f"import os\n{code}")


# SQLite

SCRIPT = (
    "CREATE TABLE cities (city TEXT, people INT); INSERT INTO cities VALUES ('Ulm', 129), ('Bonn', 336), ('Jena', 110), ('Kiel', NULL);"
)


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "cities.db"
    with sqlite3.connect(path) as connection:
        connection.executescript(SCRIPT)
    return path


def test_sqlite_answers_queries(database):
    for tool in (built(SQLite(str(database))), built(SQLite(), {"database": SCRIPT})):
        assert tool(query="SELECT * FROM cities ORDER BY city LIMIT 2") == "city | people\nBonn | 336\nJena | 110"
        assert tool(query="SELECT people FROM cities WHERE city = 'Kiel'") == "people\nNULL"
        assert tool(query="SELECT * FROM cities WHERE 0") == "city | people\n(no rows)"
        assert "city" in tool(query="PRAGMA table_info(cities)")
        tool.close()
    assert built(SQLite(str(database), rows=1))(query="SELECT city FROM cities") == "city\nUlm\n(the first 1 rows; there are more)"


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM cities",
        "DROP TABLE cities",
        "INSERT INTO cities VALUES ('Köln', 1)",
        "ATTACH '/etc/passwd' AS other",
        "VACUUM INTO '/tmp/guerdon_vacuum.db'",
        "PRAGMA writable_schema = 1",
        "SELECT load_extension('x')",
        "CREATE VIRTUAL TABLE t USING fts5(a)",
        "SELECT 1; SELECT 2",
        "SELECT nothing",
        "",
    ],
)
def test_sqlite_only_reads(database, query):
    before = database.read_bytes()
    tool = built(SQLite(str(database)))
    with contextlib.suppress(Mistaken):
        assert tool(query=query) == "done" and not query
    assert tool(query="SELECT count(*) FROM cities") == "count(*)\n4"
    assert database.read_bytes() == before and not os.path.exists("/tmp/guerdon_vacuum.db")


def test_sqlite_writes_where_it_may_into_a_copy(database):
    before = database.read_bytes()
    tool = built(SQLite(str(database), write=True))
    assert tool(query="DELETE FROM cities WHERE people IS NULL") == "done"
    assert tool(query="SELECT count(*) FROM cities") == "count(*)\n3"
    for query in (
        "ATTACH 'x.db' AS other",
        "VACUUM INTO '/tmp/guerdon_vacuum.db'",
        "PRAGMA writable_schema = 1",
        "SELECT load_extension('x')",
    ):
        with pytest.raises(Mistaken):
            tool(query=query)
    tool.reset({}, 0)
    assert tool(query="SELECT count(*) FROM cities") == "count(*)\n4"
    assert database.read_bytes() == before and not os.path.exists("/tmp/guerdon_vacuum.db")


def test_sqlite_is_bounded(database):
    tool = built(SQLite(str(database), seconds=0.3))
    started = time.monotonic()
    with pytest.raises(Mistaken, match=r"longer than 0.3 s"):
        tool(query="WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n")
    assert time.monotonic() - started < 3
    with pytest.raises(Mistaken):
        tool(query="SELECT zeroblob(1000000000)")


def test_sqlite_without_a_database_says_what_to_do(tmp_path):
    with pytest.raises(InputError, match="no database at"):
        SQLite(str(tmp_path / "none.db")).build()
    with pytest.raises(InputError, match="column 'database'"):
        built(SQLite(), {"prompt": "?"})
    (tmp_path / "text.db").write_text("no database at all, but text" * 50)
    with pytest.raises(InputError, match="cannot be opened"):
        built(SQLite(str(tmp_path / "text.db")))


# BM25


def test_the_scores_of_bm25_by_hand():
    # two texts of 2 and 4 words, mean 3; "tide" is in both, "ebb" in the second: idf(tide) = log(1 + 0.5/2.5), idf(ebb) = log(1 + 1.5/1.5)
    index = Index(["tide table", "tide ebb ebb flow"])
    found = dict(index.best("Ebb, tide!", 5))
    low, high = 1.2 * (1 - 0.75 + 0.75 * 2 / 3), 1.2 * (1 - 0.75 + 0.75 * 4 / 3)
    assert found == pytest.approx({0: 0.1823215568 / (1 + low), 1: 0.1823215568 / (1 + high) + 0.6931471806 * 2 / (2 + high)})
    assert [place for place, _ in index.best("ebb tide", 1)] == [1]
    assert index.best("nothing", 3) == [] and Index([]).best("a", 1) == []
    assert [place for place, _ in Index(["b", "a", "a"]).best("a", 3)] == [1, 2]


def test_bm25_searches_a_folder_and_rows(tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "sea.md").write_text("The tide rises twice a day.\n\n" + "salt " * 120 + "\n\nEbb follows flood.")
    (tmp_path / "docs" / "land.txt").write_text("Hills rise once.")
    search = built(BM25(str(tmp_path / "docs"), most=1))
    assert search(query="tide").startswith("sea.md\nThe tide rises")
    assert search(query="EBB") == "sea.md\nEbb follows flood."
    assert "nothing was found" in search(query="xyz")
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"title": "Sea", "text": "The tide."}\n{"text": "A hill."}\n')
    assert built(BM25(str(rows)))(query="sea") == "Sea\nThe tide."
    assert built(BM25(str(rows), longest=3))(query="hill") == "A h"
    time.sleep(0.01)
    rows.write_text('{"title": "Sky", "text": "A cloud."}\n')
    assert built(BM25(str(rows)))(query="sky") == "Sky\nA cloud."


def test_an_index_is_built_once(tmp_path):
    from guerdon.tasks.tools import bm25

    (tmp_path / "a.txt").write_text("tide")
    first, second = BM25(str(tmp_path)), BM25(str(tmp_path))
    first.build()
    before = bm25._indexed.cache_info().misses
    second.build()
    assert bm25._indexed.cache_info().misses == before


def test_nothing_to_search_is_refused(tmp_path):
    with pytest.raises(InputError, match="nothing to search at"):
        BM25(str(tmp_path / "none")).build()
    with pytest.raises(InputError, match=r"holds no \.txt or \.md"):
        BM25(str(tmp_path)).build()
    (tmp_path / "rows.jsonl").write_text('{"title": "a"}\n')
    with pytest.raises(InputError, match=r"line 1 of .* no JSON object with a 'text'"):
        BM25(str(tmp_path / "rows.jsonl")).build()


# Functions and what is told


def double(number: int) -> int:
    """Doubles.

    Args:
        number: What.
    """
    return 2 * number


def fails(number: int) -> int:
    """Fails.

    Args:
        number: How.
    """
    if number == 0:
        raise Mistaken("zero is none; take another")
    raise KeyError(number)


def sleeps(seconds: float) -> str:
    """Sleeps.

    Args:
        seconds: How long.
    """
    time.sleep(seconds)
    return "awake"


async def waits(seconds: float) -> dict:
    """Waits.

    Args:
        seconds: How long.
    """
    return {"waited": seconds}


def test_a_function_of_ones_own(tmp_path):
    file = tmp_path / "own.py"
    file.write_text(
        'def twice(text: str) -> str:\n    """Says it twice.\n\n    Args:\n        text: What.\n    """\n    return text + text\n'
    )
    box = Toolbox([double, f"{file}:twice", waits, Function(sleeps, seconds=0.2)])
    assert [schema["function"]["name"] for schema in box.schemas] == ["double", "twice", "waits", "sleeps"]
    assert box.answer(Call("double", {"number": 4})).text == "8"
    assert box.answer(Call("twice", {"text": "a"})).text == "aa"
    assert box.answer(Call("waits", {"seconds": 1})).text == '{"waited": 1}'
    assert box.answer(Call("sleeps", {"seconds": 0.0})).text == "awake"
    assert box.answer(Call("sleeps", {"seconds": 5.0})).text == "error: it took longer than 0.2 s"
    (tmp_path / "bad.py").write_text("def twice(text):\n    return text\n")
    with pytest.raises(InputError, match="the parameter text of the tool twice has no type"):
        Toolbox([f"{tmp_path / 'bad.py'}:twice"])


def test_what_goes_wrong_is_told():
    box = Toolbox([double, fails, Calculator()])
    for call, text in (
        (Call("", error="the call is no JSON"), "error: the call is no JSON"),
        (Call("doubles", {"number": 1}), "error: there is no tool 'doubles': did you mean double?"),
        (Call("xyz"), "error: there is no tool 'xyz': there are double, fails, calculator"),
        (Call("double", {}), "error: 'number' is missing"),
        (Call("double", {"number": "four"}), "error: number: 'four' is not of type 'integer'"),
        (Call("fails", {"number": 0}), "error: zero is none; take another"),
        (Call("fails", {"number": 1}), "error: KeyError: 1"),
        (Call("calculator", {"expression": "1/0"}), "error: it divides by zero"),
    ):
        answer = box.answer(call)
        assert answer.failed and answer.text == text
    told = box.told([Call("double", {"number": "4"}), Call("double", {})])
    assert told.text[0] == {"role": "tool", "name": "double", "content": '8\n(number: "4" was taken as 4)'}
    assert (told.reward, told.done, told.figures) == (None, False, {"failed_calls": 1, "converted_arguments": 1})


def test_results_are_texts_of_bounded_length():
    box = Toolbox([double], longest=100)
    assert len(cut("a" * 100_000, 100)) < 160 and "99900 characters left out" in cut("a" * 100_000, 100)
    assert box.answer(Call("double", {"number": 10**300})).text.count("left out") == 1
    assert json.loads(box.answer(Call("double", {"number": 3})).text) == 6


def test_tools_that_are_none_are_refused():
    with pytest.raises(InputError, match="two tools have the name 'double'"):
        Toolbox([double, double])
    with pytest.raises(InputError, match="a tool is a part"):
        Toolbox([3])
    with pytest.raises(InputError, match="cannot be copied"):
        Toolbox([SQLite()]).state()
    assert Toolbox([double, Python()]).state() == {"python": []}
