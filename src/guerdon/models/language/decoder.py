"""Decoder: our own code for the layers that most causal LMs have in common, with their parameters, on a CPU.

    x = x + O attend(rotate(Q n), rotate(K n), V n),   n = norm(x)
    x = x + D (silu(G n) * U n),                       n = norm(x)

Llama, Mistral, Qwen 2 and 3, SmolLM and whatever else is built so, grouped heads, biases, norms of queries and keys and LoRA adapters included.
Whether a model is one of them is seen from its modules, and then tried against its own code on a few tokens (``decoder_of``).

Differs from the model's own code: what lies between matrix products is one kernel each (``models.kernels``), computed in float32; the residual
stream's gradient is added up where a norm's is computed; and the backward pass keeps neither normed rows nor gated ones, which it computes again.

Source: ours. The layers are those of arXiv 2302.13971, section 2.2; adapters those of arXiv 2106.09685, eq. 3.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from guerdon.models import kernels
from guerdon.models.language.attention import Attending, NotSupported, bounds_of, by_its_own_code
from guerdon.models.language.checkpointing import Again, through
from guerdon.models.language.layout import Shape, few_sequences, lay_out
from guerdon.models.moving import onto

ROTATIONS = ("default", "linear", "llama3", "yarn")
"""Kinds of rotary positions whose angles depend on the position alone, and not on how long the text is."""


@dataclass(frozen=True)
class Projection:
    """A linear layer: W x + c, and s B A x where it carries an adapter that is switched on."""

    weight: Tensor
    bias: Tensor | None = None
    a: Tensor | None = None
    b: Tensor | None = None
    scaling: float = 1.0

    @classmethod
    def of(cls, layer: nn.Module) -> "Projection":
        """That of a layer of ``torch`` or ``peft``.

        Raises:
            NotSupported: it is something else.
        """
        if type(layer) is nn.Linear:
            return cls(layer.weight, layer.bias)
        base = getattr(layer, "base_layer", None)
        if type(base) is not nn.Linear or not hasattr(layer, "lora_A"):
            raise NotSupported
        if layer.disable_adapters:
            return cls(base.weight, base.bias)
        active = [name for name in layer.active_adapters if name in layer.lora_A]
        plain = (
            len(active) == 1 and not layer.merged and not getattr(layer, "lora_variant", {}) and not getattr(layer, "fan_in_fan_out", False)
        )
        if not plain or layer.lora_A[active[0]].bias is not None or layer.lora_B[active[0]].bias is not None:
            raise NotSupported
        name = active[0]
        return cls(base.weight, base.bias, layer.lora_A[name].weight, layer.lora_B[name].weight, layer.scaling[name])

    @property
    def tensors(self) -> tuple[Tensor | None, ...]:
        return self.weight, self.bias, self.a, self.b

    def forward(self, x: Tensor, onto: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """The layer's output (added to ``onto``), and s A x."""
        if onto is None:
            y = F.linear(x, self.weight, self.bias)
        else:
            y = torch.addmm(onto, x, self.weight.t())
            y = y if self.bias is None else y.add_(self.bias)
        if self.a is None:
            return y, None
        low = (x @ self.a.t()).mul_(self.scaling)
        return y.addmm_(low, self.b.t()), low

    def input_gradient(self, dy: Tensor, dx: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """That of x, added to ``dx`` in place where it is given; and that of A x."""
        dx = dy @ self.weight if dx is None else dx.addmm_(dy, self.weight)
        if self.a is None:
            return dx, None
        dlow = (dy @ self.b).mul_(self.scaling)
        return dx.addmm_(dlow, self.a), dlow

    def own_gradients(
        self, x: Tensor, low: Tensor | None, dy: Tensor, dlow: Tensor | None, needs: Sequence[bool]
    ) -> tuple[Tensor | None, ...]:
        """Those of weight, bias, A and B, as far as ``needs`` says."""
        return (
            dy.t() @ x if needs[0] else None,
            dy.sum(0) if needs[1] else None,
            dlow.t() @ x if needs[2] else None,
            dy.t() @ low if needs[3] else None,
        )


class _Opening(torch.autograd.Function):
    """x → x and some projections of norm(x). That x passes through lets its gradient be added where the norm's is computed."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, eps: float, projections: Sequence[Projection], *_: Tensor | None):
        _, n, scale = kernels.norm(x, weight, eps)
        out = [p.forward(n) for p in projections]
        ctx.save_for_backward(x, weight, scale, *(low for _, low in out))
        ctx.projections = projections
        return x.view_as(x), *(y for y, _ in out)

    @staticmethod
    def backward(ctx: Any, past: Tensor, *dys: Tensor):
        x, weight, scale, *lows = ctx.saved_tensors
        n, needs = kernels.norm_again(x, scale, weight), ctx.needs_input_grad
        dn, found = None, []
        for i, (p, low, dy) in enumerate(zip(ctx.projections, lows, dys, strict=True)):
            dy = dy.contiguous()
            dn, dlow = p.input_gradient(dy, dn)
            found += p.own_gradients(n, low, dy, dlow, needs[4 + 4 * i : 8 + 4 * i])
        dx, dw = kernels.norm_back(x, scale, weight, dn, past.contiguous(), needs[1])
        return dx, dw, None, None, *found


class _Closing(torch.autograd.Function):
    """x + the projection of y."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, y: Tensor, projection: Projection, *_: Tensor | None):
        out, low = projection.forward(y, onto=x)
        ctx.save_for_backward(y, low)
        ctx.projection = projection
        return out

    @staticmethod
    def backward(ctx: Any, gradient: Tensor):
        y, low = ctx.saved_tensors
        gradient = gradient.contiguous()
        dy, dlow = ctx.projection.input_gradient(gradient)
        return gradient, dy, None, *ctx.projection.own_gradients(y, low, gradient, dlow, ctx.needs_input_grad[3:])


class _Feeding(torch.autograd.Function):
    """x + D (silu(G n) * U n) with n = norm(x)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, eps: float, gate: Projection, up: Projection, down: Projection, *_: Tensor | None):
        _, n, scale = kernels.norm(x, weight, eps)
        (g, low_g), (u, low_u) = gate.forward(n), up.forward(n)
        out, low = down.forward(kernels.gate(g, u), onto=x)
        ctx.save_for_backward(x, weight, scale, g, u, low_g, low_u, low)
        ctx.projections = gate, up, down
        return out

    @staticmethod
    def backward(ctx: Any, gradient: Tensor):
        x, weight, scale, g, u, low_g, low_u, low = ctx.saved_tensors
        gate, up, down = ctx.projections
        needs, gradient = ctx.needs_input_grad, gradient.contiguous()
        dh, dlow = down.input_gradient(gradient)
        dg, du, h = kernels.gate_back(g, u, dh)
        of_down = down.own_gradients(h, low, gradient, dlow, needs[14:])
        del dh, h
        n = kernels.norm_again(x, scale, weight)
        dn, dlow = gate.input_gradient(dg)
        of_gate = gate.own_gradients(n, low_g, dg, dlow, needs[6:10])
        dn, dlow = up.input_gradient(du, dn)
        of_up = up.own_gradients(n, low_u, du, dlow, needs[10:14])
        dx, dw = kernels.norm_back(x, scale, weight, dn, gradient, needs[1])
        return dx, dw, None, None, None, None, *of_gate, *of_up, *of_down


class _Norm(torch.autograd.Function):
    """norm(x) of rows."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, eps: float):
        _, y, scale = kernels.norm(x, weight, eps)
        ctx.save_for_backward(x, weight, scale)
        return y

    @staticmethod
    def backward(ctx: Any, gradient: Tensor):
        x, weight, scale = ctx.saved_tensors
        dx, dw = kernels.norm_back(x, scale, weight, gradient.clone(memory_format=torch.contiguous_format), None, ctx.needs_input_grad[1])
        return dx, dw, None


class _Rotation(torch.autograd.Function):
    """Queries or keys [T, heads, D], turned by their positions."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, cosine: Tensor, sine: Tensor):
        ctx.save_for_backward(cosine, sine)
        return kernels.rotate(x, cosine, sine)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor):
        return kernels.rotate(gradient.contiguous(), *ctx.saved_tensors, back=True), None, None


class Layer:
    """One layer's modules, seen as what the formulas above name.

    Raises:
        NotSupported: it is built otherwise.
    """

    def __init__(self, module: nn.Module):
        try:
            own, feed = module.self_attn, module.mlp
            self.attention, self.feed, self.before, self.between = own, feed, module.input_layernorm, module.post_attention_layernorm
            self.scale, self.width, self.index = float(own.scaling), int(own.head_dim), int(own.layer_idx)
            silu = isinstance(feed.act_fn, nn.SiLU) or type(feed.act_fn).__name__ == "SiLUActivation"
            _ = self.opening, self.closing, self.feeding, self.last
        except AttributeError as missing:
            raise NotSupported(str(missing)) from missing
        self.query_norm, self.key_norm = getattr(own, "q_norm", None), getattr(own, "k_norm", None)
        norms = [self.before, self.between, *(n for n in (self.query_norm, self.key_norm) if n is not None)]
        if not silu or (self.query_norm is None) != (self.key_norm is None) or not all(map(_is_norm, norms)):
            raise NotSupported("its gates or norms are of another kind")
        self.window = getattr(own, "sliding_window", None)

    # Looked up at every use: adapters may be put in their place, and be switched off.

    @property
    def opening(self) -> list[Projection]:
        """Query, key and value."""
        return [Projection.of(layer) for layer in (self.attention.q_proj, self.attention.k_proj, self.attention.v_proj)]

    @property
    def closing(self) -> Projection:
        """Output of attention."""
        return Projection.of(self.attention.o_proj)

    @property
    def feeding(self) -> list[Projection]:
        """Gate and up."""
        return [Projection.of(self.feed.gate_proj), Projection.of(self.feed.up_proj)]

    @property
    def last(self) -> Projection:
        """Down."""
        return Projection.of(self.feed.down_proj)

    def forward(self, x: Tensor, angles: tuple[Tensor, Tensor], attending: Attending) -> Tensor:
        """[T, D] → [T, D]."""
        bounds = bounds_of(attending, self.window)
        opening = self.opening
        x, q, k, v = _Opening.apply(x, self.before.weight, eps_of(self.before), opening, *_tensors(opening))
        q, k, v = (y.view(len(x), -1, self.width) for y in (q, k, v))
        if self.query_norm is not None:
            q, k = (
                _Norm.apply(y.reshape(-1, self.width), n.weight, eps_of(n)).view(y.shape)
                for y, n in ((q, self.query_norm), (k, self.key_norm))
            )
        q, k = _Rotation.apply(q, *angles), _Rotation.apply(k, *angles)
        y = attending.attend(self.index, q, k, v, self.scale, **bounds).reshape(len(x), -1)
        closing = self.closing
        x = _Closing.apply(x, y, closing, *closing.tensors)
        feeding = [*self.feeding, self.last]
        return _Feeding.apply(x, self.between.weight, eps_of(self.between), *feeding, *_tensors(feeding))


class Decoder:
    """The layers of a body, and what is around them.

    Raises:
        NotSupported: the body is built otherwise.
    """

    layer: ClassVar[type[Layer]] = Layer

    def __init__(self, body: nn.Module):
        try:
            self.embedding, self.final, self.rotary = body.embed_tokens, body.norm, body.rotary_emb
            self.layers = [self.layer(module) for module in body.layers]
        except (AttributeError, TypeError) as missing:
            raise NotSupported(str(missing)) from missing
        if type(self.embedding) is not nn.Embedding or not _is_norm(self.final):
            raise NotSupported("its embedding or its last norm is of another kind")
        if getattr(self.rotary, "rope_type", None) not in ROTATIONS:
            raise NotSupported("its angles do not depend on positions alone")

    def angles(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Cosine and sine [T, D / 2] of the angles at some positions, in float32."""
        both = self.rotary(torch.empty(0, device=positions.device), positions.unsqueeze(0))
        return tuple(x[0, :, : x.shape[-1] // 2].float().contiguous() for x in both)

    def forward(self, tokens: Tensor, positions: Tensor, attending: Attending, again: Again | None = None) -> Tensor:
        """The last hidden states [T, D] of a row of tokens, which attend as ``attending`` says. ``again``: see ``checkpointing``.

        Raises:
            NotSupported: a layer's window is shorter than the sequences, or an adapter is of a kind that is not done here.
        """
        x, angles = self.embedding(tokens), self.angles(positions)  # the row of padding is not trained, as in the model's own code
        for layer in self.layers:
            x = through(again, layer.forward, x, angles, attending)
        return self.last(x)

    def last(self, x: Tensor) -> Tensor:
        """The last norm."""
        return _Norm.apply(x, self.final.weight, eps_of(self.final))


_KNOWN: "WeakKeyDictionary[nn.Module, tuple[Decoder | None]]" = WeakKeyDictionary()


def decoder_of(body: nn.Module) -> Decoder | None:
    """Our own code for this body, or None where it is none of those, or there are no kernels for it. Tried at the first use, against its own code."""
    if not kernels.can(next(body.parameters())):
        return None
    if body not in _KNOWN:
        _KNOWN[body] = (tried(body, Decoder),)
    return _KNOWN[body][0]


@torch.no_grad()
def tried(body: nn.Module, kind: type[Decoder]) -> Decoder | None:
    """Layer by layer on what the model itself hands from one to the next: in short formats, a difference at the start grows on the way up."""
    try:
        decoder, device = kind(body), next(body.parameters()).device
        some = few_sequences(body.get_input_embeddings().weight.shape[0])
        layout = lay_out(some, device)
        attending = Attending(layout, Shape.of(body.config.get_text_config()), device)
        tokens, positions = onto(device, layout.tokens, layout.positions)
        passed = _passed_on(body, tokens, positions, attending)
        x, angles = F.embedding(tokens, decoder.embedding.weight), decoder.angles(positions)
        if not torch.equal(x, passed[0]) or len(passed) != len(decoder.layers) + 2:
            return None
        for layer, before, after in zip(decoder.layers, passed, passed[1:], strict=False):
            if not _alike(layer.forward(before, angles, attending), after, after - before):
                return None
        return decoder if _alike(decoder.last(passed[-2]), passed[-1], passed[-1]) else None
    except Exception:  # whatever a model may do with arguments that it does not expect: then it has its own code
        return None


def _passed_on(body: nn.Module, tokens: Tensor, positions: Tensor, attending: Attending) -> list[Tensor]:
    """The hidden states [T, D] before each layer, after the last one, and after the last norm, by the model's own code."""
    found: list[Tensor] = []
    hooks = [m.register_forward_pre_hook(lambda _, args: found.append(args[0][0])) for m in (*body.layers, body.norm)]
    try:
        last = by_its_own_code(body, tokens, positions, attending)
    finally:
        for hook in hooks:
            hook.remove()
    return [*found, last]


def _alike(mine: Tensor, own: Tensor, change: Tensor) -> bool:
    """Whether nearly all numbers are the same but for their rounding and a twentieth of the usual change."""
    rounding = 4 * torch.finfo(own.dtype).eps
    allowed = rounding * own.double().abs() + (0.05 if own.dtype == torch.bfloat16 else 1e-4) * change.double().square().mean().sqrt()
    return float(((mine.double() - own.double()).abs() <= allowed)[:-1].double().mean()) > 0.99


def _tensors(projections: Sequence[Projection]) -> list[Tensor | None]:
    return [tensor for p in projections for tensor in p.tensors]


def _is_norm(module: nn.Module) -> bool:
    return type(module).__name__.endswith("RMSNorm") and getattr(module, "variance_epsilon", None) is not None and module.weight.dim() == 1


def eps_of(module: nn.Module) -> float:
    """What a norm adds to the mean square."""
    return float(module.variance_epsilon)
