"""Lengths: how long completions are of which only the mean and the longest are known.

    length = min(shortest + Exponential(rate), longest),     rate such that the mean is as stated

the law of a completion that ends with the same probability at every token and is cut off at the longest. Its quantiles stand for a sample, so that nothing is
drawn: of n completions the i-th is as long as the share (i + 1/2) / n says.

Source: ours. A longer tail than this one's (a few completions many times as long as the others) makes a step that waits for the last of them slower than is computed
here.
"""

import math


def spread(count: int, mean: float, longest: float, shortest: float = 1.0) -> list[float]:
    """So many lengths, the shortest first."""
    if not shortest <= mean <= longest:
        raise ValueError(f"the mean {mean} does not lie between the shortest {shortest} and the longest {longest}")
    scale = _scale(mean - shortest, longest - shortest)
    return [min(longest, shortest - scale * math.log1p(-(i + 0.5) / count)) if math.isfinite(scale) else longest for i in range(count)]


def _scale(mean: float, longest: float) -> float:
    """1 / rate of the exponential that has this mean when it is cut off: scale * (1 - exp(-longest / scale)) = mean."""
    if mean >= longest:
        return math.inf
    if mean <= 0:
        return 0.0
    low, high = mean, mean
    while high * -math.expm1(-longest / high) < mean * (1 - 1e-12) and high < 1e9 * longest:
        high *= 2
    for _ in range(100):
        middle = (low + high) / 2
        if middle * -math.expm1(-longest / middle) < mean:
            low = middle
        else:
            high = middle
    return high


def dealt(lengths: list[float], count: int, middle: bool = False) -> list[float]:
    """What a card draws that has so many of these, which come shortest first: the card with the longest of every share, or the ``middle`` one."""
    places, total = [], len(lengths)
    for i in range(count):
        first, last = i * total // count, (i + 1) * total // count - 1  # of a share, the longest first
        places.append((first + last) // 2 if middle else first)
    return [lengths[total - 1 - place] for place in reversed(places)]
