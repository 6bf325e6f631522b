"""Control worlds on grids: their optima are those of value iteration on their tables."""

import pytest
import torch

from guerdon.errors import InputError
from guerdon.exact.solvers.value_iteration import ValueIteration
from guerdon.worlds.control.cliff import Cliff
from guerdon.worlds.control.deep_sea_treasure import DeepSeaTreasure
from guerdon.worlds.control.goal_maze import GoalMaze
from guerdon.worlds.control.key_door import KeyDoor
from guerdon.worlds.control.pendulum import Pendulum
from guerdon.worlds.control.playing import play
from guerdon.worlds.control.racetrack import Racetrack
from guerdon.worlds.control.rendezvous import Rendezvous
from guerdon.worlds.control.resource_gathering import ResourceGathering
from guerdon.worlds.control.tabulated import tabulated

# MO-Gymnasium's, of its two maps
CONVEX = [(0.7, -1), (8.2, -3), (11.5, -5), (14.0, -7), (15.1, -8), (16.1, -9), (19.6, -13), (20.3, -14), (22.4, -17), (23.7, -19)]
CONCAVE = [(1.0, -1), (2.0, -3), (3.0, -5), (5.0, -7), (8.0, -8), (16.0, -9), (24.0, -13), (50.0, -14), (74.0, -17), (124.0, -19)]


def _solved(world, beginning, **more):
    process, states = tabulated(world, beginning, **more)
    return process, states, ValueIteration()(process.transition, process.reward, process.discount)


@pytest.mark.parametrize("concave", [False, True])
def test_the_front_is_theirs_and_is_reached(concave):
    world = DeepSeaTreasure(concave)
    assert torch.equal(world.front, torch.tensor(CONCAVE if concave else CONVEX, dtype=torch.float64))
    for column, (value, time) in enumerate(world.front.tolist()):
        state, earned = world.begin(torch.rand(1, 0)), torch.zeros(1, 2, dtype=torch.float64)
        for move in [3] * column + [1] * (int(-time) - column):
            state, reward, over, _ = world.step(state, torch.tensor([move]))
            earned += reward
        assert bool(over) and earned[0].tolist() == pytest.approx([value, time])
    down = play(world, lambda seen, t: torch.ones(len(seen)), 3, seed=0)
    assert torch.equal(down.returns, world.front[:1].expand(3, 2)) and down.terminated.all()


@pytest.mark.parametrize("concave", [False, True])
def test_no_weighted_sum_earns_more_than_the_front(concave):
    world = DeepSeaTreasure(concave)
    tables = [tabulated(world, world.begin(torch.rand(1, 0)), objective=k)[0] for k in (0, 1)]
    best = set()
    for weight in (0.0, 0.2, 0.5, 0.8, 0.95):
        reward = weight * tables[0].reward + (1 - weight) * tables[1].reward
        solved = ValueIteration()(tables[0].transition, reward, 1.0)
        scores = weight * world.front[:, 0] + (1 - weight) * world.front[:, 1]
        assert float(solved["value"][0]) == pytest.approx(float(scores.max()), abs=1e-5)
        best.add(int(scores.argmax()))
    assert (len(best) > 2) != concave  # a sum finds the ends of a concave front only


def test_who_falls_off_the_cliff_begins_again():
    world = Cliff()
    _, _, solved = _solved(world, world.begin(torch.rand(1, 0)))
    assert float(solved["value"][0]) == -13
    state, reward, over, _ = world.step(world.begin(torch.rand(1, 0)), torch.tensor([1]))
    assert state.tolist() == [[3.0, 0.0]] and reward.tolist() == [-100.0] and not over.any()


def test_wind_keeps_off_the_edge():
    rows = []
    for wind in (0.0, 0.01, 0.1):
        world = Cliff(wind)
        _, states, solved = _solved(world, world.begin(torch.rand(1, 0)))
        places = {tuple(state): i for i, state in enumerate(states.tolist())}
        best = torch.tensor([int(solved["policy"][places[tuple(state)]].argmax()) for state in states.tolist()])

        def act(seen, t, best=best, places=places):
            return torch.tensor([int(best[places[tuple(state)]]) for state in seen.tolist()])

        found = play(world, act, 2000, seed=0)
        assert float(found.returns.mean()) == pytest.approx(
            float(solved["value"][0]), abs=4 * float(found.returns.std()) / len(found.returns) ** 0.5 + 1e-9
        )
        state, walked = world.begin(torch.rand(1, 0)), []
        for _ in range(30):
            state, _, over, _ = Cliff().step(state, act(state, 0))
            walked.append(int(state[0, 0]))
            if over.any():
                break
        rows.append(min(walked))
    assert rows == sorted(rows, reverse=True) and rows[0] == 2 and rows[-1] < 2


@pytest.mark.parametrize("size", [2, 3, 5])
def test_the_key_is_fetched_first(size):
    world = KeyDoor(size=size, cost=0.01)
    beginning = world.begin((torch.arange(size**2).double() / size**2 + 0.5 / size**2).unsqueeze(-1))
    assert len(beginning.unique(dim=0)) == size**2
    process, states, solved = _solved(world, beginning)
    assert torch.allclose(solved["value"][:-1], 1 - 0.01 * world.steps(states))
    assert len(process.reward) < 3 * (2 * size + 1) * size


def test_every_goal_is_reached_by_the_shortest_way():
    world = GoalMaze(width=4, height=3, seed=2)
    cells = torch.cartesian_prod(*(torch.arange(n).double() for n in (3, 4, 3, 4)))
    beginning = cells[(cells[:, :2] != cells[:, 2:]).any(-1)]
    _, states, solved = _solved(world, beginning)
    place, goal = world.cells(states)
    assert torch.equal(-solved["value"][:-1], (world.steps[place, goal] - 1))
    drawn = world.begin(torch.rand(2000, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64))
    assert {tuple(s) for s in drawn.tolist()} == {tuple(s) for s in beginning.tolist()}


def test_what_was_reached_is_a_goal_that_was_met():
    world = GoalMaze()
    state = world.begin(torch.rand(50, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64))
    after, reward, *_ = world.step(state, torch.randint(4, (50,)))
    assert torch.equal(reward, world.rewards(world.reached(after), after[:, 2:])) and (reward == -1).any()
    assert torch.all(world.rewards(world.reached(after), world.reached(after)) == 0)


@pytest.mark.parametrize("slip", [0.0, 0.1])
def test_a_corner_is_taken_as_fast_as_value_iteration_says(slip):
    world = Racetrack(long=6, wide=2, slip=slip)
    beginning = world.begin(torch.tensor([[0.2], [0.7]], dtype=torch.float64))
    process, states, solved = _solved(world, beginning)
    places = {tuple(state): i for i, state in enumerate(states.tolist())}
    best = solved["policy"].argmax(-1)
    found = play(world, lambda seen, t: best[torch.tensor([places[tuple(state)] for state in seen.tolist()])], 4000, seed=0)
    error = 4 * float(found.returns.std()) / 4000**0.5 + 1e-9
    assert found.terminated.all() and float(found.returns.mean()) == pytest.approx(float(solved["value"] @ process.initial), abs=error)
    fastest = 2 * (6 + 2 - 1) / world.fastest  # whoever was always as fast as can be
    assert -found.returns.mean() > fastest and (states[:, :2] >= 0).all() and (states[:, 0] < 6).all()


def test_off_the_track_one_is_back_at_the_start():
    world = Racetrack(long=6, wide=3, slip=0.0)
    fast = torch.tensor([[0.0, 0.0, 1.0, 4.0]], dtype=torch.float64)  # to the right, over the edge
    state, reward, over, _ = world.step(fast, torch.tensor([4]))
    assert state.tolist() == [[0.0, 1.0, 0.0, 0.0]] and reward.tolist() == [-1.0] and not over.any()
    end = torch.tensor([[4.0, 7.0, 0.0, 2.0]], dtype=torch.float64)
    assert world.step(end, torch.tensor([4])).terminated.all()


def test_two_meet_half_way():
    world = Rendezvous(width=3, height=3)
    cells = torch.cartesian_prod(*(torch.arange(3).double(),) * 4)
    beginning = cells[(cells[:, :2] != cells[:, 2:]).any(-1)]
    _, states, solved = _solved(world, beginning)
    assert torch.equal(-solved["value"][:-1], world.steps(states) - 1)
    alone = world.maze.steps[world.maze.cells(states)]
    assert (world.steps(states) < alone).any() and (world.steps(states) <= alone).all()


def test_who_pass_each_other_have_not_met():
    world = Rendezvous(width=2, height=1)
    both = torch.tensor([[0.0, 0.0, 0.0, 1.0]], dtype=torch.float64)
    state, reward, over, _ = world.step(both, torch.tensor([[1, 3]]))
    assert state.tolist() == [[0.0, 1.0, 0.0, 0.0]] and reward.tolist() == [-1.0] and not over.any()
    assert world.step(both, torch.tensor([[4, 3]])).terminated.all()


def test_what_is_fetched_depends_on_what_death_costs():
    world = ResourceGathering()
    tables = [tabulated(world, world.begin(torch.rand(1, 0)), objective=k)[0] for k in range(3)]
    fetched = {}
    for death in (0.0, 5.0, 50.0):
        process, discount = tables[0], 0.9
        reward = death * tables[0].reward + tables[1].reward + 1.2 * tables[2].reward
        policy = ValueIteration()(process.transition, reward, discount)["policy"]
        walk = torch.einsum("sa,sat->st", policy, process.transition)
        visits = torch.linalg.solve(torch.eye(len(walk)).double() - discount * walk.T, process.initial)
        fetched[death] = [float(visits @ (policy * table.reward).sum(-1)) for table in tables]
    killed, gold, gem = fetched[0.0]
    assert killed < 0 < min(gold, gem)  # past enemies, who cost time only
    assert killed <= fetched[5.0][0] <= fetched[50.0][0] == 0 < fetched[50.0][2]  # the long way round
    assert fetched[50.0][1] + 1.2 * fetched[50.0][2] < gold + 1.2 * gem


def test_what_has_no_tables_is_said():
    with pytest.raises(InputError, match="finitely many choices"):
        tabulated(Pendulum(), torch.zeros(1, 2))
    with pytest.raises(InputError, match="more than 10 states"):
        tabulated(DeepSeaTreasure(), torch.zeros(1, 2, dtype=torch.float64), objective=0, most=10)
