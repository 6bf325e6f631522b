"""Pooling: texts that a chat template has written, or conversations, as vLLM serves a reward model.

    {"messages": [...]} → {"data": [{"index": 0, "object": "pooling", "data": [1.5]}]}

Source: the pooling API of vLLM, https://docs.vllm.ai/en/latest/models/pooling_models/.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from guerdon.interfaces.serving.items import Item
from guerdon.interfaces.serving.scoring import Found
from guerdon.interfaces.serving.shapes._openai import inputs, listing, number


@dataclass(frozen=True)
class Pooling:
    paths: ClassVar[tuple[str, ...]] = ("/pooling", "/v1/pooling")

    def read(self, asked: Mapping[str, Any]) -> list[Item]:
        return inputs(asked)

    def __call__(self, asked: Mapping[str, Any], found: Sequence[Found], served: str) -> Any:
        data = [{"index": place, "object": "pooling", "data": [number(asked, one)]} for place, one in enumerate(found)]
        return listing("pool", data, found, served)
