"""How good is the judge? Before a run learns from it: agreement with labelled rows, bias for a place and for length, whether it says the same again and of the same answer
in other dress, how often it cannot be read, and what its verdicts cost, each and for the whole run.

    agreement          the share of labelled pairs that it puts in order, with an interval; a tie counts one half
    first place        the share of verdicts for the answer that is shown first, in both orders; 1/2 without bias (judges of two answers)
    longer             the share of its decided pairs in which it prefers the longer answer, beside that of the labels
    says it again      the share of pairs of votes, drawn at temperature 1, that come to the same verdict (those that write), or the verdict itself where nothing is drawn
    flips              the share of pairs whose order turns when both answers are edited in what does not matter (``evaluation.edits``)
"""

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from guerdon.catalogue import parts_in, resolve
from guerdon.errors import InputError
from guerdon.evaluation.statistics.wilson import Wilson
from guerdon.feedback.asked import case_of, told_rubric, writer_of
from guerdon.feedback.formats import Case, Format, Verdict
from guerdon.feedback.formats.mean_vote import polled
from guerdon.feedback.text import final_text

PAIRS = 24  # labelled rows that are judged
VOTES, VOTED = 3, 8  # votes on some of the pairs
EDITS = 3  # edits, of those that do not matter
EDITED = 8  # pairs that are edited


def judges(configuration: Any) -> dict[str, Any]:
    """The judges of a configuration by their place: rewards and the judge of pairs that ask a writer."""
    found = {f"reward.{name}": part for name, part in configuration.reward.functions.items()}
    if configuration.recipe is not None and getattr(configuration.recipe, "judge", None) is not None:
        found["recipe.judge"] = configuration.recipe.judge
    return {place: part for place, part in found.items() if hasattr(part, "format") and hasattr(part, "model")}


def labelled(path: Path, rows: int = PAIRS) -> list[dict[str, Any]]:
    """Rows with ``prompt``, ``chosen`` and ``rejected``.

    Raises:
        InputError: a column is missing.
    """
    from guerdon.tasks import _files

    found = list(itertools.islice(_files.read(path), rows))
    for place, row in enumerate(found):
        if missing := [name for name in ("prompt", "chosen", "rejected") if row.get(name) is None]:
            raise InputError(f"{path}, row {place}: it has no column {missing[0]!r}; labelled rows have prompt, chosen and rejected")
    if not found:
        raise InputError(f"{path} holds no rows")
    return found


def planned(settings: Any, part: Any) -> int:
    """How many verdicts a run asks for: of each completion, of every two of a prompt, or of all of a prompt together."""
    prompts = settings.budget.steps * settings.budget.rows
    group = (
        getattr(settings.recipe.sampler, "answers", getattr(settings.recipe.sampler, "num_generations", 1))
        if settings.recipe is not None
        else 1
    )
    return prompts * {1: group, 2: group * (group - 1) // 2, None: 1}[part.format.takes]


def look(part: Any, rows: Sequence[dict[str, Any]], verdicts_planned: int, warnings: list[str], place: str) -> dict[str, Any]:
    """What is found out of one judge on labelled rows."""
    at = _Judging(part, rows)
    margin = at.margins([(row["chosen"], row["rejected"]) for row in rows])
    known = [value for value in margin if value is not None]
    longer = [len(final_text(row["chosen"])) - len(final_text(row["rejected"])) for row in rows]
    decided = [(m, d) for m, d in zip(margin, longer, strict=True) if m and d]
    out: dict[str, Any] = {
        "pairs": len(rows),
        "agreement": _share([1.0 if m > 0 else 0.5 if m == 0 else 0.0 for m in known]),
        "longer": _share([float((m > 0) == (d > 0)) for m, d in decided]),
        "longer_labelled": _share([float(d > 0) for d in longer if d]),
        "first_place": _share(at.first_place),
        "again": _share(at.again()),
        "flips": at.flips(margin),
        "unread": _share([float(verdict.value is None) for verdict in at.said]),
        "why_unread": next((verdict.why for verdict in at.said if verdict.value is None), None),
    }
    out["cost"] = at.cost(verdicts_planned)
    if out["agreement"] is not None and out["agreement"]["low"] <= 0.5:
        warnings.append(
            f"{place}: the judge agrees with the labels on {out['agreement']['value']:.0%} of {len(known)} pairs ({out['agreement']['low']:.0%} to "
            f"{out['agreement']['high']:.0%}), "
            "which may be no better than a coin; a run would learn its noise"
        )
    if out["first_place"] is not None and not out["first_place"]["low"] <= 0.5 <= out["first_place"]["high"]:
        warnings.append(
            f"{place}: the judge prefers the answer in the {'first' if out['first_place']['value'] > 0.5 else 'second'} place ({out['first_place']['value']:.0%} of "
            f"verdicts are for the first); "
            "ask in both orders (format: both_orders)"
        )
    if out["unread"] is not None and out["unread"]["value"] > 0.05:
        warnings.append(
            f"{place}: {out['unread']['value']:.0%} of the judge's answers cannot be read, the first because {out['why_unread']}"
        )
    return out


class _Judging:
    """A judge and what it said so far."""

    def __init__(self, part: Any, rows: Sequence[dict[str, Any]]):
        self.form: Format = part.format
        self.writer, self.seed, self.rows = writer_of(part.model), part.seed, rows
        self.rubric, self.reference = told_rubric(part.rubric), getattr(part, "reference", "")
        self.own_rubric = getattr(part, "own_rubric", "rubric")
        self.said: list[Verdict] = []
        self.first_place: list[float] = []

    def margins(self, pairs: Sequence[tuple[Any, Any]], rows: Sequence[dict[str, Any]] | None = None) -> list[float | None]:
        """By how much the judge prefers the first of each pair, asked in both orders where it compares; None where it cannot be read."""
        rows = self.rows if rows is None else rows
        cases = [self._case(row, answers) for row, answers in zip(rows, pairs, strict=True)]
        if self.form.takes == 1:
            each = self._judged([Case(case.prompt, (answer,), case.reference, case.rubric) for case in cases for answer in case.answers])
            return [None if a is None or b is None else a - b for a, b in zip(each[::2], each[1::2], strict=True)]
        both = self._judged(
            [Case(case.prompt, order, case.reference, case.rubric) for case in cases for order in (case.answers, case.answers[::-1])]
        )
        firsts = [value if value is None or not isinstance(value, tuple) else 0.5 + (value[0] - value[1]) / 2 for value in both]
        self.first_place += [1.0 if value > 0.5 else 0.0 if value < 0.5 else 0.5 for value in firsts if value is not None]
        return [None if a is None or b is None else a - b for a, b in zip(firsts[::2], firsts[1::2], strict=True)]

    def again(self) -> list[float]:
        """Whether two votes are alike, for every two votes on some answers."""
        answers = [(row["chosen"],) if self.form.takes == 1 else (row["chosen"], row["rejected"]) for row in self.rows[:VOTED]]
        cases = [self._case(row, own) for row, own in zip(self.rows, answers, strict=False)]
        votes = polled(self.form, self.writer, cases, self.seed, VOTES, 1.0)
        self.said += [verdict for said in votes for verdict in said]
        known = [[verdict.value for verdict in said if verdict.value is not None] for said in votes]
        return [float(a == b) for values in known for a, b in itertools.combinations(values, 2)]

    def flips(self, margin: Sequence[float | None]) -> dict[str, Any]:
        """By edit, the share of some pairs whose order turns."""
        out = {}
        for name in parts_in("evaluation.edits"):
            part = resolve(name, "evaluation.edits")
            if part.matters or len(out) == EDITS:
                continue
            rows = self.rows[:EDITED]
            texts = [[final_text(row[side]) for side in ("chosen", "rejected")] for row in rows]
            edited = [[own or text for own, text in zip(part()(pair), pair, strict=True)] for pair in texts]
            changed = [k for k, (a, b) in enumerate(zip(texts, edited, strict=True)) if a != b and margin[k]]
            if changed:
                after = self.margins([tuple(edited[k]) for k in changed], [rows[k] for k in changed])
                out[name] = _share([float((new > 0) != (margin[k] > 0)) for k, new in zip(changed, after, strict=True) if new])
        return {name: share for name, share in out.items() if share is not None}

    def cost(self, planned: int) -> dict[str, Any]:
        """Tokens and money of a verdict, and of all that the run plans."""
        paid = [verdict for verdict in self.said if verdict.read]
        read, written = (sum(getattr(v, what) for v in paid) / max(len(paid), 1) for what in ("read", "written"))
        price = getattr(self.writer, "price", lambda read, written: 0.0)(read, written)
        return {
            "read": read,
            "written": written,
            "money": price,
            "planned": planned,
            "planned_tokens": planned * (read + written),
            "planned_money": planned * price,
        }

    def _case(self, row: dict[str, Any], answers: tuple[Any, ...]) -> Case:
        return case_of(row["prompt"], answers, row, self.rubric, self.reference, self.own_rubric)

    def _judged(self, cases: Sequence[Case]) -> list[Any]:
        found = self.form(self.writer, cases, self.seed)
        self.said += found
        return [verdict.value for verdict in found]


def _share(values: Sequence[float]) -> dict[str, Any] | None:
    """The mean of shares with its interval; None of nothing."""
    return {**Wilson()(values)._asdict(), "of": len(values)} if len(values) else None
