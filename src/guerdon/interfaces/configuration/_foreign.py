"""Foreign names: what other trainers call a setting, and what it is here.

Three tables: a name that means one of ours, a name whose value has to be made into something of ours, and a name that has no counterpart, with the sentence that says
what to do. A name may be written with its path (``actor_rollout_ref.rollout.n``); the longest end of it that is known counts.

Sources: the documentation of transformers' ``TrainingArguments``, TRL's configurations, verl, OpenRLHF, NeMo-RL and slime.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from guerdon.errors import InputError

# Theirs → ours: a common name, or a place.
SAME: Mapping[str, str] = {
    # transformers, TRL
    "per_device_train_batch_size": "batch_size",
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
    # verl
    "rollout.n": "num_generations",
    "rollout.temperature": "temperature",
    "rollout.top_p": "decoding.top_p",
    "rollout.top_k": "decoding.top_k",
    "clip_ratio": "epsilon",
    "clip_ratio_low": "epsilon",
    "clip_ratio_high": "epsilon_high",
    "kl_loss_coef": "beta",
    "kl_coef": "beta",
    "ppo_epochs": "epochs",
    "data.train_batch_size": "batch_size",
    "data.max_prompt_length": "encoding.max_prompt_length",
    "max_response_length": "max_completion_length",
    "actor.optim.lr": "learning_rate",
    "total_training_steps": "steps",
    "save_freq": "save_every",
    "test_freq": "evaluate_every",
    "grad_clip": "max_grad_norm",
    # OpenRLHF, NeMo-RL, slime, prime-rl
    "n_samples_per_prompt": "num_generations",
    "num_generations_per_prompt": "num_generations",
    "group_size": "num_generations",
    "eps_clip": "epsilon",
    "eps_clip_high": "epsilon_high",
    "ratio_clip_min": "epsilon",
    "ratio_clip_max": "epsilon_high",
    "init_kl_coef": "beta",
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

# Theirs → a sentence.
ANSWERS: Mapping[str, str] = {
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
    "loss_type": "a loss is a recipe: recipe=dapo, dr_grpo, ipo, robust_dpo ...; guerdon show NAME prints what runs",
    "scale_rewards": "it is the scale of the advantage: recipe.advantage.scale, as in recipe=grpo (by group) and recipe=dr_grpo (none)",
    "norm_adv_by_std_in_grpo": "it is the scale of the advantage: recipe.advantage.scale, as in recipe=grpo (by group) and recipe=dr_grpo (none)",
    "no_std_norm": "it is the scale of the advantage: recipe.advantage.scale, as in recipe=grpo (by group) and recipe=dr_grpo (none)",
    "adv_estimator": "an advantage is a part of the recipe: recipe=grpo, rloo, reinforce_plus_plus, ppo ..., or recipe.advantage={part: NAME}",
    "reward_funcs": "rewards are a section: reward: {name: file.py:function}",
    "reward_weights": "rewards are weighed where they are combined: recipe.combine={part: weigh, weights: {name: 0.5}}",
    "use_vllm": "a server is part of the sampler: recipe.sampler.engine={part: vllm, ...}; see the page on servers",
    "deepspeed": "one process and one GPU is what there is; leave it out",
    "fsdp": "one process and one GPU is what there is; leave it out",
    "tensor_parallel_size": "one process and one GPU is what there is; leave it out",
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
    "constant": ("constant", 0.0),
    "constant_with_warmup": ("constant", 0.0),
    "linear": ("linear", 0.0),
    "cosine": ("cosine", 0.0),
    "cosine_with_restarts": ("restarts", 0.0),
    "cosine_with_min_lr": ("cosine", 0.1),  # of the start: what most people set its min_lr_rate to
    "warmup_stable_decay": ("stable_decay", 0.0),
}


def _schedule(configuration: Any, value: Any) -> list[tuple[str, Any]]:
    if value not in _SCHEDULES:
        raise InputError(
            f"lr_scheduler_type: {value!r} is none of {', '.join(_SCHEDULES)}; a schedule is a part: learning_rate={{part: linear, start: 1e-5}}"
        )
    part, end = _SCHEDULES[value]
    start, warmup = _rate(configuration)
    settings = {"part": part, "start": start, "warmup": warmup}
    return [("recipe.optimiser.learning_rate", settings | ({"end": end * start} if end else {}))]


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


# Theirs → what is to be set, from the configuration that is there and the value. They are looked at last, in this order.
MADE: Mapping[str, Callable[[Any, Any], list[tuple[str, Any]]]] = {
    "optim": _optimiser,
    "lr_scheduler_type": _schedule,
    "warmup_ratio": lambda configuration, value: _warmup(configuration, _number(value, "warmup_ratio"), "warmup_ratio"),
    "warmup_steps": lambda configuration, value: _warmup(
        configuration, _number(value, "warmup_steps") / configuration.budget.steps, "warmup_steps"
    ),
    "report_to": _trackers,
    "gradient_checkpointing_kwargs": _way_of_checkpointing,
    "gradient_checkpointing_use_reentrant": _reentrant,
    "greater_is_better": lambda configuration, value: [("budget.best_is", "highest" if value else "lowest")],
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
