"""What is left out by the second moment of the log-ratio, against the functions of M2PO's authors and of AReaL.

The numbers were computed by their own functions on ``inputs(seed=0)`` of test_parity_objectives.py:

    M2PO     verl/trainer/ppo/core_algos.py, compute_m2po_policy_loss: the gradient of the mean over tokens, in float32, as it runs: in float64 its 1e-12 would
             leave out the step at the bound as well                                                                                   af54a3e8f
    AReaL    areal/trainer/ppo/actor.py, _apply_m2po_masking, of the proximal policy and the one that acted                            4aef98d8d
"""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from guerdon.losses.choices.second_moment import SecondMoment
from guerdon.losses.corrected import Corrected
from guerdon.losses.corrections.truncated import Truncated
from guerdon.losses.surrogates.reinforce import Reinforce
from guerdon.losses.where import Where
from guerdon.parts import call, needs
from test_choices import steps
from test_parity_objectives import inputs

ALL = [-0.024084, -0.025907, 0.0616581, 0.0458371, 0.0733321, 0.0634354, 0.0245767, 0.0581526, 0.1456896, 0.0828867, 0.0718466]
THEIRS = {  # budget, ratios that are spared, how far has been moved
    (0.04, 0.7, 1.5, 0.5): [*ALL[:7], 0.0, *ALL[8:]],
    (0.04, 1.0, 1.0, 0.5): [*ALL[:7], 0.0, *ALL[8:10], 0.0],
    (0.2, 1.0, 1.0, 0.5): ALL,
    (0.04, 0.7, 1.5, 0.1): [
        *(-0.0399543, -0.0405416, 0.0524398, 0.0472221, 0.0518753, 0.0525497, 0.0231949, 0.0868114, 0.1043155, 0.093188, 0.0905616)
    ],
}


@pytest.mark.parametrize("case", THEIRS)
def test_the_gradient_is_that_of_the_authors(case):
    budget, low, high, spread = case
    q = inputs(spread=spread)
    logp = q["logp"].clone().requires_grad_()
    choice = SecondMoment(budget, capped=True, spared_low=low, spared_high=high)
    loss = Where(choice, otherwise=Corrected(Reinforce(), (Truncated(cap=math.inf),), view=""), view="")
    call(loss, q | {"logp": logp})[q["mask"]].mean().backward()
    assert_close(logp.grad[q["mask"]].float(), torch.tensor(THEIRS[case]), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("budget", "kept"), [(0.04, [0, 0, 1, 1, 0, 1, 1, 0, 0, 1, 0]), (0.2, [1] * 11)])
def test_what_is_kept_is_what_areal_keeps(budget, kept):
    q = inputs()
    chosen = SecondMoment(budget, either=True)(q["logp"], q["old_logp"], q["advantage"], q["mask"])
    assert (~chosen)[q["mask"]].int().tolist() == kept


def test_the_proximal_policy_is_compared_with_the_one_that_acted():
    loss = Where(SecondMoment(0.04, either=True), otherwise=Reinforce())
    assert needs(loss) == {"proximal_logp", "old_logp", "advantage", "mask", "logp"}
    q = inputs()
    q |= {"proximal_logp": q["logp"], "logp": q["old_logp"]}
    assert_close(call(loss, q) != 0, ~SecondMoment(0.04, either=True)(q["proximal_logp"], q["old_logp"], q["advantage"], q["mask"]))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.0, 1.0), st.booleans(), st.booleans(), st.integers(0, 7), st.sampled_from([0.1, 1.0]))
def test_the_budget_is_kept_by_leaving_out_no_more_than_needed_however_a_batch_is_split(seed, budget, capped, either, cut, grain):
    q = steps(seed)
    q["old_logp"] = q["logp"] - ((q["entropy"] - 0.5) / grain).round() * grain  # moved; where the grain is coarse many steps equally far
    chosen = call(choice := SecondMoment(budget, capped, either), q)
    settled = call(choice.settled, q)
    pieces = [call(settled, {k: v[rows] for k, v in q.items()}) for rows in (slice(0, cut), slice(cut, None))]
    assert torch.equal(torch.cat(pieces) & q["mask"], chosen)
    moved = (q["logp"] - q["old_logp"]).double()
    seen = q["mask"] & (torch.tensor(True) if either else moved * q["advantage"] > 0)
    assert not (chosen & ~seen & (moved != 0)).any()

    def spent(bound):
        far = moved[seen].abs()
        squares = far.clamp(max=bound).square() if capped else far[far <= bound].square()
        return float(squares.mean()) if len(squares) else 0.0

    kept, left = moved[seen & ~chosen].abs(), moved[seen & chosen].abs()
    assert spent(float(kept.max()) if len(kept) else 0.0) <= budget + 1e-9
    if len(left):
        assert spent(float(left.min())) > budget - 1e-9 and (not len(kept) or kept.max() < left.min())
