"""Kinds of reward models: a body, a head, what it is fitted to, and by what loss."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guerdon.feedback.aggregating import Aggregating
from guerdon.feedback.aggregating.last_step import LastStep
from guerdon.feedback.aggregating.minimum import Minimum
from guerdon.losses.comparisons.hinge import Hinge
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.labels.noisy import Noisy
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.quantiles.pinball import Pinball
from guerdon.losses.scores.head import Head as HeadScore
from guerdon.losses.several_heads.expected import Expected
from guerdon.losses.steps.step_cross_entropy import StepCrossEntropy
from guerdon.losses.verdicts.cross_entropy import CrossEntropy
from guerdon.models.heads import Head
from guerdon.models.heads.ensemble import Ensemble
from guerdon.models.heads.laplace import Laplace
from guerdon.models.heads.quantiles import Quantiles
from guerdon.models.heads.scalar import Scalar
from guerdon.models.heads.step import Step
from guerdon.training.recipe import Term

Row = dict[str, Any]
FEW_PASSES = 4  # over a few hundred solutions
SENTENCES, LAYERS, ADAPTERS = "frozen sentence embeddings", "frozen layers of a language model", "the same layers with LoRA"


def pairs(rows: Sequence[Mapping[str, Any]]) -> list[Row]:
    """A better and a worse answer to a prompt."""
    return [dict(row) for row in rows]


def verdicts(rows: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Every answer by itself, right or wrong, once."""
    sides = {repr((row["prompt"], row[name])): (row, name) for row in rows for name in ("chosen", "rejected")}
    return [{"prompt": row["prompt"], "completion": row[name], "label": name == "chosen"} for row, name in sides.values()]


def ratings(rows: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Every answer by itself, with a rating of 1 or 0."""
    return [{"prompt": row["prompt"], "completion": row["completion"], "rating": float(row["label"])} for row in verdicts(rows)]


def steps(rows: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Every answer's lines, each of which is called what the answer is."""
    out = []
    for row in verdicts(rows):
        lines = [line for line in row["completion"].splitlines() if line.strip()]
        out.append({"prompt": row["prompt"], "completions": lines, "labels": [row["label"]] * len(lines)})
    return out


@dataclass(frozen=True)
class Kind:
    """``learns`` makes of pairs the rows that it is fitted to; ``aggregate``: what is made of what a head says of steps (None: it says something of whole answers); ``passes``:
    over the rows, unless a setting says."""

    body: str
    head: Head
    terms: tuple[Term, ...]
    learns: Callable[[Sequence[Mapping[str, Any]]], list[Row]] = pairs
    aggregate: Aggregating | None = None
    passes: int = 1


_LOGISTIC = Pairwise(HeadScore(), Logistic())
KINDS = {
    "comparisons on sentence embeddings": Kind(SENTENCES, Scalar(), (Term(_LOGISTIC),)),
    "comparisons on layers": Kind(LAYERS, Scalar(), (Term(_LOGISTIC),)),
    "comparisons that may be wrong": Kind(LAYERS, Scalar(), (Term(Pairwise(HeadScore(), Logistic(), label=Noisy(0.1))),)),
    "comparisons by hinge": Kind(LAYERS, Scalar(), (Term(Pairwise(HeadScore(), Hinge())),)),
    "ensemble": Kind(LAYERS, Ensemble(5), (Term(Expected()),)),
    "ensemble, pessimistic": Kind(LAYERS, Ensemble(5, pessimism=1.0), (Term(Expected()),)),
    "laplace, pessimistic": Kind(LAYERS, Laplace(pessimism=1.0), (Term(_LOGISTIC),)),
    "verdicts": Kind(LAYERS, Scalar(), (Term(CrossEntropy()),), verdicts),
    "quantiles of ratings": Kind(LAYERS, Quantiles(9), (Term(Pinball()),), ratings),
    "comparisons, LoRA": Kind(ADAPTERS, Scalar(), (Term(_LOGISTIC),)),
}
STEPWISE = {
    "verdicts on steps, their minimum": Kind(ADAPTERS, Step(), (Term(StepCrossEntropy()),), steps, Minimum()),
    "verdicts on steps, the last": Kind(ADAPTERS, Step(), (Term(StepCrossEntropy()),), steps, LastStep()),
}


def of_labelled(labelled: Sequence[Row]) -> dict[str, Kind]:
    """Kinds that are fitted to few solutions alone, whose steps somebody labelled: by these labels, and, for comparison, by what the same whole solutions came to
    (``is_correct``)."""

    if not labelled:
        return {}

    def within(rows: Sequence[Mapping[str, Any]]) -> list[Row]:
        """Those that answer prompts which are learned from."""
        asked = {row["prompt"] for row in rows}
        return [row for row in labelled if row["prompt"] in asked]

    def by_steps(rows: Sequence[Mapping[str, Any]]) -> list[Row]:
        return [{name: row[name] for name in ("prompt", "completions", "labels")} for row in within(rows)]

    def by_outcome(rows: Sequence[Mapping[str, Any]]) -> list[Row]:
        return [
            {"prompt": row["prompt"], "completions": row["completions"], "labels": [float(row["is_correct"])] * len(row["completions"])}
            for row in within(rows)
        ]

    terms = (Term(StepCrossEntropy()),)
    return {
        "labels of the steps of few, their minimum": Kind(ADAPTERS, Step(), terms, by_steps, Minimum(), FEW_PASSES),
        "labels of the steps of few, the last": Kind(ADAPTERS, Step(), terms, by_steps, LastStep(), FEW_PASSES),
        "verdicts on steps of the same few, the last": Kind(ADAPTERS, Step(), terms, by_outcome, LastStep(), FEW_PASSES),
    }
