"""Critic-RM: a model's own critiques, kept where their scores agree with what people prefer, make a critic, and a reward head reads what that writes.

World: answers of which six criteria hold or not, three of them asked for by each prompt, which is seen as a vector (``worlds.finite.itemised_answers``); 120 prompts with 16
answers. A seed is another world. People compared 400 pairs of answers to 70 prompts, with the noise of sigmoid(8 difference). Nobody gives critiques: the model's own are
right about each criterion in 70 % of the cases. It writes four of each answer; a critique's score is the number of criteria that it says are met.

* "filtered": a critic (a linear head for each criterion) learns from the critiques that agree with the label (``data.curation.agreeing_critiques``). "unfiltered": from all.
  A reward head then learns from the comparisons, and reads the vector, the prompt, their products, and the critique that the critic likes best (``_critiques``).
* "scalar": a Bradley-Terry head without critiques. "judge": the model's own scores, the mean of its four critiques.

Measured: "accuracy", of pairs of unequal worth on 30 held-out prompts, and "critic", how often a critique of the critic is right about a criterion.

Source: Yu et al. 2024, arXiv 2411.16646, abstract, introduction and summaries: critiques of a model for itself, filtered by the label, language-model loss first and the
reward's then. Here the head and the critic share no body, so that there is no schedule of the two losses. Smallest differences of interest: 0.01 of accuracy, 0.01 of critic.
"""

import torch
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, System
from guerdon.atlas.generative_rewards._critiques import Loud, silent
from guerdon.atlas.generative_rewards._items import CHOSEN, HELD_OUT, Items, items
from guerdon.data.curation.agreeing_critiques import AgreeingCritiques
from guerdon.randomness import derive

system = System(
    title="Self-Generated Critiques Boost Reward Modeling for Language Models",
    link="https://arxiv.org/abs/2411.16646",
    kind="reward",
    builds_on=("bradley-terry-rm", "critique-generation", "consistency-filter", "loss-weight-schedule", "sft"),
    read="summary",
    untuned=CHOSEN,
    note=(
        "A critic who learned from the model's own critiques, right in 70 % of what they say, is right in about 90 %, and its "
        "critiques bring the reward model 0.03 above a scalar one. Filtering by the label costs 0.014 of accuracy and 0.03 of the "
        "critic. A likely reason: errors here are independent and average out, so that more critiques are better than agreeing ones."
    ),
)
PAIRS, EACH, RIGHT = 400, 4, 0.7
recipe = {"filtered": AgreeingCritiques()}
claim = AllOf(
    BetterThan("filtered", "scalar", on="accuracy", effect=0.01, matched="comparisons"),
    BetterThan("filtered", "judge", on="accuracy", effect=0.01),
    BetterThan("filtered", "unfiltered", on="accuracy", effect=0.01, matched="comparisons, critiques"),
    BetterThan("filtered", "unfiltered", on="critic", effect=0.01, matched="comparisons, critiques"),
)
SEEDS = {"smoke": 1, "full": 20}


def experiment(seed: int, scale: str) -> dict:
    here = items(seed, scale)
    compared = here.compared(PAIRS, "people")
    said = here.world.verdicts(RIGHT, 0.0, EACH, derive(seed, "model"))
    rows = _rows(compared, said)
    everything = [
        {"prompt": row["prompt"], "completion": row[side], "critique": one}
        for row in rows
        for side in ("chosen", "rejected")
        for one in row[f"{side}_critiques"]
    ]
    scalar = silent(here, compared)
    arms = {"scalar": {"accuracy": here.right(scalar)}, "judge": {"accuracy": here.right(said.double().mean(0).sum(-1))}}
    for name, kept in (("filtered", AgreeingCritiques()(rows)), ("unfiltered", everything)):
        at = tuple(torch.tensor([row[what] for row in kept]) for what in ("prompt", "completion"))
        likely = here.checked(at, torch.tensor([row["critique"] for row in kept]), asked_only=False)
        own = likely > 0.5
        arms[name] = {
            "accuracy": here.right(Loud(here, own, own.unsqueeze(0)).scores(compared, (1,))[1]),
            "critic": _right(here, own.double()),
        }
    return arms


def _rows(compared: tuple[Tensor, Tensor, Tensor], said: Tensor) -> list[dict]:
    """``said`` [critiques, C, A, K]; a critique is a list of verdicts."""
    made = []
    for prompt, better, worse in zip(*(one.tolist() for one in compared), strict=True):
        row = {"prompt": prompt, "chosen": better, "rejected": worse}
        for side, answer in (("chosen", better), ("rejected", worse)):
            critiques = said[:, prompt, answer]
            row |= {f"{side}_critiques": critiques.tolist(), f"{side}_scores": critiques.sum(-1).double().tolist()}
        made.append(row)
    return made


def _right(here: Items, likely: Tensor) -> float:
    return float(torch.where(here.met, likely, 1 - likely)[HELD_OUT].mean())
