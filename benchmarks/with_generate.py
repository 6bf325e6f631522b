"""Sampling as a user of ``transformers`` alone does it: ``generate``. It stands in TRL's column, and needs no TRL."""

import json
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from benchmarks.memory import Peak
from benchmarks.outcome import Clock, Outcome
from benchmarks.settings import Setting
from benchmarks.workloads import Job


def run(job: Job, setting: Setting, model: Path, rows: Path, work: Path, steps: int, device: str) -> Outcome:
    """Text of prompts in, text of completions out."""
    tokenizer = AutoTokenizer.from_pretrained(model, padding_side="left")
    dtype = torch.bfloat16 if setting.precision == "bf16" else torch.float32
    module = AutoModelForCausalLM.from_pretrained(model, dtype=dtype).to(device).eval()
    prompts = [json.loads(line)["prompt"] for line in rows.read_text().splitlines()]
    lengths: list[int] = []
    cache = {"cache_implementation": "static"} if setting.static else {}
    torch.manual_seed(0)
    with Peak(device != "cpu") as peak:
        clock = Clock()
        for step in range(steps):
            some = prompts[step * job.rows : (step + 1) * job.rows]
            inputs = tokenizer(some, return_tensors="pt", padding=True, return_token_type_ids=False).to(device)
            with torch.no_grad():
                out = module.generate(
                    **inputs,
                    **cache,
                    do_sample=True,
                    top_k=0,
                    top_p=1.0,
                    max_new_tokens=job.longest,
                    num_return_sequences=job.group,
                )
            completions = out[:, inputs["input_ids"].shape[1] :]
            tokenizer.batch_decode(completions, skip_special_tokens=True)
            lengths += [length_of(row, tokenizer.eos_token_id) for row in completions.tolist()]
            clock.tick()
            peak.mark()
    return Outcome(clock.seconds, lengths, peak.above, peak.helpers, peak.idle)


def length_of(tokens: list[int], end: int) -> int:
    """Tokens up to the end, with it."""
    return tokens.index(end) + 1 if end in tokens else len(tokens)
