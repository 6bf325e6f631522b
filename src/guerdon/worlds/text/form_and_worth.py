"""Form and worth: an answer has to begin as it should and to be worth enough.

    answer to  cab>  :  abc and then a text of ``worlds.text.gold_reward``
    right            = [it begins with the prompt's letters in alphabetical order] * [gold of the rest >= threshold] * [the rest is not longer than texts are]

The form is the same for everyone and easily broken; what is worth much is nowhere said, and can be learned from what was right and what was wrong.
Demonstrations have the form, and any text.

Source: ours; a threshold on a known reward stands for the checker of an answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from guerdon.tasks.rows import Row
from guerdon.worlds.text.gold_reward import GoldReward
from guerdon.worlds.text.position_credit import said


@dataclass(frozen=True)
class FormAndWorth:
    """The task. Its reward is the verdict."""

    world: GoldReward
    threshold: float = 3.0

    @property
    def characters(self) -> str:
        return self.world.characters

    @property
    def longest(self) -> int:
        """Characters of the longest answer that can be right."""
        return FORM + self.world.longest + self.world.slots

    @property
    def reward(self) -> "Verdict":
        return Verdict(self.world, self.threshold)

    def train(self) -> Sequence[Row]:
        """Prompts to practise on."""
        return self.world.train()

    def test(self) -> Sequence[Row]:
        """Prompts held out."""
        return self.world.test()

    def demonstrations(self, n: int, seed: int = 0) -> list[Row]:
        """``n`` rows with ``prompt`` and ``completion``: the form, and a text that knows nothing of worth."""
        rows = self.world.demonstrations(n, seed)
        return [{**row, "completion": form(row["prompt"]) + row["completion"]} for row in rows]


FORM = 3  # letters of a prompt


def form(prompt: str) -> str:
    """What an answer to the prompt begins with."""
    return "".join(sorted(prompt[:FORM]))


@dataclass(frozen=True)
class Verdict:
    """The verdict as a reward in the common signature: 1 or 0 per completion."""

    world: GoldReward
    threshold: float

    def __call__(self, prompts: list[Any], completions: list[Any]) -> list[float]:
        return [float(self._right(said(p), said(c))) for p, c in zip(prompts, completions, strict=True)]

    def _right(self, prompt: str, answer: str) -> bool:
        rest, longest = answer[FORM:], self.world.longest + self.world.slots
        return answer.startswith(form(prompt)) and len(rest) <= longest and self.world.gold([prompt], [rest])[0] >= self.threshold
