"""Control worlds: each step is Gymnasium's where Gymnasium has it, and each optimum is a solver's."""

import math

import pytest
import torch

from guerdon.errors import InputError
from guerdon.exact.solvers.gridded import Gridded
from guerdon.exact.solvers.riccati import Riccati
from guerdon.worlds.control import Box
from guerdon.worlds.control.acrobot import Acrobot
from guerdon.worlds.control.cart_pole import CartPole
from guerdon.worlds.control.double_integrator import DoubleIntegrator
from guerdon.worlds.control.mountain_car import MountainCar
from guerdon.worlds.control.pendulum import Pendulum
from guerdon.worlds.control.playing import play
from guerdon.worlds.control.point_mass import PointMass
from guerdon.worlds.control.reacher import Reacher

THEIRS = {
    "Pendulum-v1": Pendulum(),
    "CartPole-v1": CartPole(),
    "MountainCar-v0": MountainCar(),
    "MountainCarContinuous-v0": MountainCar(continuous=True, horizon=999),
    "Acrobot-v1": Acrobot(),
}


def _drawn(world, count, seed=0):
    """Actions at random, [T, count] or [T, count, A]."""
    draw, shape = torch.Generator().manual_seed(seed), (60, count)
    if isinstance(world.actions, Box):
        low, high = torch.tensor(world.actions.low), torch.tensor(world.actions.high)
        return low + (high - low) * torch.rand(*shape, len(low), generator=draw)
    return torch.randint(world.actions.n, shape, generator=draw)


@pytest.mark.parametrize("name", THEIRS)
def test_every_step_is_gymnasiums(name):
    gymnasium = pytest.importorskip("gymnasium")
    world, count = THEIRS[name], 6
    environment = gymnasium.make(name)
    assert environment.spec.max_episode_steps == world.horizon
    state = world.begin(torch.rand(count, world.begins, generator=torch.Generator().manual_seed(1), dtype=torch.float64))
    begun, actions = state.clone(), _drawn(world, count)
    ours = []
    for action in actions:
        state, reward, over, _ = world.step(state, action)
        ours.append((state, world.observe(state), reward, over))
    for b in range(count):
        environment.reset(seed=0)
        inner = environment.unwrapped
        inner.state = begun[b].numpy().copy()
        for t in range(len(actions)):
            action = actions[t, b].numpy() if isinstance(world.actions, Box) else int(actions[t, b])
            observation, reward, over, _, _ = inner.step(action)
            assert torch.allclose(ours[t][1][b], torch.as_tensor(observation).double(), atol=2e-5), (t, b)
            assert float(ours[t][2][b]) == pytest.approx(float(reward), abs=1e-5) and bool(ours[t][3][b]) == bool(over)
            if over:
                break
            inner.state = ours[t][0][b].numpy().copy()  # theirs keeps some states in float32


@pytest.mark.parametrize("name", THEIRS)
def test_episodes_begin_where_theirs_do(name):
    gymnasium = pytest.importorskip("gymnasium")
    world, environment = THEIRS[name], gymnasium.make(name)
    ours = world.observe(world.begin(torch.rand(4000, world.begins, generator=torch.Generator().manual_seed(0), dtype=torch.float64)))
    theirs = torch.stack([torch.as_tensor(environment.reset(seed=seed)[0]).double() for seed in range(1000)])
    spread = ours.std(0)
    assert torch.all((ours.mean(0) - theirs.mean(0)).abs() <= 5 * spread / math.sqrt(1000) + 1e-12)
    assert torch.all((ours.amin(0) - theirs.amin(0)).abs() <= 0.1 * spread + 1e-12)
    assert torch.all((ours.amax(0) - theirs.amax(0)).abs() <= 0.1 * spread + 1e-12)


@pytest.mark.parametrize("wind", [0.0, 0.3])
def test_the_point_mass_earns_what_riccati_says(wind):
    world = PointMass(wind=wind, horizon=40)
    solved = Riccati(steps=40)(**world.linear())
    draw = torch.rand(20_000, world.begins, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    begun = world.begin(draw)
    expected = -(torch.einsum("bi,ij,bj->b", begun, solved["cost"][0], begun) + solved["constant"][0])
    found = play(world, lambda seen, t: -seen @ solved["gain"][t].T, 20_000, seed=5)
    mean = -(torch.einsum("ij,ji->", solved["cost"][0], torch.cov(begun.T)) + solved["constant"][0])
    assert float(found.returns.mean()) == pytest.approx(float(expected.mean()), abs=4 * float(found.returns.std()) / 100)
    assert float(mean) == pytest.approx(float(expected.mean()), rel=0.05) and not found.terminated.any()
    for factor in (0.8, 1.25):  # no other gain is better
        worse = play(world, lambda seen, t, f=factor: -f * seen @ solved["gain"][t].T, 20_000, seed=5)
        assert worse.returns.mean() < found.returns.mean()


def test_a_pendulum_is_swung_up_by_value_iteration():
    world = Pendulum()
    plan = Gridded((-math.pi, -8.0), (math.pi, 8.0), (101, 81), (2 * math.pi, 0.0)).plan(
        world, [[u] for u in (-2.0, -1.0, 0.0, 1.0, 2.0)], 200
    )
    kept = {}

    def act(seen, t):
        state = torch.stack([torch.atan2(seen[:, 1], seen[:, 0]), seen[:, 2]], -1)
        kept.setdefault("promised", plan.value(state))
        return plan.best(state, 200 - t)

    found = play(world, act, 200, seed=0)
    assert float(found.returns.mean()) == pytest.approx(float(kept["promised"].mean()), rel=0.1)
    assert found.returns.mean() > -160 and found.returns.min() > -420  # unsteered: -1,200
    nothing = play(world, lambda seen, t: torch.zeros(len(seen), 1), 200, seed=0)
    assert nothing.returns.mean() < -900


def test_a_car_leaves_the_valley_in_as_few_steps_as_value_iteration_says():
    world = MountainCar()
    plan = Gridded((-1.2, -0.07), (0.6, 0.07), (151, 121)).plan(world, [0, 1, 2], 200)
    kept = {}

    def act(seen, t):
        kept.setdefault("promised", plan.value(seen))
        return plan.best(seen, 200 - t)

    found = play(world, act, 200, seed=0)
    assert found.terminated.all() and -found.returns.mean() < 110
    assert float(found.returns.mean()) == pytest.approx(float(kept["promised"].mean()), rel=0.06)
    right = play(world, lambda seen, t: torch.full((len(seen),), 2), 50, seed=0)
    assert not right.terminated.any() and torch.all(right.length == 200)  # cut off, which is no end


def test_a_line_keeps_the_pole_up():
    gain = torch.tensor([0.1, 0.3, 2.0, 0.6], dtype=torch.float64)
    found = play(CartPole(), lambda seen, t: (seen @ gain > 0).long(), 500, seed=0)
    assert torch.all(found.returns == 500) and not found.terminated.any()
    left = play(CartPole(), lambda seen, t: torch.zeros(len(seen)), 50, seed=0)
    assert left.terminated.all() and left.length.max() < 15


def test_energy_swings_the_acrobot_up():
    """The second link is turned on in its direction and against that of the first."""
    found = play(Acrobot(), lambda seen, t: 1 + (seen[:, 5] - seen[:, 4]).sign().long(), 200, seed=0)
    assert found.terminated.all() and found.returns.mean() > -120


@pytest.mark.parametrize("limited", [False, True])
def test_the_fastest_way_takes_as_long_as_is_known(limited):
    """A rule that pushes as hard as can be, up to the limit, and brakes in time; no plan on a grid is faster."""
    world = DoubleIntegrator()

    def act(seen, t):
        left, speed = -seen[:, 0], seen[:, 1]
        wanted = (2 * left.clamp(min=0) * 0.9).sqrt()  # from which it can be stopped in time
        wanted = wanted.clamp(max=world.limit) if limited else wanted
        return ((wanted - speed) / world.dt).clamp(-1, 1)

    found = play(world, act, 200, seed=0)
    begun = -world.begin(torch.linspace(0, 1, 1001, dtype=torch.float64).unsqueeze(-1))[:, 0]
    least = world.seconds(begun, limited).mean() / world.dt
    assert found.terminated.all() and least - 2 < -found.returns.mean() < 1.25 * least
    assert (found.costs > 0).all() != limited and (found.costs > 0).any() != limited
    assert world.seconds(begun, True).mean() > world.seconds(begun, False).mean()


def test_a_push_from_rest_moves_by_half_its_square():
    world = DoubleIntegrator()
    state, reward, over, cost = world.step(torch.tensor([[-1.0, 0.0], [-1.0, 0.6]], dtype=torch.float64), torch.ones(2))
    assert torch.allclose(state, torch.tensor([[-1 + 0.1**2 / 2, 0.1], [-1 + 0.06 + 0.1**2 / 2, 0.7]], dtype=torch.float64))
    assert cost.tolist() == [0.0, 1.0] and not over.any() and reward.tolist() == [-1.0, -1.0]


def test_no_plan_is_faster_than_the_least_time():
    world = DoubleIntegrator()
    plan = Gridded((-2.5, -2.0), (0.5, 2.0), (241, 161)).plan(world, [-1.0, -0.5, 0.0, 0.5, 1.0], 60)
    begun = world.begin(torch.linspace(0, 1, 101, dtype=torch.float64).unsqueeze(-1))
    least = world.seconds(-begun[:, 0], limited=False) / world.dt
    assert torch.all(-plan.value(begun) > least - 3) and torch.all(-plan.value(begun) < least + 4)


def test_a_reacher_touches_what_it_turns_to():
    world = Reacher()
    state = world.begin(torch.rand(500, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64))
    fewest, taken, going = world.steps(state), torch.zeros(500), torch.ones(500, dtype=torch.bool)
    turned = torch.cat([state[:, :2] + world.turns(state), state[:, 2:]], -1)
    assert torch.allclose(world.tip(turned), state[:, 2:], atol=1e-6)
    assert torch.allclose(world.observe(state)[:, 4:6] - world.tip(state), world.observe(state)[:, 6:])
    for _ in range(40):
        turn = world.turns(state)
        state, _, over, _ = world.step(state, turn / world.dt)
        taken += going
        going &= ~over
    assert not going.any() and torch.all(taken <= fewest.clamp(min=1))
    assert torch.all(taken >= fewest - 8)  # near the origin, where both joints fold, a little way is a great turn


def test_what_cannot_be_solved_is_said():
    with pytest.raises(InputError, match="not certain"):
        Gridded((0.0,) * 4, (1.0,) * 4, (2,) * 4)(PointMass(wind=0.1), [[0.0, 0.0]], 2)
    with pytest.raises(InputError, match="same dimensions"):
        Gridded((0.0,), (1.0, 2.0), (2, 2))
    with pytest.raises(InputError, match="positive definite"):
        Riccati()(**PointMass(effort=0.0).linear())


def test_an_episode_is_the_same_whoever_else_is_played():
    few, many = (play(PointMass(wind=0.2), lambda seen, t: -seen[:, :2] - seen[:, 2:], n, seed=0) for n in (3, 6))
    assert torch.equal(few.returns, many.returns[:3]) and len(many.returns.unique()) == 6
