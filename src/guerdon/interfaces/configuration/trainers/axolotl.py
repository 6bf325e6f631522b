"""axolotl's YAML: supervised fine-tuning, preferences (``rl: dpo`` and its like), reward models and GRPO (``trl:``)."""

from typing import Any

from guerdon.interfaces.configuration.trainers import Settings, Theirs, Trainer
from guerdon.interfaces.configuration.trainers._transformers import adapters, epochs, optimising
from guerdon.interfaces.configuration.trainers.trl import acting

RECIPES = {"dpo": "dpo", "ipo": "ipo", "kto": "kto", "simpo": "simpo", "orpo": "orpo", "grpo": "grpo"}


def write(theirs: Theirs) -> Settings:
    take = theirs.take
    yield "model.source", take("base_model")
    kind = take("adapter")
    names = {"r": take("lora_r", default=8), "alpha": take("lora_alpha", default=16), "dropout": take("lora_dropout", default=0.0)}
    whole = take("lora_target_linear", default=False)
    targets = "all-linear" if whole else take("lora_target_modules")
    rl = take("rl")
    if kind in ("lora", "qlora"):
        yield from adapters(theirs, **names, targets=targets, acts=rl == "grpo")
    elif kind:
        theirs.say("adapter", f"{kind!r} is none of the adapters here; model.lora is")
    yield from _rows(theirs)
    rows, more = take("micro_batch_size", default=1), take("gradient_accumulation_steps", default=1)
    if rl == "grpo":
        theirs.left.pop("num_epochs", None)
        yield from acting(theirs, "grpo", "trl.", completions=rows * more)
        epochs(theirs, ("num_epochs",), "budget.batch_size", default=1.0)
    else:
        yield from _method(theirs, rl)
        yield from (("budget.batch_size", rows), ("budget.gradient_accumulation_steps", more))
        epochs(theirs, ("num_epochs",), str(rows * more), default=1.0)
    yield from optimising(theirs, 1e-5, schedule="cosine", warmup=0.03)
    bf16 = take("bf16")
    if bf16 is not None and bf16 is not False:
        yield "model.dtype", "auto" if bf16 == "auto" else "bfloat16"


def _method(theirs: Theirs, rl: Any) -> Settings:
    beta = theirs.take("rl_beta", "dpo_beta", default=0.1)
    if theirs.take("reward_model", default=False):
        yield "recipe.base", "reward_model"
        for name in ("model_type", "num_labels"):
            theirs.take(name)
        return
    if rl is None:
        yield "recipe.base", "sft"
        return
    if rl not in RECIPES:
        theirs.say("rl", f"{rl!r} is none of {', '.join(RECIPES)}; guerdon show recipes lists what there is; below it is dpo")
    base = RECIPES.get(rl, "dpo")
    yield "recipe.base", base
    if base == "orpo":  # its weight is called beta or alpha there, and its score has no scale
        yield "recipe.terms.1.weight", float(theirs.take("orpo_alpha", default=beta))
    elif base == "ipo":  # the mean over tokens, as in TRL
        yield "recipe.terms.0.loss.score", {"part": "mean_log_ratio", "beta": float(beta)}
    else:
        yield "recipe.terms.0.loss.score.beta", float(beta)
    if base == "simpo":
        yield "recipe.terms.0.loss.link.lead", float(theirs.take("simpo_gamma", default=0.5))
    for name in ("kto_desirable_weight", "kto_undesirable_weight"):
        if base == "kto" and theirs.has(name):
            yield f"recipe.terms.0.loss.verdict.{name.removeprefix('kto_')}", float(theirs.take(name))


def _rows(theirs: Theirs) -> Settings:
    """Files or datasets of the hub; what their columns mean is found out from their names here."""
    tasks = []
    for item in theirs.take("datasets", default=[]):
        if not isinstance(item, dict):
            continue
        path = item.get("data_files") or item.get("path")
        tasks.append({"path": path, **{k: item[k] for k in ("name", "split") if item.get(k) is not None}})
        theirs.say(
            f"datasets: {path}",
            f"type {item.get('type')!r} is seen from the columns here (Alpaca, ShareGPT, messages, prompt and completion, pairs); where they are called otherwise, "
            "task.columns: {prompt: question} gives them their names",
        )
    if len(tasks) == 1:
        for key, value in tasks[0].items():
            yield f"task.{key}", value
        if theirs.has("val_set_size"):
            yield "task.held_out", theirs.take("val_set_size")
    elif tasks:
        yield "task", tasks


trainer = Trainer(
    "axolotl",
    lambda theirs: theirs.has("base_model"),
    write,
    {
        "chat_template": "the template is the tokenizer's own, or model.chat_template: FILE.jinja",
        "sequence_len": "a row may fill the model's context; one that is longer is refused here, or what encoding.truncate says",
        "special_tokens.*": "tokens are added where the model is made: save it with its tokenizer, and name that folder as model.source",
        "loss_watchdog_*": "a step whose loss or gradient is no number is passed over and counted; leave it out",
        "num_labels": "a reward model has one number; classes are a model {part: headed, head: {part: categories, count: N}}",
        "trl.use_vllm": "the policy draws by itself unless recipe.sampler.engine names vllm or a server; what TRL then corrects with is {part: corrected, ...}, as in recipe: tis",
        "vllm.*": "who draws is part of the sampler: recipe.sampler.engine={part: vllm, ...} in this process, {part: server, ...} elsewhere; see the page on servers",
    },
)
