"""The sampler: what it draws follows the model's distribution, truncated as asked; what it records is the log-probability that it drew with; and a
sequence depends on nothing else in its batch."""

import itertools

import numpy as np
import pytest
import torch
from scipy import stats

from guerdon.errors import InputError
from guerdon.models.language import decoding as growing_room
from guerdon.models.language.decoding import Plain, Shared
from guerdon.models.language.policy import LanguagePolicy
from guerdon.models.language.sampling import begin, choose, sample, truncated
from guerdon.sequences import Decoding
from test_fast_paths import CPU, FAST, V, module

END = torch.tensor([0, 1, 2])


def contexts(lengths=(5, 1, 12, 7)) -> list[torch.Tensor]:
    g = torch.Generator().manual_seed(3)
    return [torch.randint(V, (n,), generator=g) for n in lengths]


def uniforms(rows: int, steps: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(rows, steps, generator=torch.Generator().manual_seed(seed))


CONTEXT = torch.tensor([2, 0, 0, 1, 2, 3, 3, 3, 0])


def begun(module, packed, device=CPU):
    return lambda contexts, context, steps: begin(module, contexts, context, steps, device, packed)


@pytest.mark.parametrize("family", FAST)
@pytest.mark.parametrize("compact", [0.75, 1.0])
def test_it_records_what_the_learner_measures(family, compact, monkeypatch):
    monkeypatch.setattr(growing_room, "COMPACT_BELOW", compact)
    policy = LanguagePolicy(module(family), None, CPU)
    assert policy.packed
    drawn = sample(begun(policy.module, True), contexts(), CONTEXT, Decoding(24, 0.8), uniforms(9, 24), END, CPU)
    assert len(drawn.length.unique()) > 1, "sequences are to end at different times"
    measured = policy.measure(drawn, {"logp"})["logp"]
    assert float((measured - drawn.quantities["old_logp"])[drawn.mask].abs().max()) < 2e-5


@pytest.mark.parametrize("family", FAST)
def test_both_caches_draw_the_same(family):
    made = module(family)
    a, b = (sample(begun(made, packed), contexts(), CONTEXT, Decoding(24), uniforms(9, 24), END, CPU) for packed in (True, False))
    assert torch.equal(a.actions, b.actions) and torch.equal(a.length, b.length)
    torch.testing.assert_close(a.quantities["old_logp"], b.quantities["old_logp"], rtol=1e-5, atol=2e-5)


@pytest.mark.parametrize("packed", [True, False])
def test_a_sequence_does_not_depend_on_its_batch(packed):
    made, numbers = module("llama"), uniforms(9, 24)
    together = sample(begun(made, packed), contexts(), CONTEXT, Decoding(24), numbers, END, CPU)
    for row in range(9):
        alone = sample(begun(made, packed), contexts(), CONTEXT[row : row + 1], Decoding(24), numbers[row : row + 1], END, CPU)
        n = int(alone.length[0])
        assert torch.equal(alone.actions[0, :n], together.actions[row, :n]) and n == int(together.length[row])


def test_a_short_window_takes_the_plain_cache():
    made = module("mistral", sliding_window=8)
    a, b = (sample(begun(made, packed), contexts(), CONTEXT, Decoding(16), uniforms(9, 16), END, CPU) for packed in (True, False))
    assert torch.equal(a.actions, b.actions)


@pytest.mark.parametrize("kind", [Shared, Plain])
@pytest.mark.parametrize("decoding", [Decoding(3), Decoding(3, 0.7), Decoding(3, top_k=4), Decoding(3, top_p=0.8), Decoding(3, min_p=0.3)])
def test_what_is_drawn_follows_the_exact_distribution(kind, decoding):
    """Chi-square over all sequences of three tokens of a vocabulary of six, against their probabilities by enumeration."""
    small, rows = 6, 20_000
    made = _of_vocabulary(small)
    context, end = torch.tensor([3, 4]), torch.tensor([0])
    numbers = uniforms(rows, 3, seed=5)
    drawn = sample(begun(made, kind is Shared), [context], torch.zeros(rows, dtype=torch.long), decoding, numbers, end, CPU)
    counts: dict[tuple, int] = {}
    for row, n in zip(drawn.actions.tolist(), drawn.length.tolist(), strict=True):
        counts[tuple(row[:n])] = counts.get(tuple(row[:n]), 0) + 1
    exact = {}
    for steps in itertools.product(range(small), repeat=3):
        steps = steps[: steps.index(0) + 1] if 0 in steps else steps
        if steps not in exact:
            exact[steps] = _probability(made, context, steps, decoding)
    assert sum(exact.values()) == pytest.approx(1, abs=1e-4)
    assert all(exact[steps] > 0 for steps in counts), "something was drawn that may not be"
    expected = np.array([exact[s] * rows for s in exact])
    seen = np.array([counts.get(s, 0) for s in exact])
    large = expected >= 5
    expected, seen = np.append(expected[large], expected[~large].sum()), np.append(seen[large], seen[~large].sum())
    some = expected > 0
    assert stats.chisquare(seen[some], expected[some] * seen.sum() / expected.sum()).pvalue > 1e-4
    logp = np.log([exact[tuple(a[:n])] for a, n in zip(drawn.actions.tolist(), drawn.length.tolist(), strict=True)])
    np.testing.assert_allclose(drawn.quantities["old_logp"].sum(-1), logp, atol=1e-4)


def _of_vocabulary(size: int):
    from transformers import LlamaConfig, LlamaForCausalLM

    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 1}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        made = LlamaForCausalLM(LlamaConfig(vocab_size=size, max_position_embeddings=16, **sizes)).eval()
    with torch.no_grad():
        for parameter in made.parameters():
            if parameter.dim() > 1:
                parameter.mul_(8.0)
    return made


@torch.no_grad()
def _probability(made, context: torch.Tensor, steps: tuple[int, ...], decoding: Decoding) -> float:
    logits = made(torch.cat([context, torch.tensor(steps)]).unsqueeze(0)).logits[0, len(context) - 1 : -1]
    logp = (logits / decoding.temperature).log_softmax(-1)
    p = _truncated_by_hand(logp.exp().double().numpy(), decoding)
    return float(np.prod([p[i, s] for i, s in enumerate(steps)]))


def _truncated_by_hand(p: np.ndarray, decoding: Decoding) -> np.ndarray:
    out = p.copy()
    for row in out:
        if decoding.top_k:
            row[np.argsort(-row)[decoding.top_k :]] = 0
        if decoding.top_p < 1:
            row /= row.sum()
            order = np.argsort(-row)
            kept = np.searchsorted(np.cumsum(row[order]), decoding.top_p) + 1
            row[order[kept:]] = 0
        if decoding.min_p:
            row[row < decoding.min_p * row.max()] = 0
        row /= row.sum()
    return out


def test_truncations_apply_in_turn():
    p = torch.tensor([[0.4, 0.3, 0.15, 0.1, 0.05]])
    left = truncated(p.log(), Decoding(top_k=4, top_p=0.7, min_p=0.8)).isfinite()
    assert left.tolist() == [[True, False, False, False, False]]  # top_p leaves two, min_p asks for 0.8 of the first
    np.testing.assert_allclose(truncated(p.log(), Decoding(top_k=4, top_p=0.7)).log_softmax(-1).exp(), [[4 / 7, 3 / 7, 0, 0, 0]], rtol=1e-6)


def test_the_most_likely_token_needs_no_random_number():
    logits = torch.tensor([[0.0, 3.0, 1.0]])
    taken, logp = choose(logits, Decoding(temperature=0.0), torch.zeros(1))
    assert taken.tolist() == [1] and torch.equal(logp, logits.log_softmax(-1)[:, 1])


@pytest.mark.parametrize(
    "wrong", [{"top_p": 0.0}, {"top_p": 1.5}, {"min_p": 1.0}, {"top_k": -1}, {"temperature": -1.0}, {"max_completion_length": 0}]
)
def test_a_decoding_out_of_range_is_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        Decoding(**wrong)
