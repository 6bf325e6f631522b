"""COPO: groups whose rewards are all equal are learned from as well, by how their prompt stands among the others.

World: 32 prompts of 16 answers each and a uniform policy; of prompt i a share p_i of the answers is right, drawn from Beta(0.5, 1.5), so that of groups of four many are
all wrong and some all right. A seed is another set of prompts. All draw 4 answers to each prompt in each of 12 steps.

Arms, alike but for the advantage: "GRPO" (the group's mean and deviation); "batch" (reward less the batch's mean, over its deviation: groups of equal rewards are learned from
too, without either group or entropy); COPO, which is told which answers are the same. Plain gradient steps: an adaptive optimiser would divide the size of an advantage away,
prompt by prompt, in a table.

Measured, exactly, before training and after each second step: "success", the policy's expected one, and "KL" from where it started, in nats, which is what success is compared at:
in a table there is no rate too large, since what was right once may be made certain, and so success after so many steps has no best rate (it was looked at first). Learning rates
are tuned for each arm by the success at 1 nat, or where 12 steps end if they do not go so far. "silent" is the share of sequences of a first batch whose advantage is 0: that COPO
has fewer of these than GRPO is by construction. Smallest differences of interest: 0.02 of success, 0.1 of a share.

Source: arXiv 2508.04138: abstract, and the authors' code (hijih/copo-code), which the advantage follows. Its accuracy is on mathematics; dynamic filtering is not tried.
"""

from dataclasses import replace
from functools import lru_cache
from typing import Any

import torch
from scipy.stats import beta

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AheadAlong, AllOf, BetterThan, System
from guerdon.atlas._text import Along, bought
from guerdon.credit.advantages.batch_normalised import BatchNormalised
from guerdon.credit.advantages.consistency_blend import ConsistencyBlend
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.losses.surrogates.clip import Clip
from guerdon.parts import call
from guerdon.randomness import derive, generator
from guerdon.sequences import Decoding, Sequences
from guerdon.training.judging import FiniteScene
from guerdon.training.loops.improve import improve
from guerdon.training.optimisers.sgd import SGD
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.worlds.finite.contextual_bandit import ContextualBandit

system = System(
    title="COPO: Consistency-Aware Policy Optimization",
    link="https://arxiv.org/abs/2508.04138",
    kind="method",
    builds_on=("grpo", "consistency-blend"),
    read="code",
    note=(
        "At equal KL all three are within 0.01 of each other: that fewer answers stay silent (0.49 fewer) buys nothing here, "
        "where a batch's mean does as well and GRPO's silent prompts are seen again."
    ),
)
PROMPTS, ANSWERS, DRAWN, STOPS, PRICE = 32, 16, 4, (2, 4, 6, 8, 10, 12), 1.0


class Named(Group):
    """Says of each sequence which answer it is."""

    def __call__(self, *asked: Any, **more: Any) -> Sequences:
        found = super().__call__(*asked, **more)
        found.quantities["category"] = found.actions[:, 0]
        return found


_plain = Recipe((Term(Clip(0.2)),), sampler=Named(DRAWN), advantage=GroupCentred())
recipe = {
    "GRPO": _plain,
    "batch": replace(_plain, advantage=BatchNormalised()),
    "COPO": replace(_plain, advantage=ConsistencyBlend()),
}
claim = AllOf(
    AheadAlong("COPO", "GRPO", on="success", along="KL", effect=0.02),
    AheadAlong("COPO", "batch", on="success", along="KL", effect=0.02),
    BetterThan("COPO", "GRPO", on="silent", effect=0.1, lower_is_better=True, matched="samples", by_construction=True),
)
SEEDS = {"smoke": 1, "full": 24, "tune": 4}
GRID = {arm: {"learning_rate": (20.0, 40.0, 80.0, 160.0)} for arm in recipe}
TUNED_BY = "success at the price"


@lru_cache(maxsize=4)
def prompts(seed: int) -> ContextualBandit:
    random = generator(seed, "right answers")
    share = torch.from_numpy(beta(0.5, 1.5).ppf(torch.rand(PROMPTS, dtype=torch.float64, generator=random).numpy()))
    rank = torch.rand(PROMPTS, ANSWERS, generator=random).argsort(-1).argsort(-1)
    right = (rank < (share * ANSWERS).round().clamp(min=1).unsqueeze(-1)).double()
    return ContextualBandit(PROMPTS, ANSWERS, means=tuple(map(tuple, right.tolist())))


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict:
    world = prompts(seed)
    policy, method = world.policy().build(), replace(recipe[arm], optimiser=SGD(learning_rate, max_grad_norm=1e9))
    start, right, silent = policy.reference(), world.rewards(), unheard(arm, seed)
    along = Along(
        STOPS,
        lambda: {"success": float(policy.expect(right).mean().detach()), "KL": float(policy.kl(start).mean().detach())},
    )
    budget = Budget(steps=max(STOPS), batch_size=PROMPTS, seed=derive(seed, "training"))
    improve(policy, FiniteScene(world), world.train(), method, budget, Decoding(1), display=along)
    success, price = along.curves["success"], along.curves["KL"]
    return {"success": success, "KL": price, "success at the price": bought(success, price, PRICE), "silent": silent}


def unheard(arm: str, seed: int) -> float:
    """The share of a first batch that the advantage says nothing of."""
    world = prompts(seed)
    contexts = [torch.tensor([c]) for c in range(PROMPTS)]
    rollouts = Named(DRAWN)(world.policy().build(), contexts, Decoding(1), derive(seed, "first batch"))
    reward = world.expected_reward_of(rollouts)
    known = {"reward": reward, "step_reward": reward.unsqueeze(-1), "group": rollouts.context, "mask": rollouts.mask}
    advantage = call(recipe[arm].advantage, known | {"category": rollouts.quantities["category"]})
    return float((advantage == 0).double().mean())
