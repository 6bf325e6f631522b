"""Rerank: answers to a query, best first, as Jina's, Cohere's and vLLM's rerankers take them.

    {"query": "q", "documents": ["a", "b"], "top_n": 1} → {"results": [{"index": 1, "relevance_score": 2.5, "document": {"text": "b"}}]}

A document is a text, or {"text": ...}; ``return_documents`` false leaves it out of the answer. Of two with the same score the first stays first. Scores are the scorer's
own, and not between 0 and 1 unless ``use_activation`` is true.

Source: https://jina.ai/reranker, https://docs.cohere.com/reference/rerank, and the rerank API of vLLM.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from guerdon.errors import InputError
from guerdon.interfaces.serving import reading
from guerdon.interfaces.serving.items import Answered, Item
from guerdon.interfaces.serving.scoring import Found
from guerdon.interfaces.serving.shapes._openai import number, usage


@dataclass(frozen=True)
class Rerank:
    paths: ClassVar[tuple[str, ...]] = ("/v1/rerank", "/v2/rerank", "/rerank")

    def read(self, asked: Mapping[str, Any]) -> list[Item]:
        reading.whole_only(asked)
        reading.activation(asked)
        reading.flag(asked, "return_documents", True)
        if reading.has(asked, "top_n") and reading.whole_number(asked["top_n"], "top_n") < 0:
            raise InputError(f"top_n is {asked['top_n']}; it is how many documents are wanted, 0 or none for all")
        query = reading.text(reading.need(asked, "query"), "query")
        documents = reading.listed(reading.need(asked, "documents"), "documents")
        return [Answered(query, reading.document(one, f"documents[{place}]")) for place, one in enumerate(documents)]

    def __call__(self, asked: Mapping[str, Any], found: Sequence[Found], served: str) -> Any:
        order = sorted(range(len(found)), key=lambda place: -found[place].score)[: asked.get("top_n") or None]
        results = [{"index": place, "relevance_score": number(asked, found[place])} for place in order]
        if reading.flag(asked, "return_documents", True):
            results = [{**one, "document": {"text": reading.document(asked["documents"][one["index"]], "")}} for one in results]
        return {"id": f"rerank-{uuid.uuid4().hex}", "model": served, "usage": usage(found), "results": results}
