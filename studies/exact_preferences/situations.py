"""Situations: many small worlds at once, and what the comparisons in them are like.

A world is eight answers of one to seven tokens (the tree of two tokens, of which one ends), rewards from N(0, 1) and a reference with logits from N(0, 1/4) for whole
answers. Worlds 0, 1, 2 ... are the same in every situation, so that a situation differs from another by what was asked and how it was answered, and by nothing else.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from guerdon.models.finite.tree import PrefixTree
from guerdon.randomness import derive, generator
from guerdon.worlds.finite.random_preference import RandomPreference
from guerdon.worlds.finite.random_tree import RandomTree

TREE = PrefixTree(vocabulary=2, depth=7, end=0)
DEVIATION = 0.5  # of the reference's logits
DRAWN = 512  # comparisons where they are drawn
CONTRARY = 1.0  # by how many nats a unit of reward makes an answer rarer in a contrary reference
SHARPER = 3.0  # rationality where people are surer than the model of them says


@dataclass(frozen=True)
class Worlds:
    """C worlds of S answers.

    Attributes:
        reference: [C, S], log-probabilities.
        reward: [C, S], or None where no reward explains the preferences.
        prefer: [C, S, S], the probability that people prefer the row's answer to the column's.
        asked: [C, S, S], how often a pair is asked, symmetric, 0 on the diagonal; the sum over a world is 1.
        flip: the share of answers that is noted down the wrong way round.
        drawn: so many comparisons are drawn (None: what infinitely many would be).
        seeds: [C], of what is drawn.
    """

    reference: Tensor
    reward: Tensor | None
    prefer: Tensor
    asked: Tensor
    flip: float = 0.0
    drawn: int | None = None
    seeds: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.reference)

    @property
    def said(self) -> Tensor:
        """[C, S, S], the probability that a comparison is noted down in favour of the row's answer."""
        return (1 - self.flip) * self.prefer + self.flip * self.prefer.mT

    def labelled(self) -> Tensor:
        """[C, S, S], the share of comparisons in which the row's answer was noted down as the preferred one; the sum over a world is 1."""
        expected = 2 * self.asked * self.said  # the two orders of a pair are one question
        if self.drawn is None:
            return expected
        counts = []
        for share, seed in zip(expected, self.seeds, strict=True):
            drawn = torch.multinomial(share.flatten(), self.drawn, replacement=True, generator=generator(seed, "comparisons"))
            counts.append(torch.bincount(drawn, minlength=share.numel()).view_as(share) / self.drawn)
        return torch.stack(counts).double()


def situations(count: int) -> dict[str, Worlds]:
    """Name → worlds 0 ... count - 1 in that situation."""
    clean = _clean(count)
    from_reference = replace(clean, asked=_asked(clean.reference.exp()))
    drawn = replace(from_reference, drawn=DRAWN)
    contrary = (clean.reference - CONTRARY * clean.reward).log_softmax(-1)
    return {
        "all pairs": clean,
        "pairs from the reference": from_reference,
        f"{DRAWN} pairs from the reference": drawn,
        "half of the answers shown": replace(clean, asked=_asked(_shown(count, clean.reference.shape[-1]))),
        **{f"{percent} % flipped": replace(clean, flip=percent / 100) for percent in (10, 20, 30, 40)},
        f"{DRAWN} pairs, 20 % flipped": replace(drawn, flip=0.2),
        "contrary reference": replace(clean, reference=contrary),
        "sharper labels": replace(clean, prefer=_bradley_terry(SHARPER * clean.reward)),
        "labels without doubt": replace(clean, prefer=_surely(clean.reward)),
        "cycles": replace(clean, reward=None, prefer=_per_world(count, _any_preference)),
    }


def _clean(count: int) -> Worlds:
    reward = _per_world(count, lambda seed: RandomTree(1, TREE.vocabulary, TREE.depth, TREE.end, seed=derive(seed, "world")).rewards()[0])
    drawn = partial(torch.randn, TREE.size, dtype=torch.float64)
    logits = _per_world(count, lambda seed: DEVIATION * drawn(generator=generator(seed, "reference")))
    everything = torch.ones(count, TREE.size, dtype=torch.float64)
    return Worlds(logits.log_softmax(-1), reward, _bradley_terry(reward), _asked(everything), seeds=tuple(range(count)))


def _per_world(count: int, make: Callable[[int], Tensor]) -> Tensor:
    return torch.stack([make(seed) for seed in range(count)])


def _bradley_terry(reward: Tensor) -> Tensor:
    return torch.sigmoid(reward.unsqueeze(-1) - reward.unsqueeze(-2))


def _surely(reward: Tensor) -> Tensor:
    return (1 + torch.sign(reward.unsqueeze(-1) - reward.unsqueeze(-2))) / 2


def _any_preference(seed: int) -> Tensor:
    return RandomPreference(actions=TREE.size, seed=derive(seed, "cycles")).preference()[0]


def _asked(side: Tensor) -> Tensor:
    """Pairs of different answers, each side drawn in proportion to ``side`` [C, S]."""
    both = side.unsqueeze(-1) * side.unsqueeze(-2) * ~torch.eye(side.shape[-1], dtype=torch.bool)
    return both / both.sum((-2, -1), keepdim=True)


def _shown(count: int, answers: int) -> Tensor:
    """[C, S], 1 for half of the answers and 0 for the others, whatever they are worth."""
    order = _per_world(count, lambda seed: torch.randperm(answers, generator=generator(seed, "shown")))
    return torch.zeros(count, answers, dtype=torch.float64).scatter(1, order[:, : answers // 2], 1.0)
