"""Asking: how likely a model is to answer a question with each of a few words.

    log p(word | question),  the sum over the word's tokens        [B, W], nats; what would come after the word is left open

A model with a chat template is asked in a message of the user's, another one in plain text, whatever the texts are of that the question is about.

Source: ours.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.models import Policy
from guerdon.sequences import Sequences, pad
from guerdon.tasks.encoding import Encoder


@torch.no_grad()
def log_probabilities(policy: Policy, questions: Sequence[str], words: Sequence[str], rows_at_once: int = 32) -> Tensor:
    """[B, W]; a question that is too long for the model loses its beginning.

    Raises:
        InputError: a word has no tokens, or two have the same.
    """
    plain = Encoder(policy.tokenizer)
    said = [plain.encode_continuation(word) for word in words]
    if not all(said) or len(set(said)) < len(said):
        raise InputError(
            f"the words {', '.join(map(repr, words))} are to be told apart, and the model's tokenizer writes two of them alike, or one as nothing; take others"
        )
    encoder = Encoder(policy.tokenizer, policy.context_length - max(map(len, said)) + 1, truncate="prompt")
    chat = bool(getattr(policy.tokenizer, "chat_template", None))
    contexts = [torch.tensor(encoder.encode_prompt([{"role": "user", "content": q}] if chat else q)) for q in questions]
    actions, length = pad(said, torch.long), torch.tensor([len(tokens) for tokens in said])
    out = [torch.zeros(0, len(words))]
    for first in range(0, len(contexts), rows_at_once):
        some = contexts[first : first + rows_at_once]
        rows = actions.repeat(len(some), 1)
        mask = torch.arange(rows.shape[1]) < length.repeat(len(some)).unsqueeze(-1)
        asked = Sequences(some, torch.arange(len(some)).repeat_interleave(len(words)), rows, mask, length.repeat(len(some)))
        out.append(policy.measure(asked, {"logp"})["logp"].sum(-1).float().cpu().view(len(some), len(words)))
    return torch.cat(out)
