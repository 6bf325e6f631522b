"""Attention maps: how far back a step looks, and how much is looked back at it, read from a forward pass that keeps its maps.

    A                        attention of a head, from token t to token s <= t; the heads of five layers, evenly spaced in the middle third of all
    reach of a head          mean over the acted steps t of sum_s A[t, s] (t - s), of one sequence
    near, far                the mean of the maps of the third (0.3) of these heads with the shortest, the longest reach
    attention_distance(W)    sum_s near[t, s] min(t - s, W)                                      of the step's own token t; in tokens
    attention_received(a,b)  mean of far[t, s] over the tokens t of the sequence with a <= t - s <= b; 0 where there are none

Heads are told apart for each sequence by itself, so that nothing depends on how a batch is split. Fast attention keeps no maps: the pass is the model's own, by its plain
code ("eager"), a few sequences at a time, without gradients. Memory: heads * length^2 of each layer for each of them.

Source: Li et al. 2025, arXiv 2510.13554, eqs. 7 and 8 and definition 4.1 (whose names are WAAD and FAI), the layers and the 0.3: sections 4.1 and 5.1. Whether heads are sorted by
sequence or by batch it leaves open.
"""

import contextlib
from collections.abc import Iterator, Set
from typing import Any

import torch
from torch import Tensor, nn

from guerdon.errors import InputError
from guerdon.models.language.forward import body_of, rows_of
from guerdon.models.moving import brought, onto
from guerdon.quantities import Name
from guerdon.sequences import Sequences

LAYERS, SHARE = 5, 0.3
AT_ONCE = 2**25  # numbers of all maps that are kept at a time, and never fewer than those of one sequence
READ = frozenset({"attention_distance", "attention_received"})


@torch.no_grad()
def of_maps(module: nn.Module, sequences: Sequences, device: torch.device, names: Set[str]) -> dict[str, Tensor]:
    """The named statistics [B, T] at the acted steps, 0 elsewhere.

    Raises:
        InputError: a name says its numbers wrongly, or the model keeps no maps.
    """
    asked = {name: _numbers(name) for name in names}
    config = body_of(module).config.get_text_config()
    out = {name: torch.zeros(sequences.mask.shape) for name in asked}
    length = max(
        (len(sequences.contexts[c]) + int(n) for c, n in zip(sequences.context.tolist(), sequences.length, strict=True)), default=0
    )
    rows = max(AT_ONCE // max(config.num_hidden_layers * config.num_attention_heads * length**2, 1), 1)
    for some in torch.arange(len(sequences)).split(rows):
        for name, value in _some(module, sequences.select(some), device, asked).items():
            out[name][some, : value.shape[1]] = value
    return out


def _numbers(name: str) -> tuple[int, ...]:
    parsed = Name.parse(name)
    wanted = {"attention_distance": 1, "attention_received": 2}[parsed.quantity]
    try:
        numbers = tuple(int(x) for x in parsed.at.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) != wanted or numbers != tuple(sorted(numbers)) or numbers[0] < 0:
        example = "attention_distance(10)" if wanted == 1 else "attention_received(10,50)"
        raise InputError(
            f"{name}: it needs {'a window' if wanted == 1 else 'the nearest and the farthest token that count'}; write it as {example}"
        )
    return numbers


def _some(module: nn.Module, sequences: Sequences, device: torch.device, asked: dict[str, tuple[int, ...]]) -> dict[str, Tensor]:
    ids, attention, _, last = rows_of(sequences)
    width = ids.shape[1]
    maps = _maps(module, *onto(device, ids, attention))  # [B, K, L, L]
    starts = torch.tensor([len(c) for c in sequences.contexts])[sequences.context]
    own = (starts.unsqueeze(-1) + torch.arange(sequences.mask.shape[1])).clamp(max=width - 1)  # the place of each step's own token
    own, mask, last = onto(maps.device, own, sequences.mask, last - torch.arange(len(ids)) * width)
    back = torch.arange(width, device=maps.device).unsqueeze(-1) - torch.arange(width, device=maps.device)  # t - s
    counted = torch.zeros(len(ids), width, dtype=maps.dtype, device=maps.device).scatter_add(1, own, mask.to(maps))
    reach = torch.einsum("bkts,ts,bt->bk", maps, back.to(maps), counted)  # the number of steps is the same for all heads
    order = reach.sort(dim=-1, stable=True).indices
    some = max(int(SHARE * maps.shape[1]), 1)
    near, far = (_mean_of(maps, heads) for heads in (order[:, :some], order[:, -some:]))
    out = {}
    for name, numbers in asked.items():
        if len(numbers) == 1:
            said = torch.einsum("bts,ts->bt", near, back.clamp(0, numbers[0]).to(maps))
        else:
            counts = (
                (back >= numbers[0]) & (back <= numbers[1]) & (torch.arange(width, device=maps.device).unsqueeze(-1) <= last[:, None, None])
            )
            said = (far * counts).sum(-2) / counts.sum(-2).clamp(min=1)
        out[name] = brought(torch.where(mask, said.gather(1, own), 0.0)).float()
    return out


def _mean_of(maps: Tensor, heads: Tensor) -> Tensor:
    return maps.gather(1, heads[..., None, None].expand(-1, -1, *maps.shape[2:])).mean(1)


def _maps(module: nn.Module, ids: Tensor, attention: Tensor) -> Tensor:
    """[B, K, L, L], of the heads of the layers that are looked at."""
    body = body_of(module)
    with _plainly(body.config):
        found = body(input_ids=ids, attention_mask=attention, use_cache=False, output_attentions=True).attentions
    kept = [x for x in found or () if x is not None]
    if not kept:
        raise InputError(
            f"a {type(body).__name__} keeps no attention maps; a recipe that reads them needs a model whose plain attention does"
        )
    first, end = len(kept) // 3, min(2 * len(kept) // 3, len(kept) - 1)
    layers = sorted({round(x) for x in torch.linspace(first, end, LAYERS).tolist()})
    return torch.cat([kept[layer] for layer in layers], 1).float()


@contextlib.contextmanager
def _plainly(config: Any) -> Iterator[None]:
    """Within, a model of this configuration attends by its plain code."""
    owners = {id(c): c for c in (config, config.get_text_config())}.values()
    before = [c._attn_implementation for c in owners]
    for c in owners:
        c._attn_implementation = "eager"
    try:
        yield
    finally:
        for c, own in zip(owners, before, strict=True):
            c._attn_implementation = own
