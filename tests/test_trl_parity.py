"""The parts against TRL's own code, called on a stand-in for its trainer: values and gradients, no model and no download."""

import copy
import math
import warnings
from collections import defaultdict
from types import SimpleNamespace

import pytest
import torch

from guerdon.credit.advantages.each_reward import EachReward
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.advantages.leave_one_out import LeaveOneOut
from guerdon.credit.scales.batch_deviation import BatchDeviation
from guerdon.feedback.rewards.length import Length
from guerdon.losses.comparisons.anchored_down import AnchoredDown
from guerdon.losses.comparisons.anchored_zero import AnchoredZero
from guerdon.losses.comparisons.hinge import Hinge
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.comparisons.modulated_logistic import ModulatedLogistic
from guerdon.losses.comparisons.noise_contrastive import NoiseContrastive
from guerdon.losses.comparisons.pointwise_logistic import PointwiseLogistic
from guerdon.losses.comparisons.pointwise_square import PointwiseSquare
from guerdon.losses.comparisons.reverse_kl import ReverseKL
from guerdon.losses.comparisons.sorted_logistic import SortedLogistic
from guerdon.losses.comparisons.sorted_margins import SortedMargins
from guerdon.losses.comparisons.square import Square
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.importance_weighted import ImportanceWeighted
from guerdon.losses.levels.geometric_mean import GeometricMean
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.penalties.kl_exponential import KLExponential
from guerdon.losses.pointwise import Pointwise
from guerdon.losses.reduce.constant_length import ConstantLength
from guerdon.losses.reduce.sequence_mean import SequenceMean
from guerdon.losses.reduce.token_mean import TokenMean
from guerdon.losses.reference_points.mismatched_kl import MismatchedKL
from guerdon.losses.scores.alpha_divergence import AlphaDivergence
from guerdon.losses.scores.alpha_likelihood import AlphaLikelihood
from guerdon.losses.scores.head import Head
from guerdon.losses.scores.jensen_shannon import JensenShannon
from guerdon.losses.scores.length_desensitised import LengthDesensitised
from guerdon.losses.scores.log_odds import LogOdds
from guerdon.losses.scores.log_probability import LogProbability
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.losses.scores.mean_log_probability import MeanLogProbability
from guerdon.losses.scores.mean_log_ratio import MeanLogRatio
from guerdon.losses.surrogates.bounded_weight import BoundedWeight
from guerdon.losses.surrogates.clip import Clip
from guerdon.losses.surrogates.gamma_weight import GammaWeight
from guerdon.losses.surrogates.sequence_ratio import SequenceRatio
from guerdon.losses.surrogates.soft_gate import SoftGate
from guerdon.losses.verdicts.prospect import Prospect
from guerdon.losses.weights.sampled_alignment import SampledAlignment
from guerdon.models.finite.prefix_table import PrefixTable
from guerdon.parts import call
from guerdon.recipes.mpo import recipe as mpo
from guerdon.training.controllers.entropy_floor import EntropyFloor
from guerdon.training.updates.moving_average import MovingAverage
from guerdon.training.updates.reset_reference import ResetReference
from guerdon.training.views import Views

pytest.importorskip("trl")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from trl.experimental.cpo.cpo_trainer import CPOTrainer
    from trl.experimental.orpo.orpo_trainer import ORPOTrainer
    from trl.trainer.callbacks import SyncRefModelCallback
    from trl.trainer.dpo_trainer import DPOTrainer
    from trl.trainer.grpo_trainer import GRPOTrainer
    from trl.trainer.kto_trainer import KTOTrainer
    from trl.trainer.reward_trainer import RewardTrainer
    from trl.trainer.rloo_trainer import RLOOTrainer


@pytest.fixture(autouse=True)
def in_double_precision():
    """So that what differs is a formula and not its rounding."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


def agree(mine, theirs, precision=torch.float64):
    """Values and gradients, to a part in a billion; to a part in a million where TRL computes in single precision whatever it is given."""
    rtol, atol = (1e-9, 1e-12) if precision == torch.float64 else (1e-6, 1e-7)
    torch.testing.assert_close(mine, theirs, rtol=rtol, atol=atol, check_dtype=False)


class Alone:
    """An accelerator of one process."""

    device = torch.device("cpu")
    num_processes = 1
    process_index = 0
    sync_gradients = True

    def gather(self, x):
        return x

    gather_for_metrics = gather

    def reduce(self, x, reduction="sum"):
        return x


class Namespace(SimpleNamespace):
    """A trainer's attributes; those that no test sets are None, which TRL reads as switched off."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return None


def random_rows(rows, steps, seed):
    rng = torch.Generator().manual_seed(seed)
    lengths = torch.randint(1, steps + 1, (rows, 1), generator=rng)
    mask = torch.arange(steps) < lengths
    logp = (-0.7 * torch.randn(rows, steps, generator=rng).abs() - 0.05).requires_grad_()
    other = logp.detach() + 0.4 * torch.randn(rows, steps, generator=rng)
    return logp, other, mask


def value_and_gradient(loss, leaf):
    leaf.grad = None
    loss.backward()
    return loss.detach(), leaf.grad.clone()


def trl_dpo(logp, ref_logp, mask, hold=None, **settings):
    """TRL's loss of [chosen; rejected] rows: its own method, with a 'model' that returns the given log-probabilities, and what else is to ``hold``."""
    trainer = Namespace(
        model=Namespace(training=False),
        accelerator=Alone(),
        aux_loss_enabled=False,
        precompute_ref_logps=False,
        args=Namespace(),
        f_divergence_type="reverse_kl",
        beta=0.3,
        label_smoothing=0.0,
        loss_weights=[1.0],
        use_weighting=False,
        _metrics={"eval": defaultdict(list)},
        _total_train_tokens=0,
    )
    vars(trainer).update(settings)

    def answering(values):
        def model(**_):
            flat = torch.zeros_like(mask, dtype=torch.float)
            return SimpleNamespace(log_probs=values * mask, entropy=flat, mean_logits=flat, is_top1=mask, **(hold or {}))

        return model

    trainer.ref_model = answering(ref_logp)
    prompt = torch.zeros(len(mask), 1, dtype=torch.long)
    completion_mask = torch.cat([prompt, mask.long()], 1)
    inputs = {"input_ids": torch.zeros_like(completion_mask), "completion_mask": completion_mask}
    return DPOTrainer._compute_loss(trainer, answering(logp), inputs, return_outputs=False)


def ours_on_pairs(loss, logp, ref_logp, mask, **more):
    half = len(logp) // 2
    sides = {"chosen": slice(0, half), "rejected": slice(half, None)}
    tensors = {"logp": logp, "ref_logp": ref_logp, "mask": mask, **more}
    return call(loss, {f"{side}_{name}": x[rows] for side, rows in sides.items() for name, x in tensors.items()}).mean()


PAIRS = [
    ("sigmoid", Pairwise(LogRatio(0.3), Logistic()), {}),
    ("hinge", Pairwise(LogRatio(0.3), Hinge()), {}),
    ("ipo", Pairwise(MeanLogRatio(1.0), Square(target=1 / (2 * 0.3))), {}),
    ("sigmoid_norm", Pairwise(MeanLogRatio(0.3), Logistic()), {}),
    ("robust", Pairwise(LogRatio(0.3), Logistic(label_smoothing=-0.1 / (1 - 2 * 0.1))), {"label_smoothing": 0.1}),
    ("exo_pair", Pairwise(LogRatio(0.3), ReverseKL(label_smoothing=0.1)), {"label_smoothing": 0.1}),
    ("nca_pair", Pairwise(LogRatio(0.3), NoiseContrastive()), {}),
    ("bco_pair", Pairwise(LogRatio(0.3), PointwiseLogistic()), {}),
    ("sppo_hard", Pairwise(LogRatio(1.0), PointwiseSquare(target=0.5 / 0.3)), {}),
    ("aot", Pairwise(LogProbability(0.3), SortedMargins(label_smoothing=0.1)), {"label_smoothing": 0.1}),
    ("aot_unpaired", Pairwise(LogRatio(0.3), SortedLogistic(label_smoothing=0.1)), {"label_smoothing": 0.1}),
    ("apo_zero", Pairwise(LogRatio(0.3), AnchoredZero()), {}),
    ("apo_down", Pairwise(LogRatio(0.3), AnchoredDown()), {}),
    ("discopop", Pairwise(LogRatio(0.3), ModulatedLogistic()), {"args": Namespace(discopop_tau=0.05)}),
]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("loss_type", "loss", "settings"), PAIRS, ids=[p[0] for p in PAIRS])
def test_losses_of_pairs_are_trls(loss_type, loss, settings, seed):
    logp, ref_logp, mask = random_rows(8, 5, seed)
    theirs = value_and_gradient(trl_dpo(logp, ref_logp, mask, loss_types=[loss_type], **settings), logp)
    mine = value_and_gradient(ours_on_pairs(loss, logp, ref_logp, mask), logp)
    agree(mine, theirs)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("loss_type", "link"), [("sigmoid", Logistic()), ("apo_zero", AnchoredZero())])
def test_the_weight_of_a_pair_is_trls(loss_type, link, seed):
    logits = 2 * torch.randn(8, 5, 7, generator=torch.Generator().manual_seed(seed))
    steps = logits.log_softmax(-1)
    _, ref_logp, mask = random_rows(8, 5, seed)
    logp = steps[..., 0].clone().requires_grad_()
    hold = {"log_sum_sq_probs": steps.exp().square().sum(-1).log()}
    theirs = value_and_gradient(trl_dpo(logp, ref_logp, mask, loss_types=[loss_type], use_weighting=True, hold=hold), logp)
    more = {"collision_entropy": -hold["log_sum_sq_probs"]}
    loss = Pairwise(LogRatio(0.3), link, weight=SampledAlignment())
    mine = value_and_gradient(ours_on_pairs(loss, logp, ref_logp, mask, **more), logp)
    agree(mine, theirs)
    assert not torch.allclose(mine[0], ours_on_pairs(Pairwise(LogRatio(0.3), link), logp, ref_logp, mask), rtol=1e-3)


LENGTHS = [
    ("sigmoid", {}, LogRatio(0.3), Logistic()),
    ("bco_pair", {}, LogRatio(0.3), PointwiseLogistic()),
    ("aot", {}, LogProbability(0.3), SortedMargins()),
    ("sigmoid_norm", {}, MeanLogRatio(0.3), Logistic()),
    ("sigmoid", {"f_divergence_type": "js_divergence"}, JensenShannon(0.3), Logistic()),
]


@pytest.mark.parametrize("alpha", [0.0, 0.4, 1.0])
@pytest.mark.parametrize(("loss_type", "settings", "score", "link"), LENGTHS)
def test_taking_length_away_is_trls(loss_type, settings, score, link, alpha):
    logp, ref_logp, mask = random_rows(8, 5, 0)
    theirs = value_and_gradient(trl_dpo(logp, ref_logp, mask, loss_types=[loss_type], ld_alpha=alpha, **settings), logp)
    mine = value_and_gradient(ours_on_pairs(Pairwise(LengthDesensitised(score, alpha), link), logp, ref_logp, mask), logp)
    agree(mine, theirs)
    whole = ours_on_pairs(Pairwise(score, link), logp, ref_logp, mask)
    assert torch.allclose(mine[0], whole) is (alpha == 1)


DIVERGENCES = [
    ({"f_divergence_type": "forward_kl"}, AlphaDivergence(alpha=1.0, beta=0.3)),
    ({"f_divergence_type": "alpha_divergence", "f_alpha_divergence_coef": 0.3}, AlphaDivergence(alpha=0.7, beta=0.3)),
    ({"f_divergence_type": "alpha_divergence", "f_alpha_divergence_coef": 1.0}, AlphaDivergence(alpha=0.0, beta=0.3)),
    ({"f_divergence_type": "js_divergence"}, JensenShannon(beta=0.3)),
]


@pytest.mark.parametrize(("settings", "score"), DIVERGENCES, ids=lambda x: "-".join(map(str, x.values())) if isinstance(x, dict) else "")
@pytest.mark.parametrize(("loss_type", "link"), [("sigmoid", Logistic()), ("hinge", Hinge())])
def test_divergences_are_trls(settings, score, loss_type, link):
    bounded = settings.get("f_alpha_divergence_coef", 1.0) < 1  # by a bound on exponents that TRL does not know in double precision
    precision = torch.float32 if bounded else torch.float64
    torch.set_default_dtype(precision)
    logp, ref_logp, mask = random_rows(8, 5, 0)
    theirs = value_and_gradient(trl_dpo(logp, ref_logp, mask, loss_types=[loss_type], **settings), logp)
    mine = value_and_gradient(ours_on_pairs(Pairwise(score, link), logp, ref_logp, mask), logp)
    agree(mine, theirs, precision)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("good", "bad"), [(1.0, 1.0), (1.5, 0.5)])
@pytest.mark.parametrize(("loss_type", "reference_point"), [("kto", MismatchedKL()), ("apo_zero_unpaired", None)])
def test_losses_of_verdicts_are_trls(loss_type, reference_point, good, bad, seed):
    logp, ref_logp, mask = random_rows(8, 5, seed)
    crossed, ref_crossed, _ = random_rows(8, 5, seed + 50)
    crossed = crossed.detach() + 0.3 * (seed - 1)  # the estimate of the KL is 0 for the first seed, and above it for the last
    label = torch.rand(8, generator=torch.Generator().manual_seed(seed)) < 0.5
    prompt = torch.zeros(8, 1, dtype=torch.long)

    def answering(values, of_others):
        def model(input_ids, **_):
            flat = torch.zeros_like(mask, dtype=torch.float)
            found = (of_others if input_ids.any() else values) * mask
            return SimpleNamespace(log_probs=found, entropy=flat, mean_logits=flat)

        return model

    trainer = Namespace(
        model=Namespace(training=False),
        ref_model=answering(ref_logp, ref_crossed),
        accelerator=Alone(),
        args=Namespace(),
        aux_loss_enabled=False,
        precompute_ref_logps=False,
        calculate_KL=loss_type == "kto",
        loss_type=loss_type,
        beta=0.3,
        desirable_weight=good,
        undesirable_weight=bad,
        _metrics={"eval": defaultdict(list)},
    )
    trainer._compute_kl_logps = lambda model, batch: KTOTrainer._compute_kl_logps(trainer, model, batch)
    whole = torch.cat([prompt, mask.long()], 1)
    inputs = {"input_ids": torch.zeros_like(whole), "attention_mask": whole, "completion_mask": whole, "label": label}
    if loss_type == "kto":
        inputs |= {"KL_input_ids": torch.ones_like(whole), "KL_attention_mask": whole, "KL_completion_mask": whole}
    theirs = value_and_gradient(KTOTrainer._compute_loss(trainer, answering(logp, crossed), inputs, False), logp)
    given = {"logp": logp, "ref_logp": ref_logp, "mask": mask, "label": label.float()}
    given |= {"mismatched_logp": crossed, "mismatched_ref_logp": ref_crossed}
    loss = Pointwise(LogRatio(0.3), Prospect(good, bad), reference_point)
    agree(value_and_gradient(call(loss, given).mean(), logp), theirs)
    settled = loss.settle(lambda names: {name: given[name] for name in names})
    agree(value_and_gradient(call(settled, given).mean(), logp), theirs)
    (kl,) = trainer._metrics["eval"]["kl"]
    assert float(loss.scores(given)["reference_point"][0]) == pytest.approx(0.3 * kl, abs=1e-6)
    assert (kl > 0) is (loss_type == "kto" and seed == 2)


@pytest.mark.parametrize(("alpha", "every"), [(0.6, 1), (0.6, 3), (1.0, 2)])
def test_a_reference_that_follows_is_trls(alpha, every):
    moving, ours = PrefixTable(1, 4, 1, None, deviation=1.0, seed=0).build(), PrefixTable(1, 4, 1, None).build()
    theirs = copy.deepcopy(ours.module)
    updates = (MovingAverage(into="ref", decay=1 - alpha, every=every),)
    if alpha == 1.0:
        updates += (ResetReference(every=every),)  # the hard update, after a soft one that leaves nothing
    views = Views(moving, (), updates, {"ref": ours})
    callback = SyncRefModelCallback(theirs, None)
    callback.sync_target_model = callback._sync_target_model  # which asks for accelerate's state
    for step in range(1, 8):
        with torch.no_grad():
            moving.logits.add_(torch.randn(moving.logits.shape, generator=torch.Generator().manual_seed(step)))
        settings = SimpleNamespace(ref_model_sync_steps=every, ref_model_mixup_alpha=alpha)
        callback.on_step_end(settings, SimpleNamespace(global_step=step), None, model=moving.module)
        views.update(step)
        torch.testing.assert_close(ours.logits, theirs["logits"], rtol=1e-12, atol=1e-12)
    assert ours.logits.any()


def average_logp(logp, mask):
    return (logp * mask).sum(-1) / mask.sum(-1)


def test_odds_are_trls():
    logp, ref_logp, mask = random_rows(8, 5, 0)
    chosen, rejected = average_logp(logp, mask).chunk(2)
    theirs = value_and_gradient(-ORPOTrainer.odds_ratio_loss(Namespace(beta=0.1, accelerator=Alone()), chosen, rejected)[0].mean(), logp)
    mine = value_and_gradient(0.1 * ours_on_pairs(Pairwise(LogOdds(), Logistic()), logp, ref_logp, mask), logp)
    agree(mine, theirs, torch.float32)


@pytest.mark.parametrize(
    ("loss_type", "alpha", "score", "link"),
    [
        ("sigmoid", 0.0, LogProbability(0.3), Logistic()),
        ("simpo", 0.0, MeanLogProbability(0.3), Logistic(lead=0.5)),
        ("simpo", 0.25, AlphaLikelihood(0.25, 0.3), Logistic(lead=0.5)),
        ("simpo", -0.5, AlphaLikelihood(-0.5, 0.3), Logistic(lead=0.5)),
        ("hinge", 0.0, LogProbability(0.3), Hinge()),
        ("ipo", 0.0, MeanLogProbability(1.0), Square(target=1 / (2 * 0.3))),
    ],
)
def test_comparisons_without_a_reference_are_trls(loss_type, alpha, score, link):
    logp, ref_logp, mask = random_rows(8, 5, 0)
    sums = average_logp(logp, mask) if loss_type in ("simpo", "ipo") else (logp * mask).sum(-1)
    trainer = Namespace(beta=0.3, simpo_gamma=0.5, loss_type=loss_type, label_smoothing=0.0, alpha=alpha, accelerator=Alone())
    theirs = value_and_gradient(CPOTrainer.cpo_loss(trainer, *sums.chunk(2))[0].mean(), logp)
    mine = value_and_gradient(ours_on_pairs(Pairwise(score, link), logp, ref_logp, mask), logp)
    agree(mine, theirs)


@pytest.mark.parametrize("seed", range(3))
def test_a_mixture_is_trls(seed):
    logp, ref_logp, mask = random_rows(8, 5, seed)
    settings = {"loss_types": ["sigmoid", "bco_pair", "sft"], "loss_weights": [0.8, 0.2, 1.0], "beta": 0.1}
    theirs = value_and_gradient(trl_dpo(logp, ref_logp, mask, **settings), logp)
    tensors = {"logp": logp, "ref_logp": ref_logp, "mask": mask}
    given = {f"{side}_{name}": x for name, both in tensors.items() for side, x in zip(("chosen", "rejected"), both.chunk(2), strict=True)}
    mine = 0.0
    for term in mpo.terms:
        each = call(term.loss, given)
        shown = given["chosen_mask"] if each.dim() > 1 else torch.ones(len(each), 1, dtype=torch.bool)
        mine = mine + term.weight * (term.reduce(shown) * each.reshape(shown.shape)).sum()
    agree(value_and_gradient(mine, logp), theirs)


@pytest.mark.parametrize("seed", range(3))
def test_label_smoothing_is_trls(seed):
    # AOT sorts the batch before it compares; with one pair that is conservative DPO.
    logp, ref_logp, mask = random_rows(2, 5, seed)
    settings = {"loss_types": ["aot_unpaired"], "label_smoothing": 0.2}
    theirs = value_and_gradient(trl_dpo(logp, ref_logp, mask, **settings), logp)
    mine = value_and_gradient(ours_on_pairs(Pairwise(LogRatio(0.3), Logistic(label_smoothing=0.2)), logp, ref_logp, mask), logp)
    agree(mine, theirs)


def test_imitation_is_trls():
    logp, ref_logp, mask = random_rows(6, 5, 0)
    theirs = value_and_gradient(trl_dpo(logp, ref_logp, mask, loss_types=["sft"]), logp)
    chosen = mask[:3]
    mine = value_and_gradient((TokenMean()(chosen) * NegativeLogLikelihood()(logp[:3])).sum(), logp)
    agree(mine, theirs)


def trl_grpo(logp, old_logp, ref_logp, mask, advantage, keep=lambda **_: None, **settings):
    """TRL's loss of a batch: its own method, with the forward pass replaced by the given log-probabilities."""
    trainer = Namespace(
        model=Namespace(training=False),
        accelerator=Alone(),
        args=Namespace(),
        aux_loss_enabled=False,
        top_entropy_quantile=1.0,
        importance_sampling_level="token",
        beta=0.0,
        epsilon_low=0.2,
        epsilon_high=0.28,
        max_completion_length=7,
        current_gradient_accumulation_steps=1,
        _metrics={"eval": defaultdict(list)},
        _get_per_token_logps_and_entropies=lambda *_, **__: (logp, torch.zeros_like(logp).detach(), None),
    )
    vars(trainer).update(settings)
    keep(trainer=trainer)
    empty = torch.zeros(len(mask), 1, dtype=torch.long)
    inputs = {
        "prompt_ids": empty,
        "prompt_mask": empty,
        "completion_ids": torch.zeros_like(mask, dtype=torch.long),
        "completion_mask": mask.long(),
        "advantages": advantage,
        "old_per_token_logps": old_logp,
        "ref_per_token_logps": ref_logp,
        "num_items_in_batch": mask.sum(),
    }
    return GRPOTrainer._compute_loss(trainer, None, inputs)


VESPO = Namespace(vespo_k_pos=1.5, vespo_lambda_pos=2.5, vespo_k_neg=3.5, vespo_lambda_neg=1.25)
# TRL's cispo bounds the weight by ``epsilon_high`` itself, ours by 1 + ``epsilon_high``; its sequence level is the sequence form.
POLICY = [
    ({"loss_type": "grpo"}, Clip(0.2, epsilon_high=0.28), SequenceMean()),
    ({"loss_type": "bnpo"}, Clip(0.2, epsilon_high=0.28), TokenMean()),
    ({"loss_type": "dapo"}, Clip(0.2, epsilon_high=0.28), TokenMean()),
    ({"loss_type": "dr_grpo"}, Clip(0.2, epsilon_high=0.28), ConstantLength(length=7)),
    ({"loss_type": "cispo", "epsilon_high": 1.28}, BoundedWeight(epsilon_high=0.28), TokenMean()),
    ({"loss_type": "grpo", "importance_sampling_level": "sequence"}, SequenceRatio(0.2, 0.28), SequenceMean()),
    ({"loss_type": "luspo", "importance_sampling_level": "sequence"}, SequenceRatio(0.2, 0.28), ConstantLength(length=1)),
    ({"loss_type": "sapo", "args": Namespace(sapo_temperature_pos=0.7, sapo_temperature_neg=1.3)}, SoftGate(0.7, 1.3), SequenceMean()),
    (
        {"loss_type": "vespo", "args": VESPO, "get_gamma_weights": GRPOTrainer.get_gamma_weights},
        GammaWeight(1.5, 2.5, 3.5, 1.25),
        TokenMean(),
    ),
    ({"loss_type": "grpo", "args": Namespace(delta=1.5)}, Clip(0.2, epsilon_high=0.28, dual=1.5), SequenceMean()),
]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("beta", [0.0, 0.5])
@pytest.mark.parametrize(
    ("settings", "surrogate", "reduce"),
    POLICY,
    ids=lambda x: "-".join(v for v in x.values() if isinstance(v, str)) if isinstance(x, dict) else "",
)
def test_policy_losses_are_trls(settings, surrogate, reduce, beta, seed):
    logp, old_logp, mask = random_rows(8, 5, seed)
    ref_logp = random_rows(8, 5, seed + 100)[1]
    rng = torch.Generator().manual_seed(seed)
    advantage = torch.randn(8, generator=rng)
    theirs = value_and_gradient(trl_grpo(logp, old_logp, ref_logp, mask, advantage, beta=beta, **settings), logp)
    given = {"logp": logp, "old_logp": old_logp, "ref_logp": ref_logp, "mask": mask, "advantage": advantage[:, None].expand_as(logp)}
    losses = call(surrogate, given) + beta * call(KLExponential(), given)
    mine = value_and_gradient((reduce(mask) * losses).sum(), logp)
    agree(mine, theirs)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("level", [None, GeometricMean()])
def test_the_kl_with_its_bias_corrected_is_trls(level, seed):
    logp, old_logp, mask = random_rows(8, 5, seed)
    ref_logp = random_rows(8, 5, seed + 100)[1]
    none = torch.zeros(8)
    settings = {"loss_type": "grpo", "importance_sampling_level": "token" if level is None else "sequence", "beta": 0.5}
    theirs = value_and_gradient(
        trl_grpo(logp, old_logp, ref_logp, mask, none, args=Namespace(use_bias_correction_kl=True), **settings), logp
    )
    given = {"logp": logp, "old_logp": old_logp, "ref_logp": ref_logp, "mask": mask}
    mine = value_and_gradient((SequenceMean()(mask) * 0.5 * call(ImportanceWeighted(KLExponential(), level=level), given)).sum(), logp)
    agree(mine, theirs)


@pytest.mark.parametrize("seed", range(3))
def test_the_entropy_floor_is_trls(seed):
    rng = torch.Generator().manual_seed(seed)
    logp, mask = torch.zeros(2, 3, requires_grad=True), torch.ones(2, 3, dtype=torch.bool)
    settings = {"entropy_coef_min": 0.01, "entropy_coef_max": 0.05, "entropy_coef_delta": 0.02, "entropy_target": 0.5}
    trainer = {
        "model": Namespace(training=True),
        "args": Namespace(**settings),
        "loss_type": "grpo",
        "use_adaptive_entropy": True,
        "_entropy_bonus_enabled": True,
    }
    state = {"entropy_coef": 0.02, "_last_world_entropy": math.inf}
    floor = EntropyFloor(initial=0.02, target=0.5, step=0.02, low=0.01, high=0.05)
    ours, values = floor.init(), []
    for _ in range(12):
        entropy = torch.rand(2, 3, generator=rng)
        more = (
            trainer
            | state
            | {
                "_metrics": {"train": defaultdict(list)},
                "_get_per_token_logps_and_entropies": lambda *_, e=entropy, **__: (logp, e, None),
            }
        )
        kept: dict = {}
        theirs = trl_grpo(logp, logp.detach(), None, mask, torch.zeros(2), keep=kept.update, **more)
        state = {name: kept["trainer"].__dict__[name] for name in state}
        values.append(ours["value"])
        agree(-ours["value"] * entropy.mean(), theirs.detach())
        _, ours = floor(float(entropy.mean()), ours)
    assert 0.0 in values[1:] and len(set(values)) > 2


@pytest.mark.parametrize("margin", [False, True])
def test_reward_model_loss_is_trls(margin):
    scores = torch.tensor([0.3, -1.0, 2.0, 0.7, 0.1, 2.5], requires_grad=True)
    margins = torch.tensor([0.5, 0.0, 1.0])
    trainer = Namespace(
        model=Namespace(training=False), accelerator=Alone(), args=Namespace(), _metrics={"eval": defaultdict(list)}, _total_train_tokens=0
    )
    inputs = {"input_ids": torch.zeros(6, 2, dtype=torch.long)} | ({"margin": margins} if margin else {})
    theirs = value_and_gradient(RewardTrainer.compute_loss(trainer, lambda **_: SimpleNamespace(logits=scores[:, None]), inputs), scores)
    given = {"chosen_score": scores[:3], "rejected_score": scores[3:]} | ({"margin": margins} if margin else {})
    mine = value_and_gradient(call(Pairwise(Head(), Logistic()), given).mean(), scores)
    agree(mine, theirs)


def trl_advantages(trainer_class, reward, num_generations, **settings):
    """TRL's advantage of the given rewards: its own method, with generation and the reward functions replaced."""
    rows = len(reward)
    flat = torch.zeros(rows, 2)
    prompts, completions, texts = [[1]] * rows, [[1, 2]] * rows, [""] * rows
    generated = (prompts, completions, None, texts, *[None] * 4) if trainer_class is GRPOTrainer else (prompts, completions, texts)
    trainer = Namespace(
        model=Namespace(training=True),
        accelerator=Alone(),
        args=Namespace(gradient_accumulation_steps=1, steps_per_generation=1),
        num_iterations=1,
        _tokenizer=SimpleNamespace(pad_token_id=0),
        _generate=lambda prompts: generated,
        _get_per_token_logps_and_entropies=lambda *_, **__: (flat, flat, None),
        _calculate_rewards=lambda *_: reward[:, None],
        num_generations=num_generations,
        reward_weights=torch.ones(1),
        reward_funcs=[None],
        reward_func_names=["reward"],
        multi_objective_aggregation="sum_then_normalize",
        beta=0.0,
        _metrics={"train": defaultdict(list)},
        _logs={"prompt": [], "completion": [], "rewards": defaultdict(list), "advantages": [], "extra": defaultdict(list)},
        _pending_extra_logs={},
        _pending_metrics={},
    )
    vars(trainer).update(settings)
    return trainer_class._generate_and_score_completions(trainer, [{"prompt": "p"}] * rows)["advantages"]


ADVANTAGES = [
    (GRPOTrainer, {"scale_rewards": "group"}, GroupCentred()),
    (GRPOTrainer, {"scale_rewards": "batch"}, GroupCentred(BatchDeviation())),
    (GRPOTrainer, {"scale_rewards": "none"}, GroupCentred(scale=None)),
    (RLOOTrainer, {}, LeaveOneOut()),
]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("trainer", "settings", "advantage"), ADVANTAGES, ids=["group", "batch", "none", "leave-one-out"])
def test_advantages_are_trls(trainer, settings, advantage, seed):
    reward = torch.rand(12, generator=torch.Generator().manual_seed(seed))
    reward[:4] = 0.5  # a group that says nothing
    theirs = trl_advantages(trainer, reward, num_generations=4, **settings)
    group, mask = torch.arange(12) // 4, torch.ones(12, 1, dtype=torch.bool)
    torch.testing.assert_close(call(advantage, {"reward": reward, "group": group, "mask": mask})[:, 0], theirs, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_several_rewards_are_normalised_as_trl_does(seed):
    rng = torch.Generator().manual_seed(seed)
    rewards = torch.rand(12, 2, generator=rng)
    rewards[:4, 0], rewards[5, 1] = 0.5, torch.nan  # one that says nothing of a group, one that does not apply to an answer
    several = {
        "_calculate_rewards": lambda *_: rewards,
        "reward_weights": torch.tensor([1.0, 0.3]),
        "reward_funcs": [None, None],
        "reward_func_names": ["a", "b"],
        "multi_objective_aggregation": "normalize_then_sum",
        "scale_rewards": "group",
    }
    theirs = trl_advantages(GRPOTrainer, rewards[:, 0], num_generations=4, **several)
    group, mask = torch.arange(12) // 4, torch.ones(12, 1, dtype=torch.bool)
    ours = EachReward(weights={"a": 1.0, "b": 0.3})(mask, component_a=rewards[:, 0], component_b=rewards[:, 1], group=group)
    torch.testing.assert_close(ours[:, 0], theirs, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("longest", "cache"), [(20, 5), (20, 20), (7, 1)])
def test_the_soft_punishment_of_long_answers_is_trls(longest, cache):
    from trl.rewards import get_soft_overlong_punishment

    ids = [[0] * n for n in range(longest + 4)]
    theirs = get_soft_overlong_punishment(longest, cache)(completion_ids=ids)
    ours = Length(longest, cache)(prompts=[""] * len(ids), completions=[""] * len(ids), completion_ids=ids)
    assert ours == pytest.approx(theirs)
