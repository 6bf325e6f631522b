"""MCTS-DPO: trees of steps are grown by the policy as it is, and at each depth it learns to prefer the way on that is worth most to that which is worth least.

World: six problems that are solved in up to five steps (``worlds.finite.solutions``, three or four operations modulo 4); who learns sees the number that was said last and the
next operation, in whichever problem (``_learning``), and is right one time in four at the start. Three rounds, in each about 50 steps drawn for each problem and then eight
gradient steps on 64 pairs each, with DPO against the start. A seed is another world, policy and draws.

* "MCTS-DPO": trees of each problem in each round, 24 simulations each (PUCT, four ways drawn, a leaf worth the outcome of one rollout); of the way that was tried most, at each
  depth the siblings of highest and lowest value, each label as sure as their visits say (``losses.labels.visits``).
* "offline": the same, but the trees of all rounds are of the policy at the start, and the pairs of all of them are learned from in each round.
* "whole answers": solutions of the policy as it is, all pairs of a right and a wrong one, in place of steps.
* "imitation": the likelihood of its own right solutions, of each round.

Learning rate and beta are tuned alike, by "accuracy", nine trials each.

* "accuracy": exact, after the last round; "by round": on the way. "drawn": steps for each problem, over all rounds. "pairs": in all that was learned from.

Source: Xie et al. 2024, arXiv 2405.00451: the abstract and the authors' code (``algorithms/mcts/trainer.py``, ``mcts/mcts.py``; the reference stays the start; beta 0.1). There
the value of a step is what the model itself says of it, and of an answer that and whether it is right; here it is the outcome alone, for the policy has no words to judge with.
Chosen here: the world; ``exploration`` 3, with which searches find most pairs. Arms were looked at beforehand, untuned and on two seeds, in worlds of shorter solutions, where
imitation came near to 1 and "MCTS-DPO" was behind it, and here on 24 seeds with two tuning seeds, when it was ahead of "whole answers" only; then more seeds were given to both.
The smallest difference of interest: 0.05 of accuracy.
"""

from functools import lru_cache
from typing import Any

from guerdon.acting.descents.puct import PUCT
from guerdon.acting.samplers.tree_search import TreeSearch
from guerdon.atlas import AllOf, BetterThan, System
from guerdon.atlas.process_rewards._learning import another, tied
from guerdon.atlas.process_rewards._trees import compared, grown, learned, right_and_wrong, solved
from guerdon.credit.segments.every_n import EveryN
from guerdon.data.curation.sibling_pairs import SiblingPairs
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.labels.visits import Visits
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.models.finite.tied_table import TiedPolicy
from guerdon.randomness import derive
from guerdon.sequences import Example
from guerdon.training.loops.fit import fit
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.worlds.finite.solutions import Solutions

system = System(
    title="Monte Carlo Tree Search Boosts Reasoning via Iterative Preference Learning",
    link="https://arxiv.org/abs/2405.00451",
    kind="method",
    builds_on=("tree-search", "puct", "sibling-pairs", "visits", "dpo"),
    read="code",
    note=(
        "Pairs of steps from new trees get 0.76 right, 0.05 more than from as many trees of the start, 0.07 more than imitation of right solutions and 0.17 more than pairs of "
        "whole ones, which learn little from the few that are right. Sharper policies leave their trees few forks: pairs are half as many as the start's trees have."
    ),
)
ROUNDS, UPDATES = 3, 8
DRAWN, ANSWERED = (
    50,
    53,
)  # steps for each problem in a round: after which no other tree is begun, which comes to as many on average as answers get
SEARCH = TreeSearch(simulations=24, rollouts=1, descent=PUCT(exploration=3.0), steps=EveryN(1))
PAIRS = SiblingPairs()


def by_steps(learning_rate: float, beta: float) -> Recipe:
    return Recipe((Term(Pairwise(LogRatio(beta), Logistic(), Visits())),), AdamW(learning_rate))


def by_answers(learning_rate: float, beta: float) -> Recipe:
    return Recipe((Term(Pairwise(LogRatio(beta), Logistic())),), AdamW(learning_rate))


def by_likelihood(learning_rate: float) -> Recipe:
    return Recipe((Term(NegativeLogLikelihood()),), AdamW(learning_rate))


recipe = {
    "MCTS-DPO": by_steps(0.1, 0.1),
    "whole answers": by_answers(0.1, 0.1),
    "imitation": by_likelihood(0.1),
    "search": SEARCH,
    "pairs": PAIRS,
}
claim = AllOf(
    BetterThan("MCTS-DPO", "imitation", on="accuracy", effect=0.05, matched="steps drawn, updates"),
    BetterThan("MCTS-DPO", "whole answers", on="accuracy", effect=0.05, matched="steps drawn, updates"),
    BetterThan("MCTS-DPO", "offline", on="accuracy", effect=0.05, matched="steps drawn, updates"),
)
_TWO = {"learning_rate": (0.1, 0.3, 0.9), "beta": (0.1, 0.3, 1.0)}
GRID = {
    "imitation": {"learning_rate": (0.01, 0.03, 0.06, 0.1, 0.2, 0.3, 0.6, 0.9, 1.5)},
    "whole answers": _TWO,
    "offline": _TWO,
    "MCTS-DPO": _TWO,
}
TUNED_BY = "accuracy"
SEEDS = {"smoke": 1, "full": 40, "tune": 5}


@lru_cache(maxsize=2)
def start(seed: int, scale: str) -> tuple[Solutions, TiedPolicy]:
    world = Solutions(contexts=2 if scale == "smoke" else 6, least=3, most=4, depth=5, seed=derive(seed, "world"))
    return world, tied(world, seed, slip=0.35)


def rounds(scale: str) -> int:
    return 1 if scale == "smoke" else ROUNDS


def from_trees(seed: int, scale: str, policy: TiedPolicy, number: int) -> tuple[list[Example], int]:
    world, _ = start(seed, scale)
    rows, drawn, again = [], 0, 0
    while again == 0 or drawn + cost / 2 < DRAWN * world.contexts:
        more, cost = grown(world, policy, SEARCH, range(world.contexts), derive(seed, "trees", number, again))
        rows, drawn, again = rows + more, drawn + cost, again + 1
    return compared(PAIRS(rows), ("visits_chosen", "visits_rejected")), drawn


@lru_cache(maxsize=2)
def from_trees_at_once(seed: int, scale: str) -> tuple[list[Example], int]:
    found = [from_trees(seed, scale, start(seed, scale)[1], number) for number in range(rounds(scale))]
    return [pair for own, _ in found for pair in own], sum(drawn for _, drawn in found)


def from_answers(seed: int, scale: str, policy: TiedPolicy, number: int) -> tuple[list[dict[str, Any]], int]:
    world, _ = start(seed, scale)
    rows = solved(world, policy, range(world.contexts), ANSWERED, derive(seed, "answers", number))
    return rows, sum(len(said) for row in rows for said in row["completions"])


def trial(arm: str, seed: int, scale: str, learning_rate: float, beta: float = 0.0) -> dict[str, Any]:
    world, begin = start(seed, scale)
    policy, method = another(begin), METHODS[arm](learning_rate, beta)
    rewards, drawn, pairs, by_round = world.rewards(), 0, 0, {0: 0.0}
    by_round[0] = float(begin.expect(rewards).detach().mean())
    for number in range(rounds(scale)):
        examples, cost = DATA[arm](seed, scale, policy, number)
        budget = Budget(2 if scale == "smoke" else UPDATES, 64, seed=derive(seed, "training", number))
        if examples:
            fit(policy, examples, method, budget, models={"ref": begin.reference()})
        by_round[number + 1] = float(policy.expect(rewards).detach().mean())
        drawn, pairs = drawn + cost, pairs + len(examples)
    offline = arm == "offline"
    return {
        "accuracy": by_round[rounds(scale)],
        "by round": {number: by_round[min(number, rounds(scale))] for number in range(ROUNDS + 1)},
        "drawn": (drawn / rounds(scale) if offline else drawn) / world.contexts,
        "pairs": pairs / rounds(scale) if offline else float(pairs),
    }


def _imitated(seed: int, scale: str, policy: TiedPolicy, number: int) -> tuple[list[Example], int]:
    rows, drawn = from_answers(seed, scale, policy, number)
    good = [(row["prompt"], said) for row in rows for said, score in zip(row["completions"], row["scores"], strict=True) if score > 0.5]
    return [Example({"": learned(problem, said)}) for problem, said in good], drawn


def _compared(seed: int, scale: str, policy: TiedPolicy, number: int) -> tuple[list[Example], int]:
    rows, drawn = from_answers(seed, scale, policy, number)
    return right_and_wrong(rows), drawn


DATA = {
    "MCTS-DPO": from_trees,
    "offline": lambda seed, scale, policy, number: from_trees_at_once(seed, scale),
    "whole answers": _compared,
    "imitation": _imitated,
}
METHODS = {"MCTS-DPO": by_steps, "offline": by_steps, "whole answers": by_answers, "imitation": lambda rate, beta: by_likelihood(rate)}
