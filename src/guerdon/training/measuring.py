"""Measuring: from the names that parts ask for to tensors, computing each once and no others.

A name without a view is measured by the model that is being trained, with gradients. A name with a view (``ref_logp``) is measured
beforehand, without gradients, by the model that the recipe binds to that view, and kept with the sequences.
"""

from collections.abc import Iterable, Iterator, Mapping

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.models import Model
from guerdon.parts import needs, wants
from guerdon.quantities import Name
from guerdon.sequences import Batch, Sequences, prefixed


def names_of(parts: Iterable[object]) -> set[Name]:
    """Every name that the parts need, and those they want that the glossary knows."""
    return {Name.parse(n) for part in parts for n in needs(part)}


def wanted_by(parts: Iterable[object]) -> set[Name]:
    """Every name that the parts need or want."""
    return {Name.parse(n) for part in parts for n in needs(part) | wants(part)}


def micro_batches(tokens: Tensor, budget: int) -> Iterator[Tensor]:
    """Rows in groups whose padded size stays within ``budget`` tokens; rows of like length together. A longer row goes alone."""
    rows: list[int] = []
    longest = 0
    for row in torch.argsort(tokens, stable=True).tolist():
        longest = max(longest, int(tokens[row]))
        if rows and longest * (len(rows) + 1) > budget:
            yield torch.tensor(rows)
            rows, longest = [], int(tokens[row])
        rows.append(row)
    if rows:
        yield torch.tensor(rows)


@torch.no_grad()
def measured(model: Model, sequences: Sequences, names: Iterable[str], budget: int) -> dict[str, Tensor]:
    """Quantities of many sequences under a model, without gradients, in micro-batches."""
    names = frozenset(names)
    out: dict[str, Tensor] = {}
    width = sequences.actions.shape[1]
    for rows in micro_batches(sequences.tokens, budget):
        for name, value in model.measure(sequences.select(rows), names).items():
            if name not in out:
                shape = (len(sequences), width) if value.dim() > 1 else (len(sequences),)
                out[name] = torch.zeros(shape, dtype=value.dtype)
            if value.dim() > 1:
                out[name][rows, : value.shape[1]] = value
            else:
                out[name][rows] = value
    return out


def attach_views(batch: Batch, names: Iterable[Name], views: Mapping[str, Model], budget: int) -> None:
    """Measure what is asked for under the bound views, on every side, and keep it with the sequences."""
    wanted: dict[tuple[str, str], set[str]] = {}
    for name in names:
        if name.view in views and name.quantity in views[name.view].measures:
            wanted.setdefault((name.side, name.view), set()).add(name.quantity)
    for (side, view), quantities in wanted.items():
        sequences = batch.sides[side]
        for quantity, value in measured(views[view], sequences, quantities, budget).items():
            sequences.quantities[f"{view}_{quantity}"] = value


def gather(batch: Batch, names: Iterable[Name], model: Model | None) -> dict[str, Tensor]:
    """The named tensors of a batch: what it holds, and, under ``model``, what is to be measured with gradients.

    Raises:
        InputError: something is needed that the batch does not hold and the model does not measure.
    """
    out: dict[str, Tensor] = {}
    to_measure: dict[str, set[str]] = {}
    for name in names:
        value = held(batch, name)
        if value is not None:
            out[str(name)] = value
        elif model is not None and not name.view and name.quantity in model.measures:
            to_measure.setdefault(name.side, set()).add(name.quantity)
    for side, quantities in to_measure.items():
        for quantity, value in model.measure(batch.sides[side], quantities).items():
            out[prefixed(side, quantity)] = value
    return out


def held(batch: Batch, name: Name) -> Tensor | None:
    """The tensor of that name that the batch already has, or None."""
    plain = str(Name(name.quantity, "", name.view, name.time))
    sequences = batch.sides.get(name.side)
    if sequences is not None:
        if plain == "mask":
            return sequences.mask
        if plain in ("action", "prompt_id"):
            return sequences.actions if plain == "action" else sequences.context
        if plain in sequences.quantities:
            return sequences.quantities[plain]
    return batch.quantities.get(str(name))


def require(names: Iterable[Name], available: Iterable[str], who: str) -> None:
    """Refuse what nothing can provide, before the first step.

    Raises:
        InputError: naming what is missing, and what there is.
    """
    available = set(available)
    missing = sorted(str(n) for n in names if str(n) not in available and str(n) not in ("mask", "group", "prompt_id", "action"))
    if missing:
        raise InputError(
            f"{who} needs {', '.join(missing)}, which neither the data nor a bound model provides (there is: {', '.join(sorted(available))})"
        )
