"""Best-of-N and the KL-constrained optimum come to the same in long sequences, if N grows as exp(m * delta).

World: a memoryless source over three letters with an additive reward, each seed another source (letter probabilities and rewards at
random). All is exact: sequences of m letters with the same counts have the same probability and the same reward under every
policy here, so a distribution over the 3^m sequences is one over the (m + 1)(m + 2) / 2 counts, and divergences are the same.

Arms at budget delta = 0.1 nats a letter: the tilted optimum of the whole sequence within KL = m * delta; the product of the
tilted optima of single letters within KL = delta (the paper's closed form says that it is the same); best-of-N with N = exp(m * delta);
and, as the control that should not get there, best-of-N with the N of the shortest sequence throughout.

Measured, a letter: the gain in reward over the source, as a share of the tilted optimum's; the KL from the source as a share of
delta; the KL from the tilted optimum in nats.

Source: Yang et al. 2024, Asymptotics of Language Model Alignment, arXiv 2404.01730: the closed form of the optimum, and the
equivalence for memoryless sources and linear rewards. That theorem is about m to infinity; "converges" is here: the distance falls at
every doubling of m, and at the last one is within a tenth. At m = 256 N is 1.3e11.
The rate function of the reward's large deviations is not examined.
"""

import math

import torch
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, EqualTo, FallsWith, System
from guerdon.evaluation.metrics.exact_kl import ExactKL
from guerdon.exact.solvers.best_of_n_distribution import BestOfNDistribution
from guerdon.exact.solvers.exponential_tilt import ExponentialTilt
from guerdon.randomness import generator

system = System(
    title="Asymptotics of Language Model Alignment",
    link="https://arxiv.org/abs/2404.01730",
    kind="theory",
    builds_on=("exponential-tilt-policy", "best-of-n-distribution", "exact-kl"),
    read="abstract",
    untuned="exact distributions",
)
claim = AllOf(
    EqualTo("letter by letter", "tilt", on="share of the gain", tolerance=1e-6, at="every"),
    FallsWith("best of exp(m delta)", on="missing gain", every_step=True),
    FallsWith("best of exp(m delta)", on="KL from the tilt", every_step=True),
    EqualTo("best of exp(m delta)", 1.0, on="share of the gain", tolerance=0.1, at="last"),
    EqualTo("best of exp(m delta)", 0.0, on="KL from the tilt", tolerance=0.1 * 0.1, at="last"),
    BetterThan("best of exp(m delta)", "best of a fixed number", on="share of the gain", at="last", effect=0.05, matched="length"),
)
SEEDS = {"smoke": 2, "full": 10}
DELTA = 0.1
LENGTHS = {"smoke": (8, 16, 32), "full": (8, 16, 32, 64, 128, 256)}


def experiment(seed: int, scale: str) -> dict:
    letters, worth = source(seed)
    arms: dict[str, dict[str, dict[int, float]]] = {}
    for m in LENGTHS[scale]:
        counts = types(m)
        reference, reward = probability(counts, letters), counts @ worth
        tilt = ExponentialTilt(m * DELTA)(reward, reference)["policy"]
        policies = {
            "tilt": tilt,
            "letter by letter": probability(counts, ExponentialTilt(DELTA)(worth, letters)["policy"]),
            "best of exp(m delta)": BestOfNDistribution(math.exp(m * DELTA))(reward, reference)["policy"],
            "best of a fixed number": BestOfNDistribution(math.exp(LENGTHS[scale][0] * DELTA))(reward, reference)["policy"],
        }
        gain = float((tilt - reference) @ reward)
        for arm, policy in policies.items():
            share = float((policy - reference) @ reward) / gain
            row = {
                "share of the gain": share,
                "missing gain": abs(1 - share),
                "KL from the source": float(ExactKL()(policy, reference)) / (m * DELTA),
                "KL from the tilt": float(ExactKL()(policy, tilt)) / m,
            }
            for name, value in row.items():
                arms.setdefault(arm, {}).setdefault(name, {})[m] = value
    return arms


def source(seed: int) -> tuple[Tensor, Tensor]:
    """The probabilities of three letters, each at least 0.1, and what they earn."""
    random = generator(seed, "memoryless source")
    letters = 0.1 + 0.7 * torch.rand(3, dtype=torch.float64, generator=random).log().softmax(-1)
    return letters, torch.randn(3, dtype=torch.float64, generator=random)


def types(m: int) -> Tensor:
    """[(m + 1)(m + 2) / 2, 3]: how often each letter occurs in a sequence of m."""
    first, second = torch.meshgrid(torch.arange(m + 1), torch.arange(m + 1), indexing="ij")
    possible = first + second <= m
    return torch.stack([first[possible], second[possible], m - first[possible] - second[possible]], dim=-1).double()


def probability(counts: Tensor, letters: Tensor) -> Tensor:
    """The multinomial distribution of the counts."""
    orders = torch.lgamma(counts.sum(-1) + 1) - torch.lgamma(counts + 1).sum(-1)
    return (orders + (counts * letters.log()).sum(-1)).softmax(-1)
