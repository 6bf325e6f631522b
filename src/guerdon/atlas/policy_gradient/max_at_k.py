"""max@k: credit by what a sample adds to the best of k keeps several good answers alive where credit by the mean keeps one.

Two experiments. *Gradient*, by enumeration: a bandit of four arms with random rewards and a random policy, n = 4 samples, k = 2; the mean over all 4^4 groups
of the estimate (advantage times the gradient of log-probability, over n) against the gradient of E[best of k], which is a sum over the sorted rewards. GRPO's
estimate is held against the same.

*Training*: questions of eight kinds that the policy cannot tell apart, twelve answers, each worth |N(0, 1)| to each kind. All samples of a group answer the
same question. (Were the questions told apart, the best answer alone would be best at any k, and nothing would be left to tell the objectives apart. A model
that does not know which of its ideas is right for a question is in the situation of this world.) All arms take 200 steps of 8 questions, 8 samples each, k = 4,
from the uniform policy, on-policy, with nine settings each, tuned by the E[best of k] that is measured: GRPO and max@k a learning rate (to 0 in a line), GRPO
with an entropy bonus a learning rate and a weight: it is the simplest way to diversity, and a baseline that can reach what max@k reaches.

Measured, exactly: E[best of j] over questions for j = 1 to 16, diversity as the entropy of the policy in nats, and the largest E[best of k] that any policy
has, found by gradient ascent on the exact objective.

Source: Bagirov et al. 2025, arXiv 2510.23393, section 3.2 (on-policy estimate, eqs. 6 to 9). Their off-policy form with a ratio per subset is not examined.
"""

from dataclasses import replace

import torch
from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, EqualTo, System
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.advantages.max_at_k import MaxAtK
from guerdon.feedback.running import Scored
from guerdon.losses.penalties.entropy import Entropy
from guerdon.losses.surrogates.reinforce import Reinforce
from guerdon.models.finite.policy import TablePolicy
from guerdon.models.finite.tabular import Tabular
from guerdon.parts import call
from guerdon.randomness import derive, generator
from guerdon.sequences import Decoding, Sequences
from guerdon.training.judging import FiniteScene, Judged
from guerdon.training.loops.improve import improve
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.training.schedules.linear import Linear
from guerdon.worlds.finite.contextual_bandit import ContextualBandit

system = System(
    title="The Best of N Worlds: Aligning Reinforcement Learning with Best-of-N Sampling via max@k Optimisation",
    link="https://arxiv.org/abs/2510.23393",
    kind="method",
    builds_on=("reinforce", "grpo", "leave-one-out", "pass-at-k"),
    read="abstract",
    note="The best of four is higher than that of GRPO, also with an entropy bonus, by a tenth of a deviation of the rewards; the policy that gets "
    "there is not the more diverse one: it spreads over the answers that are best for some kind of question, where the bonus spreads over all.",
)
K, SAMPLES, KINDS, ANSWERS = 4, 8, 8, 12
_grpo = Recipe((Term(Reinforce()),), AdamW(Linear(0.1)), sampler=Group(SAMPLES), advantage=GroupCentred())
recipe = {"GRPO": _grpo, "max@k": replace(_grpo, advantage=MaxAtK(K))}
BONUS = "GRPO with entropy bonus"
BEST = "expected best of j"
claim = AllOf(
    EqualTo("max@k", 0.0, on="bias of the gradient", tolerance=1e-9),
    *(BetterThan("max@k", o, on=BEST, at=K, effect=0.02, matched="samples, updates") for o in ("GRPO", BONUS)),
    *(BetterThan("max@k", o, on="entropy", effect=0.1, matched="samples, updates") for o in ("GRPO", BONUS)),
)
SEEDS = {"smoke": 1, "full": 12, "tune": 3}
_RATES = {"learning_rate": (0.01, 0.02, 0.04, 0.06, 0.1, 0.15, 0.2, 0.3, 0.5)}
GRID = {"GRPO": _RATES, BONUS: {"learning_rate": (0.03, 0.1, 0.3), "bonus": (0.03, 0.1, 0.3)}, "max@k": _RATES}
TUNED_BY = "best of k"


def trial(arm: str, seed: int, scale: str, learning_rate: float, bonus: float = 0.0) -> dict:
    """What comes of an arm at one setting."""
    method = recipe["max@k"] if arm == "max@k" else _grpo
    terms = method.terms if not bonus else (*method.terms, Term(Entropy(), weight=bonus))
    world, policy = world_of(seed), Tabular(1, ANSWERS).build()
    budget = Budget(steps=4 if scale == "smoke" else 200, batch_size=KINDS, seed=seed)
    learned = replace(method, terms=terms, optimiser=AdamW(Linear(learning_rate)))
    improve(policy, Questions(world), world.train(), learned, budget, Decoding(1))
    return measured(policy, world.rewards())


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    arms = {arm: trial(arm, seed, scale, **setting) for arm, setting in tuned.items()}
    table = world_of(seed).rewards()
    arms["optimum"] = measured(ascended(table, 50 if scale == "smoke" else 500), table)
    for name in recipe:
        arms[name]["bias of the gradient"] = bias(recipe[name], seed)
    return arms


def world_of(seed: int) -> ContextualBandit:
    table = torch.randn(KINDS, ANSWERS, dtype=torch.float64, generator=generator(seed, "answers")).abs()
    return ContextualBandit(KINDS, ANSWERS, means=tuple(map(tuple, table.tolist())))


class Questions(FiniteScene):
    """Questions that look the same: every context is the only one there is, and which kind it is only the row knows."""

    def contexts(self, rows) -> list[Tensor]:
        return [torch.tensor([0]) for _ in rows]

    def judge(self, rollouts: Sequences, rows, seed: int) -> Judged:
        kinds = [rows[i]["prompt"] for i in rollouts.context.tolist()]
        reward = self.world.rewards()[torch.tensor(kinds), rollouts.actions[:, 0]]
        return Judged(
            Scored({"worth": reward}, torch.zeros(len(kinds), dtype=torch.bool), [None] * len(kinds)), kinds, rollouts.actions.tolist()
        )


def expected_best(policy: Tensor, reward: Tensor, k: int) -> Tensor:
    """[...], E[the highest reward of k samples] for ``policy`` [A] and ``reward`` [..., A] without ties: sum of r (F^k - F_below^k)."""
    ranked, order = reward.sort(-1)
    reached = policy[order].cumsum(-1)
    below = torch.cat([torch.zeros_like(reached[..., :1]), reached[..., :-1]], -1)
    return (ranked * (reached**k - below**k)).sum(-1)


def measured(policy: TablePolicy, table: Tensor) -> dict:
    p = policy.probabilities(0).detach()
    curve = {j: float(expected_best(p, table, j).mean()) for j in (1, 2, K, 8, 16)}
    return {BEST: curve, "best of k": curve[K], "entropy": float(-torch.special.xlogy(p, p).sum())}


def ascended(table: Tensor, steps: int) -> TablePolicy:
    """The policy with the highest E[best of k], by the exact gradient."""
    policy = Tabular(1, ANSWERS).build()
    optimiser = torch.optim.Adam(policy.module.parameters(), lr=0.05)
    for _ in range(steps):
        optimiser.zero_grad()
        (-expected_best(policy.probabilities(0), table, K).mean()).backward()
        optimiser.step()
    return policy


def bias(method: Recipe, seed: int, actions: int = 4, k: int = 2, samples: int = 4) -> float:
    """Largest difference of the estimate's mean over all groups from the gradient of E[best of k], over the gradient's largest entry."""
    policy = Tabular(1, actions, deviation=1.0, seed=derive(seed, "policy")).build()
    reward = torch.randn(actions, dtype=torch.float64, generator=generator(seed, "arms"))
    groups = torch.cartesian_prod(*[torch.arange(actions)] * samples)
    logp = policy.log_probabilities()[0][groups]  # [groups, samples]
    advantage = replace(method.advantage, k=k) if isinstance(method.advantage, MaxAtK) else method.advantage
    given = {
        "reward": reward[groups].flatten(),
        "group": torch.arange(len(groups)).repeat_interleave(samples),
        "mask": torch.ones(groups.numel(), 1, dtype=torch.bool),
    }
    credit = call(advantage, given).view(groups.shape)
    share = logp.sum(-1).exp().detach()
    (estimate,) = torch.autograd.grad((share * (credit * logp).mean(-1)).sum(), policy.logits, retain_graph=True)
    (truth,) = torch.autograd.grad(expected_best(policy.probabilities(0), reward, k), policy.logits)
    return float((estimate - truth).abs().max() / truth.abs().max())
