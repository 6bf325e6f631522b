"""The learner's road on a GPU: every way to attend that is taken there is right, layers and tiles are compiled, and nothing waits within a micro-batch.

Without a GPU they are skipped, and say so; what of it a CPU can tell is in ``test_attentions``, ``test_fused``, ``test_tiles`` and ``test_pretended_card``.
"""

import copy
from contextlib import contextmanager

import pytest
import torch

from guerdon.models import compiling
from guerdon.models.heads.scalar import Scalar
from guerdon.models.language.attentions import Asked, _choosing
from guerdon.models.language.forward import body_of
from guerdon.models.language.fused import fused_of
from guerdon.models.language.headed import HeadedModel
from guerdon.models.language.layout import Shape
from guerdon.models.language.policy import LanguagePolicy
from guerdon.models.language.tiles import functionals
from guerdon.training.learner import Learner, step_weights
from guerdon.training.optimiser import AdamW
from guerdon.training.tally import Tally
from test_fast_paths import CPU, gap, module
from test_pretended_card import JOBS

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
GPU = torch.device("cuda")
DTYPES = [torch.bfloat16, torch.float32, torch.float16]


@contextmanager
def nobody_waits():
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


def learner_of(job: str, device: torch.device, dtype=torch.bfloat16) -> Learner:
    _, terms = JOBS[job]
    model = LanguagePolicy(copy.deepcopy(module("qwen3", head_dim=32)), None, device, dtype)
    return Learner("policy", HeadedModel(model, Scalar(), 0) if job == "scores" else model, terms, AdamW(1e-2), 1000)


@pytest.mark.parametrize("job", JOBS)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_nothing_waits_for_the_card_within_a_micro_batch(job, dtype):
    learner, batch = learner_of(job, GPU, dtype), JOBS[job][0]()
    terms = list(learner.terms)
    weights, rows = [step_weights(term, batch) for term in terms], torch.arange(len(batch))
    learner._of_rows(batch, rows, terms, weights, Tally(), True)  # compiled, and tried
    with nobody_waits():
        learner._of_rows(batch, rows, terms, weights, Tally(), True)
        learner._of_rows(batch, rows, terms, weights, Tally(), False)


@pytest.mark.parametrize("job", JOBS)
def test_a_step_is_that_of_the_cpu(job):
    found = []
    for device in (GPU, CPU):
        learner, tally = learner_of(job, device, torch.float32), Tally()
        learner._backward(JOBS[job][0](), list(learner.terms), tally, True)
        found.append((tally.means(), torch.cat([p.grad.float().cpu().flatten() for p in learner.parameters if p.grad is not None])))
    assert gap(found[0][1], found[1][1]) < 1e-2  # products in TF32
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-2, abs=1e-2)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize(("window", "softcap"), [(None, None), (0, None), (None, 0.0)])
def test_every_way_that_can_attend_here_is_right(dtype, shared, window, softcap):
    kind = Asked(GPU, dtype, Shape(4, 2), 64, shared, window, softcap)
    able = {name: way for name, way in _choosing.ways().items() if not way.why_not(kind)}
    for name, way in able.items():
        assert _choosing.gap_to_plain(way, kind) < _choosing.FAR[dtype], name
    assert able or softcap is not None or window is not None


def test_what_is_chosen_was_measured():
    found = _choosing.tried(Asked(GPU, torch.bfloat16, Shape(16, 8), 128, True))
    assert found.chosen in found.seconds and len(found.seconds) + len(found.refused) == len(_choosing.ways())


@pytest.mark.skipif(torch.cuda.is_available() and bool(compiling.why_not(GPU)), reason="nothing is compiled here")
@pytest.mark.parametrize("family", ["llama", "qwen3"])
def test_layers_are_compiled(family):
    assert fused_of(body_of(module(family).to(GPU))) is not None and compiling.why_not(GPU) == ""


@pytest.mark.parametrize("dtype", DTYPES)
def test_tiles_are_those_of_the_cpu(dtype):
    g = torch.Generator().manual_seed(0)
    hidden, weight, taken = torch.randn(300, 64, generator=g), torch.randn(5000, 64, generator=g) / 4, torch.arange(300)
    found = []
    for device, kind in ((GPU, dtype), (CPU, torch.float64)):
        head = torch.nn.Linear(64, 5000, bias=False, device=device, dtype=kind)
        with torch.no_grad():
            head.weight.copy_(weight)
        states = hidden.to(device, kind).requires_grad_()
        logp, entropy = functionals(head, states, taken.to(device), 0.7, ["logp", "entropy"])
        (logp.sum() + 0.3 * entropy.sum()).backward()
        found.append([x.double().cpu() for x in (logp.detach(), entropy.detach(), states.grad, head.weight.grad)])
    assert all(gap(a, b) < 3e-2 for a, b in zip(*found, strict=True))
