"""A language model as a GGUF file: read back by ``transformers``, it computes the same; what the format cannot say is refused."""

import json
from pathlib import Path

import pytest
import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerFast

from guerdon.errors import InputError, RunFailed
from guerdon.interfaces.cli import main
from guerdon.models.language import gguf_file
from guerdon.models.language.gguf_file import CUTS, cut_of, export, interleaved
from guerdon.models.language.language_model import LanguageModel
from guerdon.models.language.lora import Lora
from guerdon.models.language.policy import LanguagePolicy
from guerdon.models.language.small_language_model import SmallLanguageModel
from test_fast_paths import CPU, module

gguf = pytest.importorskip("gguf")
SIZE = 300


def tokenizer(cut="gpt-2"):
    """Byte pairs of a few sentences."""
    steps = {
        "ByteLevel": lambda regex: pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=regex),
        "Digits": lambda alone: pre_tokenizers.Digits(individual_digits=alone),
        "Split": lambda regex: pre_tokenizers.Split(Regex(regex), behavior="isolated"),
    }
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.Sequence([steps[kind](how) for kind, how in CUTS[cut]])
    core.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=SIZE, special_tokens=["<s>", "<|endoftext|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    core.train_from_iterator(["what is 12 and 30? it is 42, they're sure", "sorted letters are letters"] * 8, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=core, bos_token="<s>", eos_token="<|endoftext|>", chat_template="{{ messages[0]['content'] }}"
    )


def policy(family, **more):
    more |= {"head_dim": 128} if family == "qwen3" else {}  # transformers reads another width from no file
    return LanguagePolicy(module(family, vocab_size=SIZE, **more), tokenizer(), CPU)


def logits(model, ids):
    with torch.no_grad():
        return model(ids).logits.log_softmax(-1)


@pytest.mark.parametrize("family", ["llama", "qwen2, tied", "qwen3"])
@pytest.mark.parametrize(("numbers", "bound"), [("f32", 1e-5), ("f16", 5e-2), ("bf16", 0.5), ("q8_0", 0.5)])
def test_the_file_is_the_model(tmp_path, family, numbers, bound):
    own = policy(family)
    apart = export(own, tmp_path / "m.gguf", numbers)
    again = AutoModelForCausalLM.from_pretrained(tmp_path, gguf_file="m.gguf", dtype=torch.float32)
    ids = torch.randint(SIZE, (3, 20), generator=torch.Generator().manual_seed(0))
    difference = (logits(own.module, ids) - logits(again, ids)).abs().max()
    assert difference < bound and apart < bound and ((numbers == "f32") or difference > 1e-5)
    assert again.config.tie_word_embeddings is ("tied" in family)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.gguf"]


def test_the_file_has_the_tokens_their_merges_and_the_template(tmp_path):
    own = policy("llama")
    export(own, tmp_path / "m.gguf")
    again = AutoTokenizer.from_pretrained(tmp_path, gguf_file="m.gguf")
    for text in ("what is 12?", " they're letters, sorted", "Ünïcode \n\n 🙂"):
        assert again(text).input_ids[-3:] == own.tokenizer(text).input_ids[-3:] and again.decode(own.tokenizer(text).input_ids) == text
    fields = gguf.GGUFReader(tmp_path / "m.gguf").fields
    assert fields["tokenizer.chat_template"].contents() == own.tokenizer.chat_template
    assert fields["tokenizer.ggml.pre"].contents() == "gpt-2" and fields["tokenizer.ggml.eos_token_id"].contents() == 1


def test_adapters_are_merged_and_stay_where_they_are(tmp_path):
    base = policy("qwen2, tied")
    own = LanguagePolicy(Lora(r=2).wrap(base.module, 0), base.tokenizer, CPU)
    with torch.no_grad():
        for name, parameter in own.module.named_parameters():
            if "lora_B" in name:
                parameter.normal_(0, 0.2, generator=torch.Generator().manual_seed(0))
    ids = torch.randint(SIZE, (3, 20), generator=torch.Generator().manual_seed(0))
    before = logits(own.module, ids)
    export(own, tmp_path / "m.gguf", "f32")
    again = AutoModelForCausalLM.from_pretrained(tmp_path, gguf_file="m.gguf", dtype=torch.float32)
    torch.testing.assert_close(logits(again, ids), before, atol=1e-4, rtol=0)
    assert own.adapted and torch.equal(logits(own.module, ids), before)


def test_every_way_to_cut_text_is_recognised():
    assert {cut: cut_of(tokenizer(cut)) for cut in CUTS} == {cut: cut for cut in CUTS}


def test_halves_of_a_head_are_taken_alternately():
    rows = torch.arange(8)[:, None]
    assert interleaved(rows, 2).flatten().tolist() == [0, 2, 1, 3, 4, 6, 5, 7]


def refused(own, tmp_path, **more):
    with pytest.raises(InputError) as error:
        export(own, tmp_path / "m.gguf", **more)
    assert not list(tmp_path.iterdir())
    return str(error.value)


def test_what_the_format_cannot_say_is_refused(tmp_path):
    assert "only llama, mistral, qwen2, qwen3" in refused(policy("gpt2"), tmp_path)
    assert "a sliding window" in refused(policy("mistral"), tmp_path)
    assert "biases in its attention" in refused(policy("llama", attention_bias=True), tmp_path)
    assert "WordLevel" in refused(SmallLanguageModel("abc").build(0), tmp_path)
    assert "none of f32" in refused(policy("llama"), tmp_path, numbers="q2")


def test_a_file_that_computes_something_else_is_not_left_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(gguf_file, "APART", 1e-4)  # small and flat as this model is
    own = policy("llama")
    export(own, tmp_path / "m.gguf", "f32")
    (tmp_path / "m.gguf").unlink()
    monkeypatch.setattr(gguf_file, "interleaved", lambda rows, heads: rows)
    with pytest.raises(RunFailed, match="differ by"):
        export(own, tmp_path / "m.gguf", "f32")
    assert not list(tmp_path.iterdir())


def test_a_user_exports_a_saved_model_and_goes_on_with_the_file(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    policy("llama").save(Path("runs/mine/model"))
    assert main(["export", "runs/mine/model", "--to", "gguf", "--dtype", "q8_0", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (
        found["file"] == "runs/mine/model/mine-q8_0.gguf"
        and found["bytes"] == Path(found["file"]).stat().st_size
        and found["difference"] < 0.3
    )
    assert LanguageModel(found["file"]).build(0).context_length == 128
    assert main(["export", "runs/mine/model", "--out", "model.bin"]) == 2 and ".gguf" in capsys.readouterr().err


@pytest.mark.parametrize("family", ["llama", "qwen2, tied"])
def test_tokens_that_transformers_adds_to_a_file_are_no_tokens_of_it(family, tmp_path):
    core = json.loads(tokenizer().backend_tokenizer.to_str().replace("<|endoftext|>", "<end>"))
    words = PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(json.dumps(core)), bos_token="<s>", eos_token="<end>")
    own = LanguagePolicy(module(family, vocab_size=SIZE), words, CPU)
    export(own, tmp_path / "m.gguf", "f32")
    assert len(AutoTokenizer.from_pretrained(tmp_path, gguf_file="m.gguf")) == SIZE + 1  # <|endoftext|>, for which there is no row
    text = "letters<|endoftext|>sorted<end>"
    made = LanguageModel(str(tmp_path / "m.gguf")).build(0)
    assert made.tokenizer(text, add_special_tokens=False).input_ids == words(text, add_special_tokens=False).input_ids
    made.save(tmp_path / "again")
    again = LanguageModel(str(tmp_path / "again")).build(0)
    assert again.tokenizer(text).input_ids == made.tokenizer(text).input_ids


def test_a_file_is_written_and_read_without_a_word_and_bars_are_as_they_were(tmp_path, capfd):
    from transformers import modeling_gguf_pytorch_utils as reading

    own, bar = policy("llama"), reading.tqdm
    capfd.readouterr()
    export(own, tmp_path / "m.gguf", "f32")
    LanguageModel(str(tmp_path / "m.gguf")).build(0)
    assert capfd.readouterr() == ("", "") and reading.tqdm is bar
    AutoModelForCausalLM.from_pretrained(tmp_path, gguf_file="m.gguf")
    assert "GGUF" in capfd.readouterr().err  # whoever reads it elsewhere has the bar as before
