"""What a step would do with a card: nothing waits for it within a micro-batch, no tensors of two devices meet, and the numbers are those of the CPU.

The card is a pretended one (``pretended_card``): its tensors say that they are elsewhere, and what is done with them is watched.
"""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils._pytree import tree_leaves

from guerdon.catalogue import catalogue
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.corrected import Corrected
from guerdon.losses.corrections.far_failures import FarFailures
from guerdon.losses.corrections.masked import Masked
from guerdon.losses.corrections.probability_change import ProbabilityChange
from guerdon.losses.corrections.rejection import Rejection
from guerdon.losses.corrections.truncated import Truncated
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.levels.geometric_mean import GeometricMean
from guerdon.losses.levels.product import Product
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.penalties.entropy import Entropy
from guerdon.losses.penalties.kl_direct import KLDirect
from guerdon.losses.scores.head import Head
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.losses.surrogates.clip import Clip
from guerdon.losses.surrogates.reinforce import Reinforce
from guerdon.models.heads.scalar import Scalar
from guerdon.models.language.compute_copy import ComputeCopy
from guerdon.models.language.headed import HeadedModel
from guerdon.models.language.lora import Lora
from guerdon.models.language.policy import LanguagePolicy
from guerdon.models.moving import brought, onto, staying
from guerdon.sequences import Batch
from guerdon.training.learner import Learner
from guerdon.training.measuring import measured
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Term
from guerdon.training.remembering import Remembering
from guerdon.training.tally import Tally
from pretended_card import DEVICE, Card, There, at_hand, put_on
from test_fast_paths import CPU, SOME, drawn, gap, module, pairs, rollouts
from test_parts import defaults, inputs_for, output

AT_THE_END = ("a number is read: training/learner.py in read:", "the host waits for a copy: training/tally.py in settle:")
"""The value of the loss and the metrics, when all micro-batches have been asked for."""


def policy(made, there: bool, dtype=None) -> LanguagePolicy:
    return LanguagePolicy(put_on(made), None, DEVICE, dtype) if there else LanguagePolicy(made, None, CPU, dtype)


def texts() -> Batch:
    return Batch({"": drawn([5, 3, 7], [(0, 4), (1, 2), (2, 5)], seed=1)})


def answered() -> Batch:
    batch = rollouts(torch.tensor([0.5, -1.0, 2.0, 0.0]))
    ref = torch.randn(batch.sides[""].mask.shape, generator=torch.Generator().manual_seed(7)) - 3
    return Batch({"": batch.sides[""].with_quantities(ref_logp=torch.where(batch.sides[""].mask, ref, 0.0))})


def compared() -> Batch:
    batch = pairs()
    for seed, (side, sequences) in enumerate(batch.sides.items()):
        ref = torch.randn(sequences.mask.shape, generator=torch.Generator().manual_seed(seed)) - 3
        batch.sides[side] = sequences.with_quantities(ref_logp=torch.where(sequences.mask, ref, 0.0))
    return batch


CORRECTIONS = (
    Truncated(cap=1.5),
    Masked(1e-3, 1e3, Product()),
    Rejection(0.01, 100.0, GeometricMean()),
    FarFailures(),
    ProbabilityChange(),
)
JOBS = {
    "texts": (texts, (Term(NegativeLogLikelihood()),)),
    "pairs": (compared, (Term(Pairwise(LogRatio(), Logistic())),)),
    "rollouts": (answered, (Term(Clip(0.2)), Term(KLDirect(), weight=0.1), Term(Entropy(), weight=-0.01))),
    "corrected": (answered, (Term(Corrected(Reinforce(), CORRECTIONS, view="")),)),
    "scores": (pairs, (Term(Pairwise(Head(), Logistic())),)),
}


def stepped(job: str, there: bool, monkeypatch, adapted=False, dtype=None, budget=25, fresh=False, device_lacks=()):
    """The model after a step on a batch in several micro-batches, its metrics, and what a card saw of their gradient."""
    batch, terms = JOBS[job]
    made = module("llama")
    if adapted:
        made = Lora(r=4).wrap(made, seed=0)

    def run():
        model = policy(copy.deepcopy(made), there and job != "scores", dtype)
        if job == "scores":
            model = HeadedModel(model, Scalar(), 0)
            if there:
                put_on(model.module)
                model.device = model.policy.device = DEVICE
        learner, tally = Learner("policy", model, terms, AdamW(1e-2), budget), Tally()
        learner.evaluate(batch(), terms, Tally())  # what is tried at the first use
        if there:
            Card.now.seen.clear()
        part = learner._backward(batch(), list(terms), tally, fresh)
        seen = dict(Card.now.seen) if there else {}
        grads = {name: p.grad for name, p in model.module.named_parameters() if p.grad is not None}
        return part, tally.means(), {n: g.held if there else g for n, g in grads.items()}, seen

    if not there:
        return run()
    with at_hand(monkeypatch, lacks=device_lacks):
        return run()


@pytest.mark.parametrize("job", JOBS)
@pytest.mark.parametrize(("adapted", "dtype"), [(False, None), (True, None), (False, torch.bfloat16), (False, torch.float16)])
@pytest.mark.parametrize("fresh", [False, True])
def test_a_card_is_waited_for_at_the_end_of_a_step_only(job, adapted, dtype, fresh, monkeypatch):
    value, metrics, gradient, seen = stepped(job, True, monkeypatch, adapted, dtype, fresh=fresh)
    wanted = stepped(job, False, monkeypatch, adapted, dtype, fresh=fresh)
    assert not {what: n for what, n in seen.items() if not what.startswith(AT_THE_END)}, seen
    rough = 2e-2 if dtype else 1e-5
    assert value == pytest.approx(wanted[0], rel=rough, abs=rough)
    assert list(metrics) == list(wanted[1])
    for name, figure in wanted[1].items():
        assert metrics[name] == pytest.approx(figure, rel=rough, abs=rough), name
    assert gradient.keys() == wanted[2].keys() and gradient
    mine, theirs = (torch.cat([g[name].float().flatten() for name in sorted(g)]) for g in (gradient, wanted[2]))
    assert gap(mine, theirs) < (5e-2 if dtype else 1e-5)


@pytest.mark.parametrize("job", JOBS)
def test_nothing_is_longer_than_a_device_without_float64_can_hold(job, monkeypatch):
    """Apple's has none; what is measured, the loss and the metrics go the plain ways there."""
    monkeypatch.setattr("guerdon.training.tally.finest", lambda _: torch.float32)
    monkeypatch.setattr("guerdon.training.off_policy.finest", lambda _: torch.float32)
    *_, seen = stepped(job, True, monkeypatch, fresh=True, device_lacks=(torch.float64,))
    assert not [what for what in seen if "lacks" in what]


LOSSES = [
    entry
    for entry in catalogue()
    if entry.room.startswith("losses.") and entry.room != "losses.reduce" and entry.witnesses and "__call__" in vars(entry.part)
]


@pytest.mark.parametrize("entry", LOSSES, ids=lambda entry: entry.path)
def test_every_loss_is_computed_where_its_quantities_are(entry):
    """Nothing that it makes itself lies on the host beside what lies on a card; the numbers are those of the host."""
    part = defaults(entry)
    given = inputs_for(part, 0)
    wanted = output(part, given)
    with Card() as card:
        found = output(part, {name: There(x) if isinstance(x, torch.Tensor) else x for name, x in given.items()})
    assert not [seen for seen in card.seen if "two devices" in seen or "indices on the host" in seen], card.seen
    for mine, theirs in zip(tree_leaves(found), tree_leaves(wanted), strict=True):
        assert isinstance(mine, There) == isinstance(theirs, torch.Tensor)
        if isinstance(mine, There):
            torch.testing.assert_close(mine.held, theirs, equal_nan=True)


def test_what_a_view_says_is_waited_for_once(monkeypatch):
    wanted = measured(policy(module("llama"), False), SOME, {"logp"}, 20)["logp"]
    with at_hand(monkeypatch):
        there = policy(module("llama"), True)
        assert there.packed
        Card.now.seen.clear()
        found = measured(there, SOME, {"logp"}, 20)["logp"]
        seen = dict(Card.now.seen)
    assert not isinstance(found, There) and gap(found, wanted) < 1e-5
    assert seen and all(what.startswith("the host waits for a copy: training/measuring.py in ") for what in seen), seen


def test_what_is_measured_comes_to_the_host_unless_it_is_to_stay(monkeypatch):
    with at_hand(monkeypatch):
        there = policy(module("llama"), True)
        assert not isinstance(there.measure(SOME, {"logp"})["logp"], There)
        with staying():
            assert isinstance(there.measure(SOME, {"logp"})["logp"], There)
            assert isinstance(brought(There(torch.ones(1))), There)
        assert not isinstance(there.measure(SOME, {"logp"})["logp"], There)


def test_what_a_reference_on_a_card_says_is_remembered(monkeypatch, tmp_path):
    wanted = policy(module("llama"), False).measure(SOME, {"logp"})["logp"]
    with at_hand(monkeypatch):
        once = Remembering(policy(module("llama").requires_grad_(False), True), tmp_path)
        found = [measured(once, SOME, {"logp"}, 20)["logp"] for _ in range(2)]
    assert all(gap(x, wanted) < 1e-5 for x in found) and once.measured == len(SOME)


# the watch itself


WAITS = {
    "a number is read": lambda x: float(x.sum()),
    "places are looked for": lambda x: x.nonzero(),
    "as many are taken as a mask says": lambda x: x[x > 0],
    "tensors are compared": lambda x: torch.equal(x, x),
    "distinct values are looked for": lambda x: torch.unique(x),
    "the host waits for a copy": lambda x: x.cpu(),
    "a copy is waited for": lambda x: torch.ones(3).to(x.device),
    "indices on the host are copied": lambda x: x[torch.tensor([0, 1])],
    "aten.add.Tensor of tensors on two devices": lambda x: x + torch.ones(3),
}


@pytest.mark.parametrize("what", WAITS)
def test_the_watch_sees_what_waits(what, monkeypatch):
    with at_hand(monkeypatch) as card:
        WAITS[what](There(torch.arange(3.0)))
    assert any(seen.startswith(what) for seen in card.seen), card.seen
    with pytest.raises(AssertionError, match=what), at_hand(monkeypatch, strict=True):
        WAITS[what](There(torch.arange(3.0)))


def test_the_watch_passes_over_what_does_not_wait(monkeypatch):
    with at_hand(monkeypatch, strict=True):
        x = There(torch.arange(3.0))
        (places,) = onto(DEVICE, torch.tensor([2, 0]))
        y = x.index_select(0, places).mul_(2)
        x[0] = 5.0
        torch.where(x > 0, x, torch.zeros_like(x)).sum().add(1.0)
    assert y.held.tolist() == [4.0, 0.0] and x.held.tolist() == [5.0, 1.0, 2.0]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.lists(st.sampled_from([0.0, 1.0, -2.5, float("nan")]), max_size=5), st.booleans()), max_size=8
    )
)
def test_a_tally_counts_on_a_card_what_it_counts_on_the_host(counted):
    found = []
    for there in (False, True):
        with Card():
            tally = Tally()
            for name, values, masked in counted:
                x = torch.tensor(values)
                mask = (torch.arange(len(values)) % 2 == 0) if masked else None
                tally.add(name, There(x) if there else x, mask if mask is None or not there else There(mask))
                if len(values):
                    tally.highest(f"{name}/max", There(x[0].nan_to_num()) if there else x[0].nan_to_num())
                    tally.weigh(
                        f"{name}/size", *(There(v) if there else v for v in (x.nan_to_num().abs(), torch.ones(len(x), dtype=torch.bool)))
                    )
            found.append(tally.means())
    assert found[0] == pytest.approx(found[1]) and list(found[0]) == list(found[1])


def test_the_scale_of_float16_is_found_where_the_gradient_is(monkeypatch):
    scales = []
    for there in (False, True):
        with at_hand(monkeypatch):
            copied = ComputeCopy(torch.nn.Linear(2, 2), torch.float16)
            for largest in (0.0, 3e-7, 1.0):
                gradient = torch.tensor([0.0, largest])
                copied.leaving(torch.ones(2, requires_grad=True)) if largest == 0 else None
                scale = copied.scale_for(There(gradient) if there else gradient)
                scales.append(float(scale.held if isinstance(scale, There) else scale))
    assert scales[:3] == scales[3:] == [1.0, 2.0**22, 2.0**22]  # 1 / 3e-7 is nearest to 2^22; and it stays
