"""Numbers of authors' code for reward models, computed once by running it on inputs that are written down here."""

import torch

from guerdon.exact.estimators.decorrelating_shares import DecorrelatingShares


def test_armorm_takes_as_much_of_verbosity_off_as_its_authors():
    """``find_proper_verbosity_penalties`` of ``armo-rm/stage-2_train.py`` in RLHFlow/RLHF-Reward-Modeling (commit 4cc5448), at thresholds of 0.03 and 0.2."""
    i, k = torch.arange(40, dtype=torch.float64), torch.arange(5, dtype=torch.float64)
    verbosity = torch.cos(2.3 * i)
    scores = torch.sin(1.7 * i.unsqueeze(-1) * (k + 1) + 0.3 * k) + torch.tensor([0.0, 0.15, 0.6, -0.4, 0.0]) * verbosity.unsqueeze(-1)
    scores[:, 4] = verbosity
    assert DecorrelatingShares()(scores).tolist() == [0.0, 0.1, 0.55, 0.0, 1.0]
    assert DecorrelatingShares(threshold=0.2)(scores).tolist() == [0.0, 0.0, 0.35, 0.0, 1.0]
