r"""Mathematical equivalence: 1 where a completion's answer means the same as the gold answer, however it is written.

    reward = right if the answer of the completion equals the gold answer, all of it, else wrong

The answer of the completion is the marked one (the last ``\boxed{}``, ``<answer>``, ``####``; ``guerdon.feedback.answers``), else what follows its
last "the answer is", its last formula between dollars, or its last number. What it says while thinking does not count, and a last box that is not
closed is no answer. What is the same is said in ``guerdon.feedback.same``: numbers agree within ``tolerance``, relatively; whole numbers exactly.

The column ``answer`` holds LaTeX with or without its delimiters (``\frac{1}{3}``, ``$x^2-1$``, ``\boxed{[0,1)}``), a plain expression or
number, several values ("1331 and 1728", "x = 3 or 4"), or a worked solution that ends on a box or on ``#### 72``; numbers and lists count as they would
be written. A gold of which not everything can be read as mathematics ("between 3 and 7"; an object) gives None (or, with ``strict``, an InputError),
never 1. A completion that cannot be read is wrong.

Source: math-verify, https://github.com/huggingface/Math-Verify, which parses single formulas here and compares relations; which text is the
answer, how it falls into parts and when two of them agree are ours, with a table of decided cases in the tests.
Differs from NumberMatch: fractions, roots, sets and formulas count too.
Parsing may take very long on a hostile answer, so it is judged apart (``guerdon.feedback.apart``), and a completion that takes too long is wrong.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

from guerdon.errors import InputError
from guerdon.feedback.answers import marked, sentence, stated
from guerdon.feedback.apart import judge_apart
from guerdon.feedback.reading import Read, Value, read, read_gold
from guerdon.feedback.rewards.number_match import NumberMatch
from guerdon.feedback.same import same
from guerdon.feedback.text import answer_text, gold_text
from guerdon.feedback.written import denied, last_number
from guerdon.witness import Witness

_STATED = re.compile(r"\b(?:results?|solutions?|values?)(?:\*\*)?\s*(?:is|are|:|=)(?:\*\*)?\s*:?", re.IGNORECASE)
_FORMULAS = re.compile(r"\$\$(.+?)\$\$|\$([^$]+)\$|\\\((.+?)\\\)|\\\[(.+?)\\\]", re.DOTALL)
_JOINT = re.compile(r"[\s,;]*(?:and|or)?[\s,;]*")
_END = 5_000  # characters at the end of a completion in which an answer that is not marked is looked for


@dataclass(frozen=True)
class MathEquivalence:
    may_hang: ClassVar[bool] = True

    strict: bool = False
    tolerance: float = 1e-6
    right: float = 1.0
    wrong: float = 0.0

    def __call__(self, prompts: list[Any], completions: list[Any], answer: list[Any], **columns: list[Any]) -> list[float | None]:
        return judge_apart(self, prompts=prompts, completions=completions, answer=answer)

    def judge(self, prompts: list[Any], completions: list[Any], answer: list[Any]) -> list[float | None]:
        """The verdicts, in this process and without a limit."""
        return [self._judge(*row, place) for place, row in enumerate(zip(prompts, completions, answer, strict=True))]

    def prepare(self) -> None:
        """Import the library and let it build its parser, which takes seconds, before a completion is timed."""
        self._judge("", "$2x$", "$x+x$", 0)

    def _judge(self, prompt: Any, completion: Any, gold: Any, row: int) -> float | None:
        stands = gold_text(gold)
        wanted = None if stands is None else _parsed_gold(stands)
        if wanted is None:
            if self.strict:
                raise InputError(
                    f"the answer {gold!r} of row {row} of the batch cannot be read as mathematics: mend it, or set strict=false"
                )
            return None
        said = read_answer(answer_text(completion, prompt))
        return self.right if said is not None and same(said, wanted, self.tolerance) else self.wrong


def parse_gold(gold: str) -> tuple[Any, ...]:
    """What the gold answer is read as; empty where not all of it is mathematics."""
    found = _parsed_gold(gold)
    return () if found is None else (found,)


@lru_cache(maxsize=4096)
def _parsed_gold(gold: str) -> Read | None:
    try:
        return read_gold(gold)
    except (ArithmeticError, AttributeError, IndexError, RecursionError, TypeError, ValueError):  # of the parser, on what is no mathematics
        return None


def read_answer(text: str) -> Read | None:
    """The answer of a completion, without its thinking; None where it gives none that can be read."""
    answer = marked(text)
    if answer is not None:
        return None if answer.text is None else read(answer.text)
    text = text[-_END:]
    whole = read(text)
    if whole is not None:
        return whole
    said = stated(text)
    found = None if said is None else read(said)
    if found is not None:
        return found
    for weaker in reversed(list(_STATED.finditer(text))[-3:]):
        said = sentence(text[weaker.end() :])
        found = read(said)
        if found is not None and not re.search(r"\d", text[weaker.end() + len(said) :]):  # a result that is worked on is not the answer
            return found
    formulas = list(_FORMULAS.finditer(text))
    if formulas:
        first = last = len(formulas) - 1
        while first and _JOINT.fullmatch(text, formulas[first - 1].end(), formulas[first].start()):
            first -= 1
        if denied(text[: formulas[first].start()]):
            return None
        joined = ", ".join(next(inner for inner in one.groups() if inner is not None) for one in formulas[first : last + 1])
        found = read(joined)
        if found is not None:
            return found if found.name is None or "=" not in joined else read(joined.rpartition("=")[2]) or found
    written = last_number(text)
    return Value(number=written) if written is not None and written.value is not None else None


witness = (
    Witness(
        MathEquivalence(),
        parent=NumberMatch(),
        given={
            "prompts": ["q"] * 5,
            "completions": [r"so $\boxed{\frac{2}{4}}$", "it is 0.5", r"$\boxed{\frac{1}{3}}$", "beats me", "no idea"],
            "answer": ["1/2", r"\frac{1}{2}", r"\frac{1}{2}", r"$\sqrt{2}$", "no idea"],
        },
        returns=[1.0, 1.0, 0.0, 0.0, None],
    ),
    Witness(
        MathEquivalence(right=2.0, wrong=-1.0),
        parent=MathEquivalence(),
        given={"prompts": ["q"] * 2, "completions": ["$1 + x$", "$x$"], "answer": ["x+1", "x+1"]},
        returns=[2.0, -1.0],
    ),
)
