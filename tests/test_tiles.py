"""Tiles: nothing depends on how high they are; on a card they are as high as its memory allows, and what lies in them is one pass."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from guerdon.models import compiling, kernels
from guerdon.models.language import tiles
from guerdon.models.language.functionals import _together
from guerdon.models.language.tiles import functionals, logits_at_once
from test_fast_paths import gap

CARD, V = torch.device("cuda"), 50
GIB = 2**30


@pytest.fixture
def a_pass(monkeypatch):
    """As on a card: the functions that are compiled there, here operation by operation."""
    monkeypatch.setattr(kernels, "can", lambda _: False)
    monkeypatch.setattr(compiling, "why_not", lambda _: "")
    monkeypatch.setattr(compiling, "compiling", lambda function: function)


def found(dtype=torch.float32, names=("logp", "entropy"), temperature=0.7, rows=37):
    g = torch.Generator().manual_seed(0)
    head = torch.nn.Linear(8, V, dtype=torch.float64)
    with torch.no_grad():
        for p in head.parameters():
            p.normal_(generator=g)
    head = head.to(dtype)
    hidden = torch.randn(rows, 8, generator=g, dtype=torch.float64).to(dtype).requires_grad_()
    values = functionals(head, hidden, torch.arange(rows) % V, temperature, names)
    weights = [torch.randn(rows, generator=g, dtype=torch.float64).to(v) for v in values]
    sum((v * w).sum() for v, w in zip(values, weights, strict=True)).backward()
    return [*(v.detach() for v in values), hidden.grad, head.weight.grad, head.bias.grad]


@pytest.mark.parametrize("names", [("logp",), ("entropy",), ("logp", "entropy"), ("logp", "log_sum_exp")])
@settings(max_examples=12, deadline=None)
@given(height=st.integers(1, 80), temperature=st.sampled_from([1.0, 0.7]))
def test_nothing_depends_on_how_high_a_tile_is(names, height, temperature):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiles, "TILE", 10**6)
        whole = found(torch.float64, names, temperature)
        patch.setattr(tiles, "MULTIPLE", 1)
        patch.setattr(tiles, "logits_at_once", lambda _: height * V)
        for a, b in zip(found(torch.float64, names, temperature), whole, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("names", [("logp",), ("entropy",), ("entropy", "logp")])
@pytest.mark.parametrize("temperature", [1.0, 0.7])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_the_pass_of_a_card_is_the_formula(names, temperature, dtype, a_pass, monkeypatch):
    mine = found(dtype, names, temperature)
    monkeypatch.setattr(_together, "fits", lambda *_: False)
    plain = found(torch.float64, names, temperature)
    bound = {torch.float64: 1e-12, torch.float32: 1e-5, torch.bfloat16: 3e-2}[dtype]
    assert all(gap(a, b) < bound for a, b in zip(mine, plain, strict=True))


def test_what_cannot_be_taken_has_no_entropy(a_pass):
    logits = torch.tensor([[0.0, 0.0, -torch.inf]], requires_grad=True)
    logp, entropy = tiles.of_logits(logits, torch.tensor([0]), 1.0, ["logp", "entropy"])
    (logp + entropy).sum().backward()
    assert float(entropy.detach()) == pytest.approx(float(torch.tensor(2.0).log())) and logits.grad.isfinite().all()


def test_the_pass_is_traced_whole(monkeypatch):
    from torch._dynamo.testing import CompileCounter

    torch._dynamo.reset()
    counter = CompileCounter()
    for function in (_together.measure, _together.measure_back):
        monkeypatch.setattr(_together, function.__name__, torch.compile(function.__wrapped__, backend=counter, fullgraph=True))
    monkeypatch.setattr(kernels, "can", lambda _: False)
    monkeypatch.setattr(compiling, "why_not", lambda _: "")
    monkeypatch.setattr(tiles, "TILE", 16 * V)
    mine = [found(rows=rows)[0] for rows in (33, 64, 80, 100, 130)]
    assert all(len(x) == rows for x, rows in zip(mine, (33, 64, 80, 100, 130), strict=True))
    assert counter.frame_count <= 4  # two functions, for one height and for any
    torch._dynamo.reset()


@pytest.mark.parametrize(
    ("free", "reserved", "logits"),
    [
        (100 * GIB, 0, 2**29),
        (20 * GIB, 12 * GIB, 2**28),
        (130 * GIB, 4 * GIB, 2**30),
        (8 * GIB, 0, 2**26),
        (10**6, 0, 2**22),
        (0, 0, 2**22),
    ],
)
def test_a_tile_takes_a_share_of_what_is_free(free, reserved, logits, monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (free, 140 * GIB))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda _: reserved)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda _: 0)
    tiles._of_card.cache_clear()
    assert logits_at_once(CARD) == logits
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (1, 1))
    assert logits_at_once(CARD) == logits  # found once
    tiles._of_card.cache_clear()
    assert logits_at_once(torch.device("cpu")) == tiles.TILE == logits_at_once(torch.device("mps"))
