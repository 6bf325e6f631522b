"""Estimates of divergences in the loss: of which divergence each has the gradient, by enumeration in a finite world, on fresh steps and on old ones."""

import pytest
import torch
from torch.testing import assert_close

from guerdon.losses.clamped import Clamped
from guerdon.losses.importance_weighted import ImportanceWeighted
from guerdon.losses.penalties.kl_absolute import KLAbsolute
from guerdon.losses.penalties.kl_direct import KLDirect
from guerdon.losses.penalties.kl_exponential import KLExponential
from guerdon.losses.penalties.kl_square import KLSquare
from guerdon.losses.straight_through import StraightThrough
from guerdon.parts import call

LOGITS = torch.tensor([1.0, -0.5, 0.2, -2.0], dtype=torch.float64)
REF = torch.tensor([-0.3, 0.4, 0.8, -1.0], dtype=torch.float64).log_softmax(-1)
OLD = torch.tensor([0.5, 0.5, -1.0, -0.2], dtype=torch.float64).log_softmax(-1)


def reverse(p, q):
    return (p.exp() * (p - q)).sum()


def forward(p, q):
    return (q.exp() * (q - p)).sum()


def distance(p, q):
    return (p.exp() - q.exp()).abs().sum()


def nothing(p, q):
    return 0 * p.sum()


def half_square(p, q):
    return (p.exp() * (p - q) ** 2 / 2).sum()


def gradient(objective):
    theta = LOGITS.clone().requires_grad_()
    objective(theta.log_softmax(-1)).backward()
    return theta.grad


def expected(penalty, actor):
    """The expected gradient of a penalty on steps that ``actor`` has taken, every one of them by how often it takes it."""

    def loss(logp):
        old = logp.detach() if actor is None else actor
        given = {"logp": logp.unsqueeze(0), "ref_logp": REF.unsqueeze(0), "old_logp": old.unsqueeze(0)}
        return (old.exp() * call(penalty, given)[0]).sum()

    return gradient(loss)


def said(what):
    return getattr(what, "__name__", None) or str(what)


FRESH = [  # a penalty, the divergence whose gradient it has on the policy's own steps
    (KLDirect(), nothing),
    (KLSquare(), reverse),
    (KLExponential(), forward),
    (KLAbsolute(), distance),
    (ImportanceWeighted(KLDirect()), reverse),
    (ImportanceWeighted(KLExponential()), reverse),
    (ImportanceWeighted(KLDirect(), view=""), reverse),
    (ImportanceWeighted(KLExponential(), view=""), reverse),
    (ImportanceWeighted(KLSquare()), half_square),
    (StraightThrough(KLDirect(), KLSquare()), reverse),
    (StraightThrough(KLExponential(), KLSquare()), reverse),
    (Clamped(KLSquare()), reverse),  # nothing here is 10 nats off
]


@pytest.mark.parametrize(("penalty", "divergence"), FRESH, ids=said)
def test_on_fresh_steps(penalty, divergence):
    assert_close(expected(penalty, None), gradient(lambda p: divergence(p, REF)))


OLD_STEPS = [(ImportanceWeighted(KLDirect()), reverse), (ImportanceWeighted(KLExponential()), reverse)]


@pytest.mark.parametrize(("penalty", "divergence"), OLD_STEPS, ids=said)
def test_on_steps_of_another_policy(penalty, divergence):
    assert_close(expected(penalty, OLD), gradient(lambda p: divergence(p, REF)))


@pytest.mark.parametrize("penalty", [p for p, divergence in FRESH if divergence is not nothing and p not in dict(OLD_STEPS)], ids=str)
def test_the_others_have_none_of_them_on_steps_of_another_policy(penalty):
    found = expected(penalty, OLD)
    for divergence in (reverse, forward, distance):
        assert not torch.allclose(found, gradient(lambda p, d=divergence: d(p, REF)), atol=1e-3)


VALUES = [  # unbiased in value: on fresh steps the value is KL(policy || reference), and with the ratio on old ones too
    (KLDirect(), None),
    (KLExponential(), None),
    (StraightThrough(KLExponential(), KLSquare()), None),
    (ImportanceWeighted(KLExponential()), OLD),
    (ImportanceWeighted(KLDirect()), OLD),
]


@pytest.mark.parametrize(("penalty", "actor"), VALUES, ids=lambda x: str(x) if not isinstance(x, torch.Tensor) else "old")
def test_value(penalty, actor):
    logp = LOGITS.log_softmax(-1)
    old = logp if actor is None else actor
    found = call(penalty, {"logp": logp[None], "ref_logp": REF[None], "old_logp": old[None]})[0]
    assert_close((old.exp() * found).sum(), reverse(logp, REF))
