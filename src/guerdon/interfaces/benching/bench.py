"""The bench: everything that is measured of a model on rows, as one tree of figures."""

from dataclasses import dataclass
from typing import Any

from guerdon.errors import InputError
from guerdon.interfaces.benching import candidates, pairs, steps
from guerdon.interfaces.benching.answers import Pair, scored_pairs
from guerdon.interfaces.benching.following import following
from guerdon.interfaces.benching.reading import CANDIDATES, STEPS, Rows, read
from guerdon.interfaces.benching.scoring import Scoring
from guerdon.interfaces.benching.sensitivity import sensitivity

WORST = 12
_PLAIN = "the rows are plain text and the model has a chat template: they were scored as plain text; --chat writes them as turns of a conversation"


@dataclass(frozen=True)
class Asked:
    """What is asked for.

    Attributes:
        rows: at most so many; None: all.
        category: the column that says to which kind a row belongs; None: ``subset`` or ``category``, where there is one.
        edited: how many pairs are edited; 0: none.
        skip_long: leave out what does not fit.
        chat: plain texts are turns of a conversation, which the model's chat template writes.
        step_threshold: a step that is less likely right is thought to be wrong.
        device: where the model runs.
        quiet: without progress.
    """

    rows: int | None = None
    category: str | None = None
    edited: int = 200
    skip_long: bool = False
    step_threshold: float = 0.5
    chat: bool = False
    device: str = "auto"
    quiet: bool = False


def bench(model: str, path: str, asked: Asked = Asked()) -> dict[str, Any]:
    """All figures of a trained scorer on the rows of a file.

    Raises:
        InputError: the rows or the model cannot be used; the sentence says which and why.
    """
    rows = read(path, asked.rows, asked.category, asked.chat)
    scoring = Scoring(model, asked.device, rows.kind == STEPS, asked.skip_long, asked.quiet)
    if asked.chat and not scoring.chats:
        raise InputError(f"--chat: the tokenizer of {model} has no chat template; leave it out")
    notes = [_PLAIN] if rows.plain and scoring.chats else []
    measure = {STEPS: _of_steps, CANDIDATES: _of_candidates}.get(rows.kind, _of_pairs)
    found = measure(rows, scoring, asked)
    head = {
        "model": model,
        "rows": path,
        "kind": rows.kind,
        "read": rows.read,
        "left_out": dict(rows.left_out),
        "category": rows.category,
        "notes": notes,
    }
    return head | found


def _of_pairs(rows: Rows, scoring: Scoring, asked: Asked) -> dict[str, Any]:
    scored = scored_pairs(rows, scoring)
    _some(scored, rows, scoring)
    return {"scored": len(scored), **pairs.accuracies(scored), **_besides(scored, rows, scoring, asked)}


def _of_candidates(rows: Rows, scoring: Scoring, asked: Asked) -> dict[str, Any]:
    scored = candidates.scored_candidates(rows, scoring)
    _some(scored, rows, scoring)
    both = [pair for one in scored for pair in one.pairs()]
    return {
        "scored": len(scored),
        **candidates.best_of(scored, rows),
        "gain": candidates.gain(scored),
        "pairs": pairs.share(pairs.right(both)),
        **_besides(both, rows, scoring, asked),
    }


def _besides(scored: list[Pair], rows: Rows, scoring: Scoring, asked: Asked) -> dict[str, Any]:
    found = {"calibration": pairs.calibration(scored), "following": following(scored), "worst": pairs.worst(scored, rows.numbers, WORST)}
    if asked.edited:
        found["sensitivity"] = sensitivity(scored, rows, scoring, asked.edited)
    found["margins"] = [pair.margin for pair in scored]
    return found


def _of_steps(rows: Rows, scoring: Scoring, asked: Asked) -> dict[str, Any]:
    scored = steps.scored_solutions(rows, scoring)
    _some(scored, rows, scoring)
    found = steps.first_errors(scored, asked.step_threshold)
    return {"scored": len(scored), **found, "calibration": steps.calibration(scored), "worst": steps.worst(scored, rows, WORST)}


def _some(scored: list[Any], rows: Rows, scoring: Scoring) -> None:
    if not scored:
        why = "; ".join(f"{reason} ({count})" for reason, count in rows.left_out.items())
        raise InputError(
            f"no row of {rows.where} is left to be scored in the {scoring.model.context_length} tokens that the model has room for: {why}"
        )
