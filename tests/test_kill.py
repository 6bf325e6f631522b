"""kill -9 at random moments: the run that is started again ends with the bits of the run that was never killed."""

import multiprocessing
import os
import random
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from guerdon.acting.samplers.turns import Turns
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.losses.penalties.kl_exponential import KLExponential
from guerdon.losses.surrogates.clip import Clip
from guerdon.models.language.small_language_model import SmallLanguageModel
from guerdon.sequences import Decoding
from guerdon.tasks.episodes import Episodes
from guerdon.training.display import Silent
from guerdon.training.jobs import ImproveJob
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.training.schedules.linear import Linear
from guerdon.worlds.games.maze import Maze
from guerdon.worlds.text.sort_letters import SortLetters

KILLS = int(os.environ.get("GUERDON_KILLS", "3"))  # ten before a release

TASK = SortLetters(length=3, alphabet="abcd", train_size=64, test_size=8)
MODEL = SmallLanguageModel(TASK.characters, layers=1, hidden=32, heads=2, context_length=32)
RECIPE = Recipe((Term(Clip()), Term(KLExponential(), weight=0.05)), AdamW(Linear(3e-3, warmup=0.2)), advantage=GroupCentred(), epochs=2)
BUDGET = Budget(steps=60, batch_size=4, save_every=3, evaluate_every=7)

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork, to start a run without importing everything again")


MAZE = Maze()
AGENT = replace(RECIPE, sampler=Turns(4, turns=4, turn_length=MAZE.longest + 1))
JOBS = {
    "answers": (ImproveJob(RECIPE, TASK, decoding=Decoding(6), budget=BUDGET), MODEL),
    "an agent": (
        ImproveJob(AGENT, Episodes(MAZE, count=32, held_out=4), decoding=Decoding(100), budget=replace(BUDGET, steps=24)),
        SmallLanguageModel(MAZE.characters, layers=1, hidden=32, heads=2, context_length=256),
    ),
}


def go(what: str, folder: str) -> None:
    """The whole run, in a process of its own."""
    torch.set_num_threads(1)
    job, model = JOBS[what]
    out = job(model.build(0), {}, 0, Path(folder), Silent())
    out.model.save(Path(folder) / "model")


def start(what: str, folder: Path) -> multiprocessing.Process:
    process = multiprocessing.get_context("fork").Process(target=go, args=(what, str(folder)))
    process.start()
    return process


@pytest.fixture(scope="module", params=JOBS)
def whole(request, tmp_path_factory) -> tuple[str, Path, float]:
    folder = tmp_path_factory.mktemp("whole")
    begun = time.monotonic()
    process = start(request.param, folder)
    process.join()
    assert process.exitcode == 0
    return request.param, folder, time.monotonic() - begun


@pytest.mark.parametrize("moment", range(KILLS))
def test_killed_and_started_again(moment: int, whole, tmp_path: Path):
    what, expected, seconds = whole
    process = start(what, tmp_path)
    time.sleep(random.Random(moment).uniform(0.15, 0.95) * seconds)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    killed_at = len((tmp_path / "metrics.jsonl").read_text().splitlines()) if (tmp_path / "metrics.jsonl").exists() else 0
    again = start(what, tmp_path)
    again.join()
    assert again.exitcode == 0
    a, b = load_file(expected / "model/model.safetensors"), load_file(tmp_path / "model/model.safetensors")
    assert a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a), f"killed after {killed_at} lines of metrics"
    assert (tmp_path / "completions.jsonl").read_text() == (expected / "completions.jsonl").read_text()
