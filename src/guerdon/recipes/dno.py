"""DNO: each round the policy is fitted, by a logistic comparison with itself as the reference, to which of its answers win more often against
all of them.

Reward: the share of wins of an answer against the others of its group (not of all answers to an equal prompt in the batch, as games counted until 2026-11), as a game
gives it and ``win_rate`` does for text. A round is a step of the loop, in ``epochs`` gradient steps.

Source: DNO-Prct, arXiv 2404.03715: pairs of a large margin, DPO's loss, the previous iterate as the reference. ``beta`` and
the sampler: DPO's and GRPO's; ten epochs: ours.
Differs from online DPO: what is better is decided against the policy and not between the two, and the reference moves.
"""

from dataclasses import replace

from torch import Tensor
from torch.nn.functional import logsigmoid

from guerdon.acting.samplers.group import Group
from guerdon.data.pairing.large_margin import LargeMargin
from guerdon.recipes.online_dpo import recipe as online_dpo
from guerdon.targets import Target
from guerdon.targets.acting import Acts, World
from guerdon.training.updates.reset_reference import ResetReference

recipe = replace(online_dpo, sampler=Group(8), pairing=LargeMargin(), epochs=10, updates=(ResetReference(every=1),))


def _loss(w: World, which: Tensor, chance: Tensor, groups: int) -> Tensor:
    """Pairs whose shares of wins against the others of their group differ by 0.1; a step takes their mean."""
    members = which.view(len(which), groups, -1)
    size = members.shape[-1]
    wins = w.prefer[members.unsqueeze(-1), members.unsqueeze(-2)]
    share = (wins.sum(-1) - 0.5) / (size - 1)  # an answer against itself is 1/2
    lead = 0.1 * (w.said.ratio[members].unsqueeze(-1) - w.said.ratio[members].unsqueeze(-2))
    kept = (share.unsqueeze(-1) - share.unsqueeze(-2) >= 0.1).double()
    pairs = kept.sum((1, 2, 3))
    return -(chance * (kept * logsigmoid(lead)).sum((1, 2, 3)) / pairs.clamp(min=1)).sum()


target = (
    Target(
        "E over pairs of a group whose shares of wins against its others differ by 0.1 of DPO's loss, to the round's start",
        lambda w: _loss(w, *w.draws(*[w.said.probability] * 3), groups=1),
        Acts(game=True),
    ),
    Target(
        "the same where a batch has the same prompt twice",
        lambda w: _loss(w, *w.draws(*[w.said.probability] * 4), groups=2),
        Acts(game=True, group=2, prompts=2),
    ),
)
