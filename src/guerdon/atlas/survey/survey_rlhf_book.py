"""Reinforcement learning from human feedback, the textbook: its pipeline run once through, and its contents as a map of this house.

World: short texts whose true worth is known (``worlds.text.gold_reward``); comparisons by an annotator who prefers in proportion to it. A
policy of one layer is fitted to 1,000 texts (SFT), a reward model to 1,000 comparisons. From there, 32 gradient steps each:

* rejection sampling: 8 answers to each of 256 prompts, the best by the reward model imitated;
* PPO against the reward model: 8 rounds of 256 answers, four steps each, KL of 0.05 in the reward;
* DPO on the comparisons themselves, beta 0.1.

Rejection sampling and PPO see the same number of samples; DPO samples nothing. Settings are the first that were tried, since each arm is held against
SFT only; which of the three is best is not asked. Measured on 512 answers to held-out prompts: the true reward, the reward model's, and the KL
from SFT in nats per answer, estimated on the same answers.

Source: Lambert, Reinforcement Learning from Human Feedback, arXiv 2504.12501 (rlhfbook.com), chapters 4 to 9 and 15. The book makes no such claim
in numbers; this is the part of it that can be checked.

``taxonomy``: its chapters and what they are made of → the parts here. An empty cell is something that the book describes and this library does
not have yet.
"""

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, System
from guerdon.atlas._text import answers, divergence
from guerdon.credit.advantages.batch_normalised import BatchNormalised
from guerdon.credit.advantages.gae import GAE
from guerdon.credit.targets.lambda_return import LambdaReturn
from guerdon.data.curation.rejection_sampling import RejectionSampling
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.penalties.kl_direct import KLDirect
from guerdon.losses.scores.head import Head
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.losses.surrogates.clip import Clip
from guerdon.losses.values.clipped_regression import ClippedRegression
from guerdon.models.heads.scalar import Scalar
from guerdon.models.language.headed import Headed
from guerdon.models.language.small_language_model import SmallLanguageModel
from guerdon.sequences import Decoding
from guerdon.training.jobs import FitJob, ImproveJob, SearchJob
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Learning, Recipe, Term
from guerdon.training.schedules.linear import Linear
from guerdon.training.stages import Pipeline, Stage
from guerdon.worlds.text.comparisons import Comparisons
from guerdon.worlds.text.demonstrations import Demonstrations
from guerdon.worlds.text.gold_reward import GoldReward

system = System(
    title="Reinforcement Learning from Human Feedback",
    link="https://arxiv.org/abs/2504.12501",
    kind="survey",
    builds_on=("sft", "reward-model", "rejection-sampling", "ppo", "dpo"),
)
recipe = {
    "sft": Recipe((Term(NegativeLogLikelihood()),), AdamW(Linear(1e-2, warmup=0.1))),
    "reward model": Recipe((Term(Pairwise(Head(), Logistic())),), AdamW(Linear(3e-3, warmup=0.1))),
    "rejection sampling": Recipe((Term(NegativeLogLikelihood()),), AdamW(3e-3)),
    "ppo": Recipe(
        (Term(Clip(0.2)),),
        AdamW(3e-3),
        Group(1),
        reward_penalties=(Term(KLDirect(), weight=0.05),),
        advantage=BatchNormalised(GAE()),
        target=LambdaReturn(),
        learners={"critic": Learning((Term(ClippedRegression()),), optimiser=AdamW(3e-3))},
        epochs=2,
        minibatches=2,
    ),
    "dpo": Recipe((Term(Pairwise(LogRatio(0.1), Logistic())),), AdamW(3e-3)),
}
ARMS = ("rejection sampling", "ppo", "dpo")
claim = AllOf(*(BetterThan(arm, "sft", on="gold") for arm in ARMS))
SEEDS = {"smoke": 1, "full": 5}

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
        "K-wise: Plackett-Luce over rankings": (),
        "outcome reward model": (),
        "process reward model": (),
        "generative reward model, language model as a judge": (),
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
        "aggregating people (social choice)": (),
    },
    "Preference data": {
        "pairs": ("data.formats.preference",),
        "single verdicts": ("data.formats.unpaired",),
        "labels of steps": ("data.formats.stepwise",),
        "multi-turn conversations": ("data.formats.share_gpt",),
        "rankings": (),
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
        "ratings from battles (Elo, Bradley-Terry)": (),
        "contamination of test sets": (),
    },
}


def experiment(seed: int, scale: str) -> dict:
    world, done = GoldReward(seed=seed), pipeline(seed, scale).run(seed)
    scorer = done["reward model"].model
    rewards = {"gold": world.reward, "proxy": lambda prompts, completions, **_: scorer.score(prompts, completions)}
    numbers = {}
    for name in ("sft", *ARMS):
        policy = done[name].model
        drawn, judged = answers(policy, world, Decoding(14), seed, rewards, each=2)
        numbers[name] = {key: float(value.mean()) for key, value in judged.items()}
        numbers[name]["KL from SFT"] = divergence(drawn, policy, done["sft"].model)
    return numbers


def pipeline(seed: int, scale: str) -> Pipeline:
    smoke, world = scale == "smoke", GoldReward(seed=seed)
    model = SmallLanguageModel(world.characters, layers=1, hidden=16 if smoke else 32, heads=2, context_length=24)
    warm = Budget(steps=4 if smoke else 120, batch_size=64)
    after = Budget(steps=2 if smoke else 32, batch_size=64)
    rounds = Budget(steps=1 if smoke else 8, batch_size=32 if smoke else 256, evaluation_rows=1)
    pairs, scored = Comparisons(world, 1000, held_out=256), {"proxy": "reward model"}
    best = SearchJob(world, RejectionSampling(), scored, rows=32 if smoke else 256, sampler=Group(8), decoding=Decoding(14))
    return Pipeline(
        model,
        Stage("sft", FitJob(recipe["sft"], Demonstrations(world, 1000, held_out=256), warm)),
        Stage("reward model", FitJob(recipe["reward model"], pairs, warm, builds=Headed(model, Scalar())), start="sft"),
        Stage("best", best, start="sft"),
        Stage("rejection sampling", FitJob(recipe["rejection sampling"], "best", after), start="sft"),
        Stage("ppo", ImproveJob(recipe["ppo"], world, rewards=scored, decoding=Decoding(14), budget=rounds), start="sft"),
        Stage("dpo", FitJob(recipe["dpo"], pairs, after), start="sft"),
    )
