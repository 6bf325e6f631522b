"""Unpaired: one answer and a verdict on it.

    {prompt, completion, label} -> one side, column ``label`` (1 good, 0 bad, or the probability that it is good)

A label may be a flag, a number in [0, 1] or one of the words true, false, yes, no, good, bad.

Source: the unpaired preference type of TRL's dataset formats, made for KTO (arXiv 2402.01306).
Differs from PromptCompletion: the completion is judged, so the label is required, understood and checked.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from guerdon.data.formats._columns import answer, as_float, column, is_number, numbers
from guerdon.data.formats._toy import codes, toy
from guerdon.data.formats.prompt_completion import PromptCompletion
from guerdon.errors import InputError
from guerdon.sequences import Example, Side
from guerdon.tasks.encoding import Encoder, template_variables
from guerdon.witness import Witness

_WORDS = {"true": 1.0, "yes": 1.0, "good": 1.0, "1": 1.0, "false": 0.0, "no": 0.0, "bad": 0.0, "0": 0.0}


@dataclass(frozen=True)
class Unpaired:
    def __call__(self, row: Mapping[str, Any], encode: Encoder) -> Example:
        side = encode.encode_pair(column(row, "prompt"), answer(row, "completion"), **template_variables(row))
        return Example({"": side}, {"label": verdict(column(row, "label")), **numbers(row)})


def verdict(label: Any) -> float:
    """A label as the probability that what it judges is good."""
    value = _WORDS.get(label.strip().lower()) if isinstance(label, str) else as_float(label) if is_number(label) else None
    if value is None or not 0 <= value <= 1:
        raise InputError(f"label {label!r} is no verdict; write true or false, or a probability between 0 and 1")
    return value


witness = Witness(
    Unpaired(),
    parent=PromptCompletion(),
    given={"row": {"prompt": "2+2=", "completion": "5", "label": False}, "encode": toy()},
    returns=Example({"": Side(codes("2+2="), codes("5."), (True, True))}, {"label": 0.0}),
)
