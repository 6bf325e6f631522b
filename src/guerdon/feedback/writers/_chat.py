"""Chat: a question as the body of a request to an OpenAI-compatible server, and what of it such servers may not know."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from guerdon.feedback.writers import Answer, Question

_TOP = 20  # alternatives of a token, the most that the API gives
OPTIONAL = {  # what a server may refuse, by what its refusal says, and what is done without it
    "schema": (("response_format", "json_schema", "guided", "grammar", "structured"), "answers are not held to the JSON schema"),
    "likely": (("logprob",), "how likely words are is not known, and they are written"),
    "seed": (("seed",), "what is drawn has no seed"),
    "temperature": (("temperature",), "the temperature is the server's"),
    "max_tokens": (("max_tokens",), "the length of an answer is asked for as max_completion_tokens"),
    "system": (("system",), "what a judge is told stands in the user's message"),
}


@dataclass
class Known:
    """What a server turned out not to take."""

    without: set[str] = field(default_factory=set)

    def body(self, model: str, question: Question, extra: Mapping[str, Any]) -> dict[str, Any]:
        messages = [dict(message) for message in question.messages]
        if "system" in self.without and messages[0]["role"] == "system":
            first, second, *rest = messages
            messages = [{**second, "content": f"{first['content']}\n\n{second['content']}"}, *rest]
        body: dict[str, Any] = {"messages": messages} | ({"model": model} if model else {})
        body["max_completion_tokens" if "max_tokens" in self.without else "max_tokens"] = question.max_tokens
        if "temperature" not in self.without:
            body["temperature"] = question.temperature
        if "seed" not in self.without and question.temperature > 0:
            body["seed"] = question.seed % 2**31
        if "schema" not in self.without and question.schema is not None:
            named = {"name": "answer", "strict": True, "schema": dict(question.schema)}
            body["response_format"] = {"type": "json_schema", "json_schema": named}
        if "likely" not in self.without and question.words:
            body |= {"logprobs": True, "top_logprobs": _TOP}
        return body | dict(extra)

    def refused(self, said: str, question: Question) -> str | None:
        """What is left out from now on, since the server refuses a question with these words; None where it is not that."""
        there = {"schema": question.schema is not None, "likely": bool(question.words), "seed": question.temperature > 0}
        there["system"] = len(question.messages) > 1 and question.messages[0]["role"] == "system"
        left = [name for name in OPTIONAL if name not in self.without and there.get(name, True)]
        found = next((name for name in left if any(word in said.lower() for word in OPTIONAL[name][0])), None)
        if found is None:  # a refusal that does not say of what: what few servers know goes first
            found = next((name for name in ("schema", "likely") if name in left), None)
        if found is not None:
            self.without.add(found)
        return found


class Malformed(Exception):
    """What a server answers is no chat completion."""


def answer_in(said: Any, question: Question) -> Answer:
    """The answer that a server's JSON holds; -1 tokens where it does not count them.

    Raises:
        Malformed: it holds none.
    """
    try:
        choice = said["choices"][0]
        text = choice["message"].get("content")
        usage = said.get("usage") or {}
        read, written = int(usage.get("prompt_tokens", -1)), int(usage.get("completion_tokens", -1))
        ended = choice.get("finish_reason") != "length"
        refusal = choice["message"].get("refusal")
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        shown = json.dumps(said, default=str) if not isinstance(said, str) else said
        raise Malformed(" ".join(shown.split())[:160]) from error
    if text is None:
        return Answer("", None, read, written, ended, f"it refuses to answer: {refusal}" if refusal else "it answers with no text")
    return Answer(str(text), _likely(choice, question.words) if question.words else None, read, written, ended)


def _likely(choice: Mapping[str, Any], words: Sequence[str]) -> tuple[float, ...] | None:
    """Log-probabilities of words as the first token; a word that is not among its alternatives has at most that of the last of them. None where the server says nothing of
    it, or no word is among them."""
    try:
        top = choice["logprobs"]["content"][0]["top_logprobs"]
        found = [(str(one["token"]).strip(), float(one["logprob"])) for one in top]
    except (KeyError, IndexError, TypeError, ValueError):
        return None
    sums = [_added([logp for token, logp in found if token == word]) for word in words]
    if not found or all(one is None for one in sums):
        return None
    least = min(logp for _, logp in found)
    return tuple(least if one is None else one for one in sums)


def _added(logps: Sequence[float]) -> float | None:
    return math.log(sum(math.exp(logp) for logp in logps)) if logps else None
