"""Turns: the policy acts in an environment, turn by turn, until the episode is over; all of it is one sequence.

    prompt, turn 1, what it is told, turn 2, what it is told, ...        ``turns`` at most; the tokens that are told have a ``mask`` of false

P prompts → ``num_generations`` * P episodes, those of one prompt next to each other, each in an environment of its own. Recorded are

    turn [B, T]           which turn a step belongs to, from 0; what is told belongs to the turn that it leads to
    turn_reward [B, T]    what a turn earned, at its last step; 0 elsewhere, and where the environment says nothing of it
    agent [B, T]          whose turn it is, where the policy is several agents who speak in turn and hear each other; else 0
    duration [B, T]       at each acted step of a turn, for how long the environment was at work on the turn: what it says, or the seconds that its answer took

Tokens stay as they were drawn and told: what was said before is never written anew. ``max_completion_length`` bounds a whole sequence, ``turn_length`` a turn (None: by what is
left). Where what is told finds no room, ``overflow`` (``acting.overflow``) shortens it or ends the episode.

All episodes that go on are drawn together, turn by turn; one that is over leaves the batch. ``terminated`` says that it came to its end, and was not cut off.

Source: turns of an agent as one sequence in which what the environment says is masked, arXiv 2505.11821 (MT-GRPO), 2504.20073 (RAGEN), 2503.09516 (Search-R1).
Differs from Attempts: an environment says what follows and what it was worth, and no answer is judged by itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor

from guerdon.acting.engines import Engine
from guerdon.acting.overflow import Overflow
from guerdon.acting.overflow.stop import Stop
from guerdon.acting.samplers import Answer, Episodes
from guerdon.acting.samplers._turn_by_turn import TurnByTurn, refuse_no_turns
from guerdon.acting.samplers.group import Group
from guerdon.models import Policy, remembering
from guerdon.models.finite._scripted import Scripted
from guerdon.sequences import Decoding, Sequences
from guerdon.witness import Witness


@dataclass(frozen=True)
class Turns:
    records: ClassVar[frozenset[str]] = frozenset({"turn", "turn_reward", "agent", "duration"})
    looks: ClassVar[bool] = True

    num_generations: int = 8
    turns: int = 8
    turn_length: int | None = None
    overflow: Overflow = Stop()
    engine: Engine | None = None

    def __post_init__(self) -> None:
        refuse_no_turns(self)

    def __call__(
        self,
        policy: Policy,
        contexts: Sequence[Tensor],
        decoding: Decoding,
        seed: int,
        episodes: Episodes,
        counts: Tensor | None = None,
    ) -> Sequences:
        context = torch.arange(len(contexts)).repeat_interleave(self.num_generations if counts is None else counts)
        draw = policy.sample if self.engine is None else partial(self.engine, policy)
        acting = TurnByTurn(draw, contexts, context, decoding, seed, episodes, self)
        with remembering(policy):
            return acting.all_turns(episodes.begin(context).nonzero().squeeze(-1))


class _Counting:
    """An environment in numbers: whoever says 1 last has come to the end and earned 1, and who spoke before lost as much; others are told what they said last and earned nothing.
    Agents 0 and 1 speak in turn, and every turn takes as long as its number, from 1 on. Nobody can act in the third episode."""

    def begin(self, context: Tensor) -> Tensor:
        self.spoken = 0
        return torch.arange(len(context)) != 2

    def answer(self, said: Sequences, rows: Tensor, room: Tensor, overflow: Overflow, last: bool) -> list[Answer]:
        tokens = said.actions.gather(1, (said.length - 1).unsqueeze(-1)).squeeze(-1).tolist()
        on = [token != 1 and fits and not last for token, fits in zip(tokens, (room >= 1).tolist(), strict=True)]
        self.spoken += 1
        next_, before = self.spoken % 2, {self.spoken % 2: -1.0}
        return [
            Answer(torch.tensor([token] * more), float(token == 1), token == 1, next_, before if token == 1 else {}, float(self.spoken))
            for token, more in zip(tokens, on, strict=True)
        ]


_given = {
    "policy": Scripted((((7,), (8, 1)), ((9, 9), (5,))), continued=(((5, 5, 1),), ((6, 6, 6),))),
    "contexts": [torch.tensor([0]), torch.tensor([1])],
    "decoding": Decoding(max_completion_length=5),
    "seed": 0,
    "episodes": _Counting(),
}
witness = (
    Witness(  # the first comes to its end in the second turn, the second in the first; the last has room for two steps in its second turn
        Turns(2, turns=2),
        parent=Group(num_generations=2),
        given=_given,
        returns={
            "context": [0, 0, 1, 1],
            "actions": [[7, 7, 5, 5, 1], [8, 1, 0, 0, 0], [0, 0, 0, 0, 0], [9, 9, 9, 6, 6]],
            "mask": [[1, 0, 1, 1, 1], [1, 1, 0, 0, 0], [0, 0, 0, 0, 0], [1, 1, 0, 1, 1]],
            "turn": [[0, 1, 1, 1, 1], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0], [0, 0, 1, 1, 1]],
            "turn_reward": [[-1, 0, 0, 0, 1], [0, 1, 0, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]],
            "agent": [[0, 1, 1, 1, 1], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0], [0, 0, 1, 1, 1]],
            "duration": [[1, 0, 2, 2, 2], [1, 1, 0, 0, 0], [0, 0, 0, 0, 0], [1, 1, 0, 2, 2]],
            "terminated": [1, 1, 0, 0],
            "length": [5, 2, 0, 5],
        },
    ),
    Witness(
        Turns(2, turns=1),
        parent=Turns(2, turns=2),
        given=_given,
        returns={"actions": [[7, 0], [8, 1], [0, 0], [9, 9]], "terminated": [0, 1, 0, 0]},
    ),
    Witness(  # 5 5 1 is cut to one step, which the environment does not take for an end
        Turns(2, turns=2, turn_length=1),
        parent=Turns(2, turns=2),
        given=_given,
        returns={"actions": [[7, 7, 5], [8, 8, 5], [0, 0, 0], [9, 9, 6]], "terminated": [0, 0, 0, 0]},
    ),
)
