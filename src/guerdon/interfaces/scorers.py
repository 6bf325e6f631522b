"""Scorers: a trained reward model by its folder or hub id, whatever its head, for whoever asks it: ``score``, ``evaluate``, ``serve``."""

from pathlib import Path
from typing import Any

from guerdon.errors import InputError
from guerdon.parts import describe


def scorer_of(source: str, device: str, dtype: str = "float32", steps: bool = False) -> Any:
    """The specification: a classifier of ``transformers``, or a head on a body or on an encoder, of which the run's configuration says what it is.

    Args:
        steps: it scores the steps of solutions, and not whole answers.

    Raises:
        InputError: nothing says which head it is, or it says no score of an answer.
    """
    from guerdon.models.encoders.embedded import Embedded
    from guerdon.models.heads._reading import HEAD, measured_by
    from guerdon.models.language.headed import Headed
    from guerdon.models.language.language_model import LanguageModel
    from guerdon.models.language.scorer import Scorer
    from guerdon.models.language.step_scorer import StepScorer

    folder = Path(source).expanduser()
    if steps or not (folder / HEAD).is_file():
        return (StepScorer if steps else Scorer)(source, dtype, device)
    model = _model_of(folder)
    if "score" not in measured_by(model.head):
        raise InputError(f"the head in {folder} ({describe(model.head)}) says no score of an answer, so nothing can be scored by it")
    if isinstance(model, Embedded):
        return model.saved_in(folder, device)
    return Headed(LanguageModel(str(folder), dtype=dtype, device=device), model.head, trained=str(folder))


def for_nobody(specification: Any) -> Any:
    """The specification, if what it says is said for nobody in particular.

    Raises:
        InputError: its head scores for somebody, whom a column names.
    """
    from guerdon.models.heads._reading import columns_of

    head = getattr(specification, "head", None)
    if head is not None and (columns := columns_of(head)):
        raise InputError(
            f"the head {describe(head)} scores for somebody (column {columns[0]!r}), and here nobody is named; guerdon.training.adapting says how well it knows people"
        )
    return specification


def _model_of(folder: Path) -> Any:
    from guerdon.interfaces.configuration import read

    for place in (folder, folder.parent):
        if (place / "configuration.yaml").is_file():
            model = read(place / "configuration.yaml").model
            if getattr(model, "head", None) is not None:
                return model
    raise InputError(
        f"{folder} holds a head, and no configuration.yaml there or above it says which and of what; give the folder where the run wrote it"
    )
