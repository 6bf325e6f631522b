"""Asked: who judges and by what, as rewards and judges of pairs share it."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from guerdon.errors import InputError
from guerdon.feedback.formats import Case
from guerdon.feedback.rubric import Rubric, rubric_of
from guerdon.feedback.writers import Writer
from guerdon.feedback.writers.local import Local


def writer_of(model: Any) -> Writer:
    """Who writes: a writer as it is, or a language model, running or not, that is to write.

    Raises:
        InputError: it is none of these.
    """
    if hasattr(model, "write") or hasattr(model, "build"):
        return Local(model)
    if not callable(model):
        raise InputError(f"who judges is a language model or a part of feedback.writers, not {model!r}")
    return model


def told_rubric(rubric: Any) -> Rubric | None:
    """The rubric that is the same for all rows."""
    return None if rubric is None else rubric_of(rubric)


def case_of(prompt: Any, answers: tuple[Any, ...], row: Mapping[str, Any], rubric: Rubric | None, reference: str, own_rubric: str) -> Case:
    """The case of a row: with its own rubric, where its column ``own_rubric`` holds one, and with its ``reference``."""
    if reference and reference not in row:
        raise InputError(f"reference: the rows have no column {reference!r} (columns: {', '.join(sorted(row)) or 'none'})")
    own = row.get(own_rubric)
    told = rubric if own is None else rubric_of(own, f"the column {own_rubric}")
    right = row.get(reference) if reference else None
    return Case(prompt, answers, None if right is None else str(right), told)


class Asking:
    """What all have in common who ask a model by a rubric: fields ``model`` and ``rubric``, made ready at the first use, once in a process, and no part of what is pickled."""

    model: Any
    rubric: Any

    @cached_property
    def _told(self) -> Rubric | None:
        return told_rubric(self.rubric)

    @cached_property
    def _writer(self) -> Writer:
        return writer_of(self.model)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if not name.startswith("_")}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.__dict__.update(state)
