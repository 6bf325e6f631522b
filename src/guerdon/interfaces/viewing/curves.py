"""Curves: metrics of a run, with as many points as can be told apart on a screen."""

import sqlite3
from collections.abc import Sequence

from guerdon.interfaces.viewing.index import Index

POINTS = 800


def names(index: Index) -> list[str]:
    """Every metric, in the order in which they appeared."""
    sql = "select name from names n where exists (select 1 from metrics m where m.name = n.id) order by id"
    return [name for (name,) in index.db.execute(sql)]


def curve(index: Index, name: str, points: int = POINTS) -> dict[str, list[float]]:
    """{"steps", "values", "low", "high"}: where there are more steps than points, means of neighbours, and between which values they lie."""
    number = index.name(name)
    rows = [] if number is None else index.db.execute("select step, value from metrics where name = ? order by step", (number,)).fetchall()
    each = -(-len(rows) // points) or 1
    groups = [rows[i : i + each] for i in range(0, len(rows), each)]
    values = [[value for _, value in group] for group in groups]
    return {
        "steps": [group[-1][0] for group in groups],
        "values": [sum(own) / len(own) for own in values],
        "low": [min(own) for own in values],
        "high": [max(own) for own in values],
    }


def last_step(db: sqlite3.Connection) -> int:
    """The last step of which anything is known."""
    found = db.execute("select max(step) from metrics").fetchone()[0], db.execute("select max(step) from rollouts").fetchone()[0]
    return max((step for step in found if step is not None), default=0)


def spread(index: Index, sql: str, values: Sequence[object] = ()) -> list[float]:
    """The lowest and the highest of a column; nothing where there is none."""
    low, high = index.db.execute(sql, values).fetchone()
    return [] if low is None else [low, high]
