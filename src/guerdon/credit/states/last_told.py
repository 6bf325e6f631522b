"""Last told: the state is what the policy was told last: an observation of its environment, the answer of a tool, a reply.

    state_t = the tokens between this turn and the one before it, which nobody acted; at the first turn the prompt alone        [B, T]

Two states are one where these tokens are equal, whatever came before: a room that is entered by two ways is the same room. Where the observation does not say all that matters, as
how many moves are left, what is compared differs in more than the action.

Source: the anchor states of GiGPO, arXiv 2505.10978, eq. 6, which are observations.
Differs from SoFar: how a state was come to does not matter.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.credit.states._named import named
from guerdon.credit.states.so_far import SoFar
from guerdon.quantities import Mask, Segment
from guerdon.witness import Witness


@dataclass(frozen=True)
class LastTold:
    def __call__(self, action: Tensor, mask: Mask) -> Segment:
        out = torch.zeros(action.shape, dtype=torch.long)
        for b, (said, acted) in enumerate(zip(action.tolist(), mask.tolist(), strict=True)):
            told: list[int] = []
            state, speaking = named(()), False
            for t, (token, own) in enumerate(zip(said, acted, strict=True)):
                if not own:
                    told, speaking = [*([] if speaking else told), token], False
                    continue
                if not speaking and told:
                    state = named(told)
                told, speaking = [], True
                out[b, t] = state
        return out.to(action.device)


_given = {"action": [[1, 5, 2, 5, 3], [4, 4, 5, 2, 0]], "mask": [[1, 0, 1, 0, 1], [1, 1, 0, 1, 0]]}
_0, _5 = named(()), named([5])
witness = Witness(LastTold(), parent=SoFar(), given=_given, returns=[[_0, 0, _5, 0, _5], [_0, _0, 0, _5, 0]])
