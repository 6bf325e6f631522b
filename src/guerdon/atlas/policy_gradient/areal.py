"""AReaL: rollouts may be some steps old, if the clip is about the policy that a step starts from and older rollouts are weighed for being so.

World: a random tree, eight prompts with 81 answers of four tokens and a reward of its own for each, seen with noise; a policy of tables
that begins uniform. Nothing is learned about one answer from another, so that what old rollouts do to a method is not hidden by a network.
A seed is another tree.

Arms, alike in everything but what their loss reads: "coupled" is the clip of PPO around the policy that drew, "decoupled" AReaL's
objective, "bounds alone" the same without the weights (what trainers do that compute the old log-probabilities again and forget those of
the sampler), "cut at 2" the same with truncated weights (TIS). All four learn from rollouts four rounds of four gradient steps old. "fresh"
is the coupled one with rollouts of the policy as it is.

Tuned: each arm's learning rate, by the expected reward after the last round. Measured: the expected reward of the policy, exactly, after 14
rounds of 64 answers and four gradient steps each, in standard deviations of the rewards; the most that could be had is about 2.4.

"As good as fresh ones" allows a tenth of the standard deviation, and 0.05 of it is the smallest difference of interest.

Source: arXiv 2505.24298, section 5.2 (the objective), and its ablation of the staleness, which compares the coupled and the decoupled
objective; the loss in its code. Chosen here: world, sizes, GRPO's advantages for all arms, "bounds alone" and "cut at 2".
"""

import math

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, NoWorseThan, System
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.losses.corrected import Corrected
from guerdon.losses.corrections.truncated import Truncated
from guerdon.losses.surrogates.clip import Clip
from guerdon.parts import Part
from guerdon.randomness import derive
from guerdon.sequences import Decoding
from guerdon.training.judging import FiniteScene
from guerdon.training.loops.improve import improve
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.worlds.finite.random_tree import RandomTree

system = System(
    title="AReaL: A Large-Scale Asynchronous Reinforcement Learning System for Language Reasoning",
    link="https://arxiv.org/abs/2505.24298",
    kind="method",
    builds_on=("ppo", "grpo", "decoupled-ppo"),
    read="code",
    note=(
        "Of four rounds old rollouts the decoupled objective makes 0.26 more than the coupled one, and it is the bounds that do it: without "
        "the weights it makes 0.08 more still. It stays 0.18 behind fresh rollouts. Cutting weights at 2 changes nothing here."
    ),
)
OLD = 4  # rounds


def method(loss: Part, ahead: int, learning_rate: float = 0.3) -> Recipe:
    return Recipe((Term(loss),), AdamW(learning_rate), Group(8), advantage=GroupCentred(), minibatches=4, ahead=ahead)


recipe = {
    "coupled": method(Clip(0.2), OLD),
    "bounds alone": method(Corrected(Clip(0.2), ()), OLD),
    "decoupled": method(Corrected(Clip(0.2), (Truncated(cap=math.inf),)), OLD),
    "cut at 2": method(Corrected(Clip(0.2), (Truncated(cap=2.0),)), OLD),
    "fresh": method(Clip(0.2), 0),
}
claim = AllOf(
    BetterThan("decoupled", "coupled", on="reward", effect=0.05, matched="samples, updates"),
    BetterThan("decoupled", "bounds alone", on="reward", effect=0.05, matched="samples, updates"),
    NoWorseThan("decoupled", "fresh", on="reward", margin=0.1, matched="samples, updates"),
    NoWorseThan("cut at 2", "decoupled", on="reward", margin=0.05, matched="samples, updates"),
)
SEEDS = {"smoke": 1, "full": 24, "tune": 3}
GRID = {arm: {"learning_rate": (0.1, 0.3, 1.0)} for arm in recipe}
TUNED_BY = "reward"


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict[str, float]:
    world = RandomTree(contexts=8, vocabulary=3, depth=4, noise=0.5, seed=derive(seed, "tree"))
    own = recipe[arm]
    learned = method(own.terms[0].loss, own.ahead, learning_rate)
    policy = world.policy().build()
    budget = Budget(steps=2 if scale == "smoke" else 14, batch_size=world.contexts, seed=seed)
    improve(policy, FiniteScene(world), world.train(), learned, budget, Decoding(4))
    return {"reward": float(policy.expect(world.rewards()).mean().detach())}
