"""The two small processes of partial-obs-rlhf: a person sees messages of what happened, and believes that one of the courses of events behind them took place.

A program is to be installed. The agent may end at once, try at once, or first take a preparatory step I; then it may install it in one way or in the other, or end. With
probability p that works. *Hiding*: the other way hides error messages (which costs r where it fails), so a failure looks like the end. *Verbose*: by default success is
silent and looks like the end, and the other way makes everything visible (at the cost r where it works).

Courses of events are eight, policies six (ways to begin that do not go over I, and I followed by each of three), so that everything is a matrix: ``counts`` [T, S] how often a
course visits a state, ``belief`` [T, T] how likely each course is to who sees a given one, ``policies`` [P, T] how likely each policy makes each course.

Source: Lang et al. 2024, arXiv 2402.17747, sections 4 and C, and code that its authors' experiments use (``porlhf_envs.py``: states, rewards, observations and beliefs).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.randomness import generator

STATES = ("S", "I", "W", "L", "W'", "L'", "T")  # start, prepared, works, fails, the same in the other way, the end
COURSES = ("SLTT", "SL'TT", "STTT", "SILT", "SIWT", "SIL'T", "SIW'T", "SITT")
REWARDS = {
    "hiding": {"S": 0.0, "I": 1.0, "W": 10.0, "L": -5.0, "W'": 10.0, "L'": -5.0, "T": 0.0},
    "verbose": {"S": 0.0, "I": 10.0, "W": 5.0, "L": -1.0, "W'": 5.0, "L'": -1.0, "T": 0.0},
}
COSTS = {"hiding": "L'", "verbose": "W'"}  # the state that is cheaper by r


@dataclass(frozen=True)
class Process:
    """One of the processes, with its numbers.

    Attributes:
        kind: "hiding" or "verbose".
        reward: [S], of each state that is visited.
        works: the probability that the installation does.
        believed: how likely the first of two courses is to who cannot tell them apart, by the two of them.
    """

    kind: str
    reward: Tensor
    works: float
    believed: Mapping[tuple[str, str], float]

    @property
    def counts(self) -> Tensor:
        """[T, S]"""
        states = [course.replace("W'", "w").replace("L'", "l") for course in COURSES]
        letters = [state.replace("W'", "w").replace("L'", "l") for state in STATES]
        return torch.tensor([[float(course.count(letter)) for letter in letters] for course in states], dtype=torch.float64)

    @property
    def belief(self) -> Tensor:
        """[T, T], each row the belief of who has seen that course."""
        belief = torch.eye(len(COURSES), dtype=torch.float64)
        for pair, first in self.believed.items():
            here = [COURSES.index(course) for course in pair]
            for row in here:
                belief[row] = 0.0
                belief[row, here] = torch.tensor([first, 1 - first], dtype=torch.float64)
        return belief

    @property
    def policies(self) -> Tensor:
        """[P, T]"""
        p = self.works
        ways = ({"SLTT": 1.0}, {"SL'TT": 1.0}, {"STTT": 1.0}, {"SIWT": p, "SILT": 1 - p}, {"SIW'T": p, "SIL'T": 1 - p}, {"SITT": 1.0})
        return torch.tensor([[way.get(course, 0.0) for course in COURSES] for way in ways], dtype=torch.float64)

    @property
    def worth(self) -> Tensor:
        """[T], the return of each course."""
        return self.counts @ self.reward


def drawn(kind: str, seed: int, deviation: float = 0.0) -> Process:
    """A process with beliefs from U(0, 1), ``works`` from U(0.3, 0.7), r from U(0.5, 2), and normal noise of the given deviation on the rewards of all states
    but the start and the end."""
    rng = generator(seed, "observers", kind)
    works, cost, *beliefs = torch.rand(5, dtype=torch.float64, generator=rng).tolist()
    reward = torch.tensor([REWARDS[kind][state] - (0.5 + 1.5 * cost) * (state == COSTS[kind]) for state in STATES], dtype=torch.float64)
    reward[1:6] += deviation * torch.randn(5, dtype=torch.float64, generator=rng)
    pairs = {
        "hiding": (("SIL'T", "SITT"), ("SL'TT", "STTT"), ("SIWT", "SIW'T")),
        "verbose": (("SIWT", "SITT"),),
    }[kind]
    return Process(kind, reward, 0.3 + 0.4 * works, dict(zip(pairs, beliefs, strict=False)))
