"""A model for which memory runs out: on more than so many tokens at once, in the forward pass, at the start of the backward pass, or near its end."""

from typing import Any

import torch

WHERE = ("forward", "backward", "near the end")


def _full() -> Exception:
    return torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")


class _Out(torch.autograd.Function):
    """x → x, and no way back."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, failed: list[int], tokens: int) -> torch.Tensor:
        ctx.failed, ctx.tokens = failed, tokens
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> Any:
        ctx.failed.append(ctx.tokens)
        raise _full()


def cramp(model: Any, most: int, where: str = "forward", error: Exception | None = None) -> list[int]:
    """Let memory run out on more than ``most`` tokens. Returns a list to which the sizes are appended for which it did."""
    policy, measure, failed, now = getattr(model, "policy", model), model.measure, [], [0]

    def late(gradient: torch.Tensor) -> None:
        if now[0] > most:
            failed.append(now[0])
            raise _full()

    def cramped(sequences: Any, names: Any, *views: Any) -> dict[str, torch.Tensor]:
        tokens = int(sequences.tokens.sum())
        now[0] = tokens if where == "near the end" and torch.is_grad_enabled() else 0
        if tokens > most and where == "forward":
            failed.append(tokens)
            raise error or _full()
        found = measure(sequences, names, *views)
        if tokens > most and where == "backward":
            found = {name: _Out.apply(value, failed, tokens) if value.requires_grad else value for name, value in found.items()}
        return found

    first = next(p for p in policy.computing.parameters() if p.requires_grad)  # whose gradient is among the last that are known
    first.register_hook(late)
    model.measure = cramped
    return failed
