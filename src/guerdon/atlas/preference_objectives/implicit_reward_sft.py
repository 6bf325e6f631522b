"""SFT before DPO as the learning of a reward: less of it, or one that the reference holds, leaves DPO a better start.

World: eight contexts, sequences of two of four tokens, rewards from N(0, 1), a policy before training with logits from N(0, 1) at every
prefix. Demonstrators are another such policy, tilted by exp(reward / 3) ("modest": little better than the policy) or exp(2 reward)
("expert"); each gives four demonstrations per context. 256 pairs from the policy before training are labelled by Bradley-Terry. A seed is
another world.

SFT is 40 steps of Adam on the demonstrations, at a rate of 0.01, 0.03, 0.1 or 0.3. The *standard* rate of each loss is the one after which
its policy wins most often against the demonstrators, before DPO: SFT tuned for itself. The losses are the log-likelihood, Pearson's and the
squared Hellinger's, both with a beta of 1. Then DPO from there, on all pairs, with Adam at 0.1: of beta 0.1 and 0.5 and of 10, 30 and 60
steps what wins most often counts, seed by seed. Measured: the win rate against the demonstrators before and after DPO, and the correlation
over the 32 states after a first token, of the log-sum-exp of the logits after standard SFT, the value of a state if logits are Q-values,
with the reward that is to be expected from there on.

Claimed, with modest demonstrators: after DPO a third of the standard rate wins more often than the standard rate, and so do both
divergences at their standard rates. With experts: value and expected reward are correlated. Measured beside: the same the other way round.

Source: Wang et al. 2025, arXiv 2507.00018, as far as its abstract and reviews go; the two losses were derived, not read. Its experiments on
text are not repeated. Trials on two and three seeds came before: with experts everything is best the more it is trained on them, so the
demonstrators of the claim had to leave DPO something to gain. Ten full seeds could not tell (0.002, -0.002 and 0.002, each +-0.01), so there are
forty, those ten among them. The largest gain of the paper is six points in a hundred.
"""

from dataclasses import dataclass
from functools import cached_property

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
)
CONTEXTS, VOCABULARY, DEPTH, DEMONSTRATIONS, PAIRS = 8, 4, 2, 4, 256
DEMONSTRATORS = {"modest": 3.0, "expert": 0.5}  # the beta of their tilt
RATES, STEPS = (0.01, 0.03, 0.1, 0.3), 40
BETAS, STOPS, DPO_RATE = (0.1, 0.5), (10, 30, 60), 0.1
LOSSES: dict[str, Part] = {"SFT": NegativeLogLikelihood(), "Pearson": Pearson(), "squared Hellinger": SquaredHellinger()}
THIRD = "SFT at a third of the rate"
VALUE = "correlation of value and reward"
recipe = LOSSES
claim = AllOf(
    *(BetterThan(name, "SFT", on="win rate after DPO, modest") for name in (THIRD, "Pearson", "squared Hellinger")),
    BetterThan("SFT", 0.0, on=f"{VALUE}, expert"),
)
SEEDS = {"smoke": 1, "full": 40}


def experiment(seed: int, scale: str) -> dict:
    seed, small = derive(seed, "bridge"), scale == "smoke"
    arms: dict[str, dict[str, float]] = {name: {} for name in (*LOSSES, THIRD)}
    for who, tilt in DEMONSTRATORS.items():
        world = World(seed, tilt)
        for name, loss in LOSSES.items():
            tuned = {rate: world.after_sft(loss, rate) for rate in (RATES[1:3] if small else RATES)}
            standard = max(tuned, key=lambda rate: world.win_rate(tuned[rate]))
            starts = {name: tuned[standard]}
            if name == "SFT":
                starts[THIRD] = world.after_sft(loss, standard / 3)
                arms[name][f"{VALUE}, {who}"] = world.value_correlation(tuned[standard])
            for arm, policy in starts.items():
                arms[arm][f"win rate after SFT, {who}"] = world.win_rate(policy)
                arms[arm][f"win rate after DPO, {who}"] = world.after_dpo(policy, STOPS[:1] if small else STOPS)
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

    def after_dpo(self, policy: TablePolicy, stops: tuple[int, ...]) -> float:
        """The best win rate of what DPO makes of the policy, which is its reference."""
        return max(
            self.win_rate(further)
            for beta in BETAS
            for further in descend(copy_of(policy), (Term(Pairwise(LogRatio(beta), Logistic())),), self.comparisons, stops, DPO_RATE)
        )

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


def copy_of(policy: TablePolicy) -> TablePolicy:
    return TablePolicy(policy.tree, policy.logits)
