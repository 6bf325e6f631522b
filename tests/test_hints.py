"""Hints in the prompt: who gets one, what is learned as an answer to what, and at which probability it was drawn."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from guerdon.acting.samplers.hinted import Hinted
from guerdon.credit.advantages.leave_one_out import LeaveOneOut
from guerdon.data.starts.hint_after_failure import HintAfterFailure
from guerdon.errors import InputError
from guerdon.feedback.rewards.string_match import StringMatch
from guerdon.feedback.running import RewardRunner
from guerdon.losses.surrogates.clip import Clip
from guerdon.losses.surrogates.reinforce import Reinforce
from guerdon.models.finite.policy import TablePolicy
from guerdon.models.finite.tree import PrefixTree
from guerdon.models.language.small_language_model import SmallLanguageModel
from guerdon.sequences import Decoding
from guerdon.tasks.encoding import Encoder
from guerdon.training.judging import FiniteScene, TextScene
from guerdon.training.loops.improve import improve
from guerdon.training.optimiser import AdamW
from guerdon.training.overlapping import Overlapping
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.training.telling import first_of, told

SMALL = SmallLanguageModel(characters="abcdef01>?:. ", layers=1, hidden=16, heads=2, context_length=48)
ROWS = [{"prompt": "ab>", "answer": "a", "hint": "a b c d"}, {"prompt": "c>", "answer": "b", "hint": ["e", "f"]}]


def drawn(policy, sampler, seed=0, shares=None):
    scene = TextScene(Encoder(policy.tokenizer), RewardRunner({"match": StringMatch()}, timeout=None))
    dealt = {} if shares is None else {"shares": shares}
    rollouts, judged, _ = Overlapping(scene)(sampler, policy, scene.contexts(ROWS), Decoding(6), ROWS, (seed, 0), dealt=dealt)
    scene.close()
    return rollouts, judged


@settings(max_examples=10, deadline=None)
@given(
    seed=st.integers(0, 500),
    share=st.sampled_from([0.0, 0.25, 0.5, 1.0]),
    learned=st.sampled_from(["with", "without"]),
    corrected=st.booleans(),
)
def test_each_answer_is_recorded_as_what_it_is(seed, share, learned, corrected):
    policy = SMALL.build(seed)
    sampler = Hinted(4, template="{hint}.{prompt}", share=share, amount=0.5, learned=learned, corrected=corrected)
    rollouts, judged = drawn(policy, sampler, seed)
    hinted = rollouts.quantities["hinted"] > 0
    assert (
        rollouts.context.tolist() == [0] * 4 + [1] * 4 and hinted.view(2, 4).tolist() == [[k >= 4 - round(4 * share) for k in range(4)]] * 2
    )
    assert judged.prompts == ["ab>"] * 4 + ["c>"] * 4, "rewards are shown the prompt"
    encoder = Encoder(policy.tokenizer)
    plain = [torch.tensor(encoder.encode_prompt(row["prompt"])) for row in ROWS]
    told = [torch.tensor(encoder.encode_prompt(text)) for text in ("a b.ab>", "e.c>")]
    drawn_at = policy.measure(replace(rollouts, contexts=plain + told, context=rollouts.context + 2 * hinted), {"logp"})["logp"].detach()
    without = policy.measure(replace(rollouts, contexts=plain), {"logp"})["logp"].detach()
    wanted = without if learned == "without" and not corrected else drawn_at
    torch.testing.assert_close(rollouts.quantities["old_logp"], wanted.to(rollouts.quantities["old_logp"]), rtol=1e-4, atol=1e-5)
    assert len(rollouts.contexts) == (4 if learned == "with" else 2)
    if learned == "with":
        assert all(torch.equal(a, b) for a, b in zip(rollouts.contexts, plain + told, strict=True))


class Question:
    """Two contexts, of which the second is the first with its hint; 1 is right."""

    def reward_of(self, rollouts, seed):
        return rollouts.actions[:, 0].double()


LOGITS = torch.tensor([[[2.0, -2.0]], [[-2.0, 2.0]]], dtype=torch.float64)


def moved(sampler, loss=Clip(100.0), steps=1, **more):
    """The policy's logits after a step of SGD's kind, of both contexts, and the history."""
    policy = TablePolicy(PrefixTree(2, 1), LOGITS.clone())
    recipe = Recipe((Term(loss),), AdamW(0.1), sampler=sampler, advantage=LeaveOneOut(), **more)
    rows = [{"prompt": 0, "hint": 1}]
    history = improve(policy, FiniteScene(Question()), rows, recipe, Budget(steps=steps, batch_size=1), Decoding(1)).history
    return (policy.logits.detach() - LOGITS)[:, 0], history


def test_what_is_learned_is_the_answer_to_the_prompt_or_to_the_hinted_one():
    sampler = Hinted(64, template="{hint}", share=0.5)
    without, history = moved(sampler)
    assert without[0, 1] > 0 and not without[1].any(), "the answer is learned without the hint"
    assert history[1]["hinted/share"] == 0.5 and history[1]["hinted/reward"] > 0.8 > 0.2 > history[1]["hinted/reward_without"]
    with_it, _ = moved(replace(sampler, learned="with"))
    assert with_it[1].any(), "and with it, where that is asked for"


def test_a_correction_weighs_hinted_answers_by_how_likely_they_were_without():
    """Of a right answer by what both prompts say: the ratio of REINFORCE's importance-weighted gradient to the one without a correction is the ratio of the probabilities."""
    chance = LOGITS.softmax(-1)[:, 0, 1]

    def gradient(corrected):
        policy = TablePolicy(PrefixTree(2, 1), LOGITS.clone())
        scene = FiniteScene(Question())
        rows = [{"prompt": 0, "hint": 1}]
        sampler = Hinted(4, template="{hint}", share=1.0, corrected=corrected)
        rollouts, _, _ = Overlapping(scene)(sampler, policy, scene.contexts(rows), Decoding(1), rows, (0, 0))
        right = rollouts.select(rollouts.actions[:, 0] == 1)
        logp = policy.measure(right, {"logp"})["logp"]
        loss = Clip(1e9)(logp, right.quantities["old_logp"], torch.ones_like(logp))
        return torch.autograd.grad(loss.mean(), policy.logits)[0]

    torch.testing.assert_close(gradient(True), gradient(False) * chance[0] / chance[1])


def test_hints_are_for_groups_that_failed():
    _, history = moved(Hinted(4, template="{hint}", share=0.5, when="failed"), Reinforce())
    assert history[1]["hinted/share"] == 0.5
    right = torch.tensor([[[-9.0, 9.0]], [[-9.0, 9.0]]], dtype=torch.float64)
    policy = TablePolicy(PrefixTree(2, 1), right)
    recipe = Recipe((Term(Reinforce()),), AdamW(0.1), sampler=Hinted(4, template="{hint}", when="failed"), advantage=LeaveOneOut())
    history = improve(
        policy, FiniteScene(Question()), [{"prompt": 0, "hint": 1}], recipe, Budget(steps=1, batch_size=1), Decoding(1)
    ).history
    assert history[1]["hinted/share"] == 0 and "hinted/reward" not in history[1]


def test_starts_say_how_much_of_a_hint_a_prompt_gets():
    """None at first; after a step in which nothing was right, all of it."""
    wrong = Hinted(4, template="{hint}", share=0.5)
    _, history = moved(wrong, Reinforce(), steps=2, starts=HintAfterFailure((1.0,), threshold=2.0))
    assert [row["hinted/share"] for row in history[1:]] == [0.0, 0.5]


def test_an_amount_is_words_or_items():
    assert first_of("one two  three", 0.5) == "one two" and first_of("one", 0.1) == "one" and first_of("one", 0.0) == ""
    assert first_of(["a", "b", "c"], 0.67) == "a\nb" and first_of(5, 1.0) == "5"
    row = {"prompt": [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}], "hint": "h i"}
    assert told(row, "{prompt} ({hint})", "hint", 0.5)["prompt"] == [row["prompt"][0], {"role": "user", "content": "u (h)"}]
    assert told(row, "{prompt} ({hint})", "hint", 0.0) == row


def test_what_cannot_be_is_refused():
    with pytest.raises(InputError, match="share is 2; it is between 0 and 1"):
        moved(Hinted(2, share=2.0))
    with pytest.raises(InputError, match=r"does not tell the column 'hint'; write \{hint\}"):
        moved(Hinted(2, template="{prompt}"))
    with pytest.raises(InputError, match=r"row 0 of the task.* has nothing in the column 'plan'"):
        moved(Hinted(2, column="plan", template="{plan}"))
