"""Reward-augmented DPO: every pair twice, asked once for the mark of its better answer and once for that of its worse one.

World: short texts whose true worth is known and whose comparisons can be over-optimised (``worlds.text.gold_reward.hackable``). A policy of one layer is fitted to 1,000
texts (SFT), every other with a random mark before its prompt, so that it has seen marks and knows nothing of them. The texts of 600 pairs get marks from 1 to 5, a fifth of
them each, by how much people like them, which is not what they are worth; the text of the higher mark is the chosen one, pairs of equal marks are left out.

Arms: DPO on the pairs; reward-augmented DPO on twice as many rows, with the mark that is asked for before the prompt; and, since DPO cannot see by how much an answer is
better, "DPO on marks", whose log-ratios are to be as far apart as the marks are (the square loss of CoPG), without goals. All make 200 steps of 32 rows, so that each pair
is seen as often, at a learning rate that goes to 0.

Tuned for every arm, by the true reward at a KL of 2 nats from SFT, where that of this world has hardly begun to fall: learning rate and beta.

Measured at SFT and after 1, 3, 6, 12, 30, 100 and 200 steps, the augmented policy asked for a 5: the true reward of 192 answers to held-out prompts and the KL from SFT in nats per
answer; and by how many nats an answer that was rejected with a 4 has become likelier than under SFT, on average. The same of the augmented policy asked for a 4 ("asked for
their mark") is what its rows say, and better than DPO's by construction. At the end: what people think of answers by the mark that is asked for, 1, 3 and 5.

Before, the true reward gave scores from 0 to 9 and could not be over-optimised, the arms were compared at no price, and none but one saw scores. A first
confirmation in this world had 100 steps, after which the augmented policy answered all marks alike: too few for it to learn what they mean.

Source: Zhang et al. 2024, arXiv 2410.08067, of which the abstract was read, and its authors' code (the relabelling; it keeps ties). There: models of 7 to 9 B, UltraFeedback
with scores of GPT-4 from 1 to 10, one epoch, asked for a 10. Chosen here: world, sizes, marks.
"""

import random
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AheadAlong, AllOf, BetterThan, GrowsWith, Knob, System
from guerdon.atlas._text import Along, bought, divergence
from guerdon.data.curation.reward_conditioned_pairs import RewardConditionedPairs
from guerdon.data.examples import examples
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.comparisons.square import Square
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.models import Policy
from guerdon.models.language.small_language_model import SmallLanguageModel
from guerdon.randomness import derive
from guerdon.sequences import Decoding, collate
from guerdon.tasks.rows import Row
from guerdon.training.jobs import copy_of, encoder_for, scene_for
from guerdon.training.loops.fit import fit
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.training.schedules.linear import Linear
from guerdon.worlds.text.gold_reward import GoldReward, hackable

system = System(
    title="Reward-Augmented Data Enhances Direct Preference Alignment of LLMs",
    link="https://arxiv.org/abs/2410.08067",
    kind="data",
    builds_on=("dpo", "scored-pairs", "goal-conditioned-policy"),
    read="code",
    note=(
        "Tuned for the true reward at a KL of 2 nats, every arm takes a small rate and stays near SFT; there all are equal, and "
        "the augmented policy answers all marks alike, also with the 200 steps that its second confirmation gave it. A trial of "
        "one seed at the rate 0.01 and a beta of 0.3 told marks apart, far from SFT."
    ),
)
MARKS, BEST, GOOD, GOALS = "12345", 5, 4, (1, 3, 5)
STOPS, PRICE = (1, 3, 6, 12, 30, 100, 200), 2.0
AUGMENTED, ON_MARKS = "reward-augmented", "DPO on marks"
KEPT, OWN, BY_MARK = "likelihood gained by good rejected answers", "likelihood gained, asked for their mark", "liking by mark"
augment = RewardConditionedPairs(goal="{score:.0f}")


def dpo(learning_rate: float, beta: float) -> Recipe:
    return Recipe((Term(Pairwise(LogRatio(beta), Logistic())),), AdamW(Linear(learning_rate)))


def on_marks(learning_rate: float, beta: float) -> Recipe:
    return Recipe((Term(Pairwise(LogRatio(beta), Square(target=None))),), AdamW(Linear(learning_rate)))


sft = Recipe((Term(NegativeLogLikelihood()),), AdamW(Linear(1e-2, warmup=0.1)))
recipe = {"DPO": dpo(0.01, 0.3), ON_MARKS: on_marks(0.01, 1.0), AUGMENTED: dpo(0.01, 0.3), "rows": augment}
_RATES = (0.001, 0.003, 0.01)
_DPO = {
    "learning_rate": _RATES,
    "beta": Knob((0.1, 0.3, 1.0), least=0.01),
}  # below, it does no more than scale the gradient, which Adam undoes
GRID = {"DPO": _DPO, ON_MARKS: {"learning_rate": _RATES, "beta": (0.3, 1.0, 3.0)}, AUGMENTED: _DPO}
TUNED_BY = "gold at the price"
claim = AllOf(
    *(AheadAlong(AUGMENTED, other, on="gold", along="KL", effect=0.1) for other in ("DPO", ON_MARKS)),
    AheadAlong(AUGMENTED, "DPO", on=KEPT, along="KL", effect=1.0),
    BetterThan(AUGMENTED, "DPO", on=OWN, effect=1.0, matched="updates", by_construction=True),
    GrowsWith(AUGMENTED, on=BY_MARK, by=0.2, every_step=True),
)
SEEDS = {"smoke": 1, "full": 8, "tune": 2}


class Start:
    """What one seed begins with: the world, SFT, pairs with marks, and those of them whose rejected answer is a good one."""

    def __init__(self, seed: int, scale: str):
        self.seed, self.small = seed, scale == "smoke"
        self.world = hackable(seed=seed, test_size=8 if self.small else 96)
        self.policy = SmallLanguageModel(self.world.characters + MARKS, 1, 16 if self.small else 32, heads=2, context_length=24).build(seed)
        self.encoder, budget = encoder_for(self.policy), Budget(steps=4 if self.small else 120, batch_size=64, seed=seed)
        fit(self.policy, examples(numbered(self.world, 64 if self.small else 1000, seed), self.encoder), sft, budget)
        self.pairs = marked(self.world, 60 if self.small else 600)
        self.good = [row for row in self.pairs if row["score_rejected"] == GOOD]

    def asked(self, policy: Policy, mark: str) -> dict[str, float]:
        """What two answers to each held-out prompt are worth, how people like them, and how far from SFT's they are, with a mark before the prompt."""
        rows, world = [row | {"prompt": mark + row["prompt"]} for row in self.world.test()], self.world
        scene = scene_for(policy, world, {"gold": world.reward}, {})
        try:
            drawn = Group(2)(policy, scene.contexts(rows), Decoding(14), self.seed)
            said = scene.judge(drawn, rows, self.seed).completions
        finally:
            scene.close()
        prompts = [row["prompt"] for row in world.test()]
        plain = [prompts[i] for i in drawn.context.tolist()]
        liked = [world.utility(p, c, 0) for p, c in zip(plain, said, strict=True)]
        return {
            "gold": float(np.mean(world.gold(plain, said))),
            "liking": float(np.mean(liked)),
            "KL": divergence(drawn, policy, self.policy),
        }

    @torch.no_grad()
    def kept(self, policy: Policy, mark: str) -> float:
        """By how many nats good rejected answers, asked for with a mark, are likelier than under SFT, which does not know what marks are."""
        asked = [{"prompt": mark + row["prompt"], "completion": row["rejected"]} for row in self.good]
        texts = collate(examples(asked, self.encoder)).sides[""]
        now, before = (model.measure(texts, {"logp"})["logp"].sum(-1) for model in (policy, self.policy))
        return float((now - before).mean())


start = lru_cache(maxsize=4)(Start)


def trial(arm: str, seed: int, scale: str, learning_rate: float, beta: float) -> dict[str, Any]:
    here, ours = start(seed, scale), arm == AUGMENTED
    policy, mark = copy_of(here.policy), str(BEST) if ours else ""
    stops = (1, 2) if here.small else STOPS
    along = Along(stops, lambda: here.asked(policy, mark) | {KEPT: here.kept(policy, mark)})
    rows = augment(here.pairs) if ours else [row | {"margin": row["score_chosen"] - row["score_rejected"]} for row in here.pairs]
    sides = ("prompt", "chosen", "rejected", *(("margin",) if arm == ON_MARKS else ()))  # Logistic would read a margin that is there
    method = (on_marks if arm == ON_MARKS else dpo)(learning_rate, beta)
    shown = examples([{name: row[name] for name in sides} for row in rows], here.encoder)
    fit(policy, shown, method, Budget(steps=stops[-1], batch_size=8 if here.small else 32, seed=seed), display=along)
    curves = along.curves
    found = curves | {"gold at the price": bought(curves["gold"], curves["KL"], PRICE), OWN: here.kept(policy, str(GOOD) if ours else "")}
    return found | ({BY_MARK: {mark: here.asked(policy, str(mark))["liking"] for mark in GOALS}} if ours else {})


def numbered(world: GoldReward, n: int, seed: int) -> list[Row]:
    """Texts to imitate, every other with a mark before its prompt that means nothing."""
    draw = random.Random(derive(seed, "marks"))
    return [row | {"prompt": (draw.choice(MARKS) if at % 2 else "") + row["prompt"]} for at, row in enumerate(world.demonstrations(n))]


def marked(world: GoldReward, n: int) -> list[Row]:
    """Pairs with marks, the better one first."""
    found = [(row["prompt"], row[side]) for row in world.comparisons(n) for side in ("chosen", "rejected")]
    liking = [world.utility(prompt, text, 0) for prompt, text in found]
    marks = 1.0 + np.searchsorted(np.quantile(liking, (0.2, 0.4, 0.6, 0.8)), liking)
    pairs = []
    for at in range(0, 2 * n, 2):
        (low, rejected), (high, chosen) = sorted((float(marks[i]), found[i][1]) for i in (at, at + 1))
        if high > low:
            sides = {"chosen": chosen, "rejected": rejected, "score_chosen": high, "score_rejected": low}
            pairs.append({"prompt": found[at][0], **sides})
    return pairs
