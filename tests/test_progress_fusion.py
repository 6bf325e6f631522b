"""What is said of two states becomes progress, and what is heard of it three times is fused."""

import torch
from torch.testing import assert_close

from guerdon.atlas.process_rewards.robo_dopamine import SIDE, _world, compared, fused, paid, progressed


def test_progress_is_gained_of_what_remained_and_lost_of_what_was_reached():
    t = torch.tensor
    assert_close(progressed(t([0.0, 0.5, 0.8]), t([0.5, 0.5, -0.25])), t([0.5, 0.75, 0.6]))
    before, after = t([0.2, 0.9, 0.4]), t([0.6, 0.3, 0.4])
    assert_close(progressed(before, compared(before, after)), after)


def test_without_noise_all_three_tell_the_truth():
    truth = (torch.arange(SIDE * SIDE) // SIDE + torch.arange(SIDE * SIDE) % SIDE).double() / (2 * (SIDE - 1))
    for said in fused(truth, torch.zeros(3, len(truth), dtype=torch.float64)).values():
        assert_close(said, truth)


def test_who_hovers_is_paid_for_it_by_raw_progress_and_not_by_a_potential():
    world, truth, _ = _world(0)
    there_and_back = {
        arm: float(reward[18, 0, 23] + 0.95 * reward[23, 0, 18]) for arm in ("raw", "shaped") for reward in [paid(world, truth, arm)]
    }
    assert there_and_back["raw"] > 1 > 0 > there_and_back["shaped"]
    assert float(paid(world, truth, "shaped")[23, 0, 24]) > 1
