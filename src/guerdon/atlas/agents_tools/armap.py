"""ARMAP: a reward model that nobody labelled anything for, from what random episodes came to, chooses among the episodes of an agent that stays as it is.

World: a grid of seven by seven, tasks "go to this cell" for all cells but the middle, where one begins, within eight moves; a move slips with 0.1. The agent takes a right move
with 0.55 and any other else, but in three of ten cells of a task it favours a wrong one. A seed draws where. A reward model sees the last cell from the goal (one of 13 by 13
differences) and how often the agent bumped, and is linear; it is fitted by logistic loss, with a ridge of 0.01, to pairs (``hindsight_pairs``) of 400 episodes of a random
walker of 4 to 12 moves.

Arms, along N episodes of each task: "reward model" (the best of N by it), "likelihood" (the one that the agent finds likeliest itself), "any" (one of N), "knows" (best of N by
who knows). "greedy": the agent's most likely move each time, once. "success": share of tasks whose chosen episode ends at the goal, over twenty draws of each task.

The smallest difference of interest: 0.02.

Source: Chen et al. 2025, arXiv 2502.12130, abstract, and the authors' code (heaplax/ARMAP), of which the search was looked at. There language models write intents and
failures, VILA-3B judges whole trajectories in shops, laboratories and the game of 24, and MCTS and reflection are guided besides, which are left out. Chosen here: the world.
"""

import torch
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, GrowsWith, NoWorseThan, System
from guerdon.data.curation.hindsight_pairs import HindsightPairs
from guerdon.randomness import derive, generator

system = System(
    title="Scaling Autonomous Agents via Automatic Reward Modeling And Planning",
    link="https://arxiv.org/abs/2502.12130",
    kind="reward",
    builds_on=("hindsight-pairs", "logistic", "best-of-n"),
    read="abstract",
    untuned="one ridge, and a number of episodes along which arms are compared",
    note="",
)
SIDE, MOVES, WALKS, RIDGE, DRAWS, MISNAMED = 7, 8, 400, 0.01, 20, 0.4
TRIES = (1, 2, 4, 8, 16)
DIRECTIONS = torch.tensor([[-1, 0], [0, 1], [1, 0], [0, -1]])
recipe = {"pairs": HindsightPairs(times=4)}
claim = AllOf(
    BetterThan("reward model", "any", on="success", at=8, effect=0.02),
    BetterThan("reward model", "greedy", on="success", at=8, effect=0.02),
    BetterThan("reward model", "likelihood", on="success", at=8, effect=0.02, matched="episodes"),
    NoWorseThan("reward model", "knows", on="success", at=8, margin=0.02, matched="episodes"),
    GrowsWith("reward model", on="success", every_step=True),
)
SEEDS = {"smoke": 1, "full": 12}


def walked(policy: Tensor, moves: int, rng: torch.Generator, slip: float, greedy: bool = False) -> tuple[Tensor, Tensor, Tensor]:
    """From the middle, by ``policy`` [B, cells, 4], until told to stop (a goal is where it stays): the last cells [B], bumps [B], log-likelihoods [B]."""
    rows = torch.arange(len(policy))
    cell = torch.full((len(policy),), SIDE * SIDE // 2)
    bumps, likely = torch.zeros(len(policy), dtype=torch.float64), torch.zeros(len(policy), dtype=torch.float64)
    for _ in range(moves):
        chance = policy[rows, cell]
        stays = chance.sum(-1) == 0
        meant = chance.argmax(-1) if greedy else torch.multinomial(chance + 1e-9 * stays.unsqueeze(-1), 1, generator=rng).squeeze(-1)
        slips = torch.rand(len(policy), generator=rng) < slip
        move = torch.where(slips, torch.randint(0, 4, (len(policy),), generator=rng), meant)
        there = torch.stack([cell // SIDE, cell % SIDE], 1) + DIRECTIONS[move]
        inside = ((there >= 0) & (there < SIDE)).all(-1)
        likely += torch.where(stays, 0.0, chance[rows, meant].clamp(min=1e-9).log())
        bumps += (~inside & ~stays).double()
        cell = torch.where(inside & ~stays, there[:, 0] * SIDE + there[:, 1], cell)
    return cell, bumps, likely


def features(goal: Tensor, last: Tensor, bumps: Tensor) -> Tensor:
    """[B, F]"""
    down, right = last // SIDE - goal // SIDE + SIDE - 1, last % SIDE - goal % SIDE + SIDE - 1
    where = torch.nn.functional.one_hot(down * (2 * SIDE - 1) + right, (2 * SIDE - 1) ** 2).double()
    return torch.cat([where, bumps.unsqueeze(-1)], -1)


def fitted(seed: int, walks: int) -> Tensor:
    """The weights of the reward model."""
    rng = generator(seed, "walks")
    policy = torch.full((walks, SIDE * SIDE, 4), 0.25, dtype=torch.float64)
    parts = [walked(policy[n::3], moves, rng, 0.0) for n, moves in enumerate((4, 8, 12))]
    last, bumps = torch.cat([p[0] for p in parts]), torch.cat([p[1] for p in parts])
    near = (torch.stack([last // SIDE, last % SIDE], 1) + DIRECTIONS[torch.randint(0, 4, last.shape, generator=rng)]).clamp(0, SIDE - 1)
    named = torch.where(torch.rand(last.shape, generator=rng) < MISNAMED, near[:, 0] * SIDE + near[:, 1], last)
    rows = [
        {"completion": (cell, bump), "outcome": intent}
        for cell, bump, intent in zip(last.tolist(), bumps.tolist(), named.tolist(), strict=True)
    ]
    pairs = HindsightPairs(times=4, seed=derive(seed, "pairs"))(rows)

    def side(name: str) -> Tensor:
        cell, bump = torch.tensor([pair[name] for pair in pairs], dtype=torch.float64).T
        return features(torch.tensor([pair["prompt"] for pair in pairs]), cell.long(), bump)

    difference = side("chosen") - side("rejected")
    weights = torch.zeros(difference.shape[1], dtype=torch.float64)
    for _ in range(200):
        slope = -(difference * torch.sigmoid(-difference @ weights).unsqueeze(-1)).mean(0) + RIDGE * weights
        weights = weights - 5.0 * slope
    return weights


def agent(seed: int) -> tuple[Tensor, Tensor]:
    """The goals [G], and its policy for each [G, cells, 4]."""
    rng, cells = generator(seed, "agent"), torch.arange(SIDE * SIDE)
    goals = cells[cells != SIDE * SIDE // 2]
    here = torch.stack([cells // SIDE, cells % SIDE], -1)
    nearer = here.unsqueeze(1) + DIRECTIONS
    far = (nearer.unsqueeze(0) - here[goals].view(-1, 1, 1, 2)).abs().sum(-1)
    good = far.argmin(-1)
    wrong = torch.rand(good.shape, generator=rng) < 0.3
    favoured = torch.where(wrong, torch.randint(0, 4, good.shape, generator=rng), good)
    policy = 0.15 + 0.4 * torch.nn.functional.one_hot(favoured, 4).double()
    policy[torch.arange(len(goals)), goals] = 0.0
    return goals, policy


def experiment(seed: int, scale: str) -> dict:
    small = scale == "smoke"
    draws = 1 if small else DRAWS
    goals, policy = agent(seed)
    weights, rng = fitted(seed, 60 if small else WALKS), generator(seed, "acting")
    goal = goals.repeat(draws)
    many = max(TRIES)
    last, bumps, likely = (x.view(-1, many) for x in walked(policy.repeat(draws, 1, 1).repeat_interleave(many, 0), MOVES, rng, 0.1))
    right = (last == goal.unsqueeze(-1)).double()
    said = features(goal.repeat_interleave(many), last.flatten(), bumps.flatten()) @ weights
    scores = {"reward model": said.view(-1, many), "likelihood": likely, "any": torch.zeros_like(likely), "knows": right}
    once = walked(policy.repeat(draws, 1, 1), MOVES, rng, 0.1, greedy=True)[0]
    arms = {
        name: {"success": {float(n): float(right.gather(1, score[:, :n].argmax(-1, keepdim=True)).mean()) for n in TRIES}}
        for name, score in scores.items()
    }
    return arms | {"greedy": {"success": dict.fromkeys(map(float, TRIES), float((once == goal).double().mean()))}}
