"""Which way is taken: where nothing is measured the first that can, on a GPU the fastest of those that can and are right there.

Tried on the card itself, once for each number format, shape of heads and kind of sequences: first a few families, held against the plain way in value and gradient; then
some thousand tokens, forward and backward. What was found is kept in the user's cache, so that a run that is gone on with computes as it did, and that
nothing is compiled only to be measured.
"""

import json
import os
import pkgutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from torch import Tensor

from guerdon.models.kernels import cache_folder
from guerdon.models.language import attentions as room
from guerdon.models.language.attentions import Asked, Attention, NotSupported, _plain
from guerdon.models.language.layout import Layout, lay_out
from guerdon.sequences import Sequences

FEW = ((5, (3, 0, 7)), (150, (40, 1)), (1, (2,)), (130, ()), (70, (260, 9, 128)))  # contexts, and how long their completions are
SHARED, ALONE = ((512, (192,) * 4),) * 4, ((384, (256,)),) * 8  # two thousand tokens and more each, as a group or a pair, and as texts
TIMES = 3
FAR = {torch.float32: 1e-2, torch.float16: 1e-2, torch.bfloat16: 5e-2}  # a share of the norm; products of float32 may be in TF32


@dataclass
class Trial:
    """What was found.

    Attributes:
        chosen: the name of the way; empty where none can.
        seconds: forward and backward, of each that was timed.
        refused: why the others were not.
    """

    chosen: str = ""
    seconds: dict[str, float] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        timed = ", ".join(f"{name} {1e3 * taken:.3g} ms" for name, taken in sorted(self.seconds.items(), key=lambda item: item[1]))
        return f"{self.chosen} ({timed})" if timed else self.chosen


@cache
def ways() -> dict[str, Attention]:
    """Every way by its name, by rank."""
    found = {}
    for info in pkgutil.iter_modules(room.__path__):
        if not info.name.startswith("_"):
            module = import_module(f"{room.__name__}.{info.name}")
            kind = next(
                v for v in vars(module).values() if isinstance(v, type) and v.__module__ == module.__name__ and issubclass(v, Attention)
            )
            found[info.name] = kind()
    return dict(sorted(found.items(), key=lambda item: item[1].rank))


def way_for(asked: Asked) -> Attention:
    """The way for what is asked.

    Raises:
        NotSupported: there is none.
    """
    trial = tried(asked.kind)
    if not trial.chosen:
        raise NotSupported("; ".join(f"{name}: {reason}" for name, reason in trial.refused.items()))
    return ways()[trial.chosen]


def tried(kind: Asked) -> Trial:
    """What was found for this kind (``Asked.kind``), where only deterministic kernels are allowed or where all are: they differ in speed."""
    return _tried(kind, torch.are_deterministic_algorithms_enabled())


@cache
def _tried(kind: Asked, deterministic: bool) -> Trial:
    refused = {name: reason for name, way in ways().items() if (reason := way.why_not(kind))}
    able = [name for name in ways() if name not in refused]
    if not able or kind.device.type != "cuda":
        return Trial(able[0] if able else "", {}, refused)
    path = cache_folder("attention") / "found.json"
    key = f"{torch.cuda.get_device_name(kind.device)}; torch {torch.__version__}; {kind}; {', '.join(able)}{'; deterministic' if deterministic else ''}"
    known = _read(path)
    if key in known:
        return Trial(**known[key])
    found = measured(kind, able, refused)
    _write(path, {**_read(path), key: asdict(found)})
    return found


def measured(kind: Asked, able: list[str], refused: dict[str, str]) -> Trial:
    """Those that are ``able`` tried and timed on the device."""
    seconds, refused = {}, dict(refused)
    for name in able:
        try:
            gap = gap_to_plain(ways()[name], kind)
            if gap > FAR.get(kind.dtype, 1e-5):
                refused[name] = f"on this device it differs from the plain way by {gap:.2g} of the norm"
            else:
                seconds[name] = _timed(ways()[name], kind)
        except Exception as error:  # whatever a kernel that is not ours may say on a card or a version that it does not know
            refused[name] = (
                f"on this device it fails: {type(error).__name__}: {str(error).strip().splitlines()[0][:160] if str(error).strip() else ''}"
            )
    if not seconds:
        return Trial("", {}, refused)
    return Trial(min(seconds, key=seconds.__getitem__), seconds, refused)


def gap_to_plain(way: Attention, kind: Asked) -> float:
    """The largest difference of output and gradients from the plain way's, as a share of their norm, on a few families."""
    layout = families_of(FEW if kind.shared else [(n, sizes[:1]) for n, sizes in FEW], kind.device)
    window, softcap = None if kind.window is None else 60, None if kind.softcap is None else 5.0
    asked = Asked(kind.device, kind.dtype, kind.shape, kind.width, kind.shared, window, softcap)
    tensors, scale = _random(layout, kind), kind.width**-0.5
    mine = _passed(lambda q, k, v: way.attend(q, k, v, way.plan(layout, asked), scale, softcap), tensors, layout)
    fine = tuple(x.detach().to(torch.promote_types(x.dtype, torch.float32)) for x in tensors)
    plain = _passed(lambda q, k, v: _plain.attended(q, k, v, layout, scale, window, softcap), fine, layout)
    gaps = [
        (a.double() - b.double()).norm() / b.double().norm().clamp(min=1e-12) for a, b in zip(_on_host(mine), _on_host(plain), strict=True)
    ]
    return max(float("inf") if gap.isnan() else float(gap) for gap in gaps)


def families_of(sizes: Any, device: torch.device) -> Layout:
    """The layout of contexts with completions of these lengths, whose tokens do not matter."""
    rows = [(context, size) for context, (_, lengths) in enumerate(sizes) for size in lengths]
    length = torch.tensor([size for _, size in rows])
    actions = torch.zeros(len(rows), max(int(length.max()), 1), dtype=torch.long)
    mask = torch.arange(actions.shape[1]) < length.unsqueeze(-1)
    contexts = [torch.zeros(n, dtype=torch.long) for n, _ in sizes]
    return lay_out(Sequences(contexts, torch.tensor([c for c, _ in rows]), actions, mask, length), device)


def _random(layout: Layout, kind: Asked) -> tuple[Tensor, ...]:
    generator = torch.Generator().manual_seed(0)
    heads = kind.shape.heads, kind.shape.key_heads, kind.shape.key_heads
    return tuple(torch.randn(len(layout.tokens), n, kind.width, generator=generator).to(kind.device, kind.dtype) for n in heads)


def _passed(attend: Callable[..., Tensor], tensors: tuple[Tensor, ...], layout: Layout) -> tuple[Tensor, ...]:
    """Output and gradients, of what is somebody's."""
    own = sum(len(t) for t in layout.trunks) + sum(len(b) for some in layout.branches for b in some)
    given = [x.detach().requires_grad_() for x in tensors]
    out = attend(*given)[:own]
    weight = torch.randn(out.shape, generator=torch.Generator().manual_seed(1)).to(out)
    return out.detach(), *torch.autograd.grad((out * weight).sum(), given)


def _on_host(tensors: tuple[Tensor, ...]) -> list[Tensor]:
    return [x.cpu() for x in tensors]


def _timed(way: Attention, kind: Asked) -> float:
    """Seconds of one pass forward and backward: the best of a few."""
    layout = families_of(SHARED if kind.shared else ALONE, kind.device)
    window = None if kind.window is None else 256
    asked = Asked(kind.device, kind.dtype, kind.shape, kind.width, kind.shared, window, kind.softcap and 30.0)
    plan, tensors = way.plan(layout, asked), _random(layout, kind)
    best = float("inf")
    for _ in range(1 + TIMES):
        _wait(kind.device)
        begun = perf_counter()
        _passed(lambda q, k, v: way.attend(q, k, v, plan, kind.width**-0.5, asked.softcap), tensors, layout)
        _wait(kind.device)
        best = min(best, perf_counter() - begun)
    return best


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _read(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return {}


def _write(path: Path, known: dict[str, Any]) -> None:
    """Under another name first: another process may be doing the same."""
    try:
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as draft:
            json.dump(known, draft, indent=1)
        os.replace(draft.name, path)
    except OSError:  # a home that cannot be written to: it is measured again next time
        return
