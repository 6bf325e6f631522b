"""torchtune's YAML, whose parts are ``_component_``s: fine-tuning and DPO. ``epochs`` are passes over the rows there."""

from guerdon.interfaces.configuration.trainers import Settings, Theirs, Trainer
from guerdon.interfaces.configuration.trainers._transformers import rate

FORMATS = {"bf16": "bfloat16", "fp16": "float16", "fp32": "float32"}
LAYERS = {"output_proj": "o_proj"}  # called otherwise in the folder that is read here
MLP = ["gate_proj", "up_proj", "down_proj"]


def write(theirs: Theirs) -> Settings:
    take = theirs.take
    if theirs.has("checkpointer.checkpoint_dir"):
        yield "model.source", take("checkpointer.checkpoint_dir")
    if theirs.has("model.lora_rank"):
        some = [LAYERS.get(name, name) for name in take("model.lora_attn_modules", default=[])]
        some += MLP if take("model.apply_lora_to_mlp", default=False) else []
        some += ["lm_head"] if take("model.apply_lora_to_output", default=False) else []
        settings = {"r": take("model.lora_rank"), "lora_alpha": float(take("model.lora_alpha", default=16))}
        yield (
            "model.lora",
            {**settings, "lora_dropout": float(take("model.lora_dropout", default=0.0)), "target_modules": some or "all-linear"},
        )
        if take("model.use_dora", default=False):
            yield "model.lora.use_dora", True
    if (kind := take("dtype")) in FORMATS:
        yield "model.dtype", FORMATS[kind]
    if theirs.has("device"):
        yield "model.device", take("device")
    yield from _rows(theirs)
    yield from _method(theirs)
    yield from _optimiser(theirs)


def _rows(theirs: Theirs) -> Settings:
    take = theirs.take
    part = take("dataset._component_", default="")
    if place := take("dataset.data_files", "dataset.source"):
        yield "task.path", place
    else:
        yield "task.path", "rows.jsonl"
        theirs.say(
            "dataset._component_",
            f"{part} names its rows by itself; task.path is a file, a folder or a dataset of the hub, in the place of rows.jsonl",
        )
    if theirs.has("dataset.split"):
        yield "task.split", take("dataset.split")
    if theirs.has("dataset.column_map"):
        yield "task.columns", take("dataset.column_map")
    if theirs.has("shuffle"):
        yield "task.shuffle", take("shuffle")
    theirs.drop("dataset._component_")


def _method(theirs: Theirs) -> Settings:
    loss = theirs.take("loss._component_", default="")
    if "DPOLoss" in loss:
        yield from (("recipe.base", "dpo"), ("recipe.terms.0.loss.score.beta", float(theirs.take("loss.beta", default=0.1))))
        if smoothing := theirs.take("loss.label_smoothing", default=0.0):
            yield "recipe.terms.0.loss.link.label_smoothing", float(smoothing)
    elif not loss or "CrossEntropy" in loss:
        yield "recipe.base", "sft"
    else:
        theirs.say(
            "loss._component_", f"{loss} is none of those that are known here; guerdon show recipes lists what there is; below it is sft"
        )
        yield "recipe.base", "sft"
    rows, more = theirs.take("batch_size", default=2), theirs.take("gradient_accumulation_steps", default=1)
    yield from (("budget.batch_size", rows), ("budget.gradient_accumulation_steps", more))
    count, most = theirs.take("epochs", default=1), theirs.take("max_steps_per_epoch")
    if most:
        yield "budget.steps", count * most
        theirs.given["max_steps"] = count * most
    else:
        theirs.say(
            "epochs", f"a run is as long as its steps; {count} times through the rows are budget.steps = {count} * rows / {rows * more}"
        )


def _optimiser(theirs: Theirs) -> Settings:
    part = theirs.take("optimizer._component_", default="torch.optim.AdamW")
    if not part.endswith(".AdamW"):
        theirs.say(
            "optimizer._component_",
            f"{part} is recipe.optimiser: {{part: NAME}}; guerdon show training.optimisers lists what there is; below it is adamw",
        )
    theirs.take("optimizer.fused")
    value, decay = theirs.take("optimizer.lr", default=1e-3), theirs.take("optimizer.weight_decay", default=0.01)
    shape = theirs.take("lr_scheduler._component_", default="constant")
    kind = "cosine" if "cosine" in shape else "constant"
    warmup = theirs.take("lr_scheduler.num_warmup_steps", default=0)
    yield "recipe.optimiser.learning_rate", rate(theirs, value, kind, warmup, theirs.given.get("max_steps"))
    yield "recipe.optimiser.weight_decay", float(decay)
    clip = theirs.take("clip_grad_norm")
    yield "recipe.optimiser.max_grad_norm", 1e9 if clip is None else float(clip)  # nothing is cut there unless it is asked for


trainer = Trainer(
    "torchtune",
    lambda theirs: any(name.endswith("_component_") for name in theirs.given),
    write,
    {
        "tokenizer.*": "the tokenizer is what lies in model.source; leave it out",
        "model._component_": "the architecture is what lies in model.source; leave it out",
        "checkpointer.*": "what is read is what lies in model.source, and the run's folder holds what is saved; leave it out",
        "metric_logger.*": "metrics are in the run's folder (run: FOLDER); trackers are named by budget.report_to",
        "log_*": "every step is logged; leave it out",
        "profiler.*": "guerdon report shows how long each part of a step took; leave it out",
        "dataset.packed": "rows are always laid out without padding where the model allows it, and no result depends on it; leave it out",
        "dataset.*": "rows are the section task: {path: FILE, columns: {prompt: question}}; guerdon check shows what is learned of them",
        "compile": "how layers are computed is found out by measuring and changes no result; leave it out",
        "save_adapter_weights_only": "a run's model is whole, and a checkpoint's the adapters; leave it out",
        "custom_sharded_layers": "every tensor that is trained is split over the processes; leave it out",
        "model.*": "the architecture is what lies in model.source",
    },
)
