"""Can one domain help others: GRPO on one, two and three domains, and level by level with and without a refresh.

World: three domains of problems in three levels, of four actions a step, which share skills (``atlas.curriculum_data._skills``): math and puzzles two of four, math and
code one, and of one skill puzzles and code want opposite things. The policy shares what it learns of a skill between domains, and has for each domain something of its
own with which it can make up for a conflict. A seed is another set of right actions and other leanings.

Domains: GRPO (a KL of 0.04 to where it began) on "math", "puzzle" or "code" alone, on "all", or on one after the other ("in turn"), each 18 steps of 6 problems x 8
answers; and on two of them, with the settings of "all". Measured by sums over all answers: accuracy by domain, its mean and its least, and what training on one does for
another as a share of what training on the other does (``evaluation.metrics.transfer``), or, where there is next to nothing to lose, in bits of the chance to be right.
That there is help and harm is so by construction of the world; that "all" has a better mean than "math" as well.

Levels: puzzles of one to four steps, 12 of each level, with leanings half as large, 24 steps of 6 problems x 8 answers. "mixed" practises all together; "levels" one
after the other; "refreshed" the same, and each level begins with a new optimiser and the policy as it is for its reference. Measured: accuracy on the highest level.

Tuned: the learning rate, and for the levels the weight of the KL, by accuracy on what is practised at the end, or on the highest level. 0.03 of accuracy is the
smallest difference of interest, 0.05 between curricula, where seeds differ much, and half a bit.

After a look at four seeds leanings were halved and the problems of a level doubled, the seeds became 16 in the place of 10, and the difference of interest
between curricula 0.05 in the place of 0.03.

Source: Li et al. 2025, arXiv 2507.17512, its abstract and accounts of its sections. There models of 7 B, mathematics, code and puzzles, also from instructed models, other
rewards, templates and languages, which are left out here. Chosen here: world, sizes, and "in turn".
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from guerdon.atlas import AllOf, BetterThan, Knob, System
from guerdon.atlas.curriculum_data._skills import Skilled, Skills
from guerdon.data.selection.level_by_level import LevelByLevel
from guerdon.evaluation.metrics.transfer import Transfer
from guerdon.losses.penalties.kl_exponential import KLExponential
from guerdon.losses.reduce.sequence_mean import SequenceMean
from guerdon.randomness import derive
from guerdon.recipes.grpo import recipe as grpo
from guerdon.sequences import Decoding
from guerdon.training.judging import FiniteScene
from guerdon.training.loops.improve import improve
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term

system = System(
    title="Can One Domain Help Others? A Data-Centric Study on Multi-Domain Reasoning via Reinforcement Learning",
    link="https://arxiv.org/abs/2507.17512",
    kind="study",
    builds_on=("grpo", "task-mixture-sampler", "level-by-level", "reset-reference", "transfer"),
    read="abstract",
    note=(
        "Skills carry over, and practising all domains at once beats one after another by 0.28 on average and 0.41 on the "
        "worst. Levels one after the other with one reference throughout are 0.34 ahead of a refresh of reference and optimiser "
        "between them, which the paper praises; each was tuned for its own KL and rate."
    ),
)
DOMAINS = ("math", "puzzle", "code")
USES, ODD = ((0, 1, 2, 3), (0, 1, 4, 5), (2, 4, 6, 7)), ((2, 1),)  # of one skill, 4, code wants what puzzles do not
PRACTISED = {"math": (0,), "puzzle": (1,), "code": (2,), "in turn": (0, 1, 2), "all": (0, 1, 2)}
PAIRS = {f"{DOMAINS[a]} and {DOMAINS[b]}": (a, b) for a, b in itertools.combinations(range(3), 2)}
CURRICULA = ("mixed", "levels", "refreshed")
STEPS, HARD_STEPS, PROMPTS = 18, 24, 6
recipe = dict.fromkeys(PRACTISED, grpo) | dict.fromkeys(CURRICULA, grpo) | {"levels": replace(grpo, weighing=LevelByLevel())}
claim = AllOf(
    BetterThan("math", "base", on="puzzle", effect=0.03, by_construction=True),
    BetterThan("puzzle", "base", on="math", effect=0.03, by_construction=True),
    BetterThan("transfer", 0.0, on="puzzle to code, bits", lower_is_better=True, effect=0.5, by_construction=True),
    BetterThan("all", "math", on="mean", effect=0.03, matched="samples, updates", by_construction=True),
    BetterThan("all", "in turn", on="mean", effect=0.03, matched="samples, updates"),
    BetterThan("all", "in turn", on="least", effect=0.03, matched="samples, updates"),
    BetterThan("refreshed", "mixed", on="highest level", effect=0.05, matched="samples, updates"),
    BetterThan("refreshed", "levels", on="highest level", effect=0.05, matched="samples, updates"),
)
SEEDS = {"smoke": 1, "full": 16, "tune": 2}
_RATES, _BOTH = {"learning_rate": (0.05, 0.1, 0.2, 0.4)}, {"learning_rate": (0.1, 0.2), "kl": Knob((0.01, 0.1), least=0.0)}
GRID = dict.fromkeys(PRACTISED, _RATES) | dict.fromkeys(CURRICULA, _BOTH)
TUNED_BY = "score"


def trial(arm: str, seed: int, scale: str, learning_rate: float, kl: float = 0.04) -> dict[str, float]:
    small = scale == "smoke"
    if arm in CURRICULA:
        return climbed(arm, seed, 1 if small else HARD_STEPS, method_of(learning_rate, kl))
    return practised(arm, seed, 1 if small else STEPS, method_of(learning_rate, kl))


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    arms = {arm: trial(arm, seed, scale, **setting) for arm, setting in tuned.items()}
    arms |= {pair: trial(pair, seed, scale, **tuned["all"]) for pair in PAIRS}
    world = world_of(seed)
    arms["base"] = base = look(world.start(), world)
    score, before = [[arms[one][other] for other in DOMAINS] for one in DOMAINS], [base[name] for name in DOMAINS]
    share = np.nan_to_num(Transfer()(score=score, base=before))  # of a domain that training did nothing for, nothing
    arms["transfer"] = {f"{DOMAINS[i]} to {DOMAINS[j]}": float(share[i, j]) for i in range(3) for j in range(3) if i != j}
    arms["transfer"]["puzzle to code, bits"] = arms["puzzle"]["code, bits"] - base["code, bits"]
    return arms


def method_of(learning_rate: float, kl: float) -> Recipe:
    held = Term(KLExponential(), weight=kl, reduce=SequenceMean())
    return replace(grpo, terms=(grpo.terms[0], held), optimiser=AdamW(learning_rate))


def world_of(seed: int) -> Skills:
    return Skills(USES, ((2, 3, 4),) * 3, ODD, each=2, seed=derive(seed, "skills"))


def practised(arm: str, seed: int, steps: int, method: Recipe) -> dict[str, float]:
    """What comes of training on some of the domains, together or, "in turn", one after the other in one run each."""
    world = world_of(seed)
    policy, domains = world.start(), (PRACTISED | PAIRS)[arm]
    for own in [(d,) for d in domains] if arm == "in turn" else [domains]:
        learn(policy, world, world.rows(own), method, max(steps // 3, 1) if arm == "in turn" else steps, derive(seed, arm, *own))
    found = look(policy, world)
    return found | {"score": sum(found[DOMAINS[d]] for d in domains) / len(domains)}


def climbed(arm: str, seed: int, steps: int, method: Recipe) -> dict[str, float]:
    """What comes of training on puzzles of four levels."""
    levels = (1, 2, 3, 4)
    world = Skills(USES[1:2], (levels,), each=2 * PROMPTS, seed=derive(seed, "levels"))
    policy = world.start(0.25)
    if arm == "refreshed":
        for level in levels:
            learn(policy, world, world.rows((0,), (level,)), method, max(steps // len(levels), 1), derive(seed, arm, level))
    else:
        learn(
            policy, world, world.train(), replace(method, weighing=LevelByLevel()) if arm == "levels" else method, steps, derive(seed, arm)
        )
    rate = world.success(policy, 0, levels[-1])
    return {"highest level": rate, "score": rate}


def learn(policy: Skilled, world: Skills, rows: Sequence[Mapping[str, Any]], method: Recipe, steps: int, seed: int) -> None:
    improve(policy, FiniteScene(world), rows, method, Budget(steps, batch_size=PROMPTS, seed=seed), Decoding(world.tree.depth))


@torch.no_grad()
def look(policy: Skilled, world: Skills) -> dict[str, float]:
    rates = {name: world.success(policy, d) for d, name in enumerate(DOMAINS)}
    chance = policy.expect(world.rewards())[world.domain == 2]
    values = list(rates.values())
    bits = float(chance.log2().mean()) if float(chance.min()) > 0 else -math.inf
    return rates | {"mean": sum(values) / 3, "least": min(values), "code, bits": max(bits, -64.0)}
