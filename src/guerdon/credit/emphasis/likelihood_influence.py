"""Likelihood influence: more of the steps whose gradient makes right answers likelier, less of those that leave room for others; or the reverse.

    g_t         = one-hot(step taken) - p_t              the prediction error: the gradient of log p by the logits
    influence_t = sign(advantage_t) * sum over the steps s of the group's right answers of (g_s . g_t)(h_s . h_t)
    emphasis_t  = 1 + lean * sign(influence_t) where |influence_t| > bound, else 0        [B, T], without unit

h is the last hidden state before the output head. If only the head W is trained, (g_s . g_t)(h_s . h_t) is how fast a gradient step on step t moves log p of step s,
so that the influence is how fast it moves the logarithm of the likelihood of the right answers. ``lean`` above 0 hastens that (exploitation), below 0 keeps
probability for other answers (exploration). Right are the answers that are praised: advantage above 0; a group without any is left alone.

bound = ``threshold`` * the least, over the right answers, of the mean over an answer's steps of its influence; 0 keeps all whose influence is not 0.

p is told by the policy's K most likely next steps (``top_logp``) and the step taken; what is less likely counts as never said.

Source: THR, Deng et al. 2025, arXiv 2510.03669: its abstract and a summary of its rule (the sign, 1 + p sign, the mask); the influence and the bound, with ``threshold``
1, as in the paper before it (NTHR, arXiv 2505.18830, eq. 5, corollary 4.5 and section 5). There the vocabulary is cut to what the group's answers say.
``lean`` 0.1 is ours. Hidden states of all steps are held at once: memory B*T*D.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from guerdon.credit.emphasis.unchanged import Unchanged
from guerdon.quantities import BT, Group, Mask, Segment
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class LikelihoodInfluence:
    members: ClassVar[int] = 2

    lean: float = 0.1
    threshold: float = 1.0

    def __call__(
        self,
        proximal_hidden: Tensor,
        proximal_top_logp: Tensor,
        proximal_top_action: Tensor,
        proximal_logp: BT,
        action: Segment,
        advantage: BT,
        group: Group,
        mask: Mask,
    ) -> BT:
        out = torch.ones_like(advantage)
        for one in torch.unique(group):
            rows = group == one
            acted, praised = mask[rows], advantage[rows]
            right = ((praised > 0) & acted).any(-1)
            if not right.any():
                continue
            owner = torch.arange(len(acted)).unsqueeze(-1).expand(acted.shape)[acted]  # of each acted step, its answer
            hidden = proximal_hidden[rows][acted].detach()
            error = _errors(
                proximal_top_logp[rows][acted], proximal_top_action[rows][acted], proximal_logp[rows][acted], action[rows][acted]
            ).to(hidden)
            good = right[owner]
            moved = torch.sparse.mm(
                error.T.coalesce(), torch.where(good.unsqueeze(-1), hidden, 0.0)
            )  # [V, D], the step on W by the right answers
            pull = (torch.sparse.mm(error, moved) * hidden).sum(-1)
            means = torch.stack([pull[owner == answer].mean() for answer in right.nonzero().flatten()])
            influence = praised[acted].sign() * pull
            kept = influence.abs() > (self.threshold * means.min()).clamp(min=0.0)
            own = out[rows]
            own[acted] = torch.where(kept, 1 + self.lean * influence.sign(), 0.0).to(own)
            out[rows] = own
        return out


def _errors(top_logp: Tensor, top_action: Tensor, logp: Tensor, taken: Tensor) -> Tensor:
    """[S, V], sparse: one-hot(taken) - p, where p is known, over the actions that are."""
    steps = torch.arange(len(taken))
    others = top_action != taken.unsqueeze(-1)
    at = torch.cat([steps, steps.unsqueeze(-1).expand(top_action.shape)[others]])
    known, said = torch.unique(torch.cat([taken, top_action[others].to(taken)]), return_inverse=True)
    value = torch.cat([1 - logp.exp(), -top_logp[others].exp().to(logp)]).detach()
    return torch.sparse_coo_tensor(torch.stack([at, said]), value, (len(taken), len(known)), check_invariants=False).coalesce()


_HALF = torch.tensor(0.5, dtype=torch.float64).log().item()
_three = {  # two actions, each as likely: errors are (1, -1)/2 and (-1, 1)/2, whose products are 1/2 and -1/2
    "proximal_hidden": [[[1.0, 0.0], [0.0, 2.0]], [[1.0, 0.0], [0.0, 1.0]], [[9.0, 9.0], [0.0, 0.0]]],
    "proximal_top_logp": [[[_HALF, _HALF]] * 2] * 3,
    "proximal_top_action": [[[0, 1]] * 2] * 3,
    "proximal_logp": [[_HALF, _HALF]] * 3,
    "action": [[0, 1], [0, 0], [0, 0]],
    "advantage": [[1.0, 1.0], [-1.0, -1.0], [0.0, 0.0]],
    "group": [0, 0, 1],
    "mask": [[1, 1], [1, 1], [1, 1]],
}
# pulls: of the right answer 1/2 and 2; of the wrong one 1/2 (it is like the right one's first step) and -1 (it says the other of its second)
witness = (
    Witness(LikelihoodInfluence(lean=0.5, threshold=0.0), parent=Unchanged(), given=_three, returns=[[1.5, 1.5], [0.5, 1.5], [1.0, 1.0]]),
    Witness(
        LikelihoodInfluence(lean=-0.5, threshold=0.0),
        parent=LikelihoodInfluence(lean=0.5, threshold=0.0),
        given=_three,
        returns=[[0.5, 0.5], [1.5, 0.5], [1.0, 1.0]],
    ),
    Witness(  # the mean of the right answer's pulls is 5/4: half of it is 0.625
        LikelihoodInfluence(lean=0.5, threshold=0.5),
        parent=LikelihoodInfluence(lean=0.5, threshold=0.0),
        given=_three,
        returns=[[0.0, 1.5], [0.0, 1.5], [1.0, 1.0]],
    ),
)


def _nobody_praised(inputs: dict) -> dict:
    return inputs | {"advantage": -inputs["advantage"].abs()}


limits = (Limit(LikelihoodInfluence(), equals=Unchanged(), when="no answer is praised", under=_nobody_praised),)
