"""Proposing: a writer's answer as items of a rubric."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from guerdon.errors import InputError
from guerdon.feedback.criteria import Drawn
from guerdon.feedback.fencing import NOTICE, fenced, mark_of
from guerdon.feedback.formats._asking import prompt_text
from guerdon.feedback.layouts import shown
from guerdon.feedback.rubric import KINDS, Item, Rubric, rubric_of
from guerdon.feedback.text import final_text
from guerdon.feedback.writers import Question, Writer

SCHEMA = {
    "type": "object",
    "properties": {
        "items": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "text": {"type": "string"},
                    "weight": {"type": "number", "minimum": 1, "maximum": 5},
                    "kind": {"type": "string", "enum": list(KINDS)},
                },
                "required": ["text", "weight", "kind"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["items"],
    "additionalProperties": False,
}
FORM = (
    "Each criterion is one sentence that holds of an answer or does not, and can be checked by somebody who sees only the question and the answer. Its kind is "
    "essential (an answer without it is "
    "worthless), important, optional, or pitfall (a fault that the sentence describes); its weight is a number from 1 to 5. Reply with a JSON object and nothing else: "
    '{"items": [{"text": "...", "weight": 3, "kind": "important"}, ...]}.'
)


def proposed(writer: Writer, told: Sequence[tuple[Mapping[str, str], str]], max_tokens: int, seed: int) -> list[Drawn]:
    """The rubrics that a writer proposes. ``told``: for each row the texts that it is shown, by name, and what is asked of it."""
    questions = []
    for texts, asks in told:
        mark = mark_of(seed, list(texts.values()))
        system = f"You write criteria by which answers to a question are judged. {NOTICE.format(mark=mark)}"
        user = "\n\n".join([*(fenced(name, text, mark) for name, text in texts.items()), f"{asks} {FORM}"])
        messages = ({"role": "system", "content": system}, {"role": "user", "content": user})
        questions.append(Question(messages, max_tokens=max_tokens, seed=seed, schema=SCHEMA))
    return [Drawn(None, why=answer.why) if answer.why else drawn_of(answer.text) for answer in writer(questions)]


def drawn_of(text: str) -> Drawn:
    """The rubric that a writer's text holds; items that are none, and repetitions, are left out."""
    start, found = text.find("{"), None
    while start >= 0 and found is None:
        try:
            value, _ = json.JSONDecoder().raw_decode(text, start)
            found = value if isinstance(value, dict) and isinstance(value.get("items"), list) else None
        except (ValueError, RecursionError):
            pass
        start = text.find("{", start + 1)
    if found is None:
        return Drawn(None, why=f"the writer's answer holds no JSON object with items: {shown(text)}")
    items: dict[str, Item] = {}
    for one in found["items"]:
        try:
            (item,) = rubric_of([one, "x"]).items[:1]
        except InputError:
            continue
        items.setdefault(" ".join(item.text.lower().split()), item)
    try:
        return Drawn(Rubric(tuple(items.values())), len(found["items"]))
    except InputError as error:
        return Drawn(None, len(found["items"]), str(error))


def texts_of(row: Mapping[str, Any], columns: Sequence[str]) -> dict[str, str]:
    """The texts of a row, by the names under which they are shown.

    Raises:
        InputError: it has no such column.
    """
    for column in ("prompt", *columns):
        if row.get(column) is None:
            raise InputError(
                f"the rows need the columns prompt, {', '.join(columns)}, and one has no {column!r} (columns: {', '.join(row)})"
            )
    return {"question": prompt_text(row["prompt"])} | {column: final_text(row[column]) for column in columns}
