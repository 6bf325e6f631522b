"""Process labels: what continuations come to, of a model and in a world where it is known, and what is made of it."""

import pytest
import torch

from guerdon.data.curation.step_consensus import StepConsensus
from guerdon.data.step_labels import labelled
from guerdon.data.step_labels.any_success import AnySuccess
from guerdon.data.step_labels.soft_value import SoftValue
from guerdon.data.step_labels.success_rate import SuccessRate
from guerdon.errors import InputError
from guerdon.models.language.small_language_model import SmallLanguageModel
from guerdon.sequences import Decoding
from guerdon.training.step_outcomes import step_outcomes
from guerdon.worlds.finite.solutions import Solutions

ROWS = [{"prompt": "ab", "completions": ["a", "bb", "a"], "answer": "x"}, {"prompt": "b", "completions": ["ab"], "answer": "y"}]
HERE = {"timeout": None}


def policy():
    return SmallLanguageModel("abxy\n", layers=1, hidden=16, heads=2, context_length=32).build(1)


class Seen:
    """Remembers what it was shown; a completion is worth its share of a's."""

    def __init__(self):
        self.calls = []

    def __call__(self, prompts, completions, answer, **columns):
        self.calls += list(zip(prompts, completions, answer, strict=True))
        return [c.count("a") / len(c) for c in completions]


def test_continuations_begin_with_the_steps_and_are_judged_whole_with_their_columns():
    seen = Seen()
    rows = step_outcomes(policy(), ROWS, {"share": seen}, tries=3, decoding=Decoding(6), running=HERE)
    assert [[len(own) for own in row["outcomes"]] for row in rows] == [[3, 3, 1], [1]]
    first = [c for p, c, a in seen.calls if (p, a) == ("ab", "x")]
    assert all(c.startswith("a\n") for c in first[:3]) and all(c.startswith("a\nbb\n") for c in first[3:6]) and first[6] == "a\nbb\na"
    assert len(set(first[:6])) > 1
    assert rows[0]["outcomes"][0] == pytest.approx([c.count("a") / len(c) for c in first[:3]])
    assert rows[1]["outcomes"] == [[0.5]]
    assert [len(row["labels"]) for row in labelled(rows, SuccessRate())] == [3, 1]


def test_a_stopped_run_goes_on_and_ends_with_the_same(tmp_path):
    whole = step_outcomes(policy(), ROWS, {"share": Seen()}, tries=2, decoding=Decoding(6), running=HERE, path=tmp_path / "whole.jsonl")

    class Stopped(Exception):
        pass

    def stop(done, of):
        raise Stopped

    path, told = tmp_path / "some.jsonl", []
    with pytest.raises(Stopped):
        step_outcomes(policy(), ROWS, {"share": Seen()}, tries=2, decoding=Decoding(6), running=HERE, path=path, progress=stop)
    path.write_text(path.read_text() + '{"key": "hal')
    seen = Seen()
    again = step_outcomes(
        policy(), ROWS, {"share": seen}, tries=2, decoding=Decoding(6), running=HERE, path=path, progress=lambda *a: told.append(a)
    )
    assert again == whole and path.read_text() == (tmp_path / "whole.jsonl").read_text()
    assert told == [(2, 2)] and {p for p, _, _ in seen.calls} == {"b"}
    with pytest.raises(InputError, match="other rows, or of other arguments"):
        step_outcomes(policy(), ROWS, {"share": Seen()}, tries=3, decoding=Decoding(6), running=HERE, path=path)


def test_what_cannot_be_labelled_is_refused_in_a_sentence():
    with pytest.raises(InputError, match="row 1 must have in 'completions'"):
        step_outcomes(policy(), [{"prompt": "a", "answer": "a"}], {"share": Seen()})
    with pytest.raises(InputError, match="by one reward"):
        step_outcomes(policy(), ROWS, {})
    with pytest.raises(InputError, match=r"row 1 must have in 'outcomes'"):
        labelled(ROWS, SuccessRate())
    with pytest.raises(InputError, match="eta is 0"):
        SoftValue(eta=0.0)
    with pytest.raises(InputError, match="two labellers or more, one for each of its 3"):
        StepConsensus()([{**ROWS[0], "verdicts": [[1, 1, 1]]}])


def test_soft_values_are_those_of_the_best_policy_at_a_price():
    """In the tree of a finite world: the label of all continuations is what the optimum of E[reward] - KL / eta is worth from there."""
    world = Solutions(contexts=2, depth=4, seed=1)
    start, eta = world.start(), 1.5
    complete = torch.zeros(world.tree.prefixes, world.tree.vocabulary, dtype=torch.float64)
    complete[:, world.answering], complete[-(world.tree.vocabulary ** (world.depth - 1)) :] = 1.0, 1.0
    tilted = world.values_under(start, ends=(eta * world.ends()).exp() * complete)[0]
    exact = tilted.log() / eta
    chance, rewards = start.log_probabilities().detach().exp(), world.rewards()
    optimum = (chance * (eta * rewards).exp()).sum(-1)
    best = chance * (eta * rewards).exp() / optimum.unsqueeze(-1)
    worth = (best * rewards).sum(-1) - (best * (best / chance).log()).sum(-1) / eta
    torch.testing.assert_close(exact[:, 0], worth)
    p = (chance * rewards).sum(-1)
    many = [[1.0] * round(1000 * float(x)) + [0.0] * (1000 - round(1000 * float(x))) for x in p]
    torch.testing.assert_close(torch.tensor(SoftValue(eta)(many)).double(), worth, atol=1e-3, rtol=0)
    assert AnySuccess()(many) == [1.0, 1.0]
