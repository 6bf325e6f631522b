"""Learning: one arm on the task of one seed, from weights that all arms start from, and how many held-out problems it then answers.

Each arm is given ``STEPS`` batches of ``PROMPTS`` problems (a study may say another number), with ``ANSWERS`` answers to each unless the method itself wants more, and its learning
rate falls to 0 in a line. Accuracy is that of the most likely answers to ``HELD_OUT`` problems, the mean over the last two looks: after as many batches
(*at equal updates*), and at the last looks before more answers were drawn than arms draw that want no more (*at equal samples*).
"""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import torch

from guerdon.feedback.combining.weigh import Weigh
from guerdon.models.language.policy import LanguagePolicy
from guerdon.recipes import sft
from guerdon.training.display import Silent
from guerdon.training.jobs import FitJob, ImproveJob
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe
from guerdon.training.schedules.linear import Linear
from guerdon.training.stages import source_digest
from guerdon.worlds.text.demonstrations import Demonstrations
from studies._verifiable.tasks import TASKS

STEPS, PROMPTS, ANSWERS, LOOKS, HELD_OUT = 160, 16, 8, 16, 512
SAMPLES, UPDATES = "accuracy at equal samples", "accuracy at equal updates"
KEPT = Path("runs/studies")  # what was learned so far, so that a measurement that was stopped goes on


@dataclass(frozen=True)
class Size:
    steps: int = STEPS
    prompts: int = PROMPTS
    looks: int = LOOKS
    held_out: int = HELD_OUT
    small: bool = False


SIZES = {"full": Size(), "smoke": Size(steps=2, prompts=4, looks=2, held_out=8, small=True)}


def learned(recipe: Recipe, task: str, seed: int, scale: str, full: Size = SIZES["full"]) -> dict[str, Any]:
    """What an arm comes to: accuracies, and how they went. ``full``: the size of a run that is no small one."""
    _, history = improved(recipe, task, seed, scale, full)
    return summary(history, size_of(scale, full), getattr(recipe.sampler, "answers", recipe.sampler.num_generations))


def size_of(scale: str, full: Size) -> Size:
    return full if scale == "full" else SIZES[scale]


def improved(
    recipe: Recipe, task: str, seed: int, scale: str, full: Size = SIZES["full"]
) -> tuple[LanguagePolicy, Sequence[Mapping[str, float]]]:
    """The policy of an arm after all its batches, and the metrics on the way."""
    size, setting = size_of(scale, full), TASKS[task]
    drawn, model = setting.of(seed), begun(task, seed, scale)
    recipe = replace(recipe, combine=Weigh({"truth": 0.0}))
    budget = Budget(size.steps, size.prompts, evaluate_every=size.steps // size.looks, evaluation_rows=size.held_out)
    job = ImproveJob(
        recipe, drawn, {"verdict": drawn.reward, "truth": drawn.truth}, decoding=setting.decoding, budget=budget, running={"timeout": None}
    )
    return model, job(model, {}, seed, None, Silent()).history


def begun(task: str, seed: int, scale: str) -> LanguagePolicy:
    """The policy that every arm starts from."""
    model = TASKS[task].of(seed).model().build(seed)
    model.module.load_state_dict(start(task, seed, scale))
    return model


def summary(history: Sequence[Mapping[str, float]], size: Size, answers: int = ANSWERS) -> dict[str, Any]:
    """The accuracies of a run with so many answers to a prompt, of which every look is a row with ``eval/rewards/truth/mean``."""
    spent, looks = 0.0, []
    for row in history:
        spent += answers * row.get("sampled_prompts", 0.0)
        if "eval/rewards/truth/mean" in row:
            looks.append((spent, row["eval/rewards/truth/mean"]))
    within = [value for drawn, value in looks if drawn <= size.steps * size.prompts * ANSWERS]
    every = [value for _, value in looks]
    return {SAMPLES: _late(within), UPDATES: _late(every), "before": every[0], "curve": [round(value, 4) for value in every]}


def _late(values: Sequence[float]) -> float:
    return sum(values[-2:]) / len(values[-2:])


@cache
def start(task: str, seed: int, scale: str) -> dict[str, torch.Tensor]:
    """The weights that every arm starts from: fitted to a few answers."""
    size, setting = SIZES[scale], TASKS[task]
    drawn = setting.of(seed)
    model: LanguagePolicy = drawn.model().build(seed)
    budget = Budget(steps=2 if size.small else setting.fitting, batch_size=4 if size.small else 64)
    FitJob(replace(sft.recipe, optimiser=AdamW(Linear(5e-3, warmup=0.1))), Demonstrations(drawn, setting.shown), budget)(
        model, {}, seed, None, Silent()
    )
    return {name: value.clone() for name, value in model.module.state_dict().items()}


def keeping(folder: str) -> Path:
    """Where runs of a study by the library as it is are kept."""
    return KEPT / folder / source_digest()[:12]


def kept(folder: str, name: str, made: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What is kept under that name of the library as it is, or what is made now and then kept."""
    path = keeping(folder) / f"{name}.json"
    if path.exists():
        return json.loads(path.read_text())
    found = made()
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}.part")
    part.write_text(json.dumps(found))
    part.replace(path)
    return found
