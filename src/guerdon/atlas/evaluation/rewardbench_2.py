"""RewardBench 2: what the choice of one right answer among four tells of how a reward model will do in use, and how much more than pairs do.

World: answers have 24 features; gold is linear in them, weights N(0, 1), and has 0.3 times as much of products of neighbours, which no reward model here can see. Two
policies: one varies more in the first half of the features, the other in the second (deviations 1.5 and 0.5). In each of six domains four features vary three times as much. 24
reward models, linear, twelve learned from pairs of answers of either policy, with 30 to 1,000 labels by Bradley-Terry, the same numbers for both. A seed is another world.

* *best of 4*: 50 items a domain, the best of sixteen answers of either policy and three that are worse by at least half a deviation of gold; *pairs*: as many scored
  candidates, in pairs of such;
* *accuracy*: the mean of the reward models;
* *rank correlation* of their scores with gold of the best of 16 of the first policy by each of them, over 300 prompts; *with RL*: with gold of the first policy's KL-regularised
  optimum for each, at KL 2, over 1,000 answers a domain; *with RL, within*: of those alone that learned from the first policy's answers;
* "own lineage" and "other lineage": the gold that RL gains by reward models of either, and their accuracy.

Source: Malik et al. 2025, arXiv 2506.01937, its abstract and the authors' code (as ``evaluation.metrics.best_of_candidates``): scores about 20 points lower than RewardBench's, a
correlation of 0.87 with best of N, and that PPO needs a reward model of the policy's lineage besides. Chosen here: "highly correlated" is 0.8; the smallest differences of
interest are 0.02 of correlation and 0.05 standard deviations of gold. The ties subset is not part of the claim.
"""

import numpy as np

from guerdon.atlas import AllOf, BetterThan, EqualTo, System
from guerdon.atlas.evaluation._linear import fitted
from guerdon.evaluation.metrics.best_of_candidates import BestOfCandidates
from guerdon.evaluation.metrics.pair_accuracy import PairAccuracy
from guerdon.evaluation.metrics.rank_correlation import RankCorrelation
from guerdon.randomness import derive

system = System(
    title="RewardBench 2: Advancing Reward Model Evaluation",
    link="https://arxiv.org/abs/2506.01937",
    kind="evaluation",
    builds_on=("reward-model-api", "best-of-n", "ppo", "rank-correlation"),
    read="abstract",
    untuned="reward models of many qualities are what is compared; scores have no settings",
    note=(
        "Best of four orders reward models as their best of 16 does, at 0.82, and as RL does, there a little better than pairs do (by 0.015); for the best of 16 the two are "
        "equal to 0.02. Reward models of the policy's own lineage and of another are equally accurate, and RL by the former gains 0.24 deviations more."
    ),
)
recipe = {"best of 4": BestOfCandidates(), "pairs": PairAccuracy(), "rank correlation": RankCorrelation()}
FEATURES, DOMAINS, EACH, LABELS, KL = 24, 6, 50, np.geomspace(30, 1000, 12).astype(int), 2.0
claim = AllOf(
    BetterThan("pairs", "best of 4", on="accuracy", by=0.1, by_construction=True),
    BetterThan("best of 4", 0.8, on="rank correlation"),
    BetterThan("best of 4", "pairs", on="rank correlation", effect=0.02, matched="scored candidates"),
    EqualTo("own lineage", "other lineage", on="accuracy", tolerance=0.02),
    BetterThan("own lineage", "other lineage", on="gold by RL", effect=0.05, matched="KL, labels, accuracy"),
    BetterThan("best of 4", "pairs", on="rank correlation with RL", effect=0.02, matched="scored candidates"),
)
SEEDS = {"smoke": 1, "full": 96}


class World:
    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(derive(seed, "world"))
        self.linear, self.crossed = self.random.normal(size=FEATURES), self.random.normal(size=FEATURES)
        half = np.arange(FEATURES) < FEATURES // 2
        self.spread = [np.where(half, 1.5, 0.5), np.where(half, 0.5, 1.5)]
        places = np.arange(FEATURES) // (FEATURES // DOMAINS)
        self.domain = [np.where(places == d, 3.0, 1.0) for d in range(DOMAINS)]
        drawn = self.answers(0, 0, 2000)
        self.unit = self.gold(drawn).std()

    def answers(self, policy: int, domain: int, *shape: int) -> np.ndarray:
        return self.random.normal(size=(*shape, FEATURES)) * self.spread[policy] * self.domain[domain]

    def gold(self, answers: np.ndarray) -> np.ndarray:
        return answers @ self.linear + 0.3 * (answers * np.roll(answers, 1, -1)) @ self.crossed

    def reward_model(self, policy: int, labels: int) -> np.ndarray:
        first, second = (np.concatenate([self.answers(policy, d, labels // DOMAINS + 1) for d in range(DOMAINS)])[:labels] for _ in "ab")
        ahead = (self.gold(first) - self.gold(second)) / self.unit
        wins = self.random.random(labels) < 1 / (1 + np.exp(-ahead))
        return fitted(np.where(wins[:, None], first - second, second - first), 0.1)

    def items(self, each: int, wrong: int) -> np.ndarray:
        """[items, 1 + wrong, D], the right answer first."""
        found = []
        for domain in range(DOMAINS):
            for i in range(each):
                drawn = self.answers(i % 2, domain, 16)
                gold = self.gold(drawn)
                best = gold.argmax()
                worse = np.flatnonzero(gold < gold[best] - 0.5 * self.unit)
                if len(worse) >= wrong:
                    found.append(drawn[[best, *self.random.permutation(worse)[:wrong]]])
        return np.stack(found)

    def best_of(self, weight: np.ndarray, drawn: np.ndarray, gold: np.ndarray) -> float:
        return float(np.take_along_axis(gold, (drawn @ weight).argmax(1)[:, None], 1).mean() / self.unit)


def tilted(score: np.ndarray, gold: np.ndarray) -> float:
    """The mean of gold under the policy proportional to exp(score / beta) over the rows' answers, with beta such that its KL to uniform is ``KL``."""

    def policy(sharp: float) -> np.ndarray:
        weight = np.exp(sharp * (score - score.max()))
        return weight / weight.sum()

    low, high = 0.0, 1e3 / score.std()
    for _ in range(60):
        middle = (low + high) / 2
        p = policy(middle)
        kl = float((p * np.log(np.maximum(p * len(p), 1e-300))).sum())
        low, high = (middle, high) if kl < KL else (low, middle)
    return float(policy(low) @ gold)


def experiment(seed: int, scale: str) -> dict:
    world, small = World(seed), scale == "smoke"
    models = [world.reward_model(policy, int(n)) for policy in (0, 1) for n in LABELS]
    fours, twos = world.items(5 if small else EACH, 3), world.items(10 if small else 2 * EACH, 1)
    drawn = np.concatenate([world.answers(0, d, 5 if small else 50, 16) for d in range(DOMAINS)])
    gold = world.gold(drawn)
    pools = [world.answers(0, d, 200 if small else 1000) for d in range(DOMAINS)]
    used = np.array([world.best_of(weight, drawn, gold) for weight in models])
    trained = np.array([np.mean([tilted(pool @ w, world.gold(pool)) for pool in pools]) / world.unit for w in models])
    right = [[True, False, False, False]] * len(fours)
    scores = {
        "best of 4": np.array([recipe["best of 4"]((fours @ w).tolist(), right).mean() for w in models]),
        "pairs": np.array([recipe["pairs"](*(twos @ w).T).mean() for w in models]),
    }
    correlation, half = recipe["rank correlation"], len(LABELS)
    found = {
        name: {
            "accuracy": float(score.mean()),
            "rank correlation": float(correlation(score, used)),
            "rank correlation with RL": float(correlation(score, trained)),
            "with RL, within": float(correlation(score[:half], trained[:half])),
        }
        for name, score in scores.items()
    }
    for name, own in (("own lineage", slice(half)), ("other lineage", slice(half, None))):
        found[name] = {"gold by RL": float(trained[own].mean()), "accuracy": float(scores["best of 4"][own].mean())}
    return found
