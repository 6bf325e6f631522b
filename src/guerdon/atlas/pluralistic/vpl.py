"""VPL: a latent that is inferred from a few comparisons predicts people of several kinds, where one reward averages them to nothing; questions that tell most infer
it sooner.

World: 200 items with eight-dimensional vectors from N(0, 1); people of four kinds, as many of each, whose tastes are as far apart as four can be (they sum to
nothing), and who judge by Bradley-Terry. A seed is another world. 480 users have compared eight pairs each of 140 items. On these are fitted by L-BFGS:

* VPL: encoder and reward by the evidence lower bound, with four draws of the latent, 150 steps;
* one reward: linear, Bradley-Terry, 100 steps;
* low-rank rewards: five linear rewards and a mixture of them for each user, as LoRe has them, 100 steps. Somebody new starts as the mean of the users and is pulled
  back to it: half the squared distance, times a pull, beside the sum of the losses of their answers.

Tuned alike, by the accuracy for new people after eight questions: weight of the KL and ridge of VPL (a weight of 1/8 is the bound itself), ridge of one reward, ridge
and pull of low-rank rewards. 48 people whom nothing was fitted to answer one question after another, out of 40 pairs that are drawn for each, and are asked what comes
first, or, by VPL, *active*: what has the largest information gain under 64 draws of what is believed of them so far; *uncertain*: what is least predictable under
these.

Measured: the share of all pairs of the 60 items that nobody has judged before which are ordered as the person would, of which 0.02 is what anybody would care about;
*success*: how often the best of these 60 by the reward, which is what a policy that is conditioned on the latent picks, is among the person's own best six; and,
after 16 answers, how unlike people's rewards are in size (deviation of a person's rewards over the 60 items: its own deviation over people, as a share of the
mean), as they are and as expected preferences (VPL-SPO). One reward is behind because it cannot tell people apart, and expected preferences are alike in size because
they are between 0 and 1 and spread evenly; low-rank rewards hear the same answers, and are linear, as tastes are, which VPL has to learn.

Before, 240 users were trained on, and nothing but one reward was compared with; settings were chosen within each seed, from two values of each. There are more users
because the paper has thousands of sets of comparisons, and VPL, which learns the encoder from them, was short of them.

The task is a choice: mazes and manipulation, where the paper trains policies by implicit Q-learning on the rewards of a latent, are not repeated here.

Source: Poddar et al. 2024, arXiv 2408.10075, with the authors' code (WEIRDLabUW/vpl: pref_learn/models/vae.py, experiments/active_utils.py; vpl_llm).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, System
from guerdon.atlas.pluralistic._people import adapted, agreement, fitted, scores
from guerdon.data.selection.information_gain import InformationGain
from guerdon.data.selection.uncertainty import Uncertainty
from guerdon.feedback.shaping.expected_preference import ExpectedPreference
from guerdon.losses.on_side import OnSide
from guerdon.losses.penalties.gaussian_kl import GaussianKL
from guerdon.losses.several_heads.expected import Expected
from guerdon.models.encoders.embedded import EmbeddedModel
from guerdon.models.heads.latent_user import LatentUser
from guerdon.models.heads.low_rank_users import LowRankUsers
from guerdon.models.heads.scalar import Scalar
from guerdon.randomness import derive, generator
from guerdon.sequences import Example, collate
from guerdon.training.recipe import Recipe, Term
from guerdon.worlds.users._crowd import examples
from guerdon.worlds.users.mixed_tastes import MixedTastes

system = System(
    title="Personalizing Reinforcement Learning from Human Feedback with Variational Preference Learning",
    link="https://arxiv.org/abs/2408.10075",
    kind="method",
    builds_on=("bradley-terry-rm", "vae-encoder", "latent-conditioned-policy", "iql", "active-query-selection"),
    read="code",
    note=(
        "A latent variable reads people from two or eight answers, and which questions are asked matters a lot. A linear "
        "low-rank model with the same people and answers is 0.03 to 0.04 more accurate."
    ),
)
USERS, PEOPLE, EACH, POOL = 480, 48, 8, 40
JUDGED, HELD_OUT = range(140), range(140, 200)
ASKED = (1, 2, 4, 8, 16)


def bound(weight: float) -> tuple[Term, ...]:
    return Term(Expected()), Term(OnSide(GaussianKL()), weight=weight)


recipe = {"VPL": Recipe(bound(1 / EACH))}
QUESTIONS: dict[str, Callable[[Tensor], Tensor] | None] = {"VPL": None, "VPL, active": InformationGain(), "VPL, uncertain": Uncertainty()}
ACCURACY, SUCCESS, UNLIKE = "accuracy by questions", "success by questions", "unlikeness of rewards in size"
AFTER_EIGHT = "accuracy after eight"
claim = AllOf(
    BetterThan("VPL", "one reward", on=ACCURACY, at=8, by=0.1, effect=0.02, by_construction=True),
    BetterThan("VPL", "one reward", on=SUCCESS, at=8, by=0.2, effect=0.05, by_construction=True),
    *(BetterThan("VPL", "low-rank rewards", on=ACCURACY, at=n, effect=0.02, matched="questions") for n in (2, 8)),
    *(BetterThan("VPL, active", "VPL", on=ACCURACY, at=n, effect=0.02, matched="questions") for n in (2, 4)),
    BetterThan("VPL-SPO", "VPL", on=UNLIKE, effect=0.05, lower_is_better=True, by_construction=True),
)
_RIDGES = (1e-4, 1e-3, 1e-2)
GRID = {
    "one reward": {"ridge": tuple(10 ** (-power / 2) for power in range(10, 1, -1))},
    "low-rank rewards": {"ridge": _RIDGES, "pull": (0.2, 2.0, 20.0)},
    "VPL": {"weight": (1 / 800, 1 / 80, 1 / 8), "ridge": _RIDGES},
}
TUNED_BY = AFTER_EIGHT
SEEDS = {"smoke": 1, "full": 10, "tune": 2}


@dataclass(frozen=True)
class Start:
    """The people of a seed: those who have compared, and those who are asked."""

    seed: int
    small: bool

    @cached_property
    def people(self) -> range:
        users, people = (24, 8) if self.small else (USERS, PEOPLE)
        return range(users, users + people)

    @cached_property
    def world(self) -> MixedTastes:
        return MixedTastes(200, self.people.stop, 8, (0.25,) * 4, -1 / 3, strength=3.0, seed=derive(self.seed, "world"))

    @cached_property
    def told(self) -> list[Example]:
        return examples(self.world.verdicts(range(self.people.start), EACH, JUDGED, derive(self.seed, "told")))

    @cached_property
    def pool(self) -> Tensor:
        """[U, C, 3], what they would answer."""
        return self.world.verdicts(self.people, POOL, JUDGED, derive(self.seed, "questions")).view(len(self.people), POOL, 3)

    def fitted(self, arm: str, ridge: float, weight: float = 1.0) -> EmbeddedModel:
        users, quick = self.people.start, {"steps": 20} if self.small else {}
        if arm == "VPL":
            head = LatentUser(users, latent=3, units=24, samples=4)
            return fitted(self.world, head, self.told, ridge, self.seed, bound(weight), **{"steps": 150} | quick)
        return fitted(self.world, Scalar() if arm == "one reward" else LowRankUsers(users), self.told, ridge, self.seed, **quick)

    def after(self, model: EmbeddedModel, questions: int, pull: float = 0.0) -> EmbeddedModel:
        """The model when these people have answered so many questions as they come."""
        return adapted(model, self.pool[:, :questions].flatten(0, 1), pull / questions) if model.columns else model

    def scored(self, model: EmbeddedModel) -> Tensor:
        """[U, I], rewards of the held-out items: for each of the people, whom the model counts from 0 on, or [1, I] for all."""
        return scores(model, self.world, self.people if model.columns else self.people[:1], HELD_OUT, new=True)

    def right(self, model: EmbeddedModel) -> float:
        return agreement(self.scored(model), self.world.utility()[self.people][:, HELD_OUT])

    def success(self, model: EmbeddedModel) -> float:
        utility = self.world.utility()[self.people][:, HELD_OUT]
        picked = self.scored(model).argmax(-1, keepdim=True).expand(len(self.people), 1)
        return float((utility.gather(-1, picked) >= utility.topk(6).values[:, -1:]).double().mean())

    def curves(self, models: Mapping[int, EmbeddedModel]) -> dict[str, dict[int, float]]:
        return {ACCURACY: {n: self.right(m) for n, m in models.items()}, SUCCESS: {n: self.success(m) for n, m in models.items()}}


def trial(arm: str, seed: int, scale: str, ridge: float, weight: float = 1.0, pull: float = 0.0) -> dict[str, float]:
    here = Start(seed, scale == "smoke")
    return {AFTER_EIGHT: here.right(here.after(here.fitted(arm, ridge, weight), 8, pull))}


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    here, arms = Start(seed, scale == "smoke"), {}
    for arm in ("one reward", "low-rank rewards"):
        model = here.fitted(arm, tuned[arm]["ridge"])
        arms[arm] = here.curves({n: here.after(model, n, tuned[arm].get("pull", 0.0)) for n in ASKED})
    vpl = here.fitted("VPL", **tuned["VPL"])
    for arm, question in QUESTIONS.items():
        models = answered(vpl, here.pool, question, seed)
        arms[arm] = here.curves(models)
        if arm == "VPL":
            rewards = here.scored(models[max(ASKED)])
    arms["VPL"][UNLIKE] = unlikeness(rewards)
    arms["VPL-SPO"] = {UNLIKE: unlikeness(torch.stack([ExpectedPreference()(row) for row in rewards]))}
    return arms


def answered(model: EmbeddedModel, pool: Tensor, question: Callable[[Tensor], Tensor] | None, seed: int) -> dict[int, EmbeddedModel]:
    """The model after so many questions of the pool [U, C, 3] have been asked of each of its users; None: as they come."""
    users, size = pool.shape[:2]
    open_, chosen, models = torch.ones(users, size, dtype=torch.bool), [], {}
    now = model.for_new_users(users)
    noise = torch.randn(64, model.head.latent, generator=generator(seed, "beliefs"))
    for n in range(1, max(ASKED) + 1):
        worth = torch.zeros(users, size) if question is None else question(believed(now, pool, noise).flatten(0, 1)).view(users, size)
        place = worth.masked_fill(~open_, -torch.inf).argmax(-1)
        open_[torch.arange(users), place] = False
        chosen.append(pool[torch.arange(users), place])
        now = model.for_new_users(users)
        own = torch.stack(chosen, 1).flatten(0, 1)
        now.acquaint(examples(own, user=torch.arange(users).repeat_interleave(n)))
        if n in ASKED:
            models[n] = now
    return models


@torch.no_grad()
def believed(model: EmbeddedModel, pool: Tensor, noise: Tensor) -> Tensor:
    """[U, C, S], the probability of the verdict to each question under draws of what is believed of the user."""
    model.module["head"].noise = noise
    users, size = pool.shape[:2]
    batch = collate(examples(pool.flatten(0, 1), user=torch.arange(users).repeat_interleave(size)))
    first, second = (model.measure(batch.sides[side], {"head_score"})["head_score"] for side in ("chosen", "rejected"))
    return torch.sigmoid(first - second).view(users, size, -1)


def unlikeness(rewards: Tensor) -> float:
    size = rewards.std(-1)
    return float(size.std() / size.mean())
