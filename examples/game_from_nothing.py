"""What a model has learned of a game, beside the expert's play: 200 rows, each played once by the most likely move and several times by chance.

    guerdon train examples/wordle.yaml
    python examples/game_from_nothing.py examples/wordle.yaml

The model is the one that the file's run has left. Intervals are of 95 %, by the bootstrap over rows.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from _measuring import answered, in_a_sentence

from guerdon.evaluation.statistics.bootstrap_mean import BootstrapMean
from guerdon.interfaces.configuration import read
from guerdon.models.language.language_model import LanguageModel
from guerdon.worlds.playing import noisy, returns


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--times", type=int, default=4, help="by chance")
    parser.add_argument("--seed", type=int, default=1, help="of the rows")
    asked = parser.parse_args()
    run = read(asked.file, [])
    game = run.task.environment
    rows = game.rows(asked.rows, seed=asked.seed)
    model = LanguageModel(str(Path(run.run) / "model")).build(0)
    expert = np.asarray([np.sum(earned) for earned in returns(game, rows, noisy(game, 0.0))])
    for name, times, temperature in (("by the likeliest move", 1, 0.0), ("by chance", asked.times, 1.0)):
        settings = replace(run, decoding=replace(run.decoding, temperature=temperature))
        played = answered(settings, model, replace(run.recipe.sampler, num_generations=times), rows)
        earned = np.asarray([np.mean(row["scores"]) for row in played])
        worse = (expert.mean() - earned.mean()) / abs(expert.mean())
        print(f"{name:22} {_shown(earned)}, {abs(worse):.1%} {'below' if worse > 0 else 'above'} the expert")
    print(f"{'the expert':22} {_shown(expert)}")


def _shown(values: np.ndarray) -> str:
    found = BootstrapMean()(values)
    return f"{found.value:.2f} ({found.low:.2f} to {found.high:.2f})"


if __name__ == "__main__":
    with in_a_sentence():
        main()
