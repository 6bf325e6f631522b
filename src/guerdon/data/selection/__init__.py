"""Selection: statistics of what was sampled → which sequences are kept, or how often a prompt is drawn; what is believed → which question is asked."""

from typing import Protocol

from torch import Tensor


class Selection(Protocol):
    """``reward`` [B], ``group`` [B], ``terminated`` [B] ... → keep [B] (bool), which sequences are learned from."""

    def __call__(self, **quantities: Tensor) -> Tensor: ...


class Weighing(Protocol):
    """What came of the prompts that were tried → how much each of the P prompts is worth trying next, with an explicit state."""

    def init(self) -> dict[str, Tensor]: ...

    def __call__(self, reward: Tensor, prompt_id: Tensor, size: int, state: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """``reward`` [B], ``prompt_id`` [B] in 0 .. size - 1 → weight [P = size], new state.

        A rule that asks for them is told ``progress``, from 0 to 1, and of its ``column`` of the task ``level`` [P], numbers, or ``task`` [P], indices of distinct values.
        """
        ...


class Drawing(Protocol):
    """Weights [P], how many, a seed → the indices of the prompts to try next, [count]."""

    def __call__(self, weight: Tensor, count: int, seed: int) -> Tensor: ...


class Questioning(Protocol):
    """``probability`` [C, S] of "yes" to each of C questions under S draws of what is not known → how much each is worth asking, [C]."""

    def __call__(self, probability: Tensor) -> Tensor: ...
