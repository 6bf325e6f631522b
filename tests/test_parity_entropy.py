"""The entropy without the least likely steps, and the weight that follows it, against AEnt's functions.

The numbers were computed by their own functions, in float64: aent_torch_functional.py, ``clamped_entropy_from_logits``, on the logits below, and the update of the coefficient in
ray_aent_trainer.py, of recipe/aent in the authors' copy of verl 0.4.1. That repository could not be had; the functions are those of a stored copy of the two files' text.
"""

import pytest
import torch
from torch.testing import assert_close

from guerdon.errors import InputError
from guerdon.models.language.tiles import of_logits
from guerdon.recipes.aent import recipe
from guerdon.training.judging import FiniteScene
from guerdon.training.loops.improve import improve
from guerdon.training.recipe import Budget
from guerdon.worlds.finite.needle import Needle

THEIRS = {
    0.0: (
        [0.7576181684813346, 1.1841071341861853],
        [
            [-0.3991520619, 0.0629338393, 0.0031807003, 0.1602161335, 0.0194148068, 0.011732128, 0.1416744541],
            [-0.0087256499, 0.0431188341, 0.0645068368, 0.050725156, 0.1088068046, 0.0356738229, -0.2941058044],
        ],
    ),
    0.3: (
        [0.740017797857278, 1.0784411908876375],
        [
            [-0.3884966914, 0.0633994768, 0.0, 0.1623156442, 0.0195276896, 0.0, 0.1432538808],
            [0.0171097736, 0.0, 0.0683083947, 0.0534817378, 0.1185650768, 0.0, -0.2574649829],
        ],
    ),
    0.5: (
        [0.7162944690578801, 1.0054920942151842],
        [
            [-0.3746742239, 0.0640543237, 0.0, 0.1651901841, 0.0, 0.0, 0.1454297161],
            [0.0353286318, 0.0, 0.0710766928, 0.0, 0.1255955647, 0.0, -0.2320008894],
        ],
    ),
}


@pytest.mark.parametrize("share", THEIRS)
def test_the_entropy_of_what_is_left_is_theirs(share):
    z = (2 * torch.randn(2, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64)).requires_grad_()
    value = of_logits(z, torch.zeros(2, dtype=torch.long), 1.0, [f"trimmed_entropy({share})"])[0]
    value.sum().backward()
    assert_close(value.detach(), torch.tensor(THEIRS[share][0], dtype=torch.float64))
    assert_close(z.grad, torch.tensor(THEIRS[share][1], dtype=torch.float64), rtol=0, atol=1e-9)


def test_a_step_that_is_all_but_certain_has_a_gradient_that_is_a_number():
    z = torch.tensor([[200.0, 0.0, -200.0, -torch.inf]], dtype=torch.float32, requires_grad=True)
    value = of_logits(z, torch.zeros(1, dtype=torch.long), 1.0, ["trimmed_entropy(0.3)"])[0]
    value.sum().backward()
    assert float(value.detach()) == 0.0 and bool(z.grad.isfinite().all())


@pytest.mark.parametrize("at", ["1.0", "-0.1", "", "half"])
def test_a_share_that_is_none_is_refused(at):
    with pytest.raises(InputError, match="a number from 0 to below 1"):
        of_logits(torch.zeros(1, 4), torch.zeros(1, dtype=torch.long), 1.0, [f"trimmed_entropy({at})"])


def test_the_weight_moves_as_theirs_does():
    band = recipe.terms[1].weight
    state, found = band.init(), []
    for observed in (0.1, 0.2, 0.9, 0.3, 0.01):
        value, state = band(observed, state)
        found.append(value)
    assert found == pytest.approx([0.0021, 0.0021, 0.00078, 0.00066, 0.00094])


def test_the_weight_follows_the_entropy_that_the_loop_has_measured():
    """The statistic is logged wherever the penalty is, positive, and the next step's weight is made of it."""
    world = Needle(contexts=2, vocabulary=4, depth=2)
    policy = world.policy(deviation=1.0).build()
    history = improve(policy, FiniteScene(world), [{"prompt": i % 2} for i in range(4)], recipe, Budget(steps=1, batch_size=2)).history
    band, last = recipe.terms[1].weight, history[-1]
    found = last["trimmed_entropy"]
    assert found > band.high and found == pytest.approx(-last["losses/trimmed_entropy"])
    assert last["knobs.terms.1.weight"] == pytest.approx(max(band.initial + band.rate * (found - band.high), band.least))
