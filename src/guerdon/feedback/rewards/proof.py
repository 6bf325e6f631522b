"""Proof: whether a completion proves a formula from premises, line by line.

    reward = right if every line follows and the last is the conclusion, under no assumption, else wrong

The columns ``premises`` (a list of formulas of propositional logic, or one) and ``conclusion``; the proof is the last block of the completion after its thinking,
or all of it where there is no block: "3. Q   mp 1, 2". ``guerdon.feedback.deduction`` lists the rules and how formulas are written. A row without a
conclusion gives None.

Source: natural deduction with the assumptions kept for each line, Lemmon 1965, Beginning Logic, chapter 1. Which names the rules have is ours.
Differs from Plan: what holds is never taken back.
"""

from dataclasses import dataclass
from typing import Any

from guerdon.errors import InputError
from guerdon.feedback.deduction import Unproved, parsed, proved
from guerdon.feedback.fences import last_block
from guerdon.feedback.rewards.string_match import StringMatch
from guerdon.feedback.text import answer_text
from guerdon.witness import Witness

_LANGUAGES = ("proof", "text")


@dataclass(frozen=True)
class Proof:
    right: float = 1.0
    wrong: float = 0.0

    def __call__(
        self, prompts: list[Any], completions: list[Any], premises: list[Any], conclusion: list[Any], **columns: list[Any]
    ) -> list[float | None]:
        return [self._judge(*row) for row in zip(prompts, completions, premises, conclusion, strict=True)]

    def _judge(self, prompt: Any, completion: Any, premises: Any, conclusion: Any) -> float | None:
        if conclusion is None:
            return None
        premises = premises.tolist() if hasattr(premises, "tolist") else premises
        given = [premises] if isinstance(premises, str) else list(premises or ())
        try:
            wanted = parsed(str(conclusion))
            for premise in given:
                parsed(str(premise))
        except Unproved as error:
            raise InputError(f"a row of the proof reward cannot be read: {error}") from error
        try:
            lines = proved(last_block(answer_text(completion, prompt), _LANGUAGES) or "", [str(premise) for premise in given])
        except Unproved:
            return self.wrong
        return self.right if lines and lines[-1].formula == wanted and not lines[-1].under else self.wrong


witness = Witness(
    Proof(),
    parent=StringMatch(),
    given={
        "prompts": ["q"] * 3,
        "completions": [
            "1. P -> Q  premise\n2. Q -> R  premise\n3. P  assume\n4. Q  mp 1, 3\n5. R  mp 2, 4\n6. P -> R  cp 3, 5",
            "1. P -> Q  premise\n2. Q -> R  premise\n3. P  assume\n4. Q  mp 1, 3\n5. R  mp 2, 4",  # under an assumption, and another formula
            "1. P -> R  premise",  # it is none
        ],
        "premises": [["P -> Q", "Q -> R"]] * 3,
        "conclusion": ["P -> R"] * 3,
        "answer": ["P -> R"] * 3,
    },
    returns=[1.0, 0.0, 0.0],
)
