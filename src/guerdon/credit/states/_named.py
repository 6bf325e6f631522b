"""A list of actions as one number."""

from collections.abc import Iterable
from hashlib import blake2b


def named(actions: Iterable[int]) -> int:
    """63 bits that equal lists have in common, and others, for all practical purposes, do not."""
    text = ",".join(map(str, actions)).encode()
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big") >> 1
