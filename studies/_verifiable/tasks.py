"""Tasks: three ways in which a checked answer makes learning hard, each for a language model of a hundred thousand parameters that was shown a little.

* *rare*: seven letters of eight are sorted; a model that was shown fifty answers is right now and then, so that most groups of eight say nothing.
* *long*: eight letters strewn with digits are written backwards, digits left out: long answers, of which a single slip makes a wrong one. It was shown half as often when the
  estimators were measured, and so little was right at first that none of them learned anything.
* *noisy*: four letters are sorted, and the verifier errs: of all (problem, answer) pairs a fifth of the right ones is called wrong and a twentieth of
  the wrong ones right, always the same. Accuracy on held-out problems is by the truth.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from guerdon.models.language.small_language_model import SmallLanguageModel
from guerdon.randomness import derive
from guerdon.sequences import Decoding
from guerdon.worlds.text._problems import Problems
from guerdon.worlds.text.position_credit import PositionCredit, said
from guerdon.worlds.text.reverse_letters import ReverseLetters
from guerdon.worlds.text.sort_letters import SortLetters


@dataclass(frozen=True)
class Erring:
    """The reward of an exact answer as a verifier gives it that errs on some (problem, answer) pairs, always on the same."""

    misses: float = 0.2
    accepts: float = 0.05

    def __call__(self, prompts: list[Any], completions: list[Any], answer: list[str]) -> list[float]:
        return [self._one(p, said(c), a) for p, c, a in zip(prompts, completions, answer, strict=True)]

    def _one(self, prompt: Any, text: str, answer: str) -> float:
        right = text == answer
        chance = int.from_bytes(hashlib.blake2b(f"{prompt}|{text}".encode(), digest_size=6).digest(), "big") / 2**48
        return float(right != (chance < (self.misses if right else self.accepts)))


@dataclass(frozen=True)
class Setting:
    """A task, how much of it was shown, and how long its answers may be.

    Attributes:
        problems: of a seed.
        shown: answers that the model was fitted to before.
        fitting: steps of that.
        verifier: what is learned from; None: the truth.
    """

    name: str
    problems: Problems
    shown: int
    fitting: int
    decoding: Decoding
    verifier: Any = None
    layers: int = 2
    hidden: int = 64

    def of(self, seed: int) -> "Drawn":
        return Drawn(self, derive(seed, "problems", self.name))


TASKS = {
    setting.name: setting
    for setting in (
        Setting("rare", SortLetters(length=7, alphabet="abcdefgh"), 50, 100, Decoding(8)),
        Setting("long", ReverseLetters(length=8, distractors=4, alphabet="abcd"), 600, 300, Decoding(14)),
        Setting("noisy", SortLetters(length=4, alphabet="abcdefgh"), 60, 100, Decoding(5), Erring()),
    )
}


@dataclass(frozen=True)
class Drawn:
    """The task of a seed, as jobs take it."""

    setting: Setting
    seed: int

    @cached_property
    def problems(self) -> Problems:
        return replace(self.setting.problems, seed=self.seed)

    @property
    def truth(self) -> PositionCredit:
        return PositionCredit(exact=1.0)

    @property
    def reward(self) -> Any:
        return self.setting.verifier or self.truth

    def model(self) -> SmallLanguageModel:
        context = 4 * self.setting.decoding.max_completion_length
        return SmallLanguageModel(
            self.problems.characters, layers=self.setting.layers, hidden=self.setting.hidden, heads=4, context_length=context
        )

    def train(self) -> Sequence[Mapping[str, Any]]:
        return self.problems.train()

    def test(self) -> Sequence[Mapping[str, Any]]:
        return self.problems.test()

    def demonstrations(self, n: int, seed: int = 0) -> list[dict[str, Any]]:
        return self.problems.demonstrations(n, seed)
