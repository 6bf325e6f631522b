"""Spans: stretches of an answer that are good or bad.

    {"spans": [{"start": 4, "end": 9, "label": "bad"}]}  →  {prompt, completion, spans}, in characters of the answer, the end not included

They are marked word by word, and most votes decide on a word. Alpha is of words: good, bad or neither. Annotators agree where of the words that either marks at most half are
marked otherwise by the other.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from guerdon.errors import InputError
from guerdon.interfaces.labelling.kinds._shared import Shared, field, short
from guerdon.interfaces.labelling.reading import Item, Row, plain, single, turns

LABELS = ("good", "bad")
_PIECE = re.compile(r"\s+|\S+")


@dataclass(frozen=True)
class Spans(Shared):
    tolerance: ClassVar[float] = 0.5

    def __call__(self, row: Row) -> Item:
        item = single(row)
        parts = tuple(_PIECE.findall(plain(item.answers[0])))
        if not any(part.strip() for part in parts):
            raise InputError("the answer has no word; drop the row")
        return replace(item, parts=parts)

    def known(self, row: Row, item: Item) -> dict[str, Any]:
        spans = row.get("spans")
        if not isinstance(spans, list) or not all(isinstance(s, dict) and {"start", "end", "label"} <= set(s) for s in spans):
            raise InputError("the row knows no answer: give it spans, a list of tables with start, end and label (good or bad)")
        if any(s["label"] not in LABELS or type(s["start"]) is not int or type(s["end"]) is not int for s in spans):
            raise InputError("a span of the row has a start and an end that are whole numbers, and a label that is good or bad")
        return {"spans": [{name: s[name] for name in ("start", "end", "label")} for s in spans]}

    def shown(self, item: Item, order: Sequence[int]) -> dict[str, Any]:
        return {"prompt": [] if item.prompt is None else turns(item.prompt), "answers": [], "pieces": list(item.parts)}

    def read(self, given: Any, item: Item, order: Sequence[int]) -> dict[str, Any]:
        spans, end = [], -1
        begins = _begins(item.parts)
        found = field(given, "spans")
        if not isinstance(found, list):
            raise InputError(f"spans are a list, not {short(found)}")
        for span in sorted(found, key=lambda s: s.get("first", 0) if isinstance(s, dict) and type(s.get("first")) is int else 0):
            first, last, label = (span.get(name) if isinstance(span, dict) else None for name in ("first", "last", "label"))
            if type(first) is not int or type(last) is not int or label not in LABELS or not 0 <= first <= last < len(item.parts):
                raise InputError(f"a span has a first and a last word of the answer, and is good or bad; this is {short(span)}")
            if first <= end:
                raise InputError("two spans overlap; a word is good or bad, not both")
            end = last
            spans.append({"start": begins[first], "end": begins[last] + len(item.parts[last]), "label": label})
        return {"spans": spans}

    def back(self, answer: Any, item: Item, order: Sequence[int]) -> dict[str, Any]:
        begins = _begins(item.parts)
        found = []
        for span in answer["spans"]:
            inside = [i for i, begin in enumerate(begins) if span["start"] <= begin < span["end"]]
            found += [{"first": inside[0], "last": inside[-1], "label": span["label"]}] if inside else []
        return {"spans": found}

    def units(self, answer: Any, item: Item) -> dict[str, dict[str, float]]:
        words = self._words(answer, item)
        return {"word": {str(i): float(("", *LABELS).index(words.get(i, ""))) for i, part in enumerate(item.parts) if part.strip()}}

    def apart(self, one: Any, other: Any, item: Item) -> float:
        first, second = (self._words(answer, item) for answer in (one, other))
        marked = first.keys() | second.keys()
        return sum(first.get(i) != second.get(i) for i in marked) / len(marked) if marked else 0.0

    def merged(self, answers: Sequence[Any], item: Item, soft: bool) -> dict[str, Any]:
        votes = [self._words(answer, item) for answer in answers]
        begins, spans, before = _begins(item.parts), [], ""
        for i, part in enumerate(item.parts):
            if not part.strip():
                continue
            label, count = Counter(vote.get(i, "") for vote in votes).most_common(1)[0]
            label = label if 2 * count > len(votes) else ""
            if label and label == before:
                spans[-1]["end"] = begins[i] + len(part)
            elif label:
                spans.append({"start": begins[i], "end": begins[i] + len(part), "label": label})
            before = label
        return item.asked | {"completion": item.answers[0], "spans": spans}

    def said(self, answer: Any) -> str:
        return ", ".join(f"{s['label']} {s['start']}-{s['end']}" for s in answer["spans"]) or "nothing marked"

    @staticmethod
    def _words(answer: Any, item: Item) -> dict[int, str]:
        found = {}
        for i, (begin, part) in enumerate(zip(_begins(item.parts), item.parts, strict=True)):
            label = next((s["label"] for s in answer["spans"] if s["start"] < begin + len(part) and begin < s["end"]), "")
            if label and part.strip():
                found[i] = label
        return found


def _begins(parts: Sequence[str]) -> list[int]:
    begins, at = [], 0
    for part in parts:
        begins.append(at)
        at += len(part)
    return begins
