"""Attempts: the policy answers, is told something, and answers again, in one conversation.

    prompt, answer 1, reply, answer 2, reply, ...        ``attempts`` answers at most; the tokens of a reply have a ``mask`` of false

P prompts → ``num_generations`` * P sequences, those of one prompt next to each other. ``reply`` (``acting.replies``) says what stands between two answers: a fixed sentence, a
verdict, somebody's feedback, the policy's own critique; or that the conversation is over. Recorded are

    attempt [B, T]           which attempt a step belongs to, from 0; a reply, and what the policy says before it answers again, belongs to the attempt that it leads to
    attempt_reward [B, A]    the combined reward of each attempt, as if it were the only answer to the prompt; NaN where none was made

and what is rewarded as a whole is the last attempt. ``max_completion_length`` bounds the whole of a sequence: each attempt, with the reply before it, has an equal share of it.
What the policy says on the way to an answer has at most half of what the reply leaves.

All sequences that go on are drawn together, attempt by attempt, by the policy or an ``engine``; what was said before is read as one context. ``attempts`` 1 is Group.

Source: the two attempts of SCoRE, arXiv 2409.12917; n attempts, arXiv 2407.18219 (RISE).
Differs from Group: a sequence holds several answers, and text that nobody drew.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor

from guerdon.acting.engines import Engine
from guerdon.acting.replies import Reply
from guerdon.acting.replies.critique import Critique
from guerdon.acting.replies.sentence import Sentence
from guerdon.acting.samplers import Conversation
from guerdon.acting.samplers._piecewise import Piecewise, within
from guerdon.acting.samplers.group import Group
from guerdon.errors import InputError
from guerdon.models import Policy
from guerdon.models.finite._scripted import Scripted
from guerdon.randomness import generator
from guerdon.sequences import Decoding, Sequences
from guerdon.witness import Witness


@dataclass(frozen=True)
class Attempts:
    records: ClassVar[frozenset[str]] = frozenset({"attempt", "attempt_reward"})
    looks: ClassVar[bool] = True

    num_generations: int = 8
    attempts: int = 2
    reply: Reply = Sentence()
    engine: Engine | None = None

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise InputError(f"sampler: attempts is {self.attempts}; it is 1 or more")

    def __call__(
        self,
        policy: Policy,
        contexts: Sequence[Tensor],
        decoding: Decoding,
        seed: int,
        conversation: Conversation,
        counts: Tensor | None = None,
    ) -> Sequences:
        share = decoding.max_completion_length // self.attempts
        if share < 1:
            raise InputError(
                f"sampler: {self.attempts} attempts share max_completion_length, which is {decoding.max_completion_length}; raise it, or take fewer attempts"
            )
        context = torch.arange(len(contexts)).repeat_interleave(self.num_generations if counts is None else counts)
        draw = policy.sample if self.engine is None else partial(self.engine, policy)
        uniforms = torch.rand(len(context), share, generator=generator(seed, "sample"))
        first = draw(contexts, context, replace(decoding, max_completion_length=share), uniforms)
        so_far = Piecewise(contexts, context, first.temperature, "attempt")
        going = torch.arange(len(context))
        so_far.add(going, first, 0)
        conversation.hear(first, going)
        for attempt in range(1, self.attempts):
            texts = conversation.replied(self.reply)
            going, texts = going[torch.tensor([bool(own) for own in texts], dtype=torch.bool)], [own for own in texts if own]
            if not len(going):
                break
            room = torch.full((len(going),), share)
            for place, now in enumerate(zip(*texts, strict=True), 1):
                answers = place == len(texts[0])
                told = conversation.tell(going, now)
                room -= torch.tensor([len(tokens) for tokens in told])
                if room.min() < 1:
                    raise InputError(
                        f"sampler: a reply has {len(told[int(room.argmin())])} tokens, and an attempt with the reply before it has room for {share}, its share of "
                        "max_completion_length; raise that, or say less"
                    )
                bound = room if answers else room.div(2, rounding_mode="floor").clamp(min=1)
                uniforms = torch.rand(len(context), share, generator=generator(seed, "attempt", attempt, place))[going]
                limit = replace(decoding, max_completion_length=int(bound.max()))
                read = [so_far.read(row, tokens) for row, tokens in zip(going.tolist(), told, strict=True)]
                drawn = draw(read, torch.arange(len(going)), limit, uniforms[:, : limit.max_completion_length])
                said = within(replace(drawn, contexts=list(contexts), context=context[going]), bound)
                so_far.tell(going, told, attempt)
                so_far.add(going, said, attempt, answers or getattr(self.reply, "learned", True))
                conversation.hear(said, going, attempt=answers)
                room = room - said.length
        return so_far.sequences()


class _Numbers:
    """A conversation in numbers, in which whoever said 1 is told nothing more."""

    def hear(self, said: Sequences, rows: Tensor, attempt: bool = True) -> None:
        self.said = said.actions[:, 0].tolist() if attempt else self.said

    def replied(self, reply: Reply) -> list[tuple[str, ...]]:
        return [() if said == 1 else own for said, own in zip(self.said, reply([{}] * len(self.said)), strict=True)]

    def tell(self, rows: Tensor, texts: Sequence[str]) -> list[Tensor]:
        return [torch.tensor([int(word) for word in text.split()], dtype=torch.long) for text in texts]


_given = {
    "policy": Scripted((((7,), (1, 8, 8)), ((9,),)), continued=(((5, 5, 5, 5),), ((6,),))),
    "contexts": [torch.tensor([0]), torch.tensor([1])],
    "decoding": Decoding(max_completion_length=8),
    "seed": 0,
    "conversation": _Numbers(),
}
witness = (
    Witness(  # the second answer to the first prompt ends the conversation; 5 5 5 5 has room for three steps behind its reply
        Attempts(2, reply=Sentence("0")),
        parent=Group(num_generations=2),
        given=_given,
        returns={
            "context": [0, 0, 1, 1],
            "actions": [[7, 0, 5, 5, 5], [1, 8, 8, 0, 0], [9, 0, 6, 0, 0], [9, 0, 6, 0, 0]],
            "mask": [[1, 0, 1, 1, 1], [1, 1, 1, 0, 0], [1, 0, 1, 0, 0], [1, 0, 1, 0, 0]],
            "attempt": [[0, 1, 1, 1, 1], [0, 0, 0, 0, 0], [0, 1, 1, 0, 0], [0, 1, 1, 0, 0]],
            "length": [5, 3, 3, 3],
        },
    ),
    Witness(
        Attempts(1, attempts=3, reply=Sentence("0")),
        parent=Attempts(1, reply=Sentence("0")),
        given={**_given, "decoding": Decoding(max_completion_length=9)},
        returns={"actions": [[7, 0, 5, 5, 0, 5, 5], [9, 0, 6, 0, 6, 0, 0]], "attempt": [[0, 1, 1, 1, 2, 2, 2], [0, 1, 1, 2, 2, 0, 0]]},
    ),
    Witness(  # 4 - 1 told leaves 3, of which the critique has 1; 1 more told leaves 1
        Attempts(1, reply=Critique("2", "3", learned=False)),
        parent=Attempts(1, reply=Critique("2", "3")),
        given=_given,
        returns={"actions": [[7, 2, 5, 3, 5], [9, 2, 6, 3, 6]], "mask": [[1, 0, 0, 0, 1], [1, 0, 0, 0, 1]]},
    ),
)
