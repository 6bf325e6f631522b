"""What is learned from rewritten answers, against the authors' code of RLMEC (github.com/Timothy023/RLMEC, ``process_data/Gen_Training_Data/gen_rlmec_data_math.py``).

The numbers are what its loop over ``f`` and ``g`` writes into ``reg_label`` for these letters in the place of token ids, and what the end of ``get_prob`` makes of these
probabilities.
"""

import pytest
import torch

from guerdon.credit.advantages.rewriter_likelihood import RewriterLikelihood
from guerdon.data.curation.edit_weights import EditWeights

REWRITTEN = {
    ("abcde", "abxde"): [0.5, 0.5, 1.0, 0.5, 0.5],
    ("abxcde", "abcde"): [0.5, 1.0, 0.5, 0.5, 0.5],
    ("abde", "abcde"): [0.5, 0.5, 1.0, 0.5, 0.5],
    ("kitten", "sitting"): [1.0, 0.5, 0.5, 0.5, 1.0, 0.5, 1.0],
    ("5+3=9so9", "5+3=8so8"): [0.5, 0.5, 0.5, 0.5, 1.0, 0.5, 0.5, 1.0],
}


@pytest.mark.parametrize("pair", REWRITTEN, ids="->".join)
def test_weights_of_edited_steps(pair):
    [row] = EditWeights()([{"prompt": "p", "rejected": list(pair[0]), "chosen": list(pair[1])}])
    assert row["weights"] == REWRITTEN[pair]


def test_rewards_of_tokens():
    probability = torch.tensor([[0.9, 0.55, 0.45, 0.01], [0.9, 0.55, 0.45, 0.01]], dtype=torch.float64)
    found = RewriterLikelihood()(probability.log(), torch.tensor([1.0, 0.0]), torch.ones(2, 4, dtype=torch.bool))
    expected = torch.tensor([[0.4, 0.05, 0.0, 0.0], [0.0, 0.0, -0.05, -0.1]], dtype=torch.float64)
    torch.testing.assert_close(found, expected)
