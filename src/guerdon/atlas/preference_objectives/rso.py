"""RSO: pairs that are drawn as if from the optimum, by accepting samples of the reference in proportion to what they are worth.

*Accepted samples*. Sequences of six of eight tokens, rewards that add up, weights from N(0, 1); the reference is a policy without memory,
logits from N(0, 1/2). Of 8, 32 and 256 samples each in 800 rows one is accepted, at beta = 2: by how much the mean reward of what is
accepted falls short of the mean reward of the optimum, reference exp(reward / 2) / Z. At beta = 1 too, which no claim is about: there the
optimum is further than 32 samples reach.

*Learning*. Sequences of four of five tokens, the like rewards and reference. 128 pairs from another such policy are labelled by people,
Bradley-Terry on the rewards; an additive Bradley-Terry model is fitted to them, the proxy. Three kinds of pairs, 128 of each: the labelled
ones themselves ("direct"); samples of the reference, eight for each of 32 rows, in four pairs, labelled by the proxy ("sampled"); eight
accepted of 64 for each row, in four pairs, labelled by the proxy ("RSO"). From each, with the logistic link (sigmoid-norm, DPO) and with the
hinge (hinge-norm), a policy without memory learns by 60 steps of Adam on all of its pairs. Measured on the way, by enumeration: its true
reward and its KL from the reference.

Tuned, by the true reward at a KL of 2 nats: gamma, the beta of the loss, and the learning rate; for RSO gamma and the beta at which it
accepts, with a learning rate of 0.1, since all of its path is looked at.

Claimed: at equal KL RSO is ahead of sampled and of direct pairs, with either link, by what one would notice among rewards of deviation 2
(0.1); and accepted samples are the optimum's, within 0.1 of its mean reward where there are 256 to choose from, and more so the more there
are. A seed is another world. The claims used to compare at equal gamma and steps, where RSO's pairs move a policy further; that is no price.

Source: Liu et al. 2023, arXiv 2309.06657: eqs. 4, 8 and 10, algorithm 1, sections 3.1 and 5 (8 of 64 accepted at beta 0.5). The model there
is pairwise, and rewards come from comparisons with a baseline; an additive one has them.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from guerdon.atlas import AheadAlong, AllOf, EqualTo, FallsWith, System
from guerdon.atlas._comparing import ComparisonWorld, descend, minimise
from guerdon.atlas._text import bought
from guerdon.data.curation.statistical_rejection import StatisticalRejection
from guerdon.data.curation.tournament import Tournament
from guerdon.exact.solvers.kl_regularised_optimum import KLRegularisedOptimum
from guerdon.losses.comparisons import Comparison
from guerdon.losses.comparisons.hinge import Hinge
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.models.finite.policy import TablePolicy
from guerdon.models.finite.step_table import StepTable
from guerdon.randomness import derive, generator
from guerdon.training.recipe import Term
from guerdon.worlds.finite.additive_tokens import AdditiveTokens

system = System(
    title="Statistical Rejection Sampling Improves Preference Optimization",
    link="https://arxiv.org/abs/2309.06657",
    kind="method",
    builds_on=("pairwise-reward-model", "rejection-sampler", "dpo", "slic-hinge"),
    read="paper",
    note=(
        "Accepted samples are the optimum's, as claimed. At equal KL RSO is behind both other kinds of pairs, by 0.11 to 0.17 of a reward of "
        "deviation 2: its pairs push further in as many steps, and that is what the comparison at equal steps had shown. Direct pairs are the best of "
        "the three here, where the proxy is fitted to no more than them."
    ),
)
LABELS, ROWS, SAMPLES, KEEP = 128, 32, 64, 8
RATE, STOPS, PRICE = 0.1, (3, 6, 10, 15, 20, 30, 45, 60), 2.0
CANDIDATES, MANY, GENTLE = (8, 32, 256), 800, 2.0
LINKS: dict[str, Comparison] = {"sigmoid-norm": Logistic(), "hinge-norm": Hinge()}
SHORT = "shortfall of accepted samples"
recipe = {
    "accept": StatisticalRejection(KEEP, 1.0),
    "pair": Tournament(),
    "sigmoid-norm": Pairwise(LogRatio(0.05), Logistic()),
    "hinge-norm": Pairwise(LogRatio(0.05), Hinge()),
}
_GIVEN = {"gamma": (0.05, 0.2, 0.8), "rate": (0.05, 0.1, 0.2)}
_KNOBS = {"direct": _GIVEN, "sampled": _GIVEN, "RSO": {"gamma": (0.05, 0.2, 0.8), "accept": (0.5, 1.0, 2.0)}}
GRID = {f"{kind}, {link}": knobs for kind, knobs in _KNOBS.items() for link in LINKS}
TUNED_BY = "reward at the price"
claim = AllOf(
    EqualTo("RSO", 0.0, on=SHORT, tolerance=0.1, at="last"),
    FallsWith("RSO", on=SHORT),
    *(
        AheadAlong(f"RSO, {link}", f"{other}, {link}", on="true reward", along="KL", effect=0.1)
        for link in LINKS
        for other in ("sampled", "direct")
    ),
)
SEEDS = {"smoke": 1, "full": 40, "tune": 3}


@lru_cache(maxsize=4)
def start(seed: int) -> tuple[ComparisonWorld, Tensor, Tensor]:
    """A world, its labelled pairs [n, 2] and the proxy's scores [S] of all answers."""
    world = ComparisonWorld(
        AdditiveTokens(vocabulary=5, depth=4, shared=False, seed=derive(seed, "rewards")).rewards()[0],
        StepTable(1, 5, 4, deviation=0.5**0.5, seed=derive(seed, "reference")).build,
        1.0,
    )
    other = StepTable(1, 5, 4, deviation=0.5**0.5, seed=derive(seed, "other")).build().probabilities(0).detach()
    labelled = world.drawn(LABELS, other, seed)
    model = StepTable(1, 5, 4).build()
    minimise(model, (Term(Pairwise(LogRatio(1.0), Logistic())),), world.counted(labelled))
    return world, labelled, model.log_probabilities()[0].detach()


def trial(arm: str, seed: int, scale: str, gamma: float, rate: float = RATE, accept: float = 1.0) -> dict[str, Any]:
    (kind, link), (world, *_) = arm.split(", "), start(seed)
    stops = STOPS[:2] if scale == "smoke" else STOPS
    policies = descend(
        world.start(), (Term(Pairwise(LogRatio(gamma), LINKS[link])),), world.counted(pairs_of(kind, seed, accept)), stops, rate
    )
    path = {0: world.measured(world.start())} | {stop: world.measured(policy) for stop, policy in zip(stops, policies, strict=True)}
    curves = {name: {stop: point[of] for stop, point in path.items()} for name, of in (("true reward", "reward"), ("KL", "KL"))}
    return curves | {"reward at the price": bought(curves["true reward"], curves["KL"], PRICE)}


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    rows = 20 if scale == "smoke" else MANY
    short = {name: shortfall(seed, beta, rows) for name, beta in ((SHORT, GENTLE), (f"{SHORT} at beta 1", 1.0))}
    return {"RSO": short} | {arm: trial(arm, seed, scale, **setting) for arm, setting in tuned.items()}


def pairs_of(kind: str, seed: int, accept: float) -> Tensor:
    """[n, 2], the chosen answer first."""
    world, labelled, score = start(seed)
    if kind == "direct":
        return labelled
    rows = sampled(world.reference_probabilities, score, ROWS, SAMPLES, seed)
    if kind == "sampled":
        return as_pairs(Tournament()([row | {name: row[name][:KEEP] for name in ("completions", "scores")} for row in rows]))
    return as_pairs(Tournament()(StatisticalRejection(KEEP, accept, seed=derive(seed, "accept"))(rows)))


def sampled(policy: Tensor, score: Tensor, rows: int, samples: int, seed: int) -> list[dict[str, Any]]:
    answers = torch.multinomial(policy, rows * samples, replacement=True, generator=generator(seed, "samples")).view(rows, samples)
    return [{"completions": row.tolist(), "scores": score[row].tolist()} for row in answers]


def as_pairs(rows: Iterable[Mapping[str, Any]]) -> Tensor:
    return torch.tensor([[row["chosen"], row["rejected"]] for row in rows])


def shortfall(seed: int, beta: float, rows: int) -> dict[float, float]:
    """By how much what is first accepted is worse than the optimum's own samples, by how many there were to choose from."""
    reward = AdditiveTokens(vocabulary=8, depth=6, shared=False, seed=derive(seed, "long rewards")).rewards()[0]
    reference: Callable[[], TablePolicy] = StepTable(1, 8, 6, deviation=0.5**0.5, seed=derive(seed, "long reference")).build
    policy = reference().probabilities(0).detach()
    truth = float(KLRegularisedOptimum(beta)(reward, policy)["reward"])
    accept, found = StatisticalRejection(1, beta, seed=derive(seed, "accept one")), {}
    for candidates in CANDIDATES:
        accepted = accept(sampled(policy, reward, rows, candidates, derive(seed, "long samples", candidates)))
        found[candidates] = truth - float(np.mean([row["scores"][0] for row in accepted]))
    return found
