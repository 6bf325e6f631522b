"""Anchor states, held to GiGPO's authors' functions: ``compute_step_discounted_returns``, ``build_step_group``, ``episode_norm_reward`` and ``step_norm_reward`` of verl-agent's
``gigpo/core_gigpo.py`` (read at commit 5d7e4b8 of the fork johnhaofu/verl-agent; these functions in float64 in the place of float32). They were run once, on what ``drawn`` draws,
with gamma 0.95 and a weight of 1, and gave the numbers that stand here: one for each turn."""

import pytest
import torch

from guerdon.credit.advantages.anchor_group import AnchorGroup
from guerdon.credit.scales.group_deviation import GroupDeviation
from guerdon.credit.segments.turns import Turns
from guerdon.parts import call

THEIRS = {  # whether with a deviation, and whether means are over turns
    (
        False,
        True,
    ): "-3.0551008757, -2.2244730188, 3.4788277376, 3.6853201075, 1.4167788907, 1.7192241972, -2.1941066555, -0.1143964305, -0.420344992, 0.0940378433, "
    "-2.3857668038, 0.8190455564, 0.3117623237, -4.2494710325, -1.8465478863, -2.3582920707, -1.5611083151, 3.4778186015, 2.7676222034, 2.6391706196",
    (
        False,
        False,
    ): "-2.5839068197, -1.7532789628, 3.9500217936, 4.1565141635, 1.8879729467, 2.1904182532, -1.7229125994, 0.3567976255, 0.050849064, 0.5652318993, "
    "-1.9145727477, 0.1474046202, -0.3598786125, -4.9211119687, -2.5181888225, -3.0299330069, -2.2327492513, 2.8061776652, 2.0959812672, 1.9675296834",
    (
        True,
        True,
    ): "-2.2071789535, -2.0224533336, 2.497601612, 2.1725249918, 0.4476684658, 1.8618754154, -1.5864843381, -0.0920024497, -0.2901415449, 0.4534709742, "
    "-1.2348808394, 0.4534248695, -0.3547532568, -2.4362400651, -1.0156714458, -1.9143136865, -0.5144287085, 1.9694188915, 2.3214550365, 1.4911083653",
    (
        True,
        False,
    ): "-1.7764465011, -1.5917208811, 2.7147816408, 2.3897050206, 0.6648484945, 2.0790554442, -1.1852755033, 0.2469403635, 0.0488012683, 0.7924137875, "
    "-0.8959380262, 0.0850935653, -0.723084561, -2.8417840438, -1.4212154245, -2.3198576652, -0.9199726873, 1.6205477482, 1.9725838932, 1.1361427303",
}


def drawn():
    """Turns of eight episodes, what is seen before each, and what each is paid."""
    rng = torch.Generator().manual_seed(11)
    turns = torch.randint(1, 5, (8,), generator=rng)
    seen = torch.randint(1, 4, (8, 4), generator=rng)
    return turns, seen, torch.randn(8, 4, generator=rng, dtype=torch.float64)


def told(turns, seen, reward):
    """The same as sequences: each turn is two tokens, and before each but the first stand the two of what is seen."""
    action, mask = torch.zeros(8, 14, dtype=torch.long), torch.zeros(8, 14, dtype=torch.bool)
    dense = torch.zeros(8, 14, dtype=torch.float64)
    for b in range(8):
        for k in range(int(turns[b])):
            if k:
                action[b, 4 * k - 2 : 4 * k] = torch.tensor([9, int(seen[b, k])])
            mask[b, 4 * k : 4 * k + 2] = True
            dense[b, 4 * k + 1] = reward[b, k]
    return {"action": action, "mask": mask, "step_reward": dense, "reward": dense.sum(-1), "group": torch.arange(8) // 4}


@pytest.mark.parametrize(("deviation", "each_turn"), THEIRS)
def test_turns_in_one_state_are_compared_as_the_authors_do(deviation, each_turn):
    turns, seen, reward = drawn()
    known = told(turns, seen, reward)
    known["segment"] = call(Turns(), known)
    found = call(AnchorGroup(scale=GroupDeviation(epsilon=1e-6) if deviation else None, each_turn=each_turn), known)
    ours = torch.stack([found[b, 4 * k] for b in range(8) for k in range(int(turns[b]))])
    assert torch.equal(found[:, 0], found[:, 1]) and not found[~known["mask"]].any()
    torch.testing.assert_close(
        ours, torch.tensor([float(x) for x in THEIRS[deviation, each_turn].split(",")], dtype=torch.float64), rtol=0, atol=1e-9
    )
