"""Folders that other libraries leave: the model is found in them, or a sentence says what lies there and what to do."""

import json
import re
import shutil
from pathlib import Path

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from guerdon.errors import InputError
from guerdon.models.language.hub import within_reach
from guerdon.models.language.language_model import LanguageModel
from guerdon.models.language.scorer import Scorer
from test_saving import CPU, encoded, logps
from tiny_models import folder, module, moved, tokenizer

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"


@pytest.fixture(scope="module")
def llama(tmp_path_factory) -> Path:
    return folder(tmp_path_factory.mktemp("models") / "llama")


def files(*names: str):
    """A folder with files of these names, which hold nothing that could be read."""

    def make(at: Path, llama: Path) -> None:
        for name in names:
            (at / name).parent.mkdir(parents=True, exist_ok=True)
            (at / name).write_bytes(b"x")

    return make


def copies(*names: str):
    """Whole models in it."""

    def make(at: Path, llama: Path) -> None:
        for name in names:
            shutil.copytree(llama, at / name)

    return make


def without_weights(*names: str):
    def make(at: Path, llama: Path) -> None:
        shutil.copytree(llama, at, dirs_exist_ok=True)
        (at / "model.safetensors").unlink()
        files(*names)(at, llama)

    return make


def a_pointer(at: Path, llama: Path) -> None:
    shutil.copytree(llama, at, dirs_exist_ok=True)
    (at / "model.safetensors").write_text(POINTER)


HELD = {
    "nothing": (lambda at, llama: None, "is an empty folder"),
    "verl's shards": (files(*(f"model_world_size_2_rank_{i}.pt" for i in range(2)), "huggingface/config.json"), r"of verl .*model_merger"),
    "a run of verl": (
        files("latest_checkpointed_iteration.txt", "global_step_10/actor/model_world_size_1_rank_0.pt", "global_step_10/data.pt"),
        r"holds a checkpoint of verl .*--local_dir \S*/global_step_10/actor ",
    ),
    "DeepSpeed's": (without_weights("zero_to_fp32.py", "global_step10/mp_rank_00_model_states.pt", "latest"), "zero_to_fp32.py . MODEL"),
    "torch's": (files(".metadata", "__0_0.distcp"), "accelerate merge-weights"),
    "accelerate's": (without_weights("pytorch_model_fsdp_0/.metadata"), "accelerate merge-weights"),
    "Megatron's": (files("latest_checkpointed_iteration.txt", "iter_0000010/common.pt"), "a checkpoint of Megatron"),
    "the authors' own": (files("consolidated.00.pth", "params.json", "tokenizer.model"), "its authors' own files"),
    "one that only computes": (without_weights("model.onnx"), "only computes"),
    "another framework's": (without_weights("flax_model.msgpack"), "another framework"),
    "shards without their index": (without_weights("model-00001-of-00002.safetensors"), "no model.safetensors.index.json"),
    "checkpoints": (copies("checkpoint-9", "checkpoint-10"), r"name one that lies in it: \S*/checkpoint-10, \S*/checkpoint-9$"),
    "a cache of the hub": (copies("snapshots/0a1b"), "name one that lies in it: .*snapshots/0a1b"),
    "a GGUF file": (files("model.gguf"), "name one: .*/model.gguf"),
    "a pointer": (a_pointer, "model.safetensors in .* git lfs pull"),
    "a text": (files("notes.txt"), "there is no config.json"),
    "weights alone": (files("model.safetensors", "tokenizer.json"), "there is no config.json"),
}


@pytest.mark.parametrize("case", HELD)
def test_what_is_no_model_is_named_with_what_to_do(case, llama, tmp_path: Path):
    make, sentence = HELD[case]
    (tmp_path / "there").mkdir()
    make(tmp_path / "there", llama)
    for spec in (LanguageModel(str(tmp_path / "there"), **CPU), Scorer(str(tmp_path / "there"), device="cpu")):
        with pytest.raises(InputError, match=sentence) as said:
            spec.build()
        assert "\n" not in str(said.value)


def test_code_that_comes_with_a_model_is_neither_run_nor_asked_for(llama, tmp_path: Path, monkeypatch):
    """Where a person could answer, ``transformers`` asks whether it may run it, and runs it."""
    shutil.copytree(llama, tmp_path / "theirs")
    config = json.loads((tmp_path / "theirs/config.json").read_text())
    own = {
        "model_type": "theirs",
        "auto_map": {"AutoConfig": "configuration_theirs.Config", "AutoModelForCausalLM": "modeling_theirs.Model"},
    }
    (tmp_path / "theirs/config.json").write_text(json.dumps(config | own))
    for name in ("configuration_theirs.py", "modeling_theirs.py"):
        (tmp_path / "theirs" / name).write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    monkeypatch.setattr("builtins.input", lambda *words: pytest.fail("a question was asked"))
    with pytest.raises(InputError, match=r"code of its own .configuration_theirs.py., and code that comes with a model is not run"):
        LanguageModel(str(tmp_path / "theirs"), **CPU).build()
    known = config | {"auto_map": own["auto_map"]}  # a family that transformers has itself
    (tmp_path / "theirs/config.json").write_text(json.dumps(known))
    assert LanguageModel(str(tmp_path / "theirs"), **CPU).build()
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("family", ["gemma", "gpt2", "qwen2"])
def test_a_tokenizer_is_not_made_of_nothing(family, tmp_path: Path):
    """For some families ``transformers`` makes a tokenizer with a few special tokens where there is no file, and every text becomes nothing."""
    module(family, len(tokenizer("pad"))).save_pretrained(tmp_path)
    with pytest.raises(InputError, match=r"holds no tokenizer; .*copy them"):
        LanguageModel(str(tmp_path), **CPU).build()


def test_a_tokenizer_of_added_tokens_is_one(llama: Path, tmp_path: Path):
    """Letters that somebody added one by one, on nothing but what pads: a tokenizer like every other."""
    from tokenizers import Tokenizer, models

    shutil.copytree(llama, tmp_path / "letters")
    core = Tokenizer(models.WordLevel({"<pad>": 0, "</s>": 1, "<unk>": 2}, unk_token="<unk>"))
    words = transformers.PreTrainedTokenizerFast(tokenizer_object=core, pad_token="<pad>", eos_token="</s>", unk_token="<unk>")
    words.add_tokens(list("abc"))
    words.save_pretrained(tmp_path / "letters")
    assert LanguageModel(str(tmp_path / "letters"), **CPU).build().tokenizer("cab").input_ids == [5, 3, 4]


def test_weights_in_eight_bits_are_written_out(tmp_path: Path):
    """What ``transformers`` can turn into ordinary weights is: what is computed is what the scales say, and what is saved is an ordinary model."""
    folder(tmp_path / "model")
    weights, exact = load_file(tmp_path / "model/model.safetensors"), {}
    for name in [name for name in weights if "_proj.weight" in name]:
        scale = weights[name].abs().max() / 448
        weights[name], weights[name.replace("weight", "weight_scale_inv")] = (
            (weights[name] / scale).to(torch.float8_e4m3fn),
            scale.view(1, 1),
        )
        exact[name] = weights[name].float() * scale
    save_file(weights, tmp_path / "model/model.safetensors", metadata={"format": "pt"})
    config = json.loads((tmp_path / "model/config.json").read_text())
    how = {"quant_method": "fp8", "activation_scheme": "dynamic", "weight_block_size": [128, 128]}
    (tmp_path / "model/config.json").write_text(json.dumps(config | {"quantization_config": how}))
    policy = LanguageModel(str(tmp_path / "model"), **CPU).build()
    there = dict(policy.module.named_parameters())
    for name, value in exact.items():
        torch.testing.assert_close(there[name].detach(), value)
    moved(policy.module, 0.01)
    policy.save(tmp_path / "saved")
    assert "quantization_config" not in json.loads((tmp_path / "saved/config.json").read_text())
    rows = encoded(policy.tokenizer)
    again = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "saved")
    for mine, value in zip(policy.measure(rows, {"logp"})["logp"].detach(), logps(again, rows), strict=True):
        torch.testing.assert_close(mine[: len(value)], value, rtol=1e-3, atol=1e-4)


# adapters


@pytest.fixture(scope="module")
def adapters(llama, tmp_path_factory) -> Path:
    return adapted(llama, tmp_path_factory.mktemp("adapters") / "there")


def adapted(base: Path, at: Path, **more) -> Path:
    import peft

    model = transformers.AutoModelForCausalLM.from_pretrained(base)
    made = peft.get_peft_model(model, peft.LoraConfig(r=2, task_type="CAUSAL_LM", target_modules=["q_proj"], **more))
    moved(made, 0.2).save_pretrained(at)
    tokenizer("pad").save_pretrained(at)
    return at


def named(path: Path, base: str) -> None:
    config = json.loads((path / "adapter_config.json").read_text())
    (path / "adapter_config.json").write_text(json.dumps(config | {"base_model_name_or_path": base}))


def test_what_is_wrong_with_the_base_of_adapters_is_said_of_the_base(adapters, llama, tmp_path: Path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.chdir(tmp_path)
    shutil.copytree(llama, tmp_path / "packed")
    config = json.loads((llama / "config.json").read_text())
    packed = {"quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": True}}
    (tmp_path / "packed/config.json").write_text(json.dumps(config | packed))
    (tmp_path / "nothing").mkdir()
    wrong = {
        "somebody/nowhere-at-all": "there is no folder somebody/nowhere-at-all here either",
        "outputs/models/base": "outputs/models/base, which is not there",
        str(tmp_path / "packed"): "quantised .bitsandbytes, 4 bits",
        str(tmp_path / "nothing"): "is an empty folder",
    }
    for base, sentence in wrong.items():
        shutil.rmtree(tmp_path / "mine", ignore_errors=True)
        shutil.copytree(adapters, tmp_path / "mine")
        named(tmp_path / "mine", base)
        with pytest.raises(InputError, match=f"adapters.*{sentence}.*write where it lies into base_model_name_or_path of .*mine") as said:
            LanguageModel(str(tmp_path / "mine"), **CPU).build()
        assert "\n" not in str(said.value), said


def test_adapters_without_their_weights(adapters, tmp_path: Path):
    shutil.copytree(adapters, tmp_path / "mine")
    (tmp_path / "mine/adapter_model.safetensors").unlink()
    with pytest.raises(InputError, match=r"settings of adapters and no adapter_model.safetensors"):
        LanguageModel(str(tmp_path / "mine"), **CPU).build()


def test_a_template_beside_adapters_is_theirs_though_the_tokenizer_is_the_bases(adapters, tmp_path: Path):
    shutil.copytree(adapters, tmp_path / "mine")
    for path in (tmp_path / "mine").glob("*token*"):
        path.unlink()
    (tmp_path / "mine/chat_template.jinja").write_text("{{ messages[0].content }}!")
    words = LanguageModel(str(tmp_path / "mine"), **CPU).build().tokenizer
    assert words.apply_chat_template([{"role": "user", "content": "a"}], tokenize=False) == "a!"


def test_adapters_that_cannot_be_merged_say_so(llama, tmp_path: Path):
    from guerdon.models.language.lora import Lora

    adapted(llama, tmp_path / "mine", lora_bias=True)
    with pytest.raises(InputError, match=r"cannot be added to the weights .*lora_bias.*train them on instead"):
        LanguageModel(str(tmp_path / "mine"), Lora(r=2), **CPU).build()


@pytest.mark.parametrize("source", ["a/b/c", "./a", "~/nowhere_at_all"])
def test_a_path_is_not_looked_for_on_a_hub(source):
    with pytest.raises(InputError, match=f"there is no folder {re.escape(source)}$"):
        LanguageModel(source, **CPU).build()


def test_a_file_is_no_folder(llama):
    with pytest.raises(InputError, match=r"config.json is a file; name its folder"):
        LanguageModel(str(llama / "config.json"), **CPU).build()


def test_a_hub_that_cannot_be_found_is_not_asked(monkeypatch):
    """Its client would try each of several files six times."""

    def nowhere(*asked):
        raise OSError("Name or service not known")

    monkeypatch.setattr("socket.getaddrinfo", nowhere)
    monkeypatch.setattr("guerdon.models.language.hub.getproxies", dict)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("time.sleep", lambda seconds: pytest.fail("it was tried again"))
    with pytest.raises(InputError, match="there is no folder somebody/nowhere-at-all here either, so check the name and the connection"):
        LanguageModel("somebody/nowhere-at-all", **CPU).build()


@pytest.mark.parametrize(
    ("found", "proxies", "offline", "asked"),
    [(True, {}, False, True), (False, {}, False, False), (False, {"https": "http://proxy:1"}, False, True), (True, {}, True, False)],
)
def test_who_is_asked_for_a_model_is_as_it_was_afterwards(found, proxies, offline, asked, monkeypatch):
    """Behind a proxy no name can be looked up from here, and the hub is asked all the same; who said that there is no network is believed."""
    from huggingface_hub import constants

    def looked_up(*names):
        if not found:
            raise OSError("Name or service not known")

    monkeypatch.setattr("socket.getaddrinfo", looked_up)
    monkeypatch.setattr("guerdon.models.language.hub.getproxies", lambda: proxies)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", offline)
    with within_reach():
        assert asked != constants.HF_HUB_OFFLINE
    assert offline == constants.HF_HUB_OFFLINE
