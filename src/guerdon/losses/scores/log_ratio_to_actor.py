"""Log-ratio to the actor: how much more likely the model makes a sequence than who drew it.

    score = beta * sum over acted steps of (logp - old_logp)        [B], in units of reward

``Pairwise(LogRatioToActor(0.05), Logistic())`` on pairs of rollouts teaches a model, a learner of its own, what made one answer better than another of the same policy;
what it then says of a step is a reward for it (``credit.advantages.implicit_steps``).

Source: OPRL (later iStar), arXiv 2509.19199, its trajectory-based DPO objective; ``beta`` 0.05 in its authors' script (``beta_train``).
Differs from LogRatio: the reference is the policy as it was when it drew, batch by batch.
"""

from dataclasses import dataclass

from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.quantities import BT, B, Mask
from guerdon.witness import Limit, Witness


@dataclass(frozen=True)
class LogRatioToActor:
    beta: float = 0.05

    def __call__(self, logp: BT, old_logp: BT, mask: Mask) -> B:
        return LogRatio(self.beta)(logp, old_logp, mask)


witness = Witness(
    LogRatioToActor(beta=0.5),
    parent=LogRatio(beta=0.5),
    given={"logp": [[-1.0, -1.0, 9.0]], "old_logp": [[-2.0, -3.0, 5.0]], "ref_logp": [[-1.0, -1.0, 5.0]], "mask": [[1, 1, 0]]},
    returns=[1.5],
    gradient={"logp": [[0.5, 0.5, 0.0]], "old_logp": None},
)


def _still(inputs: dict) -> dict:
    return inputs | {"old_logp": inputs["ref_logp"].clone()}


limits = (Limit(LogRatioToActor(), equals=LogRatio(0.05), when="the reference drew", under=_still),)
