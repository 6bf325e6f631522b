"""Numbers at the edge, parametrised over the catalogue: log-ratios at which an exponential overflows, and batches, sequences and groups of
nothing or of one. Values and gradients stay finite, so that one token that the policy has given up never costs a whole step."""

import math
import sys

import numpy as np
import pytest
import torch
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from guerdon.catalogue import catalogue
from guerdon.credit.advantages.batch_normalised import BatchNormalised
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.advantages.max_at_k import MaxAtK
from guerdon.credit.scales.batch_deviation import BatchDeviation
from guerdon.credit.scales.group_deviation import GroupDeviation
from guerdon.data.selection.zero_variance import ZeroVariance
from guerdon.errors import InputError
from guerdon.exponentials import exp, expm1
from guerdon.feedback.shaping.batch_normalise import BatchNormalise
from guerdon.feedback.shaping.group_normalise import GroupNormalise
from guerdon.feedback.shaping.running_normalise import RunningNormalise
from guerdon.losses.penalties.kl_exponential import KLExponential
from guerdon.losses.scores.log_odds import LogOdds
from guerdon.losses.surrogates.bounded_weight import BoundedWeight
from guerdon.losses.surrogates.clip import Clip
from guerdon.losses.surrogates.sequence_ratio import SequenceRatio
from guerdon.parts import call, needs, stateful, wants
from guerdon.quantities import Name, by_step
from random_inputs import arguments, as_tensor

ENTRIES = [e for e in catalogue() if f"{e.room}.".startswith(("credit.", "losses.", "feedback.shaping.")) and e.witnesses]
FAR = (1e4, 700.0, 100.0, 89.0, 20.0)  # nats: beyond float64's exponential, and below and above float32's


def parts_of(entry):
    """The part of each witness: every setting of its fields that somebody found worth showing."""
    return list({repr(w.part): w.part for w in entry.witnesses if type(w.part) is entry.part}.values())


EACH = [pytest.param(part, id=f"{entry.path}-{i}") for entry in ENTRIES for i, part in enumerate(parts_of(entry))]


def output(part, given):
    result = call(part, given, **({"state": given["state"]} if "state" in given else {}))
    return result[0] if stateful(part) and isinstance(result, tuple) else result


def inputs_for(part, **how):
    given = arguments(needs(part) | {n for n in wants(part) if Name.parse(n).known}, **how)
    if stateful(part):
        given["state"] = part.init()
    admissible = getattr(sys.modules[type(part).__module__], "admissible", None)
    return admissible(given) if admissible else given


def extreme(part, given, far, turned, dtype):
    """Log-probabilities of which the policy's are ``far`` from everybody else's, up and down by turns; scores and rewards as far apart."""
    changed = {}
    for place, (name, value) in enumerate(sorted(given.items())):
        if not isinstance(value, torch.Tensor) or not value.is_floating_point():
            changed[name] = value
            continue
        known = Name.parse(name)
        pattern = (torch.arange(value.numel()).reshape(value.shape) % 3 + (known.view != "") + (known.side == "rejected") + turned) % 2
        if known.quantity == "logp":
            value = -far * pattern
        elif known.quantity in ("score", "reward", "advantage", "value", "step_reward"):
            value = value.sign() * (far if place % 2 else 1.0)
        changed[name] = value.to(dtype)
    admissible = getattr(sys.modules[type(part).__module__], "admissible", None)
    return admissible(changed) if admissible else changed


def check(part, given):
    """Run the part, and see that what it says and every gradient is finite where somebody acted."""
    leaves = {n: v.requires_grad_() for n, v in given.items() if isinstance(v, torch.Tensor) and v.is_floating_point()}
    result = output(part, given)
    mask = next((v for n, v in given.items() if Name.parse(n).quantity == "mask" and v.shape == result.shape), None)
    kept = result if mask is None else result[mask]
    assert kept.isfinite().all(), f"{part} says {kept[~kept.isfinite()][:3].tolist()}"
    if result.requires_grad and kept.numel():
        kept.sum().backward()
        for name, leaf in leaves.items():
            assert leaf.grad is None or leaf.grad.isfinite().all(), f"{part}: the gradient of {name} is {leaf.grad}"
            assert leaf.grad is None or leaf.grad.double().norm() < 1e18, f"{part}: the norm of {name}'s gradient is beyond float32"


@pytest.mark.parametrize("part", EACH)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["float32", "bfloat16"])
def test_far_from_the_reference(part, dtype):
    for far in FAR:
        for turned in (0, 1):
            check(part, extreme(part, inputs_for(part, seed=turned), far, turned, dtype))


STEPWISE = [row for row in EACH if "losses." in type(row.values[0]).__module__ and {"logp", "log_ratio"} & needs(row.values[0])]


@pytest.mark.parametrize("part", STEPWISE)
@settings(max_examples=15, deadline=None)
@drawn(st.integers(0, 10**6), st.sampled_from((1.0, 30.0, 300.0, 3000.0)), st.booleans())
def test_wherever_each_of_them_stands(part, seed, far, all_apart):
    """Log-probabilities that are far from each other in any pattern: each model's at each step anew, or each model's at all steps alike."""
    rng = torch.Generator().manual_seed(seed)
    changed = {}
    for name, value in sorted(inputs_for(part, seed=seed).items()):
        quantity = Name.parse(name).quantity
        if quantity in ("logp", "log_ratio"):
            place = torch.rand(value.shape if all_apart else value.shape[:1] + (1,) * (value.dim() - 1), generator=rng)
            value = -far * place.expand(value.shape) if quantity == "logp" else far * (2 * place.expand(value.shape) - 1)
        changed[name] = value.float() if isinstance(value, torch.Tensor) and value.is_floating_point() else value
    check(part, {name: value.clone() if isinstance(value, torch.Tensor) else value for name, value in changed.items()})


SIZES = {"nobody": (0, 3), "no steps": (4, 0), "nothing": (0, 0), "one": (1, 1), "one step": (4, 1)}


@pytest.mark.parametrize("part", EACH)
@pytest.mark.parametrize("size", SIZES)
def test_sizes(part, size):
    batch, steps = SIZES[size]
    given = inputs_for(part, batch=batch, steps=max(steps, 1), seed=0)
    given = {n: v[:, :steps] if isinstance(v, torch.Tensor) and v.dim() > 1 and by_step(n, v) else v for n, v in given.items()}
    check(part, given)


@pytest.mark.parametrize("part", EACH)
def test_nobody_acted(part):
    given = inputs_for(part, seed=0)
    check(part, {n: torch.zeros_like(v) if Name.parse(n).quantity == "mask" else v for n, v in given.items()})


@pytest.mark.parametrize("part", EACH)
def test_groups_of_one(part):
    given = inputs_for(part, seed=0)
    check(part, {n: torch.arange(len(v)) if Name.parse(n).quantity in ("group", "prompt_id") else v for n, v in given.items()})


INF = 1e4
ONE = {"old_logp": [[0.0]], "ref_logp": [[0.0]], "advantage": [[1.0]], "mask": [[1]]}
BLAME = {"advantage": [[-1.0]]}
E20 = math.exp(20.0)
LIMITS = [  # what a part says where e^x overflows: part, what it reads, value, gradient by logp
    ("clip: praised beyond the bound", Clip(), {"logp": [[INF]]}, -1.2, 0.0),
    ("clip: praised and given up", Clip(), {"logp": [[-INF]]}, 0.0, 0.0),
    ("clip: blamed and given up", Clip(), {"logp": [[-INF]]} | BLAME, 0.8, 0.0),
    ("clip: blamed and made certain", Clip(), {"logp": [[100.0]]} | BLAME, E20 * 81, E20),
    ("clip: no advantage", Clip(), {"logp": [[INF]], "advantage": [[0.0]]}, 0.0, 0.0),
    ("clip: blamed, with a second bound", Clip(dual=3.0), {"logp": [[INF]]} | BLAME, 3.0, 0.0),
    ("sequence ratio: praised beyond the bound", SequenceRatio(), {"logp": [[INF]]}, -1.0004, 0.0),
    ("bounded weight: praised beyond the bound", BoundedWeight(), {"logp": [[100.0]]}, -120.0, -1.2),
    ("k3: made certain", KLExponential(), {"logp": [[100.0]]}, 99.0, 1.0),
    ("k3: given up", KLExponential(), {"logp": [[-100.0]]}, E20 * 81 - 101, 1 - E20),
    ("log-odds: certain", LogOdds(), {"logp": [[0.0]]}, math.log(1e6) + 1, 1e6),
]


@pytest.mark.parametrize(("part", "given", "value", "gradient"), [pytest.param(*row[1:], id=row[0]) for row in LIMITS])
def test_limiting_values(part, given, value, gradient):
    given = {name: as_tensor(name, value).float() if name != "mask" else as_tensor(name, value) for name, value in (ONE | given).items()}
    result = call(part, given | {"logp": given["logp"].requires_grad_()})
    result.sum().backward()
    assert float(result.detach().sum()) == pytest.approx(value, rel=1e-5)
    assert float(given["logp"].grad.sum()) == pytest.approx(gradient, rel=1e-5)


@drawn(st.floats(-50.0, 20.0))
def test_within_range_an_exponential_is_itself(x):
    value = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    for ours, theirs in ((exp, torch.exp), (expm1, torch.expm1)):
        (slope,) = torch.autograd.grad(ours(value), value)
        (wanted,) = torch.autograd.grad(theirs(value), value)
        assert torch.equal(ours(value), theirs(value)) and torch.equal(slope, wanted)


@drawn(st.floats(20.0, 1e4), st.floats(20.0, 1e4))
def test_beyond_it_goes_on_growing(x, y):
    low, high = (exp(torch.tensor(z)) for z in sorted((x, y)))
    assert low <= high and high.isfinite()


@drawn(st.floats(-1e3, 1e3).filter(lambda x: abs(x) > 1e-3), st.integers(2, 16), st.integers(0, 99))
def test_rounding_is_no_spread(level, members, seed):
    """Rewards that differ by the last digit only are equal: no advantage is made of them, in any estimator that divides by a deviation."""
    reward = torch.full((members,), level)
    noise = torch.randint(0, 2, (members,), generator=torch.Generator().manual_seed(seed)).bool()
    reward = torch.where(noise, torch.nextafter(reward, torch.tensor(torch.inf)), reward)
    mask, group = torch.ones(members, 1, dtype=torch.bool), torch.zeros(members, dtype=torch.long)
    for part in (
        GroupCentred(),
        GroupCentred(GroupDeviation(epsilon=0.0)),
        GroupCentred(BatchDeviation()),
        BatchNormalised(GroupCentred()),
    ):
        assert not part(reward=reward, group=group, mask=mask).any(), part
    assert not GroupNormalise()(reward, group).any() and not BatchNormalise()(reward).any()
    assert not RunningNormalise()(reward, RunningNormalise().init())[0].any()
    assert not ZeroVariance()(reward=reward, group=group).any()


def test_a_group_that_is_too_small_is_passed_over():
    reward, group, mask = torch.tensor([3.0, 0.0, 1.0, 5.0, 5.0]), torch.tensor([0, 0, 0, 1, 1]), torch.ones(5, 1, dtype=torch.bool)
    advantage = MaxAtK(3)(reward, group, mask)
    torch.testing.assert_close(advantage[:3], MaxAtK(3)(reward[:3], group[:3], mask[:3]))
    assert advantage[:3].any() and not advantage[3:].any()


NO_FIGURES = {
    "evaluation.attacks",
    "evaluation.edits",
    "evaluation.rating_updates",
}  # rooms whose parts make texts of texts, or beliefs of a battle
MEASURES = [e for e in catalogue() if f"{e.room}.".startswith("evaluation.") and e.room not in NO_FIGURES and e.witnesses]
SETTINGS = ("thresholds", "threshold")


@pytest.mark.parametrize("entry", MEASURES, ids=lambda e: e.path)
@pytest.mark.parametrize("items", [0, 1])
@pytest.mark.filterwarnings("error")
def test_figures_of_nothing_and_of_one(entry, items):
    """A figure of no items, or of one, is a number, "not known" (NaN), or refused in a sentence; it never warns or breaks."""
    part, given = entry.witnesses[0].part, entry.witnesses[0].given
    cut = {name: value if name in SETTINGS or not hasattr(value, "__len__") else value[:items] for name, value in given.items()}
    try:
        result = part(**cut)
    except InputError as error:
        assert str(error)
        return
    assert not np.isinf(np.asarray(getattr(result, "value", result), dtype=float)).any()
