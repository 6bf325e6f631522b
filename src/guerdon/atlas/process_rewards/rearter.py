"""ReARTeR: of an early step little can be said, so its score is moved towards those of steps that are drawn after it; what scores low is done again; pairs of steps come of a tree.

World: 48 questions of two or three hops (``worlds.finite.solutions``, read so: an operation asks for what follows from what was found last, four things in all), up to five steps.
Who answers sees what was found last and the next operation, in whichever question, and is right one time in three. A head with a hidden layer of 16 learns from 8 answers to each
of 24 questions whether more than a half of 8 continuations of a step came out right. It sees the facts of a step in noise, 0.3 at the last step that there may be and 0.15 more at
each before it: that early steps are seen less clearly is put in. A seed is another world, start, noise and draws.

In search on the other 24 questions each step draws 9 times at most, for one that is taken:

* "plain": the best of 9 steps by their score; "plain, 4": of 4, since choosing among many by a score in noise may harm. The head's learning rate is tuned.
* "look ahead": the best of 4 steps, of each of which another is drawn; the log-odds of the two become one (``look_ahead``). The rate is tuned.
* "look ahead, refined": the same, and where what is best has less than even odds, a step is drawn that is another, and taken if its score is higher.

After training on the 24 questions, for 40 updates of DPO (beta 0.1), learning rates tuned:

* "outcome DPO": on all pairs of a right and a wrong answer to a question, of as many steps drawn as the trees took; up to 16 pairs of each.
* "step DPO": on the best and the worst step at each node of a tree of 32 simulations (``tree_search``, exploration 4), by the mean score below it, where they
  differ by a tenth or more.

* "accuracy": on the other 24 questions; of searches the mean of 16 for each, of policies exact. "drawn": steps drawn a question, in search as in training.

Source: Sun et al. 2025, arXiv 2501.07861, abstract, and the authors' code: the update of scores, less than 0.5 for a refinement (``active_pipeline.py``), labels by more than a
half (``process_to_prm_data.py``). There models of 7 and 8 B answer with a retriever, a model of explanations says what is wrong with a step, and post-training goes several rounds;
here a refinement knows no more than which step was refused, and there is one round. Chosen here: the world, the numbers. The smallest difference of interest: 0.05 of accuracy.
"""

from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from guerdon.acting.descents.puct import PUCT
from guerdon.acting.samplers.tree_search import TreeSearch
from guerdon.atlas import AllOf, BetterThan, System
from guerdon.atlas.process_rewards._learning import another, tied
from guerdon.atlas.process_rewards._steps import Drawn, drawn, rolled, taught
from guerdon.credit.segments.every_n import EveryN
from guerdon.feedback.step_shaping.look_ahead import LookAhead
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.losses.steps.step_cross_entropy import StepCrossEntropy
from guerdon.models.finite.tied_table import TiedPolicy
from guerdon.models.finite.tree import context_indices
from guerdon.randomness import derive, generator
from guerdon.sequences import Decoding, Example, Sequences, Side
from guerdon.training.loops.fit import fit
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.worlds.finite.solutions import Solutions

system = System(
    title="ReARTeR: Retrieval-Augmented Reasoning with Trustworthy Process Rewarding",
    link="https://arxiv.org/abs/2501.07861",
    kind="method",
    builds_on=("look-ahead", "tree-search", "dpo", "step-cross-entropy"),
    read="code",
    note=(
        "Scores that look ahead find more right answers than the best of 9 steps by plain ones, by 0.11; but choosing among 9 by a score in noise does harm, and the best of 4 is "
        "behind by 0.03 only, with fewer steps drawn. A refinement that is told nothing adds nothing. Pairs of steps from a tree teach far more than pairs of answers, 0.29 of "
        "accuracy at as many steps drawn; the continuations from which the head that judges the tree has learned are not counted."
    ),
)
TRAIN, TEST, SEARCHES = range(24), range(24, 48), 16
UPDATES, BETA, RATE = 40, 0.1, 0.03  # the head's learning rate where another knob is tuned
SEARCH = {
    "plain": (9, False, False),
    "plain, 4": (4, False, False),
    "look ahead": (4, True, False),
    "look ahead, refined": (4, True, True),
}  # steps drawn, ahead, refined


def dpo(learning_rate: float) -> Recipe:
    return Recipe((Term(Pairwise(LogRatio(BETA), Logistic())),), AdamW(learning_rate))


recipe = {"look ahead": LookAhead(), "tree": TreeSearch(steps=EveryN(1)), "DPO": dpo(0.1)}
_RATES = (0.01, 0.03, 0.1)
GRID = {
    "plain": {"learning_rate": _RATES},
    "plain, 4": {"learning_rate": _RATES},
    "look ahead": {"rate": (0.25, 0.5, 0.75)},
    "look ahead, refined": {"rate": (0.25, 0.5, 0.75)},
    "outcome DPO": {"learning_rate": (0.01, 0.03, 0.1)},
    "step DPO": {"learning_rate": (0.01, 0.03, 0.1)},
}
TUNED_BY = "accuracy"
SEEDS = {"smoke": 1, "full": 24, "tune": 2}
claim = AllOf(
    BetterThan("look ahead", "plain", on="accuracy", effect=0.05, matched="steps drawn"),
    BetterThan("look ahead", "plain, 4", on="accuracy", effect=0.05, matched="steps to choose from"),
    BetterThan("look ahead, refined", "plain", on="accuracy", effect=0.05, matched="steps drawn"),
    BetterThan("step DPO", "outcome DPO", on="accuracy", effect=0.05, matched="steps drawn, updates"),
)


class Data(NamedTuple):
    world: Solutions
    policy: TiedPolicy
    features: Tensor
    some: Drawn
    labels: Tensor


@lru_cache(maxsize=2)
def data(seed: int, scale: str) -> Data:
    world = Solutions(contexts=48, seed=derive(seed, "world"))
    policy = tied(world, seed, slip=0.3)
    some = drawn(world, policy, TRAIN, 2 if scale == "smoke" else 8, derive(seed, "labelled"))
    labels = (rolled(some.of(world.values_under(policy)[1]), 8, derive(seed, "labels")) > 0.5).double()
    clear = world.features(blur=0.0, seed=derive(seed, "features"))
    noise = torch.randn(clear.shape, dtype=torch.float64, generator=generator(seed, "noise"))
    return Data(world, policy, clear + noise * clearness(world).view(-1, 1, 1), some, labels)


def clearness(world: Solutions) -> Tensor:
    """[P], the standard deviation of the noise in which the next step of each prefix is seen."""
    depth = torch.cat([torch.full((world.tree.vocabulary**t,), t) for t in range(world.depth)])
    return 0.3 + 0.15 * (world.depth - 1 - depth)


@lru_cache(maxsize=2)
def head(seed: int, scale: str, learning_rate: float) -> Tensor:
    """The log-odds of every step, [C, P, V]."""
    found, steps = data(seed, scale), 20 if scale == "smoke" else 150
    return taught(found.features, found.some, found.labels, StepCrossEntropy(), learning_rate, steps, hidden=16, seed=derive(seed, "head"))


@torch.no_grad()
def searched(found: Data, score: Tensor, arm: str, rate: float, searches: int, seed: int) -> dict[str, float]:
    each, ahead, refined = SEARCH[arm]
    world, rng, shaping = found.world, generator(seed, "search"), LookAhead(rate)
    steps, ends, vocabulary = found.policy.logits.softmax(-1), world.ends(), world.tree.vocabulary
    problem = torch.tensor(list(TEST)).repeat(searches)
    node, going, right, count = torch.zeros_like(problem), torch.ones_like(problem, dtype=torch.bool), torch.zeros(len(problem)).double(), 0
    for t in range(world.depth):
        action = torch.multinomial(steps[problem, node], each, replacement=True, generator=rng)
        of = problem.unsqueeze(-1).expand_as(action)
        raw = score[of, node.unsqueeze(-1), action]
        count += each * int(going.sum())
        worth = raw
        if ahead and t < world.depth - 1:
            after = node.unsqueeze(-1) * vocabulary + action + 1
            open_ = action != world.answering
            following = torch.multinomial(steps[of, after].flatten(0, 1), 1, generator=rng).view_as(action)
            count += int((open_ & going.unsqueeze(-1)).sum())
            both = torch.stack([raw, score[of, after, following]], -1).flatten(0, 1)
            worth = shaping(both, torch.stack([torch.ones_like(open_), open_], -1).flatten(0, 1))[:, 0].view_as(raw)
        best = worth.argmax(-1, keepdim=True)
        taken, top = action.gather(-1, best).squeeze(-1), worth.gather(-1, best).squeeze(-1)
        if refined:
            others = steps[problem, node].scatter(-1, taken.unsqueeze(-1), 0.0)
            instead = torch.multinomial(others, 1, generator=rng).squeeze(-1)
            low = top < 0
            count += int((low & going).sum())
            taken = torch.where(low & (score[problem, node, instead] > top), instead, taken)
        right = torch.where(going, ends[problem, node, taken], right)
        going = going & (taken != world.answering)
        node = torch.where(going, node * vocabulary + taken + 1, 0)
    return {"accuracy": float(right.mean()), "drawn": count / len(problem)}


def side(problem: int, before: tuple[int, ...], said: tuple[int, ...]) -> Side:
    """What was said to a question after something that is not learned from."""
    return Side((problem,), (*before, *said), (False,) * len(before) + (True,) * len(said))


@lru_cache(maxsize=2)
def trees(seed: int, scale: str) -> tuple[list[Example], int]:
    """Pairs of steps, and how many steps were drawn for them a question."""
    found, score = data(seed, scale), head(seed, scale, RATE)
    search, world = TreeSearch(simulations=4 if scale == "smoke" else 32, descent=PUCT(exploration=4.0), steps=EveryN(1)), found.world

    def score_prefix(some: Sequences) -> Tensor:
        last = (some.length - 1).unsqueeze(-1)
        at = [field.gather(-1, last).squeeze(-1) for field in (world.tree.nodes(some.actions), some.actions)]
        return score[context_indices(some, world.contexts), *at].sigmoid()

    grown = search.grow(found.policy, [torch.tensor([c]) for c in TRAIN], Decoding(world.depth), derive(seed, "trees"), score_prefix)
    pairs, opened = [], 0
    for problem, tree in zip(TRAIN, grown, strict=True):
        opened += sum(bool(node.children) for node in tree.nodes())
        for node, tried in tree.siblings():
            if tried[0].value - tried[-1].value >= 0.1:
                chosen, rejected = (side(problem, node.said.actions, way.step) for way in (tried[0], tried[-1]))
                pairs.append(Example({"chosen": chosen, "rejected": rejected}))
    return pairs, search.expansions * opened // len(TRAIN)


def answers(found: Data, steps: int, seed: int, most: int = 16) -> tuple[list[Example], float]:
    """Pairs of right and wrong answers, of so many steps drawn a question."""
    many = drawn(found.world, found.policy, TRAIN, steps, seed)  # more than enough: an answer has a step or more
    pairs, count = [], 0
    for problem in TRAIN:
        own = many.select(many.problem == problem)
        spent = own.mask.sum(-1).cumsum(-1)
        kept = own.select(spent <= steps)
        count += int(kept.mask.sum())
        rows = [tuple(int(a) for a in row) for row in kept.rows(kept.action)]
        good, bad = (
            [row for row, right in zip(rows, kept.outcome.tolist(), strict=True) if (right > 0.5) == kind] for kind in (True, False)
        )
        paired = [(a, b) for k in range(max(len(good), len(bad), 1)) for a, b in _shifted(good, bad, k)][:most]
        pairs += [Example({"chosen": side(problem, (), a), "rejected": side(problem, (), b)}) for a, b in paired]
    return pairs, count / len(TRAIN)


def _shifted(good: list, bad: list, k: int) -> list:
    """Each right answer with another wrong one at each k, as long as they last."""
    return [(a, bad[(i + k) % len(bad)]) for i, a in enumerate(good)] if k < len(bad) else []


def trial(arm: str, seed: int, scale: str, learning_rate: float = RATE, rate: float = 0.0) -> dict[str, float]:
    found, small = data(seed, scale), scale == "smoke"
    if arm in SEARCH:
        return searched(found, head(seed, scale, learning_rate), arm, rate, 2 if small else SEARCHES, derive(seed, arm))
    pairs, count = trees(seed, scale)
    if arm == "outcome DPO":
        pairs, count = answers(found, count, derive(seed, "answers"))
    policy = another(found.policy)
    fit(policy, pairs, dpo(learning_rate), Budget(steps=2 if small else UPDATES, batch_size=max(len(pairs), 1)))
    success = policy.expect(found.world.rewards()).detach()[torch.tensor(list(TEST))].mean()
    return {"accuracy": float(success), "drawn": float(count)}
