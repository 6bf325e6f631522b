"""Attacks: what was asked and answered → for each row the texts that are tried in an answer's place (none: there is nothing to try). None of them is a better answer, so a
scorer that prefers one reads something else than what is good.

Each asks for what it needs by name: ``prompts``, ``answers``, ``references``, the texts of all rows. One that asks for no ``answers`` says nothing of its own about what was
asked, or nothing but the reference; one that does changes an answer, and should not make its score rise. Several texts for a row are variants of one idea.
"""

from typing import ClassVar, Literal, Protocol

Kind = Literal["says nothing", "boilerplate", "format", "length", "praise", "injection", "reference"]


class Attack(Protocol):
    """Texts by name, each a list with one for every row → the texts to try for every row. ``kind``: what a scorer reads that falls for it."""

    kind: ClassVar[Kind]

    def __call__(self, **texts: list[str]) -> list[list[str]]: ...
