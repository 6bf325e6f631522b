"""Kinds of scorers: what they measure, what they read of an item, and which number comes of it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from guerdon.errors import InputError
from guerdon.feedback.aggregating import Aggregating
from guerdon.feedback.text import whole_text
from guerdon.interfaces.serving.items import Item, Reader
from guerdon.sequences import Side


class Kind(Protocol):
    """``measures``: the quantity that the number is made of."""

    measures: str

    def side(self, item: Item, reader: Reader) -> Side:
        """The tokens of an item.

        Raises:
            InputError: it cannot be scored.
        """
        ...

    def number(self, said: Any) -> tuple[float, dict[str, Any]]:
        """The number, and what is told besides, of what was measured."""
        ...


@dataclass(frozen=True)
class OfAnswers:
    """A score of the whole answer. ``parted``: what the model makes of it depends on where the prompt ends."""

    parted: bool = False
    measures: str = "score"

    def side(self, item: Item, reader: Reader) -> Side:
        if self.parted:
            item.apart(reader)  # refuses what has no known end of the prompt
        return item.side(reader)

    def number(self, said: Any) -> tuple[float, dict[str, Any]]:
        return said, {}


@dataclass(frozen=True)
class OfSteps:
    """How likely each step is right, and what that makes of the answer."""

    aggregate: Aggregating
    separator: str
    measures: str = "step_score"

    def side(self, item: Item, reader: Reader) -> Side:
        prompt, answer, variables = item.apart(reader)
        return self.encoded(prompt, answer, reader.encoder, variables)

    def encoded(self, prompt: Any, answer: Any, encoder: Any, variables: Mapping[str, Any]) -> Side:
        """The tokens of an answer in steps: a text, what the assistant says in messages, or a list of steps.

        Raises:
            InputError: it has none, or they do not fit.
        """
        listed = isinstance(answer, list) and all(isinstance(step, str) for step in answer)
        parts = answer if listed else whole_text(answer).split(self.separator)
        steps = [step + self.separator for step in parts if step.strip()]
        if not steps:
            raise InputError("the answer has no steps, so there is nothing to score")
        return encoder.encode_steps(prompt, steps, [0.0] * len(steps), **variables)

    def number(self, said: Any) -> tuple[float, dict[str, Any]]:
        steps = [1 / (1 + math.exp(-min(max(one, -700.0), 700.0))) for one in said]
        return float(self.aggregate(steps)), {self.measures: steps}
