"""Get reward: the shape of OpenRLHF's remote reward models.

    POST /get_reward {"query": [prompt + completion, ...], "prompts": [...], "labels": [...]} → {"rewards": [...]}

``labels`` are those of the column ``label_column`` where the rows have it, else empty texts. Rows are plain texts: whoever serves this shape reads what a template has written.

Source: OpenRLHF, ``openrlhf/utils/remote_rm_utils.py``.
Differs from Rewards: prompt and completion are one text.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from guerdon.feedback.remote import Ask
from guerdon.feedback.remote._answers import field, numbers, plain
from guerdon.feedback.remote.rewards import Rewards
from guerdon.witness import Witness


@dataclass(frozen=True)
class GetReward:
    at_once: ClassVar[int | None] = None

    label_column: str = "label"

    def __call__(self, ask: Ask, prompts: list[Any], completions: list[Any], **columns: list[Any]) -> list[float | None]:
        plain(prompts, completions, "OpenRLHF's shape")
        queries = [prompt + completion for prompt, completion in zip(prompts, completions, strict=True)]
        labels = list(columns.get(self.label_column, [""] * len(queries)))
        return numbers(field(ask("/get_reward", {"query": queries, "prompts": prompts, "labels": labels}), "rewards"), len(queries))


def _canned(path: str, body: Any) -> Any:
    said = [float(len(query)) + 10 * len(label) for query, label in zip(body.get("query", [""]), body.get("labels", ["?"]), strict=True)]
    return {"rewards": said}


_asked = {"ask": _canned, "prompts": ["q: "], "completions": ["a"]}
witness = (
    Witness(GetReward(), parent=Rewards(), given=_asked, returns=[4.0]),
    Witness(GetReward("answer"), parent=GetReward(), given=_asked | {"answer": ["4"]}, returns=[14.0]),
)
