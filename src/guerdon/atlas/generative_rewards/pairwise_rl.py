"""Pairwise-RL: a judge of pairs says how likely an answer beats its prompt's anchor, and that is the reward, in the place of a Bradley-Terry score.

World: 120 prompts z of four dimensions, each with 48 answers and an anchor, vectors x of eight; gold = scale(z) u . x, scale(z) = exp(0.7 s . z), u and s of length 1. Answers to
a prompt have a middle of their own, x = 1.5 M z + N(0, 1), M an orthogonal map to four of the dimensions: so what answers are worth differs by prompts, with what it takes to
make one better. The anchor is the better of two others, drawn alike. A seed is another world. 400 pairs of answers to 70 prompts were compared by Bradley-Terry on the gold, and
whoever compared liked what was shown first by 0.5 in log-odds.

Rewards, all of heads that are linear in x and its products with z, and of the same comparisons:

* "scalar": the score of a Bradley-Terry head, each answer alone. "normalised": the same, over its running deviation from its mean.
* "difference": the score less the anchor's. "win": the probability by a judge of pairs that the answer beats the anchor, who has learned from both orders
  (``feedback.rewards.against_reference``).

The policy is linear in x and its products with z; each step draws one answer to each of 16 of 70 prompts, 40 steps, and the advantage is the reward less what a critic expects,
linear in z, by least squares over all rewards so far: the same for all arms. Rates are tuned by the chance to win. "wins" is how likely the policy's answers beat the anchor by
the gold, on 30 held-out prompts, along the KL from the uniform policy.

Judges: "both orders" has learned from each comparison in both orders, "as shown" in the one that was shown, with weights of its own for each place. "accuracy" is of pairs of
answers to the held-out prompts, each asked in a random order; "order bias" how far P(first) + P(second, turned around) is from 1.

Source: Xu et al. 2025, arXiv 2504.04950, abstract, introduction and summaries: a generative judge of pairs, both orders, win probability against an anchor as the reward of PPO.
What it gains from being generative has no place among linear heads; that both orders leave no order bias is so by construction here. Smallest differences of interest: 0.015
of wins, 0.01 of accuracy.
"""

from functools import lru_cache

import torch
from torch import Tensor

from guerdon.atlas import AheadAlong, AllOf, BetterThan, System
from guerdon.atlas.generative_rewards._climbing import Climbing, Critic
from guerdon.atlas.generative_rewards._linear import at_the_best, logistic
from guerdon.feedback.rewards.against_reference import AgainstReference
from guerdon.randomness import generator

system = System(
    title="A Unified Pairwise Framework for RLHF: Bridging Generative Reward Modeling and Policy Optimization",
    link="https://arxiv.org/abs/2504.04950",
    kind="method",
    builds_on=("generative-rm", "ppo", "win-rate-reward", "position-debiasing"),
    read="summary",
    note=(
        "At equal KL the probability to win buys 0.021 more wins than the score, whose differences grow without end; after as many "
        "samples both, and the score less the anchor's, are equal. A critic that is linear in the prompt takes care of what prompts "
        "differ by. A score over its deviation is as good or better (undecided). Learning from both orders is worth 0.08 of accuracy "
        "over weights for each place."
    ),
)
PROMPTS, ANSWERS, WIDTH, SEEN, PAIRS, PLACE, BATCH, STOPS = 120, 48, 8, 4, 400, 0.5, 16, (0, 5, 10, 20, 40)
LEARNED, TUNING, HELD_OUT = range(70), range(70, 90), range(90, 120)
recipe = {"win": AgainstReference("judge.py:compare", centred=True)}
claim = AllOf(
    AheadAlong("win", "scalar", on="wins", along="KL", effect=0.015),
    BetterThan("win", "scalar", on="at last", effect=0.015, matched="samples, updates"),
    BetterThan("win", "normalised", on="at last", effect=0.015, matched="samples, updates"),
    BetterThan("win", "difference", on="at last", effect=0.015, matched="samples, updates, anchor"),
    BetterThan("both orders", "as shown", on="accuracy", effect=0.01, matched="comparisons"),
)
SEEDS = {"smoke": 1, "full": 64, "tune": 4}
GRID = {
    arm: {"learning_rate": rates}
    for arm, rates in (
        ("scalar", (0.1, 0.3, 1.0, 3.0)),
        ("normalised", (0.1, 0.3, 1.0, 3.0)),
        ("difference", (0.1, 0.3, 1.0, 3.0)),
        ("win", (0.3, 1.0, 3.0, 10.0)),
    )
}
TUNED_BY = "at last"


class World:
    def __init__(self, seed: int) -> None:
        rng = generator(seed, "world")

        def normal(*shape: int) -> Tensor:
            return torch.randn(*shape, dtype=torch.float64, generator=rng)

        self.z = normal(PROMPTS, SEEN)
        middle = 1.5 * self.z @ torch.linalg.qr(normal(WIDTH, SEEN))[0].T
        x = middle.unsqueeze(1) + normal(PROMPTS, ANSWERS + 2, WIDTH)
        u, s = normal(WIDTH), normal(SEEN)
        self.gold = (0.7 * self.z @ (s / s.norm())).exp().unsqueeze(-1) * (x @ (u / u.norm()))
        found = torch.cat([x, (x.unsqueeze(-1) * self.z[:, None, None, :]).flatten(2)], -1)
        anchor = ANSWERS + self.gold[:, ANSWERS:].argmax(-1)
        every = torch.arange(PROMPTS)
        self.anchored, self.anchor = self.gold[every, anchor], found[every, anchor]
        self.features, self.gold = found[:, :ANSWERS], self.gold[:, :ANSWERS]
        self.beats = torch.sigmoid(self.gold - self.anchored.unsqueeze(-1))

        prompt = torch.randint(len(LEARNED), (PAIRS,), generator=rng)
        first = torch.randint(ANSWERS, (PAIRS,), generator=rng)
        second = (first + torch.randint(1, ANSWERS, (PAIRS,), generator=rng)) % ANSWERS
        chance = torch.sigmoid(self.gold[prompt, first] - self.gold[prompt, second] + PLACE)
        self.label = (torch.rand(PAIRS, dtype=torch.float64, generator=rng) < chance).double()
        self.shown = self.features[prompt, first], self.features[prompt, second]

    @property
    def scores(self) -> Tensor:
        """[D], of a Bradley-Terry head: also of a judge of pairs who has seen each comparison in both orders, whose log-odds are then the difference of two scores."""
        return at_the_best(lambda ridge: logistic(self.shown[0] - self.shown[1], self.label, ridge), self.right)

    @property
    def placed(self) -> Tensor:
        """[2 D + 1], of a judge who has weights for either place, and has seen comparisons as they were shown."""
        x = torch.cat([*self.shown, torch.ones(PAIRS, 1, dtype=torch.float64)], -1)
        return at_the_best(lambda ridge: logistic(x, self.label, ridge), self.right)

    def odds(self, w: Tensor, prompts: range) -> Tensor:
        """[C, A, A], log-odds that the one shown first is better than the one shown second."""
        found, width = self.features[prompts], self.features.shape[-1]
        if len(w) == width:
            return (found @ w).unsqueeze(-1) - (found @ w).unsqueeze(-2)
        return (found @ w[:width]).unsqueeze(-1) + (found @ w[width:-1]).unsqueeze(-2) + w[-1]

    def right(self, w: Tensor, prompts: range = TUNING) -> float:
        """The share of pairs, in both orders, that are ordered right."""
        truth = (self.gold[prompts].unsqueeze(-1) - self.gold[prompts].unsqueeze(-2)).sign()
        return float(0.5 + (truth * self.odds(w, prompts).sign()).sum() / truth.abs().sum() / 2)

    def bias(self, w: Tensor) -> float:
        p = torch.sigmoid(self.odds(w, HELD_OUT))
        off = ~torch.eye(ANSWERS, dtype=torch.bool)
        return float((p + p.mT - 1).abs()[:, off].mean())


@lru_cache(maxsize=2)
def world(seed: int) -> tuple[World, Tensor]:
    found = World(seed)
    return found, found.scores


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict:
    here, w = world(seed)
    score, anchor = here.features @ w, (here.anchor @ w).unsqueeze(-1)
    told = {"scalar": score, "normalised": score, "difference": score - anchor, "win": torch.sigmoid(score - anchor) - 0.5}[arm]
    seen, critic, earned = torch.cat([here.z, torch.ones(PROMPTS, 1, dtype=torch.float64)], -1), Critic(SEEN + 1), []

    def paid(prompts: Tensor, answers: Tensor) -> Tensor:
        reward = told[prompts].gather(1, answers)
        if arm == "normalised":
            earned.append(reward.flatten())
            all_of = torch.cat(earned)
            reward = (reward - all_of.mean()) / all_of.std().clamp(min=1e-9)
        advantage = reward - critic(seen[prompts]).unsqueeze(-1)
        critic.told(seen[prompts], reward.squeeze(-1))
        return advantage

    def measured(logp: Tensor) -> dict[str, float]:
        return {"wins": float((logp.exp() * here.beats[HELD_OUT]).sum(-1).mean())}

    stops = STOPS[:3] if scale == "smoke" else STOPS
    curves = Climbing(here.features, LEARNED, HELD_OUT).climbed(paid, learning_rate, seed, stops, BATCH, 1, measured)
    return curves | {"at last": curves["wins"][stops[-1]]}


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    here, w = world(seed)
    arms: dict[str, dict] = {arm: trial(arm, seed, scale, **tuned[arm]) for arm in GRID}
    for name, judge in (("both orders", w), ("as shown", here.placed)):
        arms[name] = {"accuracy": here.right(judge, HELD_OUT), "order bias": here.bias(judge)}
    return arms
