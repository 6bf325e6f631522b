"""Contrastive policy gradient: two samples of whatever policy, each the other's baseline, and the optimum is the KL-regularised one.

World: a bandit of eight arms with rewards from N(0, 1); reference, behaviour and rewards are another draw for each seed. 1,024 pairs are drawn once from
the *behaviour*, a softmax of its own that is neither reference nor policy, and every arm of the comparison is fitted to them, from the reference, with
150 steps of 64 pairs:

* CoPG: the square of (reward difference - beta * difference of log-ratios), the expected gradient of which vanishes at ref * exp(reward / beta);
* off-policy REINFORCE on the regularised reward, both samples of each pair, no importance weights, with baseline 0 and with the data's mean reward (the
  usual baseline, wrong off-policy: the right one would contain the log-ratio);
* DPO and IPO on the same pairs, the better one chosen: they see the order and not the size of the rewards.

The baselines' learning rates are chosen from 0.03, 0.1 and 0.3 (to 0 in a line) and, for DPO and IPO, before that a beta of their own from a quarter to
four times the true one, all by the distance from the truth that is measured: the most generous way to tune. CoPG takes 0.1.

Measured: the distance (total variation) from the exact optimum, and the reward scale: the slope of beta * log(policy / reference) over the reward, by least
squares (1 if it is recovered; an additive constant is free). "On-policy" enumerates all pairs of a random policy: the largest difference of CoPG's
expected gradient from the gradient of E[reward] - beta KL.

Source: Flet-Berliac et al. 2024, arXiv 2406.19185, section 3 (loss and properties) and section 5.1 (bandit). Its sections on language models are not repeated.
"""

from collections.abc import Iterable
from dataclasses import replace

import torch
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, EqualTo, System
from guerdon.exact.solvers.kl_regularised_optimum import KLRegularisedOptimum
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.comparisons.square import Square
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.penalties.kl_square import KLSquare
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.losses.surrogates.reinforce import Reinforce
from guerdon.models.finite.policy import TablePolicy
from guerdon.models.finite.tabular import Tabular
from guerdon.parts import call
from guerdon.randomness import derive, generator
from guerdon.sequences import Example, Side
from guerdon.training.loops.fit import fit
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.training.schedules.linear import Linear
from guerdon.worlds.finite.contextual_bandit import ContextualBandit

system = System(
    title="Contrastive Policy Gradient: Aligning LLMs on sequence-level scores in a supervised-friendly fashion",
    link="https://arxiv.org/abs/2406.19185",
    kind="method",
    builds_on=("ipo", "leave-one-out", "reference-policy", "off-policy-pairs"),
)
BETA, ACTIONS, PAIRS = 0.5, 8, 1024
RATES, MIDDLE = (0.03, 0.1, 0.3), 0.1
DISTANCE = "distance from the optimum"
BETAS = tuple(BETA * factor for factor in (0.25, 0.5, 1.0, 2.0, 4.0))
copg = Pairwise(LogRatio(BETA), Square(target=None))


def contrastive(rate: float) -> Recipe:
    """CoPG's own loss is 1 / (2 beta) of the square."""
    return Recipe((Term(copg, weight=1 / (2 * BETA)),), AdamW(Linear(rate)))


def reinforce(rate: float) -> Recipe:
    """The gradient of the two terms is (advantage - beta log-ratio) grad logp: REINFORCE on the regularised reward, whoever acted."""
    return Recipe((Term(Reinforce()), Term(KLSquare(), weight=BETA)), AdamW(Linear(rate)))


def dpo(rate: float, beta: float) -> Recipe:
    return Recipe((Term(Pairwise(LogRatio(beta), Logistic())),), AdamW(Linear(rate)))


def ipo(rate: float, beta: float) -> Recipe:
    return Recipe((Term(Pairwise(LogRatio(beta), Square(target=0.5)), weight=1 / beta**2),), AdamW(Linear(rate)))


recipe = {"CoPG": contrastive(0.1), "REINFORCE": reinforce(0.1), "DPO": dpo(0.1, BETA), "IPO": ipo(0.1, BETA)}
BASELINES = ("REINFORCE, baseline 0", "REINFORCE, mean reward", "DPO", "IPO")
claim = AllOf(
    EqualTo("CoPG", 0.0, on=DISTANCE, tolerance=0.01),
    EqualTo("CoPG", 1.0, on="reward scale", tolerance=0.02),
    *(BetterThan("CoPG", other, on=DISTANCE, by=0.05, lower_is_better=True) for other in BASELINES),
    *(BetterThan("CoPG", other, on="error of the scale", by=0.05, lower_is_better=True) for other in BASELINES),
    EqualTo("CoPG", 0.0, on="gradient on-policy", tolerance=1e-9),
)
SEEDS = {"smoke": 1, "full": 6}


def experiment(seed: int, scale: str) -> dict:
    bandit, small = Bandit(seed), scale == "smoke"
    budget = Budget(steps=5 if small else 150, batch_size=64, seed=seed)
    pairs = bandit.pairs()

    def measured(method: Recipe, examples: list[Example], each: Budget = budget) -> dict[str, float]:
        policy = bandit.reference()
        fit(policy, examples, method, each)
        return bandit.measured(policy)

    arms = {"CoPG": measured(recipe["CoPG"], bandit.compared(pairs)) | {"gradient on-policy": bandit.on_policy_gap()}}
    singly = replace(budget, batch_size=2 * budget.batch_size)
    for name, baseline in zip(BASELINES[:2], (0.0, float(bandit.reward[pairs].mean())), strict=True):
        singles = bandit.credited(pairs, baseline)
        arms[name] = nearest(measured(reinforce(rate), singles, singly) for rate in RATES)
    ranked = bandit.compared(pairs, better_first=True)
    for name, method in (("DPO", dpo), ("IPO", ipo)):
        at = {beta: measured(method(MIDDLE, beta), ranked) for beta in BETAS}
        best = min(at, key=lambda beta: at[beta][DISTANCE])
        arms[name] = nearest([at[best], *(measured(method(rate, best), ranked) for rate in RATES if rate != MIDDLE)])
    return arms


def nearest(results: Iterable[dict[str, float]]) -> dict[str, float]:
    """The one that came nearest to the optimum."""
    return min(results, key=lambda result: result[DISTANCE])


class Bandit:
    """The bandit of a seed: its rewards, its reference, the policy that drew the data, its optimum."""

    def __init__(self, seed: int):
        self.seed = seed
        self.reward = ContextualBandit(actions=ACTIONS, seed=derive(seed, "rewards")).rewards()[0]
        self.behaviour = Tabular(1, ACTIONS, deviation=1.0, seed=derive(seed, "behaviour")).build().probabilities(0).detach()
        self.optimum = KLRegularisedOptimum(BETA)(self.reward, self.reference().probabilities(0).detach())["policy"]

    def reference(self) -> TablePolicy:
        """The reference, to be trained: what every method starts from."""
        return Tabular(1, ACTIONS, deviation=0.5, seed=derive(self.seed, "reference")).build()

    def pairs(self) -> Tensor:
        """[PAIRS, 2] arms from the behaviour, the two of a pair different (equal ones say nothing)."""
        draws = torch.multinomial(self.behaviour, 4 * PAIRS, replacement=True, generator=generator(self.seed, "data")).view(-1, 2)
        return draws[draws[:, 0] != draws[:, 1]][:PAIRS]

    def compared(self, pairs: Tensor, better_first: bool = False) -> list[Example]:
        """Pairs with their reward difference as the margin, in the order drawn or with the better one chosen."""
        rows = []
        for first, second in pairs.tolist():
            if better_first and self.reward[first] < self.reward[second]:
                first, second = second, first
            margin = float(self.reward[first] - self.reward[second])
            rows.append(Example({"chosen": side(first), "rejected": side(second)}, {} if better_first else {"margin": margin}))
        return rows

    def credited(self, pairs: Tensor, baseline: float) -> list[Example]:
        """Both arms of every pair by themselves, with what their reward exceeds the baseline by."""
        return [Example({"": side(arm, {"advantage": (float(self.reward[arm]) - baseline,)})}) for arm in pairs.flatten().tolist()]

    def measured(self, policy: TablePolicy) -> dict[str, float]:
        """How far the policy is from the optimum, and how its implicit reward grows with the reward."""
        learned = policy.log_probabilities()[0].detach()
        implicit = BETA * (learned - self.reference().log_probabilities()[0].detach())
        centred = self.reward - self.reward.mean()
        scale = float((centred * implicit).sum() / centred.square().sum())
        distance = float((learned.exp() - self.optimum).abs().sum() / 2)
        return {DISTANCE: distance, "reward scale": scale, "error of the scale": abs(scale - 1)}

    def on_policy_gap(self) -> float:
        """Largest difference of CoPG's expected gradient on the policy's own pairs from the gradient of E[reward] - beta KL."""
        policy, reference = Tabular(1, ACTIONS, deviation=1.0, seed=derive(self.seed, "policy")).build(), self.reference()
        first, second = (grid.flatten() for grid in torch.meshgrid(torch.arange(ACTIONS), torch.arange(ACTIONS), indexing="ij"))
        logp, ref, one = (
            policy.log_probabilities()[0],
            reference.log_probabilities()[0].detach(),
            torch.ones(len(first), 1, dtype=torch.bool),
        )
        sides = {
            f"{name}_{quantity}": value[arm].unsqueeze(-1)
            for name, arm in (("chosen", first), ("rejected", second))
            for quantity, value in (("logp", logp), ("ref_logp", ref))
        }
        given = sides | {"chosen_mask": one, "rejected_mask": one, "margin": self.reward[first] - self.reward[second]}
        each = call(copg, given) / (2 * BETA)
        share = (logp[first] + logp[second]).exp().detach()
        # A half: the gradient of the squared difference counts each of the two samples.
        (estimate,) = torch.autograd.grad((share * each).sum() / 2, policy.logits, retain_graph=True)
        (truth,) = torch.autograd.grad(policy.expect(self.reward) - BETA * policy.kl(reference), policy.logits)
        return float((estimate + truth).abs().max())


def side(arm: int, steps: dict | None = None) -> Side:
    return Side(context=(0,), actions=(arm,), mask=(True,), steps=steps or {})
