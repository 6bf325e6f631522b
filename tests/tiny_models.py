"""Small random models of several families with tokenizers of several kinds, in folders, as other people bring them."""

from functools import cache
from pathlib import Path

import torch

CHATML = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
TEXTS = ["The quick brown fox, 0123456789 jumps over it. What is two and two? four is the answer of an assistant to the user"] * 3
CHAT = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]


@cache
def _pieces(kind: str):
    """The core of a tokenizer, as text, which can be read again and again."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

    if kind == "sentencepiece":
        core = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True))
        core.pre_tokenizer = pre_tokenizers.Split("\n", "isolated")
        texts = [" " + t for t in TEXTS]
        core.train_from_iterator(
            [t.replace(" ", "▁") for t in texts],
            trainers.BpeTrainer(vocab_size=90, special_tokens=["<unk>", "<s>", "</s>"], show_progress=False),
        )
        core.pre_tokenizer = None
        core.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
        core.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
        core.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", core.token_to_id("<s>"))])
    else:
        core = Tokenizer(models.BPE())
        core.pre_tokenizer, core.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        core.train_from_iterator(
            TEXTS, trainers.BpeTrainer(vocab_size=280, special_tokens=CHAT, initial_alphabet=alphabet, show_progress=False)
        )
    return core.to_str()


def tokenizer(kind: str):
    """``pad``: an own padding token, and the template ends turns with the end token; ``no pad``: the same without one; ``other end``: the template
    ends turns with another token than the tokenizer's; ``sentencepiece``: a start token before each text, neither template nor padding."""
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    more = {
        "pad": {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>", "additional_special_tokens": ["<|im_start|>"]},
        "no pad": {"eos_token": "<|im_end|>", "additional_special_tokens": ["<|im_start|>", "<|endoftext|>"]},
        "other end": {"eos_token": "<|endoftext|>", "additional_special_tokens": ["<|im_start|>", "<|im_end|>"]},
        "sentencepiece": {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"},
    }[kind]
    made = PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(_pieces(kind)), **more)
    if kind != "sentencepiece":
        made.chat_template = CHATML
    return made


def module(family: str, rows: int, tied: bool = False, seed: int = 0, **more):
    """A causal language model with embeddings for ``rows`` tokens, whose next-step distributions are far from flat."""
    import transformers as t

    sizes = {
        "vocab_size": rows,
        "hidden_size": 16,
        "intermediate_size": 24,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "tie_word_embeddings": tied,
    }
    grouped = {**sizes, "num_key_value_heads": 1, "max_position_embeddings": 128}
    small = {"vocab_size": rows, "n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 128, "tie_word_embeddings": tied}
    make = {
        "llama": lambda: t.LlamaForCausalLM(t.LlamaConfig(**grouped, **more)),
        "qwen2": lambda: t.Qwen2ForCausalLM(t.Qwen2Config(**grouped, **more)),
        "gemma": lambda: t.GemmaForCausalLM(t.GemmaConfig(**grouped, head_dim=8, **more)),
        "gpt2": lambda: t.GPT2LMHeadModel(t.GPT2Config(**small, **more)),
        "gpt_neox": lambda: t.GPTNeoXForCausalLM(t.GPTNeoXConfig(**sizes, max_position_embeddings=128, **more)),
    }[family]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made = make().eval()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.mul_(3.0 if parameter.dim() > 1 else 1.0)
    return made


def folder(path: Path, family: str = "llama", kind: str = "pad", tied: bool = False, seed: int = 0, **more) -> Path:
    """A folder with such a model and such a tokenizer, as ``save_pretrained`` writes it."""
    words = tokenizer(kind)
    made = module(family, len(words), tied, seed, **more)
    for name in ("bos", "eos", "pad"):
        setattr(made.config, f"{name}_token_id", getattr(words, f"{name}_token_id"))
        setattr(made.generation_config, f"{name}_token_id", getattr(words, f"{name}_token_id"))
    made.save_pretrained(path)
    words.save_pretrained(path)
    return path


def moved(module, by: float = 0.3, seed: int = 1):
    """The module with everything that is trained moved, as by training."""
    g = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.requires_grad:
                parameter.add_(by * torch.randn(parameter.shape, generator=g))
    return module
