"""Conclusions: what an answer comes to, so that two answers to one question can be said to agree.

    text       its marked answer (``guerdon.feedback.answers``), else what follows its last "the answer is", else all that it says after its thinking; a mark that
               is not closed, and nothing at all, is no conclusion (None)
    actions    of a finite world: all of them, or the last ``steps``

Texts agree where they are the same number (1,000 is 1000.0), else the same words, whatever their case, spaces and final full stop. ``split`` says where in a text the
conclusion begins.
"""

from collections.abc import Callable, Hashable, Sequence
from typing import Any

from guerdon.errors import InputError
from guerdon.feedback.answers import marked, stated, worded
from guerdon.feedback.loading import load
from guerdon.feedback.text import answer_text, whole_text
from guerdon.feedback.written import numbers, plain

Same = Callable[[Any, Any], bool]


def said(completion: Any, prompt: Any = None) -> str | None:
    """The conclusion of a text, as it is written there; None where it comes to none."""
    text = answer_text(completion, prompt)
    mark = marked(text)
    if mark is not None:
        return (mark.text or "").strip() or None
    return ((stated(text) or "").strip() or text.strip()) or None


def conclusion(completion: Any, prompt: Any = None, steps: int = 0) -> Hashable | None:
    """The conclusion in a form in which equal ones are equal; of actions the last ``steps``, 0: all."""
    if is_actions(completion):
        return tuple(completion[-steps:]) or None
    text = said(completion, prompt)
    if text is None:
        return None
    words = " ".join(worded(text).replace("$", " ").split()).rstrip(".").casefold()
    found = numbers(words)
    alone = len(found) == 1 and found[0].value is not None and not any(letter.isalnum() for letter in _around(words))
    return found[0].value if alone and not found[0].percent else words  # whether a percentage is its number or its hundredth is not said


def _around(words: str) -> str:
    """What a text holds besides its one number."""
    shown = plain(words)
    (one,) = numbers(words)
    return shown[: one.start] + shown[one.end :]


def split(completion: Any, prompt: Any = None, steps: int = 1) -> tuple[Any, Any] | None:
    """What was said before the conclusion, and the conclusion as it was said; of actions the last ``steps``. None where it comes to none."""
    if is_actions(completion):
        return (list(completion[:-steps]), list(completion[-steps:])) if len(completion) >= steps else None
    whole, text = whole_text(completion), said(completion, prompt)
    start = -1 if text is None else whole.rfind(text)
    return None if start < 0 else (whole[:start], text)


def is_actions(completion: Any) -> bool:
    """Whether a completion is the actions of a finite world."""
    return isinstance(completion, list | tuple) and all(isinstance(action, int) for action in completion)


def clusters(conclusions: Sequence[Hashable | None], same: Same | str | None = None) -> list[int | None]:
    """For each conclusion the place of the first that it agrees with; None for none. Without ``same`` those agree that are equal."""
    judge = load(same, "comparison") if isinstance(same, str) else same
    first: dict[Hashable, int] = {}
    found: list[int | None] = []
    for place, one in enumerate(conclusions):
        if one is None:
            found.append(None)
        elif judge is None or one in first:
            found.append(first.setdefault(one, place))
        else:
            found.append(first.setdefault(one, next((at for other, at in list(first.items()) if _agree(judge, other, one)), place)))
    return found


def _agree(judge: Same, one: Any, other: Any) -> bool:
    verdict = judge(one, other)
    if not isinstance(verdict, bool | int) and not (hasattr(verdict, "dtype") and getattr(verdict, "ndim", 1) == 0):
        raise InputError(f"a comparison of two conclusions says true or false, and {getattr(judge, '__name__', judge)} said {verdict!r}")
    return bool(verdict)


def by_group(prompts: Sequence[Any], group: Sequence[Any] | None) -> dict[str, list[int]]:
    """The places of those answers that are compared: those of one group, else of one prompt."""
    places: dict[str, list[int]] = {}
    for place, own in enumerate(prompts if group is None else group):
        places.setdefault(repr(own), []).append(place)
    return places
