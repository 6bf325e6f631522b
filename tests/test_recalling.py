"""What a policy recalls changes nothing that it draws, and spares what it was spared."""

import contextlib

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from guerdon.models import remembering
from guerdon.models.finite.tabular import Tabular
from guerdon.models.language.lora import Lora
from guerdon.models.language.recalling import Known, Recall
from guerdon.models.language.small_language_model import SmallLanguageModel
from guerdon.sequences import Decoding

SMALL = SmallLanguageModel(characters="abcdefgh>.", layers=2, hidden=32, heads=4, context_length=256)


def _conversation(policy, remember, lengths=(5, 1, 33), which=(0, 0, 1, 2, 2, 2), turns=3, seed=0):
    """Turns with something told between them, and then one from the middle of what was said."""
    draw = torch.Generator().manual_seed(seed)
    contexts = [torch.randint(3, 9, (n,), generator=draw) for n in lengths]
    context, drawn = torch.tensor(which), []
    reads, own = contexts, context
    with policy.remembering() if remember else contextlib.nullcontext():
        for turn in range(turns):
            steps = 4 + 3 * turn
            said = policy.sample(reads, own, Decoding(steps), torch.rand(len(which), steps, generator=draw))
            drawn.append(said)
            told = torch.randint(3, 9, (turn + 1,), generator=draw)
            reads = [torch.cat([reads[own[b]], said.actions[b, : said.length[b]], told]) for b in range(len(which))]
            own = torch.arange(len(which))
        reads = [read[: max(len(read) - 5, 1)] for read in reads]
        drawn.append(policy.sample(reads, own, Decoding(4), torch.rand(len(which), 4, generator=draw)))
        known = policy._recall
    return drawn, known


def _alike(one, other):
    for a, b in zip(one, other, strict=True):
        assert torch.equal(a.actions, b.actions) and torch.equal(a.length, b.length)
        assert torch.allclose(a.quantities["old_logp"], b.quantities["old_logp"], atol=1e-5)


@pytest.mark.parametrize("adapters", [False, True], ids=["whole", "lora"])
def test_what_is_drawn_is_the_same(adapters):
    policy = SMALL.build(0)
    if adapters:
        policy.module = Lora(r=2).wrap(policy.module, 0)
        with torch.no_grad():
            for name, parameter in policy.module.named_parameters():
                if "lora_B" in name:
                    parameter.normal_(0, 0.1, generator=torch.Generator().manual_seed(0))
    drawn, known = _conversation(policy, True)
    _alike(drawn, _conversation(policy, False)[0])
    assert known.spared > 4 * known.read and policy._recall is None


@settings(max_examples=15, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 20), min_size=1, max_size=4),
    rows=st.lists(st.integers(0, 3), min_size=1, max_size=7),
    seed=st.integers(0, 99),
)
def test_whatever_is_asked_in_whichever_order(lengths, rows, seed):
    policy, which = _policy(), [row % len(lengths) for row in rows]
    _alike(*(_conversation(policy, remember, lengths, which, seed=seed)[0] for remember in (True, False)))


def _policy(known=[]):  # noqa: B006
    known[:] = known or [SMALL.build(1)]
    return known[0]


def test_a_turn_costs_what_it_adds():
    """Of the contexts of later turns only what was told is computed, and the last word, of which nobody had asked what follows."""
    _, known = _conversation(_policy(), True, lengths=(40,), which=(0, 0), turns=3)
    first, told = 40, 2 * (1 + 2) + 2 * 2  # each of two sequences was told 1 and 2 tokens, with the word before them
    assert first + told - 4 <= known.read <= first + told + 2 * 2


def test_what_another_goes_on_from_is_dropped():
    recall, nothing = Recall(), Known(torch.zeros(0), torch.zeros(0), 0)
    for tokens in ((1, 2), (1, 2, 3), (1, 4), (0,), (1, 2, 3, 5), (1, 2, 9)):
        recall.learn(tokens, nothing)
    assert recall.order == sorted(recall.kept) == [(0,), (1, 2, 3, 5), (1, 2, 9), (1, 4)]


@given(
    st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=6), min_size=1, max_size=12),
    st.lists(st.integers(0, 2), min_size=1, max_size=7),
)
def test_the_longest_beginning_is_found(sequences, asked):
    recall = Recall()
    for tokens in sequences:
        recall.learn(tuple(tokens), Known(torch.zeros(0), torch.zeros(0), len(tokens)))

    def common(other):
        return next((i for i, (a, b) in enumerate(zip(other, asked, strict=False)) if a != b), min(len(other), len(asked)))

    best = min(max(map(common, sequences)), len(asked) - 1)
    found = recall.longest(tuple(asked))
    assert (found.length if found else 0) == best


def test_a_policy_that_cannot_remember_is_asked_as_ever():
    with remembering(Tabular(2, 3).build()):
        pass
