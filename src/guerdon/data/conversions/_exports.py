"""What people said of rows in a labelling tool, read out of the tool's export: Label Studio's JSON, and Argilla's records in each form that they are exported in.

    Label Studio    {data: {...}, annotations: [{completed_by, was_cancelled, result: [{type, from_name, to_name, value}]}]}
    Argilla 2       {fields: {...}, responses: {question: [{value, user_id, status}]}, suggestions: {question: {value, agent}}}
                    or flat: a column for each field, and "question.responses", "question.responses.users", "question.responses.status", "question.suggestion"
    Argilla 1       {fields: {...}, responses: [{user_id, status, values: {question: {value}}}]}
                    or as a dataset: a column for each field, and a column for each question: [{user_id, value, status}] (or the same as lists by name)

A judgement is of one kind, whatever tool it comes from: ``pairs`` (one of two answers), ``rankings``, ``ratings`` (numbers), ``choices`` (a word), ``spans``.

Source: the documents of both tools on their exports; Argilla's ``records/_io`` and ``Record.to_dict``.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]

PROMPTS = ("prompt", "instruction", "question", "query", "problem", "input", "context", "chat", "conversation")
_ANSWER = re.compile(r"(?:response|completion|answer|output|text|candidate|reply|generation|summary)s?[-_ ]?([0-9]*|[a-dA-D])", re.I)
_OF_RECORD = ("id", "_server_id", "metadata", "vectors", "suggestions", "responses", "fields", "external_id", "status")


@dataclass(frozen=True)
class Judgement:
    """What one person said to one question.

    Attributes:
        kind: ``pairs``, ``rankings``, ``ratings``, ``choices`` or ``spans``.
        name: the question's.
        of: the names of what is judged, where the tool tells them.
        value: the name of an answer or a word; names in order, the best first, or {bucket: names}; a number; a word; [{start, end, label}].
        annotator: who said it.
        given: whether it counts: it was submitted and not cancelled.
    """

    kind: str
    name: str
    of: tuple[str, ...]
    value: Any
    annotator: Any
    given: bool = True


@dataclass(frozen=True)
class Labelled:
    """What was shown, what was said of it, and the columns that go on."""

    fields: Row
    judgements: list[Judgement]
    rest: dict[str, Any]


def kinds(row: Row) -> set[str]:
    """The kinds of judgement that a row of an export holds; none where it is no such row."""
    try:
        found = labelled(row)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):  # it has the columns of an export and not their form
        return set()
    return {judgement.kind for judgement in found.judgements} if found else set()


def labelled(row: Row, suggestions: bool = False) -> Labelled | None:
    """A row of an export; None: it is none. ``suggestions``: where nobody responded, what was suggested is taken for what was said."""
    if isinstance(row.get("data"), Mapping) and isinstance(row.get("annotations"), list):
        return _of_label_studio(row)
    if isinstance(row.get("fields"), Mapping) and isinstance(row.get("responses"), list | Mapping):
        return _of_argilla(row["fields"], _nested(row), row, suggestions)
    said = _flat(row)
    return _of_argilla(_fields_of(row), said, row, suggestions) if said else None


# Label Studio


def _of_label_studio(row: Row) -> Labelled:
    said: list[Judgement] = []
    for annotation in row["annotations"]:
        who = annotation.get("completed_by")
        who = who.get("email", who.get("id")) if isinstance(who, Mapping) else who
        spans: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for result in annotation.get("result") or []:
            name, of, value = result.get("from_name", ""), result.get("to_name", ""), result.get("value") or {}
            if "start" in value and isinstance(value.get(result.get("type")), list):
                label = value[result["type"]]
                spans.setdefault((name, of), []).append(
                    {"start": value["start"], "end": value["end"], "label": label[0] if label else None}
                )
            elif judged := _result(value):
                said.append(Judgement(judged[0], name, tuple(of.split(",")), judged[1], who, not annotation.get("was_cancelled")))
        for (name, of), found in spans.items():
            said.append(Judgement("spans", name, (of,), found, who, not annotation.get("was_cancelled")))
    rest = {"id": row["id"]} if "id" in row else {}
    return Labelled(row["data"], said, rest)


def _result(value: Row) -> tuple[str, Any] | None:
    if "selected" in value:
        return "pairs", value["selected"]
    if "ranker" in value:
        return "rankings", value["ranker"]
    for name in ("rating", "number"):
        if name in value:
            return "ratings", value[name]
    if "choices" in value:
        chosen = value["choices"]
        return "choices", chosen[0] if isinstance(chosen, list) and len(chosen) == 1 else chosen
    return None


# Argilla


def _nested(row: Row) -> dict[str, list[tuple[Any, Any, Any]]]:
    """By question: value, who, status."""
    if isinstance(row["responses"], Mapping):
        return {
            q: [(r.get("value"), r.get("user_id"), r.get("status", "submitted")) for r in given or []]
            for q, given in row["responses"].items()
        }
    said: dict[str, list[tuple[Any, Any, Any]]] = {}
    for response in row["responses"]:
        for q, value in (response.get("values") or {}).items():
            value = value.get("value") if isinstance(value, Mapping) and "value" in value else value
            said.setdefault(q, []).append((value, response.get("user_id"), response.get("status", "submitted")))
    return said


def _flat(row: Row) -> dict[str, list[tuple[Any, Any, Any]]]:
    said: dict[str, list[tuple[Any, Any, Any]]] = {}
    for name, value in row.items():
        name = str(name)
        if name.endswith(".responses"):
            who, status = row.get(f"{name}.users") or [], row.get(f"{name}.status") or []
            given = value or []
            said[name.removesuffix(".responses")] = [
                (one, who[i] if i < len(who) else None, status[i] if i < len(status) and status[i] else "submitted")
                for i, one in enumerate(given)
            ]
        elif isinstance(value, Mapping) and {"user_id", "value", "status"} <= set(value):  # a list of structs, as Arrow may give it
            if all(isinstance(value[part], list) for part in ("user_id", "value", "status")):
                said[name] = list(zip(value["value"], value["user_id"], value["status"], strict=False))
        elif isinstance(value, list) and value and all(isinstance(one, Mapping) and {"user_id", "value"} <= set(one) for one in value):
            said[name] = [(one["value"], one["user_id"], one.get("status", "submitted")) for one in value]
    return said


def _fields_of(row: Row) -> dict[str, Any]:
    said = _flat(row)
    return {
        name: value
        for name, value in row.items()
        if name not in said and name not in _OF_RECORD and "." not in str(name) and "-suggestion" not in str(name) and value is not None
    }


def _suggested(row: Row) -> dict[str, tuple[Any, Any]]:
    """By question: value, and whose."""
    held = row.get("suggestions")
    if isinstance(held, Mapping):
        return {q: (s.get("value"), s.get("agent")) for q, s in held.items() if isinstance(s, Mapping)}
    if isinstance(held, list):
        return {s["question_name"]: (s.get("value"), s.get("agent")) for s in held if "question_name" in s}
    ends = (".suggestion", "-suggestion")
    return {
        str(name).removesuffix(end): (value, row.get(f"{name}.agent"))
        for end in ends
        for name, value in row.items()
        if str(name).endswith(end) and value is not None
    }


def _of_argilla(fields: Row, said: Mapping[str, Sequence[tuple[Any, Any, Any]]], row: Row, suggestions: bool) -> Labelled:
    judgements: list[Judgement] = []
    for q, given in said.items():
        for value, who, status in given:
            if value is not None and (judged := _judged(value, fields)):
                judgements.append(Judgement(judged[0], q, (), judged[1], who, status in (None, "submitted")))
    if suggestions and not any(judgement.given for judgement in judgements):
        for q, (value, whose) in _suggested(row).items():
            if value is not None and (judged := _judged(value, fields)):
                judgements.append(Judgement(judged[0], q, (), judged[1], whose or "suggestion"))
    more = row.get("metadata")
    rest = {"id": row["id"]} if row.get("id") is not None else {}
    return Labelled(fields, judgements, {**rest, **(more if isinstance(more, Mapping) else {})})


def _judged(value: Any, fields: Row) -> tuple[str, Any] | None:
    """The kind of an answer to a question of Argilla, which does not say it, and the answer in the form of its kind."""
    if isinstance(value, bool):
        return "choices", str(value)
    if isinstance(value, int | float):
        return "ratings", value
    if isinstance(value, str):
        return ("pairs" if len(answers(fields)) == 2 and named(value, fields) else "choices"), value
    if isinstance(value, Mapping) and {"rank", "value"} <= set(value):
        value = [{"rank": rank, "value": name} for rank, name in zip(value["rank"], value["value"], strict=True)]
    if not isinstance(value, list) or not value:
        return None
    if all(isinstance(one, Mapping) and "rank" in one for one in value):
        return "rankings", {one["value"]: one["rank"] for one in value}
    if all(isinstance(one, Mapping) and {"start", "end"} <= set(one) for one in value):
        return "spans", [{name: one.get(name) for name in ("start", "end", "label")} for one in value]
    if len(value) > 1 and all(isinstance(one, str) and one in fields for one in value):
        return "rankings", list(value)
    return ("choices", value[0] if len(value) == 1 else value) if all(isinstance(one, str) for one in value) else None


# What was shown


def answers(fields: Row) -> dict[str, Any]:
    """The fields that hold answers, by their names, in their order."""
    held = {name: value for name, value in fields.items() if isinstance(value, str | list) and value}
    found = {name: value for name, value in held.items() if _ANSWER.fullmatch(str(name)) and str(name) != prompt_of(fields)}
    marked = {name: value for name, value in found.items() if _mark(name)}
    return marked if len(marked) > 1 else found


def prompt_of(fields: Row) -> str | None:
    """The field that holds what was asked."""
    return next((name for name in PROMPTS if fields.get(name)), None)


def named(word: str, fields: Row) -> str | None:
    """The answer that a word names: by its field, or by what tells the fields from one another (A, 1)."""
    plain = _plain(word)
    for name in answers(fields):
        if plain == _plain(name) or (_mark(name) and plain == _mark(name).lower()):
            return name
    return None


def counterpart(name: str, fields: Row) -> str | None:
    """The answer whose field ends in the same letter or number as a name (``rating_2`` and ``response_2``), or the only one."""
    if name in fields:
        return name
    found = list(answers(fields))
    if len(found) == 1:
        return found[0]
    end = re.search(r"(?:[-_ ]([a-dA-D])|([0-9]+))$", name)
    mark = (end[1] or end[2]).lower() if end else None
    return next((one for one in found if mark and _mark(one).lower() == mark), None)


def others(fields: Row, *used: str | None) -> dict[str, Any]:
    """Further fields, which go on as columns."""
    return {name: value for name, value in fields.items() if name not in used and not isinstance(value, list | Mapping)}


def _mark(name: Any) -> str:
    found = _ANSWER.fullmatch(str(name))
    return found[1] if found else ""


def _plain(text: str) -> str:
    return re.sub(r"[^0-9a-z]", "", text.lower())
