"""How much of the machine other processes took while something was measured."""

import os
import resource
from pathlib import Path

STAT = Path("/proc/stat")


class Others:
    """Made before, asked after: the share of all cores' time that was spent on neither this process nor those that it has waited for."""

    def __init__(self) -> None:
        self.begun = _times()

    def share(self) -> float:
        busy, idle, own = (now - before for now, before in zip(_times(), self.begun, strict=True))
        return max(busy - own, 0.0) / (busy + idle) if busy + idle > 0 else 0.0


def _times() -> tuple[float, float, float]:
    """Seconds: all cores busy, all cores idle, this process and its finished children."""
    if not STAT.exists():
        return 0.0, 0.0, 0.0
    user, nice, system, idle, wait, interrupts, soft, stolen, *_ = map(int, STAT.read_text().splitlines()[0].split()[1:])
    tick = os.sysconf("SC_CLK_TCK")
    own = sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return (user + nice + system + interrupts + soft + stolen) / tick, (idle + wait) / tick, own
