"""Controllers: a statistic of the last step → the next value of a knob. A controller stands where the number stood."""

from typing import Any, Protocol


class Controller(Protocol):
    """``init() -> state``; ``statistic``: the logged name that it watches; state → (value, state)."""

    statistic: str

    def init(self) -> Any: ...

    def __call__(self, observed: float, state: Any) -> tuple[float, Any]: ...
