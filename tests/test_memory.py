"""Where memory runs out, smaller micro-batches are gone through, and what comes of it is the same."""

import dataclasses

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cramped import WHERE, cramp
from guerdon import memory
from guerdon.errors import RunFailed
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.comparisons.sorted_logistic import SortedLogistic
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.head import Head
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.memory import AtOnce
from guerdon.models.heads.scalar import Scalar
from guerdon.models.language import sampling
from guerdon.models.language.headed import Headed
from guerdon.models.language.lora import Lora
from guerdon.saying import listening
from guerdon.sequences import Batch, Decoding
from guerdon.training import filling
from guerdon.training.jobs import FitJob, ImproveJob
from guerdon.training.measuring import cost_of, measured, micro_batches
from guerdon.training.optimisers.sgd import SGD
from guerdon.training.recipe import Budget, Recipe, Term
from process_cases import Rows
from test_loops import GRPO, SMALL, TASK, Demonstrations, parameters, quiet

MOST = 60  # tokens for which there is memory


LEARN = Recipe((Term(NegativeLogLikelihood()),), SGD(0.5))  # whose step is as long as the gradient, so that what is counted twice shows
JOBS = {
    "sft": FitJob(LEARN, Demonstrations()),
    "sft with adapters": FitJob(LEARN, Demonstrations()),
    "sft in bfloat16": FitJob(LEARN, Demonstrations()),
    "a reward model": FitJob(Recipe((Term(Pairwise(Head(), Logistic())),), SGD(0.5)), Rows("pairs"), builds=Headed(SMALL, Scalar())),
    "grpo": ImproveJob(GRPO, TASK, decoding=Decoding(6)),
}


def built(name: str):
    if "bfloat16" in name:
        return dataclasses.replace(SMALL, dtype="bfloat16").build(0)
    model = (JOBS[name].builds or SMALL).build(0)
    if "adapters" in name:
        model.module = Lora(r=2).wrap(model.module, 0)
    return model


def learned(model, tokens: int, name: str = "sft"):
    """Parameters and history of a short run."""
    budget = Budget(steps=3, batch_size=12, tokens_per_micro_batch=tokens, evaluate_every=2, evaluation_rows=9)
    history = dataclasses.replace(JOBS[name], budget=budget)(model, {}, 0, None, quiet()).history
    return parameters(model), [{k: v for k, v in row.items() if "time" not in k} for row in history]


def same(one, other, near: float = 1e-6) -> None:
    for name, value in one[0].items():
        torch.testing.assert_close(other[0][name], value, rtol=0, atol=near)
    for before, after in zip(one[1], other[1], strict=True):
        assert before.keys() == after.keys()
        for name in before:
            assert after[name] == pytest.approx(before[name], rel=10 * near, abs=near, nan_ok=True), name


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize("name", JOBS)
def test_a_step_on_which_memory_runs_out_is_made_all_the_same(name: str, where: str):
    cramped, said = built(name), []
    failed = cramp(cramped, MOST, where)
    with listening(said.append):
        found = learned(cramped, 4096, name)
    assert said and all("memory ran out" in s and "budget.tokens_per_micro_batch=" in s for s in said)
    assert len(failed) == len(said) < 8  # each time it is said, and what was found out stays known
    same(learned(built(name), 4096, name), found, 2e-3 if "bfloat16" in name else 1e-6)


def test_a_run_that_has_memory_enough_is_told_nothing():
    model, said = SMALL.build(0), []
    failed = cramp(model, 10**6)
    with listening(said.append):
        learned(model, 4096)
    assert not said and not failed


@settings(max_examples=10, deadline=None)
@given(most=st.integers(20, 200), tokens=st.integers(1, 400))
def test_what_is_measured_does_not_depend_on_how_much_there_was_memory_for(most: int, tokens: int):
    whole = measured(SMALL_POLICY, SOME_ROWS, {"logp", "entropy"}, 10**6)
    cramp(SMALL_POLICY, most)
    at_once = AtOnce(tokens)
    try:
        found = measured(SMALL_POLICY, SOME_ROWS, {"logp", "entropy"}, at_once)
    finally:
        del SMALL_POLICY.measure
    assert at_once.most <= tokens
    for name, value in whole.items():
        torch.testing.assert_close(found[name], value, rtol=0, atol=1e-6)


def test_a_row_that_does_not_fit_is_said_with_what_can_be_done():
    model = SMALL.build(0)
    cramp(model, 3)
    with pytest.raises(RunFailed, match=r"memory ran out on one row of \d+ tokens; set budget.activation_checkpointing"):
        learned(model, 4096)


def test_rows_that_the_loss_compares_are_not_parted():
    model = SMALL.build(0)
    job = FitJob(Recipe((Term(Pairwise(LogRatio(), SortedLogistic())),)), Rows("pairs"), budget=Budget(steps=1, batch_size=12))
    measure = model.measure

    def only_without_gradients(sequences, names, *views):
        if torch.is_grad_enabled() and len(sequences) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return measure(sequences, names, *views)

    model.measure = only_without_gradients
    with pytest.raises(RunFailed, match=r"12 rows of \d+ tokens in all, which the loss does not let be parted.*batch_size"):
        job(model, {}, 0, None, quiet())


def test_what_is_no_lack_of_memory_is_not_taken_for_one():
    model = SMALL.build(0)
    cramp(model, MOST, error=RuntimeError("shapes do not fit"))
    with pytest.raises(RuntimeError, match="shapes do not fit"):
        learned(model, 4096)


SAID = {
    "a card": torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB."),
    "products on a card": RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    "the driver": RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported at some other API call"),
    "Apple's GPU": RuntimeError("MPS backend out of memory (MPS allocated: 9.06 GB, other allocations: 5 MB, max allowed: 9.07 GB)"),
    "Python": MemoryError(),
}


@pytest.mark.parametrize("where", SAID)
def test_every_allocator_is_understood(where: str):
    assert memory.ran_out(SAID[where])


def test_the_allocator_of_a_cpu_is_understood():
    with pytest.raises(RuntimeError) as raised:
        torch.empty(2**60, dtype=torch.uint8)
    assert memory.ran_out(raised.value)
    assert not memory.ran_out(RuntimeError("mat1 and mat2 shapes cannot be multiplied")) and not memory.ran_out(ValueError("memory"))


def test_a_step_of_the_optimiser_without_memory_is_not_begun_anew(monkeypatch):
    def full(*_):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(torch.optim.SGD, "step", full)
    with pytest.raises(RunFailed, match=r"step of the optimiser.*budget.offload"):
        learned(SMALL.build(0), 4096)


@settings(max_examples=30, deadline=None)
@given(most=st.integers(5, 200), shared=st.booleans(), sides=st.integers(1, 2))
def test_a_micro_batch_costs_no_more_than_is_allowed(most: int, shared: bool, sides: int):
    """By the one way to count as by the other; only a row by itself may."""
    batch = Batch({str(side): SOME_ROWS for side in range(sides)})
    for rows in micro_batches(batch, most, shared):
        assert cost_of(batch, rows, shared) <= most or len(rows) == 1


# as many as fit


class Allocator:
    """Of a card that is none: so many bytes for each token that is learned from, and some whatever there is."""

    def __init__(self, model, free: int, each: int, besides: int = 0):
        self.room, self.each, self.besides, self.now, self.most = free, each, besides, 0, 0
        measure = model.measure

        def measured(sequences, names, *views):
            self.now = (sum(map(len, sequences.contexts)) + int(sequences.length.sum())) * torch.is_grad_enabled()
            self.most = max(self.most, self.now)
            if self.now * each + besides > free:
                raise torch.OutOfMemoryError("CUDA out of memory.")
            return measure(sequences, names, *views)

        model.measure = measured

    def begin(self) -> None:
        self.now = 0

    def taken(self) -> int:
        return self.now * self.each + self.besides

    def free(self) -> int:
        return self.room


def filled(monkeypatch, start: int, name: str = "sft", steps: int = 5, **allocator):
    model, said = built(name), []
    meter = Allocator(model, **allocator)
    at_once = filling.Filling(start, meter)
    monkeypatch.setattr("guerdon.training.loops.fit.at_once_of", lambda *_: at_once)
    budget = Budget(steps=steps, batch_size=12, tokens_per_micro_batch=0, evaluation_rows=9)
    with listening(said.append):
        history = dataclasses.replace(JOBS[name], budget=budget)(model, {}, 0, None, quiet()).history
    return at_once, meter, said, (parameters(model), history)


def test_micro_batches_become_as_large_as_fits(monkeypatch):
    at_once, meter, said, _ = filled(monkeypatch, 20, free=10_000, each=100)
    assert at_once.most == pytest.approx(filling.SHARE * 100, abs=1) and 20 < meter.most <= at_once.most
    assert said == [
        f"up to {at_once.most} tokens go through the model at once, as many as fit (budget.tokens_per_micro_batch={at_once.most} begins with them)"
    ]


def test_what_does_not_grow_is_told_apart_by_and_by(monkeypatch):
    """The first guess is too small and not too large: nothing runs out."""
    at_once, meter, said, _ = filled(monkeypatch, 20, free=20_000, each=100, besides=4_000)
    assert 0.5 * 160 < at_once.most <= 160 and len(said) == 1
    assert meter.most * 100 + 4_000 < 20_000


def test_a_start_that_is_too_large_is_halved_and_then_stays(monkeypatch):
    at_once, _, said, _ = filled(monkeypatch, 4096, free=5_000, each=100)
    assert at_once.most <= 50 and all("memory ran out" in s for s in said)


def test_what_fits_changes_no_result(monkeypatch):
    model, budget = built("sft"), Budget(steps=5, batch_size=12, evaluation_rows=9)
    plain = dataclasses.replace(JOBS["sft"], budget=budget)(model, {}, 0, None, quiet()).history
    *_, (found, history) = filled(monkeypatch, 20, free=10_000, each=100)
    untimed = [[{k: v for k, v in row.items() if "time" not in k} for row in rows] for rows in (plain, history)]
    same((parameters(model), untimed[0]), (found, untimed[1]))


def test_on_a_cpu_there_is_nothing_to_fill_and_that_is_said():
    said: list[str] = []
    with listening(said.append):
        assert filling.at_once_of(Budget(tokens_per_micro_batch=0), SMALL_POLICY).most == Budget().tokens_per_micro_batch
        assert filling.at_once_of(Budget(tokens_per_micro_batch=7), SMALL_POLICY).most == 7
    assert len(said) == 1 and "the model is on cpu: 4,096 go through it at once" in said[0]


# drawing


@pytest.mark.parametrize("fails", [0, 3])
def test_completions_are_drawn_fewer_at_once_and_are_the_same(fails: int, monkeypatch):
    """Memory runs out at the start, or some steps later, when part of the sequences has ended and was told of."""
    policy = SMALL.build(0)
    contexts = [torch.tensor([3, 4, 5]), torch.tensor([4, 3]), torch.tensor([6])]
    context = torch.arange(3).repeat_interleave(7)
    uniforms = torch.rand(21, 12, generator=torch.Generator().manual_seed(0))
    asked = (contexts, context, Decoding(12), uniforms)
    plain, fewer, told, said = policy.sample(*asked), SMALL.build(0), [], []
    draw = sampling.choose

    def cramped(logits, *more):
        cramped.step = 0 if cramped.rows < len(logits) else cramped.step + 1
        cramped.rows = len(logits)
        if len(logits) > 6 and cramped.step >= fails:
            cramped.step, cramped.rows = -1, 0
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return draw(logits, *more)

    cramped.step, cramped.rows = -1, 0
    monkeypatch.setattr(sampling, "choose", cramped)

    def finished(sequences, rows):
        for row in rows.tolist():
            length = int(sequences.length[row])
            told.append((row, sequences.actions[row, :length].tolist()))

    with listening(said.append):
        found = fewer.sample(*asked, finished)
    assert torch.equal(found.actions, plain.actions) and torch.equal(found.length, plain.length)
    assert torch.equal(found.quantities["terminated"], plain.quantities["terminated"])
    torch.testing.assert_close(found.quantities["old_logp"], plain.quantities["old_logp"], rtol=0, atol=1e-6)
    assert sorted(told) == [(row, plain.actions[row, : int(plain.length[row])].tolist()) for row in range(21)]  # each once
    assert said and "completions were drawn at once; going on with at most" in said[-1]
    told.clear()
    before = len(said)
    with listening(said.append):
        fewer.sample(*asked, finished)
    assert len(said) == before  # it stays known


def test_one_completion_that_does_not_fit_is_said(monkeypatch):
    def full(*_):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(sampling, "choose", full)
    with pytest.raises(RunFailed, match="one completion was drawn; lower max_completion_length"):
        SMALL.build(0).sample([torch.tensor([5])], torch.zeros(5, dtype=torch.long), Decoding(4), torch.rand(5, 4))


SMALL_POLICY = SMALL.build(0)
SOME_ROWS = SMALL_POLICY.sample(
    [torch.tensor([3, 4, 5]), torch.tensor([4, 3]), torch.tensor([6])],
    torch.arange(3).repeat_interleave(7),
    Decoding(12),
    torch.rand(21, 12, generator=torch.Generator().manual_seed(0)),
)
