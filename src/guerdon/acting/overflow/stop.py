"""Stop: where there is no room for what the policy is to be told, its episode ends.

    None

What it has earned so far it keeps. ``terminated`` is false: nobody ended the episode.

Source: what trainers of agents do at the end of the context, as verl's and TRL's loops of tools.
"""

from dataclasses import dataclass

from guerdon.witness import Witness


@dataclass(frozen=True)
class Stop:
    def __call__(self, text: str, tokens: int, room: int) -> str | None:
        return None


witness = Witness(Stop(), given={"text": "a long text", "tokens": 11, "room": 5}, returns=None)
