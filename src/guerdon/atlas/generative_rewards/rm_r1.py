"""RM-R1: a judge says what kind of pair it has before it, reasons accordingly, learns from a better judge's chains first, and then by reinforcement on its verdicts.

World: pairs of two kinds that can be looked at five times, and an impression that is right about 65 % (``worlds.finite.deliberations``); pairs of the first kind show early which
answer is better, those of the second late, after a first look that misleads. A judge (``_judging``) writes the kind, words, and a verdict. At the start it reads roughly, cannot
tell the kinds apart and writes two words. A seed is another world and another start. 200 labelled pairs; a teacher (``_judging.teacher``), whose verdicts are right about 80 %,
wrote chains for 40 of them.

* "distilled, RL": the teacher's chains that end right (four of each of the 40 pairs) are imitated in 40 steps, and 50 steps of GRPO on the other 160 pairs follow, with 1 and -1.
* "distilled": the teacher's chains for all 200 pairs are imitated in 90 steps. "RL": 90 steps of GRPO on the 200 pairs, from the start. As many steps of Adam for all.
* "no kind": as "distilled, RL", from a judge that has no word for the kind.
* "Bradley-Terry": a linear head on what the judge sees (``_judging.headed``), products with the kind among it, on the same labels, chosen by 80 more.

Measured of 400 held-out pairs, exactly: "accuracy", of what most of very many verdicts say; "single", of one verdict; "early" and "late", of the first and of the second kind;
"lead", of "distilled, RL" over Bradley-Terry, on pairs of one kind.

Source: Chen et al. 2025, arXiv 2505.02387, abstract and summaries, and the authors' code (reward 1 and -1 for the verdict in the last 80 characters, ``lm_as_judge.py``). Chosen
here: the share that is distilled, steps, and that traces with the wrong verdict are left out. Smallest difference of interest: 0.02.
"""

import torch

from guerdon.atlas import AllOf, BetterThan, System
from guerdon.atlas.generative_rewards._judging import EACH, Judge, headed, imitated, reinforced, right, start, teacher, voted
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.feedback.deliberation.kind_first import KindFirst
from guerdon.randomness import derive
from guerdon.worlds.finite.deliberations import Deliberations, Pairs

system = System(
    title="RM-R1: Reward Modeling as Reasoning",
    link="https://arxiv.org/abs/2505.02387",
    kind="reward",
    builds_on=("genrm", "grpo", "sft-distillation", "rubric-generation"),
    read="code",
    note=(
        "Distilling first gains 0.03 over reinforcement alone and over Bradley-Terry, and a word for the kind as much again. Imitating "
        "the teacher's chains for all 200 pairs is 0.025 better still in what most of many verdicts say (it needs five times as many "
        "chains of a good teacher), though its single verdicts are right less often (0.725, 0.759): reinforcement sharpens verdicts. The "
        "lead over Bradley-Terry is no larger on pairs that show late (undecided)."
    ),
)
LABELLED, TAUGHT, CHOOSING, HELD_OUT, IMITATING, LEARNING = 200, 40, 80, 400, 40, 50
recipe = {"asked for": KindFirst(), "advantage": GroupCentred()}
claim = AllOf(
    BetterThan("distilled, RL", "distilled", on="accuracy", effect=0.02, matched="labels, updates"),
    BetterThan("distilled, RL", "RL", on="accuracy", effect=0.02, matched="labels, updates"),
    BetterThan("distilled, RL", "Bradley-Terry", on="accuracy", effect=0.02, matched="labels"),
    BetterThan("lead on late ones", "lead on early ones", on="lead", effect=0.02),
)
SEEDS = {"smoke": 1, "full": 12, "tune": 3}
_RATES = {"learning_rate": (0.03, 0.06, 0.12, 0.24)}
GRID = {"distilled": _RATES, "RL": _RATES, "distilled, RL": _RATES, "no kind": _RATES}
TUNED_BY = "accuracy"


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict:
    world = Deliberations(seed=derive(seed, "world"))
    return measured(judge_of(arm, world, seed, scale, learning_rate), world, seed)


def judge_of(arm: str, world: Deliberations, seed: int, scale: str, learning_rate: float) -> Judge:
    pairs = world.pairs(LABELLED, derive(seed, "labelled"))
    judge, imitating, learning = start(world, seed, tags=1 if arm == "no kind" else 2), IMITATING, LEARNING
    if scale != "full":
        imitating, learning = 2, 2
    if arm == "RL":
        return reinforced(judge, pairs, pairs.truth, learning_rate, imitating + learning, derive(seed, "RL"))
    shown = pairs if arm == "distilled" else pairs.those(torch.arange(TAUGHT))
    traces = teacher(world).judge(shown, EACH, derive(seed, "teacher"))
    if arm == "no kind":
        traces = traces._replace(tag=torch.zeros_like(traces.tag))
    kept = traces.right(shown.truth).double()
    if arm == "distilled":
        return imitated(judge, shown, traces, kept, learning_rate, imitating + learning)
    judge = imitated(judge, shown, traces, kept, learning_rate, imitating)
    rest = pairs.those(torch.arange(TAUGHT, LABELLED))
    return reinforced(judge, rest, rest.truth, learning_rate, learning, derive(seed, "RL"))


def measured(judge: Judge, world: Deliberations, seed: int) -> dict[str, float]:
    held_out = world.pairs(HELD_OUT, derive(seed, "held out"))
    return of_verdicts(judge.first(held_out), held_out)


def of_verdicts(first: torch.Tensor, pairs: Pairs) -> dict[str, float]:
    early, late = (pairs.kind == kind for kind in (0, 1))
    return {
        "accuracy": voted(first, pairs),
        "single": right(first, pairs),
        "early": voted(first[early], pairs.those(early)),
        "late": voted(first[late], pairs.those(late)),
    }


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    world = Deliberations(seed=derive(seed, "world"))
    arms = {arm: trial(arm, seed, scale, **tuned[arm]) for arm in GRID}
    pairs, held_out = world.pairs(LABELLED, derive(seed, "labelled")), world.pairs(HELD_OUT, derive(seed, "held out"))
    head = headed(start(world, seed, tags=2), pairs, pairs.truth, world.pairs(CHOOSING, derive(seed, "choosing")))
    arms["start"] = measured(start(world, seed, tags=2), world, seed)
    arms["Bradley-Terry"] = of_verdicts((head(held_out) > 0).double(), held_out)
    for when in ("early", "late"):
        lead = arms["distilled, RL"][when] - arms["Bradley-Terry"][when]
        arms[f"lead on {when} ones"] = {"lead": lead}
    return arms
