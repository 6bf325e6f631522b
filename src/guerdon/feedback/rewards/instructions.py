"""Instructions: whether a completion does what its prompt asks for, where a program can tell: how long, with which words, in which form.

    reward = wrong + (right - wrong) * all of the instructions                level "prompt"
             wrong + (right - wrong) * the share of them that it follows      level "instruction"

The columns are those of IFEval's data: ``instruction_id_list`` names the instructions of a row ("punctuation:no_comma"; 25 kinds, in
``guerdon.feedback.instructed``), ``kwargs`` holds the settings of each, a dictionary or its JSON. With ``loose`` an instruction is followed as well if it is
by the text without its first or last line, or without asterisks. A row without instructions gives None. What is checked is what the completion
says after its thinking.

Source: Zhou et al., arXiv 2311.07911, and its checker, whose verdicts these are; but the language is found by script and common words
(there: langdetect), and sentences by their ends (there: a trained model, Punkt), so that no package and no model is needed.
Patterns of the data may take very long: it is judged apart, and a completion that takes too long is wrong.
Differs from Format: what is asked is the row's.
"""

import ast
import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from guerdon.errors import InputError
from guerdon.feedback.apart import judge_apart
from guerdon.feedback.instructed import follows, loosened
from guerdon.feedback.rewards.format import Format
from guerdon.feedback.text import answer_text
from guerdon.witness import Witness


@dataclass(frozen=True)
class Instructions:
    may_hang: ClassVar[bool] = True

    level: Literal["prompt", "instruction"] = "prompt"
    loose: bool = False
    right: float = 1.0
    wrong: float = 0.0

    def __post_init__(self) -> None:
        if self.level not in ("prompt", "instruction"):
            raise InputError(f"the level of the instructions reward is prompt or instruction, not {self.level!r}")

    def __call__(
        self, prompts: list[Any], completions: list[Any], instruction_id_list: list[Any], kwargs: list[Any], **columns: list[Any]
    ) -> list[float | None]:
        return judge_apart(self, prompts=prompts, completions=completions, instruction_id_list=instruction_id_list, kwargs=kwargs)

    def judge(self, prompts: list[Any], completions: list[Any], instruction_id_list: list[Any], kwargs: list[Any]) -> list[float | None]:
        """The verdicts, in this process and without a limit."""
        return [self._judge(*row) for row in zip(prompts, completions, instruction_id_list, kwargs, strict=True)]

    def _judge(self, prompt: Any, completion: Any, names: Any, settings: Any) -> float | None:
        found = self.followed(answer_text(completion, prompt), names, settings)
        if not found:
            return None
        share = sum(found) / len(found) if self.level == "instruction" else float(all(found))
        return self.wrong + (self.right - self.wrong) * share

    def followed(self, text: str, names: Any, settings: Any) -> list[bool]:
        """Which of a row's instructions a text follows.

        Raises:
            InputError: one of them is unknown, or lacks a setting.
        """
        names, settings = _listed(names), _listed(settings)
        if len(names) != len(settings):
            raise InputError(f"{len(names)} instructions have the settings of {len(settings)}: kwargs holds a dictionary for each")
        texts = loosened(text) if self.loose else [text]
        return [any(follows(name, _settings(own), one) for one in texts) for name, own in zip(names, settings, strict=True)]


def _listed(column: Any) -> list[Any]:
    column = column.tolist() if hasattr(column, "tolist") else column
    column = _stored(column) if isinstance(column, str) and column.startswith("[") else column
    return [] if column is None else [column] if isinstance(column, str | Mapping) else list(column)


def _stored(text: str) -> Any:
    """What is stored as JSON, or as Python writes it (as data frames put lists into a table).

    Raises:
        InputError: it is neither.
    """
    for read in (json.loads, ast.literal_eval):
        with contextlib.suppress(ValueError, SyntaxError, RecursionError, MemoryError):
            return read(text)
    raise InputError(f"the instructions reward reads lists and dictionaries, or their JSON, and a row holds {text[:80]!r}")


def _settings(own: Any) -> Mapping[str, Any]:
    own = _stored(own) if isinstance(own, str) else own or {}
    if not isinstance(own, Mapping):
        raise InputError(f"the settings of an instruction are a dictionary, not {own!r}")
    return own


_rows = {
    "prompts": ["q"] * 3,
    "completions": ["No comma here.", "A comma, here.", "<think>a, b</think>**none**"],
    "instruction_id_list": [["punctuation:no_comma", "length_constraints:number_words"]] * 2 + [["punctuation:no_comma"]],
    "kwargs": [[{}, {"relation": "at least", "num_words": 3}]] * 2 + [[{"num_words": None}]],
}
_ended = {
    "prompts": ["q"],
    "completions": ["Sure:\nfine\nBye."],
    "instruction_id_list": [["startend:end_checker"]],
    "kwargs": ['[{"end_phrase": "fine"}]'],
}
witness = (
    Witness(Instructions(), parent=Format("[^,]*"), given=_rows, returns=[1.0, 0.0, 1.0]),
    Witness(Instructions("instruction"), parent=Instructions(), given=_rows, returns=[1.0, 0.5, 1.0]),
    Witness(Instructions(loose=True), parent=Instructions(), given=_ended, returns=[1.0]),
)
