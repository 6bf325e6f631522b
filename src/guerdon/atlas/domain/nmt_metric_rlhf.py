"""Metrics as rewards in translation: the same judgement of quality filters what is learned from, is the reward, and chooses among candidates.

World: sentences of five words, of sixty whose frequencies fall as 1 / rank. Each has two right translations, a formal and an informal one. Gold is 0.7 times the share of words
that are right and 0.3 times the share of neighbours of one form. 200 sentences with a reference: 0.6 of these by a translator who makes no mistake and is formal, or informal, in
a whole sentence; 0.4 by one who has a wrong favourite for each word, takes it with 0.7 and any word otherwise. A metric without reference is gold with an error of 0.2 for every
pair of words, always the same, and 0.1 for every look; one with reference is the share of words in common with it, 0.7 where only the form differs. 100 sentences are held out.

A model says a word for each, by a table. "MLE" is the table of what was counted, with 0.02 more for each. "filter": the same of the half that the metric without reference likes
best. "RL": after it, 30 updates on the sentences with 16 translations each, group-centred, by the metric with reference (as the paper's references, those of the data); "RL without
references" by the other metric. The step is tuned by gold. Decoding: the likeliest; "rerank": the best of 16 draws by the metric without reference; "MBR": minimum Bayes risk of 16
draws under the metric with reference.

*gold* of held-out sentences; *gain by RL*: less that of the model before.

Source: Ramos et al. 2023, arXiv 2311.09132, abstract and summaries: COMET-QE for filtering and reranking, COMET, COMET-QE or BLEU as reward of PPO, MBR with COMET. Here without a
critic, and the world is chosen. Smallest difference of interest: 0.02 of gold.
"""

import numpy as np

from guerdon.acting.choosers.highest_score import HighestScore
from guerdon.acting.choosers.minimum_bayes_risk import MinimumBayesRisk
from guerdon.atlas import AllOf, BetterThan, System
from guerdon.atlas.domain._places import Places, advantages
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.randomness import derive

system = System(
    title="Aligning Neural Machine Translation Models: Human Feedback in Training and Inference",
    link="https://arxiv.org/abs/2311.09132",
    kind="application",
    builds_on=("minimum-bayes-risk", "highest-score", "group-centred"),
    read="summary",
    note=(
        "Filtering does most of it (from 0.68 to 0.89), after which RL by a metric with reference adds nothing; RL by the metric without references finds as much on unfiltered "
        "data. Reranking adds 0.02 to what was filtered and learned, minimum Bayes risk nothing: its metric compares with draws of the model, which are alike by then."
    ),
)
WORDS, LENGTH, TOLD, HELD, GROUP, STEPS = 60, 5, 200, 100, 16, 30


def in_common(said: tuple[int, ...], reference: tuple[int, ...]) -> float:
    return sum(1.0 if a == b else 0.7 * (a // 2 == b // 2) for a, b in zip(said, reference, strict=True)) / LENGTH


recipe = {"advantage": GroupCentred(), "MBR": MinimumBayesRisk(utility=in_common), "rerank": HighestScore()}
GRID = {arm: {"learning_rate": (3.0, 10.0, 30.0)} for arm in ("RL", "RL without references", "filter, RL")}
TUNED_BY = "gold"
SEEDS = {"smoke": 1, "full": 16, "tune": 3}
claim = AllOf(
    BetterThan("filter", "MLE", on="gold", effect=0.02, matched="pairs looked at"),
    BetterThan("filter, RL", "RL", on="gold", effect=0.02, matched="pairs looked at, updates"),
    BetterThan("filter, RL", "RL", on="gain by RL", effect=0.02, matched="pairs looked at, updates"),
    BetterThan("filter, RL", "RL without references", on="gold", effect=0.02, matched="pairs looked at, updates"),
    *(
        BetterThan(f"filter, RL, {how}", other, on="gold", effect=0.02, matched="pairs looked at")
        for how in ("MBR", "rerank")
        for other in ("filter, RL", f"filter, {how}", f"RL, {how}")
    ),
)


class World:
    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(derive(seed, "world"))
        share = 1 / np.arange(1, WORDS + 1)
        source = self.random.choice(WORDS, size=(TOLD + HELD, LENGTH), p=share / share.sum())
        self.source, self.held = source[:TOLD], source[TOLD:]
        formal = self.random.random((TOLD, 1)) < 0.6
        wrong = self.random.integers(2 * WORDS, size=WORDS)[self.source]
        wrong = np.where(self.random.random(wrong.shape) < 0.7, wrong, self.random.integers(2 * WORDS, size=wrong.shape))
        good = self.random.random((TOLD, 1)) < 0.6
        self.reference = np.where(good, 2 * self.source + formal, wrong)
        self.bias = 0.2 * self.random.normal(size=(WORDS, 2 * WORDS))
        self.kept = np.sort(self.without_reference(self.source, self.reference, self.random).argsort()[TOLD // 2 :])

    def without_reference(self, source: np.ndarray, said: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """[...] of sentences [..., T]."""
        return gold(source, said) + self.bias[source, said].mean(-1) + 0.1 * random.normal(size=said.shape[:-1])

    def counted(self, kept: np.ndarray) -> Places:
        policy = Places(WORDS, (2 * WORDS,))
        np.add.at(policy.weight[0], (self.source[kept].ravel(), self.reference[kept].ravel()), 1.0)
        policy.weight[0] = np.log(policy.weight[0] + 0.02)
        return policy


def gold(source: np.ndarray, said: np.ndarray) -> np.ndarray:
    form = said % 2
    return 0.7 * (said // 2 == source).mean(-1) + 0.3 * (form[..., 1:] == form[..., :-1]).mean(-1)


def with_reference(reference: np.ndarray, said: np.ndarray) -> np.ndarray:
    """``in_common`` of sentences [..., T]."""
    return np.where(said == reference, 1.0, 0.7 * (said // 2 == reference // 2)).mean(-1)


def drawn(policy: Places, source: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """[Q, K, T]."""
    said = policy.drawn(np.eye(WORDS)[source.ravel()], GROUP, random)[..., 0]
    return np.moveaxis(said.reshape(*source.shape, GROUP), 1, 2)


def learned(arm: str, world: World, scale: str, learning_rate: float, random: np.random.Generator) -> Places:
    kept = world.kept if arm.startswith("filter") else np.arange(TOLD)
    policy, source, reference = world.counted(kept), world.source[kept], world.reference[kept][:, None]
    for _ in range(2 if scale == "smoke" else STEPS):
        said = drawn(policy, source, random)
        blind = arm.endswith("without references")
        reward = world.without_reference(source[:, None], said, random) if blind else with_reference(reference, said)
        gain = advantages(reward, recipe["advantage"]).repeat(LENGTH, 0)
        policy.learn(np.eye(WORDS)[source.ravel()], np.moveaxis(said, 1, 2).reshape(-1, GROUP, 1), gain, learning_rate)
    return policy


def likeliest(world: World, policy: Places) -> float:
    return float(gold(world.held, policy.weight[0].argmax(-1)[world.held]).mean())


def chosen(world: World, policy: Places, how: str, random: np.random.Generator) -> float:
    said = drawn(policy, world.held, random)
    scores = world.without_reference(world.held[:, None], said, random)
    best = [recipe[how]([tuple(one) for one in row], score) for row, score in zip(said.tolist(), scores.tolist(), strict=True)]
    return float(gold(world.held, said[np.arange(HELD), best]).mean())


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict[str, float]:
    world, random = World(seed), np.random.default_rng(derive(seed, arm))
    policy = learned(arm, world, scale, learning_rate, random)
    before = world.counted(world.kept if arm.startswith("filter") else np.arange(TOLD))
    now = likeliest(world, policy)
    return {"gold": now, "gain by RL": now - likeliest(world, before)} | {
        how: chosen(world, policy, how, random) for how in ("rerank", "MBR")
    }


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    world, random = World(seed), np.random.default_rng(derive(seed, "decoding"))
    found = {arm: trial(arm, seed, scale, **tuned[arm]) for arm in GRID}
    for arm in GRID:
        found |= {f"{arm}, {how}": {"gold": found[arm].pop(how)} for how in ("rerank", "MBR")}
    for arm, kept in (("MLE", np.arange(TOLD)), ("filter", world.kept)):
        policy = world.counted(kept)
        found[arm] = {"gold": likeliest(world, policy)}
        found |= {f"{arm}, {how}": {"gold": chosen(world, policy, how, random)} for how in ("rerank", "MBR")}
    return found
