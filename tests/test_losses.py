"""Losses: where their gradients vanish, of what they are the gradient, and that reductions are means."""

from itertools import product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from guerdon.credit.advantages.leave_one_out import LeaveOneOut
from guerdon.losses.comparisons.davidson import Davidson
from guerdon.losses.comparisons.floored_logistic import FlooredLogistic
from guerdon.losses.comparisons.hinge import Hinge
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.comparisons.rao_kupper import RaoKupper
from guerdon.losses.comparisons.square import Square
from guerdon.losses.labels.noisy import Noisy
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.penalties.kl_direct import KLDirect
from guerdon.losses.penalties.kl_exponential import KLExponential
from guerdon.losses.penalties.kl_square import KLSquare
from guerdon.losses.reduce.constant_length import ConstantLength
from guerdon.losses.reduce.sequence_mean import SequenceMean
from guerdon.losses.reduce.token_mean import TokenMean
from guerdon.losses.scores.log_probability import LogProbability
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.losses.surrogates.clip import Clip
from guerdon.losses.surrogates.reinforce import Reinforce
from guerdon.losses.surrogates.sequence_ratio import SequenceRatio
from guerdon.losses.values.clipped_regression import ClippedRegression
from guerdon.losses.values.squared_error import SquaredError
from guerdon.parts import call, needs, wants

# A bandit: what each arm pays, how the reference plays it, and who draws the pairs.
PAY = torch.tensor([2.5, 2.0, 1.0], dtype=torch.float64)
REF = torch.tensor([0.2, 0.5, 0.3], dtype=torch.float64).log()
FIRST = torch.tensor([0.1, 0.2, 0.7], dtype=torch.float64)
SECOND = torch.tensor([0.3, 0.6, 0.1], dtype=torch.float64)
BETA = 0.5
OPTIMUM = (REF + PAY / BETA).log_softmax(-1)
PAIRS = torch.tensor(list(product(range(3), repeat=2)))


def expected_gradient(loss, logits, weight, chosen, rejected, **columns):
    """Gradient in the logits of sum over pairs of weight * loss(chosen arm, rejected arm)."""
    theta = logits.clone().requires_grad_()
    log_policy = theta.log_softmax(-1)
    quantities = dict(columns)
    for side, arms in (("chosen", chosen), ("rejected", rejected)):
        quantities |= {
            f"{side}_logp": log_policy[arms][:, None],
            f"{side}_ref_logp": REF[arms][:, None],
            f"{side}_mask": torch.ones(len(arms), 1, dtype=torch.bool),
        }
    (weight * call(loss, quantities)).sum().backward()
    return theta.grad


def of_preferences(loss, logits, weight, prefer):
    """The expectation over pairs of arms and over which of the two is preferred, with probability ``prefer`` of the first."""
    a, b = PAIRS.T
    both = torch.cat([weight * prefer, weight * (1 - prefer)])
    return expected_gradient(loss, logits, both, torch.cat([a, b]), torch.cat([b, a]))


BRADLEY_TERRY = (PAY[PAIRS[:, 0]] - PAY[PAIRS[:, 1]]).sigmoid()
INDEPENDENT = FIRST[PAIRS[:, 0]] * SECOND[PAIRS[:, 1]]


def vanishes(gradient):
    return gradient.abs().max() < 1e-12


def test_a_label_that_is_wrong_for_sure_turns_everything_that_the_link_reads_of_a_side():
    link, weight = FlooredLogistic(beta=1.0), torch.ones(len(PAIRS), dtype=torch.float64)
    turned = expected_gradient(Pairwise(LogProbability(), link, label=Noisy(rate=1.0)), OPTIMUM, weight, *PAIRS.T)
    torch.testing.assert_close(turned, expected_gradient(Pairwise(LogProbability(), link), OPTIMUM, weight, *PAIRS.T.flip(0)))


def test_dpo_is_stationary_at_the_kl_regularised_optimum():
    loss = Pairwise(LogRatio(BETA), Logistic())
    assert vanishes(of_preferences(loss, OPTIMUM, INDEPENDENT, BRADLEY_TERRY))
    assert not vanishes(of_preferences(loss, REF, INDEPENDENT, BRADLEY_TERRY))


@pytest.mark.parametrize("link", [Davidson(nu=0.7), RaoKupper(nu=2.0)], ids=["davidson", "rao_kupper"])
def test_dpo_with_ties_is_stationary_at_the_kl_regularised_optimum(link):
    a, b = PAIRS.T
    ahead, apart = PAY[a], PAY[b]
    if isinstance(link, Davidson):  # shares of win, loss and tie, as the model has them
        shares = torch.stack([ahead.exp(), apart.exp(), 2 * link.nu * ((ahead + apart) / 2).exp()])
        shares = shares / shares.sum(0)
    else:
        wins, loses = ahead.exp() / (ahead.exp() + link.nu * apart.exp()), apart.exp() / (apart.exp() + link.nu * ahead.exp())
        shares = torch.stack([wins, loses, 1 - wins - loses])
    weight, tie = (INDEPENDENT * shares).flatten(), torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64).repeat_interleave(len(PAIRS))
    pairs = torch.cat([a, b, a]), torch.cat([b, a, b])
    loss = Pairwise(LogRatio(BETA), link)
    assert vanishes(expected_gradient(loss, OPTIMUM, weight, *pairs, tie=tie))
    assert not vanishes(expected_gradient(loss, REF, weight, *pairs, tie=tie))
    assert not vanishes(expected_gradient(Pairwise(LogRatio(BETA), Logistic()), OPTIMUM, weight, *pairs))  # a tie taken for a win


def test_robust_dpo_undoes_the_noise_that_it_is_told_of():
    flipped = 0.2
    noisy = (1 - flipped) * BRADLEY_TERRY + flipped * (1 - BRADLEY_TERRY)
    robust = Pairwise(LogRatio(BETA), Logistic(label_smoothing=-flipped / (1 - 2 * flipped)))
    assert vanishes(of_preferences(robust, OPTIMUM, INDEPENDENT, noisy))
    assert not vanishes(of_preferences(Pairwise(LogRatio(BETA), Logistic()), OPTIMUM, INDEPENDENT, noisy))


def test_ipo_is_stationary_where_the_expected_preference_is_regularised():
    # pairs of two independent draws of the same policy, whose optimum is ref * exp(P(better than a draw) / tau)
    pairs = FIRST[PAIRS[:, 0]] * FIRST[PAIRS[:, 1]]
    better = (BRADLEY_TERRY.view(3, 3) * FIRST).sum(-1)
    optimum = (REF + better / BETA).log_softmax(-1)
    ipo = Pairwise(LogRatio(BETA), Square())
    assert vanishes(of_preferences(ipo, optimum, pairs, BRADLEY_TERRY))
    assert not vanishes(of_preferences(ipo, OPTIMUM, pairs, BRADLEY_TERRY))


def test_ipo_in_its_own_scale_is_the_same_up_to_tau_squared():
    own = Pairwise(LogRatio(1.0), Square(target=1 / (2 * BETA)))
    ours = Pairwise(LogRatio(BETA), Square())
    a, b = (of_preferences(loss, REF + FIRST, INDEPENDENT, BRADLEY_TERRY) for loss in (own, ours))
    torch.testing.assert_close(BETA**2 * a, b)


def test_copg_is_stationary_at_the_optimum_for_every_single_pair():
    loss = Pairwise(LogRatio(BETA), Square(target=None))
    a, b = PAIRS.T
    for i in range(len(PAIRS)):
        row = slice(i, i + 1)
        assert vanishes(expected_gradient(loss, OPTIMUM, 1.0, a[row], b[row], margin=(PAY[a] - PAY[b])[row]))
    assert not vanishes(expected_gradient(loss, REF, INDEPENDENT, a, b, margin=PAY[a] - PAY[b]))


def test_copg_is_leave_one_out_of_the_regularised_reward():
    # arXiv 2406.19185, eqs. 18 and 19: with weight 1 / (2 beta) the gradient of a pair is that of RLOO with two samples
    theta = REF + torch.tensor([0.4, -0.3, 0.1], dtype=torch.float64)
    regularised = PAY - BETA * (theta.log_softmax(-1) - REF)
    loss = Pairwise(LogRatio(BETA), Square(target=None))
    for pair in PAIRS:
        a, b = pair[:1], pair[1:]
        copg = expected_gradient(loss, theta, 1 / (2 * BETA), a, b, margin=PAY[a] - PAY[b])
        mask, group = torch.ones(2, 1, dtype=torch.bool), torch.zeros(2, dtype=torch.long)
        leaf = theta.clone().requires_grad_()
        Reinforce()(leaf.log_softmax(-1)[pair][:, None], LeaveOneOut()(regularised[pair], group, mask)).sum().backward()
        torch.testing.assert_close(copg, leaf.grad)


def test_a_margin_is_read_only_where_it_is_the_target():
    assert "margin" in needs(Pairwise(LogRatio(), Square(target=None)))
    number = Pairwise(LogRatio(), Square())
    assert "margin" not in needs(number) | wants(number)


def test_hinge_stops_and_logistic_fades():
    lead = torch.tensor([1.5, 5.0], dtype=torch.float64)
    for link, zero in ((Hinge(), True), (Logistic(), False)):
        score = lead.clone().requires_grad_()
        link(score, torch.zeros(2, dtype=torch.float64)).sum().backward()
        assert (score.grad == 0).all() == zero


# ------------------------------------------------------------------------------------------------------ penalties


def on_policy(penalty, logits):
    """Expected value and expected gradient of a penalty over the policy's own samples (which are not differentiated)."""
    theta = logits.clone().requires_grad_()
    log_policy = theta.log_softmax(-1)
    value = (log_policy.detach().exp() * penalty(log_policy, REF)).sum()
    value.backward()
    return value.detach(), theta.grad


def kl(p, q):
    return (p.exp() * (p - q)).sum()


def gradient_of(objective, logits):
    theta = logits.clone().requires_grad_()
    value = objective(theta.log_softmax(-1))
    value.backward()
    return value.detach(), theta.grad


POLICY = torch.tensor([1.0, -0.5, 0.2], dtype=torch.float64)


def test_the_direct_estimate_is_unbiased_and_holds_nothing_in_the_loss():
    value, gradient = on_policy(KLDirect(), POLICY)
    torch.testing.assert_close(value, gradient_of(lambda p: kl(p, REF), POLICY)[0])
    assert vanishes(gradient)


def test_the_square_estimate_is_biased_and_has_the_gradient_of_the_reverse_kl():
    value, gradient = on_policy(KLSquare(), POLICY)
    truth, wanted = gradient_of(lambda p: kl(p, REF), POLICY)
    assert (value - truth).abs() > 0.01
    torch.testing.assert_close(gradient, wanted)


def test_the_exponential_estimate_is_unbiased_and_has_the_gradient_of_the_forward_kl():
    value, gradient = on_policy(KLExponential(), POLICY)
    truth, reverse = gradient_of(lambda p: kl(p, REF), POLICY)
    torch.testing.assert_close(value, truth)
    torch.testing.assert_close(gradient, gradient_of(lambda p: kl(REF, p), POLICY)[1])
    assert (gradient - reverse).abs().max() > 0.01


@settings(deadline=None, max_examples=50)
@given(st.floats(-10, 0), st.floats(-10, 0))
def test_two_estimates_are_never_negative(logp, ref_logp):
    given_ = torch.tensor(logp, dtype=torch.float64), torch.tensor(ref_logp, dtype=torch.float64)
    assert KLSquare()(*given_) >= 0 and KLExponential()(*given_) >= 0


# ----------------------------------------------------------------------------------------------------- surrogates


def batch(seed, rows=5, width=4):
    rng = torch.Generator().manual_seed(seed)
    logp = -torch.rand(rows, width, generator=rng, dtype=torch.float64)
    old_logp = logp + 0.3 * torch.randn(rows, width, generator=rng, dtype=torch.float64)
    advantage = torch.randn(rows, 1, generator=rng, dtype=torch.float64).expand(rows, width)
    mask = torch.arange(width) < torch.randint(1, width + 1, (rows, 1), generator=rng)
    return logp.requires_grad_(), old_logp, advantage, mask


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6))
def test_the_token_form_of_the_sequence_ratio_is_the_sequence_form(seed):
    logp, old_logp, advantage, mask = batch(seed)
    token = (SequenceMean()(mask) * SequenceRatio(0.1, 0.15)(logp, old_logp, advantage, mask)).sum()
    ratio = (((logp - old_logp) * mask).sum(-1) / mask.sum(-1)).exp()
    sequence = -torch.minimum(ratio * advantage[:, 0], ratio.clamp(0.9, 1.15) * advantage[:, 0]).mean()
    torch.testing.assert_close(token, sequence)
    torch.testing.assert_close(*(torch.autograd.grad(loss, logp)[0] for loss in (token, sequence)))


@pytest.mark.parametrize("surrogate", [Clip(), Clip(dual=3.0)])
def test_the_first_step_of_clip_is_reinforce(surrogate):
    logp, _, advantage, _ = batch(0)
    clipped = torch.autograd.grad(surrogate(logp, logp.detach(), advantage).sum(), logp)[0]
    torch.testing.assert_close(clipped, torch.autograd.grad(Reinforce()(logp, advantage).sum(), logp)[0])


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6))
def test_clipped_regression_is_plain_near_the_old_value_and_never_below_it(seed):
    rng = torch.Generator().manual_seed(seed)
    value, move, target = torch.randn(3, 8, generator=rng, dtype=torch.float64)
    near = value + move.clamp(-0.19, 0.19)
    leaf = value.clone().requires_grad_()
    pair = [part(leaf, target=target, **old) for part, old in ((ClippedRegression(), {"old_value": near}), (SquaredError(), {}))]
    torch.testing.assert_close(*pair)
    torch.testing.assert_close(*(torch.autograd.grad(x.sum(), leaf)[0] for x in pair))
    assert (ClippedRegression()(value, value + move, target) >= SquaredError()(value, target)).all()


# ----------------------------------------------------------------------------------------------------- reductions

masks = st.lists(st.lists(st.booleans(), min_size=3, max_size=3), min_size=1, max_size=6).map(torch.tensor)


@settings(deadline=None, max_examples=60)
@given(masks)
def test_means_have_weights_that_add_up_to_one(mask):
    for part in (TokenMean(), SequenceMean()):
        weights = part(mask)
        assert not weights[~mask].any()
        torch.testing.assert_close(weights.sum(), mask.any().float())


@settings(deadline=None, max_examples=60)
@given(masks)
def test_sequence_mean_of_items_is_their_mean(mask):
    items = mask[:, :1]
    torch.testing.assert_close(SequenceMean()(items), items / items.sum().clamp(min=1))


def test_constant_length_weighs_a_step_the_same_in_every_batch():
    short, long = (torch.arange(8).expand(4, 8) < n for n in (2, 8))
    assert ConstantLength(8)(short).max() == ConstantLength(8)(long).max() == 1 / 32
