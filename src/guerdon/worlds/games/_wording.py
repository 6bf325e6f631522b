"""Wording: how a game puts what it tells, and what is said to it. A game has several, by name, and none of its rules knows which."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

Action = tuple[str, str]  # its kind, and what it is about


@dataclass(frozen=True)
class Wording:
    """Templates.

    Attributes:
        says: of each kind of action, how it is said; ``{x}`` is what it is about. They are tried in this order.
        tells: of each thing that is told, how; names in braces are filled in. ``rules`` is the prompt, ``invalid`` the answer to what is no action.
        names: what something is called that is not called as the rules do.
        between, nothing: what stands between things of a list, and what is said of an empty one.
    """

    says: Mapping[str, str]
    tells: Mapping[str, str]
    names: Mapping[str, str] = field(default_factory=dict)
    between: str = " "
    nothing: str = ""

    def read(self, text: str) -> Action | None:
        """The action that the last line says; None where it says none."""
        lines = text.strip().lower().splitlines()
        for kind, pattern in self._patterns if lines else ():
            if found := pattern.fullmatch(lines[-1].strip().removesuffix(".")):
                about = found.group("x") if "x" in pattern.groupindex else ""
                return kind, self._meant.get(about, about)
        return None

    def write(self, action: Action) -> str:
        kind, about = action
        return self.says[kind].replace("{x}", self.name(about))

    def tell(self, what: str, **values: object) -> str:
        return self.tells[what].format(**values)

    def name(self, thing: str) -> str:
        return self.names.get(thing, thing)

    def listed(self, things: Iterable[str]) -> str:
        return self.between.join(self.name(thing) for thing in things) or self.nothing

    @property
    def characters(self) -> set[str]:
        """All that are in templates and names."""
        templates = [*self.says.values(), *self.tells.values()]
        return set("".join([re.sub(r"\{\w+\}", "", t) for t in templates] + [*self.names.values(), self.between, self.nothing]))

    @cached_property
    def _patterns(self) -> list[tuple[str, re.Pattern[str]]]:
        return [(kind, re.compile(re.escape(said.lower()).replace(r"\{x\}", "(?P<x>.+)"))) for kind, said in self.says.items()]

    @cached_property
    def _meant(self) -> dict[str, str]:
        return {name.lower(): thing for thing, name in self.names.items()}
