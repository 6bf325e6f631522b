"""LLaMA-Factory's YAML: ``stage`` says the method, ``finetuning_type`` what is trained."""

from guerdon.interfaces.configuration.trainers import Settings, Theirs, Trainer
from guerdon.interfaces.configuration.trainers._transformers import adapters, epochs, optimising

STAGES = {"sft": "sft", "rm": "reward_model", "kto": "kto", "ppo": "ppo"}
PREFERENCES = {"sigmoid": "dpo", "hinge": "slic", "ipo": "ipo", "orpo": "orpo", "simpo": "simpo"}


def write(theirs: Theirs) -> Settings:
    take = theirs.take
    yield "model.source", take("model_name_or_path")
    stage, kind = take("stage", default="sft"), take("finetuning_type", default="lora")
    rank = take("lora_rank", default=8)
    alpha, dropout, targets = take("lora_alpha", default=2 * rank), take("lora_dropout", default=0.0), take("lora_target", default="all")
    targets = "all-linear" if targets == "all" else [name.strip() for name in targets.split(",")] if isinstance(targets, str) else targets
    if kind == "lora":
        yield from adapters(theirs, rank, alpha, dropout, targets, acts=stage == "ppo")
    elif kind != "full":
        theirs.say("finetuning_type", f"{kind!r} is neither lora nor full, which are what there is")
    yield from _rows(theirs)
    yield from _method(theirs, stage)
    rows, more = take("per_device_train_batch_size", default=8), take("gradient_accumulation_steps", default=1)
    yield from (("budget.batch_size", rows), ("budget.gradient_accumulation_steps", more))
    epochs(theirs, ("num_train_epochs",), str(rows * more), default=3.0)
    yield from optimising(theirs, 5e-5)


def _rows(theirs: Theirs) -> Settings:
    names = theirs.take("dataset", default="")
    names = names.split(",") if isinstance(names, str) else names
    folder = theirs.take("dataset_dir", default="data")
    if names and names[0]:
        places = [f"{folder}/{name.strip()}.json" for name in names]
        yield "task.path", places[0] if len(places) == 1 else places
        theirs.say(
            "dataset",
            f"names are looked up in {folder}/dataset_info.json there; task.path is the file, or the dataset of the hub, that stands in it",
        )
    if theirs.has("max_samples"):
        yield "task.max_rows", theirs.take("max_samples")
    if (held := theirs.take("val_size", default=0)) != 0:
        yield "task.held_out", held


def _method(theirs: Theirs, stage: str) -> Settings:
    beta, loss = theirs.take("pref_beta", default=0.1), theirs.take("pref_loss", default="sigmoid")
    if stage == "dpo" and loss not in PREFERENCES:
        theirs.say("pref_loss", f"{loss!r} is none of {', '.join(PREFERENCES)}; guerdon show recipes lists what there is; below it is dpo")
    base = PREFERENCES.get(loss, "dpo") if stage == "dpo" else STAGES.get(stage)
    if base is None:
        theirs.say(
            "stage",
            f"{stage!r} is none of {', '.join([*STAGES, 'dpo'])}; further pretraining on plain text is not offered; below it is sft",
        )
    yield "recipe.base", base or "sft"
    if stage not in ("dpo", "kto"):
        return
    if base == "orpo":  # its beta is the weight of the comparison
        yield "recipe.terms.1.weight", float(beta)
    elif base == "ipo":  # the mean over tokens
        yield "recipe.terms.0.loss.score", {"part": "mean_log_ratio", "beta": float(beta)}
    else:
        yield "recipe.terms.0.loss.score.beta", float(beta)
    if base == "simpo":
        yield "recipe.terms.0.loss.link.lead", float(theirs.take("simpo_gamma", default=0.5))
    if base == "dpo" and (smoothing := theirs.take("dpo_label_smoothing", default=0.0)):
        yield "recipe.terms.0.loss.link.label_smoothing", float(smoothing)
    if more := theirs.take("pref_ftx", default=0.0):
        theirs.say(
            "pref_ftx",
            f"imitating the chosen beside it is one term more: recipe.terms.1: {{loss: {{part: on_side}}, weight: {more:g}}}, as in recipe: cpo",
        )


_ENCODED = "rows are encoded as they are needed; leave it out"

trainer = Trainer(
    "LLaMA-Factory",
    lambda theirs: theirs.has("stage", "finetuning_type") and theirs.has("model_name_or_path"),
    write,
    {
        "template": "the template is the tokenizer's own, or model.chat_template: FILE.jinja",
        "cutoff_len": "a row may fill the model's context; one that is longer is cut there and refused here, or what encoding.truncate says",
        "quantization_*": "weights of 4 or 8 bits are not computed with; model.dtype: bfloat16 with model.lora needs two bytes a weight; leave it out",
        "overwrite_cache": _ENCODED,
        "preprocessing_*": _ENCODED,
        "plot_loss": "guerdon report draws every metric; leave it out",
        "train_on_prompt": "what is learned are the answers; see guerdon check",
        "mask_history": "turns that a row marks with train: false are not learned; see guerdon check",
        "neat_packing": "rows are always laid out without padding where the model allows it, and no result depends on it; leave it out",
        "flash_attn": "how layers are computed is found out by measuring and changes no result; leave it out",
        "use_unsloth*": "how layers are computed is found out by measuring and changes no result; leave it out",
        "adapter_name_or_path": "adapters to be trained on are named as the model: model.source",
        "reward_model*": "rewards are a section: reward: {name: {part: scorer, source: ...}}",
        "ppo_*": "what PPO does is its recipe: guerdon show ppo",
        "freeze_*": "what is trained is all, or model.lora",
    },
)
