"""Score: pairs of texts, as vLLM's score API takes them, and whoever follows it.

    POST /score {"text_1": prompts, "text_2": completions, "use_activation": false} → {"data": [{"index": 0, "score": 1.5}, ...]}

Rows are plain texts: how they are put together is the server's affair. ``activation`` true asks for the sigmoid of the score (a server of vLLM gives that where it is not told
otherwise). ``model`` is the name under which the server has the model; "" where it has only one.

Source: https://docs.vllm.ai/en/latest/models/pooling_models/scoring/; earlier versions call the field ``activation``.
Differs from Rewards: no conversations, and no tokens that were sampled.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from guerdon.feedback.remote import Ask
from guerdon.feedback.remote._answers import field, in_order, plain
from guerdon.feedback.remote.rewards import Rewards
from guerdon.witness import Witness


@dataclass(frozen=True)
class Score:
    at_once: ClassVar[int | None] = None

    model: str = ""
    activation: bool = False

    def __call__(self, ask: Ask, prompts: list[Any], completions: list[Any], **columns: list[Any]) -> list[float | None]:
        plain(prompts, completions, "the score API")
        body = {"text_1": prompts, "text_2": completions, "use_activation": self.activation, "activation": self.activation}
        answer = ask("/score", body | ({"model": self.model} if self.model else {}))
        return [field(entry, "score") for entry in in_order(answer, len(completions))]


def _canned(path: str, body: Any) -> Any:
    data = [{"index": 1, "score": 2.0}, {"index": 0, "score": 0.5 if body["use_activation"] else 1.0}]
    return {"data": data, "rewards": None, "model": body.get("model")}


_asked = {"ask": _canned, "prompts": ["q"] * 2, "completions": ["a", "b"]}
witness = (
    Witness(
        Score(),
        parent=Rewards(),
        given=_asked | {"ask": lambda path, body: _canned(path, {"use_activation": False, **body})},
        returns=[1.0, 2.0],
    ),
    Witness(Score(activation=True), parent=Score(), given=_asked, returns=[0.5, 2.0]),
    Witness(
        Score(model="m"),
        parent=Score(),
        given={"ask": lambda path, body: {"data": [{"index": 0, "score": float("model" in body)}]}, "prompts": ["q"], "completions": ["a"]},
        returns=[1.0],
    ),
)
