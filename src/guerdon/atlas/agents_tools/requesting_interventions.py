"""Requesting interventions: when to call for help is solved for, in a process that was estimated from transitions, at the price at which the budget is met.

World: tasks of six levels, each in one of five situations, of which the next is drawn. On its own the agent passes a level with a chance from U(0.4, 0.95), which depends on
level and situation, and with help it passes with one that lies somewhere between that and 1, U(0, 1) of the way; who does not pass has failed, but for a third of the cases, in
which it stays. So where it is likely to fail is not where help helps most. A seed draws the chances and the transitions that are known: those of 400 episodes in which help is
called every other time.

Arms, all measured exactly in the true process, at equal expected calls by interpolation along each one's own curve:

* "solved": the best policy of the estimated process (counts, with one of each added), for five budgets, told yes or no in each state (``CallBudget`` without mixing);
* "value threshold": calls where the estimated chance of success without help lies below a threshold; "gain threshold": where help raises the estimated chance by more than one,
all later levels alone (looks one step ahead: a baseline that sees what the method sees);
* "random": calls with the same chance everywhere;
* "optimum": of the true process, mixed.

"success" along the budget, in calls. "off budget": how many calls more or fewer than its budget of 1 "solved" really makes.

The smallest difference of interest: 0.01 of success.

Source: Min et al. 2025, arXiv 2502.04576, abstract and the authors' page (soyeonm.github.io/self_reg). There a language model's head says the chance of success, situated
instructions are followed in a household, and the labels of the solution are learned by a helper; here states are few, so a table is that helper."""

import numpy as np
import torch
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, NoWorseThan, System
from guerdon.exact.solvers.call_budget import CallBudget
from guerdon.randomness import generator

system = System(
    title="Self-Regulation and Requesting Interventions",
    link="https://arxiv.org/abs/2502.04576",
    kind="method",
    builds_on=("call-budget", "value-iteration", "process-reward-model"),
    read="abstract",
    untuned="solutions of an estimated process, and thresholds along which arms are compared",
    note=(
        "Ahead of random calls and of a threshold on the chance of success, which calls where nothing can be helped, by 0.05 to 0.10 of success; a threshold on "
        "what help gains one step ahead does as well. It is 0.014 to 0.025 behind the optimum, from what 400 episodes leave unknown and from yes or no in each "
        "state, and 0.19 calls off a budget of 1."
    ),
)
LEVELS, SITUATIONS, EPISODES = 6, 5, 400
BUDGETS = (0.5, 1.0, 2.0)
OTHERS = ("random", "value threshold", "gain threshold")
recipe = {"solved": CallBudget(mix=False, halvings=20), "optimum": CallBudget(halvings=25)}
claim = AllOf(
    *(BetterThan("solved", other, on="success", at="every", effect=0.01, matched="calls") for other in OTHERS),
    NoWorseThan("solved", "optimum", on="success", at="every", margin=0.01, matched="calls"),
    NoWorseThan("solved", 0.1, on="off budget", lower_is_better=True),
)
SEEDS = {"smoke": 1, "full": 24}


class World:
    """``transition`` [S, 2, S], ``reward`` [S, 2], ``initial`` [S]; the last two states are success and failure."""

    def __init__(self, transition: Tensor, initial: Tensor):
        self.transition, self.initial = transition, initial
        self.reward = transition[:, :, -2].clone()
        self.reward[-2:] = 0.0

    def judged(self, policy: Tensor) -> tuple[float, float]:
        """Expected calls and chance of success of a policy [S, 2]."""
        moves = torch.einsum("sa,san->sn", policy, self.transition)[:-2, :-2]
        visits = torch.linalg.solve(torch.eye(len(moves), dtype=torch.float64) - moves.T, self.initial[:-2]).unsqueeze(-1) * policy[:-2]
        return float(visits[:, 1].sum()), float((visits * self.reward[:-2]).sum())

    def alone(self) -> Tensor:
        """[S], the chance of success without help."""
        moves = self.transition[:-2, 0]
        own = torch.linalg.solve(torch.eye(len(moves), dtype=torch.float64) - moves[:, :-2], moves[:, -2])
        return torch.cat([own, torch.tensor([1.0, 0.0], dtype=torch.float64)])


def true(seed: int) -> World:
    rng = generator(seed, "world")
    shape = (LEVELS, SITUATIONS)
    own = 0.4 + 0.55 * torch.rand(shape, dtype=torch.float64, generator=rng)
    passes = torch.stack([own, own + (1 - own) * torch.rand(shape, dtype=torch.float64, generator=rng)], -1).flatten(0, 1)  # [S, 2]
    after = torch.rand(LEVELS * SITUATIONS, SITUATIONS, dtype=torch.float64, generator=rng)
    after = after / after.sum(-1, keepdim=True)
    size = LEVELS * SITUATIONS
    transition = torch.zeros(size + 2, 2, size + 2, dtype=torch.float64)
    for state in range(size):
        onward = (state // SITUATIONS + 1) * SITUATIONS
        for action in range(2):
            passed = passes[state, action]
            if onward < size:
                transition[state, action, onward : onward + SITUATIONS] = passed * after[state]
            else:
                transition[state, action, -2] = passed
            transition[state, action, state] += (1 - passed) / 3
            transition[state, action, -1] += (1 - passed) * 2 / 3
    transition[-2, :, -2] = transition[-1, :, -1] = 1.0
    initial = torch.zeros(size + 2, dtype=torch.float64)
    initial[:SITUATIONS] = 1 / SITUATIONS
    return World(transition, initial)


def estimated(world: World, episodes: int, seed: int) -> World:
    """From episodes in which help was called every other time; every outcome that can be counts one more."""
    rng = generator(seed, "episodes")
    counts = (world.transition > 0).double()
    state = torch.multinomial(world.initial, episodes, replacement=True, generator=rng)
    while len(state):
        action = torch.randint(0, 2, state.shape, generator=rng)
        after = torch.multinomial(world.transition[state, action], 1, generator=rng).squeeze(-1)
        counts.index_put_((state, action, after), torch.ones((), dtype=torch.float64), accumulate=True)
        state = after[after < len(counts) - 2]
    return World(counts / counts.sum(-1, keepdim=True), world.initial)


def calling(where: Tensor) -> Tensor:
    """[S, 2], calls where it says so."""
    return torch.stack([1 - where.double(), where.double()], -1)


def bought(world: World, policies: list[Tensor]) -> dict[float, float]:
    """Success at each budget along the curve of some policies, with never and always at its ends."""
    ends = [calling(torch.full((len(world.initial),), bool(x))) for x in (0, 1)]
    points = sorted(world.judged(policy) for policy in (*policies, *ends))
    calls, success = np.array(points).T
    return {budget: float(np.interp(budget, calls, success)) for budget in BUDGETS}


def experiment(seed: int, scale: str) -> dict:
    small = scale == "smoke"
    world = true(seed)
    known = estimated(world, 50 if small else EPISODES, seed)
    tables = {"transition": known.transition, "reward": known.reward, "initial": known.initial}
    budgets = BUDGETS if small else (0.25, *BUDGETS, 3.0)
    solved = {budget: recipe["solved"](**tables, budget=budget)["policy"] for budget in budgets}
    value, gain = known.alone(), (known.transition[:, 1] - known.transition[:, 0]) @ known.alone()
    thresholds = [i / 40 for i in range(41)]
    arms = {
        "solved": {"success": bought(world, list(solved.values())), "off budget": abs(world.judged(solved[1.0])[0] - 1.0)},
        "random": {"success": bought(world, [calling(torch.full((len(value),), p)) for p in thresholds])},
        "value threshold": {"success": bought(world, [calling(value < x) for x in thresholds])},
        "gain threshold": {"success": bought(world, [calling(gain > x) for x in thresholds])},
    }
    best = {"transition": world.transition, "reward": world.reward, "initial": world.initial}
    arms["optimum"] = {"success": {budget: float(recipe["optimum"](**best, budget=budget)["value"]) for budget in BUDGETS}}
    return arms
