"""Majority vote: a judge is asked several times, at a temperature, and what it says most often counts.

    value = the most frequent value of those of the ``votes`` verdicts that can be read; the mean of the most frequent, where several are; none where none can be read

Source: self-consistency, Wang et al. 2022, arXiv 2203.11171; of judges DeepSeek-GRM, Liu et al. 2025, arXiv 2504.02495 (voting, which adds up scores). ``votes`` 5 and
``temperature`` 1: ours.
Differs from MeanVote: a few votes that are far off do not move it.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from guerdon.feedback.formats import Case, Format, Verdict
from guerdon.feedback.formats._together import together
from guerdon.feedback.formats.mean_vote import Fickle, MeanVote, enough, none_read, polled, read_of
from guerdon.feedback.formats.preference import Preference
from guerdon.feedback.writers import Writer
from guerdon.witness import Witness


@dataclass(frozen=True)
class MajorityVote:
    of: Format
    votes: int = 5
    temperature: float = 1.0

    def __post_init__(self) -> None:
        enough(self.votes, self.temperature)

    @property
    def takes(self) -> int | None:
        return self.of.takes

    def __call__(self, writer: Writer, cases: Sequence[Case], seed: int = 0) -> list[Verdict]:
        return [_most(said) for said in polled(self.of, writer, cases, seed, self.votes, self.temperature)]


def _most(said: Sequence[Verdict]) -> Verdict:
    found = read_of(said)
    if not found:
        return none_read(said)
    if isinstance(found[0].value, tuple):
        return together(said, tuple(_mode([one.value[k] for one in found]) for k in range(len(found[0].value))))
    return together(said, _mode([one.value for one in found]))


def _mode(values: Sequence[float]) -> float:
    counts = Counter(values)
    most = [value for value, count in counts.items() if count == max(counts.values())]
    return sum(most) / len(most)


_case = [Case("Which?", ("long", "short"))]
witness = (
    Witness(
        MajorityVote(Preference(), votes=3),
        parent=MeanVote(Preference(), votes=3),
        given={"writer": Fickle(("[[A]]", "[[B]]", "[[A]]")), "cases": _case},
        returns=[Verdict(1.0, "[[A]]\n\n---\n\n[[B]]\n\n---\n\n[[A]]")],
    ),
    Witness(
        MajorityVote(Preference(), votes=2),
        parent=MajorityVote(Preference(), votes=3),
        given={"writer": Fickle(("[[A]]", "[[B]]", "[[A]]")), "cases": _case},
        returns=[Verdict(0.5, "[[A]]\n\n---\n\n[[B]]")],
    ),
)
