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


@settings(max_examples=5, deadline=None)
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


@pytest.mark.parametrize(("name", "override"), [("thr", "recipe.advantage.emphasis.lean=-0.1")])
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
