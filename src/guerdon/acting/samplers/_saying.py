"""What a policy says of sequences that it did not draw as it is asked to."""

import torch
from torch import Tensor

from guerdon.models import Policy
from guerdon.sequences import Sequences


@torch.no_grad()
def said_of(policy: Policy, sequences: Sequences) -> Tensor:
    """[B, T], their log-probabilities, measured one at a time: a batch of prompts may be large."""
    out = torch.zeros(sequences.actions.shape, dtype=torch.float64)
    for row in range(len(sequences)):
        logp = policy.measure(sequences.select(torch.tensor([row])), {"logp"})["logp"]
        out[row, : logp.shape[1]] = logp[0]
    return out
