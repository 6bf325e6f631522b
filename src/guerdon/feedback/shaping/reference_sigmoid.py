"""Reference sigmoid: a reward counts as how likely the answer is preferred to a reference.

    reward = mean over m of sigmoid(reward - reference_m)        [B], between 0 and 1

``by``: the names of the components that hold the references' rewards (``reference_reward``). It grows fast while an answer is worse than the reference and ends at 1, so that
nothing is won by going on where a learned reward is known to be wrong, far beyond whatever it was fitted to.

Source: preference as reward (PAR), Fu et al. 2025, arXiv 2502.18770, and its authors' code (PAR, ``reward_shaper.py``); by its abstract one reference is enough.
Differs from ExpectedPreference: compared with what was there before, not with the batch, so that progress is seen. Differs from LogSigmoid: bounded below as well.
"""

from dataclasses import dataclass

import torch

from guerdon.feedback.shaping.expected_preference import ExpectedPreference
from guerdon.quantities import B
from guerdon.witness import Witness


@dataclass(frozen=True)
class ReferenceSigmoid:
    by: tuple[str, ...] = ("reference",)

    def needs(self) -> frozenset[str]:
        return frozenset({"reward", *(f"component_{name}" for name in self.by)})

    def __call__(self, reward: B, **read: B) -> B:
        return torch.stack([torch.sigmoid(reward - read[f"component_{name}"]) for name in self.by]).mean(0)


LN3 = 1.0986122886681098
_given = {"reward": [1.0, LN3], "component_reference": [1.0, 0.0], "component_other": [1.0, 2 * LN3]}
witness = (
    Witness(ReferenceSigmoid(), parent=ExpectedPreference(), given=_given, returns=[0.5, 0.75]),
    Witness(ReferenceSigmoid(("reference", "other")), parent=ReferenceSigmoid(), given=_given, returns=[0.5, 0.5]),
)
