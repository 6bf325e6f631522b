"""The games: every episode ends and stays within its bounds, random play raises nothing, experts are the optimum that is found otherwise."""

import dataclasses
import itertools
import math
import pickle
import random
import runpy
import sys
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guerdon.catalogue import names_in, resolve
from guerdon.errors import InputError
from guerdon.evaluation.statistics.bootstrap_mean import BootstrapMean
from guerdon.interfaces.cli import main
from guerdon.interfaces.configuration import load
from guerdon.tasks.environments import Said
from guerdon.worlds.games._tablebase import attacks, replies, tablebase
from guerdon.worlds.games.arithmetic import Arithmetic
from guerdon.worlds.games.car_deal import CarDeal
from guerdon.worlds.games.endgame import Endgame
from guerdon.worlds.games.guess_my_city import GuessMyCity
from guerdon.worlds.games.maze import Maze
from guerdon.worlds.games.search import Search
from guerdon.worlds.games.twenty_questions import ANIMALS, TwentyQuestions
from guerdon.worlds.games.wordle import Wordle, marked
from guerdon.worlds.playing import demonstrations, noisy, play, returns, transitions

HIDDEN = [Maze(), TwentyQuestions(), Wordle(), GuessMyCity(), CarDeal()]
OTHERS = [Arithmetic(cost=0.1), Endgame(), Search()]
GAMES = [*HIDDEN, *(type(game)(observed=True) for game in HIDDEN), *OTHERS]
SEEN = {type(game): game for game in GAMES[len(HIDDEN) : 2 * len(HIDDEN)]}
SPOKEN = {type(game): dataclasses.replace(game, wording="sentences") for game in [*HIDDEN, *OTHERS]}
ALL = [*GAMES, *SPOKEN.values()]
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
        assert isinstance(answer.state, str) and not answer.truncated and set(answer.figures) == ({"solved"} if answer.done else set())
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


@pytest.mark.parametrize("game", [*HIDDEN, *OTHERS], ids=repr)
def test_it_is_the_same_game_in_other_words(game):
    rows = game.rows(10, seed=6)
    assert [SPOKEN[type(game)].optimum(row) for row in rows] == pytest.approx([game.optimum(row) for row in rows])
    assert all(
        len(row["prompt"]) < 20 < len(spoken["prompt"]) for row, spoken in zip(rows, SPOKEN[type(game)].rows(10, seed=6), strict=True)
    )


@pytest.mark.parametrize("game", ALL, ids=repr)
def test_what_is_no_action_costs_a_turn_and_changes_nothing(game):
    environment = game.build()
    environment.reset(game.rows(1)[0], 0)
    before = environment.state()
    told = environment.step(Said("%%"))
    assert told.reward == game.wasted and not told.done and game.speech.tell("invalid") in told.text
    assert environment.state() == {**before, "turn": 1}


@pytest.mark.parametrize("game", HIDDEN, ids=repr)
def test_who_sees_all_does_no_worse_and_the_expert_reaches_the_optimum(game):
    seen = SEEN[type(game)]
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


SMALL = [
    *(Maze(3, 2, turns=5), Maze(2, 3, turns=6, seed=3), TwentyQuestions(size=4, turns=4), Wordle(size=6, turns=3), Wordle(size=5, turns=2)),
    *(
        GuessMyCity(size=5, turns=4),
        CarDeal(cars=2, least=3, most=4, turns=3),
        CarDeal(cars=2, least=2, most=3, dislike=1, patience=1, turns=3),
    ),
]


@pytest.mark.parametrize("game", SMALL, ids=repr)
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


# Wordle and the city


@pytest.mark.parametrize(
    ("guess", "word", "marks"), [("speed", "abide", "bbyby"), ("aab", "baa", "ygy"), ("bak", "bak", "ggg"), ("kok", "dik", "bbg")]
)
def test_marks_of_repeated_letters(guess, word, marks):
    assert marked(guess, word) == marks


def test_words_of_ones_own_and_an_atlas_without_twins():
    game = Wordle(words=("crane", "slate", "trace"), length=5)
    assert game.optimum({"answer": "slate"}) in (-1.0, 0.0) and game.solution.expected() == pytest.approx(
        -2 / 3
    )  # one guess tells the other two apart
    for seed in range(5):
        atlas = GuessMyCity(size=72, seed=seed).atlas
        assert len({tuple(kind.values()) for kind in atlas.values()}) == len(atlas) == 72
    with pytest.raises(InputError, match="from 1 to 72"):
        GuessMyCity(size=73)
    with pytest.raises(InputError, match="there are 75 words"):
        Wordle(size=76)
    with pytest.raises(InputError, match="give 3 or more"):
        Search(turns=2)


# The car deal


def test_a_deal_that_was_worked_out_by_hand():
    """One car, budgets 3 and 4, one refusal ends it. Asked, 4 is told by the frank one with 4 (sold for 4) and 3 by the frank one with 3 and the sly one with 4 (3 each), 2 by
    the sly one with 3 (3), and two say nothing (3 each): 19 of six buyers, where 3 for everybody without asking is 18."""
    assert CarDeal(cars=1, least=3, most=4, dislike=0, patience=1).solution.expected() == pytest.approx(19 / 6)
    seen = SEEN[CarDeal]
    assert all(seen.optimum(seen.columns(buyer)) == buyer[1] for buyer in seen.starts())


def test_what_buyers_say():
    environment = CarDeal().build()
    for manner, told in {"frank": "a>,4>,dear>,deal", "sly": "a>,3>,dear>,deal", "curt": "hm>,hm>,no>,deal"}.items():
        environment.reset({"favourite": "a", "budget": 4, "manner": manner}, 0)
        assert ",".join(environment.step(Said(said)).text for said in ("car?", "pay?", "a5", "b2")) == told
    environment.reset({"favourite": "a", "budget": 4, "manner": "frank"}, 0)
    assert [environment.step(Said("b3")).text for _ in range(2)] == ["other>", "bye"]


# The endgame


@pytest.mark.parametrize(("size", "piece"), [(4, "R"), (4, "Q")])
def test_distances_to_mate_are_a_fixed_point(size, piece):
    """White's is one more than the least of black's after a move, black's the largest of white's: moves are generated one at a time, as they are played."""
    table, game = tablebase(size, piece), Endgame(size, piece)
    for position in itertools.product(range(size**2), repeat=3):
        king, at, black = position
        there = replies(size, piece, king, at, black)
        if table.black[position] == 0:
            assert not there and attacks(size, king, at, piece, black)
        elif table.black[position] > 0:
            assert at not in there and max(table.white[king, at, to] for to in there) == table.black[position]
        if table.white[position] > 0:
            after = [table.black[game._moved(position, move)] for move in game.moves(position)]
            assert min(d for d in after if d >= 0) + 1 == table.white[position]


def test_on_the_whole_board_it_is_chess():
    chess = pytest.importorskip("chess")
    assert tablebase(8, "Q").white.max() == 10  # long known of this endgame

    def shortest(board, most):
        """Moves to mate by trying everything, or one more than most."""
        best = most + 1
        for move in list(board.legal_moves) if most > 0 else []:
            board.push(move)
            if board.is_checkmate():
                best = 1
            elif not board.is_stalemate() and board.piece_type_at(move.to_square):
                found = 0
                for reply in list(board.legal_moves):
                    board.push(reply)
                    found = max(found, shortest(board, min(best - 2, most - 1)) if len(board.piece_map()) == 3 else most)
                    board.pop()
                    if found + 1 >= best:
                        break
                best = min(best, found + 1)
            board.pop()
        return best

    game = Endgame(8, "Q", turns=16)
    for number, row in enumerate(game.rows(12, seed=1)):
        position = game.start(row)
        board = chess.Board(None)
        for square, symbol in zip(position, ("K", "Q", "k"), strict=True):
            board.set_piece_at(square, chess.Piece.from_symbol(symbol))
        assert sorted(about for _, about in game.moves(position)) == sorted(move.uci() for move in board.legal_moves)
        for move in list(board.legal_moves):
            board.push(move)
            king, at, black = game._moved(position, ("move", move.uci()))
            assert sorted(replies(8, "Q", king, at, black)) == sorted(reply.to_square for reply in board.legal_moves)
            board.pop()
        distance = tablebase(8, "Q").white[position]
        if number < 4:
            assert min(shortest(board, 2), 3) == min(distance, 3)


def test_black_takes_a_piece_that_is_not_guarded():
    game = Endgame()
    environment = game.build()
    environment.reset({"position": "Ka1Rd4kc2"}, 0)
    told = environment.step(Said("d4d2"))
    assert (told.text, told.reward, told.done, told.figures) == ("draw", 0.0, True, {"solved": 0.0})


# The search


def test_the_searching_expert_earns_what_the_formula_says():
    for game in (
        Search(),
        Search(hops=3, misses=0.4, turns=6, cost=0.1),
        Search(cost=0.45, turns=4),
        Search(hops=1, misses=0.9, cost=0.1, turns=3, size=5),
    ):
        found = [game.optimum(row) for row in game.rows(300, seed=3)]
        mean, spread = sum(found) / len(found), max(max(found) - min(found), 0.01)
        assert abs(mean - game.value(game.hops, game.turns)) < 4 * spread / 2 / math.sqrt(len(found))
    assert Search().value(2, 5) == pytest.approx(0.9)
    assert Search(cost=0.5).value(2, 5) == pytest.approx(1 / 7)  # a search costs more than it gives: guess


class AllCorpora(Search):
    """Every corpus of three names and two relations once: which of the other two it is, is a bit of the corpus' number."""

    def fact(self, corpus, name, relation):
        others = [other for other in self.names if other != name]
        return others[corpus >> (self.names.index(name) * 2 + self.relations.index(relation)) & 1]

    def moves(self, hidden):
        words = [*self.names, *self.relations]
        return [
            *super().moves(hidden),
            *(("search", word) for word in words),
            *(("search", " ".join(two)) for two in itertools.combinations(words, 2)),
        ]


def test_no_policy_searches_better():
    game = AllCorpora(size=3, relations=("boss", "kin"), turns=3)
    starts = [game.start({"corpus": corpus, "name": game.names[0], "path": ["boss", "kin"]}) for corpus in range(64)]
    assert brute(game, starts, 3) == pytest.approx(game.value(2, 3)) == 0.9


def test_what_a_search_finds():
    game = Search()
    row = game.rows(1)[0]
    environment = game.build()
    environment.reset(row, 0)
    name, path = row["name"], row["path"]
    thing = game.fact(row["corpus"], name, path[0])
    assert environment.step(Said(f"?{path[0]} {name}")).text == f"{name} {path[0]} {thing}>"
    assert environment.step(Said("?zzz")).text == "none>"
    assert environment.step(Said(game.fact(row["corpus"], thing, path[1]))).figures == {"solved": 1.0}


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


def test_the_page_says_what_is_measured():
    """Every figure of the table in docs/games.md, computed anew."""
    eight = (Path(__file__).parents[1] / "docs" / "games.md").read_text().split("## The eight\n")[1].split("\n## ")[0]
    lines = [line for line in eight.splitlines() if line.startswith("| `")]
    names = [line.split("`")[1] for line in lines]
    assert sorted(names) == sorted(names_in("worlds.games"))
    proven = {"endgame": 1.0, "arithmetic": 1.0, "search": Search().value(2, 5)}
    for name, line in zip(names, lines, strict=True):
        game = resolve(name, "worlds.games")()
        rows = game.rows(200, seed=7)
        expert, chance = (BootstrapMean()(returns(game, rows, noisy(game, noise))) for noise in (0.0, 1.0))
        optimum = proven[name] if name in proven else game.solution.expected()
        said = [cell.strip() for cell in line.split("|")[5:8]]
        assert said == [f"{optimum:.2f}", *(f"{e.value:.2f} ({e.low:.2f} to {e.high:.2f})" for e in (expert, chance))], name
        assert expert.low - 1e-9 <= optimum <= expert.high + 1e-9


@pytest.mark.parametrize("name", ["wordle", "guess_my_city"])
def test_the_examples_of_games_run(name, tmp_path, monkeypatch, capsys):
    root, file = Path(__file__).parents[1], f"{name}.yaml"
    (tmp_path / file).write_text((root / "examples" / file).read_text())
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(root / "examples"))
    short = ["steps=2", "batch_size=2", "num_generations=2", "minibatches=2"]
    assert main(["train", file, *short]) == 0
    monkeypatch.setattr(sys, "argv", ["game_from_nothing.py", file, "--rows", "3", "--times", "2"])
    runpy.run_path(str(root / "examples" / "game_from_nothing.py"), run_name="__main__")
    likeliest, chance, expert = capsys.readouterr().out.splitlines()[-3:]
    assert likeliest.endswith("below the expert") and chance.endswith("below the expert") and expert.startswith("the expert")
    game, words = SEEN[GuessMyCity if name == "guess_my_city" else Wordle], load((tmp_path / file).read_text()).model.words
    assert sorted(words) == sorted(game.speech.write(move) for move in game.moves(game.starts()[0]))
