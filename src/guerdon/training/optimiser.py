"""The optimiser that a recipe has unless it names another one."""

from guerdon.training.optimisers.adamw import AdamW

__all__ = ["AdamW"]
