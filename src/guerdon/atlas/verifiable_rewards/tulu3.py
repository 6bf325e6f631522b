"""Tulu 3: fine-tune, prefer, then practise against a verifier; each stage adds.

World: sorting six letters of ten (``worlds.text.sort_letters``); a verifier says whether an answer is exact. Stages, each from the last:

* SFT on 300 solved problems, 100 steps;
* length-normalised DPO (beta 5) on pairs that the SFT policy wrote, 48 steps of 64: of four answers to each of 768 problems the best against the worst, by
  partial credit for letters in their place, which stands for the paper's judge; a reward model is fitted to the same pairs;
* RLVR: PPO with a reward of 10 for an exact answer, KL of 0.05 to the DPO policy in the reward, GAE, clipped regression, and a critic that
  starts from the reward model. 24 rounds of 128 answers, four gradient steps each.

Controls: "best imitated" is SFT on the best of the same four answers, as many answers and steps as DPO; "DPO again" is a second round of DPO in RLVR's place, on pairs that the
first one wrote to other problems, as many answers and steps as RLVR; "RLVR with the reward model" has the reward model's score added to the verifier's reward.

Tuned, each of these for itself: the learning rate, by accuracy. Stages are tuned one after the other, as in the paper: in a trial, what comes after DPO starts from the one that is
best on the trial's seed of DPO at the rates in its grid; in the experiment, from DPO as it was tuned. The rate falls to 0 after a warm-up, in every stage.

Measured: exact answers to 512 held-out problems, of which none was shown, compared or practised, when the most likely answer is given; and, not claimed, when an answer is
drawn. Two problems in a hundred are the least that anybody would notice.

Before, two rates were tried for a stage and the best lay at the edge; DPO had 24 steps and RLVR 160, no control had as many; six letters for eight and half the width
pay for more seeds.

Source: Lambert et al. 2024, arXiv 2411.15124, of which a summary was read, and its authors' commands (open-instruct, docs/tulu3.md): dpo_norm with beta 5, warm-up and linear
rate, a reward model and a policy from SFT, RLVR from DPO with a KL of 0.05, the reward model as the critic's start with a multiplier of 0 for its score. Not here: curation,
decontamination, answers of other models among the pairs, constraints beyond the answer. Chosen here: world, sizes, the critic's rate (three times the policy's), effect.
"""

from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, System
from guerdon.atlas._text import answers
from guerdon.credit.advantages.batch_normalised import BatchNormalised
from guerdon.credit.advantages.gae import GAE
from guerdon.credit.targets.lambda_return import LambdaReturn
from guerdon.data.curation.best_worst_pairs import BestWorstPairs
from guerdon.data.curation.rejection_sampling import RejectionSampling
from guerdon.data.examples import examples
from guerdon.feedback.combining.weigh import Weigh
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.penalties.kl_direct import KLDirect
from guerdon.losses.scores.head import Head
from guerdon.losses.scores.mean_log_ratio import MeanLogRatio
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
from guerdon.training.loops.search import search
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Learning, Recipe, Term
from guerdon.training.schedules.linear import Linear
from guerdon.training.stages import Outputs, adopt
from guerdon.worlds.text.position_credit import PositionCredit
from guerdon.worlds.text.sort_letters import SortLetters

system = System(
    title="Tulu 3: Pushing Frontiers in Open Language Model Post-Training",
    link="https://arxiv.org/abs/2411.15124",
    kind="method",
    builds_on=("sft", "dpo", "ppo", "reward-model", "string-match"),
    read="code",
    note=(
        "DPO adds nothing to what the most likely answer gets right (0.738 to 0.742, equal) at the best rate of its grid; larger rates lose. Imitating the best of the same "
        "answers adds 0.03 at as many samples and steps: it ends at 0.768, where RLVR, from DPO and with as many answers again, ends at 0.765. RLVR's lead over a second round "
        "of DPO, and over RLVR that sees the reward model's score too, is there, and at 0.016 a little smaller than what anybody would notice. When answers are drawn, SFT "
        "gets 0.38, DPO 0.40, the best imitated 0.48 and RLVR 0.49."
    ),
)
LENGTH, PROBLEMS, EACH, ROUNDS, SAMPLES = 6, 768, 4, 24, 128
EXACT = PositionCredit(exact=1.0)


def falling(learning_rate: float) -> AdamW:
    return AdamW(Linear(learning_rate, warmup=0.1))


def imitation(learning_rate: float) -> Recipe:
    return Recipe((Term(NegativeLogLikelihood()),), falling(learning_rate))


def dpo(learning_rate: float) -> Recipe:
    return Recipe((Term(Pairwise(MeanLogRatio(beta=5.0), Logistic())),), falling(learning_rate))


def practice(learning_rate: float) -> Recipe:
    """RLVR: PPO whose critic starts from the reward model."""
    return Recipe(
        (Term(Clip(0.2)),),
        falling(learning_rate),
        Group(1),
        combine=Weigh({"exact": 10.0}),
        reward_penalties=(Term(KLDirect(), weight=0.05),),
        advantage=BatchNormalised(GAE()),
        target=LambdaReturn(),
        learners={"critic": Learning((Term(ClippedRegression(epsilon=2.0)),), "reward model", falling(3 * learning_rate))},
        epochs=2,
        minibatches=2,
    )


recipe = {
    "SFT": imitation(5e-3),
    "reward model": Recipe((Term(Pairwise(Head(), Logistic())),), falling(3e-3)),
    "DPO": dpo(1e-4),
    "RLVR": practice(3e-4),
}
IMITATED, AGAIN, MIXED = "best imitated", "DPO again", "RLVR with the reward model"
_LOW, _HIGH = {"learning_rate": (3e-5, 1e-4, 3e-4, 1e-3)}, {"learning_rate": (1e-4, 3e-4, 1e-3, 3e-3)}
GRID = {IMITATED: _HIGH, "DPO": _LOW, AGAIN: _LOW, MIXED: _HIGH, "RLVR": _HIGH}
TUNED_BY = "accuracy"
claim = AllOf(
    BetterThan("DPO", "SFT", on="accuracy", effect=0.02),
    BetterThan("DPO", IMITATED, on="accuracy", effect=0.02, matched="samples, updates"),
    BetterThan("RLVR", "DPO", on="accuracy", effect=0.02),
    BetterThan("RLVR", AGAIN, on="accuracy", effect=0.02, matched="samples, updates"),
    BetterThan("RLVR", MIXED, on="accuracy", effect=0.02, matched="samples, updates"),
)
SEEDS = {"smoke": 1, "full": 10, "tune": 2}


class Start:
    """What one seed begins with: the problems, SFT, what it answers, and a reward model; and DPO at any rate, once."""

    def __init__(self, seed: int, scale: str):
        self.seed, self.small = seed, scale == "smoke"
        self.task = SortLetters(length=LENGTH, alphabet="abcdefghij", seed=seed, test_size=16 if self.small else 512)
        self.decoding = Decoding(LENGTH + 2)
        width = {"layers": 1, "hidden": 16} if self.small else {"layers": 2, "hidden": 32}
        model = SmallLanguageModel(self.task.characters, heads=4, context_length=24, **width)
        self.sft, scorer = model.build(seed), Headed(model, Scalar()).build(seed)
        self.encoder = encoder_for(self.sft)
        fit(self.sft, examples(self.task.demonstrations(300), self.encoder), recipe["SFT"], self.budget(100))
        self.answers = self.sampled(self.sft, 0)
        self.pairs = examples(BestWorstPairs()(rows=self.answers), self.encoder)
        adopt(scorer, self.sft)
        fit(scorer, self.pairs, recipe["reward model"], self.budget(48))
        self.done = {"reward model": Outputs(scorer)}
        self.dpo = cache(lambda rate: self.learned(self.sft, dpo(rate), self.pairs, 48))

    def budget(self, steps: int) -> Budget:
        return Budget(2 if self.small else steps, 16 if self.small else 64, seed=self.seed)

    def learned(self, policy: Policy, method: Recipe, rows: list[Any], steps: int) -> Policy:
        policy = copy_of(policy)
        fit(policy, rows, method, self.budget(steps))
        return policy

    def sampled(self, policy: Policy, part: int) -> list[dict[str, Any]]:
        """Answers to problems of their own, with partial credit."""
        problems, rows, scene = 16 if self.small else PROBLEMS, self.task.train(), scene_for(policy, self.task, {}, {})
        try:
            some = [rows[part * problems + i] for i in range(problems)]
            return search(policy, scene, some, Group(EACH), Weigh(), self.decoding, self.seed)
        finally:
            scene.close()

    def practised(self, policy: Policy, method: Recipe, rewards: Mapping[str, Any]) -> Policy:
        policy, budget = (
            copy_of(policy),
            Budget(1 if self.small else ROUNDS, 16 if self.small else SAMPLES, seed=self.seed, evaluation_rows=1),
        )
        scene = scene_for(policy, self.task, rewards, self.done)
        try:
            improve(
                policy, scene, self.task.train(), method, budget, self.decoding, learners=learners_of(method, policy, self.seed, self.done)
            )
        finally:
            scene.close()
        return policy

    def best_dpo(self) -> Policy:
        """DPO at the best of the rates in its grid: what later stages are tuned from."""
        return max((self.dpo(rate) for rate in GRID["DPO"]["learning_rate"]), key=lambda policy: self.measured(policy)["accuracy"])

    def measured(self, policy: Policy) -> dict[str, float]:
        """The share of held-out problems that are answered exactly."""
        ways = {"accuracy": Decoding(LENGTH + 2, temperature=0.0), "accuracy, drawn": self.decoding}
        return {
            name: float(answers(policy, self.task, decoding, self.seed, {"exact": EXACT})[1]["exact"].mean())
            for name, decoding in ways.items()
        }


start = lru_cache(maxsize=4)(Start)


def trial(arm: str, seed: int, scale: str, learning_rate: float, dpo_rate: float | None = None) -> dict[str, float]:
    """``dpo_rate``: of the stage before, where it is tuned already."""
    here = start(seed, scale)
    if arm == IMITATED:
        return here.measured(
            here.learned(here.sft, imitation(learning_rate), examples(RejectionSampling()(rows=here.answers), here.encoder), 48)
        )
    if arm == "DPO":
        return here.measured(here.dpo(learning_rate))
    before = here.best_dpo() if dpo_rate is None else here.dpo(dpo_rate)
    if arm == AGAIN:
        pairs = examples(BestWorstPairs()(rows=here.sampled(before, 1)), here.encoder)
        return here.measured(here.learned(before, dpo(learning_rate), pairs, 4 * ROUNDS))
    rewards = {"exact": EXACT} | ({"model": "reward model"} if arm == MIXED else {})
    return here.measured(here.practised(before, practice(learning_rate), rewards))


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    rate, later = tuned["DPO"]["learning_rate"], (AGAIN, MIXED, "RLVR")
    arms = {arm: trial(arm, seed, scale, **setting, **({"dpo_rate": rate} if arm in later else {})) for arm, setting in tuned.items()}
    return {"SFT": start(seed, scale).measured(start(seed, scale).sft)} | arms
