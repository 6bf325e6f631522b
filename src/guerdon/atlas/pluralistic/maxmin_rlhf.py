"""MaxMin-RLHF: with a reward for each group, and a policy that serves the one that fares worst, a minority is heard that a single reward does not hear.

World: 200 answers with eight-dimensional vectors from N(0, 1); 60 people, most of whom are of one kind and the rest of another, whose tastes are directions; each
compares 40 pairs by Bradley-Terry. Rewards are linear. Policies are over the 200 answers, from a uniform reference. A seed is another world.

* one reward: Bradley-Terry on all comparisons, and the KL-regularised optimum for it: what RLHF with a single reward ends at. It sees no groups;
* mean of groups: users are sorted into two groups by whose reward makes their comparisons likeliest (``losses.several_heads.clusters``, minimised by L-BFGS, the best
  of four starts by its own loss), and the optimum for the mean of the two rewards, each group counting alike: it sees what MaxMin sees;
* MaxMin: the same two rewards, and the optimum for the one of the group that fares worst;
* MaxMin, sampled: the same objective on samples at the weight 1: 300 batches of 64, each rewarded by the group that fares worst in it, clipped surrogate, leave-one-out,
  the KL in the loss, the learning rate falling to 0. It has to come to what MaxMin is.

Ridges of both fits are from 1e-4, 1e-3 and 1e-2 and beyond where the best lies at an end, chosen by the likelihood of ten more comparisons of each user. Measured over
weights of the KL from 0.3 to 3: the *win rate*, the probability that one of a kind prefers an answer of the policy to one of the reference, of the minority, the
majority and the one that fares worse, and the KL; compared at equal KL. 0.02 of a win rate is what anybody would care about. The *gap* is by how much the policy falls
short, in the regularised objective of a kind at the weight 1, of the optimum of that. The share of the minority is 0.15 and the tastes are orthogonal, unless they are
varied: the cosine from 1 to -1 (divergence 0 to 1), the majority from 0.5 to 0.95, with as many comparisons. "Without large loss": the majority's win rate is behind
by less than 0.15 at equal KL; with orthogonal tastes something has to be given up.

Before, policies were compared at one weight of the KL, and with nothing that sees groups.

Source: Chakraborty et al. 2024, arXiv 2402.08925: its algorithms of maxmin optimisation and of learning rewards by expectation
maximisation, the impossibility of one reward (its gap grows with the distance of the groups and with their imbalance). Its experiments are
on sentiment and length (GPT-2) and on two styles (Tulu2-7B).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AheadAlong, AllOf, EqualTo, GrowsWith, System
from guerdon.atlas.pluralistic._people import BRADLEY_TERRY, CHOSEN, RIDGES, best, fitted, likeliest, scores
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
from guerdon.parts import call
from guerdon.randomness import derive
from guerdon.sequences import Decoding, Sequences, collate
from guerdon.training.judging import FiniteScene, Judged, Row
from guerdon.training.loops.improve import improve
from guerdon.training.measuring import gather, wanted_by
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
    read="abstract",
    untuned=f"policies are exact optima; {CHOSEN}",
    note=(
        "A single reward cannot hear a minority, by construction. What hears it is that there are two rewards: the optimum for "
        "their mean serves the group that fares worse as well as the maximin does, to 0.02 of a win rate or nearly so."
    ),
)
ITEMS, USERS, EACH, BETA, BETAS = range(200), 60, 40, 1.0, (0.3, 0.6, 1.0, 1.7, 3.0)
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
    *(AheadAlong("MaxMin", "one reward", on=on, along="KL", effect=0.02, by_construction=True) for on in (MINOR, LEAST)),
    AheadAlong("MaxMin", "mean of groups", on=LEAST, along="KL", effect=0.02),
    AheadAlong("MaxMin", "one reward", on=MAJOR, along="KL", by=-0.15, effect=0.02),
    EqualTo("MaxMin, sampled", "MaxMin", on="least win rate at weight 1", tolerance=0.02),
    GrowsWith("one reward", on=BY_SHARE),
    GrowsWith("one reward", on=BY_DISTANCE),
)
SEEDS = {"smoke": 1, "full": 12}


def experiment(seed: int, scale: str) -> dict:
    small = scale == "smoke"
    population = Population(crowd(seed), seed, small)
    rewards, single = population.rewards(starts=1 if small else STARTS), population.single()
    arms = {
        "one reward": population.along(lambda beta: optimum(single, beta)),
        "mean of groups": population.along(lambda beta: optimum(rewards.mean(0), beta)),
        "MaxMin": population.along(lambda beta: MaxminOptimum(beta)(rewards, uniform(len(ITEMS)))["policy"]),
    }
    trained = population.trained(rewards, steps=20 if small else 300)
    arms["MaxMin, sampled"] = {"least win rate at weight 1": min(population.win_rate(trained, group) for group in (0, 1))}
    arms["MaxMin"]["least win rate at weight 1"] = arms["MaxMin"][LEAST][BETA]
    by_share, by_distance = {}, {}
    for majority in SHARES:
        population = Population(crowd(seed, majority=majority), seed, small)
        by_share[majority] = population.gap(optimum(population.single(), BETA), 1)
    for agreement in AGREEMENTS:
        population = Population(crowd(seed, agreement=agreement), seed, small)
        by_distance[(1 - agreement) / 2] = population.gap(optimum(population.single(), BETA), 1)
    arms["one reward"] |= {BY_SHARE: by_share, BY_DISTANCE: by_distance}
    return arms


def optimum(reward: Tensor, beta: float) -> Tensor:
    """[S], where RLHF with one reward ends."""
    return KLRegularisedOptimum(beta)(reward, uniform(len(ITEMS)))["policy"]


def crowd(seed: int, majority: float = 1 - MINORITY, agreement: float = 0.0) -> MixedTastes:
    return MixedTastes(len(ITEMS), USERS, 8, (majority, 1 - majority), agreement, strength=1.5, seed=derive(seed, "world"))


@dataclass(frozen=True)
class Population:
    """What is learned from the people of a world, and what it does for those of either kind. ``quick``: one ridge, and fits that stop early."""

    world: MixedTastes
    seed: int
    quick: bool = False

    @property
    def steps(self) -> int:
        return 10 if self.quick else 100

    def verdicts(self) -> tuple[list, list]:
        """To learn from, and to choose by."""
        return tuple(
            examples(self.world.verdicts(range(USERS), n, ITEMS, derive(self.seed, what))) for what, n in (("told", EACH), ("unseen", 10))
        )

    def likeliest(self, fit: Callable[[float], EmbeddedModel], terms: Sequence[Term], unseen: Sequence) -> EmbeddedModel:
        """The fit whose ridge makes unseen comparisons likeliest."""
        if self.quick:
            return fit(RIDGES[1])
        models, batch = {}, collate(unseen)

        def score(ridge: float) -> float:
            models[ridge] = fit(ridge)
            with torch.no_grad():
                return -float(call(terms[0].loss, gather(batch, wanted_by([terms[0].loss]), models[ridge])).mean())

        return models[best(RIDGES, score)]

    def single(self) -> Tensor:
        """[S], the reward that is fitted to all."""
        told, unseen = self.verdicts()
        model = self.likeliest(lambda ridge: fitted(self.world, Scalar(), told, ridge, self.seed, steps=self.steps), BRADLEY_TERRY, unseen)
        return scores(model, self.world, [0], ITEMS)[0]

    def rewards(self, starts: int) -> Tensor:
        """[2, S], the rewards of the two groups that are found."""
        told, unseen = self.verdicts()
        model = self.likeliest(lambda ridge: self._clustered(told, ridge, starts), CLUSTERS, unseen)
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

    def along(self, policy_at: Callable[[float], Tensor]) -> dict[str, dict[float, float]]:
        """Win rates and KL of the policies over weights of the KL."""
        curves: dict[str, dict[float, float]] = {MAJOR: {}, MINOR: {}, LEAST: {}, "KL": {}}
        for beta in BETAS:
            policy = policy_at(beta)
            major, minor = self.win_rate(policy, 0), self.win_rate(policy, 1)
            kl = float((policy * (policy * len(ITEMS)).clamp(min=1e-300).log()).sum())
            for name, value in zip(curves, (major, minor, min(major, minor), kl), strict=True):
                curves[name][beta] = value
        return curves

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
