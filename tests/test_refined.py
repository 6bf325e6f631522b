"""Refinements: what the policy made of a reply stands beside its answers, is judged by itself, and is learned from as an answer to the plain prompt."""

from dataclasses import dataclass, replace

import pytest
import torch

from guerdon.acting.replies.critique import Critique
from guerdon.acting.samplers.refined import Refined
from guerdon.atlas.curriculum_data._ladder import world_of
from guerdon.atlas.policy_gradient.critique_grpo import StepsRight, reading
from guerdon.errors import InputError
from guerdon.models.language.small_language_model import SmallLanguageModel
from guerdon.recipes.critique_grpo import recipe
from guerdon.sequences import Decoding, Sequences
from guerdon.training.display import Silent
from guerdon.training.jobs import ImproveJob
from guerdon.training.judging import FiniteScene
from guerdon.training.loops.improve import improve
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget
from guerdon.worlds.text.sort_letters import SortLetters


@dataclass(frozen=True)
class Kept:
    """A selection that keeps all and remembers what it saw."""

    seen: list

    def __call__(self, reward, actor, old_logp, mask):
        self.seen.append((reward, actor, old_logp, mask))
        return torch.ones(len(reward), dtype=torch.bool)


def test_the_best_refinement_of_a_prompt_is_kept_the_first_of_equals():
    part, context = Refined(4, refined=2), torch.tensor([0, 0, 0, 2, 2])
    assert part._best(torch.tensor([0.0, 1.0, 1.0, torch.nan, 0.5]), context).tolist() == [1, 2, 3, 4]
    assert Refined(4)._best(torch.tensor([0.0, 1.0, 1.0, torch.nan, 0.5]), context).tolist() == [1, 4]


def test_refinements_are_judged_by_themselves_and_a_critique_helps():
    world, seen = world_of(0), []
    method = replace(recipe, sampler=Refined(8, reply=StepsRight()), selection=(Kept(seen),), optimiser=AdamW(0.0), minibatches=1)
    improve(reading(world, 0), FiniteScene(world), world.train(), method, Budget(6, batch_size=20), Decoding(world.depth))
    reward, actor, old_logp, mask = (torch.cat(parts) for parts in zip(*seen, strict=True))
    own, refined = reward[actor == 0], reward[actor == 1]
    assert len(own) == 6 * 20 * 7 and 0 < len(refined) <= 6 * 20
    assert set(reward.tolist()) <= {0.0, 1.0}
    assert refined.mean() > 2 * own.mean()
    assert not old_logp[actor == 1].any() and (old_logp[actor == 0][mask[actor == 0]] < 0).all()


def test_a_refinement_is_the_policys_answer_to_the_plain_prompt():
    world = world_of(0)
    policy, contexts = reading(world, 0), [torch.tensor([19])]

    class Talk:
        def hear(self, said: Sequences, rows, attempt=True):
            self.said = said

        def replied(self, reply):
            return [("2",)] * len(self.said)

        def tell(self, rows, texts):
            return [torch.tensor([int(text)]) for text in texts]

    found = Refined(4)(policy, contexts, Decoding(world.depth), 0, conversation=Talk(), score=lambda s: torch.arange(len(s)).double())
    assert found.quantities["actor"].tolist() == [0, 0, 0, 1]
    assert [c.tolist() for c in found.contexts] == [[19]] and found.length.tolist() == [world.depth] * 4
    assert found.actions[3, :2].tolist() == found.actions[2, :2].tolist()  # the last answer's refinement scored highest


def test_a_language_model_learns_by_the_recipe():
    task = SortLetters(length=2, alphabet="abc", train_size=8, test_size=2)
    model = SmallLanguageModel(task.characters + "wrong", layers=1, hidden=16, heads=2, context_length=32)
    method = replace(recipe, sampler=Refined(4, reply=replace(Refined().reply, wrong="wrong", right="")))
    job = ImproveJob(method, task, rewards={"exact": task.reward}, decoding=Decoding(3), budget=Budget(2, batch_size=3))
    policy = model.build(0)
    before = torch.cat([p.detach().flatten().clone() for p in policy.module.parameters()])
    history = job(policy, {}, 0, None, Silent()).history
    after = torch.cat([p.detach().flatten() for p in policy.module.parameters()])
    assert len(history) == 3 and not torch.equal(before, after)


def test_a_reply_that_lets_the_policy_speak_first_and_groups_without_room_are_refused():
    world = world_of(0)
    method = replace(recipe, sampler=Refined(4, reply=Critique("1", "2")))
    with pytest.raises(InputError, match="one text"):
        improve(reading(world, 0), FiniteScene(world), world.train(), method, Budget(1, batch_size=2), Decoding(world.depth))
    with pytest.raises(InputError, match="refined"):
        Refined(2, refined=2)
