"""The machine's rate of matrix products at a model's shapes: what the share of the needed arithmetic is measured against."""

import time

from guerdon.costs.arithmetic import Shape

ROWS = {"cpu": 2048, "cuda": 8192}
SECONDS = {"cpu": 0.4, "cuda": 0.1}
AT_ONCE = {"cpu": 1, "cuda": 4}  # products between two looks at the clock: a GPU is waited for, which takes as long as a small product


def measured(shape: Shape, device: str = "cpu") -> dict[str, float]:
    """Operations per second in each precision: the model's matrices in the proportion in which a token meets them, results written into memory
    that is there already, each at its fastest of repeated products."""
    import torch

    rows = ROWS[device]
    products = [(i, o, shape.layers) for i, o in shape.matrices] + [(shape.hidden, shape.vocabulary, 1)]
    rates = {}
    for name, dtype in {"bf16": torch.bfloat16, "fp32": torch.float32}.items():
        seconds, fastest = 0.0, {}
        for i, o, times in products:
            if (i, o) not in fastest:
                fastest[i, o] = _fastest(torch, i, o, dtype, device)
            seconds += times * fastest[i, o]
        rates[name] = 2 * rows * sum(i * o * times for i, o, times in products) / seconds
    return rates


def _fastest(torch, i: int, o: int, dtype, device: str) -> float:
    rows, at_once = ROWS[device], AT_ONCE[device]
    a, b = torch.randn(rows, i, device=device).to(dtype), torch.randn(i, o, device=device).to(dtype)
    out = torch.empty(rows, o, dtype=dtype, device=device)
    best, until = float("inf"), time.perf_counter() + SECONDS[device]
    while time.perf_counter() < until or best == float("inf"):
        begun = time.perf_counter()
        for _ in range(at_once):
            torch.mm(a, b, out=out)
        if device != "cpu":
            torch.cuda.synchronize()
        best = min(best, (time.perf_counter() - begun) / at_once)
    return best
