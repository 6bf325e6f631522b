"""The battery: texts that make no answer better, scored in an answer's place. How often they outscore the row's good answer and the answer that they were made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from guerdon.catalogue import parts_in, resolve
from guerdon.errors import InputError
from guerdon.interfaces.attacking.judging import Judge
from guerdon.interfaces.attacking.reading import Item
from guerdon.interfaces.benching.pairs import share
from guerdon.parts import needs
from guerdon.randomness import derive

ROOM = "evaluation.attacks"
WORST, OF_ONE = 12, 3  # rows that are shown, and how many of them may be of one attack


@dataclass(frozen=True)
class Tried:
    """A text in the place of the answer to an item. ``variant``: which text of the attack it is."""

    item: int
    variant: int
    text: str
    score: float


@dataclass(frozen=True)
class Plain:
    """What the answers to items are worth as they are, NaN where there is none, and by how much such scores differ."""

    good: np.ndarray
    own: np.ndarray

    @property
    def spread(self) -> float:
        both = np.concatenate([self.good, self.own])
        return float(np.std(both[np.isfinite(both)])) or 1.0


def plain_scores(items: Sequence[Item], judge: Judge) -> Plain:
    """The scores of good and own answers.

    Raises:
        InputError: no answer has one, and why.
    """
    found = {side: np.full(len(items), np.nan) for side in ("good", "own")}
    places = [(side, i) for side in found for i, item in enumerate(items) if getattr(item, side) is not None]
    scores = judge.scores([(items[i].row, items[i].prompt, getattr(items[i], side)) for side, i in places], "scoring answers")
    for (side, i), score in zip(places, scores, strict=True):
        found[side][i] = score
    if places and not np.isfinite(scores).any():
        why = next(iter(judge.failures), "it says nothing of them")
        raise InputError(f"{judge.place}: {judge.called} gives no number for any answer: {why}")
    return Plain(found["good"], found["own"])


def battery(items: Sequence[Item], judge: Judge, plain: Plain, seed: int) -> dict[str, Any]:
    """Every attack on every item."""
    texts = {
        "prompts": [item.asked for item in items],
        "answers": [item.said for item in items],
        "references": [item.reference for item in items],
    }
    halves = np.random.default_rng(derive(seed, "halves")).permutation(len(items)) % 2
    parts = {name: resolve(name, ROOM)() for name in parts_in(ROOM)}
    asked = {name: _asked(part, texts) for name, part in parts.items()}
    everything = [(items[i].row, items[i].prompt, items[i].with_text(text)) for own in asked.values() for i, _, text in own]
    scores = iter(judge.scores(everything, "attacking"))
    attacks, worst = [], []
    for name, part in parts.items():
        tried = [one for one in (Tried(i, v, text, float(next(scores))) for i, v, text in asked[name]) if np.isfinite(one.score)]
        if not tried:
            continue
        changes = "answers" in needs(part)
        head = {"name": name, "kind": part.kind, "changes_an_answer": changes, "not_scored": len(asked[name]) - len(tried)}
        attacks.append(head | _figures(tried, plain, halves, changes))
        worst += [_shown(one, head, items, plain) for one in tried]
    attacks.sort(key=lambda a: (-_rate(a["beats_good"]), -_rate(a["beats_own"]), -_known(a["change"])))
    both = np.isfinite(plain.good) & np.isfinite(plain.own)
    return {
        "items": len(items),
        "spread": plain.spread,
        "unattacked": share((plain.own[both] > plain.good[both]).astype(float)),
        "attacks": attacks,
        "worst": _worst(worst),
    }


def _asked(part: Any, texts: dict[str, list[str]]) -> list[tuple[int, int, str]]:
    """Every text of an attack, with the item in which it is tried and which of its texts it is."""
    variants = part(**{what: texts[what] for what in needs(part)})
    return [(i, v, text) for i, own in enumerate(variants) for v, text in enumerate(own)]


def _figures(tried: Sequence[Tried], plain: Plain, halves: np.ndarray, changes: bool) -> dict[str, Any]:
    """What comes of an attack. Which of its variants is used on one half of the items is chosen on the other, so that many variants win nothing by chance."""
    by = sorted({one.variant for one in tried})
    own = {v: _of_variant([one for one in tried if one.variant == v], plain, changes) for v in by}
    chosen: list[Tried] = []
    for half in (0, 1):
        others = {v: _of_variant([one for one in tried if one.variant == v and halves[one.item] != half], plain, changes) for v in by}
        best = max(by, key=lambda v: (_rate(others[v]["beats_good"]), _rate(others[v]["beats_own"]), _known(others[v]["change"])))
        chosen += [one for one in tried if one.variant == best and halves[one.item] == half]
    shown = {one.variant: one.text for one in reversed(tried)}
    variants = [{"text": shown[v], **own[v]} for v in by]
    return {**_of_variant(chosen, plain, changes), "variants": variants}


def _of_variant(tried: Sequence[Tried], plain: Plain, changes: bool) -> dict[str, Any]:
    """Shares above (and at) the good answer's score and above that of the answer that was changed, and the mean change in standard deviations: from that answer, or, where none was
    changed, from the good one."""
    score = np.array([one.score for one in tried])
    at = np.array([one.item for one in tried], dtype=int)
    good, own = plain.good[at], plain.own[at] if changes else np.full(len(at), np.nan)
    change = (score - (own if changes else good)) / plain.spread
    return {
        "beats_good": share((score > good)[np.isfinite(good)].astype(float)),
        "as_good": float(np.mean((score == good)[np.isfinite(good)])) if np.isfinite(good).any() else float("nan"),
        "beats_own": share((score > own)[np.isfinite(own)].astype(float)),
        "change": float(np.nanmean(change)) if np.isfinite(change).any() else float("nan"),
    }


def _shown(one: Tried, head: dict[str, Any], items: Sequence[Item], plain: Plain) -> dict[str, Any]:
    item, good, own = items[one.item], float(plain.good[one.item]), float(plain.own[one.item])
    than = good if np.isfinite(good) else own
    return {
        "row": item.number,
        "item": one.item,
        "attack": head["name"],
        "kind": head["kind"],
        "ahead": (one.score - than) / plain.spread,
        "prompt": item.prompt,
        "text": one.text,
        "score": one.score,
        "good": item.good,
        "good_score": good,
        "own": item.own,
        "own_score": own,
    }


def _worst(shown: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that are furthest ahead, each row once, and of no attack too many."""
    rows: set[int] = set()
    count: dict[str, int] = {}
    out: list[dict[str, Any]] = []
    for one in sorted((one for one in shown if one["ahead"] > 0), key=lambda one: -one["ahead"]):
        if one["item"] not in rows and count.get(one["attack"], 0) < OF_ONE and len(out) < WORST:
            rows.add(one["item"])
            count[one["attack"]] = count.get(one["attack"], 0) + 1
            out.append({name: value for name, value in one.items() if name != "item"})
    return out


def _rate(share: dict[str, float]) -> float:
    return _known(share["value"])


def _known(value: float) -> float:
    return value if np.isfinite(value) else -1.0
