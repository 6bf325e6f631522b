"""Limits: what a program may use.

Attributes:
    seconds: of the clock, for one run of it; and as many of the processor.
    memory: bytes of addresses, of each of its processes.
    output: bytes that it prints, returns, or writes to one file.
    disk: bytes in its folder, which lies in memory.
    processes: how many it may have; 1: it can start none. Threads are bounded by 64 and by memory.
"""

from dataclasses import dataclass

from guerdon.errors import InputError


@dataclass(frozen=True)
class Limits:
    seconds: float = 5.0
    memory: int = 2**30
    output: int = 2**20
    disk: int = 16 * 2**20
    processes: int = 1

    def __post_init__(self) -> None:
        if self.seconds <= 0 or self.memory < 64 * 2**20 or self.output < 1 or self.disk < 2**16 or self.processes < 1:
            raise InputError(
                "a program needs seconds > 0, memory of at least 64 MiB, output of a byte, disk of 64 KiB and a process, not "
                f"{self.seconds:g} s, {self.memory}, {self.output}, {self.disk} and {self.processes}"
            )
