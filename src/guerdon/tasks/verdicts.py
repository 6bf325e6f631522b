"""Verdicts: rows that somebody has judged, as what a judge is asked about them, with the verdict that is right.

    {prompt, chosen, rejected}  ->  {prompt: what ``format`` asks, verdict: what is right, answers: those that are judged, in the order in which they are shown}

``of`` are the labelled rows: pairs, rated answers, or several answers with scores, ranks or a best one (``feedback.labels``; by default what the columns say). A format of two
answers is asked about every two of a row that differ in worth, one of any number about all of them, and one of one answer about each; the verdict is the worth, or, of two, 1
where the first is the better one, and 0 where the second is.

Nothing but what the texts say tells the verdict. The order of the answers is drawn from the seed and from the texts alone, so that a row with its label turned around asks the very
same question; with ``both_orders`` each question is asked in that order and in the reverse. Texts are fenced and marked as the format does it for judging: what is learned is
what is asked later. ``rubric``, ``reference`` and ``own_rubric`` as for the reward ``judge``. ``chat``: the question is a conversation; without it one text, for a model without a
chat template.

Its reward is ``right_verdict``, and of formats of one answer ``near_verdict``. A format whose answer is one of a few words (``yes_token``, ``preference_token``, ``score_token``)
leaves nothing to be drawn: rows have the right word as ``completion``, and can be fitted to as they are. Columns of the rows do not go on.

Source: ours. That both orders of a pair are learned from: J1, Whitehouse et al. 2025, arXiv 2505.10320, by its abstract (position bias).
"""

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import combinations
from typing import Any

from guerdon.catalogue import parts_in, resolve
from guerdon.errors import InputError
from guerdon.feedback.asked import case_of, told_rubric
from guerdon.feedback.formats import Case, Format
from guerdon.feedback.formats.preference import Preference
from guerdon.feedback.labels import Labelled, Labels
from guerdon.feedback.rewards import Reward
from guerdon.feedback.rewards.near_verdict import NearVerdict
from guerdon.feedback.rewards.right_verdict import RightVerdict
from guerdon.feedback.text import answer_text
from guerdon.feedback.verdicts import Value, trainable
from guerdon.feedback.writers import Answer, plain
from guerdon.randomness import derive
from guerdon.tasks import Row, Task
from guerdon.tasks.dataset import as_task
from guerdon.tasks.rows import PlacedRows, at_row, place

ALIKE, EQUAL = "two answers are the same text", "the label prefers none of two answers"


@dataclass(frozen=True)
class Verdicts:
    of: Task
    format: Format = Preference()
    labels: Labels | None = None
    both_orders: bool = False
    chat: bool = True
    rubric: Any = None
    reference: str = ""
    own_rubric: str = "rubric"
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "of", as_task(self.of))
        trainable(self.format)
        if self.both_orders and self.format.takes == 1:
            raise InputError(
                "both_orders turns answers around, and the format judges one at a time: there is nothing to turn; leave it out"
            )
        self._told  # noqa: B018 a rubric that is none is refused at once

    def train(self) -> Sequence[Row]:
        return self.sides()[0]

    def test(self) -> Sequence[Row]:
        return self.sides()[1]

    def sides(self) -> tuple[Sequence[Row], Sequence[Row]]:
        """``train()`` and ``test()``. All questions about a row are on the side of that row."""
        rows = self.of.sides() if hasattr(self.of, "sides") else (self.of.train(), self.of.test())
        made, left_out = zip(*(self._made(side) for side in rows), strict=True)
        if not len(made[0]):
            raise InputError(f"task: of {len(rows[0])} labelled rows there is nothing to ask: {_reasons(left_out[0]) or 'there are none'}")
        return made

    @property
    def reward(self) -> Reward:
        return NearVerdict(self.format) if self.format.takes == 1 else RightVerdict(self.format)

    def notes(self) -> list[str]:
        """What the user is to be told: what the rows' task says of them, and how many questions they do not give, and why."""
        rows = self.of.train()
        _, left_out = self._made(rows)
        own = [f"of {len(rows)} labelled rows some questions are left out: {_reasons(left_out)}"] if left_out else []
        return [*getattr(self.of, "notes", list)(), *own]

    # Inside

    @cached_property
    def _told(self) -> Any:
        return told_rubric(self.rubric)

    def _made(self, rows: Sequence[Row]) -> tuple[Sequence[Row], Counter[str]]:
        made: list[Row] = []
        places: list[int] = []
        left_out: Counter[str] = Counter()
        for index in range(len(rows)):
            with at_row(*place(rows, index)):
                for one in self._asked(rows[index], left_out):
                    made.append(one)
                    places.append(index)
        if not isinstance(rows, PlacedRows):
            return made, left_out
        return PlacedRows(made, [rows.places[index] for index in places], rows.sources), left_out

    def _asked(self, row: Row, left_out: Counter[str]) -> Iterator[Row]:
        """What is asked about a row."""
        labelled = (self.labels or by_columns(row))(row)
        texts = [answer_text(answer, labelled.prompt) for answer in labelled.answers]
        for some in self._sets(labelled):
            worth = {i: labelled.worth[i] for i in some}
            if len(some) > 1 and len({texts[i].strip() for i in some}) < len(some):
                left_out[ALIKE] += 1
            elif len(some) > 1 and len(set(worth.values())) == 1:
                left_out[EQUAL] += 1
            else:
                order = self._drawn(labelled.prompt, {i: texts[i] for i in some})
                for shown in (order, order[::-1]) if self.both_orders else (order,):
                    case = case_of(
                        labelled.prompt, tuple(labelled.answers[i] for i in shown), row, self._told, self.reference, self.own_rubric
                    )
                    yield self._row(case, [texts[i] for i in shown], _verdict([worth[i] for i in shown], self.format.takes))

    def _sets(self, labelled: Labelled) -> list[tuple[int, ...]]:
        """Which answers are shown together."""
        count = len(labelled.answers)
        if self.format.takes != 1 and count < 2:
            raise InputError(
                f"the row has one answer, and {type(self.format).__name__} compares answers; take a format of one answer (score, score_token, yes_token)"
            )
        return [tuple(range(count))] if self.format.takes is None else list(combinations(range(count), self.format.takes))

    def _drawn(self, prompt: Any, texts: Mapping[int, str]) -> list[int]:
        """The order in which answers are shown: a function of their texts, not of where they stand."""
        order = sorted(texts, key=texts.__getitem__)
        random.Random(derive(self.seed, "order", repr(prompt), *(texts[i] for i in order))).shuffle(order)
        return order

    def _row(self, case: Case, answers: list[str], verdict: Value) -> Row:
        question = self.format.question(case)
        asked = [dict(message) for message in question.messages]
        row = {"prompt": asked if self.chat else plain(asked), "verdict": verdict, "answers": answers}
        if question.words:
            right = min(question.words, key=lambda word: abs(self.format.read(Answer(word), case) - verdict))
            row["completion"] = [{"role": "assistant", "content": right}] if self.chat else right
        return row


def by_columns(row: Row) -> Labels:
    """The part that reads a row with these columns.

    Raises:
        InputError: no part does.
    """
    parts = _parts()
    found = next((part for part in parts if any(columns <= row.keys() for columns in part.told_by)), None)
    if found is None:
        known = "; ".join(" + ".join(sorted(columns)) for part in parts for columns in part.told_by)
        raise InputError(
            f"the columns {', '.join(sorted(map(str, row)))} hold no label that is known ({known}, each with prompt); rename them with columns={{...}}, or say how they "
            "are read: labels=..."
        )
    return found()


@cache
def _parts() -> tuple[Any, ...]:
    return tuple(resolve(name, "feedback.labels") for name in parts_in("feedback.labels"))


def _verdict(worth: Sequence[float], takes: int | None) -> Any:
    if takes == 2:
        return float(worth[0] > worth[1])
    return list(worth) if takes is None else worth[0]


def _reasons(left_out: Counter[str]) -> str:
    return "; ".join(f"{reason} ({count})" for reason, count in left_out.items())
