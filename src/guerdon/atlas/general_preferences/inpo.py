"""INPO: a regression on pairs of its own takes the step of mirror descent in the preference game, and its last iterate goes to the Nash
policy.

World: a cycle of three answers, 0 over 1 over 2 over 0, each with a win probability from U(0.6, 1); a reference with logits from N(0, 1). A
seed is another game. The penalty tau is 0.1, 1 / eta is 2.

*In expectation*: a round minimises the loss over all pairs that the policy draws, each as often as it is drawn and labelled so, by L-BFGS.
"INPO" is 20 rounds of that. "step" is the largest distance (total variation), over the rounds, of the minimiser from the step of mirror
descent that it stands for. "iterative DPO" does the same with DPO's loss, the reference fixed or the previous iterate, at the beta among
0.1, 0.3, 1 and 3 with the smallest gap at the end: the most generous way to tune. With a fixed reference it converges, to a policy that
answers a Bradley-Terry reward of its own pairs.

*Sampled*: 40 rounds of 32 pairs that are drawn and judged, 20 gradient steps each (Adam, 0.05 to 0 in a line over the run), for INPO and
for iterative DPO at the beta that was best in expectation, with a fixed reference.

Measured: the gap of the regularised game (``exact.solvers.exploitability``), over rounds and at the end.

Source: Zhang et al. 2024, arXiv 2407.00617: the loss and its equality with mirror descent. The games, tau and eta, the sizes and the
optimiser are ours. Language models are not repeated; ``recipe: inpo`` runs on them.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import torch
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, EqualTo, FallsWith, System
from guerdon.atlas._comparing import ComparisonWorld, minimise
from guerdon.atlas.general_preferences._games import cycle
from guerdon.exact.solvers.exploitability import Exploitability
from guerdon.feedback.judges.simulated_annotator import SimulatedAnnotator
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.comparisons.square import Square
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.losses.scores.log_ratio_to_iterate import LogRatioToIterate
from guerdon.models.finite.policy import TablePolicy
from guerdon.randomness import derive
from guerdon.recipes.inpo import recipe as inpo_recipe
from guerdon.recipes.online_dpo import recipe as online_dpo
from guerdon.sequences import Decoding
from guerdon.training.judging import FiniteScene
from guerdon.training.loops.improve import improve
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.training.schedules.linear import Linear
from guerdon.training.updates.reset_reference import ResetReference

system = System(
    title="Iterative Nash Policy Optimization: Aligning LLMs with General Preferences via No-Regret Learning",
    link="https://arxiv.org/abs/2407.00617",
    kind="method",
    builds_on=("ipo", "mirror-descent", "online-dpo", "exploitability"),
    note=(
        "Seen: in expectation the step is mirror descent's to rounding and the gap vanishes, where iterative DPO, with a beta "
        "chosen with hindsight, stays at 0.017 with a fixed reference and goes round with a moving one. With sampled pairs the "
        "two are alike (0.024 and 0.027)."
    ),
)
TAU, STEP, BETAS = 0.1, 2.0, (0.1, 0.3, 1.0, 3.0)
ROUNDS, GAP = (1, 2, 5, 10, 20), "gap over rounds"
inpo = Pairwise(LogRatioToIterate(share=TAU * STEP), Square(target=STEP / 2))
_learning = {"optimiser": AdamW(Linear(0.05)), "judge": SimulatedAnnotator(), "epochs": 20}
recipe = {
    "INPO": replace(inpo_recipe, terms=(Term(inpo),), updates=(ResetReference(every=20, into="previous"),), **_learning),
    "iterative DPO": replace(online_dpo, **_learning),
}
claim = AllOf(
    EqualTo("INPO", 0.0, on="step", tolerance=1e-4),
    FallsWith("INPO", on=GAP),
    EqualTo("INPO", 0.0, on="gap", tolerance=0.001),
    BetterThan("INPO", "iterative DPO, fixed reference", on="gap", by=0.01, lower_is_better=True),
    BetterThan("INPO", "iterative DPO, moving reference", on="gap", by=0.01, lower_is_better=True),
    BetterThan("INPO, sampled", "iterative DPO, sampled", on="gap", by=0.01, lower_is_better=True),
)
SEEDS = {"smoke": 1, "full": 16}


def experiment(seed: int, scale: str) -> dict:
    game = cycle(seed)
    start = game.policy(deviation=1.0, seed=derive(seed, "reference"))
    payoff, reference = game.preference()[0], start.build().probabilities(0).detach()
    world = ComparisonWorld(torch.zeros(3, dtype=torch.float64), start.build, TAU, given=payoff)
    rounds = ROUNDS[:2] if scale == "smoke" else ROUNDS

    def gap(policy: Tensor) -> float:
        return float(Exploitability(TAU)(payoff, policy, reference=reference))

    def iterated(terms: Sequence[Term], moving: bool) -> list[Tensor]:
        """The iterates, each the minimiser on the pairs of the one before."""
        policy, path = start.build(), [reference]
        for _ in range(max(rounds)):
            before = policy.reference()
            anchor = before if moving else world.reference
            minimise(policy, terms, world.all_pairs(world.asked_by(path[-1])), reference=anchor, others={"previous": before})
            path.append(policy.probabilities(0).detach())
        return path

    def measured(path: list[Tensor]) -> dict:
        return {"gap": gap(path[-1]), GAP: {n: gap(path[n]) for n in rounds}}

    path = iterated((Term(inpo),), moving=False)
    arms = {"INPO": measured(path) | {"step": max(off_the_step(payoff, reference, a, b) for a, b in pairwise(path))}}
    best = {}
    for name, moving in (("iterative DPO, fixed reference", False), ("iterative DPO, moving reference", True)):
        found = {beta: measured(iterated((Term(dpo(beta)),), moving)) for beta in (BETAS[:1] if scale == "smoke" else BETAS)}
        best[name] = min(found, key=lambda beta: found[beta]["gap"])
        arms[name] = found[best[name]]
    sampled = {
        "INPO, sampled": recipe["INPO"],
        "iterative DPO, sampled": replace(recipe["iterative DPO"], terms=(Term(dpo(best["iterative DPO, fixed reference"])),)),
    }
    for name, method in sampled.items():
        arms[name] = {"gap": gap(learned(method, game, start.build(), 2 if scale == "smoke" else 40, seed))}
    return arms


def dpo(beta: float) -> Pairwise:
    return Pairwise(LogRatio(beta), Logistic())


def off_the_step(payoff: Tensor, reference: Tensor, before: Tensor, after: Tensor) -> float:
    """Total variation from where mirror descent goes from ``before``."""
    share = TAU * STEP
    step = (share * reference.log() + (1 - share) * before.log() + STEP * payoff @ before).softmax(-1)
    return float((step - after).abs().sum() / 2)


def learned(method: Recipe, game, policy: TablePolicy, rounds: int, seed: int) -> Tensor:
    """What ``rounds`` of 32 pairs lead to."""
    improve(policy, FiniteScene(game), game.train() * 32, method, Budget(steps=rounds, batch_size=32, seed=seed), Decoding(1))
    return policy.probabilities(0).detach()
