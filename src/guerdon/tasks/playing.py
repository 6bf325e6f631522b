"""Playing: an episode with a policy that is a function of text, to see an environment at work without a model.

    transcript = play(environment, {"prompt": "What is 3 * 4?"}, lambda told: "12")

The policy is told what was told last (before its first turn, the prompt with what the environment says first) and says its turn; calls of tools in it are read in ``calls``. A
list of texts is a policy that says one after another.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from guerdon.errors import InputError
from guerdon.tasks.calls import CallFormat
from guerdon.tasks.calls.hermes import Hermes
from guerdon.tasks.environments import Row, Said, Told
from guerdon.tasks.messages import Message
from guerdon.tasks.spelled import typed

Policy = Callable[[str], str] | Sequence[str]


@dataclass
class Transcript:
    """An episode.

    Attributes:
        messages: all that was said and told, the prompt first.
        tools: schemas, as they were at the beginning.
        rewards: what each turn earned; None where nothing was said of it.
        done, truncated: how it ended; neither where the turns were over first.
        figures: of each turn.
    """

    messages: list[Message]
    tools: list[Any] = field(default_factory=list)
    rewards: list[float | None] = field(default_factory=list)
    done: bool = False
    truncated: bool = False
    figures: list[Any] = field(default_factory=list)

    @property
    def reward(self) -> float | None:
        """Of the episode: the sum; None where no turn earned anything."""
        there = [reward for reward in self.rewards if reward is not None]
        return sum(there) if there else None

    @property
    def turns(self) -> list[str]:
        """What the policy said."""
        return [str(message["content"]) for message in self.messages if message["role"] == "assistant"]

    def __str__(self) -> str:
        said = [f"[{message['role']}] {message['content']}" for message in self.messages]
        end = "truncated" if self.truncated else "over" if self.done else "not over"
        return "\n".join([*said, f"({end}; reward {self.reward})"])


def play(
    environment: Any, row: Row | None = None, policy: Policy = (), seed: int = 0, calls: CallFormat | None = None, turns: int = 32
) -> Transcript:
    """An episode of at most ``turns`` turns.

    Args:
        environment: a specification, which is built and closed, or one that runs.
        calls: how calls of tools are written; Hermes where nothing is said, and the environment has tools.

    Raises:
        InputError: the policy says no text, or has nothing more to say.
    """
    running = environment.build() if hasattr(environment, "build") else environment
    try:
        return _played(running, row or {}, policy, seed, calls or Hermes(), turns)
    finally:
        if running is not environment:
            running.close()


def _played(running: Any, row: Row, policy: Policy, seed: int, calls: CallFormat, turns: int) -> Transcript:
    first = running.reset(row, seed)
    transcript = Transcript(begun(row.get("prompt"), first))
    transcript.tools = list(getattr(running, "tools", None) or [])
    say = _speaker(policy)
    told: str | Sequence[Message] = transcript.messages
    for _ in range(turns):
        spoken = say(told if isinstance(told, str) else "\n".join(str(message["content"]) for message in told))
        if not isinstance(spoken, str):
            raise InputError(f"the policy said {str(spoken)[:60]!r}, which is no text")
        found = calls.read(spoken) if transcript.tools else None
        transcript.messages.append({"role": "assistant", "content": spoken})
        answer: Told = running.step(Said(spoken) if found is None else Said(found.text, typed(found.calls, transcript.tools)))
        transcript.rewards.append(answer.reward)
        transcript.figures.append(dict(answer.figures))
        told = answer.text
        if told:
            transcript.messages += [{"role": "user", "content": told}] if isinstance(told, str) else told
        if answer.done:
            transcript.done, transcript.truncated = True, answer.truncated
            return transcript
    if hasattr(running, "ended"):
        transcript.rewards.append(running.ended())
    return transcript


def begun(prompt: Any, first: str | Sequence[Message] | None) -> list[Message]:
    """The prompt with what an environment says first: a text goes to the end of the last user's message, messages stand behind."""
    messages = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else list(prompt or [])
    if not first:
        return messages
    if not isinstance(first, str):
        return [*messages, *first]
    if messages and messages[-1]["role"] == "user" and isinstance(messages[-1]["content"], str):
        return [*messages[:-1], {**messages[-1], "content": f"{messages[-1]['content']}{first}"}]
    return [*messages, {"role": "user", "content": first}]


def _speaker(policy: Policy) -> Callable[[str], str]:
    if callable(policy):
        return policy
    left = iter(policy)

    def say(told: str) -> str:
        spoken = next(left, None)
        if spoken is None:
            raise InputError(f"the policy has nothing more to say, and the episode goes on; it was told {told[-200:]!r}")
        return spoken

    return say
