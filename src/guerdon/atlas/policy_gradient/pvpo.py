"""PVPO: compared with what the reference was seen to reach on the prompt, not with the other answers of a small group.

World: 32 prompts of 32 answers each and a policy that is uniform; of prompt i a share p_i of the answers is right, drawn from Beta(0.5,
1.5), so that many prompts are hard and some are nearly always solved. The anchor of a prompt is the mean reward of 8 answers of the
initial policy, drawn once. A seed is another set of prompts.

Arms, alike but for the advantage: "PVPO" reward - anchor; "PVPO, followed" with the anchor drawn anew by the policy after each third of the
training, as the paper lets its reference follow; "GRPO" group-centred by the group's deviation; "leave-one-out". All draw 4 answers to each
prompt in a step, and 48 to each in all, anchors among them: arms with anchors make 2 steps fewer for each time that these are drawn. Each
arm's learning rate is tuned by the success at the end.

Steps are plain gradient steps: an adaptive optimiser would divide the size of an advantage away, prompt by prompt, in a table.

Measured: the policy's expected success, exactly; and at the initial policy, over 400 batches, the variance of the gradient over its squared
mean norm (noise over signal), which no learning rate changes.

Smallest differences of interest: 0.02 of success, and 1 of the noise over the signal.

Source: arXiv 2508.21104 (its formula of the advantage, A = r - mean(r_ref), and its updates of the reference, in a summary; its abstract).
Its selection of prompts by the reference's accuracy, and the demonstrations it adds to those never solved, are not tried.
"""

from dataclasses import replace
from functools import lru_cache

import torch
from scipy.stats import beta
from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, NoWorseThan, System
from guerdon.credit.advantages.given_baseline import GivenBaseline
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.advantages.leave_one_out import LeaveOneOut
from guerdon.losses.surrogates.clip import Clip
from guerdon.parts import call
from guerdon.randomness import derive, generator
from guerdon.sequences import Decoding
from guerdon.training.judging import FiniteScene
from guerdon.training.loops.improve import improve
from guerdon.training.optimisers.sgd import SGD
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.worlds.finite.contextual_bandit import ContextualBandit

system = System(
    title="PVPO: Pre-Estimated Value-Based Policy Optimization for Agentic Reasoning",
    link="https://arxiv.org/abs/2508.21104",
    kind="method",
    builds_on=("grpo", "given-baseline"),
    read="summary",
    note=(
        "An anchor drawn once is as good as the group's mean, and its gradients look quieter at the start. Drawing it anew by "
        "the policy, as the paper lets its reference follow, costs samples and 0.08 of success."
    ),
)
PROMPTS, ANSWERS, DRAWN, ANCHOR, STEPS = 32, 32, 4, 8, 12  # so many steps make arms that draw no anchors
_pvpo = Recipe((Term(Clip(0.2)),), sampler=Group(DRAWN), advantage=GivenBaseline())
recipe = {
    "GRPO": replace(_pvpo, advantage=GroupCentred()),
    "leave-one-out": replace(_pvpo, advantage=LeaveOneOut()),
    "PVPO": _pvpo,
    "PVPO, followed": _pvpo,
}
REFRESHED = {"PVPO": 1, "PVPO, followed": 3}  # how often anchors are drawn
OTHERS = ("GRPO", "leave-one-out")
claim = AllOf(
    *(BetterThan("PVPO", o, on="noise over signal", lower_is_better=True, effect=1.0, matched="samples") for o in OTHERS),
    *(NoWorseThan("PVPO", o, on="success", margin=0.02, matched="samples, anchors among them") for o in OTHERS),
    *(NoWorseThan("PVPO, followed", o, on="success", margin=0.02, matched="samples, anchors among them") for o in OTHERS),
)
SEEDS = {"smoke": 1, "full": 24, "tune": 3}
GRID = {arm: {"learning_rate": (30.0, 100.0, 300.0)} for arm in recipe}
TUNED_BY = "success"


@lru_cache(maxsize=4)
def prompts(seed: int) -> ContextualBandit:
    random = generator(seed, "right answers")
    share = torch.from_numpy(beta(0.5, 1.5).ppf(torch.rand(PROMPTS, dtype=torch.float64, generator=random).numpy()))
    rank = torch.rand(PROMPTS, ANSWERS, generator=random).argsort(-1).argsort(-1)
    right = (rank < (share * ANSWERS).round().clamp(min=1).unsqueeze(-1)).double()
    return ContextualBandit(PROMPTS, ANSWERS, means=tuple(map(tuple, right.tolist())))


def anchors(right: Tensor, probability: Tensor, seed: int) -> list[float]:
    drawn = torch.multinomial(probability, ANCHOR, replacement=True, generator=generator(seed, "anchor"))
    return right.gather(1, drawn).mean(-1).tolist()


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict[str, float]:
    world, times = prompts(seed), REFRESHED.get(arm, 0)
    policy, right = world.policy().build(), world.rewards()
    steps = 3 if scale == "smoke" else STEPS - times * ANCHOR // DRAWN
    method, pieces = replace(recipe[arm], optimiser=SGD(learning_rate, max_grad_norm=1e9)), max(times, 1)
    for piece in range(pieces):
        expected = anchors(right, policy.log_probabilities().detach().exp(), derive(seed, "anchor", piece)) if times else [0.0] * PROMPTS
        rows = [{**row, "expected_reward": value} for row, value in zip(world.train(), expected, strict=True)]
        budget = Budget(steps=max(steps // pieces, 1), batch_size=PROMPTS, seed=derive(seed, "training", piece))
        improve(policy, FiniteScene(world), rows, method, budget, Decoding(1))
    return {"success": float(policy.expect(right).mean().detach())} | noise(arm, seed, 20 if scale == "smoke" else 400)


def noise(arm: str, seed: int, batches: int) -> dict[str, float]:
    """Of the gradient by the logits at the uniform policy, whose scores are 1 - 1 / A for the answer that was given and -1 / A for the others."""
    world = prompts(seed)
    right, random = world.rewards(), generator(seed, "batches")
    probability = torch.full((PROMPTS, ANSWERS), 1 / ANSWERS, dtype=torch.float64)
    expected = torch.tensor(anchors(right, probability, derive(seed, "anchor", 0)), dtype=torch.float64)
    group = torch.arange(PROMPTS).repeat_interleave(DRAWN)
    found = []
    for _ in range(batches):
        action = torch.randint(ANSWERS, (len(group),), generator=random)
        mask = torch.ones(len(group), 1, dtype=torch.bool)
        given = {"reward": right[group, action], "group": group, "mask": mask, "expected_reward": expected[group]}
        advantage = call(recipe[arm].advantage, given)[:, 0]
        score = torch.nn.functional.one_hot(action, ANSWERS).double() - 1 / ANSWERS
        found.append(torch.zeros(PROMPTS, ANSWERS, dtype=torch.float64).index_add(0, group, advantage[:, None] * score))
    each = torch.stack(found)
    spread = float(each.var(0).sum())
    return {"noise over signal": spread / max(float(each.mean(0).square().sum()) - spread / batches, 1e-9)}
