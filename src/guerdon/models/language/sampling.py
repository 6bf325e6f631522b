"""Sampling: one token at a time from a cache, each from a random number of its own, so that what is drawn does not depend on what else the batch
holds. Finished sequences leave the batch."""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from guerdon import memory
from guerdon.errors import RunFailed
from guerdon.memory import AtOnce
from guerdon.models import Finished, kernels
from guerdon.models.language.attention import NotSupported
from guerdon.models.language.decoder import decoder_of
from guerdon.models.language.decoding import Growing, Plain, Shared
from guerdon.models.language.forward import body_of
from guerdon.models.language.recalling import Recall
from guerdon.models.language.stepping import Stepping
from guerdon.saying import say
from guerdon.sequences import Decoding, Sequences

ROWS_AT_ONCE = 256  # more rows are drawn in turn, so that the cache stays bounded


Begin = Callable[[Sequence[Tensor], Tensor, int], tuple[Growing, Tensor]]
"""Contexts, which of them each sequence answers, and how many steps may follow → the sequences, about to grow, and the logits of their first step."""


class Drawn:
    """What has been drawn so far, a row for each entry of ``context``: ``tokens`` and ``logp`` [B, T], 0 where nothing is; ``length`` and ``ended`` [B]."""

    def __init__(self, contexts: Sequence[Tensor], context: Tensor, decoding: Decoding, finished: Finished | None = None):
        rows, steps = len(context), decoding.max_completion_length
        self.contexts, self.context, self.temperature, self.finished = list(contexts), context, decoding.temperature or 1.0, finished
        self.tokens, self.logp = torch.zeros(rows, steps, dtype=torch.long), torch.zeros(rows, steps)
        self.length, self.ended = torch.full((rows,), steps), torch.zeros(rows, dtype=torch.bool)
        self.told = torch.zeros(rows, dtype=torch.bool)  # what is drawn anew ends as it did before

    def tell(self, rows: Tensor) -> None:
        """These have just ended, unless it is known."""
        rows = rows[~self.told[rows]]
        self.told[rows] = True
        if self.finished is not None and len(rows):
            mask = torch.arange(self.tokens.shape[1]) < self.length.unsqueeze(-1)
            self.finished(Sequences(list(self.contexts), self.context, self.tokens, mask, self.length), rows)

    def sequences(self) -> Sequences:
        """All of it, when all have ended."""
        longest = max(int(self.length.max()), 1)
        mask = torch.arange(longest) < self.length.unsqueeze(-1)
        found = {"old_logp": self.logp[:, :longest], "terminated": self.ended}
        return Sequences(self.contexts, self.context, self.tokens[:, :longest], mask, self.length, found, temperature=self.temperature)


@torch.no_grad()
def sample(
    begin: Begin,
    contexts: Sequence[Tensor],
    context: Tensor,
    decoding: Decoding,
    uniforms: Tensor,
    ends: Tensor,
    device: torch.device,
    finished: Finished | None = None,
    at_once: AtOnce | None = None,
    learn: Callable[[Growing, Tensor, Tensor], None] | None = None,
) -> Sequences:
    """One completion for each entry of ``context``; see ``guerdon.models.Policy.sample``.

    Args:
        begin: who computes logits while sequences grow.
        ends: the tokens that end a completion.
        finished: is told of sequences that have ended while others go on.
        at_once: how many rows are drawn at once; fewer from when memory runs out.
        learn: is told of sequences when they have grown, with their tokens and lengths.

    Raises:
        RunFailed: memory runs out on one row.
    """
    drawn = Drawn(contexts, context, decoding, finished)

    def draw(rows: Tensor) -> None:
        used, own = torch.unique(context[rows], return_inverse=True)
        growing, logits = begin([contexts[i] for i in used.tolist()], own, decoding.max_completion_length)
        piece = slice(int(rows[0]), int(rows[-1]) + 1)
        drawn.length[piece], drawn.ended[piece] = decoding.max_completion_length, False
        into = drawn.tokens[piece], drawn.logp[piece], drawn.length[piece], drawn.ended[piece]
        _draw(growing, logits, decoding, uniforms[rows], ends.to(device), into, lambda done, first=piece.start: drawn.tell(done + first))
        if learn is not None:
            learn(growing, drawn.tokens[piece], drawn.length[piece])

    in_pieces(draw, len(context), at_once or AtOnce(ROWS_AT_ONCE))
    return drawn.sequences()


def in_pieces(draw: Callable[[Tensor], None], rows: int, at_once: AtOnce) -> None:
    """``draw`` is called on some rows after the other, fewer at once from when memory runs out.

    Raises:
        RunFailed: memory runs out on one row.
    """
    left = torch.arange(rows)
    while len(left):
        some = left[: at_once.most]
        if memory.tried(partial(draw, some)):
            left = left[len(some) :]
        else:
            _fewer(at_once, len(some))


def _fewer(at_once: AtOnce, tried: int) -> None:
    """Half as many rows at once as were tried.

    Raises:
        RunFailed: it was one.
    """
    if tried == 1:
        raise RunFailed(
            "memory ran out while one completion was drawn; lower max_completion_length or max_prompt_length, keep less on the device (budget.offload), or train less of "
            "the model (model.lora)"
        )
    at_once.most = tried // 2
    say(f"memory ran out while {tried} completions were drawn at once; going on with at most {at_once.most}, which changes no result")


def begin(
    module: nn.Module,
    contexts: Sequence[Tensor],
    context: Tensor,
    steps: int,
    device: torch.device,
    packed: bool,
    recall: Recall | None = None,
) -> tuple[Growing, Tensor]:
    """See ``Begin``. ``packed``: whether the model can read a context once for all its completions. ``recall``: what is known of contexts, for models whose layers are our
    own code."""
    if packed:
        decoder, growing = decoder_of(body_of(module)), Shared(module, contexts, context, device, steps)
        if decoder is not None:
            growing = Stepping(module, decoder, contexts, context, steps, recall)
        try:
            return growing, growing.start()
        except NotSupported:  # a window that is shorter than these sequences may become
            pass
    growing = Plain(module, contexts, context, device)
    return growing, growing.start()


def _draw(
    growing: Growing,
    logits: Tensor,
    decoding: Decoding,
    uniforms: Tensor,
    ends: Tensor,
    into: tuple[Tensor, Tensor, Tensor, Tensor],
    tell: Callable[[Tensor], None],
) -> None:
    """Grow sequences until all have ended, and write tokens, their log-probabilities, lengths and whether they ended by themselves ``into``
    their places; ``tell`` which have just ended."""
    rows, steps = len(logits), decoding.max_completion_length
    tokens, logp, length, ended = into
    alive = torch.arange(rows)
    for step in range(steps):
        taken, taken_logp = choose(logits, decoding, uniforms[alive, step].to(logits.device))
        tokens[alive, step], logp[alive, step] = taken.cpu(), taken_logp.cpu()
        done = torch.isin(taken, ends).cpu()
        length[alive[done]], ended[alive[done]] = step + 1, True
        if done.all() or step == steps - 1:
            tell(alive)
            break
        if done.any():
            tell(alive[done])
            left = (~done).nonzero().squeeze(-1)
            growing.keep(left.to(logits.device))
            alive, taken = alive[left], taken[left.to(taken.device)]
        logits = growing.step(taken)


def choose(logits: Tensor, decoding: Decoding, uniform: Tensor) -> tuple[Tensor, Tensor]:
    """The token at which the cumulative probability passes ``uniform`` [B], and its log-probability under the distribution that it was drawn from:
    tempered, truncated, and renormalised. At temperature 0 the most likely token, with its log-probability at temperature 1."""
    if decoding.temperature and not decoding.truncates and kernels.can(logits):
        return kernels.draw(logits, uniform, decoding.temperature)
    logp = (logits.float() / (decoding.temperature or 1.0)).log_softmax(-1)
    if decoding.temperature == 0:
        taken = logp.argmax(-1)
        return taken, logp.gather(-1, taken.unsqueeze(-1)).squeeze(-1)
    if decoding.truncates:
        logp = truncated(logp, decoding).log_softmax(-1)
    cumulative = logp.exp().cumsum(-1)
    taken = torch.searchsorted(cumulative, (uniform * cumulative[:, -1]).unsqueeze(-1), right=True).squeeze(-1)
    taken = taken.clamp(max=logits.shape[-1] - 1)
    return taken, logp.gather(-1, taken.unsqueeze(-1)).squeeze(-1)


def truncated(logp: Tensor, decoding: Decoding) -> Tensor:
    """Log-probabilities [B, V] with minus infinity where a token may not be drawn: in turn top-k, top-p (of what is left) and min-p."""
    if 0 < decoding.top_k < logp.shape[-1]:
        least = logp.topk(decoding.top_k, -1).values[:, -1:]
        logp = logp.masked_fill(logp < least, -torch.inf)
    if decoding.top_p < 1:
        ordered, places = logp.log_softmax(-1).sort(dim=-1, descending=True, stable=True)
        before = ordered.exp().cumsum(-1) - ordered.exp()
        drop = torch.zeros_like(before, dtype=torch.bool).scatter(-1, places, before >= decoding.top_p)
        logp = logp.masked_fill(drop, -torch.inf)
    if decoding.min_p > 0:
        probability = logp.softmax(-1)
        logp = logp.masked_fill(probability < decoding.min_p * probability.amax(-1, keepdim=True), -torch.inf)
    return logp
