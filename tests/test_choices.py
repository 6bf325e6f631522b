"""Losses at chosen steps: which steps of a batch are chosen, that no split of the batch changes it, and what averages are over."""

import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from guerdon.errors import InputError
from guerdon.losses.choices.covariance_band import CovarianceBand
from guerdon.losses.choices.covariance_between import covariance, lots
from guerdon.losses.choices.entropy_above import EntropyAbove
from guerdon.losses.choices.reward_above import RewardAbove
from guerdon.losses.choices.top_covariance import TopCovariance
from guerdon.losses.choices.top_entropy import TopEntropy
from guerdon.losses.corrected import Corrected
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.on_actor import OnActor
from guerdon.losses.penalties.entropy import Entropy
from guerdon.losses.surrogates.clip import Clip
from guerdon.losses.surrogates.reinforce import Reinforce
from guerdon.losses.where import Where
from guerdon.parts import call, needs
from guerdon.recipes.clip_cov import all_of_them
from guerdon.recipes.forking_tokens import half
from guerdon.recipes.kl_cov import half as kl_cov
from guerdon.sequences import Batch, Sequences
from guerdon.training.judging import FiniteScene
from guerdon.training.learner import mask_of, step_weights
from guerdon.training.loops.improve import improve
from guerdon.training.recipe import Budget, Recipe, Term
from test_corrections import Stale, World, table
from test_parity_objectives import THEIRS, inputs

many = settings(max_examples=40, deadline=None)


def steps(seed, batch=7, width=6):
    rng = torch.Generator().manual_seed(seed)
    mask = torch.arange(width) < torch.randint(0, width + 1, (batch, 1), generator=rng)
    logp, advantage = -torch.rand(batch, width, generator=rng), torch.randn(batch, 1, generator=rng).expand(batch, width)
    return {"logp": logp, "advantage": advantage, "entropy": torch.rand(batch, width, generator=rng), "mask": mask}


CHOICES = (TopEntropy(0.2), TopEntropy(0.0), TopCovariance(0.3), TopCovariance(), CovarianceBand(0.2, low=-0.1, high=0.3), CovarianceBand())


@many
@given(st.integers(0, 10**6), st.sampled_from(CHOICES), st.integers(0, 7))
def test_a_settled_choice_is_the_choice_in_whatever_pieces_it_is_made(seed, choice, cut):
    q = steps(seed)
    settled = call(choice.settled, q)
    pieces = [call(settled, {k: v[rows] for k, v in q.items()}) for rows in (slice(0, cut), slice(cut, None))]
    assert torch.equal(torch.cat(pieces) & q["mask"], call(choice, q))


@many
@given(st.integers(0, 10**6), st.floats(0.0, 1.0))
def test_the_top_entropies_are_those_of_trl(seed, share):
    trainer = pytest.importorskip("trl").GRPOTrainer
    q = steps(seed)

    class Alone:
        @staticmethod
        def pad_across_processes(x, dim, pad_index):
            return x

        @staticmethod
        def gather(x):
            return x

    class Self:
        accelerator = Alone

    theirs = trainer.get_high_entropy_mask(Self, q["entropy"], q["mask"].float(), 1 - share)
    assert torch.equal(TopEntropy(share)(q["entropy"], q["mask"]), theirs)


@many
@given(st.integers(0, 10**6), st.floats(0.01, 1.0))
def test_the_top_covariances_are_the_largest(seed, share):
    q = steps(seed)
    chosen, acted = TopCovariance(share)(q["logp"], q["advantage"], q["mask"]), q["mask"]
    if not acted.any():
        assert not chosen.any()
        return
    means = [float(q[name][acted].mean()) for name in ("logp", "advantage")]
    found = covariance(q["logp"], q["advantage"], *means)[acted]
    assert chosen.sum() == max(int(share * acted.sum()), 1) and not (chosen & ~acted).any()
    rest = found[~chosen[acted]]
    assert not len(rest) or found[chosen[acted]].min() >= rest.max()


@many
@given(st.integers(0, 10**6), st.floats(0.05, 0.9))
def test_of_the_band_as_many_are_drawn_as_there_shall_be(seed, share):
    q = steps(seed, batch=20)
    low, high = -0.05, 0.2
    chosen, acted = CovarianceBand(share, low, high)(q["logp"], q["advantage"], q["mask"]), q["mask"]
    means = [float(q[name][acted].mean()) for name in ("logp", "advantage")]
    found = covariance(q["logp"], q["advantage"], *means)
    eligible = acted & (found >= low) & (found <= high)
    assert not (chosen & ~eligible).any()
    assert chosen.sum() == min(int(eligible.sum()), max(int(share * acted.sum()), 1))


def test_lots_are_as_good_as_random():
    rng = torch.Generator().manual_seed(0)
    logp, advantage = -torch.rand(20_000, generator=rng), torch.randn(20_000, generator=rng)
    drawn = lots(logp, advantage)
    assert drawn.min() >= 0 and drawn.max() < 1
    counts = torch.histc(drawn, 20, 0, 1)
    assert ((counts - 1000).square() / 1000).sum() < 43.8  # chi-squared of 19 degrees, 0.1 %
    ranks = torch.stack([drawn, logp.double(), advantage.double(), covariance(logp, advantage, -0.5, 0.0).double()])
    assert torch.corrcoef(ranks)[0, 1:].abs().max() < 0.03
    assert not torch.equal(lots(logp, advantage), lots(logp, advantage.flip(0)))


@pytest.mark.parametrize(
    ("name", "losses"),
    [
        ("verl clip_cov", [(Where(CovarianceBand(0.9, 0.2, 5.0), otherwise=Clip(0.2), view=""), 1.0)]),
        ("verl kl_cov", kl_cov.terms),
    ],
)
def test_covariances_are_those_of_verl(name, losses):
    """verl's numbers: see test_parity_objectives."""
    q = inputs()
    q["logp"] = q["logp"].clone().requires_grad_()
    if name == "verl kl_cov":
        clip, held = (term.loss for term in losses)
        losses = [(clip, 1.0), (Where(TopCovariance(0.3), then=held.then, view=""), 0.5)]
    value = sum(weight * call(loss, q)[q["mask"]].mean() for loss, weight in losses)
    (gradient,) = torch.autograd.grad(value, q["logp"])
    theirs = tuple(torch.tensor(x, dtype=torch.float64) for x in THEIRS[name])
    assert_close(gradient[q["mask"]], theirs[1], rtol=5e-8, atol=1e-9)
    if name == "verl kl_cov":  # in clip_cov a step that the clip has silenced keeps its value there
        assert_close(value.detach(), theirs[0], rtol=5e-8, atol=1e-9)


# --- in a loop


@pytest.mark.parametrize("recipe", [half, kl_cov, all_of_them], ids=["forking_tokens", "kl_cov", "clip_cov"])
def test_no_split_of_a_batch_changes_what_is_chosen(recipe):
    """Whole, and sequence by sequence; a policy that draws as it once was, so that nothing is at a bound."""
    ends, passes = [], []
    for tokens in (100_000, 1):
        policy = Stale(table(0), then=table(1))
        few = Recipe(**{**vars(recipe), "refills": 0})
        out = improve(policy, FiniteScene(World()), [{"prompt": 0}] * 3, few, Budget(steps=2, batch_size=3, tokens_per_micro_batch=tokens))
        passes.append(policy.measured["logp", True])
        ends.append((policy.logits.detach().clone(), out.history[-1]["loss"]))
    assert_close(ends[0][0], ends[1][0], rtol=0, atol=1e-12)
    assert ends[0][1] == pytest.approx(ends[1][1], abs=1e-12)
    assert not torch.equal(ends[0][0], table(0)), "nothing was learned"
    assert passes[1] > 2 * passes[0], "nothing was split"


def test_beforehand_the_policy_is_asked_once_and_as_it_learns_at_every_step():
    asked = {}
    for view in ("proximal", "old", ""):
        policy = Stale(table(0))
        terms = (Term(Where(TopCovariance(0.5), then=Clip(), view=view)),)
        recipe = Recipe(**{**vars(kl_cov), "terms": terms, "minibatches": 2})
        improve(policy, FiniteScene(World()), [{"prompt": 0}] * 2, recipe, Budget(steps=1, batch_size=2))
        asked[view] = policy.measured["logp", False]
    assert asked == {"proximal": 1, "old": 0, "": 2}


# --- what averages are over


def held_batch():
    mask = torch.tensor([[1, 1, 1], [1, 1, 0], [1, 0, 0]]).bool()
    quantities = {
        "reward": torch.tensor([1.0, 0.0, 1.0]),
        "proximal_entropy": torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 9.0], [0.5, 9.0, 9.0]]),
        "logp": -torch.ones(3, 3),
    }
    return Batch({"": Sequences([torch.tensor([0])], torch.zeros(3, dtype=torch.long), mask.long(), mask, mask.sum(-1), quantities)})


ALONE = [
    (Where(RewardAbove(), then=NegativeLogLikelihood(), alone=True), [[0.25, 0.25, 0.25], [0, 0, 0], [0.25, 0, 0]]),
    (Where(RewardAbove(), otherwise=NegativeLogLikelihood(), alone=True), [[0, 0, 0], [0.5, 0.5, 0], [0, 0, 0]]),
    (Where(EntropyAbove(2.5), then=Entropy(), alone=True), [[0, 0, 1 / 3], [1 / 3, 1 / 3, 0], [0, 0, 0]]),
    (Where(RewardAbove(), then=NegativeLogLikelihood()), [[1 / 6, 1 / 6, 1 / 6], [1 / 6, 1 / 6, 0], [1 / 6, 0, 0]]),
    (Where(RewardAbove(5.0), then=NegativeLogLikelihood(), alone=True), [[0.0] * 3] * 3),
]


@pytest.mark.parametrize(("loss", "weights"), ALONE, ids=lambda x: type(x.choice).__name__ if isinstance(x, Where) else "")
def test_averages(loss, weights):
    assert_close(step_weights(Term(loss), held_batch()), torch.tensor(weights))


def test_a_choice_that_is_settled_is_averaged_over_alone():
    loss = Where(TopEntropy(0.5), then=Entropy(), alone=True)
    batch = held_batch()
    settled = loss.settle(lambda names: {name: batch.sides[""].quantities.get(name, batch.sides[""].mask) for name in names})
    assert mask_of(Term(settled), batch).tolist() == [[False, False, True], [True, True, False], [False, False, False]]


def test_the_likelihood_of_what_succeeded_is_nemo_rls():
    q = inputs()
    logp = q["logp"].clone().requires_grad_()
    loss = Where(RewardAbove(), then=NegativeLogLikelihood(), alone=True)
    counted = (loss.counted(q.__getitem__) & q["mask"]).double()
    value = (counted / counted.sum() * call(loss, q | {"logp": logp})).sum()
    (gradient,) = torch.autograd.grad(value, logp)
    theirs = tuple(torch.tensor(x, dtype=torch.float64) for x in THEIRS["nemo positive_example_nll"])
    assert_close((value.detach(), gradient[q["mask"]]), theirs, rtol=1e-8, atol=1e-9)


# --- what it asks for, and what cannot be meant


def test_it_asks_for_what_it_reads_and_no_more():
    assert needs(Where(TopEntropy(), then=Clip())) == {"logp", "old_logp", "advantage", "mask", "proximal_entropy"}
    assert needs(Where(TopCovariance(), then=Entropy(), view="old")) == {"old_logp", "advantage", "mask", "entropy"}
    assert needs(Where(RewardAbove(), then=NegativeLogLikelihood())) == {"logp", "reward", "mask"}
    assert Where(TopEntropy(), then=Clip()).silent_without == "advantage"
    assert Where(TopEntropy(), then=Entropy(), otherwise=Clip()).silent_without is None
    assert Where(TopCovariance(), then=Clip(), view="old").follows and not Where(TopCovariance(), then=Reinforce(), view="old").follows


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Where(TopEntropy()), "there is no loss"),
        (lambda: Where(TopEntropy(), then=OnActor(NegativeLogLikelihood(), actor=1)), "no loss of each step"),
        (lambda: Where(TopEntropy(), then=Where(TopEntropy(), then=Clip())), "no loss of each step"),
        (lambda: Where(TopEntropy(), then=Clip(), otherwise=Clip(), alone=True), "leave alone out"),
        (lambda: Where(TopEntropy(), then=Clip(), view="", alone=True), "set view to proximal or old"),
        (lambda: Corrected(Where(TopEntropy(), then=Clip()), ()), "put corrected inside of it"),
        (lambda: TopEntropy(20), "share is 20"),
        (lambda: TopCovariance(0.0), "share is 0.0"),
        (lambda: CovarianceBand(1.5), "share is 1.5"),
    ],
)
def test_refused(make, says):
    with pytest.raises(InputError, match=re.escape(says)):
        make()
