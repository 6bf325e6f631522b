"""AdaCtrl: an answer says whether its problem is easy, is paid for being right about that, and for brevity where it says easy.

World: twelve problems of three kinds that need one to four thoughts before an answer is more than a guess (``worlds.finite.tagged_pondering``), of which the last kind is
right every other time at best; the first step of an answer is a tag, easy or hard, which does nothing by itself. A policy of tables, shared by the problems of a kind.

Cold start, the same for all arms: 20 steps on 12 traces each, of a teacher who tags the first kind easy, the last hard and the one between now this, now that, and thinks,
always right, one step longer than needed behind "easy" and fills all that is left with idle steps and thoughts behind "hard". Then 40 rounds of 12 problems x 8 answers:

"grpo" on being right alone, the baseline of the paper (SFT and RL); "brevity for all", the same bonus for brevity for every right answer, whatever its tag;
"adactrl", brevity where an answer says easy and the reward for a fitting tag. Brevity has three weights, of which 0 is none (``WEIGHTS``), calibration the paper's.

Tuned: the learning rate, by accuracy less 0.05 for a step of length, the mean over weights. Measured by sums over all answers: accuracy and length, by kind;
"fits", how likely a tag is that is right about the policy's own success (above 0.625); and "obeyed", by how many steps longer an answer is behind a forced "hard"
than behind a forced "easy". Compared: accuracy at equal length with "brevity for all"; and at the paper's weight with "grpo" accuracy (0.02), which share of its
length is saved on the easiest kind, less that on the hardest (0.05), "fits" (0.05, which nobody paid the baseline for) and "obeyed" (0.25 steps, which the cold
start teaches both). In brackets the smallest differences of interest.

After a look at arms of one seed the world was made shallower and given the kind that is right every other time at best, since all kinds ended easy; and "fits", in
which the cold start alone reaches 0.998, is no longer claimed by construction. Effects were not touched.

Source: Huang et al. 2025, arXiv 2505.18822, its abstract, summaries of its method, and its authors' script and code, to whose numbers the parts are held. There a model of
7 B, mathematics, 16 answers, groups that are all right or wrong drawn anew, which is left out here. Chosen here: world, cold start, weights but for the paper's 0.5.
"""

import copy
from dataclasses import replace
from functools import lru_cache

import torch

from guerdon.atlas import AheadAlong, AllOf, BetterThan, NoWorseThan, System
from guerdon.atlas.efficiency_length._pondering import GRPO
from guerdon.feedback.combining.without import Without
from guerdon.feedback.shaping.longest_cosine import LongestCosine
from guerdon.feedback.shaping.tag_calibration import TagCalibration
from guerdon.feedback.shaping.where_tagged import WhereTagged
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.models.finite.policy import TablePolicy
from guerdon.models.finite.shared_shift import SharedShift
from guerdon.randomness import generator
from guerdon.sequences import Decoding, Example, Side
from guerdon.training.judging import FiniteScene
from guerdon.training.loops.fit import fit
from guerdon.training.loops.improve import improve
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.worlds.finite.pondering import ANSWER, IDLE, THINK
from guerdon.worlds.finite.tagged_pondering import EASY, HARD, TaggedPondering

system = System(
    title="AdaCtrl: Towards Adaptive and Controllable Reasoning via Difficulty-Aware Budgeting",
    link="https://arxiv.org/abs/2505.18822",
    kind="method",
    builds_on=("sft", "grpo", "leading-tag", "tag-calibration", "where-tagged"),
    read="code",
    note=(
        "Paying brevity only where an answer calls itself easy comes to what paying it everywhere does (0.0003 at equal "
        "length): the policy saves where it is safe without being told. Whether tags then fit, and are obeyed, varies from seed "
        "to seed more than between arms."
    ),
)
WORLD, BORDER = TaggedPondering(), TagCalibration().border
WEIGHTS, PAPER, PLACES = (0.0, 0.5, 2.0), 0.5, 12
SFT = Recipe((Term(NegativeLogLikelihood()),), AdamW(0.1))


def shaped(arm: str, weight: float) -> Recipe:
    brief = LongestCosine(weight)
    ways = {
        "grpo": (),
        "brevity for all": (brief,),
        "adactrl": (WhereTagged(brief), TagCalibration()),
    }
    return replace(GRPO, combine=Without(("tag",)), shaping=ways[arm])


ARMS = ("grpo", "brevity for all", "adactrl")
recipe = {"cold start": SFT} | {arm: shaped(arm, PAPER) for arm in ARMS}
claim = AllOf(
    AheadAlong("adactrl", "brevity for all", on="accuracy", along="length", effect=0.02),
    NoWorseThan("adactrl", "grpo", on="accuracy", at=PAPER, margin=0.02, matched="samples, updates"),
    BetterThan("adactrl", 0.0, on="saved on easy more than on hard", effect=0.05),
    BetterThan("adactrl", "brevity for all", on="saved on easy more than on hard", effect=0.05),
    BetterThan("adactrl", "grpo", on="fits", at=PAPER, effect=0.05),
    BetterThan("adactrl", "grpo", on="obeyed", at=PAPER, effect=0.25),
)
SEEDS = {"smoke": 1, "full": 8, "tune": 2}
GRID = {arm: {"learning_rate": (0.1, 0.2, 0.4)} for arm in ARMS}
TUNED_BY = "worth"


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict:
    """What comes of each weight of brevity."""
    found: dict[float, dict[str, float]] = {}
    for weight in WEIGHTS:
        found[weight] = found[WEIGHTS[0]] if found and arm == "grpo" else trained(arm, weight, seed, scale, learning_rate)
    curves = {name: {weight: each[name] for weight, each in found.items()} for name in found[PAPER]}
    worth = sum(each["accuracy"] - 0.05 * each["length"] for each in found.values()) / len(found)
    return {"worth": worth} | curves


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    arms = {arm: trial(arm, seed, scale, **setting) for arm, setting in tuned.items()}
    for arm in ("brevity for all", "adactrl"):
        easy, hard = (1 - arms[arm][f"length, {kind}"][PAPER] / arms["grpo"][f"length, {kind}"][PAPER] for kind in ("easy", "hard"))
        arms[arm]["saved on easy more than on hard"] = easy - hard
    return arms


def trained(arm: str, weight: float, seed: int, scale: str, learning_rate: float) -> dict[str, float]:
    policy, small = begun(seed, scale), scale == "smoke"
    budget = Budget(1 if small else 40, batch_size=WORLD.contexts, seed=seed)
    method = replace(shaped(arm, weight), optimiser=AdamW(learning_rate))
    improve(policy, FiniteScene(WORLD, {"tag": WORLD.tag}), WORLD.train(), method, budget, Decoding(WORLD.depth))
    return measured(policy)


def begun(seed: int, scale: str) -> TablePolicy:
    """The policy after the cold start."""
    return copy.deepcopy(_cold(seed, 2 if scale == "smoke" else 20))


@lru_cache(maxsize=4)
def _cold(seed: int, steps: int) -> TablePolicy:
    policy = SharedShift(WORLD.contexts, WORLD.kinds, 3, WORLD.depth, end=ANSWER, own=0.3, seed=seed).build()
    rng = generator(seed, "traces")
    examples = []
    for place in torch.randint(WORLD.contexts, (PLACES * steps,), generator=rng).tolist():
        need, kind = int(WORLD.need[place]), place % WORLD.kinds
        hard = kind == WORLD.kinds - 1 or (kind > 0 and bool(torch.rand((), generator=rng) < 0.5))
        left = WORLD.depth - 2 - need
        said = [THINK] * need + ([(THINK, IDLE)[i % 2] for i in range(left)] if hard else [THINK] * min(1, left))
        order = torch.randperm(len(said), generator=rng).tolist()
        trace = (HARD if hard else EASY, *(said[i] for i in order), ANSWER)
        examples.append(Example({"": Side((place,), trace, (True,) * len(trace))}))
    fit(policy, examples, SFT, Budget(steps, batch_size=PLACES, seed=seed))
    return policy


@torch.no_grad()
def measured(policy: TablePolicy) -> dict[str, float]:
    """Expectations over all answers."""
    right, steps = WORLD.rewards(), WORLD.tree.length.double().expand(WORLD.contexts, -1)
    first, kind = WORLD.tree.actions[:, 0], torch.arange(WORLD.contexts) % WORLD.kinds
    chance = policy.log_probabilities().exp()
    rate, length = (chance * right).sum(-1), (chance * steps).sum(-1)
    said = {tag: chance * (first == tag) for tag in (EASY, HARD)}
    behind = {tag: (share * steps).sum(-1) / share.sum(-1).clamp(min=1e-300) for tag, share in said.items()}
    fits = torch.where(rate > BORDER, said[EASY].sum(-1), said[HARD].sum(-1))
    return {
        "accuracy": float(rate.mean()),
        "length": float(length.mean()),
        "length, easy": float(length[kind == 0].mean()),
        "length, hard": float(length[kind == WORLD.kinds - 1].mean()),
        "fits": float(fits.mean()),
        "obeyed": float((behind[HARD] - behind[EASY]).mean()),
    }
