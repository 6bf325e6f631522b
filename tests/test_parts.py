"""The contract of every part, parametrised over the catalogue: a new file is tested before its author writes a test."""

import copy
import dataclasses
import pickle
import sys

import numpy as np
import pytest
import torch

from guerdon.catalogue import Entry, catalogue
from guerdon.errors import InputError
from guerdon.parts import call, describe, is_part, needs, per_batch, stateful, wants
from guerdon.quantities import Name
from guerdon.sequences import Sequences, prefixed
from random_inputs import arguments, as_tensor

TENSOR_ROOMS = (
    "credit",
    "losses",
    "feedback.shaping",
    "feedback.step_shaping",
    "feedback.intrinsic",
)  # floors and rooms that see tensors and nothing else
ENTRIES = catalogue()
TENSOR_ENTRIES = [e for e in ENTRIES if f"{e.room}.".startswith(tuple(f"{room}." for room in TENSOR_ROOMS))]
WITNESSES = [(e, w) for e in ENTRIES for w in e.witnesses]
LIMITS = [(e, limit) for e in ENTRIES for limit in e.limits]
SEEDS = (0, 1, 2)


def is_tensor_part(part) -> bool:
    return type(part).__module__.removeprefix("guerdon.").startswith(tuple(f"{room}." for room in TENSOR_ROOMS))


def output(part, given):
    result = call(part, given, **({"state": given["state"]} if "state" in given else {}))
    return result[0] if stateful(part) and isinstance(result, tuple) else result


def defaults(entry: Entry):
    """The part as its witness shows it, which has every required field."""
    return entry.witnesses[0].part


def inputs_for(part, seed):
    given = arguments(needs(part) | {n for n in wants(part) if Name.parse(n).known}, seed=seed)
    if stateful(part):
        given["state"] = part.init()
    admissible = getattr(sys.modules[type(part).__module__], "admissible", None)  # a part that refuses some inputs says which are right
    return admissible(given) if admissible else given


def test_catalogue_holds_the_house():
    assert len(ENTRIES) >= 5
    assert len({e.path for e in ENTRIES}) == len(ENTRIES)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda e: e.path)
def test_is_a_frozen_documented_dataclass(entry):
    assert entry.part.__dataclass_params__.frozen, "parts are immutable"
    assert entry.summary, "the first line of the file says the idea"
    assert "Source:" in entry.doc, "the docstring names the source"


@pytest.mark.parametrize("entry", [e for e in ENTRIES if "__call__" in vars(e.part)], ids=lambda e: e.path)
def test_has_a_witness(entry):
    assert entry.witnesses, f"{entry.path} shows no witness"


@pytest.mark.parametrize(("entry", "witness"), WITNESSES, ids=lambda x: getattr(x, "path", ""))
def test_witness_holds_and_the_parent_fails_it(entry, witness):
    assert type(witness.part).__module__ == entry.module.__name__
    assert witness_holds(witness.part, witness)
    if witness.parent is not None:
        assert not witness_holds(witness.parent, witness), f"{describe(witness.parent)} passes too: the example proves nothing"


def witness_holds(part, witness) -> bool:
    if not is_tensor_part(part):
        return same(call_plain(part, witness.given), witness.returns)
    try:
        given = {k: as_tensor(k, v) if isinstance(v, list) else copy.deepcopy(v) for k, v in witness.given.items()}
        for name in witness.gradient:
            given[name].requires_grad_()
        result = output(part, given)
    except (KeyError, TypeError):
        return False  # a parent that cannot even be asked this has not passed
    if not same(result, witness.returns):
        return False
    if not witness.gradient:
        return True
    if result.requires_grad:
        result.sum().backward()
    return all(gradient_is(given[name].grad, wanted) for name, wanted in witness.gradient.items())


def call_plain(part, given):
    try:
        result = part(**copy.deepcopy(dict(given)))
    except (TypeError, InputError):  # a parent that refuses the input has not passed
        return None
    return result[0] if stateful(part) and isinstance(result, tuple) else result


def gradient_is(got, wanted) -> bool:
    if wanted is None:
        return got is None or not got.any()
    return got is not None and same(got, wanted)


def same(got, wanted) -> bool:
    if isinstance(got, torch.Tensor):
        got = got.detach().numpy()
    if isinstance(got, Sequences):  # a rollout: the fields and quantities that the witness names
        got = {name: value for name, value in (vars(got) | got.quantities).items() if name in wanted}
    elif dataclasses.is_dataclass(got) and isinstance(wanted, dict):  # a record: the fields that the witness names
        got = {name: getattr(got, name) for name in wanted}
    if isinstance(wanted, dict):
        return isinstance(got, dict) and got.keys() == wanted.keys() and all(same(got[k], wanted[k]) for k in wanted)
    not_numbers = (str, dict, type(None))
    if isinstance(wanted, not_numbers) or (isinstance(wanted, (list, tuple)) and any(isinstance(w, not_numbers) for w in wanted)):
        return not isinstance(got, np.ndarray) and got == wanted
    try:
        got, wanted = np.asarray(got, dtype=float), np.asarray(wanted, dtype=float)
    except (TypeError, ValueError):
        return got == wanted
    return got.shape == wanted.shape and np.allclose(got, wanted, rtol=1e-6, atol=1e-9, equal_nan=True)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("entry", "limit"), LIMITS, ids=lambda x: getattr(x, "path", ""))
def test_limit(entry, limit, seed):
    names = needs(limit.part) | needs(limit.equals)
    first = limit.under(arguments(names, seed=seed))
    second = {k: v.clone() if isinstance(v, torch.Tensor) else v for k, v in first.items()}
    results = []
    for part, given in ((limit.part, first), (limit.equals, second)):
        if stateful(part):
            given = {**given, "state": part.init()}
        leaf = given.get("logp")
        if leaf is not None:
            leaf.requires_grad_()
        result = output(part, given)
        if leaf is not None and result.requires_grad and limit.gradient:
            mask = given.get("mask")
            (result * mask if mask is not None and mask.shape == result.shape else result).sum().backward()
        results.append((result.detach(), leaf.grad if leaf is not None and limit.gradient else None))
    (a, da), (b, db) = results
    mask = first.get("mask")
    if mask is not None and mask.shape == a.shape:
        a, b = a * mask, b * mask
    torch.testing.assert_close(a, b if limit.factor == 1 else limit.factor * b, rtol=1e-7, atol=1e-9)
    if da is not None or db is not None:
        torch.testing.assert_close(da, limit.factor * db, rtol=1e-7, atol=1e-9)


tensor_parts = pytest.mark.parametrize("entry", TENSOR_ENTRIES, ids=lambda e: e.path)


@tensor_parts
@pytest.mark.parametrize("seed", SEEDS)
def test_permuting_the_batch_permutes_the_result(entry, seed):
    part = defaults(entry)
    given = inputs_for(part, seed)
    batch = batch_of(given)
    order = torch.randperm(batch, generator=torch.Generator().manual_seed(seed))
    permuted = {k: v[order] if is_row_tensor(v, batch) else v for k, v in given.items()}
    torch.testing.assert_close(output(part, permuted), output(part, given)[order], equal_nan=True)


@tensor_parts
def test_garbage_where_the_mask_is_false_changes_nothing(entry):
    part = defaults(entry)
    given = inputs_for(part, 0)
    masks = [k for k in given if Name.parse(k).quantity == "mask"]
    if not masks:
        pytest.skip("reads no mask, so works step by step or on whole sequences")
    mask = given[masks[0]]
    dirty = {}
    for name, value in given.items():
        mask = given.get(prefixed(Name.parse(name).side, "mask"), given[masks[0]])
        if isinstance(value, torch.Tensor) and value.shape == mask.shape and value.is_floating_point():
            value = torch.where(mask, value, torch.nan)
        dirty[name] = value.clone().requires_grad_() if getattr(value, "dtype", None) == torch.float64 else value
    clean, got = output(part, given), output(part, dirty)
    keep = mask if got.shape == mask.shape else torch.ones_like(got, dtype=torch.bool)
    torch.testing.assert_close(got[keep], clean[keep])
    if got.requires_grad:
        got[keep].sum().backward()
        for name, value in dirty.items():
            if isinstance(value, torch.Tensor) and value.requires_grad and value.grad is not None:
                mask = given.get(prefixed(Name.parse(name).side, "mask"), given[masks[0]])
                grad = value.grad[mask] if value.shape == mask.shape else value.grad
                assert grad.isfinite().all(), f"NaN behind the mask reaches the gradient of {name}"


@tensor_parts
def test_inputs_are_not_changed(entry):
    part = defaults(entry)
    given = inputs_for(part, 0)
    before = copy.deepcopy(given)
    output(part, given)
    for name, value in before.items():
        if isinstance(value, torch.Tensor):
            assert torch.equal(value, given[name]), name


@tensor_parts
def test_splitting_between_groups_changes_nothing(entry):
    part = defaults(entry)
    if per_batch(part):
        pytest.skip("declared per batch")
    given = inputs_for(part, 0)
    batch = batch_of(given)
    halves = [{k: v[rows] if is_row_tensor(v, batch) else v for k, v in given.items()} for rows in (slice(0, 2), slice(2, None))]
    torch.testing.assert_close(torch.cat([output(part, half) for half in halves]), output(part, given), equal_nan=True)


@tensor_parts
def test_declared_per_batch_is_needed(entry):
    part = defaults(entry)
    if not per_batch(part):
        pytest.skip("not declared")
    given = inputs_for(part, 0)
    batch = batch_of(given)
    halves = [{k: v[rows] if is_row_tensor(v, batch) else v for k, v in given.items()} for rows in (slice(0, 2), slice(2, None))]
    assert not torch.allclose(torch.cat([output(part, half) for half in halves]), output(part, given))


@pytest.mark.parametrize("entry", [e for e in ENTRIES if e.witnesses], ids=lambda e: e.path)
def test_pickles_prints_and_compares(entry):
    part = defaults(entry)
    if "lambda" in repr(part) or "<function" in repr(part):
        pytest.skip("holds a function of the caller's")
    again = pickle.loads(pickle.dumps(part))
    assert again == part and describe(again) == describe(part)
    assert dataclasses.replace(part) == part
    assert is_part(part) or not callable(part)


def batch_of(given) -> int:
    return next(v.shape[0] for v in given.values() if isinstance(v, torch.Tensor) and v.dim())


def is_row_tensor(value, batch) -> bool:
    return isinstance(value, torch.Tensor) and value.dim() > 0 and value.shape[0] == batch
