"""Instruction: what is asked for, and what with, is the prompt; the output is the completion.

    {instruction, input, output} -> {prompt: "instruction\n\ninput", completion: output}
    with system or history       -> the same as messages: the system's turn, the pairs of ``history``, the prompt

Left out: rows without an instruction or an output.

Source: Stanford Alpaca's columns; ``system`` and ``history`` as LLaMA-Factory added them. Alpaca's own prompt ("Below is an instruction ...") is not
written: a chat template takes its place.
Differs from Conversation: the names of columns.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from guerdon.data.conversions._converted import Converted, each, needed, without
from guerdon.data.conversions.conversation import Conversation
from guerdon.witness import Witness


@dataclass(frozen=True)
class Instruction:
    reads: ClassVar[str] = "alpaca"
    gives: ClassVar[str] = "prompt_completion"
    between: str = "\n\n"

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> Converted:
        return each(rows, self._row)

    def _row(self, row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        asked, output = str(needed(row, "instruction")), str(needed(row, "output"))
        if row.get("input") not in (None, ""):
            asked = f"{asked}{self.between}{row['input']}"
        rest = without(row, "instruction", "input", "output", "system", "history")
        before = _before(row)
        if before:
            prompt = [*before, {"role": "user", "content": asked}]
            yield {"prompt": prompt, "completion": [{"role": "assistant", "content": output}], **rest}
        else:
            yield {"prompt": asked, "completion": output, **rest}


def _before(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    system = [{"role": "system", "content": row["system"]}] if row.get("system") else []
    turns = [
        {"role": role, "content": text}
        for pair in row.get("history") or ()
        for role, text in zip(("user", "assistant"), pair, strict=False)
    ]
    return [*system, *turns]


_rows = [
    {"instruction": "Add", "input": "1 2", "output": "3", "n": 1},
    {"instruction": "Hi", "input": "", "output": "yes", "system": "s", "history": [["a", "b"]]},
    {"instruction": "Hi", "output": ""},
]
_talk = [
    {"role": role, "content": c} for role, c in (("system", "s"), ("user", "a"), ("assistant", "b"), ("user", "Hi"), ("assistant", "yes"))
]
_second, _left_out = {"prompt": _talk[:4], "completion": _talk[4:]}, {"nothing in column 'output'": 1}
witness = (
    Witness(
        Instruction(),
        parent=Conversation(),
        given={"rows": _rows},
        returns={"rows": [{"prompt": "Add\n\n1 2", "completion": "3", "n": 1}, _second], "left_out": _left_out},
    ),
    Witness(
        Instruction(" "),
        parent=Instruction(),
        given={"rows": _rows},
        returns={"rows": [{"prompt": "Add 1 2", "completion": "3", "n": 1}, _second], "left_out": _left_out},
    ),
)
