"""PU distillation: one answer of a teacher is put on top, and the student ranks its own below it.

World: twelve prompts of four kinds with 27 answers each, whose worth is known (``_judging_itself``). A teacher, who answers in proportion to exp(2 x worth), is
asked once for each prompt; the student was taught nothing, and is first fitted to what the teacher said. As a judge it sees the worth and an error of its own, twice as
large as the worth varies, the same for all prompts of a kind and always; how the teacher's answer informs it is chosen here: it sees besides how many of the three steps
an answer has in common with that one, which count a standard deviation each.

Arms, four iterations on six answers of the student to each prompt. By ten steps of DPO on one pair a prompt, the reference being the student as the iteration begins: "own
judgement", best against worst, without the anchor; "anchored judgement", best against worst as seen beside it; "anchor first", the teacher's answer against the worst as seen
beside it; "anchor against any", the teacher's answer against one of the student's at random, which takes no judge. And "fitted on": more fine-tuning on the teacher's answers.

Tuned, by the worth at the end: learning rate and beta; of "fitted on" the steps of an iteration. Measured, exact: "gold", the expected worth, and "KL" from the fitted student,
at the start and after each iteration; and "order", the rank correlation of what the judge sees with the worth, mean over prompts, all answers alike. That the
anchor improves a poor order is so by construction, since the teacher is good. The smallest differences of interest: 0.05 of worth, whose standard deviation
over answers is 1, and 0.05 of correlation.

Source: Kou et al. 2026, arXiv 2601.20687, its abstract and a summary of its method. There the student compares with the anchor in its prompt, and rankings are also learned by
GRPO. Chosen here: the world, how the anchor informs, sizes.
"""

from functools import lru_cache

import numpy as np
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, Knob, System
from guerdon.atlas.self_rewards._judging_itself import TREE, base, best_and_worst, compared, dpo, drawn, error, gold, seen, taught
from guerdon.evaluation.metrics.rank_correlation import RankCorrelation
from guerdon.models.finite.policy import TablePolicy
from guerdon.randomness import derive

system = System(
    title="Positive-Unlabeled Reinforcement Learning Distillation for On-Premise Small Models",
    link="https://arxiv.org/abs/2601.20687",
    kind="method",
    builds_on=("sft", "dpo", "best-worst", "anchor-ranking"),
    read="abstract",
    note=(
        "The anchor on top earns 0.19 of worth over the student's own judgement and 0.13 over comparing with any of its "
        "answers; against more fine-tuning on the teacher's answers, which costs no judge, nothing is decided (-0.02, between "
        "-0.11 and 0.07)."
    ),
)
ITERATIONS, STEPS, EACH, BLIND = 4, 10, 6, 2.0
OWN, ANCHORED, FIRST, ANY, FITTED = "own judgement", "anchored judgement", "anchor first", "anchor against any", "fitted on"
recipe = dict.fromkeys((OWN, ANCHORED, FIRST, ANY), dpo(0.05, 0.3))
_KNOBS = {"learning_rate": (0.03, 0.09), "beta": (0.1, 0.3, 1.0)}
GRID = {FITTED: {"steps": Knob((1, 2, 4, 8, 16, 32), least=1, most=64)}} | dict.fromkeys(recipe, _KNOBS)
TUNED_BY = "gold at the end"
claim = AllOf(
    *(BetterThan(FIRST, other, on="gold at the end", effect=0.05, matched="calls of the teacher") for other in (FITTED, OWN, ANY)),
    BetterThan(FIRST, ANCHORED, on="gold at the end", effect=0.05, matched="calls of the teacher, samples, updates"),
    BetterThan(ANCHORED, OWN, on="order", effect=0.05, by_construction=True),
)
SEEDS = {"smoke": 1, "full": 16, "tune": 2}


def anchors(seed: int) -> Tensor:
    """[C], what the teacher said."""
    return drawn(2 * gold(seed), 1, derive(seed, "teacher")).squeeze(1)


@lru_cache(maxsize=4)
def first(seed: int) -> TablePolicy:
    """The fitted student, frozen."""
    return taught(base(seed), anchors(seed).unsqueeze(1)).reference()


def trial(arm: str, seed: int, scale: str, learning_rate: float = 0.0, beta: float = 0.0, steps: float = STEPS) -> dict:
    worth, start, anchor = gold(seed), first(seed), anchors(seed)
    judged = worth + BLIND * error(seed)
    if arm in (ANCHORED, FIRST):
        judged = judged + (TREE.actions.unsqueeze(0) == TREE.actions[anchor].unsqueeze(1)).sum(-1)
    iterations, steps = (2, 2) if scale == "smoke" else (ITERATIONS, max(1, round(steps)))
    policy = base(seed)
    policy.module.load_state_dict(start.module.state_dict())
    found = {0: seen(policy, start, worth)}
    for iteration in range(1, iterations + 1):
        answers = drawn(policy, EACH, derive(seed, "iteration", iteration))
        best, worst = best_and_worst(answers, judged)
        if arm == FITTED:
            taught(policy, anchor.unsqueeze(1), steps)
        else:
            chosen = best if arm in (OWN, ANCHORED) else anchor
            compared(policy, chosen, answers[:, 0] if arm == ANY else worst, dpo(learning_rate, beta), steps)
        found[iteration] = seen(policy, start, worth)
    order = float(np.mean([float(RankCorrelation()(a.numpy(), b.numpy())) for a, b in zip(judged, worth, strict=True)]))
    curves: dict[str, dict[int, float]] = {name: {x: one[name] for x, one in found.items()} for name in found[0]}
    return {**curves, "order": order, "gold at the end": curves["gold"][iterations]}
