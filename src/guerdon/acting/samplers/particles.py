"""Particles: many answers grow at once, and after each step those that do not look well give their places to others.

    each of ``num_particles`` answers gets a step;  weight_i = weight of score_i, over their sum;  as many are drawn anew by these weights, with replacement
    weight of a score = (score / (1 - score))^(1 / temperature)  with ``odds``, for probabilities;  exp(score / temperature)  without

P prompts → ``num_generations`` * P sequences, those of one prompt next to each other. What has ended is drawn anew with the others. Given out are those of the highest score
(``pick`` best), or as many drawn by the weights of the last step (drawn).

``telescoped`` weighs by the score over that of the beginning before it: then what is drawn has, with many particles, the distribution policy(y) * weight(score of y), whatever the
beginnings were scored; without it the scores of all beginnings count, as in the source. ``reward``, ``steps`` and what is recorded are as in StepBeam.

Source: A Probabilistic Inference Approach to Inference-Time Scaling of LLMs using Particle-Based Monte Carlo Methods, arXiv 2502.01618, abstract, and its authors' code,
``particle_gibbs.py`` (one iteration, ``resample_inactive``): logits of the scores, ``temperature`` 1, multinomial; the one with the highest reward is the answer. ``telescoped``:
as twisted sequential Monte Carlo weighs, arXiv 2404.17546. ``num_particles`` 8: ours.
Differs from StepBeam: chance decides who stays, in proportion to the scores, and what is likely is many times there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from typing import ClassVar, Literal

import torch
from torch import Tensor

from guerdon.acting.engines import Engine
from guerdon.acting.samplers import Score
from guerdon.acting.samplers._walking import Beginning, Pace, Walk, best
from guerdon.acting.samplers.step_beam import StepBeam
from guerdon.credit.segments import Segmenting
from guerdon.credit.segments.after_text import AfterText
from guerdon.credit.segments.every_n import EveryN
from guerdon.errors import InputError
from guerdon.feedback.rewards import Reward
from guerdon.models import Policy
from guerdon.models.finite._scripted import Scripted
from guerdon.randomness import generator
from guerdon.sequences import Decoding, Sequences
from guerdon.witness import Witness

_NEAR = 2.0**-52  # a probability is at least so far from 0 and 1


@dataclass(frozen=True)
class Particles:
    records: ClassVar[frozenset[str]] = frozenset({"score", "drawn_tokens", "scored_tokens"})
    looks: ClassVar[bool] = True

    num_generations: int = 1
    num_particles: int = 8
    temperature: float = 1.0
    odds: bool = True
    telescoped: bool = False
    pick: Literal["best", "drawn"] = "best"
    steps: Segmenting = AfterText()
    reward: Reward | None = None
    at_once: int = 16
    engine: Engine | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.num_generations <= self.num_particles or self.temperature <= 0:
            raise InputError(f"sampler: particles take a temperature above 0, and give out 1 to num_particles answers, not {self}")
        Pace(self.steps, self.at_once, self.engine)

    def __call__(self, policy: Policy, contexts: Sequence[Tensor], decoding: Decoding, seed: int, score_prefix: Score) -> Sequences:
        walk = Walk(policy, contexts, decoding, Pace(self.steps, self.at_once, self.engine), score_prefix)
        clouds = [
            [(Beginning(p), 0.0)] * self.num_particles for p in range(len(contexts))
        ]  # each with the log-weight by which it was drawn anew
        fresh = [False] * len(contexts)  # whether the scores that there are have not been drawn by yet
        depth, shape = 0, (len(contexts), self.num_particles)
        while any(not one.ended for cloud in clouds for one, _ in cloud):
            numbers = torch.rand(*shape, walk.longest, generator=generator(seed, "step", depth))
            places = [(p, k) for p, cloud in enumerate(clouds) for k, (one, _) in enumerate(cloud) if not one.ended]
            grown = walk.scored(walk.grown([clouds[p][k][0] for p, k in places], torch.stack([numbers[p, k] for p, k in places])))
            for (p, k), one in zip(places, grown, strict=True):
                clouds[p][k] = (one, clouds[p][k][1])
                fresh[p] = True
            for p, chance in enumerate(torch.rand(shape, generator=generator(seed, "resample", depth), dtype=torch.float64)):
                going = any(not one.ended for one, _ in clouds[p])
                if fresh[p] and (going or self.pick == "drawn"):
                    clouds[p], fresh[p] = self._anew(clouds[p], chance), False
            depth += 1
        if self.pick == "drawn":
            return walk.answers([one for cloud in clouds for one, _ in cloud[: self.num_generations]])
        return walk.answers([one for cloud in clouds for one in best([one for one, _ in cloud], self.num_generations)])

    def _weight(self, one: Beginning) -> float:
        """The logarithm of what a score weighs."""
        if not self.odds:
            return one.rank / self.temperature
        chance = min(max(one.rank, _NEAR), 1 - _NEAR)
        return log(chance / (1 - chance)) / self.temperature

    def _anew(self, cloud: list[tuple[Beginning, float]], chance: Tensor) -> list[tuple[Beginning, float]]:
        logits = torch.tensor([self._weight(one) - before for one, before in cloud], dtype=torch.float64)
        logits = torch.where(logits.isnan(), -torch.inf, logits)
        if logits.max() == -torch.inf:  # none is better than another
            logits = torch.zeros_like(logits)
        taken = torch.searchsorted(logits.softmax(-1).cumsum(-1), chance, right=True).clamp(max=len(cloud) - 1)
        weights = [self._weight(cloud[i][0]) if self.telescoped else 0.0 for i in taken.tolist()]
        return [(cloud[i][0], weight) for i, weight in zip(taken.tolist(), weights, strict=True)]


def _sure(sequences: Sequences) -> Tensor:
    """Almost certain of what holds a 2, and almost as certain that nothing else will do."""
    return torch.where((sequences.actions == 2).any(-1), 1 - 1e-12, 1e-12).double()


_given = {
    "policy": Scripted((((1,), (2,)),), continued=(((3,), (4,)),), end=0),
    "contexts": [torch.tensor([0])],
    "decoding": Decoding(max_completion_length=2),
    "seed": 0,
    "score_prefix": _sure,
}
witness = (
    Witness(  # both places are taken by 2
        Particles(2, 2, steps=EveryN(1)),
        parent=StepBeam(2, width=2, expansions=1, steps=EveryN(1)),
        given=_given,
        returns={"context": [0, 0], "actions": [[2, 3], [2, 4]], "drawn_tokens": [2.0, 2.0], "scored_tokens": [3.0, 3.0]},
    ),
    Witness(  # all eight are 2; where hardly anything weighs more, some are 1
        Particles(8, 8, steps=EveryN(1), odds=False, temperature=1e-3),
        parent=Particles(8, 8, steps=EveryN(1), odds=False, temperature=1e3),
        given=_given,
        returns={"actions": [[2, 3], [2, 4]] * 4},
    ),
)
