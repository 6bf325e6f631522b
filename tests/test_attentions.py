"""Ways to attend: each computes what the plain one does, in value and gradient, over families of any lengths, windows and soft caps.

The kernels of torch run here by their eager reference, kernels for sequences of different lengths by a stand-in that does what their documentation says.
"""

import json
import sys
from functools import partial
from types import SimpleNamespace

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch.nn.attention import flex_attention as torchs

from guerdon.models import compiling
from guerdon.models.language import attentions
from guerdon.models.language.attention import Attending
from guerdon.models.language.attentions import Asked, NotSupported, _choosing, _plain
from guerdon.models.language.attentions._choosing import families_of, ways
from guerdon.models.language.attentions.flexible import SIZE, Flexible, block_mask, occupied
from guerdon.models.language.layout import CUTS, Shape
from guerdon.training.drive import deterministic
from test_fast_paths import module, results

CPU, CARD = torch.device("cpu"), torch.device("cuda")
SHAPES = st.sampled_from([Shape(1, 1), Shape(4, 2), Shape(4, 1), Shape(3, 3)])
SMALL = st.lists(st.tuples(st.integers(1, 12), st.lists(st.integers(0, 9), min_size=1, max_size=4)), min_size=1, max_size=4)
LARGE = st.lists(st.tuples(st.integers(1, 300), st.lists(st.integers(0, 300), min_size=1, max_size=4)), min_size=1, max_size=4)
MANY = [(130, [128, 0, 1]), (1, [0]), (255, [257]), (128, [128, 128])]
BOUND = {torch.float64: 1e-9, torch.float32: 1e-5}


@pytest.fixture(autouse=True)
def on_a_cpu(monkeypatch):
    """torch refuses gradients of its eager reference on a CPU, where they are right; and kernels that are not here are stood in for."""
    monkeypatch.setattr(torchs, "_validate_device", lambda *_: None)
    monkeypatch.setattr("torch.nn.attention.varlen.varlen_attn", of_different_lengths)
    monkeypatch.setitem(sys.modules, "flash_attn", SimpleNamespace(flash_attn_varlen_func=as_the_package_names_it))
    with torch._dynamo.config.patch(recompile_limit=256, specialize_float=True):
        yield


def of_different_lengths(q, k, v, cu_seq_q, cu_seq_k, max_q, max_k, *, scale=None, window_size=(-1, -1), enable_gqa=False, softcap=0.0):
    """Causal from the ends of both, as flash attention documents it: query i of n sees key j of m where j <= i + m - n, and j >= i + m - n - left."""
    assert q.dim() == 3 and cu_seq_q.dtype == cu_seq_k.dtype == torch.int32
    assert enable_gqa == (q.shape[1] != k.shape[1]) and window_size[1] in (0, -1)
    out = []
    for (a, b), (c, d) in zip(*(list(zip(x.tolist(), x.tolist()[1:], strict=False)) for x in (cu_seq_q, cu_seq_k)), strict=True):
        assert b - a <= max_q and d - c <= max_k
        i, j = torch.arange(b - a).unsqueeze(-1) + (d - c) - (b - a), torch.arange(d - c)
        seen = (j <= i) & ((j >= i - window_size[0]) | (window_size[0] < 0))
        own_k, own_v = (x[c:d].repeat_interleave(q.shape[1] // x.shape[1], 1).transpose(0, 1) for x in (k, v))
        scores = q[a:b].transpose(0, 1) @ own_k.transpose(1, 2) * scale
        scores = softcap * torch.tanh(scores / softcap) if softcap else scores
        out.append((scores.masked_fill(~seen, -torch.inf).softmax(-1) @ own_v).transpose(0, 1))
    return torch.cat(out)


def as_the_package_names_it(q, k, v, cu_q, cu_k, max_q, max_k, *, softmax_scale, causal, window_size, softcap):
    assert causal
    grouped = q.shape[1] != k.shape[1]
    return of_different_lengths(
        q, k, v, cu_q, cu_k, max_q, max_k, scale=softmax_scale, window_size=window_size, enable_gqa=grouped, softcap=softcap
    )


def gaps(name: str, sizes, shape: Shape, dtype=torch.float64, window=None, softcap=None, width=4) -> list[float]:
    """How far output and gradients of a way are from the plain one's."""
    layout, way = families_of(sizes, CPU), ways()[name]
    asked = Asked(CPU, dtype, shape, width, any(layout.branches), window, softcap)
    tensors = _choosing._random(layout, asked)
    mine = _choosing._passed(lambda q, k, v: way.attend(q, k, v, way.plan(layout, asked), 0.3, softcap), tensors, layout)
    plain = _choosing._passed(lambda q, k, v: _plain.attended(q, k, v, layout, 0.3, window, softcap), tensors, layout)
    assert all(torch.isfinite(x).all() for x in mine)
    return [float((a - b).abs().max()) if a.numel() else 0.0 for a, b in zip(mine, plain, strict=True)]


KERNELS = ["flexible", "variable_length", "flash_package"]


@pytest.mark.parametrize("name", ["blocks", *KERNELS])
def test_every_way_is_the_plain_one(name):
    @settings(max_examples=8, deadline=None)
    @given(SMALL, SHAPES)
    @example([(1, [0])], Shape(1, 1))
    @example([(5, [0, 0, 3]), (2, [0, 0])], Shape(4, 2))
    def check(sizes, shape):
        assert max(gaps(name, sizes, shape)) < 1e-9

    check()


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("window", [1, 7, 200])
def test_windows_reach_as_far_back_as_they_say(name, window):
    assert max(gaps(name, MANY, Shape(2, 1), window=window)) < 1e-9
    assert max(gaps(name, [(9, [4, 6]), (3, [0, 8])], Shape(2, 1), window=window)) < 1e-9


@pytest.mark.parametrize("name", ["flexible", "flash_package"])
def test_scores_are_bounded(name):
    assert max(gaps(name, [(9, [4, 6]), (3, [0, 8])], Shape(4, 2), softcap=0.7)) < 1e-9


@pytest.mark.parametrize("name", ["blocks", *KERNELS])
@pytest.mark.parametrize("dtype", BOUND)
def test_rows_of_several_blocks(name, dtype):
    assert max(gaps(name, MANY, Shape(4, 2), dtype)) < BOUND[dtype] * 10


def test_the_plain_way_is_each_sequence_by_itself():
    layout, shape = families_of([(6, [3, 0, 5]), (2, [4])], CPU), Shape(4, 2)
    q, k, v = _choosing._random(layout, Asked(CPU, torch.float64, shape, 8))
    found = _plain.attended(q, k, v, layout, 0.3, None, None)
    rows = [torch.cat([trunk, own]) for trunk, some in zip(layout.trunks, layout.branches, strict=True) for own in (some or [trunk[:0]])]
    for row in rows:
        alone = torch.nn.functional.scaled_dot_product_attention(
            *(x[row].transpose(0, 1) for x in (q, k, v)), is_causal=True, scale=0.3, enable_gqa=True
        )
        torch.testing.assert_close(found[row], alone.transpose(0, 1))


@settings(max_examples=40, deadline=None)
@given(LARGE, st.sampled_from([None, 1, 100, 128, 129, 400]))
@example(MANY, None)
def test_blocks_of_the_mask_are_those_that_hold_something(sizes, window):
    """No block of which something is seen is passed over, and of none that is taken whole anything is hidden."""
    layout = families_of(sizes, CPU)
    of = _plain.places(layout)
    size = len(layout.tokens)
    seen = torch.nn.functional.pad(_plain.sees(of[:, :, None], of[:, None, :], window), (0, -size % SIZE, 0, -size % SIZE))
    blocks = seen.view(len(seen) // SIZE, SIZE, -1, SIZE)
    some, every = occupied(layout, window)
    assert not (blocks.any(3).any(1) & ~some).any()
    assert not (every & ~blocks.all(3).all(1)).any()
    if window is None:
        assert torch.equal(blocks.any(3).any(1), some)  # nothing is looked at in vain


def test_whole_blocks_are_found():
    some, every = occupied(families_of([(512, [256, 256])], CPU), None)
    assert (
        int(some.sum()) == 10 + 2 * 3 + 4 * 4 + 1 and int(every.sum()) == 6 + 2 * 1 + 4 * 4
    )  # trunk; branches; branches to the trunk; what is nobody's


def test_the_block_mask_is_what_torch_makes_of_the_same_rule():
    layout = families_of(MANY, CPU)
    mine = block_mask(layout, None, CPU)
    size = len(layout.tokens)
    theirs = torchs.create_block_mask(mine.mask_mod, 1, 1, size, size, device="cpu")
    assert torch.equal(mine.to_dense(), theirs.to_dense())
    backward = torch.zeros_like(mine.to_dense())
    for numbers, which in ((mine.q_num_blocks, mine.q_indices), (mine.full_q_num_blocks, mine.full_q_indices)):
        for key, n in enumerate(numbers[0, 0].tolist()):
            backward[0, 0, which[0, 0, key, :n].long(), key] = 1
    assert torch.equal(backward, theirs.to_dense())


def test_other_families_compile_nothing_anew():
    """Of the same length: masks are inputs of what is compiled, and not constants in it."""
    from torch._dynamo.testing import CompileCounter

    counter = CompileCounter()
    kernel = torch.compile(torchs.flex_attention, backend=counter)
    found = []
    for sizes in ([(100, [50, 60]), (40, [9])], [(130, [80]), (20, [1, 5, 20])], [(7, [3] * 9), (200, [50])]):
        layout = families_of(sizes, CARD)
        assert len(layout.tokens) == 384
        q, k, v = _choosing._random(layout, Asked(CPU, torch.float32, Shape(4, 2), 16))
        with torch.no_grad():
            q, k, v = (x.transpose(0, 1).unsqueeze(0) for x in (q, k, v))
            found.append((kernel(q, k, v, block_mask=block_mask(layout, None, CPU), scale=0.3, enable_gqa=True)[0].transpose(0, 1), layout))
        plain = _plain.attended(*(x[0].transpose(0, 1) for x in (q, k, v)), layout, 0.3, None, None)
        torch.testing.assert_close(found[-1][0], plain, rtol=1e-5, atol=1e-5)
    assert counter.frame_count == 1


def test_rows_on_a_card_have_few_lengths():
    lengths = {len(families_of([(n, [1])], CARD).tokens) for n in range(1, 4096, 7)}
    assert all(n % CUTS["cuda"].least == 0 for n in lengths) and len(lengths) <= 20
    assert len({n for n in lengths if 2048 < n <= 4096}) == CUTS["cuda"].steps


# choosing


def test_ways_are_found_by_walking():
    assert list(ways()) == ["families", "blocks", "flexible", "variable_length", "flash_package"]


def test_on_a_cpu_the_first_that_can_is_taken():
    asked = partial(Asked, CPU, shape=Shape(4, 2), width=32)
    assert _choosing.tried(asked(torch.float32).kind).chosen == "blocks"
    with pytest.raises(NotSupported, match="neither windows nor soft caps"):
        _choosing.way_for(asked(torch.float32, window=8))
    assert "cards only" in _choosing.tried(asked(torch.float32).kind).refused["flexible"]


@pytest.fixture
def a_card(monkeypatch, tmp_path):
    """Measuring on a card, of whose kernels some are slow, some fail and some are wrong."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(
        _choosing, "_timed", lambda way, kind: {"Blocks": 3e-3, "Flexible": 1e-3, "VariableLength": 2e-3}[type(way).__name__]
    )
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda *_: "a card")
    monkeypatch.setattr(compiling, "why_not", lambda _: "")
    monkeypatch.setattr("guerdon.models.language.attentions.flash_package.find_spec", lambda _: None)
    right = {"Blocks": 0.0, "Flexible": 1e-3, "VariableLength": 1e-3}
    monkeypatch.setattr(_choosing, "gap_to_plain", lambda way, kind: right[type(way).__name__])
    _choosing._tried.cache_clear()
    yield right
    _choosing._tried.cache_clear()


KIND = Asked(CARD, torch.bfloat16, Shape(4, 2), 32)


def test_the_fastest_that_is_right_is_taken(a_card, tmp_path):
    found = _choosing.tried(KIND)
    assert found.chosen == "flexible" and set(found.seconds) == {"blocks", "flexible", "variable_length"}
    assert str(found) == "flexible (flexible 1 ms, variable_length 2 ms, blocks 3 ms)"
    kept = json.loads((tmp_path / "guerdon" / "attention" / "found.json").read_text())
    assert [one["chosen"] for one in kept.values()] == ["flexible"]


def test_what_is_wrong_on_a_card_is_not_taken(a_card):
    a_card["Flexible"] = 0.3
    found = _choosing.tried(KIND)
    assert found.chosen == "variable_length" and "differs from the plain way by 0.3" in found.refused["flexible"]


def test_what_fails_on_a_card_is_not_taken(a_card):
    del a_card["Flexible"]
    found = _choosing.tried(KIND)
    assert found.chosen == "variable_length" and "fails: KeyError" in found.refused["flexible"]


def test_what_was_found_is_kept(a_card, monkeypatch):
    """So that a run that is gone on with attends as it did."""
    first = _choosing.tried(KIND)
    monkeypatch.setattr(_choosing, "_timed", lambda way, kind: {"Blocks": 1e-3, "Flexible": 9.0, "VariableLength": 9.0}[type(way).__name__])
    _choosing._tried.cache_clear()
    assert _choosing.tried(KIND) == first
    assert _choosing.tried(Asked(CARD, torch.float16, Shape(4, 2), 32)).chosen == "blocks"  # another format is another matter


def test_deterministic_kernels_are_another_matter(a_card, monkeypatch):
    assert _choosing.tried(KIND).chosen == "flexible"
    monkeypatch.setattr(
        _choosing, "_timed", lambda way, kind: {"Blocks": 3e-3, "Flexible": 9.0, "VariableLength": 2e-3}[type(way).__name__]
    )
    with deterministic(True):
        assert _choosing.tried(KIND).chosen == "variable_length"
    assert _choosing.tried(KIND).chosen == "flexible"


def test_windows_are_for_ways_that_know_them(a_card):
    assert set(_choosing.tried(Asked(CARD, torch.bfloat16, Shape(4, 2), 32, window=9).kind).seconds) == {"flexible", "variable_length"}
    assert set(_choosing.tried(Asked(CARD, torch.bfloat16, Shape(4, 2), 32, softcap=9.0).kind).seconds) == {"flexible"}
    assert set(_choosing.tried(Asked(CARD, torch.float32, Shape(4, 2), 32).kind).seconds) == {"blocks", "flexible"}


def test_a_measurement_is_a_measurement():
    """On a CPU, by the ways that run here."""
    found = _choosing.gap_to_plain(Flexible(), Asked(CPU, torch.float32, Shape(4, 2), 16, shared=True))
    assert 0 < found < 1e-5
    assert _choosing.gap_to_plain(Wrong(), Asked(CPU, torch.float32, Shape(4, 2), 16, shared=True)) > 0.1


class Wrong(Flexible):
    """Without windows or the scale."""

    def attend(self, query, key, value, plan, scale, softcap):
        return super().attend(query, key, value, plan, 2 * scale, softcap)


# whole models


@pytest.mark.parametrize(("family", "more"), [("llama", {}), ("mistral", {"sliding_window": 8}), ("gpt2", {}), ("qwen3", {})])
@pytest.mark.parametrize("name", KERNELS)
def test_a_model_reads_one_row_by_every_way(family, more, name, monkeypatch):
    """Also one whose windows are shorter than the sequences, which takes padded rows where no way knows windows."""
    from test_fast_paths import SOME, gap

    made = module(family, **more).double()
    plain, wanted = results(made, SOME, packed=False)
    used = []
    monkeypatch.setattr("guerdon.models.language.attention.way_for", lambda asked: used.append(asked) or ways()[name])
    values, gradients = results(made, SOME, packed=True)
    assert used and gap(values, plain) < 1e-6
    assert all(gap(gradients[n], wanted[n]) < 1e-5 or float(wanted[n].norm()) < 1e-5 for n in wanted)


def test_soft_caps_of_a_model_are_bounded_by_a_way_that_can(monkeypatch):
    from test_fast_paths import SOME, gap

    made = module("gemma2")
    plain, _ = results(made, SOME, packed=False)
    monkeypatch.setattr("guerdon.models.language.attention.way_for", lambda asked: ways()["flexible"])
    values, _ = results(made, SOME, packed=True)
    assert gap(values, plain) < 1e-5


def test_what_follows_a_prefill_knows_no_windows():
    from guerdon.models.language.attention import Kept, bounds_of

    layout = families_of([(9, [3])], CPU)
    assert bounds_of(Attending(layout, Shape(4, 2), CPU), 4) == {"window": 4}
    assert bounds_of(Attending(layout, Shape(4, 2), CPU), 12) == {} == bounds_of(Kept(layout, Shape(4, 2), CPU), 12)
    with pytest.raises(NotSupported):
        bounds_of(Kept(layout, Shape(4, 2), CPU), 4)
    assert attentions.Attention.rank == 0
