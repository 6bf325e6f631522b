"""Loading: what lies in a folder, on the hub or in a file, whole and as the kind of model that it is, or a sentence that says what is wrong with it.

``transformers`` fills what is missing with random numbers, leaves out what it does not know, and reads a reward model as a policy; it reports that and
goes on. Here its report is read, and whatever it names is refused. What it does not report is looked at besides: numbers that are not finite, tokens
for which there is no embedding, a model that sees the tokens to come.

A folder of ``peft`` adapters is the base that it names and the adapters on it; each key of the file must have its place there.

Source: ours; the formats are those of ``transformers``, ``peft`` and GGUF.
"""

import contextlib
import importlib.util
import json
import pickle
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from guerdon.errors import InputError
from guerdon.models.language import folders
from guerdon.models.language.adapters import in_float32
from guerdon.models.language.gguf_once import read_once
from guerdon.models.language.hub import within_reach
from guerdon.models.language.saving import RESIZED, merged

ADAPTERS = "adapter_config.json"
_INSIDE = "base_model.model."  # what peft writes before the name of a weight
_SHOWN = 3  # names of weights in a sentence


@dataclass(frozen=True)
class Kind:
    """What is to be loaded.

    Attributes:
        auto: the class of ``transformers`` that loads it.
        called: what it is called in a sentence.
        ending: what the names of its architectures end in.
        task: what ``peft`` calls it.
        otherwise: what to do where something else is there.
        outputs: of its head, where it has one of its own that is called ``score``; 0: it has none.
        bias: whether that may have one.
    """

    auto: str
    called: str
    ending: str
    task: str
    otherwise: str
    outputs: int = 0
    bias: bool = False

    @property
    def loader(self) -> Any:
        import transformers

        return getattr(transformers, self.auto)

    @property
    def known(self) -> Any:
        """Configuration class → model class of every model of this kind."""
        return self.loader._model_mapping


POLICY = Kind(
    "AutoModelForCausalLM",
    "a causal language model",
    "CausalLM",
    "CAUSAL_LM",
    "a reward model is named where one belongs: {part: scorer, source: ...}, or guerdon score",
)
SCORER = Kind(
    "AutoModelForSequenceClassification",
    "a scorer",
    "SequenceClassification",
    "SEQ_CLS",
    "it must be a sequence classifier with one output, as a run with the recipe reward_model saves it; what scores steps is asked by guerdon evaluate, "
    "score --steps, serve reward --steps",
    outputs=1,
)
STEP_SCORER = Kind(
    "AutoModelForTokenClassification",
    "a scorer of steps",
    "TokenClassification",
    "TOKEN_CLS",
    "it must be a classifier of tokens with two outputs, as a run with the recipe process_reward_model saves it",
    outputs=2,
    bias=True,
)


@dataclass
class Loaded:
    """A module, its tokenizer, and where its weights (those beneath its adapters, if it has some) can be found again: nowhere after merging."""

    module: Any
    tokenizer: Any
    base: str | None


@dataclass(frozen=True)
class Place:
    """Where ``transformers`` finds something: a folder or hub id, and the GGUF file in it if it is one."""

    source: str
    where: str
    options: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, source: str) -> "Place":
        return cls(source, *locate(source))

    @property
    def lasting(self) -> str:
        """The source, so that it is found from other directories too."""
        return str(Path(self.where).resolve()) if Path(self.source).expanduser().is_dir() else self.source

    @property
    def is_folder(self) -> bool:
        """Whether it lies here and is no GGUF file."""
        return not self.options and Path(self.where).is_dir()


def locate(source: str) -> tuple[str, dict[str, str]]:
    """Where ``transformers`` finds the model: a folder or hub id, and the GGUF file in it if it is one.

    Raises:
        InputError: the source looks like a path and nothing is there.
    """
    if source.startswith("package:"):
        package, _, inside = source.removeprefix("package:").partition("/")
        spec = importlib.util.find_spec(package)
        if spec is None or not spec.submodule_search_locations:
            raise InputError(f"model.source: no package {package!r} is installed; pip install {package.replace('_', '-')}")
        source = str(Path(next(iter(spec.submodule_search_locations))) / inside)
    path = Path(source).expanduser()
    if path.suffix == ".gguf":
        if not path.is_file():
            raise InputError(f"model.source: there is no file {source}")
        return str(path.parent), {"gguf_file": path.name}
    if not path.is_dir() and (source.startswith((".", "/", "~")) or source.count("/") > 1 or path.is_file()):
        raise InputError(f"model.source: {f'{source} is a file; name its folder' if path.is_file() else f'there is no folder {source}'}")
    return (str(path) if path.is_dir() else source), {}


def load(source: str, dtype: torch.dtype) -> tuple[Any, Any]:
    """Module and tokenizer from wherever ``source`` points; adapters are merged, in float32.

    Raises:
        InputError: there is no causal language model, or not all of it.
    """
    found = read(source, POLICY, dtype, merge=True)
    return found.module, found.tokenizer


def read(source: str, kind: Kind, dtype: torch.dtype, beneath: torch.dtype | None = None, merge: bool = False) -> Loaded:
    """Everything of ``source``, in ``dtype``. Adapters stay what they are, on weights in the format ``beneath``; or, with ``merge``, they are added to the
    weights in float32, and the sums are rounded to ``dtype``.

    Raises:
        InputError: there is no model of this kind, or not all of it.
    """
    place = Place.of(source)
    if place.is_folder:
        folders.refuse(source, Path(place.where))
    with within_reach() if not place.is_folder and not place.options else contextlib.nullcontext():
        return _read(place, kind, dtype, beneath, merge)


def _read(place: Place, kind: Kind, dtype: torch.dtype, beneath: torch.dtype | None, merge: bool) -> Loaded:
    adapters = _adapters(place)
    if adapters is not None:
        _refuse_other_adapters(place, adapters, kind)
    under = place if adapters is None else _base_of(place, adapters)
    with read_once() if "gguf_file" in under.options else contextlib.nullcontext():
        return _read_on(place, None if adapters is None else under, kind, dtype, beneath, merge)


def _read_on(place: Place, under: Place | None, kind: Kind, dtype: torch.dtype, beneath: torch.dtype | None, merge: bool) -> Loaded:
    """``under`` is the base of adapters, where there are some."""
    if under is None:
        module, lacking = _weights(place, kind, dtype)
        _refuse_gaps(place, module, lacking)
        tokenizer, base = _tokenizer(place), place.lasting
    else:
        saved = _saved(place)
        module, lacking = _beneath(place, under, kind, torch.float32 if merge or beneath is None else beneath, saved)
        tokenizer, base = _tokenizer(place, under), None if merge else under.lasting
        module = _on(module, place, lacking, under, saved)
        module = _merged(place, module).to(dtype) if merge else module
    if place.options:
        _without_added(tokenizer, module.get_input_embeddings().weight.shape[0])
    _look(place, kind, module, tokenizer)
    return Loaded(module, tokenizer, base)


def _weights(place: Place, kind: Kind, dtype: torch.dtype, adapters: Mapping[str, torch.Tensor] | None = None) -> tuple[Any, set[str]]:
    """The module, and the names of the weights that were not there. On the base of ``adapters`` another head may belong, which they bring."""
    import transformers

    transformers.utils.logging.disable_progress_bar()
    try:
        if "gguf_file" in place.options:
            config = {}
        else:
            config = {"config": _config(place, kind)}
            _refuse_other_kinds(place, config["config"], kind, adapters is not None)
            if adapters is not None and f"{_INSIDE}score.weight" in adapters:
                config["config"].num_labels = len(adapters[f"{_INSIDE}score.weight"])
        with silent():
            module, report = kind.loader.from_pretrained(
                place.where,
                dtype=dtype,
                output_loading_info=True,
                ignore_mismatched_sizes=True,  # they are in the report, with their names
                trust_remote_code=False,
                **config,
                **place.options,
                **_unpacked(place, config.get("config")),
            )
    except InputError:
        raise
    except ImportError as error:
        missing = "pip install 'guerdon[gguf]'" if "gguf_file" in place.options else "install it, or take weights in an ordinary format"
        raise InputError(
            f"model.source: reading {place.source} needs a package that is not installed ({_line(error)}); {missing}"
        ) from error
    except Exception as error:  # whatever a damaged or a foreign folder may bring transformers to raise
        raise _cannot(place, kind, error) from error
    module = _plain(module)
    who = type(module).__name__
    if report["mismatched_keys"]:
        name, there, expected = sorted(report["mismatched_keys"])[0]
        more = len(report["mismatched_keys"]) - 1
        raise InputError(
            f"model.source: in {place.source} {name} has the shape {tuple(there)} and a {who} with its config.json needs {tuple(expected)}"
            f"{f', and {more} more weights do not fit' if more else ''}; take weights and configuration from the same model"
        )
    strange = set(report["unexpected_keys"])
    if kind.outputs and adapters is not None:  # on a language model, whose own head is not needed
        strange = {name for name in strange if name.startswith(f"{module.base_model_prefix}.")}
    if strange:
        _refuse_wrapped(place, strange, set(report["missing_keys"]))
        raise InputError(
            f"model.source: {place.source} holds weights for which a {who} has no place ({_some(strange)}), so it is another model "
            f"than {kind.called} of this kind; {_VALUE_HEAD if any('v_head' in name for name in strange) else kind.otherwise}"
        )
    return module, set(report["missing_keys"])


def _refuse_wrapped(place: Place, strange: set[str], missing: set[str]) -> None:
    """Refuse weights that were saved with what a trainer puts around a model, in whose names it stands."""
    for wrapper, saved in _WRAPPERS.items():
        if any(wrapper in name for name in strange) and all(name.replace(wrapper, "") in missing for name in strange if wrapper in name):
            raise InputError(
                f"model.source: the names of the weights in {place.source} hold {wrapper!r} ({_some(strange)}), since they were saved with what a trainer puts "
                f"around a model; {saved}"
            )


_INNER = "save the model inside of it, or take that out of the names"
_WRAPPERS = {
    "base_model.model.": "save the adapters by themselves (save_pretrained of peft), or merge them first (merge_and_unload)",
    ".base_layer": "save the adapters by themselves (save_pretrained of peft), or merge them first (merge_and_unload)",
    "_orig_mod.": _INNER,
    "_fsdp_wrapped_module.": _INNER,
    "_checkpoint_wrapped_module.": _INNER,
    "module.": _INNER,
    "policy.": _INNER,
    "pretrained_model.": _INNER,
}


def _config(place: Place, kind: Kind) -> Any:
    """The configuration, of a family that ``transformers`` knows itself: code that comes with a model is not run.

    Raises:
        InputError: there is none, or it is of another family; or its weights are kept in a format that nothing can be trained in.
    """
    from transformers import CONFIG_MAPPING, AutoConfig, PretrainedConfig, __version__

    try:
        with silent():
            plain, _ = PretrainedConfig.get_config_dict(place.where)
            family, brings = plain.get("model_type"), (plain.get("auto_map") or {}).get("AutoConfig")
            if family not in CONFIG_MAPPING and brings:
                raise InputError(
                    f"model.source: {place.source} brings code of its own ({str(brings).split('.')[0]}.py), and code that comes with a model is not run; "
                    f"take a model of a family that transformers {__version__} knows"
                )
            if family is not None and family not in CONFIG_MAPPING:
                raise InputError(
                    f"model.source: {place.source} is of the family {family!r}, which transformers {__version__} does not know; a newer one may "
                    "(pip install -U transformers)"
                )
            _refuse_quantised(place, plain)
            config = AutoConfig.from_pretrained(place.where, trust_remote_code=False)
            text = config.get_text_config()
            pad, rows = getattr(text, "pad_token_id", None), getattr(text, "vocab_size", None)
            if pad is not None and rows is not None and pad >= rows:
                raise InputError(
                    f"model.source: config.json of {place.source} has pad_token_id {pad}, and its vocabulary {rows} tokens; correct or drop it"
                )
            return config
    except InputError:
        raise
    except Exception as error:
        raise _cannot(place, kind, error) from error


def _cannot(place: Place, kind: Kind, error: Exception) -> InputError:
    """A sentence for what ``transformers`` could not do, with what can be done about it."""
    if not place.is_folder and not place.options:
        otherwise = (
            f"there is no folder {place.source} here either, so check the name and the connection, set HF_TOKEN where the repository is private or "
            "gated, or name the folder of a model"
        )
    else:
        otherwise = "fetch or save it again"
    said = _line(error).rstrip(".")
    if isinstance(error, KeyError):
        said = f"its configuration says {said}, which transformers does not know"
    elif isinstance(error, pickle.UnpicklingError):
        said, otherwise = "a file of it holds more than weights, and what else it holds is not executed", "take the model as safetensors"
    return InputError(f"model.source: cannot load {kind.called} from {place.source!r}: {said}; {otherwise}")


_WRITTEN_OUT = {"fp8": "FineGrainedFP8Config", "mxfp4": "Mxfp4Config"}  # formats that transformers can turn into ordinary weights


def _refuse_quantised(place: Place, config: Mapping[str, Any]) -> None:
    """Refuse packed weights by what the configuration says of them, before a package is asked for that would not help."""
    said = config.get("quantization_config") or {}
    how = said.get("quant_method") or ("MLX" if "quantization" in config else "")
    bits = said.get("bits") or next((n for n in (4, 8) if said.get(f"load_in_{n}bit")), (config.get("quantization") or {}).get("bits"))
    if how and how not in _WRITTEN_OUT:
        raise InputError(
            f"model.source: the weights of {place.source} are quantised ({how}{f', {bits} bits' if bits else ''}), and models are computed with and "
            "trained in floating point; take the model that they were made from (with model.lora and model.dtype: bfloat16 it needs two bytes a weight), or "
            "a GGUF file, which is dequantised"
        )


def _beneath(place: Place, base: Place, kind: Kind, dtype: torch.dtype, saved: Mapping[str, torch.Tensor]) -> tuple[Any, set[str]]:
    """The weights of the base of adapters."""
    try:
        if base.is_folder:
            folders.refuse(base.source, Path(base.where))
        with within_reach() if not base.is_folder and not base.options else contextlib.nullcontext():
            return _weights(base, kind, dtype, saved)
    except InputError as error:
        why = str(error).removeprefix("model.source: ")
        raise InputError(f"model.source: the base of the adapters in {place.source}: {why}; {_asks(place)}") from error


_VALUE_HEAD = "the value head of a trainer is among them: save the model without it (TRL: model.pretrained_model.save_pretrained)"


def _refuse_gaps(place: Place, module: nn.Module, lacking: set[str]) -> None:
    if lacking:
        raise InputError(
            f"model.source: {place.source} does not hold all weights of a {type(module).__name__}: {_some(lacking)} {'are' if len(lacking) > 1 else 'is'} "
            "missing; fetch or save it again, for what is missing would be random numbers"
        )


def _refuse_other_kinds(place: Place, config: Any, kind: Kind, beneath: bool) -> None:
    """By what the configuration says, before any weight is read. ``beneath`` adapters there may be a language model that they make a scorer of."""
    names = list(getattr(config, "architectures", None) or [])
    said = ", ".join(names) or type(config).__name__
    if kind.outputs and not beneath and (config.num_labels != kind.outputs or not any(kind.ending in name for name in names)):
        raise InputError(f"{place.source} is no {kind.called.removeprefix('a ')} ({', '.join(names) or 'unknown kind'}): {kind.otherwise}")
    if getattr(config, "is_encoder_decoder", False) or type(config) not in kind.known:
        sees = any(getattr(config, f"{sense}_config", None) is not None for sense in ("vision", "audio"))
        more = ", without images and sound; a model of the same family that reads text alone may do" if sees else ""
        raise InputError(f"model.source: {place.source} is a {said}, and {kind.called} of transformers is needed (decoder only{more})")
    endings = {name.rpartition("For")[2] for name in names if "For" in name}
    own = kind.known[type(config)].__name__.rpartition("For")[2] if "For" in kind.known[type(config)].__name__ else kind.ending
    if kind is POLICY and endings and own not in endings:
        otherwise = kind.otherwise if "SequenceClassification" in endings else _OTHERWISE.get(next(iter(endings)), _OTHERWISE[""])
        raise InputError(f"model.source: {place.source} is a {said}, and {kind.called} is needed; {otherwise}")


_OTHERWISE = {
    "TokenClassification": "a scorer of steps cannot write, and is named where one belongs: {part: step_scorer, source: ...}",
    "": "take a decoder (its architectures in config.json end in CausalLM)",
}


def _look(place: Place, kind: Kind, module: nn.Module, tokenizer: Any) -> None:
    """Refuse what transformers does not report."""
    if kind.outputs:
        head = getattr(module, "score", None)
        if type(head) is not nn.Linear or (head.bias is not None and not kind.bias) or len(head.weight) != kind.outputs:
            rows = "one row" if kind.outputs == 1 else f"{kind.outputs} rows"
            raise InputError(
                f"model.source: {place.source} is a {type(module).__name__}, and {kind.called} whose head is not one matrix with {rows} that is called score is not "
                "supported; train one on a decoder, with the recipe reward_model (or process_reward_model) here or with TRL"
            )
    for name, parameter in module.named_parameters():
        if not parameter.dtype.is_floating_point:
            raise InputError(
                f"model.source: the weights of {place.source} are quantised ({name} is of {parameter.dtype}), and models are computed with and trained "
                "in floating point; take the weights in an ordinary format, or a GGUF file, which is dequantised"
            )
        if parameter.numel() and not all(bool(x.isfinite()) for x in parameter.detach().aminmax()):
            raise InputError(f"model.source: {name} in {place.source} holds numbers that are not finite; fetch or save it again")
    ends = getattr(getattr(module, "generation_config", None), "eos_token_id", None)
    wrong = next((t for t in (ends if isinstance(ends, list) else [ends]) if t is not None and type(t) is not int), None)
    if wrong is not None:
        raise InputError(
            f"model.source: generation_config.json of {place.source} has the end token {wrong!r}, and a token is a whole number; correct it"
        )
    rows = module.get_input_embeddings().weight.shape[0]
    highest = max(tokenizer.get_vocab().values(), default=-1)
    if highest >= rows:
        raise InputError(
            f"model.source: the tokenizer of {place.source} has {highest + 1} tokens and the model embeddings for {rows}; resize its embeddings "
            "(resize_token_embeddings of transformers) and save it, or take the tokenizer that belongs to it"
        )
    if kind is POLICY and getattr(module.config, "is_decoder", True) is False and _looks_ahead(module):
        raise InputError(
            f"model.source: {place.source} is a {type(module).__name__} that sees the tokens to come, so it cannot write; take a decoder"
        )


@torch.no_grad()
def _looks_ahead(module: Any) -> bool:
    """Whether what the model says of a token depends on the next one: encoders can be loaded as language models."""
    one, other = (module(input_ids=torch.tensor([[1, token]])).logits[0, 0] for token in (2, 3))
    return not torch.allclose(one, other, rtol=1e-3, atol=1e-3 * float(one.abs().max()))


_NO_TOKENIZER = (
    "a model's folder needs its tokenizer's files beside the weights; copy them from the model that it was trained from (tokenizer.json, tokenizer_config.json, "
    "chat_template.jinja)"
)


def _tokenizer(place: Place, base: Place | None = None) -> Any:
    """The tokenizer that lies beside the weights; beside adapters that have none, that of their base."""
    from transformers import AutoTokenizer

    own = base is None or any(
        (Path(place.where) / name).is_file() for name in ("tokenizer.json", "tokenizer_config.json", "tokenizer.model")
    )
    there, template = place if own else base, Path(place.where) / "chat_template.jinja"
    try:
        with silent():
            tokenizer = AutoTokenizer.from_pretrained(there.where, trust_remote_code=False, **there.options)
            if not own and template.is_file():
                tokenizer.chat_template = template.read_text()
    except ImportError as error:
        raise InputError(
            f"model.source: reading the tokenizer of {there.source} needs a package that is not installed ({_line(error)}); pip install it"
        ) from error
    except Exception as error:
        raise InputError(
            f"model.source: cannot load a tokenizer from {there.source!r} ({_line(error).removesuffix(' from one of:')}); {_NO_TOKENIZER}"
        ) from error
    if not set(tokenizer.get_vocab()) - set(tokenizer.all_special_tokens):
        raise InputError(f"model.source: {there.source} holds no tokenizer; {_NO_TOKENIZER}")  # transformers makes one of nothing
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def _without_added(tokenizer: Any, rows: int) -> None:
    """``transformers`` adds the special tokens of a family to the vocabulary of a GGUF file, whether the file has them or not. Those for which there is no
    row, and which are neither end, start, padding nor unknown, are taken away: text that spells one is cut as any other text, as whoever else reads the
    file cuts it."""
    core = getattr(tokenizer, "backend_tokenizer", None)
    if core is None:
        return
    roles = {value for value in tokenizer.special_tokens_map.values() if isinstance(value, str)}
    plain = json.loads(core.to_str())
    kept = [token for token in plain["added_tokens"] if token["id"] < rows or token["content"] in roles]
    if len(kept) < len(plain["added_tokens"]):
        tokenizer._tokenizer = type(core).from_str(json.dumps(plain | {"added_tokens": kept}))


# adapters


def _adapters(place: Place) -> dict[str, Any] | None:
    """What a folder or a repository says of its adapters; None where it holds none."""
    from transformers.utils.peft_utils import find_adapter_config_file

    if place.options:
        return None
    try:
        path = find_adapter_config_file(place.where)
        return None if path is None else json.loads(Path(path).read_text())
    except ValueError as error:
        raise InputError(f"model.source: {ADAPTERS} in {place.source} is damaged ({_line(error)}); save the adapters again") from error
    except Exception:  # a hub that cannot be reached is reported where the weights are looked for
        return None


def _refuse_other_adapters(place: Place, adapters: dict[str, Any], kind: Kind) -> None:
    what, task = adapters.get("peft_type"), adapters.get("task_type")
    if what != "LORA":
        raise InputError(
            f"model.source: {place.source} holds adapters of the kind {what}, and only those of LoRA are read; merge them where they were made"
        )
    if task not in (kind.task, None):
        raise InputError(
            f"model.source: {place.source} holds the adapters of another kind of model ({task}), and {kind.called} is needed; {kind.otherwise}"
        )


def _base_of(place: Place, adapters: dict[str, Any]) -> Place:
    name = adapters.get("base_model_name_or_path")
    if not name:
        raise InputError(f"model.source: {place.source} holds adapters and does not say of which model; {_asks(place)}")
    beside = Path(place.where) / name
    if not Path(name).exists() and not Path(name).is_absolute() and beside.is_dir():
        name = str(beside)
    try:
        return Place.of(name)
    except InputError as error:
        raise InputError(f"model.source: {place.source} holds adapters of {name}, which is not there; {_asks(place)}") from error


def _asks(place: Place) -> str:
    return f"write where it lies into base_model_name_or_path of {place.where}/{ADAPTERS}"


def _saved(place: Place) -> dict[str, torch.Tensor]:
    """What the file of adapters holds."""
    from peft.utils.save_and_load import load_peft_weights

    files = ("adapter_model.safetensors", "adapter_model.bin")
    if place.is_folder and not any((Path(place.where) / name).is_file() for name in files):
        raise InputError(f"model.source: {place.source} holds the settings of adapters and no {files[0]}; fetch or save them again")
    try:
        return load_peft_weights(place.where, device="cpu")
    except Exception as error:
        raise InputError(f"model.source: cannot read the adapters in {place.source!r}: {_line(error)}") from error


def _on(module: Any, place: Place, lacking: set[str], base: Place, saved: Mapping[str, torch.Tensor]) -> Any:
    """The module with the saved adapters on it, to be trained on.

    Raises:
        InputError: they belong to another model, or not all of them are there.
    """
    from peft import PeftModel
    from peft.utils.save_and_load import get_peft_model_state_dict

    try:
        with silent():
            _resize(module, saved)
            adapted = PeftModel.from_pretrained(module, place.where, is_trainable=True)
            own = get_peft_model_state_dict(adapted, save_embedding_layers=False)
    except Exception as error:
        raise InputError(f"model.source: the adapters in {place.source} cannot be put on {base.source}: {_line(error)}") from error
    whole = {_bare(name) for name in adapted.get_base_model().state_dict()}
    missing = own.keys() - saved.keys()
    strange = {name for name in saved.keys() - own.keys() if _bare(name.removeprefix(_INSIDE)) not in whole}
    for names, what in ((missing, "lack"), (strange, "hold what has no place in the model")):
        if names:
            raise InputError(
                f"model.source: the adapters in {place.source} {what}: {_some(names)}; they were made for another model than {base.source}, or are damaged"
            )
    brought = {name.removeprefix(_INSIDE) for name in saved}
    _refuse_gaps(base, module, lacking - brought)
    for config in adapted.peft_config.values():
        config.base_model_name_or_path = base.lasting
    without_dropout(adapted)
    return in_float32(adapted)


def _merged(place: Place, adapted: Any) -> Any:
    try:
        return merged(adapted)
    except torch.OutOfMemoryError:
        raise  # which is no fault of the adapters
    except (RuntimeError, ValueError, NotImplementedError) as error:  # what peft raises for kinds of adapters that are not weights
        raise InputError(
            f"model.source: the adapters in {place.source} cannot be added to the weights ({_line(error).rstrip('.')}); train them on instead (without model.lora)"
        ) from error


def _bare(name: str) -> str:
    """The name of a weight without what ``peft`` writes into it for the layer around it."""
    for word in (".base_layer.", ".original_module.", ".modules_to_save."):
        name = name.replace(word, ".")
    return name


def _resize(module: Any, saved: Mapping[str, torch.Tensor]) -> None:
    """Whoever added tokens saved the whole embedding with the adapters; the base is to have as many rows."""
    for name, layer in module.named_modules():
        if layer is module.get_input_embeddings():
            for inside in ("", ".base_layer"):
                there = saved.get(f"{_INSIDE}{name}{inside}.weight")
                if there is not None and len(there) != len(layer.weight):
                    with torch.random.fork_rng(devices=[]):
                        module.resize_token_embeddings(len(there), mean_resizing=False)
                    setattr(module, RESIZED, True)
                    return


def without_dropout(adapted: nn.Module) -> None:
    """What adapters were trained with before is no setting of the run that goes on: nothing is dropped."""
    for config in adapted.peft_config.values():
        config.lora_dropout = 0.0
    for layer in adapted.modules():
        for name in getattr(layer, "lora_dropout", {}):
            layer.lora_dropout[name] = nn.Identity()


# formats


def _unpacked(place: Place, config: Any) -> dict[str, Any]:
    """Packed blocks are to be read into ordinary weights, which have gradients, also where they could be computed with as they are."""
    import transformers

    how = (
        "GgufConfig"
        if "gguf_file" in place.options
        else _WRITTEN_OUT.get((getattr(config, "quantization_config", None) or {}).get("quant_method"), "")
    )
    return {"quantization_config": getattr(transformers, how)(dequantize=True)} if hasattr(transformers, how) else {}


def _plain(module: Any) -> Any:
    """A module read from a GGUF file holds ordinary weights and yet is marked as quantised, so that it could not be saved: without the mark."""
    if getattr(getattr(module, "quantization_method", None), "value", "") == "gguf":
        module.hf_quantizer, module.is_quantized, module.quantization_method = None, False, None
        del module.config.quantization_config
    return module


@contextlib.contextmanager
def silent() -> Iterator[None]:
    """Within, libraries do not print what is read here and said in a sentence, nor draw bars: that of a GGUF file heeds no switch of ``transformers``."""
    from transformers import modeling_gguf_pytorch_utils as reading
    from transformers.utils import logging

    verbosity, bar = logging.get_verbosity(), getattr(reading, "tqdm", None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.set_verbosity(logging.CRITICAL)
        if bar is not None:
            reading.tqdm = partial(bar, disable=True)
        try:
            yield
        finally:
            logging.set_verbosity(verbosity)
            if bar is not None:
                reading.tqdm = bar


def _some(names: Iterable[str]) -> str:
    names = sorted(names)
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")


def _line(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return text[0].strip() if text else type(error).__name__
