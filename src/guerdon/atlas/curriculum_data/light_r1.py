"""Light-R1: fine-tuning in two stages, the hard problems last, then DPO on right against wrong answers.

World: 20 problems of four kinds in five levels (``worlds.finite.ladder``), and a policy of tables that shares what it learns between problems of a kind. A teacher's
demonstration solves a problem; of what the problem does not ask for it holds anything, so that easy ones teach little of the rest, and some that is wrong. A seed is
another set of solutions and demonstrations.

Arms, 40 steps of fine-tuning on five demonstrations each, 200 demonstrations in all, of which 100 are of the problems that a uniform policy solves less than once in 200 times
(levels 4 and 5) and 100 of any: "one stage", all in random order; "two stages", first those of any, then the hard ones; "two stages, turned", the hard ones first; and each of
the first two with DPO after it, 20 steps at beta 0.3 on one pair for each problem of which both a right and a wrong answer were among 16 drawn from the fine-tuned policy ("one
stage, dpo", "two stages, dpo"). All see the same demonstrations as often.

Tuned, by accuracy at the end: the learning rate of fine-tuning, and with it DPO's, as a share of it. Measured by sums over all answers: accuracy over all problems,
over the hardest, and over those of the first three levels. That DPO adds something is so by construction, since a verifier tells it which answers are right; what can fail is
that two stages are still ahead where both arms have it. 0.03 is the smallest difference of interest.

Source: Wen et al. 2025, arXiv 2503.10460, its abstract and a summary of its stages. There GRPO with a length reward comes last, on another model, which is left out here.
Chosen here: world, sizes.
"""

from functools import lru_cache

import torch
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, System
from guerdon.atlas.curriculum_data._ladder import start, world_of
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.models.finite.policy import TablePolicy
from guerdon.randomness import derive, generator
from guerdon.sequences import Example, Side
from guerdon.training.loops.fit import fit
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.worlds.finite.ladder import Ladder

system = System(
    title="Light-R1: Curriculum SFT, DPO and RL for Long COT from Scratch and Beyond",
    link="https://arxiv.org/abs/2503.10460",
    kind="method",
    builds_on=("sft", "dpo", "stages"),
    read="abstract",
    note=(
        "Two stages are ahead of one, and of the same two turned round, by 0.10 and 0.12 and more on the hardest; with DPO "
        "after them as well."
    ),
)
EACH, TOGETHER, HARD, PAIRED, DPO_STEPS = 100, 5, 4, 16, 20


def sft(learning_rate: float) -> Recipe:
    return Recipe((Term(NegativeLogLikelihood()),), AdamW(learning_rate))


def dpo(learning_rate: float) -> Recipe:
    return Recipe((Term(Pairwise(LogRatio(0.3), Logistic())),), AdamW(learning_rate))


recipe = {"one stage": sft(0.1), "dpo": dpo(0.03)}
_SFT, _BOTH = {"learning_rate": (0.06, 0.12, 0.24, 0.48)}, {"learning_rate": (0.12, 0.24), "slower": (0.1, 0.3)}
GRID = {"one stage": _SFT, "two stages, turned": _SFT, "two stages": _SFT, "one stage, dpo": _BOTH, "two stages, dpo": _BOTH}
TUNED_BY = "accuracy"
claim = AllOf(
    BetterThan("two stages", "one stage", on="accuracy", effect=0.03, matched="demonstrations, updates"),
    BetterThan("two stages", "two stages, turned", on="accuracy", effect=0.03, matched="demonstrations, updates"),
    BetterThan("two stages", "one stage", on="accuracy, hardest", effect=0.03, matched="demonstrations, updates"),
    BetterThan("two stages, dpo", "two stages", on="accuracy", effect=0.03, matched="demonstrations", by_construction=True),
    BetterThan("two stages, dpo", "one stage, dpo", on="accuracy", effect=0.03, matched="demonstrations, samples, updates"),
)
SEEDS = {"smoke": 1, "full": 16, "tune": 2}


def trial(arm: str, seed: int, scale: str, learning_rate: float, slower: float = 0.3) -> dict[str, float]:
    world, small = world_of(seed), scale == "smoke"
    policy = start(world, seed)
    anything, hard = demonstrations(seed)
    if small:
        anything, hard = anything[:5], hard[:5]
    stages = [anything + hard] if arm.startswith("one stage") else [hard, anything] if arm == "two stages, turned" else [anything, hard]
    for place, stage in enumerate(stages):
        steps = len(stage) // TOGETHER
        fit(policy, stage, sft(learning_rate), Budget(steps, batch_size=TOGETHER, seed=derive(seed, "stage", place)))
    if arm.endswith("dpo"):
        pairs = right_and_wrong(policy, world, derive(seed, "pairs"))
        if pairs:
            budget = Budget(2 if small else DPO_STEPS, batch_size=len(pairs), seed=seed)
            fit(policy, pairs, dpo(slower * learning_rate), budget)
    return look(policy, world)


@lru_cache(maxsize=8)
def demonstrations(seed: int) -> tuple[list[Example], list[Example]]:
    """Of any problems, and of the hard ones."""
    world, rng = world_of(seed), generator(seed, "demonstrations")
    hard = (world.level >= HARD).nonzero().squeeze(-1)
    drawn = torch.randint(world.contexts, (EACH,), generator=rng), hard[torch.randint(len(hard), (EACH,), generator=rng)]
    out = []
    for which in drawn:
        other = torch.randint(world.vocabulary, (EACH, world.depth), generator=rng)
        said = torch.where(torch.arange(world.depth) < world.level[which].unsqueeze(-1), world.code[which], other)
        out.append([Example({"": _side(world, int(x), trace)}) for x, trace in zip(which, said, strict=True)])
    return out[0], out[1]


def right_and_wrong(policy: TablePolicy, world: Ladder, seed: int) -> list[Example]:
    """One pair of each problem of which some answers are right and some are not."""
    chances, right, pairs = policy.log_probabilities().detach().exp(), world.rewards(), []
    answers = torch.multinomial(chances, PAIRED, replacement=True, generator=generator(seed, "answers"))
    for x, drawn in enumerate(answers):
        good = right[x, drawn] > 0.5
        if good.any() and not good.all():
            sides = {"chosen": drawn[good][0], "rejected": drawn[~good][0]}
            pairs.append(Example({side: _side(world, x, world.tree.actions[answer]) for side, answer in sides.items()}))
    return pairs


@torch.no_grad()
def look(policy: TablePolicy, world: Ladder) -> dict[str, float]:
    rate = policy.expect(world.rewards())
    hardest, easy = rate[world.level == world.depth], rate[world.level < HARD]
    return {"accuracy": float(rate.mean()), "accuracy, hardest": float(hardest.mean()), "accuracy, easy": float(easy.mean())}


def _side(world: Ladder, prompt: int, answer: Tensor) -> Side:
    return Side((prompt,), tuple(answer.tolist()), (True,) * world.depth)
