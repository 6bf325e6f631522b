"""The exact table: its minimiser against others, and what is known beforehand of what it measures."""

import math
from functools import partial

import numpy as np
import pytest
import torch
from scipy.optimize import linprog

from guerdon.atlas import _comparing
from guerdon.exact.solvers.kl_regularised_optimum import KLRegularisedOptimum
from guerdon.models.finite.policy import TablePolicy
from studies import exact_preferences, running
from studies.exact_preferences import measuring
from studies.exact_preferences.found import FINDINGS, findings
from studies.exact_preferences.minimising import Comparisons, Loss, minimise
from studies.exact_preferences.objectives import OBJECTIVES, with_beta
from studies.exact_preferences.reading import Table
from studies.exact_preferences.resting import Flow, has_potential, is_monotone
from studies.exact_preferences.situations import TREE, situations

WORLDS = situations(2)
ALL, CYCLES, SURE = "all pairs", "cycles", "labels without doubt"


def told(name, worlds=WORLDS):
    of = worlds[name]
    columns = {"preference": of.said} | ({} if of.reward is None else {"margin": of.reward.unsqueeze(-1) - of.reward.unsqueeze(-2)})
    return Comparisons.of(TREE, of.reference, of.labelled(), columns)


def policies(name, minimum):
    return (WORLDS[name].reference + minimum.x).softmax(-1)


def optimum(name):
    return KLRegularisedOptimum(measuring.BETA)(WORLDS[name].reward, WORLDS[name].reference.exp())["policy"]


# situations


@pytest.mark.parametrize("name", WORLDS)
def test_shares_of_labels_add_up_in_every_world(name):
    labelled = WORLDS[name].labelled()
    assert torch.allclose(labelled.sum((-2, -1)), torch.ones(2, dtype=torch.float64))
    assert bool((labelled >= 0).all()) and not labelled.diagonal(dim1=-2, dim2=-1).any()


def test_situations_differ_in_one_thing():
    clean, flipped = WORLDS[ALL], WORLDS["20 % flipped"]
    assert torch.equal(clean.reward, flipped.reward) and torch.equal(clean.reference, flipped.reference)
    assert torch.allclose(flipped.said, 0.8 * clean.prefer + 0.2 * (1 - clean.prefer))
    shown = WORLDS["half of the answers shown"].labelled().sum(-1) > 0
    assert shown.sum(-1).tolist() == [4, 4]
    assert bool(((WORLDS["512 pairs from the reference"].labelled() * 512) % 1 == 0).all())
    better = WORLDS[SURE].reward.argmax(-1)
    assert bool((WORLDS[SURE].prefer[torch.arange(2), :, better].sum(-1) == 0.5).all())  # only against itself
    spread = (WORLDS["contrary reference"].reference - clean.reference + clean.reward).std(-1)
    assert torch.allclose(spread, torch.zeros(2, dtype=torch.float64), atol=1e-12)


def test_rows_are_repeated_by_their_shares():
    share = torch.tensor([[[0, 0.5, 0.3], [0.2, 0, 0], [0, 0, 0]]], dtype=torch.float64)
    repeated = Comparisons.of(TREE, torch.zeros(1, 8).double(), share, {"preference": share}).repeated(4)
    assert list(zip(repeated.chosen.tolist(), repeated.rejected.tolist(), strict=True)) == [(0, 1), (0, 1), (0, 2), (1, 0)]
    assert repeated.share.tolist() == [0.25] * 4 and repeated.columns["preference"].tolist() == [0.5, 0.5, 0.3, 0.2]
    singly = Comparisons.of(TREE, torch.zeros(1, 8).double(), share, {}).one_by_one()
    assert float(singly.share.sum()) == 1 and singly.columns["label"].tolist() == [1.0] * 3 + [0.0] * 3


# minimising


@pytest.mark.parametrize("name", OBJECTIVES)
def test_every_objective_has_a_loss_and_a_gradient(name):
    terms = OBJECTIVES[name].terms(0.5, 0.1)
    if not terms:
        return
    x = torch.zeros(2, TREE.size, dtype=torch.float64, requires_grad=True)
    loss = Loss(terms, told(ALL))(x)
    (gradient,) = torch.autograd.grad(loss.sum(), x)
    assert loss.shape == (2,) and bool(loss.isfinite().all()) and bool(gradient.isfinite().all()) and bool(gradient.any())
    assert torch.allclose(gradient.sum(-1), torch.zeros(2, dtype=torch.float64), atol=1e-9) or OBJECTIVES[name].reward


@pytest.mark.parametrize("name", ["DPO", "NCA", "RPO", "LD-DPO", "DPO (Jensen-Shannon)"])
def test_minimum_is_that_of_the_minimiser_that_experiments_use(name):
    """Which trains a table policy on the tree, with L-BFGS, on weighted pairs."""
    worlds, terms = WORLDS[ALL], OBJECTIVES[name].terms(0.5, 0.0)
    reference = TablePolicy(TREE, torch.zeros(1, TREE.prefixes, TREE.vocabulary)).distribute(worlds.reference[:1])
    world = _comparing.ComparisonWorld(worlds.reward[0], lambda: TablePolicy(TREE, reference.logits), 0.5)
    policy, weights = world.start(), worlds.labelled()[0]
    pairs = (weights > 0).nonzero()
    share = weights[pairs[:, 0], pairs[:, 1]]
    _comparing.minimise(policy, terms, world.examples(pairs, share / share.mean()), steps=500)
    ours = policies(ALL, minimise(terms, told(ALL), 400))[0]
    assert torch.allclose(ours, policy.probabilities(0).detach(), atol=1e-4)
    assert float((ours - worlds.reference[0].exp()).abs().sum()) > 0.1


def test_a_mean_over_steps_is_that_of_infinitely_many_rows():
    """SFT's loss at the reference: the tokens' mean of -logp over chosen answers, each as often as it is chosen."""
    worlds = WORLDS[ALL]
    loss = Loss(OBJECTIVES["SFT on the chosen"].terms(0.5, 0.0), told(ALL))(torch.zeros(2, TREE.size, dtype=torch.float64))
    chosen = worlds.labelled().sum(-1)
    expected = -(chosen * worlds.reference).sum(-1) / (chosen * TREE.length).sum(-1)
    assert torch.allclose(loss.detach(), expected)


def test_hinges_come_to_rest_where_a_linear_program_does():
    comparisons = told(CYCLES)
    minimum = minimise(OBJECTIVES["SLiC"].terms(0.5, 0.0), comparisons, 250)
    for world in range(2):
        rows = (comparisons.world == world).nonzero().squeeze(-1)
        leads = np.zeros((len(rows), TREE.size))
        leads[np.arange(len(rows)), comparisons.chosen[rows]] -= 0.5
        leads[np.arange(len(rows)), comparisons.rejected[rows]] += 0.5
        cost = np.concatenate([np.zeros(TREE.size), comparisons.share[rows].numpy()])
        bounds = [(None, None)] * TREE.size + [(0, None)] * len(rows)
        least = linprog(cost, A_ub=np.hstack([leads, -np.eye(len(rows))]), b_ub=-np.ones(len(rows)), bounds=bounds).fun
        assert float(minimum.loss[world]) == pytest.approx(least, abs=1e-5)


def test_a_stop_gradient_is_noticed_and_the_flow_comes_to_rest():
    comparisons = told(ALL)
    dpo, wpo = (OBJECTIVES[name].terms(0.5, 0.0) for name in ("DPO", "WPO"))
    assert has_potential(Loss(dpo, comparisons), 2, TREE.size) and not has_potential(Loss(wpo, comparisons), 2, TREE.size)
    minimum = minimise(wpo, comparisons, 250)
    assert bool(minimum.arrived.all()) and torch.allclose(
        policies(ALL, minimum), optimum(ALL), atol=1e-6
    )  # every pair is fitted, whatever it weighs


def test_of_several_minima_the_flow_finds_the_one_downhill():
    """A double well in each coordinate, tilted: the gradient leads from 0 to the root of 4 x^3 - 4 x - tilt on the side to which it is tilted."""
    tilt = torch.tensor([[0.5, -0.5], [1.0, 0.1]], dtype=torch.float64)

    def wells(tilt, x):
        return 4 * x**3 - 4 * x - tilt

    flow = Flow(2, 2)
    for _ in range(60):
        left = (~flow.arrived).nonzero().squeeze(-1)
        field, fields = (partial(wells, tilt[left].repeat(copies, 1)) for copies in (1, 3))
        flow.advance(left, field, fields, 1e-7)
    roots = torch.tensor(
        [np.roots([4, 0, -4, -float(t)]).real.max() if t > 0 else np.roots([4, 0, -4, -float(t)]).real.min() for t in tilt.flatten()]
    )
    assert torch.allclose(flow.x, roots.view(2, 2)) and bool(flow.arrived.all())
    assert not is_monotone(lambda x: 4 * x**3 - 4 * x, 2, 2) and is_monotone(lambda x: 4 * x**3 + x, 2, 2)


def test_flips_leave_a_symmetric_loss_where_it_is():
    """Which is not convex, so that its minimum is only found again if the same way is taken."""
    terms = OBJECTIVES["APO zero"].terms(0.5, 0.0)
    clean, flipped = (policies(name, minimise(terms, told(name), 250)) for name in (ALL, "30 % flipped"))
    assert torch.allclose(clean, flipped, atol=1e-6) and float((clean - WORLDS[ALL].reference.exp()).abs().max()) > 0.05


def test_a_recipe_takes_the_strength_everywhere():
    (term,) = OBJECTIVES["TDPO"].terms(0.7, 0.0)
    assert term.loss.score.beta == term.loss.rejected.beta == 0.7 and not term.loss.score.through
    assert with_beta(3, 0.7) == 3


# measuring


def test_the_frontier_is_that_of_the_optima():
    worlds = WORLDS[ALL]
    best = KLRegularisedOptimum(0.3)(worlds.reward, worlds.reference.exp())
    assert torch.allclose(measuring.frontier(worlds, best["kl"]), best["reward"], atol=1e-6)
    nothing = torch.zeros(2, dtype=torch.float64)
    assert torch.allclose(measuring.frontier(worlds, nothing), (worlds.reference.exp() * worlds.reward).sum(-1), atol=1e-3)


@pytest.fixture(scope="module")
def small():
    return running.measured(exact_preferences, small=True)


def test_small_study_finds_what_is_known(small):
    table = Table(small["measured"])
    robust, nothing = "robust DPO (told the rate)", "nothing (the reference)"
    assert set(table.objectives) == {"DPO", robust, nothing}
    for name in (ALL, "pairs from the reference", "contrary reference"):
        assert abs(table.regret("DPO", name)) < 1e-6 < 0.1 < table.regret(nothing, name)
    for percent in (10, 20, 30, 40):
        assert abs(table.regret(robust, f"{percent} % flipped")) < 1e-6 < 0.005 < table.regret("DPO", f"{percent} % flipped")
    assert table.cell("DPO", SURE, False)["off"] == 1 and table.cell("DPO", ALL, False)["off"] == 0
    assert 1e-3 < table.regret("DPO", CYCLES) < table.regret(nothing, CYCLES)
    assert table.cell("DPO", ALL, False)["misordered"][0] == 0 and table.cell(nothing, ALL, False)["misordered"][0] == 0.5
    assert table.regret("DPO", "half of the answers shown") > 1e-3


def test_small_study_has_a_page(small):
    text = exact_preferences.page(small)
    assert text.count("| DPO |") == 2 * 3 + 2 and math.isfinite(small["duration_s"])


def test_every_finding_is_borne_out_by_the_committed_results():
    assert len(findings(Table(running.read(running.results_path("exact-preferences"))["measured"]))) == len(FINDINGS)
