"""Adapters on weights of four bits: trained, sampled, saved and gone on with like others. Without ``bitsandbytes`` most of this is skipped."""

import importlib.util
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from guerdon.errors import InputError
from guerdon.interfaces.check.cost import memory
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.head import Head
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.models.heads.scalar import Scalar
from guerdon.models.language import four_bits
from guerdon.models.language.headed import Headed
from guerdon.models.language.language_model import LanguageModel
from guerdon.models.language.lora import Lora
from guerdon.models.language.policy import AdaptersOff
from guerdon.models.language.small_language_model import SmallLanguageModel
from guerdon.sequences import Decoding
from guerdon.training.jobs import FitJob, ImproveJob
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.training.remembering import fingerprint
from process_cases import Rows
from test_loops import GRPO, TASK, parameters, quiet

needs_package = pytest.mark.skipif(importlib.util.find_spec("bitsandbytes") is None, reason="bitsandbytes is not installed")
SFT = Recipe((Term(NegativeLogLikelihood()),), AdamW(1e-2))
DPO = Recipe((Term(Pairwise(LogRatio(), Logistic())),), AdamW(1e-2))


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("base")
    SmallLanguageModel(TASK.characters, layers=2, hidden=64, heads=2, context_length=32).build(0).save(folder)
    return str(folder)


def packed(source: str, dtype: str = "float32", lora: Lora | None = Lora(r=2)):
    return LanguageModel(source, lora=lora, dtype=dtype, device="cpu", load_in_4bit=True)


def some(policy, count: int = 6):
    contexts = [torch.tensor([3, 4, 5]), torch.tensor([6, 4])]
    uniforms = torch.rand(count, 8, generator=torch.Generator().manual_seed(0))
    return policy.sample(contexts, torch.arange(2).repeat_interleave(count // 2), Decoding(8), uniforms)


@needs_package
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_weights_are_those_of_transformers(base: str, dtype: str):
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    how = BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=getattr(torch, dtype)
    )
    theirs = AutoModelForCausalLM.from_pretrained(base, quantization_config=how, dtype=getattr(torch, dtype), device_map="cpu")
    ours = packed(base, dtype).build(0).module.get_base_model()
    compared = 0
    for name, layer in theirs.named_modules():
        if four_bits.is_packed(getattr(layer, "weight", None)):
            mine = ours.get_submodule(name).base_layer
            assert torch.equal(mine.weight.data, layer.weight.data) and mine.compute_dtype == layer.compute_dtype
            assert torch.equal(four_bits.numbers(mine.weight), four_bits.numbers(layer.weight))
            compared += 1
    assert compared == 2 * 7


@needs_package
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_it_says_what_its_weights_written_out_say(base: str, dtype: str):
    """Sampler, learner and the plain model with the same numbers agree; the weights are near those that were packed, and not the same."""
    policy, plain = packed(base, dtype).build(0), packed(base, dtype).build(0)
    four_bits.unpack(plain.module)
    drawn = some(policy)
    near = 1e-5 if dtype == "float32" else 0.05
    now = policy.measure(drawn, {"logp"})["logp"].detach()
    assert not any(map(four_bits.is_packed, plain.module.parameters()))
    torch.testing.assert_close(now, plain.measure(drawn, {"logp"})["logp"].detach(), rtol=0, atol=near)
    torch.testing.assert_close(now, drawn.quantities["old_logp"] * drawn.mask, rtol=0, atol=near)
    whole = LanguageModel(base, lora=Lora(r=2), dtype=dtype, device="cpu").build(0).measure(drawn, {"logp"})["logp"].detach()
    assert 1e-4 < float((now - whole).abs().max()) < 1.0


@needs_package
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_nothing_is_held_twice(base: str, dtype: str):
    """The copy that computes in another format shares what is packed."""
    policy = packed(base, dtype).build(0)
    own = [p for p in policy.module.parameters() if four_bits.is_packed(p)]
    assert len(own) == 14 and {id(p) for p in own} <= {id(p) for p in policy.computing.parameters()}


def fit(model, recipe: Recipe, rows: str, folder: Path | None = None, steps: int = 4):
    budget = Budget(steps=steps, batch_size=8, save_every=1, evaluation_rows=4)
    return FitJob(recipe, Rows(rows), budget=budget)(model, {}, 0, folder, quiet()).history


@needs_package
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_adapters_learn_the_weights_stay_and_the_merged_model_says_the_same(base: str, dtype: str, tmp_path: Path):
    model = packed(base, dtype).build(0)
    before = {n: p.detach().clone() for n, p in model.module.named_parameters() if not p.requires_grad}
    history = fit(model, SFT, "shown", tmp_path / "run", 12)
    assert history[-1]["loss"] < history[1]["loss"] - 0.1
    assert all(torch.equal(before[n], p) for n, p in model.module.named_parameters() if not p.requires_grad)
    drawn = some(model)
    said = model.measure(drawn, {"logp"})["logp"].detach()
    model.save(tmp_path / "merged")
    merged = LanguageModel(str(tmp_path / "merged"), dtype=dtype, device="cpu").build(0)
    near = 1e-5 if dtype == "float32" else 0.1
    torch.testing.assert_close(merged.measure(drawn, {"logp"})["logp"].detach(), said, rtol=0, atol=near)
    again = packed(str(tmp_path / "run/checkpoints/step-00000012/model"), dtype, lora=None).build(0)  # adapters, on the base packed anew
    torch.testing.assert_close(again.measure(drawn, {"logp"})["logp"].detach(), said, rtol=0, atol=0)


@needs_package
def test_a_stopped_run_is_the_run_that_was_not(base: str, tmp_path: Path):
    for recipe, rows in ((SFT, "shown"), (DPO, "pairs")):
        whole, parts = (packed(base).build(0) for _ in range(2))
        fit(whole, recipe, rows, tmp_path / rows / "whole")
        fit(parts, recipe, rows, tmp_path / rows / "parts", 2)
        gone_on = packed(base).build(0)
        fit(gone_on, recipe, rows, tmp_path / rows / "parts")
        expected = parameters(whole)
        assert all(torch.equal(value, parameters(gone_on)[name]) for name, value in expected.items())


@needs_package
def test_adapters_that_do_something_have_a_reference_of_four_bits(base: str, tmp_path: Path):
    model = packed(base).build(0)
    assert type(model.reference()) is AdaptersOff
    fit(model, SFT, "shown", tmp_path / "sft")
    source = str(tmp_path / "sft/checkpoints/step-00000004/model")
    expected = packed(source, lora=None).build(0)
    drawn, start = some(expected), expected.measure(some(expected), {"logp"})["logp"].detach()
    reference = expected.reference()
    reference.settle()
    assert type(reference) is not AdaptersOff and any(map(four_bits.is_packed, reference.module.parameters()))
    torch.testing.assert_close(reference.measure(drawn, {"logp"})["logp"].detach(), start, rtol=0, atol=0)
    whole, parts = expected, packed(source, lora=None).build(0)
    fit(whole, DPO, "pairs", tmp_path / "whole")
    fit(parts, DPO, "pairs", tmp_path / "parts", 2)
    gone_on = packed(source, lora=None).build(0)
    fit(gone_on, DPO, "pairs", tmp_path / "parts")  # whose reference is what it was at the start, and not what is loaded
    assert all(torch.equal(value, parameters(gone_on)[name]) for name, value in parameters(whole).items())


@needs_package
@pytest.mark.parametrize(
    "lora", [Lora(r=2, use_dora=True), Lora(r=2, modules_to_save=("embed_tokens",)), Lora(r=2, target_modules=("q_proj", "lm_head"))]
)
def test_every_kind_of_adapter(base: str, lora: Lora, tmp_path: Path):
    model = packed(base, lora=lora).build(0)
    before = {n: p.detach().clone() for n, p in model.module.named_parameters() if p.requires_grad}
    fit(model, DPO, "pairs")
    assert any(not torch.equal(before[n], p) for n, p in model.module.named_parameters() if p.requires_grad)
    drawn = some(model)
    model.save(tmp_path)
    merged = LanguageModel(str(tmp_path), dtype="float32", device="cpu").build(0)
    said = model.measure(drawn, {"logp"})["logp"].detach()
    torch.testing.assert_close(merged.measure(drawn, {"logp"})["logp"].detach(), said, rtol=0, atol=1e-5)


@needs_package
def test_a_policy_learns_from_what_it_samples_and_a_reward_model_stands_on_it(base: str, tmp_path: Path):
    model = packed(base).build(0)
    budget = Budget(steps=2, batch_size=4, activation_checkpointing=True)
    history = ImproveJob(GRPO, TASK, decoding=Decoding(6), budget=budget)(model, {}, 0, None, quiet()).history
    assert history[-1]["sampling/sampling_logp_difference/max"] < 1e-4
    scorer = Headed(packed(base), Scalar()).build(0)
    fit(scorer, Recipe((Term(Pairwise(Head(), Logistic())),), AdamW(1e-2)), "pairs", tmp_path)
    drawn = some(scorer.policy)
    scorer.save(tmp_path / "scorer")
    from guerdon.models.language.scorer import Scorer

    again = Scorer(str(tmp_path / "scorer"), dtype="float32", device="cpu").build(0)
    torch.testing.assert_close(again.measure(drawn, {"score"})["score"], scorer.measure(drawn, {"score"})["score"], rtol=0, atol=1e-4)


@needs_package
def test_memory_is_counted_in_half_bytes(base: str):
    settings = SimpleNamespace(budget=Budget(), recipe=SFT)
    whole = memory(SimpleNamespace(model=LanguageModel(base, lora=Lora(r=2), dtype="float32", device="cpu").build(0), settings=settings))
    small = memory(SimpleNamespace(model=packed(base).build(0), settings=settings))
    assert small["parameters"] == whole["parameters"] and small["trained_parameters"] == whole["trained_parameters"]
    linear = sum(four_bits.count(p) for p in packed(base).build(0).module.parameters() if four_bits.is_packed(p))
    saved = whole["weights"] - small["weights"]
    assert (
        4 - 0.55
    ) * linear < saved + 14 * 1200 and saved < 3.5 * linear  # each layer brings the table of its code and that of its scales


@needs_package
def test_what_is_frozen_is_told_apart_by_its_scales_too(base: str):
    one, other = packed(base).build(0), packed(base).build(0)
    assert fingerprint(one) == fingerprint(other)
    for parameter in other.module.parameters():
        if four_bits.is_packed(parameter):
            parameter.quant_state.absmax.add_(1)
    assert fingerprint(one) != fingerprint(other)


@needs_package
def test_what_cannot_be_trained_is_refused(base: str):
    with pytest.raises(InputError, match=r"model.load_in_4bit: weights of four bits cannot be trained.*model.lora"):
        packed(base, lora=None).build(0)


def test_without_the_package_it_is_said_what_to_install(base: str, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *_: None)
    with pytest.raises(InputError, match=r"pip install 'guerdon\[quantized\]'"):
        packed(base).build(0)
