"""Memory on a GPU: what rests lies in the host's memory, what runs out is halved, what is free is filled. Without a GPU they are skipped, and say so."""

import dataclasses

import pytest
import torch

from guerdon.training import filling
from guerdon.training.jobs import FitJob
from guerdon.training.learner import Learner
from guerdon.training.recipe import Budget
from process_cases import Rows
from test_loops import SMALL, parameters, quiet
from test_offload import DPO, OPTIMISERS

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
WIDE = dataclasses.replace(SMALL, device="cuda", layers=2, hidden=256)


def learned(recipe=DPO, **budget):
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    model = WIDE.build(0)
    settings = Budget(**{"steps": 4, "batch_size": 12, "evaluation_rows": 4, "deterministic": False, **budget})
    FitJob(recipe, Rows("pairs"), budget=settings)(model, {}, 0, None, quiet())
    return parameters(model), torch.cuda.max_memory_allocated()


@pytest.mark.parametrize("optimiser", OPTIMISERS, ids=lambda o: type(o).__name__)
def test_what_rests_takes_less_of_the_card_and_computes_the_same(optimiser, monkeypatch):
    monkeypatch.setattr("guerdon.training.optimisers._resting.LOAD", 2**16)
    made: list[Learner] = []
    begin = Learner.__init__
    monkeypatch.setattr(Learner, "__init__", lambda self, *args, **more: (begin(self, *args, **more), made.append(self))[0])
    recipe = dataclasses.replace(DPO, optimiser=optimiser)
    plain, peak = learned(recipe)
    resting, less = learned(recipe, offload=("optimiser", "reference"))
    for name, value in plain.items():
        torch.testing.assert_close(resting[name], value, rtol=0, atol=1e-5)
    assert less < peak
    optimisers = getattr(made[-1].optimiser, "optimisers", [made[-1].optimiser])
    kept = [v for each in optimisers for own in each.state.values() for v in own.values() if isinstance(v, torch.Tensor) and v.numel() > 1]
    assert kept and all(v.device.type == "cpu" and v.is_pinned() for v in kept)


def test_where_the_card_is_too_small_the_result_is_the_same():
    plain, peak = learned()
    total = torch.cuda.get_device_properties(0).total_memory
    small, _ = learned(tokens_per_micro_batch=16)
    try:
        torch.cuda.set_per_process_memory_fraction(0.8 * peak / total)
        found, _ = learned()
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    for other in (small, found):
        for name, value in plain.items():
            torch.testing.assert_close(other[name], value, rtol=0, atol=1e-4)


def test_the_meter_sees_what_is_taken():
    meter = filling.Card(torch.device("cuda"))
    meter.begin()
    before = meter.free()
    some = torch.empty(2**24, dtype=torch.uint8, device="cuda")
    assert meter.taken() >= 2**24 and before - meter.free() >= 2**24
    del some
    assert meter.taken() >= 2**24 and meter.free() == pytest.approx(before, rel=0.01)
