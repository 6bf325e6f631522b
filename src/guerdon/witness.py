"""Witnesses and limits: how a part shows that it is itself, and where it becomes another.

A *witness* is the smallest input on which a part differs from its parent, with the answer worked out by hand: the
value and, for parts that are differentiated, the gradient. The test suite requires the part to give that answer and
the parent not to: an example that the parent also passes proves nothing.

A *limit* states that a part equals another under a condition. It is tested on random inputs that meet the condition,
and drawn as the map of the field.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from guerdon.parts import Part


@dataclass(frozen=True)
class Witness:
    """The smallest input that tells ``part`` from ``parent``.

    Attributes:
        part: the part, with the settings at which it is shown.
        given: its arguments by name. In the rooms of ``credit`` and ``losses`` nested lists become tensors (``mask``
            boolean, ``group`` and ``segment`` integer, the rest float); elsewhere they are passed as they are.
        returns: what the part must return, worked out by hand.
        gradient: for each named input, the gradient of the sum of the output. ``None`` means that no gradient may
            reach that input.
        parent: the part that must fail this witness. ``None`` only for the first idea of a room.
    """

    part: Part
    given: Mapping[str, Any]
    returns: Any
    gradient: Mapping[str, Any] = field(default_factory=dict)
    parent: Part | None = None


@dataclass(frozen=True)
class Limit:
    """``part`` equals ``equals`` on every input that ``under`` has made meet the condition ``when``.

    Attributes:
        when: the condition in words, for the reader and the map.
        under: rewrites a dictionary of random inputs so that the condition holds. The default leaves them alone.
        factor: the constant by which the other is multiplied ("up to a constant").
        gradient: whether gradients are compared as well.
    """

    part: Part
    equals: Part
    when: str
    under: Callable[[dict[str, Any]], dict[str, Any]] = lambda inputs: inputs
    factor: float = 1.0
    gradient: bool = True
