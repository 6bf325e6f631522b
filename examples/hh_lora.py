"""Learn from human comparisons with LoRA, and measure the result on pairs that were held out, next to chance and to length alone.

    python examples/hh_lora.py examples/hh_reward_model_lora.yaml task.path=PATH/hh_harmless/pairs.jsonl.gz
    python examples/hh_lora.py examples/hh_dpo.yaml               task.path=PATH/hh_harmless/pairs.jsonl.gz

The YAML file says everything, and ``guerdon fit`` runs it as well; this script adds the intervals. What is compared follows from the
recipe: the scalar head's score, or the policy's log-ratio to the model that it started from (with a margin in units of reward).
"""

import argparse
import dataclasses
from pathlib import Path

from _measuring import Figures, accuracy, in_a_sentence, length_only, pair_scores

from guerdon.data.examples import examples
from guerdon.evaluation.statistics.bootstrap_mean import BootstrapMean
from guerdon.evaluation.statistics.wilson import Wilson
from guerdon.interfaces.configuration import read
from guerdon.interfaces.preparing import keep, prepare, run_folder
from guerdon.models.language.policy import AdaptersOff
from guerdon.training.display import Terminal

FEW = 32


def main(path: Path, overrides: list[str]) -> None:
    configuration = read(path, overrides)
    folder = run_folder(configuration, path)
    figures = Figures(folder)
    prepared = prepare(configuration, "fit")
    keep(configuration, folder)
    model, loss = prepared.model, configuration.recipe.terms[0].loss
    train, test = prepared.task.train(), prepared.task.test()
    pairs = examples(test, prepared.encoder)
    views = {"ref": AdaptersOff(model)} if hasattr(model, "adapted") else {}

    figures.say("pairs learned from", min(len(train), configuration.budget.steps * configuration.budget.rows))
    figures.say("pairs held out", len(test))
    figures.say("accuracy, chance", 0.5)
    figures.say("accuracy, length only", Wilson()(length_only(train, test)))
    job = prepared.job
    job = dataclasses.replace(job, budget=dataclasses.replace(job.budget, evaluation_rows=FEW))
    history = job(model, {}, configuration.budget.seed, folder, Terminal()).history
    if views:  # the policy starts as its own reference: nothing is preferred yet, which a few pairs show as well as all
        figures.say(f"accuracy before, {FEW} of them", history[0]["eval/rewards/accuracies"])
        figures.say(f"margin before, {FEW} of them", history[0]["eval/rewards/margins"])
    chosen, rejected = pair_scores(model, pairs, loss, views)
    figures.say("accuracy", accuracy(chosen, rejected))
    figures.say("margin", BootstrapMean()(chosen - rejected))
    figures.close()
    model.save(folder / "model")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("file", type=Path, help="the YAML file of the run")
    arguments.add_argument("overrides", nargs="*", help="section.key=value, as for guerdon fit")
    given = arguments.parse_args()
    with in_a_sentence():
        main(given.file, given.overrides)
