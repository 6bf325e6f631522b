"""Data: formats against TRL's own helpers, their batches, curation and selection."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from guerdon.data.curation.best_worst_pairs import BestWorstPairs
from guerdon.data.curation.rejection_sampling import RejectionSampling
from guerdon.data.examples import examples
from guerdon.data.formats import share_gpt
from guerdon.data.formats._detect import detect
from guerdon.data.formats._toy import codes, toy
from guerdon.data.formats.language_modelling import LanguageModelling
from guerdon.data.formats.preference import Preference, extract_prompt
from guerdon.data.formats.prompt_completion import PromptCompletion
from guerdon.data.formats.prompt_only import PromptOnly
from guerdon.data.formats.share_gpt import ShareGPT
from guerdon.data.formats.stepwise import Stepwise
from guerdon.data.formats.unpaired import Unpaired
from guerdon.data.selection.learnability import Learnability
from guerdon.data.selection.unsolved import Unsolved
from guerdon.data.selection.weighted_prompts import WeightedPrompts
from guerdon.data.selection.zero_variance import ZeroVariance
from guerdon.errors import InputError
from guerdon.models.language.character_tokenizer import build
from guerdon.sequences import collate
from guerdon.tasks.encoding import Encoder
from guerdon.worlds.text.gold_reward import GoldReward

user, good, bad = ({"role": r, "content": c} for r, c in (("user", "2"), ("assistant", "4"), ("assistant", "5")))
words = st.text("ab c", min_size=1, max_size=5)


# Formats


@pytest.mark.parametrize(
    ("row", "format"),
    [
        ({"text": "a"}, LanguageModelling()),
        ({"messages": [user, good]}, LanguageModelling()),
        ({"prompt": "a", "answer": "b"}, PromptOnly()),
        ({"prompt": "a", "completion": "b", "answer": "c"}, PromptCompletion()),
        ({"prompt": "a", "completion": "b", "label": True}, Unpaired()),
        ({"prompt": "a", "completions": ["b"], "labels": [True]}, Stepwise()),
        ({"chosen": "a", "rejected": "b"}, Preference()),
        ({"prompt": "a", "chosen": "a", "rejected": "b", "margin": 1}, Preference()),
        ({"conversations": [{"from": "human", "value": "a"}]}, ShareGPT()),
    ],
)
def test_detect(row, format):
    assert detect(row) == format


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"prompt": "a", "chosen": "b", "rejcted": "c"}, "no column 'rejected'; did you mean it by 'rejcted'"),
        ({"prompt": "a", "completon": "c"}, "did you mean it by 'completon'"),
        ({"prompt": "a", "chosen": "b"}, "no 'rejected'"),
        ({"prompt": "a", "completions": ["b"], "verdicts": [1]}, "no 'labels'"),
        ({"question": "a", "answer": "b"}, "no format that is known"),
    ],
)
def test_detect_says_what_is_missing(row, words):
    with pytest.raises(InputError, match=words):
        detect(row)


@pytest.mark.parametrize(
    ("format", "row", "words"),
    [
        (PromptCompletion(), {"prompt": "a", "completion": None}, "column 'completion' has nothing"),
        (PromptCompletion(), {"prompt": "a", "completion": "b", "weight": math.nan}, "column 'weight' holds nan"),
        (Preference(), {"prompt": "a", "chosen": "b", "rejected": "b"}, "nothing was preferred"),
        (Preference(), {"chosen": "xa", "rejected": "yb"}, "share no prompt"),
        (Preference(), {"chosen": [user, good], "rejected": [user]}, "share no prompt"),
        (Preference(), {"chosen": "a", "rejected": [user]}, "make them alike"),
        (Unpaired(), {"prompt": "a", "completion": "b", "label": 3}, "label 3 is no verdict"),
        (Unpaired(), {"prompt": "a", "completion": "b", "label": "perhaps"}, "no verdict"),
        (Stepwise(), {"prompt": "a", "completions": ["b"], "labels": [1, 0]}, "equal length, and are 1 long and 2 long"),
        (Stepwise(), {"prompt": "a", "completions": ["b", ""], "labels": [1, 0]}, "separator|empty"),
        (ShareGPT(), {"conversations": [{"from": "humna", "value": "a"}]}, "did you mean human"),
        (ShareGPT(), {"conversations": [{"role": "user", "content": "a"}]}, "needs 'from' and 'value'"),
    ],
)
def test_bad_rows_are_a_sentence(format, row, words):
    if row.get("completions") == ["b", ""]:
        format = Stepwise(separator="")
    with pytest.raises(InputError, match=words):
        format(row, toy())


def test_examples_name_the_row():
    rows = [{"prompt": "a", "completion": "b"}, {"prompt": "a", "completion": None}]
    with pytest.raises(InputError, match=r"row 1 of the pairs \(the first is row 0\): column 'completion'"):
        examples(rows, toy(), where="the pairs")
    with pytest.raises(InputError, match="has no rows"):
        examples([], toy())
    with pytest.raises(InputError, match=r"row 0 .*no number in column 'margin'"):
        examples(rows[:1], toy(), columns=("margin",))
    with pytest.raises(InputError, match=r"row 1 .*the prompt has 7 tokens and there is room for 3"):
        examples([{"prompt": "a" * n, "completion": "b"} for n in (2, 7)], Encoder(toy().tokenizer, max_length=4))


def test_examples_keep_the_numbers_that_all_rows_have_and_can_be_batched():
    rows = [
        {"prompt": "ab", "chosen": "c", "rejected": "dd", "margin": 1, "note": "x", "score": 2.0},
        {"prompt": "ab", "chosen": "c", "rejected": "e", "margin": 2},
    ]
    made = examples(rows, toy(), columns=("margin",))
    batch = collate(made)
    assert set(batch.quantities) == {"margin"} and batch.quantities["margin"].tolist() == [1.0, 2.0]
    assert batch.sides["rejected"].length.tolist() == [3, 2] and len(batch.sides["chosen"].contexts) == 1


def test_step_labels_travel_with_their_side():
    rows = [{"prompt": "p", "completions": ["ab", "c"], "labels": [1, 0.25]}, {"prompt": "q", "completions": ["d"], "labels": [1]}]
    side = collate(examples(rows, toy(), columns=("step_label",))).sides[""]
    assert side.quantities["step_label"].tolist() == [[0, 0, 1, 0, 0.25], [0, 1, 0, 0, 0]]
    assert side.mask.sum(1).tolist() == [2, 1]
    assert side.select(torch.tensor([1])).quantities["step_label"].tolist() == [[0, 1]]


@given(st.lists(words, min_size=1, max_size=3), words, words)
@settings(deadline=None)
def test_extracted_prompt_agrees_with_trl(shared, first, second):
    from trl.data_utils import extract_prompt as reference

    if first == second:
        return
    start = [{"role": ("user", "assistant")[i % 2], "content": c} for i, c in enumerate(shared)]
    chosen, rejected = ([*start, {"role": "assistant", "content": c}] for c in (first, second))
    wanted = reference({"chosen": chosen, "rejected": rejected})
    assert extract_prompt(chosen, rejected) == (wanted["prompt"], wanted["chosen"], wanted["rejected"])


def test_extracted_prompt_of_strings_cuts_no_word():
    assert extract_prompt("the sky is blue", "the sky is black") == ("the sky is", " blue", " black")
    assert extract_prompt("2+2=4", "2+2=5") == ("2+2=", "4", "5")
    assert extract_prompt("yes", "yes, sir") == ("yes", "", ", sir")


@given(words, words, words)
@settings(deadline=None)
def test_extracted_prompt_loses_nothing(prompt, first, second):
    chosen, rejected = prompt + first, prompt + second
    try:
        shared, a, b = extract_prompt(chosen, rejected)
    except InputError:
        return
    assert (shared + a, shared + b) == (chosen, rejected)


def test_prompts_that_are_repeated_in_the_answers_are_taken_off():
    wanted = Preference()({"prompt": [user], "chosen": [good], "rejected": [bad]}, toy())
    assert Preference()({"prompt": [user], "chosen": [user, good], "rejected": [user, bad]}, toy()) == wanted
    assert Preference()({"prompt": "2", "chosen": [user, good], "rejected": [user, bad]}, toy()) == wanted
    assert wanted.sides["chosen"].context == codes("U2.A")


def test_share_gpt_agrees_with_trl():
    from trl.data_utils import maybe_convert_to_chatml

    turns = [{"from": f, "value": v} for f, v in (("system", "s"), ("user", "a"), ("assistant", "b"))]
    assert share_gpt.messages(turns) == maybe_convert_to_chatml({"conversations": turns})["messages"]


def test_text_worlds_fit_the_formats():
    world = GoldReward()
    encode = Encoder(build(world.characters))
    batch = collate(examples(world.comparisons(8), encode))
    assert set(batch.sides) == {"chosen", "rejected"} and {"annotator", "gold_chosen", "gold_rejected"} <= set(batch.quantities)
    assert collate(examples(world.demonstrations(4), encode)).sides[""].mask.any(1).all()


# Curation

scored = st.lists(st.lists(st.one_of(st.none(), st.integers(-3, 3)), max_size=6), max_size=5).map(
    lambda all_scores: [
        {"prompt": i, "completions": [f"{i}.{j}" for j in range(len(scores))], "scores": scores, "tag": -i}
        for i, scores in enumerate(all_scores)
    ]
)


@given(scored, st.integers(0, 3))
@settings(deadline=None)
def test_pairs_are_the_extremes(rows, margin):
    pairs = {pair["prompt"]: pair for pair in BestWorstPairs(margin)(rows)}
    for row in rows:
        known = [s for s in row["scores"] if s is not None]
        pair = pairs.get(row["prompt"])
        assert (pair is None) == (not known or max(known) - min(known) <= margin)
        if pair:
            assert row["scores"][row["completions"].index(pair["chosen"])] == max(known) == pair["score_chosen"]
            assert row["scores"][row["completions"].index(pair["rejected"])] == min(known) == pair["score_rejected"]
            assert pair["tag"] == row["tag"] and "scores" not in pair


@given(scored, st.integers(1, 4), st.one_of(st.none(), st.integers(-2, 2)))
@settings(deadline=None)
def test_rejection_sampling_keeps_the_best(rows, keep, threshold):
    kept = RejectionSampling(keep, threshold)(rows)
    for row in rows:
        mine = [k["score"] for k in kept if k["prompt"] == row["prompt"]]
        known = sorted((s for s in row["scores"] if s is not None and (threshold is None or s >= threshold)), reverse=True)
        assert mine == known[:keep]
        assert all(row["scores"][row["completions"].index(k["completion"])] == k["score"] for k in kept if k["prompt"] == row["prompt"])


def test_scores_that_do_not_match_are_refused():
    with pytest.raises(InputError, match="2 completions and 1 scores"):
        BestWorstPairs()([{"prompt": "p", "completions": ["a", "b"], "scores": [1]}])


# Selection


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from([0.0, 0.5, 1.0, math.nan])), min_size=1, max_size=20))
@settings(deadline=None)
def test_zero_variance_agrees_with_counting(pairs):
    group, reward = torch.tensor([g for g, _ in pairs]), torch.tensor([r for _, r in pairs])
    kept = ZeroVariance()(reward, group).tolist()
    for (g, r), keep in zip(pairs, kept, strict=True):
        values = {x for h, x in pairs if h == g and not math.isnan(x)}
        assert keep == (not math.isnan(r) and len(values) > 1)


@given(st.floats(-1e4, 1e4, width=32), st.integers(2, 6))
@settings(deadline=None)
def test_zero_variance_is_not_fooled_by_rounding(value, n):
    reward = torch.full((n,), value)
    noisy = torch.nextafter(reward, reward + 1) * (torch.arange(n) % 2) + reward * (torch.arange(n) % 2 == 0)
    group = torch.zeros(n, dtype=torch.long)
    assert not ZeroVariance()(noisy, group).any()
    assert ZeroVariance()(reward + 0.01 * max(1, abs(value)) * torch.arange(n), group).all()


@given(st.lists(st.lists(st.tuples(st.integers(0, 4), st.sampled_from([0.0, 1.0])), max_size=6), max_size=4))
@settings(deadline=None)
def test_success_rates_are_remembered(calls):
    state, weight, unsolved = {}, {}, {}
    for call in calls:
        given_ = {
            "reward": torch.tensor([r for _, r in call]),
            "prompt_id": torch.tensor([p for p, _ in call], dtype=torch.long),
            "size": 5,
        }
        unsolved, _ = Unsolved(floor=0.0)(**given_, state=state)
        weight, state = Learnability(floor=0.0)(**given_, state=state)
    for prompt in range(5 if calls else 0):
        mine = [r for call in calls for p, r in call if p == prompt]
        rate = sum(mine) / len(mine) if mine else None
        assert float(unsolved[prompt]) == pytest.approx(1.0 if rate is None else 1 - rate)
        assert float(weight[prompt]) == pytest.approx(0.25 if rate is None else rate * (1 - rate))


def test_forgetting_forgets():
    part, state = Unsolved(floor=0.0, decay=0.5), {}
    for reward in (0.0, 0.0, 0.0, 1.0):
        weight, state = part(reward=torch.tensor([reward]), prompt_id=torch.tensor([1]), size=2, state=state)
    assert float(weight[1]) == pytest.approx(1 - 1 / (1 + 0.5 + 0.25 + 0.125)) and float(weight[0]) == 1.0


@pytest.mark.parametrize("replacement", [False, True])
def test_prompts_are_drawn_in_proportion_to_their_weight(replacement):
    weight = torch.tensor([1.0, 0.0, 2.0, 5.0])
    draws = 4000
    counts = torch.zeros(4)
    for seed in range(draws):
        counts[WeightedPrompts(replacement)(weight, 1, seed)] += 1
    wanted = draws * weight / weight.sum()
    assert counts[1] == 0
    statistic = ((counts - wanted)[wanted > 0] ** 2 / wanted[wanted > 0]).sum()
    assert statistic < 13.8  # chi-squared with two degrees of freedom: 0.1 %


@given(st.lists(st.floats(0, 10), min_size=1, max_size=12), st.integers(1, 12), st.integers(0, 99))
@settings(deadline=None)
def test_without_replacement_no_prompt_comes_twice(weights, count, seed):
    weight = torch.tensor(weights)
    possible = int((weight > 0).sum())
    if count > possible:
        with pytest.raises(InputError, match=f"only {possible} have a weight above 0"):
            WeightedPrompts()(weight, count, seed)
        return
    drawn = WeightedPrompts()(weight, count, seed).tolist()
    assert len(set(drawn)) == count and all(weights[i] > 0 for i in drawn)
    assert drawn == WeightedPrompts()(weight, count, seed).tolist()


def test_impossible_weights_are_refused():
    with pytest.raises(InputError, match="negative or not a finite"):
        WeightedPrompts()(torch.tensor([1.0, math.nan]), 1, 0)
    with pytest.raises(InputError, match="only 0 have"):
        WeightedPrompts(replacement=True)(torch.zeros(3), 1, 0)
