"""What all worlds of users share: verdicts that are drawn, and what is known of them."""

from collections.abc import Sequence

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.randomness import generator
from guerdon.sequences import Example, Sequences, Side


class Crowd:
    """A world with ``features()`` and ``utility()``."""

    items: int
    users: int

    def features(self) -> Tensor:
        """[I, D]"""
        raise NotImplementedError

    def utility(self) -> Tensor:
        """[U, I]"""
        raise NotImplementedError

    def preference(self) -> Tensor:
        """[U, I, I], the probability that the user prefers the row's item to the column's."""
        utility = self.utility()
        return torch.sigmoid(utility.unsqueeze(-1) - utility.unsqueeze(-2))

    def verdicts(self, users: Sequence[int], each: int, items: Sequence[int], seed: int) -> Tensor:
        """[n, 3]: user, preferred item, other item. Every user compares ``each`` pairs of different items, drawn from ``items``. The first verdicts of more are the
        same verdicts.

        Raises:
            InputError: there are fewer than two items, or users or items that there are not.
        """
        if len(items) < 2 or max(items) >= self.items or (len(users) and max(users) >= self.users):
            raise InputError(
                f"verdicts are on two or more of {self.items} items, by some of {self.users} users; the indices go beyond them"
            )
        utility, pool, rows = self.utility(), torch.tensor(list(items)), []
        for user in users:
            rng = generator(seed, "verdicts", user)
            draw = torch.rand(each, 3, dtype=torch.float64, generator=rng)
            first = (draw[:, 0] * len(pool)).long()
            second = (first + 1 + (draw[:, 1] * (len(pool) - 1)).long()) % len(pool)
            pairs = torch.stack([pool[first], pool[second]], -1)
            wins = draw[:, 2] < torch.sigmoid(utility[user, pairs[:, 0]] - utility[user, pairs[:, 1]])
            pairs = torch.where(wins.unsqueeze(-1), pairs, pairs.flip(-1))
            rows.append(torch.cat([torch.full((each, 1), user), pairs], -1))
        return torch.cat(rows)

    def everything(self, users: Sequence[int], items: Sequence[int]) -> Sequences:
        """Every item for every user, one after the other: U * I sequences."""
        user = torch.tensor(list(users)).repeat_interleave(len(items))
        item = torch.tensor(list(items)).repeat(len(users)).unsqueeze(-1)
        length = torch.ones(len(item), dtype=torch.long)
        nothing = torch.tensor([0])
        return Sequences([nothing], torch.zeros_like(length), item, torch.ones_like(item, dtype=torch.bool), length, {"user": user})


def examples(verdicts: Tensor, user: Tensor | None = None, context: Tensor | None = None) -> list[Example]:
    """Verdicts [n, 3] as examples with a column ``user``.

    Args:
        user: [n], other indices for the users: somebody new is again user 0.
        context: [n], what is answered: an item too (None: item 0 for all).
    """
    user = verdicts[:, 0] if user is None else user
    asked = torch.zeros_like(user) if context is None else context

    def side(question: int, item: int) -> Side:
        return Side((question,), (item,), (True,))

    rows = zip(user.tolist(), asked.tolist(), verdicts[:, 1:].tolist(), strict=True)
    return [Example({"chosen": side(c, a), "rejected": side(c, b)}, {"user": float(u)}) for u, c, (a, b) in rows]
