"""Simulated user: somebody who wants something speaks with the policy: a model that plays a person, as the row describes them.

    prompt, what the user says first, turn, what the user answers, turn, ...        until the user says ``ends``

``writer`` (``feedback.writers``) is a model that runs here, or one behind an address, and not the policy: it is not trained. ``persona`` is what it is told of whom it plays, with
columns of the row in braces. What it says is drawn at ``temperature``, from a seed that follows from the row's and from the turn. Where it gives no answer the episode fails.

What the policy is worth is for reward functions to say, or for a judge that reads the whole conversation (``feedback.rewards.judge``); the user earns it nothing.

Source: simulated users of tau-bench, arXiv 2406.12045, and LMRL-Gym, arXiv 2311.18232; the words are ours.
Differs from PythonClass: nobody writes what follows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from guerdon.errors import InputError
from guerdon.feedback.writers import Question, Writer
from guerdon.randomness import derive
from guerdon.tasks.environments import Row, Said, Told
from guerdon.tasks.filling import filled

PLAYS = (
    "You play a person who speaks with an assistant, and never the assistant. {persona}\n"
    "Say what this person would say next, in one or two sentences, and nothing else. When this person has what they want, or gives up, say {ends}."
)


@dataclass(frozen=True)
class SimulatedUser:
    writer: Writer
    persona: str = "The person wants this: {goal}"
    ends: str = "[END]"
    temperature: float = 1.0
    max_tokens: int = 128

    def __post_init__(self) -> None:
        if not self.ends.strip():
            raise InputError("simulated_user: ends is empty, and the user could never end the conversation; give it a word, such as [END]")

    def build(self) -> "Running":
        return Running(self)


class Running:
    """One conversation."""

    def __init__(self, told: SimulatedUser) -> None:
        self._told = told
        self._heard: list[Mapping[str, str]] = []

    def reset(self, row: Row, seed: int) -> str:
        told = self._told
        persona = filled(told.persona, row, who="simulated_user.persona")
        system = PLAYS.replace("{persona}", persona).replace("{ends}", told.ends)
        self._heard, self._seed = (
            [{"role": "system", "content": system}, {"role": "user", "content": "Hello! What can I do for you?"}],
            seed,
        )
        return self._says()

    def step(self, said: Said) -> Told:
        self._heard.append({"role": "user", "content": said.text})
        answer = self._says()
        text, end, _ = answer.partition(self._told.ends)
        return Told(text.strip(), done=True, figures={"ended_by_user": 1.0}) if end else Told(answer)

    def _says(self) -> str:
        told = self._told
        question = Question(tuple(self._heard), told.max_tokens, told.temperature, derive(self._seed, "user", len(self._heard)))
        (answer,) = told.writer([question])
        if answer.why or not answer.text.strip():
            raise RuntimeError(f"the simulated user said nothing: {answer.why or 'an empty text'}")
        self._heard.append({"role": "assistant", "content": answer.text.strip()})
        return answer.text.strip()

    def state(self) -> Any:
        return {"heard": list(self._heard), "seed": self._seed}

    def restore(self, state: Any) -> None:
        self._heard, self._seed = list(state["heard"]), state["seed"]

    def close(self) -> None:
        pass
