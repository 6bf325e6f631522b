"""SPARKLE, two of its dissections: who learned by RL can do more with a plan of somebody else's, and hard problems are learned from with
partial steps.

World: 256 problems of four kinds (``atlas._approaches``), answered by three actions; half of them are practised on, the other half
measured. An answer's first action is its plan. A teacher knows of each problem one right answer: its first action is a plan from outside,
and its beginnings are partial steps.

Arms: the base; GRPO on the third of the practised problems that the base solves most seldom, 100 steps of 16 problems x 8 answers, no KL;
and "partial steps", the same with answers that begin with none, one or two actions of the teacher's. Both have five learning rates and
take the one with the best success on hard problems.

Measured, exact, on held-out problems: "success" with a plan of one's own; "given a plan", success where the first action is the
teacher's; "gained", the second less the first; "hard", success on the third that the base solves most seldom.

Claimed: by a plan from outside GRPO gains more (or loses less) than the base; partial steps are ahead of plain GRPO on hard problems.

Source: Wang et al. 2025, arXiv 2506.04723: a summary of its diagnoses. Knowledge that is given, and chains of subproblems, are not tried.
Chosen here, before an arm was run: the world; 0.02 of success as the smallest difference of interest.
"""

from dataclasses import replace

import torch

from guerdon.acting.samplers.from_prefix import FromPrefix
from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, System
from guerdon.atlas._approaches import Practice
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.losses.reduce.sequence_mean import SequenceMean
from guerdon.losses.surrogates.clip import Clip
from guerdon.models.finite.policy import TablePolicy
from guerdon.randomness import generator
from guerdon.sequences import Decoding
from guerdon.training.judging import FiniteScene
from guerdon.training.loops.improve import improve
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term

system = System(
    title="Beyond Accuracy: Dissecting Mathematical Reasoning for LLMs Under Reinforcement Learning",
    link="https://arxiv.org/abs/2506.04723",
    kind="study",
    builds_on=("grpo", "from-prefix"),
    read="summary",
    note=(
        "The other way round in both: a plan from outside takes GRPO off its own way, and costs it 0.20 where the base gains "
        "0.03; beginnings of a teacher cost 0.08 on hard problems, though they make the policy take plans from outside better."
    ),
)
_grpo = Recipe((Term(Clip(0.2), reduce=SequenceMean()),), AdamW(0.1), Group(8), advantage=GroupCentred())
recipe = {"GRPO": _grpo, "partial steps": replace(_grpo, sampler=FromPrefix(8, column="solution", least=0.0, most=0.8))}
claim = AllOf(
    BetterThan("GRPO", "base", on="gained", effect=0.02),
    BetterThan("partial steps", "GRPO", on="hard", effect=0.02, matched="samples, updates"),
)
SEEDS = {"smoke": 1, "full": 16, "tune": 2}
GRID = {arm: {"learning_rate": (0.03, 0.06, 0.12, 0.25, 0.5)} for arm in recipe}
TUNED_BY = "hard"


def solutions(practice: Practice) -> list[int]:
    """The teacher's answer to each problem, as its place in the tree; -1 where nothing is right."""
    rng, right = generator(practice.seed, "solutions"), practice.world.rewards()
    return [int(torch.multinomial(works, 1, generator=rng)) if works.sum() > 0 else -1 for works in right]


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict[str, float]:
    practice, small = Practice(seed, 0), scale == "smoke"
    policy, known, actions = practice.policy(), solutions(practice), practice.world.tree.actions.tolist()
    order = practice.success(policy, held_out=False).detach().argsort().tolist()
    hard = [practice.practised[place] for place in order if known[place] >= 0][: len(order) // 3]
    rows = [{**row, "solution": actions[known[row["prompt"]]]} for row in hard]
    budget = Budget(2 if small else 100, practice.prompts, seed=seed)
    method = replace(recipe[arm], optimiser=AdamW(learning_rate))
    improve(policy, FiniteScene(practice.world), rows, method, budget, Decoding(practice.depth))
    return measured(policy, practice)


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    practice = Practice(seed, 0)
    return {"base": measured(practice.policy(), practice)} | {arm: trial(arm, seed, scale, **chosen) for arm, chosen in tuned.items()}


@torch.no_grad()
def measured(policy: TablePolicy, practice: Practice) -> dict[str, float]:
    half, actions = practice.problems // 2, practice.world.tree.actions
    known = torch.tensor(solutions(practice))[half:]
    own, before, solvable = practice.success(policy), practice.success(practice.policy()), known >= 0
    planned = actions[:, 0] == actions[known.clamp(min=0), 0].unsqueeze(-1)  # [problems, S]
    given = policy.log_probabilities()[half:].masked_fill(~planned, -torch.inf).softmax(-1)
    with_plan = (given * practice.world.rewards()[half:]).sum(-1)
    hardest = before.argsort()[: half // 3]
    return {
        "success": float(own.mean()),
        "given a plan": float(with_plan[solvable].mean()),
        "gained": float((with_plan - own)[solvable].mean()),
        "hard": float(own[hardest].mean()),
    }
