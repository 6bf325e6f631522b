"""Question: the policy is asked about an answer, and one word is what it may say of it.

    prompt, completion → ``says`` in answer to ``asks`` with {prompt} and {completion} filled in        of messages the text of the last one

With ``likelihood`` this is the policy as its own judge: how likely "Yes" is. With the ``other`` word beside it (``likelihood_gap``) only what tells the two apart counts.

Source: the question of IPO (Implicit Preference Optimization), arXiv 2502.16182: P(Yes) of whether a response is good; the judge of self-rewarding models, arXiv
2401.10020, in the place of whose five points one word stands. The wording is ours.
Differs from OwnConclusion: an answer is read and not continued.
Only for texts: a finite world has no words to ask in.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from guerdon.errors import InputError
from guerdon.feedback.conclusions import is_actions
from guerdon.feedback.recasting import Recast
from guerdon.feedback.recasting.own_conclusion import OwnConclusion
from guerdon.feedback.text import whole_text
from guerdon.witness import Witness


@dataclass(frozen=True)
class Question:
    asks: str = "Question: {prompt}\nAnswer: {completion}\nIs this a good answer? Answer Yes or No.\n"
    says: str = "Yes"

    def __call__(self, prompt: Any, completion: Any, row: Mapping[str, Any]) -> Recast | None:
        if is_actions(completion) and not isinstance(completion, str):
            raise InputError("question: the policy is asked in words, and this world has none; use a task of texts")
        asked = prompt if isinstance(prompt, str) else str(prompt[-1].get("content") or "")
        text = self.asks.replace("{prompt}", asked).replace("{completion}", whole_text(completion))
        return Recast(text if isinstance(prompt, str) else [{"role": "user", "content": text}], "", self.says)


witness = Witness(
    Question("{prompt} {completion}: good?", "Y"),
    parent=OwnConclusion(),
    given={"prompt": "2+3?", "completion": "5", "row": {}},
    returns={"prompt": "2+3? 5: good?", "begun": "", "measured": "Y"},
)
