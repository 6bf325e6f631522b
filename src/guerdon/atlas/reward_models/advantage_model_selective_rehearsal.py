"""Advantage model: bounds in the loss keep what is learned of one task from drowning the others when a policy is optimised for all of
them.

World: 120 prompts of four tasks in turn, with 24 answers of twelve-dimensional vectors (``worlds.finite.rated_answers``, of which the
answers are taken); gold = s u . x with s = 0.5, 1, 2 and 4 in the four tasks, one direction u. 600 pairs of answers to 80 prompts are
compared by Bradley-Terry. Reward models are linear on the task, the vector, their products, and 64 random features of all these, so that a
score has a level of its own in each task that no comparison tells. A seed is another world.

* BT; AM, the same with the loss ``bounded_advantage``, its bound chosen from 1, 2 and 4 and beyond by the even gold below at 1 nat on 20
  prompts;
* BT, normalised: BT's scores less their mean and over their deviation under the reference policy, prompt by prompt: what can be had without
  another loss.

Ridges are chosen alike by the order of answers to the 20 prompts. Measured on 20 others: *accuracy*; *unevenness*, the largest deviation of
scores within a task over the smallest, in nats (the logarithm); *offset*, the deviation between the tasks' mean scores over that within
them; *miscalibration*, the mean of |sigmoid(d score) - sigmoid(d gold)| over pairs.

The policy that a reward asks for is its tilt with one beta for all prompts, such that the mean KL is within a budget; *even gold* is in
units of each task's s, *gold* as it is.

Source: Peng et al. 2023, arXiv 2309.10202, its abstract and summaries. Selective rehearsal, the paper's other half, is not here: a policy
that is a table forgets nothing of other prompts. No margin of a prompt's own is known here, so there is one bound. Smallest differences of
interest: 0.2 of unevenness and offset, 0.01 of accuracy and calibration, 0.05 of gold.
"""

import torch
from scipy.optimize import brentq
from torch import Tensor

from guerdon.atlas import AheadAlong, AllOf, BetterThan, NoWorseThan, System
from guerdon.atlas.reward_models._vectors import (
    BRADLEY_TERRY,
    CHOSEN,
    Model,
    at_the_best,
    both_at_the_best,
    fitted,
    ordered,
    pairs,
)
from guerdon.losses.comparisons.bounded_advantage import BoundedAdvantage
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.head import Head
from guerdon.models.encoders.random_features import RandomFeatures
from guerdon.randomness import derive
from guerdon.worlds.finite.rated_answers import RatedAnswers

system = System(
    title="Stabilizing RLHF through Advantage Model and Selective Rehearsal",
    link="https://arxiv.org/abs/2309.10202",
    kind="method",
    builds_on=("bradley-terry-rm", "exponential-tilt"),
    read="summary",
    untuned=CHOSEN,
    note=(
        "Accuracy and all else stay as they are: with a bound and a ridge that are chosen for it the advantage model is Bradley-Terry's equal, and so is what "
        "normalising by prompt gives. That scores of tasks differ comes from the tasks; a bound narrow enough to even them out was not chosen."
    ),
)
recipe = {"BT": BRADLEY_TERRY, "AM": Pairwise(Head(), BoundedAdvantage())}
RIDGES = (1e-5, 1e-4, 1e-3)
BUDGETS, BOUNDS, SCALES = (0.25, 0.5, 1.0, 2.0), (1.0, 2.0, 4.0), (0.5, 1.0, 2.0, 4.0)
claim = AllOf(
    BetterThan("AM", "BT", on="unevenness", effect=0.2, lower_is_better=True, matched="comparisons"),
    BetterThan("AM", "BT", on="offset", effect=0.2, lower_is_better=True, matched="comparisons"),
    BetterThan("AM", "BT", on="miscalibration", effect=0.01, lower_is_better=True, matched="comparisons"),
    NoWorseThan("AM", "BT", on="accuracy", margin=0.01, matched="comparisons"),
    *(AheadAlong("AM", other, on="even gold", along="KL", effect=0.05) for other in ("BT", "BT, normalised")),
)
SEEDS = {"smoke": 1, "full": 8}
LABELLED, TUNING, HELD_OUT, ANSWERS = range(80), range(80, 100), range(100, 120), range(24)
COMPARED, TASKS = 600, len(SCALES)


class Tasks:
    """The answers of a world, seen beside which task they are of; what they are worth is larger in some tasks."""

    def __init__(self, seed: int):
        self.world = RatedAnswers(prompts=120, answers=24, qualities=1, strength=1.0, seed=seed)
        self.task = torch.arange(self.world.prompts) % TASKS
        self.scale = torch.tensor(SCALES, dtype=torch.float64)[self.task]
        self.gold = self.scale.unsqueeze(-1) * self.world.rewards()

    def features(self) -> Tensor:
        """[I, T + width + T width], the task, the vector, and their products."""
        task = torch.nn.functional.one_hot(self.task, TASKS).double()
        task = torch.cat([task, task.repeat_interleave(self.world.answers, 0)])
        vector = self.world.features()[:, self.world.prompt_width :]
        return torch.cat([task, vector, (task.unsqueeze(-1) * vector.unsqueeze(-2)).flatten(1)], -1)


def experiment(seed: int, scale: str) -> dict:
    small = scale == "smoke"
    tasks = Tasks(derive(seed, "world"))
    features = RandomFeatures(tasks, seed=derive(seed, "features")).build(0).table.double()
    prompt, better, worse = tasks.world.comparisons(
        COMPARED // 4 if small else COMPARED, derive(seed, "pairs"), LABELLED, ANSWERS, tasks.gold
    ).T
    told = pairs(tasks.world.item(prompt, better), tasks.world.item(prompt, worse))

    def score(model: Model, prompts: range) -> Tensor:
        return model.table(tasks.world.table(prompts, ANSWERS))

    def right(model: Model) -> float:
        return ordered(score(model, TUNING), tasks.gold[TUNING])

    def trained(ridge: float, loss: Pairwise) -> Model:
        return fitted(features, [(told, loss)], ridge, seed)

    plain = at_the_best(RIDGES, lambda ridge: trained(ridge, BRADLEY_TERRY), right, small)
    bounded = both_at_the_best(
        BOUNDS,
        RIDGES,
        lambda bound, ridge: trained(ridge, Pairwise(Head(), BoundedAdvantage(bound))),
        lambda model: bought(score(model, TUNING), tasks, TUNING, (1.0,))["even gold"][1.0],
        small,
    )
    said = {"BT": score(plain, HELD_OUT), "AM": score(bounded, HELD_OUT)}
    arms = {name: scores(s, tasks) | bought(s, tasks, HELD_OUT, BUDGETS) for name, s in said.items()}
    centred = said["BT"] - said["BT"].mean(-1, keepdim=True)
    arms["BT, normalised"] = bought(centred / centred.std(-1, keepdim=True), tasks, HELD_OUT, BUDGETS)
    return arms


def scores(score: Tensor, tasks: Tasks) -> dict[str, float]:
    """How scores of answers to the held-out prompts lie."""
    gold, task = tasks.gold[HELD_OUT], tasks.task[HELD_OUT]
    within = torch.stack([(score[task == t] - score[task == t].mean(-1, keepdim=True)).square().mean().sqrt() for t in range(TASKS)])
    level = torch.stack([score[task == t].mean() for t in range(TASKS)])
    surely, truly = (torch.sigmoid(x.unsqueeze(-1) - x.unsqueeze(-2)) for x in (score, gold))
    return {
        "accuracy": ordered(score, gold),
        "unevenness": float((within.max() / within.min()).log()),
        "offset": float(level.std(correction=0) / within.square().mean().sqrt()),
        "miscalibration": float((surely - truly).abs().mean()),
    }


def bought(score: Tensor, tasks: Tasks, prompts: range, budgets: tuple[float, ...]) -> dict[str, dict[float, float]]:
    """The tilts with one beta whose mean KL is each budget, and what they are worth beyond the reference."""
    gold, scale = tasks.gold[prompts], tasks.scale[prompts]
    spread = score.std()

    def kl(policy: Tensor) -> Tensor:
        return (policy * (policy.clamp(min=1e-300) * policy.shape[-1]).log()).sum(-1)

    def tilt(slope: float) -> Tensor:
        return (slope * score / spread).softmax(-1)

    curves: dict[str, dict[float, float]] = {"KL": {}, "gold": {}, "even gold": {}}
    for budget in budgets:
        policy = tilt(brentq(lambda slope, budget=budget: float(kl(tilt(slope)).mean()) - budget, 0.0, 1e4))
        gain = (policy * gold).sum(-1) - gold.mean(-1)
        curves["KL"][budget], curves["gold"][budget] = float(kl(policy).mean()), float(gain.mean())
        curves["even gold"][budget] = float((gain / scale).mean())
    return curves
