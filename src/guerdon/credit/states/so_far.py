"""So far: the state is all that stands in the sequence before the step.

    state_t = the tokens before step t, acted or not        [B, T]

In answer to one prompt two steps are in one state where everything before them is alike: the prefix tree of the group.

Source: prefixes as states, as in a token MDP; TEMPO, arXiv 2509.18314, groups answers so.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.credit.states._named import named
from guerdon.quantities import Mask, Segment
from guerdon.witness import Witness


@dataclass(frozen=True)
class SoFar:
    def __call__(self, action: Tensor, mask: Mask) -> Segment:
        out = torch.zeros(action.shape, dtype=torch.long)
        for b, said in enumerate(action.tolist()):
            state = named(())
            for t, token in enumerate(said):
                if mask[b, t]:
                    out[b, t] = state
                state = named((state, token))
        return out.to(action.device)


_0 = named(())
_1 = named((_0, 1))
witness = Witness(
    SoFar(), given={"action": [[1, 2], [1, 3], [2, 2]], "mask": [[1, 1], [1, 1], [1, 0]]}, returns=[[_0, _1], [_0, _1], [_0, 0]]
)
