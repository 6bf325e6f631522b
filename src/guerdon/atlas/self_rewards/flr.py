"""FLR: how likely thanks are to follow an answer, less how likely a complaint is, in the place of a reward model.

World: twelve prompts of four kinds with 27 answers each, whose worth is known (``_judging_itself``), and a policy that was fitted to two demonstrations of each, drawn in
proportion to exp(worth). A user who got an answer goes on with one of three things: thanks, with a logit of the worth; a complaint, with minus the worth; or something else, with a
logit of the answer's own, N(0, 1), that has nothing to do with worth: some answers are talked on about. 600 dialogues, to answers of the policy at the start, are what a
model of users is fitted to; a table for each kind, with a ridge. A reward model of the same size is fitted to what people prefer in 300 pairs, which are 600 answers
as well, by Bradley and Terry. A seed is another world, policy and other dialogues.

Arms, DPO on best and worst of 6 fresh answers to each prompt (beta 0.3): "reward model"; "thanks alone", the first of the two likelihoods; "FLR", both. Tuned alike: learning rate
and the ridge, by the worth at a KL of 1 nat from the start.

Measured, exact, at the start and after 3, 6, 12, 18 and 24 steps: "gold" (expected worth) and "KL" from the start; and "ranking", how often the scorer prefers the better of two
different answers of the start. That worth is ordered by the two likelihoods' difference in endless dialogues is so by construction; how it compares with what preferences tell is
not. The smallest differences of interest: 0.05 of worth, whose standard deviation over answers is 1; 0.03 of the ranking.

Source: Zhang et al. 2024, arXiv 2409.13948, of which the abstract was read. There a pretrained language model is asked, with several utterances of each kind, and is fine-tuned on
feedback in words afterwards. Chosen here: world, sizes, one utterance of each kind, that pairs are drawn as it goes on.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AheadAlong, AllOf, BetterThan, NoWorseThan, System
from guerdon.atlas._text import Along, bought
from guerdon.atlas.self_rewards._judging_itself import DEPTH, KIND, KINDS, PROMPTS, TREE, VOCABULARY, base, drawn, gold, seen, taught
from guerdon.data.pairing.best_worst import BestWorst
from guerdon.feedback.combining.only import Only
from guerdon.feedback.combining.weigh import Weigh
from guerdon.feedback.intrinsic.log_likelihood import LogLikelihood
from guerdon.feedback.recasting.follow_up import FollowUp
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.models.finite.policy import TablePolicy
from guerdon.models.finite.tree import PrefixTree
from guerdon.randomness import derive, generator
from guerdon.sequences import Decoding
from guerdon.training.judging import FiniteScene
from guerdon.training.loops.improve import improve
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.worlds.finite.enumerable import EnumerableWorld

system = System(
    title="Aligning Language Models Using Follow-up Likelihood as Reward Signal",
    link="https://arxiv.org/abs/2409.13948",
    kind="reward",
    builds_on=("dpo", "follow-up", "log-likelihood", "best-worst"),
    read="abstract",
    note=(
        "Against a reward model of as much data FLR ranks better (0.04) and is not told apart in what its policy earns; "
        "complaints are worth 0.05 of worth over thanks alone."
    ),
)
DIALOGUES, PRICE, STOPS = 600, 1.0, (3, 6, 12, 18, 24)
COMPLAINT, ELSE, THANKS = range(3)
_dpo = Recipe((Term(Pairwise(LogRatio(0.3), Logistic())),), AdamW(0.05), Group(6), pairing=BestWorst())
_likely = {"thanks": LogLikelihood(FollowUp((THANKS,)), by="user"), "complaint": LogLikelihood(FollowUp((COMPLAINT,)), by="user")}
recipe = {
    "reward model": replace(_dpo, combine=Only(("judge",))),
    "thanks alone": replace(_dpo, intrinsic=_likely, combine=Only(("thanks",))),
    "FLR": replace(_dpo, intrinsic=_likely, combine=Only(("thanks", "complaint"), Weigh({"complaint": -1.0}))),
}
_KNOBS = {"learning_rate": (0.02, 0.06, 0.18), "ridge": (0.3, 1.0, 3.0)}
GRID = dict.fromkeys(recipe, _KNOBS)
TUNED_BY = "gold at the price"
claim = AllOf(
    NoWorseThan("FLR", "reward model", on="ranking", margin=0.03, matched="answers read"),
    NoWorseThan("FLR", "reward model", on="gold at the price", margin=0.05, matched="KL, answers read, updates"),
    AheadAlong("FLR", "thanks alone", on="gold", along="KL", effect=0.05),
    BetterThan("FLR", "start", on="gold at the price", effect=0.05),
)
SEEDS = {"smoke": 1, "full": 16, "tune": 2}


@dataclass(frozen=True)
class World(EnumerableWorld):
    seed: int

    contexts = PROMPTS
    tree = TREE

    def rewards(self) -> Tensor:
        return gold(self.seed)


@lru_cache(maxsize=4)
def first(seed: int) -> TablePolicy:
    """The policy at the start, frozen."""
    return taught(base(seed), drawn(gold(seed), 2, derive(seed, "demonstrations"))).reference()


def answers(seed: int, n: int) -> tuple[Tensor, Tensor]:
    """[n] kinds of prompts, and the start's answers to them."""
    which = drawn(first(seed), n // PROMPTS, derive(seed, "read"))
    return KIND.repeat_interleave(n // PROMPTS), which.flatten()


@lru_cache(maxsize=16)
def user_model(seed: int, ridge: float) -> Tensor:
    """[K, S, 3], what is likely to follow an answer, as dialogues tell."""
    worth = gold(seed)[:KINDS]
    rng = generator(seed, "users")
    talk = torch.randn(worth.shape, dtype=torch.float64, generator=rng)
    kind, said = answers(seed, DIALOGUES)
    follows = torch.stack([-worth, talk, worth], -1)[kind, said].softmax(-1)
    next = torch.multinomial(follows, 1, generator=rng).squeeze(-1)
    return fitted((*worth.shape, 3), lambda table: -table.log_softmax(-1)[kind, said, next].sum(), ridge)


@lru_cache(maxsize=16)
def reward_model(seed: int, ridge: float) -> Tensor:
    """[K, S], the reward of an answer, as comparisons tell."""
    worth = gold(seed)[:KINDS]
    kind, said = (x.unflatten(0, (-1, 2)) for x in answers(seed, DIALOGUES))
    kind = kind[:, 0]
    lead = worth[kind, said[:, 0]] - worth[kind, said[:, 1]]
    sign = torch.where(torch.rand(len(lead), dtype=torch.float64, generator=generator(seed, "people")) < torch.sigmoid(lead), 1.0, -1.0)
    return fitted(worth.shape, lambda table: -logsigmoid(sign * (table[kind, said[:, 0]] - table[kind, said[:, 1]])).sum(), ridge)


def fitted(shape: tuple[int, ...], loss: Any, ridge: float) -> Tensor:
    """The table that minimises the loss and half the ridge times its squares."""
    table = torch.zeros(shape, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([table], max_iter=100, line_search_fn="strong_wolfe")

    def step() -> Tensor:
        optimiser.zero_grad()
        value = loss(table) + ridge / 2 * table.square().sum()
        value.backward()
        return value

    optimiser.step(step)
    return table.detach()


def in_dialogue(users: Tensor) -> TablePolicy:
    """The model of users as one that goes on after three steps of an answer."""
    tree = PrefixTree(VOCABULARY, DEPTH + 1)
    logits = torch.zeros(PROMPTS, tree.prefixes, VOCABULARY, dtype=torch.float64)
    logits[:, -TREE.size :] = users[KIND]
    return TablePolicy(tree, logits).reference()


def ranking(score: Tensor, seed: int) -> float:
    """How often the better of two different answers of the start has the higher score, [K, S]."""
    worth, p = gold(seed), first(seed).log_probabilities().exp()
    right = (score[KIND].unsqueeze(-1) > score[KIND].unsqueeze(-2)) == (worth.unsqueeze(-1) > worth.unsqueeze(-2))
    chance = p.unsqueeze(-1) * p.unsqueeze(-2) * ~torch.eye(p.shape[1], dtype=torch.bool)
    return float(((chance * right).sum((1, 2)) / chance.sum((1, 2))).mean())


def trial(arm: str, seed: int, scale: str, learning_rate: float, ridge: float) -> dict[str, Any]:
    world, start, stops = World(seed), first(seed), (1, 2) if scale == "smoke" else STOPS
    policy = base(seed)
    policy.module.load_state_dict(start.module.state_dict())
    users, model = user_model(seed, ridge).log_softmax(-1), reward_model(seed, ridge)

    def judge(prompts: list[int], completions: list[list[int]], **columns: list) -> list[float]:
        return model[KIND[prompts], TREE.index(torch.tensor(completions), torch.full((len(completions),), DEPTH))].tolist()

    along = Along(stops, lambda: seen(policy, start, world.rewards()))
    budget = Budget(max(stops), batch_size=PROMPTS, seed=derive(seed, "training"))
    by_user, by_people = ({}, {"judge": judge}) if arm == "reward model" else ({"user": in_dialogue(users)}, {})
    method = replace(recipe[arm], optimiser=AdamW(learning_rate))
    improve(policy, FiniteScene(world, by_people), world.train(), method, budget, Decoding(DEPTH), display=along, learners=by_user)
    curves = along.curves
    score = {"reward model": model, "thanks alone": users[..., THANKS], "FLR": users[..., THANKS] - users[..., COMPLAINT]}[arm]
    return curves | {"gold at the price": bought(curves["gold"], curves["KL"], PRICE), "ranking": ranking(score, seed)}


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    before = float(first(seed).expect(gold(seed)).mean())
    return {"start": {"gold at the price": before}, **{arm: trial(arm, seed, scale, **setting) for arm, setting in tuned.items()}}
