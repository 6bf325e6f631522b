"""Samplers: a policy and prompts → rollouts.

A sampler that needs more asks for it by name: ``score``, a callable that rates complete sequences, and ``finished``
(``guerdon.models.Finished``), which it tells of sequences that have ended while it draws others. It asks for ``finished`` only if the rows that it
tells of are rows of what it returns. One in which others act asks for ``views``, the bound models, and says which of them in its property ``views``; one that
records quantities besides ``old_logp`` names them in ``records``; one that gives a prompt more sequences than its ``num_generations`` says how many in ``answers``.
One that asks the policy more than to draw says ``looks``, so that the policy does not move meanwhile.
One that searches asks for ``score_prefix``, a callable that rates sequences that may not have ended: by its field ``reward``, or by the rewards of the run where that is None.
One that can draw another number for each prompt takes ``counts`` [P]; one that begins answers with a part of a demonstration, another for each prompt, ``shares`` [P].
One that puts answers of the data beside the policy's asks for ``given``, which tells them for every prompt, and names their ``columns``.
One that puts more into a prompt than the row does asks for ``told``: template, column, amounts → contexts; where it learns from answers to these, they lie behind those of the
prompts, in their order, and ``hinted`` says which sequences answer them.
One in which the policy answers again asks for ``conversation``, and records ``attempt`` and, through it, ``attempt_reward``; it says in ``attempts`` how many there are at most.
One in which the policy acts in environments asks for ``episodes``; it says in ``turns`` how often the policy speaks at most, and records ``turn`` and ``turn_reward``.
Where episodes become several on their way, ``unbranched`` is the sampler without that.
One that makes sequences of their own of what was said in a conversation says ``apart``: they are judged as any.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from torch import Tensor

from guerdon.acting.overflow import Overflow
from guerdon.acting.replies import Reply
from guerdon.models import Policy
from guerdon.sequences import Decoding, Sequences, Side

Score = Callable[[Sequences], Tensor]  # B sequences → [B], higher is better; NaN where it does not apply
Given = Callable[[Sequence[str]], list[Mapping[str, Side]]]  # columns → of every prompt, the answers that its row holds there


class Conversation(Protocol):
    """Who listens while the policy answers, and goes on with the conversation. Rows are those of what the sampler will return."""

    def hear(self, said: Sequences, rows: Tensor, attempt: bool = True) -> None:
        """These rows said this, each to its prompt and what followed; ``attempt``: as an answer, and not on the way to one."""
        ...

    def replied(self, reply: Reply) -> list[tuple[str, ...]]:
        """What a part replies to the answers that were heard last, in their order."""
        ...

    def tell(self, rows: Tensor, texts: Sequence[str]) -> list[Tensor]:
        """The tokens by which each row is told its text, behind what it said last."""
        ...


@dataclass(frozen=True)
class Answer:
    """What an environment answers to a turn of the policy's.

    Attributes:
        told: the tokens that the policy is told, by which it is to speak again; none where its episode is over.
        reward: what the turn earned; NaN where nothing is said of that.
        over: the environment has come to its end; False where the episode is cut off.
        speaker: who speaks next, where the policy is several agents.
        others: what the turn earned others than its speaker, who get it for the turn that they had last.
        duration: for how long the environment was at work on it.
    """

    told: Tensor
    reward: float
    over: bool = False
    speaker: int = 0
    others: Mapping[int, float] = field(default_factory=dict)
    duration: float = 0.0


class Episodes(Protocol):
    """The environments of a batch, one for each sequence. Rows are those of what the sampler will return."""

    def begin(self, context: Tensor) -> Tensor:
        """An environment for each sequence, in answer to the prompt that ``context`` [B] names → [B], which of them can be acted in."""
        ...

    def answer(self, said: Sequences, rows: Tensor, room: Tensor, overflow: Overflow, last: bool) -> list[Answer]:
        """These rows said this. ``room``: for how many tokens each has room, if the policy is then to say one more; ``last``: it does not speak again, and is told nothing."""
        ...

    def branch(self, rows: Sequence[int], of: Sequence[int]) -> list[bool]:
        """These rows go on from where those are → which of them can."""
        ...

    def keep(self, rows: Sequence[int]) -> None:
        """The sampler returns these rows alone, in this order."""
        ...


class Sampler(Protocol):
    """``contexts``: P prompts as token ids → ``Sequences`` with ``old_logp`` recorded, ``context`` telling which
    prompt each row answers. The same seed gives the same rollouts, whatever the batch holds besides."""

    def __call__(self, policy: Policy, contexts: Sequence[Tensor], decoding: Decoding, seed: int, **named: Any) -> Sequences: ...
