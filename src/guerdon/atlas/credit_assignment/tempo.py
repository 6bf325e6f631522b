"""TEMPO: the answers of a group are a trie, and where they part each step is told what became of its branch.

World: eight prompts, answers of six steps over three actions, of which two that differ from prompt to prompt decide (``_worlds.Decisive``); policies are tables with logits from
N(0, 2^2), so that answers begin alike as those of a language model do. A seed is another world and policy. Every advantage of a step is known.

Arms: GRPO (the group's mean and deviation), TEMPO (the same plus the differences of prefix values, over the deviation), and the differences by themselves. 8 answers a prompt.

* "correlation": of the advantages that are given with the exact ones, over all steps of 40 groups of each prompt, at the policy as it is at the start.
* "reward": expected, exact, after 15 steps of training (8 prompts of 8 answers each) with AdamW and the clip, by learning rates tuned for each arm.

The smallest differences of interest: 0.05 of a correlation and 0.02 of a success rate.

Source: Tran, Yao and Yu 2025, arXiv 2509.18314: its abstract and summaries, and, after the confirmation, its authors' code (see ``credit.advantages.prefix_difference``). That
advantages correlate better with the exact ones is how we put "precise token-level credit"; its accuracy is on mathematics and medicine with Qwen3 of 1.7 and 4 billion parameters.
"""

import torch

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, System
from guerdon.atlas.credit_assignment._worlds import Decisive, advantages, at, correlation, trained
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.advantages.prefix_difference import PrefixDifference
from guerdon.losses.surrogates.clip import Clip
from guerdon.parts import call
from guerdon.randomness import derive
from guerdon.sequences import Decoding
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

system = System(
    title="Exploiting Tree Structure for Credit Assignment in RL Training of LLMs",
    link="https://arxiv.org/abs/2509.18314",
    kind="method",
    builds_on=("grpo", "prefix-difference", "clip"),
    read="summary",
    note=(
        "Its advantages go better with the exact ones, by 0.11 of a correlation, and the differences alone by 0.06 more. Of that nothing is left after training: with a "
        "rate of its own GRPO ends where TEMPO does. At the best rates each group is all but decided within a few steps of AdamW, so what is learned first is hardly seen."
    ),
)
SAMPLES, DEVIATION = 8, 2.0
ADVANTAGES = {"GRPO": GroupCentred(), "TEMPO": PrefixDifference(), "differences alone": PrefixDifference(outcome=0.0)}


def method(arm: str, learning_rate: float) -> Recipe:
    return Recipe((Term(Clip(0.2)),), AdamW(learning_rate), Group(SAMPLES), advantage=ADVANTAGES[arm])


recipe = {arm: method(arm, 0.3) for arm in ADVANTAGES}
claim = AllOf(
    BetterThan("TEMPO", "GRPO", on="correlation", effect=0.05, matched="samples"),
    BetterThan("TEMPO", "GRPO", on="reward", effect=0.02, matched="samples, updates"),
    BetterThan("TEMPO", "differences alone", on="reward", effect=0.02, matched="samples, updates"),
)
SEEDS = {"smoke": 1, "full": 16, "tune": 3}
GRID = {arm: {"learning_rate": (0.1, 0.3, 1.0)} for arm in ADVANTAGES}
TUNED_BY = "reward"


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict[str, float]:
    """One arm, trained."""
    small = scale == "smoke"
    world = Decisive(seed=derive(seed, "world"), contexts=2 if small else 8)
    found = trained(method(arm, learning_rate), world, seed, (2,) if small else (15,), DEVIATION)
    return {"reward": found["reward"][2 if small else 15], "correlation": told(arm, world, seed, 2 if small else 40)}


def told(arm: str, world: Decisive, seed: int, groups: int) -> float:
    """How the advantages that are given go with the exact ones."""
    policy = world.policy(DEVIATION, derive(seed, "policy")).build()
    exact = advantages(policy, world.rewards())
    given, true = [], []
    for k in range(groups):
        contexts = [torch.tensor([c]) for c in range(world.contexts)]
        rollouts = Group(SAMPLES)(policy, contexts, Decoding(world.depth), derive(seed, "groups", k))
        known = {"reward": world.expected_reward_of(rollouts), "group": rollouts.context, "mask": rollouts.mask, "action": rollouts.actions}
        given.append(call(ADVANTAGES[arm], known).flatten())
        true.append(at(exact, policy, rollouts).flatten())
    return correlation(torch.cat(given), torch.cat(true))
