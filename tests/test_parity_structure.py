"""Credit that reads structure, and the groups that teach nothing, held to their authors' functions: each was run once, on what ``drawn`` draws, in float64, and gave
the numbers that stand here.

    MA-RLHF      applications/DeepSpeed-Chat/dschat/rlhf/ppo_trainer.py, fixed_ngram_selection (2), modeling_macro_action ("equal") and
                 get_advantages_and_returns (0.97, 0.9), of answers of 6 and 4 tokens: of other lengths its last piece is empty, and is one step of time           807551d
    MT-GRPO      verifiers/trainers/grpo_env_trainer.py, _compute_normalized_advantages, and mt_grpo_env_trainer.py, _assign_advantages (0.7), in float32        7dbdd08
    TEMPO        verl/trainer/ppo/core_algos.py, compute_tempo_outcome_advantage                                                                                  0a1c273
    TreeRL       openrlhf/trainer/ppo_utils/tree_node.py, leaf_normalize, without its normalisation over tokens: a piece's value in all, by its leaves              f0edbea
    verl         verl/trainer/ppo/v1/replay_buffer.py, _dapo_filtered_keys                                                                                        1dda039b9
"""

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.advantages.prefix_difference import PrefixDifference
from guerdon.credit.advantages.segment_gae import SegmentGAE
from guerdon.credit.advantages.tree_credit import TreeCredit
from guerdon.credit.advantages.turn_group import TurnGroup
from guerdon.credit.scales.group_deviation import GroupDeviation
from guerdon.credit.segments.turns import Turns
from guerdon.data.selection.zero_variance import ZeroVariance

MA_RLHF = (
    (1.1769965649, 1.2264163837, 1.1303431301, 2.1742707171),
    (0.7525734807, -1.2853974436, 0.9561130061),
    (-2.1274597304, -0.6811355403, -0.4838043028, -1.4652140424),
    (0.3349368324, 3.6305048443, 0.6821625549),
    (-2.0230411102, -2.0604121051, 0.2348377982, 0.970228675),
    (-0.8485150789, -0.8599396668, -2.2851850255),
)
MT_GRPO = (  # at the first step and after the tool's answer; where no tool was called, of both rewards together
    (1.1950802803, 0.9953510165),
    (0.2732520103,),
    (-1.7825465202, -1.0044789314),
    (1.1202920675,),
    (-0.9815069437, -0.4222938418),
    (0.0653210878, -0.7194774151),
)
TEMPO = {
    True: (
        (1.9908079719, 0.9954039859, 0.9954039859, 0.9954039859, 0.9954039859),
        (-0.4885735377, 0.0091284553, 0.5159589035),
        (-1.5022344342, -1.0045324412, -1.5113628895, -1.0045324412, -1.0045324412),
        (1.5016506683, 1.1418782464, 1.1418782464),
        (-0.0625609805, -0.4223334024, -0.4223334024, -1.2044392269),
        (-1.4390896878, -0.7195448439, -0.7195448439, -0.7195448439, -0.7195448439),
    ),
    False: (
        (3.7028070029, 1.8514035014, 1.8514035014, 1.8514035014, 1.8514035014),
        (-0.9087232633, 0.0169784874, 0.9596587256),
        (-2.7940837396, -1.8683819889, -2.811062227, -1.8683819889, -1.8683819889),
        (1.5868433851, 1.2066600975, 1.2066600975),
        (-0.0661102347, -0.4462935223, -0.4462935223, -1.2727703321),
        (-1.5207331504, -0.7603665752, -0.7603665752, -0.7603665752, -0.7603665752),
    ),
}
TREE_RL = (  # by piece, of answers that lead through these pieces
    ([[0, 1], [0, 2], [3]], {0: 1.4012864917, 1: 2.7771052522, 2: 0.0254677312, 3: -2.8025729833}),
    ([[0, 1], [0, 2, 3], [0, 2, 4]], {0: 0.0, 1: 1.8099901462, 2: -0.9049950731, 3: -0.6694402834, 4: -1.1405498628}),
)
VERL_DROPS = {1, 3, 5}


def drawn(seed: int = 0, batch: int = 6, steps: int = 6) -> dict[str, Tensor]:
    rng = torch.Generator().manual_seed(seed)

    def normal(*size: int) -> Tensor:
        return torch.randn(*size, generator=rng, dtype=torch.float64)

    found = {"outcome": normal(batch), "turn": normal(batch), "value": normal(batch, steps)}
    found["length"] = torch.randint(2, steps + 1, (batch,), generator=rng)
    found["action"] = torch.randint(0, 2, (batch, steps), generator=rng)
    return found | {"group": torch.arange(batch) // 3, "mask": torch.arange(steps) < found["length"].unsqueeze(-1)}


def close(found: Tensor, wanted: object, atol: float = 1e-9) -> None:
    assert_close(found, torch.tensor(wanted, dtype=torch.float64), rtol=0, atol=atol)


def test_macro_actions_are_those_of_ma_rlhf():
    """There the last token, which has the outcome, is a piece of its own."""
    q = drawn()
    for b, wanted in enumerate(MA_RLHF):
        length = 4 if b % 2 else 6
        mask, reward = torch.ones(1, length, dtype=torch.bool), torch.zeros(1, length, dtype=torch.float64)
        reward[0, -1] = q["outcome"][b]
        segment = torch.div(torch.arange(length), 2, rounding_mode="floor").unsqueeze(0)
        segment[0, -1] += 1
        found = SegmentGAE(0.97, 0.9)(reward, q["value"][b : b + 1, :length], segment, mask)[0]
        close(found, [wanted[k] for k in segment[0].tolist()])


def test_turns_are_credited_as_by_mt_grpo():
    q = drawn()
    called = q["length"] > 3
    mask = q["mask"] & ~(called.unsqueeze(-1) & (torch.arange(6) == 2))  # the third token is what a tool said
    found = TurnGroup(weight=0.7, scale=GroupDeviation(1e-4))(
        Turns()(mask), q["group"], mask, component_turn=q["turn"], component_outcome=q["outcome"]
    )
    together = GroupCentred(GroupDeviation(1e-4))(q["turn"] + q["outcome"], q["group"], mask)
    for b, wanted in enumerate(MT_GRPO):
        if called[b]:
            close(found[b, [0, 1, 3]], [wanted[0], wanted[0], wanted[1]], atol=2e-7)
        else:
            close(together[b, :2], [wanted[0]] * 2, atol=2e-7)


@pytest.mark.parametrize("scaled", TEMPO)
def test_prefixes_are_credited_as_by_tempo(scaled):
    q = drawn()
    part = PrefixDifference(scale=GroupDeviation(1e-6) if scaled else None)
    found = part(q["outcome"], q["action"], q["group"], q["mask"])
    for b, wanted in enumerate(TEMPO[scaled]):
        close(found[b, : len(wanted)], wanted)
        assert len(wanted) == int(q["length"][b])


def test_a_piece_of_a_tree_is_worth_what_treerl_says():
    """The other leaves' mean is taken off each reward there: everything is n / (n - 1) times as large."""
    q = drawn()
    for g, (paths, wanted) in enumerate(TREE_RL):
        node = torch.zeros(3, 3, dtype=torch.long)
        mask = torch.zeros(3, 3, dtype=torch.bool)
        for b, path in enumerate(paths):
            node[b, : len(path)], mask[b, : len(path)] = torch.tensor(path), True
        reward = q["outcome"][3 * g : 3 * g + 3]
        found = TreeCredit(local=0.0, power=0.0)(reward, node, torch.zeros(3, dtype=torch.long), mask) * 3 / 2
        close(found[mask], [wanted[piece] for path in paths for piece in path])


def test_groups_without_a_signal_are_those_of_verl():
    """But for two: sums of floats that differ by rounding alone are equal here, and an answer that is alone in its group, which verl keeps, has nothing to differ from."""
    reward = (torch.rand(12, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 2).floor() / 2
    reward[10] = torch.tensor([0.3, 0.1 + 0.2, 0.3], dtype=torch.float64)
    group = torch.arange(12).repeat_interleave(3)
    keep = ZeroVariance()(torch.cat([reward.flatten(), torch.ones(1, dtype=torch.float64)]), torch.cat([group, torch.tensor([12])]))
    assert set(range(13)) - set(torch.cat([group, torch.tensor([12])])[keep].tolist()) == VERL_DROPS | {10, 12}
    exact = ZeroVariance(tolerance=0.0)(reward.flatten(), group)
    assert set(range(12)) - set(group[exact].tolist()) == VERL_DROPS
