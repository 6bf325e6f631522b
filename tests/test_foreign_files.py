"""Whole configuration files of other trainers, as their users have them: one answer that writes them as a file of ours, with nothing translated falsely."""

import dataclasses
import math

import pytest
import yaml

from guerdon.acting.samplers.beside_greedy import BesideGreedy
from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.anchor_group import AnchorGroup
from guerdon.credit.advantages.batch_normalised import BatchNormalised
from guerdon.credit.advantages.each_reward import EachReward
from guerdon.credit.advantages.greedy_baseline import GreedyBaseline
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.advantages.leave_one_out import LeaveOneOut
from guerdon.credit.advantages.length_weighted import LengthWeighted
from guerdon.credit.advantages.max_at_k import MaxAtK
from guerdon.credit.advantages.optimal_token_baseline import OptimalTokenBaseline
from guerdon.credit.advantages.penalties_apart import PenaltiesApart
from guerdon.credit.scales.group_deviation import GroupDeviation
from guerdon.credit.scales.nonzero_share import NonzeroShare
from guerdon.data.selection.drawn import Drawn
from guerdon.data.selection.overlong import Overlong
from guerdon.errors import InputError
from guerdon.feedback.combining.only import Only
from guerdon.feedback.intrinsic.self_certainty import SelfCertainty
from guerdon.feedback.rewards.majority_vote import MajorityVote
from guerdon.feedback.rewards.math_equivalence import MathEquivalence
from guerdon.interfaces.configuration import from_tree, named_recipe, read
from guerdon.interfaces.configuration.trainers import Theirs, trainers, trl
from guerdon.losses.against import Against
from guerdon.losses.corrected import Corrected
from guerdon.losses.corrections.far_failures import FarFailures
from guerdon.losses.corrections.masked import Masked
from guerdon.losses.corrections.rejection import Rejection
from guerdon.losses.corrections.truncated import Truncated
from guerdon.losses.levels.geometric_mean import GeometricMean
from guerdon.losses.levels.product import Product
from guerdon.losses.penalties.jensen_shannon import JensenShannon
from guerdon.losses.surrogates.clip import Clip
from guerdon.losses.surrogates.reinforce import Reinforce
from guerdon.training.optimisers.adafactor import Adafactor
from guerdon.training.schedules.constant import Constant
from guerdon.training.schedules.cosine import Cosine
from guerdon.training.schedules.linear import Linear

VERL = """
algorithm: {adv_estimator: grpo, use_kl_in_reward: false, kl_ctrl: {type: fixed, kl_coef: 0.5}, norm_adv_by_std_in_grpo: true}
data:
  train_files: gsm8k/train.parquet
  val_files: gsm8k/test.parquet
  max_prompt_length: 100
  max_response_length: 200
  train_batch_size: 64
  filter_overlong_prompts: true
  truncation: error
actor_rollout_ref:
  hybrid_engine: true
  model: {path: Qwen/Qwen2-7B-Instruct, enable_gradient_checkpointing: true, lora_rank: 0, lora_alpha: 16, external_lib: null}
  actor:
    ppo_mini_batch_size: 16
    ppo_micro_batch_size_per_gpu: 8
    clip_ratio: 0.3
    clip_ratio_low: 0.2
    clip_ratio_high: 0.28
    loss_agg_mode: token-mean
    entropy_coeff: 0
    use_kl_loss: true
    kl_loss_coef: 0.001
    kl_loss_type: low_var_kl
    optim: {lr: 1e-6, lr_warmup_steps_ratio: 0.1, weight_decay: 0.01, total_training_steps: -1}
    fsdp_config: {param_offload: false}
  rollout: {name: vllm, temperature: 0.9, top_k: -1, top_p: 1, n: 5, response_length: "${data.max_response_length}", val_kwargs: {n: 1}}
critic: {optim: {lr: 1e-5}}
custom_reward_function: {path: my_reward.py, name: judge}
trainer: {total_epochs: 15, logger: [console, wandb], save_freq: -1, test_freq: 5, default_local_dir: checkpoints/here, n_gpus_per_node: 8}
"""
AXOLOTL = """
base_model: some/model
load_in_4bit: true
datasets: [{path: rows.jsonl, type: alpaca}]
val_set_size: 0.05
output_dir: outputs/out
adapter: qlora
sequence_len: 2048
lora_r: 32
lora_alpha: 16
lora_dropout: 0.05
lora_target_linear: true
gradient_accumulation_steps: 4
micro_batch_size: 2
num_epochs: 3
optimizer: adafactor
lr_scheduler: cosine
learning_rate: 0.0002
warmup_ratio: 0.1
bf16: auto
loss_watchdog_patience: 3
something_new: 1
wandb_project:
"""
LLAMA_FACTORY = """
model_name_or_path: some/model
stage: dpo
do_train: true
finetuning_type: lora
lora_rank: 8
lora_target: q_proj,v_proj
pref_beta: 0.3
pref_loss: sigmoid
dataset: pairs
template: llama3
cutoff_len: 2048
max_samples: 1000
output_dir: saves/here
per_device_train_batch_size: 1
gradient_accumulation_steps: 8
learning_rate: 5.0e-6
num_train_epochs: 3.0
lr_scheduler_type: cosine
warmup_ratio: 0.1
val_size: 0.1
"""
TRL = """
model_name_or_path: some/model
dtype: bfloat16
dataset_name: rows.jsonl
reward_funcs: [accuracy_reward]
learning_rate: 1.0e-6
max_completion_length: 64
num_generations: 8
per_device_train_batch_size: 8
gradient_accumulation_steps: 4
num_iterations: 2
beta: 0.0
epsilon_high: 0.28
warmup_steps: 0.1
max_steps: 500
save_steps: 80
top_k: 0
seed: 42
use_peft: true
lora_target_modules: all-linear
output_dir: out
"""
TORCHTUNE = """
output_dir: out
tokenizer: {_component_: torchtune.models.llama3.llama3_tokenizer, path: tokenizer.model}
model: {_component_: torchtune.models.llama3_2.lora_llama3_2_1b, lora_attn_modules: [q_proj, output_proj], lora_rank: 64, lora_alpha: 128}
checkpointer: {_component_: torchtune.training.FullModelHFCheckpointer, checkpoint_dir: some/model, output_dir: "${output_dir}"}
dataset: {_component_: torchtune.datasets.preference_dataset, source: pairs.jsonl}
batch_size: 4
gradient_accumulation_steps: 8
epochs: 3
optimizer: {_component_: torch.optim.AdamW, lr: 3e-4, weight_decay: 0.05}
lr_scheduler: {_component_: torchtune.training.lr_schedulers.get_cosine_schedule_with_warmup, num_warmup_steps: 100}
loss: {_component_: torchtune.rlhf.loss.DPOLoss, beta: 0.2}
clip_grad_norm: null
dtype: bf16
device: cpu
enable_activation_checkpointing: true
"""
FILES = {"verl": VERL, "axolotl": AXOLOTL, "LLaMA-Factory": LLAMA_FACTORY, "TRL": TRL, "torchtune": TORCHTUNE}


def answered(text, tmp_path, overrides=()):
    """What is answered to a file: the configuration that is offered, and the lines on what is not there."""
    file = tmp_path / "theirs.yaml"
    file.write_text(text)
    with pytest.raises(InputError) as error:
        read(file, overrides)
    first, rest = str(error.value).split("\n\n", 1)
    ours, why = rest.split("\n\nWhat of it is not there, and why:\n")
    return first, from_tree(yaml.safe_load(ours)), why


def test_every_trainer_has_a_file():
    assert {t.called for t in trainers()} == set(FILES)


@pytest.mark.parametrize("called", FILES)
def test_a_file_is_known_answered_at_once_and_what_is_offered_can_be_read(called, tmp_path):
    first, _, why = answered(FILES[called], tmp_path)
    assert f"is a configuration of {called}." in first
    assert "unexpected" not in why and all(": " in line for line in why.splitlines())
    assert [t.called for t in trainers() if t.known_by(Theirs(yaml.safe_load(FILES[called])))] == [called]


@pytest.mark.parametrize("called", FILES)
def test_no_name_is_lost(called, tmp_path):
    """Whatever is changed in the file changes what is offered, or is named beneath it, or is switched off there and not here."""
    tree = yaml.safe_load(FILES[called])
    before, lost = answered(yaml.safe_dump(tree), tmp_path), []
    for name in [n for n, v in Theirs(tree).given.items() if v is not None and n.rpartition(".")[2] not in LOST[called].split()]:
        fewer = yaml.safe_load(FILES[called])
        *path, last = name.split(".")
        here = fewer
        for word in path:
            here = here[word]
        del here[last]
        if any(t.known_by(Theirs(fewer)) for t in trainers()):
            lost += [name] if name not in before[2] and answered(yaml.safe_dump(fewer), tmp_path)[1:] == before[1:] else []
    assert not lost


# As they stand there they are that trainer's default, or not read.
LOST = {
    "verl": (
        "adv_estimator use_kl_in_reward type kl_coef norm_adv_by_std_in_grpo truncation external_lib "
        "lora_rank lora_alpha clip_ratio loss_agg_mode entropy_coeff kl_loss_coef kl_loss_type lr "
        "weight_decay total_training_steps param_offload top_k top_p response_length save_freq hybrid_engine "
    ),
    "axolotl": ("warmup_ratio lr_scheduler lora_alpha lora_target_linear bf16 "),
    "LLaMA-Factory": ("lora_rank pref_loss finetuning_type "),
    "TRL": ("learning_rate num_generations per_device_train_batch_size beta top_k "),
    "torchtune": ("_component_ output_dir clip_grad_norm "),
}


def test_verl(tmp_path):
    _, ours, why = answered(VERL, tmp_path)
    recipe, budget = ours.recipe, ours.budget
    assert recipe.terms[0].loss == Clip(0.2, 0.28, 3.0)
    assert recipe.terms[1].weight == 0.001 and recipe.reward_penalties == ()  # the other coefficient is of a penalty that is switched off
    assert (budget.batch_size, recipe.minibatches, recipe.epochs, recipe.sampler.num_generations) == (64, 4, 1, 5)
    assert recipe.optimiser.learning_rate == Constant(1e-6, warmup=0.1) and recipe.optimiser.weight_decay == 0.01
    assert ours.model.lora is None  # of rank 0 there are none
    assert (ours.decoding.top_k, ours.decoding.max_completion_length, ours.encoding.truncate) == (0, 200, "drop")
    assert ours.reward.functions == {"judge": "my_reward.py:judge"}
    assert (budget.save_every, budget.evaluate_every, budget.report_to) == (0, 5, ("wandb",))
    assert "15 * rows / 64" in why and "trainer.n_gpus_per_node" in why


def test_verl_with_the_settings_of_others(tmp_path):
    _, ours, _ = answered(
        VERL, tmp_path, ["algorithm.adv_estimator=gae", "actor_rollout_ref.actor.use_kl_loss=False", "+algorithm.use_kl_in_reward=True"]
    )
    assert len(ours.recipe.terms) == 1 and ours.recipe.reward_penalties[0].weight == 0.5
    assert ours.recipe.advantage.advantage.lam == 1.0 and ours.recipe.epochs == 1  # verl's defaults, which are not ours
    assert ours.recipe.learners["critic"].optimiser.learning_rate == 1e-5 and ours.recipe.learners["critic"].terms[0].loss.epsilon == 0.5
    _, ours, why = answered("actor_rollout_ref: {model: {path: a/b}}\nalgorithm: {adv_estimator: mine}\n", tmp_path)
    assert "'mine' is none of grpo" in why and ours.budget.batch_size == 1024 and ours.recipe.terms[0].loss.epsilon_high == 0.2


VERLS = {
    "opo": LengthWeighted(),
    "gpg": GroupCentred(NonzeroShare()),
    "rloo_vectorized": LeaveOneOut(),
    "grpo_vectorized": GroupCentred(GroupDeviation(1e-6)),
    "remax": PenaltiesApart(GreedyBaseline()),
    "optimal_token_baseline": OptimalTokenBaseline(),
    "tir_optimal_token_baseline": OptimalTokenBaseline(zero_tail=True),
    "reinforce_plus_plus_baseline": BatchNormalised(GroupCentred(None)),
    "gigpo": AnchorGroup(gamma=1.0, each_turn=True),
    "grpo_passk": MaxAtK(5, scale=GroupDeviation(1e-6)),
}


@pytest.mark.parametrize("name", VERLS)
def test_the_estimators_of_verl(name, tmp_path):
    _, ours, _ = answered(VERL, tmp_path, [f"algorithm.adv_estimator={name}"])
    recipe = ours.recipe
    assert recipe.advantage == VERLS[name] and recipe.terms[0].weight == (0.2 if name == "grpo_passk" else 1.0)
    assert recipe.sampler == (BesideGreedy(5) if name == "remax" else Group(5))
    assert recipe.learned == ((Drawn(),) if name == "remax" else ())


def test_rewards_that_a_policy_makes_itself_in_verls_forks(tmp_path):
    model = "actor_rollout_ref: {model: {path: a/b}, rollout: {n: 7}}\n"
    _, ours, _ = answered(model + "algorithm: {adv_estimator: intuitor}\n", tmp_path)
    assert ours.recipe.intrinsic == {"self_certainty": SelfCertainty()} and ours.recipe.combine == Only(("self_certainty",))
    assert ours.recipe.advantage == GroupCentred(GroupDeviation(1e-6)) and ours.recipe.sampler.num_generations == 7
    _, ours, why = answered(model + "ttrl: {enable: true, n_votes_per_prompt: 64, n_samples_per_prompt: 32}\n", tmp_path)
    assert ours.reward.functions == {"majority_vote": MajorityVote(), "math_equivalence": MathEquivalence()}
    assert ours.reward.watched == ("math_equivalence",) and "the group votes" in why


CLIP3 = Clip(0.2, 0.28, 3.0)
CORRECTED = {
    "{rollout_is: token}": Corrected(CLIP3, (Truncated(2.0),)),
    "{rollout_is: sequence, rollout_is_threshold: 5}": Corrected(CLIP3, (Truncated(5.0, level=Product()),)),
    "{rollout_is: token, rollout_is_threshold: 0.5_5.0}": Corrected(CLIP3, (Masked(0.5, 5.0),)),
    "{rollout_is: token, rollout_rs: 'token_k1, seq_mean_k1', rollout_rs_threshold: '0.5_4,1.25'}": Corrected(
        CLIP3, (Truncated(2.0), Rejection(0.25, 2.0), Rejection(0.8, 1.25, GeometricMean()))
    ),
    "{rollout_rs: seq_sum_k1, rollout_rs_threshold: 2, bypass_mode: true, rollout_is: token}": Corrected(
        CLIP3, (Rejection(0.5, 2.0, Product()),), view=""
    ),
    "{rollout_is: sequence, bypass_mode: true, loss_type: reinforce}": Corrected(Reinforce(), (Truncated(2.0, level=Product()),), view=""),
    "{rollout_is: null, rollout_is_threshold: 2.0}": CLIP3,
}


@pytest.mark.parametrize("settings", CORRECTED)
def test_verls_rollout_correction(settings, tmp_path):
    _, ours, why = answered(VERL.replace("algorithm: {", "algorithm: {rollout_correction: " + settings + ", "), tmp_path)
    assert ours.recipe.terms[0].loss == CORRECTED[settings]
    assert ("still counted by averages" in why) == ("rollout_rs" in settings)


def test_what_verl_corrects_with_and_we_do_not_is_said(tmp_path):
    rejected = "{rollout_is: token, rollout_is_batch_normalize: true, rollout_rs: seq_max_k2, rollout_rs_threshold: 2}"
    _, ours, why = answered(VERL.replace("algorithm: {", "algorithm: {rollout_correction: " + rejected + ", "), tmp_path)
    assert ours.recipe.terms[0].loss == Corrected(CLIP3, (Truncated(2.0),))
    assert "'seq_max_k2' is none of token_k1" in why and "not divided by their mean" in why


IMPORTANCE = "vllm_importance_sampling_"


@pytest.mark.parametrize(
    ("names", "loss"),
    [
        (f"use_vllm: true\n{IMPORTANCE}correction: true", Corrected(Clip(), (Masked(0.0, 3.0, Product()),))),
        (f"use_vllm: true\n{IMPORTANCE}mode: token_truncate\n{IMPORTANCE}cap: 2.0", Corrected(Clip(), (Truncated(2.0),))),
        (f"use_vllm: true\n{IMPORTANCE}mode: token_mask\n{IMPORTANCE}clip_min: 0.5", Corrected(Clip(), (Masked(0.5, 3.0),))),
        (
            f"use_vllm: true\n{IMPORTANCE}mode: sequence_truncate\n{IMPORTANCE}clip_max: null",
            Corrected(Clip(), (Truncated(math.inf, level=Product()),)),
        ),
        (f"use_vllm: true\n{IMPORTANCE}correction: false", Clip()),
        (f"{IMPORTANCE}mode: token_truncate", Clip()),  # not read without vLLM
        ("off_policy_mask_threshold: 0.3", Corrected(Clip(), (FarFailures(0.3),), view="")),
        (
            f"use_vllm: true\n{IMPORTANCE}mode: token_truncate\noff_policy_mask_threshold: 0.3",
            Corrected(Corrected(Clip(), (Truncated(3.0),)), (FarFailures(0.3),), view=""),
        ),
    ],
)
def test_trls_importance_sampling(names, loss, tmp_path):
    _, ours, _ = answered(
        f"model_name_or_path: a/b\ndataset_name: rows.jsonl\nnum_generations: 8\nnum_train_epochs: 1\n{names}\n", tmp_path
    )
    assert ours.recipe.terms[0].loss == loss


def test_axolotl(tmp_path):
    _, ours, why = answered(AXOLOTL, tmp_path)
    assert ours.recipe.terms == named_recipe("sft").terms
    assert ours.recipe.optimiser == Adafactor(Cosine(2e-4, warmup=0.1))
    assert (ours.budget.batch_size, ours.budget.gradient_accumulation_steps, ours.task.held_out) == (2, 4, 0.05)
    assert (ours.model.lora.r, ours.model.lora.lora_alpha, ours.model.lora.target_modules, ours.model.dtype) == (
        32,
        16,
        "all-linear",
        "auto",
    )
    assert (
        "something_new: no such name is known here" in why
        and "wandb_project" not in why
        and ours.model.load_in_4bit
        and "3 * rows / 8" in why
    )


@pytest.mark.parametrize(
    ("rl", "place"),
    [("dpo", "loss.score.beta"), ("kto", "loss.score.beta"), ("simpo", "loss.score.beta"), ("orpo", "weight"), ("ipo", "loss.score.beta")],
)
def test_axolotls_preferences(rl, place, tmp_path):
    _, ours, _ = answered(f"{AXOLOTL}rl: {rl}\nrl_beta: 0.7\n", tmp_path)
    value = ours.recipe.terms[-1]
    for word in place.split("."):
        value = getattr(value, word)
    assert value == 0.7
    assert rl != "orpo" or ours.recipe.terms[1].loss.score.beta == 1.0


def test_axolotls_grpo_counts_completions(tmp_path):
    more = "rl: grpo\ntrl: {num_generations: 4, max_completion_length: 32, beta: 0.01, reward_funcs: [rewards.right]}\n"
    _, ours, why = answered(AXOLOTL + more, tmp_path)
    assert (ours.budget.batch_size, ours.recipe.sampler.num_generations, ours.recipe.terms[1].weight) == (2, 4, 0.01)
    assert ours.model.lora.lora_dropout == 0 and "nothing is dropped" in why


def test_llama_factory(tmp_path):
    _, ours, why = answered(LLAMA_FACTORY, tmp_path)
    assert (ours.model.lora.r, ours.model.lora.lora_alpha) == (8, 16)  # twice the rank where it is not given
    assert ours.model.lora.target_modules == ("q_proj", "v_proj")
    assert ours.recipe.terms[0].loss.score.beta == 0.3 and ours.task.max_rows == 1000 and ours.task.held_out == 0.1
    assert ours.recipe.optimiser.learning_rate == Cosine(5e-6, warmup=0.1)
    assert "dataset_info.json" in why and "3 * rows / 8" in why
    _, ours, _ = answered(LLAMA_FACTORY.replace("sigmoid", "orpo"), tmp_path)
    assert (ours.recipe.terms[1].weight, ours.recipe.terms[1].loss.score.beta) == (0.3, 1.0)


def test_trl_counts_completions_and_gradient_steps(tmp_path):
    _, ours, why = answered(TRL, tmp_path)
    assert (ours.budget.batch_size, ours.budget.gradient_accumulation_steps) == (4, 1)  # 8 * 4 completions in groups of 8
    assert (ours.budget.steps, ours.budget.save_every, ours.recipe.epochs) == (250, 40, 2)  # a round is two gradient steps
    assert len(ours.recipe.terms) == 1 and ours.recipe.terms[0].loss == Clip(0.2, 0.28)  # beta 0: no KL
    assert ours.recipe.optimiser.learning_rate == Linear(1e-6, warmup=0.1)  # their default schedule, and a warm-up that is a share
    assert ours.model.lora.lora_dropout == 0 and "reward_funcs" in why
    _, ours, _ = answered(f"{TRL}steps_per_generation: 8\n", tmp_path)
    assert (ours.budget.batch_size, ours.recipe.minibatches, ours.budget.steps) == (8, 2, 125)
    assert "no whole number of groups of 8" in answered(TRL.replace("size: 8", "size: 1"), tmp_path)[2]


@pytest.mark.parametrize(
    ("names", "recipe"),
    [
        ("beta: 0.2", "dpo"),
        ("packing: true", "sft"),
        ("desirable_weight: 2.0", "kto"),
        ("center_rewards_coefficient: 0.01", "reward_model"),
    ],
)
def test_trls_trainer_is_seen_from_its_names(names, recipe, tmp_path):
    _, ours, why = answered(f"model_name_or_path: a/b\ndataset_name: rows.jsonl\nnum_train_epochs: 1\nlora_r: 4\n{names}\n", tmp_path)
    assert type(ours.recipe.terms[0].loss) is type(named_recipe(recipe).terms[0].loss)
    assert ours.recipe.optimiser.learning_rate == Linear(trl.RATES[recipe]) and ours.model.lora is None  # use_peft is not set
    assert "1 * rows / 8" in why


def test_trls_defaults_are_trls():
    pytest.importorskip("trl")
    from trl import DistillationConfig, DPOConfig, GRPOConfig, KTOConfig, RewardConfig, RLOOConfig, SFTConfig
    from trl.experimental.gkd import GKDConfig

    kinds = {"sft": SFTConfig, "dpo": DPOConfig, "kto": KTOConfig, "reward_model": RewardConfig, "grpo": GRPOConfig, "rloo": RLOOConfig}
    kinds |= {"gkd": GKDConfig, "distillation": DistillationConfig}
    of = {name: {f.name: f.default for f in dataclasses.fields(kind)} for name, kind in kinds.items()}
    assert {name: own["learning_rate"] for name, own in of.items()} == trl.RATES
    for own in of.values():
        assert (own["per_device_train_batch_size"], own["gradient_accumulation_steps"], own["num_train_epochs"]) == (8, 1, 3.0)
        assert (own["lr_scheduler_type"], own["warmup_steps"]) == ("linear", 0)
    for name in ("grpo", "rloo"):
        tree = {
            "model_name_or_path": "a/b",
            "temperature": 1.0,
            "num_iterations": 1,
            **({"normalize_advantages": False} if name == "rloo" else {}),
        }
        theirs = Theirs(tree)
        written = dict(trl.write(theirs))
        assert written["recipe.sampler.num_generations"] == of[name]["num_generations"]
        assert written["decoding.max_completion_length"] == of[name]["max_completion_length"]
    assert (of["grpo"]["beta"], of["grpo"]["loss_type"], of["grpo"]["scale_rewards"], of["rloo"]["beta"]) == (0.0, "dapo", "group", 0.05)
    assert of["dpo"]["beta"] == of["kto"]["beta"] == 0.1
    assert [of["gkd"][name] for name in ("beta", "lmbda", "temperature", "max_new_tokens")] == [0.5, 0.5, 0.9, 128]
    assert [of["distillation"][name] for name in ("beta", "temperature", "max_completion_length")] == [1.0, 1.0, 512]


def test_trls_teachers(tmp_path):
    plain = "model_name_or_path: a/b\nteacher_model_name_or_path: c/d\ndataset_name: rows.jsonl\nmax_steps: 5\n"
    _, ours, why = answered(f"{plain}lmbda: 0.25\nbeta: 0.1\nseq_kd: true\n", tmp_path)
    assert [term.weight for term in ours.recipe.terms] == [0.25, 0.75]
    assert {term.loss.loss.loss for term in ours.recipe.terms} == {JensenShannon(0.1)} and ours.views["teacher"].source == "c/d"
    assert ours.decoding.temperature == 0.9 and ours.decoding.max_completion_length == 128
    assert "guerdon sample TEACHER" in why and "TRL draws at it and compares at 1" in why
    (tmp_path / "own.yaml").write_text(f"{plain}beta: 0.5\n")
    ours = read(tmp_path / "own.yaml")
    assert ours.recipe.terms[0].loss == Against(JensenShannon(0.5), view="teacher") and ours.recipe.sampler.num_generations == 1


def test_torchtune(tmp_path):
    _, ours, why = answered(TORCHTUNE, tmp_path)
    assert ours.recipe.epochs == 1 and "3 * rows / 32" in why  # its epochs are passes over the rows
    assert (ours.model.source, ours.model.lora.target_modules, ours.model.dtype) == ("some/model", ("q_proj", "o_proj"), "bfloat16")
    assert (
        ours.recipe.terms[0].loss.score.beta == 0.2
        and ours.recipe.optimiser.max_grad_norm == 1e9
        and ours.recipe.optimiser.weight_decay == 0.05
    )
    assert "100 / budget.steps" in why
    _, ours, _ = answered(f"{TORCHTUNE}max_steps_per_epoch: 100\n", tmp_path)
    assert ours.budget.steps == 300 and ours.recipe.optimiser.learning_rate.warmup == pytest.approx(1 / 3)


def test_what_is_all_said_here_is_read(tmp_path):
    file = tmp_path / "theirs.yaml"
    text = "model_name_or_path: a/b\ndataset_name: rows.jsonl\nbeta: 0.2\nload_in_4bit: false\nrun_name:\nmax_steps: 7\nreport_to: none\n"
    file.write_text(text)
    ours = read(file, ["budget.seed=3", "learning_rate=1e-4"])
    assert (ours.budget.steps, ours.budget.seed, ours.recipe.optimiser.learning_rate) == (7, 3, Linear(1e-4))
    file.write_text(text.replace("beta: 0.2", "loss_type: hinge"))
    assert read(file).recipe.terms == named_recipe("slic").terms


def test_the_weighted_loss_of_trls_fine_tuning_is_a_recipe(tmp_path):
    text = "model_name_or_path: a/b\ndataset_name: rows.jsonl\nassistant_only_loss: true\n"
    for more, recipe in (("loss_type: dft", "dft"), ("loss_type: nll", "sft"), ("", "sft")):
        _, ours, _ = answered(f"{text}{more}\n", tmp_path)
        assert ours.recipe.terms == named_recipe(recipe).terms


def test_what_trl_learns_of_a_conversation_is_said(tmp_path):
    for more, said in (("packing: true", True), ("assistant_only_loss: false", True), ("assistant_only_loss: true", False)):
        *_, why = answered(f"model_name_or_path: a/b\ndataset_name: rows.jsonl\n{more}\n", tmp_path)
        assert ("every token of a conversation" in why) is said


def test_names_without_a_place_at_the_top_of_a_file_are_as_on_the_command_line():
    tree = {"model": "a/b", "task": "x/y.jsonl", "recipe": "grpo"}
    assert from_tree({**tree, "learning_rate": 1e-3, "seed": 5}) == from_tree(tree, ["learning_rate=1e-3", "seed=5"])
    for wrong in ({"recpie": "grpo"}, {"modle": {"source": "a/b"}}, {"nothing_of_ours": 1}):
        with pytest.raises(InputError, match="unknown section"):
            from_tree({**tree, **wrong})


def test_a_kl_coefficient_goes_to_the_penalty_that_it_is_of():
    tree = {"model": "a/b", "task": "x/y.jsonl"}
    assert from_tree({**tree, "recipe": "ppo"}, ["kl_coef=0.3"]).recipe.reward_penalties[0].weight == 0.3
    assert from_tree({**tree, "recipe": "grpo"}, ["actor.kl_loss_coef=0.3"]).recipe.terms[1].weight == 0.3
    for recipe, name in (("grpo", "kl_coef"), ("grpo", "init_kl_coef"), ("ppo", "kl_loss_coef"), ("dpo", "kl_coef")):
        with pytest.raises(InputError, match="of which this recipe has none"):
            from_tree({**tree, "recipe": recipe}, [f"{name}=0.3"])
        assert from_tree({**tree, "recipe": recipe}, [f"{name}=0"]) == from_tree({**tree, "recipe": recipe})


def test_a_device_of_groups_learns_completions():
    tree = {"model": "a/b", "task": "x/y.jsonl"}
    for name in ("per_device_train_batch_size", "micro_batch_size"):
        for recipe, more, rows in (("dpo", "1", (16, 1)), ("grpo", "1", (2, 1)), ("grpo", "2", (2, 2))):
            budget = from_tree({**tree, "recipe": recipe}, [f"{name}=16", f"gradient_accumulation_steps={more}"]).budget
            assert (budget.batch_size, budget.gradient_accumulation_steps) == rows
        budget = from_tree({**tree, "recipe": "grpo"}, [f"{name}=4", "gradient_accumulation_steps=6"]).budget
        assert (budget.batch_size, budget.gradient_accumulation_steps) == (3, 1)
        with pytest.raises(InputError, match="counts completions there"):
            from_tree({**tree, "recipe": "grpo"}, [f"{name}=4"])


def test_a_name_with_two_meanings_is_asked_for_by_its_place():
    tree = {"model": "a/b", "task": "x/y.jsonl", "recipe": "orpo"}
    with pytest.raises(InputError, match="the weight of ORPO's comparison"):
        from_tree(tree, ["beta=0.1"])
    assert from_tree(tree, ["recipe.terms.1.weight=0.2"]).recipe.terms[1].weight == 0.2


def test_a_warm_up_below_one_is_a_share():
    tree = {"model": "a/b", "task": "x/y.jsonl", "recipe": "sft"}
    assert from_tree(tree, ["warmup_steps=0.1"]) == from_tree(tree, ["warmup_ratio=0.1"])
    with pytest.raises(InputError, match="beside its start"):
        from_tree(tree, ["lr_scheduler_type=cosine_with_min_lr"])


def test_rewards_normalised_one_by_one_and_cut_off_answers_as_trl_has_them(tmp_path):
    text = """
model_name_or_path: a/b
num_generations: 4
per_device_train_batch_size: 8
multi_objective_aggregation: normalize_then_sum
reward_weights: [1.0, 0.5]
mask_truncated_completions: true
"""
    _, ours, why = answered(text, tmp_path)
    assert ours.recipe.advantage == EachReward() and ours.recipe.learned == (Overlong(),)
    assert "recipe.advantage.weights" in why
