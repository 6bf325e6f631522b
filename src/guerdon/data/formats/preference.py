"""Preference: two answers to one prompt, of which one was preferred.

    {prompt, chosen, rejected} -> sides chosen and rejected with the very same context
    {chosen, rejected}         -> the same; the prompt is what both begin with

Where ``chosen`` and ``rejected`` repeat the prompt's messages, they are taken off.

Source: the preference type of TRL's dataset formats, explicit and implicit.
Differs from PromptCompletion: two sides that are compared, not one that is imitated.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guerdon.data.formats._columns import answer, numbers, shown
from guerdon.data.formats._toy import codes, toy
from guerdon.data.formats.prompt_completion import PromptCompletion
from guerdon.errors import InputError
from guerdon.sequences import Example, Side
from guerdon.tasks.encoding import Encoder, NothingLeft, Text, is_conversational, template_variables
from guerdon.witness import Witness


@dataclass(frozen=True)
class Preference:
    def __call__(self, row: Mapping[str, Any], encode: Encoder) -> Example:
        prompt, chosen, rejected = split(row)
        sides = encode.encode_sides(prompt, chosen, rejected, **template_variables(row))
        if sides[0] == sides[1]:
            raise NothingLeft(
                "chosen and rejected are the same tokens, as they are written or cut, so nothing was preferred; drop the row, or leave it more room"
            )
        return Example(dict(zip(("chosen", "rejected"), sides, strict=True)), numbers(row))


def split(row: Mapping[str, Any]) -> tuple[Text, Text, Text]:
    """Prompt, chosen and rejected of a row with or without a prompt of its own."""
    chosen, rejected, prompt = answer(row, "chosen"), answer(row, "rejected"), row.get("prompt")
    if chosen == rejected:
        raise InputError("chosen and rejected are the same, so nothing was preferred; drop the row")
    if prompt is None and "prompt" in row and isinstance(chosen, str) and isinstance(rejected, str):
        raise InputError(  # what two texts begin with need not be what was asked
            "column 'prompt' has nothing in it; fill it in or drop the row (leave the column out where chosen and rejected begin with the prompt)"
        )
    if prompt is None or (isinstance(prompt, str) and is_conversational(chosen) and is_conversational(rejected)):
        return extract_prompt(chosen, rejected)
    if is_conversational(prompt):
        chosen, rejected = (_without(prompt, side) for side in (chosen, rejected))
    return prompt, chosen, rejected


def extract_prompt(chosen: Text, rejected: Text) -> tuple[Text, Text, Text]:
    """The prompt that two answers share, and what is left of each.

    Of messages: those that are equal from the first on. Of strings: the longest common beginning that cuts no word in two, without its
    last space, which most tokenizers write as part of the next word.
    """
    for name, side in (("chosen", chosen), ("rejected", rejected)):
        if isinstance(side, Mapping) or not isinstance(side, str | Sequence):
            raise InputError(f"column {name!r} holds {shown(side)}, where a text or a list of messages is expected; mend or drop the row")
    if isinstance(chosen, str) != isinstance(rejected, str):
        raise InputError("one of chosen and rejected is a string and the other a list of messages; make them alike")
    shorter = min(len(chosen), len(rejected))
    cut = next((i for i in range(shorter) if chosen[i] != rejected[i]), shorter)
    if isinstance(chosen, str):
        while cut and chosen[cut - 1].isalnum() and any(side[cut : cut + 1].isalnum() for side in (chosen, rejected)):
            cut -= 1
        cut -= chosen[cut - 1 : cut] == " "
    if not cut or (cut == shorter and not isinstance(chosen, str)):
        raise InputError("chosen and rejected share no prompt that both go on from; write it into a column 'prompt'")
    return chosen[:cut], chosen[cut:], rejected[cut:]


def _without(prompt: Sequence[Mapping[str, Any]], side: Text) -> Text:
    repeats = is_conversational(side) and len(side) > len(prompt) and list(side[: len(prompt)]) == list(prompt)
    return side[len(prompt) :] if repeats else side


_user = [{"role": "user", "content": "2"}]
_good, _bad = ({"role": "assistant", "content": c} for c in "45")
_sides = {"chosen": Side(codes("U2.A"), codes("4."), (True, True)), "rejected": Side(codes("U2.A"), codes("5."), (True, True))}
witness = (
    Witness(
        Preference(),
        parent=PromptCompletion(),
        given={"row": {"prompt": "2+2=", "chosen": "4", "rejected": "22", "margin": 2}, "encode": toy()},
        returns=Example(
            {"chosen": Side(codes("2+2="), codes("4."), (True, True)), "rejected": Side(codes("2+2="), codes("22."), (True, True, True))},
            {"margin": 2.0},
        ),
    ),
    Witness(
        Preference(),
        parent=PromptCompletion(),
        given={"row": {"chosen": [*_user, _good], "rejected": [*_user, _bad]}, "encode": toy()},
        returns=Example(_sides),
    ),
)
