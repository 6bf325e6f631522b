"""Baselines that need more than the rewards of a group: a greedy answer beside the others, what has been usual so far, each reward by itself; and who is learned from."""

import dataclasses

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from guerdon.acting.samplers.beside_greedy import BesideGreedy
from guerdon.acting.samplers.group import Group
from guerdon.acting.samplers.interpolated import Interpolated
from guerdon.credit.advantages.batch_normalised import BatchNormalised
from guerdon.credit.advantages.each_reward import EachReward
from guerdon.credit.advantages.given_baseline import GivenBaseline
from guerdon.credit.advantages.greedy_baseline import GreedyBaseline
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.advantages.penalties_apart import PenaltiesApart
from guerdon.credit.advantages.per_actor import PerActor
from guerdon.credit.advantages.running_baseline import RunningBaseline
from guerdon.data.selection.drawn import Drawn
from guerdon.data.selection.overlong import Overlong
from guerdon.errors import InputError
from guerdon.feedback.combining.only import Only
from guerdon.losses.surrogates.reinforce import Reinforce
from guerdon.models.finite.policy import TablePolicy
from guerdon.models.finite.tree import PrefixTree
from guerdon.recipes.gdpo import recipe as gdpo
from guerdon.recipes.remax import recipe as remax
from guerdon.sequences import Batch, Decoding, Sequences
from guerdon.targets.acting import Bandit, TwoRewards
from guerdon.training.crediting import learned
from guerdon.training.judging import FiniteScene
from guerdon.training.loops.improve import improve
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.training.run import Run

TREE = PrefixTree(3, 4, end=2)


def policy(seed: int = 0, tree: PrefixTree = TREE) -> TablePolicy:
    return TablePolicy(
        tree, torch.randn(2, tree.prefixes, tree.vocabulary, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    )


# --- the greedy answer


@pytest.mark.parametrize("temperature", [1.0, 0.6])
def test_the_greedy_answer_is_the_likeliest_step_by_step_and_said_at_the_temperature_of_the_others(temperature):
    acts, contexts = policy(), [torch.tensor([1]), torch.tensor([0])]
    rollouts = BesideGreedy(2)(acts, contexts, Decoding(4, temperature=temperature), seed=3)
    assert rollouts.context.tolist() == [0, 0, 0, 1, 1, 1] and rollouts.quantities["greedy"].tolist() == [0, 0, 1, 0, 0, 1]
    alone = Group(1)(acts, contexts, Decoding(4, temperature=0.0), seed=0)
    drawn = Group(2)(acts, contexts, Decoding(4, temperature=temperature), seed=3)
    width = rollouts.actions.shape[1]
    for rows, wanted in (([2, 5], alone), ([0, 1, 3, 4], drawn)):
        assert torch.equal(rollouts.actions[rows][:, : wanted.actions.shape[1]], wanted.actions)
    again = acts.measure(rollouts, {"logp"})["logp"]
    assert rollouts.temperature == temperature and again.shape[1] == width
    torch.testing.assert_close(rollouts.quantities["old_logp"], again)


def test_remax_learns_from_what_was_drawn_and_not_from_the_greedy_answer():
    sizes = []

    @dataclasses.dataclass(frozen=True)
    class Counted(Reinforce):
        def __call__(self, logp, advantage):
            sizes.append(len(logp))
            return super().__call__(logp, advantage)

    recipe = dataclasses.replace(remax, terms=(Term(Counted()),), sampler=BesideGreedy(3), reward_penalties=())
    acts = policy(tree=Bandit().tree)
    improve(acts, FiniteScene(Bandit()), [{"prompt": 0}] * 4, recipe, Budget(steps=1, batch_size=4), Decoding(2))
    assert sum(sizes) <= 12, "three of each four"
    with pytest.raises(InputError, match="needs greedy"):
        improve(acts, FiniteScene(Bandit()), [{"prompt": 0}], dataclasses.replace(recipe, sampler=Group(2)), Budget(steps=1), Decoding(2))
    with pytest.raises(InputError, match=r"recipe\.learned needs greedy"):
        plain = recipe_with(GroupCentred(), learned=(Drawn(),))
        improve(acts, FiniteScene(Bandit()), [{"prompt": 0}], plain, Budget(steps=1), Decoding(2))


def test_a_group_whose_greedy_answer_failed_says_nothing():
    reward, greedy, group = torch.tensor([1.0, 2.0, 5.0]), torch.tensor([0.0, 0.0, 1.0]), torch.tensor([0, 0, 1])
    assert not GreedyBaseline()(reward, greedy, group, torch.ones(3, 2, dtype=torch.bool)).any()


def test_what_is_left_out_of_learning_was_compared_with():
    mask = torch.ones(3, 2, dtype=torch.bool)
    given = {
        "terminated": torch.tensor([1.0, 0.0, 1.0]),
        "greedy": torch.tensor([0.0, 0.0, 1.0]),
        "advantage": torch.arange(6.0).view(3, 2),
    }
    rollouts = Sequences([torch.tensor([0])], torch.zeros(3, dtype=torch.long), mask.long(), mask, torch.full((3,), 2), given)
    batch = Batch({"": rollouts})
    recipe = Recipe((Term(Reinforce()),))
    assert learned(batch, recipe) is batch
    for selections, rows in (((Overlong(),), [0, 2]), ((Overlong(), Drawn()), [0])):
        kept = learned(batch, dataclasses.replace(recipe, learned=selections)).sides[""]
        assert torch.equal(kept.quantities["advantage"], given["advantage"][rows])


# --- penalties apart


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), st.sampled_from([1.0, 0.0, 0.9]))
def test_penalties_apart_is_what_openrlhf_does(seed, gamma):
    """Its steps, written down once more: outcomes are shaped over the group, put on the last token beside the penalties, and summed from the end."""
    rng = torch.Generator().manual_seed(seed)
    length = torch.randint(1, 5, (6,), generator=rng)
    mask, group = torch.arange(4) < length[:, None], torch.arange(6) // 3
    outcome, paid = torch.randn(6, generator=rng, dtype=torch.float64), torch.randn(6, 4, generator=rng, dtype=torch.float64) * mask
    last = torch.arange(4) == length[:, None] - 1
    shaped = outcome - outcome.view(2, 3).mean(-1).repeat_interleave(3)
    wanted = torch.zeros(6, 4, dtype=torch.float64)
    for row in range(6):
        following = 0.0
        for t in reversed(range(int(length[row]))):
            following = -float(paid[row, t]) + gamma * following
            wanted[row, t] = following + float(shaped[row])
    found = PenaltiesApart(gamma=gamma)(outcome, last * outcome[:, None] - paid, mask, group=group)
    torch.testing.assert_close(found, wanted)


# --- what has been usual


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.floats(-2, 2), st.floats(-2, 2)), min_size=1, max_size=6), st.floats(0, 0.99))
def test_roles_have_the_baselines_of_prime_rl(games, decay):
    """Of two roles, each of whose rewards is compared with its own moving average before it moves that; one game a batch."""
    part, kept = RunningBaseline(decay, by="actor"), {0: 0.0, 1: 0.0}
    state = part.init()
    for game in games:
        found, state = part(torch.tensor(game, dtype=torch.float64), torch.ones(2, 1, dtype=torch.bool), state, actor=torch.tensor([0, 1]))
        for role, reward in enumerate(game):
            assert float(found[role]) == pytest.approx(reward - kept[role], abs=1e-9)
            kept[role] = decay * kept[role] + (1 - decay) * reward


@settings(deadline=None, max_examples=30)
@given(st.floats(-2, 2), st.integers(1, 5), st.floats(0, 0.99))
def test_equal_rewards_of_a_batch_move_the_baseline_as_if_they_came_one_by_one(reward, n, decay):
    part = RunningBaseline(decay)
    mask = torch.ones(1, 1, dtype=torch.bool)
    at_once = part(torch.full((n,), reward, dtype=torch.float64), mask.expand(n, 1), part.init())[1]
    state = part.init()
    for _ in range(n):
        state = part(torch.tensor([reward], dtype=torch.float64), mask, state)[1]
    torch.testing.assert_close(at_once["baseline"], state["baseline"])


def recipe_with(advantage, **more):
    return Recipe((Term(Reinforce()),), AdamW(learning_rate=0.05), **{"sampler": Group(2), "advantage": advantage, **more})


@pytest.mark.parametrize("by", ["", "prompt_id", "actor"])
def test_a_baseline_is_remembered_across_a_checkpoint(by, tmp_path):
    sampler = Interpolated((0.0, 0.0)) if by == "actor" else Group(2)
    recipe, rows = recipe_with(RunningBaseline(0.5, by), sampler=sampler), [{"prompt": 0}, {"prompt": 0}, {"prompt": 0}]
    ends = []
    for folder, stops in (("straight", (4,)), ("parts", (2, 4))):
        for stop in stops:
            acts = policy(tree=Bandit().tree)
            run = Run(tmp_path / folder, {})
            improve(acts, FiniteScene(Bandit()), rows, recipe, Budget(steps=stop, batch_size=2, save_every=1), Decoding(2), run=run)
        ends.append(acts.logits.detach())
    assert torch.equal(*ends)
    begun = policy(tree=Bandit().tree)
    improve(
        begun,
        FiniteScene(Bandit()),
        rows,
        recipe_with(RunningBaseline(0.0, by), sampler=sampler),
        Budget(steps=4, batch_size=2),
        Decoding(2),
    )
    assert not torch.equal(begun.logits, ends[0]), "what is remembered changes nothing"


def test_only_the_advantage_itself_remembers():
    with pytest.raises(InputError, match=r"RunningBaseline\(\) remembers earlier batches, which it cannot do within BatchNormalised"):
        improve(
            policy(), FiniteScene(Bandit()), [{"prompt": 0}], recipe_with(BatchNormalised(RunningBaseline())), Budget(steps=1), Decoding(2)
        )
    with pytest.raises(InputError, match="decay"):
        RunningBaseline(1.0)


def test_an_advantage_of_actors_needs_a_sampler_that_has_some():
    with pytest.raises(InputError, match="needs actor"):
        improve(policy(), FiniteScene(Bandit()), [{"prompt": 0}], recipe_with(PerActor()), Budget(steps=1), Decoding(2))


# --- each reward by itself

TWO = TwoRewards(Bandit((1.0, 0.0, 0.0)), Bandit((0.0, 10.0, 0.0)))


def gained(advantage, seed=0, **more):
    acts = policy(seed, Bandit().tree)
    before = acts.logits.detach().clone()
    improve(acts, TWO, [{"prompt": 0}] * 8, recipe_with(advantage, sampler=Group(4), **more), Budget(steps=1, batch_size=8), Decoding(2))
    return acts.logits.detach() - before


def test_unnamed_rewards_are_all_of_them_and_a_weight_of_none_is_refused():
    assert torch.equal(gained(EachReward()), gained(EachReward(weights={"world": 1.0, "second": 1.0})))
    assert not torch.equal(gained(EachReward()), gained(EachReward(weights={"world": 1.0})))
    watched = gained(EachReward(), combine=Only(("world",)))
    assert torch.equal(watched, gained(EachReward(weights={"world": 1.0}))), "what is only watched is not learned from"
    with pytest.raises(InputError, match="'secnd': did you mean second"):
        gained(EachReward(weights={"secnd": 1.0}))
    assert gdpo.advantage == EachReward()


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), st.floats(0.1, 100))
def test_the_scale_of_a_reward_does_not_matter_beside_another(seed, factor):
    rng = torch.Generator().manual_seed(seed)
    first, second = torch.randn(8, generator=rng, dtype=torch.float64), torch.randn(8, generator=rng, dtype=torch.float64)
    group, mask = torch.arange(8) // 4, torch.ones(8, 1, dtype=torch.bool)
    part = EachReward(GroupCentred(dataclasses.replace(GroupCentred().scale, epsilon=0.0)), {"a": 1.0, "b": 1.0})
    found = [part(mask, component_a=first, component_b=scale * second, group=group) for scale in (1.0, factor)]
    torch.testing.assert_close(*found)


# --- what the rows say


def test_a_baseline_that_rows_say_is_read_from_their_column():
    """With the prompt's own expectation as baseline an answer that is always given teaches nothing; with another it does."""
    bandit = Bandit((1.0, 1.0, 1.0))

    def moved(*expected):
        acts = policy(tree=bandit.tree)
        before = acts.logits.detach().clone()
        rows = [{"prompt": 0, "expected_reward": e} for e in expected]
        improve(acts, FiniteScene(bandit), rows, recipe_with(GivenBaseline()), Budget(steps=1, batch_size=2), Decoding(2))
        return float((acts.logits.detach() - before).abs().max())

    assert moved(1.0, 1) < 1e-12 < 1e-3 < moved(1.0, 0.5)
    with pytest.raises(
        InputError, match="row 2 of the task has 'a lot' in the column 'expected_reward', of which the recipe needs a number"
    ):
        moved(1.0, "a lot")
    with pytest.raises(InputError, match=r"recipe\.advantage needs expected_reward"):
        improve(policy(), FiniteScene(bandit), [{"prompt": 0}], recipe_with(GivenBaseline()), Budget(steps=1), Decoding(2))
