"""SVPO: a tree search says of each step what it is worth; a policy learns from pairs of steps, and a value head beside it, which then chooses among steps.

World: 60 problems with solutions in steps (``worlds.finite.solutions``); the policy is a table with mistakes of its own and a head on blurred features of each step
(``_headed``), which alone learns, so that what it learns helps elsewhere. On 12 problems 100 steps each are drawn by the policy at the start; then there are 24 gradient steps on
64 pairs, by DPO against the start. Accuracy is of the 48 other problems. A seed is another world, policy, features and draws.

* "steps": trees of each problem, 24 simulations each (PUCT, four ways drawn, a leaf worth the outcome of one rollout); pairs of the best and the worst sibling at every fork.
* "answers": solutions, all pairs of a right and a wrong one of a problem. "start": the policy as it was. All three are asked at temperature 0.
* "beam, value" and "beam, ranked value": the policy that learned from steps, five ways drawn of which a linear head chooses one, step by step. The head reads the same features
  and how likely the policy at the start finds the step, for it is a head of the same model. It was taught what the nodes of the same trees are worth, by squared error; "ranked
  value" also the pairs, the worse sibling to be a margin below.
* "vote": the majority of as many solutions of that policy as a beam draws steps for.

Tuned alike by "accuracy", nine trials each: learning rate and beta; the head's learning rate, and its margin, with a policy of one setting.

* "accuracy": of greedy answers, exact; of two beams of each problem; of the vote. "drawn": steps for one answer.

Source: Chen et al. 2024, arXiv 2406.10858: the abstract and summaries (a squared error on Q and a margin loss on pairs), and what the authors published of the search that it
builds on (Super_MARIO: ``agents/mcts.py``, ``agents/step_beam.py``, a width of 1 with five ways). There models of 7 B and mathematics. Chosen here: the world; that the head has
parameters of its own and learns after the policy. A head that did not know what the policy thinks of a step was tried first, and did worse than greedy answers, by 0.13. The
smallest difference of interest: 0.03 of accuracy.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import torch
from torch import Tensor

from guerdon.acting.descents.puct import PUCT
from guerdon.acting.samplers.group import Group
from guerdon.acting.samplers.step_beam import StepBeam
from guerdon.acting.samplers.tree_search import TreeSearch
from guerdon.atlas import AllOf, BetterThan, System
from guerdon.atlas.process_rewards._headed import HeadedPolicy, pools, voted
from guerdon.atlas.process_rewards._trees import compared, grown, right_and_wrong, solved
from guerdon.credit.segments.every_n import EveryN
from guerdon.data.curation.sibling_pairs import SiblingPairs
from guerdon.losses.comparisons.hinge import Hinge
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.losses.values.squared_error import SquaredError
from guerdon.models.finite.policy import TablePolicy
from guerdon.randomness import derive
from guerdon.sequences import Decoding, Example, Sequences
from guerdon.training.loops.fit import fit
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.worlds.finite.solutions import Solutions

system = System(
    title="Step-level Value Preference Optimization for Mathematical Reasoning",
    link="https://arxiv.org/abs/2406.10858",
    kind="method",
    builds_on=("tree-search", "sibling-pairs", "dpo", "hinge", "squared-error", "step-beam"),
    read="abstract",
    note=(
        "Pairs of steps teach no more than pairs of whole answers (0.81 and 0.82 of other problems, from 0.61), and beams by value find no more than greedy answers (0.79 to "
        "0.80), with or without pairs for the head: 28 seeds leave three hundredths open. A vote that draws as many steps is ahead of the beams, by 0.05. By exact values, as "
        "tried on three seeds, nearly every answer is right, so it is what the head does not know that costs."
    ),
)
DRAWN, LEARNED = 150, 12
SEARCH = TreeSearch(simulations=24, rollouts=1, descent=PUCT(exploration=3.0), steps=EveryN(1))
BEAM = StepBeam(width=1, expansions=5, steps=EveryN(1))
PAIRS = SiblingPairs(everywhere=True)
SETTING = {"learning_rate": 0.03, "beta": 0.3}  # of the policies with which the heads are tuned


def method(learning_rate: float, beta: float) -> Recipe:
    return Recipe((Term(Pairwise(LogRatio(beta), Logistic())),), AdamW(learning_rate))


recipe = {"policy": method(**SETTING), "search": SEARCH, "pairs": PAIRS, "value": SquaredError(), "rank": Hinge(0.1), "beam": BEAM}
claim = AllOf(
    BetterThan("steps", "answers", on="accuracy", effect=0.03, matched="steps drawn, updates"),
    BetterThan("beam, ranked value", "steps", on="accuracy", effect=0.03),
    BetterThan("beam, ranked value", "vote", on="accuracy", effect=0.03, matched="steps drawn"),
    BetterThan("beam, ranked value", "beam, value", on="accuracy", effect=0.03, matched="steps drawn, updates"),
)
_TWO = {"learning_rate": (0.01, 0.03, 0.1), "beta": (0.1, 0.3, 1.0)}
GRID = {
    "answers": _TWO,
    "steps": _TWO,
    "beam, value": {"learning_rate": (0.003, 0.01, 0.02, 0.03, 0.06, 0.1, 0.2, 0.3, 0.6)},
    "beam, ranked value": {"learning_rate": (0.03, 0.1, 0.3), "margin": (0.1, 0.3, 1.0)},
}
TUNED_BY = "accuracy"
SEEDS = {"smoke": 1, "full": 28, "tune": 2}


class Data(NamedTuple):
    """``trees`` are rows, ``answers`` examples, both of the practised problems; ``start`` is of all problems, and ``asked`` says which of these are not practised."""

    world: Solutions
    start: HeadedPolicy
    trees: list[dict[str, Any]]
    answers: list[Example]
    asked: range


@lru_cache(maxsize=2)
def data(seed: int, scale: str) -> Data:
    practised, others, drawn = (2, 2, 20) if scale == "smoke" else (12, 48, DRAWN)
    world = Solutions(contexts=practised + others, seed=derive(seed, "world"))
    start = world.start(slip=0.3, deviation=1.2, seed=derive(seed, "policy"))
    trees, cost, again = [], 0, 0
    while again == 0 or cost * (again + 0.5) / again < drawn * practised:
        more, price = grown(world, start, SEARCH, range(practised), derive(seed, "trees", again))
        trees, cost, again = trees + more, cost + price, again + 1
    answers = right_and_wrong(solved(world, start, range(practised), drawn, derive(seed, "answers")))
    headed = HeadedPolicy(start, world.features(seed=derive(seed, "features")))
    return Data(world, headed, trees, answers, range(practised, practised + others))


@lru_cache(maxsize=4)
def policy(arm: str, seed: int, scale: str, learning_rate: float, beta: float) -> TablePolicy:
    """What was learned, as a table of all problems."""
    found, small = data(seed, scale), scale == "smoke"
    practising = found.start.of(range(found.asked.start))
    examples = found.answers if arm == "answers" else compared(PAIRS(found.trees))
    budget = Budget(2 if small else 24, 64, seed=derive(seed, "training"))
    if examples:
        fit(practising, examples, method(learning_rate, beta), budget)
    return found.start.with_head(practising).plain()


def value(seed: int, scale: str, learning_rate: float, margin: float = 0.0) -> Tensor:
    """[C, P, V], what a head says each beginning is worth that ends with this step. ``margin`` 0: pairs teach it nothing."""
    found = data(seed, scale)
    known = found.start.own.log_softmax(-1).unsqueeze(
        -1
    )  # what the policy at the start says of the step, for the head is one of the same model
    features, vocabulary = torch.cat([found.start.features, known], -1), found.world.tree.vocabulary

    def seen(rows: list[tuple[int, list[int]]]) -> Tensor:
        """The features of the last step of each of these beginnings."""
        at = [(problem, node_of(said[:-1], vocabulary), said[-1]) for problem, said in rows]
        return features[tuple(torch.tensor(at).unbind(-1))]

    nodes = [
        (row["prompt"], [a for [a] in path], score) for row in found.trees for path, score in zip(row["paths"], row["scores"], strict=True)
    ]
    pairs = PAIRS(found.trees) if margin else []
    shown, worth = seen([node[:2] for node in nodes]), torch.tensor([node[2] for node in nodes], dtype=torch.float64)
    better, worse = (seen([(pair["prompt"], pair[side]) for pair in pairs]) for side in ("chosen", "rejected")) if pairs else (None, None)
    head = torch.zeros(features.shape[-1] + 1, dtype=torch.float64, requires_grad=True)
    optimiser, steps = torch.optim.AdamW([head], lr=learning_rate, weight_decay=0.0), 5 if scale == "smoke" else 100

    def said(some: Tensor) -> Tensor:
        return torch.sigmoid(some @ head[:-1] + head[-1])

    for step in range(steps):
        optimiser.param_groups[0]["lr"] = learning_rate * (1 - step / steps)
        loss = SquaredError()(said(shown), worth).mean()
        if pairs:
            loss = loss + Hinge(margin)(said(better), said(worse)).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return said(features).detach()


def node_of(actions: list[int], vocabulary: int) -> int:
    """The prefix that they lead to."""
    node = 0
    for action in actions:
        node = node * vocabulary + action + 1
    return node


def guided(table: Tensor, some: TablePolicy, seed: int, scale: str) -> dict[str, float]:
    """How often a beam is right, and what one draws."""
    found = data(seed, scale)
    again = 1 if scale == "smoke" else 2

    def score(sequences: Sequences) -> Tensor:
        last = (sequences.length - 1).unsqueeze(-1)
        where = torch.cat(sequences.contexts)[sequences.context]
        nodes, actions = found.world.tree.nodes(sequences.actions), sequences.actions
        return table[where, nodes.gather(1, last).squeeze(-1), actions.gather(1, last).squeeze(-1)]

    contexts = [torch.tensor([c]) for c in found.asked for _ in range(again)]
    ended = BEAM(some, contexts, Decoding(found.world.depth), derive(seed, "beam"), score)
    return {"accuracy": float(found.world.expected_reward_of(ended).mean()), "drawn": float(ended.quantities["drawn_tokens"].mean())}


def greedy(some: TablePolicy, seed: int, scale: str) -> float:
    found = data(seed, scale)
    contexts = [torch.tensor([c]) for c in found.asked]
    drawn = Group(1)(some, contexts, Decoding(found.world.depth, temperature=0.0), seed)
    return float(found.world.expected_reward_of(drawn).mean())


def trial(
    arm: str, seed: int, scale: str, learning_rate: float, beta: float = 0.0, margin: float = 0.0, by: dict[str, float] = SETTING
) -> dict[str, float]:
    """``by``: the setting of the policy that a beam is of."""
    if arm.startswith("beam"):
        return guided(value(seed, scale, learning_rate, margin), policy("steps", seed, scale, **by), seed, scale)
    return {"accuracy": greedy(policy(arm, seed, scale, learning_rate, beta), seed, scale)}


def experiment(seed: int, scale: str, tuned: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    found, by = data(seed, scale), tuned["steps"]
    numbers = {arm: trial(arm, seed, scale, **setting, **({"by": by} if arm.startswith("beam") else {})) for arm, setting in tuned.items()}
    best, beams = policy("steps", seed, scale, **by), numbers["beam, ranked value"]
    number, right, steps = pools(found.world, best, found.asked, 64, derive(seed, "votes"))
    k = max(1, round(beams["drawn"] / steps))
    vote = voted(number, right, k, 2 if scale == "smoke" else 50, found.world.values, derive(seed, "votes"))
    return numbers | {"vote": {"accuracy": vote}, "start": {"accuracy": greedy(found.start.plain(), seed, scale)}}
