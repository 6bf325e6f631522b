"""Everything with parameters. A *specification* (``LanguageModel``, ``Tabular``, ``Scorer``) is a frozen dataclass; its ``build()``
returns the running model, which meets one of the protocols below.
"""

from collections.abc import Callable, Mapping, Sequence, Set
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Protocol

from torch import Tensor, nn

from guerdon.sequences import Decoding, Sequences

Finished = Callable[[Sequences, Tensor], None]
"""Is told while sequences are drawn: all B of them as far as they are, and which rows have just ended. Their actions, length and context will
not change; other rows, and other quantities, are not to be read."""


class Model(Protocol):
    """Something that measures sequences: a policy, a critic, a scorer."""

    module: nn.Module  # holds every parameter; what is saved is its trainable part

    @property
    def measures(self) -> Set[str]:
        """The base names that ``measure`` can compute."""
        ...

    def measure(self, sequences: Sequences, names: Set[str]) -> dict[str, Tensor]:
        """The named quantities of the sequences under this model, with gradients: [B, T] (0 where ``mask`` is false) or [B]."""
        ...

    def save(self, folder: Path, merge: bool = True) -> None:
        """Write the model in its ecosystem's format. ``merge`` writes adapters into the weights, so that the folder stands alone; without
        it a checkpoint stays small."""
        ...


class Policy(Model, Protocol):
    """A model that can also act."""

    def sample(self, contexts: Sequence[Tensor], context: Tensor, decoding: Decoding, uniforms: Tensor) -> Sequences:
        """Draw one sequence for each entry of ``context`` [B] (indices into ``contexts``), recording ``old_logp`` and
        ``terminated``. ``uniforms`` [B, max_completion_length] are the random numbers in [0, 1): row b depends on nothing but its own
        context, its own uniforms and the parameters. A policy that can tell of sequences before all have ended has another argument,
        ``finished: Finished | None = None``."""
        ...

    def reference(self) -> Model:
        """The policy as it is now, frozen: by adapter-off where there is one, else by a copy."""
        ...


class Comparing(Policy, Protocol):
    """A policy that also measures how its next-step distributions differ from those of other policies of its kind."""

    @property
    def compares(self) -> Set[str]:
        """The base names that ``measure`` can compute of itself and a view: asked for with the view, as ``ref_kl``."""
        ...

    def measure(self, sequences: Sequences, names: Set[str], views: Mapping[str, Model] | None = None) -> dict[str, Tensor]:
        """As ``Model.measure``; what compares does so with the models in ``views``, to which no gradient flows."""
        ...


class Mixable(Policy, Protocol):
    """A policy whose next-step logits can be combined with those of another of its kind."""

    def mixed(self, other: Policy, weight: float) -> Policy:
        """The policy with logits (1 - weight) * own + weight * those of ``other``, at every step: 0 is this policy, 1 the other; below 0 it goes on from
        the other one through this one. It samples, from the parameters as they then are, and is not trained."""
        ...


class Searchable(Policy, Protocol):
    """A policy whose next steps can be looked at before one is taken: ``measures`` has ``top_logp`` and ``top_action``."""

    @property
    def ends(self) -> Tensor:
        """The actions that end a sequence; empty where only its length does."""
        ...


class Remembering(Policy, Protocol):
    """A policy that may keep what it computed of what it read and drew, for contexts that go on from there."""

    def remembering(self) -> AbstractContextManager[None]:
        """Within, ``sample`` computes of each context only what no context or sequence before began with. Nothing that is drawn changes by it, but for rounding. The
        parameters must not move meanwhile."""
        ...


def remembering(policy: Policy) -> AbstractContextManager[None]:
    """Within, the policy remembers, if it is one that can."""
    return policy.remembering() if hasattr(policy, "remembering") else nullcontext()


class Enumerable(Policy, Protocol):
    """A policy over finitely many sequences per context: expectations under it are sums."""

    def enumerate(self, context: int) -> Sequences:
        """Every sequence that can answer the context with this index, once."""
        ...

    def probabilities(self, context: int) -> Tensor:
        """[S], the probability of each of them, in the same order, with gradients."""
        ...
