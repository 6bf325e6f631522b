"""Pairs that are looked at again before a reward model learns them: what is refused, and that what comes out is learned from as it stands."""

import pytest
import torch

from guerdon.data.curation.alike_exposed_pairs import AlikeExposedPairs
from guerdon.data.curation.consistent_labels import ConsistentLabels
from guerdon.data.curation.tree_pairs import TreePairs
from guerdon.data.curation.voted_labels import VotedLabels
from guerdon.errors import InputError
from guerdon.losses.comparisons.bounded_advantage import BoundedAdvantage
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.labels.soft import Soft
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.head import Head


def test_what_is_voted_on_is_read_by_the_loss():
    rows = [{"prompt": "p", "chosen": "a", "rejected": "b", "chosen_votes": [0.0, 0.0], "rejected_votes": [1.0, 2.0]}]
    (turned,) = VotedLabels(1.0, scale=2.0)(rows)
    assert (turned["chosen"], turned["rejected"], turned["margin"]) == ("b", "a", 3.0)
    (soft,) = VotedLabels(0.0, smoothing=0.5, scale=0.0)(rows)
    assert soft["chosen"] == "a" and "margin" not in soft
    loss = Pairwise(Head(), Logistic(), label=Soft())
    scores = {"chosen_score": torch.tensor([0.3]), "rejected_score": torch.tensor([0.0])}
    at = {name: torch.tensor([turned[name]]) for name in ("preference", "margin")}
    torch.testing.assert_close(loss(**scores, **at), -torch.nn.functional.logsigmoid(torch.tensor([0.3 - 3.0])))


def test_rows_that_lack_what_is_read_are_refused():
    pair = {"prompt": "p", "chosen": "a", "rejected": "b"}
    with pytest.raises(InputError, match="chosen_votes and rejected_votes"):
        VotedLabels()([pair])
    with pytest.raises(InputError, match="no column gold or best"):
        ConsistentLabels()([pair | {"gold": 1.0}])
    with pytest.raises(InputError, match="2 completions, 1 paths and 2 scores"):
        TreePairs()([{"completions": ["a", "b"], "paths": [[0]], "scores": [1.0, 0.0]}])
    with pytest.raises(InputError, match="completions, taken and seen"):
        AlikeExposedPairs()([{"completions": ["a", "b"], "taken": [1, 2], "seen": [3]}])


def test_settings_that_say_nothing_are_refused():
    with pytest.raises(InputError, match="flip is a share"):
        VotedLabels(flip=2.0)
    with pytest.raises(InputError, match="1 or more"):
        AlikeExposedPairs(exposure=0.5)
    with pytest.raises(InputError, match="above 0"):
        BoundedAdvantage(0.0)
