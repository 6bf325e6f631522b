"""Social Reward: what a community takes up says what it likes, if things are compared that were shown alike.

World: 120 prompts with 24 pictures of twelve-dimensional vectors (``worlds.finite.rated_answers``, of which vectors and gold are taken: one
taste for all). Fame goes along with a style, fame = 0.8 h . x + 0.6 noise, h orthogonal to the taste: a picture is shown 50 exp(fame)
times, and whoever sees it takes it up with the probability sigmoid(gold - 2 + 0.7 fame), for fans are kind. 80 prompts have such counts, a
random six pictures each. A seed is another world.

Scorers are linear and differ in their pairs of pictures of one prompt:

* counts: the one that was taken up more often is preferred;
* rates: the one that was taken up more often by those who saw it;
* alike exposed: rates of pictures that were shown as often, within a factor, and differ by half at least
  (``data.curation.alike_exposed_pairs``); the factor is 1 and 0.5, 1 or 2 more, or beyond, as is best;
* alignment: how like the prompt a picture is, here a direction that is neither taste nor style.

Each is fitted to its minimum; ridges and the factor are chosen alike by the order, by gold, of 20 more prompts' pictures. Measured on 20
others: *accuracy* by gold, and the *gold* and the *style* of the policy that a scorer asks for, its exact tilt, along the KL.

Source: Isajanyan et al. 2024, arXiv 2402.09872, its abstract and summaries: a CLIP that was trained on a million such pairs, with a triplet
loss, and a diffusion model tuned with it. It waits for pictures; what is tried is the curation. The smallest difference of interest: 0.01
of accuracy, 0.05 of gold.
"""

import torch
from torch import Tensor

from guerdon.atlas import AheadAlong, AllOf, BetterThan, System
from guerdon.atlas.reward_models._vectors import BRADLEY_TERRY, CHOSEN, RIDGES, Model, at_the_best, both_at_the_best, fitted, ordered, pairs
from guerdon.data.curation.alike_exposed_pairs import AlikeExposedPairs
from guerdon.exact.solvers.exponential_tilt import ExponentialTilt
from guerdon.randomness import derive, generator
from guerdon.worlds.finite.rated_answers import RatedAnswers

system = System(
    title="Social Reward: Evaluating and Enhancing Generative AI through Million-User Feedback from an Online Creative Community",
    link="https://arxiv.org/abs/2402.09872",
    kind="reward",
    builds_on=("bradley-terry-rm", "implicit-feedback-filter"),
    read="abstract",
    untuned=CHOSEN,
    waits_for="a world of images",
    note=(
        "Among pictures shown alike the community's taste shows: 0.95 of pairs right, where rates, which fans sway, have 0.83 and counts 0.69. That is so "
        "because fame sways both in this world; rates of people who are no fans would not need it."
    ),
)
recipe = {"pairs": AlikeExposedPairs(), "scorer": BRADLEY_TERRY}
BUDGETS, WITHIN = (0.25, 0.5, 1.0, 1.5), (0.5, 1.0, 2.0)
claim = AllOf(
    BetterThan("alike exposed", "counts", on="accuracy", effect=0.01, matched="pictures"),
    BetterThan("alike exposed", "rates", on="accuracy", effect=0.01, matched="pictures"),
    BetterThan("alike exposed", "alignment", on="accuracy", effect=0.01, by_construction=True),
    *(AheadAlong("alike exposed", other, on="gold", along="KL", effect=0.05) for other in ("counts", "rates")),
)
SEEDS = {"smoke": 1, "full": 8}
LABELLED, TUNING, HELD_OUT, ANSWERS = range(80), range(80, 100), range(100, 120), range(24)
POSTED = 6


def experiment(seed: int, scale: str) -> dict:
    small = scale == "smoke"
    world = RatedAnswers(prompts=120, answers=24, qualities=1, strength=1.0, seed=derive(seed, "world"))
    features, gold, vectors = world.features(), world.rewards(), world.vectors()
    taste = torch.linalg.lstsq(vectors.flatten(0, 1), gold.flatten()).solution
    ways = torch.randn(world.width, 2, dtype=torch.float64, generator=generator(seed, "ways"))
    frame = torch.linalg.qr(torch.cat([taste.unsqueeze(-1), ways], -1))[0]
    style, alike = vectors @ frame[:, 1], vectors @ frame[:, 2]
    rng = generator(seed, "community")
    fame = 0.8 * style + 0.6 * torch.randn(gold.shape, dtype=torch.float64, generator=rng)
    seen = (50 * fame.exp()).round().clamp(min=1)
    taken = torch.binomial(seen, torch.sigmoid(gold - 2 + 0.7 * fame), generator=rng)
    posted = torch.rand(gold.shape, generator=rng).topk(POSTED, -1).indices[: 10 if small else len(LABELLED)]  # [C, 6]

    def trained(better: Tensor, worse: Tensor, ridge: float) -> Model:
        return fitted(features, [(pairs(better, worse), BRADLEY_TERRY)], ridge, seed)

    def right(model: Model, prompts: range = TUNING) -> float:
        return ordered(model.table(world.table(prompts, ANSWERS)), gold[prompts])

    def by(number: Tensor) -> Model:
        """All pairs of what was posted, by a number."""
        own = number[: len(posted)].gather(1, posted)
        prompt, a, b = (own.unsqueeze(-1) > own.unsqueeze(-2)).nonzero().T
        better, worse = (world.item(prompt, posted[prompt, k]) for k in (a, b))
        return at_the_best(RIDGES, lambda ridge: trained(better, worse, ridge), right, small)

    rows = [
        {
            "prompt": c,
            "completions": world.item(torch.tensor(c), own).tolist(),
            "taken": taken[c, own].tolist(),
            "seen": seen[c, own].tolist(),
        }
        for c, own in enumerate(posted)
    ]

    def exposed(ridge: float, within: float) -> Model:
        made = torch.tensor([[pair["chosen"], pair["rejected"]] for pair in AlikeExposedPairs(exposure=1 + within)(rows)])
        return trained(*made.T, ridge)

    models = {"counts": by(taken), "rates": by(taken / seen), "alike exposed": both_at_the_best(RIDGES, WITHIN, exposed, right, small)}
    said = {name: model.table(world.table(HELD_OUT, ANSWERS)) for name, model in models.items()} | {"alignment": alike[HELD_OUT]}
    return {
        name: {"accuracy": ordered(score, gold[HELD_OUT])} | bought(score, gold[HELD_OUT], style[HELD_OUT]) for name, score in said.items()
    }


def bought(score: Tensor, gold: Tensor, style: Tensor) -> dict[str, dict[float, float]]:
    """The tilts of the score within budgets of KL: what they are worth, and how much of the style they have, beyond the reference policy."""
    reference = torch.full_like(gold, 1 / gold.shape[-1])
    curves: dict[str, dict[float, float]] = {"KL": {}, "gold": {}, "style": {}}
    for budget in BUDGETS:
        policy = ExponentialTilt(budget)(score, reference)["policy"]
        curves["KL"][budget] = float((policy * (policy.clamp(min=1e-300) / reference).log()).sum(-1).mean())
        for name, values in (("gold", gold), ("style", style)):
            curves[name][budget] = float(((policy - reference) * values).sum(-1).mean())
    return curves
