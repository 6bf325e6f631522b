"""Shorten: of a text that is too long the beginning and the end are told, and between them how much was left out.

    text  ->  beginning [... n characters left out ...] end        as long as the room, in proportion to what the text takes

``beginning`` is the share of what is kept that stands in front. Where not even ``least`` characters would be left, the episode ends.

Source: the cut in the middle of long outputs of tools, as agents for code make it; the shares are ours.
Differs from Stop: the policy goes on, with less.
"""

from dataclasses import dataclass

from guerdon.acting.overflow.stop import Stop
from guerdon.errors import InputError
from guerdon.witness import Witness


@dataclass(frozen=True)
class Shorten:
    beginning: float = 0.5
    least: int = 40

    def __post_init__(self) -> None:
        if not 0 <= self.beginning <= 1 or self.least < 1:
            raise InputError(f"overflow: beginning is a share from 0 to 1 and least 1 or more, not {self.beginning} and {self.least}")

    def __call__(self, text: str, tokens: int, room: int) -> str | None:
        between = f"[... {len(text)} characters left out ...]"
        keep = min(int(len(text) * max(room, 0) / tokens), len(text) - 1) - len(between)
        if keep < self.least:
            return None
        front = round(keep * self.beginning)
        between = f"[... {len(text) - keep} characters left out ...]"
        return text[:front] + between + text[len(text) - (keep - front) :]


_given = {"text": "a" * 50 + "b" * 50, "tokens": 100, "room": 50}
witness = (
    Witness(Shorten(least=4), parent=Stop(), given=_given, returns="a" * 8 + "[... 83 characters left out ...]" + "b" * 9),
    Witness(Shorten(0.0, least=4), parent=Shorten(least=4), given=_given, returns="[... 83 characters left out ...]" + "b" * 17),
    Witness(Shorten(), parent=Shorten(least=4), given=_given, returns=None),
)
