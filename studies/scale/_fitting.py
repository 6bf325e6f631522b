"""The constants of a machine, from what ``make bench`` measured of our own jobs on it: least squares on the logarithm of a step's seconds.

Five numbers: the shares of the rate of products that learning and drawing reach, bytes a second that a sampler reads, seconds of a layer that has nothing to do, and of a
step besides. How well they say what they were not fitted to: each job is left out once, and predicted by the fit to the others.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.optimize import least_squares

from benchmarks.results import FOLDER, Results
from benchmarks.rows import rows as rows_of
from benchmarks.workloads import Job as Measured
from benchmarks.workloads import every
from guerdon.costs import lengths, step
from guerdon.costs.arithmetic import Shape
from guerdon.costs.machine import Machine

RUNS = ("first", "second", "third")  # on two cores
STEPS = 8  # of a measurement
FREE = ("learning", "drawing", "reading", "launch", "step")
BEGIN = (0.6, 0.4, 5e10, 1e-4, 0.02)
SMOL = Shape(30, 576, 9, 3, 64, 1536, 49152, tied=True)  # SmolLM2-135M, whose weights have to be there to be asked


@dataclass(frozen=True)
class Known:
    """A job that was measured.

    Attributes:
        seconds: of a step; the median of runs of the median of steps.
        rate: operations a second of large products of its model's shapes.
    """

    name: str
    job: step.Job
    seconds: float
    rate: float


def known() -> list[Known]:
    """Every job that was measured here in our own setting, once each."""
    runs = [Results.load(FOLDER / f"{name}.json") for name in RUNS]
    found: dict[str, Known] = {}
    for job in every().values():
        measured = [m for m in (run.find(job.key, "ours", "shipped") for run in runs) if m is not None and not m.failed]
        if not measured or job.key in found:
            continue
        rate = statistics.median(run.rates[job.size.name]["bf16"] for run in runs if job.size.name in run.rates)
        seconds = statistics.median(m.step for m in measured)
        found[job.key] = Known(job.name, as_job(job, statistics.mean(m.tokens for m in measured)), seconds, rate)
    return list(found.values())


def as_job(job: Measured, tokens: float) -> step.Job:
    """The job in the model's terms. Of what was sampled the mean length is known, from the tokens of a step."""
    shape = shape_of(job)
    if job.kind in ("grpo", "sampling"):
        count = job.rows * job.group
        drawn = lengths.spread(count, tokens / count - job.prompt, job.longest, job.shortest)
        return step.Job(shape, job.rows, job.prompt, tuple(drawn), learns=job.kind == "grpo", micro_batch=2048)
    made = rows_of(job, STEPS)[: job.rows]
    sides = ("text",) if job.kind == "sft" else ("chosen", "rejected")
    written = sorted(len(row[side].split()) + 1 for row in made for side in sides)
    more = {"scored": job.kind == "reward", "looks": int(job.kind == "dpo"), "micro_batch": 2048}
    return step.Job(shape, job.rows, job.prompt, tuple(map(float, written)), draws=False, **more)


def shape_of(job: Measured) -> Shape:
    """Sizes of its model."""
    size = job.size
    if size.pretrained:
        return replace(SMOL, lora=size.lora)
    body = (size.layers, size.hidden, size.heads, size.key_heads, size.head_size, size.intermediate)
    return Shape(*body, size.vocabulary)


def machine(found: Sequence[float], rate: float) -> Machine:
    """The machine of some values of the free constants."""
    learning, drawing, reading, launch, fixed = found
    return Machine(learning * rate, drawing * rate, reading, launch=launch, step=fixed)


def fit(jobs: Sequence[Known]) -> list[float]:
    """The constants under which the logarithms of predicted and measured seconds differ least."""

    def off(logs: np.ndarray) -> list[float]:
        return [math.log(predicted(one, np.exp(logs)).total / one.seconds) for one in jobs]

    return np.exp(least_squares(off, np.log(BEGIN)).x).tolist()


def predicted(one: Known, found: Sequence[float]) -> step.Seconds:
    """A job's seconds."""
    return step.in_turn(one.job, machine(found, one.rate))


def fitted(small: bool) -> dict[str, Any]:
    """The constants, and each job's seconds: measured, fitted, and predicted from the others."""
    jobs = known()[::5] if small else known()
    best = fit(jobs)
    rows = []
    for place, one in enumerate(jobs):
        others = best if small else fit(jobs[:place] + jobs[place + 1 :])
        parts = predicted(one, best)
        rows.append(
            {
                "job": one.name,
                "measured_s": one.seconds,
                "fitted_s": parts.total,
                "left_out_s": predicted(one, others).total,
                "sampling_s": parts.sampling,
                "learning_s": parts.learning + parts.log_probabilities,
            }
        )
    return {"constants": dict(zip(FREE, best, strict=True)), "jobs": rows}
