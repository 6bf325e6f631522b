"""What comes of several candidates, of which some are right: how often the best score is a right one's, and RewardBench 2's figure for many right answers."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from guerdon.errors import InputError
from guerdon.evaluation.metrics.best_of_candidates import BestOfCandidates
from guerdon.evaluation.metrics.ties_score import TiesScore
from guerdon.evaluation.statistics.bootstrap_mean import BootstrapMean
from guerdon.interfaces.benching.answers import Pair
from guerdon.interfaces.benching.pairs import by_category, numbers, share
from guerdon.interfaces.benching.reading import Rows
from guerdon.interfaces.benching.scoring import TOO_LONG, Scoring

TIES = "ties"
_ASKINGS = ("ref", "tied")


@dataclass(frozen=True)
class Candidates:
    """One prompt's candidates with their scores, and which are right."""

    row: int
    prompt: Any
    answers: list[Any]
    right: list[bool]
    scores: list[float]
    category: str

    def pairs(self) -> list[Pair]:
        """Every right one against every wrong one."""
        both = [(i, k) for i, good in enumerate(self.right) if good for k, bad in enumerate(self.right) if not bad]
        return [
            Pair(self.row, self.prompt, self.answers[i], self.answers[k], self.scores[i], self.scores[k], self.category) for i, k in both
        ]


def scored_candidates(rows: Rows, scoring: Scoring) -> list[Candidates]:
    """All candidates of every row that fits."""
    kept, sides = [], []
    for index, row in enumerate(rows.rows):
        given = row.get("scores")
        if not isinstance(given, list) or set(given) != {0, 1}:
            rows.left_out["not some right and some wrong answers"] = rows.left_out.get("not some right and some wrong answers", 0) + 1
            continue
        own = scoring.sides(row, row["prompt"], row["completions"], rows.numbers[index], rows.where)
        if own is None:
            rows.left_out[TOO_LONG] = rows.left_out.get(TOO_LONG, 0) + 1
            continue
        kept.append((index, len(own)))
        sides += own
    scores, found, at = scoring.scores(sides), [], 0
    for index, size in kept:
        row = rows.rows[index]
        own = [float(score) for score in scores[at : at + size]]
        at += size
        right = [score == 1 for score in row["scores"]]
        found.append(Candidates(index, row["prompt"], list(row["completions"]), right, own, rows.category_of(row)))
    return found


def best_of(found: list[Candidates], rows: Rows) -> dict[str, Any]:
    """How often the best is right, by category and in all, and the mean over categories, among them the ties score where there are such rows."""
    tied = [one for one in found if _asking(one, rows)]
    plain = [one for one in found if not _asking(one, rows)]
    out: dict[str, Any] = {}
    shares: dict[str, dict[str, float]] = {}
    if plain:
        credit = BestOfCandidates()([one.scores for one in plain], [one.right for one in plain])
        out["accuracy"] = share(credit)
        out["chance"] = float(np.mean([np.mean(one.right) for one in plain]))
        out["candidates"] = float(np.mean([len(one.right) for one in plain]))
        for name in dict.fromkeys(one.category for one in plain):
            shares[name] = share([c for c, one in zip(credit, plain, strict=True) if one.category == name])
    if tied:
        out["ties"] = _ties(tied, rows)
        if np.isfinite(out["ties"]["score"]):
            shares[tied[0].category] = {"value": out["ties"]["score"], "low": np.nan, "high": np.nan, "of": len(tied)}
    return out | by_category(list(shares), shares)


def _ties(tied: list[Candidates], rows: Rows) -> dict[str, Any]:
    askings = [_asking(one, rows) for one in tied]
    values = TiesScore()(
        [one.scores for one in tied],
        [one.right for one in tied],
        [question for _, question in askings],
        [kind == "tied" for kind, _ in askings],
    )
    return {
        **dict(zip(("score", "reference_accuracy", "tied_accuracy", "preferred", "hard", "margin"), map(float, values), strict=True)),
        "of": len(tied),
    }


def _asking(one: Candidates, rows: Rows) -> tuple[str, str] | None:
    """Which asking of which question a row of the subset Ties is; None: it is of another."""
    row = rows.rows[one.row]
    if str(row.get("subset", "")).lower() != TIES:
        return None
    kind, colon, question = str(row.get("id", "")).partition(":")
    if not colon or kind not in _ASKINGS:
        raise InputError(
            f"row {rows.numbers[one.row]} of {rows.where} is of the subset Ties and has the id {row.get('id')!r}, which should be ref:NUMBER or tied:NUMBER; put it right, or "
            "call the subset otherwise"
        )
    return kind, question


def gain(found: list[Candidates]) -> dict[str, float]:
    """By how much the best-scored answer is right more often than one drawn at random, prompt by prompt."""
    credit = BestOfCandidates()([one.scores for one in found], [one.right for one in found])
    return numbers(BootstrapMean()(credit - np.array([np.mean(one.right) for one in found])))
