"""What is known of a server while it draws for a policy."""

import json
import math
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from guerdon.acting.engines import seed_of
from guerdon.acting.engines._answers import Answer, read
from guerdon.catalogue import unknown
from guerdon.errors import InputError
from guerdon.sequences import Decoding, Sequences
from guerdon.servers.connection import NotFound

_ABOUT_N = re.compile(r"\bn\b")
# llama.cpp parses what was sampled as a message of a chat, in this endpoint too, and answers with an error where that is no UTF-8, which tokens of single bytes need not be. This
# parser asks for nothing; the text of the answer is what it was.
_LLAMA_CPP = {"chat_parser": json.dumps({"parsers": [{"type": "epsilon"}], "rules": {}, "root": 0})}


class Session:
    """What is known of a server while it draws for a policy: that it is there, its model, what its log-probabilities are of, and how far the
    policy's weights have moved since they were sent."""

    def __init__(self, server: Any):
        self.server, self.url = server, server.url.rstrip("/")
        self.model = ""
        self.fine: set[Decoding] = set()  # whose log-probabilities are known to be of what is drawn from
        self.sent, self.moves = 0, 0  # how often weights were sent, and how often they have moved since
        self.versions: list[int] | None = None
        self.warned: set[str] = set()
        self.more: Mapping[str, Any] = {}  # what this kind of server has to be told besides

    def prepare(self, policy: Any, contexts: Sequence[Tensor], decoding: Decoding, idle: Callable[[], None]) -> None:
        """Send weights where it is time, once the server is ``idle``, and see that it can answer."""
        self._refresh(policy, idle)
        if not self.model:
            self.model = self.find_model()
        if decoding not in self.fine:
            self._check(policy, contexts, decoding)
            self.fine.add(decoding)

    def complete(self, policy: Any, prompt: Tensor, decoding: Decoding, uniforms: Tensor, n: int) -> list[Answer]:
        """``n`` completions of a prompt."""
        ends = policy.ends.tolist()
        choices, sampled = self._choices(policy, prompt, decoding, n, seed_of(uniforms))
        answers = [read(choice, policy.tokenizer, ends, decoding.max_completion_length, sampled) for choice in choices]
        if any(answer.cut for answer in answers):
            self._warn(
                "cut", "leaves out tokens that hold a part of a character; a completion ends before those that cannot be told from the text"
            )
        vocabulary = getattr(getattr(policy.module, "config", None), "vocab_size", math.inf)
        for answer in answers:
            if answer.tokens and max(answer.tokens) >= vocabulary:
                raise InputError(
                    f"{self.url} sampled the token {max(answer.tokens)}, which the policy does not have: it serves another model"
                )
        return answers

    def tokenised(self) -> None:
        """Say that the tokens are not the server's own."""
        self._warn("text", "returns text and no token ids; it is tokenised again, which may give other tokens than were sampled")

    def filled(self, policy: Any, drawn: Sequences) -> Sequences:
        """Log-probabilities that the server left out are the learner's."""
        logp = drawn.quantities["old_logp"]
        rows = logp.isnan().any(-1)
        if rows.any():
            self._warn(
                "logp", "leaves out log-probabilities of some tokens; there old_logp is the learner's, as if the server had its weights"
            )
            with torch.no_grad():
                own = policy.measure(drawn.select(rows), {"logp"})["logp"].float().cpu()
            logp[rows, : own.shape[1]] = torch.where(logp[rows, : own.shape[1]].isnan(), own, logp[rows, : own.shape[1]])
        return drawn

    def _choices(self, policy: Any, prompt: Tensor, decoding: Decoding, n: int, seed: int) -> tuple[list[Mapping[str, Any]], int | None]:
        """The completions as they were answered, and how many tokens were sampled for a single one, if that is told."""
        body = {
            "model": self.model,
            "prompt": prompt.tolist(),
            "n": n,
            "max_tokens": decoding.max_completion_length,
            "temperature": decoding.temperature,
            "top_p": decoding.top_p,
            "top_k": decoding.top_k or -1,  # all of these are always sent, because servers have defaults of their own
            "min_p": decoding.min_p,
            "repetition_penalty": 1.0,
            "seed": seed,
            "logprobs": 1,
            "stop_token_ids": policy.ends.tolist(),
            "skip_special_tokens": False,
            "return_token_ids": True,
            "return_tokens_as_token_ids": True,
        }
        if self.sent:
            body["cache_salt"] = f"weights {self.sent}"  # keys and values of prompts under earlier weights are not to be used
        try:
            answer = self.server.connection(f"{self.url}/completions", {**body, **self.more, **self.server.extra})
        except InputError as error:
            if n > 1 and _ABOUT_N.search(str(error)):
                raise InputError(
                    f"{error}; n is the number of completions in one request: set per_request to what the server takes, at least 1"
                ) from error
            raise
        choices = answer.get("choices") if isinstance(answer, dict) else None
        if not isinstance(choices, list):
            raise InputError(f"{self.url}/completions answers without completions: {_words(answer)}")
        if len(choices) != n:
            advice = "; set per_request: 1" if n > 1 else ""
            raise InputError(f"{self.url}/completions was asked for n={n} completions and returned {len(choices)}{advice}")
        order = [choice.get("index") if isinstance(choice, Mapping) else None for choice in choices]
        numbered = all(type(i) is int for i in order)
        usage = answer.get("usage") if n == 1 else None
        sampled = usage.get("completion_tokens") if isinstance(usage, dict) else None
        return (sorted(choices, key=lambda choice: choice["index"]) if numbered else choices), sampled if type(sampled) is int else None

    def find_model(self) -> str:
        """The name of the model that is sampled.

        Raises:
            InputError: the server is not there, or serves another.
        """
        try:
            listed = self.server.connection(f"{self.url}/models", first=True)
        except NotFound:
            if self.server.model:
                return self.server.model
            raise InputError(f"{self.url}/models does not exist: does url end in /v1? If the server lists no models, name one") from None
        models = listed.get("data") if isinstance(listed, dict) else listed
        models = models if isinstance(models, list) else []
        if any(isinstance(item, dict) and item.get("owned_by") == "llamacpp" for item in models):
            self.more = _LLAMA_CPP
        served = [str(item["id"] if isinstance(item, dict) and "id" in item else item) for item in models]
        if self.server.model in served:
            return self.server.model
        if self.server.model:
            raise InputError(f"{self.url} does not serve it: {unknown('model', self.server.model, served)}")
        if len(served) != 1:
            raise InputError(f"{self.url} serves {', '.join(served) or 'no model'}; say with model which of them is sampled")
        return served[0]

    def _check(self, policy: Any, contexts: Sequence[Tensor], decoding: Decoding) -> None:
        """See whether log-probabilities are of what is drawn from.

        With a tiny top_p only the likeliest token can be drawn, at any temperature. If its log-probability is 0, the server counts truncation in; if not,
        whether it changes with the temperature tells whether that is counted in.
        """
        if decoding.temperature == 0 or (decoding.temperature == 1 and not decoding.truncates):
            return
        found: list[list[float]] = []
        beginnings = {tuple(c[:n].tolist()) for c in contexts[:2] for n in (1, max(len(c) // 2, 1), len(c))}
        for prompt in map(torch.tensor, sorted(beginnings)):  # after some of them the model may be as good as certain
            both = []
            for temperature in (1.0, 0.5):
                (choice,), _ = self._choices(policy, prompt, Decoding(1, temperature, top_p=1e-6), 1, 0)
                both += read(choice, policy.tokenizer, (), 1).logp  # none, where the end token is drawn and not told of
            if len(both) == 2 and all(map(math.isfinite, both)):
                found.append(both)
        if not found:
            raise InputError(
                f"{self.url} told no log-probability of any single token that it was asked for, so nothing says of which distribution they are; "
                "sample at temperature 1 without truncation"
            )
        if all(abs(x) < 1e-4 for both in found for x in both):
            return
        tempered = any(abs(cold - warm) > 0.05 * abs(warm) for warm, cold in found)
        if tempered and not decoding.truncates:
            return
        of = "of the tempered distribution before it is truncated" if tempered else "of temperature 1, before truncation"
        raise InputError(
            f"the log-probabilities of {self.url} are {of}, not of what {decoding} draws from; start vLLM with "
            f"--logprobs-mode processed_logprobs, or sample {'' if tempered else 'at temperature 1 '}without truncation"
        )

    def _refresh(self, policy: Any, idle: Callable[[], None]) -> None:
        how = self.server.refresh
        if how is None:
            return
        versions = [p._version for p in policy.module.parameters()]
        if versions != self.versions:
            self.versions, self.moves = versions, self.moves + 1
        if self.sent and self.moves < how.every:
            return
        idle()
        how.send(policy, self.server.connection, first=not self.sent)
        self.sent, self.moves = self.sent + 1, 0

    def _warn(self, what: str, sentence: str) -> None:
        if what not in self.warned:
            self.warned.add(what)
            warnings.warn(f"{self.url} {sentence}", stacklevel=3)


def _words(answer: Any) -> str:
    """What a server says in the place of an answer: the message of its error where there is one."""
    error = answer.get("error", answer) if isinstance(answer, dict) else answer
    said = error.get("message", error) if isinstance(error, dict) else error
    return repr(" ".join(str(said).split())[:200]) if said not in ("", None) else "nothing at all"
