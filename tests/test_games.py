"""The games: every episode ends and stays within its bounds, random play raises nothing, experts are the optimum that is found otherwise."""

import itertools
import math
import pickle
import random
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guerdon.catalogue import names_in, resolve
from guerdon.errors import InputError
from guerdon.tasks.environments import Said
from guerdon.worlds.games.arithmetic import Arithmetic
from guerdon.worlds.games.maze import Maze
from guerdon.worlds.games.twenty_questions import ANIMALS, TwentyQuestions
from guerdon.worlds.playing import demonstrations, noisy, play, returns, transitions

HIDDEN = [Maze(), TwentyQuestions()]
OTHERS = [Arithmetic(cost=0.1)]
GAMES = [*HIDDEN, *(type(game)(observed=True) for game in HIDDEN), *OTHERS]
ALL = [*GAMES, *(type(game)(wording="sentences") for game in [*HIDDEN, *OTHERS])]
texts = st.text("abcns0123456789=?-+* \n", max_size=12)


def test_every_game_is_tested_here():
    assert {type(game) for game in GAMES} == {resolve(name, "worlds.games") for name in names_in("worlds.games")}


@pytest.mark.parametrize("game", ALL, ids=repr)
@given(seed=st.integers(0, 2**32), said=st.lists(texts, max_size=6))
@settings(max_examples=8, deadline=None)
def test_random_play_ends_within_bounds_and_raises_nothing(game, seed, said):
    row, draw, total, turn = game.rows(1, seed)[0], random.Random(seed), 0.0, 0
    environment = game.build()
    first = environment.reset(row, seed)
    told = [row["prompt"], first or ""]
    while not environment.over:
        actions = game.actions(environment)
        assert actions and max(map(len, actions)) <= game.longest
        text = said[turn] if turn < len(said) else draw.choice(actions)
        answer = environment.step(Said(text))
        told += [str(answer.text), *actions]
        total, turn = total + answer.reward, turn + 1
        assert answer.text or answer.done
    assert turn <= game.turns
    assert game.bounds[0] - 1e-9 <= total <= game.bounds[1] + 1e-9
    assert set("".join(told)) <= set(game.characters)
    with pytest.raises(InputError, match="the episode is over"):
        environment.step(Said("x"))


@pytest.mark.parametrize("game", ALL, ids=repr)
def test_episodes_are_the_same_again_and_go_on_from_a_state(game):
    for row in game.rows(3, seed=5):
        policy = noisy(game, 0.5)
        assert play(game, row, policy, 1) == play(game, row, policy, 1)
        environment, twin = game.build(), pickle.loads(pickle.dumps(game)).build()
        environment.reset(row, 0)
        environment.step(Said(game.actions(environment)[0]))
        if environment.over:
            continue
        twin.restore(pickle.loads(pickle.dumps(environment.state())))
        said = game.expert(environment)
        assert game.expert(twin) == said and environment.step(Said(said)) == twin.step(Said(said))


@pytest.mark.parametrize("game", ALL, ids=repr)
def test_the_expert_is_better_than_chance_and_no_worse_than_it_says(game):
    rows = game.rows(40, seed=2)
    assert rows[:7] == game.rows(7, seed=2)
    expert, chance = returns(game, rows, noisy(game, 0.0)), returns(game, rows, noisy(game, 1.0))
    assert expert == pytest.approx([game.optimum(row) for row in rows])
    assert sum(expert) > sum(chance) + 0.1 * len(rows)
    words = type(game)(wording="sentences")
    assert [words.optimum(row) for row in rows[:5]] == pytest.approx([type(game)().optimum(row) for row in rows[:5]])


@pytest.mark.parametrize("game", ALL, ids=repr)
def test_what_is_no_action_costs_a_turn_and_changes_nothing(game):
    environment = game.build()
    environment.reset(game.rows(1)[0], 0)
    before = environment.state()
    told = environment.step(Said("%%"))
    assert told.reward == game.wasted and not told.done and game.words.tell("invalid") in told.text
    assert environment.state() == {**before, "turn": 1}


@pytest.mark.parametrize("game", HIDDEN, ids=repr)
def test_who_sees_all_does_no_worse_and_the_expert_reaches_the_optimum(game):
    seen = type(game)(observed=True)
    for each in (game, seen):
        over_starts = [each.optimum(each.columns(start)) for start in each.starts()]
        assert sum(over_starts) / len(over_starts) == pytest.approx(each.solution.expected())
    assert seen.solution.expected() >= game.solution.expected() - 1e-9


@pytest.mark.parametrize("game", GAMES, ids=repr)
def test_wrong_settings_and_rows_are_refused(game):
    with pytest.raises(InputError, match="did you mean sentences"):
        type(game)(wording="sentence")
    with pytest.raises(InputError, match="at least one turn"):
        type(game)(turns=0)
    with pytest.raises(InputError):
        game.build().reset({"prompt": "x"}, 0)


def brute(game, starts, turns):
    """The optimum over every policy that is a tree of what was told, by its own recursion on histories of told texts."""

    @cache
    def value(hidden, left):
        if not left:
            return 0.0
        best = -math.inf
        for action in game.moves(hidden[0]):
            groups = {}
            for state in hidden:
                outcome = game.after(state, action)
                groups.setdefault((outcome.text, outcome.done), []).append(outcome)
            total = 0.0
            for (_, done), outcomes in groups.items():
                total += sum(o.reward for o in outcomes) + (0 if done else value(tuple(o.hidden for o in outcomes), left - 1))
            best = max(best, total)
        return best

    first = {}
    for start in starts:
        first.setdefault(game.first(start), []).append(start)
    return sum(value(tuple(group), turns) for group in first.values()) / len(starts)


@pytest.mark.parametrize("game", [Maze(3, 2, turns=5), Maze(2, 3, turns=6, seed=3), TwentyQuestions(size=4, turns=4)], ids=repr)
def test_the_optimum_is_that_of_all_policies(game):
    assert game.solution.expected() == pytest.approx(brute(game, game.starts(), game.turns))


# The maze


def test_with_a_position_the_optimum_is_the_shortest_way():
    import networkx

    maze = Maze(5, 4, observed=True, turns=50, seed=3)
    graph = networkx.Graph(list(maze.open))
    assert networkx.is_tree(graph) and len(graph) == 20
    steps = networkx.single_source_shortest_path_length(graph, maze.goal)
    assert all(maze.optimum({"start": list(start)}) == 1 - steps[start] for start in maze.starts())


def test_a_maze_that_was_looked_at():
    """1 2        The only wall is between 1,1 and 1,2, or another; whatever was carved, a wall is told and not walked through."""
    maze = Maze(2, 2)
    environment = maze.build()
    for start in maze.starts():
        for name, (dx, dy) in {"n": (0, -1), "e": (1, 0), "s": (0, 1), "w": (-1, 0)}.items():
            first = environment.reset({"start": list(start)}, 0)
            told = environment.step(Said(name))
            there = (start[0] + dx, start[1] + dy)
            assert environment.hidden == (start if name in first else there)
            assert (told.reward, told.done) == ((0.0, True) if environment.hidden == (1, 1) else (-1.0, False))


# Twenty questions


def test_questions_about_all_subsets_take_as_many_turns_as_bits():
    """Eight things told apart by three properties, one for each bit: two questions leave two of them, of which the first guess is right for half."""
    table = {f"t{k}": tuple(p for bit, p in enumerate("pqr") if k >> bit & 1) for k in range(8)}
    assert TwentyQuestions(table=table).solution.expected() == pytest.approx(-(8 + 8 + 4) / 8)


def test_a_greedy_expert_is_no_better_than_the_exact_one_and_close():
    exact, greedy = TwentyQuestions(exact=10), TwentyQuestions(exact=3)
    means = [sum(game.optimum({"answer": thing}) for thing in game.things()) / 8 for game in (exact, greedy)]
    assert means[1] <= means[0] == pytest.approx(exact.solution.expected()) and means[1] > means[0] - 0.5


def test_the_animals_differ():
    assert len(set(ANIMALS.values())) == len(ANIMALS)


# Arithmetic


@given(seed=st.integers(0, 2**32), digits=st.integers(1, 3), operations=st.integers(1, 5))
@settings(max_examples=50, deadline=None)
def test_sums_are_worked_out_as_python_does(seed, digits, operations):
    game = Arithmetic(digits, operations, cost=0.05, turns=operations + 1)
    for row in game.rows(3, seed):
        worth = eval("".join(plain(row["sum"])))
        assert row["answer"] == str(worth)
        assert game.optimum(row) == pytest.approx(1 - 0.05 * operations)


def plain(text):
    """The sum with numbers as Python writes them."""
    return ["".join(group) if not digit else str(int("".join(group))) for digit, group in itertools.groupby(text, str.isdigit)]


def test_what_the_calculator_says():
    environment = Arithmetic(turns=9).build()
    environment.reset({"sum": "2+3*4"}, 0)
    said = ["=3*4", "= 12 + 2", "=-3--4", "=2+3*4", "=2**3", "nothing", "14"]
    told = [environment.step(Said(text)) for text in said]
    assert [t.text for t in told] == ["12>", "14>", "1>", "?>", "?>", "?>", "yes"]
    assert [t.reward for t in told] == [0, 0, 0, -0.1, -0.1, -0.1, 1]


# What is written down


@pytest.mark.parametrize("game", GAMES, ids=repr)
def test_demonstrations_and_transitions(game):
    rows = game.rows(12, seed=4)
    shown = demonstrations(game, rows, seed=1, noise=0.3)
    assert shown == demonstrations(game, rows, seed=1, noise=0.3)
    for row in shown:
        assert [m["role"] for m in row["messages"]] == ["user", "assistant"] * len(row["rewards"])
        assert row["messages"][0]["content"].startswith(row["prompt"]) and row["return"] == pytest.approx(sum(row["rewards"]))
        environment = game.build()
        environment.reset(row, 0)
        assert [environment.step(Said(m["content"])).reward for m in row["messages"][1::2]] == row["rewards"]
    steps = transitions(shown)
    assert len(steps) == sum(len(row["rewards"]) for row in shown)
    first = [step for step in steps if step["episode"] == 0]
    assert (
        first[-1]["done"]
        and first[0]["return_to_go"] == shown[0]["return"]
        and first[-1]["return_to_go"] == pytest.approx(first[-1]["reward"])
    )
    assert first[-1]["prompt"] + first[-1]["completion"] == "".join(m["content"] for m in shown[0]["messages"])
    with pytest.raises(InputError, match="share of turns"):
        demonstrations(game, rows, noise=2.0)
