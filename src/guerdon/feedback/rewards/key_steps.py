"""Key steps: how many of the steps that a right answer needs a completion says, in whatever order and words around them.

    reward = groups of which one wording occurs / groups        0 to 1

The column ``key_steps`` holds for each row a list of groups, a group being a text or several wordings of one (`["12 cm", "12 centimetres"]`). Upper and lower case make no
difference. Only what ``within`` finds is read: its first group where it has one, of every match; an empty pattern reads all of the text. A column that is None gives None, an
empty list 0.

Source: R1-VL (StepGRPO), arXiv 2503.12937, and its authors' code (jingyi0000/R1-VL, ``grpo.py``, ``key_step_single``), to which it is held. There steps are extracted from
references beforehand, the reward is added to that of the answer with the weight 0.1, and ``within`` is the default.
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
    within: str = r"### Step \d+:\s*(.*?)(?=\n###|\Z)"

    def __post_init__(self) -> None:
        try:
            re.compile(self.within)
        except re.error as error:
            raise InputError(f"key_steps.within is no regular expression ({error}): {self.within!r}") from error

    def __call__(self, prompts: list[Any], completions: list[Any], key_steps: list[Any], **columns: list[Any]) -> list[float | None]:
        return [None if steps is None else self._share(whole_text(said), steps) for said, steps in zip(completions, key_steps, strict=True)]

    def _share(self, text: str, steps: Sequence[Any]) -> float:
        pattern = re.compile(self.within, re.DOTALL)
        found = [match.group(1 if pattern.groups else 0) or "" for match in pattern.finditer(text)]
        said = (" ".join(found) if self.within else text).lower()
        groups = [[group] if isinstance(group, str) else list(group) for group in steps]
        return sum(any(one.lower() in said for one in group) for group in groups) / len(groups) if groups else 0.0


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
    Witness(KeySteps(within=""), parent=KeySteps(), given=_asked, returns=[1.0, 0.5, 1.0, None]),
)
