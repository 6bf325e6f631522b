"""Rewards of single steps: where answers are cut, what is made of scores, where they are put, and runs that learn from them."""

import dataclasses
import json
from dataclasses import dataclass

import pytest
import torch

from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.return_to_go import ReturnToGo
from guerdon.credit.segments.after_text import AfterText
from guerdon.credit.segments.every_n import EveryN
from guerdon.errors import InputError
from guerdon.feedback.dense.step_scores import StepScores
from guerdon.feedback.step_shaping.only_penalties import OnlyPenalties
from guerdon.feedback.step_shaping.progress import Progress
from guerdon.feedback.step_shaping.to_next import ToNext
from guerdon.interfaces.cli import main
from guerdon.interfaces.configuration import dump, load
from guerdon.losses.surrogates.reinforce import Reinforce
from guerdon.models.heads.step import Step
from guerdon.models.language.headed import Headed
from guerdon.models.language.small_language_model import SmallLanguageModel
from guerdon.randomness import generator
from guerdon.sequences import Decoding
from guerdon.training.crediting import Crediting
from guerdon.training.dense import cut
from guerdon.training.judging import FiniteScene
from guerdon.training.loops.improve import improve
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Dense, Recipe, Term
from guerdon.training.tally import Tally
from guerdon.worlds.finite.solutions import Solutions

WORLD = Solutions(contexts=4, seed=2)


@dataclass(frozen=True)
class Lengths:
    """Says of each step how many actions it has, and of the k-th of an answer k more."""

    def step_scores(self, prompts, steps, separator):
        return [[len(step) + k for k, step in enumerate(own)] for own in steps]


@dataclass(frozen=True)
class Idling:
    """Likes steps that idle, and no other."""

    def step_scores(self, prompts, steps, separator):
        return [[float(step == [WORLD.idling]) for step in own] for own in steps]


def drawn(each=3):
    policy = WORLD.start()
    rollouts = Group(each)(policy, [torch.tensor([c]) for c in range(4)], Decoding(5), 0)
    found = {"reward": torch.arange(len(rollouts)).double(), "group": rollouts.context, "shown": torch.arange(len(rollouts))}
    return policy, rollouts.with_quantities(**found)


def credited(recipe):
    policy, rollouts = drawn()
    shown = [(int(c), None) for c in rollouts.context]
    batch = Crediting(policy, set(), {}, {}, 1000)(rollouts, recipe, Tally(), shown)
    return batch.sides[""]


def test_every_action_is_a_step_and_what_is_said_of_it_is_put_there():
    recipe = Recipe((Term(Reinforce()),), dense={"lengths": Dense(StepScores(Lengths()), weight=0.5)}, advantage=ReturnToGo())
    got = credited(recipe)
    place = torch.arange(got.mask.shape[1]).double()
    expected = torch.where(got.mask, 0.5 * (1 + place), 0.0)
    last = got.mask & (place == got.length.unsqueeze(-1) - 1)
    expected = expected + torch.where(last, got.quantities["outcome"].unsqueeze(-1), 0.0)
    torch.testing.assert_close(got.quantities["step_reward"], expected)
    torch.testing.assert_close(got.quantities["reward"], expected.sum(-1))
    torch.testing.assert_close(got.quantities["advantage"], (expected.flip(-1).cumsum(-1).flip(-1)) * got.mask)
    assert torch.equal(got.quantities["outcome"], torch.arange(len(got)).double())


def test_a_segment_of_several_actions_is_one_step_which_is_rewarded_at_its_end():
    recipe = Recipe((Term(Reinforce()),), dense={"lengths": Dense(StepScores(Lengths()))}, segments=EveryN(2), advantage=ReturnToGo())
    got = credited(recipe)
    for row in range(len(got)):
        length = int(got.length[row])
        expected = [0.0] * 5
        for k, start in enumerate(range(0, length, 2)):
            end = min(start + 2, length)
            expected[end - 1] = float(end - start + k)
        expected[length - 1] += float(got.quantities["outcome"][row])
        assert got.quantities["step_reward"][row].tolist() == expected[: got.mask.shape[1]]


def test_shapings_follow_each_other_and_sources_add_up():
    source = StepScores(Lengths())
    recipe = Recipe(
        (Term(Reinforce()),),
        dense={"both": Dense(source, (OnlyPenalties(enough=3.0), ToNext())), "progress": Dense(source, (Progress(),), weight=2.0)},
        advantage=ReturnToGo(),
    )
    got = credited(recipe)
    row = int((got.length == 4).nonzero()[0])  # scores 1 2 3 4: penalties -2 -1 0 0, differences -1 -1 0 0; progress 1 1 1 1
    outcome = float(got.quantities["outcome"][row])
    assert got.quantities["step_reward"][row, :4].tolist() == [1.0, 1.0, 2.0, 2.0 + outcome]


def test_what_telescopes_cannot_be_gained_by_more_steps():
    score = torch.rand(3, 7, generator=generator(0, "scores")).double()
    for length in (1, 4, 7):
        mask = torch.arange(7).expand(3, 7) < length
        torch.testing.assert_close(ToNext()(score, mask).sum(-1), score[:, 0])
        torch.testing.assert_close(Progress(start=0.25)(score, mask).sum(-1), score[:, length - 1] - 0.25)
        assert (OnlyPenalties(enough=0.5)(score, mask) <= 0).all()
        returns = ToNext()(score, mask).flip(-1).cumsum(-1).flip(-1)
        torch.testing.assert_close(returns * mask, score * mask)


def test_a_policy_farms_steps_that_are_rewarded_by_themselves_and_not_their_differences():
    def idling(shaping):
        policy = WORLD.start()
        recipe = Recipe(
            (Term(Reinforce()),),
            AdamW(0.5),
            Group(16),
            dense={"idle": Dense(StepScores(Idling()), shaping, weight=2.0)},
            advantage=ReturnToGo(),
        )
        improve(policy, FiniteScene(WORLD), WORLD.train(), recipe, Budget(steps=25, batch_size=4), Decoding(5))
        idle = (WORLD.tree.actions == WORLD.idling) & WORLD.tree.mask
        return float((policy.log_probabilities().detach().exp() * idle.sum(-1)).sum(-1).mean())

    farmed, bounded = idling(()), idling((Progress(),))
    assert farmed > 2.5 > 1.0 > bounded, (farmed, bounded)


def test_texts_are_cut_at_lines_and_what_is_blank_is_no_step():
    policy = SmallLanguageModel("ab\n ", layers=1, hidden=8, heads=1, context_length=32).build()
    said = "ab\n\nb a\n  \nb"
    actions = torch.tensor([policy.tokenizer.encode(said, add_special_tokens=False)])
    rollouts = dataclasses.replace(
        drawn()[1].select(torch.tensor([0])), actions=actions, mask=torch.ones_like(actions, dtype=torch.bool), quantities={}
    )
    segment = AfterText()(actions, rollouts.mask, policy.token_text)
    steps, ends = cut(rollouts, segment, policy.tokenizer)
    assert steps == [["ab", "b a", "b"]]
    assert ends[0].nonzero().flatten().tolist() == [said.index("\n"), said.index("a\n  ") + 1, len(said) - 1]


def test_what_cannot_be_is_refused_in_a_sentence(tmp_path):
    policy = SmallLanguageModel("ab\n", layers=1, hidden=8, heads=1, context_length=32).build()
    recipe = Recipe((Term(Reinforce()),), dense={"a": Dense(StepScores(Lengths()))}, advantage=ReturnToGo())
    with pytest.raises(InputError, match=r"recipe\.dense.*recipe\.segments"):
        improve(policy, FiniteScene(WORLD), WORLD.train(), recipe)

    @dataclass(frozen=True)
    class Few:
        def step_scores(self, prompts, steps, separator):
            return [[1.0] for _ in steps]

    @dataclass(frozen=True)
    class Odd:
        def step_scores(self, prompts, steps, separator):
            return [[float("nan")] * len(own) for own in steps]

    with pytest.raises(InputError, match="one for each"):
        credited(dataclasses.replace(recipe, dense={"a": Dense(StepScores(Few()))}))
    with pytest.raises(InputError, match=r"recipe\.dense\.a: .* finite number for each"):
        credited(dataclasses.replace(recipe, dense={"a": Dense(StepScores(Odd()))}))
    with pytest.raises(InputError, match="needs step_scores"):
        credited(dataclasses.replace(recipe, dense={"a": Dense(StepScores("nobody"))}))


RUN = """
model: {{part: small_language_model, characters: "0123456789+=\\n", layers: 1, hidden: 16, heads: 2, context_length: 48}}
task: {{path: {folder}/rows.jsonl, held_out: 2}}
reward: {{part: length, max_length: 12, cache: 2}}
recipe:
  base: rloo
  sampler: {{part: group, num_generations: 4}}
  advantage: return_to_go
  segments: after_text
  dense:
    process:
      source: {{part: step_scores, scorer: {{part: step_scorer, source: {folder}/steps}}}}
      shaping: [only_penalties, {{part: to_next}}]
      weight: {{part: linear, start: 0.5, end: 0.1}}
decoding: {{max_completion_length: 12}}
budget: {{steps: 2, batch_size: 4}}
run: {folder}/run
"""


def test_it_is_trained_with_by_one_command(tmp_path):
    body = SmallLanguageModel("0123456789+=\n", layers=1, hidden=16, heads=2, context_length=48)
    Headed(body, Step()).build(0).save(tmp_path / "steps")
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps({"prompt": f"{i}+1="}) + "\n" for i in range(10)))
    text = RUN.format(folder=tmp_path)
    whole = load(text)
    assert load(dump(whole)) == whole
    (tmp_path / "run.yaml").write_text(text)
    assert main(["train", str(tmp_path / "run.yaml")]) in (0, None)
    logged = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    steps = [row for row in logged if "dense/steps" in row]
    assert steps and all(0 <= row["dense/process/score"] <= 1 and row["dense/steps"] > 0 for row in steps)
