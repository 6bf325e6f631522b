"""Classify: one conversation at a time, as vLLM classifies, and as a reward model that was trained on conversations is asked there.

    POST /classify {"messages": [..., {"role": "assistant", "content": "a"}], "use_activation": false} → {"data": [{"index": 0, "probs": [1.5]}]}

The server's chat template writes the conversation. A row of plain texts is sent as one text, prompt and completion, which no template touches. ``label`` is which of the model's
outputs is the number; a reward model has one.

Source: https://docs.vllm.ai/en/latest/models/pooling_models/classify/.
Differs from Score: conversations, a request for each of them.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from guerdon.errors import InputError
from guerdon.feedback.remote import Ask
from guerdon.feedback.remote._answers import field, in_order, shown
from guerdon.witness import Witness


@dataclass(frozen=True)
class Classify:
    at_once: ClassVar[int | None] = 1

    model: str = ""
    activation: bool = False
    label: int = -1

    def __call__(self, ask: Ask, prompts: list[Any], completions: list[Any], **columns: list[Any]) -> list[float | None]:
        return [self._one(ask, prompt, completion) for prompt, completion in zip(prompts, completions, strict=True)]

    def _one(self, ask: Ask, prompt: Any, completion: Any) -> float:
        if isinstance(prompt, str) != isinstance(completion, str):
            raise InputError("the prompt is a text and the completion messages, or the other way round; make both the same")
        own = (
            {"input": prompt + completion}
            if isinstance(prompt, str)
            else {"messages": [*prompt, *completion], "add_generation_prompt": False}
        )
        told = {"use_activation": self.activation, "activation": self.activation} | ({"model": self.model} if self.model else {})
        (entry,) = in_order(ask("/classify", own | told), 1)
        outputs = field(entry, "probs")
        if not isinstance(outputs, list) or not -len(outputs) <= self.label < len(outputs):
            raise InputError(f"the server answers with {shown(outputs)}, and label is {self.label}")
        return outputs[self.label]


def _canned(path: str, body: Any) -> Any:
    said = float(len(body.get("messages", ())))
    return {
        "data": [{"index": 0, "score": 9.0, "probs": [said + 1, said * (0.5 if body["use_activation"] else 1.0)]}],
        "model": body.get("model"),
    }


_asked = {"ask": _canned, "prompts": [[{"role": "user", "content": "q"}]], "completions": [[{"role": "assistant", "content": "a"}]]}
_named = {"ask": lambda path, body: {"data": [{"index": 0, "probs": [float("model" in body)]}]}, "prompts": ["q"], "completions": ["a"]}
witness = (
    Witness(Classify(), parent=Classify(label=0), given=_asked, returns=[2.0]),
    Witness(Classify(activation=True), parent=Classify(), given=_asked, returns=[1.0]),
    Witness(Classify(model="m"), parent=Classify(), given=_named, returns=[1.0]),
)
