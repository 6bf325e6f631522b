"""Rubrics: read from files and columns or refused with why, judged item by item, drawn by a model, and shown in the report by what pays."""

import json

import pytest

from guerdon.errors import InputError
from guerdon.feedback.criteria._proposing import drawn_of
from guerdon.feedback.formats import Case
from guerdon.feedback.formats.item_by_item import ItemByItem, items_in
from guerdon.feedback.rewards.judge import Judge
from guerdon.feedback.rubric import Item, Rubric, plain, rubric_of
from guerdon.feedback.writers.scripted import Scripted
from guerdon.interfaces.cli import main
from guerdon.interfaces.report.items import paying
from guerdon.interfaces.report.page import html
from guerdon.interfaces.report.reading import read
from openai_server import playing


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("items: [{text: a, wieght: 2}]", r"item 1: unknown key 'wieght': did you mean weight\?"),
        ("items: [{text: a, kind: must}]", "item 1: unknown kind of item 'must'"),
        ("items: [b, {text: a, weight: -1}]", "item 2: the weight of an item is a number above 0, not -1"),
        ("items: [{text: a, weight: heavy}]", "above 0, not 'heavy'"),
        ("items: [{weight: 1}]", "item 1: it has no text"),
        ("items: [{text: a, kind: pitfall}]", "at least one item that is no pitfall"),
        ("items: []", "items are expected"),
        ("item: [a]", r"unknown key 'item': did you mean items\?"),
        ("items: {a: 1}", "items are expected"),
        ("7", "items are expected"),
        ("items: [", "cannot be read as YAML or JSON"),
        ("items: [3]", "item 1: a text, or text, weight and kind are expected, not 3"),
    ],
)
def test_a_file_that_is_no_rubric_is_refused_with_its_place(tmp_path, text, sentence):
    file = tmp_path / "rubric.yaml"
    file.write_text(text)
    with pytest.raises(InputError, match=sentence) as caught:
        Judge(Scripted(), rubric=str(file))
    assert str(file) in str(caught.value)


def test_a_rubric_is_the_same_from_a_file_a_column_and_plain_values(tmp_path):
    rubric = Rubric((Item("It is brief.", 2.0, "essential"), Item("It is rude.", 1.0, "pitfall")))
    (tmp_path / "r.json").write_text(json.dumps(plain(rubric)))
    for given in (tmp_path / "r.json", str(tmp_path / "r.json"), plain(rubric), json.dumps(plain(rubric)), rubric):
        assert rubric_of(given) == rubric
    assert rubric_of(["a", "b"]).items == (Item("a"), Item("b"))
    with pytest.raises(InputError, match=r"rubric in .* 's\.json': did you mean r\.json\?"):
        rubric_of(tmp_path / "s.json")


@pytest.mark.parametrize(
    ("met", "value"),
    [
        ((1, 1, 0), 1.0),
        ((1, 0, 0), 0.75),
        ((0, 1, 0), 0.0),
        ((1, 1, 1), 0.75),
        ((0.5, 1, 0), 0.5 * 2.5 / 4),
        ((1, 0, 1), 0.5),
        ((0.1, 0, 1), 0.0),
    ],
)
def test_essential_items_gate_and_pitfalls_take_away(met, value):
    rubric = Rubric((Item("a", 3.0, "essential"), Item("b", 1.0), Item("c", 1.0, "pitfall")))
    assert rubric.value(met) == pytest.approx(value)


def test_an_item_that_cannot_be_judged_leaves_no_value_and_is_named():
    case = Case("q", ("a",), rubric=rubric_of(["It is brief.", "It is kind."]))
    verdict = ItemByItem()(Scripted({"kind": "Perhaps."}, otherwise="Yes"), [case])[0]
    assert verdict.value is None and verdict.why.startswith("item 2 could not be judged: it says neither Yes nor No")
    assert items_in(verdict.said) == [(Item("It is brief."), 1.0), (Item("It is kind."), None)]
    with pytest.raises(InputError, match="judges by a rubric, and there is none"):
        ItemByItem()(Scripted(), [Case("q", ("a",))])


def test_what_a_writer_proposes_is_read_or_it_is_said_why_not():
    assert drawn_of('{"items": [{"text": "a", "kind": "odd"}, {"text": "b"}, 7, "c"]}').rubric == Rubric((Item("b"), Item("c")))
    assert "no JSON object with items" in drawn_of("First, be brief.").why
    assert "at least one item that is no pitfall" in drawn_of('{"items": [{"text": "rude", "kind": "pitfall"}]}').why


def test_the_command_writes_rows_that_a_judge_is_run_on(tmp_path, monkeypatch, capsys):
    """A server that proposes two items, of which one holds of both answers, and that answers the second row in prose."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GUERDON_CACHE", str(tmp_path / "cache"))
    rows = [
        {"prompt": "Capital of France?", "chosen": "Paris", "rejected": "Rome"},
        {"prompt": "Of Italy?", "chosen": "Rome", "rejected": "Paris"},
    ]
    (tmp_path / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    def server(body):
        said = body["messages"][-1]["content"]
        if "criteria that separate" in said:
            return '{"items": [{"text": "It is a city."}, {"text": "It is French.", "weight": 2}]}' if "France" in said else "Be right."
        return "Yes" if "It is a city" in said or "\nParis\n" in said else "No"

    with playing(server) as at:
        assert main(["rubric", "pairs.jsonl", "--from", "pairs", "--model", f"{{url: {at.url}}}", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["rows"], found["rubrics"], found["items"], found["proposed"]) == (2, 1, 1, 2) and "no JSON object" in next(
        iter(found["left_out"])
    )
    written = [json.loads(line) for line in (tmp_path / "rubrics.jsonl").read_text().splitlines()]
    assert written == [rows[0] | {"rubric": {"items": [{"text": "It is French.", "weight": 2, "kind": "important"}]}}]
    assert main(["rubric", "pairs.jsonl", "--from", "references", "--model", "{part: scripted}"]) == 2
    assert "one has no 'reference'" in capsys.readouterr().err


def test_the_report_shows_which_items_pay(tmp_path):
    """The first item comes to hold and goes with the reward, the second always holds."""
    with (tmp_path / "completions.jsonl").open("w") as file:
        for step in range(8):
            said = f"{step / 7:.3f}  essential (2)  It is brief.\n1.000  important (1)  It is text."
            file.write(
                json.dumps(
                    {
                        "step": step,
                        "prompt": "q",
                        "completion": "a",
                        "reward": step / 7,
                        "valid": True,
                        "components": {},
                        "said": {"judge": said},
                    }
                )
                + "\n"
            )
    brief, text = paying(read(tmp_path)[0])
    assert (brief.text, brief.kind, brief.weight, brief.judged) == ("It is brief.", "essential", 2.0, 8)
    assert brief.with_reward == pytest.approx(1.0) and brief.begin < 0.2 < 0.8 < brief.end
    assert text.with_reward != text.with_reward and text.begin == text.end == 1.0
    page = html(tmp_path)
    assert "It is brief." in page and "Which items pay" in page
