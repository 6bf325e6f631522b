r"""Transcripts: two dialogues in one string each, of which the preferred goes another way in its last answer, as a conversational pair.

    {chosen, rejected: "\n\nHuman: ... \n\nAssistant: ..."} -> {prompt: messages both begin with, chosen: [assistant turn], rejected: [assistant turn]}

Left out: strings that are no such dialogue or do not end with the assistant, pairs that differ before the last answer, equal and empty answers.

Source: the form of Anthropic's hh-rlhf, arXiv 2204.05862.
Differs from Unpair: what is read is text with the speakers in it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from guerdon.data.conversions._converted import Converted, LeftOut, each, needed, without
from guerdon.data.conversions.unpair import Unpair
from guerdon.witness import Witness

_SPEAKER = re.compile(r"(?:\A\s*|\n\n)(Human|Assistant):")
_ROLES = {"Human": "user", "Assistant": "assistant"}


@dataclass(frozen=True)
class Transcripts:
    reads: ClassVar[str] = "transcripts"
    gives: ClassVar[str] = "pairs"

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> Converted:
        return each(rows, _pair)


def turns(text: str) -> list[dict[str, str]]:
    """The messages of a dialogue; two turns of one speaker after the other are one."""
    begin, *pieces = _SPEAKER.split(text)
    if begin.strip() or not pieces:
        raise LeftOut("no dialogue of Human: and Assistant:")
    messages: list[dict[str, str]] = []
    for speaker, said in zip(pieces[::2], pieces[1::2], strict=True):
        if messages and messages[-1]["role"] == _ROLES[speaker]:
            messages[-1]["content"] += "\n\n" + said.strip()
        else:
            messages.append({"role": _ROLES[speaker], "content": said.strip()})
    return messages


def _pair(row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    chosen, rejected = (turns(needed(row, side)) for side in ("chosen", "rejected"))
    if any(side[-1]["role"] != "assistant" for side in (chosen, rejected)):
        raise LeftOut("the dialogue does not end with the assistant")
    if chosen[:-1] != rejected[:-1]:
        raise LeftOut("the dialogues differ before their last answer")
    if not chosen[:-1]:
        raise LeftOut("the dialogue has no prompt")
    if chosen[-1] == rejected[-1]:
        raise LeftOut("chosen and rejected are the same")
    if not all(side[-1]["content"] for side in (chosen, rejected)):
        raise LeftOut("an answer is empty")
    yield {"prompt": chosen[:-1], "chosen": chosen[-1:], "rejected": rejected[-1:], **without(row, "prompt", "chosen", "rejected")}


_begin = "\n\nHuman: a\n\nAssistant: b\n\nHuman: c\n\nmore\n\nAssistant: "
_said = [{"role": r, "content": c} for r, c in (("user", "a"), ("assistant", "b"), ("user", "c\n\nmore"))]
witness = Witness(
    Transcripts(),
    parent=Unpair(),
    given={
        "rows": [
            {"chosen": _begin + "d", "rejected": _begin + "e", "n": 1},
            {"chosen": _begin + "d", "rejected": _begin + "d"},
            {"chosen": _begin + "d", "rejected": _begin.replace("b", "x") + "e"},
            {"chosen": _begin + "d\n\nHuman: f", "rejected": _begin + "e"},
            {"chosen": _begin + "d", "rejected": _begin},
            {"chosen": "d", "rejected": "e"},
        ]
    },
    returns={
        "rows": [
            {
                "prompt": _said,
                "chosen": [{"role": "assistant", "content": "d"}],
                "rejected": [{"role": "assistant", "content": "e"}],
                "n": 1,
            }
        ],
        "left_out": {
            "chosen and rejected are the same": 1,
            "the dialogues differ before their last answer": 1,
            "the dialogue does not end with the assistant": 1,
            "an answer is empty": 1,
            "no dialogue of Human: and Assistant:": 1,
        },
    },
)
