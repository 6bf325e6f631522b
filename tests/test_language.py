"""The language model: what the sampler records is what the plain forward pass says, whatever the batch holds besides."""

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from guerdon.errors import InputError
from guerdon.models.heads.scalar import Scalar
from guerdon.models.heads.value import Value
from guerdon.models.language.headed import Headed
from guerdon.models.language.language_model import LanguageModel
from guerdon.models.language.lora import Lora
from guerdon.models.language.small_language_model import SmallLanguageModel
from guerdon.sequences import Decoding, Sequences, pad

SMALL = SmallLanguageModel("abcdefgh>", layers=2, hidden=32, heads=4, context_length=64)
POLICY = SMALL.build(0)


def sharpen(policy, by: float = 8.0):
    """Random weights give nearly uniform logits; larger ones make differences visible."""
    with torch.no_grad():
        for p in policy.module.parameters():
            p.mul_(by if p.dim() > 1 else 1.0)
    return policy


SHARP = sharpen(SMALL.build(1), 3.0)


def sequences(contexts: list[list[int]], actions: list[list[int]], masks: list[list[bool]] | None = None) -> Sequences:
    masks = masks or [[True] * len(a) for a in actions]
    return Sequences(
        [torch.tensor(c) for c in contexts],
        torch.arange(len(contexts)),
        pad(actions, torch.long),
        pad(masks, torch.bool),
        torch.tensor([len(a) for a in actions]),
    )


def by_hand(policy, context: list[int], action: list[int], temperature: float = 1.0) -> torch.Tensor:
    """Log-probabilities of one row, without padding, from full logits."""
    ids = torch.tensor([context + action])
    logp = (policy.module(ids).logits[0] / temperature).log_softmax(-1)
    return logp[len(context) - 1 : -1].gather(-1, torch.tensor(action).unsqueeze(-1)).squeeze(-1)


tokens = st.lists(st.integers(3, 11), min_size=1, max_size=6)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(tokens, tokens), min_size=1, max_size=5))
def test_measured_rows_equal_unpadded_rows(rows):
    batch = sequences([c for c, _ in rows], [a for _, a in rows])
    got = SHARP.measure(batch, {"logp", "entropy"})
    for b, (context, action) in enumerate(rows):
        torch.testing.assert_close(got["logp"][b, : len(action)], by_hand(SHARP, context, action), rtol=1e-4, atol=1e-5)
        assert not got["logp"][b, len(action) :].any()


def test_steps_the_policy_did_not_take_are_read_but_not_measured():
    mask = [[True, False, False, True]]
    batch = sequences([[3, 4]], [[5, 6, 7, 8]], mask)
    full = by_hand(SHARP, [3, 4], [5, 6, 7, 8])
    got = SHARP.measure(batch, {"logp"})["logp"][0]
    torch.testing.assert_close(got, full * torch.tensor(mask[0]), rtol=1e-4, atol=1e-5)


def test_entropy_is_that_of_the_next_step_distribution():
    batch = sequences([[3, 4]], [[5, 6]])
    logp = SHARP.module(torch.tensor([[3, 4, 5, 6]])).logits[0, 1:3].log_softmax(-1)
    torch.testing.assert_close(SHARP.measure(batch, {"entropy"})["entropy"][0], -(logp.exp() * logp).sum(-1), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("temperature", [1.0, 0.6, 0.0])
def test_the_sampler_records_the_log_probabilities_of_the_plain_pass(temperature):
    contexts = [torch.tensor(c) for c in ([3, 4, 5], [6], [7, 8, 9, 10, 3])]
    context = torch.arange(3).repeat_interleave(5)
    uniforms = torch.rand(15, 12, generator=torch.Generator().manual_seed(0))
    rollouts = SHARP.sample(contexts, context, Decoding(12, temperature), uniforms)
    assert temperature == 0 or rollouts.length.min() < rollouts.length.max(), "rows should leave the batch at different times"
    again = SHARP.measure(rollouts, {"logp"})["logp"]
    torch.testing.assert_close(rollouts.quantities["old_logp"], again, rtol=1e-4, atol=2e-5)
    ended = rollouts.actions[torch.arange(15), rollouts.length - 1] == SHARP.tokenizer.eos_token_id
    assert torch.equal(ended, rollouts.quantities["terminated"])


def test_a_row_depends_on_nothing_but_itself():
    contexts = [torch.tensor(c) for c in ([3, 4, 5], [6], [7, 8, 9, 10, 3])]
    uniforms = torch.rand(3, 10, generator=torch.Generator().manual_seed(1))
    together = SHARP.sample(contexts, torch.arange(3), Decoding(10), uniforms)
    for b in range(3):
        alone = SHARP.sample(contexts, torch.tensor([b]), Decoding(10), uniforms[b : b + 1])
        assert alone.actions[0, : alone.length[0]].tolist() == together.actions[b, : together.length[b]].tolist()


def test_samples_follow_the_distribution():
    from scipy.stats import chisquare

    context = torch.zeros(4000, dtype=torch.long)
    uniforms = torch.rand(4000, 1, generator=torch.Generator().manual_seed(2))
    drawn = SHARP.sample([torch.tensor([3, 4])], context, Decoding(1), uniforms).actions[:, 0]
    p = SHARP.module(torch.tensor([[3, 4]])).logits[0, -1].softmax(-1).detach().double()
    counts = torch.bincount(drawn, minlength=len(p)).double()
    likely = p > 0.002
    observed, expected = [*counts[likely], counts[~likely].sum()], [*(4000 * p[likely]), 4000 * p[~likely].sum()]
    keep = [e > 1 for e in expected]
    observed, expected = ([float(x) for x, k in zip(xs, keep, strict=True) if k] for xs in (observed, expected))
    assert chisquare(observed, [e * sum(observed) / sum(expected) for e in expected]).pvalue > 1e-3


def test_greedy_agrees_with_generate():
    prompt = torch.tensor([3, 4, 5])
    ours = SHARP.sample([prompt], torch.tensor([0]), Decoding(10, 0.0), torch.zeros(1, 10))
    theirs = SHARP.module.generate(prompt.unsqueeze(0), max_new_tokens=10, do_sample=False, pad_token_id=0)[0, 3:]
    assert ours.actions[0, : ours.length[0]].tolist() == theirs.tolist()


def test_the_reference_is_adapter_off_while_adapters_are_fresh_and_a_copy_afterwards():
    policy = SMALL.build(0)
    policy.module = Lora(r=2).wrap(policy.module, 0)
    batch = sequences([[3, 4]], [[5, 6]])
    start = policy.measure(batch, {"logp"})["logp"].detach()
    fresh = policy.reference()
    assert fresh.module is policy.module
    with torch.no_grad():
        for name, p in policy.module.named_parameters():
            if "lora_B" in name:
                p.normal_()
    moved = policy.measure(batch, {"logp"})["logp"].detach()
    assert not torch.allclose(moved, start)
    torch.testing.assert_close(fresh.measure(batch, {"logp"})["logp"], start)
    later = policy.reference()
    assert later.module is not policy.module
    torch.testing.assert_close(later.measure(batch, {"logp"})["logp"], moved)


@pytest.mark.parametrize("adapted", [False, True])
def test_saved_models_load_anywhere(adapted, tmp_path: Path):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    policy = SMALL.build(3)
    if adapted:
        policy.module = Lora(r=2).wrap(policy.module, 0)
        with torch.no_grad():
            for p in policy.module.parameters():
                p.add_(0.01)
    policy.save(tmp_path)
    loaded, ids = AutoModelForCausalLM.from_pretrained(tmp_path), torch.tensor([[3, 4, 5]])
    torch.testing.assert_close(loaded(ids).logits, policy.module(ids).logits, rtol=1e-4, atol=1e-5)
    assert AutoTokenizer.from_pretrained(tmp_path).decode([3, 4]) == policy.tokenizer.decode([3, 4])
    again = LanguageModel(str(tmp_path), device="cpu").build()
    torch.testing.assert_close(again.module(ids).logits, policy.module(ids).logits, rtol=1e-4, atol=1e-5)


def test_a_reward_model_is_saved_as_a_sequence_classifier(tmp_path: Path):
    from transformers import AutoModelForSequenceClassification

    scorer = Headed(SMALL, Scalar()).build(0)
    batch = sequences([[3, 4], [5]], [[6, 7, 2], [8, 2]])
    scorer.save(tmp_path)
    loaded = AutoModelForSequenceClassification.from_pretrained(tmp_path)
    got = [float(loaded(torch.tensor([row])).logits) for row in ([3, 4, 6, 7, 2], [5, 8, 2])]
    torch.testing.assert_close(scorer.measure(batch, {"score"})["score"], torch.tensor(got), rtol=1e-4, atol=1e-5)


def test_a_value_is_read_before_the_step_it_judges():
    critic = Headed(SMALL, Value()).build(0)
    with torch.no_grad():
        critic.module["head"].weight.normal_()
    first = critic.measure(sequences([[3, 4]], [[5, 6]]), {"value"})["value"]
    other = critic.measure(sequences([[3, 4]], [[5, 7]]), {"value"})["value"]
    torch.testing.assert_close(first, other)  # the last action is not seen by any value
    changed = critic.measure(sequences([[3, 4]], [[8, 6]]), {"value"})["value"]
    assert torch.isclose(first[0, 0], changed[0, 0]) and not torch.isclose(first[0, 1], changed[0, 1])


@pytest.mark.parametrize(
    ("specification", "sentence"),
    [
        (LanguageModel("./nowhere"), "no folder"),
        (LanguageModel("nowhere.gguf"), "no file"),
        (LanguageModel("package:no_such_package/x.gguf"), "no package"),
        (LanguageModel("x", device="cuda:9"), "not on this machine"),
        (LanguageModel("x", device="cpu", dtype="float3"), "float3"),
    ],
)
def test_what_cannot_be_loaded_is_said(specification, sentence):
    with pytest.raises(InputError, match=sentence):
        specification.build()


@pytest.mark.parametrize("names", [{"logp"}, {"logp", "entropy"}])
def test_tiles_change_neither_values_nor_gradients(names, monkeypatch):
    from guerdon.models.language import tiles

    batch = sequences([[3, 4], [5], [6, 7, 8]], [[5, 6, 7, 2], [8, 2], [9, 10, 11, 3, 2]])
    found = []
    for tile, plain in ((tiles.TILE, True), (1, True), (tiles.TILE, False)):
        monkeypatch.setattr(tiles, "TILE", tile)
        policy = sharpen(SMALL.build(1), 3.0)
        policy.plain_head = plain
        got = policy.measure(sequences(*_long(batch)), names)
        sum(value.square().sum() for value in got.values()).backward()
        found.append(({n: v.detach() for n, v in got.items()}, {n: p.grad for n, p in policy.module.named_parameters()}))
    for values, gradients in found[1:]:
        for name in names:
            torch.testing.assert_close(values[name], found[0][0][name], rtol=1e-5, atol=1e-6)
        for name, gradient in gradients.items():
            assert float((gradient - found[0][1][name]).norm()) < 2e-6 * float(found[0][1][name].norm()), name


def _long(batch: Sequences) -> tuple[list[list[int]], list[list[int]]]:
    """Rows long enough for several tiles of 16."""
    contexts = [c.tolist() for c in batch.contexts]
    return contexts, [batch.actions[b, :n].tolist() * 8 for b, n in enumerate(batch.length.tolist())]


def test_a_head_with_a_soft_cap_is_not_taken_for_a_plain_one():
    from transformers import Gemma2Config, Gemma2ForCausalLM

    from guerdon.models.language.forward import has_plain_head

    config = Gemma2Config(
        vocab_size=12, hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=1, head_dim=8
    )
    module = Gemma2ForCausalLM(config).eval()
    assert not has_plain_head(module, torch.device("cpu")) and has_plain_head(SHARP.module, torch.device("cpu"))
    from guerdon.models.language.policy import LanguagePolicy

    policy = LanguagePolicy(module, SHARP.tokenizer, torch.device("cpu"))
    got = policy.measure(sequences([[3, 4]], [[5, 6]]), {"logp"})["logp"][0]
    torch.testing.assert_close(got, by_hand(policy, [3, 4], [5, 6]), rtol=1e-4, atol=1e-5)


def test_a_device_of_apples_is_taken_where_it_is(monkeypatch):
    from guerdon.models.language import precision
    from guerdon.models.language.policy import device_of

    with pytest.raises(InputError, match="which has cpu"):
        device_of("mps")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert device_of("mps").type == "mps" and device_of("auto").type != "mps"

    def refuses(dtype, _):
        if dtype == torch.bfloat16:
            raise TypeError("BFloat16 is not supported on MPS")
        return 1.0

    monkeypatch.setattr(precision, "_seconds", refuses)
    precision.gain_of.cache_clear()
    assert precision.dtype_of("auto", torch.device("mps")) == torch.float32
    precision.gain_of.cache_clear()


@pytest.mark.parametrize(
    ("device", "seconds", "taken"),
    [
        ("cuda", {torch.bfloat16: 1.0, torch.float16: 0.5}, torch.bfloat16),
        ("cuda", {torch.bfloat16: 2.5, torch.float16: 0.5}, torch.float16),
        ("cuda", {torch.bfloat16: 2.5, torch.float16: 2.5}, torch.float32),
        ("cpu", {torch.bfloat16: 2.5, torch.float16: 0.5}, torch.float32),
        ("cpu", {torch.bfloat16: 1.0}, torch.bfloat16),
    ],
)
def test_the_format_is_the_one_whose_products_are_fast(device, seconds, taken, monkeypatch):
    from guerdon.models.language import precision

    monkeypatch.setattr(precision, "_seconds", lambda dtype, _: {torch.float32: 3.0, **seconds}[dtype])
    precision.gain_of.cache_clear()
    assert precision.dtype_of("auto", torch.device(device)) == taken
    precision.gain_of.cache_clear()
