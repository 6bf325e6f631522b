"""Where tagged: another shaping applies to those answers that begin with one tag, and the rest keep their reward.

    reward = shaping(reward)        where component = tag        [B]
             reward                 elsewhere

``by`` is the name of the component that says which tag an answer begins with (``leading_tag``), ``tag`` its place there. What the shaping compares by (the longest
of a group, a mean) it compares over all answers.

Source: AdaCtrl, Huang et al. 2025, arXiv 2505.18822: brevity is rewarded where the answer itself says that its prompt is easy.
Differs from WhereSolved: the policy says where, in each answer, and not the success of its group.
"""

from dataclasses import dataclass

import torch

from guerdon.errors import InputError
from guerdon.feedback.shaping import Shaping
from guerdon.feedback.shaping.longest_cosine import LongestCosine
from guerdon.feedback.shaping.where_solved import WhereSolved
from guerdon.parts import needs, stateful
from guerdon.quantities import B
from guerdon.witness import Witness


@dataclass(frozen=True)
class WhereTagged:
    shaping: Shaping = LongestCosine()
    tag: int = 0
    by: str = "tag"

    def __post_init__(self) -> None:
        if stateful(self.shaping):
            raise InputError(
                f"where_tagged: {type(self.shaping).__name__} remembers earlier batches, and would remember answers that it does not shape; wrap another"
            )

    def needs(self) -> frozenset[str]:
        return needs(self.shaping) | {"reward", f"component_{self.by}"}

    def __call__(self, reward: B, **read: B) -> B:
        known = {"reward": reward, **read}
        shaped = self.shaping(**{name: known[name] for name in needs(self.shaping)})
        return torch.where(read[f"component_{self.by}"] == self.tag, shaped, reward)


_given = {
    "reward": [1.0, 0.0, 1.0, 1.0, 1.0],
    "length": [6.0, 12.0, 9.0, 3.0, 3.0],
    "group": [0, 0, 1, 1, 1],
    "component_tag": [0.0, 0.0, -1.0, 0.0, 1.0],
    "component_said": [1.0] * 5,
}
witness = (
    Witness(WhereTagged(), parent=LongestCosine(), given=_given, returns=[1.25, 0.0, 1.0, 1.375, 1.0]),
    Witness(WhereTagged(tag=1), parent=WhereTagged(), given=_given, returns=[1.0, 0.0, 1.0, 1.0, 1.375]),
    Witness(WhereTagged(LongestCosine(1.0)), parent=WhereTagged(), given=_given, returns=[1.5, 0.0, 1.0, 1.75, 1.0]),
    Witness(WhereTagged(tag=1, by="said"), parent=WhereSolved(), given=_given, returns=[1.25, 0.0, 1.0, 1.375, 1.375]),
)
