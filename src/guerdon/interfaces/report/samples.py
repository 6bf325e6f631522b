"""Samples: completions as the page shows them, token by token with their probabilities."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from guerdon.interfaces.report.reading import Outcome, Record

SHOWN, EXTREMES = 6, 3  # held-out prompts shown in order; of those with the largest gain and loss
BROWSED_STEPS, BROWSED_EACH, BROWSED_TOKENS = 40, 16, 60_000

Decode = Callable[[int], str]


@dataclass(frozen=True)
class Token:
    """A token's text and how likely it was; None where that was not recorded."""

    text: str
    id: int
    logp: float | None

    @property
    def probability(self) -> float | None:
        return None if self.logp is None else math.exp(min(self.logp, 0.0))

    @property
    def heat(self) -> float:
        """0 where the token was certain, 1 where it was very unlikely: how strongly it is coloured."""
        return 0.0 if self.probability is None else round(1.0 - self.probability, 2)

    @property
    def title(self) -> str:
        if self.logp is None:
            return f"token {self.id}"
        return f"probability {self.probability:.3f} (log-probability {self.logp:.2f}), token {self.id}"


@dataclass(frozen=True)
class Sample:
    """One completion."""

    prompt: list[tuple[str, str]]  # role ("" for plain text) and text of each message
    text: list[tuple[str, str]]
    tokens: list[Token]
    reward: float | None
    components: dict[str, float]
    terminated: bool | None
    error: str | None


@dataclass(frozen=True)
class Pair:
    """The same held-out prompt before and after."""

    before: Sample
    after: Sample

    @property
    def gain(self) -> float:
        return (self.after.reward or 0.0) - (self.before.reward or 0.0)


@dataclass
class SideBySide:
    """Held-out prompts at the first and the last evaluation."""

    steps: tuple[int, int]
    total: int
    better: int
    worse: int
    in_order: list[Pair] = field(default_factory=list)
    gained: list[Pair] = field(default_factory=list)
    lost: list[Pair] = field(default_factory=list)


def side_by_side(record: Record, decode: Decode | None) -> SideBySide | None:
    """The first held-out prompts in their order, and those that gained and lost most: nothing is picked by hand."""
    steps = sorted(record.held_out)
    if len(steps) < 2:
        return None
    last = {outcome.prompt: outcome for outcome in record.held_out[steps[-1]]}
    both = [(outcome, last[outcome.prompt]) for outcome in record.held_out[steps[0]] if outcome.prompt in last]
    if not both:
        return None
    judged = [pair for pair in both if math.isfinite(_gain(pair))]
    ranked = sorted(judged, key=_gain)
    shown = SideBySide((steps[0], steps[-1]), len(both), sum(_gain(p) > 0 for p in judged), sum(_gain(p) < 0 for p in judged))
    shown.in_order = _pairs(record, both[:SHOWN], decode)
    rest = [pair for pair in ranked if pair not in both[:SHOWN]]
    shown.gained = _pairs(record, [p for p in reversed(rest) if _gain(p) > 0][:EXTREMES], decode)
    shown.lost = _pairs(record, [p for p in rest if _gain(p) < 0][:EXTREMES], decode)
    return shown


def browsed(record: Record, decode: Decode | None) -> dict[str, Any] | None:
    """Sampled completions by step for the page's browser: whole groups of evenly spaced steps, as many as stay readable."""
    steps = sorted(record.sampled)
    if not steps:
        return None
    chosen = (
        [steps[round(i * (len(steps) - 1) / max(BROWSED_STEPS - 1, 1))] for i in range(BROWSED_STEPS)]
        if len(steps) > BROWSED_STEPS
        else steps
    )
    found, words, vocabulary = [], 0, {}
    for step in sorted(set(chosen)):
        rows = record.rows(record.sampled[step][:BROWSED_EACH])
        samples = [sample(row, decode) for row in rows]
        words += sum(len(s.tokens) for s in samples)
        with_tokens = words <= BROWSED_TOKENS
        found.append({"step": step, "samples": [_compact(s, vocabulary, with_tokens) for s in samples]})
    total = sum(map(len, record.sampled.values()))
    return {"steps": found, "vocabulary": list(vocabulary), "shown": sum(len(step["samples"]) for step in found), "total": total}


def sample(row: dict[str, Any], decode: Decode | None) -> Sample:
    """A line of ``completions.jsonl``; fields that are missing or odd are left out."""
    ids = row.get("tokens") if isinstance(row.get("tokens"), list) else []
    logps = row.get("logp") if isinstance(row.get("logp"), list) else []
    logps = [*logps, *[None] * (len(ids) - len(logps))]
    tokens = [Token(decode(i) if decode else f"⟨{i}⟩", i, _number(p)) for i, p in zip(ids, logps, strict=False) if isinstance(i, int)]
    components = row.get("components") if isinstance(row.get("components"), dict) else {}
    valid = row.get("valid", True)
    return Sample(
        messages(row.get("prompt")),
        messages(row.get("completion")),
        tokens if decode else [],
        _number(row.get("reward")) if valid else None,
        {str(k): float(v) for k, v in components.items() if _number(v) is not None},
        row.get("terminated"),
        None if row.get("error") is None else str(row["error"]),
    )


def messages(text: Any) -> list[tuple[str, str]]:
    """A prompt or completion as role and text: plain text has the empty role."""
    if isinstance(text, list) and all(isinstance(m, dict) for m in text):
        return [(str(m.get("role", "")), str(m.get("content", ""))) for m in text]
    return [("", "" if text is None else str(text))]


def decoder(model: Path | None) -> Decode | None:
    """Single tokens → text, by the tokenizer saved with the model; None where there is none."""
    if model is None or not any((model / name).exists() for name in ("tokenizer.json", "tokenizer_config.json")):
        return None
    try:
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(model, local_files_only=True)
    except Exception:  # whatever is wrong with the folder, a report without token texts is better than none
        return None
    known: dict[int, str] = {}

    def decode(token: int) -> str:
        if token not in known:
            known[token] = _text(tokenizer, token)
        return known[token]

    return decode


def _text(tokenizer: Any, token: int) -> str:
    piece = tokenizer.convert_ids_to_tokens(token)
    if piece is None:
        return f"⟨{token}⟩"
    text = tokenizer.decode([token])
    if not text or "\ufffd" in text:
        return str(piece)
    return f" {text}" if piece.startswith("▁") and not text.startswith(" ") else text


def _gain(pair: tuple[Outcome, Outcome]) -> float:
    return pair[1].reward - pair[0].reward


def _pairs(record: Record, pairs: Sequence[tuple[Outcome, Outcome]], decode: Decode | None) -> list[Pair]:
    return [Pair(*(sample(row, decode) for row in record.rows(pair))) for pair in pairs]


def _compact(shown: Sample, vocabulary: dict[str, int], with_tokens: bool) -> dict[str, Any]:
    tokens = [[vocabulary.setdefault(t.text, len(vocabulary)), t.logp] for t in shown.tokens] if with_tokens else []
    return {
        "prompt": shown.prompt,
        "text": shown.text,
        "tokens": tokens,
        "reward": shown.reward,
        "components": shown.components,
        "cut": shown.terminated is False,
        "error": shown.error,
    }


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else None
