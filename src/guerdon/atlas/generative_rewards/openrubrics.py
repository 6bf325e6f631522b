"""OpenRubrics: what a prompt asks for is learned from rubrics that were contrasted from pairs and that give the label again.

World: answers of which six criteria hold or not, three of them asked for by each prompt, which does not say so in words (``worlds.finite.itemised_answers``, prompts seen as
vectors); 120 prompts with 16 answers. People compared 400 pairs of answers to 70 prompts, with the noise of sigmoid(4 difference). A judge says of each criterion of each
answer whether it holds, and is right about 70, 80 or 90 %, of these a half the same whenever it is asked. A seed is another world.

Each arm makes rubrics of the pairs, learns to write them (how likely each criterion is listed, linear in the prompt's vector, in log-odds), and judges held-out pairs by the
expected weight of what a further reading of the judge sees met:

* "contrasted, consistent": what the preferred answer has and the other one lacks, kept where a second reading by it gives the label (``data.curation.contrasted_items``);
* "contrasted": the same, all of them; "listed, consistent": what the preferred answer has, whatever the other has, kept where the second reading gives the label.

Baselines with the same pairs: "scalar", a Bradley-Terry head on vectors, and, since that lacks the judge, "verdicts": a Bradley-Terry head on the judge's verdicts and their
products with the prompt's vector. Ridges are chosen alike.

Measured: "accuracy", of pairs of unequal worth on 30 held-out prompts, by how often the judge is right; claimed of the best judge. (At 80 % even the true rubric gives only 0.73.)

Source: Liu et al. 2025, arXiv 2510.07743, its abstract. There rubrics are texts, written and judged by models of 8 B; against scalar models 6.8 points are claimed. Smallest
difference of interest: 0.01.
"""

import torch
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, System
from guerdon.atlas.generative_rewards._items import CHOSEN, Items, items
from guerdon.atlas.generative_rewards._linear import at_the_best, logistic
from guerdon.data.curation.contrasted_items import ContrastedItems
from guerdon.randomness import derive

system = System(
    title="OpenRubrics: Towards Scalable Synthetic Rubric Generation for Reward Modeling and LLM Alignment",
    link="https://arxiv.org/abs/2510.07743",
    kind="data",
    builds_on=("rubrics-as-rewards", "pairwise-judge", "rejection-sampling", "sft"),
    read="abstract",
    untuned=CHOSEN,
    note=(
        "With a judge who is right about 90 %, contrasted rubrics order pairs better than a scalar model (0.015) and a little better "
        "than rubrics without contrast (0.008). Keeping those that give the label again changes nothing, and weights fitted to the "
        "same judge's verdicts by Bradley-Terry are ahead by 0.02. With a worse judge the scalar model is ahead."
    ),
)
PAIRS, RIGHT, SYSTEMATIC, SHARPNESS = 400, (0.7, 0.8, 0.9), 0.5, 4.0
recipe = {"contrasted, consistent": ContrastedItems(), "contrasted": ContrastedItems(consistent=False)}
claim = AllOf(
    BetterThan("contrasted, consistent", "contrasted", on="accuracy", at="last", effect=0.01, matched="pairs"),
    BetterThan("contrasted, consistent", "listed, consistent", on="accuracy", at="last", effect=0.01, matched="pairs"),
    BetterThan("contrasted, consistent", "scalar", on="accuracy", at="last", effect=0.01, matched="pairs"),
    BetterThan("contrasted, consistent", "verdicts", on="accuracy", at="last", effect=0.01, matched="pairs, judge"),
)
SEEDS = {"smoke": 1, "full": 32}


def experiment(seed: int, scale: str) -> dict:
    here = items(seed, scale)
    by_judge = {right: accuracies(here, right) for right in RIGHT}
    return {arm: {"accuracy": {right: found[arm] for right, found in by_judge.items()}} for arm in by_judge[RIGHT[0]]}


def accuracies(here: Items, right: float) -> dict[str, float]:
    compared = here.compared(PAIRS, "people", SHARPNESS)
    first, second, last = here.world.verdicts(right, SYSTEMATIC, 3, derive(here.seed, "judge"))
    rows = _rows(compared, first, second)
    listed = _rows(compared, first, second, contrast=False)
    made = {
        "contrasted, consistent": ContrastedItems()(rows),
        "contrasted": ContrastedItems(consistent=False)(rows),
        "listed, consistent": ContrastedItems()(listed),
    }
    scores = {name: judged(here, rubrics, last) for name, rubrics in made.items()}
    z = here.world.prompt_vectors()
    seen = torch.cat([last.double(), (last.double().unsqueeze(-1) * z[:, None, None, :]).flatten(2)], -1)
    read = torch.cat([first.double(), (first.double().unsqueeze(-1) * z[:, None, None, :]).flatten(2)], -1)
    both = torch.where(
        torch.arange(here.world.prompts).view(-1, 1, 1) < 70, read, seen
    )  # it learns from the reading that others learn from
    scores |= {"scalar": here.preferring(here.beside(z), compared), "verdicts": here.preferring(both, compared)}
    return {name: here.right(score) for name, score in scores.items()}


def _rows(compared: tuple[Tensor, Tensor, Tensor], first: Tensor, second: Tensor, contrast: bool = True) -> list[dict]:
    prompt, better, worse = compared
    columns = {
        "prompt": prompt.tolist(),
        "chosen_items": first[prompt, better].tolist(),
        "rejected_items": (first[prompt, worse] & contrast).tolist(),
        "chosen_again": second[prompt, better].tolist(),
        "rejected_again": second[prompt, worse].tolist(),
    }
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def judged(here: Items, rubrics: list[dict], reading: Tensor) -> Tensor:
    """[C, A], by a writer of rubrics that has seen these, and a reading of the judge."""
    z = torch.cat([here.world.prompt_vectors(), torch.ones(here.world.prompts, 1, dtype=torch.float64)], -1)
    prompt = torch.tensor([row["prompt"] for row in rubrics])
    label = torch.zeros(len(rubrics), here.world.criteria, dtype=torch.float64)
    for place, row in enumerate(rubrics):
        label[place, row["rubric"]] = 1.0

    def written(ridge: float) -> Tensor:
        return torch.stack([logistic(z[prompt], label[:, k], ridge) for k in range(here.world.criteria)], -1)

    def by(weights: Tensor) -> Tensor:
        return (reading.double() * torch.sigmoid(z @ weights).unsqueeze(1)).sum(-1)

    return by(at_the_best(written, lambda weights: here.right(by(weights), range(70, 90))))
