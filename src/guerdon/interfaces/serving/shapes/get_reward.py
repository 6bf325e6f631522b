"""Get reward: as OpenRLHF asks with ``--remote_rm_url`` (``reward.remote_url`` in later versions).

    {"query": ["<|im_start|>user ... four<|im_end|>"], "prompts": ["<|im_start|>user ..."], "labels": ["4"]} → {"rewards": [1.5], "scores": [1.5], "extra_logs": {...}}

``query`` is prompt and answer as the policy's chat template wrote them; where ``prompts`` says what it begins with, tokens do not span its end. ``labels`` are passed over:
a scorer reads none.
``scores`` is what OpenRLHF filters prompts by.

Source: OpenRLHF, ``openrlhf/utils/remote_rm_utils.py`` and ``openrlhf/cli/serve_rm.py``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from guerdon.interfaces.serving import reading
from guerdon.interfaces.serving.items import Item, Written
from guerdon.interfaces.serving.scoring import Found


@dataclass(frozen=True)
class GetReward:
    paths: ClassVar[tuple[str, ...]] = ("/get_reward",)

    def read(self, asked: Mapping[str, Any]) -> list[Item]:
        queries = reading.several(reading.need(asked, "query"), "query")
        prompts = reading.as_many(asked.get("prompts"), "prompts", len(queries), "queries")
        return [
            Written(reading.text(query, f"query[{place}]"), "" if prompt is None else reading.text(prompt, f"prompts[{place}]"))
            for place, (query, prompt) in enumerate(zip(queries, prompts, strict=True))
        ]

    def __call__(self, asked: Mapping[str, Any], found: Sequence[Found], served: str) -> Any:
        scores = [one.score for one in found]
        return {"rewards": scores, "scores": scores, "extra_logs": {"reward_model_score": scores}}
