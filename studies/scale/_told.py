"""What it takes to tell rollouts to all, and what every process does with them: measured in processes of their own.

python studies/scale/_told.py OUTPUT SMALL
"""

import json
import os
import pickle
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from guerdon.interfaces.launching import launch
from guerdon.models.language.small_language_model import SmallLanguageModel
from guerdon.processes import Processes, here, joined
from guerdon.recipes.grpo import recipe as grpo
from guerdon.sequences import Decoding, Sequences
from guerdon.training.display import Silent
from guerdon.training.jobs import ImproveJob
from guerdon.training.learner import Learner
from guerdon.training.recipe import Budget
from guerdon.worlds.text.sort_letters import SortLetters

SIZES = ((64, 256), (256, 512), (512, 1024))  # completions and tokens of each
REPEATS = 15
PROMPTS = (8, 64)  # of eight completions


def told(counts: tuple[int, ...], small: bool) -> list[dict[str, Any]]:
    """Seconds of one exchange of rollouts on so many processes, and what a step of GRPO exchanges and does besides drawing, judging and learning."""
    found = []
    for count in counts:
        with tempfile.TemporaryDirectory() as folder:
            output = Path(folder) / "told.json"
            if launch(count, [sys.executable, __file__, str(output), str(int(small))]):
                raise RuntimeError(f"{count} processes did not come to an end")
            found.append({"processes": count, **json.loads(output.read_text())})
    return found


def rollouts(completions: int, tokens: int, prompt: int = 256, group: int = 8) -> Sequences:
    """Of that many completions, as a sampler gives them."""
    prompts = max(1, completions // group)
    shape = (completions, tokens)
    return Sequences(
        [torch.zeros(prompt, dtype=torch.long)] * prompts,
        torch.arange(completions) % prompts,
        torch.zeros(shape, dtype=torch.long),
        torch.ones(shape, dtype=torch.bool),
        torch.full((completions,), tokens),
        {"old_logp": torch.zeros(shape), "terminated": torch.ones(completions, dtype=torch.bool)},
    )


def exchange(processes: Processes, completions: int, tokens: int) -> dict[str, float]:
    """The fastest of some exchanges in which each process tells its share of so many completions."""
    own = rollouts(completions // processes.count, tokens)
    best = float("inf")
    for _ in range(REPEATS):
        processes.each(lambda: None)
        begun = time.perf_counter()
        processes.each(lambda: own)
        best = min(best, time.perf_counter() - begun)
    size = len(pickle.dumps(own)) * processes.count
    return {"completions": completions, "tokens": tokens, "bytes": size, "seconds": round(best, 6)}


def one_step(small: bool) -> dict[str, float]:
    """Exchanges of a step of GRPO, and its seconds a completion besides drawing, judging and learning: a model that is next to nothing, and many completions."""
    exchanges, learned = [0], []
    tell, step = Processes._tell, Learner.step
    task = SortLetters(length=3, alphabet="abcd", train_size=64, test_size=2)
    model = SmallLanguageModel(task.characters, layers=1, hidden=16, heads=2, context_length=32)
    steps, found = 2 if small else 6, []

    def besides(prompts: int) -> float:
        """Seconds of a step, the fastest, besides drawing, judging and learning."""
        budget = Budget(steps=steps, batch_size=prompts, evaluation_rows=1)
        history = ImproveJob(grpo, task, budget=budget, decoding=Decoding(8))(model.build(0), {}, 0, None, Silent()).history[1:]
        return min(m["step_time"] - m["time/sampling"] - m["time/rewards"] - s for m, s in zip(history, learned, strict=True))

    def counted(self: Processes, what: Any) -> list[Any]:
        exchanges[0] += 1
        return tell(self, what)

    def timed(self: Learner, *given: Any, **more: Any) -> bool:
        begun = time.perf_counter()
        made = step(self, *given, **more)
        learned.append(time.perf_counter() - begun)
        return made

    Processes._tell, Learner.step = counted, timed
    try:
        for prompts in PROMPTS[: 1 + (not small)]:
            exchanges[0], learned[:] = 0, []
            found.append((besides(prompts), exchanges[0] / steps, 8 * prompts))
    finally:
        Processes._tell, Learner.step = tell, step
    (few_s, each, few), (many_s, _, many) = found[0], found[-1]
    alike = few_s / few if small else (many_s - few_s) / (many - few)
    return {"exchanges": each, "alike_s": alike}


def main(output: str, small: str) -> None:
    torch.set_num_threads(1)
    with joined():
        sizes = SIZES[:1] if int(small) else SIZES
        found = {"exchanges": [exchange(here(), *size) for size in sizes], "step": one_step(bool(int(small)))}
        empty = []
        for _ in range(20):
            begun = time.perf_counter()
            here().each(lambda: None)
            empty.append(time.perf_counter() - begun)
        found["empty_s"] = round(min(empty), 6)
        if here().first:
            Path(output).write_text(json.dumps(found))


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main(*sys.argv[1:])
