"""MaxMin-RLHF: with a reward for each group, and a policy that serves the one that fares worst, a minority is heard that a single reward does not hear.

World: 200 answers with eight-dimensional vectors from N(0, 1); 60 people, most of whom are of one kind and the rest of another, whose
tastes are directions; each compares 40 pairs by Bradley-Terry. Rewards are linear. Policies are over the 200 answers, from a uniform
reference, with the weight 1 on the KL. A seed is another world.

* one reward: Bradley-Terry on all comparisons, and the KL-regularised optimum for it: what RLHF with a single reward ends at;
* MaxMin: users are sorted into two groups by whose reward makes their comparisons likeliest (``losses.several_heads.clusters``, minimised by L-BFGS, the
  best of four starts by its own loss), and the policy is optimised on samples: 300 batches of 64, each rewarded by the group that fares
  worst in it, clipped surrogate, leave-one-out, the KL in the loss;
* MaxMin, exact: the optimum of the same objective for the same two rewards.

Ridges of both fits are from 1e-4, 1e-3 and 1e-2, chosen by the likelihood of ten more comparisons of each user. Measured of the majority
and of the minority: the *win rate*, the probability that one of them prefers an answer of the policy to one of the reference, and the
*gap*, by how much the policy falls short, in their own regularised objective, of the optimum of that. The share of the minority is 0.15 and
the tastes are orthogonal, unless they are varied: the cosine from 1 to -1 (divergence 0 to 1), the majority from 0.5 to 0.95, the single
reward's gap for the minority being read off with as many comparisons.

"Without large loss": the majority's win rate falls by less than 0.15. With orthogonal tastes something has to be given up: what serves both
best lies halfway. A first look, at 40 answers, showed a world in which luck decides (the majority's best answer happened to please
everybody), so there are 200; and since win rates of people who are less sure lie closer together, the minority is to gain 0.05 and not 0.1.

Source: Chakraborty et al. 2024, arXiv 2402.08925: its algorithms of maxmin optimisation and of learning rewards by expectation
maximisation, the impossibility of one reward (its gap grows with the distance of the groups and with their imbalance). Its experiments are
on sentiment and length (GPT-2) and on two styles (Tulu2-7B).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, GrowsWith, NoWorseThan, System
from guerdon.atlas.pluralistic._people import BRADLEY_TERRY, RIDGES, fitted, likeliest, scores
from guerdon.credit.advantages.leave_one_out import LeaveOneOut
from guerdon.exact.solvers._tables import uniform
from guerdon.exact.solvers.kl_regularised_optimum import KLRegularisedOptimum
from guerdon.exact.solvers.maxmin_optimum import MaxminOptimum
from guerdon.feedback.combining.worst_group import WorstGroup
from guerdon.feedback.running import Scored
from guerdon.losses.penalties.kl_exact import KLExact
from guerdon.losses.several_heads.clusters import Clusters
from guerdon.losses.surrogates.clip import Clip
from guerdon.models.encoders.embedded import EmbeddedModel
from guerdon.models.finite.tabular import Tabular
from guerdon.models.heads.clustered_users import ClusteredUsers
from guerdon.models.heads.scalar import Scalar
from guerdon.randomness import derive
from guerdon.sequences import Decoding, Sequences
from guerdon.training.judging import FiniteScene, Judged, Row
from guerdon.training.loops.improve import improve
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.training.schedules.linear import Linear
from guerdon.worlds.users._crowd import examples
from guerdon.worlds.users.mixed_tastes import MixedTastes

system = System(
    title="MaxMin-RLHF: Towards Equitable Alignment of Large Language Models with Diverse Human Preferences",
    link="https://arxiv.org/abs/2402.08925",
    kind="method",
    builds_on=("bradley-terry-rm", "em-mixture", "ppo-kl", "minimax-update"),
    note="The majority pays: its win rate falls by 0.075.",
)
ITEMS, USERS, EACH, BETA = range(200), 60, 40, 1.0
MINORITY, STARTS = 0.15, 4
SHARES, AGREEMENTS = (0.5, 0.7, 0.8, 0.9, 0.95), (1.0, 0.5, 0.0, -0.5, -1.0)
CLUSTERS = (Term(Clusters()),)
recipe = {
    "rewards": Recipe(CLUSTERS),
    "policy": Recipe(
        terms=(Term(Clip()), Term(KLExact(), weight=BETA)),
        optimiser=AdamW(Linear(0.05)),
        sampler=Group(num_generations=64),
        combine=WorstGroup(),
        advantage=LeaveOneOut(),
        epochs=2,
    ),
}
MINOR, MAJOR, LEAST = "minority's win rate", "majority's win rate", "least win rate"
BY_SHARE, BY_DISTANCE = "minority's gap by the share of the majority", "minority's gap by divergence"
claim = AllOf(
    BetterThan("MaxMin", "one reward", on=MINOR, by=0.05),
    BetterThan("MaxMin", "one reward", on=LEAST, by=0.05),
    NoWorseThan("MaxMin", "one reward", on=MAJOR, margin=0.15),
    GrowsWith("one reward", on=BY_SHARE),
    GrowsWith("one reward", on=BY_DISTANCE),
)
SEEDS = {"smoke": 1, "full": 6}


def experiment(seed: int, scale: str) -> dict:
    small = scale == "smoke"
    population = Population(crowd(seed), seed, small)
    rewards = population.rewards(starts=1 if small else STARTS)
    arms = {
        "one reward": population.measured(population.single()),
        "MaxMin": population.measured(population.trained(rewards, steps=20 if small else 300)),
        "MaxMin, exact": population.measured(MaxminOptimum(BETA)(rewards, uniform(len(ITEMS)))["policy"]),
    }
    by_share, by_distance = {}, {}
    for majority in SHARES:
        population = Population(crowd(seed, majority=majority), seed, small)
        by_share[majority] = population.gap(population.single(), 1)
    for agreement in AGREEMENTS:
        population = Population(crowd(seed, agreement=agreement), seed, small)
        by_distance[(1 - agreement) / 2] = population.gap(population.single(), 1)
    arms["one reward"] |= {BY_SHARE: by_share, BY_DISTANCE: by_distance}
    return arms


def crowd(seed: int, majority: float = 1 - MINORITY, agreement: float = 0.0) -> MixedTastes:
    return MixedTastes(len(ITEMS), USERS, 8, (majority, 1 - majority), agreement, strength=1.5, seed=derive(seed, "world"))


@dataclass(frozen=True)
class Population:
    """What is learned from the people of a world, and what it does for those of either kind. ``quick``: one ridge, and fits that stop early."""

    world: MixedTastes
    seed: int
    quick: bool = False

    @property
    def ridges(self) -> Sequence[float]:
        return RIDGES[1:2] if self.quick else RIDGES

    @property
    def steps(self) -> int:
        return 10 if self.quick else 100

    def verdicts(self) -> tuple[list, list]:
        """To learn from, and to choose by."""
        return tuple(
            examples(self.world.verdicts(range(USERS), n, ITEMS, derive(self.seed, what))) for what, n in (("told", EACH), ("unseen", 10))
        )

    def single(self) -> Tensor:
        """[S], the policy that RLHF with one reward ends at."""
        told, unseen = self.verdicts()
        model = likeliest(
            [fitted(self.world, Scalar(), told, ridge, self.seed, steps=self.steps) for ridge in self.ridges], BRADLEY_TERRY, unseen
        )
        return KLRegularisedOptimum(BETA)(scores(model, self.world, [0], ITEMS)[0], uniform(len(ITEMS)))["policy"]

    def rewards(self, starts: int) -> Tensor:
        """[2, S], the rewards of the two groups that are found."""
        told, unseen = self.verdicts()
        model = likeliest([self._clustered(told, ridge, starts) for ridge in self.ridges], CLUSTERS, unseen)
        return model.measure(self.world.everything([0], ITEMS), {"head_score"})["head_score"].detach().double().T

    def _clustered(self, told: Sequence, ridge: float, starts: int) -> EmbeddedModel:
        models = [
            fitted(self.world, ClusteredUsers(USERS), told, ridge, derive(self.seed, "start", start), CLUSTERS, self.steps)
            for start in range(starts)
        ]
        return likeliest(models, CLUSTERS, told)

    def trained(self, rewards: Tensor, steps: int) -> Tensor:
        """[S], the policy after so many batches."""
        policy = Tabular(1, len(ITEMS)).build()
        budget = Budget(steps=steps, batch_size=1, seed=self.seed)
        improve(policy, Groups(rewards), [{"prompt": 0}], recipe["policy"], budget, Decoding(1))
        return policy.probabilities(0).detach()

    def measured(self, policy: Tensor) -> dict[str, float]:
        major, minor = self.win_rate(policy, 0), self.win_rate(policy, 1)
        return {
            MAJOR: major,
            MINOR: minor,
            LEAST: min(major, minor),
            "majority's gap": self.gap(policy, 0),
            "minority's gap": self.gap(policy, 1),
        }

    def utility(self, group: int) -> Tensor:
        """[S], what the answers are worth to a kind."""
        return self.world.strength * (self.world.groups()[group] @ self.world.features().T)

    def win_rate(self, policy: Tensor, group: int) -> float:
        utility = self.utility(group)
        wins = torch.sigmoid(utility.unsqueeze(-1) - utility)
        return float(policy @ wins @ uniform(len(ITEMS)))

    def gap(self, policy: Tensor, group: int) -> float:
        """By how much the policy falls short of what serves the kind alone, in the regularised objective."""
        utility, reference = self.utility(group), uniform(len(ITEMS))
        objective = policy @ utility - BETA * (policy * (policy / reference).log()).sum()
        return float(KLRegularisedOptimum(BETA)(utility, reference)["value"] - objective)


class Groups(FiniteScene):
    """Answers are judged by every group: a component for each row of ``rewards`` [K, S]."""

    def judge(self, rollouts: Sequences, rows: Sequence[Row], seed: int) -> Judged:
        answers = rollouts.actions[:, 0]
        components = {f"group {k}": reward[answers] for k, reward in enumerate(self.world)}
        none = torch.zeros(len(answers), dtype=torch.bool)
        return Judged(Scored(components, none, [None] * len(answers)), [0] * len(answers), answers.unsqueeze(-1).tolist())
