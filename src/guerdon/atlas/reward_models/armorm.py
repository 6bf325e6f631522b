"""ArmoRM: ratings teach what an answer is good at, comparisons only how much each of it counts for a prompt.

World: 120 prompts with eight answers of twelve-dimensional vectors; three qualities count, by a softmax of the prompt, and verbosity never
does (``worlds.finite.rated_answers``). 300 answers to 80 of the prompts are rated, each quality in half of them, with an error of deviation
1, and half of an answer's verbosity finds its way into each of these ratings; verbosity is rated as it is. 300 or 1,000 comparisons of
answers to the same prompts go by the true reward. A seed is another world.

* ArmoRM: a regression on the ratings for each quality; verbosity taken off as far as it goes along with them on the rated prompts; then a
  gate with one layer of 16 units that reads the prompt, fitted to the comparisons with all else as it is. *Uncorrected*: without that step;
* fixed weights: the corrected qualities with one weight each, fitted to the comparisons;
* weights linear in the prompt: the same with weights that are a linear function of the prompt, of any sign and size: what a gate has to be
  measured by;
* BT: a linear reward of the answer's vector; *BT on products*: of the vector and its products with that of the prompt, which can say all
  that a linear gate can.

Fits are minima by L-BFGS; ridges are chosen alike on 20 further prompts, that of the regression by ratings of their answers. Measured on 20
others: *accuracy* of pairs, and the rank correlation of the three qualities' scores with verbosity, their mean.

Source: Wang et al. 2024, arXiv 2406.12845, and the authors' code (RLHF-Reward-Modeling, ``armo-rm``): 19 attributes on a frozen Llama 3 8B
and three layers of 1024 units. BT on products has no ratings: by how much they are worth it is what the comparison says. The smallest
difference of interest: 0.01 of accuracy.
"""

import copy
from dataclasses import replace

import torch
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, EqualTo, NoWorseThan, System
from guerdon.atlas.reward_models._vectors import (
    BRADLEY_TERRY,
    CHOSEN,
    RIDGES,
    Model,
    Told,
    at_the_best,
    drawn,
    fitted,
    minimised,
    ordered,
    pairs,
)
from guerdon.evaluation.metrics.rank_correlation import RankCorrelation
from guerdon.exact.estimators.decorrelating_shares import DecorrelatingShares
from guerdon.losses.attributes.attribute_square import AttributeSquare
from guerdon.models.heads.gated_attributes import GatedAttributes
from guerdon.randomness import derive, generator
from guerdon.worlds.finite.rated_answers import RatedAnswers

system = System(
    title="Interpretable Preferences via Multi-Objective Reward Modeling and Mixture-of-Experts",
    link="https://arxiv.org/abs/2406.12845",
    kind="reward",
    builds_on=("multi-head-regression", "gating-network", "bradley-terry-loss", "length-decorrelation"),
    read="paper and code",
    untuned=CHOSEN,
    note=(
        "All hold but one: with 300 comparisons ArmoRM is 0.08 ahead of a model of products that has no ratings, with 1,000 that has caught up to "
        "0.01, which six seeds do not tell from nothing. Taking verbosity off is worth 0.09 where raters are swayed by it."
    ),
)
NAMES = ("first", "second", "third", "verbosity")
REGRESSION = AttributeSquare(NAMES)
HEAD = GatedAttributes(len(NAMES), units=16, hidden=1, of=3)
recipe = {"regression": REGRESSION, "shares": DecorrelatingShares(of=3), "gate": BRADLEY_TERRY, "head": HEAD}
COMPARED = (300, 1000)
LENGTH = "correlation with verbosity"
claim = AllOf(
    *(
        BetterThan("ArmoRM", other, on="accuracy", at=300, effect=0.01, matched="comparisons", by_construction=True)
        for other in ("BT", "fixed weights")
    ),
    *(BetterThan("ArmoRM", "BT on products", on="accuracy", at=n, effect=0.01, matched="comparisons") for n in (300, 1000)),
    NoWorseThan("ArmoRM", "weights linear in the prompt", on="accuracy", at=300, margin=0.01, matched="comparisons and ratings"),
    BetterThan("ArmoRM", "uncorrected", on="accuracy", at=300, effect=0.01, matched="comparisons and ratings"),
    EqualTo("ArmoRM", 0.0, on=LENGTH, tolerance=0.05),
    BetterThan("uncorrected", 0.2, on=LENGTH),
)
SEEDS = {"smoke": 1, "full": 6}
LABELLED, TUNING, HELD_OUT, ANSWERS = range(80), range(80, 100), range(100, 120), range(8)
RATED, ERROR, TOLD_BY_LENGTH = 300, 1.0, 0.5


def experiment(seed: int, scale: str) -> dict:
    small = scale == "smoke"
    world = RatedAnswers(prompts=120, sharpness=3.0, strength=3.0, seed=derive(seed, "world"))
    features, reward, truth = world.features(), world.rewards(), world.each_quality()

    def right(scored: Tensor, prompts: range) -> float:
        return ordered(scored, reward[prompts])

    def chosen(fit, score, prompts: range = TUNING):
        return at_the_best(RIDGES, fit, lambda model: right(score(model, prompts), prompts), small)

    def items(prompts: range) -> tuple[Tensor, Tensor]:
        table = world.table(prompts, ANSWERS)
        return table, torch.tensor(list(prompts)).unsqueeze(-1).expand_as(table)

    def gated(model: Model, prompts: range) -> Tensor:
        table, asked = items(prompts)
        return model.table(table, context=asked)

    # stage one: qualities
    told = ratings(world, truth, LABELLED, RATED, derive(seed, "ratings"))
    unseen = ratings(world, truth, TUNING, RATED, derive(seed, "unseen ratings"))

    def regression(ridge: float) -> Model:
        return minimised(drawn(features, HEAD, seed), [(told, REGRESSION)], ridge, only=("attributes",))

    rated = at_the_best(RIDGES, regression, lambda model: -float(unseen.loss(model, REGRESSION).detach().mean()), small)
    shares = DecorrelatingShares(of=3)(
        rated.says(items(LABELLED)[0].flatten(), context=items(LABELLED)[1].flatten())["attribute_score"].detach()
    )
    corrected = Model(replace(HEAD, shares=tuple(shares.tolist())), rated.module, features)

    # stage two: how much each counts, and the others
    of = corrected_qualities(rated, shares, features)
    asked = features[:, : world.prompt_width]
    answer = torch.cat(
        [torch.arange(world.prompts), torch.arange(world.prompts).repeat_interleave(world.answers)]
    )  # whose answer an item is
    bare = features[:, world.prompt_width :]
    tables = {
        "BT": bare,
        "fixed weights": of,
        "weights linear in the prompt": products(of, asked[answer]),
        "BT on products": products(bare, asked[answer]),
    }
    arms: dict[str, dict] = {name: {"accuracy": {}} for name in ("ArmoRM", "uncorrected", *tables)}
    for n in COMPARED:
        prompt, better, worse = world.comparisons(n // 5 if small else n, derive(seed, "pairs"), LABELLED, ANSWERS).T
        compared = pairs(world.item(prompt, better), world.item(prompt, worse), context=prompt)
        for name, model in (("ArmoRM", corrected), ("uncorrected", Model(HEAD, rated.module, features))):

            def gate(ridge: float, model: Model = model, compared: Told = compared) -> Model:
                own = Model(model.head, copy.deepcopy(model.module), features)
                return minimised(own, [(compared, BRADLEY_TERRY)], ridge, only=("gate",))

            arms[name]["accuracy"][n] = right(gated(chosen(gate, gated), HELD_OUT), HELD_OUT)
        for name, table in tables.items():

            def linear(ridge: float, table: Tensor = table, compared: Told = compared) -> Model:
                return fitted(table, [(replace(compared, read={}), BRADLEY_TERRY)], ridge, seed)

            arms[name]["accuracy"][n] = right(plain(chosen(linear, lambda m, p: plain(m, items(p)[0])), items(HELD_OUT)[0]), HELD_OUT)
    seen = items(HELD_OUT)[0].flatten()
    for name, taken in (("ArmoRM", shares), ("uncorrected", torch.zeros(len(NAMES)))):
        score = corrected_qualities(rated, taken, features)[seen][:, :-1]
        arms[name][LENGTH] = float(sum(RankCorrelation()(k, truth[HELD_OUT][..., -1].flatten()) for k in score.T) / 3)
    return arms


def ratings(world: RatedAnswers, truth: Tensor, prompts: range, n: int, seed: int) -> Told:
    """Answers that are rated, each in some respects; verbosity sways the other ratings."""
    rng = generator(seed, "rated")
    prompt = torch.tensor(list(prompts))[torch.randint(len(prompts), (n,), generator=rng)]
    answer = torch.randint(world.answers, (n,), generator=rng)
    quality = truth[prompt, answer]
    rating = quality + ERROR * torch.randn(quality.shape, dtype=torch.float64, generator=rng)
    rating[:, :-1] += TOLD_BY_LENGTH * quality[:, -1:]
    rating[:, -1] = quality[:, -1]
    rating = torch.where(torch.rand(quality.shape, generator=rng) < 0.5, rating, torch.nan)
    columns = dict(zip(NAMES, rating.T, strict=True))
    return Told({"": world.item(prompt, answer)}, columns, {"context": prompt})


def corrected_qualities(model: Model, shares: Tensor, features: Tensor) -> Tensor:
    """[I, K], the qualities' scores less the shares of the last."""
    everyone = torch.arange(len(features))
    said = model.says(everyone, context=torch.zeros_like(everyone))["attribute_score"].detach()
    return said - said[:, -1:] * shares


def products(vector: Tensor, asked: Tensor) -> Tensor:
    """[I, V (1 + Z)], the vectors and their products with those of the prompts."""
    return torch.cat([vector, (vector.unsqueeze(-1) * asked.unsqueeze(-2)).flatten(1)], -1)


def plain(model: Model, items: Tensor) -> Tensor:
    return model.table(items)
