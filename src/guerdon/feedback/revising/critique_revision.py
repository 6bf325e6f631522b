"""Critique and revision: a writer says in which way an answer breaks a principle, then writes it anew, again and again by principles that are drawn.

    answer_0 = the completion;  of each of ``rounds`` rounds:  critique = writer(prompt, answer_r, principle_r),  answer_r+1 = writer(prompt, answer_r, principle_r, critique)

``principles`` are sentences of what an answer has to be; a row draws one for each round, anew. What comes back are the rows with the last answer as ``completion``, the one they
came with as ``first``, and ``revisions`` and ``critiques``, one of each for each round. Without ``critique`` an answer is revised at once, and ``critiques`` is empty.

Source: Constitutional AI, Bai et al. 2022, arXiv 2212.08073, by its abstract and summaries: self-critiques and revisions by principles drawn at random, four times, then
supervised learning on what was revised; with and without critiques. Words and ``max_tokens`` are ours. There the first answers are those of a helpful model to requests for harm.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guerdon.errors import InputError
from guerdon.feedback.fencing import NOTICE, fenced, mark_of
from guerdon.feedback.formats._asking import prompt_text
from guerdon.feedback.text import answer_text
from guerdon.feedback.writers import Question, Writer
from guerdon.feedback.writers.scripted import Scripted
from guerdon.randomness import derive
from guerdon.witness import Witness

FINDS = "An answer should be as follows: {principle}\nSay in which ways this answer is not, and quote what shows it. If it is, say so."
MENDS = (
    "An answer should be as follows: {principle}\nWrite the answer anew so that it is, and change nothing else that is good in it. "
    "Reply with the new answer and nothing else."
)


@dataclass(frozen=True)
class CritiqueRevision:
    principles: tuple[str, ...]
    rounds: int = 4
    critique: bool = True
    max_tokens: int = 512

    def __post_init__(self) -> None:
        if not self.principles or isinstance(self.principles, str) or self.rounds < 1:
            raise InputError(
                f"critique_revision: principles are one sentence or more, in a list, and rounds 1 or more; not {self.principles!r} and {self.rounds}"
            )

    def __call__(self, writer: Writer, rows: Sequence[Mapping[str, Any]], seed: int = 0) -> list[dict[str, Any]]:
        for row in rows:
            if row.get("prompt") is None or row.get("completion") is None:
                raise InputError(
                    f"critique_revision: a row needs a prompt and a completion, and one has only {', '.join(row) or 'nothing'}"
                )
        done = [_Row(row, seed) for row in rows]
        for _ in range(self.rounds):
            going = [one for one in done if not one.why]
            drawn = [one.draws.choice(self.principles) for one in going]
            if self.critique:
                self._ask(writer, FINDS, going, drawn, seed, "critiques")
            again = [(one, principle) for one, principle in zip(going, drawn, strict=True) if not one.why]
            self._ask(writer, MENDS, [one for one, _ in again], [principle for _, principle in again], seed, "revisions")
        return [one.told() for one in done]

    def _ask(self, writer: Writer, asks: str, rows: "Sequence[_Row]", principles: Sequence[str], seed: int, into: str) -> None:
        questions = []
        for one, principle in zip(rows, principles, strict=True):
            texts = {"question": prompt_text(one.row["prompt"]), "answer": one.answer}
            if into == "revisions" and self.critique:
                texts["critique"] = one.critiques[-1]
            mark = mark_of(seed, list(texts.values()))
            system = f"You better answers to questions. {NOTICE.format(mark=mark)}"
            user = "\n\n".join([*(fenced(name, text, mark) for name, text in texts.items()), asks.format(principle=principle)])
            messages = ({"role": "system", "content": system}, {"role": "user", "content": user})
            questions.append(Question(messages, max_tokens=self.max_tokens, seed=seed))
        for one, answer in zip(rows, writer(questions) if questions else [], strict=True):
            text = answer.text.strip()
            if answer.why or not text:
                one.why = answer.why or f"round {len(one.revisions) + 1} brought no text"
            else:
                getattr(one, into).append(text)


class _Row:
    """How far a row has come."""

    def __init__(self, row: Mapping[str, Any], seed: int) -> None:
        first = answer_text(row["completion"], row["prompt"])
        self.row, self.first, self.why = row, first, ""
        self.revisions: list[str] = []
        self.critiques: list[str] = []
        self.draws = random.Random(derive(seed, "principles", prompt_text(row["prompt"]), first))

    @property
    def answer(self) -> str:
        return self.revisions[-1] if self.revisions else self.first

    def told(self) -> dict[str, Any]:
        spoken = self.answer if isinstance(self.row["completion"], str) else [{"role": "assistant", "content": self.answer}]
        broken = {"why": self.why} if self.why else {}
        made = {"completion": spoken, "first": self.row["completion"], "revisions": self.revisions, "critiques": self.critiques}
        return {**self.row, **made, **broken}


_rows = [{"prompt": "Hello?", "completion": "Go away."}]
_two = Scripted({"Fine day\n</answer": "Fine day, friend", "Say in which": "It is rude.", "It is rude.": "Fine day", "anew": "Hm."})
_kind = CritiqueRevision(("It is kind.",), rounds=1)
_told = {"prompt": "Hello?", "completion": "Fine day", "first": "Go away.", "revisions": ["Fine day"], "critiques": ["It is rude."]}
_plain = {"prompt": "Hello?", "completion": "Hm.", "first": "Go away.", "revisions": ["Hm."], "critiques": []}
witness = (
    Witness(_kind, given={"writer": _two, "rows": _rows}, returns=[_told]),
    Witness(
        CritiqueRevision(("It is kind.",), rounds=1, critique=False), parent=_kind, given={"writer": _two, "rows": _rows}, returns=[_plain]
    ),
    Witness(  # the second critique and the second revision say the same, by this writer
        CritiqueRevision(("It is kind.",), rounds=2),
        parent=_kind,
        given={"writer": _two, "rows": _rows},
        returns=[
            _told
            | {
                "completion": "Fine day, friend",
                "revisions": ["Fine day", "Fine day, friend"],
                "critiques": ["It is rude.", "Fine day, friend"],
            }
        ],
    ),
    Witness(
        CritiqueRevision(("It is brief.",), rounds=1),
        parent=_kind,
        given={"writer": Scripted({"brief": "", "kind": "Welcome."}), "rows": _rows},
        returns=[
            {
                "prompt": "Hello?",
                "completion": "Go away.",
                "first": "Go away.",
                "revisions": [],
                "critiques": [],
                "why": "round 1 brought no text",
            }
        ],
    ),
)
