"""Reading what servers answer to ``/v1/completions``: tokens, their log-probabilities, and whether the sequence ended by itself.

Servers differ in where they put the tokens: vLLM's ``return_token_ids`` gives ``token_ids``, its ``return_tokens_as_token_ids`` writes
``token_id:17`` for a token's text, SGLang gives ``response_token_ids``, llama.cpp writes an ``id`` beside each log-probability, and others
give text only.

What is read comes from a program that nobody here has seen, so nothing of it is believed before it is looked at: an id or a log-probability that
cannot be one would be learned from without a word.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guerdon.errors import InputError

_AS_ID = "token_id:"
_BROKEN = "\N{REPLACEMENT CHARACTER}"  # stands in a text where bytes are no character
_NO_MORE = -1000.0  # nothing that was sampled is less likely; -9999 (OpenAI's) and -inf say that a log-probability was not told
_ROUNDING = 1e-2  # by which a log-probability in half precision may be above 0
_NO_LOGP = (
    "the server returns no log-probabilities of what it samples, so nothing could say how likely the policy was to act as it did; "
    "use a server whose completions have them (vLLM, SGLang, llama.cpp)"
)


@dataclass(frozen=True)
class Answer:
    """One completion: token ids, their log-probabilities (NaN: not told), whether it ended by itself, whether the ids are the server's, and whether the
    completion was cut where the server leaves tokens out."""

    tokens: list[int]
    logp: list[float]
    ended: bool
    exact: bool
    cut: bool = False


def read(choice: Mapping[str, Any], tokenizer: Any, ends: Sequence[int], steps: int, sampled: int | None = None) -> Answer:
    """What ``choice`` says; up to the first token that ends a completion here, wherever the server would have stopped.

    Args:
        sampled: how many tokens the server says that it sampled, where that is known.

    Raises:
        InputError: it holds no log-probabilities, or neither token ids nor a text that could be tokenised.
    """
    if not isinstance(choice, Mapping):
        raise InputError(f"the server's completions are {type(choice).__name__}s, such as {_short(choice)}, where objects belong")
    told = choice.get("logprobs") or {}
    if not isinstance(told, Mapping):
        raise InputError(f"the server's 'logprobs' are {_short(told)}, where an object with token_logprobs belongs")
    content = _list(told, "content")
    if not all(isinstance(item, Mapping) for item in content):
        raise InputError(f"the server's 'content' of logprobs holds {_short(content[0])}, where objects with a logprob belong")
    logp = _list(told, "token_logprobs") or [item.get("logprob") for item in content]
    pieces = _list(told, "tokens") or [item.get("token") for item in content]
    ended = choice.get("finish_reason") == "stop"
    tokens = _list(choice, "token_ids") or _list(choice, "response_token_ids") or choice.get("token_ids")
    whole, exact = bool(tokens), True  # whole: the ids are known to have the end token among them, whichever it is
    cut = False
    if tokens is None and content and all("id" in item for item in content):
        _look_at_ids([item["id"] for item in content])
        tokens, logp, cut = _from_pieces(content, tokenizer)
    if tokens is None and pieces and all(str(piece).startswith(_AS_ID) for piece in pieces):
        tokens, whole = [_number(str(piece).removeprefix(_AS_ID)) for piece in pieces], True
    if tokens is None and not pieces and set(str(choice.get("text") or "-")) == {_BROKEN}:
        tokens, cut = [], True  # nothing but the beginning of a character
    if (tokens or (choice.get("text") and not cut)) and not any(x is not None for x in logp):
        raise InputError(_NO_LOGP)
    if tokens is None and not pieces and choice.get("text") == "":
        tokens = []
    if tokens is None:
        tokens, exact = _tokenised(choice.get("text"), pieces, tokenizer), False
    if exact:
        _look_at_ids(tokens)
        _look_whose(tokens, pieces)
    known = [_log_probability(x) for x in logp]
    known += [math.nan] * (len(tokens) - len(known))
    if len(known) > len(tokens):  # of which tokens they are cannot be told
        known = [math.nan] * len(tokens)
    first = next((i for i, token in enumerate(tokens) if token in ends), None) if exact else None
    if first is not None:
        return Answer(list(tokens[: first + 1])[:steps], known[: first + 1][:steps], first < steps, exact)
    cut = cut or (
        exact and not whole and ended and sampled is not None and len(tokens) + 1 < sampled
    )  # of a character begun there is no token
    if ended and not cut and not whole and ends and len(tokens) < steps:
        own = getattr(tokenizer, "eos_token_id", None)
        tokens, known = [*tokens, own if own in ends else ends[0]], [*known, math.nan]
    return Answer(list(tokens[:steps]), known[:steps], ended and not cut and len(tokens) <= steps, exact, cut)


def _from_pieces(content: Sequence[Mapping[str, Any]], tokenizer: Any) -> tuple[list[int], list[Any], bool]:
    """Tokens and log-probabilities of pieces with ids, and whether there are more of which nothing is known.

    llama.cpp tells of a token once its bytes end with a whole character: those that hold the beginning of one are left out, and their bytes are those of the piece that
    ends it. Where the piece is the text of tokens of which the last is the one that is told, it is they that were sampled; else the completion ends before it.
    """
    tokens: list[int] = []
    logp: list[Any] = []
    for item in content:
        told = item.get("bytes")
        given = bytes(told).decode(errors="replace") if isinstance(told, list) and tokenizer is not None and _are_bytes(told) else ""
        before: list[int] = []
        if given and given.lstrip(" ") != tokenizer.decode([item["id"]]).lstrip(" "):
            before = tokenizer.encode(given, add_special_tokens=False)
            if not before or before.pop() != item["id"] or _BROKEN in given:
                return tokens, logp, True
        tokens += [*before, item["id"]]
        logp += [*(None for _ in before), item.get("logprob")]
    return tokens, logp, False


def _are_bytes(told: Sequence[Any]) -> bool:
    return all(isinstance(byte, int) and 0 <= byte < 256 for byte in told)


def _list(of: Mapping[str, Any], name: str) -> list[Any]:
    """The list of that name, empty where there is none."""
    found = of.get(name)
    if found is None:
        return []
    if not isinstance(found, list):
        raise InputError(f"the server's {name!r} is {_short(found)}, where a list belongs")
    return found


def _number(text: str) -> Any:
    return int(text) if text.isdecimal() else text


def _look_at_ids(tokens: Sequence[Any]) -> None:
    for token in tokens:
        if isinstance(token, bool) or not isinstance(token, int) or token < 0:
            raise InputError(f"the server says that it sampled the token {_short(token)}; the id of a token is a whole number from 0 on")


def _look_whose(tokens: Sequence[int], pieces: Sequence[Any]) -> None:
    """See that the log-probabilities are those of the tokens, where both are told by their ids."""
    for token, piece in zip(tokens, pieces, strict=False):
        if str(piece).startswith(_AS_ID) and _number(str(piece).removeprefix(_AS_ID)) != token:
            raise InputError(
                f"the server says that it sampled the token {token}, and tells the log-probability of {_short(piece)} in its place"
            )


def _log_probability(told: Any) -> float:
    """What was told as one; NaN where nothing was."""
    if told is None:
        return math.nan
    if isinstance(told, bool) or not isinstance(told, int | float) or told > _ROUNDING:
        raise InputError(f"the server says that the log-probability of a token is {_short(told)}; it is a number, and not above 0")
    return float(min(told, 0.0)) if told > _NO_MORE else math.nan


def _short(told: Any) -> str:
    text = repr(told)
    return text if len(text) <= 40 else f"{text[:39]}…"


def _tokenised(text: str | None, pieces: Sequence[str], tokenizer: Any) -> list[int]:
    """The tokens of a text: those of its pieces where each is one token and together they are the text, else those of the whole."""
    if not isinstance(text, str) or tokenizer is None:
        raise InputError("the server returns neither token ids nor a text that could be tokenised; vLLM returns ids (return_token_ids)")
    own = [tokenizer.encode(str(piece), add_special_tokens=False) for piece in pieces]
    if own and all(len(ids) == 1 for ids in own):
        joined = [ids[0] for ids in own]
        if tokenizer.decode(joined, skip_special_tokens=True) == text or tokenizer.decode(joined) == text:
            return joined
    return list(tokenizer.encode(text, add_special_tokens=False))
