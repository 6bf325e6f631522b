"""Deliberation: the name of a verdict → what a judge is told to write before it comes to that verdict.

A file is an idea of what helps a judge: to think, to find fault, to say first what counts. ``name`` is what the written part is called in the answer, and ``max_tokens`` how
many tokens it is given.
"""

from typing import ClassVar, Protocol


class Deliberation(Protocol):
    """``verdict``: what is asked for in the end ("score", "preference" ...) → the sentence that asks for what comes before it."""

    name: ClassVar[str]
    max_tokens: int

    def __call__(self, verdict: str) -> str: ...
