"""Classify: texts that a chat template has written, or conversations, as vLLM's classification API takes them; verl's reward loop asks so.

    {"input": "<|im_start|>user ..."} → {"data": [{"index": 0, "label": null, "probs": [1.5], "num_classes": 1}]}

``input`` is a text, tokens, or several of either; ``messages`` is one conversation, whose last message is the answer. What stands in ``probs`` is the score itself, as it is
of vLLM with ``use_activation: false``, which is what verl sends; with ``use_activation: true`` it is its sigmoid.

Source: the classification API of vLLM, https://docs.vllm.ai/en/latest/models/pooling_models/classify/; verl, ``experimental/reward_loop/reward_loop.py``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from guerdon.interfaces.serving.items import Item
from guerdon.interfaces.serving.scoring import Found
from guerdon.interfaces.serving.shapes._openai import inputs, listing, number


@dataclass(frozen=True)
class Classify:
    paths: ClassVar[tuple[str, ...]] = ("/classify", "/v1/classify")

    def read(self, asked: Mapping[str, Any]) -> list[Item]:
        return inputs(asked)

    def __call__(self, asked: Mapping[str, Any], found: Sequence[Found], served: str) -> Any:
        data = [{"index": place, "label": None, "probs": [number(asked, one)], "num_classes": 1} for place, one in enumerate(found)]
        return listing("classify", data, found, served)
