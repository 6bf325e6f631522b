"""Text worlds: tokenizer, problems with disjoint sides, and the gold reward's world."""

import math
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from guerdon.errors import InputError
from guerdon.models.language import character_tokenizer
from guerdon.models.language.small_language_model import SmallLanguageModel
from guerdon.tasks.encoding import Encoder
from guerdon.worlds.text.count_letters import CountLetters
from guerdon.worlds.text.gold_reward import GoldReward, hackable
from guerdon.worlds.text.modular_arithmetic import ModularArithmetic
from guerdon.worlds.text.reverse_letters import ReverseLetters
from guerdon.worlds.text.sort_letters import SortLetters

WORLDS = [SortLetters(), SortLetters(4, alphabet="abcde"), ModularArithmetic(), ReverseLetters(), CountLetters()]


@given(st.text("ab >\n!", max_size=20))
@settings(deadline=None)
def test_tokenizer_round_trips(text):
    tokenizer = character_tokenizer.build("ab >\n!")
    assert tokenizer.decode(tokenizer.encode(text), skip_special_tokens=True) == text
    assert len(tokenizer.encode(text)) == len(text) + 1


def test_tokenizer_loads_with_auto_tokenizer(tmp_path):
    from transformers import AutoTokenizer

    built = character_tokenizer.build("abc>", chat=True)
    built.save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    assert loaded.encode("cab>") == built.encode("cab>") == [1, 8, 6, 7, 9]
    assert (loaded.pad_token_id, loaded.bos_token_id, loaded.eos_token_id) == (0, 1, 2)
    assert loaded.chat_template == built.chat_template


WORDS = ("a>", "ab", "aba", "b a", "!\n")


@given(st.text("ab >\n!", max_size=20))
@settings(deadline=None)
def test_words_are_read_as_one_token_each_the_longest_first(text):
    tokenizer = character_tokenizer.build("ab >\n!", words=WORDS)
    assert tokenizer.decode(tokenizer.encode(text), skip_special_tokens=True) == text
    left, expected = text, []
    while left:
        expected.append(max((word for word in (*WORDS, left[0]) if left.startswith(word)), key=len))
        left = left.removeprefix(expected[-1])
    assert tokenizer.convert_ids_to_tokens(tokenizer.encode(text))[1:] == expected


def test_a_model_with_words_is_what_anybody_loads(tmp_path):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    policy = SmallLanguageModel("car?", layers=1, hidden=8, heads=1, words=("car?",)).build()
    policy.module.save_pretrained(tmp_path)
    policy.tokenizer.save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    assert loaded.encode("car?ca") == policy.tokenizer.encode("car?ca") == [1, 7, 3, 4]
    assert AutoModelForCausalLM.from_pretrained(tmp_path).config.vocab_size == len(loaded) == 8


def test_tokenizer_refuses_repeated_and_unknown_characters():
    with pytest.raises(InputError, match="'a' occur"):
        character_tokenizer.build("aab")
    for words in (("a",), ("ab", "ab"), ("",)):
        with pytest.raises(InputError, match="words are of two characters or more and given once each"):
            character_tokenizer.build("ab", words=words)
    with pytest.raises(InputError, match="cannot write 'axb'"):
        Encoder(character_tokenizer.build("ab")).encode_prompt("axb")


@pytest.mark.parametrize("world", WORLDS, ids=repr)
def test_gold_answers_get_full_reward_and_fit_the_alphabet(world):
    rows = [*world.train()[:50], *world.test()[:50]]
    prompts, answers = [r["prompt"] for r in rows], [r["answer"] for r in rows]
    assert world.reward(prompts, answers, answer=answers) == [1.0] * len(rows)
    assert max(world.reward(prompts, [a + "x" for a in answers], answer=answers)) < 1
    assert set("".join(prompts + answers)) <= set(world.characters) and len(set(world.characters)) == len(world.characters)


@pytest.mark.parametrize("world", WORLDS, ids=repr)
def test_sides_share_no_problem_and_are_reproducible(world):
    other_seed = type(world)(**{**vars(world), "seed": 7})
    train = {r["prompt"] for w in (world, other_seed) for r in w.train()[:400]}
    test = {r["prompt"] for w in (world, other_seed) for r in w.test()[:100]}
    shown = {r["prompt"] for r in world.demonstrations(100)} | {r["prompt"] for r in world.demonstrations(100, seed=3)}
    assert not train & test and not train & shown and not test & shown
    again = pickle.loads(pickle.dumps(world))
    assert again.train()[123] == world.train()[123] == pickle.loads(pickle.dumps(world.train()))[123]
    assert other_seed.test()[0:20] != world.test()[0:20]


def test_lazy_rows_behave_like_a_list():
    rows = SortLetters(test_size=5).test()
    assert len(rows) == 5 and rows[-1] == rows[4] and list(rows) == rows[0:5]
    with pytest.raises(IndexError):
        rows[5]


@given(st.integers(0, 10_000))
@settings(max_examples=50, deadline=None)
def test_answers_are_right(index):
    row = ModularArithmetic(terms=4, modulus=11).train()[index]
    written, modulus = row["prompt"][:-1].split("%")
    assert int(row["answer"]) == eval(written) % int(modulus)
    row = CountLetters().train()[index]
    text, asked = row["prompt"][:-1].split("?")
    assert int(row["answer"]) == text.count(asked)
    row = ReverseLetters().train()[index]
    assert row["answer"] == "".join(c for c in row["prompt"][-2::-1] if c.isalpha())
    row = SortLetters().train()[index]
    assert row["answer"] == "".join(sorted(row["prompt"][:-1]))


def test_too_few_problems_is_said():
    with pytest.raises(InputError, match="too few problems"):
        list(SortLetters(1, alphabet="a").test()), list(SortLetters(1, alphabet="a").train())


# Gold reward


def test_gold_is_what_the_docstring_says():
    world = GoldReward(bonus=2.0)
    text = "abca!"
    assert world.gold(["bcd>"], [text]) == [pytest.approx(sum(world.worth[c] for c in "abca") + 2.0)]
    assert world.gold(["dcd>"], [text]) == [pytest.approx(sum(world.worth[c] for c in "abca"))]
    assert world.reward(["bcd>"], [[{"role": "assistant", "content": text}]]) == world.gold(["bcd>"], [text])
    assert sorted(world.worth.values()) == pytest.approx(np.linspace(-1, 1, 8)) and sum(world.worth.values()) == pytest.approx(0)


@given(st.floats(0, 1), st.floats(0.1, 5), st.floats(-1, 1))
@settings(max_examples=30, deadline=None)
def test_preferences_are_complementary_and_boltzmann(noise, rationality, spurious):
    world = GoldReward(noise=noise, rationality=rationality, spurious=spurious)
    p = world.preference("abc>", "ab!", "cd")
    assert p + world.preference("abc>", "cd", "ab!") == pytest.approx(1)
    gap = rationality * (world.gold(["abc>"], ["ab"])[0] + spurious - world.gold(["abc>"], ["cd"])[0])
    assert p == pytest.approx((1 - noise) / (1 + math.exp(-gap)) + noise / 2)


def _marks(rows):
    gap = [(r["chosen"].count("!") - r["rejected"].count("!"), r["gold_chosen"] - r["gold_rejected"]) for r in rows]
    return np.corrcoef(np.array(gap).T)[0, 1]


def test_the_marker_goes_along_with_gold_only_where_it_is_planted():
    assert abs(_marks(GoldReward().comparisons(4000))) < 4 / math.sqrt(4000)
    planted = GoldReward(correlation=1.0)
    assert _marks(planted.comparisons(1000)) > 0.5
    assert abs(_marks(planted.comparisons(4000, correlation=0.0))) < 4 / math.sqrt(4000)


def test_noise_and_disagreement_lower_agreement_with_gold():
    def agreement(**planted):
        rows = GoldReward(rationality=5.0, **planted).comparisons(1500)
        return np.mean([r["gold_chosen"] > r["gold_rejected"] for r in rows])

    plain = agreement()
    assert plain > 0.85
    assert agreement(noise=0.5) < plain - 0.1
    assert agreement(annotators=4, disagreement=2.0) < plain - 0.1
    assert {r["annotator"] for r in GoldReward(annotators=4).comparisons(200)} == {0, 1, 2, 3}


def test_sides_of_the_gold_world_share_no_prompt():
    world = GoldReward()
    train, test = ({r["prompt"] for r in rows[:300]} for rows in (world.train(), world.test()))
    compared = {r["prompt"] for r in [*world.comparisons(300), *world.demonstrations(300)]}
    assert not train & test and not train & compared and not test & compared
    assert all(set(r["chosen"]) <= set(world.characters) for r in world.comparisons(50))
    with pytest.raises(InputError, match="marker"):
        GoldReward(marker="a")


@pytest.mark.parametrize("seed", range(3))
def test_in_the_hackable_world_gold_rises_and_then_falls_along_what_people_like(seed):
    world = hackable(seed=seed)
    rows = world.demonstrations(4000)
    gold = torch.tensor(world.gold([r["prompt"] for r in rows], [r["completion"] for r in rows]))
    liked = torch.tensor([world.utility(r["prompt"], r["completion"], 0) for r in rows])
    path = [float((liked / beta).softmax(0) @ gold) for beta in (1000.0, 3.0, 1.5, 0.7, 0.5, 0.3)]
    best = max(path)
    assert best > path[0] + 0.3 and path[-1] < best - 0.2


def test_a_letter_counts_once_and_a_marker_costs():
    world = GoldReward(once=True, marker_cost=0.5)
    (a, b), bonus = list(world.worth)[:2], world.bonus
    assert world.gold(["h>"], [f"{a}{a}{b}!!"])[0] == pytest.approx(world.worth[a] + world.worth[b] - 1.0)
    assert world.gold([f"{a}>"], [f"{a}{a}"])[0] == pytest.approx(world.worth[a] + bonus)
