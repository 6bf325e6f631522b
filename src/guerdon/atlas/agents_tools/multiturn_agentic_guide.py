"""A practitioner's guide to multi-turn RL: rewards for turns or for the end, which optimiser, demonstrations or episodes, and simple quests before complex ones.

World: eight quests of four steps. A step is to be done in one of 48 situations, each of which wants one of six actions; the right one goes on with 0.9, one of the others throws
back to the beginning, the rest change nothing. Twelve turns. The policy sees the situation, which quests share. Simple quests, sixteen, have two steps in the same situations. A
seed draws situations, right actions and quests. 1 is earned in the end ("sparse"), or a quarter for each step that is done for the first time ("dense").

Arms, tables, 60 steps of 32 episodes, or what costs as much:

* "PPO", GAE over turns with a critic of places, "GRPO", the group's mean and deviation, and "RLOO", each of them "sparse" and "dense" (of those without a critic an episode's
  rewards are added up). A batch is learned from once, with which the clip does nothing.
* "SFT": demonstrations by somebody who does the right thing with 0.8, at the price of 96 episodes each, 20 of them; "SFT, then RL": a share of the budget, which is tuned, goes
  into demonstrations, then PPO, sparse.
* "simple, then complex": PPO, sparse, half of the steps on simple quests, with twice as many prompts and half the episodes of each; "simple": all of them.

"success" on the eight quests, exact, after all that; "area": its mean after 10, 20, 40 and 60 steps; "gain": how much an optimiser's area gains by dense rewards. Rates are tuned,
by "area" for optimisers and "success" for the others.

The smallest difference of interest: 0.02.

Source: Wang and Ammanabrolu 2025, arXiv 2510.01132, abstract, introduction and summaries of its sections. There Qwen2.5 of 1.5 B and 7 B in TextWorld, ALFWorld and SWE-Gym, and
dense rewards and demonstrations of several prices. Chosen here: the world and the prices."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, Knob, System, TunedBy
from guerdon.atlas.agents_tools._acting import Episodes, Judged, Process, learned
from guerdon.credit.advantages.gae import GAE
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.advantages.leave_one_out import LeaveOneOut
from guerdon.randomness import generator

system = System(
    title="A Practitioner's Guide to Multi-turn Agentic Reinforcement Learning",
    link="https://arxiv.org/abs/2510.01132",
    kind="study",
    builds_on=("gae", "group-centred", "leave-one-out", "sft"),
    read="summary",
    note=(
        "Rewards for turns help all three optimisers, by 0.02 to 0.04 of the area under the curve; PPO gains more by them than RLOO, by 0.02, where PPO with the reward of the end "
        "alone is the slowest. Two fifths of a budget for demonstrations and RL for the rest is ahead of either; simple quests first help as much as demonstrations do."
    ),
)
SITUATIONS, ACTIONS, TURNS, STEPS, EACH, PRICE, EXPERT, IMITATED = 48, 6, 12, 60, 4, 96, 0.8, 30
LONG, SHORT = (8, 4), (16, 2)  # quests, and their steps
STOPS = (10, 20, 40, 60)
recipe = {"PPO": GAE(1.0, 0.95), "GRPO": GroupCentred(), "RLOO": LeaveOneOut()}
claim = AllOf(
    *(BetterThan(f"{name}, dense", f"{name}, sparse", on="area", effect=0.02, matched="samples, updates") for name in recipe),
    BetterThan("PPO", "RLOO", on="gain", effect=0.02, matched="samples, updates"),
    BetterThan("SFT, then RL", "PPO, sparse", on="success", effect=0.02, matched="price"),
    BetterThan("SFT, then RL", "SFT", on="success", effect=0.02, matched="price"),
    BetterThan("simple, then complex", "PPO, sparse", on="success", effect=0.02, matched="samples, updates"),
)
SEEDS = {"smoke": 1, "full": 512, "tune": 2}
_RATES = {"learning_rate": (1.0, 3.0, 9.0, 27.0, 81.0, 243.0)}
GRID = {
    **{f"{name}, {density}": _RATES for name in recipe for density in ("sparse", "dense")},
    "SFT": {"imitation": (0.03, 0.1, 0.3, 0.6, 1.0, 2.0)},
    "SFT, then RL": {"learning_rate": (9.0, 27.0, 81.0), "share": Knob((0.2, 0.4), least=0.05, most=0.95)},
    "simple": _RATES,
    "simple, then complex": _RATES,
}
TUNED_BY = TunedBy("tuned by")


def quests(seed: int, count: int, steps: int) -> tuple[Process, Tensor]:
    """The process, whose states are places of quests, and the right action in each, [S] (0 in the end)."""
    rng = generator(seed, "situations")
    right = torch.randint(0, ACTIONS, (SITUATIONS,), generator=rng)
    wrong = (right + 1 + torch.randint(0, ACTIONS - 1, (SITUATIONS,), generator=rng)) % ACTIONS
    rng = generator(seed, "quests", steps)
    where = torch.cat([torch.randperm(SITUATIONS, generator=rng)[:steps] for _ in range(count)])
    size = count * steps
    leads = torch.zeros(size + 1, ACTIONS, size + 1, dtype=torch.float64)
    leads[-1, :, -1] = 1.0
    for place in range(size):
        last, here = place % steps == steps - 1, int(where[place])
        leads[place, :, place] = 1.0
        leads[place, right[here], place], leads[place, right[here], size if last else place + 1] = 0.1, 0.9
        leads[place, wrong[here], place] = 0.0
        leads[place, wrong[here], place - place % steps] += 1.0
    seen = torch.cat([where, torch.tensor([SITUATIONS])])
    return Process(leads, steps * torch.arange(count), TURNS, seen), torch.cat([right[where], torch.zeros(1, dtype=torch.long)])


class Optimised:
    """The rewards of episodes for an optimiser, and the critic of places that it may have."""

    def __init__(self, name: str, dense: bool, process: Process, steps: int):
        self.name, self.dense, self.end, self.steps = name, dense, len(process.leads) - 1, steps
        self.value = torch.zeros(len(process.leads), dtype=torch.float64)

    def __call__(self, episodes: Episodes) -> Judged:
        mask, states = episodes.mask, episodes.states
        after = torch.cat([states[:, 1:], episodes.last.unsqueeze(-1)], 1)
        done = torch.where(after == self.end, self.steps, after % self.steps)
        most = done.cummax(-1).values
        before = torch.cat([torch.zeros_like(most[:, :1]), most[:, :-1]], 1)
        reward = ((most - before).double() / self.steps if self.dense else ((after == self.end) & mask).double()) * mask
        given = {"group": episodes.group, "mask": mask, "reward": reward.sum(-1), "step_reward": reward, "old_value": self.value[states]}
        if self.name == "PPO":
            goal = reward.flip(-1).cumsum(-1).flip(-1)[mask]
            often = torch.zeros_like(self.value).index_add(0, states[mask], torch.ones_like(goal))
            mean = torch.zeros_like(self.value).index_add(0, states[mask], goal) / often.clamp(min=1)
            self.value = torch.where(often > 0, 0.5 * (self.value + mean), self.value)
        return given


def imitated(process: Process, right: Tensor, count: int, rate: float, seed: int) -> Tensor:
    """The logits that come of so many demonstrations, which go through the quests in turn."""
    expert = (1 - EXPERT) / ACTIONS + EXPERT * torch.nn.functional.one_hot(right, ACTIONS).double()
    acts = Process(process.leads, process.starts, TURNS)
    shown = acts.acted(expert.log(), -(-count // len(process.starts)), generator(seed, "demonstrations"))
    order = torch.argsort(torch.arange(len(shown.group)) % (len(shown.group) // len(process.starts)), stable=True)[:count]
    mask = shown.mask[order]
    logits = process.logits()
    told = torch.zeros_like(logits).index_put(
        (process.sees[shown.states[order]][mask], shown.actions[order][mask]), torch.ones((), dtype=torch.float64), accumulate=True
    )
    for _ in range(IMITATED):
        logits = logits + rate * (told - told.sum(-1, keepdim=True) * logits.softmax(-1))
    return logits


def ran(
    name: str, dense: bool, seed: int, kind: tuple[int, int], steps: int, rate: float, start: Tensor | None, look: Callable | None
) -> Tensor:
    process, _ = quests(seed, *kind)
    return learned(
        process, Optimised(name, dense, process, kind[1]), recipe[name], rate, steps, EACH * LONG[0] // kind[0], seed, start, look
    )


def trial(arm: str, seed: int, scale: str, learning_rate: float = 1.0, share: float = 0.0, imitation: float = 1.0) -> dict:
    process, right = quests(seed, *LONG)
    steps = STEPS if scale == "full" else 4

    def success(logits: Tensor) -> float:
        return float(process.visits(logits)[1][-1])

    if arm.startswith(tuple(recipe)):
        name, density = arm.split(", ")
        curve: dict[int, float] = {}

        def look(step: int, logits: Tensor, _: Episodes) -> None:
            if step in STOPS or step == steps:
                curve[step] = success(logits)

        ran(name, density == "dense", seed, LONG, steps, learning_rate, None, look)
        area = sum(curve.get(stop, curve[steps]) for stop in STOPS) / len(STOPS)
        return {"success": curve[steps], "area": area, "tuned by": area}
    ppo = partial(ran, "PPO", False, seed)
    if arm == "SFT":
        found = success(imitated(process, right, STEPS * EACH * LONG[0] // PRICE, imitation, seed))
    elif arm == "SFT, then RL":
        count = max(1, round(share * STEPS * EACH * LONG[0] / PRICE))
        left = round(steps * (1 - count * PRICE / (STEPS * EACH * LONG[0])))
        found = success(ppo(LONG, left, learning_rate, imitated(process, right, count, imitation, seed), None))
    elif arm == "simple":
        found = success(ppo(SHORT, steps, learning_rate, None, None))
    else:
        half = ppo(SHORT, steps // 2, learning_rate, None, None)
        found = success(ppo(LONG, steps - steps // 2, learning_rate, half, None))
    return {"success": found, "tuned by": found}


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    arms = {arm: trial(arm, seed, scale, **setting) for arm, setting in tuned.items()}
    gains = {name: {"gain": arms[f"{name}, dense"]["area"] - arms[f"{name}, sparse"]["area"]} for name in recipe}
    process, _ = quests(seed, *LONG)
    return arms | gains | {"untrained": {"success": float(process.visits(process.logits())[1][-1])}}
