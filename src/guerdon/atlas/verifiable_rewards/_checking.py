"""Questions whose answers can be checked, if not surely, once they are written: what systems that correct themselves have in common.

Each of ``questions`` has one right answer of ``vocabulary``, and a policy believes something of each. Whether an answer is wrong shows when
it is written, through noise:

    sign(x, a) = +1 where a is wrong, -1 where it is right, + ``noise`` * N(0, 1), once for each question and answer

A policy is a few tables of a question's own, which can be learned by heart, and a few numbers that all questions share: how inclined it is
to keep what it wrote, and how much it minds a bad sign. Half of the questions are practised and half are held out; on these only what is
shared has changed. A seed is another world.
"""

import copy
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn

from guerdon.models.finite.policy import TablePolicy
from guerdon.models.finite.tree import PrefixTree, context_indices
from guerdon.randomness import generator
from guerdon.sequences import Sequences
from guerdon.training.judging import FiniteScene
from guerdon.worlds.finite.enumerable import EnumerableWorld


@dataclass(frozen=True)
class Questions(EnumerableWorld):
    """Answered twice, one answer after the other; what counts is the last."""

    questions: int = 32
    vocabulary: int = 5
    knows: float = 1.5  # logits by which a right answer is believed more than others, on average
    noise: float = 0.7
    seed: int = 0

    @property
    def contexts(self) -> int:
        return self.questions

    @property
    def tree(self) -> PrefixTree:
        return PrefixTree(self.vocabulary, 2)

    @cached_property
    def answer(self) -> Tensor:
        """[C]"""
        return torch.randint(0, self.vocabulary, (self.contexts,), generator=generator(self.seed, "answers"))

    @cached_property
    def wrong(self) -> Tensor:
        """[C, V], 1 where an answer is wrong."""
        return 1.0 - torch.nn.functional.one_hot(self.answer, self.vocabulary).double()

    @cached_property
    def beliefs(self) -> Tensor:
        """[C, V], logits of the first answer at the start."""
        return torch.randn(self.wrong.shape, dtype=torch.float64, generator=generator(self.seed, "beliefs")) + self.knows * (1 - self.wrong)

    @cached_property
    def sign(self) -> Tensor:
        """[C, V]"""
        return 2 * self.wrong - 1 + self.noise * torch.randn(self.wrong.shape, dtype=torch.float64, generator=generator(self.seed, "signs"))

    def rewards(self) -> Tensor:
        return 1.0 - self.wrong[:, self.tree.actions[:, -1]]

    def expected_reward_of(self, sequences: Sequences) -> Tensor:
        """[B], of the last action of each, however many there are."""
        last = sequences.actions.gather(1, (sequences.length - 1).clamp(min=0).unsqueeze(-1)).squeeze(-1)
        return 1.0 - self.wrong[context_indices(sequences, self.contexts), last]

    @property
    def practised(self) -> list[dict[str, int]]:
        return [{"prompt": i} for i in range(self.contexts // 2)]

    @property
    def held_out(self) -> slice:
        return slice(self.contexts // 2, None)


class Answering(TablePolicy):
    """Answers, and answers again: ``first`` [C, V]; ``again`` [C, V, V], of each first answer; ``keeps`` and ``minds``, numbers.

    logits of the second answer b after a:  first[b] + again[a, b] + (keeps - minds * sign(x, a)) where b = a
    """

    def __init__(self, world: Questions, keeps: float = 2.0, minds: float = 0.2) -> None:
        self.tree, self.sign = world.tree, world.sign
        c, v = world.beliefs.shape
        tables = {"first": world.beliefs, "again": torch.zeros(c, v, v).double()}
        numbers = {"keeps": torch.tensor(keeps).double(), "minds": torch.tensor(minds).double()}
        self.module = nn.ParameterDict({name: nn.Parameter(value.clone()) for name, value in (tables | numbers).items()})

    @property
    def logits(self) -> Tensor:
        own = self.module
        stay = own["keeps"] - own["minds"] * self.sign
        second = own["first"].unsqueeze(1) + own["again"] + torch.diag_embed(stay)
        return torch.cat([own["first"].unsqueeze(1), second], 1)

    def copy(self) -> "Answering":
        return copy.deepcopy(self)


class Conversed(FiniteScene):
    """Answers after answers, with nothing in between but that another one is asked for."""

    def told(self, row: dict, said: list[int], text: str) -> Tensor:
        return torch.zeros(0, dtype=torch.long)

    def transcript(self, row: dict, pieces: list) -> list[int]:
        return [action for piece in pieces if not isinstance(piece, str) for action in piece]


@torch.no_grad()
def measured(policy: Answering, world: Questions) -> dict[str, float]:
    """Of held-out questions, exactly: how likely the first and the second answer are right, and their difference."""
    here, actions = world.held_out, world.tree.actions
    right = 1.0 - world.wrong
    first, second = (float(policy.expect(right[:, actions[:, k]])[here].mean()) for k in (0, 1))
    changed = float(policy.expect((actions[:, 0] != actions[:, 1]).double().expand(world.contexts, -1))[here].mean())
    return {"first": first, "second": second, "gain": second - first, "changed": changed}
