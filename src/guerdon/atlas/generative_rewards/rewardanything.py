"""RewardAnything: a judge that is told a principle and scores several answers at once, trained by how far its scores are in the right order, goes by principles that it never met.

World: answers of which six criteria hold or not (``worlds.finite.itemised_answers``), 120 prompts with 16 answers. A principle is three of the criteria, alike; it is read as a
vector, tanh of half its criteria times a map to eight numbers. Of the 20 principles 8 are met while learning. A seed is another world. 400 groups of four answers to 70 prompts,
each under one of these, have scores by consensus: the mean of three judges who are right about 85 % of the criteria. A group all of whose scores are alike is drawn anew.

A judge's score of an answer is linear in x, the principle's vector and their products.

* "listwise": scores are drawn, score + N(0, 1), eight times for each of 16 groups, 150 steps of REINFORCE, centred in the eight; the reward is
  ``feedback.rewards.ranking_agreement``. "top only": the same, with 1 where the first by consensus has the highest score, else 0. Rates are tuned by accuracy; of every 30 steps
  the weights are taken that order answers to 20 more prompts best, by the true order under the principles met.
* "pairs": a Bradley-Terry head, told the principle, on all pairs of these groups whose scores differ; its ridge is chosen by the same. "untold": the same without the principle.

Measured on 30 held-out prompts: "accuracy" of pairs of unequal worth, under the 12 principles that were not met; "met" under those that were; "swap", what the policy
proportional to exp(strength * score), at 1 nat from the uniform one, is worth under the principle that the judge was told, above the one that follows another principle.

Source: Yu et al. 2025, arXiv 2506.03637, abstract, introduction and summaries: principles in words, a consensus of judges, GRPO with a reward of format, order and distance. That
"untold" cannot follow is so by construction. Smallest differences of interest: 0.02 of accuracy and of swap."""

from functools import lru_cache
from itertools import combinations

import torch
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, System
from guerdon.atlas._text import bought
from guerdon.atlas.generative_rewards._items import HELD_OUT, LABELLED, STRENGTHS, TUNING
from guerdon.atlas.generative_rewards._linear import at_the_best, logistic
from guerdon.feedback.rewards.ranking_agreement import RankingAgreement, agreement
from guerdon.randomness import derive, generator
from guerdon.worlds.finite.itemised_answers import ItemisedAnswers

system = System(
    title="RewardAnything: Generalizable Principle-Following Reward Models",
    link="https://arxiv.org/abs/2506.03637",
    kind="reward",
    builds_on=("grpo", "listwise-judge", "bradley-terry-rm", "principle-conditioning"),
    read="summary",
    note=(
        "A judge that is told a principle goes by principles that it never met, 0.05 of accuracy above one that is not told, and a "
        "policy that follows it changes with the principle. Weighing pairs by how far apart they are is 0.02 better than asking for "
        "the best alone. But the same labels, as pairs, teach a Bradley-Terry head that is told the principle more (0.04) than 150 "
        "steps of REINFORCE on drawn scores do; more steps might close a part of that."
    ),
)
PRINCIPLES = torch.tensor([[float(k in three) for k in range(6)] for three in combinations(range(6), 3)], dtype=torch.float64)
MET, GROUPS, SHOWN, RIGHT, JUDGES, STEPS, LOOK, BATCH, DRAWS = 8, 400, 4, 0.85, 3, 150, 30, 16, 8
recipe = {"listwise": RankingAgreement()}
SAME = {"on": "accuracy", "effect": 0.02}
claim = AllOf(
    BetterThan("listwise", "untold", **SAME, matched="labels", by_construction=True),
    BetterThan("listwise", "pairs", **SAME, matched="labels"),
    BetterThan("listwise", "top only", **SAME, matched="labels, updates"),
    BetterThan("listwise", 0.0, on="swap", effect=0.02),
)
SEEDS = {"smoke": 1, "full": 24, "tune": 3}
GRID = {arm: {"learning_rate": (0.1, 0.3, 1.0)} for arm in ("top only", "listwise")}
TUNED_BY = "accuracy"


class World:
    def __init__(self, seed: int) -> None:
        items, rng = ItemisedAnswers(seed=derive(seed, "world")), generator(seed, "principles")
        self.x, met = items.vectors(), items.met().double()
        order = torch.randperm(len(PRINCIPLES), generator=rng)
        self.met, self.new = order[:MET], order[MET:]
        self.said = torch.tanh(PRINCIPLES @ torch.randn(6, 8, dtype=torch.float64, generator=rng) / 2)
        self.gold = met @ PRINCIPLES.T / 3  # [C, A, P]
        consensus = items.verdicts(RIGHT, 0.0, JUDGES, derive(seed, "judges")).double().mean(0) @ PRINCIPLES.T / 3
        draw = 4 * GROUPS
        prompt = torch.randint(len(LABELLED), (draw, 1), generator=rng)
        principle = self.met[torch.randint(MET, (draw, 1), generator=rng)]
        answers = torch.rand(draw, items.answers, generator=rng).argsort(-1)[:, :SHOWN]
        scores = consensus[prompt, answers, principle]
        kept = (scores.amax(-1) > scores.amin(-1)).nonzero().squeeze(-1)[:GROUPS]
        self.scores, self.prompt, self.principle, self.answers = (one[kept] for one in (scores, prompt, principle, answers))
        self.shown = self.features(self.x[self.prompt, self.answers], self.principle.expand(-1, SHOWN))

    def features(self, x: Tensor, principle: Tensor) -> Tensor:
        """[..., D]"""
        z = self.said[principle]
        return torch.cat([x, z, (x.unsqueeze(-1) * z.unsqueeze(-2)).flatten(-2)], -1)

    def table(self, w: Tensor, principles: Tensor, prompts: range) -> Tensor:
        """[C, A, P], scores under each of these principles."""
        x, width = self.x[prompts], self.x.shape[-1]
        if len(w) == width:
            return (x @ w).unsqueeze(-1).expand(-1, -1, len(principles))
        z = self.said[principles]
        return (x @ w[:width]).unsqueeze(-1) + torch.einsum("cad,de,pe->cap", x, w[width + z.shape[-1] :].view(width, -1), z)

    def right(self, w: Tensor, principles: Tensor, prompts: range) -> float:
        found, gold = self.table(w, principles, prompts), self.gold[prompts][..., principles]
        truth, said = ((one.unsqueeze(1) - one.unsqueeze(2)).sign() for one in (gold, found))
        return float(0.5 + (truth * said).sum() / truth.abs().sum() / 2)

    def swapped(self, w: Tensor) -> float:
        """What the policy that follows a new principle is worth under it, above the one that follows another, at 1 nat."""
        score, gold = self.table(w, self.new, HELD_OUT), self.gold[HELD_OUT][..., self.new]
        score = score - score.mean(1, keepdim=True)
        score = score / score.square().mean().sqrt().clamp(min=1e-12)
        kl, gain = {}, {}
        for strength in STRENGTHS:
            policy = (strength * score).softmax(1)
            kl[strength] = float((policy * (policy * policy.shape[1]).log()).sum(1).mean())
            gain[strength] = float(((policy - policy.roll(1, -1)) * gold).sum(1).mean())
        return bought(gain, kl, 1.0)

    def measured(self, w: Tensor) -> dict[str, float]:
        return {"accuracy": self.right(w, self.new, HELD_OUT), "met": self.right(w, self.met, HELD_OUT), "swap": self.swapped(w)}


@lru_cache(maxsize=2)
def world(seed: int) -> World:
    return World(seed)


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict[str, float]:
    here, rng = world(seed), generator(seed, "learning")
    w, best = here.shown.new_zeros(here.shown.shape[-1]), (0.0, None)
    steps = LOOK if scale == "smoke" else STEPS
    for step in range(1, steps + 1):
        some = torch.randint(len(here.scores), (BATCH,), generator=rng)
        noise = torch.randn(BATCH, DRAWS, SHOWN, dtype=torch.float64, generator=rng)
        said, true = (here.shown[some] @ w).unsqueeze(1) + noise, here.scores[some].unsqueeze(1)
        first = true.expand_as(said).gather(-1, said.argmax(-1, keepdim=True)).squeeze(-1)
        reward = agreement(said, true) if arm == "listwise" else (first == true.amax(-1)).double()
        advantage = (reward - reward.mean(1, keepdim=True)).unsqueeze(-1)
        w = w + learning_rate * torch.einsum("bgk,bkd->d", advantage * noise, here.shown[some]) / (BATCH * DRAWS)
        if step % LOOK == 0 and (found := here.right(w, here.met, TUNING)) > best[0]:
            best = (found, w)
    return here.measured(best[1])


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    here = world(seed)
    i, j = torch.triu_indices(SHOWN, SHOWN, 1)
    differs = here.scores[:, i] != here.scores[:, j]
    label = (here.scores[:, i] > here.scores[:, j])[differs].double()
    arms = {arm: trial(arm, seed, scale, **tuned[arm]) for arm in GRID}
    for name, shown in (("pairs", here.shown), ("untold", here.x[here.prompt, here.answers])):
        x = (shown[:, i] - shown[:, j])[differs]
        arms[name] = here.measured(at_the_best(lambda ridge, x=x: logistic(x, label, ridge), lambda w: here.right(w, here.met, TUNING)))
    return arms
