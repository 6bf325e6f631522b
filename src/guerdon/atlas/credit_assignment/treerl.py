"""TreeRL: chains are forked where their steps were least expected, and each piece of the tree is credited with what became of it.

World: eight prompts, answers of eight steps over three actions, of which three that differ from prompt to prompt decide (``_worlds.Decisive``); policies are tables with logits
from N(0, 1). A seed is another world and policy.

Arms, each with its own tree of a prompt at every step of training:

* "chains": 8 answers drawn independently, and the leave-one-out advantage;
* "random forks": 4 chains, each forked before 2 random steps, with 1 continuation each (12 answers), credited as in TreeRL;
* "TreeRL": the same, forked before the 2 steps that were least expected;
* "TreeRL, siblings": the same forks, with the advantage over the other draws at each fork, each counted by its share (``sibling_baseline``).

Arms differ in how many steps they draw at once, so rewards are compared at the same number of steps drawn so far ("tokens"), along each arm's own curve of 25 steps of
training with AdamW by a tuned learning rate. "right per 100 tokens": distinct right answers that are found for every 100 steps drawn, by the policy as it is at the start, in 20
trees of each prompt.

The smallest differences of interest: 0.02 of a success rate, and a tenth of a right answer.

Source: Hou et al. 2025, arXiv 2506.11902, of which a summary was read, and its authors' code (github.com/THUDM/TreeRL: ``entropy_chain_local_manager.py``,
``tree_node.py``). Its claim that forks by entropy find more right answers for the same tokens is of language models, whose chains go wrong at few uncertain tokens; here
which steps decide has nothing to do with how uncertain the policy is.
"""

from functools import partial

import torch

from guerdon.acting.forks.at_random import AtRandom
from guerdon.acting.forks.surprise import Surprise
from guerdon.acting.samplers.forking import Forking
from guerdon.acting.samplers.group import Group
from guerdon.atlas import AheadAlong, AllOf, BetterThan, System
from guerdon.atlas._text import bought
from guerdon.atlas.credit_assignment._worlds import Counting, Decisive, trained
from guerdon.credit.advantages.leave_one_out import LeaveOneOut
from guerdon.credit.advantages.sibling_baseline import SiblingBaseline
from guerdon.credit.advantages.tree_credit import TreeCredit
from guerdon.losses.reduce.sequence_mean import SequenceMean
from guerdon.losses.surrogates.reinforce import Reinforce
from guerdon.randomness import derive
from guerdon.sequences import Decoding
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

system = System(
    title="TreeRL: LLM Reinforcement Learning with On-Policy Tree Search",
    link="https://arxiv.org/abs/2506.11902",
    kind="method",
    builds_on=("forking", "tree-credit", "reinforce"),
    read="code",
    note=(
        "The forks find more right answers for a token, by half again; but so do forks at random places, and at equal tokens "
        "nobody is ahead by what eight seeds can show (the spread of the curves over seeds is 0.1, the effect of interest "
        "0.02)."
    ),
)
STOPS, PRICE = (2, 4, 7, 10, 14, 19, 25), 4000.0
_forked = partial(Forking, 4, 2, 1)
ARMS = {
    "chains": (Group(8), LeaveOneOut()),
    "random forks": (_forked(at=AtRandom()), TreeCredit()),
    "TreeRL": (_forked(at=Surprise()), TreeCredit()),
    "TreeRL, siblings": (_forked(at=Surprise()), SiblingBaseline()),
}


def method(arm: str, learning_rate: float) -> Recipe:
    sampler, advantage = ARMS[arm]
    return Recipe((Term(Reinforce(), reduce=SequenceMean()),), AdamW(learning_rate), sampler, advantage=advantage)


recipe = {arm: method(arm, 1.0) for arm in ARMS}
claim = AllOf(
    AheadAlong("TreeRL", "chains", on="reward", along="tokens", effect=0.02),
    AheadAlong("TreeRL", "random forks", on="reward", along="tokens", effect=0.02),
    AheadAlong("TreeRL, siblings", "chains", on="reward", along="tokens", effect=0.02),
    BetterThan("TreeRL", "chains", on="right per 100 tokens", effect=0.1, matched="tokens"),
    BetterThan("TreeRL", "random forks", on="right per 100 tokens", effect=0.1, matched="tokens"),
)
SEEDS = {"smoke": 1, "full": 8, "tune": 2}
GRID = {arm: {"learning_rate": (0.3, 1.0, 3.0)} for arm in ARMS}
TUNED_BY = "reward at the price"


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict:
    """One arm, trained."""
    small = scale == "smoke"
    world = Decisive(2 if small else 8, 3, 4 if small else 8, 3, derive(seed, "world"))
    found = trained(method(arm, learning_rate), world, seed, (1, 2) if small else STOPS)
    price = bought(found["reward"], found["tokens"], 80.0 if small else PRICE)
    del found["policy"]
    return {**found, "reward at the price": price, "right per 100 tokens": right(arm, world, seed, 1 if small else 20)}


def right(arm: str, world: Decisive, seed: int, trees: int) -> float:
    start = world.policy(1.0, derive(seed, "policy")).build()
    policy = Counting(start.tree, start.logits)
    contexts, found = [torch.tensor([c]) for c in range(world.contexts)], 0
    for k in range(trees):
        rollouts = ARMS[arm][0](policy, contexts, Decoding(world.depth), derive(seed, "trees", k))
        good = world.expected_reward_of(rollouts) > 0
        found += len(torch.unique(torch.cat([rollouts.context.unsqueeze(-1), rollouts.actions], -1)[good], dim=0))
    return 100 * found / policy.drawn
