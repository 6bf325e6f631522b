"""The kernels compute the formulas that they stand for, in both formats; and the decoder built on them is the model's own code, with adapters too."""

import os
import subprocess
import sys

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from guerdon.models import kernels
from guerdon.models.language.attention import Attending, NotSupported
from guerdon.models.language.decoder import Projection, decoder_of
from guerdon.models.language.forward import body_of, encode
from guerdon.models.language.layout import Layout, Shape, lay_out
from guerdon.models.language.lora import Lora
from guerdon.models.language.sampling import choose, sample
from guerdon.models.language.stepping import Together
from guerdon.sequences import Decoding
from test_fast_paths import CPU, SOME, gap, module, results
from test_fast_paths import drawn as sequences_of
from test_sampling import CONTEXT, END, begun, contexts, uniforms

pytestmark = pytest.mark.skipif(bool(kernels.why_not()), reason=f"no kernels here: {kernels.why_not()}")

DTYPES = [torch.float32, torch.bfloat16]
sizes = st.tuples(st.integers(0, 70), st.sampled_from([1, 2, 8, 31, 64, 200]))


def drawn(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


def close(mine: torch.Tensor, exact: torch.Tensor) -> None:
    """Within the rounding of the format of ``mine``."""
    bound = 2e-2 if mine.dtype == torch.bfloat16 else 1e-5
    torch.testing.assert_close(mine.double(), exact.double(), rtol=bound, atol=bound)


@pytest.mark.parametrize("dtype", DTYPES)
@settings(max_examples=20, deadline=None)
@example(size=(34, 1), summed=False)  # summands that cancel: the sum is as exact as they are, not as itself
@given(sizes, st.booleans())
def test_a_norm_and_its_gradients(dtype, size, summed):
    rows, width = size
    x, more, past, dy = (drawn(rows, width, seed=i, dtype=dtype) for i in range(4))
    weight = drawn(width, seed=5, dtype=dtype)
    total, y, scale = kernels.norm(x, weight, 1e-5, more if summed else None)
    if summed:
        close(total, x.double() + more.double())
    exact, w = total.double().requires_grad_(), weight.double().requires_grad_()
    wanted = exact * (exact.square().mean(-1, keepdim=True) + 1e-5).rsqrt() * w
    close(y, wanted)
    assert torch.equal(kernels.norm_again(total, scale, weight), y)
    gradients = torch.autograd.grad((wanted * dy.double()).sum(), (exact, w)) if rows else (exact, torch.zeros(width))
    dx, dw = kernels.norm_back(total, scale, weight, dy.clone(), past, True)
    assert gap(dx, gradients[0] + past.double()) < (1e-2 if dtype == torch.bfloat16 else 1e-5) or not rows
    summands = (wanted / w * dy.double()).detach().abs().sum(0)
    assert ((dw - gradients[1]).abs() <= (1e-2 if dtype == torch.bfloat16 else 1e-5) * summands).all()
    assert kernels.norm_back(total, scale, weight, dy.clone(), None, False)[1] is None


@pytest.mark.parametrize("dtype", DTYPES)
def test_turning_and_turning_back(dtype):
    x, angle = drawn(9, 3, 8, dtype=dtype), drawn(9, 4, seed=1) * 3
    c, s = angle.cos(), angle.sin()
    a, b = x.double().chunk(2, -1)
    wanted = torch.cat([a * c.unsqueeze(1) - b * s.unsqueeze(1), b * c.unsqueeze(1) + a * s.unsqueeze(1)], -1)
    turned = kernels.rotate(x, c, s)
    close(turned, wanted)
    close(kernels.rotate(turned, c, s, back=True), x)


@pytest.mark.parametrize("dtype", DTYPES)
@settings(max_examples=20, deadline=None)
@given(sizes)
def test_a_gate_and_its_gradients(dtype, size):
    g, u, dh = (drawn(*size, seed=i, dtype=dtype) * 3 for i in range(3))
    a, b = g.double().requires_grad_(), u.double().requires_grad_()
    wanted = F.silu(a) * b
    (wanted * dh.double()).sum().backward()
    close(kernels.gate(g, u), wanted)
    close(kernels.gate_halves(torch.cat([g, u], -1)), wanted)
    dg, du, h = kernels.gate_back(g, u, dh)
    for mine, exact in ((dg, a.grad), (du, b.grad), (h, wanted)):
        close(mine, exact)


def test_gates_far_from_zero_stay_finite():
    g, u = torch.tensor([[-200.0, 200.0, -88.0, 0.0]]), torch.ones(1, 4)
    close(kernels.gate(g, u), F.silu(g))
    assert all(x.isfinite().all() for x in kernels.gate_back(g, u, u))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("temperature", [1.0, 0.6])
@pytest.mark.parametrize("size", [5, 256, 1000])
def test_log_probability_and_entropy_and_their_gradients(dtype, temperature, size):
    logits, taken = drawn(40, size, dtype=dtype) * 4, torch.arange(40) % size
    exact = logits.double().requires_grad_()
    every = (exact / temperature).log_softmax(-1)
    logp, entropy = every.gather(-1, taken.unsqueeze(-1)).squeeze(-1), -(every.exp() * every).sum(-1)
    mine, total, spread = kernels.measure(logits, taken, temperature, True)
    torch.testing.assert_close(mine, logp.float(), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(spread, entropy.float(), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(kernels.measure(logits, taken, temperature, False)[0], mine, rtol=1e-6, atol=1e-6)
    weights = drawn(2, 40, seed=3)
    for of in ((weights[0], weights[1]), (weights[0], None), (None, weights[1])):
        loss = sum((value * w.double()).sum() for value, w in zip((logp, entropy), of, strict=True) if w is not None)
        (wanted,) = torch.autograd.grad(loss, exact, retain_graph=True)
        found = kernels.measure_back(logits.clone(), taken, temperature, total, spread, *of)
        assert gap(found, wanted) < (1e-2 if dtype == torch.bfloat16 else 1e-5)


def test_what_is_not_a_number_stays_so():
    logits = torch.tensor([[0.0, torch.nan, 1.0], [0.0, 1.0, 2.0]])
    logp, _, entropy = kernels.measure(logits, torch.tensor([0, 1]), 1.0, True)
    assert logp.isnan().tolist() == entropy.isnan().tolist() == [True, False]
    x = torch.tensor([[torch.nan, 1.0]], dtype=torch.bfloat16)
    assert kernels.norm(x, torch.ones(2, dtype=torch.bfloat16), 1e-5)[1].isnan().all()


@pytest.mark.parametrize("size", [3, 256, 257, 5000])
def test_what_is_drawn_is_where_the_cumulative_probability_passes(size):
    logits, uniform = drawn(200, size) * 3, uniforms(200, 1)[:, 0]
    taken, logp = kernels.draw(logits, uniform, 0.8)
    every = (logits.double() / 0.8).log_softmax(-1)
    cumulative = every.exp().cumsum(-1)
    wanted = torch.searchsorted(cumulative, uniform.double().unsqueeze(-1), right=True).squeeze(-1)
    near = (cumulative.gather(-1, wanted.clamp(max=size - 1).unsqueeze(-1)).squeeze(-1) - uniform).abs() < 1e-5
    assert ((taken == wanted) | near).all() and (taken == wanted).float().mean() > 0.98
    torch.testing.assert_close(logp, every.gather(-1, taken.unsqueeze(-1)).squeeze(-1).float(), rtol=1e-5, atol=1e-5)


def test_the_largest_uniform_draws_what_can_be_drawn():
    logits = torch.tensor([[0.0, 0.0, -200.0]])
    assert choose(logits, Decoding(), torch.tensor([1 - 2**-24]))[0].tolist() == [1]


@pytest.mark.parametrize("dtype", DTYPES)
def test_joint_probabilities_of_trunk_and_own_scores(dtype):
    trunk, own, seen = drawn(12, 7, dtype=dtype), drawn(12, 5, seed=1, dtype=dtype), torch.tensor([7, 3])
    wanted = torch.full((12, 12), -torch.inf, dtype=torch.float64)
    for row in range(12):
        there, here = int(seen[row // 6]), 2 + row % 3 + 1
        wanted[row, :there] = trunk[row, :there].double() * 0.5
        wanted[row, 7 : 7 + here] = own[row, :here].double() * 0.5
    kernels.softmax(trunk, own, seen, 6, 2, 3, 0.5)
    close(torch.cat([trunk, own], -1), wanted.softmax(-1))


def test_rows_are_added_also_where_they_come_twice():
    total, places, x = torch.zeros(40, 3), torch.tensor([5, 5, 39, 0, 5] * 2000), drawn(10_000, 3)
    kernels.add_rows(total, places, x)
    assert gap(total, torch.zeros(40, 3, dtype=torch.float64).index_add_(0, places, x.double())) < 1e-5


def families() -> tuple[Layout, torch.Tensor]:
    """A layout with trunks and branches of many lengths, and of its places those that are somebody's."""
    rows = [(0, 3), (0, 40), (1, 4), (0, 0), (3, 20), (3, 1), (3, 70), (2, 6), (3, 0), (4, 33), (4, 32)]
    layout = lay_out(sequences_of([5, 9, 1, 100, 2], rows))
    used = torch.cat([p for trunk, own in zip(layout.trunks, layout.branches, strict=True) for p in (trunk, *own)])
    return layout, used


@pytest.mark.parametrize(("heads", "key_heads", "width"), [(2, 2, 32), (6, 2, 64), (3, 1, 96)])
def test_attention_of_families_is_that_of_its_formula(heads, key_heads, width):
    layout, used = families()
    q, k, v, past = (
        drawn(len(layout.tokens), n, width, seed=i, dtype=torch.bfloat16) for i, n in enumerate((heads, key_heads, key_heads, heads))
    )
    if not kernels.can_attend(q):
        pytest.skip("this processor has no products in bfloat16")
    past[torch.isin(torch.arange(len(past)), used, invert=True)] = 0
    shape = Shape(heads, key_heads)
    exact = [x.double().requires_grad_() for x in (q, k, v)]
    wanted = Attending(layout, shape, CPU).attend(0, *exact, 0.3)  # in float64, by operations
    gradients = torch.autograd.grad((wanted * past.double()).sum(), exact)
    rough = [x.clone().requires_grad_() for x in (q, k, v)]
    out = Attending(layout, shape, CPU).attend(0, *rough, 0.3)
    found = torch.autograd.grad((out.float() * past.float()).sum(), rough)
    assert gap(out[used], wanted[used]) < 5e-3
    for mine, true in zip(found, gradients, strict=True):
        assert gap(mine[used], true[used]) < 1e-2
        assert not mine[-1].any(), "nobody's token has a gradient"


def test_attention_of_families_hides_nothing_that_is_not_a_number():
    layout, _ = families()
    q, k, v = (drawn(len(layout.tokens), 2, 32, seed=i, dtype=torch.bfloat16) for i in range(3))
    if not kernels.can_attend(q):
        pytest.skip("this processor has no products in bfloat16")
    first = layout.trunks[3][0]
    k[first] = torch.nan
    out, _ = kernels.attend(q, k, v, layout.families(), 0.3)
    reached = torch.cat([layout.trunks[3], *layout.branches[3]])
    assert out[reached].isnan().all() and out[layout.trunks[0]].isfinite().all()


FAMILIES = ["llama", "llama, one head each", "qwen2, tied", "qwen3", "mistral"]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("adapted", [False, True])
def test_the_decoder_is_the_models_own_code(family, adapted, monkeypatch):
    made = module(family)
    if adapted:
        made = Lora(r=4).wrap(made, seed=0)
        with torch.no_grad():
            for name, p in made.named_parameters():
                if "lora_B" in name:
                    p.copy_(drawn(*p.shape, seed=2) * 0.1)
    assert decoder_of(body_of(made)) is not None
    values, gradients = results(made, SOME, packed=True)
    drew = sample(begun(made, True), contexts(), CONTEXT, Decoding(20), uniforms(9, 20), END, CPU)
    monkeypatch.setattr(kernels, "can", lambda x: False)
    own, wanted = results(made, SOME, packed=True)
    assert gap(values, own) < 1e-5 and gradients.keys() == wanted.keys()
    for name, gradient in wanted.items():
        assert gap(gradients[name], gradient) < 1e-5 or float(gradient.norm()) < 1e-4 * len(wanted), name
    plain = sample(begun(made, True), contexts(), CONTEXT, Decoding(20), uniforms(9, 20), END, CPU)
    assert torch.equal(drew.actions, plain.actions)
    torch.testing.assert_close(drew.quantities["old_logp"], plain.quantities["old_logp"], rtol=1e-5, atol=2e-5)


def test_the_row_of_padding_is_not_trained_where_the_models_own_code_does_not_train_it(monkeypatch):
    """A policy may draw the token of padding: what follows is read, and the embedding of that token has no gradient in ``transformers``."""
    drew = int(SOME.actions[SOME.mask][0])
    made = module("llama", pad_token_id=drew)
    _, gradients = results(made, SOME, packed=True)
    monkeypatch.setattr(kernels, "can", lambda x: False)
    _, wanted = results(made, SOME, packed=True)
    assert gap(gradients["model.embed_tokens.weight"], wanted["model.embed_tokens.weight"]) < 1e-5


@pytest.mark.parametrize("family", FAMILIES)
def test_in_bfloat16_the_decoder_errs_less_than_the_models_own_code(family, monkeypatch):
    """Against float64: it rounds less often."""
    exact, _ = results(module(family).double(), SOME, packed=False)
    rough = module(family).to(torch.bfloat16)
    mine = gap(results(rough, SOME, packed=True)[0], exact)
    monkeypatch.setattr(kernels, "can", lambda x: False)
    own = gap(results(rough, SOME, packed=True)[0], exact)
    assert mine < 1.1 * own


def test_a_model_that_only_looks_alike_is_found_out():
    """The same modules, of which one does something else."""
    made = module("llama")
    layer = made.model.layers[1].mlp
    forward = type(layer).forward
    layer.forward = lambda x: 1.5 * forward(layer, x)
    assert decoder_of(made.model) is None


def test_a_model_of_mixed_formats_runs_its_own_code():
    made = module("llama").to(torch.bfloat16)
    made.model.norm.float()
    assert decoder_of(made.model) is None
    with pytest.raises(AssertionError):
        kernels.norm(drawn(2, 4, dtype=torch.bfloat16), torch.ones(4), 1e-5)


def test_a_token_that_is_none_of_the_vocabulary_is_refused():
    with pytest.raises(AssertionError):
        kernels.measure(torch.zeros(2, 5), torch.tensor([0, 5]), 1.0, False)


def test_adapters_of_another_kind_take_the_models_own_code():
    from peft import LoraConfig, get_peft_model

    adapted = get_peft_model(module("llama"), LoraConfig(r=4, target_modules="all-linear", use_dora=True))
    with pytest.raises(NotSupported):
        Projection.of(adapted.base_model.model.model.layers[0].self_attn.q_proj)
    values, _ = results(adapted, SOME, packed=True)
    assert gap(values, results(adapted, SOME, packed=False)[0]) < 1e-5


def test_adapters_that_come_later_are_seen():
    made = module("llama")
    before, _ = results(made, SOME, packed=True)
    adapted = Lora(r=4).wrap(made, seed=0)
    with torch.no_grad():
        for name, p in adapted.named_parameters():
            if "lora_B" in name:
                p.fill_(0.1)
    values, _ = results(adapted, SOME, packed=True)
    assert gap(values, results(adapted, SOME, packed=False)[0]) < 1e-5 < gap(values, before)
    with adapted.disable_adapter(), torch.no_grad():
        off = encode(adapted, SOME, CPU, packed=True)
        assert torch.equal(torch.cat([off.hidden[off.predicts], off.hidden[off.last]]), before)


def test_gradients_are_those_that_are_asked_for():
    made = module("llama")
    for name, p in made.named_parameters():
        p.requires_grad_("layers.1.mlp.up_proj" in name or "layers.0.input_layernorm" in name)
    _, found = results(made, SOME, packed=True)
    made.requires_grad_(True)
    _, every = results(made, SOME, packed=True)
    assert len(found) == 2
    assert all(gap(gradient, every[name]) < 1e-6 for name, gradient in found.items())


@pytest.mark.parametrize("bias", [True, False])
def test_projections_together_are_each_alone(bias):
    layers = [torch.nn.Linear(16, n, bias=bias and n > 8).to(torch.bfloat16) for n in (8, 24, 16)]
    a, b = drawn(4, 16, seed=1, dtype=torch.bfloat16), drawn(24, 4, seed=2, dtype=torch.bfloat16)
    some = [Projection.of(layer) for layer in layers]
    some[1] = Projection(some[1].weight, some[1].bias, a, b, 0.5)
    x = drawn(8, 16, dtype=torch.bfloat16)
    with torch.no_grad():
        wanted = [layer(x).double() for layer in layers]
        wanted[1] += 0.5 * (x.double() @ a.double().t()) @ b.double().t()
        close(Together(some)(x), torch.cat(wanted, -1))


def test_without_kernels_everything_runs_and_says_why():
    told = "from guerdon.models import kernels; import torch; print(kernels.why_not(), kernels.can(torch.ones(1)))"
    for change, said in (({kernels.SWITCH: "off"}, "GUERDON_KERNELS=off False"), ({"CC": "nowhere", "PATH": "/none"}, "no C compiler")):
        run = subprocess.run([sys.executable, "-c", told], env={**os.environ, **change}, capture_output=True, text=True)
        assert said in run.stdout, run.stderr


def test_a_compiler_that_fails_is_quoted(tmp_path):
    broken = tmp_path / "cc"
    broken.write_text("#!/bin/sh\necho no such instruction >&2\nexit 1\n")
    broken.chmod(0o755)
    run = subprocess.run(
        [sys.executable, "-c", "from guerdon.models import kernels; print(kernels.why_not())"],
        env={**os.environ, "CC": str(broken), "XDG_CACHE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert "no such instruction" in run.stdout, run.stderr
