"""Hidden state: an answer as what a frozen language model, cut after some of its layers, makes of it on the average.

    embedding = u / |u|,    u = mean over the answer's tokens of norm(hidden[layers])        [B, D]

where ``norm`` is the model's own last normalisation and the context is read before the answer. Middle layers are asked rather than the last, which serve
to predict the next token, and they cost less: what lies above is not computed.

    HiddenState("HuggingFaceTB/SmolLM2-135M-Instruct", layers=10)

Source: features of middle layers under a linear probe: Alain and Bengio 2016, arXiv 1610.01644; that they know most about whether an answer is true:
Azaria and Mitchell 2023, arXiv 2304.13734. The mean over the answer, the norm and the unit length are ours.
Differs from SentenceEmbedding: the answer's tokens have read the context, token by token, and case and figures are kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from guerdon.errors import InputError
from guerdon.models.encoders._remembering import Pair, Remembering
from guerdon.models.language.loading import load
from guerdon.models.language.policy import device_of
from guerdon.models.language.precision import dtype_of
from guerdon.sequences import pad

TOGETHER = 16  # pairs of like length that go through the model at once


@dataclass(frozen=True)
class HiddenState:
    """Specification of a frozen language model as an encoder.

    Attributes:
        source: as in ``LanguageModel``.
        layers: after so many the model is cut; 10 is a third of SmolLM2-135M's, chosen on GSM8K (see the page on real data).
    """

    source: str
    layers: int = 10
    dtype: str = "float32"
    device: str = "auto"

    def build(self, seed: int = 0) -> "HiddenStateEncoder":
        """Load the model and cut it. Nothing is drawn.

        Raises:
            InputError: the model cannot be loaded or has fewer layers, or the device or dtype does not exist.
        """
        device = device_of(self.device)
        module, tokenizer = load(self.source, dtype_of(self.dtype, device))
        cut(module.base_model, self.layers)
        return HiddenStateEncoder(module.eval().requires_grad_(False).to(device), tokenizer, device)


def cut(body: nn.Module, layers: int) -> nn.Module:
    """The body of a causal LM with its first ``layers`` layers and its last normalisation.

    Raises:
        InputError: it has not so many, or they are not to be found.
    """
    count = getattr(body.config, "num_hidden_layers", None)
    name = next((n for n, child in body.named_children() if isinstance(child, nn.ModuleList) and len(child) == count), None)
    if name is None:
        raise InputError(
            f"the layers of a {type(body).__name__} are not where they are looked for, so it cannot be cut; take another model"
        )
    if not 0 < layers <= count:
        raise InputError(f"layers={layers}: the model has {count}, so give a number from 1 to {count}")
    setattr(body, name, getattr(body, name)[:layers])
    body.config.num_hidden_layers = layers
    if getattr(body.config, "layer_types", None):
        body.config.layer_types = body.config.layer_types[:layers]
    return body


class HiddenStateEncoder(Remembering):
    """The running encoder: the body of a causal language model that was cut, which is kept whole so that what is saved loads as what it came from."""

    def __init__(self, model: nn.Module, tokenizer: Any, device: torch.device):
        super().__init__()
        self.model, self.module, self.tokenizer, self.device = model, model.base_model, tokenizer, device
        self.width = model.config.hidden_size

    def encoded(self, pairs: Sequence[Pair]) -> list[Tensor]:
        """See ``Remembering``."""
        order = sorted(range(len(pairs)), key=lambda i: sum(map(len, pairs[i])))
        out: dict[int, Tensor] = {}
        for first in range(0, len(order), TOGETHER):
            some = order[first : first + TOGETHER]
            ids = pad([[*pairs[i][0], *pairs[i][1]] for i in some], torch.long)
            places = torch.arange(ids.shape[1])
            starts = torch.tensor([len(pairs[i][0]) for i in some]).unsqueeze(-1)
            ends = starts + torch.tensor([len(pairs[i][1]) for i in some]).unsqueeze(-1)
            attention = (places < ends).to(self.device)
            hidden = self.module(input_ids=ids.to(self.device), attention_mask=attention, use_cache=False).last_hidden_state.float().cpu()
            answer = ((places >= starts) & (places < ends)).unsqueeze(-1)
            out |= zip(some, nn.functional.normalize((hidden * answer).sum(1), dim=-1), strict=True)
        return [out[i] for i in range(len(pairs))]

    def save(self, folder: Path) -> None:
        """A ``transformers`` folder of the model as it was cut."""
        self.model.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)
