"""Several answers in one conversation: what is drawn, what is told, what each answer is worth and who is praised for it."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from chat_templates import FAMILIES
from chat_templates import tokenizer as of_family
from guerdon.acting.replies.critique import Critique
from guerdon.acting.replies.sentence import Sentence
from guerdon.acting.replies.verdict import Verdict
from guerdon.acting.replies.written import Written
from guerdon.acting.samplers.attempts import Attempts
from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.attempt_group import AttemptGroup
from guerdon.credit.advantages.leave_one_out import LeaveOneOut
from guerdon.credit.segments.attempts import Attempts as ByAttempt
from guerdon.errors import InputError, RunFailed
from guerdon.feedback.intrinsic.self_certainty import SelfCertainty
from guerdon.feedback.running import RewardRunner
from guerdon.losses.against import Against
from guerdon.losses.choices.in_attempt import InAttempt
from guerdon.losses.penalties.kl_exact import KLExact
from guerdon.losses.surrogates.reinforce import Reinforce
from guerdon.losses.where import Where
from guerdon.models.finite.policy import TablePolicy
from guerdon.models.finite.tree import PrefixTree
from guerdon.models.language.small_language_model import SmallLanguageModel
from guerdon.models.views.in_context import InContext
from guerdon.models.views.own_success import OwnSuccess
from guerdon.parts import call
from guerdon.sequences import Decoding
from guerdon.targets.dealing import Deck
from guerdon.tasks.encoding import Encoder
from guerdon.training.judging import FiniteScene, TextScene
from guerdon.training.loops.improve import improve
from guerdon.training.optimiser import AdamW
from guerdon.training.overlapping import Overlapping
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.training.telling import told as told_row
from tiny_models import tokenizer


class Bit:
    """One step, and 1 is right; it knows of no more than one answer."""

    def reward_of(self, rollouts, seed):
        assert int(rollouts.length.max()) == 1, "an answer is judged by itself"
        return rollouts.actions[:, 0].double()


TREE = PrefixTree(2, 2)


class Dealt(TablePolicy):
    """Every draw is dealt, also of what goes on from a beginning."""

    def __init__(self, logits, deck):
        super().__init__(TREE, logits)
        self.deck = deck

    def sample(self, contexts, context, decoding, uniforms):
        table = self.logits.detach()[0].softmax(-1)
        nodes = [contexts[i][1:].tolist() for i in context.tolist()]
        taken = [self.deck.choose(table[0 if not said else said[0] + 1]) for said in nodes]
        dealt = torch.tensor([[0.0 if action == 0 else 1.0 - 1e-12] for action in taken], dtype=torch.float64)
        return super().sample(contexts, context, decoding, dealt)


LOGITS = torch.tensor([[[0.2, -0.4], [0.7, 0.1], [-0.3, 0.5]]], dtype=torch.float64)  # at first, after 0, after 1
AGAIN = Attempts(2, reply=Sentence(""))


def credited(policy, sampler, advantage, decoding=Decoding(2), rows=({"prompt": 0},)):
    """Rollouts and their advantage, by hand."""
    scene = FiniteScene(Bit())
    rollouts, judged, _ = Overlapping(scene)(sampler, policy, scene.contexts(rows), decoding, rows, (0, 0))
    each, last = judged.attempts["world"], judged.scored.components["world"]
    dense = torch.zeros(rollouts.mask.shape, dtype=torch.float64)
    dense[torch.arange(len(rollouts)), rollouts.length - 1] = last
    known = {
        **rollouts.quantities,
        "mask": rollouts.mask,
        "group": rollouts.context,
        "attempt_reward": each,
        "step_reward": dense,
        "outcome": last,
    }
    return rollouts, call(advantage, known)


@pytest.mark.parametrize("earlier", [0.0, 1.0])
@pytest.mark.parametrize("progress", [0.0, 10.0])
@pytest.mark.parametrize("gamma", [0.0, 1.0])
def test_the_expected_gradient_is_that_of_what_attempts_are_paid(earlier, progress, gamma):
    """The mean of a group of two takes half of it. Without discounting it is the gradient of the sum; with gamma 0 each attempt is only moved by what it is paid itself."""
    logits = LOGITS.clone().requires_grad_()
    found, chances = torch.zeros_like(LOGITS), 0.0
    deck = Deck()
    for _ in deck:
        policy = Dealt(logits, deck)
        rollouts, advantage = credited(policy, AGAIN, AttemptGroup(earlier, progress, gamma))
        logp = policy.measure(rollouts, {"logp"})["logp"]
        found += deck.chance * torch.autograd.grad((advantage * logp).sum() / len(rollouts), policy.logits)[0]
        chances += deck.chance
    assert abs(chances - 1) < 1e-9
    logp = logits[0].log_softmax(-1)
    chance = logp.exp()
    total = torch.zeros(())
    for a in (0, 1):
        for b in (0, 1):
            both = chance[0, a] * chance[1 + a, b]
            paid = earlier * a, b + progress * (b - a)
            each = logp[0, a] * paid[0] + logp[1 + a, b] * paid[1]  # each log-probability by what its own attempt is paid
            total = total + (both * sum(paid) if gamma else both.detach() * each)
    (wanted,) = torch.autograd.grad(total, logits)
    torch.testing.assert_close(found, wanted / 2, rtol=1e-9, atol=1e-12)


def steps(policy, sampler, advantage=AttemptGroup(), terms=(Term(Reinforce()),), decoding=Decoding(2), count=1, **more):
    recipe = Recipe(terms, AdamW(0.1), sampler=sampler, advantage=advantage, **more)
    rows = [{"prompt": 0}]
    return improve(policy, FiniteScene(Bit()), rows, recipe, Budget(steps=count, batch_size=1), decoding, rows)


def sure(first, after_0, after_1):
    """Of these chances of 1."""
    chance = torch.tensor([first, after_0, after_1], dtype=torch.float64).clamp(1e-9, 1 - 1e-9)
    return TablePolicy(TREE, torch.stack([1 - chance, chance], -1).log().unsqueeze(0))


@pytest.mark.parametrize(
    ("policy", "right", "mended", "spoilt"),
    [(sure(0, 1, 0), (0, 1), 1, 0), (sure(1, 0, 0), (1, 0), 0, 1), (sure(1, 0, 1), (1, 1), 0, 0), (sure(0, 0, 0), (0, 0), 0, 0)],
    ids=["mended", "spoilt", "kept", "never"],
)
def test_what_became_of_the_first_attempt_is_counted_while_learning_and_on_held_out_rows(policy, right, mended, spoilt):
    history = steps(policy, replace(AGAIN, num_generations=4)).history
    for prefix, row in (("", history[1]), ("eval/", history[0])):
        assert (row[f"{prefix}attempts/right_1"], row[f"{prefix}attempts/right_2"]) == right
        assert (row[f"{prefix}attempts/wrong_to_right"], row[f"{prefix}attempts/right_to_wrong"]) == (mended, spoilt)
        assert row[f"{prefix}attempts/right_last"] == row[f"{prefix}reward"] == right[1] and row[f"{prefix}attempts/made"] == 2


def test_a_conversation_ends_with_the_first_right_answer_and_what_was_not_made_counts_nowhere():
    sampler = Attempts(8, 3, Verdict(wrong="0"))
    policy = TablePolicy(PrefixTree(2, 6), torch.zeros(1, 63, 2, dtype=torch.float64))
    scene, rows = FiniteScene(First()), [{"prompt": 0}]
    rollouts, judged, _ = Overlapping(scene)(sampler, policy, scene.contexts(rows), Decoding(6), rows, (3, 0))
    each = judged.attempts["world"]
    made = ~each.isnan()
    for b in range(8):
        count = int(made[b].sum())
        assert made[b].tolist() == [k < count for k in range(3)]
        assert all(each[b, k] == 0 for k in range(count - 1)) and (each[b, count - 1] == 1 or count == 3)
        assert int(rollouts.quantities["attempt"][b, int(rollouts.length[b]) - 1]) == count - 1
        assert judged.scored.components["world"][b] == each[b, count - 1]
    assert {int(n) for n in made.sum(-1)} == {1, 2, 3}, "this seed shows all of them"
    assert judged.completions == [rollouts.actions[b, : int(n)].tolist() for b, n in enumerate(rollouts.length)]


class First:
    """The first step of an answer is to be 1."""

    def reward_of(self, rollouts, seed):
        return rollouts.actions[:, 0].double()


def test_the_first_attempt_is_held_to_the_reference_alone():
    """Stage I: with no reward between answers that are all alike, only the divergence moves anything, and only of the first step."""

    def moved(loss):
        policy = TablePolicy(TREE, LOGITS.clone())
        other = TablePolicy(TREE, LOGITS.flip(-1))
        other.module.requires_grad_(False)
        recipe = Recipe(
            (Term(Where(InAttempt(0), then=Against(loss, view="guide"))),), AdamW(0.1), sampler=replace(AGAIN, num_generations=8)
        )
        rows = [{"prompt": 0}]
        improve(policy, FiniteScene(Bit()), rows, recipe, Budget(steps=1, batch_size=1), Decoding(2), learners={"guide": other})
        return (policy.logits.detach() - LOGITS)[0].abs().sum(-1) > 0

    assert moved(KLExact()).tolist() == [True, False, False]


def test_segments_and_credit_of_others_read_attempts():
    rollouts = steps(sure(0.5, 0.5, 0.5), replace(AGAIN, num_generations=4), LeaveOneOut(), segments=ByAttempt())
    assert rollouts.history[1]["attempts/made"] == 2


def test_what_cannot_be_is_refused():
    with pytest.raises(InputError, match="attempts is 0"):
        Attempts(attempts=0)
    with pytest.raises(InputError, match="3 attempts share max_completion_length, which is 2"):
        steps(sure(0.5, 0.5, 0.5), Attempts(2, 3))
    with pytest.raises(InputError, match="a reply has 2 tokens, and an attempt with the reply before it has room for 1"):
        steps(sure(0.5, 0.5, 0.5), Attempts(2, reply=Sentence("0 1")))
    with pytest.raises(InputError, match="is no list of actions"):
        steps(sure(0.5, 0.5, 0.5), Attempts(2))
    with pytest.raises(InputError, match="'hint', and a row has no such column"):
        steps(sure(0.5, 0.5, 0.5), Attempts(2, reply=Sentence("{hint}")))
    with pytest.raises(InputError, match="expected '}'"):
        Sentence("{hint")(row=[{}])
    with pytest.raises(InputError, match="attempt_reward"):
        steps(sure(0.5, 0.5, 0.5), Group(2))
    with pytest.raises(InputError, match="leave one of them out"):
        steps(sure(0.5, 0.5, 0.5), AGAIN, intrinsic={"sure": SelfCertainty()})


@pytest.mark.parametrize("said", [None, ["a"], "ab", [1, 2], 7])
def test_what_a_writer_returns_is_one_text_or_none_for_each(said):
    with pytest.raises(InputError, match="must return a list with a text or None for each of 2 answers"):
        Written(lambda prompts, completions: said)(prompt=["p", "q"], completion=["a", "b"], row=[{}, {}])


def test_a_writer_that_fails_says_so():
    with pytest.raises(RunFailed, match="division by zero"):
        Written(lambda prompts, completions: [1 / 0])(prompt=["p"], completion=["a"], row=[{}])


async def _awaited(prompts, completions, answer, **rest):
    assert "reward" in rest
    return [f"{c} is not {a}" for c, a in zip(completions, answer, strict=True)]


def test_a_writer_may_be_a_coroutine_and_is_told_columns_and_the_reward():
    found = Written(_awaited, with_reward=True)(
        prompt=["p"], completion=["a"], row=[{"prompt": "p", "answer": "b"}], reward=torch.tensor([0.5])
    )
    assert found == [("a is not b\n\nAnswer again.",)]


# text

SMALL = SmallLanguageModel(characters="abcdef01>?! ", layers=1, hidden=16, heads=2, context_length=48)
judgements = []


def has_a(prompts, completions, **columns):
    judgements.append(len(completions))
    return [float("a" in completion) for completion in completions]


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 1000),
    attempts=st.integers(1, 3),
    reply=st.sampled_from([Sentence("?"), Verdict("!", "?"), Verdict("! "), Critique("?", "!"), Critique("? ", "!", learned=False)]),
)
def test_a_conversation_of_text_is_what_was_said_and_told_in_turn(seed, attempts, reply):
    policy = SMALL.build(seed)
    scene = TextScene(Encoder(policy.tokenizer), RewardRunner({"a": has_a}, timeout=None))
    rows = [{"prompt": "ab>"}, {"prompt": "c>"}]
    judgements.clear()
    sampler = Attempts(3, attempts, reply)
    rollouts, judged, _ = Overlapping(scene)(sampler, policy, scene.contexts(rows), Decoding(24), rows, (seed, 0))
    logp = policy.measure(rollouts, {"logp"})["logp"].detach()
    torch.testing.assert_close(rollouts.quantities["old_logp"], logp.to(rollouts.quantities["old_logp"]), rtol=1e-4, atol=1e-5)
    each = judged.attempts["a"]
    assert judgements == [int((~each[:, k].isnan()).sum()) for k in range(len(judgements))], "each answer is judged once"
    for b in range(6):
        n = int(rollouts.length[b])
        attempt, mask, tokens = rollouts.quantities["attempt"][b, :n], rollouts.mask[b, :n], rollouts.actions[b, :n]
        made = int(attempt.max()) + 1
        assert (~each[b].isnan()).tolist() == [k < made for k in range(attempts)]
        assert n <= 24 and all(int((attempt == k).sum()) <= 24 // attempts for k in range(attempts))
        assert bool(mask[attempt == 0].all())
        whole = judged.completions[b]
        for k in range(1, made):
            piece, acted = tokens[attempt == k], mask[attempt == k]
            assert not acted[0] and acted[-1]
            assert policy.tokenizer.decode(piece[:1]) in "?!"
        pieces = [policy.tokenizer.decode(tokens[attempt == k], skip_special_tokens=True) for k in range(made)]
        assert whole == "".join(pieces)
    scene.close()


def test_one_attempt_is_a_group():
    policy = SMALL.build(0)
    scene = TextScene(Encoder(policy.tokenizer), RewardRunner({"a": has_a}, timeout=None))
    rows = [{"prompt": "ab>"}, {"prompt": "c>"}]
    told = scene.contexts(rows), Decoding(8), rows, (5, 0)
    one, by_one, _ = Overlapping(scene)(Attempts(3, 1), policy, *told)
    other, by_other, _ = Overlapping(scene)(Group(3), policy, *told)
    assert torch.equal(one.actions, other.actions) and torch.equal(one.quantities["old_logp"], other.quantities["old_logp"])
    assert by_one.completions == by_other.completions and torch.equal(by_one.scored.components["a"], by_other.scored.components["a"])
    scene.close()


@pytest.mark.parametrize("kind", ["pad", "no pad", "other end"])
@pytest.mark.parametrize("ended", [True, False], ids=["ended", "cut off"])
def test_what_a_chat_is_told_is_what_its_template_writes(kind, ended):
    encoder = Encoder(tokenizer(kind))
    prompt = [{"role": "user", "content": "two and two?"}]
    answer = [{"role": "assistant", "content": "four"}]
    said = [*encoder.encode_continuation("four"), *(encoder.stop_ids[-1:] if ended else ())]
    told = encoder.encode_reply(prompt, said, "Is it?")
    written = encoder.tokenizer.apply_chat_template(
        [*prompt, *answer, {"role": "user", "content": "Is it?"}], tokenize=False, add_generation_prompt=True
    )
    assert encoder.decode([*encoder.encode_prompt(prompt), *said, *told], special=True) == written
    scene = TextScene(encoder, RewardRunner({"a": has_a}, timeout=None))
    shown = scene.transcript({"prompt": prompt}, [said, "Is it?", said])
    assert [(m["role"], m["content"]) for m in shown] == [("assistant", "four"), ("user", "Is it?"), ("assistant", "four")]


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_what_stands_between_two_answers_is_what_the_family_s_template_writes(name):
    family = FAMILIES[name]
    encoder, prompt = Encoder(of_family(family)), [{"role": "user", "content": "two and two?"}]
    turns = [*prompt, {"role": "assistant", "content": "four"}, {"role": "user", "content": "Is it?"}]
    for variables in family.variables:
        text = family.said(turns[1], variables)
        if text is None:
            continue
        written = encoder.tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True, **variables).partition("four")[2]
        said = encoder.tokenizer(text, add_special_tokens=False)["input_ids"]
        told = encoder.decode([*said, *encoder.encode_reply(prompt, said, "Is it?", **variables)], special=True).partition("four")[2]
        ends = text.partition("four")[2]
        assert told == written if written.startswith(ends) else told == ends + written  # the second: the template ends no turn so


@pytest.mark.parametrize(
    "reworded",
    [
        lambda row: told_row(row, "{prompt} Hint: {hint}", "hint", 1.0)["prompt"],
        lambda row: InContext("{prompt} Hint: {hint}").asked("teacher", row),
        lambda row: OwnSuccess("{prompt}{success}", " Hint: {answer}").asked(row["prompt"], row["hint"], None),
    ],
    ids=["hinted", "in context", "own success"],
)
def test_a_prompt_in_parts_of_text_is_reworded_as_its_text(reworded):
    before = {"role": "system", "content": "be brief"}
    row = {
        "prompt": [before, {"role": "user", "content": [{"type": "text", "text": "two "}, {"type": "text", "text": "and {two}?"}]}],
        "hint": "add",
    }
    assert reworded(row) == [before, {"role": "user", "content": "two and {two}? Hint: add"}]


def test_held_out_rows_are_evaluated_with_as_many_attempts(tmp_path, monkeypatch, capsys):
    """What the table after a run says of the last evaluation, ``guerdon evaluate`` says of the saved model."""
    import json

    from guerdon.interfaces.cli import main

    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.yaml").write_text(
        "model: {part: small_language_model, characters: 'abcde?>', layers: 1, hidden: 16, context_length: 32}\n"
        "task: {part: sort_letters, length: 2, alphabet: ab, train_size: 8, test_size: 8}\n"
        "recipe: {base: grpo, optimiser: {learning_rate: 3e-2}, sampler: {part: attempts, num_generations: 2, reply: {part: sentence, text: '?'}}}\n"
        "decoding: {max_completion_length: 8}\nbudget: {steps: 2, batch_size: 2}\nrun: run\n"
    )
    assert main(["train", "run.yaml"]) == 0
    assert "eval/attempts/right_1" in capsys.readouterr().out
    last = json.loads((tmp_path / "run/metrics.jsonl").read_text().splitlines()[-1])
    assert main(["evaluate", "run/model", "run.yaml", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["attempts"] == pytest.approx([last["eval/attempts/right_1"], last["eval/attempts/right_2"]])
    assert found["reward"]["value"] == pytest.approx(last["eval/reward"])
    assert main(["evaluate", "run/model", "run.yaml", "-n", "3"]) == 0
    assert "attempt 2" in capsys.readouterr().out
