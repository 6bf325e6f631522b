"""LoRe: where people's tastes are mixtures of a few, somebody new is found among the mixtures with fewer comparisons than a reward of their own takes.

World: 200 items with sixteen-dimensional vectors from N(0, 1); four tastes, orthogonal directions; everybody is a mixture of them, drawn evenly from the
simplex, so that a table of people times items has rank four. People judge by Bradley-Terry. A seed is another world.

60 users compare 30 pairs of 140 items each. On these are fitted, all to their minimum by L-BFGS:

* LoRe: five rewards (one more than there are) and a mixture of them for each user;
* one reward: a linear reward for all;
* own reward: a linear reward for each user and nothing shared.

LoRe and own rewards are then given 40 people they have never seen, with 3, 10 or 30 comparisons each, of which only what is a person's own is fitted: the
mixture, or the whole reward. Both start as the mean over the users and are pulled back to it, which is more than the paper's per-user reward has: that starts
from noise.

Ridges: of training, from 1e-4, 1e-3 and 1e-2, once, for 10 labels; of adapting, from 0.003, 0.03, 0.3 and 3, for each number of labels, and beyond where the
best lies at an end; all chosen by what is measured, on 20 other people who are not among the 40, alike for every arm. That one reward for all is behind where
people disagree follows from what it is; rewards of one's own can be all that a mixture can, so that claim may fail. Measured: the share of all pairs of the 60
items that nobody has judged before which the reward orders as the person would, who is not asked but known. "Few" are 3 and 10.

Source: Bose et al. 2025, arXiv 2504.14439, with the authors' code (facebookresearch/LoRe). Its data are PersonalLLM, Reddit TL;DR and PRISM, embedded by a
reward model of 8 B parameters; here the embedding is given and the truth is known.
"""

from guerdon.atlas import AllOf, BetterThan, System
from guerdon.atlas.pluralistic._people import CHOSEN, Groups
from guerdon.models.heads.low_rank_users import LowRankUsers
from guerdon.models.heads.scalar import Scalar
from guerdon.models.heads.separate_users import SeparateUsers
from guerdon.randomness import derive
from guerdon.worlds.users._crowd import examples
from guerdon.worlds.users.mixed_tastes import MixedTastes

system = System(
    title="LoRe: Personalizing LLMs via Low-Rank Reward Modeling",
    link="https://arxiv.org/abs/2504.14439",
    kind="reward",
    builds_on=("bradley-terry-rm", "frozen-embedding", "simplex-weights", "matrix-factorisation"),
    read="code",
    untuned=CHOSEN,
)
USERS, VALIDATION, PEOPLE = 60, 20, 40
JUDGED, HELD_OUT = range(140), range(140, 200)
LABELS, FEW = (3, 10, 30), (3, 10)
recipe = {"LoRe": LowRankUsers(USERS, rank=5), "one reward": Scalar(), "own reward": SeparateUsers(USERS)}
ON = "accuracy for somebody new"
claim = AllOf(
    *(BetterThan("LoRe", "one reward", on=ON, at=n, effect=0.01, matched="labels", by_construction=True) for n in FEW),
    *(BetterThan("LoRe", "own reward", on=ON, at=n, effect=0.01, matched="labels") for n in FEW),
)
SEEDS = {"smoke": 1, "full": 12}


def experiment(seed: int, scale: str) -> dict:
    users, validation, people = (8, 4, 4) if scale == "smoke" else (USERS, VALIDATION, PEOPLE)
    everybody = users + validation + people
    world = MixedTastes(users=everybody, shares=(0.25,) * 4, concentration=1.0, strength=4.0, seed=derive(seed, "world"))
    learned = examples(world.verdicts(range(users), 30, JUDGED, derive(seed, "training")))
    groups = Groups(
        world,
        range(users),
        range(users, users + validation),
        range(users + validation, everybody),
        JUDGED,
        HELD_OUT,
        labels=10,
        seed=seed,
        quick=scale == "smoke",
    )
    models = {arm: groups.trained(head, learned) for arm, head in recipe.items()}
    return {
        arm: {
            ON: {n: groups.accuracy_after(model, n) for n in LABELS},
            "accuracy for those trained on": groups.accuracy(model, groups.raters),
        }
        for arm, model in models.items()
    }
