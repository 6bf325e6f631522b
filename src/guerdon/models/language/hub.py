"""The hub: where its name cannot be looked up, what is in the cache is all that there is.

Its client tries each file six times, for half a minute, and there are several: a misspelt folder on a train took three minutes to be refused.

Source: ours.
"""

import contextlib
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit
from urllib.request import getproxies


@contextlib.contextmanager
def within_reach() -> Iterator[None]:
    """Within, the hub is asked only if it can be found from here. Where something else asks on our behalf (a proxy), that is not for us to know."""
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE
    try:
        constants.HF_HUB_OFFLINE = before or not (getproxies() or _is_known(urlsplit(constants.ENDPOINT).hostname or ""))
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


def _is_known(host: str) -> bool:
    try:
        socket.getaddrinfo(host, None)
    except OSError:
        return False
    return True
