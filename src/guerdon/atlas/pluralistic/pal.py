"""PAL: where people like what lies near a place of their own, a model of such places predicts them, a single reward does not, and a few comparisons place somebody
new.

World: 200 items with sixteen-dimensional vectors from N(0, 1), of which people see four directions; three prototypes, at equal distances, and everybody's place
is a mixture of them, mostly of one (Dirichlet with 0.3). They judge by Bradley-Terry on squared distances. A seed is another world.

60 users compare 50 pairs of 140 items each. On these are fitted, all to a minimum by L-BFGS:

* PAL: ideal points that are mixtures of three prototypes, in a linear map of the vectors into eight dimensions;
* one reward: a single Bradley-Terry model, linear in the vector;
* one place: PAL with a single prototype, the same for all, so that what this baseline lacks is people and not curvature;
* low-rank rewards: five rewards and a mixture of them for each user, as LoRe has them: people without places.

PAL and low-rank rewards are then given 40 people they have never seen, with 2, 5, 10, 20 and 100 comparisons each, of which only the mixture is fitted, from
the mean over the users and pulled back to it.

Ridges: of training, from 1e-4, 1e-3 and 1e-2, once, for 10 labels; of adapting, from 0.003, 0.03, 0.3 and 3, for each number of labels, and beyond where the
best lies at an end; all chosen by what is measured, on 20 other people who are not among the 40, alike for every arm. That one reward for all is behind where
people disagree follows from what it is; low-rank rewards know people too, and that claim may fail. Measured: the share of all pairs of the 60 items that nobody
has judged before which the reward orders as the person would. "A few suffice": with 20 comparisons PAL is no more than 0.03 below what it reaches for the users
that it was trained on, with 50 each.

Source: Chen et al. 2024, arXiv 2406.08469, model A, with the authors' code (RamyaLab/pluralistic-alignment). Its data are summaries, images and personas, with
embeddings of pretrained models; its model B, in which prototypes depend on the prompt, is ``models.heads.prompt_point`` and not measured here.
"""

from guerdon.atlas import AllOf, BetterThan, NoWorseThan, System
from guerdon.atlas.pluralistic._people import CHOSEN, Groups
from guerdon.models.heads.ideal_point import IdealPoint
from guerdon.models.heads.low_rank_users import LowRankUsers
from guerdon.models.heads.scalar import Scalar
from guerdon.randomness import derive
from guerdon.worlds.users._crowd import examples
from guerdon.worlds.users.ideal_places import IdealPlaces

system = System(
    title="PAL: Pluralistic Alignment Framework for Learning from Heterogeneous Preferences",
    link="https://arxiv.org/abs/2406.08469",
    kind="reward",
    builds_on=("bradley-terry-rm", "user-indexed-preference-data", "frozen-embeddings"),
    read="code",
    untuned=CHOSEN,
)
USERS, VALIDATION, PEOPLE = 60, 20, 40
JUDGED, HELD_OUT = range(140), range(140, 200)
LABELS = (2, 5, 10, 20, 100)
ARMS = {
    "PAL": IdealPoint(USERS, prototypes=3, dimensions=8),
    "one reward": Scalar(),
    "one place": IdealPoint(USERS, prototypes=1, dimensions=8),
    "low-rank rewards": LowRankUsers(USERS, rank=5),
}
recipe = ARMS
ON, SEEN = "accuracy for somebody new", "accuracy for those trained on"
LOSS = "what somebody new with 20 comparisons lacks"
claim = AllOf(
    *(BetterThan("PAL", single, on=SEEN, effect=0.02, matched="labels", by_construction=True) for single in ("one reward", "one place")),
    *(
        BetterThan("PAL", single, on=ON, at=10, effect=0.02, matched="labels", by_construction=True)
        for single in ("one reward", "one place")
    ),
    *(BetterThan("PAL", "low-rank rewards", on=ON, at=n, effect=0.02, matched="labels") for n in (5, 10, 20)),
    NoWorseThan("PAL", 0.0, on=LOSS, margin=0.03, lower_is_better=True),
)
SEEDS = {"smoke": 1, "full": 10}


def experiment(seed: int, scale: str) -> dict:
    users, validation, people = (8, 4, 4) if scale == "smoke" else (USERS, VALIDATION, PEOPLE)
    everybody = users + validation + people
    world = IdealPlaces(users=everybody, dimensions=4, prototypes=3, concentration=0.3, seed=derive(seed, "world"))
    learned = examples(world.verdicts(range(users), 50, JUDGED, derive(seed, "training")))
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
    arms = {}
    for arm, head in ARMS.items():
        model = groups.trained(head, learned)
        curve = {n: groups.accuracy_after(model, n) for n in LABELS}
        seen = groups.accuracy(model, groups.raters)
        arms[arm] = {ON: curve, SEEN: seen, LOSS: seen - curve[20]}
    return arms
