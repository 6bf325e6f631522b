"""Corrections for what is off-policy: against formulas written down once more from their sources, in a loop whose rollouts an older policy drew, and as figures."""

import math
import re
from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from guerdon.acting.samplers.group import Group
from guerdon.catalogue import catalogue
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.errors import InputError
from guerdon.interfaces.configuration import recipe_names
from guerdon.interfaces.configuration._refuse import refuse
from guerdon.interfaces.configuration._sections import sections
from guerdon.interfaces.configuration._yaml import parse
from guerdon.losses.corrected import Corrected
from guerdon.losses.corrections.far_failures import FarFailures
from guerdon.losses.corrections.masked import Masked
from guerdon.losses.corrections.probability_change import ProbabilityChange
from guerdon.losses.corrections.rejection import Rejection
from guerdon.losses.corrections.truncated import Truncated
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.levels.geometric_mean import GeometricMean
from guerdon.losses.levels.product import Product
from guerdon.losses.on_actor import OnActor
from guerdon.losses.surrogates.clip import Clip
from guerdon.losses.surrogates.reinforce import Reinforce
from guerdon.models.finite.policy import TablePolicy
from guerdon.models.finite.tree import PrefixTree
from guerdon.parts import call, needs
from guerdon.sequences import Sequences
from guerdon.targets.plain import Plain
from guerdon.training import knobs
from guerdon.training.judging import FiniteScene
from guerdon.training.loops.improve import improve
from guerdon.training.off_policy import observe_distance
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.training.schedules.linear import Linear
from guerdon.training.tally import Tally
from guerdon.training.updates.moving_average import MovingAverage
from guerdon.worlds.finite.enumerable import EnumerableWorld
from test_docs import ROOT, blocks

# --- against the sources


def drawn(seed: int, spread: float) -> dict[str, torch.Tensor]:
    rng = torch.Generator().manual_seed(seed)
    batch, steps = 5, 4
    old = -torch.rand(batch, steps, generator=rng, dtype=torch.float64) - 0.05
    moved = spread * torch.randn(batch, steps, generator=rng, dtype=torch.float64)
    mask = torch.arange(steps) < torch.randint(1, steps + 1, (batch, 1), generator=rng)
    advantage = torch.randn(batch, 1, generator=rng, dtype=torch.float64).expand(batch, steps)
    return {
        "old_logp": old,
        "proximal_logp": (old + moved).clamp(max=-1e-3),
        "logp": (old + 1.3 * moved).clamp(max=-1e-3),
        "advantage": advantage,
        "mask": mask,
    }


def verl_weights(log_ratio, mask, level, upper, lower=None):
    """``compute_rollout_correction_weights`` of verl, worked out from what it does: a cap, or with a lower bound a band."""
    if level == "sequence":
        log_ratio = (log_ratio * mask).sum(-1, keepdim=True).expand_as(log_ratio)
    weights = log_ratio.clamp(-20, 20).exp() * mask
    if lower is None:
        return torch.minimum(weights, torch.tensor(upper))
    return weights * ((weights >= lower) & (weights <= upper))


def verl_keeps(log_ratio, mask, option, lower, upper):
    """``compute_rollout_rejection_mask`` of verl with k1: bounds of minus the log-ratio."""
    k1 = -log_ratio
    if option == "seq_sum":
        k1 = (k1 * mask).sum(-1, keepdim=True).expand_as(log_ratio)
    if option == "seq_mean":
        k1 = ((k1 * mask).sum(-1, keepdim=True) / mask.sum(-1, keepdim=True)).expand_as(log_ratio)
    return ((k1 >= math.log(lower)) & (k1 <= math.log(upper))).double() * mask


ratios = settings(max_examples=40, deadline=None)


@ratios
@given(st.integers(0, 10_000), st.floats(0.0, 2.0), st.floats(1.05, 6.0), st.floats(0.05, 0.95))
def test_weights_are_those_of_verl(seed, spread, upper, lower):
    q = drawn(seed, spread)
    log_ratio, mask = q["proximal_logp"] - q["old_logp"], q["mask"]
    for name, level in (("token", None), ("sequence", Product())):
        assert_close(Truncated(upper, level=level)(log_ratio, mask) * mask, verl_weights(log_ratio, mask, name, upper))
        assert_close(Masked(lower, upper, level)(log_ratio, mask) * mask, verl_weights(log_ratio, mask, name, upper, lower))
    for name, level in (("token", None), ("seq_sum", Product()), ("seq_mean", GeometricMean())):
        assert_close(Rejection(lower, upper, level)(log_ratio, mask) * mask, verl_keeps(log_ratio, mask, name, 1 / upper, 1 / lower))


@ratios
@given(st.integers(0, 10_000), st.floats(0.0, 2.0), st.floats(0.0, 1.0))
def test_far_failures_are_those_of_trl(seed, spread, threshold):
    trainer = pytest.importorskip("trl").GRPOTrainer
    q = drawn(seed, spread)
    kept = trainer.get_off_policy_mask(q["advantage"][:, :1], q["logp"], q["old_logp"], q["mask"].double(), threshold)
    ours = FarFailures(threshold)(q["logp"] - q["old_logp"], q["advantage"], q["mask"])
    assert_close(ours * q["mask"], kept.double() * q["mask"])


@ratios
@given(st.integers(0, 10_000), st.floats(0.0, 2.0), st.floats(0.0, 0.3), st.floats(0.0, 0.3))
def test_the_loss_of_prime_rl(seed, spread, low, high):
    """Value aside (ours is held), the gradient of -keep * advantage * ratio."""
    q = drawn(seed, spread)
    loss = Corrected(Reinforce(), (Truncated(cap=math.inf), ProbabilityChange(low, high)), view="")
    logp = q["logp"].clone().requires_grad_()
    call(loss, q | {"logp": logp}).sum().backward()
    theirs = q["logp"].clone().requires_grad_()
    change = theirs.detach().exp() - q["old_logp"].exp()
    too_far = torch.where(q["advantage"] > 0, change > high, change < -low)
    (-((theirs - q["old_logp"]).exp() * q["advantage"])[q["mask"] & ~too_far]).sum().backward()
    assert_close(logp.grad, theirs.grad)


@ratios
@given(st.integers(0, 10_000), st.floats(0.0, 2.0))
def test_the_decoupled_objective(seed, spread):
    q = drawn(seed, spread)
    logp, theirs = (q["logp"].clone().requires_grad_() for _ in range(2))
    loss = call(Corrected(Clip(0.2), (Truncated(cap=math.inf),)), q | {"logp": logp})
    ratio = (theirs - q["proximal_logp"]).exp()
    gain = torch.min(ratio * q["advantage"], ratio.clamp(0.8, 1.2) * q["advantage"])
    wanted = -(q["proximal_logp"] - q["old_logp"]).exp() * gain * q["mask"]
    assert_close(loss, wanted)
    loss.sum().backward()
    wanted.sum().backward()
    assert_close(logp.grad, theirs.grad)


def test_a_corrected_loss_may_be_corrected_once_more():
    """TRL has both: weights of the policy before its steps, and bad answers left out of which the policy, as it learns, has moved away."""
    q = drawn(3, 1.0)
    within = Corrected(Clip(), (Truncated(1.5),))
    both = Corrected(within, (FarFailures(0.1),), view="")
    kept = FarFailures(0.1)(q["logp"] - q["old_logp"], q["advantage"], q["mask"])
    assert 0 < float(kept[q["mask"]].mean()) < 1
    assert_close(call(both, q), kept * call(within, q))
    assert_close(both.weight(q), kept * within.weight(q))
    assert torch.equal(both.truncated(q), within.truncated(q)) and within.truncated(q).any()


def test_an_expectation_over_sequences_is_right_with_the_product_alone():
    """What each weight is an estimate of: with the product, the expectation under the policy; per step, it is not."""
    rng = torch.Generator().manual_seed(0)
    tree = PrefixTree(2, 2, 1)
    now, then = (TablePolicy(tree, torch.randn(1, tree.prefixes, 2, generator=rng, dtype=torch.float64)) for _ in range(2))
    value = torch.randn(len(now.probabilities(0)), generator=rng, dtype=torch.float64)
    logp, old, mask = _said_of_all(now, tree), _said_of_all(then, tree), tree.mask

    def estimate(correction):
        last = mask.sum(-1) - 1
        weight = correction(logp - old, mask).gather(-1, last.unsqueeze(-1)).squeeze(-1)
        return (then.probabilities(0) * weight * value).sum()

    truth = (now.probabilities(0) * value).sum()
    assert_close(estimate(Truncated(math.inf, level=Product())), truth)
    assert abs(estimate(Truncated(math.inf)) - truth) > 1e-3


def _said_of_all(policy, tree):
    sequences = Sequences([torch.tensor([0])], torch.zeros(len(tree.length), dtype=torch.long), tree.actions, tree.mask, tree.length)
    return policy.measure(sequences, {"logp"})["logp"].detach()


@dataclass(frozen=True)
class Forgetful:
    """A correction that forgot to stop its gradient."""

    drops = False

    def __call__(self, advantage):
        return advantage


def test_no_gradient_goes_through_a_weight_whoever_wrote_it():
    q = drawn(0, 1.0)
    advantage = q["advantage"].clone().requires_grad_()
    assert not call(Corrected(Clip(), (Forgetful(),)), q | {"advantage": advantage}).requires_grad


# --- what cannot be meant


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Truncated(cap=0.5), "truncated: floor and cap are 0.0 and 0.5"),
        (lambda: Truncated(cap=math.nan), "truncated: floor and cap"),
        (lambda: Masked(low=2.0), "masked: low and high are 2.0 and 5.0"),
        (lambda: Rejection(low=-1.0), "rejection: low and high are -1.0 and 2.0"),
        (lambda: Corrected(Clip(), (Truncated(),), view=""), "would take it once more"),
        (lambda: Corrected(Clip(), (Rejection(), Masked()), view=""), "Masked"),
        (lambda: Corrected(OnActor(NegativeLogLikelihood(), actor=1), ()), "no loss of each step"),
    ],
)
def test_refused(make, says):
    with pytest.raises(InputError, match=says):
        make()


@pytest.mark.parametrize(
    ("loss", "right"),
    [
        ("{part: corrected, loss: reinforce, corrections: [truncated]}", False),  # after the first step nothing corrects for that step
        ("{part: corrected, loss: reinforce, corrections: [truncated], view: ''}", True),
        ("{part: corrected, loss: clip, corrections: [truncated]}", True),
    ],
)
def test_several_gradient_steps_take_a_ratio_to_the_policy_that_they_start_from(loss, right):
    recipe = "{base: grpo, minibatches: 2, terms: [{loss: " + loss + "}]}"
    settings = sections(parse("model: {source: a/b}\ntask: {path: rows.jsonl}\nrecipe: " + recipe, "run.yaml"))
    with nullcontext() if right else pytest.raises(InputError, match="right only for the policy that acted"):
        refuse(settings, "improve")


def test_bounds_may_be_schedules():
    falling = Corrected(Clip(), (Truncated(cap=Linear(start=4.0, end=2.0)),))
    assert knobs.at(falling, 0.5, {}).corrections[0].cap == pytest.approx(3.0)


def test_it_asks_for_what_it_reads_and_no_more():
    assert needs(Corrected(Clip(), (Truncated(),))) == {"logp", "proximal_logp", "old_logp", "advantage", "mask"}
    assert needs(Corrected(Reinforce(), (Truncated(),), view="")) == {"logp", "old_logp", "advantage", "mask"}
    assert needs(Corrected(Clip(), (FarFailures(),), view="ema")) == {"logp", "ema_logp", "old_logp", "advantage", "mask"}
    assert Corrected(Clip(), ()).silent_without == "advantage"


# --- in a loop

TREE = PrefixTree(3, 3, 2)


class World(EnumerableWorld):
    contexts, tree = 1, TREE

    def rewards(self):
        return torch.linspace(-1.0, 1.0, len(TREE.length), dtype=torch.float64).unsqueeze(0)


class Stale(TablePolicy):
    """A table that draws as it was when it was made (or as another), and counts what it measures."""

    def __init__(self, logits, then=None):
        super().__init__(TREE, logits)
        self.then = TablePolicy(TREE, logits.clone() if then is None else then)
        self.measured = Counter()

    def sample(self, *arguments, **more):
        return self.then.sample(*arguments, **more)

    def measure(self, sequences, names, *views):
        self.measured.update({(name, torch.is_grad_enabled()): 1 for name in names})
        return super().measure(sequences, names, *views)


def table(seed: int) -> torch.Tensor:
    return torch.randn(1, TREE.prefixes, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def recipe(loss, **more) -> Recipe:
    usual = {"optimiser": Plain(learning_rate=0.5), "sampler": Group(8), "advantage": GroupCentred(scale=None)}
    return Recipe((Term(loss),), **{**usual, **more})


def trained(loss, policy, steps=1, tokens=4096, **more):
    out = improve(
        policy,
        FiniteScene(World()),
        [{"prompt": 0}] * 4,
        recipe(loss, **more),
        Budget(steps=steps, batch_size=4, tokens_per_micro_batch=tokens),
    )
    return policy.logits.detach().clone(), out.history


def test_where_nothing_has_moved_the_run_is_the_uncorrected_one():
    every = (Truncated(), Masked(), Rejection(level=GeometricMean()), FarFailures(), ProbabilityChange())
    for loss, corrected in ((Clip(), Corrected(Clip(), every)), (Reinforce(), Corrected(Reinforce(), every, view=""))):
        (plain, _), (other, history) = (trained(part, Stale(table(0))) for part in (loss, corrected))
        assert torch.equal(plain, other)
        assert history[-1]["sampling/effective_sample_size/corrected"] == 1 and history[-1]["sampling/masked"] == 0


def test_the_proximal_policy_is_the_one_before_the_gradient_steps_and_is_asked_once():
    policy, plain = Stale(table(0)), Stale(table(0))
    trained(Corrected(Clip(), (Truncated(),)), policy, epochs=2, minibatches=2)
    trained(Clip(), plain, epochs=2, minibatches=2)
    assert policy.measured[("logp", False)] == 1 and plain.measured[("logp", False)] == 0


def test_bounds_are_about_the_policy_that_a_step_starts_from():
    """After a first step that hardly moves anything no ratio to the proximal policy is at a bound; to who drew rollouts that are old, many are."""
    hardly = {"epochs": 2, "optimiser": Plain(learning_rate=1e-9)}
    coupled, decoupled = (
        trained(loss, Stale(table(0), table(1)), **hardly)[1][-1] for loss in (Clip(), Corrected(Clip(), (Truncated(cap=5.0),)))
    )
    assert coupled["clip_ratio/region_mean"] > 0.2 and decoupled["clip_ratio/region_mean"] == 0


def test_the_proximal_policy_may_be_a_moving_average():
    loss = Corrected(Clip(), (Truncated(),))
    still, moving = (
        trained(loss, Stale(table(0)), steps=3, updates=updates)[0] for updates in ((), (MovingAverage(into="proximal", decay=0.9),))
    )
    assert not torch.equal(still, moving)


def test_figures_do_not_depend_on_how_a_batch_was_split():
    loss = Corrected(Clip(), (Truncated(cap=1.5), Masked(0.4, 3.0, Product())))
    whole, split = (trained(loss, Stale(table(0), table(1)), tokens=n)[1][-1] for n in (10_000, 6))
    names = [name for name in whole if name.startswith(("sampling/", "losses/"))]
    assert {"sampling/effective_sample_size/token", "sampling/chi2/sequence", "sampling/masked", "sampling/truncated"} <= set(names)
    assert {name: split[name] for name in names} == pytest.approx({name: whole[name] for name in names}, rel=1e-9)
    assert 0 < whole["sampling/masked"] < 1 and 0 < whole["sampling/truncated"] < 1


def test_distances_are_of_the_whole_batch_where_it_was_looked_at_beforehand():
    loss = Corrected(Clip(), (Truncated(),))
    whole, parts = (trained(loss, Stale(table(0), table(1)), minibatches=n)[1][-1] for n in (1, 4))
    names = [f"sampling/{what}/{level}" for what in ("chi2", "effective_sample_size") for level in ("token", "sequence")]
    assert [parts[name] for name in names] == pytest.approx([whole[name] for name in names])


def test_an_uncorrected_run_says_how_far_it_is_off():
    """By hand, of the first gradient step's sequences."""
    _, history = trained(Clip(), Stale(table(0), table(1)))
    assert 0 < history[-1]["sampling/effective_sample_size/sequence"] < history[-1]["sampling/effective_sample_size/token"] < 1
    assert "sampling/importance_sampling_ratio/mean" not in history[-1]


def test_effective_size_by_hand():
    tally, more = Tally(), Tally()
    log_ratio = torch.tensor([[1.0, 2.0], [4.0, 9.0]]).log()
    observe_distance(log_ratio, torch.tensor([[True, True], [True, False]]), tally)
    observe_distance(torch.tensor([[5.0, 9.0]]).log(), torch.tensor([[True, False]]), more)
    tally.join(more)
    means = tally.means()
    assert means["sampling/effective_sample_size/token"] == pytest.approx((1 + 2 + 4 + 5) ** 2 / (4 * (1 + 4 + 16 + 25)))
    assert means["sampling/effective_sample_size/sequence"] == pytest.approx((2 + 4 + 5) ** 2 / (3 * (4 + 16 + 25)))
    assert means["sampling/chi2/token"] == pytest.approx((1 + 4 + 16 + 25) / 4 - 1)
    assert means["sampling/chi2/sequence"] == pytest.approx((4 + 16 + 25) / 3 - 1)


@ratios
@given(st.lists(st.floats(-30.0, 30.0), min_size=1, max_size=8))
def test_effective_size_is_a_share(log_ratios):
    tally = Tally()
    x = torch.tensor([log_ratios])
    observe_distance(x, torch.ones_like(x, dtype=torch.bool), tally)
    for level, count in (("token", len(log_ratios)), ("sequence", 1)):
        assert 1 / count - 1e-9 <= tally.means()[f"sampling/effective_sample_size/{level}"] <= 1 + 1e-9


def test_what_the_page_shows_is_understood():
    (example,) = [b for b in blocks("docs/training-options.md") if b.language == "yaml" and not b.title]
    recipe = sections(parse(example.text, "training-options.md")).recipe
    assert recipe.terms[0].loss == Corrected(Clip(0.2), (Truncated(2.0), Rejection(0.9, 1.1, GeometricMean()))) and recipe.ahead == 2
    text = (ROOT / "docs" / "training-options.md").read_text()
    page = text[text.index("## When rollouts are old") :].partition("\n## ")[0]
    known = {entry.path.rpartition(".")[2] for entry in catalogue() if entry.room in ("losses.corrections", "losses.levels")}
    assert all(f"`{name}`" in page or f"part: {name}" in page or f"level: {name}" in page for name in known), known
    assert set(re.findall(r"recipe: ([a-z_]+)", page)) == {"tis", "icepop", "decoupled_ppo", "dppo"} <= set(recipe_names())
    _, history = trained(Corrected(Clip(), (Truncated(),)), Stale(table(0), table(1)))
    said = set(re.findall(r"`(sampling/[a-z_2/]+)`", page))
    assert said and all(any(name == there or name.rpartition("/")[0] == there.rpartition("/")[0] for there in history[-1]) for name in said)
