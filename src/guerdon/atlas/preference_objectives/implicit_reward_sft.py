"""SFT before DPO as the learning of a reward: less of it, or one that the reference holds, leaves DPO a better start.

World: eight contexts, sequences of two of four tokens, rewards from N(0, 1), a policy before training with logits from N(0, 1) at every
prefix. Demonstrators are another such policy, tilted by exp(reward / 3) ("modest": little better than the policy) or exp(2 reward)
("expert"); each gives four demonstrations per context. 256 pairs from the policy before training are labelled by Bradley-Terry. A seed is
another world.

SFT is 40 steps of Adam on the demonstrations; its losses are the log-likelihood, Pearson's and the squared Hellinger's, both with a beta of 1. Then DPO from there, which is
its reference, on all pairs, 30 steps of Adam at 0.1, with a beta of 0.1, of 0.3 and of 1: the mean of the three is "after DPO". Measured: the win rate against the
demonstrators before and after DPO, and the correlation over the 32 states after a first token, of the log-sum-exp of the logits after SFT, the value of a state if logits are
Q-values, with the reward that is to be expected from there on.

Tuned, for each arm: the rate of SFT. "SFT" is tuned for itself, by what wins most often before DPO, as SFT is where DPO is an afterthought; "SFT, tuned for DPO", Pearson and
squared Hellinger by what wins after DPO. So "a smaller rate is better" is a question of what is tuned for what,
and the divergences are held to a log-likelihood that was tuned as they were.

Claimed, with modest demonstrators: after DPO, SFT at a third of its rate wins more often than at its rate; and the divergences win more often than SFT tuned for DPO, by a
hundredth (the largest gain of the paper is six points in a hundred). With experts: value and expected reward are correlated. Before, every arm chose its rate, beta and
number of steps of DPO seed by seed, on what was then reported.

Source: Wang et al. 2025, arXiv 2507.00018, of which the abstract and reviews were read; the two losses were derived, not read. Its experiments on text are not repeated.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import torch
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, System
from guerdon.atlas._comparing import descend
from guerdon.exact.solvers.kl_regularised_optimum import KLRegularisedOptimum
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.imitation.pearson import Pearson
from guerdon.losses.imitation.squared_hellinger import SquaredHellinger
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.models.finite.policy import TablePolicy
from guerdon.models.finite.prefix_table import PrefixTable
from guerdon.parts import Part
from guerdon.randomness import derive, generator
from guerdon.sequences import Example, Side
from guerdon.training.recipe import Term

system = System(
    title="Implicit Reward as the Bridge: A Unified View of SFT and DPO Connections",
    link="https://arxiv.org/abs/2507.00018",
    kind="theory",
    builds_on=("sft", "dpo", "f-divergence", "implicit-reward-log-ratio"),
    read="abstract",
    note=(
        "A smaller rate before DPO is better than the rate that is best for SFT alone, by 0.02 of a win rate. Once SFT's rate "
        "is tuned for what DPO makes of it, neither divergence adds anything (0.0001)."
    ),
)
CONTEXTS, VOCABULARY, DEPTH, DEMONSTRATIONS, PAIRS = 8, 4, 2, 4, 256
DEMONSTRATORS = {"modest": 3.0, "expert": 0.5}  # the beta of their tilt
STEPS, DPO_STEPS, DPO_RATE, BETAS = 40, 30, 0.1, (0.1, 0.3, 1.0)
DEEP = "SFT, tuned for DPO"
LOSSES: dict[str, Part] = {
    "SFT": NegativeLogLikelihood(),
    DEEP: NegativeLogLikelihood(),
    "Pearson": Pearson(),
    "squared Hellinger": SquaredHellinger(),
}
THIRD = "SFT at a third of the rate"
VALUE = "correlation of value and reward"
BEFORE, AFTER = "win rate after SFT", "win rate after DPO"
recipe = LOSSES
GRID = {arm: {"rate": (0.01, 0.03, 0.1, 0.3, 1.0)} for arm in LOSSES}
TUNED_BY = "aim"  # the win rate that the arm is tuned for
claim = AllOf(
    BetterThan(THIRD, "SFT", on=AFTER, effect=0.01, matched="steps"),
    *(BetterThan(name, DEEP, on=AFTER, effect=0.01, matched="steps") for name in ("Pearson", "squared Hellinger")),
    BetterThan("SFT", 0.0, on=f"{VALUE}, expert", effect=0.05),
)
SEEDS = {"smoke": 1, "full": 40, "tune": 8}


def trial(arm: str, seed: int, scale: str, rate: float, who: str = "modest") -> dict[str, float]:
    world = world_of(derive(seed, "bridge"), DEMONSTRATORS[who])
    policy = world.after_sft(LOSSES[arm], rate)
    before, value = world.win_rate(policy), world.value_correlation(policy)
    steps = 5 if scale == "smoke" else DPO_STEPS
    after = sum(world.win_rate(world.after_dpo(policy, beta, steps)) for beta in BETAS) / len(BETAS)
    return {BEFORE: before, AFTER: after, VALUE: value, "aim": before if arm == "SFT" else after}


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    arms = {arm: trial(arm, seed, scale, **setting) for arm, setting in tuned.items()}
    own = tuned["SFT"]
    arms[THIRD] = trial("SFT", seed, scale, own["rate"] / 3)
    arms["SFT"][f"{VALUE}, expert"] = trial("SFT", seed, scale, **own, who="expert")[VALUE]
    return arms


@dataclass(frozen=True)
class World:
    """A seed's contexts, who demonstrates, and what was labelled."""

    seed: int
    tilt: float

    def untrained(self) -> TablePolicy:
        return PrefixTable(CONTEXTS, VOCABULARY, DEPTH, deviation=1.0, seed=derive(self.seed, "policy")).build()

    @cached_property
    def rewards(self) -> Tensor:
        """[C, S]"""
        return torch.randn(CONTEXTS, VOCABULARY**DEPTH, dtype=torch.float64, generator=generator(self.seed, "rewards"))

    @cached_property
    def demonstrators(self) -> Tensor:
        """[C, S]"""
        own = PrefixTable(CONTEXTS, VOCABULARY, DEPTH, deviation=1.0, seed=derive(self.seed, "demonstrators")).build()
        return KLRegularisedOptimum(self.tilt)(self.rewards, own.log_probabilities().exp().detach())["policy"]

    def side(self, context: int, answer: int) -> Side:
        return Side((context,), tuple(self.untrained().tree.actions[answer].tolist()), (True,) * DEPTH)

    @cached_property
    def demonstrations(self) -> list[Example]:
        drawn = torch.multinomial(self.demonstrators, DEMONSTRATIONS, replacement=True, generator=generator(self.seed, "demonstrations"))
        return [Example({"": self.side(context, answer)}) for context, answers in enumerate(drawn.tolist()) for answer in answers]

    @cached_property
    def comparisons(self) -> list[Example]:
        rng = generator(self.seed, "pairs")
        where = torch.randint(CONTEXTS, (PAIRS,), generator=rng)
        drawn = torch.multinomial(self.untrained().log_probabilities().exp().detach()[where], 2, generator=rng)
        rewards = self.rewards[where.unsqueeze(-1), drawn]
        wins = torch.rand(PAIRS, dtype=torch.float64, generator=rng) < torch.sigmoid(rewards[:, 0] - rewards[:, 1])
        rows = torch.cat([where.unsqueeze(-1), torch.where(wins.unsqueeze(-1), drawn, drawn.flip(-1))], 1)
        different, count = torch.unique(rows, dim=0, return_counts=True)
        return [
            Example({"chosen": self.side(context, chosen), "rejected": self.side(context, rejected)}, {"weight": weight})
            for (context, chosen, rejected), weight in zip(different.tolist(), (count / count.double().mean()).tolist(), strict=True)
        ]

    def after_sft(self, loss: Part, rate: float) -> TablePolicy:
        return next(descend(self.untrained(), (Term(loss),), self.demonstrations, (STEPS,), rate))

    def after_dpo(self, policy: TablePolicy, beta: float, steps: int) -> TablePolicy:
        """What DPO makes of the policy, which is its reference."""
        terms = (Term(Pairwise(LogRatio(beta), Logistic())),)
        return next(descend(TablePolicy(policy.tree, policy.logits), terms, self.comparisons, (steps,), DPO_RATE))

    def win_rate(self, policy: TablePolicy) -> float:
        """Against the demonstrators, over all contexts."""
        prefer = torch.sigmoid(self.rewards.unsqueeze(-1) - self.rewards.unsqueeze(-2))
        wins = torch.einsum("ci,cij,cj->c", policy.log_probabilities().exp().detach(), prefer, self.demonstrators)
        return float(wins.mean())

    def value_correlation(self, policy: TablePolicy) -> float:
        """Over the states after one token: of the log-sum-exp of their logits with the reward to be expected."""
        share, first = policy.log_probabilities().exp().detach(), policy.tree.actions[:, 0]
        after = torch.nn.functional.one_hot(first, VOCABULARY).double()
        expected = (share * self.rewards) @ after / (share @ after)
        value = policy.logits.detach().logsumexp(-1)[:, 1:]  # the first prefix is the empty one
        return float(np.corrcoef(value.flatten(), expected.flatten())[0, 1])


world_of = lru_cache(maxsize=4)(World)
