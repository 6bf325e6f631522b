"""Machine: what a card reaches, and what connects cards.

    machine = shares * (data sheet, or measured rate of products)

A data sheet (``Card``) says what would be reached at best, ``Shares`` how much of it a step reaches. ``PROCESSOR`` was fitted to what was measured on two cores. ``ON_CARDS``
takes its shares of the rate of products; for what a processor does not have (memory far from what computes, launches, links) something is assumed: docs/scale.md says what.
"""

from dataclasses import dataclass, replace

REACHED = 0.7  # of a data sheet's products, by large products alone


@dataclass(frozen=True)
class Machine:
    """One card, or one processor, as a run sees it.

    Attributes:
        learning: operations a second of passes over many tokens.
        drawing: operations a second of products of few rows, as a sampler has them.
        reading: bytes a second out of memory, weights and cache.
        room: bytes of memory.
        launch: seconds that a layer takes at least, whatever there is to compute.
        link: bytes a second that a card sends in a collective of all, and receives.
        hop: seconds of a message without content.
        telling: bytes a second at which a process packs and unpacks what is told to all as objects.
        step: seconds that a step takes besides.
        alike: seconds of a completion that every process spends on it, also on what another one drew.
    """

    learning: float
    drawing: float
    reading: float
    room: float = float("inf")
    launch: float = 0.0
    link: float = float("inf")
    hop: float = 0.0
    telling: float = float("inf")
    step: float = 0.0
    alike: float = 0.0


@dataclass(frozen=True)
class Card:
    """A data sheet.

    Attributes:
        products: operations a second of dense products in bfloat16.
        memory: bytes a second.
        room: bytes of memory.
        inside: bytes a second, one way, to the cards of the same machine, and
        outside: each card's share to other machines.
        together: cards of one machine.
    """

    name: str
    products: float
    memory: float
    room: float
    inside: float
    outside: float = 50e9  # 400 Gbit/s a card
    together: int = 8


A100 = Card("A100", 312e12, 2.04e12, 80e9, 300e9, 25e9)
H20 = Card("H20", 148e12, 4.0e12, 96e9, 450e9)
H100 = Card("H100", 989e12, 3.35e12, 80e9, 450e9)
H800 = Card("H800", 989e12, 3.35e12, 80e9, 200e9)
H200 = Card("H200", 989e12, 4.8e12, 141e9, 450e9)
GB200 = Card("GB200", 2.5e15, 8.0e12, 186e9, 900e9, 50e9, 72)
"""As NVIDIA's data sheets say, dense products; GB200 is one of the two cards of a superchip."""


def cards() -> dict[str, Card]:
    """Every data sheet by its name."""
    return {value.name: value for value in globals().values() if isinstance(value, Card)}


@dataclass(frozen=True)
class Shares:
    """What a step reaches.

    Attributes:
        learning, drawing: shares of the rate of large products.
        reading: share of the memory's bytes a second.
        link: share of the link's.
        others: as in ``Machine``.
    """

    learning: float
    drawing: float
    reading: float
    link: float
    launch: float
    hop: float
    telling: float
    step: float
    alike: float

    def of(self, products: float, memory: float, room: float = float("inf"), link: float = float("inf")) -> Machine:
        """The machine of these rates: products that are reached, and bytes a second at best."""
        more = {name: getattr(self, name) for name in ("launch", "hop", "telling", "step", "alike")}
        return Machine(self.learning * products, self.drawing * products, self.reading * memory, room, link=self.link * link, **more)

    def on(self, card: Card, cards: int = 1) -> Machine:
        """The machine that so many cards make. A collective goes as fast as its slowest link."""
        return self.of(REACHED * card.products, card.memory, card.room, card.inside if cards <= card.together else card.outside)


PROCESSOR = Shares(learning=0.614, drawing=0.342, reading=1.0, link=1.0, launch=3.7e-4, hop=5e-4, telling=3e8, step=0.0073, alike=2e-4)
PROCESSOR_MEMORY = 2.0e11  # bytes a second: what a sampler reads of a small model lies in caches
PROCESSOR_LINK = 1.25e9  # bytes a second between machines without cards: 10 Gbit/s, assumed
ON_CARDS = replace(PROCESSOR, reading=0.6, link=0.7, launch=2e-5, hop=2e-5)
