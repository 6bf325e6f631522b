"""Rankings: the scores of the candidates of a group, and how good each is known to be → loss per candidate.

``score`` and ``reward`` are [B], ``group`` [B] says who is compared with whom. Only what is better than what counts where a part says so: the reward of a
ranking without numbers is its rank, turned. A ranking never averages, and declares ``per_group``: no group is ever split.
"""

from typing import Protocol

from guerdon.quantities import B, Group


class Ranking(Protocol):
    """Scores, rewards and groups → [B]; the loss of a group is the sum over its candidates."""

    per_group: bool

    def __call__(self, score: B, reward: B, group: Group) -> B: ...
