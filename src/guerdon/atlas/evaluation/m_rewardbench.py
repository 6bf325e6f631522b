"""M-RewardBench: what a reward model that learned in one language makes of others.

World: a vocabulary of 120 words in four categories of prompts, 24 words for each and 24 for all. An answer is 12 words, and gold is what they are worth together, N(0, 1) each.
A language writes a share of its words as English does (cognates: 1, 0.9, 0.7, 0.5, 0.3, 0.1), and each of the others in a way of its own. A translation gets a word wrong, at
random, with the chance 0.02, or 0.3. Reward models are linear in the written words of all languages. A seed is another world.

* "english": 1,200 English pairs; "spread": 1,200 pairs, as many of each language; the ridge of both is tuned by accuracy on what it learned from;
* *accuracy* on 800 translated pairs of each language, a curve over the share of cognates, and over them with bad translations ("english, badly translated"); *kappa*, Cohen's, of
  the choices there with those on the English originals; *gap*: accuracy in English less the mean of the others; *gap by category*: the largest less the smallest of categories'.

Source: Gureja et al. 2025, arXiv 2410.15522, its abstract: a significant gap between English and others, preferences that change from one to another, better with better
translations and for languages with more resources. There 23 languages and pretrained models; here how near a language is to English stands for how much of it was seen. Smallest
difference of interest: 0.02 of accuracy.
"""

import numpy as np

from guerdon.atlas import AllOf, BetterThan, GrowsWith, System
from guerdon.atlas.evaluation._linear import fitted
from guerdon.evaluation.metrics.cohen_kappa import CohenKappa
from guerdon.evaluation.metrics.pair_accuracy import PairAccuracy
from guerdon.randomness import derive

system = System(
    title="M-RewardBench: Evaluating Reward Models in Multilingual Settings",
    link="https://arxiv.org/abs/2410.15522",
    kind="evaluation",
    builds_on=("rewardbench",),
    read="abstract",
)
recipe = {"accuracy": PairAccuracy(), "kappa": CohenKappa()}
WORDS, LENGTH, CATEGORIES, SHARES, TOLD, TESTED, GOOD, BAD = 120, 12, 4, (1.0, 0.9, 0.7, 0.5, 0.3, 0.1), 1200, 800, 0.02, 0.3
GRID = {arm: {"ridge": (0.3, 3.0, 30.0)} for arm in ("spread", "english")}
TUNED_BY = "accuracy where it learned"
SEEDS = {"smoke": 1, "full": 12, "tune": 3}
claim = AllOf(
    BetterThan("english", 0.02, on="gap", by_construction=True),  # what is written otherwise is not seen
    BetterThan("spread", 0.0, on="gap", effect=0.02),
    *(GrowsWith(arm, on="accuracy", by=0.02) for arm in ("english", "spread")),
    *(GrowsWith(arm, on="kappa", by=0.02) for arm in ("english", "spread")),
    BetterThan("english, translated", "english, badly translated", on="accuracy", at="every", effect=0.02, matched="pairs"),
    BetterThan("english", "spread", on="gap", effect=0.02, matched="pairs told"),
)


class World:
    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(derive(seed, "world"))
        self.worth = self.random.normal(size=WORDS)
        order = self.random.permutation(WORDS)
        common, own = order[:24], order[24:].reshape(CATEGORIES, -1)
        self.words = [np.concatenate([common, own[c]]) for c in range(CATEGORIES)]
        written = []
        for language, share in enumerate(SHARES):
            foreign = self.random.random(WORDS) >= share
            written.append(np.where(foreign, WORDS * (language + 1) + np.arange(WORDS), np.arange(WORDS)))
        self.written = np.stack(written)  # [L, W]

    def pairs(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """[N, 2, T] words, the better first, and the category of each."""
        category = self.random.integers(CATEGORIES, size=number)
        said = np.stack([self.words[c][self.random.integers(len(self.words[c]), size=(2, LENGTH))] for c in category])
        better = self.worth[said].sum(-1)
        ahead = self.random.random(number) < 1 / (1 + np.exp(better[:, 1] - better[:, 0]))
        return np.where(ahead[:, None, None], said, said[:, ::-1]), category

    def translated(self, said: np.ndarray, language: int, wrong: float) -> np.ndarray:
        lost = self.random.random(said.shape) < (wrong if language else 0.0)
        return self.written[language][np.where(lost, self.random.integers(WORDS, size=said.shape), said)]


def difference(said: np.ndarray) -> np.ndarray:
    """[N, features], what is written more often in the first of two."""
    found = np.zeros((len(said), WORDS * (len(SHARES) + 1)))
    rows = np.arange(len(said))[:, None]
    np.add.at(found, (rows, said[:, 0]), 1.0)
    np.add.at(found, (rows, said[:, 1]), -1.0)
    return found


def learned(told: np.ndarray, ridge: float) -> np.ndarray:
    """What is never written has no worth."""
    seen = np.flatnonzero(abs(told).sum(0))
    weight = np.zeros(told.shape[1])
    weight[seen] = fitted(told[:, seen], ridge)
    return weight


def trial(arm: str, seed: int, scale: str, ridge: float) -> dict:
    world, small = World(seed), scale == "smoke"
    told, _ = world.pairs(300 if small else TOLD)
    where = np.zeros(len(told), dtype=int) if arm == "english" else np.arange(len(told)) % len(SHARES)
    read = np.concatenate([difference(world.translated(told[where == k], k, GOOD)) for k in range(len(SHARES))])
    weight = learned(read, ridge)
    asked, category = world.pairs(200 if small else TESTED)
    original = difference(world.translated(asked, 0, 0.0)) @ weight
    found: dict = {"accuracy": {}, "accuracy, badly translated": {}, "kappa": {}}
    by_category = []
    for language, share in enumerate(SHARES):
        margin = original if not language else difference(world.translated(asked, language, GOOD)) @ weight
        right = recipe["accuracy"](margin, 0 * margin)
        found["accuracy"][share] = float(right.mean())
        badly = difference(world.translated(asked, language, BAD)) @ weight
        found["accuracy, badly translated"][share] = float(recipe["accuracy"](badly, 0 * badly).mean())
        found["kappa"][share] = float(recipe["kappa"](np.sign(margin), np.sign(original)))
        by_category.append([float(right[category == c].mean()) for c in range(CATEGORIES)])
    table = np.array(by_category)
    found["gap"] = float(table[0].mean() - table[1:].mean())
    gaps = table[0] - table[1:].mean(0)
    found["gap by category"] = float(np.ptp(gaps))
    found["accuracy where it learned"] = float(np.mean(list(found["accuracy"].values()))) if arm == "spread" else found["accuracy"][1.0]
    return found


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    arms = {arm: trial(arm, seed, scale, **tuned[arm]) for arm in GRID}
    foreign = SHARES[1:]
    both = {name: {share: arms["english"][name][share] for share in foreign} for name in ("accuracy", "accuracy, badly translated")}
    arms["english, translated"] = {"accuracy": both["accuracy"]}
    arms["english, badly translated"] = {"accuracy": both["accuracy, badly translated"]}
    return arms
