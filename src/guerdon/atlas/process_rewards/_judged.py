"""What experiments ask of scores of steps: whether they find the first error, and whether they guide a search in which of so many next steps the best is taken, exactly."""

import torch
from torch import Tensor

from guerdon.atlas.process_rewards._steps import Drawn
from guerdon.evaluation.metrics.first_error_f1 import FirstErrorF1
from guerdon.models.finite.policy import TINY, TablePolicy


def greedy(policy: TablePolicy, score: Tensor, n: int) -> TablePolicy:
    """What comes out where of ``n`` next steps of the policy that with the highest ``score`` [C, P, V] is taken; of equal ones each as likely as the policy has it."""
    chance = policy.logits.detach().softmax(-1)
    higher, alike = score.unsqueeze(-1) > score.unsqueeze(-2), score.unsqueeze(-1) == score.unsqueeze(-2)
    below, level = ((mask * chance.unsqueeze(-2)).sum(-1) for mask in (higher, alike))
    taken = chance / level.clamp(min=TINY) * ((below + level) ** n - below**n)
    return TablePolicy(policy.tree, taken.clamp(min=TINY).log())


def success(rewards: Tensor, policy: TablePolicy, problems: range) -> float:
    """How often these problems are answered right, exact; ``rewards`` [C, S]."""
    return float(policy.expect(rewards).detach()[torch.tensor(list(problems))].mean())


def first_error(asked: tuple[Drawn, Tensor], chosen_on: tuple[Drawn, Tensor], score: Tensor, of: int = 40) -> float:
    """The F1 of the first error on solutions, each with its first error [B], at the threshold that is best on others, among quantiles of what is said there."""
    (some, first), (others, their_first) = asked, chosen_on
    told = others.of(score)
    tried = torch.unique(torch.quantile(told[others.mask], torch.linspace(0, 1, of + 1, dtype=told.dtype))).tolist()
    rows, errors = others.rows(told), their_first.tolist()
    best = max(tried, key=lambda threshold: float(FirstErrorF1(threshold)(rows, errors)[2]))
    return float(FirstErrorF1(best)(some.rows(some.of(score)), first.tolist())[2])
