"""Several verdicts as one: what they said, and what they cost, together."""

from collections.abc import Sequence

from guerdon.feedback.formats import Verdict

BETWEEN = "\n\n---\n\n"


def together(parts: Sequence[Verdict], value: float | tuple[float, ...] | None, why: str = "") -> Verdict:
    """One verdict with ``value``. Of those that could not be read ``why`` says what is to be said."""
    said = BETWEEN.join(part.said for part in parts if part.said)
    return Verdict(value, said, why, sum(part.read for part in parts), sum(part.written for part in parts), tuple(parts))
