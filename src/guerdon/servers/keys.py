"""Keys: which environment variables hold a key of this process, and what others are told of its environment: not those.

A judge's key is named in the configuration and read from the environment when a request is sent. Processes that run somebody's functions (rewards, environments) are started
without it; the sandbox of the code rewards starts with an empty environment anyway. Functions that run in this very process see what it sees.
"""

from collections.abc import Mapping

_known: set[str] = set()


def hold(name: str) -> None:
    """The variable of this name holds a key from now on."""
    _known.add(name)


def without_keys(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment as others may see it."""
    return {name: value for name, value in environment.items() if name not in _known}
