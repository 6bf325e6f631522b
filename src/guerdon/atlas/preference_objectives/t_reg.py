"""T-REG: what a model says of its own steps, asked once for a better and once for a worse answer, tells DPO where the reward of a pair belongs.

World: short texts of 20 letters whose true worth is known (``worlds.text.gold_reward``): ten letters are good and ten bad, which is what is planted. A policy of one
layer is fitted to 1,000 texts (SFT); those of the best third have a "+" before their prompt, those of the worst third a "-", so that the model knows of itself what a
better and a worse answer is. Then 64 comparisons, 40 steps on all of them, a learning rate from 0.001 to 0, beta 0.1.

Arms: DPO; T-REG with the weight 0.5; T-REG without the weight of the pair ("static"); T-REG whose steps are rated not by the two prompts but by the DPO arm against SFT
("rated by DPO"), both of which the paper tries as well; and SFT asked for a better answer, without any comparison.

Measured: the true reward of 512 answers to held-out prompts (with the plain prompt); and, of 512 texts of held-out comparisons, the probability that a bad letter has
less implicit reward, beta log(policy / SFT), than a good letter of its text. "Self" is the same of the model's own contrast, which the regulariser is made of.

Tuned on seeds 100 and 101, which are not reported, by reward and localisation alike: the learning rate from 0.001, 0.003 and 0.01, for DPO and T-REG both; the weight
from 0.1 and 0.5 of the paper's range. In a first world of eight letters, with 64 or 256 comparisons and SFT on halves, DPO was right about nearly all letters and the
contrast said little, so that no weight made a difference.

Source: Zhou et al. 2024, arXiv 2412.02685: the regulariser, its weight, its ablations (static weights, DPO's rewards). Its equations were read in a summary, not in the
paper. There the prompts ask in words, and nothing is trained for them. Chosen here: world, sizes, and how the model comes to know of itself.
"""

import numpy as np
import torch
from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, System
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
from guerdon.sequences import Decoding, Sequences, collate
from guerdon.training.jobs import copy_of, encoder_for, scene_for
from guerdon.training.loops.fit import fit
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.training.schedules.linear import Linear
from guerdon.worlds.text.gold_reward import GoldReward

system = System(
    title="T-REG: Preference Optimization with Token-Level Reward Regularization",
    link="https://arxiv.org/abs/2412.02685",
    kind="method",
    builds_on=("dpo", "contrastive-prompting", "implicit-reward"),
    note=(
        "Seen: the model's own contrast is nearly always right here, and the regulariser gains by as much as it is used: without "
        "the weight of the pair, which makes it fade, it does better still (the paper finds the reverse, with contrasts that "
        "err). Rated by DPO itself it localises no better than DPO."
    ),
)
BETA, WEIGHT = 0.1, 0.5
LETTERS, BETTER, WORSE = "abcdefghijklmnopqrst", "+", "-"
_dpo = Term(Pairwise(LogRatio(BETA), Logistic()))
_contrast = Pairwise(ContrastedLikelihood(BETA), BothSides(), weight=Unlearned(LogRatio(BETA)))
_static = Pairwise(ContrastedLikelihood(BETA), BothSides())
sft = Recipe((Term(NegativeLogLikelihood()),), AdamW(Linear(1e-2, warmup=0.1)))
recipe = {
    "DPO": Recipe((_dpo,), AdamW(Linear(0.001))),
    "T-REG": Recipe((_dpo, Term(_contrast, weight=WEIGHT)), AdamW(Linear(0.001))),
    "T-REG, static": Recipe((_dpo, Term(_static, weight=WEIGHT)), AdamW(Linear(0.001))),
    "T-REG, rated by DPO": Recipe((_dpo, Term(_contrast, weight=WEIGHT)), AdamW(Linear(0.001))),
}
claim = AllOf(BetterThan("T-REG", "DPO", on="localisation"), BetterThan("T-REG", "DPO", on="gold"))
SEEDS = {"smoke": 1, "full": 5}


def experiment(seed: int, scale: str) -> dict:
    small = scale == "smoke"
    world = GoldReward(letters=LETTERS, seed=seed, test_size=32 if small else 256)
    start = SmallLanguageModel(world.characters + BETTER + WORSE, 1, 16 if small else 32, heads=2, context_length=24).build(seed)
    encoder, pairs = encoder_for(start), 16 if small else 64
    warm = Budget(steps=4 if small else 120, batch_size=64, seed=seed)
    fit(start, examples(marked(world, 64 if small else 1000), encoder), sft, warm)
    ref = start.reference()
    asked = {mark: Prompted(ref, Before(tuple(start.tokenizer.encode(mark, add_special_tokens=False)))) for mark in (BETTER, WORSE)}

    comparisons = world.comparisons(pairs + (16 if small else 256))
    held_out = [{"prompt": row["prompt"], "completion": row[side]} for row in comparisons[pairs:] for side in ("chosen", "rejected")]
    texts = collate(examples(held_out, encoder)).sides[""]
    learned = examples(comparisons[:pairs], encoder)
    numbers = {
        "SFT": {"gold": gold(start, world, seed)},
        "SFT, asked for better": {"gold": gold(start, world, seed, BETTER)},
        "self": {"localisation": localisation(world, start, texts, logp(asked[BETTER], texts) - logp(asked[WORSE], texts))},
    }
    policies = {}
    for name, method in recipe.items():
        by_dpo = name == "T-REG, rated by DPO"
        views = {"better": policies["DPO"], "worse": ref} if by_dpo else {"better": asked[BETTER], "worse": asked[WORSE]}
        policy = policies[name] = copy_of(start)
        fit(policy, learned, method, Budget(steps=4 if small else 40, batch_size=pairs, seed=seed), models=views)
        implicit = logp(policy, texts) - logp(ref, texts)
        numbers[name] = {"gold": gold(policy, world, seed), "localisation": localisation(world, start, texts, implicit)}
    return numbers


def marked(world: GoldReward, n: int) -> list[dict[str, str]]:
    """Texts to imitate: the best third marked as better, the worst third as worse."""
    rows = world.demonstrations(n)
    worth = world.gold([row["prompt"] for row in rows], [row["completion"] for row in rows])
    low, high = np.quantile(worth, (1 / 3, 2 / 3))
    marks = [BETTER if x > high else WORSE if x < low else "" for x in worth]
    return [row | {"prompt": mark + row["prompt"]} for row, mark in zip(rows, marks, strict=True)]


def gold(policy: Policy, world: GoldReward, seed: int, mark: str = "") -> float:
    """The true reward of two answers to each held-out prompt, asked with a mark before it."""
    rows = list(world.test())
    scene = scene_for(policy, world, {"gold": world.reward}, {})
    try:
        drawn = Group(2)(policy, scene.contexts([{"prompt": mark + row["prompt"]} for row in rows]), Decoding(14), seed)
        return float(scene.judge(drawn, rows, seed).scored.components["gold"].mean())
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
