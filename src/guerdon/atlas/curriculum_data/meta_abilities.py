"""Meta-abilities: a specialist for each ability, their weights merged, and then reinforcement learning on the domain that needs them all.

World: six skills of three actions each (``atlas.curriculum_data._skills``). Three abilities (deduction, induction, abduction) have problems of their own, each of
which asks for two of the skills; a problem of the domain asks for all six, so that the policy that has learned nothing solves one in some seven hundred. A seed is another
set of right actions.

Arms, all by REINFORCE++ (``recipes/reinforce_plus_plus.py``: one step of AdamW on 8 problems x 8 answers, returns normalised over the batch, a KL of 0.01 to where
the stage began). "domain" makes 16 steps on the domain, "longer" as many as the others in all, 52. "merged": 12 steps for each ability from the start, each by itself;
the mean of the three; 16 steps on the domain. "paper's weights": the same with 1, 0.2 and 0.1. "mixture": one policy, 36 steps on the three abilities' problems together,
and 16 on the domain, which sees what "merged" sees, but can have no use for three machines. "one specialist": deduction for 36 steps, then the domain.

Tuned: the learning rate of all stages, by the average. Measured by sums over all answers: accuracy on the domain where its training begins ("start"), at the end ("end")
and on average over its last 16 steps ("average"), and on the abilities' problems before the domain ("abilities"). That "merged" is ahead of "domain" holds by
construction here, where the domain consists of the abilities: it has seen more. 0.03 of accuracy is the smallest difference of interest. Four actions, and stages of
40 and 20 steps, were tried first: without abilities nothing was ever rewarded, and with them everything was learned, in whatever order, so that the ends were alike. After a first
confirmation "domain" was given higher rates, of which the highest had been the best.

Source: Hu et al. 2025, arXiv 2505.10554, its abstract, accounts of its sections, and its authors' code (``merge/merge_meta.yml``, ``Training/scripts``). There
propositional satisfiability, masked sequences and backward search in rule graphs, models of 7 and 32 B, and mathematics, code and science as domains, which do not consist
of the abilities. Chosen here: world, sizes, what is compared.
"""

import copy
from dataclasses import replace
from functools import lru_cache

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, NoWorseThan, System
from guerdon.atlas._text import Along
from guerdon.atlas.curriculum_data._skills import Skilled, Skills
from guerdon.models.merging.linear import Linear
from guerdon.randomness import derive
from guerdon.recipes.reinforce_plus_plus import recipe as reinforce_plus_plus
from guerdon.sequences import Decoding
from guerdon.training.display import Display, Silent
from guerdon.training.judging import FiniteScene
from guerdon.training.loops.improve import improve
from guerdon.training.merging import merged
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget

system = System(
    title="Beyond 'Aha!': Toward Systematic Meta-Abilities Alignment in Large Reasoning Models",
    link="https://arxiv.org/abs/2505.10554",
    kind="method",
    builds_on=("reinforce-plus-plus", "linear-merge"),
    read="code",
    note=(
        "Merging three specialists beats one specialist by 0.27. Whether it beats practising the domain for as long is "
        "undecided (-0.01), and one policy trained on the mixture may be ahead of the merge (0.02): in this domain, which "
        "consists of the abilities, nothing is lost to having no machine for each."
    ),
)
ABILITIES, DOMAIN = (0, 1, 2), 3
USES = ((0, 1, 2, 3, 4, 5), (2, 3, 4, 5, 0, 1), (4, 5, 0, 1, 2, 3), (0, 2, 4, 1, 3, 5))  # of deduction, induction, abduction; the domain
STEPS, EACH, PROMPTS = 16, 12, 8
PP = replace(reinforce_plus_plus, sampler=Group(8))
ARMS = ("domain", "longer", "one specialist", "mixture", "paper's weights", "merged")
MERGES = {"merged": Linear(), "paper's weights": Linear((1.0, 0.2, 0.1))}
recipe = dict.fromkeys(ARMS, PP)
claim = AllOf(
    BetterThan("merged", "domain", on="start", effect=0.03, by_construction=True),
    BetterThan("merged", "domain", on="end", effect=0.03, matched="samples of the domain", by_construction=True),
    BetterThan("merged", "longer", on="end", effect=0.03, matched="samples, updates"),
    BetterThan("merged", "one specialist", on="average", effect=0.03, matched="samples, updates"),
    NoWorseThan("merged", "mixture", on="average", margin=0.03, matched="samples, updates"),
)
SEEDS = {"smoke": 1, "full": 8, "tune": 2}
GRID = {arm: {"learning_rate": (0.05, 0.1, 0.2)} for arm in ARMS} | {
    "domain": {"learning_rate": (1.6, 3.2, 6.4)}
}  # it must hit upon what is rare
TUNED_BY = "average"


def world_of(seed: int) -> Skills:
    return Skills(USES, ((2,), (2,), (2,), (6,)), each=8, vocabulary=3, seed=derive(seed, "skills"))


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict[str, float]:
    world, (steps, each) = world_of(seed), (2, 1) if scale == "smoke" else (STEPS, EACH)
    policy = merged(specialists(seed, each, learning_rate), MERGES[arm]) if arm in MERGES else world.start()
    if arm == "mixture":
        practised(policy, world, ABILITIES, 3 * each, learning_rate, seed)
    elif arm == "one specialist":
        practised(policy, world, ABILITIES[:1], 3 * each, learning_rate, seed)
    found = {"start": world.success(policy, DOMAIN), "abilities": sum(world.success(policy, a) for a in ABILITIES) / 3}
    if arm == "longer":
        practised(policy, world, (DOMAIN,), 3 * each, learning_rate, seed)
    along = Along(range(1, steps + 1), lambda: {"domain": world.success(policy, DOMAIN)})
    practised(policy, world, (DOMAIN,), steps, learning_rate, derive(seed, "domain"), along)
    rates = list(along.curves["domain"].values())
    return found | {"average": sum(rates) / len(rates), "end": rates[-1]}


@lru_cache(maxsize=8)
def specialists(seed: int, steps: int, learning_rate: float) -> tuple[Skilled, ...]:
    world = world_of(seed)
    begun = world.start()
    return tuple(practised(copy.deepcopy(begun), world, (a,), steps, learning_rate, derive(seed, "ability", a)) for a in ABILITIES)


def practised(
    policy: Skilled, world: Skills, domains: tuple[int, ...], steps: int, learning_rate: float, seed: int, display: Display = Silent()
) -> Skilled:
    method, budget = replace(PP, optimiser=AdamW(learning_rate)), Budget(steps, batch_size=PROMPTS, seed=seed)
    improve(policy, FiniteScene(world), world.rows(domains), method, budget, Decoding(world.tree.depth), display=display)
    return policy
