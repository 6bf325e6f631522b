"""Texts with something left unsaid: what systems that think before they predict have in common.

A place in a text is of one of ``kinds`` and has a hint, which is one of ``symbols``; what follows is an end that depends on both, through a
middle that the text does not say:

    middle(kind) is drawn once;    end = middle + hint  (mod symbols)

A completion has two steps: a middle and then an end, or an end at once (what comes after it counts for nothing). Of a policy's logits a
part is shared by the places of a kind and a part is the place's own, and both are trained. So the ends of practised places can be learned
by heart, which tells nothing of the others of their kind; the middle is the same for all of a kind, and how an end follows from it is known
to the base policy everywhere, in nine cases out of ten. It thinks in ``thinks`` of its completions and leans to middles that are as often
wrong as chance has it.
"""

import copy
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn

from guerdon.models.finite.policy import TablePolicy
from guerdon.models.finite.tree import PrefixTree, context_indices
from guerdon.randomness import derive, generator
from guerdon.sequences import Decoding, Example, Sequences, Side
from guerdon.training.judging import FiniteScene
from guerdon.training.loops.fit import fit
from guerdon.training.loops.improve import improve
from guerdon.training.recipe import Budget, Recipe
from guerdon.worlds.finite.enumerable import EnumerableWorld


@dataclass(frozen=True)
class Unsaid(EnumerableWorld):
    """Half of the places of each kind are practised, the other half are held out."""

    kinds: int = 4
    symbols: int = 6
    thinks: float = 0.3
    knows: float = 0.9
    lean: float = 1.0
    seed: int = 0

    @property
    def contexts(self) -> int:
        return self.kinds * self.symbols

    @property
    def tree(self) -> PrefixTree:
        return PrefixTree(2 * self.symbols, 2)

    @property
    def hint(self) -> Tensor:
        """[C]"""
        return torch.arange(self.contexts) // self.kinds

    @property
    def kind(self) -> Tensor:
        """[C]"""
        return torch.arange(self.contexts) % self.kinds

    @cached_property
    def middle(self) -> Tensor:
        """[C], the right middle of each place."""
        return torch.randint(0, self.symbols, (self.kinds,), generator=generator(self.seed, "middles"))[self.kind]

    @property
    def end(self) -> Tensor:
        """[C], what follows, as the action that it is."""
        return self.symbols + (self.middle + self.hint) % self.symbols

    def right(self, actions: Tensor, context: Tensor) -> Tensor:
        """[B], 1 where the end that was said first is what follows."""
        first, second = actions[:, 0], actions[:, 1] if actions.shape[1] > 1 else torch.zeros_like(actions[:, 0])
        return (torch.where(first >= self.symbols, first, second) == self.end[context]).double()

    def rewards(self) -> Tensor:
        actions, here = self.tree.actions, torch.arange(self.contexts)
        return torch.stack([self.right(actions, here[c].expand(len(actions))) for c in range(self.contexts)])

    def expected_reward_of(self, sequences: Sequences) -> Tensor:
        """[B]; a thought that nothing came after is not right."""
        return self.right(sequences.actions, context_indices(sequences, self.contexts))

    def base(self) -> "Reader":
        """The policy that has read the tables and thinks sometimes."""
        rng, n, c = generator(self.seed, "base"), self.symbols, self.contexts
        shared = torch.zeros(self.kinds, self.tree.prefixes, 2 * n, dtype=torch.float64)
        shared[:, 0] = self.lean * torch.randn(self.kinds, 2 * n, dtype=torch.float64, generator=rng)
        own = 0.3 * torch.randn(c, self.tree.prefixes, 2 * n, dtype=torch.float64, generator=rng)
        thoughts = shared[:, 0, :n].logsumexp(-1, keepdim=True) - shared[:, 0, n:].logsumexp(-1, keepdim=True)
        shared[:, 0, :n] += torch.logit(torch.tensor(self.thinks, dtype=torch.float64)) - thoughts
        known = torch.logit(torch.tensor(self.knows, dtype=torch.float64)) + torch.tensor(2.0 * n - 1).log()
        for middle in range(n):
            own[torch.arange(c), 1 + middle, n + (middle + self.hint) % n] += known
        return Reader(self.tree, own, shared)

    def rows(self) -> list[dict[str, int]]:
        return [{"prompt": i, "answer": int(self.end[i])} for i in range(self.contexts)]

    @cached_property
    def practised(self) -> list[dict[str, int]]:
        """Of each kind the places of half of the hints, drawn."""
        order = torch.stack(
            [torch.randperm(self.symbols, generator=generator(derive(self.seed, k), "practised")) for k in range(self.kinds)]
        )
        chosen = {int(hint) * self.kinds + k for k in range(self.kinds) for hint in order[k, : self.symbols // 2]}
        return [row for row in self.rows() if row["prompt"] in chosen]

    @cached_property
    def held_out(self) -> Tensor:
        """[C/2], the other places."""
        known = {row["prompt"] for row in self.practised}
        return torch.tensor([i for i in range(self.contexts) if i not in known])


class Reader(TablePolicy):
    """``module`` holds ``shared`` [kinds, P, V] and ``own`` [C, P, V]."""

    def __init__(self, tree: PrefixTree, own: Tensor, shared: Tensor) -> None:
        super().__init__(tree, own)
        self.kind = torch.arange(len(own)) % len(shared)
        self.module = nn.ParameterDict({"shared": nn.Parameter(shared.clone()), "own": nn.Parameter(own.clone())})

    @property
    def logits(self) -> Tensor:
        return self.module["own"] + self.module["shared"][self.kind]

    def copy(self) -> "Reader":
        return copy.deepcopy(self)


def improved(policy: Reader, world: Unsaid, method: Recipe, steps: int, seed: int, longest: int = 2) -> None:
    """So many steps of a recipe on all practised places, with completions of at most so many steps."""
    budget = Budget(steps, len(world.practised), seed=seed)
    improve(policy, FiniteScene(world), world.practised, method, budget, Decoding(longest))


def read(policy: Reader, world: Unsaid, method: Recipe, steps: int, seed: int) -> None:
    """So many steps on the practised places as texts: what follows, with the middle unsaid."""
    texts = [Example({"": Side((row["prompt"],), (row["answer"],), (True,))}) for row in world.practised]
    fit(policy, texts, method, Budget(steps, len(texts), seed=seed))


@torch.no_grad()
def measured(policy: Reader, world: Unsaid, base: Reader) -> dict[str, float]:
    """Of held-out places, exactly: ``accuracy``; by how many nats what follows is likelier after the right middle, and after another one on average, than at once to the
    base policy."""
    here, ends = world.held_out, world.end[world.held_out]
    at_once = base.logits.log_softmax(-1)[here, 0].gather(-1, ends.unsqueeze(-1))
    thoughts = policy.logits.log_softmax(-1)[here, 1 : 1 + world.symbols]
    gain = thoughts.gather(-1, ends.view(-1, 1, 1).expand(-1, world.symbols, 1)).squeeze(-1) - at_once
    right = gain.gather(-1, world.middle[here].unsqueeze(-1)).squeeze(-1)
    return {
        "accuracy": float(policy.expect(world.rewards())[here].mean()),
        "gain, right thought": float(right.mean()),
        "gain, wrong thought": float((gain.sum(-1) - right).mean() / (world.symbols - 1)),
    }
