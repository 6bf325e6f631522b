"""A trained scorer of steps: a classifier of tokens of ``transformers`` with two outputs, from a folder or the hub, as a body under a step head.

    StepScorer("runs/process_reward_model/model")

It is what ``Headed(..., Step())`` saves, and what TRL's trainer of process rewards saved, adapters on their base included: of the two outputs at the last token of a step
the second less the first are the log-odds that it is right.

Source: ours; the format is that of ``AutoModelForTokenClassification``.
"""

from dataclasses import dataclass

from guerdon.models.heads.step import Step
from guerdon.models.language.headed import HeadedModel
from guerdon.models.language.loading import STEP_SCORER
from guerdon.models.language.scorer import classified
from guerdon.models.language.scoring import read_step_head


@dataclass(frozen=True)
class StepScorer:
    """Specification of a trained scorer of steps."""

    source: str
    dtype: str = "float32"
    device: str = "auto"

    def build(self, seed: int = 0) -> HeadedModel:
        """Load the model. Nothing is drawn.

        Raises:
            InputError: there is no such model, or it is none with two outputs at each token.
        """
        model, classifier = classified(self, STEP_SCORER, Step())
        model.module["head"].load_state_dict(read_step_head(classifier))
        return model
