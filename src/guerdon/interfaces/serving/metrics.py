"""Metrics: what is counted of a server, in Prometheus' text format (version 0.0.4)."""

import bisect
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
TOKENS = (64, 256, 1024, 4096, 16384, 65536)


@dataclass
class Counter:
    """How often something was, by labels."""

    name: str
    about: str
    values: dict[tuple[tuple[str, str], ...], float] = field(default_factory=dict)

    def add(self, value: float = 1.0, **labels: str) -> None:
        key = tuple(labels.items())
        self.values[key] = self.values.get(key, 0.0) + value

    def lines(self) -> Iterator[str]:
        yield from _head(self.name, self.about, "counter")
        for labels, value in sorted(self.values.items()):
            yield f"{self.name}{_labelled(dict(labels))} {value:.10g}"


@dataclass
class Histogram:
    """How often a value was at most each of the bounds."""

    name: str
    about: str
    bounds: tuple[float, ...]
    counts: list[int] = field(default_factory=list)
    total: float = 0.0

    def __post_init__(self) -> None:
        self.counts = [0] * (len(self.bounds) + 1)

    def add(self, value: float) -> None:
        self.counts[bisect.bisect_left(self.bounds, value)] += 1
        self.total += value

    def lines(self) -> Iterator[str]:
        yield from _head(self.name, self.about, "histogram")
        below = 0
        for bound, count in zip((*map("{:g}".format, self.bounds), "+Inf"), self.counts, strict=True):
            below += count
            yield f'{self.name}_bucket{{le="{bound}"}} {below}'
        yield f"{self.name}_sum {self.total:.10g}"
        yield f"{self.name}_count {below}"


class Metrics:
    """What is counted. ``gauges``: by name, what it is about and what it is now."""

    def __init__(self, gauges: Mapping[str, tuple[str, Callable[[], float]]] | None = None):
        self._lock, self.gauges = threading.Lock(), dict(gauges or {})
        self.requests = Counter("guerdon_requests_total", "Requests, by the shape in which they were asked and what came of them")
        self.texts = Counter("guerdon_texts_total", "Texts that were scored")
        self.tokens = Counter("guerdon_tokens_total", "Tokens of the texts that were scored")
        self.busy = Counter("guerdon_scoring_seconds_total", "Seconds in which the model computed")
        self.seconds = Histogram(
            "guerdon_request_seconds", "Seconds from the arrival of a request that was answered to its answer", SECONDS
        )
        self.sizes = Histogram("guerdon_batch_texts", "Texts that were scored together", SIZES)
        self.widths = Histogram("guerdon_batch_tokens", "Tokens that were scored together", TOKENS)

    def request(self, shape: str, outcome: str, seconds: float) -> None:
        with self._lock:
            self.requests.add(shape=shape, outcome=outcome)
            if outcome == "answered":
                self.seconds.add(seconds)

    def batch(self, texts: int, tokens: int, seconds: float) -> None:
        with self._lock:
            self.texts.add(texts)
            self.tokens.add(tokens)
            self.busy.add(seconds)
            self.sizes.add(texts)
            self.widths.add(tokens)

    def text(self) -> str:
        """All of them as Prometheus reads them."""
        with self._lock:
            kinds = (self.requests, self.texts, self.tokens, self.busy, self.seconds, self.sizes, self.widths)
            lines = [line for kind in kinds for line in kind.lines()]
        for name, (about, now) in self.gauges.items():
            lines += [*_head(name, about, "gauge"), f"{name} {now():.10g}"]
        return "\n".join(lines) + "\n"


def _head(name: str, about: str, kind: str) -> Iterator[str]:
    yield f"# HELP {name} {about}"
    yield f"# TYPE {name} {kind}"


def _labelled(labels: Mapping[str, str]) -> str:
    own = ",".join(f'{key}="{value}"' for key, value in labels.items())
    return f"{{{own}}}" if own else ""
