"""Scripted judge: right with known probability on each criterion, and with known biases. Ground truth for what is done with judges.

    verdict_k(y)      = met_k(y) with probability right_k, else the opposite
                        met for every k, with probability ``falls``, where y holds the phrase
    score(x, y)       = sum of weight_k verdict_k(y) / sum of weight_k + length * characters(y) / longest + own * [y is in the judge's manner]
    margin(y1, y2)    = score(y1) - score(y2) + position
    prefers y1        = 1 where margin > 0, 0 where margin < 0, 1/2 between equals

``length``, ``own`` and ``position`` are in units of the whole rubric: ``position=0.1`` gives whoever is shown first a tenth of it. Scores are not cut off at 0 and 1, so that
expectations are linear: ``expected`` and ``preference`` are exact, and ``expected(...)[0] - gold`` is what the judge is off by for an answer, on average.

Errors are drawn from the judge's seed, the texts and the number of the vote, so the same question gets the same answer. Another ``vote`` asks again; of verdicts, a share
``systematic`` comes from the text alone and comes back at every vote, which no majority mends.

As a reward (prompts, completions) it scores; as the function of ``feedback.judges.Function(judge.prefers)`` it compares; ``verdicts`` is for what asks item by item, and
``written`` for what reads critiques.

Source: ours. The biases are those measured of models that judge: of place, length and own answers, Zheng et al. 2023, arXiv 2306.05685, section 3.3; a phrase that raises any
answer's score, Raina et al. 2024, arXiv 2402.14016.
Differs from SimulatedAnnotator: it reads texts, errs by criterion, and its biases can be written into an answer by who is judged.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from guerdon.errors import InputError
from guerdon.randomness import derive
from guerdon.witness import Witness
from guerdon.worlds.text.checked_answers import CheckedAnswers, CheckedGold
from guerdon.worlds.text.position_credit import said


@dataclass(frozen=True)
class ScriptedJudge:
    """The judge.

    Attributes:
        world: what is judged.
        right: probability of a right verdict, for all criteria or in the order of ``world.criteria``.
        systematic: share of verdicts that are the same at every vote.
        position: for whoever is shown first.
        length: for a text of ``world.longest`` characters, in proportion for others.
        own: for a text in the manner of the judge's own model.
        falls: probability of taking every criterion for met where the phrase is in the text.
        seed: another judge of the same kind.
    """

    world: CheckedAnswers = field(default_factory=CheckedAnswers)
    right: float | tuple[float, ...] = 0.9
    systematic: float = 0.0
    position: float = 0.0
    length: float = 0.0
    own: float = 0.0
    falls: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not all(0 <= chance <= 1 for chance in (*self._rights, self.systematic, self.falls)):
            raise InputError(f"right={self.right}, systematic={self.systematic} and falls={self.falls} are probabilities, from 0 to 1")
        if len(self._rights) != len(self.world.criteria):
            raise InputError(
                f"right has {len(self._rights)} numbers for {len(self.world.criteria)} criteria; give one for all, or one each"
            )

    # What it says

    def __call__(self, prompts: list[Any], completions: list[Any]) -> list[float]:
        return self.scores(prompts, completions)

    def scores(self, prompts: Sequence[Any], completions: Sequence[Any], vote: int = 0) -> list[float]:
        """A score of each completion."""
        texts = [(said(p), said(c)) for p, c in zip(prompts, completions, strict=True)]
        return [self._score(prompt, text, "alone", vote) for prompt, text in texts]

    def verdicts(self, prompt: str, text: str, vote: int = 0) -> tuple[bool, ...]:
        """What it says of each criterion that counts; ``scores`` of the same vote counts these."""
        return self._verdicts(prompt, text, "alone", vote)

    def written(self, prompts: Sequence[Any], completions: Sequence[Any], vote: int = 0) -> list[str]:
        """Its verdicts as judgements: critiques of which each point is right with known probability."""
        texts = [(said(p), said(c)) for p, c in zip(prompts, completions, strict=True)]
        return [self.world.judgement(prompt, self.verdicts(prompt, text, vote)) for prompt, text in texts]

    def prefers(self, prompts: Sequence[Any], firsts: Sequence[Any], seconds: Sequence[Any], vote: int = 0) -> list[float]:
        """1 where the first is preferred, 0 where the second, 1/2 where neither."""
        found = []
        for prompt, first, second in zip(map(said, prompts), map(said, firsts), map(said, seconds), strict=True):
            beside = f"{first}|{second}"
            gap = self._score(prompt, first, f"first of {beside}", vote) - self._score(prompt, second, f"second of {beside}", vote)
            found.append(_won(gap + self.position))
        return found

    # What is known of it

    def expected(self, prompts: Sequence[Any], completions: Sequence[Any]) -> list[float]:
        """The mean score of each completion, exactly."""
        texts = [(said(p), said(c)) for p, c in zip(prompts, completions, strict=True)]
        return [sum(score * chance for score, chance in self._scores(prompt, text).items()) for prompt, text in texts]

    def preference(self, prompts: Sequence[Any], firsts: Sequence[Any], seconds: Sequence[Any]) -> list[float]:
        """The probability that the first of two different texts is preferred, exactly; a tie counts one half."""
        found = []
        for prompt, first, second in zip(map(said, prompts), map(said, firsts), map(said, seconds), strict=True):
            one, other = self._scores(prompt, first), self._scores(prompt, second)
            found.append(sum(p * q * _won(a - b + self.position) for a, p in one.items() for b, q in other.items()))
        return found

    # Inside

    @property
    def _rights(self) -> tuple[float, ...]:
        return self.right if isinstance(self.right, tuple) else (self.right,) * len(self.world.criteria)

    def _known(self, prompt: str) -> list[float]:
        """How likely it is right on each criterion that counts."""
        counted = self.world.counted(prompt)
        return [right for each, right in zip(self.world.criteria, self._rights, strict=True) if each in counted]

    def _bias(self, text: str) -> float:
        return self.length * len(text) / self.world.longest + self.own * (self.world.manner in text)

    def _score(self, prompt: str, text: str, where: str, vote: int) -> float:
        return self.world.worth(prompt, self._verdicts(prompt, text, where, vote)) + self._bias(text)

    def _verdicts(self, prompt: str, text: str, where: str, vote: int) -> tuple[bool, ...]:
        if self.world.phrase in text and self._drawn("falls", prompt, text, where, vote) < self.falls:
            return (True,) * len(self.world.counted(prompt))
        found = []
        for k, (met, right) in enumerate(zip(self.world.met(prompt, text), self._known(prompt), strict=True)):
            returns = self._drawn(f"systematic {k}", prompt, text) < self.systematic
            drawn = self._drawn(f"verdict {k}", prompt, text, *(() if returns else (where, vote)))
            found.append(met == (drawn < right))
        return tuple(found)

    def _drawn(self, *of: int | str) -> float:
        return derive(self.seed, "scripted judge", *of) / 2**63

    def _scores(self, prompt: str, text: str) -> dict[float, float]:
        """Every score that a text can get, with its probability."""
        ways: dict[tuple[bool, ...], float] = {(): 1.0}
        for met, right in zip(self.world.met(prompt, text), self._known(prompt), strict=True):
            ways = {(*way, v): p * (right if v == met else 1 - right) for way, p in ways.items() for v in (met, not met)}
        falls = self.falls * (self.world.phrase in text)
        ways = {way: p * (1 - falls) + falls * all(way) for way, p in ways.items()}
        scores: dict[float, float] = {}
        for way, chance in ways.items():
            score = self.world.worth(prompt, way) + self._bias(text)
            scores[score] = scores.get(score, 0.0) + chance
        return scores


def _won(margin: float) -> float:
    return 0.5 if abs(margin) < 1e-9 else float(margin > 0)


_world = CheckedAnswers()
_sure = ScriptedJudge(_world, right=1.0)
_given = {"prompts": ["MOE:cf>"] * 3, "completions": ["acd.", "~acd", "!ffa"]}  # meets all three; mentions and is in order; nothing
witness = (
    Witness(ScriptedJudge(_world, right=0.0), parent=CheckedGold(_world), given=_given, returns=[0.0, 1 / 3, 1.0]),
    Witness(ScriptedJudge(_world, right=(1.0, 1.0, 1.0, 0.0, 1.0, 1.0)), parent=_sure, given=_given, returns=[2 / 3, 1 / 3, 1 / 3]),
    Witness(ScriptedJudge(_world, right=1.0, length=0.5), parent=_sure, given=_given, returns=[1.2, 2 / 3 + 0.2, 0.2]),
    Witness(ScriptedJudge(_world, right=1.0, own=0.5), parent=_sure, given=_given, returns=[1.0, 2 / 3 + 0.5, 0.0]),
    Witness(ScriptedJudge(_world, right=1.0, falls=1.0), parent=_sure, given=_given, returns=[1.0, 2 / 3, 1.0]),
)
