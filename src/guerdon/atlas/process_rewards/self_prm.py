"""Self-PRM: a policy that learned from outcomes alone is asked which steps it would have taken itself: whether it finds errors better as it solves more, and what that is good for.

World: 60 problems with solutions in steps (``worlds.finite.solutions``); the policy is a table with mistakes of its own, of which it is sure (with smaller ones a majority of 48
was always right), and a head on blurred features of each step (``_headed``), which alone learns. It practises on 12 problems, eight answers to each a step, by GRPO; all else is of
problems that it never practised. A seed is another world, policy, features and draws.

How it judges a step: by how likely it would be to take it, over how likely it would be to take its favourite; a solution is worth what its least step is. One threshold, that at
which the F1 is best on 12 problems, says of each checkpoint which steps it calls wrong. That is a choice of ours, for the policy has no words: what it would not do it calls wrong,
and its own mistakes it does not see.

* "RL": its checkpoints after 0, 4, 8 and 16 steps (the learning rate tuned by the mean of "accuracy"). "accuracy": exact, of 36 problems. "F1": of the first error in the same
  solutions of the policy at the start to these problems, as ProcessBench has it.
* "self-PRM", "majority", "weighted vote": of k solutions of the last checkpoint that of the highest worth, the number that most say, and that with the most worth. "of k":
  accuracy.
* "precision": of the solutions in which the last checkpoint calls no step wrong, how many are right, on the quarter of problems that it solves least often ("hard") and on the
  others; "base": of all solutions; "called": how many it calls right.

Claimed: F1 grows along RL as accuracy does; its worth chooses better than the majority where k is large; and on hard problems most of what it takes for right is wrong.

Source: Feng et al. 2025, arXiv 2505.11227: the abstract and reviews (checkpoints of RL on ProcessBench, rerankings of up to 64 solutions, precision below a tenth on hard
problems). There models of 7 to 32 B, which judge in words. The smallest differences of interest: 0.03 of F1 and of accuracy.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import torch
from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, GrowsWith, System
from guerdon.atlas._text import Along
from guerdon.atlas.process_rewards._headed import HeadedPolicy, voted
from guerdon.atlas.process_rewards._steps import Drawn, best_of, drawn, localised, threshold_for, worths
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.feedback.aggregating.minimum import Minimum
from guerdon.losses.surrogates.clip import Clip
from guerdon.randomness import derive
from guerdon.sequences import Decoding
from guerdon.training.judging import FiniteScene
from guerdon.training.loops.improve import improve
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.worlds.finite.solutions import Solutions

system = System(
    title="Is PRM Necessary? Problem-Solving RL Implicitly Induces PRM Capability in LLMs",
    link="https://arxiv.org/abs/2505.11227",
    kind="study",
    builds_on=("grpo", "first-error-f1", "majority", "weighted-vote", "best-of-n"),
    read="abstract",
    note=(
        "RL on outcomes takes accuracy on other problems from 0.36 to 0.64, and the F1 of the first error from 0.40 to 0.58. But to choose by the policy's own probabilities "
        "gains 0.01 from 48 solutions, where a majority gains 0.07. At the tuned rate (0.9) the policy is nearly sure of all that it says: it calls 99 of a hundred of its "
        "solutions right, also on hard problems, where one in ten is."
    ),
)
PROBLEMS = (12, 12, 36)  # practised, for the thresholds, asked about
KS = (1, 4, 16, 48)


def grpo(learning_rate: float) -> Recipe:
    return Recipe((Term(Clip(0.2)),), AdamW(learning_rate), Group(8), advantage=GroupCentred())


recipe = {"RL": grpo(0.1)}
claim = AllOf(
    GrowsWith("RL", on="accuracy", by=0.03),
    GrowsWith("RL", on="F1", by=0.03),
    BetterThan("self-PRM", "majority", on="of k", at="last", effect=0.03, matched="solutions"),
    BetterThan("hard", 0.5, on="precision", lower_is_better=True, effect=0.03),
)
GRID = {"RL": {"learning_rate": (0.01, 0.03, 0.1, 0.3)}}
TUNED_BY = "mean accuracy"
SEEDS = {"smoke": 1, "full": 24, "tune": 3}


class Data(NamedTuple):
    """``tuned_on`` and ``asked`` are solutions of the policy at the start, of the second and the third kind of problems."""

    world: Solutions
    start: HeadedPolicy
    tuned_on: Drawn
    asked: Drawn


@lru_cache(maxsize=2)
def data(seed: int, scale: str) -> Data:
    world = Solutions(contexts=sum(PROBLEMS), seed=derive(seed, "world"))
    start = HeadedPolicy(world.start(slip=0.3, deviation=2.0, seed=derive(seed, "policy")), world.features(seed=derive(seed, "features")))
    plain, each = start.plain(), 4 if scale == "smoke" else 16
    return Data(world, start, *(drawn(world, plain, place(k), each, derive(seed, "asked", k)) for k in (1, 2)))


def place(k: int) -> range:
    return range(sum(PROBLEMS[:k]), sum(PROBLEMS[: k + 1]))


def own_judgement(policy: HeadedPolicy) -> Tensor:
    """[C, P, V], how likely it is to take each step, over how likely it is to take its favourite."""
    chance = policy.logits.detach().softmax(-1)
    return chance / chance.amax(-1, keepdim=True)


def errors(world: Solutions, some: Drawn) -> Tensor:
    return some.first(~some.of(world.right()))


def judged(found: Data, policy: HeadedPolicy) -> tuple[float, float]:
    """The threshold, and the F1."""
    said = own_judgement(policy)
    threshold = threshold_for(found.tuned_on, found.tuned_on.of(said), errors(found.world, found.tuned_on), of=20)
    return threshold, localised(found.asked, found.asked.of(said), errors(found.world, found.asked), threshold)


@lru_cache(maxsize=2)
def practised(seed: int, scale: str, learning_rate: float) -> tuple[dict[str, dict[int, float]], HeadedPolicy]:
    """What it was like on the way, and the policy of all problems in the end."""
    found, stops = data(seed, scale), (1, 2, 3) if scale == "smoke" else (4, 8, 16)
    rewards, policy = found.world.rewards()[list(place(2))], found.start.of(place(0))

    def look() -> dict[str, float]:
        now = found.start.with_head(policy)
        return {"accuracy": float(now.of(place(2)).expect(rewards).detach().mean()), "F1": judged(found, now)[1]}

    along = Along(stops, look)
    rows = [{"prompt": c} for c in place(0)]
    budget = Budget(steps=max(stops), batch_size=len(rows), seed=derive(seed, "practice"))
    improve(policy, FiniteScene(found.world), rows, grpo(learning_rate), budget, Decoding(found.world.depth), display=along)
    curves = {name: dict(zip((0, 4, 8, 16), curve.values(), strict=True)) for name, curve in along.curves.items()}
    return curves, found.start.with_head(policy)


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict[str, Any]:
    curves, _ = practised(seed, scale, learning_rate)
    return {**curves, "mean accuracy": sum(curves["accuracy"].values()) / len(curves["accuracy"])}


def experiment(seed: int, scale: str, tuned: dict[str, dict[str, float]]) -> dict[str, dict[str, Any]]:
    found, (_, policy) = data(seed, scale), practised(seed, scale, **tuned["RL"])
    said, threshold = own_judgement(policy), judged(found, policy)[0]
    pool = drawn(found.world, policy.plain(), place(2), max(KS), derive(seed, "pool"))
    worth, shape = worths(pool, pool.of(said), Minimum()), (len(place(2)), -1)
    number, right = answered(found.world, pool).view(shape), pool.outcome.view(shape)
    rounds, values = (2 if scale == "smoke" else 40), found.world.values
    votes = [voted(number, right, k, rounds, values, derive(seed, "votes")) for k in KS]
    weighed = [voted(number, right, k, rounds, values, derive(seed, "votes"), worth.view(shape)) for k in KS]
    success = policy.of(place(2)).expect(found.world.rewards()[list(place(2))]).detach()
    hard = torch.isin(pool.problem - place(2).start, success.argsort()[: len(success) // 4])
    called_right = pool.of(said).masked_fill(~pool.mask, 1.0).amin(-1) >= threshold
    kinds = {"hard": hard, "others": ~hard}
    return {
        "RL": trial("RL", seed, scale, **tuned["RL"]),
        "self-PRM": {"of k": {k: best_of(pool, worth, k) for k in KS}},
        "majority": {"of k": dict(zip(KS, votes, strict=True))},
        "weighted vote": {"of k": dict(zip(KS, weighed, strict=True))},
    } | {name: precision(pool.outcome[kind], called_right[kind]) for name, kind in kinds.items()}


def precision(right: Tensor, called_right: Tensor) -> dict[str, float]:
    """How many of those that are called right are; where none is, of all. ``base``: of all; ``called``: the share that is called right."""
    base = float(right.mean())
    return {
        "precision": float(right[called_right].mean()) if called_right.any() else base,
        "base": base,
        "called": float(called_right.double().mean()),
    }


def answered(world: Solutions, some: Drawn) -> Tensor:
    """[B], the numbers that solutions answer with; -1 where they do not."""
    last = some.mask.sum(-1, keepdim=True) - 1
    node, action = (x.gather(1, last).squeeze(-1) for x in (some.node, some.action))
    return torch.where(action == world.answering, world.after().said[some.problem, node, action], -1)
