"""A language model's body under a head: a reward model (scalar head) or a critic (value head).

    Headed(LanguageModel("..."), Scalar())       # measures ``score`` [B]
    Headed(LanguageModel("..."), Value())        # measures ``value`` [B, T]

Source: ours; see the heads for theirs.
"""

import copy
from collections.abc import Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from guerdon.models._scoring import scores_of
from guerdon.models.heads import Head
from guerdon.models.language.forward import encode, scatter
from guerdon.models.language.policy import LanguagePolicy
from guerdon.sequences import Sequences
from guerdon.tasks.encoding import Encoder


@dataclass(frozen=True)
class Headed:
    """Specification: a body (any language model's specification) and a head."""

    body: Any
    head: Head

    def build(self, seed: int = 0) -> "HeadedModel":
        return HeadedModel(self.body.build(seed), self.head, seed)


class HeadedModel:
    """The running body and head."""

    def __init__(self, policy: LanguagePolicy, head: Head, seed: int):
        self.policy, self.head = policy, head
        width = policy.module.config.get_text_config().hidden_size
        self.module = nn.ModuleDict({"body": policy.module, "head": head.build(width, seed).to(policy.device)})
        self.tokenizer, self.device = policy.tokenizer, policy.device

    @property
    def measures(self) -> Set[str]:
        return frozenset({self.head.measures})

    @property
    def packed(self) -> bool:
        """Whether sequences are measured in one flat row, shared contexts once."""
        return not self.policy.unpacked_because

    @property
    def context_length(self) -> int:
        return self.policy.context_length

    def measure(self, sequences: Sequences, names: Set[str]) -> dict[str, Tensor]:
        """The head's quantity: [B], or [B, T] and 0 where the policy did not act."""
        if self.head.measures not in names:
            return {}
        encoded = encode(self.policy.computing, sequences, self.device, self.packed)
        out = self.head.read(self.module["head"], encoded.hidden, encoded.predicts, encoded.last)
        return {self.head.measures: scatter(out, sequences.mask) if self.head.per_step else out.cpu()}

    def score(self, prompts: Sequence[Any], completions: Sequence[Any], rows_at_once: int = 32) -> list[float]:
        """The scalar head's number for each completion of a prompt; both plain text or both messages."""
        return scores_of(self, Encoder(self.tokenizer, self.context_length, truncate="prompt"), prompts, completions, rows_at_once)

    def reference(self) -> "HeadedModel":
        """The model as it is now, frozen."""
        return copy.deepcopy(self)

    def save(self, folder: Path, merge: bool = True) -> None:
        """A scalar head: a sequence classifier of ``transformers`` that loads anywhere. Others: the body's folder and ``head.safetensors``."""
        from safetensors.torch import save_file
        from transformers import AutoModelForSequenceClassification

        folder.mkdir(parents=True, exist_ok=True)
        body = copy.deepcopy(self.policy.module)
        body = body.merge_and_unload() if hasattr(body, "merge_and_unload") else body
        if not self.head.per_step:
            config = copy.deepcopy(body.config)
            config.num_labels, config.pad_token_id = 1, self.tokenizer.pad_token_id
            classifier = AutoModelForSequenceClassification.from_config(config)
            classifier.base_model.load_state_dict(body.base_model.state_dict())
            classifier.score.load_state_dict(self.module["head"].state_dict())
            classifier.save_pretrained(folder)
        else:
            body.save_pretrained(folder)
            save_file(self.module["head"].state_dict(), folder / "head.safetensors")
        self.tokenizer.save_pretrained(folder)
