"""Adapters of every kind compute on every path what the plain one computes, drop what they are asked to and nothing else, and say what cannot be."""

import copy
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guerdon.errors import InputError
from guerdon.interfaces.configuration import dump, load
from guerdon.models.heads.scalar import Scalar
from guerdon.models.language.adapters import do_nothing
from guerdon.models.language.headed import Headed
from guerdon.models.language.language_model import LanguageModel
from guerdon.models.language.lora import Lora
from guerdon.recipes import grpo, sft
from guerdon.sequences import Decoding, Example, collate
from guerdon.tasks.encoding import Encoder
from guerdon.training.loops.fit import fit
from guerdon.training.loops.improve import improve
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget
from test_saving import CPU, FIRST, encoded, greedy
from tiny_models import folder, moved, tokenizer

OPTIONS = {
    "plain": {},
    "rslora": {"use_rslora": True},
    "dora": {"use_dora": True},
    "an expression": {"target_modules": r".*\.1\..*(up_proj|c_fc)"},
    "the head too": {"modules_to_save": ("lm_head",)},
    "the embedding too": {"modules_to_save": ("embed_tokens",)},
    "a norm too": {"modules_to_save": ("norm",)},
    "a projection whole": {"modules_to_save": ("o_proj",), "target_modules": ("q_proj",)},
    "adapters on the head": {"target_modules": ("q_proj", "lm_head")},
    "adapters on the embedding": {"target_modules": ("q_proj", "embed_tokens")},
    "without the gates": {"exclude_modules": ("gate_proj",)},
    "the first layer": {"layers_to_transform": (0,)},
}


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> dict[str, Path]:
    return {family: folder(tmp_path_factory.mktemp(family), family) for family in ("llama", "gpt2")}


def built(base, option: dict, family: str = "llama"):
    policy = LanguageModel(str(base[family]), Lora(r=2, **option), **CPU).build(0)
    moved(policy.module)
    return policy


def measured(policy, rows, packed: bool):
    policy.module.zero_grad()
    policy.unpacked_because = "" if packed else "to be compared"
    found = policy.measure(rows, {"logp", "entropy"})
    (found["logp"].sum() + found["entropy"].square().sum()).backward()
    gradients = {n: p.grad.clone() for n, p in policy.module.named_parameters() if p.grad is not None}
    return {n: v.detach() for n, v in found.items()}, gradients


@pytest.mark.parametrize("option", OPTIONS)
def test_every_path_computes_what_peft_computes(option, base):
    """Values and gradients of the flat row, of padded rows, and of the module's own forward pass; and what is sampled is what is measured."""
    policy = built(base, OPTIONS[option])
    rows = encoded(policy.tokenizer)
    (values, gradients), (plain, wanted) = measured(policy, rows, True), measured(policy, rows, False)
    assert gradients.keys() == wanted.keys() == {n for n, p in policy.module.named_parameters() if p.requires_grad}
    for name, value in plain.items():
        torch.testing.assert_close(values[name], value, rtol=1e-3, atol=1e-4)
    for name, gradient in wanted.items():
        assert float((gradients[name] - gradient).norm()) <= 3e-3 * float(gradient.norm()) + 1e-6, name
    n, ids = int(rows.length[0]), torch.cat([rows.contexts[int(rows.context[0])], rows.actions[0, : int(rows.length[0])]])
    with torch.no_grad():
        own = policy.module(input_ids=ids[None]).logits[0].log_softmax(-1)[-n - 1 : -1].gather(-1, ids[-n:, None])[:, 0]
    torch.testing.assert_close(values["logp"][0, :n], own, rtol=1e-3, atol=1e-4)
    policy.unpacked_because = ""
    drawn = policy.sample(
        [ids[:5]], torch.zeros(3, dtype=torch.long), Decoding(8), torch.rand(3, 8, generator=torch.Generator().manual_seed(0))
    )
    torch.testing.assert_close(drawn.quantities["old_logp"], policy.measure(drawn, {"logp"})["logp"].detach(), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("family", ["llama", "gpt2"])
@pytest.mark.parametrize("option", [{}, {"use_dora": True}, {"target_modules": ("embed",)}, {"modules_to_save": ("lm_head",)}], ids=str)
def test_the_reference_is_the_start_whatever_is_trained(option, family, base):
    """Switching adapters off is done only where they and the layers that are trained whole are still what they were."""
    names = (
        {"target_modules": (("embed_tokens" if family == "llama" else "wte"),)}
        if "target_modules" in option
        else {"target_modules": FIRST.get(family, ("q_proj",))}
    )
    policy = LanguageModel(str(base[family]), Lora(r=2, **{**option, **names}), **CPU).build(0)
    rows = encoded(policy.tokenizer)
    start = policy.measure(rows, {"logp"})["logp"].detach()
    assert do_nothing(policy.module)
    fresh = policy.reference()
    moved(policy.module)
    assert not do_nothing(policy.module)
    now = policy.measure(rows, {"logp"})["logp"].detach()
    later = policy.reference()
    moved(policy.module, seed=2)
    torch.testing.assert_close(fresh.measure(rows, {"logp"})["logp"].detach(), start, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(later.measure(rows, {"logp"})["logp"].detach(), now, rtol=1e-4, atol=1e-5)


def test_a_layer_that_is_trained_whole_and_alone_moves_the_reference_too(base):
    policy = LanguageModel(str(base["llama"]), Lora(r=2, modules_to_save=("lm_head",)), **CPU).build(0)
    with torch.no_grad():
        next(p for n, p in policy.module.named_parameters() if "lm_head.modules_to_save" in n).add_(0.1)
    assert not do_nothing(policy.module)


def test_the_scale_is_that_of_the_paper(base):
    for option, scale in (({}, 32 / 4), ({"use_rslora": True}, 32 / 4**0.5)):
        policy = LanguageModel(str(base["llama"]), Lora(r=4, **option), **CPU).build(0)
        assert {s for layer in policy.module.modules() if hasattr(layer, "lora_A") for s in layer.scaling.values()} == {scale}


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_what_is_trained_is_kept_in_float32(dtype, base):
    policy = LanguageModel(str(base["llama"]), Lora(r=2, modules_to_save=("lm_head",)), dtype=dtype, device="cpu").build(0)
    assert {p.dtype for p in policy.module.parameters() if p.requires_grad} == {torch.float32}
    assert {p.dtype for p in policy.module.parameters() if not p.requires_grad} == {getattr(torch, dtype)}


# dropping


def dropped(base, p: float = 0.5, **more):
    return built(base, {"lora_dropout": p, **more})


def test_adapters_drop_only_where_a_gradient_is_computed(base):
    policy, rows = dropped(base), encoded(tokenizer("pad"))
    whole = built(base, {})
    learned = policy.measure(rows, {"logp"})["logp"].detach()
    with torch.no_grad():
        torch.testing.assert_close(policy.measure(rows, {"logp"})["logp"], whole.measure(rows, {"logp"})["logp"])
    assert not torch.allclose(learned, whole.measure(rows, {"logp"})["logp"].detach(), atol=1e-2)
    assert greedy(policy, torch.tensor([5, 6])) == greedy(whole, torch.tensor([5, 6]))
    torch.testing.assert_close(policy.reference().measure(rows, {"logp"})["logp"], whole.measure(rows, {"logp"})["logp"])
    assert not any(module.training for module in policy.module.modules())


def test_what_is_dropped_is_the_share_that_was_asked_for(base):
    policy, rows, seen = dropped(base, 0.25), encoded(tokenizer("pad")), []
    assert policy.packed
    layer = next(m for m in policy.module.modules() if hasattr(m, "lora_A"))
    layer.lora_dropout["default"].register_forward_hook(lambda _, args, out: seen.append((args[0].detach(), out.detach())))
    policy.measure(rows, {"logp"})
    x, y = (torch.cat([pair[i].flatten() for pair in seen]) for i in (0, 1))
    assert len(x) > 500 and abs(float((y == 0).double().mean()) - 0.25) < 0.05
    torch.testing.assert_close(y[y != 0], x[y != 0] / 0.75)


def test_what_is_dropped_depends_on_seed_step_and_own_tokens_alone(base):
    """So a step that is made again after a kill drops what it dropped, no generator is saved, and what a sequence is computed with does not matter."""
    policy, rows = dropped(base), encoded(tokenizer("pad"))
    before = torch.random.get_rng_state()
    once = policy.measure(rows, {"logp"})["logp"].detach()
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(7)
    again = copy.deepcopy(policy)
    assert torch.equal(again.measure(rows, {"logp"})["logp"].detach(), once)
    for row in range(len(rows)):
        n = int(rows.length[row])
        alone = policy.measure(rows.select(torch.tensor([row])), {"logp"})["logp"][0, :n].detach()
        torch.testing.assert_close(alone, once[row, :n], rtol=1e-4, atol=1e-5)
    for other in ("seed", "made"):
        changed = copy.deepcopy(policy)
        setattr(changed, other, getattr(changed, other) + 1)
        assert not torch.allclose(changed.measure(rows, {"logp"})["logp"].detach(), once, atol=1e-2)


def test_what_is_dropped_is_as_good_as_independent(base):
    """Of places, of inputs and of layers: the share that two of them drop both is the product of their shares."""
    words = tokenizer("pad")
    rows = collate([Example({"": Encoder(words).encode_pair(f"What is {n}?", " four" * 40)}) for n in range(12)]).sides[""]
    policy, seen = dropped(base, 0.4), []
    hooked = [m for m in policy.module.modules() if hasattr(m, "lora_A")]
    for layer in hooked:
        layer.lora_dropout["default"].register_forward_hook(lambda _, args, out: seen.append((out == 0).flatten(0, 1).double()))
    policy.measure(rows, {"logp"})
    seen = seen[-len(hooked) :]  # before that it was tried what the model takes
    places, width = seen[0].shape
    assert len(hooked) > 4 and places > 400 and width >= 16
    z = (seen[0] - 0.4) / (0.4 * 0.6) ** 0.5
    for alike, count in ((z.T @ z, places), (z @ z.T, width)):  # between inputs; between places
        others = alike[~torch.eye(len(alike), dtype=torch.bool)] / count**0.5
        assert 0.8 < float(others.var()) < 1.2 and float(others.abs().max()) < 6.5
    for other in seen[1:]:
        if other.shape == z.shape:
            assert abs(float(((other - 0.4) / (0.4 * 0.6) ** 0.5 * z).sum())) / z.numel() ** 0.5 < 5


@pytest.mark.parametrize("again", [False, True])
@given(tokens=st.integers(8, 200))
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_micro_batches_change_nothing_of_a_run_that_drops(tokens, again, base):
    ends = []
    for budget in (10_000, tokens):
        policy = LanguageModel(str(base["llama"]), Lora(r=2, lora_dropout=0.3), **CPU).build(0)
        fit(
            policy,
            examples(policy.tokenizer, 7),
            replace(sft.recipe, optimiser=AdamW(1e-2)),
            Budget(steps=3, batch_size=5, tokens_per_micro_batch=budget, activation_checkpointing=again),
        )
        ends.append([p.detach().clone() for p in policy.module.parameters() if p.requires_grad])
    for one, other in zip(*ends, strict=True):
        torch.testing.assert_close(other, one, rtol=0, atol=1e-5)


def test_layers_of_which_it_cannot_be_told_whose_places_they_see_are_refused(base):
    policy, rows = dropped(base), encoded(tokenizer("pad"))
    assert policy.packed  # it was tried what the model takes
    layer = next(m for m in policy.module.modules() if hasattr(m, "lora_A"))
    layer.register_forward_pre_hook(lambda _, args: (args[0][:, :1],))
    with pytest.raises(InputError, match="lora_dropout: a layer with adapters is given"):
        policy.measure(rows, {"logp"})


def test_the_gradient_is_that_of_what_was_dropped(base):
    """By finite differences along the gradient."""
    policy, rows = dropped(base), encoded(tokenizer("pad"))
    policy.module.double()
    policy.dtype = None
    policy.__dict__.pop("_copy", None)

    def loss():
        return policy.measure(rows, {"logp"})["logp"].double().sum()

    loss().backward()
    trained = [p for p in policy.module.parameters() if p.requires_grad]
    direction = [p.grad / sum(float(q.grad.square().sum()) for q in trained) ** 0.5 for p in trained]
    slope, values = sum(float((p.grad * d).sum()) for p, d in zip(trained, direction, strict=True)), []
    for sign in (1, -2):
        with torch.no_grad():
            for p, d in zip(trained, direction, strict=True):
                p.add_(sign * 1e-5 * d)
        values.append(float(loss().detach()))
    assert (values[0] - values[1]) / 2e-5 == pytest.approx(slope, rel=2e-2)


def test_scorers_drop_too(base):
    model = Headed(LanguageModel(str(base["llama"]), Lora(r=2, lora_dropout=0.5), **CPU), Scalar()).build(0)
    moved(model.module)
    rows = encoded(model.tokenizer)
    with torch.no_grad():
        whole = model.measure(rows, {"score"})["score"]
    assert not torch.allclose(model.measure(rows, {"score"})["score"].detach(), whole, atol=1e-3)


# training


def examples(words, count: int = 4) -> list[Example]:
    return [Example({"": Encoder(words).encode_pair(f"What is {n}?", " four")}) for n in range(count)]


def test_training_goes_on_from_saved_adapters(base, tmp_path: Path):
    """The loss starts where it ended, the same adapters move, and the base does not; with ``lora`` it starts there too, on fresh ones."""
    first = LanguageModel(str(base["llama"]), Lora(r=2), **CPU).build(0)
    recipe = replace(sft.recipe, optimiser=AdamW(1e-2))
    ended = fit(first, examples(first.tokenizer), recipe, Budget(steps=20, batch_size=4)).history[-1]["loss"]
    first.save(tmp_path / "adapters", merge=False)
    for lora in (None, Lora(r=2)):
        second = LanguageModel(str(tmp_path / "adapters"), lora, **CPU).build(0)
        frozen = {n: p.clone() for n, p in second.module.named_parameters() if not p.requires_grad}
        history = fit(second, examples(second.tokenizer), replace(recipe, optimiser=AdamW(1e-3)), Budget(steps=5, batch_size=4)).history
        losses = [row["loss"] for row in history if "loss" in row]
        assert abs(losses[0] - ended) < 0.1 * ended and losses[-1] < losses[0]
        assert all(torch.equal(p, frozen[n]) for n, p in second.module.named_parameters() if n in frozen)


def test_a_run_that_drops_is_the_same_run_again(base):
    ends = []
    for _ in range(2):
        policy = LanguageModel(str(base["llama"]), Lora(r=2, lora_dropout=0.3), **CPU).build(0)
        fit(policy, examples(policy.tokenizer), replace(sft.recipe, optimiser=AdamW(1e-2)), Budget(steps=4, batch_size=2))
        ends.append([p.detach().clone() for p in policy.module.parameters() if p.requires_grad])
    assert all(torch.equal(a, b) for a, b in zip(*ends, strict=True))


def test_a_model_in_which_nothing_is_trained_is_refused(base):
    policy = LanguageModel(str(base["llama"]), **CPU).build(0)
    policy.module.requires_grad_(False)
    with pytest.raises(InputError, match="nothing that is trained"):
        fit(policy, examples(policy.tokenizer), sft.recipe, Budget(steps=1, batch_size=2))


def test_a_policy_that_learns_from_its_own_samples_drops_nothing(base):
    policy = dropped(base, 0.05)
    with pytest.raises(InputError, match="lora_dropout: the policy learns from what it sampled"):
        improve(policy, None, [{"prompt": "a"}], grpo.recipe)


# float16


@pytest.mark.parametrize("scale", [1.0, 1e-3, 1e-6, 1e-9])
@pytest.mark.parametrize("what", ["logp", "score"])
@pytest.mark.parametrize("lora", [None, Lora(r=2)], ids=["all", "adapters"])
def test_gradients_in_float16_are_those_of_float32_however_small(lora, what, scale, base):
    """A log-probability's gradient of 1e-9, of a penalty or of a mean over many tokens, is 0 in float16 by itself."""
    found = {}
    for dtype in ("float32", "float16"):
        body = LanguageModel(str(base["llama"]), lora, dtype=dtype, device="cpu")
        model = (Headed(body, Scalar()) if what == "score" else body).build(0)
        moved(model.module, 0.05)
        (model.measure(encoded(model.tokenizer), {what})[what].sum() * scale).backward()
        found[dtype] = torch.cat([p.grad.double().flatten() for p in model.module.parameters() if p.grad is not None])
    mine, exact = found["float16"], found["float32"]
    assert mine.dtype == torch.float64 and float(torch.nn.functional.cosine_similarity(mine, exact, dim=0)) > 0.9999
    assert float(mine.norm() / exact.norm()) == pytest.approx(1, rel=5e-3)


def test_two_passes_that_meet_in_one_loss_have_one_scale(base):
    """The sides of a pair: one far larger than the other."""
    found = {}
    for dtype in ("float32", "float16"):
        policy = LanguageModel(str(base["llama"]), dtype=dtype, device="cpu").build(0)
        rows = encoded(policy.tokenizer)
        one, other = (policy.measure(rows.select(torch.tensor([i])), {"logp"})["logp"].sum() for i in (0, 1))
        (1e-6 * one - 1e-3 * other).backward()
        found[dtype] = torch.cat([p.grad.double().flatten() for p in policy.module.parameters() if p.grad is not None])
    assert float((found["float16"] - found["float32"]).norm() / found["float32"].norm()) < 5e-3


def test_a_sum_that_is_too_large_for_float16_is_seen_and_the_next_is_smaller(base):
    policy = LanguageModel(str(base["llama"]), dtype="float16", device="cpu").build(0)
    rows = encoded(policy.tokenizer)
    policy.computing  # noqa: B018
    policy._copy.room = 2.0**16
    grads, steps = [], 0
    while not grads or not all(g.isfinite().all() for g in grads):
        policy.module.zero_grad()
        policy.measure(rows, {"logp"})["logp"].sum().backward()
        grads, steps = [p.grad for p in policy.module.parameters() if p.grad is not None], steps + 1
    assert 1 < steps < 5 and policy._copy.room < 2.0**16


# what cannot be


@pytest.mark.parametrize(
    ("lora", "sentence"),
    [
        ("{r: 0}", "model.lora: r: it is 0"),
        ("{r: -3}", "model.lora: r: it is -3"),
        ("{lora_alpha: 0}", "lora_alpha: it is 0"),
        ("{lora_dropout: 1.0}", "lora_dropout: it is 1.0"),
        ("{target_modules: []}", "target_modules: it names no layer"),
        ("{alpha: 16}", "model.lora.alpha: unknown key 'alpha'.*lora_alpha"),
        ("{dropout: 0.1}", "model.lora.dropout: unknown key 'dropout'.*lora_dropout"),
        ("{dora: true}", "model.lora.dora: unknown key 'dora'.*use_dora"),
        ("{rslora: true}", "model.lora.rslora: unknown key 'rslora'.*use_rslora"),
    ],
)
def test_settings_that_cannot_be_are_refused_where_they_are_read(lora, sentence):
    with pytest.raises(InputError, match=sentence):
        load(f"model: {{source: x, lora: {lora}}}")


def test_names_of_peft_are_ours():
    text = (
        "model: {source: x, lora: {r: 8, lora_alpha: 16, lora_dropout: 0.05, use_rslora: true, use_dora: true, target_modules: '.*q_proj', "
        "modules_to_save: [lm_head], exclude_modules: [k_proj], layers_to_transform: [0, 1]}}"
    )
    configuration = load(text)
    assert configuration.model.lora == Lora(8, 16.0, ".*q_proj", 0.05, True, True, ("lm_head",), ("k_proj",), (0, 1))
    assert load(dump(configuration)) == configuration


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ({"target_modules": ("nonsense",)}, "target_modules: no layer is called 'nonsense'; a LlamaForCausalLM has .*q_proj"),
        ({"target_modules": ("q_proj", "nonsense")}, "target_modules: no layer is called 'nonsense'"),
        ({"target_modules": ".*nonsense"}, "target_modules: no layer is called '.*nonsense'"),
        ({"target_modules": "(q_proj"}, "is no regular expression"),
        ({"modules_to_save": ("score",)}, "modules_to_save: no layer is called 'score'"),
        ({"exclude_modules": ("nonsense",)}, "exclude_modules: no layer is called 'nonsense'"),
        ({"layers_to_transform": (2,)}, "there is no layer 2; the model has 2"),
        ({"layers_to_transform": (0,), "target_modules": ".*q_proj"}, "target_modules is an expression"),
        ({"target_modules": ("embeddings",)}, "no layer is called 'embeddings'; a LlamaForCausalLM has .*embed_tokens, .*lm_head"),
        ({"target_modules": ("norm",)}, "model.lora"),
        ({"target_modules": ("lm_head",), "lora_dropout": 0.1}, "the output head has adapters"),
    ],
)
def test_layers_that_are_not_there_are_refused_before_anything_is_trained(option, sentence, base):
    with pytest.raises(InputError, match=sentence):
        LanguageModel(str(base["llama"]), Lora(r=2, **option), **CPU).build(0)
