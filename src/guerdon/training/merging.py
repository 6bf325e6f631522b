"""Merging of models: one model whose parameters are made of those of several that began alike."""

import copy
from collections.abc import Sequence
from typing import Any

import torch

from guerdon.errors import InputError
from guerdon.models.merging import Merging
from guerdon.models.merging.linear import Linear


@torch.no_grad()
def merged(models: Sequence[Any], merging: Merging = Linear()) -> Any:
    """A copy of the first model with merged parameters; the models stay as they are.

    Raises:
        InputError: there are fewer than two, or they have other parameters.
    """
    if len(models) < 2:
        raise InputError(f"two models or more are merged, not {len(models)}")
    there = [dict(model.module.named_parameters()) for model in models]
    shapes = [{name: tuple(x.shape) for name, x in own.items()} for own in there]
    for place, own in enumerate(shapes[1:], 2):
        if own != shapes[0]:
            name = next(name for name in [*shapes[0], *own] if own.get(name) != shapes[0].get(name))
            raise InputError(
                f"model {place} of the merge has {name} of shape {own.get(name, 'none')}, the first of shape {shapes[0].get(name, 'none')}; merge "
                "models that began as one"
            )
    out = copy.deepcopy(models[0])
    for name, parameter in out.module.named_parameters():
        parameter.copy_(merging([own[name].to(parameter.device) for own in there]))
    return out
