"""LMRL-Gym: learning from logs of episodes in many turns, by values of actions or by imitation, and with a part of the world unseen.

World: a maze of five by five cells with eight walls, in which the goal can be reached; a seed draws it. -1 a move, 40 at most, from any cell. The logs are 150 episodes of a
mover that takes the shortest way with 0.3 and any move else. Every method learns from the same logs, once seeing the cell, once only which of the four moves are free.

Arms: "BC" (as the logs do), "filtered BC" (as the best share of the logs do, of those from each cell; the share is tuned), "MC" (values of actions are mean returns to go; the
policy of BC times exp(beta Q), beta tuned) and "ILQL" (values of states are expectiles of those of actions, ``losses.values.expectile``, which follow them by one step; BC
times exp(beta (Q - V)); tau and beta tuned).

"maze" and "maze, unseen": normalised return, 0 as the logs and 1 as the shortest ways, exact.

The smallest difference of interest: 0.02 of that.

Source: Abdulhai et al. 2023, arXiv 2311.18232, abstract and summaries; ILQL, arXiv 2206.11871. There GPT-2 of several sizes and eight tasks of text, which ``worlds.games`` has
in small; PPO, which acts, is left to other files. Chosen here: the maze, tables in place of networks, and three tunings of nine settings each, BC having none."""

from functools import lru_cache

import torch
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, Knob, System
from guerdon.losses.values.expectile import Expectile
from guerdon.randomness import generator
from guerdon.worlds.finite.grid import Grid

system = System(
    title="LMRL Gym: Benchmarks for Multi-Turn Reinforcement Learning with Language Models",
    link="https://arxiv.org/abs/2311.18232",
    kind="evaluation",
    builds_on=("expectile",),
    read="abstract",
    note=(
        "Values of actions are ahead of imitation of the best episodes where the cell is seen, by 0.04 (MC) and 0.11 (ILQL). Where it is not, all lose, and "
        "ILQL the most: what it chains from one situation to the next is no longer one situation, and it ends behind filtered BC (0.47 beside 0.66)."
    ),
)
SIDE, WALLS, MOVES, EPISODES = 5, 8, 40, 150
recipe = {"ILQL": Expectile()}
claim = AllOf(
    BetterThan("ILQL", "filtered BC", on="maze", effect=0.02, matched="logs"),
    BetterThan("MC", "filtered BC", on="maze", effect=0.02, matched="logs"),
    BetterThan("ILQL", "MC", on="maze", effect=0.02, matched="logs"),
    *(BetterThan(arm, 0.0, on="lost unseen", effect=0.02) for arm in ("filtered BC", "MC", "ILQL")),
)
SEEDS = {"smoke": 1, "full": 40, "tune": 6}
GRID = {
    "filtered BC": {"share": Knob((0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8), least=0.01, most=1.0)},
    "MC": {"beta": (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6)},
    "ILQL": {"beta": (1.0, 4.0, 16.0), "tau": Knob((0.7, 0.8, 0.9), least=0.5, most=0.97)},
}
TUNED_BY = "tuned by"


@lru_cache(maxsize=2)
def world(seed: int) -> tuple[Tensor, Tensor, Tensor, tuple[Tensor, Tensor, Tensor]]:
    """Where moves lead [S, A] (the goal is 0 and stays), which moves are free as a number [S], how many moves it is to the goal [S], and the logs: states, moves, and
    where they led, [B, T]."""
    rng, size = generator(seed, "maze"), SIDE * SIDE
    grid = Grid(SIDE, SIDE, ((0, 0),)).tables()
    while True:
        wall = torch.zeros(size, dtype=torch.bool)
        wall[1 + torch.randperm(size - 1, generator=rng)[:WALLS]] = True
        leads = grid.transition.argmax(-1)
        leads = torch.where(wall[leads], torch.arange(size).unsqueeze(-1), leads)
        far = torch.full((size,), torch.inf, dtype=torch.float64)
        far[0] = 0.0
        for _ in range(size):
            far = torch.minimum(far, 1 + far[leads].amin(-1))
        if bool(far[~wall].isfinite().all()):
            break
    free = (leads != torch.arange(size).unsqueeze(-1)).long() @ torch.tensor([1, 2, 4, 8])
    free[0] = 16
    cells = torch.arange(size)[~wall][1:]
    state = cells[torch.randint(0, len(cells), (EPISODES,), generator=rng)]
    best = far[leads].argmin(-1)
    states, taken = [], []
    for _ in range(MOVES):
        move = torch.where(torch.rand(EPISODES, generator=rng) < 0.3, best[state], torch.randint(0, 4, (EPISODES,), generator=rng))
        states.append(state)
        taken.append(move)
        state = leads[state, move]
    states, taken = torch.stack(states, 1), torch.stack(taken, 1)
    return leads, free, torch.where(wall, torch.nan, far), (states, taken, leads[states, taken])


def value(leads: Tensor, policy: Tensor, starts: Tensor) -> float:
    """The return of a policy [S, A], exact."""
    found = torch.zeros(len(leads), dtype=torch.float64)
    for _ in range(MOVES):
        found = (policy * (found[leads] - 1.0)).sum(-1)
        found[0] = 0.0
    return float(found[starts].mean())


def policy_of(arm: str, states: Tensor, taken: Tensor, after: Tensor, seen: Tensor, share: float, beta: float, tau: float) -> Tensor:
    """[S, A] for all that can be told apart: ``seen`` [S] numbers it."""
    going = states != 0
    length = going.sum(-1)
    if arm == "filtered BC":
        alike = states[:, :1] == states[:, 0]  # episodes are compared with those that began in the same cell
        sooner = (alike & (length < length.unsqueeze(-1))).sum(-1)
        kept = sooner < (share * alike.sum(-1)).clamp(min=1)
        states, taken, going = states[kept], taken[kept], going[kept]
    width = int(seen.max()) + 1
    cell = (seen[states] * 4 + taken)[going]
    counts = torch.zeros(width * 4, dtype=torch.float64).index_add(0, cell, torch.ones(len(cell), dtype=torch.float64))
    logits = (counts.view(width, 4) + 0.01).log()
    if arm == "MC":
        left = -going.flip(-1).cumsum(-1).flip(-1).double()[going]
        q = torch.zeros_like(counts).index_add(0, cell, left).view(width, 4) / counts.view(width, 4).clamp(min=1)
        logits = logits + beta * torch.where(counts.view(width, 4) > 0, q, -float(MOVES))
    if arm == "ILQL":
        often, loss = counts.view(width, 4), Expectile(tau)
        v = torch.zeros(width, dtype=torch.float64)
        onward, ended = seen[after][going], (after == 0)[going]
        for _ in range(60):
            total = torch.zeros_like(counts).index_add(0, cell, torch.where(ended, 0.0, v[onward]) - 1.0)
            q = total.view(width, 4) / often.clamp(min=1)
            for _ in range(3):  # steps to the expectile, by the loss's own gradient and its curvature
                guess = v.unsqueeze(-1).expand_as(q).detach().requires_grad_()
                (slope,) = torch.autograd.grad((often * loss(guess, q)).sum(), guess)
                curve = (often * torch.where(q < guess.detach(), 1 - tau, tau) * 2).sum(-1)
                v = v - slope.sum(-1) / curve.clamp(min=1e-9)
        logits = logits + beta * torch.where(often > 0, q - v.unsqueeze(-1), -float(MOVES))
    return logits.softmax(-1)[seen]


def trial(arm: str, seed: int, scale: str, share: float = 1.0, beta: float = 0.0, tau: float = 0.5) -> dict[str, float]:
    leads, free, far, logs = world(seed)
    starts = (~far.isnan()).nonzero().squeeze(-1)[1:]
    count = 20 if scale == "smoke" else EPISODES
    logs = tuple(x[:count] for x in logs)
    best = -float(far[starts].mean())
    own = -float((logs[0] != 0).sum(-1).double().mean())
    found = {}
    for name, seen in (("maze", torch.arange(len(leads))), ("maze, unseen", free)):
        found[name] = (value(leads, policy_of(arm, *logs, seen, share, beta, tau), starts) - own) / (best - own)
    return {**found, "lost unseen": found["maze"] - found["maze, unseen"], "tuned by": sum(found.values())}


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    return {"BC": trial("BC", seed, scale)} | {arm: trial(arm, seed, scale, **setting) for arm, setting in tuned.items()}
