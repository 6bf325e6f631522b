"""Measuring: every objective in every situation, over the grid of strengths."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from guerdon.evaluation.statistics.bootstrap_mean import BootstrapMean
from guerdon.exact.solvers.exploitability import Exploitability
from guerdon.exact.solvers.kl_regularised_optimum import KLRegularisedOptimum
from studies.exact_preferences.minimising import Comparisons, Minimum, minimise, names
from studies.exact_preferences.objectives import OBJECTIVES, Objective, Terms
from studies.exact_preferences.situations import TREE, Worlds, situations

BETA = 0.5  # the weight of the KL in the true objective
TAU = BETA / 4  # ... and in the game, whose payoffs are probabilities: a sigmoid's slope is 1/4
GRID = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
WORLDS, EVALUATIONS = 32, 250
RESAMPLES = 2000
MOVED = 1e-3  # total variation
OFF = 60.0  # nats


def measure(worlds: int = WORLDS, grid: Sequence[float] = GRID, objectives: Mapping[str, Objective] = OBJECTIVES) -> dict[str, Any]:
    """The numbers of the page: {"cells": {objective: {situation: {strength: cell}}}}, which of the strengths are shown, and what was set."""
    begun, found = time.process_time(), situations(worlds)
    own = {name: BETA if objective.default is None else objective.default for name, objective in objectives.items()}
    cells = {name: _cells(objective, found, sorted({*grid, own[name]})) for name, objective in objectives.items()}
    return {
        "worlds": worlds,
        "processor_s": round(time.process_time() - begun, 1),
        "beta": BETA,
        "tau": TAU,
        "grid": list(grid),
        "evaluations": EVALUATIONS,
        "off": OFF,
        "situations": list(found),
        "own": own,
        "same meaning": [name for name, objective in objectives.items() if objective.default is None],
        "tuned": {name: {s: _best(cells[name][s], grid) for s in found} for name in objectives},
        "cells": {name: {s: _kept(cells[name][s], own[name], grid) for s in found} for name in objectives},
    }


def _cells(objective: Objective, found: Mapping[str, Worlds], strengths: Sequence[float]) -> dict[str, dict[float, dict]]:
    """Situation → strength → what came of it. Situations with the same terms are minimised together, and the same terms once."""
    by_terms: dict[Terms, list[tuple[str, float]]] = {}
    cells: dict[str, dict[float, dict]] = {name: {} for name in found}
    for name, worlds in found.items():
        for strength in strengths:
            terms = objective.terms(strength, worlds.flip)
            if worlds.reward is not None or "margin" not in names(terms):
                by_terms.setdefault(terms, []).append((name, strength))
    for terms, wanted in by_terms.items():
        of = list(dict.fromkeys(name for name, _ in wanted))
        together = [found[name] for name in of]
        reference = torch.cat([worlds.reference for worlds in together])
        labelled = torch.cat([worlds.labelled() for worlds in together])
        minimum = minimise(terms, Comparisons.of(TREE, reference, labelled, _columns(together)), EVALUATIONS)
        for name, strength in wanted:
            first = sum(len(found[other]) for other in of[: of.index(name)])
            place = slice(first, first + len(found[name]))
            cells[name][strength] = _cell(found[name], minimum, place, 1 / strength if objective.reward else 1.0)
    return cells


def _columns(together: Sequence[Worlds]) -> dict[str, Tensor]:
    """What a comparison says besides its order, [C, S, S]: the share of people who say so, and by how much the reward is higher."""
    nothing = [torch.full_like(worlds.prefer, torch.nan) for worlds in together]
    margins = [n if w.reward is None else w.reward.unsqueeze(-1) - w.reward.unsqueeze(-2) for w, n in zip(together, nothing, strict=True)]
    return {"preference": torch.cat([worlds.said for worlds in together]), "margin": torch.cat(margins)}


def _cell(worlds: Worlds, minimum: Minimum, place: slice, scale: float) -> dict[str, Any]:
    """What came of one objective of one strength in one situation."""
    x, earlier = scale * minimum.x[place], scale * minimum.earlier[place]
    policy, before = (worlds.reference + x).log_softmax(-1), (worlds.reference + earlier).log_softmax(-1)
    moved = (policy.exp() - before.exp()).abs().sum(-1) / 2
    off = minimum.x[place].abs().amax(-1) > OFF
    still = ~minimum.arrived[place] & ~off & (moved > MOVED)
    return {
        **_measures(worlds, policy),
        "gradient": minimum.gradient[place].max(),
        "off": off.double().mean(),
        "moving": still.double().mean(),
    }


def _measures(worlds: Worlds, policy: Tensor) -> dict[str, Tensor | None]:
    """Each [C]: the regret, how far the reward is below what the policy's KL could buy, and how often it ranks a pair wrongly."""
    p, reference = policy.exp(), worlds.reference.exp()
    if worlds.reward is None:
        gap = Exploitability(TAU)(worlds.prefer, p, reference=reference)
        return {"regret": gap, "below": None, "misordered": None}
    kl, reward = (p * (policy - worlds.reference)).sum(-1), (p * worlds.reward).sum(-1)
    regret = KLRegularisedOptimum(BETA)(worlds.reward, reference)["value"] - (reward - BETA * kl)
    better = worlds.reward.unsqueeze(-1) > worlds.reward.unsqueeze(-2)
    moved = policy - worlds.reference
    lead = moved.unsqueeze(-1) - moved.unsqueeze(-2)
    wrong = (lead < -1e-9).double() + 0.5 * (lead.abs() <= 1e-9).double()
    misordered = (wrong * better).sum((-2, -1)) / better.sum((-2, -1))
    return {"regret": regret, "below": frontier(worlds, kl) - reward, "misordered": misordered}


def frontier(worlds: Worlds, kl: Tensor) -> Tensor:
    """[C], the highest reward at a KL from the reference: that of the optimum whose weight of the KL, found by bisection, spends as much."""
    low, high = torch.full_like(kl, -12.0), torch.full_like(kl, 12.0)  # logarithms of the weight
    for _ in range(80):
        middle = (low + high) / 2
        policy = (worlds.reference + worlds.reward / middle.exp().unsqueeze(-1)).log_softmax(-1)
        more = (policy.exp() * (policy - worlds.reference)).sum(-1) > kl
        low, high = torch.where(more, middle, low), torch.where(more, high, middle)
    return (policy.exp() * worlds.reward).sum(-1)


def _best(cells: Mapping[float, dict], grid: Sequence[float]) -> float | None:
    """The strength of the grid with the lowest mean regret."""
    return min((s for s in grid if s in cells), key=lambda s: float(cells[s]["regret"].mean()), default=None)


def _kept(cells: Mapping[float, dict], own: float, grid: Sequence[float]) -> dict[str, dict[str, Any]]:
    """Means and intervals where the page shows the cell, at the own strength and at the best of the grid; the mean regret everywhere."""
    shown = {own, _best(cells, grid)}
    return {f"{s:g}": _estimates(cell) if s in shown else {"regret": _rounded(cell["regret"].mean())} for s, cell in cells.items()}


def _estimates(cell: Mapping[str, Any]) -> dict[str, Any]:
    interval = BootstrapMean(resamples=RESAMPLES)
    return {
        name: None if values is None else [_rounded(v) for v in interval(values)] if values.dim() else _rounded(values)
        for name, values in cell.items()
    }


def _rounded(value: Tensor | float) -> float:
    return float(f"{float(value):.4g}")
