"""Mean vote: a judge is asked several times, at a temperature, and its verdicts are averaged.

    value = mean over those of the ``votes`` verdicts that can be read; none where none can

Of many answers each one's numbers are averaged. Each vote has a seed of its own, derived from that of the call.

Source: the mean over sampled critiques, Ankner et al. 2024 (CLoud), arXiv 2408.11791 (self-consistency), and over chains of thought of a verifier, Zhang et al.
2024, arXiv 2408.15240. ``votes`` 5 and ``temperature`` 1: ours.
Differs from what it wraps: what a judge says by chance is averaged out; what it always says is not.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from guerdon.errors import InputError
from guerdon.feedback.formats import Case, Format, Verdict
from guerdon.feedback.formats._together import together
from guerdon.feedback.formats.preference import Preference
from guerdon.feedback.writers import Answer, Question, Writer
from guerdon.feedback.writers.scripted import Scripted
from guerdon.randomness import derive
from guerdon.witness import Witness


@dataclass(frozen=True)
class MeanVote:
    of: Format
    votes: int = 5
    temperature: float = 1.0

    def __post_init__(self) -> None:
        enough(self.votes, self.temperature)

    @property
    def takes(self) -> int | None:
        return self.of.takes

    def __call__(self, writer: Writer, cases: Sequence[Case], seed: int = 0) -> list[Verdict]:
        return [mean_of(said) for said in polled(self.of, writer, cases, seed, self.votes, self.temperature)]


def enough(votes: int, temperature: float) -> None:
    """See that votes can differ.

    Raises:
        InputError: they cannot.
    """
    if votes < 2 or temperature <= 0:
        raise InputError(f"votes are 2 or more, at a temperature above 0 at which they can differ; not {votes} at {temperature:g}")


def polled(of: Format, writer: Writer, cases: Sequence[Case], seed: int, votes: int, temperature: float) -> list[list[Verdict]]:
    """The votes on each case."""
    rounds = [of(Warm(writer, temperature, vote, seed), cases, seed) for vote in range(votes)]
    return [list(said) for said in zip(*rounds, strict=True)]


@dataclass(frozen=True)
class Warm:
    """A writer that is asked at another temperature, with seeds of a vote: what is shown stays the same to the letter."""

    writer: Writer
    temperature: float
    vote: int
    seed: int

    def __call__(self, questions: Sequence[Question]) -> list[Answer]:
        own = derive(self.seed, "vote", self.vote)
        return self.writer([replace(question, temperature=self.temperature, seed=own) for question in questions])


def read_of(said: Sequence[Verdict]) -> list[Verdict]:
    """Those of the votes that could be read."""
    return [one for one in said if one.value is not None]


def none_read(said: Sequence[Verdict]) -> Verdict:
    return together(said, None, f"none of {len(said)} votes could be read: {said[0].why}")


def mean_of(said: Sequence[Verdict]) -> Verdict:
    found = read_of(said)
    if not found:
        return none_read(said)
    if isinstance(found[0].value, tuple):
        return together(said, tuple(sum(each) / len(found) for each in zip(*(one.value for one in found), strict=True)))
    return together(said, sum(one.value for one in found) / len(found))


@dataclass(frozen=True)
class Fickle:
    """A writer for tests and examples that says another thing at every vote."""

    says: tuple[str, ...]

    def __call__(self, questions: Sequence[Question]) -> list[Answer]:
        order = {derive(0, "vote", vote): text for vote, text in enumerate(self.says)}
        return [Answer(order.get(question.seed, self.says[0])) for question in questions]


_case = [Case("Which?", ("long", "short"))]
_three = Fickle(("[[A]]", "[[B]]", "[[A]]"))
witness = (
    Witness(
        MeanVote(Preference(), votes=3),
        parent=Preference(),
        given={"writer": _three, "cases": _case},
        returns=[Verdict(2 / 3, "[[A]]\n\n---\n\n[[B]]\n\n---\n\n[[A]]")],
    ),
    Witness(
        MeanVote(Preference(), votes=2),
        parent=MeanVote(Preference(), votes=3),
        given={"writer": _three, "cases": _case},
        returns=[Verdict(0.5, "[[A]]\n\n---\n\n[[B]]")],
    ),
    Witness(
        MeanVote(Preference(), votes=2),
        parent=Preference(),
        given={"writer": Fickle(("so", "[[B]]")), "cases": _case},
        returns=[Verdict(0.0, "so\n\n---\n\n[[B]]")],
    ),
    Witness(
        MeanVote(Preference(), votes=2),
        parent=Preference(),
        given={"writer": Scripted(otherwise="so"), "cases": _case},
        returns=[Verdict(None, "so\n\n---\n\nso", "none of 2 votes could be read: it holds no verdict in double brackets: 'so'")],
    ),
)
