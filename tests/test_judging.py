"""The judge of the experiments with chains: what it says is what it says it says, and its gradient by hand is autograd's."""

import pytest
import torch

from guerdon.atlas.generative_rewards._judging import Judge, contrasted, slope, start
from guerdon.worlds.finite.deliberations import Deliberations

WORLD = Deliberations(seed=2)


@pytest.mark.parametrize("tags", [1, 2])
def test_the_sum_over_all_chains_is_what_is_said_on_average(tags):
    judge, pairs = start(WORLD, 0, tags=tags), WORLD.pairs(20, seed=0)
    said = judge.judge(pairs, 4000, seed=0)
    assert torch.allclose(said.verdict.mean(-1), judge.first(pairs), atol=0.03)
    assert float(said.length.double().mean()) == pytest.approx(judge.words_written(pairs), abs=0.03)


@pytest.mark.parametrize("tags", [1, 2])
def test_the_slope_is_the_gradient_of_what_was_said(tags):
    judge, pairs = start(WORLD, 1, tags=tags), WORLD.pairs(12, seed=1)
    said = judge.judge(pairs, 3, seed=1)
    weight = torch.linspace(-1, 2, 36, dtype=torch.float64).view(12, 3)
    leaves = Judge(*(value.clone().requires_grad_() for value in judge))
    (leaves.logp(pairs, said) * weight).sum().backward()
    for name, mine, leaf in zip(Judge._fields, slope(judge, pairs, said, weight), leaves, strict=True):
        theirs = leaf.grad if leaf.grad is not None else torch.zeros_like(leaf)
        assert torch.allclose(mine, theirs, atol=1e-10), name


def test_a_step_of_contrast_makes_right_judgements_likelier_than_wrong_ones():
    judge, pairs = start(WORLD, 1, tags=2), WORLD.pairs(30, seed=1)
    said = judge.judge(pairs, 4, seed=1)
    gained = contrasted(judge, pairs, said, pairs.truth, 0.3, 0.05, 5).logp(pairs, said) - judge.logp(pairs, said)
    right = said.right(pairs.truth)
    assert float(gained[right].mean()) > float(gained[~right].mean()) + 0.1
