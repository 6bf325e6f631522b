"""MPO: the rubric of a judge is written anew while a policy learns from it, from what the policy says by then.

World: 24 prompts with 256 answers, of which eight criteria hold or not (``worlds.finite.itemised_answers``, any two directions with a product of -0.1). Six are worth something,
with weights 1, 2, 3, 1, 2, 3, and gold is the share of these that is met; two are marks, worth nothing. A judge says of each criterion whether it holds, right in 90 %, the same
whenever it is asked, and its score by a rubric is the weighted share. The rubric at the start names one of the six and both marks, alike. A seed is another world.

A policy begins alike for all answers; in each of five phases its log-probabilities grow by 0.8 of the judge's score by the rubric of that phase, in its deviations. Whoever
writes rubrics looks at 80 answers in all: it says which criteria hold, right in 90 %, with errors of its own, and has an impression of the whole, gold + 0.15 N(0, 1). The new
rubric has the weights that give the impressions of all answers looked at so far best, within those of each phase, least squares with a quarter of the squared distance from the
first rubric's weights; none is below 0. (A first draft kept of earlier phases the rubric alone, and so forgot most of what it had seen.)

* "fixed": the rubric at the start. "MPO": it is written anew before each phase, from 16 answers that the policy draws then.
* "revised once": before the first phase, from 80 answers of the policy at the start. "hand-crafted": the six that count, alike; "true": with their weights.

Measured exactly, after each phase: "KL" from the start, "gold" above the start's; in the end "judged", how much the score by the arm's own last rubric has gained.

Source: Kim et al. 2025, arXiv 2504.20157, abstract and summaries, and the authors' code (minnesotanlp/mpo: rollouts are analysed one by one, rubrics refined and merged). There a
larger model writes the rubrics, and the score is a sum over items. Least squares in the place of its words are ours. Smallest differences of interest: 0.02, 0.01 for how often.
"""

import torch
from torch import Tensor

from guerdon.atlas import AheadAlong, AllOf, BetterThan, System
from guerdon.feedback.criteria.from_scored import FromScored
from guerdon.feedback.criteria.merged import Merged
from guerdon.randomness import derive, generator
from guerdon.worlds.finite.itemised_answers import ItemisedAnswers

system = System(
    title="Toward Evaluative Thinking: Meta Policy Optimization with Evolving Reward Models",
    link="https://arxiv.org/abs/2504.20157",
    kind="method",
    builds_on=("llm-judge", "ppo", "rubric-state", "gold-reward-world"),
    read="code",
    untuned="optima at equal KL; how much a rubric's past counts is the noise of impressions over the spread of weights, the same for all",
    note=(
        "Under the short rubric the judge's score rises by 0.58 and gold falls by 0.044. A rubric that is written anew before each "
        "phase is 0.19 ahead of it and within 0.02 of one written by hand; but writing it once, before the first phase, from as many "
        "answers, is 0.02 ahead of writing it five times: what is looked at late came too late for the first phases, and which "
        "criteria count does not change while the policy learns."
    ),
)
WORTH = torch.tensor([1.0, 2.0, 3.0, 1.0, 2.0, 3.0, 0.0, 0.0], dtype=torch.float64) / 12
START = torch.tensor([1.0, 0, 0, 0, 0, 0, 1.0, 1.0], dtype=torch.float64) / 3
PHASES, LOOKS, PUSH, RIGHT, BLUR, PAST = 5, 80, 0.8, 0.9, 0.15, 0.25
recipe = {"MPO": {"refine": FromScored(), "merge": Merged()}}
claim = AllOf(
    BetterThan("fixed", 0.0, on="judged", effect=0.02),
    BetterThan("fixed", 0.0, on="gained", lower_is_better=True, effect=0.02),
    AheadAlong("MPO", "fixed", on="gold", along="KL", effect=0.02, by_construction=True),
    AheadAlong("MPO", "hand-crafted", on="gold", along="KL", by=-0.02),
    AheadAlong("MPO", "revised once", on="gold", along="KL", effect=0.01, matched="KL, looks"),
)
SEEDS = {"smoke": 1, "full": 96}


class World:
    def __init__(self, seed: int, small: bool) -> None:
        self.seed = seed
        world = ItemisedAnswers(
            prompts=4 if small else 24, answers=256, criteria=len(WORTH), asked=3, agreement=-0.1, seed=derive(seed, "world")
        )
        self.met = world.met()
        self.gold = self.met.double() @ WORTH
        self.judged = world.verdicts(RIGHT, 1.0, 1, derive(seed, "judge"))[0].double()
        self.seen = world.verdicts(RIGHT, 0.0, 1, derive(seed, "meta"))[0].double()
        self.impression = self.gold + BLUR * torch.randn(self.gold.shape, dtype=torch.float64, generator=generator(seed, "meta", "whole"))

    def looked(self, logp: Tensor, looks: int, phase: int) -> tuple[Tensor, Tensor]:
        """Verdicts [n, K] on answers of the policy, and impressions [n] of them, in their deviations."""
        rng = generator(self.seed, "looked", phase)
        prompt = torch.randint(len(logp), (looks,), generator=rng)
        answer = torch.multinomial(logp.exp()[prompt], 1, generator=rng).squeeze(-1)
        x, y = self.seen[prompt, answer], self.impression[prompt, answer]
        return x - x.mean(0), y - y.mean()


def rewritten(looked: list[tuple[Tensor, Tensor]]) -> Tensor:
    """[K], the rubric that comes of all that was looked at."""
    x, y = (torch.cat(one) for one in zip(*looked, strict=True))
    found = torch.linalg.solve(x.T @ x + PAST * torch.eye(len(START), dtype=x.dtype), x.T @ y + PAST * START).clamp(min=0.0)
    return found / found.sum() if float(found.sum()) > 0 else START


def experiment(seed: int, scale: str) -> dict:
    world = World(seed, scale == "smoke")
    alike = (WORTH > 0).double()
    starts = {"fixed": START, "MPO": START, "revised once": START, "hand-crafted": alike / alike.sum(), "true": WORTH}
    looks = {"MPO": [LOOKS // PHASES] * PHASES, "revised once": [LOOKS] + [0] * (PHASES - 1)}
    return {name: learned(world, rubric, looks.get(name, [0] * PHASES)) for name, rubric in starts.items()}


def learned(world: World, rubric: Tensor, looks: list[int]) -> dict:
    logp = torch.zeros_like(world.gold).log_softmax(-1)
    uniform, kl, gold, seen = logp, {0: 0.0}, {0: 0.0}, []
    for phase, number in enumerate(looks):
        if number:
            seen.append(world.looked(logp, number, phase))
            rubric = rewritten(seen)
        score = world.judged @ rubric
        score = score - score.mean(-1, keepdim=True)
        logp = (logp + PUSH * score / score.square().mean().sqrt()).log_softmax(-1)
        kl[phase + 1] = float((logp.exp() * (logp - uniform)).sum(-1).mean())
        gold[phase + 1] = float(((logp.exp() - uniform.exp()) * world.gold).sum(-1).mean())
    own = float(((logp.exp() - uniform.exp()) * (world.judged @ rubric)).sum(-1).mean())
    return {"KL": kl, "gold": gold, "gained": gold[PHASES], "judged": own}
