"""Ranking agreement: what a judge is worth who scored several answers at once: how far its scores put them in the order that is known, weighed by what lies between them.

    reward = sum over pairs i, j with t_i > t_j of (t_i - t_j) * ([s_i > s_j] + [s_i = s_j] / 2)  /  sum over these pairs of (t_i - t_j)        0 to 1

t are the row's ``scores``, one for each answer that the judge was shown; s are the numbers in the completion, as ``layout`` finds them. To confuse the best with the worst costs
most, to confuse two that are nearly alike next to nothing. A completion that holds no such list earns 0: the format is a part of the reward. A row without scores, or whose
scores are all alike, has None.

Source: RewardAnything, Yu et al. 2025, arXiv 2506.03637, by its abstract, introduction and summaries: a judge of lists under a principle, trained by GRPO with a reward of format
and of agreement with a consensus of judges, in order and in distance. The equation is ours.
Differs from NumberMatch: a list, and what counts is its order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.feedback.formats._asking import listed
from guerdon.feedback.layouts import Layout, Unread
from guerdon.feedback.layouts.brackets import Brackets
from guerdon.feedback.layouts.json_object import JsonObject
from guerdon.feedback.rewards.number_match import NumberMatch
from guerdon.feedback.text import answer_text
from guerdon.witness import Witness


@dataclass(frozen=True)
class RankingAgreement:
    layout: Layout = Brackets()

    def __call__(self, prompts: list[Any], completions: list[Any], scores: list[Any], **columns: list[Any]) -> list[float | None]:
        return [self._one(answer_text(said, asked), own) for asked, said, own in zip(prompts, completions, scores, strict=True)]

    def _one(self, text: str, scores: Sequence[float] | None) -> float | None:
        if scores is None or len(set(scores)) < 2:
            return None
        said = self.layout(text)
        numbers = said if isinstance(said, Unread) else listed(said, len(scores))
        if isinstance(numbers, Unread):
            return 0.0
        try:
            found = torch.tensor([float(str(number).strip()) for number in numbers], dtype=torch.float64)
        except ValueError:
            return 0.0
        return float(agreement(found, torch.tensor([float(score) for score in scores], dtype=torch.float64)))


def agreement(said: Tensor, scores: Tensor) -> Tensor:
    """The reward of numbers [..., K] for what has these scores [..., K], which are not all alike.

    Raises:
        InputError: there are not as many.
    """
    if said.shape[-1] != scores.shape[-1]:
        raise InputError(f"{said.shape[-1]} numbers cannot be held against {scores.shape[-1]} scores; there has to be one for each answer")
    apart = (scores.unsqueeze(-1) - scores.unsqueeze(-2)).clamp(min=0.0)
    order = (said.unsqueeze(-1) - said.unsqueeze(-2)).sign()
    return (apart * (1 + order) / 2).sum((-1, -2)) / apart.sum((-1, -2))


_asked = {
    "prompts": ["q"] * 5,
    "completions": ["So: [[5, 3, 1]]", "[[3, 5, 1]]", "[[2, 2, 2]]", "five, three, one", "[[1, 2, 3]]"],
    "scores": [[4.0, 3.0, 0.0], [4.0, 3.0, 0.0], [4.0, 3.0, 0.0], [4.0, 3.0, 0.0], [1.0, 1.0, 1.0]],
}
witness = (
    # pairs lie 1, 4 and 3 apart, of 8 together
    Witness(RankingAgreement(), parent=NumberMatch(), given=_asked | {"answer": ["1"] * 5}, returns=[1.0, 7 / 8, 0.5, 0.0, None]),
    Witness(
        RankingAgreement(JsonObject()),
        parent=RankingAgreement(),
        given={"prompts": ["q"], "completions": ['{"verdict": [5, 3, 1]}'], "scores": [[4.0, 3.0, 0.0]]},
        returns=[1.0],
    ),
)
