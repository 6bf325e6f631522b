"""The reward of what a search finds: with the search of the tools, and as the experiment on it computes it for all rewritings at once."""

import json
import math

import numpy as np
import pytest

from guerdon.atlas.domain import rec_r1
from guerdon.errors import InputError
from guerdon.feedback.rewards.search_gain import SearchGain
from guerdon.tasks.tools.bm25 import BM25


def test_it_asks_the_search_that_tools_ask(tmp_path):
    things = {"mug": "a red mug of clay", "pan": "a pan of iron, an iron lid", "pot": "a pot of iron"}
    path = tmp_path / "catalogue.jsonl"
    path.write_text("\n".join(json.dumps({"title": name, "text": text}) for name, text in things.items()))
    reward = SearchGain(BM25(str(path)).ranked)
    paid = reward(["q"] * 3, ["iron", "<think>clay</think>iron lid", "glass"], answer=["pot", ["pan", "mug"], "mug"])
    assert paid == pytest.approx(
        [1 / math.log2(3), 1 / (1 + 1 / math.log2(3)), 0.0]
    )  # "iron" is twice in the pan's text; the mug has none of it


def test_all_rewritings_at_once_earn_what_they_earn_alone():
    world = rec_r1.World(0)
    rewritten = np.random.default_rng(0).integers(rec_r1.WORDS, size=(rec_r1.QUERIES, 2, rec_r1.EACH_HAS))
    at_once = world.gain(world.asked[0], rewritten)
    alone = [
        world.reward(["q"] * 2, [" ".join(rec_r1.said(words)) for words in row], answer=[int(thing)] * 2)
        for thing, row in zip(world.asked[0], rewritten, strict=True)
    ]
    assert 0 < at_once.mean() < 1
    np.testing.assert_allclose(at_once, alone)


def test_a_search_for_nothing_is_refused():
    with pytest.raises(InputError, match="at least one name"):
        SearchGain(BM25("x").ranked, most=0)
