"""VPL: a latent that is inferred from a few comparisons predicts people of several kinds, where one reward averages them to nothing; questions that tell most infer it sooner.

World: 200 items with eight-dimensional vectors from N(0, 1); people of four kinds, as many of each, whose tastes are as far apart as four
can be (they sum to nothing), and who judge by Bradley-Terry. A seed is another world.

* VPL: 240 users with eight comparisons each of 140 items; encoder and reward by the evidence lower bound, with four draws of the latent,
  minimised by L-BFGS. The weight of the KL is 1/80 or 1/8 (the bound itself), the ridge 1e-4 or 1e-3;
* one reward: linear, Bradley-Terry on the same comparisons, ridge 1e-4, 1e-3 or 1e-2.

Settings are chosen by the accuracy for 24 people after eight comparisons; 48 others count. They answer one question after another, out of
40 pairs that are drawn for each, and are asked

* VPL: what comes first;
* VPL, active: what has the largest information gain, under 64 draws of what is believed of them so far;
* VPL, uncertain: what is least predictable under the same draws.

Measured: the share of all pairs of the 60 items that nobody has judged before which are ordered as the person would; *success*: how often
the best of these 60 by the reward, which is what a policy that is conditioned on the latent picks, is among the person's own best six; and,
after 16 answers, how unlike people's rewards are in size (deviation of a person's rewards over the 60 items: its own deviation over people,
as a share of the mean), as they are and as expected preferences (VPL-SPO).

The task is a choice: mazes and manipulation, where the paper trains policies by implicit Q-learning on the rewards of a latent, are not
repeated here.

Source: Poddar et al. 2024, arXiv 2408.10075, with the authors' code (WEIRDLabUW/vpl, vpl_llm).
"""

from collections.abc import Callable

import torch
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, System
from guerdon.atlas.pluralistic._people import RIDGES, adapted, agreement, fitted, scores
from guerdon.data.selection.information_gain import InformationGain
from guerdon.data.selection.uncertainty import Uncertainty
from guerdon.feedback.shaping.expected_preference import ExpectedPreference
from guerdon.losses.on_side import OnSide
from guerdon.losses.penalties.gaussian_kl import GaussianKL
from guerdon.losses.several_heads.expected import Expected
from guerdon.models.encoders.embedded import EmbeddedModel
from guerdon.models.heads.latent_user import LatentUser
from guerdon.models.heads.scalar import Scalar
from guerdon.randomness import derive, generator
from guerdon.sequences import collate
from guerdon.training.recipe import Recipe, Term
from guerdon.worlds.users._crowd import examples
from guerdon.worlds.users.mixed_tastes import MixedTastes

system = System(
    title="Personalizing Reinforcement Learning from Human Feedback with Variational Preference Learning",
    link="https://arxiv.org/abs/2408.10075",
    kind="method",
    builds_on=("bradley-terry-rm", "vae-encoder", "latent-conditioned-policy", "iql", "active-query-selection"),
    note="Active questions tell more from the second on. Five seeds had left two of the claims undecided, ten decide them.",
)
USERS, VALIDATION, PEOPLE, EACH, POOL = 240, 24, 48, 8, 40
JUDGED, HELD_OUT = range(140), range(140, 200)
ASKED = (1, 2, 4, 8, 16)
WEIGHTS = (1 / 80, 1 / 8)


def bound(weight: float) -> tuple[Term, ...]:
    return Term(Expected()), Term(OnSide(GaussianKL()), weight=weight)


recipe = {"VPL": Recipe(bound(1 / EACH))}
QUESTIONS: dict[str, Callable[[Tensor], Tensor] | None] = {"VPL": None, "VPL, active": InformationGain(), "VPL, uncertain": Uncertainty()}
ACCURACY, SUCCESS, UNLIKE = "accuracy by questions", "success by questions", "unlikeness of rewards in size"
claim = AllOf(
    BetterThan("VPL", "one reward", on=ACCURACY, at=8, by=0.1),
    BetterThan("VPL", "one reward", on=SUCCESS, at=8, by=0.2),
    *(BetterThan("VPL, active", "VPL", on=ACCURACY, at=n) for n in (2, 4)),
    BetterThan("VPL-SPO", "VPL", on=UNLIKE, lower_is_better=True),
)
SEEDS = {"smoke": 1, "full": 10}


def experiment(seed: int, scale: str) -> dict:
    users, validation, people = (24, 4, 8) if scale == "smoke" else (USERS, VALIDATION, PEOPLE)
    world = MixedTastes(200, users + validation + people, 8, (0.25,) * 4, -1 / 3, strength=3.0, seed=derive(seed, "world"))
    told = examples(world.verdicts(range(users), EACH, JUDGED, derive(seed, "told")))
    tried, those = range(users, users + validation), range(users + validation, world.users)

    def right(model: EmbeddedModel, of: range) -> float:
        return agreement(scored(model, world, of), world.utility()[of][:, HELD_OUT])

    def after_eight(model: EmbeddedModel) -> float:
        return right(adapted(model, world.verdicts(tried, EACH, JUDGED, derive(seed, "questions")), 0.0) if model.columns else model, tried)

    head = LatentUser(users, latent=3, units=24, samples=4)
    settings = [(1 / 8, 1e-3)] if scale == "smoke" else [(weight, ridge) for weight in WEIGHTS for ridge in RIDGES[:2]]
    models = [fitted(world, head, told, ridge, seed, bound(weight), 20 if scale == "smoke" else 150) for weight, ridge in settings]
    vpl = max(models, key=after_eight)
    one = max((fitted(world, Scalar(), told, ridge, seed) for ridge in RIDGES), key=after_eight)
    arms: dict[str, dict] = {"one reward": {ACCURACY: {}, SUCCESS: {}}}
    for n in ASKED:
        arms["one reward"][ACCURACY][n], arms["one reward"][SUCCESS][n] = right(one, those), success(one, world, those)
    pool = world.verdicts(those, POOL, JUDGED, derive(seed, "questions")).view(len(those), POOL, 3)
    for arm, question in QUESTIONS.items():
        arms[arm] = {ACCURACY: {}, SUCCESS: {}}
        for n, model in answered(vpl, pool, question, seed).items():
            arms[arm][ACCURACY][n], arms[arm][SUCCESS][n] = right(model, those), success(model, world, those)
            if arm == "VPL":
                rewards = scored(model, world, those)
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


def scored(model: EmbeddedModel, world: MixedTastes, users: range) -> Tensor:
    """[U, I], rewards of the held-out items: for each of the users, whom the model counts from 0 on, or [1, I] for all."""
    return scores(model, world, users if model.columns else users[:1], HELD_OUT, new=True)


def success(model: EmbeddedModel, world: MixedTastes, users: range) -> float:
    utility = world.utility()[users][:, HELD_OUT]
    picked = scored(model, world, users).argmax(-1, keepdim=True).expand(len(users), 1)
    return float((utility.gather(-1, picked) >= utility.topk(6).values[:, -1:]).double().mean())


def unlikeness(rewards: Tensor) -> float:
    size = rewards.std(-1)
    return float(size.std() / size.mean())
