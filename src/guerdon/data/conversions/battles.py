"""Battles: two models' answers to one person, of which that person preferred one, as a pair.

    {model_a, model_b, winner, conversation_a, conversation_b}                                   winner: model_a, model_b, tie, tie (bothbad), both_bad
    {model_a, model_b, prompt, response_a, response_b, winner_model_a, winner_model_b, ...}      lists of turns as JSON text
    -> {prompt: the first turns, which both have; chosen, rejected: all that follows; chosen_model, rejected_model, annotator: judge}

What follows is more than one answer where the person went on: the two conversations are then compared as wholes, with the turns of the person in them.

Left out: ties and "both bad", each counted by itself, turns with pictures, conversations that are the same or do not end with an answer.

Source: the Chatbot Arena's published battles, arXiv 2306.05685 and 2403.04132: ``chatbot_arena_conversations`` (33k), ``arena-human-preference-100k`` and ``-140k``
(contents in parts), and the form of the competition (55k).
Differs from Transcripts: messages, not text with speakers in it, and a winner to be read.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from guerdon.data.conversions._converted import Converted, LeftOut, each, needed, without
from guerdon.data.conversions.transcripts import Transcripts
from guerdon.tasks.messages import read_messages
from guerdon.witness import Witness

_USED = ("conversation_a", "conversation_b", "full_conversation", "conv_metadata", "response_a", "response_b", "prompt", "winner", "judge")
_WAYS = ("winner_model_a", "winner_model_b", "winner_tie")


@dataclass(frozen=True)
class Battles:
    reads: ClassVar[str] = "battles"
    gives: ClassVar[str] = "pairs"

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> Converted:
        return each(rows, _pair)


def _pair(row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    better = _winner(row)
    talks = {side: _talk(row, side) for side in "ab"}
    for talk in talks.values():
        if len(talk) < 2 or talk[-1]["role"] != "assistant":
            raise LeftOut("a conversation does not end with an answer")
    asked = next((i for i, (one, other) in enumerate(zip(*talks.values(), strict=False)) if one != other or one["role"] == "assistant"), 0)
    if not asked:
        raise LeftOut("the conversations share no first turn")
    chosen, rejected = (talks[side][asked:] for side in (better, "ba"[better == "b"]))
    if chosen == rejected:
        raise LeftOut("both answers are the same")
    models = {"chosen_model": row.get(f"model_{better}"), "rejected_model": row.get(f"model_{'ba'[better == 'b']}")}
    who = {"annotator": row["judge"]} if row.get("judge") is not None else {}
    rest = without(row, "model_a", "model_b", *_USED, *_WAYS)
    yield {"prompt": talks["a"][:asked], "chosen": chosen, "rejected": rejected, **models, **who, **rest}


def _winner(row: Mapping[str, Any]) -> str:
    if "winner" in row:
        said = str(needed(row, "winner")).strip().lower()
        ends = {
            "model_a": "a",
            "model_b": "b",
            "a": "a",
            "b": "b",
            str(row.get("model_a")).lower(): "a",
            str(row.get("model_b")).lower(): "b",
        }
        if said in ends:
            return ends[said]
        if "bad" in said:
            raise LeftOut("both are bad")
        raise LeftOut("a tie" if "tie" in said or "both" in said else f"the winner is {said!r}, which is neither of the two")
    won = {side: float(row[f"winner_model_{side}"]) > 0.5 for side in "ab"}
    if won["a"] == won["b"]:
        raise LeftOut("a tie")
    return "a" if won["a"] else "b"


def _talk(row: Mapping[str, Any], side: str) -> list[dict[str, Any]]:
    if f"conversation_{side}" in row:
        found = read_messages(needed(row, f"conversation_{side}"), f"conversation_{side}")
        return [{"role": message["role"], "content": _text(message["content"])} for message in found]
    asked, said = (_turns(needed(row, name)) for name in ("prompt", f"response_{side}"))
    if len(asked) != len(said) or not all(isinstance(text, str) and text for text in (*asked, *said)):
        raise LeftOut("a turn is missing")
    both = zip(asked, said, strict=True)
    return [{"role": role, "content": text} for pair in both for role, text in zip(("user", "assistant"), pair, strict=True)]


def _turns(value: Any) -> list[Any]:
    if not isinstance(value, str):
        return list(value)
    try:
        found = json.loads(value)
    except json.JSONDecodeError:
        return [value]
    return found if isinstance(found, list) else [value]


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    if any(part.get("type", "text") != "text" or part.get("image") for part in content):
        raise LeftOut("a turn holds a picture")
    return "".join(part["text"] for part in content)


_asks, _says = ([{"role": role, "content": text}] for role, text in (("user", "p"), ("assistant", "a")))
_other = [{"role": "assistant", "content": [{"type": "text", "text": "b", "image": None}]}]
_row = {
    "model_a": "m",
    "model_b": "n",
    "conversation_a": [*_asks, *_says],
    "conversation_b": [*_asks, *_other],
    "judge": "j",
    "language": "English",
}
_both = {"chosen": [{"role": "assistant", "content": "b"}], "rejected": _says, "chosen_model": "n", "rejected_model": "m"}
witness = Witness(
    Battles(),
    parent=Transcripts(),
    given={"rows": [{**_row, "winner": winner} for winner in ("model_b", "tie", "tie (bothbad)", "both_bad")]},
    returns={"rows": [{"prompt": _asks, **_both, "annotator": "j", "language": "English"}], "left_out": {"a tie": 1, "both are bad": 2}},
)
