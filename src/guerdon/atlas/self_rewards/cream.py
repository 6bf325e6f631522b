"""CREAM: a policy that ranks its own answers believes itself as far as it did one iteration ago.

World: twelve prompts of four kinds with 27 answers each, whose worth is known (``_judging_itself``). M0 was taught nothing; M1 is M0 fitted to two
demonstrations of each prompt, drawn in proportion to exp(worth), and has an opinion of the rest that is partly right. In each of four iterations six
answers to each prompt are drawn from M(t) and ranked by log M(t) - log M0, the policy's own reward; best and worst are a pair, and ten steps of DPO on the
pairs, with M(t) as reference, make M(t+1). Ranked by itself, a policy is confirmed in its errors.

Arms: "self-rewarding" believes every pair. "CREAM" ranks the answers by M(t-1) as well, log M(t-1) - log M0 (in the first iteration, where that is 0, by
log M0), and believes the pair with the probability (tau + 1) / 2, of which the mean over prompts is taken, tau being Kendall's; "CREAM, prompt by prompt"
takes each prompt's own. "smoothed" believes all pairs alike, with a tuned rate of error: what CREAM does without looking back.

Tuned, by the worth at the end: learning rate and beta (from 0.1 up); of "smoothed" the rate in beta's place, at beta 0.3.

Measured, exact: "gold", the expected worth, and "KL" from M1, at M1 and after each iteration. The smallest difference of interest: 0.05 of worth, whose
standard deviation over answers is 1.

Source: Wang et al. 2024, arXiv 2410.12735, by its abstract and its authors' code (``cal_consistency.py``, ``rewarding.py``, ``sft_dpo_trainer.py``: scaled
tau, the mean or each prompt's, both orders weighed; its page: M0 ranks by likelihood, with no reference). There models have 7 B. Chosen here: world, sizes, steps.
"""

from functools import lru_cache

import numpy as np

from guerdon.atlas import AheadAlong, AllOf, BetterThan, Knob, System
from guerdon.atlas.self_rewards._judging_itself import PROMPTS, base, best_and_worst, compared, dpo, drawn, gold, seen, taught
from guerdon.evaluation.metrics.kendall_tau import KendallTau
from guerdon.losses.labels.noisy import Noisy
from guerdon.losses.labels.soft import Soft
from guerdon.models.finite.policy import TablePolicy
from guerdon.randomness import derive

system = System(
    title="CREAM: Consistency Regularized Self-Rewarding Language Models",
    link="https://arxiv.org/abs/2410.12735",
    kind="method",
    builds_on=("dpo", "soft-labels", "kendall-tau", "best-worst"),
    read="code",
    note=(
        "In the first iteration M0, which was taught nothing, ranks by likelihood, and M1's reward is the log-ratio to M0: the "
        "two contradict each other, the label falls below one half, and the pairs are believed the other way round (gold falls "
        "from 0.31 to 0.04, from which it recovers). Prompt by prompt this is so for some only."
    ),
)
ITERATIONS, STEPS, EACH = 4, 10, 6
recipe = {"self-rewarding": dpo(0.05, 0.3), "smoothed": dpo(0.05, 0.3, Noisy(0.2)), "CREAM": dpo(0.05, 0.3, Soft())}
_RATES = (0.01, 0.03, 0.09)
_KNOBS = {"learning_rate": _RATES, "beta": Knob((0.1, 0.3, 1.0), least=0.1)}
DYNAMIC = "CREAM, prompt by prompt"
GRID = {
    "self-rewarding": _KNOBS,
    "smoothed": {"learning_rate": _RATES, "rate": Knob((0.0, 0.1, 0.3), least=0.0, most=0.45)},
    "CREAM": _KNOBS,
    DYNAMIC: _KNOBS,
}
TUNED_BY = "gold at the end"
claim = AllOf(
    BetterThan("CREAM", "self-rewarding", on="gold at the end", effect=0.05, matched="samples, updates"),
    AheadAlong("CREAM", "self-rewarding", on="gold", along="KL", effect=0.05),
    BetterThan("CREAM", "smoothed", on="gold at the end", effect=0.05, matched="samples, updates"),
    BetterThan(DYNAMIC, "CREAM", on="gold at the end", effect=0.05, matched="samples, updates"),
)
SEEDS = {"smoke": 1, "full": 16, "tune": 3}


@lru_cache(maxsize=4)
def first(seed: int) -> TablePolicy:
    """M1, frozen."""
    return taught(base(seed), drawn(gold(seed), 2, derive(seed, "demonstrations"))).reference()


def trial(arm: str, seed: int, scale: str, learning_rate: float, beta: float = 0.3, rate: float = 0.0) -> dict:
    worth, start, untaught = gold(seed), first(seed), base(seed).log_probabilities().detach()
    label = Noisy(rate) if arm == "smoothed" else Soft() if arm.startswith("CREAM") else None
    policy = base(seed)
    policy.module.load_state_dict(start.module.state_dict())
    before, found = untaught, {0: seen(policy, start, worth)}
    for iteration in range(1, 2 + 1 if scale == "smoke" else ITERATIONS + 1):
        now = policy.log_probabilities().detach() - untaught
        answers = drawn(policy, EACH, derive(seed, "iteration", iteration))
        pairs = best_and_worst(answers, now)
        believed = None
        if arm.startswith("CREAM"):
            agreed = [_agreement(now[c, answers[c]], before[c, answers[c]]) for c in range(PROMPTS)]
            believed = agreed if arm == DYNAMIC else [float(np.mean(agreed))] * PROMPTS
        compared(policy, *pairs, dpo(learning_rate, beta, label), 2 if scale == "smoke" else STEPS, believed)
        before, found[iteration] = now, seen(policy, start, worth)
    curves = {name: {x: one[name] for x, one in found.items()} for name in ("gold", "KL")}
    return curves | {"gold at the end": curves["gold"][iteration]}


def _agreement(now, before) -> float:
    return (float(KendallTau()(now.numpy(), before.numpy())) + 1) / 2
