"""Situations: worlds in which a learned reward can be exploited, which differ by why it is wrong, and what is fitted to their comparisons."""

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from guerdon.atlas.reward_robustness._proxies import fitted, scores
from guerdon.randomness import derive, generator
from guerdon.worlds.finite.exploitable import Exploitable

MEMBERS = 5


@dataclass(frozen=True)
class Situation:
    """``said``: why the proxy is wrong, in words; ``world``: a world of some seed; ``comparisons``: how many there are."""

    said: str
    comparisons: int
    liking: float = 0.0
    label_noise: float = 0.0
    annotators: int = 1
    disagreement: float = 0.0
    unseen: int = 0

    def world(self, seed: int) -> Exploitable:
        return Exploitable(
            liking=self.liking,
            label_noise=self.label_noise,
            annotators=self.annotators,
            disagreement=self.disagreement,
            unseen=self.unseen,
            seed=seed,
        )


SITUATIONS = {
    "few": Situation("few comparisons", 200),
    "many": Situation("many comparisons", 2000),
    "marks": Situation("annotators like marks that are worth nothing", 1000, liking=0.5),
    "noise": Situation("two labels of five are a coin's", 1000, label_noise=0.4),
    "tastes": Situation("annotators have tastes of their own", 1000, annotators=20, disagreement=0.7),
    "unseen": Situation("annotators do not see two of the four causes", 1000, unseen=2),
}


def proxies(name: str, seed: int, ridge: float, resampled: bool = False, members: int = MEMBERS) -> Tensor:
    """[members, C, A], the scores of reward models that were fitted to the same comparisons, with hidden layers of their own, in log-odds; ``resampled``: each to as many
    of them, drawn with repetition."""
    return torch.stack([_proxy(name, seed, ridge, resampled, member) for member in range(members)])


@lru_cache(maxsize=8192)
def _proxy(name: str, seed: int, ridge: float, resampled: bool, member: int) -> Tensor:
    situation = SITUATIONS[name]
    world = situation.world(seed)
    verdicts = world.comparisons(situation.comparisons)
    if resampled:
        verdicts = verdicts[torch.randint(len(verdicts), (len(verdicts),), generator=generator(seed, "resampled", member))]
    return scores(fitted(world, verdicts, derive(seed, "member", member), ridge=ridge), world)
