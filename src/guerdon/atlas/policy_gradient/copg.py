"""Contrastive policy gradient: two samples of whatever policy, each the other's baseline, and the optimum is the KL-regularised one.

World: a bandit of eight arms with rewards from N(0, 1); reference, behaviour and rewards are another draw for each seed. 1,024 pairs are drawn once from the
*behaviour*, a softmax of its own that is neither reference nor policy, and every method is fitted to them, from the reference, with 200 steps on all of them:

* CoPG: the square of (reward difference - beta * difference of log-ratios), the expected gradient of which vanishes at ref * exp(reward / beta);
* off-policy REINFORCE on the regularised reward, both samples of each pair, no importance weights, with baseline 0 and with the data's mean reward (the usual
  baseline, wrong off-policy: the right one would contain the log-ratio);
* DPO and IPO on the same pairs, the better one chosen: they see the order and not the size of the rewards.

* "regression": the square of reward - beta log-ratio - constant over single samples, with the constant that fits best. It sees what CoPG sees and can represent
  the same optimum; the paper's pairs are a way to be rid of that constant.

Learning rates (to 0 in a line) are tuned for every arm and, for DPO and IPO, a beta of their own, by the distance from the truth that is measured. That CoPG is
ahead of DPO and IPO, which are not told the rewards, and of REINFORCE without the weights that off-policy samples need, follows from how these are made; that
it is no worse than the regression need not be so.

Measured: the distance (total variation) from the exact optimum; the error of the implicit reward beta * log(policy / reference), as the root mean square of its
difference from the reward (both without their means: a constant is free) over the deviation of the reward; and its slope over the reward by least squares, the
*scale*, 1 if recovered. A first run, with minibatches and 150 steps, made the claim about the slope alone; IPO, its beta chosen freely, can get that right with
the wrong rewards, hence the error. "On-policy" enumerates all pairs of a random policy: the largest difference of CoPG's expected gradient from the gradient of
E[reward] - beta KL.

Source: Flet-Berliac et al. 2024, arXiv 2406.19185: the loss, its properties, and the bandit. Its experiments on language models are not repeated.
"""

import torch
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, EqualTo, NoWorseThan, System, TunedBy
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
    read="abstract",
    note="What fits the rewards with a constant of its own reaches the same optimum: at this scale the pairs buy nothing but to be rid of that constant.",
)
BETA, ACTIONS, PAIRS = 0.5, 8, 1024
DISTANCE, ERROR = "distance from the optimum", "error of the implicit reward"
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
BLIND = ("REINFORCE, baseline 0", "REINFORCE, mean reward", "DPO", "IPO")
_RATES = {"learning_rate": (0.01, 0.02, 0.03, 0.06, 0.1, 0.2, 0.3, 0.6, 1.0)}
_RATES_AND_BETAS = {"learning_rate": (0.03, 0.1, 0.3), "beta": (BETA / 4, BETA, 4 * BETA)}
GRID = {"regression": _RATES, **{arm: _RATES if arm.startswith("REINFORCE") else _RATES_AND_BETAS for arm in BLIND}, "CoPG": _RATES}
TUNED_BY = TunedBy(DISTANCE, lower_is_better=True)
claim = AllOf(
    EqualTo("CoPG", 0.0, on=DISTANCE, tolerance=0.01),
    EqualTo("CoPG", 1.0, on="reward scale", tolerance=0.02),
    *(
        BetterThan("CoPG", o, on=DISTANCE, effect=0.02, lower_is_better=True, matched="samples, updates", by_construction=True)
        for o in BLIND
    ),
    *(BetterThan("CoPG", o, on=ERROR, effect=0.02, lower_is_better=True, matched="samples, updates", by_construction=True) for o in BLIND),
    NoWorseThan("CoPG", "regression", on=DISTANCE, margin=0.01, lower_is_better=True, matched="samples, updates"),
    EqualTo("CoPG", 0.0, on="gradient on-policy", tolerance=1e-9),
)
SEEDS = {"smoke": 1, "full": 8, "tune": 2}


def trial(arm: str, seed: int, scale: str, learning_rate: float, beta: float = BETA) -> dict[str, float]:
    bandit = Bandit(seed)
    pairs, steps, policy = bandit.pairs(), 5 if scale == "smoke" else 200, bandit.reference()
    if arm == "regression":
        bandit.regress(policy, pairs, learning_rate, steps)
        return bandit.measured(policy)
    if arm.startswith("REINFORCE"):
        method, examples = (
            reinforce(learning_rate),
            bandit.credited(pairs, 0.0 if arm.endswith("0") else float(bandit.reward[pairs].mean())),
        )
    elif arm == "CoPG":
        method, examples = contrastive(learning_rate), bandit.compared(pairs, margin=True)
    else:
        method, examples = {"DPO": dpo, "IPO": ipo}[arm](learning_rate, beta), bandit.compared(pairs, margin=False)
    fit(policy, examples, method, Budget(steps=steps, batch_size=len(examples), seed=seed))
    return bandit.measured(policy)


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    arms = {arm: trial(arm, seed, scale, **setting) for arm, setting in tuned.items()}
    arms["CoPG"]["gradient on-policy"] = Bandit(seed).on_policy_gap()
    return arms


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

    def compared(self, pairs: Tensor, margin: bool) -> list[Example]:
        """Pairs, the better one chosen, those that occur often with the weight for it; the reward difference only where it may be seen."""
        rows = []
        better = torch.where(self.reward[pairs[:, :1]] > self.reward[pairs[:, 1:]], pairs, pairs.flip(-1))
        for (first, second), weight in counted(better):
            sides = {"chosen": side(first), "rejected": side(second)}
            seen = {"margin": float(self.reward[first] - self.reward[second])} if margin else {}
            rows.append(Example(sides, {"weight": weight} | seen))
        return rows

    def credited(self, pairs: Tensor, baseline: float) -> list[Example]:
        """Both arms of every pair by themselves, with what their reward exceeds the baseline by."""
        advantage = {arm: {"advantage": (float(self.reward[arm]) - baseline,)} for arm in range(ACTIONS)}
        return [Example({"": side(arm, advantage[arm])}, {"weight": weight}) for (arm,), weight in counted(pairs.view(-1, 1))]

    def measured(self, policy: TablePolicy) -> dict[str, float]:
        """How far the policy is from the optimum, and how its implicit reward grows with the reward."""
        learned = policy.log_probabilities()[0].detach()
        implicit = BETA * (learned - self.reference().log_probabilities()[0].detach())
        centred = self.reward - self.reward.mean()
        scale = float((centred * implicit).sum() / centred.square().sum())
        distance = float((learned.exp() - self.optimum).abs().sum() / 2)
        error = float((implicit - implicit.mean() - centred).square().mean().sqrt() / centred.square().mean().sqrt())
        return {DISTANCE: distance, "reward scale": scale, ERROR: error}

    def regress(self, policy: TablePolicy, pairs: Tensor, rate: float, steps: int) -> None:
        """Fit beta log-ratio + constant to the rewards of the samples, by Adam, the rate falling to 0 in a line; the constant is the mean of what is left."""
        share = torch.bincount(pairs.flatten(), minlength=ACTIONS).double() / pairs.numel()
        anchor, optimiser = self.reference().log_probabilities()[0].detach(), torch.optim.Adam(policy.module.parameters(), lr=rate)
        for step in range(steps):
            optimiser.param_groups[0]["lr"] = rate * (1 - (step + 0.5) / steps)
            left = self.reward - BETA * (policy.log_probabilities()[0] - anchor)
            loss = (share * (left - (share * left).sum()).square()).sum() / (2 * BETA)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()

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


def counted(rows: Tensor) -> list[tuple[list[int], float]]:
    """Different rows, each with how often it occurs, over the mean of that."""
    different, count = torch.unique(rows, dim=0, return_counts=True)
    return list(zip(different.tolist(), (count / count.double().mean()).tolist(), strict=True))


def side(arm: int, steps: dict | None = None) -> Side:
    return Side(context=(0,), actions=(arm,), mask=(True,), steps=steps or {})
