"""Libra: a judge of correctness learns to think before its verdict; a benchmark of verdicts is to say what judges are worth as rewards for problems without answers.

World: answers that can be looked at five times, in words that speak for them or against them; of the second kind of problems late looks settle it, and a first one misleads
(``worlds.finite.deliberations``, whose truth is here that the answer is right). An impression is right about 65 %. A judge (``_judging``) writes a kind, words and a verdict;
at the start it reads roughly and writes two words. A seed is another world and another start. 160 answers have labels.

* "Libra": of four judgements of each labelled answer those with the right verdict are imitated in 30 steps (rejection sampling), then 40 steps of GRPO, rewards 1 and -1.
* "rejection": the first alone, 70 steps. "scalar": a linear head on what the judge sees (``_judging.headed``), chosen by 80 more. "start". "halfway": Libra after 10 of its steps
  of GRPO, for one more judge between.

The benchmark is 400 further answers: "accuracy", of what most of very many verdicts say. Downstream are 60 problems with 8 answers each, and no labels: a policy proportional to
exp(strength * how likely the judge is to call an answer right), at a KL of 0.5 nats from uniform; "gain" is how much more often its answer is right. "Order" is the rank
correlation (Kendall) of accuracy and gain over the five judges of a seed; "elsewhere" the gain on problems where the impression misleads (35 %).

Source: Zhou et al. 2025, arXiv 2507.21645, abstract and summaries (rejection sampling, then RL on agreement with gold correctness; pointwise accuracy; downstream correlation).
There a policy is trained by the judge's verdicts, here it is the optimum; whose judgements are sampled was not in what was read, here they are its own. Smallest differences of
interest: 0.02; the order is to be above 0.4.
"""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, System
from guerdon.atlas._text import bought
from guerdon.atlas.generative_rewards._judging import EACH, Judge, headed, imitated, reinforced, start, voted
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.data.curation.rejection_sampling import RejectionSampling
from guerdon.evaluation.metrics.kendall_tau import KendallTau
from guerdon.randomness import derive
from guerdon.worlds.finite.deliberations import Deliberations, Pairs

system = System(
    title="Libra: Assessing and Improving Reward Model by Learning to Think",
    link="https://arxiv.org/abs/2507.21645",
    kind="reward",
    builds_on=("genrm", "grpo", "rejection-sampling-sft", "rm-benchmark"),
    read="summary",
    note=(
        "The judge that thinks is level with a linear head on the same labels or behind it (0.739 and 0.754), and as a reward it gains "
        "0.04 less. Imitating its own right judgements alone makes it worse than it was; reinforcement brings it back and further. What "
        "the benchmark says of judges orders their gains (0.59)."
    ),
)
LABELLED, CHOOSING, BENCHMARK, PROBLEMS, ANSWERS, IMITATING, LEARNING = 160, 80, 400, 60, 8, 30, 40
STRENGTHS = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0)
recipe = {"imitated": RejectionSampling(), "advantage": GroupCentred(), "benchmark": KendallTau()}
claim = AllOf(
    BetterThan("Libra", "scalar", on="accuracy", effect=0.02, matched="labels"),
    BetterThan("Libra", "scalar", on="gain", effect=0.02, matched="labels, KL"),
    BetterThan("Libra", "rejection", on="accuracy", effect=0.02, matched="labels, updates"),
    BetterThan("benchmark", 0.4, on="order"),
)
SEEDS = {"smoke": 1, "full": 12, "tune": 3}
_RATES = {"learning_rate": (0.03, 0.06, 0.12, 0.24)}
GRID = {"rejection": _RATES, "Libra": _RATES}
TUNED_BY = "accuracy"


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict:
    world = Deliberations(seed=derive(seed, "world"))
    return measured(judge_of(arm, world, seed, scale, learning_rate).first, world, seed)


def judge_of(arm: str, world: Deliberations, seed: int, scale: str, learning_rate: float, reinforcing: int = LEARNING) -> Judge:
    answers, judge = world.pairs(LABELLED, derive(seed, "labelled")), start(world, seed, tags=2)
    said = judge.judge(answers, EACH, derive(seed, "sampled"))
    imitating = IMITATING + LEARNING if arm == "rejection" else IMITATING
    imitating, reinforcing = (imitating, reinforcing) if scale == "full" else (2, 2)
    judge = imitated(judge, answers, said, said.right(answers.truth).double(), learning_rate, imitating)
    if arm == "rejection":
        return judge
    return reinforced(judge, answers, answers.truth, learning_rate, reinforcing, derive(seed, "RL"))


def measured(first: Callable[[Pairs], Tensor], world: Deliberations, seed: int) -> dict[str, float]:
    benchmark = world.pairs(BENCHMARK, derive(seed, "benchmark"))
    found = {"accuracy": voted(first(benchmark), benchmark)}
    for name, there in (("gain", world), ("elsewhere", replace(world, agreement=0.35))):
        problems = there.pairs(PROBLEMS * ANSWERS, derive(seed, "problems"))
        found[name] = gained(first(problems).view(PROBLEMS, ANSWERS), problems.truth.view(PROBLEMS, ANSWERS))
    return found


def gained(said: Tensor, truth: Tensor, price: float = 0.5) -> float:
    """How much more often than the uniform policy's the answer is right that is drawn by these probabilities [C, A] of a good verdict, at this price in nats."""
    score = said - said.mean(-1, keepdim=True)
    score = score / score.square().mean().sqrt().clamp(min=1e-12)
    worth, paid = {}, {}
    for strength in STRENGTHS:
        policy = (strength * score).softmax(-1)
        worth[strength] = float((policy * truth).sum(-1).mean() - truth.mean())
        paid[strength] = float((policy * (policy.clamp(min=1e-300) * policy.shape[-1]).log()).sum(-1).mean())
    return bought(worth, paid, price)


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    world = Deliberations(seed=derive(seed, "world"))
    arms = {arm: trial(arm, seed, scale, **tuned[arm]) for arm in GRID}
    answers, begun = world.pairs(LABELLED, derive(seed, "labelled")), start(world, seed, tags=2)
    head = headed(begun, answers, answers.truth, world.pairs(CHOOSING, derive(seed, "choosing")))
    arms["start"] = measured(begun.first, world, seed)
    arms["scalar"] = measured(lambda pairs: torch.sigmoid(head(pairs)), world, seed)
    arms["halfway"] = measured(judge_of("Libra", world, seed, scale, tuned["Libra"]["learning_rate"], 10).first, world, seed)
    accuracy, gain = ([arm[name] for arm in arms.values()] for name in ("accuracy", "gain"))
    return arms | {"benchmark": {"order": float(KendallTau()(accuracy, gain))}}
