"""Code: whether a program that a completion wrote does what the tests of its row ask for.

    reward = right if every test holds else wrong                          ``partial``: wrong + (right - wrong) * share of the tests that hold

The program is the last block of Python of what the completion says after its thinking, or all of it where there is no block; one that was cut off is
none. Where the prompt is the beginning of a function, as in HumanEval, and the completion goes on with it instead of defining it, the program is both, up to
where the function ends. What ``preamble`` defines a program need not import: the names of typing, which tasks from LeetCode use and do not import.

The column ``tests`` asks for what it prints, for what a function returns, or is Python: asserts, functions, unittest
(``guerdon.feedback.sandbox.asked`` lists the forms); the column ``entry_point``, where there is one, names the function. A row whose tests cannot be read,
or ask nothing of the program, gives None.

The program runs in a sandbox (``guerdon.feedback.sandbox``): no network, no files but its own, bounds on time, memory, output and processes, and nothing
is left of it. It never sees what is expected: what it prints or returns is compared outside, and tests that are text are run in another process,
for which a call of the program is a question that is answered with plain values. So a test in which an object of a class that the program defined is
compared by a method of its own fails, as do tests that catch what is printed, or patch the program's modules. With ``require_isolation`` a machine on which
the program could still reach something is refused; without, a warning says what it could reach.

``workers`` programs run at once (0: as many as there are processors). ``seconds`` is the time of one run: a standard input, all calls of a function, or
all tests of a text.

Source: the rewards from unit tests of CodeRL, arXiv 2207.01780, and the rule-based one of DeepSeek-R1, arXiv 2501.12948, section 2.2.2.
``partial`` false: as most trainers do; 5 s and 1 GiB are ours.
Differs from StringMatch: reads what the answer does, not what it says.
"""

import ast
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from typing import Any, ClassVar

from guerdon.errors import InputError
from guerdon.feedback.fences import last_block
from guerdon.feedback.rewards.string_match import StringMatch
from guerdon.feedback.sandbox.asked import Printing, Returning, Testing, asked, named
from guerdon.feedback.sandbox.equality import equal
from guerdon.feedback.sandbox.limits import Limits
from guerdon.feedback.sandbox.pool import Box, size
from guerdon.feedback.sandbox.printing import same_text
from guerdon.feedback.sandbox.programs import Nothing, Tested, printed, returned, tested
from guerdon.feedback.text import answer_text
from guerdon.witness import Witness

_LANGUAGES = ("python", "py", "python3")


@dataclass(frozen=True)
class Code:
    elsewhere: ClassVar[bool] = True  # in processes of its own: a run goes on meanwhile

    partial: bool = False
    seconds: float = 5.0
    memory: int = 2**30
    processes: int = 1
    require_isolation: bool = False
    packages: tuple[str, ...] = ()
    preamble: str = "from typing import *"
    tolerance: float = 1e-6
    workers: int = 0
    right: float = 1.0
    wrong: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "packages", tuple(self.packages))
        self._limits  # noqa: B018 refuses what cannot be
        try:
            ast.parse(self.preamble)
        except (SyntaxError, ValueError) as error:
            raise InputError(f"the preamble of the code reward is no Python: {error}") from error

    def __call__(
        self, prompts: list[Any], completions: list[Any], tests: list[Any], entry_point: list[Any] | None = None, **columns: list[Any]
    ) -> list[float | None]:
        entries = entry_point if entry_point is not None else [None] * len(completions)
        with ThreadPoolExecutor(min(size(self.workers), max(len(completions), 1)), "guerdon-programs") as threads:
            return list(threads.map(self._judge, prompts, completions, tests, entries))

    def examine(self, program: str, tests: Any, entry_point: str | None = None) -> Tested | None:
        """How many of the tests hold for a program, and why the first does not; None where the tests cannot be read."""
        wanted = asked(tests, entry_point)
        return None if wanted is None else _EXAMINED[type(wanted)](self, program, wanted)

    def _judge(self, prompt: Any, completion: Any, tests: Any, entry: Any) -> float | None:
        program = _continued(prompt, completion, named(entry)) or last_block(answer_text(completion, prompt), _LANGUAGES)
        if program is None:
            return None if asked(tests, entry) is None else self.wrong
        found = self.examine(program, tests, entry)
        if found is None:
            return None
        share = found.passed / found.of if self.partial else float(found.passed == found.of)
        return self.wrong + (self.right - self.wrong) * share

    def _printing(self, program: str, wanted: Printing) -> Tested:
        passed, why = 0, ""
        for given, expected in wanted.cases:
            said = printed(self._box, program, given, self._limits, size(self.workers), self.preamble)
            if said is not None and same_text(said, expected, self.tolerance):
                passed += 1
                continue
            why = why or ("it failed or took too long" if said is None else "it printed something else")
            if not self.partial:
                break
        return Tested(passed, len(wanted.cases), why)

    def _returning(self, program: str, wanted: Returning) -> Tested:
        cases = [(arguments, named) for arguments, named, _ in wanted.cases]
        found = returned(self._box, program, wanted.name, cases, self._limits, size(self.workers), self.preamble)
        holds = [
            any(equal(value, one, self.tolerance) for one in any_of) for value, (_, _, any_of) in zip(found, wanted.cases, strict=True)
        ]
        first = next((value for value, held in zip(found, holds, strict=True) if not held), None)
        why = "" if all(holds) else first.why if isinstance(first, Nothing) else "it returned something else"
        return Tested(sum(holds), len(holds), why)

    def _testing(self, program: str, wanted: Testing) -> Tested:
        return tested(self._box, program, wanted.text, wanted.entry, self._limits, size(self.workers), self.preamble)

    @property
    def _limits(self) -> Limits:
        return Limits(self.seconds, self.memory, processes=self.processes)

    @cached_property
    def _box(self) -> Box:
        box = Box(self.require_isolation, self.packages)
        if self.preamble and printed(box, "", "", self._limits, size(self.workers), self.preamble) is None:
            raise InputError(
                f"the preamble of the code reward cannot be run in the sandbox, so that no program could: {self.preamble[:100]!r}"
            )
        return box


def _continued(prompt: Any, completion: Any, entry: str | None) -> str | None:
    """A function that the prompt begins and the completion goes on with, up to its end; None where the prompt begins none, or the completion defines it itself."""
    if (
        not (isinstance(prompt, str) and isinstance(completion, str) and entry and f"def {entry}(" in prompt)
        or f"def {entry}(" in completion
    ):
        return None
    first, *lines = completion.split("\n")
    body = [first, *takewhile(lambda line: not line.strip() or line[0].isspace(), lines)]
    try:
        ast.parse(program := prompt + "\n".join(body))
        return program
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


_EXAMINED: dict[type, Callable[[Code, str, Any], Tested]] = {
    Printing: Code._printing,
    Returning: Code._returning,
    Testing: Code._testing,
}

_asks = {"name": "double", "args": [4], "expected": 8}
witness = (
    Witness(
        Code(),
        parent=StringMatch(),
        given={
            "prompts": ["q"] * 4,
            "completions": [
                "So:\n```python\ndef double(x):\n    return 2 * x\n```",
                "```python\ndef double(x):\n    return 8\n```",
                "```python\ndef double(x):\n    return 2 * x",
                "print(2 * int(input()))",
            ],
            "tests": [[_asks], "assert double(4) == 8\nassert double(1) == 2", [_asks], {"inputs": ["3\n"], "outputs": ["6"]}],
            "answer": ["print(2 * int(input()))"] * 4,
        },
        returns=[1.0, 0.0, 0.0, 1.0],
    ),
    Witness(
        Code(preamble=""),
        parent=Code(),
        given={"prompts": ["q"], "completions": ["def total(x: List[int]): return sum(x)"], "tests": ["assert total([1, 2]) == 3"]},
        returns=[0.0],
    ),
    Witness(
        Code(partial=True),
        parent=Code(),
        given={
            "prompts": ["q"],
            "completions": ["def double(x):\n    return 8"],
            "tests": ["assert double(4) == 8\nassert double(1) == 2"],
        },
        returns=[0.5],
    ),
)
