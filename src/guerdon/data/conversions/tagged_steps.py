"""Tagged steps: a problem and its solution in one text, a tag at the end of each step, and the same text with verdicts in the tags' places.

    {input: "problem Step 1: ... ки\nStep 2: ... ки", label: "problem Step 1: ... +\nStep 2: ... -"} -> {prompt, completions: [step], labels: [verdict]}

The prompt is what stands before the first "Step 1:". + is a good step, - a bad one. Spaces around steps are taken off.

Left out: texts that differ elsewhere than at the tags, other verdicts, texts without "Step 1:" or without a problem before it.

Source: Math-Shepherd, arXiv 2312.08935, and the form in which its data are published.
Differs from FirstErrors: a verdict on every step, hidden in a text.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from guerdon.data.conversions._converted import Converted, LeftOut, each, without
from guerdon.data.conversions._shapes import TAG
from guerdon.data.conversions.first_errors import FirstErrors
from guerdon.witness import Witness

_BEGINS = re.compile(r"step\s*1\s*:", re.I)


@dataclass(frozen=True)
class TaggedSteps:
    reads: ClassVar[str] = "tagged_steps"
    gives: ClassVar[str] = "stepwise"

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> Converted:
        return each(rows, _solution)


def _solution(row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    *pieces, rest = row["input"].split(TAG)
    label, at, verdicts = row["label"], 0, []
    for piece in pieces:
        if not label.startswith(piece, at):
            raise LeftOut("input and label are not the same text")
        at += len(piece)
        verdict = label[at : at + 1]
        if verdict not in ("+", "-") or not verdict:
            raise LeftOut("a verdict is neither + nor -")
        verdicts.append(verdict == "+")
        at += 1
    if rest.strip() != label[at:].strip():
        raise LeftOut("input and label are not the same text")
    begins = _BEGINS.search(pieces[0])
    prompt = pieces[0][: begins.start()].strip() if begins else ""
    if not prompt:
        raise LeftOut("no problem before the first step")
    steps = [pieces[0][begins.start() :].strip(), *(piece.strip() for piece in pieces[1:])]
    yield {"prompt": prompt, "completions": steps, "labels": verdicts, **without(row, "input", "label")}


_input = f"2+2? Step 1: 2+2=5. {TAG}\nStep 2: It is 5. {TAG}"
_label = "2+2? Step 1: 2+2=5. -\nStep 2: It is 5. +"
witness = Witness(
    TaggedSteps(),
    parent=FirstErrors(),
    given={"rows": [{"input": _input, "label": _label, "task": "GSM8K"}, {"input": _input, "label": _label.replace("5", "4")}]},
    returns={
        "rows": [{"prompt": "2+2?", "completions": ["Step 1: 2+2=5.", "Step 2: It is 5."], "labels": [False, True], "task": "GSM8K"}],
        "left_out": {"input and label are not the same text": 1},
    },
)
