"""Slime: as slime asks with ``--rm-type remote_rm --rm-url``: one sample, and a number back.

    {"prompt": "...", "response": "...", "label": "4"} → 1.5

A prompt is what the policy's chat template wrote of it, or messages; ``label`` is passed over: a scorer reads none.

Source: slime, ``slime/rollout/rm_hub/__init__.py``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from guerdon.interfaces.serving import reading
from guerdon.interfaces.serving.items import Answered, Item, Written
from guerdon.interfaces.serving.scoring import Found


@dataclass(frozen=True)
class Slime:
    paths: ClassVar[tuple[str, ...]] = ("/slime",)

    def read(self, asked: Mapping[str, Any]) -> list[Item]:
        prompt = reading.said(reading.need(asked, "prompt"), "prompt")
        response = reading.text(reading.need(asked, "response"), "response")
        if isinstance(prompt, str):
            return [Written(prompt + response, prompt)]
        return [Answered(prompt, [{"role": "assistant", "content": response}])]

    def __call__(self, asked: Mapping[str, Any], found: Sequence[Found], served: str) -> Any:
        return found[0].score
