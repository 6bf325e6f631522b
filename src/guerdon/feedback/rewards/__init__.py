"""Rewards: prompts, completions and columns of the data → one number per completion.

The signature is the one that TRL users write, so a reward of ours can be handed to other trainers as it is, and one of
theirs runs here. Columns (``answer``, ``label`` ...) are asked for by argument name and arrive as lists with one value
per completion. ``None`` means "does not apply to this sample".

A verifier of ours that parses what a completion says, or may take very long on it, says ``may_hang: ClassVar[bool] = True`` and has a method
``judge`` in the same signature: it is then judged apart, in a process that can be stopped and that can do nothing else (``guerdon.feedback.apart``),
wherever it is called from. The others take time that is linear in the text. One whose number for a completion depends on other groups of the batch says
``per_batch: ClassVar[bool] = True`` and then sees the whole batch; others may be called on some of its groups, before the rest is sampled.
"""

from typing import Any, Protocol


class Reward(Protocol):
    """``prompts`` and ``completions`` (str, or lists of messages) and columns, all of length B → B numbers or None."""

    def __call__(self, prompts: list[Any], completions: list[Any], **columns: list[Any]) -> list[float | None]: ...
