"""Against reference: how likely a completion is better than the answer that its row brings.

    reward = mean over the row's references of P(completion preferred to reference)  - 1/2 where ``centred``        0 to 1, or -1/2 to 1/2

``compare`` is a judge of texts, ``compare(prompts, firsts, seconds) -> [probability]``, or ``file.py:function``; one that says 1, 1/2 or 0 makes a grade of it: better, as good,
worse. It is asked in both orders. ``column`` holds one reference, or a list of several: what people wrote, what a stronger model said, an earlier answer of the policy's. A row
whose column is None, or about which the judge said nothing, has no reward (None).

Source: Pairwise-RL, Xu et al. 2025, arXiv 2504.04950, by its introduction and summaries: a judge of pairs says how likely the answer beats an anchor, which is what is learned
from, in both orders. ExTrans, Wang et al. 2025, arXiv 2505.12996, by its abstract, introduction and its authors' page: translations of a stronger model as exemplars. ``centred``
false: ours.
Differs from WinRate: whom an answer is compared with does not move with the policy. Differs from ReferenceReward: the completion is read.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from guerdon.errors import InputError
from guerdon.feedback.judges.function import Function
from guerdon.feedback.rewards.win_rate import WinRate
from guerdon.witness import Witness


@dataclass(frozen=True)
class AgainstReference:
    compare: Callable[..., list[float | None]] | str
    column: str = "reference"
    both_orders: bool = True
    centred: bool = False

    def __call__(self, prompts: list[Any], completions: list[Any], **columns: list[Any]) -> list[float | None]:
        if self.column not in columns:
            raise InputError(
                f"against_reference: rows have no column {self.column!r} (columns: {', '.join(columns) or 'none'}); name the one with references"
            )
        against = [[] if told is None else list(told) if _several(told) else [told] for told in columns[self.column]]
        pairs = [(i, reference) for i, own in enumerate(against) for reference in own]
        texts = [[prompts[i] for i, _ in pairs], [completions[i] for i, _ in pairs], [reference for _, reference in pairs]]
        said: list[list[float]] = [[] for _ in prompts]
        for (i, _), probability in zip(pairs, Function(self.compare, self.both_orders)(*texts).tolist(), strict=True):
            if probability == probability:  # NaN: nothing was said
                said[i].append(probability)
        return [sum(own) / len(own) - self.centred / 2 if own else None for own in said]


def _several(told: Any) -> bool:
    """Whether a column's entry is a list of references, and not one that is a list of messages."""
    return isinstance(told, list | tuple) and not (told and isinstance(told[0], dict))


def _longer(prompts: list[str], firsts: list[str], seconds: list[str]) -> list[float | None]:
    """The longer one; of equally long ones the first."""
    return [None if not b else float(len(a) >= len(b)) for a, b in zip(firsts, seconds, strict=True)]


_asked = {
    "prompts": ["p", "p", "q", "r", "s"],
    "completions": ["aaa", "aa", "aa", "a", "a"],
    "reference": ["aa", "aa", ["a", "bbb"], None, ""],
}
_group = {"group": [0, 0, 1, 2, 3]}
witness = (
    Witness(AgainstReference(_longer), parent=WinRate(_longer), given=_asked | _group, returns=[1.0, 0.5, 0.5, None, None]),
    Witness(
        AgainstReference(_longer, both_orders=False), parent=AgainstReference(_longer), given=_asked, returns=[1.0, 1.0, 0.5, None, None]
    ),
    Witness(AgainstReference(_longer, centred=True), parent=AgainstReference(_longer), given=_asked, returns=[0.5, 0.0, 0.0, None, None]),
    Witness(
        AgainstReference(_longer, column="draft"),
        parent=AgainstReference(_longer),
        given=_asked | {"draft": ["aaaa", "a", "bb", "a", None]},
        returns=[0.0, 1.0, 0.5, 0.5, None],
    ),
)
