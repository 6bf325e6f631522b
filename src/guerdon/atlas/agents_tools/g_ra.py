"""G-RA: what single turns earn is paid only to episodes that came to something.

World: repairs in eight turns. Each turn is prose (earns -1 by itself), a look around, a command or an edit (1 each, for being a valid call), or the patch is handed in (1, and
the end). An edit makes the patch right with a chance of its own in each of eight tasks, 0.1 to 0.5, and else leaves or makes it wrong; the agent sees whether there is a patch
and whether its tests pass. In the end 1 is earned for a right patch that is handed in, 0.3 for a wrong one, 0.1 for none, 0 where nothing was handed in. At first handing in is
e^2 times less likely than anything else. A turn's reward is multiplied by a weight.

Arms, all group-centred over 8 episodes, for 60 steps, at plain gradients: "outcome" alone, "direct" (everything summed up), "gated" (turns count where the outcome has come to
0.3, in the way of ``by_priority``), and both of these "heavy", with a weight of 0.3, at which eight turns outweigh the outcome. Learning rates and, where not heavy, weights
are tuned by "solved".

"solved": chance of a right patch that is handed in, "handed in": of any, both exact.

The smallest difference of interest: 0.02 of a chance.

Source: Sun et al. 2025, arXiv 2508.10548, abstract and summaries of its sections; its rewards are -1 for calls that are none, and four grades of outcome. There 14 B models on
SWE-bench. Chosen here: the world and its numbers."""

import torch
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, Knob, System
from guerdon.atlas.agents_tools._acting import Episodes, Judged, Process, learned
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.feedback.combining.by_priority import ByPriority
from guerdon.feedback.combining.weigh import Weigh

system = System(
    title="Stabilizing Long-term Multi-turn Reinforcement Learning with Gated Rewards",
    link="https://arxiv.org/abs/2508.10548",
    kind="reward",
    builds_on=("by-priority", "gate", "group-centred"),
    read="summary",
    note=(
        "Summing step rewards collapses where they weigh as much as they are farmed: 0.50 [0.45, 0.55] fewer tasks are solved than with the gate, which hands in 0.70 "
        "more. With weights that are tuned there is nothing left to protect from: the best gated weight is 0, and the sum with a small one is 0.04 [0.02, 0.07] ahead. "
        "The grid was changed once after exploring, before the confirmation."
    ),
)
TASKS, TURNS, HEAVY, STEPS = 8, 8, 0.3, 60
PROSE, EDIT, SUBMIT = 0, 3, 4
NONE, WRONG, RIGHT = range(3)
recipe = {"outcome": Weigh({"turns": 0.0}), "direct": Weigh(), "gated": ByPriority(("outcome",), (0.3,))}
claim = AllOf(
    BetterThan("gated", "direct", on="solved", effect=0.02, matched="samples, updates"),
    BetterThan("gated", "outcome", on="solved", effect=0.02, matched="samples, updates"),
    BetterThan("gated, heavy", "direct, heavy", on="solved", effect=0.02, matched="samples, updates"),
    BetterThan("gated, heavy", "direct, heavy", on="handed in", effect=0.02, matched="samples, updates"),
)
SEEDS = {"smoke": 1, "full": 24, "tune": 3}
_BOTH = {"learning_rate": (9.0, 27.0, 81.0), "weight": Knob((0.0, 0.03, 0.1), least=0.0)}
_ALONE = {"learning_rate": (3.0, 6.0, 9.0, 18.0, 27.0, 40.0, 54.0, 81.0, 160.0)}
GRID = {"outcome": _ALONE, "direct": _BOTH, "direct, heavy": _ALONE, "gated": _BOTH, "gated, heavy": _ALONE}
TUNED_BY = "solved"


def repairs() -> tuple[Process, Tensor, Tensor]:
    """The process, what each turn earns [S, A], and what is earned in the end, [S, A] at handing in. Three states for each task, and the end."""
    size = 3 * TASKS
    leads = torch.zeros(size + 1, 5, size + 1, dtype=torch.float64)
    outcome = torch.zeros(size + 1, 5, dtype=torch.float64)
    for state in range(size):
        patch, first = state % 3, state - state % 3
        leads[state, :EDIT, state] = 1.0
        right = 0.1 + 0.4 * (state // 3) / (TASKS - 1)
        leads[state, EDIT, first + RIGHT] = 1.0 if patch == RIGHT else right
        leads[state, EDIT, first + WRONG] = 0.0 if patch == RIGHT else 1 - right
        outcome[state, SUBMIT] = (0.1, 0.3, 1.0)[patch]
    leads[:, SUBMIT, -1] = 1.0
    leads[-1] = 0.0
    leads[-1, :, -1] = 1.0
    turns = torch.ones(size + 1, 5, dtype=torch.float64)
    turns[:, PROSE] = -1.0
    return Process(leads, 3 * torch.arange(TASKS), TURNS), turns, outcome


def trial(arm: str, seed: int, scale: str, learning_rate: float, weight: float = HEAVY) -> dict[str, float]:
    process, turns, outcome = repairs()
    combine = recipe[arm.removesuffix(", heavy")]

    def judge(episodes: Episodes) -> Judged:
        return {"reward": combine({"outcome": episodes.total(outcome), "turns": weight * episodes.total(turns)})}

    start = process.logits()
    start[:, SUBMIT] = -2.0
    steps = 5 if scale == "smoke" else STEPS
    found = process.visits(learned(process, judge, GroupCentred(scale=None), learning_rate, steps, 8, seed, start))[0]
    return {"solved": float(found[RIGHT:-1:3, SUBMIT].sum()), "handed in": float(found[:, SUBMIT].sum())}
