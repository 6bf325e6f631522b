"""ARMAP: a reward model that nobody labelled anything for, from what random episodes came to, chooses among the episodes of an agent that stays as it is.

World: a grid of seven by seven, tasks "go to this cell and stop there" for all cells but the middle, where one begins, within eight moves; a move slips with 0.1. The agent takes a
right move with 0.52 and any other, or to stop, with 0.12 or less; in three of ten cells of a task it favours a wrong one; at the goal it stops with 0.7. Nobody tells it that it is
there. A seed draws where it is wrong. A reward model is a table of goals and last cells, and a weight for how often the agent bumped: it knows nothing of goals where no walk came
near. It is fitted by logistic loss, with a ridge of 0.001, to pairs (``hindsight_pairs``) of 400 episodes of a random walker of 4 to 12 moves, of which four in ten are taken for a
walk to the next cell.

Arms, along N episodes of each task: "reward model" (the best of N by it), "tree search" (N episodes that are led by what it said of those before: PUCT with the agent's policy as
prior over what can be done in a cell after so many moves, beyond which the agent goes on by itself; then the best), "likelihood" (the one whose moves the agent finds likeliest, on
average), "any" (one of N), "knows" (best of N by who knows). "greedy": the agent's most likely move each time, once. "success": share of tasks whose chosen episode ends at the
goal, over eight draws of each task.

The smallest difference of interest: 0.02.

Source: Chen et al. 2025, arXiv 2502.12130, abstract, the project's page and summaries of its sections. There language models write intents and refine them, failures are the same
walk with moves changed (here another walk), VILA-3B judges whole trajectories in shops, laboratories and the game of 24, and reflection is led besides, which is left out. Chosen
here: the world. (First the world stopped an episode at the goal, which told the agent what the reward model was to find out, and there was no tree; then the reward model saw
where the goal lies from the last cell, and was as good as who knows.)
"""

import torch
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, NoWorseThan, System
from guerdon.data.curation.hindsight_pairs import HindsightPairs
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.randomness import derive, generator

system = System(
    title="Scaling Autonomous Agents via Automatic Reward Modeling And Planning",
    link="https://arxiv.org/abs/2502.12130",
    kind="reward",
    builds_on=("hindsight-pairs", "logistic", "best-of-n", "puct"),
    read="summary",
    untuned="one ridge and one exploration constant, fixed before; the number of episodes is what arms are compared along",
    note=(
        "A reward model of what random walks came to raises the best of eight from 0.24 to 0.57, which is no more than the agent's own most likely way (0.58) or its own "
        "likelihood as judge reach, and 0.18 behind who knows: of goals where no random walk came it knows nothing. Led by it, a tree search is 0.05 ahead of both, so what the "
        "paper claims of search holds here, and what it claims of the best of N only beside a random one."
    ),
)
SIDE, MOVES, WALKS, RIDGE, DRAWS, MISNAMED, SLIP, EXPLORE = 7, 8, 400, 0.001, 8, 0.4, 0.1, 1.0
STOP = 4
TRIES = (1, 2, 4, 8, 16)
DIRECTIONS = torch.tensor([[-1, 0], [0, 1], [1, 0], [0, -1], [0, 0]])
LINK = Logistic()
recipe = {"pairs": HindsightPairs(times=4), "reward model": LINK}
claim = AllOf(
    BetterThan("reward model", "any", on="success", at=8, effect=0.02),
    BetterThan("reward model", "greedy", on="success", at=8, effect=0.02),
    BetterThan("reward model", "likelihood", on="success", at=8, effect=0.02, matched="episodes"),
    NoWorseThan("reward model", "knows", on="success", at=8, margin=0.02, matched="episodes"),
    BetterThan("tree search", "greedy", on="success", at=8, effect=0.02),
    BetterThan("tree search", "reward model", on="success", at=8, effect=0.02, matched="episodes"),
)
SEEDS = {"smoke": 1, "full": 60}


def moved(cell: Tensor, meant: Tensor, slip: float, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Where one is [B], and whether one bumped [B]; who stops does not slip."""
    slips = (torch.rand(len(cell), generator=rng) < slip) & (meant != STOP)
    move = torch.where(slips, torch.randint(0, STOP, (len(cell),), generator=rng), meant)
    there = torch.stack([cell // SIDE, cell % SIDE], 1) + DIRECTIONS[move]
    inside = ((there >= 0) & (there < SIDE)).all(-1)
    return torch.where(inside, there[:, 0] * SIDE + there[:, 1], cell), ~inside


def walked(policy: Tensor, moves: int, rng: torch.Generator, slip: float, greedy: bool = False) -> tuple[Tensor, Tensor, Tensor]:
    """From the middle, by ``policy`` [B, cells, 5], until one stops: the last cells [B], bumps [B], mean log-likelihoods [B]."""
    rows, going = torch.arange(len(policy)), torch.ones(len(policy), dtype=torch.bool)
    cell = torch.full((len(policy),), SIDE * SIDE // 2)
    bumps, likely, count = (torch.zeros(len(policy), dtype=torch.float64) for _ in range(3))
    for _ in range(moves):
        chance = policy[rows, cell]
        meant = chance.argmax(-1) if greedy else torch.multinomial(chance, 1, generator=rng).squeeze(-1)
        meant = torch.where(going, meant, STOP)
        likely += going * chance[rows, meant].log()
        count += going
        cell, bumped = moved(cell, meant, slip, rng)
        bumps += bumped
        going = going & (meant != STOP)
    return cell, bumps, likely / count


def led(policy: Tensor, goal: Tensor, weights: Tensor, tries: int, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Episodes of tree search: the last cells [B, tries] and what the reward model says of them."""
    size, rows = len(policy), torch.arange(len(policy))
    visits = torch.zeros(size, MOVES, SIDE * SIDE, STOP + 1, dtype=torch.float64)
    total = torch.zeros_like(visits)
    lasts, said = [], []
    for _ in range(tries):
        cell, going, inside = torch.full((size,), SIDE * SIDE // 2), torch.ones(size, dtype=torch.bool), torch.ones(size, dtype=torch.bool)
        bumps, way = torch.zeros(size, dtype=torch.float64), []
        for depth in range(MOVES):
            chance, often = policy[rows, cell], visits[rows, depth, cell]
            tried = often.sum(-1, keepdim=True)
            worth = total[rows, depth, cell] / often.clamp(min=1) + EXPLORE * chance * tried.sqrt() / (1 + often)
            own = torch.multinomial(chance, 1, generator=rng).squeeze(-1)
            meant = torch.where(inside & (tried.squeeze(-1) > 0), worth.argmax(-1), own)
            meant = torch.where(going, meant, STOP)
            way.append((cell, meant, (going & inside).double()))
            inside = inside & (tried.squeeze(-1) > 0)  # what is reached for the first time is the last of the tree
            cell, bumped = moved(cell, meant, SLIP, rng)
            bumps += bumped
            going = going & (meant != STOP)
        score = scored(weights, goal, cell, bumps)
        lasts.append(cell)
        said.append(score)
        for depth, (where, meant, counts) in enumerate(way):
            visits[rows, depth, where, meant] += counts
            total[rows, depth, where, meant] += counts * score.sigmoid()
    return torch.stack(lasts, 1), torch.stack(said, 1)


def scored(weights: Tensor, goal: Tensor, last: Tensor, bumps: Tensor) -> Tensor:
    return weights[goal * SIDE * SIDE + last] + weights[-1] * bumps / 10


def fitted(seed: int, walks: int, steps: int) -> Tensor:
    """The weights of the reward model."""
    rng = generator(seed, "walks")
    policy = torch.full((walks, SIDE * SIDE, STOP + 1), 0.25, dtype=torch.float64)
    policy[:, :, STOP] = 0.0
    parts = [walked(policy[n::3], moves, rng, 0.0) for n, moves in enumerate((4, 8, 12))]
    last, bumps = torch.cat([p[0] for p in parts]), torch.cat([p[1] for p in parts])
    near = (torch.stack([last // SIDE, last % SIDE], 1) + DIRECTIONS[torch.randint(0, STOP, last.shape, generator=rng)]).clamp(0, SIDE - 1)
    named = torch.where(torch.rand(last.shape, generator=rng) < MISNAMED, near[:, 0] * SIDE + near[:, 1], last)
    rows = [
        {"completion": (cell, bump), "outcome": intent}
        for cell, bump, intent in zip(last.tolist(), bumps.tolist(), named.tolist(), strict=True)
    ]
    pairs = HindsightPairs(times=4, seed=derive(seed, "pairs"))(rows)

    goal, (won, lost) = (
        torch.tensor([pair["prompt"] for pair in pairs]),
        (torch.tensor([pair[side] for pair in pairs], dtype=torch.float64).T for side in ("chosen", "rejected")),
    )
    weights = torch.zeros(SIDE**4 + 1, dtype=torch.float64, requires_grad=True)
    for _ in range(steps):
        won_score, lost_score = (scored(weights, goal, side[0].long(), side[1]) for side in (won, lost))
        (slope,) = torch.autograd.grad(LINK(won_score, lost_score).mean() + RIDGE * weights.square().sum() / 2, weights)
        weights = (weights.detach() - 20.0 * slope).requires_grad_()
    return weights.detach()


def agent(seed: int) -> tuple[Tensor, Tensor]:
    """The goals [G], and its policy for each [G, cells, 5]."""
    rng, cells = generator(seed, "agent"), torch.arange(SIDE * SIDE)
    goals = cells[cells != SIDE * SIDE // 2]
    here = torch.stack([cells // SIDE, cells % SIDE], -1)
    nearer = here.unsqueeze(1) + DIRECTIONS[:STOP]
    good = (nearer.unsqueeze(0) - here[goals].view(-1, 1, 1, 2)).abs().sum(-1).argmin(-1)
    wrong = torch.rand(good.shape, generator=rng) < 0.3
    favoured = torch.where(wrong, torch.randint(0, STOP, good.shape, generator=rng), good)
    policy = 0.12 + 0.4 * torch.nn.functional.one_hot(favoured, STOP + 1).double()
    policy[:, :, STOP] = 0.04
    policy[torch.arange(len(goals)), goals] = torch.tensor([0.075] * STOP + [0.7], dtype=torch.float64)
    return goals, policy / policy.sum(-1, keepdim=True)


def experiment(seed: int, scale: str) -> dict:
    small = scale == "smoke"
    goals, policy = agent(seed)
    weights, rng, many = fitted(seed, *((60, 20) if small else (WALKS, 300))), generator(seed, "acting"), max(TRIES)
    goal, policy = goals.repeat(1 if small else DRAWS), policy.repeat(1 if small else DRAWS, 1, 1)
    last, bumps, likely = (x.view(-1, many) for x in walked(policy.repeat_interleave(many, 0), MOVES, rng, SLIP))
    said = scored(weights, goal.unsqueeze(-1), last, bumps)
    right = (last == goal.unsqueeze(-1)).double()
    sought, told = led(policy, goal, weights, many, rng)
    found = {
        "any": (right, torch.zeros_like(right)),
        "likelihood": (right, likely),
        "reward model": (right, said),
        "tree search": ((sought == goal.unsqueeze(-1)).double(), told),
        "knows": (right, right),
    }
    arms = {
        arm: {"success": {float(n): float(ends.gather(1, score[:, :n].argmax(-1, keepdim=True)).mean()) for n in TRIES}}
        for arm, (ends, score) in found.items()
    }
    greedy = (walked(policy, MOVES, rng, SLIP, greedy=True)[0] == goal).double().mean()
    return arms | {"greedy": {"success": dict.fromkeys(map(float, TRIES), float(greedy))}}
