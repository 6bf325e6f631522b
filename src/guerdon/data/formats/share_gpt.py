"""ShareGPT: a conversation as ``{conversations: [{from, value}, ...]}``, learned like messages.

    from: system; human, user; gpt, assistant, chatgpt, model, function_call; tool, observation, function_response

Source: the shape in which the ShareGPT collection is published and which TRL (``maybe_convert_to_chatml``) and LLaMA-Factory read.
Differs from LanguageModelling: the names of columns and roles.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guerdon.catalogue import unknown
from guerdon.data.formats._columns import column, shown
from guerdon.data.formats._toy import codes, toy
from guerdon.data.formats.language_modelling import LanguageModelling
from guerdon.errors import InputError
from guerdon.sequences import Example, Side
from guerdon.tasks.encoding import Encoder
from guerdon.tasks.messages import read_messages
from guerdon.witness import Witness

ROLES = {
    "system": "system",
    **dict.fromkeys(("human", "user"), "user"),
    **dict.fromkeys(("gpt", "assistant", "chatgpt", "model", "function_call"), "assistant"),
    **dict.fromkeys(("tool", "observation", "function_response"), "tool"),
}


@dataclass(frozen=True)
class ShareGPT:
    def __call__(self, row: Mapping[str, Any], encode: Encoder) -> Example:
        return LanguageModelling()(as_messages(row), encode)

    def by_turn(self, row: Mapping[str, Any]) -> list[dict[str, Any]]:
        """A row for each of the assistant's turns."""
        return LanguageModelling().by_turn(as_messages(row))


def as_messages(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row with ``messages``; a column ``system`` is what the system says first."""
    turns = messages(read_messages(column(row, "conversations"), "conversations"))
    system = row.get("system")
    if isinstance(system, str) and system and turns and turns[0]["role"] != "system":
        turns = [{"role": "system", "content": system}, *turns]
    return {**{k: v for k, v in row.items() if k not in ("conversations", "system")}, "messages": turns}


def messages(conversations: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """ShareGPT's turns as ``[{role, content}, ...]``."""
    turns = []
    if isinstance(conversations, str | Mapping) or not isinstance(conversations, Sequence):
        raise InputError(f"column 'conversations' holds {shown(conversations)}, where a list of turns is expected")
    for turn in conversations:
        if not isinstance(turn, Mapping):
            raise InputError(f"a turn of conversations has 'from' and 'value', and this one is {shown(turn)}")
        if "from" not in turn or "value" not in turn:
            raise InputError(f"a turn of conversations needs 'from' and 'value', and this one has {', '.join(map(repr, turn))}")
        if not isinstance(turn["from"], str) or turn["from"] not in ROLES:
            raise InputError(f"{unknown('speaker', str(turn['from']), list(ROLES))}")
        more = {k: v for k, v in turn.items() if k not in ("from", "value")}
        turns.append({**more, "role": ROLES[turn["from"]], "content": turn["value"]})
    return turns


witness = Witness(
    ShareGPT(),
    parent=LanguageModelling(),
    given={"row": {"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]}, "encode": toy()},
    returns=Example({"": Side(codes("Ua.A"), codes("b."), (True, True))}),
)
