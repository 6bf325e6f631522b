"""The layers as they are computed on a GPU: the model's own numbers and gradients, adapters too; and what is compiled is compiled once for all layers."""

import pytest
import torch

from guerdon.models import compiling
from guerdon.models.language import forward, fused
from guerdon.models.language.decoder import tried
from guerdon.models.language.forward import body_of
from guerdon.models.language.fused import FusedDecoder, fused_of
from guerdon.models.language.lora import Lora
from guerdon.models.language.policy import LanguagePolicy
from guerdon.saying import listening
from test_fast_paths import CPU, SOME, drawn, gap, module, results

FUSED = ["llama", "llama, one head each", "qwen2, tied", "qwen3", "mistral"]


@pytest.fixture
def as_on_a_card(monkeypatch):
    """The layers for a GPU on a CPU, operation by operation."""
    monkeypatch.setattr(forward, "decoder_of", lambda _: None)
    known = {}

    def made(body):
        if body not in known:
            known[body] = tried(body, FusedDecoder)
            assert known[body] is not None
        return known[body]

    monkeypatch.setattr(forward, "fused_of", made)


@pytest.mark.parametrize("family", FUSED)
@pytest.mark.parametrize("adapted", [False, True])
def test_the_layers_for_a_gpu_are_the_models_own(family, adapted, as_on_a_card):
    made = module(family)
    if adapted:
        made = Lora(r=4).wrap(made, seed=0)
        with torch.no_grad():
            for name, p in made.named_parameters():
                if "lora_B" in name:
                    p.normal_(std=0.05, generator=torch.Generator().manual_seed(3))
    made = made.double()
    values, gradients = results(made, SOME, packed=True)
    plain, wanted = results(made, SOME, packed=False)
    assert gap(values, plain) < 2e-6  # transformers normalises in float32
    assert gradients.keys() == wanted.keys() and len(wanted) > 8
    assert all(gap(gradients[name], wanted[name]) < 1e-5 or float(wanted[name].norm()) < 1e-5 for name in wanted)


@pytest.mark.parametrize("family", FUSED)
def test_in_bfloat16_they_err_no_more_than_the_plain_path(family, as_on_a_card):
    exact, _ = results(module(family).double(), SOME, packed=False)
    rough = [gap(results(module(family).to(torch.bfloat16), SOME, packed)[0], exact) for packed in (True, False)]
    assert rough[0] < 1.5 * rough[1]


def test_layers_that_are_computed_again_are_the_same(as_on_a_card):
    found = []
    for checkpointing in (False, True):
        made = LanguagePolicy(module("qwen3"), None, CPU)
        made.checkpoints = checkpointing
        made.measure(SOME, {"logp"})["logp"].sum().backward()
        found.append([p.grad for p in made.module.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))


@pytest.mark.parametrize("family", ["gpt2", "gpt_neox", "gemma2", "mamba"])
def test_others_have_their_own_code(family):
    assert tried(body_of(module(family)), FusedDecoder) is None


def test_a_model_that_is_computed_otherwise_is_found_out():
    body = body_of(module("llama"))
    body.layers[1].post_attention_layernorm.forward = lambda x: 2 * x
    assert tried(body, FusedDecoder) is None


@pytest.fixture
def counted(monkeypatch):
    """Compiled without a compiler behind it: what is traced, whole, and how often."""
    from torch._dynamo.testing import CompileCounter

    torch._dynamo.reset()
    counter = CompileCounter()
    monkeypatch.setattr(compiling, "why_not", lambda _: "")
    monkeypatch.setattr(compiling, "compiling", lambda function: torch.compile(function, backend=counter, fullgraph=True))
    for name in ("opened", "closed", "normed"):
        monkeypatch.setattr(fused, name, compiling.compiled(getattr(fused, name).__wrapped__))
    yield counter
    torch._dynamo.reset()


@pytest.mark.parametrize("family", ["llama", "qwen3"])
def test_all_layers_are_compiled_at_once_and_all_lengths_are_one(family, counted, as_on_a_card):
    made = module(family, num_hidden_layers=6)
    lengths = set()
    for seed, size in enumerate((3, 20, 45, 90, 70)):
        sequences = drawn([size, 9], [(0, 7), (0, 4), (1, 6)], seed=seed)
        lengths.add(len(forward.lay_out(sequences).tokens))
        values, gradients = results(made, sequences, packed=True)
        plain, wanted = results(made, sequences, packed=False)
        assert gap(values, plain) < 1e-5
        assert all(gap(gradients[n], wanted[n]) < 1e-4 or float(wanted[n].norm()) < 1e-4 for n in wanted)
    assert len(lengths) == 5
    # Three functions, each for the lengths with which it was tried (without gradients), the first one and any; six layers are no more than one.
    assert counted.frame_count <= 3 * 4, counted.frame_count


def test_where_the_compiler_fails_it_is_said_and_nothing_changes(monkeypatch):
    def fails(_):
        def raises(*_args):
            raise torch._dynamo.exc.BackendCompilerFailed(lambda: None, RuntimeError("no such card"), None)

        return raises

    monkeypatch.setattr(compiling, "_failed", [])
    monkeypatch.setattr(compiling, "compiling", fails)
    monkeypatch.setattr(compiling, "find_spec", lambda _: True)
    why = compiling.why_not

    twice, said = compiling.compiled(lambda x: 2 * x), []
    monkeypatch.setattr(compiling, "why_not", lambda _: why(torch.device("cuda")))
    with listening(said.append):
        assert twice(torch.ones(1)) == 2 == twice(torch.ones(1))
    assert len(said) == 1 and "no such card" in said[0] and compiling.SWITCH in said[0]
    assert "torch's compiler failed" in compiling.why_not(torch.device("cuda"))


def test_what_is_no_fault_of_the_compiler_goes_on(monkeypatch):
    """Memory that runs out is dealt with elsewhere."""

    def full(_):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(compiling, "why_not", lambda _: "")
    monkeypatch.setattr(compiling, "compiling", lambda _: full)
    with pytest.raises(torch.OutOfMemoryError):
        compiling.compiled(lambda x: x)(torch.ones(1))


def test_it_can_be_switched_off(monkeypatch):
    card = torch.device("cuda")
    monkeypatch.setattr(compiling, "find_spec", lambda _: True)
    assert compiling.why_not(card) == "" and "cards only" in compiling.why_not(CPU)
    monkeypatch.setenv(compiling.SWITCH, "off")
    assert compiling.why_not(card) == "GUERDON_COMPILE=off"
    assert fused_of(body_of(module("llama"))) is None
