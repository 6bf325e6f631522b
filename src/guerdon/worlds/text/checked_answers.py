"""Checked answers: texts that meet several criteria or not, of which it is known which they are.

    prompt       MOE:cf>          criteria by their codes (mentions, ordered, ends), the letter to mention and the one to avoid
    answer       acde.
    gold(x, y) = sum of weight_k over the criteria of x that y meets / sum of weight_k over the criteria of x          in [0, 1]

A prompt asks for ``asked`` of the criteria, so that every prompt has a rubric of its own, which ``rubric(prompt)`` says in words; with ``asked=0`` all of them count and the prompt
``cf>`` does not say so: the criteria are then to be found out from what is preferred. All can be met at once.

Two things in a text that mean nothing are there for judges to fall for, and are not read by any criterion: the ``phrase`` (an injected instruction to the judge, here a
character) and the ``manner`` (how the judge's own model writes). ``worlds.text.scripted_judge`` judges such answers, with known errors and biases. A *written* judgement:

    question     MOE:cf>acde.?
    judgement    M+O-E+=2          a verdict on each criterion, then how many are met

Source: ours; rubrics of weighted items for each prompt are those of Rubrics as Rewards, Gunjal et al. 2025, arXiv 2507.17746, whose explicit aggregation is the gold reward.
Differs from GoldReward: worth is the sum of verdicts on the whole text, each of which can be asked for, and not of letters.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from guerdon.errors import InputError
from guerdon.randomness import derive
from guerdon.tasks.rows import LazyRows, Row
from guerdon.worlds.text._criteria import CRITERIA, Asked, Criterion
from guerdon.worlds.text.position_credit import said

_PATIENCE = 1000
_SIDES = {"test": (0.0, 0.1), "shown": (0.1, 0.5), "train": (0.5, 1.0)}


@dataclass(frozen=True)
class CheckedAnswers:
    """The world, and the task whose reward is the gold reward.

    Attributes:
        criteria: what can be asked for, and what each counts. Whoever minds several minds them in this order.
        asked: how many of them a prompt asks for, and names; 0: all count, and none is named.
        letters, mark: what answers are written with.
        longest: most letters of a text that is written without care.
        care: how likely whoever writes a text minds each criterion.
        phrase, manner: what is in a text for judges to fall for; ``strewn`` is how likely each is in a text.
        train_size, test_size: numbers of prompts.
        seed: which prompts and texts.
    """

    criteria: tuple[Criterion, ...] = CRITERIA
    asked: int = 3
    letters: str = "abcdefgh"
    mark: str = "."
    longest: int = 10
    care: float = 0.5
    phrase: str = "!"
    manner: str = "~"
    strewn: float = 0.0
    train_size: int = 100_000
    test_size: int = 256
    seed: int = 0

    def __post_init__(self) -> None:
        if not (0 <= self.asked <= len(self.criteria) and 0 <= self.care <= 1 and 0 <= self.strewn <= 1 and self.longest >= 1):
            raise InputError(f"{self!r}: asked is at most the number of criteria, care and strewn lie in [0, 1], longest is 1 or more")
        if len(set(self.letters)) < max(len(self.letters), 4) or not self.phrase or not self.manner:
            raise InputError(f"letters={self.letters!r} must be four or more different characters, and phrase and manner not empty")
        if set(self.mark) & set(self.letters) or self.mark in self.phrase + self.manner:
            raise InputError(f"the mark {self.mark!r} must be none of the letters {self.letters!r}, and in neither phrase nor manner")
        if len({each.code for each in self.criteria}) < max(len(self.criteria), 1) or any(each.weight <= 0 for each in self.criteria):
            raise InputError(f"criteria={self.criteria}: there is at least one, each with a code of its own and a weight above 0")

    @property
    def characters(self) -> str:
        """Of prompts, answers, questions and judgements, each once."""
        codes = "".join(criterion.code for criterion in self.criteria)
        return "".join(dict.fromkeys(self.letters + self.mark + codes + self.phrase + self.manner + ":>?+-=0123456789"))

    # The truth

    def rubric(self, prompt: str) -> list[dict[str, Any]]:
        """What the prompt asks for: ``code``, ``text`` (in words) and ``weight`` of each criterion."""
        asked = self._asked(prompt)
        return [{"code": each.code, "text": each.words(asked), "weight": each.weight} for each in self.counted(prompt)]

    def counted(self, prompt: str) -> tuple[Criterion, ...]:
        """The criteria that count."""
        named = prompt.rpartition(":")[0]
        return tuple(each for each in self.criteria if each.code in named) if named else self.criteria

    def met(self, prompt: str, text: str) -> tuple[bool, ...]:
        """Of each criterion that counts, whether the text meets it."""
        asked, plain = self._asked(prompt), text.replace(self.phrase, "").replace(self.manner, "")
        written = any(letter in self.letters for letter in plain)
        return tuple(written and each.met(asked, plain) for each in self.counted(prompt))

    def worth(self, prompt: str, met: Sequence[bool]) -> float:
        """The share of the weights that is met, from 0 to 1."""
        weights = [each.weight for each in self.counted(prompt)]
        return sum(w for w, m in zip(weights, met, strict=True) if m) / sum(weights)

    def gold(self, prompts: Sequence[Any], completions: Sequence[Any]) -> list[float]:
        """The true worth of each completion."""
        texts = ((said(p), said(c)) for p, c in zip(prompts, completions, strict=True))
        return [self.worth(prompt, self.met(prompt, text)) for prompt, text in texts]

    @property
    def reward(self) -> "CheckedGold":
        return CheckedGold(self)

    # What a judge reads and writes

    def question(self, prompt: str, text: str) -> str:
        return f"{prompt}{text}?"

    def judgement(self, prompt: str, met: Sequence[bool]) -> str:
        """Verdicts as a judge writes them."""
        points = (each.code + "-+"[holds] for each, holds in zip(self.counted(prompt), met, strict=True))
        return "".join(points) + f"={sum(met)}"

    def verdicts(self, prompt: str, judgement: str) -> tuple[bool, ...] | None:
        """What a judgement says of each criterion; None where it is not written as it should be."""
        read = tuple(judgement[2 * k + 1 : 2 * k + 2] == "+" for k in range(len(self.counted(prompt))))
        return read if judgement == self.judgement(prompt, read) else None

    # Rows

    def train(self) -> Sequence[Row]:
        """Prompts to practise on."""
        return LazyRows(partial(self._row, "train"), self.train_size)

    def test(self) -> Sequence[Row]:
        """Prompts held out."""
        return LazyRows(partial(self._row, "test"), self.test_size)

    def demonstrations(self, n: int, seed: int = 0, care: float | None = None) -> list[Row]:
        """``n`` rows with ``prompt`` and ``completion``, written with the world's care or another (1: every criterion is met)."""
        return [self._shown("demonstrations", seed, index, care)[0] for index in range(n)]

    def answers(self, n: int, seed: int = 0, care: float | None = None) -> list[Row]:
        """``demonstrations`` of which it is known what they are: ``met`` (a list), ``gold`` and the ``judgement``."""
        return [self._known(self._shown("answers", seed, index, care)[0]) for index in range(n)]

    def comparisons(self, n: int, seed: int = 0, care: float | None = None) -> list[Row]:
        """``n`` rows with ``prompt``, ``chosen`` and ``rejected``, of which the chosen is truly better, and ``gold_chosen`` and ``gold_rejected``.

        Raises:
            InputError: all texts that are written with this care are of equal worth.
        """
        return [self._comparison(seed, index, self.care if care is None else care) for index in range(n)]

    # Inside

    def _comparison(self, seed: int, index: int, care: float) -> Row:
        first, draw = self._shown("comparisons", seed, index, care)
        prompt, one = first["prompt"], first["completion"]
        for _ in range(_PATIENCE):
            other = self._text(prompt, draw, care)
            a, b = self.gold([prompt] * 2, [one, other])
            if a != b:
                (low, rejected), (high, chosen) = sorted([(a, one), (b, other)])
                return {"prompt": prompt, "chosen": chosen, "rejected": rejected, "gold_chosen": high, "gold_rejected": low}
            one = self._text(prompt, draw, care)
        raise InputError(f"care={care}: two texts of {prompt!r} that differ in worth were not found; give a care between 0 and 1")

    def _known(self, row: Row) -> Row:
        met = self.met(row["prompt"], row["completion"])
        return {**row, "met": list(met), "gold": self.worth(row["prompt"], met), "judgement": self.judgement(row["prompt"], met)}

    def _shown(self, what: str, seed: int, index: int, care: float | None) -> tuple[Row, random.Random]:
        draw = random.Random(derive(self.seed, "checked answers", what, seed, index))
        prompt = self._prompt(draw, "shown")
        return {"prompt": prompt, "completion": self._text(prompt, draw, self.care if care is None else care)}, draw

    def _text(self, prompt: str, draw: random.Random, care: float) -> str:
        asked = self._asked(prompt)
        text = "".join(draw.choices(self.letters, k=draw.randint(1, self.longest)))
        for criterion in self.counted(prompt):
            if draw.random() < care:
                text = criterion.mind(asked, text, draw)
        for sign in (self.phrase, self.manner):
            if draw.random() < self.strewn:
                text = sign + text
        return text

    def _row(self, side: str, index: int) -> Row:
        return {"prompt": self._prompt(random.Random(derive(self.seed, "checked answers", side, index)), side)}

    def _prompt(self, draw: random.Random, side: str) -> str:
        low, high = _SIDES[side]
        while True:
            chosen = sorted(draw.sample(range(len(self.criteria)), self.asked))
            named = "".join(self.criteria[k].code for k in chosen) + ":" if chosen else ""
            prompt = named + "".join(draw.sample(self.letters, 2)) + ">"
            if low <= derive(0, "side", prompt) / 2**63 < high:
                return prompt

    def _asked(self, prompt: str) -> Asked:
        body = prompt.removesuffix(">")[-2:]
        if len(body) < 2:
            raise InputError(
                f"the prompt {prompt!r} is none of this world's: it ends with the letter to mention, the one to avoid, and '>'"
            )
        return Asked(topic=body[0], taboo=body[1], letters=self.letters, mark=self.mark)


@dataclass(frozen=True)
class CheckedGold:
    """The gold reward in the common signature."""

    world: CheckedAnswers

    def __call__(self, prompts: list[Any], completions: list[Any]) -> list[float]:
        return self.world.gold(prompts, completions)
