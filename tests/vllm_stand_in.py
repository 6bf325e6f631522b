"""A stand-in of vLLM, for machines on which it does not run: a small part of its public Python interface, as it was read in the sources of 0.20.2, 0.27.1 and 0.33.0.
The real one was not run here.

What was read, and is kept:

* ``LLM(model, *, ...)`` takes its own arguments by name and hands the rest on to ``EngineArgs``, which takes those that it knows and no others.
* An engine lives in this process where ``VLLM_ENABLE_V1_MULTIPROCESSING`` is 0 when it is built; in another process no function can be sent to it without
  ``VLLM_ALLOW_INSECURE_SERIALIZATION``.
* ``apply_model(func)`` gives a list, the function's result on each worker. A worker's model has ``load_weights``: pairs of a checkpoint's names and tensors in, the names of
  its own parameters that were written into out; projections that are read together are one parameter, and an embedding has rows of zeros up to a multiple of 64.
* ``load_format="dummy"`` fills the weights with random numbers of at most 0.001.
* ``sleep(level=2)`` forgets weights and keys and values; ``wake_up(tags=["weights"])`` gives room for the one, ``wake_up(tags=["kv_cache"])`` for the other. Both need
  ``enable_sleep_mode``, and an engine that is not wholly awake computes nothing.
* ``generate(prompts, sampling_params, *, use_tqdm)`` gives a ``RequestOutput`` for each prompt, in their order; a prompt is a dictionary with
  ``prompt_token_ids``. What is not in the range of a ``SamplingParams`` is a ``ValueError``; an argument that it does not have is a ``TypeError``.
* ``logprobs=0``: for each token of a completion a dictionary that holds the log-probability of the token drawn. ``prompt_logprobs=0``: the same for each
  token of the prompt, None for the first.
* Processed log-probabilities are of temperature, then ``min_p``, then ``top_k``, then ``top_p``; at temperature 0 of temperature 1, and so are a prompt's.
* A token of ``stop_token_ids`` ends a completion, belongs to it, and is its ``stop_reason``; ``finish_reason`` is "stop" or "length", and "length" also
  where ``max_model_len`` is reached.
* Beginnings that were computed before are used again, until ``reset_prefix_cache``.
"""

import os
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

__version__ = "0.33.0"

BUILT: list["LLM"] = []
_ENGINE_ARGUMENTS = {  # of EngineArgs, those that a user may want besides LLM's own
    "async_scheduling", "disable_log_stats", "distributed_executor_backend", "enable_chunked_prefill", "enable_prefix_caching", "enable_sleep_mode", "generation_config",
    "load_format", "logprobs_mode", "max_logprobs", "max_model_len", "max_num_batched_tokens", "max_num_seqs", "model_impl", "pipeline_parallel_size", "worker_extension_cls",
}  # fmt: skip


@dataclass
class Logprob:
    logprob: float
    rank: int | None = None
    decoded_token: str | None = None


@dataclass
class CompletionOutput:
    index: int
    text: str
    token_ids: list[int]
    cumulative_logprob: float | None
    logprobs: list[dict[int, Logprob]] | None
    finish_reason: str | None = None
    stop_reason: int | str | None = None


@dataclass
class RequestOutput:
    request_id: str
    prompt: str | None
    prompt_token_ids: list[int] | None
    prompt_logprobs: list[dict[int, Logprob] | None] | None
    outputs: list[CompletionOutput]
    finished: bool = True


@dataclass(kw_only=True)
class SamplingParams:
    n: int = 1
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    repetition_penalty: float = 1.0
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    seed: int | None = None
    stop: str | list[str] | None = None
    stop_token_ids: list[int] | None = None
    ignore_eos: bool = False
    max_tokens: int | None = 16
    min_tokens: int = 0
    logprobs: int | None = None
    prompt_logprobs: int | None = None
    detokenize: bool = True
    skip_special_tokens: bool = True
    output_kind: Any = None
    extra_args: dict[str, Any] | None = field(default=None)

    def __post_init__(self):
        if not 0 <= self.temperature <= 2:
            raise ValueError(f"temperature must be in [0, 2], got {self.temperature}.")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p must be in (0, 1], got {self.top_p}.")
        if self.top_k < -1 or not isinstance(self.top_k, int):
            raise ValueError(f"top_k must be 0 (disable), or at least 1, got {self.top_k}.")
        if not 0 <= self.min_p <= 1:
            raise ValueError(f"min_p must be in [0, 1], got {self.min_p}.")
        if self.max_tokens is not None and self.max_tokens < 1:
            raise ValueError(f"max_tokens must be at least 1, got {self.max_tokens}.")
        if 0 < self.temperature < 0.01:
            self.temperature = 0.01
        self.stop_token_ids = list(dict.fromkeys(self.stop_token_ids or []))


class Model(nn.Module):
    """A Llama in vLLM's form, which computes with transformers' own."""

    joined = (("qkv_proj", ("q_proj", "k_proj", "v_proj")), ("gate_up_proj", ("gate_proj", "up_proj")))

    def __init__(self, config: Any, dtype: torch.dtype):
        from transformers import AutoModelForCausalLM

        super().__init__()
        self.plain = [AutoModelForCausalLM.from_config(config, dtype=dtype).eval()]  # in a list: no parameter of this module
        shapes: dict[str, list[int]] = {}
        for name, value in self.plain[0].named_parameters():
            own, _ = self._place(name)
            rows = -(-value.shape[0] // 64) * 64 if name.endswith(("embed_tokens.weight", "lm_head.weight")) else value.shape[0]
            shapes[own] = [rows + shapes.get(own, [0])[0], *value.shape[1:]]
        for name, shape in shapes.items():
            self.register_parameter(
                name.replace(".", "-"), nn.Parameter(torch.empty(shape, dtype=dtype).uniform_(-1e-3, 1e-3), requires_grad=False)
            )

    def named_parameters(self, *args, **named):
        return ((name.replace("-", "."), value) for name, value in super().named_parameters(*args, **named))

    def _place(self, name: str) -> tuple[str, str]:
        """The parameter that a checkpoint's name belongs to, and its part of it."""
        for own, parts in self.joined:
            for part in parts:
                if f".{part}." in name:
                    return name.replace(part, own), part
        return name, ""

    def load_weights(self, weights) -> set[str]:
        own, taken = dict(self.named_parameters()), set()
        for name, value in weights:
            place, part = self._place(name)
            rows = self._rows(own[place], place, part, value.shape[0])
            own[place].data[rows].copy_(value)
            own[place].data[rows.stop :].zero_() if not part else None
            taken.add(place)
        return taken

    def _rows(self, own, place, part, count) -> slice:
        if not part:
            return slice(0, count)
        plain = dict(self.plain[0].named_parameters())
        begin = 0
        for each in next(parts for joined, parts in self.joined if joined in place):
            size = plain[place.replace(next(j for j, p in self.joined if each in p), each)].shape[0]
            if each == part:
                return slice(begin, begin + size)
            begin += size
        raise KeyError(part)

    @torch.no_grad()
    def logits(self, tokens: list[int]) -> torch.Tensor:
        own = dict(self.named_parameters())
        for name, value in self.plain[0].named_parameters():
            place, part = self._place(name)
            value.copy_(own[place][self._rows(own[place], place, part, value.shape[0])])
        return self.plain[0](torch.tensor([tokens])).logits[0].float()


class LLM:
    def __init__(
        self,
        model: str,
        *,
        tokenizer: str | None = None,
        skip_tokenizer_init: bool = False,
        trust_remote_code: bool = False,
        tensor_parallel_size: int = 1,
        dtype: str = "auto",
        quantization: str | None = None,
        seed: int = 0,
        gpu_memory_utilization: float = 0.92,
        enforce_eager: bool = False,
        hf_overrides: Any = None,
        compilation_config: Any = None,
        **kwargs: Any,
    ):
        from transformers import AutoConfig

        for name in kwargs:
            if name not in _ENGINE_ARGUMENTS:
                raise TypeError(f"EngineArgs.__init__() got an unexpected keyword argument {name!r}")
        self.arguments = {**kwargs, "dtype": dtype, "gpu_memory_utilization": gpu_memory_utilization}
        config = AutoConfig.from_pretrained(model)
        if not config.architectures:
            raise ValueError("No model architectures are specified")
        if config.architectures != ["LlamaForCausalLM"]:
            raise ValueError(f"Model architectures {config.architectures} are not supported for now.")
        if not skip_tokenizer_init:
            raise OSError(f"Can't load tokenizer for {model!r}.")
        if kwargs.get("load_format") != "dummy":
            raise RuntimeError(f"Cannot find any model weights with `{model}`")
        torch.manual_seed(seed)
        self.in_process = os.environ.get("VLLM_ENABLE_V1_MULTIPROCESSING", "1") == "0"
        self.model = Model(config, getattr(torch, dtype))
        self.longest = kwargs.get("max_model_len") or config.max_position_embeddings
        self.processed = kwargs.get("logprobs_mode", "raw_logprobs") == "processed_logprobs"
        self.awake, self.cached, self.log = {"weights", "kv_cache"}, {}, ["built"]
        BUILT.append(self)

    def apply_model(self, func) -> list[Any]:
        if not self.in_process:
            raise TypeError(
                f"Object of type {type(func)} is not serializable. Set VLLM_ALLOW_INSECURE_SERIALIZATION=1 to allow fallback to pickle."
            )
        if "weights" not in self.awake:
            raise RuntimeError("CUDA error: an illegal memory access was encountered")
        self.log.append("weights sent")
        return [func(self.model)]

    def sleep(self, level: int = 1, mode: str = "abort") -> None:
        self._can_sleep()
        self.log.append(f"asleep {level}")
        self.awake.clear()
        self.cached.clear()
        if level == 2:
            for value in self.model.parameters():
                value.fill_(torch.nan)

    def wake_up(self, tags: list[str] | None = None) -> bool:
        self._can_sleep()
        for tag in tags or ("weights", "kv_cache"):
            if tag not in ("weights", "kv_cache", "scheduling"):
                raise ValueError(f"unknown tag {tag}")
            self.awake.add(tag)
        return len(self.awake) == 2

    def _can_sleep(self) -> None:
        if not self.arguments.get("enable_sleep_mode"):
            raise ValueError("Sleep mode is not enabled. Please set `enable_sleep_mode`.")

    def reset_prefix_cache(self, reset_running_requests: bool = False, reset_connector: bool = False) -> bool:
        self.cached.clear()
        return True

    def generate(self, prompts, sampling_params=None, *, use_tqdm=True, lora_request=None, priority=None) -> list[RequestOutput]:
        if self.awake != {"weights", "kv_cache"}:
            raise RuntimeError("CUDA error: an illegal memory access was encountered")
        if isinstance(sampling_params, list) and len(sampling_params) != len(prompts):
            raise ValueError("The lengths of prompts and params must be the same.")
        each = sampling_params if isinstance(sampling_params, list) else [sampling_params] * len(prompts)
        self.log.append(f"asked for {len(prompts)}")
        return [self._answer(str(i), prompt["prompt_token_ids"], how) for i, (prompt, how) in enumerate(zip(prompts, each, strict=True))]

    def _answer(self, name: str, prompt: list[int], how: SamplingParams) -> RequestOutput:
        if len(prompt) >= self.longest:
            raise ValueError(f"The decoder prompt (length {len(prompt)}) is longer than the maximum model length of {self.longest}.")
        before = None
        if how.prompt_logprobs is not None:
            logp = self.model.logits(prompt).log_softmax(-1)
            before = [None, *({token: Logprob(float(logp[i, token]))} for i, token in enumerate(prompt[1:]))]
        numbers = torch.Generator().manual_seed(how.seed) if how.seed is not None else None
        drawn, told, reason, stop = [], [], "length", None
        while len(drawn) < how.max_tokens and len(prompt) + len(drawn) < self.longest:
            logits = self._next(tuple(prompt) + tuple(drawn))
            logp = _processed(logits, how)
            token = int(logits.argmax()) if how.temperature == 0 else int(torch.multinomial(logp.exp(), 1, generator=numbers))
            shown = logp if self.processed else logits.log_softmax(-1)
            drawn.append(token)
            told.append({token: Logprob(float(shown[token]))})
            if token in how.stop_token_ids:
                reason, stop = "stop", token
                break
        out = CompletionOutput(0, "", drawn, None, told if how.logprobs is not None else None, reason, stop)
        return RequestOutput(name, None, prompt, before, [out])

    def _next(self, tokens: tuple[int, ...]) -> torch.Tensor:
        if tokens not in self.cached:
            self.cached[tokens] = self.model.logits(list(tokens))[-1]
        return self.cached[tokens]


def _processed(logits: torch.Tensor, how: SamplingParams) -> torch.Tensor:
    if how.temperature == 0:
        return logits.log_softmax(-1)
    logits = logits / how.temperature
    p = logits.softmax(-1)
    logits = logits.masked_fill(p < how.min_p * p.max(), -torch.inf)
    if how.top_k > 0:
        logits = logits.masked_fill(logits < logits.topk(min(how.top_k, len(logits))).values[-1], -torch.inf)
    ordered, order = logits.softmax(-1).sort(descending=True)
    out = order[(ordered.cumsum(-1) - ordered) >= how.top_p] if how.top_p < 1 else order[:0]
    return logits.index_fill(0, out, -torch.inf).log_softmax(-1)
