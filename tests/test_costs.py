"""Costs: operations against torch's own counter, seconds against cases worked out by hand, and what must hold whatever the sizes are."""

import math
from dataclasses import astuple, replace

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from guerdon.costs.arithmetic import Shape, Work, group, scored_group, text, total
from guerdon.costs.drawing import decoding_s, prefill_s
from guerdon.costs.learning import OPTIMISER_BYTES, forward_s, learning_s, optimiser_s
from guerdon.costs.lengths import dealt, spread
from guerdon.costs.machine import H100, ON_CARDS, REACHED, Card, Machine, cards
from guerdon.costs.memory import fits, held_bytes, rows_at_once
from guerdon.costs.step import Design, Job, ahead, best_ahead, in_turn
from guerdon.costs.telling import gathered_s, handed_on_s, objects_s

TOY = Shape(layers=2, hidden=4, heads=2, key_heads=1, head_size=2, intermediate=8, vocabulary=10)
UNIT = Machine(learning=1.0, drawing=1.0, reading=1.0)  # an operation and a byte take a second
MACHINE = Machine(5e12, 2e12, 1e12, launch=2e-5, link=5e10, hop=1e-5, telling=3e8, step=0.01, alike=1e-4)


# operations, against an independent count


def modelled():
    """A tiny model of transformers with grouped heads, and its shape."""
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=48,
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=64,
        tie_word_embeddings=False,
        attn_implementation="eager",
    )
    torch.manual_seed(0)
    return LlamaForCausalLM(config), Shape.of(config)


@pytest.mark.parametrize("length", [2, 7, 20])
def test_operations_are_those_that_torch_counts(length):
    # Its eager attention multiplies whole squares, of which the needed half is counted here; a pass reads all tokens and predicts after each.
    from torch.utils.flop_counter import FlopCounterMode

    model, shape = modelled()
    square = Work(tokens=length, pairs=length * length, predicted=length)
    with FlopCounterMode(display=False) as forward:
        logits = model(torch.arange(length)[None] % 48).logits
    with FlopCounterMode(display=False) as backward:
        logits.sum().backward()
    assert forward.get_total_flops() == shape.forward(square)
    assert backward.get_total_flops() == shape.backward(square)


def test_weights_are_those_of_the_model():
    model, shape = modelled()
    matrices = sum(p.numel() for p in model.parameters() if p.dim() == 2)
    assert shape.parameters == matrices and replace(shape, tied=True).parameters == matrices - 48 * 16
    assert shape.cached == 3 * 2 * 2 * 4


def test_experts_by_hand():
    # Eight blocks of three 4x8 matrices, two of which a token goes through: attention 48, blocks 96 each.
    mixed = replace(TOY, experts=8, active=2)
    assert mixed.per_token == 2 * (48 + 2 * 96) and mixed.body == 2 * (48 + 8 * 96)
    assert mixed.met(1) == pytest.approx(mixed.per_token + 40) and mixed.met(1e9) == pytest.approx(mixed.body + 40)
    assert mixed.met(2) == pytest.approx(2 * (48 + 96 * 8 * (1 - 0.75**2)) + 40)
    assert TOY.met(1) == TOY.met(100) == TOY.body + 40


# seconds by hand


def test_a_decoding_step_by_hand():
    # One completion of two tokens after a prompt of three: products 2 * (2 * 144 + 40) a step, attention 4 * 2 * 2 * 2 a token that is seen, 3.5 and 4.5 of them
    # in the middle of a step; weights 328 numbers of one byte, a cache of 2 * 2 * 1 * 2 numbers a token.
    operations = 2 * (2 * 2 * (288 + 40) / 2) + 32 * (3.5 + 4.5)
    cache = 8 * (3.5 + 4.5)
    fast_memory = replace(UNIT, reading=math.inf)
    assert decoding_s(TOY, 3, [2.0], fast_memory, 1) == pytest.approx(operations)
    fast_products = replace(UNIT, drawing=math.inf)
    assert decoding_s(TOY, 3, [2.0], fast_products, 1) == pytest.approx(2 * 328 + cache)
    assert decoding_s(TOY, 3, [2.0], UNIT, 1) == pytest.approx(operations + cache)  # more operations than weights
    assert decoding_s(TOY, 3, [2.0], replace(fast_products, reading=math.inf, launch=5.0), 1) == pytest.approx(2 * 2 * 5)


def test_rows_leave_and_others_take_their_place():
    weights_only = Machine(math.inf, math.inf, 1.0)
    alone = replace(TOY, key_heads=0)  # no cache, so that a step costs the weights it reads
    one = alone.met(1)
    assert decoding_s(alone, 0, [1.0, 3.0], weights_only, 1) == pytest.approx(3 * one)
    assert decoding_s(alone, 0, [1.0, 3.0], weights_only, 1, most=1) == pytest.approx(4 * one)
    assert decoding_s(alone, 0, [1.0, 1.0, 2.0], weights_only, 1, most=2) == pytest.approx(2 * one)  # both short ones after each other


def test_passes_by_hand():
    work = Work(tokens=7, pairs=25, predicted=5)
    forward = TOY.forward(work)
    products = replace(UNIT, reading=math.inf)
    assert forward_s(TOY, work, products) == forward
    assert learning_s(TOY, work, products) == 3 * forward and learning_s(TOY, work, products, again=True) == 4 * forward
    moved = replace(UNIT, learning=math.inf)
    assert learning_s(TOY, work, moved) == (8 + 16) * 5 * 10
    assert learning_s(TOY, work, replace(moved, reading=math.inf, launch=1.0), micro_batches=2) == 3 * 2 * 2
    assert prefill_s(TOY, 3, 4, products) == 3 * TOY.forward(group(4, []))
    assert optimiser_s(10, UNIT) == 10 * OPTIMISER_BYTES


def test_the_network_by_hand():
    machine = Machine(1, 1, 1, link=2.0, hop=0.5, telling=10.0)
    assert gathered_s(8, 4, machine) == 0.75 * 8 / 2 + 3 * 0.5
    assert gathered_s(8, 1, machine) == objects_s(100, 1, machine, 3) == 0
    assert handed_on_s(8, machine) == 4.5
    assert objects_s(100, 4, machine, exchanges=3) == 10 + 3 * 2 * 3 * 0.5


def test_a_card_is_what_its_data_sheet_says_in_shares():
    card = Card("one", products=1e12, memory=1e9, room=7, inside=100.0, outside=10.0, together=4)
    assert ON_CARDS.on(card, 4).link == pytest.approx(100 * ON_CARDS.link) and ON_CARDS.on(card, 5).link == pytest.approx(
        10 * ON_CARDS.link
    )
    found = ON_CARDS.on(card)
    assert found.learning == pytest.approx(REACHED * ON_CARDS.learning * 1e12) and found.reading == pytest.approx(ON_CARDS.reading * 1e9)
    assert (found.room, found.hop, found.alike) == (7, ON_CARDS.hop, ON_CARDS.alike)
    assert cards()["H100"] is H100 and all(name == one.name for name, one in cards().items())


def test_memory_by_hand():
    job = Job(TOY, 2, 3, (2.0, 2.0, 4.0, 4.0), looks=1, micro_batch=5)
    weights = TOY.parameters
    assert weights == 288 + 80
    held = held_bytes(job, 4)
    assert (held["weights"], held["gradient"], held["optimiser"], held["reference"]) == (2 * weights, 4 * weights, 3 * weights, 2 * weights)
    assert (held["activations"], held["logits"]) == (5 * 4 * 2 * 34, 5 * 10 * 12)
    assert held_bytes(replace(job, again=True))["activations"] == 5 * 4 * (2 * 2 + 34)
    assert held_bytes(job, 4, Design(whole=False))["gradient"] == weights
    adapted = held_bytes(replace(job, shape=replace(TOY, lora=1)))
    assert adapted["gradient"] == 4 * replace(TOY, lora=1).adapters and adapted["weights"] == 2 * weights
    exactly = sum(held.values()) / 0.9
    assert fits(job, replace(UNIT, room=exactly * 1.001), 4) and not fits(job, replace(UNIT, room=exactly * 0.999), 4)
    left = 0.9 * 10000 - 2 * weights - 3 * weights - 2 * weights
    assert rows_at_once(job, replace(UNIT, room=10000), 4) == pytest.approx(left / (2 * 8 * (3 + 3)))


def test_a_step_in_turn_by_hand():
    # One of two cards: 2 prompts of 4 are its own; a step of two gradient steps, looked at once, judged at 2 s a completion.
    job = Job(TOY, 4, 3, (2.0,) * 8, looks=1, updates=2, judging_s=2.0, number_bytes=1)
    machine = Machine(1.0, math.inf, math.inf, link=1.0, hop=0.0, telling=1.0, step=7.0, alike=3.0)
    step = in_turn(job, machine, 2, Design(told_bytes=1.0))
    half = Work(*(-(-n // 2) for n in astuple(job.work)))
    assert step.sampling == 2 * TOY.forward(group(3, [])) and step.rewards == 4 * 2.0
    assert step.log_probabilities == TOY.forward(half) and step.learning == pytest.approx(3 * TOY.forward(half))
    assert step.exchange == 8 * 2 + 8 * 3.0
    assert step.gradients == 2 * 4 * TOY.parameters / 2 and step.weights == 2 * TOY.parameters / 2
    assert step.other == 7.0 and step.total == sum(astuple(step))
    assert in_turn(job, machine, 2, Design(told_bytes=1.0, objects=False)).exchange == 16 / 2 + 24 / 2
    assert in_turn(job, machine, 2, Design(all_judged_by_first=True)).rewards == 16.0
    assert in_turn(job, machine, 2, Design(hidden=True)).gradients == 0
    assert in_turn(replace(job, epochs=3), machine, 2).learning == 3 * step.learning
    assert in_turn(replace(job, critics=1), machine, 2).learning == 2 * step.learning
    assert in_turn(replace(job, draws=False), machine, 2).sampling == in_turn(replace(job, learns=False), machine, 2).learning == 0


def test_one_sequence_is_not_shared_out():
    # Of two sequences on four cards, two cards have one each, with its prompt, and the heavier one is waited for.
    job = Job(TOY, 1, 3, (2.0, 6.0))
    machine = Machine(1.0, math.inf, math.inf)
    assert in_turn(job, machine, 4).learning == 3 * TOY.forward(group(3, [6]))
    assert in_turn(job, machine, 1).learning == 3 * TOY.forward(group(3, [2, 6]))


def test_texts_pairs_and_scores_are_counted_as_the_benchmark_counts_them():
    assert Job(TOY, 2, 0, (5.0, 7.0), draws=False).work == total([text(5), text(7)])
    pairs = Job(TOY, 2, 3, (4.0, 5.0, 6.0, 7.0), draws=False)
    assert pairs.work == total([group(3, [4, 6]), group(3, [5, 7])])
    assert replace(pairs, shared=False).work == total([group(3, [n]) for n in (4, 5, 6, 7)])
    assert replace(pairs, scored=True).work == total([scored_group(3, [4, 6]), scored_group(3, [5, 7])])


# what must hold

sizes = st.builds(
    Shape,
    layers=st.integers(1, 4),
    hidden=st.sampled_from([16, 64, 256]),
    heads=st.just(4),
    key_heads=st.sampled_from([1, 2, 4]),
    head_size=st.sampled_from([8, 32]),
    intermediate=st.sampled_from([32, 512]),
    vocabulary=st.integers(10, 5000),
    experts=st.just(1),
)
steps = st.builds(
    lambda shape, prompts, each, prompt, mean, tail, looks, again: Job(
        shape, prompts, prompt, tuple(spread(prompts * each, mean, mean * tail)), looks=looks, again=again, judging_s=1e-4
    ),
    sizes,
    st.integers(1, 8),
    st.integers(1, 6),
    st.integers(1, 100),
    st.floats(2, 200),
    st.floats(1, 6),
    st.integers(0, 2),
    st.booleans(),
)
SLACK = 1 + 1e-9


@settings(max_examples=60)
@given(count=st.integers(1, 400), mean=st.floats(1, 1e4), tail=st.floats(1, 50), shortest=st.floats(0, 1))
@example(count=1, mean=5.0, tail=1.0, shortest=1.0)
@example(count=400, mean=1.0, tail=50.0, shortest=1.0)
def test_lengths_have_their_mean_and_their_bounds(count, mean, tail, shortest):
    longest = mean * tail
    found = spread(count, mean, longest, shortest)
    assert len(found) == count and found == sorted(found) and shortest <= found[0] and found[-1] <= longest
    many = spread(4000, mean, longest, shortest)
    assert sum(many) / len(many) == pytest.approx(mean, rel=0.01)


def test_a_mean_beyond_the_longest_is_refused():
    with pytest.raises(ValueError, match="does not lie between"):
        spread(3, 10, 9)


@settings(max_examples=60)
@given(lengths=st.lists(st.floats(1, 100), min_size=1, max_size=60), count=st.integers(1, 70))
@example(lengths=[1.0] * 7, count=49)
def test_the_card_with_the_longest_has_its_share_and_no_less(lengths, count):
    each = -(-len(lengths) // count)
    own, middle = dealt(sorted(lengths), each), dealt(sorted(lengths), each, middle=True)
    assert max(own) == max(lengths) and len(own) == len(middle) == each
    assert count * sum(own) >= sum(lengths) / SLACK
    assert own == sorted(own) and all(a <= b for a, b in zip(middle, own, strict=True))


def test_shares_by_hand():
    assert dealt([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 2) == [3.0, 6.0] and dealt([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 2, middle=True) == [2.0, 5.0]
    assert dealt([1.0, 2.0, 3.0], 3) == dealt([1.0, 2.0, 3.0], 3, middle=True) == [1.0, 2.0, 3.0]


def test_a_straggler_has_the_time_of_the_steps_that_its_rollouts_may_be_old():
    # Four completions of one token and one of ten on five cards; a step reads 328 weights of a byte, and nothing else takes time.
    shape = replace(TOY, key_heads=0)
    reads, one = Machine(math.inf, math.inf, 1.0), shape.met(1)
    job = Job(shape, 5, 3, (1.0, 1.0, 1.0, 1.0, 10.0), learns=False, number_bytes=1)
    assert [ahead(job, reads, 6, 5, k).drawn.sampling / one for k in (1, 2, 5, 20)] == pytest.approx([10, 5, 2, 1])
    assert [ahead(job, reads, 6, 5, k, Design(mixes=True)).drawn.sampling / one for k in (1, 2)] == pytest.approx([10, 5])


@settings(max_examples=40, deadline=None)
@given(job=steps, count=st.integers(1, 40), by_prompt=st.booleans())
def test_so_many_cards_are_never_more_than_so_many_times_as_fast(job, count, by_prompt):
    one, many = in_turn(job, MACHINE), in_turn(job, MACHINE, count, Design(by_prompt=by_prompt))
    for part in ("sampling", "rewards", "log_probabilities", "learning"):
        assert count * getattr(many, part) * SLACK >= getattr(one, part)
    assert count * many.total * SLACK >= one.total
    assert many.sampling <= one.sampling * SLACK and many.learning <= one.learning * SLACK


@settings(max_examples=40, deadline=None)
@given(job=steps, count=st.integers(1, 8))
def test_more_work_takes_longer(job, count):
    step = in_turn(job, MACHINE, count)
    longer = replace(job, lengths=tuple(1.5 * n for n in job.lengths))
    wider = replace(job, shape=replace(job.shape, hidden=2 * job.shape.hidden))
    larger = replace(job, shape=replace(job.shape, vocabulary=2 * job.shape.vocabulary))
    doubled = replace(job, prompts=2 * job.prompts, lengths=tuple(sorted(job.lengths * 2)))
    for more in (
        longer,
        wider,
        larger,
        doubled,
        replace(job, prompt=2 * job.prompt + 1),
        replace(job, looks=job.looks + 1),
        replace(job, critics=1),
    ):
        assert in_turn(more, MACHINE, count).total * SLACK >= step.total
    faster = replace(MACHINE, learning=2 * MACHINE.learning, reading=2 * MACHINE.reading, link=2 * MACHINE.link)
    assert in_turn(job, faster, count).total <= step.total * SLACK


@settings(max_examples=40, deadline=None)
@given(job=steps, drawing=st.integers(1, 6), learning=st.integers(1, 6), ahead_by=st.integers(1, 5))
def test_both_sides_at_once_take_no_longer_than_one_after_the_other(job, drawing, learning, ahead_by):
    found = ahead(job, MACHINE, drawing + learning, drawing, ahead_by)
    assert found.step_s == max(found.drawn.total, found.learned.total)
    alone = in_turn(job, MACHINE, drawing).sampling + in_turn(job, MACHINE, drawing).rewards
    assert found.step_s <= (alone + found.drawn.weights + found.learned.total) * SLACK
    assert -1e-9 <= found.idle < 1
    further = ahead(job, MACHINE, drawing + learning, drawing, ahead_by + 1)
    assert further.step_s <= ahead(job, MACHINE, drawing + learning, drawing, 1).step_s * SLACK
    best = best_ahead(job, MACHINE, drawing + learning, ahead_by)
    assert 1 <= best.drawing < drawing + learning and best.step_s > 0


@settings(max_examples=30, deadline=None)
@given(lengths=st.lists(st.floats(1, 50), min_size=1, max_size=30), most=st.integers(1, 40), shape=sizes)
def test_with_less_room_completions_wait_for_each_other(lengths, most, shape):
    every = sum(decoding_s(shape, 5, [n], MACHINE) for n in lengths)
    assert decoding_s(shape, 5, lengths, MACHINE, most=1) == pytest.approx(every)
    found = decoding_s(shape, 5, lengths, MACHINE, most=most)
    assert found <= every * SLACK and found * SLACK >= decoding_s(shape, 5, [max(lengths)], MACHINE)
    assert decoding_s(shape, 5, lengths, MACHINE, most=len(lengths)) == decoding_s(shape, 5, lengths, MACHINE)
