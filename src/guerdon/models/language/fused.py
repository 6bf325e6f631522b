"""Fused: the layers of ``decoder`` on a GPU. What lies between attention and attention is two compiled functions, the same two for all layers.

    q, k, v = rotate(Q n), rotate(K n), V n,   n = norm(x)
    x = x + O y;   x = x + D (silu(G n) * U n),   n = norm(x)            y is what attention gave

Operation by operation such a layer is some fifty launches forward and twice as many backward, which a GPU has done before the host has asked for the next one; compiled it is
its products and a handful more (``models.compiling``). Weights are arguments, so that nothing is compiled for each layer, and adapters with them.

Differs from Decoder: the backward pass is that of torch's compiler, which chooses what it keeps.

Source: ours. The layers are those of arXiv 2302.13971, section 2.2; adapters those of arXiv 2106.09685, eq. 3.
"""

from typing import ClassVar
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from guerdon.models import compiling
from guerdon.models.compiling import compiled
from guerdon.models.language.attention import Attending, bounds_of
from guerdon.models.language.decoder import Decoder, Layer, Projection, eps_of, tried
from guerdon.models.language.layout import Shape, few_sequences, lay_out
from guerdon.models.moving import onto

Linear = tuple[Tensor, Tensor | None, Tensor | None, Tensor | None, float]
"""W, c, A, B and s of W x + c + s B A x."""
Norm = tuple[Tensor, float]
"""The weight and what is added to the mean square."""


class FusedLayer(Layer):
    """One layer, in two pieces around its attention."""

    def forward(self, x: Tensor, angles: tuple[Tensor, Tensor], attending: Attending) -> Tensor:
        """[T, D] → [T, D]."""
        bounds = bounds_of(attending, self.window)
        own = (_norm_of(self.query_norm), _norm_of(self.key_norm)) if self.query_norm is not None else None
        q, k, v = opened(x, _norm_of(self.before), [_linear_of(p) for p in self.opening], own, angles, self.width)
        y = attending.attend(self.index, q, k, v, self.scale, **bounds).reshape(len(x), -1)
        return closed(x, y, _linear_of(self.closing), _norm_of(self.between), [_linear_of(p) for p in (*self.feeding, self.last)])


class FusedDecoder(Decoder):
    """The layers of a body, and what is around them."""

    layer: ClassVar[type[Layer]] = FusedLayer

    def last(self, x: Tensor) -> Tensor:
        return normed(x, _norm_of(self.final))


@compiled
def opened(
    x: Tensor, before: Norm, projections: list[Linear], own: tuple[Norm, Norm] | None, angles: tuple[Tensor, Tensor], width: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, keys and values [T, heads, width] of the rows [T, D], turned by their positions."""
    n = _normed(x, before)
    q, k, v = (_through(n, p).view(x.shape[0], -1, width) for p in projections)
    if own is not None:
        q, k = (_normed(y, norm) for y, norm in zip((q, k), own, strict=True))
    return _turned(q, *angles), _turned(k, *angles), v


@compiled
def closed(x: Tensor, y: Tensor, closing: Linear, between: Norm, feeding: list[Linear]) -> Tensor:
    """The rows after attention and the feed-forward network, of what was attended to."""
    gate, up, down = feeding
    x = x + _through(y, closing)
    n = _normed(x, between)
    return x + _through(F.silu(_through(n, gate)) * _through(n, up), down)


@compiled
def normed(x: Tensor, norm: Norm) -> Tensor:
    return _normed(x, norm)


def _normed(x: Tensor, norm: Norm) -> Tensor:
    weight, eps = norm
    fine = x.to(torch.promote_types(x.dtype, torch.float32))
    return (fine * torch.rsqrt(fine.square().mean(-1, keepdim=True) + eps) * weight).to(x.dtype)


def _through(x: Tensor, linear: Linear) -> Tensor:
    weight, bias, a, b, scaling = linear
    y = F.linear(x, weight, bias)
    return y if a is None else y + F.linear(F.linear(x, a) * scaling, b)


def _turned(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    one, other = x.to(torch.promote_types(x.dtype, torch.float32)).chunk(2, -1)
    cosine, sine = cosine.unsqueeze(1), sine.unsqueeze(1)
    return torch.cat([one * cosine - other * sine, other * cosine + one * sine], -1).to(x.dtype)


def _norm_of(module: nn.Module) -> Norm:
    return module.weight, eps_of(module)


def _linear_of(p: Projection) -> Linear:
    return p.weight, p.bias, p.a, p.b, p.scaling


_KNOWN: "WeakKeyDictionary[nn.Module, tuple[Decoder | None]]" = WeakKeyDictionary()


def fused_of(body: nn.Module) -> Decoder | None:
    """Our own code for this body on a GPU, or None where there is none or nothing is compiled. Tried at the first use, against its own code, and in its backward pass."""
    first = next(body.parameters())
    if first.device.type == "cpu" or compiling.why_not(first.device):
        return None
    if body not in _KNOWN:
        found = tried(body, FusedDecoder)
        _KNOWN[body] = (found if found is not None and goes_back(found, body) else None,)
    return _KNOWN[body][0]


def goes_back(decoder: Decoder, body: nn.Module) -> bool:
    """Whether the backward pass can be compiled, tried on a few tokens: it comes when there is no going back to other code."""
    device = next(body.parameters()).device
    layout = lay_out(few_sequences(decoder.embedding.weight.shape[0]), device)
    attending = Attending(layout, Shape.of(body.config.get_text_config()), device)
    tokens, positions = onto(device, layout.tokens, layout.positions)
    x = F.embedding(tokens, decoder.embedding.weight.detach()).requires_grad_()
    try:
        with torch.enable_grad():
            torch.autograd.grad(decoder.last(decoder.layers[0].forward(x, decoder.angles(positions), attending)).sum(), x)
    except torch._dynamo.exc.TorchDynamoException as error:
        compiling.failed(error)
        return False
    return True
