"""Beam: keep the most likely beginnings of every prompt, grow each by its most likely next steps, and give out the most likely sequence that is found.

    score(y) = sum over t of log pi(y_t | x, y_<t) / length(y)^length_penalty        the ``width`` best stay at each step

P prompts → P sequences, one for each prompt in their order. What has ended keeps its place as long as its score does; the search is over when all that are kept
have ended, or at ``max_completion_length``. Of equal scores the one that was found first stays. Nothing is random: ``seed`` is not read, and a temperature other than 0
is that of the policy that is searched. A policy that was fitted to comparisons holds what is to come in its likelihood (the optimal Q - V of every step, over beta), so
that this is planning with a learned value.

Reads the policy through ``measure`` (``guerdon.models.Searchable``): every step computes its prefix anew, T / 2 times the work of sampling with a cache.

Source: Lowerre 1976; on a DPO policy: From r to Q*, arXiv 2404.12358, section 5.2. ``width`` 5: ours, as there. ``length_penalty`` 0: the likelihood itself, which is what the
argument is about; 1 ranks by the mean, as ``transformers`` does by default.
Differs from Group: the most likely sequence, as far as it can be found, in the place of a likely one; with ``width`` 1 and no penalty it is Group at temperature 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.errors import InputError
from guerdon.models import Searchable
from guerdon.models.finite.policy import TablePolicy
from guerdon.models.finite.tree import PrefixTree
from guerdon.quantities import TOP
from guerdon.sequences import Decoding, Sequences, pad
from guerdon.witness import Witness

ROWS_AT_ONCE = 256  # more beginnings are looked at in turn


@dataclass(frozen=True)
class _Beginning:
    actions: tuple[int, ...] = ()
    logp: tuple[float, ...] = ()
    ended: bool = False

    def with_step(self, action: int, logp: float, ended: bool) -> "_Beginning":
        return _Beginning((*self.actions, action), (*self.logp, logp), ended)


@dataclass(frozen=True)
class Beam:
    looks: ClassVar[bool] = True
    width: int = 5
    length_penalty: float = 0.0

    def __post_init__(self) -> None:
        if not 1 <= self.width <= TOP:
            raise InputError(
                f"a beam has a width from 1 to {TOP} (of so many next steps is measured how likely they are), not {self.width}"
            )

    @torch.no_grad()
    def __call__(self, policy: Searchable, contexts: Sequence[Tensor], decoding: Decoding, seed: int) -> Sequences:
        if decoding.truncates:
            raise InputError("a beam takes the most likely steps, so top_k, top_p and min_p have no effect; leave them out")
        beams = [[_Beginning()] for _ in contexts]
        for _ in range(decoding.max_completion_length):
            open_ = [(at, beginning) for at, beam in enumerate(beams) for beginning in beam if not beginning.ended]
            if not open_:
                break
            pools = [[beginning for beginning in beam if beginning.ended] for beam in beams]
            for first in range(0, len(open_), ROWS_AT_ONCE):
                some = open_[first : first + ROWS_AT_ONCE]
                for (at, _), grown in zip(some, self._grown(policy, contexts, some, decoding), strict=True):
                    pools[at] += grown
            beams = [sorted(pool, key=self._score, reverse=True)[: self.width] for pool in pools]  # the sort is stable
        return _sequences([beam[0] for beam in beams], policy, contexts, decoding)

    def _score(self, beginning: _Beginning) -> float:
        return sum(beginning.logp) / len(beginning.actions) ** self.length_penalty

    def _grown(
        self, policy: Searchable, contexts: Sequence[Tensor], some: Sequence[tuple[int, _Beginning]], decoding: Decoding
    ) -> list[list[_Beginning]]:
        """Each beginning with each of its most likely next steps."""
        actions = torch.tensor(
            [(*beginning.actions, 0) for _, beginning in some]
        )  # the last one is not read: measured is what it is drawn from
        mask = torch.zeros(actions.shape, dtype=torch.bool)
        mask[:, -1] = True
        context, length = torch.tensor([at for at, _ in some]), torch.full((len(some),), actions.shape[1])
        asked = Sequences(list(contexts), context, actions, mask, length, temperature=decoding.temperature or 1.0)
        found = policy.measure(asked, {"top_logp", "top_action"})
        logps, choices = (found[name][:, -1, : self.width] for name in ("top_logp", "top_action"))
        ends = torch.isin(choices, policy.ends)
        rows = zip(some, choices.tolist(), logps.tolist(), ends.tolist(), strict=True)
        return [[old.with_step(*step) for step in zip(*row, strict=True)] for (_, old), *row in rows]


def _sequences(found: Sequence[_Beginning], policy: Searchable, contexts: Sequence[Tensor], decoding: Decoding) -> Sequences:
    """One sequence for each context. Where no action ends a sequence, all that have their full length are complete."""
    actions, length = pad([each.actions for each in found], torch.long), torch.tensor([len(each.actions) for each in found])
    ended = torch.tensor([each.ended or not len(policy.ends) for each in found])
    recorded = {"old_logp": pad([each.logp for each in found], torch.float64), "terminated": ended}
    mask = torch.arange(actions.shape[1]) < length.unsqueeze(-1)
    return Sequences(list(contexts), torch.arange(len(found)), actions, mask, length, recorded, decoding.temperature or 1.0)


def _table(*rows: tuple[float, ...], end: int | None = None) -> TablePolicy:
    """A policy of two actions and two steps, of probabilities at the start, after 0 and after 1."""
    return TablePolicy(PrefixTree(2, 2, end), torch.tensor([rows], dtype=torch.float64).log())


_asked = {"contexts": [torch.tensor([0])], "decoding": Decoding(max_completion_length=2, temperature=0.0), "seed": 0}
_late = {"policy": _table((0.6, 0.4), (0.5, 0.5), (0.1, 0.9)), **_asked}  # 0.3 by the step that is likelier at first, 0.36 by the other
_ends = {"policy": _table((0.5, 0.5), (0.9, 0.1), (0.2, 0.8), end=0), **_asked}  # 0 ends: ln 0.5 in one step, ln 0.4 in two
witness = (
    Witness(
        Beam(width=2),
        parent=Group(num_generations=1),
        given=_late,
        returns={"actions": [[1, 1]], "old_logp": [[-0.916290731874155, -0.105360515657826]], "terminated": [True]},
    ),
    Witness(Beam(width=1), parent=Beam(width=2), given=_late, returns={"actions": [[0, 0]], "length": [2]}),
    Witness(
        Beam(width=2),
        parent=Beam(width=2, length_penalty=1.0),
        given=_ends,
        returns={"actions": [[0]], "length": [1], "terminated": [True]},
    ),
    Witness(Beam(width=2, length_penalty=1.0), parent=Beam(width=2), given=_ends, returns={"actions": [[1, 1]], "terminated": [False]}),
)
