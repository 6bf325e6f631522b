"""Every fast path computes the numbers of the plain one: values and gradients, over families of models, lengths and number formats."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.on_side import OnSide
from guerdon.losses.penalties.entropy import Entropy
from guerdon.losses.surrogates.bounded_weight import BoundedWeight
from guerdon.losses.surrogates.clip import Clip
from guerdon.losses.surrogates.reinforce import Reinforce
from guerdon.losses.surrogates.sequence_ratio import SequenceRatio
from guerdon.models.language import layout
from guerdon.models.language.compute_copy import ComputeCopy
from guerdon.models.language.forward import can_pack, encode, has_plain_head
from guerdon.models.language.lora import Lora
from guerdon.models.language.policy import LanguagePolicy
from guerdon.quantities import Name
from guerdon.sequences import Batch, Sequences, merge, pad
from guerdon.training.learner import Learner
from guerdon.training.measuring import gather, micro_batches
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Term
from guerdon.training.remembering import Remembering, fingerprint
from guerdon.training.tally import Tally
from guerdon.training.updates.moving_average import MovingAverage
from guerdon.training.views import Views

CPU = torch.device("cpu")
V = 37


def module(family: str, seed: int = 0, **more):
    """A small random model whose next-step distributions are far from flat."""
    import transformers as t

    sizes = {
        "vocab_size": more.pop("vocab_size", V),
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": more.pop("num_hidden_layers", 2),
        "num_attention_heads": 4,
    }
    grouped = {**sizes, "num_key_value_heads": 2, "max_position_embeddings": 128}
    make = {
        "llama": lambda: t.LlamaForCausalLM(t.LlamaConfig(**grouped, **more)),
        "llama, one head each": lambda: t.LlamaForCausalLM(t.LlamaConfig(**{**grouped, "num_key_value_heads": 4}, **more)),
        "qwen2, tied": lambda: t.Qwen2ForCausalLM(t.Qwen2Config(**grouped, tie_word_embeddings=True)),
        "qwen3": lambda: t.Qwen3ForCausalLM(t.Qwen3Config(**grouped, head_dim=more.get("head_dim", 8))),
        "mistral": lambda: t.MistralForCausalLM(t.MistralConfig(**grouped, sliding_window=more.get("sliding_window", 64))),
        "gpt2": lambda: t.GPT2LMHeadModel(t.GPT2Config(vocab_size=V, n_embd=32, n_layer=2, n_head=4, n_positions=128)),
        "gpt_neox": lambda: t.GPTNeoXForCausalLM(t.GPTNeoXConfig(**sizes, max_position_embeddings=128)),
        "gemma2": lambda: t.Gemma2ForCausalLM(t.Gemma2Config(**grouped, head_dim=8, sliding_window=64)),
        "mamba": lambda: t.MambaForCausalLM(t.MambaConfig(vocab_size=V, hidden_size=32, num_hidden_layers=2, state_size=8)),
    }[family]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made = make().eval()
    with torch.no_grad():
        for parameter in made.parameters():
            if parameter.dim() > 1:
                parameter.mul_(2.0)
    return made


def drawn(contexts: list[int], rows: list[tuple[int, int]], seed: int = 0, dense: bool = True) -> Sequences:
    """Random sequences: lengths of contexts, and for each row its context and its length."""
    g = torch.Generator().manual_seed(seed)
    some = [torch.randint(V, (n,), generator=g) for n in contexts]
    length = torch.tensor([n for _, n in rows])
    actions = pad([torch.randint(V, (n,), generator=g) for _, n in rows], torch.long)
    mask = torch.arange(actions.shape[1]) < length.unsqueeze(-1)
    if not dense:
        mask &= torch.rand(mask.shape, generator=g) < 0.7
    return Sequences(some, torch.tensor([c for c, _ in rows]), actions, mask, length)


SOME = drawn([5, 9, 1, 30], [(0, 3), (0, 7), (1, 4), (0, 0), (3, 20), (3, 1), (3, 13), (2, 6), (3, 0)])
shapes = st.integers(1, 4).flatmap(
    lambda p: st.tuples(
        st.lists(st.integers(1, 12), min_size=p, max_size=p),
        st.lists(st.tuples(st.integers(0, p - 1), st.integers(0, 9)), min_size=1, max_size=9),
    )
)


def results(made, sequences: Sequences, packed: bool) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """What is measured, and the gradient of a random functional of it."""
    made.zero_grad()
    encoded = encode(made, sequences, CPU, packed)
    hidden = encoded.hidden[encoded.predicts], encoded.hidden[encoded.last]
    values = torch.cat(hidden)
    weight = torch.randn(values.shape, generator=torch.Generator().manual_seed(1), dtype=values.dtype)
    (values * weight).sum().backward()
    return values.detach(), {name: p.grad.clone() for name, p in made.named_parameters() if p.grad is not None}


def gap(a: torch.Tensor, b: torch.Tensor) -> float:
    """The difference as a share of the norm."""
    return float((a.double() - b.double()).norm() / b.double().norm().clamp(min=1e-12))


FAST = ["llama", "llama, one head each", "qwen2, tied", "qwen3", "mistral", "gpt2", "gpt_neox"]


@pytest.mark.parametrize("family", FAST)
@pytest.mark.parametrize("cut", [*layout.CUTS.values(), layout.Cut(100, 128)], ids=str)
def test_a_flat_row_with_shared_contexts_is_the_plain_rows(family, cut, monkeypatch):
    monkeypatch.setitem(layout.CUTS, "cpu", cut)
    made = module(family)
    assert can_pack(made, CPU) == ""
    values, gradients = results(made, SOME, packed=True)
    plain, wanted = results(made, SOME, packed=False)
    assert gap(values, plain) < 1e-5
    assert gradients.keys() == wanted.keys()
    for name, gradient in wanted.items():
        assert gap(gradients[name], gradient) < 1e-5 or float(gradient.norm()) < 1e-4 * len(wanted), name


@settings(max_examples=25, deadline=None)
@given(shapes)
def test_lengths_do_not_matter(shape):
    sequences = drawn(*shape, dense=False)
    made = module("llama").double()
    values, gradients = results(made, sequences, packed=True)
    plain, wanted = results(made, sequences, packed=False)
    assert gap(values, plain) < 1e-6  # transformers normalises in float32
    assert all(gap(gradients[name], wanted[name]) < 1e-5 or float(wanted[name].norm()) < 1e-5 for name in wanted)


@pytest.mark.parametrize("family", ["gemma2", "mamba"])
def test_a_model_that_cannot_is_found_out(family):
    """Soft-capped scores are not done; a state space model mixes along the row."""
    assert can_pack(module(family), CPU) != ""


def test_a_window_that_is_shorter_than_the_sequences_takes_the_plain_rows():
    made = module("mistral", sliding_window=8)
    values, _ = results(made, SOME, packed=True)
    plain, _ = results(made, SOME, packed=False)
    assert torch.equal(values, plain)


@pytest.mark.parametrize("family", FAST)
def test_bfloat16_errs_no_more_than_the_plain_path_in_bfloat16(family):
    exact, true = results(module(family).double(), SOME, packed=False)
    rough = module(family).to(torch.bfloat16)
    found = {}
    for packed in (True, False):
        values, gradients = results(rough, SOME, packed)
        flat = torch.cat([g.double().flatten() for g in gradients.values()])
        found[packed] = gap(values, exact), gap(flat, torch.cat([g.flatten() for g in true.values()]))
    assert found[True][0] < 1.5 * found[False][0] and found[True][1] < 1.5 * found[False][1], found


def pairs() -> Batch:
    chosen = drawn([5, 3, 7], [(0, 4), (1, 2), (2, 5)], seed=1)
    rejected = drawn([5, 3, 7], [(0, 3), (1, 6), (2, 0)], seed=1)
    return Batch({"chosen": chosen, "rejected": rejected})


def policy(made, dtype=None) -> LanguagePolicy:
    return LanguagePolicy(made, None, CPU, dtype)


def test_the_sides_of_a_pair_measured_together_are_each_measured_alone():
    batch, made = pairs(), policy(module("llama"))
    got = gather(batch, [Name.parse("chosen_logp"), Name.parse("rejected_logp")], made)
    for side, sequences in batch.sides.items():
        torch.testing.assert_close(got[f"{side}_logp"], made.measure(sequences, {"logp"})["logp"], rtol=1e-5, atol=1e-5)


def test_merging_keeps_one_of_equal_contexts():
    batch = pairs()
    batch.sides["rejected"].contexts = [c.clone() for c in batch.sides["chosen"].contexts]
    merged = merge(list(batch.sides.values()))
    assert len(merged.contexts) == 3 and len(merged) == 6
    for row in range(3):
        assert torch.equal(merged.contexts[merged.context[row + 3]], batch.sides["rejected"].contexts[row])


@settings(max_examples=40, deadline=None)
@given(shapes, st.integers(1, 60), st.booleans())
def test_micro_batches_hold_every_row_once_within_the_budget(shape, budget, shared):
    sequences = drawn(*shape)
    batch = Batch({"": sequences})
    parts = list(micro_batches(batch, budget, shared))
    assert sorted(torch.cat(parts).tolist()) == list(range(len(sequences)))
    for rows in parts:
        some = sequences.select(rows)
        contexts = torch.tensor([len(c) for c in some.contexts])
        cost = int(contexts.sum() + some.length.sum()) if shared else len(rows) * int(some.tokens.max())
        alone = shared and int(contexts.max()) >= budget and cost <= int(contexts.max()) + 1  # empty answers beside one token
        assert cost <= budget or len(rows) == 1 or alone


def test_micro_batches_are_of_like_size_where_several_are_needed():
    sequences = drawn([90] * 16, [(i, 10) for i in range(16)])
    assert [len(rows) for rows in micro_batches(Batch({"": sequences}), 1000)] == [8, 8]  # and not ten and six


@pytest.mark.parametrize("side", ["chosen", "rejected"])
@pytest.mark.parametrize("budget", [10_000, 12])
def test_a_loss_on_one_side_is_averaged_over_that_sides_steps(side, budget):
    term = Term(OnSide(NegativeLogLikelihood(), side))
    learner, batch, tally = Learner("policy", policy(module("llama")), (term,), AdamW(1e-2), budget), pairs(), Tally()
    some = batch.sides[side]
    logp = learner.model.measure(some, {"logp"})["logp"].detach()
    learner.step({"": batch}, (term,), AdamW(1e-2), tally)
    assert tally.means()["loss"] == pytest.approx(float(-logp[some.mask].mean()), rel=1e-5)
    assert tally.means()["losses/on_side"] == pytest.approx(tally.means()["loss"], rel=1e-5)


def test_a_context_stays_in_one_micro_batch_where_it_fits():
    sequences = drawn([10, 10], [(i % 2, 5) for i in range(8)])
    assert sorted(sorted(rows.tolist()) for rows in micro_batches(Batch({"": sequences}), 30)) == [[0, 2, 4, 6], [1, 3, 5, 7]]


def test_the_compute_copy_hands_its_gradients_on_and_follows_its_masters():
    made = module("llama")
    copied = ComputeCopy(made, torch.bfloat16)
    plain = copy.deepcopy(made).to(torch.bfloat16)
    plain.model.rotary_emb = made.model.rotary_emb  # whose frequencies are not to be rounded
    ids = torch.arange(6).unsqueeze(0)
    for _ in range(2):  # two micro-batches
        copied.module(input_ids=ids).logits.float().square().sum().backward()
    plain(input_ids=ids).logits.float().square().sum().backward()
    for (name, p), q in zip(made.named_parameters(), plain.parameters(), strict=True):
        assert p.dtype == p.grad.dtype == torch.float32
        torch.testing.assert_close(p.grad, 2 * q.grad.float(), rtol=1e-6, atol=1e-6, msg=name)
    assert all(p.grad is None for p in copied.copy.parameters())
    optimiser = AdamW().build(made.parameters())
    optimiser.param_groups[0]["lr"] = 1e-3
    optimiser.step()
    for p, q in zip(made.parameters(), copied.module.parameters(), strict=True):
        assert torch.equal(p.to(torch.bfloat16), q)
    assert all(torch.equal(p, q) and p.dtype == q.dtype for p, q in zip(made.buffers(), copied.copy.buffers(), strict=True))


def test_small_steps_add_up_in_the_masters():
    """Steps of a thousandth of bfloat16's spacing move nothing in bfloat16, and do move its masters, and at last the copy."""
    made = module("llama")
    copied = ComputeCopy(made, torch.bfloat16)
    start = copied.module.lm_head.weight.clone()
    rough = start.clone()
    with torch.no_grad():
        for _ in range(3000):
            made.lm_head.weight.mul_(1 + 1e-5)
            rough.mul_(1 + 1e-5)
    assert torch.equal(rough, start) and not torch.equal(copied.module.lm_head.weight, start)


def test_adapters_with_frozen_bfloat16_weights_share_them_with_the_copy():
    adapted = Lora(r=4).wrap(module("llama").to(torch.bfloat16), seed=0)
    made = policy(adapted, torch.bfloat16)
    frozen = [p for p in adapted.parameters() if not p.requires_grad]
    theirs = {p.data_ptr() for p in made.computing.parameters()}
    assert all(p.data_ptr() in theirs for p in frozen)
    assert all(p.dtype == torch.float32 for p in adapted.parameters() if p.requires_grad)
    assert all(p.dtype == torch.bfloat16 for p in made.computing.parameters())
    reference = made.reference()
    before = reference.measure(SOME, {"logp"})["logp"].detach()
    made.measure(SOME, {"logp"})["logp"].sum().backward()
    trained = [p for p in adapted.parameters() if p.requires_grad]
    assert any(p.grad is not None and p.grad.any() for p in trained)
    with torch.no_grad():
        for p in trained:
            p += 0.1
    assert torch.equal(reference.measure(SOME, {"logp"})["logp"], before)
    assert not torch.equal(made.measure(SOME, {"logp"})["logp"], before)
    made.measure(SOME, {"logp"})["logp"].sum().backward()  # adapters are switched on again, and their gradients handed on
    assert all(p.grad is not None for p in trained)


def test_heads_are_plain_where_they_are():
    assert has_plain_head(module("llama"), CPU) and not has_plain_head(module("gemma2"), CPU)


SURROGATES = [Reinforce(), Clip(0.2, 0.28, dual=3.0), BoundedWeight(), SequenceRatio()]


def rollouts(advantage: torch.Tensor) -> Batch:
    sequences = drawn([5, 3], [(0, 4), (0, 2), (1, 5), (1, 1)], seed=4)
    old = torch.randn(sequences.mask.shape, generator=torch.Generator().manual_seed(2)) - 3
    given = {"old_logp": torch.where(sequences.mask, old, 0.0), "advantage": torch.where(sequences.mask, advantage.unsqueeze(-1), 0.0)}
    return Batch({"": sequences.with_quantities(**given, group=sequences.context)})


@pytest.mark.parametrize("loss", SURROGATES, ids=lambda part: type(part).__name__)
@pytest.mark.parametrize("advantage", [[0.0, 0.0, 1.0, -2.0], [0.0, 0.5, 0.0, 0.0], [0.0] * 4])
def test_sequences_without_an_advantage_are_left_out_and_nothing_changes(loss, advantage, monkeypatch):
    found = []
    for silent in (True, False):
        if not silent:
            monkeypatch.setattr(type(loss), "silent_without", None)
        learner = Learner("policy", policy(module("llama")), (Term(loss),), AdamW(1e-2, eps=1e-4), 10_000)
        seen: list[int] = []
        measure = learner.model.measure
        monkeypatch.setattr(learner.model, "measure", lambda s, n, m=measure, seen=seen: seen.append(len(s)) or m(s, n))
        metrics = []
        for some in (advantage, [0.0] * 4):  # the last step learns nothing, and still moves by the momentum of the first
            tally = Tally()
            learner.step({"": rollouts(torch.tensor(some))}, learner.terms, AdamW(1e-2), tally)
            metrics.append(tally.means())
        found.append((learner.state()["parameters"], metrics, sum(seen)))
    (mine, metrics, few), (plain, wanted, every) = found
    assert few < every == 8
    for name, value in plain.items():
        torch.testing.assert_close(mine[name], value, rtol=0, atol=1e-4)  # steps are 1e-2
    for one, other in zip(metrics, wanted, strict=True):
        assert one["loss"] == pytest.approx(other["loss"], abs=1e-6) and one["grad_norm"] == pytest.approx(
            other["grad_norm"], rel=1e-4, abs=1e-7
        )
        name = next(name for name in other if name.startswith("losses/"))
        assert one[name] == pytest.approx(other[name], abs=1e-6)


def test_a_penalty_keeps_every_sequence():
    terms = (Term(Reinforce()), Term(Entropy(), weight=-0.1))
    learner = Learner("policy", policy(module("llama")), terms, AdamW(1e-2), 10_000)
    tally = Tally()
    learner.step({"": rollouts(torch.zeros(4))}, terms, AdamW(1e-2), tally)
    assert "frac_silent" not in tally.means() and tally.means()["grad_norm"] > 0


def test_a_reference_that_does_not_move_is_kept_once_and_says_the_same():
    made = policy(module("llama"), torch.bfloat16)
    reference = made.reference()
    before = reference.measure(SOME, {"logp"})["logp"]
    names = {Name.parse("ref_logp")}
    fixed = Views(made, names, (), {}).bound["ref"]
    assert all(p.dtype == torch.bfloat16 for p in fixed.module.parameters()) and fixed.computing is fixed.module
    assert torch.equal(fixed.measure(SOME, {"logp"})["logp"], before)
    moving = Views(made, names, (MovingAverage(into="ref"),), {}).bound["ref"]
    assert all(p.dtype == torch.float32 for p in moving.module.parameters())
    adapted = policy(Lora(r=4).wrap(module("llama"), seed=0), torch.bfloat16)
    Views(adapted, names, (), {})
    assert all(p.dtype == torch.float32 for p in adapted.module.parameters())


def test_what_a_reference_says_is_measured_once(tmp_path):
    made = policy(module("llama"))
    once = Remembering(made.reference(), tmp_path)
    first = once.measure(SOME, {"logp"})["logp"]
    torch.testing.assert_close(first, made.measure(SOME, {"logp"})["logp"].detach())
    assert once.measured == len(SOME)
    again = Remembering(made.reference(), tmp_path)  # another run
    some = SOME.select(torch.tensor([8, 4, 1]))
    assert torch.equal(again.measure(some, {"logp"})["logp"], first[[8, 4, 1], : some.actions.shape[1]]) and again.measured == 0
    with torch.no_grad():
        made.module.lm_head.weight.add_(0.1)
    moved = Remembering(made.reference(), tmp_path)
    moved.measure(some, {"logp"})
    assert moved.measured == 3


def test_a_full_disk_costs_time_and_not_the_run(tmp_path):
    once = Remembering(policy(module("llama")).reference(), tmp_path)
    first = once.measure(SOME, {"logp"})["logp"]
    once._known.execute("DELETE FROM measured")
    once._known.commit()
    once._known.execute("PRAGMA query_only = ON")  # every write fails from now on
    assert torch.equal(once.measure(SOME, {"logp"})["logp"], first) and once.measured == 2 * len(SOME)


def test_the_number_format_counts():
    made = module("llama")
    prints = {fingerprint(policy(made, dtype).reference()) for dtype in (None, torch.bfloat16)}
    adapted = Lora(r=4).wrap(module("llama"), seed=0)
    prints |= {fingerprint(policy(adapted, dtype).reference()) for dtype in (torch.float32, torch.bfloat16)}
    assert len(prints) == 4


def test_adapters_that_are_switched_off_do_not_count(tmp_path):
    made = policy(Lora(r=4).wrap(module("llama"), seed=0))
    reference = made.reference()
    before = fingerprint(reference)
    with torch.no_grad():
        for name, p in made.module.named_parameters():
            if "lora_" in name:
                p += 0.1
    assert fingerprint(reference) == before and fingerprint(made) != before


def test_where_nothing_can_be_written_it_is_remembered_for_the_run(tmp_path):
    (tmp_path / "file").write_text("")
    once = Remembering(policy(module("llama")).reference(), tmp_path / "file" / "inside")
    once.measure(SOME, {"logp"})
    once.measure(SOME, {"logp"})
    assert once.measured == len(SOME)
