"""Sampling with a key-value cache: each prompt is computed once, finished sequences leave the batch."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from transformers import DynamicCache

from guerdon.sequences import Decoding, Sequences

ROWS_AT_ONCE = 256  # more rows are drawn in turn, so that the cache stays bounded
COMPACT_BELOW = 0.75  # the batch is compacted when less than this share of it is alive


@torch.no_grad()
def sample(
    module: nn.Module,
    contexts: Sequence[Tensor],
    context: Tensor,
    decoding: Decoding,
    uniforms: Tensor,
    ends: Tensor,
    device: torch.device,
) -> Sequences:
    """One completion for each entry of ``context``; see ``guerdon.models.Policy.sample``. ``ends`` are the tokens that end a completion."""
    pieces = [
        _draw(module, contexts, context[rows], decoding, uniforms[rows], ends, device)
        for rows in torch.arange(len(context)).split(ROWS_AT_ONCE)
    ]
    tokens, logp, length, ended = (torch.cat(piece) for piece in zip(*pieces, strict=True))
    longest = max(int(length.max()), 1)
    mask = torch.arange(longest) < length.unsqueeze(-1)
    return Sequences(
        list(contexts),
        context,
        tokens[:, :longest],
        mask,
        length,
        {"old_logp": logp[:, :longest], "terminated": ended},
        temperature=decoding.temperature or 1.0,
    )


def _draw(module, contexts, context, decoding, uniforms, ends, device) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    used, row_context = torch.unique(context, return_inverse=True)
    prompts = [contexts[i] for i in used.tolist()]
    width = max(len(p) for p in prompts)
    ids = torch.stack([torch.cat([p.new_zeros(width - len(p)), p]) for p in prompts]).to(device)
    attention = torch.stack([torch.arange(width) >= width - len(p) for p in prompts]).to(device)
    positions = (attention.cumsum(-1) - 1).clamp(min=0)

    cache = DynamicCache(config=module.config)
    logits = module(
        input_ids=ids, attention_mask=attention.long(), position_ids=positions, past_key_values=cache, use_cache=True, logits_to_keep=1
    ).logits[:, -1]
    spread = row_context.to(device)
    cache.batch_select_indices(spread)
    logits, attention, position = logits[spread], attention[spread], positions[spread, -1]

    rows, steps = len(context), decoding.max_completion_length
    tokens = torch.zeros(rows, steps, dtype=torch.long)
    logp = torch.zeros(rows, steps)
    length = torch.full((rows,), steps)
    ended = torch.zeros(rows, dtype=torch.bool)
    alive = torch.arange(rows)  # the sequence that each row of the batch belongs to
    running = torch.ones(rows, dtype=torch.bool)  # which rows of the batch have not ended
    ends = ends.to(device)
    for step in range(steps):
        taken, taken_logp = choose(logits, decoding.temperature, uniforms[alive, step].to(device))
        keep = alive[running]
        taken_here, logp_here = taken.cpu(), taken_logp.cpu()
        tokens[keep, step], logp[keep, step] = taken_here[running], logp_here[running]
        done = torch.isin(taken, ends).cpu() & running
        length[alive[done]], ended[alive[done]] = step + 1, True
        running = running & ~done
        left = int(running.sum())
        if left == 0 or step == steps - 1:
            break
        if left <= COMPACT_BELOW * len(alive):
            stay = running.nonzero().squeeze(-1)
            cache.batch_select_indices(stay.to(device))
            attention, position, taken, alive = attention[stay], position[stay], taken[stay], alive[stay]
            running = torch.ones(left, dtype=torch.bool)
        attention = torch.cat([attention, attention.new_ones(len(alive), 1)], -1)
        position = position + 1
        logits = module(
            input_ids=taken.unsqueeze(-1),
            attention_mask=attention.long(),
            position_ids=position.unsqueeze(-1),
            past_key_values=cache,
            use_cache=True,
        ).logits[:, -1]
    return tokens, logp, length, ended


def choose(logits: Tensor, temperature: float, uniform: Tensor) -> tuple[Tensor, Tensor]:
    """The token at which the cumulative probability passes ``uniform``, and its log-probability under the tempered distribution.

    At temperature 0 the most likely token, with its log-probability at temperature 1.
    """
    logp = (logits.float() / (temperature or 1.0)).log_softmax(-1)
    if temperature == 0:
        taken = logp.argmax(-1)
    else:
        cumulative = logp.exp().cumsum(-1)
        taken = torch.searchsorted(cumulative, (uniform * cumulative[:, -1]).unsqueeze(-1), right=True).squeeze(-1)
        taken = taken.clamp(max=logits.shape[-1] - 1)
    return taken, logp.gather(-1, taken.unsqueeze(-1)).squeeze(-1)
