"""Python: programs of the policy, run in the sandbox of the code rewards: no network, no files but their own, no environment of this process, bounds on time, memory and output.

    python("x = 3\\nx ** 2") = "9"

The result is what the program prints and the value of its last expression, as in a notebook; what it raises, with its line. With ``stateful`` a program knows what those before
it in the episode defined. That is done by running them again, without what they print: nothing of an episode lives in a process, so that it can be copied where a sequence
branches, keepers are shared by all episodes, and what is random or reads a clock may come out otherwise. ``seconds`` and ``memory`` bound all of it. A program that ends its
process, or takes too long, leaves nothing.

Source: ToRA, arXiv 2309.17452, and ReTool, arXiv 2504.11536, which run programs of a policy between its words. 5 s and 1 GiB are ours, as in the code reward.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from guerdon.feedback.sandbox.limits import Limits
from guerdon.feedback.sandbox.pool import Box, pool, size
from guerdon.tasks.schemas import schema_of
from guerdon.tasks.tools import Mistaken

_CELLS = Path(__file__).with_name("_cells.py").read_text()


@dataclass(frozen=True)
class Python:
    stateful: bool = True
    seconds: float = 5.0
    memory: int = 2**30
    packages: tuple[str, ...] = ()
    require_isolation: bool = False
    workers: int = 0

    name: ClassVar[str] = "python"

    def __post_init__(self) -> None:
        object.__setattr__(self, "packages", tuple(self.packages))
        self.limits  # noqa: B018 refuses what cannot be

    def build(self) -> tuple["Session"]:
        return (Session(self),)

    @property
    def limits(self) -> Limits:
        return Limits(self.seconds, self.memory)


class Session:
    """The programs of an episode."""

    def __init__(self, told: Python) -> None:
        self._told = told
        self._cells: list[str] = []

    @cached_property
    def schema(self) -> Mapping[str, Any]:
        def python(code: str) -> str:
            """Runs a Python program and returns what it prints and the value of its last expression.

            Args:
                code: The program.
            """

        return schema_of(python, self._told.name)

    def __call__(self, code: str) -> str:
        told = self._told
        given = json.dumps([*self._cells, code]).encode()
        with pool(Box(told.require_isolation, told.packages), False, size(told.workers)).lent() as keeper:
            ended = keeper.run({"what": "script", "program": _CELLS, "preamble": ""}, told.limits, given)
        printed = ended.printed.decode("utf-8", "replace").strip()
        if ended.late:
            raise Mistaken(f"the program took longer than {told.seconds:g} s, and nothing of it is kept{_after(printed)}")
        if ended.code not in (0, 1):
            raise Mistaken(f"the program ended its process, or ran out of memory, and nothing of it is kept{_after(printed)}")
        if told.stateful:
            self._cells.append(code)
        if ended.code:
            raise Mistaken(printed)
        return printed

    def reset(self, row: Mapping[str, Any], seed: int) -> None:
        self._cells = []

    def close(self) -> None:
        pass

    def state(self) -> list[str]:
        return list(self._cells)

    def restore(self, state: list[str]) -> None:
        self._cells = list(state)


def _after(printed: str) -> str:
    return f"; it had printed: {printed[-500:]}" if printed else ""
