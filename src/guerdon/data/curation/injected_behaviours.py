"""Injected behaviours: demonstrations that also show how to try in vain and take it back, and how to recall what is needed.

    before each step, with the chance ``exploit``:   what the row has to recall before it         (exploitation)
                then, with the chance ``explore``:   something that is tried in vain, ``reflection``       (exploration)
    {prompt, steps, vain, recall} -> {prompt, completion}        what is said, joined by ``between``

``steps`` are those of a right solution, ``vain`` has for each step what may be tried in its place without leading on (a list, or none), ``recall`` a text or none; both
columns may be missing. What is shown stays a right solution, so that imitating it costs little, but what reinforcement learning is to choose between is there to be drawn.

Source: BRIDGE, Cen et al. 2025, arXiv 2505.18917, section 4: subgoals and recalled information, and attempts at nodes that are not needed or not yet solvable with the
reflection on them, in graphs of arithmetic. Chances and wording: ours.
Differs from Rationales: it is not more that is learned, but another way to the same end.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from guerdon.data.curation.rationales import Rationales
from guerdon.errors import InputError
from guerdon.randomness import generator
from guerdon.witness import Witness


@dataclass(frozen=True)
class InjectedBehaviours:
    explore: float = 0.5
    exploit: float = 0.5
    reflection: str = "No, that does not help."
    between: str = "\n"
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("explore", "exploit"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"injected_behaviours: {name} is {getattr(self, name)}, the chance of a behaviour; choose from 0 to 1")

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        return [{"prompt": row["prompt"], "completion": self.between.join(self._said(row, place))} for place, row in enumerate(rows)]

    def _said(self, row: Mapping[str, Any], place: int) -> list[str]:
        steps = row["steps"]
        vain, recall = (row.get(name) or [None] * len(steps) for name in ("vain", "recall"))
        if not len(steps) == len(vain) == len(recall):
            raise InputError(
                f"row {place + 1} has {len(steps)} steps, {len(vain)} of vain and {len(recall)} of recall; give one for each step"
            )
        rng = generator(self.seed, "behaviours", place)
        said: list[str] = []
        for step, tries, known in zip(steps, vain, recall, strict=True):
            recalls, explores, which = torch.rand(3, generator=rng, dtype=torch.float64).tolist()
            if known and recalls < self.exploit:
                said.append(known)
            if tries and explores < self.explore:
                said += [tries[int(which * len(tries))], self.reflection]
            said.append(step)
        return said


_rows = [
    {"prompt": "p", "steps": ["a=2", "b=a+1=3"], "vain": [["b=?"], None], "recall": [None, "a is 2"]},
    {"prompt": "q", "steps": ["c=1"]},
]
_plain = [{"prompt": "p", "completion": "a=2\nb=a+1=3"}, {"prompt": "q", "completion": "c=1"}]
_tried = [{"prompt": "p", "completion": "b=?\nNo, that does not help.\na=2\nb=a+1=3"}, _plain[1]]
witness = (
    Witness(InjectedBehaviours(0.0, 0.0), parent=Rationales(), given={"rows": _rows}, returns=_plain),
    Witness(InjectedBehaviours(1.0, 0.0), parent=InjectedBehaviours(0.0, 0.0), given={"rows": _rows}, returns=_tried),
    Witness(
        InjectedBehaviours(0.0, 1.0, between=";"),
        parent=InjectedBehaviours(0.0, 1.0),
        given={"rows": _rows},
        returns=[{"prompt": "p", "completion": "a=2;a is 2;b=a+1=3"}, _plain[1]],
    ),
    Witness(
        InjectedBehaviours(1.0, 1.0, reflection="wrong"),
        parent=InjectedBehaviours(1.0, 1.0),
        given={"rows": _rows[:1]},
        returns=[{"prompt": "p", "completion": "b=?\nwrong\na=2\na is 2\nb=a+1=3"}],
    ),
)
