"""The loops on finite policies: what rows bring for each action, and schedules wherever a recipe has a number."""

import pytest
import torch

from guerdon.losses.surrogates.reinforce import Reinforce
from guerdon.models.finite.tabular import Tabular
from guerdon.sequences import Example, Side
from guerdon.training import knobs
from guerdon.training.loops.fit import fit
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Learning, Recipe, Term
from guerdon.training.schedules.linear import Linear


def test_rows_may_bring_the_advantage_of_each_action():
    rows = [Example({"": Side((0,), (arm,), (True,), {"advantage": (advantage,)})}) for arm, advantage in enumerate((1.0, -1.0, 0.0))]
    policy = Tabular(1, 3).build()
    fit(policy, rows, Recipe((Term(Reinforce()),), AdamW(0.1)), Budget(steps=1, batch_size=3))
    # The gradient of the mean of -advantage * logp at the uniform policy is (-1, 1, 0) / 3; Adam's first step is its sign.
    torch.testing.assert_close(policy.logits.detach().flatten()[:2], torch.tensor([0.1, -0.1], dtype=torch.float64), atol=1e-6, rtol=0)
    assert policy.probabilities(0)[0] > policy.probabilities(0)[2] > policy.probabilities(0)[1]


@pytest.mark.parametrize(("progress", "rate"), [(0.0, 0.4), (0.5, 0.2), (1.0, 0.0)])
def test_a_schedule_in_a_further_learner_becomes_a_number(progress, rate):
    recipe = Recipe((Term(Reinforce()),), learners={"critic": Learning((Term(Reinforce()),), optimiser=AdamW(Linear(0.4)))})
    assert knobs.at(recipe, progress, {}).learners["critic"].optimiser.learning_rate == pytest.approx(rate)
