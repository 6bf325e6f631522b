"""A run that is gone on with: by one process at a time, on the rows and from the model that it was begun with; given more steps it is the run that had them
from the start; its best model is the same however often it was killed."""

import dataclasses
import json
import multiprocessing
import os
import re
import signal
import time
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.errors import InputError, RunFailed
from guerdon.feedback.shaping.running_normalise import RunningNormalise
from guerdon.interfaces.cli import main
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.penalties.kl_direct import KLDirect
from guerdon.losses.surrogates.clip import Clip
from guerdon.models.language.small_language_model import SmallLanguageModel
from guerdon.sequences import Decoding
from guerdon.tasks.dataset import Dataset
from guerdon.training.best import LINK, Best
from guerdon.training.controllers.adaptive_coefficient import AdaptiveCoefficient
from guerdon.training.display import Silent
from guerdon.training.drive import Interrupted
from guerdon.training.going_on import changes
from guerdon.training.jobs import FitJob, ImproveJob
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.training.run import Run
from guerdon.training.schedules.linear import Linear
from guerdon.training.sources import ROWS, of_named, of_rows, of_weights
from guerdon.training.stages import Pipeline, Stage
from guerdon.training.writing import writing
from guerdon.worlds.text.sort_letters import SortLetters

MODEL = SmallLanguageModel("abc ", layers=1, hidden=16, heads=2, context_length=16)
RECIPE = Recipe((Term(NegativeLogLikelihood()),), AdamW(1e-2))
BUDGET = Budget(steps=8, batch_size=2, save_every=2)


@dataclasses.dataclass(frozen=True)
class Rows:
    """Demonstrations, of which the first are held out."""

    texts: tuple[str, ...] = ("ab", "ba", "abc", "cba", "cab", "bac")
    held_out: int = 2

    def train(self):
        return [{"prompt": f"{text[0]} ", "completion": text} for text in self.texts[self.held_out :]]

    def test(self):
        return [{"prompt": f"{text[0]} ", "completion": text} for text in self.texts[: self.held_out]]


class Listener(Silent):
    """Remembers what is said, and stops, as by a kill, after a step."""

    def __init__(self, stop: int = 0):
        self.said, self.stop_at = [], stop

    def say(self, sentence):
        self.said.append(sentence)

    def step(self, done, metrics):
        if self.stop_at and done == self.stop_at:
            raise KeyboardInterrupt


JOB = FitJob(RECIPE, Rows(), BUDGET)


def run(folder, job=JOB, stop=0, seed=0):
    """The job's outputs and what was said; None where it was stopped."""
    listener = Listener(stop)
    if stop:
        with pytest.raises(KeyboardInterrupt):
            job(MODEL.build(seed), {}, 0, folder, listener)
        return None, listener.said
    return job(MODEL.build(seed), {}, 0, folder, listener), listener.said


def with_budget(job=JOB, **settings):
    return dataclasses.replace(job, budget=dataclasses.replace(job.budget, **settings))


def weights(out):
    return out.model.module.state_dict()


def same(one, other):
    return all(torch.equal(value, other[name]) for name, value in one.items())


# one process at a time


def hold(folder, ready, go_on):
    with writing(Path(folder)):
        ready.set()
        go_on.wait(30)


def holder(folder):
    """A process that writes into the folder until it is told to end."""
    context = multiprocessing.get_context("fork")
    ready, go_on = context.Event(), context.Event()
    process = context.Process(target=hold, args=(str(folder), ready, go_on))
    process.start()
    assert ready.wait(30)
    return process, go_on


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork, to start a process without importing everything again")


@needs_fork
def test_a_second_process_is_refused_until_the_first_has_ended(tmp_path: Path):
    process, go_on = holder(tmp_path)
    with pytest.raises(InputError, match=rf"is being written by process {process.pid} \(started \d{{4}}-.*\); wait until it has ended"):
        run(tmp_path)
    assert not (tmp_path / "metrics.jsonl").exists()
    go_on.set()
    process.join()
    run(tmp_path)


@needs_fork
def test_a_second_command_is_refused_before_the_model_is_loaded(tmp_path: Path, capfd):
    (tmp_path / "run.yaml").write_text(f"model: {tmp_path}/nowhere\ntask: {tmp_path}/nothing.jsonl\nrecipe: sft\nrun: {tmp_path}/out\n")
    (tmp_path / "out").mkdir()
    process, go_on = holder(tmp_path / "out")
    assert main(["fit", str(tmp_path / "run.yaml")]) == 2
    assert f"is being written by process {process.pid}" in capfd.readouterr().err
    go_on.set()
    process.join()


@needs_fork
def test_a_killed_process_leaves_nothing_locked(tmp_path: Path):
    process, _ = holder(tmp_path)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert json.loads((tmp_path / ".lock").read_text())["process"] == process.pid, "what it wrote is still there"
    with writing(tmp_path):
        pass


def sleep(seconds):
    time.sleep(seconds)


def hold_with_child(folder, ready):
    with writing(Path(folder)):
        child = multiprocessing.get_context("fork").Process(target=sleep, args=(20,))
        child.start()
        ready.put(child.pid)
        time.sleep(20)


@needs_fork
def test_children_of_a_killed_process_hold_nothing(tmp_path: Path):
    context = multiprocessing.get_context("fork")
    ready = context.Queue()
    process = context.Process(target=hold_with_child, args=(str(tmp_path), ready))
    process.start()
    child = ready.get(timeout=30)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    try:
        with writing(tmp_path):
            pass
    finally:
        os.kill(child, signal.SIGKILL)


def test_writing_nests_in_one_process(tmp_path: Path):
    with writing(tmp_path), writing(tmp_path / "."):
        pass
    assert (tmp_path / ".lock").read_text() == ""


@needs_fork
def test_where_there_are_no_locks_a_living_process_counts(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("guerdon.training.writing.fcntl", None)
    process, _ = holder(tmp_path)
    with pytest.raises(InputError, match=f"process {process.pid}"), writing(tmp_path):
        pass
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    with writing(tmp_path):
        pass


# from the same rows, the same model, by the same code


OTHER_ROWS = [
    ("fewer", Rows(Rows.texts[:-1]), "rows to learn from: 3 where there were 4"),
    ("others", Rows((*Rows.texts[:-1], "aaa")), r"rows to learn from: as many as before \(4\), with other contents"),
    ("in another order", Rows((*Rows.texts[:-2], *Rows.texts[:-3:-1])), "as many as before"),
    ("held out", Rows(("aa", *Rows.texts[1:])), "held-out rows: as many as before"),
]


@pytest.mark.parametrize(("rows", "sentence"), [pytest.param(*row[1:], id=row[0]) for row in OTHER_ROWS])
def test_other_rows_are_refused_unless_they_are_meant(rows, sentence, tmp_path: Path):
    class Same:
        """A task whose name does not say what is in it, as a path does not."""

        def __init__(self, rows):
            self.train, self.test = rows.train, rows.test

        def __repr__(self):
            return "data.jsonl"

    first, second = (dataclasses.replace(JOB, data=Same(some)) for some in (Rows(), rows))
    run(tmp_path, first, stop=3)
    with pytest.raises(InputError, match=sentence):
        run(tmp_path, second)
    _, said = run(tmp_path, with_budget(second, accept=("rows",)))
    assert any(re.search(f"going on with .*{sentence}.*as budget.accept says", line) for line in said)


def test_another_model_is_refused_unless_it_is_meant(tmp_path: Path):
    run(tmp_path, stop=3)
    with pytest.raises(InputError, match=r"other weights, or another tokenizer, than when the run was begun.*budget.accept=\[model\]"):
        run(tmp_path, seed=1)
    _, said = run(tmp_path, with_budget(accept=("model",)), seed=1)
    assert any("as budget.accept says" in line for line in said)


def test_another_template_is_another_model():
    model = templated("{{ messages[0]['content'] }}")
    other = templated("{{ messages[0]['content'] }}!")
    assert of_weights(model) == of_weights(templated("{{ messages[0]['content'] }}")) != of_weights(other)


def templated(template):
    model = MODEL.build(0)
    model.tokenizer.chat_template = template
    return model


def test_other_code_is_said(tmp_path: Path, monkeypatch):
    file = tmp_path / "own.py"
    source = "from dataclasses import dataclass\n@dataclass(frozen=True)\nclass Own:\n    def __call__(self, prompts, completions):\n        return 1.0"
    file.write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    from own import Own

    job = dataclasses.replace(JOB, views=Named({"own": Own()}))
    run(tmp_path / "run", job, stop=3)
    _, quiet = run(tmp_path / "run", job, stop=5)
    file.write_text(source + "\n# edited")
    _, said = run(tmp_path / "run", job)
    assert any("other code than the run was begun with (own.py)" in line for line in said) and not any("code" in line for line in quiet)


class Named(dict):
    """Holds things of the user's own where a job looks for nothing."""

    def items(self):
        return ()


@pytest.mark.parametrize("name", ["configuration.json", "sources.json"])
@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"\xff{"), lambda path: path.write_text("[]")])
def test_what_cannot_be_compared_is_said(tmp_path: Path, name, damage):
    run(tmp_path, stop=3)
    damage(tmp_path / name)
    _, said = run(tmp_path)
    assert any(f"going on without {name}, which cannot be read" in line for line in said)


def test_another_machine_is_said(tmp_path: Path):
    run(tmp_path, stop=3)
    about = json.loads((tmp_path / "environment.json").read_text())
    (tmp_path / "environment.json").write_text(json.dumps(about | {"torch": "1.0", "threads": 96, "code": "another"}))
    _, said = run(tmp_path)
    assert any(f"torch {torch.__version__} (it was 1.0)" in line and "threads" in line and "this library's code" in line for line in said)


def test_a_finished_stage_is_not_taken_from_the_cache_on_other_rows(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("GUERDON_CACHE", str(tmp_path / "cache"))
    rows = tmp_path / "rows.jsonl"
    pipeline = Pipeline(MODEL, Stage("sft", FitJob(RECIPE, Dataset(str(rows)), BUDGET)))

    def fitted(text):
        rows.write_text(json.dumps({"prompt": "a ", "completion": text}) + "\n")
        listener = Listener()
        return weights(pipeline.run(display=listener)["sft"]), listener.said

    first, said = fitted("ab")
    again, taken = fitted("ab")
    other, anew = fitted("ba")
    assert same(first, again) and not same(first, other)
    assert [any("taken from the cache" in line for line in lines) for lines in (said, taken, anew)] == [False, True, False]


def test_names_stand_for_what_lies_behind_them(tmp_path: Path, monkeypatch):
    @dataclasses.dataclass(frozen=True)
    class Pretrained:
        source: str
        other: str = ""

    monkeypatch.chdir(tmp_path)
    (tmp_path / "model").mkdir()
    digests = []
    for weights_of in ("abc", "abd"):
        (tmp_path / "model/weights").write_text(weights_of)
        digests.append(of_named({"x": (Pretrained("model"),)}))
    (tmp_path / "elsewhere").write_text("changes nothing")
    assert len(set(digests)) == 2 and of_named({"x": (Pretrained("model"),)}) == digests[-1]
    assert of_named(Pretrained("owner/name-on-a-hub"))


# more steps, another micro-batch


def test_a_run_that_is_given_more_steps_is_the_run_that_had_them(tmp_path: Path):
    whole, _ = run(tmp_path / "whole")
    first, _ = run(tmp_path / "more", with_budget(steps=5))
    second, said = run(tmp_path / "more")
    assert same(weights(whole), weights(second)) and not same(weights(whole), weights(first))
    assert any("budget.steps was 5, is 8" in line for line in said) and not any("schedules" in line for line in said)
    assert [
        row["step"] for row in Run(tmp_path / "more", {} | json.loads((tmp_path / "more/configuration.json").read_text())).metrics()
    ] == [*range(9)]


def test_of_schedules_it_is_said_what_more_steps_make_of_them(tmp_path: Path):
    job = dataclasses.replace(JOB, recipe=dataclasses.replace(RECIPE, optimiser=AdamW(Linear(1e-2))))
    run(tmp_path, with_budget(job, steps=4))
    _, said = run(tmp_path, job)
    (note,) = [line for line in said if "schedules" in line]
    assert "begun with 4 steps and has 8 now" in note and "optimiser.learning_rate: 0 before and 0.00438 from now on" in note


def test_fewer_steps_than_were_made_are_refused(tmp_path: Path):
    run(tmp_path)
    with pytest.raises(InputError, match="holds a run of 8 steps, more than the 6 asked for"):
        run(tmp_path, with_budget(steps=6))


def test_another_micro_batch_goes_on(tmp_path: Path):
    whole, _ = run(tmp_path / "whole")
    run(tmp_path / "cut", stop=5)
    other = with_budget(tokens_per_micro_batch=6, batch_size=1, gradient_accumulation_steps=2, keep_checkpoints=3)
    again, said = run(tmp_path / "cut", other)
    for name, value in weights(whole).items():
        torch.testing.assert_close(value, weights(again)[name], rtol=1e-4, atol=1e-5)
    assert any("tokens_per_micro_batch was 4096, is 6" in line and "batch_size" not in line for line in said)


MAY = {"steps": 9, "tokens_per_micro_batch": 5, "evaluate_every": 3, "save_every": 1, "keep_checkpoints": 4, "report_to": ["tensorboard"]}
MAY_NOT = {"seed": 1, "batch_size": 7, "deterministic": False, "load_best": True}


@given(st.sets(st.sampled_from(sorted(MAY | MAY_NOT)), min_size=1))
@settings(max_examples=40)
def test_what_decides_a_result_is_refused_and_nothing_else(names):
    before = {"budget": {"steps": 8, "batch_size": 2}, "stages": {"first": {"budget": {"steps": 3}, "recipe": {"terms": [1.0]}}}}
    for place in ("budget", "stages"):
        now = json.loads(json.dumps(before))
        budget = now["budget"] if place == "budget" else now["stages"]["first"]["budget"]
        budget.update({name: (MAY | MAY_NOT)[name] for name in names})
        refused, free = changes(before, now)
        assert {line.split(" was ")[0].rpartition(".")[2] for line in refused} == names & MAY_NOT.keys()
        assert {line.split(" was ")[0].rpartition(".")[2] for line in free} == names & MAY.keys()


PLACES = [
    ({"model": "a"}, {"model": "b"}, True),
    ({"model": {"source": "a", "dtype": "float32"}}, {"model": {"source": "b", "dtype": "float32"}}, True),
    ({"model": {"source": "a", "dtype": "float32"}}, {"model": {"source": "a", "dtype": "bfloat16"}}, False),
    ({"model": {"source": "a", "device": "auto"}}, {"model": {"source": "a", "device": "cuda"}}, True),
    ({"task": {"path": "a", "held_out": 0.1}}, {"task": {"path": "b", "held_out": 0.1}}, True),
    ({"task": {"path": "a", "held_out": 0.1}}, {"task": {"path": "a", "held_out": 0.2}}, False),
    ({"recipe": {"optimiser": {"learning_rate": 1.0}}}, {"recipe": {"optimiser": {"learning_rate": 2.0}}}, False),
    ({"recipe": {"terms": [1.0]}}, {"recipe": {"terms": [1.0, 2.0]}}, False),
]


@pytest.mark.parametrize(("before", "now", "may"), PLACES)
def test_where_things_lie_may_change(before, now, may):
    refused, free = changes(before, now)
    assert bool(free) == may and bool(refused) != may


def test_of_many_rows_a_sample_is_looked_at_and_their_number_counts():
    many = [{"n": 0}] * (2 * ROWS + 1)  # of which every second is looked at, also of one more
    digests = [of_rows(many), of_rows([*many, many[0]]), of_rows([{"n": 1}, *many[1:]])]
    assert len(set(digests)) == 3 and of_rows(list(many)) == digests[0]


# the best model


BEST = with_budget(steps=20, evaluate_every=1, save_every=6, keep_best="loss")


def best_step(folder):
    return json.loads((folder / LINK / "best.json").read_text())["step"]


def test_the_best_model_is_kept_and_said(tmp_path: Path):
    job = dataclasses.replace(BEST, recipe=dataclasses.replace(RECIPE, optimiser=AdamW(0.1)))
    out, said = run(tmp_path, job)
    losses = {int(row["step"]): row["eval/loss"] for row in out.history}
    step = min(losses, key=losses.get)
    assert 0 < step < 20, "learning fast on four rows makes the held-out ones worse in the end"
    assert best_step(tmp_path) == step and any(f"({losses[step]:.4g}) is that of step {step} in {tmp_path / LINK}" in line for line in said)
    up_to, _ = run(tmp_path / "again", dataclasses.replace(job, budget=dataclasses.replace(job.budget, steps=step)))
    from safetensors.torch import load_file

    assert same(load_file(tmp_path / LINK / "model.safetensors"), weights(up_to))
    assert [p.name for p in (tmp_path / "best").iterdir()] == [f"step-{step:08d}"]


@given(killed=st.lists(st.integers(1, 19), min_size=1, max_size=2))
@settings(max_examples=6, deadline=None)
def test_a_killed_run_ends_with_the_same_best_model(killed, tmp_path_factory):
    job = with_budget(dataclasses.replace(BEST, recipe=dataclasses.replace(RECIPE, optimiser=AdamW(0.1))), load_best=True)
    whole, folder = tmp_path_factory.mktemp("whole"), tmp_path_factory.mktemp("cut")
    expected, _ = run(whole, job)
    done = 0
    for moment in killed:
        if moment > done:  # the run comes by it
            run(folder, job, stop=moment)
            done = moment // 6 * 6
    out, _ = run(folder, job)
    assert best_step(folder) == best_step(whole) and same(weights(expected), weights(out))
    assert {p.name for p in (folder / "best").iterdir()} == {p.name for p in (whole / "best").iterdir()}


def test_patience_stops_a_run_and_stops_it_again(tmp_path: Path):
    job = with_budget(dataclasses.replace(BEST, recipe=dataclasses.replace(RECIPE, optimiser=AdamW(0.1))), patience=2, load_best=True)
    out, said = run(tmp_path, job)
    last, best = int(out.history[-1]["step"]), best_step(tmp_path)
    assert last == best + 2 < 20 and any(f"stopped after step {last}: 2 evaluations in a row" in line for line in said)
    from safetensors.torch import load_file

    assert same(load_file(tmp_path / LINK / "model.safetensors"), weights(out)), "the run ends with the best model"
    again, said = run(tmp_path, job)
    assert int(again.history[-1]["step"]) == last and any(f"stopped after step {last}" in line for line in said)
    assert same(weights(out), weights(again))
    from guerdon.interfaces.report import write

    page = write(tmp_path).read_text()
    assert f"step {best}, eval/loss" in page and "has not finished" not in page
    longer, _ = run(tmp_path, with_budget(job, patience=5))
    assert int(longer.history[-1]["step"]) > last, "with more patience it goes on"


def test_where_training_makes_a_metric_worse_the_best_model_is_the_one_it_began_with(tmp_path: Path):
    job = with_budget(BEST, steps=3, best_is="highest", load_best=True)
    out, said = run(tmp_path, job)
    assert best_step(tmp_path) == 0 and any("that of step 0 " in line for line in said)
    assert same(weights(out), MODEL.build(0).module.state_dict()), "and the run ends with it"


def test_a_small_gain_is_the_best_and_no_reason_to_wait():
    best = Best(Budget(keep_best="eval/x", evaluate_every=1, patience=2, min_delta=0.5), None, MODEL.build(0))
    for step, value in enumerate((1.0, 1.4, 1.45)):
        best.see(step, {"eval/x": value})
    assert (best.step, best.exhausted) == (2, True)
    best.see(3, {"eval/x": 1.6})
    assert (best.step, best.exhausted) == (3, False)
    best.see(4, {"eval/x": float("nan")})
    assert (best.step, best.waited) == (3, 1)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"patience": 2}, "need a metric; set budget.keep_best"),
        ({"load_best": True}, "need a metric"),
        ({"keep_best": "loss"}, "set budget.evaluate_every"),
        ({"keep_best": "loss", "evaluate_every": 1, "min_delta": -1.0}, "are 0 or more"),
        ({"keep_best": "acuracy", "evaluate_every": 1}, "metric of an evaluation"),
    ],
)
def test_a_best_that_cannot_be_found_is_refused(settings, sentence, tmp_path: Path):
    with pytest.raises(InputError, match=sentence):
        run(tmp_path, with_budget(**settings))


def test_without_held_out_rows_there_is_no_best(tmp_path: Path):
    with pytest.raises(InputError, match="there are no held-out rows"):
        run(tmp_path, dataclasses.replace(BEST, data=Rows(held_out=0)))


def test_a_policy_that_acts_is_given_more_steps_too(tmp_path: Path):
    """Acting, judging and controllers know of no last step either."""
    task = SortLetters(length=3, alphabet="abcd", train_size=16, test_size=4)
    model = SmallLanguageModel(task.characters, layers=1, hidden=16, heads=2, context_length=32)
    penalty = Term(KLDirect(), weight=AdaptiveCoefficient(initial=0.1))
    recipe = Recipe((Term(Clip()),), AdamW(3e-3), advantage=GroupCentred(), reward_penalties=(penalty,), shaping=(RunningNormalise(),))

    def improved(folder, steps):
        job = ImproveJob(recipe, task, decoding=Decoding(4), budget=Budget(steps=steps, batch_size=2, save_every=2, evaluate_every=1))
        return job(model.build(0), {}, 0, folder, Silent())

    whole = improved(tmp_path / "whole", 4)
    improved(tmp_path / "more", 2)
    assert same(weights(whole), weights(improved(tmp_path / "more", 4)))


# rows that are left out

DIRTY = [{"prompt": f"{'ab'[i % 2]} ", "completion": "abc"[: i % 3 + 1]} for i in range(12)]


def dirty(path: Path, wrong: int) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in [*DIRTY, *[{"prompt": "a "}] * wrong]))


def test_rows_that_are_left_out_are_no_part_of_what_a_run_is(tmp_path, monkeypatch, capsys):
    """So the run goes on whether somebody cleaned the file meanwhile or dropped what cannot be learned from; other sound rows are other rows, which can be
    accepted."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.yaml").write_text(
        "model: {part: small_language_model, characters: 'abc ', layers: 1, hidden: 16, heads: 2, context_length: 16}\n"
        "task: {path: rows.jsonl, shuffle: false}\nrecipe: sft\nencoding: {wrong: drop}\nbudget: {steps: 2, batch_size: 2}\nrun: runs/one\n"
    )
    dirty(tmp_path / "rows.jsonl", 3)
    assert main(["fit", "run.yaml"]) == 0
    dirty(tmp_path / "rows.jsonl", 0)
    assert main(["fit", "run.yaml", "steps=3"]) == 0
    dirty(tmp_path / "rows.jsonl", 1)
    with (tmp_path / "rows.jsonl").open("a") as file:
        file.write(json.dumps(DIRTY[0]) + "\n")
    capsys.readouterr()
    assert main(["fit", "run.yaml", "steps=4"]) == 2
    assert "rows to learn from: 13 where there were 12" in capsys.readouterr().err
    assert main(["fit", "run.yaml", "steps=4", "budget.accept=[rows]"]) == 0


def test_an_attempt_that_is_refused_leaves_the_record_as_it_was(tmp_path, monkeypatch, capsys):
    """Also where it is refused late: fewer steps than were made, and other rows beside a setting that may be another."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.yaml").write_text(
        "model: {part: small_language_model, characters: 'abc ', layers: 1, hidden: 16, heads: 2, context_length: 16}\n"
        "task: {path: rows.jsonl, shuffle: false}\nrecipe: sft\nbudget: {steps: 3, batch_size: 2}\nrun: runs/one\n"
    )
    dirty(tmp_path / "rows.jsonl", 0)
    assert main(["fit", "run.yaml"]) == 0
    names = ("configuration.yaml", "configuration.json", "sources.json", "metrics.jsonl")
    before = [(tmp_path / "runs" / "one" / name).read_bytes() for name in names]
    assert main(["fit", "run.yaml", "steps=2"]) == 2
    assert "holds a run of 3 steps, more than the 2 asked for" in capsys.readouterr().err
    (tmp_path / "rows.jsonl").write_text(json.dumps(DIRTY[0]) + "\n" + json.dumps(DIRTY[1]) + "\n")
    assert main(["fit", "run.yaml", "steps=9"]) == 2
    assert [(tmp_path / "runs" / "one" / name).read_bytes() for name in names] == before


def test_a_checkpoint_that_cannot_be_written_to_its_end_is_said_and_leaves_nothing(tmp_path):
    """As on a full disk, or under a quota: here by the limit on the size of files."""
    resource = pytest.importorskip("resource")
    run, limits = Run(tmp_path, {}), resource.getrlimit(resource.RLIMIT_FSIZE)
    run.save(1, {"small": 1})
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(RunFailed, match="or files may not become so large there; free some and run the same command again"):
            run.save(2, {"large": torch.zeros(100_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["step-00000001"]


# being stopped


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_whoever_stops_a_run_is_told_at_once_and_loses_nothing(number, tmp_path):
    """Clusters and containers announce the end by SIGTERM."""

    class Told(Silent):
        said, stop_at = (), 3

        def say(self, sentence):
            self.said += (sentence,)

        def step(self, done, metrics):
            if done == self.stop_at:
                os.kill(os.getpid(), number)

    job, display, before = FitJob(RECIPE, Rows(), BUDGET), Told(), signal.getsignal(number)
    with pytest.raises(Interrupted, match="stopped after step 3 of 8; saved in"):
        job(MODEL.build(0), {}, 0, tmp_path, display)
    assert any("stopping once this step is finished and saved" in sentence for sentence in display.said)
    assert signal.getsignal(number) == before
    assert [path.name for path in sorted(tmp_path.glob("checkpoints/*"))][-1] == "step-00000003"


def test_whoever_stops_the_last_step_is_not_followed_by_a_stage_and_the_run_is_whole(tmp_path):
    class Stops(Silent):
        def step(self, done, metrics):
            if done == BUDGET.steps:
                os.kill(os.getpid(), signal.SIGINT)

    job = FitJob(RECIPE, Rows(), BUDGET)
    with pytest.raises(Interrupted, match=f"stopped after step {BUDGET.steps} of {BUDGET.steps}; saved in"):
        job(MODEL.build(0), {}, 0, tmp_path / "cut", Stops())
    again, whole = (job(MODEL.build(0), {}, 0, tmp_path / name, Silent()) for name in ("cut", "whole"))
    assert all(map(torch.equal, again.model.module.parameters(), whole.model.module.parameters()))


def test_a_command_that_is_stopped_at_once_says_so(tmp_path, monkeypatch, capsys):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("guerdon.interfaces.configuration.read", stop)
    assert main(["fit", "run.yaml"]) == 130
    assert capsys.readouterr().err.strip() == "guerdon: stopped"
