"""Asking once: a format's questions go to the writer, and its answers become verdicts."""

from collections.abc import Sequence
from typing import Any, Protocol

from guerdon.errors import InputError
from guerdon.feedback.deliberation import Deliberation
from guerdon.feedback.fencing import NOTICE, fenced, mark_of
from guerdon.feedback.formats import Case, Verdict
from guerdon.feedback.layouts import Unread
from guerdon.feedback.text import answer_text
from guerdon.feedback.writers import Answer, Message, Question, Writer, question_text


class Once(Protocol):
    """A format that asks once."""

    takes: int | None

    def question(self, case: Case, seed: int = 0) -> Question: ...

    def read(self, answer: Answer, case: Case) -> Any: ...


def asked(form: Once, writer: Writer, cases: Sequence[Case], seed: int) -> list[Verdict]:
    """The verdict on each case. Cases that are asked about in the same words are asked about once."""
    for case in cases:
        fits(form, case)
    questions = [form.question(case, seed) for case in cases]
    distinct: dict[str, int] = {}
    which = [distinct.setdefault(question_text(question), len(distinct)) for question in questions]
    first = [which.index(i) for i in range(len(distinct))]
    answers = writer([questions[i] for i in first]) if first else []
    return [_verdict(form, answers[i], case, first[i] == place) for place, (case, i) in enumerate(zip(cases, which, strict=True))]


def fits(form: Any, case: Case) -> None:
    """See that a case has as many answers as the format takes.

    Raises:
        InputError: it has not.
    """
    if form.takes is not None and len(case.answers) != form.takes:
        said = {1: "one answer", 2: "two answers"}[form.takes]
        raise InputError(f"the format {type(form).__name__} judges {said} at a time, and is given {len(case.answers)}; take another format")


def _verdict(form: Once, answer: Answer, case: Case, paid: bool) -> Verdict:
    tokens = {"read": answer.read, "written": answer.written} if paid else {}
    if answer.why:
        return Verdict(None, answer.text, answer.why, **tokens)
    found = form.read(answer, case)
    if isinstance(found, Unread):
        cut = "" if answer.ended else f"it was cut off after {answer.written} tokens; "
        return Verdict(None, answer.text, cut + found.why, **tokens)
    return Verdict(found, answer.text, **tokens)


def conversation(case: Case, ends: str, seed: int, names: Sequence[str]) -> tuple[Message, ...]:
    """What the judge is told: who it is, what is data, the case, and what is asked of it.

    Args:
        ends: what is asked in the end.
        names: what the answers are called.
    """
    question, answers = prompt_text(case.prompt), [answer_text(answer, case.prompt) for answer in case.answers]
    reference = [] if case.reference is None else [case.reference]
    mark = mark_of(seed, [question, *reference, *answers])
    told = [fenced("question", question, mark), *(fenced("reference", text, mark) for text in reference)]
    if case.rubric is not None:
        told.append(f"What counts:\n{case.rubric}")
    told += [fenced(name, text, mark) for name, text in zip(names, answers, strict=True)]
    what = "answers" if len(answers) > 1 else "an answer"
    compared = " The reference is an answer that is known to be right." if reference else ""
    system = f"You judge {what} to a question, strictly and fairly.{compared} {NOTICE.format(mark=mark)}"
    return {"role": "system", "content": system}, {"role": "user", "content": "\n\n".join([*told, ends])}


def prompt_text(prompt: Any) -> str:
    """What was asked, as one text: that of the only message, or every message under its role."""
    if isinstance(prompt, str):
        return prompt
    said = [(str(message.get("role", "user")), str(message.get("content") or "")) for message in prompt]
    return said[0][1] if len(said) == 1 else "\n\n".join(f"{role}: {text}" for role, text in said)


def room(before: Deliberation | None, form: int = 16) -> int:
    """Tokens for an answer: those of the verdict itself, ``form``, and of what comes before."""
    return form + (before.max_tokens if before is not None else 0)


def chosen(answer: Answer, words: Sequence[str]) -> int | None:
    """Which of the words was written, where only that is known."""
    first = answer.text.strip().split(None, 1)
    said = first[0].strip(".,:;!*\"'()[]") if first else ""
    return words.index(said) if said in words else None


def within(value: Any, low: float, high: float) -> float | Unread:
    """A number that was written, which may be out of ``high`` ("7/10")."""
    text = str(value).strip()
    text = text.removesuffix(f"/{high:g}").strip()
    try:
        number = float(text) if not isinstance(value, bool) else float("nan")
    except ValueError:
        number = float("nan")
    if not low <= number <= high:
        return Unread(f"its verdict is {str(value)[:40]!r}, and a number from {low:g} to {high:g} is asked for")
    return number


def listed(value: Any, count: int) -> list[Any] | Unread:
    """A list that was written as such or with commas."""
    items = list(value) if isinstance(value, list | tuple) else [item.strip() for item in str(value).split(",") if item.strip()]
    return items if len(items) == count else Unread(f"its verdict is a list of {len(items)}, and there are {count} answers")
