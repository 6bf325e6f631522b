"""Win rate: the share of the other answers to its prompt that an answer is preferred to.

    reward(y_i) = mean over the other answers y_j to the same prompt of P(y_i preferred to y_j)        0 to 1

``compare`` is a judge of texts, ``compare(prompts, firsts, seconds) -> [probability]``, or ``file.py:function``. Every pair is asked once,
and counts for both. Where the column ``group`` says which answers belong together (in a loop, those of one row), it goes before the prompt: the same
prompt may be asked twice in a batch. An answer that is alone, or about which the judge said nothing, has no reward (None).

Source: SPO, arXiv 2401.04056: the reward of a trajectory is its share of wins in a queue of the policy's own.
Differs from a reward model: it is relative to the policy, so that intransitive preferences are no contradiction.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from typing import Any, ClassVar

from guerdon.feedback.judges.function import Function
from guerdon.feedback.rewards.length import Length
from guerdon.witness import Witness


@dataclass(frozen=True)
class WinRate:
    per_batch: ClassVar[bool] = False  # it compares the answers to one prompt, and no more

    compare: Callable[..., list[float | None]] | str
    both_orders: bool = False

    def __call__(self, prompts: list[Any], completions: list[Any], group: list[Any] | None = None) -> list[float | None]:
        answers: dict[str, list[int]] = defaultdict(list)
        for i, own in enumerate(prompts if group is None else group):
            answers[repr(own)].append(i)
        pairs = [pair for rows in answers.values() for pair in combinations(rows, 2)]
        texts = [[prompts[i] for i, _ in pairs], [completions[i] for i, _ in pairs], [completions[j] for _, j in pairs]]
        said = Function(self.compare, self.both_orders)(*texts).tolist()
        wins: dict[int, list[float]] = defaultdict(list)
        for (i, j), probability in zip(pairs, said, strict=True):
            if probability == probability:  # NaN: nothing was said
                wins[i].append(probability)
                wins[j].append(1 - probability)
        return [sum(wins[i]) / len(wins[i]) if wins[i] else None for i in range(len(prompts))]


def _longer(prompts: list[str], firsts: list[str], seconds: list[str]) -> list[float | None]:
    return [0.5 if len(a) == len(b) else float(len(a) > len(b)) for a, b in zip(firsts, seconds, strict=True)]


_asked = {"prompts": ["p", "q", "p", "p"], "completions": ["aa", "a", "a", "aa"]}
witness = (
    Witness(WinRate(_longer), parent=Length(3, 1, unit="characters"), given=_asked, returns=[0.75, None, 0.0, 0.75]),
    Witness(  # one prompt, asked twice
        WinRate(_longer),
        parent=Length(3, 1, unit="characters"),
        given={"prompts": ["p"] * 4, "completions": ["aa", "a", "aaa", "aaaa"], "group": [0, 0, 1, 1]},
        returns=[1.0, 0.0, 0.0, 1.0],
    ),
)
