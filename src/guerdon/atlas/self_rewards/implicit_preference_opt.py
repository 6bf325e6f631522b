"""Implicit preference optimization: the policy is asked whether its own answer is good, and the answers that it is most and least sure of are a pair for DPO.

World: short texts whose true worth is known and whose judges can be pleased with more than worth (``worlds.text.gold_reward.hackable``: people like a marker that makes a
text worse). A policy of one layer is fitted to 1,000 demonstrations, which know the form only, and to 4,000 reviews: a text with the question whether it is good, and Yes or
No, as a person said whose probability of Yes is sigmoid(3 (utility - the mean utility of texts)). So the policy can judge as people do; how well that serves its own answers is
open. A seed is another world, other data and weights.

Arms, 24 steps of DPO on best and worst of 4 answers to each of 32 prompts: "judged by another" (a model of the same size and as many steps, fitted to the same reviews and to
nothing else, says how likely Yes is than No; the baseline, in the place of a reward model) and "IPO" (the policy itself does, as it is then). Tuned alike: learning rate and
beta, by the true worth at a KL of 2 nats from the start.

Measured on 256 answers to held-out prompts, at the start and after 4, 8, 16 and 24 steps: "gold", the true worth, and "KL" from the start in nats per answer; and "ranking",
how often who judges finds the truly better of two texts, of 512 pairs of unseen texts. The smallest differences of interest: 0.1 of worth, 0.05 of the ranking.

In a first world the policy had learned too little of judging to be asked; that was seen on a seed, and this one is what came of it.

Source: Garg et al. 2025, arXiv 2502.16182, its abstract, summaries of it, and its authors' code (``DPO/ours.py``: probability of Yes over that of Yes and No, 4 answers,
highest against lowest). There models of 1 to 9 B that were trained on instructions judge by what they know, one round. Chosen here: world, sizes, reviews in the place of
pretraining, that pairs are drawn as it goes on.
"""

import math
import random
from dataclasses import replace
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, NoWorseThan, System
from guerdon.atlas._text import Along, answers, bought, divergence
from guerdon.data.examples import examples
from guerdon.feedback.intrinsic.log_likelihood import LogLikelihood
from guerdon.feedback.recasting.question import Question
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.reduce.sequence_mean import SequenceMean
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.models import Policy
from guerdon.models.language.small_language_model import SmallLanguageModel
from guerdon.randomness import derive
from guerdon.recipes.implicit_preference import recipe as implicit_preference
from guerdon.sequences import Decoding, collate
from guerdon.training.jobs import copy_of, encoder_for, scene_for
from guerdon.training.loops.fit import fit
from guerdon.training.loops.improve import improve
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.training.schedules.linear import Linear
from guerdon.worlds.text.gold_reward import hackable

system = System(
    title="IPO: Your Language Model is Secretly a Preference Classifier",
    link="https://arxiv.org/abs/2502.16182",
    kind="method",
    builds_on=("dpo", "question", "log-likelihood", "best-worst"),
    read="code",
    note=(
        "The policy's own preference ranks 0.61 of pairs right, enough to gain 0.22 of worth at the price, no less than another "
        "judge's does."
    ),
)
PRICE, STOPS, YES, NO = 2.0, (4, 8, 16, 24), "Y", "N"
ASKS = "{prompt}{completion}?"


def method(learning_rate: float, beta: float, by: str = "") -> Recipe:
    asked = {name: LogLikelihood(Question(ASKS, said), by, over="sequence") for name, said in (("yes", YES), ("no", NO))}
    loss = Pairwise(LogRatio(beta), Logistic())
    return replace(implicit_preference, terms=(Term(loss),), optimiser=AdamW(learning_rate), sampler=Group(4), intrinsic=asked)


sft = Recipe((Term(NegativeLogLikelihood(), reduce=SequenceMean()),), AdamW(Linear(1e-2, warmup=0.1)))
recipe = {"judged by another": method(0.003, 0.3, "judge"), "IPO": method(0.003, 0.3)}
_KNOBS = {"learning_rate": (0.0003, 0.001, 0.003), "beta": (0.1, 0.3, 1.0)}
GRID = dict.fromkeys(recipe, _KNOBS)
TUNED_BY = "gold at the price"
claim = AllOf(
    BetterThan("IPO", 0.5, on="ranking", effect=0.05),
    BetterThan("IPO", "start", on="gold at the price", effect=0.1),
    NoWorseThan("IPO", "judged by another", on="gold at the price", margin=0.1, matched="KL, reviews, samples, updates"),
)
SEEDS = {"smoke": 1, "full": 8, "tune": 2}


class Start:
    """What one seed begins with: the world, a policy that can write and judge, and another that judges."""

    def __init__(self, seed: int, scale: str):
        self.seed, small = seed, scale == "smoke"
        self.world = hackable(seed=seed, test_size=16 if small else 128)
        self.steps, self.batch, self.stops = (2, 4, (1, 2)) if small else (max(STOPS), 32, STOPS)
        rows, hidden = (32, 16) if small else (1000, 32)
        written, reviews = self.world.demonstrations(rows), self.reviews(4 * rows)
        models = [
            SmallLanguageModel(self.world.characters + "?" + YES + NO, 1, hidden, 2, 32).build(derive(seed, who))
            for who in ("policy", "judge")
        ]
        self.encoder = encoder_for(models[0])
        for model, shown in zip(models, (written + reviews, reviews), strict=True):
            budget = Budget(4 if small else 300, batch_size=16 if small else 64, seed=seed)
            fit(model, examples(shown, self.encoder), sft, budget)
        self.policy, self.judge = models[0], models[1].reference()

    def reviews(self, n: int) -> list[dict[str, str]]:
        """Texts of which a person said whether they are good."""
        rows, draw = self.world.demonstrations(n, seed=1), random.Random(derive(self.seed, "reviews"))
        liked = [self.world.utility(row["prompt"], row["completion"], 0) for row in rows]
        mean = sum(liked) / n
        said = [YES if draw.random() < 1 / (1 + math.exp(3 * (mean - one))) else NO for one in liked]
        return [_asked(row, review) for row, review in zip(rows, said, strict=True)]

    def look(self, policy: Policy) -> dict[str, float]:
        drawn, rewards = answers(policy, self.world, Decoding(14), self.seed, {"gold": self.world.reward}, each=2)
        return {"gold": float(rewards["gold"].mean()), "KL": divergence(drawn, policy, self.policy)}

    @torch.no_grad()
    def ranking(self, who: Policy) -> float:
        """How often the truly better of two unseen texts is likelier to be called good."""
        rows = self.world.demonstrations(8 * len(self.world.test()), seed=2)
        worth = torch.tensor([self.world.gold([row["prompt"]], [row["completion"]])[0] for row in rows])
        yes, no = (self._says(who, rows, said) for said in (YES, NO))
        first, second = worth.view(-1, 2).T
        lead = (yes - no).view(-1, 2)
        apart = first != second
        return float(((lead[:, 0] > lead[:, 1]) == (first > second))[apart].double().mean())

    def _says(self, who: Policy, rows: list[dict[str, str]], said: str) -> Tensor:
        """[B], log p(said) of each text, after the question."""
        sequences = collate(examples([_asked(row, said) for row in rows], self.encoder)).sides[""]
        return who.measure(sequences, {"logp"})["logp"][:, 0]


def _asked(row: dict[str, str], said: str) -> dict[str, str]:
    return {"prompt": ASKS.replace("{prompt}", row["prompt"]).replace("{completion}", row["completion"]), "completion": said}


start = lru_cache(maxsize=4)(Start)


def trial(arm: str, seed: int, scale: str, learning_rate: float, beta: float) -> dict[str, Any]:
    here = start(seed, scale)
    policy = copy_of(here.policy)
    own = method(learning_rate, beta, "judge" if arm != "IPO" else "")
    along = Along(here.stops, lambda: here.look(policy))
    scene = scene_for(policy, here.world, {}, {}, recipe=own)
    budget = Budget(here.steps, batch_size=here.batch, seed=derive(seed, "training"))
    views = {"judge": here.judge} if arm != "IPO" else {}
    try:
        improve(policy, scene, here.world.train(), own, budget, Decoding(14), display=along, learners=views)
    finally:
        scene.close()
    curves = along.curves
    ranking = here.ranking(here.policy if arm == "IPO" else here.judge)
    return curves | {"gold at the price": bought(curves["gold"], curves["KL"], PRICE), "ranking": ranking}


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    here = start(seed, scale)
    return {
        "start": {"gold at the price": here.look(here.policy)["gold"]},
        **{arm: trial(arm, seed, scale, **own) for arm, own in tuned.items()},
    }
