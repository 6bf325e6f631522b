"""BaseReward: what a two-layer head, comparisons of texts beside those of pictures, and several heads in the place of one each bring.

World: items are a text and a picture, vectors of eight and eight dimensions from N(0, 1); gold = 1.5 u . t + 1.5 v . p + 2 (w . t) tanh(2
w' . p), u, v, w and w' of length 1: the text by itself, the picture by itself, and whether they belong together. A text alone has the
picture 0. 300 pairs of 600 items are compared by Bradley-Terry, and 800 pairs of 600 texts alone. What is seen are the vectors (a frozen
body). A seed is another world.

Arms are Bradley-Terry reward models: with a linear head or the head ``two_layers`` of 16 units, of pictures only or of both kinds of pairs
(each kind's mean loss counts the same), and the mean of three two-layer heads of both that begin apart; *wide linear* is a linear head on
64 random features of the vectors, of both: what being nonlinear is worth without being learned. Fits are minima by L-BFGS; ridges are
chosen alike by the order of 240 items, *accuracy* is of 360 others, all with pictures.

Source: Zhang et al. 2025, arXiv 2509.16127, its abstract and summaries. There a vision-language model of 7 B that is trained throughout, a
dozen data sets, and GRPO with the reward. It waits for pictures; what is tried is the head, the mixture and the ensemble. The smallest
difference of interest: 0.01.
"""

import torch
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, NoWorseThan, System
from guerdon.atlas.reward_models._vectors import BRADLEY_TERRY, CHOSEN, RIDGES, Told, at_the_best, fitted, ordered, pairs
from guerdon.models.heads.scalar import Scalar
from guerdon.models.heads.two_layers import TwoLayers
from guerdon.randomness import derive, generator

system = System(
    title="BaseReward: A Strong Baseline for Multimodal Reward Model",
    link="https://arxiv.org/abs/2509.16127",
    kind="reward",
    builds_on=("bradley-terry-rm", "rm-head", "rm-ensemble"),
    read="abstract",
    untuned=CHOSEN,
    waits_for="a world of images",
    note=(
        "The learned head is 0.06 ahead of a linear one on pictures alone and 0.05 ahead on both, also of random features; what texts and an ensemble add, "
        "0.02 and 0.01, six seeds do not tell from nothing."
    ),
)
HEAD = TwoLayers(16)
recipe = {"head": HEAD, "loss": BRADLEY_TERRY}
SAME = {"on": "accuracy", "effect": 0.01}
claim = AllOf(
    BetterThan("two layers, both", "linear, pictures", **SAME),
    BetterThan("two layers, both", "linear, both", matched="pairs", by_construction=True, **SAME),
    BetterThan("two layers, both", "wide linear, both", matched="pairs", **SAME),
    BetterThan("two layers, both", "two layers, pictures", **SAME),
    BetterThan("ensemble, both", "two layers, both", matched="pairs", **SAME),
    NoWorseThan("linear, both", "linear, pictures", on="accuracy", margin=0.01),
)
SEEDS = {"smoke": 1, "full": 6}
WIDTH, PICTURES, TEXTS, MEMBERS = 8, 300, 800, 3


def experiment(seed: int, scale: str) -> dict:
    small = scale == "smoke"
    rng = generator(seed, "world")
    ways = torch.randn(4, WIDTH, dtype=torch.float64, generator=rng)
    u, v, w, own = ways / ways.norm(dim=-1, keepdim=True)
    text, picture = (torch.randn(6 * PICTURES, WIDTH, dtype=torch.float64, generator=rng) for _ in range(2))
    picture = torch.cat([picture[: 4 * PICTURES], torch.zeros(2 * PICTURES, WIDTH, dtype=torch.float64)])
    gold = 1.5 * text @ u + 1.5 * picture @ v + 2 * (text @ w) * torch.tanh(2 * picture @ own)
    vectors = torch.cat([text, picture], -1)
    hidden = torch.randn(2 * WIDTH, 64, dtype=torch.float64, generator=rng)
    wide = torch.cat([vectors, (vectors @ hidden / 4 + torch.randn(64, dtype=torch.float64, generator=rng)).relu()], -1)

    def compared(n: int, items: range, purpose: str) -> Told:
        draw = generator(seed, purpose)
        one = items.start + torch.randint(len(items), (n,), generator=draw)
        other = items.start + (one - items.start + 1 + torch.randint(len(items) - 1, (n,), generator=draw)) % len(items)
        wins = torch.rand(n, dtype=torch.float64, generator=draw) < torch.sigmoid(gold[one] - gold[other])
        return pairs(torch.where(wins, one, other), torch.where(wins, other, one))

    shown = compared(PICTURES // 5 if small else PICTURES, range(2 * PICTURES), "pictures")
    written = compared(TEXTS // 10 if small else TEXTS, range(4 * PICTURES, 6 * PICTURES), "texts")
    told = {"pictures": [(shown, BRADLEY_TERRY)], "both": [(shown, BRADLEY_TERRY), (written, BRADLEY_TERRY)]}
    tuning, held_out = torch.arange(600, 840).view(-1, 8), torch.arange(840, 1200).view(-1, 8)

    def trained(head: object, kind: str, features: Tensor = vectors, member: int = 0) -> Tensor:
        """[C, A], scores of the held-out items."""
        steps = 10 if small else 40
        model = at_the_best(
            RIDGES,
            lambda ridge: fitted(features, told[kind], ridge, derive(seed, "head", member), head, steps),
            lambda model: ordered(model.table(tuning), gold[tuning]),
            small,
        )
        return model.table(held_out)

    scores = {f"{name}, {kind}": trained(head, kind) for kind in told for name, head in (("linear", Scalar()), ("two layers", HEAD))}
    scores["wide linear, both"] = trained(Scalar(), "both", wide)
    others = [trained(HEAD, "both", member=member) for member in range(1, 2 if small else MEMBERS)]
    scores["ensemble, both"] = torch.stack([scores["two layers, both"], *others]).mean(0)
    return {name: {"accuracy": ordered(score, gold[held_out])} for name, score in scores.items()}
