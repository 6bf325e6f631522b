"""Placements: whoever draws and judges, what comes of a run is the same; and what becomes of it when a worker is lost, or is not what it should be."""

import contextlib
import dataclasses
import json
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import process_cases
from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.errors import InputError, RunFailed
from guerdon.feedback.running import RewardRunner
from guerdon.interfaces.configuration import dump, load, refuse
from guerdon.interfaces.launching import launch
from guerdon.losses.surrogates.clip import Clip
from guerdon.models.finite.tabular import Tabular
from guerdon.saying import listening
from guerdon.sequences import Decoding
from guerdon.training.display import Silent
from guerdon.training.going_on import changes
from guerdon.training.jobs import ImproveJob, scene_for
from guerdon.training.optimiser import AdamW
from guerdon.training.placements import _cluster, _pool, _running, _weights, _worker
from guerdon.training.placements._drawing import units
from guerdon.training.placements._learners import started
from guerdon.training.placements._running import Running
from guerdon.training.placements._weights import Fingerprints, bare, packed, received, sent, sums, take, trained
from guerdon.training.placements.ray import Ray
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.worlds.finite.contextual_bandit import ContextualBandit
from in_process_cluster import Here, InProcess


def small(adapters: bool = True):
    _, model = process_cases.CASES["grpo with adapters" if adapters else "grpo"]()
    return model


def drawn(policy, decoding=Decoding(6), prompts: int = 5, each: int = 3):
    g = torch.Generator().manual_seed(0)
    contexts = [torch.randint(3, 7, (4 + k,), generator=g) for k in range(prompts)]
    context = torch.arange(prompts).repeat_interleave(each)
    return policy.sample(contexts, context, decoding, torch.rand(len(context), 6, generator=g))


def alike(one, other) -> bool:
    return all(torch.equal(getattr(one, name), getattr(other, name)) for name in ("actions", "mask", "length", "context")) and torch.equal(
        one.quantities["terminated"], other.quantities["terminated"]
    )


def step(model, by: float = 0.1) -> None:
    g = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.module.parameters():
            if parameter.requires_grad:
                parameter.add_(by * torch.randn(parameter.shape, generator=g))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=20), st.integers(1, 12))
def test_units_hold_every_prompt_once_and_no_more_than_they_should(counts: list[int], sequences: int):
    context = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))
    made = units(context, len(counts), sequences)
    assert [prompt for unit in made for prompt in unit] == list(range(len(counts)))
    assert all(len(unit) == 1 or sum(counts[prompt] for prompt in unit) <= sequences for unit in made)


@pytest.mark.parametrize("adapters", [True, False])
def test_a_policy_that_was_sent_is_the_policy(adapters: bool):
    model = small(adapters)
    step(model)
    model.measure(drawn(model), {"logp"})  # finds out what its layers can do
    other = received(pickle.loads(pickle.dumps(sent(bare(model), "it"))))
    assert alike(drawn(other), drawn(model))
    assert Fingerprints().of(other.module) == Fingerprints().of(model.module)
    assert [p.requires_grad for p in other.module.parameters()] == [p.requires_grad for p in model.module.parameters()]
    step(model)
    assert Fingerprints().of(other.module) != Fingerprints().of(model.module)
    take(other.module, {name: packed(value) for name, value in trained(model.module).items()})
    assert Fingerprints().of(other.module) == Fingerprints().of(model.module)


def test_what_is_tied_stays_tied():
    model = nn.ModuleDict({"a": nn.Linear(3, 3), "b": nn.Linear(3, 3)})
    model["b"].weight = model["a"].weight
    other = received(sent(model, "it"))
    assert other["a"].weight is other["b"].weight and other["a"].bias is not other["b"].bias


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 200), st.sampled_from(["float32", "bfloat16", "float64", "int8"]), st.integers(0, 10**6), st.integers(1, 7))
def test_a_fingerprint_depends_on_every_number_and_its_place(size: int, dtype: str, seed: int, chunk: int):
    g = torch.Generator().manual_seed(seed)
    x = torch.randint(-100, 100, (size,), generator=g).to(getattr(torch, dtype))
    whole, before = sums(x), _weights.CHUNK
    try:
        _weights.CHUNK = chunk
        assert sums(x) == whole  # however it is summed
    finally:
        _weights.CHUNK = before
    words = [int.from_bytes(packed(x).data.tobytes()[k : k + 4].ljust(4, b"\0"), "little", signed=True) for k in range(0, x.nbytes, 4)]
    assert whole == (sum(words) % 2**64, sum(w * (k + 1) for k, w in enumerate(words)) % 2**64)
    one = int(torch.randint(size, (1,), generator=g))
    y = x.clone()
    y[one] += 1
    assert sums(y) != whole
    y[one] = x[(one + 1) % size]
    y[(one + 1) % size] = x[one]
    assert torch.equal(x, y) or sums(y) != whole


def running(cluster: Here, model, **more) -> Running:
    return Running(Ray(**{"sequences": 4, **more}), model, cluster)


@pytest.mark.parametrize("lose", [(), (1,), (2, 3), (1, 3, 4)])
def test_units_of_a_lost_worker_are_drawn_again(lose: tuple[int, ...]):
    model, said = small(), []
    workers = running(Here(lose), model, workers=2)
    with listening(said.append):
        assert alike(drawn(workers.drawing()), drawn(model))
        step(model)
        assert alike(drawn(workers.drawing()), drawn(model))
    assert workers.cluster.started == 2 + len(lose) and workers.cluster.ended == len(lose)
    assert len(said) == len(lose) and all("a rollout worker was lost (its process ended); it is replaced" in each for each in said)
    workers.close()
    assert workers.cluster.ended == workers.cluster.started


def test_a_worker_that_does_not_answer_is_replaced_too():
    model = small()
    workers = running(Here(late=(1,)), model, workers=2, patience=0.2)
    assert alike(drawn(workers.drawing()), drawn(model)) and workers.cluster.started == 3


def test_one_for_whose_replacement_there_is_no_room_does_not_hold_up_the_others(monkeypatch):
    monkeypatch.setattr(_pool, "START", 0.05)
    model, said = small(), []
    workers = running(Here(lose=(1,), never=(3, 4)), model, workers=2, replacements=9)
    with listening(said.append):
        for _ in range(3):
            assert alike(drawn(workers.drawing()), drawn(model))
            time.sleep(0.06)
    assert [("no room" in each, "its process ended" in each) for each in said] == [(False, True), (True, False), (True, False)]
    assert len(workers.drawers.workers) == 2


def test_verdicts_of_a_lost_judge_are_found_by_another():
    job, model = process_cases.CASES["a reward that fails"]()
    scene = scene_for(model, job.task, job.rewards, {}, running=job.running)
    rows = job.task.train()
    rows = [rows[i] for i in range(5)]
    rollouts = model.sample(scene.contexts(rows), torch.arange(5).repeat_interleave(3), Decoding(6), torch.rand(15, 6))
    workers, said = running(Here(lose=(2,)), model, judges=2), []
    with listening(said.append):
        aside = workers.judging(scene).judge(rollouts, rows, 0, watching=False)
    here = scene.judge(rollouts, rows, 0, watching=False)
    assert len(said) == 1 and said[0].startswith("a judge was lost")
    assert (aside.prompts, aside.completions, aside.scored.errors) == (here.prompts, here.completions, here.scored.errors)
    for name, values in here.scored.components.items():
        torch.testing.assert_close(aside.scored.components[name], values, rtol=0, atol=0, equal_nan=True)


def test_workers_that_are_lost_again_and_again_end_the_run_in_a_sentence():
    workers = running(Here(tuple(range(1, 9))), small(), workers=1, replacements=2)
    with pytest.raises(
        RunFailed, match=r"a rollout worker was lost 3 times in a row, the last time because its process ended; the same command goes on"
    ):
        drawn(workers.drawing())
    with pytest.raises(RunFailed, match="after the workers were ended"):
        drawn(workers.drawing())


def test_what_was_asked_for_is_drawn_with_the_weights_of_that_time():
    """However the learner's weights move meanwhile, whoever draws in between, and by workers that replaced others."""
    model = small()
    workers = running(Here((3,)), model, workers=1)
    before, reference = workers.drawing(), drawn(model)
    step(model, 1.0)
    after, moved = workers.drawing(), drawn(model)
    assert not alike(reference, moved)
    for policy, expected in ((after, moved), (before, reference), (after, moved), (before, reference)):
        assert alike(drawn(policy), expected)
    assert workers.drawing()._version is after._version  # nothing has moved since
    found = {}
    threads = [threading.Thread(target=lambda p=p, k=k: found.update({k: drawn(p)})) for k, p in enumerate((before, after))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert alike(found[0], reference) and alike(found[1], moved)


def test_weights_that_do_not_arrive_are_an_error_and_no_collapse(monkeypatch):
    model = small()
    workers = running(Here(), model, workers=2)
    drawn(workers.drawing())
    step(model)
    whole = _running.trained
    monkeypatch.setattr(_running, "trained", lambda module: dict(list(whole(module).items())[1:]))
    with pytest.raises(RunFailed, match=r"the weights of a rollout worker on .* are not the learner's .* their fingerprints differ"):
        drawn(workers.drawing())


def test_it_is_told_of_units_that_are_there():
    model, told = small(), {}
    policy = running(Here((2,)), model, workers=2).drawing()

    def finished(sequences, rows) -> None:
        for row in rows.tolist():
            assert row not in told
            told[row] = sequences.actions[row, : int(sequences.length[row])].tolist()

    g = torch.Generator().manual_seed(0)
    contexts, context = [torch.tensor([4, 5, 6])] * 4, torch.tensor([0, 0, 1, 3, 3, 3, 2])
    found = policy.sample(contexts, context, Decoding(6), torch.rand(7, 6, generator=g), finished=finished)
    assert told == {row: found.actions[row, : int(found.length[row])].tolist() for row in range(7)}


@dataclasses.dataclass(frozen=True)
class Ones:
    """An engine that draws the token 1."""

    def __call__(self, policy, contexts, context, decoding, uniforms):
        found = policy.sample(contexts, context, decoding, uniforms)
        return dataclasses.replace(found, actions=torch.ones_like(found.actions))


def test_an_engine_draws_in_the_workers_and_evaluations_stay_with_the_policy():
    model = small()
    workers = running(Here(), model, engine=Ones())
    found = drawn(workers.drawing())
    assert found.actions[found.mask].unique().tolist() == [1]
    assert alike(drawn(workers.drawing(own=True)), drawn(model))


def test_versions_that_differ_are_refused(monkeypatch):
    seen = _worker.about()
    monkeypatch.setattr(_running, "about", lambda: {**seen, "torch": "0.1"})
    with pytest.raises(
        InputError, match=rf"placement: a rollout worker on .* has torch {torch.__version__.replace('+', '.')} and not 0.1, as the learner"
    ):
        running(Here(), small())


def test_a_model_that_cannot_be_sent_is_refused():
    model = small()
    model.opened = threading.Lock()
    with pytest.raises(InputError, match="placement: the model cannot be sent to another process"):
        running(Here(), model)


def test_a_reward_that_cannot_be_sent_is_refused_by_its_name():
    lock = threading.Lock()

    def guarded(completions, **columns):
        with lock:
            return [0.0] * len(completions)

    with pytest.raises(
        InputError, match=r"placement.judges: the reward guarded cannot be sent to another process .*make it a function of a file"
    ):
        Ray(judges=1).look({"guarded": guarded})
    Ray(judges=0).look({"guarded": guarded})
    copied = pickle.loads(pickle.dumps(RewardRunner({"letters": process_cases.stumbling}, failure_bound=1.0, timeout=None)))
    assert copied.score(["a"], ["ab"]).components["letters"].tolist() == [2.0]


@pytest.mark.parametrize(
    "wrong",
    [{"workers": 0}, {"judges": -1}, {"cpus": -1.0}, {"gpus": -1.0}, {"sequences": 0}, {"replacements": -1}, {"patience": 0.0}],
    ids=str,
)
def test_numbers_out_of_range_are_refused(wrong: dict):
    with pytest.raises(InputError, match=next(iter(wrong))):
        Ray(**wrong)


def test_more_than_there_is_is_refused(monkeypatch):
    monkeypatch.setattr(_cluster, "here", lambda: (2, 0))
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    assert (
        Ray(workers=2, judges=1)
        .look()
        .startswith("completions are drawn by 2 workers (1 CPU each) and judged by 1 processes, on a Ray cluster")
    )
    for wrong, said in (
        ({"workers": 3}, "3 workers of 1 CPU each need 3, and there are 2; set workers to 2 or less"),
        ({"cpus": 1.5}, "set workers to 1 or less"),
        ({"cpus": 3.0}, "a worker is to have 3 CPU, and there are 2 in all"),
        ({"gpus": 1.0}, "placement.gpus: a worker is to have 1 GPU, and there are 0 in all"),
    ):
        with pytest.raises(InputError, match=said):
            Ray(**wrong).look()


def test_a_head_node_that_cannot_be_reached_and_ray_that_is_not_there_are_sentences(monkeypatch):
    for where, said in (("127.0.0.1:1", "no cluster can be reached at RAY_ADDRESS=127.0.0.1:1"), ("somewhere", "with its port")):
        monkeypatch.setenv("RAY_ADDRESS", where)
        with pytest.raises(InputError, match=said):
            Ray().look()
    monkeypatch.setattr(_cluster.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'guerdon\[ray\]'"):
        Ray().look()


def test_the_last_word_is_said_where_this_process_ends_before_the_cluster_is_left(capfd):
    word = _cluster.last_word()
    word.stdin.close()  # as when it ends
    assert word.wait(60) == 0 and _cluster.LAST in capfd.readouterr().err
    _cluster.unsaid(word := _cluster.last_word())
    assert word.wait(60) == 0 and capfd.readouterr().err == ""


def test_who_is_started_belongs_to_no_group_of_processes(monkeypatch):
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with _cluster.alone():
        assert not {"RANK", "WORLD_SIZE"} & os.environ.keys()
    assert os.environ["RANK"] == "0" and os.environ["WORLD_SIZE"] == "2"


def test_workers_for_which_there_is_no_room_are_a_sentence(monkeypatch):
    monkeypatch.setattr(_pool, "START", 0.05)
    cluster = Here(never=(1, 2))
    monkeypatch.setattr(cluster, "free", lambda: (0.5, 0.0))
    with pytest.raises(InputError, match=r"had no room for 2 rollout workers within .*: of its 2 CPUs and 0 GPUs 0.5 and 0 are free"):
        running(cluster, small())


def test_one_that_does_not_begin_where_there_is_room_is_started_again(monkeypatch):
    monkeypatch.setattr(_pool, "START", 0.05)
    model, said = small(), []
    with listening(said.append):
        workers = running(Here(never=(2, 3)), model, workers=2)
    assert alike(drawn(workers.drawing()), drawn(model)) and len(said) == 2 and workers.cluster.started == 4
    assert all("a rollout worker has not begun within 0 s, although there is room for it; another is started" in each for each in said)
    workers.close()
    assert workers.cluster.ended == 4
    with pytest.raises(RunFailed, match=r"has not begun in 3 times 0 s, although there is room for it"):
        running(Here(never=(1, 2, 3)), model, workers=1, replacements=2)


def without_times(history: list[dict]) -> list[dict]:
    return [{k: v for k, v in row.items() if k != "step_time" and not k.startswith("time/")} for row in history]


CASES = {  # and how many steps ahead is drawn
    "grpo": 0,
    "grpo with adapters": 2,
    "grpo of one prompt": 0,
    "ppo with a critic": 1,
    "refilled groups": 2,
    "comparisons": 0,
    "two policies that act": 2,
    "a reward that reads the batch": 0,
    "a reward that fails": 1,
}


@pytest.mark.parametrize(("name", "ahead"), CASES.items())
def test_whoever_draws_and_judges_a_run_is_the_same(name: str, ahead: int, tmp_path: Path, monkeypatch):
    found = []
    for placement in (None, Ray(workers=2, judges=2, sequences=4)):
        cluster = Here(lose=(2, 9))
        monkeypatch.setattr(_cluster, "Cluster", lambda cluster=cluster: cluster)
        job, model = process_cases.CASES[name]()
        recipe, budget = dataclasses.replace(job.recipe, ahead=ahead), dataclasses.replace(job.budget, steps=5)
        job = dataclasses.replace(job, placement=placement, recipe=recipe, budget=budget)
        folder = tmp_path / type(placement).__name__
        history = job(model, {}, 0, folder, Silent()).history
        found.append((without_times(history), [json.loads(line) for line in (folder / "completions.jsonl").read_text().splitlines()]))
    assert cluster.calls > 12 and cluster.ended == cluster.started == 6
    looks = getattr(job.recipe.sampler, "looks", False)
    assert any("guerdon-drawing" in thread for thread in cluster.threads) is (ahead > 0 and not looks)
    (alone, told), (placed, retold) = found
    assert [(row["tokens"], row["prompt"], row["reward"]) for row in told] == [
        (row["tokens"], row["prompt"], row["reward"]) for row in retold
    ]
    for before, after in zip(alone, placed, strict=True):
        assert before == pytest.approx(after, rel=1e-4, abs=1e-5, nan_ok=True)


# The configuration

PLACED = """
model: {part: small_language_model, layers: 1, hidden: 16, heads: 2, context_length: 32, characters: "abcd>"}
task: {part: sort_letters, length: 3, alphabet: abcd}
recipe: grpo
"""


def test_a_placement_is_a_section_and_comes_back_as_it_was_written():
    for override, expected in (
        (["placement=ray"], Ray()),
        (["placement={part: ray, workers: 3, judges: 1}"], Ray(workers=3, judges=1)),
        (
            ["placement=ray", "placement.engine=generate"],
            Ray(engine=load(f"{PLACED}\nplacement: {{part: ray, engine: generate}}").placement.engine),
        ),
        ([], None),
    ):
        made = load(PLACED, override)
        assert made.placement == expected and load(dump(made)) == made
    staged = load(
        PLACED
        + "placement: ray\nstages: {one: {loop: fit, recipe: sft}, two: {loop: improve, placement: {workers: 1}}, three: {loop: improve, placement: null}}"
    )
    assert [stage.placement for stage in staged.stages.values()] == [None, Ray(workers=1), None] and load(dump(staged)) == staged
    with pytest.raises(InputError, match=r"placement.workrs: unknown key 'workrs': did you mean workers"):
        load(PLACED, ["placement={part: ray, workrs: 1}"])
    with pytest.raises(InputError, match=r"stages.one.placement: fit learns from rows and draws nothing"):
        load(PLACED + "stages: {one: {loop: fit, recipe: sft, placement: ray}}")


def test_the_page_shows_the_defaults():
    page = (Path(__file__).parents[1] / "docs/many-machines.md").read_text()
    block = page.partition("```yaml\n")[2].partition("```")[0]
    assert load(PLACED + block).placement == Ray()
    assert all(f"  {field.name}:" in block for field in dataclasses.fields(Ray))


def test_where_it_makes_no_sense_it_is_refused():
    from guerdon.interfaces.configuration import refuse

    with pytest.raises(InputError, match="placement: fit learns from rows and draws nothing"):
        refuse(load(PLACED, ["placement=ray", "recipe=sft"]), "fit")
    with pytest.raises(InputError, match=r"recipe.sampler.engine: it draws for the policy, and so do the workers"):
        refuse(load(PLACED, ["placement=ray", "recipe.sampler.engine=generate"]), "improve")
    refuse(load(PLACED, ["placement=ray"]), "improve")


def test_a_run_may_be_gone_on_with_elsewhere_but_not_with_another_engine():
    def tree(*overrides: str):
        import yaml

        return yaml.safe_load(dump(load(PLACED, list(overrides))))

    elsewhere = [tree(), tree("placement=ray"), tree("placement=ray", "placement.workers=1", "placement.cpus=0.5")]
    for one in elsewhere:
        for other in elsewhere:
            assert changes(one, other)[0] == []
    for one in elsewhere:
        assert changes(one, tree("placement=ray", "placement.engine=generate"))[0]


# those who learn


def learning(program: str, cluster: Here, monkeypatch: pytest.MonkeyPatch) -> int:
    """The exit code of a program that is two learners of a cluster."""
    monkeypatch.setattr(_cluster, "machine", lambda: "127.0.0.1")
    return launch(2, [sys.executable, "-c", program], partial(started, cluster, 1.0, 0.0))


def test_learners_find_each_other_and_what_they_print_is_printed_here(monkeypatch, capfd):
    program = """
import datetime, os, sys, torch
torch.distributed.init_process_group("gloo", timeout=datetime.timedelta(seconds=60))
rank = torch.tensor([torch.distributed.get_rank() + 1])
torch.distributed.all_reduce(rank)
print(f"{os.environ['RANK']} of {os.environ['WORLD_SIZE']}: {int(rank)}", file=sys.stderr if os.environ["RANK"] == "1" else sys.stdout, flush=True)
os._exit(0)  # see guerdon.__main__
"""
    assert learning(program, Here(), monkeypatch) == 0
    printed = capfd.readouterr()
    assert printed.out == "0 of 2: 3\n" and "1 of 2: 3\n" in printed.err


def test_the_exit_code_is_that_of_a_learner_that_fails(monkeypatch):
    assert learning("import os, sys; sys.exit(3 * int(os.environ['RANK']))", Here(), monkeypatch) == 3


def test_a_learner_that_is_killed_is_named_and_the_others_are_stopped(monkeypatch):
    begun = time.monotonic()
    program = "import os, signal, time; os.kill(os.getpid(), signal.SIGKILL) if os.environ['RANK'] == '1' else time.sleep(100)"
    with pytest.raises(RunFailed, match=r"process 1 of 2 was killed \(SIGKILL\), and the others were stopped"):
        learning(program, Here(), monkeypatch)
    assert time.monotonic() - begun < 50


def test_a_learner_that_is_lost_with_its_machine_is_named_too(monkeypatch):
    with pytest.raises(RunFailed, match=r"process \d of 2 was killed"):
        learning("import time; time.sleep(100)", Here(lose=tuple(range(8, 100))), monkeypatch)  # after both were started


def test_learners_are_counted_where_there_are_too_few_cpus(monkeypatch):
    monkeypatch.setattr(_cluster, "Cluster", Here)
    monkeypatch.setattr(Here, "close", lambda self: None, raising=False)
    with (
        pytest.raises(InputError, match="2 learners and 1 workers of 1 CPU each need 3, and there are 2"),
        Ray(workers=1, learners=True).starting(2),
    ):
        pass


def test_one_learner_is_not_placed_and_those_who_draw_nothing_may_be(tmp_path: Path):
    rows = "model: {part: small_language_model, characters: ab}\ntask: {path: rows.jsonl}\nrecipe: sft\nplacement: {part: ray, learners: true}\n"
    refuse(load(rows, ["processes=2"]), "fit")
    with pytest.raises(InputError, match=r"placement.learners: one process learns"):
        refuse(load(rows), "fit")


# Ray itself


@pytest.fixture(scope="module")
def cluster():
    """A cluster of this machine, which all runs here belong to."""
    before = {name: os.environ.pop(name, None) for name in ("RAY_ADDRESS", "OMP_NUM_THREADS")}
    os.environ["OMP_NUM_THREADS"] = "1"
    monkey = pytest.MonkeyPatch()
    monkey.setattr(_cluster, "here", lambda: (3, 0))  # whatever this machine has
    found = _cluster.Cluster()
    yield found
    found.close()
    monkey.undo()
    for name, value in before.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value


def finite(placement):
    recipe = Recipe((Term(Clip()),), AdamW(0.1), Group(4), advantage=GroupCentred())
    world = ContextualBandit(4, 3, noise=0.5)
    return ImproveJob(recipe, world, budget=Budget(steps=12, batch_size=4), placement=placement), Tabular(4, 3).build()


def language(placement):
    job, model = process_cases.CASES["grpo with adapters"]()
    return dataclasses.replace(job, placement=placement), model


def gone_through(make, placement, folder: Path, killing: bool = False) -> tuple[list, str, list[str]]:
    """History, completions and what was said."""
    job, model = make(placement)
    said: list[str] = []

    class Listening(Silent):
        def say(self, sentence: str) -> None:
            said.append(sentence)

        def step(self, done, metrics) -> None:
            if killing and done == 4:
                pids = [worker.pid for worker in BUILT[-1].drawers.workers]
                threading.Thread(target=kill_one_that_draws, args=(pids,), daemon=True).start()

    out = job(model, {}, 0, folder, Listening())
    return without_times(out.history), (folder / "completions.jsonl").read_text(), said


def kill_one_that_draws(pids: list[int]) -> None:
    """As soon as one does."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        for pid in pids:
            with contextlib.suppress(OSError):
                if Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"ray::Drawer.draw"):
                    os.kill(pid, signal.SIGKILL)
                    return


BUILT: list[Running] = []


@dataclasses.dataclass(frozen=True)
class Known(Ray):
    """Workers whose processes are known."""

    def build(self, policy):
        BUILT.append(super().build(policy))
        return BUILT[-1]


def alike_through(one: tuple, other: tuple, exactly: bool) -> None:
    """Histories and completions; tokens where there are such are the same."""
    rows = [[json.loads(line)["tokens"] for line in text.splitlines()] if "tokens" in text else text for _, text, *_ in (one, other)]
    assert rows[0] == rows[1]
    for before, after in zip(one[0], other[0], strict=True):
        assert before == (after if exactly else pytest.approx(after, rel=1e-5, abs=1e-6, nan_ok=True))


def test_a_finite_run_is_the_same_on_workers_some_of_which_are_lost(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(_cluster, "Cluster", lambda: Here(lose=(2, 5)))
    alone = gone_through(finite, None, tmp_path / "alone")
    placed = gone_through(finite, Ray(workers=2, sequences=6), tmp_path / "placed")
    assert sum("a rollout worker was lost" in each for each in placed[2]) == 2
    alike_through(alone, placed, exactly=True)


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="needs /proc, to see who draws")
def test_a_run_is_the_same_on_any_number_of_workers_and_when_one_is_killed(cluster, tmp_path: Path):
    alone = gone_through(language, None, tmp_path / "alone")
    one = gone_through(language, InProcess(workers=1, sequences=6), tmp_path / "one")
    killed = gone_through(language, Known(workers=2, judges=1, sequences=6), tmp_path / "killed", killing=True)
    assert any("a rollout worker was lost (its process ended); it is replaced" in each for each in killed[2]), "nobody was killed"
    assert killed[:2] == one[:2]  # to the bit
    alike_through(alone, one, exactly=False)


def test_the_command_ends_its_cluster_with_the_run(tmp_path: Path):
    (tmp_path / "run.yaml").write_text(PLACED + "decoding: {max_completion_length: 4}\nbudget: {steps: 1, batch_size: 2}\n")
    placement = "placement={part: ray, workers: 1, learners: true, cpus: 0.25}"
    command = [sys.executable, "-m", "guerdon", "train", "run.yaml", "processes=2", placement, "--json"]
    environment = {k: v for k, v in os.environ.items() if k != "RAY_ADDRESS"} | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr
    json.loads(done.stdout)
    assert "ray" not in done.stderr.lower() and "token" not in done.stderr.lower(), done.stderr  # it is quiet
