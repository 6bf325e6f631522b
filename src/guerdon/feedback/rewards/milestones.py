"""Milestones: how far a program, or an episode, has come before it failed, by what it was made to print on its way.

    reward = each * how many of ``milestones`` are reached        they count in their order, and the first that is missing ends it

The column ``milestones`` holds for each row the texts that stand for them ("data loaded", "model trained", "submission saved"), in the order in which they are to be reached.
None gives None. In an episode only what the policy is told is read (tools, the environment): what it says itself would be a claim. In a plain text all of it is read.

Source: Reinforcement Learning for Machine Learning Engineering Agents, arXiv 2509.01684: prints that are put into a program say which parts of it were run, and each is worth 0.1
beside the score of the whole; that they count in their order is ours (there each counts that is found).
Differs from KeySteps: the world says it and not the policy, and what comes after a gap is nothing.
"""

from dataclasses import dataclass
from typing import Any

from guerdon.feedback.rewards.key_steps import KeySteps
from guerdon.witness import Witness


@dataclass(frozen=True)
class Milestones:
    each: float = 0.1

    def __call__(self, prompts: list[Any], completions: list[Any], milestones: list[Any], **columns: list[Any]) -> list[float | None]:
        return [None if due is None else self.each * _reached(_told(said), due) for said, due in zip(completions, milestones, strict=True)]


def _told(completion: Any) -> str:
    """What the world said in it."""
    if isinstance(completion, str):
        return completion
    return "\n".join(str(message.get("content") or "") for message in completion if message.get("role") != "assistant")


def _reached(text: str, milestones: list[str]) -> int:
    place = 0
    for count, mark in enumerate(milestones):
        found = text.find(mark, place)
        if found < 0:
            return count
        place = found + len(mark)
    return len(milestones)


_asked = {
    "prompts": ["q"] * 4,
    "completions": [
        "loaded\ntrained\nsaved",
        "loaded\nsaved",
        "trained\nloaded",
        [{"role": "assistant", "content": "loaded"}, {"role": "tool", "content": "loaded"}, {"role": "assistant", "content": "trained"}],
    ],
    "milestones": [["loaded", "trained", "saved"]] * 4,
    "key_steps": [["loaded", "trained", "saved"]] * 4,
}
witness = (
    Witness(Milestones(each=1.0), parent=KeySteps(step=""), given=_asked, returns=[3.0, 1.0, 1.0, 1.0]),
    Witness(Milestones(each=0.5), parent=Milestones(each=1.0), given=_asked, returns=[1.5, 0.5, 0.5, 0.5]),
)
