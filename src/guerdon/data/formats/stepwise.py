"""Stepwise: an answer in steps with a verdict on each, to train a process reward.

    {prompt, completions: [step ...], labels: [verdict ...]} -> one side; every step is followed by ``separator``; mask true on the last
    token of each step (its separator's), where ``step_label`` holds the verdict; 0 elsewhere

Source: the stepwise supervision type of TRL's dataset formats and its process reward trainer (labels on the separator, which is a new
line by default); the data of PRM800K, arXiv 2305.20050.
Differs from Unpaired: one verdict per step; the answer is not closed by an end token, since a step is judged before the next is written.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from guerdon.data.formats._columns import column, listed, numbers, shown
from guerdon.data.formats._toy import codes, toy
from guerdon.data.formats.unpaired import Unpaired, verdict
from guerdon.errors import InputError
from guerdon.sequences import Example, Side
from guerdon.tasks.encoding import Encoder, template_variables
from guerdon.witness import Witness


@dataclass(frozen=True)
class Stepwise:
    separator: str = "\n"

    def __call__(self, row: Mapping[str, Any], encode: Encoder) -> Example:
        steps, labels = listed(row, "completions"), listed(row, "labels")
        if not len(steps) or len(steps) != len(labels):
            raise InputError(f"completions and labels must be lists of equal length, and are {len(steps)} long and {len(labels)} long")
        wrong = next((step for step in steps if not isinstance(step, str)), "")
        if wrong != "":
            raise InputError(f"a step of an answer is a text, and this one is {shown(wrong)}; drop it with its label")
        texts = [step + self.separator for step in steps]
        side = encode.encode_steps(column(row, "prompt"), texts, [verdict(label) for label in labels], **template_variables(row))
        return Example({"": side}, numbers(row))


witness = (
    Witness(
        Stepwise(),
        parent=Unpaired(),
        given={"row": {"prompt": "p", "completions": ["ab", "c"], "labels": [True, False]}, "encode": toy()},
        returns=Example(
            {"": Side(codes("p"), codes("ab\nc\n"), (False, False, True, False, True), {"step_label": (0.0, 0.0, 1.0, 0.0, 0.0)})}
        ),
    ),
    Witness(
        Stepwise(separator=""),
        parent=Stepwise(),
        given={"row": {"prompt": "p", "completions": ["ab", "c"], "labels": [1, 1]}, "encode": toy()},
        returns=Example({"": Side(codes("p"), codes("abc"), (False, True, True), {"step_label": (0.0, 1.0, 1.0)})}),
    ),
)
