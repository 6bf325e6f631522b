"""RLRF: feedback on each aspect chooses and mends answers, and the mended ones are among those that are compared.

World: twelve prompts of four kinds; an answer is three steps of three actions. The first step is style, worth -1, 0 or 1; of the other two exactly one action each is right,
and an answer is correct where both are. An overall preference sees twice the style, the share of right steps, and an error, N(0, 1/4): it goes by style first. Feedback on
aspects rates style and correctness from 0 to 2 each, and is wrong about an answer's correctness, by a level drawn anew, for 15 % of the answers; either error is the same for
all prompts of a kind and always. The policy, whose critiques they are, can point at the first wrong step of an answer, and for a fifth of the answers points at any; asked to
mend an answer it keeps the steps before that one and draws the rest anew. It was fitted to two demonstrations of each prompt, drawn in proportion to exp(overall, without the
error). A seed is another world, policy and judges.

Arms, four iterations of ten steps of DPO on best and worst of eight answers to each prompt, the reference being the policy as the iteration begins: "overall" (eight answers,
ranked by the overall preference, the baseline), "aspects" (ranked by the sum of the two ratings), "overall, mended" (six answers and the mended forms of the two best, by the
overall preference), and "RLRF" (the same by the ratings). Tuned alike: learning rate and beta, by correctness at a KL of 1 nat from the start.

Measured, exact, at the start and after each iteration: "correct", how likely both steps are right, "style", and "KL". That ratings of correctness raise it further than a
preference that hardly sees it follows from what they see; what mending adds to them does not. The smallest difference of interest: 0.03 of correctness.

Source: Lee et al. 2024, arXiv 2403.14238, its abstract and summaries of its method: ratings of aspects in three levels, promising answers are mended by the feedback, DPO on
what came of it, two iterations, gains in factuality and mathematics where preferences mostly change style. There 13 B. Chosen here: the world, its errors, six and two
answers.
"""

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from guerdon.atlas import AheadAlong, AllOf, BetterThan, System
from guerdon.atlas._text import bought
from guerdon.atlas.self_rewards._judging_itself import KIND, KINDS, TREE, VOCABULARY, base, best_and_worst, compared, dpo, drawn, taught
from guerdon.models.finite.policy import TablePolicy
from guerdon.randomness import derive, generator

system = System(
    title="Reinforcement Learning from Reflective Feedback (RLRF): Aligning and Improving LLMs via Fine-Grained Self-Reflection",
    link="https://arxiv.org/abs/2403.14238",
    kind="method",
    builds_on=("dpo", "best-worst", "refinement-prompts"),
    read="summary",
    note=(
        "At equal KL fine-grained feedback is ahead (0.03 of aspects alone, 0.13 of one overall judgement); answers mended by "
        "feedback move the policy more slowly, so that after as many iterations aspects alone have gone further."
    ),
)
ITERATIONS, STEPS, EACH, MENDED, PRICE = 4, 10, 8, 2, 1.0
ARMS = ("overall", "aspects", "overall, mended", "RLRF")
recipe = dict.fromkeys(ARMS, dpo(0.05, 0.3))
_KNOBS = {"learning_rate": (0.02, 0.06, 0.18), "beta": (0.1, 0.3, 1.0)}
GRID = dict.fromkeys(ARMS, _KNOBS)
TUNED_BY = "correct at the price"
claim = AllOf(
    AheadAlong("RLRF", "overall", on="correct", along="KL", effect=0.03, by_construction=True),
    AheadAlong("RLRF", "aspects", on="correct", along="KL", effect=0.03),
    BetterThan("RLRF", "aspects", on="correct at the end", effect=0.03, matched="samples, updates"),
    BetterThan("RLRF", "overall, mended", on="correct at the price", effect=0.03, matched="KL, samples, updates", by_construction=True),
)
SEEDS = {"smoke": 1, "full": 16, "tune": 2}


@dataclass(frozen=True)
class Judged:
    """What is true of every answer and what is said of it, [C, S], and which step a critique points at."""

    style: Tensor
    right: Tensor  # [C, S, 2]
    overall: Tensor
    plain: Tensor  # overall, without the error
    aspects: Tensor
    pointed: Tensor

    @property
    def correct(self) -> Tensor:
        return self.right.all(-1).double()


@lru_cache(maxsize=4)
def world(seed: int) -> Judged:
    rng, shape = generator(seed, "reflective"), (KINDS, TREE.size)
    order = torch.stack([torch.randperm(VOCABULARY, generator=rng) for _ in range(KINDS)])  # of styles
    answer = torch.randint(VOCABULARY, (KINDS, 2), generator=rng)
    said = TREE.actions
    style = (order[:, said[:, 0]] - 1).double()
    right = said[:, 1:] == answer.unsqueeze(1)
    plain = 2 * style + right.double().mean(-1)
    level = right.sum(-1)
    level = torch.where(torch.rand(shape, generator=rng) < 0.15, torch.randint(3, shape, generator=rng), level)
    wrong = torch.where(right[..., 0], torch.where(right[..., 1], torch.randint(3, shape, generator=rng), 2), 1)
    pointed = torch.where(torch.rand(shape, generator=rng) < 0.2, torch.randint(3, shape, generator=rng), wrong)
    overall = plain + 0.5 * torch.randn(shape, dtype=torch.float64, generator=rng)
    # between answers with equal ratings the order is arbitrary, and always the same
    aspects = style + 1 + level + 1e-3 * torch.rand(shape, dtype=torch.float64, generator=rng)
    return Judged(*(table[KIND] for table in (style, right, overall, plain, aspects, pointed)))


@lru_cache(maxsize=4)
def first(seed: int) -> TablePolicy:
    """The policy at the start, frozen."""
    return taught(base(seed), drawn(world(seed).plain, 2, derive(seed, "demonstrations"))).reference()


def mended(policy: TablePolicy, answers: Tensor, pointed: Tensor, seed: int) -> Tensor:
    """[C, n]: of each answer the steps before the one that is pointed at are kept, and the rest is drawn anew."""
    logp, kept = policy.log_probabilities().detach(), pointed.gather(1, answers)
    alike = (TREE.actions[answers].unsqueeze(2) == TREE.actions).cumprod(-1).sum(-1) >= kept.unsqueeze(-1)  # [C, n, S]
    weights = torch.where(alike, logp.unsqueeze(1), -torch.inf).softmax(-1)
    return torch.multinomial(weights.flatten(0, 1), 1, generator=generator(seed, "mended")).view(answers.shape)


def trial(arm: str, seed: int, scale: str, learning_rate: float, beta: float) -> dict:
    here, start, policy = world(seed), first(seed), base(seed)
    policy.module.load_state_dict(start.module.state_dict())
    score = here.overall if arm.startswith("overall") else here.aspects
    steps, iterations = (2, 2) if scale == "smoke" else (STEPS, ITERATIONS)
    found = {0: look(policy, start, here)}
    for iteration in range(1, iterations + 1):
        draw = derive(seed, "iteration", iteration)
        if arm in ("overall", "aspects"):
            answers = drawn(policy, EACH, draw)
        else:
            answers = drawn(policy, EACH - MENDED, draw)
            best = answers.gather(1, score.gather(1, answers).topk(MENDED, 1).indices)
            answers = torch.cat([answers, mended(policy, best, here.pointed, draw)], 1)
        compared(policy, *best_and_worst(answers, score), dpo(learning_rate, beta), steps)
        found[iteration] = look(policy, start, here)
    curves = {name: {x: one[name] for x, one in found.items()} for name in found[0]}
    return curves | {
        "correct at the price": bought(curves["correct"], curves["KL"], PRICE),
        "correct at the end": curves["correct"][iterations],
    }


@torch.no_grad()
def look(policy: TablePolicy, start: TablePolicy, here: Judged) -> dict[str, float]:
    return {
        "correct": float(policy.expect(here.correct).mean()),
        "style": float(policy.expect(here.style).mean()),
        "KL": float(policy.kl(start).mean()),
    }
