"""A learner that comes first: the policy acts as it is and rests, and learns after that; what verl calls critic_warmup."""

import dataclasses

import pytest
import torch

from guerdon.credit.targets.lambda_return import LambdaReturn
from guerdon.errors import InputError
from guerdon.interfaces.configuration import named_recipe
from guerdon.interfaces.configuration._refuse import refuse
from guerdon.models.finite.prefix_value import TableCritic
from guerdon.recipes.vapo import recipe as vapo
from guerdon.saying import listening
from guerdon.sequences import Decoding
from guerdon.training.judging import FiniteScene
from guerdon.training.loops.improve import improve
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Learning, Term
from guerdon.worlds.finite.needle import Needle
from test_configuration import configured
from test_foreign_files import VERL, answered

WORLD = Needle(contexts=2, vocabulary=3, depth=2, needles=4)


def after(first: int, steps: int, rate: float = 0.3):
    """The run, how far the policy has moved, and the critic."""
    critic = dataclasses.replace(vapo.learners["critic"], first=first, optimiser=AdamW(rate))
    own = dataclasses.replace(vapo, optimiser=AdamW(0.1), minibatches=1, learners={"critic": critic})
    policy, critics = WORLD.policy(deviation=1.0).build(), {"critic": TableCritic(WORLD.tree, 2)}
    before = policy.logits.detach().clone()
    found = improve(policy, FiniteScene(WORLD), WORLD.train(), own, Budget(steps=steps, batch_size=2), Decoding(2), learners=critics)
    return found, float((policy.logits.detach() - before).abs().max()), critics["critic"]


def test_the_policy_rests_until_the_critic_has_had_its_steps():
    found, moved, critic = after(first=3, steps=3)
    assert moved == 0.0 and float(critic.values.detach().abs().max()) > 0.1
    assert [step["policy_rests"] for step in found.history[1:]] == [1.0] * 3
    assert all("critic/loss" in step and "losses/clip" not in step for step in found.history[1:])
    found, moved, _ = after(first=2, steps=3)
    assert moved > 0 and [step["policy_rests"] for step in found.history[1:]] == [1.0, 1.0, 0.0]
    assert "policy_rests" not in after(first=0, steps=1)[0].history[-1]


def test_the_critic_comes_to_know_the_expected_return_of_the_policy_that_rests():
    _, _, critic = after(first=150, steps=150, rate=0.02)
    policy = WORLD.policy(deviation=1.0).build()
    wanted = policy.expect(WORLD.rewards()).detach()
    torch.testing.assert_close(critic.values[:, 0].detach(), wanted.to(critic.values.dtype), rtol=0, atol=0.08)


def test_targets_are_monte_carlo_returns():
    assert isinstance(vapo.target, LambdaReturn) and vapo.target.advantage.lam == vapo.target.advantage.gamma == 1.0


def test_a_policy_that_would_never_learn_is_refused_or_said():
    with pytest.raises(InputError, match=r"recipe\.learners\.critic\.first: in 50 steps .* budget\.steps is 40"):
        refuse(configured("recipe=vapo", "steps=40"), "improve")
    refuse(configured("recipe=vapo", "steps=51"), "improve")
    said: list[str] = []
    with listening(said.append):
        after(first=1, steps=1)
    assert any("the policy rests in all 1 steps" in sentence for sentence in said)
    with pytest.raises(InputError, match="give 0 or more"):
        Learning((Term(named_recipe("ppo").terms[0].loss),), first=-1)


@pytest.mark.parametrize(("theirs", "ours"), [(0, 0), (1, 0), (2, 1), (21, 20)])
def test_verls_critic_warmup_counts_steps_from_one(theirs, ours, tmp_path):
    """There the policy learns in step s, from 1 on, where critic_warmup <= s."""
    assert configured("recipe=ppo", f"trainer.critic_warmup={theirs}").recipe.learners["critic"].first == ours
    _, found, _ = answered(VERL, tmp_path, ["algorithm.adv_estimator=gae", f"trainer.critic_warmup={theirs}"])
    assert found.recipe.learners["critic"].first == ours


def test_verls_critic_warmup_without_a_critic():
    assert configured("recipe=grpo", "trainer.critic_warmup=0").recipe == configured("recipe=grpo").recipe
    with pytest.raises(InputError, match="critic_warmup: there are 4 steps in which only a critic learns, and the recipe has none"):
        configured("recipe=grpo", "trainer.critic_warmup=5")
