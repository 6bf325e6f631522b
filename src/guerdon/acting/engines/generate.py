"""Generate: ``transformers.generate`` draws, from the policy's own weights as they are now.

    old_logp = log_softmax of the scores that a token was drawn from (tempered and truncated as ``transformers`` does it)

An independent reference for our own sampler, and for models whose caches need code of their own. It is slower: a prompt is computed again for each of its
completions, and rows that have ended go on being computed until all have.

Source: ``generate`` of transformers, https://huggingface.co/docs/transformers/main_classes/text_generation.
Differs from the policy's own sampler: the random numbers are torch's, seeded by the first of ``uniforms``, so that a row depends on its neighbours;
the same batch gives the same rollouts. At temperature 0 there are none, and both draw the same.
Invalid: for ``AdaptersOff``, whose ``computing`` has its adapters on.
Default: ``rows_at_once`` 64: ours; scores of one chunk are held at once, rows x steps x vocabulary numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from guerdon.acting.engines import seed_of
from guerdon.errors import InputError
from guerdon.models.language._constant import Constant
from guerdon.models.language.generating import generate
from guerdon.sequences import Decoding, Sequences
from guerdon.witness import Witness


@dataclass(frozen=True)
class Generate:
    rows_at_once: int = 64

    def __call__(self, policy: Any, contexts: Sequence[Tensor], context: Tensor, decoding: Decoding, uniforms: Tensor) -> Sequences:
        module = getattr(policy, "computing", None)
        if not hasattr(module, "generate"):
            raise InputError(f"the engine generate acts for language models; leave it out, a {type(policy).__name__} samples by itself")
        rows, steps = len(context), decoding.max_completion_length
        tokens, logp = torch.zeros(rows, steps, dtype=torch.long), torch.zeros(rows, steps)
        with torch.random.fork_rng(devices=[policy.device] if policy.device.type == "cuda" else []):
            torch.manual_seed(seed_of(uniforms))  # transformers draws from the global generator
            for some in torch.arange(rows).split(self.rows_at_once):
                drawn = generate(module, [contexts[i] for i in context[some].tolist()], decoding, policy.ends, policy.device)
                for kept, new in zip((tokens, logp), drawn, strict=True):
                    kept[some, : new.shape[1]] = new
        is_end = torch.isin(tokens, policy.ends)
        ended = is_end.any(-1)
        length = torch.where(ended, is_end.int().argmax(-1) + 1, steps)
        longest = max(int(length.max()), 1)
        mask = torch.arange(longest) < length.unsqueeze(-1)
        found = {"old_logp": torch.where(mask, logp[:, :longest], 0.0), "terminated": ended}
        actions = torch.where(mask, tokens[:, :longest], 0)
        return Sequences(list(contexts), context, actions, mask, length, found, temperature=decoding.temperature or 1.0)


witness = Witness(  # the likeliest token is 1, with probability 1/2; it never ends
    Generate(),
    parent=None,
    given={
        "policy": Constant(),
        "contexts": [torch.tensor([2, 1]), torch.tensor([1])],
        "context": torch.tensor([0, 1]),
        "decoding": Decoding(max_completion_length=2, temperature=0.0),
        "uniforms": torch.zeros(2, 2),
    },
    returns={
        "actions": [[1, 1], [1, 1]],
        "length": [2, 2],
        "terminated": [False, False],
        "old_logp": [[-0.6931472, -0.6931472], [-0.6931472, -0.6931472]],
    },
)
