"""The alignment ceiling: a reward model's accuracy and the reward that a policy gets of it say little of what the policy is worth once it has gone far.

World: ``exploitable``. 24 reward models (``_networks``, one pretrained body, a head and an order each) are trained on 60, 150, 400 or 1,000 comparisons of their own, of which a
share of 0, 0.4 or 0.8 is told by a coin, twice each. So they differ in accuracy, as reward models do: by how much they were told, and how well. Of each the policies that
maximise E[score] - beta KL, one beta for all contexts, are followed exactly through 24 betas, and read off in a line between them at a KL of 0.25 to 5 nats from the reference.

Measured at each KL, over the 24: the "correlation" (of ranks) with gold of "accuracy" on 2,000 comparisons that none was trained on (nobody's coin), of the "proxy reward" that the
policy has gained, in the model's own log-odds, and of the same "in deviations" that the model has under the reference. "regret" of choosing by each: the best gold of them at that
KL less that of the model with the most. Of the models, on average: "gold" and "proxy" along the KL, and "downturn", the best gold less that at 5 nats.

Claimed: accuracy ranks models well for a policy that stays near (a correlation above 0.7 at 0.25 nats) and less well for one that goes far (it falls by 0.1 and is below 0.8 at 5
nats); so does proxy reward (below 0.8 at both ends); proxy rises and gold falls from its best.

Source: Lambert and Calandra 2023, arXiv 2311.00168, of which the beginning was read: a position paper without experiments, which tells three links apart (preferences to reward
model, reward model to policy, policy to evaluation) and says that their numbers are taken to be correlated and are not. The experiment is ours. The smallest difference of
interest: 0.05 of a correlation, 0.02 of gold.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, FallsWith, GrowsWith, System
from guerdon.atlas.reward_robustness._networks import chosen, pretrained, scored, tuned
from guerdon.atlas.reward_robustness._pursuit import distance
from guerdon.evaluation.metrics.pair_accuracy import PairAccuracy
from guerdon.evaluation.metrics.rank_correlation import RankCorrelation
from guerdon.exact.solvers.kl_regularised_optimum import KLRegularisedOptimum
from guerdon.randomness import derive
from guerdon.worlds.finite.exploitable import Exploitable

system = System(
    title="The Alignment Ceiling: Objective Mismatch in Reinforcement Learning from Human Feedback",
    link="https://arxiv.org/abs/2311.00168",
    kind="study",
    builds_on=("bradley-terry", "kl-regularised-optimum", "rank-correlation", "pair-accuracy"),
    read="abstract",
    untuned="exact policies along KL; one training for all reward models",
    note=(
        "Accuracy ranks the models nearly perfectly for a policy that stays near (0.95 at 0.25 nats) and at 0.71 at 5 nats, where a model has lost 0.17 of its best gold while its "
        "proxy still rises. Proxy reward ranks at 0.74 and 0.53; in units of each model's own deviation it ranks the wrong way round (-0.6), likely as models of few and noisy "
        "comparisons have longer tails."
    ),
)
SIZES, NOISES, TWICE = {"smoke": (32, 96), "full": (60, 150, 400, 1000)}, {"smoke": (0.0, 0.8), "full": (0.0, 0.4, 0.8)}, 2
KLS = {"smoke": (0.25, 5.0), "full": (0.25, 1.0, 2.0, 3.5, 5.0)}  # nats
WORLD = {"smoke": {"contexts": 2, "answers": 256}, "full": {}}
HELD_OUT = 2000
BETAS = tuple(float(beta) for beta in np.geomspace(3.0, 0.005, 24))  # in units of a score's deviation under the reference
claim = AllOf(
    BetterThan("accuracy", 0.7, on="correlation", at="first", effect=0.05),
    FallsWith("accuracy", on="correlation", by=0.1),
    BetterThan("accuracy", 0.8, on="correlation", at="last", lower_is_better=True, effect=0.05),
    BetterThan("proxy reward", 0.8, on="correlation", at="first", lower_is_better=True, effect=0.05),
    BetterThan("proxy reward", 0.8, on="correlation", at="last", lower_is_better=True, effect=0.05),
    BetterThan("models", 0.0, on="downturn", effect=0.02),
    GrowsWith("models", on="proxy", every_step=True, by_construction=True),
)
SEEDS = {"smoke": 1, "full": 24}


def experiment(seed: int, scale: str) -> dict:
    world = Exploitable(seed=seed, **WORLD[scale])
    scores, held_out = trained(world, seed, scale), world.comparisons(HELD_OUT, derive(seed, "held out"))
    reference, gold = world.reference(), world.rewards()
    unit = (reference * scores.square()).sum(-1).mean(-1).sqrt()
    said = scores.flatten(1)
    accuracy = torch.tensor([PairAccuracy()(each[held_out[:, 1]], each[held_out[:, 2]]).mean() for each in said])
    policies = [KLRegularisedOptimum(beta)(scores / unit.view(-1, 1, 1), reference)["policy"] for beta in BETAS]
    far = torch.stack([distance(each, reference).mean(-1) for each in policies])
    arms: dict[str, dict] = {arm: {"correlation": {}, "regret": {}} for arm in ("accuracy", "proxy reward", "in deviations")}
    worths, gains = (torch.stack([(each * table).sum(-1).mean(-1) for each in policies]) for table in (gold, scores))  # [betas, E]
    golds, proxies = (read(of, far, KLS[scale]) for of in (worths, gains))
    for kl, worth, gained in zip(KLS[scale], golds, proxies, strict=True):
        for arm, by in (("accuracy", accuracy), ("proxy reward", gained), ("in deviations", gained / unit)):
            arms[arm]["correlation"][kl] = float(RankCorrelation()(by, worth))
            arms[arm]["regret"][kl] = float(worth.max() - worth[by.argmax()])
    curves = {
        name: {kl: float(each.mean()) for kl, each in zip(KLS[scale], of, strict=True)}
        for name, of in (("gold", golds), ("proxy", proxies))
    }
    spread = {"least accuracy": float(accuracy.min()), "most accuracy": float(accuracy.max())}
    return arms | {"models": curves | spread | {"downturn": float((golds.max(0).values - golds[-1]).mean())}}


def read(values: Tensor, prices: Tensor, at: Sequence[float]) -> Tensor:
    """[len(at), E], of values [betas, E] that were bought at prices [betas, E], in a line between them."""
    rows = [np.interp(at, *(of[:, i].numpy() for of in (prices, values))) for i in range(values.shape[1])]
    return torch.from_numpy(np.stack(rows, -1))


def trained(world: Exploitable, seed: int, scale: str) -> Tensor:
    """[E, C, A], what each model says."""
    body = pretrained(world, [derive(seed, "body")], 20 if scale == "smoke" else 100)
    noises = [(noise, again) for noise in NOISES[scale] for again in range(TWICE)]
    said = []
    for size in SIZES[scale]:
        seeds = [derive(seed, "model", size, noise, again) for noise, again in noises]
        worlds = [Exploitable(seed=world.seed, label_noise=noise, **WORLD[scale]) for noise, _ in noises]
        verdicts = torch.stack([each.comparisons(size, own) for each, own in zip(worlds, seeds, strict=True)])
        said.append(scored(tuned(world, chosen(body, [0] * len(seeds)), verdicts, seeds), world))
    return torch.cat(said)
