"""Kernels: what a language model does between its matrix products, each in one pass over memory, on a CPU.

    y = norm(x)      rotate(q)      h = silu(g) u      p = softmax(scores)      logp, entropy of a tile of logits      a step of decoding

Operation by operation, a norm reads and writes its rows six times and keeps three copies of them for its backward pass; here they are read
once, in float32 whatever they are stored in. The code is C (``kernels.c``), compiled for this machine at the first use (``_build``).
Where that cannot be, on a GPU and in other number formats, the model's own code runs instead; ``why_not`` says why.

Tensors are contiguous, [rows, width] or as each function says, float32 or bfloat16, all of the same format unless it is said otherwise: what is not is an
AssertionError.
"""

import ctypes
from collections.abc import Callable

import torch
from torch import Tensor

from guerdon.models.kernels._build import SWITCH, NotBuilt, cache_folder, library

__all__ = ["SWITCH", "cache_folder", "can", "why_not"]

SUFFIX = {torch.float32: "float", torch.bfloat16: "bf16"}
PIECES = 16  # in which the gradient of a norm's weight is added up: a fixed number, so that threads do not change it
_SIZE, _NUMBER, _AT = ctypes.c_int64, ctypes.c_float, ctypes.c_void_p
_ARGUMENTS = {
    "norm": [_AT] * 6 + [_SIZE] * 2 + [_NUMBER],
    "norm_again": [_AT] * 4 + [_SIZE] * 2,
    "norm_back": [_AT] * 7 + [_SIZE] * 3,
    "rotate": [_AT] * 4 + [_NUMBER] + [_SIZE] * 3,
    "add_rows": [_AT] * 3 + [_SIZE] * 2,
    "gate": [_AT] * 3 + [_SIZE] * 3,
    "gate_back": [_AT] * 6 + [_SIZE] * 2,
    "measure": [_AT] * 2 + [_NUMBER] + [_AT] * 3 + [_SIZE] * 2,
    "measure_back": [_AT] * 2 + [_NUMBER] + [_AT] * 4 + [_SIZE] * 2,
    "draw": [_AT] * 2 + [_NUMBER] + [_AT] * 2 + [_SIZE] * 2,
    "softmax": [_AT] * 3 + [_SIZE] * 5 + [_NUMBER, _SIZE],
    "softmax_back": [_AT] * 3 + [_NUMBER] + [_SIZE] * 2,
    "dot": [_AT] * 3 + [_SIZE] * 2,
    "attend": [_AT] * 8 + [_SIZE] * 4 + [_NUMBER],
    "attend_back": [_AT] * 12 + [_SIZE] * 4 + [_NUMBER],
    "step": [_AT] * 3 + [_NUMBER] + [_AT] * 10 + [_SIZE] * 7 + [_NUMBER],
}
_FOUND: dict[tuple[str, torch.dtype], Callable] = {}


def why_not() -> str:
    """Why there are no kernels on this machine; empty where there are."""
    try:
        library()
    except NotBuilt as reason:
        return str(reason)
    return ""


def can(x: Tensor) -> bool:
    """Whether there are kernels for tensors like this one."""
    return x.device.type == "cpu" and x.dtype in SUFFIX and not why_not()


def _kernel(name: str, dtype: torch.dtype) -> Callable:
    if (name, dtype) not in _FOUND:
        found = getattr(library(), f"{name}_{SUFFIX[dtype]}")
        found.argtypes, found.restype = _ARGUMENTS[name], None
        _FOUND[name, dtype] = found
    return _FOUND[name, dtype]


def _plain(name: str) -> Callable:
    """A kernel that there is in one format only."""
    found = getattr(library(), name)
    found.argtypes, found.restype = _ARGUMENTS[name], None
    return found


def _at(x: Tensor | None) -> int | None:
    if x is None:
        return None
    assert x.is_contiguous()
    return x.data_ptr()


def _alike(*tensors: Tensor | None) -> None:
    """All of one format: what is read as another would be read as nonsense."""
    assert len({x.dtype for x in tensors if x is not None}) == 1


def norm(x: Tensor, weight: Tensor, eps: float, more: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """``x`` (or ``x + more``) [rows, width], the same divided by its root mean square and times ``weight``, and one over that root [rows] in float32."""
    _alike(x, weight, more)
    rows, width = x.shape
    y, scale, total = torch.empty_like(x), x.new_empty(rows, dtype=torch.float32), x if more is None else torch.empty_like(x)
    pointers = _at(x), _at(more), None if more is None else _at(total), _at(weight), _at(y), _at(scale)
    _kernel("norm", x.dtype)(*pointers, rows, width, eps)
    return total, y, scale


def norm_again(x: Tensor, scale: Tensor, weight: Tensor) -> Tensor:
    """The normed rows once more."""
    y = torch.empty_like(x)
    _kernel("norm_again", x.dtype)(_at(x), _at(scale), _at(weight), _at(y), *x.shape)
    return y


def norm_back(x: Tensor, scale: Tensor, weight: Tensor, dy: Tensor, past: Tensor | None, trained: bool) -> tuple[Tensor, Tensor | None]:
    """The gradients of ``x``, with ``past`` added to it, and (where ``trained``) of the weight. ``dy`` is overwritten."""
    _alike(x, weight, dy, past)
    dw = torch.zeros(weight.shape, dtype=torch.float32) if trained else None
    rows, width = x.shape
    pointers = _at(x), _at(scale), _at(weight), _at(dy), _at(past), _at(dy), _at(dw)
    _kernel("norm_back", x.dtype)(*pointers, rows, width, PIECES)
    return dy, None if dw is None else dw.to(weight.dtype)


def rotate(x: Tensor, cosine: Tensor, sine: Tensor, back: bool = False) -> Tensor:
    """``x`` [rows, heads, width] turned by the angles of each row, whose ``cosine`` and ``sine`` are [rows, width / 2] in float32."""
    assert cosine.dtype == sine.dtype == torch.float32
    y = torch.empty_like(x)
    _kernel("rotate", x.dtype)(_at(x), _at(y), _at(cosine), _at(sine), -1.0 if back else 1.0, *x.shape)
    return y


def add_rows(total: Tensor, places: Tensor, x: Tensor) -> None:
    """Add ``x`` [rows, width] to the rows of ``total`` at ``places``, of which one may come several times."""
    _alike(total, x)
    _kernel("add_rows", x.dtype)(_at(total), _at(places), _at(x), *x.shape)


def gate(g: Tensor, u: Tensor) -> Tensor:
    """silu(g) u."""
    _alike(g, u)
    h = torch.empty_like(g)
    _kernel("gate", g.dtype)(_at(g), _at(u), _at(h), *g.shape, g.shape[1])
    return h


def gate_halves(both: Tensor) -> Tensor:
    """silu(g) u of rows that hold g and then u."""
    rows, width = both.shape[0], both.shape[1] // 2
    h = both.new_empty(rows, width)
    start = _at(both)
    _kernel("gate", both.dtype)(start, start + width * both.element_size(), _at(h), rows, width, 2 * width)
    return h


def gate_back(g: Tensor, u: Tensor, dh: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of g and u, and silu(g) u once more."""
    _alike(g, u, dh)
    dg, du, h = torch.empty_like(g), torch.empty_like(u), torch.empty_like(g)
    _kernel("gate_back", g.dtype)(_at(g), _at(u), _at(dh), _at(dg), _at(du), _at(h), *g.shape)
    return dg, du, h


def measure(logits: Tensor, taken: Tensor, temperature: float, with_entropy: bool) -> tuple[Tensor, Tensor, Tensor | None]:
    """Of each row [rows, V], in float32: the log-probability of ``taken``, the log of the sum of exponentials, and the entropy."""
    assert not len(taken) or (int(taken.min()) >= 0 and int(taken.max()) < logits.shape[1])
    logp, total = (torch.empty(len(logits)) for _ in range(2))
    entropy = torch.empty(len(logits)) if with_entropy else None
    pointers = _at(logp), _at(total), _at(entropy)
    _kernel("measure", logits.dtype)(_at(logits), _at(taken), 1 / temperature, *pointers, *logits.shape)
    return logp, total, entropy


def measure_back(
    logits: Tensor,
    taken: Tensor,
    temperature: float,
    total: Tensor,
    entropy: Tensor | None,
    of_logp: Tensor | None,
    of_entropy: Tensor | None,
) -> Tensor:
    """The gradient of the logits, written over them."""
    pointers = _at(total), _at(entropy), _at(of_logp), _at(of_entropy)
    _kernel("measure_back", logits.dtype)(_at(logits), _at(taken), 1 / temperature, *pointers, *logits.shape)
    return logits


def draw(logits: Tensor, uniform: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    """The token of each row at which the cumulative probability passes ``uniform``, and its log-probability in float32."""
    assert uniform.dtype == torch.float32
    taken, logp = torch.empty(len(logits), dtype=torch.long), torch.empty(len(logits))
    _kernel("draw", logits.dtype)(_at(logits), _at(uniform), 1 / temperature, _at(taken), _at(logp), *logits.shape)
    return taken, logp


def softmax(trunk: Tensor | None, own: Tensor, trunk_seen: Tensor | None, per_trunk: int, first: int, steps: int, scale: float) -> None:
    """Scores become probabilities in place: of ``trunk`` [rows, L] the first ``trunk_seen[row // per_trunk]`` count, of ``own`` [rows, C] the first
    ``first + row % steps + 1``; the others get 0."""
    rows, size = own.shape
    wide = 0 if trunk is None else trunk.shape[1]
    _kernel("softmax", own.dtype)(_at(trunk), _at(own), _at(trunk_seen), per_trunk, wide, size, first, steps, scale, rows)


def softmax_back(p: Tensor, dp: Tensor, delta: Tensor, scale: float) -> None:
    """``scale * p * (dp - delta)`` over ``dp`` [rows, size]; ``delta`` [rows] in float32."""
    _kernel("softmax_back", p.dtype)(_at(p), _at(dp), _at(delta), scale, *p.shape)


def dot(x: Tensor, y: Tensor) -> Tensor:
    """The sum of x y of each row, in float32."""
    out = x.new_empty(len(x), dtype=torch.float32)
    _kernel("dot", x.dtype)(_at(x), _at(y), _at(out), *x.shape)
    return out


Families = tuple[Tensor, Tensor, Tensor]
"""Where sequences lie: ``begin`` [F + 1], and ``start`` and ``length`` of each, a family's trunk and then its branches. Family f has those from
``begin[f]`` to ``begin[f + 1]``."""


def can_attend(query: Tensor) -> bool:
    """Whether there are kernels for attention of whole families: in bfloat16, on processors with products in that format."""
    return attends(query.device, query.dtype, query.shape[-1])


def attends(device: torch.device, dtype: torch.dtype, width: int) -> bool:
    """The same of heads that are so wide."""
    return device.type == "cpu" and dtype == torch.bfloat16 and width % 32 == 0 and not why_not() and hasattr(library(), "attend")


def attend(query: Tensor, key: Tensor, value: Tensor, families: Families, scale: float) -> tuple[Tensor, Tensor]:
    """``query`` [T, H, D], ``key`` and ``value`` [T, K, D] → [T, H, D], and the log of each query's sum of exponentials [T, H] in float32. Tokens of
    no family get zeros."""
    _alike(query, key, value)
    out, total = torch.zeros_like(query), torch.zeros(query.shape[:2])
    pointers = (_at(x) for x in (query, key, value, out, total, *families))
    _plain("attend")(*pointers, len(families[0]) - 1, query.shape[1], *key.shape[1:], scale)
    return out, total


def attend_back(
    query: Tensor, key: Tensor, value: Tensor, gradient: Tensor, total: Tensor, delta: Tensor, families: Families, scale: float
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of query, key and value. ``delta`` [T * H] in float32 is that of the output times the output, summed over D."""
    _alike(query, key, value, gradient)
    assert total.dtype == delta.dtype == torch.float32
    found = tuple(torch.zeros_like(x) for x in (query, key, value))
    pointers = (_at(x) for x in (query, key, value, gradient, total, delta, *found, *families))
    _plain("attend_back")(*pointers, len(families[0]) - 1, query.shape[1], *key.shape[1:], scale)
    return found


def step(
    qkv: Tensor,
    query_weight: Tensor | None,
    key_weight: Tensor | None,
    eps: float,
    angles: tuple[Tensor, Tensor],
    context: Tensor,
    slot: Tensor,
    trunk: tuple[Tensor, Tensor],
    trunk_seen: Tensor,
    own: tuple[Tensor, Tensor],
    out: Tensor,
    time: int,
    scale: float,
) -> None:
    """Attention of one token of each of some sequences, to its context and to what it has grown by: see ``attention.inc``, which says what lies
    where. ``qkv`` [rows or more, (heads + 2 key heads) width]; the result is written to ``out`` [rows or more, heads width]."""
    _, key_heads, width, trunk_room = trunk[0].shape
    rows, heads, own_room = len(context), out.shape[1] // width, own[0].shape[3]
    pointers = (_at(x) for x in (*angles, context, slot, *trunk, trunk_seen, *own, out))
    sizes = rows, heads, key_heads, width, trunk_room, own_room, time
    _kernel("step", qkv.dtype)(_at(qkv), _at(query_weight), _at(key_weight), eps, *pointers, *sizes, scale)
