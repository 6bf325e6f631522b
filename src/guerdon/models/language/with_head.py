"""A policy with a head beside its own: what it is trained on besides, so that its hidden states know of it.

    WithHead(LanguageModel("..."), Categories(4))       # measures what a policy measures, and ``category_logits`` [B, K]

It acts, is compared with views and is saved as the policy without the head; the head's parameters are trained along and belong to
checkpoints only.

Source: ours; auxiliary losses on a policy's hidden states are as old as multi-task learning (Caruana 1997).
Differs from Headed: the body is still a policy.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from guerdon.models import Finished, Model
from guerdon.models.heads import Head
from guerdon.models.language.headed import HeadedModel
from guerdon.models.language.over_policy import OverPolicy
from guerdon.models.language.policy import LanguagePolicy
from guerdon.models.language.tiles import NextSteps
from guerdon.sequences import Decoding, Sequences


@dataclass(frozen=True)
class WithHead:
    """Specification: a body (any language model's specification) and a head."""

    body: Any
    head: Head

    def build(self, seed: int = 0) -> "PolicyWithHead":
        return PolicyWithHead(self.body.build(seed), self.head, seed)


class PolicyWithHead(OverPolicy):
    """The running policy and the head; ``module`` holds the parameters of both."""

    def __init__(self, policy: LanguagePolicy, head: Head, seed: int):
        self.policy, self.headed = policy, HeadedModel(policy, head, seed)
        self.module, self.tokenizer, self.device = self.headed.module, policy.tokenizer, policy.device

    @property
    def measures(self) -> Set[str]:
        return self.policy.measures | self.headed.measures

    @property
    def compares(self) -> Set[str]:
        return self.policy.compares

    @property
    def packed(self) -> bool:
        """Whether sequences are measured in one flat row, shared contexts once."""
        return self.policy.packed

    @property
    def drops(self) -> bool:
        """Whether inputs of adapters are dropped while a gradient is computed."""
        return self.policy.drops

    def measure(self, sequences: Sequences, names: Set[str], views: Mapping[str, Model] | None = None) -> dict[str, Tensor]:
        """The policy's quantities and the head's. Both at once are two forward passes."""
        own = names - self.headed.measures
        found = self.policy.measure(sequences, own, views) if own else {}
        return found | self.headed.measure(sequences, names)

    def next_steps(self, sequences: Sequences) -> NextSteps:
        """The next-step distributions at the acted steps, for another policy to be compared with."""
        return self.policy.next_steps(sequences)

    def sample(
        self, contexts: Sequence[Tensor], context: Tensor, decoding: Decoding, uniforms: Tensor, finished: Finished | None = None
    ) -> Sequences:
        """See ``guerdon.models.Policy``."""
        return self.policy.sample(contexts, context, decoding, uniforms, finished)

    def reference(self) -> LanguagePolicy:
        """The policy as it is now, frozen, without the head."""
        return self.policy.reference()

    def save(self, folder: Path, merge: bool = True) -> None:
        """The policy, without the head."""
        self.policy.save(folder, merge)
