"""Labelling: what each kind takes, reads and gives; who is asked what; what annotators agree on; and that nothing which was acknowledged is lost."""

import http.client
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guerdon.catalogue import names_in
from guerdon.data.conversions._converted import LeftOut
from guerdon.data.formats._detect import detect
from guerdon.data.formats._toy import toy
from guerdon.errors import InputError
from guerdon.interfaces.cli import main
from guerdon.interfaces.labelling.agreement import alphas, disputes, figures
from guerdon.interfaces.labelling.assigning import Plan
from guerdon.interfaces.labelling.exporting import exported
from guerdon.interfaces.labelling.kinds import ROOM, described, kind_for, kind_of, restored
from guerdon.interfaces.labelling.ledger import Ledger
from guerdon.interfaces.labelling.opening import Wanted, looked_into, opened
from guerdon.interfaces.labelling.page import page
from guerdon.interfaces.labelling.reading import Item, turns
from guerdon.interfaces.labelling.store import Entry, kept

PAIRS = [{"prompt": f"q{i}", "chosen": f"good {i}", "rejected": f"bad {i}"} for i in range(6)]
TALK = {
    "prompt": [{"role": "user", "content": "hi"}],
    "chosen": [{"role": "assistant", "content": "a"}],
    "rejected": [{"role": "assistant", "content": "b"}],
}
LIST = {"prompt": "p", "completions": ["a", "b", "c"]}
ONE = {"prompt": "p", "completion": "one two\n\nthree  four"}
STEPS = {"prompt": "p", "completions": ["first", "second", "third"], "labels": [1, 1, 0]}
ROWS = {"compare": TALK, "rank": LIST, "rate": ONE, "steps": STEPS, "spans": ONE, "accept": ONE}
ANSWERS = {
    "compare": st.sampled_from([{"better": b} for b in (0, 1, "tie", "both_bad")]),
    "rank": st.sampled_from([{"ranks": r} for r in ([1, 2, 3], [3, 1, 2], [1, 1, 2], [2, 1, 1], [1, 1, 1])]),
    "rate": st.integers(1, 5).map(lambda x: {"ratings": {"quality": x}}),
    "steps": st.lists(st.sampled_from([1, 0, -1]), min_size=3, max_size=3).map(lambda x: {"labels": x}),
    "spans": st.sampled_from([[], [(4, 14, "bad")], [(0, 3, "good"), (16, 20, "bad")]]).map(
        lambda spans: {"spans": [{"start": start, "end": end, "label": label} for start, end, label in spans]}
    ),
    "accept": st.booleans().map(lambda x: {"accept": x}),
}
KINDS = names_in(ROOM)


@contextmanager
def labelling(folder, rows=PAIRS, kind=None, plan=Plan(), order="file", gold=(), **settings):
    with opened(Wanted(rows, "rows.jsonl", kind, settings), folder, gold, "gold.jsonl", plan, order) as session:
        yield session


def say(session, who, **answer):
    """Somebody answers what they are asked, and what that was."""
    task = session.task(who)["task"]
    name = session._names[task["item"]]
    session.label(
        who, task["item"], session.kind.back(answer, session._item(name), session._shown(name, who)), "", 1.0, f"{who}-{time.time_ns()}"
    )
    return name


# ---- kinds


def test_every_kind_has_a_page_of_its_own_and_is_known_again():
    assert set(KINDS) == set(ROWS) == set(ANSWERS)
    for name in KINDS:
        kind = kind_of(name)
        assert restored(json.loads(json.dumps(described(kind)))) == kind
        assert f"<title>Label · {name}</title>" in page(kind) and "page.kind({" in page(kind)
        for elsewhere in ("http://", "https://", "src=", "@import", "url("):
            assert elsewhere not in page(kind), f"the page of {name} asks for something elsewhere"


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        (PAIRS[0], "compare"),
        (TALK, "compare"),
        ({"instruction": "i", "output_1": "a", "output_2": "b"}, "compare"),
        ({"prompt": "p", "responses": ["a", "b"]}, "compare"),
        (LIST, "rank"),
        ({"prompt": "p", "completions": [{"response": "a"}, {"response": "b"}, {"response": "c"}]}, "rank"),
        (STEPS, "steps"),
        (ONE, "accept"),
        ({"messages": [*TALK["prompt"], *TALK["chosen"]]}, "accept"),
    ],
)
def test_the_columns_say_how_a_row_is_labelled(row, kind):
    assert kind_for(row) == kind
    kind_of(kind)(row)


@pytest.mark.parametrize(
    ("kind", "row", "sentence"),
    [
        ("compare", LIST, "--kind rank"),
        ("compare", {"prompt": "p"}, "no column 'completions'"),
        ("compare", {"response_a": "a", "response_b": "b"}, "no column 'prompt'"),
        ("compare", {"prompt": "p", "chosen": "a", "rejected": 3}, "'rejected' holds 3"),
        ("compare", {"prompt": "p", "chosen": "a", "rejected": "a"}, "the same"),
        ("rank", {"prompt": "p", "completions": ["a"]}, "two answers or more"),
        ("rank", {"prompt": "p", "completions": "a"}, "a list of two"),
        ("rate", {"prompt": "p"}, "no column 'completion'"),
        ("accept", {"messages": TALK["prompt"]}, "does not end with an assistant's turn"),
        ("steps", {"prompt": "p", "completions": ["a", ""]}, "each a text"),
        ("steps", {"prompt": "p", "completion": " \n "}, "no step"),
        ("spans", {"prompt": "p", "completion": "  "}, "no word"),
    ],
)
def test_a_row_that_a_kind_cannot_take_is_refused_in_a_sentence(kind, row, sentence):
    with pytest.raises(InputError, match=sentence):
        kind_of(kind)(row)


def test_kinds_refuse_settings_that_they_do_not_have_or_that_make_no_sense():
    for make, sentence in (
        (lambda: kind_of("compere"), "did you mean compare"),
        (lambda: kind_of("accept", scale=(1, 5)), "to accept has no such setting"),
        (lambda: kind_of("rate", attributes=("prompt",)), "another column"),
        (lambda: kind_of("rate", attributes=("a", "a")), "different names"),
        (lambda: kind_of("rate", scale=(5, 1)), "the lower first"),
        (lambda: kind_for({"x": 1}), "give --kind"),
        (lambda: kind_of("steps", separator=""), "--separator is empty"),
    ):
        with pytest.raises(InputError, match=sentence):
            make()


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(KINDS), st.data())
def test_an_answer_is_read_in_whatever_order_it_was_shown_and_agrees_with_itself_alone(name, data):
    kind = kind_of(name)
    item = kind(ROWS[name])
    order = data.draw(st.permutations(range(len(item.answers))))
    answer, other = data.draw(ANSWERS[name]), data.draw(ANSWERS[name])
    sent = json.loads(json.dumps(kind.back(answer, item, order)))
    assert kind.read(sent, item, order) == answer
    assert kind.apart(answer, answer, item) == 0
    assert 0 <= kind.apart(answer, other, item) == kind.apart(other, answer, item) <= 1
    assert kind.said(answer) and isinstance(json.dumps(kind.shown(item, order)), str)


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("compare", {"better": 2}),
        ("compare", {"better": True}),
        ("compare", {"better": "first"}),
        ("compare", {"better": [0]}),
        ("compare", {}),
        ("compare", None),
        ("rank", {"ranks": [1, 2]}),
        ("rank", {"ranks": [1, 3, 3]}),
        ("rank", {"ranks": [0, 1, 2]}),
        ("rank", {"ranks": [1.0, 2, 3]}),
        ("rank", {"ranks": "123"}),
        ("rate", {"ratings": {"quality": 6}}),
        ("rate", {"ratings": {"quality": 1.5}}),
        ("rate", {"ratings": {}}),
        ("rate", {"ratings": {"quality": 1, "more": 1}}),
        ("steps", {"labels": [1, 1]}),
        ("steps", {"labels": [1, 1, 2]}),
        ("steps", {"labels": [True, True, True]}),
        ("spans", {"spans": [{"first": 0, "last": 99, "label": "bad"}]}),
        ("spans", {"spans": [{"first": 0, "last": 2, "label": "bad"}, {"first": 2, "last": 4, "label": "good"}]}),
        ("spans", {"spans": [{"first": 2, "last": 0, "label": "bad"}]}),
        ("spans", {"spans": [{"first": 0, "last": 0, "label": "odd"}]}),
        ("spans", {"spans": ["all"]}),
        ("accept", {"accept": 1}),
    ],
)
def test_what_is_no_answer_is_refused(name, given):
    kind = kind_of(name)
    item = kind(ROWS[name])
    with pytest.raises(InputError):
        kind.read(given, item, tuple(range(len(item.answers))))


@pytest.mark.parametrize(
    ("name", "knows"),
    [
        ("compare", {"winner": "neither of them"}),
        ("rank", {"ranks": [1, 2]}),
        ("rank", {"ranks": [1, None, 2]}),
        ("rank", {"scores": "123"}),
        ("rate", {"quality": "good"}),
        ("steps", {"labels": []}),
        ("steps", {"labels": [-1, [1], 0]}),
        ("steps", {"labels": ["maybe", 1, 1]}),
        ("spans", {"spans": [{"start": "0", "end": 3, "label": "bad"}]}),
        ("spans", {"spans": [{"start": 0, "end": 3, "label": "odd"}]}),
        ("spans", {"spans": None}),
        ("accept", {"label": "perhaps"}),
        ("accept", {"label": None}),
    ],
)
def test_a_gold_question_without_an_answer_is_refused_in_a_sentence(name, knows):
    kind, row = kind_of(name), {key: value for key, value in ROWS[name].items() if key != "labels"} | knows
    with pytest.raises(InputError):
        kind.known(row, kind(row))


def test_steps_end_at_the_first_error_where_that_is_asked_for():
    kind = kind_of("steps", until_error=True)
    item = kind({"question": "q", "solution": "one\n\ntwo\nthree"})
    assert item.parts == ("one", "two", "three")
    assert kind.read({"labels": [1, -1]}, item, ()) == kind.read({"labels": [1, -1, 1]}, item, ()) == {"labels": [1, -1]}
    with pytest.raises(InputError, match="judge every step"):
        kind.read({"labels": [1, 0]}, item, ())
    merged = kind.merged([{"labels": [1, -1]}, {"labels": [1, -1]}, {"labels": [1, 1, 1]}], item, False)
    assert merged == {"prompt": "q", "completions": ["one", "two"], "labels": [True, False]}


def test_messages_are_shown_with_what_was_thought_and_called():
    calls = [{"type": "function", "function": {"name": "add", "arguments": {"a": 1}}}]
    said = [
        {"role": "assistant", "content": "it is 2", "reasoning_content": "one and one"},
        {"role": "assistant", "content": None, "tool_calls": calls},
    ]
    thought, spoken, called = turns(said)
    assert thought == {"role": "assistant, thinking", "text": "one and one"} and spoken == {"role": "assistant", "text": "it is 2"}
    assert '"add"' in called["text"]


def test_spans_are_counted_in_characters_whatever_the_characters():
    kind = kind_of("spans")
    item = kind({"prompt": "p", "completion": "a 😀😀 b  c"})
    answer = kind.read({"spans": [{"first": 2, "last": 4, "label": "bad"}]}, item, ())
    (span,) = answer["spans"]
    assert "a 😀😀 b  c"[span["start"] : span["end"]] == "😀😀 b"


# ---- who is asked what


def test_answers_are_shown_in_an_order_of_chance_and_nothing_else_of_the_row_is(tmp_path):
    rows = [row | {"model_a": "secret", "score": 0.5} for row in PAIRS * 20]
    with labelling(tmp_path / "s", rows, plan=Plan(each=2)) as session:
        first = {who: [session._shown(str(i), who)[0] for i in range(len(rows))] for who in ("ann", "bob")}
        assert 35 < sum(first["ann"]) < 85 and first["ann"] != first["bob"]
        task = json.dumps(session.task("ann"))
        assert "secret" not in task and "chosen" not in task and "0.5" not in task
        again = session.task("ann")["task"]["answers"]
    with labelling(tmp_path / "s", rows, plan=Plan(each=2)) as session:
        assert session.task("ann")["task"]["answers"] == again


def test_two_are_not_asked_the_same_unless_it_needs_both(tmp_path):
    with labelling(tmp_path / "one") as session:
        asked = [session.task(who)["task"]["item"] for who in ("ann", "bob", "cy")]
        assert len(set(asked)) == 3 and session.task("ann")["task"]["item"] == asked[0]
    with labelling(tmp_path / "one") as session:  # leases are known after a restart
        assert session.task("dee")["task"]["item"] not in asked and session.task("bob")["task"]["item"] == asked[1]
    with labelling(tmp_path / "two", plan=Plan(each=2)) as session:
        asked = [session.task(who)["task"]["item"] for who in ("ann", "bob", "cy")]
        assert asked[0] == asked[1] != asked[2]


def test_a_lease_expires_and_a_label_that_comes_late_is_kept(tmp_path):
    with labelling(tmp_path / "s", PAIRS[:1], plan=Plan(lease=0.05)) as session:
        task = session.task("ann")["task"]
        assert session.task("bob")["task"] is None and session.task("bob")["waiting"]
        time.sleep(0.1)
        assert session.task("bob")["task"]["item"] == task["item"]
        session.label("bob", task["item"], {"better": 0}, "", 1, "b")
        session.label("ann", task["item"], {"better": "tie"}, "", 1, "a")
        assert len(session.ledger.labels["0"]) == 2


def test_undo_goes_back_as_far_as_one_began_and_is_an_entry(tmp_path):
    with labelling(tmp_path / "s") as session:
        assert [say(session, "ann", better=0) for _ in range(3)] == ["0", "1", "2"]
        session.task("ann")
        session.skip("ann", session.task("ann")["task"]["item"], "odd", 2, "skip")
        for expected in ("3", "2", "1", "0"):
            session.undo("ann", f"undo-{expected}")
            task = session.task("ann")["task"]
            assert session._names[task["item"]] == expected
        assert "answer" in task["before"] and session.task("ann")["progress"]["undo"] is False
        with pytest.raises(InputError, match="nothing to undo"):
            session.undo("ann", "more")
        session.undo("ann", "undo-0")  # sent again
        assert [say(session, "ann", better="tie") for _ in range(5)] == ["0", "1", "2", "3", "4"]
        entries = list(session.store.entries())
        assert [entry.what for entry in entries] == ["label"] * 3 + ["skip"] + ["undo"] * 4 + ["label"] * 5
        for change in ("UPDATE entry SET note = 'x'", "DELETE FROM entry"):
            with pytest.raises(sqlite3.IntegrityError, match="only added to"):
                session.store.connection.execute(change)
        stands = {name: {who: e.answer for who, e in own.items()} for name, own in session.ledger.labels.items()}
    with labelling(tmp_path / "s") as session:
        assert stands == {name: {who: e.answer for who, e in own.items()} for name, own in session.ledger.labels.items()}


def test_a_label_that_is_sent_twice_stands_once_and_another_is_refused(tmp_path):
    with labelling(tmp_path / "s") as session:
        item = session.task("ann")["task"]["item"]
        for _ in range(2):
            session.label("ann", item, {"better": 0}, " a note ", 3.5, "key")
        with pytest.raises(InputError, match="already"):
            session.label("ann", item, {"better": 1}, "", 1, "other")
        with pytest.raises(InputError, match="no item"):
            session.label("ann", "0", {"better": 1}, "", 1, "third")
        with pytest.raises(InputError, match="a note is a text"):
            session.label("ann", session.task("ann")["task"]["item"], {"better": 1}, "x" * 10_001, 1, "fourth")
        session.label("bob", session.task("bob")["task"]["item"], {"better": 0}, "", 1, "key")  # another's key is another key
        entry, _ = session.store.entries()
        assert (entry.note, entry.seconds, entry.key) == ("a note", 3.5, "key")


def test_where_labels_differ_a_further_annotator_is_asked_and_then_it_is_settled(tmp_path):
    with labelling(tmp_path / "s", PAIRS[:2], plan=Plan(each=2)) as session:
        for who, better in (("ann", 0), ("bob", 1)):
            say(session, who, better=better)
        for who in ("ann", "bob"):
            say(session, who, better=0)
        assert session.assigning.settled == {"1"}
        assert session.task("ann")["task"] is None and session.task("ann")["waiting"] is False
        assert [name for name, _ in disputes(session.kind, session.items, session.ledger)] == ["0"]
        assert say(session, "cy", better=0) == "0"
        assert session.task("cy")["task"] is None and session.assigning.settled == {"0", "1"}
        session.undo("cy", "u")
        assert session.assigning.settled == {"1"}


def test_gold_questions_come_every_nth_and_are_told_from_others_by_the_owner_alone(tmp_path):
    gold = [{"prompt": f"g{i}", "chosen": f"right {i}", "rejected": f"wrong {i}"} for i in range(2)]
    rows = PAIRS * 3
    with labelling(tmp_path / "s", rows, plan=Plan(gold_every=3), gold=gold) as session:
        names = [say(session, "ann", better=i == 2) for i in range(12)]  # the first gold question wrong, the second right
        assert [i for i, name in enumerate(names) if name.startswith("gold")] == [2, 5] and len(set(names)) == 12
        (figure,) = figures(session.kind, session.items, session.gold, session.ledger)
        assert figure["gold"]["share"] == 0.5 and figure["gold"]["count"] == 2 and figure["labels"] == 10
        assert not any("gold" in handle for handle in session._names)
        assert len(exported(session.kind, session.items, session.ledger).rows) == 10
    with labelling(tmp_path / "s", rows, gold=[*gold, {"prompt": "g", "response_a": "a", "response_b": "b", "winner": "tie"}]) as session:
        assert figures(session.kind, session.items, session.gold, session.ledger)[0]["gold"]["count"] == 2
    unknown = [{"prompt": "g", "response_a": "a", "response_b": "b"}]
    with pytest.raises(InputError, match=r"row 0 of gold\.jsonl.*knows no answer"), labelling(tmp_path / "t", rows, gold=unknown):
        pass


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["look", "0", "1", "tie", "skip", "undo"])), max_size=40), st.integers(1, 2)
)
def test_whatever_annotators_do_nobody_is_asked_in_vain_and_what_stands_is_what_was_kept(tmp_path_factory, steps, each):
    folder = tmp_path_factory.mktemp("s") / "s"
    with labelling(folder, PAIRS[:3], plan=Plan(each=each, further=1)) as session:
        for n, (who, what) in enumerate(steps):
            task = session.task(who)["task"]
            if what == "undo" and session.ledger.done.get(who):
                session.undo(who, f"{n}")
            elif task and what == "skip":
                session.skip(who, task["item"], "", None, f"{n}")
            elif task and what in ("0", "1", "tie"):
                session.label(who, task["item"], {"better": int(what) if what != "tie" else what}, "", None, f"{n}")
            for name in session.items:
                held = {w for w in session.assigning.leases.get(name, {}) if not session.ledger.has_done(w, name)}
                undone = {w for w in held if (w, name) in session.ledger.drafts}  # who takes a label back may find it settled meanwhile
                assert len(session.ledger.labels.get(name, ())) + len(held - undone) <= each + 1
        again = Ledger()
        for entry in session.store.entries():
            again.add(entry)
        assert again == session.ledger


# ---- agreement


def labelled(name, *answers, rows=None):
    """A kind, items and a ledger in which annotators 0, 1 ... gave ``answers[annotator][row]``; None: none."""
    kind = kind_of(name)
    rows = rows or [ROWS[name]] * max(map(len, answers))
    ledger = Ledger()
    for who, own in enumerate(answers):
        for row, answer in enumerate(own):
            if answer is not None:
                ledger.add(Entry(ledger.count, 0.0, f"w{who}", str(row), "label", answer, (0, 1), "", 2.0, None, f"{who}-{row}"))
    return kind, {str(i): kind(row) for i, row in enumerate(rows)}, ledger


def test_alpha_is_that_of_the_package_on_each_scale():
    krippendorff = pytest.importorskip("krippendorff")
    draw, nan = np.random.default_rng(0), float("nan")
    said = draw.choice([0.0, 1.0, 2.0, nan], size=(3, 12))
    answers = [[None if np.isnan(x) else {"better": (0, 1, "tie")[int(x)]} for x in own] for own in said]
    found = alphas(*labelled("compare", *answers))
    assert found["better"]["alpha"] == pytest.approx(krippendorff.alpha(said, level_of_measurement="nominal"))
    assert found["better"]["units"] == ((~np.isnan(said)).sum(0) > 1).sum()
    said = draw.integers(1, 6, size=(2, 9)).astype(float)
    found = alphas(*labelled("rate", *[[{"ratings": {"quality": int(x)}} for x in own] for own in said]))
    assert found["quality"]["alpha"] == pytest.approx(krippendorff.alpha(said, level_of_measurement="interval"))
    steps = draw.choice([-1, 0, 1], size=(2, 4, 3))
    found = alphas(*labelled("steps", *[[{"labels": labels.tolist()} for labels in own] for own in steps]))
    assert found["step"]["alpha"] == pytest.approx(krippendorff.alpha(steps.reshape(2, -1).astype(float), level_of_measurement="interval"))


def test_alpha_of_rankings_and_spans_is_one_for_the_same_and_below_for_others():
    for name, same, other in (
        ("rank", [1, 2, 3], [3, 2, 1]),
        ("spans", [{"start": 0, "end": 3, "label": "good"}], [{"start": 4, "end": 7, "label": "bad"}]),
    ):
        field = {"rank": "ranks", "spans": "spans"}[name]
        (one,) = alphas(*labelled(name, [{field: same}], [{field: same}])).values()
        (less,) = alphas(*labelled(name, [{field: same}], [{field: other}])).values()
        assert one["alpha"] in (1.0, None) and less["alpha"] < 0.5
    (none,) = alphas(*labelled("compare", [{"better": 0}], [{"better": 0}])).values()
    assert none["alpha"] is None  # nothing but one value: it cannot be told


def test_neighbours_agree_and_what_lies_farther_apart_does_not():
    for name, one, near, far in (
        ("rate", {"ratings": {"quality": 3}}, {"ratings": {"quality": 4}}, {"ratings": {"quality": 5}}),
        ("steps", {"labels": [1, 1, 1]}, {"labels": [1, 0, 1]}, {"labels": [1, -1, 1]}),
        ("rank", {"ranks": [1, 2, 3]}, {"ranks": [1, 1, 2]}, {"ranks": [2, 1, 3]}),
    ):
        assert not disputes(*labelled(name, [one], [near])) and disputes(*labelled(name, [one], [far])), name


def test_figures_say_how_fast_how_alike_and_how_often_the_first(tmp_path):
    kind, items, ledger = labelled(
        "compare", [{"better": 0}, {"better": 1}, {"better": "tie"}], [{"better": 0}, {"better": 0}], rows=PAIRS[:3]
    )
    ann, _ = figures(kind, items, {}, ledger)
    assert ann["labels"] == 3 and ann["seconds"] == 2.0 and ann["gold"] is None
    assert ann["agrees"]["share"] == 0.5 and ann["agrees"]["count"] == 2 and ann["first"]["share"] == 0.5


# ---- orders


def test_what_comes_first(tmp_path):
    scores = [3.0, 0.1, -2.0, 0.0, 5.0, -0.2]
    scored = [row | {"chosen_score": s + 1, "rejected_score": 1.0} for row, s in zip(PAIRS, scores, strict=True)]
    firsts = {}
    for order, rows in (("file", PAIRS), ("shuffled", PAIRS), ("uncertain", scored)):
        with labelling(tmp_path / order, rows, order=order) as session:
            firsts[order] = [say(session, "ann", better=0) for _ in rows]
    assert firsts["file"] == list("012345") and sorted(firsts["shuffled"]) == list("012345") != firsts["shuffled"]
    assert firsts["uncertain"] == ["3", "1", "5", "2", "0", "4"]
    with labelling(tmp_path / "disagreement", PAIRS, order="disagreement", plan=Plan(each=2)) as session:
        assert [say(session, "ann", better=0), say(session, "ann", better=0)] == ["0", "1"]
        assert [say(session, "bob", better=0), say(session, "bob", better=1)] == ["0", "1"]
        assert say(session, "cy", better=0) == "1"
    named = [row | {"model_a": "x", "model_b": "y"} for row in PAIRS]
    with pytest.raises(InputError, match="for comparisons"), labelling(tmp_path / "no-rank", named, "rank", order="informative"):
        pass
    for order, sentence in (("uncertain", "guerdon score"), ("informative", "which models wrote"), ("newest", "unknown order")):
        with pytest.raises(InputError, match=sentence), labelling(tmp_path / f"no-{order}", order=order):
            pass


def test_the_informative_order_asks_of_the_models_of_which_least_is_known(tmp_path):
    names = [("a", "b")] * 6 + [("a", "c")] * 2
    rows = [row | {"model_a": a, "model_b": b} for row, (a, b) in zip(PAIRS + PAIRS[:2], names, strict=True)]
    with labelling(tmp_path / "s", rows, order="informative") as session:
        for i, better in enumerate((0, 0, 1, 0)):  # of a and b something is known
            session.ledger.add(Entry(i, 0.0, "ann", str(i), "label", {"better": better}))
        session._order = None
        assert list(session._ordered())[:2] == [6, 7]


# ---- export


@pytest.mark.parametrize("by_annotator", [False, True])
@pytest.mark.parametrize("name", KINDS)
def test_what_is_exported_is_read_by_the_formats_and_converted(name, by_annotator, tmp_path):
    answers = {
        "compare": [{"better": 0}, {"better": 1}, {"better": 0}],
        "rank": [{"ranks": [1, 2, 3]}, {"ranks": [2, 1, 3]}, {"ranks": [1, 1, 2]}],
        "rate": [{"ratings": {"quality": x}} for x in (2, 3, 3)],
        "steps": [{"labels": [1, 0, -1]}, {"labels": [1, 1, -1]}, {"labels": [1, 1, 1]}],
        "spans": [{"spans": [{"start": 0, "end": 7, "label": "bad"}]}, {"spans": [{"start": 4, "end": 7, "label": "bad"}]}, {"spans": []}],
        "accept": [{"accept": True}, {"accept": True}, {"accept": False}],
    }[name]
    wanted = {
        "compare": {"chosen": TALK["chosen"], "rejected": TALK["rejected"]},
        "rank": {"ranks": [4 / 3, 4 / 3, 8 / 3]},
        "rate": {"quality": 8 / 3},
        "steps": {"completions": ["first", "second", "third"], "labels": [True, True, False]},
        "spans": {"spans": [{"start": 4, "end": 7, "label": "bad"}]},
        "accept": {"label": True},
    }[name]
    found = exported(*labelled(name, *[[answer] for answer in answers]), by_annotator)
    assert not found.left_out and len(found.rows) == (3 if by_annotator else 1)
    if by_annotator:
        assert [(row["annotator"], row["user"]) for row in found.rows] == [("w0", 0), ("w1", 1), ("w2", 2)]
    else:
        assert {key: found.rows[0][key] for key in wanted} == wanted and found.rows[0]["prompt"] == ROWS[name]["prompt"]
    lines = "".join(json.dumps(row) + "\n" for row in found.rows)
    (tmp_path / "in.jsonl").write_text(lines)
    for line in lines.splitlines():
        row = json.loads(line)
        example = detect(row)(row, toy())
        assert all(example.sides.values()) and example.columns.get("user", 0) == row.get("user", 0)
    shape = {"compare": "pairs", "rank": "ranking", "steps": "stepwise", "accept": "unpaired"}.get(name, "prompt_completion")
    assert main(["convert", str(tmp_path / "in.jsonl"), str(tmp_path / "out.jsonl"), "--to", shape]) == 0
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == len(found.rows)


def test_what_no_majority_decides_is_left_out_and_counted_and_soft_labels_keep_it():
    rows = PAIRS[:5]
    said = [[0, 0, "tie", "both_bad", None], [1, 0, "tie", "both_bad", None], ["tie", 1, 1, 0, None]]
    case = labelled("compare", *[[None if x is None else {"better": x} for x in own] for own in said], rows=rows)
    found = exported(*case)
    assert found.left_out == {"the annotators are divided": 1, "a tie": 1, "both bad": 1, "not labelled": 1}
    assert [(row["chosen"], row["row"]) for row in found.rows] == [("good 1", 1)]
    soft = exported(*case, soft=True)
    assert {row["row"]: (row["chosen"], row["preference"]) for row in soft.rows} == {
        0: ("good 0", 0.5),
        1: ("good 1", pytest.approx(2 / 3)),
        2: ("bad 2", pytest.approx(2 / 3)),
    }
    assert soft.left_out == {"both bad": 1, "not labelled": 1}
    from guerdon.losses.labels.soft import Soft
    from guerdon.parts import needs

    assert needs(Soft()) <= soft.rows[0].keys()
    (accepted,) = exported(*labelled("accept", [{"accept": True}], [{"accept": False}]), soft=True).rows
    assert detect(accepted)(accepted, toy()).columns["label"] == 0.5
    with pytest.raises(InputError, match="--soft"):
        exported(*labelled("rank", [{"ranks": [1, 2, 3]}]), soft=True)
    with pytest.raises(LeftOut, match="divided"):
        kind_of("accept").merged([{"accept": True}, {"accept": False}], Item("p", ("a",)), False)


@pytest.mark.parametrize("name", KINDS)
def test_what_was_exported_is_gold_the_next_day(name):
    kind, items, ledger = labelled(name, [ANSWERS_ONE[name]])
    (row,) = exported(kind, items, ledger).rows
    assert kind.apart(kind.known(row, kind(row)), ANSWERS_ONE[name], items["0"]) == 0


ANSWERS_ONE = {
    "compare": {"better": 0},
    "rank": {"ranks": [2, 1, 3]},
    "rate": {"ratings": {"quality": 4}},
    "steps": {"labels": [1, 1, -1]},
    "spans": {"spans": [{"start": 0, "end": 7, "label": "good"}]},
    "accept": {"accept": False},
}


# ---- the store


def test_a_store_goes_on_with_the_same_rows_and_refuses_others(tmp_path):
    with labelling(tmp_path / "s") as session:
        say(session, "ann", better=0)
        with pytest.raises(InputError, match="in use"):
            subprocess_opens(tmp_path / "s")
    with labelling(tmp_path / "s") as session:
        assert say(session, "ann", better=0) == "1"
    changed = [*PAIRS[:5], PAIRS[5] | {"chosen": "another"}]
    for refused, sentence in (
        (lambda: labelling(tmp_path / "s", PAIRS[:5]), "labels of other rows"),
        (lambda: labelling(tmp_path / "s", changed), "changed since"),
        (lambda: labelling(tmp_path / "s", kind="rank"), "of another kind"),
    ):
        with pytest.raises(InputError, match=sentence), refused():
            pass
    with pytest.raises(InputError, match="--seed"), opened(Wanted(PAIRS, "r", None, {}, 3), tmp_path / "s", [], "", Plan(), "file"):
        pass
    with pytest.raises(InputError, match="no labels in"), looked_into(Wanted(PAIRS, "r", None, {}), tmp_path / "nowhere"):
        pass
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "labels.sqlite").write_text("this is no database, but a text that is long enough to look like one " * 20)
    with pytest.raises(InputError, match="no store of labels"), labelling(tmp_path / "odd"):
        pass
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="--store"), labelling(tmp_path / "file"):
        pass


def subprocess_opens(folder):
    code = f"from pathlib import Path\nfrom guerdon.interfaces.labelling.store import kept\nwith kept(Path({str(folder)!r})): pass"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    if done.returncode:
        raise InputError(done.stderr)


def test_a_store_without_a_label_may_become_one_of_another_kind(tmp_path):
    with labelling(tmp_path / "s"):
        pass
    with labelling(tmp_path / "s", kind="rank") as session:
        say(session, "ann", ranks=[1, 2])
    with labelling(tmp_path / "s") as session:  # where none is asked for, that of the store
        assert described(session.kind)["kind"] == "rank"


def test_tokens_stay_those_that_were_given(tmp_path):
    with kept(tmp_path / "s") as store:
        assert not any(file.stat().st_mode & 0o077 for file in (tmp_path / "s").glob("labels.sqlite*"))
        first = store.tokens(["ann", "bob"], ["x", "y"])
    with kept(tmp_path / "s") as store:
        assert store.tokens(["bob", "cy"], ["z", "w"]) == {"bob": first["bob"], "cy": "w"}
        files = sorted((tmp_path / "s").glob("labels.sqlite*"))
        assert len(files) == 3 and not any(file.stat().st_mode & 0o077 for file in files)  # nobody else reads tokens


# ---- the command and the server


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


class Served:
    """The command, as somebody would run it."""

    def __init__(self, file, *options):
        self.file = file
        command = [sys.executable, "-m", "guerdon", "label", str(file), "--port", "0", "--json", *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        said = self.process.stdout.readline()
        assert said, self.process.stderr.read()
        told = json.loads(said)
        self.url = told["url"]
        self.port = int(self.url.rsplit(":", 1)[1])
        self.tokens = {who: link.partition("token=")[2] for who, link in told["links"].items()}

    def ask(self, path, who=None, body=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers |= {"Authorization": f"Bearer {self.tokens[who]}"} if who else {}
        headers = ({"Content-Type": "application/json"} if body is not None else {}) | headers
        connection.request("GET" if body is None else "POST", path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        text = answer.read()
        self.headers = dict(answer.getheaders())
        connection.close()
        return answer.status, json.loads(text) if self.headers.get("content-type") == "application/json" else text.decode()

    def kill(self):
        os.kill(self.process.pid, signal.SIGKILL)
        self.close()

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        self.close()

    def close(self):
        self.process.wait(40)
        self.process.stdout.close()
        self.process.stderr.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    pytest.importorskip("uvicorn")
    server = Served(write(tmp_path_factory.mktemp("served") / "pairs.jsonl", PAIRS), "--annotators", "ann,bob", "--each", "2")
    yield server
    server.end()


def test_a_token_says_who_labels_and_the_owner_sees_how_it_goes(served, capfd):
    assert served.ask("/api/task")[0] == 401 and served.ask("/")[0] == 200 and served.ask("/health")[0] == 200
    assert "q0" not in served.ask("/")[1] + served.ask("/overview")[1]
    assert "frame-ancestors 'none'" in served.headers["content-security-policy"]
    status, _ = served.ask(f"/enter?token={served.tokens['ann']}")
    cookie = served.headers["set-cookie"]
    assert status == 303 and served.headers["location"] == "/" and "HttpOnly" in cookie and "samesite=strict" in cookie.lower()
    assert served.ask("/enter?token=guess")[0] == 401
    mine = served.ask("/api/task", "ann")[1]["task"]
    assert served.ask("/api/task", Cookie=cookie.partition(";")[0])[1]["task"] == mine
    body = {"item": mine["item"], "answer": {"better": "tie"}, "key": "one", "note": "odd"}
    for headers in ({"Content-Type": "text/plain"}, {"Origin": "http://evil.example"}, {"Origin": "null"}):
        assert served.ask("/api/label", "ann", body, **headers)[0] == 403, headers
    assert served.ask("/api/label", "ann", body | {"answer": {"better": 7}})[0] == 409
    assert served.ask("/api/label", "ann", {"item": mine["item"]})[0] == 400
    status, said = served.ask("/api/label", "ann", body, Origin=served.url)
    assert status == 200 and said["progress"]["mine"] == 1 and said["task"]["item"] != mine["item"]
    assert served.ask("/api/overview", "ann")[0] == served.ask("/api/export", "bob")[0] == served.ask("/api/task", "owner")[0] == 403
    found = served.ask("/api/overview", "owner")[1]
    assert found["labels"] == 1 and found["remarks"] == [{"annotator": "ann", "item": "0", "what": "label", "note": "odd"}]
    item = served.ask("/api/task", "bob")[1]["task"]
    first = item["answers"][0][0]["text"]
    served.ask("/api/label", "bob", {"item": item["item"], "answer": {"better": 0}, "key": "two"})
    found = served.ask("/api/overview", "owner")[1]
    assert found["differ"] == 1 and found["disputes"][0]["answers"]["ann"] == "tie" and found["disputes"][0]["waiting"]
    capfd.readouterr()
    assert main(["label", str(served.file), "--overview", "--json"]) == 0  # while it is served
    assert json.loads(capfd.readouterr().out)["labels"] == 2
    status, rows = served.ask("/api/export?by_annotator=true", "owner")
    assert json.loads(rows)["chosen"] == first and json.loads(rows)["annotator"] == "bob"
    assert served.ask("/api/export?by_annotator=true&soft=true", "owner")[0] == 400


def test_nothing_that_was_acknowledged_is_lost_by_kill_9_and_the_same_command_goes_on(tmp_path, capfd):
    pytest.importorskip("uvicorn")
    rows = [{"prompt": f"q{i}", "chosen": f"good {i}", "rejected": f"bad {i}"} for i in range(4000)]
    file = write(tmp_path / "pairs.jsonl", rows)
    options = ("--annotators", "ann,bob")
    server, acknowledged, asked = Served(file, *options), {}, 0

    def work(who):
        nonlocal asked
        try:
            task = server.ask("/api/task", who)[1]["task"]
            while True:
                asked += 1
                good = next(i for i, answer in enumerate(task["answers"]) if "good" in answer[0]["text"])
                status, said = server.ask(
                    "/api/label", who, {"item": task["item"], "answer": {"better": good}, "key": f"{who}{asked}-{task['item']}"}
                )
                assert status == 200
                acknowledged[task["prompt"][0]["text"]] = who
                task = said["task"]
        except (OSError, http.client.HTTPException):
            pass  # it was killed

    threads = [threading.Thread(target=work, args=(who,)) for who in ("ann", "bob")]
    for thread in threads:
        thread.start()
    while len(acknowledged) < 40:
        time.sleep(0.01)
    server.kill()
    for thread in threads:
        thread.join()
    before = dict(acknowledged)
    assert main(["label", str(file), "--export", str(tmp_path / "out.jsonl"), "--by-annotator"]) == 0
    kept_rows = {row["prompt"]: row for row in map(json.loads, (tmp_path / "out.jsonl").read_text().splitlines())}
    assert before.items() <= {prompt: row["annotator"] for prompt, row in kept_rows.items()}.items()
    assert len(kept_rows) <= len(before) + 2 and all(row["chosen"].startswith("good") for row in kept_rows.values())
    again = Served(file, *options)
    try:
        assert again.tokens == server.tokens
        said = again.ask("/api/task", "ann")[1]
        assert said["progress"]["settled"] == len(kept_rows) and said["task"]["prompt"][0]["text"] not in kept_rows
        assert again.ask("/api/label", "ann", {"item": said["task"]["item"], "answer": {"better": 0}, "key": "after"})[0] == 200
    finally:
        again.end()
    capfd.readouterr()
    assert main(["label", str(file), "--overview", "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["labels"] == len(kept_rows) + 1


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--soft"], "give --export FILE"),
        (["--by-annotator"], "give --export FILE"),
        (["--export", "x.jsonl", "--overview"], "one of the two"),
        (["--gold-every", "5"], "--gold FILE"),
        (["--export", "x.jsonl"], "there are no labels in"),
        (["--overview"], "there are no labels in"),
        (["--annotators", "ann,ann"], "different names"),
        (["--annotators", "owner"], "different names"),
        (["--each", "2"], "there are 1 annotators"),
        (["--host", "0.0.0.0", "--port", "0"], "everybody who reaches it could label"),
        (["--kind", "rate", "--scale", "five", "--port", "0"], "such as 1-5"),
        (["--order", "newest", "--port", "0"], "unknown order"),
        (["--kind", "accept", "--port", "0"], "no column 'completion'"),
        (["--attributes", "a", "--port", "0"], "no such setting"),
        (["--column", "prompt", "--port", "0"], "NEW=OLD"),
    ],
)
def test_the_command_refuses_in_a_sentence_and_leaves_no_store(options, sentence, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "rows.jsonl", PAIRS)
    assert main(["label", "rows.jsonl", *options]) == 2
    said = " ".join(capfd.readouterr().err.split())
    assert sentence in said and "Traceback" not in said and said.count("guerdon:") == 1
    assert not (tmp_path / "rows.labels" / "labels.sqlite").exists()
