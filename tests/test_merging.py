"""Models are merged parameter by parameter, and what cannot be merged is refused by name."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from guerdon.errors import InputError
from guerdon.models.finite.prefix_table import PrefixTable
from guerdon.models.language.small_language_model import SmallLanguageModel
from guerdon.models.merging.linear import Linear
from guerdon.training.merging import merged


def of(seed, deviation=1.0):
    return PrefixTable(2, 3, 2, deviation=deviation, seed=seed).build()


def test_a_merged_policy_has_the_mean_of_the_parameters_and_the_others_keep_theirs():
    first, second = of(0), of(1)
    before = first.module["logits"].detach().clone()
    found = merged([first, second], Linear((3.0, 1.0)))
    assert_close(found.module["logits"].detach(), 0.75 * before + 0.25 * second.module["logits"].detach())
    found.module["logits"].data.zero_()
    assert_close(first.module["logits"].detach(), before)


@given(st.lists(st.floats(0.1, 5), min_size=2, max_size=4), st.floats(0.1, 10))
@settings(max_examples=20, deadline=None)
def test_a_merge_of_equals_changes_nothing_and_only_ratios_of_weights_count(weights, factor):
    policies = [of(0)] * len(weights)
    assert_close(merged(policies, Linear(tuple(weights))).module["logits"].detach(), policies[0].module["logits"].detach())
    others = [of(place) for place in range(len(weights))]
    one, other = (merged(others, Linear(tuple(f * w for w in weights))).module["logits"].detach() for f in (1.0, factor))
    assert_close(one, other)


def test_language_models_are_merged_and_trained_on_alone():
    first, second = (SmallLanguageModel("ab>", layers=1, hidden=8, heads=2, context_length=8).build(seed) for seed in (0, 1))
    found = merged([first, second])
    for name, parameter in found.module.named_parameters():
        mean = (dict(first.module.named_parameters())[name] + dict(second.module.named_parameters())[name]) / 2
        assert_close(parameter.detach(), mean.detach())
        assert parameter.requires_grad
        assert parameter.data_ptr() != dict(first.module.named_parameters())[name].data_ptr()


def test_what_cannot_be_merged_is_refused():
    with pytest.raises(InputError, match=r"model 2 of the merge has logits of shape \(3, 4, 3\), the first of shape \(2, 4, 3\)"):
        merged([of(0), PrefixTable(3, 3, 2).build()])
    with pytest.raises(InputError, match="two models or more"):
        merged([of(0)])
    with pytest.raises(InputError, match="2 models to merge and 3 weights"):
        merged([of(0), of(1)], Linear((1.0, 1.0, 1.0)))
    with pytest.raises(InputError, match="sum to 0"):
        Linear((1.0, -1.0))


def test_single_precision_stays_single():
    given = [torch.tensor([1.0], dtype=torch.float32), torch.tensor([2.0], dtype=torch.float32)]
    assert Linear()(given).dtype == torch.float32
