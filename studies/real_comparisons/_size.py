"""Size: how much is spent, the same for every objective."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """Attributes:
    train, validation, test: pairs.
    max_tokens: of a prompt and both its answers together; pairs with more are left out.
    prompts: so many of the test pairs' prompts are answered by the model.
    """

    train: int = 160
    validation: int = 80
    test: int = 240
    max_tokens: int = 144
    learning_rates: tuple[float, ...] = (1e-3, 3e-3)
    batch_size: int = 8
    prompts: int = 32
    max_completion_length: int = 96
