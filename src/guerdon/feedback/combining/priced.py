"""Priced: what an answer is worth and what finding it saved, the saving only where there is something to be had for it.

    reward = -1                                                where ``form`` is below 0.5
             (1 - alpha) * score + alpha * saving              where the score is above 0
             0                                                 elsewhere                                [B]

``score`` is the answer's worth (a match, F1), ``saving`` 1 for what cost nothing and 0 for the dearest, ``form`` whether the answer has the form that is asked for; a form that
does not apply, or ``form`` empty, is right. So no saving is to be had by being wrong for nothing. NaN where the score or the saving does not apply to a sample of the right
form.

Source: Router-R1, arXiv 2506.09033, and its authors' code (ulab-uiuc/Router-R1, ``qa_em.py``, ``compute_score_em`` with F1), where ``alpha`` is ``cost_coe`` and the saving
follows from the square root of the price within the quantiles of the last 1,000. ``alpha`` 0.6 is one of those that are tried there. Differs from Weigh: the price counts among
answers that are worth something, and form is a condition."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from guerdon.catalogue import unknown
from guerdon.errors import InputError
from guerdon.feedback.combining.weigh import Weigh
from guerdon.quantities import B
from guerdon.witness import Witness


@dataclass(frozen=True)
class Priced:
    score: str = "score"
    saving: str = "saving"
    form: str = "form"
    alpha: float = 0.6

    def __call__(self, components: Mapping[str, B]) -> B:
        for name in filter(None, (self.score, self.saving, self.form)):
            if name not in components:
                raise InputError(unknown("reward component of priced", name, list(components)))
        score, saving = components[self.score], components[self.saving]
        traded = torch.where(score > 0, (1 - self.alpha) * score + self.alpha * saving, score * saving * 0)
        return torch.where(components[self.form] < 0.5, -1.0, traded) if self.form else traded


_nan = float("nan")
_components = {
    "score": torch.tensor([1.0, 1.0, 0.0, 1.0, 0.5, _nan]),
    "saving": torch.tensor([1.0, 0.0, 1.0, 1.0, 0.5, 1.0]),
    "form": torch.tensor([1.0, 1.0, 1.0, 0.0, _nan, 1.0]),
}
witness = (
    Witness(Priced(alpha=0.25), parent=Weigh(), given={"components": _components}, returns=[1.0, 0.75, 0.0, -1.0, 0.5, _nan]),
    Witness(Priced(alpha=0.5), parent=Priced(alpha=0.25), given={"components": _components}, returns=[1.0, 0.5, 0.0, -1.0, 0.5, _nan]),
    Witness(
        Priced(form="", alpha=0.25), parent=Priced(alpha=0.25), given={"components": _components}, returns=[1.0, 0.75, 0.0, 1.0, 0.5, _nan]
    ),
    Witness(
        Priced("form", "score", "", 0.25),
        parent=Priced("score", "form", "", 0.25),
        given={"components": {"score": torch.tensor([0.0, 1.0]), "form": torch.tensor([1.0, 1.0])}},
        returns=[0.75, 1.0],
    ),
)
