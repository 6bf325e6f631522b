"""Net wins against Think-RM's authors' code.

The numbers were computed once with ``compute_grpo_difference_advantage`` of github.com/IlgeeHong/Think-RM (commit 823375b, PairwiseRLHF/verl/trainer/ppo/core_algos.py) on two
groups of four answers, the differences being 2 p - 1 of the probabilities below, in single precision.
"""

import pytest

from guerdon.feedback.rewards.net_wins import NetWins

LIKELY = {"p": [0.9, 0.3, 0.6, 0.2, 0.75, 0.55], "q": [1.0, 1.0, 1.0, 0.0, 1.0, 1.0]}  # of 01, 02, 03, 12, 13, 23
THEIRS = [0.430035, -0.645052, 0.788397, -0.57338, 1.060659, -0.353553, 0.353553, -1.060659]


def compare(prompts, firsts, seconds):
    places = {pair: place for place, pair in enumerate(("01", "02", "03", "12", "13", "23"))}
    return [LIKELY[prompt][places[first + second]] for prompt, first, second in zip(prompts, firsts, seconds, strict=True)]


def test_net_wins_are_the_advantages_of_the_authors_code():
    assert NetWins(compare)(["p"] * 4 + ["q"] * 4, list("0123") * 2) == pytest.approx(THEIRS, abs=1e-5)
