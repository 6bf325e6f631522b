"""Divergences to a teacher against those of TRL, called as they are, and of verl, as numbers that its code gave once."""

import warnings

import pytest
import torch

from guerdon.losses.against import Against
from guerdon.losses.penalties.jensen_shannon import JensenShannon
from guerdon.losses.penalties.kl_square import KLSquare
from guerdon.losses.penalties.top_forward_kl import TopForwardKL
from guerdon.losses.penalties.top_jensen_shannon import TopJensenShannon
from guerdon.models.language import tiles
from guerdon.models.language.functionals import top_logp
from guerdon.models.language.tiles import NextSteps, of_logits
from guerdon.parts import call, needs

V, STEPS = 11, 9


def logits(seed: int, steps: int = STEPS, vocabulary: int = V):
    g = torch.Generator().manual_seed(seed)
    student, teacher = (2 * torch.randn(steps, vocabulary, generator=g, dtype=torch.float64) for _ in range(2))
    return student.requires_grad_(), teacher, torch.randint(vocabulary, (steps,), generator=g)


def ours(loss, student, teacher, taken, temperature=1.0):
    """A penalty of each step, from what the tiles measure."""
    names = sorted(needs(loss))
    others = {"teacher": NextSteps(teacher, lambda x: x)}
    own = [
        name for name in names if not name.startswith("teacher_") or "kl" in name or "jensen" in name or "seen" in name or "shared" in name
    ]
    found = dict(zip(own, of_logits(student, taken, temperature, own, others), strict=True))
    plain = {"teacher_logp": "logp", "teacher_top_logp": "top_logp"}
    for name in set(names) - set(own):
        (found[name],) = of_logits(teacher, taken, temperature, [plain[name]])
    return call(loss, {name: value.unsqueeze(0) for name, value in found.items()}).squeeze(0)


def agree(mine, theirs, student):
    for a, b in ((mine, theirs), (torch.autograd.grad(mine.sum(), student)[0], torch.autograd.grad(theirs.sum(), student)[0])):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("temperature", [1.0, 0.7])
@pytest.mark.parametrize("beta", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_the_generalised_divergence_is_that_of_trls_gkd(beta, temperature, monkeypatch):
    pytest.importorskip("trl")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from trl.experimental.gkd.gkd_trainer import GKDTrainer
    monkeypatch.setattr(tiles, "TILE", 2 * V)
    student, teacher, taken = logits(0)
    whole = GKDTrainer.generalized_jsd_loss(
        student.unsqueeze(0), teacher.unsqueeze(0), beta=beta, temperature=temperature, reduction="none"
    )
    agree(ours(Against(JensenShannon(beta), view="teacher"), student, teacher, taken, temperature), whole.sum(-1).squeeze(0), student)
    labels = torch.where(torch.arange(STEPS) % 3 == 0, -100, taken)
    mean = GKDTrainer.generalized_jsd_loss(student.unsqueeze(0), teacher.unsqueeze(0), labels.unsqueeze(0), beta, temperature)
    each = ours(Against(JensenShannon(beta), view="teacher"), student, teacher, taken, temperature)
    torch.testing.assert_close(each[labels != -100].mean(), mean)  # the token mean


@pytest.mark.parametrize("beta", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("tail", [True, False])
def test_the_most_likely_steps_are_those_of_trls_self_distillation(beta, tail, monkeypatch):
    pytest.importorskip("trl")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from trl.experimental.sdpo.loss_utils import compute_topk_self_distillation_loss
    monkeypatch.setattr(top_logp, "TOP", 4)
    student, teacher, taken = logits(1)
    settings = {"distillation_topk": 4, "distillation_alpha": beta, "distillation_add_tail": tail}
    theirs = compute_topk_self_distillation_loss(student, teacher, **settings)
    agree(ours(Against(TopJensenShannon(beta, tail), view="teacher"), student, teacher, taken), theirs, student)


def test_the_step_taken_has_the_gradient_of_trls_sampled_token():
    pytest.importorskip("trl")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from trl.experimental.sdpo.loss_utils import compute_sampled_token_self_distillation_loss
    student, teacher, taken = logits(2)
    theirs = compute_sampled_token_self_distillation_loss(
        student.unsqueeze(0), teacher.unsqueeze(0), taken.unsqueeze(0), distillation_alpha=1.0
    )
    mine = ours(Against(KLSquare(), view="teacher"), student, teacher, taken)
    torch.testing.assert_close(*(torch.autograd.grad(x.sum(), student)[0] for x in (mine, theirs)), rtol=1e-9, atol=1e-11)


# verl, ``verl/trainer/distillation/fsdp/losses.py`` at 072cf9bd (``kl_divergence`` of the teacher's top 3) and ``tail_kl.py`` at 01dcf9f0 (``compute_tail_bucket_kl``, eps 1e-8),
# in float32 as they compute; student and then teacher 2 * randn(3, 6) in float64 of a generator with seed 0; the gradient is by the student's logits.
VERL = {
    False: (
        [2.352123, 1.914533, 3.940462],
        [
            [0.002986, 0.143792, 0.024362, -0.882399, 0.271311, 0.439948],
            [0.16814, -0.32619, 0.190157, 0.230812, 0.025138, -0.288057],
            [-0.532722, 0.582694, 0.012118, -0.38667, 0.083473, 0.241108],
        ],
    ),
    True: (
        [2.335585, 1.784186, 3.823748],
        [
            [0.002921, 0.140623, 0.023825, -0.882075, 0.272645, 0.442062],
            [0.148223, -0.324301, 0.167633, 0.273932, 0.022161, -0.287647],
            [-0.532434, 0.579292, 0.012047, -0.386478, 0.087873, 0.2397],
        ],
    ),
}


@pytest.mark.parametrize("tail", VERL)
def test_the_teachers_most_likely_steps_are_those_of_verl(tail, monkeypatch):
    monkeypatch.setattr(top_logp, "TOP", 3)
    g = torch.Generator().manual_seed(0)
    student, teacher = (2 * torch.randn(3, 6, generator=g, dtype=torch.float64) for _ in range(2))
    student.requires_grad_()
    mine = ours(Against(TopForwardKL(tail), view="teacher"), student, teacher, torch.zeros(3, dtype=torch.long))
    value, gradient = VERL[tail]
    torch.testing.assert_close(mine, torch.tensor(value, dtype=torch.float64), rtol=0, atol=2e-6)
    torch.testing.assert_close(torch.autograd.grad(mine.sum(), student)[0], torch.tensor(gradient, dtype=torch.float64), rtol=0, atol=2e-6)


@pytest.mark.parametrize(("mine", "other"), [(11, 7), (7, 11), (9, 9)])
def test_the_gap_of_sorted_probabilities_is_that_of_trls_gold(mine, other, monkeypatch):
    """``ULDLoss`` on places that both have, without its spans: the mean over them of the L1 distance, of vocabularies of two sizes."""
    pytest.importorskip("trl")
    from types import SimpleNamespace

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from trl.experimental.gold.gold_trainer import ULDLoss
    monkeypatch.setattr(tiles, "TILE", 2 * mine)
    plain = {
        "uld_skip_student_eos": False,
        "uld_skip_teacher_eos": False,
        "use_extended_uld": False,
        "uld_token_merge_strategy": "observed",
    }
    weights = {
        "uld_crossentropy_weight": 0.0,
        "uld_distillation_weight": 1.0,
        "uld_student_temperature": 0.8,
        "uld_teacher_temperature": 0.8,
    }
    g = torch.Generator().manual_seed(3)
    student, teacher = (2 * torch.randn(STEPS, width, generator=g, dtype=torch.float64) for width in (mine, other))
    student.requires_grad_()
    labels = torch.zeros(1, STEPS, dtype=torch.long)
    theirs = ULDLoss(SimpleNamespace(**plain, **weights))(student.unsqueeze(0), teacher.unsqueeze(0), labels, labels, labels, labels)
    (found,) = of_logits(student, labels[0], 0.8, ["teacher_sorted_gap"], {"teacher": NextSteps(teacher, lambda x: x)})
    agree(found.mean(), theirs, student)
