"""Embeddings: a score as the only number of an embedding, which is how SGLang serves a reward model; verl's reward loop asks so where its engine is SGLang.

    {"input": "<|im_start|>user ..."} → {"data": [{"index": 0, "object": "embedding", "embedding": [1.5]}]}

Source: verl, ``experimental/reward_loop/reward_loop.py``; https://docs.sglang.ai/supported_models/reward_models.html.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from guerdon.interfaces.serving.items import Item
from guerdon.interfaces.serving.scoring import Found
from guerdon.interfaces.serving.shapes._openai import inputs, listing, number


@dataclass(frozen=True)
class Embeddings:
    paths: ClassVar[tuple[str, ...]] = ("/v1/embeddings",)

    def read(self, asked: Mapping[str, Any]) -> list[Item]:
        return inputs(asked)

    def __call__(self, asked: Mapping[str, Any], found: Sequence[Found], served: str) -> Any:
        data = [{"index": place, "object": "embedding", "embedding": [number(asked, one)]} for place, one in enumerate(found)]
        return listing("embd", data, found, served)
