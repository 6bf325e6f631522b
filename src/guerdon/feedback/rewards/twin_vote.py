"""Twin vote: 1 for the answers that come to what most answers to the *other* wording of the question come to.

    reward(y_i) = 1 if c(y_i) = the majority of c(y_j) over the answers j to another prompt with the same ``twin``, else 0

The column ``twin`` has the same value in the rows of one question in several wordings. They are answered in one batch (``batch_size``: as many prompts as there are rows, or
a task whose rows alternate); an answer whose twin is not in the batch has no reward (None). c, ``same`` and ties as in ``majority_vote``.

Source: Co-Reward, Zhang et al. 2025, arXiv 2508.00410, section 3.2: the votes of the original and of the rewritten question label one another's answers.
Differs from MajorityVote: an answer cannot be right by its own vote, and what is agreed on for the wording's sake is not rewarded.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any, ClassVar

from guerdon.feedback.conclusions import Same, by_group, clusters, conclusion
from guerdon.feedback.rewards.majority_vote import MajorityVote
from guerdon.witness import Witness


@dataclass(frozen=True)
class TwinVote:
    per_batch: ClassVar[bool] = True  # a question's wordings are groups of their own

    same: Same | str | None = None
    steps: int = 0

    def __call__(self, prompts: list[Any], completions: list[Any], twin: list[Any], group: list[Any] | None = None) -> list[float | None]:
        own = {place: name for name, places in by_group(prompts, group).items() for place in places}
        out: list[float | None] = [None] * len(completions)
        for places in by_group(twin, None).values():
            said = dict(zip(places, clusters([conclusion(completions[i], prompts[i], self.steps) for i in places], self.same), strict=True))
            for i in places:
                others = [said[j] for j in places if own[j] != own[i]]
                votes = Counter(one for one in others if one is not None)
                winner = max(votes, key=votes.__getitem__, default=None)
                out[i] = float(said[i] is not None and said[i] == winner) if others else None
        return out


witness = (
    Witness(
        TwinVote(),
        parent=MajorityVote(),
        given={
            "prompts": ["2+3?", "2+3?", "2+3?", "2 and 3?", "2 and 3?", "2 and 3?", "alone?"],
            "completions": ["6", "6", "5", "5", "5", "6", "1"],
            "twin": [0, 0, 0, 0, 0, 0, 1],
        },
        returns=[0.0, 0.0, 1.0, 0.0, 0.0, 1.0, None],
    ),
    Witness(
        TwinVote(same=lambda one, other: one % 2 == other % 2, steps=1),
        parent=TwinVote(),
        given={"prompts": ["p", "q"], "completions": ["2", "4"], "twin": [0, 0]},
        returns=[1.0, 1.0],
    ),
    Witness(
        TwinVote(steps=1),
        parent=TwinVote(),
        given={"prompts": [0, 1], "completions": [[0, 1], [1, 1]], "twin": [0, 0]},
        returns=[1.0, 1.0],
    ),
)
