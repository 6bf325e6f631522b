"""Selected vote: a judge is asked several times, somebody says which of its answers are worth something, and those are averaged.

    value = mean over the ``kept`` of the ``votes`` verdicts that ``meta`` scores highest, of those that can be read; none where none can

``meta(case, said)`` is told the case and what the judge wrote, and gives a number: a small reward model of judgements. Of equal numbers the first count. Of many answers each
one's numbers are averaged.

Source: DeepSeek-GRM, Liu et al. 2025, arXiv 2504.02495, section 3.3 by its abstract and summaries: a meta reward model is trained to tell right judgements from wrong ones,
and guides the vote by leaving out the worse ones; scores are summed there, which orders alike. ``votes`` 8 and ``kept`` 4 (half of them): ours.
Differs from MeanVote: not all votes count.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from guerdon.errors import InputError
from guerdon.feedback.formats import Case, Format, Verdict
from guerdon.feedback.formats.mean_vote import Fickle, MeanVote, enough, mean_of, polled, read_of
from guerdon.feedback.formats.preference import Preference
from guerdon.feedback.writers import Writer
from guerdon.witness import Witness


@dataclass(frozen=True)
class SelectedVote:
    of: Format
    meta: Callable[[Case, str], float]
    votes: int = 8
    kept: int = 4
    temperature: float = 1.0

    def __post_init__(self) -> None:
        enough(self.votes, self.temperature)
        if not 1 <= self.kept <= self.votes:
            raise InputError(f"selected_vote: {self.kept} of {self.votes} votes are kept; keep at least one, and no more than there are")

    @property
    def takes(self) -> int | None:
        return self.of.takes

    def __call__(self, writer: Writer, cases: Sequence[Case], seed: int = 0) -> list[Verdict]:
        asked = polled(self.of, writer, cases, seed, self.votes, self.temperature)
        return [self._of(case, said) for case, said in zip(cases, asked, strict=True)]

    def _of(self, case: Case, said: Sequence[Verdict]) -> Verdict:
        """The mean of those that are chosen; what all of them cost."""
        chosen = mean_of(self._chosen(case, said))
        return replace(chosen, read=sum(one.read for one in said), written=sum(one.written for one in said), parts=tuple(said))

    def _chosen(self, case: Case, said: Sequence[Verdict]) -> Sequence[Verdict]:
        read = read_of(said)
        worth = sorted(range(len(read)), key=lambda i: -self.meta(case, read[i].said))[: self.kept]
        return [read[i] for i in sorted(worth)] or said


def _length(case: Case, said: str) -> float:
    return float(len(said))


_case = [Case("Which?", ("long", "short"))]
_three = Fickle(("So. [[A]]", "[[B]]", "Sure. [[A]]"))
witness = (
    Witness(
        SelectedVote(Preference(), _length, votes=3, kept=2),
        parent=MeanVote(Preference(), votes=3),
        given={"writer": _three, "cases": _case},
        returns=[Verdict(1.0, "So. [[A]]\n\n---\n\nSure. [[A]]")],
    ),
    Witness(
        SelectedVote(Preference(), _length, votes=2, kept=2),
        parent=SelectedVote(Preference(), _length, votes=3, kept=2),
        given={"writer": _three, "cases": _case},
        returns=[Verdict(0.5, "So. [[A]]\n\n---\n\n[[B]]")],
    ),
    Witness(
        SelectedVote(Preference(), _length, votes=3, kept=1),
        parent=SelectedVote(Preference(), _length, votes=3, kept=2),
        given={"writer": _three, "cases": _case},
        returns=[Verdict(1.0, "Sure. [[A]]")],
    ),
    Witness(
        SelectedVote(Preference(), lambda case, said: -_length(case, said), votes=3, kept=1),
        parent=SelectedVote(Preference(), _length, votes=3, kept=1),
        given={"writer": _three, "cases": _case},
        returns=[Verdict(0.0, "[[B]]")],
    ),
)
