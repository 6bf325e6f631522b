"""Recasts as sequences: what was said of an answer keeps the tokens that were sampled, as far as they reach.

Text that was not sampled is tokenized on its own, as completions of data are.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from guerdon.feedback.recasting import Recast
from guerdon.feedback.text import whole_text
from guerdon.sequences import Sequences, pad
from guerdon.tasks.encoding import Encoder, TooLong, template_variables

Piece = tuple[Sequence[int], Sequence[int]]  # a context, and the actions that are measured in it


def recast_tokens(
    encoder: Encoder, recast: Recast | None, prompt: Any, completion: Any, tokens: Sequence[int], row: Mapping[str, Any]
) -> Piece | None:
    """The context and the tokens that are measured in it; None where there is nothing to measure, or no room for it."""
    if recast is None or not recast.measured:
        return None
    try:
        context = encoder.encode_prompt(recast.prompt, **template_variables(row))
    except TooLong:
        return None
    whole, begun, measured = whole_text(completion), recast.begun, recast.measured
    first = last = 0
    if recast.prompt == prompt and whole.startswith(begun):
        lengths = _Lengths(encoder, prompt, tokens)
        first = lengths.within(len(begun))
        while first and tokens[first - 1] == encoder.tokenizer.eos_token_id:  # that it ended is not said before what follows
            first -= 1
        begun = begun[lengths(first) :]
        if whole.startswith(recast.begun + measured):  # all of it was sampled: the very tokens, from the one in which it begins
            last = lengths.covering(len(recast.begun + measured))
    said = tokens[first:last] if last else encoder.encode_continuation(measured)
    before = (*context, *tokens[:first], *(() if last or not begun else encoder.encode_continuation(begun)))
    fits = encoder.max_length is None or len(before) + len(said) <= encoder.max_length
    return (before, tuple(said)) if len(said) and fits else None


class _Lengths:
    """How many letters the first n of the tokens make. Text grows with its tokens, so what is asked for is found by halving."""

    def __init__(self, encoder: Encoder, prompt: Any, tokens: Sequence[int]):
        self.encoder, self.prompt, self.tokens = encoder, prompt, list(tokens)

    def __call__(self, count: int) -> int:
        return len(whole_text(self.encoder.completion(self.prompt, self.tokens[:count]))) if count else 0

    def within(self, letters: int) -> int:
        """How many tokens lie within the first letters."""
        low, high = 0, len(self.tokens)
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if self(middle) <= letters else (low, middle - 1)
        return low

    def covering(self, letters: int) -> int:
        """How many tokens it takes for the first letters."""
        low, high = 0, len(self.tokens)
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if self(middle) >= letters else (middle + 1, high)
        return low


def recast_sequences(rollouts: Sequences, pieces: Sequence[Piece | None]) -> Sequences:
    """One sequence for each rollout: a context and the actions that are measured in it. None: nothing is, and the mask says so."""
    places: dict[tuple[int, ...], int] = {}
    nothing: tuple[tuple[int, ...], tuple[int, ...]] = (tuple(rollouts.contexts[0].tolist()), ())
    given = [nothing if piece is None else (tuple(piece[0]), tuple(piece[1])) for piece in pieces]
    context = torch.tensor([places.setdefault(before, len(places)) for before, _ in given])
    actions = pad([said or (0,) for _, said in given], torch.long)
    length = torch.tensor([max(len(said), 1) for _, said in given])
    acted = torch.tensor([len(said) for _, said in given])
    mask = torch.arange(actions.shape[1]) < acted.unsqueeze(-1)
    contexts = [torch.tensor(before, dtype=torch.long) for before in places]
    return Sequences(contexts, context, actions, mask, length, temperature=rollouts.temperature)
