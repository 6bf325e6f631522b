"""Gold reward: a world of short texts whose true worth is known, with what makes learning from feedback hard planted in it.

    gold(x, y)    = sum of worth[c] over the letters c of y + bonus * [the topic of x occurs in y] - marker_cost * (markers in y)
    utility_a     = gold + spurious * (markers in y) + length_bias * (length of y) + sum of taste_a[c] over the letters of y
    P_a(y1 > y2)  = (1 - noise) * sigmoid(rationality * (utility_a(y1) - utility_a(y2))) + noise / 2

A text is a string over ``letters`` and the ``marker``; with ``once`` a letter counts the first time only, so that gold is soon exhausted. What is planted never changes the
gold reward:

* the marker is worth nothing, or less. In sampled texts it goes along with gold: each of ``slots`` slots holds one with log-odds
  logit(background) + correlation * gold, so a proxy that is learned from them is tempted to pay for markers. Annotators may also really
  like it (``spurious``);
* length is worth nothing on average, since the letters' worth sums to 0; annotators may like it all the same (``length_bias``);
* label noise: a share ``noise`` of the verdicts is a coin's;
* annotators: people whose tastes differ, by ``disagreement`` (standard deviation of their own worth of each letter). Who judged is in the column
  ``annotator``.

``worth`` is dealt out by the seed: evenly spaced numbers from -1 to 1. The task's reward is the gold reward, so that a learned proxy can be
compared with it. ``hackable()`` is the world in which what people say can be over-optimised: along the KL from the start gold rises, then falls.
Comparisons and demonstrations, prompts to practise on and held-out prompts never share a prompt.

Source: a known gold reward that labels for a proxy: Gao, Schulman and Hilton, arXiv 2210.10760; Boltzmann annotators: Bradley and Terry,
1952, with the noise of a coin. Sizes are this project's own, small enough for a model of 0.1 M parameters.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from guerdon.errors import InputError
from guerdon.randomness import derive
from guerdon.tasks.rows import LazyRows, Row
from guerdon.worlds.text.position_credit import said

_SIDES = {"test": (0.0, 0.1), "comparisons": (0.1, 0.5), "train": (0.5, 1.0)}


@dataclass(frozen=True)
class GoldReward:
    """The world.

    Attributes:
        letters: what texts are written with; a prompt is three of them and ``>``, the first being its topic.
        marker: a character that means nothing.
        shortest, longest: bounds of the length of a sampled text, markers not counted.
        bonus: worth of mentioning the prompt's topic at all.
        once: each letter counts once, however often it is written.
        marker_cost: by how much a marker makes a text worse.
        slots, background: how many markers a text can get, and the probability of each in a text whose gold is 0.
        correlation: by how much the log-odds of a marker grow per unit of gold in sampled texts; 0: markers tell nothing.
        spurious: how much every annotator likes each marker, in units of gold.
        length_bias: how much every annotator likes each character, markers included, in units of gold.
        rationality: inverse temperature of annotators.
        noise: share of verdicts that are a coin's.
        annotators, disagreement: how many people judge and how much their own tastes spread.
        train_size, test_size: numbers of prompts.
        seed: which world, which prompts.
    """

    letters: str = "abcdefgh"
    marker: str = "!"
    shortest: int = 4
    longest: int = 10
    bonus: float = 1.0
    once: bool = False
    marker_cost: float = 0.0
    slots: int = 4
    background: float = 0.2
    correlation: float = 0.0
    spurious: float = 0.0
    length_bias: float = 0.0
    rationality: float = 1.0
    noise: float = 0.0
    annotators: int = 1
    disagreement: float = 0.0
    train_size: int = 100_000
    test_size: int = 256
    seed: int = 0

    def __post_init__(self) -> None:
        if self.marker in self.letters or len(set(self.letters)) < max(len(self.letters), 2):
            raise InputError(
                f"letters={self.letters!r} must be two or more different characters, and the marker {self.marker!r} none of them"
            )
        if not (0 < self.background < 1 and 0 <= self.noise <= 1 and 1 <= self.shortest <= self.longest and self.annotators >= 1):
            raise InputError(f"{self!r}: background lies in (0, 1), noise in [0, 1], 1 <= shortest <= longest, and someone must judge")

    @property
    def characters(self) -> str:
        return self.letters + self.marker + ">"

    @cached_property
    def worth(self) -> dict[str, float]:
        """The worth of each letter."""
        n = len(self.letters)
        values = [2 * i / max(n - 1, 1) - 1 for i in range(n)]
        random.Random(derive(self.seed, "worth")).shuffle(values)
        return dict(zip(self.letters, values, strict=True))

    @cached_property
    def tastes(self) -> tuple[dict[str, float], ...]:
        """What each annotator adds to the worth of each letter."""
        draw = random.Random(derive(self.seed, "tastes"))
        return tuple({letter: draw.gauss(0, self.disagreement) for letter in self.letters} for _ in range(self.annotators))

    # The truth

    def gold(self, prompts: Sequence[Any], completions: Sequence[Any]) -> list[float]:
        """The true worth of each completion."""
        return [self._gold(said(p), said(c)) for p, c in zip(prompts, completions, strict=True)]

    @property
    def reward(self) -> "GoldScore":
        return GoldScore(self)

    def utility(self, prompt: str, text: str, annotator: int) -> float:
        """What an annotator goes by."""
        taste = sum(self.tastes[annotator].get(c, 0.0) for c in text)
        return self._gold(prompt, text) + self.spurious * text.count(self.marker) + self.length_bias * len(text) + taste

    def preference(self, prompt: str, first: str, second: str, annotator: int = 0) -> float:
        """The probability that an annotator prefers the first text."""
        gap = self.rationality * (self.utility(prompt, first, annotator) - self.utility(prompt, second, annotator))
        likes = 0.5 * (1 + math.tanh(gap / 2))
        return (1 - self.noise) * likes + self.noise / 2

    # Rows

    def train(self) -> Sequence[Row]:
        """Prompts to practise on."""
        return LazyRows(self._train_row, self.train_size)

    def test(self) -> Sequence[Row]:
        """Prompts held out."""
        return LazyRows(self._test_row, self.test_size)

    def demonstrations(self, n: int, seed: int = 0) -> list[Row]:
        """``n`` rows with ``prompt`` and ``completion``, a sampled text: what a policy that knows the format but not the worth writes."""
        rows = []
        for index in range(n):
            draw = self._draw("demonstrations", seed, index)
            prompt = self._prompt(draw, "comparisons")
            rows.append({"prompt": prompt, "completion": self._text(prompt, draw)})
        return rows

    def comparisons(self, n: int, seed: int = 0, correlation: float | None = None) -> list[Row]:
        """``n`` rows with ``prompt``, ``chosen``, ``rejected`` and ``annotator`` (a number), and for reading only ``gold_chosen`` and
        ``gold_rejected``. ``correlation`` other than the world's gives comparisons from a shifted distribution of texts."""
        rows = []
        for index in range(n):
            draw = self._draw("comparisons", seed, index)
            prompt = self._prompt(draw, "comparisons")
            first = second = self._text(prompt, draw, correlation)
            while second == first:
                second = self._text(prompt, draw, correlation)
            annotator = draw.randrange(self.annotators)
            wins = draw.random() < self.preference(prompt, first, second, annotator)
            chosen, rejected = (first, second) if wins else (second, first)
            known = {"gold_chosen": self._gold(prompt, chosen), "gold_rejected": self._gold(prompt, rejected)}
            rows.append({"prompt": prompt, "chosen": chosen, "rejected": rejected, "annotator": annotator, **known})
        return rows

    # Inside

    def _gold(self, prompt: str, text: str) -> float:
        letters = set(text) if self.once else text
        return sum(self.worth.get(c, 0.0) for c in letters) + self.bonus * (prompt[:1] in text) - self.marker_cost * text.count(self.marker)

    def _text(self, prompt: str, draw: random.Random, correlation: float | None = None) -> str:
        """A text drawn at random, with its markers."""
        letters = draw.choices(self.letters, k=draw.randint(self.shortest, self.longest))
        slope = self.correlation if correlation is None else correlation
        odds = math.exp(slope * self._gold(prompt, "".join(letters))) * self.background / (1 - self.background)
        markers = sum(draw.random() < odds / (1 + odds) for _ in range(self.slots))
        for _ in range(markers):
            letters.insert(draw.randint(0, len(letters)), self.marker)
        return "".join(letters)

    def _train_row(self, index: int) -> Row:
        return {"prompt": self._prompt(self._draw("train", 0, index), "train")}

    def _test_row(self, index: int) -> Row:
        return {"prompt": self._prompt(self._draw("test", 0, index), "test")}

    def _prompt(self, draw: random.Random, side: str) -> str:
        low, high = _SIDES[side]
        while True:
            prompt = "".join(draw.choices(self.letters, k=3)) + ">"
            if low <= derive(0, "side", prompt) / 2**63 < high:
                return prompt

    def _draw(self, side: str, seed: int, index: int) -> random.Random:
        return random.Random(derive(self.seed, "gold world", side, seed, index))


def hackable(**changes: Any) -> GoldReward:
    """The world in which comparisons can be over-optimised: letters count once, so gold is soon exhausted, and people like markers, which make a text worse.

    Of sampled texts, weighed by exp(utility / beta), the mean gold is 0.2 at first, 0.8 at a KL of 1.4 nats and 0.35 at 5 (the figures of one seed).
    """
    return GoldReward(**{"once": True, "marker_cost": 1.0, "spurious": 1.85, "background": 0.1} | changes)


@dataclass(frozen=True)
class GoldScore:
    """The gold reward as a reward in the common signature."""

    world: GoldReward

    def __call__(self, prompts: list[Any], completions: list[Any]) -> list[float]:
        return self.world.gold(prompts, completions)
