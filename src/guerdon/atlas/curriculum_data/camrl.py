"""CAMRL: many tasks, each learned by itself or pulled to what others have learned, by a matrix that says who tells whom how much.

World: six tasks on one grid of four by four cells (``worlds.finite.grid``, slip 0.1, discount 0.9, 1 for the goal), whose goals lie in two opposite corners and
beside them, so that three tasks want nearly the same and the other three nearly the contrary; every episode begins at one of the other two corners. A policy is
a table of logits for each task. A seed is other tables, N(0, 1/4), and other episodes.

Arms, all by REINFORCE, 8 episodes of 16 steps for each task in each of 40 rounds (returns to go less their mean): "single", each task by itself; "uniform",
every task is also pulled to the mean of all tables; "camrl". There a round is for single tasks, or, with a chance that falls with time and rises with outliers
among the tasks' losses, asymmetric: one task after the other is chosen, the one of the least composite loss; its row of the matrix is found by Frank-Wolfe in
the box from 0 to a radius; and the task makes its step, pulled to the sum of those before it, weighed by what they tell it. The composite loss of a task t:

    (1 + mu sum over s of B[t, s]) L_t + sum over s to come of |w_s - sum over j before of B[j, s] w_j - B[t, s] w_t|^2
    + |rank of losses - rank of B[t]|^2 + |rank of likeness - rank of B[t]|^2

each term over its variance so far; ranks of B are soft (tanh). L_t is 1 less the return by that of the optimum, estimated on the round's episodes; likeness is
the cosine of tables.

Tuned: the rate, and of the arms that share the strength of the pull or the radius, by "score". Measured exactly: the value from the start by that of the
optimum, the mean over tasks, averaged over rounds ("score") and at the end ("end"); and "harm", what a task lost against "single" of its seed at the end, the
mean over tasks that lost. 0.02 of value is the smallest difference of interest.

Source: Huang et al. 2022, arXiv 2211.03352, its abstract, and its authors' code (``CAMRL.py``), whose terms these are but for the prior of difficulty, which
may be left out there; mu 0.01, a tenth of the pull, the indicator with its thirds, the horizon a tenth of all rounds. There SAC on MiniGrid, Meta-world and
others. Chosen here: grid, REINFORCE, sizes.
"""

import math

import torch
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, Knob, System
from guerdon.exact.solvers.frank_wolfe import FrankWolfe
from guerdon.exact.solvers.value_iteration import ValueIteration
from guerdon.randomness import derive, generator
from guerdon.worlds.finite.decision_process import MDP
from guerdon.worlds.finite.grid import Grid

system = System(
    title="Curriculum-based Asymmetric Multi-task Reinforcement Learning",
    link="https://arxiv.org/abs/2211.03352",
    kind="method",
    builds_on=("policy-gradient", "frank-wolfe", "multi-task-sampler"),
    read="code",
    waits_for="a control world with many tasks",
    note=(
        "Each task by itself is ahead of both ways to share (0.02 of CAMRL, 0.01 of a pull to the mean), and CAMRL does not "
        "harm less than the pull: tables of sixteen cells have little to tell each other, and half of the tasks want the "
        "contrary."
    ),
)
GOALS = ((0, 0), (0, 1), (1, 0), (3, 3), (3, 2), (2, 3))
STARTS = (3, 12)  # the other two corners
ROUNDS, EPISODES, LONG, MU, SHARP, DISCOUNT = 40, 8, 16, 0.01, 200.0, 0.9
GRID = {
    "single": {"rate": (1.0, 2.0, 4.0, 8.0)},
    "uniform": {"rate": (2.0, 4.0), "pull": Knob((0.01, 0.1), least=0.0)},
    "camrl": {"rate": (2.0, 4.0), "radius": Knob((0.05, 0.5), least=0.0, most=1.0)},
}
TUNED_BY = "score"
claim = AllOf(
    BetterThan("camrl", "single", on="score", effect=0.02, matched="episodes, updates"),
    BetterThan("camrl", "uniform", on="score", effect=0.02, matched="episodes, updates"),
    BetterThan("camrl", "uniform", on="harm", lower_is_better=True, effect=0.02, matched="episodes, updates"),
)
SEEDS = {"smoke": 1, "full": 12, "tune": 2}


def trial(arm: str, seed: int, scale: str, **knobs: float) -> dict[str, float]:
    return learned(arm, seed, scale, **knobs)[0]


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    found = {arm: learned(arm, seed, scale, **setting) for arm, setting in tuned.items()}
    alone = found["single"][1]
    for measures, worth in found.values():
        lost = (alone - worth).clamp(min=0)
        measures["harm"] = float(lost.sum() / (lost > 0).sum().clamp(min=1))
    return {arm: measures for arm, (measures, _) in found.items()}


def learned(arm: str, seed: int, scale: str, rate: float, pull: float = 0.0, radius: float = 0.0) -> tuple[dict[str, float], Tensor]:
    """What an arm comes to, and the value of each task at the end by that of the optimum."""
    tasks = [task_of(goal) for goal in GOALS]
    best = torch.stack([ValueIteration()(task.transition, task.reward, task.discount)["value"] @ task.initial for task in tasks])
    tables = 0.5 * torch.randn(len(tasks), 16, 4, dtype=torch.float64, generator=generator(seed, "tables"))
    share = Sharing(len(tasks), radius)
    rounds, path = 2 if scale == "smoke" else ROUNDS, []
    for step in range(rounds):
        drawn = [gradient(tables[t], task, derive(seed, step, t)) for t, task in enumerate(tasks)]
        loss = torch.stack([1 - earned / best[t] for t, (_, earned) in enumerate(drawn)])
        chosen: list[int] = []
        asymmetric = arm == "camrl" and float(torch.rand((), generator=generator(seed, "mode", step))) < indicator(loss, step, rounds)
        for place in range(len(tasks)):
            t, towards = place, None
            if asymmetric:
                t, towards = share.next(tables, loss, chosen)
                chosen.append(t)
            elif arm == "uniform":
                towards = tables.mean(0)
            tables[t] += rate * drawn[t][0]
            if towards is not None:
                tables[t] -= (pull if arm == "uniform" else 0.1) * (tables[t] - towards)
        worth = torch.stack([value(tables[t], task) for t, task in enumerate(tasks)]) / best
        path.append(float(worth.mean()))
    return {"score": sum(path) / len(path), "end": path[-1]}, worth


class Sharing:
    """The matrix B, from whom to whom, and how its composite losses have varied."""

    def __init__(self, tasks: int, radius: float) -> None:
        self.matrix, self.radius = torch.eye(tasks, dtype=torch.float64), radius
        self.past: list[Tensor] = []

    def next(self, tables: Tensor, loss: Tensor, chosen: list[int]) -> tuple[int, Tensor | None]:
        """The task of the least loss, with its row renewed, and where those before it pull it; None where none was before."""
        left = [t for t in range(len(loss)) if t not in chosen]
        with torch.no_grad():
            t = min(left, key=lambda task: float(self.composite(self.matrix[task], task, tables, loss, chosen)))
        others = [s for s in range(len(loss)) if s != t]

        def of(row: Tensor) -> Tensor:
            return self.composite(torch.ones_like(self.matrix[t]).index_put((torch.tensor(others),), row), t, tables, loss, chosen)

        if self.radius > 0:
            self.matrix[t, others] = FrankWolfe(0.0, self.radius)(of, self.matrix[t, others])["point"]
        with torch.no_grad():
            self.past.append(self.terms(self.matrix[t], t, tables, loss, chosen))
        told = self.matrix[chosen, t]
        return t, torch.einsum("j,jsa->sa", told, tables[chosen]) if chosen else None

    def composite(self, row: Tensor, t: int, tables: Tensor, loss: Tensor, chosen: list[int]) -> Tensor:
        varied = torch.stack(self.past).var(0).clamp(min=1e-3) if len(self.past) > 1 else torch.ones(4, dtype=torch.float64)
        return (self.terms(row, t, tables, loss, chosen) / varied).sum()

    def terms(self, row: Tensor, t: int, tables: Tensor, loss: Tensor, chosen: list[int]) -> Tensor:
        flat, own = tables.flatten(1), torch.arange(len(loss)) == t
        to_come = [s for s in range(len(loss)) if s not in chosen and s != t]
        told = flat[to_come] - self.matrix[chosen][:, to_come].T @ flat[chosen] - row[to_come].unsqueeze(-1) * flat[t]
        like = torch.nn.functional.cosine_similarity(flat, flat[t].unsqueeze(0), dim=-1)
        soft = len(loss) - (torch.tanh(SHARP * (row.unsqueeze(-1) - 0.01 - row)) / 2 + 0.5).sum(-1)
        ranks = [1 + (x.unsqueeze(0) > x.unsqueeze(-1)).sum(-1) for x in (loss + own, like + 100 * own)]
        return torch.stack(
            [(1 + MU * (row * ~own).abs().sum()) * loss[t], (told**2).sum(), *((rank - soft).square().sum() for rank in ranks)]
        )


def indicator(loss: Tensor, step: int, rounds: int) -> float:
    """How likely a round is asymmetric."""
    outliers = float(((loss - loss.mean()).abs() > 2 * loss.std(correction=0)).double().mean())
    return (outliers + math.exp(-10 * step / rounds) + math.exp(-float(loss.mean()) / 40)) / 3


def task_of(goal: tuple[int, int]) -> MDP:
    grid = Grid(ends=(goal,), step_reward=0.0, goal_reward=1.0, slip=0.1, discount=DISCOUNT).tables()
    initial = torch.zeros(16, dtype=torch.float64)
    initial[list(STARTS)] = 0.5
    return MDP(grid.transition, grid.reward, initial, grid.discount)


def gradient(table: Tensor, task: MDP, seed: int) -> tuple[Tensor, Tensor]:
    """Of the value, estimated on fresh episodes; and their mean return."""
    logits = table.clone().requires_grad_()
    uniforms = torch.rand(1 + 2 * LONG, EPISODES, dtype=torch.float64, generator=generator(seed, "episodes")).T
    states, actions, rewards = task.rollout(logits.detach().softmax(-1), uniforms)
    paid = rewards * task.discount ** torch.arange(LONG, dtype=torch.float64)
    to_go = paid.flip(1).cumsum(1).flip(1)
    gain = ((to_go - to_go.mean(0)) * logits.log_softmax(-1)[states, actions]).sum(1).mean()
    return torch.autograd.grad(gain, logits)[0], paid.sum(1).mean()


def value(table: Tensor, task: MDP) -> Tensor:
    """From the start, exactly."""
    policy = table.softmax(-1)
    moves = torch.einsum("sa,san->sn", policy, task.transition)
    return task.initial @ torch.linalg.solve(torch.eye(16, dtype=torch.float64) - task.discount * moves, (policy * task.reward).sum(-1))
