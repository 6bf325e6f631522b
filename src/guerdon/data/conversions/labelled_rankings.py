"""Labelled rankings: in which order people put answers in a labelling tool, a ranking for each of them.

    Label Studio's Ranker over a list of items, or a ranking question of Argilla over fields -> {prompt, completions, ranks, annotator}

``buckets`` names those of a Ranker from the best to the worst: items of one bucket share its rank. Without it the one bucket that was filled is an order, the
best first. Items that were put nowhere (the bucket ``_``) are not ranked.

Left out: what was cancelled or not submitted, fewer than two ranked answers, several filled buckets of which nothing says which is the better one.

Source: Label Studio's documents on Ranker and its template for ranking; Argilla's on ranking questions.
Differs from LabelledPairs: more than two.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from guerdon.data.conversions._converted import Converted, LeftOut, each
from guerdon.data.conversions._exports import Labelled, labelled, others, prompt_of
from guerdon.data.conversions.labelled_pairs import NOT_GIVEN, LabelledPairs
from guerdon.witness import Witness

NOWHERE = "_"


@dataclass(frozen=True)
class LabelledRankings:
    reads: ClassVar[str] = "labelled_rankings"
    gives: ClassVar[str] = "ranking"
    buckets: tuple[str, ...] = ()
    prompt: str | None = None
    suggestions: bool = False

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> Converted:
        return each(rows, self._rankings)

    def _rankings(self, row: Mapping[str, Any]) -> Iterator[dict[str, Any] | LeftOut]:
        found = labelled(row, self.suggestions)
        prompt = self.prompt or prompt_of(found.fields)
        if prompt is None or not found.fields.get(prompt):
            raise LeftOut("no field holds the prompt; name it: labelled_rankings.prompt=...")
        texts = _texts(found)
        for judgement in found.judgements:
            if judgement.kind != "rankings":
                continue
            if not judgement.given:
                yield LeftOut(NOT_GIVEN)
                continue
            ranks = self._ranks(judgement.value)
            if isinstance(ranks, LeftOut):
                yield ranks
                continue
            ranked = [(texts[name], rank) for name, rank in ranks.items() if texts.get(name)]
            if len(ranked) < 2:
                yield LeftOut("fewer than two answers are ranked")
                continue
            rest = {**found.rest, **others(found.fields, prompt, *texts), "annotator": judgement.annotator}
            yield {**rest, "prompt": found.fields[prompt], "completions": [t for t, _ in ranked], "ranks": [r for _, r in ranked]}

    def _ranks(self, value: Any) -> dict[str, int] | LeftOut:
        """Name → rank, 1 the best."""
        if isinstance(value, Mapping) and all(isinstance(rank, int) for rank in value.values()):
            return dict(value)
        if isinstance(value, Mapping) and self.buckets:
            return {name: rank for rank, bucket in enumerate(self.buckets, 1) for name in value.get(bucket) or []}
        if isinstance(value, Mapping):
            filled = {bucket: names for bucket, names in value.items() if names and bucket != NOWHERE}
            if len(filled) > 1:
                return LeftOut(
                    "several buckets are filled, and nothing says which is the better one; name them: labelled_rankings.buckets=[best, ...]"
                )
            value = next(iter(filled.values()), [])
        return {name: rank for rank, name in enumerate(value, 1)}


def _texts(found: Labelled) -> dict[str, Any]:
    """What is ranked, by name: fields that hold texts, and items of a list."""
    texts = {name: value for name, value in found.fields.items() if isinstance(value, str)}
    for items in found.fields.values():
        for item in items if isinstance(items, list) else ():
            if isinstance(item, Mapping) and "id" in item:
                texts[item["id"]] = item.get("body") or item.get("html") or item.get("title")
    return texts


def _ranker(**buckets: list[str]) -> dict[str, Any]:
    result = {"type": "ranker", "from_name": "rank", "to_name": "items", "value": {"ranker": buckets}}
    return {"completed_by": {"id": 3, "email": "x@y"}, "result": [result]}


_items = [{"id": f"m{i}", "title": "", "body": text} for i, text in enumerate("abc")]
_row = {
    "data": {"prompt": "p", "items": _items},
    "annotations": [_ranker(rank=["m2", "m0"], _=["m1"]), _ranker(good=["m1"], bad=["m0", "m2"])],
}
_first = {"prompt": "p", "completions": ["c", "a"], "ranks": [1, 2], "annotator": "x@y"}
_why = "several buckets are filled, and nothing says which is the better one; name them: labelled_rankings.buckets=[best, ...]"
witness = (
    Witness(LabelledRankings(), parent=LabelledPairs(), given={"rows": [_row]}, returns={"rows": [_first], "left_out": {_why: 1}}),
    Witness(
        LabelledRankings(buckets=("good", "bad")),
        parent=LabelledRankings(),
        given={"rows": [_row]},
        returns={
            "rows": [{"prompt": "p", "completions": ["b", "a", "c"], "ranks": [1, 2, 2], "annotator": "x@y"}],
            "left_out": {"fewer than two answers are ranked": 1},
        },
    ),
)
