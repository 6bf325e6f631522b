"""Activation checkpointing: the same values and gradients to the last bit, from fewer kept numbers, on every path that a model can take."""

from dataclasses import replace

import pytest
import torch

from guerdon.errors import InputError
from guerdon.models.heads.categories import Categories
from guerdon.models.heads.scalar import Scalar
from guerdon.models.heads.value import Value
from guerdon.models.language.headed import HeadedModel
from guerdon.models.language.lora import Lora
from guerdon.models.language.policy import LanguagePolicy
from guerdon.models.language.with_head import PolicyWithHead
from guerdon.sequences import Decoding
from guerdon.training.jobs import FitJob, ImproveJob
from guerdon.training.recipe import Budget
from test_fast_paths import CPU, SOME, module
from test_loops import GRPO, PPO, SFT, SMALL, TASK, Demonstrations, identical, parameters, quiet

FAMILIES = ["llama", "qwen2, tied", "qwen3", "mistral", "gpt2", "gpt_neox", "gemma2", "mamba"]
ADAPTERS = {"whole": None, "adapters": Lora(r=2), "dropout": Lora(r=2, lora_dropout=0.5), "dora": Lora(r=2, use_dora=True)}
ARMS = ["packed", "padded"]


def policy(family: str, adapters: Lora | None = None, dtype: torch.dtype | None = None) -> LanguagePolicy:
    made = module(family)
    if adapters is not None:
        made = (replace(adapters, target_modules=("in_proj", "x_proj")) if family == "mamba" else adapters).wrap(made, seed=0)
        g = torch.Generator().manual_seed(3)
        with torch.no_grad():
            for parameter in made.parameters():
                if parameter.requires_grad:
                    parameter.add_(0.1 * torch.randn(parameter.shape, generator=g))
    return LanguagePolicy(made, None, CPU, dtype)


def kept_and_gradients(model, names: set[str]) -> tuple[int, dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """Bytes that are kept for the backward pass besides parameters, what is measured, and the gradient of a random sum of it."""
    model.module.zero_grad()
    own = {p.untyped_storage().data_ptr() for p in model.module.parameters()}
    kept: dict[int, int] = {}
    alive = []

    def pack(x: torch.Tensor) -> torch.Tensor:
        storage = x.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
            alive.append(x)  # so that no address is used twice
        return x

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda x: x):
        found = model.measure(SOME, names)
        g = torch.Generator().manual_seed(1)
        total = sum((v * torch.randn(v.shape, generator=g)).sum() for _, v in sorted(found.items()) if v.requires_grad)
    total.backward()
    gradients = {n: p.grad.clone() for n, p in model.module.named_parameters() if p.grad is not None}
    return sum(kept.values()), {n: v.detach() for n, v in found.items()}, gradients


def same_from_less(model, names: set[str], share: float) -> None:
    """With checkpoints at most ``share`` of the bytes is kept, and nothing else is another than without."""
    kept, values, gradients = kept_and_gradients(model, names)
    model.checkpoints = True
    fewer, again, theirs = kept_and_gradients(model, names)
    assert gradients and gradients.keys() == theirs.keys()
    assert all(torch.equal(values[n], again[n]) for n in values)
    assert all(torch.equal(gradients[n], theirs[n]) for n in gradients), [n for n in gradients if not torch.equal(gradients[n], theirs[n])]
    assert fewer < share * kept, (fewer, kept)
    model.checkpoints = False
    assert kept_and_gradients(model, names)[0] == kept


@pytest.mark.parametrize("arm", ARMS)
@pytest.mark.parametrize(
    ("family", "adapters"),
    [
        *((family, adapters) for family in FAMILIES for adapters in ("whole", "dropout")),
        *(("llama", name) for name in ("adapters", "dora")),
        ("gpt2", "adapters"),
    ],
)
def test_gradients_are_equal_and_less_is_kept(family, adapters, arm):
    made = policy(family, ADAPTERS[adapters])
    if arm == "padded":
        made.unpacked_because = "to be compared"
    same_from_less(made, {"logp", "entropy"}, 0.6)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("adapters", ["whole", "adapters", "dropout"])
@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_short_formats_with_masters(family, adapters, dtype):
    same_from_less(policy(family, ADAPTERS[adapters], dtype), {"logp"}, 0.6)


@pytest.mark.parametrize("arm", ARMS)
@pytest.mark.parametrize("adapters", ["whole", "adapters", "dropout"])
@pytest.mark.parametrize("head", [Scalar(), Value()], ids=["scorer", "value"])
def test_scorers_and_critics(head, adapters, arm):
    made = policy("llama", ADAPTERS[adapters])
    if arm == "padded":
        made.unpacked_because = "to be compared"
    same_from_less(HeadedModel(made, head, 0), {"score", "value"}, 0.6)


def test_a_policy_with_a_head_beside_its_own():
    same_from_less(PolicyWithHead(policy("llama"), Categories(3), 0), {"logp", "category_logits"}, 0.6)


def test_the_deeper_a_model_the_smaller_the_share():
    """What is kept of sixteen layers is their inputs and little more; the layers of this model are narrow."""
    made = LanguagePolicy(module("llama", num_hidden_layers=16), None, CPU)
    same_from_less(made, {"logp"}, 0.15)


# whole runs

BUDGET = Budget(steps=2, batch_size=4, evaluation_rows=2)
AGAIN = replace(BUDGET, activation_checkpointing=True)


@pytest.fixture
def again(monkeypatch) -> list[int]:
    """The layers that were gone through to be computed again."""
    from guerdon.models.language import checkpointing

    seen: list[int] = []
    real = checkpointing.checkpoint
    monkeypatch.setattr(checkpointing, "checkpoint", lambda *args, **more: seen.append(1) or real(*args, **more))
    return seen


def fitted(budget: Budget):
    return FitJob(SFT, Demonstrations(), budget)(SMALL.build(0), {}, 0, None, quiet())


def improved(recipe, budget: Budget):
    return ImproveJob(recipe, TASK, decoding=Decoding(6), budget=budget)(SMALL.build(0), {}, 0, None, quiet())


@pytest.mark.parametrize("run", [fitted, lambda b: improved(GRPO, b), lambda b: improved(PPO, b)], ids=["sft", "grpo", "ppo"])
def test_a_run_with_checkpoints_is_the_run_without(run, again):
    plain = run(BUDGET)
    assert not again, "off, it is not there"
    found = run(AGAIN)
    assert again and identical(parameters(plain.model), parameters(found.model))


def test_a_critic_has_checkpoints_where_the_policy_has(again):
    improved(GRPO, AGAIN)
    policy_only = len(again)
    improved(replace(PPO, epochs=GRPO.epochs, minibatches=GRPO.minibatches), AGAIN)
    assert len(again) - policy_only > policy_only


def test_what_runs_over_a_policy_has_the_policys_settings():
    from guerdon.models.heads.scalar import Scalar
    from guerdon.models.language.headed import Headed

    over = Headed(SMALL, Scalar()).build(0)
    assert not over.checkpoints and over.context_length == over.policy.context_length == SMALL.context_length
    over.checkpoints = True
    assert over.checkpoints and over.policy.checkpoints


def test_only_gradients_are_computed_with_checkpoints(again):
    made = policy("llama")
    made.checkpoints = True
    with torch.no_grad():
        made.measure(SOME, {"logp"})
    made.begin([torch.arange(4)], torch.zeros(2, dtype=torch.long), 3)
    assert not again and made.measure(SOME, {"logp"})["logp"].requires_grad and len(again) == 2


def test_a_run_may_go_on_with_checkpoints(tmp_path):
    FitJob(SFT, Demonstrations(), replace(BUDGET, steps=1))(SMALL.build(0), {}, 0, tmp_path / "run", quiet())
    found = FitJob(SFT, Demonstrations(), AGAIN)(SMALL.build(0), {}, 0, tmp_path / "run", quiet())
    assert identical(parameters(fitted(BUDGET).model), parameters(found.model))


def test_a_window_that_is_shorter_than_some_sequences():
    """The packed way is left for these sequences, with checkpoints as without."""
    made = LanguagePolicy(module("mistral", sliding_window=8), None, CPU)
    same_from_less(made, {"logp"}, 0.6)


def test_a_model_that_has_no_such_layers_is_refused_before_the_first_step():
    from guerdon.models.finite.tabular import Tabular
    from guerdon.training.learner import Learner

    with pytest.raises(
        InputError, match=r"budget.activation_checkpointing: it is for layers of a language model, and the policy learns a TablePolicy"
    ):
        Learner("policy", Tabular(2, 2).build(), SFT.terms, SFT.optimiser, 100, checkpointing=True)
    made = policy("llama")
    made.module.model.layers = torch.nn.ModuleList()
    with pytest.raises(InputError, match="says of none of its layers that they may be computed again; set it to false"):
        Learner("policy", made, SFT.terms, SFT.optimiser, 100, checkpointing=True)
