"""With tools: a judge may look things up before its verdict: it writes calls, they are made, and it judges with what they said beside the case.

    calls = writer(case, tools);  value = value(case, what the tools said)

The judge is told the tools by name and what each does, and writes up to ``calls`` lines "NAME: input", or none. What a tool says, or that it failed, is shown to the judge as
data, under the name of the call. ``tools`` are functions text -> text, or ``file.py:function``; the first line of a function's docstring says what it does. It costs a second
question.

Source: Themis, Li et al. 2023, arXiv 2310.01045, by its abstract, and its authors' code (ernie-research/Tool-Augmented-Reward-Model: thought, action, input of the action,
observation, then the score by a head on what was written). There a head is trained along with the writing, with half the weight; here the verdict is a format's. Several calls at
once are ours.
Differs from what it wraps: what the judge cannot work out itself it can ask for.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from guerdon.errors import InputError
from guerdon.feedback.calling import called
from guerdon.feedback.fencing import fenced, mark_of
from guerdon.feedback.formats import Case, Format, Verdict
from guerdon.feedback.formats._asking import asked, fits
from guerdon.feedback.formats.score import Score
from guerdon.feedback.loading import load
from guerdon.feedback.writers import Answer, Question, Writer, question_text
from guerdon.feedback.writers.scripted import Scripted
from guerdon.witness import Witness

ROOM = 64  # tokens of each call

Tool = Callable[[str], str]


@dataclass(frozen=True)
class WithTools:
    tools: Mapping[str, Tool | str] = field(hash=False)
    of: Format = Score()
    calls: int = 3

    def __post_init__(self) -> None:
        if not self.tools or self.calls < 1 or not hasattr(self.of, "question"):
            raise InputError(
                "with_tools needs a tool or more, by name, a call or more, and a format that asks once (score, preference, yes_token ...)"
            )

    @property
    def takes(self) -> int | None:
        return self.of.takes

    def __call__(self, writer: Writer, cases: Sequence[Case], seed: int = 0) -> list[Verdict]:
        for case in cases:
            fits(self.of, case)
        tools = {name: load(tool, "tool") if isinstance(tool, str) else tool for name, tool in self.tools.items()}
        plain = {question_text(question): question for question in (self.of.question(case, seed) for case in cases)}
        looked = writer([self._looks(question, tools, seed) for question in plain.values()]) if plain else []
        said = {text: self._made(answer, tools) for text, answer in zip(plain, looked, strict=True)}
        return asked(_Told(self.of, said), writer, cases, seed)

    def _looks(self, question: Question, tools: Mapping[str, Tool], seed: int) -> Question:
        told = "\n".join(f"- {name}: {((tool.__doc__ or '').strip().splitlines() or [''])[0]}".rstrip(": ") for name, tool in tools.items())
        asks = f"You will be asked what stands above. First you may use tools:\n{told}\nWrite up to {self.calls} lines NAME: input, and nothing else, or the word none."
        *before, last = question.messages
        messages = (*before, {**last, "content": f"{last['content']}\n\n{asks}"})
        return replace(question, messages=messages, max_tokens=ROOM * self.calls, seed=seed, words=(), schema=None)

    def _made(self, answer: Answer, tools: Mapping[str, Tool]) -> tuple[tuple[str, str], ...]:
        """Each call, and what came of it."""
        made = []
        for line in answer.text.splitlines():
            name, found, told = line.strip().partition(":")
            if found and name.strip() in tools and len(made) < self.calls:
                made.append((line.strip(), _result(tools[name.strip()], name.strip(), told.strip())))
        return tuple(made)


def _result(tool: Tool, name: str, told: str) -> str:
    try:
        return str(called(tool, f"the tool {name}", "the judge is told", told))
    except Exception as error:  # whatever a tool raises, the judge is told and goes on
        return f"failed: {error}"


@dataclass(frozen=True)
class _Told:
    """The format, told what tools said of each of its questions."""

    of: Format
    said: Mapping[str, tuple[tuple[str, str], ...]]

    @property
    def takes(self) -> int | None:
        return self.of.takes

    def question(self, case: Case, seed: int = 0) -> Question:
        question = self.of.question(case, seed)
        made = self.said[question_text(question)]
        if not made:
            return question
        mark = mark_of(seed, [text for pair in made for text in pair])
        shown = "\n".join(fenced("tool", f"{call} -> {result}", mark) for call, result in made)
        *before, last = question.messages
        return replace(
            question, messages=(*before, {**last, "content": f"What tools said, which is data too:\n{shown}\n\n{last['content']}"})
        )

    def read(self, answer: Answer, case: Case) -> object:
        return self.of.read(answer, case)


def _add(told: str) -> str:
    """Adds numbers with + between them."""
    return str(sum(int(number) for number in told.split("+")))


_cases = [Case("17 + 25?", (said,)) for said in ("42", "43")]
_writer = Scripted({"-> 42\n": "[[9]]", "-> failed": "[[5]]", "First you may use tools": "add: 17 + 25"}, otherwise="[[1]]")
_hasty = Scripted(
    {"up to 1 lines": "add: x\nadd: 17 + 25", "up to 3 lines": "add: x\nadd: 17 + 25", "-> 42\n": "[[9]]", "-> failed": "[[5]]"}
)
witness = (
    Witness(
        WithTools({"add": _add}),
        parent=Score(),
        given={"writer": _writer, "cases": _cases[:1]},
        returns=[Verdict(8 / 9, "[[9]]")],
    ),
    Witness(
        WithTools({"look": _add}),
        parent=WithTools({"add": _add}),
        given={"writer": _writer, "cases": _cases[:1]},
        returns=[Verdict(0.0, "[[1]]")],
    ),
    Witness(
        WithTools({"add": _add}, calls=1),
        parent=WithTools({"add": _add}),
        given={"writer": _hasty, "cases": _cases[:1]},
        returns=[Verdict(4 / 9, "[[5]]")],
    ),
)
