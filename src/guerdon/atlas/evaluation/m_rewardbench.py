"""M-RewardBench: what a reward model that learned in one language makes of others.

World: a vocabulary of 120 words in four categories of prompts, 24 words for each and 24 for all. An answer is 12 words, and gold is what they are worth together, N(0, 1) each.
A language writes a share of its words as English does (cognates: 1, 0.9, 0.7, 0.5, 0.3, 0.1), and each of the others in a way of its own. A translation gets a word wrong, at
random, with the chance 0.02, or 0.3. Reward models are linear in the written words of all languages. A seed is another world.

* "english": 1,200 English pairs; "spread": 1,200 pairs, as many of each language; "unequal": 1,200 pairs of languages that all write half of their words as English does, 600 in
  English and 300, 150, 75, 50, 25 in the others. The ridge of each is tuned by the mean accuracy on the languages that it learned from.
* *accuracy* on 800 translated pairs of each foreign language, a curve over the share of cognates, and over them with bad translations ("english, badly translated"), or, of
  "unequal", over the pairs told (*accuracy by pairs told*); *kappa*, Cohen's, of the choices there with those on the English originals; *gap*: accuracy in English less the mean of
  the others; *gap by category*: the largest less the smallest of categories'.

Source: Gureja et al. 2025, arXiv 2410.15522, its abstract: a significant gap between English and others, preferences that change from one to another, better with better
translations and for languages with more resources. There 23 languages and pretrained models; here how much of a language was told ("unequal"), and how near it is to the language
that was (the other two), stand for its resources. Smallest difference of interest: 0.02 of accuracy.
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
    note=(
        "A reward model that learned in English alone is right 0.15 less often in other languages, and agrees with its own choices there at a kappa that falls with the "
        "distance to English; equal numbers of pairs leave 0.04 of that. Where languages are equally near, more pairs of one help, by 0.06 from 25 to 300. Bad "
        "translations cost 0.02 where little is understood, and 0.12 where most is."
    ),
)
recipe = {"accuracy": PairAccuracy(), "kappa": CohenKappa()}
WORDS, LENGTH, CATEGORIES, TESTED, GOOD, BAD = 120, 12, 4, 800, 0.02, 0.3
NEAR = (1.0, 0.9, 0.7, 0.5, 0.3, 0.1)
SHARES = {"english": NEAR, "spread": NEAR, "unequal": (1.0, *5 * (0.5,))}
TOLD = {"english": (1200, *5 * (0,)), "spread": 6 * (200,), "unequal": (600, 300, 150, 75, 50, 25)}
GRID = {arm: {"ridge": (0.3, 3.0, 30.0)} for arm in TOLD}
TUNED_BY = "accuracy where it learned"
SEEDS = {"smoke": 1, "full": 16, "tune": 3}
claim = AllOf(
    BetterThan("english", 0.02, on="gap", by_construction=True),  # what is written otherwise is not seen
    BetterThan("spread", 0.0, on="gap", effect=0.02),
    GrowsWith("unequal", on="accuracy by pairs told", by=0.02),
    *(GrowsWith(arm, on="accuracy", by=0.02) for arm in ("english", "spread")),
    *(GrowsWith(arm, on="kappa", by=0.02) for arm in ("english", "spread")),
    BetterThan("english, translated", "english, badly translated", on="accuracy", at="every", effect=0.02, matched="pairs"),
    BetterThan("english", "spread", on="gap", effect=0.02, matched="pairs told"),
)


class World:
    def __init__(self, seed: int, shares: tuple[float, ...]) -> None:
        self.random = np.random.default_rng(derive(seed, "world"))
        self.worth = self.random.normal(size=WORDS)
        order = self.random.permutation(WORDS)
        common, own = order[:24], order[24:].reshape(CATEGORIES, -1)
        self.words = [np.concatenate([common, own[c]]) for c in range(CATEGORIES)]
        written = []
        for language, share in enumerate(shares):
            foreign = self.random.random(WORDS) >= share
            written.append(np.where(foreign, WORDS * language + np.arange(WORDS), np.arange(WORDS)))
        self.written = np.stack(written)  # [L, W]

    def pairs(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """[N, 2, T] words, the better first, and the category of each."""
        category = self.random.integers(CATEGORIES, size=number)
        said = np.stack([self.words[c][self.random.integers(len(self.words[c]), size=(2, LENGTH))] for c in category])
        better = self.worth[said].sum(-1)
        ahead = self.random.random(number) < 1 / (1 + np.exp(better[:, 1] - better[:, 0]))
        return np.where(ahead[:, None, None], said, said[:, ::-1]), category

    def read(self, said: np.ndarray, language: int, wrong: float) -> np.ndarray:
        """[N, features]: what a translation writes more often in the first of two."""
        lost = self.random.random(said.shape) < (wrong if language else 0.0)
        written = self.written[language][np.where(lost, self.random.integers(WORDS, size=said.shape), said)]
        found = np.zeros((len(said), WORDS * len(self.written)))
        rows = np.arange(len(said))[:, None]
        np.add.at(found, (rows, written[:, 0]), 1.0)
        np.add.at(found, (rows, written[:, 1]), -1.0)
        return found


def learned(told: np.ndarray, ridge: float) -> np.ndarray:
    """What is never written has no worth."""
    seen = np.flatnonzero(abs(told).sum(0))
    weight = np.zeros(told.shape[1])
    weight[seen] = fitted(told[:, seen], ridge)
    return weight


def trial(arm: str, seed: int, scale: str, ridge: float) -> dict:
    few = 4 if scale == "smoke" else 1
    world = World(seed, SHARES[arm])
    told, _ = world.pairs(sum(number // few for number in TOLD[arm]))
    parts = np.split(told, np.cumsum([number // few for number in TOLD[arm]])[:-1])
    weight = learned(np.concatenate([world.read(part, language, GOOD) for language, part in enumerate(parts)]), ridge)
    asked, category = world.pairs(TESTED // few)
    english = world.read(asked, 0, 0.0) @ weight
    right, badly, kappa = [recipe["accuracy"](english, 0 * english)], [], []
    for language in range(1, len(TOLD[arm])):
        margin, bad = (world.read(asked, language, wrong) @ weight for wrong in (GOOD, BAD))
        right.append(recipe["accuracy"](margin, 0 * margin))
        badly.append(float(recipe["accuracy"](bad, 0 * bad).mean()))
        kappa.append(float(recipe["kappa"](np.sign(margin), np.sign(english))))
    accuracy = np.array([row.mean() for row in right])
    gaps = np.array([right[0][category == c].mean() - np.mean([row[category == c] for row in right[1:]]) for c in range(CATEGORIES)])
    x = TOLD[arm][1:] if arm == "unequal" else SHARES[arm][1:]
    return {
        "accuracy by pairs told" if arm == "unequal" else "accuracy": dict(zip(x, accuracy[1:].tolist(), strict=True)),
        "accuracy, badly translated": dict(zip(x, badly, strict=True)),
        "kappa": dict(zip(x, kappa, strict=True)),
        "gap": float(accuracy[0] - accuracy[1:].mean()),
        "gap by category": float(np.ptp(gaps)),
        "accuracy where it learned": float(accuracy[np.array(TOLD[arm]) > 0].mean()),
    }


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    arms = {arm: trial(arm, seed, scale, **tuned[arm]) for arm in GRID}
    for name, measure in (("english, translated", "accuracy"), ("english, badly translated", "accuracy, badly translated")):
        arms[name] = {"accuracy": arms["english"][measure]}
    return arms
