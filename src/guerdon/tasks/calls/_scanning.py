"""Scanning: a turn is read from its beginning to its end, so that what stands in a thought is no call, and what stands in a call is no thought.

A thinking block that is closed and was never opened began in the prompt: whatever was read before is thought.
"""

import re
from collections.abc import Callable
from functools import cache

from guerdon.feedback.text import THINKING_CLOSES, THINKING_OPENS
from guerdon.tasks.calls import Call, Found

Take = Callable[[str, re.Match[str]], tuple[list[Call], int]]  # the calls that begin at a match, and where what follows them begins


def scanned(text: str, opened: bool, opening: str, take: Take) -> Found:
    """The calls that ``take`` reads where the pattern ``opening`` matches, outside of thoughts.

    Args:
        opened: the turn begins within a thinking block.
    """
    pattern = _pattern(opening)
    at = _beyond(text, 0) if opened else 0
    calls: list[Call] = []
    pieces = [text[:at]]
    while (first := pattern.search(text, at)) is not None:
        pieces.append(text[at : first.start()])
        if first["begins"] is not None:
            found, at = take(text, first)
            calls += found
            pieces += [] if found else [text[first.start() : at]]
        elif first["thinks"] is not None:
            at = _beyond(text, first.end())
            pieces.append(text[first.start() : at])
        else:
            at = first.end()
            calls, pieces = [], [text[:at]]
    return Found("".join([*pieces, text[at:]]).strip() if calls else text, tuple(calls))


def begins_speech(text: str, at: int) -> bool:
    """Whether nothing was said before, thoughts aside."""
    before = text[:at].rstrip()
    return not before or any(closes.end() == len(before) for closes in THINKING_CLOSES.finditer(before, max(len(before) - 80, 0)))


@cache
def _pattern(opening: str) -> re.Pattern[str]:
    return re.compile(
        f"(?P<begins>{opening})|(?P<thinks>(?i:{THINKING_OPENS.pattern}))|(?P<closes>(?i:{THINKING_CLOSES.pattern}))", re.MULTILINE
    )


def _beyond(text: str, at: int) -> int:
    """Where a thinking block ends in which ``at`` lies; the end of the text where nothing closes it."""
    closes = THINKING_CLOSES.search(text, at)
    return len(text) if closes is None else closes.end()
