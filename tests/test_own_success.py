"""The policy as its own teacher, told what has just worked: who is told what, held to TRL's builder where it is installed, and what is learned of it."""

from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from guerdon.errors import InputError
from guerdon.feedback.running import RewardRunner
from guerdon.losses.against import Against
from guerdon.losses.choices.told import Told
from guerdon.losses.penalties.kl_exact import KLExact
from guerdon.losses.penalties.kl_square import KLSquare
from guerdon.losses.reduce.sequence_mean import SequenceMean
from guerdon.losses.where import Where
from guerdon.models.language.small_language_model import SmallLanguageModel
from guerdon.models.views.own_success import OwnSuccess
from guerdon.recipes.own_success_distillation import recipe as distilling
from guerdon.sequences import Decoding, Sequences, pad
from guerdon.tasks.encoding import Encoder
from guerdon.training.judging import TextScene
from guerdon.training.loops.improve import improve
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Term

SMALL = SmallLanguageModel(characters="abcdef01>?:.=", layers=1, hidden=16, heads=2, context_length=48)
VIEW = OwnSuccess(template="{success}{feedback}{prompt}", success="{answer}=", feedback="{feedback}:")
PROMPTS = ["ab>", "c>"]


def answered(seed, policy):
    """Six answers, three to each prompt, with rewards of 0 and 1."""
    encoder = Encoder(policy.tokenizer)
    rng = torch.Generator().manual_seed(seed)
    texts = [
        "".join("abcdef"[int(i)] for i in torch.randint(0, 6, (int(torch.randint(1, 5, (), generator=rng)),), generator=rng))
        for _ in range(6)
    ]
    ids = [(*encoder.encode_continuation(text), policy.tokenizer.eos_token_id) for text in texts]
    actions, length = pad(ids, torch.long), torch.tensor([len(x) for x in ids])
    context = torch.arange(6) // 3
    reward = (torch.rand(6, generator=rng) < 0.4).double()
    known = {"reward": reward, "group": context, "shown": torch.arange(6)}
    mask = torch.arange(actions.shape[1]) < length.unsqueeze(-1)
    contexts = [torch.tensor(encoder.encode_prompt(p)) for p in PROMPTS]
    return Sequences(contexts, context, actions, mask, length, known), [
        (PROMPTS[int(c)], text) for c, text in zip(context, texts, strict=True)
    ]


def remarks(prompts, completions, **columns):
    return ["a" if "a" in text else None for text in completions]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), itself=st.booleans(), heard=st.booleans())
def test_contexts_and_values_are_those_of_trl(seed, itself, heard):
    """Which answer is told what, as which tokens, and what the loss and its gradient come to."""
    sdpo = pytest.importorskip("trl.experimental.sdpo.sdpo_trainer")
    from trl.experimental.sdpo.loss_utils import compute_sampled_token_self_distillation_loss as theirs_of

    policy = SMALL.build(seed % 7)
    rollouts, shown = answered(seed, policy)
    how = OwnSuccess(VIEW.template, VIEW.success, VIEW.feedback, itself=itself, by=remarks if heard else None, policy="now")
    encoder = Encoder(policy.tokenizer)
    teacher = how.bind("teacher", policy, encoder, [], None)
    rows = [{"prompt": prompt} for prompt, _ in shown]
    told, _ = teacher.tell(rollouts, shown, rows)

    eos = policy.tokenizer.eos_token_id
    pad_id = next(i for i in range(64, 200) if i != eos)  # one that nobody says
    args = SimpleNamespace(
        reprompt_template=VIEW.template.replace("{success}", "{solution}"),
        solution_template="{successful_previous_attempt}=",
        feedback_template="{feedback_raw}:",
        max_reprompt_len=10_000,
        success_reward_threshold=1.0,
        dont_reprompt_on_self_success=not itself,
        environment_feedback_only_without_solution=False,
        use_successful_as_teacher=True,
        include_environment_feedback=heard,
        remove_thinking_from_demonstration=False,
    )
    accelerator = SimpleNamespace(device="cpu", process_index=0, gather=lambda x: x, pad_across_processes=lambda x, **how: x)
    decoding = SimpleNamespace(decode=lambda ids, **how: encoder.decode([int(i) for i in ids if int(i) != pad_id]))
    trainer = SimpleNamespace(
        args=args,
        accelerator=accelerator,
        model=SimpleNamespace(training=True),
        num_generations=3,
        num_generations_eval=3,
        _tokenizer=SimpleNamespace(pad_token_id=pad_id),
        processing_class=decoding,
        _tokenize_prompts_untruncated=lambda prompts: [list(encoder.encode_prompt(p)) for p in prompts],
    )
    filled = torch.where(rollouts.mask, rollouts.actions, torch.full_like(rollouts.actions, pad_id))
    output = {"completion_ids": filled, "completion_mask": rollouts.mask.long()}
    said = remarks(None, [text for _, text in shown]) if heard else None
    theirs = sdpo.SuccessfulRolloutTeacherContextBuilder(trainer).build(output, [p for p, _ in shown], rollouts.quantities["reward"], said)
    assert told.quantities["told"].tolist() == theirs["self_distillation_mask"].tolist()
    asked = teacher._asked(told)
    width = theirs["teacher_input_ids"].shape[1] - filled.shape[1]
    for b in range(6):
        own = theirs["teacher_input_ids"][b, :width][theirs["teacher_attention_mask"][b, :width].bool()]
        assert torch.equal(asked.contexts[b], own)

    # The value and the gradient of the loss, from logits of both.
    logp = policy.measure(told, {"logp"})["logp"]
    taught = teacher.measure(told, {"logp"})["logp"].detach()
    quantities = {"logp": logp, "teacher_logp": taught, "told": told.quantities["told"], "mask": told.mask}
    each = Where(Told(), then=Against(KLSquare(), view="teacher"))(**quantities)
    weights = SequenceMean()(told.mask)
    (ours,) = torch.autograd.grad((weights * each).sum(), logp, retain_graph=True)

    # A vocabulary of two, in which the token drawn has these probabilities: TRL takes logits.
    def logits(x):
        return torch.stack([x, torch.log1p(-x.exp().clamp(max=1 - 1e-6))], -1)

    own = logp.detach().clone().double().requires_grad_()
    per_token = theirs_of(logits(own), logits(taught.double()), torch.zeros_like(told.actions), distillation_alpha=1.0)
    mask = told.mask * theirs["self_distillation_mask"].unsqueeze(-1)
    loss = ((per_token * mask).sum(-1) / mask.sum(-1).clamp(min=1.0)).mean()
    (wanted,) = torch.autograd.grad(loss, own)
    torch.testing.assert_close(ours[told.mask].double(), wanted[told.mask], rtol=1e-4, atol=1e-6)


def test_who_is_told_what_by_hand():
    reward, group = torch.tensor([0.0, 1.0, 1.0, 0.0, 1.0, 0.0]), torch.tensor([0, 0, 0, 1, 2, 2])
    assert VIEW.told(reward, group) == [1, 2, 1, None, None, 4]
    assert OwnSuccess(itself=True).told(reward, group) == [1, 1, 1, None, 4, 4]
    assert VIEW.asked("ab>", "{prompt}", "c") == "{prompt}=c:ab>", "braces in an answer are its own"
    chat = [{"role": "system", "content": "s"}, {"role": "user", "content": "q"}]
    assert VIEW.asked(chat, "x", None) == [chat[0], {"role": "user", "content": "x=q"}]


def has_a(prompts, completions, **columns):
    return [float("a" in completion) for completion in completions]


def learned(view, terms=None, steps=1, reward=has_a, rows=({"prompt": "ab>"}, {"prompt": "c>"}), **more):
    policy = SMALL.build(3)
    encoder = Encoder(policy.tokenizer)
    scene = TextScene(encoder, RewardRunner({"a": reward}, timeout=None))
    recipe = distilling.__class__(
        **{**vars(distilling), "optimiser": AdamW(1e-2), "updates": (), **({"terms": terms} if terms else {}), **more}
    )
    teacher = view.bind("teacher", policy, encoder, rows, None)
    before = [p.detach().clone() for p in policy.module.parameters()]
    try:
        out = improve(policy, scene, list(rows), recipe, Budget(steps=steps, batch_size=2), Decoding(6), learners={"teacher": teacher})
    finally:
        scene.close()
    return out.history, any(not torch.equal(a, b) for a, b in zip(before, policy.module.parameters(), strict=True))


@pytest.mark.parametrize("loss", [KLSquare(), KLExact()], ids=["of the token drawn", "of whole distributions"])
def test_what_worked_is_learned_from_and_where_nothing_worked_nothing_is(loss):
    terms = (Term(Where(Told(), then=Against(loss, view="teacher")), reduce=SequenceMean()),)
    history, moved = learned(VIEW, terms)
    assert moved and 0 < history[1]["teacher_told/told"] <= 1 and history[1]["teacher_told/with_success"] == history[1]["teacher_told/told"]
    history, moved = learned(VIEW, terms, reward=lambda prompts, completions, **columns: [0.0] * len(completions))
    assert not moved and history[1]["teacher_told/told"] == 0


def test_whole_distributions_are_compared_with_the_teacher_behind_its_own_prompt():
    """KL(policy || teacher) of each step, by measuring both alone."""
    policy = SMALL.build(1)
    rollouts, shown = answered(5, policy)
    teacher = OwnSuccess(VIEW.template, VIEW.success, VIEW.feedback, policy="now").bind(
        "teacher", policy, Encoder(policy.tokenizer), [], None
    )
    told, _ = teacher.tell(rollouts, shown, [{}] * 6)
    assert 0 < told.quantities["told"].sum() < 6
    found = policy.measure(told, {"teacher_kl"}, {"teacher": teacher})["teacher_kl"].detach()
    for b in range(6):
        one = told.select(torch.tensor([b]))
        own, other = policy.next_steps(one), policy.next_steps(teacher._asked(one))
        p, q = (steps_of(x) for x in (own, other))
        wanted = (p.exp() * (p - q)).sum(-1)
        torch.testing.assert_close(found[b, : len(wanted)], wanted, rtol=1e-3, atol=1e-5)


def steps_of(steps):
    """Log-probabilities of the next steps of one sequence."""
    return steps.read(steps.states).float().log_softmax(-1).detach()


def test_a_teacher_that_follows_the_policy_moves_and_what_does_not_fit_is_counted():
    history, moved = learned(VIEW, updates=distilling.updates, steps=2)
    assert moved and history[-1]["updates/teacher_distance"] > 0
    long = OwnSuccess("{prompt}{success}" + "a" * 45, "{answer}", policy="now")
    history, moved = learned(long)
    assert not moved and history[1]["teacher_told/too_long"] == history[1]["teacher_told/with_success"] > 0


def test_what_cannot_be_is_refused():
    policy = SMALL.build(0)
    with pytest.raises(InputError, match=r"lacks \{success\}"):
        OwnSuccess("{prompt}").bind("teacher", policy, Encoder(policy.tokenizer), [], None)
    with pytest.raises(InputError, match="reads no text"):
        VIEW.bind("teacher", policy, None, [], None)
    with pytest.raises(InputError, match="asked of something else"):
        teacher = VIEW.bind("teacher", policy, Encoder(policy.tokenizer), [], None)
        rollouts, _ = answered(0, policy)
        teacher.measure(Sequences(rollouts.contexts, rollouts.context, rollouts.actions, rollouts.mask, rollouts.length), {"logp"})
    with pytest.raises(InputError, match="a list with a text or None for each"):
        OwnSuccess(by=lambda prompts, completions, **columns: "no").remarks(["p"], ["a"], [{}])
