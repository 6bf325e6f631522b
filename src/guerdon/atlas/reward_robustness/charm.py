"""CHARM: a reward model that likes how one source writes is moved until that source wins as often as in people's games, and unlearns it on pairs that
are labelled so.

World: answers with four qualities whose worth bends at 2.5 and one mark (``worlds.finite.exploitable``, 192 answers to each of 8 contexts). The
reward model is learned from 600 comparisons of people who like the mark as much as a deviation of quality; a linear head on 64 random features,
Bradley-Terry. Two sources write answers: the first is the reference tilted towards the mark (exp(0.8 mark)), the second is tilted towards what is
good (exp(0.3 gold)). In the arena people judge by gold alone, so that the second source is rated higher; ratings are Elo's for the exact win rate.
400 prompts, an answer of each source. A seed is another world and all draws of it.

Arms: "before"; "CHARM": continued by Bradley-Terry on the 400 pairs, labelled by scores moved by the rating offset; "own labels": continued on the
same pairs as the model itself labels them, as far. Both by 100 steps of gradient descent from where the model is; the rate is tuned, by accuracy.

Measured on 2,000 fresh prompts: "mismatch" of the win rate with the ratings' and "accuracy, across": how often the model prefers, of an answer of
each source, the one that is worth more. Exact: "accuracy" of two answers of the reference; "gold" at each KL.

Source: Zhu et al. 2025, arXiv 2504.10045, and its authors' code (github.com/HexagonStar/CHARM, ``calibrate.py``). There Gemma and Llama as sources,
ratings of Chatbot Arena, reward models of 2 to 27 B. Chosen here: the world and its sizes. The smallest differences of interest: 0.02 of mismatch and
of accuracy, 0.05 of gold.
"""

import math

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from guerdon.atlas import AheadAlong, AllOf, BetterThan, System
from guerdon.atlas.reward_robustness._marks import learned, looked_at, marks
from guerdon.data.curation.rating_offset import RatingOffset
from guerdon.evaluation.metrics.mismatch_degree import MismatchDegree
from guerdon.randomness import derive, generator
from guerdon.worlds.finite.exploitable import Exploitable

system = System(
    title="CHARM: Calibrating Reward Models With Chatbot Arena Scores",
    link="https://arxiv.org/abs/2504.10045",
    kind="reward",
    builds_on=("bradley-terry", "mismatch-degree", "rating-offset", "exponential-tilt"),
    read="code",
    note=(
        "As the paper says in every leaf: the mismatch falls from 0.14 to 0.11, pairs across sources are ordered right in 0.76 of cases (0.72 before), and "
        "gold at equal KL is higher by 0.12; the model's own labels of the same pairs change nothing."
    ),
)
recipe = {"CHARM": RatingOffset((1000.0, 1100.0))}
GRID = {arm: {"rate": (0.1, 0.3, 1.0)} for arm in ("own labels", "CHARM")}
TUNED_BY = "accuracy, across"
claim = AllOf(
    *(
        leaf
        for other in ("before", "own labels")
        for leaf in (
            BetterThan("CHARM", other, on="mismatch", lower_is_better=True, effect=0.02, matched="pairs, updates"),
            BetterThan("CHARM", other, on="accuracy, across", effect=0.02, matched="pairs, updates"),
            BetterThan("CHARM", other, on="accuracy", effect=0.02, matched="pairs, updates"),
            AheadAlong("CHARM", other, on="gold", along="KL", effect=0.05),
        )
    )
)
SEEDS = {"smoke": 1, "full": 8, "tune": 2}
STEPS = 100


def trial(arm: str, seed: int, scale: str, rate: float) -> dict:
    smoke = scale == "smoke"
    world = Exploitable(spurious=1, liking=1.0, bend=2.5, answers=64 if smoke else 192, seed=seed)
    model = learned(world, world.comparisons(100 if smoke else 600, seed), seed, steps=20 if smoke else 150)
    table, weight = model.encoder.table.double(), model.module["head"].weight.detach().squeeze(0)
    first, second, ratings = sources(world)
    pairs = drawn(world, first, second, 100 if smoke else 400, derive(seed, "pairs"))
    if arm != "before":
        weight = continued(table, weight, labelled(arm, pairs, (table @ weight)[pairs], ratings), rate)
    proxy = (table @ weight).view(world.contexts, world.answers)
    proxy = proxy - (world.reference() * proxy).sum(-1, keepdim=True)
    fresh = drawn(world, first, second, 2000, derive(seed, "fresh"))
    said, gold = proxy.flatten()[fresh].T, world.rewards().flatten()[fresh].T
    across = float(((said[0] > said[1]) == (gold[0] > gold[1])).double().mean())
    found = {"mismatch": float(MismatchDegree()(*said.numpy(), *ratings)), "accuracy, across": across}
    return found | looked_at(proxy, world, (0.5, 2.0) if smoke else (0.5, 1.0, 2.0, 3.0))


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    return {"before": trial("before", seed, scale, 0.0), **{arm: trial(arm, seed, scale, **setting) for arm, setting in tuned.items()}}


def sources(world: Exploitable) -> tuple[Tensor, Tensor, tuple[float, float]]:
    """Both policies [C, A], and their Elo ratings for games that are judged by gold."""
    reference, gold = world.reference(), world.rewards()
    first = (reference.log() + 0.8 * marks(world).view_as(gold)).softmax(-1)
    second = (reference.log() + 0.3 * gold).softmax(-1)
    wins = torch.sigmoid(gold.unsqueeze(-1) - gold.unsqueeze(-2))
    rate = float((first.unsqueeze(-1) * second.unsqueeze(-2) * wins).sum((1, 2)).mean())
    return first, second, (1000.0 + 400 * math.log10(rate / (1 - rate)), 1000.0)


def drawn(world: Exploitable, first: Tensor, second: Tensor, n: int, seed: int) -> Tensor:
    """[n, 2], an item of each source for prompts that are drawn."""
    rng = generator(seed, "answers")
    context = torch.randint(world.contexts, (n,), generator=rng)
    each = [torch.multinomial(source[context], 1, generator=rng).squeeze(-1) for source in (first, second)]
    return context.unsqueeze(-1) * world.answers + torch.stack(each, -1)


def labelled(arm: str, pairs: Tensor, said: Tensor, ratings: tuple[float, float]) -> Tensor:
    """[n, 2], the preferred item first: by the scores [n, 2] as they are, or moved."""
    if arm == "own labels":
        return torch.where((said[:, 0] > said[:, 1]).unsqueeze(-1), pairs, pairs.flip(-1))
    rows = [{"prompt": "", "completions": own, "scores": scored} for own, scored in zip(pairs.tolist(), said.tolist(), strict=True)]
    return torch.tensor([[row["chosen"], row["rejected"]] for row in RatingOffset(ratings)(rows)])


def continued(table: Tensor, weight: Tensor, pairs: Tensor, rate: float) -> Tensor:
    """The weights after so many steps of gradient descent on the pairs' Bradley-Terry loss."""
    gaps = table[pairs[:, 0]] - table[pairs[:, 1]]
    for _ in range(STEPS):
        leaf = weight.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(-logsigmoid(gaps @ leaf).mean(), leaf)
        weight = weight - rate * gradient
    return weight
