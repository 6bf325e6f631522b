"""ShareGPT turns: conversations of ``from`` and ``value`` as messages of ``role`` and ``content``.

    {conversations: [{from, value}, ...], system} -> {messages: [{role, content}, ...]}

A column ``system`` becomes the first message. Left out: conversations without turns, or with a speaker that is not known.

Source: as ``data.formats.share_gpt``, which says who the speakers are.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from guerdon.data.conversions._converted import Converted, each, needed, without
from guerdon.data.conversions.last_turn import LastTurn
from guerdon.data.formats.share_gpt import messages
from guerdon.witness import Witness


@dataclass(frozen=True)
class ShareGPTTurns:
    reads: ClassVar[str] = "share_gpt"
    gives: ClassVar[str] = "messages"

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> Converted:
        return each(rows, _messages)


def _messages(row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    said = messages(needed(row, "conversations"))
    system = row.get("system")
    begin = [{"role": "system", "content": system}] if isinstance(system, str) and system and said[0]["role"] != "system" else []
    yield {"messages": [*begin, *said], **without(row, "conversations", "system")}


_said = [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]
witness = Witness(
    ShareGPTTurns(),
    parent=LastTurn(),
    given={"rows": [{"conversations": _said, "system": "s", "id": 1}, {"conversations": []}]},
    returns={
        "rows": [
            {
                "messages": [
                    {"role": "system", "content": "s"},
                    {"role": "user", "content": "a"},
                    {"role": "assistant", "content": "b"},
                ],
                "id": 1,
            }
        ],
        "left_out": {"nothing in column 'conversations'": 1},
    },
)
