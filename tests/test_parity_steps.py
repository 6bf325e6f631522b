"""Scores of steps held to their authors' functions: each was run once and gave the numbers that stand here.

ReARTeR      FlashRAG/flashrag/pipeline/active_pipeline.py, update_values, of what was said of each step and those after it        bd5dd67
"""

import pytest
import torch
from torch.testing import assert_close

from guerdon.feedback.step_shaping.look_ahead import LookAhead

REARTER = (
    (0.5, (0.2, 1.1, 0.9, 2.0), (0.6, 1.0, 1.45, 2.0)),
    (0.25, (0.2, 1.1, 0.9, 2.0), (0.4125, 1.05, 1.175, 2.0)),
    (0.5, (-1.5, -0.5, 0.5, 1.5), (-0.625, 0.25, 1.0, 1.5)),
    (0.25, (-1.5, -0.5, 0.5, 1.5), (-1.171875, -0.1875, 0.75, 1.5)),
    (0.5, (0.7, 0.72, 3.0), (0.71, 1.86, 3.0)),  # 0.02 is too little to look beyond
    (0.5, (1.0, -2.0, 4.0), (-0.5, 1.0, 4.0)),
    (0.25, (0.4,), (0.4,)),
)


@pytest.mark.parametrize(("rate", "scores", "values"), REARTER)
def test_scores_that_look_ahead_are_those_of_the_authors_whatever_lies_between_steps(rate, scores, values):
    mask = torch.tensor([[True, False] * len(scores)])
    said = torch.full(mask.shape, 9.0, dtype=torch.float64).masked_scatter(mask, torch.tensor(scores, dtype=torch.float64))
    assert_close(LookAhead(rate)(said, mask)[mask], torch.tensor(values, dtype=torch.float64))
