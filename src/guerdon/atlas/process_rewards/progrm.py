"""ProgRM: what successful trajectories have in common tells how far a step has come; a model that learned it rewards each step with what it brought the goal nearer.

World: 16 problems with solutions in up to four steps, a tenth of them idle (``worlds.finite.solutions``, modulo 4); the policy sees the number said last and the next operation
(``_learning``) and is right three times in ten at the start. It answers eight problems 32 times each; from these heads with a hidden layer of 16 learn on blurred features. Then
it practises on the eight others, 12 steps of 4 answers to each, and is rewarded by a head alone: nobody tells it what is right. A seed is another world, policy and draws.

Arms, by what the head learned: "outcome model", the outcome of each whole solution, paid at the end; "values", the outcome at every step, of which each step is paid the
increase; "common steps", progress by ``common_subsequence``, of which each step is paid the increase; "milestones", the same with true progress, the share of right numbers (and
the answer) that were reached in their order. PPO's clip on the whitened return. Rates of head and policy are tuned alike, by "success".

* "success": of the policy on the problems of its practice, exact, the mean over steps 3, 6 and 12.
* "credit": of failed answers of the start to these problems with a right step just before the first wrong one, how often that right step is given the higher return (of equal
  ones half counts). An outcome gives every step the same, so it is asked against "values".

Source: Zhang et al. 2025, arXiv 2505.18121, the abstract and summaries (progress by recipes, its increase as the reward, REINFORCE++; there 62.0% of tasks with milestones of the
environment, 59.3% with recipes and 58.7% with an outcome model). There a model of 8 B acts on an Android telephone. Chosen here: the world, the heads, their squared error. The
smallest differences of interest: 0.05 of a success rate, 0.03 of "credit". Set while exploring: a step is what is seen and done, since numbers alone match by chance; only like
successes are joined, since lucky ones left recipes of one step; twice as many labelled solutions, and four steps in the place of five, for time.
"""

from functools import lru_cache

import torch
from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, NoWorseThan, System
from guerdon.atlas.process_rewards._learning import mean_after, tied
from guerdon.atlas.process_rewards._practising import TableScorer, practised
from guerdon.atlas.process_rewards._steps import Drawn, drawn, taught
from guerdon.credit.advantages.batch_normalised import BatchNormalised
from guerdon.credit.advantages.return_to_go import ReturnToGo
from guerdon.data.curation.common_subsequence import CommonSubsequence
from guerdon.feedback.combining.weigh import Weigh
from guerdon.feedback.dense.step_scores import StepScores
from guerdon.feedback.step_shaping.progress import Progress
from guerdon.losses.steps.step_square import StepSquare
from guerdon.losses.surrogates.clip import Clip
from guerdon.randomness import derive
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Dense, Recipe, Term
from guerdon.worlds.finite.solutions import Solutions

system = System(
    title="ProgRM: Build Better GUI Agents with Progress Rewards",
    link="https://arxiv.org/abs/2505.18121",
    kind="reward",
    builds_on=("common-subsequence", "progress", "step-square", "step-scores", "return-to-go"),
    read="abstract",
    note=(
        "Progress by recipes teaches the policy less than a model of outcomes does, by 0.23 of the mean success rate, and true milestones are 0.13 behind it too, so that "
        "not the labels alone are to blame: a failed solution is paid for what it reached, and each step is told with an error of its own. Right steps of failures are "
        "credited as often as with values (0.83). Rates were tuned on three seeds, on which recipes did better (0.54) than on these (0.35)."
    ),
)
ARMS = ("outcome model", "values", "common steps", "milestones")
recipe = {"labels": CommonSubsequence(), "loss": StepSquare(), "reward": (StepScores(None), Progress())}
GRID = {arm: {"learning_rate": (0.1, 0.3, 0.9), "head_rate": (0.01, 0.03, 0.1)} for arm in ARMS}
TUNED_BY = "success"
SEEDS = {"smoke": 1, "full": 32, "tune": 3}
claim = AllOf(
    BetterThan("common steps", "outcome model", on="success", effect=0.05, matched="labelled solutions, samples, updates"),
    BetterThan("common steps", "values", on="success", effect=0.05, matched="labelled solutions, samples, updates"),
    NoWorseThan("common steps", "milestones", on="success", margin=0.05, matched="labelled solutions, samples, updates"),
    BetterThan("common steps", "values", on="credit", effect=0.03, matched="labelled solutions, updates"),
)


@lru_cache(maxsize=2)
def data(seed: int, scale: str) -> tuple[Solutions, Tensor, Drawn, dict[str, tuple[Tensor, Tensor]]]:
    """The world, its features, what was labelled, and of each arm the labels of its steps and which of them have one."""
    small = scale == "smoke"
    world = Solutions(contexts=6 if small else 16, depth=4, seed=derive(seed, "world"))
    policy = tied(world, seed, slip=0.35)
    some = drawn(world, policy, range(world.contexts // 2), 4 if small else 32, derive(seed, "labelled"))
    last = torch.arange(some.mask.shape[1]) == some.mask.sum(-1, keepdim=True) - 1
    outcome = some.outcome.unsqueeze(-1).expand(some.mask.shape)
    labels = {
        "outcome model": (outcome, last),
        "values": (outcome, some.mask),
        "common steps": by_recipes(world, some),
        "milestones": (reached(world, some), some.mask),
    }
    return world, world.features(seed=derive(seed, "features")), some, labels


def by_recipes(world: Solutions, some: Drawn) -> tuple[Tensor, Tensor]:
    """What ``common_subsequence`` makes of them, a step being what was seen and what was done; problems without a success have no labels."""
    seen = world.looks()[some.problem.unsqueeze(-1), some.node]
    told = zip(some.problem.tolist(), some.rows(torch.stack([seen, some.action], -1)), some.outcome.tolist(), strict=True)
    rows = [{"prompt": c, "completions": steps, "score": outcome, "row": b} for b, (c, steps, outcome) in enumerate(told)]
    labels, known = torch.zeros(some.mask.shape, dtype=torch.float64), torch.zeros_like(some.mask)
    for row in CommonSubsequence()(rows):
        own = torch.tensor(row["labels"], dtype=torch.float64)
        labels[row["row"], : len(own)], known[row["row"], : len(own)] = own, True
    return labels, known


def reached(world: Solutions, some: Drawn) -> Tensor:
    """[B, T], the share of a problem's numbers, and of its answer, that were said in their order."""
    after, count = world.after(), world.count
    done, on_track = some.of(after.done), some.of(after.on_track)
    number, answers = some.action < world.values, some.action == world.answering
    so_far, out = torch.zeros(len(some), dtype=torch.long), []
    for t in range(some.mask.shape[1]):
        next_one = number[:, t] & on_track[:, t] & (done[:, t] == so_far + 1)
        the_end = answers[:, t] & on_track[:, t] & (so_far == count[some.problem])
        so_far = so_far + (some.mask[:, t] & (next_one | the_end))
        out.append(so_far / (count[some.problem] + 1))
    return torch.stack(out, -1).double()


@lru_cache(maxsize=8)
def said(arm: str, seed: int, scale: str, head_rate: float) -> Tensor:
    """[C, P, V], what the head of an arm says of each step; the model of outcomes only of those that end a solution."""
    world, features, some, labels = data(seed, scale)
    own, judged = labels[arm]
    steps = 20 if scale == "smoke" else 200
    table = torch.sigmoid(taught(features, some, own, StepSquare(), head_rate, steps, hidden=16, judged=judged, seed=derive(seed, "head")))
    if arm != "outcome model":
        return table
    ends = torch.zeros_like(table)
    ends[..., world.answering] = 1.0
    ends[:, -(world.tree.vocabulary ** (world.depth - 1)) :] = 1.0
    return table * ends


def trial(arm: str, seed: int, scale: str, learning_rate: float, head_rate: float) -> dict:
    world = data(seed, scale)[0]
    table = said(arm, seed, scale, head_rate)
    stops = (1, 2) if scale == "smoke" else (3, 6, 12)
    method = Recipe(
        (Term(Clip(0.2)),),
        AdamW(learning_rate),
        Group(4),
        combine=Weigh({"world": 0.0}),
        dense={"model": Dense(StepScores(TableScorer(world, table)), (Progress(),))},
        advantage=BatchNormalised(ReturnToGo()),
    )
    found = practised(method, world, tied(world, seed, slip=0.35), range(world.contexts // 2, world.contexts), seed, stops)["success"]
    return {"success": mean_after(found), "at the end": found[max(stops)], "credit": credit(world, table, seed, scale)}


def credit(world: Solutions, table: Tensor, seed: int, scale: str) -> float:
    policy = tied(world, seed, slip=0.35)
    asked = drawn(world, policy, range(world.contexts // 2, world.contexts), 8 if scale == "smoke" else 32, derive(seed, "asked"))
    worth = ReturnToGo()(Progress()(asked.of(table), asked.mask), asked.mask)
    first = asked.first(~asked.of(world.right()))
    there = (asked.outcome == 0) & (first > 0)
    wrong = worth.gather(1, first.clamp(min=0).unsqueeze(-1))[there]
    before = worth.gather(1, (first - 1).clamp(min=0).unsqueeze(-1))[there]
    return float(((before > wrong).double() + (before == wrong).double() / 2).mean())
