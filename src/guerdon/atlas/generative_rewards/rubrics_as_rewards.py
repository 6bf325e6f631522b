"""Rubrics as rewards: each prompt has a list of criteria with weights, and what is met of it is the reward.

World: answers of which six criteria hold or not, three of them asked for by each prompt with weights 1 to 3 (``worlds.finite.itemised_answers``); 120 prompts with 16 answers.
A seed is another world. Judges are small: heads on vectors that have seen 150 or 600 judgements of answers to 70 prompts. Whoever labels is right about 85 % of what holds.

* "explicit": a head for each criterion that says whether it holds, shown the verdicts on what the prompts ask for. The reward is the weighted share
  (``feedback.combining.weighted_mean``).
* "implicit": a head that is told the list, and rates the answer as a whole; it is shown ratings from 1 to 10, made of the same verdicts.
* "Likert": the same head, told the prompt and not the list; the same ratings.

So the same answers are looked at with the same errors; what differs is what is kept of that, and what is told. Heads are linear, those of ratings in vectors, what is told, and
their products. (A first draft showed one verdict for each rating, which compares labels that tell less.) Ridges are chosen alike, on 20 prompts that nothing else sees. Policies
are the optima of each reward at some KL from the uniform policy; "gold" is the weighted share that is truly met, above the uniform policy's, on 30 held-out prompts.

"By labels" is the gold at 1 nat against the number of judgements: the paper says that rubrics help small judges most.

Source: Gunjal et al. 2025, arXiv 2507.17746, abstract, sections 1 to 3 and summaries of the rest: explicit and implicit aggregation, GRPO; ratings by models of several sizes.
The policy's optimum in place of GRPO, and labels in place of a judge's size, are ours. Smallest difference of interest: 0.02 of gold, where a perfect judge buys about 0.35 at
1 nat.
"""

import torch
from torch import Tensor

from guerdon.atlas import AheadAlong, AllOf, BetterThan, System
from guerdon.atlas.generative_rewards._items import CHOSEN, Items, items
from guerdon.feedback.combining.weighted_mean import WeightedMean
from guerdon.randomness import derive

system = System(
    title="Rubrics as Rewards: Reinforcement Learning Beyond Verifiable Domains",
    link="https://arxiv.org/abs/2507.17746",
    kind="reward",
    builds_on=("grpo", "llm-judge", "weighted-checklist", "likert-judge"),
    read="summary",
    untuned=CHOSEN,
    note=(
        "A list that is checked item by item is ahead of a rating without it by 0.06 of the weights at equal KL, and by 0.09 where "
        "there are few judgements. A list that is only told to whoever rates is worth 0.01: here it is the checking that pays, while "
        "the paper finds both alike. Ratings come from the same verdicts; heads are linear."
    ),
)
LABELS, RIGHT = (150, 600), 0.85
recipe = {"explicit": WeightedMean()}
claim = AllOf(
    AheadAlong("explicit", "Likert", on="gold", along="KL", effect=0.02),
    AheadAlong("implicit", "Likert", on="gold", along="KL", effect=0.02),
    AheadAlong("explicit", "implicit", on="gold", along="KL", effect=0.02),
    BetterThan("explicit", "Likert", on="by labels", at="first", effect=0.02, matched="judgements, KL"),
)
SEEDS = {"smoke": 1, "full": 16}


def experiment(seed: int, scale: str) -> dict:
    here = items(seed, scale)
    verdicts = here.world.verdicts(RIGHT, 0.0, 1, derive(seed, "judged"))[0]
    rating = (1 + 9 * here.world.worth(verdicts)).round()
    arms: dict[str, dict] = {"explicit": {"by labels": {}}, "implicit": {"by labels": {}}, "Likert": {"by labels": {}}}
    for n in LABELS:
        at = here.drawn(n, "judged")
        scores = {
            "explicit": explicit(here, here.checked(at, verdicts[at])),
            "implicit": here.rated(here.beside(here.weights), at, rating[at]),
            "Likert": here.rated(here.beside(here.world.prompt_vectors()), at, rating[at]),
        }
        for name, score in scores.items():
            curves = here.bought(score)
            arms[name]["by labels"][n] = here.at(score)
            arms[name] |= {key: curves[key] for key in ("gold", "KL")}  # of most judgements in the end
    return arms


def explicit(here: Items, checked: Tensor) -> Tensor:
    """[C, A], the weighted mean of what is said of each criterion that is asked for."""
    found = []
    for weights, said in zip(here.weights, checked, strict=True):
        listed = {str(k): float(w) for k, w in enumerate(weights) if w > 0}
        found.append(WeightedMean(listed)({name: said[:, int(name)] for name in listed}))
    return torch.stack(found)
