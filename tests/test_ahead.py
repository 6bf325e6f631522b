"""Ahead: rollouts are drawn by the policy as it was some steps before, whoever draws them and however long that takes."""

import copy
import dataclasses
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from guerdon.acting.samplers.beside_given import BesideGiven
from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.data.selection.unsolved import Unsolved
from guerdon.errors import InputError, RunFailed
from guerdon.losses.surrogates.bounded_weight import BoundedWeight
from guerdon.models.language.small_language_model import SmallLanguageModel
from guerdon.randomness import derive
from guerdon.recipes.dapo import recipe as dapo
from guerdon.sequences import Decoding
from guerdon.tasks.dataset import as_task
from guerdon.training.display import Silent
from guerdon.training.jobs import ImproveJob
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.training.run import read_lines
from guerdon.worlds.text.sort_letters import SortLetters

TASK = SortLetters(length=3, alphabet="abcd", train_size=64, test_size=8)
SMALL = SmallLanguageModel(TASK.characters, layers=1, hidden=16, heads=2, context_length=32)
BUDGET = Budget(steps=7, batch_size=4, evaluate_every=3, evaluation_rows=4)
GRPO = Recipe((Term(BoundedWeight()),), AdamW(1e-2), Group(3), advantage=GroupCentred(), weighing=Unsolved())


SEEN: list[int] = []  # how many batches were under way whenever weights were taken
UNDER_WAY: list[int] = []


@pytest.fixture(autouse=True)
def _nothing_seen() -> None:
    SEEN.clear()
    UNDER_WAY.clear()


@dataclasses.dataclass(frozen=True)
class Elsewhere:
    """An engine that draws in the background with a copy of the policy, after a while."""

    wait: float = 0.0
    fails_at: int = 10**9

    def ready(self, policy: Any, contexts: Any, decoding: Any, idle: Any) -> Any:
        idle()
        SEEN.append(len(UNDER_WAY))
        taken, number = copy.deepcopy(policy), len(SEEN)
        UNDER_WAY.append(number)

        def draw(policy: Any, contexts: Any, context: Any, decoding: Any, uniforms: Any) -> Any:
            time.sleep(self.wait * (1 + number % 2))
            UNDER_WAY.remove(number)
            if number == self.fails_at:
                raise InputError("the server is gone")
            return taken.sample(contexts, context, decoding, uniforms)

        return draw

    def filled(self, policy: Any, drawn: Any) -> Any:
        return drawn

    def __call__(self, policy: Any, contexts: Any, context: Any, decoding: Any, uniforms: Any) -> Any:
        return policy.sample(contexts, context, decoding, uniforms)


def job(recipe: Recipe, **budget: Any) -> ImproveJob:
    return ImproveJob(
        recipe, TASK, {}, {"timeout": None, "failure_bound": 1.0}, Decoding(6), dataclasses.replace(BUDGET, **budget), builds=SMALL
    )


def go(recipe: Recipe, folder: Path, display: Any = None, **budget: Any) -> tuple[list[dict[str, float]], str, dict[str, torch.Tensor]]:
    """History without seconds, what was said, and the weights."""
    out = job(recipe, **budget)(SMALL.build(0), {}, 0, folder, display or Silent())
    history = [{k: v for k, v in row.items() if "time" not in k} for row in out.history]
    return history, (folder / "completions.jsonl").read_text(), dict(out.model.module.state_dict())


def same(one: Any, other: Any) -> None:
    assert one[0] == other[0] and one[1] == other[1]
    assert all(torch.equal(value, other[2][name]) for name, value in one[2].items())


class Keeps(Silent):
    """Keeps the weights after every step."""

    def __init__(self) -> None:
        self.policy: Any = None
        self.after: list[Any] = []

    def step(self, done: int, metrics: Any) -> None:
        self.after.append(copy.deepcopy(self.policy))


@pytest.mark.parametrize("ahead", [0, 1, 3])
def test_a_step_learns_from_what_the_policy_said_so_many_steps_before(ahead: int, tmp_path: Path):
    """Drawn again by hand, from the weights that were kept after every step."""
    policy, keeps = SMALL.build(0), Keeps()
    keeps.policy = policy
    recipe = dataclasses.replace(GRPO, ahead=ahead, weighing=None)
    out = job(recipe)(policy, {}, 0, tmp_path, keeps)
    said = [row for row in read_lines(tmp_path / "completions.jsonl") if row.get("split") != "test"]
    for step in range(1, 8):
        version = max(step - 1 - ahead, 0)
        rows = [row for row in said if row["step"] == step]
        assert {row["version"] for row in rows} == {version}
        contexts = [torch.tensor(policy.tokenizer.encode(row["prompt"])) for row in rows[::3]]
        again = Group(3)(keeps.after[version], contexts, Decoding(6), derive(0, step, 0))
        assert [again.actions[b, :n].tolist() for b, n in enumerate(again.length.tolist())] == [row["tokens"] for row in rows]
        if ahead:
            assert out.history[step]["sampling/staleness"] == step - 1 - version
    distance = [row["sampling/sampling_logp_difference/mean"] for row in out.history[2:]]
    assert all(far > 1e-4 for far in distance) if ahead else all(far < 1e-6 for far in distance)


@pytest.mark.parametrize("ahead", [0, 1, 2])
def test_who_draws_and_how_long_it_takes_changes_nothing(ahead: int, tmp_path: Path):
    engine = Elsewhere(wait=0.02)
    here = go(dataclasses.replace(GRPO, ahead=ahead), tmp_path / "here")
    there = go(dataclasses.replace(GRPO, ahead=ahead, sampler=Group(3, engine)), tmp_path / "there")
    same(here, there)
    assert ([] if not ahead else [0] * 7) == SEEN  # nothing was under way when weights were taken


def test_a_background_that_is_not_waited_for_draws_while_steps_are_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from guerdon.training.drawing import Drawing

    monkeypatch.setattr(Drawing, "_idle", lambda self: None)
    engine = Elsewhere(wait=0.1)
    go(dataclasses.replace(GRPO, ahead=2, sampler=Group(3, engine)), tmp_path)
    assert max(SEEN) >= 1  # so the zeros above tell of waiting


class Killed(Silent):
    """Ends the run when the figures of a step are shown: before it is saved."""

    def __init__(self, at: int):
        self.at = at

    def step(self, done: int, metrics: Any) -> None:
        if done == self.at:
            raise KeyboardInterrupt


@pytest.mark.parametrize("engine", [None, Elsewhere()])
def test_a_resumed_run_has_drawn_with_what_the_whole_one_had(engine: Any, tmp_path: Path):
    recipe = dataclasses.replace(GRPO, ahead=2, sampler=Group(3, engine))
    whole = go(recipe, tmp_path / "whole", save_every=2)
    with pytest.raises(KeyboardInterrupt):
        go(recipe, tmp_path / "cut", Killed(5), save_every=2)
    same(whole, go(recipe, tmp_path / "cut", save_every=2))


def test_groups_that_are_dropped_are_refilled_by_the_policy_of_now(tmp_path: Path):
    recipe = dataclasses.replace(dapo, sampler=Group(3), optimiser=AdamW(3e-3), refills=2, ahead=2)
    go(recipe, tmp_path)
    rows = [row for row in read_lines(tmp_path / "completions.jsonl") if row.get("split") != "test" and row["step"] == 6]
    versions = [row["version"] for row in rows]
    assert versions[:12] == [3] * 12 and set(versions[12:]) == {5}


def test_what_goes_wrong_in_the_background_stops_the_step_that_was_to_learn_from_it(tmp_path: Path):
    recipe = dataclasses.replace(GRPO, ahead=1, sampler=Group(3, Elsewhere(fails_at=4)))
    with pytest.raises(InputError, match="the server is gone"):
        go(recipe, tmp_path, save_every=1)
    assert [row["step"] for row in read_lines(tmp_path / "metrics.jsonl")] == [0, 1, 2, 3]


def breaks(completions: list[str], **columns: Any) -> list[float]:
    raise ValueError("no verdict")


def test_rewards_that_fail_stop_the_run_when_their_step_has_come(tmp_path: Path):
    failing = dataclasses.replace(
        job(dataclasses.replace(GRPO, ahead=2, sampler=Group(3, Elsewhere()))),
        rewards={"r": breaks},
        running={"failure_bound": 0.0, "timeout": None},
    )
    with pytest.raises(RunFailed, match="no verdict"):
        failing(SMALL.build(0), {}, 0, tmp_path, Silent())


def test_a_sampler_that_asks_the_policy_for_more_is_waited_for(tmp_path: Path):
    """Otherwise the policy would move while it is measured."""
    engine = Elsewhere()

    rows = [{**row, "chosen": row["answer"]} if "answer" in row else {**row, "chosen": "abc"} for row in TASK.train()]
    recipe = dataclasses.replace(GRPO, ahead=1, sampler=BesideGiven(("chosen",), engine=engine), weighing=None)
    asked = dataclasses.replace(job(recipe), task=as_task(rows), rewards={"r": lambda completion, **_: float(len(completion))})
    out = asked(SMALL.build(0), {}, 0, tmp_path, Silent())
    assert SEEN == [] and out.history[-1]["sampling/staleness"] == 1.0
