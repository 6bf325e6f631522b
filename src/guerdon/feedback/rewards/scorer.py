"""Scorer: what a trained model says a completion is worth.

    reward = score(prompt, completion)        in units of the scorer, not bounded

``scorer`` is a specification, whose ``build()`` returns the running scorer, or the running scorer itself. It is built at the first
completion that is scored, once in a process, and is not part of what is pickled, printed or compared.

Source: the learned reward of Christiano et al. 2017, arXiv 1706.03741, section 2.2; of a completion: Stiennon et al. 2020,
arXiv 2009.01325.
Differs from a verifier: it can be wrong, and what is optimised against it will find out where.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from guerdon.errors import InputError
from guerdon.feedback.rewards.string_match import StringMatch
from guerdon.witness import Witness


class Scores(Protocol):
    """A running scorer: B prompts and B completions (strings, or lists of messages) → B finite numbers."""

    def score(self, prompts: list[Any], completions: list[Any]) -> list[float]: ...


@dataclass(frozen=True)
class Scorer:
    scorer: Any

    def __call__(self, prompts: list[Any], completions: list[Any], **columns: list[Any]) -> list[float | None]:
        return [float(score) for score in self._running.score(prompts, completions)]

    @cached_property
    def _running(self) -> Scores:
        running = self.scorer if hasattr(self.scorer, "score") else getattr(self.scorer, "build", lambda: None)()
        if not hasattr(running, "score"):
            raise InputError(
                f"the scorer {self.scorer!r} cannot score: it needs score(prompts, completions), or build() that returns what has it"
            )
        return running

    def __getstate__(self) -> dict[str, Any]:
        return {"scorer": self.scorer}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)


@dataclass(frozen=True)
class CountOf:
    """The smallest scorer there is, for tests and examples: how often a word occurs."""

    word: str

    def score(self, prompts: list[Any], completions: list[Any]) -> list[float]:
        return [float(completion.split().count(self.word)) for completion in completions]


witness = Witness(
    Scorer(CountOf("thanks")),
    parent=StringMatch(),
    given={"prompts": ["q"] * 2, "completions": ["thanks , many thanks", "no"], "answer": ["thanks , many thanks", "no"]},
    returns=[2.0, 0.0],
)
