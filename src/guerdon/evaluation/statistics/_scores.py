"""The shape that statistics of runs × tasks work on."""

import numpy as np

from guerdon.errors import InputError


def runs_by_tasks(values) -> np.ndarray:
    """[..., R, M]: runs × tasks, leading axes free; a plain list is the runs of one task."""
    values = np.asarray(values, dtype=float)
    values = values[:, None] if values.ndim == 1 else values
    if values.ndim < 2 or not values.size or not np.isfinite(values).all():
        raise InputError(f"scores are finite numbers, runs x tasks, at least one of each; these have the shape {values.shape}")
    return values
