"""Reward features: where raters disagree, features that were learned from many of them let a few labels of somebody new beat a reward for all; where they agree,
nothing is lost.

World: 200 items with sixteen-dimensional vectors from N(0, 1); raters whose tastes are directions, in a subspace of four dimensions, and who judge by Bradley-
Terry. In one half of the experiment these directions have nothing else in common (they disagree), in the other they are one and the same (they agree). A seed
is another world.

60 raters compare 30 pairs of 140 items each. On these are fitted, all to their minimum by L-BFGS:

* reward features: eight features and eight weights for each rater;
* one reward: a linear reward for all, the non-adaptive model;
* own reward: a linear reward for each rater and nothing shared.

The two that know raters are then given 40 people they have never seen, with 5, 10 or 30 comparisons each, of which only what is a person's own is fitted. A
person starts as the mean over the raters and is pulled back to it (half the squared distance, times a ridge).

Ridges: of training, from 1e-4, 1e-3 and 1e-2, once, for 10 labels; of adapting, from 0.003, 0.03, 0.3 and 3, for each number of labels, and beyond where the
best lies at an end; all chosen by what is measured, on 20 other people who are not among the 40, alike for every arm. That one reward for all is behind where
people disagree follows from what it is; rewards of one's own can be all that features can, and that claim may fail. Measured: the share of all pairs of the 60
items that nobody has judged before which the reward orders as the person would, who is not asked but known.

The paper has no pull to the mean: it says that adapting is logistic regression. Without any, five labels in eight dimensions have no minimum. Its raters judge
answers of language models by hand-made features (UltraFeedback) or by published reward models; here the features are linear in the vector.

Source: Barreto et al. 2025, arXiv 2503.17338: the architecture, adaptation with frozen features, agreement against disagreement, 30 labels for somebody new.
"""

from guerdon.atlas import AllOf, BetterThan, NoWorseThan, System
from guerdon.atlas.pluralistic._people import CHOSEN, Groups
from guerdon.models.heads.reward_features import RewardFeatures
from guerdon.models.heads.scalar import Scalar
from guerdon.models.heads.separate_users import SeparateUsers
from guerdon.randomness import derive
from guerdon.worlds.users._crowd import examples
from guerdon.worlds.users.linear_tastes import LinearTastes

system = System(
    title="Capturing Individual Human Preferences with Reward Features",
    link="https://arxiv.org/abs/2503.17338",
    kind="reward",
    builds_on=("bradley-terry-rm", "linear-reward-head", "few-shot-logistic-adaptation"),
    read="abstract",
    untuned=CHOSEN,
)
RATERS, VALIDATION, PEOPLE = 60, 20, 40
TRAINED, HELD_OUT = range(140), range(140, 200)
LABELS = (5, 10, 30)
ARMS = {"reward features": RewardFeatures(RATERS, features=8), "own reward": SeparateUsers(RATERS), "one reward": Scalar()}
recipe = ARMS
WORLDS = {"disagree": 0.0, "agree": 1.0}
ON = {name: f"accuracy where raters {name}" for name in WORLDS}
claim = AllOf(
    *(
        BetterThan("reward features", "one reward", on=ON["disagree"], at=n, effect=0.02, matched="labels", by_construction=True)
        for n in (10, 30)
    ),
    *(BetterThan("reward features", "own reward", on=ON["disagree"], at=n, effect=0.02, matched="labels") for n in LABELS),
    *(NoWorseThan("reward features", "one reward", on=ON["agree"], at=n, margin=0.02, matched="labels") for n in (10, 30)),
)
SEEDS = {"smoke": 1, "full": 8}


def experiment(seed: int, scale: str) -> dict:
    raters, validation, people = (8, 4, 4) if scale == "smoke" else (RATERS, VALIDATION, PEOPLE)
    arms: dict[str, dict] = {name: {} for name in ARMS}
    for name, shared in WORLDS.items():
        world = LinearTastes(users=raters + validation + people, agreement=shared, seed=derive(seed, "world", name))
        learned = examples(world.verdicts(range(raters), 30, TRAINED, derive(seed, "training")))
        groups = Groups(
            world,
            range(raters),
            range(raters, raters + validation),
            range(raters + validation, world.users),
            TRAINED,
            HELD_OUT,
            10,
            seed,
            scale == "smoke",
        )
        for arm, head in ARMS.items():
            model = groups.trained(head, learned)
            arms[arm][ON[name]] = {n: groups.accuracy_after(model, n) for n in LABELS}
    return arms
