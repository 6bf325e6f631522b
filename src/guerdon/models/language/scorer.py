"""A trained scorer: a sequence classifier of ``transformers`` with one output, from a folder or the hub, as a body under a scalar head.

    Scorer("runs/reward_model/model")

It is what ``Headed(..., Scalar())`` saves, and what TRL's reward trainer saves, adapters on their base included. Each is read where it was trained to be read
(``scoring``): ours at the end of the answer, others at the last token of the chat template that is no padding.

Source: ours; the format is that of ``AutoModelForSequenceClassification``.
"""

from dataclasses import dataclass

import torch

from guerdon.models.heads.scalar import Scalar
from guerdon.models.language.headed import HeadedModel
from guerdon.models.language.loading import SCORER, read
from guerdon.models.language.policy import LanguagePolicy, device_of
from guerdon.models.language.precision import dtype_of
from guerdon.models.language.scoring import Scored


@dataclass(frozen=True)
class Scorer:
    """Specification of a trained scorer."""

    source: str
    dtype: str = "float32"
    device: str = "auto"

    def build(self, seed: int = 0) -> HeadedModel:
        """Load the model. Nothing is drawn.

        Raises:
            InputError: there is no such model, or it is none with one score.
        """
        device = device_of(self.device)
        found = read(self.source, SCORER, dtype_of(self.dtype, device), merge=True)
        model = HeadedModel(LanguagePolicy(found.module, found.tokenizer, device), Scalar(), 0)
        model.scored = Scored.of(found.module.config)
        with torch.no_grad():
            model.module["head"].weight.copy_(found.module.score.weight.float())
        return model
