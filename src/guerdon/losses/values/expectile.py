"""Expectile: errors upward weigh more than errors downward, so that the estimate comes to lie near the best of its targets.

    u = target - value
    loss = |tau - [u < 0]| u^2        [B, T], in units of reward squared

``tau`` 0.5 is half the squared error; towards 1 a state's estimate becomes the value of the best action that the data hold there, and never of one that they do not.

Source: implicit Q-learning, Kostrikov et al. 2021, arXiv 2110.06169, eq. 5, with ``tau`` 0.7 to 0.9; ILQL, arXiv 2206.11871, the same for language models, as in LMRL-Gym,
arXiv 2311.18232. Differs from SquaredError: targets below the estimate count less."""

from dataclasses import dataclass

import torch

from guerdon.errors import InputError
from guerdon.losses.values.squared_error import SquaredError
from guerdon.quantities import BT
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class Expectile:
    tau: float = 0.7

    def __post_init__(self) -> None:
        if not 0 < self.tau < 1:
            raise InputError(f"expectile: tau lies between 0 and 1, not at {self.tau}")

    def __call__(self, value: BT, target: BT) -> BT:
        above = target.detach() - value
        return torch.where(above < 0, 1 - self.tau, self.tau) * above**2


_two = {"value": [[2.0, 0.0]], "target": [[1.0, 3.0]]}
witness = (
    Witness(
        Expectile(tau=0.75), parent=SquaredError(), given=_two, returns=[[0.25, 6.75]], gradient={"value": [[0.5, -4.5]], "target": None}
    ),
    Witness(Expectile(tau=0.25), parent=Expectile(tau=0.75), given=_two, returns=[[0.75, 2.25]], gradient={"value": [[1.5, -1.5]]}),
)
limits = (Limit(Expectile(tau=0.5), equals=SquaredError(), when="both sides count alike", factor=0.5),)
