"""PRO: a ranking of several answers as one comparison after another, each with all that are worse, and the best answer imitated.

World: short texts whose true worth is known and whose comparisons can be over-optimised (``worlds.text.gold_reward.hackable``). A policy of one layer is fitted to 1,000
texts (SFT) and answers each of 100 prompts five times; a reward model that knows what people like, and not what is good, scores and ranks them.

Every arm starts from SFT and makes 30 steps (learning rate to 0 in a line) on the same 500 answers and scores, 80 sequences a step: "PRO", 16 rankings of five;
"pairs", the same loss on all ten pairs of each ranking as rankings of two, 40 of them; "Plackett-Luce", 16 rankings of five without the scores' temperatures;
"SFT on the best" of n. "PRO of 2" sees the first two answers to each prompt only, 40 rankings a step.

Nothing in PRO but its imitation of the best answer holds the policy near to where it began, so that imitation is what a KL is bought with: each arm is trained with
an imitation of the weights 1, 0.1, 0.01 and 0.001 (SFT on the best: of 1, 2, 3 and 5), and these and SFT are its frontier, from which all are compared at equal KL. Where the
weight is the price, the paper's rule for it, 0.05 (n - 1)^2 with n answers, has nothing to say.

Tuned for every arm, by the true reward at a KL of 1 nat from SFT, where that of this world still rises: the learning rate, and the unit of the scores, which is an
inverse temperature, in which "Plackett-Luce" has its mean log-probability; for "SFT on the best" as many learning rates. Measured on 256 answers to held-out prompts: the
true reward and the KL from SFT in nats per answer.

Before, the reward could not be over-optimised and ranked the answers itself, the arms were compared at no price, and but for the learning rate had PRO's settings. Stops on
the way of one training, tried first, are no frontier: PRO goes out and comes back.

Source: Song et al. 2023, arXiv 2306.17492, of which the abstract was read, and its authors' code (DAMO-ConvAI, ``PRO/train``): scores of a reward model as temperatures,
mean log-probabilities in the ranking, sums in the imitation, rankings of 2 to 5 answers; there LLaMA-7B and HH-RLHF. Chosen here: world, sizes.
"""

import itertools
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AheadAlong, AllOf, System
from guerdon.atlas._text import answers, bought, divergence
from guerdon.data.examples import examples
from guerdon.feedback.combining.weigh import Weigh
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.listwise import Listwise
from guerdon.losses.rankings import Ranking
from guerdon.losses.rankings.best_only import BestOnly
from guerdon.losses.rankings.gap_tempered import GapTempered
from guerdon.losses.rankings.plackett_luce import PlackettLuce
from guerdon.losses.scores.log_probability import LogProbability
from guerdon.losses.scores.mean_log_probability import MeanLogProbability
from guerdon.models import Policy
from guerdon.models.language.small_language_model import SmallLanguageModel
from guerdon.sequences import Decoding
from guerdon.training.jobs import copy_of, encoder_for, scene_for
from guerdon.training.loops.fit import fit
from guerdon.training.loops.search import search
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.training.schedules.linear import Linear
from guerdon.worlds.text.gold_reward import GoldReward, hackable
from guerdon.worlds.text.position_credit import said

system = System(
    title="Preference Ranking Optimization for Human Alignment",
    link="https://arxiv.org/abs/2306.17492",
    kind="method",
    builds_on=("plackett-luce", "negative-log-likelihood", "mean-log-probability"),
    read="code",
    note=(
        "At equal KL PRO is equal to SFT on the best of the answers, as far as that goes from SFT (0.5 nats; there PRO's frontier is the line from SFT to its first point, "
        "and with ever more imitation it is SFT on the best). Of the same rankings Plackett-Luce, without temperatures, is 0.06 behind; all pairs may be ahead or behind by "
        "0.1. A ranking of five is worth 0.14 more than one of two. PRO goes further than SFT on the best: reward 0.70 at 2 nats, against 0.38 at 0.5."
    ),
)
FIVE, STEPS, SEQUENCES, PRICE, WEIGHTS, BEST_OF = 5, 30, 80, 1.0, (1.0, 0.1, 0.01, 0.001), (1, 2, 3, 5)
IMITATION = "SFT on the best"


def ranked(learning_rate: float, weight: float, ranking: Ranking = GapTempered(), beta: float = 1.0) -> Recipe:
    imitation = Term(Listwise(LogProbability(), BestOnly()), weight=weight)
    return Recipe((Term(Listwise(MeanLogProbability(beta), ranking)), imitation), AdamW(Linear(learning_rate)))


def imitate(learning_rate: float) -> Recipe:
    return Recipe((Term(NegativeLogLikelihood()),), AdamW(Linear(learning_rate)))


sft = Recipe((Term(NegativeLogLikelihood()),), AdamW(Linear(1e-2, warmup=0.1)))
recipe = {"PRO": ranked(0.01, 0.1), "Plackett-Luce": ranked(0.01, 0.1, PlackettLuce()), IMITATION: imitate(0.01)}
_RANKED = {"learning_rate": (0.003, 0.01, 0.03), "unit": (0.3, 1.0, 3.0)}
GRID = {IMITATION: {"learning_rate": (0.0003, 0.0006, 0.001, 0.002, 0.003, 0.006, 0.01, 0.02, 0.03)}}
GRID |= dict.fromkeys(("Plackett-Luce", "pairs", "PRO of 2", "PRO"), _RANKED)
TUNED_BY = "gold at the price"
claim = AllOf(*(AheadAlong("PRO", other, on="gold", along="KL", effect=0.1) for other in GRID if other != "PRO"))
SEEDS = {"smoke": 1, "full": 8, "tune": 2}


class Start:
    """What one seed begins with: the world, SFT, and its answers with what people would think of them."""

    def __init__(self, seed: int, scale: str):
        self.seed, self.small = seed, scale == "smoke"
        self.world = hackable(seed=seed, test_size=8 if self.small else 128)
        self.policy = SmallLanguageModel(self.world.characters, 1, 16 if self.small else 32, heads=2, context_length=24).build(seed)
        self.encoder, budget = encoder_for(self.policy), Budget(steps=4 if self.small else 120, batch_size=64, seed=seed)
        fit(self.policy, examples(self.world.demonstrations(64 if self.small else 1000), self.encoder), sft, budget)
        self.rows = self.candidates(8 if self.small else 100)
        self.point = self.measured(self.policy)

    def candidates(self, prompts: int) -> list[dict[str, Any]]:
        """Rows of a prompt with five answers and their scores."""
        scene, train = scene_for(self.policy, self.world, {"liked": liking(self.world)}, {}), self.world.train()
        try:
            return search(self.policy, scene, [train[i] for i in range(prompts)], Group(FIVE), Weigh(), Decoding(14), self.seed)
        finally:
            scene.close()

    def learned(self, rows: Sequence[dict[str, Any]], method: Recipe, batch: int) -> dict[str, float]:
        """What comes of the method on these rows."""
        policy, told = (
            copy_of(self.policy),
            [row for row in rows if len(set(row.get("completions", "ab"))) > 1],
        )  # of equal answers none is better
        steps, size = (2, max(batch // 4, 1)) if self.small else (STEPS, batch)
        fit(policy, examples(told, self.encoder), method, Budget(steps=steps, batch_size=size, seed=self.seed))
        return self.measured(policy)

    def measured(self, policy: Policy) -> dict[str, float]:
        drawn, rewards = answers(policy, self.world, Decoding(14), self.seed, {"gold": self.world.reward}, each=2)
        return {"gold": float(rewards["gold"].mean()), "KL": divergence(drawn, policy, self.policy)}


start = lru_cache(maxsize=4)(Start)


def trial(arm: str, seed: int, scale: str, learning_rate: float, unit: float = 1.0) -> dict[str, Any]:
    """Curves over what the arm buys KL with: SFT itself, and then dearer and dearer."""
    here = start(seed, scale)
    if arm == IMITATION:
        found = [here.learned([best(row, n) for row in here.rows], imitate(learning_rate), SEQUENCES) for n in BEST_OF]
    else:
        n, plain = 2 if arm in ("pairs", "PRO of 2") else FIVE, arm == "Plackett-Luce"
        parts = list(itertools.combinations(range(FIVE), 2)) if arm == "pairs" else [range(n)]
        rows = [ranking(row, part, 1.0 if plain else unit) for row in here.rows for part in parts]
        methods = [ranked(learning_rate, w, PlackettLuce(), unit) if plain else ranked(learning_rate, w) for w in WEIGHTS]
        found = [here.learned(rows, method, SEQUENCES // n) for method in methods]
    curves = {name: {x: point[name] for x, point in enumerate([here.point, *found])} for name in here.point}
    return curves | {"gold at the price": bought(curves["gold"], curves["KL"], PRICE)}


def liking(world: GoldReward) -> Callable[[Sequence[Any], Sequence[Any]], list[float]]:
    """What people think of answers."""
    return lambda prompts, completions: [world.utility(said(p), said(c), 0) for p, c in zip(prompts, completions, strict=True)]


def ranking(row: dict[str, Any], which: Sequence[int], unit: float) -> dict[str, Any]:
    """A ranking of some answers of a row, with scores in this unit."""
    picked = {"completions": [row["completions"][i] for i in which], "scores": [unit * row["scores"][i] for i in which]}
    return {"prompt": row["prompt"], **picked}


def best(row: dict[str, Any], n: int) -> dict[str, Any]:
    """The best of the first n answers."""
    return {"prompt": row["prompt"], "completion": max(zip(row["scores"][:n], row["completions"][:n], strict=True))[1]}
