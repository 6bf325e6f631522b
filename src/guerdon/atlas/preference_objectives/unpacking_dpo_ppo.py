"""Unpacking DPO and PPO: data, learner, reward model and prompts, changed one at a time.

World: short texts whose true worth is known and whose comparisons can be over-optimised (``worlds.text.gold_reward.hackable``). A policy of one layer is fitted to 1,000
texts (SFT), from which every arm starts. The chain, each link a step from the one before or beside it:

* DPO on 256 pairs of which a share of 0.6 is labelled by a coin ("poor labels"), and on the same pairs with annotators' labels: the effect of the *data*;
* PPO with a reward model, the same body under a head, that was fitted to these 256 pairs, on the prompts of the pairs: of the *learner*, with all data the same;
* PPO with a reward model that was fitted to 2,048 pairs (and for twice as many steps): of the *reward model*; the same of best of 16, drawn from SFT;
* PPO with the first reward model on fresh prompts as many as it asks for: of the *prompts*.

Every arm has 32 gradient steps at a constant rate: DPO on 64 pairs each, PPO four in each of 8 rounds of 256 answers (GAE, KL in the reward). PPO's critic starts from the reward
model that it practises against, and has two epochs of every round as the policy has. Reward models have 60 steps of 64 pairs.

Tuned, each of the five arms for itself, by the true reward at a KL of 2 nats from SFT: the learning rate (the critic's is three times as large), and DPO's beta or the
weight of PPO's KL.

Measured on 256 answers to held-out prompts, at SFT and after 4, 8, 12, 20 and 32 steps: the true reward and the KL from SFT in nats per answer. The effect of a factor
is the mean difference of the true reward at equal KL, over the KLs up to 2 nats that both arms come to, seed by seed; best of 16 has the KL of best of 16. A tenth of the worth of
the best letter is the least that anybody would notice.

Before, the reward could not be over-optimised, arms were compared without a price, settings were picked on four seeds and PPO's critic began from nothing: PPO collapsed on
some seeds. A first confirmation in this world took the mean over all KLs, up to 13 nats, where gold has fallen by 7 and nobody would stop: that is what it measured, with a spread
for which hundreds of seeds would have been needed, and every leaf was undecided. Now the mean ends at the price for which the arms are tuned.

Everything is on text: in a finite table DPO and PPO reach the same optimum of the same fitted reward, and prompts that nothing is shared
between cannot help each other, so three of the four factors would be nil by construction.

Source: Ivison et al. 2024, arXiv 2406.09279: the four factors and their order, of its abstract and summaries of it; its authors' PPO (GAE, whitened advantages, a clipped value
loss) and their model cards (the value model starts from the reward model). Which data are better is there a matter of who wrote and judged them (a dozen data sets), here
one of noise. Its reward models grow in size as well as in data, and it evaluates on benchmarks of several kinds. Chosen here: world, sizes, effect.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

import numpy as np

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, RanksAs, System
from guerdon.atlas._text import Along, answers, bought, divergence
from guerdon.credit.advantages.batch_normalised import BatchNormalised
from guerdon.credit.advantages.gae import GAE
from guerdon.credit.targets.lambda_return import LambdaReturn
from guerdon.data.examples import examples
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.penalties.kl_direct import KLDirect
from guerdon.losses.scores.head import Head
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.losses.surrogates.clip import Clip
from guerdon.losses.values.clipped_regression import ClippedRegression
from guerdon.models import Policy
from guerdon.models.heads.scalar import Scalar
from guerdon.models.language.headed import Headed
from guerdon.models.language.small_language_model import SmallLanguageModel
from guerdon.sequences import Decoding
from guerdon.training.jobs import copy_of, encoder_for, learners_of, scene_for
from guerdon.training.loops.fit import fit
from guerdon.training.loops.improve import improve
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Learning, Recipe, Term
from guerdon.training.schedules.linear import Linear
from guerdon.training.stages import Outputs, adopt
from guerdon.worlds.text.gold_reward import hackable

system = System(
    title="Unpacking DPO and PPO: Disentangling Best Practices for Learning from Preference Feedback",
    link="https://arxiv.org/abs/2406.09279",
    kind="study",
    builds_on=("dpo", "ppo", "reward-model", "sft", "best-of-n"),
    read="code",
    note=(
        "Read the learner and the reward model with care: two seeds tune, one of them had a reward model that larger rates exploit, and so PPO got a rate at which it comes to "
        "1.3 nats only, six times smaller than PPO's with the better reward model. PPO is 0.09 behind DPO at equal KL, and what the better reward model adds, 0.15, is in part "
        "that rate; in best of 16 it adds nothing that eight seeds could show. Prompts add nothing (0.00), labels 0.04 where the paper has its largest effect."
    ),
)
PAIRS, MORE, NOISE = 256, 2048, 0.6  # the share of poor labels that are a coin's
SAMPLES, ROUNDS, STEPS_A_ROUND, STOPS, PRICE = 256, 8, 4, (4, 8, 12, 20, 32), 2.0
DECODING = Decoding(14)


def dpo(learning_rate: float, beta: float) -> Recipe:
    return Recipe((Term(Pairwise(LogRatio(beta), Logistic())),), AdamW(learning_rate))


def ppo(learning_rate: float, kl: float, scorer: str) -> Recipe:
    return Recipe(
        (Term(Clip(0.2)),),
        AdamW(learning_rate),
        Group(1),
        reward_penalties=(Term(KLDirect(), weight=kl),),
        advantage=BatchNormalised(GAE()),
        target=LambdaReturn(),
        learners={"critic": Learning((Term(ClippedRegression()),), scorer, AdamW(3 * learning_rate))},
        epochs=2,
        minibatches=2,
    )


recipe = {
    "SFT": Recipe((Term(NegativeLogLikelihood()),), AdamW(Linear(1e-2, warmup=0.1))),
    "reward model": Recipe((Term(Pairwise(Head(), Logistic())),), AdamW(Linear(3e-3, warmup=0.1))),
    "DPO": dpo(0.001, 0.3),
    "PPO": ppo(0.001, 0.1, "reward model"),
}
_DPO = {"learning_rate": (0.0003, 0.001, 0.003), "beta": (0.1, 0.3, 1.0)}
_PPO = {"learning_rate": (0.0003, 0.001, 0.003), "kl": (0.03, 0.1, 0.3)}
BETTER, PROMPTS, POOR = "PPO, better reward model", "PPO, more prompts", "DPO, poor labels"
GRID = {POOR: _DPO, "DPO": _DPO, "PPO": _PPO, BETTER: _PPO, PROMPTS: _PPO}
TUNED_BY = "gold at the price"
FACTORS = {"data": ("DPO", POOR), "learner": ("PPO", "DPO"), "reward model": (BETTER, "PPO"), "prompts": (PROMPTS, "PPO")}
claim = AllOf(
    RanksAs(tuple(FACTORS), on="effect", effect=0.1, matched="KL"),
    *(BetterThan(factor, 0.0, on="effect", effect=0.1, matched="KL") for factor in ("learner", "reward model")),
    BetterThan("best of 16, better reward model", "best of 16", on="gold of the best", effect=0.1, matched="KL"),
)
SEEDS = {"smoke": 1, "full": 8, "tune": 2}


class Start:
    """What one seed begins with: the world, SFT, the pairs with both kinds of labels, and two reward models."""

    def __init__(self, seed: int, scale: str):
        self.seed, self.small = seed, scale == "smoke"
        self.world, poor = (hackable(seed=seed, noise=noise, test_size=8 if self.small else 128) for noise in (0.0, NOISE))
        model = SmallLanguageModel(self.world.characters, layers=1, hidden=16 if self.small else 32, heads=2, context_length=24)
        self.policy = model.build(seed)
        encoder, self.batch, pairs = encoder_for(self.policy), 16 if self.small else 64, 32 if self.small else PAIRS
        shown = examples(self.world.demonstrations(32 if self.small else 1000), encoder)
        fit(self.policy, shown, recipe["SFT"], Budget(2 if self.small else 120, self.batch, seed=seed))
        self.pairs = {"DPO": examples(self.world.comparisons(pairs), encoder), POOR: examples(poor.comparisons(pairs), encoder)}
        self.prompts = [{"prompt": row["prompt"]} for row in self.world.comparisons(pairs)]
        self.done = {}
        for name, rows, steps in (("reward model", pairs, 60), ("better reward model", 64 if self.small else MORE, 120)):
            scorer = Headed(model, Scalar()).build(seed)
            adopt(scorer, self.policy)
            budget = Budget(2 if self.small else steps, self.batch, seed=seed)
            fit(scorer, examples(self.world.comparisons(rows), encoder), recipe["reward model"], budget)
            self.done[name] = Outputs(scorer)
        self.rounds, self.samples, self.stops = (1, 16, (4,)) if self.small else (ROUNDS, SAMPLES, STOPS)

    def prefer(self, method: Recipe, arm: str) -> dict[str, Any]:
        """What the policy is like on the way as it is fitted to pairs."""
        policy = copy_of(self.policy)
        along = Along(self.stops, lambda: self.measured(policy))
        fit(policy, self.pairs[arm], method, Budget(STEPS_A_ROUND * self.rounds, self.batch, seed=self.seed), display=along)
        return curves(along.curves)

    def practise(self, method: Recipe, scorer: str, prompts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """What it is like on the way as it practises; what was seen after a round is put down to the round's last step."""
        policy = copy_of(self.policy)
        along = Along([stop // STEPS_A_ROUND for stop in self.stops], lambda: self.measured(policy))
        budget = Budget(self.rounds, self.samples, seed=self.seed, evaluation_rows=1)
        scene = scene_for(policy, self.world, {"proxy": scorer}, self.done)
        try:
            critics = learners_of(method, policy, self.seed, self.done)
            improve(policy, scene, prompts, method, budget, DECODING, learners=critics, display=along)
        finally:
            scene.close()
        return curves({name: {STEPS_A_ROUND * stop: y for stop, y in curve.items()} for name, curve in along.curves.items()})

    def measured(self, policy: Policy) -> dict[str, float]:
        drawn, judged = answers(policy, self.world, DECODING, self.seed, {"gold": self.world.reward}, each=2)
        return {"gold": float(judged["gold"].mean()), "KL": divergence(drawn, policy, self.policy)}

    def best_of_16(self) -> dict[str, dict[str, float]]:
        """The true worth of the answer that each reward model likes best, of the same 16 by SFT."""
        names = {"best of 16": "reward model", "best of 16, better reward model": "better reward model"}
        rewards = {arm: partial(proxy, self.done[name].model) for arm, name in names.items()} | {"gold": self.world.reward}
        _, judged = answers(self.policy, self.world, DECODING, self.seed, rewards, each=16)
        worth = judged["gold"].view(-1, 16)
        return {arm: {"gold of the best": float(worth.gather(1, judged[arm].view(-1, 16).argmax(1, keepdim=True)).mean())} for arm in names}


start = lru_cache(maxsize=4)(Start)


def trial(arm: str, seed: int, scale: str, learning_rate: float, beta: float = 0.0, kl: float = 0.0) -> dict[str, Any]:
    here = start(seed, scale)
    if arm in here.pairs:
        return here.prefer(dpo(learning_rate, beta), arm)
    scorer = "better reward model" if arm == BETTER else "reward model"
    return here.practise(ppo(learning_rate, kl, scorer), scorer, here.world.train() if arm == PROMPTS else here.prompts)


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    arms = {arm: trial(arm, seed, scale, **setting) for arm, setting in tuned.items()}
    effects = {factor: {"effect": lead(arms[changed], arms[before])} for factor, (changed, before) in FACTORS.items()}
    return arms | effects | start(seed, scale).best_of_16()


def proxy(scorer: Any, prompts: list[Any], completions: list[Any], **_: Any) -> list[float]:
    """What a reward model says, as a reward function."""
    return scorer.score(prompts, completions)


def curves(found: dict[str, dict[int, float]]) -> dict[str, Any]:
    return found | {"gold at the price": bought(found["gold"], found["KL"], PRICE)}


def lead(arm: Mapping[str, Any], than: Mapping[str, Any]) -> float:
    """The mean difference of the true reward at equal KL, over the KLs up to the price that both come to."""
    (kl, gold), (kl_than, gold_than) = (np.array(sorted(zip(a["KL"].values(), a["gold"].values(), strict=True))).T for a in (arm, than))
    prices = np.linspace(0, min(PRICE, kl[-1], kl_than[-1]), 101)
    return float((np.interp(prices, kl, gold) - np.interp(prices, kl_than, gold_than)).mean())
