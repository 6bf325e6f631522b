"""Structure in rollouts: trees whose expected gradient is the policy's own, prefixes that nobody is credited with, segments that credit reads."""

from dataclasses import dataclass, replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from guerdon.acting.forks.at_random import AtRandom
from guerdon.acting.forks.borders import Borders
from guerdon.acting.forks.surprise import Surprise
from guerdon.acting.samplers.forking import Forking
from guerdon.acting.samplers.from_prefix import FromPrefix
from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.gae import GAE
from guerdon.credit.advantages.leave_one_out import LeaveOneOut
from guerdon.credit.advantages.probed_values import ProbedValues
from guerdon.credit.advantages.segment_gae import SegmentGAE
from guerdon.credit.advantages.sibling_baseline import SiblingBaseline
from guerdon.credit.advantages.tree_credit import TreeCredit
from guerdon.credit.advantages.turn_group import TurnGroup
from guerdon.credit.segments.after_text import AfterText
from guerdon.credit.segments.every_n import EveryN
from guerdon.errors import InputError
from guerdon.losses.reduce.sequence_mean import SequenceMean
from guerdon.losses.surrogates.reinforce import Reinforce
from guerdon.models.finite.policy import TablePolicy
from guerdon.models.finite.prefix_value import PrefixValue
from guerdon.models.finite.tree import PrefixTree
from guerdon.models.language.small_language_model import SmallLanguageModel
from guerdon.parts import call
from guerdon.randomness import generator
from guerdon.recipes.ppo import recipe as ppo
from guerdon.sequences import Decoding, Sequences
from guerdon.targets.dealing import Deck
from guerdon.training.judging import FiniteScene
from guerdon.training.loops.improve import improve
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.worlds.finite.enumerable import EnumerableWorld

TREE = PrefixTree(2, 3, end=1)  # 1, 01, 000, 001
REWARD = torch.tensor([1.0, -0.5, 2.0, 0.25], dtype=torch.float64)


class Dealt(TablePolicy):
    """Every draw is dealt, step by step, also of what goes on from a beginning."""

    def __init__(self, logits, deck):
        super().__init__(TREE, logits)
        self.deck = deck

    def sample(self, contexts, context, decoding, uniforms):
        dealt = torch.zeros(uniforms.shape, dtype=torch.float64)
        table = self.logits.detach()[0].softmax(-1)
        for row, which in enumerate(context.tolist()):
            node, said = 0, contexts[which][1:].tolist()
            for action in said:
                node = node * 2 + action + 1
            for step in range(TREE.depth - len(said)):
                action = self.deck.choose(table[node])
                dealt[row, step] = 0.0 if action == 0 else 1.0 - 1e-12
                node = node * 2 + action + 1
                if action == TREE.end:
                    break
        return super().sample(contexts, context, decoding, dealt)


def expected_gradient(logits, sampler, advantage):
    """Of REINFORCE, mean over sequences of the sum over steps, over all that can be drawn."""
    total, chances = torch.zeros_like(logits), 0.0
    deck = Deck()
    for _ in deck:
        policy = Dealt(logits, deck)
        rollouts = sampler(policy, [torch.tensor([0])], Decoding(3), 0)
        known = {**rollouts.quantities, "mask": rollouts.mask, "action": rollouts.actions, "group": rollouts.context}
        known["reward"] = REWARD[TREE.index(rollouts.actions, rollouts.length)]
        told = call(advantage, known)
        logp = policy.measure(rollouts, {"logp"})["logp"]
        (grad,) = torch.autograd.grad((told * logp).sum() / len(rollouts), policy.logits)
        total, chances = total + deck.chance * grad, chances + deck.chance
    assert abs(chances - 1) < 1e-9, "not everything that can be drawn was dealt"
    return total


def true_gradient(logits):
    policy = TablePolicy(TREE, logits)
    return torch.autograd.grad(policy.expect(REWARD.unsqueeze(0)).sum(), policy.logits)[0]


LOGITS = torch.randn(1, TREE.prefixes, 2, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
EVERY = Borders(EveryN(1))


@pytest.mark.parametrize(
    ("sampler", "advantage"),
    [
        (Forking(2, forks=0, branches=1, at=EVERY), SiblingBaseline()),
        (Forking(2, forks=0, branches=1, at=Borders(EveryN(2))), SiblingBaseline()),
        (Forking(1, forks=0, branches=1, at=Borders(EveryN(1), first=True)), SiblingBaseline()),
        (Forking(2, forks=0, branches=1, at=Borders(EveryN(2)), rounds=2), SiblingBaseline()),
        (Group(2), LeaveOneOut()),
    ],
    ids=["every step", "second step", "also at the start", "two rounds", "no forks"],
)
def test_the_expected_gradient_over_trees_is_that_of_the_policys_reward(sampler, advantage):
    torch.testing.assert_close(expected_gradient(LOGITS, sampler, advantage), true_gradient(LOGITS), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("at", [EVERY, Borders(EveryN(2), first=True)], ids=["every step", "second step and start"])
def test_the_expected_gradient_with_probed_values_is_that_of_the_policys_reward_over_its_chains(at):
    """The mean is over all sequences, of which only the one chain learns: as many times less as there are sequences."""
    found, deck = torch.zeros_like(LOGITS), Deck()
    for _ in deck:
        policy = Dealt(LOGITS, deck)
        rollouts = Forking(1, forks=0, branches=1, at=at)(policy, [torch.tensor([0])], Decoding(3), 0)
        known = {**rollouts.quantities, "mask": rollouts.mask, "group": rollouts.context}
        told = call(ProbedValues(), known | {"reward": REWARD[TREE.index(rollouts.actions, rollouts.length)]})
        logp = policy.measure(rollouts, {"logp"})["logp"]
        found += deck.chance * torch.autograd.grad((told * logp).sum(), policy.logits)[0]
    torch.testing.assert_close(found, true_gradient(LOGITS), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("sampler", "advantage"),
    [
        (Forking(2, forks=1, branches=1, at=Surprise()), SiblingBaseline()),  # where a chain was most surprising says what came after
        (Forking(2, forks=0, branches=1, at=EVERY), LeaveOneOut()),  # leaves count alike, and forked ones are not independent
        (Forking(2, forks=0, branches=1, at=EVERY), TreeCredit()),
    ],
    ids=["forks that look ahead", "leaves as if they were chains", "TreeRL"],
)
def test_what_is_said_to_be_biased_is(sampler, advantage):
    found, true = expected_gradient(LOGITS, sampler, advantage).flatten(), true_gradient(LOGITS).flatten()
    scaled = found * (found @ true) / (found @ found)
    assert (scaled - true).norm() > 0.01 * true.norm(), "not even with another learning rate"


@settings(max_examples=25, deadline=None)
@given(
    chains=st.integers(1, 3),
    forks=st.integers(0, 2),
    branches=st.integers(1, 3),
    rounds=st.integers(0, 3),
    at=st.sampled_from([Surprise(), AtRandom(), EVERY, Borders(EveryN(2), first=True)]),
    seed=st.integers(0, 99),
    longest=st.integers(1, 4),
)
def test_sequences_of_a_tree_share_what_they_are_said_to_share(chains, forks, branches, rounds, at, seed, longest):
    if forks == 0 and isinstance(at, (Surprise, AtRandom)) and rounds > 1:
        rounds = 1  # every step of every sequence: a tree that has no end
    tree = PrefixTree(3, 4, end=2)
    policy = TablePolicy(tree, torch.randn(2, tree.prefixes, 3, generator=generator(seed, "policy"), dtype=torch.float64))
    contexts = [torch.tensor([1]), torch.tensor([0])]
    found = Forking(chains, forks, branches, rounds, at)(policy, contexts, Decoding(longest), seed)
    q = found.quantities
    for prompt in range(2):
        own = found.context == prompt
        assert abs(float(q["share"][own].sum()) - 1) < 1e-9
        assert int((q["forked"][own] == -1).sum()) == chains
    said = policy.measure(found, {"logp"})["logp"]
    torch.testing.assert_close(q["old_logp"], said, msg="what was taken over has the log-probabilities with which it was drawn")
    assert torch.equal(found.mask, torch.arange(found.mask.shape[1]) < found.length.unsqueeze(-1)) and int(found.length.max()) <= longest
    assert torch.equal(q["terminated"], tree.terminated(found.actions, found.length))
    for a in range(len(found)):
        step = int(q["forked"][a])
        assert step < int(found.length[a])
        for b in range(a):
            alike = (q["node"][a] == q["node"][b]) & found.mask[a] & found.mask[b]
            for t in alike.nonzero().flatten().tolist():
                assert found.context[a] == found.context[b]
                assert torch.equal(found.actions[a, : t + 1], found.actions[b, : t + 1]), "and everything before it"
    again = Forking(chains, forks, branches, rounds, at)(policy, contexts, Decoding(longest), seed)
    assert torch.equal(again.actions, found.actions)


def speaking():
    return SmallLanguageModel("0123456789+\n", layers=1, hidden=16, heads=2).build(0)


def test_a_language_model_goes_on_from_the_middle_of_what_it_said():
    policy = speaking()
    contexts = [torch.tensor([5, 6, 7]), torch.tensor([8, 9])]
    found = Forking(2, forks=1, branches=2)(policy, contexts, Decoding(6), 0)
    assert len(found) == 2 * 2 * 3 and set(found.quantities["share"].tolist()) <= {1 / 2, 1 / 6}
    with torch.no_grad():
        said = policy.measure(found, {"logp"})["logp"]
    torch.testing.assert_close(found.quantities["old_logp"], said, rtol=1e-4, atol=1e-4)


# a beginning that was given


@dataclass(frozen=True)
class Lock(EnumerableWorld):
    """Only 000 opens it."""

    contexts = 1
    tree = PrefixTree(4, 3)

    def rewards(self):
        return torch.eye(self.tree.size, dtype=torch.float64)[:1]


ROWS = [{"prompt": 0, "completion": [0, 0, 0]}]


def test_a_beginning_is_rewarded_with_the_rest_and_never_learned_from():
    world = Lock()
    policy = world.policy(1.0, 0).build()
    before = policy.logits.detach().clone()
    recipe = Recipe((Term(Reinforce()),), AdamW(0.1), sampler=FromPrefix(16, least=0.7, most=0.7), advantage=LeaveOneOut())
    improved = improve(policy, FiniteScene(world), ROWS, recipe, Budget(steps=3, batch_size=1), Decoding(3))
    moved = (policy.logits.detach() - before)[0].abs().sum(-1) > 0
    last = int(world.tree.nodes(torch.tensor([[0, 0, 0]]))[0, 2])
    assert improved.history[1]["reward"] > 0 and moved.nonzero().flatten().tolist() == [last], (
        "two steps were given, and the third is the policy's"
    )


def test_a_critic_knows_a_beginning_that_was_given():
    critic = PrefixValue(1, 4, 3).build()
    with torch.no_grad():
        critic.values[0] = torch.arange(critic.values.shape[1])
    said = Sequences(
        [torch.tensor([0])], torch.tensor([0]), torch.tensor([[2, 3, 1]]), torch.tensor([[False, False, True]]), torch.tensor([3])
    )
    assert critic.measure(said, {"value"})["value"].tolist() == [[0.0, 0.0, float((0 * 4 + 2 + 1) * 4 + 3 + 1)]]


def test_a_beginning_that_is_no_share_of_an_answer_and_rows_without_one_are_refused():
    world = Lock()
    recipe = Recipe((Term(Reinforce()),), sampler=FromPrefix(2, least=0.5, most=0.2), advantage=LeaveOneOut())
    with pytest.raises(InputError, match="set least and most"):
        improve(world.policy().build(), FiniteScene(world), ROWS, recipe, Budget(steps=1, batch_size=1), Decoding(3))
    recipe = replace(recipe, sampler=FromPrefix(2, column="solution"))
    with pytest.raises(InputError, match="no answer in the column 'solution'"):
        improve(world.policy().build(), FiniteScene(world), ROWS, recipe, Budget(steps=1, batch_size=1), Decoding(3))


@pytest.mark.parametrize("said", [[0, 0, 0], [4], [2, 1]])
def test_a_beginning_that_cannot_be_gone_on_with_is_refused(said):
    policy = TablePolicy(PrefixTree(3, 3, end=2), torch.zeros(1, 13, 3))
    with pytest.raises(InputError, match="cannot be gone on with"):
        policy.sample([torch.tensor([0, *said])], torch.tensor([0]), Decoding(3), torch.rand(1, 3))


# segments


def test_macro_actions_of_one_step_are_ppo_and_longer_ones_are_not():
    world = Lock()

    def trained(advantage, segments):
        recipe = replace(
            ppo, advantage=advantage, segments=segments, reward_penalties=(), epochs=1, optimiser=AdamW(0.05), sampler=Group(8)
        )
        policy = world.policy(0.5, 0).build()
        critic = PrefixValue(1, 4, 3).build()
        improve(
            policy, FiniteScene(world), [{"prompt": 0}], recipe, Budget(steps=4, batch_size=1), Decoding(3), learners={"critic": critic}
        )
        return policy.logits.detach()

    plain = trained(GAE(), None)
    assert torch.equal(trained(SegmentGAE(), EveryN(1)), plain)
    assert not torch.allclose(trained(SegmentGAE(), EveryN(2)), plain)


def test_a_delimiter_is_found_in_what_a_policy_that_speaks_has_said_and_in_no_other():
    policy = speaking()
    lines = policy.tokenizer.encode("12\n3", add_special_tokens=False)
    said = AfterText()(torch.tensor([lines]), torch.ones(1, len(lines), dtype=torch.bool), policy.token_text)
    texts = policy.token_text(lines)
    assert "".join(texts) == "12\n3"
    assert [[t for t, k in zip(texts, said[0].tolist(), strict=True) if k == segment] for segment in (0, 1)] == [["1", "2", "\n"], ["3"]]
    with pytest.raises(InputError, match="use after_actions or every_n"):
        AfterText()(torch.zeros(1, 2, dtype=torch.long), torch.ones(1, 2, dtype=torch.bool), None)


def test_a_segment_that_no_one_writes_is_missed_by_name():
    recipe = Recipe((Term(Reinforce(), reduce=SequenceMean()),), sampler=Group(2), advantage=SegmentGAE())
    with pytest.raises((InputError, KeyError), match="segment"):
        improve(Lock().policy().build(), FiniteScene(Lock()), [{"prompt": 0}], recipe, Budget(steps=1, batch_size=1), Decoding(3))


def test_a_reward_that_credit_reads_by_a_name_that_none_has_is_asked_for():
    recipe = Recipe((Term(Reinforce()),), sampler=Group(2), segments=EveryN(2), advantage=TurnGroup())
    with pytest.raises(InputError, match="reads the reward 'outcome', and rewards are called world"):
        improve(Lock().policy().build(), FiniteScene(Lock()), [{"prompt": 0}], recipe, Budget(steps=1, batch_size=1), Decoding(3))
    improve(
        Lock().policy().build(),
        FiniteScene(Lock()),
        [{"prompt": 0}],
        replace(recipe, advantage=TurnGroup(turn="world", outcome="world")),
        Budget(steps=1, batch_size=1),
        Decoding(3),
    )
