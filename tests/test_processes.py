"""One run on several processes: what it computes does not depend on how many there are, and what becomes of it when one dies.

``make test ARGS='-k test_processes --processes 4'`` takes four.
"""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

import process_cases
from forked import forking, guerdon
from guerdon.errors import InputError, RunFailed
from guerdon.interfaces.cli import main
from guerdon.interfaces.cli._processes import idle
from guerdon.interfaces.launching import launch, on_this_machine
from guerdon.processes import Processes, joined
from test_docs import blocks, smaller

HERE = Path(__file__).parent
YAML = """
model: {part: small_language_model, layers: 1, hidden: 16, heads: 2, context_length: 32, characters: "abcd>"}
task: {part: sort_letters, length: 3, alphabet: abcd, train_size: 64, test_size: 8}
recipe: {base: grpo, optimiser: {learning_rate: 3e-3}, sampler: {part: group, num_generations: 3}}
decoding: {max_completion_length: 6}
budget: {steps: 8, batch_size: 5, save_every: 2}
"""


def launched(count: int, script: Path, *words: object) -> int:
    """The exit code of a script on so many processes."""
    with forking():
        return launch(count, [sys.executable, str(script), *map(str, words)], on_this_machine)


@pytest.fixture(scope="module")
def runs(request, tmp_path_factory) -> dict[str, dict]:
    """What came of every case on several processes."""
    folder = tmp_path_factory.mktemp("many")
    count = request.config.getoption("--processes")
    assert launched(count, HERE / "process_cases.py", folder) == 0
    return {name: torch.load(folder / f"{name}.pt", weights_only=False) for name in process_cases.NAMES}


@pytest.mark.parametrize("name", process_cases.NAMES)
def test_a_run_does_not_depend_on_how_many_processes_it_is_on(name: str, runs, tmp_path: Path):
    one, many = process_cases.go(name, tmp_path / "one"), runs[name]
    assert many["split"] is (name not in process_cases.WHOLE) and not one["split"]
    exactly = "float64" in name
    near = {"rtol": 0, "atol": 1e-10 if exactly else 1e-4 if name in process_cases.ROUGHLY else 1e-5}
    assert [row["tokens"] for row in told(one["said"])] == [row["tokens"] for row in told(many["said"])]
    for key, value in one["parameters"].items():
        torch.testing.assert_close(many["parameters"][key], value, **near)
    for before, after in zip(one["history"], many["history"], strict=True):
        assert before.keys() == after.keys()
        for metric in before:
            if metric != "step_time" and not metric.startswith("time/"):
                assert after[metric] == pytest.approx(before[metric], rel=1e-4, abs=1e-4, nan_ok=True), metric


def test_the_cases_move_what_they_train(tmp_path: Path):
    for name in ("sft", "grpo", "ppo with a critic"):
        _, model = process_cases.CASES[name]()
        start = {key: value.clone() for key, value in model.module.state_dict().items()}
        after = process_cases.go(name, tmp_path / name)["parameters"]
        assert max(float((after[key] - value).abs().max()) for key, value in start.items()) > 1e-3


def told(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


# A process that dies


def started(folder: Path, *more: str, command: str = "train") -> subprocess.Popen:
    (folder / "run.yaml").write_text(YAML)
    command = [sys.executable, "-m", "guerdon", command, "run.yaml", f"run={folder / 'run'}", *more]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def finished(process: subprocess.Popen) -> tuple[int, str]:
    said, _ = process.communicate(timeout=300)
    return process.returncode, " ".join(said.split())


def train(folder: Path, *more: str, command: str = "train") -> int:
    """The same command, in processes that are forked."""
    (folder / "run.yaml").write_text(YAML)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return guerdon(command, "run.yaml", f"run={folder / 'run'}", *more)


def said_by(capfd: pytest.CaptureFixture[str]) -> str:
    printed = capfd.readouterr()
    return " ".join((printed.out + printed.err).split())


def history(folder: Path) -> list[dict]:
    rows = told((folder / "run/metrics.jsonl").read_text())
    return [{k: v for k, v in row.items() if k != "step_time" and not k.startswith("time/")} for row in rows]


def child(of: int, rank: int) -> int:
    """The process of that rank among the children of a launcher."""
    for place in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((place / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == of and f"RANK={rank}".encode() in (place / "environ").read_bytes().split(b"\0"):
                return int(place.name)
        except (OSError, ValueError):
            continue
    raise AssertionError(f"process {of} has no child of rank {rank}")


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """A run on two processes that nobody disturbed."""
    folder = tmp_path_factory.mktemp("whole")
    assert train(folder, "processes=2") == 0
    return folder


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc, to find the process to kill")
def test_when_one_is_killed_all_end_with_a_sentence_and_the_same_command_goes_on(whole: Path, tmp_path: Path):
    process = started(tmp_path, "processes=2")
    while not (tmp_path / "run/checkpoints/step-00000002").exists():
        assert process.poll() is None
        time.sleep(0.02)
    os.kill(child(process.pid, 0), signal.SIGKILL)  # the one by which the others find each other
    code, said = finished(process)
    assert code == 1 and "process 0 of 2 was killed (SIGKILL)" in said and "goes on from the last checkpoint" in said
    assert "frame #" not in said and "Traceback" not in said
    code, said = finished(started(tmp_path, "processes=2"))
    assert code == 0 and "going on from step" in said, said
    assert history(tmp_path) == history(whole)  # to the bit
    assert (tmp_path / "run/completions.jsonl").read_text() == (whole / "run/completions.jsonl").read_text()


def test_a_run_goes_on_on_another_number_of_processes(whole: Path, tmp_path: Path, monkeypatch):
    assert train(tmp_path, "processes=2", "steps=4") == 0
    monkeypatch.chdir(tmp_path)
    assert main(["train", "run.yaml", f"run={tmp_path / 'run'}"]) == 0
    assert len(history(tmp_path)) == len(history(whole))
    for one, many in zip(history(tmp_path), history(whole), strict=True):
        assert one.keys() >= many.keys()  # the fourth step was a last one, which is evaluated
        assert all(one[name] == pytest.approx(many[name], rel=1e-4, abs=1e-4) for name in many)


def test_what_the_page_says_is_done(tmp_path: Path):
    for block in blocks("docs/processes.md"):
        if block.title:
            (tmp_path / block.title).write_text(smaller(block.text))
        for line in block.text.splitlines() if block.language == "bash" else ():
            words = [sys.executable, *(["-m", "guerdon"] if line.startswith("guerdon ") else []), *shlex.split(line)[1:]]
            ran = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
            assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "runs/sort/report.html").exists() and (tmp_path / "runs/python/model/model.safetensors").exists()


def test_the_program_of_the_page_on_two_processes(tmp_path: Path, capfd, monkeypatch):
    (program,) = [block.text for block in blocks("docs/processes.md") if block.title == "sort.py"]
    (tmp_path / "sort.py").write_text(smaller(program))
    said = {}
    for count in (1, 2):
        (tmp_path / str(count)).mkdir()
        monkeypatch.chdir(tmp_path / str(count))
        assert launched(count, tmp_path / "sort.py") == 0
        said[count] = capfd.readouterr().out.split()
    assert len(said[1]) == 1 and said[1] == said[2]
    one, two = ((tmp_path / count / "runs/python/completions.jsonl").read_text() for count in "12")
    assert [row["tokens"] for row in told(one)] == [row["tokens"] for row in told(two)]


def test_an_evaluation_does_not_depend_on_how_many_processes_it_is_on(whole: Path, tmp_path: Path, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = {}
    for count in (1, 2):
        code = guerdon("evaluate", str(whole / "run/model"), str(whole / "run.yaml"), "-n", "2", "--json", f"processes={count}")
        printed = capfd.readouterr()
        assert code == 0, printed.err
        said[count] = json.loads(printed.out)
    assert said[1] == said[2] and said[1]["answers"] == 16


STAGES = """
model: {part: small_language_model, layers: 1, hidden: 16, heads: 2, context_length: 32, characters: "abcd>"}
stages:
  imitate:
    loop: fit
    task: {part: demonstrations, of: {part: sort_letters, length: 3, alphabet: abcd, train_size: 64, test_size: 8}, rows: 20}
    recipe: {base: sft, optimiser: {learning_rate: 3e-3}}
    budget: {steps: 2, batch_size: 3}
  practise:
    loop: improve
    start: imitate
    task: {part: sort_letters, length: 3, alphabet: abcd, train_size: 64, test_size: 8}
    recipe: {base: grpo, optimiser: {learning_rate: 3e-3}, sampler: {part: group, num_generations: 3}}
    decoding: {max_completion_length: 6}
    budget: {steps: 2, batch_size: 3}
"""


def test_stages_do_not_depend_on_how_many_processes_they_are_on(tmp_path: Path, monkeypatch):
    (tmp_path / "stages.yaml").write_text(STAGES)
    monkeypatch.chdir(tmp_path)
    tokens = {}
    for count in (1, 2):
        assert guerdon("train", "stages.yaml", f"run={tmp_path / str(count)}", f"processes={count}") == 0
        tokens[count] = [row["tokens"] for row in told((tmp_path / str(count) / "practise/completions.jsonl").read_text())]
    assert tokens[1] and tokens[1] == tokens[2]


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="files have no limit")
def test_a_disk_that_is_full_for_one_of_them_is_said(tmp_path: Path, capfd):
    """Parts are written by all of them at once; no file may be larger than a block here, on one."""
    script = tmp_path / "script.py"
    script.write_text(
        "import os, resource, signal, sys\nfrom guerdon.interfaces.cli import main\nfrom guerdon.training import run\n"
        "write = run.write\ndef limited(*parts):\n"
        "    if os.environ['RANK'] == '1':\n"
        "        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n        resource.setrlimit(resource.RLIMIT_FSIZE, (512, 512))\n"
        "    write(*parts)\nrun.write = limited\nsys.exit(main(sys.argv[1:]))\n"
    )
    (tmp_path / "run.yaml").write_text(YAML)
    assert launched(2, script, "train", tmp_path / "run.yaml", f"run={tmp_path / 'run'}", "steps=2") == 1
    said = " ".join(capfd.readouterr().err.split())
    assert said.count("no space left where") == 1 and "Traceback" not in said


def test_a_checkpoint_of_which_a_part_is_damaged_is_passed_over(whole: Path, tmp_path: Path, capfd, monkeypatch):
    shutil.copytree(whole / "run", tmp_path / "run")
    newest = max((tmp_path / "run/checkpoints").iterdir())
    part = max((newest / "shards").glob("*.distcp"), key=lambda path: path.stat().st_size)
    part.write_bytes(part.read_bytes()[:100])
    shutil.copytree(tmp_path / "run", tmp_path / "again/run")
    capfd.readouterr()
    code, said = train(tmp_path / "again", "processes=2"), said_by(capfd)
    assert code == 0 and f"checkpoint {newest.name} is damaged" in said and "Traceback" not in said, said
    assert history(tmp_path / "again") == history(whole)
    (tmp_path / "run.yaml").write_text(YAML)
    monkeypatch.chdir(tmp_path)
    assert main(["train", "run.yaml", f"run={tmp_path / 'run'}"]) == 0
    assert f"checkpoint {newest.name} is damaged" in " ".join(capfd.readouterr().err.split()) and len(history(tmp_path)) == len(
        history(whole)
    )


# What a group of processes knows of itself


def test_pieces_go_to_whoever_has_least():
    costs = [5.0, 1.0, 4.0, 3.0, 1.0]
    shares = [Processes(rank, 2).own(costs) for rank in range(2)]
    assert shares == [[0, 1, 4], [2, 3]]
    assert sorted(piece for rank in range(9) for piece in Processes(rank, 9).own(costs)) == [0, 1, 2, 3, 4]
    assert Processes().own(costs) == [0, 1, 2, 3, 4]


def test_a_start_that_cannot_work_is_refused(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    for name in ("RANK", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(InputError, match="RANK, MASTER_ADDR, MASTER_PORT is not set"), joined():
        pass
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    monkeypatch.setenv("MASTER_PORT", "1")
    with pytest.raises(InputError, match=r"could not join the others at 127\.0\.0\.1:1"), joined(patience=1):
        pass


def test_processes_that_have_nothing_of_a_step_are_told_of(tmp_path: Path, capfd):
    code, said = train(tmp_path, "processes=2", "batch_size=1", "steps=1"), said_by(capfd)
    assert code == 0 and "2 processes, and a step has 1 row (budget.batch_size): 1 of them have none of their own in it" in said, said
    assert not idle(2, 2) and idle(2, 50)


@pytest.mark.parametrize(("count", "ended"), [("1", "torn down"), ("2", "")])
def test_one_of_several_processes_ends_before_threads_are_torn_down(count: str, ended: str, tmp_path: Path):
    """What was registered before stands for the end of Python, in which a process was once killed whose work was done."""
    program = (
        "import atexit, sys; atexit.register(print, 'torn down'); from guerdon.__main__ import run; sys.argv[1:] = ['--version']; run()"
    )
    environment = {**os.environ, "WORLD_SIZE": count, "COLUMNS": "100"}
    command = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, cwd=tmp_path)
    assert command.returncode == 0 and "0." in command.stdout, command.stderr
    assert ("torn down" in command.stdout) == bool(ended)
    program = program.replace("'--version'", "'nothing of the kind'")
    assert subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, cwd=tmp_path).returncode == 2


def test_a_build_of_torch_without_collectives_is_refused(monkeypatch):
    for name, value in (("WORLD_SIZE", "2"), ("RANK", "1"), ("MASTER_ADDR", "127.0.0.1"), ("MASTER_PORT", "1")):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(torch.distributed, "is_gloo_available", lambda: False)
    with pytest.raises(InputError, match=r"no collectives over the network \(gloo\)"), joined():
        pass


@pytest.mark.parametrize("said", ["soon", "0", "-5", "nan", "inf"])
def test_a_patience_that_is_no_number_of_seconds_is_refused(said, monkeypatch):
    for name, value in (("WORLD_SIZE", "2"), ("RANK", "1"), ("MASTER_ADDR", "127.0.0.1"), ("MASTER_PORT", "1"), ("GUERDON_PATIENCE", said)):
        monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match=r"GUERDON_PATIENCE: it is .* and a number of seconds is expected"), joined():
        pass


LATE = """
import time
import torch
from guerdon.errors import RunFailed
from guerdon.processes import joined
try:
    with joined() as processes:
        if not processes.first:
            time.sleep(6)
        {what}
except RunFailed as error:
    print(f"{{processes.rank}}: {{error}}", flush=True)
"""


@pytest.mark.parametrize(
    "what", ["processes.each(lambda: 1)", "torch.distributed.all_reduce(torch.zeros(3))"]
)  # the second as sharding does
def test_a_process_that_is_late_is_waited_for_as_long_as_was_said(what: str, tmp_path: Path, capfd, monkeypatch):
    script = tmp_path / "script.py"
    script.write_text(LATE.format(what=what))
    monkeypatch.setenv("GUERDON_PATIENCE", "2")
    assert launched(2, script) == 0
    assert (
        "0: process 0 of 2 stopped, because another one did not answer within 2 s; where it had that much to do" in capfd.readouterr().out
    )
    monkeypatch.setenv("GUERDON_PATIENCE", "60")
    assert launched(2, script) == 0
    assert capfd.readouterr().out == ""


def test_more_processes_than_cards_are_refused(monkeypatch):
    for name, value in (("WORLD_SIZE", "3"), ("RANK", "2"), ("LOCAL_RANK", "2"), ("MASTER_ADDR", "127.0.0.1"), ("MASTER_PORT", "1")):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(InputError, match="more processes on this machine than its 2 cards; start 2"), joined():
        pass


DIFFERENT = """
import sys
from pathlib import Path
from guerdon.errors import InputError
from guerdon.processes import joined
from guerdon.training.run import Run
with joined(patience=30) as processes:
    try:
        Run(Path(sys.argv[1]), {}, sources={"rows": {"rows to learn from": processes.rank}, "model": "same"})
    except InputError as error:
        print(error, flush=True)
"""


def test_processes_that_do_not_see_the_same_rows_are_refused(tmp_path: Path, capfd):
    script = tmp_path / "script.py"
    script.write_text(DIFFERENT)
    assert launched(2, script, tmp_path / "run") == 0
    assert capfd.readouterr().out.count("process 1 of 2 has other rows than the first one") == 2


SCRIPT = """
import sys
from guerdon.errors import InputError, RunFailed
from guerdon.interfaces.cli import main
from guerdon.interfaces.cli._processes import idle
from guerdon.processes import joined
with joined(patience=30) as processes:
    def work():
        {body}
    try:
        print(processes.each(work, {what}), flush=True)
    except (InputError, RunFailed) as error:
        print(f"{{processes.rank}} {{type(error).__name__}}: {{error}}", flush=True)
"""


@pytest.mark.parametrize(
    ("body", "what", "expected"),
    [
        ("return processes.rank", "''", ["[0, 1]", "[0, 1]"]),
        (
            "if processes.rank: raise InputError('the file is missing')",
            "''",
            ["0 InputError: the file is missing", "1 InputError: the file is missing"],
        ),
        ("return 1", "f'step {processes.rank}'", ["0 RunFailed: the processes have gone different ways (step 0; step 1)"] * 1),
    ],
)
def test_what_happens_on_one_is_known_to_all(body: str, what: str, expected: list[str], tmp_path: Path, capfd):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(body=body, what=what))
    assert launched(2, script) == 0
    said = capfd.readouterr().out
    assert all(said.count(line) >= expected.count(line) for line in expected), said


def test_what_all_of_them_find_wrong_is_said_once(tmp_path: Path, capfd):
    table = {  # found by every process for itself, not in what is shared out
        "a row": (("fit", "recipe=dpo", "task=rows.jsonl"), "nothing was preferred"),
        "a reward": (("train", "reward=rewards.py:fails"), "could not be rewarded"),
    }
    (tmp_path / "rewards.py").write_text("def fails(completion, **more):\n    raise ValueError('as ever')\n")
    rows = [{"prompt": "a", "chosen": "b", "rejected": "c"}] * 300 + [{"prompt": "a", "chosen": "b", "rejected": "b"}]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    for (command, *settings), sentence in table.values():
        code, said = train(tmp_path, *settings, "processes=2", command=command), said_by(capfd)
        assert code in (1, 2) and said.count(sentence) == 1, said


def test_one_that_ends_with_another_sentence_says_it_too(tmp_path: Path, capfd):
    script = tmp_path / "script.py"
    script.write_text(
        "import os, sys\nfrom guerdon.errors import InputError\nfrom guerdon.processes import joined\ntry:\n    with joined():\n"
        "        raise InputError('sentence ' + sys.argv[1 + int(os.environ['RANK'])])\nexcept InputError as error:\n    print(f'{error} {error.told}\\n', end='', flush=True)\n"
    )
    assert launched(2, script, "0", "0") == 0
    assert sorted(capfd.readouterr().out.splitlines()) == ["sentence 0 True", "sentence 0 True"]
    assert launched(2, script, "0", "1") == 0
    assert "sentence 1 False" in capfd.readouterr().out.splitlines()


def test_what_nobody_expected_on_one_ends_the_others(tmp_path: Path, capfd):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(body="if processes.rank: return 1 / 0", what="''"))
    assert launched(2, script) != 0
    said = capfd.readouterr()
    assert "0 RunFailed: process 1 of 2 cannot go on: ZeroDivisionError: division by zero" in said.out
    assert "ZeroDivisionError" in said.err  # and it says itself where


def test_a_process_that_is_killed_is_named(tmp_path: Path):
    script = tmp_path / "script.py"
    script.write_text("import os, signal, time\nif os.environ['RANK'] == '1':\n    os.kill(os.getpid(), signal.SIGKILL)\ntime.sleep(60)\n")
    begun = time.monotonic()
    with pytest.raises(RunFailed, match=r"process 1 of 3 was killed \(SIGKILL\), and the others were stopped"):
        launched(3, script)
    assert time.monotonic() - begun < 30
