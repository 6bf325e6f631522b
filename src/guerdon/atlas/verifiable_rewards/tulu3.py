"""Tulu 3: fine-tune, prefer, then practise against a verifier; each stage adds.

World: sorting eight letters of ten (``worlds.text.sort_letters``); a verifier says whether an answer is exact. Stages, each from the last:

* SFT on 300 solved problems;
* length-normalised DPO (beta 5) on pairs that the SFT policy wrote: of four answers to each of 768 problems the best against the worst, by
  partial credit for letters in their place, which stands for the paper's judge; a reward model is fitted to the same pairs;
* RLVR: PPO with a reward of 10 for an exact answer, KL of 0.05 to the DPO policy in the reward, GAE, clipped regression, and a critic that
  starts from the reward model. 40 rounds of 128 answers, four gradient steps each.

The control is the same RLVR stage with the reward model's score added to the verifier's reward, at the same budget and settings. Learning
rates were tried on seed 100, which is not reported: 0.0001 and 0.0003 for DPO (the first is better), 0.0003 and 0.001 for RLVR (likewise).

Measured: greedy exact answers to 512 held-out problems, of which none was shown, compared or practised.

Source: Lambert et al. 2024, arXiv 2411.15124: section 5 (DPO), section 6 (RLVR, the constant 10, the critic's start, verifier against verifier plus
reward model). Not here: curation, decontamination, answers of other models among the pairs, constraints beyond the answer.
"""

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, RanksAs, System
from guerdon.atlas._text import answers
from guerdon.credit.advantages.batch_normalised import BatchNormalised
from guerdon.credit.advantages.gae import GAE
from guerdon.credit.targets.lambda_return import LambdaReturn
from guerdon.data.curation.best_worst_pairs import BestWorstPairs
from guerdon.feedback.combining.weigh import Weigh
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.penalties.kl_direct import KLDirect
from guerdon.losses.scores.head import Head
from guerdon.losses.scores.mean_log_ratio import MeanLogRatio
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
from guerdon.worlds.text.demonstrations import Demonstrations
from guerdon.worlds.text.position_credit import PositionCredit
from guerdon.worlds.text.sort_letters import SortLetters

system = System(
    title="Tulu 3: Pushing Frontiers in Open Language Model Post-Training",
    link="https://arxiv.org/abs/2411.15124",
    kind="method",
    builds_on=("sft", "dpo", "ppo", "reward-model", "string-match"),
    note="Five stages for each of five seeds take about two minutes of two cores, more where these are shared.",
)


def practice(learning_rate: float = 3e-4) -> Recipe:
    """RLVR: PPO whose critic starts from the reward model."""
    return Recipe(
        (Term(Clip(0.2)),),
        AdamW(learning_rate),
        Group(1),
        combine=Weigh({"exact": 10.0}),
        reward_penalties=(Term(KLDirect(), weight=0.05),),
        advantage=BatchNormalised(GAE()),
        target=LambdaReturn(),
        learners={"critic": Learning((Term(ClippedRegression(epsilon=2.0)),), "reward model", AdamW(3 * learning_rate))},
        epochs=2,
        minibatches=2,
    )


recipe = {
    "sft": Recipe((Term(NegativeLogLikelihood()),), AdamW(Linear(5e-3, warmup=0.1))),
    "reward model": Recipe((Term(Pairwise(Head(), Logistic())),), AdamW(Linear(3e-3, warmup=0.1))),
    "dpo": Recipe((Term(Pairwise(MeanLogRatio(beta=5.0), Logistic())),), AdamW(Linear(1e-4, warmup=0.1))),
    "rlvr": practice(),
    "rlvr with the reward model": practice(),
}
claim = AllOf(
    RanksAs(("rlvr", "dpo", "sft"), on="accuracy"),
    BetterThan("rlvr", "rlvr with the reward model", on="accuracy"),
)
SEEDS = {"smoke": 1, "full": 5}
STAGES = ("sft", "dpo", "rlvr", "rlvr with the reward model")


def experiment(seed: int, scale: str) -> dict:
    done = pipeline(seed, scale, recipe).run(seed)
    return {name: {"accuracy": accuracy(done[name].model, seed)} for name in STAGES}


def task_of(seed: int) -> SortLetters:
    return SortLetters(length=8, alphabet="abcdefghij", seed=seed)


def pipeline(seed: int, scale: str, recipes: dict[str, Recipe]) -> Pipeline:
    smoke, task = scale == "smoke", task_of(seed)
    model = SmallLanguageModel(task.characters, layers=1 if smoke else 2, hidden=16 if smoke else 64, heads=4, context_length=24)
    warm, after = (Budget(steps=2 if smoke else n, batch_size=16 if smoke else 64) for n in (100, 24))
    rounds = Budget(steps=1 if smoke else 40, batch_size=8 if smoke else 128, evaluation_rows=1)
    ours, exact = Decoding(10), PositionCredit(exact=1.0)
    pairs = SearchJob(task, BestWorstPairs(), rows=16 if smoke else 768, sampler=Group(4), decoding=ours)
    scored = {"exact": exact, "model": "reward model"}
    return Pipeline(
        model,
        Stage("sft", FitJob(recipes["sft"], Demonstrations(task, 300), warm)),
        Stage("pairs", pairs, start="sft"),
        Stage("reward model", FitJob(recipes["reward model"], "pairs", after, builds=Headed(model, Scalar())), start="sft"),
        Stage("dpo", FitJob(recipes["dpo"], "pairs", after), start="sft"),
        *(
            Stage(name, ImproveJob(method, task, rewards=rewards, decoding=ours, budget=rounds), start="dpo")
            for name, method in recipes.items()
            if name.startswith("rlvr")
            for rewards in (scored if "reward model" in name else {"exact": exact},)
        ),
    )


def accuracy(policy, seed: int) -> float:
    """The share of held-out problems whose most likely answer is exact."""
    _, rewards = answers(policy, task_of(seed), Decoding(10, temperature=0.0), seed, {"exact": PositionCredit(exact=1.0)})
    return float(rewards["exact"].mean())
