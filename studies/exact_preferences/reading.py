"""Reading: the numbers of the study by objective and situation, and how they are written."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

NOTHING = "nothing (the reference)"
ZERO = 1e-6  # a regret below is none
MANY = 0.05  # of the worlds


@dataclass(frozen=True)
class Table:
    measured: dict[str, Any]

    @property
    def objectives(self) -> list[str]:
        return list(self.measured["cells"])

    @property
    def situations(self) -> list[str]:
        return self.measured["situations"]

    def strength(self, objective: str, situation: str, tuned: bool) -> float | None:
        return self.measured["tuned"][objective][situation] if tuned else self.measured["own"][objective]

    def cell(self, objective: str, situation: str, tuned: bool) -> dict[str, Any] | None:
        """None where the objective reads what the situation does not have."""
        strength = self.strength(objective, situation, tuned)
        return None if strength is None else self.measured["cells"][objective][situation].get(f"{strength:g}")

    def regret(self, objective: str, situation: str, tuned: bool = False) -> float:
        """The mean over worlds."""
        return self.cell(objective, situation, tuned)["regret"][0]

    def below(self, objective: str, situation: str) -> float:
        """Of the reward that the same KL could buy, at the best strength."""
        return self.cell(objective, situation, True)["below"][0]

    def own(self, objective: str, situation: str) -> str:
        """The regret at the own strength, as it is written."""
        return number(self.regret(objective, situation))

    def best_of(self, objective: str, situation: str) -> str:
        """The regret at the best strength, as it is written."""
        return number(self.regret(objective, situation, True))

    def with_best(self, objective: str, situation: str) -> str:
        return f"{objective} ({self.best_of(objective, situation)})"

    def of_nothing(self, situation: str) -> float:
        return self.regret(NOTHING, situation)

    def has(self, objective: str, situation: str) -> bool:
        return self.cell(objective, situation, False) is not None

    def where(self, holds: Callable[[str], bool]) -> list[str]:
        """The objectives of which something is true; the reference is none."""
        return [objective for objective in self.objectives if objective != NOTHING and holds(objective)]

    def varies(self, objective: str) -> bool:
        """Whether a strength makes a difference to it at all."""
        cells = self.measured["cells"][objective]
        return any(
            len({cell["regret"] if isinstance(cell["regret"], float) else cell["regret"][0] for cell in of.values()}) > 1
            for of in cells.values()
        )

    def note(self, objective: str) -> str:
        """Of the strength that is its own."""
        return "" if objective in self.measured["same meaning"] else "ᵈ"

    def shown(self) -> list[dict[str, Any]]:
        """Every cell of the page."""
        found = [self.cell(o, s, tuned) for o in self.objectives for s in self.situations for tuned in (False, True)]
        return [cell for cell in found if cell is not None]

    def best(self, situation: str, tuned: bool) -> list[str]:
        """The objectives, the one with the lowest regret first."""
        return sorted(self.where(lambda o: self.has(o, situation)), key=lambda o: self.regret(o, situation, tuned))


def number(value: float) -> str:
    """Three digits behind the point; what is not distinguishable from nothing is 0."""
    return "0" if abs(value) < ZERO else f"{value:.3f}" if abs(value) >= 5e-4 else f"{value:.0e}"


def marked(cell: dict[str, Any]) -> str:
    """∞ where most worlds ran off, † where some had not come to rest."""
    return ("∞" if cell["off"] > 0.5 else "") + ("†" if cell["moving"] > MANY else "")


def listed(names: Sequence[str]) -> str:
    """As a sentence has them."""
    return "none" if not names else names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
