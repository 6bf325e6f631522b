"""Robo-Dopamine: progress, fused from three comparisons, pays a step as the difference of a potential, so that hovering near the goal earns nothing.

World: a grid of five by five cells with one goal, a move in ten slips, discount 0.95 (``worlds.finite.grid``); an episode starts anywhere, is paid 1 for
arriving and ends there, or after 40 moves. A judge compares two states, from -1 to 1: how much of what remained was gained, or how much of what had been
reached was lost. It is the less sure the further they lie apart (noise of 0.02 + 0.3 |what it should say|). A seed is another judge, other moves.

Progress of a cell, by what is compared with what: "incremental", step by step from the far corner; "forward", with the far corner; "backward", with the
goal; "fused", the mean of the three. "error": root mean square beside the truth over all cells.

Arms, tabular Q-learning: "sparse" (paid for arriving), "shaped" (besides, discount * progress after - progress before, ``potential_shaped``), "raw" (besides,
the progress after each move); fused progress for both. The step size is tuned, 0.1 of moves are at random.

* "learned": the true value of the greedy policy after 15, 30 and 60 episodes, their mean; exact.
* "aimed at": the true value of the policy that is the best by an arm's own reward (value iteration), over the best there is; exact.

Source: Tan et al. 2025, arXiv 2512.23703, abstract and summaries, and authors' code (github.com/FlagOpen/Robo-Dopamine, ``examples/inference.py``: what a
comparison means, and how each kind becomes progress; how the three are fused is not there, and their plain mean is our choice). There a model that sees images
compares, and robots learn. The smallest differences of interest: 0.02 of a value, 0.01 of progress.
"""

import torch
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, EqualTo, System
from guerdon.credit.advantages.potential_shaped import PotentialShaped
from guerdon.credit.advantages.return_to_go import ReturnToGo
from guerdon.exact.solvers.policy_evaluation import PolicyEvaluation
from guerdon.exact.solvers.value_iteration import ValueIteration
from guerdon.randomness import derive, generator
from guerdon.worlds.finite.decision_process import MDP
from guerdon.worlds.finite.grid import Grid

system = System(
    title="Robo-Dopamine: General Process Reward Modeling for High-Precision Robotic Manipulation",
    link="https://arxiv.org/abs/2512.23703",
    kind="reward",
    builds_on=("potential-shaped",),
    read="code",
    waits_for="a robot's world, and a model that compares images",
    note=(
        "As a potential, progress makes learning faster (0.17 of a value) and leaves the best policy what it was, however wrong it is; paid as it is, it is worth "
        "hovering for (1.7% of what there is). Fused progress is nearer the truth than either anchored one, and not than step by step alone: what is compared "
        "closely is told exactly here, and a plain mean with two that are not spoils it."
    ),
)
SIDE, DISCOUNT, MOVES, STOPS = 5, 0.95, 40, (15, 30, 60)
SHAPED = PotentialShaped(ReturnToGo(gamma=0.0), gamma=DISCOUNT)  # gamma 0: what each step is paid, and not what follows it
recipe = {"shaped": SHAPED}
ANCHORS = ("incremental", "forward", "backward")
claim = AllOf(
    *(BetterThan("fused", other, on="error", lower_is_better=True, effect=0.01) for other in ANCHORS),
    EqualTo("shaped", 1.0, on="aimed at", tolerance=0.02),
    BetterThan("shaped", "raw", on="aimed at", effect=0.02),
    BetterThan("shaped", "sparse", on="learned", effect=0.02, matched="episodes"),
)
GRID = {arm: {"step_size": (0.1, 0.3, 0.9)} for arm in ("sparse", "shaped", "raw")}
TUNED_BY = "learned"
SEEDS = {"smoke": 1, "full": 20, "tune": 4}


def compared(before: Tensor, after: Tensor) -> Tensor:
    """What a judge should say of two states of these progresses."""
    gained = (after - before) / (1 - before).clamp(min=1e-9)
    lost = (after - before) / before.clamp(min=1e-9)
    return torch.where(after >= before, gained, lost)


def progressed(progress: Tensor, said: Tensor) -> Tensor:
    """The progress after a state of this progress of which so much was said."""
    return torch.where(said >= 0, progress + (1 - progress) * said, progress + progress * said)


def fused(truth: Tensor, noise: Tensor) -> dict[str, Tensor]:
    """[S] progress of each cell as each way of comparing has it, ``noise`` [3, S] standard normal. Cells are numbered row by row; a cell's steps come down its column."""

    def heard(before: Tensor, after: Tensor, by: Tensor) -> Tensor:
        meant = compared(before, after)
        return (meant + (0.02 + 0.3 * meant.abs()) * by).clamp(-1, 1)

    zero, one = torch.zeros_like(truth), torch.ones_like(truth)
    step_by_step = zero.clone()
    for cell in range(1, len(truth)):
        last = cell - SIDE if cell >= SIDE else cell - 1
        said = heard(truth[last], truth[cell], noise[0, cell])
        step_by_step[cell] = progressed(step_by_step[last], said)
    found = {
        "incremental": step_by_step,
        "forward": progressed(zero, heard(zero, truth, noise[1])).clamp(min=0),
        "backward": progressed(one, heard(one, truth, noise[2])),
    }
    return found | {"fused": torch.stack([found[name] for name in ANCHORS]).mean(0)}


def paid(world: MDP, progress: Tensor, arm: str) -> Tensor:
    """[S, A, S], what an arm is paid for each move, by where it led; nothing once it has arrived."""
    goal = len(progress) - 1
    here, there = torch.broadcast_tensors(progress.unsqueeze(-1), progress.unsqueeze(0))
    arrived = torch.zeros_like(there)
    arrived[:, goal] = 1.0
    if arm == "shaped":
        arrived = SHAPED(arrived, potential_value=here, potential_q=there, mask=torch.ones_like(arrived, dtype=torch.bool))
    elif arm == "raw":
        arrived = arrived + there
    reward = arrived.unsqueeze(1).expand(-1, world.reward.shape[1], -1).clone()
    reward[goal] = 0.0
    return reward


def value(world: MDP, policy: Tensor) -> float:
    """What a policy [S, A] is worth by the world's own reward."""
    return float(world.initial @ PolicyEvaluation()(world.transition, world.reward, world.discount, policy)["value"])


def greedy(q: Tensor) -> Tensor:
    return torch.nn.functional.one_hot(q.argmax(-1), q.shape[-1]).double()


def learned(world: MDP, reward: Tensor, step_size: float, seed: int, stops: tuple[int, ...]) -> dict[int, float]:
    """Q-learning, one move at a time."""
    cells, moves = world.reward.shape
    rng = generator(seed, "q-learning")
    dice = torch.rand(max(stops), 1 + 4 * MOVES, generator=rng).tolist()
    leads = world.transition.cumsum(-1).tolist()
    earned, q, found = reward.tolist(), [[0.0] * moves for _ in range(cells)], {}
    for episode, luck in enumerate(dice, start=1):
        cell = min(int(luck[0] * (cells - 1)), cells - 2)  # anywhere but in the goal
        for k in range(MOVES):
            explores, which, tie, slip = luck[1 + 4 * k : 5 + 4 * k]
            best = [a for a in range(moves) if q[cell][a] == max(q[cell])]
            action = int(which * moves) if explores < 0.1 else best[int(tie * len(best))]
            after = next((s for s, reached in enumerate(leads[cell][action]) if slip < reached), cells - 1)
            follows = 0.0 if after == cells - 1 else DISCOUNT * max(q[after])
            q[cell][action] += step_size * (earned[cell][action][after] + follows - q[cell][action])
            if after == cells - 1:
                break
            cell = after
        if episode in stops:
            found[episode] = value(world, greedy(torch.tensor(q, dtype=torch.float64)))
    return found


def _world(seed: int) -> tuple[MDP, Tensor, dict[str, Tensor]]:
    """The grid, the true progress of its cells, and what is told of it."""
    world = Grid(SIDE, SIDE, ((SIDE - 1, SIDE - 1),), step_reward=0.0, goal_reward=1.0, slip=0.1, discount=DISCOUNT).tables()
    cell = torch.arange(SIDE * SIDE)
    truth = (cell // SIDE + cell % SIDE).double() / (2 * (SIDE - 1))
    noise = torch.randn(3, len(truth), dtype=torch.float64, generator=generator(derive(seed, "judge")))
    return world, truth, fused(truth, noise)


def trial(arm: str, seed: int, scale: str, step_size: float) -> dict:
    """One way to be paid."""
    world, _, told = _world(seed)
    reward = paid(world, told["fused"], arm)
    small = scale == "smoke"
    along = learned(world, reward, step_size, derive(seed, "moves"), (2, 4, 6) if small else STOPS)
    expected = (world.transition * reward).sum(-1)
    best, aimed = (ValueIteration()(world.transition, of, DISCOUNT)["policy"] for of in (world.reward, expected))
    curve = dict(zip(STOPS, along.values(), strict=True))
    return {"value": curve, "learned": sum(curve.values()) / len(curve), "aimed at": value(world, aimed) / value(world, best)}


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    _, truth, told = _world(seed)
    errors = {name: {"error": float((said - truth).square().mean().sqrt())} for name, said in told.items()}
    return errors | {arm: trial(arm, seed, scale, **setting) for arm, setting in tuned.items()}
