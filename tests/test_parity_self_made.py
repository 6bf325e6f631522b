"""What a policy rewards itself with, held to its authors' functions: expected numbers were computed once by their code on the inputs that are drawn or written here."""

import random

import pytest
import torch

from guerdon.feedback.intrinsic.above_group import AboveGroup
from guerdon.feedback.intrinsic.likelihood import Likelihood
from guerdon.feedback.intrinsic.negative_entropy import NegativeEntropy
from guerdon.feedback.intrinsic.self_certainty import SelfCertainty
from guerdon.feedback.rewards.answer_frequency import AnswerFrequency
from guerdon.feedback.rewards.majority_vote import MajorityVote

MASK = torch.tensor([[1, 1, 1], [1, 1, 0]], dtype=torch.bool)


def steps():
    """Log-probabilities of the next step, [B, T, V], of logits drawn with seed 0."""
    return (2 * torch.randn(2, 3, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)).log_softmax(-1)


def test_self_certainty_is_intuitors_up_to_the_constant_that_it_leaves_out():
    """``self_certainty_from_logits`` of verl/utils/torch_functional.py and the mean of ``compute_intuitor_advantage``, Intuitor's verl (sunblaze-ucb/Intuitor, 2025)."""
    logp = steps()
    constant = torch.log(torch.tensor(5.0, dtype=torch.float64))
    got = SelfCertainty()(self_certainty=-logp.mean(-1) - constant, mask=MASK)
    theirs = torch.tensor([3.5990759930444494, 2.8840051276030634], dtype=torch.float64)
    torch.testing.assert_close(got, theirs - constant, rtol=1e-12, atol=1e-12)


def test_negative_entropy_is_rents():
    """``entropy_from_logits`` of verl/utils/torch_functional.py, the mean over the response mask, negated, as RENT uses it (2505.22660)."""
    logp = steps()
    got = NegativeEntropy()(entropy=-(logp.exp() * logp).sum(-1), mask=MASK)
    torch.testing.assert_close(got, torch.tensor([-0.41942334734397163, -0.9075295527245291], dtype=torch.float64), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("settings", "theirs"),
    [
        ({}, [1, 0, 0, 0, 0, 0, 1, 0]),
        ({"margin": 0.1}, [1, 1, 0, 0, 0, 0, 1, 0]),
        ({"at_most": 0.2}, [1, 1, 0, 0, 0, 0, 1, 0]),
    ],
)
def test_the_bonus_is_that_of_grpo_care(settings, theirs):
    """``grpo_trainer_ref_ema.py`` of TencentARC/GRPO-CARE, from ``avg_ref_logps_answer`` to ``bonus_rewards``, one group, seed 3."""
    g = torch.Generator().manual_seed(3)
    logp = -3 * torch.rand(8, 4, generator=g, dtype=torch.float64)
    mask = torch.rand(8, 4, generator=g) < 0.7
    mask[:, 0] = True
    right = (torch.rand(8, generator=g, dtype=torch.float64) < 0.6).double()
    part = AboveGroup(Likelihood(over="geometric"), "match", **settings)
    got = part(group=torch.zeros(8, dtype=torch.long), logp=logp, mask=mask, component_match=right)
    assert got.tolist() == theirs


# ``_majority_vote`` of verl/trainer/ppo/ttrl_utils.py (PRIME-RL/TTRL), with the last box as the answer, on the texts below: the label and its share of all answers
TTRL = [("3", 0.25), ("2", 0.25), ("2", 0.375), ("1", 0.25)]


def test_the_vote_is_ttrls():
    draw = random.Random(0)
    for label, ratio in TTRL:
        texts = [rf"\boxed{{{draw.randint(0, 3)}}}" if draw.random() < 0.8 else r"\boxed{" for _ in range(8)]
        vote = MajorityVote()(["p"] * 8, texts)
        assert [text for text, value in zip(texts, vote, strict=True) if value] == [rf"\boxed{{{label}}}"] * round(8 * ratio)
        share = AnswerFrequency()(["p"] * 8, texts)
        assert {value for text, value in zip(texts, share, strict=True) if text == rf"\boxed{{{label}}}"} == {ratio}
