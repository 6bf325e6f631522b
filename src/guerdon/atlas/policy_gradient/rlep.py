"""RLEP: begin again from the base, with what an earlier run got right standing beside the fresh answers.

World: 32 prompts of 64 answers each, of which one to four are right, and a policy of tables whose logits begin at N(0, 1.5), so that the
right answers of many prompts are hardly ever tried. A seed is another set of prompts and another beginning.

Arms: "RLEP" learns for 40 steps ("first"), keeps what that policy answers rightly of 16 answers to each prompt, begins again from the base
and learns for 40 steps, with up to two of the kept answers beside 8 fresh ones of each prompt; "fresh" makes the same 40 steps without
them; "fresh, as long" makes 80 steps, which is as many fresh answers and updates as RLEP has had in both runs but for the 16. All clip at
0.2 and 0.28, take the token mean and have no KL. Learning rates are tuned, by the success at the end.

Measured: the expected success, exactly, half-way and at the end of the last run.

Smallest difference of interest: 0.02 of success.

Source: arXiv 2507.07451, section 3.2 (two kept answers beside 16 fresh ones, advantages over all of them; ratios to who drew them are ours); what was
read is what ``data.buffers.earlier_successes`` cites, and its abstract. That the earlier run's own cost is paid by an arm is ours: the
paper compares with a run from the base alone.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, System
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.data.buffers.earlier_successes import EarlierSuccesses
from guerdon.losses.surrogates.clip import Clip
from guerdon.models.finite.policy import TablePolicy
from guerdon.randomness import derive, generator
from guerdon.sequences import Decoding, Sequences
from guerdon.training.judging import FiniteScene
from guerdon.training.loops.improve import improve
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.worlds.finite.contextual_bandit import ContextualBandit

system = System(
    title="RLEP: Reinforcement Learning with Experience Replay for LLM Reasoning",
    link="https://arxiv.org/abs/2507.07451",
    kind="method",
    builds_on=("grpo", "dapo", "earlier-successes"),
    read="abstract",
    note=(
        "It is ahead of a run of its own length, by 0.05 half-way and 0.03 at the end. Of a run that is as long as both of its "
        "runs together it is not: 0.02 behind, undecided."
    ),
)
PROMPTS, ANSWERS, STEPS, KEPT_OF = 32, 64, 40, 16
_fresh = Recipe((Term(Clip(0.2, epsilon_high=0.28)),), sampler=Group(8), advantage=GroupCentred())
recipe = {"fresh": _fresh, "fresh, as long": _fresh, "RLEP": replace(_fresh, replay=EarlierSuccesses(count=2))}
claim = AllOf(
    BetterThan("RLEP", "fresh", on="half-way", effect=0.02, matched="fresh answers of the last run, updates"),
    BetterThan("RLEP", "fresh", on="success", effect=0.02, matched="fresh answers of the last run, updates"),
    BetterThan("RLEP", "fresh, as long", on="success", effect=0.02, matched="fresh answers and updates of both runs"),
)
SEEDS = {"smoke": 1, "full": 10, "tune": 2}
GRID = {arm: {"learning_rate": (0.3, 0.9, 2.7)} for arm in recipe}
TUNED_BY = "success"


@dataclass(frozen=True)
class Pool(EarlierSuccesses):
    """Earlier successes that begin with those of another run."""

    kept: Any = None

    def init(self) -> dict[str, Any]:
        return {"kept": dict(self.kept or {})}


@dataclass(frozen=True)
class Recorder(EarlierSuccesses):
    """Keeps what is right in ``found``, and replays nothing."""

    found: dict | None = None

    def __call__(self, rollouts: Sequences, place: Tensor, state: dict[str, Any], seed: int) -> tuple[Sequences, dict[str, Any]]:
        _, state = super().__call__(rollouts, place, state, seed)
        self.found.update(state["kept"])
        return rollouts.with_quantities(replayed=torch.zeros(len(rollouts))), state


@lru_cache(maxsize=4)
def prompts(seed: int) -> tuple[ContextualBandit, Tensor]:
    """The prompts, and the logits of the base."""
    rng = generator(seed, "prompts")
    right = torch.zeros(PROMPTS, ANSWERS, dtype=torch.float64)
    for row in right:
        row[torch.randperm(ANSWERS, generator=rng)[: int(torch.randint(1, 5, (), generator=rng))]] = 1.0
    logits = 1.5 * torch.randn(PROMPTS, 1, ANSWERS, dtype=torch.float64, generator=rng)
    return ContextualBandit(PROMPTS, ANSWERS, means=tuple(map(tuple, right.tolist()))), logits


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict[str, float]:
    world, logits = prompts(seed)
    steps = 4 if scale == "smoke" else STEPS
    method = replace(recipe[arm], optimiser=AdamW(learning_rate))
    if method.replay is not None:
        first = TablePolicy(world.tree, logits.clone())
        learn(first, world, replace(method, replay=None), steps, derive(seed, "first"))
        method = replace(method, replay=Pool(count=2, kept=successes(first, world, derive(seed, "kept"))))
    if arm == "fresh, as long":
        steps *= 2
    policy, found = TablePolicy(world.tree, logits.clone()), []
    for half in range(2):  # what is kept on the way of the first half is drawn from the pool's own policy in the second
        learn(policy, world, method, steps // 2, derive(seed, "half", half))
        found.append(float(policy.expect(world.rewards()).detach().mean()))
    return {"half-way": found[0], "success": found[1]}


def learn(policy: TablePolicy, world: ContextualBandit, method: Recipe, steps: int, seed: int) -> None:
    improve(policy, FiniteScene(world), world.train(), method, Budget(steps=steps, batch_size=PROMPTS, seed=seed), Decoding(1))


def successes(policy: TablePolicy, world: ContextualBandit, seed: int) -> dict[int, Any]:
    """What the buffer keeps of 16 answers of the policy to each prompt: two steps of which nothing is learned."""
    found: dict[int, Any] = {}
    learn(policy, world, replace(_fresh, optimiser=AdamW(0.0), replay=Recorder(count=2, found=found)), KEPT_OF // 8, seed)
    return found
