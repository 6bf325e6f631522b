"""Direct alignment algorithms in one frame: SFT first, a beta for all, and then two axes, pairs or single sides, log-ratios or log-odds.

World: eight contexts, sequences of two of four tokens. A reward is one table for all contexts, N(0, 1), plus one of the context's own, N(0,
1/4). The policy before any training has logits of its own in each context, N(0, 1), and what is learned is one shift of all contexts'
logits: a policy of limited capacity, with prompts that differ. 256 pairs of different sequences are drawn from it, labelled once by
Bradley-Terry. A seed is another world.

SFT is the maximum likelihood of the chosen sequences. From it each objective is trained on all pairs by 60 steps of Adam (SimPO with a lead of
half its beta). One-stage ORPO and ASFT start from the policy before SFT, with the SFT term, for 120 steps; the weight of the comparison (lambda)
is in the place of beta. Measured on the way: the true reward, and the KL from the policy before SFT, so that both kinds pay on one scale. Every
arm is tuned alike, beta (lambda) and learning rate, by the true reward at a KL of 1 nat. "beta 1" is the second stage without the new parameter.

The frame is pairwise or pointwise, and log-ratio or log-odds, all with the logistic: DPO, ORPO, "each side's log-ratio" (BCO without its
reference point) and ASFT. The effect of an axis is the difference of its two means over these four, at the price. IPO, SimPO, NCA, APO-zero and
Cal-DPO are measured beside, with DPO's setting. Cosine: between the gradients of ASFT and ORPO at the SFT policy, by beta.

Claimed, as the paper does, at equal KL: two stages are ahead of one; a tuned beta is ahead of 1; ORPO and ASFT come within 0.1 of DPO; pairwise is
ahead of pointwise, for either score, and the ranking matters more than the score, each by 0.05 where rewards have the deviation 1.1; the two
gradients become one direction as beta goes to 0.

Source: Gorbatovski et al. 2025, arXiv 2502.01237 (its third version): sections 2.3, 2.4 and 3.1, appendix E (the limit; that the gradients
align is the first version's theorem). Before, the best of fifteen settings and stops counted, seed by seed, whatever KL it took.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import torch
from torch import Tensor

from guerdon.atlas import AheadAlong, AllOf, BetterThan, EqualTo, FallsWith, Knob, NoWorseThan, System
from guerdon.atlas._comparing import descend, gradient, minimise
from guerdon.atlas._text import bought
from guerdon.losses.comparisons.anchored_zero import AnchoredZero
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.comparisons.noise_contrastive import NoiseContrastive
from guerdon.losses.comparisons.pointwise_logistic import PointwiseLogistic
from guerdon.losses.comparisons.pointwise_square import PointwiseSquare
from guerdon.losses.comparisons.square import Square
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.on_side import OnSide
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_odds import LogOdds
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.losses.scores.mean_log_probability import MeanLogProbability
from guerdon.models.finite.policy import TablePolicy
from guerdon.models.finite.shared_shift import SharedShift
from guerdon.randomness import derive, generator
from guerdon.recipes.asft import recipe as asft
from guerdon.recipes.dpo import recipe as dpo
from guerdon.recipes.orpo import recipe as orpo
from guerdon.sequences import Example, Side
from guerdon.training.recipe import Term

system = System(
    title="The Differences Between Direct Alignment Algorithms are a Blur",
    link="https://arxiv.org/abs/2502.01237",
    kind="study",
    builds_on=("dpo", "ipo", "simpo", "orpo", "asft", "kto", "nca", "apo"),
    read="paper",
)
CONTEXTS, VOCABULARY, DEPTH, PAIRS = 8, 4, 2, 256
BETAS, STOPS, PRICE = (0.01, 0.03, 0.1, 0.3, 1.0), (2, 4, 7, 12, 20, 30, 45, 60), 1.0
SFT = Term(OnSide(NegativeLogLikelihood()))
SIDES_RATIO = "each side's log-ratio"
Objective = Callable[[float], tuple[Term, ...]]  # by beta


def on(score: Callable[[float], object], link: object) -> Objective:
    return lambda beta: (Term(Pairwise(score(beta), link)),)


TWO_STAGES: dict[str, Objective] = {
    "DPO": on(LogRatio, Logistic()),
    "ORPO": on(LogOdds, Logistic()),
    SIDES_RATIO: on(LogRatio, PointwiseLogistic()),
    "ASFT": on(LogOdds, PointwiseLogistic()),
    "IPO": on(LogRatio, Square()),
    "SimPO": lambda beta: (Term(Pairwise(MeanLogProbability(beta), Logistic(lead=beta / 2))),),
    "NCA": on(LogRatio, NoiseContrastive()),
    "APO-zero": on(LogRatio, AnchoredZero()),
    "Cal-DPO": lambda beta: (
        Term(Pairwise(LogRatio(1.0), Logistic())),
        Term(Pairwise(LogRatio(1.0), PointwiseSquare(target=1 / (2 * beta)))),
    ),
}
ONE_STAGE: dict[str, Objective] = {
    "ORPO in one stage": lambda weight: (SFT, Term(Pairwise(LogOdds(), Logistic()), weight=weight)),
    "ASFT in one stage": lambda weight: (SFT, Term(Pairwise(LogOdds(), PointwiseLogistic()), weight=weight)),
}
REWARD, COSINE, EFFECT, AT = "true reward", "cosine of the gradients", "effect on the true reward at the price", "true reward at the price"
recipe = {"DPO": dpo, "ORPO in one stage": orpo, "ASFT in one stage": asft}
_FRAME = ("DPO", "ORPO", SIDES_RATIO, "ASFT")
_KNOBS = {"beta": Knob((0.03, 0.1, 0.3), least=0.01), "rate": (0.05, 0.1, 0.2)}
# below that beta does no more than scale the gradient, which Adam undoes
GRID = dict.fromkeys(_FRAME, _KNOBS) | {arm: {"weight": (0.3, 1.0, 3.0), "rate": (0.05, 0.1, 0.2)} for arm in ONE_STAGE}
TUNED_BY = AT
_ahead = {"on": REWARD, "along": "KL", "effect": 0.05}
claim = AllOf(
    *(AheadAlong(name, f"{name} in one stage", **_ahead) for name in ("ORPO", "ASFT")),
    *(AheadAlong(name, f"{name}, beta 1", **_ahead) for name in ("ORPO", "ASFT")),
    *(NoWorseThan(name, "DPO", on=AT, margin=0.1, matched="KL") for name in ("ORPO", "ASFT")),
    AheadAlong("DPO", SIDES_RATIO, **_ahead),
    AheadAlong("ORPO", "ASFT", **_ahead),
    BetterThan("pairs or sides", "log-ratio or log-odds", on=EFFECT, effect=0.05, matched="KL"),
    EqualTo("ASFT and ORPO", 1.0, on=COSINE, tolerance=1e-3, at="first"),
    FallsWith("ASFT and ORPO", on=COSINE),
)
SEEDS = {"smoke": 1, "full": 32, "tune": 3}


def trial(arm: str, seed: int, scale: str, rate: float, beta: float = 0.0, weight: float = 0.0) -> dict:
    prompts, stops = begun(seed), STOPS[:2] if scale == "smoke" else STOPS
    if arm in ONE_STAGE:
        return prompts.path(prompts.untrained, ONE_STAGE[arm](weight), (*stops, 2 * stops[-1]), rate)
    return prompts.path(prompts.tuned, TWO_STAGES[arm](beta), stops, rate)


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    arms = {arm: trial(arm, seed, scale, **setting) for arm, setting in tuned.items()}
    arms |= {name: trial(name, seed, scale, **tuned["DPO"]) for name in TWO_STAGES if name not in arms}
    arms |= {f"{name}, beta 1": trial(name, seed, scale, tuned[name]["rate"], beta=1.0) for name in ("ORPO", "ASFT")}
    at = {name: arms[name][AT] for name in _FRAME}
    pairs, sides = (at["DPO"], at["ORPO"]), (at[SIDES_RATIO], at["ASFT"])
    arms["pairs or sides"] = {EFFECT: abs(sum(pairs) - sum(sides)) / 2}
    arms["log-ratio or log-odds"] = {EFFECT: abs(pairs[0] + sides[0] - pairs[1] - sides[1]) / 2}
    return arms | {"ASFT and ORPO": {COSINE: {beta: begun(seed).cosine(beta) for beta in BETAS}}}


@dataclass(frozen=True)
class Prompts:
    """A seed's contexts, their rewards, and the pairs that were labelled."""

    seed: int

    def untrained(self) -> TablePolicy:
        return SharedShift(CONTEXTS, 1, VOCABULARY, DEPTH, own=1.0, seed=derive(self.seed, "policy")).build()

    def tuned(self) -> TablePolicy:
        """After SFT."""
        policy = self.untrained()
        policy.module.load_state_dict(self._tuned)
        return policy

    @cached_property
    def _tuned(self) -> dict[str, Tensor]:
        policy = self.untrained()
        minimise(policy, (SFT,), self.examples)
        return policy.module.state_dict()

    @cached_property
    def rewards(self) -> Tensor:
        """[C, S]"""
        rng, size = generator(self.seed, "rewards"), self.untrained().tree.size
        shared = torch.randn(size, dtype=torch.float64, generator=rng)
        return shared + 0.5 * torch.randn(CONTEXTS, size, dtype=torch.float64, generator=rng)

    @cached_property
    def examples(self) -> list[Example]:
        policy, rng = self.untrained(), generator(self.seed, "pairs")
        where = torch.randint(CONTEXTS, (PAIRS,), generator=rng)
        drawn = torch.multinomial(policy.log_probabilities().exp().detach()[where], 2, generator=rng)
        rewards = self.rewards[where.unsqueeze(-1), drawn]
        wins = torch.rand(PAIRS, dtype=torch.float64, generator=rng) < torch.sigmoid(rewards[:, 0] - rewards[:, 1])
        rows = torch.cat([where.unsqueeze(-1), torch.where(wins.unsqueeze(-1), drawn, drawn.flip(-1))], 1)
        different, count = torch.unique(rows, dim=0, return_counts=True)
        weights = (count / count.double().mean()).tolist()

        def side(context: int, answer: int) -> Side:
            return Side((context,), tuple(policy.tree.actions[answer].tolist()), (True,) * DEPTH)

        return [
            Example({"chosen": side(context, chosen), "rejected": side(context, rejected)}, {"weight": weight})
            for (context, chosen, rejected), weight in zip(different.tolist(), weights, strict=True)
        ]

    def path(self, start: Callable[[], TablePolicy], terms: tuple[Term, ...], stops: Sequence[int], rate: float) -> dict:
        """What comes of the terms on the way from there."""
        first = self.untrained()
        seen = {0: self.measured(start(), first)}
        for stop, policy in zip(stops, descend(start(), terms, self.examples, stops, rate), strict=True):
            seen[stop] = self.measured(policy, first)
        curves = {name: {stop: found[name] for stop, found in seen.items()} for name in (REWARD, "KL")}
        return curves | {AT: bought(curves[REWARD], curves["KL"], PRICE)}

    def measured(self, policy: TablePolicy, first: TablePolicy) -> dict[str, float]:
        return {REWARD: float(policy.expect(self.rewards).mean().detach()), "KL": float(policy.kl(first).mean().detach())}

    def cosine(self, beta: float) -> float:
        one, other = (gradient(self.tuned(), TWO_STAGES[name](beta), self.examples) for name in ("ASFT", "ORPO"))
        return float(torch.nn.functional.cosine_similarity(one, other, dim=0))


begun = lru_cache(maxsize=4)(Prompts)
