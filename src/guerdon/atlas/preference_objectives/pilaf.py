"""PILAF: pairs from either side of the policy make DPO's gradient that of the objective, and every label worth more.

World: a token tree of two steps and three tokens, nine answers with rewards from N(0, 1), a reference with logits from N(0, 1/4) at each
step; people compare by Bradley-Terry on the rewards; beta is 0.5. A seed is another tree.

*Gradient*: at 20 random policies (the reference's logits plus N(0, 1)) the expected gradient of DPO's loss, over all pairs as they are
drawn and labelled, is compared with the gradient of E[reward] - beta KL: the mean of their cosine. The theorem is a first-order one, so it
is also done near the optimum (its logits plus N(0, 0.09)), where the comparisons are almost what the policy expects. "PILAF" draws half of
the pairs from the policy and half from (1 + beta) policy - beta reference and (1 - beta) policy + beta reference, the combinations taken of
the logits of each step, as on language models; "on-policy" draws both from the policy, "policy and reference" one from each.

*Learning*: 30 rounds of 64 labels, 5 gradient steps on each round's pairs (Adam, the learning rate falling to 0), the reference fixed. "best and
worst" has eight answers drawn to every pair and those with the highest and lowest true reward compared, so that it knows more than the others.
All have the same number of labels and updates. Tuned: the learning rate of every arm, by the regret of E[reward] - beta KL at the end. Measured:
that regret, and on the way the true reward and the KL.

Claimed: "higher oracle reward at a given KL", by 0.02 where rewards have the deviation 1; a smaller regret, by 0.01, which weighs the two; and
gradients nearer to the objective's, by 0.02 in cosine.

Source: Feng et al. 2025, arXiv 2502.04270: the sampling rule and its alignment of gradients. The worlds and sizes are ours.
"""

from dataclasses import replace
from functools import lru_cache

import torch
from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.acting.samplers.interpolated import Interpolated
from guerdon.atlas import AheadAlong, AllOf, BetterThan, System, TunedBy
from guerdon.atlas._comparing import ComparisonWorld
from guerdon.atlas._text import Along
from guerdon.data.pairing.best_worst import BestWorst
from guerdon.feedback.judges.simulated_annotator import SimulatedAnnotator
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.models.finite.policy import TablePolicy
from guerdon.randomness import derive, generator
from guerdon.recipes.pilaf import interpolated
from guerdon.sequences import Decoding
from guerdon.training.judging import FiniteScene
from guerdon.training.loops.improve import improve
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe
from guerdon.training.schedules.linear import Linear
from guerdon.worlds.finite.random_tree import RandomTree

system = System(
    title="PILAF: Optimal Human Preference Sampling for Reward Modeling",
    link="https://arxiv.org/abs/2502.04270",
    kind="method",
    builds_on=("dpo", "online-dpo", "logit-interpolation"),
    read="paper",
    note=(
        "Its samples align the gradient where one side comes from the reference, and not measurably against plain pairs of the "
        "policy; the small lead in regret (0.007 where 0.01 is of interest) would need twice the seeds."
    ),
)
BETA, LABELS, ROUNDS, STOPS = 0.5, 64, 30, (1, 2, 4, 7, 12, 20, 30)
_pilaf = replace(interpolated(BETA), judge=SimulatedAnnotator(), epochs=5)
recipe: dict[str, Recipe] = {
    "PILAF": _pilaf,
    "on-policy": replace(_pilaf, sampler=Group(4)),
    "policy and reference": replace(_pilaf, sampler=Interpolated((0.0, 1.0))),
    "best and worst": replace(_pilaf, sampler=Group(8), pairing=BestWorst()),
}
PAIRS_A_PROMPT = {"PILAF": 2, "on-policy": 2, "policy and reference": 1, "best and worst": 1}
GRID = {arm: {"learning_rate": (0.03, 0.1, 0.3)} for arm in ("on-policy", "best and worst", "policy and reference", "PILAF")}
TUNED_BY = TunedBy("regret", lower_is_better=True)
claim = AllOf(
    BetterThan("PILAF", "on-policy", on="cosine", effect=0.02),
    BetterThan("PILAF", "policy and reference", on="cosine", effect=0.02),
    BetterThan("PILAF", "on-policy", on="cosine near the optimum", effect=0.02),
    *(AheadAlong("PILAF", other, on="reward", along="KL", effect=0.02) for other in ("on-policy", "best and worst")),
    *(
        BetterThan("PILAF", other, on="regret", effect=0.01, lower_is_better=True, matched="labels, updates, price in the objective")
        for other in ("on-policy", "best and worst")
    ),
)
SEEDS = {"smoke": 1, "full": 24, "tune": 4}


@lru_cache(maxsize=4)
def begun(seed: int) -> tuple[RandomTree, ComparisonWorld]:
    tree = RandomTree(vocabulary=3, depth=2, seed=derive(seed, "world"))
    return tree, ComparisonWorld(tree.rewards()[0], tree.policy(deviation=0.5, seed=derive(seed, "reference")).build, BETA)


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict:
    """The policy that so many labels lead to."""
    (tree, world), pairs, small = begun(seed), PAIRS_A_PROMPT[arm], scale == "smoke"
    policy, method = world.start(), replace(recipe[arm], optimiser=AdamW(Linear(learning_rate)))
    budget = Budget(steps=2 if small else ROUNDS, batch_size=LABELS // pairs, seed=seed)
    along = Along(STOPS, lambda: {name: value for name, value in world.measured(policy).items() if name in ("reward", "KL")})
    improve(policy, FiniteScene(tree), tree.train() * budget.batch_size, method, budget, Decoding(2), display=along)
    return along.curves | {"regret": world.measured(policy)["regret"]}


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    arms, (_, world) = {arm: trial(arm, seed, scale, **setting) for arm, setting in tuned.items()}, begun(seed)
    places = {
        "cosine": (world.reference, 1.0),
        "cosine near the optimum": (world.reference.distribute(world.optimum.log().unsqueeze(0)), 0.3),
    }
    for name in ("PILAF", "on-policy", "policy and reference"):
        for measure, (around, deviation) in places.items():
            arms[name][measure] = cosine(world, recipe[name].sampler, around, deviation, 2 if scale == "smoke" else 20, seed)
    return arms


def cosine(world: ComparisonWorld, sampler: Group | Interpolated, around: TablePolicy, deviation: float, policies: int, seed: int) -> float:
    """Of DPO's expected gradient and the objective's, at random policies around one."""
    rng, found = generator(seed, "policies"), []
    for _ in range(policies):
        at = around.logits + deviation * torch.randn(around.logits.shape, dtype=torch.float64, generator=rng)
        policy = TablePolicy(world.reference.tree, at)
        logp = policy.log_probabilities()[0]
        implicit = BETA * (logp - world.reference.log_probabilities()[0].detach())
        loss = (labelled(world, policy, sampler) * Logistic()(implicit.unsqueeze(-1), implicit)).sum()
        (descent,) = torch.autograd.grad(loss, policy.logits, retain_graph=True)
        value = (policy.expect(world.reward.unsqueeze(0)) - BETA * policy.kl(world.reference)).sum()
        (ascent,) = torch.autograd.grad(value, policy.logits)
        found.append(float(torch.nn.functional.cosine_similarity(-descent.flatten(), ascent.flatten(), dim=0)))
    return sum(found) / len(found)


def labelled(world: ComparisonWorld, policy: TablePolicy, sampler: Group | Interpolated) -> Tensor:
    """[S, S], how often the row's answer is asked with the column's, and preferred."""
    weights = getattr(sampler, "weights", (0.0, 0.0))
    actors = [policy.mixed(world.reference, weight).probabilities(0) for weight in weights]
    asked = torch.stack([world.asked_by(a, b) for a, b in zip(actors[::2], actors[1::2], strict=True)]).mean(0)
    return (asked + asked.T) / 2 * world.prefer
