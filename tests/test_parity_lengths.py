"""Rewards of length held to the numbers of others' code, and in a loop.

The numbers are of LASER's authors (github.com/hkust-nlp/Laser, commit c9e7c4e, verl/utils/reward_score/length_penalty.py): ``compute_kimi_penalty``,
``compute_norm_length_penalty``, ``compute_length_reward_larse`` (target 50) and ``compute_length_reward_larse_d`` (8 answers, thresholds 1 to 100, coverage of this very
batch), called once on three groups of four whose lengths and outcomes come from torch's generator with seed 11. Right answers have 1 there, wrong ones -0.5; their
arithmetic is in float32.

Those of AdaCtrl are of its authors (github.com/JoeYing1019/AdaCtrl, commit 9a0b89f, verl/verl/workers/reward_manager/naive.py): ``compute_diff_len`` and
``compute_diff_format``, called once with their script's weights and border on three groups of four whose outcomes, lengths and tags come from torch's generator with seed 11.
"""

import dataclasses

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.errors import InputError
from guerdon.feedback.combining.without import Without
from guerdon.feedback.rewards.leading_tag import LeadingTag
from guerdon.feedback.rewards.target_length import TargetLength
from guerdon.feedback.shaping.length_bonus import LengthBonus
from guerdon.feedback.shaping.length_bonus_by_difficulty import LengthBonusByDifficulty
from guerdon.feedback.shaping.length_by_success import LengthBySuccess
from guerdon.feedback.shaping.relative_length import RelativeLength
from guerdon.feedback.shaping.running_normalise import RunningNormalise
from guerdon.feedback.shaping.shortest_right import ShortestRight
from guerdon.feedback.shaping.standardised_length import StandardisedLength
from guerdon.feedback.shaping.tag_calibration import TagCalibration
from guerdon.feedback.shaping.where_solved import WhereSolved
from guerdon.feedback.shaping.where_tagged import WhereTagged
from guerdon.losses.surrogates.clip import Clip
from guerdon.parts import call
from guerdon.sequences import Decoding
from guerdon.training.judging import FiniteScene
from guerdon.training.loops.improve import improve
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.worlds.finite.needle import Needle

RIGHT = torch.tensor([1, 1, 0, 0, 1, 1, 1, 1, 1, 1, 0, 0], dtype=torch.float64)
GIVEN = {
    "reward": torch.where(RIGHT > 0, 1.0, -0.5).double(),
    "length": torch.tensor([61, 71, 20, 14, 57, 81, 83, 50, 91, 68, 95, 80], dtype=torch.float64),
    "group": torch.arange(12) // 4,
}
THEIRS = {
    RelativeLength(weight=0.4): (
        [
            0.8701754212,
            0.8000000119,
            -0.5,
            -0.5,
            1.1151515245,
            0.824242413,
            0.8000000119,
            1.2000000477,
            0.8592592478,
            1.2000000477,
            -0.6999999881,
            -0.5,
        ]
    ),
    StandardisedLength(): (
        [
            0.8679046035,
            0.7320953608,
            -0.5,
            -0.5,
            0.8621647358,
            0.7246589661,
            0.714632988,
            0.8971950412,
            0.7320953608,
            0.8679046035,
            -0.5,
            -0.5,
        ]
    ),
    LengthBonus(target=50): [1.0, 1.0, -0.5, -0.5, 1.0, 1.0, 1.0, 1.5, 1.0, 1.0, -0.5, -0.5],
    LengthBonusByDifficulty(): [1.5, 1.0, -0.5, -0.5, 1.0, 1.0, 1.0, 1.5, 1.0, 1.5, -0.5, -0.5],
}


@pytest.mark.parametrize("part", THEIRS, ids=lambda part: type(part).__name__)
def test_rewards_of_length_are_theirs(part):
    found = call(part, GIVEN, state=part.init())[0] if hasattr(part, "init") else call(part, GIVEN)
    assert_close(found, torch.tensor(THEIRS[part], dtype=torch.float64), rtol=0, atol=2e-7)


SHAPINGS = [*THEIRS, WhereSolved(share=0.5), LengthBySuccess(0.01), ShortestRight()]


@pytest.mark.parametrize("part", SHAPINGS, ids=lambda part: type(part).__name__)
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_of_two_right_answers_the_shorter_earns_no_less(part, seed):
    rng = torch.Generator().manual_seed(seed)
    group = torch.arange(12) // 4
    reward = (torch.rand(12, generator=rng) < 0.6).double()
    length = torch.randint(1, 9, (12,), generator=rng).double()
    known = {"reward": reward, "group": group, "length": length}
    found = call(part, known, state=part.init())[0] if hasattr(part, "init") else call(part, known)
    for a in range(12):
        for b in range(12):
            if group[a] == group[b] and reward[a] == reward[b] == 1 and length[a] <= length[b]:
                assert found[a] >= found[b] - 1e-12


def test_the_loop_tells_a_shaping_how_long_answers_are():
    """Of sequences that may end early all that are right are worth 1; with a bonus the policy learns to be short."""
    world = Needle(contexts=2, vocabulary=2, depth=4, end=1, needles=5)  # every sequence is right
    plain = Recipe((Term(Clip()),), AdamW(0.3), Group(8), advantage=GroupCentred())
    short = dataclasses.replace(plain, shaping=(LengthBonus(target=1),))
    mean = {}
    for name, recipe in {"plain": plain, "short": short}.items():
        improved = improve(world.policy().build(), FiniteScene(world), world.train(), recipe, Budget(12, batch_size=2), Decoding(4))
        mean[name] = improved.history[-1]["completions/mean_length"]
    assert mean["short"] < 1.2 < mean["plain"]


def test_targets_follow_the_policy_and_are_state():
    part, state = LengthBonusByDifficulty(window=2), LengthBonusByDifficulty().init()
    group, reward = torch.zeros(5).long(), torch.ones(5, dtype=torch.float64)
    for lengths, best in (((50, 60, 70, 80, 90), 50), ((10, 20, 30, 40, 50), 20), ((5, 6, 7, 8, 9), 6)):
        length = torch.tensor(lengths, dtype=torch.float64)
        shaped, state = part(reward, group, length, state)
        assert length[shaped > 1].max() == best
    assert len(state["lengths"]) == 2


def test_what_cannot_be_is_refused():
    with pytest.raises(InputError, match="remembers earlier batches"):
        WhereSolved(RunningNormalise())
    with pytest.raises(InputError, match="choose between 0 and 1"):
        WhereSolved(share=20)
    with pytest.raises(InputError, match="exact or at most, not 'max'"):
        TargetLength("max")
    asked = {"prompts": ["q"], "completions": ["a"], "completion_ids": [[1]]}
    with pytest.raises(InputError, match="the target length is read from a column 'target_length'"):
        TargetLength()(**asked, answer=["3"])
    with pytest.raises(InputError, match="'long', which is no number"):
        TargetLength()(**asked, target_length=["long"])


TAGGED = {
    "reward": torch.tensor([1, 1, 0, 1, 1, 0, 1, 1, 1, 0, 1, 0], dtype=torch.float64),
    "length": torch.tensor([15, 74, 94, 85, 18, 55, 98, 71, 28, 32, 48, 59], dtype=torch.float64),
    "component_tag": torch.tensor([-1, 0, 0, 0, 1, 1, 0, 0, -1, 0, 0, 0], dtype=torch.float64),
    "group": torch.arange(12) // 4,
}


def test_brevity_where_answers_call_their_prompt_easy_is_the_authors():
    theirs = [1.0, 1.0538001657, 0.0, 1.0112243872, 1.0, 0.0, 1.0, 1.0879428685, 1.0, 0.0, 1.041671522, 0.0]
    assert_close(call(WhereTagged(), TAGGED), torch.tensor(theirs, dtype=torch.float64), rtol=0, atol=1e-7)


def test_brevity_and_calibration_together_are_the_authors():
    theirs = [0.5, 1.5538001657, 0.5, 1.5112243872, 1.0, 0.0, 1.5, 1.5879428685, 0.5, 0.0, 1.041671522, 0.0]
    brief = call(WhereTagged(), TAGGED)
    assert_close(call(TagCalibration(), {**TAGGED, "reward": brief}), torch.tensor(theirs, dtype=torch.float64), rtol=0, atol=1e-7)


@given(st.lists(st.booleans(), min_size=4, max_size=4))
@settings(max_examples=16, deadline=None)
def test_calling_a_prompt_what_it_is_never_earns_less_than_calling_it_the_other(answers):
    right, group = torch.tensor(answers).double(), torch.zeros(4, dtype=torch.long)
    easy, hard, neither = (
        call(TagCalibration(), {"reward": right, "group": group, "component_tag": torch.full((4,), said)}) for said in (0.0, 1.0, -1.0)
    )
    assert ((easy > hard) == (right.mean() > 0.625)).all() and (torch.minimum(easy, hard) > neither).all()


def test_a_shaping_that_reads_a_reward_that_is_not_there_is_refused_by_name():
    world = Needle(vocabulary=2, depth=2)
    recipe = Recipe((Term(Clip(0.2)),), AdamW(0.1), Group(2), advantage=GroupCentred(), shaping=(TagCalibration(),))
    with pytest.raises(
        InputError, match=r"recipe.shaping: TagCalibration\(\) reads the reward 'tag', and rewards are called world; name them so"
    ):
        improve(world.policy().build(), FiniteScene(world), world.train(), recipe, Budget(1, batch_size=1), Decoding(2))


def test_a_tag_that_is_watched_shapes_the_reward_and_is_not_added_to_it():
    world = Needle(vocabulary=2, depth=2)
    scene = FiniteScene(world, {"tag": lambda prompts, completions, **_: [float(said[0]) for said in completions]})
    recipe = Recipe(
        (Term(Clip(0.2)),),
        AdamW(0.0),
        Group(64),
        advantage=GroupCentred(),
        combine=Without(("tag",)),
        shaping=(TagCalibration(weight=1.0),),
    )
    row = improve(world.policy().build(), scene, world.train(), recipe, Budget(1, batch_size=1), Decoding(2)).history[-1]
    # A needle is found seldom, so the prompt is hard: whoever begins with 1 has said so.
    assert row["reward"] == pytest.approx(row["rewards/world/mean"] + row["rewards/tag/mean"], abs=1e-6)
    assert row["monitor/tag"] == pytest.approx(row["rewards/tag/mean"])


@pytest.mark.parametrize("tags", [(), ("[Easy]", ""), ("[Easy]", "[easy] ")])
def test_tags_that_cannot_be_told_apart_are_refused(tags):
    with pytest.raises(InputError, match="leading_tag needs tags that differ"):
        LeadingTag(tags)


def test_a_border_that_no_share_of_right_answers_exceeds_is_refused():
    with pytest.raises(InputError, match=r"border is 1\.0"):
        TagCalibration(border=1.0)


def test_where_tagged_wraps_nothing_that_remembers():
    with pytest.raises(InputError, match="LengthBonusByDifficulty remembers"):
        WhereTagged(LengthBonusByDifficulty())
