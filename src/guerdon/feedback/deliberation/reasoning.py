"""Reasoning: think about what was asked and answered before the verdict.

Source: chain of thought of a judge, Zheng et al. 2023, arXiv 2306.05685; as a verifier that is trained, Zhang et al. 2024, arXiv 2408.15240. The
words are ours. ``max_tokens`` 384: ours.
"""

from dataclasses import dataclass
from typing import ClassVar

from guerdon.witness import Witness


@dataclass(frozen=True)
class Reasoning:
    name: ClassVar[str] = "reasoning"

    max_tokens: int = 384

    def __call__(self, verdict: str) -> str:
        return f"Think step by step about what was asked and what was answered, and about what follows from it for the {verdict}."


witness = Witness(
    Reasoning(),
    given={"verdict": "score"},
    returns="Think step by step about what was asked and what was answered, and about what follows from it for the score.",
)
