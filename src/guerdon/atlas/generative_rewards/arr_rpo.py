"""Auto-rubric as reward: a judge writes down what counts before it compares, and who wins by that earns one constant, who loses another.

World, on vectors in place of images: answers of which six criteria hold or not, three of them asked for by each prompt (``worlds.finite.itemised_answers``); 120 prompts with 16
answers. A seed is another world. A judge knows of each criterion how likely its prompt asks for it, in log-odds 1.5 N(sign, 1) with the sign of the truth, and when it looks at
an answer it is right about 80 % of what holds, anew each time. It names the first of two answers with log-odds 8 times what it takes the first to be better by, plus 0.7.

* "rubric": it takes an answer for the share that holds of what is more likely asked for than not, which it wrote down (all six, where that is nothing). "direct": for the mean
  of all verdicts, weighed by how likely each is asked for: the same knowledge, and nothing thrown away. "halo": the same, where each verdict is half the mean of all six of the
  answer, as those who judge without a list are said to let impressions run together.
* Rewards: "binary", 1 for the answer that the rubric's judge prefers in both orders together and -0.1 for the other (``feedback.shaping.by_place``), on average over the other
  answers to the prompt. "score": the share that holds of the list, by the two looks at an answer that its comparisons are made of. "reward model": a Bradley-Terry head, linear
  in vectors, prompts and their products, of 400 verdicts of the same judge in both orders on 70 prompts; its ridge is chosen by the true order on 20 more.

Measured on 30 other prompts: "first", how much more often than half the first place wins; "accuracy", how likely the better answer is named, in both orders; "gold" of the
policies proportional to exp(strength * reward) along KL from the uniform one.

Source: Tian et al. 2026, arXiv 2605.08354, abstract and summaries, and its authors' code (OpenEnvision/AutoRubric-as-Reward). There rubrics are also verified on examples and
made one for all, and a generator of images learns. Smallest differences of interest: 0.01 of first and accuracy, 0.02 of gold."""

import torch
from torch import Tensor

from guerdon.atlas import AheadAlong, AllOf, BetterThan, System
from guerdon.atlas.generative_rewards._items import CHOSEN, HELD_OUT, items
from guerdon.feedback.shaping.by_place import ByPlace
from guerdon.randomness import derive, generator

system = System(
    title="Auto-Rubric as Reward: From Implicit Preferences to Explicit Multimodal Generative Criteria",
    link="https://arxiv.org/abs/2605.08354",
    kind="reward",
    builds_on=("rubric-generator", "pairwise-judge", "flow-grpo", "order-swap-test"),
    read="code",
    untuned=CHOSEN,
    waits_for="images, and models that read and make them",
    note=(
        "A list that is written down first lets the first place win less often than a judge does who blends its impressions (0.015), "
        "and as often, within 0.01, as one who weighs the same knowledge rightly without a list; it is no more accurate than that one. "
        "Paying the winner and the loser a constant is worth the same as the score by as many looks, on average over opponents, and "
        "0.023 more than a reward model of 400 verdicts. That rubrics are verified on examples is not tried."
    ),
)
PAIRS, RIGHT, SURE, SLOPE, PLACE, LOOKS = 400, 0.8, 1.5, 8.0, 0.7, 4
recipe = {"binary": ByPlace()}
claim = AllOf(
    BetterThan("rubric", "halo", on="first", lower_is_better=True, effect=0.01, matched="knowledge"),
    BetterThan("rubric", "direct", on="first", lower_is_better=True, effect=0.01, matched="knowledge"),
    BetterThan("rubric", "direct", on="accuracy", effect=0.01, matched="knowledge"),
    AheadAlong("binary", "score", on="gold", along="KL", effect=0.02),
    AheadAlong("binary", "reward model", on="gold", along="KL", effect=0.02),
)
SEEDS = {"smoke": 1, "full": 40}


def experiment(seed: int, scale: str) -> dict:
    here = items(seed, scale)
    sign = (here.weights > 0).double() * 2 - 1
    noise = torch.randn(sign.shape, dtype=torch.float64, generator=generator(seed, "knowledge"))
    likely = torch.sigmoid(SURE * (sign + noise)).unsqueeze(1)
    listed = (likely > 0.5).double()
    listed = torch.where(listed.sum(-1, keepdim=True) > 0, listed, torch.ones_like(listed))
    looks = here.world.verdicts(RIGHT, 0.0, LOOKS, derive(seed, "looks")).double()  # of the first and the second, in either order
    blended = (looks + looks.mean(-1, keepdim=True)) / 2
    taken = {"rubric": _mean(looks, listed), "direct": _mean(looks, likely), "halo": _mean(blended, likely)}
    truth = (here.gold.unsqueeze(-1) - here.gold.unsqueeze(-2)).sign()[HELD_OUT]
    off, arms = ~torch.eye(here.world.answers, dtype=torch.bool), {}
    for name, worth in taken.items():
        straight, turned = (p[HELD_OUT] for p in _named(worth))
        named = torch.cat([straight[truth > 0], turned[truth > 0]])
        arms[name] = {"first": float((straight - turned)[:, off].mean() / 2), "accuracy": float(named.mean())}
    straight, turned = _named(taken["rubric"])
    wins = (((straight + turned) / 2 > 0.5) & off).double()
    prompt, one, other = here.paired(PAIRS, "judged")
    won = wins[prompt, one, other] > 0
    compared = (prompt, torch.where(won, one, other), torch.where(won, other, one))
    shaped = ByPlace()(torch.tensor([1.0, 0.0]), torch.zeros(2, dtype=torch.long)).double()
    share = wins.sum(-1) / (here.world.answers - 1)
    rewards = {
        "binary": shaped[0] * share + shaped[1] * (1 - share),
        "score": (taken["rubric"][0] + taken["rubric"][2]) / 2,  # the looks at an answer from which its comparisons are made
        "reward model": here.preferring(here.beside(here.world.prompt_vectors()), compared),
    }
    return arms | {name: here.bought(reward) for name, reward in rewards.items()}


def _mean(verdicts: Tensor, weights: Tensor) -> Tensor:
    """[looks, C, A]"""
    return (verdicts * weights).sum(-1) / weights.sum(-1)


def _named(worth: Tensor) -> tuple[Tensor, Tensor]:
    """[C, A, A] twice, how likely the answer of the row is named: shown first, and shown second."""
    a, b, c, d = worth
    straight = torch.sigmoid(SLOPE * (a.unsqueeze(-1) - b.unsqueeze(-2)) + PLACE)
    turned = torch.sigmoid(SLOPE * (c.unsqueeze(-1) - d.unsqueeze(-2)) - PLACE)
    return straight, turned
