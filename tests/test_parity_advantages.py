"""Advantages, held to the functions of other trainers: each was run once, on the inputs that ``drawn`` draws, in float64, and gave the numbers that stand here.

Origins: verl ``verl/trainer/ppo/core_algos.py`` (commit b178a3cd), NeMo-RL ``nemo_rl/algorithms/advantage_estimator.py`` with ``utils.py`` (7ea279ab), SkyRL
``skyrl/backends/skyrl_train/utils/ppo_utils.py`` (a9564572),
``code/passk_adv.py`` of the authors of Pass@k training (c3ba575e), and ``ADORA/verl/trainer/ppo/core_algos.py`` of ADORA's (c5184853).
"""

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from guerdon.credit.advantages.each_reward import EachReward
from guerdon.credit.advantages.gae import GAE
from guerdon.credit.advantages.greedy_baseline import GreedyBaseline
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.advantages.leave_one_out import LeaveOneOut
from guerdon.credit.advantages.length_adaptive_gae import LengthAdaptiveGAE
from guerdon.credit.advantages.length_attenuated import LengthAttenuated
from guerdon.credit.advantages.length_weighted import LengthWeighted
from guerdon.credit.advantages.max_at_k import MaxAtK
from guerdon.credit.advantages.optimal_token_baseline import OptimalTokenBaseline
from guerdon.credit.advantages.penalties_apart import PenaltiesApart
from guerdon.credit.advantages.subset_normalised import SubsetNormalised
from guerdon.credit.scales.group_average import GroupAverage
from guerdon.credit.scales.group_deviation import GroupDeviation
from guerdon.credit.scales.nonzero_share import NonzeroShare
from guerdon.credit.scales.others_deviation import OthersDeviation
from guerdon.credit.targets.lambda_return import LambdaReturn
from guerdon.parts import call

# What they gave: of outcomes a number for each answer, else one for each step.
THEIRS = {
    "verl_opo": [
        0.2379718741,
        -0.9261768789,
        0.3971678165,
        -0.0164299575,
        0.3178546551,
        -1.5564133607,
        -0.0104868668,
        -0.3842296026,
        0.5973181375,
    ],
    "verl_gpg": [2.0, -1.0, -1.0, 1.0, 1.0, -2.0, 0.0, 0.0, 0.0],
    "verl_grpo_passk": [0.0, 0.0, 0.2203475098, 0.0, 0.3343908633, 0.0, 0.0, 0.0, 1.2268868394],
    "verl_grpo_passk_unscaled": [0.0, 0.0, 0.1591959424, 0.0, 0.3342846126, 0.0, 0.0, 0.0, 0.6078050043],
    "verl_otb": [
        [0.1061447791, 0.0775475699, -0.2040522929, -0.1728553693, -1.7e-09],
        [-1.1507722108, -1.0544886375, -1.1823404843, 0.0, 0.0],
        [0.5920237433, 0.6403563745, 0.3810060971, 0.0736781229, 0.0],
        [0.1541648179, -0.2256721257, 0.0, 0.0, 0.0],
        [0.3354372768, 0.0054647933, 4.1e-09, 4.4e-09, 4.1e-09],
        [-1.3627129318, 0.0, 0.0, 0.0, 0.0],
        [-0.1540340503, -0.036859641, 0.218359076, -3.4e-09, 0.0],
        [-0.5243129335, -0.4258244708, -0.2165942482, 0.0, 0.0],
        [0.6026927292, 0.6745732764, 0.0, 0.0, 0.0],
    ],
    "verl_tir": [
        [0.3020930478, 0.2843238752, 0.0, -0.0243100033, -0.167711505],
        [-1.1872349354, -1.0801233254, -1.2350091879, 0.0, 0.0],
        [0.5555610187, 0.6147216867, 0.3283373935, 0.0590511856, 0.0],
        [0.0786343038, -0.2981570249, 0.0, 0.0, 0.0],
        [0.3396095268, 0.0, 0.0126826583, 0.6469319203, 0.5949762327],
        [-1.4382434459, 0.0, 0.0, 0.0, 0.0],
        [-0.1540340503, -0.036859641, 0.218359076, -0.5323314725, 0.0],
        [-0.5243129335, -0.4258244708, -0.2165942482, 0.0, 0.0],
        [0.6026927292, 0.6745732764, 0.0, 0.0, 0.0],
    ],
    "verl_tir_plain": [
        [0.3020930478, 0.2843238752, 0.0, -0.0243100033, -0.167711505],
        [-1.1872349354, -1.0801233254, -1.2350091879, 0.0, 0.0],
        [0.5555610187, 0.6147216867, 0.3283373935, 0.0590511856, 0.0],
        [0.0786343038, -0.2981570249, 0.0, 0.0, 0.0],
        [0.3396095268, 0.0, 0.0126826583, 1.02e-08, 9.5e-09],
        [-1.4382434459, 0.0, 0.0, 0.0, 0.0],
        [-0.1540340503, -0.036859641, 0.218359076, -3.4e-09, 0.0],
        [-0.5243129335, -0.4258244708, -0.2165942482, 0.0, 0.0],
        [0.6026927292, 0.6745732764, 0.0, 0.0, 0.0],
    ],
    "verl_remax": [
        [-0.3555790876, -0.434380484, -0.4527183274, -0.2203073342, -0.2005365325],
        [-2.5515753042, -2.5054959181, -2.3700857455, 0.0, 0.0],
        [-1.4433510166, -1.4452225725, -1.4413108305, -1.5474247351, 0.0],
        [-0.6388201095, -0.621120981, 0.0, 0.0, 0.0],
        [0.2265194072, 0.2940829959, 0.3737857601, 0.2871552028, 0.2351995152],
        [-2.1323729331, 0.0, 0.0, 0.0, 0.0],
        [-0.097027288, -0.1423782638, -0.0858133368, -0.1181078011, 0.0],
        [-2.0752359551, -2.1392728775, -2.1286964449, 0.0, 0.0],
        [0.6002030444, 0.5095582064, 0.0, 0.0, 0.0],
    ],
    "verl_rloo_vectorized": [
        0.5024764053,
        -1.2437467242,
        0.7412703189,
        0.6028493953,
        1.1042763142,
        -1.7071257095,
        -0.1170311342,
        -0.6776452379,
        0.7946763721,
    ],
    "nemo_grpo": [
        -0.4520742129,
        -0.2869461388,
        -1.0301445288,
        6.9394346585,
        1.0,
        -0.5773492692,
        -0.5773492692,
        -0.5773492692,
        3.3341645369,
        -1.5105731395,
        0.0570166242,
        -0.4286796947,
    ],
    "nemo_gdpo": [
        -0.6863155433,
        -0.0904885443,
        -0.4260005443,
        2.6505322722,
        0.4904947822,
        -0.7428701393,
        -0.7428701393,
        -0.2215891177,
        1.0229569099,
        -0.6428868645,
        0.0647911711,
        -0.6757542427,
    ],
    "nemo_gae_adaptive": [
        [-1.8165232599, 0.0747370368, 0.5425813028, 0.5619162356, 0.5107855802],
        [0.8685668733, -3.1237563476, -1.095069489, 0.0, 0.0],
        [0.94180822, -0.6669112514, -0.0839573203, -1.6045031878, 0.0],
        [0.1623407515, 0.4548927867, 0.0, 0.0, 0.0],
        [-0.876521517, -0.4829742063, -0.3483271585, 2.7977795142, 0.067024286],
        [-0.9838915039, 0.0, 0.0, 0.0, 0.0],
        [0.5795048231, -0.120517223, -0.3551552824, -1.8485651418, 0.0],
        [-1.974058943, -0.1256617543, -0.5194563323, 0.0, 0.0],
        [0.9529222527, -1.2084947611, 0.0, 0.0, 0.0],
    ],
    "nemo_gae_value_target": [
        [-0.2138138257, -0.2138138257, -0.2138138257, -0.2138138257, -0.2138138257],
        [-1.3779625787, -1.3779625787, -1.3779625787, 0.0, 0.0],
        [-0.0546178833, -0.0546178833, -0.0546178833, -0.0546178833, 0.0],
        [0.4515457501, 0.4515457501, 0.0, 0.0, 0.0],
        [0.7858303627, 0.7858303627, 0.7858303627, 0.7858303627, 0.7858303627],
        [-1.0884376531, 0.0, 0.0, 0.0, 0.0],
        [-0.5598795173, -0.5598795173, -0.5598795173, -0.5598795173, 0.0],
        [-0.9336222531, -0.9336222531, -0.9336222531, 0.0, 0.0],
        [0.047925487, 0.047925487, 0.0, 0.0, 0.0],
    ],
    "skyrl_maxrl": [1.999994, -0.999997, -0.999997, 0.49999925, 0.49999925, -0.9999985, 0.0, 0.0, 0.0],
    "passk_adv": [
        [1.7320468076, -0.5773489359, -0.5773489359, 1.7320468076, -0.5773489359, -0.5773489359, -0.5773489359, -0.5773489359],
        [1.0741701572, -0.3580567191, -0.3580567191, 1.0741701572, -0.3580567191, -0.3580567191, -0.3580567191, -0.3580567191],
        [0.5222316951, -0.1740772317, -0.1740772317, 0.5222316951, -0.1740772317, -0.1740772317, -0.1740772317, -0.1740772317],
        [0.1924490527, -0.0641496842, -0.0641496842, 0.1924490527, -0.0641496842, -0.0641496842, -0.0641496842, -0.0641496842],
    ],
}


def drawn() -> dict[str, Tensor]:
    """Nine answers of up to five steps, to three prompts."""
    rng = torch.Generator().manual_seed(12)
    length = torch.tensor([5, 3, 4, 2, 5, 1, 4, 3, 2])
    steps = torch.arange(5)

    def uniform(*shape):
        return torch.rand(*shape, generator=rng, dtype=torch.float64)

    def normal(*shape):
        return torch.randn(*shape, generator=rng, dtype=torch.float64)

    mask = steps < length[:, None]
    outcome = normal(9)
    logp, collision, kl, value, greedy, four = -uniform(9, 5) - 0.05, uniform(9, 5), 0.1 * normal(9, 5), normal(9, 5), normal(9), normal(12)
    four[4:8] = torch.tensor([1.0, 0.0, 0.0, 0.0])
    gap = mask.clone()
    gap[0, 2] = gap[4, 1] = False  # what a tool said
    last = torch.where(steps == length[:, None] - 1, outcome[:, None], 0.0)
    return {
        "mask": mask,
        "gap": gap,
        "group": torch.arange(9) // 3,
        "reward": outcome,
        "right": torch.tensor([1.0, 0, 0, 1, 1, 0, 0, 0, 0], dtype=torch.float64),
        "outcome_step": last,
        "step_reward": torch.where(mask, last - kl, 0.0),
        "proximal_logp": logp,
        "proximal_collision_entropy": collision,
        "old_value": value,
        "greedy_reward": greedy,
        "four": four,
        "other": (uniform(12) < 0.5).double(),
    }


def close(ours: Tensor, name: str, mask: Tensor) -> None:
    wanted = torch.tensor(THEIRS[name], dtype=torch.float64)
    wanted = wanted[:, None].expand(mask.shape) if wanted.dim() == 1 else wanted
    exact = 2e-7 if name == "nemo_gae_adaptive" else 2e-10  # which works lam out in single precision
    assert_close(ours, torch.where(mask, wanted, 0.0), atol=exact, rtol=0)


@pytest.mark.parametrize(
    ("advantage", "name", "reads", "factor"),
    [
        (LengthWeighted(), "verl_opo", {}, 1),
        (GroupCentred(NonzeroShare()), "verl_gpg", {"reward": "right"}, 1),
        (MaxAtK(k=3), "verl_grpo_passk_unscaled", {}, 3),
        (MaxAtK(k=3, scale=GroupDeviation(1e-6)), "verl_grpo_passk", {}, 3),
        (OptimalTokenBaseline(), "verl_otb", {}, 1),
        (OptimalTokenBaseline(zero_tail=True), "verl_tir", {"mask": "gap"}, 1),
        (OptimalTokenBaseline(), "verl_tir_plain", {"mask": "gap"}, 1),
        (LeaveOneOut(), "verl_rloo_vectorized", {}, 1),
        (GroupCentred(GroupAverage(1e-6)), "skyrl_maxrl", {"reward": "right"}, 1),
        (LengthAdaptiveGAE(alpha=0.7), "nemo_gae_adaptive", {"step_reward": "outcome_step"}, 1),
        (LambdaReturn(GAE(lam=1.0)), "nemo_gae_value_target", {"step_reward": "outcome_step"}, 1),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_the_advantage_of(advantage, name, reads, factor):
    q = drawn()
    q = q | {ours: q[there] for ours, there in reads.items()}
    close(call(advantage, q) / factor, name, q["mask"])


def test_the_grpo_of_nemo_rl():
    """An answer that alone differs from the others is left as it is: the reward of 1 among zeros."""
    q, mask = drawn(), torch.ones(12, 1, dtype=torch.bool)
    close(LeaveOneOut(OthersDeviation())(q["four"], torch.arange(12) // 4, mask), "nemo_grpo", mask)


def test_the_gdpo_of_nemo_rl():
    q, mask = drawn(), torch.ones(12, 1, dtype=torch.bool)
    part = EachReward(LeaveOneOut(OthersDeviation()), {"a": 1.0, "b": 0.5}, epsilon=0.0)
    close(part(mask, component_a=q["four"], component_b=q["other"], group=torch.arange(12) // 4), "nemo_gdpo", mask)


def test_the_remax_of_verl():
    """Each prompt's greedy answer beside a drawn one, whose penalties are a return of their own."""
    q = drawn()
    both = torch.cat([q["reward"], q["greedy_reward"]])
    mask = q["mask"].repeat(2, 1)
    greedy, step = torch.arange(18) >= 9, torch.cat([q["step_reward"], torch.zeros_like(q["step_reward"])])
    step[9:] = torch.where(q["outcome_step"] != 0, q["greedy_reward"][:, None], 0.0)
    found = PenaltiesApart(GreedyBaseline())(both, step, mask, greedy=greedy.double(), group=torch.arange(9).repeat(2))
    close(found[:9], "verl_remax", q["mask"])


@pytest.mark.parametrize(("cut", "last"), [(6, 0.1), (5, 1.0)])
def test_adora_as_its_authors_have_it(cut, last):
    """Groups whose longest right answer is longer than the wrong ones, is not, has no wrong ones, and is where those that were cut off (of ``cut`` steps and more) do not count."""
    length = torch.tensor([5, 3, 4, 2, 2, 5, 4, 5, 3, 3, 3, 3, 3, 2, 5, 5])
    right = torch.tensor([1.0, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1, 1, 0, 0, 0], dtype=torch.float64)
    mask = torch.arange(5) < length[:, None]
    found = LengthAttenuated(GroupCentred(GroupDeviation(1e-6)))(2 * right, (length < cut).double(), torch.arange(16) // 4, mask)
    factor = torch.tensor([1.0, 0.1, 0.0, last], dtype=torch.float64).repeat_interleave(4)
    theirs = torch.tensor([1.4999985, -0.4999995, -0.4999995, -0.4999995], dtype=torch.float64).repeat(4) * factor
    assert_close(found[:, 0], theirs, atol=2e-8, rtol=0)


def test_pass_at_k_training_as_its_authors_have_it():
    """Their epsilon is added to the deviation, of the population, over subsets."""
    right, mask = torch.tensor([1.0, 0, 0, 1, 0, 0, 0, 0], dtype=torch.float64), torch.ones(8, 1, dtype=torch.bool)
    for k, wanted in zip((1, 2, 4, 6), THEIRS["passk_adv"], strict=True):
        got = SubsetNormalised(k)(right, torch.zeros(8, dtype=torch.long), mask)
        assert_close(got[:, 0], torch.tensor(wanted, dtype=torch.float64), atol=2e-10, rtol=0)
