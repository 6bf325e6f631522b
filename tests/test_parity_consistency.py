"""The consistency blend, held to its authors' code: hijih/copo-code (095afa5a), ``verl/trainer/ppo/core_algos.py``, ``compute_score_global``, the advantages of
``compute_grpo_outcome_advantage_with_global`` and the weight of ``compute_policy_loss_with_global`` ("soft with forced", k 1, b 0.5). Their arithmetic was run once,
without what they write into files beside it, in float32, on the inputs that are drawn here.
"""

import torch

from guerdon.credit.advantages.consistency_blend import ConsistencyBlend

THEIRS = [
    0.755154,
    0.755154,
    -0.399238,
    0.755154,
    0.42521,
    -1.036905,
    0.42521,
    0.42521,
    -1.271435,
    -1.271435,
    -1.271435,
    -1.271435,
    0.719693,
    0.719693,
    0.719693,
    0.719693,
    -0.573596,
    0.888518,
    -0.573596,
    -0.573596,
]


def test_five_prompts_of_which_one_is_never_and_one_always_right():
    random = torch.Generator().manual_seed(12)
    reward = torch.randint(0, 2, (20,), generator=random).double()
    reward[8:12], reward[12:16] = 0.0, 1.0
    answer = torch.randint(0, 3, (20,), generator=random)
    found = ConsistencyBlend()(reward, torch.arange(20) // 4, torch.ones(20, 1, dtype=torch.bool), answer)
    torch.testing.assert_close(found[:, 0], torch.tensor(THEIRS, dtype=torch.float64), atol=5e-6, rtol=0)
