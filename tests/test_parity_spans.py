"""A teacher that splits text otherwise, against TRL's GOLD, live: where the two are compared, and what comes of it where tokens of one are several of the other.

GOLD multiplies the probabilities of what lies within a span into the distribution at its first token ("observed"), which is then no distribution; the gap here is of the
distributions themselves. So the spans are the same ones, and the loss is GOLD's of spans that sum to one; where both have one token nothing is multiplied.
"""

import itertools
import warnings
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from guerdon.models.language.tiles import NextSteps, of_logits
from guerdon.models.views.other_tokenizer import Respelled
from guerdon.sequences import Sequences

TEXT = "the quick brown fox"


def spans(cuts: set[int]) -> list[tuple[int, int]]:
    places = [0, *sorted(cuts), len(TEXT)]
    return list(itertools.pairwise(places))


class Writes:
    """The policy's tokenizer: token n is the n-th piece of the text, and the one after the last says nothing."""

    def __init__(self, pieces: list[tuple[int, int]]):
        self.pieces = pieces

    def decode(self, ids, **_):
        return "".join(TEXT[slice(*self.pieces[i])] for i in ids if i < len(self.pieces))


class Reads:
    """The teacher's: the same text in other pieces, and an end."""

    def __init__(self, pieces: list[tuple[int, int]]):
        self.pieces = pieces

    def __call__(self, text, **_):
        assert text == TEXT
        return {"input_ids": list(range(len(self.pieces))), "offset_mapping": self.pieces}


class Teacher:
    """Says at each of its own tokens what the table says."""

    context_length = 1000

    def __init__(self, pieces: list[tuple[int, int]], table: torch.Tensor):
        self.tokenizer, self.table, self.ends = Reads(pieces), table, torch.tensor([len(pieces)])

    def next_steps(self, sequences):
        assert sequences.actions[0].tolist() == list(range(len(self.table)))
        return NextSteps(self.table[sequences.mask[0]], lambda x: x)


cuts = st.sets(st.integers(1, len(TEXT) - 1), max_size=12)


@settings(max_examples=40, deadline=None)
@given(cuts, cuts, st.sampled_from([(9, 5), (5, 9)]), st.integers(0, 10**6))
def test_the_spans_and_the_gap_are_those_of_gold(mine, other, sizes, seed):
    pytest.importorskip("trl")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from trl.experimental.gold.gold_trainer import ULDLoss
    own, theirs = spans(mine), spans(other)
    rng = torch.Generator().manual_seed(seed)
    ids = [torch.arange(len(pieces) + 1) for pieces in (own, theirs)]
    widths = [max(size, len(pieces) + 1) for size, pieces in zip(sizes, (own, theirs), strict=True)]
    student, teacher = (2 * torch.randn(len(i), w, generator=rng, dtype=torch.float64) for i, w in zip(ids, widths, strict=True))
    student.requires_grad_()
    view = Respelled("teacher", Teacher(theirs, teacher), Writes(own), lambda context: context)
    one = torch.ones(1, len(ids[0]), dtype=torch.bool)
    said = Sequences([torch.tensor([0])], torch.zeros(1, dtype=torch.long), ids[0].unsqueeze(0), one, torch.tensor([len(ids[0])]))
    (found,) = of_logits(student, ids[0], 1.0, ["teacher_sorted_gap"], {"teacher": view.next_steps(said)})

    ended = (len(TEXT), len(TEXT))  # of the token that ends an answer, which has no text
    gold = SimpleNamespace(token_merge_strategy="observed")
    groups = ULDLoss._align_by_byte_offsets([*own, ended], [*theirs, ended])
    merged = [
        ULDLoss._merge_probabilities_with_alignment_groups(gold, logits.softmax(-1), group, i.tolist())
        for logits, group, i in zip((student, teacher), groups, ids, strict=True)
    ]
    for logits, group, span in zip((student, teacher), groups, merged, strict=True):
        alone = torch.tensor([len(g) == 1 for g in group])
        first = torch.tensor([g[0] for g in group])
        torch.testing.assert_close(span[alone], logits.softmax(-1)[first[alone]])
        assert (span[~alone].sum(-1) < 1).all()
    a, b = ((span / span.sum(-1, keepdim=True)).sort(-1, descending=True).values for span in merged)
    width = max(widths)
    gap = (F.pad(a, (0, width - a.shape[1])) - F.pad(b, (0, width - b.shape[1]))).abs().sum(-1)
    wanted = torch.zeros(len(ids[0]), dtype=torch.float64).index_add(0, torch.tensor([g[0] for g in groups[0]]), gap)
    torch.testing.assert_close(found, wanted)
    (mine_back,), (theirs_back,) = (torch.autograd.grad(x.sum(), student, retain_graph=True) for x in (found, wanted))
    torch.testing.assert_close(mine_back, theirs_back, rtol=1e-9, atol=1e-11)
