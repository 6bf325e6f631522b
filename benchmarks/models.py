"""Models that both libraries load from the same folder.

The random ones are Llamas whose sampled completions end as those of trained models do, spread over lengths, without either library's help:
a few coordinates of the residual stream, which no layer writes to, say how old the completion is, and the head reads them. After a
prompt come words of age 1, then of age 2 ..., then plain ones, of which each is followed by the end with probability ``HAZARD``. All else is random.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmarks.workloads import Size

PAD, END = "<pad>", "</s>"
PROMPT, PLAIN = "prompt", "plain"
SHORTEST = 16  # tokens of a sampled completion, its end included
HAZARD = 1 / 50
AGES = SHORTEST - 1
CONFIDENCE = 12.0  # logit by which the words that may come next lead all others


@dataclass(frozen=True)
class Words:
    """A vocabulary of words in classes: those of each age, those of prompts, and plain ones."""

    size: int

    @cached_property
    def classes(self) -> dict[str, list[str]]:
        """Words by class; each class is a coordinate of the residual stream, in this order."""
        names = [f"w{i}" for i in range(self.size - 2)]
        each = len(names) // 64
        split = {f"age {a + 1}": names[a * each : (a + 1) * each] for a in range(AGES)}
        rest = names[AGES * each :]
        return split | {PROMPT: rest[: len(rest) // 2], PLAIN: rest[len(rest) // 2 :]}

    def of(self, name: str) -> list[str]:
        return self.classes[name]

    @cached_property
    def ids(self) -> dict[str, int]:
        return {PAD: 0, END: 1} | {word: 2 + i for i, word in enumerate(w for words in self.classes.values() for w in words)}

    def follows(self, name: str) -> str:
        """The class of the next word."""
        order = [PROMPT, *(f"age {a + 1}" for a in range(AGES)), PLAIN]
        return order[min(order.index(name) + 1, len(order) - 1)]

    def tokenizer(self) -> Any:
        """A tokenizer of ``transformers``: words between spaces, no start token."""
        from tokenizers import Tokenizer
        from tokenizers.models import WordLevel
        from tokenizers.pre_tokenizers import WhitespaceSplit
        from transformers import PreTrainedTokenizerFast

        core = Tokenizer(WordLevel(self.ids, unk_token=PAD))
        core.pre_tokenizer = WhitespaceSplit()
        return PreTrainedTokenizerFast(tokenizer_object=core, pad_token=PAD, eos_token=END, clean_up_tokenization_spaces=False)


def random_model(size: Size, device: str = "cpu") -> tuple[Any, Any]:
    """Module and tokenizer, the same for the same size and kind of device."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    words = Words(size.vocabulary)
    config = AutoConfig.for_model(
        size.family,
        vocab_size=size.vocabulary,
        hidden_size=size.hidden,
        intermediate_size=size.intermediate,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        num_key_value_heads=size.key_heads,
        head_dim=size.head_size,
        max_position_embeddings=size.positions,
        bos_token_id=None,
        eos_token_id=words.ids[END],
        pad_token_id=words.ids[PAD],
        tie_word_embeddings=False,
    )
    with torch.random.fork_rng(devices=[]), torch.device(device):
        torch.manual_seed(0)
        module = AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()
        with torch.no_grad():
            _count_ages(module, words, size.mark)
    return module.to(getattr(torch, size.dtype)), words.tokenizer()


def _count_ages(module: Any, words: Words, mark: float) -> None:
    """Write the classes into embeddings, layers and head. The mark is to lead what many layers add, which differs from context to context."""
    import torch

    body, head = module.model, module.lm_head.weight
    marks = len(words.classes)
    coordinate = {name: i for i, name in enumerate(words.classes)}
    for layer in body.layers:
        layer.self_attn.o_proj.weight[:marks] = 0
        layer.mlp.down_proj.weight[:marks] = 0
    body.embed_tokens.weight[:, :marks] = 0
    head[:, :marks] = 0
    for name, own in words.classes.items():
        body.embed_tokens.weight[[words.ids[w] for w in own], coordinate[name]] = mark
    seen = torch.tensor([[words.ids[own[i % len(own)]] for i in range(8) for own in words.classes.values()]])
    hidden = body(seen).last_hidden_state[0].reshape(8, marks, -1)
    strength = hidden.diagonal(dim1=1, dim2=2).mean(0)  # of each class's coordinate where a word of that class stands
    for name in words.classes:
        following = words.follows(name)
        head[[words.ids[w] for w in words.of(following)], coordinate[name]] = CONFIDENCE / strength[coordinate[name]]
        if following == PLAIN:
            end = CONFIDENCE + math.log(len(words.of(PLAIN)) * HAZARD / (1 - HAZARD))
            head[words.ids[END], coordinate[name]] = end / strength[coordinate[name]]


def folder_of(size: Size, folder: Path, device: str = "cpu") -> Path:
    """The folder in which the model lies, made on the device if it is not there."""
    path = folder / size.name.replace(" ", "_").replace(",", "")
    if not (path / "config.json").exists():
        if size.pretrained:
            from guerdon.models.language.language_model import LanguageModel

            LanguageModel(size.pretrained, dtype="float32", device="cpu").build().save(path)
        else:
            module, tokenizer = random_model(size, device)
            tokenizer.save_pretrained(path)
            module.save_pretrained(path)
    return path
