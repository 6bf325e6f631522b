r"""Mathematical equivalence: 1 where a completion's answer means the same as the gold answer, however it is written.

    reward = right if some expression that the completion answers with equals the gold answer, symbolically or to 6 digits, else wrong

The column ``answer`` holds LaTeX with or without its delimiters (``\frac{1}{3}``, ``$x^2-1$``, ``\boxed{[0,1)}``), a plain expression or
number, or a worked solution that ends on ``#### 72``. A gold that cannot be read as mathematics gives None (or, with
``strict``, an InputError), never 1: a parser that makes nothing of both sides finds them equal. A completion that cannot be read is wrong.

Source: math-verify, https://github.com/huggingface/Math-Verify, whose default extraction reads LaTeX and plain expressions, boxed ones
first, and whose default precision is 6 digits. The equality of sets, intervals and equations is the library's.
Differs from NumberMatch: fractions, roots, sets and formulas count too.
Symbolic simplification may take very long on a hostile answer, so it runs where it can be stopped, and the library's own alarm
(which works in the main thread of a process only) is off.
"""

import logging
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

from guerdon.errors import InputError
from guerdon.feedback.apart import judge_apart
from guerdon.feedback.rewards.number_match import NumberMatch
from guerdon.feedback.text import final_text
from guerdon.witness import Witness

_DELIMITED = re.compile(r"\$|\\\(|\\\[|\\boxed")
_WORD = re.compile(r"(?<![\\A-Za-z])[A-Za-z]{3,}")
_IN_WORDS = re.compile(r"\\(?:text|mathrm|textbf|operatorname|begin|end)\{[^}]*\}")


@dataclass(frozen=True)
class MathEquivalence:
    may_hang: ClassVar[bool] = True

    strict: bool = False
    right: float = 1.0
    wrong: float = 0.0

    def __call__(self, prompts: list[Any], completions: list[Any], answer: list[Any], **columns: list[Any]) -> list[float | None]:
        return judge_apart(self, prompts=prompts, completions=completions, answer=answer)

    def judge(self, prompts: list[Any], completions: list[Any], answer: list[Any]) -> list[float | None]:
        """The verdicts, in this process and without a limit."""
        return [self._judge(completion, gold, row) for row, (completion, gold) in enumerate(zip(completions, answer, strict=True))]

    def prepare(self) -> None:
        """Import the library and let it build its parser, which takes seconds, before a completion is timed."""
        _library().parse("$1$", parsing_timeout=None)

    def _judge(self, completion: Any, gold: Any, row: int) -> float | None:
        wanted = None if gold is None else parse_gold(str(gold))
        if not wanted:
            if self.strict:
                raise InputError(
                    f"the answer {gold!r} of row {row} of the batch cannot be read as mathematics: mend it, or set strict=false"
                )
            return None
        library = _library()
        said = library.parse(final_text(completion), parsing_timeout=None)
        return self.right if said and library.verify(list(wanted), said, timeout_seconds=None) else self.wrong


@lru_cache(maxsize=4096)
def parse_gold(gold: str) -> tuple[Any, ...]:
    """What the gold answer can be read as; empty where it is not mathematics."""
    parse = _library().parse
    text = gold.rpartition("####")[2].strip()
    if not text:
        return ()
    bare = not _DELIMITED.search(text) and not _WORD.search(_IN_WORDS.sub("", text))
    read = tuple(parse(f"${text}$" if bare else text, parsing_timeout=None))
    return read if any(not isinstance(one, str) for one in read) else ()  # text that it could only copy is not read


def _library() -> Any:
    try:
        import math_verify
    except ImportError as error:
        raise InputError("mathematical equivalence needs the math-verify library: install guerdon[math]") from error
    for name in ("math_verify.parser", "math_verify.grader"):
        logging.getLogger(name).setLevel(logging.ERROR)  # it warns at each call that its alarm is off
    return math_verify


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
