"""Secrets of RLHF II: ten reward models vote on the labels they were trained on; what they disbelieve is turned or softened, and how sure
they are is a margin.

World: 150 prompts with 24 answers of sixteen-dimensional vectors, one taste that counts for all prompts (``worlds.finite.rated_answers``).
People compare 500 pairs of the first eight answers to 90 prompts by Bradley-Terry; then a quarter of the labels is turned round. A seed is
another world, other people and other slips.

Voters are linear reward models fitted to resampled pairs: at a minimum the order of the data, which theirs differ in, makes no difference.
Their ridge is that of plain BT. Arms, all linear, fitted to minima at a ridge chosen alike on 30 other prompts:

* BT, and *smoothed BT*: all labels softened alike, by as much as is best of 0.05, 0.1, 0.2 and beyond;
* flip, margin, flip + margin, soft label + margin, as in the paper (``data.curation.voted_labels``). How many are turned, how far margins
  go and how soft labels are, is chosen on the same 30 prompts as the smoothing is, three values for each and beyond.

Measured: *accuracy*, of 30 prompts that nothing was fitted to; *found*: how likely the voted strength is lower for a label that was turned
round than for one that was not; that of a single voter beside it.

MetaRM: to each prompt a later policy gives the eight of the other sixteen answers that BT likes best. *Accuracy later* is of those, on
prompts that nothing was fitted to; the plain arm and MetaRM make 60 steps of gradient descent, with the step up through J of those answers
to 10 of the 90 prompts (``losses.rankings.indistinct``) or without. Step sizes are chosen in the same way, on later answers.

Source: Wang et al. 2024, arXiv 2401.06080, sections 2.2 to 2.5 and 3.2, algorithm 1. The contrastive loss (section 3.1) is not here: with
vectors that are given there is no representation to learn. The smallest difference of interest: 0.01 of accuracy, 0.05 of what is found.
"""

import functools
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, System
from guerdon.atlas.reward_models._vectors import (
    BRADLEY_TERRY,
    CHOSEN,
    RIDGES,
    Model,
    Told,
    at_the_best,
    both_at_the_best,
    drawn,
    fitted,
    ordered,
    pairs,
)
from guerdon.data.curation.voted_labels import VotedLabels
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.labels.noisy import Noisy
from guerdon.losses.labels.soft import Soft
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.rankings.indistinct import Indistinct
from guerdon.losses.scores.head import Head
from guerdon.models.heads.scalar import Scalar
from guerdon.randomness import derive, generator
from guerdon.worlds.finite.rated_answers import RatedAnswers

system = System(
    title="Secrets of RLHF in Large Language Models Part II: Reward Modeling",
    link="https://arxiv.org/abs/2401.06080",
    kind="reward",
    builds_on=("bradley-terry-rm", "rm-ensemble", "label-smoothing", "margin-loss"),
    read="paper",
    untuned=CHOSEN,
    note=(
        "Ten voters find a label that was turned round in 83 of 100 cases, one voter in 80; what is done with it then changes accuracy by no more "
        "than 0.006 either way, which is not told from nothing or inside the effect of interest. MetaRM is a hundredth better on the later policy's "
        "answers. Linear models on 500 labels overfit little to those that were turned round; a network that learns them by heart may gain more."
    ),
)
SOFT = Pairwise(Head(), Logistic(), label=Soft())
METHODS = {  # what is chosen, from which values
    "flip": (lambda value: VotedLabels(value, scale=0.0), (0.1, 0.2, 0.4)),
    "margin": (lambda value: VotedLabels(0.0, scale=value), (0.25, 0.5, 1.0)),
    "flip + margin": (lambda value: VotedLabels(0.2, scale=value), (0.25, 0.5, 1.0)),
    "soft label + margin": (lambda value: VotedLabels(0.0, smoothing=0.4, scale=value), (0.25, 0.5, 1.0)),
}
recipe = {"voted": VotedLabels(), "terms": SOFT, "MetaRM": Indistinct()}
FOUND, LATER = "found", "accuracy later"
SAME = {"matched": "labels", "effect": 0.01}
claim = AllOf(
    BetterThan("ten voters", 0.5, on=FOUND, by=0.1, effect=0.05),
    BetterThan("ten voters", "one voter", on=FOUND, effect=0.05),
    *(BetterThan(arm, "BT", on="accuracy", **SAME) for arm in METHODS),
    *(BetterThan(arm, "smoothed BT", on="accuracy", **SAME) for arm in ("flip + margin", "soft label + margin")),
    BetterThan("MetaRM", "BT by gradient", on=LATER, **SAME),
)
SEEDS = {"smoke": 1, "full": 16}
LABELLED, TUNING, HELD_OUT = range(90), range(90, 120), range(120, 150)
EARLY, REST = range(8), range(8, 24)
PAIRS, TURNED, VOTERS = 500, 0.25, 10
SMOOTHING = (0.05, 0.1, 0.2)
STEPS, AT_ONCE = 60, 10


def experiment(seed: int, scale: str) -> dict:
    small = scale == "smoke"
    world = RatedAnswers(prompts=150, answers=24, qualities=1, width=16, strength=1.5, seed=derive(seed, "world"))
    compared = world.comparisons(PAIRS, derive(seed, "pairs"), LABELLED, EARLY)
    slipped = torch.rand(PAIRS, generator=generator(seed, "slips")) < TURNED
    compared[slipped] = compared[slipped][:, [0, 2, 1]]
    prompt, chosen, rejected = compared.T
    lab = Lab(world, pairs(world.item(prompt, chosen), world.item(prompt, rejected)), seed, small)
    models = {
        "BT": lab.plain(),
        "smoothed BT": lab.tried(SMOOTHING, lambda rate: (lab.told, Pairwise(Head(), Logistic(), label=Noisy(rate)))),
    }
    votes = lab.votes()
    for name, (curation, values) in METHODS.items():
        models[name] = lab.tried(values, lambda value, curation=curation: (lab.relabelled(votes, curation(value)), SOFT))
    arms = {name: {"accuracy": lab.right(model, HELD_OUT)} for name, model in models.items()}
    arms["ten voters"] = {FOUND: found(votes.mean(0), slipped)}
    arms["one voter"] = {FOUND: sum(found(vote, slipped) for vote in votes) / len(votes)}
    return arms | {name: {LATER: value} for name, value in lab.later(models["BT"]).items()}


class Lab:
    """A world, what is told of it, and how models are fitted to that."""

    def __init__(self, world: RatedAnswers, told: Told, seed: int, small: bool):
        self.world, self.told, self.seed, self.small = world, told, seed, small
        self.features, self.reward = world.features(), world.rewards()

    def right(self, model: Model, prompts: range) -> float:
        return ordered(model.table(self.world.table(prompts, EARLY)), self.reward[prompts, EARLY.start : EARLY.stop])

    def plain(self) -> Model:
        fit = functools.partial(fitted, self.features, [(self.told, BRADLEY_TERRY)], seed=self.seed)
        return at_the_best(RIDGES, lambda ridge: fit(ridge=ridge), lambda model: self.right(model, TUNING), self.small)

    def tried(self, values: tuple[float, ...], told: Callable[[float], tuple[Told, Pairwise]]) -> Model:
        """A fit of what is told at the best of the values, and at the best ridge."""
        return both_at_the_best(
            RIDGES,
            values,
            lambda ridge, value: fitted(self.features, [told(value)], ridge, self.seed),
            lambda m: self.right(m, TUNING),
            self.small,
        )

    def votes(self) -> Tensor:
        """[M, n], how far each voter puts the preferred answer ahead."""
        n = len(self.told.sides["chosen_"])
        rows = [torch.randint(n, (n,), generator=generator(self.seed, "resampled", m)) for m in range(2 if self.small else VOTERS)]
        resampled = [replace(self.told, sides={side: items[r] for side, items in self.told.sides.items()}) for r in rows]

        def voters(ridge: float) -> list[Model]:
            return [fitted(self.features, [(told, BRADLEY_TERRY)], ridge, self.seed) for told in resampled]

        models = at_the_best(RIDGES, voters, lambda models: sum(self.right(m, TUNING) for m in models), self.small)
        return torch.stack([model.table(self.told.sides["chosen_"]) - model.table(self.told.sides["rejected_"]) for model in models])

    def relabelled(self, votes: Tensor, curation: VotedLabels) -> Told:
        """The pairs as rows, through the curation."""
        sides = zip(*(items.tolist() for items in self.told.sides.values()), votes.T.tolist(), strict=True)
        rows = [{"chosen": a, "rejected": b, "chosen_votes": vote, "rejected_votes": [0.0] * len(vote)} for a, b, vote in sides]
        labelled = curation(rows)
        named = {name: torch.tensor([row[name] for row in labelled]) for name in labelled[0]}
        columns = {name: named[name].double() for name in ("preference", "margin") if name in named}
        return pairs(named["chosen"], named["rejected"], columns)

    def later(self, plain: Model) -> dict[str, float]:
        """Accuracy on answers that the plain reward model has selected, of reward models that are made by gradient descent."""
        rest = self.world.table(range(self.world.prompts), REST)
        liked = rest.gather(1, plain.table(rest).topk(8, -1).indices)  # [C, 8]
        worth = torch.zeros(self.world.items, dtype=torch.float64).scatter(0, rest.flatten(), self.reward[:, REST.start :].flatten())[liked]
        group = torch.arange(AT_ONCE).repeat_interleave(8)
        batches = [torch.randperm(len(LABELLED), generator=generator(self.seed, "later prompts", step))[:AT_ONCE] for step in range(STEPS)]

        def descended(rate: float, up: float) -> Model:
            model = drawn(self.features, Scalar(), self.seed)
            weight = next(iter(model.module.parameters()))
            for batch in batches[: 10 if self.small else STEPS]:
                start = weight.detach().clone()
                if up:
                    score = model.says(liked[batch].flatten())["score"]
                    (alike,) = torch.autograd.grad(Indistinct()(score, group).sum() / AT_ONCE, weight)
                    weight.data -= up * alike
                (slope,) = torch.autograd.grad(self.told.loss(model, BRADLEY_TERRY).mean(), weight)
                weight.data = start - rate * slope
            return model

        def right(model: Model, prompts: range) -> float:
            return ordered(model.table(liked[prompts]), worth[prompts])

        def chosen(values: tuple[float, ...], fit: Callable[[float], Model]) -> tuple[float, Model]:
            return at_the_best(values, lambda value: (value, fit(value)), lambda found: right(found[1], TUNING), self.small)

        rate, down = chosen((0.3, 1.0, 3.0), lambda rate: descended(rate, 0.0))
        _, up = chosen((0.3, 1.0, 3.0), lambda up: descended(rate, up))
        return {"BT by gradient": right(down, HELD_OUT), "MetaRM": right(up, HELD_OUT)}


def found(strength: Tensor, slipped: Tensor) -> float:
    """The probability that a label that was turned round is less believed than one that was not."""
    difference = strength[~slipped].unsqueeze(-1) - strength[slipped]
    return float((difference.sign().mean() + 1) / 2)
