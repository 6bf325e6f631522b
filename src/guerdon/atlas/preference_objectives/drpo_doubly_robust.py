"""Doubly robust alignment: an estimate of the win rate that is right if either the preference model or the reference policy is.

World: six answers; people prefer i to j with sigmoid(r_i - r_j + a_ij), r from N(0, 1) and a from N(0, 2.25), antisymmetric: no score
explains them. The data are pairs from a policy with logits from N(0, 1/2), 4,000 of them with one label each. A *right* preference model
knows people's probabilities; a *wrong* one has scores of its own, half of r plus N(0, 1), by Bradley-Terry. A *right* reference is the
policy that answered; a *wrong* one is another draw. The aim is the win rate against the policy that answered, minus 0.1 times the KL from
the reference that one has, which is also where training starts. A seed is another world.

*Estimate*, exactly, of the win rate of a random policy: the bias of the doubly robust estimate, of the preference model alone and of the
labels alone (importance weighting, that is, a model that always says 1/2), with each of the two right or wrong. No clipping.

*Learning*, from the labels, where either the model or the reference is wrong: 150 steps of Adam at 0.1 on minus the estimate plus a KL. What a
preference model says of the policy's own answers is summed over all of them, not sampled. DPO on the labels, and PPO as the optimum of a
reward in closed form: Bradley-Terry scores of the labels ("PPO"), or, where the preference model is wrong, its scores ("PPO on the model's
reward"). Measured: regret by the aim. Every arm is tuned by it, for either setting: beta, which is in another unit for each loss, and besides
the bound of the ratio for whatever is doubly robust, and the iterations of DPO; PPO, which has no other knob, has nine betas.

Claimed: no bias where either is right, some where both are wrong; less regret than DPO and PPO by 0.01, a hundredth of a win; less than the
preference model alone where that is wrong and than the labels alone where the reference is wrong, by construction: each lacks what the other
half knows.

Source: Xu et al. 2025, arXiv 2506.01183: the estimate, and that it is doubly robust; the gradient and the bound of 10 as in its authors' code.
Its text could not be read in full. What trials showed first: a Bradley-Terry model that was fitted to the same labels by maximum likelihood
leaves nothing to correct, the residuals of each answer sum to 0, so the wrong model had to be one from elsewhere; and in a table DPO with
another reference is DPO with another anchor, so a wrong reference does it little harm.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache

import torch
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, EqualTo, Knob, System, TunedBy
from guerdon.atlas._comparing import ComparisonWorld, loss_on, minimise
from guerdon.exact.solvers.kl_regularised_optimum import KLRegularisedOptimum
from guerdon.losses.comparisons.doubly_robust import DoublyRobust
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.models.finite.policy import TablePolicy
from guerdon.models.finite.tabular import Tabular
from guerdon.randomness import derive, generator
from guerdon.sequences import Example
from guerdon.training.recipe import Term

system = System(
    title="Doubly Robust Alignment for Large Language Models",
    link="https://arxiv.org/abs/2506.01183",
    kind="method",
    builds_on=("preference-model", "importance-ratio", "doubly-robust-estimator", "kl-penalty", "dpo", "reinforce"),
    read="code",
    note=(
        "The estimate is doubly robust to the last digit, and what is learned from it has less regret than either half where that half is wrong. DPO "
        "and PPO on the same labels, tuned, are equal to it within 0.01: pairs of one policy's answers are enough for Bradley-Terry to get every "
        "answer's win rate against that policy right, whatever cycles there are."
    ),
)
ANSWERS, LABELS, BETA, RATE, STEPS = 6, 4000, 0.1, 0.1, 150
UNCLIPPED = DoublyRobust(bound=float("inf"))
SETTINGS = {  # which of the two is right
    "both right": (True, True),
    "model wrong": (False, True),
    "reference wrong": (True, False),
    "both wrong": (False, False),
}
ONE_RIGHT = ("model wrong", "reference wrong")
recipe = {"correction": Pairwise(LogRatio(1.0), DoublyRobust())}
_NINE = {"beta": (0.05, 0.1, 0.2, 0.4, 0.7, 1.0, 1.5, 2.5, 4.0)}
_KNOBS = {
    "DPO": {"beta": (0.4, 0.8, 1.6), "iterations": Knob((10, 30, 100), most=300)},
    "PPO": _NINE,
    "doubly robust": {"beta": (0.05, 0.1, 0.2), "bound": (3.0, 10.0, 30.0)},
}
GRID = {f"{arm}, {setting}": knobs for arm, knobs in _KNOBS.items() for setting in ONE_RIGHT} | {
    "PPO on the model's reward, model wrong": _NINE
}
TUNED_BY = TunedBy("regret", lower_is_better=True)
_less = {"on": "regret", "lower_is_better": True, "effect": 0.01, "matched": "labels, price in the objective"}
claim = AllOf(
    *(EqualTo("doubly robust", 0.0, on=f"bias, {setting}", tolerance=1e-6) for setting in ("both right", *ONE_RIGHT)),
    BetterThan("doubly robust", 0.01, on="bias, both wrong", effect=0.005),
    *(BetterThan(f"doubly robust, {setting}", f"{other}, {setting}", **_less) for setting in ONE_RIGHT for other in ("DPO", "PPO")),
    BetterThan("doubly robust, model wrong", "PPO on the model's reward, model wrong", **_less, by_construction=True),
    BetterThan("doubly robust, model wrong", "preference model alone, model wrong", **_less, by_construction=True),
    BetterThan("doubly robust, reference wrong", "labels alone, reference wrong", **_less, by_construction=True),
)
SEEDS = {"smoke": 1, "full": 36, "tune": 4}


@lru_cache(maxsize=4)
def begun(seed: int) -> tuple["People", Tensor, int]:
    """People, and what they have labelled."""
    return People(seed), *draw(seed)


def trial(arm: str, seed: int, scale: str, beta: float, bound: float = 10.0, iterations: int = 200) -> dict[str, float]:
    (people, pairs, equal), (name, setting) = begun(seed), arm.split(", ")
    model_right, reference_right = SETTINGS[setting]
    start, model = people.answering if reference_right else people.another, people.model(model_right)
    if name == "DPO":
        policy = people.dpo(pairs, start, beta, iterations)
    elif name == "doubly robust":
        policy = learned(people, pairs, equal, model, start, True, 10 if scale == "smoke" else STEPS, beta, bound)
    else:
        policy = best(people.scores(pairs) if name == "PPO" else people.wrong, start, beta)
    return {"regret": people.regret(policy, start)}


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    people, pairs, equal = begun(seed)
    arms: dict[str, dict] = {arm: trial(arm, seed, scale, **setting) for arm, setting in tuned.items()}
    steps, halves = (
        10 if scale == "smoke" else STEPS,
        {"doubly robust": (1, True), "preference model alone": (1, False), "labels alone": (0, True)},
    )
    for setting, (model_right, reference_right) in SETTINGS.items():
        start, right = people.answering if reference_right else people.another, people.model(model_right)
        for name, (asks, corrected) in halves.items():
            model = right if asks else torch.full_like(right, 0.5)
            arms.setdefault(name, {})[f"bias, {setting}"] = abs(people.bias(model, start, corrected))
            if setting in ONE_RIGHT and name != "doubly robust":
                found = learned(people, pairs, equal, model, start, corrected, steps, BETA, 10.0)
                arms[f"{name}, {setting}"] = {"regret": people.regret(found, start)}
    return arms


def draw(seed: int) -> tuple[Tensor, int]:
    """[n, 2] labelled pairs of different answers, the preferred one first, and how many of the 4,000 pairs had the same answer twice, of which a label says nothing."""
    people, rng = People(seed), generator(seed, "answers")
    drawn = torch.multinomial(people.share, 2 * LABELS, replacement=True, generator=rng).view(-1, 2)
    wins = torch.rand(LABELS, dtype=torch.float64, generator=rng) < people.prefer[drawn[:, 0], drawn[:, 1]]
    labelled = torch.where(wins.unsqueeze(-1), drawn, drawn.flip(-1))
    different = drawn[:, 0] != drawn[:, 1]
    return labelled[different], int((~different).sum())


@dataclass(frozen=True)
class People:
    """A seed's answers, who gave them, and what people think of them."""

    seed: int

    @cached_property
    def reward(self) -> Tensor:
        return torch.randn(ANSWERS, dtype=torch.float64, generator=generator(self.seed, "rewards"))

    @cached_property
    def prefer(self) -> Tensor:
        cycles = torch.randn(ANSWERS, ANSWERS, dtype=torch.float64, generator=generator(self.seed, "cycles"))
        return torch.sigmoid(self.reward.unsqueeze(-1) - self.reward + 1.5 * (cycles - cycles.T) / 2**0.5)

    @cached_property
    def wrong(self) -> Tensor:
        """[S], the scores of the wrong preference model."""
        return 0.5 * self.reward + torch.randn(ANSWERS, dtype=torch.float64, generator=generator(self.seed, "model"))

    def model(self, right: bool) -> Tensor:
        return self.prefer if right else torch.sigmoid(self.wrong.unsqueeze(-1) - self.wrong)

    def answering(self) -> TablePolicy:
        return Tabular(1, ANSWERS, deviation=0.5**0.5, seed=derive(self.seed, "answering")).build()

    def another(self) -> TablePolicy:
        return Tabular(1, ANSWERS, deviation=0.5**0.5, seed=derive(self.seed, "another")).build()

    @cached_property
    def share(self) -> Tensor:
        """[S], how often each answer is given in the data."""
        return self.answering().probabilities(0).detach()

    @cached_property
    def world(self) -> ComparisonWorld:
        return ComparisonWorld(self.reward, self.answering, BETA, self.prefer)

    def bias(self, model: Tensor, start: Callable[[], TablePolicy], corrected: bool) -> float:
        """The expectation of the estimate for a random policy, minus its win rate."""
        policy, share = Tabular(1, ANSWERS, deviation=1.0, seed=derive(self.seed, "policy")).build(), self.share
        now = policy.probabilities(0).detach()
        estimate = now @ (model @ share)
        if corrected:
            pairs = (~torch.eye(ANSWERS, dtype=torch.bool)).nonzero()
            often = share[pairs].prod(-1) * self.prefer[pairs[:, 0], pairs[:, 1]]  # twice that: in either order
            examples = self.world.examples(pairs, often / often.mean(), preference=model[pairs[:, 0], pairs[:, 1]])
            estimate = (
                estimate - 2 * often.sum() * loss_on(policy, (Term(Pairwise(LogRatio(1.0), UNCLIPPED)),), examples, start())().detach()
            )
        return float(estimate - now @ (self.prefer @ share))

    def regret(self, policy: Tensor, start: Callable[[], TablePolicy]) -> float:
        wins, reference = self.prefer @ self.share, start().probabilities(0).detach()
        found = KLRegularisedOptimum(BETA)(wins, reference)
        kl = torch.special.xlogy(policy, policy / reference).sum()
        return float(found["value"] - (policy @ wins - BETA * kl))

    def dpo(self, pairs: Tensor, start: Callable[[], TablePolicy], beta: float, iterations: int) -> Tensor:
        policy = start()
        minimise(policy, (Term(Pairwise(LogRatio(beta), Logistic())),), self.world.counted(pairs), steps=iterations)
        return policy.probabilities(0).detach()

    def scores(self, pairs: Tensor) -> Tensor:
        """[S], Bradley-Terry scores of the labels by maximum likelihood."""
        table = Tabular(1, ANSWERS).build()
        minimise(table, (Term(Pairwise(LogRatio(1.0), Logistic())),), self.world.counted(pairs))
        return table.log_probabilities()[0].detach()


def best(scores: Tensor, start: Callable[[], TablePolicy], beta: float) -> Tensor:
    return KLRegularisedOptimum(beta)(scores, start().probabilities(0).detach())["policy"]


def learned(
    people: People,
    pairs: Tensor,
    equal: int,
    model: Tensor,
    start: Callable[[], TablePolicy],
    corrected: bool,
    steps: int,
    beta: float,
    bound: float,
) -> Tensor:
    """[S], the policy that maximises the estimate from the labels minus the KL."""
    policy, reference = start(), start().reference()
    answers = torch.bincount(pairs.flatten(), minlength=ANSWERS) + 2 * equal * people.share  # equal pairs at their expectation
    said = model @ (answers / answers.sum())
    correction = loss_on(policy, (Term(Pairwise(LogRatio(1.0), DoublyRobust(bound))),), with_model(people, pairs, model), reference)
    optimiser = torch.optim.Adam(policy.module.parameters(), lr=RATE)
    for _ in range(steps):
        optimiser.zero_grad()
        loss = beta * policy.kl(reference).sum() - policy.expect(said.unsqueeze(0)).sum()
        if corrected:
            loss = loss + len(pairs) / (len(pairs) + equal) * correction()
        loss.backward()
        optimiser.step()
    return policy.probabilities(0).detach()


def with_model(people: People, pairs: Tensor, model: Tensor) -> list[Example]:
    different, count = torch.unique(pairs, dim=0, return_counts=True)
    return people.world.examples(different, count / count.double().mean(), preference=model[different[:, 0], different[:, 1]])
