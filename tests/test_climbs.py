"""Climbs by comparison, and the landscape that they are tried in."""

import random
import statistics

import pytest

from guerdon.acting.climbs.coarse_to_fine import CoarseToFine
from guerdon.acting.climbs.greedy import Greedy
from guerdon.worlds.finite.landscape import Landscape

WORLD = Landscape(levels=2, slots=2, options=3, seed=1)


def searched(climb, budget, seed=0):
    """The point that is found with a judge who is never wrong, and how often the judge was asked."""
    draw, asked = random.Random(seed), []

    def propose(point, level, others):
        return WORLD.recombined(others, level, point, draw) if others else WORLD.changed(point, level, draw)

    def prefer(first, second):
        asked.append(1)
        return WORLD.worth(first) > WORLD.worth(second)

    return climb(WORLD.nothing, propose, prefer, budget), len(asked)


@pytest.mark.parametrize("climb", (Greedy(20), CoarseToFine(levels=2, starts=3, patience=10), CoarseToFine(levels=1)))
@pytest.mark.parametrize("budget", (0, 1, 7, 60, 400))
def test_nobody_is_asked_more_often_than_the_budget_and_a_sure_judge_finds_nothing_worse(climb, budget):
    point, asked = searched(climb, budget)
    assert asked <= budget
    assert WORLD.worth(point) >= WORLD.worth(WORLD.nothing) == 0


def test_a_detail_counts_when_what_it_is_a_detail_of_is_chosen_and_depends_on_it():
    nothing = (None, None)
    assert WORLD.worth((nothing, (0, 1))) == 0
    whole = {above: WORLD.worth(((above, 0), (0, 1))) - WORLD.worth(((above, 0), nothing)) for above in range(3)}
    assert len({round(value, 9) for value in whole.values()}) == 3


def test_points_are_worth_nothing_on_average_and_as_much_as_a_standard_deviation():
    draw, world = random.Random(0), Landscape(seed=3)
    worth = [world.worth(world.changed(world.nothing, None, draw)) for _ in range(4000)]
    assert abs(statistics.mean(worth)) < 0.1 and 0.7 < statistics.stdev(worth) < 1.3


def test_a_change_changes_one_choice_of_its_level_and_makes_all_where_there_is_none():
    draw = random.Random(0)
    first = WORLD.changed(WORLD.nothing, 0, draw)
    assert None not in first[0] and first[1] == (None, None)
    second = WORLD.changed(first, 0, draw)
    assert sum(a != b for a, b in zip(first[0], second[0], strict=True)) == 1
