"""T-REG: what a model says of its own steps, asked once for a better and once for a worse answer, tells DPO where the reward of a pair belongs.

World: short texts of 20 letters, ten good and ten bad, whose comparisons can be over-optimised (``worlds.text.gold_reward.hackable``). A policy of one layer is fitted to
1,000 texts (SFT); those of the third that people like best have a "+" before their prompt, those of the third that they like least a "-", so that the model knows of itself
what a better and a worse answer is, and errs where people do. Then 64 comparisons, 40 steps of 64 pairs, a learning rate that falls to 0.

Arms: DPO; T-REG (its beta 0.1); and "DPO, sorted texts too", which sees what T-REG's contrast was made of: beside the 64 comparisons each of the liked texts against one of
the disliked. DPO alone cannot know what the thousand sorted texts say, so being ahead of it holds by construction; being ahead of the third arm does not.

Tuned, by the true reward at a KL of 2 nats from SFT: the learning rate, and DPO's beta, T-REG's weight.

Measured on 256 answers to held-out prompts (with the plain prompt), at SFT and after 5, 10, 20, 30 and 40 steps: the true reward and the KL from SFT in nats per answer; at
the end, of 256 texts of held-out comparisons, the probability that a bad letter has less implicit reward, beta log(policy / SFT), than a good letter of its text. "Self" is
the same of the model's own contrast; "SFT, asked for better" says what the plus alone is worth, without any comparison.

Before, the reward could not be over-optimised, the arms were compared at one learning rate and no price, and no arm but T-REG saw the sorted texts sorted.

Source: Zhou et al. 2024, arXiv 2412.02685: the regulariser and its weight, of which a summary was read, not the paper. There the prompts ask in words, and nothing is trained
for them. Chosen here: world, sizes, and how the model comes to know of itself.
"""

from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AheadAlong, AllOf, BetterThan, System
from guerdon.atlas._text import Along, answers, bought, divergence
from guerdon.data.examples import examples
from guerdon.evaluation.metrics.error_localisation import ErrorLocalisation
from guerdon.losses.comparisons.both_sides import BothSides
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.contrasted_likelihood import ContrastedLikelihood
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.losses.weights.unlearned import Unlearned
from guerdon.models import Policy
from guerdon.models.language.small_language_model import SmallLanguageModel
from guerdon.models.prompted import Before, Prompted
from guerdon.sequences import Decoding, Example, Sequences, collate
from guerdon.training.jobs import copy_of, encoder_for, scene_for
from guerdon.training.loops.fit import fit
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.training.schedules.linear import Linear
from guerdon.worlds.text.gold_reward import GoldReward, hackable

system = System(
    title="T-REG: Preference Optimization with Token-Level Reward Regularization",
    link="https://arxiv.org/abs/2412.02685",
    kind="method",
    builds_on=("dpo", "contrastive-prompting", "implicit-reward"),
    read="summary",
    note=(
        "Its lead over DPO is that of the sorted texts it also sees. DPO that sees them too is as good, and says better where "
        "an answer went wrong."
    ),
)
BETA, STEPS, STOPS, PRICE = 0.1, 40, (5, 10, 20, 30, 40), 2.0
LETTERS, BETTER, WORSE = "abcdefghijklmnopqrst", "+", "-"
SORTED = "DPO, sorted texts too"


def dpo(learning_rate: float, beta: float) -> Recipe:
    return Recipe((Term(Pairwise(LogRatio(beta), Logistic())),), AdamW(Linear(learning_rate)))


def t_reg(learning_rate: float, weight: float) -> Recipe:
    contrast = Pairwise(ContrastedLikelihood(BETA), BothSides(), weight=Unlearned(LogRatio(BETA)))
    return Recipe((*dpo(learning_rate, BETA).terms, Term(contrast, weight=weight)), AdamW(Linear(learning_rate)))


sft = Recipe((Term(NegativeLogLikelihood()),), AdamW(Linear(1e-2, warmup=0.1)))
recipe = {"SFT": sft, "DPO": dpo(0.003, BETA), "T-REG": t_reg(0.003, 0.5)}
_DPO = {"learning_rate": (0.001, 0.003, 0.01), "beta": (0.03, 0.1, 0.3)}
GRID = {"DPO": _DPO, SORTED: _DPO, "T-REG": {"learning_rate": (0.001, 0.003, 0.01), "weight": (0.1, 0.3, 1.0)}}
TUNED_BY = "gold at the price"
claim = AllOf(
    *(
        leaf
        for other, certain in (("DPO", True), (SORTED, False))
        for leaf in (
            BetterThan("T-REG", other, on="localisation", effect=0.02, matched="updates", by_construction=certain),
            AheadAlong("T-REG", other, on="gold", along="KL", effect=0.1, by_construction=certain),
        )
    )
)
SEEDS = {"smoke": 1, "full": 12, "tune": 2}


class Start:
    """What one seed begins with: the world, SFT on marked texts, comparisons, the same with pairs of sorted texts, and texts that are held out."""

    def __init__(self, seed: int, scale: str):
        self.seed, self.small = seed, scale == "smoke"
        small = self.small
        self.world = hackable(letters=LETTERS, seed=seed, test_size=16 if small else 128)
        characters = self.world.characters + BETTER + WORSE
        self.policy = SmallLanguageModel(characters, 1, 16 if small else 32, heads=2, context_length=24).build(seed)
        encoder, self.pairs = encoder_for(self.policy), 16 if small else 64
        rows = marked(self.world, 48 if small else 1000)
        fit(self.policy, examples(rows, encoder), sft, Budget(steps=4 if small else 120, batch_size=64, seed=seed))
        ref = self.policy.reference()
        marks = {"better": BETTER, "worse": WORSE}
        self.asked = {
            name: Prompted(ref, Before(tuple(self.policy.tokenizer.encode(mark, add_special_tokens=False)))) for name, mark in marks.items()
        }
        compared = self.world.comparisons(self.pairs + (16 if small else 128))
        held_out = [{"prompt": row["prompt"], "completion": row[side]} for row in compared[self.pairs :] for side in ("chosen", "rejected")]
        self.texts = collate(examples(held_out, encoder)).sides[""]
        sides = ("prompt", "chosen", "rejected")
        self.compared = examples([{name: row[name] for name in sides} for row in compared[: self.pairs]], encoder)
        liked, disliked = (
            examples([row | {"prompt": row["prompt"][1:]} for row in rows if row["prompt"][0] == mark], encoder) for mark in (BETTER, WORSE)
        )
        self.sorted = [Example({"chosen": a.sides[""], "rejected": b.sides[""]}) for a, b in zip(liked, disliked, strict=False)]

    def measured(self, policy: Policy) -> dict[str, float]:
        drawn, rewards = answers(policy, self.world, Decoding(14), self.seed, {"gold": self.world.reward}, each=2)
        return {"gold": float(rewards["gold"].mean()), "KL": divergence(drawn, policy, self.policy)}


start = lru_cache(maxsize=4)(Start)


def trial(arm: str, seed: int, scale: str, learning_rate: float, beta: float = BETA, weight: float = 0.0) -> dict[str, Any]:
    here = start(seed, scale)
    policy = copy_of(here.policy)
    along = Along((1, 2) if here.small else STOPS, lambda: here.measured(policy))
    method = t_reg(learning_rate, weight) if arm == "T-REG" else dpo(learning_rate, beta)
    fit(
        policy,
        here.compared + (here.sorted if arm == SORTED else []),
        method,
        Budget(steps=2 if here.small else STEPS, batch_size=here.pairs, seed=seed),
        display=along,
        models=here.asked if arm == "T-REG" else {},
    )
    implicit, curves = logp(policy, here.texts) - logp(here.policy, here.texts), along.curves
    found = {"gold at the price": bought(curves["gold"], curves["KL"], PRICE)}
    return curves | found | {"localisation": localisation(here.world, here.policy, here.texts, implicit)}


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    here = start(seed, scale)
    contrast = logp(here.asked["better"], here.texts) - logp(here.asked["worse"], here.texts)
    return {
        "self": {"localisation": localisation(here.world, here.policy, here.texts, contrast)},
        "SFT, asked for better": {"gold, once": asked_for_better(here)},
    } | {arm: trial(arm, seed, scale, **setting) for arm, setting in tuned.items()}


def marked(world: GoldReward, n: int) -> list[dict[str, str]]:
    """Texts to imitate: the third that people like best marked as better, the third that they like least as worse."""
    rows = world.demonstrations(n)
    liking = [world.utility(row["prompt"], row["completion"], 0) for row in rows]
    low, high = np.quantile(liking, (1 / 3, 2 / 3))
    marks = [BETTER if x > high else WORSE if x < low else "" for x in liking]
    return [row | {"prompt": mark + row["prompt"]} for row, mark in zip(rows, marks, strict=True)]


def asked_for_better(here: Start) -> float:
    """The true reward of two answers of SFT to each held-out prompt with the mark before it."""
    rows = list(here.world.test())
    scene = scene_for(here.policy, here.world, {"gold": here.world.reward}, {})
    try:
        drawn = Group(2)(here.policy, scene.contexts([{"prompt": BETTER + row["prompt"]} for row in rows]), Decoding(14), here.seed)
        return float(scene.judge(drawn, rows, here.seed).scored.components["gold"].mean())
    finally:
        scene.close()


@torch.no_grad()
def logp(model, texts: Sequences) -> Tensor:
    return model.measure(texts, {"logp"})["logp"]


def localisation(world: GoldReward, policy: Policy, texts: Sequences, step_reward: Tensor) -> float:
    """How surely the rewards of steps tell bad letters from good ones, in the texts that have both."""
    number = {letter: policy.tokenizer.encode(letter, add_special_tokens=False)[0] for letter in world.letters}
    good, bad = (
        torch.isin(texts.actions, torch.tensor([number[x] for x in world.letters if (world.worth[x] < 0) == is_bad]))
        for is_bad in (False, True)
    )
    return float(np.nanmean(ErrorLocalisation()(step_reward, bad, (good | bad) & texts.mask)))
