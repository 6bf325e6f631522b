"""RLCF: a checklist for each instruction, its items checked one by one many times, and DPO on the pairs that differ most in one item.

World: answers of which six criteria hold or not, three of them asked for by each prompt with weights 1 to 3 (``worlds.finite.itemised_answers``); 120 prompts with 16 answers,
every policy uniform at first. A seed is another world. To 70 prompts 600 pairs of answers are drawn, and each arm labels the same pairs. The policy sees an answer's vector,
what is seen of the prompt (not its list), and their products; what DPO makes of it is fitted to its minimum.

* "checklist": an item's score is the mean of 25 verdicts of a judge who is right about 80 % and of whose verdicts half are the same whenever it is asked; the weighted mean
  says which answer is chosen. Kept are the 40 % of the pairs with the widest gap in one item (``data.curation.widest_item_gap``).
* "reward gap": the same labels, and the 40 % with the widest gap in the weighted mean. "all pairs": the same labels, and all pairs.
* "reward model": a Bradley-Terry head on the same vectors as the policy's, fitted to 600 comparisons of other answers to the same prompts by people who see the worth, with
  the noise of sigmoid(4 difference), so that they are right about 82 % of the pairs, as the judge's means are about 80 %; it labels the pairs, and the 40 % with its widest
  gap are kept.

Measured exactly on 30 held-out prompts, along KL from the uniform policy (the policy's log-ratios, stretched): "all", how likely everything that was asked for is met (about
0.07 at the start), and "gold", the weighted share above the start's. Ridges, DPO's beta among them, are chosen alike on 20 prompts that nothing else sees.

That the list knows what is asked for and the reward model has to learn it is the paper's point, and no construction: 600 comparisons could be enough.

Source: Viswanathan et al. 2025, arXiv 2507.18624, abstract and section 1, and its authors' code (viswavi/RLCF: 25 samples, the largest difference of an item, the share kept).
There lists are written by a model from the instruction, programs verify what can be verified, and the reward model is Skywork's or ArmoRM. Smallest differences of interest:
0.02 of all, 0.02 of gold.
"""

import torch
from torch import Tensor

from guerdon.atlas import AheadAlong, AllOf, BetterThan, System
from guerdon.atlas.generative_rewards._items import CHOSEN, Items, items
from guerdon.data.curation.widest_item_gap import WidestItemGap
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.head import Head
from guerdon.randomness import derive

system = System(
    title="Checklists Are Better Than Reward Models For Aligning Language Models",
    link="https://arxiv.org/abs/2507.18624",
    kind="reward",
    builds_on=("llm-judge", "program-verifier", "dpo", "rubric-aggregation"),
    read="code",
    untuned=CHOSEN,
    note=(
        "A reward model that has seen 600 comparisons of this very task labels pairs better than 25 votes of a judge whose errors come "
        "back: it is ahead by 0.02 to 0.03. Pairs with the widest gap in one item teach less (0.03) than those with the widest gap in "
        "the weighted mean, and less than all pairs. The paper's reward models had not seen its task; that is not tried here."
    ),
)
PAIRS, VOTES, RIGHT, SYSTEMATIC, SHARPNESS = 600, 25, 0.8, 0.5, 4.0
recipe = {"checklist": WidestItemGap(), "reward model": Pairwise(Head(), Logistic())}
claim = AllOf(
    AheadAlong("checklist", "reward model", on="all", along="KL", effect=0.02),
    AheadAlong("checklist", "reward model", on="gold", along="KL", effect=0.02),
    BetterThan("checklist", "reward gap", on="all at 1 nat", effect=0.02, matched="labels, pairs, KL"),
    BetterThan("checklist", "all pairs", on="all at 1 nat", effect=0.02, matched="labels, KL"),
)
SEEDS = {"smoke": 1, "full": 40}


def experiment(seed: int, scale: str) -> dict:
    here = items(seed, scale)
    pairs, policy = here.paired(PAIRS, "pairs"), here.beside(here.world.prompt_vectors())
    checked = here.world.verdicts(RIGHT, SYSTEMATIC, VOTES, derive(seed, "judge")).double().mean(0)
    listed = _rows(pairs, checked, here.weights)
    reward = here.preferring(policy, here.compared(PAIRS, "people", SHARPNESS))
    kept = {
        "checklist": WidestItemGap()(listed),
        "reward gap": WidestItemGap()(_rows(pairs, here.listed(checked).unsqueeze(-1), torch.ones(here.world.prompts, 1))),
        "all pairs": WidestItemGap(1.0)(listed),
        "reward model": WidestItemGap()(_rows(pairs, reward.unsqueeze(-1), torch.ones(here.world.prompts, 1))),
    }
    return {name: _measured(here, policy, rows) for name, rows in kept.items()}


def _rows(pairs: tuple[Tensor, Tensor, Tensor], checked: Tensor, weights: Tensor) -> list[dict]:
    return [
        {"prompt": c, "completions": [a, b], "items": checked[c, [a, b]].tolist(), "weights": weights[c].tolist()}
        for c, a, b in zip(*(one.tolist() for one in pairs), strict=True)
    ]


def _measured(here: Items, policy: Tensor, rows: list[dict]) -> dict:
    told = torch.tensor([[row["prompt"], row["chosen"], row["rejected"]] for row in rows])
    score = here.preferring(policy, tuple(told.T))
    better = here.gold[told[:, 0], told[:, 1]] >= here.gold[told[:, 0], told[:, 2]]
    return here.bought(score) | {"all at 1 nat": here.at(score, on="all"), "labels": float(better.double().mean())}
