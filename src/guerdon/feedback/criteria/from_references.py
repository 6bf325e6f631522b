"""From references: criteria that a good answer to the question meets, drawn from an answer that is known to be good.

Source: rubrics as rewards, Gunjal et al. 2025, arXiv 2507.17746 (a model writes the rubric, guided by a reference answer, in categories with weights). The words
are ours, and so are ``column`` and ``max_tokens`` 1024.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guerdon.feedback.criteria import Drawn
from guerdon.feedback.criteria._proposing import proposed, texts_of
from guerdon.feedback.rubric import Item, Rubric
from guerdon.feedback.writers import Writer
from guerdon.feedback.writers.scripted import Scripted
from guerdon.witness import Witness

ASKS = (
    "The {column} is a good answer to the question. Write five to ten criteria that it meets and that an answer which is not as good would miss, in general words that do not "
    "ask for its wording."
)


@dataclass(frozen=True)
class FromReferences:
    column: str = "reference"
    max_tokens: int = 1024

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    def __call__(self, writer: Writer, rows: Sequence[Mapping[str, Any]], seed: int = 0) -> list[Drawn]:
        told = [(texts_of(row, self.columns), ASKS.format(column=self.column)) for row in rows]
        return proposed(writer, told, self.max_tokens, seed)


_rows = [{"prompt": "What is the capital of France?", "reference": "Paris"}, {"prompt": "And of Italy?", "reference": "Rome"}]
_said = '{"items": [{"text": "It names Paris.", "weight": 3, "kind": "essential"}, {"text": "it names  paris."}, {"txt": "?"}]}'
witness = Witness(
    FromReferences(),
    given={"writer": Scripted({"Paris": f"Here: {_said}"}, otherwise="No."), "rows": _rows},
    returns=[
        Drawn(Rubric((Item("It names Paris.", 3, "essential"),)), 3),
        Drawn(None, 0, "the writer's answer holds no JSON object with items: 'No.'"),
    ],
)
