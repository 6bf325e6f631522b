"""Stepping: sequences grow by one token at a time through our own code for the decoder (``decoder``), a few products and a kernel a layer.

Where there is a ``Recall``, only that of a context is computed of which nothing is known, and what was drawn is known when it has been.

Differs from ``Shared``: queries, keys and values are one product, and gate and up another, with weights laid out for products of few rows; a
sequence's cache stays where it is while others leave, so nothing is copied when the batch shrinks.

Source: ours.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from guerdon.models import kernels
from guerdon.models.language.attention import Kept
from guerdon.models.language.decoder import Decoder, Layer, Projection, eps_of
from guerdon.models.language.forward import body_of, output_head
from guerdon.models.language.layout import Shape, lay_out_contexts
from guerdon.models.language.recalling import Extending, Known, Recall

FEW = 16  # rows of a context are computed with in multiples of this
ROWS = 8  # are computed with in multiples of this: a CPU's products are prepared anew for every other number of them
ROOM = 32  # caches have room for a multiple of this, as the kernel reads them


class Together:
    """Projections of one input as one product, for few rows: y = W x + c, then s B A x of each that carries an adapter."""

    def __init__(self, projections: Sequence[Projection]):
        weight = projections[0].weight if len(projections) == 1 else torch.cat([p.weight for p in projections])
        some = next((p.bias for p in projections if p.bias is not None), None)
        zeros = [p.weight.new_zeros(len(p.weight)) if p.bias is None else p.bias for p in projections]
        self.bias = None if some is None else torch.cat(zeros)
        self.packed = _packed(weight)
        self.weight = weight if self.packed is None else None
        self.adapters, start = [], 0
        for p in projections:
            if p.a is not None:
                self.adapters.append((start, start + len(p.weight), p.a, p.b * p.scaling))
            start += len(p.weight)

    def __call__(self, x: Tensor) -> Tensor:
        y = F.linear(x, self.weight, self.bias) if self.packed is None else _product(x, self.packed, self.bias)
        for start, end, a, b in self.adapters:
            y[:, start:end] += (x @ a.t()) @ b.t()
        return y


def _packed(weight: Tensor) -> Tensor | None:
    """The weight laid out as products in bfloat16 read it, where this build of torch can do that; else they lay it out at every product."""
    reorder = getattr(torch.ops.mkldnn, "_reorder_linear_weight", None) if torch.backends.mkldnn.is_available() else None
    if reorder is None or weight.dtype != torch.bfloat16:
        return None
    try:
        return reorder(weight.detach().contiguous(), ROWS)
    except RuntimeError:
        return None


def _product(x: Tensor, packed: Tensor, bias: Tensor | None) -> Tensor:
    return torch.ops.mkldnn._linear_pointwise(x, packed, bias, "none", [], "")


@dataclass(frozen=True)
class Fused:
    """A layer's weights for few rows."""

    layer: Layer
    opening: Together
    closing: Together
    feeding: Together
    down: Together

    @classmethod
    def of(cls, layer: Layer) -> "Fused":
        return cls(layer, Together(layer.opening), Together([layer.closing]), Together(layer.feeding), Together([layer.last]))


class Stepping:
    """A cache of contexts and one of what follows them; see ``kernels.step`` for what lies where."""

    def __init__(
        self, module: nn.Module, decoder: Decoder, contexts: Sequence[Tensor], context: Tensor, steps: int, recall: Recall | None = None
    ):
        self.decoder, self.body, self.contexts, self.recall = decoder, body_of(module), contexts, recall
        self.longest, self.time = max(len(c) for c in contexts) + steps, 0
        self.order = context.argsort(stable=True)  # sequences of one context side by side
        self.context = self.whose = context[self.order]
        self.slot = torch.arange(len(context))
        self.seen = torch.tensor([len(c) for c in contexts])
        self.head = output_head(module)
        self.shape = Shape.of(self.body.config.get_text_config())
        self.room = self.shape.key_heads, decoder.layers[0].width
        self.trunk = self._trunk()
        self.trunks = [tuple(both[place] for both in self.trunk) for place in range(len(decoder.layers))]  # the same by layer
        self.own = [self._own() for _ in decoder.layers]

    @torch.no_grad()
    def start(self) -> Tensor:
        """Logits [B, V] of the first step.

        Raises:
            NotSupported: a layer's window is shorter than the sequences may become.
        """
        known = [self.recall.longest(tuple(context.tolist())) for context in self.contexts] if self.recall is not None else []
        last = self._extended(known) if any(known) else self._computed()
        self.angles = self.decoder.angles(torch.arange(self.longest))
        self.layers, self.top = [Fused.of(layer) for layer in self.decoder.layers], Together([Projection.of(self.head)])
        logits = self.head(last)
        back = torch.empty_like(self.order)
        back[self.order] = torch.arange(len(self.order))
        self.place = back  # row of what is computed → sequence as the caller counts them
        return logits[self.context][self.place]

    def _computed(self) -> Tensor:
        """The last state of each context, of which all is computed."""
        layout = lay_out_contexts(self.contexts)
        prefill = Kept(layout, self.shape, torch.device("cpu"), self.longest)
        hidden = self.decoder.forward(layout.tokens, layout.positions, prefill)
        places = layout.places_of_trunks(ROOM)
        for layer, (trunk_keys, trunk_values) in zip(self.decoder.layers, self.trunks, strict=True):
            keys, values = prefill.kept.pop(layer.index)  # [T, K, D]
            trunk_keys.copy_(keys[places].permute(0, 2, 3, 1))
            trunk_values.copy_(values[places].permute(0, 2, 1, 3))
        return hidden[layout.last]

    def _extended(self, known: Sequence[Known | None]) -> Tensor:
        """The last state of each context, of which that is computed of which nothing is known."""
        seen = torch.tensor([0 if one is None else one.length for one in known])
        keys, values = (both.zero_() for both in self.trunk)
        for row, one in enumerate(known):
            if one is not None:
                keys[:, row, :, :, : one.length] = one.keys[..., : one.length]
                values[:, row, :, : one.length] = one.values[:, :, : one.length]
        extending = Extending(self.trunk, seen, self.seen - seen, self.longest)
        extra = torch.zeros(-len(extending.row) % FEW, dtype=torch.long)
        tokens = torch.cat([*(context[n:] for context, n in zip(self.contexts, seen.tolist(), strict=True)), extra])
        return self.decoder.forward(tokens, torch.cat([extending.place, extra]), extending)[extending.added.cumsum(0) - 1]

    def learn(self, tokens: Tensor, length: Tensor) -> None:
        """Have it recalled what was drawn, [B, T], of this length; a last token has no keys yet."""
        own_keys, own_values = (torch.stack(own) for own in zip(*self.own, strict=True))
        drawn, lengths, contexts = tokens.tolist(), length.tolist(), [context.tolist() for context in self.contexts]
        for slot, (row, of) in enumerate(zip(self.order.tolist(), self.whose.tolist(), strict=True)):
            n, more = len(contexts[of]), max(lengths[row] - 1, 0)
            keys = torch.cat([self.trunk[0][:, of, :, :, :n], own_keys[:, slot, :, :, :more]], -1)
            values = torch.cat([self.trunk[1][:, of, :, :n], own_values[:, slot, :, :more]], 2)
            whole = (*contexts[of], *drawn[row][:more])
            self.recall.learn(whole, Known(keys, values, len(whole)))

    def step(self, taken: Tensor) -> Tensor:
        """Logits of the next step after these tokens [B]."""
        rows = len(taken)
        if self.time == self.own[0][0].shape[3]:
            self.own = [tuple(self._wider(x, dim) for x, dim in zip(both, (3, 2), strict=True)) for both in self.own]
        tokens = torch.zeros(-(-rows // ROWS) * ROWS, dtype=torch.long)
        tokens[self.place] = taken
        position = self.seen[self.context] + self.time
        angles = tuple(x[position] for x in self.angles)
        x, more = F.embedding(tokens, self.decoder.embedding.weight), None
        y = x.new_zeros(len(x), self.shape.heads * self.room[1])
        for fused, trunk, own in zip(self.layers, self.trunks, self.own, strict=True):
            layer = fused.layer
            x, n, _ = kernels.norm(x, layer.before.weight, eps_of(layer.before), more)
            norms, small = (None, None), 0.0
            if layer.query_norm is not None:
                norms, small = (layer.query_norm.weight, layer.key_norm.weight), eps_of(layer.query_norm)
            kernels.step(fused.opening(n), *norms, small, angles, self.context, self.slot, trunk, self.seen, own, y, self.time, layer.scale)
            x, n, _ = kernels.norm(x, layer.between.weight, eps_of(layer.between), fused.closing(y))
            more = fused.down(kernels.gate_halves(fused.feeding(n)))
        _, n, _ = kernels.norm(x, self.decoder.final.weight, eps_of(self.decoder.final), more)
        self.time += 1
        return self.top(n)[self.place]

    def keep(self, rows: Tensor) -> None:
        """Go on with these of the sequences only, in the order in which they are."""
        left = self.place[rows].sort()
        self.context, self.slot = self.context[left.values], self.slot[left.values]
        place = torch.empty_like(left.indices)
        place[left.indices] = torch.arange(len(rows))
        self.place = place

    def _trunk(self) -> tuple[Tensor, Tensor]:
        """Room for the contexts, of all layers: keys [N, P, K, D, R] and values [N, P, K, R, D]."""
        like, (heads, width), longest = self.decoder.embedding.weight, self.room, -(-int(self.seen.max()) // ROOM) * ROOM
        of_all = len(self.decoder.layers), len(self.contexts), heads
        return like.new_empty(*of_all, width, longest), like.new_empty(*of_all, longest, width)

    def _own(self) -> tuple[Tensor, Tensor]:
        """Room for what follows, of one layer and none yet: keys [B, K, D, 0] and values [B, K, 0, D]."""
        like, (heads, width), rows = self.decoder.embedding.weight, self.room, len(self.slot)
        return like.new_empty(rows, heads, width, 0), like.new_empty(rows, heads, 0, width)

    def _wider(self, x: Tensor, dim: int) -> Tensor:
        more = list(x.shape)
        more[dim] = max(more[dim], ROOM)
        return torch.cat([x, x.new_zeros(more)], dim)
