"""PAV: a step is rewarded with the progress that it means for a prover, in search and in RL; a prover that differs from the policy helps more than the policy itself.

World: 24 problems with solutions in steps (``worlds.finite.solutions``); the policy is right about six times in ten. The prover is the best of four of its tries from wherever one
stands, whose chance of success is 1 - (1 - V)^4; or the policy itself. A seed is another world, policy, features and draws.

In search, heads with a hidden layer of 16 learn, from 16 solutions to each of 12 problems and 8 continuations of each step, how likely success is for the policy and for the
prover (soft cross-entropy), and one learns outcomes; on the 12 other problems 16 steps are drawn at each depth in all arms:

* "best of 16": of whole solutions, by the head of outcomes at the end (its learning rate tuned).
* "beam, PAV" and "beam, own": of the 16 next steps of four beginnings the four stay with the most Q + alpha A, where A is the change of the prover's (the policy's) chance; what
  is left is chosen among by the head of outcomes. alpha is tuned.

In RL the policy practises on 12 problems, 4 answers to each and 16 steps, by PPO's clip on the whitened return of the outcome ("outcome"), with alpha A of the step itself
added ("PAV, RL", "own, RL"; A exact, of the prover as the policy is at the start, alpha 1). Learning rates are tuned.

* "accuracy": of what is found, over 16 searches of each problem; in RL of the policy, exact, the mean over steps 4, 8 and 16.

Source: Setlur et al. 2024, arXiv 2410.08146: the abstract and summaries (the effective reward Q + alpha A under a prover, best-of-K provers, 4 the best). There models of 2 to 27 B
and mathematics. Chosen here: the world, the heads. The smallest difference of interest: 0.02 of accuracy.
"""

from functools import lru_cache

import torch
from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, System
from guerdon.atlas.process_rewards._practising import TableScorer, practised
from guerdon.atlas.process_rewards._steps import Drawn, drawn, rolled, taught
from guerdon.credit.advantages.batch_normalised import BatchNormalised
from guerdon.credit.advantages.return_to_go import ReturnToGo
from guerdon.feedback.dense.step_scores import StepScores
from guerdon.feedback.step_shaping.to_next import ToNext
from guerdon.losses.steps.step_cross_entropy import StepCrossEntropy
from guerdon.losses.surrogates.clip import Clip
from guerdon.models.finite.policy import TablePolicy
from guerdon.randomness import derive, generator
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Dense, Recipe, Term
from guerdon.worlds.finite.solutions import Solutions

system = System(
    title="Rewarding Progress: Scaling Automated Process Verifiers for LLM Reasoning",
    link="https://arxiv.org/abs/2410.08146",
    kind="reward",
    builds_on=("gain", "progress", "step-scores", "to-next", "best-of-n", "return-to-go"),
    read="abstract",
    note=(
        "Nothing is gained: beams by progress find no more right answers than the best of 16, perhaps because the heads that guide them err where a head of "
        "outcomes sees the end; in RL all are at 0.98 to 0.99 with rates of their own, so that the world leaves exact progress nothing to speed up."
    ),
)
PROVER = 4  # of so many tries the best
WIDTH, EACH = 4, 4
SEARCHES = 16
RL = {"outcome": 0, "PAV, RL": PROVER, "own, RL": 1}
recipe = {"PAV, RL": (StepScores(None), ToNext())}
_ALPHAS = (0.3, 1.0, 3.0)
_RATES = (0.1, 0.3, 0.9)
GRID = {
    "best of 16": {"learning_rate": (0.01, 0.03, 0.1)},
    "beam, PAV": {"alpha": _ALPHAS},
    "beam, own": {"alpha": _ALPHAS},
    "outcome": {"learning_rate": _RATES},
    "PAV, RL": {"learning_rate": _RATES},
    "own, RL": {"learning_rate": _RATES},
}
TUNED_BY = "accuracy"
SEEDS = {"smoke": 1, "full": 10, "tune": 2}
claim = AllOf(
    BetterThan("beam, PAV", "best of 16", on="accuracy", effect=0.02, matched="steps drawn"),
    BetterThan("beam, PAV", "beam, own", on="accuracy", effect=0.02, matched="steps drawn"),
    BetterThan("PAV, RL", "outcome", on="accuracy", effect=0.02, matched="samples, updates"),
    BetterThan("PAV, RL", "own, RL", on="accuracy", effect=0.02, matched="samples, updates"),
)


def better(worth: Tensor, tries: int) -> Tensor:
    """The chance that one of so many tries comes out right."""
    return 1 - (1 - worth) ** tries


@lru_cache(maxsize=2)
def data(seed: int, scale: str) -> tuple[Solutions, TablePolicy, Tensor, Drawn, dict[int, Tensor]]:
    """The world and the policy; features, what is labelled, and by prover how likely success is after each step [C, P, V], as heads say."""
    world = Solutions(seed=derive(seed, "world"))
    policy = world.start(seed=derive(seed, "policy"))
    some = drawn(world, policy, range(12), 4 if scale == "smoke" else 16, derive(seed, "labelled"))
    features, q = world.features(seed=derive(seed, "features")), world.values_under(policy)[1]
    heads = {
        k: head(features, some, rolled(better(some.of(q), k), 8, derive(seed, "continued", k)), 0.03, seed, scale) for k in (1, PROVER)
    }
    return world, policy, features, some, heads


def head(features: Tensor, some: Drawn, labels: Tensor, learning_rate: float, seed: int, scale: str) -> Tensor:
    steps = 20 if scale == "smoke" else 200
    return torch.sigmoid(taught(features, some, labels, StepCrossEntropy(), learning_rate, steps, hidden=16, seed=derive(seed, "head")))


@lru_cache(maxsize=4)
def of_outcomes(seed: int, scale: str, learning_rate: float) -> Tensor:
    _, _, features, some, _ = data(seed, scale)
    return head(features, some, some.outcome.unsqueeze(-1).expand(some.mask.shape), learning_rate, seed, scale)


def searched(
    world: Solutions, policy: TablePolicy, worth: Tensor, prover: Tensor, alpha: float, last: Tensor, problem: int, seed: int
) -> float:
    """How often a beam finds a right answer to a problem."""
    steps, ends, vocabulary = policy.logits.detach()[problem].softmax(-1), world.ends()[problem], world.tree.vocabulary
    rng = generator(seed, "search", problem)
    node = torch.zeros(SEARCHES, WIDTH, dtype=torch.long)
    ended = torch.zeros(SEARCHES, WIDTH, dtype=torch.bool)
    before = torch.zeros(SEARCHES, WIDTH, dtype=torch.float64)  # the prover's chance; the same for all at the start
    verdict, outcome, kept = (torch.zeros(SEARCHES, WIDTH, dtype=torch.float64) for _ in range(3))
    for _ in range(world.depth):
        at = torch.where(ended, 0, node)
        action = torch.multinomial(steps[at].flatten(0, 1), EACH, replacement=True, generator=rng).view(SEARCHES, WIDTH, EACH)
        at, done = at.unsqueeze(-1), ended.unsqueeze(-1)
        after = prover[problem, at, action]
        score = worth[problem, at, action] + alpha * (after - before.unsqueeze(-1))
        once = torch.arange(EACH) == 0  # who has ended stays one candidate, with the score that it had
        score = torch.where(done, torch.where(once, kept.unsqueeze(-1), -torch.inf), score)
        now = [
            torch.where(done, node.unsqueeze(-1), at * vocabulary + action + 1),
            done | (action == world.answering),
            torch.where(done, before.unsqueeze(-1), after),
            torch.where(done, verdict.unsqueeze(-1), last[problem, at, action]),
            torch.where(done, outcome.unsqueeze(-1), ends[at, action]),
            score,
        ]
        top = score.flatten(1).topk(WIDTH, -1).indices
        node, ended, before, verdict, outcome, kept = (x.flatten(1).gather(1, top) for x in now)
    verdict = torch.where(kept.isinf(), -torch.inf, verdict)
    return float(outcome.gather(1, verdict.argmax(-1, keepdim=True)).mean())


def trial(arm: str, seed: int, scale: str, learning_rate: float = 0.03, alpha: float = 1.0) -> dict[str, float]:
    world, policy, _, _, heads = data(seed, scale)
    problems, at = range(12, 14) if scale == "smoke" else range(12, 24), derive(seed, arm)
    if arm in RL:
        return {"accuracy": reinforced(RL[arm], world, seed, scale, learning_rate, alpha)}
    last = of_outcomes(seed, scale, learning_rate)
    if arm.startswith("beam"):
        prover = heads[PROVER if arm == "beam, PAV" else 1]
        found = [searched(world, policy, heads[1], prover, alpha, last, problem, at) for problem in problems]
        return {"accuracy": sum(found) / len(found)}
    many = drawn(world, policy, problems, SEARCHES * WIDTH * EACH, at)
    ends = many.mask.sum(-1, keepdim=True) - 1
    worth = many.of(last).gather(1, ends).view(-1, WIDTH * EACH)
    return {"accuracy": float(many.outcome.view(-1, WIDTH * EACH).gather(1, worth.argmax(-1, keepdim=True)).mean())}


def reinforced(tries: int, world: Solutions, seed: int, scale: str, learning_rate: float, alpha: float) -> float:
    policy, stops = world.start(seed=derive(seed, "policy")), (1, 2) if scale == "smoke" else (4, 8, 16)
    dense = {}
    if tries:
        v, q = world.values_under(policy)
        gained = better(q, tries) - better(v, tries).unsqueeze(-1)
        dense = {"progress": Dense(StepScores(TableScorer(world, gained)), (ToNext(),), alpha)}
    method = Recipe((Term(Clip(0.2)),), AdamW(learning_rate), Group(4), dense=dense, advantage=BatchNormalised(ReturnToGo()))
    found = practised(method, world, policy, range(12), seed, stops)["success"]
    return sum(found[stop] for stop in stops) / len(stops)
