"""Ordered sections: whether a completion has all the sections that it is to have, its steps numbered in order and the answer behind them.

    reward = 1 where every one of ``sections`` occurs, the steps are numbered 1, 2, 3 ..., at least one, and ``last`` begins after the last step's number; else 0

``step`` is how a step begins, with {n} where its number stands.

Source: R1-VL (StepGRPO), arXiv 2503.12937, and its authors' code (jingyi0000/R1-VL, ``grpo.py``, ``validity_reward``), to which it is held; its sections are the defaults.
Differs from Format: how many steps there are is open, and their order counts.
"""

import re
from dataclasses import dataclass
from typing import Any

from guerdon.errors import InputError
from guerdon.feedback.rewards.format import Format
from guerdon.feedback.text import whole_text
from guerdon.witness import Witness


@dataclass(frozen=True)
class OrderedSections:
    sections: tuple[str, ...] = ("### Image Description:", "### Rationales:", "### Step 1:", "### The final answer is:")
    step: str = "### Step {n}:"
    last: str = "### The final answer is:"

    def __post_init__(self) -> None:
        if self.step.count("{n}") != 1 or not self.last:
            raise InputError("ordered_sections: step must have {n} once, where the number stands, and last must be a text")

    def __call__(self, prompts: list[Any], completions: list[Any], **columns: list[Any]) -> list[float | None]:
        return [float(self._valid(whole_text(completion))) for completion in completions]

    def _valid(self, text: str) -> bool:
        before, after = (re.escape(part) for part in self.step.split("{n}"))
        steps = list(re.finditer(rf"{before}(\d+){after}", text))
        numbers = [int(match.group(1)) for match in steps]
        if not all(section in text for section in self.sections) or not steps or numbers != list(range(1, len(steps) + 1)):
            return False
        return text.strip().endswith(self.last) or text.find(self.last) >= steps[-1].end()


_all = "### Image Description: a\n### Rationales: b\n### Step 1: c\n### Step {}: d\n### The final answer is: {}"
_asked = {
    "prompts": ["q"] * 5,
    "completions": [
        _all.format(2, "4"),
        _all.format(3, "4"),
        "### Step 1: c\n### The final answer is: 4",
        "### The final answer is: 4\n" + _all.format(2, ""),
        "### The final answer is: 4\n" + _all.format(2, "4"),
    ],
}
witness = (
    Witness(OrderedSections(), parent=Format("### .*"), given=_asked, returns=[1.0, 0.0, 0.0, 1.0, 0.0]),
    Witness(OrderedSections(sections=()), parent=OrderedSections(), given=_asked, returns=[1.0, 0.0, 1.0, 1.0, 0.0]),
    Witness(OrderedSections(last="### Rationales:"), parent=OrderedSections(), given=_asked, returns=[0.0] * 5),
    Witness(OrderedSections(sections=(), step="Step {n}: d"), parent=OrderedSections(sections=()), given=_asked, returns=[0.0] * 5),
)
