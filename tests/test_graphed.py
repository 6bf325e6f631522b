"""Sampling by recorded steps, as on a card: what is drawn is what the other caches draw, whatever the sizes; and a step can be recorded, which is proved here without one:
nothing in it looks at a number, it runs on a device that has none, and what was recorded and is played back draws the same."""

import contextlib
import copy
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch._dynamo.testing import CompileCounter

from guerdon import saying
from guerdon.models import compiling
from guerdon.models.language import graphed as road
from guerdon.models.language import graphed_cache, graphed_step, graphed_wave, policy
from guerdon.models.language.attention import NotSupported
from guerdon.models.language.capturing import Captured, Recorder
from guerdon.models.language.decoder import decoder_of
from guerdon.models.language.forward import body_of
from guerdon.models.language.graphed import Graphed, graphed_for
from guerdon.models.language.graphed_cache import Bucket, rung, tiles_of
from guerdon.models.language.graphed_step import hidden, step
from guerdon.models.language.lora import Lora
from guerdon.models.language.policy import LanguagePolicy
from guerdon.models.language.sampling import sample
from guerdon.sequences import Decoding, Sequences
from host_syncs import HostSync, NoHostSyncs, Recording
from pretended_card import DEVICE, at_hand, put_on
from test_fast_paths import CPU, FAST, V, gap, module
from test_sampling import CONTEXT, END, begun, contexts, uniforms

KNOWN = [family for family in FAST if not family.startswith("gpt")]
DECODINGS = [
    Decoding(24),
    Decoding(24, 0.7),
    Decoding(24, 0.0),
    Decoding(24, top_k=5),
    Decoding(24, top_p=0.8),
    Decoding(24, 1.3, top_k=9, min_p=0.1),
]


def small_sizes(monkeypatch) -> None:
    """Sizes of which even a few short rows go through many."""
    for place, name, size in (
        (graphed_cache, "ROWS", 2),
        (road, "ROWS", 2),
        (graphed_cache, "POSITIONS", 4),
        (graphed_wave, "POSITIONS", 4),
    ):
        monkeypatch.setattr(place, name, size)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    small_sizes(monkeypatch)


def same(mine: Sequences, other: Sequences) -> None:
    assert torch.equal(mine.length, other.length) and torch.equal(mine.actions, other.actions) and torch.equal(mine.mask, other.mask)
    assert torch.equal(mine.quantities["terminated"], other.quantities["terminated"]) and mine.temperature == other.temperature
    torch.testing.assert_close(mine.quantities["old_logp"], other.quantities["old_logp"], rtol=0, atol=1e-5)


@pytest.mark.parametrize("family", KNOWN)
@pytest.mark.parametrize("decoding", DECODINGS, ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_it_draws_what_the_other_caches_draw(family, decoding, dtype):
    made, given = module(family).to(dtype), (contexts(), CONTEXT, decoding, uniforms(9, 24), END)
    drawn = Graphed(made, CPU).sample(*given)
    for packed in (True, False):
        same(drawn, sample(begun(made, packed), *given, CPU))


@pytest.mark.parametrize("family", KNOWN)
def test_it_records_what_the_learner_measures(family):
    learner = LanguagePolicy(module(family), None, CPU)
    drawn = Graphed(learner.module, CPU).sample(contexts(), CONTEXT, Decoding(24, 0.8), uniforms(9, 24), END)
    measured = learner.measure(drawn, {"logp"})["logp"]
    assert float((measured - drawn.quantities["old_logp"])[drawn.mask].abs().max()) < 1e-5


MADE = module("qwen3")
batches = st.integers(1, 4).flatmap(
    lambda p: st.tuples(
        st.lists(st.integers(1, 12), min_size=p, max_size=p),
        st.lists(st.integers(0, p - 1), min_size=1, max_size=14),
        st.integers(1, 20),
        st.sets(st.integers(0, V - 1), max_size=12),
    )
)


@settings(max_examples=40, deadline=None)
@given(batches, st.sampled_from([1, 2, 4, 8]), st.integers(1, 3), st.integers(1, 5), st.sampled_from([3, 8, 512]), st.integers(0, 5))
def test_sizes_do_not_matter(batch, rows, positions, every, most, seed):
    """Few rows and many, long prompts and short, no end tokens and many; buckets, looks and pieces of every size."""
    lengths, context, steps, ends = batch
    decoding, numbers = Decoding(steps), uniforms(len(context), steps, seed)
    given = contexts(lengths), torch.tensor(context), decoding, numbers, torch.tensor(sorted(ends), dtype=torch.long)
    with pytest.MonkeyPatch.context() as patch:
        for place, name, value in (
            (graphed_cache, "ROWS", rows),
            (road, "ROWS", rows),
            (graphed_cache, "POSITIONS", positions),
            (graphed_wave, "POSITIONS", positions),
            (graphed_wave, "EVERY", every),
            (road, "MOST", most),
        ):
            patch.setattr(place, name, value)
        graphed = Graphed(MADE, CPU)
        wanted = sample(begun(MADE, True), *given, CPU)
        same(graphed.sample(*given), wanted)
        same(graphed.sample(*given), wanted)  # on storage that was used


def test_all_rows_end_at_once_and_none_ends():
    made, rows = module("llama"), torch.zeros(6, dtype=torch.long)
    every, none = torch.arange(V), torch.zeros(0, dtype=torch.long)
    ended = Graphed(made, CPU).sample(contexts(), rows, Decoding(24), uniforms(6, 24), every)
    assert ended.length.tolist() == [1] * 6 and ended.quantities["terminated"].all()
    going = Graphed(made, CPU).sample(contexts(), rows, Decoding(24), uniforms(6, 24), none)
    assert going.length.tolist() == [24] * 6 and not going.quantities["terminated"].any()


def test_steps_are_asked_for_until_it_is_seen_that_all_have_ended():
    graphed, asked = Graphed(module("llama"), CPU), []
    one = graphed.step
    graphed.step = lambda bucket, decoding: asked.append(bucket) or one(bucket, decoding)
    rows = torch.zeros(30, dtype=torch.long)
    drawn = graphed.sample(contexts(), rows, Decoding(100), uniforms(30, 100), torch.arange(4))
    longest = int(drawn.length.max())
    assert longest < 90 and longest <= len(asked) + 1 <= longest + 2 * graphed_wave.EVERY
    sizes = [bucket.rows for bucket in asked]
    assert sizes == sorted(sizes, reverse=True) and len(set(sizes)) > 3, "what has ended leaves by way of smaller buckets"
    assert all(bucket.own == rung(at + 1, 4) for at, bucket in enumerate(asked))


def test_a_sequence_does_not_depend_on_its_batch():
    graphed, numbers = Graphed(module("llama"), CPU), uniforms(9, 24)
    together = graphed.sample(contexts(), CONTEXT, Decoding(24), numbers, END)
    for row in range(9):
        alone = graphed.sample(contexts(), CONTEXT[row : row + 1], Decoding(24), numbers[row : row + 1], END)
        n = int(alone.length[0])
        assert torch.equal(alone.actions[0, :n], together.actions[row, :n]) and n == int(together.length[row])


def test_who_has_ended_is_told_once_and_while_others_go_on():
    heard, seen = [], torch.zeros(9, 24, dtype=torch.long)

    def finished(sequences: Sequences, rows: torch.Tensor) -> None:
        heard.append(rows.tolist())
        seen[rows] = sequences.actions[rows] * sequences.mask[rows]
        assert torch.equal(sequences.mask.sum(-1)[rows], sequences.length[rows])

    drawn = Graphed(module("llama"), CPU).sample(contexts(), CONTEXT, Decoding(24), uniforms(9, 24), END, finished)
    assert sorted(row for rows in heard for row in rows) == list(range(9)) and len(heard) > 2
    assert torch.equal(seen[:, : drawn.actions.shape[1]], drawn.actions)


def adapted(family: str) -> torch.nn.Module:
    made = Lora(r=4).wrap(module(family), seed=0)
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            if "lora_B" in name:
                parameter.normal_(generator=torch.Generator().manual_seed(len(name))).mul_(0.3)
    return made


@pytest.mark.parametrize("family", ["llama", "qwen2, tied", "qwen3"])
def test_adapters_stay_apart_and_may_be_switched_off(family):
    made, given = adapted(family), (contexts(), CONTEXT, Decoding(24), uniforms(9, 24), END)
    graphed = Graphed(made, CPU)
    on = graphed.sample(*given)
    same(on, sample(begun(made, False), *given, CPU))
    with made.disable_adapter():
        off = graphed.sample(*given)
        same(off, sample(begun(made, False), *given, CPU))
    assert not torch.equal(on.actions, off.actions)
    same(graphed.sample(*given), on)


@pytest.mark.parametrize("make", [lambda: module("qwen3"), lambda: adapted("llama")], ids=["whole", "adapters"])
@pytest.mark.parametrize("moves", [False, True])
def test_weights_are_those_of_now(make, moves):
    """Whether a training step writes into them, or puts others in their place."""
    made, given = make(), (contexts(), CONTEXT, Decoding(24), uniforms(9, 24), END)
    graphed = Graphed(made, CPU)
    before = graphed.sample(*given)
    recorded = list(graphed.steps.values())
    with torch.no_grad():
        for parameter in made.parameters():
            changed = parameter + 0.2 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(parameter.numel()))
            if moves:
                parameter.data = changed
            else:
                parameter.copy_(changed)
    after = graphed.sample(*given)
    same(after, sample(begun(made, True), *given, CPU))
    assert not torch.equal(before.actions, after.actions)
    assert any(one in recorded for one in graphed.steps.values()) is not moves, (
        "what was recorded is used again unless something lies elsewhere"
    )


class OnPaper(Recorder):
    """Records as a card would, without one."""

    def __init__(self, device: torch.device):
        super().__init__(device)
        self.records, self.recordings = True, []

    def _recorded(self, function):
        self.recordings.append(Recording(function))
        return self.recordings[-1]


@pytest.mark.parametrize(
    "family, decoding", [*(("qwen3", some) for some in DECODINGS), ("llama", DECODINGS[0]), ("qwen2, tied", DECODINGS[1])], ids=str
)
def test_what_was_recorded_draws_the_same(family, decoding):
    """In float64, for which there are no kernels: all that is done are torch's operations."""
    made = module(family).double()
    graphed = Graphed(made, CPU)
    graphed.recorder = OnPaper(CPU)
    for seed in (0, 1):  # what was recorded with other numbers
        given = contexts(), CONTEXT, decoding, uniforms(9, 24, seed), END
        same(graphed.sample(*given), sample(begun(made, True), *given, CPU))
    assert graphed.recorder.recordings and not graphed.recorder.failed
    assert all(one.recorded in graphed.recorder.recordings for one in graphed.steps.values() if one.recorded)


def begun_wave(graphed: Graphed, decoding: Decoding) -> tuple[graphed_wave.Wave, graphed_cache.View]:
    graphed._refresh()
    graphed._store(graphed._size(contexts(), CONTEXT, 24, 9), len(END))
    wave = graphed_wave.Wave(graphed, road.Drawn(contexts(), CONTEXT, decoding), torch.arange(9), 40)
    with torch.no_grad():
        wave.begin(uniforms(9, 24), END)
    return wave, graphed.storage.view(replace(wave.bucket, own=24))


@pytest.mark.parametrize("decoding", DECODINGS, ids=str)
def test_a_step_is_the_same_operations_whatever_was_drawn(decoding):
    graphed = Graphed(module("qwen3").double(), CPU)
    _, view = begun_wave(graphed, decoding)
    seen = []
    with torch.no_grad():
        for _ in range(4):
            recording = Recording(lambda: step(graphed.weights, view, decoding))
            recording()
            seen.append(recording.did)
    assert int(view.at) == 4 and len(seen[0]) > 50 and all(one == seen[0] for one in seen)


@pytest.mark.parametrize("decoding", DECODINGS, ids=str)
def test_a_step_runs_where_there_are_no_numbers_at_all(decoding):
    """On torch's device without data: whatever looked at a number, or came from the host, would be an error."""
    there = Graphed(module("qwen3").double(), CPU)
    _, view = begun_wave(there, decoding)
    nowhere = torch.device("meta")
    graphed = Graphed(copy.deepcopy(there.module).to(nowhere), nowhere)
    with torch.no_grad():
        graphed._refresh()
        graphed._store(there.storage.size, len(END))
        step(graphed.weights, graphed.storage.view(view.bucket), decoding)


class LookThere(graphed_wave.Look):
    def __init__(self, at: int, *tensors: torch.Tensor):
        self.at, self.event, self.there = at, None, [x.cpu() for x in tensors]


@pytest.mark.parametrize("decoding", [DECODINGS[0], DECODINGS[-1]], ids=str)
@pytest.mark.parametrize("make", [lambda: module("qwen3"), lambda: adapted("llama")], ids=["whole", "adapters"])
def test_on_a_card_nobody_waits_but_for_looks_and_for_the_end(make, decoding, monkeypatch):
    """All of it on a pretended card: prompts, steps, what ends, moves to smaller buckets."""
    made, given = make(), (contexts(), CONTEXT, decoding, uniforms(9, 24), END)
    wanted = sample(begun(made, False), *given, CPU)
    monkeypatch.setattr(graphed_wave, "Look", LookThere)
    with at_hand(monkeypatch) as card:
        graphed = Graphed(put_on(copy.deepcopy(made)), DEVICE)
        graphed.sample(*given)  # weights are read
        card.seen.clear()
        drawn = graphed.sample(*given)
    same(drawn, wanted)
    assert len({bucket.rows for bucket, _ in graphed.steps}) > 2
    at_the_end = {seen: n for seen, n in card.seen.items() if "tests/" not in seen and "test_graphed.py" not in seen}
    assert sorted(at_the_end.values()) == [1, 1] and all("storage.taken" in seen or "storage.logp" in seen for seen in at_the_end), (
        at_the_end
    )


def test_what_looks_at_numbers_is_noticed():
    x, mask = torch.arange(4.0), torch.tensor([True, False, True, True])
    for looks in (
        lambda: x.sum().item(),
        lambda: x[mask],
        lambda: mask.nonzero(),
        lambda: torch.unique(x),
        lambda: x.masked_select(mask),
        lambda: bool(mask.any()),
    ):
        with pytest.raises(HostSync), NoHostSyncs():
            looks()
    with NoHostSyncs():
        x[torch.tensor([0, 2, 3, 3])] + torch.where(mask, x, 0.0)


def test_what_is_recorded_does_nothing_until_it_is_played():
    count, done = torch.zeros(1), []
    captured = Captured(lambda: (done.append(1), count.add_(1)), OnPaper(CPU))
    for wanted in (1, 2, 3, 4):
        captured()
        assert int(count) == wanted
    assert len(done) == 2, "called, recorded, played back twice"


@pytest.mark.parametrize("family", ["llama", "qwen3"])
def test_what_lies_between_products_is_compiled_a_few_times_for_all_layers_and_sizes(family, monkeypatch):
    """Without a compiler behind it: what is traced, whole, and how often."""
    torch._dynamo.reset()
    counter = CompileCounter()
    monkeypatch.setattr(compiling, "why_not", lambda _: "")
    monkeypatch.setattr(compiling, "compiling", lambda function: torch.compile(function, backend=counter, fullgraph=True))
    pieces = ("normed", "turned", "gated", "probabilities")
    for name in pieces:
        monkeypatch.setattr(graphed_step, name, compiling.compiled(getattr(graphed_step, name).__wrapped__))
    made, given = module(family, num_hidden_layers=5).double(), (contexts(), CONTEXT, Decoding(24), uniforms(9, 24), END)
    graphed = Graphed(made, CPU)
    same(graphed.sample(*given), sample(begun(made, True), *given, CPU))
    assert len({bucket for bucket, _ in graphed.steps}) > 4
    assert 0 < counter.frame_count <= 4 * len(pieces), counter.frame_count
    torch._dynamo.reset()


class Driver:
    """What ``capturing`` asks of torch's graphs, and what it is refused: memory of a pool that no graph holds any more, two recordings at once."""

    held, recording = Counter(), []

    def capture_begin(self, pool=None, capture_error_mode="global"):
        assert not self.recording and capture_error_mode == "thread_local" and not torch.are_deterministic_algorithms_enabled()
        assert pool is None or self.held[pool] > 0
        self.of = pool or object()
        self.held[self.of] += 1
        self.recording.append(self)

    def capture_end(self):
        assert self.recording.pop() is self

    def pool(self):
        return self.of

    def replay(self):
        assert self.held[self.of] > 0

    def __del__(self):
        self.held[self.of] -= 1


@pytest.fixture
def driven(monkeypatch):
    stream = SimpleNamespace(wait_stream=lambda other: None)
    monkeypatch.setattr(torch.cuda, "Stream", lambda device: stream)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: stream)
    monkeypatch.setattr(torch.cuda, "stream", lambda stream: contextlib.nullcontext())
    monkeypatch.setattr(torch.cuda, "CUDAGraph", Driver)
    recorder = Recorder(torch.device("cuda"))
    recorder.device = CPU
    Driver.held.clear()
    return recorder


def test_graphs_share_memory_that_one_of_them_holds_and_give_it_back(driven):
    torch.use_deterministic_algorithms(True)
    try:
        for _ in range(2):  # also after everything was forgotten
            played = [driven.record(lambda: None) for _ in range(3)]
            assert sorted(Driver.held.values())[-1:] == [4] and all(played) and not driven.failed
            played.clear()
            again = driven.record(lambda: None)
            assert again is not None and sorted(Driver.held.values())[-1:] == [2]
            del again
            driven.forget()
            assert not any(Driver.held.values())
        assert torch.are_deterministic_algorithms_enabled()
    finally:
        torch.use_deterministic_algorithms(False)


def test_what_fails_while_it_is_recorded_ends_the_recording(driven):
    def full() -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    def refused() -> None:
        raise RuntimeError("operation not permitted")

    with pytest.raises(torch.OutOfMemoryError):  # for whoever draws fewer rows at once
        driven.record(full)
    assert driven.records and not Driver.recording
    assert driven.record(refused) is None and driven.failed == "operation not permitted" and not driven.records and not Driver.recording


class Refusing(OnPaper):
    def _recorded(self, function):
        raise RuntimeError("CUDA error: operation not permitted when stream is capturing\nmore")


def test_what_cannot_be_recorded_is_said_once_and_drawn_all_the_same(monkeypatch):
    monkeypatch.setattr(policy, "GRAPHS", "cpu")
    monkeypatch.setattr(road, "Recorder", Refusing)
    drawing, given, heard = LanguagePolicy(module("llama"), None, CPU), (contexts(), CONTEXT, Decoding(24), uniforms(9, 24)), []
    drawing.__dict__["ends"] = END
    with saying.listening(heard.append):
        assert drawing.graphed is not None
        first = drawing.sample(*given)
        assert drawing.graphed is None, "the other caches from then on"
        again = drawing.sample(*given)
    assert len(heard) == 1 and "not permitted when stream is capturing" in heard[0] and "more" not in heard[0]
    same(first, sample(begun(drawing.module, True), *given, END, CPU))
    same(again, first)


def test_a_policy_draws_so_where_there_are_graphs(monkeypatch):
    made, given = adapted("qwen3"), (contexts(), CONTEXT, Decoding(24), uniforms(9, 24))
    drawing = LanguagePolicy(made, None, CPU, torch.bfloat16)
    drawing.__dict__["ends"] = END
    assert drawing.graphed is None, "not on a CPU"
    wanted = drawing.sample(*given)
    monkeypatch.setattr(policy, "GRAPHS", "cpu")
    used = []
    real = Graphed.sample
    monkeypatch.setattr(Graphed, "sample", lambda self, *args: used.append(self) or real(self, *args))
    drawn = drawing.sample(*given)
    assert len(used) == 1 and used[0] is drawing.graphed and used[0].module is drawing.computing
    measured = drawing.measure(drawn, {"logp"})["logp"]
    assert float((measured - drawn.quantities["old_logp"])[drawn.mask].abs().mean()) < 0.05 and drawn.length.shape == wanted.length.shape
    reference = drawing.reference()
    reference.__dict__["ends"] = END
    reference.sample(*given)
    assert len(used) == 2


@pytest.mark.parametrize("family", ["gpt2", "gpt_neox", "gemma2", "mamba"])
def test_models_that_our_own_code_does_not_know_are_left_to_the_other_caches(family):
    assert graphed_for(module(family), CPU) is None


def test_a_model_that_computes_something_else_is_found_out():
    made = module("llama")
    assert graphed_for(made, CPU) is not None and Graphed(made, CPU).gap() < 1e-6
    own = made.model.layers[1].mlp.forward
    made.model.layers[1].mlp.forward = lambda x: own(x) * 1.01
    assert graphed_for(made, CPU) is None


def test_layers_that_differ_in_their_scale_are_left_to_the_other_caches():
    made = module("llama")
    made.model.layers[1].self_attn.scaling *= 1.01
    assert graphed_for(made, CPU) is None


def test_a_short_window_takes_the_other_caches(monkeypatch):
    monkeypatch.setattr(policy, "GRAPHS", "cpu")
    made, given = module("mistral", sliding_window=8), (contexts(), CONTEXT, Decoding(16), uniforms(9, 16), END)
    with pytest.raises(NotSupported):
        Graphed(made, CPU).sample(*given)
    drawing = LanguagePolicy(made, None, CPU)
    drawing.__dict__["ends"] = END
    same(drawing.sample(*given[:-1]), sample(begun(made, False), *given, CPU))


def test_where_there_is_little_room_fewer_rows_are_drawn_at_once(monkeypatch):
    graphed, given = Graphed(module("llama"), CPU), (contexts(), CONTEXT, Decoding(24), uniforms(9, 24), END)
    wanted = graphed.sample(*given)
    whole = graphed.storage.size
    graphed.release()
    room = graphed_cache.Bucket(4, 4, 2, 12, 24)
    graphed._refresh()
    least = graphed._bytes(room)
    monkeypatch.setattr(Graphed, "_free", lambda self: least)
    same(graphed.sample(*given), wanted)
    assert graphed.storage.size.rows <= 4 < whole.rows
    monkeypatch.setattr(Graphed, "_free", lambda self: 1)
    with pytest.raises(NotSupported, match="room"):
        graphed.sample(*given)


def test_where_memory_runs_out_on_the_way_fewer_rows_are_drawn_at_once(monkeypatch):
    graphed, given, heard, told = Graphed(module("llama"), CPU), (contexts(), CONTEXT, Decoding(24), uniforms(9, 24), END), [], []
    wanted, one = graphed.sample(*given), graphed.step

    def cramped(bucket: Bucket, decoding: Decoding) -> None:
        if int(graphed.storage.at) == 9 and graphed.storage.size.rows > 4:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        one(bucket, decoding)

    monkeypatch.setattr(graphed, "step", cramped)
    with saying.listening(heard.append):
        same(graphed.sample(*given, lambda _, rows: told.extend(rows.tolist())), wanted)
    assert sorted(told) == list(range(9)), "none is told twice"
    assert [sentence.split(";")[0] for sentence in heard] == ["memory ran out while 9 completions were drawn at once"] and graphed.most == 4
    same(graphed.sample(*given), wanted)
    assert len(heard) == 1 and graphed.storage.size.rows == 4


def test_what_would_hold_much_of_the_memory_is_given_back(monkeypatch):
    graphed, given = Graphed(module("llama"), CPU), (contexts(), CONTEXT, Decoding(24), uniforms(9, 24), END)
    wanted = graphed.sample(*given)
    assert graphed.storage is not None and graphed.steps
    monkeypatch.setattr(Graphed, "_memory", graphed._held)
    same(graphed.sample(*given), wanted)
    assert graphed.storage is None and graphed.weights is None and not graphed.steps
    same(graphed.sample(*given), wanted)


def test_few_graphs_are_kept(monkeypatch):
    monkeypatch.setattr(road, "RECORDED", 3)
    graphed = Graphed(module("llama"), CPU)
    graphed.sample(contexts(), CONTEXT, Decoding(24), uniforms(9, 24), END)
    assert len(graphed.steps) == 3


@given(st.integers(1, 5000), st.sampled_from([1, 2, 8, 64]))
def test_rungs(n, unit):
    found = rung(n, unit)
    assert n <= found and found % unit == 0 and (found <= unit or found <= 1.5 * n + unit) and rung(found, unit) == found


@given(st.lists(st.integers(0, 6), min_size=1, max_size=40))
def test_every_row_has_a_cell_of_its_own(context):
    context = torch.tensor(context)
    cells, tile, column, tiles = tiles_of(context)
    assert torch.equal(tiles[tile], context) and int(column.max()) < cells
    assert len(set(zip(tile.tolist(), column.tolist(), strict=True))) == len(context)
    assert len(tiles) <= 2 * len(context.unique()) and set(tile.tolist()) == set(range(len(tiles)))


def test_a_bucket_is_the_least_that_holds_so_much():
    assert Bucket.of(5, 3, 2, 9, 1) == Bucket(6, 3, 2, 12, 4)
    assert Bucket(6, 3, 2, 12, 4).holds(Bucket(4, 3, 2, 8, 4)) and not Bucket(6, 3, 2, 12, 4).holds(Bucket(8, 3, 2, 8, 4))


def test_bfloat16_errs_no_more_than_the_plain_path_in_bfloat16():
    """Hidden states of a few sequences, against those in float64."""
    exact = module("qwen3").double()
    rough = copy.deepcopy(exact).to(torch.bfloat16)
    found = {}
    for name, made in (("exact", exact), ("rough", rough)):
        graphed = Graphed(made, CPU)
        _, view = begun_wave(graphed, Decoding(24))
        states = []
        with torch.no_grad():
            for t in range(12):
                view.tokens.copy_((torch.arange(len(view.tokens)) * 7 + t * t) % V)
                view.at.fill_(t)
                states.append(hidden(graphed.weights, view)[:9])
        found[name] = torch.stack(states)
    own = body_of(rough)
    ids = torch.randint(V, (4, 20), generator=torch.Generator().manual_seed(0))
    plain = gap(own(ids).last_hidden_state, body_of(exact)(ids).last_hidden_state)
    assert decoder_of(own) is not None and gap(found["rough"], found["exact"]) < 1.5 * plain
