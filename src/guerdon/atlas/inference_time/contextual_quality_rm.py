"""A reward model that knows what is good enough: choices with "none of these", and a search that stops, or gives up, by it.

World: 240 prompts, half of them to learn on, with 64 answers each. What an answer is worth is a part that depends on it, linear in four features, less how hard the prompt is,
linear in four others but for a third of its variance; above 0 it is acceptable. The policy draws all answers alike. A seed is another world, other annotations and draws.

Arms learn a linear reward of all eight features from 300 annotations each, by penalised maximum likelihood with the same ridge: "outside option" from choices between two answers
and neither of them (``exact.likelihoods.outside_option``), "Bradley-Terry" from choices between two, "verdicts" from single answers, acceptable or not. All annotators choose by
the logistic law with the true worth. Then each answers the other prompts with ``acting.samplers.best_until``, four answers at a time and sixteen at most, and holds back what is
below a threshold: a quantile of its own rewards, the same levels for all. "best of N" takes the best by the reward of the outside option of N answers, and nothing is held back.

Measured on the harder half of the prompts that were not learned on, along the level: "acceptable", the share that got an acceptable answer, and "unacceptable", one that is not.
On all of them, along the threshold or N: "good, of all", the share with an acceptable answer, whether it reached the threshold or not, and "samples" for each.

Source: Rho 2025, A Contextual Quality Reward Model for Reliable and Efficient Best-of-N Sampling, arXiv 2510.04087, abstract. There GPT-2 on IMDB; the abstract does not say how
the threshold is calibrated, so all levels are compared. That Bradley-Terry answers more often with what is not acceptable where it never holds back is so by construction. The
smallest difference of interest: 0.01.
"""

import torch
from torch import Tensor

from guerdon.acting.samplers.best_of_n import BestOfN
from guerdon.acting.samplers.best_until import BestUntil
from guerdon.atlas import AheadAlong, AllOf, BetterThan, System
from guerdon.exact.likelihoods import Likelihood
from guerdon.exact.likelihoods.bradley_terry import BradleyTerry
from guerdon.exact.likelihoods.outside_option import OutsideOption
from guerdon.models.finite.policy import TablePolicy
from guerdon.models.finite.tree import PrefixTree
from guerdon.randomness import derive, generator
from guerdon.sequences import Decoding, Sequences

system = System(
    title="A Contextual Quality Reward Model for Reliable and Efficient Best-of-N Sampling",
    link="https://arxiv.org/abs/2510.04087",
    kind="reward",
    builds_on=("multinomial-logit", "bradley-terry-rm", "best-of-n", "best-until"),
    read="abstract",
    untuned="one ridge, the prior of the world, for all; thresholds are compared along all levels",
    note=(
        "Choices with an outside option beat verdicts on single answers by 0.02 at equal wrong answers, and stopping early gets 0.02 more good answers for the "
        "same samples; but on the harder prompts comparisons alone, held back below a threshold, are 0.06 ahead: they rank a prompt's answers better."
    ),
)
recipe = {"outside option": OutsideOption(), "Bradley-Terry": BradleyTerry(), "verdicts": OutsideOption()}
claim = AllOf(
    BetterThan(
        "outside option",
        "Bradley-Terry, best of N",
        on="unacceptable",
        at=0.9,
        effect=0.01,
        lower_is_better=True,
        matched="samples",
        by_construction=True,
    ),
    AheadAlong(
        "outside option", "Bradley-Terry", on="acceptable", along="unacceptable", effect=0.01, matched="annotations, unacceptable answers"
    ),
    AheadAlong(
        "outside option", "verdicts", on="acceptable", along="unacceptable", effect=0.01, matched="annotations, unacceptable answers"
    ),
    AheadAlong("outside option", "best of N", on="good, of all", along="samples", effect=0.01),
)
SEEDS = {"smoke": 1, "full": 12}
LEVELS = (0.5, 0.7, 0.8, 0.9, 0.95, 0.98)
SIZES = (2, 4, 6, 8, 12, 16)  # of best of N, one for each level
PROMPTS, ANSWERS, WIDTH, ANNOTATIONS = 240, 64, 4, 300
ALL = Decoding(max_completion_length=1)


class World:
    """``features`` [C, K, 8] and ``worth`` [C, K]; the second half of the prompts is not learned on."""

    def __init__(self, seed: int):
        rng = generator(seed, "contextual quality")
        own = torch.randn(PROMPTS, ANSWERS, WIDTH, dtype=torch.float64, generator=rng)
        asked = torch.randn(PROMPTS, 1, WIDTH, dtype=torch.float64, generator=rng)
        weights = torch.randn(2, WIDTH, dtype=torch.float64, generator=rng)
        weights = 1.5 * weights / weights.norm(dim=-1, keepdim=True)
        hidden = torch.randn(PROMPTS, 1, dtype=torch.float64, generator=rng) * 1.5 / 2**0.5
        self.hard = (asked @ weights[1]) + hidden + 1.5
        self.worth = own @ weights[0] - self.hard
        self.features = torch.cat([own, asked.expand_as(own), torch.ones(PROMPTS, ANSWERS, 1, dtype=torch.float64)], -1)
        self.learned = torch.arange(PROMPTS) < PROMPTS // 2


def taught(world: World, likelihood: Likelihood, candidates: int, seed: int) -> Tensor:
    """[C, K], the reward of a linear model that was fitted to annotators' choices among so many candidates."""
    rng = generator(seed, "annotations", type(likelihood).__name__, candidates)
    prompt = torch.randint(PROMPTS // 2, (ANNOTATIONS, 1), generator=rng)
    shown = torch.stack([torch.randperm(ANSWERS, generator=rng)[:candidates] for _ in range(ANNOTATIONS)])
    asked = prompt * ANSWERS + shown
    chance = likelihood(asked=asked, score=world.worth.flatten()).exp()
    answer = torch.multinomial(chance, 1, generator=rng)
    seen, weights = world.features.flatten(0, 1), torch.zeros(2 * WIDTH + 1, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([weights], max_iter=100, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimiser.zero_grad()
        value = -likelihood(asked=asked, score=seen @ weights).gather(-1, answer).sum() + weights.square().sum() / 2
        value.backward()
        return value

    optimiser.step(loss)
    return (world.features @ weights).detach()


def experiment(seed: int, scale: str) -> dict:
    world = World(seed)
    policy = TablePolicy(PrefixTree(ANSWERS), torch.zeros(PROMPTS, 1, ANSWERS, dtype=torch.float64))
    tested = (~world.learned).nonzero().flatten()
    contexts = [torch.tensor([c]) for c in tested.tolist()]
    good = world.worth[tested] > 0
    hard = world.hard[tested, 0] > world.hard[tested, 0].median()
    rewards = {name: taught(world, part, 1 if name == "verdicts" else 2, seed) for name, part in recipe.items()}
    arms: dict[str, dict[str, dict[float, float]]] = {}

    def said(found: Sequences) -> Tensor:
        return good.gather(1, found.actions[:, :1]).squeeze(1)

    def note(arm: str, x: float, **measures: Tensor) -> None:
        for name, value in measures.items():
            arms.setdefault(arm, {}).setdefault(name.replace("_", " ").replace("good of", "good, of"), {})[x] = float(value.double().mean())

    for name, reward in rewards.items():

        def score(found: Sequences, reward: Tensor = reward) -> Tensor:
            return reward[torch.cat(found.contexts)[found.context], found.actions[:, 0]]

        whole = BestOfN(max(SIZES))(policy, contexts, ALL, derive(seed, "answers"), score)
        for level, size in zip(LEVELS, SIZES, strict=True):
            threshold = float(reward[world.learned].quantile(level))
            found = BestUntil(threshold)(policy, contexts, ALL, derive(seed, "answers"), score)
            right, given = said(found), found.quantities["accepted"] > 0
            note(name, level, acceptable=(right & given)[hard], unacceptable=(~right & given)[hard])
            if name == "outside option":
                note(name, level, good_of_all=right, samples=found.quantities["drawn_tokens"])
                few = BestOfN(size)(policy, contexts, ALL, derive(seed, "fewer"), score)
                note("best of N", level, good_of_all=said(few), samples=torch.tensor([float(size)]))
            if name == "Bradley-Terry":
                note("Bradley-Terry, best of N", level, acceptable=said(whole)[hard], unacceptable=(~said(whole))[hard])
    return arms
