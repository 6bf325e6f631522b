"""Token hidden reward: more weight on steps that make right answers likelier for accuracy, or less, for being right once in many tries.

World: 256 problems of four kinds, answered by one of 64 sequences of three actions (``worlds.finite.approaches``: approaches work on some problems of a kind and not on others),
half of them practised on. The policy is an output head on 24 fixed features of problem and prefix (``models.finite.linear_softmax``: problems of a kind are alike, prefixes share
features), so that what is learned of one step acts on others by their hidden states, which is what THR goes by, and nothing can be learned by heart. A seed is another world.

Arms: GRPO, and GRPO whose advantages are multiplied. Each is there for accuracy and for coverage, and tuned by what it is for, with six settings: GRPO has six learning rates,
the others three and two strengths p.

* "GRPO": the baseline of either kind;
* "THR": 1 + p sign(influence) for accuracy, 1 - p sign(influence) for coverage, and steps of little influence are left out (the bound of the paper before it);
* "verdict": the same with the sign of the advantage in the place of the influence's, and no step left out: right answers count for more than wrong ones, or for less. It is what
  THR comes to where a step's influence has the sign of its advantage; a fairer rival than GRPO, as it has the same knobs and needs no hidden states.

60 steps of 16 problems x 8 answers. Measured on the other half, exactly: "greedy", the share of problems on which the likeliest action at each step is right in the end;
"pass@16". "aim" is greedy for one kind of arm and pass@16 for the other.

The smallest difference of interest: 0.02 of either.

Source: Deng et al. 2025, arXiv 2510.03669, of which the abstract and a summary of its rule were read; the influence and the bound are those of the paper before it, arXiv
2505.18830. There: models of 0.5 to 8 B on mathematics. Chosen here: the world (features of a body that does not learn, where THR's theory is exact), their number, 60 steps.
"""

from dataclasses import replace

import torch

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, Knob, System
from guerdon.credit.advantages.emphasised import Emphasised
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.emphasis.likelihood_influence import LikelihoodInfluence
from guerdon.credit.emphasis.verdict import Verdict
from guerdon.evaluation.metrics.exact_pass_at_k import ExactPassAtK
from guerdon.losses.reduce.sequence_mean import SequenceMean
from guerdon.losses.surrogates.clip import Clip
from guerdon.models.finite.linear_softmax import LinearPolicy, LinearSoftmax
from guerdon.randomness import derive
from guerdon.sequences import Decoding
from guerdon.training.judging import FiniteScene
from guerdon.training.loops.improve import improve
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.worlds.finite.approaches import Approaches

system = System(
    title="Token Hidden Reward: Steering Exploration-Exploitation in Group Relative Deep Reinforcement Learning",
    link="https://arxiv.org/abs/2510.03669",
    kind="method",
    builds_on=("grpo", "hidden-states", "likelihood-influence", "pass-at-k"),
    read="abstract",
    note=(
        "What decides coverage is which steps are left alone: against weights by the verdict THR has 0.016 more pass@16, "
        "against GRPO that was tuned for coverage nothing (0.0003). For accuracy all three are within their noise; a policy of "
        "24 features has little hidden influence to steer."
    ),
)
FOR = {"accuracy": "greedy", "coverage": "pass@16"}
PROBLEMS, KINDS, DEPTH, STEPS = 256, 4, 3, 60
_grpo = Recipe((Term(Clip(0.2), reduce=SequenceMean()),), AdamW(0.1), Group(8), advantage=GroupCentred())
recipe = {
    "GRPO": _grpo,
    "THR": replace(_grpo, advantage=Emphasised(GroupCentred(), LikelihoodInfluence())),
    "verdict": replace(_grpo, advantage=Emphasised(GroupCentred(), Verdict())),
}
claim = AllOf(
    *(BetterThan(f"THR, {aim}", f"GRPO, {aim}", on=measure, effect=0.02, matched="samples, updates") for aim, measure in FOR.items()),
    *(BetterThan(f"THR, {aim}", f"verdict, {aim}", on=measure, effect=0.02, matched="samples, updates") for aim, measure in FOR.items()),
)
SEEDS = {"smoke": 1, "full": 16, "tune": 2}
_PLAIN = {"learning_rate": (0.03, 0.06, 0.12, 0.25, 0.5, 1.0)}
_LEANING = {"learning_rate": (0.06, 0.18, 0.5), "p": Knob((0.3, 0.9), least=0.0, most=1.0)}
GRID = {f"{arm}, {aim}": _PLAIN if arm == "GRPO" else _LEANING for aim in FOR for arm in recipe}
TUNED_BY = "aim"


def trial(arm: str, seed: int, scale: str, learning_rate: float, p: float = 0.0) -> dict[str, float]:
    """One arm, trained."""
    small = scale == "smoke"
    name, aim = arm.split(", ")
    method = replace(recipe[name], optimiser=AdamW(learning_rate))
    if p:
        emphasis = replace(method.advantage.emphasis, lean=p if aim == "accuracy" else -p)
        method = replace(method, advantage=replace(method.advantage, emphasis=emphasis))
    problems = 16 if small else PROBLEMS
    world = Approaches(problems, KINDS, vocabulary=4, depth=DEPTH, seed=derive(seed, "world"))
    policy = LinearSoftmax(
        problems, KINDS, vocabulary=4, depth=DEPTH, features=24, apart=0.5, own=0.5, shared=2.0, seed=derive(seed, "policy")
    ).build()
    budget = Budget(1 if small else STEPS, 16, seed=derive(seed, "training"))
    improve(policy, FiniteScene(world), world.train()[: problems // 2], method, budget, Decoding(DEPTH))
    found = measured(policy, world)
    return found | {"aim": found[FOR[aim]]}


@torch.no_grad()
def measured(policy: LinearPolicy, world: Approaches) -> dict[str, float]:
    problems, rewards = world.contexts, world.rewards()
    held_out = slice(problems // 2, None)
    best = policy.sample(
        [torch.tensor([c]) for c in range(problems)], torch.arange(problems), Decoding(DEPTH, temperature=0.0), torch.zeros(problems, DEPTH)
    )
    right = rewards[torch.arange(problems), world.tree.index(best.actions, best.length)]
    return {
        "greedy": float(right[held_out].mean()),
        "pass@16": float(ExactPassAtK(16)(policy.expect(rewards)[held_out]).mean()),
    }
