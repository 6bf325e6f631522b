"""Rewards that a policy makes itself: what is measured of which sequence, in finite worlds and of texts, and what is learned from it and what is only watched."""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import tiny_models
from guerdon.acting.samplers.group import Group
from guerdon.data.curation.refinement_prompts import RefinementPrompts
from guerdon.data.curation.verdict_prompts import VerdictPrompts
from guerdon.errors import InputError
from guerdon.feedback.combining import watched_by
from guerdon.feedback.combining.gate import Gate
from guerdon.feedback.combining.only import Only
from guerdon.feedback.combining.weigh import Weigh
from guerdon.feedback.combining.without import Without
from guerdon.feedback.conclusions import conclusion, split
from guerdon.feedback.intrinsic.above_group import AboveGroup
from guerdon.feedback.intrinsic.likelihood import Likelihood
from guerdon.feedback.intrinsic.log_likelihood import LogLikelihood
from guerdon.feedback.intrinsic.negative_entropy import NegativeEntropy
from guerdon.feedback.intrinsic.self_certainty import SelfCertainty
from guerdon.feedback.recasting import Recast
from guerdon.feedback.recasting.explained_solution import ExplainedSolution
from guerdon.feedback.recasting.follow_up import FollowUp
from guerdon.feedback.recasting.other_prompt import OtherPrompt
from guerdon.feedback.recasting.own_conclusion import OwnConclusion
from guerdon.feedback.recasting.question import Question
from guerdon.feedback.recasting.reference_conclusion import ReferenceConclusion
from guerdon.feedback.recasting.without_reasoning import WithoutReasoning
from guerdon.feedback.rewards.answer_frequency import AnswerFrequency
from guerdon.feedback.rewards.majority_vote import MajorityVote
from guerdon.feedback.rewards.stated_confidence import StatedConfidence, confidence
from guerdon.feedback.running import RewardRunner
from guerdon.interfaces.configuration import load
from guerdon.interfaces.preparing import prepare
from guerdon.models.language import character_tokenizer
from guerdon.models.language.small_language_model import SmallLanguageModel
from guerdon.recipes.follow_up_likelihood import recipe as follow_up_likelihood
from guerdon.recipes.implicit_preference import recipe as implicit_preference
from guerdon.recipes.reinforcement_learned_teacher import recipe as reinforcement_learned_teacher
from guerdon.recipes.rloo import recipe as rloo
from guerdon.sequences import Decoding
from guerdon.tasks.encoding import Encoder
from guerdon.tasks.recasting import recast_tokens
from guerdon.training.judging import FiniteScene, TextScene
from guerdon.training.loops.improve import improve
from guerdon.training.recipe import Budget
from guerdon.training.self_made import SelfMadeRewards
from guerdon.worlds.finite.random_tree import RandomTree

WORLD = RandomTree(contexts=3, vocabulary=3, depth=3)
WORDS = "".join(sorted({*(chr(c) for c in range(32, 127)), "\n"}))
CHARACTERS = "0123456789+=?abcdeYsN<>\\ox{}# \n"


def rolled(policy, scene, rows, steps, each=4, seed=0):
    """Rollouts of a policy in a scene, judged."""
    context = torch.arange(len(rows)).repeat_interleave(each)
    uniforms = torch.rand(len(context), steps, generator=torch.Generator().manual_seed(seed))
    rollouts = policy.sample(scene.contexts(rows), context, Decoding(steps), uniforms)
    return rollouts, scene.judge(rollouts, rows, 0)


def components(policy, scene, rows, intrinsic, views=None, steps=3):
    rollouts, judged = rolled(policy, scene, rows, steps)
    return rollouts, judged, SelfMadeRewards(intrinsic, policy, scene, views or {}, 4096)(rollouts, judged, rows).scored.components


# finite worlds: every number can be had from the tables


def test_in_a_finite_world_every_reward_is_what_the_tables_say():
    policy, other = WORLD.policy(1.0, 0).build(), WORLD.policy(1.0, 1).build().reference()
    rows = [{"prompt": i, "answer": (i + 1) % 3, "paraphrase": (i + 1) % 3} for i in range(3)]
    asked = {
        "entropy": NegativeEntropy(),
        "certainty": SelfCertainty(),
        "whole": Likelihood(over="sequence"),
        "own": LogLikelihood(OwnConclusion()),
        "two": LogLikelihood(OwnConclusion(2), over="sequence"),
        "reference": LogLikelihood(ReferenceConclusion()),
        "theirs": LogLikelihood(OwnConclusion(), by="other"),
        "bare": LogLikelihood(WithoutReasoning()),
        "twin": LogLikelihood(OtherPrompt(), over="sequence"),
    }
    rollouts, _, found = components(policy, FiniteScene(WORLD), rows, asked, {"other": other})
    table, theirs = policy.logits.detach().log_softmax(-1), other.logits.log_softmax(-1)
    for b, (c, said) in enumerate(zip(rollouts.context.tolist(), rollouts.actions.tolist(), strict=True)):
        nodes = WORLD.tree.nodes(torch.tensor([said]))[0]
        steps = table[c, nodes]  # [T, V]
        taken = steps[torch.arange(3), said]
        wanted = {
            "entropy": (steps.exp() * steps).sum(-1).mean(),
            "certainty": (-steps.mean(-1) - math.log(3)).mean(),
            "whole": taken.sum().exp(),
            "own": taken[-1],
            "two": taken[1:].sum(),
            "reference": steps[-1, rows[c]["answer"]],
            "theirs": theirs[c, nodes[-1], said[-1]],
            "bare": table[c, 0, rows[c]["answer"]],
            "twin": table[(c + 1) % 3, nodes][torch.arange(3), said].sum(),
        }
        for name, value in wanted.items():
            torch.testing.assert_close(found[name][b], value, msg=lambda text, name=name: f"{name}: {text}")


def test_a_teacher_is_rewarded_by_what_its_student_makes_of_an_explanation():
    """The tables' own numbers: the solution after the explanation, its weakest step, and how far teacher and student are apart along the explanation."""
    teacher, student = WORLD.policy(1.0, 0).build(), WORLD.policy(1.0, 1).build().reference()
    rows = [{"prompt": i, "question": (i + 1) % 3, "solution": [i, (i + 2) % 3]} for i in range(3)]
    recipe = reinforcement_learned_teacher
    rollouts, _, found = components(teacher, FiniteScene(replace(WORLD, depth=1)), rows, recipe.intrinsic, {"student": student}, steps=1)
    reward = recipe.combine(found)
    told, own = student.logits.log_softmax(-1), teacher.logits.detach().log_softmax(-1)
    for b, (c, said) in enumerate(zip(rollouts.context.tolist(), rollouts.actions.tolist(), strict=True)):
        asked, solution = rows[c]["question"], rows[c]["solution"]
        nodes = WORLD.tree.nodes(torch.tensor([[*said, *solution]]))[0]
        steps = told[asked, nodes][torch.arange(3), [*said, *solution]]  # one step of explanation, two of the solution
        apart = own[c, 0, said[0]] - steps[0]
        torch.testing.assert_close(reward[b], steps[1:].mean() + 0.01 * steps[1:].min() - 3 * apart)


def test_what_would_be_said_next_is_measured_after_the_answer():
    policy, user = WORLD.policy(1.0, 0).build(), WORLD.policy(1.0, 1).build().reference()
    asked = {"thanks": LogLikelihood(FollowUp((2,)), by="user"), "own": LogLikelihood(FollowUp((0,)))}
    rollouts, _, found = components(policy, FiniteScene(replace(WORLD, depth=2)), WORLD.train(), asked, {"user": user}, steps=2)
    for b, (c, said) in enumerate(zip(rollouts.context.tolist(), rollouts.actions.tolist(), strict=True)):
        node = WORLD.tree.nodes(torch.tensor([[*said, 0]]))[0, -1]
        torch.testing.assert_close(found["thanks"][b], user.logits[c, node].log_softmax(-1)[2])
        torch.testing.assert_close(found["own"][b], policy.logits[c, node].detach().log_softmax(-1)[0])
    with pytest.raises(InputError, match="in the same form"):
        FollowUp("Thanks.")(0, [1, 2], {})
    with pytest.raises(InputError, match="in the same form"):
        FollowUp((1,))("2+3?", "5", {})
    assert FollowUp("Thanks.")("2+3?", "", {}) is None
    assert FollowUp("Thanks.")([{"role": "user", "content": "2+3?"}], [{"role": "assistant", "content": "5"}], {}).begun == "5\nUser: "


def test_nothing_is_explained_without_a_question_a_solution_and_an_explanation():
    row = {"question": "2+3?", "solution": 5}
    assert ExplainedSolution()("told", "because", row).measured == "5"
    for said, columns in (("", row), ("because", {"question": "2+3?"}), ("because", {"solution": 5})):
        assert ExplainedSolution()("told", said, columns) is None


@pytest.mark.parametrize("recipe", [follow_up_likelihood, implicit_preference], ids=["follow_up_likelihood", "implicit_preference"])
def test_pairs_are_ordered_by_one_likelihood_less_the_other(recipe):
    """Of texts, by the model itself, and whatever else rewards them is only watched."""
    names = recipe.combine.names
    policy = SmallLanguageModel(WORDS, layers=1, hidden=8, heads=1, context_length=160).build(0)
    scene = TextScene(Encoder(policy.tokenizer, 160), RewardRunner({"truth": MajorityVote()}))
    rows = [{"prompt": "2+3?"}, {"prompt": "5?"}]
    try:
        _, _, found = components(policy, scene, rows, recipe.intrinsic)
    finally:
        scene.close()
    valid = ~found[names[0]].isnan()
    assert valid.any()
    torch.testing.assert_close(recipe.combine(found)[valid], (found[names[0]] - found[names[1]])[valid])
    p, q = found[names[0]][valid].exp(), found[names[1]][valid].exp()
    assert torch.equal((p / (p + q)).argsort(), recipe.combine(found)[valid].argsort()), "the share of Yes orders alike"
    assert recipe.combine.only_watched(found) == {"truth"}


def test_above_its_group_is_decided_within_the_group():
    policy = WORLD.policy(1.0, 0).build()
    rollouts, _, found = components(policy, FiniteScene(WORLD), WORLD.train(), {"bonus": AboveGroup(Likelihood()), "value": Likelihood()})
    for context in range(3):
        own = rollouts.context == context
        value = found["value"][own]
        assert torch.equal(found["bonus"][own].bool(), value >= value.mean())
        assert found["bonus"][own].any()


def test_votes_of_actions_are_of_the_whole_or_of_their_end():
    said = [[0, 1, 2], [1, 1, 2], [0, 1, 2], [2, 0, 0]]
    assert MajorityVote()([0] * 4, said) == [1.0, 0.0, 1.0, 0.0]
    assert MajorityVote(steps=1)([0] * 4, said) == [1.0, 1.0, 1.0, 0.0]
    assert AnswerFrequency(steps=1)([0] * 4, said) == [0.75, 0.75, 0.75, 0.25]


def test_in_a_loop_the_vote_rises_and_what_is_watched_is_not_learned_from():
    policy = WORLD.policy(0.5, 0).build()
    recipe = replace(
        rloo, combine=Only(("vote",)), reward_penalties=(), sampler=Group(8), optimiser=replace(rloo.optimiser, learning_rate=0.1)
    )
    scene = FiniteScene(WORLD, {"vote": MajorityVote(steps=1)})
    out = improve(policy, scene, WORLD.train(), recipe, Budget(steps=40, batch_size=3), Decoding(3), WORLD.test())
    votes = [step["rewards/vote/mean"] for step in out.history if "rewards/vote/mean" in step]
    assert sum(votes[-5:]) > sum(votes[:5]) + 1
    last = out.history[-1]
    assert last["reward"] == pytest.approx(last["rewards/vote/mean"]) and "monitor/vote" not in last
    assert last["monitor/world"] == last["rewards/world/mean"] and "eval/monitor/world" in last


def test_the_loop_binds_a_view_that_only_an_intrinsic_reward_reads():
    policy = WORLD.policy(1.0, 0).build()
    made = {"kept": LogLikelihood(over="sequence", by="ref")}
    recipe = replace(rloo, intrinsic=made, reward_penalties=(), optimiser=replace(rloo.optimiser, learning_rate=0.05))
    before = policy.reference()
    out = improve(policy, FiniteScene(WORLD), WORLD.train(), recipe, Budget(steps=3, batch_size=3), Decoding(3))
    assert "rewards/kept/mean" in out.history[-1]
    assert float(policy.kl(before).detach().max()) > 0


@pytest.mark.parametrize(
    ("intrinsic", "says"),
    [
        ({"x": Likelihood(by="teacher")}, "measured by 'teacher'.*no such view"),
        ({"world": Likelihood()}, "two rewards are called 'world'"),
        ({"x": Likelihood(Question())}, "this world has none"),
    ],
)
def test_what_cannot_be_measured_is_refused(intrinsic, says):
    with pytest.raises(InputError, match=says):
        components(WORLD.policy().build(), FiniteScene(WORLD), WORLD.train(), intrinsic)


# texts


@pytest.fixture(scope="module")
def text():
    policy = SmallLanguageModel(CHARACTERS, layers=1, hidden=16, heads=2, context_length=48).build(0)
    return policy, TextScene(Encoder(policy.tokenizer, policy.context_length), RewardRunner({}))


class Said:
    """A scene whose policy said these texts."""

    def __init__(self, scene, policy, texts, rows):
        encoder = scene.encoder
        ids = [encoder.encode_continuation(text) for text in texts]
        width = max(map(len, ids))
        actions = torch.tensor([[*one, *[0] * (width - len(one))] for one in ids])
        length = torch.tensor([len(one) for one in ids])
        from guerdon.sequences import Sequences

        mask = torch.arange(width) < length.unsqueeze(-1)
        self.rollouts = Sequences(scene.contexts(rows), torch.arange(len(rows)), actions, mask, length)
        self.judged = scene.judge(self.rollouts, rows, 0)


def test_texts_are_measured_where_the_answer_stands(text):
    policy, scene = text
    rows = [{"prompt": "2+3=?", "answer": "5"}, {"prompt": "1+1=?", "answer": "a #### 7"}, {"prompt": "0+0=?", "answer": None}]
    said = Said(scene, policy, ["a b \\boxed{6}", "c#### 12", "\\boxed{1"], rows)
    asked = {
        "own": LogLikelihood(OwnConclusion(), over="sequence"),
        "reference": LogLikelihood(ReferenceConclusion(), over="sequence"),
        "bare": LogLikelihood(WithoutReasoning(), over="sequence"),
        "good": LogLikelihood(Question("{prompt}{completion}?", "Yes"), over="sequence"),
    }
    found = SelfMadeRewards(asked, policy, scene, {}, 4096)(said.rollouts, said.judged, rows).scored

    def logp(before, after):
        tokens = policy.tokenizer.encode(before + after, add_special_tokens=False)
        start = [policy.tokenizer.bos_token_id] if scene.encoder.encode_prompt("a")[0] == policy.tokenizer.bos_token_id else []
        with torch.no_grad():
            steps = policy.module(torch.tensor([[*start, *tokens]])).logits.log_softmax(-1)[0]
        at = range(len(start) + len(before), len(start) + len(tokens))
        return float(sum(steps[i - 1, (start + tokens)[i]] for i in at))

    nan = math.nan
    wanted = {
        "own": [logp("2+3=?a b \\boxed{", "6"), logp("1+1=?c#### ", "12"), nan],
        "reference": [logp("2+3=?a b \\boxed{", "5"), logp("1+1=?c#### ", "7"), nan],
        "bare": [logp("2+3=?", "5"), logp("1+1=?", "7"), nan],
        "good": [logp("2+3=?a b \\boxed{6}?", "Yes"), logp("1+1=?c#### 12?", "Yes"), logp("0+0=?\\boxed{1?", "Yes")],
    }
    for name, values in wanted.items():
        torch.testing.assert_close(
            found.components[name].float(), torch.tensor(values), rtol=1e-4, atol=1e-4, equal_nan=True, msg=lambda t, n=name: f"{n}: {t}"
        )
    assert not found.invalid.any() and found.errors == [None] * 3  # nothing else applies: what the policy says does


def test_what_does_not_fit_the_context_has_no_reward(text):
    policy, scene = text
    rows = [{"prompt": "2+3=?"}]
    said = Said(scene, policy, ["5"], rows)
    asked = {"good": LogLikelihood(Question("a" * 60)), "sure": NegativeEntropy()}
    found = SelfMadeRewards(asked, policy, scene, {}, 4096)(said.rollouts, said.judged, rows).scored
    assert found.components["good"].isnan().all() and found.components["sure"].isfinite().all()


# what an answer comes to


@pytest.mark.parametrize(
    ("one", "other", "agree"),
    [
        (r"\boxed{1,000}", "so the answer is 1000.0.", True),
        ("<think>7</think> 5", "5", True),
        ("#### 12", "12 eggs", False),
        (r"\boxed{\text{Yes}}", "yes", True),
        (r"\boxed{x+1}", r"\boxed{x + 1}", False),
        ("<answer> B </answer>", "b", True),
        ("1/2", "0.5", True),
        ("50%", "50", False),
    ],
)
def test_two_answers_agree(one, other, agree):
    assert (conclusion(one) == conclusion(other)) is agree


@pytest.mark.parametrize("nothing", ["", "  ", r"\boxed{4", "<think>so 4", "<answer>4"])
def test_some_answers_come_to_nothing(nothing):
    assert conclusion(nothing) is None and split(nothing) is None


@given(st.lists(st.integers(0, 3), min_size=1, max_size=9))
@settings(max_examples=50, deadline=None)
def test_the_vote_is_the_mode_and_the_frequency_its_share(answers):
    texts = [rf"so \boxed{{{a}}}" for a in answers]
    vote, share = MajorityVote()(["p"] * len(texts), texts), AnswerFrequency()(["p"] * len(texts), texts)
    counts = [answers.count(a) for a in answers]
    winner = answers[counts.index(max(counts))]
    assert vote == [float(a == winner) for a in answers]
    assert share == [count / len(answers) for count in counts]


def test_a_comparison_that_says_no_verdict_is_refused():
    with pytest.raises(InputError, match="says true or false"):
        MajorityVote(same=lambda a, b: "yes")(["p"] * 2, ["1", "2"])


@given(st.floats(0, 1), st.floats(0, 1))
@settings(max_examples=50, deadline=None)
def test_saying_how_sure_one_is_pays_most_where_it_is_true(right, other):
    """The expectation of a proper score has its maximum at the probability itself."""

    def worth(says):
        said = [f"{answer} <confidence>{says:.6f}</confidence>" for answer in ("5", "6")]
        yes, no = StatedConfidence()(["q"] * 2, said, answer=["5"] * 2)
        return right * yes + (1 - right) * no

    assert worth(right) >= worth(other) - 1e-5


def test_confidence_of_messages_and_of_nothing():
    said = [{"role": "assistant", "content": "5 <confidence>1</confidence>"}]
    assert StatedConfidence()(["q"], [said], answer=["5"]) == [0.0]
    assert confidence("<confidence>1.5</confidence>") is None and confidence("<confidence>high</confidence>") is None
    with pytest.raises(InputError, match="reads the column 'answer'"):
        StatedConfidence()(["q"], ["5"])


# learned from, or watched


def test_who_is_watched():
    names = ["a", "b", "c"]
    assert watched_by(Weigh({"a": 0.0, "b": 2.0}), names) == {"a"}
    assert watched_by(Only(("a", "b"), Weigh({"b": 0.0})), names) == {"b", "c"}
    assert watched_by(Without(("c",), Weigh({"a": 0.0})), names) == {"a", "c"}
    assert watched_by(Gate("a", combine=Weigh({"a": 0.0, "b": 0.0})), names) == {"b"}  # a gate decides, whatever it earns
    with pytest.raises(InputError, match="nothing to learn from"):
        Without(("a",))({"a": torch.zeros(1)})


BASE = """
model: {part: small_language_model, layers: 1, hidden: 16, heads: 2}
task: {part: modular_arithmetic}
recipe: {base: rloo}
decoding: {max_completion_length: 3}
"""


@pytest.mark.parametrize(
    ("reward", "functions", "made", "watched"),
    [
        ("negative_entropy", [], ["negative_entropy"], {"position_credit"}),  # the task's own is watched
        ("{functions: majority_vote, watched: number_match}", ["majority_vote", "number_match"], [], {"number_match"}),
        (
            "{functions: [majority_vote, self_certainty, number_match], watched: [number_match]}",
            ["majority_vote", "number_match"],
            ["self_certainty"],
            {"number_match"},
        ),
        ("{functions: {a: majority_vote}, watched: {b: {part: string_match}}}", ["a", "b"], [], {"b"}),
    ],
)
def test_a_configuration_says_what_is_learned_from(reward, functions, made, watched):
    settled = prepare(load(BASE + f"reward: {reward}\n"), "improve")
    recipe = settled.settings.recipe
    assert list(settled.settings.reward.functions) == functions and list(recipe.intrinsic) == made
    names = [*(settled.functions() or {"position_credit": None}), *made]
    assert watched_by(recipe.combine, names) == watched


def test_a_configuration_that_watches_what_is_not_there_is_refused():
    with pytest.raises(InputError, match=r"reward\.watched\.number_mach.*number_match"):
        load(BASE + "reward: {functions: majority_vote, watched: [number_mach]}\n")
    with pytest.raises(InputError, match="nothing to learn from"):
        prepare(load(BASE + "reward: {functions: number_match, watched: [number_match]}\n"), "improve")


@pytest.mark.parametrize("talks", [False, True])
def test_what_was_sampled_keeps_its_tokens_and_what_was_not_is_written_anew(talks):
    encoder = Encoder(character_tokenizer.build("abcde0123456789\\ox{}# YsN", chat=True), 400)
    prompt = [{"role": "user", "content": "2"}] if talks else "2"
    context = encoder.encode_prompt(prompt)
    sampled = [*encoder.encode_continuation("a b #### 12"), encoder.tokenizer.eos_token_id]
    said = encoder.completion(prompt, sampled)
    before, own = recast_tokens(encoder, OwnConclusion()(prompt, said, {}), prompt, said, sampled, {})
    assert (tuple(before), own) == ((*context, *sampled[:9]), tuple(sampled[9:11]))
    before, gold = recast_tokens(encoder, ReferenceConclusion()(prompt, said, {"answer": 7}), prompt, said, sampled, {})
    assert (tuple(before), gold) == ((*context, *sampled[:9]), encoder.encode_continuation("7"))
    before, yes = recast_tokens(encoder, Question("{completion}", "Yes")(prompt, said, {}), prompt, said, sampled, {})
    asked = [{"role": "user", "content": "a b #### 12"}] if talks else "a b #### 12"
    assert (tuple(before), yes) == (encoder.encode_prompt(asked), encoder.encode_continuation("Yes"))


@given(st.text("ab 1", min_size=1, max_size=12), st.integers(0, 12))
@settings(max_examples=60, deadline=None)
def test_tokens_of_many_letters_are_parted_at_the_letter(text, place):
    """Where a piece of text begins within a token, what was sampled before it is kept and the rest written anew; nothing is lost and nothing is there twice."""
    tokenizer = tiny_models.tokenizer("pad")
    encoder = Encoder(tokenizer, 400)
    prompt, place = "a", min(place, len(text))
    sampled = encoder.encode_continuation(text)
    said = encoder.completion(prompt, sampled)
    piece = recast_tokens(encoder, Recast(prompt, said[:place], "b1"), prompt, said, sampled, {})
    before, measured = piece
    kept = before[len(encoder.encode_prompt(prompt)) :]
    assert encoder.completion(prompt, [*kept, *measured]).replace(" ", "") == (said[:place] + "b1").replace(" ", "")


# what was verified becomes questions about it


@settings(max_examples=30, deadline=None)
@given(
    scores=st.lists(st.sampled_from([0.0, 1.0, None]), min_size=1, max_size=5),
    seed=st.integers(0, 50),
    alone=st.sampled_from([0.0, 0.3, 1.0]),
)
def test_a_verdict_that_is_asked_for_is_the_one_that_was_known(scores, seed, alone):
    row = {"prompt": "p", "completions": [f"{score}-{i}" for i, score in enumerate(scores)], "scores": scores}
    part = VerdictPrompts(alone=alone, asks="one {completion}", compares="two {first}|{second}", seed=seed)
    found = part([row])
    assert found == part([row]) and len(found) == bool([score for score in scores if score is not None])
    for asked in found:
        kind, _, shown = asked["prompt"].partition(" ")
        verdicts = [text.startswith("1.0") for text in shown.split("|")]
        assert "None" not in shown
        if kind == "one":
            assert asked["answer"] == ("Yes" if verdicts == [True] else "No")
        else:
            assert sorted(verdicts) == [False, True] and asked["answer"] == "AB"[verdicts.index(True)]
        assert (kind == "two") <= (0.0 in scores and 1.0 in scores)


def test_what_is_refined_is_told_its_critique():
    rows = [
        {
            "prompt": [{"role": "user", "content": "2+3?"}],
            "completions": ["6", "4"],
            "scores": [0.1, 0.2],
            "critiques": ["too much", "too little"],
        }
    ]
    (made,) = RefinementPrompts(asks="{prompt} {completion}: {critique}")(rows)
    assert made["prompt"] == [{"role": "user", "content": "2+3? 4: too little"}] and made["refines"] == rows[0]["prompt"]
    with pytest.raises(InputError, match="one critique per completion"):
        RefinementPrompts()([{**rows[0], "critiques": ["too much"]}])
