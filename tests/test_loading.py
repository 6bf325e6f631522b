"""What is loaded is what was there: whatever is damaged, lacks something or is another kind of model is refused in a sentence; what is sound is silent."""

import json
import shutil
import warnings
from pathlib import Path

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from guerdon.acting.engines._refresh import Refresh
from guerdon.errors import InputError
from guerdon.models.heads.scalar import Scalar
from guerdon.models.language.headed import Headed
from guerdon.models.language.language_model import LanguageModel
from guerdon.models.language.lora import Lora
from guerdon.models.language.scorer import Scorer
from guerdon.tasks.sampled import Sampled
from test_saving import CPU, encoded, ids_of, logps
from tiny_models import CHAT, folder, module, moved, tokenizer

WEIGHTS = "model.safetensors"


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> dict[str, Path]:
    """Folders as other people bring them, each once."""
    at = tmp_path_factory.mktemp("models")
    found = {"llama": folder(at / "llama"), "tied": folder(at / "tied", tied=True), "gpt2": folder(at / "gpt2", "gpt2", tied=True)}
    for name in ("llama", "tied"):
        Headed(LanguageModel(str(found[name]), **CPU), Scalar()).build(0).save(at / f"{name} scorer")
        found[f"{name} scorer"] = at / f"{name} scorer"
    policy = LanguageModel(str(found["llama"]), Lora(r=2), **CPU).build(0)
    moved(policy.module)
    policy.save(at / "adapters", merge=False)
    found["adapters"] = at / "adapters"
    small = {"vocab_size": 280, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    t5 = transformers.T5Config(vocab_size=280, d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2, decoder_start_token_id=0)
    others = {
        "bert": transformers.BertForMaskedLM(transformers.BertConfig(**small)),
        "bert as lm": transformers.BertLMHeadModel(transformers.BertConfig(**small)),
        "bert scorer": transformers.BertForSequenceClassification(transformers.BertConfig(**small, num_labels=1)),
        "t5": transformers.T5ForConditionalGeneration(t5),
        "four classes": transformers.LlamaForSequenceClassification(transformers.LlamaConfig(**small, num_labels=4)),
    }
    for name, model in others.items():
        model.save_pretrained(at / name)
        tokenizer("pad").save_pretrained(at / name)
        found[name] = at / name
    return found


def weights(change):
    """A damage to the weights."""

    def damage(path: Path) -> None:
        found = load_file(path / WEIGHTS)
        change(found)
        save_file(found, path / WEIGHTS, metadata={"format": "pt"})

    return damage


def shards(path: Path) -> None:
    """Weights in two files, of which one is not there."""
    transformers.AutoModelForCausalLM.from_pretrained(path).save_pretrained(path, max_shard_size="20KB")
    (path / WEIGHTS).unlink()
    sorted(path.glob("model-*.safetensors"))[-1].unlink()


def tokens(path: Path) -> None:
    words = transformers.AutoTokenizer.from_pretrained(path)
    words.add_tokens(["<new>"], special_tokens=True)
    words.save_pretrained(path)


def configured(**values):
    def change(path: Path) -> None:
        config = json.loads((path / "config.json").read_text())
        (path / "config.json").write_text(json.dumps(config | values))

    return change


def cut(name: str, share: float = 0.5):
    return lambda path: (path / name).write_bytes((path / name).read_bytes()[: int(share * (path / name).stat().st_size)])


def _generation(**values):
    def change(path: Path) -> None:
        file = path / "generation_config.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | values))

    return change


def _in_shards(path: Path) -> None:
    transformers.AutoModelForCausalLM.from_pretrained(path).save_pretrained(path, max_shard_size="20KB")
    (path / WEIGHTS).unlink(missing_ok=True)


def _shard(path: Path) -> str:
    return sorted(path.glob("model-*.safetensors"))[1].name


def _index(path: Path, **values) -> None:
    (path / f"{WEIGHTS}.index.json").write_text(json.dumps({"metadata": {}} | values))


def _pickled(path: Path) -> None:
    torch.save({"a": Path}, path / "pytorch_model.bin")
    (path / WEIGHTS).unlink()


def _renamed(w: dict, before: str) -> None:
    for name in list(w):
        w[before + name] = w.pop(name)


DOWN = "model.layers.1.mlp.down_proj.weight"
DAMAGED = {
    "a weight is missing": ("llama", weights(lambda w: w.pop(DOWN)), f"{DOWN} is missing"),
    "several are missing": ("llama", weights(lambda w: [w.pop(k) for k in list(w) if "layers.0" in k]), "and 6 more are missing"),
    "the head is missing": ("llama", weights(lambda w: w.pop("lm_head.weight")), "lm_head.weight is missing"),
    "the embedding of a tied model is missing": (
        "tied",
        weights(lambda w: w.pop("model.embed_tokens.weight")),
        "embed_tokens.weight.* missing",
    ),
    "one too many": ("llama", weights(lambda w: w.update({"v_head.weight": torch.ones(1, 16)})), "no place.*v_head.weight"),
    "another shape": ("llama", configured(intermediate_size=32), r"has the shape \(.*needs"),
    "another number of layers": ("llama", configured(num_hidden_layers=1), "no place.*layers.1"),
    "not finite": ("llama", weights(lambda w: w[DOWN].view(-1)[:1].fill_(float("nan"))), f"{DOWN} .*not finite"),
    "infinite": ("llama", weights(lambda w: w[DOWN].view(-1)[:1].fill_(float("inf"))), f"{DOWN} .*not finite"),
    "a file that was cut": ("llama", cut(WEIGHTS), r"model.safetensors in .* has \d+ bytes and should have \d+"),
    "a file of nothing": ("llama", cut(WEIGHTS, 0.0), "model.safetensors in .* is damaged or cut short"),
    "a file whose head was cut": ("llama", cut(WEIGHTS, 0.01), "model.safetensors in .* is damaged or cut short"),
    "a file that goes on": ("llama", lambda path: (path / WEIGHTS).open("ab").write(b"more"), "bytes and should have"),
    "a shard that was cut": (
        "llama",
        lambda path: [_in_shards(path), cut(_shard(path))(path)],
        "model-00002-of-00003.* bytes and should have",
    ),
    "an index of nothing": ("llama", lambda path: [_in_shards(path), _index(path, weight_map={})], "index.json .* names no weights"),
    "an index that is none": ("llama", lambda path: [_in_shards(path), _index(path, weight_map=3)], "index.json .* is damaged"),
    "whole numbers": ("llama", weights(lambda w: w.update({DOWN: w[DOWN].to(torch.int8)})), f"quantised .{DOWN} is of I8"),
    "more than weights": ("llama", lambda path: _pickled(path), "more than weights, and what else it holds is not executed"),
    "what DDP puts around it": ("llama", weights(lambda w: _renamed(w, "module.")), "hold 'module.'.*save the model inside"),
    "what compiling puts around it": ("tied", weights(lambda w: _renamed(w, "_orig_mod.")), "hold '_orig_mod.'"),
    "what peft puts around it": (
        "llama",
        weights(lambda w: _renamed(w, "base_model.model.")),
        "hold 'base_model.model.'.*merge them first",
    ),
    "what peft puts into it": (
        "llama",
        weights(lambda w: w.update({DOWN.replace(".weight", ".base_layer.weight"): w.pop(DOWN)})),
        "hold '.base_layer'.*merge them first",
    ),
    "a padding token that is none": ("llama", configured(pad_token_id=1000), "pad_token_id 1000, and its vocabulary 280"),
    "an end that is no number": ("llama", _generation(eos_token_id=["2"]), "generation_config.json .* has the end token '2'"),
    "an activation of tomorrow": ("llama", configured(hidden_act="zelu"), "says 'zelu', which transformers does not know"),
    "no weights": ("llama", lambda path: (path / WEIGHTS).unlink(), "not the weights .no model.safetensors"),
    "a shard is missing": ("llama", shards, "lacks 1 of its 3 files of weights .model-00003-of-00003"),
    "no configuration": ("llama", lambda path: (path / "config.json").unlink(), "no model of transformers: there is no config.json"),
    "a configuration that was cut": ("llama", cut("config.json"), "cannot load a causal language model"),
    "no tokenizer": ("llama", lambda path: [p.unlink() for p in path.glob("*token*")], "cannot load a tokenizer"),
    "a tokenizer that was cut": ("llama", cut("tokenizer.json"), "cannot load a tokenizer"),
    "more tokens than rows": ("llama", tokens, "tokenizer of .* has 281 tokens and the model embeddings for 280"),
    "quantised": ("llama", configured(quantization_config={"quant_method": "gptq", "bits": 4}), "quantised .gptq, 4 bits.*take the model"),
    "quantised by a trainer": (
        "llama",
        configured(quantization_config={"quant_method": "bitsandbytes", "load_in_4bit": True}),
        "quantised .bitsandbytes, 4 bits",
    ),
    "quantised for another framework": ("llama", configured(quantization={"bits": 4, "group_size": 64}), "quantised .MLX, 4 bits"),
    "a family of tomorrow": ("llama", configured(model_type="llama9"), "of the family 'llama9', which transformers .* does not know"),
    "a value head": ("llama", weights(lambda w: w.update({"v_head.summary.weight": torch.ones(1, 16)})), "the value head of a trainer"),
    "a judge of steps": ("llama", configured(architectures=["LlamaForTokenClassification"]), "LlamaForTokenClassification.*cannot write"),
    "a reward model": ("llama scorer", lambda path: None, "LlamaForSequenceClassification, and a causal language model is needed"),
    "a reward model under another name": ("tied scorer", configured(architectures=["LlamaForCausalLM"]), "no place.*score.weight"),
    "an encoder": ("bert", lambda path: None, "BertForMaskedLM, and a causal"),
    "an encoder as a language model": ("bert as lm", lambda path: None, "sees the tokens to come"),
    "encoder and decoder": ("t5", lambda path: None, "T5ForConditionalGeneration, and a causal language model of transformers is needed"),
    "adapters of which one is missing": (
        "adapters",
        lambda path: _adapters(path, lambda w: w.pop(next(iter(w)))),
        "the adapters in .* lack: .*lora_A",
    ),
    "adapters of a layer that is not there": (
        "adapters",
        lambda path: _adapters(path, lambda w: w.update({"base_model.model.model.layers.7.mlp.up_proj.lora_A.weight": torch.ones(2, 16)})),
        "hold what has no place.*layers.7",
    ),
    "adapters of another rank": ("adapters", lambda path: _adapter_config(path, r=3), "cannot be put on"),
    "adapters that were cut": ("adapters", cut("adapter_model.safetensors"), "adapter_model.safetensors in .* bytes and should have"),
    "adapters whose settings were cut": ("adapters", cut("adapter_config.json"), "adapter_config.json .* is damaged"),
    "adapters without a base": (
        "adapters",
        lambda path: _adapter_config(path, base_model_name_or_path=None),
        "does not say of which model",
    ),
    "adapters whose base has gone": (
        "adapters",
        lambda path: _adapter_config(path, base_model_name_or_path="/gone"),
        "of /gone, which is not there",
    ),
    "adapters of a scorer": ("adapters", lambda path: _adapter_config(path, task_type="SEQ_CLS"), "of another kind of model"),
    "adapters of another kind": ("adapters", lambda path: _adapter_config(path, peft_type="IA3"), "kind IA3, and only those of LoRA"),
}


def _adapters(path: Path, change) -> None:
    found = load_file(path / "adapter_model.safetensors")
    change(found)
    save_file(found, path / "adapter_model.safetensors", metadata={"format": "pt"})


def _adapter_config(path: Path, **values) -> None:
    config = json.loads((path / "adapter_config.json").read_text())
    (path / "adapter_config.json").write_text(json.dumps(config | values))


@pytest.mark.parametrize("case", DAMAGED)
def test_what_is_damaged_or_another_kind_is_refused_in_a_sentence(case, made, tmp_path: Path):
    source, damage, sentence = DAMAGED[case]
    shutil.copytree(made[source], tmp_path / "model")
    damage(tmp_path / "model")
    with pytest.raises(InputError, match=sentence) as said:
        LanguageModel(str(tmp_path / "model"), **CPU).build()
    assert "\n" not in str(said.value)


SCORERS = {
    "a policy": ("llama", lambda path: None, "is no scorer"),
    "an encoder's classifier": ("bert scorer", lambda path: None, "BertForSequenceClassification.* called score is not supported"),
    "four classes": ("four classes", lambda path: None, "is no scorer"),
    "the head is missing": ("llama scorer", weights(lambda w: w.pop("score.weight")), "score.weight is missing"),
    "a weight is missing": ("llama scorer", weights(lambda w: w.pop(DOWN)), f"{DOWN} is missing"),
    "adapters of a policy": ("adapters", lambda path: None, "of another kind of model"),
    "more tokens than rows": ("llama scorer", tokens, "tokenizer of .* has 281 tokens"),
}


@pytest.mark.parametrize("case", SCORERS)
def test_what_is_no_scorer_is_refused_in_a_sentence(case, made, tmp_path: Path):
    source, damage, sentence = SCORERS[case]
    shutil.copytree(made[source], tmp_path / "model")
    damage(tmp_path / "model")
    with pytest.raises(InputError, match=sentence):
        Scorer(str(tmp_path / "model"), device="cpu").build()


def test_a_model_of_which_no_scorer_could_be_saved_is_refused_before_it_is_trained(tmp_path: Path):
    config = transformers.MambaConfig(vocab_size=280, hidden_size=16, num_hidden_layers=1, state_size=4)
    transformers.MambaForCausalLM(config).save_pretrained(tmp_path)
    tokenizer("pad").save_pretrained(tmp_path)
    with pytest.raises(InputError, match=r"cannot be a reward model.*mamba"):
        Headed(LanguageModel(str(tmp_path), **CPU), Scalar()).build(0)


def _old_names(w: dict) -> None:
    w.update({"model.layers.0.self_attn.rotary_emb.inv_freq": torch.ones(4)})


SOUND = {
    "as it was saved": ("llama", lambda path: None),
    "a tied head is not in the file": ("tied", lambda path: None),
    "gpt2": ("gpt2", lambda path: None),
    "frequencies of old files": ("llama", weights(_old_names)),
    "a folder that does not say its class": ("llama", configured(architectures=None)),
    "rows to spare": ("llama", lambda path: module("llama", 320).save_pretrained(path)),
    "in float16": ("llama", lambda path: module("llama", 280).half().save_pretrained(path)),
    "in two files": (
        "llama",
        lambda path: transformers.AutoModelForCausalLM.from_pretrained(path).save_pretrained(path, max_shard_size="20KB"),
    ),
}


@pytest.mark.parametrize("case", SOUND)
def test_what_is_sound_is_loaded_without_a_word(case, made, tmp_path: Path, capfd):
    source, change = SOUND[case]
    shutil.copytree(made[source], tmp_path / "model")
    change(tmp_path / "model")
    capfd.readouterr()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        policy = LanguageModel(str(tmp_path / "model"), **CPU).build()
    out, err = capfd.readouterr()
    assert "MISSING" not in out + err and "UNEXPECTED" not in out + err
    rows = encoded(policy.tokenizer)
    theirs = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "model").float()
    for mine, value in zip(policy.measure(rows, {"logp"})["logp"].detach(), logps(theirs, rows), strict=True):
        torch.testing.assert_close(mine[: len(value)], value, rtol=1e-3, atol=1e-4)


def test_a_class_that_an_old_file_calls_otherwise_is_still_one(made, tmp_path: Path):
    shutil.copytree(made["llama"], tmp_path / "model")
    configured(architectures=["LLaMAForCausalLM"])(tmp_path / "model")
    assert LanguageModel(str(tmp_path / "model"), **CPU).build()


# adapters that somebody else trained


def theirs(base: Path, at: Path, task: str = "CAUSAL_LM", **more) -> Path:
    """Adapters as ``peft`` saves them, with the tokenizer nowhere but in the base."""
    import peft

    model = transformers.AutoModelForCausalLM.from_pretrained(base)
    adapted = peft.get_peft_model(
        model, peft.LoraConfig(r=2, task_type=task, target_modules=["q_proj", "v_proj"], lora_dropout=0.1, **more)
    )
    moved(adapted, 0.2)
    adapted.save_pretrained(at)
    return at


@pytest.mark.parametrize(
    "more", [{}, {"use_dora": True}, {"modules_to_save": ["lm_head"]}, {"use_rslora": True, "bias": "lora_only"}], ids=str
)
def test_adapters_of_peft_are_read_trained_on_and_merged(more, made, tmp_path: Path):
    import peft

    base, at = made["llama"], theirs(made["llama"], tmp_path / "adapters", **more)
    rows = encoded(tokenizer("pad"))
    values = logps(peft.PeftModel.from_pretrained(transformers.AutoModelForCausalLM.from_pretrained(base), at).eval(), rows)
    for lora in (None, Lora(r=2)):
        policy = LanguageModel(str(at), lora, **CPU).build()
        assert any(p.requires_grad for p in policy.module.parameters())
        for model in (policy, policy.reference()):
            for mine, value in zip(model.measure(rows, {"logp"})["logp"].detach(), values, strict=True):
                torch.testing.assert_close(mine[: len(value)], value, rtol=1e-3, atol=1e-4)


def test_adapters_that_were_trained_with_more_tokens_bring_the_embedding(made, tmp_path: Path):
    import peft

    words, model = tokenizer("pad"), transformers.AutoModelForCausalLM.from_pretrained(made["llama"])
    words.add_tokens(["<think>", "</think>"], special_tokens=True)
    model.resize_token_embeddings(len(words))
    adapted = peft.get_peft_model(
        model, peft.LoraConfig(r=2, task_type="CAUSAL_LM", target_modules=["q_proj"], modules_to_save=["embed_tokens", "lm_head"])
    )
    moved(adapted, 0.2)
    adapted.save_pretrained(tmp_path / "adapters", save_embedding_layers=True)
    words.save_pretrained(tmp_path / "adapters")
    policy = LanguageModel(str(tmp_path / "adapters"), **CPU).build()
    rows = encoded(words)
    for mine, value in zip(policy.measure(rows, {"logp"})["logp"].detach(), logps(adapted.eval(), rows), strict=True):
        torch.testing.assert_close(mine[: len(value)], value, rtol=1e-3, atol=1e-4)
    policy.save(tmp_path / "again", merge=False)
    again = LanguageModel(str(tmp_path / "again"), **CPU).build()
    torch.testing.assert_close(again.measure(rows, {"logp"})["logp"], policy.measure(rows, {"logp"})["logp"])


def test_a_base_that_is_named_from_elsewhere_is_found_where_it_can_be(made, tmp_path: Path, monkeypatch):
    shutil.copytree(made["llama"], tmp_path / "base")
    monkeypatch.chdir(tmp_path)
    policy = LanguageModel("base", Lora(r=2), **CPU).build(0)
    policy.save(tmp_path / "adapters", merge=False)
    monkeypatch.chdir("/")
    assert LanguageModel(str(tmp_path / "adapters"), **CPU).build()
    _adapter_config(tmp_path / "adapters", base_model_name_or_path="../base")
    assert LanguageModel(str(tmp_path / "adapters"), **CPU).build()


def test_adapters_on_merged_ones_are_saved_with_what_they_stand_on(made, tmp_path: Path):
    policy = LanguageModel(str(made["adapters"]), Lora(r=2), **CPU).build(0)
    moved(policy.module, 0.2)
    rows = encoded(policy.tokenizer)
    mine = policy.measure(rows, {"logp"})["logp"].detach()
    with pytest.raises(InputError, match="adapters alone are sent"):
        Refresh(str(tmp_path / "sent"), "http://localhost:1", merge=False).send(policy, None, True)
    policy.save(tmp_path / "checkpoint", merge=False)
    again = LanguageModel(str(tmp_path / "checkpoint"), **CPU).build()
    torch.testing.assert_close(again.measure(rows, {"logp"})["logp"].detach(), mine, rtol=1e-3, atol=1e-4)


def test_merging_in_bfloat16_rounds_the_sum_once(made):
    """What is computed with beneath fresh adapters is the float32 sum of base and adapters, rounded."""
    whole = LanguageModel(str(made["adapters"]), Lora(r=2), **CPU).build(0).module.get_base_model()
    short = LanguageModel(str(made["adapters"]), Lora(r=2), dtype="bfloat16", device="cpu").build(0).module.get_base_model()
    for (name, exact), (_, rounded) in zip(whole.named_parameters(), short.named_parameters(), strict=True):
        if "lora_" not in name:
            assert rounded.dtype == torch.bfloat16 and torch.equal(rounded, exact.bfloat16()), name


# scorers that somebody else trained


def test_a_scorer_of_others_is_read_at_the_last_token_of_the_template(made, tmp_path: Path):
    """As ``transformers`` reads it, and TRL trains it: of what the chat template writes, the last token that is no padding."""
    words, config = tokenizer("pad"), transformers.AutoConfig.from_pretrained(made["llama"])
    config.num_labels = 1
    model = moved(transformers.LlamaForSequenceClassification(config).eval())
    model.save_pretrained(tmp_path / "scorer")
    words.save_pretrained(tmp_path / "scorer")
    talks = [
        [{"role": "user", "content": p}, {"role": "assistant", "content": c}]
        for p, c in (("What is two?", "four"), ("user", "jumps over it."))
    ]
    with torch.no_grad():
        theirs = [float(model(torch.tensor([words.apply_chat_template(t, return_dict=False)])).logits) for t in talks]
    scorer = Scorer(str(tmp_path / "scorer"), device="cpu").build()
    assert scorer.score([t[:1] for t in talks], [t[1:] for t in talks]) == pytest.approx(theirs, abs=1e-4)
    sampled = [Sampled(t[1]["content"], tuple(words.encode(t[1]["content"])), terminated=False) for t in talks]
    said = [[{"role": "assistant", "content": one}] for one in sampled]
    assert scorer.score([t[:1] for t in talks], said) == pytest.approx(theirs, abs=1e-4)
    scorer.save(tmp_path / "again")
    again = Scorer(str(tmp_path / "again"), device="cpu").build()
    assert again.score([t[:1] for t in talks], [t[1:] for t in talks]) == pytest.approx(theirs, abs=1e-4)


def test_a_scorer_of_others_that_pads_with_its_end_is_read_before_the_end(made, tmp_path: Path):
    config = transformers.AutoConfig.from_pretrained(made["llama"])
    config.num_labels, config.pad_token_id = 1, tokenizer("no pad").eos_token_id
    model = moved(transformers.LlamaForSequenceClassification(config).eval())
    model.save_pretrained(tmp_path)
    tokenizer("no pad").save_pretrained(tmp_path)
    scorer = Scorer(str(tmp_path), device="cpu").build()
    from guerdon.sequences import Example, collate
    from guerdon.tasks.encoding import Encoder

    sides = [Encoder(scorer.tokenizer).encode_pair(p, c) for p, c in (("The quick", " brown fox"), ("two", ""))]
    rows = collate([Example({"": side}) for side in sides]).sides[""]
    with torch.no_grad():
        theirs = [float(model(torch.tensor([ids])).logits) for ids in ids_of(rows)]
        packed = scorer.measure(rows, {"score"})["score"]
        scorer.policy.unpacked_because = "to be read from padded rows"
        padded = scorer.measure(rows, {"score"})["score"]
    assert packed.tolist() == pytest.approx(theirs, abs=1e-4) and padded.tolist() == pytest.approx(theirs, abs=1e-4)


def test_adapters_of_a_scorer_bring_its_head(made, tmp_path: Path):
    """As TRL's reward trainer saves them: on a language model, with the head beside the adapters."""
    import peft

    model = transformers.AutoModelForSequenceClassification.from_pretrained(made["llama"], num_labels=1)
    adapted = peft.get_peft_model(model, peft.LoraConfig(r=2, task_type="SEQ_CLS", target_modules=["q_proj"], modules_to_save=["score"]))
    moved(adapted).eval().save_pretrained(tmp_path)
    tokenizer("pad").save_pretrained(tmp_path)
    scorer = Scorer(str(tmp_path), device="cpu").build()
    rows = encoded(scorer.tokenizer)
    with torch.no_grad():
        theirs = [float(adapted(torch.tensor([ids])).logits) for ids in ids_of(rows)]
    assert scorer.measure(rows, {"score"})["score"].tolist() == pytest.approx(theirs, abs=1e-4)


def test_special_tokens_made_for_padding_are_taken_before_a_new_one(made):
    from guerdon.models.language.scoring import NEW, padding_of

    words = tokenizer("no pad")
    ends = {words.eos_token_id}
    words.add_special_tokens({"additional_special_tokens": ["<|fine_pad|>"]}, replace_extra_special_tokens=False)
    assert words.convert_ids_to_tokens(padding_of(words, ends)) == words.pad_token == "<|fine_pad|>"
    words = tokenizer("no pad")
    assert words.convert_ids_to_tokens(padding_of(words, ends)) == NEW and padding_of(words, ends) == len(words) - 1
    words = tokenizer("pad")
    assert padding_of(words, ends) == words.convert_tokens_to_ids(CHAT[0])
