"""Key steps: how many of the steps that a right answer needs a completion says, in whatever order and words around them.

    reward = groups of which one wording occurs / groups        0 to 1

The column ``key_steps`` holds for each row a list of groups, a group being a text or several wordings of one (`["12 cm", "12 centimetres"]`). Upper and lower case make no
difference. Only steps are read: what stands from a ``step``, with {n} where its number stands, to the next ``until`` behind it; all of the text where ``step`` is empty. A column
that is None gives None, an empty list 0.

Source: R1-VL (StepGRPO), arXiv 2503.12937, and its authors' code (jingyi0000/R1-VL, ``grpo.py``, ``key_step_single``), to which it is held. There steps are extracted from
references beforehand, the reward is added to that of the answer with the weight 0.1, and steps are those of the defaults.
Differs from StringMatch: parts of the way and not the end, and each counts.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from guerdon.errors import InputError
from guerdon.feedback.rewards.string_match import StringMatch
from guerdon.feedback.text import whole_text
from guerdon.witness import Witness


@dataclass(frozen=True)
class KeySteps:
    step: str = "### Step {n}:"
    until: str = "\n###"

    def __post_init__(self) -> None:
        if self.step and (self.step.count("{n}") != 1 or not self.until):
            raise InputError(
                "key_steps: step must have {n} once, where the number stands, and until must be a text; or leave step empty, so that all is read"
            )

    def __call__(self, prompts: list[Any], completions: list[Any], key_steps: list[Any], **columns: list[Any]) -> list[float | None]:
        return [None if steps is None else self._share(whole_text(said), steps) for said, steps in zip(completions, key_steps, strict=True)]

    def _share(self, text: str, steps: Sequence[Any]) -> float:
        said = (" ".join(self._steps(text)) if self.step else text).lower()
        groups = [[group] if isinstance(group, str) else list(group) for group in steps]
        return sum(any(one.lower() in said for one in group) for group in groups) / len(groups) if groups else 0.0

    def _steps(self, text: str) -> list[str]:
        before, after = (re.escape(part) for part in self.step.split("{n}"))
        found, place, begins = [], 0, re.compile(rf"{before}\d+{after}\s*")
        while (begun := begins.search(text, place)) is not None:
            ends = text.find(self.until, begun.end())
            place = len(text) if ends < 0 else ends
            found.append(text[begun.end() : place])
        return found


_asked = {
    "prompts": ["q"] * 4,
    "completions": [
        "### Step 1: 3 x 4 = 12 cm\n### Step 2: half is SIX\n### The final answer is: 7",
        "### Step 1: six",
        "12 cm, then six",
        "six",
    ],
    "key_steps": [[["12 cm", "12 centimetres"], "six", "7"], [["12 cm"], "six"], ["six"], None],
    "answer": ["six"] * 4,
}
witness = (
    Witness(KeySteps(), parent=StringMatch(), given=_asked, returns=[2 / 3, 0.5, 0.0, None]),
    Witness(KeySteps(step=""), parent=KeySteps(), given=_asked, returns=[1.0, 0.5, 1.0, None]),
    Witness(KeySteps(until="half"), parent=KeySteps(), given=_asked, returns=[1 / 3, 0.5, 0.0, None]),
)
