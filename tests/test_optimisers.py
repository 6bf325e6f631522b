"""Optimisers and schedules besides the usual ones: chosen in a file, and gone on with bit for bit."""

import importlib.util
import sys
import types

import pytest
import torch

from guerdon.catalogue import catalogue
from guerdon.errors import InputError
from guerdon.interfaces.cli import main
from guerdon.interfaces.configuration import dump, load
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.models.language.small_language_model import SmallLanguageModel
from guerdon.training.display import Silent
from guerdon.training.jobs import FitJob
from guerdon.training.knobs import at
from guerdon.training.optimisers._building import edges_of
from guerdon.training.optimisers.adafactor import Adafactor
from guerdon.training.optimisers.adamw import AdamW
from guerdon.training.optimisers.adamw_8bit import PLACES, AdamW8bit
from guerdon.training.optimisers.muon import Muon
from guerdon.training.recipe import Budget, Recipe, Term
from process_cases import Rows
from test_cli import TINY

OPTIMISERS = [entry for entry in catalogue() if entry.room == "training.optimisers"]
HERE = [entry.name for entry in OPTIMISERS if entry.part is not AdamW8bit]


@pytest.mark.parametrize("name", HERE)
def test_a_run_that_goes_on_is_the_run_that_was_never_stopped(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.yaml").write_text(TINY)
    optimiser = f"recipe.optimiser={{part: {name}, learning_rate: {{part: stable_decay, start: 1e-2, warmup: 0.25, decay: 0.5}}}}"
    states = []
    for folder in ("whole", "parts"):
        asked = [
            "fit",
            "run.yaml",
            "recipe={base: sft}",
            optimiser,
            "steps=4",
            f"run={folder}",
            "task={part: demonstrations, of: {part: sort_letters, length: 3, alphabet: abcd}, rows: 20}",
        ]
        assert main([*asked, "--json"]) == 0
        if folder == "parts":
            import shutil

            shutil.rmtree("parts/checkpoints/step-00000004")
            assert main([*asked, "--json"]) == 0
        states.append(torch.load(f"{folder}/checkpoints/step-00000004/state.pt", weights_only=False)["learner"]["parameters"])
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    start = dict(SmallLanguageModel("abcd>", layers=1, hidden=16, heads=2, context_length=32).build(0).module.named_parameters())
    assert any(not torch.equal(states[0][key], start[key]) for key in start)


def test_a_file_names_an_optimiser_and_keeps_it():
    chosen = load("recipe: {base: grpo, optimiser: {part: muon, learning_rate: 1e-4, weight_decay: 0.1}}\ntask: sort_letters")
    assert chosen.recipe.optimiser == Muon(1e-4, weight_decay=0.1) and load(dump(chosen)) == chosen
    assert load("recipe: {base: grpo, optimiser: adafactor}\ntask: sort_letters", ["learning_rate=1e-3"]).recipe.optimiser == Adafactor(
        1e-3
    )
    with pytest.raises(InputError, match=r"recipe.optimiser.*muon"):
        load("recipe: {base: grpo, optimiser: {part: moun}}\ntask: sort_letters")


def test_muon_makes_the_steps_of_inner_matrices_orthogonal_and_leaves_the_rest_to_adamw():
    module = SmallLanguageModel("abcd>", layers=1, hidden=16, heads=2, context_length=32).build(0).module
    before = {name: p.detach().clone() for name, p in module.named_parameters()}
    running = Muon().build(module.parameters(), edges_of(module))
    for group in running.param_groups:
        group["lr"] = 0.01
    for i, p in enumerate(module.parameters()):
        p.grad = torch.randn(p.shape, generator=torch.Generator().manual_seed(i))
    running.step()
    for name, p in module.named_parameters():
        moved = (p - before[name]).detach()
        if "proj" in name:
            values = torch.linalg.svdvals(moved) / (0.01 * 0.2 * max(moved.shape) ** 0.5)
            assert values.min() > 0.4 and values.max() < 1.4, name  # made equal, as far as five iterations in bfloat16 go
        else:
            torch.testing.assert_close(moved.abs(), torch.full_like(moved, 0.01), rtol=1e-3, atol=1e-5)


def test_eight_bits_are_another_package_s_and_refused_without_it(monkeypatch):
    parameter = torch.nn.Parameter(torch.ones(2, 2))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match="pip install bitsandbytes or torchao"):
        AdamW8bit().build([parameter])
    for package, (module, name) in PLACES.items():
        fake = types.ModuleType(module)
        setattr(fake, name, lambda trained, **settings: torch.optim.AdamW(trained, **settings))
        monkeypatch.setitem(sys.modules, module, fake)
        monkeypatch.setattr("importlib.util.find_spec", lambda name, there=package: there if name == there else None)
        monkeypatch.setattr("importlib.import_module", lambda name: sys.modules[name])
        assert AdamW8bit(eps=1e-6).build([parameter]).param_groups[0]["eps"] == 1e-6


@pytest.mark.parametrize("package", PLACES)
def test_eight_bits_step_as_adamw_does_and_are_gone_on_with(package: str, tmp_path, monkeypatch):
    """With the real packages, where they are installed."""
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
    seen = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name, *more: None if name in {*PLACES} - {package} else seen(name, *more))
    wide = SmallLanguageModel("abcd>", layers=1, hidden=64, heads=2, context_length=32)

    def learned(optimiser, run: str = "", steps: int = 4, offload: tuple[str, ...] = ()) -> tuple[dict, list[float]]:
        model, budget = wide.build(0), Budget(steps=steps, batch_size=6, save_every=1, offload=offload)
        recipe = Recipe((Term(NegativeLogLikelihood()),), optimiser)
        history = FitJob(recipe, Rows("shown"), budget=budget)(model, {}, 0, tmp_path / run if run else None, Silent()).history
        return {k: v.clone() for k, v in model.module.state_dict().items()}, [row["losses/negative_log_likelihood"] for row in history[1:]]

    def same(one: dict, other: dict) -> bool:
        return all(torch.equal(value, other[name]) for name, value in one.items())

    plain, whole = learned(AdamW(1e-3)), learned(AdamW8bit(1e-3), "whole")
    far = max(float((plain[0][name] - value).abs().max()) for name, value in whole[0].items())
    assert 0 < far < 5e-3 and whole[1] == pytest.approx(plain[1], rel=1e-3)  # four steps of 1e-3 at most each
    saved = torch.load(tmp_path / "whole/checkpoints/step-00000004/state.pt", weights_only=False)["learner"]["optimiser"]["state"]
    assert sum(map(_bytes, saved.values())) < 0.5 * 8 * sum(value.numel() for value in plain[0].values())
    assert same(whole[0], learned(AdamW8bit(1e-3), offload=("optimiser",))[0])
    learned(AdamW8bit(1e-3), "parts", 2)
    assert same(whole[0], learned(AdamW8bit(1e-3), "parts")[0])


def _bytes(state: object) -> int:
    """What the tensors of an optimiser's state take, those that consist of others too."""
    if isinstance(state, dict):
        return sum(map(_bytes, state.values()))
    if not isinstance(state, torch.Tensor) or (
        state.numel() == 256 and state.dtype == torch.float32
    ):  # the table of a code, which all share
        return 0
    inner = state.__tensor_flatten__()[0] if hasattr(state, "__tensor_flatten__") else ()
    return sum(_bytes(getattr(state, name)) for name in inner) or state.numel() * state.element_size()


def test_schedules_meet_the_run_at_its_ends():
    from guerdon.training.schedules.constant import Constant
    from guerdon.training.schedules.restarts import Restarts
    from guerdon.training.schedules.stable_decay import StableDecay

    for schedule, last in (
        (Constant(2.0, warmup=0.1), 2.0),
        (StableDecay(2.0, end=0.5, warmup=0.1), 0.5),
        (Restarts(2.0, end=0.5, warmup=0.1), 0.5),
    ):
        assert at(schedule, 0.0, {}) == 0.0 and at(schedule, 0.1, {}) == 2.0 and at(schedule, 1.0, {}) == pytest.approx(last)
        values = [at(schedule, i / 1000, {}) for i in range(1001)]
        assert min(values[100:]) >= last - 1e-12 and max(values) <= 2.0
    with pytest.raises(InputError, match="cycles is 0 and must be at least 1"):
        Restarts(1.0, cycles=0)
    with pytest.raises(InputError, match="decay is"):
        StableDecay(1.0, warmup=0.9, decay=0.2)
