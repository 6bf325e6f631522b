"""Every outcome of a series of draws, one after another, each with its probability: so that what a recipe does in expectation is a sum.

    for chance in deck: ... deck.choose(probabilities) ...        as often as there are outcomes; in each all choices are made anew

The number of choices may depend on those before (a batch that is filled up); outcomes without probability are left out.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from guerdon.models.finite.policy import TablePolicy
from guerdon.models.finite.tree import PrefixTree
from guerdon.sequences import Decoding, Sequences


class Deck:
    """``chance`` is the probability of the choices made so far."""

    def __init__(self) -> None:
        self.path: list[tuple[int, int]] = []  # which of how many
        self.place, self.chance = 0, 1.0

    def __iter__(self) -> Iterator["Deck"]:
        self.path = []
        while True:
            self.place, self.chance = 0, 1.0
            yield self
            while self.path and self.path[-1][0] + 1 == self.path[-1][1]:
                self.path.pop()
            if not self.path:
                return
            at, options = self.path.pop()
            self.path.append((at + 1, options))

    def choose(self, probabilities: Tensor) -> int:
        """The next choice, of those that can be."""
        possible = (probabilities > 0).nonzero().flatten()
        if self.place == len(self.path):
            self.path.append((0, len(possible)))
        chosen = int(possible[self.path[self.place][0]])
        self.place += 1
        self.chance *= float(probabilities[chosen])
        return chosen


class Dealt(TablePolicy):
    """A table whose answers are dealt. ``acting``: the table that it acts by, where that is another one than it is trained."""

    def __init__(self, tree: PrefixTree, logits: Tensor, deck: Deck, acting: Tensor | None = None) -> None:
        super().__init__(tree, logits)
        self.deck, self.acting = deck, None if acting is None else TablePolicy(tree, acting)

    @torch.no_grad()
    def sample(self, contexts: Sequence[Tensor], context: Tensor, decoding: Decoding, uniforms: Tensor) -> Sequences:
        actor = self.acting or TablePolicy(self.tree, self.logits)
        if decoding.temperature == 0:
            return actor.sample(contexts, context, decoding, uniforms)
        said = [self.deck.choose(actor.probabilities(int(contexts[row]))) for row in context.tolist()]
        actions, length = self.tree.actions[said], self.tree.length[said]
        width = max(int(length.max()), 1)
        drawn = Sequences(list(contexts), context, actions[:, :width], self.tree.mask[said][:, :width], length)
        ended = self.tree.terminated(actions, length)
        return drawn.with_quantities(old_logp=actor.measure(drawn, {"logp"})["logp"], terminated=ended)

    def reference(self) -> "Dealt":
        frozen = Dealt(self.tree, self.logits, self.deck)
        frozen.module.requires_grad_(False)
        return frozen

    def mixed(self, other: TablePolicy, weight: float) -> "Dealt":
        return Dealt(self.tree, super().mixed(other, weight).logits, self.deck)


class Verdicts:
    """A judge whose verdicts are dealt: 1 with the probability that people prefer the first, who go by the difference (or a game's odds)."""

    def __init__(self, deck: Deck) -> None:
        self.deck = deck

    def __call__(self, first: Tensor, second: Tensor) -> Tensor:
        said = [self.deck.choose(torch.stack([1 - p, p])) for p in torch.sigmoid(first - second)]
        return torch.tensor(said, dtype=torch.float64)
