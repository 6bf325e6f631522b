"""Rows against a judge or a reward that is exploited: beginnings that are no answer, certified contrasts, clusters that agree; a bound on margins and a score that is trusted
as far as it deserves."""

import pytest
import torch

from guerdon.data.curation.certified_contrast import CertifiedContrast
from guerdon.data.curation.first_sentences import FirstSentences
from guerdon.data.curation.largest_cluster import LargestCluster
from guerdon.errors import InputError
from guerdon.evaluation.edits.truncation import Truncation
from guerdon.feedback.shaping.trust_weighted import TrustWeighted
from guerdon.losses.comparisons.bounded_logistic import BoundedLogistic
from guerdon.training import knobs
from guerdon.training.schedules.exponential import Exponential


def test_a_beginning_is_no_answer_whatever_language_its_sentence_ends_in():
    rows = [
        {"prompt": "p", "completion": text, "label": 1}
        for text in ("One. Two.", "Thought process: 4", "解。 四。", "First line\nand more", "3.5", "Only one.")
    ]
    made = [row["completion"] for row in FirstSentences()(rows) if row["label"] == 0]
    assert made == ["One.", "Thought process:", "解。", "First line"]


def test_a_share_of_answers_gets_a_beginning_and_all_rows_stay():
    rows = [{"prompt": "p", "completion": f"One {i}. Two.", "label": i % 2} for i in range(400)]
    made = FirstSentences(share=0.25)(rows)
    assert [row for row in made if row["completion"].endswith("Two.")] == rows and 60 < len(made) - 400 < 140
    assert all(row["label"] == 0 for row in made if not row["completion"].endswith("Two."))
    with pytest.raises(InputError, match="share is 0"):
        FirstSentences(share=0)
    with pytest.raises(InputError, match="row 0: first sentences are taken from plain text"):
        FirstSentences()([{"prompt": "p", "completion": [{"role": "assistant", "content": "a"}], "label": 1}])


def test_a_contrast_is_an_accepted_answer_against_itself_made_wrong_by_the_edit_that_was_asked_for():
    rows = [{"prompt": "p", "completions": ["one two three four", "no"], "scores": [1.0, 0.0], "source": "s"}]
    assert CertifiedContrast(Truncation())(rows) == [{"prompt": "p", "chosen": "one two three four", "rejected": "one two", "source": "s"}]
    assert CertifiedContrast(Truncation())([{**rows[0], "scores": [0.0, 1.0]}]) == [], "the edit does not apply to the one that is accepted"
    assert CertifiedContrast(Truncation(), threshold=2.0)(rows) == []


def test_a_cluster_must_be_the_largest_and_large_enough():
    row = {"prompt": "p", "completions": ["a", "b", "c", "d", "e"], "clusters": [1, 1, 2, 3, 4]}
    assert LargestCluster(0.5)([row]) == []
    (pair,) = LargestCluster(0.4)([row])
    assert pair["chosen"] in ("a", "b") and pair["rejected"] in ("c", "d", "e") and set(pair) == {"prompt", "chosen", "rejected"}
    assert LargestCluster(0.0)([{**row, "clusters": [1, 1, 2, 2, 3]}, {**row, "clusters": [1] * 5}]) == []
    with pytest.raises(InputError, match="5 completions and 2 clusters"):
        LargestCluster()([{**row, "clusters": [1, 2]}])


def test_margins_end_half_way_to_the_bound_which_is_nearer_for_answers_as_long_as_each_other():
    masks = [torch.tensor([[1] * n + [0] * (4 - n)], dtype=torch.bool) for n in (4, 2, 4)]
    found = []
    for other in (masks[1], masks[2]):
        lead = torch.zeros(1, requires_grad=True)
        for _ in range(3000):
            (gradient,) = torch.autograd.grad(
                BoundedLogistic()(lead, torch.zeros(1), chosen_mask=masks[0], rejected_mask=other).sum(), lead
            )
            lead = (lead - 0.3 * gradient).detach().requires_grad_()
        found.append(lead.item())
    assert found == pytest.approx([6 / 0.501 / 2, 6 / 1.001 / 2], rel=1e-2)
    with pytest.raises(InputError, match="above 0"):
        BoundedLogistic(scale=0.0)


def test_the_weight_of_a_score_may_fall_over_a_run():
    falling = TrustWeighted(weight=Exponential(0.3, 0.1))
    given = {"reward": torch.tensor([1.0, 0.0]), "group": torch.tensor([0, 0]), "component_thinking": torch.tensor([1.0, 0.0])}
    said = [float(knobs.at(falling, progress, {})(**given)[0]) for progress in (0.0, 1.0)]
    assert said == pytest.approx([1.3, 1.03])
