r"""Answers: what a completion gives as its answer, as a reader would find it.

    the text after the thinking            (``guerdon.feedback.text``)
    in it, the last of these that is there
        <answer>...</answer>
        \boxed{...}, \fbox{...}            braces may be nested; boxes that are joined by "and", "or", a comma or a line break are one answer,
                                           of boxes with nothing between them the last one counts
        #### ...                           to the end of its line
    none of them                           left to whoever asks; ``stated`` is what follows the last "the answer is"

A mark that is opened last and not closed has been cut off: there is no answer then, whatever was marked before.
"""

import re
from dataclasses import dataclass

_BOX = re.compile(r"\\(?:f?boxed|fbox)(?![a-zA-Z])")
_ANSWER = re.compile(r"\banswers?(?:\*\*)?\s*(?:is|are|:|=)(?:\*\*)?\s*:?", re.IGNORECASE)
_SENTENCE = re.compile(r"(?:\.(?=\s|$)|\n)")
_END = 5_000  # characters at the end of a text in which a statement is looked for
_WORDS = re.compile(r"\\(?:text|textbf|textit|textrm|mbox|mathrm|mathbf|operatorname|boldsymbol|emph)\s*\{([^{}]*)\}")
_JOINED = re.compile(r"(?:[\s$,;.]|\\[()\[\],; ]|\\(?:text|mathrm)\s*\{\s*(?:and|or)\s*\}|\b(?:and|or)\b)*")
_NOTHING = re.compile(r"(?:[ \t$]|\\[()\[\],; ])*")  # between two boxes


@dataclass(frozen=True)
class Marked:
    """What a text marks as its answer: ``text`` is None where the last mark is not closed."""

    text: str | None


def marked(text: str) -> Marked | None:
    """The marked answer, or None where nothing is marked."""
    opened = text.rfind("<answer>")
    if opened >= 0:
        inside, closed, _ = text[opened + len("<answer>") :].partition("</answer>")
        if not closed:
            return Marked(None)
        inner = _boxed(inside)
        return inner if inner is not None else Marked(inside.strip())
    box = _boxed(text)
    if box is not None:
        return box
    _, found, after = text.rpartition("####")
    return Marked(after.strip().partition("\n")[0].strip()) if found else None


def stated(text: str) -> str | None:
    """What follows the last "answer is" or "answer:", to the end of its sentence; None where nothing is so stated."""
    last = None
    for last in _ANSWER.finditer(text, max(len(text) - _END, 0)):  # noqa: B007 the last one counts
        pass
    return None if last is None else sentence(text[last.end() :])


def sentence(text: str) -> str:
    """A text to the end of its first sentence."""
    end = _SENTENCE.search(text, 1)
    return text[: end.start()] if end else text


def worded(text: str) -> str:
    """A text without LaTeX's commands around words: ``\\text{Yes}`` is Yes."""
    for _ in range(3):
        text, changed = _WORDS.subn(r"\1", text)
        if not changed:
            break
    return text


def _boxed(text: str) -> Marked | None:
    """The last box, and those that are joined to it."""
    spans = [(match.start(), match.end()) for match in _BOX.finditer(text)]
    if not spans:
        return None
    pieces: list[str] = []
    begun = None
    for start, end in reversed(spans[-16:]):
        content = _group(text, end)
        if content is None:
            if begun is None:
                return Marked(None)
            break
        inside, stop = content
        if begun is not None and (
            stop > begun or begun - stop > 60 or not _JOINED.fullmatch(text, stop, begun) or _NOTHING.fullmatch(text, stop, begun)
        ):
            if stop > begun:  # a box around a box: the inner one was read
                continue
            break
        if not inside and begun is None:
            return Marked("")
        if not inside:
            break
        pieces.insert(0, inside)
        begun = start
    return Marked(", ".join(pieces))


def _group(text: str, start: int) -> tuple[str, int] | None:
    """What stands in the braces that open at ``start``, and where they end; None where they are not closed."""
    while start < len(text) and text[start] == " ":
        start += 1
    if start >= len(text):
        return None
    if text[start] != "{":
        word = re.compile(r"-?[\w.]+").match(text, start)
        return (word.group(), word.end()) if word else ("", start)
    depth, place = 0, start
    while place < len(text):
        letter = text[place]
        if letter == "\\":
            place += 2
            continue
        depth += (letter == "{") - (letter == "}")
        if depth == 0:
            return text[start + 1 : place].strip(), place + 1
        place += 1
    return None
