"""Tournament: neighbours are compared, winners meet, until one is left; every game is a pair.

    games of a round: the first with the second, the third with the fourth ...; the higher score wins, the first of equals, whose game is no pair
    rows {prompt, chosen, rejected, score_chosen, score_rejected}: of n completions up to n - 1, in the order of the games

With ``rounds`` 1 each completion is in one pair; every further round compares those that have won, so that pairs come to be among the
better ones. Of an odd number the last goes on without a game. Completions that were not scored (None, NaN) take no part.

Source: SLiC-HF, arXiv 2305.10425 (tournament-style ranking); RSO, arXiv 2309.06657, section 5.2, whose "first-round-rank" is ``rounds`` 1,
the best there by its judges, and whose "tournament-rank" is None, the best by the reward itself. Default 1: RSO's.
Differs from BestWorstPairs: everything is compared once, not the extremes alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guerdon.data.curation._scored import candidates, rest
from guerdon.data.curation.best_worst_pairs import BestWorstPairs
from guerdon.witness import Witness


@dataclass(frozen=True)
class Tournament:
    rounds: int | None = 1

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        return [pair for row in rows for pair in self._games(row)]

    def _games(self, row: Mapping[str, Any]) -> list[dict[str, Any]]:
        players, played, pairs = candidates(row), 0, []
        while len(players) > 1 and (self.rounds is None or played < self.rounds):
            winners = []
            for first, second in zip(players[::2], players[1::2], strict=False):
                (high, chosen), (low, rejected) = (first, second) if first[0] >= second[0] else (second, first)
                winners.append((high, chosen))
                if high > low:
                    pairs.append({**rest(row), "chosen": chosen, "rejected": rejected, "score_chosen": high, "score_rejected": low})
            players, played = winners + players[2 * len(winners) :], played + 1
        return pairs


_rows = [{"prompt": "p", "completions": ["a", "b", "c", "d", "e"], "scores": [1.0, 3.0, 2.0, 2.0, 4.0]}]


def _game(chosen: str, high: float, rejected: str, low: float) -> dict[str, Any]:
    return {"prompt": "p", "chosen": chosen, "rejected": rejected, "score_chosen": high, "score_rejected": low}


witness = (
    Witness(Tournament(), parent=BestWorstPairs(), given={"rows": _rows}, returns=[_game("b", 3.0, "a", 1.0)]),
    Witness(  # c and d are equal, c goes on; e has no game in the first two rounds
        Tournament(rounds=None),
        parent=Tournament(),
        given={"rows": _rows},
        returns=[_game("b", 3.0, "a", 1.0), _game("b", 3.0, "c", 2.0), _game("e", 4.0, "b", 3.0)],
    ),
)
