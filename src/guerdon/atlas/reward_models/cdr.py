"""Customized density ratios: a better aligned model's log-likelihood less that of a worse one is a reward, without anybody's labels.

World: 8 contexts with 256 answers under a reference that seldom draws the tail, where more of a good quality is worth less again
(``worlds.finite.exploitable``, its defaults). Ten models stand for those that can be had off the shelf: two families, each with a
pretrained model (the reference, the log-likelihood of every answer changed by N(0, 0.5^2)) and four that are aligned with 0.5 to 2 nats of
KL, the more of them the more comparisons (20, 50, 100, 300) their reward model had seen; whatever else they were trained on has changed
each by another N(0, 0.3^2). Comparisons are made by people, reward models linear on 64 random features; alignment is the exact tilt. A seed
is another world.

The reward is log p_strong(y) - log p_weak(y), in the house's words two log-likelihoods with the weights 1 and -1, for all 45 pairs, whoever
is worth more being the strong one.

* *ranking accuracy*: how often two answers of the reference are ordered as they are worth, by the reward of a pair; *gap*: by how much the
  strong model's answers are worth more. *accuracy with the gap* is the rank correlation of both over the 45 pairs, and beside it that of
  the accuracy with the strong model's own worth;
* *best pair*: that with the largest gap. Its accuracy beside that of *log-likelihood*, of the strong model by itself, and of a *reward
  model* with 20 or 300 comparisons (the mean over the families' own: what it takes to do without);
* *after SimPO*: 2,000 pairs, the best and the worst of eight answers of the reference by the best pair's reward, by log-likelihood, or by a
  reward model, teach a table by SimPO (``recipes.simpo``, 100 steps of Adam); gold is read along the KL from the reference, as far as SimPO
  goes, some 0.6 nats.

Source: Xu et al. 2024, arXiv 2411.02481, abstract and introduction (its third version calls the method Dr. SoW). 221 pairs of models of 7 B
there, ranking accuracy on RewardBench. Not here: instructions and exemplars of a domain in the strong model's prompt, and the router that
chooses them. Smallest differences of interest: 0.1 of a rank correlation, 0.02 of accuracy, 0.05 of gold.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from guerdon.atlas import AheadAlong, AllOf, BetterThan, System
from guerdon.atlas.reward_models._vectors import BRADLEY_TERRY, fitted, pairs
from guerdon.data.curation.best_worst_pairs import BestWorstPairs
from guerdon.evaluation.metrics.rank_correlation import RankCorrelation
from guerdon.exact.solvers.exponential_tilt import ExponentialTilt
from guerdon.feedback.combining.weigh import Weigh
from guerdon.feedback.intrinsic.log_likelihood import LogLikelihood
from guerdon.models.encoders.random_features import RandomFeatures
from guerdon.randomness import derive, generator
from guerdon.recipes.simpo import recipe as simpo
from guerdon.worlds.finite.exploitable import Exploitable

system = System(
    title="CDR: Customizable Density Ratios of Strong-over-weak LLMs for Preference Annotation",
    link="https://arxiv.org/abs/2411.02481",
    kind="reward",
    builds_on=("implicit-reward-log-ratio", "simpo", "best-worst-of-n-pairing"),
    read="abstract",
    untuned="the reward has no setting; SimPO is the same for all, and its policies are compared along the KL",
    note=(
        "The larger the gap, the better the ratio ranks (a rank correlation of 0.82, and of 0.37 with the strong model alone), and it is far ahead "
        "of 20 labels; but what SimPO makes of it is, at equal KL, no more than what it makes of the strong model's own likelihood."
    ),
)
SIMPO = simpo.terms[0].loss
recipe = {
    "intrinsic": {name: LogLikelihood(by=name, over="sequence") for name in ("strong", "weak")},
    "combine": Weigh({"strong": 1.0, "weak": -1.0}),
    "pairs": BestWorstPairs(),
    "policy": SIMPO,
}
WITH_GAP, WITH_WORTH, RANKING = "accuracy with the gap", "accuracy with the strong model's worth", "ranking accuracy"
claim = AllOf(
    BetterThan("all pairs", 0.5, on=WITH_GAP, effect=0.1),
    *(
        BetterThan("best pair", other, on=RANKING, effect=0.02, matched="answers")
        for other in ("log-likelihood", "reward model, 20 labels")
    ),
    AheadAlong("best pair", "log-likelihood", on="gold", along="KL", effect=0.05),
    AheadAlong("best pair", "reward model, 20 labels", on="gold", along="KL", effect=0.05),
    BetterThan("best pair", 0.0, on="gold", at="last", effect=0.05),
)
SEEDS = {"smoke": 1, "full": 12}
LABELS, BUDGETS = (20, 50, 100, 300), (0.5, 1.0, 1.5, 2.0)
APART, DRIFT, RIDGE = 0.5, 0.3, 1e-2
PAIRS, DRAWN, STOPS = 2000, 8, (2, 5, 10, 20, 40, 70, 100)


def experiment(seed: int, scale: str) -> dict:
    small = scale == "smoke"
    world = Exploitable(answers=128 if small else 256, seed=derive(seed, "world"))
    reference, gold = world.reference(), world.rewards()
    features = RandomFeatures(world, seed=derive(seed, "features")).build(0).table.double()
    items = torch.arange(world.items).view_as(gold)

    def learned(n: int, family: int) -> Tensor:
        verdicts = world.comparisons(n, derive(seed, "pairs", family))[:, 1:]
        return fitted(features, [(pairs(*verdicts.T), BRADLEY_TERRY)], RIDGE, seed).table(items)

    def changed(by: float, policy: Tensor, *purpose: str | int) -> Tensor:
        return (policy.log() + by * torch.randn(gold.shape, dtype=torch.float64, generator=generator(seed, *purpose))).softmax(-1)

    models, taught = [], {}
    for family in (0, 1):
        start = changed(APART, reference, "pretrained", family)
        models.append(start)
        for n, budget in zip(LABELS, BUDGETS, strict=True):
            taught[family, n] = learned(n, family)
            models.append(changed(DRIFT, ExponentialTilt(budget)(taught[family, n], start)["policy"], "drift", family, n))
    worth = [float((model * gold).sum(-1).mean()) for model in models]
    found = []
    for i in range(len(models)):
        for j in range(i):
            strong, weak = (i, j) if worth[i] > worth[j] else (j, i)
            reward = models[strong].log() - models[weak].log()
            found.append((worth[strong] - worth[weak], accuracy(reward, world), worth[strong], reward, models[strong].log()))
    gap, right, strong, reward, alone = zip(*found, strict=True)
    best = max(range(len(found)), key=gap.__getitem__)
    rewards = {
        "best pair": reward[best],
        "log-likelihood": alone[best],
        "reward model, 20 labels": taught[0, 20],
        "reward model, 300 labels": taught[0, 300],
    }
    arms: dict[str, dict] = {
        name: {RANKING: accuracy(scored, world)} | after_simpo(scored, world, seed, STOPS[:2] if small else STOPS)
        for name, scored in rewards.items()
    }
    for n in (20, 300):
        arms[f"reward model, {n} labels"][RANKING] = sum(accuracy(taught[family, n], world) for family in (0, 1)) / 2
    arms["all pairs"] = {WITH_GAP: float(RankCorrelation()(gap, right)), WITH_WORTH: float(RankCorrelation()(strong, right))}
    return arms


def accuracy(score: Tensor, world: Exploitable) -> float:
    """How often two answers that the reference draws to one context are ordered as they are worth."""
    likely, worth = world.reference(), world.rewards()
    weight = likely.unsqueeze(-1) * likely.unsqueeze(-2) * ~torch.eye(world.answers, dtype=torch.bool)
    alike = (score.unsqueeze(-1) - score.unsqueeze(-2)).sign() * (worth.unsqueeze(-1) - worth.unsqueeze(-2)).sign()
    return float((((alike + 1) / 2 * weight).sum((1, 2)) / weight.sum((1, 2))).mean())


def after_simpo(score: Tensor, world: Exploitable, seed: int, stops: Sequence[int]) -> dict[str, dict[int, float]]:
    """What a table that is taught by the reward's pairs is worth beyond the reference, and its KL, after so many steps."""
    reference, gold = world.reference(), world.rewards()
    rng = generator(seed, "to be annotated")
    asked = torch.randint(world.contexts, (PAIRS,), generator=rng)
    answers = torch.multinomial(reference[asked], DRAWN, replacement=True, generator=rng)
    scored = score[asked.unsqueeze(-1), answers]
    rows = [{"prompt": c, "completions": a, "scores": s} for c, a, s in zip(asked.tolist(), answers.tolist(), scored.tolist(), strict=True)]
    made = torch.tensor([[pair["prompt"], pair["chosen"], pair["rejected"]] for pair in BestWorstPairs()(rows)])
    logits = reference.log().clone().requires_grad_(True)
    optimiser = torch.optim.Adam([logits], lr=0.05)
    mask = torch.ones(len(made), 1, dtype=torch.bool)
    curves: dict[str, dict[int, float]] = {"gold": {}, "KL": {}}
    for step in range(1, max(stops) + 1):
        logp = logits.log_softmax(-1)
        sides = {side: logp[made[:, 0], made[:, k]].unsqueeze(-1) for k, side in ((1, "chosen"), (2, "rejected"))}
        loss = SIMPO(chosen_logp=sides["chosen"], chosen_mask=mask, rejected_logp=sides["rejected"], rejected_mask=mask)
        optimiser.zero_grad()
        loss.mean().backward()
        optimiser.step()
        if step in stops:
            now = logits.detach().softmax(-1)
            curves["gold"][step] = float(((now - reference) * gold).sum(-1).mean())
            curves["KL"][step] = float((now * (now.clamp(min=math.ulp(0.0)).log() - reference.log())).sum(-1).mean())
    return curves
