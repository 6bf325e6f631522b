"""Common subsequence: what the successful ways to a goal have in common is its recipe, and progress is how much of a recipe has been done.

    recipes of a prompt    its successful trajectories, the shortest first, each of which joins the recipe with which it has the largest share of the shorter of the two in common,
                           if that is ``alike`` or more, and leaves of it their longest common subsequence; else it is a recipe of its own
    label_k                length of the longest common subsequence of the first k steps and the recipe / length of the recipe        0 to 1, never falling

    {prompt, completions: [step ...], score} -> {prompt, completions, labels}

Of several recipes a trajectory is held to the one of which it does the largest share in the end (of equal ones the longest, then the first found), also one that failed: what it
did of a recipe before is progress all the same. Steps are the same where they are equal. Trajectories of a prompt without a recipe are left out.

Source: ProgRM, arXiv 2505.18121: the abstract and summaries (like trajectories are grouped, a group's recipe is found by longest common subsequences, two and two, and progress
is the share of key steps done). ``threshold`` 1.0: the score of a success. Chosen here: how they are grouped, and ``alike`` 0.8, so that detours are dropped and other ways stay
apart; which recipe; that a prefix is matched at its best.
Differs from RejectionSampling: nobody judged a step, and what failed is kept.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guerdon.data.curation.rejection_sampling import RejectionSampling
from guerdon.errors import InputError
from guerdon.thresholds import reaches
from guerdon.witness import Witness


@dataclass(frozen=True)
class CommonSubsequence:
    threshold: float = 1.0
    alike: float = 0.8

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        successes: dict[str, list[list[Any]]] = {}
        for i, row in enumerate(rows):
            if not row["completions"] or row.get("score") is None:
                raise InputError(f"row {i + 1} must have steps in 'completions', and in 'score' what the whole trajectory came to")
            steps = list(row["completions"])
            known = successes.setdefault(repr(row["prompt"]), [])
            if reaches(float(row["score"]), self.threshold) and steps not in known:
                known.append(steps)
        recipes = {prompt: _recipes(known, self.alike) for prompt, known in successes.items()}
        return [
            {**{name: value for name, value in row.items() if name != "score"}, "labels": _progress(list(row["completions"]), own)}
            for row in rows
            if (own := recipes[repr(row["prompt"])])
        ]


def _recipes(successes: list[list[Any]], alike: float) -> list[list[Any]]:
    found: list[list[Any]] = []
    for steps in sorted(successes, key=len):
        shares = [len(_common(recipe, steps)) / min(len(recipe), len(steps)) for recipe in found]
        nearest = max(range(len(found)), key=lambda i: shares[i], default=-1)
        if nearest >= 0 and shares[nearest] >= alike:
            found[nearest] = _common(found[nearest], steps)
        else:
            found.append(steps)
    return found


def _progress(steps: list[Any], recipes: list[list[Any]]) -> list[float]:
    ways = [([row[-1] / len(recipe) for row in _lengths(steps, recipe)[1:]], len(recipe)) for recipe in recipes]
    return max(ways, key=lambda way: (way[0][-1], way[1]))[0]


def _lengths(one: Sequence[Any], other: Sequence[Any]) -> list[list[int]]:
    """[i][j]: the length of the longest common subsequence of the first i and the first j steps."""
    table = [[0] * (len(other) + 1)]
    for step in one:
        above, row = table[-1], [0]
        for j, its in enumerate(other):
            row.append(above[j] + 1 if step == its else max(above[j + 1], row[j]))
        table.append(row)
    return table


def _common(one: Sequence[Any], other: Sequence[Any]) -> list[Any]:
    table, i, j, found = _lengths(one, other), len(one), len(other), []
    while i and j:
        if one[i - 1] == other[j - 1]:
            found.append(one[i - 1])
            i, j = i - 1, j - 1
        elif table[i - 1][j] >= table[i][j - 1]:
            i -= 1
        else:
            j -= 1
    return found[::-1]


def _row(steps: str, score: float, prompt: str = "p", **more: Any) -> dict[str, Any]:
    return {"prompt": prompt, "completions": list(steps), "scores": [score] + [0.0] * (len(steps) - 1), "score": score, **more}


def _told(steps: str, score: float, labels: list[float]) -> dict[str, Any]:
    row = _row(steps, score, labels=labels)
    del row["score"]
    return row


# the recipe is "ab" (x and y are detours); of "bza" one half of it is done, and "q" has no success
_rows = [_row("axb", 1.0), _row("yab", 1.0), _row("ab", 1.0), _row("bza", 0.5), _row("ab", 0.0, prompt="q")]
_found = [_told("axb", 1.0, [0.5, 0.5, 1.0]), _told("yab", 1.0, [0.0, 0.5, 1.0]), _told("ab", 1.0, [0.5, 1.0])]
_apart = [_told("axb", 1.0, [1 / 3, 2 / 3, 1.0]), _told("yab", 1.0, [1 / 3, 2 / 3, 1.0])]
witness = (
    Witness(
        CommonSubsequence(),
        parent=RejectionSampling(),
        given={"rows": _rows},
        returns=[*_found, _told("bza", 0.5, [0.5, 0.5, 0.5])],
    ),
    Witness(  # "bza" is a success and has too little in common with the others: a recipe of its own
        CommonSubsequence(threshold=0.5),
        parent=CommonSubsequence(),
        given={"rows": _rows},
        returns=[*_found, _told("bza", 0.5, [1 / 3, 2 / 3, 1.0])],
    ),
    Witness(
        CommonSubsequence(alike=0.9), parent=CommonSubsequence(alike=0.6), given={"rows": _rows[:2]}, returns=_apart
    ),  # two thirds in common
)
