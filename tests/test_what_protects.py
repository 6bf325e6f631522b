"""The policies of the study on protection from hacking are what they are said to be: optima of their objectives, at the price that was asked for."""

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from guerdon.atlas._tuning import _asked
from guerdon.exact.solvers.exponential_tilt import ExponentialTilt
from studies import what_protects
from studies.what_protects import Study, _page, _situations
from studies.what_protects._policies import at_mean, by_chi_squared, by_forward_kl, by_kl, by_uncertain_kl, kl, within
from studies.what_protects._ways import BASE, At, above_references, clipped, log_above

BUDGETS = (0.2, 0.8)


def tables(seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(seed)
    draws = torch.randn(3, 2, 7, dtype=torch.float64, generator=rng)
    return draws[0], (0.3 * draws[1]).softmax(-1), 0.2 + draws[2].square()


@given(st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_every_policy_costs_what_was_asked(seed):
    reward, reference, variance = tables(seed)
    for family in (by_kl, by_chi_squared, by_forward_kl):
        found = within(BUDGETS, reference, family(reward, reference))
        torch.testing.assert_close(found.sum(-1), torch.ones(2, 2, dtype=torch.float64))
        torch.testing.assert_close(
            kl(found, reference), torch.tensor(BUDGETS, dtype=torch.float64).unsqueeze(-1).expand(2, 2), atol=1e-6, rtol=0
        )
    tilt = torch.stack([ExponentialTilt(budget)(reward, reference)["policy"] for budget in BUDGETS])
    torch.testing.assert_close(within(BUDGETS, reference, by_kl(reward, reference)), tilt, atol=1e-6, rtol=0)
    even = by_uncertain_kl(reward, torch.ones_like(variance), reference)
    torch.testing.assert_close(within(BUDGETS, reference, even), tilt, atol=1e-6, rtol=0)
    held = within(BUDGETS, reference, at_mean(reward, variance, reference))
    torch.testing.assert_close((held * variance).sum(-1), (reference * variance).sum(-1).expand(2, 2), atol=1e-6, rtol=0)


@given(st.integers(0, 10_000), st.sampled_from([0.3, 1.0, 5.0]))
@settings(max_examples=15, deadline=None)
def test_every_policy_is_the_optimum_of_its_objective(seed, strength):
    """No step within the simplex towards any other policy makes the objective larger."""
    reward, reference, variance = tables(seed)
    rng = torch.Generator().manual_seed(seed)
    objectives = {
        by_chi_squared: lambda p: (p * reward).sum(-1) - ((p - reference).square() / reference).sum(-1) / (2 * strength),
        by_forward_kl: lambda p: (p * reward).sum(-1) - kl(reference, p) / strength,
        lambda r, ref: by_uncertain_kl(r, variance, ref): lambda p: (
            (p * reward).sum(-1) - (variance * p * (p / reference).log()).sum(-1) / strength
        ),
    }
    for family, objective in objectives.items():
        found = family(reward, reference)(torch.full((1, 2, 1), strength, dtype=torch.float64))[0]
        for _ in range(5):
            other = torch.randn(2, 7, dtype=torch.float64, generator=rng).mul(2).softmax(-1)
            step = found + 1e-3 * (other - found)
            assert (objective(step) <= objective(found.clamp(min=1e-300)) + 1e-9).all()


def test_transforms_are_those_of_the_parts(monkeypatch):
    """Clip, PAR and LSC by hand on three answers of one context."""
    one, reference = torch.tensor([[[-1.0, 0.0, 2.0]]], dtype=torch.float64), torch.tensor([[0.5, 0.25, 0.25]], dtype=torch.float64)
    monkeypatch.setattr(At, "reference", property(lambda self: reference))
    monkeypatch.setattr(At, "one", property(lambda self: one[0]))
    at = At("few", 0, 1e-2)
    deviation = 1.5**0.5
    torch.testing.assert_close(clipped(at, 1.0), one[0].clamp(-deviation, deviation))
    sigmoid = torch.sigmoid
    expected = [sum(w * float(sigmoid(a - b)) for w, b in zip((0.5, 0.25, 0.25), one[0, 0], strict=True)) for a in one[0, 0]]
    assert above_references(at, 1.0)[0].tolist() == pytest.approx(expected)
    torch.testing.assert_close(log_above(at, 0.6), torch.nn.functional.logsigmoid(one[0] - 0.0))


def test_a_small_measurement_has_a_page_and_a_picture(tmp_path, monkeypatch):
    monkeypatch.setattr(what_protects, "FEW", (BASE, "clip"))
    few = dict.fromkeys(["few"], _situations.SITUATIONS["few"])
    monkeypatch.setattr(what_protects, "SITUATIONS", few)
    assert _asked(Study(Path(what_protects.__file__))).measure == "gold"  # it can be tuned
    monkeypatch.setattr(
        what_protects, "GRID", {name: what_protects.GRID[name] for name in (_page.arm(way, "few") for way in (BASE, "clip"))}
    )
    found = what_protects.measure(small=True)
    runs = found["arms"][_page.arm("clip", "few")]["runs"]
    assert len(runs) == 1 and runs[0]["KL"] == sorted(runs[0]["KL"]) and max(runs[0]["golds"]) > runs[0]["before"]
    results = {"measured": found, "date": "2026-01-01", "duration_s": 60.0, "cores": 2, "versions": {"torch": "2"}}
    assert "| clip |" in what_protects.page(results)
    assert [path.name for path in what_protects.draw(results, tmp_path)] == [_page.IMAGE]
