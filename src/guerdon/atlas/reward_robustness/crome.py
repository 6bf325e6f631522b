"""Crome: answers that are edited in what matters, and pairs in which nothing matters, for a reward that is to see the one and not the other.

World: as for ODIN (``_marks.liked``, with 192 answers to a context): four qualities whose worth bends, and a mark that is worth nothing, goes along
with quality a little (0.3) and is liked as much as a deviation of it; a linear head on 64 random features; what a reward asks for at each KL exactly.
The oracle of the paper, a language model that knows what is good and is not told what is spurious, is here somebody who can change one quality of an
answer (by a deviation, for better or for worse) and leaves the rest as it is, and who can put both answers of a comparison under a question that
neither answers, where no quality is worth anything: their vectors with all qualities 0, and the marks.

Arms: "BT" on 400 comparisons; "BT, more comparisons": on 1,200, as many pairs as Crome has; "causal only": 400 comparisons and 400 edited answers,
the better one preferred; "neutral only": 400 comparisons and 400 ties; "Crome": all three. The ridge of each is tuned, by the mean of gold over the
budgets.

Measured, exact: "accuracy" by gold under the reference, and "accuracy, apart", where the mark is independent of quality; "gold" at each KL, and
"gold, best of n" of the reference's answers, n = 4, 16, 64; "|correlation|" with the mark. The edits tell Crome about worth what comparisons do not:
that it is ahead of "BT, more comparisons" is the claim that could be false.

Source: Srivastava et al. 2025, arXiv 2506.16507, abstract and summaries (no code is public). There Gemma-2-9B, a language model as the oracle,
RewardBench and best of N. Chosen here: the world, its sizes, and that an edit is right. The smallest differences of interest: 0.02 of accuracy, 0.05
of gold.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from guerdon.atlas import AheadAlong, AllOf, BetterThan, System
from guerdon.atlas.reward_robustness._marks import learned, liked, looked_at
from guerdon.atlas.reward_robustness._proxies import accuracy, best_of, scores
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.labels.tied import Tied
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.head import Head
from guerdon.models.encoders.random_features import RandomFeatures
from guerdon.randomness import generator
from guerdon.training.recipe import Term
from guerdon.worlds.finite.exploitable import Exploitable

system = System(
    title="Robust Reward Modeling via Causal Rubrics",
    link="https://arxiv.org/abs/2506.16507",
    kind="reward",
    builds_on=("bradley-terry", "tied", "unrelated-prompts", "best-of-n", "exponential-tilt"),
    read="abstract",
    note=(
        "As the paper says in every leaf: where the mark is independent of quality 0.90 of pairs are ordered right (0.74 by Bradley-Terry, and no more of three times "
        "the comparisons, which repeat the bias), and gold at equal KL is higher by 0.27; ties and edits each do a part of it. The oracle never errs here."
    ),
)
TIES = (Term(Pairwise(Head(), Logistic(), label=Tied())),)
recipe = {"Crome": TIES}
ARMS = ("BT", "BT, more comparisons", "causal only", "neutral only", "Crome")
GRID = {arm: {"ridge": (0.003, 0.01, 0.03)} for arm in ARMS}
TUNED_BY = "mean gold"
claim = AllOf(
    *(
        leaf
        for other in ARMS[:2]
        for leaf in (
            BetterThan("Crome", other, on="accuracy, apart", effect=0.02, matched="comparisons" if other == "BT" else "pairs"),
            AheadAlong("Crome", other, on="gold", along="KL", effect=0.05),
            BetterThan("Crome", other, on="gold, best of n", at="last", effect=0.05, matched="n"),
        )
    ),
    *(AheadAlong("Crome", other, on="gold", along="KL", effect=0.05) for other in ARMS[2:4]),
)
SEEDS = {"smoke": 1, "full": 6, "tune": 2}
PAIRS = {"smoke": 60, "full": 400}


@dataclass(frozen=True)
class Edited:
    """The items of a world, and more of them after these."""

    world: Exploitable
    more: tuple[Tensor, ...] = ()

    def features(self) -> Tensor:
        return torch.cat([self.world.features(), *self.more])


def trial(arm: str, seed: int, scale: str, ridge: float) -> dict:
    smoke = scale == "smoke"
    world = replace(liked(seed, scale), answers=64 if smoke else 192)
    verdicts = world.comparisons(PAIRS[scale] * (3 if arm == "BT, more comparisons" else 1), seed)
    items, pairs, tie = augmented(arm, world, verdicts, seed)
    told = {"terms": TIES, "pairs": {"tie": tie}, "ridge": ridge, "steps": 20 if smoke else 150}
    model = learned(items, pairs, seed, **told)
    proxy = scores(model, world)
    apart = replace(world, correlation=0.0)
    model.encoder = RandomFeatures(apart, seed=seed).build()
    best = best_of(proxy, world, (4, 16) if smoke else (4, 16, 64)).numbers(world, proxy)["gold"]
    found = looked_at(proxy, world, (0.5, 2.0) if smoke else (0.5, 1.0, 2.0, 3.0))
    return found | {"gold, best of n": best, "accuracy, apart": accuracy(scores(model, apart), apart)}


def augmented(arm: str, world: Exploitable, verdicts: Tensor, seed: int) -> tuple[Edited, Tensor, Tensor]:
    """The items, the pairs [n, 3] and which of them are ties [n]."""
    features, pairs, ties, more = world.features(), [verdicts], [torch.zeros(len(verdicts), dtype=torch.float64)], []
    first = len(features)
    none = torch.zeros(len(verdicts), dtype=torch.long)
    if arm in ("causal only", "Crome"):
        rng = generator(seed, "edits")
        edited = features[verdicts[:, 1]].clone()
        which = torch.randint(world.causes, (len(verdicts), 1), generator=rng)
        way = torch.where(torch.rand(len(verdicts), 1, generator=rng) < 0.5, 1.0, -1.0).double()
        before = edited.gather(1, which)
        edited.scatter_(1, which, before + way)
        better = worth_of(before + way, world) > worth_of(before, world)
        own = first + torch.arange(len(verdicts))
        preferred = torch.where(better.squeeze(-1), own, verdicts[:, 1])
        pairs.append(torch.stack([none, preferred, own + verdicts[:, 1] - preferred], -1))
        ties.append(torch.zeros(len(verdicts), dtype=torch.float64))
        more.append(edited)
        first += len(edited)
    if arm in ("neutral only", "Crome"):
        for side in (1, 2):
            beside = features[verdicts[:, side]].clone()
            beside[:, : world.causes] = 0.0
            more.append(beside)
        own = first + torch.arange(len(verdicts))
        pairs.append(torch.stack([none, own, own + len(verdicts)], -1))
        ties.append(torch.ones(len(verdicts), dtype=torch.float64))
    return Edited(world, tuple(more)), torch.cat(pairs), torch.cat(ties)


def worth_of(quality: Tensor, world: Exploitable) -> Tensor:
    """What one quality is worth, up to its weight: rising as far as the bend."""
    return torch.where(quality <= world.bend, quality, world.bend - world.steep * (quality - world.bend))
