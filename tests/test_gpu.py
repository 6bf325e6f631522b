"""The fast paths on a GPU: the same comparisons as on a CPU, of values and gradients. Without a GPU they are skipped, and say so."""

import pytest
import torch

from guerdon.models.language.forward import can_pack, encode
from guerdon.models.language.lora import Lora
from guerdon.models.language.policy import LanguagePolicy
from guerdon.models.language.precision import gain_of_bfloat16
from guerdon.models.language.sampling import sample
from guerdon.sequences import Decoding
from test_fast_paths import CPU, FAST, SOME, gap, module
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
    assert gain_of_bfloat16(GPU) > 0
