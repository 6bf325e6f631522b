"""Behavior injection: demonstrations that also try in vain and take it back, before GRPO.

World: 128 problems, each with two right symbols of three, in order, drawn for each, so that they cannot be learned by heart. An answer has five actions: a symbol is
put down while there is room for it, and a fourth action takes the last one back; what lies there at the end counts. What the policy knows of a problem is its own and
fixed: it leans to the right symbol (by 0.8), and, where what lies there is wrong, to taking it back (by 5). What it learns is how often it takes each action where nothing,
one or two symbols lie, the same for all problems, and at the beginning it hardly ever takes anything back (-7). Half of the problems are practised, all is measured on
the other half, by sums over all answers.

Arms: first imitation of right solutions, batches of 16, of a teacher who knows the practised problems; then GRPO, 30 steps of 16 problems x 8 answers. "SFT" is shown
the solutions as they are, "injected" with a vain try before a step with the chance a half, taken back (``data.curation.injected_behaviours``); "aimless" with the right symbol put
down, taken back and put down again as often, so that the fourth action is not unlearned there either. "none" begins GRPO at once.

Tuned: for how many steps is imitated and the learning rate of GRPO (of "none" four rates), by accuracy at the end. Measured: accuracy before GRPO and after it, and
the gain; and "promise", the co-influence before GRPO (``evaluation.metrics.co_influence``) of a practised problem on the accuracy of those held out, the mean over
the practised ones, in thousandths of accuracy per unit of a step. 0.03 of accuracy, and half a thousandth, are the smallest differences of interest. The last was
set after one or two seeds had been looked at. Worlds in which right symbols were shared by the problems of a kind, and in which every prefix was learned about by
itself, were tried first: in the one all arms learned everything, in the other nothing that held for other problems; with -3 there was hardly anything left to be
learned.

Source: Cen et al. 2025, arXiv 2505.18917, its abstract, and its authors' page with the formula of influence. There arithmetic in graphs, models of 1 to 3 B, and a
second behaviour, subgoals and recalled information, of which nothing is here. Chosen here: world, chances, sizes, "aimless".
"""

from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Any

import torch
from torch import Tensor, nn

from guerdon.atlas import AllOf, BetterThan, System
from guerdon.atlas.curriculum_data._ladder import GRPO
from guerdon.data.curation.injected_behaviours import InjectedBehaviours
from guerdon.evaluation.metrics.co_influence import CoInfluence
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.models.finite.policy import TablePolicy
from guerdon.models.finite.tree import PrefixTree
from guerdon.randomness import derive, generator
from guerdon.sequences import Decoding, Example, Side
from guerdon.training.judging import FiniteScene
from guerdon.training.loops.fit import fit
from guerdon.training.loops.improve import improve
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.worlds.finite.enumerable import EnumerableWorld

system = System(
    title="Behavior Injection: Preparing Language Models for Reinforcement Learning",
    link="https://arxiv.org/abs/2505.18917",
    kind="data",
    builds_on=("sft", "grpo", "injected-behaviours", "co-influence"),
    read="abstract",
    note=(
        "Behaviours that were injected make RL's gain no larger than plain imitation's (0.09 smaller: imitation starts lower "
        "and catches up), and end 0.03 above it; against traces of aimless behaviour, and against no imitation at all, the end "
        "is the same within 0.01. Promise before RL (5.0 more) does not tell what comes after."
    ),
)
SYMBOLS, BACK, ROOM, DEPTH, STEPS = 3, 3, 2, 5, 30
LEAN, SEEN, SELDOM, LOOKED_AT = 0.8, 5.0, -7.0, 16
SFT = Recipe((Term(NegativeLogLikelihood()),), AdamW(0.1))
recipe = {"SFT": GRPO, "injected": GRPO, "aimless": GRPO, "none": GRPO, "imitation": SFT}
claim = AllOf(
    BetterThan("injected", "SFT", on="after", effect=0.03, matched="traces, samples"),
    BetterThan("injected", "SFT", on="gain", effect=0.03, matched="traces, samples"),
    BetterThan("injected", "aimless", on="after", effect=0.03, matched="traces, samples"),
    BetterThan("injected", "none", on="after", effect=0.03, matched="samples"),
    BetterThan("injected", "SFT", on="promise", effect=0.5, matched="traces"),
)
SEEDS = {"smoke": 1, "full": 10, "tune": 2}
_KNOBS = {"imitated": (4, 8), "learning_rate": (0.1, 0.2)}
GRID = {"none": {"learning_rate": (0.05, 0.1, 0.2, 0.4)}} | dict.fromkeys(("SFT", "aimless", "injected"), _KNOBS)
TUNED_BY = "after"


@dataclass(frozen=True)
class TakenBack(EnumerableWorld):
    """Two right symbols in order; ``BACK`` takes the last one back, and a symbol for which there is no room changes nothing."""

    contexts: int = 128
    seed: int = 0

    @property
    def tree(self) -> PrefixTree:
        return PrefixTree(SYMBOLS + 1, DEPTH)

    @property
    def code(self) -> Tensor:
        """[C, 2]"""
        return torch.randint(SYMBOLS, (self.contexts, ROOM), generator=generator(self.seed, "codes"))

    def rewards(self) -> Tensor:
        lies = torch.tensor([left(actions) for actions in _answers()])  # [S, 2]
        return (lies.unsqueeze(0) == self.code.unsqueeze(1)).all(-1).double()


@cache
def _answers() -> tuple[tuple[int, ...], ...]:
    return tuple(map(tuple, PrefixTree(SYMBOLS + 1, DEPTH).actions.tolist()))


@cache
def left(actions: tuple[int, ...]) -> tuple[int, ...]:
    """What lies there after some actions; -1 where nothing does."""
    there: list[int] = []
    for action in actions:
        if action == BACK:
            there = there[:-1]
        elif len(there) < ROOM:
            there.append(action)
    return (*there, *[-1] * (ROOM - len(there)))


@lru_cache(maxsize=2)
def _leanings(world: TakenBack) -> tuple[Tensor, Tensor]:
    """[C, P, 4], to what is right, and to taking back what is wrong; and [P], how many symbols lie there."""
    tree, code, paths, lying = world.tree, world.code, [()], []
    own = 0.3 * torch.randn(world.contexts, tree.prefixes, SYMBOLS + 1, dtype=torch.float64, generator=generator(world.seed, "own"))
    for node in range(tree.prefixes):  # in the order of the tree: children come behind all of their parents' generation
        if len(paths[node]) + 1 < DEPTH:
            paths += [(*paths[node], action) for action in range(SYMBOLS + 1)]
        there = [symbol for symbol in left(paths[node]) if symbol >= 0]
        lying.append(len(there))
        wrong = (code[:, : len(there)] != torch.tensor(there, dtype=torch.long)).any(-1)
        own[wrong, node, BACK] += SEEN
        if len(there) < ROOM:
            own[~wrong, node, code[~wrong, len(there)]] += LEAN
    return own, torch.tensor(lying)


class Behaving(TablePolicy):
    """A policy over the sequences of a tree. ``module`` holds ``shared`` [3, 4]: what is done where nothing, one or two symbols lie."""

    def __init__(self, world: TakenBack) -> None:
        self.own, self.lying = _leanings(world)
        super().__init__(world.tree, self.own)
        shared = torch.zeros(ROOM + 1, SYMBOLS + 1, dtype=torch.float64)
        shared[:, BACK] = SELDOM
        self.module = nn.ParameterDict({"shared": nn.Parameter(shared)})

    @property
    def logits(self) -> Tensor:
        return self.own + self.module["shared"][self.lying]


def trial(arm: str, seed: int, scale: str, learning_rate: float, imitated: int = 0) -> dict[str, float]:
    small = scale == "smoke"
    world = TakenBack(8 if small else 128, seed=derive(seed, "taken back"))
    policy = Behaving(world)
    if imitated:
        shown = traces(arm, world, 16 * imitated, seed)
        fit(policy, shown, SFT, Budget(1 if small else imitated, batch_size=16, seed=seed))
    before, found = success(policy, world), {"promise": 1000 * promise(policy, world)}
    method, budget = (
        replace(GRPO, optimiser=AdamW(learning_rate)),
        Budget(1 if small else STEPS, batch_size=min(16, world.contexts // 2), seed=seed),
    )
    improve(policy, FiniteScene(world), world.train()[: world.contexts // 2], method, budget, Decoding(DEPTH))
    after = success(policy, world)
    return found | {"before": before, "after": after, "gain": after - before}


def traces(arm: str, world: TakenBack, count: int, seed: int) -> list[Example]:
    """Right solutions to practised problems, in as many actions as an answer has."""
    rng, rows = generator(seed, "traces"), []
    for place in torch.randint(world.contexts // 2, (2 * count,), generator=rng).tolist():
        steps = [str(symbol) for symbol in world.code[place].tolist()]
        others = [[str(s) for s in range(SYMBOLS) if str(s) != step] for step in steps]
        tried = {"SFT": None, "injected": others, "aimless": [[step] for step in steps]}[arm]
        rows.append({"prompt": place, "steps": steps, "vain": tried})
    said = InjectedBehaviours(0.5, 0.0, reflection=str(BACK), between="", seed=seed)(rows)
    return [_example(row, rng) for row in said if len(row["completion"]) <= DEPTH][:count]  # two vain tries are one too many


def _example(row: dict[str, Any], rng: torch.Generator) -> Example:
    """What is left of an answer is filled with symbols, which change nothing any more."""
    said = [int(action) for action in row["completion"]]
    said += torch.randint(SYMBOLS, (DEPTH - len(said),), generator=rng).tolist()
    return Example({"": Side((row["prompt"],), tuple(said), (True,) * DEPTH)})


@torch.no_grad()
def success(policy: TablePolicy, world: TakenBack) -> float:
    return float(policy.expect(world.rewards())[world.contexts // 2 :].mean())


def promise(policy: TablePolicy, world: TakenBack) -> float:
    """The mean influence of a practised problem on the accuracy of those held out."""
    half, rewards = min(world.contexts // 2, LOOKED_AT), world.rewards()
    logp = policy.log_probabilities()
    chance, right = logp.detach().exp()[:half], rewards[:half]
    rate = (chance * right).sum(-1)
    parameter = policy.module["shared"]

    def gradient(value: Tensor) -> Tensor:
        return torch.autograd.grad(value, parameter, retain_graph=True)[0].flatten()

    target = gradient((logp.exp() * rewards)[world.contexts // 2 :].sum(-1).mean())
    means = [
        torch.stack([gradient((chance[x] * own[x] / (chance[x] * own[x]).sum().clamp(min=1e-12) * logp[x]).sum()) for x in range(half)])
        for own in (right, 1 - right)
    ]
    return float(CoInfluence()(rate=rate, right=means[0], wrong=means[1], target=target).mean())
