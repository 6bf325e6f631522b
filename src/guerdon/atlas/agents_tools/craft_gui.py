"""CRAFT-GUI: tasks of few steps first, then those of many, and a reward that says what of an action was right.

World, on symbols in place of screens: 24 tasks of one to six steps, four of each length. A step is an action of three types with one of four arguments, and one of the twelve
is right; after a wrong one the task is lost. Steps of the same kind recur: a task's steps are drawn from twelve screens that all tasks share, and what is right depends on the
screen. A seed draws the tasks and what is right.

Arms, GRPO without a scale over 8 episodes, the same number of rollouts for all, four tasks a step, 36 steps (in 120 all arms learned everything): "mixed" draws tasks evenly,
"staged" those of up to two, four and six steps in three stages, "reversed" the other way round. Each with "hybrid", where a step's right type earns 0.3 and its right argument
0.3 of what it can (shares of the task's steps) beside 1 for the task; "coarse" is the task alone, mixed and staged. Rates are tuned by success over all tasks.

"success" of all tasks and of the "longest", exact.

The smallest difference of interest: 0.02 of a chance.

Source: Nong et al. 2025, arXiv 2508.11360, abstract. There a vision-language model on Android Control, and a judge for open answers besides. Chosen here: the world, the stages
and the numbers. The rest waits for screens."""

from functools import lru_cache

import torch
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, System
from guerdon.atlas.agents_tools._acting import Episodes, Judged, Process, learned
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.feedback.combining.weigh import Weigh
from guerdon.randomness import generator

system = System(
    title="CRAFT-GUI: Curriculum-Reinforced Agent For GUI Tasks",
    link="https://arxiv.org/abs/2508.11360",
    kind="application",
    builds_on=("group-centred", "weigh", "easy-to-hard"),
    read="abstract",
    waits_for="a world of images, and a model that acts on screens",
    note=(
        "The finer reward is ahead of the task alone, by 0.05 to 0.09 of a chance. The order is not: with it, easy tasks first end 0.02 behind all tasks mixed, "
        "and no better than hard ones first. Short tasks are learned from mixed batches too, since every right step earns something there."
    ),
)
LENGTH, EACH, SCREENS, TYPES, ARGUMENTS, BATCH, STEPS = 6, 4, 12, 3, 4, 4, 36
recipe = {"hybrid": Weigh({"type": 0.3, "argument": 0.3}), "coarse": Weigh({"type": 0.0, "argument": 0.0})}
ORDERS = {"mixed": (6, 6, 6), "staged": (2, 4, 6), "reversed": (-4, -2, 6)}
claim = AllOf(
    BetterThan("hybrid, staged", "hybrid, mixed", on="success", effect=0.02, matched="samples, updates"),
    BetterThan("hybrid, staged", "coarse, mixed", on="success", effect=0.02, matched="samples, updates"),
    BetterThan("hybrid, staged", "coarse, staged", on="success", effect=0.02, matched="samples, updates"),
    BetterThan("hybrid, staged", "hybrid, reversed", on="longest", effect=0.02, matched="samples, updates"),
)
SEEDS = {"smoke": 1, "full": 40, "tune": 4}
GRID = {
    arm: {"learning_rate": (3.0, 9.0, 27.0)}
    for arm in ("coarse, mixed", "coarse, staged", "hybrid, mixed", "hybrid, reversed", "hybrid, staged")
}
TUNED_BY = "success"


@lru_cache(maxsize=2)
def tasks(seed: int) -> tuple[Process, Tensor, Tensor]:
    """The process, a state for each step of each task; what is right there [S] (an action); and how long each task is [P]."""
    rng = generator(seed, "tasks")
    length = torch.arange(LENGTH * EACH) // EACH + 1
    starts = length.cumsum(0) - length
    size = int(length.sum())
    screen = torch.randint(0, SCREENS, (size + 1,), generator=rng)
    right = torch.randint(0, TYPES * ARGUMENTS, (SCREENS,), generator=rng)[screen]
    screen[-1] = SCREENS
    leads = torch.zeros(size + 1, TYPES * ARGUMENTS, size + 1, dtype=torch.float64)
    leads[:, :, -1] = 1.0
    for state in set(range(size)) - set((starts + length - 1).tolist()):
        leads[state, right[state]] = 0.0
        leads[state, right[state], state + 1] = 1.0
    return Process(leads, starts, LENGTH, screen), right, length


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict[str, float]:
    way, order = arm.split(", ")
    process, right, length = tasks(seed)
    combine, rng = recipe[way], generator(seed, "drawn")
    steps = 6 if scale == "smoke" else STEPS

    def judge(episodes: Episodes) -> Judged:
        due, done = right[episodes.states], episodes.actions
        long = length[drawn][episodes.group].double()

        def share(same: Tensor) -> Tensor:
            return (same & episodes.mask).sum(-1) / long

        whole = share(due == done)
        return {
            "reward": combine(
                {
                    "done": (whole > 1 - 1e-9).double(),
                    "type": share(due // ARGUMENTS == done // ARGUMENTS),
                    "argument": share(due % ARGUMENTS == done % ARGUMENTS),
                }
            )
        }

    logits = process.logits()
    for step in range(steps):
        stage = ORDERS[order][3 * step // steps]
        able = (length <= stage if stage > 0 else length > -stage).nonzero().squeeze(-1)
        drawn = able[torch.randint(0, len(able), (BATCH,), generator=rng)]
        some = Process(process.leads, process.starts[drawn], LENGTH, process.seen, process._sums)
        logits = learned(some, judge, GroupCentred(scale=None), learning_rate, 1, 8, seed * 1000 + step, logits)
    own = logits.softmax(-1)[process.sees[:-1], right[:-1]]
    chance = torch.stack([own[start : start + n].prod() for start, n in zip(process.starts.tolist(), length.tolist(), strict=True)])
    return {"success": float(chance.mean()), "longest": float(chance[-EACH:].mean())}
