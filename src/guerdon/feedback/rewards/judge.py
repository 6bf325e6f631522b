"""Judge: what a model that writes says a completion is worth.

    one answer at a time     the verdict of ``format`` on the completion, 0 to 1
    two at a time            the mean over the other completions of the same prompt of the probability that this one is better
    any number at once       this completion's number in the verdict on all completions of the same prompt

``model`` is a language model that runs here, or a part of ``feedback.writers`` (``endpoint``). ``rubric``: a file, or items, that say what counts; a row whose column
``own_rubric`` holds one is judged by that. ``reference`` names the column whose text is shown to the judge as a right answer. What the judge wrote is kept beside the reward.
Completions are shown without their thinking, fenced (``guerdon.feedback.fencing``).

A judge whose answer cannot be read gives no reward: the completion is left out and counted as one for which the reward failed. A completion that is compared and is alone has
no reward (None).

Source: a model as the judge of open answers, Zheng et al. 2023, arXiv 2306.05685; its verdict as the reward, RLAIF, Lee et al. 2023, arXiv 2309.00267, section 2.3; with a rubric
all at once, Gunjal et al. 2025, arXiv 2507.17746, section 3.2 (implicit aggregation).
Differs from ModelVerdict: there need be no reference answer, and how it is asked is a part.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, ClassVar

from guerdon.feedback.asked import Asking, case_of
from guerdon.feedback.formats import Case, Format, Verdict
from guerdon.feedback.formats._together import BETWEEN
from guerdon.feedback.formats.preference import Preference
from guerdon.feedback.formats.score import Score
from guerdon.feedback.formats.score_token import ScoreToken
from guerdon.feedback.formats.scores import Scores
from guerdon.feedback.number import NoNumber, Remarked
from guerdon.feedback.rewards.string_match import StringMatch
from guerdon.feedback.writers import Writer
from guerdon.feedback.writers.scripted import Scripted
from guerdon.witness import Witness


@dataclass(frozen=True)
class Judge(Asking):
    per_batch: ClassVar[bool] = False  # it compares the completions of one prompt, and no more

    model: Writer
    format: Format = ScoreToken()
    rubric: Any = None
    reference: str = ""
    own_rubric: str = "rubric"
    seed: int = 0

    def __post_init__(self) -> None:
        self._told  # noqa: B018 a rubric that is none is refused at once
        self._writer  # noqa: B018

    @property
    def elsewhere(self) -> bool:
        """Whether a run goes on while it judges."""
        return bool(getattr(self._writer, "elsewhere", False))

    def __call__(
        self, prompts: list[Any], completions: list[Any], group: list[Any] | None = None, **columns: list[Any]
    ) -> list[float | None]:
        rows = [{name: values[i] for name, values in columns.items() if len(values) == len(prompts)} for i in range(len(prompts))]
        sets = self._sets(prompts if group is None else group)
        cases = [
            case_of(
                prompts[rows_of[0]], tuple(completions[i] for i in rows_of), rows[rows_of[0]], self._told, self.reference, self.own_rubric
            )
            for rows_of in sets
        ]
        said: dict[int, list[tuple[float, Verdict]]] = defaultdict(list)
        for rows_of, verdict in zip(sets, self.verdicts(cases), strict=True):
            for place, row in enumerate(rows_of):
                said[row].append((_own(verdict, place), verdict))
        return [_number(said[row]) for row in range(len(prompts))]

    def verdicts(self, cases: Sequence[Case]) -> list[Verdict]:
        """What the judge makes of cases."""
        return self.format(self._writer, cases, self.seed) if cases else []

    def _sets(self, groups: Sequence[Any]) -> list[tuple[int, ...]]:
        """Which completions are shown together."""
        if self.format.takes == 1:
            return [(row,) for row in range(len(groups))]
        of: dict[str, list[int]] = defaultdict(list)
        for row, own in enumerate(groups):
            of[repr(own)].append(row)
        several = [rows for rows in of.values() if len(rows) > 1]
        return (
            [tuple(rows) for rows in several] if self.format.takes is None else [pair for rows in several for pair in combinations(rows, 2)]
        )


def _own(verdict: Verdict, place: int) -> float:
    """What a verdict says of one of the answers; NaN where it says nothing."""
    if verdict.value is None:
        return math.nan
    if isinstance(verdict.value, tuple):
        return verdict.value[place]
    return 1 - verdict.value if place else verdict.value


def _number(said: Sequence[tuple[float, Verdict]]) -> float | None:
    if not said:
        return None
    words = BETWEEN.join(verdict.said for _, verdict in said if verdict.said)
    found = [value for value, _ in said if not math.isnan(value)]
    if not found:
        return NoNumber(f"has no number: the judge's answer could not be read, since {said[0][1].why}", words)
    return Remarked(sum(found) / len(found), words)


_asked = {"prompts": ["q"] * 2 + ["r"], "completions": ["short", "long", "long"]}
_first_short = Scripted({"short\n</answer-A": "[[A]]"}, otherwise="[[B]]")
_rubric = {"items": ["It is brief."]}
witness = (
    Witness(
        Judge(Scripted({"short": "5"}, otherwise="1")),
        parent=StringMatch(),
        given=_asked | {"answer": ["long"] * 3},
        returns=[1.0, 0.0, 0.0],
    ),
    Witness(
        Judge(Scripted({"short": "[[10]]"}, otherwise="hm"), Score()),
        parent=Judge(Scripted({"short": "5"}, otherwise="1")),
        given=_asked,
        returns=[1.0, math.nan, math.nan],
    ),
    Witness(Judge(_first_short, Preference()), parent=Judge(_first_short, Score(low=0)), given=_asked, returns=[1.0, 0.0, None]),
    Witness(
        Judge(Scripted(otherwise="[[1, 10]]"), Scores()),
        parent=Judge(Scripted(otherwise="[[1, 10]]")),
        given=_asked,
        returns=[0.0, 1.0, None],
    ),
    Witness(
        Judge(Scripted({"It is brief": "5"}, otherwise="1"), rubric=_rubric),
        parent=Judge(Scripted({"It is brief": "5"}, otherwise="1")),
        given=_asked,
        returns=[1.0, 1.0, 1.0],
    ),
    Witness(
        Judge(Scripted({"It is brief": "5"}, otherwise="1")),
        parent=Judge(Scripted({"It is brief": "5"}, otherwise="1"), own_rubric="criteria"),
        given=_asked | {"rubric": [_rubric, None, None]},
        returns=[1.0, 0.0, 0.0],
    ),
    Witness(
        Judge(Scripted({"so it is": "5"}, otherwise="1"), reference="answer"),
        parent=Judge(Scripted({"so it is": "5"}, otherwise="1")),
        given=_asked | {"answer": ["so it is"] * 2 + [None]},
        returns=[1.0, 1.0, 0.0],
    ),
)
