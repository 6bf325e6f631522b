"""Tokens: the texts of a rollout's tokens, and what was known of each, as the page colours them.

A row of ``completions.jsonl`` says the tokens and their log-probabilities; a line of ``tokens.jsonl`` (``training.token_values``), where its step has one, their texts
and everything else. Without one the texts are those of the tokenizer that was saved with the run's newest model."""

import math
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from guerdon.interfaces.report.samples import decoder
from guerdon.interfaces.viewing.index import Index
from guerdon.quantities import GLOSSARY, Name
from guerdon.training.token_values import unpacked

SIGNED, BELOW, RANGE = "signed", "below", "range"  # coloured by the sign; by how far below 0; from the lowest to the highest
_SCALES = {"logp": BELOW, "advantage": SIGNED, "step_reward": SIGNED, "turn_reward": SIGNED, "value": RANGE, "target": RANGE, "kl": SIGNED}
_LABELS = {"old_logp": "log-probability", "step_reward": "reward", "old_value": "value", "target": "target of the value", "terminated": ""}
_FIRST = ("old_logp", "advantage", "step_reward", "old_value", "target")
_HIDDEN = frozenset({"mask", "node", "segment", "turn", "attempt", "agent", "proximal_logp"})  # they cut a sequence, or repeat


class Tokens:
    """Of one run."""

    def __init__(self, index: Index):
        self.index = index

    def __call__(self, row: Mapping[str, Any], place: int) -> dict[str, Any]:
        """{"texts", "ids", "acted", "quantities": [{"name", "label", "scale", "meaning", "values"}]} of a row; without any tokens, nothing."""
        ids = [token for token in row.get("tokens") or () if isinstance(token, int)]
        if not ids:
            return {}
        vocabulary, values = self._recorded(row["step"], place, len(ids)) if row.get("split") != "test" else ({}, {})
        values = {"old_logp": _listed(row.get("logp"), len(ids)), **values}
        acted = values.pop("mask", None) or _unfolded(row.get("mask"), len(ids))
        return {
            "ids": ids,
            "texts": self.texts(ids, vocabulary),
            "acted": None if acted is None else [bool(x) for x in acted],
            "quantities": [shown for name in _ordered(values) if (shown := _shown(name, values)) is not None],
        }

    def texts(self, ids: list[int], vocabulary: Mapping[str, str]) -> list[str]:
        """The text of each token; its number where nobody knows it."""
        if not vocabulary and self._decode is not None:
            return [self._decode(token) for token in ids]
        return [vocabulary.get(str(token), f"⟨{token}⟩") for token in ids]

    def vocabulary(self, step: int) -> Mapping[str, str]:
        """The texts of a step's tokens, by their number."""
        return self._line(step).get("vocabulary") or {}

    @cached_property
    def _decode(self) -> Callable[[int], str] | None:
        folder = self.index.folder
        found = [folder / "model", *sorted(folder.glob("checkpoints/step-*/model"), reverse=True)]
        return decoder(next((path for path in found if path.is_dir()), Path()))

    def _line(self, step: int) -> dict[str, Any]:
        found = self.index.db.execute("select start from tokens where step = ?", (step,)).fetchone()
        line = {} if found is None else self.index.row(found[0], "tokens.jsonl")
        return line if line.get("step") == step else {}

    def _recorded(self, step: int, place: int, length: int) -> tuple[Mapping[str, str], dict[str, list[float | None]]]:
        line = self._line(step)
        try:
            which = line["place"].index(place)
            first = sum(line["length"][:which])
            if line["length"][which] != length:
                return {}, {}
            cut = {name: unpacked(text)[first : first + length] for name, text in line["values"].items()}
            return line.get("vocabulary") or {}, {name: _listed(values, length) for name, values in cut.items() if len(values) == length}
        except (KeyError, ValueError, TypeError, AttributeError):
            return {}, {}


def _shown(name: str, values: Mapping[str, list[float | None]]) -> dict[str, Any] | None:
    own, parsed = values[name], Name.parse(name)
    scale, label = _SCALES.get(parsed.quantity, RANGE), _LABELS.get(name, name.replace("_", " "))
    meaning = GLOSSARY[parsed.quantity].meaning if parsed.known else ""
    if parsed.quantity == "logp" and parsed.view not in ("", "old"):
        own, scale, label = _less(values.get("old_logp"), own), SIGNED, f"KL to {parsed.view}"
        meaning = f"log-probability when it was drawn less that of {parsed.view}, whose mean is the KL divergence"
    if name in _HIDDEN or own is None or all(x is None for x in own):
        return None
    return {"name": name, "label": label, "scale": scale, "meaning": meaning, "values": own}


def _less(first: list[float | None] | None, second: list[float | None] | None) -> list[float | None] | None:
    if first is None or second is None:
        return None
    return [None if a is None or b is None else round(a - b, 5) for a, b in zip(first, second, strict=True)]


def _ordered(values: Mapping[str, Any]) -> list[str]:
    return sorted(values, key=lambda name: (_FIRST.index(name) if name in _FIRST else len(_FIRST), name))


def _listed(values: Any, length: int) -> list[float | None] | None:
    """Numbers of as many tokens; None where there are none."""
    if not isinstance(values, list | np.ndarray) or len(values) != length:
        return None
    return [_number(value) for value in values]


def _number(value: Any) -> float | None:
    good = isinstance(value, int | float | np.number) and math.isfinite(value)
    return float(f"{float(value):.5g}") if good else None


def _unfolded(pieces: Any, length: int) -> list[Any] | None:
    """What was written in pieces, a value for each token."""
    try:
        found = [value for value, count in pieces for _ in range(min(count, length + 1))]
    except (TypeError, ValueError):
        return None
    return found if len(found) == length else None
