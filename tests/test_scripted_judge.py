"""The text world of several criteria, and the judge whose errors and biases are known."""

import math
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guerdon.errors import InputError
from guerdon.feedback.judges.function import Function
from guerdon.worlds.text._criteria import CRITERIA, Avoids, Ends
from guerdon.worlds.text.checked_answers import CheckedAnswers
from guerdon.worlds.text.scripted_judge import ScriptedJudge

WORLD = CheckedAnswers(strewn=0.3)


@given(seed=st.integers(0, 10**6), asked=st.integers(0, 6))
@settings(max_examples=30, deadline=None)
def test_who_minds_every_criterion_meets_every_criterion(seed, asked):
    world = CheckedAnswers(asked=asked, seed=seed)
    for row in world.answers(3, seed=seed, care=1.0):
        assert row["gold"] == 1.0 and all(row["met"]) and len(row["met"]) == (asked or len(CRITERIA))


def test_verdicts_on_texts_that_were_looked_at():
    world = CheckedAnswers()
    looked_at = {
        "FAD:cf>": {"abcd": (1, 1, 1), "abf": (0, 0, 1), "aabbcc.": (1, 1, 0), "abcdegh": (0, 1, 1), "abcdeg.": (1, 1, 1)},
        "MOE:cf>": {"c.": (1, 1, 1), "ca": (1, 0, 0), "a.b": (0, 1, 0), ".": (0, 0, 0), "": (0, 0, 0), "!c~.": (1, 1, 1)},
        "cf>": {"": (0,) * 6, "abcd.": (1,) * 6},
    }
    for prompt, texts in looked_at.items():
        for text, met in texts.items():
            assert world.met(prompt, text) == tuple(map(bool, met)), (prompt, text)
    assert [item["text"] for item in world.rubric("FM:ab>")] == ["It has 4 to 6 letters.", "It has the letter a."]
    weighed = CheckedAnswers(criteria=(Avoids(weight=3.0), Ends()), asked=2)
    assert weighed.gold(["AE:cf>"] * 3, ["a", "f.", "a."]) == [0.75, 0.25, 1.0]


def test_rows_are_the_same_again_and_sides_share_no_prompt():
    shown = [*WORLD.answers(300), *WORLD.demonstrations(300), *WORLD.comparisons(100)]
    sides = [{row["prompt"] for row in side} for side in (WORLD.train()[:500], WORLD.test(), shown)]
    assert not (sides[0] & sides[1] or sides[0] & sides[2] or sides[1] & sides[2])
    assert WORLD.answers(20)[:5] == WORLD.answers(5) == pickle.loads(pickle.dumps(WORLD)).answers(5)
    assert all(row["gold_chosen"] > row["gold_rejected"] for row in WORLD.comparisons(100))
    texts = "".join(row["prompt"] + row["completion"] + row["judgement"] for row in WORLD.answers(300))
    assert set(texts) <= set(WORLD.characters) and {"!", "~"} <= set(texts)


def test_judgements_are_read_as_they_are_written():
    for row in WORLD.answers(100):
        assert WORLD.verdicts(row["prompt"], row["judgement"]) == tuple(row["met"])
        assert WORLD.question(row["prompt"], row["completion"]).endswith("?")
    assert WORLD.judgement("MOE:cf>", (True, False, True)) == "M+O-E+=2"
    assert [WORLD.verdicts("MOE:cf>", said) for said in ("M+O-E+=3", "O-M+E+=2", "good", "")] == [None] * 4


def test_a_verdict_is_right_as_often_as_it_says():
    rights = (0.95, 0.9, 0.8, 0.7, 0.6, 0.5)
    judge = ScriptedJudge(WORLD, right=rights, systematic=0.5)
    right, asked = [0] * 6, [0] * 6
    for row in WORLD.answers(1200):
        counted = [CRITERIA.index(c) for c in WORLD.counted(row["prompt"])]
        for k, met, verdict in zip(counted, row["met"], judge.verdicts(row["prompt"], row["completion"]), strict=True):
            asked[k] += 1
            right[k] += met == verdict
    for k, chance in enumerate(rights):
        assert abs(right[k] / asked[k] - chance) < 4 * math.sqrt(chance * (1 - chance) / asked[k])


@pytest.mark.parametrize(
    "judge",
    [ScriptedJudge(WORLD, 0.8, systematic=0.4, length=0.3, own=0.2, falls=0.5), ScriptedJudge(WORLD, 0.7, position=0.4, falls=0.9)],
    ids=["biased by texts", "biased by place"],
)
def test_exact_expectations_are_those_of_many_votes(judge):
    prompt, first, second = "FOE:cf>", "!dcba", "~abcd."
    votes = 800
    means = [0.0] * 3
    for seed in range(votes):
        one = ScriptedJudge(**vars(judge) | {"seed": seed})
        scores = one.scores([prompt] * 2, [first, second])
        for k, got in enumerate((*scores, *one.prefers([prompt], [first], [second]))):
            means[k] += got / votes
    exact = (*judge.expected([prompt] * 2, [first, second]), *judge.preference([prompt], [first], [second]))
    assert all(abs(mean - want) < 4 * 0.5 / math.sqrt(votes) for mean, want in zip(means, exact, strict=True))


def test_preference_by_hand():
    """Right with 0.9 on one criterion: a met one scores 1 with 0.9. The place is worth a half, which decides ties and no more."""
    one = CheckedAnswers(criteria=(Ends(),), asked=1)
    exact = {
        position: ScriptedJudge(one, 0.9, position=position).preference(["E:ab>"] * 2, ["a.", "a"], ["a", "a."]) for position in (0, 0.5)
    }
    assert exact[0] == pytest.approx([0.81 + 0.18 / 2, 0.01 + 0.18 / 2])
    assert exact[0.5] == pytest.approx([0.81 + 0.18, 0.01 + 0.18])


def test_a_majority_mends_what_is_not_systematic():
    rows = WORLD.answers(300)

    def wrong(judge):
        found = 0
        for row in rows:
            votes = [judge.verdicts(row["prompt"], row["completion"], vote) for vote in range(9)]
            found += sum((sum(v[k] for v in votes) > 4) != met for k, met in enumerate(row["met"]))
        return found / (3 * len(rows))

    assert wrong(ScriptedJudge(WORLD, 0.8)) < 0.05  # 2 % by the binomial
    assert wrong(ScriptedJudge(WORLD, 0.8, systematic=1.0)) > 0.15


def test_it_compares_as_a_judge_of_the_house_and_asking_both_orders_takes_the_place_away():
    row = {"prompt": ["MOE:cf>"], "first_completion": ["acd"], "second_completion": ["acd."]}
    judge = ScriptedJudge(WORLD, right=1.0, position=0.5)
    assert Function(judge.prefers)(**row).tolist() == [1.0]
    assert Function(judge.prefers, both_orders=True)(**row).tolist() == [0.5]
    assert Function(ScriptedJudge(WORLD, right=1.0).prefers)(**row).tolist() == [0.0]


def test_what_cannot_be_is_refused():
    with pytest.raises(InputError, match="asked is at most"):
        CheckedAnswers(asked=7)
    with pytest.raises(InputError, match="four or more different"):
        CheckedAnswers(letters="aabc")
    with pytest.raises(InputError, match="none of the letters"):
        CheckedAnswers(mark="a")
    with pytest.raises(InputError, match="a code of its own"):
        CheckedAnswers(criteria=(Ends(), Ends(2.0)), asked=1)
    with pytest.raises(InputError, match="none of this world's"):
        WORLD.met(">", "a")
    with pytest.raises(InputError, match="care between 0 and 1"):
        WORLD.comparisons(1, care=1.0)
    with pytest.raises(InputError, match="one each"):
        ScriptedJudge(WORLD, right=(0.5, 0.5))
    with pytest.raises(InputError, match="probabilities"):
        ScriptedJudge(WORLD, falls=2.0)
