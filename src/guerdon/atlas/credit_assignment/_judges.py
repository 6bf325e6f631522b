"""What experiments with a judge of steps share: a judge that errs, and PPO that is paid by it besides the outcome."""

from typing import Any

import torch
from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.atlas.credit_assignment._worlds import Decisive, trained
from guerdon.credit.advantages.batch_normalised import BatchNormalised
from guerdon.credit.advantages.gae import GAE
from guerdon.credit.targets.lambda_return import LambdaReturn
from guerdon.losses.penalties.judged_steps import JudgedSteps
from guerdon.losses.surrogates.clip import Clip
from guerdon.losses.values.clipped_regression import ClippedRegression
from guerdon.models.finite.prefix_value import PrefixValue
from guerdon.models.finite.step_contribution import ContributionTable
from guerdon.randomness import derive, generator
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Learning, Recipe, Term


def ppo(learning_rate: float, critic_rate: float, weight: float) -> Recipe:
    """With what the judge says, times ``weight``, in the reward; 0: without a judge."""
    return Recipe(
        (Term(Clip(0.2)),),
        AdamW(learning_rate),
        Group(16),
        reward_penalties=(Term(JudgedSteps(), weight=weight),) if weight else (),
        advantage=BatchNormalised(GAE()),
        target=LambdaReturn(),
        epochs=2,
        minibatches=2,
        learners={"critic": Learning((Term(ClippedRegression()),), optimiser=AdamW(critic_rate))},
    )


def verdicts(world: Decisive, blame: float, wrong: float, seed: int) -> Tensor:
    """[C, T, V]: 1 for the right thing at a decisive place, ``-blame`` for another there, 0 elsewhere; for a share ``wrong`` of what could be said, one of the other verdicts
    instead, drawn once."""
    places, right = world.right()
    rows = torch.arange(world.contexts).unsqueeze(-1)
    table = torch.zeros(world.contexts, world.depth, world.vocabulary, dtype=torch.float64)
    table[rows, places] = -blame
    table[rows, places, right] = 1.0
    rng = generator(seed, "verdicts")
    errs = torch.rand(table.shape, generator=rng) < wrong
    options = torch.tensor([-blame, 0.0, 1.0] if blame else [0.0, 1.0], dtype=torch.float64)
    place = (table.unsqueeze(-1) == options).double().argmax(-1)
    other = (place + torch.randint(1, len(options), table.shape, generator=rng)) % len(options)
    return torch.where(errs, options[other], table)


def practised(
    seed: int, scale: str, rates: tuple[float, float], weight: float, blame: float, wrong: float, stops: tuple[int, ...]
) -> dict[int, float]:
    """The success rate after so many rounds; ``rates``: of the policy and of the critic."""
    small = scale == "smoke"
    world = Decisive(2 if small else 8, 3, 4 if small else 8, 3, derive(seed, "world"))
    models: dict[str, Any] = {"critic": PrefixValue(world.contexts, world.vocabulary, world.depth).build()}
    if weight:
        models["judge"] = ContributionTable(verdicts(world, blame, wrong, derive(seed, "judge")))
        models["judge"].module.requires_grad_(False)
    found = trained(ppo(*rates, weight), world, seed, (2,) if small else stops, learners=models)["reward"]
    return {stop: found[2 if small else stop] for stop in stops}
