"""What other trainers call a loss, an estimate of a KL or an average, in their files: the parts that it becomes are those held to their functions elsewhere
(test_trl_parity, test_parity_objectives, test_choices)."""

import math
import re

import pytest

from guerdon.catalogue import catalogue
from guerdon.errors import InputError
from guerdon.interfaces.configuration import _objectives, load, recipe_names
from guerdon.interfaces.configuration._sections import sections
from guerdon.interfaces.configuration._yaml import parse
from guerdon.losses.against import Against
from guerdon.losses.choices.covariance_band import CovarianceBand
from guerdon.losses.choices.top_covariance import TopCovariance
from guerdon.losses.choices.top_entropy import TopEntropy
from guerdon.losses.clamped import Clamped
from guerdon.losses.corrected import Corrected
from guerdon.losses.corrections.far_failures import FarFailures
from guerdon.losses.corrections.masked import Masked
from guerdon.losses.importance_weighted import ImportanceWeighted
from guerdon.losses.levels.geometric_mean import GeometricMean
from guerdon.losses.levels.product import Product
from guerdon.losses.penalties.entropy import Entropy
from guerdon.losses.penalties.kl_absolute import KLAbsolute
from guerdon.losses.penalties.kl_direct import KLDirect
from guerdon.losses.penalties.kl_exponential import KLExponential
from guerdon.losses.penalties.kl_square import KLSquare
from guerdon.losses.reduce.constant_length import ConstantLength
from guerdon.losses.reduce.prompt_mean import PromptMean
from guerdon.losses.reduce.sequence_mean import SequenceMean
from guerdon.losses.reduce.token_mean import TokenMean
from guerdon.losses.straight_through import StraightThrough
from guerdon.losses.surrogates.bounded_weight import BoundedWeight
from guerdon.losses.surrogates.clip import Clip
from guerdon.losses.surrogates.clipped_geometric_mean import ClippedGeometricMean
from guerdon.losses.surrogates.gamma_weight import GammaWeight
from guerdon.losses.surrogates.reinforce import Reinforce
from guerdon.losses.surrogates.sequence_ratio import SequenceRatio
from guerdon.losses.surrogates.soft_gate import SoftGate
from guerdon.losses.where import Where
from guerdon.training.controllers.entropy_floor import EntropyFloor
from guerdon.training.recipe import Term
from test_docs import ROOT, blocks
from test_foreign_files import answered

TRL = "model_name_or_path: some/model\ndataset_name: rows.jsonl\nreward_funcs: [accuracy_reward]\nmax_completion_length: 64\n"
WHOLE = "importance_sampling_level: sequence\n"
BELOW = TopEntropy(0.2)
OF_TRL = [
    ("", Clip(0.2), TokenMean()),
    ("loss_type: grpo\nepsilon_high: 0.28\ndelta: 1.5\n", Clip(0.2, 0.28, 1.5), SequenceMean()),
    ("loss_type: bnpo\n", Clip(0.2), TokenMean()),
    ("loss_type: dr_grpo\n", Clip(0.2), ConstantLength(64)),
    ("loss_type: grpo\n" + WHOLE, SequenceRatio(0.2, 0.2), SequenceMean()),
    ("loss_type: luspo\nepsilon: 2.0e-3\nepsilon_high: 2.5e-3\n" + WHOLE, SequenceRatio(2e-3, 2.5e-3), ConstantLength(1)),
    ("loss_type: cispo\nepsilon_high: 5.0\n", BoundedWeight(1.0, 4.0), TokenMean()),
    ("loss_type: sapo\nsapo_temperature_neg: 1.5\n", SoftGate(1.0, 1.5), SequenceMean()),
    ("loss_type: vespo\nvespo_k_pos: 1.0\nvespo_lambda_neg: 2.5\n", GammaWeight(1.0, 3.0, 3.0, 2.5), TokenMean()),
    ("top_entropy_quantile: 0.2\n", Where(BELOW, then=Clip(0.2)), TokenMean()),
    (
        "top_entropy_quantile: 0.2\nloss_type: sapo\noff_policy_mask_threshold: 0.5\n",
        Where(BELOW, then=Corrected(SoftGate(), (FarFailures(0.5),), view="")),
        SequenceMean(),
    ),
    (
        "use_vllm: true\nvllm_importance_sampling_mode: sequence_mask\n",
        Corrected(Clip(0.2), (Masked(0.0, 3.0, Product()),)),
        TokenMean(),
    ),
]


@pytest.mark.parametrize(("text", "loss", "reduce"), OF_TRL, ids=lambda x: x.replace("\n", " ") if isinstance(x, str) else "")
def test_loss_types_of_trl(text, loss, reduce, tmp_path):
    _, ours, why = answered(TRL + text, tmp_path)
    assert ours.recipe.terms == (Term(loss, reduce=reduce),)
    assert "loss_type" not in why and "importance_sampling_level" not in why


def terms(text, tmp_path):
    return answered(text, tmp_path)[1].recipe.terms


def test_the_kl_of_trl(tmp_path):
    k3 = KLExponential()
    assert terms(TRL + "beta: 0.5\n", tmp_path)[1] == Term(ImportanceWeighted(k3), 0.5, TokenMean())
    assert terms(TRL + "beta: 0.5\nuse_bias_correction_kl: false\nloss_type: grpo\n", tmp_path)[1] == Term(k3, 0.5, SequenceMean())
    assert terms(TRL + "beta: 0.5\nloss_type: grpo\n" + WHOLE, tmp_path)[1].loss == ImportanceWeighted(k3, level=GeometricMean())


def test_the_entropy_of_trl(tmp_path):
    assert terms(TRL + "entropy_coef: 0.01\nloss_type: grpo\n", tmp_path)[1] == Term(Entropy(), 0.01, TokenMean())
    floor = EntropyFloor(0.01, target=0.5, step=0.005, low=0.0, high=1.0)
    found = terms(TRL + "entropy_coef: 0.01\nuse_adaptive_entropy: true\nentropy_target: 0.5\ntop_entropy_quantile: 0.2\n", tmp_path)[1]
    assert found == Term(Where(BELOW, then=Entropy(), alone=True), floor, TokenMean())


VERL = "algorithm: {adv_estimator: grpo}\nactor_rollout_ref:\n  model: {path: a/b}\n  actor:\n    clip_ratio_low: 0.1\n    clip_ratio_high: 0.3\n"
KEPT = Clip(0.1, 0.3)
OF_VERL = [
    ("vanilla", Clip(0.1, 0.3, 3.0), TokenMean()),
    ("gspo", SequenceRatio(0.1, 0.3), SequenceMean()),
    ("sapo", SoftGate(), SequenceMean()),
    ("gpg", Reinforce(), TokenMean()),
    ("geo_mean", ClippedGeometricMean(0.1, 0.3), SequenceMean()),
    ("cispo", BoundedWeight(0.1, 0.3), TokenMean()),
    ("clip_cov", Where(CovarianceBand(0.01, 1.0, 5.0), otherwise=KEPT, view="old"), TokenMean()),
    ("kl_cov", Clip(1.0, math.inf), TokenMean()),
]


@pytest.mark.parametrize(("mode", "loss", "reduce"), OF_VERL, ids=[row[0] for row in OF_VERL])
def test_loss_modes_of_verl(mode, loss, reduce, tmp_path):
    text = VERL + f"    policy_loss: {{loss_mode: {mode}, clip_cov_ratio: 0.01, kl_cov_ratio: 0.02, ppo_kl_coef: 0.5}}\n"
    found = terms(text, tmp_path)
    assert found[0] == Term(loss, reduce=reduce)
    held = Term(Where(TopCovariance(0.02), then=Against(KLAbsolute()), view="old"), 0.5)
    assert found[1:] == ((held,) if mode == "kl_cov" else ())


ESTIMATES = {
    "kl": KLDirect(),
    "k1+": StraightThrough(KLDirect(), KLSquare()),
    "abs": KLAbsolute(),
    "mse": KLSquare(),
    "low_var_kl": Clamped(KLExponential()),
    "k3": Clamped(KLExponential()),
    "k3+": StraightThrough(Clamped(KLExponential()), KLSquare()),
}


@pytest.mark.parametrize("name", ESTIMATES)
def test_estimates_of_verl(name, tmp_path):
    found = terms(VERL + f"    use_kl_loss: true\n    kl_loss_coef: 0.5\n    kl_loss_type: {name}\n", tmp_path)
    assert found[1] == Term(ESTIMATES[name], 0.5, TokenMean())
    text = VERL.replace("adv_estimator: grpo", f"adv_estimator: grpo, use_kl_in_reward: true, kl_penalty: {name}")
    assert answered(text, tmp_path)[1].recipe.reward_penalties[0].loss == ESTIMATES[name]


AVERAGES = {
    "token-mean": TokenMean(),
    "seq-mean-token-sum": ConstantLength(1),
    "seq-mean-token-mean": SequenceMean(),
    "seq-mean-token-sum-norm": ConstantLength(7),
}


@pytest.mark.parametrize("name", AVERAGES)
def test_averages_of_verl(name, tmp_path):
    assert terms(VERL + f"    loss_agg_mode: {name}\n    loss_scale_factor: 7\n", tmp_path)[0].reduce == AVERAGES[name]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (TRL + "loss_type: nonsense\n", "'nonsense' is none of grpo, sapo, luspo"),
        (TRL + "loss_type: luspo\n", "no method that is known"),
        (TRL + "loss_type: grpo\ndelta: 3.0\n" + WHOLE, "no second bound"),
        (VERL + "    policy_loss: {loss_mode: nonsense}\n", "'nonsense' is none of vanilla, gspo"),
        (VERL + "    kl_loss_type: full\n", "'full' is none of low_var_kl"),
        (VERL + "    loss_agg_mode: nonsense\n", "'nonsense' is none of token-mean"),
    ],
)
def test_what_is_none_of_them_is_said(text, says, tmp_path):
    assert says in answered(text, tmp_path)[2]


# --- one setting


def set_(*overrides, recipe="grpo"):
    text = f"model: {{part: small_language_model}}\ntask: {{part: sort_letters, length: 3}}\nrecipe: {recipe}\ndecoding: {{max_completion_length: 9}}\n"
    return load(text, overrides).recipe


@pytest.mark.parametrize(
    ("name", "value", "reduce"),
    [
        ("loss_agg_mode", "seq-mean-token-sum", ConstantLength(1)),
        ("actor_rollout_ref.actor.loss_agg_mode", "token-mean", TokenMean()),
        ("loss_reduction", "prompt_mean", PromptMean()),
        ("loss_reduction", "seq_mean_token_sum_norm", ConstantLength(9)),
    ],
)
def test_an_average_is_that_of_every_term(name, value, reduce):
    assert [term.reduce for term in set_(f"{name}={value}").terms] == [reduce, reduce]


@pytest.mark.parametrize("name", ["kl_loss_type", "kl_penalty", "kl_estimator", "kl_estimator_type", "reference_policy_kl_type"])
def test_an_estimate_is_that_of_the_recipes_kl(name):
    assert set_(f"{name}=k2").terms[1].loss == KLSquare() and set_(f"{name}=k2").terms[0] == set_().terms[0]
    assert set_(f"{name}=k3+", recipe="rloo").reward_penalties[0].loss == ESTIMATES["k3+"]


def test_a_second_bound():
    for name in ("delta", "clip_ratio_c", "dual_clip", "eps_clip_c", "ratio_clip_c"):
        assert set_(f"{name}=3.5").terms[0].loss == Clip(0.2, dual=3.5)


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("loss_type=sapo", "recipe=sapo"),
        ("policy_loss.loss_mode=geo_mean", "recipe=gmpo"),
        ("policy_loss_type=dual_clip", "recipe=ppo"),
        ("loss_type=ipo", "a loss is a recipe"),
        ("loss_agg_mode=nonsense", "'nonsense' is none of token_mean"),
        ("kl_loss_type=full", "'full' is none of low_var_kl"),
        ("use_adaptive_entropy=true", "entropy_floor"),
        ("top_entropy_quantile=0.2", "recipe=forking_tokens"),
        ("use_bias_correction_kl=true", "importance_weighted"),
        ("vespo_k_pos=1", "recipe=vespo"),
        ("sapo_temperature_pos=1", "recipe=sapo"),
        ("positive_example_nll_weight=0.1", "reward_above"),
    ],
)
def test_what_is_more_than_a_setting_is_answered(override, says):
    with pytest.raises(InputError, match=re.escape(says)):
        set_(override)


def test_an_estimate_needs_a_kl():
    with pytest.raises(InputError, match="the recipe has no KL"):
        set_("kl_loss_type=k2", recipe="dapo")


def test_every_recipe_that_is_answered_exists():
    assert set(_objectives._RECIPES.values()) <= set(recipe_names())


def test_what_the_page_shows_is_there():
    (example,) = [b for b in blocks("docs/objectives.md") if b.language == "yaml"]
    first, kl, bonus = sections(parse(example.text, "objectives.md")).recipe.terms
    assert first == Term(Where(BELOW, then=Clip(0.2, 0.28)), reduce=PromptMean())
    assert kl.loss == ImportanceWeighted(KLExponential()) and bonus == Term(Entropy(), EntropyFloor(target=0.3))
    page = (ROOT / "docs" / "objectives.md").read_text()
    ours = {entry.path.rpartition(".")[2] for entry in catalogue()} | set(recipe_names())
    named = {name for row in page.splitlines() if row.startswith("| ") for name in re.findall(r"`\[?([a-z_]+)`", row.rsplit("|", 2)[0])}
    fields = {"epsilon_high", "dual", "reduce", "loss"}
    assert named - fields <= ours, named - fields - ours
    for room in ("losses.surrogates", "losses.reduce"):
        assert {entry.path.rpartition(".")[2] for entry in catalogue() if entry.room == room} <= set(re.findall(r"[a-z_]+", page)), room
