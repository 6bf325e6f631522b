"""Ways to compute the next-step logits of many sequences while they grow, each with a cache: what the sampler is given to draw from.

``Shared`` computes and keeps a context once, however many sequences answer it, and reads it from there for all of them; ``Plain`` is the
cache of ``transformers``, with a copy of the context for every sequence, which any causal LM takes. A third one, for models whose layers are
our own code, is ``stepping``.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from transformers import DynamicCache

from guerdon.models.language.attention import Kept
from guerdon.models.language.forward import body_of, hidden_in_one_row, output_head
from guerdon.models.language.layout import Shape, lay_out_contexts

FEW = 16  # sizes of what is computed with are multiples of this: a CPU's products are prepared anew for every other one
COMPACT_BELOW = 0.75  # the cache is compacted when less than this share of it belongs to living sequences


class Growing(Protocol):
    """Sequences that grow by one token at a time."""

    def start(self) -> Tensor:
        """Logits [B, V] of the first step."""
        ...

    def step(self, taken: Tensor) -> Tensor:
        """Logits of the next step after these tokens [B]."""
        ...

    def keep(self, rows: Tensor) -> None:
        """Go on with these of the sequences (indices into those of the last step) only."""
        ...


class Plain:
    """``transformers``' own cache."""

    def __init__(self, module: nn.Module, contexts: Sequence[Tensor], context: Tensor, device: torch.device):
        self.module, self.device, self.context = module, device, context.to(device)
        width = max(len(c) for c in contexts)
        self.ids = torch.stack([torch.cat([c.new_zeros(width - len(c)), c]) for c in contexts]).to(device)
        self.attention = torch.stack([torch.arange(width) >= width - len(c) for c in contexts]).to(device)
        self.cache = DynamicCache(config=module.config)

    def start(self) -> Tensor:
        position = (self.attention.cumsum(-1) - 1).clamp(min=0)
        logits = self._logits(self.ids, position, logits_to_keep=1)
        self.cache.batch_select_indices(self.context)
        self.attention, self.position = self.attention[self.context], position[self.context, -1]
        return logits[self.context]

    def step(self, taken: Tensor) -> Tensor:
        self.attention = torch.cat([self.attention, self.attention.new_ones(len(taken), 1)], -1)
        self.position = self.position + 1
        return self._logits(taken.unsqueeze(-1), self.position.unsqueeze(-1))

    def keep(self, rows: Tensor) -> None:
        self.cache.batch_select_indices(rows)
        self.attention, self.position = self.attention[rows], self.position[rows]

    def _logits(self, ids: Tensor, position: Tensor, **more: Any) -> Tensor:
        mask = self.attention.long()
        out = self.module(input_ids=ids, attention_mask=mask, position_ids=position, past_key_values=self.cache, use_cache=True, **more)
        return out.logits[:, -1]


class Shared:
    """A cache of contexts [P, K, L, D] and one of what follows them [P, K, G, C, D], for up to G sequences of each context. All have grown by the
    same number of tokens, so none of what follows is padding."""

    def __init__(self, module: nn.Module, contexts: Sequence[Tensor], context: Tensor, device: torch.device, steps: int):
        self.module, self.body, self.device = module, body_of(module), device
        self.contexts = contexts
        self.longest = max(len(c) for c in contexts) + steps  # what a layer's window is held against
        self.p, self.t = len(contexts), 0
        self.slot, self.g = _slots(context)  # where in P*G each sequence is
        self.lengths = torch.tensor([len(c) for c in contexts])
        self.trunk: dict[int, tuple[Tensor, Tensor]] = {}
        self.own: dict[int, tuple[Tensor, Tensor]] = {}

    def start(self) -> Tensor:
        layout = lay_out_contexts(self.contexts)
        prefill = Kept(layout, Shape.of(self.body.config.get_text_config()), self.device, self.longest)
        hidden = self._forward(layout.tokens, layout.positions, prefill)
        places = layout.places_of_trunks(FEW).to(self.device)
        self.trunk = {
            layer: tuple(x[places].permute(0, 2, 1, 3).contiguous() for x in both)
            for layer, both in prefill.kept.items()  # [P, K, L, D]
        }
        first = next(iter(self.trunk.values()))[0]
        self.heads, self.dtype = first.shape[1], first.dtype
        absent = torch.arange(places.shape[1]) >= self.lengths.unsqueeze(-1)
        self.absent = self._minus_infinity(absent.repeat_interleave(self.heads, 0).unsqueeze(1))  # [P*K, 1, L]
        return output_head(self.module)(hidden[layout.last.to(self.device)])[(self.slot // self.g).to(self.device)]

    def step(self, taken: Tensor) -> Tensor:
        ids = torch.zeros(self.p * self.g, dtype=torch.long, device=self.device)
        slot = self.slot.to(self.device)
        ids[slot] = taken
        positions = (self.lengths + self.t).repeat_interleave(self.g)
        self.seen = -(-(self.t + 1) // FEW) * FEW
        self.to_come = self._minus_infinity(torch.arange(self.seen) > self.t)
        hidden = self._forward(ids, positions, self)
        self.t += 1
        return output_head(self.module)(hidden)[slot]  # of all, so that its shape is one of few

    def keep(self, rows: Tensor) -> None:
        self.slot = self.slot[rows.cpu()]
        context = self.slot // self.g
        left, context = torch.unique(context, return_inverse=True)
        slot, g = _slots(context)
        p = len(left)
        if p * g > COMPACT_BELOW * self.p * self.g:
            return
        old = torch.zeros(p * g, dtype=torch.long)
        old[slot] = self.slot
        which, column = (left.to(self.device), (old % self.g).view(p, g).to(self.device))
        row = (old // self.g).view(p, g).to(self.device)
        self.trunk = {layer: tuple(x[which] for x in both) for layer, both in self.trunk.items()}
        self.own = {layer: tuple(x[row, :, column].permute(0, 2, 1, 3, 4).contiguous() for x in both) for layer, both in self.own.items()}
        self.absent = self.absent.view(-1, self.heads, 1, self.absent.shape[-1])[which].flatten(0, 1)
        self.lengths, self.slot, self.p, self.g = self.lengths[left], slot, p, g

    def attend(self, layer: int, query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
        """One query for each of P*G slots [P*G, H, D], to its context and to what it has grown by."""
        heads, width = key.shape[1], key.shape[2]
        shared = query.shape[1] // heads
        own_k, own_v = self._grown(layer, key, value)
        trunk_k, trunk_v = (x.view(self.p * heads, -1, width) for x in self.trunk[layer])
        q = query.view(self.p, self.g, heads, shared, width).transpose(1, 2).contiguous()
        whole = q.view(self.p * heads, self.g * shared, width)
        there = torch.baddbmm(self.absent, whole, trunk_k.transpose(1, 2), alpha=scale)
        here = torch.baddbmm(self.to_come, q.view(-1, shared, width), own_k.transpose(1, 2), alpha=scale)
        size = there.shape[-1]
        p = torch.cat([there.view(-1, shared, size), here], -1).softmax(-1)
        out = torch.bmm(p[..., size:], own_v).view(self.p * heads, self.g * shared, width)
        out = out.baddbmm_(p[..., :size].reshape(self.p * heads, self.g * shared, size), trunk_v)
        return out.view(self.p, heads, self.g, shared, width).transpose(1, 2).reshape(query.shape)

    def _grown(self, layer: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """The own cache of a layer with one more token: [P*K*G, seen, D], of which t + 1 are there."""
        heads, width = key.shape[1:]
        new = tuple(x.view(self.p, self.g, heads, width).transpose(1, 2) for x in (key, value))
        room = self.own[layer][0].shape[3] if layer in self.own else 0
        if self.t >= room:
            wider = [x.new_zeros(self.p, heads, self.g, max(2 * room, FEW), width) for x in new]
            for x, old in zip(wider, self.own.get(layer, ()), strict=False):
                x[:, :, :, :room] = old
            self.own[layer] = tuple(wider)
        for x, token in zip(self.own[layer], new, strict=True):
            x[:, :, :, self.t] = token
        return tuple(x.view(-1, x.shape[3], width)[:, : self.seen] for x in self.own[layer])

    def _minus_infinity(self, hidden: Tensor) -> Tensor:
        return torch.zeros(hidden.shape, dtype=self.dtype).masked_fill_(hidden, -torch.inf).to(self.device)

    def _forward(self, ids: Tensor, positions: Tensor, attending: Any) -> Tensor:
        return hidden_in_one_row(self.body, ids.to(self.device), positions.to(self.device), attending)


def _slots(context: Tensor) -> tuple[Tensor, int]:
    """A place in P*G for every sequence, those of a context side by side; and G, the largest number of sequences of one context."""
    count = torch.bincount(context)
    order = context.argsort(stable=True)
    place = torch.arange(len(context)) - (count.cumsum(0) - count)[context[order]]
    slot, g = torch.empty_like(context), int(count.max())
    slot[order] = context[order] * g + place
    return slot, g
