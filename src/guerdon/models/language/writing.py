"""Writing: a language model answers conversations, as whoever judges or proposes does.

Nothing is cut: a conversation that does not fit beside its answer is not answered, and why is said. What stands in a message is text: the special tokens of the tokenizer,
written out in it, are broken up, so that nobody who is quoted can end a message and begin another.

Source: ours.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.feedback.writers import Written, plain
from guerdon.models import Policy
from guerdon.randomness import generator
from guerdon.sequences import Decoding, Sequences, pad
from guerdon.tasks.encoding import Encoder

_ROWS = 16  # conversations that are measured at once


@torch.no_grad()
def write(policy: Policy, conversations: Sequence[Any], max_tokens: int, temperature: float, seeds: Sequence[int]) -> list[Written]:
    """See ``guerdon.feedback.writers.Writing``."""
    encoder, (contexts, out) = _encoder(policy), _read(policy, conversations, max_tokens)
    rows = [row for row, context in enumerate(contexts) if context is not None]
    if not rows:
        return out
    distinct = {tuple(contexts[row].tolist()): contexts[row] for row in rows}
    place = {key: i for i, key in enumerate(distinct)}
    which = torch.tensor([place[tuple(contexts[row].tolist())] for row in rows])
    uniforms = torch.stack([torch.rand(max_tokens, generator=generator(seeds[row], "write")) for row in rows])
    drawn = policy.sample(list(distinct.values()), which, Decoding(max_completion_length=max_tokens, temperature=temperature), uniforms)
    for b, row in enumerate(rows):
        tokens = drawn.actions[b, : int(drawn.length[b])].tolist()
        said = encoder.completion(_messages(policy, conversations[row]), tokens)
        text = said if isinstance(said, str) else said[-1]["content"]
        out[row] = Written(text, len(contexts[row]), len(tokens), bool(drawn.quantities["terminated"][b]))
    return out


@torch.no_grad()
def choose(policy: Policy, conversations: Sequence[Any], words: Sequence[str]) -> list[Written]:
    """See ``guerdon.feedback.writers.Writing``. A word's log-probability is that of its tokens; what would come after it is left open.

    Raises:
        InputError: a word has no tokens, or two have the same.
    """
    said = spelled(policy, words)
    contexts, out = _read(policy, conversations, max(map(len, said)))
    actions, length = pad(said, torch.long), torch.tensor([len(tokens) for tokens in said])
    rows = [row for row, context in enumerate(contexts) if context is not None]
    for first in range(0, len(rows), _ROWS):
        some = rows[first : first + _ROWS]
        every = actions.repeat(len(some), 1)
        mask = torch.arange(every.shape[1]) < length.repeat(len(some)).unsqueeze(-1)
        which = torch.arange(len(some)).repeat_interleave(len(words))
        asked = Sequences([contexts[row] for row in some], which, every, mask, length.repeat(len(some)))
        found = policy.measure(asked, {"logp"})["logp"].sum(-1).double().cpu().view(len(some), len(words))
        for row, likely in zip(some, found.tolist(), strict=True):
            out[row] = Written(read=len(contexts[row]), written=1, likely=tuple(likely))
    return out


def spelled(policy: Policy, words: Sequence[str]) -> list[Sequence[int]]:
    """The tokens of words as the beginning of an answer."""
    said = [Encoder(policy.tokenizer).encode_continuation(word) for word in words]
    if not all(said) or len(set(said)) < len(said):
        raise InputError(
            f"the words {', '.join(map(repr, words))} are to be told apart, and the model's tokenizer writes two of them alike, or one as nothing; take others"
        )
    return said


def _read(policy: Policy, conversations: Sequence[Any], room: int) -> tuple[list[Tensor | None], list[Written]]:
    """The tokens of each conversation, and why there are none where it does not fit."""
    encoder, contexts, out = _encoder(policy), [], []
    for conversation in conversations:
        context = torch.tensor(encoder.encode_prompt(_messages(policy, conversation)))
        fits = len(context) + room <= policy.context_length
        contexts.append(context if fits else None)
        why = f"it would be {len(context)} tokens and {room} of the answer, and the model has room for {policy.context_length}"
        out.append(Written(read=len(context), why="" if fits else why))
    return contexts, out


def _encoder(policy: Policy) -> Encoder:
    return Encoder(policy.tokenizer)


def _messages(policy: Policy, conversation: Any) -> Any:
    """The conversation with its special tokens broken up; one text, for a model without a chat template."""
    texts = [conversation] if isinstance(conversation, str) else [message["content"] for message in conversation]
    for token in sorted(getattr(policy.tokenizer, "all_special_tokens", []), key=len, reverse=True):
        if len(token) > 1:
            texts = [text.replace(token, f"{token[0]} {token[1:]}") for text in texts]
    if getattr(policy.tokenizer, "chat_template", None) and not isinstance(conversation, str):
        return [{**message, "content": text} for message, text in zip(conversation, texts, strict=True)]
    return plain([{"content": text} for text in texts])
