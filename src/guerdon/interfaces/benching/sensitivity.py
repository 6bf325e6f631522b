"""What a scorer makes of answers that were changed in one respect: how many preferences turn where they should not, and how many scores fall where they should."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from guerdon.catalogue import parts_in, resolve
from guerdon.interfaces.benching.answers import Pair, last_text, margins, with_last_text
from guerdon.interfaces.benching.pairs import share
from guerdon.interfaces.benching.reading import Rows
from guerdon.interfaces.benching.scoring import Scoring
from guerdon.randomness import derive
from guerdon.sequences import Side

EDITS = "evaluation.edits"


def sensitivity(pairs: Sequence[Pair], rows: Rows, scoring: Scoring, most: int) -> dict[str, Any]:
    """Each edit on (at most) so many pairs: of one that should not matter, made to each of the two answers in turn, the share of preferences that turn; of one
    that should, made to the better answer, the share of scores that fall (1/2 for those that stay). Edited answers that do not fit are left out."""
    drawn = np.random.default_rng(derive(0, "edited")).permutation(len(pairs))[:most]
    chosen = [pairs[i] for i in sorted(drawn)]
    spread = float(np.std(margins(list(pairs)))) or 1.0
    found: dict[str, Any] = {"pairs": len(chosen), "harmless": [], "harmful": []}
    for name in parts_in(EDITS):
        edit = resolve(name, EDITS)()
        if edit.matters:
            places, scores = _edited(edit, chosen, ("better",), rows, scoring, name)
            before = np.array([chosen[i].better_score for i, _ in places])
            falls = 0.5 + 0.5 * np.sign(before - scores)
            found["harmful"].append({"name": name, "falls": share(falls), "change": _mean((scores - before) / spread)})
            continue
        places, scores = _edited(edit, chosen, ("better", "worse"), rows, scoring, name)
        turns: dict[int, list[float]] = {}
        changes = []
        for (i, side), score in zip(places, scores, strict=True):
            pair = chosen[i]
            margin = score - pair.worse_score if side == "better" else pair.better_score - score
            turns.setdefault(i, []).append(float(np.sign(margin) != np.sign(pair.margin)))
            changes.append((score - getattr(pair, f"{side}_score")) / spread)
        found["harmless"].append(
            {"name": name, "turns": share([np.mean(own) for own in turns.values()]), "change": _mean(np.array(changes))}
        )
    return found


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _edited(
    edit: Any, pairs: Sequence[Pair], which: Sequence[str], rows: Rows, scoring: Scoring, name: str
) -> tuple[list[tuple[int, str]], np.ndarray]:
    """Which sides of which pairs could be edited, and the scores of what they became."""
    places: list[tuple[int, str]] = []
    sides: list[Side] = []
    for side in which:
        answers = [getattr(pair, side) for pair in pairs]
        for i, text in enumerate(edit([last_text(answer) for answer in answers])):
            if text is None:
                continue
            row = rows.rows[pairs[i].row]
            own = scoring.sides_of_edited(row, pairs[i].prompt, with_last_text(answers[i], text))
            if own is not None:
                places.append((i, side))
                sides.append(own)
    return places, scoring.scores(sides, f"scoring after {name.replace('_', ' ')}")
