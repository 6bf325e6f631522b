"""Telling: seconds of what goes over the network in a step.

    gathered    (cards - 1) / cards * bytes / link + (cards - 1) * hop      every card has a share, and then all of it; as long for the sum of which each gets its share
    handed on   bytes / link + hop                                          what one has and others need, pipelined
    objects     bytes / telling + 2 (cards - 1) * hop                       sizes, then contents, packed and unpacked by every process: no less with more of them

Source: of the first, Thakur et al. 2005, "Optimization of collective communication operations in MPICH", section 4.1: the ring.
"""

from guerdon.costs.machine import Machine


def gathered_s(size_bytes: float, cards: int, machine: Machine) -> float:
    """Seconds until all have the whole of what each had a share of, or each its share of the sum."""
    return (cards - 1) / cards * size_bytes / machine.link + (cards - 1) * machine.hop


def handed_on_s(size_bytes: float, machine: Machine) -> float:
    """Seconds until other cards have what one has."""
    return size_bytes / machine.link + machine.hop


def objects_s(size_bytes: float, cards: int, machine: Machine, exchanges: int = 1) -> float:
    """Seconds until all processes know what each has found, in so many exchanges."""
    return size_bytes / machine.telling + exchanges * 2 * (cards - 1) * machine.hop if cards > 1 else 0.0
