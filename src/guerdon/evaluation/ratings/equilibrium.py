"""Equilibrium: an item is rated by what it would gain where the strongest of the others, and the topics that tell them apart, are played.

    win[t, i, j]: the mean outcome of i against j on topic t;  lead = 2 win - 1
    three players: one chooses a topic and gets |lead[t, i, j]|, a king i who gets lead, a rebel j who gets -lead    (two where there are no topics)
    joint = the coarse correlated equilibrium nearest to ``affinity_uniform``
    rating[i] = E lead[t, i, j] - E lead            what the king would gain by i: at most 0 (and the slack), 0 for the best

Copies of a topic or an item change nothing: nobody can be rated up or down by sending in many of something. Needs of each topic at least one battle of every two items.

Source: Liu et al. 2025, arXiv 2502.20170, with the game of their code (polarix, ``agent_vs_task.py`` with win rates); of two players, Nash averaging, Balduzzi et al. 2018, arXiv
1806.02643. A wider kernel of ``target`` finds near copies and is then moved by exact ones too.
Differs from ByLikelihood: not the mean over what happened to be asked.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from guerdon.errors import InputError
from guerdon.evaluation.ratings import battles
from guerdon.evaluation.ratings.by_likelihood import ByLikelihood
from guerdon.exact.solvers.affinity_uniform import AffinityUniform
from guerdon.exact.solvers.coarse_correlated_equilibrium import CoarseCorrelatedEquilibrium
from guerdon.witness import Witness

_WORDS = ("topic", "item", "item")


@dataclass(frozen=True)
class Equilibrium:
    target: AffinityUniform = field(default_factory=AffinityUniform)
    solver: CoarseCorrelatedEquilibrium = field(default_factory=CoarseCorrelatedEquilibrium)

    def __call__(self, first: Any, second: Any, outcome: Any, items: int, topic: Any = None) -> np.ndarray:
        return self.of(win_rates(first, second, outcome, items, topic))["rating"]

    def of(self, win: np.ndarray) -> dict[str, np.ndarray]:
        """Of win rates [T, M, M]: ``rating`` and ``share`` [M], how often the king plays each, and the same of topics, ``topic_rating`` and ``topic_share`` [T]."""
        lead = torch.from_numpy(win - win.transpose(0, 2, 1))
        players = [lead.abs(), lead, -lead] if len(win) > 1 else [lead[0], -lead[0]]
        payoff = torch.stack(players)
        found = self.solver(payoff, self.target(payoff))
        gain, share = ([one.numpy() for one in found[name]] for name in ("gain", "marginal"))
        king = len(gain) - 2
        topics = {"topic_rating": gain[0], "topic_share": share[0]} if king else {"topic_rating": np.zeros(1), "topic_share": np.ones(1)}
        return {"rating": (gain[king] + gain[king + 1]) / 2, "share": (share[king] + share[king + 1]) / 2} | topics


def win_rates(
    first: Any,
    second: Any,
    outcome: Any,
    items: int,
    topic: Any = None,
    times: Any = 1.0,
    names: Sequence[str] = (),
    topics: Sequence[str] = (),
) -> np.ndarray:
    """[T, M, M]. ``times`` is how often each battle was; ``names`` of items and ``topics`` are for the sentence of an error.

    Raises:
        InputError: two items were not compared on some topic.
    """
    a, b, y = battles(first, second, outcome, items)
    t = np.zeros(len(a), dtype=int) if topic is None else np.asarray(topic, dtype=int)
    times = np.broadcast_to(np.asarray(times, dtype=float), y.shape)
    won = np.zeros((int(t.max()) + 1, items, items))
    count = np.zeros_like(won)
    for one, other, said in ((a, b, y), (b, a, 1 - y)):
        np.add.at(won, (t, one, other), said * times)
        np.add.at(count, (t, one, other), times)
    missing = np.argwhere((count == 0) & ~np.eye(items, dtype=bool))
    if len(missing):
        on, one, other = (
            known[i] if known else f"{word} {i}" for i, known, word in zip(missing[0], (topics, names, names), _WORDS, strict=True)
        )
        where = "" if topic is None else f" on {on}"
        raise InputError(
            f"{one} and {other} were never compared{where} ({len(missing) // 2} such pairs), and an equilibrium needs every pair of items"
        )
    return np.where(count > 0, won / np.where(count > 0, count, 1), 0.5)


_free, _tight = (Equilibrium(solver=CoarseCorrelatedEquilibrium(slack=slack, tolerance=1e-9)) for slack in (1.0, 0.125))
witness = (
    Witness(  # at so much slack the target is played: item 0 on one side, its two copies of an opponent, of whom it wins 3 of 4, together on the other
        _free,
        given={"first": [0] * 8 + [1] * 2, "second": [1] * 4 + [2] * 4 + [2] * 2, "outcome": [1, 1, 1, 0] * 2 + [1, 0], "items": 3},
        returns=[0.25, -0.25, -0.25],
        parent=ByLikelihood(),
    ),
    Witness(  # the first always wins, so the second is played until the first would gain the slack, 1/8 of 2: a quarter of the time
        _tight,
        given={"first": [0], "second": [1], "outcome": [1], "items": 2},
        returns=[0.25, -0.75],
        parent=_free,
    ),
)
