"""Graded action: what of an action is right, its kind, that its parts are there, and how near they are, where the hard parts are worth most.

    reward = formed  where the completion is an object with a rationale and an action
           + kind (where the action is of the right kind)
             + sum over parts of that kind  of  there * [the part is not empty] + worth * L * [L >= nearest]

L is ROUGE-L, the F1 of the longest common subsequence of the words of a part and of the same part of the right action, in lower case. An action is ``{"type": ..., part: text
...}``, in the completion ``{"rationale": ..., "action": ...}``, in a block of JSON or bare. The column ``answer`` holds the right action, as a mapping or its JSON; None gives
None.

Source: Shop-R1, arXiv 2507.17842, Table 1 and section 3, whose numbers the defaults are: 0.5 for the form, 0.3 for the kind, nothing besides for "terminate", 0.2 and 1000 for
the name of a "click", 0.1 and 0.1 for the name and 0.1 and 1000 for the text of "type_and_submit"; 0.75 is the threshold that it gives as an example. Its self-certainty is a
reward of its own (``feedback.intrinsic.self_certainty``). Differs from StringMatch: a kind that has nothing to get wrong earns little, so that always saying it is no way to win.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from guerdon.errors import InputError
from guerdon.feedback.fences import last_block
from guerdon.feedback.rewards.string_match import StringMatch
from guerdon.feedback.text import answer_text
from guerdon.witness import Witness

_SHOP = {"terminate": {}, "click": {"name": (0.2, 1000.0)}, "type_and_submit": {"name": (0.1, 0.1), "text": (0.1, 1000.0)}}


@dataclass(frozen=True)
class GradedAction:
    """``parts``: for each kind, each part's (there, worth)."""

    parts: Mapping[str, Mapping[str, tuple[float, float]]] = field(default_factory=lambda: _SHOP)
    formed: float = 0.5
    kind: float = 0.3
    nearest: float = 0.75

    def __call__(self, prompts: list[Any], completions: list[Any], answer: list[Any], **columns: list[Any]) -> list[float | None]:
        return [self._judge(*row) for row in zip(prompts, completions, answer, strict=True)]

    def _judge(self, prompt: Any, completion: Any, answer: Any) -> float | None:
        if answer is None:
            return None
        right = _object(answer)
        if right is None or right.get("type") not in self.parts:
            raise InputError(
                f"column 'answer' holds {str(answer)[:60]!r}; it must be an action whose type is one of {', '.join(self.parts)}"
            )
        said = _object(last_block(answer_text(completion, prompt), ("json",)))
        if said is None or "rationale" not in said or not isinstance(said.get("action"), Mapping):
            return 0.0
        action = said["action"]
        return self.formed + (self._graded(right, action) if action.get("type") == right["type"] else 0.0)

    def _graded(self, right: Mapping[str, Any], action: Mapping[str, Any]) -> float:
        total = self.kind
        for part, (there, worth) in self.parts[right["type"]].items():
            near = rouge_l(str(action.get(part) or ""), str(right.get(part) or ""))
            total += there * bool(action.get(part)) + (worth * near if near >= self.nearest else 0.0)
        return total


def rouge_l(said: str, right: str) -> float:
    """The F1 of the longest common subsequence of words; 0 where either has none."""
    a, b = said.lower().split(), right.lower().split()
    if not a or not b:
        return 0.0
    row = [0] * (len(b) + 1)
    for one in a:
        before = 0
        for place, other in enumerate(b, 1):
            before, row[place] = row[place], before + 1 if one == other else max(row[place], row[place - 1])
    return 2 * row[-1] / (len(a) + len(b))


def _object(given: Any) -> Mapping[str, Any] | None:
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except ValueError:
            return None
    return given if isinstance(given, Mapping) else None


def _does(**action: str) -> str:
    return json.dumps({"rationale": "it is cheap", "action": action})


_buy, _red = '{"type": "click", "name": "buy now"}', '{"type": "type_and_submit", "name": "search", "text": "a red mug today"}'
_asked = {
    "prompts": ["q"] * 9,
    "completions": [
        _does(type="click", name="Buy now"),
        _does(type="click", name="buy later"),  # ROUGE-L is 1/2
        _does(type="terminate"),
        _does(type="terminate"),
        _does(type="type_and_submit", name="search", text="red mug today"),  # 2 * 3 / 7
        _does(type="type_and_submit", name="", text="mug"),
        "it is cheap",
        '{"action": {"type": "terminate"}}',
        "",
    ],
    "answer": [_buy, _buy, _buy, '{"type": "terminate"}', _red, _red, _buy, '{"type": "terminate"}', None],
}
_paid = [1001.0, 1.0, 0.5, 0.8, 0.5 + 0.3 + 0.1 + 0.1 + 0.1 + 6000 / 7, 0.9, 0.0, 0.0, None]
witness = (
    Witness(GradedAction(), parent=StringMatch(), given=_asked, returns=_paid),
    Witness(
        GradedAction(formed=0.25),
        parent=GradedAction(),
        given={"prompts": ["q"], "completions": [_does(type="terminate")], "answer": [_buy]},
        returns=[0.25],
    ),
    Witness(
        GradedAction(parts={"terminate": {}, "click": {}, "type_and_submit": {}}, kind=2.0),
        parent=GradedAction(),
        given=_asked,
        returns=[2.5, 2.5, 0.5, 2.5, 2.5, 2.5, 0.0, 0.0, None],
    ),
    Witness(GradedAction(nearest=0.5), parent=GradedAction(), given=_asked, returns=[1001.0, 501.0, *_paid[2:]]),
)
