"""Measuring: from the names that parts ask for to tensors, computing each once and no others.

A name without a view is measured by the model that is being trained, with gradients. A name with a view (``ref_logp``) is measured
beforehand, without gradients, by the model that the recipe binds to that view, and kept with the sequences. ``mismatched_logp`` and ``mismatched_ref_logp`` are what
the model itself and a view say of each sequence in answer to another prompt of its batch; they are measured of whole batches. A quantity that compares
(``ref_kl``) is measured by the model that is being trained, with gradients, against the view, which is computed along with each micro-batch.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.memory import AtOnce
from guerdon.models import Model
from guerdon.models.moving import staying
from guerdon.parts import needs, wants
from guerdon.processes import here
from guerdon.quantities import Name, by_step
from guerdon.sequences import SENT_ALONG, Batch, Sequences, merge, prefixed
from guerdon.training.fitting_in import Smaller, each_part

MISMATCHED = "mismatched"  # the view of answers to other contexts


def names_of(parts: Iterable[object]) -> set[Name]:
    """Every name that the parts need, and those they want that the glossary knows."""
    return {Name.parse(n) for part in parts for n in needs(part)}


def wanted_by(parts: Iterable[object]) -> set[Name]:
    """Every name that the parts need or want."""
    return {Name.parse(n) for part in parts for n in needs(part) | wants(part)}


def micro_batches(batch: Batch, budget: int, shared: bool = True, group: Tensor | None = None) -> Iterator[Tensor]:
    """Rows in groups whose forward pass costs at most ``budget`` tokens; rows of like length together. A row that is longer goes alone.

    ``shared``: a context counts once, however many rows answer it, and these stay together where they fit; else every row is as wide as
    the longest of its group. ``group`` [B]: rows of the same number are never parted.
    """
    own = batch.tokens
    order = torch.argsort(own, stable=True).tolist()
    sides = list(batch.sides.values())
    context = torch.stack([torch.tensor([len(c) for c in s.contexts])[s.context] for s in sides])  # [sides, B]
    if shared and all(_same_contexts(sides[0], s) for s in sides[1:]):
        context, answers, key = context[0], torch.stack([s.length for s in sides]).sum(0), sides[0].context
    else:
        context, answers, key = None, own, -1 - torch.arange(len(batch))
    if group is not None:
        yield from _evenly(_whole(order, group, context, answers, key), budget, padded=False)
        return
    if not shared:
        yield from _evenly([([row], int(own[row])) for row in order], budget, padded=True)
        return
    blocks: dict[int, tuple[list[int], int]] = {}
    for row in order:
        rows, cost = blocks.get(int(key[row]), ([], int(context[row]) if context is not None else 0))
        blocks[int(key[row])] = ([*rows, row], cost + int(answers[row]))
    yield from _evenly(list(_split(blocks.values(), budget, context, answers)), budget, padded=False)


def _whole(order: list[int], group: Tensor, context: Tensor | None, answers: Tensor, key: Tensor) -> list[tuple[list[int], int]]:
    """Blocks that are not parted: the rows of each group, with their contexts counted once."""
    blocks: dict[int, tuple[list[int], int]] = {}
    counted: set[tuple[int, int]] = set()
    for row in order:
        place = int(group[row])
        rows, cost = blocks.get(place, ([], 0))
        if context is not None and (place, int(key[row])) not in counted:
            cost += int(context[row])
            counted.add((place, int(key[row])))
        blocks[place] = ([*rows, row], cost + int(answers[row]))
    return list(blocks.values())


def _same_contexts(one: Sequences, other: Sequences) -> bool:
    return torch.equal(one.context, other.context) and all(map(torch.equal, one.contexts, other.contexts))


def _split(
    blocks: Iterable[tuple[list[int], int]], budget: int, context: Tensor | None, answers: Tensor
) -> Iterator[tuple[list[int], int]]:
    """Blocks that cost more than the budget in pieces, of which each carries the context anew."""
    for rows, cost in blocks:
        start = int(context[rows[0]]) if context is not None else 0
        if cost <= budget or len(rows) == 1:
            yield rows, cost
            continue
        for piece in _filled([([row], int(answers[row])) for row in rows], max(budget - start, 1), padded=False):
            yield piece.tolist(), start + int(answers[piece].sum())


def _evenly(blocks: list[tuple[list[int], int]], budget: int, padded: bool) -> list[Tensor]:
    """Neighbouring blocks together, in as few parts as the budget allows, and these no larger than need be: the largest is what memory is for."""
    parts = list(_filled(blocks, budget, padded))
    enough, too_little = budget, budget // max(len(parts), 1) // 2
    while len(parts) > 1 and enough - too_little > max(budget // 64, 1):
        tried = (enough + too_little) // 2
        fewer = list(_filled(blocks, tried, padded))
        if len(fewer) <= len(parts):
            parts, enough = fewer, tried
        else:
            too_little = tried
    return parts


def _filled(blocks: Iterable[tuple[list[int], int]], budget: int, padded: bool) -> Iterator[Tensor]:
    """Neighbouring blocks together as long as they fit."""
    rows: list[int] = []
    sum_of, widest = 0, 0
    for more, cost in blocks:
        size = max(widest, cost) * (len(rows) + len(more)) if padded else sum_of + cost
        if rows and size > budget:
            yield torch.tensor(rows)
            rows, sum_of, widest = [], 0, 0
        rows, sum_of, widest = [*rows, *more], sum_of + cost, max(widest, cost)
    if rows:
        yield torch.tensor(rows)


def cost_of(batch: Batch, rows: Tensor, shared: bool = True) -> int:
    """How many tokens go through the model for these rows, as ``micro_batches`` counts them."""
    sides, own = list(batch.sides.values()), batch.tokens[rows]
    if not shared:
        return int(own.max()) * len(rows)
    if not all(_same_contexts(sides[0], side) for side in sides[1:]):
        return int(own.sum())
    contexts = sum(len(sides[0].contexts[c]) for c in torch.unique(sides[0].context[rows]).tolist())
    return contexts + int(torch.stack([side.length[rows] for side in sides]).sum())


def shared_out(batch: Batch, budget: int, shared: bool = True, group: Tensor | None = None) -> tuple[list[Tensor], list[int]]:
    """Micro-batches, and which of them this process computes. Where there are several processes there are as many at least, if there are rows for them."""
    processes, tokens = here(), batch.tokens
    if processes.several:
        budget = min(budget, max(-(-int(tokens.sum()) // processes.count), 1))
    parts = list(micro_batches(batch, budget, shared, group))
    return parts, processes.own([float(tokens[rows].sum()) for rows in parts])


def shares_contexts(model: Model | None) -> bool:
    """Whether the model computes a context once, however many sequences answer it."""
    return bool(getattr(model, "packed", False))


def compared(model: Model | None, views: Mapping[str, Model]) -> frozenset[str]:
    """The names by which the model can be compared with the bound views: ``ref_kl``; of a family without what stands in brackets."""
    own = getattr(model, "compares", frozenset())
    return frozenset(f"{view}_{quantity}" for view, other in views.items() for quantity in own & getattr(other, "compares", frozenset()))


def _measure(model: Model, sequences: Sequences, names: Set[str], views: Mapping[str, Model]) -> dict[str, Tensor]:
    """Views are handed over only where a name compares with one: most models know none."""
    comparing = compared(model, views)
    does = comparing and any(str(Name.parse(name).family) in comparing for name in names)
    return model.measure(sequences, names, views) if does else model.measure(sequences, names)


@torch.no_grad()
def measured(
    model: Model, sequences: Sequences, names: Iterable[str], budget: AtOnce | int, views: Mapping[str, Model] | None = None
) -> dict[str, Tensor]:
    """Quantities of many sequences under a model, without gradients, in micro-batches; of each process some, and all of them everywhere."""
    names, at_once = frozenset(names), AtOnce.of(budget)
    batch, shared = Batch({"": sequences}), shares_contexts(model)

    def measure(rows: Tensor) -> dict[str, Tensor]:
        with staying():
            return _measure(model, sequences.select(rows), names, views or {})

    def read(found: dict[str, Tensor]) -> dict[str, Tensor]:
        return {name: value.cpu() for name, value in found.items()}

    def split(tokens: int) -> tuple[list[Tensor], list[int]]:
        return shared_out(batch, tokens, shared)

    def cost(rows: Tensor) -> int:
        return cost_of(batch, rows, shared)

    out: dict[str, Tensor] = {}
    width = sequences.actions.shape[1]
    try:
        parts = each_part(cost, split, at_once, measure, f"measuring {', '.join(sorted(names))}", read)
    except Smaller:
        return measured(model, sequences, names, at_once, views)
    for rows, found in parts:
        for name, value in found.items():
            steps = by_step(name, value)
            if name not in out:
                shape = (len(sequences), width, *value.shape[2:]) if steps else (len(sequences), *value.shape[1:])
                out[name] = torch.zeros(shape, dtype=value.dtype)
            if steps:
                out[name][rows, : value.shape[1]] = value
            else:
                out[name][rows] = value
    return out


def attach_views(batch: Batch, names: Iterable[Name], views: Mapping[str, Model], budget: AtOnce | int) -> None:
    """Measure what is asked for under the bound views, on every side that the batch has, and keep it with the sequences."""
    wanted: dict[str, dict[str, set[str]]] = {}
    for name in sorted(names, key=str):  # in one order on all processes
        if name.side in batch.sides and name.view in views and name.quantity in views[name.view].measures:
            wanted.setdefault(name.view, {}).setdefault(name.side, set()).add(name.measured)
    for view, by_side in wanted.items():
        for side, found in _on_sides(batch, by_side, lambda s, q, model=views[view]: measured(model, s, q, budget)).items():
            batch.sides[side].quantities.update({f"{view}_{quantity}": value for quantity, value in found.items()})


def gather(batch: Batch, names: Iterable[Name], model: Model | None, views: Mapping[str, Model] | None = None) -> dict[str, Tensor]:
    """The named tensors of a batch: what it holds, and, under ``model``, what is to be measured with gradients; ``views`` are what it is compared
    with.

    Raises:
        InputError: something is needed that the batch does not hold and the model does not measure.
    """
    out: dict[str, Tensor] = {}
    to_measure: dict[str, set[str]] = {}
    views = views or {}
    comparable = compared(model, views)
    for name in names:
        value = held(batch, name)
        if value is not None:
            out[str(name)] = value
        elif model is not None and not name.view and name.quantity in model.measures:
            to_measure.setdefault(name.side, set()).add(name.measured)
        elif str((plain := replace(name, side="")).family) in comparable:
            to_measure.setdefault(name.side, set()).add(str(plain))
    for side, found in _on_sides(batch, to_measure, lambda s, q: _measure(model, s, q, views)).items():
        out |= {prefixed(side, quantity): value for quantity, value in found.items()}
    return out


@torch.no_grad()
def of_whole(batch: Batch, names: Iterable[Name], model: Model, views: Mapping[str, Model], budget: AtOnce | int) -> dict[str, Tensor]:
    """The named tensors of a whole batch, without gradients, measured in micro-batches: what a loss has to know of all of it before it is split."""
    out: dict[str, Tensor] = {}
    to_measure: dict[str, dict[str, set[str]]] = {}
    for name in sorted(names, key=str):  # in one order on all processes
        value = held(batch, name)
        if value is not None:
            out[str(name)] = value
        elif name.quantity in getattr(_measurer(name.view, model, views), "measures", ()):
            to_measure.setdefault(name.view, {}).setdefault(name.side, set()).add(name.measured)
    room = getattr(model, "context_length", None)
    for view, by_side in to_measure.items():
        asked, crossed = _measurer(view, model, views), view.partition("_")[0] == MISMATCHED
        seen = Batch({side: mismatched(s, room) for side, s in batch.sides.items()}) if crossed else batch
        for side, found in _on_sides(seen, by_side, lambda s, q, asked=asked: measured(asked, s, q, budget)).items():
            out |= {str(Name(quantity, side, view)): value for quantity, value in found.items()}
    return out


def names_of_whole(model: Model, views: Mapping[str, Model]) -> frozenset[str]:
    """What ``of_whole`` can measure and nothing else does."""
    who = {MISMATCHED: model} | {f"{MISMATCHED}_{view}": other for view, other in views.items()}
    return frozenset(f"{view}_{quantity}" for view, other in who.items() for quantity in other.measures)


def crosses(names: Iterable[Name]) -> bool:
    """Whether any of the names is of answers to other prompts, so that a step needs several prompts."""
    return any(name.view.partition("_")[0] == MISMATCHED for name in names)


def several_prompts(rows: int, what: str, contexts: Iterable[Any]) -> None:
    """Refuse data on which nothing could be in answer to another prompt.

    Args:
        rows: of a step; ``what`` they are.
        contexts: of all rows, looked at until one differs from the first.

    Raises:
        InputError: a step has one row, or all rows have the same prompt.
    """
    why = "the recipe takes its reference point from answers that are put to another prompt of the same step"
    if rows < 2:
        raise InputError(f"{why}, and a step has one {what}; set batch_size to 2 or more (the more, the better the estimate)")
    others = iter(contexts)
    first = next(others)
    if all(context == first for context in others):
        raise InputError(
            f"{why}, and all rows have the same prompt; add rows of other prompts, or choose a recipe without it (bco, dpo ...)"
        )


def _measurer(view: str, model: Model, views: Mapping[str, Model]) -> Model | None:
    """Who measures a view of a whole batch: the model itself where the view names no other."""
    other = view.removeprefix(MISMATCHED).removeprefix("_")
    return views.get(other) if other else model


def mismatched(sequences: Sequences, room: int | None = None) -> Sequences:
    """Every sequence in answer to another prompt: the context of the next row that has another one, after the last row the first. Where all rows have the
    same, to one that ``contexts`` holds and no row answers (``Stream.crossed``); without any nobody acts, so that nothing is told of them.

    Args:
        room: positions that a model has; what does not fit behind a longer context is cut off.
    """
    own = [c.numpy().tobytes() for c in sequences.contexts]
    answered = sequences.context.tolist()
    ring = [*answered[1:], *answered]
    spare = [place for place in range(len(own)) if place not in set(answered)]
    others = [next((c for c in [*ring[i : i + len(answered)], *spare] if own[c] != own[at]), None) for i, at in enumerate(answered)]
    context = torch.tensor([at if c is None else c for at, c in zip(answered, others, strict=True)], dtype=torch.long)
    crossed = torch.tensor([c is not None for c in others], dtype=torch.bool)
    starts = torch.tensor([len(c) for c in sequences.contexts])[context]
    length = sequences.length if room is None else torch.minimum(sequences.length, room - starts)
    mask = sequences.mask & (torch.arange(sequences.mask.shape[1]) < length.unsqueeze(-1)) & crossed.unsqueeze(-1)
    along = {name: value for name, value in sequences.quantities.items() if name in SENT_ALONG}
    return replace(sequences, context=context, length=length, mask=mask, quantities=along)


def _on_sides(
    batch: Batch, wanted: Mapping[str, Set[str]], measure: Callable[[Sequences, Set[str]], dict[str, Tensor]]
) -> dict[str, dict[str, Tensor]]:
    """What is wanted of each side that the batch has: terms on other data have other sides. Sides of which the same is wanted are measured together: a
    pair's two sides share their context."""
    out: dict[str, dict[str, Tensor]] = {}
    for names in sorted({frozenset(names) for side, names in wanted.items() if side in batch.sides}, key=sorted):
        sides = [side for side in batch.sides if wanted.get(side) == names]
        if len(sides) == 1:
            out |= {side: measure(batch.sides[side], names) for side in sides}
            continue
        together = measure(merge([batch.sides[side] for side in sides]), names)
        first = 0
        for side in sides:
            rows, width = slice(first, first + len(batch.sides[side])), batch.sides[side].actions.shape[1]
            out[side] = {name: value[rows, :width] if by_step(name, value) else value[rows] for name, value in together.items()}
            first = rows.stop
    return out


def held(batch: Batch, name: Name) -> Tensor | None:
    """The tensor of that name that the batch already has, or None."""
    plain = str(replace(name, side=""))
    sequences = batch.sides.get(name.side)
    if sequences is not None:
        if plain == "mask":
            return sequences.mask
        if plain in ("action", "prompt_id"):
            return sequences.actions if plain == "action" else sequences.context
        if plain in sequences.quantities:
            return sequences.quantities[plain]
    return batch.quantities.get(str(name))


def lacking(names: Iterable[Name], available: Set[str]) -> list[str]:
    """The names that nothing provides."""
    return sorted(str(n) for n in names if str(n.family) not in available and str(n) not in ("mask", "group", "prompt_id", "action"))


def require(names: Iterable[Name], available: Iterable[str], who: str) -> None:
    """Refuse what nothing can provide, before the first step.

    Raises:
        InputError: naming what is missing, and what there is.
    """
    available = set(available)
    missing = lacking(names, available)
    if missing:
        near = list(dict.fromkeys(n for name in missing for n in get_close_matches(name, available, n=2, cutoff=0.7)))
        there = f"; the nearest of what there is: {', '.join(near)}" if near else ""
        raise InputError(
            f"{who} needs {', '.join(missing)}, which neither the data nor a bound model provides{there}; add it as a column of the rows, bind the view that "
            "says it, or choose another recipe"
        )
