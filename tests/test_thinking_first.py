"""Thoughts that are rewarded by what follows in the data: whose likelihood is measured after what, and what is learned from it."""

import json
from dataclasses import replace

import pytest
import torch

from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.leave_one_out import LeaveOneOut
from guerdon.feedback.combining.only import Only
from guerdon.feedback.recasting.what_follows import WhatFollows
from guerdon.interfaces.configuration import load
from guerdon.interfaces.preparing import prepare
from guerdon.models.finite.policy import TablePolicy
from guerdon.models.language import character_tokenizer
from guerdon.recipes.rlp import recipe as rlp
from guerdon.recipes.rmt import recipe as rmt
from guerdon.sequences import Decoding, Sequences
from guerdon.targets.dealing import Deck
from guerdon.targets.plain import flat, plainly
from guerdon.tasks.encoding import Encoder
from guerdon.tasks.recasting import recast_tokens
from guerdon.training.display import Silent
from guerdon.training.judging import FiniteScene
from guerdon.training.knobs import at
from guerdon.training.loops.improve import improve
from guerdon.training.recipe import Budget
from guerdon.worlds.finite.random_tree import RandomTree

WORLD = RandomTree(contexts=1, vocabulary=2, depth=3)
GOLD = 1


class Unfinished:
    """A world that says nothing of answers, thoughts being only a part of one."""

    def reward_of(self, sequences, seed):
        return torch.zeros(len(sequences), dtype=torch.float64)


class Thinking(TablePolicy):
    """A table whose thoughts, which end before what follows, are dealt step by step."""

    def __init__(self, logits, deck):
        super().__init__(WORLD.tree, logits)
        self.deck = deck

    @torch.no_grad()
    def sample(self, contexts, context, decoding, uniforms):
        width, table = decoding.max_completion_length, self.logits.softmax(-1)
        said = []
        for _ in context.tolist():
            node, thought = 0, []
            for _ in range(width):
                thought.append(self.deck.choose(table[0, node]))
                node = node * 2 + thought[-1] + 1
            said.append(thought)
        actions = torch.tensor(said)
        drawn = Sequences(list(contexts), context, actions, actions >= 0, torch.full((len(said),), width))
        return drawn.with_quantities(old_logp=self.measure(drawn, {"logp"})["logp"], terminated=torch.ones(len(said), dtype=torch.bool))


def stepped(recipe, logits, deck, length):
    """One plain step of the recipe, and the reward that it showed."""
    policy = Thinking(logits, deck)
    row = {"prompt": 0, "answer": GOLD}
    shown = improve(policy, FiniteScene(Unfinished()), [row], plainly(recipe), Budget(steps=1, batch_size=1), Decoding(length)).history
    return logits.flatten() - flat(policy.module.parameters()), next(row["reward"] for row in shown if "reward" in row)


@pytest.mark.parametrize("length", [1, 2])
def test_rlp_climbs_what_thoughts_are_worth_to_what_follows(length):
    """The expected step is the gradient of E[log p(what follows | thought)], with that held fixed, over the length of the thoughts."""
    logits, pair = WORLD.policy(1.0, 0).build().logits.detach(), replace(rlp, sampler=Group(2))
    expected, deck = 0.0, Deck()
    for _ in deck:
        step, _ = stepped(pair, logits, deck, length)
        expected = expected + deck.chance * step
    leaf = logits.clone().requires_grad_()
    table, worth = leaf.log_softmax(-1)[0], 0.0
    for thought in torch.cartesian_prod(*[torch.arange(2)] * length).view(-1, length).tolist():
        node, logp = 0, 0.0
        for action in thought:
            logp, node = logp + table[node, action], node * 2 + action + 1
        worth = worth + logp.exp() * table[node, GOLD].detach()
    (gradient,) = torch.autograd.grad(-worth / length, leaf)
    torch.testing.assert_close(expected, gradient.flatten(), rtol=1e-5, atol=1e-7)


def test_the_slow_copy_moves_the_reward_that_is_shown_and_no_step():
    alone = replace(rlp, sampler=Group(2), combine=Only(("thought",)))
    both, logits = replace(rlp, sampler=Group(2)), WORLD.policy(1.0, 0).build().logits.detach()
    bare = logits.log_softmax(-1)[0, 0, GOLD]
    one, other = ([stepped(each, logits, deck, 1) for deck in _outcomes()] for each in (alone, both))
    for (first, shown), (second, gain) in zip(one, other, strict=True):
        torch.testing.assert_close(first, second)
        assert shown - gain == pytest.approx(float(bare))
    assert any(float(step.abs().max()) > 0.01 for step, _ in one)


def _outcomes():
    deck = Deck()
    yield from deck


def test_a_group_of_one_thought_says_nothing():
    assert isinstance(rlp.advantage, LeaveOneOut) and rlp.advantage.members == 2


@pytest.mark.parametrize("ended", [False, True])
@pytest.mark.parametrize("between", ["", "|"])
def test_what_follows_comes_after_the_thought_and_not_after_its_end(ended, between):
    encoder = Encoder(character_tokenizer.build("0123456789+=hm|"), 60)
    thought = encoder.encode_continuation("hm")
    sampled = [*thought, *([encoder.tokenizer.eos_token_id] if ended else [])]
    said = encoder.completion("2+3=", sampled)
    before, measured = recast_tokens(encoder, WhatFollows(between=between)("2+3=", said, {"answer": 5}), "2+3=", said, sampled, {})
    assert tuple(before) == (*encoder.encode_prompt("2+3="), *thought, *(encoder.encode_continuation(between) if between else ()))
    assert measured == encoder.encode_continuation("5")


def test_no_thought_at_all_is_the_next_token_after_the_prompt():
    encoder = Encoder(character_tokenizer.build("0123456789+="), 60)
    sampled = [encoder.tokenizer.eos_token_id]
    said = encoder.completion("2+3=", sampled)
    before, _ = recast_tokens(encoder, WhatFollows()("2+3=", said, {"answer": 5}), "2+3=", said, sampled, {})
    assert tuple(before) == encoder.encode_prompt("2+3=")


def test_a_thought_has_a_budget_that_shrinks_and_texts_are_learned_beside_it(tmp_path):
    """RMT as a run: places with levels, whose tokens are learned beside, and a budget that is another one at the end than at the beginning."""
    places = [{"prompt": f"{a}+{b}=", "answer": str((a + b) % 10), "level": int(a + b > 9)} for a in range(10) for b in range(4)]
    (tmp_path / "places.jsonl").write_text("\n".join(map(json.dumps, places)))
    budget = "{part: exponential, start: 8, factor: 0.25, least: 1}"
    settings = load(
        f"""
model: {{part: small_language_model, characters: "0123456789+=", layers: 1, hidden: 16, heads: 2, context_length: 24}}
task: {{path: {tmp_path / "places.jsonl"}}}
reward: {{functions: string_match}}
recipe:
  base: rmt
  lessons: {{part: failed_prompts, rows: 6, column: answer, threshold: 2.0}}
  shaping: [{{part: near_length, target: {budget}}}]
decoding: {{max_completion_length: 8}}
budget: {{steps: 3, batch_size: 4}}
"""
    )
    prepared = prepare(settings, "improve")
    history = prepared.job(prepared.model, {}, 0, None, Silent()).history
    steps = [row for row in history if "reward" in row]
    assert len(steps) == 3 and all(row["grad_norm"] > 0 for row in steps)
    assert sum(row["lessons"] for row in steps) >= 6
    assert [at(rmt.shaping[0], progress, {}).target for progress in (0.0, 1.0)] == [512.0, 64.0]
