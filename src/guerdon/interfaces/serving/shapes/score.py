"""Score: pairs of texts, as vLLM's score API takes them: the first is the prompt, the second the answer.

    {"text_1": "q", "text_2": ["a", "b"]} → {"data": [{"index": 0, "object": "score", "score": 1.5}, ...]}

One ``text_1`` goes with every ``text_2``; otherwise there are as many of the one as of the other. ``queries`` and ``documents`` (or ``items``), ``data_1`` and ``data_2`` are
the same.
Either may be messages in the place of a text. Scores are the scorer's own, and not between 0 and 1 unless ``use_activation`` is true.

Source: the score API of vLLM, https://docs.vllm.ai/en/latest/models/pooling_models/scoring/.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from guerdon.errors import InputError
from guerdon.interfaces.serving import reading
from guerdon.interfaces.serving.items import Answered, Item
from guerdon.interfaces.serving.scoring import Found
from guerdon.interfaces.serving.shapes._openai import listing, number

NAMES = (("text_1", "text_2"), ("queries", "documents"), ("queries", "items"), ("data_1", "data_2"))


@dataclass(frozen=True)
class Score:
    paths: ClassVar[tuple[str, ...]] = ("/v1/score", "/score")

    def read(self, asked: Mapping[str, Any]) -> list[Item]:
        reading.whole_only(asked)
        reading.activation(asked)
        first, second = next((names for names in NAMES if reading.has(asked, *names)), NAMES[0])
        prompts, answers = reading.several(reading.need(asked, first), first), reading.several(reading.need(asked, second), second)
        if len(prompts) not in (1, len(answers)):
            raise InputError(f"{first} has {len(prompts)} texts and {second} {len(answers)}; give one prompt, or one for each answer")
        prompts = [reading.said(prompt, f"{first}[{place}]") for place, prompt in enumerate(prompts)] * (len(answers) // len(prompts))
        return [
            Answered(prompt, reading.said(answer, f"{second}[{place}]"))
            for place, (prompt, answer) in enumerate(zip(prompts, answers, strict=True))
        ]

    def __call__(self, asked: Mapping[str, Any], found: Sequence[Found], served: str) -> Any:
        data = [{"index": place, "object": "score", "score": number(asked, one)} for place, one in enumerate(found)]
        return listing("score", data, found, served)
