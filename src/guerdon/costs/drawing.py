"""Drawing: seconds of sampling with a cache.

    prompts    operations of their pass / learning rate
    a token    launch * layers + max(operations / drawing rate, weights / reading rate) + cache / reading rate

A decoding step reads every weight that its rows meet once, whatever their number, and every row its own cache. A row leaves when its completion has ended; where not all
rows fit into memory at once (``most``) the next one takes its place. The step before the longest completion ends has few rows left, costs what reading the weights costs,
and is what makes everybody wait: the straggler.
"""

import heapq
from collections.abc import Sequence

from guerdon.costs.arithmetic import Shape, group, total
from guerdon.costs.machine import Machine


def prefill_s(shape: Shape, prompts: int, prompt: float, machine: Machine) -> float:
    """Seconds until so many prompts, each of so many tokens, have been read."""
    work = total([group(round(prompt), [])] * prompts)
    return shape.forward(work, adapted=bool(shape.lora)) / machine.learning + shape.layers * machine.launch


def decoding_s(
    shape: Shape, prompt: float, lengths: Sequence[float], machine: Machine, number_bytes: int = 2, most: float = float("inf")
) -> float:
    """Seconds until completions of these lengths have been drawn, all of them at once or ``most`` at a time.

    Args:
        prompt: tokens that each of them sees before its first.
        number_bytes: bytes of a weight, and of a number in the cache.
    """
    waiting = sorted(lengths)  # the longest first into memory: they are the last to leave
    rows: list[tuple[float, float]] = []  # (the step at which a row leaves, that at which it came)
    now, began, seconds = 0.0, 0.0, 0.0
    most = max(1, int(min(most, len(waiting))))
    while waiting or rows:
        while waiting and len(rows) < most:
            heapq.heappush(rows, (now + waiting.pop(), now))
            began += now
        until = rows[0][0]
        seen = len(rows) * (prompt + (now + until) / 2) - began  # of all rows, in the middle of these steps
        seconds += (until - now) * _token_s(shape, len(rows), seen, machine, number_bytes)
        now = until
        while rows and rows[0][0] <= now:
            began -= heapq.heappop(rows)[1]
    return seconds


def _token_s(shape: Shape, rows: int, seen: float, machine: Machine, number_bytes: int) -> float:
    """Seconds of one decoding step of so many rows that see so many tokens together."""
    operations = 2 * rows * (shape.per_token + shape.hidden * shape.vocabulary) + 4 * shape.layers * shape.heads * shape.head_size * seen
    weights, cache = number_bytes * shape.met(rows), number_bytes * shape.cached * seen
    return shape.layers * machine.launch + max(operations / machine.drawing, weights / machine.reading) + cache / machine.reading
