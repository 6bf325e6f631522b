"""Playing: episodes of a game with a policy that is a function, and what is written down of them: demonstrations to imitate, transitions with rewards to learn from offline.

    play(game, row, policy, seed)            -> Episode
    demonstrations(game, rows, seed, noise)  -> rows: prompt, messages, rewards, states, return
    transitions(demonstrations)              -> rows, one for each turn: prompt, completion, reward, done, state, next_state, return_to_go

The data of LMRL-Gym (arXiv 2311.18232) are mixtures of an expert and of random play; here ``noise`` is the probability that a turn is random, so that 0 is the expert and 1 plays
at random, and sets of different noise may be put together.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from guerdon.errors import InputError
from guerdon.randomness import derive
from guerdon.tasks.environments import Row, Said
from guerdon.worlds.games import Game

Policy = Callable[[Any, random.Random], str]  # a running environment and where to draw from -> what to say


@dataclass(frozen=True)
class Turn:
    """What was read, what was said to it, what that earned, and the situation that followed."""

    told: str
    said: str
    reward: float
    done: bool
    state: str | None


@dataclass(frozen=True)
class Episode:
    row: Row
    turns: tuple[Turn, ...]
    last: str  # what was told at the end
    solved: bool

    @property
    def total(self) -> float:
        """The return."""
        return sum(turn.reward for turn in self.turns)


def play(game: Game, row: Row, policy: Policy, seed: int = 0) -> Episode:
    """One episode; what the policy draws follows from the seed."""
    environment, draw, turns = game.build(), random.Random(derive(seed, "policy")), []
    reading, done, told = str(environment.reset(row, seed) or ""), False, None
    while not done:
        said = policy(environment, draw)
        told = environment.step(Said(said))
        turns.append(Turn(reading, said, told.reward or 0.0, told.done, told.state))
        reading, done = str(told.text), told.done
    environment.close()
    return Episode(row, tuple(turns), reading, bool(told and told.figures.get("solved")))


def noisy(game: Game, noise: float) -> Policy:
    """The expert, but for a share of turns, which are random actions.

    Raises:
        InputError: the share is not between 0 and 1.
    """
    if not 0 <= noise <= 1:
        raise InputError(f"noise={noise}: it is the share of turns that are random, from 0 to 1")

    def policy(environment: Any, draw: random.Random) -> str:
        return draw.choice(game.actions(environment)) if draw.random() < noise else game.expert(environment)

    return policy


def returns(game: Game, rows: Sequence[Row], policy: Policy, seed: int = 0) -> list[float]:
    """The return of an episode of each row."""
    return [play(game, row, policy, derive(seed, index)).total for index, row in enumerate(rows)]


def demonstrations(game: Game, rows: Sequence[Row], seed: int = 0, noise: float = 0.0) -> list[dict[str, Any]]:
    """An episode of each row. ``messages`` has what was told as the user's turns, the first of which begins with the row's prompt, and what was said as the assistant's;
    ``rewards`` and ``states`` have a number and a text for each turn of the assistant; ``return`` is their sum, ``solved`` how it ended."""
    policy, found = noisy(game, noise), []
    for index, row in enumerate(rows):
        episode = play(game, row, policy, derive(seed, index))
        messages = []
        for number, turn in enumerate(episode.turns):
            asked = turn.told if number else row["prompt"] + turn.told
            messages += [{"role": "user", "content": asked}, {"role": "assistant", "content": turn.said}]
        rewards, states = [turn.reward for turn in episode.turns], [turn.state for turn in episode.turns]
        found.append({**row, "messages": messages, "rewards": rewards, "states": states, "return": episode.total, "solved": episode.solved})
    return found


def transitions(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Each turn of demonstrations. ``prompt`` is all that was read and said before, one behind the other as plain text, ``completion`` what was said; ``state`` is the situation
    before it (the first has none) and ``next_state`` the one after; ``return_to_go`` what the turn and all that follow earned; ``episode`` and ``turn`` say where it stands."""
    found = []
    for episode, row in enumerate(rows):
        before, state, left = "", None, row["return"]
        for turn, reward in enumerate(row["rewards"]):
            asked, said = (message["content"] for message in row["messages"][2 * turn : 2 * turn + 2])
            done = turn + 1 == len(row["rewards"])
            place = {"episode": episode, "turn": turn, "state": state, "next_state": row["states"][turn]}
            found.append({"prompt": before + asked, "completion": said, "reward": reward, "done": done, "return_to_go": left, **place})
            before, state, left = before + asked + said, row["states"][turn], left - reward
    return found
