"""Surrogates, estimates of a KL, reductions and critics' losses against other trainers' functions.

The numbers were computed by their own functions, in float64, on ``inputs(seed=0)`` below: the value, and the gradient by the log-probabilities at the
acted steps, row by row, a loss of steps averaged as the row below says. Taken from

    verl            verl/trainer/ppo/core_algos.py                         b178a3cd5 (its k1+ and k3+ with the plus taken off before the estimate is looked up)
    OpenRLHF        openrlhf/models/loss.py, openrlhf/models/utils.py      3c3be623 (its KL is computed in float32)
    SkyRL           skyrl/backends/skyrl_train/utils/ppo_utils.py          a9564572e
    NeMo-RL         nemo_rl/algorithms/utils.py, loss/loss_functions.py    7ea279abf
    slime           slime/utils/ppo_utils.py                               624b824a8 (in float32)
    open-instruct   open_instruct/model_utils.py                           e6c3044aa

"far" are log-probabilities 16 times (a reference: 4 times) as large, on which clamps have their effect. TRL runs live in test_trl_parity.py.
"""

import math

import pytest
import torch
from torch.testing import assert_close

from guerdon.losses.clamped import Clamped
from guerdon.losses.corrected import Corrected
from guerdon.losses.corrections.binary_divergence import BinaryDivergence
from guerdon.losses.importance_weighted import ImportanceWeighted
from guerdon.losses.penalties.kl_absolute import KLAbsolute
from guerdon.losses.penalties.kl_direct import KLDirect
from guerdon.losses.penalties.kl_exponential import KLExponential
from guerdon.losses.penalties.kl_square import KLSquare
from guerdon.losses.reduce.constant_length import ConstantLength
from guerdon.losses.reduce.constant_total import ConstantTotal
from guerdon.losses.reduce.prompt_mean import PromptMean
from guerdon.losses.reduce.sequence_mean import SequenceMean
from guerdon.losses.reduce.token_mean import TokenMean
from guerdon.losses.straight_through import StraightThrough
from guerdon.losses.surrogates.bounded_weight import BoundedWeight
from guerdon.losses.surrogates.clip import Clip
from guerdon.losses.surrogates.clipped_geometric_mean import ClippedGeometricMean
from guerdon.losses.surrogates.reinforce import Reinforce
from guerdon.losses.surrogates.sequence_ratio import SequenceRatio
from guerdon.losses.surrogates.soft_gate import SoftGate
from guerdon.losses.values.clipped_regression import ClippedRegression
from guerdon.parts import call
from guerdon.training.controllers.adaptive_coefficient import AdaptiveCoefficient


def inputs(seed=0, batch=4, steps=5, spread=0.5):
    rng = torch.Generator().manual_seed(seed)

    def draw(*size):
        return torch.randn(*size, generator=rng, dtype=torch.float64)

    old = -draw(batch, steps).abs() - 0.05
    logp = (old + spread * draw(batch, steps)).clamp(max=-1e-3)
    ref = (old + spread * draw(batch, steps)).clamp(max=-1e-3)
    advantage = draw(batch, 1).expand(batch, steps).clone()
    mask = torch.arange(steps) < torch.randint(1, steps + 1, (batch, 1), generator=rng)
    return {
        "old_logp": old,
        "logp": logp,
        "ref_logp": ref,
        "advantage": advantage,
        "mask": mask,
        "group": torch.arange(batch) // 2,
        "reward": torch.tensor([1.0, 0.0, 0.0, 1.0], dtype=torch.float64),
    }


THEIRS = {
    "verl vanilla": (0.5659262297, [-0.02408404372, -0.02590703614, 0.0, 0.04583712602, 0.0, 0.0, 0.02457674592, 0.0, 0.0, 0.0, 0.0]),
    "verl gspo": (
        0.4019813284,
        [-0.03434600785, -0.03434600785, 0.04139815919, 0.04139815919, 0.04139815919, 0.04139815919, 0.06758605061, 0.0, 0.0, 0.0, 0.0],
    ),
    "verl sapo": (
        0.7006856092,
        [
            -0.03136026349,
            -0.03403463964,
            0.04138234432,
            0.03150143881,
            0.04655243117,
            0.04230266245,
            0.06748133253,
            0.03831712149,
            0.09309738115,
            0.05669413977,
            0.04854485445,
        ],
    ),
    "verl geo_mean": (
        0.4021721908,
        [
            -0.03434600778,
            -0.03434600778,
            0.04139815906,
            0.04139815906,
            0.04139815906,
            0.04139815906,
            0.06758604988,
            0.0,
            0.05942137972,
            0.05942137972,
            0.05942137972,
        ],
    ),
    "verl cispo": (
        -0.2299345812,
        [
            -0.02408404372,
            -0.02590703614,
            0.05708981074,
            0.04583712602,
            0.05708981074,
            0.05708981074,
            0.02457674592,
            0.05815257908,
            0.1151489247,
            0.08288664889,
            0.0718465739,
        ],
    ),
    "verl gpg": (
        -0.5992481002,
        [
            -0.1246965394,
            -0.1246965394,
            0.1308308163,
            0.1308308163,
            0.1308308163,
            0.1308308163,
            0.06286987489,
            0.2638829525,
            0.2638829525,
            0.2638829525,
            0.2638829525,
        ],
    ),
    "verl clip_cov": (
        0.5180699241,
        [
            -0.02408404372,
            -0.02590703614,
            0.0616580618,
            0.04583712602,
            0.0733321376,
            0.06343540578,
            0.02457674592,
            0.0,
            0.1456896272,
            0.0,
            0.0,
        ],
    ),
    "verl kl_cov": (
        0.6265129213,
        [
            -0.02408404372,
            -0.02590703614,
            0.0616580618,
            0.04583712602,
            0.1187866831,
            0.06343540578,
            0.02457674592,
            0.01269803362,
            0.1456896272,
            0.03743210344,
            0.0718465739,
        ],
    ),
    "verl token-mean": (
        -0.2179084001,
        [
            -0.04534419613,
            -0.04534419613,
            0.04757484229,
            0.04757484229,
            0.04757484229,
            0.04757484229,
            0.02286177269,
            0.09595743729,
            0.09595743729,
            0.09595743729,
            0.09595743729,
        ],
    ),
    "verl seq-mean-token-sum": (
        -0.5992481002,
        [
            -0.1246965394,
            -0.1246965394,
            0.1308308163,
            0.1308308163,
            0.1308308163,
            0.1308308163,
            0.06286987489,
            0.2638829525,
            0.2638829525,
            0.2638829525,
            0.2638829525,
        ],
    ),
    "verl seq-mean-token-mean": (
        -0.08713536938,
        [
            -0.06234826936,
            -0.06234826936,
            0.03270770399,
            0.03270770399,
            0.03270770399,
            0.03270770399,
            0.06286987426,
            0.06597073797,
            0.06597073797,
            0.06597073797,
            0.06597073797,
        ],
    ),
    "verl seq-mean-token-sum-norm": (
        -0.149812025,
        [
            -0.03117413484,
            -0.03117413484,
            0.03270770407,
            0.03270770407,
            0.03270770407,
            0.03270770407,
            0.01571746872,
            0.06597073813,
            0.06597073813,
            0.06597073813,
            0.06597073813,
        ],
    ),
    "verl k1": (
        0.1392468995,
        [
            0.09090909091,
            0.09090909091,
            0.09090909091,
            0.09090909091,
            0.09090909091,
            0.09090909091,
            0.09090909091,
            0.09090909091,
            0.09090909091,
            0.09090909091,
            0.09090909091,
        ],
    ),
    "verl abs": (
        0.4027270128,
        [
            -0.09090909091,
            0.09090909091,
            0.09090909091,
            0.09090909091,
            0.09090909091,
            0.09090909091,
            0.09090909091,
            -0.09090909091,
            0.09090909091,
            -0.09090909091,
            -0.09090909091,
        ],
    ),
    "verl k2": (
        0.1121397076,
        [
            -0.063475892,
            0.01080800594,
            0.01104294643,
            0.02786492164,
            0.06548335966,
            0.05305993071,
            0.0741801869,
            -0.03476896466,
            0.02854760486,
            -0.007981251447,
            -0.02551394853,
        ],
    ),
    "verl k3": (
        0.1045679623,
        [
            -0.09183647188,
            0.01019025611,
            0.01039859214,
            0.02399926251,
            0.04667290898,
            0.0401951537,
            0.05070865053,
            -0.04235310927,
            0.024499841,
            -0.008342085462,
            -0.02945406115,
        ],
    ),
    "verl k1+": (
        0.1392468995,
        [
            -0.063475892,
            0.01080800594,
            0.01104294643,
            0.02786492164,
            0.06548335966,
            0.05305993071,
            0.0741801869,
            -0.03476896466,
            0.02854760486,
            -0.007981251447,
            -0.02551394853,
        ],
    ),
    "verl k3+": (
        0.1045679623,
        [
            -0.063475892,
            0.01080800594,
            0.01104294643,
            0.02786492164,
            0.06548335966,
            0.05305993071,
            0.0741801869,
            -0.03476896466,
            0.02854760486,
            -0.007981251447,
            -0.02551394853,
        ],
    ),
    "verl k3 far": (7.465248902, [0.0, 0.0, 0.03431127687, -0.5459779783, -1.008331168, 0.08199865597, 0.0, 0.0, -0.9430706677, 0.0, 0.0]),
    "verl value": (
        0.1219113833,
        [
            -0.063475892,
            0.0,
            0.01104294643,
            0.02786492164,
            0.06548335966,
            0.05305993071,
            0.0741801869,
            -0.03476896466,
            0.02854760486,
            -0.007981251447,
            -0.02551394853,
        ],
    ),
    "openrlhf ppo": (0.4053949527, [-0.03311555995, -0.03562217451, 0.0, 0.03151302406, 0.0, 0.0, 0.06758605061, 0.0, 0.0, 0.0, 0.0]),
    "openrlhf gspo": (
        0.4019813284,
        [-0.03434600785, -0.03434600785, 0.04139815919, 0.04139815919, 0.04139815919, 0.04139815919, 0.06758605061, 0.0, 0.0, 0.0, 0.0],
    ),
    "openrlhf value": (
        0.08625107226,
        [
            -0.05752115036,
            -0.05088796286,
            0.02357271728,
            0.0,
            0.03933589581,
            0.02615618711,
            0.0,
            -0.04553040922,
            0.0379612533,
            -0.01331188483,
            -0.02630652766,
        ],
    ),
    "openrlhf k1 far": (
        -5.556422597,
        [0.0, 0.0, 0.09090909362, 0.09090909362, 0.09090909362, 0.09090909362, 0.0, 0.0, 0.09090909362, 0.0, 0.09090909362],
    ),
    "openrlhf k2 far": (
        6.433312738,
        [0.0, 0.0, 0.04308087751, -0.1769756824, -0.2265922427, 0.2111488134, 0.0, 0.0, -0.2210282236, 0.0, 0.0],
    ),
    "openrlhf k3 far": (
        7.46524891,
        [0.0, 0.0, 0.03431127965, -0.5459780693, -1.00833118, 0.08199866116, 0.0, 0.0, -0.9430705309, 0.0, 0.0],
    ),
    "skyrl prompt_mean": (
        -0.2665240746,
        [
            -0.04156551312,
            -0.04156551312,
            0.0436102721,
            0.0436102721,
            0.0436102721,
            0.0436102721,
            0.02514794996,
            0.105553181,
            0.105553181,
            0.105553181,
            0.105553181,
        ],
    ),
    "skyrl dppo binary_kl": (
        0.4474246734,
        [
            -0.02408404372,
            -0.02590703614,
            0.0616580618,
            0.04583712602,
            0.0733321376,
            0.06343540578,
            0.02457674592,
            0.0,
            0.1456896272,
            0.08288664889,
            0.0,
        ],
    ),
    "nemo k3 on-policy weight": (
        0.1045679623,
        [
            -0.063475892,
            0.01080800594,
            0.01104294643,
            0.02786492164,
            0.06548335966,
            0.05305993071,
            0.0741801869,
            -0.03476896466,
            0.02854760486,
            -0.007981251447,
            -0.02551394853,
        ],
    ),
    "nemo k3 importance weight": (
        0.1053599111,
        [
            -0.03371448362,
            0.006175065928,
            0.01431190606,
            0.02684712893,
            0.1009364301,
            0.07074912019,
            0.07974480504,
            -0.02107085208,
            0.04334306989,
            -0.006894089767,
            -0.0191031549,
        ],
    ),
    "slime low_var_kl importance ratio far": (8.940896339, [0.0, 0.0, 2.729510342, -0.09757845821, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]),
    "open-instruct estimator 0": (
        0.1392468995,
        [
            0.09090909091,
            0.09090909091,
            0.09090909091,
            0.09090909091,
            0.09090909091,
            0.09090909091,
            0.09090909091,
            0.09090909091,
            0.09090909091,
            0.09090909091,
            0.09090909091,
        ],
    ),
    "open-instruct estimator 1": (
        0.1121397076,
        [
            -0.063475892,
            0.01080800594,
            0.01104294643,
            0.02786492164,
            0.06548335966,
            0.05305993071,
            0.0741801869,
            -0.03476896466,
            0.02854760486,
            -0.007981251447,
            -0.02551394853,
        ],
    ),
    "open-instruct estimator 2": (
        0.1045679623,
        [
            -0.09183647188,
            0.01019025611,
            0.01039859214,
            0.02399926251,
            0.04667290898,
            0.0401951537,
            0.05070865053,
            -0.04235310927,
            0.024499841,
            -0.008342085462,
            -0.02945406115,
        ],
    ),
    "open-instruct estimator 3": (
        0.2613249457,
        [
            0.01457082534,
            0.05811523257,
            0.1321321252,
            0.114435679,
            0.2410642296,
            0.1919656034,
            0.1774734309,
            0.0340223043,
            0.1813679269,
            0.07163187041,
            0.04896355157,
        ],
    ),
    "nemo positive_example_nll": (
        1.243707882,
        [-0.1666666667, -0.1666666667, 0.0, 0.0, 0.0, 0.0, 0.0, -0.1666666667, -0.1666666667, -0.1666666667, -0.1666666667],
    ),
}

FAR = {"logp": 16.0, "ref_logp": 4.0, "old_logp": 16.0}
ROWS = [  # what they call it, the loss, the reduction
    ("verl vanilla", Clip(0.1, epsilon_high=0.3, dual=1.2), TokenMean()),
    ("verl gspo", SequenceRatio(0.1, 0.15), SequenceMean()),
    ("verl sapo", SoftGate(), SequenceMean()),
    ("verl geo_mean", ClippedGeometricMean(0.4, 0.3), SequenceMean()),
    ("verl cispo", BoundedWeight(1.0, 0.2), TokenMean()),
    ("verl gpg", Reinforce(), ConstantLength(length=1)),
    ("verl token-mean", Reinforce(), TokenMean()),
    ("verl seq-mean-token-sum", Reinforce(), ConstantLength(length=1)),
    ("verl seq-mean-token-mean", Reinforce(), SequenceMean()),
    ("verl seq-mean-token-sum-norm", Reinforce(), ConstantTotal(total=16)),
    ("verl k1", KLDirect(), TokenMean()),
    ("verl abs", KLAbsolute(), TokenMean()),
    ("verl k2", KLSquare(), TokenMean()),
    ("verl k3", Clamped(KLExponential()), TokenMean()),
    ("verl k1+", StraightThrough(KLDirect(), KLSquare()), TokenMean()),
    ("verl k3+", StraightThrough(KLExponential(), KLSquare()), TokenMean()),
    ("verl k3 far", Clamped(KLExponential()), TokenMean()),
    ("openrlhf ppo", Clip(0.1, epsilon_high=0.3, dual=1.2), SequenceMean()),
    ("openrlhf gspo", SequenceRatio(0.1, 0.15), SequenceMean()),
    ("openrlhf k1 far", Clamped(KLDirect()), TokenMean()),
    ("openrlhf k2 far", Clamped(KLSquare()), TokenMean()),
    ("openrlhf k3 far", Clamped(KLExponential()), TokenMean()),
    ("skyrl dppo binary_kl", Corrected(Clip(1.0, math.inf), (BinaryDivergence(0.02, 0.03),), view=""), TokenMean()),
    ("skyrl prompt_mean", Reinforce(), PromptMean()),
    ("nemo k3 on-policy weight", ImportanceWeighted(KLExponential(), view=""), TokenMean()),
    ("nemo k3 importance weight", ImportanceWeighted(KLExponential()), TokenMean()),
    ("slime low_var_kl importance ratio far", Clamped(ImportanceWeighted(KLExponential())), TokenMean()),
    ("open-instruct estimator 0", KLDirect(), TokenMean()),
    ("open-instruct estimator 1", KLSquare(), TokenMean()),
    ("open-instruct estimator 2", KLExponential(), TokenMean()),
    ("open-instruct estimator 3", ImportanceWeighted(KLDirect()), TokenMean()),
]


def ours(loss, reduce, given, leaf="logp"):
    """The value, and the gradient by the leaf at the acted steps."""
    given = given | {leaf: given[leaf].clone().requires_grad_()}
    value = (call(reduce, given) * call(loss, given)).sum()
    (gradient,) = torch.autograd.grad(value, given[leaf])
    return value.detach(), gradient[given["mask"]]


def agree(mine, name, precise=True):
    value, gradient = (torch.tensor(x, dtype=torch.float64) for x in THEIRS[name])
    # Theirs add 1e-8 to denominators.
    assert_close(mine, (value, gradient), rtol=5e-8 if precise else 1e-6, atol=1e-9 if precise else 1e-7)


@pytest.mark.parametrize(("name", "loss", "reduce"), ROWS, ids=[row[0] for row in ROWS])
def test_objectives_are_theirs(name, loss, reduce):
    given = inputs()
    if name.endswith(" far"):
        given |= {key: factor * given[key] for key, factor in FAR.items()}
    agree(ours(loss, reduce, given), name, precise=not name.endswith(" far"))


@pytest.mark.parametrize(("name", "reduce"), [("verl value", TokenMean()), ("openrlhf value", TokenMean())])
def test_critics_losses_are_theirs_halved(name, reduce):
    given = inputs()
    given |= {"value": given["logp"], "old_value": given["old_logp"], "target": given["ref_logp"]}
    if name.startswith("openrlhf"):
        given |= {"old_value": given["ref_logp"], "target": given["old_logp"]}
    value, gradient = ours(ClippedRegression(0.2), reduce, given, leaf="value")
    agree((value / 2, gradient / 2), name)


def test_the_weight_of_a_kl_moves_as_theirs():
    """AdaptiveKLController of verl and of OpenRLHF, from 0.05 with target 4 and horizon 1000, 64 sequences a step."""
    part = AdaptiveCoefficient(initial=0.05, target=4.0, horizon=1000)
    state, values = part.init(), []
    for kl in (1.0, 3.8, 4.3, 40.0, 0.0):
        value, state = part(kl, state, sequences=64)
        values.append(value)
    assert values == pytest.approx([0.04936, 0.049202048, 0.0494382178304, 0.050071027018629116, 0.04943011787279066], rel=1e-12)
