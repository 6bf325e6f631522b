"""Bad input gets one sentence that says what is wrong, where, and what to do; exit code 2 (1 where the run failed); no traceback; nothing lost."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from guerdon.interfaces.cli import main

TINY = """
model: {part: small_language_model, layers: 1, hidden: 16, heads: 2, context_length: 32}
task: {part: sort_letters, length: 3, alphabet: abcd, train_size: 64, test_size: 4}
recipe: {base: dr_grpo, sampler: {num_generations: 2}}
decoding: {max_completion_length: 4}
budget: {steps: 3, batch_size: 2, save_every: 1, evaluation_rows: 2}
run: run
"""
SFT = """
model: {part: small_language_model, characters: "abcd>", layers: 1, hidden: 16, heads: 2, context_length: 16}
task: {path: rows.jsonl}
recipe: sft
budget: {steps: 2, batch_size: 2}
run: run
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GUERDON_DEBUG", raising=False)
    return tmp_path


@pytest.fixture
def guerdon(capsys):
    """Run a command in this process: exit code and everything it said on standard error, as one line."""

    def run(*arguments: str) -> tuple[int, str]:
        capsys.readouterr()
        code = main(list(arguments))
        said = capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        return code, " ".join(said.err.split())

    return run


def tiny(text: str = TINY, **files: str) -> str:
    Path("run.yaml").write_text(text)
    for name, content in files.items():
        Path(name.replace("__", ".")).write_text(content)
    return "run.yaml"


def rows(*some: dict) -> str:
    return "".join(json.dumps(row) + "\n" for row in some)


def steps() -> list[dict]:
    return [json.loads(line) for line in Path("run/metrics.jsonl").read_text().splitlines()]


REFUSED = {
    "unknown section": ("modle=x", "modle=...", "model"),
    "unknown section with a place": ("bugdet.steps=3", "unknown section 'bugdet'", "budget"),
    "unknown key": ("budget.stepz=3", "budget.stepz: unknown key 'stepz'", "steps"),
    "unknown key of a part": ("recipe.terms.0.loss.epsilonn=0.1", "recipe.terms.0.loss.epsilonn: unknown key", "epsilon"),
    "unknown bare name": ("learning_rat=1", "learning_rat=...", "learning_rate"),
    "unknown part": ("recipe.advantage=leave_one_outt", "recipe.advantage: unknown part", "leave_one_out"),
    "unknown recipe": ("recipe=grop", "recipe: unknown recipe 'grop'", "grpo"),
    "unknown model": ("model=smal_language_model", "model: unknown model", "small_language_model"),
    "unknown task": ("task=sort_leters", "task: unknown task", "sort_letters"),
    "unknown reward": ("reward=number_mtch", "unknown part 'number_mtch'", "number_match"),
    "a text for a number": ("recipe.optimiser.learning_rate=fast", "recipe.optimiser.learning_rate: a number", "'fast'"),
    "a text for a whole number": ("budget.steps='3'", "budget.steps: a whole number", "'3'"),
    "a list for a number": ("decoding.temperature=[1]", "decoding.temperature: a number", "list"),
    "not a number": ("decoding.temperature=.nan", "decoding.temperature", "nan"),
    "a missing field": ("recipe.updates=[reset_reference]", "recipe.updates.0: every is missing", "reset_reference"),
    "no override": ("budget.steps", "'budget.steps' is no override", "key=value"),
    "no steps": ("steps=0", "budget.steps: it is 0", "at least 1"),
    "no rows in a batch": ("batch_size=0", "budget.batch_size: it is 0", "at least 1"),
    "no evaluation rows": ("evaluation_rows=0", "budget.evaluation_rows: it is 0", "at least 1"),
    "one answer and a group": ("num_generations=1", "recipe.sampler.num_generations: it is 1", "draw at least 2"),
    "more minibatches than sequences": ("minibatches=5", "recipe.minibatches: 5", "4 sequences"),
    "a greedy policy": ("temperature=0", "decoding.temperature: it is 0", "above 0"),
    "no room for the prompt": ("max_completion_length=32", "decoding.max_completion_length: it is 32", "32 tokens"),
    "refills without a selection": ("refills=2", "recipe.refills", "selection"),
    "a method for data": ("recipe=dpo", "learns from pairs", "guerdon fit"),
    "a method that reads no reward": ("recipe=sft", "nothing in it reads the reward", "guerdon fit"),
    "a tracker that is unknown": ("report_to=[tensorbord]", "budget.report_to: unknown tracker", "tensorboard"),
    "a device that is not there": ("model.device=cuda:9", "model.device: 'cuda:9' is not on this machine", "cpu"),
    "weights of a component that is not there": ("recipe.combine.weights.style=1", "unknown reward component", "position_credit"),
    "a reward file that is not there": ("reward=rewards.py:f", "rewards.py", ""),
    "a reward that reads a column that is not there": ("reward={part: reasoning_gym_score, name: leg_counting}", "metadata", "answer"),
    "a dataset that is not there": ("task=data.jsonl", "there is no file or folder data.jsonl", "path"),
    "a model folder that is not there": ("model=./nowhere", "there is no folder ./nowhere", ""),
}


@pytest.mark.parametrize("case", list(REFUSED))
def test_settings_are_refused_before_anything_is_written(guerdon, case):
    override, *expected = REFUSED[case]
    code, said = guerdon("train", tiny(), override, *(["model.characters='ab>'"] if override == "task=data.jsonl" else []))
    assert code == 2, said
    for words in expected:
        assert words in said
    assert not Path("run").exists()


def test_a_loss_without_a_ratio_is_refused_where_the_policy_moves(guerdon):
    code, said = guerdon("train", tiny(), "recipe.terms=[{loss: reinforce}]", "epochs=2")
    assert code == 2
    assert "recipe.terms.0.loss" in said and "set both to 1" in said


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_not_there(guerdon):
    code, said = guerdon("train", tiny(), "model.device=cuda")
    assert code == 2
    assert "device: auto" in said


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("model: [", "of run.yaml is not YAML"),
        ("model: a\nmodel: b\n", "given twice"),
        ("", "run.yaml is empty"),
        ("- 1\n", "it must hold sections"),
        ("recipe: grpo\ntask: sort_letters\n", "model: it is missing"),
        ("model: {part: small_language_model}\nrecipe: grpo\n", "characters is missing"),
    ],
)
def test_files_that_are_no_configuration(guerdon, text, expected):
    code, said = guerdon("train", tiny(text if "\n" in text or not text else text + "\n"))
    assert code == 2
    assert expected in said


def test_a_file_that_is_not_there_offers_those_that_are(guerdon):
    tiny()
    code, said = guerdon("train", "runn.yaml")
    assert code == 2
    assert "there is no file runn.yaml" in said and "run.yaml" in said


def test_usage_errors_are_wrong_input(guerdon):
    assert guerdon("train")[0] == 2
    assert guerdon("trian", "run.yaml")[0] == 2
    assert guerdon("sample", "model", "--temperature", "hot")[0] == 2


# data


@pytest.mark.parametrize(
    ("content", "overrides", "expected"),
    [
        (rows({"promt": "ab>", "completion": "ab"}), (), ["row 0", "'prompt'", "'promt'"]),
        (rows({"prompt": "ab>", "answer": "ab"}, {"prompt": "ab>"}), ("task.required=[answer]",), ["row 1", "'answer'"]),
        (rows({"prompt": "ab>", "answer": ""}), ("task.required=[answer]",), ["row 0", "nothing in column 'answer'"]),
        (rows({"prompt": "ab>", "answer": "ab"}), ("task.columns.prompt=question",), ["'question'", "columns there: answer, prompt"]),
        ("", (), ["rows.jsonl is empty"]),
        ("\n\n", (), ["rows.jsonl has no rows"]),
        ("{", (), ["line 1 of rows.jsonl is not JSON"]),
        (
            rows({"prompt": [{"role": "user", "content": "ab"}], "completion": [{"role": "assistant", "content": "b"}]}),
            (),
            ["no chat template"],
        ),
        (rows({"prompt": "ab>" * 9, "completion": "ab"}), (), ["row 0", "28 tokens", "truncate"]),
        (rows({"prompt": "ab>", "completion": "xyz"}), (), ["row 0", "cannot write"]),
        (rows({"prompt": "ab>", "chosen": "a", "rejected": "b"}), (), ["pairs"]),
    ],
    ids=[
        "misspelt",
        "row without answer",
        "empty answer",
        "renamed",
        "empty file",
        "no rows",
        "not JSON",
        "template",
        "long",
        "unknown",
        "pairs",
    ],
)
def test_data_are_refused_with_the_row(guerdon, content, overrides, expected):
    code, said = guerdon("fit", tiny(SFT, rows__jsonl=content), *overrides)
    assert code == 2, said
    if expected != ["pairs"]:
        for words in expected:
            assert words in said
    assert not Path("run/checkpoints").exists()


def test_wrong_rows_are_refused_with_the_setting_that_leaves_all_of_them_out_and_counts_them(guerdon):
    pairs = [{"prompt": f"{w}>", "chosen": w, "rejected": w[::-1]} for w in ("ab", "aab", "abb", "aaab", "abab", "abbb")]
    wrong = [
        {"prompt": "a>", "chosen": "b", "rejected": "b"},
        {"prompt": "b>", "chosen": "a", "rejected": "a"},
        {"prompt": "ab>", "chosen": None, "rejected": "b"},
        {"prompt": None, "chosen": "ab", "rejected": "aa"},
        {"prompt": "ba>", "chosen": 7, "rejected": "b"},
        {"prompt": "ba>", "chosen": "b"},
        {"prompt": "ba>"},
    ]
    file = tiny(SFT, rows__jsonl=rows(*pairs, *wrong))
    dpo = ("model.characters='ab>'", "task={path: rows.jsonl, held_out: 0}", "recipe=dpo", "steps=1", "batch_size=2")
    for command in ("check", "fit"):
        code, said = guerdon(command, file, *dpo)
        assert code == 2 and said.rstrip().endswith("encoding.wrong=drop leaves out all such rows, and counts them"), said
    code, said = guerdon("fit", file, *dpo, "encoding.wrong=drop")
    assert code == 0, said
    assert "7 of 13 training rows cannot be learned from and are left out:" in said
    for words in (
        "2: chosen and rejected are the same, so nothing was preferred (row ",
        "1: column 'chosen' has nothing in it (row 8 of rows.jsonl)",
        "1: column 'prompt' has nothing in it (row 9 of rows.jsonl)",
        "this one is 7 (row 10 of rows.jsonl)",
        "but no 'rejected' (row 11 of rows.jsonl)",
        "1: it has other columns than most rows (row 12 of rows.jsonl)",
    ):
        assert words in said, (words, said)
    tiny(SFT, rows__jsonl=rows(*wrong[:3]))
    code, said = guerdon("fit", file, *dpo, "encoding.wrong=drop", "run=nothing")
    assert code == 2 and "nothing can be learned from any of the 3 training rows" in said, said


def test_rows_that_the_task_itself_cannot_read_are_left_out_as_asked(guerdon):
    """An answer that is not where the expression looks, a column that the prompt is made of and that is missing, an answer that is empty."""
    good = [{"word": w, "solution": f"it is #### {w}"} for w in ("ab", "ba", "a", "b", "aab", "bba")]
    wrong = [
        {"word": "ab", "solution": "it is ab"},
        {"solution": "#### a"},
        {"word": "a", "solution": "####  "},
        {"word": "b", "solution": None},
    ]
    content = rows(*good[:3], *wrong, *good[3:])
    one = "path: rows.jsonl, prompt: '{word}>', columns: {answer: solution}, answer: '#### (.*)'"
    file, overrides = tiny(rows__jsonl=content), (f"task={{{one}, held_out: 2}}", "model.characters='ab>'", "reward=string_match")
    code, said = guerdon("check", file, *overrides)
    assert code == 2 and "encoding.wrong=drop leaves out all such rows" in said, said
    mixed = (f"task=[{{{one}, held_out: 2}}]", *overrides[1:])
    for some in (overrides, mixed):
        code, said = guerdon("train", file, *some, "encoding.wrong=drop", f"run=runs/{len(some[0])}")
        assert code == 0, said
        for words in ("4 of 10 rows cannot be learned from", "(row 3 of rows.jsonl)", "(row 4 of rows.jsonl)", "(row 5 of rows.jsonl)"):
            assert words in said, (words, said)
    code, said = guerdon("train", file, *overrides, "encoding.wrong=drop", "run=runs/x", "steps=1")
    assert code == 0, said
    code, said = guerdon("evaluate", "runs/x/model", file, *overrides, "encoding.wrong=drop")
    assert code == 0 and "4 of 10 rows" in said and "search 2/2" in said, said
    tiny(rows__jsonl=rows(*wrong))
    code, said = guerdon("check", file, *overrides, "encoding.wrong=drop")
    assert code == 2 and "nothing can be learned from any of the 4 rows" in said, said


def test_what_is_too_long_is_no_wrong_row(guerdon):
    """Another setting says what is done with it, and whoever leaves out wrong rows is not to lose long ones unasked."""
    pairs = [{"prompt": f"{w}>", "chosen": w, "rejected": w[::-1]} for w in ("ab", "aab", "abb", "aaab", "a" * 40 + "b")]
    wrong = {"prompt": "a>", "chosen": "b", "rejected": "b"}
    file = tiny(SFT, rows__jsonl=rows(*pairs, wrong))
    dpo = ("model.characters='ab>'", "task={path: rows.jsonl, held_out: 0}", "recipe=dpo", "steps=1", "batch_size=2", "encoding.wrong=drop")
    code, said = guerdon("fit", file, *dpo)
    assert code == 2 and "ask for it to be cut" in said and "encoding.wrong" not in said.partition("ask for it to be cut")[2], said
    code, said = guerdon("fit", file, *dpo, "encoding.truncate=drop")
    assert code == 0 and "1 of 6 training rows cannot be learned from" in said and "1 of 5 training rows" in said, said


def test_prompts_that_are_not_there_are_left_out_as_asked(guerdon):
    content = rows({"prompt": "ab>", "answer": "ab"}, {"prompt": None, "answer": "ab"}, {"prompt": "b>", "answer": "b"})
    overrides = ("task=rows.jsonl", "model.characters='ab>'", "reward=string_match")
    code, said = guerdon("train", tiny(rows__jsonl=content), *overrides, "encoding.wrong=drop")
    assert (code, "1 of 3 training rows cannot be learned from" in said) == (0, True), said


def test_evaluation_leaves_out_what_the_run_left_out(guerdon):
    content = rows(*[{"prompt": p, "answer": "a"} for p in ("ab>", "b>", "ba>", "a>", None, "ab" * 12 + ">")])
    file = tiny(rows__jsonl=content)
    overrides = (
        "task={path: rows.jsonl, held_out: 5, shuffle: false}",
        "model.characters='ab>'",
        "reward=string_match",
        "encoding.wrong=drop",
    )
    code, said = guerdon("train", file, *overrides, "encoding.truncate=drop", "run=runs/x")
    assert code == 0, said
    code, said = guerdon("evaluate", "runs/x/model", file, *overrides, "encoding.truncate=drop")
    assert code == 0, said
    told = [int(n) for n in re.findall(r"(\d+) (?:of 5 held-out rows cannot|held-out rows do not fit)", said)]
    assert sum(told) > 0, said


def test_what_is_no_configuration_is_refused_with_what_to_do(guerdon):
    Path("folder").mkdir()
    Path("tab.yaml").write_text("model:\n\tpart: x\n")
    Path("bytes.yaml").write_bytes(b"\xff\xfe\0")
    for name, words in (
        ("folder", "folder is a folder; give the YAML file of a run"),
        ("tab.yaml", "indent with spaces, not with tabs"),
        ("bytes.yaml", "bytes.yaml is no text in UTF-8 (at byte 0)"),
    ):
        code, said = guerdon("check", name)
        assert code == 2 and words in said, said


def test_a_missing_file_of_rows_is_never_taken_for_something_that_holds_none(guerdon):
    code, said = guerdon("check", tiny(SFT, rows__yaml="", ros__jsonl="{}"))
    assert code == 2 and "there is no file or folder rows.jsonl; did you mean ros.jsonl?" in said
    Path("ros.jsonl").unlink()
    code, said = guerdon("check", tiny(SFT))
    assert code == 2 and said.endswith("there is no file or folder rows.jsonl; check the path")


def test_long_prompts_are_refused_cut_or_dropped_as_asked_and_counted(guerdon):
    content = rows(*({"prompt": "ab" * n + ">", "answer": "ab"} for n in (1, 20, 2)))
    overrides = ("task=rows.jsonl", "model.characters='ab>'", "reward=string_match")
    file = tiny(rows__jsonl=content)
    code, said = guerdon("train", file, *overrides)
    assert code == 2
    assert "room for 28" in said and "truncate" in said and "row" in said
    code, said = guerdon("train", file, *overrides, "encoding.truncate=prompt")
    assert (code, "1 prompts are longer than 28 tokens and are cut" in said) == (0, True)
    code, said = guerdon("train", file, *overrides, "encoding.truncate=drop", "run=dropped")
    assert (code, "1 of 3 training rows" in said and "left out" in said) == (0, True)


# rewards

REWARDS = """
import os, signal, time
calls = []
def short(prompts, completions, **columns): return [1.0] * (len(completions) - 1)
def number(prompts, completions, **columns): return 1.0
def text(prompts, completions, **columns): return ["good"] * len(completions)
def nan(prompts, completions, **columns): return [float("nan")] * len(completions)
def nothing(prompts, completions, **columns): return [None] * len(completions)
def raises(prompts, completions, **columns): raise ValueError("no such unit")
def one_raises(prompts, completions, **columns):
    if any(p.startswith("a") for p in prompts): raise ValueError("no such unit")
    return [float(len(c)) for c in completions]
def one_hangs(prompts, completions, **columns):
    if any(p.startswith("ab") for p in prompts): time.sleep(60)
    return [float(len(c)) for c in completions]
def interrupts(prompts, completions, **columns):
    calls.append(1)
    if len(calls) == 2: signal.raise_signal(signal.SIGINT)
    return [float(len(c)) for c in completions]
def fills_disk(prompts, completions, **columns):
    calls.append(1)
    if len(calls) == 3:  # the evaluation, the first step, the second step: from here on every write fails as on a full disk
        os.remove("run/metrics.jsonl")
        os.symlink("/dev/full", "run/metrics.jsonl")
    return [float(len(c)) for c in completions]
def huge_once(prompts, completions, **columns):
    calls.append(1)
    return [1e300 * (len(calls) == 2) * i for i, c in enumerate(completions)]
"""
HERE = ("reward.timeout=null",)  # in this process, so that a test takes no second for a helper


@pytest.mark.parametrize(
    ("function", "code", "expected"),
    [
        ("short", 2, ["returned 1 values for 2 completions", "one for each"]),
        ("number", 2, ["returned a float", "must return a list"]),
        ("text", 1, ["could not be rewarded", "the str 'good'"]),
        ("nan", 1, ["could not be rewarded", "nan"]),
        ("raises", 1, ["could not be rewarded", "ValueError: no such unit"]),
    ],
)
def test_rewards_that_never_work_stop_the_run(guerdon, function, code, expected):
    got, said = guerdon("train", tiny(rewards__py=REWARDS), f"reward=rewards.py:{function}", *HERE, "reward.failure_window=4")
    assert got == code, said
    for words in expected:
        assert words in said


def test_a_reward_that_applies_to_nothing_teaches_nothing(guerdon):
    code, said = guerdon("train", tiny(rewards__py=REWARDS), "reward=rewards.py:nothing", *HERE)
    assert code == 0, said
    assert all(row.get("empty_steps") == 1 for row in steps() if row["step"] > 0)


def test_a_reward_that_raises_on_some_is_recorded_and_left_out(guerdon):
    overrides = ("reward=rewards.py:one_raises", "reward.failure_bound=1.0", *HERE, "batch_size=8")
    code, said = guerdon("train", tiny(rewards__py=REWARDS), *overrides)
    assert code == 0, said
    completions = [json.loads(line) for line in Path("run/completions.jsonl").read_text().splitlines()]
    failed = [row for row in completions if row["prompt"].startswith("a")]
    assert failed and all(not row["valid"] and "no such unit" in row["error"] for row in failed)
    assert any(row["valid"] for row in completions)
    assert any(0 < row.get("rewards/failed", 0) < 1 for row in steps())


def test_a_reward_that_hangs_on_some_is_recorded_and_left_out(guerdon):
    overrides = ("reward=rewards.py:one_hangs", "reward.timeout=1", "reward.failure_bound=1.0", "steps=2", "reward.workers=1")
    code, said = guerdon("train", tiny(rewards__py=REWARDS), *overrides, "task.alphabet=ab", "model.characters='ab>'", "batch_size=3")
    assert code == 0, said
    completions = [json.loads(line) for line in Path("run/completions.jsonl").read_text().splitlines()]
    failed = [row for row in completions if row["prompt"].startswith("ab")]
    assert failed and all("longer than 1 s" in row["error"] for row in failed)
    assert any(row["valid"] for row in completions)


# what happens while a run goes on


def test_a_damaged_checkpoint_is_passed_over_and_said(guerdon):
    file = tiny()
    assert guerdon("train", file)[0] == 0
    whole = torch.load("run/checkpoints/step-00000003/state.pt", weights_only=False)["learners"]["policy"]["parameters"]
    state = Path("run/checkpoints/step-00000003/state.pt")
    state.write_bytes(state.read_bytes()[:-100])
    code, said = guerdon("train", file)
    assert code == 0
    assert "checkpoint step-00000003 is damaged" in said and "the one before it is used" in said
    again = torch.load(state, weights_only=False)["learners"]["policy"]["parameters"]
    assert all(torch.equal(again[name], value) for name, value in whole.items())


def test_a_folder_with_another_run_is_left_alone(guerdon):
    file = tiny()
    assert guerdon("train", file)[0] == 0
    before = Path("run/metrics.jsonl").read_text()
    code, said = guerdon("train", file, "epsilon=0.1")
    assert code == 2
    assert "recipe.terms.0.loss.epsilon was 0.2, is 0.1" in said
    assert Path("run/metrics.jsonl").read_text() == before


def test_a_run_that_is_a_file(guerdon):
    Path("run").write_text("")
    code, said = guerdon("train", tiny())
    assert code == 2
    assert "give another folder" in said


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_says_so_and_keeps_what_there_is(guerdon):
    file = tiny(rewards__py=REWARDS)
    overrides = ("reward=rewards.py:fills_disk", *HERE)
    code, said = guerdon("train", file, *overrides)
    assert code == 1
    assert "no space left" in said and "goes on from the last checkpoint" in said
    assert [path.name for path in sorted(Path("run/checkpoints").glob("step-*"))] == ["step-00000001"]
    Path("run/metrics.jsonl").unlink()
    code, said = guerdon("train", file, *overrides)
    assert (code, "going on from step 1 of 3" in said) == (0, True)


def test_ctrl_c_finishes_the_step_saves_and_goes_on_later(guerdon):
    file = tiny(rewards__py=REWARDS)
    overrides = ("reward=rewards.py:interrupts", *HERE, "save_every=100")
    code, said = guerdon("train", file, *overrides)
    assert code == 1
    assert "stopped after step 1 of 3" in said and "goes on from there" in said
    assert Path("run/checkpoints/step-00000001/state.pt").exists()
    code, said = guerdon("train", file, *overrides)
    assert (code, "going on from step 1 of 3" in said) == (0, True)


def test_a_step_that_is_not_finite_is_skipped_and_counted(guerdon):
    code, said = guerdon("train", tiny(rewards__py=REWARDS), "reward=rewards.py:huge_once", *HERE)
    assert code == 0, said
    assert sum(row.get("skipped_steps", 0) for row in steps()) == 1


def test_steps_that_are_never_finite_stop_the_run(guerdon):
    code, said = guerdon("train", tiny(), "recipe.terms.0.weight=.inf", "steps=20")
    assert code == 1
    assert "5 steps in a row were skipped" in said and "lower learning_rate" in said


def test_debug_shows_the_traceback():
    with pytest.raises(Exception, match="unknown recipe"):
        main(["train", tiny(), "recipe=grop", "--debug"])


def test_a_process_of_its_own_stops_on_the_signal_of_a_terminal(folder):
    file = tiny()
    command = [sys.executable, "-c", "import sys; from guerdon.interfaces.cli import main; sys.exit(main())", "train", file, "steps=100000"]
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    deadline = time.monotonic() + 120
    while not list(Path("run").glob("checkpoints/step-*")) and time.monotonic() < deadline:
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1, said
    assert "stopped after step" in said and "Traceback" not in said
