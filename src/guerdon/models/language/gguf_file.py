"""GGUF: a language model as one file for local servers (llama.cpp and what is built on it).

    export(policy, Path("model.gguf"), "q8_0")

The families that are written are those whose tensors and settings the format names as they are (Llama, Mistral without a window, Qwen2, Qwen3), with
byte-level tokenizers whose way to cut text the format knows by name. Others are refused: a file that nearly computes the model helps nobody.

Rotary positions: the format's Llama turns neighbouring numbers of a head by one angle, that of ``transformers`` the two halves of it. Rows of the query and key
projections are therefore written in another order (``interleaved``).

Source: the format's description in ggml; names of tensors and settings are the ``gguf`` package's, formats of numbers too.
"""

import copy
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from guerdon.errors import InputError, RunFailed
from guerdon.models.language.loading import silent
from guerdon.models.language.saving import merged
from guerdon.randomness import generator
from guerdon.sequences import Decoding

_LETTERS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"
_REST = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
# How text is cut before tokens are made, by the format's name for it: the parts of tokenizer.json that say it.
CUTS = {
    "gpt-2": [("ByteLevel", True)],
    "smollm": [("Digits", True), ("ByteLevel", True)],
    "qwen2": [("Split", f"{_LETTERS}\\p{{N}}{_REST}"), ("ByteLevel", False)],
    "llama-bpe": [("Split", f"{_LETTERS}\\p{{N}}{{1,3}}{_REST}"), ("ByteLevel", False)],
}
NUMBERS = {"f32": "F32", "f16": "F16", "bf16": "BF16", "q8_0": "Q8_0"}
APART = 0.3  # nats: a mean difference of log-probabilities, of tokens that the model draws, that no rounding makes


@dataclass(frozen=True)
class Family:
    """What the format calls a family, and whether its rotary positions turn neighbours."""

    name: str
    interleaved: bool


FAMILIES = {
    "llama": Family("llama", True),
    "mistral": Family("llama", True),
    "qwen2": Family("qwen2", False),
    "qwen3": Family("qwen3", False),
}


def export(policy: Any, path: Path, numbers: str = "f16") -> float:
    """Write a language model (its adapters merged), read the file back, and return the mean difference of log-probabilities in nats.

    Raises:
        InputError: the ``gguf`` package is missing, or the model or its tokenizer is one that is not written.
        RunFailed: what was read back is not the model.
    """
    try:
        import gguf
    except ImportError as error:
        raise InputError("GGUF files need a package that is not installed; pip install 'guerdon[gguf]'") from error
    if numbers not in NUMBERS:
        raise InputError(f"--dtype: {numbers!r} is none of {', '.join(NUMBERS)}")
    module = merged(copy.deepcopy(policy.module)) if policy.adapted else policy.module
    family = family_of(module.config)
    cut = cut_of(policy.tokenizer)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.stem}.draft.gguf")
    writer = gguf.GGUFWriter(str(draft), family.name)
    _settings(writer, module.config, path.stem)
    _tokens(writer, policy, cut, module.config.vocab_size)
    _tensors(writer, module, family, getattr(gguf.GGMLQuantizationType, NUMBERS[numbers]))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    try:
        apart = _read_back(policy, module, draft)
    except Exception:
        draft.unlink()
        raise
    if not apart < APART:
        draft.unlink()
        raise RunFailed(
            f"{path} was not written: read back, its log-probabilities differ by {apart:.3g} nats on average; try --dtype f32, and report it"
        )
    draft.replace(path)
    return apart


def family_of(config: Any) -> Family:
    """The family in the format's words.

    Raises:
        InputError: it is none that is written, or has something that the format cannot say.
    """
    kind = config.model_type
    if kind not in FAMILIES:
        raise InputError(
            f"a {kind} model is not written as GGUF here, only {', '.join(FAMILIES)}; use llama.cpp's own converter on the folder"
        )
    rope = getattr(config, "rope_parameters", None) or {}
    odd = {
        "biases in its attention": getattr(config, "attention_bias", False),
        "biases in its feed-forward layers": getattr(config, "mlp_bias", False),
        "a sliding window": getattr(config, "sliding_window", None) is not None and getattr(config, "use_sliding_window", True),
        "stretched positions": rope.get("rope_type", "default") != "default",
        "another activation than SiLU": config.hidden_act != "silu",
    }
    found = [what for what, there in odd.items() if there]
    if found:
        raise InputError(
            f"this {kind} model has {' and '.join(found)}, which is not written as GGUF here; use llama.cpp's own converter on the folder"
        )
    return FAMILIES[kind]


def cut_of(tokenizer: Any) -> str:
    """How the tokenizer cuts text, in the format's words.

    Raises:
        InputError: it is no byte-level tokenizer, or cuts in a way that has no name.
    """
    whole = json.loads(tokenizer.backend_tokenizer.to_str()) if getattr(tokenizer, "backend_tokenizer", None) is not None else {}
    model, before = whole.get("model") or {}, whole.get("pre_tokenizer") or {}
    steps = before.get("pretokenizers", [before])
    said = [(step.get("type"), _how(step)) for step in steps]
    found = next((name for name, own in CUTS.items() if said == own), None)
    if model.get("type") != "BPE" or model.get("byte_fallback") or found is None:
        raise InputError(
            f"its tokenizer ({model.get('type', 'unknown')}, cut by {' and '.join(str(kind) for kind, _ in said)}) has no name in GGUF here, only byte-level "
            "ones as in GPT-2, Llama 3, Qwen2 and SmolLM; use llama.cpp's own converter on the folder"
        )
    return found


def _how(step: dict[str, Any]) -> Any:
    pattern = step.get("pattern") or {}
    by_kind = {"ByteLevel": step.get("use_regex", True), "Digits": step.get("individual_digits"), "Split": pattern.get("Regex")}
    return by_kind.get(step.get("type"))


def _settings(writer: Any, config: Any, name: str) -> None:
    heads = config.num_attention_heads
    width = getattr(config, "head_dim", None) or config.hidden_size // heads
    rope = getattr(config, "rope_parameters", None) or {}
    writer.add_name(name)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(width)
    writer.add_value_length(width)
    writer.add_rope_dimension_count(width)
    writer.add_rope_freq_base(float(rope.get("rope_theta", 10_000.0)))
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(config.vocab_size)


def _tokens(writer: Any, policy: Any, cut: str, size: int) -> None:
    from gguf import TokenType

    tokenizer = policy.tokenizer
    whole = json.loads(tokenizer.backend_tokenizer.to_str())
    added = {token["id"]: token for token in whole.get("added_tokens", [])}
    by_id = {i: token for token, i in tokenizer.get_vocab().items()}
    texts, kinds = [], []
    for i in range(size):
        texts.append(by_id.get(i, f"[PAD{i}]"))
        special = added.get(i, {}).get("special")
        kinds.append(
            TokenType.UNUSED
            if i not in by_id
            else TokenType.CONTROL
            if special
            else TokenType.USER_DEFINED
            if i in added
            else TokenType.NORMAL
        )
    merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in whole["model"]["merges"]]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(cut)
    writer.add_token_list(texts)
    writer.add_token_types(kinds)
    writer.add_token_merges(merges)
    for add, token in (
        (writer.add_bos_token_id, tokenizer.bos_token_id),
        (writer.add_eos_token_id, tokenizer.eos_token_id),
        (writer.add_pad_token_id, tokenizer.pad_token_id),
        (writer.add_eot_token_id, next((t for t in policy.ends.tolist() if t != tokenizer.eos_token_id), None)),
    ):
        if token is not None:
            add(int(token))
    writer.add_add_bos_token(tokenizer.bos_token_id is not None and tokenizer("a").input_ids[:1] == [tokenizer.bos_token_id])
    if isinstance(tokenizer.chat_template, str):
        writer.add_chat_template(tokenizer.chat_template)


def _tensors(writer: Any, module: Any, family: Family, numbers: Any) -> None:
    import gguf

    config = module.config
    kind = next(k for k, name in gguf.MODEL_ARCH_NAMES.items() if name == family.name)
    names = gguf.get_tensor_name_map(kind, config.num_hidden_layers)
    tied = config.tie_word_embeddings
    for name, tensor in module.state_dict().items():
        if name == "lm_head.weight" and tied:
            continue
        written = names.get_name(name, try_suffixes=(".weight", ".bias"))
        if written is None:
            raise InputError(f"the tensor {name} has no name in GGUF; use llama.cpp's own converter on the folder")
        values = tensor.detach().float().cpu()
        if family.interleaved and (".q_proj." in name or ".k_proj." in name):
            values = interleaved(values, config.num_attention_heads if ".q_proj." in name else config.num_key_value_heads)
        _add(writer, written, values.contiguous().numpy(), numbers)


def interleaved(rows: Tensor, heads: int) -> Tensor:
    """Rows of a projection [heads * width, ...] with the halves of each head taken alternately."""
    return rows.reshape(heads, 2, -1, *rows.shape[1:]).transpose(1, 2).reshape(rows.shape)


def _add(writer: Any, name: str, values: np.ndarray, numbers: Any) -> None:
    """Vectors stay as they are, and so do matrices whose rows do not divide into the format's blocks."""
    import gguf

    block = gguf.GGML_QUANT_SIZES[numbers][0]
    if values.ndim == 1 or values.shape[-1] % block:
        numbers = gguf.GGMLQuantizationType.F32
    writer.add_tensor(name, gguf.quants.quantize(values, numbers), raw_dtype=numbers)


def _read_back(policy: Any, module: Any, path: Path) -> float:
    """The mean difference of log-probabilities on tokens that the model draws, between it and the file that was made of it."""
    from transformers import AutoModelForCausalLM, GgufConfig

    try:
        with silent():
            again = AutoModelForCausalLM.from_pretrained(
                path.parent, gguf_file=path.name, dtype=torch.float32, quantization_config=GgufConfig(dequantize=True)
            )
    except (OSError, ValueError, RuntimeError) as error:
        raise RunFailed(
            f"the file cannot be read back ({str(error).splitlines()[0]}); use llama.cpp's own converter on the folder"
        ) from error
    steps = min(32, policy.context_length - 1)
    first = policy.tokenizer.bos_token_id or 0
    uniforms = torch.rand(4, steps, generator=generator(0, "gguf"))
    drawn = policy.sample([torch.tensor([first])], torch.zeros(4, dtype=torch.long), Decoding(steps), uniforms)
    apart = []
    for actions, length in zip(drawn.actions, drawn.length.tolist(), strict=True):
        ids = torch.cat([torch.tensor([first]), actions[:length]])[None]
        with torch.no_grad():
            here, there = (m.float().eval()(ids.to(next(m.parameters()).device)).logits.log_softmax(-1).cpu() for m in (module, again))
        apart.append((here - there)[:, :-1].gather(-1, ids[:, 1:, None]).abs().flatten())
    return float(torch.cat(apart).mean())
