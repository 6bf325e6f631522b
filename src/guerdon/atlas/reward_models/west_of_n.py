"""West-of-N: the best and the worst of many answers, by the reward model itself, become comparisons to train it on.

World: 32 contexts with 128 answers each, under a reference that seldom draws the tail, where more of a good quality is worth less again
(``worlds.finite.exploitable``, its defaults). 200 comparisons of answers to 10 contexts, drawn from the reference, are labelled by people.
Reward models are linear on 64 random features of an answer beside its own. A seed is another world.

* base: the 200 labels;
* West-of-N: 200 more pairs, the best and the worst by the base model of 64 answers that the reference draws to one of 10 further contexts,
  one to one with the labels (``data.curation.best_worst_pairs``); N of 4 and 16 as well;
* *filtered*: of 400 such pairs the 200 of which the base model is surest;
* N = 2: 200 pairs of two answers each, as the base model orders them: plain self-training;
* more labels: 200 more pairs of people, of answers to the further contexts.

Each is fitted to its minimum; ridges are chosen alike by the order of answers to six more contexts. Measured on six others, exactly:
*accuracy*, how often two answers of the reference are ordered as they are worth; *gold of the best*: what the best of 64 by the model is
worth beyond what the reference draws, with its KL the same for all.

Source: Pace et al. 2024, arXiv 2401.12086 (v2), in a reader's notes on its sections 4 and 5: N = 64, one to one, the filter by the base
model's confidence; there T5 and Gemma of 2 to 11 B on summaries and dialogues. Smallest differences of interest: 0.01 of accuracy, 0.05 of
gold.
"""

import torch
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, GrowsWith, System
from guerdon.atlas.reward_models._vectors import BRADLEY_TERRY, CHOSEN, RIDGES, Model, at_the_best, fitted, pairs
from guerdon.data.curation.best_worst_pairs import BestWorstPairs
from guerdon.exact.solvers.best_of_n_distribution import BestOfNDistribution
from guerdon.models.encoders.random_features import RandomFeatures
from guerdon.randomness import derive, generator
from guerdon.worlds.finite.exploitable import Exploitable

system = System(
    title="West-of-N: Synthetic Preferences for Self-Improving Reward Models",
    link="https://arxiv.org/abs/2401.12086",
    kind="data",
    builds_on=("bradley-terry-rm", "best-of-n", "self-training"),
    read="summary",
    untuned=CHOSEN,
    note=(
        "A linear reward on features that stay as they are learns nothing from its own pairs, whatever N and whether filtered, where as many more "
        "labels bring 0.02 of accuracy. What the paper found is then not in the pairs' labels alone: there the body is trained on them too."
    ),
)
recipe = {"pairs": BestWorstPairs(), "reward model": BRADLEY_TERRY}
GOLD = "gold of the best"
SAME = {"matched": "labels, pairs"}
claim = AllOf(
    *(BetterThan("West-of-N", other, on="accuracy", effect=0.01, **SAME) for other in ("base", "N = 2")),
    BetterThan("filtered", "base", on="accuracy", effect=0.01, **SAME),
    *(BetterThan("West-of-N", other, on=GOLD, effect=0.05, **SAME) for other in ("base", "N = 2")),
    BetterThan("more labels", "base", on="accuracy", effect=0.01),
    GrowsWith("West-of-N", on="accuracy by N", by=0.005),
)
SEEDS = {"smoke": 1, "full": 20}
LABELLED, UNLABELLED, TUNING, HELD_OUT = range(10), range(10, 20), range(20, 26), range(26, 32)
PAIRS, MANY = 200, 64


def experiment(seed: int, scale: str) -> dict:
    small = scale == "smoke"
    world = Exploitable(contexts=32, answers=128, seed=derive(seed, "world"))
    features = RandomFeatures(world, seed=derive(seed, "features")).build(0).table.double()
    reference, gold = world.reference(), world.rewards()

    def table(contexts: range) -> Tensor:
        return torch.arange(world.items).view(world.contexts, -1)[contexts.start : contexts.stop]

    def trained(better: Tensor, worse: Tensor) -> Model:
        told = [(pairs(better, worse), BRADLEY_TERRY)]
        return at_the_best(
            RIDGES, lambda ridge: fitted(features, told, ridge, seed), lambda m: right(m.table(table(TUNING)), TUNING), small
        )

    def right(score: Tensor, contexts: range) -> float:
        chosen = slice(contexts.start, contexts.stop)
        likely, worth = reference[chosen], gold[chosen]
        weight = likely.unsqueeze(-1) * likely.unsqueeze(-2) * ~torch.eye(world.answers, dtype=torch.bool)
        alike = (score.unsqueeze(-1) - score.unsqueeze(-2)).sign() * (worth.unsqueeze(-1) - worth.unsqueeze(-2)).sign()
        return float((((alike + 1) / 2 * weight).sum((1, 2)) / weight.sum((1, 2))).mean())

    def measured(model: Model) -> dict[str, float]:
        chosen, score = slice(HELD_OUT.start, HELD_OUT.stop), model.table(table(HELD_OUT))
        best = torch.stack([BestOfNDistribution(MANY)(s, r)["policy"] for s, r in zip(score, reference[chosen], strict=True)])
        return {"accuracy": right(score, HELD_OUT), GOLD: float(((best - reference[chosen]) * gold[chosen]).sum(-1).mean())}

    verdicts = world.comparisons(40 * PAIRS, derive(seed, "pairs"))[:, 1:]
    context = verdicts[:, 0] // world.answers

    def labelled(contexts: range) -> Tensor:
        return verdicts[(context >= contexts.start) & (context < contexts.stop)][: PAIRS // 4 if small else PAIRS]

    people = labelled(LABELLED)
    base = trained(*people.T)

    def west(n: int, rows: int, kept: int | None = None) -> Model:
        """The base model's own pairs beside those of people, of the surest ``kept`` rows."""
        rng = generator(seed, "west", n)
        asked = torch.randint(UNLABELLED.start, UNLABELLED.stop, (rows,), generator=rng)
        answers = torch.multinomial(reference[asked], n, replacement=True, generator=rng) + (asked * world.answers).unsqueeze(-1)
        scored = [
            {"prompt": c, "completions": a, "scores": s}
            for c, a, s in zip(asked.tolist(), answers.tolist(), base.table(answers).tolist(), strict=True)
        ]
        own = sorted(BestWorstPairs()(scored), key=lambda pair: pair["score_rejected"] - pair["score_chosen"])[:kept]
        both = torch.cat([people, torch.tensor([[pair["chosen"], pair["rejected"]] for pair in own])])
        return trained(*both.T)

    rows = len(people)
    models = {
        "base": base,
        "N = 2": west(2, rows),
        "West-of-N": west(MANY, rows),
        "filtered": west(MANY, 2 * rows, rows),
        "more labels": trained(*torch.cat([people, labelled(UNLABELLED)]).T),
    }
    arms = {name: measured(model) for name, model in models.items()}
    by_n = {4: measured(west(4, rows))["accuracy"], 16: measured(west(16, rows))["accuracy"], MANY: arms["West-of-N"]["accuracy"]}
    arms["West-of-N"]["accuracy by N"] = {2: arms["N = 2"]["accuracy"], **by_n}
    return arms
