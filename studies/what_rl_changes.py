"""What does RL change? pass@k of a base model, of what reinforcement learning and imitation of its own right answers make of it, and of a pupil of a teacher.

    make studies ARGS=what-rl-changes        # what was learned so far is kept in runs/studies: a measurement that was stopped goes on

Rewards praise what a model already says now and then; a teacher shows what it never said. So RL is told to raise pass@1 and not pass@k for large k, or to lower it, while a
pupil can come to solve new problems. Whether that is a law or a matter of how RL is tuned is asked here: the same method is tuned once for pass@1 and once for pass@16, over its
learning rate and the weight of a KL to the base.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from guerdon.acting.samplers.group import Group
from guerdon.atlas._text import answers
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.evaluation.metrics.pass_at_k import PassAtK
from guerdon.evaluation.metrics.solvable_overlap import SolvableOverlap
from guerdon.evaluation.statistics.bootstrap_mean import BootstrapMean
from guerdon.losses.penalties.kl_direct import KLDirect
from guerdon.losses.surrogates.reinforce import Reinforce
from guerdon.models.language.policy import LanguagePolicy
from guerdon.recipes import raft, sft
from guerdon.training.display import Silent
from guerdon.training.jobs import FitJob
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.training.schedules.linear import Linear
from guerdon.worlds.text.demonstrations import Demonstrations
from studies._verifiable import arms
from studies._verifiable.learning import ANSWERS, SIZES, STEPS, begun, improved
from studies._verifiable.page import KINDS, duration
from studies._verifiable.tasks import TASKS

NAME = "what_rl_changes"
WHERE = ("rare", "long")
DRAWN, PROBLEMS, KS = 64, 192, (1, 2, 4, 8, 16, 32, 64)
FEW, SHOWN = 16, 2048  # draws and problems of a small measurement; what a teacher shows
RL, WIDE, OWN, PUPIL, BASE = (
    "RL, tuned for pass@1",
    "RL, tuned for pass@16",
    "imitation of its own right answers",
    "pupil of a teacher",
    "base",
)
FOR = {RL: 1, WIDE: 16, OWN: 1, PUPIL: 1}  # the k whose pass@k an arm is tuned for
SEEDS = {"smoke": 1, "full": 8, "tune": 2}
TUNED_BY = "score"
_FEW = {"learning_rate": (1e-4, 3e-4), "weight": (3e-3, 3e-2)}
_RATES = {"learning_rate": (3e-5, 1e-4, 3e-4, 1e-3)}
GRID = {arms.arm(method, task): _FEW if method in (RL, WIDE) else _RATES for method in FOR for task in WHERE}


def rl(learning_rate: float, weight: float) -> Recipe:
    kl = Term(KLDirect(), weight=weight)
    return Recipe((Term(Reinforce()),), AdamW(Linear(learning_rate)), Group(ANSWERS), reward_penalties=(kl,), advantage=GroupCentred())


def imitation(learning_rate: float) -> Recipe:
    return replace(raft.recipe, optimiser=AdamW(Linear(learning_rate)))


def trial(name: str, seed: int, scale: str, **setting: float) -> dict[str, Any]:
    return arms.once(NAME, name, seed, scale, setting, partial(_trial, name, seed, scale, **setting))


def _trial(name: str, seed: int, scale: str, **setting: float) -> dict[str, Any]:
    method, task = arms.apart(name)
    if method == PUPIL:
        policy = taught(task, seed, scale, **setting)
    else:
        policy, _ = improved((imitation if method == OWN else rl)(**setting), task, seed, scale)
    right, before = solved(policy, task, seed, scale), base(task, seed, scale)
    _, lost, new, _ = SolvableOverlap()(before, right)
    found = passes(right, scale)
    return {
        "score": found[str(min(FOR[method], max(map(int, found))))],
        "pass@k": found,
        "base": passes(before, scale),
        "new": new,
        "lost": lost,
    }


def taught(task: str, seed: int, scale: str, learning_rate: float) -> LanguagePolicy:
    """The base fitted to right answers to other problems, for as many steps of as many answers as RL makes."""
    policy, size = begun(task, seed, scale), SIZES[scale]
    shown = Demonstrations(TASKS[task].of(seed), 8 if size.small else SHOWN, seed=1)
    budget = Budget(size.steps, size.prompts * ANSWERS)
    FitJob(replace(sft.recipe, optimiser=AdamW(Linear(learning_rate))), shown, budget)(policy, {}, seed, None, Silent())
    return policy


def solved(policy: LanguagePolicy, task: str, seed: int, scale: str) -> np.ndarray:
    """How many of the answers drawn to each held-out problem are right."""
    small, drawn = SIZES[scale].small, TASKS[task].of(seed)
    problems = replace(drawn.problems, test_size=8 if small else PROBLEMS)
    each = FEW if small else DRAWN
    _, found = answers(policy, problems, TASKS[task].decoding, seed, {"truth": drawn.truth}, each=each)
    return found["truth"].view(-1, each).sum(-1).round().long().numpy()


@cache
def base(task: str, seed: int, scale: str) -> np.ndarray:
    return solved(begun(task, seed, scale), task, seed, scale)


def passes(right: np.ndarray, scale: str) -> dict[str, float]:
    drawn = FEW if SIZES[scale].small else DRAWN
    return {str(k): round(float(PassAtK(k)(right, drawn).mean()), 5) for k in KS if k <= drawn}


def measure(small: bool) -> dict[str, Any]:
    return arms.measured(sys.modules[__name__], small)


# the page


def page(results: dict[str, Any]) -> str:
    measured = results["measured"]
    tasks = list(dict.fromkeys(arms.apart(name)[1] for name in measured["arms"]))
    return "\n".join([_HEAD, _found(measured, tasks), _PICTURE, *(_table(measured, task) for task in tasks), _how(results)])


IMAGE = "what-rl-changes.png"
_HEAD = """# What does RL change?

Rewards praise what a model already says now and then; a teacher shows what it never said. So reinforcement learning is said to make a model's first answer better and to
narrow what it can solve at all, which a teacher widens (Yue et al. 2025, arXiv 2504.13837). Here pass@k is measured for a base model, for the same method of RL tuned
once for pass@1 and once for pass@16 over its learning rate and the weight of a KL to the base, for imitation of the model's own right answers, and for a pupil that was shown
right answers to other problems.

```bash
make studies ARGS=what-rl-changes
```
"""
_PICTURE = f"""![pass@k of every model, in pass@1 to pass@{DRAWN}](images/{IMAGE})
"""


def _of(measured: Mapping[str, Any], method: str, task: str, k: int | str) -> np.ndarray:
    if method == BASE:
        return np.array([run["base"][str(k)] for run in measured["arms"][arms.arm(RL, task)]["runs"]])
    return np.array([run["pass@k"][str(k)] for run in measured["arms"][arms.arm(method, task)]["runs"]])


def _gain(measured: Mapping[str, Any], method: str, task: str, k: int | str, than: str = BASE) -> Any:
    return BootstrapMean()(_of(measured, method, task, k) - _of(measured, than, task, k))


def _found(measured: Mapping[str, Any], tasks: Sequence[str]) -> str:
    lines = [
        "## What was found\n",
        "| where | model | first answers, against the base | one of many, against the base | against RL tuned for pass@1 |",
    ]
    lines.append("| --- | --- | --- | --- | --- |")
    for task in tasks:
        last = list(measured["arms"][arms.arm(RL, task)]["runs"][0]["pass@k"])[-1]
        for method in FOR:
            against = "" if method == RL else f"pass@{last} {_verdict(_gain(measured, method, task, last, RL))}"
            first, many = (_verdict(_gain(measured, method, task, k)) for k in (1, last))
            lines.append(f"| {KINDS[task]} | {method} | pass@1 {first} | pass@{last} {many} | {against} |")
    return "\n".join([*lines, ""])


def _verdict(gain: Any) -> str:
    said = "higher" if float(gain.low) > 0 else "lower" if float(gain.high) < 0 else "no other"
    return f"{said}: {float(gain.value):+.3f} [{float(gain.low):+.3f}, {float(gain.high):+.3f}]"


def _table(measured: Mapping[str, Any], task: str) -> str:
    ks = list(measured["arms"][arms.arm(RL, task)]["runs"][0]["pass@k"])
    lines = [
        f"## {KINDS[task].capitalize()} (*{task}*)\n",
        "| model | " + " | ".join(f"pass@{k}" for k in ks) + " | newly solved | no longer | tuned |",
    ]
    lines.append("| --- |" + " --- |" * (len(ks) + 3))
    for method in (BASE, *FOR):
        cells = [f"{_of(measured, method, task, k).mean():.3f}" for k in ks]
        if method == BASE:
            rest = ["", "", ""]
        else:
            found = measured["arms"][arms.arm(method, task)]
            edge = " (at the edge of its grid)" if arms.arm(method, task) in measured["at_edge"] else ""
            shares = [f"{np.mean([run[what] for run in found['runs']]):.3f}" for what in ("new", "lost")]
            rest = [*shares, ", ".join(f"{knob.replace('_', ' ')} {value:.2g}" for knob, value in found["setting"].items()) + edge]
        lines.append(f"| {method} | {' | '.join([*cells, *rest])} |")
    return "\n".join([*lines, ""])


def _how(results: Mapping[str, Any]) -> str:
    measured = results["measured"]
    return f"""## How it was measured

The tasks and their models are those of [Which estimator?](which-estimator.md), with rewards that do not err. RL is REINFORCE with GRPO's advantage and a KL (k1) in
the reward, {STEPS} batches of 16 problems with {ANSWERS} answers; imitation learns the best answer of each group in its place; the pupil sees as many right answers
as RL draws, of {SHOWN:,} problems that are in no other set. Each is tuned on two seeds, with as many settings for all, and measured on {len(measured["seeds"])} others
that follow from the code: {DRAWN} answers at temperature 1 to each of {PROBLEMS} held-out problems. *Newly solved*: the share of problems that the base got wrong {DRAWN}
times and the arm right at least once; *no longer* the other way round. Intervals are 95 %, by bootstrap over seeds of the difference on the same seed.

{duration(results)}
"""


def draw(results: dict[str, Any], folder: Path) -> list[Path]:
    from matplotlib.figure import Figure

    measured = results["measured"]
    tasks = list(dict.fromkeys(arms.apart(name)[1] for name in measured["arms"]))
    folder.mkdir(parents=True, exist_ok=True)
    figure = Figure(figsize=(10, 3.8), layout="constrained")
    for axes, task in zip(figure.subplots(1, len(tasks), squeeze=False)[0], tasks, strict=True):
        ks = [int(k) for k in measured["arms"][arms.arm(RL, task)]["runs"][0]["pass@k"]]
        for method, colour in zip((BASE, *FOR), ("black", "#b5341f", "#f0a020", "#3f51b5", "#1a6b4a"), strict=True):
            axes.plot(ks, [_of(measured, method, task, k).mean() for k in ks], color=colour, label=method)
        axes.set(title=KINDS[task], xlabel="k", ylabel="pass@k", xscale="log")
        axes.set_xticks(ks, [str(k) for k in ks])
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, fontsize=8)
    path = folder / IMAGE
    figure.savefig(path, dpi=90)
    return [path]
