"""Combining and shaping: components that do not apply, weights, gates; normalising against independent references."""

import copy
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import zscore

from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.errors import InputError
from guerdon.feedback.combining.each_shaped import EachShaped
from guerdon.feedback.combining.gate import Gate
from guerdon.feedback.combining.uncertainty_weighted import UncertaintyWeighted
from guerdon.feedback.combining.weigh import Weigh
from guerdon.feedback.combining.worst_case import WorstCase
from guerdon.feedback.rewards.reference_reward import ReferenceReward
from guerdon.feedback.shaping.batch_normalise import BatchNormalise
from guerdon.feedback.shaping.clip import Clip
from guerdon.feedback.shaping.group_normalise import GroupNormalise
from guerdon.feedback.shaping.lagrangian import Lagrangian
from guerdon.feedback.shaping.log_sigmoid import LogSigmoid
from guerdon.feedback.shaping.reference_sigmoid import ReferenceSigmoid
from guerdon.feedback.shaping.running_normalise import RunningNormalise, merge, moments
from guerdon.losses.penalties.kl_direct import KLDirect
from guerdon.losses.surrogates.reinforce import Reinforce
from guerdon.sequences import Decoding
from guerdon.training.judging import FiniteScene
from guerdon.training.loops.improve import improve
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.worlds.finite.contextual_bandit import ContextualBandit

NAN = math.nan
rewards = st.lists(st.floats(-100, 100), min_size=1, max_size=12)
parts = st.lists(rewards, min_size=1, max_size=4)
relaxed = settings(deadline=None, max_examples=50)


def tensor(values):
    return torch.tensor(values, dtype=torch.float64)


@relaxed
@given(st.lists(st.tuples(st.one_of(st.none(), st.floats(-5, 5)), st.one_of(st.none(), st.floats(-5, 5))), min_size=1), st.floats(-2, 2))
def test_weigh_sums_what_applies(rows, weight):
    components = {name: tensor([NAN if row[i] is None else row[i] for row in rows]) for i, name in enumerate(("a", "b"))}
    got = Weigh({"b": weight})(components)
    for value, (a, b) in zip(got.tolist(), rows, strict=True):
        if a is None and b is None:
            assert math.isnan(value)
        else:
            assert value == pytest.approx((a or 0.0) + weight * (b or 0.0))


def test_unknown_components_are_named_with_the_nearest():
    components = {"correct": tensor([1.0]), "format": tensor([1.0])}
    with pytest.raises(InputError, match="unknown reward component in the weights 'corect': did you mean correct"):
        Weigh({"corect": 1.0})(components)
    with pytest.raises(InputError, match="to gate by 'formats': did you mean format"):
        Gate("formats")(components)
    with pytest.raises(InputError, match="no reward component"):
        Weigh()({})


@relaxed
@given(rewards, st.floats(0, 1))
def test_an_open_gate_is_no_gate_and_a_closed_one_leaves_its_own_component(style, threshold):
    style = tensor(style)
    for gate, expected in (
        (torch.ones_like(style), 1 + style),
        (torch.full_like(style, NAN), style),
        (-torch.ones_like(style), -torch.ones_like(style)),
    ):
        torch.testing.assert_close(Gate("gate", threshold)({"gate": gate, "style": style}), expected)


def test_a_gate_does_not_change_what_it_is_given():
    components = {"gate": tensor([0.0, 1.0]), "style": tensor([2.0, 2.0])}
    before = copy.deepcopy(components)
    assert Gate("gate", combine=Weigh({"gate": 0.0}))(components).tolist() == [0.0, 2.0]
    assert all(torch.equal(components[name], before[name]) for name in before)


@relaxed
@given(st.lists(st.floats(-100, 100), min_size=2, max_size=12))
def test_normalising_agrees_with_scipy(values):
    reward = tensor(values)
    group = torch.zeros(len(values), dtype=torch.long)
    spread = np.std(values, ddof=1) > 1e-5 * np.mean(np.abs(values))
    expected = tensor(zscore(values, ddof=1)) if spread else torch.zeros_like(reward)
    if spread or len(set(values)) == 1:
        torch.testing.assert_close(BatchNormalise(epsilon=0.0)(reward), expected)
        torch.testing.assert_close(GroupNormalise(epsilon=0.0)(reward, group), expected)


def test_equal_rewards_and_single_ones_are_zero():
    third = torch.full((3,), 1 / 3, dtype=torch.float64)
    assert BatchNormalise()(third).tolist() == GroupNormalise()(third, torch.tensor([0, 0, 1])).tolist() == [0.0] * 3
    assert BatchNormalise()(tensor([5.0])).tolist() == [0.0]
    assert RunningNormalise()(third, RunningNormalise().init())[0].tolist() == [0.0] * 3


@relaxed
@given(parts)
def test_running_statistics_are_those_of_everything_seen(batches):
    rule = RunningNormalise(epsilon=0.0)
    state = rule.init()
    seen: list[float] = []
    for batch in batches:
        before = dict(state)
        out, after = rule(tensor(batch), state)
        assert state == before, "the state that was given is not changed"
        state, seen = after, seen + batch
        assert state["count"] == len(seen)
        assert state["mean"] == pytest.approx(np.mean(seen), abs=1e-9)
        assert state["M2"] == pytest.approx(np.var(seen) * len(seen), rel=1e-9, abs=1e-7)
        if np.std(seen) > 1e-3:
            np.testing.assert_allclose(out.numpy(), (np.array(batch) - np.mean(seen)) / np.std(seen), rtol=1e-6, atol=1e-6)


@relaxed
@given(rewards, rewards, rewards)
def test_merging_is_associative_and_knows_nothing_of_order(a, b, c):
    a, b, c = (moments(tensor(x)) for x in (a, b, c))
    for one, other in ((merge(merge(a, b), c), merge(a, merge(b, c))), (merge(a, b), merge(b, a))):
        for key in one:
            assert one[key] == pytest.approx(other[key], rel=1e-9, abs=1e-6)
    assert merge({"count": 0, "mean": 0.0, "M2": 0.0}, a) == pytest.approx(a)


def test_large_means_do_not_lose_the_deviation():
    state = RunningNormalise().init()
    for _ in range(1000):
        _, state = RunningNormalise()(tensor([1e8, 1e8 + 1]), state)
    assert state["M2"] / state["count"] == pytest.approx(0.25, rel=1e-6)


def test_clip_refuses_crossed_bounds():
    with pytest.raises(InputError, match=r"low 2\.0 may not exceed high 1\.0"):
        Clip(2.0, 1.0)


def test_a_lagrangian_keeps_a_budget_that_the_reward_would_break():
    """One of two answers is rewarded and costs 1. Under a KL to where the policy began it is taken nearly always, and with a budget of 0.3 about that often."""
    world = ContextualBandit(actions=2, means=((0.0, 1.0),))
    taken = {}
    for name, shaping in (("alone", ()), ("held", (Lagrangian("cost", budget=0.3, learning_rate=0.2),))):
        recipe = Recipe(
            (Term(Reinforce()),),
            AdamW(0.05),
            Group(32),
            combine=Weigh({"cost": 0.0}),
            shaping=shaping,
            reward_penalties=(Term(KLDirect(), weight=0.3),),
            advantage=GroupCentred(scale=None),
        )
        policy = world.policy().build()
        cost = {"cost": lambda prompts, completions: [float(actions[0] == 1) for actions in completions]}
        history = improve(policy, FiniteScene(world, cost), world.train(), recipe, Budget(steps=120, batch_size=1), Decoding(1)).history
        taken[name] = np.mean([row["rewards/cost/mean"] for row in history[60:]])
    assert taken["alone"] > 0.9 and 0.2 < taken["held"] < 0.4


def test_references_are_scored_once_a_prompt_and_in_the_form_in_which_answers_come():
    asked = []

    def worth(prompts, completions, answer):
        asked.extend(zip(prompts, completions, answer, strict=True))
        return [
            None if completion == "?" else float(len(completion[-1]["content"] if isinstance(completion, list) else completion))
            for completion in completions
        ]

    chat = [{"role": "user", "content": "q"}]
    told = [{"role": "assistant", "content": "four"}]
    reward = ReferenceReward(worth, quantile=0.0)
    columns = {"answer": [1, 1, 2, 3, 4, 5], "reference": [["ab", "abc"], ["ab", "abc"], ["ab", "abc"], "five.", told, ["?"]]}
    found = reward(["q", "q", "q", chat, chat, "q"], ["x"] * 6, completion_ids=[[0]] * 6, **columns)
    assert found == [2.0, 2.0, 2.0, 5.0, 4.0, None]
    assert len(asked) == 2 + 2 + 1 + 1 + 1  # the first two rows are the same
    assert asked[4][1] == [{"role": "assistant", "content": "five."}] and asked[5][1] == told
    with pytest.raises(InputError, match="no column 'reference'"):
        reward(["q"], ["x"], answer=[1])
    with pytest.raises(InputError, match="quantile is 85"):
        ReferenceReward(worth, quantile=85)


def test_what_shapes_a_component_by_itself_sees_components_only():
    with pytest.raises(InputError, match=r"each_shaped\.shaping\.a: GroupNormalise reads group"):
        EachShaped({"a": GroupNormalise()})
    with pytest.raises(InputError, match="RunningNormalise reads earlier batches"):
        EachShaped({"a": RunningNormalise()})
    with pytest.raises(InputError, match="referense"):
        EachShaped({"a": LogSigmoid("referense")})({"a": tensor([1.0]), "reference": tensor([0.0])})


@relaxed
@given(parts)
def test_the_worst_of_several_opinions_is_no_better_than_their_mean_less_what_they_differ_by_at_no_weight(opinions):
    size = min(map(len, opinions))
    components = {str(k): tensor(values[:size]) for k, values in enumerate(opinions)}
    mean, worst = UncertaintyWeighted(0.0)(components), WorstCase()(components)
    assert torch.allclose(mean, torch.stack([*components.values()]).mean(0))
    assert (worst <= mean + 1e-9).all() and (UncertaintyWeighted(0.3)(components) <= mean + 1e-9).all()
    if len(opinions) == 1:
        assert torch.equal(worst, components["0"])


# torch.randn(3, 4) in float64 from a generator of seed 0: three members, or a reward and two references. Expected: llm_optimization (tlc4418) at 911b2f8, ``ensemble_rm.py``,
# WCO and UWO with a coefficient of 0.5; PAR (PorUna-byte) at f054b56, ``reward_shaper.py``, ``_shape_par``.
def test_ensembles_and_the_reference_sigmoid_are_those_of_their_authors():
    drawn = torch.randn(3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    members = dict(zip("abc", drawn, strict=True))
    worst = [-1.084522342424021, -1.3985953953708767, -2.1787893820745574, 0.18203648506130554]
    weighted = [-0.7617897270434908, -0.8220115241811119, -1.3557261474004734, 0.493258858995608]
    preferred = [0.9190086452256904, 0.6393389607386908, 0.1203938126590898, 0.5142105147312908]
    assert WorstCase()(members).tolist() == pytest.approx(worst, abs=1e-12)
    assert UncertaintyWeighted(0.5)(members).tolist() == pytest.approx(weighted, abs=1e-12)
    shaped = ReferenceSigmoid(("b", "c"))(reward=drawn[0], component_b=drawn[1], component_c=drawn[2])
    assert shaped.tolist() == pytest.approx(preferred, abs=1e-12)


def test_what_scores_references_is_not_told_the_tokens_of_another_text():
    told = {}

    def worth(prompts, completions, **columns):
        told.update(columns)
        return [1.0] * len(completions)

    assert ReferenceReward(worth)(["q"], ["x"], completion_ids=[[0]], reference=["r"], answer=[3]) == [1.0]
    assert "completion_ids" not in told and told["answer"] == [3]
