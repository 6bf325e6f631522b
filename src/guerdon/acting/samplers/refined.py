"""Refined: answers, and beside them what the policy made of some of them when it was told what was wrong, as if that had been its answer to the prompt.

    prompt → own answers (actor 0);   prompt, answer, reply → refinement of each;   the best ``refined`` of a prompt's refinements (actor 1) stand beside its answers

P prompts → up to ``num_generations`` * P sequences, of which ``refined`` are refinements, those of one prompt next to each other, its own first. ``reply`` (``acting.replies``)
says what an answer is told, a verdict or a critique; an answer to which nothing is replied is not refined. Best is the reward; of equal ones the first. All of a prompt are one
group, whose rewards are compared.

A refinement is a sequence in answer to the plain prompt. Its ``old_logp`` is 0, as if whoever wrote it had been sure of it, so that a ratio to it is the policy's probability
without what was told: ``saturating_ratio`` is then the shaping p / (p + half) of its source.

Source: Critique-GRPO, arXiv 2506.03106, abstract, and its authors' code and script (7 answers and 1 refinement; what it is told is the verdict and the known answer). There one
refinement of each prompt is kept, those that are right first, as here.
Differs from Attempts: a refinement stands by itself, and what it was told is not read when it is learned from. Differs from Hinted: what is told depends on the answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor

from guerdon.acting.engines import Engine
from guerdon.acting.replies import Reply
from guerdon.acting.replies.sentence import Sentence
from guerdon.acting.replies.verdict import Verdict
from guerdon.acting.samplers import Conversation, Score
from guerdon.acting.samplers.attempts import Attempts
from guerdon.acting.samplers.group import Group
from guerdon.errors import InputError
from guerdon.models import Policy
from guerdon.models.finite._scripted import Scripted
from guerdon.randomness import generator
from guerdon.sequences import Decoding, Sequences, concatenate
from guerdon.witness import Witness


@dataclass(frozen=True)
class Refined:
    records: ClassVar[frozenset[str]] = frozenset({"actor"})
    looks: ClassVar[bool] = True
    attempts: ClassVar[int] = 2
    apart: ClassVar[bool] = True  # each answer is a sequence of its own

    num_generations: int = 8
    refined: int = 1
    reply: Reply = Verdict(right="That is right. Answer again.")
    engine: Engine | None = None

    def __post_init__(self) -> None:
        if not 0 < self.refined < self.num_generations:
            raise InputError(
                f"sampler: refined is {self.refined} and num_generations {self.num_generations}; of a group at least 1 sequence is a refinement, and at least 1 is none"
            )

    def __call__(
        self,
        policy: Policy,
        contexts: Sequence[Tensor],
        decoding: Decoding,
        seed: int,
        conversation: Conversation,
        score: Score,
    ) -> Sequences:
        own = Group(self.num_generations - self.refined, self.engine)(policy, contexts, decoding, seed)
        conversation.hear(own, torch.arange(len(own)))
        texts = conversation.replied(self.reply)
        if any(len(text) > 1 for text in texts):
            raise InputError(
                "sampler: the reply lets the policy say something on the way, and a refinement follows at once; take a reply of one text"
            )
        told = torch.tensor([place for place, text in enumerate(texts) if text], dtype=torch.long)
        own = replace(own, quantities={name: own.quantities[name] for name in ("old_logp", "terminated")})
        parts = [own.with_quantities(actor=torch.zeros(len(own), dtype=torch.long))]
        if len(told):
            words = conversation.tell(told, [texts[row][0] for row in told.tolist()])
            read = [
                torch.cat([contexts[int(own.context[row])], own.actions[row, : own.length[row]], said])
                for row, said in zip(told.tolist(), words, strict=True)
            ]
            draw = policy.sample if self.engine is None else partial(self.engine, policy)
            uniforms = torch.rand(len(own), decoding.max_completion_length, generator=generator(seed, "refined"))[told]
            drawn = draw(read, torch.arange(len(told)), decoding, uniforms)
            drawn = replace(drawn, contexts=list(contexts), context=own.context[told])
            best = self._best(score(drawn), drawn.context)
            kept = drawn.select(best)
            sure = {"old_logp": torch.zeros_like(kept.quantities["old_logp"]), "terminated": kept.quantities["terminated"]}
            kept = replace(kept, contexts=list(contexts), context=drawn.context[best], quantities=sure)
            parts.append(kept.with_quantities(actor=torch.ones(len(kept), dtype=torch.long)))
        together = concatenate(parts)
        context = together.context % len(contexts)
        return replace(together, contexts=list(contexts), context=context).select(torch.argsort(context, stable=True))

    def _best(self, reward: Tensor, context: Tensor) -> Tensor:
        """The rows of the best of each prompt's, in their order."""
        known = torch.where(reward.isnan(), -torch.inf, reward)
        of_each = [(context == prompt).nonzero().squeeze(-1) for prompt in torch.unique(context)]
        return torch.cat([own[known[own].argsort(descending=True, stable=True)[: self.refined]] for own in of_each]).sort().values


class _Numbers:
    """A conversation in numbers, in which whoever said 1 is told nothing."""

    def hear(self, said: Sequences, rows: Tensor, attempt: bool = True) -> None:
        self.said = said.actions[:, 0].tolist()

    def replied(self, reply: Reply) -> list[tuple[str, ...]]:
        return [() if said == 1 else own for said, own in zip(self.said, reply([{}] * len(self.said)), strict=True)]

    def tell(self, rows: Tensor, texts: Sequence[str]) -> list[Tensor]:
        return [torch.tensor([int(text)]) for text in texts]


def _first(sequences: Sequences) -> Tensor:
    return sequences.actions[:, 0].double()


_given = {
    "policy": Scripted((((7,), (1, 8)), ((9,), (2,))), continued=(((5, 5),), ((3,),))),
    "contexts": [torch.tensor([0]), torch.tensor([1])],
    "decoding": Decoding(max_completion_length=3),
    "seed": 0,
    "conversation": _Numbers(),
    "score": _first,
}
witness = (
    Witness(  # 1 8 is not refined
        Refined(3, reply=Sentence("0")),
        parent=Attempts(2, reply=Sentence("0")),
        given=_given,
        returns={
            "context": [0, 0, 0, 1, 1, 1],
            "actions": [[7, 0], [1, 8], [5, 5], [9, 0], [2, 0], [3, 0]],
            "actor": [0, 0, 1, 0, 0, 1],
            "length": [1, 2, 2, 1, 1, 1],
        },
    ),
    Witness(
        Refined(4, refined=2, reply=Sentence("0")),
        parent=Refined(4, reply=Sentence("0")),
        given=_given,
        returns={
            "context": [0, 0, 0, 1, 1, 1, 1],
            "actions": [[7, 0], [1, 8], [5, 5], [9, 0], [2, 0], [3, 0], [3, 0]],
            "actor": [0, 0, 1, 0, 0, 1, 1],
        },
    ),
)
