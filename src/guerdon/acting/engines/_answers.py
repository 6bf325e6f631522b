"""Reading what servers answer to ``/v1/completions``: tokens, their log-probabilities, and whether the sequence ended by itself.

Servers differ in where they put the tokens: vLLM's ``return_token_ids`` gives ``token_ids``, its ``return_tokens_as_token_ids`` writes
``token_id:17`` for a token's text, SGLang gives ``response_token_ids``, llama.cpp writes an ``id`` beside each log-probability, and others
give text only.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guerdon.errors import InputError

_AS_ID = "token_id:"
_NO_LOGP = (
    "the server returns no log-probabilities of what it samples, so nothing could say how likely the policy was to act as it did; "
    "use a server whose completions have them (vLLM, SGLang, llama.cpp)"
)


@dataclass(frozen=True)
class Answer:
    """One completion: token ids, their log-probabilities (NaN: not told), whether it ended by itself, and whether the ids are the server's."""

    tokens: list[int]
    logp: list[float]
    ended: bool
    exact: bool


def read(choice: Mapping[str, Any], tokenizer: Any, ends: Sequence[int], steps: int) -> Answer:
    """What ``choice`` says.

    Raises:
        InputError: it holds no log-probabilities, or neither token ids nor a text that could be tokenised.
    """
    told = choice.get("logprobs") or {}
    content = told.get("content") or ()
    logp = told.get("token_logprobs") or [item.get("logprob") for item in content]
    pieces = told.get("tokens") or [item.get("token") for item in content]
    ended = choice.get("finish_reason") == "stop"
    tokens = choice.get("token_ids") or choice.get("response_token_ids")
    whole, exact = bool(tokens), True  # whole: the ids are known to have the end token among them, whichever it is
    if tokens is None and content and all("id" in item for item in content):
        tokens = [item["id"] for item in content]
    if tokens is None and pieces and all(str(piece).startswith(_AS_ID) for piece in pieces):
        tokens, whole = [int(piece.removeprefix(_AS_ID)) for piece in pieces], True
    if (tokens or choice.get("text")) and not any(x is not None for x in logp):
        raise InputError(_NO_LOGP)
    if tokens is None and not pieces and choice.get("text") == "":
        tokens = []
    if tokens is None:
        tokens, exact = _tokenised(choice.get("text"), pieces, tokenizer), False
    known = [math.nan if x is None else float(x) for x in logp]
    known += [math.nan] * (len(tokens) - len(known))
    if len(known) > len(tokens):  # of which tokens they are cannot be told
        known = [math.nan] * len(tokens)
    if ended and not whole and ends and (not tokens or tokens[-1] not in ends) and len(tokens) < steps:
        own = getattr(tokenizer, "eos_token_id", None)
        tokens, known = [*tokens, own if own in ends else ends[0]], [*known, math.nan]
    return Answer([int(t) for t in tokens[:steps]], known[:steps], ended, exact)


def _tokenised(text: str | None, pieces: Sequence[str], tokenizer: Any) -> list[int]:
    """The tokens of a text: those of its pieces where each is one token and together they are the text, else those of the whole."""
    if text is None or tokenizer is None:
        raise InputError("the server returns neither token ids nor a text that could be tokenised; vLLM returns ids (return_token_ids)")
    own = [tokenizer.encode(piece, add_special_tokens=False) for piece in pieces]
    if own and all(len(ids) == 1 for ids in own):
        joined = [ids[0] for ids in own]
        if tokenizer.decode(joined, skip_special_tokens=True) == text or tokenizer.decode(joined) == text:
            return joined
    return list(tokenizer.encode(text, add_special_tokens=False))
