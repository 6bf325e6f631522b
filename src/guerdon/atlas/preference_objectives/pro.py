"""PRO: a ranking of several answers as one comparison after another, each with all that are worse, and the best answer imitated.

World: short texts whose true worth is known (``worlds.text.gold_reward``). A policy of one layer is fitted to 1,000 texts (SFT) and answers each of 200 prompts 8 times;
the true reward ranks its answers. Every arm starts from SFT and makes 40 steps (learning rate to 0 in a line): PRO on the first 2, 3, 5 and 8 answers of each
prompt, 32 rankings a step; and on the first 5: the same loss on all ten pairs of each ranking as rankings of two (80 pairs a step: as many sequences as
PRO has), Plackett-Luce in the place of PRO's temperatures, and SFT on the best (160 a step). Measured: the true reward of 512 answers to held-out prompts, and their KL
from SFT in nats per answer.

Tuned on seed 100, which is not reported, by the true reward, PRO at 5 answers: the learning rate from 0.003 and 0.01 (SFT on the best also 0.03), the weight of the
imitation from 0.005 and 0.05 (the paper's), times (n - 1)^2 as in the paper, and the unit of the reward, which is an inverse temperature in PRO, from 0.1, 0.3 and 1.
Chosen: 0.01 and 0.005 for all, a unit of 0.1 for PRO and of 1 for pairs. Without any imitation (weight 0, tried there too) pairs and Plackett-Luce get a reward of 7 to
14, with texts of one letter over and over.

Source: Song et al. 2023, arXiv 2306.17492, and its authors' code (DAMO-ConvAI, ``PRO``); there: LLaMA-7B, HH-RLHF, rankings of 2 to 5.
Chosen here: world, sizes, candidates.
"""

import itertools
from collections.abc import Sequence
from typing import Any

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, GrowsWith, System
from guerdon.atlas._text import answers, divergence
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
from guerdon.worlds.text.gold_reward import GoldReward

system = System(
    title="Preference Ranking Optimization for Human Alignment",
    link="https://arxiv.org/abs/2306.17492",
    kind="method",
    builds_on=("plackett-luce", "negative-log-likelihood", "mean-log-probability"),
    note=(
        "Seen: PRO is better than SFT on the best, and the longer the ranking the less it moves: its imitation grows with the "
        "square of the length and its temperatures pull hardest at the best answer. Pairs of the same rankings get twice its "
        "reward, far from SFT."
    ),
)
NS, FIVE = (2, 3, 5, 8), 5


def pro(n: int, ranking: Ranking = GapTempered()) -> Recipe:
    imitation = Term(Listwise(LogProbability(), BestOnly()), weight=0.005 * (n - 1) ** 2)
    return Recipe((Term(Listwise(MeanLogProbability(beta=1.0), ranking)), imitation), AdamW(Linear(0.01)))


sft = Recipe((Term(NegativeLogLikelihood()),), AdamW(Linear(1e-2, warmup=0.1)))
recipe = {f"PRO {n}": pro(n) for n in NS} | {
    "pairs of 5": pro(2),
    "Plackett-Luce 5": pro(FIVE, PlackettLuce()),
    "SFT on the best of 5": Recipe((Term(NegativeLogLikelihood()),), AdamW(Linear(0.01))),
}
claim = AllOf(
    BetterThan("PRO 5", "pairs of 5", on="gold"),
    BetterThan("PRO 5", "SFT on the best of 5", on="gold"),
    GrowsWith("PRO", on="gold by length of the ranking"),
)
SEEDS = {"smoke": 1, "full": 5}


def experiment(seed: int, scale: str) -> dict:
    small = scale == "smoke"
    world = GoldReward(seed=seed, test_size=32 if small else 256)
    start = SmallLanguageModel(world.characters, layers=1, hidden=16 if small else 32, heads=2, context_length=24).build(seed)
    encoder, batch = encoder_for(start), 4 if small else 32
    warm = Budget(steps=4 if small else 120, batch_size=64, seed=seed)
    fit(start, examples(world.demonstrations(64 if small else 1000), encoder), sft, warm)
    rows = candidates(start, world, 8 if small else 200, seed)
    data = {f"PRO {n}": (cut(rows, n, unit=0.1), batch) for n in NS} | {
        "pairs of 5": (pairs(cut(rows, FIVE)), batch * FIVE // 2),
        "Plackett-Luce 5": (cut(rows, FIVE), batch),
        "SFT on the best of 5": ([best(row) for row in cut(rows, FIVE)], batch * FIVE),
    }
    numbers = {"SFT": measured(start, start, world, seed)}
    for name, (learned, size) in data.items():
        policy = copy_of(start)
        told = [row for row in learned if "completions" not in row or len(set(row["completions"])) > 1]  # of equal answers none is better
        fit(policy, examples(told, encoder), recipe[name], Budget(steps=2 if small else 40, batch_size=size, seed=seed))
        numbers[name] = measured(policy, start, world, seed)
    return numbers | {"PRO": {"gold by length of the ranking": {n: numbers[f"PRO {n}"]["gold"] for n in NS}}}


def candidates(policy: Policy, world: GoldReward, prompts: int, seed: int) -> list[dict[str, Any]]:
    """Rows of a prompt with as many answers of the policy as the longest ranking has, and what they are worth."""
    scene, train = scene_for(policy, world, {"gold": world.reward}, {}), world.train()
    try:
        return search(policy, scene, [train[i] for i in range(prompts)], Group(max(NS)), Weigh(), Decoding(14), seed)
    finally:
        scene.close()


def cut(rows: Sequence[dict[str, Any]], n: int, unit: float = 1.0) -> list[dict[str, Any]]:
    """The first ``n`` answers of each row, with rewards in this unit."""
    return [_row(row, range(n), unit) for row in rows]


def pairs(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """All pairs of each ranking as rankings of two."""
    return [_row(row, pair) for row in rows for pair in itertools.combinations(range(len(row["scores"])), 2)]


def _row(row: dict[str, Any], which: Sequence[int], unit: float = 1.0) -> dict[str, Any]:
    picked = {"completions": [row["completions"][i] for i in which], "scores": [unit * row["scores"][i] for i in which]}
    return {"prompt": row["prompt"], **picked}


def best(row: dict[str, Any]) -> dict[str, Any]:
    return {"prompt": row["prompt"], "completion": max(zip(row["scores"], row["completions"], strict=True))[1]}


def measured(policy: Policy, start: Policy, world: GoldReward, seed: int) -> dict[str, float]:
    drawn, rewards = answers(policy, world, Decoding(14), seed, {"gold": world.reward}, each=2)
    return {"gold": float(rewards["gold"].mean()), "KL": divergence(drawn, policy, start)}
