"""What the viewer knows of runs: taken in once, however the files grow and whoever else looks; asked through indices; and shown without a word lost."""

import http.client
import json
import os
import sqlite3
import stat
import threading
from pathlib import Path

import pytest

from guerdon.errors import InputError
from guerdon.interfaces.cli import main
from guerdon.interfaces.viewing import index as indexing
from guerdon.interfaces.viewing.app import OPEN, app
from guerdon.interfaces.viewing.curves import curve
from guerdon.interfaces.viewing.index import Index
from guerdon.interfaces.viewing.questions import Answers, Question, range_of
from guerdon.interfaces.viewing.runs import Place, different, runs
from guerdon.interfaces.viewing.showing import Shown
from guerdon.interfaces.viewing.tree import branches, leaf
from guerdon.interfaces.viewing.updating import updating
from guerdon.interfaces.web import address
from guerdon.interfaces.web.guarding import Guarded
from viewed_runs import HOSTILE, completion, conversations, sampled, write


def taken(folder):
    index = Index(folder)
    while index.update():
        pass
    return index


def shown(folder):
    return Shown(Place(folder.name, folder), taken(folder))


def found(one, **asked):
    return [(row["step"], row["place"]) for row in one.rollouts(asked, 0, 1000)["rows"]]


def append(folder, rows, name="completions.jsonl", end="\n"):
    with (folder / name).open("a") as file:
        file.write("\n".join(json.dumps(row) for row in rows) + end)


def numbers(index, sql="select step, place from rollouts order by id"):
    return index.db.execute(sql).fetchall()


# taking in


def test_lines_are_taken_in_as_they_come_and_a_torn_one_is_waited_for(tmp_path):
    folder = write(tmp_path / "run", [completion(1, place) for place in range(3)])
    index = taken(folder)
    assert numbers(index) == [(1, 0), (1, 1), (1, 2)] and not index.update()
    line = json.dumps(completion(2, 0))
    with (folder / "completions.jsonl").open("a") as file:
        file.write(line[:40])
    assert not index.update() and len(numbers(index)) == 3 and index.damaged == 0
    with (folder / "completions.jsonl").open("a") as file:
        file.write(line[40:] + "\n")
    assert index.update() and numbers(index)[-1] == (2, 0) and not index.update()


def test_what_stands_in_the_files_in_the_end_is_in_the_index_however_they_grew(tmp_path):
    rows = [completion(step, place, prompt=f"p{place % 2}") for step in range(1, 6) for place in range(4)]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    folder = write(tmp_path / "run", metrics=[{"step": 0, "reward": 0.5}])
    index = Index(folder)
    for start in range(0, len(text), 701):
        with (folder / "completions.jsonl").open("a") as file:
            file.write(text[start : start + 701])
        while index.update():
            pass
    whole = taken(write(tmp_path / "whole", rows))
    columns = "select start, step, place, reward, length, r.excerpt, components, p.digest from rollouts r join prompts p on p.id = r.prompt order by r.start"
    assert numbers(index, columns) == numbers(whole, columns) and len(numbers(index)) == 20


def test_a_run_that_was_resumed_keeps_what_is_still_there_and_forgets_the_rest(tmp_path, monkeypatch):
    monkeypatch.setattr("guerdon.interfaces.viewing.following.CHUNK", 2000)
    folder = sampled(tmp_path / "run", steps=6)
    index = taken(folder)
    kept = dict(numbers(index, "select start, id from rollouts where step <= 3"))
    for name in ("metrics.jsonl", "completions.jsonl", "tokens.jsonl"):  # as Run.resume does
        lines = [line for line in (folder / name).read_text().splitlines(keepends=True) if json.loads(line)["step"] <= 3]
        (folder / "draft").write_text("".join(lines))
        (folder / "draft").replace(folder / name)
    append(folder, [completion(4, 0, answer="another way")])
    while index.update():
        pass
    now = dict(numbers(index, "select start, id from rollouts where step <= 3"))
    assert now.keys() == kept.keys() and sum(now[start] == kept[start] for start in kept) > len(kept) // 2  # not all were read again
    assert [row for row in numbers(index) if row[0] > 3] == [(4, 0)]
    assert numbers(index, "select distinct step from tokens order by step") == [(1,), (2,), (3,)]
    assert max(curve(index, "reward")["steps"]) == 3
    assert numbers(index, "select count(*) from components where rollout not in (select id from rollouts)") == [(0,)]
    one = Shown(Place("run", folder), index)
    assert found(one, text="another way") == [(4, 0)]


def test_a_file_that_became_another_one_is_read_anew(tmp_path):
    folder = write(tmp_path / "run", [completion(1, place, answer=f"first {place}") for place in range(3)])
    index = taken(folder)
    (folder / "completions.jsonl").write_text(
        "".join(json.dumps(completion(1, place, answer=f"other {place}")) + "\n" for place in range(2))
    )
    while index.update():
        pass
    assert numbers(index, "select excerpt from rollouts order by id") == [("other 0",), ("other 1",)]
    (folder / "completions.jsonl").unlink()
    index.update()
    assert numbers(index) == []


def test_two_who_look_at_once_take_each_line_in_once(tmp_path, monkeypatch):
    monkeypatch.setattr("guerdon.interfaces.viewing.following.CHUNK", 4000)
    folder = sampled(tmp_path / "run", steps=10)
    both = [Index(folder), Index(folder)]

    def go(index):
        while index.update():
            pass

    threads = [threading.Thread(target=go, args=(index,)) for index in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert both[0].path == both[1].path
    assert numbers(both[0], "select count(*), count(distinct start) from rollouts") == [(88, 88)]


def test_a_folder_that_cannot_be_written_has_its_index_among_temporary_files_and_stays_as_it_is(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    folder = sampled(tmp_path / "run", steps=2)
    real = Path.mkdir

    def refused(self, *args, **kwargs):  # whoever runs the tests as root may write everywhere
        if self == folder / ".viewer":
            raise PermissionError(13, "read-only")
        return real(self, *args, **kwargs)

    monkeypatch.setattr(Path, "mkdir", refused)
    before = sorted(path.name for path in folder.iterdir())
    index = taken(folder)
    assert (tmp_path / "tmp") in index.path.parents and len(numbers(index)) == 24
    assert sorted(path.name for path in folder.iterdir()) == before
    assert stat.S_IMODE(index.path.parents[1].stat().st_mode) == 0o700
    monkeypatch.setattr(indexing, "_temporary", lambda folder: tmp_path / "nowhere" / "x")
    monkeypatch.setattr(Path, "mkdir", lambda self, *a, **k: (_ for _ in ()).throw(PermissionError(13, "read-only")))
    with pytest.raises(InputError, match="neither there nor"):
        Index(folder)


def test_an_index_that_is_none_is_made_again(tmp_path):
    folder = sampled(tmp_path / "run", steps=2)
    path = taken(folder).path
    for end in ("-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)
    path.write_bytes(b"this is no database, but it is long enough to be looked at as one" * 50)
    assert len(numbers(taken(folder))) == 24


def test_odd_lines_are_counted_and_odd_values_are_left_out(tmp_path):
    folder = write(tmp_path / "run", [completion(1, 0)])
    with (folder / "completions.jsonl").open("ab") as file:
        for line in (
            b"{",
            b"[]",
            b'"step"',
            b"\xff\xfe",
            b"{}",
            b'{"step": "1"}',
            b'{"step": -1}',
            b'{"step": 1e400}',
            b'{"step": true}',
            b"",
        ):
            file.write(line + b"\n")
        rest = [
            {"step": 1},
            {"step": 1, "prompt": None, "completion": 5, "reward": "high", "components": [1], "tokens": "abc", "place": "x"},
            {
                "step": 1,
                "prompt": [{"role": 3}],
                "completion": [{"role": "assistant", "content": [{"type": "text", "text": "part"}, 4]}],
                "reward": 10**400,
            },
            {"step": 1, "prompt": "\ud800 half", "completion": "a\0b\ud800", "components": {"\ud800": 1.0, "nan": None}, "place": -4},
            {"step": 1, "completion": [1, 2, 3], "reward": True, "components": {"x": "y"}, "split": "test"},
        ]
        file.write("".join(json.dumps(row) + "\n" for row in rest).encode())
    one = shown(folder)
    assert one.index.damaged == 9 and found(one) == [(1, place) for place in range(5)]
    for row in one.rollouts({}, 0, 10)["rows"]:
        json.dumps(one.rollout(row["step"], row["test"], row["place"], {}))
        json.dumps(one.tree(row["step"], row["test"], row["place"]))
    assert one.rollout(1, True, 0, {"split": "test"})["turns"][0]["text"] == "1 2 3"


# asking


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """100,000 rollouts, in the index without their texts: what is tested here is how they are found."""
    index = taken(write(tmp_path_factory.mktemp("many") / "run", [completion(1, 0)]))
    db = index.db
    db.execute("begin")
    db.execute("delete from rollouts")
    db.executemany("insert or ignore into prompts values (?, ?, 'asked')", ((i, i.to_bytes(12, "big")) for i in range(2000, 3500)))
    rows = (
        (i, i * 900, 1 + i // 250, i % 250, 2000 + i // 8 % 1500, i % 997 / 997, i % 400, 1 + i % 3, i % 50 == 0) for i in range(100_000)
    )
    db.executemany("insert into rollouts values (?, ?, ?, 0, ?, ?, ?, 1, 0, 0, ?, ?, ?, 'said', '{}')", rows)
    name = index.name("right")
    db.execute("delete from components")
    db.executemany("insert into components values (?, 0, ?, ?)", ((name, i % 10 / 10, i) for i in range(100_000)))
    db.executemany("insert into said (rowid, text) values (?, ?)", ((i, "needle in a stack") for i in range(0, 100_000, 10_000)))
    db.execute("commit")
    db.execute("analyze")
    return index


QUESTIONS = {
    "in order": ({}, 100_000),
    "by reward": ({"sort": "-reward"}, 100_000),
    "by length": ({"sort": "length"}, 100_000),
    "by turns": ({"sort": "turns"}, 100_000),
    "by a component": ({"sort": "-right"}, 100_000),
    "by a component in some steps": ({"sort": "right", "step": "3-"}, 99_500),
    "in a component": ({"component": "right", "within": "0.9-"}, 10_000),
    "a step": ({"step": "7"}, 250),
    "steps": ({"step": "7-9"}, 750),
    "a prompt": ({"prompt": (2003).to_bytes(12, "big").hex()}, 72),
    "rewards": ({"reward": "0.99-"}, 900),
    "forked": ({"state": "forked"}, 2000),
    "text": ({"text": "needle"}, 10),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_hundred_thousand_rollouts_are_found_through_indices_and_nothing_is_sorted(many, name):
    asked, count = QUESTIONS[name]
    sql, values = Question.of(asked).sql(many)
    plan = [row[3] for row in many.db.execute(f"explain query plan {sql}", values)]
    assert not [line for line in plan if line.startswith("SCAN r") and "INDEX" not in line], plan
    if name not in ("text", "forked", "in a component"):  # of which there are few
        assert not [line for line in plan if "TEMP B-TREE" in line], plan
    assert abs(len(Answers(many)(Question.of(asked))) - count) <= count // 50


def test_a_part_of_an_answer_is_fetched_by_number_and_the_answer_is_found_once(many, monkeypatch):
    one = Shown(Place("many", many.folder), many)
    first = one.rollouts({"sort": "-reward"}, 0, 3)
    assert first["total"] == 100_000 and len(first["rows"]) == 3 and first["rows"][0]["reward"] >= first["rows"][2]["reward"]
    steps = []
    many.db.set_progress_handler(lambda: steps.append(1), 1000)  # every thousand instructions of SQLite
    middle = one.rollouts({"sort": "-reward"}, 50_000, 100)
    many.db.set_progress_handler(None, 0)
    assert len(middle["rows"]) == 100 and len(steps) < 30, f"{len(steps)} thousand instructions for a hundred rows"


def test_questions_find_what_they_ask_for(tmp_path):
    rows = [
        completion(1, 0, prompt="one", answer="alpha beta", reward=0.1, components={"right": 0.0, "short": 0.9}),
        completion(1, 1, prompt="one", answer="ALPHA \u4f60\u597d\u4e16\u754c", reward=0.9, components={"right": 1.0}),
        completion(2, 0, prompt="two", answer="gamma", valid=False, error="broke", components={}),
        completion(2, 1, prompt="two", answer="delta <answer>42</answer>", reward=-0.5, terminated=False, forked=3),
        completion(2, 0, prompt="one", answer="held out", reward=0.7, split="test"),
        completion(
            3,
            0,
            prompt="three alpha",
            answer=[{"role": "assistant", "content": "x" * 20}, {"role": "tool", "content": "told"}, {"role": "assistant", "content": "y"}],
            reward=0.2,
        ),
    ]
    one = shown(write(tmp_path / "run", rows))
    everything = [(1, 0), (1, 1), (2, 0), (2, 1), (3, 0)]
    assert found(one) == everything and found(one, split="test") == [(2, 0)]
    assert found(one, sort="-step") == everything[::-1]
    assert found(one, step="2") == [(2, 0), (2, 1)] and found(one, step="2-") == everything[2:] and found(one, step="..1") == everything[:2]
    assert (
        found(one, reward="-0.5") == [(2, 1)]
        and found(one, reward="-1-0.15") == [(1, 0), (2, 1)]
        and found(one, reward="0.2..0.9") == [(1, 1), (3, 0)]
    )
    assert found(one, sort="reward", reward="-9-9") == [(2, 1), (1, 0), (3, 0), (1, 1)]
    assert found(one, state="invalid") == found(one, state="failed") == [(2, 0)] and found(one, state="cut") == found(
        one, state="forked"
    ) == [(2, 1)]
    assert (
        found(one, component="right", within="1") == [(1, 1)]
        and found(one, component="short") == [(1, 0)]
        and found(one, component="no") == []
    )
    assert found(one, sort="-right", step="1") == [(1, 1), (1, 0)]
    assert found(one, turns="2-") == [(3, 0)]
    assert found(one, text="alpha") == [(1, 0), (1, 1), (3, 0)] and found(one, text="alpha", where="said") == [(1, 0), (1, 1)]
    assert (
        found(one, text="alpha", where="asked") == [(3, 0)]
        and found(one, text="<answer>") == [(2, 1)]
        and found(one, text="\u597d\u4e16\u754c") == [(1, 1)]
    )
    assert found(one, text='alpha" OR "gamma') == [] and found(one, text="told") == [(3, 0)]
    prompt = one.rollouts({}, 0, 1)["rows"][0]["prompt"]
    assert found(one, prompt=prompt) == [(1, 0), (1, 1)] and found(one, prompt="00") == []
    assert [row["said"] for row in one.rollouts({"text": "answer"}, 0, 1)["rows"]] == ["delta <answer>42</answer>"]


@pytest.mark.parametrize(
    "asked",
    [
        {"text": "ab"},
        {"step": "x"},
        {"reward": "1-2-3"},
        {"state": "nice"},
        {"where": "there"},
        {"prompt": "zz"},
        {"split": "both"},
        {"step": "-"},
    ],
)
def test_what_cannot_be_asked_is_said(asked):
    with pytest.raises(InputError):
        Question.of(asked)


def test_ranges_have_two_ends_of_which_either_may_be_missing():
    assert range_of("3", "x") == (3, 3) and range_of("3-8", "x") == (3, 8) and range_of("-1--0.5", "x") == (-1, -0.5)
    assert range_of("3-", "x") == (3, None) and range_of("..8", "x") == (None, 8) and range_of("1e-3..2", "x") == (1e-3, 2)


# showing


def test_a_search_shows_what_is_said_around_what_it_found(tmp_path):
    one = shown(write(tmp_path / "run", [completion(1, 0, answer="word " * 200 + "the needle " + "word " * 200)]))
    (row,) = one.rollouts({"text": "Needle"}, 0, 1)["rows"]
    assert row["said"].startswith("…") and "the needle" in row["said"] and len(row["said"]) < 300


def test_a_rollout_has_its_turns_its_tokens_its_group_and_its_neighbours(tmp_path):
    one = shown(conversations(tmp_path / "run"))
    own = one.rollout(1, False, 0, {})
    assert [turn["role"] for turn in own["turns"]] == ["assistant", "tool", "assistant"] and own["turn_rewards"] == [0.25, 0.75]
    assert (
        own["turns"][0]["calls"] == [{"name": "calculator", "arguments": '{\n "expression": "17 * 23"\n}'}]
        and own["turns"][1]["tool"] == "calculator"
    )
    assert own["judge"]["format"] == ["Clear.", "Short enough."] and [row["place"] for row in own["siblings"]] == [0, 1]
    assert own["at"] == 0 and own["total"] == 8 and own["before"] is None and own["after"]["place"] == 1
    tokens = own["tokens"]
    assert "".join(tokens["texts"]).startswith("I work it out.") and tokens["acted"].count(False) == 3
    by_name = {quantity["name"]: quantity for quantity in tokens["quantities"]}
    assert by_name["advantage"]["values"][0] == 0.5 and by_name["advantage"]["scale"] == "signed"
    logp, ref = by_name["old_logp"]["values"], by_name["ref_logp"]
    assert ref["label"] == "KL to ref" and len(ref["values"]) == len(logp) == len(tokens["texts"])
    assert all(value is not None and abs(value) < 0.5 for value in ref["values"])
    assert one.rollout(1, False, 3, {})["failure"] == "ValueError: <b>no</b> number" and one.rollout(1, False, 3, {})["tokens"] == {}
    assert one.rollout(1, False, 2, {"step": "5"})["at"] is None and one.rollout(1, False, 2, {})["more"]["note"] == HOSTILE
    with pytest.raises(InputError, match="no rollout 99 at step 1"):
        one.rollout(1, False, 99, {})


def test_tokens_without_a_line_of_their_own_have_their_numbers_and_log_probabilities(tmp_path):
    one = shown(write(tmp_path / "run", [completion(1, 0, answer="ab")]))
    tokens = one.rollout(1, False, 0, {})["tokens"]
    assert tokens["texts"] == ["⟨97⟩", "⟨98⟩"] and [own["name"] for own in tokens["quantities"]] == ["old_logp"]


def test_branches_stand_once_and_a_branch_is_worth_the_mean_of_what_lies_below_by_share():
    def answer(tokens, node, reward, share, place):
        return leaf({"tokens": tokens, "node": node, "reward": reward, "share": share}, {"place": place})

    def text(tokens):
        return " ".join(map(str, tokens))

    chain = answer([1, 2, 3], [[0, 2], [1, 1]], 1.0, 0.5, 0)
    forked = [answer([1, 2, 3], [[0, 2], [2, 1]], 0.0, 0.25, 1), answer([1, 2, 4, 5], [[0, 2], [3, 2]], None, 0.25, 2)]
    tree = branches([chain, *forked], text)
    assert tree["text"] == "1 2" and tree["answers"] == 3 and tree["reward"] == pytest.approx(0.5 / 0.75)
    assert [(child["text"], child["reward"], child["ends"][0]["place"]) for child in tree["children"]] == [
        ("3", 1.0, 0),
        ("3", 0.0, 1),
        ("4 5", None, 2),
    ]
    free = branches([leaf({"tokens": t, "reward": 1.0}, {"place": i}) for i, t in enumerate([[1, 2], [1, 2, 3], [1, 2], [7]])], text)
    assert free["text"] == "" and [child["text"] for child in free["children"]] == ["1 2", "7"]
    assert [end["place"] for end in free["children"][0]["ends"]] == [0, 2] and free["children"][0]["children"][0]["text"] == "3"
    assert branches([], text)["answers"] == 0


def test_curves_have_as_many_points_as_a_screen_and_say_between_which_values_they_lie(tmp_path):
    index = taken(write(tmp_path / "run", metrics=[{"step": i, "up": float(i), "odd": None, "flag": True} for i in range(1000)]))
    drawn = curve(index, "up", 100)
    assert (
        len(drawn["steps"]) == 100
        and drawn["steps"][0] == 9
        and drawn["values"][0] == 4.5
        and (drawn["low"][0], drawn["high"][0]) == (0, 9)
    )
    assert curve(index, "up", 1000)["low"] == curve(index, "up", 1000)["values"] and curve(index, "none")["steps"] == []
    assert numbers(index, "select name from names") == [("up",)]


def test_the_same_prompt_is_known_in_every_step_and_run(tmp_path):
    both = [shown(sampled(tmp_path / name, steps=3, seed=seed)) for seed, name in enumerate(("a", "b"))]
    prompt = both[0].rollouts({}, 0, 1)["rows"][0]["prompt"]
    times = [one.asked(prompt)["times"] for one in both]
    assert [(own["step"], own["test"], own["answers"]) for own in times[1]] == [
        (1, False, 4),
        (2, False, 4),
        (3, False, 4),
        (0, True, 4),
        (3, True, 4),
    ]
    answers = both[1].answers(2, False, prompt)
    assert len(answers) == 4 and [own["reward"] for own in answers] == sorted((own["reward"] for own in answers), reverse=True)
    assert both[0].asked("00")["times"] == []


# runs and settings


def test_runs_are_found_where_they_lie_and_have_names_that_differ(tmp_path):
    for name in ("x/one", "y/one", "x/two/sft", "x/two/rlvr"):
        sampled(tmp_path / name, steps=1)
    (tmp_path / "x/two/configuration.json").write_text("{}")
    (tmp_path / "x/one/checkpoints/step-1").mkdir(parents=True)
    assert [place.name for place in runs([tmp_path / "x/one"])] == ["one"]
    assert [place.name for place in runs([tmp_path / "x"])] == ["x/one", "x/two/rlvr", "x/two/sft"]
    names = [place.name for place in runs([tmp_path / "x/one", tmp_path / "y/one", tmp_path / "x/one"])]
    assert len(names) == 2 and len(set(names)) == 2 and all(name.endswith("one") for name in names)
    (tmp_path / "empty").mkdir()
    for wrong in ("empty", "nowhere"):
        with pytest.raises(InputError):
            runs([tmp_path / wrong])


def test_settings_are_compared_where_they_differ():
    one = {"model": {"part": "a", "size": 1}, "terms": [{"weight": 0.1}], "run": "runs/a"}
    two = {"model": {"part": "a", "size": 2}, "terms": [{"weight": 0.1}], "run": "runs/b", "more": True}
    assert different([one, two]) == [("model.size", ["1", "2"]), ("more", ["", "true"])] and different([one, None])[0][1][1] == ""


# the server


@pytest.fixture
def client(tmp_path):
    """Asks a server that runs for one question: what is answered, with its headers and its text."""
    uvicorn = pytest.importorskip("uvicorn")
    one = shown(conversations(tmp_path / "run"))

    def ask(path, tokens=(), **headers):
        at, known = address("127.0.0.1", 0), dict.fromkeys(tokens, "ann")
        guarded = Guarded(app([one], lambda: [], known), known, frozenset({"127.0.0.1"}), open_paths=OPEN)
        server = uvicorn.Server(uvicorn.Config(guarded, log_level="error", log_config=None))
        at.bound.listen(8)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [at.bound]}, daemon=True)
        thread.start()
        try:
            connection = http.client.HTTPConnection("127.0.0.1", at.port, timeout=30)
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            answer.text = answer.read().decode()
            return answer
        finally:
            server.should_exit = True
            thread.join()

    return ask


def test_the_page_has_no_word_of_the_runs_and_everything_else_needs_the_token(client):
    page = client("/", tokens=["secret-token"])
    assert page.status == 200 and "17 times 23" not in page.text
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe-inline" not in policy.partition("script-src")[2].partition(";")[0]
    for path in (
        "runs",
        "rollouts",
        "rollout?at_step=1&place=0",
        "tree?at_step=1&place=0",
        "prompt?prompt=00",
        "curves",
        "answers?at_step=1&prompt=00",
    ):
        assert client(f"/api/{path}", tokens=["secret-token"]).status == 401
        assert client(f"/api/{path}", tokens=["secret-token"], Cookie="guerdon_token=secret-token").status == 200
    entered = client("/enter?token=secret-token", tokens=["secret-token"])
    assert (
        entered.status == 303
        and "HttpOnly" in entered.headers["Set-Cookie"]
        and client("/enter?token=x", tokens=["secret-token"]).status == 401
    )
    assert client("/api/runs", Host="evil.example").status == 421
    assert json.loads(client("/api/runs").text)["runs"][0]["sampled"] == 8


def test_what_is_asked_wrongly_is_answered_with_a_sentence(client):
    for path in (
        "rollouts?run=other",
        "rollouts?step=x",
        "rollouts?at=-1",
        "rollout?at_step=1&place=77",
        "prompt?prompt=xyz",
        "rollout?place=" + "9" * 30,
        "tree?at_step=a",
    ):
        answer = client(f"/api/{path}")
        assert answer.status == 400 and len(json.loads(answer.text)["error"]["message"]) > 10, path


def test_what_a_run_writes_while_it_is_looked_at_is_there_soon(tmp_path):
    one = Shown(Place("run", write(tmp_path / "run", [completion(1, 0)])), Index(tmp_path / "run"))
    with updating([one], pause=0.02):
        append(tmp_path / "run", [completion(2, 0), completion(2, 1)])
        for _ in range(500):
            if one.about()["sampled"] == 3:
                break
            threading.Event().wait(0.02)
    assert one.about()["sampled"] == 3 and one.about()["step"] == 2 and one.about()["live"] and not one.error


def test_a_full_disk_is_said_and_tried_again(tmp_path, monkeypatch):
    one = Shown(Place("run", write(tmp_path / "run", [completion(1, 0)])), Index(tmp_path / "run"))

    def full():
        raise sqlite3.OperationalError("database or disk is full")

    real = one.index.update
    monkeypatch.setattr(one.index, "update", full)
    with updating([one], pause=0.01):
        while not one.error:
            threading.Event().wait(0.01)
        assert "disk full" in one.about()["error"]
        monkeypatch.setattr(one.index, "update", real)
        while one.error or not one.about()["sampled"]:
            threading.Event().wait(0.01)


def test_the_command_says_what_is_wrong(tmp_path, capfd):
    assert main(["view", str(tmp_path / "nowhere")]) == 2 and "there is no folder" in capfd.readouterr().err
    sampled(tmp_path / "run", steps=1)
    if os.environ.get("GUERDON_VIEW_TOKENS") is None:
        assert main(["view", str(tmp_path / "run"), "--host", "0.0.0.0", "--port", "0"]) == 2 and "give a token" in capfd.readouterr().err
