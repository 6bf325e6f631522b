"""Log sigmoid: a reward counts as the log-probability that the answer is at least as good as a reference.

    reward = log sigmoid(reward - reference)        [B], below 0

An answer better than the reference has little left to win, one that is worse as much as before: what is improved are the prompts that are answered badly. Shaped each by
itself (``each_shaped``), rewards of several kinds add up to the log-probability that the answer is good enough in all of them.

``by``: the name of the component that holds the reference's reward (``reference_reward``).

Source: LSC, Wang et al. 2024, arXiv 2402.00742, its abstract and descriptions: of a Bradley-Terry reward. The code of PAR compares with it at the 85 % quantile of a normal
distribution fitted to the references, where ``reference_reward`` takes their own.
Differs from ReferenceSigmoid: not bounded below, so that bad answers count as the reward has them.
"""

from dataclasses import dataclass

from torch.nn.functional import logsigmoid

from guerdon.feedback.shaping.reference_sigmoid import LN3, ReferenceSigmoid
from guerdon.quantities import B
from guerdon.witness import Witness


@dataclass(frozen=True)
class LogSigmoid:
    by: str = "reference"

    def needs(self) -> frozenset[str]:
        return frozenset({"reward", f"component_{self.by}"})

    def __call__(self, reward: B, **read: B) -> B:
        return logsigmoid(reward - read[f"component_{self.by}"])


LN2 = 0.6931471805599453
_given = {"reward": [1.0, LN3], "component_reference": [1.0, 0.0], "component_refusal": [1.0, 2 * LN3]}
witness = (
    Witness(LogSigmoid(), parent=ReferenceSigmoid(), given=_given, returns=[-LN2, LN3 - 2 * LN2]),
    Witness(LogSigmoid("refusal"), parent=LogSigmoid(), given=_given, returns=[-LN2, -2 * LN2]),
)
