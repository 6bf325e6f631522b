"""Two agents in one sequence: whose step earns what, and that differences of a potential change no return but by where one begins and ends."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from guerdon.atlas.credit_assignment.llm_credit_marl import CELLS, Door, Ranked
from guerdon.credit.advantages.each_agent import EachAgent
from guerdon.credit.advantages.potential_shaped import PotentialShaped
from guerdon.credit.advantages.return_to_go import ReturnToGo
from guerdon.sequences import Sequences

WORLD = Door(rounds=3)


def episode(moves):
    actions = torch.tensor([moves])
    return Sequences(
        [torch.tensor([0])], torch.tensor([0]), actions, torch.ones_like(actions, dtype=torch.bool), torch.tensor([len(moves)])
    )


def walked(moves):
    """The places of both before each round and at the end, step by step."""
    first = second = 0
    places = [(0, 0)]
    for one, two in zip(moves[::2], moves[1::2], strict=True):
        barred = second == 1 and two == 2 and first != 2
        second = second if barred else min(max(second + two - 1, 0), CELLS - 1)
        first = min(max(first + one - 1, 0), CELLS - 1)
        places.append((first, second))
    return places


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 2), min_size=6, max_size=6), st.floats(-2, 2))
def test_the_first_return_is_the_outcome_and_what_the_potential_gained(moves, outcome):
    scores = torch.arange(2 * CELLS**2, dtype=torch.float64).reshape(2, -1).sin()
    places, rollouts = walked(moves), episode(moves)
    said = Ranked(WORLD, scores).measure(rollouts, {"value", "q"})
    mask, agent = rollouts.mask, (torch.arange(6) % 2).unsqueeze(0)
    reward = torch.zeros(1, 6, dtype=torch.float64)
    reward[0, -1] = outcome
    given = {"step_reward": reward, "outcome": torch.tensor([outcome]).double(), "agent": agent, "mask": mask}
    got = EachAgent(PotentialShaped(ReturnToGo()))(potential_value=said["value"], potential_q=said["q"], **given)
    for who in (0, 1):
        begin, end = (scores[who, one * CELLS + two] for one, two in (places[0], places[-1]))
        torch.testing.assert_close(got[0, who], outcome + end - begin)
    right = float(WORLD.rewards()[0, WORLD.tree.index(rollouts.actions, rollouts.length)])
    assert right == float(places[-1][1] == CELLS - 1)


def test_who_cannot_see_a_move_answers_alike_whatever_it_was():
    looks = WORLD.looks()[0]
    assert len(looks) == WORLD.tree.prefixes
    assert len(set(looks[1:4].tolist())) == 1, "the second agent does not see what the first did in the same round"
    assert looks[0] != looks[1] and looks[4:13].unique().numel() == 4, (
        "two moves of each that change anything at the walls, and two that do not"
    )
