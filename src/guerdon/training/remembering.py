"""Remembering: what a frozen model says of rows that come again is measured once, in this run and in later ones.

A reference that does not move gives a row of a fixed dataset the same log-probabilities in every epoch, at every evaluation, and in every run that
starts from the same weights. They are kept in a file whose name is a hash of the weights, their configuration and number format, and of this library's
code; each under a hash of the row.

Source: ours; TRL's ``precompute_ref_log_probs`` does it for one run, before the run.
"""

import contextlib
import hashlib
import sqlite3
from collections.abc import Set
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from guerdon.models import Model
from guerdon.models.language.four_bits import scales
from guerdon.models.language.policy import AdaptersOff
from guerdon.sequences import Sequences
from guerdon.training.stages import source_digest

QUANTITIES = frozenset({"logp", "score"})


class Remembering:
    """A frozen model that measures no row twice. Where the folder cannot be written it remembers for as long as it lives.

    Attributes:
        measured: how many rows it had to measure.
    """

    def __init__(self, model: Model, folder: Path):
        self.model, self.module, self.measures = model, model.module, model.measures
        self.packed, self.compares = getattr(model, "packed", False), getattr(model, "compares", frozenset())
        self.measured = 0
        self._known = _file(folder / f"{fingerprint(model)}.sqlite")

    def measure(self, sequences: Sequences, names: Set[str]) -> dict[str, Tensor]:
        """As the model does; without gradients."""
        if not names <= QUANTITIES:
            return self.model.measure(sequences, names)
        return {name: self._one(sequences, name) for name in names}

    def next_steps(self, sequences: Sequences) -> Any:
        """As the model's, which are too large to be remembered."""
        return self.model.next_steps(sequences)

    def _one(self, sequences: Sequences, name: str) -> Tensor:
        keys = [_key(sequences, row, name) for row in range(len(sequences))]
        found = dict(self._known.execute(f"SELECT key, value FROM measured WHERE key IN ({','.join('?' * len(keys))})", keys))
        missing = [row for row, key in enumerate(keys) if key not in found]
        if missing:
            some = sequences.select(torch.tensor(missing))
            with torch.no_grad():
                values = self.model.measure(some, {name})[name].cpu().double()  # wherever others leave theirs
            for row, value in zip(missing, values, strict=True):
                own = value[: int(sequences.length[row])] if value.dim() else value
                found[keys[row]] = own.numpy().tobytes()
            self.measured += len(missing)
            with contextlib.suppress(sqlite3.Error), self._known:  # a full disk costs time, not the run
                self._known.executemany("INSERT OR REPLACE INTO measured VALUES (?, ?)", [(keys[row], found[keys[row]]) for row in missing])
        rows = [torch.frombuffer(bytearray(found[key]), dtype=torch.float64).float() if found[key] else torch.zeros(0) for key in keys]
        if name == "score":
            return torch.cat(rows)
        out = torch.zeros(sequences.actions.shape)
        for row, value in enumerate(rows):
            out[row, : len(value)] = value
        return out

    def save(self, folder: Path, merge: bool = True) -> None:
        self.model.save(folder, merge)


def fingerprint(model: Model) -> str:
    """A hash of what decides what the model says: weights, configuration, number format, code. Adapters that are switched off do not count."""
    digest = hashlib.blake2b(digest_size=16)
    off = isinstance(model, AdaptersOff)
    about = (getattr(model, "dtype", None), getattr(model.module, "config", None), torch.__version__, source_digest())
    digest.update(repr(about).encode())
    for name, parameter in sorted(model.module.named_parameters()):
        if off and "lora_" in name:
            continue
        digest.update(f"{name} {parameter.dtype} {tuple(parameter.shape)}".encode())
        for part in (parameter, *scales(parameter)):
            digest.update(part.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _key(sequences: Sequences, row: int, name: str) -> bytes:
    length = int(sequences.length[row])
    digest = hashlib.blake2b(f"{name} {sequences.temperature}".encode(), digest_size=16)
    for part in (sequences.contexts[int(sequences.context[row])], sequences.actions[row, :length], sequences.mask[row, :length]):
        digest.update(part.numpy().tobytes() + b"|")
    return digest.digest()


def _file(path: Path) -> sqlite3.Connection:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        found = sqlite3.connect(path, timeout=60)
        found.execute("CREATE TABLE IF NOT EXISTS measured (key BLOB PRIMARY KEY, value BLOB)")
    except (OSError, sqlite3.Error):
        found = sqlite3.connect(":memory:")
        found.execute("CREATE TABLE IF NOT EXISTS measured (key BLOB PRIMARY KEY, value BLOB)")
    return found
