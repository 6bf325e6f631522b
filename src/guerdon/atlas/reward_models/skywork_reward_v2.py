"""Skywork-Reward-V2: from a large pool of doubtful comparisons, those that a small reward model of verified ones agrees with, and the
others the other way round.

World: 150 prompts with eight answers of sixteen-dimensional vectors, one taste and a verbosity that is worth nothing
(``worlds.finite.rated_answers``). People verify 100 or 300 comparisons of answers to 90 prompts. The pool has 2,000 more: half were
labelled by somebody who likes verbosity as much as what it is about, a quarter of the others were turned round. A judge, asked about a
pair, likes verbosity half as much. A seed is another world.

The gold reward model learns from the verified comparisons, the best one from these and 300 of the pool that the judge has labelled. Arms
are reward models of

* verified: the verified comparisons;
* raw pool, or *relabelled*: these and the pool, as it is, or with all of its labels as the gold reward model says;
* consistent: these and the pairs of the pool whose label the gold reward model and either the judge or the best one agree with; *recycled*:
  and the turned round pairs of which the opposite is true (``data.curation.consistent_labels``).

All are linear and fitted to their minima; ridges are chosen alike by the order of answers to 30 other prompts. Measured: *accuracy* on 30
prompts that nothing was fitted to, and how many of the pool's labels are *right* as each arm has them, by the true reward.

Source: Liu et al. 2025, arXiv 2507.01352, sections 3.2 and 3.3: the two reward models, the judge, the rule. Its first stage, in which a
language model labels pairs like those that the reward model got wrong, with verified ones as examples, is here 300 random pairs and a fixed
judge: what retrieval adds is not tried. 26 million pairs there. The smallest difference of interest: 0.01 of accuracy.
"""

import torch
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, System
from guerdon.atlas.reward_models._vectors import BRADLEY_TERRY, CHOSEN, RIDGES, Model, at_the_best, fitted, ordered, pairs
from guerdon.data.curation.consistent_labels import ConsistentLabels
from guerdon.randomness import derive, generator
from guerdon.worlds.finite.rated_answers import RatedAnswers

system = System(
    title="Skywork-Reward-V2: Scaling Preference Data Curation via Human-AI Synergy",
    link="https://arxiv.org/abs/2507.01352",
    kind="data",
    builds_on=("bradley-terry-rm", "llm-judge", "consistency-filter"),
    read="paper",
    untuned=CHOSEN,
    note=(
        "What two voices agree with is right in 94 of 100 cases where the pool was in 68, and with 100 verified labels is worth 0.03 over these "
        "alone and over the gold model's own labels; with 300, 0.01. Turning the discarded round adds nothing to leaving them out."
    ),
)
recipe = {"consistent": ConsistentLabels(recycle=False), "recycled": ConsistentLabels(), "reward model": BRADLEY_TERRY}
VERIFIED = (100, 300)
SAME = {"effect": 0.01, "matched": "verified labels"}
claim = AllOf(
    *(BetterThan("recycled", other, on="accuracy", at=n, **SAME) for n in VERIFIED for other in ("raw pool", "verified")),
    BetterThan("recycled", "consistent", on="accuracy", at=100, **SAME),
    BetterThan("recycled", "relabelled", on="accuracy", at=100, **SAME),
    *(
        BetterThan("recycled", other, on="right", at=100, effect=0.02, **{"matched": "verified labels"})
        for other in ("raw pool", "relabelled")
    ),
)
SEEDS = {"smoke": 1, "full": 8}
LABELLED, TUNING, HELD_OUT, ANSWERS = range(90), range(90, 120), range(120, 150), range(8)
POOL, JUDGED = 2000, 300


def experiment(seed: int, scale: str) -> dict:
    small = scale == "smoke"
    world = RatedAnswers(prompts=150, qualities=1, width=16, strength=1.5, seed=derive(seed, "world"))
    features, reward = world.features(), world.rewards()
    verbosity = 1.5 * world.each_quality()[..., -1]
    worth = torch.cat([torch.zeros(world.prompts, dtype=torch.float64), reward.flatten()])  # of each item

    def compared(n: int, purpose: str, by: Tensor = reward) -> Tensor:
        prompt, better, worse = world.comparisons(n, derive(seed, purpose), LABELLED, ANSWERS, by).T
        return torch.stack([world.item(prompt, better), world.item(prompt, worse)], -1)

    def right(model: Model, prompts: range) -> float:
        return ordered(model.table(world.table(prompts, ANSWERS)), reward[prompts])

    def trained(*told: Tensor) -> Model:
        both = [(pairs(*torch.cat(told).T), BRADLEY_TERRY)]
        return at_the_best(RIDGES, lambda ridge: fitted(features, both, ridge, seed), lambda model: right(model, TUNING), small)

    half = (POOL // 10 if small else POOL) // 2
    honest = compared(half, "pool")
    slipped = torch.rand(half, generator=generator(seed, "slips")) < 0.25
    honest[slipped] = honest[slipped].flip(-1)
    pool = torch.cat([honest, compared(half, "talkative", reward + verbosity)])[
        torch.randperm(2 * half, generator=generator(seed, "mixed"))
    ]
    liked = worth + torch.cat([torch.zeros(world.prompts, dtype=torch.float64), 0.5 * verbosity.flatten()])
    ahead = liked[pool[:, 0]] - liked[pool[:, 1]]
    judge = torch.where(torch.rand(len(pool), dtype=torch.float64, generator=generator(seed, "judge")) < torch.sigmoid(ahead), 1.0, -1.0)
    arms: dict[str, dict] = {}
    for n in VERIFIED:
        verified = compared(n, "verified")
        gold = trained(verified)
        silver = torch.where(judge.unsqueeze(-1) > 0, pool, pool.flip(-1))[:JUDGED]
        best = trained(verified, silver)
        said = {name: model.table(pool[:, 0]) - model.table(pool[:, 1]) for name, model in (("gold", gold), ("best", best))}
        columns = zip(*pool.T.tolist(), *(s.tolist() for s in said.values()), judge.tolist(), strict=True)
        rows = [dict(zip(("chosen", "rejected", "gold", "best", "judge"), row, strict=True)) for row in columns]
        told = {
            "raw pool": pool,
            "relabelled": torch.where(said["gold"].unsqueeze(-1) > 0, pool, pool.flip(-1)),
            **{name: torch.tensor([[row["chosen"], row["rejected"]] for row in recipe[name](rows)]) for name in ("consistent", "recycled")},
        }
        arms.setdefault("verified", {"accuracy": {}})["accuracy"][n] = right(gold, HELD_OUT)
        for name, labels in told.items():
            arm = arms.setdefault(name, {"accuracy": {}, "right": {}})
            arm["accuracy"][n] = right(trained(verified, labels), HELD_OUT)
            arm["right"][n] = float((worth[labels[:, 0]] > worth[labels[:, 1]]).double().mean())
    return arms
