"""Ratings of the items of a table at an equilibrium, which copies of an item or of a topic do not move."""

from typing import Any

from guerdon.errors import InputError
from guerdon.evaluation.ratings.equilibrium import Equilibrium, win_rates
from guerdon.interfaces.rating.fitting import records
from guerdon.interfaces.rating.table import Comparisons

MOST = 2_000_000
_OUTCOME = {"first": 1.0, "second": 0.0, "tie": 0.5}


def at_equilibrium(table: Comparisons, drop: bool = False) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows of items and of topics (none where the table has none), each with its ``rating`` and the ``share`` with which it is played, the best first.

    Attributes:
        drop: leave out verdicts that neither was good enough.

    Raises:
        InputError: such a verdict is there and may not be left out, a pair was never compared, or the game is too large.
    """
    kept = [i for i, said in enumerate(table.said) if said in _OUTCOME]
    if len(kept) < len(table.said) and not drop:
        row = next(table.row[i] for i, said in enumerate(table.said) if said not in _OUTCOME)
        raise InputError(
            f"comparison {row} says that neither is good enough, which is no outcome of a game: count it as a tie (--both-bad tie) or leave such rows out (--drop)"
        )
    items, topics = len(table.items), max(len(table.topics), 1)
    if topics * items**2 > MOST:
        raise InputError(
            f"{topics} topics and {items} items make a game of {topics * items**2} outcomes, more than {MOST}: take a coarser --topic"
        )
    first, second = zip(*(table.asked[i] for i in kept), strict=True) if kept else ((), ())
    topic = None if table.topic is None else [table.topic[i] for i in kept]
    outcome, times = [_OUTCOME[table.said[i]] for i in kept], [table.count[i] for i in kept]
    win = win_rates(first, second, outcome, items, topic, times, table.items, table.topics)
    found = Equilibrium().of(win)
    rated = [
        {"item": name, "rating": float(found["rating"][i]), "share": float(found["share"][i])} | record
        for i, (name, record) in enumerate(zip(table.items, records(table), strict=True))
    ]
    about = [
        {"topic": name, "rating": float(found["topic_rating"][i]), "share": float(found["topic_share"][i])}
        for i, name in enumerate(table.topics)
    ]
    return tuple(sorted(rows, key=lambda row: -row["rating"]) for rows in (rated, about))
