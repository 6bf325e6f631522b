"""An environment as its author writes it for TRL's ``environment_factory``, with a reward function that reads environments."""


class Counter:
    def __init__(self):
        self.count = 0

    def reset(self, **kwargs) -> str | None:
        self.count = 0
        self.goal = kwargs["goal"]
        return f" Count to {self.goal}."

    def add(self, amount: int) -> int:
        """Add to the counter.

        Args:
            amount: How much.

        Returns:
            What it shows.
        """
        if amount < 0:
            raise ValueError("only up")
        self.count += amount
        return self.count

    async def look(self) -> int:
        """Look at the counter."""
        return self.count

    def _hidden(self):
        return None

    def get_reward(self) -> float:
        return float(self.count == self.goal)


def reached(environments, completions, goal, **kwargs) -> list[float]:
    return [0.5 * (environment.count >= wanted) for environment, wanted in zip(environments, goal, strict=True)]
