"""An optimiser whose state rests in the host's memory, and is on the device only for the tensors that are just stepped on.

A step is made for some parameters at a time, as many as have ``LOAD`` numbers. What it computes is what it computes
otherwise: no optimiser here mixes the numbers of two parameters.

Source: Ren et al. 2021 (ZeRO-Offload), arXiv 2101.06840, for where the state is; there the host makes the step too, here the device does.
"""

import contextlib
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from guerdon.models.resting import brought, put_down, wait
from guerdon.training.optimisers._building import Together

LOAD = 2**26  # numbers of parameters that are stepped on at once


def resting(optimiser: Any) -> Any:
    """The optimiser, or each of those that it consists of, with a state that rests."""
    return Together(*map(resting, optimiser.optimisers)) if isinstance(optimiser, Together) else Resting(optimiser)


class Resting:
    """The optimiser; ``state_dict()`` and ``load_state_dict()`` are its own, so that a run may go on without this, and the other way round."""

    def __init__(self, optimiser: torch.optim.Optimizer):
        self.optimiser = optimiser
        self.places: dict[nn.Parameter, dict[str, Tensor]] = defaultdict(dict)  # where its state rests

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        return self.optimiser.param_groups

    @property
    def state(self) -> Any:
        return self.optimiser.state

    def zero_grad(self, set_to_none: bool = True) -> None:
        self.optimiser.zero_grad(set_to_none=set_to_none)

    def step(self) -> None:
        """One step, of a load after the other."""
        for _, some in self._loads():
            for parameter in some:
                own = self.optimiser.state.get(parameter, {})
                for name, value in own.items():
                    own[name] = brought(value, parameter.device) if _rests(value) else value
            self.optimiser.step()
            self._put_down(some)
        wait()

    def state_dict(self) -> dict[str, Any]:
        return self.optimiser.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """A load after the other, for the optimiser takes what it is given to the device."""
        place = {p: n for n, p in enumerate(p for group in self.param_groups for p in group["params"])}
        found: dict[nn.Parameter, Any] = {}
        for number, some in self._loads():
            kept = {n: state["state"][place[p]] for n, p in enumerate(some) if place[p] in state["state"]}
            group = {**state["param_groups"][number], "params": list(range(len(some)))}
            self.optimiser.load_state_dict({**state, "state": kept, "param_groups": [group]})
            self._put_down(some)
            found |= self.optimiser.state
        self.optimiser.state = defaultdict(dict, found)
        wait()

    def _put_down(self, some: list[nn.Parameter]) -> None:
        for parameter in some:
            own = self.optimiser.state.get(parameter, {})
            for name, value in own.items():
                if _rests(value):
                    own[name] = self.places[parameter][name] = put_down(value, self.places[parameter].get(name))

    def _loads(self) -> Iterator[tuple[int, list[nn.Parameter]]]:
        """The number of a group and some of its parameters, while the optimiser knows of no others."""
        groups = self.optimiser.param_groups
        for number, group in enumerate(groups):
            load: list[nn.Parameter] = []
            for parameter in [*group["params"], None]:
                full = sum(p.numel() for p in load) + (0 if parameter is None else parameter.numel()) > LOAD
                if load and (full or parameter is None):
                    with self._only(group, load):
                        yield number, load
                    load = []
                load.append(parameter)

    @contextlib.contextmanager
    def _only(self, group: dict[str, Any], some: list[nn.Parameter]) -> Iterator[None]:
        groups = self.optimiser.param_groups
        self.optimiser.param_groups = [{**group, "params": some}]
        try:
            yield
        finally:
            self.optimiser.param_groups = groups


def _rests(value: Any) -> bool:
    """Whether it takes memory worth speaking of: counters stay where the optimiser has them."""
    return isinstance(value, Tensor) and value.numel() > 1
