"""Implicit PRM: a model of outcomes that is a log-ratio of two policies says, without a label of any step, what each step is worth.

World: 60 problems with solutions in steps (``worlds.finite.solutions``), of which the policy gets six in ten right. On 16 problems as many steps may be drawn as 24 solutions of
each have. All arms are linear heads on the same blurred features of a step, trained with AdamW in 100 steps of all data at once. A seed is another world, policy, features and
draws.

* "implicit, CE": what the head says is added to the logits of the policy; beta times the log-ratio of a solution to the policy's is the log-odds that it is right. "implicit, DPO":
  the same, from all pairs of a right and a wrong solution of a problem. A step is worth its own log-ratio, by which the prefix's grows.
* "ORM": reads the last step. "ORM, summed": what it says of all steps is added up, which is "implicit" without a policy.
* "Monte Carlo": K continuations of each step are drawn for its label, the share of right ones (cross-entropy), so that fewer solutions have labels.
* "likelihood" (the policy's own, of each step) and "chance" (random numbers) are asked where the errors are, and need no training.

Tuned alike, by "best of 8": the learning rate; beta, or weight decay, or K; and what a solution is worth (of log-ratios the sum or the least, of probabilities the least or
the last).

* "best of 8": accuracy, exact over the 32 solutions of each of 32 other problems. (With 12 of them, as at first, seeds differed too much for any verdict.)
* "F1": of the first error of these solutions, as ProcessBench has it; the threshold is that which is best on 12 further problems.
* "labelled": solutions of each problem that were learned from.

Source: Yuan et al. 2024, arXiv 2412.01981: the abstract and the authors' code (``eval/prm_eval_utils.py``: increments of the prefix's log-ratio, their minimum or sum;
``train/tasks/run_ce.sh``). There models of 8 B, 33,000 instructions with 8 responses each, and a Math-Shepherd that costs 38 times as much. Chosen here: the world, that
budgets are equal. The smallest differences of interest: 0.02 of accuracy, 0.03 of F1.
"""

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from guerdon.atlas import AllOf, BetterThan, Knob, System
from guerdon.atlas.process_rewards._steps import Drawn, _head, best_of, drawn, localised, rolled, taught, threshold_for, worths
from guerdon.data.pairing.all_pairs import AllPairs
from guerdon.feedback.aggregating.last_step import LastStep
from guerdon.feedback.aggregating.minimum import Minimum
from guerdon.feedback.aggregating.total import Total
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.pointwise import Pointwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.losses.steps.step_cross_entropy import StepCrossEntropy
from guerdon.losses.verdicts.cross_entropy import CrossEntropy
from guerdon.models.finite.policy import TablePolicy
from guerdon.randomness import derive, generator
from guerdon.steps import clean, total
from guerdon.worlds.finite.solutions import Solutions

system = System(
    title="Free Process Rewards without Process Labels",
    link="https://arxiv.org/abs/2412.01981",
    kind="reward",
    builds_on=("pointwise", "log-ratio", "cross-entropy", "step-cross-entropy", "first-error-f1", "best-of-n"),
    read="code",
    note=(
        "Errors are found without a label of any step: F1 0.79 where chance has 0.23; but the policy's own likelihood of each step has 0.78 without any training (undecided). "
        "In best of 8, 0.87 with either loss, log-ratios are behind both heads of outcomes (0.91), and not ahead of Monte Carlo, which labels four solutions in ten at that price "
        "(0.88, undecided): a log-ratio compares ways on from one beginning and cannot say that the beginning is lost, which the features tell the heads."
    ),
)
PROBLEMS, EACH = (16, 12, 32), 24  # to learn from, for the thresholds, asked about; solutions of each of the first
WORTH = {"sum": Total(), "least": Minimum(), "last": LastStep()}


def by_verdicts(beta: float) -> Pointwise:
    return Pointwise(LogRatio(beta), CrossEntropy())


def by_pairs(beta: float) -> Pairwise:
    return Pairwise(LogRatio(beta), Logistic())


recipe = {"implicit, CE": by_verdicts(0.05), "implicit, DPO": by_pairs(0.05)}
_RATES = (0.01, 0.03, 0.1)
_MORE_RATES = (0.003, 0.01, 0.03, 0.06, 0.1, 0.3)
_DECAYS = Knob((0.0, 0.3, 1.0), least=0.0)
GRID = {
    "ORM": {"learning_rate": _MORE_RATES, "decay": _DECAYS},
    "ORM, summed": {"learning_rate": _RATES, "decay": _DECAYS, "worth": ("sum", "least")},
    "Monte Carlo": {"learning_rate": _RATES, "continuations": Knob((1, 2, 4), least=1), "worth": ("least", "last")},
    "implicit, CE": {"learning_rate": _RATES, "beta": (0.3, 1.0, 3.0), "worth": ("sum", "least")},
    "implicit, DPO": {"learning_rate": _RATES, "beta": (0.3, 1.0, 3.0), "worth": ("sum", "least")},
}
TUNED_BY = "best of 8"
SEEDS = {"smoke": 1, "full": 32, "tune": 4}
IMPLICIT, TAUGHT = ("implicit, CE", "implicit, DPO"), ("ORM", "ORM, summed", "Monte Carlo")
claim = AllOf(
    *(BetterThan(arm, than, on="best of 8", effect=0.02, matched="steps drawn, updates") for arm in IMPLICIT for than in TAUGHT),
    BetterThan("implicit, CE", "chance", on="F1", effect=0.03),
    BetterThan("implicit, CE", "likelihood", on="F1", effect=0.03),
)


class Data(NamedTuple):
    """``some`` may be learned from; of ``tuned_on`` and ``asked``, the thresholds are found on the one and the measures on the other, whose first errors are ``errors``."""

    world: Solutions
    policy: TablePolicy
    features: Tensor
    some: Drawn
    tuned_on: Drawn
    asked: Drawn

    def errors(self, some: Drawn) -> Tensor:
        return some.first(~some.of(self.world.right()))


@lru_cache(maxsize=2)
def data(seed: int, scale: str) -> Data:
    small = scale == "smoke"
    world = Solutions(contexts=sum(PROBLEMS), seed=derive(seed, "world"))
    policy = world.start(seed=derive(seed, "policy"))
    some = drawn(world, policy, range(PROBLEMS[0]), 4 if small else EACH, derive(seed, "labelled"))
    places = (range(sum(PROBLEMS[:k]), sum(PROBLEMS[: k + 1])) for k in (1, 2))
    others = (drawn(world, policy, place, 8 if small else 32, derive(seed, "asked", k)) for k, place in enumerate(places))
    return Data(world, policy, world.features(seed=derive(seed, "features")), some, *others)


def learned(head: nn.Module, loss: Callable[[], Tensor], scale: str, learning_rate: float, decay: float = 0.0) -> None:
    """As ``_steps.taught``, by a loss of whole solutions [B]."""
    optimiser, steps = torch.optim.AdamW(head.parameters(), lr=learning_rate, weight_decay=decay), updates(scale)
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate * (1 - step / steps)
        optimiser.zero_grad()
        loss().mean().backward()
        optimiser.step()


def updates(scale: str) -> int:
    return 10 if scale == "smoke" else 100


def implicit(objective: Callable[[Tensor, Tensor, Drawn], Tensor], seed: int, scale: str, learning_rate: float) -> Tensor:
    """[C, P, V], the log-ratio of each step. ``objective``: log-probabilities of the steps, and those of the policy that drew [B, T]."""
    found = data(seed, scale)
    head, own, some = _head(found.features.shape[-1], 0, derive(seed, "head")), found.policy.logits.detach(), found.some
    head[-1].weight.data.zero_()  # it starts as the policy that it is held to
    at = some.problem.unsqueeze(-1), some.node
    seen, said = found.features[at], own[at]

    def logp(logits: Tensor) -> Tensor:
        return clean(logits.log_softmax(-1).gather(-1, some.action.unsqueeze(-1)).squeeze(-1), some.mask)

    learned(head, lambda: objective(logp(said + head(seen).squeeze(-1)), logp(said), some), scale, learning_rate)
    with torch.no_grad():
        return (own + head(found.features).squeeze(-1)).log_softmax(-1) - own.log_softmax(-1)


def verdicts(logp: Tensor, ref_logp: Tensor, some: Drawn, beta: float) -> Tensor:
    return by_verdicts(beta)(logp=logp, ref_logp=ref_logp, mask=some.mask, label=some.outcome)


def comparable(some: Drawn) -> tuple[Tensor, Tensor]:
    """Every right solution of a problem with every wrong one."""
    both = AllPairs()(some.problem)
    lead = some.outcome[both[:, 0]] - some.outcome[both[:, 1]]
    return torch.where(lead.unsqueeze(-1) > 0, both, both.flip(-1))[lead != 0].unbind(-1)


def pairs(logp: Tensor, ref_logp: Tensor, some: Drawn, both: tuple[Tensor, Tensor], beta: float) -> Tensor:
    good, bad = both
    told = {"logp": logp, "ref_logp": ref_logp, "mask": some.mask}
    sides = {f"{side}_{name}": value[rows] for side, rows in (("chosen", good), ("rejected", bad)) for name, value in told.items()}
    return by_pairs(beta)(**sides)


def outcome(seed: int, scale: str, learning_rate: float, decay: float) -> Tensor:
    """What a head that was taught the outcome at the last step says, of each step as if it were the last."""
    found = data(seed, scale)
    some, last = found.some, found.some.mask & ~torch.nn.functional.pad(found.some.mask[:, 1:], (0, 1))
    labels = some.outcome.unsqueeze(-1).expand(some.mask.shape)
    rest = learning_rate, updates(scale), decay
    return taught(found.features, some, labels, StepCrossEntropy(), *rest, judged=last, seed=derive(seed, "head"))


def summed(seed: int, scale: str, learning_rate: float, decay: float) -> Tensor:
    """What a head says whose outputs at the steps of a solution, added up, were taught the outcome."""
    found = data(seed, scale)
    head, some = _head(found.features.shape[-1], 0, derive(seed, "head")), found.some
    seen = some.of(found.features)
    learned(head, lambda: CrossEntropy()(total(head(seen).squeeze(-1), some.mask), some.outcome), scale, learning_rate, decay)
    with torch.no_grad():
        return head(found.features).squeeze(-1)


def continued(seed: int, scale: str, learning_rate: float, continuations: int) -> tuple[Tensor, float]:
    """What a head says that was taught the share of right ones among continuations of each step; and the share of the solutions that the budget left."""
    found = data(seed, scale)
    world, policy, some = found.world, found.policy, found.some
    rows = torch.arange(len(some)).view(PROBLEMS[0], -1).T.flatten()  # one of each problem, another of each ...
    price = some.mask.sum(-1) + continuations * some.of(ahead(world, policy)).sum(-1)
    kept = rows[price[rows].cumsum(0) <= some.mask.sum()]
    labelled = some.select(kept)
    labels = rolled(labelled.of(world.values_under(policy)[1]), continuations, derive(seed, "continued"))
    head = taught(found.features, labelled, labels, StepCrossEntropy(), learning_rate, updates(scale), seed=derive(seed, "head"))
    return head, len(kept) / len(some)


def ahead(world: Solutions, policy: TablePolicy) -> Tensor:
    """[C, P, V], how many steps follow each on average."""
    vocabulary, depth = world.tree.vocabulary, world.depth
    place = torch.cat([torch.full((vocabulary**t,), t + 1.0, dtype=torch.float64) for t in range(depth)]).view(1, -1, 1)
    ends = torch.zeros_like(world.ends()) + place * (torch.arange(vocabulary) == world.answering)
    ends = torch.where(place == depth, place, ends)
    return world.values_under(policy, ends)[1] - place


@lru_cache(maxsize=4)
def table(arm: str, seed: int, scale: str, learning_rate: float, more: float) -> tuple[Tensor, float]:
    return HEADS[arm](seed, scale, learning_rate, more)


HEADS = {
    "ORM": lambda *asked: (outcome(*asked), 1.0),
    "ORM, summed": lambda *asked: (summed(*asked), 1.0),
    "Monte Carlo": continued,
    "implicit, CE": lambda seed, scale, rate, beta: (implicit(partial(verdicts, beta=beta), seed, scale, rate), 1.0),
    "implicit, DPO": lambda seed, scale, rate, beta: (
        implicit(partial(pairs, both=comparable(data(seed, scale).some), beta=beta), seed, scale, rate),
        1.0,
    ),
}


def trial(arm: str, seed: int, scale: str, learning_rate: float, worth: str = "last", **more: float) -> dict[str, float]:
    [knob] = more.values()
    said, share = table(arm, seed, scale, learning_rate, knob)
    asked = data(seed, scale).asked
    return {
        "best of 8": best_of(asked, worths(asked, asked.of(said), WORTH[worth]), 8),
        "F1": located(said, seed, scale),
        "labelled": share * (4 if scale == "smoke" else EACH),
    }


def located(said: Tensor, seed: int, scale: str) -> float:
    found = data(seed, scale)
    threshold = threshold_for(found.tuned_on, found.tuned_on.of(said), found.errors(found.tuned_on), of=20)
    return localised(found.asked, found.asked.of(said), found.errors(found.asked), threshold)


def experiment(seed: int, scale: str, tuned: dict[str, dict[str, Any]]) -> dict[str, dict[str, float]]:
    found = data(seed, scale)
    own = found.policy.logits.detach().log_softmax(-1)
    free = {"likelihood": own, "chance": torch.rand(own.shape, dtype=own.dtype, generator=generator(seed, "chance"))}
    return {arm: trial(arm, seed, scale, **setting) for arm, setting in tuned.items()} | {
        arm: {"F1": located(said, seed, scale)} for arm, said in free.items()
    }
