"""The generators of the ``reasoning-gym`` package by name; apart from the task, so that a process that only judges need not import torch."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from guerdon.catalogue import unknown
from guerdon.errors import InputError


def create(name: str, config: Mapping[str, Any], size: int, seed: int) -> Any:
    """The generator called ``name``.

    Raises:
        InputError: the package is not there, or has no such generator, or the generator no such setting.
    """
    generators = names()
    if name not in generators:
        raise InputError(unknown("reasoning-gym generator", name, list(generators)))
    import reasoning_gym

    try:
        return reasoning_gym.create_dataset(name, size=size, seed=seed, **config)
    except (TypeError, ValueError, AssertionError) as error:
        raise InputError(
            f"the reasoning-gym generator {name!r} refuses its settings {dict(config)} for {size} rows (train, test and spare ones): {error}"
        ) from error


@lru_cache(maxsize=1)
def names() -> tuple[str, ...]:
    """The names of every generator."""
    try:
        from reasoning_gym.factory import DATASETS
    except ModuleNotFoundError as error:
        raise InputError("reasoning-gym tasks need the extra 'gym': install guerdon[gym]") from error
    return tuple(sorted(DATASETS))
