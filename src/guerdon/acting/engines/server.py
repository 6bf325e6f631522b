"""Server: any OpenAI-compatible server draws (vLLM, SGLang, llama.cpp), asked for token ids with token ids.

Each prompt is one POST to ``url``/completions with ``prompt: [ids]``, ``n`` completions, the decoding, a seed and the stop tokens; up to ``concurrency``
of them are under way. ``old_logp`` is the server's log-probability.

Whose weights: the server's. The learner's move with every step and the server's do not, unless ``refresh`` sends them. Without it a run is off-policy
from the second step on: losses that read ``old_logp`` (``clip``, ``bounded_weight`` ...) correct for it as far as they go, those that do not
(``reinforce``) do not, and ``sampling/sampling_logp_difference`` shows the distance.

Of which distribution: a server's log-probabilities may be those of temperature 1 (vLLM's default ``--logprobs-mode raw_logprobs``; llama.cpp), of the
temperature asked for but not truncated (SGLang), or of what was drawn from (vLLM's ``--logprobs-mode processed_logprobs``). At temperature 1
without truncation, and at temperature 0, there is no difference. Otherwise a few requests for one token tell which they are, and those that are not of
what was drawn from are refused.

Source: the completions API of vLLM, https://docs.vllm.ai/en/latest/serving/openai_compatible_server/ (``return_token_ids``,
``stop_token_ids``, ``top_k``, ``min_p``, ``cache_salt``); ``logprobs_mode``: https://docs.vllm.ai/en/latest/configuration/engine_args/.
Differs from Generate: other weights, another process. A row depends on its prompt and a seed derived from the first of its group's uniforms;
whether the same seed gives the same completion is up to the server.
What servers leave out: where only text comes back it is tokenised again, and log-probabilities that are missing (mostly the end token's) are measured with the
learner, as if the server had its weights; both are said in a warning, once.
Default: ``per_request`` 64, ``concurrency`` 64: ours.
"""

import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from guerdon.acting.engines._answers import Answer
from guerdon.acting.engines._refresh import Refresh
from guerdon.acting.engines._session import Session
from guerdon.acting.engines.generate import Generate
from guerdon.errors import InputError
from guerdon.models import Finished
from guerdon.models.language._constant import Constant
from guerdon.sequences import Decoding, Sequences
from guerdon.servers.connection import Connection, NotFound
from guerdon.servers.opening import check
from guerdon.witness import Witness


@dataclass(frozen=True)
class Server:
    """A server, and how it is asked.

    Attributes:
        url: where it is, with the version: ``http://localhost:8000/v1``.
        model: the name under which the server has the model; "" where it has only one.
        refresh: how it gets the learner's weights; None: it never does.
        per_request: completions asked for in one request; 1 for servers that do not know ``n``.
        concurrency: requests under way.
        extra: more fields of the request's body, or other values of those that are there.
    """

    url: str
    model: str = ""
    refresh: Refresh | None = None
    per_request: int = 64
    concurrency: int = 64
    extra: Mapping[str, Any] = field(default_factory=dict, hash=False)
    connection: Connection = Connection()

    def __post_init__(self) -> None:
        check(self.url)
        if self.per_request < 1 or self.concurrency < 1:
            raise InputError("per_request and concurrency are 1 or more")

    def look(self) -> None:
        """See whether the server is there and serves the model: before anything is loaded that takes long.

        Raises:
            InputError: it is not, or does not.
        """
        if self.refresh is None:
            Session(self).find_model()
            return
        with suppress(NotFound):  # its model may be one that it gets with the weights
            self.connection(f"{self.url.rstrip('/')}/models", first=True)

    def __call__(
        self,
        policy: Any,
        contexts: Sequence[Tensor],
        context: Tensor,
        decoding: Decoding,
        uniforms: Tensor,
        finished: Finished | None = None,
    ) -> Sequences:
        session = self._prepared(policy, contexts, decoding, idle=lambda: None)
        return session.filled(policy, _drawn(session, policy, contexts, context, decoding, uniforms, finished))

    def ready(self, policy: Any, contexts: Sequence[Tensor], decoding: Decoding, idle: Callable[[], None]) -> "Ready":
        """The server with the policy's weights as they are now, or as they were when they were due, to be asked in whichever thread."""
        return Ready(self._prepared(policy, contexts, decoding, idle))

    def filled(self, policy: Any, drawn: Sequences) -> Sequences:
        """What ``Ready`` drew, with log-probabilities that the server left out measured with the learner."""
        return _session_of(self, policy).filled(policy, drawn)

    def _prepared(self, policy: Any, contexts: Sequence[Tensor], decoding: Decoding, idle: Callable[[], None]) -> Session:
        if getattr(policy, "ends", None) is None or not hasattr(policy, "tokenizer"):
            raise InputError(f"the engine server acts for language models; leave it out, a {type(policy).__name__} samples by itself")
        session = _session_of(self, policy)
        session.prepare(policy, contexts, decoding, idle)
        return session


@dataclass(frozen=True)
class Ready:
    """A server that has the weights with which it is to draw one batch. ``old_logp`` is NaN where the server leaves it out: the policy may be moving."""

    session: Session

    def __call__(
        self,
        policy: Any,
        contexts: Sequence[Tensor],
        context: Tensor,
        decoding: Decoding,
        uniforms: Tensor,
        finished: Finished | None = None,
    ) -> Sequences:
        return _drawn(self.session, policy, contexts, context, decoding, uniforms, finished)


def _drawn(
    session: Session,
    policy: Any,
    contexts: Sequence[Tensor],
    context: Tensor,
    decoding: Decoding,
    uniforms: Tensor,
    finished: Finished | None,
) -> Sequences:
    server = session.server
    drawn, exact = _Drawn(contexts, context, decoding), True
    jobs = [rows for i in torch.unique(context) for rows in (context == i).nonzero().squeeze(-1).split(server.per_request)]
    with _pool(min(server.concurrency, len(jobs))) as pool:
        asked = {pool.submit(session.complete, policy, contexts[int(context[r[0]])], decoding, uniforms[r], len(r)): r for r in jobs}
        for done in as_completed(asked):
            answers = done.result()
            exact = exact and all(answer.exact for answer in answers)
            drawn.put(asked[done], answers)
            if finished is not None:
                finished(drawn.sequences(), asked[done])
    if not exact:
        session.tokenised()
    return drawn.sequences(cut=True)


@contextmanager
def _pool(threads: int) -> Iterator[ThreadPoolExecutor]:
    """Threads of which nobody waits for the rest once one has failed."""
    pool = ThreadPoolExecutor(threads)
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()


class _Drawn:
    """The rows of a batch, filled in as answers come."""

    def __init__(self, contexts: Sequence[Tensor], context: Tensor, decoding: Decoding):
        rows, steps = len(context), decoding.max_completion_length
        self.contexts, self.context, self.temperature = list(contexts), context, decoding.temperature or 1.0
        self.tokens, self.logp = torch.zeros(rows, steps, dtype=torch.long), torch.zeros(rows, steps)
        self.length, self.ended = torch.zeros(rows, dtype=torch.long), torch.zeros(rows, dtype=torch.bool)

    def put(self, rows: Tensor, answers: Sequence[Answer]) -> None:
        for row, answer in zip(rows.tolist(), answers, strict=True):
            n = len(answer.tokens)
            self.tokens[row, :n], self.logp[row, :n] = torch.tensor(answer.tokens), torch.tensor(answer.logp)
            self.length[row], self.ended[row] = n, answer.ended

    def sequences(self, cut: bool = False) -> Sequences:
        """All rows as far as they are; ``cut`` to the longest."""
        steps = max(int(self.length.max()), 1) if cut else self.tokens.shape[1]
        mask = torch.arange(steps) < self.length.unsqueeze(-1)
        found = {"old_logp": self.logp[:, :steps], "terminated": self.ended}
        return Sequences(self.contexts, self.context, self.tokens[:, :steps], mask, self.length, found, self.temperature)


_sessions: "weakref.WeakKeyDictionary[Any, dict[str, Session]]" = weakref.WeakKeyDictionary()


def _session_of(server: Server, policy: Any) -> Session:
    """A part is a value and keeps nothing; what is known of a server lives as long as the policy that it draws for."""
    return _sessions.setdefault(policy, {}).setdefault(repr(server), Session(server))


@dataclass(frozen=True)
class _Canned(Connection):
    """A server that knows one answer."""

    def __call__(self, url: str, body: Mapping[str, Any] | None = None, first: bool = False) -> Any:
        if url.endswith("/models"):
            return {"data": [{"id": "constant"}]}
        told = {"tokens": ["token_id:2", "token_id:0"], "token_logprobs": [-1.5, -0.25]}
        long = {"index": 0, "finish_reason": "stop", "token_ids": [2, 0], "logprobs": told}
        short = {"index": 1, "finish_reason": "length", "logprobs": {"tokens": ["token_id:1"], "token_logprobs": [-0.5]}}
        return {"choices": [short, long][: body["n"]]}


witness = Witness(  # the answers in their order, with the server's log-probabilities
    Server("http://canned/v1", connection=_Canned()),
    parent=Generate(),
    given={
        "policy": Constant(),
        "contexts": [torch.tensor([2, 1])],
        "context": torch.tensor([0, 0]),
        "decoding": Decoding(max_completion_length=2),
        "uniforms": torch.zeros(2, 2),
    },
    returns={"actions": [[2, 0], [1, 0]], "length": [2, 1], "terminated": [True, False], "old_logp": [[-1.5, -0.25], [-0.5, 0.0]]},
)
