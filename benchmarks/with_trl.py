"""A job as a user of TRL runs it: its trainer on the same file, its defaults but for what a setting names.

Differs from TRL's defaults in every setting: no gradient checkpointing unless the setting asks for it (it costs about a fifth of the time and is
a default for models larger than these), no intermediate saving, logging at every step (as here). Batch, lengths and learning rate are the job's.
"""

from pathlib import Path
from typing import Any

import torch
from datasets import load_dataset
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer, TrainerCallback, logging
from trl import DPOConfig, DPOTrainer, GRPOConfig, GRPOTrainer, RewardConfig, RewardTrainer, SFTConfig, SFTTrainer

from benchmarks.memory import Peak
from benchmarks.outcome import Clock, Outcome
from benchmarks.results import SKIPPED
from benchmarks.rows import even_share
from benchmarks.settings import Setting
from benchmarks.workloads import Job

TRAINERS = {"dpo": (DPOTrainer, DPOConfig), "reward": (RewardTrainer, RewardConfig), "sft": (SFTTrainer, SFTConfig)}
TRAINERS["grpo"] = (GRPOTrainer, GRPOConfig)


class Watched(TrainerCallback):
    """A callback that looks at the clock."""

    def __init__(self, peak: Peak):
        self.clock, self.peak = Clock(), peak

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        self.clock.start()

    def on_step_end(self, *_: Any, **__: Any) -> None:
        if len(self.clock.seconds) == SKIPPED - 1:
            self.peak.look()
        self.clock.tick()
        self.peak.mark()


def run(job: Job, setting: Setting, model: Path, rows: Path, work: Path, steps: int, device: str) -> Outcome:
    """Run the job and say how it went."""
    logging.disable_progress_bar()
    tokenizer = AutoTokenizer.from_pretrained(model)
    module = load(job, setting, model, tokenizer)
    data = load_dataset("json", data_files=str(rows), split="train")
    lengths: list[int] = []

    def even(completions: list[str], completion_ids: list[list[int]], **columns: Any) -> list[float]:
        lengths.extend(map(len, completion_ids))
        return even_share(completions)

    trainer, config = TRAINERS[job.kind]
    extra: dict[str, Any] = {"reward_funcs": even} if job.kind == "grpo" else {}
    if job.size.lora:
        from peft import LoraConfig

        task = "SEQ_CLS" if job.kind == "reward" else "CAUSAL_LM"
        extra["peft_config"] = LoraConfig(r=job.size.lora, lora_alpha=2 * job.size.lora, target_modules="all-linear", task_type=task)
    with Peak(device != "cpu") as peak:
        watched = Watched(peak)
        arguments = config(**options(job, setting, work, steps, device))
        trainer(module, args=arguments, train_dataset=data, processing_class=tokenizer, callbacks=[watched], **extra).train()
    return Outcome(watched.clock.seconds, lengths, peak.above, peak.helpers, peak.idle)


def load(job: Job, setting: Setting, model: Path, tokenizer: Any) -> Any:
    """The model, its frozen weights in the precision of the setting and trained ones in float32."""
    dtype = torch.bfloat16 if job.size.lora and setting.precision == "bf16" else torch.float32
    if job.kind == "reward":
        return AutoModelForSequenceClassification.from_pretrained(model, num_labels=1, pad_token_id=tokenizer.pad_token_id, dtype=dtype)
    attention = {"attn_implementation": "flash_attention_2"} if setting.packed else {}
    return AutoModelForCausalLM.from_pretrained(model, dtype=dtype, **attention)


def options(job: Job, setting: Setting, work: Path, steps: int, device: str) -> dict[str, Any]:
    """What the trainer is configured with."""
    batch = job.rows * job.group
    if setting.packed:  # as many tokens as the texts of a step have on average, in rows that are full but for a few per cent
        batch = max(job.rows * (job.shortest + job.longest) // 2 // job.longest, 1)
    own: dict[str, Any] = {"max_length": job.prompt + job.longest} if job.kind != "grpo" else {}
    if job.kind == "grpo":
        own = {"num_generations": job.group, "max_completion_length": job.longest}
    if setting.packed:
        own["packing"] = True
    if job.kind == "sft" and setting.grouped:
        own["train_sampling_strategy"] = "group_by_length"
    return own | {
        "output_dir": str(work),
        "max_steps": steps,
        "per_device_train_batch_size": max(batch // setting.parts, 1),
        "gradient_accumulation_steps": min(setting.parts, batch),
        "learning_rate": {"dpo": 1e-6, "reward": 1e-5, "sft": 2e-5, "grpo": 1e-6}[job.kind],
        "bf16": setting.precision == "bf16",
        "use_cpu": device == "cpu",
        "gradient_checkpointing": setting.checkpointing,
        "logging_steps": 1,
        "report_to": "none",
        "save_strategy": "no",
        "disable_tqdm": True,
        "seed": 0,
    }
