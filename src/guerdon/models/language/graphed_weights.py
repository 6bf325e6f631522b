"""The weights of a decoder as a recorded step reads them: at addresses that stay (see ``graphed``).

Query, key and value are one product, and so are gate and up: their weights are copied side by side, into storage of their own, again before every use. All others are read
where they lie. Adapters stay apart: a merged weight in a short format would swallow small updates.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from guerdon.models.language.attention import NotSupported
from guerdon.models.language.decoder import Decoder, Layer, Projection, eps_of


class Product:
    """Projections of one input as one product: y = W x + c, then s B A x of each that carries an adapter."""

    def __init__(self, projections: Sequence[Projection]):
        weights, first = [p.weight for p in projections], projections[0]
        self.several = len(weights) > 1
        self.weight = torch.cat(weights) if self.several else first.weight
        some = any(p.bias is not None for p in projections)
        self.bias = torch.cat([_bias(p) for p in projections]) if self.several and some else first.bias
        self.adapters, start = [], 0
        for p in projections:
            if p.a is not None:
                self.adapters.append((start, len(p.weight), p.a, p.b, p.scaling))
            start += len(p.weight)

    def refresh(self, projections: Sequence[Projection]) -> None:
        """Read what is copied again."""
        if self.several:
            torch.cat([p.weight for p in projections], out=self.weight)
            if self.bias is not None:
                torch.cat([_bias(p) for p in projections], out=self.bias)

    def __call__(self, x: Tensor, onto: Tensor | None = None) -> Tensor:
        """The product [R, O], added to ``onto`` in place."""
        if onto is None:
            y = F.linear(x, self.weight, self.bias)
        else:
            y = onto.addmm_(x, self.weight.t())
            y = y if self.bias is None else y.add_(self.bias)
        for start, size, a, b, scaling in self.adapters:
            y.narrow(1, start, size).addmm_(x @ a.t(), b.t(), alpha=scaling)
        return y


def _bias(p: Projection) -> Tensor:
    return p.weight.new_zeros(len(p.weight)) if p.bias is None else p.bias


@dataclass(frozen=True)
class LayerWeights:
    """Of one layer. ``norms`` [heads + key heads, D] are those of queries and keys, or None."""

    layer: Layer
    opening: Product
    closing: Product
    feeding: Product
    down: Product
    norms: Tensor | None


class Weights:
    """Of a whole decoder with its output head.

    Attributes:
        factors: [heads + key heads, 1], by which what is turned is multiplied: queries by the scale of their products, keys by 1.

    Raises:
        NotSupported: an adapter is of a kind that is not done here, or layers differ in their heads.
    """

    def __init__(self, decoder: Decoder, head: nn.Module):
        self.decoder, self.head = decoder, head
        self.width, self.scale, (_, key, _) = decoder.layers[0].width, decoder.layers[0].scale, decoder.layers[0].opening
        self.key_heads = len(key.weight) // self.width
        self.heads = len(decoder.layers[0].opening[0].weight) // self.width
        factors = [self.scale] * self.heads + [1.0] * self.key_heads
        self.factors = torch.tensor(factors).unsqueeze(-1).to(decoder.embedding.weight.device)
        self._read()

    def _read(self) -> None:
        self.read = self._signature()
        self.layers = []
        for layer in self.decoder.layers:
            query, key, value = opening = layer.opening
            sizes = len(query.weight), len(key.weight), len(value.weight)
            if sizes != tuple(n * self.width for n in (self.heads, self.key_heads, self.key_heads)) or layer.scale != self.scale:
                raise NotSupported("its layers differ in their heads")
            if layer.query_norm is not None and eps_of(layer.query_norm) != eps_of(layer.key_norm):
                raise NotSupported("its norms of queries and keys differ")
            products = (Product(group) for group in (opening, [layer.closing], layer.feeding, [layer.last]))
            self.layers.append(LayerWeights(layer, *products, self._norms(layer)))
        self.top = Product([Projection.of(self.head)])

    def refresh(self) -> bool:
        """Read what is copied again; and whether anything lies elsewhere than it did, so that what was recorded is of no use."""
        if self._signature() != self.read:
            self._read()
            return True
        for of in self.layers:
            of.opening.refresh(of.layer.opening)
            of.feeding.refresh(of.layer.feeding)
            if of.norms is not None:
                of.norms.copy_(self._norms(of.layer))
        return False

    @property
    def copied(self) -> int:
        """Bytes of what is copied."""
        return sum(p.weight.nbytes for of in self.layers for p in (of.opening, of.feeding))

    def _norms(self, layer: Layer) -> Tensor | None:
        if layer.query_norm is None:
            return None
        both = (layer.query_norm.weight, self.heads), (layer.key_norm.weight, self.key_heads)
        return torch.cat([weight.expand(n, -1) for weight, n in both])

    def _signature(self) -> tuple[Any, ...]:
        """Where everything lies that is read, and what it is."""
        found = [Projection.of(self.head)]
        tensors = [self.decoder.embedding.weight, self.decoder.final.weight]
        for layer in self.decoder.layers:
            found += [*layer.opening, layer.closing, *layer.feeding, layer.last]
            tensors += [layer.before.weight, layer.between.weight]
        tensors += [x for p in found for x in p.tensors]
        where = (None if x is None else (x.data_ptr(), x.dtype, x.shape, x.stride()) for x in tensors)
        return *where, *(p.scaling for p in found)
