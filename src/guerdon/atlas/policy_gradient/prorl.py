"""ProRL: a small KL to a reference that becomes the policy from time to time, so that a long run goes on getting better.

World: 32 prompts of 64 answers each, of which one to four are right, and a policy of tables whose logits begin at N(0, 1.5), so that the
right answers of many prompts are hardly ever tried. A seed is another set of prompts and another beginning.

Arms, alike but for the reference: both draw 8 answers to each prompt, leave out groups without a difference, clip at 0.2 and 0.4, and have
a KL in the loss; "fixed" to the policy as it began, "ProRL" to a reference that is reset every 20 steps. Each arm's KL weight, which may be
0 (no KL at all), and learning rate are tuned, by the success at the end of 80 steps.

Measured: the expected success, exactly, half-way and at the end; how much was gained in the second half; and on the quarter of the prompts
that the first policy solves the least, pass@16 of 16 independent answers, against that of the policy as it began ("base").

Smallest differences of interest: 0.02 of success and of pass@16.

Source: arXiv 2505.24864 (decoupled clip at 0.2 and 0.4, dynamic sampling, KL with resets of the reference and the
optimiser); its abstract and summaries were read. Here the optimiser keeps its state when the reference is reset. Its claim that reasoning
is found which the base model lacks is of pretrained models; with tables only that rarely tried answers become likely can be seen.
"""

from dataclasses import replace
from functools import lru_cache

import torch
from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, Knob, NoWorseThan, System
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.data.selection.zero_variance import ZeroVariance
from guerdon.losses.penalties.kl_exponential import KLExponential
from guerdon.losses.surrogates.clip import Clip
from guerdon.models.finite.policy import TablePolicy
from guerdon.randomness import derive, generator
from guerdon.sequences import Decoding
from guerdon.training.judging import FiniteScene
from guerdon.training.loops.improve import improve
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.training.updates.reset_reference import ResetReference
from guerdon.worlds.finite.contextual_bandit import ContextualBandit

system = System(
    title="ProRL: Prolonged Reinforcement Learning Expands Reasoning Boundaries in Large Language Models",
    link="https://arxiv.org/abs/2505.24864",
    kind="method",
    builds_on=("grpo", "dapo", "kl-penalty", "reset-reference"),
    read="summary",
    note=(
        "Both arms do best without any KL, and without one a reference has nothing to say: what the paper mends is not broken "
        "here, since a table has no limit on how far it may move."
    ),
)
PROMPTS, ANSWERS, STEPS, EVERY, TRIES = 32, 64, 80, 20, 16
_fixed = Recipe(
    (Term(Clip(0.2, epsilon_high=0.4)), Term(KLExponential(), weight=0.1)),
    sampler=Group(8),
    advantage=GroupCentred(),
    selection=(ZeroVariance(),),
)
recipe = {"fixed": _fixed, "ProRL": replace(_fixed, updates=(ResetReference(every=EVERY),))}
claim = AllOf(
    BetterThan("ProRL", "fixed", on="success", effect=0.02, matched="samples, updates"),
    BetterThan("ProRL", "fixed", on="gained in the second half", effect=0.02, matched="samples, updates"),
    BetterThan("ProRL", "base", on="pass@16 where the base is weak", effect=0.02),
    NoWorseThan("ProRL", "fixed", on="pass@16 where the base is weak", margin=0.02, matched="samples, updates"),
)
SEEDS = {"smoke": 1, "full": 12, "tune": 2}
GRID = {arm: {"learning_rate": (0.1, 0.3, 0.9), "beta": Knob((0.0, 0.1, 1.0), least=0.0)} for arm in recipe}
TUNED_BY = "success"


@lru_cache(maxsize=4)
def prompts(seed: int) -> tuple[ContextualBandit, Tensor]:
    """The prompts, and the logits of the first policy."""
    rng = generator(seed, "prompts")
    right = torch.zeros(PROMPTS, ANSWERS, dtype=torch.float64)
    for row in right:
        row[torch.randperm(ANSWERS, generator=rng)[: int(torch.randint(1, 5, (), generator=rng))]] = 1.0
    logits = 1.5 * torch.randn(PROMPTS, 1, ANSWERS, dtype=torch.float64, generator=rng)
    return ContextualBandit(PROMPTS, ANSWERS, means=tuple(map(tuple, right.tolist()))), logits


def trial(arm: str, seed: int, scale: str, learning_rate: float, beta: float) -> dict[str, float]:
    world, logits = prompts(seed)
    policy, right = TablePolicy(world.tree, logits.clone()), world.rewards()
    base = policy.expect(right).detach()
    method = replace(recipe[arm], terms=(_fixed.terms[0], replace(_fixed.terms[1], weight=beta)), optimiser=AdamW(learning_rate))
    steps, found = 4 if scale == "smoke" else STEPS, []
    reference = {"ref": policy.reference()}
    for half in range(2):
        budget = Budget(steps=steps // 2, batch_size=PROMPTS, seed=derive(seed, "half", half))
        improve(policy, FiniteScene(world), world.train(), method, budget, Decoding(1), learners=reference)
        found.append(policy.expect(right).detach())
    success = [float(each.mean()) for each in found]
    weak = base.argsort()[: PROMPTS // 4]
    return {
        "success": success[1],
        "gained in the second half": success[1] - success[0],
        "pass@16 where the base is weak": passed(found[1][weak]),
        "began with": passed(base[weak]),
    }


def passed(p: Tensor) -> float:
    return float((1 - (1 - p) ** TRIES).mean())


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    arms = {arm: trial(arm, seed, scale, **setting) for arm, setting in tuned.items()}
    return {"base": {"pass@16 where the base is weak": arms["fixed"]["began with"]}} | arms
