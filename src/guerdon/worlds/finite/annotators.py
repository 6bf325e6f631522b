"""Annotators: people whose answers to questions follow a likelihood with known parameters: with ties, with "none of them", by groups or by tastes of their own.

    P(answer | question, person) = likelihood(parameters)        ``probabilities`` [Q, O], by enumeration

As a preference game it is that of all of them together: P(i beats j) is the mean over people, and over both orders; who names neither counts half for each. In a mixture
``groups`` [U] says who belongs where, which is drawn once for the world.

Source: the likelihoods are those of ``exact.likelihoods``; the draws are ours.
Default: parameters and features from N(0, deviation^2) and N(0, 1), ``deviation`` 1.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.exact.likelihoods import Likelihood
from guerdon.exact.likelihoods.bradley_terry import BradleyTerry
from guerdon.parts import call, describe
from guerdon.randomness import generator
from guerdon.worlds.finite.preference import PreferenceGame


@dataclass(frozen=True)
class Annotators(PreferenceGame):
    contexts: ClassVar[int] = 1

    likelihood: Likelihood = BradleyTerry()
    items: int = 4
    users: int = 1
    features: int | None = None  # how many are known of each item
    deviation: float = 1.0
    seed: int = 0
    given: tuple[tuple[str, Any], ...] | None = None  # names and (nested tuples of) numbers of the parameters; None: drawn

    @property
    def actions(self) -> int:
        return self.items

    def parameters(self) -> dict[str, Tensor]:
        """By name, as the likelihood is called with them."""
        shapes = self.likelihood.parameters(self.items, self.users, self.features)
        if self.given is None:
            return {n: self.deviation * torch.randn(s, dtype=torch.float64, generator=self._rng(n)) for n, s in shapes.items()}
        found = {name: torch.tensor(values, dtype=torch.float64) for name, values in self.given}
        if {name: tuple(value.shape) for name, value in found.items()} != shapes:
            wanted = ", ".join(f"{name} {list(shape)}" for name, shape in shapes.items())
            raise InputError(f"given must be the parameters of {describe(self.likelihood)}, by name and of the right shape: {wanted}")
        return found

    def data(self, asked: Tensor, user: Tensor | None = None) -> dict[str, Tensor]:
        """Questions [Q, K] to ``user`` [Q] (not given: all to the first) as estimators and designs take them."""
        known = (
            {}
            if self.features is None
            else {"features": torch.randn(self.items, self.features, dtype=torch.float64, generator=self._rng("features"))}
        )
        return {"asked": asked, "user": torch.zeros(len(asked), dtype=torch.long) if user is None else user} | known

    def groups(self) -> Tensor:
        """[U], the group of each user, where the likelihood is a mixture.

        Raises:
            InputError: it is none.
        """
        if not self.likelihood.joint:
            raise InputError(f"{describe(self.likelihood)} has no groups: take a Mixture of it")
        return torch.multinomial(self.parameters()["share"].softmax(-1), self.users, replacement=True, generator=self._rng("groups"))

    def probabilities(self, asked: Tensor, user: Tensor | None = None) -> Tensor:
        """[Q, O], of every answer of the person who is asked; in a mixture, as of somebody of that person's group."""
        given = self.data(asked, user) | self.parameters()
        if self.likelihood.joint:
            return self.likelihood.of_group(given)[self.groups()[given["user"]], torch.arange(len(asked))].exp()
        return call(self.likelihood, given).exp()

    def ask(self, asked: Tensor, seed: int, user: Tensor | None = None) -> Tensor:
        """[Q], an answer to each question."""
        return torch.multinomial(self.probabilities(asked, user), 1, generator=generator(seed, "answers")).squeeze(-1)

    def preference(self) -> Tensor:
        pairs = torch.tensor([(i, j) for i in range(self.items) for j in range(self.items) if i != j])
        people = torch.arange(self.users).repeat_interleave(len(pairs))
        probability = self.probabilities(pairs.repeat(self.users, 1), people).view(self.users, len(pairs), -1).mean(0)
        wins = probability[:, 0] + (1 - probability[:, 0] - probability[:, 1]) / 2
        whole = torch.full((self.items, self.items), 0.5, dtype=torch.float64)
        whole[pairs[:, 0], pairs[:, 1]] = wins
        return ((whole + 1 - whole.T) / 2).unsqueeze(0)

    def _rng(self, name: str) -> torch.Generator:
        return generator(self.seed, "annotators", name)
