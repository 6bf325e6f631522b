"""QRM: quantiles of the ratings of each quality, mixed by the prompt, say what a mean says and besides what is risked.

World: 120 prompts with 24 answers of twelve-dimensional vectors; two qualities count, by a softmax of the prompt
(``worlds.finite.rated_answers``). Those who rate are of two camps: of the one an answer's ratings lie above its qualities by relu(1 + c .
x), c of length 0.8, of the other as much below, each with an error of deviation 0.3. 1,500 random answers to 80 of the prompts are rated in
both respects by somebody of a random camp, and 500 pairs compared by three times the mean reward. A seed is another world.

* QRM: nine quantiles of each quality by the pinball loss, then a gate of one layer with 16 units by the comparisons, on the mean of the
  mixed quantiles (the head ``gated_quantiles``);
* point: the means of each quality by squares, and the same gate (``gated_attributes``). Its quantiles are those of a normal distribution
  around its score, as wide as its errors are on the ratings that it was fitted to.

Fits are minima by L-BFGS, the pinball loss's as far as 100 steps of it go; ridges are chosen alike on 20 more prompts, those of the
qualities by their loss, the gates' by accuracy. Measured on 20 others, exactly: *accuracy* of pairs by the mean reward; *miscalibration*,
the mean of |F(q_tau) - tau| over the nine quantiles, F the true distribution of what a random person thinks of the answer; *spread*, the
rank correlation of the distance between the outer quantiles with the true distance between the camps.

Policies are the exact tilts of a score within budgets of KL: that of the point model, of QRM's mean, and of *QRM, averse*, its certainty
equivalent by -exp(-x). *Not low*: how likely a random person rates a random answer of the policy above -1; also at equal *mean* reward, for
which a careful policy must pay.

Source: Dorka 2024, arXiv 2409.10164, its abstract and summaries. There a frozen Llama 3 8B, the attributes of ArmoRM, and policies trained
by RLOO. The camps, the sizes and the aversion are ours. Smallest differences of interest: 0.01 of accuracy, 0.02 of the others.
"""

import copy

import torch
from torch import Tensor

from guerdon.atlas import AheadAlong, AllOf, BetterThan, NoWorseThan, System
from guerdon.atlas.reward_models._vectors import BRADLEY_TERRY, CHOSEN, RIDGES, Model, Told, at_the_best, drawn, minimised, ordered, pairs
from guerdon.evaluation.metrics.rank_correlation import RankCorrelation
from guerdon.exact.solvers.exponential_tilt import ExponentialTilt
from guerdon.losses.attributes.attribute_square import AttributeSquare
from guerdon.losses.quantiles.attribute_pinball import AttributePinball
from guerdon.models.heads.gated_attributes import GatedAttributes
from guerdon.models.heads.gated_quantiles import GatedQuantiles
from guerdon.randomness import derive, generator
from guerdon.worlds.finite.rated_answers import RatedAnswers

system = System(
    title="Quantile Regression for Distributional Reward Models in RLHF",
    link="https://arxiv.org/abs/2409.10164",
    kind="reward",
    builds_on=("quantile-regression", "bradley-terry-rm", "multi-head-rm", "gated-attributes"),
    read="abstract",
    untuned=CHOSEN,
    note=(
        "What is risked is recovered (a rank correlation of 0.99), and of a policy that minds it 3 to 4 answers in a hundred fewer are rated low, at equal KL "
        "and at equal mean reward. With the same ratings QRM ranks a hundredth better than means by squares; camps that differ by prompt were not tried."
    ),
)
NAMES, QUANTILES, ERROR, LOW = ("first", "second"), 9, 0.3, -1.0
HEADS = {"QRM": GatedQuantiles(2, QUANTILES, units=16, hidden=1), "point": GatedAttributes(2, units=16, hidden=1)}
AVERSE = GatedQuantiles(2, QUANTILES, units=16, hidden=1, aversion=1.0)
LOSSES = {"QRM": AttributePinball(NAMES), "point": AttributeSquare(NAMES)}
QUALITIES = {"QRM": "quantiles", "point": "attributes"}
recipe = {"qualities": LOSSES, "gate": BRADLEY_TERRY, "averse": AVERSE}
claim = AllOf(
    NoWorseThan("QRM", "point", on="accuracy", margin=0.01, matched="ratings, comparisons"),
    BetterThan("QRM", "point", on="miscalibration", effect=0.02, lower_is_better=True, matched="ratings, comparisons"),
    BetterThan("QRM", 0.5, on="spread"),
    BetterThan("QRM, averse", "point", on="not low", at=1.0, effect=0.02, matched="KL"),
    AheadAlong("QRM, averse", "QRM", on="not low", along="KL", effect=0.02),
    AheadAlong("QRM, averse", "point", on="not low", along="mean", effect=0.02),
)
SEEDS = {"smoke": 1, "full": 6}
LABELLED, TUNING, HELD_OUT, ANSWERS = range(80), range(80, 100), range(100, 120), range(24)
RATED, COMPARED, BUDGETS = 1500, 500, (0.25, 0.5, 1.0, 1.5)


def experiment(seed: int, scale: str) -> dict:
    small = scale == "smoke"
    lab = Lab(derive(seed, "world"), small)
    models = {name: lab.trained(name) for name in HEADS}
    arms: dict[str, dict] = {}
    for name, model in models.items():
        score = lab.said(model, HELD_OUT)
        arms[name] = {"accuracy": ordered(score, lab.reward[HELD_OUT])} | lab.bought(score)
    arms["QRM, averse"] = lab.bought(lab.said(Model(AVERSE, models["QRM"].module, lab.features), HELD_OUT))
    quantiles = lab.said(models["QRM"], HELD_OUT, "quantile_score")
    tau = torch.arange(1, QUANTILES + 1, dtype=torch.float64) / (QUANTILES + 1)
    wide = lab.told.loss(models["point"], LOSSES["point"]).detach().mean().sqrt()
    around = lab.said(models["point"], HELD_OUT).unsqueeze(-1) + wide * torch.special.ndtri(tau)
    for name, said in (("QRM", quantiles), ("point", around)):
        arms[name]["miscalibration"] = float((lab.below(said, HELD_OUT) - tau).abs().mean())
    between = (quantiles[..., -1] - quantiles[..., 0]).flatten()
    arms["QRM"]["spread"] = float(RankCorrelation()(between, lab.risk[HELD_OUT].flatten()))
    return arms


class Lab:
    """A world, what is said of its answers by people of two camps, and models of that."""

    def __init__(self, seed: int, small: bool):
        self.world = RatedAnswers(prompts=120, answers=24, qualities=2, sharpness=3.0, strength=1.0, seed=seed)
        self.seed, self.small, self.features, self.reward = seed, small, self.world.features(), self.world.rewards()
        way = torch.randn(self.world.width, dtype=torch.float64, generator=generator(seed, "camps"))
        self.risk = (1 + self.world.vectors() @ (0.8 * way / way.norm())).relu()
        self.error = ERROR * self.world.weights().norm(dim=-1, keepdim=True)  # [C, 1], of a reward that is rated quality by quality
        self.told, self.unseen = self.ratings(LABELLED, "rated"), self.ratings(TUNING, "unseen")
        prompt, better, worse = self.world.comparisons(COMPARED, derive(seed, "pairs"), LABELLED, ANSWERS, 3 * self.reward).T
        self.compared = pairs(self.world.item(prompt, better), self.world.item(prompt, worse), context=prompt)

    def ratings(self, prompts: range, purpose: str) -> Told:
        n, rng = (RATED // 10 if self.small else RATED), generator(self.seed, purpose)
        prompt = prompts.start + torch.randint(len(prompts), (n,), generator=rng)
        answer = torch.randint(len(ANSWERS), (n,), generator=rng)
        camp = 2 * torch.randint(2, (n,), generator=rng) - 1
        error = ERROR * torch.randn(n, 2, dtype=torch.float64, generator=rng)
        rating = self.world.each_quality()[prompt, answer, :2] + (camp * self.risk[prompt, answer]).unsqueeze(-1) + error
        return Told({"": self.world.item(prompt, answer)}, dict(zip(NAMES, rating.T, strict=True)), {"context": prompt})

    def trained(self, name: str) -> Model:
        """Qualities by ratings, then the gate by comparisons."""
        steps = 10 if self.small else 100

        def qualities(ridge: float) -> Model:
            return minimised(
                drawn(self.features, HEADS[name], self.seed), [(self.told, LOSSES[name])], ridge, steps, only=(QUALITIES[name],)
            )

        rated = at_the_best(
            tuple(ridge / 10 for ridge in RIDGES),
            qualities,
            lambda m: -float(self.unseen.loss(m, LOSSES[name]).detach().mean()),
            self.small,
        )

        def gate(ridge: float) -> Model:
            own = Model(HEADS[name], copy.deepcopy(rated.module), self.features)
            return minimised(own, [(self.compared, BRADLEY_TERRY)], ridge, 10 if self.small else 40, only=("gate",))

        return at_the_best(RIDGES, gate, lambda m: ordered(self.said(m, TUNING), self.reward[TUNING]), self.small)

    def said(self, model: Model, prompts: range, name: str = "score") -> Tensor:
        items = self.world.table(prompts, ANSWERS)
        return model.table(items, name, context=torch.tensor(list(prompts)).unsqueeze(-1).expand_as(items))

    def below(self, values: Tensor, prompts: range) -> Tensor:
        """The probability that a random person rates an answer below values [C, A, Q]."""
        centre, risk, error = (x[prompts].unsqueeze(-1) for x in (self.reward, self.risk, self.error.expand_as(self.reward)))
        return sum(torch.special.ndtr((values - centre - camp * risk) / error) for camp in (-1, 1)) / 2

    def bought(self, score: Tensor) -> dict[str, dict[float, float]]:
        """The tilts of the score within budgets of KL: what they are worth, and how rarely somebody thinks little of an answer."""
        reference, reward = self.world.reference()[HELD_OUT], self.reward[HELD_OUT]
        fine = 1 - self.below(torch.full((*reward.shape, 1), LOW, dtype=torch.float64), HELD_OUT).squeeze(-1)
        curves: dict[str, dict[float, float]] = {"KL": {}, "mean": {}, "not low": {}}
        for budget in BUDGETS:
            policy = ExponentialTilt(budget)(score, reference)["policy"]
            curves["KL"][budget] = float((policy * (policy.clamp(min=1e-300) / reference).log()).sum(-1).mean())
            curves["mean"][budget] = float((policy * reward).sum(-1).mean())
            curves["not low"][budget] = float((policy * fine).sum(-1).mean())
        return curves
