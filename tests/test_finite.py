"""Finite models and worlds: what is sampled, measured and rewarded is what the tables say."""

import dataclasses
import json
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from guerdon.errors import InputError
from guerdon.models.finite.geometric_mixture import geometric_mixture
from guerdon.models.finite.policy import TablePolicy, load
from guerdon.models.finite.prefix_table import PrefixTable
from guerdon.models.finite.prefix_value import PrefixValue
from guerdon.models.finite.tabular import Tabular
from guerdon.models.finite.tree import PrefixTree
from guerdon.randomness import generator
from guerdon.sequences import Decoding, Sequences
from guerdon.worlds.finite.additive_tokens import AdditiveTokens
from guerdon.worlds.finite.bradley_terry_preference import BradleyTerryPreference
from guerdon.worlds.finite.chain import Chain
from guerdon.worlds.finite.contextual_bandit import ContextualBandit
from guerdon.worlds.finite.cyclic_preference import CyclicPreference
from guerdon.worlds.finite.grid import Grid
from guerdon.worlds.finite.matrix_game import MatrixGame
from guerdon.worlds.finite.needle import Needle
from guerdon.worlds.finite.random_preference import RandomPreference
from guerdon.worlds.finite.random_process import RandomProcess
from guerdon.worlds.finite.random_tree import RandomTree

ALL = {"logp", "entropy", "collision_entropy", "self_certainty", "log_sum_exp", "top_logp", "logits"}
quick = settings(max_examples=25, deadline=None)


@st.composite
def tables(draw, contexts=2):
    vocabulary, depth = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    end = draw(st.none() | st.integers(0, vocabulary - 1))
    return PrefixTable(contexts, vocabulary, depth, end, deviation=draw(st.sampled_from([0.0, 1.0, 5.0])), seed=draw(st.integers(0, 99)))


def draws(policy, number, context=0, seed=0, temperature=1.0, limit=None):
    decoding = Decoding(limit or policy.tree.depth, temperature)
    uniforms = torch.rand(number, decoding.max_completion_length, generator=generator(seed, "test"))
    return policy.sample([torch.tensor([context])], torch.zeros(number, dtype=torch.long), decoding, uniforms)


@quick
@given(tables())
def test_the_tree_lists_every_sequence_once_and_numbers_it(table):
    tree = PrefixTree(table.vocabulary, table.depth, table.end)
    rows = {tuple(row[:n]) for row, n in zip(tree.actions.tolist(), tree.length.tolist(), strict=True)}
    assert len(rows) == tree.size
    for row in rows:
        assert len(row) == tree.depth or row[-1] == tree.end
        assert tree.end not in row[:-1] or tree.end is None
    inner = tree.vocabulary - (tree.end is not None)
    ending = sum(inner**t for t in range(tree.depth - 1)) if tree.end is not None else 0
    assert tree.size == ending + inner ** (tree.depth - 1) * tree.vocabulary
    assert torch.equal(tree.index(tree.actions, tree.length), torch.arange(tree.size))


@quick
@given(tables())
def test_probabilities_sum_to_one_and_are_what_measure_says(table):
    policy = table.build()
    for context in range(table.contexts):
        every = policy.enumerate(context)
        torch.testing.assert_close(policy.probabilities(context).sum(), torch.tensor(1.0, dtype=torch.float64))
        measured = policy.measure(every, ALL)
        torch.testing.assert_close(measured["logp"].sum(-1), policy.log_probabilities()[context])
        assert not measured["logp"][~every.mask].any() and not measured["entropy"][~every.mask].any()
        again = measured["logits"].gather(-1, every.actions.unsqueeze(-1)).squeeze(-1)
        torch.testing.assert_close(again * every.mask, measured["logp"])
        steps = measured["logits"][every.mask].log_softmax(-1)
        torch.testing.assert_close(measured["collision_entropy"][every.mask], -steps.exp().square().sum(-1).log())
        torch.testing.assert_close(measured["self_certainty"][every.mask], -math.log(steps.shape[-1]) - steps.mean(-1))
        torch.testing.assert_close(measured["top_logp"][every.mask], steps.sort(-1, descending=True).values)
        raw = policy.logits[context][policy.tree.nodes(every.actions)].logsumexp(-1)
        torch.testing.assert_close(measured["log_sum_exp"], raw * every.mask)
        assert not measured["collision_entropy"][~every.mask].any() and not measured["top_logp"][~every.mask].any()
        # the chain rule of entropy: that of the sequence is the expected sum of those of its steps
        p = policy.probabilities(context)
        torch.testing.assert_close((p * measured["entropy"].sum(-1)).sum(), -(p * p.log()).sum())


@quick
@given(tables(), st.integers(0, 9))
def test_a_sample_records_its_own_log_probability_and_where_it_ended(table, seed):
    policy = table.build()
    drawn = draws(policy, 40, context=1, seed=seed)
    torch.testing.assert_close(policy.measure(drawn, {"logp"})["logp"], drawn.quantities["old_logp"], rtol=0, atol=1e-12)
    last = drawn.actions.gather(1, (drawn.length - 1).unsqueeze(-1)).squeeze(-1)
    expected = drawn.length == table.depth if table.end is None else last == table.end
    assert torch.equal(drawn.quantities["terminated"], expected)
    assert not drawn.actions[~drawn.mask].any()


@pytest.mark.parametrize("temperature", [1.0, 0.5])
@pytest.mark.parametrize("end", [None, 0])
def test_frequencies_are_the_enumerated_probabilities(end, temperature):
    policy = PrefixTable(2, 3, 3, end, deviation=1.0, seed=4).build()
    drawn = draws(policy, 20_000, context=1, temperature=temperature)
    counts = torch.bincount(policy.tree.index(drawn.actions, drawn.length), minlength=policy.tree.size)
    tempered = TablePolicy(policy.tree, policy.logits / temperature)
    expected = tempered.probabilities(1).detach()
    assert chisquare(counts.numpy(), (expected / expected.sum() * len(drawn)).numpy()).pvalue > 1e-3
    assert (
        chisquare(counts.numpy(), policy.enumerate(0).length.new_ones(policy.tree.size).numpy() * (20_000 / policy.tree.size)).pvalue < 1e-9
    )
    torch.testing.assert_close(drawn.quantities["old_logp"].sum(-1), expected.log()[policy.tree.index(drawn.actions, drawn.length)])
    torch.testing.assert_close(policy.measure(drawn, {"logp"})["logp"], drawn.quantities["old_logp"])


def test_a_row_depends_on_nothing_but_itself():
    policy = PrefixTable(2, 3, 4, 1, deviation=1.0).build()
    uniforms = torch.rand(10, 4, generator=generator(0, "rows"))
    contexts, context = [torch.tensor([1]), torch.tensor([0])], torch.arange(10) % 2
    together = policy.sample(contexts, context, Decoding(4), uniforms)
    for b in range(10):
        alone = policy.sample([contexts[b % 2]], torch.tensor([0]), Decoding(4), uniforms[b : b + 1])
        assert torch.equal(alone.actions[0], together.actions[b])
        assert torch.equal(alone.quantities["old_logp"][0], together.quantities["old_logp"][b])


def test_temperature_zero_takes_the_likeliest_and_short_limits_cut_off():
    policy = PrefixTable(1, 4, 3, deviation=1.0).build()
    greedy = draws(policy, 5, temperature=0.0)
    step = policy.logits[0, 0].argmax()
    assert (greedy.actions[:, 0] == step).all() and (greedy.actions == greedy.actions[0]).all()
    cut = draws(policy, 5, limit=2)
    assert cut.actions.shape == (5, 2) and not cut.quantities["terminated"].any()
    with pytest.raises(InputError, match="max_completion_length"):
        policy.tree.index(cut.actions, cut.length)


def test_no_uniform_draws_an_impossible_action():
    largest = 1 - 2**-53  # below 1; ten times 0.1 adds up to no more than this
    for logits, uniforms, wanted in [
        ((0.0, 0.0, -1e9), [0.0, 0.5, largest], [0, 1, 1]),
        ((-1e9, 0.0, 0.0), [0.0, 0.5, largest], [1, 2, 2]),
        ((0.0,) * 10, [0.0, largest], [0, 9]),
    ]:
        policy = Tabular(1, len(logits), logits=(logits,)).build()
        drawn = policy.sample(
            [torch.tensor([0])],
            torch.zeros(len(uniforms), dtype=torch.long),
            Decoding(1),
            torch.tensor(uniforms, dtype=torch.float64).unsqueeze(-1),
        )
        assert drawn.actions.flatten().tolist() == wanted


@quick
@given(tables())
def test_gradient_of_expected_reward_is_the_score_function_expectation(table):
    policy = table.build()
    reward = RandomTree(2, table.vocabulary, table.depth, table.end, seed=table.seed).rewards()[1]
    exact = torch.autograd.grad((policy.probabilities(1) * reward).sum(), policy.logits)[0]
    weight = policy.probabilities(1).detach() * reward
    score = policy.measure(policy.enumerate(1), {"logp"})["logp"].sum(-1)
    estimated = torch.autograd.grad((weight * score).sum(), policy.logits)[0]
    torch.testing.assert_close(estimated, exact)
    assert not exact[0].any()  # the other context is left alone


@quick
@given(tables())
def test_expectations_and_divergences_over_sequences(table):
    policy, other = table.build(), dataclasses.replace(table, seed=table.seed + 1, deviation=1.0).build()
    rewards = RandomTree(2, table.vocabulary, table.depth, table.end).rewards()
    for context in range(2):
        p, q = policy.probabilities(context), other.probabilities(context)
        torch.testing.assert_close(policy.expect(rewards)[context], p @ rewards[context])
        every = policy.enumerate(context)
        # the chain rule: the expected sum over the steps of the KL between next-step distributions
        steps, others = policy.measure(every, {"logits"})["logits"], other.measure(every, {"logits"})["logits"]
        per_step = (steps.exp() * (steps - others)).sum(-1) * every.mask
        torch.testing.assert_close(policy.kl(other)[context], p @ per_step.sum(-1))
        torch.testing.assert_close(policy.kl(other)[context], (p * (p / q).log()).sum())


def test_enumerated_sequences_are_the_callers_own():
    every = PrefixTree(2, 2).sequences(0)
    every.actions.fill_(9)
    assert PrefixTree(2, 2).sequences(0).actions.max() == 1


def test_garbage_behind_the_mask_changes_nothing():
    policy, critic = PrefixTable(1, 3, 3, 0, deviation=1.0).build(), PrefixValue(1, 3, 3).build()
    every = policy.enumerate(0)
    dirty = dataclasses.replace(every, actions=torch.where(every.mask, every.actions, 77))
    for name, value in policy.measure(every, ALL).items():
        assert torch.equal(policy.measure(dirty, ALL)[name], value)
    assert torch.equal(critic.measure(dirty, {"value"})["value"], critic.measure(every, {"value"})["value"])


def test_the_critic_fits_the_expected_reward_of_each_prefix():
    world = AdditiveTokens(contexts=2, vocabulary=2, depth=3, shared=False)
    critic = PrefixValue(2, 2, 3).build()
    every = world.policy().build().enumerate(1)
    target = world.rewards()[1]
    optimiser = torch.optim.SGD(critic.module.parameters(), lr=0.5)
    for _ in range(200):
        optimiser.zero_grad()
        (0.5 * (critic.measure(every, {"value"})["value"] - target.unsqueeze(-1)) ** 2).mean(0).sum().backward()
        optimiser.step()
    torch.testing.assert_close(critic.values[1, 0], target.mean())  # before any step, under the uniform policy
    torch.testing.assert_close(critic.values[1, 2], target[4:].mean())  # after action 1
    assert not critic.values[0].any()


def test_reference_is_frozen_and_save_round_trips(tmp_path):
    policy = PrefixTable(2, 3, 2, 1, deviation=1.0).build()
    reference = policy.reference()
    before = policy.log_probabilities().detach().clone()
    with torch.no_grad():
        policy.logits.add_(torch.randn(policy.logits.shape, generator=generator(0, "move")))
    assert torch.equal(reference.log_probabilities(), before) and not reference.log_probabilities().requires_grad
    policy.save(tmp_path / "here")
    again = load(tmp_path / "here")
    assert again.tree == policy.tree and torch.equal(again.logits, policy.logits)
    (tmp_path / "here" / "policy.safetensors").write_bytes(b"broken")
    with pytest.raises(InputError, match="here"):
        load(tmp_path / "here")
    (tmp_path / "here" / "policy.json").write_text(json.dumps({"leaves": 3}))
    with pytest.raises(InputError):
        load(tmp_path / "here")


@quick
@given(tables(), st.floats(0, 1))
def test_geometric_mixture_is_normalised_over_sequences(table, weight):
    policy, other = table.build(), dataclasses.replace(table, seed=table.seed + 1, deviation=1.0).build()
    mixture = geometric_mixture(policy, other, weight)
    wanted = policy.probabilities(0) ** (1 - weight) * other.probabilities(0) ** weight
    torch.testing.assert_close(mixture.probabilities(0), (wanted / wanted.sum()).detach())
    assert not mixture.logits.requires_grad


def test_distribute_reaches_a_distribution_with_impossible_sequences():
    policy = PrefixTable(1, 2, 2).build()
    wanted = torch.tensor([[0.25, 0.75, 0.0, 0.0]], dtype=torch.float64)
    torch.testing.assert_close(policy.distribute(wanted.log()).log_probabilities().exp(), wanted)


WORLDS = [
    ContextualBandit(contexts=2, actions=3, noise=0.5),
    RandomTree(contexts=2, vocabulary=2, depth=3, end=1),
    Needle(contexts=2, vocabulary=3, depth=3, needles=2),
    AdditiveTokens(contexts=2, vocabulary=3, depth=2, shared=False),
]


@pytest.mark.parametrize("world", WORLDS, ids=lambda w: type(w).__name__)
def test_worlds_reward_what_their_table_says_and_are_tasks(world):
    assert world.rewards().dtype == torch.float64 and world.rewards().shape == (2, world.tree.size)
    assert [row["prompt"] for row in world.train()] == [0, 1]
    for context in range(2):
        every = world.tree.sequences(context)
        assert torch.equal(world.expected_reward_of(every), world.rewards()[context])
        order = torch.randperm(world.tree.size, generator=generator(context, "order"))
        assert torch.equal(world.expected_reward_of(every.select(order)), world.rewards()[context][order])
        completions = [row[:n] for row, n in zip(every.actions.tolist(), every.length.tolist(), strict=True)]
        assert world.reward(prompts=[context] * len(completions), completions=completions) == world.rewards()[context].tolist()
    assert torch.equal(world.rewards(), dataclasses.replace(world).rewards())
    assert not torch.equal(world.rewards(), dataclasses.replace(world, seed=1).rewards())
    assert not torch.equal(world.rewards()[0], world.rewards()[1])


def test_noise_has_its_mean_and_deviation_and_follows_the_seed():
    world = ContextualBandit(actions=1, means=((2.0,),), noise=0.5)
    many = world.tree.sequences(0).select(torch.zeros(20_000, dtype=torch.long))
    observed = world.reward_of(many, seed=3)
    assert abs(observed.mean() - 2.0) < 5 * 0.5 / 20_000**0.5
    assert abs(observed.std() - 0.5) < 0.02
    with pytest.raises(InputError, match="seed"):
        world.reward_of(many)
    assert torch.equal(observed, world.reward_of(many, seed=3)) and not torch.equal(observed, world.reward_of(many, seed=4))


def test_additive_tokens_have_the_known_optimum_and_needles_their_number():
    world = AdditiveTokens(contexts=3, vocabulary=3, depth=4, shared=False, seed=5)
    torch.testing.assert_close(world.rewards().amax(-1), world.weights().amax(-1).sum(-1))
    shared = AdditiveTokens(vocabulary=2, depth=3, given=(0.0, 1.0))
    torch.testing.assert_close(shared.rewards()[0], shared.tree.actions.sum(-1).double())
    assert Needle(contexts=4, needles=3).rewards().sum(-1).tolist() == [3.0] * 4


@pytest.mark.parametrize("spec", [Chain(), Grid(slip=0.3), RandomProcess()], ids=lambda s: type(s).__name__)
def test_decision_processes_are_stochastic_tables(spec):
    process = spec.tables()
    states, actions = process.reward.shape
    torch.testing.assert_close(process.transition.sum(-1), torch.ones(states, actions, dtype=torch.float64))
    assert process.transition.min() >= 0 and torch.isclose(process.initial.sum(), torch.tensor(1.0, dtype=torch.float64))
    if isinstance(spec, RandomProcess):
        assert ((process.transition > 0).sum(-1) == spec.branching).all()


def test_rollouts_visit_states_as_often_as_the_tables_say():
    process = RandomProcess(states=4, actions=2, branching=2, seed=1).tables()
    policy = torch.tensor([[0.2, 0.8]], dtype=torch.float64).expand(4, 2)
    states, actions, rewards = process.rollout(policy, torch.rand(20_000, 7, generator=generator(0, "paths")))
    occupied = process.initial
    for _ in range(2):
        occupied = torch.einsum("s,sa,san->n", occupied, policy, process.transition)
    possible = occupied > 0
    counts = torch.bincount(states[:, 2], minlength=4)
    assert not counts[~possible].any()
    assert chisquare(counts[possible].numpy(), (occupied[possible] * 20_000).numpy()).pvalue > 1e-3
    assert torch.equal(rewards, process.reward[states, actions])


def test_the_chain_pays_what_its_paper_says():
    """Strens 2000: over 1,000 steps from the first state the optimal policy is worth 3,677 on average."""
    process = Chain().tables()
    value = torch.zeros(5, dtype=torch.float64)
    for _ in range(1000):
        value = (process.reward + process.transition @ value).amax(-1)
    assert abs(float(value[0]) - 3677) < 15


@pytest.mark.parametrize(
    "game",
    [CyclicPreference(actions=5, strength=0.6), BradleyTerryPreference(contexts=2, actions=4), RandomPreference(contexts=2, actions=4)],
    ids=lambda g: type(g).__name__,
)
def test_preferences_are_antisymmetric_and_compare_sequences(game):
    preference = game.preference()
    assert preference.shape == (game.contexts, game.actions, game.actions)
    torch.testing.assert_close(preference + preference.mT, torch.ones_like(preference))
    assert preference.min() >= 0 and preference.max() <= 1
    context = game.contexts - 1
    every = game.policy().build().enumerate(context)
    rows = torch.cartesian_prod(torch.arange(game.actions), torch.arange(game.actions))
    first, second = every.select(rows[:, 0]), every.select(rows[:, 1])
    assert torch.equal(game.prefer(first, second), preference[context].flatten())


def test_cycles_beat_in_a_circle_and_scores_are_transitive():
    assert CyclicPreference().preference()[0].tolist() == [[0.5, 0.0, 1.0], [1.0, 0.5, 0.0], [0.0, 1.0, 0.5]]
    game = BradleyTerryPreference(given=((0.0, 1.0, 2.0),))
    odds = game.preference()[0] / (1 - game.preference()[0])
    torch.testing.assert_close(odds[2, 0], odds[2, 1] * odds[1, 0])
    assert RandomPreference(actions=2, given=((0.0, 0.7), (0.0, 0.0))).preference()[0, 1, 0].item() == pytest.approx(0.3)
    assert MatrixGame(given=None, rows=2, columns=3).payoff().shape == (2, 3)


@pytest.mark.parametrize(
    "act",
    [
        lambda: PrefixTable(1, 10, 12).build(),
        lambda: PrefixTable(1, 2, 2, end=2).build(),
        lambda: Tabular(2, 2, logits=((0.0, 1.0),)).build(),
        lambda: Tabular(1, 2).build().measure(PrefixTree(2).sequences(1), {"logp"}),
        lambda: Tabular(1, 2).build().measure(PrefixTree(3).sequences(0), {"logp"}),
        lambda: Tabular(1, 2).build().measure(PrefixTree(2, 2).sequences(0), {"logp"}),
        lambda: Tabular(1, 2).build().measure(PrefixTree(2).sequences(0), {"hidden"}),
        lambda: Tabular(1, 2).build().measure(_long_context(), {"logp"}),
        lambda: geometric_mixture(Tabular(1, 2).build(), Tabular(1, 3).build(), 0.5),
        lambda: geometric_mixture(Tabular(1, 2).build(), Tabular(1, 2).build(), 1.5),
        lambda: ContextualBandit(actions=2, means=((1.0, 2.0, 3.0),)).rewards(),
        lambda: ContextualBandit(contexts=2, actions=2, means=((1.0, 2.0), (1.0,))).rewards(),
        lambda: Needle(needles=0).rewards(),
        lambda: RandomTree(depth=2).reward([0], [[1]]),
        lambda: RandomTree(depth=2).reward([0], [[]]),
        lambda: RandomTree(depth=2).reward([4], [[0, 0]]),
        lambda: CyclicPreference(actions=4).preference(),
        lambda: Grid(ends=((9, 9),)).tables(),
        lambda: RandomProcess(states=2, branching=3).tables(),
        lambda: CyclicPreference(contexts=2).prefer(PrefixTree(3).sequences(0), PrefixTree(3).sequences(1)),
    ],
)
def test_bad_input_is_a_sentence(act):
    with pytest.raises(InputError, match=r"\w+ \w+ \w+"):
        act()


def _long_context() -> Sequences:
    every = PrefixTree(2).sequences(0)
    return dataclasses.replace(every, contexts=[torch.tensor([0, 0])])
