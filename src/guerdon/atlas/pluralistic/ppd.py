"""PPD: a policy that has seen four comparisons of somebody pleases them more than one that was tuned to everybody, and between two people it goes from one to the other.

World: 40 items with eight-dimensional vectors from N(0, 1), which stand for images; people whose tastes are directions in a plane, with a common part (agreement
0.3), and who judge by Bradley-Terry. A policy draws an item; the reference is the uniform one. 120 people have compared 16 pairs each. A seed is another world.

* PPD: DPO, beta 1, each pair in the name of who judged it; four pairs of a person are what the policy sees of them (embeddings and which was preferred, by
  cross-attention), the other twelve are what it is trained on, and each four in turn are the four;
* population DPO: the same network and loss on the sixteen pairs of everybody, and sees nobody;
* own rewards: DPO of a policy for each person whose log-odds are linear, on all sixteen pairs; somebody new starts as the mean of the 120 and is pulled back to it;
* low-rank rewards: likewise, but everybody is a mixture of five policies' scores, as in LoRe.

With a uniform reference and beta 1, DPO of a policy that is a softmax of a score is Bradley-Terry on the score: so the last two are fitted. They are linear, as are
the tastes, which PPD has to learn. All fits are minima by L-BFGS, at most 100 steps.

Measured on 40 people by whom nothing was trained, with four comparisons each: what the items that a policy draws are worth to the person, in deviations over the items,
with scores multiplied so that the policy's mean KL from the uniform one is 0.5 to 3 nats: what is compared is reward at equal KL. A tenth of a deviation is what
anybody would care about: it is a win rate of 0.53. *Win rate*: how often an item of the policy is worth more to the person than one of population DPO's, both at 2 nats.
That population DPO is behind where people disagree follows from what it is; the two that see the same four pairs can be as good. Ridges, and how hard somebody new is
pulled to the mean, are chosen by the worth at 2 nats of 20 other people.

*Interpolation*, at the sharpness of 2 nats: of each of the 40 and whoever disagrees with them most, what is read of the second takes the place of what is read of the
first by 0, 1/4 ... 1: the mean worth of the items to either.

Before, policies were compared at whatever KL they came to, the reference was a network as it is drawn and not uniform, and what saw the four pairs knew nothing of others.
Then, confirmed once, PPD always saw the same four pairs of a person in training, and learned from a quarter of what there was how to read four: it was behind own rewards by
0.17. That crippled it, and was changed; eight seeds instead of ten, because it takes four times as long.

The paper's items are images, drawn by a diffusion model that reads the user by additional cross-attention, the four pairs being embedded by a vision-language model;
its loss is Diffusion-DPO, its rates of winning are against the base model. Source: Dang et al. 2025, arXiv 2501.06655, abstract and summaries.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from guerdon.atlas import AheadAlong, AllOf, BetterThan, FallsWith, GrowsWith, System
from guerdon.atlas._comparing import minimise
from guerdon.atlas.pluralistic._people import ADAPTING, CHOSEN, RIDGES, adapted, best, fitted, scores, squares
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.models.encoders.embedded import EmbeddedModel
from guerdon.models.finite.scored_items import ItemPolicy, ScoredItems
from guerdon.models.finite.tabular import Tabular
from guerdon.models.heads.attended_user import AttendedUser
from guerdon.models.heads.low_rank_users import LowRankUsers
from guerdon.models.heads.separate_users import SeparateUsers
from guerdon.randomness import derive
from guerdon.sequences import Example
from guerdon.training.recipe import Recipe, Term
from guerdon.worlds.users._crowd import examples
from guerdon.worlds.users.linear_tastes import LinearTastes

system = System(
    title="Personalized Preference Fine-tuning of Diffusion Models",
    link="https://arxiv.org/abs/2501.06655",
    kind="method",
    builds_on=("diffusion-dpo", "user-encoder", "cross-attention-conditioning", "user-simulator"),
    read="summary",
    untuned=CHOSEN,
    note=(
        "Ahead of what sees nobody, by construction. Against rewards that see the same four pairs eight seeds decide nothing: "
        "0.18 ahead of own rewards, 0.09 behind low-rank ones, at equal KL. A first confirmation, in which it had seen four "
        "pairs a person in training where the others had sixteen, had it behind both."
    ),
)
ITEMS, USERS, VALIDATION, PEOPLE, SHOTS, TRAINED = range(40), 120, 20, 40, 4, 12
STEPS, PRICES, PRICE = (0.0, 0.25, 0.5, 0.75, 1.0), (0.5, 1.0, 1.5, 2.0, 2.5, 3.0), 2.0
DPO = (Term(Pairwise(LogRatio(beta=1.0), Logistic())),)
UNIFORM = Tabular(1, len(ITEMS))
recipe = {"PPD": Recipe(DPO)}
RIVALS = {"own rewards": SeparateUsers, "low-rank rewards": LowRankUsers}
WINS, WORTH = "win rate over population DPO", "worth of items"
FIRST, SECOND = "worth to the first, by interpolation", "worth to the second, by interpolation"
claim = AllOf(
    AheadAlong("PPD", "population DPO", on=WORTH, along="KL", effect=0.1, by_construction=True),
    BetterThan("PPD", 0.5, on=WINS, by=0.05, effect=0.03, matched="KL", by_construction=True),
    *(AheadAlong("PPD", rival, on=WORTH, along="KL", effect=0.1) for rival in RIVALS),
    FallsWith("PPD", on=FIRST, every_step=True),
    GrowsWith("PPD", on=SECOND, every_step=True),
)
SEEDS = {"smoke": 1, "full": 8}


def experiment(seed: int, scale: str) -> dict:
    here = Population(seed, scale == "smoke")
    crowd, ppd = here.best_policy(sees=False), here.best_policy(sees=True)
    scored = {"population DPO": here.scored(crowd, here.those), "PPD": here.scored(ppd, here.those)}
    scored |= {name: here.best_adapted(head) for name, head in RIVALS.items()}
    everybody, worth = sharpened(scored["population DPO"], PRICE), here.standard[here.those]
    arms: dict[str, dict] = {}
    for name, score in scored.items():
        curve = {price: pleased(sharpened(score, price), worth) for price in PRICES}
        arms[name] = {WORTH: curve, "KL": {price: price for price in PRICES}, WINS: win_rate(sharpened(score, PRICE), everybody, worth)}
    first, second = between(here.shown(ppd, here.those), worth, sharpness(scored["PPD"], PRICE))
    arms["PPD"] |= {FIRST: dict(zip(STEPS, first, strict=True)), SECOND: dict(zip(STEPS, second, strict=True))}
    return arms


class Population:
    """The people of a seed, and what is fitted to them. ``quick``: the middle ridges, and fits that stop early."""

    def __init__(self, seed: int, quick: bool):
        self.seed, self.quick = seed, quick
        users, validation, people = (16, 4, 8) if quick else (USERS, VALIDATION, PEOPLE)
        everybody = users + validation + people
        self.world = LinearTastes(len(ITEMS), everybody, 8, rank=2, agreement=0.3, strength=2.0, seed=derive(seed, "world"))
        self.users, self.tried, self.those = range(users), range(users, users + validation), range(users + validation, everybody)
        utility, each = self.world.utility(), SHOTS + TRAINED
        self.standard = (utility - utility.mean(-1, keepdim=True)) / utility.std(-1, keepdim=True)
        self.verdicts = self.world.verdicts(range(everybody), each, ITEMS, derive(seed, "verdicts")).view(everybody, each, 3)

    def chosen(self, values: tuple[float, ...], score: Callable[[float], float]) -> float:
        return values[1] if self.quick else best(values, score)

    def right(self, score: Tensor) -> float:
        """What choices are made by, of scores for those by whom they are made."""
        return pleased(sharpened(score, PRICE), self.standard[self.tried])

    # policies of one network

    def best_policy(self, sees: bool) -> ItemPolicy:
        policies: dict[float, ItemPolicy] = {}

        def score(ridge: float) -> float:
            policies[ridge] = self.trained(ridge, sees)
            return self.right(self.scored(policies[ridge], self.tried))

        ridge = self.chosen(RIDGES, score)
        return policies[ridge] if ridge in policies else self.trained(ridge, sees)

    def trained(self, ridge: float, sees: bool) -> ItemPolicy:
        pairs, turns = self.verdicts[self.users].unflatten(1, (-1, SHOTS)), (SHOTS + TRAINED) // SHOTS  # [U, turns, SHOTS, 3]
        readers = turns * len(self.users) if sees else 1
        policy = ScoredItems(self.world, AttendedUser(readers, units=16)).build(self.seed)
        policy.module.double()
        if sees:  # a reader is a person in one of the turns
            policy.acquaint(self.named(pairs.flatten(0, 1)))
            told = self.named(
                torch.stack([pairs[:, [other for other in range(turns) if other != turn]] for turn in range(turns)], 1).flatten(0, 1)
            )
        else:
            told = self.named(pairs.unsqueeze(0))
        minimise(policy, DPO, told, UNIFORM.build(), steps=20 if self.quick else 100, penalty=squares(policy, ridge))
        return policy

    def named(self, pairs: Tensor) -> list[Example]:
        """Verdicts [R, ..., 3] of so many, who are counted from 0 on."""
        each = pairs.flatten(1, -2)
        return examples(each.flatten(0, 1), user=torch.arange(len(each)).repeat_interleave(each.shape[1]))

    def shots(self, to: range) -> list[Example]:
        """What a policy sees of people, who are counted from 0 on."""
        return self.named(self.verdicts[to, :SHOTS])

    def shown(self, policy: ItemPolicy, to: range) -> ItemPolicy:
        """The policy for these people, of whom it sees four pairs if it was trained to."""
        new = policy.for_new_users(len(to))
        if policy.head.users > 1:
            new.acquaint(self.shots(to))
        return new

    @torch.no_grad()
    def scored(self, policy: ItemPolicy, to: range) -> Tensor:
        return self.shown(policy, to).log_probabilities(torch.arange(len(to)))

    # rewards of one's own

    def best_adapted(self, head: Callable[[int], Any]) -> Tensor:
        """Scores for those who count, by a head that was fitted to all pairs of the users and to four of each of them."""
        told, models = examples(self.verdicts[self.users].flatten(0, 1)), {}

        def score(ridge: float) -> float:
            models[ridge] = fitted(self.world, head(len(self.users)), told, ridge, self.seed, steps=20 if self.quick else 100)
            return self.right(self.pulled(models[ridge], self.tried, self.best_pull(models[ridge])))

        ridge = self.chosen(RIDGES, score)
        if ridge not in models:
            score(ridge)
        return self.pulled(models[ridge], self.those, self.best_pull(models[ridge]))

    def best_pull(self, model: EmbeddedModel) -> float:
        return self.chosen(ADAPTING, lambda pull: self.right(self.pulled(model, self.tried, pull)))

    def pulled(self, model: EmbeddedModel, to: range, pull: float) -> Tensor:
        """[U, I]"""
        return scores(adapted(model, self.verdicts[to, :SHOTS].flatten(0, 1), pull), self.world, to, ITEMS, new=True)


def sharpness(score: Tensor, nats: float) -> float:
    """By how much scores [U, I] are to be multiplied for softmax policies whose mean KL from the uniform one is ``nats``."""
    low, high = 1e-6, 1e6
    for _ in range(60):
        middle = (low * high) ** 0.5
        policy = (middle * score).softmax(-1)
        kl = (policy * (policy * score.shape[-1]).clamp(min=1e-300).log()).sum(-1).mean()
        low, high = (middle, high) if kl < nats else (low, middle)
    return low


def sharpened(score: Tensor, nats: float) -> Tensor:
    """[U, I], these policies."""
    return (sharpness(score, nats) * score).softmax(-1)


def pleased(policy: Tensor, worth: Tensor) -> float:
    """What the items of policies [U, I] are worth to their people."""
    return float((policy * worth).sum(-1).mean())


def win_rate(policy: Tensor, other: Tensor, worth: Tensor) -> float:
    """How often an item of the one is worth more than one of the other, both [U, I], to those whom items are worth so much; the same item is a draw."""
    better = (worth.unsqueeze(-1) > worth.unsqueeze(-2)).double() + 0.5 * torch.eye(worth.shape[-1], dtype=torch.float64)
    return float(torch.einsum("ui,uij,uj->u", policy, better, other).mean())


@torch.no_grad()
def between(policy: ItemPolicy, worth: Tensor, sharp: float) -> tuple[list[float], list[float]]:
    """For each step, what the policy's items are worth to the first and to the second of two people, of whom it sees the second to that extent."""
    scorer, head = policy.scorer, policy.scorer.head
    module, items = scorer.module["head"], scorer.encoder.table.double()
    pairs = torch.stack([torch.arange(len(worth)), torch.corrcoef(worth).argmin(-1)], -1)
    seen = [
        torch.stack([head.seen(module, items, torch.full((len(items),), int(who))) for who in side]) for side in pairs.T
    ]  # [pairs, I, D]
    curves: tuple[list[float], list[float]] = ([], [])
    for share in STEPS:
        drawn = (sharp * module["reward"](items + (1 - share) * seen[0] + share * seen[1]).squeeze(-1)).softmax(-1)
        for side, curve in zip(pairs.T, curves, strict=True):
            curve.append(pleased(drawn, worth[side]))
    return curves
