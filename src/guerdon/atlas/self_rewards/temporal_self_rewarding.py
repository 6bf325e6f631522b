"""Temporal self-rewarding: rejected answers stay those of the first model, and chosen ones are also looked for in the next.

World: twelve prompts of four kinds with 27 answers each, whose worth is known (``_judging_itself``). The policy at the start was fitted to two demonstrations
of each prompt, drawn in proportion to exp(worth). A judge sees the worth and an error of its own, N(0, 1) as the worth is, the same for all prompts of a kind and always, so
that who pushes hard buys the error as well. As in Online Self-Preferring here, it is no part of the policy; in the paper it is the policy, asked to judge.

Arms, four iterations of DPO on one pair for each prompt, the reference being the policy as the iteration begins:

* "self-rewarding": seven answers of the policy, best against worst, twenty steps;
* "anchored": the best of seven answers of the policy against the worst of six that the first policy gave, twenty steps;
* "temporal": as "anchored" with five answers, for ten steps; the policy that comes of them answers as well, twice, and where the judge prefers the best of these it is the
  chosen one; then ten steps from the policy as it was before, so that the ten before were only to look ahead.

All draw seven answers to each prompt an iteration, and make as many steps. Tuned, by the worth at a KL of 1 nat from the start: learning rate, beta.

Measured, exact: "gold", the expected worth, "judged", what the judge sees, and "KL" from the start, at the start and after each iteration; and "gap", by
how much the judge sees chosen answers above rejected ones, mean over pairs of an iteration. That a gap to the first model's worst stays wide is by
construction, since the chosen side improves and the rejected one does not; what can fail is that this helps. The smallest differences of interest: 0.05 of
worth, 0.2 of the gap.

Source: Wang et al. 2025, arXiv 2508.06026, its abstract and summaries of its method: anchored rejection, future-guided chosen. Chosen here: world, sizes,
how answers and steps are divided.
"""

from functools import lru_cache

import torch
from torch import Tensor

from guerdon.atlas import AheadAlong, AllOf, BetterThan, System
from guerdon.atlas._text import bought
from guerdon.atlas.self_rewards._judging_itself import base, best_and_worst, compared, dpo, drawn, error, gold, seen, taught
from guerdon.models.finite.policy import TablePolicy
from guerdon.randomness import derive

system = System(
    title="Temporal Self-Rewarding Language Models: Decoupling Chosen-Rejected via Past-Future",
    link="https://arxiv.org/abs/2508.06026",
    kind="method",
    builds_on=("dpo", "best-worst", "policy-snapshots"),
    read="abstract",
    note=(
        "Ahead of self-rewarding along the frontier by 0.05; but so is taking the rejected answers of the start alone, and by "
        "more: to look ahead as well costs 0.03."
    ),
)
ITERATIONS, STEPS, PRICE = 4, 20, 1.0
recipe = dict.fromkeys(("self-rewarding", "anchored", "temporal"), dpo(0.03, 0.3))
_KNOBS = {"learning_rate": (0.01, 0.03, 0.09), "beta": (0.1, 0.3, 1.0)}
GRID = dict.fromkeys(recipe, _KNOBS)
TUNED_BY = "gold at the price"
claim = AllOf(
    AheadAlong("temporal", "self-rewarding", on="gold", along="KL", effect=0.05),
    BetterThan("temporal", "self-rewarding", on="gold at the end", effect=0.05, matched="updates"),
    AheadAlong("temporal", "anchored", on="gold", along="KL", effect=0.05),
    BetterThan("temporal", "self-rewarding", on="gap", at="last", effect=0.2, by_construction=True),
)
SEEDS = {"smoke": 1, "full": 16, "tune": 2}


@lru_cache(maxsize=4)
def first(seed: int) -> TablePolicy:
    """The policy at the start, frozen."""
    return taught(base(seed), drawn(gold(seed), 2, derive(seed, "demonstrations"))).reference()


def trial(arm: str, seed: int, scale: str, learning_rate: float, beta: float) -> dict:
    worth, start = gold(seed), first(seed)
    judged, method = worth + error(seed), dpo(learning_rate, beta)
    steps, iterations = (2, 2) if scale == "smoke" else (STEPS, ITERATIONS)
    policy = base(seed)
    policy.module.load_state_dict(start.module.state_dict())

    def look() -> dict[str, float]:
        return seen(policy, start, worth) | {"judged": float(policy.expect(judged).detach().mean())}

    found, gap = {0: look()}, {}
    anchor = best_and_worst(drawn(start, 6, derive(seed, "past")), judged)[1]
    for iteration in range(1, iterations + 1):
        draw = derive(seed, "iteration", iteration)
        if arm == "self-rewarding":
            chosen, rejected = best_and_worst(drawn(policy, 7, draw), judged)
        else:
            chosen, rejected = best_and_worst(drawn(policy, 5 if arm == "temporal" else 7, draw), judged)[0], anchor
        if arm == "temporal":
            before = {name: value.clone() for name, value in policy.module.state_dict().items()}
            compared(policy, chosen, rejected, method, steps // 2)
            later = drawn(policy, 2, derive(draw, "future"))
            chosen = best_and_worst(torch.cat([chosen.unsqueeze(1), later], 1), judged)[0]
            policy.module.load_state_dict(before)
        compared(policy, chosen, rejected, method, steps // 2 if arm == "temporal" else steps)
        gap[iteration] = _mean(judged, chosen) - _mean(judged, rejected)
        found[iteration] = look()
    curves = {name: {x: one[name] for x, one in found.items()} for name in found[0]}
    return curves | {
        "gap": gap,
        "gold at the price": bought(curves["gold"], curves["KL"], PRICE),
        "gold at the end": curves["gold"][iterations],
    }


def _mean(of: Tensor, answers: Tensor) -> float:
    return float(of.gather(1, answers.unsqueeze(1)).mean())
