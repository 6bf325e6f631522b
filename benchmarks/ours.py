"""A job as a user of this library runs it: a job of ``training.jobs`` on a file of rows, with a run directory."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import torch

from benchmarks.memory import Peak
from benchmarks.outcome import Clock, Outcome
from benchmarks.results import SKIPPED
from benchmarks.rows import even_share
from benchmarks.settings import Setting
from benchmarks.workloads import REHEARSED, Job
from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.scales.group_deviation import GroupDeviation
from guerdon.losses.surrogates.clip import Clip
from guerdon.models.heads.scalar import Scalar
from guerdon.models.language import policy
from guerdon.models.language.headed import Headed
from guerdon.models.language.language_model import LanguageModel
from guerdon.models.language.lora import Lora
from guerdon.recipes import dpo, reward_model, sft
from guerdon.sequences import Decoding
from guerdon.tasks.dataset import Dataset
from guerdon.training.display import Silent
from guerdon.training.jobs import FitJob, ImproveJob, encoder_for
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term

DTYPES = {"auto": "auto", "bf16": "bfloat16", "fp32": "float32"}
GROUPED = Recipe((Term(Clip(0.2)),), AdamW(1e-6), advantage=GroupCentred(GroupDeviation()))
"""GRPO as TRL's default has it: token mean, group deviation, no KL."""


class Watched(Silent):
    """A display that looks at the clock."""

    def __init__(self, peak: Peak, clock: Clock):
        self.clock, self.peak = clock, peak

    def start(self, what: str, done: int, total: int) -> None:
        self.clock.start()

    def step(self, done: int, metrics: Any) -> None:
        if done > 0:  # step 0 is the evaluation of nothing
            if len(self.clock.seconds) == SKIPPED - 1:  # it takes some milliseconds, in a step that is not counted
                self.peak.look()
            self.clock.tick()
            self.peak.mark()


def run(job: Job, setting: Setting, model: Path, rows: Path, work: Path, steps: int, device: str, clock: Clock | None = None) -> Outcome:
    """Run the job and say how it went; a clock of the caller's sees where steps begin and end."""
    clock = clock or Clock()
    lora = Lora(r=job.size.lora) if job.size.lora else None
    built = LanguageModel(str(model), lora=lora, dtype=DTYPES[setting.precision], device=device)
    running = (Headed(built, Scalar()) if job.kind == "reward" else built).build(seed=0)
    if job.name.startswith(REHEARSED):
        policy.GRAPHS = device  # completions are drawn as on a card; a measurement is a process of its own
    if job.kind == "sampling":
        return sample(job, running, rows, steps, device, clock)
    with Peak(device != "cpu") as peak:
        job_of(job, rows, steps)(running, {}, 0, work, Watched(peak, clock))
    lengths = sampled(work) if job.kind == "grpo" else []
    return Outcome(clock.seconds, lengths, peak.above, peak.helpers, peak.idle)


def job_of(job: Job, rows: Path, steps: int) -> FitJob | ImproveJob:
    """The job as this library says it."""
    data = Dataset(str(rows))
    budget = Budget(steps=steps, batch_size=job.rows, save_every=0)
    if job.kind == "grpo":
        recipe = dataclasses.replace(GROUPED, sampler=Group(job.group))
        return ImproveJob(recipe, data, {"even": even_share}, decoding=Decoding(job.longest), budget=budget)
    recipe = {"dpo": dpo.recipe, "reward": reward_model.recipe, "sft": sft.recipe}[job.kind]
    return FitJob(recipe, data, budget)


def sampled(work: Path) -> list[int]:
    """Lengths of the completions that the run wrote down."""
    with (work / "completions.jsonl").open() as file:
        return [len(json.loads(line)["tokens"]) for line in file]


def sample(job: Job, policy: Any, rows: Path, steps: int, device: str, clock: Clock) -> Outcome:
    """Sampling alone: text of prompts in, text of completions out."""
    prompts = [row["prompt"] for row in Dataset(str(rows), shuffle=False).train()]
    encoder, draw, lengths = encoder_for(policy), Group(job.group), []
    decoding = Decoding(job.longest)
    with Peak(device != "cpu") as peak:
        clock.start()
        for step in range(steps):
            some = prompts[step * job.rows : (step + 1) * job.rows]
            out = draw(policy, [torch.tensor(encoder.encode_prompt(p)) for p in some], decoding, step)
            for tokens, n in zip(out.actions, out.length.tolist(), strict=True):
                encoder.decode(tokens[:n].tolist())
                lengths.append(n)
            clock.tick()
            peak.mark()
    return Outcome(clock.seconds, lengths, peak.above, peak.helpers, peak.idle)
