"""ShareGPT: a conversation as ``{conversations: [{from, value}, ...]}``, learned like messages.

    from: system; human, user; gpt, assistant, chatgpt, model, function_call; tool, observation, function_response

Source: the shape in which the ShareGPT collection is published and which TRL (``maybe_convert_to_chatml``) and LLaMA-Factory read.
Differs from LanguageModelling: the names of columns and roles.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guerdon.catalogue import unknown
from guerdon.data.formats._columns import column
from guerdon.data.formats._toy import codes, toy
from guerdon.data.formats.language_modelling import LanguageModelling
from guerdon.errors import InputError
from guerdon.sequences import Example, Side
from guerdon.tasks.encoding import Encoder
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
        rest = {k: v for k, v in row.items() if k != "conversations"}
        return LanguageModelling()({**rest, "messages": messages(column(row, "conversations"))}, encode)


def messages(conversations: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """ShareGPT's turns as ``[{role, content}, ...]``."""
    turns = []
    for turn in conversations:
        if "from" not in turn or "value" not in turn:
            raise InputError(f"a turn of conversations needs 'from' and 'value', and this one has {', '.join(map(repr, turn))}")
        if turn["from"] not in ROLES:
            raise InputError(f"{unknown('speaker', str(turn['from']), list(ROLES))}")
        turns.append({"role": ROLES[turn["from"]], "content": turn["value"]})
    return turns


witness = Witness(
    ShareGPT(),
    parent=LanguageModelling(),
    given={"row": {"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]}, "encode": toy()},
    returns=Example({"": Side(codes("Ua.A"), codes("b."), (True, True))}),
)
