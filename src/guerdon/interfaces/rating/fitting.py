"""Scores of the items of a table, by maximum likelihood."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import torch
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from guerdon.catalogue import names_in, resolve, unknown
from guerdon.errors import InputError
from guerdon.exact.estimators.maximum_likelihood import MaximumLikelihood
from guerdon.exact.likelihoods._family import Choice
from guerdon.exact.likelihoods.bradley_terry import BradleyTerry
from guerdon.exact.likelihoods.davidson import Davidson
from guerdon.exact.likelihoods.order_effect import OrderEffect
from guerdon.exact.likelihoods.outside_option import OutsideOption
from guerdon.interfaces.rating.table import Comparisons

ROOM = "exact.likelihoods"


@dataclass(frozen=True)
class Ratings:
    """What came of it.

    Attributes:
        rows: for each item its score with the ends of its interval, the best and worst rank it can have, and its record; the best first.
        others: the other parameters of the likelihood, each with its interval.
        log_likelihood: nats.
        used: how many answers were fitted; the others were left out.
    """

    rows: list[dict[str, Any]]
    others: dict[str, dict[str, float]]
    log_likelihood: float
    used: float


def choice_for(table: Comparisons, name: str | None) -> Choice:
    """The likelihood of that name, or without one that which has an answer for whatever was said.

    Raises:
        InputError: there is none of that name, or none that has an answer for everything.
    """
    if name is not None:
        choices = {n: part for n in names_in(ROOM) if issubclass(part := resolve(n, ROOM), Choice)}
        if name not in choices:
            raise InputError(f"--model: {unknown('likelihood', name, sorted(choices))}")
        return choices[name]()
    if {"tie", "none"} <= set(table.said):
        raise InputError(
            "some comparisons are ties and in some neither was good enough, and no likelihood has an answer for both: count both bad as a tie "
            "(--both-bad tie), or choose with --model davidson --drop, or --model outside_option --drop, which of them to leave out"
        )
    return Davidson() if "tie" in table.said else OutsideOption() if "none" in table.said else BradleyTerry()


def rated(
    table: Comparisons,
    choice: Choice,
    order: bool = False,
    ridge: float = 0.0,
    confidence: float = 0.95,
    drop: bool = False,
    halve: bool = False,
) -> Ratings:
    """Fit. Scores are measured from their mean, or from the outside good where there is one; where the table has clusters, intervals are robust.

    Attributes:
        order: estimate the advantage of being shown first.
        drop: leave out what the likelihood has no answer for.
        halve: count a tie as half a win for each.

    Raises:
        InputError: the likelihood has no answer for something, or no finite maximum; or items were never compared.
    """
    data = _answers(table, choice, drop, halve)
    likelihood = OrderEffect(choice) if order else choice
    if ridge == 0 and choice.shift_free:
        _refuse_islands(table.items, data["asked"])
    found = MaximumLikelihood(likelihood, ridge=ridge)(**data, items=len(table.items), names=table.items)
    robust = table.cluster is not None
    score = found.interval(lambda p: p["score"] - (p["score"].mean() if choice.shift_free else 0.0), confidence, robust)
    between = found.interval(lambda p: p["score"].unsqueeze(-1) - p["score"], confidence, robust)
    above, below = ((between.high < 0).sum(-1), (between.low > 0).sum(-1))  # of which others it is sure, pair by pair
    record = records(table)
    rows = [
        {"item": item, "score": float(score.value[i]), "low": float(score.low[i]), "high": float(score.high[i])}
        | {"best_rank": 1 + int(above[i]), "worst_rank": len(table.items) - int(below[i])}
        | record[i]
        for i, item in enumerate(table.items)
    ]
    others = {}
    for name in sorted(found.parameters.keys() - {"score"}):
        one = found.interval(lambda p, name=name: p[name], confidence, robust)
        others[name] = {"value": float(one.value), "low": float(one.low), "high": float(one.high)}
    return Ratings(sorted(rows, key=lambda row: -row["score"]), others, found.log_likelihood, whole(float(data["count"].sum())))


def _answers(table: Comparisons, choice: Choice, drop: bool, halve: bool) -> dict[str, Tensor | None]:
    """The table as the estimator takes it."""
    outcomes = choice.outcomes(2)
    index = {
        "first": next(i for i, o in enumerate(outcomes) if o[:1] == (0,)),
        "second": next(i for i, o in enumerate(outcomes) if o[:1] == (1,)),
    }
    if choice.nobody:
        index[choice.nobody] = outcomes.index(())
    rows: list[tuple[int, int, float]] = []  # comparison, answer, count
    for i, (said, count) in enumerate(zip(table.said, table.count, strict=True)):
        if said in index:
            rows.append((i, index[said], count))
        elif halve and said == "tie":
            rows += [(i, index["first"], count / 2), (i, index["second"], count / 2)]
        elif not drop:
            words = {"tie": "is a tie", "none": "says that neither is good enough"}
            mend = {
                "tie": "count ties as half a win for each (--half), take davidson or rao_kupper",
                "none": "take outside_option, or count it as a tie (--both-bad tie)",
            }
            raise InputError(
                f"comparison {table.row[i]} {words[said]}, for which {type(choice).__name__} has no answer: {mend[said]}, or leave such rows out (--drop)"
            )
    if not rows:
        raise InputError("no comparison is left")
    which = torch.tensor([row[0] for row in rows])
    return {
        "asked": torch.tensor(table.asked)[which],
        "answer": torch.tensor([row[1] for row in rows]),
        "count": torch.tensor([row[2] for row in rows], dtype=torch.float64),
        "cluster": None if table.cluster is None else torch.tensor(table.cluster)[which],
    }


def _refuse_islands(items: list[str], asked: Tensor) -> None:
    """Items that were never compared, not even through others, have no common scale."""
    first, second = asked.T.numpy()
    islands, island = connected_components(coo_array(([1] * len(asked), (first, second)), shape=(len(items), len(items))), directed=False)
    if islands > 1:
        smallest = Counter(island.tolist()).most_common()[-1][0]
        members = [item for item, own in zip(items, island, strict=True) if own == smallest]
        raise InputError(
            f"the items fall into {islands} groups that were never compared with one another (one of them: {', '.join(members[:5])}"
            f"{' ...' if len(members) > 5 else ''}): rate them apart, add comparisons between them, or give a prior (--ridge 0.1)"
        )


def records(table: Comparisons) -> list[dict[str, float]]:
    """For each item how often it won, lost, tied, and was one of two that were not good enough."""
    found = [{"wins": 0.0, "losses": 0.0, "ties": 0.0, "neither": 0.0} for _ in table.items]
    for pair, said, count in zip(table.asked, table.said, table.count, strict=True):
        for item, side in zip(pair, ("first", "second"), strict=True):
            found[item]["ties" if said == "tie" else "neither" if said == "none" else "wins" if said == side else "losses"] += count
    return [{name: whole(value) for name, value in record.items()} for record in found]


def whole(count: float) -> float:
    """A count as the whole number that it is, or, of shares, rounded to what their sum is sure of."""
    return round(count) if abs(count - round(count)) < 1e-9 else round(count, 9)
