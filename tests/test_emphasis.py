"""Emphasis: what is said of steps, held to gradients that are computed in another way; and recipes that read it, in loops."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from guerdon.acting.samplers.group import Group
from guerdon.credit.emphasis.likelihood_influence import LikelihoodInfluence
from guerdon.errors import InputError
from guerdon.interfaces.check import loop_of
from guerdon.interfaces.configuration import load
from guerdon.interfaces.preparing import prepare
from guerdon.memory import AtOnce
from guerdon.models.finite.linear_softmax import LinearSoftmax
from guerdon.models.finite.policy import load as load_table
from guerdon.models.language.small_language_model import SmallLanguageModel
from guerdon.sequences import Decoding
from guerdon.training.display import Silent
from guerdon.training.measuring import measured

READ = {"hidden", "top_logp", "top_action", "logp"}
SPEC = LinearSoftmax(contexts=4, kinds=2, vocabulary=3, depth=3, features=5, apart=0.5, own=0.5, shared=1.0, seed=3)


def drawn(policy, contexts, steps=3, each=4, seed=0):
    return Group(each)(policy, [torch.tensor(c) for c in contexts], Decoding(steps), seed)


def influences(policy, head, rollouts, advantage):
    """By gradients: of each step, sign(advantage) times how fast a step on it moves the log-likelihood of its group's praised answers, through the head."""
    logp = policy.measure(rollouts, {"logp"})["logp"]
    steps = rollouts.mask.nonzero().tolist()
    gradient = {(b, t): torch.autograd.grad(logp[b, t], head, retain_graph=True)[0] for b, t in steps}
    out = torch.zeros_like(logp)
    for b, t in steps:
        right = [g for (c, _), g in gradient.items() if rollouts.context[c] == rollouts.context[b] and advantage[c, 0] > 0]
        out[b, t] = advantage[b, t].sign() * sum((g * gradient[b, t]).sum() for g in right) if right else 0.0
    return out.detach()


def emphasis(part, policy, rollouts, advantage):
    said = {f"proximal_{name}": value.detach() for name, value in policy.measure(rollouts, READ).items()}
    return part(**said, action=rollouts.actions, advantage=advantage, group=rollouts.context, mask=rollouts.mask)


@settings(max_examples=4, deadline=None)
@given(st.integers(0, 10**6))
def test_influence_is_how_fast_right_answers_become_likelier(seed):
    policy = SPEC.build()
    rollouts = drawn(policy, [[0], [1], [2], [3]], seed=seed)
    reward = torch.randn(16, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    advantage = reward.expand(-1, 3)
    expected = influences(policy, policy.module["head"], rollouts, advantage)
    clear = expected.abs() > 1e-9
    got = emphasis(LikelihoodInfluence(lean=1.0, threshold=0.0), policy, rollouts, advantage) - 1
    praised = torch.stack([(advantage[rollouts.context == c, 0] > 0).any() for c in range(4)])[rollouts.context].unsqueeze(-1)
    assert torch.equal(got[clear], expected.sign()[clear]) and not got[(~praised).expand(got.shape)].any()
    kept = emphasis(LikelihoodInfluence(lean=0.0, threshold=2.0), policy, rollouts, advantage)
    pull = expected * advantage.sign()
    for c in (c for c in range(4) if praised[rollouts.context == c].any()):
        rows = rollouts.context == c
        bound = 2 * float(pull[rows][advantage[rows, 0] > 0].mean(-1).min())
        sure = rows.unsqueeze(-1) & ((pull.abs() - max(bound, 0.0)).abs() > 1e-9)
        assert torch.equal(kept[sure] > 0, (pull.abs() > max(bound, 0.0))[sure])


def test_a_language_model_tells_its_hidden_states_and_by_them_the_same_holds_of_its_head():
    policy = SmallLanguageModel("abcd>", layers=1, hidden=16, heads=2, context_length=16).build(1)
    head = policy.module.get_output_embeddings().weight
    head.data = head.data * 3
    rollouts = drawn(policy, [[1, 2], [3]], steps=4)
    advantage = torch.tensor([1.0, -1.0, 0.5, -0.5] * 2).unsqueeze(-1).expand(rollouts.mask.shape)
    hidden = measured(policy, rollouts, {"hidden", "logp"}, AtOnce(8))["hidden"]
    torch.testing.assert_close(hidden, policy.measure(rollouts, {"hidden"})["hidden"].detach(), atol=1e-5, rtol=1e-4)
    assert hidden.shape == (*rollouts.mask.shape, 16) and not hidden[~rollouts.mask].any()
    tied = policy.module.get_input_embeddings().weight is head
    assert not tied, "a gradient by a tied head would also hold that of the embeddings"
    expected = influences(policy, head, rollouts, advantage)
    got = emphasis(LikelihoodInfluence(lean=1.0, threshold=0.0), policy, rollouts, advantage) - 1
    clear = rollouts.mask & (expected.abs() > 1e-6)
    assert clear.sum() > 10 and torch.equal(got[clear], expected.sign()[clear])


def test_features_are_shared_and_what_is_saved_is_the_whole_table(tmp_path):
    policy = SPEC.build()
    policy.save(tmp_path)
    torch.testing.assert_close(load_table(tmp_path).log_probabilities(), policy.log_probabilities())
    before, frozen = policy.log_probabilities().detach(), policy.reference()
    policy.log_probabilities()[0, 0].backward()
    with torch.no_grad():
        policy.module["head"].add_(0.1 * policy.module["head"].grad)
    moved = (policy.log_probabilities() - before).abs().amax(-1)
    assert (moved > 1e-6).all(), "what is learned of one context acts on all"
    torch.testing.assert_close(frozen.log_probabilities(), before)
    assert float(policy.hidden.norm(dim=-1).mean()) == pytest.approx(1.0, abs=0.3)
    with pytest.raises(InputError, match="features"):
        LinearSoftmax(2, 1, 2, 2, features=0).build()


@pytest.mark.parametrize(
    ("name", "override"),
    [
        ("thr", "recipe.advantage.emphasis.lean=-0.1"),
        ("attention_rhythm", "recipe.advantage.emphasis={part: rhythm, near: 1, far: 3}"),
        ("attention_rhythm", "recipe.advantage.emphasis={part: preplans, window: 2}"),
    ],
)
def test_recipes_with_emphasis_run_on_text(tmp_path, name, override):
    (tmp_path / "rows.jsonl").write_text('{"prompt": "ab>", "answer": "a"}\n{"prompt": "ba>", "answer": "b"}\n')
    text = (
        "model: {part: small_language_model, layers: 2, hidden: 16, heads: 2, context_length: 32, characters: 'abcd >='}\n"
        f"task: {{path: {tmp_path / 'rows.jsonl'}}}\nreward: position_credit\nrecipe: {name}\n"
        "decoding: {max_completion_length: 6}\nbudget: {steps: 2, batch_size: 2}\n"
    )
    found = load(text, [override])
    prepared = prepare(found, loop_of(found))
    prepared.job(prepared.model, {}, 0, None, Silent())


def by_loops(policy, context, actions, window, near, far):
    """The statistics of one sequence, token by token, from the maps that ``transformers`` gives."""
    ids = torch.tensor([[*context, *actions]])
    module = policy.module
    module.set_attn_implementation("eager")
    with torch.no_grad():
        found = module.base_model(input_ids=ids, output_attentions=True).attentions
    count = len(found)
    layers = sorted({round(x) for x in torch.linspace(count // 3, min(2 * count // 3, count - 1), 5).tolist()})
    heads = [found[layer][0, head] for layer in layers for head in range(found[0].shape[1])]
    steps = range(len(context), ids.shape[1])
    reach = [sum(float(a[t, s]) * (t - s) for t in steps for s in range(t + 1)) for a in heads]
    order, some = sorted(range(len(heads)), key=lambda h: reach[h]), max(int(0.3 * len(heads)), 1)
    near_heads, far_heads = [heads[h] for h in order[:some]], [heads[h] for h in order[-some:]]
    distance = [sum(float(a[t, s]) * min(t - s, window) for a in near_heads for s in range(t + 1)) / some for t in steps]
    later = {s: list(range(s + near, min(s + far, ids.shape[1] - 1) + 1)) for s in steps}
    received = [sum(float(a[t, s]) for a in far_heads for t in later[s]) / (some * max(len(later[s]), 1)) for s in steps]
    return distance, received


def test_attention_is_read_as_token_by_token_and_however_a_batch_is_split():
    policy = SmallLanguageModel("abcd>", layers=4, hidden=16, heads=4, context_length=32).build(1)
    with torch.no_grad():
        for name, parameter in policy.module.named_parameters():
            if "q_proj" in name or "k_proj" in name:
                parameter.mul_(30)  # heads that look somewhere
    rollouts = drawn(policy, [[1, 2, 3, 1, 4], [3]], steps=9)
    names = {"attention_distance(3)", "attention_received(1,4)", "logp"}
    own = policy.module.config._attn_implementation
    found = policy.measure(rollouts, names)
    assert policy.module.config._attn_implementation == own, "what attends fast does so again"
    for name, value in measured(policy, rollouts, names, AtOnce(8)).items():
        torch.testing.assert_close(value, found[name].detach(), atol=1e-5, rtol=1e-4)
    for row, context in enumerate(rollouts.context.tolist()):
        length = int(rollouts.length[row])
        expected = by_loops(policy, rollouts.contexts[context].tolist(), rollouts.actions[row, :length].tolist(), 3, 1, 4)
        for name, numbers in zip(("attention_distance(3)", "attention_received(1,4)"), expected, strict=True):
            torch.testing.assert_close(found[name][row, :length], torch.tensor(numbers), atol=1e-5, rtol=1e-4)
            assert not found[name][row, length:].any()
    assert found["attention_distance(3)"].std() > 0.05 and found["attention_received(1,4)"].std() > 0.01


@pytest.mark.parametrize("name", ["attention_distance", "attention_distance(a)", "attention_received(3)", "attention_received(5,2)"])
def test_a_range_that_is_none_is_refused(name):
    policy = SmallLanguageModel("ab>", layers=1, hidden=16, heads=2, context_length=16).build(1)
    with pytest.raises(InputError, match=r"write it as attention"):
        policy.measure(drawn(policy, [[1]], steps=2), {name})
