"""Offload: the optimiser's state and frozen models lie elsewhere while they are not needed, and nothing that is computed is another for it."""

import dataclasses
import weakref
from pathlib import Path

import pytest
import torch

from guerdon.errors import InputError
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.penalties.kl_exact import KLExact
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.losses.surrogates.clip import Clip
from guerdon.models import resting as models_resting
from guerdon.models.language.lora import Lora
from guerdon.recipes.nash_md import recipe as nash_md
from guerdon.sequences import Decoding
from guerdon.training.jobs import FitJob, ImproveJob
from guerdon.training.optimiser import AdamW
from guerdon.training.optimisers import _resting as resting
from guerdon.training.optimisers.adafactor import Adafactor
from guerdon.training.optimisers.muon import Muon
from guerdon.training.optimisers.sgd import SGD
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.training.updates.moving_average import MovingAverage
from process_cases import Rows
from test_loops import GRPO, PPO, SMALL, TASK, parameters, quiet

DPO = Recipe((Term(Pairwise(LogRatio(), Logistic())),), AdamW(1e-2))
OPTIMISERS = [AdamW(1e-2), SGD(0.1, momentum=0.5), Muon(1e-3), Adafactor(1e-2)]
JOBS = {
    "dpo": FitJob(DPO, Rows("pairs")),
    "dpo with a reference that moves": FitJob(dataclasses.replace(DPO, updates=(MovingAverage("ref", decay=0.5),)), Rows("pairs")),
    "exact divergences": ImproveJob(
        dataclasses.replace(GRPO, terms=(Term(Clip()), Term(KLExact(), weight=0.5))), TASK, decoding=Decoding(6)
    ),
    "ppo with a critic": ImproveJob(PPO, TASK, decoding=Decoding(6)),
}


class Card:
    """A device that is none: what is brought there is a copy, and what lies in the host's memory meanwhile is spoilt, so that who reads that reads nothing.

    Attributes:
        most: numbers that were there at once, besides those that are always there.
    """

    def __init__(self, monkeypatch):
        self.there: dict[int, int] = {}
        self.most = self.brought = 0
        self.spoilt: list[tuple[torch.Tensor, torch.Tensor]] = []
        for place in (models_resting, resting):
            monkeypatch.setattr(place, "brought", self.bring)
        monkeypatch.setattr(models_resting.Resting, "_drop_copy", self._restoring(models_resting.Resting._drop_copy))
        monkeypatch.setattr(resting, "put_down", self.put_down)

    def bring(self, value, device):
        copy = value.clone()
        self.spoilt.append((value, copy.clone()))
        value.fill_(torch.nan)
        self.there[id(copy)] = copy.numel()
        self.brought += copy.numel()
        self.most = max(self.most, sum(self.there.values()))
        weakref.finalize(copy, self.there.pop, id(copy), None)
        return copy

    def put_down(self, value, place=None):
        self.spoilt.clear()
        return value.clone() if place is None else place.copy_(value)

    def _restoring(self, drop):
        def after(model) -> None:
            for value, was in self.spoilt:
                value.copy_(was)
            self.spoilt.clear()
            drop(model)

        return after


def learned(job, offload: tuple[str, ...] = (), folder: Path | None = None, steps: int = 3, dtype: str = "float32"):
    model = dataclasses.replace(SMALL, dtype=dtype).build(0)
    budget = Budget(steps=steps, batch_size=6, save_every=1, offload=offload, evaluate_every=2, evaluation_rows=4)
    history = dataclasses.replace(job, budget=budget)(model, {}, 0, folder, quiet()).history
    return parameters(model), [{k: v for k, v in row.items() if "time" not in k} for row in history]


def identical(one, other) -> None:
    assert one[1] == other[1]
    assert all(torch.equal(value, other[0][name]) for name, value in one[0].items())


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", JOBS)
def test_what_rests_computes_the_same_bits(name: str, dtype: str, monkeypatch):
    plain = learned(JOBS[name], dtype=dtype)
    identical(plain, learned(JOBS[name], ("optimiser", "reference"), dtype=dtype))
    card = Card(monkeypatch)
    identical(plain, learned(JOBS[name], ("optimiser", "reference"), dtype=dtype))
    assert card.brought


@pytest.mark.parametrize("optimiser", OPTIMISERS, ids=lambda o: type(o).__name__)
def test_the_state_of_every_optimiser_rests(optimiser, monkeypatch):
    """Of all of it, as much is on the device at once as belongs to one load."""
    job = FitJob(dataclasses.replace(DPO, optimiser=optimiser), Rows("pairs"))
    plain = learned(job)
    monkeypatch.setattr(resting, "LOAD", 500)
    card = Card(monkeypatch)
    identical(plain, learned(job, ("optimiser",)))
    sizes = [p.numel() for p in SMALL.build(0).module.parameters()]
    states = 2 if isinstance(optimiser, AdamW) else 1
    assert card.brought and card.most <= 2 * max(max(sizes), 500) < sum(sizes)
    if isinstance(optimiser, AdamW | SGD):
        assert card.brought == 2 * states * sum(sizes)  # at two of three steps there is a state


@pytest.mark.parametrize("optimiser", OPTIMISERS, ids=lambda o: type(o).__name__)
@pytest.mark.parametrize("before", [(), ("optimiser",)], ids=["from the device", "from the host"])
def test_a_run_goes_on_with_it_and_without(before, optimiser, tmp_path: Path, monkeypatch):
    job = FitJob(dataclasses.replace(DPO, optimiser=optimiser), Rows("pairs"))
    monkeypatch.setattr(resting, "LOAD", 500)
    whole = learned(job, before, tmp_path / "whole", 4)
    learned(job, before, tmp_path / "parts", 2)
    gone_on = learned(job, () if before else ("optimiser",), tmp_path / "parts", 4)
    assert all(torch.equal(value, gone_on[0][name]) for name, value in whole[0].items())


def test_offload_of_a_reference_that_takes_no_memory_is_refused():
    model = SMALL.build(0)
    model.module = Lora(r=2).wrap(model.module, 0)
    budget = Budget(steps=1, batch_size=4, offload=("reference",))
    with pytest.raises(InputError, match=r"budget.offload: .*'ref' view is the policy with its adapters off; leave reference out"):
        dataclasses.replace(JOBS["dpo"], budget=budget)(model, {}, 0, None, quiet())
    with pytest.raises(InputError, match="compares the policy with no frozen model"):
        ImproveJob(dataclasses.replace(GRPO, terms=(Term(Clip()),)), TASK, budget=budget)(SMALL.build(0), {}, 0, None, quiet())
    with pytest.raises(InputError, match="it draws at every token as well"):
        ImproveJob(nash_md, TASK, budget=budget)(SMALL.build(0), {}, 0, None, quiet())


def test_of_a_tensor_that_is_split_over_processes_this_ones_part_rests():
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.tensor import Shard, distribute_tensor

    torch.distributed.init_process_group("gloo", store=torch.distributed.HashStore(), rank=0, world_size=1)
    try:
        split = distribute_tensor(torch.arange(6.0).view(3, 2), init_device_mesh("cpu", (1,)), [Shard(0)])
        again = models_resting._like(split, split.to_local() + 1)
        assert again.placements == split.placements and again.shape == split.shape and torch.equal(again.to_local(), split.to_local() + 1)
        assert models_resting.put_down(split) is split and models_resting.brought(split, torch.device("cpu")) is split
    finally:
        torch.distributed.destroy_process_group()
