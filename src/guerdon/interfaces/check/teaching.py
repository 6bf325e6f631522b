"""What completions of some prompts tell of groups of any size: which would teach nothing, and what one that teaches costs.

    silent(G) = sum over values v of E[(rate of v at a prompt)^G]          a group is silent if all its rewards have one value

With two values of a reward the rates are of one of them. With more, those of the most frequent ones are told of one by one and the ends of their intervals
are added up, which makes the interval of the sum wider than it need be. Rewards that differ by rounding are one value, as for ``selection.zero_variance``.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from guerdon.evaluation.statistics import Estimate
from guerdon.evaluation.statistics.bootstrap_mean import BootstrapMean
from guerdon.evaluation.statistics.wilson import Wilson
from guerdon.evaluation.success_rates import success_rates
from guerdon.feedback.running import Scored
from guerdon.sequences import Sequences
from guerdon.thresholds import TOLERANCE

SIZES = (4, 8, 16, 32, 64)
_VALUES = 6


@dataclass(frozen=True)
class Judged:
    """Completions of some prompts: the reward that credit would read and whether each is right [B], both NaN where it cannot be said."""

    rollouts: Sequences
    reward: Tensor
    right: Tensor
    scored: Scored


@dataclass
class Drawn:
    """Completions of ``rows`` at one temperature; ``prompt`` [B] says which of these rows each answers."""

    temperature: float
    limit: int
    rows: list[int] = field(default_factory=list)
    prompt_tokens: list[int] = field(default_factory=list)
    prompt: Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.long))
    reward: Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.float64))
    right: Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.float64))
    length: Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.long))
    ended: Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.bool))
    components: dict[str, Tensor] = field(default_factory=dict)
    error: str | None = None

    def add(self, rows: Sequence[int], judged: Judged) -> None:
        """Completions of further rows."""
        drawn = judged.rollouts
        self.prompt = torch.cat([self.prompt, drawn.context + len(self.rows)])
        self.rows += rows
        self.prompt_tokens += [len(context) for context in drawn.contexts]
        self.reward, self.right = torch.cat([self.reward, judged.reward]), torch.cat([self.right, judged.right])
        self.length, self.ended = torch.cat([self.length, drawn.length]), torch.cat([self.ended, drawn.quantities["terminated"]])
        for name, values in judged.scored.components.items():
            self.components[name] = torch.cat([self.components.get(name, values[:0]), values])
        self.error = self.error or next((error for error in judged.scored.errors if error), None)

    def counts(self, right: Tensor) -> tuple[np.ndarray, np.ndarray]:
        """Of every prompt with a verdict: how many completions are right, of how many."""
        known = ~right.isnan()
        of = torch.bincount(self.prompt[known], minlength=len(self.rows)).numpy()
        count = torch.bincount(self.prompt[known], right[known], minlength=len(self.rows)).round().long().numpy()
        return count[of > 0], of[of > 0]

    def means(self, values: Tensor) -> np.ndarray:
        """Of every prompt with a value: the mean of its completions."""
        known = ~values.isnan()
        of = torch.bincount(self.prompt[known], minlength=len(self.rows)).numpy()
        total = torch.bincount(self.prompt[known], values[known].double(), minlength=len(self.rows)).numpy()
        return total[of > 0] / of[of > 0]

    def each(self) -> list[dict[str, Any]]:
        """By prompt: its row, how many are right of how many, and the rewards."""
        out = []
        for place, row in enumerate(self.rows):
            own = (self.prompt == place) & ~self.reward.isnan()
            right = self.right[own]
            rewards = self.reward[own].tolist()
            out.append({"row": row, "right": int(right.nansum()), "of": int((~right.isnan()).sum()), "rewards": rewards})
        return out

    def of(self, places: Sequence[int]) -> "Drawn":
        """The same of some of the prompts."""
        new = torch.full((len(self.rows),), -1)
        new[list(places)] = torch.arange(len(places))
        keep = new[self.prompt] >= 0
        return Drawn(
            self.temperature,
            self.limit,
            [self.rows[i] for i in places],
            [self.prompt_tokens[i] for i in places],
            new[self.prompt[keep]],
            self.reward[keep],
            self.right[keep],
            self.length[keep],
            self.ended[keep],
            {name: values[keep] for name, values in self.components.items()},
        )


def silence(drawn: Drawn, values: Tensor | None = None) -> Callable[[int], Estimate]:
    """The share of groups of any size whose rewards (or whose ``values``) are all alike."""
    values = drawn.reward if values is None else values.double()
    known = values[~values.isnan()]
    if not len(known):
        return lambda size: Estimate(1.0, 0.0, 1.0)
    step = TOLERANCE * max(1.0, float(known.abs().max()))
    level = torch.where(values.isnan(), torch.nan, (values / step).round())
    levels = [value for value, _ in Counter(level[~level.isnan()].tolist()).most_common(_VALUES + 1)]
    rates = [success_rates(*drawn.counts(torch.where(level.isnan(), torch.nan, (level == value).double()))) for value in levels[:_VALUES]]
    if len(levels) <= 2:
        return rates[0].silent

    def alike(size: int) -> Estimate:
        parts = [rate.solved(size) for rate in rates]
        return Estimate(*(min(1.0, sum(ends)) for ends in zip(*parts, strict=True)))

    return alike


def measured(drawn: Drawn, size: int) -> dict[str, Any]:
    """Everything that is said of one temperature, as plain data, for groups of ``SIZES`` and of ``size``."""
    sizes = sorted({*SIZES, size})
    right, of = drawn.counts(drawn.right)
    rates = success_rates(right, of)
    alike, prompt = silence(drawn), float(np.mean(drawn.prompt_tokens))
    length = float(drawn.length.double().mean())
    silent = {size: alike(size) for size in sizes}
    cut = drawn.means((~drawn.ended).double())
    rights = drawn.length[drawn.right == 1]
    return {
        "temperature": drawn.temperature,
        "right": plain(rates.solved()),
        "right_count": int(right.sum()),
        "judged": int(of.sum()),
        "never": int((right == 0).sum()),
        "always": int((right == of).sum()),
        "between": int(((right > 0) & (right < of)).sum()),
        "histogram": _histogram(right, of),
        "reward": plain(BootstrapMean()(drawn.means(drawn.reward))),
        "values": len(torch.unique(drawn.reward[~drawn.reward.isnan()])),
        "reward_histogram": _spread(drawn.means(drawn.reward)),
        "silent": {str(size): plain(silent[size]) for size in sizes},
        "tokens_for_one_that_teaches": {str(size): _cost(prompt + size * length, silent[size]) for size in sizes},
        "silent_by_component": {name: plain(silence(drawn, values)(size)) for name, values in drawn.components.items()},
        "prompt_tokens": prompt,
        "length": {
            "mean": length,
            "median": float(drawn.length.double().median()),
            "longest": int(drawn.length.max()),
            "limit": drawn.limit,
            "cut_off": plain(Wilson()(cut)),
            "right": len(rights),
            "right_95": float(rights.double().quantile(0.95)) if len(rights) else None,
            "longest_right": int(rights.max()) if len(rights) else None,
        },
        "failed": int(drawn.reward.isnan().sum()),
    }


def plain(estimate: Estimate) -> dict[str, float]:
    """An estimate as a program reads it."""
    return {name: float(value) for name, value in estimate._asdict().items()}


def _cost(tokens: float, silent: Estimate) -> dict[str, float]:
    """Tokens for a group that teaches; infinite where none might."""
    value, low, high = (tokens / (1.0 - share) if share < 1.0 - 1e-9 else float("inf") for share in silent)
    return {"value": value, "low": low, "high": high}


def _histogram(right: np.ndarray, of: np.ndarray) -> list[dict[str, Any]]:
    """How many prompts had so many right completions; where their numbers differ, by eighths of the share."""
    if len(set(of.tolist())) == 1:
        most = int(of[0])
        return [{"of": f"{k}/{most}", "prompts": int((right == k).sum())} for k in range(most + 1)]
    place = np.minimum((right / of * 8).astype(int), 7)
    return [{"of": f"{k / 8:.0%} to {(k + 1) / 8:.0%}", "prompts": int((place == k).sum())} for k in range(8)]


def _spread(means: np.ndarray) -> list[dict[str, Any]]:
    """How many prompts had such a mean reward, in eight steps from the lowest to the highest."""
    low, high = float(means.min()), float(means.max())
    if high <= low:
        return [{"of": f"{low:.3g}", "prompts": len(means)}]
    counts, edges = np.histogram(means, 8, (low, high))
    return [{"of": f"{a:.3g} to {b:.3g}", "prompts": int(n)} for n, a, b in zip(counts, edges[:-1], edges[1:], strict=True)]
