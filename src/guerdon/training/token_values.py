"""Token values: the lines of ``tokens.jsonl``, in which a run keeps what was known of each token once credit had been given.

A line is a step's. ``place`` and ``length`` [R] say which completions it holds (``place`` as in ``completions.jsonl``) and of how many steps; what follows is one row of numbers
for all of them, one completion after the other:

    values      by the quantity's name, every quantity [B, T] that was there: ``old_logp``, ``advantage``, ``step_reward``, ``old_value``, ``ref_logp`` ... as whatever part
                needed it; nothing is measured for this file
    vocabulary  the text of every token that occurs, by its number; empty where actions have no texts

Numbers are packed: ``TYPE:`` and base64 of zlib of the little-endian numbers, floats of two bytes (about three digits) where they are in their range. A step's line
holds whole groups, the first of them, up to ``MOST`` tokens; a part of one only where that is the first.
"""

import base64
import zlib
from typing import Any

import numpy as np
import torch
from torch import Tensor

from guerdon.models import Policy
from guerdon.processes import here
from guerdon.quantities import by_step
from guerdon.sequences import Sequences
from guerdon.training.recipe import Budget
from guerdon.training.run import Run

MOST = 16_384  # tokens of a step
_LEFT_OUT = frozenset({"action", "fed"})  # they are in completions.jsonl, or are no numbers of a token


class TokenValues:
    """Writes them for the steps whose completions are logged, where ``budget.log_tokens_every`` says so."""

    def __init__(self, run: Run | None, policy: Policy, budget: Budget):
        self.run, self.policy, self.budget = run, policy, budget
        self.texts: dict[int, str] = {}

    def __call__(self, step: int, rollouts: Sequences) -> None:
        every = self.budget.log_tokens_every
        if self.run is None or not every or step % every or step % self.budget.log_completions_every or not here().first:
            return
        rows = chosen(rollouts)
        if len(rows):
            self.run.tokens(step, self._line(rollouts, rows))

    def _line(self, rollouts: Sequences, rows: Tensor) -> dict[str, Any]:
        length, width = rollouts.length[rows], rollouts.actions.shape[1]
        inside = torch.arange(width) < length.unsqueeze(-1)
        values = {"mask": rollouts.mask, **rollouts.quantities}
        found = {
            name: packed(_numbers(value[rows][inside]))
            for name, value in values.items()
            if name not in _LEFT_OUT and value.shape == rollouts.mask.shape and by_step(name, value)
        }
        if bool(rollouts.mask[rows][inside].all()):
            del found["mask"]
        tokens = torch.unique(rollouts.actions[rows][inside]).tolist()
        return {
            "place": rollouts.quantities["shown"][rows].tolist(),
            "length": length.tolist(),
            "vocabulary": self._vocabulary(tokens),
            "values": found,
        }

    def _vocabulary(self, tokens: list[int]) -> dict[int, str]:
        read = getattr(self.policy, "token_text", None)
        if read is None:
            return {}
        new = [token for token in tokens if token not in self.texts]
        self.texts.update(zip(new, read(new), strict=True))
        return {token: self.texts[token] for token in tokens}


def chosen(rollouts: Sequences, most: int = MOST) -> Tensor:
    """The rows that a step's line holds; none that is replayed, since its line was written when it was drawn."""
    rows = torch.arange(len(rollouts))
    if "replayed" in rollouts.quantities:
        rows = rows[rollouts.quantities["replayed"] == 0]
    if not len(rows):
        return rows
    group = rollouts.quantities["group"][rows]
    fits = rollouts.length[rows].cumsum(0) <= most
    fits[0] = True
    if not fits.all():
        cut = group[~fits][0]
        if (group[fits] != cut).any():
            fits &= group != cut
    return rows[fits]


def _numbers(values: Tensor) -> np.ndarray:
    values = values.detach().cpu()
    return (values.float() if values.is_floating_point() else values).numpy()


def packed(values: np.ndarray) -> str:
    """Numbers as a text."""
    if values.dtype == bool:
        kind = "u1"
    elif values.dtype.kind in "iu":
        kind = "<i4"
    else:
        finite = values[np.isfinite(values)]
        kind = "<f2" if not len(finite) or np.abs(finite).max() < np.finfo("f2").max else "<f4"
    return f"{kind}:{base64.b64encode(zlib.compress(values.astype(kind).tobytes(), 1)).decode()}"


def unpacked(text: str) -> np.ndarray:
    """The numbers of a text.

    Raises:
        ValueError: the text holds none.
    """
    kind, _, data = text.partition(":")
    if kind not in ("u1", "<i4", "<f2", "<f4"):
        raise ValueError(f"numbers of the type {kind!r}")
    try:
        return np.frombuffer(zlib.decompress(base64.b64decode(data)), kind)
    except zlib.error as error:
        raise ValueError(str(error)) from error
