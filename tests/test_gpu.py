"""The fast paths on a GPU: the same comparisons as on a CPU, of values and gradients. Without a GPU they are skipped, and say so."""

import pytest
import torch

from guerdon.models.language import graphed_wave
from guerdon.models.language.forward import can_pack, encode
from guerdon.models.language.graphed import Graphed, graphed_for
from guerdon.models.language.lora import Lora
from guerdon.models.language.policy import LanguagePolicy
from guerdon.models.language.precision import gain_of
from guerdon.models.language.sampling import sample
from guerdon.sequences import Decoding
from test_fast_paths import CPU, FAST, SOME, gap, module
from test_graphed import DECODINGS, KNOWN, adapted, small_sizes
from test_sampling import CONTEXT, END, begun, contexts, uniforms

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
GPU = torch.device("cuda")


def results(made, device: torch.device, packed: bool) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Hidden states where something is predicted, and the gradient of a random functional of them."""
    made = made.to(device)
    made.zero_grad()
    encoded = encode(made, SOME, device, packed)
    values = encoded.hidden[encoded.predicts]
    weight = torch.randn(values.shape, generator=torch.Generator().manual_seed(1)).to(values)
    (values * weight).sum().backward()
    return values.detach().cpu(), {name: p.grad.cpu() for name, p in made.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("family", FAST)
def test_a_flat_row_is_the_plain_rows(family):
    assert can_pack(module(family).to(GPU), GPU) == ""
    values, gradients = results(module(family), GPU, packed=True)
    plain, wanted = results(module(family), CPU, packed=False)
    assert gap(values, plain) < 1e-4  # a GPU adds up in another order
    for name, gradient in wanted.items():
        assert gap(gradients[name], gradient) < 1e-3 or float(gradient.norm()) < 1e-4 * len(wanted), name


@pytest.mark.parametrize("family", FAST)
def test_bfloat16_errs_no_more_than_the_plain_path_in_bfloat16(family):
    exact, _ = results(module(family).double(), CPU, packed=False)
    rough = [gap(results(module(family).to(torch.bfloat16), GPU, packed)[0], exact) for packed in (True, False)]
    assert rough[0] < 1.5 * rough[1]


@pytest.mark.parametrize("family", FAST)
@pytest.mark.parametrize("packed", [True, False])
def test_the_sampler_records_what_the_learner_measures(family, packed):
    policy = LanguagePolicy(module(family), None, GPU)
    drawn = sample(begun(policy.module, packed, GPU), contexts(), CONTEXT, Decoding(24, 0.8), uniforms(9, 24), END, GPU)
    measured = policy.measure(drawn, {"logp"})["logp"].detach()
    assert float((measured - drawn.quantities["old_logp"])[drawn.mask].abs().max()) < 1e-3


@pytest.mark.parametrize(
    "family, decoding", [*((family, DECODINGS[0]) for family in KNOWN), *(("qwen3", some) for some in DECODINGS[1:])], ids=str
)
def test_recorded_steps_draw_what_the_other_caches_draw(family, decoding, monkeypatch):
    """Called, recorded and played back: the second time everything is played back, on storage that was used."""
    small_sizes(monkeypatch)
    made = module(family).to(GPU)
    graphed = graphed_for(made, GPU)
    assert graphed is not None
    for seed in (0, 0, 1):
        given = contexts(), CONTEXT, decoding, uniforms(9, 24, seed), END
        drawn, wanted = graphed.sample(*given), sample(begun(made, True, GPU), *given, GPU)
        steps = min(drawn.actions.shape[1], wanted.actions.shape[1])
        same = (drawn.length == wanted.length) & (drawn.actions[:, :steps] == wanted.actions[:, :steps]).all(-1)
        assert same.float().mean() > 0.7  # a draw may lie on the border of two tokens
        logp = (x.quantities["old_logp"][same, :steps] for x in (drawn, wanted))
        torch.testing.assert_close(*logp, rtol=0, atol=1e-3)
    assert not graphed.recorder.failed
    assert sum(one.recorded is not None for one in graphed.steps.values()) >= 3


@pytest.mark.parametrize("adapters", [False, True])
def test_recorded_steps_record_what_the_learner_measures_and_follow_the_weights(adapters):
    policy = LanguagePolicy(adapted("qwen3") if adapters else module("qwen3"), None, GPU)
    policy.__dict__["ends"] = END
    for _ in range(3):
        drawn = policy.sample(contexts(), CONTEXT, Decoding(24, 0.8), uniforms(9, 24))
        measured = policy.measure(drawn, {"logp"})["logp"].detach()
        assert float((measured - drawn.quantities["old_logp"])[drawn.mask].abs().max()) < 1e-3
        with torch.no_grad():
            for parameter in policy.module.parameters():
                parameter.add_(0.05 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(parameter.numel())).to(GPU))
    assert policy.graphed is not None and policy.graphed.steps


@pytest.mark.parametrize("deterministic", [False, True])
def test_recorded_steps_draw_the_same_again_to_the_bit(deterministic):
    made = module("qwen3").to(GPU, torch.bfloat16)
    graphed, given = Graphed(made, GPU), (contexts(), CONTEXT, Decoding(24), uniforms(9, 24), END)
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(deterministic)
    try:
        once, twice, played = (graphed.sample(*given) for _ in range(3))
    finally:
        torch.use_deterministic_algorithms(before)
    for other in (twice, played):
        assert torch.equal(once.actions, other.actions) and torch.equal(once.quantities["old_logp"], other.quantities["old_logp"])


def test_nobody_waits_for_recorded_steps(monkeypatch):
    """Between two looks, and while one is asked for."""
    monkeypatch.setattr(graphed_wave, "EVERY", 100)
    graphed, given = Graphed(module("llama").to(GPU), GPU), (contexts(), CONTEXT, Decoding(24), uniforms(9, 24), END)
    graphed.sample(*given)
    step, looks, waited = graphed.step, [], torch.cuda.get_sync_debug_mode()

    def strictly(bucket, decoding):
        torch.cuda.set_sync_debug_mode("error")
        try:
            step(bucket, decoding)
            looks.append(graphed_wave.Look(0, graphed.storage.alive[: bucket.rows]))
        finally:
            torch.cuda.set_sync_debug_mode(waited)

    monkeypatch.setattr(graphed, "step", strictly)
    graphed.sample(*given)
    assert len(looks) == 23 and all(look.wait()[0].shape == (16,) for look in looks)


def test_what_is_measured_is_what_the_cpu_measures():
    names = {"logp", "entropy", "top_logp"}
    found = LanguagePolicy(module("llama"), None, GPU).measure(SOME, names)
    wanted = LanguagePolicy(module("llama"), None, CPU).measure(SOME, names)
    for name in names:
        torch.testing.assert_close(found[name], wanted[name], rtol=1e-3, atol=1e-3)


def test_masters_in_float32_get_the_gradients_of_the_copy():
    adapted = LanguagePolicy(Lora(r=4).wrap(module("llama").to(torch.bfloat16), seed=0), None, GPU, torch.bfloat16)
    adapted.measure(SOME, {"logp"})["logp"].sum().backward()
    trained = [p for p in adapted.module.parameters() if p.requires_grad]
    assert all(p.dtype == torch.float32 and p.grad is not None and p.grad.isfinite().all() for p in trained)


def test_the_format_is_chosen_by_a_measurement():
    assert gain_of(torch.bfloat16, GPU) > 0 and gain_of(torch.float16, GPU) > 0
