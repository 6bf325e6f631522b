"""Rewards: the arguments of a reward function, as ``guerdon serve reward`` takes them.

    POST /v1/rewards {"prompts": [...], "completions": [...]} → {"rewards": [...]}

Of a completion that the policy sampled its tokens go along, and whether it ended, so that a scorer with the policy's tokenizer reads what was sampled; so do the columns
of the chat template (``tools``, ``chat_template_kwargs``) and those in ``columns``, numbers that the scorer's head reads (``user``).

Source: ours.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from guerdon.feedback.remote import Ask
from guerdon.feedback.remote._answers import field, numbers
from guerdon.witness import Witness

TEMPLATE = ("tools", "chat_template_kwargs")


@dataclass(frozen=True)
class Rewards:
    at_once: ClassVar[int | None] = None

    columns: tuple[str, ...] = ()

    def __call__(self, ask: Ask, prompts: list[Any], completions: list[Any], **columns: list[Any]) -> list[float | None]:
        body: dict[str, Any] = {"prompts": prompts, "completions": completions}
        body |= {name: list(columns[name]) for name in TEMPLATE if any(value is not None for value in columns.get(name, ()))}
        said = [_text(completion) for completion in completions]
        sampled = [hasattr(text, "terminated") for text in said]
        if any(sampled):
            body["terminated"] = [bool(text.terminated) if own else None for text, own in zip(said, sampled, strict=True)]
            body["tokens"] = [list(text.tokens) if own and text.tokens else None for text, own in zip(said, sampled, strict=True)]
        if self.columns:
            body["columns"] = {name: [float(value) for value in columns[name]] for name in self.columns}
        return numbers(field(ask("/v1/rewards", body), "rewards"), len(completions))


def _text(completion: Any) -> Any:
    """The last text of a completion, which may carry what was sampled."""
    return completion if isinstance(completion, str) or not completion else completion[-1].get("content")


_asked = {
    "ask": lambda path, body: {"rewards": [float(len(text)) for text in body["completions"]]},
    "prompts": ["q"] * 2,
    "completions": ["a", "no"],
}
_of_users = {"ask": lambda path, body: {"rewards": body["columns"]["user"]}, "prompts": ["q"], "completions": ["a"], "user": [3]}
witness = (
    Witness(Rewards(), parent=None, given=_asked, returns=[1.0, 2.0]),
    Witness(Rewards(("user",)), parent=None, given=_of_users, returns=[3.0]),
)
