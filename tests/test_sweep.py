"""``guerdon sweep``: every combination once, whoever runs it, however often it is stopped; a table over the settings."""

import json
import math
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guerdon.errors import InputError
from guerdon.interfaces.cli import main
from guerdon.interfaces.cli.sweep import _is_finished, _planned
from guerdon.interfaces.configuration import _yaml
from guerdon.interfaces.report.reading import read
from guerdon.interfaces.sweeping import Planned, Sweep, grid, plan, summary
from guerdon.interfaces.sweeping.claims import Claim
from guerdon.interfaces.sweeping.summary import value_of
from test_cli import TINY
from test_report import make

names = st.from_regex(r"[a-z_]{1,8}(\.[a-z]{1,5})?", fullmatch=True)
values = st.one_of(
    st.integers().map(str), st.floats(0, 1).map(repr), st.sampled_from(["[1, 2]", "{part: linear, start: 1}", "'a,b'", "true"])
)


@given(st.dictionaries(names, st.lists(values, min_size=1, max_size=4, unique=True), min_size=1, max_size=3))
def test_every_combination_is_a_run_with_a_folder_of_its_own(axes):
    texts = [f"{name}={','.join(own)}" for name, own in axes.items()]
    runs = plan(texts, Path("runs"))
    assert grid(texts) == axes and len(runs) == math.prod(map(len, axes.values())) == len({run.folder for run in runs})
    assert all(dict(run.settings) == dict(text.split("=", 1) for text in run.overrides) for run in runs)
    assert all(run.folder.parent == Path("runs") and len(run.folder.name) < 200 for run in runs)


def test_ranges_lists_and_brackets():
    assert grid(["seed=0..2,7", "lr=1e-5,1e-4", "betas=[0.9,0.95],[0.8,0.9]"]) == {
        "seed": ["0", "1", "2", "7"],
        "lr": ["1e-5", "1e-4"],
        "betas": ["[0.9,0.95]", "[0.8,0.9]"],
    }
    (first, *_) = plan(["lr=1e-5,1e-4", "seed=0..1", "steps=3"], Path("s"))
    assert (first.name, first.setting, first.folder.name) == ("lr=1e-5, seed=0", "lr=1e-5", "lr=1e-5,seed=0,steps=3")


@pytest.mark.parametrize(
    ("texts", "said"),
    [(["seed"], "sweeps over nothing"), (["a=1", "a=2"], "given twice"), (["a=1,1"], "given twice"), (["a=4..1"], "empty")],
)
def test_what_is_no_grid_is_refused(texts, said):
    with pytest.raises(InputError, match=said):
        grid(texts)


# A run that says when it begins and ends, and saves when it is asked to stop.
WORK = """
import pathlib, signal, sys, time
folder, seconds = pathlib.Path(sys.argv[1]), float(sys.argv[2])
def stop(*_):
    (folder / "saved").write_text("")
    sys.exit(1)
signal.signal(signal.SIGINT, stop)
with (folder / "log").open("a") as log:
    print("began", time.monotonic(), file=log, flush=True)
    end = time.monotonic() + (0 if (folder / "saved").exists() else seconds)
    while time.monotonic() < end:
        time.sleep(0.01)
    print("ended", time.monotonic(), file=log, flush=True)
(folder / "done").write_text("")
"""


def work(seconds):
    return lambda run: [sys.executable, "-c", WORK, str(run.folder), str(seconds)]


def done(run):
    return (run.folder / "done").exists()


def log(run):
    return [line.split() for line in (run.folder / "log").read_text().splitlines()]


def test_each_run_is_run_once_however_many_sweeps_there_are_and_so_many_at_once(tmp_path):
    runs = plan(["a=0..4"], tmp_path)
    sweeps = [Sweep(runs, work(0.1), done, jobs=2) for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda sweep: sweep(), sweeps))  # what goes wrong in a thread goes wrong here
    assert all([what for what, _ in log(run)] == ["began", "ended"] for run in runs)
    times = sorted((float(when), what == "began") for run in runs for what, when in log(run))
    assert 2 <= max(np.cumsum([1 if began else -1 for _, began in times])) <= 4
    Sweep(runs, work(9), done)()  # nothing is left to do
    assert all(len(log(run)) == 2 for run in runs)


def test_one_at_a_time_is_one_at_a_time(tmp_path):
    runs = plan(["a=0..2"], tmp_path)
    Sweep(runs, work(0.05), done)()
    times = sorted((float(when), what == "began") for run in runs for what, when in log(run))
    assert max(np.cumsum([1 if began else -1 for _, began in times])) == 1


def test_ctrl_c_asks_every_run_to_save_and_the_same_sweep_goes_on(tmp_path):
    runs = plan(["a=0..3"], tmp_path)
    sweep = Sweep(runs, work(60), done, jobs=2)
    begun = [run.folder / "log" for run in runs[:2]]

    def interrupt():
        while not all(path.exists() and path.read_text() for path in begun):
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    before = signal.getsignal(signal.SIGINT)
    sweep()
    thread.join()
    assert sweep.stopped and not sweep.failed and signal.getsignal(signal.SIGINT) is before
    assert [(run.folder / "saved").exists() for run in runs] == [True, True, False, False]
    again = Sweep(runs, work(0), done, jobs=2)
    again()
    assert all(map(done, runs)) and not again.stopped


def test_a_sweep_that_was_killed_leaves_its_runs_claimed_until_they_end(tmp_path):
    (run,) = plan(["a=0"], tmp_path)
    script = (
        f"import sys; sys.path[:0] = {sys.path!r}\nfrom pathlib import Path\nfrom guerdon.interfaces.sweeping import Planned, Sweep\n"
        f"run = Planned({{'a': '0'}}, Path({str(run.folder)!r}))\n"
        f"Sweep([run], lambda run: [{sys.executable!r}, '-c', {WORK!r}, str(run.folder), '1.5'], lambda run: False)()\n"
    )
    sweep = subprocess.Popen([sys.executable, "-c", script])
    while not (run.folder / "log").exists() or not (run.folder / "log").read_text():
        assert sweep.poll() is None
        time.sleep(0.01)
    sweep.kill()
    sweep.wait()
    with Claim(run.folder) as claim:
        assert not claim.taken  # it is still being trained
    Sweep([run], work(0), done)()  # waits for it, and does not begin it again
    assert [what for what, _ in log(run)] == ["began", "ended"]
    for _ in range(600):  # it has ended its work, and lets go when its process ends
        with Claim(run.folder) as claim:
            if claim.taken:
                return
        time.sleep(0.1)
    raise AssertionError("the run is claimed by nobody who still works")


def test_a_run_that_fails_says_why_and_the_others_go_on(tmp_path):
    runs = plan(["a=0..2"], tmp_path)
    fails = [sys.executable, "-c", "import sys; print('guerdon: the cat\\nsat', file=sys.stderr); sys.exit(2)"]
    sweep = Sweep(runs, lambda run: fails if run is runs[1] else work(0)(run), done)
    sweep()
    assert list(map(done, runs)) == [True, False, True] and sweep.failed == {runs[1].folder: "the cat"}


def test_a_seed_is_a_repetition_wherever_it_stands(tmp_path):
    for name in ("seed", "budget.seed", "task.seed"):
        runs = plan(["rate=1,2", f"{name}=0,1", "fixed=3"], tmp_path)
        assert [run.setting for run in runs] == ["rate=1", "rate=1", "rate=2", "rate=2"] and runs[0].name == f"rate=1, {name}=0"
    assert [run.setting for run in plan(["seeds=0,1"], tmp_path)] == ["seeds=0", "seeds=1"]


@pytest.mark.parametrize(
    ("name", "values", "value"),
    [("loss", range(30), 28.0), ("loss", [1.0, 2.0], 2.0), ("eval/reward", range(30), 29.0), ("eval/reward", [], None)],
)
def test_at_the_end_is_the_last_evaluation_or_the_last_tenth_of_the_steps(tmp_path, name, values, value):
    folder = make(tmp_path / "run", [{"step": i, name: float(v)} for i, v in enumerate(values, 1)] or [{"step": 1, "kl": 0.0}])
    assert value_of(read(folder)[-1], name) == value


def test_finished_is_what_went_to_its_end_with_the_settings_that_it_has_now(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("run.yaml").write_text(TINY)
    _, (run,), _, wanted, _ = _planned(Path("run.yaml"), ["learning_rate=1e-4"])
    run.folder.mkdir(parents=True)
    (run.folder / "configuration.yaml").write_text(_yaml.text(wanted[run.folder]))
    (run.folder / "sweep.out").write_text("")
    assert not _is_finished(run, wanted[run.folder]), "it said nothing yet"
    (run.folder / "sweep.out").write_text("{}")
    assert _is_finished(run, wanted[run.folder])
    Path("run.yaml").write_text(TINY.replace("steps: 2", "steps: 3"))
    *_, longer, _ = _planned(Path("run.yaml"), ["learning_rate=1e-4"])
    assert longer.keys() == wanted.keys() and not _is_finished(run, longer[run.folder]), "the file asks for more than was run"


@pytest.mark.parametrize(
    ("happens", "words"),
    [
        (lambda sweep: sweep.failed.update({sweep.runs[0].folder: "the cat sat"}), "1 of 2 runs failed; the same command tries them again"),
        (lambda sweep: setattr(sweep, "stopped", True), "stopped: 0 of 2 runs are finished; the same command goes on from there"),
    ],
)
def test_a_sweep_that_did_not_come_to_its_end_says_so_to_programs_too(tmp_path, monkeypatch, capsys, happens, words):
    monkeypatch.chdir(tmp_path)
    Path("run.yaml").write_text(TINY)
    monkeypatch.setattr(Sweep, "__call__", happens)
    assert main(["sweep", "run.yaml", "seed=0,1"]) == 1
    told = capsys.readouterr()
    assert words in " ".join(told.err.split()) and ("the cat sat" in told.out) == ("failed" in words)


def test_settings_are_summed_up_by_the_interquartile_mean_and_the_probability_of_improvement(tmp_path):
    rewards = {"a": [0.1, 0.2, 0.3, 9.0], "b": [0.4, 0.5, 0.6, 0.05]}
    runs = []
    for name, own in rewards.items():
        for seed, value in enumerate(own):
            folder = make(
                tmp_path / f"{name}{seed}", [{"step": 0, "eval/reward": 0.0, "loss": 3.0}, {"step": 5, "eval/reward": value, "loss": value}]
            )
            runs.append(Planned({"method": name, "seed": str(seed)}, folder, ("method", "seed")))
    found = summary(runs)
    assert (found.metric, [s.name for s in found.settings]) == ("eval/reward", ["method=a", "method=b"])
    assert [s.mean.value for s in found.settings] == pytest.approx([0.25, 0.45])  # without the best and the worst of each
    assert found.settings[0].improvement is None and found.settings[1].improvement.value == pytest.approx(9 / 16)
    assert found.settings[1].improvement.low < 9 / 16 < found.settings[1].improvement.high
    assert summary(runs, "loss").settings[1].improvement.value == pytest.approx(7 / 16)  # lower is better
    assert math.isnan(summary(runs[:1]).settings[0].mean.low) and summary([]) is None
    with pytest.raises(InputError, match="did you mean"):
        summary(runs, "eval/rewrd")


def test_a_sweep_as_a_user_does_it(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("run.yaml").write_text(TINY)
    assert main(["sweep", "run.yaml", "learning_rate=1e-4,x"]) == 2 and "learning_rate=x: recipe.optimiser" in capsys.readouterr().err
    assert not Path("run-sweep").exists()
    assert main(["sweep", "run.yaml", "learning_rate=1e-4", "seed=0", "--json"]) == 0
    (first,) = json.loads(capsys.readouterr().out)["runs"]
    assert first["status"] == "finished" and 0 <= first["value"] <= 1
    untouched = Path(first["folder"], "metrics.jsonl").stat().st_mtime_ns
    assert main(["sweep", "run.yaml", "learning_rate=1e-4,1e-3", "seed=0", "--jobs", "2"]) == 0  # goes on with what is new
    out = " ".join(capsys.readouterr().out.split())
    assert "2/2 learning_rate=1e-3 finished" in out and "1/2" not in out and "P(better)" in out and "run-sweep/comparison.html" in out
    assert Path(first["folder"], "metrics.jsonl").stat().st_mtime_ns == untouched and Path("run-sweep/comparison.html").exists()


def test_a_finished_run_of_other_rows_or_of_another_model_does_not_count(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("run.yaml").write_text("model: {part: small_language_model, characters: abc}\ntask: rows.jsonl\nrecipe: sft\n")

    def planned(rows: str, *more: str):
        Path("rows.jsonl").write_text(rows)
        _, (run,), _, wanted, behind = _planned(Path("run.yaml"), ["learning_rate=1e-4", *more])
        return run, wanted[run.folder], behind[run.folder]

    run, wanted, behind = planned('{"prompt": "a", "completion": "b"}\n')
    run.folder.mkdir(parents=True)
    for name, text in (("configuration.yaml", _yaml.text(wanted)), ("sweep.out", "{}"), ("sweep.of", behind)):
        (run.folder / name).write_text(text)
    assert _is_finished(*planned('{"completion": "b", "prompt": "a"}\n')), "the same rows, written otherwise"
    assert not _is_finished(*planned('{"prompt": "a", "completion": "c"}\n'))
    assert planned("not JSON")[2] == "", "what cannot be read is for the run to say"
    digests = []
    for weights in (b"1", b"2"):
        Path("model").mkdir(exist_ok=True)
        Path("model/model.safetensors").write_bytes(weights)
        digests.append(planned('{"prompt": "a", "completion": "b"}\n', "model={source: model}")[2])
    assert digests[0] != digests[1] != ""


def test_what_a_run_was_made_of_is_kept_when_it_is_started(tmp_path):
    (run,) = plan(["a=1"], tmp_path)
    Sweep([run], work(0), done, behind=lambda run: "rows")()
    assert (run.folder / "sweep.of").read_text() == "rows"
