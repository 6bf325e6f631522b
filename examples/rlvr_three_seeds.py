"""The real run: three seeds of examples/rlvr_reasoning_gym.yaml, held-out accuracy before and after with intervals, and the curves.

    python examples/rlvr_three_seeds.py runs/rlvr
    python examples/rlvr_three_seeds.py runs/rlvr --seeds 0,1 budget.steps=60        (overrides as for guerdon train)

A run that was killed goes on with the same command. Before and after are sampled as in training (its temperature, ``--answers`` to each held-out problem), and
compared problem by problem: the interval of the gain is of the paired differences, first the mean over seeds, then each seed.
"""

import argparse
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
from _measuring import Figures, answered, draw, in_a_sentence, right

from guerdon.acting.samplers.group import Group
from guerdon.errors import RunFailed
from guerdon.evaluation.statistics.bootstrap_mean import BootstrapMean
from guerdon.interfaces.cli import main as guerdon
from guerdon.interfaces.configuration import Configuration, read
from guerdon.models.language.language_model import LanguageModel

HERE = Path(__file__).parent
CURVES = {
    "reward": "reward of sampled completions",
    "completions/mean_length": "tokens of a completion",
    "completions/clipped_ratio": "share cut off",
    "kl": "KL to the start, nats a token",
}


def accuracy(settings: Configuration, model: Any, answers: int) -> np.ndarray:
    """The share of right answers to each held-out problem [P]."""
    return right(answered(settings, model, Group(answers)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("overrides", nargs="*")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--answers", type=int, default=8)
    asked = parser.parse_intermixed_args()
    file, seeds = HERE / "rlvr_reasoning_gym.yaml", [int(seed) for seed in asked.seeds.split(",")]
    figures = Figures(asked.folder)
    settings = read(file, asked.overrides)
    plain = dataclasses.replace(settings.model, lora=None)
    before = accuracy(settings, plain.build(0), asked.answers)
    figures.say(f"accuracy before, {len(before)} held-out problems", BootstrapMean()(before))
    after, folders = [], []
    for seed in seeds:
        folder = asked.folder / f"seed-{seed}"
        if guerdon(["train", str(file), *asked.overrides, f"budget.seed={seed}", f"run={folder}"]) != 0:
            raise RunFailed(f"seed {seed} did not end well; the same command goes on with it")
        folders.append(folder)
        after.append(accuracy(settings, LanguageModel(str(folder / "model"), dtype=plain.dtype).build(0), asked.answers))
        figures.say(f"accuracy after, seed {seed}", BootstrapMean()(after[-1]))
        figures.say(f"gain, seed {seed}, problem by problem", BootstrapMean()(after[-1] - before))
        figures.say(f"minutes so far, seed {seed}", figures.minutes)
    gains = np.array([one - before for one in after])
    figures.say("accuracy after, mean of the seeds", BootstrapMean()(np.mean(after, axis=0)))
    figures.say("gain, mean of the seeds, problem by problem", BootstrapMean()(gains.mean(0)))
    figures.say("smallest gain of a seed", float(gains.mean(1).min()))
    draw(folders, CURVES, asked.folder / "curves.png")
    figures.close()


if __name__ == "__main__":
    with in_a_sentence():
        main()
