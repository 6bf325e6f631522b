"""A trained scorer: a sequence classifier of ``transformers`` with one output, from a folder or the hub, as a body under a scalar head.

    Scorer("runs/reward_model/model")

It is what ``Headed(..., Scalar())`` saves, and what TRL's reward trainer saves, adapters on their base included. Each is read where it was trained to be read
(``scoring``): ours at the end of the answer, others at the last token of the chat template that is no padding.

Source: ours; the format is that of ``AutoModelForSequenceClassification``.
"""

from dataclasses import dataclass
from typing import Any

from guerdon.models.heads import Head
from guerdon.models.heads.scalar import Scalar
from guerdon.models.language.headed import HeadedModel
from guerdon.models.language.loading import SCORER, Kind, read
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
        model, classifier = classified(self, SCORER, Scalar())
        model.scored = Scored.of(classifier.config)
        model.module["head"].load_state_dict({"weight": classifier.score.weight.float()})
        return model


def classified(specification: Any, kind: Kind, head: Head) -> tuple[HeadedModel, Any]:
    """The body of a classifier of ``transformers`` (``source``, ``dtype``, ``device`` of the specification) under a head of ours, which is to be filled, and the classifier."""
    device = device_of(specification.device)
    found = read(specification.source, kind, dtype_of(specification.dtype, device), merge=True)
    return HeadedModel(LanguagePolicy(found.module, found.tokenizer, device), head, 0), found.module
