"""Scorer: what a trained model says a completion is worth.

    reward = score(prompt, completion)        in units of the scorer, not bounded

``scorer`` is a specification, whose ``build()`` returns the running scorer, or the running scorer itself. It is built at the first
completion that is scored, once in a process, and is not part of what is pickled, printed or compared.

Source: the learned reward of Christiano et al. 2017, arXiv 1706.03741, section 2.2; of a completion: Stiennon et al. 2020,
arXiv 2009.01325.
Differs from a verifier: it can be wrong, and what is optimised against it will find out where.
"""

from dataclasses import dataclass
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
        return [float(score) for score in running(self, "score", "prompts, completions").score(prompts, completions)]

    def __getstate__(self) -> dict[str, Any]:
        return {"scorer": self.scorer}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)


def running(reward: Any, can: str, told: str) -> Any:
    """The running scorer of a reward that has a ``scorer``, built once. ``can``: its method that is called, and what that is ``told``.

    Raises:
        InputError: it cannot do what is asked of it.
    """
    found = reward.__dict__.get("_running")
    if found is None:
        found = reward.scorer if hasattr(reward.scorer, can) else getattr(reward.scorer, "build", lambda: None)()
        if not hasattr(found, can):
            raise InputError(f"the scorer {reward.scorer!r} cannot score: it needs {can}({told}), or build() that returns what has it")
        reward.__dict__["_running"] = found
    return found


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
