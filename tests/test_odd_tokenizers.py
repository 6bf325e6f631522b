"""Tokenizers of every kind that people have: what is encoded here is what they write in ``transformers``, and what was answered is its text."""

from functools import cache

import pytest

from guerdon.tasks.encoding import Encoder
from tiny_models import CHATML, TEXTS

WORDS = [*TEXTS, "hello world, it is fine"] * 2


def _trained(model, trainer, **parts):
    from tokenizers import Tokenizer

    core = Tokenizer(model)
    for name, part in parts.items():
        setattr(core, name, part)
    core.train_from_iterator(WORDS, trainer)
    return core


def _fast(core, around="", **special):
    from tokenizers import processors
    from transformers import PreTrainedTokenizerFast

    if around:
        named = [(word, core.token_to_id(word)) for word in around.split() if word != "$A"]
        core.post_processor = processors.TemplateProcessing(single=around, special_tokens=named)
    return PreTrainedTokenizerFast(tokenizer_object=core, **special)


def unigram(scheme):
    from tokenizers import decoders, models, pre_tokenizers, trainers

    space = {"prepend_scheme": scheme}
    trainer = trainers.UnigramTrainer(vocab_size=110, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>", show_progress=False)
    core = _trained(models.Unigram(), trainer, pre_tokenizer=pre_tokenizers.Metaspace(**space), decoder=decoders.Metaspace(**space))
    return _fast(core, "$A </s>", pad_token="<pad>", eos_token="</s>", unk_token="<unk>")  # as T5 has it


def bytes_of_text(around="", prefix=False, **more):
    from tokenizers import decoders, models, pre_tokenizers, trainers

    letters = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=280, special_tokens=["<end>"], initial_alphabet=letters, show_progress=False)
    core = _trained(models.BPE(), trainer, pre_tokenizer=pre_tokenizers.ByteLevel(add_prefix_space=prefix), decoder=decoders.ByteLevel())
    return _fast(core, around, bos_token="<end>", eos_token="<end>", **more)


def word_pieces():
    from tokenizers import decoders, models, normalizers, pre_tokenizers, trainers

    trainer = trainers.WordPieceTrainer(vocab_size=150, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]"], show_progress=False)
    parts = {
        "normalizer": normalizers.BertNormalizer(),
        "pre_tokenizer": pre_tokenizers.BertPreTokenizer(),
        "decoder": decoders.WordPiece(),
    }
    core = _trained(models.WordPiece(unk_token="[UNK]"), trainer, **parts)
    return _fast(core, "[CLS] $A [SEP]", pad_token="[PAD]", unk_token="[UNK]", bos_token="[CLS]", eos_token="[SEP]")


def words():
    from tokenizers import models, pre_tokenizers, trainers

    trainer = trainers.WordLevelTrainer(special_tokens=["<unk>", "<end>"], show_progress=False)
    core = _trained(models.WordLevel(unk_token="<unk>"), trainer, pre_tokenizer=pre_tokenizers.Whitespace())
    return _fast(core, unk_token="<unk>", eos_token="<end>")


def llama(**more):
    from transformers import LlamaTokenizer

    pieces = ["<unk>", "<s>", "</s>", *(f"<0x{i:02X}>" for i in range(256)), *sorted({*"".join(WORDS).replace(" ", "▁")})]
    merges = [("▁", "t"), ("▁t", "h"), ("▁th", "e"), ("▁", "i"), ("▁i", "s"), ("o", "u")]
    vocabulary = {piece: i for i, piece in enumerate(dict.fromkeys([*pieces, *(a + b for a, b in merges)]))}
    return LlamaTokenizer(vocab=vocabulary, merges=merges, **more)


def more_words(template=CHATML):
    made = bytes_of_text()
    made.add_tokens(["<tool>", "half"])
    made.add_special_tokens({"additional_special_tokens": ["<|im_start|>", "<|im_end|>"], "pad_token": "<|pad|>"})
    made.eos_token, made.chat_template = "<|im_end|>", template
    return made


NAMED = {"default": CHATML, "tool_use": "{{ tools | length }} tools" + CHATML, "rag": "RAG" + CHATML}
KINDS = {
    "unigram, a space first": lambda: unigram("first"),
    "unigram, spaces always": lambda: unigram("always"),
    "unigram, no space": lambda: unigram("never"),
    "bytes without padding": bytes_of_text,
    "bytes, a space first": lambda: bytes_of_text(prefix=True),
    "bytes, spaces cleaned up": lambda: bytes_of_text(clean_up_tokenization_spaces=True),
    "bytes after a start": lambda: bytes_of_text("<end> $A"),
    "bytes before an end that is the start": lambda: bytes_of_text("$A <end>"),
    "word pieces": word_pieces,
    "whole words": words,
    "llama": lambda: llama(legacy=False),
    "llama, legacy": lambda: llama(legacy=True),
    "llama, an end": lambda: llama(legacy=False, add_eos_token=True),
    "llama, no start": lambda: llama(legacy=False, add_bos_token=False),
    "llama, no space": lambda: llama(legacy=False, add_prefix_space=False),
    "added tokens": more_words,
    "named templates": lambda: more_words(NAMED),
}
NOT_REVERSIBLE = ("word pieces", "whole words")  # their texts lose spaces and capitals


@cache
def _made(kind):
    return KINDS[kind]()


@pytest.fixture(params=KINDS)
def odd(request, tmp_path):
    """A tokenizer as it is read from a folder, and the name of its kind."""
    from transformers import AutoTokenizer

    _made(request.param).save_pretrained(tmp_path)
    return request.param, AutoTokenizer.from_pretrained(tmp_path)


def without_end(tokenizer, text):
    ids = tokenizer(text)["input_ids"]
    return ids[:-1] if ids and ids[-1] == tokenizer.eos_token_id else ids


@pytest.mark.parametrize(("prompt", "answer"), [("What is it?", " the answer"), ("the quick", " is fine"), ("two\nand", "\nthe end of it")])
def test_plain_texts(odd, prompt, answer):
    kind, tokenizer = odd
    encoder = Encoder(tokenizer)
    side = encoder.encode_pair(prompt, answer)
    assert list(encoder.encode_prompt(prompt)) == list(side.context) == without_end(tokenizer, prompt)
    assert [*side.context, *side.actions] == [*without_end(tokenizer, prompt + answer), tokenizer.eos_token_id]
    if tokenizer.unk_token_id in side.actions:
        return  # what it does not know is not in its text
    if kind not in NOT_REVERSIBLE:
        assert encoder.completion(prompt, side.actions) == answer  # the space before the first word is part of it
    again = encoder.encode_pair(prompt, encoder.completion(prompt, side.actions))
    assert again.actions == side.actions


def test_conversations(odd):
    kind, tokenizer = odd
    if not tokenizer.chat_template:
        pytest.skip("a tokenizer without a template")
    encoder = Encoder(tokenizer)
    asked, said = [{"role": "user", "content": "What is half of <tool> two?"}], [{"role": "assistant", "content": "half, it is"}]
    side = encoder.encode_pair(asked, said)
    whole = tokenizer.apply_chat_template(asked + said, return_dict=True)["input_ids"]
    assert [*side.context, *side.actions] == whole[: len(side.context) + len(side.actions)]
    assert whole[len(side.context) + len(side.actions) :] == tokenizer.encode("\n", add_special_tokens=False)
    assert (
        list(encoder.encode_prompt(asked))
        == tokenizer.apply_chat_template(asked, add_generation_prompt=True, return_dict=True)["input_ids"]
    )
    assert encoder.completion(asked, side.actions) == said
    tools = [{"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object", "properties": {}}}}]
    if kind == "named templates":
        theirs = tokenizer.apply_chat_template(asked, tools=tools, add_generation_prompt=True, return_dict=True)["input_ids"]
        assert list(encoder.encode_prompt(asked, tools=tools)) == theirs and tokenizer.decode(theirs).startswith("1 tools")
