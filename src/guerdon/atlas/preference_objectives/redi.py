"""REDI: a teacher's wrong answers teach more than its right ones alone, if they push less than the right ones pull.

World: answers that need a form, the prompt's letters in order, and worth, which is nowhere said (``worlds.text.form_and_worth``, of six
letters); a verifier says whether one is right. The teacher, fitted to 1,000 answers in due form whose worth is accidental, is right in one
of ten. It writes 16 answers to each of 384 prompts. Where one of them is right, that one goes to SFT, and the pair of it and a wrong one to
the second stage: fixed data, none of it the student's. The student starts from nothing and has the teacher's size, two layers.

Stage 1: SFT on the right answers (120 steps of 64). Stage 2, from there: 24 steps of 32 pairs, a tenth of them warm-up, then down to 0 in a
line, as in the paper. Arms: REDI; alpha = 1 ("symmetric"); alpha = 0, which is SFT on the chosen answers ("SFT, longer"); DPO; SimPO with a lead
of half its beta, as the paper ran it. Each has two knobs, tuned by the share of right answers: the learning rate, and alpha for REDI, beta for
DPO and SimPO, the number of steps for the two that have no other. What is right is verified, so pairs and updates are what is matched.

Measured: the share of right answers, of four to each of 256 held-out prompts at temperature 1 (the paper has 0.6 and a nucleus, which would
cut off most of what can go wrong here); and, not claimed, how likely the chosen answers are after training, per letter. A difference of 0.05 is
of interest.

"Collapses" is that the student ends below the SFT policy that it started from, and that less does so with REDI's alpha at the same rate: REDI and
alpha = 1 also run at thrice REDI's rate, and alpha = 1 at REDI's.

Changed before the first full run: three worlds. In sorting letters a teacher's mistakes taught nothing that carries over, and SFT alone was
best of all; where an answer needs worth and no form, nothing collapses, because what is shared by right and wrong answers need not be kept.

Source: Xu et al. 2025, arXiv 2505.24850: eq. 1, 4 and 5, section 3 (data, schedules), section 4.3 (alpha = 1 collapses at the rate at which
0.8 is best), table 2; its authors' code (alpha 0.8, a tenth of warm-up, linear, 32 pairs). Its problems are mathematical, its traces thousands of
tokens long, and it reports the best checkpoint where this is the last one.
"""

from functools import lru_cache

import torch

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, Knob, System
from guerdon.atlas._text import answers
from guerdon.data.curation.best_worst_pairs import BestWorstPairs
from guerdon.data.curation.rejection_sampling import RejectionSampling
from guerdon.data.examples import examples
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.on_side import OnSide
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.reduce.sequence_mean import SequenceMean
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.losses.scores.mean_log_probability import MeanLogProbability
from guerdon.models import Policy
from guerdon.models.language.small_language_model import SmallLanguageModel
from guerdon.sequences import Decoding, Example, collate
from guerdon.training.jobs import FitJob, SearchJob, copy_of, encoder_for
from guerdon.training.loops.fit import fit
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.training.schedules.linear import Linear
from guerdon.training.stages import Pipeline, Stage
from guerdon.worlds.text.demonstrations import Demonstrations
from guerdon.worlds.text.form_and_worth import FormAndWorth
from guerdon.worlds.text.gold_reward import GoldReward

system = System(
    title="Harnessing Negative Signals: Reinforcement Distillation from Teacher Data for LLM Reasoning",
    link="https://arxiv.org/abs/2505.24850",
    kind="method",
    builds_on=("sft", "dpo", "simpo", "on-side", "rejection-sampling"),
    read="paper and code",
    note=(
        "It does what it says against SFT and at a high rate, where weighing both sides alike collapses; DPO with a tuned rate "
        "and beta is as good."
    ),
)
STEPS, DECODING = 24, Decoding(20)


def redi(alpha: float, rate: float) -> Recipe:
    up = Term(OnSide(NegativeLogLikelihood()), reduce=SequenceMean())
    down = Term(OnSide(NegativeLogLikelihood(), side="rejected"), weight=-alpha, reduce=SequenceMean())
    return Recipe((up, down), AdamW(Linear(rate, warmup=0.1)))


def dpo(beta: float, rate: float) -> Recipe:
    return Recipe((Term(Pairwise(LogRatio(beta), Logistic())),), AdamW(Linear(rate, warmup=0.1)))


def simpo(beta: float, rate: float) -> Recipe:
    return Recipe((Term(Pairwise(MeanLogProbability(beta), Logistic(lead=beta / 2))),), AdamW(Linear(rate, warmup=0.1)))


sft = Recipe((Term(NegativeLogLikelihood()),), AdamW(Linear(1e-2, warmup=0.1)))
METHODS = {
    "SFT, longer": lambda learning_rate, **_: redi(0.0, learning_rate),
    "DPO": lambda learning_rate, beta, **_: dpo(beta, learning_rate),
    "SimPO": lambda learning_rate, beta, **_: simpo(beta, learning_rate),
    "symmetric": lambda learning_rate, **_: redi(1.0, learning_rate),
    "REDI": lambda learning_rate, alpha, **_: redi(alpha, learning_rate),
}
recipe = {"SFT": sft, "REDI": redi(0.8, 3e-4), "DPO": dpo(0.5, 3e-4), "SimPO": simpo(10.0, 1e-4)}
_RATES, _STEPS = (1e-4, 3e-4, 1e-3), (12, 24, 48)
GRID = {
    "SFT, longer": {"learning_rate": _RATES, "steps": _STEPS},
    "DPO": {"learning_rate": _RATES, "beta": (0.1, 0.5, 2.5)},
    "SimPO": {"learning_rate": _RATES, "beta": (2.0, 10.0, 50.0)},
    "symmetric": {"learning_rate": _RATES, "steps": _STEPS},
    "REDI": {"learning_rate": _RATES, "alpha": Knob((0.4, 0.6, 0.8), least=0.0, most=1.0)},
}
TUNED_BY = "right"
_more = {"on": "right", "effect": 0.05}
claim = AllOf(
    *(BetterThan("REDI", other, **_more, matched="pairs, updates") for other in ("SFT, longer", "DPO", "SimPO", "symmetric")),
    BetterThan("REDI", "SFT", **_more, matched="pairs"),
    BetterThan("REDI", "symmetric, REDI's rate", **_more, matched="pairs, updates, rate"),
    BetterThan("SFT", "symmetric, thrice the rate", **_more, matched="pairs"),
    BetterThan("REDI, thrice the rate", "symmetric, thrice the rate", **_more, matched="pairs, updates, rate"),
)
SEEDS = {"smoke": 1, "full": 12, "tune": 2}


def task(seed: int, scale: str) -> FormAndWorth:
    return FormAndWorth(GoldReward(letters="abcdef", test_size=16 if scale == "smoke" else 256, seed=seed))


@lru_cache(maxsize=2)
def start(seed: int, scale: str) -> tuple[Policy, list[Example], FormAndWorth]:
    """The student after SFT, the pairs, and the task."""
    done = pipeline(seed, scale).run(seed)
    return (
        done["SFT"].model,
        examples(done["pairs"].rows, encoder_for(done["SFT"].model)),
        task(seed, scale),
    )


def trial(arm: str, seed: int, scale: str, steps: int = STEPS, **knobs: float) -> dict[str, float]:
    student, pairs, _ = start(seed, scale)
    policy = copy_of(student)
    fit(policy, pairs, METHODS[arm](**knobs), Budget(steps=2 if scale == "smoke" else steps, batch_size=32, seed=seed))
    return measured(policy, seed, scale)


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    own = tuned["REDI"]
    arms = {arm: trial(arm, seed, scale, **setting) for arm, setting in tuned.items()} | {
        "SFT": measured(start(seed, scale)[0], seed, scale)
    }
    for name, rate in (("REDI's rate", own["learning_rate"]), ("thrice the rate", 3 * own["learning_rate"])):
        arms[f"symmetric, {name}"] = trial("symmetric", seed, scale, learning_rate=rate)
    arms["REDI, thrice the rate"] = trial("REDI", seed, scale, **own | {"learning_rate": 3 * own["learning_rate"]})
    return arms


def pipeline(seed: int, scale: str) -> Pipeline:
    """The teacher, its answers, and SFT on the right ones."""
    smoke, world = scale == "smoke", task(seed, scale)
    model = SmallLanguageModel(world.characters, layers=1 if smoke else 2, hidden=16 if smoke else 32, heads=2, context_length=32)
    warm = Budget(steps=2 if smoke else 120, batch_size=64)
    judge, least = (world.world.reward, None) if smoke else (world.reward, 1.0)  # a teacher after a few steps is never right
    some = {"rewards": {"right": judge}, "rows": 48 if smoke else 384, "sampler": Group(4 if smoke else 16), "decoding": DECODING}
    return Pipeline(
        model,
        Stage("teacher", FitJob(sft, Demonstrations(world, 1000), Budget(steps=20 if smoke else 120, batch_size=64))),
        Stage("right answers", SearchJob(world, RejectionSampling(threshold=least), **some), start="teacher"),
        Stage("pairs", SearchJob(world, BestWorstPairs(), **some), start="teacher"),
        Stage("SFT", FitJob(sft, "right answers", warm)),
    )


def measured(policy: Policy, seed: int, scale: str) -> dict[str, float]:
    _, pairs, world = start(seed, scale)
    _, judged = answers(policy, world, DECODING, seed, {"right": world.reward}, each=4)
    chosen = collate(pairs).sides["chosen"]
    with torch.no_grad():
        logp = policy.measure(chosen, {"logp"})["logp"]
    return {"right": float(judged["right"].mean()), "log-probability of the chosen": float((logp * chosen.mask).sum() / chosen.mask.sum())}
