"""TRL's command line, ``trl grpo --config FILE``: flat names of transformers' ``TrainingArguments`` and of the trainer's own.

The file does not say for which trainer it is; that is seen from its names. In GRPO and RLOO a batch is counted in completions there and in prompts here, and steps
are gradient steps there and rounds of sampling here.
"""

from typing import Any

from guerdon.interfaces.configuration.trainers import Settings, Theirs, Trainer
from guerdon.interfaces.configuration.trainers._objectives import of_trls_policy
from guerdon.interfaces.configuration.trainers._transformers import adapters, epochs, optimising

ACTS = (
    "num_generations",
    "max_completion_length",
    "reward_funcs",
    "reward_model_name_or_path",
    "scale_rewards",
    "epsilon",
    "num_iterations",
)
RLOO = ("normalize_advantages", "reward_clip_range")
PAIRS = ("label_smoothing", "loss_weights", "f_divergence_type", "precompute_ref_log_probs", "loss_type", "max_prompt_length", "beta")
IMITATES = ("packing", "assistant_only_loss", "completion_only_loss", "dataset_text_field", "eval_packing", "packing_strategy")
# Of each trainer: its recipe here, and its own learning rate.
RATES = {"sft": 2e-5, "dpo": 1e-6, "kto": 1e-6, "reward_model": 1e-4, "grpo": 1e-6, "rloo": 1e-6, "gkd": 2e-5, "distillation": 1e-6}
# A loss of TRL's DPO that is a recipe here, with the same formula.
LOSSES = {
    "sigmoid": "dpo",
    "hinge": "slic",
    "apo_zero": "apo_zero",
    "apo_down": "apo_down",
    "nca_pair": "nca",
    "discopop": "discopop",
}
SCALES = {"group": "group_deviation", "batch": "batch_deviation", "none": None, True: "group_deviation", False: None}


def method(theirs: Theirs) -> str:
    """The recipe of the trainer that has these names."""
    if theirs.has("lmbda", "seq_kd"):
        return "gkd"
    if theirs.has("teacher_model_name_or_path") and not theirs.has("distillation_alpha", "distillation_mode"):
        return "distillation"
    if theirs.has(*RLOO):
        return "rloo"
    if theirs.has(*ACTS):
        return "grpo"
    if theirs.has("desirable_weight", "undesirable_weight") or theirs.given.get("loss_type") in ("kto", "apo_zero_unpaired"):
        return "kto"
    if theirs.has("center_rewards_coefficient"):
        return "reward_model"
    if theirs.has(*IMITATES):
        return "sft"
    return "dpo" if theirs.has(*PAIRS) else ""


def write(theirs: Theirs) -> Settings:
    which = method(theirs)
    yield from _model(theirs, which in ("grpo", "rloo", "gkd", "distillation"))
    if not which:
        theirs.say(
            "recipe", "the file does not say for which trainer it is; name the method: recipe: sft, dpo, kto, reward_model, grpo ..."
        )
        return
    if which in ("grpo", "rloo"):
        yield from acting(theirs, which)
    else:
        if which == "sft" and not theirs.take("assistant_only_loss", default=False):
            theirs.say(
                "assistant_only_loss",
                "without it TRL learns every token of a conversation; here it is the assistant's turns alone",
            )
        yield from {"sft": _shown, "dpo": _pairs, "kto": _labels, "gkd": _given_and_own, "distillation": _own}.get(
            which, lambda _, name=which: iter([("recipe.base", name)])
        )(theirs)
        rows = theirs.take("per_device_train_batch_size", default=8)
        more = theirs.take("gradient_accumulation_steps", default=1)
        yield from (("budget.batch_size", rows), ("budget.gradient_accumulation_steps", more))
        epochs(theirs, ("num_train_epochs",), str(rows * more), default=3.0)
    yield from optimising(theirs, RATES[which])


def _model(theirs: Theirs, acts: bool) -> Settings:
    if theirs.has("model_name_or_path"):
        yield "model.source", theirs.take("model_name_or_path")
    if not theirs.take("use_peft", default=False):
        theirs.drop("lora_*")  # which is not read there then
        return
    if not theirs.has("lora_target_modules"):
        theirs.say(
            "lora_target_modules",
            "without it peft adapts what it has listed for the family, mostly q_proj and v_proj, and here it is every linear layer",
        )
    targets = theirs.take("lora_target_modules")
    yield from adapters(
        theirs,
        theirs.take("lora_r", default=16),
        theirs.take("lora_alpha", default=32),
        theirs.take("lora_dropout", default=0.05),
        targets,
        acts,
    )


def _pairs(theirs: Theirs) -> Settings:
    loss, smoothing = theirs.take("loss_type", default="sigmoid"), theirs.take("label_smoothing", default=0.0)
    loss = loss[0] if isinstance(loss, list) and len(loss) == 1 else loss
    base = None if isinstance(loss, list) else LOSSES.get(loss)
    if base is None or (smoothing and base != "dpo"):
        theirs.say(
            "loss_type",
            f"{loss!r} is a recipe with constants of its own here; guerdon show NAME prints it. Several losses are several recipe.terms",
        )
        base = "dpo"
    yield "recipe.base", base
    beta = theirs.take("beta", default=0.1)
    if base != "discopop":
        yield "recipe.terms.0.loss.score.beta", float(beta)
    if smoothing:
        yield "recipe.terms.0.loss.link.label_smoothing", float(smoothing)


def _given_and_own(theirs: Theirs) -> Settings:
    """GKD: half of the answers are the student's own."""
    beta, share = float(theirs.take("beta", default=0.5)), float(theirs.take("lmbda", default=0.5))
    yield from (("recipe.base", "gkd"), ("views.teacher", theirs.take("teacher_model_name_or_path")))
    for place, weight in enumerate((share, 1 - share)):
        yield from ((f"recipe.terms.{place}.weight", weight), (f"recipe.terms.{place}.loss.loss.loss.beta", beta))
    temperature = float(theirs.take("temperature", default=0.9))
    yield from (("decoding.max_completion_length", theirs.take("max_new_tokens", default=128)), ("decoding.temperature", temperature))
    if temperature != 1:
        theirs.say(
            "temperature",
            "TRL draws at it and compares at 1; here the tempered policy is the policy, and the teacher is asked at the same temperature",
        )


def _own(theirs: Theirs) -> Settings:
    """TRL's DistillationTrainer: all answers are the student's own."""
    beta = float(theirs.take("beta", default=1.0))
    yield from (("recipe.base", "distillation"), ("views.teacher", theirs.take("teacher_model_name_or_path")))
    if beta != 1:
        yield "recipe.terms.0.loss.loss", {"part": "jensen_shannon", "beta": beta}
    yield from (
        ("decoding.max_completion_length", theirs.take("max_completion_length", default=512)),
        ("decoding.temperature", float(theirs.take("temperature", default=1.0))),
    )


def _shown(theirs: Theirs) -> Settings:
    yield "recipe.base", {"dft": "dft"}.get(theirs.take("loss_type", default="nll"), "sft")


def _labels(theirs: Theirs) -> Settings:
    loss = theirs.take("loss_type", default="kto")
    yield "recipe.base", {"apo_zero_unpaired": "apo_zero_unpaired"}.get(loss, "kto")
    yield "recipe.terms.0.loss.score.beta", float(theirs.take("beta", default=0.1))
    for name in ("desirable_weight", "undesirable_weight"):
        if theirs.has(name):
            yield f"recipe.terms.0.loss.verdict.{name}", float(theirs.take(name))


def acting(theirs: Theirs, which: str = "grpo", at: str = "", completions: int | None = None) -> Settings:
    """GRPO and RLOO. ``at``: where their own names lie in the file; ``completions``: how many a gradient step has, if others have counted them."""

    def take(name: str, default: Any = None) -> Any:
        return theirs.take(at + name, default=default)

    length, group = take("max_completion_length", 512), take("num_generations", 8 if which == "grpo" else 2)
    beta = float(take("beta", 0.0 if which == "grpo" else 0.05))
    if which == "grpo":
        terms = of_trls_policy(theirs, at, length, beta)
        scale = SCALES.get(take("scale_rewards", "group"), "group_deviation")
        advantage: dict[str, Any] = {"part": "group_centred", "scale": scale}
        if take("multi_objective_aggregation", "sum_then_normalize") == "normalize_then_sum":  # which reads no scale
            advantage = {"part": "each_reward"}
            if theirs.has(f"{at}reward_weights"):
                theirs.say(
                    f"{at}reward_weights",
                    "each reward is compared by itself, and weighed by its name: recipe.advantage.weights: {name: 0.5}",
                )
        yield from (("recipe.base", "grpo"), ("recipe.terms", terms), ("recipe.advantage", advantage))
        if take("mask_truncated_completions", False):
            yield "recipe.learned", ["overlong"]
    else:
        epsilon, high = take("epsilon", 0.2), take("epsilon_high")
        ratio = {"part": "sequence_ratio", "epsilon": epsilon, "epsilon_high": epsilon if high is None else high}
        yield from (("recipe.base", "rloo"), ("recipe.terms", [{"loss": ratio, "reduce": "sequence_mean"}]))
        yield "recipe.reward_penalties", [{"loss": "kl_direct", "weight": beta}] if beta else []
        theirs.say(
            "reward", "TRL sums the KL over an answer and clips the ratio of whole answers; see guerdon show rloo for what runs here"
        )
    yield from _batch(theirs, take, at, group, completions)
    yield "recipe.sampler.num_generations", group
    yield "decoding.max_completion_length", length
    yield from (("decoding.temperature", float(take("temperature", 1.0))), ("decoding.top_p", float(take("top_p", 1.0))))
    yield "decoding.top_k", max(take("top_k", 0), 0)


def _batch(theirs: Theirs, take: Any, at: str, group: int, completions: int | None) -> Settings:
    """Prompts of a round, gradient steps of a round, and how many rounds there are."""
    each = theirs.take("per_device_train_batch_size", default=8)
    more = theirs.take("gradient_accumulation_steps", default=1)
    learned = completions or each * more
    apart = take("steps_per_generation", more)
    drawn = take("generation_batch_size") or (completions * apart // more if completions else each * apart)
    again = take("num_iterations", 1)
    name = "per_device_train_batch_size" if completions is None else "micro_batch_size"
    if drawn % group or drawn % learned:
        theirs.say(
            name,
            f"{drawn} completions are drawn at a time, of which a step learns {learned}: no whole number of groups of {group}; set budget.batch_size, in prompts",
        )
        return
    parts = drawn // learned
    yield from (("budget.batch_size", drawn // group), ("recipe.minibatches", parts), ("recipe.epochs", again))
    rounds = parts * again
    for theirs_, ours in (("max_steps", "steps"), ("save_steps", "save_every"), ("eval_steps", "evaluate_every")):
        value = theirs.given.get(theirs_)
        if rounds > 1 and isinstance(value, int) and value > 0:
            theirs.take(theirs_)
            yield f"budget.{ours}", -(-value // rounds)  # theirs count gradient steps, ours rounds
    epochs(theirs, ("num_train_epochs", "num_epochs"), str(drawn // group), default=3.0)


def known(theirs: Theirs) -> bool:
    return theirs.has("model_name_or_path") and not theirs.has("stage", "finetuning_type")


trainer = Trainer(
    "TRL",
    known,
    write,
    {
        "max_length": "a row may fill the model's context; one that is longer is cut there and refused here, or what encoding.truncate says",
        "center_rewards_coefficient": "a penalty on the sum of a pair's scores is not offered",
        "no_remove_unused_columns": "every column is there for rewards and templates; leave it out",
        "use_vllm": "the policy draws by itself unless recipe.sampler.engine names vllm or a server; what TRL then corrects with is {part: corrected, ...}, as in recipe: tis",
    },
)
