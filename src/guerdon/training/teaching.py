"""Teaching: demonstrations of prompts that the recipe's lessons pick, as a batch of their own."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from guerdon.errors import InputError
from guerdon.sequences import Batch, Example, collate
from guerdon.training.judging import Row, Scene
from guerdon.training.prompts import rows_at
from guerdon.training.recipe import Recipe
from guerdon.training.tally import Tally

LESSONS = "lessons"  # the stream that terms name


class Teaching:
    """Tells the recipe's lessons what came of prompts, and encodes the demonstrations of those that are due. ``state()`` and ``restore()`` cover what waits.

    Raises:
        InputError: lessons that no term learns from, or the other way round; or the first row has no demonstration.
    """

    def __init__(self, scene: Scene, rows: Sequence[Row], recipe: Recipe):
        self.scene, self.rows = scene, rows
        self.memory: dict[str, Any] = recipe.lessons.init() if recipe.lessons is not None else {}
        learned = any(term.data == LESSONS for term in recipe.terms)
        if learned and recipe.lessons is None:
            raise InputError(
                "recipe.terms: one reads the stream lessons, and recipe.lessons is not set; set it to {part: failed_prompts, column: ...}"
            )
        if recipe.lessons is not None and not learned:
            raise InputError(
                "recipe.lessons: no term learns from them; add {loss: negative_log_likelihood, data: lessons} to recipe.terms, or leave lessons out"
            )
        if recipe.lessons is not None:
            scene.given(rows[:1], (recipe.lessons.column,))

    def __call__(self, tried: Sequence[tuple[Tensor, Tensor]], recipe: Recipe, tally: Tally) -> list[Batch]:
        """The lessons that are due after these attempts, rewards and the row that each is of."""
        if recipe.lessons is None:
            return []
        batches = []
        for reward, rows in tried:
            due, self.memory = recipe.lessons(reward, rows, self.memory)
            if due:
                sides = self.scene.given(rows_at(self.rows, due), (recipe.lessons.column,))
                batches.append(collate([Example({"": side[recipe.lessons.column]}) for side in sides]))
        tally.add_sum("lessons", sum(len(batch) for batch in batches), 1)
        return batches

    def state(self) -> dict[str, Any]:
        return self.memory

    def restore(self, state: Mapping[str, Any]) -> None:
        self.memory = dict(state) or self.memory
