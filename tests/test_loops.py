"""The loops: gradients do not depend on how a batch is split, a resumed run is the run that was never stopped, finite optima are reached."""

import dataclasses
from itertools import filterfalse
from pathlib import Path

import pytest
import torch

from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.batch_normalised import BatchNormalised
from guerdon.credit.advantages.gae import GAE
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.advantages.leave_one_out import LeaveOneOut
from guerdon.credit.advantages.max_at_k import MaxAtK
from guerdon.credit.targets.lambda_return import LambdaReturn
from guerdon.data.examples import examples
from guerdon.data.selection.unsolved import Unsolved
from guerdon.errors import InputError, RunFailed
from guerdon.exact.solvers.kl_regularised_optimum import KLRegularisedOptimum
from guerdon.feedback.judges.simulated_annotator import SimulatedAnnotator
from guerdon.feedback.shaping.running_normalise import RunningNormalise
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.penalties.kl_direct import KLDirect
from guerdon.losses.penalties.kl_exact import KLExact
from guerdon.losses.penalties.kl_exponential import KLExponential
from guerdon.losses.penalties.kl_forward import KLForward
from guerdon.losses.scores.head import Head
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.losses.surrogates.clip import Clip
from guerdon.losses.surrogates.reinforce import Reinforce
from guerdon.losses.values.clipped_regression import ClippedRegression
from guerdon.models.finite.tabular import Tabular
from guerdon.models.heads.scalar import Scalar
from guerdon.models.language.headed import Headed
from guerdon.models.language.lora import Lora
from guerdon.models.language.small_language_model import SmallLanguageModel
from guerdon.recipes.online_dpo import recipe as online_dpo
from guerdon.sequences import Decoding, Example, Side
from guerdon.training.controllers.adaptive_coefficient import AdaptiveCoefficient
from guerdon.training.jobs import FitJob, ImproveJob, SearchJob, encoder_for, learners_of
from guerdon.training.loops.fit import fit
from guerdon.training.loops.improve import improve
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Learning, Recipe, Term
from guerdon.training.run import Run
from guerdon.training.schedules.linear import Linear
from guerdon.training.stages import Outputs, Pipeline, Stage
from guerdon.training.updates.moving_average import MovingAverage
from guerdon.training.updates.reset_reference import ResetReference
from guerdon.worlds.text.sort_letters import SortLetters

TASK = SortLetters(length=3, alphabet="abcd", train_size=64, test_size=16)
SMALL = SmallLanguageModel(TASK.characters, layers=1, hidden=16, heads=2, context_length=32)
SFT = Recipe((Term(NegativeLogLikelihood()),), AdamW(learning_rate=1e-2))
GRPO = Recipe(
    (Term(Clip()), Term(KLExponential(), weight=0.05)), AdamW(Linear(3e-3, warmup=0.2)), advantage=GroupCentred(), epochs=2, minibatches=2
)
PPO = Recipe(
    (Term(Clip()),),
    AdamW(1e-3),
    advantage=GAE(),
    target=LambdaReturn(),
    reward_penalties=(Term(KLDirect(), weight=AdaptiveCoefficient(initial=0.1)),),
    learners={"critic": Learning((Term(ClippedRegression()),), optimiser=AdamW(1e-2))},
    updates=(MovingAverage(decay=0.5),),
    weighing=Unsolved(),
    shaping=(RunningNormalise(),),
)
EXACT = Recipe(
    (Term(Clip()), Term(KLExact(), weight=0.5), Term(KLForward(), weight=0.5)),
    AdamW(1e-2),
    advantage=GroupCentred(),
    epochs=2,
    minibatches=2,
    reward_penalties=(Term(KLExact(), weight=0.1),),
    updates=(ResetReference(every=6),),
)
ASKED = dataclasses.replace(
    online_dpo, optimiser=AdamW(1e-2), judge=SimulatedAnnotator(flip=0.2, budget=16)
)  # it is spent in the last steps
BUDGET = Budget(steps=6, batch_size=4, save_every=2, evaluation_rows=8)


class Demonstrations:
    """The demonstrations of a task as a task: what SFT learns from."""

    def __init__(self, n: int = 24):
        self.n = n

    def train(self):
        return TASK.demonstrations(self.n)

    def test(self):
        return []

    def __repr__(self) -> str:
        return f"Demonstrations({self.n})"


def parameters(model) -> dict[str, torch.Tensor]:
    return {name: p.detach().clone() for name, p in model.module.state_dict().items()}


def timed(name: str) -> bool:
    """Whether a metric is a duration."""
    return name == "step_time" or name.startswith("time/")


def identical(a, b) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


@pytest.mark.parametrize("recipe", [GRPO, PPO, EXACT, ASKED], ids=["grpo", "ppo", "exact", "asked"])
def test_a_run_that_is_stopped_and_resumed_ends_with_the_same_bits(recipe, tmp_path: Path):
    whole = ImproveJob(recipe, TASK, decoding=Decoding(6), budget=BUDGET)(SMALL.build(0), {}, 0, tmp_path / "whole", quiet())
    stopped = StopAfter(3)
    with pytest.raises(KeyboardInterrupt):
        ImproveJob(recipe, TASK, decoding=Decoding(6), budget=BUDGET)(SMALL.build(0), {}, 0, tmp_path / "cut", stopped)
    again = ImproveJob(recipe, TASK, decoding=Decoding(6), budget=BUDGET)(SMALL.build(0), {}, 0, tmp_path / "cut", quiet())
    assert identical(parameters(whole.model), parameters(again.model))
    without_time = [{k: v for k, v in row.items() if not timed(k)} for row in again.history]
    assert without_time == [{k: v for k, v in row.items() if not timed(k)} for row in whole.history]
    assert (tmp_path / "cut/completions.jsonl").read_text() == (tmp_path / "whole/completions.jsonl").read_text()


def test_a_damaged_checkpoint_is_passed_over_and_said(tmp_path: Path):
    job = FitJob(SFT, Demonstrations(), budget=BUDGET)
    whole = job(SMALL.build(0), {}, 0, tmp_path / "whole", quiet())
    with pytest.raises(KeyboardInterrupt):
        job(SMALL.build(0), {}, 0, tmp_path / "cut", StopAfter(5))
    newest = sorted((tmp_path / "cut/checkpoints").glob("step-*"))[-1]
    (newest / "state.pt").write_bytes((newest / "state.pt").read_bytes()[:-7])
    listener = Listener()
    again = job(SMALL.build(0), {}, 0, tmp_path / "cut", listener)
    assert any("damaged" in s and newest.name in s for s in listener.said) and any("from step 2" in s for s in listener.said)
    assert identical(parameters(whole.model), parameters(again.model))


def test_another_configuration_does_not_go_on_in_the_same_folder(tmp_path: Path):
    job = FitJob(SFT, Demonstrations(), budget=BUDGET)
    job(SMALL.build(0), {}, 0, tmp_path, quiet())
    with pytest.raises(InputError, match="recipe"):
        dataclasses.replace(job, recipe=dataclasses.replace(SFT, optimiser=AdamW(1e-3)))(SMALL.build(0), {}, 0, tmp_path, quiet())


@pytest.mark.parametrize("recipe", [GRPO, PPO, EXACT], ids=["grpo", "ppo", "exact"])
def test_micro_batches_change_neither_parameters_nor_metrics(recipe):
    results = []
    for tokens in (10_000, 30):
        budget = dataclasses.replace(BUDGET, steps=2, tokens_per_micro_batch=tokens)
        out = ImproveJob(recipe, TASK, decoding=Decoding(6), budget=budget)(SMALL.build(0), {}, 0, None, quiet())
        results.append(out)
    a, b = results
    for name, value in a.model.module.state_dict().items():
        torch.testing.assert_close(
            value, b.model.module.state_dict()[name], rtol=1e-4, atol=1e-5
        )  # AdamW brings rounding of gradients near zero to light
    for one, other in zip(a.history, b.history, strict=True):
        assert one.keys() == other.keys()
        for name in filterfalse(timed, one):
            assert one[name] == pytest.approx(other[name], rel=1e-3, abs=1e-5), name


def test_the_exact_kl_holds_a_policy_to_its_reference(tmp_path: Path, monkeypatch):
    """Of the loss, with the reference that is remembered and not; of the reward it changes the advantages, and nothing else does."""
    monkeypatch.setenv("GUERDON_CACHE", str(tmp_path))
    far = {}
    for weight in (0.0, 10.0):
        recipe = Recipe((Term(NegativeLogLikelihood()), Term(KLExact(), weight=weight)), AdamW(1e-2))
        history = FitJob(recipe, Demonstrations(), budget=BUDGET)(SMALL.build(0), {}, 0, None, quiet()).history
        assert history[1]["kl"] == pytest.approx(history[1]["losses/kl_exact"]) == pytest.approx(0, abs=1e-6)
        far[weight] = history[-1]["kl"]
    assert 0 < far[10.0] < 0.5 * far[0.0]
    history = ImproveJob(EXACT, TASK, decoding=Decoding(6), budget=BUDGET)(SMALL.build(0), {}, 0, None, quiet()).history
    paid = [row["reward_penalty"] for row in history[1:]]
    assert paid[0] == pytest.approx(0, abs=1e-5) and max(paid) > 1e-3
    assert 0 < history[1]["kl"] < history[2]["kl"] and history[1]["losses/kl_forward"] > 0


def test_the_sampler_records_what_the_learner_computes():
    for temperature in (1.0, 0.7):
        out = ImproveJob(GRPO, TASK, decoding=Decoding(6, temperature), budget=dataclasses.replace(BUDGET, steps=2))(
            SMALL.build(0), {}, 0, None, quiet()
        )
        assert all(row["sampling/sampling_logp_difference/max"] < 1e-4 for row in out.history[1:])


def test_policy_gradient_with_a_kl_penalty_reaches_the_exact_optimum():
    reward = torch.tensor([[0.0, 1.0, 0.5, -1.0]], dtype=torch.float64)
    policy = Tabular(contexts=1, actions=4).build()
    beta = 0.5
    recipe = Recipe(
        (Term(Reinforce()),),
        AdamW(Linear(0.05, end=0.001)),
        advantage=LeaveOneOut(),
        reward_penalties=(Term(KLDirect(), weight=beta),),
    )
    improve(policy, Table(reward), [{"prompt": 0}], recipe, Budget(steps=400, batch_size=16), Decoding(1))
    optimum = KLRegularisedOptimum(beta=beta)(reward=reward, reference=torch.full_like(reward, 0.25))
    assert (policy.probabilities(0) - optimum["policy"][0]).abs().max() < 0.05


class Table:
    """A scene of one bandit."""

    truncated = 0

    def __init__(self, reward):
        self.reward = reward

    def contexts(self, rows):
        return [torch.tensor([row["prompt"]]) for row in rows]

    def judge(self, rollouts, rows, seed):
        from guerdon.feedback.running import Scored
        from guerdon.training.judging import Judged

        value = self.reward[0, rollouts.actions[:, 0]]
        return Judged(
            Scored({"table": value}, torch.zeros(len(rollouts), dtype=torch.bool), [None] * len(rollouts)),
            [0] * len(rollouts),
            [0] * len(rollouts),
        )


def test_a_pipeline_chains_stages_and_takes_finished_ones_from_the_cache(tmp_path: Path, monkeypatch):
    from guerdon.data.curation.best_worst_pairs import BestWorstPairs

    monkeypatch.setenv("GUERDON_CACHE", str(tmp_path))
    dpo = Recipe((Term(Pairwise(LogRatio(), Logistic())),), AdamW(1e-3))
    reward_model = Recipe((Term(Pairwise(Head(), Logistic())),), AdamW(1e-3))
    budget = dataclasses.replace(BUDGET, steps=3)
    pipeline = Pipeline(
        SMALL,
        Stage("sft", FitJob(SFT, Demonstrations(), budget=budget)),
        Stage("pairs", SearchJob(TASK, BestWorstPairs(), rows=16, decoding=Decoding(6)), start="sft"),
        Stage("dpo", FitJob(dpo, "pairs", budget=budget), start="sft"),
        Stage("rm", FitJob(reward_model, "pairs", budget=budget, builds=Headed(SMALL, Scalar())), start="sft"),
        Stage("rl", ImproveJob(GRPO, TASK, rewards={"rm": "rm"}, decoding=Decoding(6), budget=budget), start="dpo"),
    )
    first = pipeline.run(seed=1)
    assert first["pairs"].rows and {"prompt", "chosen", "rejected"} <= first["pairs"].rows[0].keys()
    assert first["dpo"].history[1]["rewards/margins"] == pytest.approx(0.0, abs=1e-6)  # policy and reference start equal
    assert "rewards/rm/mean" in first["rl"].history[1]
    listener = Listener()
    second = pipeline.run(seed=1, display=listener)
    assert sum("cache" in s for s in listener.said) == 5
    assert all(identical(parameters(first[s].model), parameters(second[s].model)) for s in ("sft", "dpo", "rm", "rl"))


def test_lora_trains_adapters_only_and_its_reference_is_the_start():
    policy = SMALL.build(0)
    policy.module = Lora(r=2).wrap(policy.module, 0)
    rows = examples([{"prompt": "cab>", "chosen": "abc", "rejected": "bbb"}], encoder_for(policy))
    dpo = Recipe((Term(Pairwise(LogRatio(beta=1.0), Logistic())),), AdamW(1e-2))
    before = parameters(policy)
    out = fit(policy, rows, dpo, Budget(steps=5, batch_size=1))
    changed = {name for name, value in parameters(policy).items() if not torch.equal(value, before[name])}
    assert changed and all("lora_" in name for name in changed)
    assert out.history[1]["rewards/margins"] == pytest.approx(0.0, abs=1e-6) and out.history[-1]["rewards/margins"] > 0.1


def test_non_finite_losses_are_skipped_counted_and_end_the_run():
    @dataclasses.dataclass(frozen=True)
    class Broken:
        def __call__(self, logp):
            return logp * float("nan")

    policy = SMALL.build(0)
    before = parameters(policy)
    with pytest.raises(RunFailed, match="not finite"):
        fit(policy, examples(TASK.demonstrations(8), encoder_for(policy)), Recipe((Term(Broken()),)), Budget(steps=20, batch_size=4))
    assert identical(before, parameters(policy))


def test_a_part_that_needs_what_nothing_provides_is_refused_before_the_first_step():
    policy = SMALL.build(0)
    dpo = Recipe((Term(Pairwise(LogRatio(), Logistic())),))
    with pytest.raises(InputError, match="learns from pairs"):
        fit(policy, examples(TASK.demonstrations(4), encoder_for(policy)), dpo, BUDGET)

    @dataclasses.dataclass(frozen=True)
    class Distil:
        def __call__(self, teacher_forward_kl):
            return teacher_forward_kl

    rows, distil = examples(TASK.demonstrations(4), encoder_for(policy)), Recipe((Term(Distil()),))
    for models in ({}, {"teacher": Headed(SMALL, Scalar()).build(0)}):
        with pytest.raises(InputError, match="needs teacher_forward_kl, which neither"):
            fit(policy, rows, distil, BUDGET, models=models)
    fit(policy, rows, distil, Budget(steps=1, batch_size=2), models={"teacher": SMALL.build(1)})
    paying = dataclasses.replace(GRPO, reward_penalties=(Term(Distil()),))
    with pytest.raises(InputError, match="reward_penalties needs teacher_forward_kl"):
        ImproveJob(paying, TASK, budget=BUDGET)(policy, {}, 0, None, quiet())
    with pytest.raises(InputError, match="advantage"):
        ImproveJob(Recipe((Term(Clip()),)), TASK, budget=BUDGET)(policy, {}, 0, None, quiet())


def test_a_full_disk_is_said_and_the_last_checkpoint_stays(tmp_path: Path, monkeypatch):
    run = Run(tmp_path, {})
    run.save(1, {"x": 1})
    monkeypatch.setattr(torch, "save", full_disk)
    with pytest.raises(RunFailed, match="no space left"):
        run.save(2, {"x": 2})
    assert [c.name for c in run.checkpoints()] == ["step-00000001"] and not list(tmp_path.glob("checkpoints/draft-*"))


def full_disk(*_, **__):
    import errno

    raise OSError(errno.ENOSPC, "No space left on device")


class Listener:
    """A display that remembers what was said."""

    def __init__(self):
        self.said: list[str] = []

    def start(self, what, done, total):
        pass

    def step(self, done, metrics):
        pass

    def say(self, sentence):
        self.said.append(sentence)

    def stop(self):
        pass


def quiet() -> Listener:
    return Listener()


class StopAfter(Listener):
    """Kills the run when its step's figures are shown: after the step, before it can be saved."""

    def __init__(self, step: int):
        super().__init__()
        self.at = step

    def step(self, done, metrics):
        if done == self.at:
            raise KeyboardInterrupt


def test_samples_whose_reward_fails_are_recorded_and_left_out_of_every_statistic(tmp_path: Path):
    import json

    @dataclasses.dataclass(frozen=True)
    class Fussy:
        """Raises on completions that begin with an a, and pays for length."""

        def __call__(self, prompts, completions, **_):
            if any(c.startswith("a") for c in completions):
                raise ValueError("no a, please")
            return [float(len(c)) for c in completions]

    recipe = dataclasses.replace(GRPO, shaping=(RunningNormalise(),))
    job = ImproveJob(recipe, TASK, rewards={"fussy": Fussy()}, decoding=Decoding(6), budget=BUDGET, running={"failure_bound": 1.0})
    out = job(SMALL.build(0), {}, 0, tmp_path, quiet())
    assert any(row["rewards/failed"] > 0 for row in out.history[1:])
    rows = [json.loads(line) for line in (tmp_path / "completions.jsonl").read_text().splitlines()]
    failed = [row for row in rows if not row["valid"] and row.get("split") != "test"]
    assert failed and all("no a, please" in row["error"] and row["reward"] is None for row in failed)
    assert all(row["completion"].startswith("a") for row in failed)


@dataclasses.dataclass(frozen=True)
class FailsOnce:
    """Cannot judge the first completion of each batch."""

    def __call__(self, prompts, completions, **_):
        return [None if i == 0 else float(len(c)) for i, c in enumerate(completions)]


def test_a_group_of_which_one_reward_failed_is_passed_over_where_the_advantage_needs_them_all(tmp_path: Path):
    recipe = Recipe((Term(Reinforce()),), AdamW(1e-3), sampler=Group(3), advantage=MaxAtK(3))
    budget = Budget(steps=2, batch_size=2, seed=0)
    job = ImproveJob(recipe, TASK, rewards={"fails": FailsOnce()}, decoding=Decoding(6), budget=budget, running={"failure_bound": 1.0})
    history = job(SMALL.build(0), {}, 0, tmp_path, quiet()).history
    assert [row["frac_groups_too_small"] for row in history[1:]] == [0.5, 0.5] and all(row["skipped_steps"] == 0 for row in history[1:])


def test_an_advantage_that_needs_more_than_are_drawn_is_refused():
    recipe = Recipe((Term(Reinforce()),), AdamW(1e-3), sampler=Group(3), advantage=BatchNormalised(MaxAtK(4)))
    with pytest.raises(InputError, match="needs 4 completions of a prompt and num_generations is 3"):
        ImproveJob(recipe, TASK, decoding=Decoding(6), budget=BUDGET)(SMALL.build(0), {}, 0, None, quiet())


def test_a_critic_can_start_from_a_stage():
    named = dataclasses.replace(PPO, learners={"critic": Learning((Term(ClippedRegression()),), "rm")})
    rm = Headed(SMALL, Scalar()).build(5)
    critic = learners_of(named, SMALL.build(0), 0, {"rm": Outputs(rm)})["critic"]
    own, start = critic.module.state_dict(), rm.module.state_dict()
    assert start.keys() < own.keys() and all(torch.equal(own[k], start[k]) for k in start) and own["head.bias"] == 0
    with pytest.raises(InputError, match="rm"):
        learners_of(named, SMALL.build(0), 0, {"sft": Outputs(SMALL.build(0))})


def test_a_loop_within_no_grad_is_refused():
    recipe, rows = Recipe((Term(NegativeLogLikelihood()),)), [Example({"": Side((0,), (1,), (True,))})]
    with torch.no_grad(), pytest.raises(InputError, match="gradients are switched off"):
        fit(Tabular(1, 3).build(), rows, recipe, Budget(steps=1, batch_size=1))
