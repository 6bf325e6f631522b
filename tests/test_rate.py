"""``guerdon rate``: a table of comparisons becomes scores with intervals, and what cannot be rated is said in a sentence."""

import csv
import json
import math
from pathlib import Path

import pytest
import torch

from guerdon.exact.likelihoods.davidson import Davidson
from guerdon.exact.likelihoods.order_effect import OrderEffect
from guerdon.interfaces.cli import main
from guerdon.worlds.finite.annotators import Annotators

NAMES = ["ada", "bo", "cy", "di"]
PEOPLE = Annotators(OrderEffect(Davidson()), given=(("score", (1.5, 0.5, -0.5, -1.5)), ("tie", -0.5), ("order", 0.5)))


@pytest.fixture
def rate(tmp_path, monkeypatch, capsys):
    """Write rows and rate them: exit code, what was printed and what was said on standard error."""
    monkeypatch.chdir(tmp_path)

    def run(rows, *options, name="rows.jsonl"):
        Path(name).write_text("".join(json.dumps(row) + "\n" for row in rows))
        capsys.readouterr()
        code = main(["rate", name, *options])
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return code, said.out, " ".join(said.err.split())

    return run


def battles(times=60):
    """As leaderboards write them down."""
    asked = torch.tensor([(i, j) for i in range(4) for j in range(4) if i != j]).repeat(times, 1)
    words = ("model_a", "model_b", "tie")
    return [
        {"model_a": NAMES[a], "model_b": NAMES[b], "winner": words[answer], "user": index // 6}
        for index, ((a, b), answer) in enumerate(zip(asked.tolist(), PEOPLE.ask(asked, 0).tolist(), strict=True))
    ]


def won(winner, loser, **columns):
    return {"item_a": winner, "item_b": loser, "winner": "a", **columns}


def test_scores_with_intervals_for_a_program(rate):
    rows = battles()
    code, out, _ = rate(rows, "--order", "--json")
    found = json.loads(out)
    assert code == 0
    assert found["model"] == "Davidson()" and found["comparisons"] == len(rows) and found["left_out"] == 0
    assert [row["item"] for row in found["items"]] == NAMES
    assert sum(row["score"] for row in found["items"]) == pytest.approx(0, abs=1e-9)
    for row, truth in zip(found["items"], (1.5, 0.5, -0.5, -1.5), strict=True):
        assert row["low"] < row["score"] < row["high"] and abs(row["score"] - truth) < 4 * (row["high"] - row["score"]) / 1.96
        assert row["wins"] == sum(
            r["model_a" if r["winner"] == "model_a" else "model_b"] == row["item"] for r in rows if r["winner"] != "tie"
        )
        assert row["ties"] == sum(row["item"] in (r["model_a"], r["model_b"]) for r in rows if r["winner"] == "tie")
        assert row["wins"] + row["losses"] + row["ties"] == 360
    assert {(row["best_rank"], row["worst_rank"]) for row in found["items"]} == {(i, i) for i in range(1, 5)}
    assert found["parameters"]["order"]["low"] < 0.5 < found["parameters"]["order"]["high"]
    assert found["parameters"]["tie"]["low"] < -0.5 < found["parameters"]["tie"]["high"]


def test_a_table_for_a_person_and_a_file(rate):
    code, out, said = rate(battles(), "--cluster", "user", "--out", "ratings/table.csv")
    assert code == 0 and "written: ratings/table.csv" in said
    lines = out.splitlines()
    assert lines[0].split()[:3] == ["rank", "item", "score"] and "95 % interval" in lines[0]
    assert [line.split()[1] for line in lines[1:5]] == NAMES
    assert "tie" in lines[5] and "robust intervals" in lines[-1]
    with Path("ratings/table.csv").open() as file:
        table = list(csv.DictReader(file))
    assert [row["item"] for row in table] == NAMES and float(table[0]["low"]) < float(table[0]["score"])
    rate(battles(), "--out", "table.jsonl")
    assert [json.loads(line)["item"] for line in Path("table.jsonl").read_text().splitlines()] == NAMES


def test_odds_of_three_to_one_in_nats_and_in_points(rate):
    """By hand: three wins to one are ln 3 apart, with the variance 4/3; 400 points are odds of ten."""
    rows = [won("x", "y")] * 3 + [won("y", "x")]
    first, second = json.loads(rate(rows, "--json")[1])["items"]
    assert first["score"] - second["score"] == pytest.approx(math.log(3))
    assert first["high"] - first["score"] == pytest.approx(1.959964 * math.sqrt(4 / 3) / 2, rel=1e-5)
    assert (first["best_rank"], first["worst_rank"]) == (1, 2)
    best, worst = json.loads(rate(rows, "--elo", "--json")[1])["items"]
    assert best["score"] - worst["score"] == pytest.approx(400 * math.log10(3)) and best["score"] + worst["score"] == pytest.approx(2000)


def test_items_compared_with_themselves_are_left_out_and_counted_where_that_is_asked_for(rate):
    rows = [{"item_a": "x", "item_b": "y", "winner": w} for w in ("a", "a", "b")]
    wrong = [*rows, {"item_a": "x", "item_b": "x", "winner": "a"}]
    code, _, said = rate(wrong)
    assert code == 2 and "compared with itself" in said and "--drop" in said
    code, out, _ = rate(wrong, "--drop", "--json")
    assert code == 0 and (found := json.loads(out))["left_out"] == 1
    assert found["items"] == json.loads(rate(rows, "--json")[1])["items"]


def test_ties_may_be_halves_or_left_out(rate):
    rows = [won("x", "y")] * 2 + [won("y", "x"), {"item_a": "x", "item_b": "y", "winner": "tie"}]
    assert "Davidson" in rate(rows)[1]
    code, out, _ = rate(rows, "--model", "bradley_terry", "--half", "--json")
    assert code == 0 and json.loads(out)["items"][0]["score"] == pytest.approx(math.log(2.5 / 1.5) / 2)
    code, out, said = rate(rows, "--model", "bradley_terry", "--drop")
    assert code == 0 and "1 comparisons are left out" in said and f"{math.log(2) / 2:.3f}" in out
    code, _, said = rate(rows, "--model", "bradley_terry")
    assert code == 2 and "comparison 3 is a tie" in said and "--half" in said


def test_where_neither_may_be_good_enough_scores_have_a_zero(rate):
    """By hand: of x and y, each is chosen twice and neither twice, so both are worth what nothing is worth."""
    rows = [won("x", "y")] * 2 + [won("y", "x")] * 2 + [{"item_a": "x", "item_b": "y", "winner": "tie (bothbad)"}] * 2
    code, out, _ = rate(rows, "--json")
    found = json.loads(out)
    assert code == 0 and found["model"] == "OutsideOption()"
    assert [row["score"] for row in found["items"]] == pytest.approx([0, 0], abs=1e-9)
    assert found["items"][0]["neither"] == 2
    assert "neither" in rate(rows)[1].splitlines()[0]


def test_columns_have_names_of_their_own_and_the_winner_may_be_named(rate):
    rows = [{"left": "x", "right": 7, "best": "x"}, {"left": 7, "right": "x", "best": 7}]
    code, out, _ = rate(rows, "--first", "left", "--second", "right", "--winner", "best", "--json")
    assert code == 0 and {row["item"] for row in json.loads(out)["items"]} == {"x", "7"}


def test_clusters_that_repeat_themselves_widen_the_intervals(rate):
    rows = [row | {"id": index} for index, row in enumerate(battles(20))]
    width = lambda found: found["items"][0]["high"] - found["items"][0]["low"]  # noqa: E731
    once = json.loads(rate(rows, "--json")[1])
    often = json.loads(rate(rows * 4, "--json")[1])
    robust = json.loads(rate(rows * 4, "--cluster", "id", "--json")[1])
    assert width(often) == pytest.approx(width(once) / 2, rel=1e-6)
    assert width(robust) == pytest.approx(width(once), rel=0.2)


@pytest.mark.parametrize(
    ("rows", "options", "words"),
    [
        ([won("x", "y")], (), "x never lost"),
        ([won("x", "y"), won("y", "x"), won("p", "q"), won("q", "p")], (), "2 groups that were never compared"),
        ([won("x", "x")], (), "row 0 of rows.jsonl"),
        (
            [won("x", "y"), {"item_a": "x", "item_b": "y", "winner": "z"}],
            (),
            "row 1 of rows.jsonl (the first is row 0): column 'winner' says 'z'",
        ),
        ([won("x", "y"), {"item_a": "x", "item_b": None, "winner": "a"}], (), "nothing in column 'item_b'"),
        ([{"item_a": "x", "item_c": "y", "winner": "a"}], (), "no column 'item_b' (did you mean 'item_c'?)"),
        ([won("x", "y")], ("--cluster", "user"), "no column 'user'"),
        ([won("x", "y")], ("--model", "davidsen"), "did you mean davidson"),
        ([won("x", "y")], ("--model", "mixture"), "unknown likelihood 'mixture'"),
        ([won("x", "y")], ("--model", "thurstone", "--elo"), "--elo"),
        ([won("x", "y")], ("--out", "table.xlsx"), ".csv or .jsonl"),
        ([won("x", "y"), won("y", "x")], ("--confidence", "95"), "confidence is 95"),
        ([{"item_a": "x", "item_b": "y", "winner": "tie"}], ("--model", "bradley_terry", "--drop"), "no comparison is left"),
        ([{"item_a": "x", "item_b": "y", "winner": w} for w in ("tie", "neither", "a", "b")], (), "--drop"),
    ],
)
def test_what_cannot_be_rated_is_said(rate, rows, options, words):
    code, out, said = rate(rows, *options)
    assert code == 2 and out == "" and words in said, said


def test_a_prior_rates_who_never_lost_and_who_was_never_compared(rate):
    rows = [won("x", "y"), won("p", "q")]
    code, out, _ = rate(rows, "--ridge", "0.5", "--json")
    assert code == 0
    scores = {row["item"]: row["score"] for row in json.loads(out)["items"]}
    assert scores["x"] == pytest.approx(scores["p"]) and scores["x"] == pytest.approx(-scores["y"]) and scores["x"] > 0.1


# verdicts as people have them


def duel(**said):
    return {"model_a": "x", "model_b": "y", **said}


def scores(out):
    return {row["item"]: row["score"] for row in json.loads(out)["items"]}


@pytest.mark.parametrize(
    ("rows", "options"),
    [
        ([duel(probability=0.75)], ()),
        ([duel(p=0.75), duel(p=0.75)], ("--probability", "p")),
        ([duel(p=1), duel(p=0.5)], ("--probability", "p")),
        ([duel(votes_a=3, votes_b=1)], ()),
        ([duel(votes_a=2, votes_b=1), duel(votes_a=1, votes_b=0)], ()),
        ([duel(up=3, down=1)], ("--votes", "up,down")),
        ([duel(winner_model_a=1, winner_model_b=0)] * 3 + [duel(winner_model_a=0, winner_model_b=1)], ()),
    ],
)
def test_probabilities_and_votes_are_shares_and_counts_of_answers(rate, rows, options):
    """Three to one are ln 3 apart, however that is told."""
    code, out, said = rate(rows, *options, "--json")
    assert code == 0, said
    assert scores(out)["x"] - scores(out)["y"] == pytest.approx(math.log(3))


def test_votes_are_as_many_answers_and_a_probability_is_one(rate):
    each = [won("x", "y")] * 3 + [won("y", "x")]
    asked = json.loads(rate(each, "--json")[1])
    votes = json.loads(rate([{"item_a": "x", "item_b": "y", "votes_a": 3, "votes_b": 1}], "--json")[1])
    assert votes == asked and votes["comparisons"] == 4 and votes["items"][0]["wins"] == 3
    odds = json.loads(rate([{"item_a": "x", "item_b": "y", "probability": 0.75}], "--json")[1])
    assert odds["comparisons"] == 1 and odds["items"][0]["wins"] == 0.75
    width = lambda found: found["items"][0]["high"] - found["items"][0]["low"]  # noqa: E731
    assert width(odds) == pytest.approx(2 * width(asked))


def test_votes_for_ties(rate):
    voted = json.loads(rate([duel(votes_a=2, votes_b=1, votes_tie=3)], "--json")[1])
    asked = json.loads(rate([duel(winner=w) for w in ("model_a", "model_a", "model_b", "tie", "both good", "tie (bothgood)")], "--json")[1])
    assert voted == asked and voted["model"] == "Davidson()" and voted["items"][0]["ties"] == 3


ARENA = ["model_a", "model_a", "model_b", "tie", "tie (bothbad)"]


def test_both_bad_is_what_it_is_said_to_be(rate):
    rows = [duel(winner=word) for word in ARENA]
    code, _, said = rate(rows)
    assert code == 2 and "--both-bad tie" in said
    as_tie = json.loads(rate(rows, "--both-bad", "tie", "--json")[1])
    assert as_tie == json.loads(rate([duel(winner=w.split(" (")[0]) for w in ARENA], "--json")[1]) and as_tie["left_out"] == 0
    dropped = json.loads(rate(rows, "--both-bad", "drop", "--json")[1])
    assert dropped["comparisons"] == 4 and dropped["left_out"] == 1 and dropped["items"] == json.loads(rate(rows[:4], "--json")[1])["items"]
    neither = [duel(winner=w) for w in ("model_a", "model_b", "both bad", "bothbad")]
    assert json.loads(rate(neither, "--json")[1])["model"] == "OutsideOption()"


def test_names_that_look_like_numbers_are_names(rate):
    Path("table.csv").write_text("model_a,model_b,winner\n007,7,007\n007,7,7\n1e5,7,1e5\n1e5,7,7\n")
    assert main(["rate", "table.csv", "--out", "out.jsonl"]) == 0
    assert {json.loads(line)["item"] for line in Path("out.jsonl").read_text().splitlines()} == {"007", "7", "1e5"}


@pytest.mark.parametrize(
    ("row", "options", "words"),
    [
        (duel(probability=1.5), (), "row 0 of rows.jsonl (the first is row 0): column 'probability' says 1.5"),
        (duel(probability=None), (), "nothing in column 'probability'"),
        (duel(probability="likely"), (), "'likely', where a number that is at least 0 is expected"),
        (duel(probability=-0.1), (), "at least 0"),
        (duel(votes_a=float("nan"), votes_b=1), (), "at least 0"),
        (duel(votes_a=10**400, votes_b=1), (), "at least 0"),
        (duel(votes_a=0, votes_b=0), (), "no vote in 'votes_a', 'votes_b'"),
        (duel(winner="a", p=0.5), ("--winner", "winner", "--probability", "p"), "--winner and --probability both say who won"),
        (duel(winner="a"), ("--votes", "p"), "two or three columns"),
        (duel(winner="a"), ("--votes", "p,q"), "no column 'p'"),
        (duel(winner="a"), ("--both-bad", "ties"), "did you mean tie"),
        (duel(winner="both bad"), ("--both-bad", "drop"), "no comparison is left"),
    ],
)
def test_soft_verdicts_that_are_none_are_said(rate, row, options, words):
    code, out, said = rate([row], *options)
    assert code == 2 and out == "" and words in said, said


def on(topic, *leads):
    """Ten battles of every pair on a topic, of which the first of the two wins so many."""
    found = []
    for (a, b), wins in zip((("ada", "bo"), ("bo", "cy"), ("ada", "cy")), leads, strict=True):
        found += [{"item_a": a, "item_b": b, "winner": "a" if i < wins else "b", "topic": topic} for i in range(10)]
    return found


def test_an_equilibrium_is_not_moved_by_copies_of_a_topic_or_an_item(rate):
    rows = on("verse", 9, 6, 9) + on("sums", 2, 6, 3)
    more = [row | {"topic": f"sums {k}"} for k in range(4) for row in on("", 2, 6, 3)]
    copied = [{"item_a": "bo", "item_b": "bo2", "winner": "tie", "topic": topic} for topic in ("verse", "sums")]
    copied += [row | {side: "bo2"} for row in rows for side in ("item_a", "item_b") if row[side] == "bo"]
    ratings = []
    for table in (rows, rows + more, rows + copied):
        code, out, _ = rate(table, "--equilibrium", "--topic", "topic", "--json")
        assert code == 0
        ratings.append({row["item"]: row["rating"] for row in json.loads(out)["items"]})
    assert min(ratings[0].values()) < -0.05
    for other in ratings[1:]:
        assert {name: other[name] for name in ratings[0]} == pytest.approx(ratings[0], abs=1e-4)
    assert ratings[2]["bo2"] == pytest.approx(ratings[2]["bo"], abs=1e-6)
    by_wins = [{row["item"]: row["score"] for row in json.loads(rate(table, "--json")[1])["items"]} for table in (rows, rows + more)]
    assert by_wins[0]["ada"] > 0.2 and by_wins[1]["ada"] < -0.2  # four copies of what it is bad at


@pytest.mark.parametrize(
    ("rows", "options", "said"),
    [
        (
            on("verse", 9, 6, 9)[:20],
            ("--equilibrium",),
            "ada and cy were never compared (1 such pairs), and an equilibrium needs every pair of items",
        ),
        (on("verse", 9, 6, 9), ("--equilibrium", "--elo"), "--elo: an equilibrium has no use for it; leave it out"),
        (on("verse", 9, 6, 9), ("--topic", "topic"), "--topic: only --equilibrium reads it; leave it out"),
        (
            [won("ada", "bo") | {"winner": "neither"}],
            ("--equilibrium",),
            "which is no outcome of a game: count it as a tie (--both-bad tie)",
        ),
    ],
)
def test_what_an_equilibrium_cannot_do_is_said(rate, rows, options, said):
    code, _, err = rate(rows, *options)
    assert code == 2 and said in err
