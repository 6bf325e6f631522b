"""The real run with a tool: three seeds of examples/calculator_grpo.yaml, success and calls of each held-out problem before and after, with intervals, and the curves.

    python examples/calculator_three_seeds.py runs/calculator
    python examples/calculator_three_seeds.py runs/calculator --seeds 0,1 budget.steps=60        (overrides as for guerdon train)

A run that was killed goes on with the same command. Before and after are sampled as in training, ``--answers`` to each held-out problem, and compared problem by problem.
"""

import argparse
import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
from _measuring import Figures, answered, draw, in_a_sentence, right

from guerdon.errors import RunFailed
from guerdon.evaluation.statistics.bootstrap_mean import BootstrapMean
from guerdon.interfaces.cli import main as guerdon
from guerdon.interfaces.configuration import Configuration, read
from guerdon.models.language.language_model import LanguageModel

HERE = Path(__file__).parent
SHOWN = 16  # problems, of those that are trained on, that are shown worked out
CURVES = {
    "reward": "reward of sampled episodes",
    "environment/calls": "calls of an episode",
    "environment/calls_wrong": "wrong calls of an episode",
    "kl": "KL to the start, nats a token",
}


def demonstrations(settings: Configuration, path: Path) -> None:
    """Problems worked out with the calculator, as messages to imitate."""
    rows = settings.task.train()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        for i in range(len(rows) - SHOWN, len(rows)):
            sum_, answer = rows[i]["metadata"]["expression"], rows[i]["answer"]
            told = settings.task.calls.told([{"role": "tool", "name": "calculator", "content": answer}])
            said = [f"<calculator>{sum_}</calculator>", told, f"The result is {answer}."]
            turns = [{"role": role, "content": text} for role, text in zip(("assistant", "user", "assistant"), said, strict=True)]
            file.write(json.dumps({"messages": [*rows[i]["prompt"], *turns]}) + "\n")


def solved(settings: Configuration, model: Any, answers: int) -> tuple[np.ndarray, np.ndarray]:
    """Of each held-out problem [P] the share of right answers, and the calls that an answer took."""
    found = answered(settings, model, dataclasses.replace(settings.recipe.sampler, num_generations=answers))
    calls = [np.mean([sum(turn["role"] == "tool" for turn in said) for said in row["completions"]]) for row in found]
    return right(found), np.array(calls)


def run(*command: str) -> None:
    if guerdon(list(command)) != 0:
        raise RunFailed("that did not end well; the same command goes on with it")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("overrides", nargs="*")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--answers", type=int, default=2)
    asked = parser.parse_intermixed_args()
    file, shown, figures = HERE / "calculator_grpo.yaml", asked.folder / "imitation", Figures(asked.folder)
    overrides = [f"model.source={shown / 'model'}", *asked.overrides]
    demos = asked.folder / "demos.jsonl"
    demonstrations(read(file, overrides), demos)
    imitate = HERE / "calculator_imitate.yaml"
    run("fit", str(imitate), f"task.path={demos}", f"run={shown}")
    settings = read(file, overrides)
    untaught = dataclasses.replace(read(imitate, []).model, lora=None)
    success, calls = {}, {}
    for name, model in {"of the model as it is": untaught, "after imitation": LanguageModel(str(shown / "model"))}.items():
        success[name], calls[name] = solved(settings, model.build(0), asked.answers)
        figures.say(f"success {name}, {len(success[name])} held-out problems", BootstrapMean()(success[name]))
        figures.say(f"calls {name}", BootstrapMean()(calls[name]))
    before, folders, gains = success["after imitation"], [], []
    for seed in map(int, asked.seeds.split(",")):
        folders.append(asked.folder / f"seed-{seed}")
        run("train", str(file), *overrides, f"budget.seed={seed}", f"run={folders[-1]}")
        after, needed = solved(settings, LanguageModel(str(folders[-1] / "model")).build(0), asked.answers)
        gains.append(after - before)
        figures.say(f"success after, seed {seed}", BootstrapMean()(after))
        figures.say(f"calls after, seed {seed}", BootstrapMean()(needed))
        figures.say(f"gain, seed {seed}, problem by problem", BootstrapMean()(gains[-1]))
    figures.say("gain, mean of the seeds, problem by problem", BootstrapMean()(np.mean(gains, axis=0)))
    draw(folders, CURVES, asked.folder / "curves.png")
    figures.close()


if __name__ == "__main__":
    with in_a_sentence():
        main()
