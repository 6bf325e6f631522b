"""Net wins: by how much an answer is ahead of the others to its prompt, in the deviation that its group's comparisons have.

    d_ij = 2 P(y_i preferred to y_j) - 1,   reward(y_i) = (sum_j d_ij / G) / sqrt(sum_ij d_ij^2 / (2 G (G - 1)) + epsilon)        no unit

over the G answers of a group. Where d_ij is a difference of two scores it is their advantage in the manner of GRPO, (score - mean) / deviation, since sum_ij (s_i - s_j)^2 is
2 G times the sum of squares around the mean; verdicts need no scores to be so treated. It is centred: an advantage by itself, to be taken without another baseline or scale. Of
hard verdicts the divisor is sqrt(1/2) always, so that a group in which all but one are alike is not blown up.

``compare``, ``both_orders`` and the column ``group`` are those of ``win_rate``; a pair of which nothing was said counts as even. An answer that is alone has no reward (None); in
a group whose pairs are all even it is 0.

Source: Think-RM, Hong et al. 2025, arXiv 2505.16265, pairwise RLHF; its authors' code (``core_algos.compute_grpo_difference_advantage``; epsilon 1e-6; pairs asked once, i before
j). There a judge of strengths gives d_ij from -3 to 3.
Differs from WinRate: centred, and divided by the deviation of the comparisons, not of the shares of wins.
"""

import math
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from typing import Any, ClassVar

from guerdon.feedback.judges.function import Function
from guerdon.feedback.rewards.win_rate import WinRate, _longer
from guerdon.witness import Witness


@dataclass(frozen=True)
class NetWins:
    per_batch: ClassVar[bool] = False  # it compares the answers to one prompt, and no more

    compare: Callable[..., list[float | None]] | str
    both_orders: bool = False
    epsilon: float = 1e-6

    def __call__(self, prompts: list[Any], completions: list[Any], group: list[Any] | None = None) -> list[float | None]:
        answers: dict[str, list[int]] = defaultdict(list)
        for i, own in enumerate(prompts if group is None else group):
            answers[repr(own)].append(i)
        pairs = [pair for rows in answers.values() for pair in combinations(rows, 2)]
        texts = [[prompts[i] for i, _ in pairs], [completions[i] for i, _ in pairs], [completions[j] for _, j in pairs]]
        said = Function(self.compare, self.both_orders)(*texts).tolist()
        net, squares = [0.0] * len(prompts), [0.0] * len(prompts)
        for (i, j), probability in zip(pairs, said, strict=True):
            ahead = 2 * probability - 1 if probability == probability else 0.0  # NaN: nothing was said
            net[i], net[j] = net[i] + ahead, net[j] - ahead
            squares[i], squares[j] = squares[i] + ahead**2, squares[j] + ahead**2
        found: list[float | None] = [None] * len(prompts)
        for rows in answers.values():
            count = len(rows)
            if count > 1:
                deviation = math.sqrt(sum(squares[i] for i in rows) / (2 * count * (count - 1)) + self.epsilon)
                for i in rows:
                    found[i] = net[i] / count / deviation
        return found


def _first(prompts: list[str], firsts: list[str], seconds: list[str]) -> list[float | None]:
    return [1.0] * len(prompts)


_asked = {"prompts": ["p", "q", "p", "p"], "completions": ["aa", "a", "a", "aa"]}
_third = (1 / 3) ** 0.5  # d is 1, 0 and -1: the squares add up to 4 both ways, and 4 / 12 is a third
witness = (
    Witness(NetWins(_longer, epsilon=0.0), parent=WinRate(_longer), given=_asked, returns=[_third, None, -2 * _third, _third]),
    Witness(  # one prompt, asked twice: of two answers d is 1, and 2 / 4 is a half
        NetWins(_longer, epsilon=0.0),
        parent=WinRate(_longer),
        given={"prompts": ["p"] * 4, "completions": ["aa", "a", "aaa", "aaaa"], "group": [0, 0, 1, 1]},
        returns=[0.5**0.5, -(0.5**0.5), -(0.5**0.5), 0.5**0.5],
    ),
    Witness(  # (1 / 3) / sqrt(1 / 3 + 2 / 3)
        NetWins(_longer, epsilon=2 / 3), parent=NetWins(_longer), given=_asked, returns=[1 / 3, None, -2 / 3, 1 / 3]
    ),
    Witness(  # who always prefers the first prefers nobody
        NetWins(_first, both_orders=True), parent=NetWins(_first), given=_asked, returns=[0.0, None, 0.0, 0.0]
    ),
)
