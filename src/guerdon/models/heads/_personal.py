"""What is a user's own, and what all share."""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from guerdon.errors import InputError
from guerdon.models.heads import Head
from guerdon.randomness import generator
from guerdon.sequences import Example, Sequences, collate

OWN = "own"


class Personal(nn.Module):
    """Shared modules, and a row ``own`` for each user."""

    def __init__(self, own: Tensor, **shared: nn.Module):
        super().__init__()
        self.shared = nn.ModuleDict(shared)
        self.own = nn.Parameter(own)


def drawn(rows: int, width: int, seed: int, *purpose: str) -> Tensor:
    """[rows, width] from N(0, 1 / (width + 1)): of features whose squares are 1 on average, numbers of about 1."""
    return torch.randn(rows, width, generator=generator(seed, "head", *purpose)) / (width + 1) ** 0.5


def linear(width: int, outputs: int, seed: int, *purpose: str) -> nn.Linear:
    """A linear map without a bias, drawn so."""
    layer = nn.Linear(width, outputs, bias=False)
    with torch.no_grad():
        layer.weight.copy_(drawn(outputs, width, seed, *purpose))
    return layer


def perceptron(sizes: Sequence[int], seed: int, *purpose: str) -> nn.Sequential:
    """Layers with biases from each size to the next, and ReLU between them."""
    layers: list[nn.Module] = []
    for place, (width, outputs) in enumerate(pairwise(sizes)):
        layer = nn.Linear(width, outputs)
        with torch.no_grad():
            layer.weight.copy_(drawn(outputs, width, seed, *purpose, str(place)) * 2**0.5)
            layer.bias.zero_()
        layers += [layer, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def strangers(head: Head, module: nn.Module, width: int, users: int) -> tuple[Head, nn.Module]:
    """The head for ``users`` people whom it has not seen. What is shared is that of ``module``, and frozen; what is their own starts as the mean over those it
    knows, or, where it is no parameter, as nothing known.

    Raises:
        InputError: the head knows no users.
    """
    if not hasattr(head, "users"):
        raise InputError(f"a {type(head).__name__} head scores for nobody in particular, so there are no new users to adapt it to")
    head = replace(head, users=users)
    fresh = head.build(width, 0).requires_grad_(False)
    shared = {name: value for name, value in module.state_dict().items() if name.split(".")[0] != OWN}
    fresh.load_state_dict(shared, strict=False)
    if isinstance(getattr(fresh, OWN, None), nn.Parameter):
        with torch.no_grad():
            fresh.own.copy_(module.own.mean(0))
        fresh.own.requires_grad_(True)
    like = next(module.parameters())
    return head, fresh.to(like.device, like.dtype)


def compared(examples: Sequence[Example]) -> tuple[Sequences, Sequences, Tensor]:
    """Both sides of comparisons, and who made each.

    Raises:
        InputError: these are no comparisons with a column ``user``.
    """
    batch = collate(examples)
    if not {"chosen", "rejected"} <= set(batch.sides) or "user" not in batch.quantities:
        raise InputError("a head gets acquainted with its users by their comparisons: rows with chosen, rejected and user")
    return batch.sides["chosen"], batch.sides["rejected"], batch.quantities["user"]


def few_at_a_time(examples: Sequence[Example], rows_at_once: int = 32) -> Iterator[list[Sequences]]:
    """Both sides of comparisons, the chosen one first, or the one side of other rows."""
    for first in range(0, len(examples), rows_at_once):
        sides = collate([examples[i] for i in range(first, min(first + rows_at_once, len(examples)))]).sides
        yield [sides[name] for name in ("chosen", "rejected", "") if name in sides]


def copied(module: nn.Module) -> nn.Module:
    """A frozen copy."""
    return copy.deepcopy(module).requires_grad_(False)


class Comparisons(nn.Module):
    """What users have compared, as embeddings: ``pairs`` [U, M, 2, D], the preferred side first, of which those count that are ``there`` [U, M]."""

    def __init__(self, users: int, width: int):
        super().__init__()
        self.register_buffer("pairs", torch.zeros(users, 0, 2, width))
        self.register_buffer("there", torch.zeros(users, 0, dtype=torch.bool))

    def put(self, chosen: Tensor, rejected: Tensor, user: Tensor) -> None:
        """Comparisons [N, D] in the place of those that these users had made before."""
        longest = max(int(torch.bincount(user).max()) if len(user) else 0, self.there.shape[1])
        pairs, there = self.pairs.new_zeros(len(self.pairs), longest, *self.pairs.shape[2:]), self.there.new_zeros(len(self.there), longest)
        pairs[:, : self.there.shape[1]], there[:, : self.there.shape[1]] = self.pairs, self.there
        for who in user.unique().tolist():
            own = torch.stack([chosen[user == who], rejected[user == who]], 1)
            there[who] = torch.arange(longest, device=there.device) < len(own)
            pairs[who, : len(own)] = own.to(pairs)
        self.pairs, self.there = pairs, there

    def _load_from_state_dict(self, state: dict, prefix: str, *rest: Any) -> None:
        for name in ("pairs", "there"):  # a saved one may hold more, or fewer, of each user
            saved, own = state.get(prefix + name), getattr(self, name)
            if saved is not None and saved.shape[0] == own.shape[0] and saved.shape[2:] == own.shape[2:]:
                setattr(self, name, own.new_zeros(saved.shape))
        super()._load_from_state_dict(state, prefix, *rest)
