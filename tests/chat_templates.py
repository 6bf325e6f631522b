"""Chat templates of a dozen families, written small from what is known of them, and what an assistant's turn is under each.

``said(message, variables)`` is the text that is to be learned of an assistant's turn, worked out by hand from the family's habits and not by rendering: what
the model says after the generation prompt, through the token that ends it. None: the template cannot say it, so the row has to be refused.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

TEMPLATES = Path(__file__).parent / "templates"
Said = Callable[[dict[str, Any], dict[str, Any]], str | None]


@dataclass(frozen=True, eq=False)
class Family:
    """A template with its tokens, and the variables that it knows of. ``tools`` and ``names`` say that it writes those."""

    file: str  # of the template, in the folder beside this file
    said: Said
    eos: str
    special: tuple[str, ...] = ()
    bos: str | None = None
    variables: tuple[dict[str, Any], ...] = ({},)
    tools: bool = False
    names: bool = False
    closes: bool = True  # the template ends each turn by itself


@cache
def tokenizer(family: Family) -> Any:
    """A tokenizer of bytes, with one token for two new lines, as most have, and the family's own special tokens."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {c: i for i, c in enumerate([*alphabet, "ĊĊ"])}
    core = Tokenizer(models.BPE(vocab=vocabulary, merges=[("Ċ", "Ċ")]))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    core.decoder = decoders.ByteLevel()
    core.add_special_tokens(
        [AddedToken(t, special=True) for t in dict.fromkeys([family.eos, *([family.bos] if family.bos else []), *family.special])]
    )
    made = PreTrainedTokenizerFast(tokenizer_object=core, eos_token=family.eos, bos_token=family.bos, clean_up_tokenization_spaces=False)
    made.chat_template = (TEMPLATES / f"{family.file}.jinja").read_text()
    return made


def thoughts(message: dict[str, Any]) -> str | None:
    return message.get("reasoning_content")


def content(message: dict[str, Any]) -> str:
    return message["content"] or ""


def only_words(end: str, change: Callable[[str], str] = str) -> Said:
    """A template that writes words and nothing else."""

    def said(message: dict[str, Any], variables: dict[str, Any]) -> str | None:
        return None if thoughts(message) or message.get("tool_calls") else change(content(message)) + end

    return said


def _arguments(call: dict[str, Any]) -> str:
    given = call["function"]["arguments"]
    return json.dumps(given if isinstance(given, dict) else json.loads(given), ensure_ascii=False)


def llama3(message: dict[str, Any], variables: dict[str, Any]) -> str | None:
    calls = message.get("tool_calls") or []
    if thoughts(message) or len(calls) > 1 or (calls and content(message).strip()):
        return None  # beside a call the words are left out
    if calls:
        return f'{{"name": "{calls[0]["function"]["name"]}", "parameters": {_arguments(calls[0])}}}<|eot_id|>'
    return content(message).strip() + "<|eot_id|>"


def opened(end: str, gap: str = "\n", calls: Said | None = None, change: Callable[[str], str] = str) -> Said:
    """A generation prompt that opens the block: thoughts, or none, the end of the block, and the answer."""

    def said(message: dict[str, Any], variables: dict[str, Any]) -> str | None:
        close = f"{gap}</think>{gap}{gap}"
        after = calls(message, variables) if message.get("tool_calls") else change(content(message)) + end
        if after is None:
            return None
        thought = thoughts(message)
        return ("" if thought is None else thought.strip("\n")) + close + after

    return said


def r1_calls(message: dict[str, Any], variables: dict[str, Any]) -> str | None:
    def spelled(call: dict[str, Any]) -> str:
        given = call["function"]["arguments"]
        return given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)

    return content(message) + "<|calls|>" + "".join(c["function"]["name"] + "\n" + spelled(c) for c in message["tool_calls"]) + "<|end|>"


def hermes(message: dict[str, Any], variables: dict[str, Any]) -> str:
    """Words and calls as Qwen writes them."""
    words = content(message)
    calls = [
        f'<tool_call>\n{{"name": "{c["function"]["name"]}", "arguments": {_arguments(c)}}}\n</tool_call>'
        for c in message.get("tool_calls") or []
    ]
    return "\n".join([*([words] if words or not calls else []), *calls]) + "<|im_end|>"


def qwen3_hybrid(message: dict[str, Any], variables: dict[str, Any]) -> str | None:
    thought = thoughts(message)
    words = {**message, "content": content(message).lstrip("\n")}
    if variables.get("enable_thinking") is False:
        # the block is closed before the model speaks: it can say no thoughts
        return None if thought else hermes(words, variables)
    return f"<think>\n{(thought or '').strip(chr(10))}\n</think>\n\n" + hermes(words, variables)


def qwen3_thinking(message: dict[str, Any], variables: dict[str, Any]) -> str | None:
    return (
        (thoughts(message) or "").strip("\n") + "\n</think>\n\n" + hermes({**message, "content": content(message).lstrip("\n")}, variables)
    )


def qwen25(message: dict[str, Any], variables: dict[str, Any]) -> str | None:
    return None if thoughts(message) else hermes(message, variables)


def v31(message: dict[str, Any], variables: dict[str, Any]) -> str | None:
    if message.get("tool_calls"):
        return None
    if variables.get("thinking"):
        return opened("<|end|>", "")(message, variables)
    return None if thoughts(message) else content(message) + "<|end|>"


def glm(message: dict[str, Any], variables: dict[str, Any]) -> str | None:
    words, thought = content(message).strip(), (thoughts(message) or "").strip()
    if message.get("tool_calls") or (thought and variables.get("enable_thinking") is False):
        return None
    return (
        ("" if variables.get("enable_thinking") is False else f"\n<think>{thought}</think>")
        + (f"\n{words}" if words else "")
        + "<|endoftext|>"
    )


def command_a(message: dict[str, Any], variables: dict[str, Any]) -> str | None:
    thought = thoughts(message)
    if message.get("tool_calls"):
        return None
    before = f"<|START_THINKING|>{thought}<|END_THINKING|>" if thought else ""
    return f"{before}<|START_RESPONSE|>{content(message)}<|END_RESPONSE|><|END|>"


IM = ("<|im_start|>", "<|im_end|>", "<|endoftext|>")
FAMILIES = {
    "chatml": Family("chatml", only_words("<|im_end|>"), "<|im_end|>", IM),
    "chatml, base tokenizer": Family("chatml", only_words("<|im_end|>"), "<|endoftext|>", IM),
    "chatml, tokens unknown": Family("chatml", only_words("</s>"), "</s>", closes=False),
    "named chatml": Family("chatml_named", only_words("<|im_end|>"), "<|im_end|>", IM, names=True),
    "llama 3": Family("llama3", llama3, "<|eot_id|>", ("<|start_header_id|>", "<|end_header_id|>"), bos="<|begin_of_text|>", tools=True),
    "mistral": Family(
        "mistral",
        only_words("</s>", lambda c: " " + c),
        "</s>",
        ("[INST]", "[/INST]"),
        bos="<s>",
    ),
    "gemma": Family("gemma", only_words("<end_of_turn>", str.strip), "<eos>", ("<start_of_turn>", "<end_of_turn>"), bos="<bos>"),
    "phi 3": Family("phi3", only_words("<|end|>"), "<|endoftext|>", ("<|user|>", "<|assistant|>", "<|system|>", "<|end|>")),
    "deepseek r1": Family(
        "deepseek_r1",
        opened("<|end|>", calls=r1_calls),
        "<|end|>",
        ("<|User|>", "<|Assistant|>", "<|calls|>", "<|output|>"),
        bos="<|begin|>",
    ),
    "deepseek v3.1": Family(
        "deepseek_v31", v31, "<|end|>", ("<|User|>", "<|Assistant|>"), bos="<|begin|>", variables=({}, {"thinking": True})
    ),
    "qwen 2.5": Family("qwen25", qwen25, "<|im_end|>", IM, tools=True),
    "qwen 3": Family("qwen3", qwen3_hybrid, "<|im_end|>", IM, variables=({}, {"enable_thinking": False}), tools=True),
    "qwen 3, thinking": Family("qwen3_thinking", qwen3_thinking, "<|im_end|>", IM, tools=True),
    "nemotron": Family(
        "nemotron",
        lambda m, v: (
            None
            if m.get("tool_calls")
            else ((None if thoughts(m) else content(m) + "\n<SPECIAL_12>") if v else opened("\n<SPECIAL_12>")(m, v))
        ),
        "<SPECIAL_12>",
        ("<SPECIAL_10>", "<SPECIAL_11>"),
        variables=({}, {"enable_thinking": False}),
    ),
    "glm 4.5": Family(
        "glm45",
        glm,
        "<|endoftext|>",
        ("[gMASK]", "<sop>", "<|system|>", "<|user|>", "<|assistant|>"),
        variables=({}, {"enable_thinking": False}),
        closes=False,
    ),
    "command r": Family(
        "command_r", only_words("<|END|>", str.strip), "<|END|>", ("<|START|>", "<|SYSTEM|>", "<|USER|>", "<|CHATBOT|>"), bos="<BOS>"
    ),
    "command a": Family(
        "command_a",
        command_a,
        "<|END|>",
        (
            "<|START|>",
            "<|SYSTEM|>",
            "<|USER|>",
            "<|CHATBOT|>",
            *(f"<|{side}_{what}|>" for side in ("START", "END") for what in ("THINKING", "RESPONSE")),
        ),
        bos="<BOS>",
    ),
    "tulu": Family("tulu", only_words("<|endoftext|>"), "<|endoftext|>", bos="<|endoftext|>"),
    "granite": Family(
        "granite",
        only_words("<|end_of_text|>"),
        "<|end_of_text|>",
        ("<|start_of_role|>", "<|end_of_role|>"),
        variables=({}, {"documents": [{"text": "it is so"}]}),
    ),
    "minimax": Family("minimax", lambda m, v: None if m.get("tool_calls") else opened("[e~[")(m, v), "[e~[", ("]~b]",)),
    "no generation prompt": Family(
        "no_prompt", only_words("</s>", lambda c: "<|assistant|>" + c), "</s>", ("<|assistant|>", "<|user|>", "<|system|>")
    ),
    "no end": Family("no_end", only_words("</s>"), "</s>", closes=False),
}
