"""DPO: fitted to comparisons, the policy's own log-ratio is the reward model, and its minimiser the optimum of RLHF.

World: a token tree of two steps and four tokens, 16 sequences with rewards from N(0, 1) and a reference with logits from N(0, 1/4) at each step; people who
compare by Bradley-Terry on these rewards. A seed is another tree.

*Minimiser*: the loss over all 240 ordered pairs, each weighted by the probability that it is labelled so (what infinitely many labels would give), every pair in every
step, at beta = 0.5, 300 steps at a learning rate from 0.3 to 0: the distance (total variation) from ref exp(reward / beta) / Z. (200 steps from 0.1, the
first run, left one tree of five 0.012 away; it is the minimiser that the claim is about, not how soon it is reached.)

*Frontier*: 1,024 pairs are drawn from the reference and labelled once. DPO and PPO learn from them at beta = 0.5, 1, 2 and 4, with 160 gradient steps of
128 sequences each. PPO gets a Bradley-Terry model that was fitted to the pairs, with as many steps of its own, as its reward, the KL with the weight beta in
the reward, a critic, and fresh samples (80 batches of 128, two epochs). Each has the learning rate of 0.03 and 0.1 (to 0 in a line) that does best at its own
objective on what it may know: DPO's loss on its pairs, PPO's penalised learned reward. "PPO on the true reward" sees what no other does (and takes 0.1). Measured, by
enumeration: the true reward of a policy at a KL from the reference of 0.05, 0.2 and 0.5 nats, in a line between the neighbouring betas.

"Matches": on average no more than 0.03 below PPO on the learned reward, at each of the three; rewards have the deviation 1. The paper's PPO is on text, with
sentiment, and is dominated there; a table has no optimisation difficulties, so domination is not claimed.

Source: Rafailov et al. 2023, arXiv 2305.18290, eq. 4 and 7, section 5.1 and figure 2 (left).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, EqualTo, NoWorseThan, System
from guerdon.exact.solvers.kl_regularised_optimum import KLRegularisedOptimum
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.penalties.kl_direct import KLDirect
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.models.finite.policy import TablePolicy
from guerdon.models.finite.prefix_value import PrefixValue
from guerdon.models.finite.tabular import Tabular
from guerdon.randomness import derive, generator
from guerdon.recipes.ppo import recipe as ppo_recipe
from guerdon.sequences import Decoding, Example, Sequences, Side
from guerdon.training.judging import FiniteScene
from guerdon.training.loops.fit import fit
from guerdon.training.loops.improve import improve
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.training.schedules.linear import Linear
from guerdon.worlds.finite.random_tree import RandomTree

system = System(
    title="Direct Preference Optimization: Your Language Model is Secretly a Reward Model",
    link="https://arxiv.org/abs/2305.18290",
    kind="method",
    builds_on=("bradley-terry-reward-model", "log-ratio", "reference-policy", "ppo"),
    note="PPO's frontier and DPO's are the same within 0.01: in a table both end near the optimum of the same fitted reward.",
)
BETA, BETAS, RATES, PAIRS = 0.5, (0.5, 1.0, 2.0, 4.0), (0.03, 0.1), 1024
KLS = (0.05, 0.2, 0.5)


def dpo(beta: float, rate: float) -> Recipe:
    return Recipe((Term(Pairwise(LogRatio(beta), Logistic())),), AdamW(Linear(rate)))


def ppo(beta: float, rate: float) -> Recipe:
    critic = replace(ppo_recipe.learners["critic"], model=PrefixValue(1, 4, 2), optimiser=AdamW(Linear(0.1)))
    return replace(
        ppo_recipe,
        optimiser=AdamW(Linear(rate)),
        sampler=Group(128),
        reward_penalties=(Term(KLDirect(), weight=beta),),
        epochs=2,
        learners={"critic": critic},
    )


recipe = {"DPO": dpo(BETA, 0.1), "PPO": ppo(BETA, 0.1)}
FRONTIER = "true reward at a KL"
claim = AllOf(
    EqualTo("DPO on all pairs", 0.0, on="distance from the optimum", tolerance=0.005),
    NoWorseThan("DPO", "PPO", on=FRONTIER, margin=0.03, at="every"),
)
SEEDS = {"smoke": 1, "full": 5}


def experiment(seed: int, scale: str) -> dict:
    small = scale == "smoke"
    world = RandomTree(vocabulary=4, depth=2, seed=derive(seed, "world"))
    start = world.policy(deviation=0.5, seed=derive(seed, "reference"))
    reward, reference = world.rewards()[0], start.build()
    pairs = labelled(reward, reference.probabilities(0).detach(), seed)
    examples = [compared(reference, chosen, rejected) for chosen, rejected in pairs.tolist()]
    budget = Budget(steps=4 if small else 160, batch_size=64, seed=seed)
    rates, betas = (RATES[1:], BETAS[1:3]) if small else (RATES, BETAS)

    def by_dpo(beta: float, rate: float) -> tuple[float, TablePolicy]:
        policy = start.build()
        fit(policy, examples, dpo(beta, rate), budget)
        implicit = beta * (policy.log_probabilities() - reference.log_probabilities())[0].detach()
        return float(torch.nn.functional.logsigmoid(implicit[pairs[:, 0]] - implicit[pairs[:, 1]]).mean()), policy

    def by_ppo(beta: float, rate: float, judge: Tensor) -> tuple[float, TablePolicy]:
        policy, method = start.build(), ppo(beta, rate)
        act = replace(budget, steps=budget.steps // 2, batch_size=1)
        critic = method.learners["critic"].model.build()
        improve(policy, FiniteScene(Judging(policy, judge)), world.train(), method, act, Decoding(2), learners={"critic": critic})
        return float((policy.expect(judge) - beta * policy.kl(reference)).detach()), policy

    def frontier(learn: Callable[[float, float], tuple[float, TablePolicy]], rates: Sequence[float] = rates) -> dict[float, float]:
        policies = [max((learn(beta, rate) for rate in rates), key=lambda result: result[0])[1] for beta in betas]
        points = sorted((float(p.kl(reference).detach()), float(p.expect(reward).detach())) for p in (reference, *policies))
        return {kl: float(np.interp(kl, *zip(*points, strict=True))) for kl in KLS}

    learned = reward_model(pairs, budget)
    optima = [KLRegularisedOptimum(beta)(reward, reference.probabilities(0).detach()) for beta in np.geomspace(0.01, 100, 200)]
    exact = sorted((float(o["kl"]), float(o["reward"])) for o in optima)
    return {
        "DPO on all pairs": minimiser(world, start.build, 4 if small else 300, seed),
        "DPO": {FRONTIER: frontier(by_dpo)},
        "PPO": {FRONTIER: frontier(lambda beta, rate: by_ppo(beta, rate, learned))},
        "PPO on the true reward": {FRONTIER: frontier(lambda beta, rate: by_ppo(beta, rate, world.rewards()), RATES[1:])},
        "optimum": {FRONTIER: {kl: float(np.interp(kl, *zip(*exact, strict=True))) for kl in KLS}},
    }


def minimiser(world: RandomTree, start: Callable[[], TablePolicy], steps: int, seed: int) -> dict[str, float]:
    """How far DPO on all pairs, each as often as it is labelled so, ends from the optimum."""
    policy, reference, reward = start(), start(), world.rewards()[0]
    first, second = (grid.flatten() for grid in torch.meshgrid(torch.arange(len(reward)), torch.arange(len(reward)), indexing="ij"))
    rows = zip(first.tolist(), second.tolist(), torch.sigmoid(reward[first] - reward[second]).tolist(), strict=True)
    examples = [compared(reference, i, j, {"weight": win}) for i, j, win in rows if i != j]
    fit(policy, examples, dpo(BETA, 0.3), Budget(steps=steps, batch_size=len(examples), seed=seed))
    optimum = KLRegularisedOptimum(BETA)(reward, reference.probabilities(0).detach())["policy"]
    return {"distance from the optimum": float((policy.probabilities(0).detach() - optimum).abs().sum() / 2)}


def labelled(reward: Tensor, reference: Tensor, seed: int) -> Tensor:
    """[PAIRS, 2]: sequences drawn from the reference, different ones, the preferred one first."""
    draws = torch.multinomial(reference, 4 * PAIRS, replacement=True, generator=generator(seed, "pairs")).view(-1, 2)
    draws = draws[draws[:, 0] != draws[:, 1]][:PAIRS]
    wins = torch.rand(len(draws), dtype=torch.float64, generator=generator(seed, "labels")) < torch.sigmoid(
        reward[draws[:, 0]] - reward[draws[:, 1]]
    )
    return torch.where(wins.unsqueeze(-1), draws, draws.flip(-1))


def compared(policy: TablePolicy, chosen: int, rejected: int, columns: dict[str, float] | None = None) -> Example:
    sides = {name: tuple(policy.tree.actions[index].tolist()) for name, index in (("chosen", chosen), ("rejected", rejected))}
    return Example({name: Side((0,), actions, (True,) * len(actions)) for name, actions in sides.items()}, columns or {})


def reward_model(pairs: Tensor, budget: Budget) -> Tensor:
    """[1, S]: Bradley-Terry scores by maximum likelihood, a table of one score per sequence (the log-ratio of a one-step policy to the uniform one)."""
    table = Tabular(1, 16).build()
    rows = [Example({"chosen": Side((0,), (i,), (True,)), "rejected": Side((0,), (j,), (True,))}) for i, j in pairs.tolist()]
    fit(table, rows, dpo(1.0, 0.1), budget)
    return table.log_probabilities().detach()


@dataclass(frozen=True)
class Judging:
    """A world whose sequences are worth what a table [1, S] says."""

    policy: TablePolicy
    table: Tensor

    def reward_of(self, rollouts: Sequences, seed: int) -> Tensor:
        return self.table[0, self.policy.tree.index(rollouts.actions, rollouts.length)]
