"""A model of the process that learns along with the policy: that it is one of its own, that the policy is paid by it, and the numbers of PRIME's authors."""

import dataclasses
from pathlib import Path

import pytest
import torch

from guerdon.credit.advantages.batch_normalised import BatchNormalised
from guerdon.credit.advantages.implicit_process import ImplicitProcess
from guerdon.data.selection.zero_variance import ZeroVariance
from guerdon.models.language.headed import HeadedModel
from guerdon.models.language.policy import LanguagePolicy
from guerdon.models.resting import Resting
from guerdon.parts import call
from guerdon.quantities import Name
from guerdon.recipes.prime import recipe as prime
from guerdon.sequences import Decoding
from guerdon.training.jobs import ImproveJob, learners_of
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Learning
from guerdon.training.stages import Outputs
from guerdon.training.views import Views
from test_loops import BUDGET, PPO, SMALL, TASK, StopAfter, identical, parameters, quiet, timed


def faster(rate: float, beta: float = 1.0, weight: float = 1.0) -> dataclasses.dataclass:
    """PRIME for a tiny model, whose process model learns at this rate."""
    prm = dataclasses.replace(prime.learners["prm"], optimiser=AdamW(rate))
    return dataclasses.replace(
        prime,
        optimiser=AdamW(3e-3),
        selection=(ZeroVariance(),),
        advantage=BatchNormalised(ImplicitProcess(beta=beta, weight=weight)),
        learners={"prm": prm},
    )


@dataclasses.dataclass(frozen=True)
class BeginsEarly:
    """Whether a completion begins with a or b, which half of them do."""

    def __call__(self, prompts, completions, **columns):
        return [float(completion[:1] in ("a", "b")) for completion in completions]


def run(recipe, steps=4, folder=None, display=None, **budget):
    job = ImproveJob(
        recipe,
        TASK,
        rewards={"early": BeginsEarly()},
        running={"timeout": None},
        decoding=Decoding(6),
        budget=dataclasses.replace(BUDGET, steps=steps, **budget),
    )
    return job(SMALL.build(0), {}, 0, folder, display or quiet())


def test_who_learns_what_a_policy_says_is_a_copy_of_the_policy_and_a_critic_is_not():
    policy = SMALL.build(0)
    prm = learners_of(prime, policy, 0, {})["prm"]
    assert isinstance(prm, LanguagePolicy) and identical(parameters(prm), parameters(policy))
    assert not {p.data_ptr() for p in prm.module.parameters()} & {p.data_ptr() for p in policy.module.parameters()}
    assert isinstance(learners_of(PPO, policy, 0, {})["critic"], HeadedModel)
    named = dataclasses.replace(prime, learners={"prm": Learning(prime.learners["prm"].terms, "before")})
    other = SMALL.build(1)
    assert identical(parameters(learners_of(named, policy, 0, {"before": Outputs(other)})["prm"]), parameters(other))


def test_the_process_model_learns_and_the_policy_is_paid_by_what_it_has_learned():
    """At the first step it says nothing; from the second on the policy goes another way than with one that never learns. It tells right from wrong better than it did."""
    still, moving = run(faster(0.0)), run(faster(1e-2))
    first = [{k: v for k, v in out.history[1].items() if not timed(k) and "prm" not in k} for out in (still, moving)]
    assert first[0] == first[1]
    assert not identical(parameters(still.model), parameters(moving.model))
    outcome_only = run(faster(1e-2, weight=0.0))
    assert identical(parameters(still.model), parameters(outcome_only.model))
    apart = [row["rewards/chosen"] - row["rewards/rejected"] for row in run(faster(1e-2), steps=8).history[1:] if "rewards/chosen" in row]
    assert apart[0] == pytest.approx(0.0, abs=1e-6) and sum(apart[-3:]) > 0


def test_a_process_model_is_gone_on_with_bit_for_bit(tmp_path: Path):
    recipe = faster(1e-2)
    whole = run(recipe, 6, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run(recipe, 6, tmp_path / "cut", StopAfter(3))
    again = run(recipe, 6, tmp_path / "cut")
    assert identical(parameters(whole.model), parameters(again.model))
    assert [{k: v for k, v in row.items() if not timed(k)} for row in again.history] == [
        {k: v for k, v in row.items() if not timed(k)} for row in whole.history
    ]


def test_the_reference_lies_elsewhere_and_the_process_model_which_moves_does_not():
    policy, names = SMALL.build(0), {Name.parse("ref_logp"), Name.parse("prm_logp")}
    views = Views(policy, names, (), {"prm": SMALL.build(1)}, learning=("prm",))
    views.rest()
    assert isinstance(views.bound["ref"], Resting) and not isinstance(views.bound["prm"], Resting)


@dataclasses.dataclass(frozen=True)
class TimesFive:
    def __call__(self, prm_logp, ref_logp, group, mask, reward):
        return 5 * ImplicitProcess(beta=1.0)(prm_logp, ref_logp, group, mask, reward=reward)


def test_the_authors_returns():
    """Those of ``compute_rloo_advantage_return`` (verl, recipe/prime/prime_core_algos.py) for these process rewards and outcomes, both weights 5, worked out by its formula; then
    whitened, for which it has the sample's deviation."""
    paid = torch.tensor([[0.1, -0.2, 0.3, 0.05], [0.0, 0.4, 0.0, 0.0], [-0.1, -0.3, 0.2, 0.0]], dtype=torch.float64)
    mask = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0], [1, 1, 1, 0]]).bool()
    returns = [[2.4167, 2.1562, 4.1458, 2.3854], [-2.9792, -2.4896, 0.0, 0.0], [-0.4687, 0.7708, 3.5104, 0.0]]
    whitened = [[0.5379, 0.4354, 1.2184, 0.5256], [-1.5855, -1.3928, 0.0, 0.0], [-0.5976, -0.1098, 0.9683, 0.0]]
    told = {"prm_logp": paid, "ref_logp": torch.zeros_like(paid), "group": torch.zeros(3, dtype=torch.long), "mask": mask}
    told |= {"reward": torch.tensor([1.0, 0.0, 1.0], dtype=torch.float64)}
    torch.testing.assert_close(TimesFive()(**told), torch.tensor(returns, dtype=torch.float64), atol=6e-5, rtol=0)
    ours = call(BatchNormalised(TimesFive()), told) * (8 / 9) ** 0.5
    torch.testing.assert_close(ours, torch.tensor(whitened, dtype=torch.float64), atol=6e-5, rtol=0)
