"""Evidence sufficiency: whether somebody who sees nothing but the evidence that was written down comes to the right answer.

    reward = token F1 of what ``model`` answers to (question, evidence) and the gold answer        0 to 1; 0 where no evidence is written down

The evidence is what ``evidence`` finds last in the completion. ``model`` is a language model that runs here, or a part of ``feedback.writers``; it stays as it is, and should be
another than the policy, whose own beliefs would answer for the evidence. Evidence that says the answer without a reason is sufficient too: beside a reward for the answer it earns
nothing that a right answer does not. The column ``answer`` holds a text, or several of which the best counts; None gives None.

Source: R-Search, Zhao et al. 2025, arXiv 2506.04185, and its authors' code (QingFei1/R-Search, ``qa_f1.py``, ``evidence_eval``), where Llama-3.2-3B reads, evidence counts from two
searches on only, and the tag's name is the default; the question's wording: ours.
Differs from TokenF1: the completion's own answer is not looked at."""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from guerdon.errors import InputError
from guerdon.feedback.asked import writer_of
from guerdon.feedback.fencing import fenced, mark_of
from guerdon.feedback.number import NoNumber
from guerdon.feedback.rewards.token_f1 import TokenF1, f1
from guerdon.feedback.text import gold_text, whole_text
from guerdon.feedback.writers import Question, Writer
from guerdon.feedback.writers.scripted import Scripted
from guerdon.witness import Witness

ASKS = "Answer the question from the evidence alone. Reply with the answer and nothing else."


@dataclass(frozen=True)
class EvidenceSufficiency:
    model: Writer
    evidence: str = r"<original_evidence>([\s\S]*?)</original_evidence>"
    asks: str = ASKS
    max_tokens: int = 64

    def __post_init__(self) -> None:
        if re.compile(self.evidence).groups != 1:
            raise InputError(f"evidence_sufficiency.evidence: {self.evidence!r} is to have one group, which holds the evidence")

    def __call__(self, prompts: list[Any], completions: list[Any], answer: list[Any], **columns: list[Any]) -> list[float | None]:
        gold = [[text for one in _several(own) if (text := gold_text(one))] for own in answer]
        shown = [(re.findall(self.evidence, whole_text(completion)) or [""])[-1].strip() for completion in completions]
        asked = [row for row, (accepted, text) in enumerate(zip(gold, shown, strict=True)) if accepted and text]
        found: list[float | None] = [0.0 if accepted else None for accepted in gold]
        said = self._writer([self._question(prompts[row], shown[row]) for row in asked]) if asked else []
        for row, one in zip(asked, said, strict=True):
            found[row] = NoNumber(f"has no number: {one.why}") if one.why else max(f1(one.text, text) for text in gold[row])
        return found

    def _question(self, prompt: Any, evidence: str) -> Question:
        text = prompt if isinstance(prompt, str) else str(prompt[-1].get("content") or "")
        mark = mark_of(0, [text, evidence])
        told = "\n\n".join((fenced("question", text, mark), fenced("evidence", evidence, mark), self.asks))
        return Question(({"role": "user", "content": told},), max_tokens=self.max_tokens)

    @cached_property
    def _writer(self) -> Writer:
        return writer_of(self.model)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_writer"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)


def _several(gold: Any) -> list[Any]:
    return list(gold) if isinstance(gold, list | tuple) else [gold]


def _wrote(evidence: str, answer: str) -> str:
    return f"<original_evidence>{evidence}</original_evidence><answer>{answer}</answer>"


_reader = Scripted({"of France": "Paris", "of Peru": "Lima it is"}, otherwise="no idea")
_asked = {
    "prompts": ["q"] * 5,
    "completions": [
        _wrote("of France", "Rome"),
        _wrote("rain", "Paris"),
        _wrote("of Peru", "Rome"),
        "<answer>Paris</answer>",
        _wrote("x", "y"),
    ],
    "answer": ["Paris", "Paris", ["Cusco", "Lima"], "Paris", None],
}
witness = (
    Witness(EvidenceSufficiency(_reader), parent=TokenF1(), given=_asked, returns=[1.0, 0.0, 0.5, 0.0, None]),
    Witness(
        EvidenceSufficiency(_reader, evidence="<e>(.*?)</e>"),
        parent=EvidenceSufficiency(_reader),
        given=_asked | {"completions": ["<e>of Peru</e><e>of France</e>"] * 5},
        returns=[1.0, 1.0, 0.0, 1.0, None],
    ),
    Witness(
        EvidenceSufficiency(Scripted({"Say it": "Paris"}), asks="Say it."),
        parent=EvidenceSufficiency(Scripted({"Say it": "Paris"})),
        given=_asked,
        returns=[1.0, 1.0, 0.0, 0.0, None],
    ),
)
