"""A trained scorer: a sequence classifier of ``transformers`` with one output, from a folder or the hub, as a body under a scalar head.

    Scorer("runs/reward_model/model")

It is what ``Headed(..., Scalar())`` saves, and what TRL's reward trainer saves, if the score is read at the last token.

Source: ours; the format is that of ``AutoModelForSequenceClassification``.
"""

from dataclasses import dataclass

import torch

from guerdon.errors import InputError
from guerdon.models.heads.scalar import Scalar
from guerdon.models.language.headed import HeadedModel
from guerdon.models.language.language_model import locate
from guerdon.models.language.policy import LanguagePolicy, device_of
from guerdon.models.language.precision import dtype_of


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
        from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer

        device = device_of(self.device)
        where, _ = locate(self.source)
        try:
            config = AutoConfig.from_pretrained(where)
            kinds = getattr(config, "architectures", None) or []
            if not any("SequenceClassification" in kind for kind in kinds) or config.num_labels != 1:
                raise InputError(
                    f"{self.source} is no scorer ({', '.join(kinds) or 'unknown kind'}): it must be a sequence classifier with one output, as "
                    "a run with the recipe reward_model saves it"
                )
            classifier = AutoModelForSequenceClassification.from_pretrained(where, dtype=dtype_of(self.dtype, device))
            tokenizer = AutoTokenizer.from_pretrained(where)
        except (OSError, ValueError) as error:
            raise InputError(f"cannot load a scorer from {self.source!r}: {str(error).splitlines()[0]}") from error
        if tokenizer.pad_token is None:
            tokenizer.pad_token = tokenizer.eos_token
        model = HeadedModel(LanguagePolicy(classifier, tokenizer, device), Scalar(), 0)
        with torch.no_grad():
            model.module["head"].weight.copy_(classifier.score.weight.float())
        return model
