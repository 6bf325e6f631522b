"""Linear softmax: an output head on fixed features of the context and of what was said, as a language model whose body is frozen.

    logits[x, s] = own[x, s] + W h[x, s],    kind of x = x mod kinds        [C, P, V]; ``own`` and h are frozen, W [V, D] is trained
    h[x, s] = (z[kind of x, s] + apart * z'[x, s]) / sqrt(D (1 + apart^2)),   z, z' ~ N(0, 1)        the length of h is about 1

With fewer features than prefixes, what is learned after one prefix acts on all others, as far as their features are alike, and on contexts that were never
practised. The features are what a language model calls its last hidden states: ``hidden`` [B, T, D] is measured.

Source: the linear softmax policy of Sutton and Barto 2018, eq. 13.2 and 13.3. Features that are drawn are ours.
Differs from SharedShift: prefixes share as well as contexts. With one-hot features of kind and prefix it is that one.
Defaults: ``own`` and ``shared`` are the standard deviations of the two parts of the initial logits; 0 starts from the uniform policy.
"""

import copy
from collections.abc import Mapping, Set
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from guerdon.errors import InputError
from guerdon.models import Model
from guerdon.models.finite.policy import TablePolicy
from guerdon.models.finite.tree import PrefixTree, context_indices
from guerdon.randomness import generator
from guerdon.sequences import Sequences
from guerdon.steps import clean


@dataclass(frozen=True)
class LinearSoftmax:
    contexts: int
    kinds: int
    vocabulary: int
    depth: int
    features: int
    end: int | None = None
    apart: float = 0.0
    own: float = 0.0
    shared: float = 0.0
    seed: int = 0

    def build(self) -> "LinearPolicy":
        if not 1 <= self.kinds <= self.contexts or self.features < 1:
            raise InputError(
                f"LinearSoftmax has {self.contexts} contexts of {self.kinds} kinds and {self.features} features: give at least one of each, and one context to each kind"
            )
        tree = PrefixTree(self.vocabulary, self.depth, self.end)
        kind = torch.arange(self.contexts) % self.kinds
        common = self._draw("kinds", self.kinds, tree.prefixes, self.features)[kind]
        hidden = common + self.apart * self._draw("contexts", self.contexts, tree.prefixes, self.features)
        hidden = hidden / (self.features * (1 + self.apart**2)) ** 0.5
        own = self.own * self._draw("own", self.contexts, tree.prefixes, self.vocabulary)
        return LinearPolicy(tree, own, hidden, self.shared * self._draw("head", self.vocabulary, self.features))

    def _draw(self, what: str, *shape: int) -> Tensor:
        return torch.randn(shape, dtype=torch.float64, generator=generator(self.seed, "linear softmax", what))


class LinearPolicy(TablePolicy):
    """A policy over the sequences of a tree. ``module`` holds ``head`` [V, D]; saved, it is the whole table."""

    measures = TablePolicy.measures | {"hidden"}

    def __init__(self, tree: PrefixTree, own: Tensor, hidden: Tensor, head: Tensor) -> None:
        super().__init__(tree, own)
        self.own, self.hidden = own.detach().clone(), hidden.detach().clone()
        self.module = nn.ParameterDict({"head": nn.Parameter(head.detach().clone())})

    @property
    def logits(self) -> Tensor:
        return self.own + self.hidden @ self.module["head"].T

    def measure(self, sequences: Sequences, names: Set[str], views: Mapping[str, Model] | None = None) -> dict[str, Tensor]:
        """As a table's, and ``hidden`` [B, T, D]."""
        found = super().measure(sequences, names - {"hidden"}, views)
        if "hidden" in names:
            actions, mask = self._inside(sequences)
            where = context_indices(sequences, self.contexts).unsqueeze(-1)
            found["hidden"] = clean(self.hidden[where, self.tree.nodes(actions)], mask.unsqueeze(-1))
        return found

    def reference(self) -> "LinearPolicy":
        frozen = copy.deepcopy(self)
        frozen.module.requires_grad_(False)
        return frozen
