"""Reference reward: what another reward says of reference answers that the row brings, whatever was answered.

    reward = the ``quantile`` of  reward(prompt, reference)  over the row's references        the same for all answers to a prompt

``column`` holds one reference answer, or a list of several: demonstrations, a refusal that is good enough, answers of the policy as it began. A learned reward is known up
to a constant for each prompt, and has no natural point from which more is little use; a reference gives it one, from which ``reference_sigmoid`` and ``log_sigmoid`` count. It
is told to them by its name, and taken out of what is learned from: ``reward: {quality: ..., watched: {reference: {part: reference_reward, ...}}}``.

Source: the reference reward of LSC, Wang et al. 2024, arXiv 2402.00742, the 85 % quantile of what the policy said at first, or the reward of a refusal; that of PAR,
Fu et al. 2025, arXiv 2502.18770, one reference answer.
Differs from the reward it wraps: it never reads the completion, so that alone it teaches nothing.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from guerdon.errors import InputError
from guerdon.feedback.calling import read_by
from guerdon.feedback.rewards import Reward
from guerdon.feedback.rewards.length import Length
from guerdon.witness import Witness


@dataclass(frozen=True)
class ReferenceReward:
    reward: Reward
    column: str = "reference"
    quantile: float = 0.85

    def __post_init__(self) -> None:
        if not 0 <= self.quantile <= 1:
            raise InputError(f"reference_reward.quantile is {self.quantile}; give a number from 0 (the least reference) to 1 (the best)")

    def __call__(self, prompts: list[Any], completions: list[Any], **columns: list[Any]) -> list[float | None]:
        if self.column not in columns:
            raise InputError(
                f"reference_reward: rows have no column {self.column!r} (columns: {', '.join(columns)}); name the one with references"
            )
        told = read_by(self.reward, {name: values for name, values in columns.items() if name != "completion_ids"})  # those of another text
        asked: dict[str, tuple[int, list[Any]]] = {}  # each row's references once, however often it was answered
        keys = []
        for b, (prompt, given) in enumerate(zip(prompts, columns[self.column], strict=True)):
            references = [] if given is None else [_spoken(prompt, each) for each in (given if _several(given) else [given])]
            keys.append(repr((prompt, references, [values[b] for values in told.values()])))
            asked.setdefault(keys[-1], (b, references))
        rows = [(b, reference) for b, references in asked.values() for reference in references]
        found: list[float | None] = []
        if rows:
            found = self.reward(
                prompts=[prompts[b] for b, _ in rows],
                completions=[reference for _, reference in rows],
                **{name: [values[b] for b, _ in rows] for name, values in told.items()},
            )
        worth, place = {}, 0
        for key, (_, references) in asked.items():
            there = [x for x in found[place : place + len(references)] if x is not None]
            place += len(references)
            worth[key] = float(np.quantile(there, self.quantile)) if there else None
        return [worth[key] for key in keys]


def _several(given: Any) -> bool:
    """Whether these are references and not one: a list, and none of messages."""
    return isinstance(given, list | tuple) and not (given and isinstance(given[0], dict))


def _spoken(prompt: Any, reference: Any) -> Any:
    """A reference in the form in which answers to the prompt come."""
    return [{"role": "assistant", "content": reference}] if isinstance(prompt, list) and isinstance(reference, str) else reference


_count = Length(2, 2, unit="characters")  # -1/2 for one character, -1 for two or more
_given = {"prompts": ["q"] * 4, "completions": ["a", "b", "c", "d"], "reference": [["xy", "x"], "x", None, ["x"]]}
witness = (
    Witness(ReferenceReward(_count, quantile=1.0), parent=_count, given=_given, returns=[-0.5, -0.5, None, -0.5]),
    Witness(
        ReferenceReward(_count, quantile=0.5), parent=ReferenceReward(_count, quantile=1.0), given=_given, returns=[-0.75, -0.5, None, -0.5]
    ),
    Witness(
        ReferenceReward(_count, "shown", quantile=1.0),
        parent=ReferenceReward(_count, quantile=1.0),
        given=_given | {"shown": ["xy"] * 4},
        returns=[-1.0] * 4,
    ),
)
