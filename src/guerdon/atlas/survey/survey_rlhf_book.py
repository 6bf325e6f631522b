"""Reinforcement learning from human feedback, the textbook: what it says of its three optimisers, at equal KL, and its contents as a map of this house.

World: short texts whose true worth is known and whose comparisons can be over-optimised (``worlds.text.gold_reward.hackable``). A policy of one layer is fitted to 1,000
texts (SFT), a reward model, the same body under a head, to 1,000 comparisons. From SFT, 40 gradient steps each:

* DPO on the comparisons themselves, 64 pairs a step;
* PPO against the reward model: 10 rounds of 256 answers, four steps each, GAE, KL in the reward; its critic starts from the reward model;
* rejection sampling: of n answers to a prompt the best by the reward model is imitated, 64 a step; 2,560 answers in all, as many as PPO draws.

Tuned alike, by the true reward at a KL of 2 nats from SFT: the learning rate of each; DPO's beta; the weight of PPO's KL; n. "PPO, no KL" and "PPO, KL 0.3"
have PPO's learning rate and that weight.

Measured on 256 answers to held-out prompts, at SFT and after 4, 8, 12, 20, 28 and 40 steps: the true reward, the reward model's, and the KL from SFT in nats per answer.

Claimed: each of the three is better than SFT; policy gradients are ahead of DPO at equal KL (chapter 8: DPO is "a hair behind"); PPO is ahead of rejection sampling, which
chapter 9 calls a baseline; and a KL penalty makes less over-optimisation *at a given KL* (chapter 14), where Gao et al. found that it only stops earlier. A tenth of the worth
of the best letter is the least that anybody would notice.

Before, the world's reward could not be over-optimised, settings were the first that were tried, each arm was held against SFT only, and PPO's critic began from nothing. A first
confirmation held PPO as it was tuned against none of its KL; as the weight that is best for it turned out to be nearly none, 0.009, this compared PPO with itself, and
a weight that bites has come in its place; ten seeds instead of twelve pay for the arm.

Source: Lambert, Reinforcement Learning from Human Feedback, arXiv 2504.12501 (rlhfbook.com), of which chapters 8, 9 and 14 were read in the text of its repository. The book
brings no numbers of its own for this. Chosen here: world, sizes, effects.

``taxonomy``: its chapters and what they are made of → the parts here. An empty cell is something that the book describes and this library does
not have yet.
"""

from functools import lru_cache
from typing import Any

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AheadAlong, AllOf, BetterThan, Knob, System
from guerdon.atlas._text import Along, answers, bought, divergence
from guerdon.credit.advantages.batch_normalised import BatchNormalised
from guerdon.credit.advantages.gae import GAE
from guerdon.credit.targets.lambda_return import LambdaReturn
from guerdon.data.curation.rejection_sampling import RejectionSampling
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
from guerdon.training.display import Silent
from guerdon.training.jobs import SearchJob, copy_of, encoder_for, learners_of, scene_for
from guerdon.training.loops.fit import fit
from guerdon.training.loops.improve import improve
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Learning, Recipe, Term
from guerdon.training.schedules.linear import Linear
from guerdon.training.stages import Outputs, adopt
from guerdon.worlds.text.gold_reward import hackable

system = System(
    title="Reinforcement Learning from Human Feedback",
    link="https://arxiv.org/abs/2504.12501",
    kind="survey",
    builds_on=("sft", "reward-model", "rejection-sampling", "ppo", "dpo"),
    read="paper",
    note=(
        "From 0.20 at SFT, DPO has 0.47 and PPO 0.49 of gold where each has paid 2 nats (DPO has paid no more than 1.4); PPO's lead at equal KL, 0.07, is smaller than what it "
        "was when DPO had been tuned worse (0.15, on other seeds), and undecided. What rejection sampling gains differs so much between worlds that ten seeds decide nothing. A KL "
        "of 0.3 in the reward keeps PPO at 2.8 nats instead of 24, and at a given KL it has less gold than PPO without it, 0.19: where the KL stands still the reward model is "
        "served further. Over-optimisation itself is plain: without a KL the reward model's score rises by 3.7 and gold falls by 7.6."
    ),
)
SAMPLES, ROUNDS, STEPS_A_ROUND, STOPS, PRICE = 256, 10, 4, (4, 8, 12, 20, 28, 40), 2.0


def dpo(learning_rate: float, beta: float) -> Recipe:
    return Recipe((Term(Pairwise(LogRatio(beta), Logistic())),), AdamW(learning_rate))


def ppo(learning_rate: float, kl: float) -> Recipe:
    critic = Learning((Term(ClippedRegression()),), "reward model", AdamW(3 * learning_rate))
    return Recipe(
        (Term(Clip(0.2)),),
        AdamW(learning_rate),
        Group(1),
        reward_penalties=(Term(KLDirect(), weight=kl),),
        advantage=BatchNormalised(GAE()),
        target=LambdaReturn(),
        learners={"critic": critic},
        epochs=2,
        minibatches=2,
    )


def imitation(learning_rate: float) -> Recipe:
    return Recipe((Term(NegativeLogLikelihood()),), AdamW(learning_rate))


recipe = {
    "SFT": Recipe((Term(NegativeLogLikelihood()),), AdamW(Linear(1e-2, warmup=0.1))),
    "reward model": Recipe((Term(Pairwise(Head(), Logistic())),), AdamW(Linear(3e-3, warmup=0.1))),
    "DPO": dpo(0.001, 0.3),
    "PPO": ppo(0.001, 0.1),
    "rejection sampling": imitation(0.003),
}
GRID = {
    "DPO": {"learning_rate": (0.0003, 0.001, 0.003), "beta": (0.1, 0.3, 1.0)},
    "PPO": {"learning_rate": (0.0003, 0.001, 0.003), "kl": (0.03, 0.1, 0.3)},
    "rejection sampling": {"learning_rate": (0.001, 0.003, 0.01), "n": Knob((8, 16, 32), least=2, most=128)},
}
TUNED_BY = "gold at the price"
claim = AllOf(
    *(BetterThan(arm, "SFT", on="gold at the price", effect=0.1) for arm in GRID),
    AheadAlong("PPO", "DPO", on="gold", along="KL", effect=0.1),
    AheadAlong("PPO", "rejection sampling", on="gold", along="KL", effect=0.1),
    AheadAlong("PPO, KL 0.3", "PPO, no KL", on="gold", along="KL", effect=0.1),
)
SEEDS = {"smoke": 1, "full": 10, "tune": 2}

taxonomy = {
    "Instruction fine-tuning": {
        "negative log-likelihood of demonstrations": ("losses.imitation.negative_log_likelihood",),
        "chat templates, prompts masked": ("data.formats.prompt_completion",),
        "adapters instead of full training": ("models.language.lora",),
    },
    "Reward models": {
        "Bradley-Terry: a scalar head": (
            "losses.pairwise",
            "losses.scores.head",
            "losses.comparisons.logistic",
            "models.heads.scalar",
            "models.language.headed",
        ),
        "a margin by the strength of the preference": ("losses.comparisons.logistic",),
        "all pairs of a prompt balanced against each other": (),
        "K-wise: Plackett-Luce over rankings": ("losses.listwise", "losses.rankings.plackett_luce"),
        "outcome reward model": ("losses.verdicts.cross_entropy",),
        "process reward model": ("data.formats.stepwise",),
        "generative reward model, language model as a judge": ("feedback.judges.function",),
        "a trained scorer as the reward": ("feedback.rewards.scorer",),
    },
    "Reinforcement learning": {
        "REINFORCE": ("losses.surrogates.reinforce", "credit.advantages.return_to_go"),
        "leave-one-out baseline (RLOO)": ("credit.advantages.leave_one_out",),
        "PPO: clipped ratios": ("losses.surrogates.clip",),
        "PPO: a critic and generalised advantages": (
            "credit.advantages.gae",
            "credit.targets.lambda_return",
            "losses.values.clipped_regression",
            "models.heads.value",
        ),
        "GRPO: advantages within a group": ("credit.advantages.group_centred", "credit.scales.group_deviation"),
        "GSPO: ratios of whole sequences": ("losses.surrogates.sequence_ratio",),
        "CISPO: bounded weights": ("losses.surrogates.bounded_weight",),
        "loss aggregation": ("losses.reduce.token_mean", "losses.reduce.sequence_mean", "losses.reduce.constant_length"),
        "asynchronous, off-policy generation": (),
    },
    "Reasoning and inference-time scaling": {
        "verifiable rewards": (
            "feedback.rewards.math_equivalence",
            "feedback.rewards.number_match",
            "feedback.rewards.string_match",
            "feedback.rewards.format",
        ),
        "groups without a signal dropped": ("data.selection.zero_variance",),
        "difficulty filtering and curricula": ("data.selection.learnability", "data.selection.unsolved", "data.selection.weighted_prompts"),
        "overlong answers": ("data.selection.overlong", "feedback.rewards.length"),
        "asymmetric clipping": ("losses.surrogates.clip",),
        "majority and weighted voting": ("acting.choosers.majority", "acting.choosers.weighted_vote"),
    },
    "Direct alignment": {
        "DPO": ("losses.pairwise", "losses.scores.log_ratio", "losses.comparisons.logistic"),
        "IPO": ("losses.comparisons.square",),
        "SLiC": ("losses.comparisons.hinge",),
        "length-normalised scores": ("losses.scores.mean_log_ratio", "losses.scores.mean_log_probability"),
        "without a reference (ORPO, SimPO)": ("losses.scores.mean_log_probability",),
        "unpaired verdicts (KTO)": ("losses.pointwise", "losses.verdicts.prospect", "losses.reference_points.mismatched_kl"),
        "online pairs": ("data.curation.best_worst_pairs",),
    },
    "Rejection sampling": {
        "best per prompt, fitted": ("data.curation.rejection_sampling", "data.selection.best_of_group"),
        "best over all prompts": (),
        "best of N at inference": ("acting.samplers.best_of_n", "acting.choosers.highest_score"),
    },
    "Nature of preferences": {
        "annotators that err and differ": ("feedback.judges.simulated_annotator", "worlds.text.gold_reward"),
        "preferences without a scalar behind them": ("worlds.finite.cyclic_preference", "worlds.finite.random_preference"),
        "aggregating people (social choice)": ("exact.solvers.maxmin_optimum", "feedback.combining.worst_group"),
    },
    "Preference data": {
        "pairs": ("data.formats.preference",),
        "single verdicts": ("data.formats.unpaired",),
        "labels of steps": ("data.formats.stepwise",),
        "multi-turn conversations": ("data.formats.share_gpt",),
        "rankings": ("data.formats.ranking",),
    },
    "Synthetic data and distillation": {
        "answers of the model's own, scored": ("data.curation.best_worst_pairs", "data.curation.rejection_sampling"),
        "AI feedback by a constitution": (),
        "rubrics": (),
        "on-policy distillation from a teacher's probabilities": (),
    },
    "Tool use": {"multi-turn rollouts with tools": ()},
    "Over-optimisation": {
        "gold against proxy over KL": ("evaluation.metrics.gold_against_proxy", "worlds.text.gold_reward"),
        "best-of-N's known distribution": ("exact.solvers.best_of_n_distribution",),
        "length and style biases": ("worlds.text.gold_reward", "feedback.rewards.repetition"),
        "ensembles of reward models": (),
    },
    "Regularisation": {
        "KL in the reward": ("losses.penalties.kl_direct", "training.controllers.adaptive_coefficient"),
        "KL in the loss": ("losses.penalties.kl_square", "losses.penalties.kl_exponential"),
        "the optimum under a KL penalty": ("exact.solvers.kl_regularised_optimum",),
        "a reference that follows": ("training.updates.moving_average", "training.updates.reset_reference"),
        "pretraining gradients; likelihood of the chosen beside DPO": ("losses.imitation.negative_log_likelihood",),
        "margins": ("losses.comparisons.logistic", "losses.comparisons.hinge"),
        "entropy": ("losses.penalties.entropy",),
    },
    "Evaluation": {
        "accuracy with intervals": ("evaluation.metrics.accuracy", "evaluation.statistics.wilson"),
        "accuracy on pairs": ("evaluation.metrics.pair_accuracy",),
        "several attempts": ("evaluation.metrics.pass_at_k",),
        "few runs compared": ("evaluation.statistics.stratified_bootstrap", "evaluation.statistics.interquartile_mean"),
        "ratings from battles (Elo, Bradley-Terry)": ("exact.estimators.maximum_likelihood", "exact.likelihoods.bradley_terry"),
        "contamination of test sets": (),
    },
}


class Start:
    """What one seed begins with: the world, SFT, the comparisons and the reward model."""

    def __init__(self, seed: int, scale: str):
        self.seed, self.small = seed, scale == "smoke"
        self.world = hackable(seed=seed, test_size=8 if self.small else 128)
        model = SmallLanguageModel(self.world.characters, layers=1, hidden=16 if self.small else 32, heads=2, context_length=24)
        self.policy, self.scorer = model.build(seed), Headed(model, Scalar()).build(seed)
        encoder, rows, self.batch = encoder_for(self.policy), 32 if self.small else 1000, 16 if self.small else 64
        warm = Budget(steps=2 if self.small else 120, batch_size=self.batch, seed=seed)
        self.pairs = examples(self.world.comparisons(rows), encoder)
        fit(self.policy, examples(self.world.demonstrations(rows), encoder), recipe["SFT"], warm)
        adopt(self.scorer, self.policy)
        fit(self.scorer, self.pairs, recipe["reward model"], warm)
        self.done, self.scored = {"reward model": Outputs(self.scorer)}, {"proxy": "reward model"}
        self.samples, self.rounds = (16, 1) if self.small else (SAMPLES, ROUNDS)

    def learn(self, method: Recipe, rows: list[Any]) -> dict[str, Any]:
        """What the policy is like on the way as it is fitted to rows."""
        policy, steps = copy_of(self.policy), STEPS_A_ROUND * self.rounds
        along = Along((2, 4) if self.small else STOPS, lambda: self.measured(policy))
        fit(policy, rows, method, Budget(steps, self.batch, seed=self.seed), display=along)
        return curves(along.curves)

    def practise(self, method: Recipe) -> dict[str, Any]:
        """What it is like on the way as it practises; what was seen after a round is put down to the round's last step."""
        policy = copy_of(self.policy)
        along = Along([max(stop // STEPS_A_ROUND, 1) for stop in ((4,) if self.small else STOPS)], lambda: self.measured(policy))
        budget = Budget(self.rounds, self.samples, seed=self.seed, evaluation_rows=1)
        scene = scene_for(policy, self.world, self.scored, self.done)
        try:
            critics = learners_of(method, policy, self.seed, self.done)
            improve(policy, scene, self.world.train(), method, budget, Decoding(14), learners=critics, display=along)
        finally:
            scene.close()
        return curves({name: {STEPS_A_ROUND * stop: y for stop, y in curve.items()} for name, curve in along.curves.items()})

    def best(self, n: int) -> list[Any]:
        """The best of n answers to each of so many prompts that as many answers are drawn as PPO draws."""
        prompts = max(self.samples * self.rounds // n, 1)
        job = SearchJob(self.world, RejectionSampling(), self.scored, rows=prompts, sampler=Group(n), decoding=Decoding(14))
        return examples(job(self.policy, self.done, self.seed, None, Silent()).rows, encoder_for(self.policy))

    def measured(self, policy: Policy) -> dict[str, float]:
        rewards = {"gold": self.world.reward, "proxy": lambda prompts, completions, **_: self.scorer.score(prompts, completions)}
        drawn, judged = answers(policy, self.world, Decoding(14), self.seed, rewards, each=2)
        return {name: float(values.mean()) for name, values in judged.items()} | {"KL": divergence(drawn, policy, self.policy)}


start = lru_cache(maxsize=4)(Start)


def curves(found: dict[str, dict[int, float]]) -> dict[str, Any]:
    return found | {"gold at the price": bought(found["gold"], found["KL"], PRICE)}


def trial(arm: str, seed: int, scale: str, learning_rate: float, beta: float = 0.0, kl: float = 0.0, n: int = 1) -> dict[str, Any]:
    here = start(seed, scale)
    if arm.startswith("PPO"):
        return here.practise(ppo(learning_rate, kl))
    return here.learn(dpo(learning_rate, beta), here.pairs) if arm == "DPO" else here.learn(imitation(learning_rate), here.best(n))


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    arms = {arm: trial(arm, seed, scale, **setting) for arm, setting in tuned.items()}
    for arm, kl in {"PPO, no KL": 0.0, "PPO, KL 0.3": 0.3}.items():
        arms[arm] = trial(arm, seed, scale, **tuned["PPO"] | {"kl": kl})
    return arms | {"SFT": {"gold at the price": arms["DPO"]["gold"][0]}}
