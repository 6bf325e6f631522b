"""Ranking: any number of answers are shown at once, and the judge puts them in order.

    value_k = (K - 1 - place of answer k) / (K - 1)         1 for the best, 0 for the worst; 1/2 for an answer that is alone

Source: listwise ranking by language models, Sun et al. 2023 (RankGPT), arXiv 2304.09542 (a permutation of identifiers). Evenly spaced values and the words are ours.
Differs from Scores: only the order is asked for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from guerdon.feedback.deliberation import Deliberation
from guerdon.feedback.deliberation.reasoning import Reasoning
from guerdon.feedback.formats import Case, Verdict
from guerdon.feedback.formats._asking import asked, conversation, listed, room
from guerdon.feedback.formats.scores import Scores
from guerdon.feedback.layouts import Layout, Unread
from guerdon.feedback.layouts.brackets import Brackets
from guerdon.feedback.layouts.json_object import JsonObject
from guerdon.feedback.writers import Answer, Question, Writer
from guerdon.feedback.writers.scripted import Scripted
from guerdon.witness import Witness

ORDER = "Put the answers to the question in order, the best one first."
_OF_EACH = 6  # tokens of each number in a verdict


@dataclass(frozen=True)
class Ranking:
    takes: ClassVar[int | None] = None

    before: Deliberation | None = None
    layout: Layout = Brackets()
    asks: str = ORDER

    def __call__(self, writer: Writer, cases: Sequence[Case], seed: int = 0) -> list[Verdict]:
        return asked(self, writer, cases, seed)

    def question(self, case: Case, seed: int = 0) -> Question:
        count = len(case.answers)
        form = f"the numbers 1 to {count} of the answers, the best one first, with commas between them"
        ends = f"{self.asks} {self.layout.tells('order', form, self.before)}"
        items = {"type": "integer", "minimum": 1, "maximum": count}
        schema = self.layout.schema("order", {"type": "array", "items": items, "minItems": count, "maxItems": count}, self.before)
        names = [f"answer-{place}" for place in range(1, count + 1)]
        return Question(
            conversation(case, ends, seed, names), max_tokens=room(self.before, 16 + _OF_EACH * count), seed=seed, schema=schema
        )

    def read(self, answer: Answer, case: Case) -> tuple[float, ...] | Unread:
        said, count = self.layout(answer.text), len(case.answers)
        items = said if isinstance(said, Unread) else listed(said, count)
        if isinstance(items, Unread):
            return items
        order = [str(item).strip() for item in items]
        wanted = [str(place) for place in range(1, count + 1)]
        if sorted(order) != sorted(wanted):
            return Unread(f"its order is {', '.join(order)[:40]}, and each of 1 to {count} is asked for once")
        return tuple((count - 1 - order.index(name)) / (count - 1) if count > 1 else 0.5 for name in wanted)


_cases = [Case("A colour?", names) for names in (("red", "blue", "seven"), ("green", "ten"), ("pink",))]
_writer = Scripted({"red": "[[2, 1, 3]]", "green": "[[1, 1]]", "pink": "[[1]]"})
witness = (
    Witness(
        Ranking(),
        parent=Scores(),
        given={"writer": _writer, "cases": _cases},
        returns=[
            Verdict((0.5, 1.0, 0.0), "[[2, 1, 3]]"),
            Verdict(None, "[[1, 1]]", "its order is 1, 1, and each of 1 to 2 is asked for once"),
            Verdict((0.5,), "[[1]]"),
        ],
    ),
    Witness(
        Ranking(Reasoning(), JsonObject()),
        parent=Ranking(),
        given={"writer": Scripted(otherwise='{"reasoning": "", "verdict": [2, 1]}'), "cases": _cases[1:2]},
        returns=[Verdict((0.0, 1.0), '{"reasoning": "", "verdict": [2, 1]}')],
    ),
    Witness(
        Ranking(asks="Which is kinder?"),
        parent=Ranking(),
        given={"writer": Scripted({"kinder": "[[2, 1]]"}, otherwise="[[1, 2]]"), "cases": _cases[1:2]},
        returns=[Verdict((0.0, 1.0), "[[2, 1]]")],
    ),
)
