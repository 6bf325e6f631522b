"""Foreign names: what other trainers call a setting, and what it is here.

Three tables: a name that means one of ours, a name whose value has to be made into something of ours, and a name that has no counterpart, with the sentence that says
what to do. A name may be written with its path (``actor_rollout_ref.rollout.n``); the longest end of it that is known counts.

Sources: the documentation of transformers' ``TrainingArguments``, TRL's configurations, verl, OpenRLHF, NeMo-RL and slime.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from guerdon.errors import InputError
from guerdon.interfaces.configuration import _objectives

# Theirs → ours: a common name, or a place.
SAME: Mapping[str, str] = {
    # transformers, TRL
    "max_steps": "steps",
    "save_steps": "save_every",
    "eval_steps": "evaluate_every",
    "save_total_limit": "keep_checkpoints",
    "metric_for_best_model": "budget.keep_best",
    "load_best_model_at_end": "budget.load_best",
    "early_stopping_patience": "budget.patience",
    "output_dir": "run",
    "lr": "learning_rate",
    "adam_epsilon": "recipe.optimiser.eps",
    "adam_beta1": "recipe.optimiser.betas.0",
    "adam_beta2": "recipe.optimiser.betas.1",
    "full_determinism": "budget.deterministic",
    "gradient_checkpointing": "activation_checkpointing",
    "activation_checkpointing": "activation_checkpointing",
    "enable_gradient_checkpointing": "activation_checkpointing",
    "enable_activation_checkpointing": "activation_checkpointing",
    "num_iterations": "epochs",
    "max_new_tokens": "max_completion_length",
    "chat_template_path": "model.chat_template",
    # peft
    "lora_r": "model.lora.r",
    "lora_rank": "model.lora.r",
    "lora_alpha": "model.lora.lora_alpha",
    "lora_target_modules": "model.lora.target_modules",
    "lora_modules_to_save": "model.lora.modules_to_save",
    # where models and rows lie
    "model_name_or_path": "model.source",
    "base_model": "model.source",
    "actor_rollout_ref.model.path": "model.source",
    "torch_dtype": "model.dtype",
    "dataset_name": "task.path",
    "train_files": "task.path",
    "val_files": "task.test_path",
    "dataset_config": "task.name",
    "dataset_train_split": "task.split",
    "dataset_test_split": "task.test_split",
    "val_set_size": "task.held_out",
    # verl
    "rollout.n": "num_generations",
    "rollout.temperature": "temperature",
    "rollout.top_p": "decoding.top_p",
    "rollout.top_k": "decoding.top_k",
    "clip_ratio": "epsilon",
    "clip_ratio_low": "epsilon",
    "clip_ratio_high": "epsilon_high",
    "ppo_epochs": "epochs",
    "data.train_batch_size": "batch_size",
    "data.max_prompt_length": "encoding.max_prompt_length",
    "max_response_length": "max_completion_length",
    "actor.optim.lr": "learning_rate",
    "total_training_steps": "steps",
    "save_freq": "save_every",
    "test_freq": "evaluate_every",
    "grad_clip": "max_grad_norm",
    "default_local_dir": "run",
    "optim.weight_decay": "weight_decay",
    "actor_rollout_ref.model.target_modules": "model.lora.target_modules",
    "max_actor_ckpt_to_keep": "keep_checkpoints",
    # teachers: TRL, verl, slime
    "teacher": "views.teacher",
    "teacher_model": "views.teacher",
    "teacher_model_name_or_path": "views.teacher",
    "teacher_model.model_path": "views.teacher",
    "opd_teacher_load": "views.teacher",
    "distillation_alpha": "beta",
    # axolotl
    "peft_use_dora": "model.lora.use_dora",
    "peft_use_rslora": "model.lora.use_rslora",
    "peft_layers_to_transform": "model.lora.layers_to_transform",
    "chat_template_jinja": "model.chat_template",
    # TRL's PPO
    "cliprange": "epsilon",
    "num_ppo_epochs": "epochs",
    "num_mini_batches": "minibatches",
    "response_length": "max_completion_length",
    # OpenRLHF, NeMo-RL, slime, prime-rl
    "n_samples_per_prompt": "num_generations",
    "num_generations_per_prompt": "num_generations",
    "group_size": "num_generations",
    "eps_clip": "epsilon",
    "eps_clip_high": "epsilon_high",
    **dict.fromkeys(("delta", "clip_ratio_c", "dual_clip", "eps_clip_c", "ratio_clip_c"), "dual"),
    "ratio_clip_min": "epsilon",
    "ratio_clip_max": "epsilon_high",
    "reference_policy_kl_penalty": "beta",
    "generate_max_len": "max_completion_length",
    "rollout_max_response_len": "max_completion_length",
    "prompt_max_len": "encoding.max_prompt_length",
    "rollout_batch_size": "batch_size",
    "actor_learning_rate": "learning_rate",
    "adam_betas": "recipe.optimiser.betas",
    "max_norm": "max_grad_norm",
    "l2": "weight_decay",
    "save_interval": "save_every",
    "eval_interval": "evaluate_every",
}

_ALL_LAYERS = (
    "which layers are computed again cannot be chosen, all are or none: budget.activation_checkpointing=true; a smaller budget.tokens_per_micro_batch takes less "
    "memory too"
)
_OFFLOADED = (
    "activations are not moved elsewhere and back; budget.activation_checkpointing=true keeps only the inputs of layers, and a smaller "
    "budget.tokens_per_micro_batch takes less memory too"
)

_COMPUTES = "how layers are computed is found out by measuring and changes no result; leave it out"
_PACKED = (
    "frozen weights beneath adapters may be of four bits, NF4 with double quantisation: model.load_in_4bit=true; those of eight are not computed with, and model.dtype: bfloat16 "
    "needs two bytes a weight; leave it out"
)
_SPLIT = "what is trained is split over the processes wherever there are several (budget.processes, or torchrun); leave it out"
_HOW_MANY = "on how many processes of a machine a run is, is budget.processes; over several machines torchrun starts them; see the page on several processes"
_CORRECTED = (
    "what is off-policy is corrected for by the loss: recipe=tis, icepop, decoupled_ppo or dppo, or {part: corrected, loss: clip, corrections: [...]} in the place of a "
    "recipe's loss; see 'When rollouts are old' among the training options"
)
_CORRECTIONS = (
    # TRL
    *(f"vllm_importance_sampling_{name}" for name in ("correction", "mode", "cap", "clip_max", "clip_min")),
    "off_policy_mask_threshold",
    # verl
    *(f"rollout_{name}" for name in ("correction", "is", "is_threshold", "is_batch_normalize", "rs", "rs_threshold")),
    "bypass_mode",
    "tis_imp_ratio_cap",
    # AReaL, slime, OpenRLHF, prime-rl
    *("use_decoupled_loss", "behav_imp_weight_cap", "behav_imp_weight_mode", "prox_logp_method"),
    *("use_tis", "tis_clip", "tis_clip_low"),
    *("enable_vllm_is_correction", "vllm_is_truncated_threshold"),
    *("dppo_mask_low", "dppo_mask_high", "ipo_threshold"),
)
_SERVER = "who draws is part of the sampler: recipe.sampler.engine={part: vllm, ...} in this process, {part: server, url: ...} elsewhere; see the page on servers"
_WHOLE = "each process computes with the whole model; leave it out"
_RESTS = "what the optimiser keeps, and weights of the reference, lie in the host's memory with budget.offload=[optimiser, reference]; those that are trained stay; leave it out"
_ROWS = "rows are encoded as they are needed; leave it out"
_EPOCHS = "a run is as long as its steps: budget.steps, which for so many epochs are epochs * rows / batch_size"
_PLACED = "the tokens of a row are its own: guerdon check shows them; leave it out"
_PREFERENCE = "a preference objective is a recipe with its own constants: recipe=NAME, and guerdon show NAME says what can be set; see the page on preference objectives"
_CRITIC = "a critic is a learner of the recipe: recipe=ppo, and recipe.learners.critic has its terms and its optimiser"
_TRACKED = "trackers are named by budget.report_to, and a run is called after its folder; what else they need they read from their own environment variables"
_REWARD = "rewards are a section: reward: {name: file.py:function}; a trained one is {part: scorer, source: ...} among them"
_ALWAYS = "it is always so; leave it out"
_TEACHER = "a teacher is a model as any other: views.teacher={source: FOLDER, dtype: ..., device: ...}"
_TOLD = "who teaches, and what it is told, is views.teacher={part: in_context, template: '{prompt} ... {column}', policy: start}; see the page on distillation"
_FOLLOWS = (
    "policy: start and policy: now say who teaches, and an average in between is an update: recipe.updates=[{part: moving_average, into: teacher, decay: 0.95}], "
    "with which every parameter is trained, without adapters"
)
_SUPPORT = (
    "whole distributions are compared, which costs no more here (recipe=distillation); the step taken alone is recipe=on_policy_distillation; the most likely steps are the losses "
    "top_jensen_shannon (the policy's) and top_forward_kl (the teacher's), with or without a tail; see the page on distillation"
)
_OTHER_TOKENS = (
    "a teacher that splits text otherwise is views.teacher={part: other_tokenizer, teacher: FOLDER}, whose sorted probabilities are compared with the "
    "policy's where both begin a token: the loss {part: against, view: teacher, loss: sorted_gap}; see the page on distillation"
)
_FEEDBACK = (
    "an answer of the same group that succeeded, and what a function says of an answer, are told by views.teacher={part: own_success, template: ..., success: ..., feedback: ..., "
    "threshold: ..., itself: ..., by: file.py:function}, with recipe=own_success_distillation; what stands in the rows by {part: in_context, template: ...}; "
    "see the page on distillation"
)

# Theirs → a sentence.
ANSWERS: Mapping[str, str] = {
    # teachers
    **dict.fromkeys(("teacher_model_init_kwargs", "teacher_model_revision", "use_teacher_server", "teacher_model_server_url"), _TEACHER),
    **dict.fromkeys(("teacher_prompt_template", "privileged_context", "generate_from_teacher"), _TOLD),
    **dict.fromkeys(("teacher_model_kind", "teacher_update_rate", "teacher_sync_steps"), _FOLLOWS),
    **dict.fromkeys(
        ("distillation_mode", "distillation_topk", "distillation_add_tail", "distillation_loss.loss_mode", "distillation_loss.topk"),
        _SUPPORT,
    ),
    **dict.fromkeys(
        (
            "reprompt_template",
            "solution_template",
            "feedback_template",
            "use_successful_as_teacher",
            "success_reward_threshold",
            "dont_reprompt_on_self_success",
            "include_environment_feedback",
            "environment_feedback_only_without_solution",
        ),
        _FEEDBACK,
    ),
    **dict.fromkeys(
        (
            "teacher_tokenizer_name_or_path",
            "use_uld_loss",
            "use_extended_uld",
            "uld_crossentropy_weight",
            "uld_distillation_weight",
            "uld_use_hybrid_loss",
        ),
        _OTHER_TOKENS,
    ),
    "distillation_is_clip": _CORRECTED,
    "seq_kd": "answers that the teacher writes are rows like others: guerdon sample TEACHER writes them, and recipe=gkd or sft reads them",
    **dict.fromkeys(
        ("use_opd", "opd_type", "use_policy_gradient", "distillation_loss.use_policy_gradient"),
        "distillation is a recipe: on_policy_distillation, whose advantage takes that of rewards in besides; gkd, distillation",
    ),
    # how the model is loaded and computed
    **dict.fromkeys(
        (
            "attn_implementation",
            "flash_attention",
            "sdp_attention",
            "xformers_attention",
            "s2_attention",
            "use_remove_padding",
            "use_liger",
        ),
        _COMPUTES,
    ),
    **dict.fromkeys(
        ("use_torch_compile", "enforce_eager", "cut_cross_entropy", "liger_rope", "liger_rms_norm", "lora_mlp_kernel", "lora_qkv_kernel"),
        _COMPUTES,
    ),
    **dict.fromkeys(("load_in_8bit", "bnb_4bit_quant_type", "bnb_4bit_compute_dtype", "use_bnb_nested_quant"), _PACKED),
    **dict.fromkeys(
        ("nnodes", "n_gpus_per_node", "nproc_per_node", "num_processes", "num_machines", "local_rank"),
        _HOW_MANY,
    ),
    **dict.fromkeys(("ulysses_sequence_parallel_size", "tensor_parallel_size"), _WHOLE),
    **dict.fromkeys(("param_offload", "optimizer_offload", "offload_optimizer"), _RESTS),
    **dict.fromkeys(
        ("deepspeed", "fsdp", "fsdp_config", "accelerator_config", "ddp_find_unused_parameters", "ddp_timeout", "actor.strategy"), _SPLIT
    ),
    **dict.fromkeys(("use_cpu", "no_cuda", "use_mps_device"), "where is computed is model.device: cpu, cuda, cuda:1 ..."),
    "trust_remote_code": "code that comes with a model is not run; leave it out",
    "model_revision": "what lies on the hub's main branch is read; fetch another revision into a folder, and name that as model.source",
    "model_init_kwargs": "what can be set of a model are the fields of the section model: source, lora, dtype, device, chat_template",
    **dict.fromkeys(("tokenizer_type", "model_type", "tokenizer_config"), "both are what lies in model.source; leave it out"),
    **dict.fromkeys(
        ("special_tokens", "tokens"),
        "tokens are added where the model is made: save it with its tokenizer, and name that folder as model.source",
    ),
    **dict.fromkeys(
        ("adapter", "use_peft", "lora_target_linear"),
        "adapters are asked for by model.lora: {r: 16}, on every linear layer unless target_modules says otherwise",
    ),
    **dict.fromkeys(("lora_task_type", "lora_fan_in_fan_out"), "it is seen from the model; leave it out"),
    "lora_model_dir": "adapters to be trained on are named as the model: model.source",
    # rows
    "datasets": "rows are the section task: {path: FILE, columns: {prompt: question}}, or a list of such with weights",
    "test_datasets": "held-out rows are task.test_path, or a share of all in task.held_out",
    **dict.fromkeys(
        ("dataset_text_field", "prompt_key", "field_messages", "message_property_mappings"),
        "columns get their names by task.columns: {prompt: question}",
    ),
    **dict.fromkeys(("dataset_num_proc", "dataset_prepared_path", "dataset_processes", "dataset_kwargs", "skip_prepare_dataset"), _ROWS),
    **dict.fromkeys(("shuffle_dataset", "shuffle_merged_datasets"), "rows are shuffled by the seed; task.shuffle: false keeps their order"),
    **dict.fromkeys(
        ("eval_packing", "packing_strategy", "sample_packing", "eval_sample_packing", "pad_to_sequence_len", "pad_to_multiple_of"),
        "rows are always laid out without padding where the model allows it, and no result depends on it; leave it out",
    ),
    **dict.fromkeys(
        ("sequence_len", "max_model_len"),
        "a row may fill the model's context; encoding.max_prompt_length bounds the prompt, decoding.max_completion_length the answer",
    ),
    **dict.fromkeys(
        ("truncation_mode", "excess_length_strategy", "filter_overlong_prompts", "data.truncation"),
        "what is done with a row that is too long is encoding.truncate: prompt, completion, both, drop, or nothing for a sentence that refuses it",
    ),
    **dict.fromkeys(
        ("train_on_inputs", "roles_to_train", "train_on_eos"),
        "what is learned of a conversation are the assistant's turns with their ends, but for those that a row marks with train: false; see guerdon check",
    ),
    **dict.fromkeys(("eos_token", "pad_token", "padding_value", "label_pad_token_id"), _PLACED),
    "default_system_message": "what the system says first is task.system",
    "chat_template_kwargs": "the template's variables are a column of the rows, chat_template_kwargs",
    "apply_chat_template_kwargs": "the template's variables are a column of the rows, chat_template_kwargs",
    # how long, how often
    "num_epochs": _EPOCHS,
    "total_episodes": "a run is as long as its steps: budget.steps, each of batch_size prompts with num_generations answers",
    "evals_per_epoch": "it is steps: budget.evaluate_every says how many",
    "saves_per_epoch": "it is steps: budget.save_every says how many",
    **dict.fromkeys(("eval_on_start", "val_before_train"), _ALWAYS),
    **dict.fromkeys(("do_train", "do_eval", "val_only"), "that is which command is called: guerdon train, guerdon fit, guerdon evaluate"),
    **dict.fromkeys(
        ("resume_mode", "auto_resume_from_checkpoints"), "the same command goes on from the last checkpoint by itself; leave it out"
    ),
    **dict.fromkeys(
        ("save_only_model", "save_safetensors", "checkpoint.contents"),
        "a checkpoint holds everything with which the run goes on, and runs/NAME/model the model alone; leave it out",
    ),
    "early_stopping_threshold": "it is budget.min_delta",
    **dict.fromkeys(
        ("use_dynamic_bsz", "ppo_max_token_len_per_gpu", "ppo_micro_batch_size", "log_prob_micro_batch_size_per_gpu"),
        "how many tokens go through the model at once is budget.tokens_per_micro_batch, which changes no result; leave it out",
    ),
    **dict.fromkeys(
        ("disable_tqdm", "log_level", "debug", "strict"),
        "what is printed is progress and what has to be known; --json prints for programs; leave it out",
    ),
    **dict.fromkeys(
        ("wandb_project", "wandb_entity", "wandb_name", "wandb_watch", "wandb_log_model", "wandb_run_id", "trainer.logger"), _TRACKED
    ),
    **dict.fromkeys(
        ("log_completions", "num_completions_to_print", "log_val_generations"),
        "every completion is kept in completions.jsonl and shown by guerdon report; leave it out",
    ),
    **dict.fromkeys(
        ("hub_strategy", "hub_token", "hub_private_repo"), "guerdon push FOLDER OWNER/NAME --private does that when the run has ended"
    ),
    **dict.fromkeys(("hybrid_engine", "balance_batch", "max_num_batched_tokens", "actor.shuffle"), _COMPUTES),
    # what is learned
    **dict.fromkeys(("gamma", "lam"), "discounting belongs to a critic's advantage: recipe=ppo has it as gamma and lam"),
    **dict.fromkeys(("vf_coef", "cliprange_value", "critic.optim.lr", "critic.model.path", "critic.ppo_epochs"), _CRITIC),
    "whiten_rewards": "rewards are changed by a part: recipe.shaping={part: batch_normalise}",
    **dict.fromkeys(
        ("entropy_coeff", "entropy_coef", "entropy_loss_coef", "entropy_bonus"),
        "an entropy bonus is one term more of the recipe: recipe.terms, {loss: entropy, weight: 0.01}",
    ),
    **dict.fromkeys(
        ("use_adaptive_entropy", "entropy_target", "entropy_coef_min", "entropy_coef_max", "entropy_coef_delta"),
        "a bonus that is there while the entropy is low is a controller at the weight of its term: {loss: entropy, weight: {part: entropy_floor, target: 0.2}}",
    ),
    "top_entropy_quantile": (
        "the least decided tokens are chosen by a loss: recipe=forking_tokens, or {part: where, choice: top_entropy, then: clip} in the place of the "
        "recipe's loss"
    ),
    **dict.fromkeys(
        ("clip_cov_ratio", "clip_cov_lb", "clip_cov_ub", "kl_cov_ratio", "kl_cov_frac", "ppo_kl_coef"),
        "what takes entropy away is left out or held back by recipe=clip_cov and kl_cov; guerdon show NAME says what can be set",
    ),
    **dict.fromkeys(
        (
            "clamp_entropy",
            "clamp_p",
            "adaptive_entropy",
            *(f"entropy_{name}" for name in ("low", "high", "coeff_lr", "coeff_clip_high", "coeff_clip_low")),
        ),
        "the entropy of what is likely enough, and a weight that follows it, is recipe=aent: recipe.terms.1.loss.share, and low, high, rate, least and most of "
        "recipe.terms.1.weight",
    ),
    **dict.fromkeys(
        (
            "experience_ratio",
            "experience_start_sratio",
            "experience_lbound",
            "experience_rbound",
            "exp_bucket_manager",
            "exp_metric",
            "off_policy_reshape",
        ),
        "earlier right answers are replayed by recipe=exgrpo: share, start, low, high and width of recipe.replay, and recipe.terms.0.loss.then.half, by which they are "
        "shaped",
    ),
    **dict.fromkeys(
        ("tinyv_setup", "tinyv_weight"),
        "what a rule rejects is looked at again by reward: {right: {part: rescued, verifier: math_equivalence, by: {part: model_verdict, model: {part: language_model, source: "
        "...}}, weight: 1}}",
    ),
    **dict.fromkeys(
        ("with_experience_replay", "experience_replay_num"),
        "earlier right answers stand beside fresh ones with recipe=rlep: recipe.replay={part: earlier_successes, count: 2}",
    ),
    **dict.fromkeys(
        ("sft.sft_data_size", "sft_data_size", "sft_mini_batch_size", "sft_epochs"),
        "demonstrations of what no answer solved are recipe=relift: recipe.lessons={part: failed_prompts, rows: 128, column: solution}",
    ),
    **dict.fromkeys(
        ("target_length", "length_reward_scalar"),
        "a bonus within a length is recipe=laser: recipe.shaping=[{part: length_bonus, target: 4096, bonus: 0.5}]",
    ),
    **dict.fromkeys(
        ("use_m2po_loss", "M2_budget", "m2_threshold"),
        "what has gone too far is left out by the second moment of the log-ratio with recipe=m2po, whose budget is recipe.terms.0.loss.choice.budget; AReaL's is "
        "{part: where, choice: {part: second_moment, either: true}, otherwise: clip}",
    ),
    **dict.fromkeys(
        ("sapo_temperature_pos", "sapo_temperature_neg", "tau_pos", "tau_neg"),
        "recipe=sapo has them as tau and tau_negative of recipe.terms.0.loss",
    ),
    **dict.fromkeys(
        ("vespo_k_pos", "vespo_k_neg", "vespo_lambda_pos", "vespo_lambda_neg"),
        "recipe=vespo has them as k, k_negative, decay and decay_negative of recipe.terms.0.loss",
    ),
    **dict.fromkeys(
        ("use_bias_correction_kl", "use_unbiased_kl", "use_on_policy_kl_approximation"),
        "a KL whose gradient is unbiased is {part: importance_weighted, loss: kl_exponential} in the place of the recipe's KL",
    ),
    "positive_example_nll_weight": (
        "the likelihood of what succeeded is one term more: "
        "{loss: {part: where, choice: reward_above, then: negative_log_likelihood, alone: true}, weight: 0.1}"
    ),
    "loss_denominator": "a constant denominator is how a term is averaged: recipe.terms.0.reduce={part: constant_total, total: ...}",
    **dict.fromkeys(
        ("use_kl_loss", "use_kl_in_reward"),
        "a KL penalty is a term of the recipe, beta=0 is none; in the reward it is recipe.reward_penalties, as in recipe=ppo",
    ),
    "importance_sampling_level": "a ratio of whole sequences is another surrogate: recipe=gspo or luspo; guerdon show NAME prints what runs",
    **dict.fromkeys(_CORRECTIONS, _CORRECTED),
    **dict.fromkeys(
        ("filter_groups", "filter_groups.enable", "filter_groups.metric"),
        "groups without a signal are dropped by recipe.selection: [zero_variance], as in recipe=dapo",
    ),
    **dict.fromkeys(
        (
            "online_difficulty_filtering",
            "buffer.online_difficulty_filtering",
            "filter_min_threshold",
            "filter_max_threshold",
            "dynamic_filtering",
            "dynamic_filtering_reward_range",
        ),
        "groups that are solved too seldom or too often are dropped by recipe.selection: [{part: success_window, low: 0, high: 1}], and replaced by recipe.refills",
    ),
    **dict.fromkeys(
        ("easy_threshold", "hard_threshold", "easy_fraction", "hard_fraction"),
        "prompts are set aside by recipe.weighing: {part: difficulty_pools, easy: 1, hard: 0, easy_share: 0, hard_share: 0}",
    ),
    **dict.fromkeys(
        ("data.sampler.class_path", "data.sampler.class_name", "curriculum", "curriculum_sampler"),
        "which prompts come next is a part: recipe.weighing: learnability, success_target, easy_to_hard, task_advantage, difficulty_pools",
    ),
    **dict.fromkeys(
        ("env_ratios", "dataset_probs", "prompt_data_probs", "dataset_mixer"),
        "several tasks are one: task: {part: mixture, of: [...], weights: [...]}; weights that are learned are recipe.weighing: task_advantage",
    ),
    **dict.fromkeys(
        ("mask_truncated_completions", "missing_eos_penalty"),
        "answers that were cut off are seen to by a selection or a reward: recipe.learned: [overlong] (recipe.selection, where nothing is to be compared with them), "
        "reward: {short: {part: length, ...}}",
    ),
    **dict.fromkeys(
        ("generation_batch_size", "steps_per_generation", "gen_batch_size"),
        "what is sampled in a step is learned in it: batch_size prompts, in recipe.minibatches parts, recipe.epochs times",
    ),
    **dict.fromkeys(
        ("ref_model_mixup_alpha", "ref_model_sync_steps"), "it is an update: recipe=tr_dpo, or recipe.updates: [{part: reset_reference}]"
    ),
    **dict.fromkeys(
        ("repetition_penalty", "generation_kwargs", "do_sample"),
        "what is drawn is what is learned from: decoding has temperature, top_p, top_k, min_p and max_completion_length",
    ),
    **dict.fromkeys(
        ("val_kwargs.n", "val_kwargs.temperature", "num_generations_eval"),
        "guerdon evaluate MODEL run.yaml -n 8 --temperature 1 answers the held-out rows so",
    ),
    **dict.fromkeys(
        (
            "vllm_mode",
            "vllm_server_base_url",
            "vllm_server_host",
            "vllm_server_port",
            "vllm_gpu_memory_utilization",
            "gpu_memory_utilization",
        ),
        _SERVER,
    ),
    **dict.fromkeys(
        ("rollout.name", "rollout.mode", "tensor_model_parallel_size", "vllm_tensor_parallel_size", "free_cache_engine"), _SERVER
    ),
    **dict.fromkeys(
        ("reward_func", "reward_model_path", "custom_reward_function", "custom_reward_function.path", "custom_reward_function.name"),
        _REWARD,
    ),
    **dict.fromkeys(("reward_model", "reward_model.enable", "reward_model.model.path", "reward_model.reward_manager"), _REWARD),
    **dict.fromkeys(
        ("f_divergence_type", "rpo_alpha", "ld_alpha", "discopop_tau", "simpo_gamma", "cpo_alpha", "use_weighting", "rl"), _PREFERENCE
    ),
    **dict.fromkeys(
        ("desirable_weight", "undesirable_weight", "kto_desirable_weight", "kto_undesirable_weight", "orpo_alpha"), _PREFERENCE
    ),
    **dict.fromkeys(("label_smoothing", "loss_weights", "reference_free"), _PREFERENCE),
    **dict.fromkeys(("rl_beta", "dpo_beta"), "it is called beta here"),
    **dict.fromkeys(("disable_dropout", "average_tokens_across_devices"), _ALWAYS),
    "num_train_epochs": "a run is as long as its steps: budget.steps, which for so many epochs are epochs * rows / batch_size",
    "max_epochs": "a run is as long as its steps: budget.steps, which for so many epochs are epochs * rows / batch_size",
    "total_epochs": "a run is as long as its steps: budget.steps, which for so many epochs are epochs * rows / batch_size",
    "per_device_eval_batch_size": "how many tokens go through the model at once is budget.tokens_per_micro_batch, in training and evaluation alike; leave it out",
    "auto_find_batch_size": "the batch never has to be made smaller for its memory: budget.tokens_per_micro_batch says how much goes through the model at once",
    "ppo_micro_batch_size_per_gpu": "how many tokens go through the model at once is budget.tokens_per_micro_batch, which changes no result; leave it out",
    "micro_train_batch_size": "how many tokens go through the model at once is budget.tokens_per_micro_batch, which changes no result; leave it out",
    "ppo_mini_batch_size": "a batch is used in recipe.minibatches steps; write into how many, not how large they are",
    "logging_steps": "every step is logged; leave it out",
    "logging_strategy": "every step is logged; leave it out",
    "logging_first_step": "every step is logged; leave it out",
    "logging_dir": "metrics are in the run's folder (run: FOLDER); trackers are named by budget.report_to",
    "save_strategy": "it is steps: budget.save_every says how many, and 0 saves at the end only",
    "eval_strategy": "it is steps: budget.evaluate_every says how many, and 0 evaluates at the beginning and the end only",
    "evaluation_strategy": "it is steps: budget.evaluate_every says how many, and 0 evaluates at the beginning and the end only",
    "resume_from_checkpoint": "the same command goes on from the last checkpoint by itself; leave it out",
    "overwrite_output_dir": "delete the run's folder to start again, or name another one with run=",
    "run_name": "a run is called after its folder: run: runs/NAME",
    "experiment_name": "a run is called after its folder: run: runs/NAME",
    "project_name": "a run is called after its folder: run: runs/NAME",
    "push_to_hub": "guerdon push FOLDER OWNER/NAME does that when the run has ended",
    "hub_model_id": "guerdon push FOLDER OWNER/NAME does that when the run has ended",
    "remove_unused_columns": "every column is there for rewards and templates, and none is a burden; leave it out",
    "dataloader_num_workers": "rows are read once and encoded once; rewards may have processes of their own (reward.workers)",
    "dataloader_pin_memory": "rows are read once and encoded once; leave it out",
    "dataloader_drop_last": "every step has a full batch; leave it out",
    "data_seed": "everything random is derived from budget.seed; leave it out",
    "group_by_length": "micro-batches are always of like length, and no result depends on it; leave it out",
    "packing": "rows are always laid out without padding where the model allows it, and no result depends on it; leave it out",
    "padding_free": "rows are always laid out without padding where the model allows it, and no result depends on it; leave it out",
    "max_length": "a row may fill the model's context; encoding.max_prompt_length bounds the prompt, decoding.max_completion_length the answer",
    "max_seq_length": "a row may fill the model's context; encoding.max_prompt_length bounds the prompt, and encoding.truncate says what is cut",
    "completion_only_loss": "what is learned of a row is what its columns say: of prompt and completion the completion; see guerdon check",
    "assistant_only_loss": "what is learned of a conversation are the assistant's turns; see guerdon check",
    "no_std_norm": "it is the scale of the advantage: recipe.advantage.scale, as in recipe=grpo (by group) and recipe=dr_grpo (none)",
    **dict.fromkeys(
        ("adv_estimator.name", "use_leave_one_out_baseline"),
        "an advantage is a part of the recipe: recipe.advantage={part: leave_one_out, scale: others_deviation}, which is NeMo-RL's default, or another of guerdon show "
        "credit.advantages",
    ),
    "length_adaptive_alpha": "it is recipe.advantage={part: length_adaptive_gae, alpha: 0.05}, as in recipe=vapo",
    "reward_funcs": "rewards are a section: reward: {name: file.py:function}",
    "n_votes_per_prompt": "the group votes: reward=majority_vote, with recipe.sampler.num_generations answers",
    "reward_weights": "rewards are weighed where they are combined: recipe.combine={part: weigh, weights: {name: 0.5}}",
    "use_vllm": _SERVER,
    "activation_offloading": _OFFLOADED,
    "enable_activation_offload": _OFFLOADED,
    "enable_activation_offloading": _OFFLOADED,
    "recompute_granularity": _ALL_LAYERS,
    "recompute_method": _ALL_LAYERS,
    "recompute_num_layers": _ALL_LAYERS,
    "torch_compile": "kernels of its own do what compiling would; leave it out",
    "use_liger_kernel": "kernels of its own do what they would; leave it out",
    "tf32": "matrix products are as exact as torch's own default; leave it out",
    "neftune_noise_alpha": "noise on embeddings is not offered",
    "label_smoothing_factor": "it is a label model of comparisons (recipe=cdpo, robust_dpo) and not offered for imitation",
    "precompute_ref_log_probs": "a reference that does not move measures no row twice, also across runs; leave it out",
    "ref_model": "the reference is the model as the run begins; a stage that starts from another is held to that one",
    "sync_ref_model": "it is an update: recipe=tr_dpo, or recipe.updates: [{part: reset_reference}]",
}


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"{name}: a number is expected, not {value!r}")
    return float(value)


_SCHEDULES = {
    "constant": "constant",
    "constant_with_warmup": "constant",
    "linear": "linear",
    "cosine": "cosine",
    "cosine_with_restarts": "restarts",
    "warmup_stable_decay": "stable_decay",
}


def _schedule(configuration: Any, value: Any) -> list[tuple[str, Any]]:
    if value == "cosine_with_min_lr":
        raise InputError(
            "lr_scheduler_type: where it ends is among other settings there, and here beside its start: learning_rate={part: cosine, start: 1e-5, end: 1e-6}"
        )
    if value not in _SCHEDULES:
        raise InputError(
            f"lr_scheduler_type: {value!r} is none of {', '.join(_SCHEDULES)}; a schedule is a part: learning_rate={{part: linear, start: 1e-5}}"
        )
    start, warmup = _rate(configuration)
    return [("recipe.optimiser.learning_rate", {"part": _SCHEDULES[value], "start": start, "warmup": warmup})]


def _rate(configuration: Any) -> tuple[float, float]:
    """Start and warm-up of the learning rate that is there."""
    rate = configuration.recipe.optimiser.learning_rate
    return (getattr(rate, "start", rate), getattr(rate, "warmup", 0.0))


def _warmup(configuration: Any, share: float, name: str) -> list[tuple[str, Any]]:
    if not 0 <= share < 1:
        raise InputError(f"{name}: the warm-up is {share:g} of the run; it must be at least 0 and below 1")
    rate = configuration.recipe.optimiser.learning_rate
    if hasattr(rate, "warmup"):
        return [("recipe.optimiser.learning_rate.warmup", share)]
    return [("recipe.optimiser.learning_rate", {"part": "constant", "start": rate, "warmup": share})]


def _warmup_steps(configuration: Any, value: Any) -> list[tuple[str, Any]]:
    """Below 1 it is a share, as ``transformers`` has it."""
    number = _number(value, "warmup_steps")
    return _warmup(configuration, number if number < 1 else number / configuration.budget.steps, "warmup_steps")


def _kl_weight(name: str, where: str, other: str) -> Callable[[Any, Any], list[tuple[str, Any]]]:
    """The weight of a KL penalty that is in the reward, or one that is in the loss, and not of the other."""

    def made(configuration: Any, value: Any) -> list[tuple[str, Any]]:
        from guerdon.interfaces.configuration._overrides import kl_terms

        places = [place for place in kl_terms(configuration, "") if f"{where}." in place]
        if not places and value != 0:
            raise InputError(
                f"{name}: it is the weight of a KL penalty in {other[0]}, of which this recipe has none; it is written recipe.{where}=[{{loss: kl_direct, weight: "
                f"{value}}}] among what is there, and the weight of one in {other[1]} is beta"
            )
        return [(f"{place}.weight", value) for place in places]

    return made


def _critic_warmup(configuration: Any, value: Any) -> list[tuple[str, Any]]:
    """verl's steps are counted from 1, and the policy learns from the one of this number on."""
    first = max(int(_number(value, "critic_warmup")) - 1, 0)
    critics = list(configuration.recipe.learners) if configuration.recipe is not None else []
    if first and not critics:
        raise InputError(f"critic_warmup: there are {first} steps in which only a critic learns, and the recipe has none; {_CRITIC}")
    return [(f"recipe.learners.{name}.first", first) for name in critics]


_IN_REWARD, _IN_LOSS = ("reward_penalties", ("the reward", "the loss")), ("terms", ("the loss", "the reward"))


def _of_a_device(name: str) -> Callable[[Any, Any], list[tuple[str, Any]]]:
    """What a device learns at a time: rows; of groups, completions, which are counted in prompts here."""

    def made(configuration: Any, value: Any) -> list[tuple[str, Any]]:
        from guerdon.interfaces.configuration._overrides import places

        settings = []
        for place in places(configuration, "batch_size"):
            section = configuration if place.startswith("budget.") else configuration.stages[place.split(".")[1]]
            acts = section.recipe is not None and section.recipe.advantage is not None
            group = getattr(section.recipe.sampler, "num_generations", 1) if acts else 1
            settings += _in_prompts(name, value, group, section.budget.gradient_accumulation_steps, place)
        return settings

    return made


def _in_prompts(name: str, value: Any, group: int, more: int, place: str) -> list[tuple[str, Any]]:
    if group == 1 or not isinstance(value, int) or value % group == 0:
        return [(place, value // group if group > 1 and isinstance(value, int) else value)]
    if value * more % group:
        raise InputError(
            f"{name}: it counts completions there, and {value * more} of them are no whole number of groups of {group}; batch_size counts prompts: write that"
        )
    return [(place, value * more // group), (place.replace("batch_size", "gradient_accumulation_steps"), 1)]


_OPTIMISERS = {
    "adamw_torch": "adamw",
    "adamw_torch_fused": "adamw",
    "adamw_hf": "adamw",
    "adamw_bnb_8bit": "adamw_8bit",
    "adamw_8bit": "adamw_8bit",
}


def _optimiser(configuration: Any, value: Any) -> list[tuple[str, Any]]:
    from guerdon.interfaces.configuration import _rooms

    name = _OPTIMISERS.get(value, value)
    known = _rooms.known(("training.optimisers",))
    if name not in known:
        raise InputError(f"optim: {value!r} is none of {', '.join(dict.fromkeys([*known, *_OPTIMISERS]))}")
    kind = _rooms.find(name, ("training.optimisers",), "optim")
    there = configuration.recipe.optimiser
    kept = {f.name: getattr(there, f.name) for f in dataclasses.fields(kind) if hasattr(there, f.name)}
    return [("recipe.optimiser", {"part": name, **kept})]


def _trackers(configuration: Any, value: Any) -> list[tuple[str, Any]]:
    names = [] if value in (None, "none", "") else [value] if isinstance(value, str) else value
    return [("budget.report_to", names)]


def _way_of_checkpointing(configuration: Any, value: Any) -> list[tuple[str, Any]]:
    """Nothing has to be set: it describes what is done anyhow, or is refused."""
    if value is None or (isinstance(value, Mapping) and set(value) <= {"use_reentrant"} and not value.get("use_reentrant")):
        return []
    raise InputError(
        f"gradient_checkpointing_kwargs: {value!r} would be another way to the same gradient, and layers are computed again without reentrance here "
        "({use_reentrant: false}); leave it out"
    )


def _reentrant(configuration: Any, value: Any) -> list[tuple[str, Any]]:
    return _way_of_checkpointing(configuration, {"use_reentrant": value})


def _format(name: str) -> Callable[[Any, Any], list[tuple[str, Any]]]:
    def made(configuration: Any, value: Any) -> list[tuple[str, Any]]:
        if not isinstance(value, bool):
            raise InputError(f"{name}: true or false is expected, not {value!r}")
        place = "model.body.dtype" if hasattr(configuration.model, "body") else "model.dtype"
        return [(place, {"bf16": "bfloat16", "fp16": "float16"}[name])] if value else []

    return made


def _own_answers(configuration: Any, value: Any) -> list[tuple[str, Any]]:
    """GKD's share of the student's own answers: the weights of the two terms."""
    share = _number(value, "lmbda")
    terms = () if configuration.recipe is None else configuration.recipe.terms
    if [getattr(term.loss, "actor", None) for term in terms] != [0, 1] or not 0 <= share <= 1:
        raise InputError(
            f"lmbda: it is the share of the student's own answers, from 0 to 1, here {value!r}, and belongs to recipe=gkd; own answers alone are recipe=distillation, "
            "given ones knowledge_distillation"
        )
    return [("recipe.terms.0.weight", share), ("recipe.terms.1.weight", 1 - share)]


def _teachers_weight(configuration: Any, value: Any) -> list[tuple[str, Any]]:
    from guerdon.credit.advantages.teacher_log_ratio import TeacherLogRatio

    if configuration.recipe is None or not isinstance(configuration.recipe.advantage, TeacherLogRatio):
        raise InputError(
            "opd_kl_coef: it is the weight of the teacher's word in the advantage, recipe.advantage.weight, which recipe=on_policy_distillation has"
        )
    return [("recipe.advantage.weight", value)]


_SCALES: Mapping[Any, Any] = {
    "group": {"part": "group_deviation"},
    "batch": {"part": "batch_deviation"},
    "none": None,
    True: {"part": "group_deviation"},
    False: None,
}
_MEAN = {"part": "group_centred", "scale": None}
_ESTIMATORS: Mapping[str, Any] = {
    "grpo": {"part": "group_centred", "scale": {"part": "group_deviation"}},
    "group_norm": {"part": "penalties_apart", "advantage": {"part": "group_centred", "scale": {"part": "group_deviation"}}},
    "dr_grpo": {"part": "penalties_apart", "advantage": _MEAN},
    "rloo": {"part": "leave_one_out"},
    "opo": {"part": "length_weighted"},
    "gpg": {"part": "group_centred", "scale": {"part": "nonzero_share"}},
    "maxrl": {"part": "group_centred", "scale": {"part": "group_average"}},
    "gdpo": {"part": "each_reward"},
    "optimal_token_baseline": {"part": "optimal_token_baseline"},
    "tir_optimal_token_baseline": {"part": "optimal_token_baseline", "zero_tail": True},
    "reinforce": {"part": "batch_normalised", "advantage": {"part": "return_to_go"}},
    "reinforce_plus_plus": {"part": "batch_normalised", "advantage": {"part": "return_to_go"}},
    "reinforce_baseline": {"part": "batch_normalised", "advantage": {"part": "penalties_apart", "advantage": _MEAN}},
    "reinforce_plus_plus_baseline": {"part": "batch_normalised", "advantage": _MEAN},
    "grpo_passk": lambda configuration: {
        "part": "max_at_k",
        "k": getattr(configuration.recipe.sampler, "num_generations", 1),
        "scale": {"part": "group_deviation"},
    },
}
_BY_RECIPE = {"remax": "remax", "gae": "ppo", "ppo": "ppo", "gspo": "gspo", "cispo": "cispo", "gigpo": "gigpo"}


def _scale(name: str) -> Callable[[Any, Any], list[tuple[str, Any]]]:
    def made(configuration: Any, value: Any) -> list[tuple[str, Any]]:
        if not isinstance(value, str | bool) or value not in _SCALES:
            raise InputError(
                f"{name}: {value!r} is none of group, batch, none, true and false; a scale is a part: recipe.advantage.scale=group_deviation"
            )
        advantage = configuration.recipe.advantage
        if not hasattr(advantage, "scale"):
            raise InputError(
                f"{name}: {type(advantage).__name__} has no scale that could be set; choose another recipe.advantage, such as {{part: group_centred, scale: null}}"
            )
        return [("recipe.advantage.scale", _SCALES[value])]

    return made


def _estimator(name: str) -> Callable[[Any, Any], list[tuple[str, Any]]]:
    """An advantage for the recipe that is there; what takes more than an advantage is a recipe of its own."""

    def made(configuration: Any, value: Any) -> list[tuple[str, Any]]:
        if isinstance(value, str) and value in _BY_RECIPE:
            raise InputError(
                f"{name}: {value!r} is more than an advantage: recipe={_BY_RECIPE[value]}; guerdon show {_BY_RECIPE[value]} prints what runs"
            )
        if not isinstance(value, str) or value not in _ESTIMATORS:
            raise InputError(
                f"{name}: {value!r} is none of {', '.join([*_ESTIMATORS, *_BY_RECIPE])}; guerdon show credit.advantages lists what there is"
            )
        found = _ESTIMATORS[value]
        return [("recipe.advantage", found(configuration) if callable(found) else found)]

    return made


def _aggregation(configuration: Any, value: Any) -> list[tuple[str, Any]]:
    if value not in ("sum_then_normalize", "normalize_then_sum"):
        raise InputError(f"multi_objective_aggregation: {value!r} is neither sum_then_normalize nor normalize_then_sum")
    return [] if value == "sum_then_normalize" else [("recipe.advantage", {"part": "each_reward"})]


# Theirs → what is to be set, from the configuration that is there and the value. They are looked at last, in this order.
MADE: Mapping[str, Callable[[Any, Any], list[tuple[str, Any]]]] = {
    "optim": _optimiser,
    "optimizer": _optimiser,
    "lr_scheduler_type": _schedule,
    "lr_scheduler": _schedule,
    "warmup_ratio": lambda configuration, value: _warmup(configuration, _number(value, "warmup_ratio"), "warmup_ratio"),
    "warmup_steps": _warmup_steps,
    "report_to": _trackers,
    "gradient_checkpointing_kwargs": _way_of_checkpointing,
    "gradient_checkpointing_use_reentrant": _reentrant,
    "greater_is_better": lambda configuration, value: [("budget.best_is", "highest" if value else "lowest")],
    **{name: _of_a_device(name) for name in ("per_device_train_batch_size", "micro_batch_size")},
    **{name: _kl_weight(name, *_IN_REWARD) for name in ("kl_coef", "init_kl_coef")},
    "kl_loss_coef": _kl_weight("kl_loss_coef", *_IN_LOSS),
    "lmbda": _own_answers,
    "opd_kl_coef": _teachers_weight,
    **{name: _estimator(name) for name in ("adv_estimator", "advantage_estimator", "advantage.estimator")},
    "critic_warmup": _critic_warmup,
    "multi_objective_aggregation": _aggregation,
    **{name: _objectives.kind(name) for name in ("loss_type", "loss_mode", "policy_loss_type", "loss_fn")},
    **{name: _objectives.average(name) for name in ("loss_agg_mode", "loss_reduction")},
    **{
        name: _objectives.estimate(name)
        for name in ("kl_loss_type", "kl_penalty", "kl_estimator", "kl_estimator_type", "reference_policy_kl_type")
    },
    **{name: _scale(name) for name in ("scale_rewards", "norm_adv_by_std_in_grpo", "grpo_norm_by_std", "grpo_std_normalization")},
    "bf16": _format("bf16"),
    "fp16": _format("fp16"),
}


def ended(name: str) -> str:
    """The longest end of a dotted name that is known here, else the name."""
    words = name.replace("-", "_").split(".")
    for first in range(len(words)):
        end = ".".join(words[first:])
        if end in SAME or end in ANSWERS or end in MADE:
            return end
    return name


def is_foreign(name: str) -> bool:
    """Whether it is a name of another trainer."""
    end = ended(name)
    return end in SAME or end in ANSWERS or end in MADE


def in_turn(pairs: list[tuple[str, Any]]) -> list[list[tuple[str, Any]]]:
    """Names with values in the order in which they are set: all that stand for themselves together, then one by one what is made of what is there."""
    plain = [pair for pair in pairs if ended(pair[0]) not in MADE]
    made = [pair for pair in pairs if ended(pair[0]) in MADE]
    return [*([plain] if plain else []), *([pair] for pair in sorted(made, key=lambda pair: list(MADE).index(ended(pair[0]))))]


def answer(name: str) -> str:
    """A sentence for a place that has no such key: what it is called here, or that it is not needed. "" for a name that nobody has."""
    end = ended(name)
    if end in ANSWERS:
        return ANSWERS[end]
    if end in SAME:
        return f"it is called {SAME[end]} here"
    return f"it is written at the top, or on the command line: {end}=..." if end in MADE else ""
